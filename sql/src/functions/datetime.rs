//! Functions of `date` and `timestamptz`.

use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::BigInt;
use heliosdb_storage::value::{DataType, Micros, Numeric, Value};

use super::{ScalarFunction, bad_arguments};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::EvalContext;
use crate::types::ValueContext;
use crate::types::cast::{cast, out_of_range};
use crate::types::datetime::{
    DAY, EPOCH_UNIX_SECONDS, HOUR, MINUTE, SECOND, checked_days, checked_micros, civil, date_out_of_range,
    is_infinite_date, is_infinite_timestamp, local_to_utc, now_micros, offset_at, timestamp_out_of_range,
    timestamptz_to_date, utc_to_local,
};

const D: DataType = DataType::Date;
const Z: DataType = DataType::TimestampTz;
const T: DataType = DataType::Text;
const I: DataType = DataType::Int4;

pub(super) static OPERATORS: &[ScalarFunction] = &[
    ScalarFunction::new("+", &[D, I], D, |_, args| match args {
        [Value::Date(days), Value::Int4(n)] => shift(*days, i64::from(*n)),
        _ => Err(bad_arguments("+", args)),
    }),
    ScalarFunction::new("+", &[I, D], D, |_, args| match args {
        [Value::Int4(n), Value::Date(days)] => shift(*days, i64::from(*n)),
        _ => Err(bad_arguments("+", args)),
    }),
    ScalarFunction::new("-", &[D, I], D, |_, args| match args {
        [Value::Date(days), Value::Int4(n)] => shift(*days, -i64::from(*n)),
        _ => Err(bad_arguments("-", args)),
    }),
    ScalarFunction::new("-", &[D, D], I, difference),
];

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction::new("now", &[], Z, |ctx, _| Ok(Value::TimestampTz(ctx.time.transaction_start))).stable(),
    ScalarFunction::new("current_timestamp", &[], Z, |ctx, _| Ok(Value::TimestampTz(ctx.time.transaction_start)))
        .stable(),
    ScalarFunction::new("transaction_timestamp", &[], Z, |ctx, _| Ok(Value::TimestampTz(ctx.time.transaction_start)))
        .stable(),
    ScalarFunction::new("statement_timestamp", &[], Z, |ctx, _| Ok(Value::TimestampTz(ctx.time.statement_start)))
        .stable(),
    ScalarFunction::new("clock_timestamp", &[], Z, clock_timestamp).volatile(),
    ScalarFunction::new("current_date", &[], D, |ctx, _| {
        timestamptz_to_date(ctx.time.transaction_start, &ctx.time.zone).map(Value::Date)
    })
    .stable(),
    ScalarFunction::new("date_trunc", &[T, Z], Z, date_trunc).stable(),
    ScalarFunction::new("extract", &[T, D], DataType::Numeric, |ctx, args| extract(ctx, args, true)),
    ScalarFunction::new("extract", &[T, Z], DataType::Numeric, |ctx, args| extract(ctx, args, false)).stable(),
    ScalarFunction::new("date_part", &[T, D], DataType::Float8, |ctx, args| to_float(extract(ctx, args, true)?)),
    ScalarFunction::new("date_part", &[T, Z], DataType::Float8, |ctx, args| to_float(extract(ctx, args, false)?))
        .stable(),
    ScalarFunction::new("isfinite", &[D], DataType::Bool, is_finite),
    ScalarFunction::new("isfinite", &[Z], DataType::Bool, is_finite),
    ScalarFunction::new("make_date", &[I, I, I], D, make_date),
    ScalarFunction::new("to_timestamp", &[DataType::Float8], Z, to_timestamp),
];

fn shift(days: i32, by: i64) -> Result<Value> {
    if is_infinite_date(days) {
        return Ok(Value::Date(days));
    }
    checked_days(i64::from(days) + by).map(Value::Date).ok_or_else(date_out_of_range)
}

fn difference(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    match args {
        [Value::Date(a), Value::Date(b)] if is_infinite_date(*a) || is_infinite_date(*b) => {
            Err(SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, "cannot subtract infinite dates"))
        }
        [Value::Date(a), Value::Date(b)] => a.checked_sub(*b).map(Value::Int4).ok_or_else(|| out_of_range(I)),
        _ => Err(bad_arguments("-", args)),
    }
}

fn clock_timestamp(_: &EvalContext<'_>, _: &[Value]) -> Result<Value> {
    Ok(Value::TimestampTz(now_micros()))
}

fn is_finite(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    match args {
        [Value::Date(days)] => Ok(Value::Bool(!is_infinite_date(*days))),
        [Value::TimestampTz(micros)] => Ok(Value::Bool(!is_infinite_timestamp(*micros))),
        _ => Err(bad_arguments("isfinite", args)),
    }
}

fn make_date(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Int4(year), Value::Int4(month), Value::Int4(day)] = args else {
        return Err(bad_arguments("make_date", args));
    };
    let (year, month, day) = (i64::from(*year), i64::from(*month), i64::from(*day));
    // A negative year is one before Christ.
    let civil_year = if year < 0 { year + 1 } else { year };
    let is_valid =
        year != 0 && (1..=12).contains(&month) && (1..=civil::days_in_month(civil_year, month)).contains(&day);
    if !is_valid {
        return Err(SqlError::new(
            SqlState::DATETIME_FIELD_OVERFLOW,
            format!("date field value out of range: {year}-{month:02}-{day:02}"),
        ));
    }
    checked_days(civil::days_of_date(civil_year, month, day)).map(Value::Date).ok_or_else(|| {
        SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("date out of range: {year}-{month:02}-{day:02}"))
    })
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

/// A field's name as PostgreSQL's messages show it.
fn field_error(field: &str, data_type: DataType, is_known: bool) -> SqlError {
    let type_name = crate::types::name(data_type, -1);
    if is_known {
        SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, format!("unit \"{field}\" not supported for type {type_name}"))
    } else {
        SqlError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("unit \"{field}\" not recognized for type {type_name}"),
        )
    }
}

/// The singular of a unit's name.
fn unit(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    match lower.as_str() {
        "century" | "centuries" | "c" | "cent" => "century",
        "millennium" | "millennia" | "mil" | "mils" => "millennium",
        "decade" | "decades" | "dec" | "decs" => "decade",
        "year" | "years" | "y" | "yr" | "yrs" => "year",
        "quarter" | "qtr" => "quarter",
        "month" | "months" | "mon" | "mons" => "month",
        "week" | "weeks" | "w" => "week",
        "day" | "days" | "d" => "day",
        "hour" | "hours" | "h" | "hr" | "hrs" => "hour",
        "minute" | "minutes" | "m" | "min" | "mins" => "minute",
        "second" | "seconds" | "s" | "sec" | "secs" => "second",
        "millisecond" | "milliseconds" | "ms" | "msec" | "msecs" => "millisecond",
        "microsecond" | "microseconds" | "us" | "usec" | "usecs" => "microsecond",
        other => return other.to_owned(),
    }
    .to_owned()
}

fn date_trunc(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Text(field), Value::TimestampTz(micros)] = args else {
        return Err(bad_arguments("date_trunc", args));
    };
    let zone = &ctx.time.zone;
    let unit = unit(field);
    let local = if is_infinite_timestamp(*micros) { 0 } else { utc_to_local(zone, *micros) };
    let days = local.div_euclid(DAY);
    let (year, month, _) = civil::date_of_days(days);
    let first_of = |length: i64| {
        if year > 0 { (year - 1) / length * length + 1 } else { -((length - 1 - (year - 1)) / length) * length + 1 }
    };
    let day = match unit.as_str() {
        "millennium" => civil::days_of_date(first_of(1000), 1, 1),
        "century" => civil::days_of_date(first_of(100), 1, 1),
        "decade" => civil::days_of_date(year.div_euclid(10) * 10, 1, 1),
        "year" => civil::days_of_date(year, 1, 1),
        "quarter" => civil::days_of_date(year, (month - 1) / 3 * 3 + 1, 1),
        "month" => civil::days_of_date(year, month, 1),
        "week" => days - (civil::day_of_week(days) + 6) % 7,
        "day" => days,
        _ => {
            // Shorter units than a day keep the offset, so that an hour shown twice stays the one it is.
            let length = match unit.as_str() {
                "hour" => HOUR,
                "minute" => MINUTE,
                "second" => SECOND,
                "millisecond" => 1000,
                "microsecond" => 1,
                _ => return Err(field_error(field, Z, is_zone_unit(&unit))),
            };
            if is_infinite_timestamp(*micros) {
                return Ok(Value::TimestampTz(*micros));
            }
            return Ok(Value::TimestampTz(micros - local.rem_euclid(length)));
        }
    };
    if is_infinite_timestamp(*micros) {
        return Ok(Value::TimestampTz(*micros));
    }
    day.checked_mul(DAY)
        .and_then(|local| local_to_utc(zone, local))
        .and_then(checked_micros)
        .map(Value::TimestampTz)
        .ok_or_else(timestamp_out_of_range)
}

/// Units that PostgreSQL knows there, but cannot truncate to.
fn is_zone_unit(unit: &str) -> bool {
    matches!(unit, "timezone" | "timezone_hour" | "timezone_minute")
}

/// A number with so many digits after the point.
fn number(integer: i64, scale: i64) -> Value {
    Value::Numeric(Box::new(Numeric::Finite(BigDecimal::new(BigInt::from(integer), scale))))
}

fn to_float(value: Value) -> Result<Value> {
    let to = heliosdb_storage::value::ColumnType { data_type: DataType::Float8, typmod: -1 };
    cast(value, DataType::Numeric, to, true, &ValueContext::utc())
}

fn extract(ctx: &EvalContext<'_>, args: &[Value], is_date: bool) -> Result<Value> {
    let zone = &ctx.time.zone;
    let (field, local, offset) = match args {
        [Value::Text(_), Value::Date(days)] if is_infinite_date(*days) => return infinite(args),
        [Value::Text(_), Value::TimestampTz(micros)] if is_infinite_timestamp(*micros) => return infinite(args),
        [Value::Text(field), Value::Date(days)] => (field, i64::from(*days), 0),
        [Value::Text(field), Value::TimestampTz(micros)] => {
            (field, utc_to_local(zone, *micros), offset_at(zone, *micros))
        }
        _ => return Err(bad_arguments("extract", args)),
    };
    let unit = unit(field);
    let (days, time) = if is_date { (local, 0) } else { (local.div_euclid(DAY), local.rem_euclid(DAY)) };
    if let Some(n) = date_field(&unit, days) {
        return Ok(number(n, 0));
    }
    if unit == "epoch" {
        let seconds_of_day = days * 86_400 + EPOCH_UNIX_SECONDS;
        if is_date {
            return Ok(number(seconds_of_day, 0));
        }
        let whole = BigInt::from(seconds_of_day - offset) * SECOND + time;
        return Ok(Value::Numeric(Box::new(Numeric::Finite(BigDecimal::new(whole, 6)))));
    }
    let is_time_field = matches!(
        unit.as_str(),
        "hour" | "minute" | "second" | "millisecond" | "microsecond" | "timezone" | "timezone_hour" | "timezone_minute"
    );
    if is_date || !is_time_field {
        let data_type = if is_date { D } else { Z };
        return Err(field_error(field, data_type, is_time_field));
    }
    Ok(match unit.as_str() {
        "hour" => number(time / HOUR, 0),
        "minute" => number(time % HOUR / MINUTE, 0),
        "second" => number(time % MINUTE, 6),
        "millisecond" => number(time % MINUTE, 3),
        "microsecond" => number(time % MINUTE, 0),
        "timezone" => number(offset, 0),
        "timezone_hour" => number(offset / 3600, 0),
        _ => number(offset % 3600 / 60, 0),
    })
}

/// Fields of the date alone.
fn date_field(unit: &str, days: i64) -> Option<i64> {
    let (year, month, day) = civil::date_of_days(days);
    // Written years have no 0: 1 BC is -1.
    let written = if year > 0 { year } else { year - 1 };
    let period =
        |length: i64| if written > 0 { (written + length - 1) / length } else { -((length - 1 - written) / length) };
    Some(match unit {
        "millennium" => period(1000),
        "century" => period(100),
        "decade" => year.div_euclid(10),
        "year" => written,
        "quarter" => (month - 1) / 3 + 1,
        "month" => month,
        "week" => civil::iso_week(days).1,
        "day" => day,
        "dow" => civil::day_of_week(days),
        "isodow" => (civil::day_of_week(days) + 6) % 7 + 1,
        "doy" => civil::day_of_year(days),
        "isoyear" => {
            let iso = civil::iso_week(days).0;
            if iso > 0 { iso } else { iso - 1 }
        }
        _ => return None,
    })
}

/// Of an infinity only what grows without end would have a value, and NUMERIC has no infinity here.
fn infinite(args: &[Value]) -> Result<Value> {
    let [Value::Text(field), _] = args else { return Err(bad_arguments("extract", args)) };
    match unit(field).as_str() {
        "year" | "decade" | "century" | "millennium" | "isoyear" | "epoch" | "julian" => {
            Err(SqlError::unsupported("numeric infinity"))
        }
        _ => Ok(Value::Null),
    }
}
