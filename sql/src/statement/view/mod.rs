//! CREATE VIEW and ALTER VIEW.

mod query;

use std::sync::Arc;

use heliosdb_storage::RelationId;
use heliosdb_storage::catalog::{CatalogObject, ViewColumn, ViewDef};

use crate::bind::mention::Renaming;
use crate::bind::names::{QualifiedName, no_such_relation};
use crate::dependency;
use crate::error::{Result, SqlError, SqlState};
use crate::parse::object::{CreateView, ViewChange, ViewStatement, is_on};
use crate::session::Session;
use crate::types;

impl ViewStatement {
    pub(super) const fn tag(&self) -> &'static str {
        match self {
            Self::Create(_) => "CREATE VIEW",
            Self::Alter { .. } => "ALTER VIEW",
        }
    }

    pub(super) fn run(&self, session: &mut Session) -> Result<()> {
        match self {
            Self::Create(create) => self::create(session, create),
            Self::Alter { name, if_exists, change } => match find(session, name, *if_exists)? {
                Some(view) => alter(session, &view, change),
                None => Ok(()),
            },
        }
    }
}

fn create(session: &mut Session, create: &CreateView) -> Result<()> {
    if create.temporary {
        return Err(SqlError::unsupported("CREATE TEMPORARY VIEW"));
    }
    let catalog = Arc::clone(session.catalog()?);
    let path = session.search_path(&catalog);
    let bound = query::bind(session, create)?;
    let schema = path.creation_schema(&catalog, create.name.schema.as_deref())?;
    let existing = catalog.named(heliosdb_storage::catalog::NameSpace::Relation, &schema, &create.name.name).cloned();
    let id = match existing {
        None => RelationId(session.storage()?.new_oid()?.0),
        Some(_) if !create.or_replace => {
            let message = format!("relation \"{}\" already exists", create.name.name);
            return Err(SqlError::new(SqlState::DUPLICATE_TABLE, message));
        }
        Some(CatalogObject::View(old)) => {
            check_replacement(&old, &bound.columns)?;
            old.id
        }
        Some(_) => {
            let message = format!("\"{}\" is not a view", create.name.name);
            return Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message));
        }
    };
    let view = ViewDef {
        id,
        schema,
        name: create.name.name.clone(),
        columns: bound.columns,
        query: bound.text,
        references: bound.references,
    };
    check_options(&create.options)?;
    put(session, view)
}

/// What CREATE OR REPLACE VIEW must leave as it is.
fn check_replacement(old: &ViewDef, new: &[ViewColumn]) -> Result<()> {
    let invalid = |message: String| SqlError::new(SqlState::INVALID_TABLE_DEFINITION, message);
    if new.len() < old.columns.len() {
        return Err(invalid("cannot drop columns from view".to_owned()));
    }
    for (old, new) in old.columns.iter().zip(new) {
        if old.name != new.name {
            return Err(invalid(format!("cannot change name of view column \"{}\" to \"{}\"", old.name, new.name))
                .with_hint("Use ALTER VIEW ... RENAME COLUMN ... to change name of view column instead."));
        }
        if old.column_type != new.column_type {
            let name = |column: &ViewColumn| types::name(column.column_type.data_type, column.column_type.typmod);
            return Err(invalid(format!(
                "cannot change data type of view column \"{}\" from {} to {}",
                old.name,
                name(old),
                name(new)
            )));
        }
    }
    Ok(())
}

/// The options that a view can have are off, and can be said to be so.
fn check_options(options: &[(String, Option<String>)]) -> Result<()> {
    for (name, value) in options {
        match name.as_str() {
            "security_invoker" | "security_barrier" if !is_on(name, value.as_deref())? => {}
            "security_invoker" | "security_barrier" | "check_option" => {
                return Err(SqlError::unsupported(format!("view option {name}")));
            }
            _ => {
                return Err(SqlError::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("unrecognized parameter \"{name}\""),
                ));
            }
        }
    }
    Ok(())
}

fn alter(session: &mut Session, view: &ViewDef, change: &ViewChange) -> Result<()> {
    let catalog = Arc::clone(session.catalog()?);
    match change {
        ViewChange::Rename(to) => {
            if catalog.has_relation(&view.schema, to) {
                return Err(SqlError::new(SqlState::DUPLICATE_TABLE, format!("relation \"{to}\" already exists")));
            }
            let renaming = Renaming::Object { id: view.id.into(), schema: view.schema.clone(), name: to.clone() };
            dependency::rename(session, &renaming)?;
            put(session, ViewDef { name: to.clone(), ..view.clone() })
        }
        ViewChange::RenameColumn { from, to } => {
            let at = view.columns.iter().position(|column| column.name == *from).ok_or_else(|| {
                SqlError::new(SqlState::UNDEFINED_COLUMN, format!("column \"{from}\" does not exist"))
            })?;
            if view.columns.iter().any(|column| column.name == *to) {
                let message = format!("column \"{to}\" of relation \"{}\" already exists", view.name);
                return Err(SqlError::new(SqlState::DUPLICATE_COLUMN, message));
            }
            let column = heliosdb_storage::ColumnId(u16::try_from(at + 1).unwrap_or(u16::MAX));
            dependency::rename(session, &Renaming::Column { relation: view.id, column, name: to.clone() })?;
            let mut changed = view.clone();
            if let Some(column) = changed.columns.get_mut(at) {
                column.name.clone_from(to);
            }
            put(session, changed)
        }
        ViewChange::SetSchema(to) => {
            let to = session.search_path(&catalog).creation_schema(&catalog, Some(to))?;
            if to == view.schema {
                return Ok(());
            }
            if catalog.has_relation(&to, &view.name) {
                let message = format!("relation \"{}\" already exists in schema \"{to}\"", view.name);
                return Err(SqlError::new(SqlState::DUPLICATE_TABLE, message));
            }
            let renaming = Renaming::Object { id: view.id.into(), schema: to.clone(), name: view.name.clone() };
            dependency::rename(session, &renaming)?;
            put(session, ViewDef { schema: to, ..view.clone() })
        }
        ViewChange::SetOptions(options) => check_options(options),
        ViewChange::ResetOptions(names) => {
            let off: Vec<_> = names.iter().map(|name| (name.clone(), Some("false".to_owned()))).collect();
            check_options(&off)
        }
    }
}

fn put(session: &mut Session, view: ViewDef) -> Result<()> {
    session.storage()?.put_object(CatalogObject::View(Arc::new(view)))?;
    Ok(())
}

/// The view that a statement names; none if it is not there and need not be.
fn find(session: &mut Session, name: &QualifiedName, if_exists: bool) -> Result<Option<Arc<ViewDef>>> {
    let catalog = Arc::clone(session.catalog()?);
    let path = session.search_path(&catalog);
    match path.find(name, |schema| catalog.relation(schema, &name.name).cloned()) {
        Some(CatalogObject::View(view)) => Ok(Some(view)),
        Some(_) => Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not a view", name.name))),
        None if if_exists => {
            session.note(SqlState::SUCCESS, format!("relation \"{}\" does not exist, skipping", name.name));
            Ok(None)
        }
        None => Err(no_such_relation(name)),
    }
}
