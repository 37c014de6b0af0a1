//! Types that DROP names.

use std::sync::Arc;

use crate::bind::names::QualifiedName;
use crate::dependency::ObjectAddress;
use crate::error::{Result, SqlError, SqlState};
use crate::session::Session;
use crate::types;

/// The enum of a name, if there is one.
pub(super) fn type_named(session: &mut Session, name: &QualifiedName) -> Result<Option<ObjectAddress>> {
    let catalog = Arc::clone(session.catalog()?);
    let path = session.search_path(&catalog);
    if let Some(found) = path.find(name, |schema| catalog.enum_named(schema, &name.name).cloned()) {
        return Ok(Some(ObjectAddress::Type(found.id)));
    }
    if let Some(data_type) = types::by_name(&name.name)
        && name.schema.as_deref().is_none_or(|schema| schema == "pg_catalog")
    {
        return Err(SqlError::new(
            SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
            format!("cannot drop type {} because it is required by the database system", types::name(data_type, -1)),
        ));
    }
    Ok(None)
}
