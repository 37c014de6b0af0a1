//! Schemas that DROP names.

use crate::bind::names::QualifiedName;
use crate::catalog_views;
use crate::dependency::ObjectAddress;
use crate::error::{Result, SqlError, SqlState};
use crate::session::Session;

/// The schema of a name, if there is one.
pub(super) fn schema(session: &mut Session, name: &QualifiedName) -> Result<Option<ObjectAddress>> {
    if catalog_views::is_system_schema(&name.name) {
        return Err(SqlError::new(
            SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
            format!("cannot drop schema {} because it is required by the database system", name.name),
        ));
    }
    Ok(session.catalog()?.schema(&name.name).map(|schema| ObjectAddress::Schema(schema.id)))
}
