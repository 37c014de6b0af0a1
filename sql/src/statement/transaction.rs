//! BEGIN, COMMIT, ROLLBACK, savepoints, SET TRANSACTION.

use sqlparser::ast::{self, Statement, TransactionAccessMode, TransactionIsolationLevel, TransactionMode};

use crate::bind::names::ident;
use crate::error::{Result, SqlError};
use crate::session::Session;

/// Transaction control.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TransactionCommand {
    /// BEGIN, START TRANSACTION
    Begin {
        /// READ ONLY or READ WRITE, if it is said.
        read_only: Option<bool>,
        /// START TRANSACTION has a tag of its own.
        is_start: bool,
    },
    /// COMMIT, END
    Commit,
    /// ROLLBACK
    Rollback,
    /// SAVEPOINT
    Savepoint(String),
    /// RELEASE SAVEPOINT
    Release(String),
    /// ROLLBACK TO SAVEPOINT
    RollbackTo(String),
    /// SET TRANSACTION
    SetTransaction {
        /// READ ONLY or READ WRITE, if it is said.
        read_only: Option<bool>,
    },
}

/// The command that a statement is, if it is one of these.
pub(super) fn command(statement: &Statement) -> Result<Option<TransactionCommand>> {
    Ok(Some(match statement {
        Statement::StartTransaction {
            modes,
            begin,
            transaction: _,
            modifier,
            statements,
            exception,
            has_end_keyword,
        } => {
            if modifier.is_some() || !statements.is_empty() || exception.is_some() || *has_end_keyword {
                return Err(SqlError::unsupported("this form of BEGIN"));
            }
            TransactionCommand::Begin { read_only: access(modes)?, is_start: !begin }
        }
        Statement::Commit { chain, end: _, modifier } => {
            if *chain || modifier.is_some() {
                return Err(SqlError::unsupported("COMMIT AND CHAIN"));
            }
            TransactionCommand::Commit
        }
        Statement::Rollback { chain: true, .. } => return Err(SqlError::unsupported("ROLLBACK AND CHAIN")),
        Statement::Rollback { chain: false, savepoint: None } => TransactionCommand::Rollback,
        Statement::Rollback { chain: false, savepoint: Some(name) } => TransactionCommand::RollbackTo(ident(name)),
        Statement::Savepoint { name } => TransactionCommand::Savepoint(ident(name)),
        Statement::ReleaseSavepoint { name } => TransactionCommand::Release(ident(name)),
        Statement::Set(ast::Set::SetTransaction { modes, snapshot, session }) => {
            if snapshot.is_some() {
                return Err(SqlError::unsupported("SET TRANSACTION SNAPSHOT"));
            }
            let read_only = access(modes)?;
            if *session && read_only == Some(true) {
                return Err(SqlError::unsupported("SET SESSION CHARACTERISTICS … READ ONLY"));
            }
            TransactionCommand::SetTransaction { read_only: read_only.filter(|_| !session) }
        }
        _ => return Ok(None),
    }))
}

fn access(modes: &[TransactionMode]) -> Result<Option<bool>> {
    let mut read_only = None;
    for mode in modes {
        match mode {
            TransactionMode::AccessMode(access) => read_only = Some(*access == TransactionAccessMode::ReadOnly),
            // PostgreSQL too gives READ COMMITTED to who asks for less.
            TransactionMode::IsolationLevel(
                TransactionIsolationLevel::ReadCommitted | TransactionIsolationLevel::ReadUncommitted,
            ) => {}
            TransactionMode::IsolationLevel(level) => {
                return Err(SqlError::unsupported(format!("ISOLATION LEVEL {level}"))
                    .with_hint("Transactions are READ COMMITTED."));
            }
        }
    }
    Ok(read_only)
}

impl TransactionCommand {
    pub(super) const fn tag(&self) -> &'static str {
        match self {
            Self::Begin { is_start: true, .. } => "START TRANSACTION",
            Self::Begin { is_start: false, .. } => "BEGIN",
            Self::Commit => "COMMIT",
            Self::Rollback | Self::RollbackTo(_) => "ROLLBACK",
            Self::Savepoint(_) => "SAVEPOINT",
            Self::Release(_) => "RELEASE",
            Self::SetTransaction { .. } => "SET",
        }
    }

    pub(super) fn run(&self, session: &mut Session) -> Result<&'static str> {
        match self {
            Self::Begin { read_only, .. } => session.begin(read_only.unwrap_or(false))?,
            Self::Commit => {
                if !session.commit_block()? {
                    return Ok("ROLLBACK");
                }
            }
            Self::Rollback => session.rollback_block(),
            Self::Savepoint(name) => session.savepoint(name)?,
            Self::Release(name) => session.release(name)?,
            Self::RollbackTo(name) => session.rollback_to(name)?,
            Self::SetTransaction { read_only } => {
                session.ensure_not_failed()?;
                if let Some(read_only) = read_only {
                    session.set_read_only(*read_only)?;
                }
            }
        }
        Ok(self.tag())
    }
}
