//! Groups whose rows come one after the other: only one of them is in memory at a time.

use heliosdb_storage::Row;
use heliosdb_storage::value::Value;

use super::aggregate::Group;
use super::context::{ExecContext, Reservation};
use super::{BATCH_ROWS, Operator, mismatch};
use crate::error::Result;
use crate::eval::{compare, eval};
use crate::expr::Expr;
use crate::plan::{AggregateCall, Plan};

/// Groups of an input whose rows are in an order in which groups stand together; or one group of all rows.
pub struct SortedGroups {
    input: Box<dyn Operator>,
    pending: std::vec::IntoIter<Row>,
    group: Option<Group>,
    memory: Reservation,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing has been read.
    Start,
    /// Rows are read.
    Reading,
    /// There are no more.
    End,
}

impl SortedGroups {
    /// Groups of an input.
    pub fn new(input: Box<dyn Operator>) -> Self {
        let pending = Vec::new().into_iter();
        Self { input, pending, group: None, memory: Reservation::default(), state: State::Start }
    }

    /// Takes rows until a group is complete; none at the end.
    fn next_group(
        &mut self,
        input: &Plan,
        groups: &[Expr],
        calls: &[AggregateCall],
        ctx: &mut ExecContext<'_>,
    ) -> Result<Option<Group>> {
        loop {
            let eval_ctx = ctx.eval();
            for row in self.pending.by_ref() {
                let mut key = Vec::with_capacity(groups.len());
                for group in groups {
                    key.push(eval(group, &row, &eval_ctx)?);
                }
                let finished = match &self.group {
                    Some(group) if is_same(&group.key, &key) => None,
                    _ => {
                        self.memory = Reservation::default();
                        self.memory.of(&ctx.statement.budget);
                        self.group.replace(Group::new(0, key, calls))
                    }
                };
                if let Some(group) = &mut self.group {
                    group.add(calls, &row, &eval_ctx, &mut self.memory)?;
                }
                if finished.is_some() {
                    return Ok(finished);
                }
            }
            ctx.check_cancelled()?;
            match self.input.next_batch(input, ctx)? {
                Some(rows) => self.pending = rows.into_iter(),
                None => {
                    self.state = State::End;
                    return Ok(self.group.take());
                }
            }
        }
    }
}

fn is_same(a: &[Value], b: &[Value]) -> bool {
    a.iter().zip(b).all(|(a, b)| compare(a, b).is_eq())
}

impl Operator for SortedGroups {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::Aggregate { input, sorted: true, groups, sets, calls, masks } = plan else { return Err(mismatch()) };
        if self.state == State::Start {
            self.state = State::Reading;
            self.memory.of(&ctx.statement.budget);
            if groups.is_empty() {
                // What is not grouped is one group, even of no rows.
                self.group = Some(Group::new(0, Vec::new(), calls));
            }
        }
        let mut out = Vec::new();
        while out.len() < BATCH_ROWS && self.state == State::Reading {
            if let Some(group) = self.next_group(input, groups, calls, ctx)? {
                out.push(group.finish(calls, (sets, masks), &mut self.memory)?);
            }
        }
        Ok(Some(out).filter(|rows| !rows.is_empty()))
    }
}
