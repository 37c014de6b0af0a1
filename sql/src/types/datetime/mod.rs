//! Dates, times and timestamps: calendar, zones, text forms.
//!
//! All count from 2000-01-01, as PostgreSQL does, and reach further than jiff's calendar; so the calendar is our own
//! ([`civil`]) and jiff is asked only for the offset of a zone at a moment.

pub mod civil;
mod format;
mod parse;
mod zone;

use std::time::SystemTime;

use heliosdb_storage::value::{Days, Micros};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

pub use format::{format_date, format_time, format_timestamp, format_timestamptz, format_timetz};
pub use parse::{parse_date, parse_time, parse_timestamp, parse_timestamptz, parse_timetz};
use zone::named_zone;
pub use zone::{offset_name, time_zone, zone_name};

pub use super::context::ValueContext;

use crate::error::{Result, SqlError, SqlState};

/// Microseconds of a second, a minute, an hour and a day.
pub const SECOND: i64 = 1_000_000;
/// See [`SECOND`].
pub const MINUTE: i64 = 60 * SECOND;
/// See [`SECOND`].
pub const HOUR: i64 = 60 * MINUTE;
/// See [`SECOND`].
pub const DAY: i64 = 24 * HOUR;

/// 2000-01-01 UTC in seconds since 1970.
pub const EPOCH_UNIX_SECONDS: i64 = 946_684_800;

/// The first date: Julian day 0, in November 4714 BC.
const MIN_DAYS: i64 = -2_451_545;
/// The first day that is no date any more, in 5874898.
const END_DAYS: i64 = 2_145_031_949;
/// The first timestamp.
const MIN_MICROS: i64 = MIN_DAYS * DAY;
/// The first moment that is no timestamp any more, in 294277.
const END_MICROS: i64 = 9_223_371_331_200_000_000;

/// `-infinity` of `date`.
pub const DATE_MINUS_INFINITY: Days = i32::MIN;
/// `infinity` of `date`.
pub const DATE_INFINITY: Days = i32::MAX;
/// `-infinity` of `timestamptz`.
pub const TIMESTAMP_MINUS_INFINITY: Micros = i64::MIN;
/// `infinity` of `timestamptz`.
pub const TIMESTAMP_INFINITY: Micros = i64::MAX;

/// Days that are within the range of `date`.
pub fn checked_days(days: i64) -> Option<Days> {
    if (MIN_DAYS..END_DAYS).contains(&days) { i32::try_from(days).ok() } else { None }
}

/// Microseconds that are within the range of `timestamptz`.
pub fn checked_micros(micros: i64) -> Option<Micros> {
    (MIN_MICROS..END_MICROS).contains(&micros).then_some(micros)
}

/// Whether a date is one of the infinities.
pub const fn is_infinite_date(days: Days) -> bool {
    days == DATE_INFINITY || days == DATE_MINUS_INFINITY
}

/// Whether a timestamp is one of the infinities.
pub const fn is_infinite_timestamp(micros: Micros) -> bool {
    micros == TIMESTAMP_INFINITY || micros == TIMESTAMP_MINUS_INFINITY
}

/// The error for a date beyond the range that did not come as text.
pub fn date_out_of_range() -> SqlError {
    SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, "date out of range")
}

/// The same for a timestamp.
pub fn timestamp_out_of_range() -> SqlError {
    SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, "timestamp out of range")
}

/// The time by the system's clock. A clock before 1970 is taken for 1970.
pub fn now_micros() -> Micros {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let micros = i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX);
    micros.saturating_sub(EPOCH_UNIX_SECONDS * SECOND)
}

/// Microseconds since 2000-01-01 UTC of a Unix time in milliseconds.
pub fn micros_of_unix_millis(millis: u64) -> Micros {
    i64::try_from(millis).unwrap_or(i64::MAX).saturating_mul(1000).saturating_sub(EPOCH_UNIX_SECONDS * SECOND)
}

/// The offset of a zone at a moment, in seconds east. Beyond jiff's calendar the offset at its end is taken.
pub fn offset_at(zone: &TimeZone, micros: Micros) -> i64 {
    if *zone == TimeZone::UTC {
        return 0;
    }
    i64::from(zone.to_offset(clamped(micros)).seconds())
}

/// What a zone is called at a moment: `CEST`.
pub fn abbreviation_at(zone: &TimeZone, micros: Micros) -> String {
    if *zone == TimeZone::UTC {
        return "UTC".to_owned();
    }
    zone.to_offset_info(clamped(micros)).abbreviation().to_owned()
}

/// A moment, or the end of jiff's calendar that it lies beyond.
fn clamped(micros: Micros) -> Timestamp {
    let unix = micros.saturating_add(EPOCH_UNIX_SECONDS * SECOND);
    // A few days from the ends, where jiff can still tell the local date.
    let (first, last) = (Timestamp::MIN.as_microsecond() + 3 * DAY, Timestamp::MAX.as_microsecond() - 3 * DAY);
    Timestamp::from_microsecond(unix.clamp(first, last)).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// What a zone is called at a moment: `CET` in winter, `CEST` in summer.
pub fn abbreviation(zone: &TimeZone, micros: Micros) -> String {
    let unix = micros.saturating_add(EPOCH_UNIX_SECONDS * SECOND);
    let clamped = unix.clamp(Timestamp::MIN.as_microsecond(), Timestamp::MAX.as_microsecond());
    Timestamp::from_microsecond(clamped)
        .map(|timestamp| zone.to_offset_info(timestamp).abbreviation().to_owned())
        .unwrap_or_default()
}

/// The moment at which a zone's clocks show a time (given as if it were UTC). A time that they skip is read with the
/// offset from before the change; of one that they show twice, the later moment is meant. None beyond the range.
pub fn local_to_utc(zone: &TimeZone, local: i64) -> Option<Micros> {
    if *zone == TimeZone::UTC {
        return Some(local);
    }
    let (day, time) = (local.div_euclid(DAY), local.rem_euclid(DAY));
    let (year, month, dom) = civil::date_of_days(day);
    let civil = || {
        let midnight = DateTime::new(
            i16::try_from(year).ok()?,
            i8::try_from(month).ok()?,
            i8::try_from(dom).ok()?,
            i8::try_from(time / HOUR).ok()?,
            i8::try_from(time % HOUR / MINUTE).ok()?,
            i8::try_from(time % MINUTE / SECOND).ok()?,
            i32::try_from(time % SECOND * 1000).ok()?,
        );
        midnight.ok()
    };
    let seconds = match civil() {
        Some(civil) => match zone.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset.seconds(),
            AmbiguousOffset::Gap { before, .. } => before.seconds(),
            AmbiguousOffset::Fold { after, .. } => after.seconds(),
        }
        .into(),
        None => offset_at(zone, local),
    };
    local.checked_sub(seconds * SECOND)
}

/// What a zone's clocks show at a moment, as if it were UTC.
pub fn utc_to_local(zone: &TimeZone, micros: Micros) -> i64 {
    micros.saturating_add(offset_at(zone, micros) * SECOND)
}

/// Midnight of a date in a zone.
pub fn date_to_timestamptz(days: Days, zone: &TimeZone) -> Result<Micros> {
    match days {
        DATE_INFINITY => return Ok(TIMESTAMP_INFINITY),
        DATE_MINUS_INFINITY => return Ok(TIMESTAMP_MINUS_INFINITY),
        _ => {}
    }
    let error = || SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, "date out of range for timestamp");
    let local = i64::from(days).checked_mul(DAY).ok_or_else(error)?;
    local_to_utc(zone, local).and_then(checked_micros).ok_or_else(error)
}

/// The moment at which a zone's clocks show a timestamp without zone.
pub fn timestamp_to_timestamptz(local: Micros, zone: &TimeZone) -> Result<Micros> {
    if is_infinite_timestamp(local) {
        return Ok(local);
    }
    local_to_utc(zone, local).and_then(checked_micros).ok_or_else(timestamp_out_of_range)
}

/// What a zone's clocks show at a moment, as a timestamp without zone.
pub fn timestamptz_to_timestamp(micros: Micros, zone: &TimeZone) -> Result<Micros> {
    if is_infinite_timestamp(micros) {
        return Ok(micros);
    }
    checked_micros(utc_to_local(zone, micros)).ok_or_else(timestamp_out_of_range)
}

/// Midnight of a date, as a timestamp without zone.
pub fn date_to_timestamp(days: Days) -> Result<Micros> {
    date_to_timestamptz(days, &TimeZone::UTC)
}

/// The date of a timestamp without zone.
pub fn timestamp_to_date(micros: Micros) -> Result<Days> {
    timestamptz_to_date(micros, &TimeZone::UTC)
}

/// The date that a zone's calendars show at a moment.
pub fn timestamptz_to_date(micros: Micros, zone: &TimeZone) -> Result<Days> {
    match micros {
        TIMESTAMP_INFINITY => Ok(DATE_INFINITY),
        TIMESTAMP_MINUS_INFINITY => Ok(DATE_MINUS_INFINITY),
        _ => checked_days(utc_to_local(zone, micros).div_euclid(DAY)).ok_or_else(date_out_of_range),
    }
}

/// Rounds to a number of digits after the seconds' point.
pub fn round_micros(micros: Micros, digits: i32) -> Micros {
    let Some(exponent) = 6i32.checked_sub(digits).and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0) else {
        return micros;
    };
    if is_infinite_timestamp(micros) {
        return micros;
    }
    let unit = 10i64.pow(exponent.min(6));
    // Half away from zero, counted from PostgreSQL's epoch as PostgreSQL does.
    let half = if micros < 0 { -(unit / 2) } else { unit / 2 };
    micros.saturating_add(half) / unit * unit
}

#[cfg(test)]
mod tests;
