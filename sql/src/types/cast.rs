//! Which type can become which, and how.

use heliosdb_storage::value::{ColumnType, DataType, Numeric, Value};

use super::{TimeContext, datetime, float, input, numeric, output, typmod};
use crate::error::{Result, SqlError, SqlState};

/// Where a conversion is asked for; each allows what those before it do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum CastContext {
    /// Nobody wrote it: an argument of a function.
    Implicit,
    /// A value stored in a column.
    Assignment,
    /// `CAST(x AS t)`, `x::t`.
    Explicit,
}

/// Whether a value of one type can become one of another there. A type can always become itself.
pub fn can_cast(from: DataType, to: DataType, context: CastContext) -> bool {
    from == to || least_context(from, to).is_some_and(|least| least <= context)
}

/// `pg_cast`, and the conversions through text that PostgreSQL allows beside it.
fn least_context(from: DataType, to: DataType) -> Option<CastContext> {
    use CastContext::{Assignment, Explicit, Implicit};
    use DataType::{
        Bool, Char, Date, Float8, Int2, Int4, Int8, Jsonb, Name, Numeric, Oid, Text, TimestampTz, Unknown, Varchar,
    };
    Some(match (from, to) {
        (Unknown, _) => Implicit,
        (_, Unknown) => return None,
        (Int2, Int4 | Int8 | Float8 | Numeric | Oid)
        | (Int4, Int8 | Float8 | Numeric | Oid)
        | (Int8, Float8 | Numeric | Oid)
        | (Numeric, Float8)
        | (Text, Varchar | Name)
        | (Varchar, Text | Name)
        | (Name | Char, Text)
        | (Date, TimestampTz) => Implicit,
        (Int4, Int2)
        | (Int8, Int2 | Int4)
        | (Float8, Int2 | Int4 | Int8 | Numeric)
        | (Numeric, Int2 | Int4 | Int8)
        | (Oid, Int4 | Int8)
        | (TimestampTz, Date) => Assignment,
        (Bool, Int4) | (Int4, Bool | Char) | (Char, Int4) => Explicit,
        (Jsonb, Bool | Int2 | Int4 | Int8 | Float8 | Numeric) => Explicit,
        // Through the output function, and through the input function.
        (_, Text | Varchar | Name | Char) if to != Char || is_string(from) => Assignment,
        (Text | Varchar | Name | Char, _) => Explicit,
        _ => return None,
    })
}

const fn is_string(data_type: DataType) -> bool {
    matches!(data_type, DataType::Text | DataType::Varchar | DataType::Name)
}

/// Whether the cast changes nothing, so that no [`crate::expr::Expr::Cast`] is needed.
pub fn is_noop(from: DataType, to: ColumnType) -> bool {
    use DataType::{Char, Name, Text, Varchar};
    if to.typmod >= 0 {
        return false;
    }
    from == to.data_type
        || matches!((from, to.data_type), (Text, Varchar) | (Varchar, Text) | (Name | Char, Text | Varchar))
}

/// Converts a value. `explicit` as in [`crate::expr::Expr::Cast`].
pub fn cast(value: Value, from: DataType, to: ColumnType, explicit: bool, time: &TimeContext) -> Result<Value> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    let converted = if from == to.data_type { value } else { convert(value, from, to, explicit, time)? };
    typmod::apply(converted, to, explicit)
}

fn convert(value: Value, from: DataType, to: ColumnType, explicit: bool, time: &TimeContext) -> Result<Value> {
    let target = to.data_type;
    match (&value, target) {
        (Value::Text(text), _) => match target {
            DataType::Text | DataType::Varchar | DataType::Unknown => Ok(value),
            DataType::Name => Ok(Value::text(input::cut_name(text))),
            DataType::Char => Ok(Value::text(input::cut_char(text)?)),
            DataType::Int4 if from == DataType::Char => Ok(Value::Int4(text.bytes().next().map_or(0, i32::from))),
            // The text is read without the modifier, which an explicit cast then applies in its own way.
            _ => input::parse_text(
                text,
                ColumnType { data_type: target, typmod: if explicit { -1 } else { to.typmod } },
                time,
            ),
        },
        (Value::Bool(b), DataType::Text | DataType::Varchar) => Ok(Value::text(if *b { "true" } else { "false" })),
        (Value::Int4(n), DataType::Char) => int_to_char(*n),
        (_, DataType::Text | DataType::Varchar) => Ok(Value::text(output::to_text(&value, from, time))),
        (_, DataType::Name) => Ok(Value::text(input::cut_name(&output::to_text(&value, from, time)))),
        (Value::Int2(n), _) => from_int(i64::from(*n), from, target),
        (Value::Int4(n), _) => from_int(i64::from(*n), from, target),
        (Value::Int8(n), _) => from_int(*n, from, target),
        (Value::Bool(b), DataType::Int4) => Ok(Value::Int4(i32::from(*b))),
        (Value::Float8(n), _) => from_float(*n, target),
        (Value::Numeric(n), _) => from_numeric(n, target),
        (Value::Date(days), DataType::TimestampTz) => {
            Ok(Value::TimestampTz(datetime::date_to_timestamptz(*days, &time.zone)?))
        }
        (Value::TimestampTz(micros), DataType::Date) => {
            Ok(Value::Date(datetime::timestamptz_to_date(*micros, &time.zone)?))
        }
        (Value::Jsonb(document), _) => from_json(&document.0, target),
        _ => Err(cannot_cast(from, target)),
    }
}

fn int_to_char(n: i32) -> Result<Value> {
    match u8::try_from(n) {
        Ok(0) => Ok(Value::text("")),
        Ok(byte) if byte.is_ascii() => Ok(Value::text(char::from(byte).to_string())),
        _ if (-128..256).contains(&n) => Err(SqlError::unsupported("a character beyond ASCII in \"char\"")),
        _ => Err(SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "\"char\" out of range")),
    }
}

/// The error for a number that does not fit the type.
pub fn out_of_range(target: DataType) -> SqlError {
    let name = match target {
        DataType::Oid => "OID".into(),
        _ => super::name(target, -1),
    };
    SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, format!("{name} out of range"))
}

fn from_int(n: i64, from: DataType, target: DataType) -> Result<Value> {
    let range = || out_of_range(target);
    Ok(match target {
        DataType::Int2 => Value::Int2(i16::try_from(n).map_err(|_| range())?),
        // An oid keeps its bits as an integer.
        DataType::Int4 if from == DataType::Oid => {
            let bits = u32::try_from(n).map_err(|_| range())?;
            Value::Int4(bits.cast_signed())
        }
        DataType::Int4 => Value::Int4(i32::try_from(n).map_err(|_| range())?),
        DataType::Int8 => Value::Int8(n),
        DataType::Oid if from == DataType::Int8 => Value::Int8(i64::from(u32::try_from(n).map_err(|_| range())?)),
        // A negative integer of 32 bits or less is the oid with the same bits.
        DataType::Oid => Value::Int8(if n < 0 { n + (1 << 32) } else { n }),
        #[allow(clippy::cast_precision_loss, reason = "rounding to the nearest is what the cast means")]
        DataType::Float8 => Value::Float8(n as f64),
        DataType::Numeric => Value::Numeric(Box::new(numeric::from_i64(n))),
        DataType::Bool => Value::Bool(n != 0),
        _ => return Err(cannot_cast(from, target)),
    })
}

fn from_float(n: f64, target: DataType) -> Result<Value> {
    match target {
        DataType::Numeric if n.is_nan() => Ok(Value::Numeric(Box::new(Numeric::NaN))),
        DataType::Numeric if n.is_infinite() => Err(numeric::no_infinity()),
        DataType::Numeric => Ok(Value::Numeric(Box::new(numeric::parse(&float::to_15_digits(n))?))),
        DataType::Int2 | DataType::Int4 | DataType::Int8 => {
            let rounded = n.round_ties_even();
            // Both bounds are exact in a double; NaN is within neither.
            if !(-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&rounded) {
                return Err(out_of_range(target));
            }
            #[allow(clippy::cast_possible_truncation, reason = "checked above")]
            from_int(rounded as i64, DataType::Float8, target)
        }
        _ => Err(cannot_cast(DataType::Float8, target)),
    }
}

fn from_numeric(n: &Numeric, target: DataType) -> Result<Value> {
    let decimal = match (n, target) {
        (Numeric::NaN, DataType::Float8) => return Ok(Value::Float8(f64::NAN)),
        (Numeric::NaN, _) => {
            return Err(SqlError::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("cannot convert NaN to {}", super::name(target, -1)),
            ));
        }
        (Numeric::Finite(decimal), _) => decimal,
    };
    match target {
        DataType::Float8 => {
            let mut text = String::new();
            numeric::format(n, &mut text);
            Ok(Value::Float8(float::parse(&text)?))
        }
        DataType::Int2 | DataType::Int4 | DataType::Int8 => {
            let whole = numeric::to_i64(decimal).ok_or_else(|| out_of_range(target))?;
            from_int(whole, DataType::Numeric, target)
        }
        _ => Err(cannot_cast(DataType::Numeric, target)),
    }
}

fn from_json(tree: &serde_json::Value, target: DataType) -> Result<Value> {
    use serde_json::Value as Tree;
    match (tree, target) {
        (Tree::Bool(b), DataType::Bool) => Ok(Value::Bool(*b)),
        (Tree::Number(n), DataType::Int2 | DataType::Int4 | DataType::Int8 | DataType::Float8 | DataType::Numeric) => {
            let number = numeric::parse(n.as_str())?;
            if target == DataType::Numeric {
                Ok(Value::Numeric(Box::new(number)))
            } else {
                from_numeric(&number, target)
            }
        }
        _ => {
            let kind = match tree {
                Tree::Null => "null",
                Tree::Bool(_) => "boolean",
                Tree::Number(_) => "numeric",
                Tree::String(_) => "string",
                Tree::Array(_) => "array",
                Tree::Object(_) => "object",
            };
            Err(SqlError::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("cannot cast jsonb {kind} to type {}", super::name(target, -1)),
            ))
        }
    }
}

/// The error for a cast that does not exist.
pub fn cannot_cast(from: DataType, to: DataType) -> SqlError {
    SqlError::new(
        SqlState::CANNOT_COERCE,
        format!("cannot cast type {} to {}", super::name(from, -1), super::name(to, -1)),
    )
}
