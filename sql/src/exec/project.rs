//! New rows from old ones: the select list.

use heliosdb_storage::Row;

use super::context::ExecContext;
use super::{Operator, mismatch};
use crate::error::Result;
use crate::eval::eval;
use crate::plan::Plan;

/// A projection.
pub struct Project {
    input: Box<dyn Operator>,
}

impl Project {
    /// A projection of an input.
    pub fn new(input: Box<dyn Operator>) -> Self {
        Self { input }
    }
}

impl Operator for Project {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::Project { input, exprs } = plan else { return Err(mismatch()) };
        let Some(rows) = self.input.next_batch(input, ctx)? else { return Ok(None) };
        let eval_ctx = ctx.eval();
        let mut out = Vec::with_capacity(rows.len());
        for row in rows {
            let mut new = Row::with_capacity(exprs.len());
            for expr in exprs {
                new.push(eval(expr, &row, &eval_ctx)?);
            }
            out.push(new);
        }
        Ok(Some(out))
    }
}

/// The first columns of each row.
pub struct Truncate {
    input: Box<dyn Operator>,
}

impl Truncate {
    /// The first columns of an input's rows.
    pub fn new(input: Box<dyn Operator>) -> Self {
        Self { input }
    }
}

impl Operator for Truncate {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::Truncate { input, width } = plan else { return Err(mismatch()) };
        let Some(mut rows) = self.input.next_batch(input, ctx)? else { return Ok(None) };
        for row in &mut rows {
            row.truncate(*width);
        }
        Ok(Some(rows))
    }
}
