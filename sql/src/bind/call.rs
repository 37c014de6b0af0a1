//! Calls of functions and aggregates.

use heliosdb_storage::value::{DataType, Value};
use sqlparser::ast::{self, DuplicateTreatment, FunctionArg, FunctionArgExpr, FunctionArguments, Spanned};

use super::Binder;
use super::coerce::operator;
use super::names;
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
    pub(super) fn function(&mut self, call: &ast::Function, scope: &Scope<'_>) -> Result<Expr> {
        let ast::Function { name, uses_odbc_syntax, parameters, args, within_group, filter, null_treatment, over } =
            call;
        if over.is_some() {
            return Err(SqlError::unsupported("a window function (OVER)"));
        }
        if !within_group.is_empty() {
            return Err(SqlError::unsupported("WITHIN GROUP"));
        }
        if *uses_odbc_syntax || !matches!(parameters, FunctionArguments::None) || null_treatment.is_some() {
            return Err(SqlError::unsupported(format!("the call {call}")));
        }
        let span = name.0.first().and_then(|part| part.as_ident()).map(|ident| ident.span);
        let qualified = names::qualified(name)?;
        let arguments = Arguments::of(args)?;
        let in_catalog = qualified.schema.as_deref().is_none_or(|schema| schema == "pg_catalog");
        let bound = if in_catalog && aggregate::is_aggregate(&qualified.name) {
            self.aggregate(&qualified.name, &arguments, filter.as_deref(), scope)
        } else if filter.is_some() || arguments.distinct || arguments.star {
            Err(SqlError::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("{} specified, but {} is not an aggregate function", arguments.speciality(), qualified.name),
            ))
        } else if qualified.schema.is_none() && qualified.name == "grouping" {
            self.grouping(&arguments.exprs, scope)
        } else if qualified.schema.is_none() && is_special(&qualified.name) {
            self.special(&qualified.name, &arguments.exprs, scope)
        } else {
            let bound: Result<Vec<Expr>> = arguments.exprs.iter().map(|arg| self.expr(arg, scope)).collect();
            self.call_bound(qualified.schema.as_deref(), &qualified.name, bound?)
        };
        bound.map_err(|error| match span {
            Some(span) => self.at(span, error),
            None => error,
        })
    }

    /// A call of a built-in function on arguments that are not bound yet.
    pub(super) fn call_by_name(&mut self, name: &str, args: &[&ast::Expr], scope: &Scope<'_>) -> Result<Expr> {
        let bound: Result<Vec<Expr>> = args.iter().map(|arg| self.expr(arg, scope)).collect();
        self.call_bound(None, name, bound?)
    }

    /// A call on arguments that are bound.
    pub(super) fn call_bound(&mut self, schema: Option<&str>, name: &str, args: Vec<Expr>) -> Result<Expr> {
        let types: Vec<DataType> = args.iter().map(Expr::data_type).collect();
        let function = functions::resolve(schema, name, &types)?;
        self.call_of(function, args)
    }

    fn aggregate(
        &mut self,
        name: &str,
        arguments: &Arguments<'_>,
        filter: Option<&ast::Expr>,
        scope: &Scope<'_>,
    ) -> Result<Expr> {
        let place = scope.place.get();
        scope.place.set(Place::Argument);
        let bound: Result<Vec<Expr>> = arguments.exprs.iter().map(|arg| self.expr(arg, scope)).collect();
        scope.place.set(Place::Clause("FILTER"));
        let filter = filter.map(|filter| self.bind_condition(filter, scope, "FILTER")).transpose();
        scope.place.set(place);
        let (bound, filter) = (bound?, filter?);
        if arguments.exprs.is_empty() && !arguments.star {
            return Err(SqlError::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("{name}(*) must be used to call a parameterless aggregate function"),
            ));
        }
        let types: Vec<DataType> = bound.iter().map(Expr::data_type).collect();
        let function = aggregate::resolve(name, &types)?;
        let mut args = Vec::with_capacity(bound.len());
        for (at, arg) in bound.into_iter().enumerate() {
            args.push(self.coerce_argument(arg, function.args.get(at).copied())?);
        }
        let mut call = AggregateCall { function, args, distinct: arguments.distinct, filter };
        let (owner, out) = owner(scope, call.exprs(), "aggregate functions")?;
        call.exprs_mut().for_each(|expr| expr.pull_inward(out));
        let mut calls = owner.calls.borrow_mut();
        let known = calls.iter().position(|known| same_call(known, &call));
        let at = known.unwrap_or_else(|| {
            calls.push(call);
            calls.len() - 1
        });
        Ok(result_of(AGGREGATE_BASE + at, out, function.returns))
    }

    /// GROUPING
    fn grouping(&mut self, args: &[&ast::Expr], scope: &Scope<'_>) -> Result<Expr> {
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

    /// NULLIF's first operand, as `=` takes it: that is the type of the result.
    fn nullif_operand(&mut self, a: Expr, other: DataType) -> Result<Expr> {
        let is_exact = |data_type| matches!(data_type, DataType::Int2 | DataType::Int4 | DataType::Int8);
        let to = match (a.data_type(), other) {
            (DataType::Unknown, DataType::Unknown) => DataType::Text,
            (DataType::Unknown, other) => other,
            (own, DataType::Numeric | DataType::Float8) if is_exact(own) => other,
            (DataType::Numeric, DataType::Float8) => other,
            (own, _) => own,
        };
        self.coerce(a, plain(to), CastContext::Implicit)
    }

    /// What looks like a function but is part of the grammar.
    fn special(&mut self, name: &str, args: &[&ast::Expr], scope: &Scope<'_>) -> Result<Expr> {
        let bound: Result<Vec<Expr>> = args.iter().map(|arg| self.expr(arg, scope)).collect();
        let mut bound = bound?;
        match name {
            "nullif" => {
                let (Some(b), Some(a), true) = (bound.pop(), bound.pop(), bound.is_empty()) else {
                    return Err(SqlError::new(SqlState::SYNTAX_ERROR, "NULLIF takes two arguments"));
                };
                let a = self.nullif_operand(a, b.data_type())?;
                let data_type = a.data_type();
                let equal = operator(self, "=", Some(a.clone()), b)?;
                let null = Expr::Literal(Value::Null, data_type);
                Ok(Expr::Case { branches: vec![(equal, null)], otherwise: Box::new(a), data_type })
            }
            _ if bound.is_empty() => Err(SqlError::new(SqlState::SYNTAX_ERROR, "syntax error at or near \")\"")),
            "coalesce" => {
                let (parts, data_type) = self.unify(bound, "COALESCE")?;
                Ok(Expr::Coalesce(parts, data_type))
            }
            _ => self.extreme(name, bound),
        }
    }

    /// GREATEST and LEAST: the argument that is not NULL and not beaten by another one.
    fn extreme(&mut self, name: &str, args: Vec<Expr>) -> Result<Expr> {
        let (symbol, place) = if name == "greatest" { (">=", "GREATEST") } else { ("<=", "LEAST") };
        let (args, data_type) = self.unify(args, place)?;
        let mut branches = Vec::with_capacity(args.len());
        for (at, arg) in args.iter().enumerate() {
            let mut wins = vec![Expr::Not(Box::new(Expr::IsNull(Box::new(arg.clone()))))];
            for (_, other) in args.iter().enumerate().filter(|(other, _)| *other != at) {
                let beats = operator(self, symbol, Some(arg.clone()), other.clone())?;
                wins.push(Expr::Or(vec![Expr::IsNull(Box::new(other.clone())), beats]));
            }
            branches.push((Expr::And(wins), arg.clone()));
        }
        Ok(Expr::Case { branches, otherwise: Box::new(Expr::Literal(Value::Null, data_type)), data_type })
    }
}

/// The arguments of a call as they are written.
struct Arguments<'a> {
    exprs: Vec<&'a ast::Expr>,
    star: bool,
    distinct: bool,
}

impl<'a> Arguments<'a> {
    fn of(args: &'a FunctionArguments) -> Result<Self> {
        let mut arguments = Self { exprs: Vec::new(), star: false, distinct: false };
        let list = match args {
            FunctionArguments::None => return Ok(arguments),
            FunctionArguments::Subquery(_) => return Err(SqlError::unsupported("a subquery as the only argument")),
            FunctionArguments::List(list) => list,
        };
        if let Some(clause) = list.clauses.first() {
            return Err(SqlError::unsupported(format!("{clause} in a call")));
        }
        arguments.distinct = matches!(list.duplicate_treatment, Some(DuplicateTreatment::Distinct));
        for arg in &list.args {
            match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => arguments.exprs.push(expr),
                FunctionArg::Unnamed(FunctionArgExpr::Wildcard) if list.args.len() == 1 => arguments.star = true,
                FunctionArg::Named { .. } | FunctionArg::ExprNamed { .. } => {
                    return Err(SqlError::unsupported("a named argument"));
                }
                FunctionArg::Unnamed(other) => return Err(SqlError::unsupported(format!("the argument {other}"))),
            }
        }
        if arguments.distinct && arguments.star {
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, "syntax error at or near \"*\""));
        }
        Ok(arguments)
    }

    const fn speciality(&self) -> &'static str {
        if self.distinct {
            "DISTINCT"
        } else if self.star {
            "*"
        } else {
            "FILTER"
        }
    }
}

/// The arguments of a call in FROM.
pub(super) fn plain_arguments(args: &[FunctionArg]) -> Result<Vec<&ast::Expr>> {
    args.iter()
        .map(|arg| match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Ok(expr),
            other => Err(SqlError::unsupported(format!("the argument {other}"))),
        })
        .collect()
}

fn is_special(name: &str) -> bool {
    matches!(name, "coalesce" | "nullif" | "greatest" | "least")
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

fn same_call(a: &AggregateCall, b: &AggregateCall) -> bool {
    let same_filter = match (&a.filter, &b.filter) {
        (None, None) => true,
        (Some(a), Some(b)) => a.same(b),
        _ => false,
    };
    std::ptr::eq(a.function, b.function)
        && a.distinct == b.distinct
        && same_filter
        && a.args.len() == b.args.len()
        && a.args.iter().zip(&b.args).all(|(a, b)| a.same(b))
}
