//! DROP of any object: which ones are meant. What goes along is the affair of [`crate::dependency`].

mod relation;
mod schema;
mod type_named;

use crate::bind::names::QualifiedName;
use crate::bind::search_path::schema_exists;
use crate::dependency::{ObjectAddress, drop_objects};
use crate::error::{Result, SqlError, SqlState};
use crate::parse::object::{DropKind, DropStatement};
use crate::session::Session;

impl DropStatement {
    pub(super) const fn tag(&self) -> &'static str {
        match self.kind {
            DropKind::Table => "DROP TABLE",
            DropKind::Index => "DROP INDEX",
            DropKind::Schema => "DROP SCHEMA",
            DropKind::Sequence => "DROP SEQUENCE",
            DropKind::View => "DROP VIEW",
            DropKind::Type => "DROP TYPE",
        }
    }
}

pub(super) fn run(session: &mut Session, command: &DropStatement) -> Result<()> {
    let mut targets: Vec<ObjectAddress> = Vec::with_capacity(command.names.len());
    for name in &command.names {
        let found = match command.kind {
            DropKind::Table => relation::table(session, name)?,
            DropKind::Index => relation::index(session, name)?,
            DropKind::Sequence => relation::sequence(session, name)?,
            DropKind::View => relation::view(session, name)?,
            DropKind::Type => type_named::type_named(session, name)?,
            DropKind::Schema => schema::schema(session, name)?,
        };
        match found {
            Some(target) if targets.contains(&target) => {}
            Some(target) => targets.push(target),
            None => missing(session, command, name)?,
        }
    }
    if targets.is_empty() {
        return Ok(());
    }
    drop_objects(session, &targets, command.cascade)
}

/// Something that is not there: an error, or with IF EXISTS a notice.
fn missing(session: &mut Session, command: &DropStatement, name: &QualifiedName) -> Result<()> {
    let kind = command.kind.name();
    let state = match command.kind {
        DropKind::Table | DropKind::Sequence | DropKind::View => SqlState::UNDEFINED_TABLE,
        DropKind::Index | DropKind::Type => SqlState::UNDEFINED_OBJECT,
        DropKind::Schema => SqlState::INVALID_SCHEMA_NAME,
    };
    let catalog = std::sync::Arc::clone(session.catalog()?);
    let (state, message) = match &name.schema {
        Some(schema) if !schema_exists(&catalog, session.search_path(&catalog).explicit(schema)) => {
            (SqlState::INVALID_SCHEMA_NAME, format!("schema \"{schema}\" does not exist"))
        }
        _ if command.kind == DropKind::Type => (state, format!("type \"{name}\" does not exist")),
        _ => (state, format!("{kind} \"{}\" does not exist", name.name)),
    };
    if !command.if_exists {
        return Err(SqlError::new(state, message));
    }
    session.note(SqlState::SUCCESS, format!("{message}, skipping"));
    Ok(())
}
