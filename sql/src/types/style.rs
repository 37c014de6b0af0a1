//! The session's choices of text forms: `DateStyle`, `IntervalStyle`, `bytea_output`.

/// How dates and timestamps are printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DateStyle {
    /// `2024-07-01`
    #[default]
    Iso,
    /// `07/01/2024`
    Sql,
    /// `07-01-2024`, `Mon Jul 01 12:00:00 2024`
    Postgres,
    /// `01.07.2024`
    German,
}

/// The order in which the parts of a date are read, and printed by some styles.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DateOrder {
    /// Month, day, year.
    #[default]
    Mdy,
    /// Day, month, year.
    Dmy,
    /// Year, month, day.
    Ymd,
}

/// How intervals are printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum IntervalStyle {
    /// `1 day 02:00:00`
    #[default]
    Postgres,
    /// `@ 1 day 2 hours`
    PostgresVerbose,
    /// `1 2:00:00`
    SqlStandard,
    /// `P1DT2H`
    Iso8601,
}

/// How `bytea` is printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ByteaOutput {
    /// `\xdeadbeef`
    #[default]
    Hex,
    /// Printable bytes as they are, others as `\ooo`.
    Escape,
}

impl DateStyle {
    /// Its name in the setting.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Iso => "ISO",
            Self::Sql => "SQL",
            Self::Postgres => "Postgres",
            Self::German => "German",
        }
    }

    /// The style of a name in the setting.
    pub fn by_name(name: &str) -> Option<Self> {
        [Self::Iso, Self::Sql, Self::Postgres, Self::German].into_iter().find(|style| style.name() == name)
    }
}

impl DateOrder {
    /// Its name in the setting.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mdy => "MDY",
            Self::Dmy => "DMY",
            Self::Ymd => "YMD",
        }
    }

    /// The order of a name in the setting.
    pub fn by_name(name: &str) -> Option<Self> {
        [Self::Mdy, Self::Dmy, Self::Ymd].into_iter().find(|order| order.name() == name)
    }
}

impl IntervalStyle {
    /// The style of a name in the setting.
    pub fn by_name(name: &str) -> Self {
        match name {
            "postgres_verbose" => Self::PostgresVerbose,
            "sql_standard" => Self::SqlStandard,
            "iso_8601" => Self::Iso8601,
            _ => Self::Postgres,
        }
    }
}
