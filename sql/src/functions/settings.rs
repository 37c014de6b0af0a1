//! `current_setting`, `set_config`.

use heliosdb_storage::value::{DataType, Value};

use super::{ScalarFunction, bad_arguments};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::EvalContext;
use crate::session::settings::{Source, unrecognized};

const T: DataType = DataType::Text;
const B: DataType = DataType::Bool;

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction::new("current_setting", &[T], T, current_setting).stable(),
    ScalarFunction::new("current_setting", &[T, B], T, current_setting).stable(),
    ScalarFunction::new("set_config", &[T, T, B], T, set_config).called_on_null().volatile(),
];

fn current_setting(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let (name, missing_ok) = match args {
        [Value::Text(name)] => (name, false),
        [Value::Text(name), Value::Bool(missing_ok)] => (name, *missing_ok),
        _ => return Err(bad_arguments("current_setting", args)),
    };
    match ctx.session.settings().shown(name) {
        Some(shown) => Ok(Value::text(shown.value)),
        None if missing_ok => Ok(Value::Null),
        None => Err(unrecognized(name)),
    }
}

fn set_config(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let (name, value, is_local) = match args {
        [Value::Text(name), value, is_local] => (name, value, matches!(is_local, Value::Bool(true))),
        _ => {
            return Err(SqlError::new(SqlState::NULL_VALUE_NOT_ALLOWED, "SET requires parameter name"));
        }
    };
    let mut stack = ctx.session.settings.lock();
    stack.change(is_local, |settings, startup| match value {
        Value::Text(value) => settings.set(name, value, Source::Session),
        _ => settings.reset(name, startup),
    })?;
    stack.now().show(name).map(|shown| Value::text(shown.value))
}
