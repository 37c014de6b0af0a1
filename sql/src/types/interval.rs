//! Text forms of `interval`.
//!
//! ```text
//! input   = [ '@' ] { quantity unit | [±]h:mm[:ss[.f]] | [±]y-m } [ 'ago' ]  |  ISO 8601 'P…T…'
//! ```
//! Each quantity may have a fraction; what is left of months becomes days, what is left of days becomes time.

use std::fmt::Write as _;

use heliosdb_storage::value::Interval;

use super::datetime::{DAY, HOUR, MINUTE, SECOND};
use super::style::IntervalStyle;
use crate::error::{Result, SqlError, SqlState};

/// The longest text that can be an interval.
const MAX_LENGTH: usize = 256;

/// Bits of the modifier's range for each field, as PostgreSQL numbers them.
pub mod fields {
    /// `year`
    pub const YEAR: i32 = 1 << 2;
    /// `month`
    pub const MONTH: i32 = 1 << 1;
    /// `day`
    pub const DAY: i32 = 1 << 3;
    /// `hour`
    pub const HOUR: i32 = 1 << 10;
    /// `minute`
    pub const MINUTE: i32 = 1 << 11;
    /// `second`
    pub const SECOND: i32 = 1 << 12;
    /// All of them: no fields were named.
    pub const FULL: i32 = 0x7fff;
}

/// Reads an interval. `range` names the fields that a modifier asks for ([`fields`]): the unit of a bare number.
pub fn parse(text: &str, range: i32) -> Result<Interval> {
    let trimmed = super::input::trim(text);
    let result = if trimmed.len() > MAX_LENGTH || trimmed.is_empty() {
        Err(Refusal::Syntax)
    } else if let Some(rest) = trimmed.strip_prefix('P') {
        parse_iso(rest)
    } else {
        Reader::new(trimmed, range).read()
    };
    let interval = result.and_then(|sum| sum.finish());
    interval.map_err(|refusal| match refusal {
        Refusal::Syntax => super::input::invalid_datetime("interval", text),
        Refusal::Range => {
            SqlError::new(SqlState::INTERVAL_FIELD_OVERFLOW, format!("interval field value out of range: \"{text}\""))
        }
    })
}

enum Refusal {
    Syntax,
    Range,
}

/// The sum of what has been read, in units that carry fractions exactly enough.
#[derive(Default)]
struct Sum {
    months: i64,
    days: i64,
    micros: i64,
}

/// A number with a fraction: the whole part, and the fraction in millionths of millionths, both with the sign.
#[derive(Clone, Copy)]
struct Quantity {
    whole: i64,
    fraction: f64,
}

impl Sum {
    fn finish(self) -> Result<Interval, Refusal> {
        Ok(Interval {
            months: i32::try_from(self.months).map_err(|_| Refusal::Range)?,
            days: i32::try_from(self.days).map_err(|_| Refusal::Range)?,
            micros: self.micros,
        })
    }

    fn add_months(&mut self, quantity: Quantity, factor: i64) -> Result<(), Refusal> {
        let whole = quantity.whole.checked_mul(factor);
        self.months = whole.and_then(|n| self.months.checked_add(n)).ok_or(Refusal::Range)?;
        #[allow(clippy::cast_precision_loss, reason = "a factor of at most 12,000")]
        let months = quantity.fraction * factor as f64;
        if factor > 1 {
            // Fractions of years become whole months.
            self.months = self.months.checked_add(rounded(months)).ok_or(Refusal::Range)?;
            return Ok(());
        }
        self.add_days(Quantity { whole: 0, fraction: months * 30.0 })
    }

    fn add_days(&mut self, quantity: Quantity) -> Result<(), Refusal> {
        let more = truncated(quantity.fraction);
        self.days = self.days.checked_add(quantity.whole).and_then(|n| n.checked_add(more)).ok_or(Refusal::Range)?;
        #[allow(clippy::cast_precision_loss, reason = "a few days")]
        let left = quantity.fraction - more as f64;
        self.add_micros(Quantity { whole: 0, fraction: left }, DAY)
    }

    fn add_micros(&mut self, quantity: Quantity, unit: i64) -> Result<(), Refusal> {
        #[allow(clippy::cast_precision_loss, reason = "a unit of at most a day")]
        let fraction = rounded(quantity.fraction * unit as f64);
        let whole = quantity.whole.checked_mul(unit).and_then(|n| n.checked_add(fraction));
        self.micros = whole.and_then(|n| self.micros.checked_add(n)).ok_or(Refusal::Range)?;
        Ok(())
    }

    fn add(&mut self, quantity: Quantity, unit: Unit) -> Result<(), Refusal> {
        match unit {
            Unit::Months(factor) => self.add_months(quantity, factor),
            Unit::Days(factor) => {
                #[allow(clippy::cast_precision_loss, reason = "a factor of at most 7")]
                let fraction = quantity.fraction * factor as f64;
                self.add_days(Quantity { whole: quantity.whole.checked_mul(factor).ok_or(Refusal::Range)?, fraction })
            }
            Unit::Micros(unit) => self.add_micros(quantity, unit),
        }
    }

    fn negate(&mut self) -> Result<(), Refusal> {
        self.months = -self.months;
        self.days = -self.days;
        self.micros = self.micros.checked_neg().ok_or(Refusal::Range)?;
        Ok(())
    }
}

/// To the nearest; the value is small where it matters.
#[allow(clippy::cast_possible_truncation, reason = "saturates, which the range checks then refuse")]
fn rounded(x: f64) -> i64 {
    x.round_ties_even() as i64
}

#[allow(clippy::cast_possible_truncation, reason = "saturates, which the range checks then refuse")]
fn truncated(x: f64) -> i64 {
    x.trunc() as i64
}

#[derive(Clone, Copy)]
enum Unit {
    Months(i64),
    Days(i64),
    Micros(i64),
}

fn unit_of(word: &str) -> Option<Unit> {
    Some(match word.to_ascii_lowercase().as_str() {
        "microsecond" | "microseconds" | "us" | "usec" | "usecs" | "usecond" | "useconds" => Unit::Micros(1),
        "millisecond" | "milliseconds" | "ms" | "msec" | "msecs" | "msecond" | "mseconds" => Unit::Micros(1000),
        "second" | "seconds" | "s" | "sec" | "secs" => Unit::Micros(SECOND),
        "minute" | "minutes" | "m" | "min" | "mins" => Unit::Micros(MINUTE),
        "hour" | "hours" | "h" | "hr" | "hrs" => Unit::Micros(HOUR),
        "day" | "days" | "d" => Unit::Days(1),
        "week" | "weeks" | "w" => Unit::Days(7),
        "month" | "months" | "mon" | "mons" => Unit::Months(1),
        "year" | "years" | "y" | "yr" | "yrs" => Unit::Months(12),
        "decade" | "decades" | "dec" | "decs" => Unit::Months(120),
        "century" | "centuries" | "c" | "cent" => Unit::Months(1200),
        "millennium" | "millennia" | "mil" | "mils" => Unit::Months(12_000),
        _ => return None,
    })
}

struct Reader<'a> {
    rest: &'a str,
    range: i32,
    sum: Sum,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, range: i32) -> Self {
        Self { rest: text, range, sum: Sum::default() }
    }

    fn read(mut self) -> Result<Sum, Refusal> {
        let is_standard = self.rest.starts_with('-') && !self.rest.contains(|c: char| c.is_ascii_alphabetic());
        self.eat('@');
        let mut fields = 0;
        loop {
            self.skip_blanks();
            if self.rest.is_empty() {
                break;
            }
            if self.rest.eq_ignore_ascii_case("ago") && fields > 0 {
                self.sum.negate()?;
                break;
            }
            self.field(is_standard && fields > 0)?;
            fields += 1;
        }
        if fields == 0 { Err(Refusal::Syntax) } else { Ok(self.sum) }
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn eat(&mut self, wanted: char) -> bool {
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn digits(&mut self) -> &'a str {
        let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        self.rest = rest;
        digits
    }

    /// `negative` carries the sign of `-1-2 3 4:05`, which holds for all its parts, as the SQL standard has it.
    fn field(&mut self, negative: bool) -> Result<(), Refusal> {
        let sign: i64 = if self.eat('-') || (negative && !self.rest.starts_with('+')) { -1 } else { 1 };
        self.eat('+');
        let digits = self.digits();
        let has_point = self.rest.starts_with('.');
        if digits.is_empty() && !has_point {
            return Err(Refusal::Syntax);
        }
        let whole = if digits.is_empty() { 0 } else { digits.parse::<i64>().map_err(|_| Refusal::Range)? };
        if self.rest.starts_with(':') {
            return self.clock(sign, whole);
        }
        if self.rest.starts_with('-') && !has_point {
            return self.years_and_months(sign, whole);
        }
        let fraction = if has_point { self.fraction()? } else { 0.0 };
        #[allow(clippy::cast_precision_loss, reason = "the sign")]
        let quantity = Quantity { whole: whole * sign, fraction: fraction * sign as f64 };
        self.skip_blanks();
        let end = self.rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        let unit = if word.is_empty() || word.eq_ignore_ascii_case("ago") {
            self.bare_unit()
        } else {
            self.rest = rest;
            unit_of(word).ok_or(Refusal::Syntax)?
        };
        self.sum.add(quantity, unit)
    }

    /// The unit of a number without one: the smallest field of the range, else seconds; `1 2:03` has days before a time.
    fn bare_unit(&self) -> Unit {
        if self.rest.contains(':') {
            return Unit::Days(1);
        }
        let range = self.range;
        if range == fields::FULL || range & fields::SECOND != 0 {
            Unit::Micros(SECOND)
        } else if range & fields::MINUTE != 0 {
            Unit::Micros(MINUTE)
        } else if range & fields::HOUR != 0 {
            Unit::Micros(HOUR)
        } else if range & fields::DAY != 0 {
            Unit::Days(1)
        } else if range & fields::MONTH != 0 {
            Unit::Months(1)
        } else {
            Unit::Months(12)
        }
    }

    fn fraction(&mut self) -> Result<f64, Refusal> {
        self.eat('.');
        let digits = self.digits();
        if digits.is_empty() {
            return Ok(0.0);
        }
        format!("0.{digits}").parse().map_err(|_| Refusal::Syntax)
    }

    /// `h:mm[:ss[.f]]`, or `mm:ss` where the range says so.
    fn clock(&mut self, sign: i64, first: i64) -> Result<(), Refusal> {
        self.eat(':');
        let second_number = self.digits();
        let second_number: i64 = second_number.parse().map_err(|_| Refusal::Syntax)?;
        let is_minutes_first = self.range == fields::MINUTE | fields::SECOND;
        let (hours, minutes, seconds, fraction) = if self.eat(':') {
            let seconds: i64 = self.digits().parse().map_err(|_| Refusal::Syntax)?;
            let fraction = if self.rest.starts_with('.') { self.fraction()? } else { 0.0 };
            (first, second_number, seconds, fraction)
        } else if is_minutes_first || self.rest.starts_with('.') {
            let fraction = if self.rest.starts_with('.') { self.fraction()? } else { 0.0 };
            (0, first, second_number, fraction)
        } else {
            (first, second_number, 0, 0.0)
        };
        if minutes > 59 || seconds > 60 {
            return Err(Refusal::Range);
        }
        let micros = hours
            .checked_mul(HOUR)
            .and_then(|n| n.checked_add(minutes * MINUTE + seconds * SECOND))
            .ok_or(Refusal::Range)?;
        #[allow(clippy::cast_precision_loss, reason = "the sign")]
        let quantity = Quantity { whole: micros * sign, fraction: fraction * sign as f64 * 1e6 };
        self.sum.add_micros(quantity, 1)
    }

    /// `y-m`
    fn years_and_months(&mut self, sign: i64, years: i64) -> Result<(), Refusal> {
        self.eat('-');
        let months: i64 = self.digits().parse().map_err(|_| Refusal::Syntax)?;
        if months > 11 {
            return Err(Refusal::Range);
        }
        let total = years.checked_mul(12).and_then(|n| n.checked_add(months)).ok_or(Refusal::Range)?;
        self.sum.add_months(Quantity { whole: total * sign, fraction: 0.0 }, 1)
    }
}

/// What follows the `P`: `1Y2M3DT4H5M6.7S`, `1W`, or the alternative form `0001-02-03T04:05:06`.
fn parse_iso(text: &str) -> Result<Sum, Refusal> {
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut sum = Sum::default();
    if date.is_empty() && time.is_none_or(str::is_empty) {
        return Err(Refusal::Syntax);
    }
    iso_part(date, &mut sum, |letter| match letter {
        'Y' => Some(Unit::Months(12)),
        'M' => Some(Unit::Months(1)),
        'W' => Some(Unit::Days(7)),
        'D' => Some(Unit::Days(1)),
        _ => None,
    })?;
    iso_part(time.unwrap_or(""), &mut sum, |letter| match letter {
        'H' => Some(Unit::Micros(HOUR)),
        'M' => Some(Unit::Micros(MINUTE)),
        'S' => Some(Unit::Micros(SECOND)),
        _ => None,
    })?;
    Ok(sum)
}

fn iso_part(text: &str, sum: &mut Sum, unit: impl Fn(char) -> Option<Unit>) -> Result<(), Refusal> {
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| c.is_ascii_alphabetic()).ok_or(Refusal::Syntax)?;
        let (number, tail) = rest.split_at(end);
        let mut tail_chars = tail.chars();
        let unit = tail_chars.next().and_then(&unit).ok_or(Refusal::Syntax)?;
        rest = tail_chars.as_str();
        let negative = number.starts_with('-');
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let whole: i64 =
            if matches!(whole, "" | "-" | "+") { 0 } else { whole.parse().map_err(|_| Refusal::Syntax)? };
        let fraction: f64 = format!("0.{fraction}0").parse().map_err(|_| Refusal::Syntax)?;
        sum.add(Quantity { whole, fraction: if negative { -fraction } else { fraction } }, unit)?;
    }
    Ok(())
}

/// Appends the text form.
pub fn format(interval: Interval, style: IntervalStyle, out: &mut String) {
    match style {
        IntervalStyle::Postgres => format_postgres(interval, out),
        IntervalStyle::PostgresVerbose => format_verbose(interval, out),
        IntervalStyle::SqlStandard => format_standard(interval, out),
        IntervalStyle::Iso8601 => format_iso(interval, out),
    }
}

/// An interval cut into what is printed; all parts have the sign of what they come from.
struct Parts {
    years: i32,
    months: i32,
    days: i32,
    hours: i64,
    minutes: i64,
    seconds: i64,
    micros: i64,
}

impl Parts {
    const fn of(interval: Interval) -> Self {
        let time = interval.micros;
        Self {
            years: interval.months / 12,
            months: interval.months % 12,
            days: interval.days,
            hours: time / HOUR,
            minutes: time % HOUR / MINUTE,
            seconds: time % MINUTE / SECOND,
            micros: time % SECOND,
        }
    }
}

fn push_fraction(micros: i64, out: &mut String) {
    if micros != 0 {
        let digits = format!("{:06}", micros.abs());
        out.push('.');
        out.push_str(digits.trim_end_matches('0'));
    }
}

fn format_postgres(interval: Interval, out: &mut String) {
    let parts = Parts::of(interval);
    let start = out.len();
    let mut was_negative = false;
    for (n, unit) in [(parts.years, "year"), (parts.months, "mon"), (parts.days, "day")] {
        if n == 0 {
            continue;
        }
        let blank = if out.len() > start { " " } else { "" };
        // Behind a negative part a positive one says so.
        let plus = if was_negative && n > 0 { "+" } else { "" };
        let plural = if n == 1 { "" } else { "s" };
        let _infallible = write!(out, "{blank}{plus}{n} {unit}{plural}");
        was_negative = n < 0;
    }
    if out.len() > start && interval.micros == 0 {
        return;
    }
    if out.len() > start {
        out.push(' ');
    }
    if interval.micros < 0 {
        out.push('-');
    } else if was_negative {
        out.push('+');
    }
    let (hours, minutes, seconds) = (parts.hours.abs(), parts.minutes.abs(), parts.seconds.abs());
    let _infallible = write!(out, "{hours:02}:{minutes:02}:{seconds:02}");
    push_fraction(parts.micros, out);
}

fn format_verbose(interval: Interval, out: &mut String) {
    let parts = Parts::of(interval);
    out.push('@');
    let start = out.len();
    let mut is_ago = None;
    let named = [
        (i64::from(parts.years), "year"),
        (i64::from(parts.months), "mon"),
        (i64::from(parts.days), "day"),
        (parts.hours, "hour"),
        (parts.minutes, "min"),
    ];
    for (n, unit) in named {
        if n != 0 {
            let ago = *is_ago.get_or_insert(n < 0);
            let n = if ago { -n } else { n };
            let plural = if n == 1 { "" } else { "s" };
            let _infallible = write!(out, " {n} {unit}{plural}");
        }
    }
    if parts.seconds != 0 || parts.micros != 0 {
        let is_negative = parts.seconds < 0 || parts.micros < 0;
        let ago = *is_ago.get_or_insert(is_negative);
        let sign = if is_negative == ago { "" } else { "-" };
        let _infallible = write!(out, " {sign}{}", parts.seconds.abs());
        push_fraction(parts.micros, out);
        out.push_str(if parts.seconds.abs() == 1 && parts.micros == 0 { " sec" } else { " secs" });
    }
    if out.len() == start {
        out.push_str(" 0");
    } else if is_ago == Some(true) {
        out.push_str(" ago");
    }
}

fn format_standard(interval: Interval, out: &mut String) {
    let parts = Parts::of(interval);
    let signs = [i64::from(interval.months), i64::from(interval.days), interval.micros];
    let has_negative = signs.iter().any(|n| *n < 0);
    let has_positive = signs.iter().any(|n| *n > 0);
    let has_months = interval.months != 0;
    let has_time = interval.days != 0 || interval.micros != 0;
    let is_mixed = (has_negative && has_positive) || (has_months && has_time);
    if !has_negative && !has_positive {
        return out.push('0');
    }
    let time = |out: &mut String| {
        let _infallible = write!(out, "{}:{:02}:{:02}", parts.hours.abs(), parts.minutes.abs(), parts.seconds.abs());
        push_fraction(parts.micros, out);
    };
    let sign = |negative: bool| if negative { '-' } else { '+' };
    if is_mixed {
        let months = sign(interval.months < 0);
        let _infallible = write!(out, "{months}{}-{} ", parts.years.abs(), parts.months.abs());
        let _infallible = write!(out, "{}{} ", sign(interval.days < 0), parts.days.abs());
        out.push(sign(interval.micros < 0));
        return time(out);
    }
    if has_negative {
        out.push('-');
    }
    if has_months {
        let _infallible = write!(out, "{}-{}", parts.years.abs(), parts.months.abs());
    } else {
        if interval.days != 0 {
            let _infallible = write!(out, "{} ", parts.days.abs());
        }
        time(out);
    }
}

fn format_iso(interval: Interval, out: &mut String) {
    let parts = Parts::of(interval);
    if interval == Interval::default() {
        return out.push_str("PT0S");
    }
    out.push('P');
    for (n, unit) in [(parts.years, 'Y'), (parts.months, 'M'), (parts.days, 'D')] {
        if n != 0 {
            let _infallible = write!(out, "{n}{unit}");
        }
    }
    if interval.micros == 0 {
        return;
    }
    out.push('T');
    for (n, unit) in [(parts.hours, 'H'), (parts.minutes, 'M')] {
        if n != 0 {
            let _infallible = write!(out, "{n}{unit}");
        }
    }
    if parts.seconds != 0 || parts.micros != 0 {
        let sign = if parts.seconds < 0 || parts.micros < 0 { "-" } else { "" };
        let _infallible = write!(out, "{sign}{}", parts.seconds.abs());
        push_fraction(parts.micros, out);
        out.push('S');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(text: &str, style: IntervalStyle) -> String {
        let mut out = String::new();
        format(parse(text, fields::FULL).unwrap_or_else(|error| panic!("{text}: {error:?}")), style, &mut out);
        out
    }

    #[test]
    fn texts_are_read_and_printed_as_postgresql_does() {
        for (given, expected) in [
            ("1 day", "1 day"),
            ("1 year 2 months 3 days 04:05:06.789", "1 year 2 mons 3 days 04:05:06.789"),
            ("1.5 years", "1 year 6 mons"),
            ("1.5 months", "1 mon 15 days"),
            ("1.5 weeks", "10 days 12:00:00"),
            ("1.25 hours", "01:15:00"),
            ("-1 day +2:03", "-1 days +02:03:00"),
            ("1 day ago", "-1 days"),
            ("@ 1 minute", "00:01:00"),
            ("1-2", "1 year 2 mons"),
            ("1 2:03:04", "1 day 02:03:04"),
            ("-1-2 3 4:05", "-1 years -2 mons -3 days -04:05:00"),
            ("30", "00:00:30"),
            ("1h30m", "01:30:00"),
            ("P1Y2M3DT4H5M6.5S", "1 year 2 mons 3 days 04:05:06.5"),
            ("PT-1S", "-00:00:01"),
            ("25:00", "25:00:00"),
            ("0", "00:00:00"),
            ("2 mons -1 days", "2 mons -1 days"),
        ] {
            assert_eq!(printed(given, IntervalStyle::Postgres), expected, "{given}");
        }
        for text in ["", "x", "1 x", "1 day day", "P", "ago"] {
            assert!(parse(text, fields::FULL).is_err(), "{text}");
        }
    }

    #[test]
    fn the_other_styles() {
        let text = "1 year 2 months 3 days 04:05:06";
        assert_eq!(printed(text, IntervalStyle::PostgresVerbose), "@ 1 year 2 mons 3 days 4 hours 5 mins 6 secs");
        assert_eq!(printed(text, IntervalStyle::SqlStandard), "+1-2 +3 +4:05:06");
        assert_eq!(printed(text, IntervalStyle::Iso8601), "P1Y2M3DT4H5M6S");
        assert_eq!(printed("-1 day", IntervalStyle::PostgresVerbose), "@ 1 day ago");
        assert_eq!(printed("0", IntervalStyle::Iso8601), "PT0S");
    }
}
