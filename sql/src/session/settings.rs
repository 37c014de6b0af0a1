//! Settings: SET, SHOW, RESET.
//!
//! A setting that does nothing here is not accepted and ignored: it is either one that has an effect, or one that can be
//! set only to the value that describes what happens anyway.

use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::error::{Result, SqlError, SqlState};
use crate::functions::system::{SERVER_VERSION, SERVER_VERSION_NUM};
use crate::types;

/// The longest value of a text setting.
const MAX_TEXT_BYTES: usize = 63;

/// What a session can set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name of the zone, as it was given.
    pub time_zone_name: Arc<str>,
    /// The zone.
    pub time_zone: TimeZone,
    /// `application_name`
    pub application_name: Arc<str>,
    /// `extra_float_digits`; every value from 1 on prints the shortest exact form, which is the only one here.
    pub extra_float_digits: i32,
    /// Which messages the client wants.
    pub client_min_messages: MinMessages,
}

/// Which messages the client wants.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum MinMessages {
    /// NOTICE and WARNING
    Notice,
    /// WARNING
    Warning,
    /// None.
    Error,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            time_zone_name: "UTC".into(),
            time_zone: TimeZone::UTC,
            application_name: "".into(),
            extra_float_digits: 1,
            client_min_messages: MinMessages::Notice,
        }
    }
}

/// Settings that can be set only to what is the case: name, the value shown, other spellings of it.
const FIXED: &[(&str, &str, &[&str])] = &[
    ("client_encoding", "UTF8", &["utf8", "utf-8", "unicode"]),
    ("DateStyle", "ISO, MDY", &["iso", "iso, mdy", "iso,mdy"]),
    ("IntervalStyle", "postgres", &["postgres"]),
    ("standard_conforming_strings", "on", &["on", "true", "1", "yes"]),
    ("search_path", "public", &["public", "\"$user\", public", "$user, public", "\"public\""]),
    ("statement_timeout", "0", &["0"]),
    ("lock_timeout", "0", &["0"]),
    ("idle_in_transaction_session_timeout", "0", &["0"]),
    ("default_transaction_isolation", "read committed", &["read committed", "read uncommitted"]),
    ("default_transaction_read_only", "off", &["off", "false", "0", "no"]),
    ("synchronous_commit", "on", &["on", "true", "1", "yes", "local"]),
    ("row_security", "on", &["on"]),
    ("bytea_output", "hex", &["hex"]),
];

/// What can be shown but not set.
const SHOWN: &[(&str, &str)] = &[
    ("server_version", SERVER_VERSION),
    ("server_version_num", SERVER_VERSION_NUM),
    ("server_encoding", "UTF8"),
    ("integer_datetimes", "on"),
    ("lc_collate", "C"),
    ("lc_ctype", "C"),
    ("max_identifier_length", "63"),
    ("max_index_keys", "32"),
    ("block_size", "8192"),
    ("in_hot_standby", "off"),
    ("is_superuser", "on"),
    ("transaction_isolation", "read committed"),
];

/// Settings that the client is told of when they change.
const REPORTED: &[&str] = &[
    "server_version",
    "server_encoding",
    "client_encoding",
    "DateStyle",
    "IntervalStyle",
    "TimeZone",
    "integer_datetimes",
    "standard_conforming_strings",
    "application_name",
    "is_superuser",
    "in_hot_standby",
    "default_transaction_read_only",
];

impl Settings {
    /// SHOW: the setting's own spelling and its value.
    pub fn show(&self, name: &str) -> Result<(&'static str, String)> {
        self.all().into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).ok_or_else(|| unrecognized(name))
    }

    /// Every setting with its value.
    pub fn all(&self) -> Vec<(&'static str, String)> {
        let min_messages = match self.client_min_messages {
            MinMessages::Notice => "notice",
            MinMessages::Warning => "warning",
            MinMessages::Error => "error",
        };
        let mut all = vec![
            ("TimeZone", self.time_zone_name.to_string()),
            ("application_name", self.application_name.to_string()),
            ("extra_float_digits", self.extra_float_digits.to_string()),
            ("client_min_messages", min_messages.to_owned()),
        ];
        all.extend(FIXED.iter().map(|(name, value, _)| (*name, (*value).to_owned())));
        all.extend(SHOWN.iter().map(|(name, value)| (*name, (*value).to_owned())));
        all
    }

    /// Those that the client is told of.
    pub fn reported(&self) -> Vec<(&'static str, String)> {
        self.all().into_iter().filter(|(name, _)| REPORTED.contains(name)).collect()
    }

    /// SET; none for DEFAULT.
    pub fn set(&mut self, name: &str, value: Option<&str>) -> Result<()> {
        let defaults = Self::default();
        match (name.to_ascii_lowercase().as_str(), value) {
            ("timezone", None) => {
                self.time_zone = defaults.time_zone;
                self.time_zone_name = defaults.time_zone_name;
            }
            ("timezone", Some(value)) => {
                self.time_zone = types::time_zone(value)?;
                self.time_zone_name = value.into();
            }
            ("application_name", value) => {
                let value = value.unwrap_or_default();
                self.application_name = value.get(..value.floor_char_boundary(MAX_TEXT_BYTES)).unwrap_or(value).into();
            }
            ("extra_float_digits", None) => self.extra_float_digits = defaults.extra_float_digits,
            ("extra_float_digits", Some(value)) => {
                self.extra_float_digits = match value.trim().parse() {
                    Ok(digits @ 1..=3) => digits,
                    Ok(digits @ -15..=0) => {
                        return Err(SqlError::unsupported(format!("extra_float_digits = {digits}"))
                            .with_hint("Floating-point values are printed exactly, as for 1, 2 and 3."));
                    }
                    _ => return Err(invalid(name, value)),
                };
            }
            ("client_min_messages", None) => self.client_min_messages = defaults.client_min_messages,
            ("client_min_messages", Some(value)) => {
                self.client_min_messages = match value.to_ascii_lowercase().as_str() {
                    // There are no messages below NOTICE.
                    "notice" | "log" | "debug" | "debug1" | "debug2" | "debug3" | "debug4" | "debug5" => {
                        MinMessages::Notice
                    }
                    "warning" => MinMessages::Warning,
                    "error" => MinMessages::Error,
                    _ => return Err(invalid(name, value)),
                };
            }
            (lower, value) => return set_fixed(lower, value),
        }
        Ok(())
    }
}

fn set_fixed(lower: &str, value: Option<&str>) -> Result<()> {
    if let Some((name, shown, spellings)) = FIXED.iter().find(|(name, _, _)| name.eq_ignore_ascii_case(lower)) {
        let Some(value) = value else { return Ok(()) };
        let plain = value.trim().to_ascii_lowercase();
        if plain == shown.to_ascii_lowercase() || spellings.contains(&plain.as_str()) {
            return Ok(());
        }
        return Err(SqlError::unsupported(format!("{name} = '{value}'"))
            .with_hint(format!("The only value of {name} is '{shown}'.")));
    }
    if SHOWN.iter().any(|(name, _)| name.eq_ignore_ascii_case(lower)) {
        return Err(SqlError::new(SqlState("55P02"), format!("parameter \"{lower}\" cannot be changed")));
    }
    Err(unrecognized(lower))
}

fn unrecognized(name: &str) -> SqlError {
    SqlError::new(SqlState::UNDEFINED_OBJECT, format!("unrecognized configuration parameter \"{name}\""))
}

fn invalid(name: &str, value: &str) -> SqlError {
    SqlError::new(SqlState::INVALID_PARAMETER_VALUE, format!("invalid value for parameter \"{name}\": \"{value}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_without_effect_take_only_what_is_the_case() {
        let mut settings = Settings::default();
        settings.set("client_encoding", Some("utf-8")).unwrap();
        settings.set("DATESTYLE", Some("ISO")).unwrap();
        assert_eq!(settings.set("datestyle", Some("German")).unwrap_err().state, SqlState::FEATURE_NOT_SUPPORTED);
        assert_eq!(settings.set("statement_timeout", Some("5s")).unwrap_err().state, SqlState::FEATURE_NOT_SUPPORTED);
        assert_eq!(settings.set("no_such", Some("1")).unwrap_err().state, SqlState::UNDEFINED_OBJECT);
        assert_eq!(settings.set("server_version", Some("16")).unwrap_err().state, SqlState("55P02"));
    }

    #[test]
    fn settings_are_shown_by_any_spelling() {
        let mut settings = Settings::default();
        settings.set("Application_Name", Some("till")).unwrap();
        assert_eq!(settings.show("APPLICATION_NAME").unwrap(), ("application_name", "till".to_owned()));
        assert_eq!(settings.show("timezone").unwrap(), ("TimeZone", "UTC".to_owned()));
        settings.set("application_name", None).unwrap();
        assert_eq!(settings.show("application_name").unwrap().1, "");
    }
}
