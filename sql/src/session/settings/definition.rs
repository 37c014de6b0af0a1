//! What a setting is: its name, type, bounds and default.

use super::{Settings, Value};
use crate::error::{Result, SqlError};

/// Reads a text for a setting and returns its canonical form.
pub(super) type Check = fn(&Settings, &str) -> Result<String>;

/// A setting that the server knows.
#[derive(Debug)]
pub struct Definition {
    /// Its name, as it is shown.
    pub name: &'static str,
    /// Its type, bounds and default.
    pub kind: Kind,
    /// Who may change it, and when.
    pub context: Context,
    /// PostgreSQL's category.
    pub category: &'static str,
    /// What it is.
    pub description: &'static str,
    /// The client is told when it changes.
    pub is_reported: bool,
    /// It decides what a statement means or how it is planned.
    pub is_planning: bool,
    /// SHOW ALL and `pg_settings` leave it out.
    pub is_hidden: bool,
    /// Nothing here depends on it; `docs/compatibility.md` says why.
    pub has_no_effect: bool,
    /// The values that are built, of those that PostgreSQL knows; all if empty.
    pub built: &'static [&'static str],
}

/// The type of a setting, its bounds and its default.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// on or off
    Bool(bool),
    /// A whole number.
    Integer {
        /// Its default.
        default: i32,
        /// The least value.
        min: i32,
        /// The greatest value.
        max: i32,
        /// What it counts.
        unit: Unit,
    },
    /// A number.
    Real {
        /// Its default.
        default: f64,
        /// The least value.
        min: f64,
        /// The greatest value.
        max: f64,
    },
    /// One of several words.
    Enum {
        /// Its default.
        default: &'static str,
        /// The words.
        values: &'static [&'static str],
        /// Other words for some of them.
        aliases: &'static [(&'static str, &'static str)],
    },
    /// Any text, or what the check lets through.
    Text {
        /// Its default.
        default: &'static str,
        /// Whether it is a list of names or words.
        list: List,
        /// Reads a new value.
        check: Option<Check>,
    },
}

/// Whether a text is a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum List {
    /// One text.
    No,
    /// Words, separated by commas.
    Words,
    /// Names, in quotes where they need them.
    Names,
}

/// What a number counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// Nothing in particular.
    None,
    /// Bytes.
    Bytes,
    /// 1024 bytes.
    Kilobytes,
    /// PostgreSQL's pages of 8 kB.
    Blocks,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
}

/// Who may change a setting, and when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Context {
    /// Nobody: it tells what is the case.
    Internal,
    /// Who starts the server.
    Postmaster,
    /// Who configures the running server.
    Sighup,
    /// A superuser.
    Superuser,
    /// Everybody.
    User,
}

impl Context {
    /// Its name in `pg_settings`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Postmaster => "postmaster",
            Self::Sighup => "sighup",
            Self::Superuser => "superuser",
            Self::User => "user",
        }
    }
}

impl Kind {
    /// Whether it is the text of a list.
    pub const fn is_list(&self) -> bool {
        matches!(self, Self::Text { list: List::Names | List::Words, .. })
    }

    /// Its name in `pg_settings`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Bool(_) => "bool",
            Self::Integer { .. } => "integer",
            Self::Real { .. } => "real",
            Self::Enum { .. } => "enum",
            Self::Text { .. } => "string",
        }
    }
}

impl Definition {
    const fn new(name: &'static str, kind: Kind, category: &'static str, description: &'static str) -> Self {
        Self {
            name,
            kind,
            context: Context::User,
            category,
            description,
            is_reported: false,
            is_planning: false,
            is_hidden: false,
            has_no_effect: false,
            built: &[],
        }
    }

    /// A setting that is on or off.
    pub(super) const fn bool(name: &'static str, default: bool, category: &'static str, what: &'static str) -> Self {
        Self::new(name, Kind::Bool(default), category, what)
    }

    /// A whole number: default, least and greatest value.
    pub(super) const fn integer(
        name: &'static str,
        (default, min, max): (i32, i32, i32),
        unit: Unit,
        category: &'static str,
        what: &'static str,
    ) -> Self {
        Self::new(name, Kind::Integer { default, min, max, unit }, category, what)
    }

    /// A number: default, least and greatest value.
    pub(super) const fn real(
        name: &'static str,
        (default, min, max): (f64, f64, f64),
        category: &'static str,
        what: &'static str,
    ) -> Self {
        Self::new(name, Kind::Real { default, min, max }, category, what)
    }

    /// One of several words.
    pub(super) const fn word(
        name: &'static str,
        default: &'static str,
        values: &'static [&'static str],
        category: &'static str,
        what: &'static str,
    ) -> Self {
        Self::new(name, Kind::Enum { default, values, aliases: &[] }, category, what)
    }

    /// A text.
    pub(super) const fn text(
        name: &'static str,
        default: &'static str,
        category: &'static str,
        what: &'static str,
    ) -> Self {
        Self::new(name, Kind::Text { default, list: List::No, check: None }, category, what)
    }

    /// The words have other spellings.
    pub(super) const fn aliases(mut self, aliases: &'static [(&'static str, &'static str)]) -> Self {
        if let Kind::Enum { default, values, .. } = self.kind {
            self.kind = Kind::Enum { default, values, aliases };
        }
        self
    }

    /// The text is read by a function.
    pub(super) const fn check(mut self, check: Check) -> Self {
        if let Kind::Text { default, list, .. } = self.kind {
            self.kind = Kind::Text { default, list, check: Some(check) };
        }
        self
    }

    /// The text is a list.
    pub(super) const fn list(mut self, list: List) -> Self {
        if let Kind::Text { default, check, .. } = self.kind {
            self.kind = Kind::Text { default, list, check };
        }
        self
    }

    pub(super) const fn context(mut self, context: Context) -> Self {
        self.context = context;
        self
    }

    pub(super) const fn reported(mut self) -> Self {
        self.is_reported = true;
        self
    }

    pub(super) const fn planning(mut self) -> Self {
        self.is_planning = true;
        self
    }

    pub(super) const fn hidden(mut self) -> Self {
        self.is_hidden = true;
        self
    }

    pub(super) const fn no_effect(mut self) -> Self {
        self.has_no_effect = true;
        self
    }

    /// Only these values are built.
    pub(super) const fn only(mut self, built: &'static [&'static str]) -> Self {
        self.built = built;
        self
    }

    /// Its value before anybody has set it.
    pub fn default(&self) -> Value {
        match self.kind {
            Kind::Bool(default) => Value::Bool(default),
            Kind::Integer { default, .. } => Value::Integer(default),
            Kind::Real { default, .. } => Value::Real(default),
            Kind::Enum { default, .. } => Value::Word(default),
            Kind::Text { default, .. } => Value::Text(default.into()),
        }
    }

    /// Refuses a value that is PostgreSQL's but not built.
    pub(super) fn check_built(&self, value: &Value) -> Result<()> {
        if self.built.is_empty() {
            return Ok(());
        }
        let shown = self.show(value);
        if self.built.iter().any(|built| built.eq_ignore_ascii_case(&shown)) {
            return Ok(());
        }
        Err(SqlError::unsupported(format!("{} = '{shown}'", self.name)).with_hint(format!(
            "Values of {} that are supported: {}.",
            self.name,
            self.built.join(", ")
        )))
    }
}
