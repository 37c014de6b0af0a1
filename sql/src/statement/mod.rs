//! Statements that are not queries, one kind a file: DDL, transaction control, settings.
//!
//! Names in them are looked up when they are run, not before.

mod alter_index;
mod alter_table;
mod comment;
mod constraint;
pub(crate) mod create_index;
pub(crate) mod create_table;
mod cursor;
mod drop;
mod extension;
mod notify;
mod operator_class;
mod prepared;
mod schema;
mod sequence;
mod session;
mod set_constraints;
mod setting;
mod storage_parameter;
mod table;
mod transaction;
mod truncate;
mod type_statement;
mod view;

use std::sync::Arc;

use heliosdb_storage::Row;
use heliosdb_storage::catalog::TableDef;
use heliosdb_storage::transaction::TableLock;
use sqlparser::ast::{self, Statement};

use crate::error::{Result, SqlError, SqlState};
use crate::parse::ddl::DdlStatement;
use crate::parse::object::ObjectStatement;
use crate::parse::session::SessionStatement;
use crate::parse::table::TableStatement;
use crate::session::Session;
use crate::session::settings::Setting;

/// A statement that is not a query.
#[derive(Debug)]
pub enum Command {
    /// Transaction control, settings, cursors, …
    Session(Arc<SessionStatement>),
    /// Tables and indexes
    Table(Arc<TableStatement>),
    /// Schemas, sequences, …; DROP
    Object(Arc<ObjectStatement>),
    /// CREATE EXTENSION
    CreateExtension(ast::CreateExtension),
}

/// The command that a statement is; 0A000 if there is none.
pub fn command(statement: &Statement) -> Result<Command> {
    Ok(match statement {
        Statement::CreateExtension(create) => Command::CreateExtension(create.clone()),
        other => return Err(SqlError::unsupported(name_of(other))),
    })
}

/// The command that a statement is which only our own tree can say; 0A000 if there is none.
pub fn ddl_command(statement: &Arc<DdlStatement>) -> Result<Command> {
    Err(SqlError::unsupported(statement.name()))
}

impl Command {
    /// Its tag when all goes well.
    pub fn tag(&self) -> &'static str {
        match self {
            Self::Session(statement) => statement.tag(),
            Self::Table(statement) => statement.tag(),
            Self::Object(statement) => statement.tag(),
            Self::CreateExtension(_) => "CREATE EXTENSION",
        }
    }

    /// Runs it; returns its tag and its rows.
    pub fn run(&self, session: &mut Session) -> Result<(String, Vec<Row>)> {
        match self {
            Self::Session(statement) => return statement.run(session),
            Self::Table(statement) => {
                if let TableStatement::CreateAs(create) = &**statement {
                    let mut rows = None;
                    session.ddl(self.tag(), |session| {
                        rows = create_table::create_as::run(session, create)?;
                        Ok(())
                    })?;
                    let tag = rows.map_or_else(|| self.tag().to_owned(), |rows| format!("SELECT {rows}"));
                    return Ok((tag, Vec::new()));
                }
                statement.run(session)?;
            }
            Self::Object(statement) => session.ddl(self.tag(), |session| statement.run(session))?,
            Self::CreateExtension(create) => extension::run(session, create)?,
        }
        Ok((self.tag().to_owned(), Vec::new()))
    }
}

impl ObjectStatement {
    fn tag(&self) -> &'static str {
        match self {
            Self::Schema(statement) => statement.tag(),
            Self::Sequence(statement) => statement.tag(),
            Self::View(statement) => statement.tag(),
            Self::Type(statement) => statement.tag(),
            Self::Comment(_) => "COMMENT",
            Self::Drop(statement) => statement.tag(),
        }
    }

    fn run(&self, session: &mut Session) -> Result<()> {
        match self {
            Self::Schema(statement) => statement.run(session),
            Self::Sequence(statement) => statement.run(session),
            Self::View(statement) => statement.run(session),
            Self::Type(statement) => statement.run(session),
            Self::Comment(statement) => comment::run(session, statement),
            Self::Drop(statement) => drop::run(session, statement),
        }
    }
}

/// On an edge the schema of synced tables comes from the cloud.
pub(crate) fn refuse_synced_on_edge(session: &Session, table: &TableDef, what: &str) -> Result<()> {
    if table.is_synced() && session.role() == heliosdb_storage::sync_row::Role::Edge {
        return Err(SqlError::new(
            SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("cannot {what} \"{}\" here: it is a synced table", table.name),
        )
        .with_hint("Change synced tables on the cloud; the change reaches this node with the next sync."));
    }
    Ok(())
}

impl Session {
    /// Runs a statement that changes the catalog, inside the transaction; if it fails, nothing of it remains.
    fn ddl(&mut self, name: &str, run: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        self.ensure_transaction()?;
        if self.settings().is_on(Setting::TransactionReadOnly) {
            return Err(crate::session::read_only_transaction(name));
        }
        let active = self.ensure_transaction()?;
        active.txn.begin_statement()?;
        let savepoint = active.txn.savepoint();
        // From here on nobody else changes the catalog: what is looked up stays true until it is changed.
        active.txn.lock_catalog()?;
        let result = run(self).and_then(|()| {
            self.ensure_transaction()?.txn.end_statement()?;
            Ok(())
        });
        if result.is_err()
            && let Ok(active) = self.ensure_transaction()
        {
            active.txn.rollback_to(savepoint);
        }
        result
    }

    /// A table that DDL is about to change, locked: by its newest definition.
    fn lock_for_ddl(
        &mut self,
        find: impl Fn(&heliosdb_storage::Catalog) -> Result<std::sync::Arc<TableDef>>,
        lock: TableLock,
    ) -> Result<std::sync::Arc<TableDef>> {
        let txn = &mut self.ensure_transaction()?.txn;
        let table = find(txn.catalog())?;
        txn.lock_table(table.id, lock)?;
        // It may have been dropped while we waited.
        txn.begin_statement()?;
        find(txn.catalog())
    }
}

fn name_of(statement: &Statement) -> String {
    let text = statement.to_string();
    let words: Vec<&str> = text.split_whitespace().take(2).collect();
    let is_keyword = |word: &&str| word.chars().all(|c| c.is_ascii_uppercase());
    words.into_iter().take_while(is_keyword).collect::<Vec<_>>().join(" ")
}
