//! From the key conditions of a plan to the bytes of a key range.

use std::ops::Bound;

use bytes::Bytes;
use heliosdb_storage::RowKey;
use heliosdb_storage::key::{KeyRange, encode_tuple, encode_value};
use heliosdb_storage::value::{DataType, Value};

use super::context::ExecContext;
use crate::error::Result;
use crate::eval::eval;
use crate::plan::{KeyBound, KeyBounds, KeyPart};

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
    let mut values = Vec::with_capacity(key.len());
    for part in key {
        match fitted(part, ctx)? {
            Fitted::Value(value) => values.push(value),
            Fitted::Null | Fitted::Below | Fitted::Above => return Ok(None),
        }
    }
    Ok(Some(RowKey(encode_tuple(&values)?)))
}

/// The range of keys; none if it is empty.
pub fn range(bounds: &KeyBounds, ctx: &ExecContext<'_>) -> Result<Option<KeyRange>> {
    let mut prefix = Vec::new();
    for part in &bounds.equal {
        match fitted(part, ctx)? {
            Fitted::Value(value) => encode_value(&value, &mut prefix)?,
            Fitted::Null | Fitted::Below | Fitted::Above => return Ok(None),
        }
    }
    let start = match &bounds.lower {
        None => Some(Bound::Included(Bytes::copy_from_slice(&prefix))),
        Some(bound) => lower(&prefix, bound, ctx)?,
    };
    let end = match &bounds.upper {
        Some(bound) => upper(&prefix, bound, ctx)?,
        None if bounds.lower.is_some() => Some(before_nulls(&prefix)?),
        None if prefix.is_empty() => Some(Bound::Unbounded),
        None => Some(KeyRange::prefix(&prefix).end),
    };
    Ok(match (start, end) {
        (Some(start), Some(end)) => Some(KeyRange { start, end }),
        _ => None,
    })
}

fn lower(prefix: &[u8], bound: &KeyBound, ctx: &ExecContext<'_>) -> Result<Option<Bound<Bytes>>> {
    Ok(match fitted(&bound.part, ctx)? {
        Fitted::Null | Fitted::Above => None,
        Fitted::Below => Some(Bound::Included(Bytes::copy_from_slice(prefix))),
        Fitted::Value(value) => {
            let key = extended(prefix, &value)?;
            if bound.inclusive { Some(Bound::Included(key.into())) } else { behind(&key) }
        }
    })
}

fn upper(prefix: &[u8], bound: &KeyBound, ctx: &ExecContext<'_>) -> Result<Option<Bound<Bytes>>> {
    Ok(match fitted(&bound.part, ctx)? {
        Fitted::Null | Fitted::Below => None,
        Fitted::Above => Some(before_nulls(prefix)?),
        Fitted::Value(value) => {
            let key = extended(prefix, &value)?;
            Some(if bound.inclusive { KeyRange::prefix(&key).end } else { Bound::Excluded(key.into()) })
        }
    })
}

fn extended(prefix: &[u8], value: &Value) -> Result<Vec<u8>> {
    let mut key = prefix.to_vec();
    encode_value(value, &mut key)?;
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

fn before_nulls(prefix: &[u8]) -> Result<Bound<Bytes>> {
    Ok(Bound::Excluded(extended(prefix, &Value::Null)?.into()))
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
