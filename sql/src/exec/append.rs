//! The rows of several inputs, one input after the other: UNION ALL.

use heliosdb_storage::Row;

use super::context::ExecContext;
use super::{Operator, mismatch};
use crate::error::Result;
use crate::plan::Plan;

/// One input after the other.
pub struct Append {
    inputs: Vec<Box<dyn Operator>>,
    at: usize,
}

impl Append {
    /// Inputs of the same columns.
    pub fn new(inputs: Vec<Box<dyn Operator>>) -> Self {
        Self { inputs, at: 0 }
    }
}

impl Operator for Append {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::Append { inputs } = plan else { return Err(mismatch()) };
        while let (Some(operator), Some(input)) = (self.inputs.get_mut(self.at), inputs.get(self.at)) {
            if let Some(rows) = operator.next_batch(input, ctx)? {
                return Ok(Some(rows));
            }
            self.at += 1;
        }
        Ok(None)
    }
}
