//! Type modifiers: `varchar(n)`, `numeric(p, s)`, `timestamptz(p)`, `interval day to second`.

use std::sync::Arc;

use heliosdb_storage::value::{Array, ColumnType, DataType, Interval, Numeric, Value};

use super::interval::fields;
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
/// The precision of an interval's modifier that names none.
const FULL_PRECISION: i32 = 0xffff;

/// The modifier that stands for what was written in parentheses after the type's name.
pub fn from_arguments(data_type: DataType, arguments: &[i64]) -> Result<i32> {
    let invalid = |message: String| SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message);
    let small = |n: i64| i32::try_from(n).expect("BUG: bounded by the checks above");
    if let DataType::Array(element) = data_type {
        return from_arguments(element.data_type(), arguments);
    }
    match (data_type, arguments) {
        (_, []) => Ok(-1),
        (DataType::Varchar | DataType::Bpchar, &[length]) => {
            let name = if data_type == DataType::Bpchar { "char" } else { "varchar" };
            match length {
                ..1 => Err(invalid(format!("length for type {name} must be at least 1"))),
                1..=MAX_VARCHAR_LENGTH => Ok(small(length) + HEADER),
                _ => Err(invalid(format!("length for type {name} cannot exceed {MAX_VARCHAR_LENGTH}"))),
            }
        }
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
        (DataType::Interval, &[precision]) => interval(fields::FULL, Some(precision)),
        (DataType::Time | DataType::TimeTz | DataType::Timestamp | DataType::TimestampTz, &[precision]) => {
            let is_stamp = matches!(data_type, DataType::Timestamp | DataType::TimestampTz);
            let has_zone = matches!(data_type, DataType::TimeTz | DataType::TimestampTz);
            match precision {
                ..0 => Err(invalid(format!(
                    "{}({precision}){} precision must not be negative",
                    if is_stamp { "TIMESTAMP" } else { "TIME" },
                    if has_zone { " WITH TIME ZONE" } else { "" }
                ))),
                // PostgreSQL reduces a larger precision to the largest, with a warning.
                _ => Ok(small(precision.min(MAX_TIME_PRECISION))),
            }
        }
        (
            DataType::Varchar
            | DataType::Bpchar
            | DataType::Time
            | DataType::TimeTz
            | DataType::Timestamp
            | DataType::TimestampTz
            | DataType::Interval,
            _,
        ) => Err(invalid("invalid type modifier".to_owned())),
        _ => Err(SqlError::new(
            SqlState::SYNTAX_ERROR,
            format!("type modifier is not allowed for type \"{}\"", super::names::catalog_name(data_type)),
        )),
    }
}

/// The modifier of an interval: which fields it has, and how many digits its seconds have.
pub fn interval(range: i32, precision: Option<i64>) -> Result<i32> {
    let precision = match precision {
        None => FULL_PRECISION,
        Some(precision @ 0..) => i32::try_from(precision.min(MAX_TIME_PRECISION)).unwrap_or(FULL_PRECISION),
        Some(precision) => {
            let message = format!("INTERVAL({precision}) precision must not be negative");
            return Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
    };
    Ok(range << 16 | precision)
}

/// The fields of an interval's modifier.
pub const fn interval_range(modifier: i32) -> i32 {
    if modifier < 0 { fields::FULL } else { modifier >> 16 & fields::FULL }
}

/// What `format_type` prints behind `interval`.
pub fn interval_suffix(modifier: i32) -> String {
    const NAMED: [(i32, &str); 13] = [
        (fields::YEAR, " year"),
        (fields::MONTH, " month"),
        (fields::DAY, " day"),
        (fields::HOUR, " hour"),
        (fields::MINUTE, " minute"),
        (fields::SECOND, " second"),
        (fields::YEAR | fields::MONTH, " year to month"),
        (fields::DAY | fields::HOUR, " day to hour"),
        (fields::DAY | fields::HOUR | fields::MINUTE, " day to minute"),
        (fields::DAY | fields::HOUR | fields::MINUTE | fields::SECOND, " day to second"),
        (fields::HOUR | fields::MINUTE, " hour to minute"),
        (fields::HOUR | fields::MINUTE | fields::SECOND, " hour to second"),
        (fields::MINUTE | fields::SECOND, " minute to second"),
    ];
    let range = interval_range(modifier);
    let name = NAMED.iter().find(|(fields, _)| *fields == range).map_or("", |(_, name)| *name);
    match modifier & FULL_PRECISION {
        FULL_PRECISION => name.to_owned(),
        precision => format!("{name}({precision})"),
    }
}

/// The n of `varchar(n)` and `char(n)`.
pub fn char_length(modifier: i32) -> Option<usize> {
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
    let precision = to.typmod;
    match (to.data_type, value) {
        (DataType::Varchar, Value::Text(text)) => apply_varchar(text, to.typmod, explicit),
        (DataType::Bpchar, Value::Bpchar(text)) => apply_bpchar(text, to.typmod, explicit),
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
            Ok(Value::TimestampTz(datetime::round_micros(micros, precision)))
        }
        (DataType::Timestamp, Value::Timestamp(micros)) => {
            Ok(Value::Timestamp(datetime::round_micros(micros, precision)))
        }
        (DataType::Time, Value::Time(micros)) => Ok(Value::Time(datetime::round_micros(micros, precision))),
        (DataType::TimeTz, Value::TimeTz(micros, zone)) => {
            Ok(Value::TimeTz(datetime::round_micros(micros, precision), zone))
        }
        (DataType::Interval, Value::Interval(value)) => Ok(Value::Interval(apply_interval(value, to.typmod))),
        (DataType::Array(element), Value::Array(array)) => {
            let element = ColumnType { data_type: element.data_type(), typmod: to.typmod };
            let values = array.values().iter().map(|value| apply(value.clone(), element, explicit));
            let values = values.collect::<Result<Vec<_>>>()?;
            let fitted = Array::with_dimensions(element.data_type, array.dimensions().to_vec(), values);
            Ok(fitted.map_or(Value::Null, |array| Value::Array(array.into())))
        }
        (_, value) => Ok(value),
    }
}

/// Drops the fields below the smallest of the modifier and rounds the seconds.
fn apply_interval(value: Interval, modifier: i32) -> Interval {
    let range = interval_range(modifier);
    let Interval { months, micros, .. } = value;
    let cut = |unit: i64| micros / unit * unit;
    let value = if range == fields::FULL || range & fields::SECOND != 0 {
        value
    } else if range & fields::MINUTE != 0 {
        Interval { micros: cut(datetime::MINUTE), ..value }
    } else if range & fields::HOUR != 0 {
        Interval { micros: cut(datetime::HOUR), ..value }
    } else if range & fields::DAY != 0 {
        Interval { micros: 0, ..value }
    } else if range & fields::MONTH != 0 {
        Interval { months, days: 0, micros: 0 }
    } else {
        Interval { months: months / 12 * 12, days: 0, micros: 0 }
    };
    match modifier & FULL_PRECISION {
        FULL_PRECISION => value,
        precision => Interval { micros: datetime::round_micros(value.micros, precision), ..value },
    }
}

/// Cuts text off or fills it up with blanks.
fn apply_bpchar(text: Arc<str>, modifier: i32, explicit: bool) -> Result<Value> {
    let Some(length) = char_length(modifier) else { return Ok(Value::Bpchar(text)) };
    let count = text.chars().count();
    if count > length {
        return Ok(Value::Bpchar(fit_text(text, length, explicit, "character")?));
    }
    if count == length {
        return Ok(Value::Bpchar(text));
    }
    let mut filled = String::with_capacity(text.len() + length - count);
    filled.push_str(&text);
    filled.extend(std::iter::repeat_n(' ', length - count));
    Ok(Value::Bpchar(filled.into()))
}

fn apply_varchar(text: Arc<str>, modifier: i32, explicit: bool) -> Result<Value> {
    let Some(length) = char_length(modifier) else { return Ok(Value::Text(text)) };
    fit_text(text, length, explicit, "character varying").map(Value::Text)
}

fn fit_text(text: Arc<str>, length: usize, explicit: bool, type_name: &str) -> Result<Arc<str>> {
    // No string has more characters than bytes.
    if text.len() <= length {
        return Ok(text);
    }
    let Some((cut, _)) = text.char_indices().nth(length) else { return Ok(text) };
    let (kept, excess) = text.split_at(cut);
    // SQL wants spaces beyond the length to vanish without an error.
    if explicit || excess.bytes().all(|b| b == b' ') {
        return Ok(kept.into());
    }
    Err(SqlError::new(SqlState::STRING_DATA_RIGHT_TRUNCATION, format!("value too long for type {type_name}({length})")))
}
