//! One call of an aggregate over one group: its input filtered, each distinct one once, in order.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use heliosdb_storage::value::Value;

use super::context::{Reservation, row_bytes};
use super::hash::HashKey;
use super::sort::compare_keys;
use crate::error::Result;
use crate::eval::{EvalContext, compare, eval, is_true};
use crate::functions::aggregate::{Accumulator, CallShape};
use crate::plan::{AggregateCall, ArgumentKey};

/// What a call has seen of a group.
pub struct CallState {
    accumulator: Box<dyn Accumulator>,
    /// For DISTINCT: the arguments so far, by those of them that tell them apart.
    distinct: HashMap<HashKey, Vec<Value>>,
    /// For an input in order: what it is ordered by, and the arguments.
    ordered: Vec<(Vec<Value>, Vec<Value>)>,
}

impl CallState {
    /// A call that has seen nothing.
    pub fn new(call: &AggregateCall) -> Self {
        Self { accumulator: accumulator(call), distinct: HashMap::new(), ordered: Vec::new() }
    }

    /// Takes a row of the group.
    pub fn add(
        &mut self,
        call: &AggregateCall,
        row: &[Value],
        ctx: &EvalContext<'_>,
        memory: &mut Reservation,
    ) -> Result<()> {
        if let Some(filter) = &call.filter
            && !is_true(filter, row, ctx)?
        {
            return Ok(());
        }
        let args: Result<Vec<Value>> = call.args.iter().map(|arg| eval(arg, row, ctx)).collect();
        let args = args?;
        if call.distinct {
            let value = |key: &ArgumentKey| args.get(key.at).cloned().unwrap_or(Value::Null);
            let key = HashKey(call.distinct_by.iter().map(value).collect());
            if let Entry::Vacant(place) = self.distinct.entry(key) {
                memory.grow(row_bytes(&place.key().0) + row_bytes(&args))?;
                place.insert(args);
            }
            return Ok(());
        }
        if !call.order.is_empty() {
            let key: Result<Vec<Value>> = call.order.iter().map(|key| eval(&key.expr, row, ctx)).collect();
            let key = key?;
            memory.grow(row_bytes(&key) + row_bytes(&args))?;
            self.ordered.push((key, args));
            return Ok(());
        }
        self.accumulator.add(&args)?;
        memory.grow(self.accumulator.kept())
    }

    /// The result.
    pub fn finish(mut self, call: &AggregateCall, memory: &mut Reservation) -> Result<Value> {
        let mut distinct: Vec<(HashKey, Vec<Value>)> = self.distinct.into_iter().collect();
        if call.function.is_ordered {
            distinct.sort_by(|(a, _), (b, _)| compare_arguments(&call.distinct_by, &a.0, &b.0));
        }
        self.ordered.sort_by(|(a, _), (b, _)| compare_keys(&call.order, a, b));
        let ordered = self.ordered.into_iter().map(|(_, args)| args);
        for args in distinct.into_iter().map(|(_, args)| args).chain(ordered) {
            self.accumulator.add(&args)?;
            memory.grow(self.accumulator.kept())?;
        }
        self.accumulator.finish()
    }
}

/// A new accumulator for a call.
pub fn accumulator(call: &AggregateCall) -> Box<dyn Accumulator> {
    (call.function.new)(&CallShape { returns: call.returns, order: &call.order })
}

fn compare_arguments(keys: &[ArgumentKey], a: &[Value], b: &[Value]) -> Ordering {
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
