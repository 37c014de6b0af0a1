//! FOR UPDATE and its kin: rows are locked one by one, when they are asked for, so that with LIMIT no more are locked
//! than are returned.
//!
//! A row that has changed since it was found is taken in its newest version: the condition is judged again with it, and
//! the columns of the result are computed anew.

use heliosdb_storage::value::Value;
use heliosdb_storage::{Row, RowKey};

use super::context::ExecContext;
use super::scan::key_of;
use super::{Operator, mismatch};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::{eval, is_true};
use crate::plan::{LockRows, LockWait, Plan, RowMark};

/// Rows that are locked as they come.
pub struct LockedRows {
    input: Box<dyn Operator>,
    pending: std::vec::IntoIter<Row>,
}

/// What has become of a row that was to be locked.
enum Locked {
    /// It is as it was found.
    Unchanged,
    /// It has changed.
    Changed(Row),
    /// It is gone, or is passed over.
    Gone,
}

impl LockedRows {
    /// The rows of an input.
    pub fn new(input: Box<dyn Operator>) -> Self {
        Self { input, pending: Vec::new().into_iter() }
    }
}

/// Locks all tables' rows of a row; none if one of them is not wanted any more.
fn lock(plan: &LockRows, mut row: Row, ctx: &mut ExecContext<'_>) -> Result<Option<Row>> {
    let mut changed = false;
    for mark in &plan.marks {
        let at = plan.base + mark.first;
        match lock_one(plan, mark, &row, ctx)? {
            Locked::Unchanged => {}
            Locked::Changed(newest) => {
                changed = true;
                for (place, value) in row.iter_mut().skip(at).zip(newest) {
                    *place = value;
                }
            }
            Locked::Gone => return Ok(None),
        }
    }
    if changed {
        let eval_ctx = ctx.eval();
        if let Some(filter) = &plan.filter
            && !is_true(filter, &row, &eval_ctx)?
        {
            return Ok(None);
        }
        let targets: Result<Row> = plan.targets.iter().map(|target| eval(target, &row, &eval_ctx)).collect();
        return targets.map(Some);
    }
    row.truncate(plan.base);
    Ok(Some(row))
}

fn lock_one(plan: &LockRows, mark: &RowMark, row: &Row, ctx: &mut ExecContext<'_>) -> Result<Locked> {
    let Some(key) = row.get(plan.base + mark.key_at).filter(|key| !matches!(key, Value::Null)) else {
        return Ok(Locked::Unchanged);
    };
    let key: RowKey = key_of(Some(key))?;
    let txn = ctx.txn.write()?;
    if mark.wait != LockWait::Block && !txn.try_lock_row(&mark.table, &key, mark.lock)? {
        if mark.wait == LockWait::Skip {
            return Ok(Locked::Gone);
        }
        let message = format!("could not obtain lock on row in relation \"{}\"", mark.table.name);
        return Err(SqlError::new(SqlState::LOCK_NOT_AVAILABLE, message));
    }
    let Some(newest) = txn.lock_row(&mark.table, &key, mark.lock)? else { return Ok(Locked::Gone) };
    let first = plan.base + mark.first;
    let found = row.get(first..first + mark.table.columns.len());
    Ok(if found == Some(newest.as_slice()) { Locked::Unchanged } else { Locked::Changed(newest) })
}

impl Operator for LockedRows {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::LockRows(locks) = plan else { return Err(mismatch()) };
        loop {
            for row in self.pending.by_ref() {
                if let Some(row) = lock(locks, row, ctx)? {
                    return Ok(Some(vec![row]));
                }
            }
            ctx.check_cancelled()?;
            match self.input.next_batch(&locks.input, ctx)? {
                Some(rows) => self.pending = rows.into_iter(),
                None => return Ok(None),
            }
        }
    }
}
