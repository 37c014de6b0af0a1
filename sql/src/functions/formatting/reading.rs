//! `to_date` and `to_timestamp`: reading by a template.
//!
//! A field reads as many digits as it prints, or all there are if no other number follows at once. Blanks in the text are
//! passed over; a separator of the template stands for any separator of the text.

use heliosdb_storage::value::Value;

use super::template::{DAYS, Field, MONTHS, Part, ROMAN, parts};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::EvalContext;
use crate::functions::bad_arguments;
use crate::types::datetime::{
    DAY, HOUR, MINUTE, SECOND, checked_days, checked_micros, civil, local_to_utc, timestamp_out_of_range,
};

/// The Julian day of 2000-01-01.
const JULIAN_2000: i64 = 2_451_545;

/// What has been read.
#[derive(Default)]
struct Read {
    year: Option<i64>,
    is_bc: bool,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    julian: Option<i64>,
    iso_year: Option<i64>,
    iso_week: Option<i64>,
    iso_day: Option<i64>,
    week: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
    is_pm: Option<bool>,
    /// Seconds east.
    zone: Option<i64>,
}

pub(super) fn to_date(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Text(text), Value::Text(template)] = args else { return Err(bad_arguments("to_date", args)) };
    let days = read(text, template)?.days(text)?;
    checked_days(days)
        .map(Value::Date)
        .ok_or_else(|| SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("date out of range: \"{text}\"")))
}

pub(super) fn to_timestamp(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Text(text), Value::Text(template)] = args else { return Err(bad_arguments("to_timestamp", args)) };
    let read = read(text, template)?;
    let midnight = read.days(text)?.checked_mul(DAY);
    let local = midnight.and_then(|midnight| midnight.checked_add(read.time(text).ok()?));
    read.time(text)?;
    let utc = match read.zone {
        Some(east) => local.and_then(|local| local.checked_sub(east * SECOND)),
        None => local.and_then(|local| local_to_utc(&ctx.time.zone, local)),
    };
    utc.and_then(checked_micros).map(Value::TimestampTz).ok_or_else(timestamp_out_of_range)
}

fn out_of_range(text: &str) -> SqlError {
    SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("date/time field value out of range: \"{text}\""))
}

impl Read {
    fn days(&self, text: &str) -> Result<i64> {
        if let Some(julian) = self.julian {
            return Ok(julian - JULIAN_2000);
        }
        if let Some(year) = self.iso_year {
            let week = self.iso_week.unwrap_or(1);
            if !(1..=53).contains(&week) {
                return Err(out_of_range(text));
            }
            let fourth = civil::days_of_date(year, 1, 4);
            let first_monday = fourth - (civil::day_of_week(fourth) + 6) % 7;
            return Ok(first_monday + (week - 1) * 7 + self.iso_day.unwrap_or(1) - 1);
        }
        let written = self.year.unwrap_or(1);
        // Without a year it is 1 BC.
        let year = match self.year {
            None => 0,
            Some(_) if self.is_bc => 1 - written,
            Some(0) => 0,
            Some(_) if written < 0 => written + 1,
            Some(_) => written,
        };
        if let Some(day) = self.day_of_year {
            let length = if civil::is_leap(year) { 366 } else { 365 };
            if !(1..=length).contains(&day) {
                return Err(out_of_range(text));
            }
            return Ok(civil::days_of_date(year, 1, 1) + day - 1);
        }
        if let (Some(week), None, None) = (self.week, self.month, self.day) {
            return Ok(civil::days_of_date(year, 1, 1) + (week - 1) * 7);
        }
        let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
        if !(1..=12).contains(&month) || !(1..=civil::days_in_month(year, month)).contains(&day) {
            return Err(out_of_range(text));
        }
        Ok(civil::days_of_date(year, month, day))
    }

    fn time(&self, text: &str) -> Result<i64> {
        let hour = match self.is_pm {
            None => self.hour,
            Some(_) if !(1..=12).contains(&self.hour) => {
                let message = format!("hour \"{}\" is invalid for the 12-hour clock", self.hour);
                return Err(SqlError::new(SqlState::INVALID_DATETIME_FORMAT, message)
                    .with_hint("Use the 24-hour clock, or give an hour between 1 and 12."));
            }
            Some(true) => self.hour % 12 + 12,
            Some(false) => self.hour % 12,
        };
        if !(0..24).contains(&hour) || !(0..60).contains(&self.minute) || !(0..60).contains(&self.second) {
            return Err(out_of_range(text));
        }
        Ok(hour * HOUR + self.minute * MINUTE + self.second * SECOND + self.micros)
    }
}

struct Reader<'a> {
    rest: &'a str,
}

fn read(text: &str, template: &str) -> Result<Read> {
    if template.get(..2).is_some_and(|head| head.eq_ignore_ascii_case("FX")) {
        return Err(SqlError::unsupported("FX in a template to read by"));
    }
    let mut read = Read::default();
    let mut reader = Reader { rest: text };
    for part in parts(template) {
        if reader.rest.is_empty() {
            break;
        }
        match part {
            Part::Separator(_) => reader.separator(),
            Part::Text(skipped) => {
                for _ in skipped.chars() {
                    reader.skip();
                }
            }
            Part::Field { field, ordinal, digits_follow, .. } => {
                reader.field(field, digits_follow, &mut read)?;
                if ordinal.is_some() {
                    reader.skip();
                    reader.skip();
                }
            }
        }
    }
    Ok(read)
}

impl Reader<'_> {
    fn skip(&mut self) {
        let mut chars = self.rest.chars();
        chars.next();
        self.rest = chars.as_str();
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n']);
    }

    /// A separator of the template: any one of the text, with the blanks around it.
    fn separator(&mut self) {
        self.blanks();
        if self.rest.starts_with(|c: char| c.is_ascii_punctuation() && c != '+') {
            self.skip();
        }
        self.blanks();
    }

    /// Digits, at most so many.
    fn digits(&mut self, field: &str, most: usize) -> Result<(i64, usize)> {
        self.blanks();
        let length = self.rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at(length);
        if digits.is_empty() {
            let shown: String = self.rest.chars().take(most.min(4)).collect();
            let message = format!("invalid value \"{shown}\" for \"{field}\"");
            return Err(
                SqlError::new(SqlState::INVALID_DATETIME_FORMAT, message).with_detail("Value must be an integer.")
            );
        }
        self.rest = rest;
        let number = digits.parse().map_err(|_| out_of_range(digits))?;
        Ok((number, length))
    }

    /// One of the names, whole or by its first letters.
    fn name(&mut self, names: &[&str], letters: Option<usize>, field: &str) -> Result<i64> {
        self.blanks();
        let found = (1i64..).zip(names).find_map(|(at, name)| {
            let name = letters.and_then(|letters| name.get(..letters)).unwrap_or(name);
            let head = self.rest.get(..name.len())?;
            head.eq_ignore_ascii_case(name).then_some((at, name.len()))
        });
        let Some((at, length)) = found else {
            let shown: String = self.rest.chars().take_while(|c| c.is_alphanumeric()).collect();
            let message = format!("invalid value \"{shown}\" for \"{field}\"");
            return Err(SqlError::new(SqlState::INVALID_DATETIME_FORMAT, message)
                .with_detail("The given value did not match any of the allowed values for this field."));
        };
        self.rest = self.rest.get(length..).unwrap_or("");
        Ok(at)
    }

    fn field(&mut self, field: Field, digits_follow: bool, read: &mut Read) -> Result<()> {
        let width = |usual: usize| if digits_follow { usual } else { 9 };
        match field {
            Field::Hour12 => {
                read.hour = self.digits("HH12", width(2))?.0;
                read.is_pm.get_or_insert(false);
            }
            Field::Hour24 => read.hour = self.digits("HH24", width(2))?.0,
            Field::Minute => read.minute = self.digits("MI", width(2))?.0,
            Field::Second => read.second = self.digits("SS", width(2))?.0,
            Field::Millisecond => {
                let (n, length) = self.digits("MS", 3)?;
                read.micros = n * 10i64.pow(6u32.saturating_sub(u32::try_from(length).unwrap_or(3)));
            }
            Field::Microsecond | Field::Fraction(_) => {
                let most = if let Field::Fraction(digits) = field { digits } else { 6 };
                let (n, length) = self.digits("US", usize::try_from(most).unwrap_or(6))?;
                read.micros = n * 10i64.pow(6u32.saturating_sub(u32::try_from(length).unwrap_or(6)));
            }
            Field::SecondsOfDay => {
                let (n, _) = self.digits("SSSS", width(5))?;
                (read.hour, read.minute, read.second) = (n / 3600, n / 60 % 60, n % 60);
            }
            Field::Meridiem { dots, .. } => {
                let names: &[&str] = if dots { &["A.M.", "P.M."] } else { &["AM", "PM"] };
                read.is_pm = Some(self.name(names, None, "AM")? == 2);
            }
            Field::Era { dots, .. } => {
                let names: &[&str] = if dots { &["A.D.", "B.C."] } else { &["AD", "BC"] };
                read.is_bc = self.name(names, None, "BC")? == 2;
            }
            Field::YearWithComma => {
                let (thousands, _) = self.digits("Y,YYY", 6)?;
                self.separator();
                read.year = Some(thousands * 1000 + self.digits("Y,YYY", 3)?.0);
            }
            Field::Year(digits) => read.year = Some(self.year(digits, digits_follow)?),
            Field::IsoYear(digits) => read.iso_year = Some(self.year(digits, digits_follow)?),
            Field::MonthName(_) => read.month = Some(self.name(&MONTHS, None, "Month")?),
            Field::MonthShort(_) => read.month = Some(self.name(&MONTHS, Some(3), "Mon")?),
            Field::Month => read.month = Some(self.digits("MM", width(2))?.0),
            Field::MonthRoman { .. } => {
                // Longer ones first: `VIII` begins with `V`.
                let mut order: Vec<usize> = (0..12).collect();
                order.sort_by_key(|at| std::cmp::Reverse(ROMAN.get(*at).map_or(0, |name| name.len())));
                let names: Vec<&str> = order.iter().filter_map(|at| ROMAN.get(*at).copied()).collect();
                let at = usize::try_from(self.name(&names, None, "RM")? - 1).unwrap_or(0);
                read.month = order.get(at).and_then(|at| i64::try_from(at + 1).ok());
            }
            Field::DayName(_) => drop(self.name(&DAYS, None, "Day")?),
            Field::DayShort(_) => drop(self.name(&DAYS, Some(3), "Dy")?),
            Field::DayOfYear => read.day_of_year = Some(self.digits("DDD", width(3))?.0),
            Field::Day => read.day = Some(self.digits("DD", width(2))?.0),
            // Neither says which day is meant; PostgreSQL passes them over too.
            Field::DayOfWeek => drop(self.digits("D", width(1))?),
            Field::Quarter => drop(self.digits("Q", width(1))?),
            Field::WeekOfMonth => return Err(SqlError::unsupported("W in a template to read by")),
            Field::Century => return Err(SqlError::unsupported("CC in a template to read by")),
            Field::IsoDayOfWeek => read.iso_day = Some(self.digits("ID", 1)?.0),
            Field::IsoDayOfYear => {
                let (n, _) = self.digits("IDDD", width(3))?;
                (read.iso_week, read.iso_day) = (Some((n - 1) / 7 + 1), Some((n - 1) % 7 + 1));
            }
            Field::Week => read.week = Some(self.digits("WW", width(2))?.0),
            Field::IsoWeek => read.iso_week = Some(self.digits("IW", width(2))?.0),
            Field::Julian => read.julian = Some(self.digits("J", 9)?.0),
            Field::ZoneHours => {
                self.blanks();
                let sign = if self.rest.starts_with('-') { -1 } else { 1 };
                if self.rest.starts_with(['+', '-']) {
                    self.skip();
                }
                read.zone = Some(sign * self.digits("TZH", 2)?.0 * 3600);
            }
            Field::ZoneMinutes => {
                let minutes = self.digits("TZM", 2)?.0 * 60;
                let hours = read.zone.unwrap_or(0);
                read.zone = Some(if hours < 0 { hours - minutes } else { hours + minutes });
            }
            Field::ZoneName { .. } | Field::ZoneOffset => {
                let message = "formatting field \"TZ\" is only supported in to_char";
                return Err(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, message));
            }
        }
        Ok(())
    }

    /// Years of fewer than four digits are near 2020.
    fn year(&mut self, digits: u32, digits_follow: bool) -> Result<i64> {
        self.blanks();
        let sign = if self.rest.starts_with('-') { -1 } else { 1 };
        if sign < 0 {
            self.skip();
        }
        let most = if digits_follow || digits < 4 { usize::try_from(digits).unwrap_or(4) } else { 9 };
        let (n, length) = self.digits("YYYY", most)?;
        Ok(sign
            * match length {
                _ if digits >= 4 => n,
                1 | 2 if n < 70 => n + 2000,
                1 | 2 => n + 1900,
                3 if n < 520 => n + 2000,
                3 => n + 1000,
                _ => n,
            })
    }
}
