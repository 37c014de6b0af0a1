//! Functions of LISTEN and NOTIFY.

use heliosdb_storage::value::{DataType, Value};

use super::ScalarFunction;
use super::table::{RowShape, RowSource, TableFunction};
use crate::error::Result;
use crate::eval::EvalContext;

const T: DataType = DataType::Text;

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction::new("pg_notify", &[T, T], DataType::Void, notify).called_on_null().volatile(),
    ScalarFunction::new("pg_notification_queue_usage", &[], DataType::Float8, |ctx, _| {
        Ok(Value::Float8(ctx.session.notifier.usage()))
    })
    .volatile(),
];

pub(super) static TABLE_FUNCTIONS: &[TableFunction] =
    &[TableFunction::new("pg_listening_channels", &[], &[("pg_listening_channels", T)], channels).stable()];

fn notify(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let text = |at: usize| match args.get(at) {
        Some(Value::Text(text)) => text.as_ref(),
        _ => "",
    };
    ctx.session.pending.lock().notify(ctx.session.backend.pid, text(0), text(1))?;
    Ok(Value::text(""))
}

fn channels(ctx: &EvalContext<'_>, _: &[Value], _: &RowShape) -> Result<RowSource> {
    let channels = ctx.session.notifier.channels(ctx.session.backend.pid);
    Ok(Box::new(channels.into_iter().map(|channel| Ok(vec![Value::text(channel)]))))
}
