//! A join by looking at pairs.
//!
//! A lateral inner side is run anew for every outer row, which it sees as its next outer row: with a key look-up inside
//! that is an index nested loop. Any other inner side is run once and its rows are kept.

use heliosdb_storage::Row;
use heliosdb_storage::value::Value;

use super::context::ExecContext;
use super::{BATCH_ROWS, Operator, build, collect, mismatch};
use crate::error::Result;
use crate::eval::{OuterRow, is_true};
use crate::plan::{JoinKind, NestedLoop, Plan};

/// A join by looking at pairs.
pub struct Loop {
    left: Box<dyn Operator>,
    /// The kept rows of an inner side that is not lateral, each with whether it has found a partner.
    right: Option<Vec<(Row, bool)>>,
    pending: Pending,
    left_done: bool,
    left_width: usize,
}

/// Outer rows that have not been looked at yet.
#[derive(Default)]
struct Pending {
    rows: std::vec::IntoIter<Row>,
}

impl Loop {
    /// A join of two inputs.
    pub fn new(join: &NestedLoop) -> Self {
        Self { left: build(&join.left), right: None, pending: Pending::default(), left_done: false, left_width: 0 }
    }

    fn next_left(&mut self, join: &NestedLoop, ctx: &mut ExecContext<'_>) -> Result<Option<Row>> {
        loop {
            if let Some(row) = self.pending.rows.next() {
                return Ok(Some(row));
            }
            if self.left_done {
                return Ok(None);
            }
            match self.left.next_batch(&join.left, ctx)? {
                Some(rows) => self.pending.rows = rows.into_iter(),
                None => self.left_done = true,
            }
        }
    }

    /// The pairs of one outer row.
    fn pairs(&mut self, join: &NestedLoop, left: Row, ctx: &mut ExecContext<'_>, out: &mut Vec<Row>) -> Result<()> {
        ctx.check_cancelled()?;
        let before = out.len();
        if join.lateral {
            let outer = OuterRow { row: &left, next: ctx.outer };
            let mut partners = Vec::new();
            {
                let mut inner = ctx.inside(&outer);
                let mut operator = build(&join.right);
                let mut charged = 0;
                while let Some(rows) = operator.next_batch(&join.right, &mut inner)? {
                    charged += inner.statement.budget.charge_rows(&rows)?;
                    partners.extend(rows);
                }
                // They are gone as soon as the pairs are made.
                inner.statement.budget.release(charged);
            }
            let eval = ctx.eval();
            for right in partners {
                let pair = joined(&left, &right);
                if matches(join, &pair, &eval)? {
                    out.push(pair);
                }
            }
        } else {
            let eval = ctx.eval();
            for (right, has_partner) in self.right.iter_mut().flatten() {
                let pair = joined(&left, right);
                if matches(join, &pair, &eval)? {
                    *has_partner = true;
                    out.push(pair);
                }
            }
        }
        if out.len() == before && join.kind != JoinKind::Inner {
            let mut pair = left;
            pair.resize(pair.len() + join.right_width, Value::Null);
            out.push(pair);
        }
        Ok(())
    }

    /// FULL: the inner rows that nobody wanted.
    fn lonely(&mut self, out: &mut Vec<Row>) {
        for (right, has_partner) in self.right.take().unwrap_or_default() {
            if !has_partner {
                let mut pair = vec![Value::Null; self.left_width];
                pair.extend(right);
                out.push(pair);
            }
        }
    }
}

fn matches(join: &NestedLoop, pair: &Row, eval: &crate::eval::EvalContext<'_>) -> Result<bool> {
    match &join.on {
        Some(on) => is_true(on, pair, eval),
        None => Ok(true),
    }
}

/// A pair of rows.
pub fn joined(left: &[Value], right: &[Value]) -> Row {
    let mut pair = Row::with_capacity(left.len() + right.len());
    pair.extend_from_slice(left);
    pair.extend_from_slice(right);
    pair
}

impl Operator for Loop {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::NestedLoop(join) = plan else { return Err(mismatch()) };
        if self.right.is_none() && !join.lateral && !self.left_done {
            let mut operator = build(&join.right);
            let rows = collect(operator.as_mut(), &join.right, ctx)?;
            self.right = Some(rows.into_iter().map(|row| (row, false)).collect());
            self.left_width = join.left.width();
        }
        let mut out = Vec::new();
        while out.len() < BATCH_ROWS {
            let Some(left) = self.next_left(join, ctx)? else { break };
            self.pairs(join, left, ctx, &mut out)?;
        }
        if self.left_done && join.kind == JoinKind::Full {
            self.lonely(&mut out);
        }
        Ok(Some(out).filter(|rows| !rows.is_empty()))
    }
}
