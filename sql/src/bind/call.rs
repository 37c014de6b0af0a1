//! Calls of functions and aggregates.

use heliosdb_storage::value::{DataType, Value};
use sqlparser::ast::{self, DuplicateTreatment, FunctionArg, FunctionArgExpr, FunctionArguments};

use super::Binder;
use super::coerce::operator;
use super::names;
use super::scope::Scope;
use super::tree::plain;
use crate::error::{Result, SqlError, SqlState};
use crate::expr::Expr;
use crate::functions::{self, aggregate};
use crate::types::cast::CastContext;

impl Binder<'_> {
    pub(super) fn function(&mut self, call: &ast::Function, scope: &Scope<'_>) -> Result<Expr> {
        let ast::Function { name, uses_odbc_syntax, parameters, args, within_group, filter, null_treatment, over } =
            call;
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
        let bound = if let (Some(over), true) = (over, in_catalog) {
            self.window_call(&qualified.name, &arguments, (filter.as_deref(), over), scope)
        } else if in_catalog && aggregate::is_aggregate(&qualified.name) {
            self.aggregate(&qualified.name, &arguments, filter.as_deref(), scope)
        } else if over.is_some() {
            let message = format!("OVER specified, but {qualified} is not a window function nor an aggregate function");
            Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message))
        } else if in_catalog && functions::window::named(&qualified.name).is_some() {
            let message = format!("window function {} requires an OVER clause", qualified.name);
            Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message))
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
pub(super) struct Arguments<'a> {
    pub exprs: Vec<&'a ast::Expr>,
    pub star: bool,
    pub distinct: bool,
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
