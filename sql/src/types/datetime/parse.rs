//! Dates and timestamps from text.
//!
//! ```text
//! input  = special | date [ ('T' | spaces) time ] [ zone ] [ 'AD' | 'BC' ]
//! date   = three parts, numbers or a month's name, between '-', '/', '.', ',' or spaces | YYYYMMDD | YYMMDD
//! time   = hh:mm[:ss[.ffffff]] [ 'AM' | 'PM' ] | hhmm[ss[.ffffff]] (after a 'T')
//! zone   = 'Z' | ±hh[[:]mm[[:]ss]] | a name
//! ```
//! A first number of three digits or more is a year; else the order is that of `DateStyle`. A weekday before the date is
//! passed over, and the year may come behind the time, so that what the style `Postgres` prints can be read. Not read:
//! Julian days, day-of-year dates, abbreviations of zones other than those of the session's zone and UTC.

use heliosdb_storage::value::{Days, Micros};
use jiff::tz::TimeZone;

use super::{
    DATE_INFINITY, DATE_MINUS_INFINITY, DAY, HOUR, MINUTE, SECOND, TIMESTAMP_INFINITY, TIMESTAMP_MINUS_INFINITY,
    ValueContext, checked_days, checked_micros, civil, local_to_utc, named_zone, offset_at, timestamptz_to_date,
    utc_to_local,
};
use crate::error::{Result, SqlError, SqlState};
use crate::types::input;
use crate::types::style::DateOrder;

/// The longest text that can be a date or a timestamp.
const MAX_LENGTH: usize = 128;
/// The largest offset of a zone, in hours.
const MAX_OFFSET_HOURS: i64 = 15;

/// Abbreviations of zones that PostgreSQL knows wherever one is: seconds east. Not all of them: those that are in use.
const ABBREVIATIONS: &[(&str, i64)] = &[
    ("ACDT", 37_800),
    ("ACST", 34_200),
    ("ADT", -10_800),
    ("AEDT", 39_600),
    ("AEST", 36_000),
    ("AKDT", -28_800),
    ("AKST", -32_400),
    ("AST", -14_400),
    ("AWST", 28_800),
    ("BST", 3_600),
    ("CDT", -18_000),
    ("CEST", 7_200),
    ("CET", 3_600),
    ("CST", -21_600),
    ("EAT", 10_800),
    ("EDT", -14_400),
    ("EEST", 10_800),
    ("EET", 7_200),
    ("EST", -18_000),
    ("HKT", 28_800),
    ("HST", -36_000),
    ("IDT", 10_800),
    ("IST", 7_200),
    ("JST", 32_400),
    ("KST", 32_400),
    ("MDT", -21_600),
    ("MEST", 7_200),
    ("MESZ", 7_200),
    ("MET", 3_600),
    ("MEZ", 3_600),
    ("MSK", 10_800),
    ("MST", -25_200),
    ("NDT", -9_000),
    ("NST", -12_600),
    ("NZDT", 46_800),
    ("NZST", 43_200),
    ("PDT", -25_200),
    ("PHT", 28_800),
    ("PKT", 18_000),
    ("PST", -28_800),
    ("SAST", 7_200),
    ("SGT", 28_800),
    ("UT", 0),
    ("WAT", 3_600),
    ("WEST", 3_600),
    ("WET", 0),
];

/// Reads a date; a time after it is read and dropped.
pub fn parse_date(text: &str, time: &ValueContext) -> Result<Days> {
    let out_of_range = || SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("date out of range: \"{text}\""));
    match read(text, "date", time)? {
        Moment::Infinity => Ok(DATE_INFINITY),
        Moment::MinusInfinity => Ok(DATE_MINUS_INFINITY),
        Moment::Instant(micros) => timestamptz_to_date(micros, &time.zone),
        Moment::Civil { days, .. } => checked_days(days).ok_or_else(out_of_range),
    }
}

/// Reads a timestamp; without a zone it is one of the session's.
pub fn parse_timestamptz(text: &str, time: &ValueContext) -> Result<Micros> {
    let micros = match read(text, "timestamp with time zone", time)? {
        Moment::Infinity => return Ok(TIMESTAMP_INFINITY),
        Moment::MinusInfinity => return Ok(TIMESTAMP_MINUS_INFINITY),
        Moment::Instant(micros) => Some(micros),
        Moment::Civil { days, time_of_day, zone } => {
            let local = days.checked_mul(DAY).and_then(|midnight| midnight.checked_add(time_of_day));
            match zone {
                Some(Zone::Offset(seconds)) => local.and_then(|local| local.checked_sub(seconds * SECOND)),
                Some(Zone::Named(zone)) => local.and_then(|local| local_to_utc(&zone, local)),
                None => local.and_then(|local| local_to_utc(&time.zone, local)),
            }
        }
    };
    micros
        .and_then(checked_micros)
        .ok_or_else(|| SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("timestamp out of range: \"{text}\"")))
}

/// Reads a timestamp without zone; a zone in the text is read and dropped.
pub fn parse_timestamp(text: &str, time: &ValueContext) -> Result<Micros> {
    let micros = match read(text, "timestamp", time)? {
        Moment::Infinity => return Ok(TIMESTAMP_INFINITY),
        Moment::MinusInfinity => return Ok(TIMESTAMP_MINUS_INFINITY),
        Moment::Instant(micros) => Some(utc_to_local(&time.zone, micros)),
        Moment::Civil { days, time_of_day, .. } => {
            days.checked_mul(DAY).and_then(|midnight| midnight.checked_add(time_of_day))
        }
    };
    micros
        .and_then(checked_micros)
        .ok_or_else(|| SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("timestamp out of range: \"{text}\"")))
}

/// Reads a time of day; a date before it is dropped, a zone too.
pub fn parse_time(text: &str, ctx: &ValueContext) -> Result<Micros> {
    Ok(time_and_zone(text, "time", ctx)?.0)
}

/// Reads a time of day with its zone, the session's if it names none: microseconds, and seconds east.
pub fn parse_timetz(text: &str, ctx: &ValueContext) -> Result<(Micros, i32)> {
    let (time, zone) = time_and_zone(text, "time with time zone", ctx)?;
    let seconds = match zone {
        Some(Zone::Offset(seconds)) => seconds,
        Some(Zone::Named(zone)) => offset_at(&zone, ctx.transaction_start),
        None => offset_at(&ctx.zone, ctx.transaction_start),
    };
    Ok((time, i32::try_from(seconds).unwrap_or(0)))
}

fn time_and_zone(text: &str, type_name: &str, ctx: &ValueContext) -> Result<(Micros, Option<Zone>)> {
    let trimmed = input::trim(text);
    if trimmed.eq_ignore_ascii_case("allballs") {
        return Ok((0, Some(Zone::Offset(0))));
    }
    let starts_with_time = |text: &str| {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let after = text.as_bytes().get(digits);
        (matches!(digits, 1 | 2) && after == Some(&b':')) || (matches!(digits, 4 | 6) && after != Some(&b'-'))
    };
    let bare = trimmed.strip_prefix(['T', 't']).unwrap_or(trimmed);
    if trimmed.len() <= MAX_LENGTH && starts_with_time(bare) {
        let mut reader = Reader::new(bare);
        let read = (|| {
            let time = reader.time(true)?;
            reader.skip_spaces();
            let zone = reader.zone()?;
            reader.skip_spaces();
            if reader.rest.is_empty() { Ok((time, zone)) } else { Err(Refusal::Syntax) }
        })();
        return read.map_err(|refusal| refusal_error(refusal, text, type_name));
    }
    match read(text, type_name, ctx)? {
        Moment::Civil { time_of_day, zone, .. } => Ok((time_of_day, zone)),
        Moment::Instant(micros) => Ok((utc_to_local(&ctx.zone, micros).rem_euclid(DAY), None)),
        Moment::Infinity | Moment::MinusInfinity => Err(refusal_error(Refusal::Syntax, text, type_name)),
    }
}

/// What a text says.
enum Moment {
    Infinity,
    MinusInfinity,
    Instant(Micros),
    Civil { days: i64, time_of_day: i64, zone: Option<Zone> },
}

enum Zone {
    /// Seconds east.
    Offset(i64),
    Named(TimeZone),
}

/// Why a text is refused.
enum Refusal {
    Syntax,
    /// A month or day that is none: perhaps the order of the fields is another.
    MonthOrDay,
    Field,
    Displacement,
    UnknownZone(String),
}

fn read(text: &str, type_name: &str, time: &ValueContext) -> Result<Moment> {
    let trimmed = input::trim(text);
    let result = if trimmed.len() > MAX_LENGTH {
        Err(Refusal::Syntax)
    } else {
        special(trimmed, time).map_or_else(|| Reader::new(trimmed).moment(time.styles.date_order), Ok)
    };
    result.map_err(|refusal| refusal_error(refusal, text, type_name))
}

fn refusal_error(refusal: Refusal, text: &str, type_name: &str) -> SqlError {
    let overflow =
        || SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("date/time field value out of range: \"{text}\""));
    match refusal {
        Refusal::Syntax => input::invalid_datetime(type_name, text),
        Refusal::MonthOrDay => overflow().with_hint("Perhaps you need a different \"datestyle\" setting."),
        Refusal::Field => overflow(),
        Refusal::Displacement => SqlError::new(
            SqlState::INVALID_TIME_ZONE_DISPLACEMENT_VALUE,
            format!("time zone displacement out of range: \"{text}\""),
        ),
        Refusal::UnknownZone(name) => {
            SqlError::new(SqlState::INVALID_PARAMETER_VALUE, format!("time zone \"{name}\" not recognized"))
        }
    }
}

fn special(text: &str, time: &ValueContext) -> Option<Moment> {
    let today = |shift: i64| {
        let day = utc_to_local(&time.zone, time.transaction_start).div_euclid(DAY);
        Moment::Civil { days: day + shift, time_of_day: 0, zone: None }
    };
    Some(match text.to_ascii_lowercase().as_str() {
        "infinity" | "+infinity" => Moment::Infinity,
        "-infinity" => Moment::MinusInfinity,
        "epoch" => Moment::Civil { days: civil::days_of_date(1970, 1, 1), time_of_day: 0, zone: Some(Zone::Offset(0)) },
        "now" => Moment::Instant(time.transaction_start),
        "today" => today(0),
        "tomorrow" => today(1),
        "yesterday" => today(-1),
        _ => return None,
    })
}

/// A part of a date.
#[derive(Clone, Copy)]
enum Part {
    Number { value: i64, digits: usize },
    Month(i64),
}

/// The fields of a date, as far as they are known.
#[derive(Clone, Copy, Default)]
struct Fields {
    /// And whether it was written in two digits.
    year: Option<(i64, bool)>,
    month: Option<i64>,
    day: Option<i64>,
    /// Whether the month is a name.
    has_name: bool,
}

impl Fields {
    const fn set_year(&mut self, (value, digits): (i64, usize)) {
        self.year = Some((value, digits <= 2));
    }

    const fn name_month(&mut self, month: i64) -> Result<(), Refusal> {
        if self.has_name {
            return Err(Refusal::Syntax);
        }
        self.has_name = true;
        self.month = Some(month);
        Ok(())
    }

    /// A number: which field it is depends on those that are known and on the order.
    const fn number(&mut self, value: i64, digits: usize, order: DateOrder) {
        let is_year = digits >= 3 || matches!(order, DateOrder::Ymd);
        match (self.year, self.month, self.day) {
            (None, None, None) if is_year => self.set_year((value, digits)),
            (None, None, None) if matches!(order, DateOrder::Dmy) => self.day = Some(value),
            (None, None, None) | (Some(_), None, _) | (None, None, Some(_)) => self.month = Some(value),
            (None, Some(_), None) if self.has_name && is_year => self.set_year((value, digits)),
            (None, Some(_), None) => self.day = Some(value),
            // What was taken for a year of two digits is the day: `08-Jan-1999` in the order YMD.
            (Some((day, true)), Some(_), None) if self.has_name && digits >= 3 => {
                self.day = Some(day);
                self.set_year((value, digits));
            }
            (Some(_), Some(_), _) => self.day = Some(value),
            (None, Some(_), Some(_)) => self.set_year((value, digits)),
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    const fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    fn moment(mut self, order: DateOrder) -> Result<Moment, Refusal> {
        self.weekday();
        let mut date = self.date(order)?;
        let after_t = self.eat_char(|c| c.eq_ignore_ascii_case(&'t'));
        self.skip_spaces();
        let time_of_day = if self.peek().is_some_and(|c| c.is_ascii_digit()) { self.time(after_t)? } else { 0 };
        self.skip_spaces();
        if date.year.is_none() {
            // `Mon Jul 01 12:00:00 2024`
            date.set_year(self.number()?);
            self.skip_spaces();
        }
        let mut is_bc = self.era();
        let zone = self.zone()?;
        self.skip_spaces();
        is_bc = is_bc.or_else(|| self.era());
        if !self.rest.is_empty() {
            return Err(Refusal::Syntax);
        }
        let Fields { year: Some((year, short_year)), month: Some(month), day: Some(day), .. } = date else {
            return Err(Refusal::Syntax);
        };
        let year = civil_year(year, short_year, is_bc)?;
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return Err(Refusal::MonthOrDay);
        }
        if day > civil::days_in_month(year, month) {
            return Err(Refusal::Field);
        }
        Ok(Moment::Civil { days: civil::days_of_date(year, month, day), time_of_day, zone })
    }

    /// Passes over the name of a weekday.
    fn weekday(&mut self) {
        const WEEKDAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
        let saved = self.rest;
        let word = self.take_while(|c| c.is_ascii_alphabetic()).to_ascii_lowercase();
        if word.len() >= 3 && WEEKDAYS.iter().any(|day| day.starts_with(&word)) {
            self.take_while(|c| matches!(c, ' ' | '\t' | '\n' | ','));
        } else {
            self.rest = saved;
        }
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn eat_char(&mut self, wanted: impl Fn(char) -> bool) -> bool {
        match self.peek() {
            Some(c) if wanted(c) => {
                self.rest = self.rest.get(c.len_utf8()..).unwrap_or("");
                true
            }
            _ => false,
        }
    }

    fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n']);
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let length = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    /// A number of at most nine digits.
    fn number(&mut self) -> Result<(i64, usize), Refusal> {
        let digits = self.take_while(|c| c.is_ascii_digit());
        match digits.len() {
            0 => Err(Refusal::Syntax),
            1..=9 => Ok((digits.parse().map_err(|_| Refusal::Syntax)?, digits.len())),
            _ => Err(Refusal::Field),
        }
    }

    fn part(&mut self) -> Result<Part, Refusal> {
        if self.peek().is_some_and(|c| c.is_ascii_digit()) {
            let (value, digits) = self.number()?;
            return Ok(Part::Number { value, digits });
        }
        let word = self.take_while(|c| c.is_ascii_alphabetic());
        month_of(word).map(Part::Month).ok_or(Refusal::Syntax)
    }

    /// The parts of a date; the year may be missing after the name of a month, if a time follows.
    fn date(&mut self, order: DateOrder) -> Result<Fields, Refusal> {
        let first = self.part()?;
        let stands_alone = !self.peek().is_some_and(|c| matches!(c, '-' | '/' | '.' | ','));
        if let Part::Number { value, digits: digits @ (6 | 8) } = first
            && stands_alone
        {
            let (year, month, day) = (value / 10_000, value / 100 % 100, value % 100);
            return Ok(Fields { year: Some((year, digits == 6)), month: Some(month), day: Some(day), has_name: false });
        }
        self.separator()?;
        let second = self.part()?;
        let mut fields = Fields::default();
        for part in [first, second] {
            if let Part::Month(month) = part {
                fields.name_month(month)?;
            }
        }
        let before_third = self.rest;
        let third = self.separator().and_then(|()| self.part());
        let is_time = fields.has_name && self.peek() == Some(':');
        let third = match third {
            Ok(third) if !is_time => third,
            Ok(_) if is_time => {
                self.rest = before_third;
                for part in [first, second] {
                    if let Part::Number { value, digits } = part {
                        fields.number(value, digits, DateOrder::Mdy);
                    }
                }
                return Ok(fields);
            }
            _ => return Err(Refusal::Syntax),
        };
        if let Part::Month(month) = third {
            fields.name_month(month)?;
        }
        for part in [first, second, third] {
            if let Part::Number { value, digits } = part {
                fields.number(value, digits, order);
            }
        }
        Ok(fields)
    }

    /// One of the signs between the parts of a date, spaces around it allowed.
    fn separator(&mut self) -> Result<(), Refusal> {
        let before = self.rest.len();
        self.skip_spaces();
        self.eat_char(|c| matches!(c, '-' | '/' | '.' | ','));
        self.skip_spaces();
        if self.rest.len() < before { Ok(()) } else { Err(Refusal::Syntax) }
    }

    fn time(&mut self, after_t: bool) -> Result<i64, Refusal> {
        let (first, digits) = self.number()?;
        let (hour, minute, second, has_seconds) = if self.eat_char(|c| c == ':') {
            let (minute, _) = self.number()?;
            let has_seconds = self.eat_char(|c| c == ':');
            let second = if has_seconds { self.number()?.0 } else { 0 };
            (first, minute, second, has_seconds)
        } else {
            match (after_t, digits) {
                (true, 6) => (first / 10_000, first / 100 % 100, first % 100, true),
                (true, 4) => (first / 100, first % 100, 0, false),
                (true, 2) => (first, 0, 0, false),
                _ => return Err(Refusal::Syntax),
            }
        };
        let fraction = if has_seconds && self.eat_char(|c| c == '.') { self.fraction() } else { 0 };
        let hour = self.half_day(hour)?;
        let time = hour * HOUR + minute * MINUTE + second * SECOND + fraction;
        if hour > 24 || minute > 59 || second > 60 || time > DAY || (second == 60 && fraction > 0) {
            return Err(Refusal::Field);
        }
        Ok(time)
    }

    /// Microseconds; what is finer is rounded.
    fn fraction(&mut self) -> i64 {
        let digits = self.take_while(|c| c.is_ascii_digit());
        let mut micros = 0;
        for place in 0..6 {
            let digit = digits.as_bytes().get(place).map_or(0, |b| i64::from(b - b'0'));
            micros = micros * 10 + digit;
        }
        let rounds_up = digits.as_bytes().get(6).is_some_and(|b| *b >= b'5');
        micros + i64::from(rounds_up)
    }

    fn half_day(&mut self, hour: i64) -> Result<i64, Refusal> {
        let saved = self.rest;
        self.skip_spaces();
        let word = self.take_while(|c| c.is_ascii_alphabetic());
        let is_pm = if word.eq_ignore_ascii_case("am") {
            false
        } else if word.eq_ignore_ascii_case("pm") {
            true
        } else {
            self.rest = saved;
            return Ok(hour);
        };
        match hour {
            13.. => Err(Refusal::Field),
            12 => Ok(if is_pm { 12 } else { 0 }),
            _ => Ok(if is_pm { hour + 12 } else { hour }),
        }
    }

    fn zone(&mut self) -> Result<Option<Zone>, Refusal> {
        let sign = match self.peek() {
            Some('+') => 1,
            Some('-') => -1,
            Some(c) if c.is_ascii_alphabetic() => return self.zone_name().map(Some),
            _ => return Ok(None),
        };
        self.rest = self.rest.get(1..).unwrap_or("");
        let (first, digits) = self.number()?;
        let (hours, minutes, seconds) = if self.eat_char(|c| c == ':') {
            let (minutes, _) = self.number()?;
            let seconds = if self.eat_char(|c| c == ':') { self.number()?.0 } else { 0 };
            (first, minutes, seconds)
        } else {
            match digits {
                1 | 2 => (first, 0, 0),
                3 | 4 => (first / 100, first % 100, 0),
                6 => (first / 10_000, first / 100 % 100, first % 100),
                _ => return Err(Refusal::Displacement),
            }
        };
        if hours > MAX_OFFSET_HOURS || minutes > 59 || seconds > 59 {
            return Err(Refusal::Displacement);
        }
        Ok(Some(Zone::Offset(sign * (hours * 3600 + minutes * 60 + seconds))))
    }

    fn zone_name(&mut self) -> Result<Zone, Refusal> {
        let name = self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+'));
        if let Some((_, seconds)) = ABBREVIATIONS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            return Ok(Zone::Offset(*seconds));
        }
        named_zone(name).map(Zone::Named).ok_or_else(|| match name.contains('/') {
            true => Refusal::UnknownZone(name.to_ascii_lowercase()),
            false => Refusal::Syntax,
        })
    }

    /// Whether the era is BC, if one is named.
    fn era(&mut self) -> Option<bool> {
        let saved = self.rest;
        let word = self.take_while(|c| c.is_ascii_alphabetic());
        if word.eq_ignore_ascii_case("bc") {
            Some(true)
        } else if word.eq_ignore_ascii_case("ad") {
            Some(false)
        } else {
            self.rest = saved;
            None
        }
    }
}

/// The astronomical year of a written one.
fn civil_year(year: i64, is_short: bool, is_bc: Option<bool>) -> Result<i64, Refusal> {
    match is_bc {
        Some(_) if year == 0 => Err(Refusal::Field),
        Some(true) => Ok(1 - year),
        None if is_short => Ok(if year < 70 { year + 2000 } else { year + 1900 }),
        None if year == 0 => Err(Refusal::Field),
        _ => Ok(year),
    }
}

/// A month by its name or the first three letters of it (four of September's).
fn month_of(word: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let lower = word.to_ascii_lowercase();
    let index = MONTHS.iter().position(|month| {
        *month == lower || (lower.len() == 3 && month.starts_with(&lower)) || (lower == "sept" && *month == "september")
    })?;
    i64::try_from(index + 1).ok()
}
