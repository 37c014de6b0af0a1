//! Arithmetic of intervals, `age`, `date_bin` and the functions that carry over between their parts.

use heliosdb_storage::value::{DataType, Interval, Micros, Value};

use super::super::{ScalarFunction, bad_arguments};
use super::arithmetic::{interval_out_of_range, negated};
use super::{F, IV, TS, Z};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::EvalContext;
use crate::types::datetime::{DAY, checked_micros, civil, is_infinite_timestamp, timestamp_out_of_range, utc_to_local};

const SECONDS_PER_DAY: f64 = 86_400.0;
const DAYS_PER_MONTH: i32 = 30;

pub(in crate::functions) static OPERATORS: &[ScalarFunction] = &[
    ScalarFunction::new("+", &[IV, IV], IV, |_, args| match args {
        [Value::Interval(a), Value::Interval(b)] => sum(*a, *b).map(Value::Interval),
        _ => Err(bad_arguments("+", args)),
    }),
    ScalarFunction::new("-", &[IV, IV], IV, |_, args| match args {
        [Value::Interval(a), Value::Interval(b)] => sum(*a, negated(*b)?).map(Value::Interval),
        _ => Err(bad_arguments("-", args)),
    }),
    ScalarFunction::new("-", &[IV], IV, |_, args| match args {
        [Value::Interval(a)] => negated(*a).map(Value::Interval),
        _ => Err(bad_arguments("-", args)),
    }),
    ScalarFunction::new("*", &[IV, F], IV, |_, args| match args {
        [Value::Interval(a), Value::Float8(by)] => scaled(*a, |part| part * by).map(Value::Interval),
        _ => Err(bad_arguments("*", args)),
    }),
    ScalarFunction::new("*", &[F, IV], IV, |_, args| match args {
        [Value::Float8(by), Value::Interval(a)] => scaled(*a, |part| part * by).map(Value::Interval),
        _ => Err(bad_arguments("*", args)),
    }),
    ScalarFunction::new("/", &[IV, F], IV, |_, args| match args {
        [Value::Interval(_), Value::Float8(0.0)] => Err(SqlError::new(SqlState::DIVISION_BY_ZERO, "division by zero")),
        [Value::Interval(a), Value::Float8(by)] => scaled(*a, |part| part / by).map(Value::Interval),
        _ => Err(bad_arguments("/", args)),
    }),
];

pub(in crate::functions) static FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction::new("age", &[TS, TS], IV, age),
    ScalarFunction::new("age", &[Z, Z], IV, age).stable(),
    ScalarFunction::new("age", &[TS], IV, age_today).stable(),
    ScalarFunction::new("age", &[Z], IV, age_today).stable(),
    ScalarFunction::new("justify_hours", &[IV], IV, |_, args| justified(args, justify_hours)),
    ScalarFunction::new("justify_days", &[IV], IV, |_, args| justified(args, justify_days)),
    ScalarFunction::new("justify_interval", &[IV], IV, |_, args| justified(args, justify_interval)),
    ScalarFunction::new("date_bin", &[IV, TS, TS], TS, date_bin),
    ScalarFunction::new("date_bin", &[IV, Z, Z], Z, date_bin),
    ScalarFunction::new("isfinite", &[IV], DataType::Bool, |_, _| Ok(Value::Bool(true))),
];

/// The sum of two intervals, part by part.
pub fn sum(a: Interval, b: Interval) -> Result<Interval> {
    let sum = || {
        Some(Interval {
            months: a.months.checked_add(b.months)?,
            days: a.days.checked_add(b.days)?,
            micros: a.micros.checked_add(b.micros)?,
        })
    };
    sum().ok_or_else(interval_out_of_range)
}

/// To the microsecond, so that what floating point adds does not show.
fn to_micros(x: f64) -> f64 {
    (x * 1e6).round_ties_even() / 1e6
}

fn whole(x: f64) -> Result<i32> {
    if x.is_nan() || x < f64::from(i32::MIN) || x > f64::from(i32::MAX) {
        return Err(interval_out_of_range());
    }
    #[allow(clippy::cast_possible_truncation, reason = "checked above")]
    Ok(x as i32)
}

/// Multiplies every part; the fraction of a month becomes days, the fraction of a day time.
pub fn scaled(interval: Interval, scale: impl Fn(f64) -> f64) -> Result<Interval> {
    let (exact_months, exact_days) = (scale(f64::from(interval.months)), scale(f64::from(interval.days)));
    let (months, mut days) = (whole(exact_months)?, whole(exact_days)?);
    let days_of_months = to_micros((exact_months - f64::from(months)) * f64::from(DAYS_PER_MONTH));
    let more_days = whole(days_of_months)?;
    let fraction = exact_days - f64::from(days) + days_of_months - f64::from(more_days);
    let mut seconds = to_micros(fraction * SECONDS_PER_DAY);
    if seconds.abs() >= SECONDS_PER_DAY {
        let carried = whole(seconds / SECONDS_PER_DAY)?;
        days = days.checked_add(carried).ok_or_else(interval_out_of_range)?;
        seconds -= f64::from(carried) * SECONDS_PER_DAY;
    }
    days = days.checked_add(more_days).ok_or_else(interval_out_of_range)?;
    #[allow(clippy::cast_precision_loss, reason = "as PostgreSQL computes it")]
    let micros = (scale(interval.micros as f64) + seconds * 1e6).round_ties_even();
    if micros.is_nan() || micros.abs() >= 9_223_372_036_854_775_807.0 {
        return Err(interval_out_of_range());
    }
    #[allow(clippy::cast_possible_truncation, reason = "checked above")]
    Ok(Interval { months, days, micros: micros as i64 })
}

fn justified(args: &[Value], justify: fn(Interval) -> Option<Interval>) -> Result<Value> {
    match args {
        [Value::Interval(a)] => justify(*a).map(Value::Interval).ok_or_else(interval_out_of_range),
        _ => Err(bad_arguments("justify", args)),
    }
}

fn justify_hours(a: Interval) -> Option<Interval> {
    let mut days = a.days.checked_add(i32::try_from(a.micros / DAY).ok()?)?;
    let mut micros = a.micros % DAY;
    if days > 0 && micros < 0 {
        micros += DAY;
        days -= 1;
    } else if days < 0 && micros > 0 {
        micros -= DAY;
        days += 1;
    }
    Some(Interval { months: a.months, days, micros })
}

fn justify_days(a: Interval) -> Option<Interval> {
    let mut months = a.months.checked_add(a.days / DAYS_PER_MONTH)?;
    let mut days = a.days % DAYS_PER_MONTH;
    if months > 0 && days < 0 {
        days += DAYS_PER_MONTH;
        months -= 1;
    } else if months < 0 && days > 0 {
        days -= DAYS_PER_MONTH;
        months += 1;
    }
    Some(Interval { months, days, micros: a.micros })
}

fn justify_interval(a: Interval) -> Option<Interval> {
    let carried = Interval { months: 0, ..justify_hours(Interval { months: 0, ..a })? };
    let mut months = a.months.checked_add(carried.days / DAYS_PER_MONTH)?;
    let (mut days, mut micros) = (carried.days % DAYS_PER_MONTH, carried.micros);
    if months > 0 && (days < 0 || (days == 0 && micros < 0)) {
        days += DAYS_PER_MONTH;
        months -= 1;
    } else if months < 0 && (days > 0 || (days == 0 && micros > 0)) {
        days -= DAYS_PER_MONTH;
        months += 1;
    }
    if days > 0 && micros < 0 {
        micros += DAY;
        days -= 1;
    } else if days < 0 && micros > 0 {
        micros -= DAY;
        days += 1;
    }
    Some(Interval { months, days, micros })
}

fn age_today(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let today = utc_to_local(&ctx.time.zone, ctx.time.transaction_start).div_euclid(DAY) * DAY;
    match args {
        [Value::Timestamp(then)] => symbolic_difference(today, *then).map(Value::Interval),
        [Value::TimestampTz(then)] => {
            symbolic_difference(today, utc_to_local(&ctx.time.zone, *then)).map(Value::Interval)
        }
        _ => Err(bad_arguments("age", args)),
    }
}

fn age(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    match args {
        [Value::Timestamp(a), Value::Timestamp(b)] => symbolic_difference(*a, *b).map(Value::Interval),
        [Value::TimestampTz(a), Value::TimestampTz(b)] => {
            let zone = &ctx.time.zone;
            symbolic_difference(utc_to_local(zone, *a), utc_to_local(zone, *b)).map(Value::Interval)
        }
        _ => Err(bad_arguments("age", args)),
    }
}

/// The difference in years, months and days as people count them, from the earlier date on.
fn symbolic_difference(a: Micros, b: Micros) -> Result<Interval> {
    if is_infinite_timestamp(a) || is_infinite_timestamp(b) {
        return Err(SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, "timestamp out of range"));
    }
    let (late, early) = if a < b { (b, a) } else { (a, b) };
    let date = |micros: Micros| civil::date_of_days(micros.div_euclid(DAY));
    let ((late_year, late_month, late_day), (early_year, early_month, early_day)) = (date(late), date(early));
    let mut months = (late_year - early_year) * 12 + late_month - early_month;
    let mut days = late_day - early_day;
    let mut micros = late.rem_euclid(DAY) - early.rem_euclid(DAY);
    if micros < 0 {
        micros += DAY;
        days -= 1;
    }
    if days < 0 {
        // The month that is counted from lends its days.
        days += civil::days_in_month(early_year, early_month);
        months -= 1;
    }
    let part = |n: i64| i32::try_from(n).map_err(|_| interval_out_of_range());
    let interval = Interval { months: part(months)?, days: part(days)?, micros };
    if a < b { negated(interval) } else { Ok(interval) }
}

fn date_bin(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let (stride, moment, origin, make): (_, _, _, fn(Micros) -> Value) = match args {
        [Value::Interval(stride), Value::Timestamp(m), Value::Timestamp(o)] => (stride, *m, *o, Value::Timestamp),
        [Value::Interval(stride), Value::TimestampTz(m), Value::TimestampTz(o)] => (stride, *m, *o, Value::TimestampTz),
        _ => return Err(bad_arguments("date_bin", args)),
    };
    if is_infinite_timestamp(moment) {
        return Ok(make(moment));
    }
    if is_infinite_timestamp(origin) {
        return Err(SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, "origin out of range"));
    }
    if stride.months != 0 {
        let message = "timestamps cannot be binned into intervals containing months or years";
        return Err(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, message));
    }
    let length = i64::from(stride.days).checked_mul(DAY).and_then(|days| days.checked_add(stride.micros));
    let length = length.ok_or_else(interval_out_of_range)?;
    if length <= 0 {
        return Err(SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, "stride must be greater than zero"));
    }
    let distance = moment.checked_sub(origin).ok_or_else(interval_out_of_range)?;
    let start = origin.checked_add(distance.div_euclid(length) * length);
    start.and_then(checked_micros).map(make).ok_or_else(timestamp_out_of_range)
}
