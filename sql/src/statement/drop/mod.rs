//! DROP of any object: which ones are meant. What goes along is the affair of [`crate::dependency`].

mod relation;
mod schema;

use sqlparser::ast::{ObjectType, Statement};

use crate::bind::names::{self, QualifiedName};
use crate::bind::search_path::schema_exists;
use crate::dependency::{ObjectAddress, drop_objects};
use crate::error::{Result, SqlError, SqlState};
use crate::session::Session;

/// DROP
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DropCommand {
    kind: Kind,
    names: Vec<QualifiedName>,
    if_exists: bool,
    cascade: bool,
}

/// What kind of object is dropped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Table,
    Index,
    Schema,
}

pub(super) fn command(statement: &Statement) -> Result<DropCommand> {
    let Statement::Drop { object_type, if_exists, names, cascade, restrict: _, purge, temporary, table } = statement
    else {
        return Err(SqlError::unsupported("DROP"));
    };
    let kind = match object_type {
        ObjectType::Table => Kind::Table,
        ObjectType::Index => Kind::Index,
        ObjectType::Schema => Kind::Schema,
        other => return Err(SqlError::unsupported(format!("DROP {other}"))),
    };
    if *purge || *temporary || table.is_some() {
        return Err(SqlError::unsupported(format!("this form of DROP {object_type}")));
    }
    let names = match kind {
        Kind::Schema => {
            let single = |name| Ok(QualifiedName { schema: None, name: names::single(name)? });
            names.iter().map(single).collect::<Result<_>>()?
        }
        Kind::Table | Kind::Index => names.iter().map(names::qualified).collect::<Result<_>>()?,
    };
    Ok(DropCommand { kind, names, if_exists: *if_exists, cascade: *cascade })
}

impl DropCommand {
    pub(super) const fn tag(&self) -> &'static str {
        match self.kind {
            Kind::Table => "DROP TABLE",
            Kind::Index => "DROP INDEX",
            Kind::Schema => "DROP SCHEMA",
        }
    }
}

pub(super) fn run(session: &mut Session, command: &DropCommand) -> Result<()> {
    let mut targets: Vec<ObjectAddress> = Vec::with_capacity(command.names.len());
    for name in &command.names {
        let found = match command.kind {
            Kind::Table => relation::table(session, name)?,
            Kind::Index => relation::index(session, name)?,
            Kind::Schema => schema::schema(session, name)?,
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
fn missing(session: &mut Session, command: &DropCommand, name: &QualifiedName) -> Result<()> {
    let (kind, state) = match command.kind {
        Kind::Table => ("table", SqlState::UNDEFINED_TABLE),
        Kind::Index => ("index", SqlState::UNDEFINED_OBJECT),
        Kind::Schema => ("schema", SqlState::INVALID_SCHEMA_NAME),
    };
    let catalog = std::sync::Arc::clone(session.catalog()?);
    let (state, message) = match &name.schema {
        Some(schema) if !schema_exists(&catalog, session.search_path(&catalog).explicit(schema)) => {
            (SqlState::INVALID_SCHEMA_NAME, format!("schema \"{schema}\" does not exist"))
        }
        _ => (state, format!("{kind} \"{}\" does not exist", name.name)),
    };
    if !command.if_exists {
        return Err(SqlError::new(state, message));
    }
    session.note(SqlState::SUCCESS, format!("{message}, skipping"));
    Ok(())
}
