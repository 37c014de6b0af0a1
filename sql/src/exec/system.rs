//! Rows of a system view.

use heliosdb_storage::Row;

use super::context::ExecContext;
use super::{Operator, mismatch};
use crate::catalog_views::ViewContext;
use crate::error::Result;
use crate::eval::is_true;
use crate::plan::Plan;

/// A scan of a system view: its rows are made at once.
#[derive(Default)]
pub struct SystemScan {
    done: bool,
}

impl Operator for SystemScan {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::System { relation, filter, .. } = plan else { return Err(mismatch()) };
        if std::mem::replace(&mut self.done, true) {
            return Ok(None);
        }
        ctx.check_cancelled()?;
        let view = ViewContext { txn: ctx.txn.read(), sync: ctx.sync, session: ctx.session };
        let rows = (relation.rows)(&view)?;
        let Some(filter) = filter else { return Ok(Some(rows)) };
        let eval = ctx.eval();
        let before = rows.len();
        let mut kept = Vec::new();
        for row in rows {
            if is_true(filter, &row, &eval)? {
                kept.push(row);
            }
        }
        ctx.statement.note_removed(before - kept.len());
        Ok(Some(kept))
    }
}
