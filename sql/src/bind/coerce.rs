//! Which type becomes which: arguments, assignments, common types, and what `unknown` turns out to be.
//!
//! A string literal and NULL are of type `unknown` until their context says what they are; so are parameters whose type
//! the client did not give. The first context that needs a type decides, for a parameter once and for all.

use heliosdb_storage::value::{ColumnType, DataType, Value};

use super::Binder;
use super::tree::plain;
use crate::error::{Result, SqlError, SqlState};
use crate::expr::Expr;
use crate::functions;
use crate::types;
use crate::types::cast::{CastContext, can_cast, cannot_cast, is_noop};

impl Binder<'_> {
    /// The expression as a value of another type.
    pub fn coerce(&mut self, expr: Expr, to: ColumnType, context: CastContext) -> Result<Expr> {
        let explicit = context == CastContext::Explicit;
        let from = expr.data_type();
        match expr {
            Expr::Literal(Value::Null, DataType::Unknown) => return Ok(Expr::Literal(Value::Null, to.data_type)),
            Expr::Literal(Value::Text(text), DataType::Unknown) => return self.literal(&text, to, explicit),
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
            } else if category(chosen) != category(next) {
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

    fn literal(&self, text: &str, to: ColumnType, explicit: bool) -> Result<Expr> {
        let moves = matches!(to.data_type, DataType::Date | DataType::TimestampTz)
            && ["now", "today", "tomorrow", "yesterday"].contains(&text.trim().to_ascii_lowercase().as_str());
        if moves {
            // The plan may be kept; the moment must not be.
            return Ok(cast(Expr::Literal(Value::text(text), DataType::Text), to, true));
        }
        let unbounded = if explicit { plain(to.data_type) } else { to };
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
    if category(*from) != Category::Number || category(to.data_type) != Category::Number {
        return expr;
    }
    match types::cast::cast(value.clone(), *from, *to, *explicit, &types::TimeContext::utc()) {
        Ok(value) => Expr::Literal(value, to.data_type),
        // It fails when it is evaluated, if it ever is.
        Err(_) => expr,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Category {
    Unknown,
    Boolean,
    Number,
    String,
    Time,
    Other(DataType),
}

const fn category(data_type: DataType) -> Category {
    match data_type {
        DataType::Unknown => Category::Unknown,
        DataType::Bool => Category::Boolean,
        DataType::Int2 | DataType::Int4 | DataType::Int8 | DataType::Float8 | DataType::Numeric | DataType::Oid => {
            Category::Number
        }
        DataType::Text | DataType::Varchar | DataType::Name => Category::String,
        DataType::Date | DataType::TimestampTz => Category::Time,
        DataType::Char | DataType::Uuid | DataType::Jsonb => Category::Other(data_type),
    }
}

const fn is_preferred(data_type: DataType) -> bool {
    matches!(data_type, DataType::Bool | DataType::Float8 | DataType::Oid | DataType::Text | DataType::TimestampTz)
}

/// A call of an operator on arguments that are bound already.
pub fn operator(binder: &mut Binder<'_>, symbol: &str, left: Option<Expr>, right: Expr) -> Result<Expr> {
    let function = functions::resolve_operator(symbol, left.as_ref().map(Expr::data_type), Some(right.data_type()))?;
    let mut args = Vec::with_capacity(2);
    for (at, arg) in left.into_iter().chain([right]).enumerate() {
        args.push(binder.coerce_argument(arg, function.arg_type(at))?);
    }
    Ok(Expr::Call { function, args })
}
