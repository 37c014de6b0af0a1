//! Timestamps and dates moved by intervals: months by the calendar, days by the local clock, the rest by time.

use heliosdb_storage::value::{Interval, Micros};
use jiff::tz::TimeZone;

use super::civil::{date_of_days, days_in_month, days_of_date};
use super::{DAY, checked_micros, is_infinite_timestamp, local_to_utc, timestamp_out_of_range, utc_to_local};
use crate::error::Result;

/// `timestamp + interval`. A day that the month does not have is its last one.
pub fn timestamp_plus(at: Micros, by: Interval) -> Result<Micros> {
    if is_infinite_timestamp(at) {
        return Ok(at);
    }
    let moved = local_plus(at, by).and_then(|local| local.checked_add(by.micros)).and_then(checked_micros);
    moved.ok_or_else(timestamp_out_of_range)
}

/// `timestamptz + interval`: months and days are those of the zone's clocks.
pub fn timestamptz_plus(at: Micros, by: Interval, zone: &TimeZone) -> Result<Micros> {
    if is_infinite_timestamp(at) {
        return Ok(at);
    }
    let moved = if by.months == 0 && by.days == 0 {
        Some(at)
    } else {
        local_plus(utc_to_local(zone, at), by).and_then(|local| local_to_utc(zone, local))
    };
    let moved = moved.and_then(|moved| moved.checked_add(by.micros)).and_then(checked_micros);
    moved.ok_or_else(timestamp_out_of_range)
}

/// The interval the other way; none if it cannot be turned round.
pub fn negated(interval: Interval) -> Option<Interval> {
    Some(Interval {
        months: interval.months.checked_neg()?,
        days: interval.days.checked_neg()?,
        micros: interval.micros.checked_neg()?,
    })
}

/// What a clock shows so many months and days later.
fn local_plus(local: Micros, by: Interval) -> Option<Micros> {
    let (mut days, time) = (local.div_euclid(DAY), local.rem_euclid(DAY));
    if by.months != 0 {
        let (year, month, day) = date_of_days(days);
        let months = year.checked_mul(12)?.checked_add(month - 1)?.checked_add(i64::from(by.months))?;
        let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
        days = days_of_date(year, month, day.min(days_in_month(year, month)));
    }
    days.checked_add(i64::from(by.days))?.checked_mul(DAY)?.checked_add(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::datetime::{HOUR, ValueContext, format_timestamptz, parse_timestamptz};

    fn moved(at: &str, by: Interval, zone: &str) -> String {
        let zone = super::super::time_zone(zone).unwrap();
        let ctx = ValueContext { zone: zone.clone(), ..ValueContext::utc() };
        let at = parse_timestamptz(at, &ctx).unwrap();
        let mut out = String::new();
        format_timestamptz(timestamptz_plus(at, by, &zone).unwrap(), &zone, ctx.styles, &mut out);
        out
    }

    #[test]
    fn months_end_with_their_last_day_and_days_follow_the_clock() {
        let interval = |months, days, micros| Interval { months, days, micros };
        assert_eq!(moved("2024-01-31 10:00", interval(1, 0, 0), "UTC"), "2024-02-29 10:00:00+00");
        assert_eq!(moved("2024-03-31 10:00", interval(-13, 1, 0), "UTC"), "2023-03-01 10:00:00+00");
        // The night of the change has 23 hours.
        assert_eq!(moved("2024-03-30 12:00", interval(0, 1, 0), "Europe/Berlin"), "2024-03-31 12:00:00+02");
        assert_eq!(moved("2024-03-30 12:00", interval(0, 0, 24 * HOUR), "Europe/Berlin"), "2024-03-31 13:00:00+02");
        assert!(timestamp_plus(0, interval(i32::MAX, 0, 0)).is_err());
        assert_eq!(negated(interval(i32::MIN, 0, 0)), None);
    }
}
