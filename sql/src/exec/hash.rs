//! Values as keys of hash tables: equal as SQL's grouping has it (NULL equals NULL), and hashed alike then.

use std::hash::{Hash, Hasher};

use heliosdb_storage::value::{Numeric, Value};

use crate::eval::compare;

/// A tuple of values as a key.
#[derive(Clone, Debug)]
pub struct HashKey(pub Vec<Value>);

impl PartialEq for HashKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(|(a, b)| compare(a, b).is_eq())
    }
}

impl Eq for HashKey {}

impl Hash for HashKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.iter().for_each(|value| hash_value(value, state));
    }
}

fn hash_value<H: Hasher>(value: &Value, state: &mut H) {
    match value {
        Value::Null => 0_u8.hash(state),
        Value::Bool(b) => b.hash(state),
        // Integers of different widths can be equal.
        Value::Int2(n) => i64::from(*n).hash(state),
        Value::Int4(n) => i64::from(*n).hash(state),
        Value::Int8(n) => n.hash(state),
        Value::Float8(n) if n.is_nan() => 1_u8.hash(state),
        // Zero has two signs.
        Value::Float8(n) => (n + 0.0).to_bits().hash(state),
        Value::Numeric(n) => match n.as_ref() {
            Numeric::NaN => 1_u8.hash(state),
            // 1.50 equals 1.5.
            Numeric::Finite(decimal) => decimal.normalized().hash(state),
        },
        Value::Text(text) => text.hash(state),
        Value::Uuid(uuid) => uuid.hash(state),
        Value::Date(days) => days.hash(state),
        Value::TimestampTz(micros) => micros.hash(state),
        // Documents that print differently may be equal (1 and 1.0); grouping by them is rare enough to be slow.
        Value::Jsonb(_) => 2_u8.hash(state),
        Value::Oid(oid) => i64::from(*oid).hash(state),
        Value::Reg(object) => i64::from(object.oid).hash(state),
        Value::Float4(n) => hash_value(&Value::Float8(f64::from(*n)), state),
        Value::Bpchar(text) => text.trim_end_matches(' ').hash(state),
        Value::Bytea(bytes) => bytes.hash(state),
        Value::Time(micros) | Value::Timestamp(micros) => micros.hash(state),
        Value::TimeTz(micros, zone) => (micros, zone).hash(state),
        // A month equals 30 days.
        Value::Interval(interval) => interval.span().hash(state),
        Value::Json(text) => text.hash(state),
        Value::Enum(label) => label.label.hash(state),
        Value::Array(array) => array.values().iter().for_each(|value| hash_value(value, state)),
        Value::Record(record) => record.values.iter().for_each(|value| hash_value(value, state)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn distinct(values: Vec<Value>) -> usize {
        values.into_iter().map(|value| HashKey(vec![value])).collect::<HashSet<_>>().len()
    }

    #[test]
    fn equal_values_are_one_key() {
        let numeric = |text: &str| Value::Numeric(Box::new(Numeric::Finite(text.parse().unwrap())));
        assert_eq!(distinct(vec![Value::Int4(1), Value::Int8(1), Value::Int2(1)]), 1);
        assert_eq!(distinct(vec![Value::Float8(0.0), Value::Float8(-0.0)]), 1);
        assert_eq!(distinct(vec![Value::Float8(f64::NAN), Value::Float8(-f64::NAN)]), 1);
        assert_eq!(distinct(vec![numeric("1.50"), numeric("1.5"), numeric("0.15e1")]), 1);
        assert_eq!(distinct(vec![Value::Null, Value::Null]), 1);
        assert_eq!(distinct(vec![Value::text("a"), Value::text("b"), Value::text("a")]), 2);
    }
}
