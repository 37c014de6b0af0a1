//! Arrays and rows: making them, taking them apart, asking something of all their elements.

use std::borrow::Cow;
use std::sync::Arc;

use heliosdb_storage::value::array::MAX_DIMENSIONS;
use heliosdb_storage::value::{Array, DataType, Dimension, Record, Value};

use super::{EvalContext, boolean, compare, eval, eval_cow};
use crate::error::{Result, SqlError, SqlState};
use crate::expr::{Expr, Form, SliceBounds};
use crate::functions::ScalarFunction;
use crate::types::array::{MAX_ELEMENTS, too_large, too_many_dimensions};

/// The value of a form over an input row.
pub(super) fn eval_form(
    form: &Form,
    args: &[Expr],
    data_type: DataType,
    row: &[Value],
    ctx: &EvalContext<'_>,
) -> Result<Value> {
    let all = || args.iter().map(|arg| eval(arg, row, ctx)).collect::<Result<Vec<Value>>>();
    match form {
        Form::Array => {
            let element = data_type.element().unwrap_or(DataType::Unknown);
            Ok(Value::Array(Arc::new(Array::new(element, all()?))))
        }
        Form::ArrayOfArrays => array_of_arrays(all()?, data_type),
        Form::Row(shape) => Ok(Value::Record(Arc::new(Record { shape: Arc::clone(shape), values: all()? }))),
        Form::Field(index) => match &*first(args, row, ctx)? {
            Value::Record(record) => Ok(record.values.get(*index).cloned().unwrap_or(Value::Null)),
            _ => Ok(Value::Null),
        },
        Form::Element => match all()?.as_slice() {
            [Value::Array(array), subscripts @ ..] => Ok(element(array, subscripts)),
            _ => Ok(Value::Null),
        },
        Form::Slice(bounds) => match all()?.as_slice() {
            [Value::Array(array), given @ ..] => Ok(slice(array, bounds, given)),
            _ => Ok(Value::Null),
        },
        Form::AssignElement => match all()?.as_slice() {
            [array, value, subscripts @ ..] => assign_element(array, value, subscripts, data_type),
            _ => Ok(Value::Null),
        },
        Form::AssignSlice(bounds) => match all()?.as_slice() {
            [array, value, given @ ..] => assign_slice(array, value, bounds, given, data_type),
            _ => Ok(Value::Null),
        },
        Form::Quantified { function, all } => quantified(function, *all, args, row, ctx).map(boolean),
        Form::Extreme { greatest } => {
            let mut best = Value::Null;
            for value in all()?.into_iter().filter(|value| !value.is_null()) {
                let order = if best.is_null() { std::cmp::Ordering::Equal } else { compare(&value, &best) };
                if best.is_null() || (if *greatest { order.is_gt() } else { order.is_lt() }) {
                    best = value;
                }
            }
            Ok(best)
        }
        Form::VariadicCall(function) => variadic_call(function, all()?, ctx),
        Form::RowIsNull { not } => Ok(Value::Bool(match &*first(args, row, ctx)? {
            Value::Record(record) => record.values.iter().all(|value| value.is_null() != *not),
            value => value.is_null() != *not,
        })),
    }
}

fn first<'v>(args: &'v [Expr], row: &'v [Value], ctx: &EvalContext<'v>) -> Result<Cow<'v, Value>> {
    eval_cow(args.first().expect("BUG: a form without its operand"), row, ctx)
}

/// An array of values, which may be arrays themselves.
pub(super) fn array_of(values: Vec<Value>, data_type: DataType) -> Result<Value> {
    if values.len() > MAX_ELEMENTS {
        return Err(too_large());
    }
    if values.iter().any(|value| matches!(value, Value::Array(_))) {
        return array_of_arrays(values, data_type);
    }
    let element = data_type.element().unwrap_or(DataType::Unknown);
    Ok(Value::Array(Arc::new(Array::new(element, values))))
}

/// The arrays, all of the same dimensions, become the rows of one. Empty ones count for nothing, but all must be empty.
fn array_of_arrays(parts: Vec<Value>, data_type: DataType) -> Result<Value> {
    let element = data_type.element().unwrap_or(DataType::Unknown);
    let mismatch = || {
        SqlError::new(
            SqlState::ARRAY_SUBSCRIPT_ERROR,
            "multidimensional arrays must have array expressions with matching dimensions",
        )
    };
    let mut shape: Option<Vec<Dimension>> = None;
    let (mut values, mut rows, mut empty) = (Vec::new(), 0_usize, false);
    for part in &parts {
        // NULL is an empty array here.
        let Value::Array(part) = part else {
            empty = true;
            continue;
        };
        if part.values().is_empty() {
            empty = true;
            continue;
        }
        match &shape {
            None => shape = Some(part.dimensions().to_vec()),
            Some(shape) if shape != part.dimensions() => return Err(mismatch()),
            Some(_) => {}
        }
        values.extend_from_slice(part.values());
        rows += 1;
        if values.len() > MAX_ELEMENTS {
            return Err(too_large());
        }
    }
    let Some(mut dimensions) = shape else { return Ok(Value::Array(Arc::new(Array::new(element, values)))) };
    if empty {
        return Err(mismatch());
    }
    dimensions.insert(0, Dimension { length: rows, lower: 1 });
    if dimensions.len() > MAX_DIMENSIONS {
        return Err(too_many_dimensions());
    }
    Array::with_dimensions(element, dimensions, values).map(|array| Value::Array(Arc::new(array))).ok_or_else(too_large)
}

/// Subscripts as numbers; none if one is NULL.
fn numbers(values: &[Value]) -> Option<Vec<i32>> {
    values
        .iter()
        .map(|value| match value {
            Value::Int4(n) => Some(*n),
            _ => None,
        })
        .collect()
}

/// How far a subscript is from the first one of its dimension, if it is within.
fn offset(dimension: Dimension, subscript: i32) -> Option<usize> {
    let offset = usize::try_from(i64::from(subscript) - i64::from(dimension.lower)).ok()?;
    (offset < dimension.length).then_some(offset)
}

/// NULL for what is not there.
fn element(array: &Array, subscripts: &[Value]) -> Value {
    place(array, subscripts).and_then(|at| array.values().get(at)).cloned().unwrap_or(Value::Null)
}

/// Where an element stands; none if it is not there.
fn place(array: &Array, subscripts: &[Value]) -> Option<usize> {
    let subscripts = numbers(subscripts)?;
    let dimensions = array.dimensions();
    if subscripts.len() != dimensions.len() || subscripts.is_empty() {
        return None;
    }
    dimensions.iter().zip(&subscripts).try_fold(0_usize, |at, (dimension, subscript)| {
        at.checked_mul(dimension.length)?.checked_add(offset(*dimension, *subscript)?)
    })
}

/// The lower and upper bounds of each dimension of a slice; an omitted one is the array's own. None if one is NULL.
fn bounds_of(bounds: &[SliceBounds], given: &[Value], own: &[Dimension]) -> Option<Vec<(i32, i32)>> {
    let mut given = numbers(given)?.into_iter();
    let mut all = Vec::with_capacity(bounds.len());
    for (at, bounds) in bounds.iter().enumerate() {
        let own = own.get(at).copied();
        let lower = if bounds.lower { given.next()? } else { own.map_or(1, |own| own.lower) };
        let upper = if bounds.upper { given.next()? } else { own.map_or(0, Dimension::upper) };
        all.push((lower, upper));
    }
    Some(all)
}

/// A part of an array, which counts from 1 again; empty if nothing of it is there.
fn slice(array: &Array, bounds: &[SliceBounds], given: &[Value]) -> Value {
    let Some(mut wanted) = bounds_of(bounds, given, array.dimensions()) else { return Value::Null };
    let nothing = || Value::Array(Arc::new(Array::new(array.element(), Vec::new())));
    if wanted.len() > array.dimensions().len() || array.values().is_empty() {
        return nothing();
    }
    wanted.extend(array.dimensions().iter().skip(wanted.len()).map(|own| (own.lower, own.upper())));
    let mut ranges = Vec::with_capacity(wanted.len());
    for ((lower, upper), own) in wanted.into_iter().zip(array.dimensions()) {
        let (lower, upper) = (lower.max(own.lower), upper.min(own.upper()));
        match (offset(*own, lower), offset(*own, upper)) {
            (Some(from), Some(to)) if from <= to => ranges.push(from..=to),
            _ => return nothing(),
        }
    }
    let mut values = Vec::new();
    collect(array.values(), array.dimensions(), &ranges, &mut values);
    let dimensions =
        ranges.iter().map(|range| Dimension { length: range.end() - range.start() + 1, lower: 1 }).collect();
    Array::with_dimensions(array.element(), dimensions, values)
        .map_or(Value::Null, |array| Value::Array(Arc::new(array)))
}

fn collect(
    values: &[Value],
    dimensions: &[Dimension],
    ranges: &[std::ops::RangeInclusive<usize>],
    out: &mut Vec<Value>,
) {
    let ([dimension, below @ ..], [range, inner @ ..]) = (dimensions, ranges) else {
        out.extend_from_slice(values);
        return;
    };
    let size = (values.len() / dimension.length.max(1)).max(1);
    for part in values.chunks(size).take(range.end() + 1).skip(*range.start()) {
        collect(part, below, inner, out);
    }
}

fn out_of_range() -> SqlError {
    SqlError::new(SqlState::ARRAY_SUBSCRIPT_ERROR, "array subscript out of range")
}

/// `SET a[i] = value`. An array of one dimension grows; NULLs fill the gap.
fn assign_element(array: &Value, value: &Value, subscripts: &[Value], data_type: DataType) -> Result<Value> {
    let Some(numbers) = numbers(subscripts) else {
        let message = "array subscript in assignment must not be null";
        return Err(SqlError::new(SqlState::NULL_VALUE_NOT_ALLOWED, message));
    };
    let element = data_type.element().unwrap_or(DataType::Unknown);
    let empty = Arc::new(Array::new(element, Vec::new()));
    let array = if let Value::Array(array) = array { array } else { &empty };
    if array.values().is_empty() {
        let dimensions = numbers.iter().map(|lower| Dimension { length: 1, lower: *lower }).collect();
        return rebuilt(element, dimensions, vec![value.clone()]);
    }
    let dimensions = array.dimensions();
    if dimensions.len() != numbers.len() {
        return Err(SqlError::new(SqlState::ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts"));
    }
    let mut values = array.values().to_vec();
    if let Some(slot) = place(array, subscripts).and_then(|at| values.get_mut(at)) {
        *slot = value.clone();
        return rebuilt(element, dimensions.to_vec(), values);
    }
    let ([dimension], [at]) = (dimensions, numbers.as_slice()) else { return Err(out_of_range()) };
    grown(element, *dimension, values, *at, std::slice::from_ref(value))
}

/// An array of one dimension with values put where they may extend it at either end.
fn grown(element: DataType, dimension: Dimension, mut values: Vec<Value>, at: i32, new: &[Value]) -> Result<Value> {
    let before = usize::try_from(i64::from(dimension.lower) - i64::from(at)).unwrap_or(0);
    let lower = dimension.lower.min(at);
    let start = usize::try_from(i64::from(at) - i64::from(lower)).map_err(|_| out_of_range())?;
    let length = (start + new.len()).max(values.len() + before);
    if length > MAX_ELEMENTS {
        return Err(too_large());
    }
    values.splice(0..0, std::iter::repeat_n(Value::Null, before));
    values.resize(length, Value::Null);
    for (slot, value) in values.iter_mut().skip(start).zip(new) {
        *slot = value.clone();
    }
    rebuilt(element, vec![Dimension { length, lower }], values)
}

fn rebuilt(element: DataType, dimensions: Vec<Dimension>, values: Vec<Value>) -> Result<Value> {
    let array = Array::with_dimensions(element, dimensions, values).ok_or_else(too_large)?;
    Ok(Value::Array(Arc::new(array)))
}

/// `SET a[i:j] = slice`.
fn assign_slice(
    array: &Value,
    value: &Value,
    bounds: &[SliceBounds],
    given: &[Value],
    data_type: DataType,
) -> Result<Value> {
    let element = data_type.element().unwrap_or(DataType::Unknown);
    // Assigning NULL to a slice changes nothing.
    let Value::Array(source) = value else { return Ok(array.clone()) };
    let empty = Arc::new(Array::new(element, Vec::new()));
    let array = if let Value::Array(array) = array { array } else { &empty };
    let Some(wanted) = bounds_of(bounds, given, array.dimensions()) else {
        let message = "array subscript in assignment must not be null";
        return Err(SqlError::new(SqlState::NULL_VALUE_NOT_ALLOWED, message));
    };
    let mut count = 1_usize;
    for (lower, upper) in &wanted {
        let length = usize::try_from(i64::from(*upper) - i64::from(*lower) + 1).unwrap_or(0);
        count = count.checked_mul(length).filter(|count| *count <= MAX_ELEMENTS).ok_or_else(too_large)?;
        if upper < lower {
            let message = "upper bound cannot be less than lower bound";
            return Err(SqlError::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message));
        }
    }
    let Some(new) = source.values().get(..count) else {
        return Err(SqlError::new(SqlState::ARRAY_SUBSCRIPT_ERROR, "source array too small"));
    };
    if array.values().is_empty() {
        if bounds.iter().any(|bounds| !bounds.lower || !bounds.upper) {
            return Err(SqlError::new(
                SqlState::ARRAY_SUBSCRIPT_ERROR,
                "array slice subscript must provide both boundaries",
            )
            .with_detail(
                "When assigning to a slice of an empty array value, slice boundaries must be fully specified.",
            ));
        }
        let dimensions = wanted.iter().map(|(lower, upper)| Dimension {
            length: usize::try_from(i64::from(*upper) - i64::from(*lower) + 1).unwrap_or(0),
            lower: *lower,
        });
        return rebuilt(element, dimensions.collect(), new.to_vec());
    }
    match (array.dimensions(), wanted.as_slice()) {
        ([dimension], [(lower, _)]) => grown(element, *dimension, array.values().to_vec(), *lower, new),
        (dimensions, wanted) if dimensions.len() < wanted.len() => {
            Err(SqlError::new(SqlState::ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts"))
        }
        _ => Err(SqlError::unsupported("assigning to a slice of an array of several dimensions")),
    }
}

/// ANY and ALL over the elements of an array.
fn quantified(
    function: &ScalarFunction,
    all: bool,
    args: &[Expr],
    row: &[Value],
    ctx: &EvalContext<'_>,
) -> Result<Option<bool>> {
    let [left, array] = args else { return Ok(None) };
    let left = eval_cow(left, row, ctx)?;
    let array = eval_cow(array, row, ctx)?;
    let Value::Array(array) = &*array else { return Ok(None) };
    if array.values().is_empty() {
        return Ok(Some(all));
    }
    if left.is_null() && function.strict {
        return Ok(None);
    }
    let mut result = Some(all);
    for element in array.values() {
        let holds = match function.comparison {
            _ if element.is_null() && function.strict => None,
            Some(comparison) => Some(comparison.holds(compare(&left, element))),
            None => match (function.call)(ctx, &[left.as_ref().clone(), element.clone()])? {
                Value::Bool(holds) => Some(holds),
                _ => None,
            },
        };
        match holds {
            Some(holds) if holds != all => return Ok(Some(holds)),
            Some(_) => {}
            None => result = None,
        }
    }
    Ok(result)
}

fn variadic_call(function: &ScalarFunction, mut args: Vec<Value>, ctx: &EvalContext<'_>) -> Result<Value> {
    match args.pop() {
        Some(Value::Array(array)) => args.extend_from_slice(array.values()),
        // To `format` no array is no arguments, to all others no value.
        _ if function.name == "format" => {}
        _ => return Ok(Value::Null),
    }
    if function.strict && args.iter().any(Value::is_null) {
        return Ok(Value::Null);
    }
    (function.call)(ctx, &args)
}
