//! `generate_series`

use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::Sign;
use heliosdb_storage::Row;
use heliosdb_storage::value::{DataType, Interval, Micros, Numeric, Value};
use jiff::tz::TimeZone;

use super::bad_arguments;
use super::datetime::arithmetic::{add_to_timestamp, add_to_timestamptz};
use super::table::{RowShape, RowSource, TableFunction};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::EvalContext;

use DataType::{Int4, Int8, Numeric as Decimal, Timestamp, TimestampTz};

const fn series(
    args: &'static [DataType],
    columns: &'static [(&'static str, DataType)],
    call: fn(&EvalContext<'_>, &[Value], &RowShape) -> Result<RowSource>,
) -> TableFunction {
    TableFunction::new("generate_series", args, columns, call)
}

/// The functions.
pub static FUNCTIONS: &[TableFunction] = &[
    series(&[Int4, Int4], &[("generate_series", Int4)], integers),
    series(&[Int4, Int4, Int4], &[("generate_series", Int4)], integers),
    series(&[Int8, Int8], &[("generate_series", Int8)], integers),
    series(&[Int8, Int8, Int8], &[("generate_series", Int8)], integers),
    series(&[Decimal, Decimal], &[("generate_series", Decimal)], decimals),
    series(&[Decimal, Decimal, Decimal], &[("generate_series", Decimal)], decimals),
    series(&[Timestamp, Timestamp, DataType::Interval], &[("generate_series", Timestamp)], timestamps),
    series(&[TimestampTz, TimestampTz, DataType::Interval], &[("generate_series", TimestampTz)], timestamps).stable(),
];

/// The numbers from first to last, both included.
struct Integers {
    next: Option<i64>,
    last: i64,
    step: i64,
    is_int4: bool,
}

impl Iterator for Integers {
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

fn integers(_: &EvalContext<'_>, args: &[Value], _: &RowShape) -> Result<RowSource> {
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
        _ => return Err(bad_arguments("generate_series", args)),
    };
    if step == 0 {
        return Err(no_step());
    }
    Ok(Box::new(Integers { next: Some(first), last, step, is_int4 }))
}

struct Decimals {
    next: BigDecimal,
    last: BigDecimal,
    step: BigDecimal,
}

impl Iterator for Decimals {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        let is_over = if self.step.sign() == Sign::Minus { self.next < self.last } else { self.next > self.last };
        if is_over {
            return None;
        }
        let next = &self.next + &self.step;
        let n = std::mem::replace(&mut self.next, next);
        Some(Ok(vec![Value::Numeric(Box::new(Numeric::Finite(n)))]))
    }
}

fn decimals(_: &EvalContext<'_>, args: &[Value], _: &RowShape) -> Result<RowSource> {
    let finite = |at: usize, what: &str| match args.get(at) {
        None => Ok(BigDecimal::from(1)),
        Some(Value::Numeric(n)) => match n.as_ref() {
            Numeric::Finite(n) => Ok(n.clone()),
            Numeric::NaN => Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, format!("{what} cannot be NaN"))),
        },
        Some(_) => Err(bad_arguments("generate_series", args)),
    };
    let series =
        Decimals { next: finite(0, "start value")?, last: finite(1, "stop value")?, step: finite(2, "step size")? };
    if series.step.sign() == Sign::NoSign {
        return Err(no_step());
    }
    Ok(Box::new(series))
}

struct Timestamps {
    next: Option<Micros>,
    last: Micros,
    step: Interval,
    /// The zone whose clock tells the days; none for timestamps without one.
    zone: Option<TimeZone>,
}

impl Iterator for Timestamps {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.next?;
        if if self.step.span() < 0 { at < self.last } else { at > self.last } {
            return None;
        }
        let next = match &self.zone {
            None => add_to_timestamp(at, self.step),
            Some(zone) => add_to_timestamptz(at, self.step, zone),
        };
        match next {
            Ok(next) => self.next = Some(next),
            Err(error) => {
                self.next = None;
                return Some(Err(error));
            }
        }
        Some(Ok(vec![if self.zone.is_some() { Value::TimestampTz(at) } else { Value::Timestamp(at) }]))
    }
}

fn timestamps(ctx: &EvalContext<'_>, args: &[Value], _: &RowShape) -> Result<RowSource> {
    let (first, last, step, zone) = match args {
        [Value::Timestamp(first), Value::Timestamp(last), Value::Interval(step)] => (*first, *last, *step, None),
        [Value::TimestampTz(first), Value::TimestampTz(last), Value::Interval(step)] => {
            (*first, *last, *step, Some(ctx.time.zone.clone()))
        }
        _ => return Err(bad_arguments("generate_series", args)),
    };
    if step.span() == 0 {
        return Err(no_step());
    }
    Ok(Box::new(Timestamps { next: Some(first), last, step, zone }))
}

fn no_step() -> SqlError {
    SqlError::new(SqlState::INVALID_PARAMETER_VALUE, "step size cannot equal zero")
}
