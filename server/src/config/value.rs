//! Values of keys, and how they are written.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use super::ConfigError;
use super::keys::{Key, Kind};

/// A value of a key.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// A text, path, word or secret.
    Text(String),
    /// `true` or `false`.
    Flag(bool),
    /// A whole number, or bytes.
    Number(u64),
    /// A decimal number.
    Decimal(f64),
    /// A time.
    Duration(Duration),
    /// An address.
    Address(SocketAddr),
    /// Names and texts.
    Table(BTreeMap<String, String>),
    /// Texts.
    List(Vec<String>),
}

impl Value {
    /// Reads a value as it is written on the command line and in the environment.
    pub fn parse(key: &Key, text: &str) -> Result<Self, ConfigError> {
        let text = text.trim();
        let value = match key.kind {
            Kind::Text | Kind::Secret | Kind::Path => Ok(Self::Text(text.to_owned())),
            Kind::Flag => match text {
                "true" => Ok(Self::Flag(true)),
                "false" => Ok(Self::Flag(false)),
                _ => Err("expected true or false".to_owned()),
            },
            Kind::Count(least, most) => count(text, least, most).map(Self::Number),
            Kind::Decimal => match text.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(Self::Decimal(number)),
                _ => Err("expected a number".to_owned()),
            },
            Kind::Size => size(text).map(Self::Number),
            Kind::Duration => duration(text).map(Self::Duration),
            Kind::Address => address(text).map(Self::Address),
            Kind::Choice(words) if words.contains(&text) => Ok(Self::Text(text.to_owned())),
            Kind::Choice(words) => Err(format!("expected one of {}", words.join(", "))),
            Kind::Table => toml::from_str::<BTreeMap<String, BTreeMap<String, String>>>(&format!("x = {text}"))
                .map(|mut tables| Self::Table(tables.remove("x").unwrap_or_default()))
                .map_err(|_| "expected a table of texts such as { name = \"value\" }".to_owned()),
            Kind::List => Ok(Self::List(text.split(',').map(|item| item.trim().to_owned()).collect())),
        };
        value.map_err(|what| ConfigError(format!("{}: \"{}\": {what}", key.path, shown(key, text))))
    }

    /// Reads a value of a TOML file.
    pub fn from_toml(key: &Key, value: &toml::Value) -> Result<Self, ConfigError> {
        match (key.kind, value) {
            (Kind::Table, toml::Value::Table(table)) => texts(key, table.iter()).map(Self::Table),
            (Kind::List, toml::Value::Array(items)) => items
                .iter()
                .map(|item| item.as_str().map(str::to_owned).ok_or_else(|| wrong_type(key)))
                .collect::<Result<_, _>>()
                .map(Self::List),
            (Kind::Table | Kind::List, _) => Err(wrong_type(key)),
            (Kind::Flag, toml::Value::Boolean(flag)) => Ok(Self::Flag(*flag)),
            (Kind::Flag, _) => Err(wrong_type(key)),
            (Kind::Count(..) | Kind::Decimal | Kind::Size | Kind::Duration, toml::Value::Integer(number)) => {
                Self::parse(key, &number.to_string())
            }
            (Kind::Decimal | Kind::Duration, toml::Value::Float(number)) => Self::parse(key, &number.to_string()),
            (_, toml::Value::String(text)) => Self::parse(key, text),
            _ => Err(wrong_type(key)),
        }
    }
}

fn texts<'a>(
    key: &Key,
    entries: impl Iterator<Item = (&'a String, &'a toml::Value)>,
) -> Result<BTreeMap<String, String>, ConfigError> {
    entries
        .map(|(name, value)| match value.as_str() {
            Some(text) => Ok((name.clone(), text.to_owned())),
            None => Err(ConfigError(format!("{}.{name}: expected a text in quotes", key.path))),
        })
        .collect()
}

fn wrong_type(key: &Key) -> ConfigError {
    let expected = match key.kind {
        Kind::Text | Kind::Secret | Kind::Path => "a text in quotes".to_owned(),
        Kind::Flag => "true or false".to_owned(),
        Kind::Count(..) => "a whole number".to_owned(),
        Kind::Decimal => "a number".to_owned(),
        Kind::Size => "a size such as \"64MB\"".to_owned(),
        Kind::Duration => "a time such as \"30 days\", or seconds".to_owned(),
        Kind::Address => "an address such as \"127.0.0.1:5432\"".to_owned(),
        Kind::Choice(words) => format!("one of {}", words.join(", ")),
        Kind::Table => "a table of texts".to_owned(),
        Kind::List => "a list of texts".to_owned(),
    };
    ConfigError(format!("{}: expected {expected}", key.path))
}

fn shown<'a>(key: &Key, text: &'a str) -> &'a str {
    if key.kind == Kind::Secret { "…" } else { text }
}

impl fmt::Display for Value {
    /// As TOML.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |text: &str| toml::Value::String(text.to_owned());
        match self {
            Self::Text(value) => text(value).fmt(f),
            Self::Flag(value) => value.fmt(f),
            Self::Number(value) => value.fmt(f),
            Self::Decimal(value) => write!(f, "{value:?}"),
            Self::Duration(value) if value.subsec_nanos() == 0 => value.as_secs().fmt(f),
            Self::Duration(value) => text(&format!("{} ms", value.as_millis())).fmt(f),
            Self::Address(value) => text(&value.to_string()).fmt(f),
            Self::Table(entries) => {
                let entries: Vec<String> = entries.iter().map(|(k, v)| format!("{} = {}", text(k), text(v))).collect();
                write!(f, "{{ {} }}", entries.join(", "))
            }
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(|item| text(item).to_string()).collect();
                write!(f, "[{}]", items.join(", "))
            }
        }
    }
}

fn count(text: &str, least: u64, most: u64) -> Result<u64, String> {
    let number = text.parse::<u64>().map_err(|_| "expected a whole number".to_owned())?;
    match (number < least, number > most) {
        (true, _) => Err(format!("must be at least {least}")),
        (_, true) => Err(format!("must be at most {most}")),
        _ => Ok(number),
    }
}

/// Splits `64MB` into number and unit.
fn number_and_unit(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number, unit.trim())
}

/// Bytes: a whole number with a 1024-based unit.
fn size(text: &str) -> Result<u64, String> {
    let expected = || "expected a size such as 64MB".to_owned();
    let (number, unit) = number_and_unit(text);
    let shift = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return Err(expected()),
    };
    let number = number.parse::<u64>().map_err(|_| expected())?;
    number.checked_mul(1_u64 << shift).ok_or_else(|| "the size is too large".to_owned())
}

/// The longest time that a key can have: a century.
const MAX_DURATION: Duration = Duration::from_secs(100 * 366 * 24 * 3600);

/// Seconds, or numbers with units: `90`, `1.5 s`, `30 days`, `1 h 30 min`.
fn duration(text: &str) -> Result<Duration, String> {
    let expected = || "expected a time such as 30 days, or seconds".to_owned();
    let mut total = Duration::ZERO;
    let mut rest = text;
    let mut first = true;
    while !rest.is_empty() || first {
        let (number, after) = number_and_unit(rest);
        let end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let seconds = match unit.to_ascii_lowercase().as_str() {
            "" if first && after.is_empty() => 1.0,
            "ms" | "millisecond" | "milliseconds" => 0.001,
            "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
            "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
            "h" | "hour" | "hours" => 3600.0,
            "d" | "day" | "days" => 86_400.0,
            "w" | "week" | "weeks" => 604_800.0,
            _ => return Err(expected()),
        };
        let number = number.parse::<f64>().map_err(|_| expected())?;
        let part = Duration::try_from_secs_f64(number * seconds).map_err(|_| expected())?;
        total = total.checked_add(part).filter(|total| *total <= MAX_DURATION).ok_or("the time is too long")?;
        rest = after.trim_start();
        first = false;
    }
    Ok(total)
}

fn address(text: &str) -> Result<SocketAddr, String> {
    // The one name whose address never changes.
    let numeric = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    numeric
        .as_deref()
        .unwrap_or(text)
        .parse()
        .map_err(|_| "expected an IP address and a port, such as 127.0.0.1:5432".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_1024_based() {
        for (text, bytes) in [
            ("0", 0),
            ("100", 100),
            ("100B", 100),
            ("64MB", 64 << 20),
            ("64 mb", 64 << 20),
            ("1k", 1024),
            ("10GB", 10 << 30),
            ("2 TiB", 2 << 40),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "MB", "1.5GB", "-1", "10 XB", "99999999999TB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_are_seconds_or_have_units() {
        let seconds = Duration::from_secs;
        for (text, expected) in [
            ("0", seconds(0)),
            ("60", seconds(60)),
            ("10 s", seconds(10)),
            ("10s", seconds(10)),
            ("1.5 s", Duration::from_millis(1500)),
            ("250 ms", Duration::from_millis(250)),
            ("5 min", seconds(300)),
            ("1 hour 30 minutes", seconds(5400)),
            ("30 days", seconds(30 * 86_400)),
            ("2 weeks", seconds(14 * 86_400)),
        ] {
            assert_eq!(duration(text), Ok(expected), "{text}");
        }
        for text in ["", "s", "-5", "5 years", "5 min 3", "1..2 s", "99999999 days"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn addresses() {
        assert_eq!(address("localhost:1").unwrap().to_string(), "127.0.0.1:1");
        assert_eq!(address("[::1]:5432").unwrap().to_string(), "[::1]:5432");
        for text in ["", "5432", "127.0.0.1", "example.com:5432", "127.0.0.1:65536"] {
            assert!(address(text).is_err(), "{text}");
        }
    }

    #[test]
    fn secrets_are_not_in_errors() {
        let key = Key { path: "x", kind: Kind::Secret, default: "", built: super::super::keys::Built::Yes, about: "" };
        assert_eq!(shown(&key, "secret"), "…");
    }
}
