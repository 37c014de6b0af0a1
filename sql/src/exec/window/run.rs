//! One window function over one partition: a value a row.

use std::ops::Range;

use heliosdb_storage::value::Value;

use super::super::aggregate_call::accumulator;
use super::super::context::ExecContext;
use super::Partition;
use super::frame::FrameRule;
use crate::error::{Result, SqlError, SqlState};
use crate::eval::{EvalContext, eval, is_true};
use crate::expr::Expr;
use crate::functions::aggregate::Accumulator;
use crate::functions::window::WindowFunction;
use crate::plan::{AggregateCall, SortKey, WindowCall, WindowCallee};

/// How many rows are looked at between two looks at the cancel flag.
const CANCEL_ROWS: usize = 1_024;

/// The values of a call, one for each row of the partition.
pub fn call(call: &WindowCall, order: &[SortKey], partition: &Partition, ctx: &ExecContext<'_>) -> Result<Vec<Value>> {
    let run = Run { partition, ctx, eval: ctx.eval() };
    match &call.callee {
        WindowCallee::Aggregate(aggregate) => {
            let frame = FrameRule::new(&call.frame, order, &run.eval)?;
            run.aggregate(aggregate, &frame)
        }
        WindowCallee::Function { function, args, .. } => match function {
            WindowFunction::RowNumber => run.numbers(|row| row + 1),
            WindowFunction::Rank => run.numbers(|row| partition.peers(row).start + 1),
            WindowFunction::DenseRank => run.numbers(|row| partition.group_of(row) + 1),
            WindowFunction::PercentRank => run.percent_rank(),
            WindowFunction::CumeDist => {
                let rows = partition.rows.len();
                run.each(|row| Ok(Value::Float8(float(partition.peers(row).end) / float(rows))))
            }
            WindowFunction::Ntile => run.ntile(args),
            WindowFunction::Lag => run.offset(args, true),
            WindowFunction::Lead => run.offset(args, false),
            WindowFunction::FirstValue | WindowFunction::LastValue | WindowFunction::NthValue => {
                let frame = FrameRule::new(&call.frame, order, &run.eval)?;
                run.framed(*function, args, &frame)
            }
        },
    }
}

#[allow(clippy::cast_precision_loss, reason = "the ratio is not exact anyway")]
const fn float(n: usize) -> f64 {
    n as f64
}

/// A call in the middle of its run.
struct Run<'r, 'c> {
    partition: &'r Partition,
    ctx: &'r ExecContext<'c>,
    eval: EvalContext<'r>,
}

impl Run<'_, '_> {
    fn each(&self, value: impl Fn(usize) -> Result<Value>) -> Result<Vec<Value>> {
        let mut values = Vec::with_capacity(self.partition.rows.len());
        for row in 0..self.partition.rows.len() {
            if row.is_multiple_of(CANCEL_ROWS) {
                self.ctx.check_cancelled()?;
            }
            values.push(value(row)?);
        }
        Ok(values)
    }

    fn numbers(&self, number: impl Fn(usize) -> usize) -> Result<Vec<Value>> {
        self.each(|row| Ok(Value::Int8(i64::try_from(number(row)).unwrap_or(i64::MAX))))
    }

    fn percent_rank(&self) -> Result<Vec<Value>> {
        let rows = self.partition.rows.len();
        self.each(|row| {
            let before = self.partition.peers(row).start;
            Ok(Value::Float8(if rows > 1 { float(before) / float(rows - 1) } else { 0.0 }))
        })
    }

    /// The value of an argument over a row of the partition.
    fn arg(&self, args: &[Expr], at: usize, row: usize) -> Result<Value> {
        match (args.get(at), self.partition.rows.get(row)) {
            (Some(arg), Some(row)) => eval(arg, row, &self.eval),
            _ => Ok(Value::Null),
        }
    }

    fn ntile(&self, args: &[Expr]) -> Result<Vec<Value>> {
        let rows = self.partition.rows.len();
        let parts = match self.arg(args, 0, 0)? {
            Value::Int4(parts) => usize::try_from(parts).ok().filter(|parts| *parts > 0).ok_or_else(|| {
                let state = SqlState::INVALID_ARGUMENT_FOR_NTILE;
                SqlError::new(state, "argument of ntile must be greater than zero")
            })?,
            _ => return Ok(vec![Value::Null; rows]),
        };
        // The first parts are one row larger if the rows do not divide.
        let (size, larger) = (rows / parts, rows % parts);
        let in_larger = larger * (size + 1);
        self.each(|row| {
            let part = if row < in_larger { row / (size + 1) } else { larger + (row - in_larger) / size.max(1) };
            Ok(Value::Int4(i32::try_from(part + 1).unwrap_or(i32::MAX)))
        })
    }

    /// `lag` and `lead`.
    fn offset(&self, args: &[Expr], back: bool) -> Result<Vec<Value>> {
        self.each(|row| {
            let offset = match (args.len() > 1).then(|| self.arg(args, 1, row)).transpose()? {
                None => 1,
                Some(Value::Int4(offset)) => i64::from(offset),
                Some(_) => return Ok(Value::Null),
            };
            let offset = isize::try_from(if back { -offset } else { offset }).unwrap_or(isize::MAX);
            match row.checked_add_signed(offset).filter(|other| *other < self.partition.rows.len()) {
                Some(other) => self.arg(args, 0, other),
                None => self.arg(args, 2, row),
            }
        })
    }

    /// `first_value`, `last_value`, `nth_value`.
    fn framed(&self, function: WindowFunction, args: &[Expr], frame: &FrameRule<'_>) -> Result<Vec<Value>> {
        self.each(|row| {
            let mut range = frame.range(self.partition, row)?;
            let mut wanted = 1;
            if function == WindowFunction::NthValue {
                wanted = match self.arg(args, 1, row)? {
                    Value::Int4(n) => usize::try_from(n).ok().filter(|n| *n > 0).ok_or_else(|| {
                        let state = SqlState::INVALID_ARGUMENT_FOR_NTH_VALUE;
                        SqlError::new(state, "argument of nth_value must be greater than zero")
                    })?,
                    _ => return Ok(Value::Null),
                };
            }
            let is_in = |other: &usize| !frame.excludes(self.partition, row, *other);
            let found = match function {
                WindowFunction::LastValue => range.rev().find(is_in),
                _ => range.by_ref().filter(is_in).nth(wanted - 1),
            };
            found.map_or(Ok(Value::Null), |other| self.arg(args, 0, other))
        })
    }

    fn aggregate(&self, call: &AggregateCall, frame: &FrameRule<'_>) -> Result<Vec<Value>> {
        if frame.only_grows() { self.growing(call, frame) } else { self.moving(call, frame) }
    }

    /// A frame that begins with the partition: each row adds to what there is.
    fn growing(&self, call: &AggregateCall, frame: &FrameRule<'_>) -> Result<Vec<Value>> {
        let mut accumulator = accumulator(call);
        let mut end = 0;
        let mut values: Vec<Value> = Vec::with_capacity(self.partition.rows.len());
        for row in 0..self.partition.rows.len() {
            let range = frame.range(self.partition, row)?;
            let grows = range.end > end;
            for other in end..range.end {
                self.add(call, other, accumulator.as_mut())?;
            }
            end = end.max(range.end);
            values.push(match values.last() {
                Some(last) if !grows => last.clone(),
                _ => accumulator.finish()?,
            });
        }
        Ok(values)
    }

    /// A frame that loses rows: what has been added is taken back if the aggregate can do that, else the frame is computed
    /// anew where it differs from that of the row before.
    fn moving(&self, call: &AggregateCall, frame: &FrameRule<'_>) -> Result<Vec<Value>> {
        let mut before: Option<(Range<usize>, Box<dyn Accumulator>, Value)> = None;
        let mut values = Vec::with_capacity(self.partition.rows.len());
        for row in 0..self.partition.rows.len() {
            let range = frame.range(self.partition, row)?;
            if frame.excludes_any() {
                let others = range.filter(|other| !frame.excludes(self.partition, row, *other));
                values.push(self.computed(call, others)?.finish()?);
                continue;
            }
            let next = match before.take() {
                Some(known) if known.0 == range => known,
                known => {
                    let moved = match known {
                        Some((known, mut accumulator, _)) => {
                            self.moves(call, &known, &range, accumulator.as_mut())?.then_some(accumulator)
                        }
                        None => None,
                    };
                    let mut accumulator = match moved {
                        Some(accumulator) => accumulator,
                        None => self.computed(call, range.clone())?,
                    };
                    let value = accumulator.finish()?;
                    (range, accumulator, value)
                }
            };
            values.push(next.2.clone());
            before = Some(next);
        }
        Ok(values)
    }

    fn computed(&self, call: &AggregateCall, rows: impl Iterator<Item = usize>) -> Result<Box<dyn Accumulator>> {
        let mut accumulator = accumulator(call);
        for row in rows {
            self.add(call, row, accumulator.as_mut())?;
        }
        Ok(accumulator)
    }

    /// Moves what has been computed of a range to another one; false if that cannot be done.
    fn moves(
        &self,
        call: &AggregateCall,
        from: &Range<usize>,
        to: &Range<usize>,
        accumulator: &mut dyn Accumulator,
    ) -> Result<bool> {
        if to.start < from.start || to.end < from.end || to.start > from.end {
            return Ok(false);
        }
        for row in from.start..to.start {
            if let Some(args) = self.args(call, row)?
                && !accumulator.remove(&args)?
            {
                return Ok(false);
            }
        }
        for row in from.end..to.end {
            self.add(call, row, accumulator)?;
        }
        Ok(true)
    }

    fn add(&self, call: &AggregateCall, row: usize, accumulator: &mut dyn Accumulator) -> Result<()> {
        match self.args(call, row)? {
            Some(args) => accumulator.add(&args),
            None => Ok(()),
        }
    }

    /// What a row gives the aggregate; none if it is filtered out.
    fn args(&self, call: &AggregateCall, row: usize) -> Result<Option<Vec<Value>>> {
        if row.is_multiple_of(CANCEL_ROWS) {
            self.ctx.check_cancelled()?;
        }
        let Some(row) = self.partition.rows.get(row) else { return Ok(None) };
        if let Some(filter) = &call.filter
            && !is_true(filter, row, &self.eval)?
        {
            return Ok(None);
        }
        call.args.iter().map(|arg| eval(arg, row, &self.eval)).collect::<Result<_>>().map(Some)
    }
}
