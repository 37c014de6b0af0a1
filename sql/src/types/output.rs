//! Value to text: PostgreSQL's output functions.

use std::fmt::Write as _;

use heliosdb_storage::value::{DataType, Value};

use super::{ValueContext, array, bytea, datetime, float, interval, json, numeric, record};

/// Appends the text form of a value; nothing for NULL.
pub fn format_text(value: &Value, data_type: DataType, ctx: &ValueContext, out: &mut String) {
    match value {
        Value::Null => {}
        Value::Bool(b) => out.push(if *b { 't' } else { 'f' }),
        Value::Int2(n) => push(n, out),
        Value::Int4(n) => push(n, out),
        Value::Int8(n) => push(n, out),
        Value::Oid(n) => push(n, out),
        Value::Float4(n) => float::format4(*n, ctx.styles.float_digits, out),
        Value::Float8(n) => float::format(*n, ctx.styles.float_digits, out),
        Value::Numeric(n) => numeric::format(n, out),
        Value::Text(text) | Value::Bpchar(text) | Value::Json(text) => out.push_str(text),
        Value::Bytea(bytes) => bytea::format(bytes, ctx.styles.bytea, out),
        Value::Uuid(uuid) => push(uuid, out),
        Value::Date(days) => datetime::format_date(*days, ctx.styles, out),
        Value::Time(micros) => datetime::format_time(*micros, out),
        Value::TimeTz(micros, zone) => datetime::format_timetz(*micros, *zone, out),
        Value::Timestamp(micros) => datetime::format_timestamp(*micros, ctx.styles, out),
        Value::TimestampTz(micros) => datetime::format_timestamptz(*micros, &ctx.zone, ctx.styles, out),
        Value::Interval(value) => interval::format(*value, ctx.styles.interval, out),
        Value::Jsonb(document) => json::format(document, out),
        Value::Reg(object) => out.push_str(&object.name),
        Value::Enum(label) => out.push_str(&label.label),
        Value::Array(value) => array::format(value, data_type, ctx, out),
        Value::Record(value) => record::format(value, ctx, out),
    }
}

fn push(value: impl std::fmt::Display, out: &mut String) {
    // Writing to a string cannot fail.
    let _infallible = write!(out, "{value}");
}

/// The text form of a value; empty for NULL.
pub fn to_text(value: &Value, data_type: DataType, ctx: &ValueContext) -> String {
    let mut out = String::new();
    format_text(value, data_type, ctx, &mut out);
    out
}
