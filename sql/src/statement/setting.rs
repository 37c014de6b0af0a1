//! SET, RESET, SHOW.

use heliosdb_storage::Row;
use heliosdb_storage::value::Value;

use crate::error::{Result, SqlError, SqlState};
use crate::parse::session::{SetValue, SettingStatement};
use crate::session::Session;
use crate::session::settings::{self, Source};

impl SettingStatement {
    pub(super) fn result_columns(&self) -> Vec<String> {
        match self {
            Self::Show(name) => vec![settings::canonical_name(name).unwrap_or(name).to_owned()],
            Self::ShowAll => ["name", "setting", "description"].map(str::to_owned).to_vec(),
            _ => Vec::new(),
        }
    }

    pub(super) const fn tag(&self) -> &'static str {
        match self {
            Self::Set { .. } | Self::SetRole { .. } | Self::SetSessionAuthorization { .. } => "SET",
            Self::SetConstraints { .. } => "SET CONSTRAINTS",
            Self::Reset(_) | Self::ResetAll | Self::ResetSessionAuthorization => "RESET",
            Self::Show(_) | Self::ShowAll => "SHOW",
        }
    }

    pub(super) fn run(&self, session: &mut Session) -> Result<Vec<Row>> {
        match self {
            Self::Set { name, value, local } => set(session, name, value, *local)?,
            Self::Reset(name) => {
                session.change_setting(false, name, None)?;
            }
            Self::ResetAll => session.change_settings(false, |settings, startup| {
                settings.reset_all(startup);
                Ok(())
            })?,
            Self::Show(name) => {
                // Outside of a transaction, the modes of the next one are shown.
                session.ensure_transaction()?;
                return Ok(vec![vec![Value::text(session.settings().show(name)?.value)]]);
            }
            Self::ShowAll => {
                session.ensure_transaction()?;
                return Ok(show_all(session));
            }
            Self::SetRole { .. } => return Err(SqlError::unsupported("SET ROLE")),
            Self::SetSessionAuthorization { .. } | Self::ResetSessionAuthorization => {
                return Err(SqlError::unsupported("SET SESSION AUTHORIZATION"));
            }
            Self::SetConstraints { .. } => return Err(SqlError::unsupported("SET CONSTRAINTS")),
        }
        Ok(Vec::new())
    }
}

fn set(session: &mut Session, name: &str, value: &SetValue, local: bool) -> Result<()> {
    let value = match value {
        SetValue::Default => None,
        SetValue::Values(values) => Some(settings::join_values(name, values)?),
        SetValue::Offset(seconds, _) => Some(settings::zone_of_offset(*seconds)?),
    };
    if local && !session.is_in_block() {
        session.warn(SqlState::NO_ACTIVE_SQL_TRANSACTION, "SET LOCAL can only be used in transaction blocks");
    }
    session.change_setting(local, name, value.as_deref())
}

fn show_all(session: &Session) -> Vec<Row> {
    let settings = session.settings();
    let row = |(definition, value, _): (&'static settings::Definition, &settings::Value, Source)| {
        vec![Value::text(definition.name), Value::text(definition.show(value)), Value::text(definition.description)]
    };
    settings.all().into_iter().map(row).collect()
}
