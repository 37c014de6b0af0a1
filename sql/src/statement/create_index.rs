//! CREATE INDEX.

use heliosdb_storage::catalog::IndexDef;
use heliosdb_storage::transaction::TableLock;

use super::constraint::{free_name, index_slots};
use super::refuse_synced_on_edge;
use crate::bind::find_target;
use crate::error::{Result, SqlError, SqlState};
use crate::parse::table::{CreateIndex, IndexedItem};
use crate::session::Session;

pub(super) fn run(session: &mut Session, create: &CreateIndex) -> Result<()> {
    let refused = [
        (create.concurrently, "CREATE INDEX CONCURRENTLY"),
        (!matches!(create.method.as_deref(), None | Some("btree")), "an index method other than btree"),
        (!create.included.is_empty(), "INCLUDE"),
        (create.nulls_not_distinct, "NULLS NOT DISTINCT"),
        (!create.parameters.is_empty() || create.tablespace.is_some(), "an index option"),
        (create.predicate.is_some(), "a partial index (WHERE)"),
    ];
    if let Some((_, what)) = refused.iter().find(|(present, _)| *present) {
        return Err(SqlError::unsupported(what));
    }
    let path = session.path()?;
    let table = session.lock_for_ddl(|catalog| find_target(catalog, &path, &create.table), TableLock::Share)?;
    if let Some(name) = &create.name {
        if session.catalog()?.has_relation(&table.schema, name) {
            let message = format!("relation \"{name}\" already exists");
            if !create.if_not_exists {
                return Err(SqlError::new(SqlState::DUPLICATE_TABLE, message));
            }
            session.note(SqlState::DUPLICATE_TABLE, format!("{message}, skipping"));
            return Ok(());
        }
    }
    refuse_synced_on_edge(session, &table, "create an index on")?;
    let mut columns = Vec::with_capacity(create.elements.len());
    for element in &create.elements {
        if element.operator_class.is_some() {
            return Err(SqlError::unsupported("an operator class"));
        }
        if element.descending.is_some() || element.nulls_first.is_some() {
            return Err(SqlError::unsupported("an order of an index column"));
        }
        match &element.item {
            IndexedItem::Column(name) => columns.push(name.clone()),
            IndexedItem::Expression(_) => return Err(SqlError::unsupported("an index on an expression")),
        }
    }
    let slots = index_slots(&table.columns, &columns, "index")?;
    let name = match &create.name {
        Some(name) => name.clone(),
        None => {
            let catalog = session.catalog()?;
            free_name(&table.name, &columns.join("_"), "idx", &|name| catalog.has_relation(&table.schema, name))
        }
    };
    let index = IndexDef { unique: create.unique, ..IndexDef::on(name, &slots) };
    session.storage()?.create_index(table.id, index)?;
    Ok(())
}
