//! WITH: queries that are computed once, as far as their rows are asked for, and the scans of them.
//!
//! Each query has a [`CteState`]: the rows so far and the operator that makes the next ones. A scan that has read them all
//! runs that operator, in the context of the WITH, and every scan sees what it gives. So a LIMIT ends even a recursion
//! that has no end of its own.

use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use heliosdb_storage::Row;

use super::context::{ExecContext, Reservation};
use super::{BATCH_ROWS, Operator, build, mismatch};
use crate::bind::tree::CteId;
use crate::error::{Result, SqlError, SqlState};
use crate::eval::OuterRow;
use crate::plan::{CtePlan, Plan};

/// What is there of a query of WITH.
#[derive(Default)]
pub struct CteState {
    rows: Vec<Arc<Row>>,
    memory: Reservation,
    /// What makes the next rows; none at the end, or while it runs.
    operator: Option<Box<dyn Operator>>,
}

/// The queries that a scan can see.
#[derive(Clone, Copy)]
pub struct CteFrame<'a> {
    /// What the frame holds.
    pub kind: CteFrameKind<'a>,
    /// The frame around it.
    pub next: Option<&'a CteFrame<'a>>,
}

/// What a frame holds.
#[derive(Clone, Copy)]
pub enum CteFrameKind<'a> {
    /// The queries of a WITH.
    With {
        /// Their plans.
        plans: &'a [CtePlan],
        /// What is there of each.
        states: &'a [Arc<Mutex<CteState>>],
        /// The rows around the WITH.
        outer: Option<&'a OuterRow<'a>>,
    },
    /// The working table of a recursive query.
    WorkTable {
        /// Of which query.
        id: CteId,
        /// Its rows.
        rows: &'a [Row],
    },
}

/// WITH.
pub struct With {
    input: Box<dyn Operator>,
    states: Vec<Arc<Mutex<CteState>>>,
    is_done: bool,
}

impl With {
    /// The rows of an input that may scan the queries of a WITH.
    pub fn new(input: Box<dyn Operator>) -> Self {
        Self { input, states: Vec::new(), is_done: false }
    }
}

impl Operator for With {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::With { ctes, input } = plan else { return Err(mismatch()) };
        if self.is_done {
            return Ok(None);
        }
        let is_start = self.states.is_empty();
        if is_start {
            self.states = ctes.iter().map(|cte| state_of(cte, ctx)).collect();
        }
        let outer = ctx.outer;
        let kind = CteFrameKind::With { plans: ctes, states: &self.states, outer };
        let frame = CteFrame { kind, next: ctx.ctes };
        let changes = || ctes.iter().zip(&self.states).filter(|(cte, _)| cte.plan.is_change());
        if is_start {
            // A subquery in an expression only reads: what it scans has to be there before.
            let is_scanned = |cte: &CtePlan| {
                input.scans_in_expression(cte.id) || ctes.iter().any(|other| other.plan.scans_in_expression(cte.id))
            };
            for (cte, state) in changes().filter(|(cte, _)| is_scanned(cte)) {
                run_to_end(&cte.plan, state, true, &mut ctx.at(&frame, outer))?;
            }
        }
        if let Some(rows) = self.input.next_batch(input, &mut ctx.with_ctes(&frame))? {
            return Ok(Some(rows));
        }
        self.is_done = true;
        // What nobody has asked for happens all the same, the last one first, as in PostgreSQL.
        for (cte, state) in changes().rev() {
            run_to_end(&cte.plan, state, false, &mut ctx.at(&frame, outer))?;
        }
        Ok(None)
    }
}

/// Runs what changes rows to its end; its rows are kept for those who will scan them.
fn run_to_end(plan: &Plan, state: &Mutex<CteState>, keep: bool, ctx: &mut ExecContext<'_>) -> Result<()> {
    let operator = state.lock().unwrap_or_else(PoisonError::into_inner).operator.take();
    let Some(mut operator) = operator else { return Ok(()) };
    while let Some(rows) = step(operator.as_mut(), plan, ctx)? {
        if keep {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.memory.grow_rows(&rows)?;
            state.rows.extend(rows.into_iter().map(Arc::new));
        }
    }
    Ok(())
}

/// The next rows of a query of WITH. The rows that it changes are not those that the statement reports.
fn step(operator: &mut dyn Operator, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
    let affected = ctx.statement.affected.get();
    let rows = operator.next_batch(plan, ctx)?;
    if plan.is_change() {
        ctx.statement.affected.set(affected);
    }
    Ok(rows)
}

/// The state of a query: that of an earlier run of its WITH if that must have had the same rows.
fn state_of(cte: &CtePlan, ctx: &ExecContext<'_>) -> Arc<Mutex<CteState>> {
    let new = || {
        let memory = ctx.statement.budget.reservation();
        Arc::new(Mutex::new(CteState { rows: Vec::new(), memory, operator: Some(build(&cte.plan)) }))
    };
    if !cte.stable {
        return new();
    }
    match ctx.statement.ctes.borrow_mut().entry(cte.id) {
        Entry::Occupied(known) => Arc::clone(known.get()),
        Entry::Vacant(unknown) => Arc::clone(unknown.insert(new())),
    }
}

/// A scan of a query of WITH.
#[derive(Default)]
pub struct CteScan {
    next: usize,
}

impl Operator for CteScan {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::CteScan { id, .. } = plan else { return Err(mismatch()) };
        ctx.check_cancelled()?;
        let (frame, plan, state, outer) = find(*id, ctx.ctes)?;
        loop {
            let operator = {
                let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                let rest = state.rows.get(self.next..).unwrap_or_default();
                let rows: Vec<Row> = rest.iter().take(BATCH_ROWS).map(|row| row.as_ref().clone()).collect();
                if !rows.is_empty() {
                    self.next += rows.len();
                    return Ok(Some(rows));
                }
                state.operator.take()
            };
            let Some(mut operator) = operator else { return Ok(None) };
            let rows = step(operator.as_mut(), plan, &mut ctx.at(frame, outer))?;
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(rows) = rows {
                state.memory.grow_rows(&rows)?;
                state.rows.extend(rows.into_iter().map(Arc::new));
                state.operator = Some(operator);
            }
        }
    }
}

type Found<'a> = (&'a CteFrame<'a>, &'a Plan, &'a Mutex<CteState>, Option<&'a OuterRow<'a>>);

fn find<'a>(wanted: CteId, mut frame: Option<&'a CteFrame<'a>>) -> Result<Found<'a>> {
    while let Some(here) = frame {
        if let CteFrameKind::With { plans, states, outer } = here.kind
            && let Some((plan, state)) = plans.iter().zip(states).find(|(plan, _)| plan.id == wanted)
        {
            return Ok((here, &plan.plan, state, outer));
        }
        frame = here.next;
    }
    Err(SqlError::new(SqlState::INTERNAL_ERROR, "a scan of a WITH query outside of its WITH"))
}
