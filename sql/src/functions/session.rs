//! What a session can ask about sessions, and do to them.

use std::time::Duration;

use heliosdb_storage::value::{DataType, Value};

use super::{ScalarFunction, bad_arguments};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::EvalContext;

const T: DataType = DataType::Text;
const B: DataType = DataType::Bool;
const I: DataType = DataType::Int4;
const L: DataType = DataType::Int8;
const F: DataType = DataType::Float8;
const Z: DataType = DataType::TimestampTz;
const V: DataType = DataType::Void;

/// How long a session that is to end is waited for, between two looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction::new("pg_sleep", &[F], V, sleep).volatile(),
    ScalarFunction::new("pg_cancel_backend", &[I], B, cancel).volatile(),
    ScalarFunction::new("pg_terminate_backend", &[I], B, terminate).volatile(),
    ScalarFunction::new("pg_terminate_backend", &[I, L], B, terminate).volatile(),
    ScalarFunction::new("pg_postmaster_start_time", &[], Z, started_at).stable(),
    ScalarFunction::new("pg_conf_load_time", &[], Z, started_at).stable(),
    ScalarFunction::new("txid_current", &[], L, |ctx, _| {
        Ok(ctx.session.transaction_number(true).map_or(Value::Null, Value::Int8))
    })
    .stable(),
    ScalarFunction::new("txid_current_if_assigned", &[], L, |ctx, _| {
        Ok(ctx.session.transaction_number(false).map_or(Value::Null, Value::Int8))
    })
    .stable(),
    ScalarFunction::new("inet_client_addr", &[], T, |ctx, _| {
        Ok(client(ctx).map_or(Value::Null, |client| Value::text(client.ip().to_canonical().to_string())))
    })
    .stable(),
    ScalarFunction::new("inet_client_port", &[], I, |ctx, _| {
        Ok(client(ctx).map_or(Value::Null, |client| Value::Int4(i32::from(client.port()))))
    })
    .stable(),
];

fn client(ctx: &EvalContext<'_>) -> Option<std::net::SocketAddr> {
    ctx.session.backend.activity().client
}

fn started_at(ctx: &EvalContext<'_>, _: &[Value]) -> Result<Value> {
    Ok(Value::TimestampTz(ctx.session.backends.started_at))
}

fn sleep(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Float8(seconds)] = args else { return Err(bad_arguments("pg_sleep", args)) };
    // Negative and not a number: no time at all. For ever is long enough for what cannot be counted.
    let duration = Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX);
    ctx.session.backend.sleep(duration)?;
    Ok(Value::text(""))
}

fn cancel(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Int4(pid)] = args else { return Err(bad_arguments("pg_cancel_backend", args)) };
    let Some(backend) = ctx.session.backends.get(*pid) else { return Ok(no_such_backend(ctx, *pid)) };
    ctx.session.backends.cancel(&backend);
    Ok(Value::Bool(true))
}

fn terminate(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let (pid, timeout) = match args {
        [Value::Int4(pid)] => (*pid, 0),
        [Value::Int4(pid), Value::Int8(timeout)] => (*pid, *timeout),
        _ => return Err(bad_arguments("pg_terminate_backend", args)),
    };
    let timeout = u64::try_from(timeout)
        .map_err(|_| SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "\"timeout\" must not be negative"))?;
    let Some(backend) = ctx.session.backends.get(pid) else { return Ok(no_such_backend(ctx, pid)) };
    ctx.session.backends.terminate(&backend);
    if timeout == 0 {
        return Ok(Value::Bool(true));
    }
    let mut left = Duration::from_millis(timeout);
    while ctx.session.backends.get(pid).is_some() {
        if left.is_zero() {
            let message = format!("backend with PID {pid} did not terminate within {timeout} milliseconds");
            ctx.session.notice("WARNING", SqlError::new(SqlState::WARNING, message));
            return Ok(Value::Bool(false));
        }
        let step = left.min(LOOK_INTERVAL);
        ctx.session.backend.sleep(step)?;
        left = left.saturating_sub(step);
    }
    Ok(Value::Bool(true))
}

fn no_such_backend(ctx: &EvalContext<'_>, pid: i32) -> Value {
    let message = format!("PID {pid} is not a PostgreSQL backend process");
    ctx.session.notice("WARNING", SqlError::new(SqlState::WARNING, message));
    Value::Bool(false)
}
