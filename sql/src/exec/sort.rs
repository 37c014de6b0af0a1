//! ORDER BY. With a bound only as many rows are kept as are wanted (top-N): rows are gathered up to twice the bound,
//! then sorted and cut.

use std::cmp::Ordering;

use heliosdb_storage::Row;
use heliosdb_storage::value::Value;

use super::context::{ExecContext, row_bytes};
use super::limit::Slice;
use super::{BATCH_ROWS, Operator, mismatch};
use crate::error::Result;
use crate::eval::{compare, eval};
use crate::plan::{Plan, RowLimit, SortKey};

/// The fewest rows that a top-N sort gathers before it cuts.
const MIN_GATHERED_ROWS: usize = 256;

/// A sort.
pub struct Sort {
    input: Box<dyn Operator>,
    sorted: Option<std::vec::IntoIter<Keyed>>,
}

/// A row with the values it is sorted by.
struct Keyed {
    key: Vec<Value>,
    row: Row,
}

impl Sort {
    /// A sort of an input.
    pub fn new(input: Box<dyn Operator>) -> Self {
        Self { input, sorted: None }
    }

    fn read(
        &mut self,
        input: &Plan,
        keys: &[SortKey],
        bound: Option<&RowLimit>,
        ctx: &mut ExecContext<'_>,
    ) -> Result<Vec<Keyed>> {
        let bound = match bound {
            Some(bound) => Slice::of(bound, ctx)?.bound(),
            None => None,
        };
        let mut rows: Vec<Keyed> = Vec::new();
        if bound == Some(0) {
            return Ok(rows);
        }
        let gathered = bound.map_or(usize::MAX, |bound| bound.saturating_mul(2).max(MIN_GATHERED_ROWS));
        while let Some(batch) = self.input.next_batch(input, ctx)? {
            ctx.check_cancelled()?;
            let eval_ctx = ctx.eval();
            for row in batch {
                let key: Result<Vec<Value>> = keys.iter().map(|key| eval(&key.expr, &row, &eval_ctx)).collect();
                let keyed = Keyed { key: key?, row };
                ctx.statement.budget.charge(keyed.bytes())?;
                rows.push(keyed);
            }
            if rows.len() >= gathered {
                cut(&mut rows, keys, bound, ctx);
            }
        }
        cut(&mut rows, keys, bound, ctx);
        Ok(rows)
    }
}

impl Keyed {
    fn bytes(&self) -> usize {
        row_bytes(&self.key) + row_bytes(&self.row)
    }
}

/// Sorts, and lets go of what is beyond the bound. The sort is stable: equal rows keep the order in which they came.
fn cut(rows: &mut Vec<Keyed>, keys: &[SortKey], bound: Option<usize>, ctx: &ExecContext<'_>) {
    rows.sort_by(|a, b| compare_keys(keys, &a.key, &b.key));
    if let Some(bound) = bound
        && rows.len() > bound
    {
        let released: usize = rows.drain(bound..).map(|keyed| keyed.bytes()).sum();
        ctx.statement.budget.release(released);
    }
}

/// The order of two rows by the values of their keys.
pub fn compare_keys(keys: &[SortKey], a: &[Value], b: &[Value]) -> Ordering {
    for ((key, a), b) in keys.iter().zip(a).zip(b) {
        let ordering = match (a.is_null(), b.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) if key.nulls_first => Ordering::Less,
            (true, false) => Ordering::Greater,
            (false, true) if key.nulls_first => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) if key.descending => compare(b, a),
            (false, false) => compare(a, b),
        };
        if ordering.is_ne() {
            return ordering;
        }
    }
    Ordering::Equal
}

impl Operator for Sort {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::Sort { input, keys, bound } = plan else { return Err(mismatch()) };
        if self.sorted.is_none() {
            self.sorted = Some(self.read(input, keys, bound.as_ref(), ctx)?.into_iter());
        }
        let rows: Vec<Row> = self.sorted.iter_mut().flatten().take(BATCH_ROWS).map(|keyed| keyed.row).collect();
        Ok(Some(rows).filter(|rows| !rows.is_empty()))
    }
}
