//! UPDATE. All rows are changed before the first one is returned.

use heliosdb_storage::Row;
use heliosdb_storage::transaction::RowLock;

use super::assign::{assign, note_done};
use super::context::ExecContext;
use super::counter::Returned;
use super::target::{TargetRows, lock_target, with_version};
use super::{Operator, mismatch};
use crate::error::Result;
use crate::plan::{Plan, UpdatePlan};

/// An UPDATE.
pub struct Update {
    rows: TargetRows,
    done: bool,
}

impl Update {
    /// An UPDATE that has not begun.
    pub fn new(update: &UpdatePlan) -> Self {
        Self { rows: TargetRows::new(&update.input), done: false }
    }
}

impl Operator for Update {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::Update(update) = plan else { return Err(mismatch()) };
        if std::mem::replace(&mut self.done, true) {
            return Ok(None);
        }
        let lock = if update.changes_key { RowLock::Update } else { RowLock::NoKeyUpdate };
        let table = &update.table;
        let mut returned = Returned::new(update.returning.as_ref());
        while let Some(rows) = self.rows.next(&update.input, table, ctx)? {
            for (key, found) in rows {
                let Some(over) = lock_target(table, &key, found, lock, update.filter.as_ref(), ctx)? else { continue };
                let Some(now) = assign(table, &key, &over, &update.assignments, ctx)? else { continue };
                if self.rows.is_joined() {
                    note_done(table, &key, ctx)?;
                }
                if update.returning.is_some() {
                    returned.push(table, &key, &with_version(now, &over), ctx)?;
                }
            }
        }
        Ok(returned.into_rows())
    }
}
