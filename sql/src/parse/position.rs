//! Where in the text something is, and what a client sees of syntax errors.
//!
//! The tree's locations are bytes of the text: `line` is always 1, and `column` counts bytes from 1. Characters are
//! counted only when an error is shown.

use sqlparser::parser::ParserError;
use sqlparser::tokenizer::{Location, Span};

use super::token::{Token, TokenKind};
use crate::error::{SqlError, SqlState};

/// Something of the tree's that has a place in the text.
pub trait TextPosition {
    /// The place of its first character in a text, counted from 1; none if it was not read from a text.
    fn position_in(&self, source: &str) -> Option<usize>;
}

impl TextPosition for Span {
    fn position_in(&self, source: &str) -> Option<usize> {
        self.start.position_in(source)
    }
}

impl TextPosition for Location {
    fn position_in(&self, source: &str) -> Option<usize> {
        byte_of(*self).map(|byte| char_position(source, byte))
    }
}

/// The place of a run of bytes.
pub fn span(start: u32, end: u32) -> Span {
    Span { start: location(start), end: location(end) }
}

pub(super) fn location(byte: u32) -> Location {
    Location { line: 1, column: u64::from(byte) + 1 }
}

pub(super) fn byte_of(location: Location) -> Option<usize> {
    if location.line != 1 {
        return None;
    }
    usize::try_from(location.column).ok()?.checked_sub(1)
}

/// The bytes of a part of the tree; none if it was not read from a text.
pub fn byte_range(span: Span) -> Option<std::ops::Range<usize>> {
    Some(byte_of(span.start)?..byte_of(span.end)?)
}

/// The text of a part of the tree; none if it has no place in this text.
pub fn text_of(source: &str, span: Span) -> Option<&str> {
    source.get(byte_range(span)?)
}

/// Where a symbol stands next behind a place.
pub fn find_behind(source: &str, place: Location, symbol: &str) -> Option<Span> {
    let from = byte_of(place)?;
    let tokens = super::lexer::tokens(source.get(from..)?).ok()?;
    tokens.iter().find_map(|token| token_span(source, from, token, symbol))
}

/// Where a symbol stands last before a place.
pub fn find_before(source: &str, place: Location, symbol: &str) -> Option<Span> {
    let tokens = super::lexer::tokens(source.get(..byte_of(place)?)?).ok()?;
    tokens.iter().rev().find_map(|token| token_span(source, 0, token, symbol))
}

/// The place of a token of a part of the text, if it is this symbol. `!=` is another way to write `<>`.
fn token_span(source: &str, from: usize, token: &Token, symbol: &str) -> Option<Span> {
    let (start, end) = (from + token.start as usize, from + token.end as usize);
    let text = source.get(start..end)?;
    let is_symbol = text.eq_ignore_ascii_case(symbol) || (symbol == "<>" && text == "!=");
    is_symbol.then(|| span(u32::try_from(start).unwrap_or(u32::MAX), u32::try_from(end).unwrap_or(u32::MAX)))
}

/// The character at a byte, counted from 1.
pub fn char_position(source: &str, byte: usize) -> usize {
    let before = source.get(..byte).unwrap_or(source);
    if before.is_ascii() { before.len() + 1 } else { before.chars().count() + 1 }
}

/// `syntax error at or near "…"`; at the end of input if nothing is there.
pub fn syntax_error_at(source: &str, start: usize, end: usize) -> SqlError {
    let text = source.get(start..end).unwrap_or_default();
    let message = if text.is_empty() {
        "syntax error at end of input".to_owned()
    } else {
        format!("syntax error at or near \"{text}\"")
    };
    let mut error = SqlError::new(SqlState::SYNTAX_ERROR, message);
    error.fields.position = Some(char_position(source, start));
    error
}

/// The error for a token that cannot stand where it does.
pub fn unexpected(source: &str, token: &Token) -> SqlError {
    let (start, end) = (token.start as usize, token.end as usize);
    if token.kind == TokenKind::End {
        syntax_error_at(source, start, start)
    } else {
        syntax_error_at(source, start, end)
    }
}

/// An error of sqlparser's as PostgreSQL words it. What was expected goes into the detail: sqlparser reads a little less
/// than PostgreSQL does, and the reader should see which part it did not take.
pub fn parser_error(source: &str, tokens: &[Token], error: &ParserError) -> SqlError {
    let text = match error {
        ParserError::RecursionLimitExceeded => {
            return SqlError::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
        }
        ParserError::ParserError(text) | ParserError::TokenizerError(text) => text,
    };
    let byte = location_in(text).and_then(byte_of);
    let token = byte.and_then(|byte| tokens.iter().find(|token| token.start as usize == byte)).or(tokens.last());
    let mut sql = match token {
        Some(token) => unexpected(source, token),
        None => syntax_error_at(source, source.len(), source.len()),
    };
    let detail = text.rsplit_once(" at Line: ").map_or(text.as_str(), |(message, _)| message).to_owned();
    sql.fields.detail = Some(detail);
    sql
}

/// The ` at Line: 1, Column: 8` at the end of a parser's message.
fn location_in(message: &str) -> Option<Location> {
    let (_, place) = message.rsplit_once(" at Line: ")?;
    let (line, column) = place.split_once(", Column: ")?;
    Some(Location { line: line.trim().parse().ok()?, column: column.trim().parse().ok()? })
}
