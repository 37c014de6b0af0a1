//! Aggregates that collect values: `array_agg`, `string_agg`, `json_agg`, `json_object_agg` and those of `jsonb`.
//!
//! The binder turns the arguments of the JSON ones into `json` or `jsonb` first, because that depends on the session; so
//! what comes here is JSON already.

use std::sync::Arc;

use heliosdb_storage::value::{Array, DataType, Dimension, Value};
use serde_json::{Map, Value as Tree};

use super::super::bad_arguments;
use super::{Accumulator, AggregateFunction, CallShape};
use crate::error::{Result, SqlError, SqlState};
use crate::exec::context::row_bytes;
use crate::types::MAX_VALUE_BYTES;
use crate::types::input::too_long;
use crate::types::json::format_string;
use crate::types::to_json::jsonb;

use DataType::{AnyArray, AnyNonArray, Bytea, Json, Jsonb, Text, Unknown};

/// The most values that are collected.
const MAX_VALUES: usize = MAX_VALUE_BYTES / 16;

/// The aggregates.
pub(super) static AGGREGATES: &[AggregateFunction] = &[
    AggregateFunction::new::<StringAgg>("string_agg", &[Text, Text], Text).ordered(),
    AggregateFunction::new::<BytesAgg>("string_agg", &[Bytea, Bytea], Bytea).ordered(),
    array_agg(),
    AggregateFunction::new::<ArrayAggOfArrays>("array_agg", &[AnyArray], AnyArray).ordered(),
    AggregateFunction::new::<JsonAgg>("json_agg", &[Unknown], Json).ordered(),
    AggregateFunction::new::<JsonbAgg>("jsonb_agg", &[Unknown], Jsonb).ordered(),
    AggregateFunction::new::<JsonObjectAgg>("json_object_agg", &[Unknown, Unknown], Json).ordered(),
    AggregateFunction::new::<JsonbObjectAgg>("jsonb_object_agg", &[Unknown, Unknown], Jsonb).ordered(),
];

const fn array_agg() -> AggregateFunction {
    let mut aggregate = AggregateFunction::new::<StringAgg>("array_agg", &[AnyNonArray], AnyArray).ordered();
    aggregate.new = |shape: &CallShape<'_>| {
        let element = shape.returns.element().unwrap_or(Text);
        Box::new(ArrayAgg { element, values: Vec::new(), kept: 0 })
    };
    aggregate
}

/// `string_agg`: each row's delimiter stands before its text, the first one's nowhere.
#[derive(Default)]
struct StringAgg {
    joined: Option<String>,
    kept: usize,
}

impl Accumulator for StringAgg {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        let (text, delimiter) = match args {
            [Value::Null, _] => return Ok(()),
            [Value::Text(text), Value::Text(delimiter)] => (text, &**delimiter),
            [Value::Text(text), Value::Null] => (text, ""),
            _ => return Err(bad_arguments("string_agg", args)),
        };
        match &mut self.joined {
            None => self.joined = Some(text.to_string()),
            Some(joined) => {
                push(joined, delimiter)?;
                push(joined, text)?;
            }
        }
        self.kept += text.len() + delimiter.len();
        Ok(())
    }

    fn finish(&mut self) -> Result<Value> {
        Ok(self.joined.as_deref().map_or(Value::Null, Value::text))
    }

    fn kept(&mut self) -> usize {
        std::mem::take(&mut self.kept)
    }
}

/// `string_agg` of `bytea`
#[derive(Default)]
struct BytesAgg {
    joined: Option<Vec<u8>>,
    kept: usize,
}

impl Accumulator for BytesAgg {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        let (bytes, delimiter) = match args {
            [Value::Null, _] => return Ok(()),
            [Value::Bytea(bytes), Value::Bytea(delimiter)] => (bytes, &**delimiter),
            [Value::Bytea(bytes), Value::Null] => (bytes, [].as_slice()),
            _ => return Err(bad_arguments("string_agg", args)),
        };
        match &mut self.joined {
            None => self.joined = Some(bytes.to_vec()),
            Some(joined) if joined.len() + delimiter.len() + bytes.len() > MAX_VALUE_BYTES => return Err(too_long()),
            Some(joined) => {
                joined.extend_from_slice(delimiter);
                joined.extend_from_slice(bytes);
            }
        }
        self.kept += bytes.len() + delimiter.len();
        Ok(())
    }

    fn finish(&mut self) -> Result<Value> {
        Ok(self.joined.as_deref().map_or(Value::Null, |bytes| Value::Bytea(bytes.into())))
    }

    fn kept(&mut self) -> usize {
        std::mem::take(&mut self.kept)
    }
}

/// `array_agg`
struct ArrayAgg {
    element: DataType,
    values: Vec<Value>,
    kept: usize,
}

impl Accumulator for ArrayAgg {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        let [value] = args else { return Err(bad_arguments("array_agg", args)) };
        if self.values.len() >= MAX_VALUES {
            return Err(too_long());
        }
        self.kept += row_bytes(std::slice::from_ref(value));
        self.values.push(value.clone());
        Ok(())
    }

    fn finish(&mut self) -> Result<Value> {
        if self.values.is_empty() {
            return Ok(Value::Null);
        }
        Ok(Value::Array(Arc::new(Array::new(self.element, self.values.clone()))))
    }

    fn kept(&mut self) -> usize {
        std::mem::take(&mut self.kept)
    }
}

/// `array_agg` of arrays: one dimension more.
#[derive(Default)]
struct ArrayAggOfArrays {
    dimensions: Option<Vec<Dimension>>,
    count: usize,
    values: Vec<Value>,
    element: Option<DataType>,
    kept: usize,
}

impl Accumulator for ArrayAggOfArrays {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        let array = match args {
            [Value::Array(array)] => array,
            [Value::Null] => {
                return Err(SqlError::new(SqlState::NULL_VALUE_NOT_ALLOWED, "cannot accumulate null arrays"));
            }
            _ => return Err(bad_arguments("array_agg", args)),
        };
        let error = |message: &str| SqlError::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message);
        if array.values().is_empty() {
            return Err(error("cannot accumulate empty arrays"));
        }
        let dimensions = self.dimensions.get_or_insert_with(|| array.dimensions().to_vec());
        if dimensions.as_slice() != array.dimensions() {
            return Err(error("cannot accumulate arrays of different dimensionality"));
        }
        if self.values.len() + array.values().len() > MAX_VALUES {
            return Err(too_long());
        }
        self.element = Some(array.element());
        self.count += 1;
        self.values.extend_from_slice(array.values());
        self.kept += row_bytes(array.values());
        Ok(())
    }

    fn kept(&mut self) -> usize {
        std::mem::take(&mut self.kept)
    }

    fn finish(&mut self) -> Result<Value> {
        let (Some(dimensions), Some(element)) = (&self.dimensions, self.element) else { return Ok(Value::Null) };
        let outer = Dimension { length: self.count, lower: 1 };
        let dimensions = std::iter::once(outer).chain(dimensions.iter().copied()).collect();
        let array = Array::with_dimensions(element, dimensions, self.values.clone()).ok_or_else(|| {
            SqlError::new(
                SqlState::PROGRAM_LIMIT_EXCEEDED,
                "number of array dimensions exceeds the maximum allowed (6)",
            )
        })?;
        Ok(Value::Array(Arc::new(array)))
    }
}

/// `json_agg`: of a value as `json`, and whether it is a row or an array, which begins a new line.
#[derive(Default)]
struct JsonAgg(Option<String>);

impl Accumulator for JsonAgg {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        let (text, is_structured) = match args {
            [Value::Json(text), Value::Bool(is_structured), ..] => (&**text, *is_structured),
            [Value::Null, ..] => ("null", false),
            _ => return Err(bad_arguments("json_agg", args)),
        };
        let out = match &mut self.0 {
            None => self.0.insert("[".to_owned()),
            Some(out) => {
                out.push_str(if is_structured { ", \n " } else { ", " });
                out
            }
        };
        push(out, text)
    }

    fn finish(&mut self) -> Result<Value> {
        Ok(self.0.as_ref().map_or(Value::Null, |out| Value::Json(format!("{out}]").into())))
    }
}

fn push(out: &mut String, text: &str) -> Result<()> {
    if out.len().saturating_add(text.len()) > MAX_VALUE_BYTES {
        return Err(too_long());
    }
    out.push_str(text);
    Ok(())
}

/// `jsonb_agg`: of a value as `jsonb`.
#[derive(Default)]
struct JsonbAgg(Option<Vec<Tree>>);

impl Accumulator for JsonbAgg {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        let tree = match args {
            [Value::Jsonb(document), ..] => document.0.clone(),
            [Value::Null, ..] => Tree::Null,
            _ => return Err(bad_arguments("jsonb_agg", args)),
        };
        let items = self.0.get_or_insert_default();
        if items.len() >= MAX_VALUES {
            return Err(too_long());
        }
        items.push(tree);
        Ok(())
    }

    fn finish(&mut self) -> Result<Value> {
        self.0.as_ref().map_or(Ok(Value::Null), |items| jsonb(Tree::Array(items.clone())))
    }
}

fn key(value: &Value) -> Result<&str> {
    match value {
        Value::Text(key) => Ok(key),
        _ => Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, "field name must not be null")),
    }
}

/// `json_object_agg`: of a name and a value as `json`.
#[derive(Default)]
struct JsonObjectAgg(Option<String>);

impl Accumulator for JsonObjectAgg {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        let [name, value, ..] = args else { return Err(bad_arguments("json_object_agg", args)) };
        let name = key(name)?;
        let out = match &mut self.0 {
            None => self.0.insert("{ ".to_owned()),
            Some(out) => {
                out.push_str(", ");
                out
            }
        };
        format_string(name, out);
        out.push_str(" : ");
        match value {
            Value::Json(text) => push(out, text),
            _ => push(out, "null"),
        }
    }

    fn finish(&mut self) -> Result<Value> {
        Ok(self.0.as_ref().map_or(Value::Null, |out| Value::Json(format!("{out} }}").into())))
    }
}

/// `jsonb_object_agg`: of a name and a value as `jsonb`.
#[derive(Default)]
struct JsonbObjectAgg(Option<Map<String, Tree>>);

impl Accumulator for JsonbObjectAgg {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        let [name, value, ..] = args else { return Err(bad_arguments("jsonb_object_agg", args)) };
        let name = key(name)?;
        let tree = match value {
            Value::Jsonb(document) => document.0.clone(),
            _ => Tree::Null,
        };
        let members = self.0.get_or_insert_default();
        if members.len() >= MAX_VALUES {
            return Err(too_long());
        }
        members.insert(name.to_owned(), tree);
        Ok(())
    }

    fn finish(&mut self) -> Result<Value> {
        self.0.as_ref().map_or(Ok(Value::Null), |members| jsonb(Tree::Object(members.clone())))
    }
}
