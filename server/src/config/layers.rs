//! The layers of a configuration, and what comes of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::ConfigError;
use super::keys::{Built, KEYS, Key, Kind};
use super::nearest::nearest_key;
use super::value::Value;

/// Where a setting comes from; a later one overrides an earlier one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// The table of keys.
    Default,
    /// A file.
    File(PathBuf),
    /// A variable of the environment.
    Env(String),
    /// The command line.
    Flag,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => path.display().fmt(f),
            Self::Env(name) => f.write_str(name),
            Self::Flag => f.write_str("flag"),
        }
    }
}

/// The settings that were made, by key.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    made: BTreeMap<&'static str, (Value, Source)>,
    warnings: Vec<String>,
}

impl Settings {
    /// Reads a file, the environment and the flags, in this order.
    pub fn load<'a>(
        file: Option<&Path>,
        env: impl Iterator<Item = (String, String)>,
        flags: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, ConfigError> {
        let mut settings = Self::default();
        if let Some(path) = file {
            let text = std::fs::read_to_string(path)
                .map_err(|error| ConfigError(format!("the configuration file {}: {error}", path.display())))?;
            settings.read_file(path, &text)?;
        }
        settings.read_env(env)?;
        for (path, text) in flags {
            let key = Key::find(path).ok_or_else(|| unknown(path, &Source::Flag))?;
            settings.set(key, Value::parse(key, text)?, Source::Flag);
        }
        Ok(settings)
    }

    fn set(&mut self, key: &'static Key, value: Value, source: Source) {
        // An empty text unsets, so that a variable of the environment can be cleared in a compose file.
        if key.kind != Kind::Table && value == Value::Text(String::new()) {
            self.made.remove(key.path);
        } else {
            self.made.insert(key.path, (value, source));
        }
    }

    fn read_file(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        let source = Source::File(path.to_owned());
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map(|span| text.get(..span.start).map_or(0, |before| before.matches('\n').count()));
            let line = line.map_or_else(String::new, |line| format!(", line {}", line.saturating_add(1)));
            ConfigError(format!("{}{line}: {}", path.display(), error.message()))
        })?;
        self.read_table("", &table, &source)
    }

    fn read_table(&mut self, prefix: &str, table: &toml::Table, source: &Source) -> Result<(), ConfigError> {
        for (name, value) in table {
            let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            match (Key::find(&path), value) {
                (Some(key), value) => {
                    let value = Value::from_toml(key, value).map_err(|error| at(source, error))?;
                    self.set(key, value, source.clone());
                }
                (None, toml::Value::Table(section)) if is_section(&path) => self.read_table(&path, section, source)?,
                (None, toml::Value::Table(_)) => return Err(unknown_section(&path, source)),
                (None, _) => return Err(unknown(&path, source)),
            }
        }
        Ok(())
    }

    fn read_env(&mut self, env: impl Iterator<Item = (String, String)>) -> Result<(), ConfigError> {
        for (name, text) in env {
            // HELIOS_PASSWORD is read where it is used, so that no listing of the configuration shows it.
            if !name.starts_with("HELIOS_") || name == "HELIOS_PASSWORD" {
                continue;
            }
            match Key::find_env(&name) {
                Some(key) => {
                    let source = Source::Env(name);
                    let value = Value::parse(key, &text).map_err(|error| at(&source, error))?;
                    self.set(key, value, source);
                }
                None => self.warnings.push(format!("{name} is not a configuration key and is ignored")),
            }
        }
        Ok(())
    }

    /// What is odd but no error.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Refuses settings whose feature is not built, by name.
    pub(super) fn check_built(&self) -> Result<(), ConfigError> {
        for (path, (value, source)) in &self.made {
            let key = Key::find(path).expect("BUG: only known keys are set");
            let is_default = !key.default.is_empty() && Value::parse(key, key.default).as_ref() == Ok(value);
            let empty = matches!(value, Value::Table(entries) if entries.is_empty())
                || matches!(value, Value::List(items) if items.is_empty());
            let missing = match key.built {
                Built::No(feature) if !is_default && !empty => Some(feature),
                Built::Except(words, feature) => match value {
                    Value::Text(word) if words.contains(&word.as_str()) => Some(feature),
                    _ => None,
                },
                Built::Yes | Built::No(_) => None,
            };
            if let Some(feature) = missing {
                let error = ConfigError(format!("{path}: {feature} is not built into this version"));
                return Err(at(source, error));
            }
        }
        Ok(())
    }

    /// The value of a key, made or default.
    fn get(&self, path: &str) -> Option<Value> {
        let key = Key::find(path).expect("BUG: the program reads only known keys");
        match self.made.get(path) {
            Some((value, _)) => Some(value.clone()),
            None if key.default.is_empty() => None,
            None => Some(Value::parse(key, key.default).expect("BUG: defaults are valid")),
        }
    }

    pub(super) fn text(&self, path: &str) -> Option<String> {
        match self.get(path) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub(super) fn flag(&self, path: &str) -> bool {
        self.get(path) == Some(Value::Flag(true))
    }

    pub(super) fn number(&self, path: &str) -> u64 {
        match self.get(path) {
            Some(Value::Number(number)) => number,
            _ => 0,
        }
    }

    pub(super) fn count(&self, path: &str) -> usize {
        usize::try_from(self.number(path)).unwrap_or(usize::MAX)
    }

    pub(super) fn duration(&self, path: &str) -> Duration {
        match self.get(path) {
            Some(Value::Duration(duration)) => duration,
            _ => Duration::ZERO,
        }
    }

    pub(super) fn address(&self, path: &str) -> SocketAddr {
        match self.get(path) {
            Some(Value::Address(address)) => address,
            _ => unreachable!("BUG: addresses have defaults"),
        }
    }

    /// All keys with their values and sources, as TOML with comments; secrets are left out.
    pub fn show(&self) -> String {
        let mut shown = String::new();
        let mut section = "";
        for key in KEYS {
            let (this_section, name) = key.path.rsplit_once('.').unwrap_or(("", key.path));
            if this_section != section {
                section = this_section;
                let _ = writeln!(shown, "\n[{section}]");
            }
            let source = self.made.get(key.path).map_or(&Source::Default, |made| &made.1);
            let not_built = if matches!(key.built, Built::No(_)) { "; not built into this version" } else { "" };
            let _ = match self.get(key.path) {
                Some(_) if key.kind == Kind::Secret => writeln!(shown, "# {name} is set  ({source})"),
                Some(value) => writeln!(shown, "{name} = {value}  # {}; {source}{not_built}", key.about),
                None => writeln!(shown, "# {name}  # {}; not set{not_built}", key.about),
            };
        }
        shown
    }
}

fn is_section(path: &str) -> bool {
    KEYS.iter().any(|key| key.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}

fn at(source: &Source, error: ConfigError) -> ConfigError {
    match source {
        Source::Default | Source::Flag => error,
        Source::File(_) | Source::Env(_) => ConfigError(format!("{source}: {error}")),
    }
}

fn unknown(path: &str, source: &Source) -> ConfigError {
    at(source, ConfigError(format!("{path} is not a configuration key; did you mean {}?", nearest_key(path))))
}

fn unknown_section(path: &str, source: &Source) -> ConfigError {
    let nearest = nearest_key(&format!("{path}."));
    let section = nearest.rsplit_once('.').map_or(nearest, |(section, _)| section);
    at(source, ConfigError(format!("[{path}] is not a section of the configuration; did you mean [{section}]?")))
}
