//! PREPARE, EXECUTE, DEALLOCATE.

use std::sync::Arc;

use sqlparser::ast;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::SessionStatement;
use super::cursor::embedded;
use crate::error::{Result, SqlError};
use crate::parse::tokens::Tokens;
use crate::parse::{ParsedStatement, depth, parser, position};

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
    let types = if tokens.peek() == Some(&Token::LParen) {
        let inside = parenthesised(tokens)?;
        let mut parser = parser(inside.to_vec());
        let types = parser
            .parse_comma_separated(|parser| parser.parse_data_type())
            .map_err(|error| position::parser_error(source, &error))?;
        position::expect_end(source, &parser)?;
        types
    } else {
        Vec::new()
    };
    tokens.expect("as")?;
    let statement = embedded(source, tokens, &PREPARABLE)?;
    Ok(SessionStatement::Prepared(PreparedStatement::Prepare(Prepare { name, types, statement })))
}

/// EXECUTE
pub(super) fn execute(source: &Arc<str>, tokens: &mut Tokens<'_>) -> Result<PreparedStatement> {
    tokens.next();
    let name = tokens.name()?;
    let arguments = if tokens.peek() == Some(&Token::LParen) {
        let inside = parenthesised(tokens)?;
        depth::check(inside)?;
        let mut parser = parser(inside.to_vec());
        let arguments = parser
            .parse_comma_separated(|parser| parser.parse_expr())
            .map_err(|error| position::parser_error(source, &error))?;
        position::expect_end(source, &parser)?;
        arguments
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

/// Takes what is between parentheses.
fn parenthesised<'a>(tokens: &mut Tokens<'a>) -> Result<&'a [TokenWithSpan]> {
    tokens.next();
    let inside = tokens.rest();
    let mut depth = 0_usize;
    let mut length = 0_usize;
    loop {
        let left = tokens.rest().len();
        match tokens.next() {
            None => return Err(tokens.unexpected()),
            Some(Token::LParen) => depth += 1,
            Some(Token::RParen) if depth == 0 => break,
            Some(Token::RParen) => depth -= 1,
            Some(_) => {}
        }
        length = inside.len().saturating_sub(left).saturating_add(1);
    }
    Ok(inside.get(..length).unwrap_or_default())
}
