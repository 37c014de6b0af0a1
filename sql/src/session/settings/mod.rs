//! Settings: SET, SHOW, RESET.
//!
//! All that the server knows are in one table. A setting that does nothing here is not accepted and ignored: it
//! either has an effect, or takes only the values that describe what happens anyway (`only` in the table), or
//! `docs/compatibility.md` says why nothing depends on it (`no_effect` in the table).

mod check;
mod definition;
mod stack;
mod table;
mod value;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;

pub use definition::{Context, Definition, Kind, List, Unit};
pub(crate) use stack::Saved;
pub use stack::SettingsStack;
pub use table::{DEFINITIONS, Setting};
pub use value::Value;

use crate::error::{Result, SqlError, SqlState};
use crate::plan::context::{Methods, PlannerSettings};
use crate::types::context::Styles;
use crate::types::style::{ByteaOutput, DateOrder, DateStyle, IntervalStyle};
use crate::types::{self, datetime};

/// How many settings of its own making (`a.b`) a session may have.
const MAX_CUSTOM: usize = 1_000;
/// The longest value of a setting.
const MAX_VALUE_BYTES: usize = 64 * 1024;
/// First parts of names that are not to be had for settings of a client's own making.
const RESERVED_PREFIXES: &[&str] = &["helios"];

/// Where a value comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// Nobody has set it.
    Default,
    /// The server's configuration.
    Configuration,
    /// The startup packet.
    Client,
    /// SET
    Session,
}

impl Source {
    /// Its name in `pg_settings`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Configuration => "configuration file",
            Self::Client => "client",
            Self::Session => "session",
        }
    }
}

/// The values of all settings at one moment.
#[derive(Clone, Debug)]
pub struct Settings {
    /// In the order of [`DEFINITIONS`].
    values: Vec<(Value, Source)>,
    /// Settings of the client's own making, by their names in lower case.
    custom: BTreeMap<String, Arc<str>>,
    time_zone: TimeZone,
    date_style: (DateStyle, DateOrder),
    search_path: Arc<[String]>,
    planning: Arc<str>,
}

impl Default for Settings {
    fn default() -> Self {
        let mut settings = Self {
            values: DEFINITIONS.iter().map(|definition| (definition.default(), Source::Default)).collect(),
            custom: BTreeMap::new(),
            time_zone: TimeZone::UTC,
            date_style: (DateStyle::Iso, DateOrder::Mdy),
            search_path: Arc::default(),
            planning: "".into(),
        };
        settings.derive();
        settings
    }
}

/// What SHOW shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shown {
    /// The setting's own spelling.
    pub name: String,
    /// Its value, with a unit.
    pub value: String,
}

// What the rest of the program asks for.
impl Settings {
    /// Whether a setting is on.
    pub fn is_on(&self, setting: Setting) -> bool {
        matches!(self.value(setting), Value::Bool(true))
    }

    /// A number, in the setting's unit.
    pub fn integer(&self, setting: Setting) -> i32 {
        match self.value(setting) {
            Value::Integer(number) => *number,
            _ => 0,
        }
    }

    /// A number.
    pub fn real(&self, setting: Setting) -> f64 {
        match self.value(setting) {
            Value::Real(number) => *number,
            _ => 0.0,
        }
    }

    /// A word or a text.
    pub fn text(&self, setting: Setting) -> &str {
        match self.value(setting) {
            Value::Word(word) => word,
            Value::Text(text) => text,
            _ => "",
        }
    }

    /// The zone in which times are printed and read.
    pub const fn time_zone(&self) -> &TimeZone {
        &self.time_zone
    }

    /// How dates are printed and in which order their parts are read.
    pub const fn date_style(&self) -> (DateStyle, DateOrder) {
        self.date_style
    }

    /// What the planner may do, and what it takes things to cost.
    pub fn planner(&self) -> PlannerSettings {
        PlannerSettings {
            methods: Methods {
                seqscan: self.is_on(Setting::EnableSeqscan),
                indexscan: self.is_on(Setting::EnableIndexscan),
                indexonlyscan: self.is_on(Setting::EnableIndexonlyscan),
                bitmapscan: self.is_on(Setting::EnableBitmapscan),
                nestloop: self.is_on(Setting::EnableNestloop),
                hashjoin: self.is_on(Setting::EnableHashjoin),
                mergejoin: self.is_on(Setting::EnableMergejoin),
                sort: self.is_on(Setting::EnableSort),
                hashagg: self.is_on(Setting::EnableHashagg),
            },
            seq_page_cost: self.real(Setting::SeqPageCost),
            random_page_cost: self.real(Setting::RandomPageCost),
            cpu_tuple_cost: self.real(Setting::CpuTupleCost),
            cpu_index_tuple_cost: self.real(Setting::CpuIndexTupleCost),
            cpu_operator_cost: self.real(Setting::CpuOperatorCost),
            work_mem: usize::try_from(self.integer(Setting::WorkMem)).unwrap_or(4096).saturating_mul(1024),
        }
    }

    /// How intervals are printed.
    pub fn interval_style(&self) -> IntervalStyle {
        IntervalStyle::by_name(self.text(Setting::IntervalStyle))
    }

    /// All that steers text forms.
    pub fn styles(&self) -> Styles {
        let (date, date_order) = self.date_style;
        let float_digits = i8::try_from(self.integer(Setting::ExtraFloatDigits)).ok().filter(|digits| *digits <= 0);
        Styles { date, date_order, interval: self.interval_style(), bytea: self.bytea_output(), float_digits }
    }

    /// How `bytea` is printed.
    pub fn bytea_output(&self) -> ByteaOutput {
        if self.text(Setting::ByteaOutput) == "escape" { ByteaOutput::Escape } else { ByteaOutput::Hex }
    }

    /// The names in `search_path`, `$user` as it is written.
    pub const fn search_path(&self) -> &Arc<[String]> {
        &self.search_path
    }

    /// All that decides what a statement means and how it is planned: settings that differ from their defaults.
    pub const fn planning(&self) -> &Arc<str> {
        &self.planning
    }

    fn value(&self, setting: Setting) -> &Value {
        let (value, _) = self.values.get(setting as usize).expect("BUG: every setting has a value");
        value
    }
}

// SET and SHOW.
impl Settings {
    /// SHOW
    pub fn show(&self, name: &str) -> Result<Shown> {
        self.shown(name).ok_or_else(|| unrecognized(name))
    }

    /// The same; none for a setting that there is not.
    pub fn shown(&self, name: &str) -> Option<Shown> {
        if let Some((definition, value, _)) = self.find(name) {
            return Some(Shown { name: definition.name.to_owned(), value: definition.show(value) });
        }
        let lower = name.to_ascii_lowercase();
        self.custom.get(&lower).map(|value| Shown { name: lower.clone(), value: value.to_string() })
    }

    /// All settings that SHOW ALL shows, by name.
    pub fn all(&self) -> Vec<(&'static Definition, &Value, Source)> {
        let mut all: Vec<_> = self.entries().filter(|(definition, ..)| !definition.is_hidden).collect();
        all.sort_by_key(|(definition, ..)| definition.name.to_ascii_lowercase());
        all
    }

    /// Those that the client is told of.
    pub fn reported(&self) -> Vec<(&'static str, String)> {
        let reported = self.entries().filter(|(definition, ..)| definition.is_reported);
        reported.map(|(definition, value, _)| (definition.name, definition.show(value))).collect()
    }

    /// SET, by a client. A list is joined to one text before.
    pub fn set(&mut self, name: &str, text: &str, source: Source) -> Result<()> {
        if text.len() > MAX_VALUE_BYTES {
            return Err(SqlError::new(
                SqlState::PROGRAM_LIMIT_EXCEEDED,
                format!("the value of a setting can have {MAX_VALUE_BYTES} bytes"),
            ));
        }
        match definition(name) {
            Some((at, definition)) => {
                check_changeable(definition)?;
                let value = definition.read(self, text)?;
                self.put(at, value, source);
                Ok(())
            }
            None => self.set_custom(name, text),
        }
    }

    /// Sets what no client may set.
    pub fn preset(&mut self, setting: Setting, text: &str, source: Source) -> Result<()> {
        let at = setting as usize;
        let definition = DEFINITIONS.get(at).expect("BUG: every setting is defined");
        let value = definition.read(self, text)?;
        self.put(at, value, source);
        Ok(())
    }

    /// Gives a setting the value that it has elsewhere: SET … TO DEFAULT, RESET.
    pub fn reset(&mut self, name: &str, to: &Self) -> Result<()> {
        match definition(name) {
            Some((at, definition)) => {
                check_changeable(definition)?;
                if let Some((value, source)) = to.values.get(at) {
                    self.put(at, value.clone(), *source);
                }
                Ok(())
            }
            None => {
                check_custom_name(name)?;
                let lower = name.to_ascii_lowercase();
                if let Some(value) = self.custom.get_mut(&lower) {
                    *value = to.custom.get(&lower).map_or_else(|| "".into(), Arc::clone);
                }
                Ok(())
            }
        }
    }

    /// RESET ALL: what clients can set gets the values that it has elsewhere. Settings of transactions stay.
    pub fn reset_all(&mut self, to: &Self) {
        const KEPT: [Setting; 3] =
            [Setting::TransactionIsolation, Setting::TransactionReadOnly, Setting::TransactionDeferrable];
        let values = DEFINITIONS.iter().zip(&mut self.values).zip(&to.values).enumerate();
        for (at, ((definition, value), before)) in values {
            let is_kept = KEPT.iter().any(|kept| *kept as usize == at);
            if check_changeable(definition).is_ok() && !is_kept {
                *value = before.clone();
            }
        }
        for (name, value) in &mut self.custom {
            *value = to.custom.get(name).map_or_else(|| "".into(), Arc::clone);
        }
        self.derive();
    }

    fn put(&mut self, at: usize, value: Value, source: Source) {
        let place = self.values.get_mut(at).expect("BUG: every setting has a value");
        *place = (value, source);
        let definition = DEFINITIONS.get(at).expect("BUG: every setting is defined");
        if definition.is_planning || definition.kind.is_list() {
            self.derive();
        }
    }

    fn set_custom(&mut self, name: &str, text: &str) -> Result<()> {
        check_custom_name(name)?;
        let lower = name.to_ascii_lowercase();
        if !self.custom.contains_key(&lower) && self.custom.len() >= MAX_CUSTOM {
            return Err(SqlError::new(
                SqlState::PROGRAM_LIMIT_EXCEEDED,
                format!("a session can have {MAX_CUSTOM} settings of its own"),
            ));
        }
        self.custom.insert(lower, text.into());
        Ok(())
    }

    fn find(&self, name: &str) -> Option<(&'static Definition, &Value, Source)> {
        self.entries().find(|(definition, ..)| definition.name.eq_ignore_ascii_case(name))
    }

    fn entries(&self) -> impl Iterator<Item = (&'static Definition, &Value, Source)> {
        DEFINITIONS.iter().zip(&self.values).map(|(definition, (value, source))| (definition, value, *source))
    }

    /// Computes what is kept in another form than its text: of lists, and of what matters to planning.
    fn derive(&mut self) {
        // The texts have been checked when they were set.
        self.time_zone = types::time_zone(self.text(Setting::TimeZone)).unwrap_or(TimeZone::UTC);
        let style = self.text(Setting::DateStyle).split_once(", ");
        self.date_style = style
            .and_then(|(style, order)| Some((DateStyle::by_name(style)?, DateOrder::by_name(order)?)))
            .unwrap_or_default();
        self.search_path = check::split_names(self.text(Setting::SearchPath)).unwrap_or_default().into();
        let planning =
            self.entries().filter(|(definition, value, _)| definition.is_planning && **value != definition.default());
        let parts: Vec<String> =
            planning.map(|(definition, value, _)| format!("{}={}", definition.name, definition.plain(value))).collect();
        self.planning = parts.join(";").into();
    }
}

/// What DEFAULT stands for in a SET of several values, and how they become one text.
pub fn join_values(name: &str, values: &[String]) -> Result<String> {
    let list = match definition(name).map(|(_, definition)| definition.kind) {
        Some(Kind::Text { list, .. }) => list,
        _ => List::No,
    };
    match (list, values) {
        (List::Names, values) => Ok(check::join_names(values)),
        (List::Words, values) => Ok(values.join(", ")),
        (List::No, [value]) => Ok(value.clone()),
        (List::No, _) => {
            Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, format!("SET {name} takes only one argument")))
        }
    }
}

/// The text that stands for an offset from Greenwich in `SET TimeZone`.
pub fn zone_of_offset(seconds: i64) -> Result<String> {
    datetime::offset_name(seconds)
}

/// The setting's own spelling, if the server knows it.
pub fn canonical_name(name: &str) -> Option<&'static str> {
    definition(name).map(|(_, definition)| definition.name)
}

fn definition(name: &str) -> Option<(usize, &'static Definition)> {
    // PostgreSQL's old names.
    const OLD: [(&str, &str); 2] = [("sort_mem", "work_mem"), ("vacuum_mem", "maintenance_work_mem")];
    let name = OLD.iter().find(|(old, _)| old.eq_ignore_ascii_case(name)).map_or(name, |(_, new)| new);
    DEFINITIONS.iter().enumerate().find(|(_, definition)| definition.name.eq_ignore_ascii_case(name))
}

fn check_changeable(definition: &Definition) -> Result<()> {
    let why = match definition.context {
        Context::User | Context::Superuser => return Ok(()),
        Context::Internal => "cannot be changed",
        Context::Postmaster => "cannot be changed without restarting the server",
        Context::Sighup => "cannot be changed now",
    };
    Err(SqlError::new(SqlState::CANT_CHANGE_RUNTIME_PARAM, format!("parameter \"{}\" {why}", definition.name)))
}

/// Names of a client's own making have two parts or more.
fn check_custom_name(name: &str) -> Result<()> {
    if !name.contains('.') {
        return Err(unrecognized(name));
    }
    let is_simple = |part: &str| {
        part.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$')
    };
    let bad = |detail: String| {
        SqlError::new(SqlState::INVALID_NAME, format!("invalid configuration parameter name \"{name}\""))
            .with_detail(detail)
    };
    if !name.split('.').all(is_simple) {
        return Err(bad("Custom parameter names must be two or more simple identifiers separated by dots.".to_owned()));
    }
    let prefix = name.split('.').next().unwrap_or_default();
    if RESERVED_PREFIXES.iter().any(|reserved| reserved.eq_ignore_ascii_case(prefix)) {
        return Err(bad(format!("\"{prefix}\" is a reserved prefix.")));
    }
    Ok(())
}

/// The error for a setting that there is not.
pub fn unrecognized(name: &str) -> SqlError {
    SqlError::new(SqlState::UNDEFINED_OBJECT, format!("unrecognized configuration parameter \"{name}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(settings: &mut Settings, name: &str, text: &str) -> Result<()> {
        settings.set(name, text, Source::Session)
    }

    #[test]
    fn defaults_are_values_that_can_be_set() {
        let mut settings = Settings::default();
        let mut names: Vec<_> = DEFINITIONS.iter().map(|definition| definition.name.to_ascii_lowercase()).collect();
        for definition in DEFINITIONS {
            let default = definition.default();
            assert_eq!(definition.read(&settings, &definition.show(&default)).unwrap(), default, "{}", definition.name);
        }
        names.sort();
        names.dedup();
        assert_eq!(names.len(), DEFINITIONS.len());
        assert_eq!(&**settings.planning(), "");
        set(&mut settings, "enable_sort", "off").unwrap();
        assert_eq!(&**settings.planning(), "enable_sort=off");
    }

    #[test]
    fn what_has_no_effect_is_documented() {
        let page = include_str!("../../../../docs/compatibility.md");
        for definition in DEFINITIONS.iter().filter(|definition| definition.has_no_effect) {
            assert!(
                page.contains(&format!("`{}`", definition.name)),
                "{} is not in docs/compatibility.md",
                definition.name
            );
        }
    }

    #[test]
    fn settings_without_effect_take_only_what_is_the_case() {
        let mut settings = Settings::default();
        set(&mut settings, "client_encoding", "utf-8").unwrap();
        assert_eq!(set(&mut settings, "client_encoding", "latin1").unwrap_err().state, SqlState::FEATURE_NOT_SUPPORTED);
        assert_eq!(set(&mut settings, "no_such", "1").unwrap_err().state, SqlState::UNDEFINED_OBJECT);
        assert_eq!(set(&mut settings, "fsync", "off").unwrap_err().state, SqlState::CANT_CHANGE_RUNTIME_PARAM);
    }

    #[test]
    fn settings_are_shown_by_any_spelling() {
        let mut settings = Settings::default();
        set(&mut settings, "Application_Name", "till").unwrap();
        let shown = settings.show("APPLICATION_NAME").unwrap();
        assert_eq!((shown.name.as_str(), shown.value.as_str()), ("application_name", "till"));
        settings.reset("application_name", &Settings::default()).unwrap();
        assert_eq!(settings.show("application_name").unwrap().value, "");
    }

    #[test]
    fn a_client_can_make_settings_of_its_own() {
        let mut settings = Settings::default();
        set(&mut settings, "App.User", "7").unwrap();
        assert_eq!(settings.show("app.user").unwrap().value, "7");
        assert!(settings.shown("app.other").is_none());
        for bad in ["app.", "a b.c", "helios.engine", "app"] {
            assert!(set(&mut settings, bad, "1").is_err(), "{bad}");
        }
    }
}
