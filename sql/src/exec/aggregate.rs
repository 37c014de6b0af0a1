//! Groups and what is computed of them, by a hash table.

use std::collections::HashMap;

use heliosdb_storage::Row;
use heliosdb_storage::value::Value;

use super::aggregate_call::CallState;
use super::context::{ExecContext, Reservation, row_bytes};
use super::hash::HashKey;
use super::{BATCH_ROWS, Operator, mismatch};
use crate::error::Result;
use crate::eval::{EvalContext, eval};
use crate::expr::Expr;
use crate::plan::{AggregateCall, Plan};

/// What a group takes in memory besides its key, roughly, per call.
const ACCUMULATOR_BYTES: usize = 96;

/// Grouping.
pub struct Aggregate {
    input: Box<dyn Operator>,
    results: Option<std::vec::IntoIter<Group>>,
    memory: Reservation,
}

pub(super) struct Group {
    /// Of which grouping set.
    set: usize,
    pub(super) key: Vec<Value>,
    calls: Vec<CallState>,
}

impl Aggregate {
    /// Groups of an input.
    pub fn new(input: Box<dyn Operator>) -> Self {
        Self { input, results: None, memory: Reservation::default() }
    }

    fn read(&mut self, node: Node<'_>, ctx: &mut ExecContext<'_>) -> Result<Vec<Group>> {
        let Node { input, groups, sets, calls } = node;
        let mut found: Vec<Group> = Vec::new();
        // One table a grouping set.
        let mut by_key: Vec<HashMap<HashKey, usize>> = sets.iter().map(|_| HashMap::new()).collect();
        for (set, (members, by_key)) in sets.iter().zip(&mut by_key).enumerate() {
            if members.is_empty() {
                // What is not grouped is one group, even of no rows.
                let key = vec![Value::Null; groups.len()];
                by_key.insert(HashKey(key.clone()), found.len());
                found.push(Group::new(set, key, calls));
            }
        }
        self.memory.of(&ctx.statement.budget);
        while let Some(rows) = self.input.next_batch(input, ctx)? {
            ctx.check_cancelled()?;
            let eval_ctx = ctx.eval();
            for row in rows {
                let values: Result<Vec<Value>> = groups.iter().map(|group| eval(group, &row, &eval_ctx)).collect();
                let mut values = values?;
                let last = sets.len().saturating_sub(1);
                for (set, (members, by_key)) in sets.iter().zip(&mut by_key).enumerate() {
                    let key = if set == last && members.len() == groups.len() {
                        HashKey(std::mem::take(&mut values))
                    } else {
                        HashKey(members_of(members, &values))
                    };
                    let at = match by_key.get(&key) {
                        Some(at) => *at,
                        None => {
                            self.memory.grow(2 * row_bytes(&key.0) + calls.len() * ACCUMULATOR_BYTES)?;
                            found.push(Group::new(set, key.0.clone(), calls));
                            by_key.insert(key, found.len() - 1);
                            found.len() - 1
                        }
                    };
                    if let Some(group) = found.get_mut(at) {
                        group.add(calls, &row, &eval_ctx, &mut self.memory)?;
                    }
                }
            }
        }
        Ok(found)
    }
}

/// What a node says about its groups.
#[derive(Clone, Copy)]
struct Node<'p> {
    input: &'p Plan,
    groups: &'p [Expr],
    sets: &'p [Vec<usize>],
    calls: &'p [AggregateCall],
}

/// The values that a grouping set groups by; the others are NULL.
fn members_of(members: &[usize], values: &[Value]) -> Vec<Value> {
    let value = |(at, value): (usize, &Value)| if members.contains(&at) { value.clone() } else { Value::Null };
    values.iter().enumerate().map(value).collect()
}

/// GROUPING: a bit for each of some groups, the last one lowest, that says that a set does not have it.
fn mask(of: &[usize], members: &[usize]) -> Value {
    Value::Int4(of.iter().fold(0, |bits, group| bits << 1 | i32::from(!members.contains(group))))
}

impl Group {
    pub(super) fn new(set: usize, key: Vec<Value>, calls: &[AggregateCall]) -> Self {
        Self { set, key, calls: calls.iter().map(CallState::new).collect() }
    }

    pub(super) fn add(
        &mut self,
        calls: &[AggregateCall],
        row: &[Value],
        eval_ctx: &EvalContext<'_>,
        memory: &mut Reservation,
    ) -> Result<()> {
        for (call, state) in calls.iter().zip(&mut self.calls) {
            state.add(call, row, eval_ctx, memory)?;
        }
        Ok(())
    }

    pub(super) fn finish(
        self,
        calls: &[AggregateCall],
        (sets, masks): (&[Vec<usize>], &[Vec<usize>]),
        memory: &mut Reservation,
    ) -> Result<Row> {
        let mut row = self.key;
        for (call, state) in calls.iter().zip(self.calls) {
            row.push(state.finish(call, memory)?);
        }
        let members = sets.get(self.set).map(Vec::as_slice).unwrap_or_default();
        row.extend(masks.iter().map(|of| mask(of, members)));
        Ok(row)
    }
}

impl Operator for Aggregate {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::Aggregate { input, sorted: _, groups, sets, calls, masks } = plan else { return Err(mismatch()) };
        if self.results.is_none() {
            self.results = Some(self.read(Node { input, groups, sets, calls }, ctx)?.into_iter());
        }
        let groups = self.results.iter_mut().flatten().take(BATCH_ROWS);
        let memory = &mut self.memory;
        let rows: Result<Vec<Row>> = groups.map(|group| group.finish(calls, (sets, masks), memory)).collect();
        Ok(Some(rows?).filter(|rows| !rows.is_empty()))
    }
}
