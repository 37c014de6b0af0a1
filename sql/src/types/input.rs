//! Text to value: PostgreSQL's input functions.

use std::str::FromStr;

use heliosdb_storage::value::{ColumnType, DataType, Value};
use uuid::Uuid;

use super::{MAX_VALUE_BYTES, ValueContext, array, bytea, datetime, float, interval, json, numeric, reg, typmod};
use crate::error::{Result, SqlError, SqlState};

/// The longest `name`, in bytes.
pub const MAX_NAME_BYTES: usize = 63;

/// Reads the text form of a value of a type, modifier applied as in an assignment.
pub fn parse_text(text: &str, to: ColumnType, ctx: &ValueContext) -> Result<Value> {
    if text.len() > MAX_VALUE_BYTES {
        return Err(too_long());
    }
    let data_type = to.data_type;
    let value = match data_type {
        DataType::Bool => Value::Bool(parse_bool(text)?),
        DataType::Int2 => Value::Int2(parse_int("smallint", text)?),
        DataType::Int4 => Value::Int4(parse_int("integer", text)?),
        DataType::Int8 => Value::Int8(parse_int("bigint", text)?),
        DataType::Oid => Value::Oid(parse_oid("oid", text)?),
        DataType::Xid => Value::Oid(parse_oid("xid", text)?),
        DataType::Float4 => Value::Float4(float::parse4(text)?),
        DataType::Float8 => Value::Float8(float::parse(text)?),
        DataType::Numeric => Value::Numeric(Box::new(numeric::parse(text)?)),
        DataType::Text | DataType::Varchar | DataType::Unknown => Value::text(without_nul(text)?),
        DataType::Bpchar => Value::Bpchar(without_nul(text)?.into()),
        DataType::Name => Value::text(cut_name(without_nul(text)?)),
        DataType::Char => Value::text(cut_char(without_nul(text)?)?),
        DataType::Bytea => Value::Bytea(bytea::parse(text)?.into()),
        DataType::Uuid => Value::Uuid(parse_uuid(text)?),
        DataType::Date => Value::Date(datetime::parse_date(text, ctx)?),
        DataType::Time => Value::Time(datetime::parse_time(text, ctx)?),
        DataType::TimeTz => {
            let (micros, zone) = datetime::parse_timetz(text, ctx)?;
            Value::TimeTz(micros, zone)
        }
        DataType::Timestamp => Value::Timestamp(datetime::parse_timestamp(text, ctx)?),
        DataType::TimestampTz => Value::TimestampTz(datetime::parse_timestamptz(text, ctx)?),
        DataType::Interval => Value::Interval(interval::parse(text, typmod::interval_range(to.typmod))?),
        DataType::Json => {
            json::parse(text)?;
            Value::Json(text.into())
        }
        DataType::Jsonb => Value::Jsonb(json::parse(text)?.into()),
        DataType::Void => Value::text(""),
        DataType::Enum(oid) => reg::parse_enum(text, oid, ctx)?,
        DataType::Array(element) => {
            let element = ColumnType { data_type: element.data_type(), typmod: to.typmod };
            Value::Array(array::parse(text, element, ctx)?.into())
        }
        DataType::Int2Vector => Value::Array(array::parse_vector(text, DataType::Int2, ctx)?.into()),
        DataType::OidVector => Value::Array(array::parse_vector(text, DataType::Oid, ctx)?.into()),
        DataType::RegClass
        | DataType::RegType
        | DataType::RegProc
        | DataType::RegProcedure
        | DataType::RegOper
        | DataType::RegNamespace
        | DataType::RegRole => reg::parse(text, data_type, ctx)?,
        DataType::Record => return Err(SqlError::unsupported("input of anonymous composite types")),
        DataType::AclItem | DataType::PgNodeTree => {
            return Err(SqlError::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("cannot accept a value of type {}", super::names::catalog_name(data_type)),
            ));
        }
        DataType::AnyElement
        | DataType::AnyArray
        | DataType::AnyNonArray
        | DataType::AnyEnum
        | DataType::AnyCompatible
        | DataType::AnyCompatibleArray
        | DataType::Any => {
            return Err(SqlError::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("cannot accept a value of type {}", super::names::catalog_name(data_type)),
            ));
        }
    };
    typmod::apply(value, to, false)
}

/// The error for text that is no date, time or interval.
pub fn invalid_datetime(type_name: &str, text: &str) -> SqlError {
    SqlError { state: SqlState::INVALID_DATETIME_FORMAT, ..invalid(type_name, text) }
}

/// The error for text that is no value of the type.
pub fn invalid(type_name: &str, text: &str) -> SqlError {
    SqlError::new(
        SqlState::INVALID_TEXT_REPRESENTATION,
        format!("invalid input syntax for type {type_name}: \"{text}\""),
    )
}

/// The error for a value that is longer than any may be.
pub fn too_long() -> SqlError {
    SqlError::new(
        SqlState::PROGRAM_LIMIT_EXCEEDED,
        format!("the value would be longer than {} MB", MAX_VALUE_BYTES / (1024 * 1024)),
    )
}

/// Without the spaces that C's `isspace` knows, which input functions ignore at both ends.
pub fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r', '\u{b}', '\u{c}'])
}

/// Text may hold every character but NUL.
pub fn without_nul(text: &str) -> Result<&str> {
    if text.as_bytes().contains(&0) {
        return Err(SqlError::new(
            SqlState::CHARACTER_NOT_IN_REPERTOIRE,
            "invalid byte sequence for encoding \"UTF8\": 0x00",
        ));
    }
    Ok(text)
}

/// Cuts a text to the length of a `name`, between characters.
pub fn cut_name(text: &str) -> &str {
    let mut end = text.len().min(MAX_NAME_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or(text)
}

/// The first character of a text, as a `"char"` keeps it.
pub fn cut_char(text: &str) -> Result<&str> {
    match text.bytes().next() {
        None => Ok(""),
        Some(byte) if byte.is_ascii() => Ok(text.get(..1).unwrap_or("")),
        Some(_) => Err(SqlError::unsupported("a character beyond ASCII in \"char\"")),
    }
}

fn parse_bool(text: &str) -> Result<bool> {
    let word = trim(text).to_ascii_lowercase();
    // Any beginning of a word that no other word has.
    let begins = |whole: &str, least: usize| word.len() >= least && whole.starts_with(&word);
    if word == "1" || begins("true", 1) || begins("yes", 1) || word == "on" {
        Ok(true)
    } else if word == "0" || begins("false", 1) || begins("no", 1) || begins("off", 2) {
        Ok(false)
    } else {
        Err(invalid("boolean", text))
    }
}

fn parse_int<T: FromStr<Err = std::num::ParseIntError>>(type_name: &str, text: &str) -> Result<T> {
    use std::num::IntErrorKind;
    trim(text).parse().map_err(|error: std::num::ParseIntError| match error.kind() {
        IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => int_out_of_range(type_name, text),
        _ => invalid(type_name, text),
    })
}

fn int_out_of_range(type_name: &str, text: &str) -> SqlError {
    SqlError::new(
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        format!("value \"{text}\" is out of range for type {type_name}"),
    )
}

fn parse_oid(type_name: &str, text: &str) -> Result<u32> {
    let n: i64 = parse_int(type_name, text)?;
    // PostgreSQL takes a negative number for the oid with the same bits.
    let oid = i32::try_from(n).map(i32::cast_unsigned).or_else(|_| u32::try_from(n));
    oid.map_err(|_| int_out_of_range(type_name, text))
}

/// 32 hexadecimal digits, with a hyphen after any group of four, in braces or not.
fn parse_uuid(text: &str) -> Result<Uuid> {
    let error = || invalid("uuid", text);
    let inner = match text.strip_prefix('{') {
        Some(rest) => rest.strip_suffix('}').ok_or_else(error)?,
        None => text,
    };
    let mut value: u128 = 0;
    let mut digits = 0;
    let mut bytes = inner.bytes().peekable();
    while let Some(byte) = bytes.next() {
        let digit = char::from(byte).to_digit(16).ok_or_else(error)?;
        digits += 1;
        if digits > 32 {
            return Err(error());
        }
        value = (value << 4) | u128::from(digit);
        if digits % 4 == 0 && digits < 32 && bytes.peek() == Some(&b'-') {
            bytes.next();
        }
    }
    if digits == 32 { Ok(Uuid::from_u128(value)) } else { Err(error()) }
}
