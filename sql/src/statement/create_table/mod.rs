//! CREATE TABLE.

pub mod create_as;
pub(super) mod draft;
pub(super) mod numbered;

use std::sync::Arc;

use heliosdb_storage::catalog::SyncMode;
use heliosdb_storage::sync_row::Role;

use super::storage_parameter;
use crate::error::{Result, SqlError, SqlState};
use crate::parse::table::{CreateTable, TableElement, TableHead, check_tablespace};
use crate::session::Session;
use draft::Draft;

pub(super) fn run(session: &mut Session, create: &CreateTable) -> Result<()> {
    let head = &create.head;
    refuse_clauses(head)?;
    let catalog = Arc::clone(session.catalog()?);
    let path = session.search_path(&catalog);
    let schema = path.creation_schema(&catalog, head.name.schema.as_deref())?;
    let name = &head.name.name;
    if catalog.has_relation(&schema, name) {
        let message = format!("relation \"{name}\" already exists");
        if !head.if_not_exists {
            return Err(SqlError::new(SqlState::DUPLICATE_TABLE, message));
        }
        session.note(SqlState::DUPLICATE_TABLE, format!("{message}, skipping"));
        return Ok(());
    }
    let parameters = storage_parameter::of_table(&head.parameters)?;
    let mut draft = Draft::new(&catalog, &path, &schema, name);
    draft.table.options = parameters.listed;
    for element in &create.elements {
        match element {
            TableElement::Column(column) => draft.column(column)?,
            TableElement::Constraint(constraint) => draft.constraint(constraint)?,
        }
    }
    draft.primary_and_unique()?;
    let has_key = draft.table.primary_key.is_some();
    draft.table.sync = sync_mode(session.role(), parameters.sync, has_key, name)?;
    if session.role() == Role::Hub && parameters.sync.is_none() && !has_key {
        session.note(SqlState::SUCCESS, format!("table \"{name}\" has no primary key and is not synced"));
    }
    let numbered = std::mem::take(&mut draft.numbered);
    if draft.table.sync != SyncMode::None && !numbered.is_empty() {
        return Err(numbered::refuse_on_synced(name));
    }
    let mut table = draft.finish()?;
    if table.sync != SyncMode::None {
        refuse_enums(&table)?;
    }
    let mut taken = vec![name.clone()];
    let mut sequences = Vec::with_capacity(numbered.len());
    for column in &numbered {
        let Some(definition) = table.columns.get_mut(column.slot) else { continue };
        let (id, default) = column.make_sequence(session, &catalog, (&schema, name), &definition.name, &mut taken)?;
        definition.default = Some(default);
        sequences.push(id);
    }
    let made = session.storage()?.create_table(table)?;
    for (column, sequence) in numbered.iter().zip(sequences) {
        column.give(session, sequence, &made)?;
    }
    Ok(())
}

/// The definition of an enum does not travel with the schema yet.
fn refuse_enums(table: &heliosdb_storage::catalog::NewTable) -> Result<()> {
    use heliosdb_storage::value::DataType;
    let is_enum = |data_type: DataType| matches!(data_type.element().unwrap_or(data_type), DataType::Enum(_));
    match table.columns.iter().find(|column| is_enum(column.column_type.data_type)) {
        Some(column) => {
            Err(SqlError::unsupported(format!("enum column \"{}\" in synced table \"{}\"", column.name, table.name))
                .with_hint("Use text with a CHECK constraint, or WITH (sync = 'none')."))
        }
        None => Ok(()),
    }
}

/// Whether the rows of a new table travel.
fn sync_mode(role: Role, asked: Option<SyncMode>, has_key: bool, table: &str) -> Result<SyncMode> {
    match (asked, role) {
        (Some(SyncMode::None), _) | (None, Role::Standalone | Role::Edge) => Ok(SyncMode::None),
        (None, Role::Hub) => Ok(if has_key { SyncMode::Both } else { SyncMode::None }),
        (Some(SyncMode::Both), Role::Hub) if has_key => Ok(SyncMode::Both),
        (Some(SyncMode::Both), Role::Hub) => Err(SqlError::new(
            SqlState::INVALID_TABLE_DEFINITION,
            format!("synced table \"{table}\" needs a primary key"),
        )),
        (Some(SyncMode::Both), Role::Edge) => Err(SqlError::new(
            SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
            "synced tables are not made on an edge",
        )
        .with_hint(
            "Create the table on the cloud; it reaches this node with the next sync. With sync = 'none' it is local.",
        )),
        (Some(SyncMode::Both), Role::Standalone) => Err(SqlError::new(
            SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
            "this node is not enrolled with a cloud: there is nobody to sync with",
        )
        .with_hint("Leave sync out, or set it to 'none'.")),
    }
}

fn refuse_clauses(head: &TableHead) -> Result<()> {
    if head.temporary {
        return Err(SqlError::unsupported("CREATE TEMPORARY TABLE"));
    }
    if head.unlogged {
        return Err(SqlError::unsupported("CREATE UNLOGGED TABLE")
            .with_hint("Every table is durable here; leave UNLOGGED out."));
    }
    if let Some(method) = head.access_method.as_deref().filter(|method| *method != "heap") {
        return Err(SqlError::new(SqlState::UNDEFINED_OBJECT, format!("access method \"{method}\" does not exist")));
    }
    check_tablespace(head.tablespace.as_deref())
}
