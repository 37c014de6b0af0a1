//! SET: from assignments to a changed row, for UPDATE and for ON CONFLICT.
//!
//! A statement changes a row once. PostgreSQL knows by the row's version whether the statement has been there already; so
//! do we, except where an assignment left all as it was and nothing was written: such rows are noted.

use std::borrow::Cow;
use std::sync::Arc;

use heliosdb_storage::catalog::TableDef;
use heliosdb_storage::value::Value;
use heliosdb_storage::{Row, RowKey, RowPatch};

use super::context::ExecContext;
use super::counter::change;
use crate::error::{Result, SqlError, SqlState};
use crate::eval::{SubqueryRunner, eval};
use crate::expr::Expr;
use crate::plan::Assignments;

/// Assigns to a locked row and returns it as it is now; none if it is gone. `over` is what the assignments are computed
/// of: it begins with the row's newest version.
pub fn assign(
    table: &Arc<TableDef>,
    key: &RowKey,
    over: &[Value],
    assignments: &Assignments,
    ctx: &mut ExecContext<'_>,
) -> Result<Option<Row>> {
    let newest = over.get(..table.columns.len()).unwrap_or(over);
    let over = with_subqueries(over, &assignments.subqueries, ctx)?;
    let mut patch = RowPatch::new();
    let mut assigned = Vec::new();
    for set in &assignments.set {
        let value = eval(&set.value, &over, &ctx.eval())?;
        if table.columns.get(set.slot).is_some_and(|column| column.is_counter()) {
            assigned.push((set.slot, value.clone()));
        }
        patch.extend(change(table, key, set, value, newest, ctx)?.map(|change| (set.slot, change)));
    }
    let now = if patch.is_empty() { Some(newest.to_vec()) } else { ctx.txn.write()?.update_row(table, key, patch)? };
    let Some(now) = now else { return Ok(None) };
    ctx.statement.affected.set(ctx.statement.affected.get() + 1);
    if let Some(baselines) = &mut ctx.baselines {
        for (slot, value) in &assigned {
            baselines.wrote(table, key, *slot, value);
        }
    }
    Ok(Some(now))
}

/// The row followed by those of the subqueries.
fn with_subqueries<'r>(over: &'r [Value], subqueries: &[Expr], ctx: &ExecContext<'_>) -> Result<Cow<'r, [Value]>> {
    if subqueries.is_empty() {
        return Ok(Cow::Borrowed(over));
    }
    let mut extended = over.to_vec();
    for subquery in subqueries {
        let Expr::Subquery(subquery) = subquery else { continue };
        let rows = ctx.run(subquery, over, &ctx.eval())?;
        match rows.as_slice() {
            [] => extended.resize(extended.len() + subquery.form.width(), Value::Null),
            [row] => extended.extend_from_slice(row),
            _ => {
                return Err(SqlError::new(
                    SqlState::CARDINALITY_VIOLATION,
                    "more than one row returned by a subquery used as an expression",
                ));
            }
        }
    }
    Ok(Cow::Owned(extended))
}

/// Whether the statement has changed the row already, or has left it as it was on purpose.
pub fn is_done(table: &TableDef, key: &RowKey, ctx: &ExecContext<'_>) -> bool {
    ctx.txn.read().is_changed_by_statement(table, key)
        || ctx.statement.left_alone.borrow().contains(&(table.id, key.clone()))
}

/// Notes a row that the statement has dealt with, if that does not show in the store.
pub fn note_done(table: &TableDef, key: &RowKey, ctx: &ExecContext<'_>) -> Result<()> {
    if ctx.txn.read().is_changed_by_statement(table, key) {
        return Ok(());
    }
    let cost = key.0.len() + std::mem::size_of::<(heliosdb_storage::RelationId, RowKey)>();
    ctx.statement.budget.charge(cost)?;
    ctx.statement.left_alone.borrow_mut().insert((table.id, key.clone()));
    Ok(())
}
