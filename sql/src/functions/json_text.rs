//! Functions and operators of `json`, which keeps its text: what is found in it is a piece of that text as it stands.

use std::sync::Arc;

use heliosdb_storage::value::{DataType, Value};
use serde_json::Value as Tree;

use super::json::texts;
use super::{ScalarFunction, bad_arguments};
use crate::error::{Result, SqlError, SqlState};
use crate::types::json::{format_string, parse};

const J: DataType = DataType::Json;
const T: DataType = DataType::Text;
const I: DataType = DataType::Int4;
const TEXTS: DataType = DataType::TEXT_ARRAY;

pub(super) static OPERATORS: &[ScalarFunction] = &[
    ScalarFunction::new("->", &[J, T], J, |_, args| get(args, as_json)),
    ScalarFunction::new("->", &[J, I], J, |_, args| get(args, as_json)),
    ScalarFunction::new("->>", &[J, T], T, |_, args| get(args, as_text)),
    ScalarFunction::new("->>", &[J, I], T, |_, args| get(args, as_text)),
    ScalarFunction::new("#>", &[J, TEXTS], J, |_, args| get_path(args, as_json)),
    ScalarFunction::new("#>>", &[J, TEXTS], T, |_, args| get_path(args, as_text)),
];

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction::new("json_typeof", &[J], T, |_, args| one(args, |text| Ok(Value::text(kind(text))))),
    ScalarFunction::new("json_array_length", &[J], I, |_, args| one(args, array_length)),
    ScalarFunction::new("json_extract_path", &[J, T], J, |_, args| extract_path(args, as_json)).variadic(),
    ScalarFunction::new("json_extract_path_text", &[J, T], T, |_, args| extract_path(args, as_text)).variadic(),
    ScalarFunction::new("json_strip_nulls", &[J], J, |_, args| {
        one(args, |text| {
            let mut out = String::new();
            put_without_nulls(text, &mut out)?;
            Ok(Value::Json(out.into()))
        })
    }),
];

fn one(args: &[Value], compute: impl Fn(&str) -> Result<Value>) -> Result<Value> {
    match args {
        [Value::Json(text)] => compute(text.trim()),
        _ => Err(bad_arguments("a function of json", args)),
    }
}

/// A piece of a document.
pub(super) fn as_json(text: &str) -> Value {
    Value::Json(text.into())
}

/// Strings without quotes, JSON's null as NULL.
pub(super) fn as_text(text: &str) -> Value {
    if text == "null" {
        return Value::Null;
    }
    match string_of(text) {
        Some(string) => Value::text(string),
        None => Value::text(text),
    }
}

fn string_of(text: &str) -> Option<String> {
    if !text.starts_with('"') {
        return None;
    }
    match parse(text).ok()?.0 {
        Tree::String(string) => Some(string),
        _ => None,
    }
}

/// The kind of a document.
pub(super) fn kind(text: &str) -> &'static str {
    match text.bytes().next() {
        Some(b'{') => "object",
        Some(b'[') => "array",
        Some(b'"') => "string",
        Some(b't' | b'f') => "boolean",
        Some(b'n') => "null",
        _ => "number",
    }
}

/// The end of the value that a text begins with. The text is known to be JSON.
fn value_end(text: &str) -> usize {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        if in_string {
            if escaped {
                escaped = false;
            } else if byte == b'\\' {
                escaped = true;
            } else if byte == b'"' {
                in_string = false;
                if depth == 0 {
                    return at + 1;
                }
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth > 1 => depth -= 1,
            b'}' | b']' => return if depth == 1 { at + 1 } else { at },
            b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' if depth == 0 => return at,
            _ => {}
        }
    }
    text.len()
}

/// The pieces between the brackets of an array, or the keys and values of an object by turns.
fn pieces(text: &str) -> Vec<&str> {
    let mut rest = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
    let mut found = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\n', '\r', ',', ':']);
        if rest.is_empty() {
            return found;
        }
        let (piece, after) = rest.split_at(value_end(rest));
        if piece.is_empty() {
            return found;
        }
        found.push(piece);
        rest = after;
    }
}

/// The items of an array; none of anything else.
pub(super) fn items(text: &str) -> Option<Vec<&str>> {
    (kind(text) == "array").then(|| pieces(text))
}

/// The members of an object in their order, equal keys among them; none of anything else.
pub(super) fn members(text: &str) -> Option<Vec<(String, &str)>> {
    if kind(text) != "object" {
        return None;
    }
    let all = pieces(text);
    Some(all.as_chunks::<2>().0.iter().map(|[key, value]| (string_of(key).unwrap_or_default(), *value)).collect())
}

/// Of equal keys the last one counts.
fn member<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    members(text)?.into_iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
}

fn item(text: &str, index: i32) -> Option<&str> {
    let items = items(text)?;
    let magnitude = usize::try_from(index.unsigned_abs()).ok()?;
    let at = if index < 0 { items.len().checked_sub(magnitude)? } else { magnitude };
    items.get(at).copied()
}

fn get(args: &[Value], show: impl Fn(&str) -> Value) -> Result<Value> {
    let found = match args {
        [Value::Json(text), Value::Text(key)] => member(text.trim(), key),
        [Value::Json(text), Value::Int4(index)] => item(text.trim(), *index),
        _ => return Err(bad_arguments("->", args)),
    };
    Ok(found.map_or(Value::Null, show))
}

fn walk<'t>(text: &'t str, path: &[Arc<str>]) -> Option<&'t str> {
    path.iter().try_fold(text.trim(), |at, step| match kind(at) {
        "object" => member(at, step),
        "array" => item(at, step.parse().ok()?),
        _ => None,
    })
}

fn get_path(args: &[Value], show: impl Fn(&str) -> Value) -> Result<Value> {
    let [Value::Json(text), path] = args else { return Err(bad_arguments("#>", args)) };
    let Some(path) = texts(path) else { return Err(bad_arguments("#>", args)) };
    let Some(path) = path.into_iter().collect::<Option<Vec<_>>>() else { return Ok(Value::Null) };
    Ok(walk(text, &path).map_or(Value::Null, show))
}

fn extract_path(args: &[Value], show: impl Fn(&str) -> Value) -> Result<Value> {
    let [Value::Json(text), path @ ..] = args else { return Err(bad_arguments("json_extract_path", args)) };
    let step = |value: &Value| match value {
        Value::Text(step) => Some(Arc::clone(step)),
        _ => None,
    };
    let Some(path) = path.iter().map(step).collect::<Option<Vec<_>>>() else { return Ok(Value::Null) };
    Ok(walk(text, &path).map_or(Value::Null, show))
}

fn array_length(text: &str) -> Result<Value> {
    let error =
        |kind: &str| SqlError::new(SqlState::INVALID_PARAMETER_VALUE, format!("cannot get array length of {kind}"));
    match (items(text), kind(text)) {
        (Some(items), _) => Ok(Value::Int4(i32::try_from(items.len()).unwrap_or(i32::MAX))),
        (None, "object") => Err(error("a non-array")),
        (None, _) => Err(error("a scalar")),
    }
}

fn put_without_nulls(text: &str, out: &mut String) -> Result<()> {
    if let Some(members) = members(text) {
        out.push('{');
        let mut is_first = true;
        for (key, value) in members.into_iter().filter(|(_, value)| *value != "null") {
            if !std::mem::replace(&mut is_first, false) {
                out.push(',');
            }
            format_string(&key, out);
            out.push(':');
            put_without_nulls(value, out)?;
        }
        out.push('}');
    } else if let Some(items) = items(text) {
        out.push('[');
        for (at, item) in items.into_iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            put_without_nulls(item, out)?;
        }
        out.push(']');
    } else if let Some(string) = string_of(text) {
        format_string(&string, out);
    } else {
        out.push_str(text);
    }
    Ok(())
}
