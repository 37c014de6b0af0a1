//! From the key conditions of a plan to the bytes of key ranges.

use std::collections::BTreeSet;
use std::ops::Bound;

use bytes::Bytes;
use heliosdb_storage::RowKey;
use heliosdb_storage::key::{KeyOrder, KeyRange, encode_ordered, encode_tuple};
use heliosdb_storage::value::{DataType, Value};

use super::context::ExecContext;
use crate::error::Result;
use crate::eval::eval;
use crate::plan::{KeyBounds, KeyPart, KeyValue};

/// A value as a key column sees it.
enum Fitted {
    /// NULL, which no comparison is true for.
    Null,
    /// A value of the column's type.
    Value(Value),
    /// Less than every value of the column's type.
    Below,
    /// Greater than every value of the column's type.
    Above,
}

/// The key of a point look-up; none if no row can have it.
pub fn point(key: &[KeyPart], ctx: &ExecContext<'_>) -> Result<Option<RowKey>> {
    if let [part] = key {
        return match fitted(part, ctx)? {
            Fitted::Value(value) => Ok(Some(RowKey(encode_tuple([&value])?))),
            Fitted::Null | Fitted::Below | Fitted::Above => Ok(None),
        };
    }
    let mut values = Vec::with_capacity(key.len());
    for part in key {
        match fitted(part, ctx)? {
            Fitted::Value(value) => values.push(value),
            Fitted::Null | Fitted::Below | Fitted::Above => return Ok(None),
        }
    }
    Ok(Some(RowKey(encode_tuple(&values)?)))
}

/// The ranges of keys, in their order, none of which overlap.
pub fn ranges(bounds: &KeyBounds, ctx: &ExecContext<'_>) -> Result<Vec<KeyRange>> {
    let mut prefixes = vec![Vec::new()];
    for value in &bounds.equal {
        let parts = encoded(value, ctx)?;
        prefixes = match parts.as_slice() {
            [] => return Ok(Vec::new()),
            [part] => {
                prefixes.iter_mut().for_each(|prefix: &mut Vec<u8>| prefix.extend_from_slice(part));
                prefixes
            }
            parts => prefixes.iter().flat_map(|prefix| parts.iter().map(|part| [&**prefix, part].concat())).collect(),
        };
    }
    let mut ranges = Vec::with_capacity(prefixes.len());
    for prefix in prefixes {
        ranges.extend(range(&prefix, bounds, ctx)?);
    }
    Ok(ranges)
}

/// The encodings of what a column is equal to, in order, each once.
fn encoded(value: &KeyValue, ctx: &ExecContext<'_>) -> Result<Vec<Vec<u8>>> {
    let one = |part: &KeyPart| -> Result<Option<Vec<u8>>> {
        match fitted(part, ctx)? {
            Fitted::Value(value) => extended(&[], &value, part.order).map(Some),
            Fitted::Null | Fitted::Below | Fitted::Above => Ok(None),
        }
    };
    Ok(match value {
        KeyValue::One(part) => one(part)?.into_iter().collect(),
        KeyValue::Null(order) => vec![extended(&[], &Value::Null, *order)?],
        KeyValue::Any(parts) => {
            let mut all = BTreeSet::new();
            for part in parts {
                all.extend(one(part)?);
            }
            all.into_iter().collect()
        }
    })
}

/// The range behind a prefix; none if it is empty.
fn range(prefix: &[u8], bounds: &KeyBounds, ctx: &ExecContext<'_>) -> Result<Option<KeyRange>> {
    let bounded = bounds.lower.iter().chain(&bounds.upper).next().map(|bound| bound.part.order);
    let Some(order) = bounded.or(bounds.not_null) else {
        return Ok(Some(if prefix.is_empty() { KeyRange::ALL } else { KeyRange::prefix(prefix) }));
    };
    // Descending values run the other way.
    let (low, high) = if order.descending { (&bounds.upper, &bounds.lower) } else { (&bounds.lower, &bounds.upper) };
    let start = match low {
        None => Some(after_nulls(prefix, order)?),
        Some(bound) => match fitted(&bound.part, ctx)? {
            Fitted::Null => None,
            Fitted::Value(value) => {
                let key = extended(prefix, &value, order)?;
                if bound.inclusive { Some(Bound::Included(key.into())) } else { behind(&key) }
            }
            // Beyond all values: all of them are on the right side of it, or none.
            Fitted::Below if !order.descending => Some(after_nulls(prefix, order)?),
            Fitted::Above if order.descending => Some(after_nulls(prefix, order)?),
            Fitted::Below | Fitted::Above => None,
        },
    };
    let end = match high {
        None => Some(before_nulls(prefix, order)?),
        Some(bound) => match fitted(&bound.part, ctx)? {
            Fitted::Null => None,
            Fitted::Value(value) => {
                let key = extended(prefix, &value, order)?;
                Some(if bound.inclusive { KeyRange::prefix(&key).end } else { Bound::Excluded(key.into()) })
            }
            Fitted::Above if !order.descending => Some(before_nulls(prefix, order)?),
            Fitted::Below if order.descending => Some(before_nulls(prefix, order)?),
            Fitted::Below | Fitted::Above => None,
        },
    };
    Ok(start.zip(end).map(|(start, end)| KeyRange { start, end }))
}

fn extended(prefix: &[u8], value: &Value, order: KeyOrder) -> Result<Vec<u8>> {
    let mut key = Vec::with_capacity(prefix.len() + 16);
    key.extend_from_slice(prefix);
    encode_ordered(value, order, &mut key)?;
    Ok(key)
}

/// The first key behind all those that begin with these bytes.
fn behind(key: &[u8]) -> Option<Bound<Bytes>> {
    match KeyRange::prefix(key).end {
        Bound::Excluded(end) => Some(Bound::Included(end)),
        Bound::Included(end) => Some(Bound::Excluded(end)),
        Bound::Unbounded => None,
    }
}

/// Where the values that are not NULL begin.
fn after_nulls(prefix: &[u8], order: KeyOrder) -> Result<Bound<Bytes>> {
    if !order.nulls_first {
        return Ok(Bound::Included(Bytes::copy_from_slice(prefix)));
    }
    let null = extended(prefix, &Value::Null, order)?;
    Ok(behind(&null).unwrap_or(Bound::Included(null.into())))
}

/// Where they end.
fn before_nulls(prefix: &[u8], order: KeyOrder) -> Result<Bound<Bytes>> {
    if order.nulls_first {
        return Ok(KeyRange::prefix(prefix).end);
    }
    Ok(Bound::Excluded(extended(prefix, &Value::Null, order)?.into()))
}

fn fitted(part: &KeyPart, ctx: &ExecContext<'_>) -> Result<Fitted> {
    let value = eval(&part.expr, &[], &ctx.eval())?;
    let number = match &value {
        Value::Null => return Ok(Fitted::Null),
        Value::Int2(n) => i64::from(*n),
        Value::Int4(n) => i64::from(*n),
        Value::Int8(n) => *n,
        _ => return Ok(Fitted::Value(value)),
    };
    let narrowed = match part.column {
        DataType::Int2 => i16::try_from(number).ok().map(Value::Int2),
        DataType::Int4 => i32::try_from(number).ok().map(Value::Int4),
        DataType::Int8 => Some(Value::Int8(number)),
        _ => Some(value),
    };
    Ok(match narrowed {
        Some(value) => Fitted::Value(value),
        None if number < 0 => Fitted::Below,
        None => Fitted::Above,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_a_key_are_no_keys_that_begin_with_it() {
        assert_eq!(behind(&[1, 2]), Some(Bound::Included(Bytes::from_static(&[1, 3]))));
        assert_eq!(behind(&[0xff]), None);
    }

    #[test]
    fn nulls_are_at_the_end_that_the_order_says() {
        let last = KeyOrder { descending: false, nulls_first: false };
        let first = KeyOrder { descending: true, nulls_first: true };
        let null_first = extended(&[7], &Value::Null, first).unwrap();
        let null_last = extended(&[7], &Value::Null, last).unwrap();
        let Bound::Included(start) = after_nulls(&[7], first).unwrap() else { panic!() };
        assert!(null_first.as_slice() < &start[..]);
        let Bound::Excluded(end) = before_nulls(&[7], last).unwrap() else { panic!() };
        assert_eq!(null_last, end);
    }
}
