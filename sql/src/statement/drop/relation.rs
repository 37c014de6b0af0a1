//! Tables, indexes, sequences and views that DROP names.

use std::sync::Arc;

use heliosdb_storage::catalog::{CatalogObject, NameSpace, SequenceDef, TableDef, ViewDef};
use heliosdb_storage::transaction::TableLock;

use crate::bind::names::QualifiedName;
use crate::catalog_views;
use crate::dependency::ObjectAddress;
use crate::error::{Result, SqlError, SqlState};
use crate::session::Session;
use crate::statement::refuse_synced_on_edge;

/// What a name means among relations.
enum Found {
    Table(Arc<TableDef>),
    Index(Arc<TableDef>),
    Sequence(Arc<SequenceDef>),
    View(Arc<ViewDef>),
    System,
}

fn find(session: &mut Session, name: &QualifiedName) -> Result<Option<Found>> {
    let catalog = Arc::clone(session.catalog()?);
    let path = session.search_path(&catalog);
    Ok(path.find(name, |schema| {
        if catalog_views::lookup(schema, &name.name).is_some() {
            return Some(Found::System);
        }
        Some(match catalog.named(NameSpace::Relation, schema, &name.name)? {
            CatalogObject::Table(table) if table.name == name.name => Found::Table(Arc::clone(table)),
            CatalogObject::Table(table) => Found::Index(Arc::clone(table)),
            CatalogObject::Sequence(sequence) => Found::Sequence(Arc::clone(sequence)),
            CatalogObject::View(view) => Found::View(Arc::clone(view)),
            CatalogObject::Schema(_) | CatalogObject::Enum(_) => return None,
        })
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
        Some(other) => Err(other.is_not(name, "a table")),
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
        Some(other) => Err(other.is_not(name, "an index")),
    }
}

/// The sequence of a name, if there is one.
pub(super) fn sequence(session: &mut Session, name: &QualifiedName) -> Result<Option<ObjectAddress>> {
    match find(session, name)? {
        None => Ok(None),
        Some(Found::Sequence(sequence)) => {
            if let Some(owner) = sequence.owner.filter(|owner| owner.is_identity) {
                let catalog = Arc::clone(session.catalog()?);
                let path = session.search_path(&catalog);
                let column = ObjectAddress::Column(owner.table, owner.column).describe(&catalog, &path);
                let own = ObjectAddress::Relation(sequence.id).describe(&catalog, &path);
                return Err(SqlError::new(
                    SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
                    format!("cannot drop {own} because {column} requires it"),
                )
                .with_hint(format!("You can drop {column} instead.")));
            }
            Ok(Some(ObjectAddress::Relation(sequence.id)))
        }
        Some(other) => Err(other.is_not(name, "a sequence")),
    }
}

/// The view of a name, if there is one.
pub(super) fn view(session: &mut Session, name: &QualifiedName) -> Result<Option<ObjectAddress>> {
    match find(session, name)? {
        None => Ok(None),
        Some(Found::View(view)) => Ok(Some(ObjectAddress::Relation(view.id))),
        Some(other) => Err(other.is_not(name, "a view")),
    }
}

impl Found {
    /// The error for something of another kind than is to be dropped.
    fn is_not(&self, name: &QualifiedName, wanted: &str) -> SqlError {
        let hint = match self {
            Self::Table(_) => "Use DROP TABLE to remove a table.",
            Self::Index(_) => "Use DROP INDEX to remove an index.",
            Self::Sequence(_) => "Use DROP SEQUENCE to remove a sequence.",
            Self::View(_) => "Use DROP VIEW to remove a view.",
            Self::System => return required_by_system(name),
        };
        SqlError::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not {wanted}", name.name)).with_hint(hint)
    }
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
