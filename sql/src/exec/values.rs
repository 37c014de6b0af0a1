//! Rows that the statement itself gives.

use heliosdb_storage::Row;

use super::context::ExecContext;
use super::{BATCH_ROWS, Operator, mismatch};
use crate::error::Result;
use crate::eval::eval;
use crate::plan::Plan;

/// One row without columns.
#[derive(Default)]
pub struct OneRow {
    done: bool,
}

impl Operator for OneRow {
    fn next_batch(&mut self, _plan: &Plan, _ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(None);
        }
        Ok(Some(vec![Row::new()]))
    }
}

/// VALUES.
#[derive(Default)]
pub struct ValuesRows {
    next: usize,
}

impl Operator for ValuesRows {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::Values { rows } = plan else { return Err(mismatch()) };
        ctx.check_cancelled()?;
        let rest = rows.get(self.next..).unwrap_or_default();
        let exprs = rest.get(..BATCH_ROWS).unwrap_or(rest);
        if exprs.is_empty() {
            return Ok(None);
        }
        self.next += exprs.len();
        let eval_ctx = ctx.eval();
        let mut out = Vec::with_capacity(exprs.len());
        for exprs in exprs {
            let mut row = Row::with_capacity(exprs.len());
            for expr in exprs {
                row.push(eval(expr, &[], &eval_ctx)?);
            }
            out.push(row);
        }
        Ok(Some(out))
    }
}
