//! Which type becomes which: arguments, assignments, common types, and what `unknown` turns out to be.
//!
//! A string literal and NULL are of type `unknown` until their context says what they are; so are parameters whose type
//! the client did not give. The first context that needs a type decides, for a parameter once and for all.

use std::sync::Arc;

use heliosdb_storage::value::{ColumnType, DataType, Value};
use sqlparser::tokenizer::Span;

use super::Binder;
use super::tree::plain;
use crate::error::{Result, SqlError, SqlState};
use crate::expr::Expr;
use crate::functions::{self, ScalarFunction, polymorphic};
use crate::types;
use crate::types::cast::{CastContext, can_cast, cannot_cast, is_noop};
use crate::types::category::{Category, is_alike, is_preferred};

impl Binder<'_> {
    /// The expression as a value of another type.
    pub fn coerce(&mut self, expr: Expr, to: ColumnType, context: CastContext) -> Result<Expr> {
        let explicit = context == CastContext::Explicit;
        let from = expr.data_type();
        match expr {
            Expr::Literal(Value::Null, DataType::Unknown) => return Ok(Expr::Literal(Value::Null, to.data_type)),
            Expr::Literal(Value::Text(text), DataType::Unknown) => {
                return self.literal(&text, to, explicit).map_err(|error| self.at_literal(&text, error));
            }
            Expr::Parameter(index, DataType::Unknown) => {
                self.decide_parameter(index, to.data_type)?;
                let parameter = Expr::Parameter(index, to.data_type);
                return Ok(if to.typmod < 0 { parameter } else { cast(parameter, to, explicit) });
            }
            _ => {}
        }
        if from == to.data_type && (to.typmod < 0 || context == CastContext::Implicit) {
            return Ok(expr);
        }
        if !can_cast(from, to.data_type, context) {
            return Err(cannot_cast(from, to.data_type));
        }
        if is_noop(from, to) && !explicit {
            return Ok(expr);
        }
        Ok(fold(cast(expr, to, explicit)))
    }

    /// An argument of a function; a declared type of `Unknown` takes anything.
    pub fn coerce_argument(&mut self, expr: Expr, declared: Option<DataType>) -> Result<Expr> {
        match declared {
            None | Some(DataType::Unknown) => self.known(expr),
            Some(data_type) => self.coerce(expr, plain(data_type), CastContext::Implicit),
        }
    }

    /// A call of a function that has been chosen: its arguments as its signature wants them.
    pub fn call_of(&mut self, function: &'static ScalarFunction, args: Vec<Expr>) -> Result<Expr> {
        let given: Vec<DataType> = args.iter().map(Expr::data_type).collect();
        let declared = (0..args.len()).map(|at| function.arg_type(at).unwrap_or(DataType::Any));
        let resolved = polymorphic::resolve(declared.clone(), &given).ok_or_else(polymorphic::undetermined)?;
        let args = args.into_iter().zip(declared).map(|(arg, declared)| {
            let declared = match declared {
                DataType::Any => None,
                declared => Some(resolved.apply(declared).ok_or_else(polymorphic::undetermined)?),
            };
            self.coerce_argument(arg, declared)
        });
        let args = args.collect::<Result<Vec<_>>>()?;
        let returns = resolved.apply(function.returns).ok_or_else(polymorphic::undetermined)?;
        Ok(Expr::Call { function, args, returns })
    }

    /// A value stored in a column (42804 if its type does not fit).
    pub fn assign(&mut self, expr: Expr, column: &str, to: ColumnType) -> Result<Expr> {
        let from = expr.data_type();
        if from != DataType::Unknown && !can_cast(from, to.data_type, CastContext::Assignment) {
            return Err(SqlError::new(
                SqlState::DATATYPE_MISMATCH,
                format!(
                    "column \"{column}\" is of type {} but expression is of type {}",
                    types::name(to.data_type, -1),
                    types::name(from, -1)
                ),
            )
            .with_hint("You will need to rewrite or cast the expression."));
        }
        self.coerce(expr, to, CastContext::Assignment)
    }

    /// A condition: WHERE, ON, HAVING, CASE, AND, OR, NOT.
    pub fn condition(&mut self, expr: Expr, place: &str) -> Result<Expr> {
        let from = expr.data_type();
        if from != DataType::Unknown && from != DataType::Bool {
            return Err(SqlError::new(
                SqlState::DATATYPE_MISMATCH,
                format!("argument of {place} must be type boolean, not type {}", types::name(from, -1)),
            ));
        }
        self.coerce(expr, plain(DataType::Bool), CastContext::Implicit)
    }

    /// The expression with a type that is known: `unknown` becomes text.
    pub fn known(&mut self, expr: Expr) -> Result<Expr> {
        if expr.data_type() == DataType::Unknown {
            return self.coerce(expr, plain(DataType::Text), CastContext::Implicit);
        }
        Ok(expr)
    }

    /// The one type that all can become: of UNION, CASE, COALESCE, IN, VALUES.
    pub fn common_type(&self, types: impl IntoIterator<Item = DataType>, place: &str) -> Result<DataType> {
        let mut chosen = DataType::Unknown;
        for next in types {
            if next == DataType::Unknown || next == chosen {
                continue;
            }
            if chosen == DataType::Unknown {
                chosen = next;
            } else if !is_alike(chosen, next) {
                return Err(SqlError::new(
                    SqlState::DATATYPE_MISMATCH,
                    format!(
                        "{place} types {} and {} cannot be matched",
                        types::name(chosen, -1),
                        types::name(next, -1)
                    ),
                ));
            } else if !is_preferred(chosen)
                && can_cast(chosen, next, CastContext::Implicit)
                && !can_cast(next, chosen, CastContext::Implicit)
            {
                chosen = next;
            }
        }
        Ok(if chosen == DataType::Unknown { DataType::Text } else { chosen })
    }

    /// All expressions as values of their common type.
    pub fn unify(&mut self, exprs: Vec<Expr>, place: &str) -> Result<(Vec<Expr>, DataType)> {
        let common = self.common_type(exprs.iter().map(Expr::data_type), place)?;
        let coerced: Result<Vec<Expr>> =
            exprs.into_iter().map(|expr| self.coerce(expr, plain(common), CastContext::Implicit)).collect();
        Ok((coerced?, common))
    }

    /// A parameter by its number, from 0.
    pub fn parameter(&mut self, index: usize) -> Result<Expr> {
        if index >= super::MAX_PARAMETERS {
            return Err(SqlError::new(SqlState::UNDEFINED_PARAMETER, format!("there is no parameter ${}", index + 1)));
        }
        if self.params.len() <= index {
            self.params.resize(index + 1, DataType::Unknown);
        }
        Ok(Expr::Parameter(index, self.params.get(index).copied().unwrap_or(DataType::Unknown)))
    }

    fn decide_parameter(&mut self, index: usize, data_type: DataType) -> Result<()> {
        let Some(known) = self.params.get_mut(index) else { return Ok(()) };
        if *known == DataType::Unknown {
            *known = data_type;
        } else if *known != data_type {
            return Err(SqlError::new(
                SqlState("42P08"),
                format!("inconsistent types deduced for parameter ${}", index + 1),
            )
            .with_detail(format!("{} versus {}", types::name(*known, -1), types::name(data_type, -1))));
        }
        Ok(())
    }

    /// A string literal, whose place is remembered for the error that it cannot be read as what it should be.
    pub(super) fn text_literal(&mut self, text: &str, span: Span) -> Expr {
        let text: Arc<str> = text.into();
        self.literals.push((text.as_ptr().addr(), span));
        Expr::Literal(Value::Text(text), DataType::Unknown)
    }

    fn at_literal(&self, text: &Arc<str>, error: SqlError) -> SqlError {
        let place = self.literals.iter().rev().find(|(address, _)| *address == text.as_ptr().addr());
        match place {
            Some((_, span)) => self.at(*span, error),
            None => error,
        }
    }

    fn literal(&self, text: &str, to: ColumnType, explicit: bool) -> Result<Expr> {
        let moves = matches!(
            to.data_type,
            DataType::Date | DataType::TimestampTz | DataType::Timestamp | DataType::Time | DataType::TimeTz
        ) && ["now", "today", "tomorrow", "yesterday"].contains(&text.trim().to_ascii_lowercase().as_str());
        if moves {
            // The plan may be kept; the moment must not be.
            return Ok(cast(Expr::Literal(Value::text(text), DataType::Text), to, true));
        }
        // Which unit a bare number has, an interval's modifier says.
        let unbounded = if explicit && to.data_type != DataType::Interval { plain(to.data_type) } else { to };
        let value = types::parse_text(text, unbounded, self.time)?;
        // An explicit cast to varchar(n) cuts off what reading the value as varchar(n) would refuse.
        let value = if explicit { types::typmod::apply(value, to, true)? } else { value };
        Ok(Expr::Literal(value, to.data_type))
    }
}

fn cast(expr: Expr, to: ColumnType, explicit: bool) -> Expr {
    Expr::Cast { expr: Box::new(expr), to, explicit }
}

/// A cast between numbers of a literal is done now, so that a key look-up finds a plain value.
fn fold(expr: Expr) -> Expr {
    let Expr::Cast { expr: inner, to, explicit } = &expr else { return expr };
    let Expr::Literal(value, from) = inner.as_ref() else { return expr };
    if Category::of(*from) != Category::Number || Category::of(to.data_type) != Category::Number {
        return expr;
    }
    match types::cast::cast(value.clone(), *from, *to, *explicit, &types::ValueContext::utc()) {
        Ok(value) => Expr::Literal(value, to.data_type),
        // It fails when it is evaluated, if it ever is.
        Err(_) => expr,
    }
}

/// A call of an operator on arguments that are bound already.
pub fn operator(binder: &mut Binder<'_>, symbol: &str, left: Option<Expr>, right: Expr) -> Result<Expr> {
    let function = functions::resolve_operator(symbol, left.as_ref().map(Expr::data_type), Some(right.data_type()))?;
    binder.call_of(function, left.into_iter().chain([right]).collect())
}
