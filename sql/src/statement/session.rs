//! Statements about the session: what each of them does.

use heliosdb_storage::Row;

use super::{cursor, notify, prepared};
use crate::error::{Result, SqlError, SqlState};
use crate::parse::session::{Discard, SessionStatement};
use crate::session::Session;

impl SessionStatement {
    /// The names of its result's columns, which are all text.
    pub(crate) fn result_columns(&self) -> Vec<String> {
        match self {
            Self::Setting(setting) => setting.result_columns(),
            _ => Vec::new(),
        }
    }

    /// Its tag when all goes well.
    pub(crate) fn tag(&self) -> &'static str {
        match self {
            Self::Setting(setting) => setting.tag(),
            Self::Transaction(transaction) => transaction.tag(),
            Self::Cursor(cursor) => cursor::tag(cursor),
            Self::Prepared(statement) => prepared::tag(statement),
            Self::Notify(notify) => notify::tag(notify),
            Self::Discard(Discard::All) => "DISCARD ALL",
            Self::Discard(Discard::Plans) => "DISCARD PLANS",
            Self::Discard(Discard::Sequences) => "DISCARD SEQUENCES",
            Self::Discard(Discard::Temporary) => "DISCARD TEMP",
            Self::Checkpoint => "CHECKPOINT",
        }
    }

    /// Whether a failed transaction lets it through: it ends it, or goes back to a savepoint.
    pub(crate) fn ends_failed_transaction(&self) -> bool {
        matches!(self, Self::Transaction(transaction) if transaction.ends_failed_transaction())
    }

    /// Runs it; returns its tag and its rows.
    pub(crate) fn run(&self, session: &mut Session) -> Result<(String, Vec<Row>)> {
        if !self.ends_failed_transaction() {
            session.ensure_not_failed()?;
        }
        let mut rows = Vec::new();
        match self {
            Self::Setting(setting) => rows = setting.run(session)?,
            Self::Transaction(transaction) => return Ok((transaction.run(session)?.to_owned(), rows)),
            Self::Cursor(cursor) => cursor::run(session, cursor)?,
            Self::Prepared(statement) => prepared::run(session, statement)?,
            Self::Notify(notify) => notify::run(session, notify)?,
            Self::Discard(what) => discard(session, *what)?,
            // Every commit is durable when it is answered: there is nothing left to force to disk.
            Self::Checkpoint => {}
        }
        Ok((self.tag().to_owned(), rows))
    }
}

fn discard(session: &mut Session, what: Discard) -> Result<()> {
    match what {
        Discard::All => {
            if session.is_in_block() {
                return Err(SqlError::new(
                    SqlState::ACTIVE_SQL_TRANSACTION,
                    "DISCARD ALL cannot run inside a transaction block",
                ));
            }
            session.close_all_cursors();
            session.deallocate_all();
            session.unlock_all_advisory();
            session.unlisten_all();
            session.change_settings(false, |settings, startup| {
                settings.reset_all(startup);
                Ok(())
            })
        }
        // Plans are checked against the catalog whenever they are used. Sequences keep nothing in the session, and there
        // are no temporary tables.
        Discard::Sequences => {
            session.sequences().forget();
            Ok(())
        }
        Discard::Plans | Discard::Temporary => Ok(()),
    }
}
