//! INTERSECT and EXCEPT: the right side is counted, the left side is judged row by row.

use std::collections::HashMap;

use heliosdb_storage::Row;

use super::context::{ExecContext, Reservation, row_bytes};
use super::hash::HashKey;
use super::{Operator, build, mismatch};
use crate::bind::tree::SetOperation;
use crate::error::Result;
use crate::plan::{Plan, SetOperationPlan};

/// INTERSECT or EXCEPT.
pub struct SetOperationRows {
    left: Box<dyn Operator>,
    /// How often each row of the right side may still be matched; none before it has been read.
    counts: Option<HashMap<HashKey, usize>>,
    memory: Reservation,
}

impl SetOperationRows {
    /// Rows of the left input that are, or are not, in the right one.
    pub fn new(operation: &SetOperationPlan) -> Self {
        Self { left: build(&operation.left), counts: None, memory: Reservation::default() }
    }

    fn count(&mut self, operation: &SetOperationPlan, ctx: &mut ExecContext<'_>) -> Result<HashMap<HashKey, usize>> {
        self.memory.of(&ctx.statement.budget);
        let mut counts: HashMap<HashKey, usize> = HashMap::new();
        let mut right = build(&operation.right);
        while let Some(rows) = right.next_batch(&operation.right, ctx)? {
            ctx.check_cancelled()?;
            for row in rows {
                let key = HashKey(row);
                match counts.get_mut(&key) {
                    Some(count) => *count += 1,
                    None => {
                        self.memory.grow(row_bytes(&key.0))?;
                        counts.insert(key, 1);
                    }
                }
            }
        }
        Ok(counts)
    }
}

/// Whether a row of the left side is part of the result. Without ALL a row that has been judged is remembered in the
/// counts, so that it comes once.
fn is_wanted(
    operation: &SetOperationPlan,
    key: &HashKey,
    counts: &mut HashMap<HashKey, usize>,
    memory: &mut Reservation,
) -> Result<bool> {
    let count = counts.get_mut(key);
    match (operation.kind, operation.all, count) {
        (SetOperation::Intersect, _, None | Some(0)) => Ok(false),
        (SetOperation::Intersect, true, Some(count)) => {
            *count -= 1;
            Ok(true)
        }
        (SetOperation::Intersect, false, Some(count)) => {
            *count = 0;
            Ok(true)
        }
        (SetOperation::Except, true, None | Some(0)) => Ok(true),
        (SetOperation::Except, true, Some(count)) => {
            *count -= 1;
            Ok(false)
        }
        (SetOperation::Except, false, Some(_)) => Ok(false),
        (SetOperation::Except, false, None) => {
            memory.grow(row_bytes(&key.0))?;
            counts.insert(key.clone(), 1);
            Ok(true)
        }
    }
}

impl Operator for SetOperationRows {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::SetOperation(operation) = plan else { return Err(mismatch()) };
        let mut counts = match self.counts.take() {
            Some(counts) => counts,
            None => self.count(operation, ctx)?,
        };
        let mut result = None;
        while let Some(rows) = self.left.next_batch(&operation.left, ctx)? {
            ctx.check_cancelled()?;
            let mut wanted = Vec::new();
            for row in rows {
                let key = HashKey(row);
                if is_wanted(operation, &key, &mut counts, &mut self.memory)? {
                    wanted.push(key.0);
                }
            }
            if !wanted.is_empty() {
                result = Some(wanted);
                break;
            }
        }
        self.counts = Some(counts);
        Ok(result)
    }
}
