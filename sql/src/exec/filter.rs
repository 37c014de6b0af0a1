//! The rows that satisfy a condition: WHERE over joins, HAVING.

use heliosdb_storage::Row;

use super::context::ExecContext;
use super::{Operator, mismatch};
use crate::error::Result;
use crate::eval::is_true;
use crate::plan::Plan;

/// A filter.
pub struct Filter {
    input: Box<dyn Operator>,
    begun: bool,
    never: bool,
}

impl Filter {
    /// A filter over an input.
    pub fn new(input: Box<dyn Operator>) -> Self {
        Self { input, begun: false, never: false }
    }
}

impl Operator for Filter {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::Filter { input, predicate } = plan else { return Err(mismatch()) };
        if !std::mem::replace(&mut self.begun, true) {
            // A condition that reads no row is judged before any row is read.
            let mut reads_row = predicate.is_volatile();
            predicate.for_each_column(&mut |_| reads_row = true);
            self.never = !reads_row && !is_true(predicate, &[], &ctx.eval())?;
        }
        if self.never {
            return Ok(None);
        }
        while let Some(rows) = self.input.next_batch(input, ctx)? {
            let eval = ctx.eval();
            let before = rows.len();
            let mut kept = Vec::with_capacity(before);
            for row in rows {
                if is_true(predicate, &row, &eval)? {
                    kept.push(row);
                }
            }
            ctx.statement.note_removed(before - kept.len());
            if !kept.is_empty() {
                return Ok(Some(kept));
            }
        }
        Ok(None)
    }
}
