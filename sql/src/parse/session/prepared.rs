//! PREPARE, EXECUTE, DEALLOCATE.

use std::sync::Arc;

use crate::parse::token::TokenKind;
use sqlparser::ast;

use super::SessionStatement;
use super::cursor::embedded;
use crate::error::{Result, SqlError};
use crate::parse::ParsedStatement;
use crate::parse::grammar::Grammar;
use crate::parse::tokens::Tokens;

/// A statement about prepared statements.
#[derive(Clone, Debug)]
pub enum PreparedStatement {
    /// PREPARE
    Prepare(Prepare),
    /// EXECUTE
    Execute(Execute),
    /// DEALLOCATE
    Deallocate(String),
    /// DEALLOCATE ALL
    DeallocateAll,
}

/// PREPARE
#[derive(Clone, Debug)]
pub struct Prepare {
    /// The statement's name.
    pub name: String,
    /// The types of its parameters, as far as they are given.
    pub types: Vec<ast::DataType>,
    /// The statement.
    pub statement: ParsedStatement,
}

/// EXECUTE
#[derive(Clone, Debug)]
pub struct Execute {
    /// The statement's name.
    pub name: String,
    /// Its parameters.
    pub arguments: Vec<ast::Expr>,
}

/// The words that a statement to be prepared begins with.
const PREPARABLE: [&str; 8] = ["select", "with", "values", "table", "insert", "update", "delete", "merge"];

/// PREPARE
pub(super) fn prepare(source: &Arc<str>, tokens: &mut Tokens<'_>) -> Result<SessionStatement> {
    tokens.next();
    if tokens.take("transaction") {
        return Err(SqlError::unsupported("PREPARE TRANSACTION"));
    }
    let name = tokens.name()?;
    let types = if tokens.peek() == Some(&TokenKind::LeftParen) {
        tokens.read(|grammar| grammar.parenthesised(Grammar::data_type))?
    } else {
        Vec::new()
    };
    tokens.expect("as")?;
    let statement = embedded(source, tokens, &PREPARABLE)?;
    Ok(SessionStatement::Prepared(PreparedStatement::Prepare(Prepare { name, types, statement })))
}

/// EXECUTE
pub(super) fn execute(tokens: &mut Tokens<'_>) -> Result<PreparedStatement> {
    tokens.next();
    let name = tokens.name()?;
    let arguments = if tokens.peek() == Some(&TokenKind::LeftParen) {
        tokens.read(|grammar| grammar.parenthesised(Grammar::expr))?
    } else {
        Vec::new()
    };
    Ok(PreparedStatement::Execute(Execute { name, arguments }))
}

/// DEALLOCATE
pub(super) fn deallocate(tokens: &mut Tokens<'_>) -> Result<PreparedStatement> {
    tokens.next();
    tokens.take("prepare");
    if tokens.take("all") {
        return Ok(PreparedStatement::DeallocateAll);
    }
    tokens.name().map(PreparedStatement::Deallocate)
}
