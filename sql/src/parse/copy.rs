//! COPY.

use std::sync::Arc;

use sqlparser::ast::{self, Ident};

use super::grammar::Grammar;
use super::position;
use super::session::embedded;
use super::token::{Token, TokenKind};
use super::tokens::Tokens;
use crate::copy::statement::{CopyOption, CopyStatement, OptionValue, Place, Subject};
use crate::error::{Result, SqlError, SqlState};

/// The words that a statement to be copied begins with.
const COPYABLE: [&str; 7] = ["select", "with", "values", "table", "insert", "update", "delete"];

/// Parses a COPY; none if it is another statement. `source` is the text that the tokens came from.
pub fn parse(source: &Arc<str>, tokens: &[Token]) -> Result<Option<CopyStatement>> {
    let mut tokens = Tokens::new(source, tokens);
    if !tokens.take("copy") {
        return Ok(None);
    }
    let mut options = Vec::new();
    let subject = if tokens.peek() == Some(&TokenKind::LeftParen) {
        Subject::Query(query(source, &mut tokens)?)
    } else {
        let position = place(source, &tokens);
        // A table may be called so, too.
        if !names_a_table(&tokens) && tokens.take("binary") {
            options.push(word_option("format", "binary", position));
        }
        table(&mut tokens)?
    };
    let from = match (tokens.take("to"), &subject) {
        (true, _) => false,
        (false, Subject::Table(..)) if tokens.take("from") => true,
        _ => return Err(tokens.unexpected()),
    };
    let place = data_place(&mut tokens)?;
    if matches!(subject, Subject::Table(..)) {
        let position = self::place(source, &tokens);
        if tokens.take_all(&["using", "delimiters"]) || tokens.take("delimiters") {
            options.push(string_option("delimiter", &mut tokens, position)?);
        }
    }
    tokens.take("with");
    if tokens.take_token(&TokenKind::LeftParen) {
        loop {
            options.push(generic_option(source, &mut tokens)?);
            if !tokens.take_token(&TokenKind::Comma) {
                break;
            }
        }
        tokens.expect_token(&TokenKind::RightParen)?;
    } else {
        while let Some(option) = old_option(source, &mut tokens)? {
            options.push(option);
        }
    }
    let filter = filter(source, &mut tokens, from)?;
    tokens.end()?;
    Ok(Some(CopyStatement { subject, from, place, options, filter, source: Arc::clone(source) }))
}

/// A statement in parentheses.
fn query(source: &Arc<str>, tokens: &mut Tokens<'_>) -> Result<super::ParsedStatement> {
    tokens.next();
    let mut inside: Vec<Token> = Vec::new();
    let mut depth = 0_usize;
    loop {
        let token = tokens.rest().first().cloned();
        match (tokens.next(), token) {
            (Some(TokenKind::RightParen), Some(closing)) if depth == 0 => {
                inside.push(Token { kind: TokenKind::End, ..closing });
                return embedded(source, &mut Tokens::new(source, &inside), &COPYABLE);
            }
            (Some(kind), Some(token)) => {
                match kind {
                    TokenKind::LeftParen => depth += 1,
                    TokenKind::RightParen => depth -= 1,
                    _ => {}
                }
                inside.push(token);
            }
            _ => return Err(tokens.unexpected()),
        }
    }
}

/// Whether FROM or TO, a dot or columns come after the next token.
fn names_a_table(tokens: &Tokens<'_>) -> bool {
    let mut ahead = Tokens::new(tokens.source(), tokens.rest());
    ahead.next();
    match ahead.peek() {
        Some(TokenKind::Dot | TokenKind::LeftParen) => true,
        _ => ahead.take_any(&["from", "to"]) && !ahead.is_word("from") && !ahead.is_word("to"),
    }
}

fn table(tokens: &mut Tokens<'_>) -> Result<Subject> {
    let name = tokens.read(Grammar::qualified_name)?;
    let columns = if tokens.peek() == Some(&TokenKind::LeftParen) { columns(tokens)? } else { Vec::new() };
    Ok(Subject::Table(name, columns))
}

fn columns(tokens: &mut Tokens<'_>) -> Result<Vec<Ident>> {
    tokens.read(|grammar| grammar.parenthesised(Grammar::column_name))
}

fn data_place(tokens: &mut Tokens<'_>) -> Result<Place> {
    if tokens.take_any(&["stdin", "stdout"]) {
        return Ok(Place::Client);
    }
    let place = if tokens.take("program") { Place::Program } else { Place::File };
    match tokens.take_string() {
        Some(_) => Ok(place),
        None => Err(tokens.unexpected()),
    }
}

/// Where the next token stands.
fn place(source: &str, tokens: &Tokens<'_>) -> Option<usize> {
    tokens.rest().first().map(|token| position::char_position(source, token.start as usize))
}

fn word_option(name: &str, word: &str, position: Option<usize>) -> CopyOption {
    CopyOption { name: name.to_owned(), value: OptionValue::Text(word.to_owned()), position }
}

fn string_option(name: &str, tokens: &mut Tokens<'_>, position: Option<usize>) -> Result<CopyOption> {
    let text = tokens.take_string().ok_or_else(|| tokens.unexpected())?;
    Ok(word_option(name, &text, position))
}

/// `name value`, in parentheses.
fn generic_option(source: &str, tokens: &mut Tokens<'_>) -> Result<CopyOption> {
    let position = place(source, tokens);
    let name = tokens.name()?;
    let value = match tokens.peek() {
        Some(TokenKind::Comma | TokenKind::RightParen) => OptionValue::None,
        Some(TokenKind::Star) => {
            tokens.next();
            OptionValue::Star
        }
        Some(TokenKind::LeftParen) => {
            tokens.next();
            let mut names = vec![list_item(tokens)?];
            while tokens.take_token(&TokenKind::Comma) {
                names.push(list_item(tokens)?);
            }
            tokens.expect_token(&TokenKind::RightParen)?;
            OptionValue::List(names)
        }
        Some(TokenKind::String(_)) => OptionValue::Text(tokens.take_string().ok_or_else(|| tokens.unexpected())?),
        Some(TokenKind::Number | TokenKind::Plus | TokenKind::Minus) => number(tokens)?,
        _ if ["true", "false", "on"].iter().any(|word| tokens.is_word(word)) => OptionValue::Text(tokens.name()?),
        _ => OptionValue::Text(crate::bind::names::ident(&tokens.read(Grammar::non_reserved_word)?)),
    };
    Ok(CopyOption { name, value, position })
}

fn list_item(tokens: &mut Tokens<'_>) -> Result<String> {
    match tokens.take_string() {
        Some(text) => Ok(text),
        None => tokens.name(),
    }
}

fn number(tokens: &mut Tokens<'_>) -> Result<OptionValue> {
    let sign = if tokens.take_token(&TokenKind::Minus) { "-" } else { "" };
    if sign.is_empty() {
        tokens.take_token(&TokenKind::Plus);
    }
    let digits = tokens.take_number().ok_or_else(|| tokens.unexpected())?;
    Ok(OptionValue::Number(format!("{sign}{digits}")))
}

/// An option as it was written before there were parentheses; none if another thing comes next.
fn old_option(source: &str, tokens: &mut Tokens<'_>) -> Result<Option<CopyOption>> {
    let position = place(source, tokens);
    for format in ["binary", "csv"] {
        if tokens.take(format) {
            return Ok(Some(word_option("format", format, position)));
        }
    }
    for flag in ["freeze", "header"] {
        if tokens.take(flag) {
            return Ok(Some(word_option(flag, "true", position)));
        }
    }
    for name in ["delimiter", "null", "quote", "escape"] {
        if tokens.take(name) {
            tokens.take("as");
            return string_option(name, tokens, position).map(Some);
        }
    }
    if tokens.take("encoding") {
        return string_option("encoding", tokens, position).map(Some);
    }
    if !tokens.take("force") {
        return Ok(None);
    }
    let name = if tokens.take("quote") {
        "force_quote"
    } else if tokens.take_all(&["not", "null"]) {
        "force_not_null"
    } else if tokens.take("null") {
        "force_null"
    } else {
        return Err(tokens.unexpected());
    };
    let value = if name == "force_quote" && tokens.take_token(&TokenKind::Star) {
        OptionValue::Star
    } else {
        let names = tokens.read(|grammar| grammar.list(Grammar::column_name))?;
        OptionValue::List(names.iter().map(crate::bind::names::ident).collect())
    };
    Ok(Some(CopyOption { name: name.to_owned(), value, position }))
}

fn filter(source: &str, tokens: &mut Tokens<'_>, from: bool) -> Result<Option<ast::Expr>> {
    let position = place(source, tokens);
    if !tokens.take("where") {
        return Ok(None);
    }
    if !from {
        let mut error = SqlError::new(SqlState::SYNTAX_ERROR, "WHERE clause not allowed with COPY TO");
        error.fields.position = position;
        return Err(error);
    }
    tokens.read(Grammar::expr).map(Some)
}
