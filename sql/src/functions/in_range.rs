//! RANGE frames with an offset: how far a value lies from another one.

use bigdecimal::num_bigint::Sign;
use heliosdb_storage::value::{DataType, Numeric, Value};

use super::bad_arguments;
use crate::error::{Result, SqlError, SqlState};

/// Where a frame ends in the order of a column, from the row that it belongs to.
#[derive(Clone, PartialEq, Debug)]
pub enum Edge {
    /// Before all values.
    BeforeAll,
    /// At a value.
    At(Value),
    /// Behind all values.
    AfterAll,
}

/// The type of the offsets for a column of an order; none if there are none. An offset of unknown type is taken for one
/// of the column's.
pub const fn offset_type(column: DataType, given: DataType) -> Option<DataType> {
    match column {
        DataType::Int2 | DataType::Int4 if matches!(given, DataType::Unknown) => Some(column),
        DataType::Int2 | DataType::Int4 | DataType::Int8 => Some(DataType::Int8),
        DataType::Float8 => Some(DataType::Float8),
        DataType::Numeric => Some(DataType::Numeric),
        _ => None,
    }
}

/// `base + offset`, or `base - offset`.
pub fn edge(base: &Value, offset: &Value, subtract: bool) -> Result<Edge> {
    let beyond = if subtract { Edge::BeforeAll } else { Edge::AfterAll };
    if let (Some(base), Some(offset)) = (whole(base), whole(offset)) {
        return integer(base, offset, subtract, beyond);
    }
    match (base, offset) {
        (Value::Float8(base), Value::Float8(offset)) => {
            if offset.is_nan() || *offset < 0.0 {
                return Err(invalid_size());
            }
            let sum = if subtract { base - offset } else { base + offset };
            // Infinity less infinity is taken for out of all bounds.
            Ok(if sum.is_nan() && !base.is_nan() { beyond } else { Edge::At(Value::Float8(sum)) })
        }
        (Value::Numeric(base), Value::Numeric(offset)) => numeric(base, offset, subtract),
        _ => Err(bad_arguments("RANGE", &[base.clone(), offset.clone()])),
    }
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Int2(n) => Some(i64::from(*n)),
        Value::Int4(n) => Some(i64::from(*n)),
        Value::Int8(n) => Some(*n),
        _ => None,
    }
}

fn integer(base: i64, offset: i64, subtract: bool, beyond: Edge) -> Result<Edge> {
    if offset < 0 {
        return Err(invalid_size());
    }
    let sum = if subtract { base.checked_sub(offset) } else { base.checked_add(offset) };
    Ok(sum.map_or(beyond, |sum| Edge::At(Value::Int8(sum))))
}

fn numeric(base: &Numeric, offset: &Numeric, subtract: bool) -> Result<Edge> {
    let Numeric::Finite(offset) = offset else { return Err(invalid_size()) };
    if offset.sign() == Sign::Minus {
        return Err(invalid_size());
    }
    let Numeric::Finite(finite) = base else { return Ok(Edge::At(Value::Numeric(Box::new(base.clone())))) };
    let sum = if subtract { finite - offset } else { finite + offset };
    Ok(Edge::At(Value::Numeric(Box::new(Numeric::Finite(sum)))))
}

fn invalid_size() -> SqlError {
    SqlError::new(
        SqlState::INVALID_PRECEDING_OR_FOLLOWING_SIZE,
        "invalid preceding or following size in window function",
    )
}
