//! SET (…), RESET (…), OWNER TO.

use heliosdb_storage::catalog::TableDef;

use super::super::storage_parameter;
use super::Alteration;
use crate::error::{Result, SqlError, SqlState};
use crate::parse::table::StorageParameter;
use crate::session::Session;

pub(super) fn set(alteration: &mut Alteration<'_, '_>, parameters: &[StorageParameter]) -> Result<()> {
    let new = storage_parameter::of_table(parameters)?;
    let table = alteration.definition()?;
    if new.sync.is_some_and(|sync| sync != table.sync) {
        return Err(SqlError::unsupported("changing whether a table is synced")
            .with_hint("Make a new table and copy the rows."));
    }
    let options = storage_parameter::set(&table.options, new.listed);
    alteration.put(TableDef { options, ..TableDef::clone(&table) })
}

pub(super) fn reset(alteration: &mut Alteration<'_, '_>, parameters: &[StorageParameter]) -> Result<()> {
    let table = alteration.definition()?;
    let options = storage_parameter::reset(&table.options, parameters)?;
    alteration.put(TableDef { options, ..TableDef::clone(&table) })
}

/// All objects belong to the one user there is.
pub(super) fn owner_to(session: &Session, owner: &str) -> Result<()> {
    let own = session.backend().activity().user;
    if *owner == *own || matches!(owner, "current_user" | "current_role" | "session_user") {
        return Ok(());
    }
    Err(SqlError::new(SqlState::UNDEFINED_OBJECT, format!("role \"{owner}\" does not exist")))
}
