//! Dates and timestamps as text, in the four styles of `DateStyle`.
//!
//! | style | date | timestamptz |
//! |---|---|---|
//! | ISO | `2024-07-01` | `2024-07-01 14:00:00+02` |
//! | SQL | `07/01/2024` | `07/01/2024 14:00:00 CEST` |
//! | German | `01.07.2024` | `01.07.2024 14:00:00 CEST` |
//! | Postgres | `07-01-2024` | `Mon Jul 01 14:00:00 2024 CEST` |
//!
//! In the styles SQL and Postgres the day comes before the month if the order is DMY.

use std::fmt::Write as _;

use heliosdb_storage::value::{Days, Micros};
use jiff::tz::TimeZone;

use super::{
    DATE_INFINITY, DATE_MINUS_INFINITY, DAY, HOUR, MINUTE, SECOND, TIMESTAMP_INFINITY, TIMESTAMP_MINUS_INFINITY,
    abbreviation_at, civil, offset_at,
};
use crate::types::context::Styles;
use crate::types::style::{DateOrder, DateStyle};

const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Appends `2024-01-31`, or what the style makes of it.
pub fn format_date(days: Days, styles: Styles, out: &mut String) {
    match days {
        DATE_INFINITY => out.push_str("infinity"),
        DATE_MINUS_INFINITY => out.push_str("-infinity"),
        _ => {
            let date = Date::of(i64::from(days));
            date.push(styles, out);
            date.push_era(out);
        }
    }
}

/// Appends `2024-01-31 10:00:00.5+00`, or what the style makes of it.
pub fn format_timestamptz(micros: Micros, zone: &TimeZone, styles: Styles, out: &mut String) {
    let local = micros.saturating_add(offset_at(zone, micros) * SECOND);
    format_local(micros, local, Some(zone), styles, out);
}

/// Appends `2024-01-31 10:00:00.5`, or what the style makes of it.
pub fn format_timestamp(micros: Micros, styles: Styles, out: &mut String) {
    format_local(micros, micros, None, styles, out);
}

fn format_local(micros: Micros, local: i64, zone: Option<&TimeZone>, styles: Styles, out: &mut String) {
    match micros {
        TIMESTAMP_INFINITY => return out.push_str("infinity"),
        TIMESTAMP_MINUS_INFINITY => return out.push_str("-infinity"),
        _ => {}
    }
    let days = local.div_euclid(DAY);
    let date = Date::of(days);
    if styles.date == DateStyle::Postgres {
        let weekday = usize::try_from((days + 6).rem_euclid(7)).unwrap_or(0);
        let month = usize::try_from(date.month - 1).unwrap_or(0);
        let (weekday, month) = (WEEKDAYS.get(weekday).unwrap_or(&""), MONTHS.get(month).unwrap_or(&""));
        // Writing to a string cannot fail.
        let _infallible = match styles.date_order {
            DateOrder::Dmy => write!(out, "{weekday} {:02} {month} ", date.day),
            DateOrder::Mdy | DateOrder::Ymd => write!(out, "{weekday} {month} {:02} ", date.day),
        };
        format_time(local.rem_euclid(DAY), out);
        let _infallible = write!(out, " {:04}", date.year);
    } else {
        date.push(styles, out);
        out.push(' ');
        format_time(local.rem_euclid(DAY), out);
    }
    match zone {
        Some(zone) if styles.date == DateStyle::Iso => push_offset(offset_at(zone, micros), out),
        Some(zone) => {
            out.push(' ');
            out.push_str(&abbreviation_at(zone, micros));
        }
        None => {}
    }
    date.push_era(out);
}

/// Appends `10:00:00.5`.
pub fn format_time(time: Micros, out: &mut String) {
    // Writing to a string cannot fail.
    let _infallible = write!(out, "{:02}:{:02}:{:02}", time / HOUR, time % HOUR / MINUTE, time % MINUTE / SECOND);
    let fraction = time % SECOND;
    if fraction > 0 {
        let digits = format!("{fraction:06}");
        out.push('.');
        out.push_str(digits.trim_end_matches('0'));
    }
}

/// Appends `10:00:00.5+00`.
pub fn format_timetz(time: Micros, seconds_east: i32, out: &mut String) {
    format_time(time, out);
    push_offset(i64::from(seconds_east), out);
}

/// A date as it is written.
struct Date {
    year: i64,
    month: i64,
    day: i64,
    is_bc: bool,
}

impl Date {
    fn of(days: i64) -> Self {
        let (year, month, day) = civil::date_of_days(days);
        let is_bc = year <= 0;
        Self { year: if is_bc { 1 - year } else { year }, month, day, is_bc }
    }

    fn push(&self, styles: Styles, out: &mut String) {
        let Self { year, month, day, .. } = self;
        let (first, second) = if styles.date_order == DateOrder::Dmy { (day, month) } else { (month, day) };
        let _infallible = match styles.date {
            DateStyle::Iso => write!(out, "{year:04}-{month:02}-{day:02}"),
            DateStyle::Sql => write!(out, "{first:02}/{second:02}/{year:04}"),
            DateStyle::Postgres => write!(out, "{first:02}-{second:02}-{year:04}"),
            DateStyle::German => write!(out, "{day:02}.{month:02}.{year:04}"),
        };
    }

    fn push_era(&self, out: &mut String) {
        if self.is_bc {
            out.push_str(" BC");
        }
    }
}

fn push_offset(seconds: i64, out: &mut String) {
    out.push(if seconds < 0 { '-' } else { '+' });
    let magnitude = seconds.abs();
    let (minutes, rest) = (magnitude / 60 % 60, magnitude % 60);
    let _infallible = write!(out, "{:02}", magnitude / 3600);
    if minutes != 0 || rest != 0 {
        let _infallible = write!(out, ":{minutes:02}");
    }
    if rest != 0 {
        let _infallible = write!(out, ":{rest:02}");
    }
}
