//! A join by looking at pairs.
//!
//! A lateral inner side is run anew for every outer row, which it sees as its next outer row: with a key look-up inside
//! that is an index nested loop. Any other inner side is run once and its rows are kept.

use heliosdb_storage::Row;
use heliosdb_storage::value::Value;

use super::context::{ExecContext, Reservation};
use super::join::{Emit, nulls};
use super::{BATCH_ROWS, Operator, build, mismatch};
use crate::error::Result;
use crate::eval::OuterRow;
use crate::plan::{JoinKind, NestedLoop, Plan};

/// A join by looking at pairs.
pub struct Loop {
    left: Box<dyn Operator>,
    /// The kept rows of an inner side that is not lateral, each with whether it has found a partner.
    right: Option<Vec<(Row, bool)>>,
    /// Outer rows that have not been looked at yet.
    pending: std::vec::IntoIter<Row>,
    left_done: bool,
    memory: Reservation,
}

impl Loop {
    /// A join of two inputs.
    pub fn new(join: &NestedLoop) -> Self {
        Self {
            left: build(&join.left),
            right: None,
            pending: Vec::new().into_iter(),
            left_done: false,
            memory: Reservation::default(),
        }
    }

    fn next_left(&mut self, join: &NestedLoop, ctx: &mut ExecContext<'_>) -> Result<Option<Row>> {
        loop {
            if let Some(row) = self.pending.next() {
                return Ok(Some(row));
            }
            if self.left_done {
                return Ok(None);
            }
            match self.left.next_batch(&join.left, ctx)? {
                Some(rows) => self.pending = rows.into_iter(),
                None => self.left_done = true,
            }
        }
    }

    fn keep_right(&mut self, join: &NestedLoop, ctx: &mut ExecContext<'_>) -> Result<()> {
        self.memory.of(&ctx.statement.budget);
        let mut operator = build(&join.right);
        let mut kept = Vec::new();
        while let Some(rows) = operator.next_batch(&join.right, ctx)? {
            self.memory.grow_rows(&rows)?;
            kept.extend(rows.into_iter().map(|row| (row, false)));
        }
        self.right = Some(kept);
        Ok(())
    }

    /// The joined rows of one outer row.
    fn pairs(&mut self, join: &NestedLoop, left: Row, ctx: &mut ExecContext<'_>, out: &mut Vec<Row>) -> Result<()> {
        ctx.check_cancelled()?;
        let emit = Emit { kind: join.kind, on: join.on.as_ref(), output: &join.output };
        let mut found = false;
        if join.lateral {
            let mut operator = build(&join.right);
            'all: loop {
                let outer = OuterRow { row: &left, next: ctx.outer };
                let Some(partners) = operator.next_batch(&join.right, &mut ctx.inside(&outer))? else { break };
                let eval = ctx.eval();
                for right in partners {
                    found |= emit.pair(&left, &right, &eval, out)?;
                    if found && join.single {
                        break 'all;
                    }
                }
            }
        } else {
            let eval = ctx.eval();
            for (right, has_partner) in self.right.iter_mut().flatten() {
                if emit.pair(&left, right, &eval, out)? {
                    *has_partner = true;
                    found = true;
                    if join.single && !join.kind.keeps_right() {
                        break;
                    }
                }
            }
        }
        emit.lonely_left(left, found, &ctx.eval(), out)
    }

    /// FULL: the inner rows that nobody wanted.
    fn lonely(&mut self, join: &NestedLoop, ctx: &ExecContext<'_>, out: &mut Vec<Row>) -> Result<()> {
        let emit = Emit { kind: join.kind, on: None, output: &join.output };
        let eval = ctx.eval();
        let left = nulls(join.output.left_width);
        for (right, has_partner) in self.right.take().unwrap_or_default() {
            if !has_partner {
                emit.lonely_right(&left, &right, &eval, out)?;
            }
        }
        Ok(())
    }
}

impl Operator for Loop {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::NestedLoop(join) = plan else { return Err(mismatch()) };
        if self.right.is_none() && !join.lateral && !self.left_done {
            self.keep_right(join, ctx)?;
        }
        let mut out = Vec::new();
        while out.len() < BATCH_ROWS {
            let Some(left) = self.next_left(join, ctx)? else { break };
            self.pairs(join, left, ctx, &mut out)?;
        }
        if self.left_done && self.pending.len() == 0 && join.kind == JoinKind::Full {
            self.lonely(join, ctx, &mut out)?;
        }
        Ok(Some(out).filter(|rows: &Vec<Vec<Value>>| !rows.is_empty()))
    }
}
