//! Expressions that the catalog keeps as text (CHECK constraints, keys and predicates of indexes, generated columns,
//! defaults): the evaluator lends itself to the storage crate, which asks for their values.
//!
//! What an expression is compiled to stays with the definition of its table ([`TableDef::compiled`]); a changed table has
//! a new definition, which is compiled anew.

use std::collections::HashMap;
use std::sync::Arc;

use heliosdb_storage::Catalog;
use heliosdb_storage::catalog::{CheckDef, RowExpression, TableDef};
use heliosdb_storage::constraints::{RowChecker, RowContext};
use heliosdb_storage::value::{ColumnType, Value};
use parking_lot::RwLock;

use crate::bind::Binder;
use crate::bind::row_expression::{RowClause, row_condition, row_value};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::{EvalContext, NoSubqueries, SessionFacts, eval};
use crate::expr::Expr;
use crate::parse;
use crate::sync_control::NoSync;
use crate::types::ValueContext;

/// Evaluates the expressions of tables for the store, on behalf of a session or of nobody.
pub struct CheckEvaluator {
    session: SessionFacts,
    time: ValueContext,
}

/// What an expression is compiled as.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Form {
    Condition,
    Value(ColumnType),
    Default(ColumnType),
}

/// The compiled expressions of a table, by their text.
#[derive(Default)]
struct Compiled(RwLock<HashMap<String, Forms>>);

/// An expression as what it is asked for.
type Forms = Vec<(Form, Arc<Expr>)>;

impl Default for CheckEvaluator {
    /// For nobody: merges, pulls, and whoever opens a store without sessions.
    fn default() -> Self {
        Self::for_session("", "", ValueContext::utc())
    }
}

impl CheckEvaluator {
    /// An evaluator for nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// An evaluator for a session.
    pub fn for_session(user: &str, database: &str, time: ValueContext) -> Self {
        Self { session: SessionFacts::alone(user, database), time }
    }

    fn evaluate(&self, at: &RowContext<'_>, text: &str, form: Form) -> Result<Value> {
        let expr = compiled(at, text, form)?;
        let ctx = EvalContext {
            params: &[],
            outer: None,
            time: &self.time,
            session: &self.session,
            sync: &NoSync,
            cancel: &crate::eval::NEVER_CANCELLED,
            subqueries: &NoSubqueries,
        };
        eval(&expr, at.row, &ctx)
    }
}

fn compiled(at: &RowContext<'_>, text: &str, form: Form) -> Result<Arc<Expr>> {
    let Some(compiled) = at.table.compiled.get_or_make(Compiled::default) else {
        return compile(at.catalog, at.table, text, form).map(Arc::new);
    };
    let known = compiled.0.read();
    let of_text = known.get(text).into_iter().flatten();
    if let Some((_, expr)) = of_text.into_iter().find(|(known, _)| *known == form) {
        return Ok(Arc::clone(expr));
    }
    drop(known);
    let expr = Arc::new(compile(at.catalog, at.table, text, form)?);
    compiled.0.write().entry(text.to_owned()).or_default().push((form, Arc::clone(&expr)));
    Ok(expr)
}

fn compile(catalog: &Catalog, table: &TableDef, text: &str, form: Form) -> Result<Expr> {
    let time = ValueContext::utc();
    let parsed = parse::parse_expression(text)?;
    let mut binder = Binder::new(catalog, &time, "", &[]);
    match form {
        Form::Condition => row_condition(&mut binder, table, &parsed, RowClause::Check),
        Form::Value(column_type) => row_value(&mut binder, table, &parsed, RowClause::Index, Some(("", column_type))),
        Form::Default(column_type) => {
            let column = table.columns.iter().find(|column| column.default.as_deref() == Some(text));
            let column = column.filter(|column| column.column_type == column_type);
            let column = column.ok_or_else(|| SqlError::new(SqlState::INTERNAL_ERROR, "a default has no column"))?;
            binder.default_expression(&parsed, column)
        }
    }
}

impl RowChecker for CheckEvaluator {
    fn check(&self, at: &RowContext<'_>, check: &CheckDef) -> heliosdb_storage::Result<bool> {
        // An unknown result satisfies a check.
        Ok(self.evaluate(at, &check.expression.text, Form::Condition)? != Value::Bool(false))
    }

    fn value(
        &self,
        at: &RowContext<'_>,
        expression: &RowExpression,
        column_type: ColumnType,
    ) -> heliosdb_storage::Result<Value> {
        Ok(self.evaluate(at, &expression.text, Form::Value(column_type))?)
    }

    fn is_true(&self, at: &RowContext<'_>, condition: &RowExpression) -> heliosdb_storage::Result<bool> {
        Ok(self.evaluate(at, &condition.text, Form::Condition)? == Value::Bool(true))
    }

    fn assign(
        &self,
        _at: &RowContext<'_>,
        value: &Value,
        from: ColumnType,
        to: ColumnType,
    ) -> heliosdb_storage::Result<Value> {
        Ok(crate::types::cast::cast(value.clone(), from.data_type, to, false, &self.time)?)
    }

    fn default_value(&self, at: &RowContext<'_>, slot: usize) -> heliosdb_storage::Result<Value> {
        let Some(column) = at.table.columns.get(slot) else { return Ok(Value::Null) };
        match &column.default {
            Some(text) => Ok(self.evaluate(at, text, Form::Default(column.column_type))?),
            None => Ok(Value::Null),
        }
    }
}
