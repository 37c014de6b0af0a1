//! Fields of dates, times and intervals: `extract`, `date_part`, `date_trunc`.

use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::BigInt;
use heliosdb_storage::value::{ColumnType, DataType, Interval, Micros, Numeric, Value};
use jiff::tz::TimeZone;

use super::super::{ScalarFunction, bad_arguments};
use super::{D, IV, T, TIME, TIME_TZ, TS, Z, zone};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::EvalContext;
use crate::types::ValueContext;
use crate::types::cast::cast;
use crate::types::datetime::{
    DAY, EPOCH_UNIX_SECONDS, HOUR, MINUTE, SECOND, checked_micros, civil, is_infinite_date, is_infinite_timestamp,
    local_to_utc, offset_at, timestamp_out_of_range, utc_to_local,
};
use crate::types::numeric::divide_half_up;

/// The Julian day of 2000-01-01.
const JULIAN_2000: i64 = 2_451_545;

/// `extract`, and `date_part`, which gives the same as a double.
macro_rules! extracts {
    ($($data_type:ident),*) => {
        &[$(
            ScalarFunction::new("extract", &[T, $data_type], DataType::Numeric, extract).stable(),
            ScalarFunction::new("date_part", &[T, $data_type], DataType::Float8, |ctx, args| {
                to_float(extract(ctx, args)?)
            })
            .stable(),
        )*
            ScalarFunction::new("date_trunc", &[T, Z], Z, date_trunc).stable(),
            ScalarFunction::new("date_trunc", &[T, Z, T], Z, date_trunc).stable(),
            ScalarFunction::new("date_trunc", &[T, TS], TS, date_trunc),
            ScalarFunction::new("date_trunc", &[T, IV], IV, date_trunc),
            ScalarFunction::new("isfinite", &[D], DataType::Bool, is_finite),
            ScalarFunction::new("isfinite", &[TS], DataType::Bool, is_finite),
            ScalarFunction::new("isfinite", &[Z], DataType::Bool, is_finite),
        ]
    };
}

pub(in crate::functions) static FUNCTIONS: &[ScalarFunction] = extracts![D, TS, Z, TIME, TIME_TZ, IV];

fn is_finite(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    match args {
        [Value::Date(days)] => Ok(Value::Bool(!is_infinite_date(*days))),
        [Value::Timestamp(micros) | Value::TimestampTz(micros)] => Ok(Value::Bool(!is_infinite_timestamp(*micros))),
        _ => Err(bad_arguments("isfinite", args)),
    }
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
    match args {
        [Value::Text(field), Value::TimestampTz(micros)] => {
            trunc_moment(field, *micros, Some(&ctx.time.zone)).map(Value::TimestampTz)
        }
        [Value::Text(field), Value::TimestampTz(micros), Value::Text(name)] => {
            trunc_moment(field, *micros, Some(&zone::named(name)?)).map(Value::TimestampTz)
        }
        [Value::Text(field), Value::Timestamp(micros)] => trunc_moment(field, *micros, None).map(Value::Timestamp),
        [Value::Text(field), Value::Interval(interval)] => trunc_interval(field, *interval).map(Value::Interval),
        _ => Err(bad_arguments("date_trunc", args)),
    }
}

fn trunc_moment(field: &str, micros: Micros, zone: Option<&TimeZone>) -> Result<Micros> {
    let unit = unit(field);
    let local = match zone {
        _ if is_infinite_timestamp(micros) => 0,
        Some(zone) => utc_to_local(zone, micros),
        None => micros,
    };
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
            let data_type = if zone.is_some() { Z } else { TS };
            let length = short_unit(&unit).ok_or_else(|| field_error(field, data_type, is_known_unit(&unit)))?;
            return Ok(if is_infinite_timestamp(micros) { micros } else { micros - local.rem_euclid(length) });
        }
    };
    if is_infinite_timestamp(micros) {
        return Ok(micros);
    }
    let midnight = day.checked_mul(DAY);
    let moment = midnight.and_then(|local| zone.map_or(Some(local), |zone| local_to_utc(zone, local)));
    moment.and_then(checked_micros).ok_or_else(timestamp_out_of_range)
}

/// The length of a unit that is shorter than a day.
fn short_unit(unit: &str) -> Option<i64> {
    Some(match unit {
        "hour" => HOUR,
        "minute" => MINUTE,
        "second" => SECOND,
        "millisecond" => 1000,
        "microsecond" => 1,
        _ => return None,
    })
}

fn trunc_interval(field: &str, interval: Interval) -> Result<Interval> {
    let Interval { months, days, micros } = interval;
    let unit = unit(field);
    let whole = |length: i32| Interval { months: months / length * length, days: 0, micros: 0 };
    Ok(match unit.as_str() {
        "millennium" => whole(12_000),
        "century" => whole(1200),
        "decade" => whole(120),
        "year" => whole(12),
        "quarter" => whole(3),
        "month" => whole(1),
        "day" => Interval { months, days, micros: 0 },
        _ => {
            let length = short_unit(&unit).ok_or_else(|| {
                let error = field_error(field, IV, is_known_unit(&unit));
                if unit == "week" {
                    return error.with_detail("Months usually have fractional weeks.");
                }
                error
            })?;
            Interval { months, days, micros: micros / length * length }
        }
    })
}

/// Units that PostgreSQL knows, but not for every type and function.
fn is_known_unit(unit: &str) -> bool {
    short_unit(unit).is_some()
        || matches!(
            unit,
            "timezone"
                | "timezone_hour"
                | "timezone_minute"
                | "millennium"
                | "century"
                | "decade"
                | "year"
                | "quarter"
                | "month"
                | "week"
                | "day"
                | "dow"
                | "isodow"
                | "doy"
                | "isoyear"
                | "julian"
                | "epoch"
        )
}

/// A number with so many digits after the point.
fn number(integer: i64, scale: i64) -> Value {
    Value::Numeric(Box::new(Numeric::Finite(BigDecimal::new(BigInt::from(integer), scale))))
}

fn to_float(value: Value) -> Result<Value> {
    let to = ColumnType { data_type: DataType::Float8, typmod: -1 };
    cast(value, DataType::Numeric, to, true, &ValueContext::utc())
}

fn extract(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Text(field), source] = args else { return Err(bad_arguments("extract", args)) };
    let unit = unit(field);
    let (data_type, value) = match source {
        Value::Date(days) if is_infinite_date(*days) => return infinite(field, D),
        Value::Timestamp(micros) if is_infinite_timestamp(*micros) => return infinite(field, TS),
        Value::TimestampTz(micros) if is_infinite_timestamp(*micros) => return infinite(field, Z),
        Value::Date(days) => (D, date_part(&unit, i64::from(*days))),
        Value::Timestamp(micros) => (TS, moment_part(&unit, *micros, None)),
        Value::TimestampTz(micros) => {
            let zone = &ctx.time.zone;
            (Z, moment_part(&unit, utc_to_local(zone, *micros), Some(offset_at(zone, *micros))))
        }
        Value::Time(time) if unit == "epoch" => (TIME, Some(number(*time, 6))),
        Value::Time(time) => (TIME, time_part(&unit, *time)),
        Value::TimeTz(time, east) if unit == "epoch" => (TIME_TZ, Some(number(time - i64::from(*east) * SECOND, 6))),
        Value::TimeTz(time, east) => (TIME_TZ, time_part(&unit, *time).or_else(|| zone_part(&unit, i64::from(*east)))),
        Value::Interval(interval) => (IV, interval_part(&unit, *interval)),
        _ => return Err(bad_arguments("extract", args)),
    };
    value.ok_or_else(|| field_error(field, data_type, is_known_unit(&unit)))
}

fn date_part(unit: &str, days: i64) -> Option<Value> {
    match unit {
        "epoch" => Some(number(days * 86_400 + EPOCH_UNIX_SECONDS, 0)),
        "julian" => Some(number(days + JULIAN_2000, 0)),
        _ => date_field(unit, days).map(|n| number(n, 0)),
    }
}

/// `offset` is that of a moment's zone; a timestamp without zone has none.
fn moment_part(unit: &str, local: i64, offset: Option<i64>) -> Option<Value> {
    let (days, time) = (local.div_euclid(DAY), local.rem_euclid(DAY));
    match unit {
        "epoch" => {
            let seconds = days * 86_400 + EPOCH_UNIX_SECONDS - offset.unwrap_or(0);
            let micros = BigInt::from(seconds) * SECOND + time;
            Some(Value::Numeric(Box::new(Numeric::Finite(BigDecimal::new(micros, 6)))))
        }
        "julian" => {
            let exact = BigInt::from(days + JULIAN_2000) * DAY + time;
            let shifted = exact * BigInt::from(10u8).pow(20);
            let julian = divide_half_up(&shifted, &BigInt::from(DAY));
            Some(Value::Numeric(Box::new(Numeric::Finite(BigDecimal::new(julian, 20)))))
        }
        _ => date_field(unit, days)
            .map(|n| number(n, 0))
            .or_else(|| time_part(unit, time))
            .or_else(|| offset.and_then(|offset| zone_part(unit, offset))),
    }
}

fn time_part(unit: &str, time: i64) -> Option<Value> {
    Some(match unit {
        "hour" => number(time / HOUR, 0),
        "minute" => number(time % HOUR / MINUTE, 0),
        "second" => number(time % MINUTE, 6),
        "millisecond" => number(time % MINUTE, 3),
        "microsecond" => number(time % MINUTE, 0),
        _ => return None,
    })
}

fn zone_part(unit: &str, offset: i64) -> Option<Value> {
    Some(match unit {
        "timezone" => number(offset, 0),
        "timezone_hour" => number(offset / 3600, 0),
        "timezone_minute" => number(offset % 3600 / 60, 0),
        _ => return None,
    })
}

fn interval_part(unit: &str, interval: Interval) -> Option<Value> {
    let months = i64::from(interval.months);
    let years = months / 12;
    Some(match unit {
        "millennium" => number(years / 1000, 0),
        "century" => number(years / 100, 0),
        "decade" => number(years / 10, 0),
        "year" => number(years, 0),
        "quarter" => number(months % 12 / 3 + 1, 0),
        "month" => number(months % 12, 0),
        "day" => number(i64::from(interval.days), 0),
        "epoch" => {
            // A year has 365.25 days here, a month 30.
            let days = BigInt::from(years) * 36_525 + BigInt::from(months % 12 * 30 + i64::from(interval.days)) * 100;
            let micros = days * (DAY / 100) + interval.micros;
            Value::Numeric(Box::new(Numeric::Finite(BigDecimal::new(micros, 6))))
        }
        _ => return time_part(unit, interval.micros),
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
fn infinite(field: &str, data_type: DataType) -> Result<Value> {
    let unit = unit(field);
    match unit.as_str() {
        "year" | "decade" | "century" | "millennium" | "isoyear" | "epoch" | "julian" => {
            Err(SqlError::unsupported("numeric infinity"))
        }
        _ if is_known_unit(&unit) => Ok(Value::Null),
        _ => Err(field_error(field, data_type, false)),
    }
}
