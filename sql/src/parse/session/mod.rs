//! Statements about the session: settings, transactions, cursors, prepared statements, notifications, locks.
//!
//! Their grammars are small and PostgreSQL's own, so they are parsed here; the queries inside them are `sqlparser`'s.

mod cursor;
mod notify;
mod prepared;
mod setting;
mod transaction;

use std::sync::Arc;

use crate::parse::token::Token;

pub(super) use cursor::embedded;
pub use cursor::{CursorStatement, Declare, Direction, Scroll};
pub use notify::NotifyStatement;
pub use prepared::{Execute, Prepare, PreparedStatement};
pub use setting::{SetValue, SettingStatement};
pub use transaction::{Isolation, LockTable, Modes, TransactionStatement};

use super::tokens::Tokens;
use crate::error::Result;

/// A statement about the session.
#[derive(Clone, Debug)]
pub enum SessionStatement {
    /// SET, RESET, SHOW
    Setting(SettingStatement),
    /// BEGIN, COMMIT, SAVEPOINT, SET TRANSACTION, …
    Transaction(TransactionStatement),
    /// DECLARE, FETCH, MOVE, CLOSE
    Cursor(CursorStatement),
    /// PREPARE, EXECUTE, DEALLOCATE
    Prepared(PreparedStatement),
    /// LISTEN, UNLISTEN, NOTIFY
    Notify(NotifyStatement),
    /// DISCARD
    Discard(Discard),
    /// CHECKPOINT
    Checkpoint,
}

/// What DISCARD throws away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Discard {
    /// Everything.
    All,
    /// Cached plans.
    Plans,
    /// What is known of sequences.
    Sequences,
    /// Temporary tables.
    Temporary,
}

/// Parses a statement about the session; none if it is another kind of statement. `source` is the text that the tokens
/// came from.
pub fn parse(source: &Arc<str>, tokens: &[Token]) -> Result<Option<SessionStatement>> {
    let mut tokens = Tokens::new(source, tokens);
    let Some(keyword) = tokens.keyword() else { return Ok(None) };
    let parsed = match keyword.word() {
        "set" => setting::set(&mut tokens)?,
        "reset" => setting::reset(&mut tokens).map(SessionStatement::Setting)?,
        "show" => setting::show(&mut tokens).map(SessionStatement::Setting)?,
        "begin" | "start" | "commit" | "end" | "rollback" | "abort" | "savepoint" | "release" | "lock" => {
            SessionStatement::Transaction(transaction::parse(&mut tokens)?)
        }
        "prepare" => prepared::prepare(source, &mut tokens)?,
        "execute" => SessionStatement::Prepared(prepared::execute(&mut tokens)?),
        "deallocate" => SessionStatement::Prepared(prepared::deallocate(&mut tokens)?),
        "declare" => SessionStatement::Cursor(cursor::declare(source, &mut tokens)?),
        "fetch" | "move" | "close" => SessionStatement::Cursor(cursor::parse(&mut tokens)?),
        "listen" | "unlisten" | "notify" => SessionStatement::Notify(notify::parse(&mut tokens)?),
        "discard" => SessionStatement::Discard(discard(&mut tokens)?),
        "checkpoint" => {
            tokens.next();
            SessionStatement::Checkpoint
        }
        _ => return Ok(None),
    };
    tokens.end()?;
    Ok(Some(parsed))
}

fn discard(tokens: &mut Tokens<'_>) -> Result<Discard> {
    tokens.next();
    if tokens.take("all") {
        return Ok(Discard::All);
    }
    if tokens.take("plans") {
        return Ok(Discard::Plans);
    }
    if tokens.take("sequences") {
        return Ok(Discard::Sequences);
    }
    if tokens.take_any(&["temp", "temporary"]) {
        return Ok(Discard::Temporary);
    }
    Err(tokens.unexpected())
}
