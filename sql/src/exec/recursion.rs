//! WITH RECURSIVE: the step is run again on the rows of the last time until it gives none.

use std::collections::HashSet;

use heliosdb_storage::Row;

use super::context::{ExecContext, Reservation, row_bytes};
use super::hash::HashKey;
use super::with::{CteFrame, CteFrameKind};
use super::{BATCH_ROWS, Operator, build, mismatch};
use crate::error::{Result, SqlError, SqlState};
use crate::plan::{Plan, RecursiveUnion};

/// A recursive query.
pub struct Recursion {
    base: Box<dyn Operator>,
    /// The run of the step; none while the first rows are made.
    step: Option<Box<dyn Operator>>,
    /// The rows of the last time.
    work: Vec<Row>,
    /// Those of this time.
    next: Vec<Row>,
    work_memory: Reservation,
    next_memory: Reservation,
    /// Without ALL: all rows so far.
    seen: HashSet<HashKey>,
    seen_memory: Reservation,
}

impl Recursion {
    /// A recursion that has not begun.
    pub fn new(recursive: &RecursiveUnion) -> Self {
        Self {
            base: build(&recursive.base),
            step: None,
            work: Vec::new(),
            next: Vec::new(),
            work_memory: Reservation::default(),
            next_memory: Reservation::default(),
            seen: HashSet::new(),
            seen_memory: Reservation::default(),
        }
    }

    /// Takes rows that a term has given; returns those that are part of the result.
    fn take(&mut self, mut rows: Vec<Row>, all: bool, ctx: &ExecContext<'_>) -> Result<Vec<Row>> {
        if !all {
            self.seen_memory.of(&ctx.statement.budget);
            let mut new = Vec::with_capacity(rows.len());
            for row in rows {
                let key = HashKey(row);
                if !self.seen.contains(&key) {
                    self.seen_memory.grow(row_bytes(&key.0))?;
                    new.push(key.0.clone());
                    self.seen.insert(key);
                }
            }
            rows = new;
        }
        self.next_memory.of(&ctx.statement.budget);
        self.next_memory.grow_rows(&rows)?;
        self.next.extend_from_slice(&rows);
        Ok(rows)
    }

    /// The rows of this time become those of the last time; false if there are none.
    fn turn(&mut self, recursive: &RecursiveUnion) -> bool {
        self.work = std::mem::take(&mut self.next);
        self.work_memory = std::mem::take(&mut self.next_memory);
        self.step = Some(build(&recursive.step));
        !self.work.is_empty()
    }
}

impl Operator for Recursion {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::RecursiveUnion(recursive) = plan else { return Err(mismatch()) };
        loop {
            ctx.check_cancelled()?;
            let rows = match &mut self.step {
                None => self.base.next_batch(&recursive.base, ctx)?,
                Some(step) => {
                    let kind = CteFrameKind::WorkTable { id: recursive.id, rows: &self.work };
                    let frame = CteFrame { kind, next: ctx.ctes };
                    step.next_batch(&recursive.step, &mut ctx.with_ctes(&frame))?
                }
            };
            match rows {
                Some(rows) => {
                    let rows = self.take(rows, recursive.all, ctx)?;
                    if !rows.is_empty() {
                        return Ok(Some(rows));
                    }
                }
                None if self.turn(recursive) => {}
                None => return Ok(None),
            }
        }
    }
}

/// A scan of a working table.
#[derive(Default)]
pub struct WorkTableScan {
    next: usize,
}

impl Operator for WorkTableScan {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::WorkTableScan { id: wanted, .. } = plan else { return Err(mismatch()) };
        ctx.check_cancelled()?;
        let mut frame = ctx.ctes;
        while let Some(here) = frame {
            if let CteFrameKind::WorkTable { id, rows } = here.kind
                && id == *wanted
            {
                let rest = rows.get(self.next..).unwrap_or_default();
                let rows: Vec<Row> = rest.iter().take(BATCH_ROWS).cloned().collect();
                self.next += rows.len();
                return Ok(Some(rows).filter(|rows| !rows.is_empty()));
            }
            frame = here.next;
        }
        Err(SqlError::new(SqlState::INTERNAL_ERROR, "a scan of a working table outside of its recursion"))
    }
}
