//! Functions and operators of arrays. Source: PostgreSQL's documentation, 9.19.

use std::sync::Arc;

use heliosdb_storage::value::array::MAX_DIMENSIONS;
use heliosdb_storage::value::{Array, DataType, Dimension, Value};

use super::{ScalarFunction, bad_arguments};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::{EvalContext, compare};
use crate::types::to_text;

use DataType::{AnyArray, AnyCompatible, AnyCompatibleArray, AnyElement, Bool, Int4, Text};

const INTS: DataType = DataType::INT4_ARRAY;
const TEXTS: DataType = DataType::TEXT_ARRAY;

/// The most elements of an array.
const MAX_ELEMENTS: usize = 1 << 27;

pub(super) static OPERATORS: &[ScalarFunction] = &[
    ScalarFunction::new("||", &[AnyCompatibleArray, AnyCompatible], AnyCompatibleArray, append).called_on_null(),
    ScalarFunction::new("||", &[AnyCompatible, AnyCompatibleArray], AnyCompatibleArray, prepend).called_on_null(),
    ScalarFunction::new("||", &[AnyCompatibleArray, AnyCompatibleArray], AnyCompatibleArray, concatenate)
        .called_on_null(),
    ScalarFunction::new("@>", &[AnyArray, AnyArray], Bool, |_, args| two(args, |a, b| Ok(contains(a, b)))),
    ScalarFunction::new("<@", &[AnyArray, AnyArray], Bool, |_, args| two(args, |a, b| Ok(contains(b, a)))),
    ScalarFunction::new("&&", &[AnyArray, AnyArray], Bool, |_, args| two(args, |a, b| Ok(overlap(a, b)))),
];

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction::new("array_append", &[AnyCompatibleArray, AnyCompatible], AnyCompatibleArray, append)
        .called_on_null(),
    ScalarFunction::new("array_prepend", &[AnyCompatible, AnyCompatibleArray], AnyCompatibleArray, prepend)
        .called_on_null(),
    ScalarFunction::new("array_cat", &[AnyCompatibleArray, AnyCompatibleArray], AnyCompatibleArray, concatenate)
        .called_on_null(),
    ScalarFunction::new("array_ndims", &[AnyArray], Int4, |_, args| {
        one(args, |a| Ok(if a.dimensions().is_empty() { Value::Null } else { count(a.dimensions().len()) }))
    }),
    ScalarFunction::new("array_dims", &[AnyArray], Text, |_, args| one(args, |a| Ok(dims(a)))),
    ScalarFunction::new("array_length", &[AnyArray, Int4], Int4, |_, args| dimension(args, |d| count(d.length))),
    ScalarFunction::new("array_lower", &[AnyArray, Int4], Int4, |_, args| dimension(args, |d| Value::Int4(d.lower))),
    ScalarFunction::new("array_upper", &[AnyArray, Int4], Int4, |_, args| dimension(args, |d| Value::Int4(d.upper()))),
    ScalarFunction::new("cardinality", &[AnyArray], Int4, |_, args| one(args, |a| Ok(count(a.values().len())))),
    ScalarFunction::new("array_position", &[AnyCompatibleArray, AnyCompatible], Int4, position).called_on_null(),
    ScalarFunction::new("array_position", &[AnyCompatibleArray, AnyCompatible, Int4], Int4, position).called_on_null(),
    ScalarFunction::new("array_positions", &[AnyCompatibleArray, AnyCompatible], INTS, positions).called_on_null(),
    ScalarFunction::new("array_remove", &[AnyCompatibleArray, AnyCompatible], AnyCompatibleArray, remove)
        .called_on_null(),
    ScalarFunction::new(
        "array_replace",
        &[AnyCompatibleArray, AnyCompatible, AnyCompatible],
        AnyCompatibleArray,
        replace,
    )
    .called_on_null(),
    ScalarFunction::new("array_to_string", &[AnyArray, Text], Text, to_string).stable(),
    ScalarFunction::new("array_to_string", &[AnyArray, Text, Text], Text, to_string).called_on_null().stable(),
    ScalarFunction::new("string_to_array", &[Text, Text], TEXTS, from_string).called_on_null(),
    ScalarFunction::new("string_to_array", &[Text, Text, Text], TEXTS, from_string).called_on_null(),
    ScalarFunction::new("trim_array", &[AnyArray, Int4], AnyArray, trim),
    ScalarFunction::new("array_fill", &[AnyElement, INTS], AnyArray, fill).called_on_null(),
    ScalarFunction::new("array_fill", &[AnyElement, INTS, INTS], AnyArray, fill).called_on_null(),
];

fn one(args: &[Value], compute: impl Fn(&Array) -> Result<Value>) -> Result<Value> {
    match args {
        [Value::Array(array)] => compute(array),
        _ => Err(bad_arguments("a function of arrays", args)),
    }
}

fn two(args: &[Value], compute: impl Fn(&Array, &Array) -> Result<bool>) -> Result<Value> {
    match args {
        [Value::Array(a), Value::Array(b)] => compute(a, b).map(Value::Bool),
        _ => Err(bad_arguments("an operator of arrays", args)),
    }
}

fn count(n: usize) -> Value {
    Value::Int4(i32::try_from(n).unwrap_or(i32::MAX))
}

fn array(value: Array) -> Value {
    Value::Array(Arc::new(value))
}

fn error(state: SqlState, message: impl Into<String>) -> SqlError {
    SqlError::new(state, message)
}

fn subscript_error(message: &str) -> SqlError {
    error(SqlState::ARRAY_SUBSCRIPT_ERROR, message)
}

fn too_large() -> SqlError {
    error(SqlState::PROGRAM_LIMIT_EXCEEDED, format!("array size exceeds the maximum allowed ({MAX_ELEMENTS})"))
}

/// Same dimensions, other values.
fn reshaped(dimensions: Vec<Dimension>, element: DataType, values: Vec<Value>) -> Result<Value> {
    if values.len() > MAX_ELEMENTS {
        return Err(too_large());
    }
    Array::with_dimensions(element, dimensions, values)
        .map(array)
        .ok_or_else(|| error(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range"))
}

/// The type of the elements of what is appended to NULL: that of the value.
fn element_of(value: &Value) -> DataType {
    match value {
        Value::Null | Value::Text(_) => DataType::Text,
        Value::Bool(_) => DataType::Bool,
        Value::Int2(_) => DataType::Int2,
        Value::Int4(_) => DataType::Int4,
        Value::Int8(_) => DataType::Int8,
        Value::Float4(_) => DataType::Float4,
        Value::Float8(_) => DataType::Float8,
        Value::Numeric(_) => DataType::Numeric,
        Value::Bpchar(_) => DataType::Bpchar,
        Value::Bytea(_) => DataType::Bytea,
        Value::Uuid(_) => DataType::Uuid,
        Value::Date(_) => DataType::Date,
        Value::Time(_) => DataType::Time,
        Value::TimeTz(..) => DataType::TimeTz,
        Value::Timestamp(_) => DataType::Timestamp,
        Value::TimestampTz(_) => DataType::TimestampTz,
        Value::Interval(_) => DataType::Interval,
        Value::Json(_) => DataType::Json,
        Value::Jsonb(_) => DataType::Jsonb,
        Value::Oid(_) | Value::Reg(_) => DataType::Oid,
        Value::Enum(label) => DataType::Enum(label.enum_type),
        Value::Array(array) => array.element().array().unwrap_or(DataType::Text),
        Value::Record(_) => DataType::Record,
    }
}

fn append(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [whole, item] = args else { return Err(bad_arguments("array_append", args)) };
    extended(whole, item, false)
}

fn prepend(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [item, whole] = args else { return Err(bad_arguments("array_prepend", args)) };
    extended(whole, item, true)
}

/// An array with one more element in front or behind.
fn extended(whole: &Value, item: &Value, in_front: bool) -> Result<Value> {
    let (element, dimensions, mut values) = match whole {
        Value::Array(whole) => (whole.element(), whole.dimensions(), whole.values().to_vec()),
        _ => (element_of(item), &[][..], Vec::new()),
    };
    let lower = match dimensions {
        [] => 1,
        [dimension] => dimension.lower,
        _ => return Err(error(SqlState::DATA_EXCEPTION, "argument must be empty or one-dimensional array")),
    };
    if in_front {
        values.insert(0, item.clone());
    } else {
        values.push(item.clone());
    }
    let dimension = Dimension { length: values.len(), lower };
    reshaped(vec![dimension], element, values)
}

fn concatenate(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let (a, b) = match args {
        [Value::Array(a), Value::Array(b)] => (a, b),
        [other, Value::Null] | [Value::Null, other] => return Ok(other.clone()),
        _ => return Err(bad_arguments("array_cat", args)),
    };
    if a.values().is_empty() {
        return Ok(Value::Array(Arc::clone(b)));
    }
    if b.values().is_empty() {
        return Ok(Value::Array(Arc::clone(a)));
    }
    let dimensions = concatenated_dimensions(a, b).ok_or_else(|| {
        error(SqlState::ARRAY_SUBSCRIPT_ERROR, "cannot concatenate incompatible arrays").with_detail(
            if a.dimensions().len().abs_diff(b.dimensions().len()) > 1 {
                format!(
                    "Arrays of {} and {} dimensions are not compatible for concatenation.",
                    a.dimensions().len(),
                    b.dimensions().len()
                )
            } else if a.dimensions().len() == b.dimensions().len() {
                "Arrays with differing element dimensions are not compatible for concatenation.".to_owned()
            } else {
                "Arrays with differing dimensions are not compatible for concatenation.".to_owned()
            },
        )
    })?;
    let values = a.values().iter().chain(b.values()).cloned().collect();
    reshaped(dimensions, a.element(), values)
}

/// The dimensions of two arrays one after the other: of the same number, or one of them is like an element of the other.
fn concatenated_dimensions(a: &Array, b: &Array) -> Option<Vec<Dimension>> {
    let lengths = |dimensions: &[Dimension]| dimensions.iter().map(|d| d.length).collect::<Vec<_>>();
    let ((first_a, rest_a), (first_b, rest_b)) = (a.dimensions().split_first()?, b.dimensions().split_first()?);
    let longer = |first: &Dimension, rest: &[Dimension], by: usize| {
        let first = Dimension { length: first.length + by, lower: first.lower };
        std::iter::once(first).chain(rest.iter().copied()).collect()
    };
    if rest_a.len() == rest_b.len() {
        return (lengths(rest_a) == lengths(rest_b)).then(|| longer(first_a, rest_a, first_b.length));
    }
    if lengths(rest_a) == lengths(b.dimensions()) {
        return Some(longer(first_a, rest_a, 1));
    }
    (lengths(rest_b) == lengths(a.dimensions())).then(|| longer(first_b, rest_b, 1))
}

fn is_equal(a: &Value, b: &Value) -> bool {
    !a.is_null() && !b.is_null() && compare(a, b).is_eq()
}

/// Whether two are the same, NULLs among them.
fn is_same(a: &Value, b: &Value) -> bool {
    if a.is_null() || b.is_null() { a.is_null() && b.is_null() } else { compare(a, b).is_eq() }
}

/// Elements that are NULL are contained in nothing.
fn contains(whole: &Array, part: &Array) -> bool {
    part.values().iter().all(|sought| whole.values().iter().any(|item| is_equal(item, sought)))
}

fn overlap(a: &Array, b: &Array) -> bool {
    a.values().iter().any(|x| b.values().iter().any(|y| is_equal(x, y)))
}

fn dims(a: &Array) -> Value {
    if a.dimensions().is_empty() {
        return Value::Null;
    }
    Value::text(a.dimensions().iter().map(|d| format!("[{}:{}]", d.lower, d.upper())).collect::<String>())
}

fn dimension(args: &[Value], show: impl Fn(&Dimension) -> Value) -> Result<Value> {
    let [Value::Array(a), Value::Int4(number)] = args else { return Err(bad_arguments("array_length", args)) };
    let at = usize::try_from(*number).ok().and_then(|number| number.checked_sub(1));
    Ok(at.and_then(|at| a.dimensions().get(at)).map_or(Value::Null, show))
}

/// The elements of an array of one dimension, with the subscript of the first.
fn searched(a: &Array) -> Result<i32> {
    match a.dimensions() {
        [] => Ok(1),
        [dimension] => Ok(dimension.lower),
        _ => Err(SqlError::unsupported("searching for elements in multidimensional arrays")),
    }
}

fn position(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let (a, sought, start) = match args {
        [Value::Null, ..] => return Ok(Value::Null),
        [Value::Array(a), sought] => (a, sought, None),
        [Value::Array(_), _, Value::Null] => {
            return Err(error(SqlState::NULL_VALUE_NOT_ALLOWED, "initial position must not be null"));
        }
        [Value::Array(a), sought, Value::Int4(start)] => (a, sought, Some(*start)),
        _ => return Err(bad_arguments("array_position", args)),
    };
    let lower = searched(a)?;
    let found = (lower..).zip(a.values()).find(|(at, item)| start.is_none_or(|s| *at >= s) && is_same(item, sought));
    Ok(found.map_or(Value::Null, |(at, _)| Value::Int4(at)))
}

fn positions(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let (a, sought) = match args {
        [Value::Null, _] => return Ok(Value::Null),
        [Value::Array(a), sought] => (a, sought),
        _ => return Err(bad_arguments("array_positions", args)),
    };
    let lower = searched(a)?;
    let found = (lower..).zip(a.values()).filter(|(_, item)| is_same(item, sought)).map(|(at, _)| Value::Int4(at));
    Ok(array(Array::new(DataType::Int4, found.collect())))
}

fn remove(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let (a, sought) = match args {
        [Value::Null, _] => return Ok(Value::Null),
        [Value::Array(a), sought] => (a, sought),
        _ => return Err(bad_arguments("array_remove", args)),
    };
    let ([_] | []) = a.dimensions() else {
        return Err(SqlError::unsupported("removing elements from multidimensional arrays"));
    };
    let lower = a.dimensions().first().map_or(1, |dimension| dimension.lower);
    let kept = a.values().iter().filter(|item| !is_same(item, sought)).cloned().collect();
    Ok(array(Array::from_lower(a.element(), kept, lower)))
}

fn replace(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let (a, sought, new) = match args {
        [Value::Null, ..] => return Ok(Value::Null),
        [Value::Array(a), sought, new] => (a, sought, new),
        _ => return Err(bad_arguments("array_replace", args)),
    };
    let values = a.values().iter().map(|item| if is_same(item, sought) { new.clone() } else { item.clone() });
    reshaped(a.dimensions().to_vec(), a.element(), values.collect())
}

fn to_string(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let (a, delimiter, null) = match args {
        [Value::Array(a), Value::Text(delimiter)] => (a, delimiter, None),
        [Value::Array(a), Value::Text(delimiter), Value::Text(null)] => (a, delimiter, Some(null)),
        [Value::Array(a), Value::Text(delimiter), Value::Null] => (a, delimiter, None),
        [Value::Null, ..] | [_, Value::Null, ..] => return Ok(Value::Null),
        _ => return Err(bad_arguments("array_to_string", args)),
    };
    let shown = a.values().iter().filter_map(|item| match item {
        Value::Null => null.map(|null| null.to_string()),
        item => Some(to_text(item, a.element(), ctx.time)),
    });
    Ok(Value::text(shown.collect::<Vec<_>>().join(delimiter)))
}

pub(super) fn from_string(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let (text, delimiter, null) = match args {
        [Value::Null, ..] => return Ok(Value::Null),
        [Value::Text(text), delimiter] => (text, delimiter, &Value::Null),
        [Value::Text(text), delimiter, null] => (text, delimiter, null),
        _ => return Err(bad_arguments("string_to_array", args)),
    };
    let parts: Vec<String> = match delimiter {
        _ if text.is_empty() => Vec::new(),
        Value::Null => text.chars().map(String::from).collect(),
        Value::Text(delimiter) if delimiter.is_empty() => vec![text.to_string()],
        Value::Text(delimiter) => text.split(&**delimiter).map(str::to_owned).collect(),
        _ => return Err(bad_arguments("string_to_array", args)),
    };
    let null = match null {
        Value::Text(null) => Some(&**null),
        _ => None,
    };
    let values =
        parts.into_iter().map(|part| if Some(part.as_str()) == null { Value::Null } else { Value::text(part) });
    Ok(array(Array::new(DataType::Text, values.collect())))
}

fn trim(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Array(a), Value::Int4(n)] = args else { return Err(bad_arguments("trim_array", args)) };
    let length = a.dimensions().first().map_or(0, |dimension| dimension.length);
    let kept = usize::try_from(*n).ok().and_then(|n| length.checked_sub(n)).ok_or_else(|| {
        error(SqlState::ARRAY_ELEMENT_ERROR, format!("number of elements to trim must be between 0 and {length}"))
    })?;
    let per_item = a.values().len().checked_div(length).unwrap_or(0);
    let values = a.values().iter().take(kept * per_item).cloned().collect();
    let mut dimensions = a.dimensions().to_vec();
    // PostgreSQL cuts a slice, and slices count from 1.
    dimensions.iter_mut().for_each(|dimension| dimension.lower = 1);
    if let Some(first) = dimensions.first_mut() {
        first.length = kept;
    }
    reshaped(dimensions, a.element(), values)
}

fn fill(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let (value, lengths, lowers) = match args {
        [_, Value::Null, ..] | [_, _, Value::Null] => {
            return Err(error(SqlState::NULL_VALUE_NOT_ALLOWED, "dimension array or low bound array cannot be null"));
        }
        [value, Value::Array(lengths)] => (value, lengths, None),
        [value, Value::Array(lengths), Value::Array(lowers)] => (value, lengths, Some(lowers)),
        _ => return Err(bad_arguments("array_fill", args)),
    };
    let numbers = |a: &Array| -> Result<Vec<i32>> {
        if a.dimensions().len() > 1 {
            return Err(subscript_error("wrong number of array subscripts")
                .with_detail("Dimension array must be one dimensional."));
        }
        let number = |value: &Value| match value {
            Value::Int4(n) => Ok(*n),
            _ => Err(error(SqlState::NULL_VALUE_NOT_ALLOWED, "dimension values cannot be null")),
        };
        a.values().iter().map(number).collect()
    };
    let lengths = numbers(lengths)?;
    if lengths.len() > MAX_DIMENSIONS {
        return Err(error(
            SqlState::PROGRAM_LIMIT_EXCEEDED,
            format!("number of array dimensions ({}) exceeds the maximum allowed ({MAX_DIMENSIONS})", lengths.len()),
        ));
    }
    let lowers = match lowers {
        Some(lowers) => numbers(lowers)?,
        None => vec![1; lengths.len()],
    };
    if lowers.len() != lengths.len() {
        return Err(subscript_error("wrong number of array subscripts")
            .with_detail("Low bound array has different size than dimensions array."));
    }
    let mut total = 1_usize;
    let mut dimensions = Vec::with_capacity(lengths.len());
    for (length, lower) in lengths.iter().zip(&lowers) {
        let length = usize::try_from(*length).map_err(|_| too_large())?;
        total = total.saturating_mul(length);
        dimensions.push(Dimension { length, lower: *lower });
    }
    if lengths.is_empty() || total == 0 {
        return Ok(array(Array::new(element_of(value), Vec::new())));
    }
    if total > MAX_ELEMENTS.min(crate::types::MAX_VALUE_BYTES / 16) {
        return Err(too_large());
    }
    reshaped(dimensions, element_of(value), vec![value.clone(); total])
}
