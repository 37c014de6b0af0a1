//! Each distinct row once: DISTINCT, UNION; and DISTINCT ON.

use std::collections::HashSet;

use heliosdb_storage::Row;
use heliosdb_storage::value::Value;

use super::context::{ExecContext, Reservation, row_bytes};
use super::hash::HashKey;
use super::{Operator, mismatch};
use crate::error::Result;
use crate::plan::Plan;

/// Each distinct row once, in the order of first appearance.
pub struct Distinct {
    input: Box<dyn Operator>,
    seen: HashSet<HashKey>,
    memory: Reservation,
}

impl Distinct {
    /// The distinct rows of an input.
    pub fn new(input: Box<dyn Operator>) -> Self {
        Self { input, seen: HashSet::new(), memory: Reservation::default() }
    }
}

impl Operator for Distinct {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::Distinct { input } = plan else { return Err(mismatch()) };
        self.memory.of(&ctx.statement.budget);
        while let Some(rows) = self.input.next_batch(input, ctx)? {
            let mut new = Vec::new();
            for row in rows {
                let key = HashKey(row);
                if self.seen.contains(&key) {
                    continue;
                }
                self.memory.grow(row_bytes(&key.0))?;
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

/// The first of the rows that stand one after the other and are equal in some columns: DISTINCT ON.
pub struct Unique {
    input: Box<dyn Operator>,
    /// The columns of the row before.
    last: Option<HashKey>,
}

impl Unique {
    /// The first ones of an input's rows.
    pub fn new(input: Box<dyn Operator>) -> Self {
        Self { input, last: None }
    }
}

impl Operator for Unique {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::Unique { input, columns } = plan else { return Err(mismatch()) };
        while let Some(rows) = self.input.next_batch(input, ctx)? {
            let mut first = Vec::new();
            for row in rows {
                let key = columns.iter().map(|column| row.get(*column).cloned().unwrap_or(Value::Null)).collect();
                let key = HashKey(key);
                if self.last.as_ref() != Some(&key) {
                    self.last = Some(key);
                    first.push(row);
                }
            }
            if !first.is_empty() {
                return Ok(Some(first));
            }
        }
        Ok(None)
    }
}
