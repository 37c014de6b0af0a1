//! INSERT. All rows are written before the first one is returned.

use heliosdb_storage::Row;
use heliosdb_storage::transaction::{Inserted, RowLock};
use heliosdb_storage::value::Value;

use super::assign::{assign, is_done, note_done};
use super::context::ExecContext;
use super::counter::Returned;
use super::join::joined;
use super::{Operator, mismatch};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::{eval, is_true};
use crate::plan::{DoUpdate, InsertPlan, OnConflict, Plan};

/// An INSERT.
pub struct Insert {
    input: Box<dyn Operator>,
    done: bool,
}

impl Insert {
    /// An INSERT of an input's rows.
    pub fn new(input: Box<dyn Operator>) -> Self {
        Self { input, done: false }
    }
}

impl Operator for Insert {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::Insert(insert) = plan else { return Err(mismatch()) };
        if std::mem::replace(&mut self.done, true) {
            return Ok(None);
        }
        let mut returned = Returned::new(insert.returning.as_ref());
        while let Some(rows) = self.input.next_batch(&insert.input, ctx)? {
            for given in rows {
                let mut row = {
                    let eval_ctx = ctx.eval();
                    let row: Result<Row> = insert.values.iter().map(|value| eval(value, &given, &eval_ctx)).collect();
                    row?
                };
                ctx.txn.read().complete_row(&insert.table, &mut row)?;
                match &insert.conflict {
                    None => put(insert, row, &mut returned, ctx)?,
                    Some(conflict) => put_unless_taken(insert, conflict, &row, &mut returned, ctx)?,
                }
            }
        }
        Ok(returned.into_rows())
    }
}

fn put(insert: &InsertPlan, row: Row, returned: &mut Returned<'_>, ctx: &mut ExecContext<'_>) -> Result<()> {
    let remembers = ctx.baselines.as_ref().is_some_and(|baselines| !baselines.is_empty());
    let kept = (remembers || insert.returning.is_some()).then(|| row.clone());
    let key = ctx.txn.write()?.insert_row(&insert.table, row)?;
    ctx.statement.affected.set(ctx.statement.affected.get() + 1);
    if let Some(row) = kept {
        if let Some(baselines) = &mut ctx.baselines {
            baselines.inserted(&insert.table, &key, &row);
        }
        returned.push(&insert.table, &key, &row, ctx)?;
    }
    Ok(())
}

fn put_unless_taken(
    insert: &InsertPlan,
    conflict: &OnConflict,
    row: &[Value],
    returned: &mut Returned<'_>,
    ctx: &mut ExecContext<'_>,
) -> Result<()> {
    let table = &insert.table;
    let lock = conflict
        .update
        .as_ref()
        .map(|update| if update.assignments.change_key(table) { RowLock::Update } else { RowLock::NoKeyUpdate });
    match ctx.txn.write()?.insert_unless_taken(table, row, &conflict.arbiters, lock)? {
        Inserted::New(key) => {
            ctx.statement.affected.set(ctx.statement.affected.get() + 1);
            if let Some(baselines) = &mut ctx.baselines {
                baselines.inserted(table, &key, row);
            }
            returned.push(table, &key, row, ctx)
        }
        Inserted::Conflict(_) => Ok(()),
        Inserted::Locked(key, newest) => {
            let Some(update) = &conflict.update else { return Ok(()) };
            if is_done(table, &key, ctx) {
                return Err(SqlError::new(
                    SqlState::CARDINALITY_VIOLATION,
                    "ON CONFLICT DO UPDATE command cannot affect row a second time",
                )
                .with_hint(
                    "Ensure that no rows proposed for insertion within the same command have duplicate constrained \
                     values.",
                ));
            }
            let over = joined(&newest, row);
            if !wants_update(update, &over, ctx)? {
                return Ok(());
            }
            let Some(now) = assign(table, &key, &over, &update.assignments, ctx)? else { return Ok(()) };
            note_done(table, &key, ctx)?;
            returned.push(table, &key, &now, ctx)
        }
    }
}

fn wants_update(update: &DoUpdate, over: &[Value], ctx: &ExecContext<'_>) -> Result<bool> {
    match &update.filter {
        Some(filter) => is_true(filter, over, &ctx.eval()),
        None => Ok(true),
    }
}
