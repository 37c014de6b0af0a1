//! Expressions over the row of a table that the catalog keeps: CHECK, keys and predicates of indexes, generated columns.

use std::sync::Arc;

use heliosdb_storage::Catalog;
use heliosdb_storage::catalog::{RowExpression, TableDef};
use heliosdb_storage::value::{ColumnType, DataType, Value};
use sqlparser::ast;
use sqlparser::tokenizer::Span;

use super::names::quoted;
use super::scope::{Place, Scope};
use super::{Binder, SearchPath};
use crate::error::{Result, SqlError, SqlState};
use crate::expr::Expr;
use crate::functions::Volatility;
use crate::parse::byte_range;
use crate::parse::table::ExpressionText;
use crate::types::ValueContext;

/// What such an expression is part of, which decides what it may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RowClause {
    /// CHECK
    Check,
    /// A key of an index.
    Index,
    /// WHERE of an index.
    Predicate,
    /// GENERATED ALWAYS AS
    Generated,
}

impl RowClause {
    const fn plural(self) -> &'static str {
        match self {
            Self::Check => "check constraints",
            Self::Index => "index expressions",
            Self::Predicate => "index predicates",
            Self::Generated => "column generation expressions",
        }
    }

    const fn singular(self) -> &'static str {
        match self {
            Self::Check => "check constraint",
            Self::Index => "index expression",
            Self::Predicate => "index predicate",
            Self::Generated => "column generation expression",
        }
    }

    /// What is said of an expression whose value may change by itself.
    const fn not_immutable(self) -> Option<&'static str> {
        match self {
            Self::Check => None,
            Self::Index => Some("functions in index expression must be marked IMMUTABLE"),
            Self::Predicate => Some("functions in index predicate must be marked IMMUTABLE"),
            Self::Generated => Some("generation expression is not immutable"),
        }
    }
}

/// A condition on the row of a table.
pub fn row_condition(binder: &mut Binder<'_>, table: &TableDef, expr: &ast::Expr, clause: RowClause) -> Result<Expr> {
    condition_in(binder, expr, &scope_of(table, clause), clause)
}

fn condition_in(binder: &mut Binder<'_>, expr: &ast::Expr, scope: &Scope<'_>, clause: RowClause) -> Result<Expr> {
    let place = if clause == RowClause::Check { "CHECK" } else { "WHERE" };
    let bound = row_expression(binder, expr, scope, clause)?;
    binder.condition(bound, place)
}

/// A value computed from the row of a table: of the type given, as it would be assigned to a column; of its own, if none
/// is.
pub fn row_value(
    binder: &mut Binder<'_>,
    table: &TableDef,
    expr: &ast::Expr,
    clause: RowClause,
    column: Option<(&str, ColumnType)>,
) -> Result<Expr> {
    value_in(binder, expr, &scope_of(table, clause), clause, column)
}

fn value_in(
    binder: &mut Binder<'_>,
    expr: &ast::Expr,
    scope: &Scope<'_>,
    clause: RowClause,
    column: Option<(&str, ColumnType)>,
) -> Result<Expr> {
    let bound = row_expression(binder, expr, scope, clause)?;
    let value = match column {
        Some((name, column_type)) => assigned(binder, bound, name, column_type)?,
        None => binder.known(bound)?,
    };
    judge_volatility(&value, clause)?;
    Ok(value)
}

fn scope_of<'x>(table: &TableDef, clause: RowClause) -> Scope<'x> {
    let scope = Scope::of_table(&Arc::new(table.clone()), &table.name);
    scope.place.set(Place::Kept(clause.plural()));
    scope
}

fn row_expression(binder: &mut Binder<'_>, expr: &ast::Expr, scope: &Scope<'_>, clause: RowClause) -> Result<Expr> {
    let bound = binder.expr(expr, scope)?;
    if bound.has_subquery() {
        return Err(SqlError::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            format!("cannot use subquery in {}", clause.singular()),
        ));
    }
    if !binder.params.is_empty() {
        return Err(SqlError::new(SqlState::UNDEFINED_PARAMETER, "there is no parameter $1"));
    }
    judge_volatility(&bound, clause)?;
    Ok(bound)
}

/// The value as it would be assigned to the column that it computes.
fn assigned(binder: &mut Binder<'_>, value: Expr, name: &str, column_type: ColumnType) -> Result<Expr> {
    let from = value.data_type();
    binder.assign(value, name, column_type).map_err(|error| {
        if error.state != SqlState::DATATYPE_MISMATCH {
            return error;
        }
        let (to, from) = (crate::types::name(column_type.data_type, -1), crate::types::name(from, -1));
        let message = format!("column \"{name}\" is of type {to} but default expression is of type {from}");
        SqlError { message, ..error }
    })
}

fn judge_volatility(expr: &Expr, clause: RowClause) -> Result<()> {
    match clause.not_immutable() {
        Some(message) if !is_immutable(expr) => Err(SqlError::new(SqlState::INVALID_OBJECT_DEFINITION, message)),
        _ => Ok(()),
    }
}

/// Whether the value depends on nothing but the row.
pub fn is_immutable(expr: &Expr) -> bool {
    let mut immutable = true;
    expr.walk(&mut |expr| {
        immutable &= match expr {
            Expr::Call { function, .. } => function.volatility == Volatility::Immutable,
            Expr::Cast { expr, to, .. } => is_immutable_cast(expr.data_type(), to.data_type),
            Expr::Subquery(_) => false,
            _ => true,
        };
    });
    immutable
}

/// Whether a conversion depends neither on the zone nor on a setting.
fn is_immutable_cast(from: DataType, to: DataType) -> bool {
    let is_zoned = |data_type| matches!(data_type, oid::TIMESTAMPTZ | oid::TIMETZ);
    let is_moment = |data_type| matches!(data_type, oid::DATE | oid::TIMESTAMP) || is_zoned(data_type);
    let is_text = |data_type| matches!(data_type, oid::TEXT | oid::VARCHAR | oid::BPCHAR | oid::NAME);
    let (a, b) = (from.oid(), to.oid());
    a == b || !((is_zoned(a) != is_zoned(b)) || (is_text(a) && is_moment(b)) || (is_text(b) && is_moment(a)))
}

/// Types whose conversions depend on the session.
mod oid {
    pub const NAME: u32 = 19;
    pub const TEXT: u32 = 25;
    pub const BPCHAR: u32 = 1042;
    pub const VARCHAR: u32 = 1043;
    pub const DATE: u32 = 1082;
    pub const TIMESTAMP: u32 = 1114;
    pub const TIMESTAMPTZ: u32 = 1184;
    pub const TIMETZ: u32 = 1266;
}

/// An expression that has been judged, and what the catalog keeps of it.
pub struct Kept {
    /// The bound form.
    pub expr: Expr,
    /// What is kept.
    pub expression: RowExpression,
}

/// Judges an expression that is to be kept. Conditions are of type boolean; values are as they would be assigned to the
/// column, if one is given.
pub fn keep(
    catalog: &Catalog,
    path: &SearchPath,
    table: &TableDef,
    text: &ExpressionText,
    clause: RowClause,
    column: Option<(&str, ColumnType)>,
) -> Result<Kept> {
    let time = ValueContext::utc().with_names(catalog, path);
    let mut binder = Binder::new(catalog, &time, &text.text, &[]).with_path(path.clone());
    let scope = scope_of(table, clause);
    let mut judge = || -> Result<Expr> {
        let parsed = crate::parse::parse_expression(&text.text)?;
        match clause {
            RowClause::Check | RowClause::Predicate => condition_in(&mut binder, &parsed, &scope, clause),
            RowClause::Index | RowClause::Generated => value_in(&mut binder, &parsed, &scope, clause, column),
        }
    };
    let expr = judge().map_err(|error| text.place(error))?;
    refuse_labels(&expr, clause)?;
    let mut slots = Vec::new();
    expr.for_each_column(&mut |slot| {
        if !slots.contains(&slot) {
            slots.push(slot);
        }
    });
    let name = |slot: usize| table.columns.get(slot).map_or_else(String::new, |column| quoted(&column.name));
    let text = with_columns_named(&text.text, &scope.uses.borrow(), &name);
    Ok(Kept { expr, expression: RowExpression { text, slots } })
}

/// Such expressions are evaluated without a catalog, so that they cannot look up the labels of an enum.
fn refuse_labels(expr: &Expr, clause: RowClause) -> Result<()> {
    let mut found = false;
    expr.walk(&mut |expr| {
        found |= match expr {
            Expr::Literal(value, _) => matches!(value, Value::Enum(_) | Value::Reg(_)),
            Expr::Cast { to, .. } => matches!(to.data_type, DataType::Enum(_) | DataType::RegClass),
            _ => false,
        };
    });
    if found { Err(SqlError::unsupported(format!("a label of an enum in a {}", clause.singular()))) } else { Ok(()) }
}

/// An expression that is kept, with its columns called by other names: for a table whose columns have been renamed.
pub fn with_columns_renamed(
    catalog: &Catalog,
    table: &TableDef,
    expression: &RowExpression,
    name: &dyn Fn(usize) -> String,
) -> Result<RowExpression> {
    let time = ValueContext::utc();
    let mut binder = Binder::new(catalog, &time, &expression.text, &[]);
    let scope = scope_of(table, RowClause::Check);
    binder.expr(&crate::parse::parse_expression(&expression.text)?, &scope)?;
    let text = with_columns_named(&expression.text, &scope.uses.borrow(), &|slot| quoted(&name(slot)));
    Ok(RowExpression { text, slots: expression.slots.clone() })
}

/// The text with other names where columns are named, without their table.
fn with_columns_named(text: &str, uses: &[(usize, Span)], name: &dyn Fn(usize) -> String) -> String {
    let mut places: Vec<_> = uses.iter().filter_map(|(slot, span)| Some((byte_range(*span)?, *slot))).collect();
    places.sort_unstable_by_key(|(place, _)| place.start);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (place, slot) in places.into_iter().filter(|(place, _)| place.end <= text.len()) {
        if place.start >= at {
            out += text.get(at..place.start).unwrap_or_default();
            out += &name(slot);
            at = place.end;
        }
    }
    out += text.get(at..).unwrap_or_default();
    out
}
