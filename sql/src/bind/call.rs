//! Calls of functions and aggregates.

use heliosdb_storage::value::{DataType, Value};
use sqlparser::ast::{
    self, DuplicateTreatment, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments,
};
use sqlparser::tokenizer::Span;

use super::Binder;
use super::aggregate::Suffixes;
use super::coerce::operator;
use super::names;
use super::scope::Scope;
use super::tree::plain;
use crate::error::{Result, SqlError, SqlState};
use crate::expr::{Expr, Form};
use crate::functions::{self, aggregate};
use crate::parse::encoding;
use crate::types::cast::{CastContext, can_cast};

impl Binder<'_> {
    pub(super) fn function(&mut self, call: &ast::Function, scope: &Scope<'_>) -> Result<Expr> {
        let ast::Function { name, uses_odbc_syntax, parameters, args, within_group, filter, null_treatment, over } =
            call;
        if *uses_odbc_syntax || !matches!(parameters, FunctionArguments::None) || null_treatment.is_some() {
            return Err(SqlError::unsupported(format!("the call {call}")));
        }
        let span = name.0.first().and_then(|part| part.as_ident()).map(|ident| ident.span);
        let qualified = names::qualified(name)?;
        if let FunctionArguments::Subquery(query) = args {
            return self.array_subquery(query, scope);
        }
        let arguments = Arguments::of(args)?;
        let suffixes = Suffixes { within_group, filter: filter.as_deref() };
        let in_catalog = qualified.schema.as_deref().is_none_or(|schema| schema == "pg_catalog");
        let bound = if let (Some(over), true) = (over, in_catalog) {
            self.window_call(&qualified.name, &arguments, (suffixes, over), scope)
        } else if let (Some(_), true, None) =
            (functions::window::named(&qualified.name), in_catalog && is_window_call(&arguments, suffixes), over)
        {
            let message = format!("window function {} requires an OVER clause", qualified.name);
            Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message))
        } else if in_catalog && aggregate::is_aggregate(&qualified.name) {
            self.aggregate(&qualified.name, &arguments, suffixes, scope)
        } else if over.is_some() {
            let message = format!("OVER specified, but {qualified} is not a window function nor an aggregate function");
            Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message))
        } else if in_catalog && functions::window::named(&qualified.name).is_some() {
            let message = format!("window function {} requires an OVER clause", qualified.name);
            Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message))
        } else if arguments.star && functions::resolve(qualified.schema.as_deref(), &qualified.name, &[]).is_err() {
            Err(functions::no_function(qualified.schema.as_deref(), &qualified.name, &[]))
        } else if let Some(what) = arguments.speciality(suffixes) {
            if what == "WITHIN GROUP" {
                let exprs = arguments.exprs.iter().copied().chain(within_group.iter().map(|item| &item.expr));
                let types = exprs.map(|expr| Ok(self.expr(expr, scope)?.data_type())).collect::<Result<Vec<_>>>()?;
                functions::resolve(qualified.schema.as_deref(), &qualified.name, &types)
                    .map_err(|error| self.at(span.unwrap_or_else(Span::empty), error))?;
            }
            let message = match what {
                "*" => format!("{0}(*) specified, but {0} is not an aggregate function", qualified.name),
                what => format!("{what} specified, but {} is not an aggregate function", qualified.name),
            };
            Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message))
        } else if qualified.schema.is_none() && qualified.name == "grouping" {
            self.grouping(&arguments.exprs, scope)
        } else if qualified.schema.is_none() && is_special(&qualified.name) {
            self.special(&qualified.name, &arguments.exprs, scope)
        } else if functions::table::is_table_function(qualified.schema.as_deref(), &qualified.name) {
            let bound: Result<Vec<Expr>> = arguments.exprs.iter().map(|arg| self.expr(arg, scope)).collect();
            self.set_call(qualified.schema.as_deref(), &qualified.name, bound?, scope)
        } else {
            let bound: Result<Vec<Expr>> = arguments.exprs.iter().map(|arg| self.expr(arg, scope)).collect();
            let (schema, bound) = (qualified.schema.as_deref(), bound?);
            if !arguments.names.is_empty() {
                return Err(no_named_function(&qualified, &bound, &arguments.names));
            }
            if let ([_], "pg_typeof", true) = (bound.as_slice(), qualified.name.as_str(), in_catalog) {
                return self.type_of(&bound);
            }
            let called = if let Some(call) = self.enum_call(schema, &qualified.name, &bound)? {
                return Ok(call);
            } else if arguments.variadic {
                self.variadic_call(schema, &qualified.name, bound)
            } else {
                self.call_bound(schema, &qualified.name, bound)
            };
            if let Ok(Expr::Call { args, .. }) = &called {
                for (written, arg) in arguments.exprs.iter().zip(args) {
                    self.note_regclass(written, arg);
                }
            }
            called
        };
        bound.map_err(|error| match span {
            Some(span) => self.at(span, error),
            None => error,
        })
    }

    /// `enum_first` and its kin, which ask the type of their arguments and not their values.
    fn enum_call(&mut self, schema: Option<&str>, name: &str, args: &[Expr]) -> Result<Option<Expr>> {
        if schema.is_some_and(|schema| schema != "pg_catalog") {
            return Ok(None);
        }
        let Some(function) = functions::enums::named(name, args.len()) else { return Ok(None) };
        let enum_type = args.iter().map(Expr::data_type).find(|found| matches!(found, DataType::Enum(_)));
        let Some(enum_type @ DataType::Enum(id)) = enum_type else { return Ok(None) };
        let mut given = vec![Expr::Literal(Value::Oid(id), DataType::Oid)];
        for arg in args {
            given.push(self.coerce(arg.clone(), plain(enum_type), CastContext::Implicit)?);
        }
        let returns = if function.returns == DataType::AnyEnum { Some(enum_type) } else { enum_type.array() };
        Ok(returns.map(|returns| Expr::Call { function, args: given, returns }))
    }

    /// A call on arguments that are bound.
    pub(super) fn call_bound(&mut self, schema: Option<&str>, name: &str, args: Vec<Expr>) -> Result<Expr> {
        let types: Vec<DataType> = args.iter().map(Expr::data_type).collect();
        match functions::resolve(schema, name, &types) {
            Ok(function) => self.call_of(function, args),
            Err(error) => self.cast_by_call(schema, name, &args).unwrap_or(Err(error)),
        }
    }

    /// What looks like a function but is part of the grammar.
    fn special(&mut self, name: &str, args: &[&ast::Expr], scope: &Scope<'_>) -> Result<Expr> {
        let sets = scope.sets.borrow().len();
        let bound: Result<Vec<Expr>> = args.iter().map(|arg| self.expr(arg, scope)).collect();
        let mut bound = bound?;
        match name {
            "nullif" => {
                let (Some(b), Some(a), true) = (bound.pop(), bound.pop(), bound.is_empty()) else {
                    return Err(SqlError::new(SqlState::SYNTAX_ERROR, "NULLIF takes two arguments"));
                };
                // The result is the first operand as `=` takes it.
                let equal = operator(self, "=", Some(a), b)?;
                let a = equal.children().first().map(|a| Expr::clone(a)).expect("BUG: a comparison has operands");
                let declared = match &equal {
                    Expr::Call { function, .. } => function.arg_type(0).filter(|declared| !declared.is_polymorphic()),
                    _ => None,
                };
                let data_type = declared.unwrap_or(a.data_type());
                let null = Expr::Literal(Value::Null, data_type);
                Ok(Expr::Case { branches: vec![(equal, null)], otherwise: Box::new(a), data_type })
            }
            _ if bound.is_empty() => Err(SqlError::new(SqlState::SYNTAX_ERROR, "syntax error at or near \")\"")),
            "coalesce" => {
                self.refuse_sets_since(sets, scope, "COALESCE")?;
                let (parts, data_type) = self.unify(bound, "COALESCE")?;
                Ok(Expr::Coalesce(parts, data_type))
            }
            _ => self.extreme(name, bound),
        }
    }

    /// GREATEST and LEAST: of the arguments that are not NULL.
    fn extreme(&mut self, name: &str, args: Vec<Expr>) -> Result<Expr> {
        let greatest = name == "greatest";
        let (args, data_type) = self.unify(args, if greatest { "GREATEST" } else { "LEAST" })?;
        if functions::resolve_operator("<", Some(data_type), Some(data_type)).is_err() {
            let name = crate::types::name(data_type, -1);
            let message = format!("could not identify a comparison function for type {name}");
            return Err(SqlError::new(SqlState::UNDEFINED_FUNCTION, message));
        }
        Ok(Expr::Form { form: Form::Extreme { greatest }, args, data_type })
    }

    /// `f(…, VARIADIC array)`: the elements of the array are arguments.
    fn variadic_call(&mut self, schema: Option<&str>, name: &str, mut args: Vec<Expr>) -> Result<Expr> {
        let Some(array) = args.pop() else { return Err(SqlError::unsupported("VARIADIC without an argument")) };
        let element = match array.data_type() {
            DataType::Unknown => DataType::Text,
            other => other
                .element()
                .ok_or_else(|| SqlError::new(SqlState::DATATYPE_MISMATCH, "VARIADIC argument must be an array"))?,
        };
        let mut types: Vec<DataType> = args.iter().map(Expr::data_type).collect();
        types.push(element);
        let function = functions::resolve(schema, name, &types)?;
        if !function.variadic {
            types.pop();
            types.push(array.data_type());
            return Err(functions::no_function(schema, name, &types));
        }
        let declared = function.arg_type(types.len() - 1).unwrap_or(DataType::Any);
        let to = match declared {
            DataType::Any | DataType::Unknown => array.data_type(),
            declared => declared.array().unwrap_or(array.data_type()),
        };
        let array = self.coerce(array, plain(to), CastContext::Implicit)?;
        let mut coerced = Vec::with_capacity(types.len());
        for (at, arg) in args.into_iter().enumerate() {
            let declared = function.arg_type(at).filter(|declared| *declared != DataType::Any);
            coerced.push(self.coerce_argument(arg, declared)?);
        }
        coerced.push(array);
        Ok(Expr::Form { form: Form::VariadicCall(function), args: coerced, data_type: function.returns })
    }

    /// The type of an argument, which is known here and nowhere later.
    fn type_of(&mut self, args: &[Expr]) -> Result<Expr> {
        let data_type = args.first().map_or(DataType::Unknown, Expr::data_type);
        let oid = Expr::Literal(Value::Oid(data_type.oid()), DataType::Oid);
        self.coerce(oid, plain(DataType::RegType), CastContext::Explicit)
    }

    /// A call by the name of a type is a cast, where no function has that name.
    fn cast_by_call(&mut self, schema: Option<&str>, name: &str, args: &[Expr]) -> Option<Result<Expr>> {
        let ([arg], None | Some("pg_catalog")) = (args, schema) else { return None };
        let to = crate::types::by_name(name)?;
        let castable = arg.data_type() == DataType::Unknown || can_cast(arg.data_type(), to, CastContext::Explicit);
        castable.then(|| self.coerce(arg.clone(), plain(to), CastContext::Explicit))
    }
}

/// Whether a call of a name that both window functions and aggregates with WITHIN GROUP have means the former.
fn is_window_call(arguments: &Arguments<'_>, suffixes: Suffixes<'_>) -> bool {
    arguments.exprs.is_empty() && suffixes.within_group.is_empty()
}

/// The arguments of a call as they are written.
pub(super) struct Arguments<'a> {
    pub exprs: Vec<&'a ast::Expr>,
    pub star: bool,
    pub distinct: bool,
    /// ORDER BY
    pub order: &'a [ast::OrderByExpr],
    /// Whether the last one is an array of arguments.
    pub variadic: bool,
    /// The names of the last ones, as far as they are given.
    pub names: Vec<String>,
}

impl<'a> Arguments<'a> {
    fn of(args: &'a FunctionArguments) -> Result<Self> {
        let mut arguments =
            Self { exprs: Vec::new(), star: false, distinct: false, order: &[], variadic: false, names: Vec::new() };
        let list = match args {
            FunctionArguments::None => return Ok(arguments),
            FunctionArguments::Subquery(_) => return Err(SqlError::unsupported("a subquery as the only argument")),
            FunctionArguments::List(list) => list,
        };
        match list.clauses.as_slice() {
            [] => {}
            [FunctionArgumentClause::OrderBy(order)] => arguments.order = order,
            [clause, ..] => return Err(SqlError::unsupported(format!("{clause} in a call"))),
        }
        arguments.distinct = matches!(list.duplicate_treatment, Some(DuplicateTreatment::Distinct));
        for arg in &list.args {
            match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => match encoding::as_variadic(expr) {
                    Some(array) => {
                        arguments.variadic = true;
                        arguments.exprs.push(array);
                    }
                    None => arguments.exprs.push(expr),
                },
                FunctionArg::Unnamed(FunctionArgExpr::Wildcard) if list.args.len() == 1 => arguments.star = true,
                FunctionArg::Named { name, arg: FunctionArgExpr::Expr(expr), .. } => {
                    arguments.names.push(names::ident(name));
                    arguments.exprs.push(expr);
                }
                FunctionArg::Named { .. } | FunctionArg::ExprNamed { .. } => {
                    return Err(SqlError::unsupported(format!("the argument {arg}")));
                }
                FunctionArg::Unnamed(other) => return Err(SqlError::unsupported(format!("the argument {other}"))),
            }
        }
        if arguments.distinct && arguments.star {
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, "syntax error at or near \"*\""));
        }
        Ok(arguments)
    }

    /// What only a call of an aggregate may say.
    const fn speciality(&self, suffixes: Suffixes<'_>) -> Option<&'static str> {
        if self.star {
            Some("*")
        } else if self.distinct {
            Some("DISTINCT")
        } else if !suffixes.within_group.is_empty() {
            Some("WITHIN GROUP")
        } else if !self.order.is_empty() {
            Some("ORDER BY")
        } else if suffixes.filter.is_some() {
            Some("FILTER")
        } else {
            None
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

/// The error for a call with names of arguments: no function has any yet.
fn no_named_function(function: &names::QualifiedName, args: &[Expr], names: &[String]) -> SqlError {
    let first_named = args.len().saturating_sub(names.len());
    let args = args.iter().enumerate().map(|(at, arg)| {
        let data_type = crate::types::name(arg.data_type(), -1);
        match at.checked_sub(first_named).and_then(|at| names.get(at)) {
            Some(name) => format!("{name} => {data_type}"),
            None => data_type.into_owned(),
        }
    });
    let args = args.collect::<Vec<_>>().join(", ");
    SqlError::new(SqlState::UNDEFINED_FUNCTION, format!("function {function}({args}) does not exist"))
        .with_hint("No function matches the given name and argument types. You might need to add explicit type casts.")
}

fn is_special(name: &str) -> bool {
    matches!(name, "coalesce" | "nullif" | "greatest" | "least")
}
