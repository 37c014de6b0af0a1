//! The one evaluator: reads, writes, defaults, checks and (later) policies all compute here.
//!
//! Values that exist already (columns, literals, parameters) are borrowed, so that a comparison of two integers or two
//! strings allocates nothing. A function's arguments lie on the stack as long as they are few.

mod context;
mod form;

use std::borrow::Cow;
use std::cmp::Ordering;

use heliosdb_storage::value::{Array, ColumnType, DataType, Value};

pub use context::{EvalContext, NEVER_CANCELLED, NoSubqueries, OuterRow, SessionFacts, SubqueryRunner};

use crate::error::{Result, SqlError, SqlState};
use crate::expr::{Expr, Subquery, SubqueryKind};
use crate::functions::{Comparison, ScalarFunction};
use crate::types::cast::cast;

/// Arguments that need no allocation.
const INLINE_ARGS: usize = 4;

/// The value of an expression over an input row.
pub fn eval(expr: &Expr, row: &[Value], ctx: &EvalContext<'_>) -> Result<Value> {
    eval_cow(expr, row, ctx).map(Cow::into_owned)
}

/// Whether a condition is true (unknown is not): WHERE, ON, HAVING.
pub fn is_true(expr: &Expr, row: &[Value], ctx: &EvalContext<'_>) -> Result<bool> {
    Ok(eval_bool(expr, row, ctx)? == Some(true))
}

/// The order of two values: the quick cases here, all others by [`Value::compare`].
#[inline]
pub fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Int4(a), Value::Int4(b)) => a.cmp(b),
        (Value::Int8(a), Value::Int8(b)) => a.cmp(b),
        (Value::Text(a), Value::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        _ => a.compare(b),
    }
}

fn eval_cow<'v>(expr: &'v Expr, row: &'v [Value], ctx: &EvalContext<'v>) -> Result<Cow<'v, Value>> {
    let owned = match expr {
        Expr::Literal(value, _) => return Ok(Cow::Borrowed(value)),
        Expr::Column(index, _) => return Ok(Cow::Borrowed(slot(row, *index))),
        Expr::Parameter(index, _) => return parameter(ctx, *index).map(Cow::Borrowed),
        Expr::Outer { depth, index, .. } => return Ok(Cow::Borrowed(outer_slot(ctx, *depth, *index))),
        Expr::Coalesce(exprs, _) => {
            for expr in exprs {
                let value = eval_cow(expr, row, ctx)?;
                if !value.is_null() {
                    return Ok(value);
                }
            }
            Value::Null
        }
        Expr::Case { branches, otherwise, .. } => {
            for (condition, result) in branches {
                if is_true(condition, row, ctx)? {
                    return eval_cow(result, row, ctx);
                }
            }
            return eval_cow(otherwise, row, ctx);
        }
        Expr::Call { function, args, returns } => match function.comparison {
            Some(comparison) => boolean(eval_comparison(comparison, args, row, ctx)?),
            None => array_of_type(eval_call(function, args, row, ctx)?, *returns),
        },
        Expr::Cast { expr, to, explicit } => eval_cast(expr, *to, *explicit, row, ctx)?,
        Expr::Subquery(subquery) => eval_subquery(subquery, row, ctx)?,
        Expr::Form { form, args, data_type } => form::eval_form(form, args, *data_type, row, ctx)?,
        Expr::And(_) | Expr::Or(_) | Expr::Not(_) | Expr::IsNull(_) | Expr::IsDistinct(..) | Expr::InList { .. } => {
            boolean(eval_bool(expr, row, ctx)?)
        }
    };
    Ok(Cow::Owned(owned))
}

/// A condition: none is unknown.
fn eval_bool(expr: &Expr, row: &[Value], ctx: &EvalContext<'_>) -> Result<Option<bool>> {
    match expr {
        Expr::And(exprs) => eval_all(exprs, false, row, ctx),
        Expr::Or(exprs) => eval_all(exprs, true, row, ctx),
        Expr::Not(expr) => Ok(eval_bool(expr, row, ctx)?.map(|b| !b)),
        Expr::IsNull(expr) => Ok(Some(eval_cow(expr, row, ctx)?.is_null())),
        Expr::IsDistinct(a, b) => {
            let (a, b) = (eval_cow(a, row, ctx)?, eval_cow(b, row, ctx)?);
            Ok(Some(match (a.is_null(), b.is_null()) {
                (false, false) => compare(&a, &b).is_ne(),
                (a_is_null, b_is_null) => a_is_null != b_is_null,
            }))
        }
        Expr::InList { expr, list } => {
            let wanted = eval_cow(expr, row, ctx)?;
            let mut found = Found::default();
            for item in list {
                if found.see(&wanted, &*eval_cow(item, row, ctx)?) {
                    break;
                }
            }
            Ok(found.result())
        }
        Expr::Call { function, args, .. } if function.comparison.is_some() => match function.comparison {
            Some(comparison) => eval_comparison(comparison, args, row, ctx),
            None => Ok(None),
        },
        _ => match &*eval_cow(expr, row, ctx)? {
            Value::Bool(b) => Ok(Some(*b)),
            _ => Ok(None),
        },
    }
}

/// AND and OR: the first condition with the deciding value ends it; else one unknown makes all unknown.
fn eval_all(exprs: &[Expr], deciding: bool, row: &[Value], ctx: &EvalContext<'_>) -> Result<Option<bool>> {
    let mut result = Some(!deciding);
    for expr in exprs {
        match eval_bool(expr, row, ctx)? {
            Some(b) if b == deciding => return Ok(Some(deciding)),
            Some(_) => {}
            None => result = None,
        }
    }
    Ok(result)
}

fn eval_comparison(
    comparison: Comparison,
    args: &[Expr],
    row: &[Value],
    ctx: &EvalContext<'_>,
) -> Result<Option<bool>> {
    let [left, right] = args else { return Err(wrong_count()) };
    let left = eval_cow(left, row, ctx)?;
    if left.is_null() {
        return Ok(None);
    }
    let right = eval_cow(right, row, ctx)?;
    if right.is_null() {
        return Ok(None);
    }
    Ok(Some(comparison.holds(compare(&left, &right))))
}

fn eval_call(function: &ScalarFunction, args: &[Expr], row: &[Value], ctx: &EvalContext<'_>) -> Result<Value> {
    let mut inline = [const { Value::Null }; INLINE_ARGS];
    let mut many = Vec::new();
    let values = match inline.get_mut(..args.len()) {
        Some(values) => values,
        None => {
            many.resize(args.len(), Value::Null);
            &mut many
        }
    };
    for (value, arg) in values.iter_mut().zip(args) {
        *value = eval(arg, row, ctx)?;
        if function.strict && value.is_null() {
            return Ok(Value::Null);
        }
    }
    (function.call)(ctx, values)
}

/// A function that makes an array of values does not always see of which type they are; the call knows.
fn array_of_type(value: Value, data_type: DataType) -> Value {
    match (&value, data_type.element()) {
        (Value::Array(array), Some(element)) if array.element() != element => {
            let (dimensions, values) = (array.dimensions().to_vec(), array.values().to_vec());
            Array::with_dimensions(element, dimensions, values).map_or(Value::Null, |array| Value::Array(array.into()))
        }
        _ => value,
    }
}

fn eval_cast(expr: &Expr, to: ColumnType, explicit: bool, row: &[Value], ctx: &EvalContext<'_>) -> Result<Value> {
    let value = eval(expr, row, ctx)?;
    cast(value, expr.data_type(), to, explicit, ctx.time)
}

fn eval_subquery(subquery: &Subquery, row: &[Value], ctx: &EvalContext<'_>) -> Result<Value> {
    // What stands on the left is computed first, so that its error comes even if the subquery has no rows.
    let left = match &subquery.kind {
        SubqueryKind::In(expr) => vec![eval(expr, row, ctx)?],
        SubqueryKind::Quantified { left, .. } | SubqueryKind::RowComparison { left, .. } => {
            left.iter().map(|expr| eval(expr, row, ctx)).collect::<Result<_>>()?
        }
        SubqueryKind::Scalar | SubqueryKind::Exists | SubqueryKind::Array => Vec::new(),
    };
    let rows = ctx.subqueries.run(subquery, row, ctx)?;
    match &subquery.kind {
        SubqueryKind::Exists => Ok(Value::Bool(!rows.is_empty())),
        SubqueryKind::Scalar => match rows.as_slice() {
            [] => Ok(Value::Null),
            [row] => Ok(row.first().cloned().unwrap_or(Value::Null)),
            _ => Err(more_than_one_row()),
        },
        SubqueryKind::In(_) => {
            let mut found = Found::default();
            for row in rows.iter() {
                if found.see(slot(&left, 0), slot(row, 0)) {
                    break;
                }
            }
            Ok(boolean(found.result()))
        }
        SubqueryKind::Quantified { condition, all, .. } => {
            let mut result = Some(*all);
            for row in rows.iter() {
                match eval_bool(condition, &joined(&left, row), ctx)? {
                    Some(holds) if holds != *all => return Ok(Value::Bool(holds)),
                    Some(_) => {}
                    None => result = None,
                }
            }
            Ok(boolean(result))
        }
        SubqueryKind::RowComparison { condition, .. } => match rows.as_slice() {
            [] => Ok(Value::Null),
            [row] => eval_bool(condition, &joined(&left, row), ctx).map(boolean),
            _ => Err(more_than_one_row()),
        },
        SubqueryKind::Array => {
            let values = rows.iter().map(|row| row.first().cloned().unwrap_or(Value::Null)).collect();
            form::array_of(values, subquery.data_type)
        }
    }
}

fn joined(left: &[Value], right: &[Value]) -> Vec<Value> {
    left.iter().chain(right).cloned().collect()
}

fn more_than_one_row() -> SqlError {
    SqlError::new(SqlState::CARDINALITY_VIOLATION, "more than one row returned by a subquery used as an expression")
}

/// What a search for an equal value has come to.
#[derive(Default)]
struct Found {
    equal: bool,
    unknown: bool,
}

impl Found {
    /// Looks at one value; true if the search is over.
    fn see(&mut self, wanted: &Value, item: &Value) -> bool {
        if wanted.is_null() || item.is_null() {
            self.unknown = true;
        } else if compare(wanted, item).is_eq() {
            self.equal = true;
        }
        self.equal
    }

    fn result(&self) -> Option<bool> {
        if self.equal {
            Some(true)
        } else if self.unknown {
            None
        } else {
            Some(false)
        }
    }
}

fn boolean(value: Option<bool>) -> Value {
    value.map_or(Value::Null, Value::Bool)
}

/// A column of a row. The binder has checked the position against the operator's columns.
fn slot(row: &[Value], index: usize) -> &Value {
    row.get(index).expect("BUG: a column beyond the input row")
}

fn outer_slot<'v>(ctx: &EvalContext<'v>, depth: usize, index: usize) -> &'v Value {
    let mut outer = ctx.outer;
    for _ in 0..depth {
        outer = outer.and_then(|row| row.next);
    }
    slot(outer.expect("BUG: an outer column without an outer row").row, index)
}

fn parameter<'v>(ctx: &EvalContext<'v>, index: usize) -> Result<&'v Value> {
    ctx.params.get(index).ok_or_else(|| {
        SqlError::new(SqlState::UNDEFINED_PARAMETER, format!("there is no parameter ${}", index.saturating_add(1)))
    })
}

fn wrong_count() -> SqlError {
    SqlError::new(SqlState::INTERNAL_ERROR, "a comparison without its two sides")
}

#[cfg(test)]
mod tests;
