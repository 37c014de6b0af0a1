//! Where in the text something is, and what the parser's errors look like to a client.

use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, TokenizerError};

use crate::error::{SqlError, SqlState};

/// Something of the parser's that has a place in the text.
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
        let (line, column) = (usize::try_from(self.line).ok()?, usize::try_from(self.column).ok()?);
        let before: usize = source.split_inclusive('\n').take(line.checked_sub(1)?).map(|l| l.chars().count()).sum();
        (column > 0).then_some(before + column)
    }
}

/// The text of a run of tokens, without space around it.
pub fn text_of<'a>(source: &'a str, tokens: &[TokenWithSpan]) -> &'a str {
    let place = |location: Location| location.position_in(source).map(|position| byte_at(source, position - 1));
    let mut solid = tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_) | Token::EOF));
    let Some(first) = solid.next() else { return "" };
    let last = solid.next_back().unwrap_or(first);
    match (place(first.span.start), place(last.span.end)) {
        (Some(start), Some(end)) => source.get(start..end).unwrap_or(source),
        _ => source,
    }
}

fn byte_at(source: &str, chars: usize) -> usize {
    source.char_indices().nth(chars).map_or(source.len(), |(at, _)| at)
}

/// A parser's error as PostgreSQL words it. What the parser expected goes into the detail: it reads a little less than
/// PostgreSQL does, and the reader should see which part it did not take.
pub fn parser_error(source: &str, error: &ParserError) -> SqlError {
    let text = match error {
        ParserError::RecursionLimitExceeded => {
            return SqlError::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
        }
        ParserError::ParserError(text) | ParserError::TokenizerError(text) => text,
    };
    let Some(location) = location_in(text) else {
        return SqlError::new(SqlState::SYNTAX_ERROR, END_OF_INPUT).with_detail(text.clone());
    };
    let detail = text.rsplit_once(" at Line: ").map_or(text.as_str(), |(message, _)| message).to_owned();
    let mut sql = near(source, location.position_in(source));
    sql.fields.detail = Some(detail);
    sql
}

/// The error for a token at which the statement should have ended.
pub fn unexpected(source: &str, token: &TokenWithSpan) -> SqlError {
    near(source, token.span.position_in(source))
}

/// The error of a statement that is followed by a semicolon: one that ends too early ends there.
pub fn before(source: &str, semicolon: Option<&TokenWithSpan>, mut error: SqlError) -> SqlError {
    if error.message == END_OF_INPUT
        && let Some(semicolon) = semicolon
    {
        error.message = "syntax error at or near \";\"".to_owned();
        error.fields.position = semicolon.span.position_in(source);
    }
    error
}

const END_OF_INPUT: &str = "syntax error at end of input";

/// The error for a statement that ends too early.
pub fn at_end(source: &str) -> SqlError {
    near(source, None)
}

/// Fails unless the parser has read all of its tokens.
pub fn expect_end(source: &str, parser: &Parser<'_>) -> Result<(), SqlError> {
    match parser.peek_token_ref() {
        token if token.token == Token::EOF => Ok(()),
        token => Err(unexpected(source, token)),
    }
}

/// The tokenizer's errors are about what does not end.
pub fn tokenizer_error(source: &str, error: &TokenizerError) -> SqlError {
    let mut sql = SqlError::new(SqlState::SYNTAX_ERROR, error.message.clone());
    if error.message.starts_with("Unterminated string literal") {
        "unterminated quoted string".clone_into(&mut sql.message);
    }
    sql.fields.position = error.location.position_in(source);
    sql
}

fn near(source: &str, position: Option<usize>) -> SqlError {
    let rest = position.and_then(|position| source.get(byte_at(source, position - 1)..)).unwrap_or_default();
    let token = first_token(rest);
    let message =
        if token.is_empty() { END_OF_INPUT.to_owned() } else { format!("syntax error at or near \"{token}\"") };
    let mut error = SqlError::new(SqlState::SYNTAX_ERROR, message);
    error.fields.position = if token.is_empty() { Some(source.chars().count() + 1) } else { position };
    error
}

fn first_token(text: &str) -> &str {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let Some(first) = text.chars().next().filter(|c| *c != ';') else { return "" };
    let length = if is_word(first) {
        text.find(|c| !is_word(c)).unwrap_or(text.len())
    } else if first == '\'' || first == '"' {
        text.get(1..).and_then(|rest| rest.find(first)).map_or(text.len(), |end| end + 2)
    } else {
        first.len_utf8()
    };
    text.get(..length).unwrap_or(text)
}

/// The ` at Line: 1, Column: 8` at the end of a parser's message.
fn location_in(message: &str) -> Option<Location> {
    let (_, place) = message.rsplit_once(" at Line: ")?;
    let (line, column) = place.split_once(", Column: ")?;
    let location = Location { line: line.trim().parse().ok()?, column: column.trim().parse().ok()? };
    (location.line > 0).then_some(location)
}
