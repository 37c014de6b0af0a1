//! Functions of the sync worker.

use std::time::Duration;

use heliosdb_storage::value::{DataType, Value};

use super::{ScalarFunction, bad_arguments};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::EvalContext;

const T: DataType = DataType::Text;
const J: DataType = DataType::Jsonb;
const I: DataType = DataType::Int4;
const L: DataType = DataType::Int8;
const B: DataType = DataType::Bool;

/// How long an enrolment token is good, if nothing else is said.
const DEFAULT_TOKEN_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest duration that is understood: a hundred years.
const MAX_DURATION_SECONDS: f64 = 100.0 * 365.25 * 86_400.0;

const fn sync(name: &'static str, args: &'static [DataType], returns: DataType, call: super::Code) -> ScalarFunction {
    ScalarFunction::new(name, args, returns, call).in_schema("sync").volatile()
}

/// Durations are text (`'30 seconds'`) until there is a type for intervals.
pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction::new("sync_node_id", &[], T, |ctx, _| Ok(Value::text(ctx.sync.status().node_id))).stable(),
    sync("sync_now", &[], T, sync_now),
    sync("wait_for_sync", &[T], B, wait_for_sync),
    sync("pause", &[], B, |ctx, _| ctx.sync.pause().map(|()| Value::Bool(true))),
    sync("resume", &[], B, |ctx, _| ctx.sync.resume().map(|()| Value::Bool(true))),
    sync("create_enrollment_token", &[T], T, create_enrollment_token),
    sync("create_enrollment_token", &[T, J], T, create_enrollment_token),
    sync("create_enrollment_token", &[T, J, T], T, create_enrollment_token),
    sync("create_enrollment_token", &[T, J, T, I], T, create_enrollment_token),
    sync("retry_dead_letter", &[L], B, |ctx, args| match args {
        [Value::Int8(seq)] => ctx.sync.retry_dead_letter(*seq).map(Value::Bool),
        _ => Err(bad_arguments("sync.retry_dead_letter", args)),
    }),
    sync("discard_dead_letter", &[L], B, |ctx, args| match args {
        [Value::Int8(seq)] => ctx.sync.discard_dead_letter(*seq).map(Value::Bool),
        _ => Err(bad_arguments("sync.discard_dead_letter", args)),
    }),
];

fn wait_for_sync(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Text(timeout)] = args else { return Err(bad_arguments("sync.wait_for_sync", args)) };
    ctx.sync.wait_for_sync(parse_duration(timeout)?, ctx.cancel).map(Value::Bool)
}

/// The row of `SELECT * FROM sync.sync_now()` as one value, in the text form of a record.
fn sync_now(ctx: &EvalContext<'_>, _: &[Value]) -> Result<Value> {
    let columns = ctx.sync.sync_now(ctx.cancel)?.columns().map(|n| n.to_string());
    Ok(Value::text(format!("({})", columns.join(","))))
}

fn create_enrollment_token(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let Some(Value::Text(node_glob)) = args.first() else {
        return Err(bad_arguments("sync.create_enrollment_token", args));
    };
    let attributes = match args.get(1) {
        Some(document) => {
            let Value::Jsonb(json) = document else {
                return Err(bad_arguments("sync.create_enrollment_token", args));
            };
            if !json.0.is_object() {
                return Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, "attributes must be a JSON object"));
            }
            crate::types::to_text(document, J, ctx.time)
        }
        None => "{}".to_owned(),
    };
    let valid = match args.get(2) {
        Some(Value::Text(text)) => parse_duration(text)?,
        _ => DEFAULT_TOKEN_LIFE,
    };
    let uses = match args.get(3) {
        Some(Value::Int4(uses)) => u32::try_from(*uses).ok().filter(|uses| *uses > 0).ok_or_else(|| {
            SqlError::new(SqlState::INVALID_PARAMETER_VALUE, "a token must be good for at least one use")
        })?,
        _ => 1,
    };
    ctx.sync.create_enrollment_token(node_glob, &attributes, valid, uses).map(Value::text)
}

/// Reads what an interval's text can say without months and years: `10 s`, `1 day 02:00:00`, `90`.
pub fn parse_duration(text: &str) -> Result<Duration> {
    let error = || {
        SqlError::new(SqlState::INVALID_DATETIME_FORMAT, format!("invalid input syntax for type interval: \"{text}\""))
    };
    let mut seconds = 0.0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(error());
    }
    while !rest.is_empty() {
        let length =
            rest.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ':' | '+' | '-'))).unwrap_or(rest.len());
        let (number, after) = rest.split_at(length);
        let after = after.trim_start();
        if number.contains(':') {
            seconds += clock_time(number).ok_or_else(error)?;
            rest = after;
            continue;
        }
        let amount: f64 = number.parse().map_err(|_| error())?;
        let length = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(length);
        seconds += amount * unit_seconds(&unit.to_ascii_lowercase()).ok_or_else(error)?;
        rest = after.trim_start();
    }
    if !(0.0..=MAX_DURATION_SECONDS).contains(&seconds) {
        return Err(SqlError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("the duration \"{text}\" must be between 0 and 100 years"),
        ));
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| error())
}

fn clock_time(text: &str) -> Option<f64> {
    let mut fields = text.split(':');
    let hours: f64 = fields.next()?.parse().ok()?;
    let minutes: f64 = fields.next()?.parse().ok()?;
    let seconds: f64 = fields.next().map_or(Ok(0.0), str::parse).ok()?;
    let is_valid =
        fields.next().is_none() && hours >= 0.0 && (0.0..60.0).contains(&minutes) && (0.0..=60.0).contains(&seconds);
    is_valid.then_some(hours * 3600.0 + minutes * 60.0 + seconds)
}

fn unit_seconds(unit: &str) -> Option<f64> {
    Some(match unit {
        "us" | "usec" | "usecs" | "microsecond" | "microseconds" => 1e-6,
        "ms" | "msec" | "msecs" | "millisecond" | "milliseconds" => 1e-3,
        "" | "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        "w" | "week" | "weeks" => 7.0 * 86_400.0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_intervals_are_written() {
        let cases = [
            ("10 s", 10.0),
            ("30 seconds", 30.0),
            ("1.5min", 90.0),
            ("1 day 02:00:00", 93_600.0),
            ("250ms", 0.25),
            ("90", 90.0),
            ("1 h 30 m", 5400.0),
            ("00:00:05.5", 5.5),
        ];
        for (text, seconds) in cases {
            assert_eq!(parse_duration(text).unwrap(), Duration::from_secs_f64(seconds), "{text}");
        }
        for text in ["", "x", "10 parsecs", "1:2:3:4", "1 s x", "1e400 s", "nan"] {
            assert_eq!(parse_duration(text).unwrap_err().state, SqlState::INVALID_DATETIME_FORMAT, "{text}");
        }
        assert_eq!(parse_duration("-1 s").unwrap_err().state, SqlState::INVALID_PARAMETER_VALUE);
        assert_eq!(parse_duration("99999999999 d").unwrap_err().state, SqlState::INVALID_PARAMETER_VALUE);
    }
}
