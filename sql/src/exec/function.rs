//! Rows of a function in FROM.

use heliosdb_storage::Row;

use super::context::ExecContext;
use super::{BATCH_ROWS, Operator, mismatch};
use crate::error::Result;
use crate::eval::eval;
use crate::functions::table::RowSource;
use crate::plan::Plan;

/// A call that gives rows.
#[derive(Default)]
pub struct FunctionScan {
    rows: Option<RowSource>,
}

impl Operator for FunctionScan {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::Function { function, args, .. } = plan else { return Err(mismatch()) };
        ctx.check_cancelled()?;
        if self.rows.is_none() {
            let eval_ctx = ctx.eval();
            let args: Result<Vec<_>> = args.iter().map(|arg| eval(arg, &[], &eval_ctx)).collect();
            self.rows = Some((function.call)(&eval_ctx, &args?)?);
        }
        let rows: Result<Vec<Row>> = self.rows.iter_mut().flatten().take(BATCH_ROWS).collect();
        Ok(Some(rows?).filter(|rows| !rows.is_empty()))
    }
}
