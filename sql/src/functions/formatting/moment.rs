//! `to_char` of timestamps and intervals.

use heliosdb_storage::value::{Interval, Value};

use super::template::{DAYS, Field, MONTHS, Part, ROMAN, parts};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::EvalContext;
use crate::functions::bad_arguments;
use crate::types::datetime::{
    DAY, HOUR, MINUTE, SECOND, abbreviation, civil, is_infinite_timestamp, offset_at, utc_to_local,
};

/// The Julian day of 2000-01-01.
const JULIAN_2000: i64 = 2_451_545;

/// What fields are printed of.
struct Moment {
    /// Astronomical; of an interval its years.
    year: i64,
    month: i64,
    day: i64,
    /// Days since 2000-01-01.
    days: i64,
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
    is_interval: bool,
    zone: Option<(String, i64)>,
}

pub(super) fn to_char(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [value, Value::Text(template)] = args else { return Err(bad_arguments("to_char", args)) };
    if template.is_empty() {
        return Ok(Value::Null);
    }
    let moment = match value {
        Value::Timestamp(micros) | Value::TimestampTz(micros) if is_infinite_timestamp(*micros) => {
            return Ok(Value::Null);
        }
        Value::Timestamp(micros) => Moment::of_local(*micros, None),
        Value::TimestampTz(micros) => {
            let zone = &ctx.time.zone;
            let offset = offset_at(zone, *micros);
            Moment::of_local(utc_to_local(zone, *micros), Some((abbreviation(zone, *micros), offset)))
        }
        Value::Interval(interval) => Moment::of_interval(*interval),
        _ => return Err(bad_arguments("to_char", args)),
    };
    let mut out = String::new();
    for part in parts(template) {
        match part {
            Part::Text(text) => out.push_str(&text),
            Part::Separator(c) => out.push(c),
            Part::Field { field, fill, ordinal, .. } => {
                let printed = moment.print(field, fill)?;
                out.push_str(&printed);
                if let Some(upper) = ordinal
                    && field.is_number()
                {
                    out.push_str(&ordinal_suffix(&printed, upper));
                }
            }
        }
    }
    Ok(Value::text(out))
}

/// `st`, `nd`, `rd` or `th`.
pub(super) fn ordinal_suffix(number: &str, upper: bool) -> String {
    let digits = number.trim_end();
    let is_teen = digits.len() >= 2 && digits.as_bytes().get(digits.len() - 2) == Some(&b'1');
    let suffix = match digits.bytes().last() {
        Some(b'1') if !is_teen => "st",
        Some(b'2') if !is_teen => "nd",
        Some(b'3') if !is_teen => "rd",
        _ => "th",
    };
    if upper { suffix.to_ascii_uppercase() } else { suffix.to_owned() }
}

impl Moment {
    fn of_local(local: i64, zone: Option<(String, i64)>) -> Self {
        let (days, time) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        let (year, month, day) = civil::date_of_days(days);
        Self {
            year,
            month,
            day,
            days,
            hour: time / HOUR,
            minute: time % HOUR / MINUTE,
            second: time % MINUTE / SECOND,
            micros: time % SECOND,
            is_interval: false,
            zone,
        }
    }

    fn of_interval(interval: Interval) -> Self {
        let time = interval.micros;
        Self {
            year: i64::from(interval.months / 12),
            month: i64::from(interval.months % 12),
            day: i64::from(interval.days),
            days: 0,
            hour: time / HOUR,
            minute: time % HOUR / MINUTE,
            second: time % MINUTE / SECOND,
            micros: time % SECOND,
            is_interval: true,
            zone: None,
        }
    }

    /// The year as it is written: BC counts from 1.
    const fn written_year(&self, year: i64) -> i64 {
        if self.is_interval || year > 0 { year } else { 1 - year }
    }

    fn print(&self, field: Field, fill: bool) -> Result<String> {
        let number = |n: i64, width: usize| {
            if !fill {
                return n.to_string();
            }
            if n < 0 { format!("-{:0width$}", n.unsigned_abs()) } else { format!("{n:0width$}") }
        };
        let not_of_interval = || {
            Err(SqlError::new(SqlState::INVALID_DATETIME_FORMAT, "invalid format specification for an interval value")
                .with_hint("Intervals are not tied to specific calendar dates."))
        };
        let needs_date = matches!(
            field,
            Field::Era { .. }
                | Field::MonthName(_)
                | Field::MonthShort(_)
                | Field::DayName(_)
                | Field::DayShort(_)
                | Field::DayOfWeek
                | Field::IsoDayOfWeek
                | Field::ZoneName { .. }
                | Field::ZoneOffset
                | Field::ZoneHours
                | Field::ZoneMinutes
        );
        if self.is_interval && needs_date {
            return not_of_interval();
        }
        let name = |text: String, width: usize| if fill { format!("{text:<width$}") } else { text };
        let hour12 = if self.hour % 12 == 0 { 12 } else { self.hour % 12 };
        let dow = civil::day_of_week(self.days);
        let indexed = |names: &[&'static str], at: i64| {
            usize::try_from(at).ok().and_then(|at| names.get(at)).copied().unwrap_or("")
        };
        Ok(match field {
            Field::Hour12 => number(hour12, 2),
            Field::Hour24 => number(self.hour, 2),
            Field::Minute => number(self.minute, 2),
            Field::Second => number(self.second, 2),
            Field::Millisecond => number(self.micros / 1000, 3),
            Field::Microsecond => number(self.micros, 6),
            Field::Fraction(digits) => {
                let cut = self.micros.abs() / 10i64.pow(6u32.saturating_sub(digits));
                format!("{cut:0width$}", width = usize::try_from(digits).unwrap_or(6))
            }
            Field::SecondsOfDay => (self.hour * 3600 + self.minute * 60 + self.second).to_string(),
            Field::Meridiem { dots, upper } => {
                let text = match (self.hour % 24 >= 12, dots) {
                    (false, false) => "AM",
                    (false, true) => "A.M.",
                    (true, false) => "PM",
                    (true, true) => "P.M.",
                };
                if upper { text.to_owned() } else { text.to_ascii_lowercase() }
            }
            Field::Era { dots, upper } => {
                let text = match (self.year > 0, dots) {
                    (true, false) => "AD",
                    (true, true) => "A.D.",
                    (false, false) => "BC",
                    (false, true) => "B.C.",
                };
                if upper { text.to_owned() } else { text.to_ascii_lowercase() }
            }
            Field::YearWithComma => {
                let year = self.written_year(self.year);
                format!("{},{:03}", year / 1000, year % 1000)
            }
            Field::Year(digits) => self.year_digits(self.written_year(self.year), digits, fill),
            Field::IsoYear(digits) => {
                let year = if self.is_interval { self.year } else { civil::iso_week(self.days).0 };
                self.year_digits(self.written_year(year), digits, fill)
            }
            Field::MonthName(case) => name(case.of(indexed(&MONTHS, self.month - 1)), 9),
            Field::MonthShort(case) => case.of(indexed(&MONTHS, self.month - 1).get(..3).unwrap_or("")),
            Field::Month => number(self.month, 2),
            Field::DayName(case) => name(case.of(indexed(&DAYS, dow)), 9),
            Field::DayShort(case) => case.of(indexed(&DAYS, dow).get(..3).unwrap_or("")),
            Field::DayOfYear if self.is_interval => number(self.year * 360 + self.month * 30 + self.day, 3),
            Field::DayOfYear => number(civil::day_of_year(self.days), 3),
            Field::IsoDayOfYear => {
                let (_, week) = civil::iso_week(self.days);
                number((week - 1) * 7 + (dow + 6) % 7 + 1, 3)
            }
            Field::Day => number(self.day, 2),
            Field::DayOfWeek => number(dow + 1, 1),
            Field::IsoDayOfWeek => number((dow + 6) % 7 + 1, 1),
            Field::WeekOfMonth => number((self.day - 1) / 7 + 1, 1),
            Field::Week => number((civil::day_of_year(self.days) - 1) / 7 + 1, 2),
            Field::IsoWeek => number(civil::iso_week(self.days).1, 2),
            Field::Century => {
                let century = if self.is_interval {
                    self.year / 100
                } else if self.year > 0 {
                    (self.year - 1) / 100 + 1
                } else {
                    self.year / 100 - 1
                };
                number(century, 2)
            }
            Field::Julian => number(self.days + JULIAN_2000, 1),
            Field::Quarter if self.month == 0 => String::new(),
            Field::Quarter => number((self.month - 1) / 3 + 1, 1),
            Field::MonthRoman { upper } => {
                let text = indexed(&ROMAN, self.month - 1);
                let text = if upper { text.to_owned() } else { text.to_ascii_lowercase() };
                name(text, 4)
            }
            Field::ZoneName { upper } => {
                let text = self.zone.as_ref().map_or("", |(name, _)| name);
                if upper { text.to_owned() } else { text.to_ascii_lowercase() }
            }
            Field::ZoneHours => {
                let offset = self.zone.as_ref().map_or(0, |(_, offset)| *offset);
                format!("{}{:02}", if offset < 0 { '-' } else { '+' }, offset.abs() / 3600)
            }
            Field::ZoneMinutes => {
                let offset = self.zone.as_ref().map_or(0, |(_, offset)| *offset);
                format!("{:02}", offset.abs() % 3600 / 60)
            }
            Field::ZoneOffset => {
                let offset = self.zone.as_ref().map_or(0, |(_, offset)| *offset);
                let sign = if offset < 0 { '-' } else { '+' };
                let hours =
                    if fill { format!("{:02}", offset.abs() / 3600) } else { (offset.abs() / 3600).to_string() };
                match offset.abs() % 3600 / 60 {
                    0 => format!("{sign}{hours}"),
                    minutes => format!("{sign}{hours}:{minutes:02}"),
                }
            }
        })
    }

    fn year_digits(&self, year: i64, digits: u32, fill: bool) -> String {
        let width = usize::try_from(digits).unwrap_or(4);
        let shown = if digits == 4 { year } else { year % 10i64.pow(digits) };
        if !fill {
            return shown.to_string();
        }
        if shown < 0 { format!("-{:0width$}", shown.unsigned_abs()) } else { format!("{shown:0width$}") }
    }
}
