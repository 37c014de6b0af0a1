//! Functions and operators of JSONB.

use std::sync::Arc;

use heliosdb_storage::value::{DataType, Json, Value};
use serde_json::{Map, Value as Tree};

use super::{ScalarFunction, bad_arguments};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::EvalContext;
use crate::types::json::format_tree;
use crate::types::to_json::jsonb;

const J: DataType = DataType::Jsonb;
const T: DataType = DataType::Text;
const I: DataType = DataType::Int4;
const B: DataType = DataType::Bool;
const TEXTS: DataType = DataType::TEXT_ARRAY;

pub(super) static OPERATORS: &[ScalarFunction] = &[
    ScalarFunction::new("->", &[J, T], J, |_, args| get(args, as_json)),
    ScalarFunction::new("->", &[J, I], J, |_, args| get(args, as_json)),
    ScalarFunction::new("->>", &[J, T], T, |_, args| get(args, as_text)),
    ScalarFunction::new("->>", &[J, I], T, |_, args| get(args, as_text)),
    ScalarFunction::new("#>", &[J, TEXTS], J, |_, args| get_path(args, as_json)),
    ScalarFunction::new("#>>", &[J, TEXTS], T, |_, args| get_path(args, as_text)),
    ScalarFunction::new("?", &[J, T], B, has_key),
    ScalarFunction::new("?|", &[J, TEXTS], B, |_, args| has_keys(args, |found| found.into_iter().any(|found| found))),
    ScalarFunction::new("?&", &[J, TEXTS], B, |_, args| has_keys(args, |found| found.into_iter().all(|found| found))),
    ScalarFunction::new("@>", &[J, J], B, |_, args| both(args, |a, b| Ok(Value::Bool(contains(a, b, true))))),
    ScalarFunction::new("<@", &[J, J], B, |_, args| both(args, |a, b| Ok(Value::Bool(contains(b, a, true))))),
    ScalarFunction::new("||", &[J, J], J, |_, args| both(args, concatenate)),
    ScalarFunction::new("-", &[J, T], J, remove_key),
    ScalarFunction::new("-", &[J, I], J, remove_item),
    ScalarFunction::new("-", &[J, TEXTS], J, remove_keys),
];

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction::new("jsonb_typeof", &[J], T, type_of),
    ScalarFunction::new("jsonb_array_length", &[J], I, array_length),
    ScalarFunction::new("jsonb_extract_path", &[J, T], J, |_, args| extract_path(args, as_json)).variadic(),
    ScalarFunction::new("jsonb_extract_path_text", &[J, T], T, |_, args| extract_path(args, as_text)).variadic(),
    ScalarFunction::new("jsonb_strip_nulls", &[J], J, |_, args| match args {
        [Value::Jsonb(a)] => Ok(as_json(&without_nulls(&a.0))),
        _ => Err(bad_arguments("jsonb_strip_nulls", args)),
    }),
];

pub(super) fn as_json(tree: &Tree) -> Value {
    Value::Jsonb(Arc::new(Json(tree.clone())))
}

/// Strings without quotes, JSON's null as NULL.
pub(super) fn as_text(tree: &Tree) -> Value {
    match tree {
        Tree::Null => Value::Null,
        Tree::String(s) => Value::text(s.as_str()),
        other => {
            let mut out = String::new();
            format_tree(other, &mut out);
            Value::text(out)
        }
    }
}

fn both(args: &[Value], compute: impl Fn(&Tree, &Tree) -> Result<Value>) -> Result<Value> {
    match args {
        [Value::Jsonb(a), Value::Jsonb(b)] => compute(&a.0, &b.0),
        _ => Err(bad_arguments("a function of jsonb", args)),
    }
}

/// A negative index counts from the end.
pub(super) fn item(items: &[Tree], index: i32) -> Option<usize> {
    let magnitude = usize::try_from(index.unsigned_abs()).ok()?;
    if index < 0 { items.len().checked_sub(magnitude) } else { Some(magnitude).filter(|i| *i < items.len()) }
}

fn get(args: &[Value], show: impl Fn(&Tree) -> Value) -> Result<Value> {
    let found = match args {
        [Value::Jsonb(document), Value::Text(key)] => document.0.as_object().and_then(|members| members.get(&**key)),
        [Value::Jsonb(document), Value::Int4(index)] => {
            // A scalar is kept as an array of one item, and here it shows.
            let items = match &document.0 {
                Tree::Object(_) => &[][..],
                Tree::Array(items) => items,
                scalar => std::slice::from_ref(scalar),
            };
            item(items, *index).and_then(|i| items.get(i))
        }
        _ => return Err(bad_arguments("->", args)),
    };
    Ok(found.map_or(Value::Null, show))
}

fn extract_path(args: &[Value], show: impl Fn(&Tree) -> Value) -> Result<Value> {
    let [Value::Jsonb(document), path @ ..] = args else { return Err(bad_arguments("jsonb_extract_path", args)) };
    let mut at = Some(&document.0);
    for step in path {
        let Value::Text(step) = step else { return Err(bad_arguments("jsonb_extract_path", args)) };
        at = match at {
            Some(Tree::Object(members)) => members.get(&**step),
            Some(Tree::Array(items)) => {
                step.parse().ok().and_then(|index| item(items, index)).and_then(|i| items.get(i))
            }
            _ => None,
        };
    }
    Ok(at.map_or(Value::Null, show))
}

/// The strings of an array of text; none is NULL.
pub(super) fn texts(value: &Value) -> Option<Vec<Option<Arc<str>>>> {
    let Value::Array(array) = value else { return None };
    let text = |value: &Value| match value {
        Value::Text(text) => Some(Arc::clone(text)),
        _ => None,
    };
    Some(array.values().iter().map(text).collect())
}

/// `#>`: a path with a NULL in it leads nowhere.
fn get_path(args: &[Value], show: impl Fn(&Tree) -> Value) -> Result<Value> {
    let [Value::Jsonb(document), path] = args else { return Err(bad_arguments("#>", args)) };
    let Some(path) = texts(path) else { return Err(bad_arguments("#>", args)) };
    let Some(path) = path.into_iter().collect::<Option<Vec<_>>>() else { return Ok(Value::Null) };
    Ok(walk(&document.0, path.iter().map(|step| &**step)).map_or(Value::Null, show))
}

fn walk<'t, 's>(tree: &'t Tree, path: impl Iterator<Item = &'s str>) -> Option<&'t Tree> {
    let mut at = Some(tree);
    for step in path {
        at = match at? {
            Tree::Object(members) => members.get(step),
            Tree::Array(items) => step.parse().ok().and_then(|index| item(items, index)).and_then(|i| items.get(i)),
            _ => None,
        };
    }
    at
}

fn has_keys(args: &[Value], judge: impl Fn(Vec<bool>) -> bool) -> Result<Value> {
    let [Value::Jsonb(document), keys] = args else { return Err(bad_arguments("?|", args)) };
    let Some(keys) = texts(keys) else { return Err(bad_arguments("?|", args)) };
    Ok(Value::Bool(judge(keys.iter().flatten().map(|key| is_key_of(&document.0, key)).collect())))
}

fn is_key_of(document: &Tree, key: &str) -> bool {
    match document {
        Tree::Object(members) => members.contains_key(key),
        Tree::Array(items) => items.iter().any(|item| item.as_str() == Some(key)),
        scalar => scalar.as_str() == Some(key),
    }
}

fn remove_keys(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Jsonb(document), keys] = args else { return Err(bad_arguments("-", args)) };
    let Some(keys) = texts(keys) else { return Err(bad_arguments("-", args)) };
    let is_gone = |key: &str| keys.iter().flatten().any(|gone| &**gone == key);
    let rest = match &document.0 {
        Tree::Object(members) => {
            let kept = members.iter().filter(|(key, _)| !is_gone(key)).map(|(key, v)| (key.clone(), v.clone()));
            Tree::Object(kept.collect())
        }
        Tree::Array(items) => {
            Tree::Array(items.iter().filter(|item| !item.as_str().is_some_and(is_gone)).cloned().collect())
        }
        _ => return Err(scalar_error()),
    };
    Ok(Value::Jsonb(Arc::new(Json(rest))))
}

/// A key of an object, or a string in an array.
fn has_key(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Jsonb(document), Value::Text(key)] = args else { return Err(bad_arguments("?", args)) };
    Ok(Value::Bool(is_key_of(&document.0, key)))
}

/// Whether all of the second is in the first. At the top an array contains a scalar that is one of its items.
fn contains(whole: &Tree, part: &Tree, at_top: bool) -> bool {
    match (whole, part) {
        (Tree::Object(whole), Tree::Object(part)) => {
            part.iter().all(|(key, value)| whole.get(key).is_some_and(|member| contains(member, value, false)))
        }
        (Tree::Array(whole), Tree::Array(part)) => {
            part.iter().all(|sought| whole.iter().any(|item| contains(item, sought, false)))
        }
        (Tree::Array(whole), scalar) if at_top && !scalar.is_object() => {
            whole.iter().any(|item| contains(item, scalar, false))
        }
        (a, b) => Json(a.clone()).compare(&Json(b.clone())).is_eq(),
    }
}

fn concatenate(a: &Tree, b: &Tree) -> Result<Value> {
    let items = |tree: &Tree| match tree {
        Tree::Array(items) => items.clone(),
        other => vec![other.clone()],
    };
    let joined = match (a, b) {
        (Tree::Object(a), Tree::Object(b)) => {
            let mut members = a.clone();
            members.extend(b.iter().map(|(key, value)| (key.clone(), value.clone())));
            Tree::Object(members)
        }
        _ => {
            let mut all = items(a);
            all.extend(items(b));
            Tree::Array(all)
        }
    };
    // Wrapping a scalar or an object into an array makes the document deeper.
    jsonb(joined)
}

fn scalar_error() -> SqlError {
    SqlError::new(SqlState::INVALID_PARAMETER_VALUE, "cannot delete from scalar")
}

fn remove_key(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Jsonb(document), Value::Text(key)] = args else { return Err(bad_arguments("-", args)) };
    let rest = match &document.0 {
        Tree::Object(members) => {
            let kept = members.iter().filter(|(k, _)| ***k != **key).map(|(k, v)| (k.clone(), v.clone()));
            Tree::Object(kept.collect())
        }
        Tree::Array(items) => Tree::Array(items.iter().filter(|i| i.as_str() != Some(&**key)).cloned().collect()),
        _ => return Err(scalar_error()),
    };
    Ok(Value::Jsonb(Arc::new(Json(rest))))
}

fn remove_item(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Jsonb(document), Value::Int4(index)] = args else { return Err(bad_arguments("-", args)) };
    match &document.0 {
        Tree::Array(items) => {
            let mut rest = items.clone();
            if let Some(at) = item(items, *index) {
                rest.remove(at);
            }
            Ok(Value::Jsonb(Arc::new(Json(Tree::Array(rest)))))
        }
        Tree::Object(_) => {
            Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, "cannot delete from object using integer index"))
        }
        _ => Err(scalar_error()),
    }
}

fn type_of(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Jsonb(document)] = args else { return Err(bad_arguments("jsonb_typeof", args)) };
    Ok(Value::text(match &document.0 {
        Tree::Null => "null",
        Tree::Bool(_) => "boolean",
        Tree::Number(_) => "number",
        Tree::String(_) => "string",
        Tree::Array(_) => "array",
        Tree::Object(_) => "object",
    }))
}

fn array_length(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let error = |kind: &str| {
        Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, format!("cannot get array length of {kind}")))
    };
    match args {
        [Value::Jsonb(document)] => match &document.0 {
            Tree::Array(items) => Ok(Value::Int4(i32::try_from(items.len()).unwrap_or(i32::MAX))),
            Tree::Object(_) => error("a non-array"),
            _ => error("a scalar"),
        },
        _ => Err(bad_arguments("jsonb_array_length", args)),
    }
}

pub(super) fn without_nulls(tree: &Tree) -> Tree {
    match tree {
        Tree::Object(members) => {
            let kept = members.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), without_nulls(v)));
            Tree::Object(kept.collect::<Map<_, _>>())
        }
        Tree::Array(items) => Tree::Array(items.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}
