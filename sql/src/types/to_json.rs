//! Any value as JSON: what `to_json`, `row_to_json` and their kin make of it.

use heliosdb_storage::value::{Array, Json, Record, Value};
use serde_json::{Map, Value as Tree};

use super::style::{DateOrder, DateStyle};
use super::{ValueContext, datetime, json, to_text};
use crate::error::Result;
use crate::types::context::Styles;

/// Appends a value as JSON text. `json` goes in as it is written.
pub fn put(value: &Value, ctx: &ValueContext, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Json(text) => out.push_str(text),
        Value::Jsonb(document) => json::format(document, out),
        Value::Array(array) => put_array(array, false, ctx, out),
        Value::Record(record) => put_record(record, false, ctx, out),
        value => {
            let text = scalar_text(value, ctx);
            if is_number(value) && text.ends_with(|c: char| c.is_ascii_digit()) {
                out.push_str(&text)
            } else {
                json::format_string(&text, out)
            }
        }
    }
}

/// Whether the value's type is one whose text can be a JSON number; NaN and the infinities are strings.
const fn is_number(value: &Value) -> bool {
    matches!(
        value,
        Value::Int2(_) | Value::Int4(_) | Value::Int8(_) | Value::Float4(_) | Value::Float8(_) | Value::Numeric(_)
    )
}

/// The text that stands in a JSON string: dates and times by ISO 8601 whatever the session's style.
fn scalar_text(value: &Value, ctx: &ValueContext) -> String {
    let styles = Styles { date: DateStyle::Iso, date_order: DateOrder::Mdy, ..ctx.styles };
    let mut text = String::new();
    match value {
        Value::Date(days) => datetime::format_date(*days, styles, &mut text),
        Value::Timestamp(micros) => {
            datetime::format_timestamp(*micros, styles, &mut text);
            separate(&mut text);
        }
        Value::TimestampTz(micros) => {
            datetime::format_timestamptz(*micros, &ctx.zone, styles, &mut text);
            separate(&mut text);
            lengthen_offset(&mut text);
        }
        value => return to_text(value, heliosdb_storage::value::DataType::Text, ctx),
    }
    text
}

/// `T` between date and time.
fn separate(text: &mut String) {
    if let Some(at) = text.find(' ').filter(|_| text.starts_with(|c: char| c.is_ascii_digit())) {
        text.replace_range(at..=at, "T");
    }
}

/// `+02` as `+02:00`.
fn lengthen_offset(text: &mut String) {
    let body = text.strip_suffix(" BC").unwrap_or(text);
    let end = body.len();
    let sign = body.rfind(['+', '-']).filter(|at| body.find('T').is_some_and(|t| t < *at));
    if sign.is_some_and(|sign| end - sign == 3) {
        text.insert_str(end, ":00");
    }
}

/// Appends an array; with line feeds between the elements of its first dimension if they are wanted.
pub fn put_array(array: &Array, pretty: bool, ctx: &ValueContext, out: &mut String) {
    let lengths: Vec<usize> = array.dimensions().iter().map(|dimension| dimension.length).collect();
    if lengths.is_empty() {
        out.push_str("[]");
        return;
    }
    put_dimension(&lengths, array.values(), pretty, ctx, out);
}

fn put_dimension(lengths: &[usize], values: &[Value], pretty: bool, ctx: &ValueContext, out: &mut String) {
    let Some((first, rest)) = lengths.split_first() else { return };
    let size = values.len().checked_div(*first).unwrap_or(1).max(1);
    out.push('[');
    for (at, part) in values.chunks(size).enumerate() {
        if at > 0 {
            out.push_str(if pretty { ",\n " } else { "," });
        }
        match (rest, part) {
            ([], [value]) => put(value, ctx, out),
            _ => put_dimension(rest, part, false, ctx, out),
        }
    }
    out.push(']');
}

/// Appends a row value; with line feeds between its fields if they are wanted.
pub fn put_record(record: &Record, pretty: bool, ctx: &ValueContext, out: &mut String) {
    out.push('{');
    for (at, ((name, _), value)) in record.shape.fields.iter().zip(&record.values).enumerate() {
        if at > 0 {
            out.push_str(if pretty { ",\n " } else { "," });
        }
        json::format_string(name, out);
        out.push(':');
        put(value, ctx, out);
    }
    out.push('}');
}

/// A value as a tree: `to_jsonb`.
pub fn tree(value: &Value, ctx: &ValueContext) -> Result<Tree> {
    Ok(match value {
        Value::Null => Tree::Null,
        Value::Bool(b) => Tree::Bool(*b),
        Value::Jsonb(document) => document.0.clone(),
        Value::Json(text) => json::parse(text)?.0,
        Value::Array(array) => {
            let lengths: Vec<usize> = array.dimensions().iter().map(|dimension| dimension.length).collect();
            array_tree(&lengths, array.values(), ctx)?
        }
        Value::Record(record) => {
            let mut members = Map::new();
            for ((name, _), value) in record.shape.fields.iter().zip(&record.values) {
                members.insert(name.to_string(), tree(value, ctx)?);
            }
            Tree::Object(members)
        }
        value => {
            let text = scalar_text(value, ctx);
            if is_number(value) && text.ends_with(|c: char| c.is_ascii_digit()) {
                json::parse(&text)?.0
            } else {
                Tree::String(text)
            }
        }
    })
}

fn array_tree(lengths: &[usize], values: &[Value], ctx: &ValueContext) -> Result<Tree> {
    let Some((first, rest)) = lengths.split_first() else { return Ok(Tree::Array(Vec::new())) };
    let size = values.len().checked_div(*first).unwrap_or(1).max(1);
    let items = values.chunks(size).map(|part| match (rest, part) {
        ([], [value]) => tree(value, ctx),
        _ => array_tree(rest, part, ctx),
    });
    items.collect::<Result<_>>().map(Tree::Array)
}

/// The value as a `jsonb`; too deep ones are refused.
pub fn jsonb(tree: Tree) -> Result<Value> {
    if json::depth(&tree) > json::MAX_DEPTH {
        return Err(json::too_deep());
    }
    Ok(Value::Jsonb(std::sync::Arc::new(Json(tree))))
}
