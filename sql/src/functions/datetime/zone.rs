//! `AT TIME ZONE`: from moments to what a zone's clocks show, and back.

use heliosdb_storage::value::{Interval, Value};
use jiff::tz::{Offset, TimeZone};

use super::super::{ScalarFunction, bad_arguments};
use super::{IV, T, TIME_TZ, TS, Z};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::EvalContext;
use crate::types::datetime::{DAY, SECOND, offset_at, time_zone, timestamp_to_timestamptz, timestamptz_to_timestamp};

pub(in crate::functions) static FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction::new("timezone", &[T, Z], TS, convert),
    ScalarFunction::new("timezone", &[T, TS], Z, convert),
    ScalarFunction::new("timezone", &[T, TIME_TZ], TIME_TZ, convert).stable(),
    ScalarFunction::new("timezone", &[IV, Z], TS, convert),
    ScalarFunction::new("timezone", &[IV, TS], Z, convert),
    ScalarFunction::new("timezone", &[IV, TIME_TZ], TIME_TZ, convert),
];

fn convert(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [zone, moment] = args else { return Err(bad_arguments("timezone", args)) };
    let zone = match zone {
        Value::Text(name) => named(name)?,
        Value::Interval(offset) => fixed(*offset)?,
        _ => return Err(bad_arguments("timezone", args)),
    };
    Ok(match moment {
        Value::TimestampTz(micros) => Value::Timestamp(timestamptz_to_timestamp(*micros, &zone)?),
        Value::Timestamp(micros) => Value::TimestampTz(timestamp_to_timestamptz(*micros, &zone)?),
        Value::TimeTz(time, east) => {
            let to = offset_at(&zone, ctx.time.transaction_start);
            let moved = time + (to - i64::from(*east)) * SECOND;
            Value::TimeTz(moved.rem_euclid(DAY), i32::try_from(to).unwrap_or(0))
        }
        _ => return Err(bad_arguments("timezone", args)),
    })
}

/// A zone by its name, as `AT TIME ZONE` takes it.
pub fn named(name: &str) -> Result<TimeZone> {
    time_zone(name)
        .map_err(|_| SqlError::new(SqlState::INVALID_PARAMETER_VALUE, format!("time zone \"{name}\" not recognized")))
}

fn fixed(offset: Interval) -> Result<TimeZone> {
    let refused = || {
        let mut text = String::new();
        crate::types::interval::format(offset, Default::default(), &mut text);
        text
    };
    if offset.months != 0 || offset.days != 0 {
        let message = format!("interval time zone \"{}\" must not include months or days", refused());
        return Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    let seconds = i32::try_from(offset.micros / SECOND).ok().and_then(|seconds| Offset::from_seconds(seconds).ok());
    seconds.map(Offset::to_time_zone).ok_or_else(|| {
        let message = format!("interval time zone \"{}\" out of range", refused());
        SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
    })
}
