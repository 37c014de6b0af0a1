//! DEFAULT expressions.

use heliosdb_storage::catalog::ColumnDef;
use heliosdb_storage::value::Value;
use sqlparser::ast;

use super::scope::{Place, Scope};
use super::{Binder, SearchPath};
use crate::error::{Result, SqlError, SqlState};
use crate::expr::Expr;

impl Binder<'_> {
    /// The DEFAULT of a column, NULL if it has none.
    pub fn default_of(&mut self, column: &ColumnDef) -> Result<Expr> {
        let Some(text) = &column.default else {
            return Ok(Expr::Literal(Value::Null, column.column_type.data_type));
        };
        let parsed = crate::parse::parse_expression(text)?;
        // The text is not the statement's, so that errors in it have no position; it has no parameters either.
        let mut binder = Binder::new(self.catalog, self.time, "", &[]).with_path(SearchPath::of_schemas(&[]));
        binder.default_expression(&parsed, column)
    }

    /// An argument of EXECUTE: no columns, no subqueries, no aggregates.
    pub fn argument_of_execute(&mut self, expr: &ast::Expr) -> Result<Expr> {
        let scope = Scope::default();
        scope.place.set(Place::Clause("EXECUTE parameters"));
        let bound = self.expr(expr, &scope)?;
        if bound.has_subquery() {
            return Err(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, "cannot use subquery in EXECUTE parameter"));
        }
        Ok(bound)
    }

    /// A DEFAULT expression for a column: no columns, no subqueries, no aggregates.
    pub fn default_expression(&mut self, expr: &ast::Expr, column: &ColumnDef) -> Result<Expr> {
        let scope = Scope::default();
        scope.place.set(Place::Clause("DEFAULT expressions"));
        let bound = self.expr(expr, &scope).map_err(|error| {
            if error.state == SqlState::UNDEFINED_COLUMN {
                return SqlError::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    "cannot use column reference in DEFAULT expression",
                );
            }
            error
        })?;
        if bound.has_subquery() {
            return Err(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, "cannot use subquery in DEFAULT expression"));
        }
        let from = bound.data_type();
        self.assign(bound, &column.name, column.column_type).map_err(|error| {
            if error.state != SqlState::DATATYPE_MISMATCH {
                return error;
            }
            SqlError::new(
                SqlState::DATATYPE_MISMATCH,
                format!(
                    "column \"{}\" is of type {} but default expression is of type {}",
                    column.name,
                    crate::types::name(column.column_type.data_type, -1),
                    crate::types::name(from, -1)
                ),
            )
            .with_hint("You will need to rewrite or cast the expression.")
        })
    }
}
