//! BEGIN, COMMIT, ROLLBACK, savepoints, SET TRANSACTION, LOCK TABLE.

use crate::parse::token::TokenKind;
use heliosdb_storage::transaction::TableLock;

use crate::bind::names::QualifiedName;
use crate::error::{Result, SqlError};
use crate::parse::tokens::Tokens;

/// Transaction control.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TransactionStatement {
    /// BEGIN, START TRANSACTION
    Begin {
        /// What is said about it.
        modes: Modes,
        /// START TRANSACTION has a tag of its own.
        is_start: bool,
    },
    /// COMMIT, END
    Commit {
        /// AND CHAIN
        chain: bool,
    },
    /// ROLLBACK, ABORT
    Rollback {
        /// AND CHAIN
        chain: bool,
    },
    /// SAVEPOINT
    Savepoint(String),
    /// RELEASE SAVEPOINT
    Release(String),
    /// ROLLBACK TO SAVEPOINT
    RollbackTo(String),
    /// SET TRANSACTION
    SetTransaction(Modes),
    /// SET SESSION CHARACTERISTICS AS TRANSACTION
    SetSessionCharacteristics(Modes),
    /// LOCK TABLE
    Lock(LockTable),
}

/// What is said about a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Modes {
    /// ISOLATION LEVEL
    pub isolation: Option<Isolation>,
    /// READ ONLY or READ WRITE
    pub read_only: Option<bool>,
    /// DEFERRABLE or NOT DEFERRABLE
    pub deferrable: Option<bool>,
}

/// An isolation level.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Isolation {
    /// READ UNCOMMITTED: the same as the next.
    ReadUncommitted,
    /// READ COMMITTED
    ReadCommitted,
    /// REPEATABLE READ
    RepeatableRead,
    /// SERIALIZABLE
    Serializable,
}

impl Isolation {
    /// The level of a name in the settings.
    pub fn by_name(name: &str) -> Option<Self> {
        [Self::ReadUncommitted, Self::ReadCommitted, Self::RepeatableRead, Self::Serializable]
            .into_iter()
            .find(|level| level.name() == name)
    }

    /// Its name, as settings have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadUncommitted => "read uncommitted",
            Self::ReadCommitted => "read committed",
            Self::RepeatableRead => "repeatable read",
            Self::Serializable => "serializable",
        }
    }
}

/// LOCK TABLE
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LockTable {
    /// The tables.
    pub tables: Vec<QualifiedName>,
    /// The mode.
    pub mode: TableLock,
    /// Whether to fail instead of waiting.
    pub nowait: bool,
}

/// Parses what begins with BEGIN, START, COMMIT, END, ROLLBACK, ABORT, SAVEPOINT, RELEASE, LOCK.
pub(super) fn parse(tokens: &mut Tokens<'_>) -> Result<TransactionStatement> {
    if tokens.take("begin") {
        tokens.take_any(&["work", "transaction"]);
        return Ok(TransactionStatement::Begin { modes: modes(tokens)?, is_start: false });
    }
    if tokens.take("start") {
        tokens.expect("transaction")?;
        return Ok(TransactionStatement::Begin { modes: modes(tokens)?, is_start: true });
    }
    if tokens.take("savepoint") {
        return tokens.name().map(TransactionStatement::Savepoint);
    }
    if tokens.take("release") {
        tokens.take("savepoint");
        return tokens.name().map(TransactionStatement::Release);
    }
    if tokens.take("lock") {
        return lock(tokens).map(TransactionStatement::Lock);
    }
    let is_commit = tokens.take("commit");
    if (is_commit || tokens.is_word("rollback")) && follows_prepared(tokens, is_commit) {
        return Err(SqlError::unsupported(if is_commit { "COMMIT PREPARED" } else { "ROLLBACK PREPARED" }));
    }
    let is_end = is_commit || tokens.take("end");
    let is_rollback = !is_end && tokens.take("rollback");
    if !is_end && !is_rollback {
        tokens.expect("abort")?;
    }
    tokens.take_any(&["work", "transaction"]);
    if is_rollback && tokens.take("to") {
        tokens.take("savepoint");
        return tokens.name().map(TransactionStatement::RollbackTo);
    }
    let chain = chain(tokens)?;
    Ok(if is_end { TransactionStatement::Commit { chain } } else { TransactionStatement::Rollback { chain } })
}

/// COMMIT PREPARED, ROLLBACK PREPARED; the first word of COMMIT has been taken.
fn follows_prepared(tokens: &mut Tokens<'_>, is_commit: bool) -> bool {
    if is_commit { tokens.is_word("prepared") } else { tokens.take_all(&["rollback", "prepared"]) }
}

/// `AND [NO] CHAIN`
fn chain(tokens: &mut Tokens<'_>) -> Result<bool> {
    if !tokens.take("and") {
        return Ok(false);
    }
    let no = tokens.take("no");
    tokens.expect("chain")?;
    Ok(!no)
}

/// SET TRANSACTION, whose first two words have been taken.
pub(super) fn set_transaction(tokens: &mut Tokens<'_>) -> Result<TransactionStatement> {
    if tokens.is_word("snapshot") {
        return Err(SqlError::unsupported("SET TRANSACTION SNAPSHOT"));
    }
    if tokens.is_at_end() {
        return Err(tokens.unexpected());
    }
    modes(tokens).map(TransactionStatement::SetTransaction)
}

/// What follows SET SESSION CHARACTERISTICS AS TRANSACTION.
pub(super) fn session_characteristics(tokens: &mut Tokens<'_>) -> Result<TransactionStatement> {
    if tokens.is_at_end() {
        return Err(tokens.unexpected());
    }
    modes(tokens).map(TransactionStatement::SetSessionCharacteristics)
}

/// Transaction modes, with or without commas between them.
fn modes(tokens: &mut Tokens<'_>) -> Result<Modes> {
    let mut modes = Modes::default();
    let mut is_first = true;
    while !tokens.is_at_end() {
        if !is_first {
            tokens.take_token(&TokenKind::Comma);
        }
        is_first = false;
        if tokens.take("isolation") {
            tokens.expect("level")?;
            modes.isolation = Some(isolation(tokens)?);
        } else if tokens.take("read") {
            let read_only = tokens.take("only");
            if !read_only {
                tokens.expect("write")?;
            }
            modes.read_only = Some(read_only);
        } else {
            let not = tokens.take("not");
            tokens.expect("deferrable")?;
            modes.deferrable = Some(!not);
        }
    }
    Ok(modes)
}

fn isolation(tokens: &mut Tokens<'_>) -> Result<Isolation> {
    if tokens.take("serializable") {
        return Ok(Isolation::Serializable);
    }
    if tokens.take("repeatable") {
        tokens.expect("read")?;
        return Ok(Isolation::RepeatableRead);
    }
    tokens.expect("read")?;
    if tokens.take("uncommitted") {
        return Ok(Isolation::ReadUncommitted);
    }
    tokens.expect("committed")?;
    Ok(Isolation::ReadCommitted)
}

/// What follows LOCK.
fn lock(tokens: &mut Tokens<'_>) -> Result<LockTable> {
    tokens.take("table");
    let mut tables = vec![relation(tokens)?];
    while tokens.take_token(&TokenKind::Comma) {
        tables.push(relation(tokens)?);
    }
    let mode = if tokens.take("in") {
        let mode = lock_mode(tokens)?;
        tokens.expect("mode")?;
        mode
    } else {
        TableLock::AccessExclusive
    };
    Ok(LockTable { tables, mode, nowait: tokens.take("nowait") })
}

fn relation(tokens: &mut Tokens<'_>) -> Result<QualifiedName> {
    tokens.take("only");
    let mut names = tokens.names()?;
    tokens.take_token(&TokenKind::Star);
    let name = names.pop().unwrap_or_default();
    let schema = names.pop();
    if !names.is_empty() {
        return Err(SqlError::unsupported("a table of another database"));
    }
    Ok(QualifiedName { schema, name })
}

fn lock_mode(tokens: &mut Tokens<'_>) -> Result<TableLock> {
    const MODES: [(&[&str], TableLock); 8] = [
        (&["access", "share"], TableLock::AccessShare),
        (&["access", "exclusive"], TableLock::AccessExclusive),
        (&["row", "share"], TableLock::RowShare),
        (&["row", "exclusive"], TableLock::RowExclusive),
        (&["share", "update", "exclusive"], TableLock::ShareUpdateExclusive),
        (&["share", "row", "exclusive"], TableLock::ShareRowExclusive),
        (&["share"], TableLock::Share),
        (&["exclusive"], TableLock::Exclusive),
    ];
    MODES.iter().find(|(words, _)| tokens.take_all(words)).map(|(_, mode)| *mode).ok_or_else(|| tokens.unexpected())
}
