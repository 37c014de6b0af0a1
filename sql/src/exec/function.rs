//! Rows of set-returning functions: in FROM, and in the select list.

use heliosdb_storage::Row;
use heliosdb_storage::value::{Record, Value};

use super::context::ExecContext;
use super::{BATCH_ROWS, Operator, mismatch};
use crate::error::Result;
use crate::eval::{EvalContext, eval};
use crate::functions::table::RowSource;
use crate::plan::{Plan, TableCall, TableCallee};

/// Calls that run side by side: one that has no more rows gives NULLs until all are at their end.
struct SideBySide {
    /// None at the end.
    sources: Vec<Option<RowSource>>,
}

impl SideBySide {
    fn start(calls: &[TableCall], row: &[Value], ctx: &EvalContext<'_>) -> Result<Self> {
        let start = |call: &TableCall| -> Result<Option<RowSource>> {
            Ok(Some(match &call.callee {
                TableCallee::Function { function, args } => {
                    let args: Result<Vec<Value>> = args.iter().map(|arg| eval(arg, row, ctx)).collect();
                    function.start(ctx, &args?, &call.shape)?
                }
                TableCallee::Value(expr) => Box::new(std::iter::once(Ok(vec![eval(expr, row, ctx)?]))),
            }))
        };
        Ok(Self { sources: calls.iter().map(start).collect::<Result<_>>()? })
    }

    /// The next row of each call; none once all are at their end.
    fn next(&mut self) -> Result<Option<Vec<Option<Row>>>> {
        let mut rows = Vec::with_capacity(self.sources.len());
        for source in &mut self.sources {
            let row = source.as_mut().and_then(Iterator::next).transpose()?;
            if row.is_none() {
                *source = None;
            }
            rows.push(row);
        }
        Ok(Some(rows).filter(|rows| rows.iter().any(Option::is_some)))
    }
}

/// Calls in FROM.
#[derive(Default)]
pub struct FunctionScan {
    calls: Option<SideBySide>,
    /// How many rows there have been.
    count: i64,
}

impl Operator for FunctionScan {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::Function { calls, ordinality, .. } = plan else { return Err(mismatch()) };
        ctx.check_cancelled()?;
        let running = match &mut self.calls {
            Some(running) => running,
            None => self.calls.insert(SideBySide::start(calls, &[], &ctx.eval())?),
        };
        let mut out = Vec::new();
        while out.len() < BATCH_ROWS
            && let Some(rows) = running.next()?
        {
            let mut joined = Row::new();
            for (call, row) in calls.iter().zip(rows) {
                match row {
                    Some(row) if joined.is_empty() => joined = row,
                    Some(row) => joined.extend(row),
                    None => joined.resize(joined.len() + call.width(), Value::Null),
                }
            }
            if *ordinality {
                self.count += 1;
                joined.push(Value::Int8(self.count));
            }
            out.push(joined);
        }
        Ok(Some(out).filter(|rows| !rows.is_empty()))
    }
}

/// Calls in the select list: each row of the input as often as they give rows, with a column for each call.
pub struct ProjectSet {
    input: Box<dyn Operator>,
    pending: std::vec::IntoIter<Row>,
    /// The row that is being repeated, and what it is repeated for.
    current: Option<(Row, SideBySide)>,
}

impl ProjectSet {
    /// Calls over the rows of an input.
    pub fn new(input: Box<dyn Operator>) -> Self {
        Self { input, pending: Vec::new().into_iter(), current: None }
    }
}

/// What a call gives in the select list: a plain value, or a row as one.
fn column(call: &TableCall, row: Option<Row>) -> Value {
    let Some(row) = row else { return Value::Null };
    if call.is_value() {
        return row.into_iter().next().unwrap_or(Value::Null);
    }
    Value::Record(Record { shape: call.shape.clone(), values: row }.into())
}

impl Operator for ProjectSet {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::ProjectSet { input, calls } = plan else { return Err(mismatch()) };
        let mut out = Vec::new();
        while out.len() < BATCH_ROWS {
            ctx.check_cancelled()?;
            if let Some((row, running)) = &mut self.current {
                match running.next()? {
                    Some(values) => {
                        let columns = calls.iter().zip(values).map(|(call, value)| column(call, value));
                        out.push(row.iter().cloned().chain(columns).collect());
                    }
                    None => self.current = None,
                }
                continue;
            }
            if let Some(row) = self.pending.next() {
                let running = SideBySide::start(calls, &row, &ctx.eval())?;
                self.current = Some((row, running));
                continue;
            }
            match self.input.next_batch(input, ctx)? {
                Some(rows) => self.pending = rows.into_iter(),
                None => break,
            }
        }
        Ok(Some(out).filter(|rows| !rows.is_empty()))
    }
}
