//! LIMIT and OFFSET.

use heliosdb_storage::Row;
use heliosdb_storage::value::Value;

use super::context::ExecContext;
use super::{Operator, mismatch};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::eval;
use crate::expr::Expr;
use crate::plan::{Plan, RowLimit};

/// What is left of a slice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slice {
    /// Rows to leave out.
    pub skip: usize,
    /// Rows to hand on; none for all.
    pub take: Option<usize>,
}

impl Slice {
    /// Computes LIMIT and OFFSET.
    pub fn of(limit: &RowLimit, ctx: &ExecContext<'_>) -> Result<Self> {
        let take = count(limit.limit.as_ref(), "LIMIT", SqlState("2201W"), ctx)?;
        let skip = count(limit.offset.as_ref(), "OFFSET", SqlState("2201X"), ctx)?;
        Ok(Self { skip: skip.unwrap_or(0), take })
    }

    /// How many rows of the input are needed; none for all.
    pub fn bound(self) -> Option<usize> {
        self.take.map(|take| take.saturating_add(self.skip))
    }
}

fn count(expr: Option<&Expr>, clause: &str, state: SqlState, ctx: &ExecContext<'_>) -> Result<Option<usize>> {
    let Some(expr) = expr else { return Ok(None) };
    match eval(expr, &[], &ctx.eval())? {
        Value::Null => Ok(None),
        Value::Int8(n) if n < 0 => Err(SqlError::new(state, format!("{clause} must not be negative"))),
        Value::Int8(n) => Ok(Some(usize::try_from(n).unwrap_or(usize::MAX))),
        _ => Err(SqlError::new(SqlState::INTERNAL_ERROR, format!("{clause} is not a bigint"))),
    }
}

/// A slice of the input.
pub struct Limit {
    input: Box<dyn Operator>,
    slice: Option<Slice>,
}

impl Limit {
    /// A slice of an input.
    pub fn new(input: Box<dyn Operator>) -> Self {
        Self { input, slice: None }
    }
}

impl Operator for Limit {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::Limit { input, limit } = plan else { return Err(mismatch()) };
        let mut slice = match self.slice {
            Some(slice) => slice,
            None => Slice::of(limit, ctx)?,
        };
        let result = loop {
            if slice.take == Some(0) {
                break None;
            }
            let Some(mut rows) = self.input.next_batch(input, ctx)? else { break None };
            let skipped = slice.skip.min(rows.len());
            slice.skip -= skipped;
            rows.drain(..skipped);
            if let Some(take) = &mut slice.take {
                rows.truncate(*take);
                *take -= rows.len();
            }
            if !rows.is_empty() {
                break Some(rows);
            }
        };
        self.slice = Some(slice);
        Ok(result)
    }
}
