//! Dates and timestamps as text: PostgreSQL's ISO style.

use std::fmt::Write as _;

use heliosdb_storage::value::{Days, Micros};
use jiff::tz::TimeZone;

use super::{
    DATE_INFINITY, DATE_MINUS_INFINITY, DAY, HOUR, MINUTE, SECOND, TIMESTAMP_INFINITY, TIMESTAMP_MINUS_INFINITY, civil,
    offset_at,
};

/// Appends `2024-01-31`.
pub fn format_date(days: Days, out: &mut String) {
    match days {
        DATE_INFINITY => out.push_str("infinity"),
        DATE_MINUS_INFINITY => out.push_str("-infinity"),
        _ => {
            let is_bc = push_date(i64::from(days), out);
            push_era(is_bc, out);
        }
    }
}

/// Appends `2024-01-31 10:00:00.5+00`.
pub fn format_timestamptz(micros: Micros, zone: &TimeZone, out: &mut String) {
    let offset = offset_at(zone, micros);
    format_local(micros, micros.saturating_add(offset * SECOND), Some(offset), out);
}

/// Appends `2024-01-31 10:00:00.5`.
pub fn format_timestamp(micros: Micros, out: &mut String) {
    format_local(micros, micros, None, out);
}

fn format_local(micros: Micros, local: i64, offset: Option<i64>, out: &mut String) {
    match micros {
        TIMESTAMP_INFINITY => return out.push_str("infinity"),
        TIMESTAMP_MINUS_INFINITY => return out.push_str("-infinity"),
        _ => {}
    }
    let is_bc = push_date(local.div_euclid(DAY), out);
    out.push(' ');
    format_time(local.rem_euclid(DAY), out);
    if let Some(offset) = offset {
        push_offset(offset, out);
    }
    push_era(is_bc, out);
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

/// Year, month and day; whether the year is before Christ.
fn push_date(days: i64, out: &mut String) -> bool {
    let (year, month, day) = civil::date_of_days(days);
    let is_bc = year <= 0;
    let shown = if is_bc { 1 - year } else { year };
    let _infallible = write!(out, "{shown:04}-{month:02}-{day:02}");
    is_bc
}

fn push_era(is_bc: bool, out: &mut String) {
    if is_bc {
        out.push_str(" BC");
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
