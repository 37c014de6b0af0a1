//! Values of settings: from text, with units, and back.

use std::sync::Arc;

use super::Settings;
use super::definition::{Definition, Kind, Unit};
use crate::error::{Result, SqlError, SqlState};
use crate::types::float;

/// The value of a setting.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// on or off
    Bool(bool),
    /// In the setting's unit.
    Integer(i32),
    /// A number.
    Real(f64),
    /// One of the setting's words.
    Word(&'static str),
    /// A text.
    Text(Arc<str>),
}

/// A unit that can be written after a number, and how many of the base it is.
type Factor = (&'static str, f64);

const MEMORY: [Factor; 5] = [
    ("B", 1.0),
    ("kB", 1024.0),
    ("MB", 1024.0 * 1024.0),
    ("GB", 1024.0 * 1024.0 * 1024.0),
    ("TB", 1024.0 * 1024.0 * 1024.0 * 1024.0),
];
const TIME: [Factor; 6] =
    [("us", 0.001), ("ms", 1.0), ("s", 1000.0), ("min", 60_000.0), ("h", 3_600_000.0), ("d", 86_400_000.0)];

impl Unit {
    /// The units that can be written, and how much of the smallest one this unit is.
    const fn family(self) -> Option<(&'static [Factor], f64)> {
        match self {
            Self::None => None,
            Self::Bytes => Some((&MEMORY, 1.0)),
            Self::Kilobytes => Some((&MEMORY, 1024.0)),
            Self::Blocks => Some((&MEMORY, 8192.0)),
            Self::Milliseconds => Some((&TIME, 1.0)),
            Self::Seconds => Some((&TIME, 1000.0)),
        }
    }

    /// Its name in `pg_settings`.
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Bytes => Some("B"),
            Self::Kilobytes => Some("kB"),
            Self::Blocks => Some("8kB"),
            Self::Milliseconds => Some("ms"),
            Self::Seconds => Some("s"),
        }
    }
}

impl Definition {
    /// Reads a text.
    pub(super) fn read(&self, settings: &Settings, text: &str) -> Result<Value> {
        let value = match &self.kind {
            Kind::Bool(_) => parse_bool(text).map(Value::Bool).ok_or_else(|| {
                SqlError::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("parameter \"{}\" requires a Boolean value", self.name),
                )
            })?,
            Kind::Integer { min, max, unit, .. } => Value::Integer(self.read_integer(text, (*min, *max), *unit)?),
            Kind::Real { min, max, .. } => Value::Real(self.read_real(text, (*min, *max))?),
            Kind::Enum { values, aliases, .. } => Value::Word(self.read_word(text, values, aliases)?),
            Kind::Text { check: Some(check), .. } => Value::Text(check(settings, text)?.into()),
            Kind::Text { check: None, .. } => Value::Text(text.into()),
        };
        self.check_built(&value)?;
        Ok(value)
    }

    fn read_integer(&self, text: &str, (min, max): (i32, i32), unit: Unit) -> Result<i32> {
        let (number, suffix) = split_number(text).ok_or_else(|| invalid(self.name, text))?;
        let factor = self.factor(text, suffix, unit)?;
        let value = (number * factor).round_ties_even();
        if !(f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&value) {
            return Err(invalid(self.name, text).with_hint("Value exceeds integer range."));
        }
        #[allow(clippy::cast_possible_truncation, reason = "bounded above")]
        let value = value as i32;
        if (min..=max).contains(&value) {
            return Ok(value);
        }
        let unit = unit.name().map(|unit| format!(" {unit}")).unwrap_or_default();
        Err(self.outside(&format!("{value}{unit}"), &min.to_string(), &max.to_string()))
    }

    fn read_real(&self, text: &str, (min, max): (f64, f64)) -> Result<f64> {
        let (value, suffix) = split_number(text).ok_or_else(|| invalid(self.name, text))?;
        self.factor(text, suffix, Unit::None)?;
        if (min..=max).contains(&value) {
            return Ok(value);
        }
        Err(self.outside(&general(value), &general(min), &general(max)))
    }

    fn factor(&self, text: &str, suffix: &str, unit: Unit) -> Result<f64> {
        if suffix.is_empty() {
            return Ok(1.0);
        }
        let Some((family, base)) = unit.family() else { return Err(invalid(self.name, text)) };
        let found = family.iter().find(|(name, _)| *name == suffix);
        found.map(|(_, factor)| factor / base).ok_or_else(|| {
            let (last, others) = family.split_last().expect("BUG: a family has units");
            let others: Vec<String> = others.iter().map(|(name, _)| format!("\"{name}\"")).collect();
            let units = format!("{}, and \"{}\"", others.join(", "), last.0);
            invalid(self.name, text).with_hint(format!("Valid units for this parameter are {units}."))
        })
    }

    fn outside(&self, value: &str, min: &str, max: &str) -> SqlError {
        SqlError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("{value} is outside the valid range for parameter \"{}\" ({min} .. {max})", self.name),
        )
    }

    fn read_word(
        &self,
        text: &str,
        values: &'static [&'static str],
        aliases: &'static [(&'static str, &'static str)],
    ) -> Result<&'static str> {
        let same = |word: &str| word.eq_ignore_ascii_case(text);
        let found = values.iter().find(|word| same(word)).copied();
        let alias = || aliases.iter().find(|(word, _)| same(word)).map(|(_, word)| *word);
        found
            .or_else(alias)
            .ok_or_else(|| invalid(self.name, text).with_hint(format!("Available values: {}.", values.join(", "))))
    }

    /// The value as SHOW prints it: with a unit.
    pub fn show(&self, value: &Value) -> String {
        match (value, &self.kind) {
            (Value::Integer(number), Kind::Integer { unit, .. }) => show_integer(*number, *unit),
            _ => self.plain(value),
        }
    }

    /// The value as `pg_settings` has it: without a unit.
    pub fn plain(&self, value: &Value) -> String {
        match value {
            Value::Bool(true) => "on".to_owned(),
            Value::Bool(false) => "off".to_owned(),
            Value::Integer(number) => number.to_string(),
            Value::Real(number) => general(*number),
            Value::Word(word) => (*word).to_owned(),
            Value::Text(text) => text.to_string(),
        }
    }
}

/// A number and what follows it, without the space around them.
fn split_number(text: &str) -> Option<(f64, &str)> {
    let text = text.trim_ascii();
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    if let Some(hex) = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X")) {
        let end = hex.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(hex.len());
        let (digits, rest) = hex.split_at_checked(end)?;
        let number = u32::from_str_radix(digits, 16).ok()?;
        return Some((sign * f64::from(number), rest.trim_ascii()));
    }
    let is_number = |(at, c): (usize, char)| {
        let after_exponent = unsigned.get(..at).is_some_and(|before| before.ends_with(['e', 'E']));
        let is_exponent = matches!(c, 'e' | 'E')
            && unsigned
                .get(at + 1..)
                .is_some_and(|rest| rest.trim_start_matches(['+', '-']).starts_with(|c: char| c.is_ascii_digit()));
        c.is_ascii_digit() || c == '.' || is_exponent || (matches!(c, '+' | '-') && after_exponent)
    };
    let end = unsigned.char_indices().find(|place| !is_number(*place)).map_or(unsigned.len(), |(at, _)| at);
    let (digits, rest) = unsigned.split_at_checked(end)?;
    let number: f64 = digits.parse().ok()?;
    Some((sign * number, rest.trim_ascii()))
}

/// The largest unit in which the number is whole.
fn show_integer(number: i32, unit: Unit) -> String {
    let Some((family, base)) = unit.family() else { return number.to_string() };
    if number <= 0 {
        return number.to_string();
    }
    let total = f64::from(number) * base;
    let whole = family.iter().rev().find(|(_, factor)| (total / factor).fract() == 0.0);
    match whole {
        Some((name, factor)) => format!("{}{name}", total / factor),
        None => number.to_string(),
    }
}

/// A number as C's `%g` prints it.
fn general(number: f64) -> String {
    let mut out = String::new();
    float::format_general(number, 6, &mut out);
    out
}

/// on and off in PostgreSQL's spellings: `true`, `yes`, `1` and what begins them unmistakably.
pub(super) fn parse_bool(text: &str) -> Option<bool> {
    let lower = text.to_ascii_lowercase();
    let begins = |word: &str, least: usize| lower.len() >= least && word.starts_with(&lower);
    if begins("true", 1) || begins("yes", 1) || lower == "on" || lower == "1" {
        return Some(true);
    }
    if begins("false", 1) || begins("no", 1) || begins("off", 2) || lower == "0" {
        return Some(false);
    }
    None
}

/// The error for a text that is no value of a setting.
pub(super) fn invalid(name: &str, text: &str) -> SqlError {
    SqlError::new(SqlState::INVALID_PARAMETER_VALUE, format!("invalid value for parameter \"{name}\": \"{text}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_split_from_their_units() {
        assert_eq!(split_number(" 1.5MB "), Some((1.5, "MB")));
        assert_eq!(split_number("-3 ms"), Some((-3.0, "ms")));
        assert_eq!(split_number("0x10"), Some((16.0, "")));
        assert_eq!(split_number("1e3"), Some((1000.0, "")));
        assert_eq!(split_number("abc"), None);
        assert_eq!(split_number(""), None);
    }

    #[test]
    fn numbers_are_shown_in_the_largest_whole_unit() {
        assert_eq!(show_integer(4096, Unit::Kilobytes), "4MB");
        assert_eq!(show_integer(5000, Unit::Kilobytes), "5000kB");
        assert_eq!(show_integer(90_000, Unit::Milliseconds), "90s");
        assert_eq!(show_integer(0, Unit::Milliseconds), "0");
        assert_eq!(show_integer(16_384, Unit::Blocks), "128MB");
    }

    #[test]
    fn reals_are_printed_as_c_does() {
        assert_eq!(general(1000.0), "1000");
        assert_eq!(general(0.0025), "0.0025");
        assert_eq!(general(f64::MAX), "1.79769e+308");
        assert_eq!(general(-1.0), "-1");
        assert_eq!(general(1e6), "1e+06");
    }

    #[test]
    fn booleans_have_unmistakable_beginnings() {
        assert_eq!(parse_bool("Tr"), Some(true));
        assert_eq!(parse_bool("of"), Some(false));
        assert_eq!(parse_bool("o"), None);
        assert_eq!(parse_bool(""), None);
    }
}
