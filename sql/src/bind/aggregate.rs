//! Calls of aggregates, and GROUPING.

use heliosdb_storage::value::{DataType, Value};
use sqlparser::ast::{self, Spanned};

use super::Binder;
use super::call::Arguments;
use super::scope::{AGGREGATE_BASE, GROUPING_BASE, Place, Scope};
use super::tree::plain;
use crate::error::{Result, SqlError, SqlState};
use crate::expr::Expr;
use crate::functions::{self, aggregate};
use crate::plan::AggregateCall;
use crate::types::cast::CastContext;

/// How many arguments GROUPING may have: its result has a bit for each.
const MAX_GROUPING_ARGUMENTS: usize = 31;

impl Binder<'_> {
    pub(super) fn aggregate(
        &mut self,
        name: &str,
        arguments: &Arguments<'_>,
        filter: Option<&ast::Expr>,
        scope: &Scope<'_>,
    ) -> Result<Expr> {
        let place = scope.place.replace(Place::Argument);
        let args: Result<Vec<Expr>> = arguments.exprs.iter().map(|arg| self.expr(arg, scope)).collect();
        scope.place.set(Place::Clause("FILTER"));
        let filter = filter.map(|filter| self.bind_condition(filter, scope, "FILTER")).transpose();
        scope.place.set(place);
        let mut call = self.aggregate_call(name, arguments, args?, filter?)?;
        let (owner, out) = owner(scope, call.exprs(), "aggregate functions")?;
        call.exprs_mut().for_each(|expr| expr.pull_inward(out));
        let returns = call.function.returns;
        let element = call.args.first().map_or(DataType::Text, Expr::data_type);
        let mut calls = owner.calls.borrow_mut();
        let known = calls.iter().position(|known| known.same(&call));
        let at = known.unwrap_or_else(|| {
            calls.push(call);
            calls.len() - 1
        });
        if returns == DataType::AnyArray {
            return collected(result_of(AGGREGATE_BASE + at, out, DataType::AnyArray), element);
        }
        Ok(result_of(AGGREGATE_BASE + at, out, returns))
    }

    /// An aggregate on arguments that are bound.
    pub(super) fn aggregate_call(
        &mut self,
        name: &str,
        arguments: &Arguments<'_>,
        bound: Vec<Expr>,
        filter: Option<Expr>,
    ) -> Result<AggregateCall> {
        if bound.is_empty() && !arguments.star {
            return Err(SqlError::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("{name}(*) must be used to call a parameterless aggregate function"),
            ));
        }
        let types: Vec<DataType> = bound.iter().map(Expr::data_type).collect();
        let function = aggregate::resolve(name, &types)?;
        let mut args = Vec::with_capacity(bound.len());
        for (at, arg) in bound.into_iter().enumerate() {
            let declared = function.args.get(at).copied().filter(|declared| !declared.is_polymorphic());
            args.push(self.coerce_argument(arg, declared)?);
        }
        self.prepare_json(name, &mut args)?;
        Ok(AggregateCall { function, args, distinct: arguments.distinct, filter })
    }

    /// GROUPING
    pub(super) fn grouping(&mut self, args: &[&ast::Expr], scope: &Scope<'_>) -> Result<Expr> {
        if args.len() > MAX_GROUPING_ARGUMENTS {
            let message = format!("GROUPING must have fewer than {} arguments", MAX_GROUPING_ARGUMENTS + 1);
            return Err(SqlError::new(SqlState::TOO_MANY_ARGUMENTS, message));
        }
        let place = scope.place.replace(Place::Argument);
        let bound: Result<Vec<Expr>> = args.iter().map(|arg| self.expr(arg, scope)).collect();
        scope.place.set(place);
        let mut bound = bound?;
        let (owner, out) = owner(scope, bound.iter(), "grouping operations")?;
        bound.iter_mut().for_each(|expr| expr.pull_inward(out));
        let mut groupings = owner.groupings.borrow_mut();
        groupings.push(bound.into_iter().zip(args.iter().map(|arg| arg.span())).collect());
        Ok(result_of(GROUPING_BASE + groupings.len() - 1, out, DataType::Int4))
    }
}

impl Binder<'_> {
    /// The arguments of `json_agg` and its kin as `json` or `jsonb`: the aggregate does not know the session.
    fn prepare_json(&mut self, name: &str, args: &mut Vec<Expr>) -> Result<()> {
        let to_json = match name {
            "json_agg" | "json_object_agg" => "to_json",
            "jsonb_agg" | "jsonb_object_agg" => "to_jsonb",
            _ => return Ok(()),
        };
        let Some(value) = args.pop() else { return Ok(()) };
        let data_type = value.data_type();
        args.push(self.call_bound(Some("pg_catalog"), to_json, vec![value])?);
        if name == "json_agg" {
            let is_structured = data_type == DataType::Record || data_type.element().is_some();
            args.push(Expr::Literal(Value::Bool(is_structured), DataType::Bool));
        }
        if name.ends_with("object_agg")
            && let Some(key) = args.first_mut()
        {
            let bound = std::mem::replace(key, Expr::Literal(Value::Null, DataType::Text));
            *key = self.coerce(bound, plain(DataType::Text), CastContext::Explicit)?;
        }
        Ok(())
    }
}

/// The result of an aggregate that makes an array of its arguments, whose type is known here.
pub(super) fn collected(result: Expr, argument: DataType) -> Result<Expr> {
    let returns = if argument.element().is_some() { Some(argument) } else { argument.array() };
    let Some(returns) = returns else {
        return Err(SqlError::new(
            SqlState::UNDEFINED_OBJECT,
            format!("could not find array type for data type {}", crate::types::name(argument, -1)),
        ));
    };
    Ok(Expr::Call { function: &functions::COLLECTED, args: vec![result], returns })
}

/// The query that an aggregate belongs to, and how many queries further out that is: the innermost one of which it reads
/// a column, or its own if it reads none. Fails if that query may not call one at this place.
fn owner<'s, 'e>(
    scope: &'s Scope<'s>,
    exprs: impl Iterator<Item = &'e Expr>,
    what: &str,
) -> Result<(&'s Scope<'s>, usize)> {
    let mut nearest: Option<usize> = None;
    exprs.for_each(|expr| {
        expr.for_each_level(&mut |level| nearest = Some(nearest.map_or(level, |nearest| nearest.min(level))));
    });
    let out = nearest.unwrap_or(0);
    let owner = (0..out).try_fold(scope, |scope, _| scope.parent);
    let owner = owner.expect("BUG: a column of a query that is not around");
    let refused = match owner.sibling.get() {
        Some(_) => Some(format!("{what} are not allowed in FROM clause of their own query level")),
        None => owner.place.get().refuses_aggregate(what),
    };
    match refused {
        Some(message) => Err(SqlError::new(SqlState::GROUPING_ERROR, message)),
        None => Ok((owner, out)),
    }
}

/// What is computed by the query so many queries further out, as the query here sees it.
const fn result_of(index: usize, out: usize, data_type: DataType) -> Expr {
    match out.checked_sub(1) {
        None => Expr::Column(index, data_type),
        Some(depth) => Expr::Outer { depth, index, data_type },
    }
}
