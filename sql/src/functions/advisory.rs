//! Advisory locks.

use heliosdb_storage::AdvisoryKey;
use heliosdb_storage::value::{DataType, Value};

use super::{ScalarFunction, bad_arguments};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::EvalContext;
use crate::session::settings::Setting;

const I: DataType = DataType::Int4;
const L: DataType = DataType::Int8;
const B: DataType = DataType::Bool;
const V: DataType = DataType::Void;

const ONE: &[DataType] = &[L];
const TWO: &[DataType] = &[I, I];

/// How a lock is asked for.
#[derive(Clone, Copy)]
struct Wish {
    shared: bool,
    for_session: bool,
    wait: bool,
}

/// One of the twelve functions that take a lock, for one key or for two.
macro_rules! lock {
    ($name:literal, $args:expr, $returns:expr, shared: $shared:literal, for_session: $session:literal, wait: $wait:literal) => {
        ScalarFunction::new($name, $args, $returns, |ctx, args| {
            lock(ctx, args, Wish { shared: $shared, for_session: $session, wait: $wait })
        })
        .volatile()
    };
}

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    lock!("pg_advisory_lock", ONE, V, shared: false, for_session: true, wait: true),
    lock!("pg_advisory_lock", TWO, V, shared: false, for_session: true, wait: true),
    lock!("pg_advisory_lock_shared", ONE, V, shared: true, for_session: true, wait: true),
    lock!("pg_advisory_lock_shared", TWO, V, shared: true, for_session: true, wait: true),
    lock!("pg_advisory_xact_lock", ONE, V, shared: false, for_session: false, wait: true),
    lock!("pg_advisory_xact_lock", TWO, V, shared: false, for_session: false, wait: true),
    lock!("pg_advisory_xact_lock_shared", ONE, V, shared: true, for_session: false, wait: true),
    lock!("pg_advisory_xact_lock_shared", TWO, V, shared: true, for_session: false, wait: true),
    lock!("pg_try_advisory_lock", ONE, B, shared: false, for_session: true, wait: false),
    lock!("pg_try_advisory_lock", TWO, B, shared: false, for_session: true, wait: false),
    lock!("pg_try_advisory_lock_shared", ONE, B, shared: true, for_session: true, wait: false),
    lock!("pg_try_advisory_lock_shared", TWO, B, shared: true, for_session: true, wait: false),
    lock!("pg_try_advisory_xact_lock", ONE, B, shared: false, for_session: false, wait: false),
    lock!("pg_try_advisory_xact_lock", TWO, B, shared: false, for_session: false, wait: false),
    lock!("pg_try_advisory_xact_lock_shared", ONE, B, shared: true, for_session: false, wait: false),
    lock!("pg_try_advisory_xact_lock_shared", TWO, B, shared: true, for_session: false, wait: false),
    ScalarFunction::new("pg_advisory_unlock", ONE, B, |ctx, args| unlock(ctx, args, false)).volatile(),
    ScalarFunction::new("pg_advisory_unlock", TWO, B, |ctx, args| unlock(ctx, args, false)).volatile(),
    ScalarFunction::new("pg_advisory_unlock_shared", ONE, B, |ctx, args| unlock(ctx, args, true)).volatile(),
    ScalarFunction::new("pg_advisory_unlock_shared", TWO, B, |ctx, args| unlock(ctx, args, true)).volatile(),
    ScalarFunction::new("pg_advisory_unlock_all", &[], V, |ctx, _| {
        if let Some(locks) = &mut *ctx.session.advisory.lock() {
            locks.unlock_all();
        }
        Ok(Value::text(""))
    })
    .volatile(),
];

fn key(args: &[Value]) -> Result<AdvisoryKey> {
    match args {
        [Value::Int8(key)] => Ok(AdvisoryKey::One(*key)),
        [Value::Int4(first), Value::Int4(second)] => Ok(AdvisoryKey::Two(*first, *second)),
        _ => Err(bad_arguments("pg_advisory_lock", args)),
    }
}

fn lock(ctx: &EvalContext<'_>, args: &[Value], wish: Wish) -> Result<Value> {
    let key = key(args)?;
    let timeout = crate::session::timeout(&ctx.session.settings(), Setting::LockTimeout);
    let mut locks = ctx.session.advisory.lock();
    let Some(locks) = &mut *locks else { return Err(SqlError::unsupported("an advisory lock outside of a session")) };
    let granted = locks.lock(key, wish.shared, wish.for_session, wish.wait, timeout)?;
    Ok(if wish.wait { Value::text("") } else { Value::Bool(granted) })
}

fn unlock(ctx: &EvalContext<'_>, args: &[Value], shared: bool) -> Result<Value> {
    let key = key(args)?;
    let is_held = ctx.session.advisory.lock().as_mut().is_some_and(|locks| locks.unlock(key, shared));
    if !is_held {
        let mode = if shared { "ShareLock" } else { "ExclusiveLock" };
        let message = format!("you don't own a lock of type {mode}");
        ctx.session.notice("WARNING", SqlError::new(SqlState::WARNING, message));
    }
    Ok(Value::Bool(is_held))
}
