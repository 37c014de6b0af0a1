//! JSON as rows: `json_each`, `json_array_elements`, `json_object_keys`, `json_to_recordset` and those of `jsonb`.

use heliosdb_storage::Row;
use heliosdb_storage::value::{ColumnType, DataType, Value};
use serde_json::Value as Tree;

use super::table::{RowShape, RowSource, TableFunction};
use super::{bad_arguments, json, json_text};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::EvalContext;
use crate::types::{self, ValueContext};

use DataType::{Json, Jsonb, Text};

/// The functions.
pub static FUNCTIONS: &[TableFunction] = &[
    TableFunction::new("json_each", &[Json], &[("key", Text), ("value", Json)], |_, args, _| {
        each_text(args, "json_each", json_text::as_json)
    }),
    TableFunction::new("json_each_text", &[Json], &[("key", Text), ("value", Text)], |_, args, _| {
        each_text(args, "json_each_text", json_text::as_text)
    }),
    TableFunction::new("jsonb_each", &[Jsonb], &[("key", Text), ("value", Jsonb)], |_, args, _| {
        each(args, "jsonb_each", json::as_json)
    }),
    TableFunction::new("jsonb_each_text", &[Jsonb], &[("key", Text), ("value", Text)], |_, args, _| {
        each(args, "jsonb_each_text", json::as_text)
    }),
    TableFunction::new("json_array_elements", &[Json], &[("value", Json)], |_, args, _| {
        elements_text(args, "json_array_elements", json_text::as_json)
    }),
    TableFunction::new("json_array_elements_text", &[Json], &[("value", Text)], |_, args, _| {
        elements_text(args, "json_array_elements_text", json_text::as_text)
    }),
    TableFunction::new("jsonb_array_elements", &[Jsonb], &[("value", Jsonb)], |_, args, _| {
        elements(args, json::as_json)
    }),
    TableFunction::new("jsonb_array_elements_text", &[Jsonb], &[("value", Text)], |_, args, _| {
        elements(args, json::as_text)
    }),
    TableFunction::new("json_object_keys", &[Json], &[("json_object_keys", Text)], |_, args, _| {
        let text = text_of(args, "json_object_keys")?;
        let members =
            json_text::members(&text).ok_or_else(|| wrong_kind(json_text::kind(&text), "json_object_keys"))?;
        rows(members.into_iter().map(|(key, _)| vec![Value::text(key)]).collect())
    }),
    TableFunction::new("jsonb_object_keys", &[Jsonb], &[("jsonb_object_keys", Text)], |_, args, _| {
        let members = sorted_members(args, "jsonb_object_keys")?;
        rows(members.into_iter().map(|(key, _)| vec![Value::text(key)]).collect())
    }),
    TableFunction::new("json_to_record", &[Json], &[], |ctx, args, shape| record(ctx, args, shape, "json_to_record")),
    TableFunction::new("jsonb_to_record", &[Jsonb], &[], |ctx, args, shape| {
        record(ctx, args, shape, "jsonb_to_record")
    }),
    TableFunction::new("json_to_recordset", &[Json], &[], |ctx, args, shape| {
        record_set(ctx, args, shape, "json_to_recordset")
    }),
    TableFunction::new("jsonb_to_recordset", &[Jsonb], &[], |ctx, args, shape| {
        record_set(ctx, args, shape, "jsonb_to_recordset")
    }),
];

fn rows(rows: Vec<Row>) -> Result<RowSource> {
    Ok(Box::new(rows.into_iter().map(Ok)))
}

fn invalid(message: impl Into<String>) -> SqlError {
    SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

/// The error for a document that is no object.
fn wrong_kind(kind: &str, name: &str) -> SqlError {
    match (name, kind) {
        ("json_object_keys" | "jsonb_object_keys", "array") => invalid(format!("cannot call {name} on an array")),
        ("json_object_keys" | "jsonb_object_keys", _) => invalid(format!("cannot call {name} on a scalar")),
        ("jsonb_each" | "jsonb_each_text", _) => invalid(format!("cannot call {name} on a non-object")),
        (_, "array") => invalid("cannot deconstruct an array as an object"),
        _ => invalid("cannot deconstruct a scalar"),
    }
}

fn text_of(args: &[Value], name: &str) -> Result<String> {
    match args {
        [Value::Json(text)] => Ok(text.trim().to_owned()),
        _ => Err(bad_arguments(name, args)),
    }
}

fn each_text(args: &[Value], name: &str, show: impl Fn(&str) -> Value) -> Result<RowSource> {
    let text = text_of(args, name)?;
    let members = json_text::members(&text).ok_or_else(|| wrong_kind(json_text::kind(&text), name))?;
    rows(members.into_iter().map(|(key, value)| vec![Value::text(key), show(value)]).collect())
}

/// The members in the order in which `jsonb` keeps them.
fn sorted_members<'a>(args: &'a [Value], name: &str) -> Result<Vec<(&'a str, &'a Tree)>> {
    let [Value::Jsonb(document)] = args else { return Err(bad_arguments(name, args)) };
    match &document.0 {
        Tree::Object(members) => {
            let mut sorted: Vec<_> = members.iter().map(|(key, value)| (key.as_str(), value)).collect();
            sorted.sort_by(|(a, _), (b, _)| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
            Ok(sorted)
        }
        Tree::Array(_) => Err(wrong_kind("array", name)),
        _ => Err(wrong_kind("scalar", name)),
    }
}

fn each(args: &[Value], name: &str, show: impl Fn(&Tree) -> Value) -> Result<RowSource> {
    let members = sorted_members(args, name)?;
    rows(members.into_iter().map(|(key, value)| vec![Value::text(key), show(value)]).collect())
}

fn elements_text(args: &[Value], name: &str, show: impl Fn(&str) -> Value) -> Result<RowSource> {
    let text = text_of(args, name)?;
    match (json_text::items(&text), json_text::kind(&text)) {
        (Some(items), _) => rows(items.into_iter().map(|item| vec![show(item)]).collect()),
        (None, "object") => Err(invalid(format!("cannot call {name} on a non-array"))),
        (None, _) => Err(invalid(format!("cannot call {name} on a scalar"))),
    }
}

fn elements(args: &[Value], show: impl Fn(&Tree) -> Value) -> Result<RowSource> {
    let [Value::Jsonb(document)] = args else { return Err(bad_arguments("jsonb_array_elements", args)) };
    match &document.0 {
        Tree::Array(items) => rows(items.iter().map(|item| vec![show(item)]).collect()),
        Tree::Object(_) => Err(invalid("cannot extract elements from an object")),
        _ => Err(invalid("cannot extract elements from a scalar")),
    }
}

fn tree_of(args: &[Value], name: &str) -> Result<Tree> {
    match args {
        [Value::Json(text)] => Ok(types::json::parse(text)?.0),
        [Value::Jsonb(document)] => Ok(document.0.clone()),
        _ => Err(bad_arguments(name, args)),
    }
}

fn record(ctx: &EvalContext<'_>, args: &[Value], shape: &RowShape, name: &str) -> Result<RowSource> {
    let tree = tree_of(args, name)?;
    rows(vec![row_of(&tree, shape, ctx.time, name)?])
}

fn record_set(ctx: &EvalContext<'_>, args: &[Value], shape: &RowShape, name: &str) -> Result<RowSource> {
    match tree_of(args, name)? {
        Tree::Array(items) => {
            let made = items.iter().map(|item| match item {
                Tree::Object(_) => row_of(item, shape, ctx.time, name),
                _ => Err(invalid(format!("argument of {name} must be an array of objects"))),
            });
            rows(made.collect::<Result<_>>()?)
        }
        Tree::Object(_) => Err(invalid(format!("cannot call {name} on an object"))),
        _ => Err(invalid(format!("cannot call {name} on a scalar"))),
    }
}

/// The columns of the call from the members of the same names.
fn row_of(tree: &Tree, shape: &RowShape, ctx: &ValueContext, name: &str) -> Result<Row> {
    let Tree::Object(members) = tree else {
        let kind = if tree.is_array() { "an array" } else { "a scalar" };
        return Err(invalid(format!("cannot call {name} on {kind}")));
    };
    let value = |(field, data_type): &(std::sync::Arc<str>, DataType)| match members.get(&**field) {
        None | Some(Tree::Null) => Ok(Value::Null),
        Some(member) => value_of(member, *data_type, ctx),
    };
    shape.fields.iter().map(value).collect()
}

fn value_of(member: &Tree, data_type: DataType, ctx: &ValueContext) -> Result<Value> {
    match (member, data_type) {
        (_, Jsonb) => return Ok(json::as_json(member)),
        (Tree::Array(_) | Tree::Object(_), to) if to.element().is_some() || to == DataType::Record => {
            return Err(SqlError::unsupported("an array or a row out of JSON"));
        }
        _ => {}
    }
    let text = match (member, data_type) {
        (Tree::String(text), to) if to != Json => text.clone(),
        _ => {
            let mut text = String::new();
            types::json::format_tree(member, &mut text);
            text
        }
    };
    types::parse_text(&text, ColumnType { data_type, typmod: -1 }, ctx)
}
