//! Calls of aggregates, and GROUPING.

use heliosdb_storage::value::{DataType, Value};
use sqlparser::ast::{self, Spanned};

use super::Binder;
use super::call::Arguments;
use super::order::{equality_of, sort_key};
use super::scope::{AGGREGATE_BASE, GROUPING_BASE, Place, Scope};
use super::tree::plain;
use crate::error::{Result, SqlError, SqlState};
use crate::expr::Expr;
use crate::functions;
use crate::functions::aggregate::{self, AggregateKind, Resolved};
use crate::plan::{AggregateCall, ArgumentKey, SortKey};
use crate::types::cast::CastContext;

/// How many arguments GROUPING may have: its result has a bit for each.
const MAX_GROUPING_ARGUMENTS: usize = 31;

/// What a call of an aggregate says besides its arguments.
#[derive(Clone, Copy)]
pub(super) struct Suffixes<'a> {
    /// WITHIN GROUP (ORDER BY …)
    pub within_group: &'a [ast::OrderByExpr],
    /// FILTER
    pub filter: Option<&'a ast::Expr>,
}

impl Binder<'_> {
    pub(super) fn aggregate(
        &mut self,
        name: &str,
        arguments: &Arguments<'_>,
        suffixes: Suffixes<'_>,
        scope: &Scope<'_>,
    ) -> Result<Expr> {
        let place = scope.place.get();
        let call = self.aggregate_call(name, arguments, suffixes, (scope, Place::Argument));
        scope.place.set(place);
        let mut call = call?;
        let (owner, out) = owner(scope, call.exprs(), "aggregate functions")?;
        call.exprs_mut().for_each(|expr| expr.pull_inward(out));
        let returns = call.returns;
        let mut calls = owner.calls.borrow_mut();
        let known = calls.iter().position(|known| known.same(&call));
        let at = known.unwrap_or_else(|| {
            calls.push(call);
            calls.len() - 1
        });
        Ok(result_of(AGGREGATE_BASE + at, out, returns))
    }

    /// An aggregate with its arguments, which are at a place of their own. The place that the scope has then is left there.
    pub(super) fn aggregate_call(
        &mut self,
        name: &str,
        arguments: &Arguments<'_>,
        suffixes: Suffixes<'_>,
        (scope, place): (&Scope<'_>, Place),
    ) -> Result<AggregateCall> {
        scope.place.set(place);
        let args: Vec<Expr> = arguments.exprs.iter().map(|arg| self.expr(arg, scope)).collect::<Result<_>>()?;
        let order = self.aggregate_order(arguments.order, scope)?;
        let within_group = self.aggregate_order(suffixes.within_group, scope)?;
        scope.place.set(Place::Clause("FILTER"));
        let filter = suffixes.filter.map(|filter| self.bind_condition(filter, scope, "FILTER")).transpose()?;
        let kind = aggregate::kind_of(name);
        if let Some(AggregateKind::OrderedSet { .. } | AggregateKind::Hypothetical) = kind {
            let is_hypothetical = kind == Some(AggregateKind::Hypothetical);
            return self.ordered_set_call(name, (arguments, args), within_group, filter, is_hypothetical);
        }
        if !within_group.is_empty() {
            let given = args.iter().map(Expr::data_type).chain(within_group.iter().map(|key| key.expr.data_type()));
            aggregate::resolve(name, &given.collect::<Vec<_>>())?;
            let message = format!("{name} is not an ordered-set aggregate, so it cannot have WITHIN GROUP");
            return Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message));
        }
        if args.is_empty() && !arguments.star {
            return Err(SqlError::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("{name}(*) must be used to call a parameterless aggregate function"),
            ));
        }
        let types: Vec<DataType> = args.iter().map(Expr::data_type).collect();
        let Resolved { function, args: wanted, returns } = aggregate::resolve(name, &types)?;
        let mut args: Vec<Expr> =
            args.into_iter().zip(wanted).map(|(arg, to)| self.coerce_argument(arg, Some(to))).collect::<Result<_>>()?;
        let written = args.clone();
        let first_written = if self.prepare_json(name, &mut args)? {
            // What tells rows apart, and what they are ordered by, are the values, not their JSON.
            args.extend(arguments.distinct.then_some(written.clone()).into_iter().flatten());
            args.len() - if arguments.distinct { written.len() } else { 0 }
        } else {
            0
        };
        let mut call = AggregateCall {
            function,
            args,
            distinct: arguments.distinct,
            distinct_by: Vec::new(),
            order: Vec::new(),
            filter,
            returns,
        };
        if arguments.distinct {
            for (expr, written) in written.iter().zip(&arguments.exprs) {
                equality_of(expr.data_type()).map_err(|error| self.at_expr(written, error))?;
            }
            call.distinct_by = self.distinct_by(&written, first_written, (&order, arguments.order))?;
        } else {
            call.order = order;
        }
        Ok(call)
    }

    fn aggregate_order(&mut self, items: &[ast::OrderByExpr], scope: &Scope<'_>) -> Result<Vec<SortKey>> {
        let mut keys = Vec::with_capacity(items.len());
        for item in items {
            let bound = self.expr(&item.expr, scope)?;
            let bound = self.known(bound)?;
            keys.push(sort_key(bound, &item.options).map_err(|error| self.at_expr(&item.expr, error))?);
        }
        Ok(keys)
    }

    /// With DISTINCT the order is over the arguments, and goes on with those that it does not name.
    fn distinct_by(
        &self,
        args: &[Expr],
        first: usize,
        (order, items): (&[SortKey], &[ast::OrderByExpr]),
    ) -> Result<Vec<ArgumentKey>> {
        let mut keys: Vec<ArgumentKey> = Vec::with_capacity(args.len());
        for (key, item) in order.iter().zip(items) {
            let at = args.iter().position(|arg| without_conversion(arg).same(&key.expr) || arg.same(&key.expr));
            let at = at.ok_or_else(|| {
                let message = "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list";
                self.at_expr(&item.expr, SqlError::new(SqlState::INVALID_COLUMN_REFERENCE, message))
            })?;
            keys.push(ArgumentKey { at: first + at, descending: key.descending, nulls_first: key.nulls_first });
        }
        for (at, _) in args.iter().enumerate() {
            let at = first + at;
            if !keys.iter().any(|key| key.at == at) {
                keys.push(ArgumentKey { at, descending: false, nulls_first: false });
            }
        }
        Ok(keys)
    }

    /// An aggregate with WITHIN GROUP.
    fn ordered_set_call(
        &mut self,
        name: &str,
        (arguments, mut args): (&Arguments<'_>, Vec<Expr>),
        mut order: Vec<SortKey>,
        filter: Option<Expr>,
        is_hypothetical: bool,
    ) -> Result<AggregateCall> {
        let wrong = |message: String| Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message));
        if order.is_empty() {
            aggregate::resolve(name, &args.iter().map(Expr::data_type).collect::<Vec<_>>())?;
            return wrong(format!("WITHIN GROUP is required for ordered-set aggregate {name}"));
        }
        if arguments.distinct || !arguments.order.is_empty() {
            let what = if arguments.distinct { "DISTINCT" } else { "multiple ORDER BY clauses" };
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, format!("cannot use {what} with WITHIN GROUP")));
        }
        let direct = args.len();
        if is_hypothetical {
            if direct != order.len() {
                let types: Vec<DataType> =
                    args.iter().map(Expr::data_type).chain(order.iter().map(|key| key.expr.data_type())).collect();
                let mut error = functions::no_function(None, name, &types);
                error.fields.hint = Some(format!(
                    "To use the hypothetical-set aggregate {name}, the number of hypothetical direct arguments (here \
                     {direct}) must match the number of ordering columns (here {}).",
                    order.len()
                ));
                return Err(error);
            }
            for (arg, key) in args.iter_mut().zip(&mut order) {
                let to = self.common_type([key.expr.data_type(), arg.data_type()], "WITHIN GROUP")?;
                for expr in [arg, &mut key.expr] {
                    let taken = std::mem::replace(expr, Expr::Literal(Value::Null, to));
                    *expr = self.coerce(taken, plain(to), CastContext::Implicit)?;
                }
            }
        }
        args.extend(order.iter().map(|key| key.expr.clone()));
        let types: Vec<DataType> = args.iter().map(Expr::data_type).collect();
        let Resolved { function, args: wanted, returns } = aggregate::resolve(name, &types)?;
        let args: Vec<Expr> =
            args.into_iter().zip(wanted).map(|(arg, to)| self.coerce_argument(arg, Some(to))).collect::<Result<_>>()?;
        for (key, arg) in order.iter_mut().zip(args.iter().skip(direct)) {
            key.expr = arg.clone();
        }
        Ok(AggregateCall { function, args, distinct: false, distinct_by: Vec::new(), order, filter, returns })
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
    fn prepare_json(&mut self, name: &str, args: &mut Vec<Expr>) -> Result<bool> {
        let to_json = match name {
            "json_agg" | "json_object_agg" => "to_json",
            "jsonb_agg" | "jsonb_object_agg" => "to_jsonb",
            _ => return Ok(false),
        };
        let Some(value) = args.pop() else { return Ok(false) };
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
        Ok(true)
    }
}

/// An argument without what has been done to its type.
fn without_conversion(arg: &Expr) -> &Expr {
    match arg {
        Expr::Cast { expr, explicit: false, .. } => expr,
        other => other,
    }
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
