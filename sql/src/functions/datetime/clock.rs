//! What time it is.

use heliosdb_storage::value::{ColumnType, DataType, Value};

use super::super::ScalarFunction;
use super::{D, T, TIME, TIME_TZ, TS, Z};
use crate::error::Result;
use crate::eval::EvalContext;
use crate::types::cast::cast;
use crate::types::datetime::now_micros;
use crate::types::{to_text, typmod};

pub(in crate::functions) static FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction::new("now", &[], Z, start).stable(),
    ScalarFunction::new("current_timestamp", &[], Z, start).stable(),
    ScalarFunction::new("transaction_timestamp", &[], Z, start).stable(),
    ScalarFunction::new("statement_timestamp", &[], Z, |ctx, _| Ok(Value::TimestampTz(ctx.time.statement_start)))
        .stable(),
    ScalarFunction::new("clock_timestamp", &[], Z, |_, _| Ok(Value::TimestampTz(now_micros()))).volatile(),
    ScalarFunction::new("timeofday", &[], T, |ctx, _| {
        Ok(Value::text(to_text(&Value::TimestampTz(now_micros()), Z, ctx.time)))
    })
    .volatile(),
    ScalarFunction::new("current_date", &[], D, |ctx, _| start_as(D, ctx, &[])).stable(),
    ScalarFunction::new("current_time", &[], TIME_TZ, |ctx, _| start_as(TIME_TZ, ctx, &[])).stable(),
    ScalarFunction::new("localtime", &[], TIME, |ctx, _| start_as(TIME, ctx, &[])).stable(),
    ScalarFunction::new("localtimestamp", &[], TS, |ctx, _| start_as(TS, ctx, &[])).stable(),
    ScalarFunction::new("current_timestamp", &[DataType::Int4], Z, |ctx, args| start_as(Z, ctx, args)).stable(),
    ScalarFunction::new("current_time", &[DataType::Int4], TIME_TZ, |ctx, args| start_as(TIME_TZ, ctx, args)).stable(),
    ScalarFunction::new("localtime", &[DataType::Int4], TIME, |ctx, args| start_as(TIME, ctx, args)).stable(),
    ScalarFunction::new("localtimestamp", &[DataType::Int4], TS, |ctx, args| start_as(TS, ctx, args)).stable(),
];

fn start(ctx: &EvalContext<'_>, _: &[Value]) -> Result<Value> {
    Ok(Value::TimestampTz(ctx.time.transaction_start))
}

/// When the transaction began, as another type, with as many digits as the argument says.
fn start_as(to: DataType, ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let digits: Vec<i64> = args
        .iter()
        .filter_map(|arg| match arg {
            Value::Int4(n) => Some(i64::from(*n)),
            _ => None,
        })
        .collect();
    let to = ColumnType { data_type: to, typmod: typmod::from_arguments(to, &digits)? };
    cast(Value::TimestampTz(ctx.time.transaction_start), Z, to, true, ctx.time)
}
