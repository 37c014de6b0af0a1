//! Prepared statements by their names: one name space for the protocol's and for PREPARE's.

use std::collections::BTreeMap;
use std::sync::Arc;

use heliosdb_storage::value::{DataType, Micros};

use super::Session;
use super::prepared::Prepared;
use crate::bind::type_name::{self, TypeNames};
use crate::error::{Result, SqlError, SqlState};
use crate::parse::session::Prepare;
use crate::types::datetime::now_micros;

/// Named prepared statements of one session.
const MAX_STATEMENTS: usize = 10_000;

/// The prepared statements of a session.
#[derive(Debug, Default)]
pub(crate) struct Statements {
    unnamed: Option<NamedStatement>,
    named: BTreeMap<String, NamedStatement>,
}

/// A prepared statement with what `pg_prepared_statements` says of it.
#[derive(Clone, Debug)]
pub(crate) struct NamedStatement {
    /// None for an empty text.
    pub prepared: Option<Arc<Prepared>>,
    /// The text that it was made from.
    pub text: Arc<str>,
    /// Whether PREPARE made it.
    pub from_sql: bool,
    /// When it was made.
    pub prepared_at: Micros,
}

impl Statements {
    pub(super) fn get(&self, name: &str) -> Result<&NamedStatement> {
        let found = if name.is_empty() { self.unnamed.as_ref() } else { self.named.get(name) };
        found.ok_or_else(|| {
            let message = if name.is_empty() {
                "unnamed prepared statement does not exist".to_owned()
            } else {
                format!("prepared statement \"{name}\" does not exist")
            };
            SqlError::new(SqlState::INVALID_SQL_STATEMENT_NAME, message)
        })
    }

    fn check_new(&self, name: &str) -> Result<()> {
        if self.named.contains_key(name) {
            return Err(SqlError::new(
                SqlState::DUPLICATE_PREPARED_STATEMENT,
                format!("prepared statement \"{name}\" already exists"),
            ));
        }
        if self.named.len() >= MAX_STATEMENTS {
            return Err(SqlError::new(
                SqlState::PROGRAM_LIMIT_EXCEEDED,
                format!("a session can have {MAX_STATEMENTS} prepared statements"),
            )
            .with_hint("Close those that are not needed any more."));
        }
        Ok(())
    }

    /// The named statements, by name.
    pub fn all(&self) -> impl Iterator<Item = (&String, &NamedStatement)> {
        self.named.iter()
    }
}

impl Session {
    /// Parses one statement and keeps it under a name, empty for the unnamed one: the protocol's Parse.
    pub fn parse(&mut self, name: &str, sql: &str, types: &[DataType]) -> Result<()> {
        self.parse_here(name, sql, types).inspect_err(|_| self.fail())
    }

    fn parse_here(&mut self, name: &str, sql: &str, types: &[DataType]) -> Result<()> {
        if name.is_empty() {
            self.forget_unnamed_statement();
        } else {
            self.facts.statements.lock().check_new(name)?;
        }
        let statements = self.split(sql)?;
        let prepared = match statements.as_slice() {
            [] => None,
            [statement] => Some(self.prepare_here(statement, types)?),
            _ => {
                return Err(SqlError::new(
                    SqlState::SYNTAX_ERROR,
                    "cannot insert multiple commands into a prepared statement",
                ));
            }
        };
        let statement = NamedStatement { prepared, text: sql.into(), from_sql: false, prepared_at: now_micros() };
        let mut statements = self.facts.statements.lock();
        if name.is_empty() {
            statements.unnamed = Some(statement);
        } else {
            statements.named.insert(name.to_owned(), statement);
        }
        Ok(())
    }

    /// A prepared statement by its name; `Some(None)` for an empty text.
    pub fn statement(&self, name: &str) -> Result<Option<Arc<Prepared>>> {
        Ok(self.facts.statements.lock().get(name)?.prepared.clone())
    }

    /// Forgets a prepared statement; there need not be one of the name.
    pub fn close_statement(&mut self, name: &str) {
        if name.is_empty() {
            self.forget_unnamed_statement();
        } else {
            self.facts.statements.lock().named.remove(name);
        }
    }

    /// Forgets the unnamed statement: the simple protocol does so.
    pub fn forget_unnamed_statement(&mut self) {
        self.facts.statements.lock().unnamed = None;
    }

    /// PREPARE
    pub(crate) fn prepare_named(&mut self, prepare: &Prepare) -> Result<()> {
        self.facts.statements.lock().check_new(&prepare.name)?;
        let catalog = match self.state.active() {
            Some(active) => Arc::clone(active.txn.catalog()),
            None => self.engine.store.catalog(),
        };
        let path = self.search_path(&catalog);
        let types = prepare
            .types
            .iter()
            .map(|name| {
                type_name::plain(name, TypeNames { catalog: &catalog, path: &path }).map(|found| found.data_type)
            })
            .collect::<Result<Vec<_>>>()?;
        let prepared = self.prepare_here(&prepare.statement, &types)?;
        let text = Arc::clone(&prepare.statement.source);
        let statement = NamedStatement { prepared: Some(prepared), text, from_sql: true, prepared_at: now_micros() };
        self.facts.statements.lock().named.insert(prepare.name.clone(), statement);
        Ok(())
    }

    /// DEALLOCATE
    pub(crate) fn deallocate(&mut self, name: &str) -> Result<()> {
        let mut statements = self.facts.statements.lock();
        statements.get(name)?;
        statements.named.remove(name);
        Ok(())
    }

    /// DEALLOCATE ALL
    pub(crate) fn deallocate_all(&mut self) {
        self.facts.statements.lock().named.clear();
    }
}
