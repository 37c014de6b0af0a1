//! Dates, times and intervals from their parts.

use heliosdb_storage::value::{DataType, Interval, Micros, Value};

use super::super::{ScalarFunction, bad_arguments};
use super::arithmetic::interval_out_of_range;
use super::{D, F, I, IV, T, TIME, TS, Z, zone};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::EvalContext;
use crate::types::datetime::{
    DAY, EPOCH_UNIX_SECONDS, HOUR, MINUTE, SECOND, checked_days, checked_micros, civil, timestamp_out_of_range,
    timestamp_to_timestamptz,
};

pub(in crate::functions) static FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction::new("make_date", &[I, I, I], D, |_, args| match args {
        [year, month, day] => make_date(year, month, day).map(Value::Date),
        _ => Err(bad_arguments("make_date", args)),
    }),
    ScalarFunction::new("make_time", &[I, I, F], TIME, |_, args| match args {
        [hour, minute, second] => make_time(hour, minute, second).map(Value::Time),
        _ => Err(bad_arguments("make_time", args)),
    }),
    ScalarFunction::new("make_timestamp", &[I, I, I, I, I, F], TS, |_, args| {
        make_timestamp(args).map(Value::Timestamp)
    }),
    ScalarFunction::new("make_timestamptz", &[I, I, I, I, I, F], Z, |ctx, args| {
        Ok(Value::TimestampTz(timestamp_to_timestamptz(make_timestamp(args)?, &ctx.time.zone)?))
    })
    .stable(),
    ScalarFunction::new("make_timestamptz", &[I, I, I, I, I, F, T], Z, |_, args| match args {
        [parts @ .., Value::Text(name)] => {
            Ok(Value::TimestampTz(timestamp_to_timestamptz(make_timestamp(parts)?, &zone::named(name)?)?))
        }
        _ => Err(bad_arguments("make_timestamptz", args)),
    })
    .stable(),
    ScalarFunction::new("make_interval", &[], IV, make_interval),
    ScalarFunction::new("make_interval", &[I], IV, make_interval),
    ScalarFunction::new("make_interval", &[I, I], IV, make_interval),
    ScalarFunction::new("make_interval", &[I, I, I], IV, make_interval),
    ScalarFunction::new("make_interval", &[I, I, I, I], IV, make_interval),
    ScalarFunction::new("make_interval", &[I, I, I, I, I], IV, make_interval),
    ScalarFunction::new("make_interval", &[I, I, I, I, I, I], IV, make_interval),
    ScalarFunction::new("make_interval", &[I, I, I, I, I, I, F], IV, make_interval),
    ScalarFunction::new("to_timestamp", &[DataType::Float8], Z, to_timestamp),
];

fn overflow(message: String) -> SqlError {
    SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, message)
}

fn int(value: &Value) -> Result<i64> {
    match value {
        Value::Int4(n) => Ok(i64::from(*n)),
        other => Err(bad_arguments("make", std::slice::from_ref(other))),
    }
}

fn make_date(year: &Value, month: &Value, day: &Value) -> Result<i32> {
    let (year, month, day) = (int(year)?, int(month)?, int(day)?);
    // A negative year is one before Christ.
    let civil_year = if year < 0 { year + 1 } else { year };
    let is_valid =
        year != 0 && (1..=12).contains(&month) && (1..=civil::days_in_month(civil_year, month)).contains(&day);
    if !is_valid {
        return Err(overflow(format!("date field value out of range: {year}-{month:02}-{day:02}")));
    }
    checked_days(civil::days_of_date(civil_year, month, day))
        .ok_or_else(|| overflow(format!("date out of range: {year}-{month:02}-{day:02}")))
}

fn make_time(hour: &Value, minute: &Value, second: &Value) -> Result<Micros> {
    let (hour, minute) = (int(hour)?, int(minute)?);
    let Value::Float8(second) = second else {
        return Err(bad_arguments("make_time", std::slice::from_ref(second)));
    };
    let refused = || overflow(format!("time field value out of range: {hour}:{minute:02}:{second:02}"));
    if !(0.0..=60.0).contains(second) || !(0..=24).contains(&hour) || !(0..=59).contains(&minute) {
        return Err(refused());
    }
    #[allow(clippy::cast_possible_truncation, reason = "at most a minute")]
    let micros = (second * 1e6).round_ties_even() as i64;
    let time = hour * HOUR + minute * MINUTE + micros;
    if time > DAY { Err(refused()) } else { Ok(time) }
}

fn make_timestamp(args: &[Value]) -> Result<Micros> {
    let [year, month, day, hour, minute, second] = args else {
        return Err(bad_arguments("make_timestamp", args));
    };
    let midnight = i64::from(make_date(year, month, day)?).checked_mul(DAY);
    let time = make_time(hour, minute, second)?;
    midnight.and_then(|m| m.checked_add(time)).and_then(checked_micros).ok_or_else(timestamp_out_of_range)
}

fn make_interval(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let part = |at: usize| args.get(at).map_or(Ok(0), int);
    let (years, months, weeks) = (part(0)?, part(1)?, part(2)?);
    let (days, hours, minutes) = (part(3)?, part(4)?, part(5)?);
    let seconds = match args.get(6) {
        Some(Value::Float8(seconds)) => *seconds * 1e6,
        _ => 0.0,
    };
    if !seconds.is_finite() || seconds.abs() > 9e18 {
        return Err(interval_out_of_range());
    }
    #[allow(clippy::cast_possible_truncation, reason = "checked above")]
    let micros = seconds.round_ties_even() as i64;
    let small = |n: i64| i32::try_from(n).map_err(|_| interval_out_of_range());
    let micros = hours.checked_mul(HOUR).and_then(|h| h.checked_add(minutes * MINUTE)?.checked_add(micros));
    Ok(Value::Interval(Interval {
        months: small(years * 12 + months)?,
        days: small(weeks * 7 + days)?,
        micros: micros.ok_or_else(interval_out_of_range)?,
    }))
}

fn to_timestamp(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Float8(seconds)] = args else { return Err(bad_arguments("to_timestamp", args)) };
    if seconds.is_nan() {
        return Err(SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, "timestamp cannot be NaN"));
    }
    if seconds.is_infinite() {
        return Ok(Value::TimestampTz(if *seconds > 0.0 { Micros::MAX } else { Micros::MIN }));
    }
    #[allow(clippy::cast_precision_loss, reason = "both are exact in a double")]
    let micros = ((seconds - EPOCH_UNIX_SECONDS as f64) * SECOND as f64).round_ties_even();
    // The cast saturates, and the extremes are out of range.
    #[allow(clippy::cast_possible_truncation, reason = "checked by the line itself")]
    checked_micros(micros as i64).map(Value::TimestampTz).ok_or_else(timestamp_out_of_range)
}
