//! Operators between moments, dates, times and intervals.
//!
//! Months are added first (the last day of a shorter month stands for those it has not), then days, then what is shorter. A
//! `timestamptz` gets its months and days by the calendar and clocks of the session's zone.

use heliosdb_storage::value::{Days, Interval, Micros, Value};
use jiff::tz::TimeZone;

use super::super::{ScalarFunction, bad_arguments};
use super::{D, I, IV, TIME, TIME_TZ, TS, Z};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::EvalContext;
use crate::types::cast::out_of_range;
use crate::types::datetime::{
    DAY, SECOND, checked_days, checked_micros, civil, date_out_of_range, date_to_timestamp, is_infinite_date,
    is_infinite_timestamp, local_to_utc, timestamp_out_of_range, utc_to_local,
};

pub(in crate::functions) static OPERATORS: &[ScalarFunction] = &[
    ScalarFunction::new("+", &[D, I], D, add),
    ScalarFunction::new("+", &[I, D], D, |ctx, args| swapped(ctx, args, add)),
    ScalarFunction::new("-", &[D, I], D, subtract),
    ScalarFunction::new("-", &[D, D], I, difference),
    ScalarFunction::new("+", &[D, IV], TS, add),
    ScalarFunction::new("+", &[IV, D], TS, |ctx, args| swapped(ctx, args, add)),
    ScalarFunction::new("-", &[D, IV], TS, subtract),
    ScalarFunction::new("+", &[TS, IV], TS, add),
    ScalarFunction::new("+", &[IV, TS], TS, |ctx, args| swapped(ctx, args, add)),
    ScalarFunction::new("-", &[TS, IV], TS, subtract),
    ScalarFunction::new("-", &[TS, TS], IV, difference),
    ScalarFunction::new("+", &[Z, IV], Z, add).stable(),
    ScalarFunction::new("+", &[IV, Z], Z, |ctx, args| swapped(ctx, args, add)).stable(),
    ScalarFunction::new("-", &[Z, IV], Z, subtract).stable(),
    ScalarFunction::new("-", &[Z, Z], IV, difference),
    ScalarFunction::new("+", &[TIME, IV], TIME, add),
    ScalarFunction::new("+", &[IV, TIME], TIME, |ctx, args| swapped(ctx, args, add)),
    ScalarFunction::new("-", &[TIME, IV], TIME, subtract),
    ScalarFunction::new("-", &[TIME, TIME], IV, difference),
    ScalarFunction::new("+", &[TIME_TZ, IV], TIME_TZ, add),
    ScalarFunction::new("+", &[IV, TIME_TZ], TIME_TZ, |ctx, args| swapped(ctx, args, add)),
    ScalarFunction::new("-", &[TIME_TZ, IV], TIME_TZ, subtract),
    ScalarFunction::new("+", &[D, TIME], TS, add),
    ScalarFunction::new("+", &[TIME, D], TS, |ctx, args| swapped(ctx, args, add)),
    ScalarFunction::new("+", &[D, TIME_TZ], Z, add),
    ScalarFunction::new("+", &[TIME_TZ, D], Z, |ctx, args| swapped(ctx, args, add)),
];

type Operation = fn(&EvalContext<'_>, &[Value]) -> Result<Value>;

fn swapped(ctx: &EvalContext<'_>, args: &[Value], operation: Operation) -> Result<Value> {
    match args {
        [a, b] => operation(ctx, &[b.clone(), a.clone()]),
        _ => Err(bad_arguments("+", args)),
    }
}

fn add(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    Ok(match args {
        [Value::Date(days), Value::Int4(n)] => return shift(*days, i64::from(*n)),
        [Value::Date(days), Value::Interval(by)] => Value::Timestamp(add_to_timestamp(date_to_timestamp(*days)?, *by)?),
        [Value::Timestamp(micros), Value::Interval(by)] => Value::Timestamp(add_to_timestamp(*micros, *by)?),
        [Value::TimestampTz(micros), Value::Interval(by)] => {
            Value::TimestampTz(add_to_timestamptz(*micros, *by, &ctx.time.zone)?)
        }
        [Value::Time(time), Value::Interval(by)] => Value::Time(time.wrapping_add(by.micros).rem_euclid(DAY)),
        [Value::TimeTz(time, zone), Value::Interval(by)] => {
            Value::TimeTz(time.wrapping_add(by.micros).rem_euclid(DAY), *zone)
        }
        [Value::Date(days), Value::Time(time)] => {
            let midnight = date_to_timestamp(*days)?;
            Value::Timestamp(if is_infinite_timestamp(midnight) { midnight } else { plus(midnight, *time)? })
        }
        [Value::Date(days), Value::TimeTz(time, zone)] => {
            let midnight = date_to_timestamp(*days)?;
            if is_infinite_timestamp(midnight) {
                return Ok(Value::TimestampTz(midnight));
            }
            Value::TimestampTz(plus(plus(midnight, *time)?, -i64::from(*zone) * SECOND)?)
        }
        _ => return Err(bad_arguments("+", args)),
    })
}

fn subtract(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    match args {
        [Value::Date(days), Value::Int4(n)] => shift(*days, -i64::from(*n)),
        [moment, Value::Interval(by)] => add(ctx, &[moment.clone(), Value::Interval(negated(*by)?)]),
        _ => Err(bad_arguments("-", args)),
    }
}

fn difference(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    match args {
        [Value::Date(a), Value::Date(b)] if is_infinite_date(*a) || is_infinite_date(*b) => {
            Err(SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, "cannot subtract infinite dates"))
        }
        [Value::Date(a), Value::Date(b)] => a.checked_sub(*b).map(Value::Int4).ok_or_else(|| out_of_range(I)),
        [Value::Timestamp(a), Value::Timestamp(b)] | [Value::TimestampTz(a), Value::TimestampTz(b)] => {
            if is_infinite_timestamp(*a) || is_infinite_timestamp(*b) {
                let message = "cannot subtract infinite timestamps";
                return Err(SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, message));
            }
            let micros = a.checked_sub(*b).ok_or_else(interval_out_of_range)?;
            let days = i32::try_from(micros / DAY).map_err(|_| interval_out_of_range())?;
            Ok(Value::Interval(Interval { months: 0, days, micros: micros % DAY }))
        }
        [Value::Time(a), Value::Time(b)] => {
            Ok(Value::Interval(Interval { months: 0, days: 0, micros: a.saturating_sub(*b) }))
        }
        _ => Err(bad_arguments("-", args)),
    }
}

fn shift(days: Days, by: i64) -> Result<Value> {
    if is_infinite_date(days) {
        return Ok(Value::Date(days));
    }
    checked_days(i64::from(days).saturating_add(by)).map(Value::Date).ok_or_else(date_out_of_range)
}

fn plus(micros: Micros, by: i64) -> Result<Micros> {
    micros.checked_add(by).and_then(checked_micros).ok_or_else(timestamp_out_of_range)
}

/// The interval with all its parts turned round.
pub fn negated(interval: Interval) -> Result<Interval> {
    let negated = || {
        Some(Interval {
            months: interval.months.checked_neg()?,
            days: interval.days.checked_neg()?,
            micros: interval.micros.checked_neg()?,
        })
    };
    negated().ok_or_else(interval_out_of_range)
}

/// The error for an interval beyond the range.
pub fn interval_out_of_range() -> SqlError {
    SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, "interval out of range")
}

/// A moment of a clock without zone after an interval.
pub fn add_to_timestamp(micros: Micros, by: Interval) -> Result<Micros> {
    if is_infinite_timestamp(micros) {
        return Ok(micros);
    }
    plus(add_calendar(micros, by)?, by.micros)
}

/// A moment after an interval, whose months and days are those of a zone's calendar.
pub fn add_to_timestamptz(micros: Micros, by: Interval, zone: &TimeZone) -> Result<Micros> {
    if is_infinite_timestamp(micros) {
        return Ok(micros);
    }
    if by.months == 0 && by.days == 0 {
        return plus(micros, by.micros);
    }
    let local = add_calendar(utc_to_local(zone, micros), by)?;
    let moved = local_to_utc(zone, local).and_then(checked_micros).ok_or_else(timestamp_out_of_range)?;
    plus(moved, by.micros)
}

/// Adds the months and days.
fn add_calendar(local: Micros, by: Interval) -> Result<Micros> {
    let (mut days, time) = (local.div_euclid(DAY), local.rem_euclid(DAY));
    if by.months != 0 {
        let (year, month, day) = civil::date_of_days(days);
        let months = year * 12 + month - 1 + i64::from(by.months);
        let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
        days = civil::days_of_date(year, month, day.min(civil::days_in_month(year, month)));
    }
    let moved = days.saturating_add(i64::from(by.days)).checked_mul(DAY);
    moved.and_then(|midnight| midnight.checked_add(time)).and_then(checked_micros).ok_or_else(timestamp_out_of_range)
}
