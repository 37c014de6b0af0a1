//! Functions in FROM.

use heliosdb_storage::Row;
use heliosdb_storage::value::{DataType, Value};

use super::resolution::{Choice, Signature, choose, no_function, several_functions};
use super::{Volatility, bad_arguments};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::EvalContext;

/// A function that returns rows.
#[derive(Debug)]
pub struct TableFunction {
    /// Its schema.
    pub schema: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The types of its arguments.
    pub args: &'static [DataType],
    /// Names and types of the columns of its rows. A function with one column of its own name returns a plain value:
    /// an alias of the call then names the column too.
    pub columns: &'static [(&'static str, DataType)],
    /// Whether it gives the same rows again.
    pub volatility: Volatility,
    /// Starts a call; `NULL` arguments are the function's affair.
    pub call: fn(&EvalContext<'_>, &[Value]) -> Result<RowSource>,
}

/// The rows of a call, made as they are asked for.
pub type RowSource = Box<dyn Iterator<Item = Result<Row>> + Send>;

/// The function that a call in FROM names.
pub fn resolve(schema: Option<&str>, name: &str, args: &[DataType]) -> Result<&'static TableFunction> {
    let schema_sought = schema.unwrap_or("pg_catalog");
    let candidates: Vec<Candidate> = FUNCTIONS
        .iter()
        .filter(|f| f.name == name && f.schema == schema_sought && f.args.len() == args.len())
        .map(Candidate)
        .collect();
    match choose(candidates, args) {
        Choice::One(candidate) => Ok(candidate.0),
        Choice::None => Err(no_function(schema, name, args)),
        Choice::Several => Err(several_functions(schema, name, args)),
    }
}

#[derive(Clone, Copy)]
struct Candidate(&'static TableFunction);

impl Signature for Candidate {
    fn arg(&self, index: usize) -> DataType {
        self.0.args.get(index).copied().unwrap_or(DataType::Unknown)
    }
}

const fn series(args: &'static [DataType], columns: &'static [(&'static str, DataType)]) -> TableFunction {
    TableFunction {
        schema: "pg_catalog",
        name: "generate_series",
        args,
        columns,
        volatility: Volatility::Immutable,
        call: generate_series,
    }
}

const INT4_SERIES: &[(&str, DataType)] = &[("generate_series", DataType::Int4)];
const INT8_SERIES: &[(&str, DataType)] = &[("generate_series", DataType::Int8)];

static FUNCTIONS: &[TableFunction] = &[
    series(&[DataType::Int4, DataType::Int4], INT4_SERIES),
    series(&[DataType::Int4, DataType::Int4, DataType::Int4], INT4_SERIES),
    series(&[DataType::Int8, DataType::Int8], INT8_SERIES),
    series(&[DataType::Int8, DataType::Int8, DataType::Int8], INT8_SERIES),
    TableFunction {
        schema: "sync",
        name: "sync_now",
        args: &[],
        columns: &[
            ("pushed_transactions", DataType::Int8),
            ("pulled_transactions", DataType::Int8),
            ("bytes_sent", DataType::Int8),
            ("bytes_received", DataType::Int8),
            ("bytes_saved", DataType::Int8),
            ("conflicts", DataType::Int8),
            ("duration_ms", DataType::Int8),
        ],
        volatility: Volatility::Volatile,
        call: sync_now,
    },
];

/// The numbers from first to last, both included.
struct Series {
    next: Option<i64>,
    last: i64,
    step: i64,
    is_int4: bool,
}

impl Iterator for Series {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        let n = self.next?;
        if (self.step > 0 && n > self.last) || (self.step < 0 && n < self.last) {
            return None;
        }
        // The series ends where the next number would not fit.
        self.next = n.checked_add(self.step);
        let value = match i32::try_from(n) {
            Ok(n) if self.is_int4 => Value::Int4(n),
            _ => Value::Int8(n),
        };
        Some(Ok(vec![value]))
    }
}

fn generate_series(_: &EvalContext<'_>, args: &[Value]) -> Result<RowSource> {
    let numbers: Option<Vec<i64>> = args
        .iter()
        .map(|arg| match arg {
            Value::Int4(n) => Some(i64::from(*n)),
            Value::Int8(n) => Some(*n),
            _ => None,
        })
        .collect();
    let is_int4 = args.iter().all(|arg| matches!(arg, Value::Int4(_)));
    let (first, last, step) = match numbers.as_deref() {
        Some(&[first, last]) => (first, last, 1),
        Some(&[first, last, step]) => (first, last, step),
        _ if args.iter().any(Value::is_null) => return Ok(Box::new(std::iter::empty())),
        _ => return Err(bad_arguments("generate_series", args)),
    };
    if step == 0 {
        return Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, "step size cannot equal zero"));
    }
    Ok(Box::new(Series { next: Some(first), last, step, is_int4 }))
}

fn sync_now(ctx: &EvalContext<'_>, _: &[Value]) -> Result<RowSource> {
    let row = ctx.sync.sync_now(ctx.cancel)?.columns();
    Ok(Box::new(std::iter::once(Ok(row.into_iter().map(Value::Int8).collect()))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::{NoSubqueries, SessionFacts};
    use crate::sync_control::NoSync;
    use crate::types::ValueContext;

    fn call(function: &TableFunction, args: &[Value]) -> Result<Vec<Row>> {
        let session = SessionFacts::alone("u", "d");
        let ctx = EvalContext {
            params: &[],
            outer: None,
            time: &ValueContext::utc(),
            session: &session,
            sync: &NoSync,
            cancel: &crate::eval::NEVER_CANCELLED,
            subqueries: &NoSubqueries,
        };
        (function.call)(&ctx, args)?.take(10).collect()
    }

    #[test]
    fn series_go_both_ways_and_end_at_the_range() {
        let int4 = resolve(None, "generate_series", &[DataType::Int4, DataType::Int4, DataType::Int4]).unwrap();
        let rows = |a, b, c| call(int4, &[Value::Int4(a), Value::Int4(b), Value::Int4(c)]).unwrap();
        assert_eq!(rows(1, 5, 2), [[Value::Int4(1)], [Value::Int4(3)], [Value::Int4(5)]]);
        assert_eq!(rows(1, -1, -1), [[Value::Int4(1)], [Value::Int4(0)], [Value::Int4(-1)]]);
        assert!(rows(2, 1, 1).is_empty());
        assert_eq!(rows(i32::MAX, i32::MAX, 1).len(), 1);
        assert!(call(int4, &[Value::Null, Value::Int4(1), Value::Int4(1)]).unwrap().is_empty());
        let zero = call(int4, &[Value::Int4(1), Value::Int4(2), Value::Int4(0)]);
        assert_eq!(zero.unwrap_err().message, "step size cannot equal zero");
        let int8 = resolve(None, "generate_series", &[DataType::Int8, DataType::Int4]).unwrap();
        assert_eq!(call(int8, &[Value::Int8(i64::MAX), Value::Int8(i64::MAX)]).unwrap(), [[Value::Int8(i64::MAX)]]);
    }

    #[test]
    fn sync_now_is_what_the_worker_says() {
        let function = resolve(Some("sync"), "sync_now", &[]).unwrap();
        assert_eq!(function.columns.len(), 7);
        assert_eq!(call(function, &[]).unwrap_err().state, SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE);
        assert!(resolve(None, "sync_now", &[]).is_err());
    }
}
