//! Arrays as rows: `unnest`, `generate_subscripts`.

use heliosdb_storage::value::{DataType, Value};

use super::bad_arguments;
use super::table::{RowShape, RowSource, TableFunction};
use crate::error::Result;
use crate::eval::EvalContext;

use DataType::{AnyArray, AnyElement, Bool, Int4};

const SUBSCRIPTS: &[(&str, DataType)] = &[("generate_subscripts", Int4)];

/// The functions.
pub static FUNCTIONS: &[TableFunction] = &[
    TableFunction::new("unnest", &[AnyArray], &[("unnest", AnyElement)], unnest),
    TableFunction::new("generate_subscripts", &[AnyArray, Int4], SUBSCRIPTS, subscripts),
    TableFunction::new("generate_subscripts", &[AnyArray, Int4, Bool], SUBSCRIPTS, subscripts),
];

fn unnest(_: &EvalContext<'_>, args: &[Value], _: &RowShape) -> Result<RowSource> {
    let [Value::Array(array)] = args else { return Err(bad_arguments("unnest", args)) };
    let array = array.clone();
    let count = array.values().len();
    Ok(Box::new((0..count).map(move |at| Ok(vec![array.values().get(at).cloned().unwrap_or(Value::Null)]))))
}

fn subscripts(_: &EvalContext<'_>, args: &[Value], _: &RowShape) -> Result<RowSource> {
    let (array, dimension, reverse) = match args {
        [Value::Array(array), Value::Int4(dimension)] => (array, *dimension, false),
        [Value::Array(array), Value::Int4(dimension), Value::Bool(reverse)] => (array, *dimension, *reverse),
        _ => return Err(bad_arguments("generate_subscripts", args)),
    };
    let at = usize::try_from(dimension).ok().and_then(|dimension| dimension.checked_sub(1));
    let Some(dimension) = at.and_then(|at| array.dimensions().get(at)).copied() else {
        return Ok(Box::new(std::iter::empty()));
    };
    let subscripts = dimension.lower..=dimension.upper();
    let row = |subscript: i32| Ok(vec![Value::Int4(subscript)]);
    Ok(if reverse { Box::new(subscripts.rev().map(row)) } else { Box::new(subscripts.map(row)) })
}
