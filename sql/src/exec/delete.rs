//! DELETE. All rows are deleted before the first one is returned.

use heliosdb_storage::Row;
use heliosdb_storage::transaction::RowLock;

use super::context::ExecContext;
use super::counter::Returned;
use super::target::{TargetRows, lock_target};
use super::{Operator, mismatch};
use crate::error::Result;
use crate::plan::{DeletePlan, Plan};

/// A DELETE.
pub struct Delete {
    rows: TargetRows,
    done: bool,
}

impl Delete {
    /// A DELETE that has not begun.
    pub fn new(delete: &DeletePlan) -> Self {
        Self { rows: TargetRows::new(&delete.input), done: false }
    }
}

impl Operator for Delete {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::Delete(delete) = plan else { return Err(mismatch()) };
        if std::mem::replace(&mut self.done, true) {
            return Ok(None);
        }
        let table = &delete.table;
        let mut returned = Returned::new(delete.returning.as_ref());
        while let Some(rows) = self.rows.next(&delete.input, table, ctx)? {
            for (key, found) in rows {
                let filter = delete.filter.as_ref();
                let Some(gone) = lock_target(table, &key, found, RowLock::Update, filter, ctx)? else { continue };
                if !ctx.txn.write()?.delete_row(table, &key)? {
                    continue;
                }
                ctx.statement.affected.set(ctx.statement.affected.get() + 1);
                // There is nothing to remember of a row that is gone.
                returned.compute(&gone, ctx)?;
            }
        }
        Ok(returned.into_rows())
    }
}
