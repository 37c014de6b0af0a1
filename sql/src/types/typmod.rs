//! Type modifiers: `varchar(n)`, `numeric(p, s)`, `timestamptz(p)`.

use std::sync::Arc;

use heliosdb_storage::value::{ColumnType, DataType, Numeric, Value};

use super::{datetime, numeric};
use crate::error::{Result, SqlError, SqlState};

/// PostgreSQL adds the size of a length word to the lengths in its modifiers.
const HEADER: i32 = 4;
/// The longest `varchar(n)`.
const MAX_VARCHAR_LENGTH: i64 = 10 * 1024 * 1024;
/// The most digits of a `numeric(p, s)`.
const MAX_NUMERIC_PRECISION: i64 = 1000;
/// The bounds of its scale, either side of 0.
const MAX_NUMERIC_SCALE: i64 = 1000;
/// The scale takes the lower eleven bits, as a two's complement number.
const SCALE_MASK: i32 = 0x7ff;
const SCALE_SIGN: i32 = 1024;
/// The most digits after the seconds' point.
const MAX_TIME_PRECISION: i64 = 6;

/// The modifier that stands for what was written in parentheses after the type's name.
pub fn from_arguments(data_type: DataType, arguments: &[i64]) -> Result<i32> {
    let invalid = |message: String| SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message);
    let small = |n: i64| i32::try_from(n).expect("BUG: bounded by the checks above");
    match (data_type, arguments) {
        (_, []) => Ok(-1),
        (DataType::Varchar, &[length]) => match length {
            ..1 => Err(invalid("length for type varchar must be at least 1".to_owned())),
            1..=MAX_VARCHAR_LENGTH => Ok(small(length) + HEADER),
            _ => Err(invalid(format!("length for type varchar cannot exceed {MAX_VARCHAR_LENGTH}"))),
        },
        (DataType::Numeric, &[precision, ref rest @ ..]) if rest.len() <= 1 => {
            let scale = rest.first().copied().unwrap_or(0);
            if !(1..=MAX_NUMERIC_PRECISION).contains(&precision) {
                return Err(invalid(format!(
                    "NUMERIC precision {precision} must be between 1 and {MAX_NUMERIC_PRECISION}"
                )));
            }
            if !(-MAX_NUMERIC_SCALE..=MAX_NUMERIC_SCALE).contains(&scale) {
                return Err(invalid(format!(
                    "NUMERIC scale {scale} must be between -{MAX_NUMERIC_SCALE} and {MAX_NUMERIC_SCALE}"
                )));
            }
            Ok(((small(precision) << 16) | (small(scale) & SCALE_MASK)) + HEADER)
        }
        (DataType::Numeric, _) => Err(invalid("invalid NUMERIC type modifier".to_owned())),
        (DataType::TimestampTz, &[precision]) => match precision {
            ..0 => Err(invalid(format!("TIMESTAMP({precision}) WITH TIME ZONE precision must not be negative"))),
            // PostgreSQL reduces a larger precision to the largest, with a warning.
            _ => Ok(small(precision.min(MAX_TIME_PRECISION))),
        },
        (DataType::Varchar | DataType::TimestampTz, _) => Err(invalid("invalid type modifier".to_owned())),
        _ => Err(SqlError::new(
            SqlState::SYNTAX_ERROR,
            format!("type modifier is not allowed for type \"{}\"", super::names::catalog_name(data_type)),
        )),
    }
}

/// The n of `varchar(n)`.
pub fn varchar_length(modifier: i32) -> Option<usize> {
    usize::try_from(modifier.checked_sub(HEADER)?).ok()
}

/// The p and s of `numeric(p, s)`.
pub fn numeric_precision_scale(modifier: i32) -> Option<(i32, i32)> {
    let bits = modifier.checked_sub(HEADER).filter(|bits| *bits >= 0)?;
    Some(((bits >> 16) & 0xffff, ((bits & SCALE_MASK) ^ SCALE_SIGN) - SCALE_SIGN))
}

/// Makes a value fit its modifier: rounds, or fails as PostgreSQL does. An explicit cast cuts text off.
pub fn apply(value: Value, to: ColumnType, explicit: bool) -> Result<Value> {
    if to.typmod < 0 {
        return Ok(value);
    }
    match (to.data_type, value) {
        (DataType::Varchar, Value::Text(text)) => apply_varchar(text, to.typmod, explicit),
        (DataType::Numeric, Value::Numeric(n)) => {
            let Some((precision, scale)) = numeric_precision_scale(to.typmod) else { return Ok(Value::Numeric(n)) };
            match *n {
                Numeric::NaN => Ok(Value::Numeric(n)),
                Numeric::Finite(decimal) => {
                    let fitted = numeric::fit(decimal, precision, scale)?;
                    Ok(Value::Numeric(Box::new(Numeric::Finite(fitted))))
                }
            }
        }
        (DataType::TimestampTz, Value::TimestampTz(micros)) => {
            Ok(Value::TimestampTz(datetime::round_micros(micros, to.typmod)))
        }
        (_, value) => Ok(value),
    }
}

fn apply_varchar(text: Arc<str>, modifier: i32, explicit: bool) -> Result<Value> {
    let Some(length) = varchar_length(modifier) else { return Ok(Value::Text(text)) };
    // No string has more characters than bytes.
    if text.len() <= length {
        return Ok(Value::Text(text));
    }
    let Some((cut, _)) = text.char_indices().nth(length) else { return Ok(Value::Text(text)) };
    let (kept, excess) = text.split_at(cut);
    // SQL wants spaces beyond the length to vanish without an error.
    if explicit || excess.bytes().all(|b| b == b' ') {
        return Ok(Value::text(kept));
    }
    Err(SqlError::new(
        SqlState::STRING_DATA_RIGHT_TRUNCATION,
        format!("value too long for type character varying({length})"),
    ))
}
