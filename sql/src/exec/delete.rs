//! DELETE.

use heliosdb_storage::Row;
use heliosdb_storage::transaction::RowLock;

use super::context::ExecContext;
use super::counter::Returned;
use super::scan::{TableScan, still_wanted};
use super::{Operator, mismatch};
use crate::error::Result;
use crate::plan::Plan;

/// A DELETE.
#[derive(Default)]
pub struct Delete {
    scan: TableScan,
    done: bool,
}

impl Operator for Delete {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::Delete(delete) = plan else { return Err(mismatch()) };
        if std::mem::replace(&mut self.done, true) {
            return Ok(None);
        }
        let table = &delete.scan.table;
        let mut returned = Returned::new(delete.returning.as_ref());
        while let Some(rows) = self.scan.next_keyed(&delete.scan, ctx)? {
            for (key, found) in rows {
                let Some(newest) = ctx.txn.write()?.lock_row(table, &key, RowLock::Update)? else { continue };
                if !still_wanted(&delete.scan, &found, &newest, ctx)? || !ctx.txn.write()?.delete_row(table, &key)? {
                    continue;
                }
                ctx.statement.affected.set(ctx.statement.affected.get() + 1);
                // The row is gone: there is nothing to remember of it.
                returned.compute(&newest, ctx)?;
            }
        }
        Ok(returned.into_rows())
    }
}
