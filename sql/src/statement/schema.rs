//! CREATE SCHEMA and ALTER SCHEMA.

use std::sync::Arc;

use heliosdb_storage::catalog::{CatalogObject, NameSpace, SchemaDef};

use super::refuse_synced_on_edge;
use crate::bind::mention::Renaming;
use crate::bind::search_path::no_such_schema;
use crate::catalog_views;
use crate::dependency;
use crate::error::{Result, SqlError, SqlState};
use crate::parse::object::SchemaStatement;
use crate::session::Session;

impl SchemaStatement {
    pub(super) const fn tag(&self) -> &'static str {
        match self {
            Self::Create { .. } => "CREATE SCHEMA",
            Self::Rename { .. } => "ALTER SCHEMA",
        }
    }

    pub(super) fn run(&self, session: &mut Session) -> Result<()> {
        match self {
            Self::Create { name, if_not_exists } => create(session, name, *if_not_exists),
            Self::Rename { name, to } => rename(session, name, to),
        }
    }
}

fn create(session: &mut Session, name: &str, if_not_exists: bool) -> Result<()> {
    check_new_name(name)?;
    let message = format!("schema \"{name}\" already exists");
    let catalog = Arc::clone(session.catalog()?);
    if catalog_views::is_system_schema(name) || catalog.schema(name).is_some() {
        if !if_not_exists {
            return Err(SqlError::new(SqlState::DUPLICATE_SCHEMA, message));
        }
        session.note(SqlState::DUPLICATE_SCHEMA, format!("{message}, skipping"));
        return Ok(());
    }
    let txn = session.storage()?;
    let id = txn.new_oid()?;
    txn.put_object(CatalogObject::Schema(Arc::new(SchemaDef { id, name: name.to_owned() })))?;
    Ok(())
}

fn rename(session: &mut Session, name: &str, to: &str) -> Result<()> {
    let catalog = Arc::clone(session.catalog()?);
    let Some(schema) = catalog.schema(name) else {
        if catalog_views::is_system_schema(name) {
            return Err(SqlError::new(
                SqlState::INSUFFICIENT_PRIVILEGE,
                format!("permission denied: \"{name}\" is a system schema"),
            ));
        }
        return Err(no_such_schema(name));
    };
    if catalog_views::is_system_schema(to) || catalog.named(NameSpace::Schema, "", to).is_some() {
        return Err(SqlError::new(SqlState::DUPLICATE_SCHEMA, format!("schema \"{to}\" already exists")));
    }
    check_new_name(to)?;
    dependency::rename(session, &Renaming::Schema { from: name.to_owned(), to: to.to_owned() })?;
    let renamed = SchemaDef { name: to.to_owned(), ..SchemaDef::clone(schema) };
    session.storage()?.put_object(CatalogObject::Schema(Arc::new(renamed)))?;
    let catalog = Arc::clone(session.catalog()?);
    for object in catalog.objects().filter(|object| object.schema() == Some(name)) {
        if let CatalogObject::Table(table) = object {
            refuse_synced_on_edge(session, table, "rename the schema of")?;
        }
        session.storage()?.put_object(object.moved_to(to))?;
    }
    Ok(())
}

fn check_new_name(name: &str) -> Result<()> {
    if name.starts_with("pg_") {
        return Err(SqlError::new(SqlState::RESERVED_NAME, format!("unacceptable schema name \"{name}\""))
            .with_detail("The prefix \"pg_\" is reserved for system schemas."));
    }
    Ok(())
}
