//! INSERT. All rows are written before the first one is returned.

use heliosdb_storage::Row;

use super::context::ExecContext;
use super::counter::Returned;
use super::{Operator, mismatch};
use crate::error::Result;
use crate::eval::eval;
use crate::plan::Plan;

/// An INSERT.
pub struct Insert {
    input: Box<dyn Operator>,
    done: bool,
}

impl Insert {
    /// An INSERT of an input's rows.
    pub fn new(input: Box<dyn Operator>) -> Self {
        Self { input, done: false }
    }
}

impl Operator for Insert {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::Insert(insert) = plan else { return Err(mismatch()) };
        if std::mem::replace(&mut self.done, true) {
            return Ok(None);
        }
        let mut returned = Returned::new(insert.returning.as_ref());
        while let Some(rows) = self.input.next_batch(&insert.input, ctx)? {
            for given in rows {
                let row = {
                    let eval_ctx = ctx.eval();
                    let row: Result<Row> = insert.values.iter().map(|value| eval(value, &given, &eval_ctx)).collect();
                    row?
                };
                let remembers = ctx.baselines.as_ref().is_some_and(|baselines| !baselines.is_empty());
                let kept = (remembers || insert.returning.is_some()).then(|| row.clone());
                let key = ctx.txn.write()?.insert_row(&insert.table, row)?;
                ctx.statement.affected.set(ctx.statement.affected.get() + 1);
                if let Some(row) = kept {
                    if let Some(baselines) = &mut ctx.baselines {
                        baselines.inserted(&insert.table, &key, &row);
                    }
                    returned.push(&insert.table, &key, &row, ctx)?;
                }
            }
        }
        Ok(returned.into_rows())
    }
}
