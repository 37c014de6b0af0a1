//! UPDATE.
//!
//! The rows are found by the statement's snapshot, which sees nothing of what the statement itself writes. Each is locked;
//! if it has changed since, the condition is judged again on its newest version, and the new values are computed from
//! that one: READ COMMITTED.

use heliosdb_storage::Row;
use heliosdb_storage::transaction::RowLock;

use super::assign::assign;
use super::context::ExecContext;
use super::counter::Returned;
use super::scan::{TableScan, still_wanted};
use super::{Operator, mismatch};
use crate::error::Result;
use crate::plan::Plan;

/// An UPDATE.
#[derive(Default)]
pub struct Update {
    scan: TableScan,
    done: bool,
}

impl Operator for Update {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::Update(update) = plan else { return Err(mismatch()) };
        if std::mem::replace(&mut self.done, true) {
            return Ok(None);
        }
        let lock = if update.changes_key { RowLock::Update } else { RowLock::NoKeyUpdate };
        let table = &update.scan.table;
        let mut returned = Returned::new(update.returning.as_ref());
        while let Some(rows) = self.scan.next_keyed(&update.scan, ctx)? {
            for (key, found) in rows {
                let Some(newest) = ctx.txn.write()?.lock_row(table, &key, lock)? else { continue };
                if !still_wanted(&update.scan, &found, &newest, ctx)? {
                    continue;
                }
                let Some(now) = assign(table, &key, &newest, &update.assignments, ctx)? else { continue };
                returned.push(table, &key, &now, ctx)?;
            }
        }
        Ok(returned.into_rows())
    }
}
