//! CREATE TABLE.

mod draft;
mod options;

use std::sync::Arc;

use heliosdb_storage::catalog::SyncMode;
use heliosdb_storage::sync_row::Role;
use sqlparser::ast;
use sqlparser::ast::helpers::stmt_create_table::CreateTableBuilder;

use crate::bind::names;
use crate::error::{Result, SqlError, SqlState};
use crate::session::Session;
use draft::Draft;
use options::Options;

pub(super) fn run(session: &mut Session, create: &ast::CreateTable) -> Result<()> {
    refuse_foreign_clauses(create)?;
    let name = names::qualified(&create.name)?;
    let catalog = Arc::clone(session.catalog()?);
    let path = session.search_path(&catalog);
    let schema = path.creation_schema(&catalog, name.schema.as_deref())?;
    if catalog.has_relation(&schema, &name.name) {
        let message = format!("relation \"{}\" already exists", name.name);
        if !create.if_not_exists {
            return Err(SqlError::new(SqlState::DUPLICATE_TABLE, message));
        }
        session.note(SqlState::DUPLICATE_TABLE, format!("{message}, skipping"));
        return Ok(());
    }
    let options = Options::of(&create.table_options)?;
    let mut draft = Draft::new(&catalog, &path, &schema, &name.name);
    for column in &create.columns {
        draft.column(column)?;
    }
    for constraint in &create.constraints {
        draft.table_constraint(constraint)?;
    }
    draft.primary_and_unique()?;
    let has_key = draft.table.primary_key.is_some();
    draft.table.sync = sync_mode(session.role(), options.sync, has_key, &name.name)?;
    if session.role() == Role::Hub && options.sync.is_none() && !has_key {
        session.note(SqlState("00000"), format!("table \"{}\" has no primary key and is not synced", name.name));
    }
    let table = draft.finish()?;
    session.storage()?.create_table(table)?;
    Ok(())
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

/// What is understood is put together again: whatever else the statement says makes the two differ.
fn refuse_foreign_clauses(create: &ast::CreateTable) -> Result<()> {
    let named = [
        (create.temporary, "CREATE TEMPORARY TABLE"),
        (create.unlogged, "CREATE UNLOGGED TABLE"),
        (create.query.is_some(), "CREATE TABLE AS"),
        (create.like.is_some(), "CREATE TABLE … LIKE"),
        (create.inherits.is_some(), "INHERITS"),
        (create.partition_by.is_some() || create.partition_of.is_some(), "PARTITION"),
        (create.on_commit.is_some(), "ON COMMIT"),
        (create.or_replace, "CREATE OR REPLACE TABLE"),
    ];
    if let Some((_, what)) = named.iter().find(|(present, _)| *present) {
        return Err(SqlError::unsupported(what));
    }
    let understood = CreateTableBuilder::new(create.name.clone())
        .if_not_exists(create.if_not_exists)
        .columns(create.columns.clone())
        .constraints(create.constraints.clone())
        .table_options(create.table_options.clone())
        .hive_formats(create.hive_formats.clone().filter(is_empty_format))
        .build();
    if understood == *create { Ok(()) } else { Err(SqlError::unsupported("this form of CREATE TABLE")) }
}

/// The parser leaves an empty Hive format behind in every statement.
fn is_empty_format(format: &ast::HiveFormat) -> bool {
    *format == ast::HiveFormat::default()
}
