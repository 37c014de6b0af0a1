//! JSON made of other values: `to_json`, `row_to_json`, `json_build_object` and their kin.

use std::sync::Arc;

use heliosdb_storage::value::{DataType, Value};
use serde_json::{Map, Value as Tree};

use super::json::texts;
use super::{ScalarFunction, bad_arguments};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::EvalContext;
use crate::types::json::format_string;
use crate::types::{to_json, to_text};

use DataType::{Any, AnyArray, AnyElement, Bool, Json, Jsonb, Record};

const TEXTS: DataType = DataType::TEXT_ARRAY;

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction::new("to_json", &[AnyElement], Json, to_json_text).stable(),
    ScalarFunction::new("to_jsonb", &[AnyElement], Jsonb, to_jsonb).stable(),
    ScalarFunction::new("row_to_json", &[Record], Json, row_to_json).stable(),
    ScalarFunction::new("row_to_json", &[Record, Bool], Json, row_to_json).stable(),
    ScalarFunction::new("array_to_json", &[AnyArray], Json, array_to_json).stable(),
    ScalarFunction::new("array_to_json", &[AnyArray, Bool], Json, array_to_json).stable(),
    ScalarFunction::new("json_build_object", &[], Json, build_object_text).stable(),
    ScalarFunction::new("json_build_object", &[Any], Json, build_object_text).variadic().called_on_null().stable(),
    ScalarFunction::new("json_build_array", &[], Json, build_array_text).stable(),
    ScalarFunction::new("json_build_array", &[Any], Json, build_array_text).variadic().called_on_null().stable(),
    ScalarFunction::new("jsonb_build_object", &[], Jsonb, build_object).stable(),
    ScalarFunction::new("jsonb_build_object", &[Any], Jsonb, build_object).variadic().called_on_null().stable(),
    ScalarFunction::new("jsonb_build_array", &[], Jsonb, build_array).stable(),
    ScalarFunction::new("jsonb_build_array", &[Any], Jsonb, build_array).variadic().called_on_null().stable(),
    ScalarFunction::new("json_object", &[TEXTS], Json, object_text),
    ScalarFunction::new("json_object", &[TEXTS, TEXTS], Json, object_text),
    ScalarFunction::new("jsonb_object", &[TEXTS], Jsonb, object),
    ScalarFunction::new("jsonb_object", &[TEXTS, TEXTS], Jsonb, object),
];

fn json(text: String) -> Value {
    Value::Json(text.into())
}

fn invalid(message: impl Into<String>) -> SqlError {
    SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

fn to_json_text(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [value] = args else { return Err(bad_arguments("to_json", args)) };
    let mut out = String::new();
    to_json::put(value, ctx.time, &mut out);
    Ok(json(out))
}

fn to_jsonb(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [value] = args else { return Err(bad_arguments("to_jsonb", args)) };
    to_json::jsonb(to_json::tree(value, ctx.time)?)
}

fn row_to_json(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let (record, pretty) = match args {
        [Value::Record(record)] => (record, false),
        [Value::Record(record), Value::Bool(pretty)] => (record, *pretty),
        _ => return Err(bad_arguments("row_to_json", args)),
    };
    let mut out = String::new();
    to_json::put_record(record, pretty, ctx.time, &mut out);
    Ok(json(out))
}

fn array_to_json(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let (array, pretty) = match args {
        [Value::Array(array)] => (array, false),
        [Value::Array(array), Value::Bool(pretty)] => (array, *pretty),
        _ => return Err(bad_arguments("array_to_json", args)),
    };
    let mut out = String::new();
    to_json::put_array(array, pretty, ctx.time, &mut out);
    Ok(json(out))
}

/// Names and values by turns.
fn pairs<'a>(args: &'a [Value], name: &str, ctx: &EvalContext<'_>) -> Result<Vec<(String, &'a Value)>> {
    let (pairs, rest) = args.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(invalid("argument list must have even number of elements")
            .with_hint(format!("The arguments of {name}() must consist of alternating keys and values.")));
    }
    let mut named = Vec::with_capacity(pairs.len());
    for (at, [key, value]) in pairs.iter().enumerate() {
        named.push((key_text(key, at * 2 + 1, name, ctx)?, value));
    }
    Ok(named)
}

fn key_text(key: &Value, position: usize, name: &str, ctx: &EvalContext<'_>) -> Result<String> {
    match key {
        Value::Null if name.starts_with("jsonb") => Err(invalid(format!("argument {position}: key must not be null"))),
        Value::Null => {
            Err(invalid(format!("argument {position} cannot be null")).with_hint("Object keys should be text."))
        }
        Value::Array(_) | Value::Record(_) | Value::Json(_) | Value::Jsonb(_) => {
            Err(invalid("key value must be scalar, not array, composite, or json"))
        }
        Value::Bool(b) => Ok(if *b { "true" } else { "false" }.to_owned()),
        key => Ok(to_text(key, DataType::Text, ctx.time)),
    }
}

fn build_object_text(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let mut out = "{".to_owned();
    for (at, (key, value)) in pairs(args, "json_build_object", ctx)?.into_iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        format_string(&key, &mut out);
        out.push_str(" : ");
        to_json::put(value, ctx.time, &mut out);
    }
    out.push('}');
    Ok(json(out))
}

fn build_object(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let mut members = Map::new();
    for (key, value) in pairs(args, "jsonb_build_object", ctx)? {
        members.insert(key, to_json::tree(value, ctx.time)?);
    }
    to_json::jsonb(Tree::Object(members))
}

fn build_array_text(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let mut out = "[".to_owned();
    for (at, value) in args.iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        to_json::put(value, ctx.time, &mut out);
    }
    out.push(']');
    Ok(json(out))
}

fn build_array(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let items = args.iter().map(|value| to_json::tree(value, ctx.time)).collect::<Result<_>>()?;
    to_json::jsonb(Tree::Array(items))
}

/// A name and its value, if that is not NULL.
type Pair = (Arc<str>, Option<Arc<str>>);

/// Names and values of `json_object`: by turns, in pairs, or from two arrays.
fn object_pairs(args: &[Value]) -> Result<Vec<Pair>> {
    let subscripts = |message: &str| SqlError::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message);
    let null_key = || SqlError::new(SqlState::NULL_VALUE_NOT_ALLOWED, "null value not allowed for object key");
    let (keys, values): (Vec<_>, Vec<_>) = match args {
        [Value::Array(array)] => {
            match array.dimensions() {
                [] => {}
                [dimension] if dimension.length % 2 == 0 => {}
                [_] => return Err(subscripts("array must have even number of elements")),
                [_, columns] if columns.length == 2 => {}
                [_, _] => return Err(subscripts("array must have two columns")),
                _ => return Err(subscripts("wrong number of array subscripts")),
            }
            let all = texts(args.first().unwrap_or(&Value::Null)).unwrap_or_default();
            all.as_chunks::<2>().0.iter().map(|[key, value]| (key.clone(), value.clone())).unzip()
        }
        [keys @ Value::Array(k), values @ Value::Array(v)] => {
            if k.dimensions().len() > 1 || v.dimensions().len() != k.dimensions().len() {
                return Err(subscripts("wrong number of array subscripts"));
            }
            if k.values().len() != v.values().len() {
                return Err(subscripts("mismatched array dimensions"));
            }
            (texts(keys).unwrap_or_default(), texts(values).unwrap_or_default())
        }
        _ => return Err(bad_arguments("json_object", args)),
    };
    keys.into_iter().zip(values).map(|(key, value)| Ok((key.ok_or_else(null_key)?, value))).collect()
}

fn object_text(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let mut out = "{".to_owned();
    for (at, (key, value)) in object_pairs(args)?.into_iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        format_string(&key, &mut out);
        out.push_str(" : ");
        match value {
            Some(value) => format_string(&value, &mut out),
            None => out.push_str("null"),
        }
    }
    out.push('}');
    Ok(json(out))
}

fn object(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let pairs = object_pairs(args)?.into_iter();
    let members =
        pairs.map(|(key, value)| (key.to_string(), value.map_or(Tree::Null, |v| Tree::String(v.to_string()))));
    Ok(super::json::as_json(&Tree::Object(members.collect())))
}
