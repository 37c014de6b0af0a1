//! ALTER INDEX and REINDEX.

use std::sync::Arc;

use heliosdb_storage::catalog::{CatalogObject, TableDef};
use heliosdb_storage::transaction::TableLock;

use super::alter_table::name::rename_index;
use super::alter_table::owner_of_index;
use super::{refuse_synced_on_edge, storage_parameter};
use crate::bind::names::{QualifiedName, no_such_relation};
use crate::bind::search_path::no_such_schema;
use crate::bind::{NamedRelation, find_target};
use crate::error::{Result, SqlError, SqlState};
use crate::parse::table::{AlterIndex, IndexAction, Reindex, check_tablespace};
use crate::session::Session;

pub(super) fn run(session: &mut Session, alter: &AlterIndex) -> Result<()> {
    let Some(table) = find(session, &alter.name, alter.if_exists)? else { return Ok(()) };
    refuse_synced_on_edge(session, &table, "alter an index of")?;
    let name = &alter.name.name;
    match &alter.action {
        IndexAction::Rename(to) => rename_index(session, table.id, name, to),
        IndexAction::Set(parameters) => {
            let new = storage_parameter::of_index(parameters)?;
            set_options(session, &table, name, |listed| Ok(storage_parameter::set(listed, new)))
        }
        IndexAction::Reset(parameters) => {
            set_options(session, &table, name, |listed| storage_parameter::reset(listed, parameters))
        }
        IndexAction::SetTablespace(tablespace) => check_tablespace(Some(tablespace)),
    }
}

/// The table of an index, locked; none if it need not be there.
fn find(session: &mut Session, name: &QualifiedName, if_exists: bool) -> Result<Option<Arc<TableDef>>> {
    let catalog = Arc::clone(session.catalog()?);
    let path = session.search_path(&catalog);
    if path.relation(&catalog, name).is_some() {
        return Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not an index", name.name)));
    }
    if owner_of_index(&catalog, &path, name).is_none() {
        if !if_exists {
            return Err(no_such_relation(name));
        }
        session.note(SqlState::SUCCESS, format!("relation \"{}\" does not exist, skipping", name.name));
        return Ok(None);
    }
    let find = |catalog: &_| owner_of_index(catalog, &path, name).ok_or_else(|| no_such_relation(name));
    session.lock_for_ddl(find, TableLock::ShareUpdateExclusive).map(Some)
}

fn set_options(
    session: &mut Session,
    table: &TableDef,
    name: &str,
    options: impl FnOnce(&[String]) -> Result<Vec<String>>,
) -> Result<()> {
    let mut changed = table.clone();
    let Some(index) = changed.indexes.iter_mut().find(|index| index.name == name) else {
        return Err(SqlError::unsupported("storage parameters of a primary key"));
    };
    index.options = options(&index.options)?;
    session.storage()?.put_object(CatalogObject::Table(Arc::new(changed)))?;
    Ok(())
}

/// REINDEX
pub(super) fn reindex(session: &mut Session, reindex: &Reindex) -> Result<()> {
    let catalog = Arc::clone(session.catalog()?);
    let path = session.search_path(&catalog);
    match reindex {
        Reindex::Index(name) => {
            let Some(table) = find(session, name, false)? else { return Ok(()) };
            rebuild(session, &table, Some(&name.name))
        }
        Reindex::Table(name) => {
            if matches!(path.relation(&catalog, name), Some(NamedRelation::View(_) | NamedRelation::Sequence(_))) {
                let message = format!("\"{}\" is not a table or materialized view", name.name);
                return Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message));
            }
            let table = session.lock_for_ddl(|catalog| find_target(catalog, &path, name), TableLock::Share)?;
            rebuild(session, &table, None)
        }
        Reindex::Schema(schema) => {
            outside_of_block(session, "REINDEX SCHEMA")?;
            if catalog.schema(schema).is_none() {
                return Err(no_such_schema(schema));
            }
            rebuild_all(session, |table| table.schema == *schema)
        }
        Reindex::Database(name) => {
            outside_of_block(session, "REINDEX DATABASE")?;
            if name != session.database() {
                let message = "can only reindex the currently open database";
                return Err(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, message));
            }
            rebuild_all(session, |_| true)
        }
    }
}

fn outside_of_block(session: &Session, command: &str) -> Result<()> {
    if session.is_in_block() {
        return Err(SqlError::new(
            SqlState::ACTIVE_SQL_TRANSACTION,
            format!("{command} cannot run inside a transaction block"),
        ));
    }
    Ok(())
}

fn rebuild_all(session: &mut Session, which: impl Fn(&TableDef) -> bool) -> Result<()> {
    let tables: Vec<Arc<TableDef>> = session.catalog()?.tables().filter(|table| which(table)).cloned().collect();
    for table in tables {
        // Those of others are theirs; those of the cloud are not changed here.
        if table.is_synced() && session.role() == heliosdb_storage::sync_row::Role::Edge {
            continue;
        }
        rebuild(session, &table, None)?;
    }
    Ok(())
}

/// Makes one index anew, or all of a table. The primary key is the table itself: there is nothing to make.
fn rebuild(session: &mut Session, table: &TableDef, name: Option<&str>) -> Result<()> {
    refuse_synced_on_edge(session, table, "reindex")?;
    session.refuse_in_use(table, "REINDEX")?;
    for index in table.indexes.iter().filter(|index| name.is_none_or(|name| index.name == name)) {
        session.storage()?.rebuild_index(table.id, index.id)?;
    }
    Ok(())
}
