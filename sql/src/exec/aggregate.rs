//! Groups and what is computed of them, by a hash table.

use std::collections::{HashMap, HashSet};

use heliosdb_storage::Row;
use heliosdb_storage::value::Value;

use super::context::{ExecContext, row_bytes};
use super::hash::HashKey;
use super::{BATCH_ROWS, Operator, mismatch};
use crate::error::Result;
use crate::eval::{EvalContext, eval, is_true};
use crate::expr::Expr;
use crate::functions::aggregate::Accumulator;
use crate::plan::{AggregateCall, Plan};

/// What a group takes in memory besides its key, roughly, per call.
const ACCUMULATOR_BYTES: usize = 96;

/// Grouping.
pub struct Aggregate {
    input: Box<dyn Operator>,
    results: Option<std::vec::IntoIter<Group>>,
}

struct Group {
    key: Vec<Value>,
    calls: Vec<CallState>,
}

struct CallState {
    accumulator: Box<dyn Accumulator>,
    /// For DISTINCT: what has been seen.
    seen: HashSet<HashKey>,
}

impl Aggregate {
    /// Groups of an input.
    pub fn new(input: Box<dyn Operator>) -> Self {
        Self { input, results: None }
    }

    fn read(
        &mut self,
        input: &Plan,
        groups: &[Expr],
        calls: &[AggregateCall],
        ctx: &mut ExecContext<'_>,
    ) -> Result<Vec<Group>> {
        let mut found: Vec<Group> = Vec::new();
        let mut by_key: HashMap<HashKey, usize> = HashMap::new();
        if groups.is_empty() {
            // Without GROUP BY there is one group, even of no rows.
            by_key.insert(HashKey(Vec::new()), 0);
            found.push(Group::new(Vec::new(), calls));
        }
        while let Some(rows) = self.input.next_batch(input, ctx)? {
            ctx.check_cancelled()?;
            let eval_ctx = ctx.eval();
            for row in rows {
                let key: Result<Vec<Value>> = groups.iter().map(|group| eval(group, &row, &eval_ctx)).collect();
                let key = HashKey(key?);
                let at = match by_key.get(&key) {
                    Some(at) => *at,
                    None => {
                        ctx.statement.budget.charge(2 * row_bytes(&key.0) + calls.len() * ACCUMULATOR_BYTES)?;
                        found.push(Group::new(key.0.clone(), calls));
                        by_key.insert(key, found.len() - 1);
                        found.len() - 1
                    }
                };
                if let Some(group) = found.get_mut(at) {
                    group.add(calls, &row, &eval_ctx, ctx)?;
                }
            }
        }
        Ok(found)
    }
}

impl Group {
    fn new(key: Vec<Value>, calls: &[AggregateCall]) -> Self {
        let calls =
            calls.iter().map(|call| CallState { accumulator: (call.function.new)(), seen: HashSet::new() }).collect();
        Self { key, calls }
    }

    fn add(
        &mut self,
        calls: &[AggregateCall],
        row: &[Value],
        eval_ctx: &EvalContext<'_>,
        ctx: &ExecContext<'_>,
    ) -> Result<()> {
        for (call, state) in calls.iter().zip(&mut self.calls) {
            if let Some(filter) = &call.filter
                && !is_true(filter, row, eval_ctx)?
            {
                continue;
            }
            let args: Result<Vec<Value>> = call.args.iter().map(|arg| eval(arg, row, eval_ctx)).collect();
            let args = args?;
            if call.distinct {
                let key = HashKey(args.clone());
                if state.seen.contains(&key) {
                    continue;
                }
                ctx.statement.budget.charge(row_bytes(&args))?;
                state.seen.insert(key);
            }
            state.accumulator.add(&args)?;
        }
        Ok(())
    }

    fn finish(self) -> Result<Row> {
        let mut row = self.key;
        for mut call in self.calls {
            row.push(call.accumulator.finish()?);
        }
        Ok(row)
    }
}

impl Operator for Aggregate {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::Aggregate { input, groups, calls } = plan else { return Err(mismatch()) };
        if self.results.is_none() {
            self.results = Some(self.read(input, groups, calls, ctx)?.into_iter());
        }
        let rows: Result<Vec<Row>> = self.results.iter_mut().flatten().take(BATCH_ROWS).map(Group::finish).collect();
        Ok(Some(rows?).filter(|rows| !rows.is_empty()))
    }
}
