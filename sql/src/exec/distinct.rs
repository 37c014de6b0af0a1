//! Each distinct row once: DISTINCT, UNION.

use std::collections::HashSet;

use heliosdb_storage::Row;

use super::context::{ExecContext, row_bytes};
use super::hash::HashKey;
use super::{Operator, mismatch};
use crate::error::Result;
use crate::plan::Plan;

/// Each distinct row once, in the order of first appearance.
pub struct Distinct {
    input: Box<dyn Operator>,
    seen: HashSet<HashKey>,
}

impl Distinct {
    /// The distinct rows of an input.
    pub fn new(input: Box<dyn Operator>) -> Self {
        Self { input, seen: HashSet::new() }
    }
}

impl Operator for Distinct {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::Distinct { input } = plan else { return Err(mismatch()) };
        while let Some(rows) = self.input.next_batch(input, ctx)? {
            let mut new = Vec::new();
            for row in rows {
                let key = HashKey(row);
                if self.seen.contains(&key) {
                    continue;
                }
                ctx.statement.budget.charge(row_bytes(&key.0))?;
                new.push(key.0.clone());
                self.seen.insert(key);
            }
            if !new.is_empty() {
                return Ok(Some(new));
            }
        }
        Ok(None)
    }
}
