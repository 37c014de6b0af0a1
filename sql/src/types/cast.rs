//! Which type can become which, and how.

use std::sync::Arc;

use heliosdb_storage::value::{Array, ColumnType, DataType, Interval, Numeric, Value};

use super::{ValueContext, datetime, float, input, numeric, output, typmod};
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
        Bool, Bpchar, Char, Date, Float4, Float8, Int2, Int4, Int8, Interval, Json, Jsonb, Name, Numeric, Oid,
        RegClass, Text, Time, TimeTz, Timestamp, TimestampTz, Unknown, Varchar, Void,
    };
    Some(match (from, to) {
        (Unknown, _) => Implicit,
        (_, Unknown) | (Void, _) | (_, Void) => return None,
        (_, to) if to.is_polymorphic() || to == DataType::Any => return None,
        (Int2, Int4 | Int8 | Float4 | Float8 | Numeric | Oid)
        | (Int4, Int8 | Float4 | Float8 | Numeric | Oid)
        | (Int8, Float4 | Float8 | Numeric | Oid)
        | (Numeric, Float4 | Float8)
        | (Float4, Float8)
        | (Text, Varchar | Bpchar | Name)
        | (Varchar, Text | Bpchar | Name)
        | (Bpchar, Text | Varchar | Name)
        | (Name | Char, Text)
        | (Text | Varchar, RegClass)
        | (Date, Timestamp | TimestampTz)
        | (Timestamp, TimestampTz)
        | (Time, Interval | TimeTz) => Implicit,
        (Int2 | Int4 | Int8 | Oid, reg) if reg.is_reg() => Implicit,
        (reg, Oid) if reg.is_reg() => Implicit,
        (reg, Int4 | Int8) if reg.is_reg() => Assignment,
        (Int4, Int2)
        | (Int8, Int2 | Int4)
        | (Float4, Int2 | Int4 | Int8 | Numeric)
        | (Float8, Int2 | Int4 | Int8 | Float4 | Numeric)
        | (Numeric, Int2 | Int4 | Int8)
        | (Oid, Int4 | Int8)
        | (Timestamp, Date | Time)
        | (TimestampTz, Date | Time | TimeTz | Timestamp)
        | (TimeTz, Time)
        | (Interval, Time)
        | (Json, Jsonb)
        | (Jsonb, Json) => Assignment,
        (Bool, Int4) | (Int4, Bool | Char) | (Char, Int4) => Explicit,
        (Jsonb, Bool | Int2 | Int4 | Int8 | Float4 | Float8 | Numeric) => Explicit,
        (_, DataType::Array(element)) if from.element().is_some() => {
            let (from, to) = (from.element()?, element.data_type());
            return if from == to { Some(Implicit) } else { least_context(from, to) };
        }
        // Through the output function, and through the input function.
        (_, Text | Varchar | Bpchar | Name | Char) if to != Char || is_string(from) => Assignment,
        (Text | Varchar | Bpchar | Name | Char, _) => Explicit,
        _ => return None,
    })
}

const fn is_string(data_type: DataType) -> bool {
    matches!(data_type, DataType::Text | DataType::Varchar | DataType::Bpchar | DataType::Name)
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
pub fn cast(value: Value, from: DataType, to: ColumnType, explicit: bool, ctx: &ValueContext) -> Result<Value> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    let converted = if from == to.data_type { value } else { convert(value, from, to, explicit, ctx)? };
    typmod::apply(converted, to, explicit)
}

fn convert(value: Value, from: DataType, to: ColumnType, explicit: bool, ctx: &ValueContext) -> Result<Value> {
    let target = to.data_type;
    match (&value, target) {
        (Value::Text(text) | Value::Bpchar(text), _) => from_text(text, from, to, explicit, ctx),
        (Value::Bool(b), DataType::Text | DataType::Varchar | DataType::Bpchar) => {
            let text = if *b { "true" } else { "false" };
            Ok(if target == DataType::Bpchar { Value::Bpchar(text.into()) } else { Value::text(text) })
        }
        (Value::Int4(n), DataType::Char) => int_to_char(*n),
        (_, DataType::Text | DataType::Varchar) => Ok(Value::text(output::to_text(&value, from, ctx))),
        (_, DataType::Bpchar) => Ok(Value::Bpchar(output::to_text(&value, from, ctx).into())),
        (_, DataType::Name) => Ok(Value::text(input::cut_name(&output::to_text(&value, from, ctx)))),
        (Value::Int2(n), _) => from_int(i64::from(*n), from, target, ctx),
        (Value::Int4(n), _) => from_int(i64::from(*n), from, target, ctx),
        (Value::Int8(n), _) => from_int(*n, from, target, ctx),
        (Value::Oid(oid), _) => from_oid(*oid, target, ctx),
        (Value::Reg(object), _) => from_oid(object.oid, target, ctx),
        (Value::Bool(b), DataType::Int4) => Ok(Value::Int4(i32::from(*b))),
        (Value::Float4(n), DataType::Numeric) if n.is_finite() => {
            Ok(Value::Numeric(Box::new(numeric::parse(&float::to_6_digits(*n))?)))
        }
        (Value::Float4(n), _) => from_float(f64::from(*n), target),
        (Value::Float8(n), _) => from_float(*n, target),
        (Value::Numeric(n), _) => from_numeric(n, target),
        (Value::Jsonb(document), DataType::Json) => Ok(Value::Json(document.to_string().into())),
        (Value::Jsonb(document), _) => from_json(&document.0, target),
        (Value::Json(text), DataType::Jsonb) => Ok(Value::Jsonb(super::json::parse(text)?.into())),
        (Value::Array(array), DataType::Array(element)) => {
            let element = element.data_type();
            let to = ColumnType { data_type: element, typmod: to.typmod };
            let values = array.values().iter().map(|item| cast(item.clone(), array.element(), to, explicit, ctx));
            let values = values.collect::<Result<Vec<_>>>()?;
            let lower_bounds = array.dimensions().to_vec();
            let converted = Array::with_dimensions(element, lower_bounds, values);
            Ok(Value::Array(converted.ok_or_else(super::array::too_large)?.into()))
        }
        _ => from_time(&value, from, target, ctx),
    }
}

fn from_text(text: &Arc<str>, from: DataType, to: ColumnType, explicit: bool, ctx: &ValueContext) -> Result<Value> {
    // The blanks that fill a char(n) up are no part of what it means.
    let text = if from == DataType::Bpchar { Arc::from(text.trim_end_matches(' ')) } else { Arc::clone(text) };
    match to.data_type {
        DataType::Text | DataType::Varchar | DataType::Unknown => Ok(Value::Text(text)),
        DataType::Bpchar => Ok(Value::Bpchar(text)),
        DataType::Name => Ok(Value::text(input::cut_name(&text))),
        DataType::Char => Ok(Value::text(input::cut_char(&text)?)),
        DataType::Int4 if from == DataType::Char => Ok(Value::Int4(text.bytes().next().map_or(0, i32::from))),
        // The text is read without the modifier, which an explicit cast then applies in its own way.
        data_type => {
            let keeps = !explicit || data_type == DataType::Interval;
            input::parse_text(&text, ColumnType { data_type, typmod: if keeps { to.typmod } else { -1 } }, ctx)
        }
    }
}

fn from_oid(oid: u32, target: DataType, ctx: &ValueContext) -> Result<Value> {
    match target {
        DataType::Oid => Ok(Value::Oid(oid)),
        // An oid keeps its bits as an integer.
        DataType::Int4 => Ok(Value::Int4(oid.cast_signed())),
        DataType::Int8 => Ok(Value::Int8(i64::from(oid))),
        reg if reg.is_reg() => Ok(super::reg::value(oid, reg, ctx)),
        _ => Err(cannot_cast(DataType::Oid, target)),
    }
}

fn from_time(value: &Value, from: DataType, target: DataType, ctx: &ValueContext) -> Result<Value> {
    use datetime::DAY;
    let zone = &ctx.zone;
    Ok(match (value, target) {
        (Value::Date(days), DataType::TimestampTz) => Value::TimestampTz(datetime::date_to_timestamptz(*days, zone)?),
        (Value::Date(days), DataType::Timestamp) => Value::Timestamp(datetime::date_to_timestamp(*days)?),
        (Value::TimestampTz(micros), DataType::Date) => Value::Date(datetime::timestamptz_to_date(*micros, zone)?),
        (Value::Timestamp(micros), DataType::Date) => Value::Date(datetime::timestamp_to_date(*micros)?),
        (Value::Timestamp(micros), DataType::TimestampTz) => {
            Value::TimestampTz(datetime::timestamp_to_timestamptz(*micros, zone)?)
        }
        (Value::TimestampTz(micros), DataType::Timestamp) => {
            Value::Timestamp(datetime::timestamptz_to_timestamp(*micros, zone)?)
        }
        (Value::Timestamp(micros) | Value::TimestampTz(micros), DataType::Time | DataType::TimeTz)
            if datetime::is_infinite_timestamp(*micros) =>
        {
            Value::Null
        }
        (Value::Timestamp(micros), DataType::Time) => Value::Time(micros.rem_euclid(DAY)),
        (Value::TimestampTz(micros), DataType::Time) => {
            Value::Time(datetime::utc_to_local(zone, *micros).rem_euclid(DAY))
        }
        (Value::TimestampTz(micros), DataType::TimeTz) => {
            let east = datetime::offset_at(zone, *micros);
            let local = datetime::utc_to_local(zone, *micros);
            Value::TimeTz(local.rem_euclid(DAY), i32::try_from(east).unwrap_or(0))
        }
        (Value::Time(micros), DataType::TimeTz) => {
            let east = datetime::offset_at(zone, ctx.transaction_start);
            Value::TimeTz(*micros, i32::try_from(east).unwrap_or(0))
        }
        (Value::TimeTz(micros, _), DataType::Time) => Value::Time(*micros),
        (Value::Time(micros), DataType::Interval) => Value::Interval(Interval { months: 0, days: 0, micros: *micros }),
        (Value::Interval(interval), DataType::Time) => Value::Time(interval.micros.rem_euclid(DAY)),
        _ => return Err(cannot_cast(from, target)),
    })
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

fn from_int(n: i64, from: DataType, target: DataType, ctx: &ValueContext) -> Result<Value> {
    let range = || out_of_range(target);
    Ok(match target {
        DataType::Int2 => Value::Int2(i16::try_from(n).map_err(|_| range())?),
        DataType::Int4 => Value::Int4(i32::try_from(n).map_err(|_| range())?),
        DataType::Int8 => Value::Int8(n),
        DataType::Oid => Value::Oid(oid_of_int(n, from)?),
        reg if reg.is_reg() => super::reg::value(oid_of_int(n, from)?, reg, ctx),
        #[allow(clippy::cast_precision_loss, reason = "rounding to the nearest is what the cast means")]
        DataType::Float4 => Value::Float4(n as f32),
        #[allow(clippy::cast_precision_loss, reason = "rounding to the nearest is what the cast means")]
        DataType::Float8 => Value::Float8(n as f64),
        DataType::Numeric => Value::Numeric(Box::new(numeric::from_i64(n))),
        DataType::Bool => Value::Bool(n != 0),
        _ => return Err(cannot_cast(from, target)),
    })
}

/// A negative integer of 32 bits or less is the oid with the same bits.
fn oid_of_int(n: i64, from: DataType) -> Result<u32> {
    match i32::try_from(n) {
        Ok(small) if from != DataType::Int8 => Ok(small.cast_unsigned()),
        _ => u32::try_from(n).map_err(|_| out_of_range(DataType::Oid)),
    }
}

fn whole_number(n: i64, target: DataType) -> Result<Value> {
    Ok(match target {
        DataType::Int2 => Value::Int2(i16::try_from(n).map_err(|_| out_of_range(target))?),
        DataType::Int4 => Value::Int4(i32::try_from(n).map_err(|_| out_of_range(target))?),
        _ => Value::Int8(n),
    })
}

fn from_float(n: f64, target: DataType) -> Result<Value> {
    match target {
        DataType::Float4 => Ok(Value::Float4(float::narrow(n)?)),
        DataType::Float8 => Ok(Value::Float8(n)),
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
            whole_number(rounded as i64, target)
        }
        _ => Err(cannot_cast(DataType::Float8, target)),
    }
}

fn from_numeric(n: &Numeric, target: DataType) -> Result<Value> {
    let decimal = match (n, target) {
        (Numeric::NaN, DataType::Float4) => return Ok(Value::Float4(f32::NAN)),
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
        DataType::Float4 | DataType::Float8 => {
            let mut text = String::new();
            numeric::format(n, &mut text);
            if target == DataType::Float4 {
                return Ok(Value::Float4(float::parse4(&text)?));
            }
            Ok(Value::Float8(float::parse(&text)?))
        }
        DataType::Int2 | DataType::Int4 | DataType::Int8 => {
            let whole = numeric::to_i64(decimal).ok_or_else(|| out_of_range(target))?;
            whole_number(whole, target)
        }
        _ => Err(cannot_cast(DataType::Numeric, target)),
    }
}

fn from_json(tree: &serde_json::Value, target: DataType) -> Result<Value> {
    use serde_json::Value as Tree;
    match (tree, target) {
        (Tree::Bool(b), DataType::Bool) => Ok(Value::Bool(*b)),
        (
            Tree::Number(n),
            DataType::Int2 | DataType::Int4 | DataType::Int8 | DataType::Float4 | DataType::Float8 | DataType::Numeric,
        ) => {
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
