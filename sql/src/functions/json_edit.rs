//! Changing a part of a `jsonb`, found by its path: `jsonb_set`, `jsonb_insert`, `#-`; and `jsonb_pretty`.

use std::sync::Arc;

use heliosdb_storage::value::{DataType, Value};
use serde_json::Value as Tree;

use super::json::{as_json, texts};
use super::{ScalarFunction, bad_arguments};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::EvalContext;
use crate::types::json::{format_string, format_tree};
use crate::types::to_json::jsonb;

const J: DataType = DataType::Jsonb;
const T: DataType = DataType::Text;
const B: DataType = DataType::Bool;
const TEXTS: DataType = DataType::TEXT_ARRAY;

pub(super) static OPERATORS: &[ScalarFunction] = &[ScalarFunction::new("#-", &[J, TEXTS], J, delete_path)];

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction::new("jsonb_set", &[J, TEXTS, J], J, set),
    ScalarFunction::new("jsonb_set", &[J, TEXTS, J, B], J, set),
    ScalarFunction::new("jsonb_set_lax", &[J, TEXTS, J], J, set_lax).called_on_null(),
    ScalarFunction::new("jsonb_set_lax", &[J, TEXTS, J, B], J, set_lax).called_on_null(),
    ScalarFunction::new("jsonb_set_lax", &[J, TEXTS, J, B, T], J, set_lax).called_on_null(),
    ScalarFunction::new("jsonb_insert", &[J, TEXTS, J], J, insert),
    ScalarFunction::new("jsonb_insert", &[J, TEXTS, J, B], J, insert),
    ScalarFunction::new("jsonb_delete_path", &[J, TEXTS], J, delete_path),
    ScalarFunction::new("jsonb_pretty", &[J], T, |_, args| match args {
        [Value::Jsonb(document)] => {
            let mut out = String::new();
            put_pretty(&document.0, 0, &mut out);
            Ok(Value::text(out))
        }
        _ => Err(bad_arguments("jsonb_pretty", args)),
    }),
];

/// What is done at the end of the path.
enum Change<'a> {
    Set { new: &'a Tree, create: bool },
    Insert { new: &'a Tree, after: bool },
    Delete,
}

impl<'a> Change<'a> {
    /// What stands there if nothing does yet.
    const fn created(&self) -> Option<&'a Tree> {
        match self {
            Self::Set { new, create: true } | Self::Insert { new, .. } => Some(new),
            Self::Set { .. } | Self::Delete => None,
        }
    }
}

fn set(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    match args {
        [document, path, Value::Jsonb(new)] => change(document, path, &Change::Set { new: &new.0, create: true }),
        [document, path, Value::Jsonb(new), Value::Bool(create)] => {
            change(document, path, &Change::Set { new: &new.0, create: *create })
        }
        _ => Err(bad_arguments("jsonb_set", args)),
    }
}

fn set_lax(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let (document, path, new) = match args {
        [document, path, new, ..] if !document.is_null() && !path.is_null() => (document, path, new),
        _ => return Ok(Value::Null),
    };
    let create = match args.get(3) {
        None => true,
        Some(Value::Bool(create)) => *create,
        Some(_) => return Ok(Value::Null),
    };
    let treatment = match args.get(4) {
        None => "use_json_null",
        Some(Value::Text(treatment)) => treatment,
        Some(_) => {
            return Err(SqlError::new(
                SqlState::INVALID_PARAMETER_VALUE,
                "null_value_treatment must be \"delete_key\", \"return_target\", \"use_json_null\", or \"raise_exception\"",
            ));
        }
    };
    if !new.is_null() {
        return set(ctx, &[document.clone(), path.clone(), new.clone(), Value::Bool(create)]);
    }
    match treatment {
        "use_json_null" => change(document, path, &Change::Set { new: &Tree::Null, create }),
        "return_target" => Ok(document.clone()),
        "delete_key" => delete_path(ctx, &[document.clone(), path.clone()]),
        "raise_exception" => Err(SqlError::new(SqlState::NULL_VALUE_NOT_ALLOWED, "JSON value must not be null")
            .with_detail("Exception was raised because null_value_treatment is \"raise_exception\".")
            .with_hint(
                "To avoid, either change the null_value_treatment argument or ensure that an SQL NULL is not passed.",
            )),
        _ => Err(SqlError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            "null_value_treatment must be \"delete_key\", \"return_target\", \"use_json_null\", or \"raise_exception\"",
        )),
    }
}

fn insert(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    match args {
        [document, path, Value::Jsonb(new)] => change(document, path, &Change::Insert { new: &new.0, after: false }),
        [document, path, Value::Jsonb(new), Value::Bool(after)] => {
            change(document, path, &Change::Insert { new: &new.0, after: *after })
        }
        _ => Err(bad_arguments("jsonb_insert", args)),
    }
}

fn delete_path(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [document, path] = args else { return Err(bad_arguments("#-", args)) };
    change(document, path, &Change::Delete)
}

fn change(document: &Value, path: &Value, change: &Change<'_>) -> Result<Value> {
    let (Value::Jsonb(document), Some(path)) = (document, texts(path)) else {
        return Err(bad_arguments("jsonb_set", &[document.clone(), path.clone()]));
    };
    let is_empty = match &document.0 {
        Tree::Object(members) => members.is_empty(),
        Tree::Array(items) => items.is_empty(),
        _ => {
            let what = if matches!(change, Change::Delete) { "delete" } else { "set" };
            return Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, format!("cannot {what} path in scalar")));
        }
    };
    if path.is_empty() || (is_empty && change.created().is_none()) {
        return Ok(as_json(&document.0));
    }
    let mut tree = document.0.clone();
    apply(&mut tree, &path, 0, change)?;
    jsonb(tree)
}

/// Follows the path from one of its steps on.
fn apply(tree: &mut Tree, path: &[Option<Arc<str>>], level: usize, change: &Change<'_>) -> Result<()> {
    let Some(step) = path.get(level) else { return Ok(()) };
    let step = step.as_deref().ok_or_else(|| {
        SqlError::new(SqlState::NULL_VALUE_NOT_ALLOWED, format!("path element at position {} is null", level + 1))
    })?;
    let is_last = level + 1 == path.len();
    match tree {
        Tree::Object(members) => {
            if !is_last {
                return members.get_mut(step).map_or(Ok(()), |member| apply(member, path, level + 1, change));
            }
            match (members.contains_key(step), change) {
                (true, Change::Delete) => {
                    members.remove(step);
                }
                (true, Change::Set { new, .. }) => {
                    members.insert(step.to_owned(), (*new).clone());
                }
                (true, Change::Insert { .. }) => {
                    return Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, "cannot replace existing key")
                        .with_hint("Try using the function jsonb_set to replace key value."));
                }
                (false, change) => {
                    if let Some(new) = change.created() {
                        members.insert(step.to_owned(), new.clone());
                    }
                }
            }
            Ok(())
        }
        Tree::Array(items) => {
            let index: i32 = step.trim().parse().map_err(|_| {
                let message = format!("path element at position {} is not an integer: \"{step}\"", level + 1);
                SqlError::new(SqlState::INVALID_TEXT_REPRESENTATION, message)
            })?;
            apply_to_array(items, index, is_last, change, |item| apply(item, path, level + 1, change))
        }
        // A path that goes on behind a scalar leads nowhere.
        _ => Ok(()),
    }
}

fn apply_to_array(
    items: &mut Vec<Tree>,
    index: i32,
    is_last: bool,
    change: &Change<'_>,
    go_on: impl FnOnce(&mut Tree) -> Result<()>,
) -> Result<()> {
    let magnitude = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
    // None: before the first one.
    let at = if index < 0 { items.len().checked_sub(magnitude) } else { Some(magnitude) };
    match at.filter(|at| *at < items.len()) {
        Some(at) if !is_last => items.get_mut(at).map_or(Ok(()), go_on),
        Some(at) => {
            match change {
                Change::Delete => {
                    items.remove(at);
                }
                Change::Set { new, .. } => {
                    if let Some(item) = items.get_mut(at) {
                        *item = (*new).clone();
                    }
                }
                Change::Insert { new, after } => items.insert(at + usize::from(*after), (*new).clone()),
            }
            Ok(())
        }
        None => {
            if let (true, Some(new)) = (is_last, change.created()) {
                let place = if at.is_none() { 0 } else { items.len() };
                items.insert(place, new.clone());
            }
            Ok(())
        }
    }
}

fn put_pretty(tree: &Tree, level: usize, out: &mut String) {
    let new_line = |level: usize, out: &mut String| {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', 4 * level));
    };
    match tree {
        Tree::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                new_line(level + 1, out);
                put_pretty(item, level + 1, out);
            }
            new_line(level, out);
            out.push(']');
        }
        Tree::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by(|(a, _), (b, _)| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
            out.push('{');
            for (at, (key, member)) in sorted.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                new_line(level + 1, out);
                format_string(key, out);
                out.push_str(": ");
                put_pretty(member, level + 1, out);
            }
            new_line(level, out);
            out.push('}');
        }
        scalar => format_tree(scalar, out),
    }
}
