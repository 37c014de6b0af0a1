//! Tables and indexes that DROP names.

use std::sync::Arc;

use heliosdb_storage::catalog::TableDef;
use heliosdb_storage::transaction::TableLock;

use crate::bind::names::QualifiedName;
use crate::bind::search_path::NamedRelation;
use crate::dependency::ObjectAddress;
use crate::error::{Result, SqlError, SqlState};
use crate::session::Session;
use crate::statement::refuse_synced_on_edge;

/// What a name means among relations.
enum Found {
    Table(Arc<TableDef>),
    Index(Arc<TableDef>),
    System,
}

fn find(session: &mut Session, name: &QualifiedName) -> Result<Option<Found>> {
    let catalog = Arc::clone(session.catalog()?);
    let path = session.search_path(&catalog);
    Ok(path.find(name, |schema| {
        let found =
            path.relation(&catalog, &QualifiedName { schema: Some(schema.to_owned()), name: name.name.clone() });
        match found {
            Some(NamedRelation::Table(table)) => Some(Found::Table(table)),
            Some(NamedRelation::System(_)) => Some(Found::System),
            None => catalog.table_of_index(schema, &name.name).map(|table| Found::Index(Arc::clone(table))),
        }
    }))
}

/// The table of a name, locked, if there is one.
pub(super) fn table(session: &mut Session, name: &QualifiedName) -> Result<Option<ObjectAddress>> {
    match find(session, name)? {
        None => Ok(None),
        Some(Found::Table(table)) => {
            refuse_synced_on_edge(session, &table, "drop")?;
            session.storage()?.lock_table(table.id, TableLock::AccessExclusive)?;
            Ok(Some(ObjectAddress::Relation(table.id)))
        }
        Some(Found::Index(_)) => Err(wrong_kind(name, "a table").with_hint("Use DROP INDEX to remove an index.")),
        Some(Found::System) => Err(required_by_system(name)),
    }
}

/// The index of a name, its table locked, if there is one.
pub(super) fn index(session: &mut Session, name: &QualifiedName) -> Result<Option<ObjectAddress>> {
    match find(session, name)? {
        None => Ok(None),
        Some(Found::Index(table)) => {
            refuse_synced_on_edge(session, &table, "drop an index of")?;
            let Some(index) = table.indexes.iter().find(|index| index.name == name.name) else {
                return Err(required_by_constraint(&name.name, &table));
            };
            if index.is_constraint {
                return Err(required_by_constraint(&index.name, &table));
            }
            session.storage()?.lock_table(table.id, TableLock::AccessExclusive)?;
            Ok(Some(ObjectAddress::Index(table.id, index.id)))
        }
        Some(Found::Table(_)) => Err(wrong_kind(name, "an index").with_hint("Use DROP TABLE to remove a table.")),
        Some(Found::System) => Err(wrong_kind(name, "an index")),
    }
}

fn wrong_kind(name: &QualifiedName, wanted: &str) -> SqlError {
    SqlError::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not {wanted}", name.name))
}

fn required_by_system(name: &QualifiedName) -> SqlError {
    SqlError::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("permission denied: \"{}\" is a system catalog", name.name))
}

fn required_by_constraint(index: &str, table: &TableDef) -> SqlError {
    let constraint = format!("constraint {index} on table {}", table.name);
    SqlError::new(
        SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
        format!("cannot drop index {index} because {constraint} requires it"),
    )
    .with_hint(format!("You can drop {constraint} instead."))
}
