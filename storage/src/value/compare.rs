//! The order of values.

use std::cmp::Ordering;

use super::Value;

/// See [`Value::compare`].
pub(super) fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Int4(a), Value::Int4(b)) => a.cmp(b),
        (Value::Int8(a), Value::Int8(b)) => a.cmp(b),
        (Value::Float8(a), Value::Float8(b)) => compare_floats(*a, *b),
        (Value::Numeric(a), Value::Numeric(b)) => a.cmp(b),
        (Value::Text(a), Value::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Value::Uuid(a), Value::Uuid(b)) => a.cmp(b),
        (Value::Date(a), Value::Date(b)) => a.cmp(b),
        (Value::TimestampTz(a), Value::TimestampTz(b)) => a.cmp(b),
        (Value::Jsonb(a), Value::Jsonb(b)) => a.compare(b),
        (Value::Float4(a), Value::Float4(b)) => compare_floats(f64::from(*a), f64::from(*b)),
        (Value::Float4(a), Value::Float8(b)) => compare_floats(f64::from(*a), *b),
        (Value::Float8(a), Value::Float4(b)) => compare_floats(*a, f64::from(*b)),
        (Value::Bpchar(a), Value::Bpchar(b)) => without_blanks(a).cmp(without_blanks(b)),
        (Value::Bytea(a), Value::Bytea(b)) => a.cmp(b),
        (Value::Time(a), Value::Time(b)) | (Value::Timestamp(a), Value::Timestamp(b)) => a.cmp(b),
        (Value::TimeTz(a, zone_a), Value::TimeTz(b, zone_b)) => {
            time_tz_order(*a, *zone_a).cmp(&time_tz_order(*b, *zone_b))
        }
        (Value::Interval(a), Value::Interval(b)) => a.compare(*b),
        (Value::Json(a), Value::Json(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Value::Enum(a), Value::Enum(b)) => a.order.total_cmp(&b.order),
        (Value::Array(a), Value::Array(b)) => a.compare(b),
        (Value::Record(a), Value::Record(b)) => a.compare(b),
        _ => match (integer(a), integer(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => type_rank(a).cmp(&type_rank(b)),
        },
    }
}

/// NaN equals itself and is above all numbers; the two zeros are equal.
fn compare_floats(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// The bytes of a `char(n)` that count.
pub(crate) fn without_blanks(text: &str) -> &[u8] {
    text.trim_end_matches(' ').as_bytes()
}

/// What a `timetz` compares by: its moment at Greenwich, then its zone, the eastern one first.
pub(crate) fn time_tz_order(micros: i64, east: i32) -> (i64, i32) {
    (micros.saturating_sub(i64::from(east) * 1_000_000), east.saturating_neg())
}

/// The number of an integer or an object.
fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Oid(oid) => Some(i64::from(*oid)),
        Value::Reg(object) => Some(i64::from(object.oid)),
        Value::Int2(n) => Some(i64::from(*n)),
        Value::Int4(n) => Some(i64::from(*n)),
        Value::Int8(n) => Some(*n),
        _ => None,
    }
}

/// The order of types, which is also that of the tags in keys. NULL is last.
pub(crate) const fn type_rank(value: &Value) -> u8 {
    match value {
        Value::Bool(_) => 1,
        Value::Int2(_) | Value::Int4(_) | Value::Int8(_) | Value::Oid(_) | Value::Reg(_) => 2,
        Value::Float4(_) | Value::Float8(_) => 3,
        Value::Numeric(_) => 4,
        Value::Text(_) => 5,
        Value::Uuid(_) => 6,
        Value::Date(_) => 7,
        Value::TimestampTz(_) => 8,
        Value::Jsonb(_) => 9,
        Value::Bytea(_) => 10,
        Value::Time(_) => 11,
        Value::TimeTz(..) => 12,
        Value::Timestamp(_) => 13,
        Value::Interval(_) => 14,
        Value::Array(_) => 15,
        Value::Record(_) => 16,
        Value::Enum(_) => 17,
        Value::Bpchar(_) => 18,
        Value::Json(_) => 19,
        Value::Null => 0xff,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::strategies::{TYPES, values_of};
    use super::*;

    fn triples() -> impl Strategy<Value = (Value, Value, Value)> {
        proptest::sample::select(&TYPES[..]).prop_flat_map(|t| (values_of(t), values_of(t), values_of(t)))
    }

    proptest! {
        #[test]
        fn is_a_total_order((a, b, c) in triples()) {
            prop_assert_eq!(a.compare(&a), Ordering::Equal);
            prop_assert_eq!(a.compare(&b), b.compare(&a).reverse());
            if a.compare(&b).is_le() && b.compare(&c).is_le() {
                prop_assert!(a.compare(&c).is_le());
            }
            if a.is_identical(&b) {
                prop_assert_eq!(a.compare(&b), Ordering::Equal);
            }
        }
    }

    #[test]
    fn null_is_last_and_nan_above_all_numbers() {
        let nan = Value::Float8(f64::NAN);
        assert_eq!(nan.compare(&Value::Float8(f64::INFINITY)), Ordering::Greater);
        assert_eq!(nan.compare(&Value::Float8(-f64::NAN)), Ordering::Equal);
        assert_eq!(nan.compare(&Value::Null), Ordering::Less);
        assert_eq!(Value::Float8(-0.0).compare(&Value::Float8(0.0)), Ordering::Equal);
        assert_eq!(Value::Int2(3).compare(&Value::Int8(2)), Ordering::Greater);
        assert_eq!(Value::text("a").compare(&Value::text("B")), Ordering::Greater);
    }
}
