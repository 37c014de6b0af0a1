//! Value to text: PostgreSQL's output functions.

use std::fmt::Write as _;

use heliosdb_storage::value::{DataType, Value};

use super::{TimeContext, datetime, float, json, numeric};

/// Appends the text form of a value; nothing for NULL.
pub fn format_text(value: &Value, data_type: DataType, time: &TimeContext, out: &mut String) {
    // Writing to a string cannot fail.
    let _infallible = match value {
        Value::Null => Ok(()),
        Value::Bool(b) => {
            out.push(if *b { 't' } else { 'f' });
            Ok(())
        }
        Value::Int2(n) => write!(out, "{n}"),
        Value::Int4(n) => write!(out, "{n}"),
        Value::Int8(n) => write!(out, "{n}"),
        Value::Float8(n) => {
            float::format(*n, out);
            Ok(())
        }
        Value::Numeric(n) => {
            numeric::format(n, out);
            Ok(())
        }
        Value::Text(text) => {
            out.push_str(text);
            Ok(())
        }
        Value::Uuid(uuid) => write!(out, "{uuid}"),
        Value::Date(days) => {
            datetime::format_date(*days, out);
            Ok(())
        }
        Value::TimestampTz(micros) => {
            datetime::format_timestamptz(*micros, &time.zone, out);
            Ok(())
        }
        Value::Jsonb(document) => {
            json::format(document, out);
            Ok(())
        }
    };
    // The value says it all so far: types that share a representation share their text form.
    let _ = data_type;
}

/// The text form of a value; empty for NULL.
pub fn to_text(value: &Value, data_type: DataType, time: &TimeContext) -> String {
    let mut out = String::new();
    format_text(value, data_type, time, &mut out);
    out
}
