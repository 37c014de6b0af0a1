//! PostgreSQL's grammar of queries, expressions and types, by recursive descent over the tokens.
//!
//! What comes out is sqlparser's tree, which the binder walks. Where that tree has no node for a construct, the construct
//! is told by others: TABLE t is a SELECT, BETWEEN SYMMETRIC two comparisons, and so on; [`super::encoding`] lists what
//! is not plain. Other statements are read by sqlparser itself, whose dialect hooks come back here for their expressions
//! and types (`super::dialect`).
//!
//! | module | what |
//! |---|---|
//! | `names` | identifiers and qualified names, by keyword class |
//! | `expression` | operators and their precedence |
//! | `primary` | what operators stand between: literals, columns, CASE, rows, arrays |
//! | `call` | functions, the special forms of calls, windows |
//! | `type_name` | types |
//! | `query`, `from` | SELECT, VALUES, TABLE, set operations, WITH; FROM |
//! | `modify` | INSERT, UPDATE, DELETE |
//! | `table` | statements about tables and indexes, whose trees are our own |

mod call;
mod expression;
mod from;
mod modify;
mod names;
mod primary;
mod query;
pub mod table;
mod type_name;

use sqlparser::tokenizer::Span;

use super::keyword::Keyword;
use super::position::{self, span};
use super::token::{Token, TokenKind};
use crate::error::{Result, SqlError, SqlState};

/// How deeply the grammar's rules may call each other.
const MAX_DEPTH: usize = 3_000;

/// The stack that a rule must find free, and how much is added where it does not.
const RED_ZONE: usize = 128 * 1024;
const STACK_STEP: usize = 1024 * 1024;

/// A reader of a run of tokens.
pub struct Grammar<'t> {
    source: &'t str,
    /// The tokens; the last one is the end.
    tokens: &'t [Token],
    pub(super) at: usize,
    depth: usize,
}

impl<'t> Grammar<'t> {
    /// A reader that begins at a token.
    pub fn new(source: &'t str, tokens: &'t [Token], at: usize) -> Self {
        Self { source, tokens, at, depth: 0 }
    }

    /// How many tokens have been read.
    pub fn at(&self) -> usize {
        self.at
    }

    pub(super) fn token(&self) -> &'t Token {
        self.ahead(0)
    }

    pub(super) fn kind(&self) -> &'t TokenKind {
        &self.token().kind
    }

    /// A token further on; the end stays the end.
    pub(super) fn ahead(&self, count: usize) -> &'t Token {
        let token = self.tokens.get(self.at + count).or(self.tokens.last());
        token.expect("BUG: the end is always a token")
    }

    pub(super) fn keyword(&self) -> Option<Keyword> {
        self.keyword_ahead(0)
    }

    pub(super) fn keyword_ahead(&self, count: usize) -> Option<Keyword> {
        match self.ahead(count).kind {
            TokenKind::Keyword(keyword) => Some(keyword),
            _ => None,
        }
    }

    pub(super) fn advance(&mut self) {
        self.at += 1;
    }

    /// The text of a token as it stands.
    pub(super) fn text(&self, token: &Token) -> &'t str {
        self.source.get(token.start as usize..token.end as usize).unwrap_or_default()
    }

    pub(super) fn span_of(&self, token: &Token) -> Span {
        span(token.start, token.end)
    }

    /// The place from a token on to the last one that was read.
    pub(super) fn span_from(&self, first: &Token) -> Span {
        let last = self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).unwrap_or(first);
        span(first.start, last.end)
    }

    /// Reads a token of this kind if it comes next.
    pub(super) fn eat(&mut self, kind: &TokenKind) -> bool {
        let found = self.kind() == kind;
        self.at += usize::from(found);
        found
    }

    pub(super) fn eat_keyword(&mut self, keyword: Keyword) -> bool {
        let found = self.keyword() == Some(keyword);
        self.at += usize::from(found);
        found
    }

    /// Reads these keywords if all of them come next.
    pub(super) fn eat_keywords(&mut self, keywords: &[Keyword]) -> bool {
        let found = self.are_next(keywords);
        if found {
            self.at += keywords.len();
        }
        found
    }

    pub(super) fn are_next(&self, keywords: &[Keyword]) -> bool {
        keywords.iter().enumerate().all(|(ahead, keyword)| self.keyword_ahead(ahead) == Some(*keyword))
    }

    pub(super) fn expect(&mut self, kind: &TokenKind) -> Result<()> {
        if self.eat(kind) { Ok(()) } else { self.unexpected() }
    }

    pub(super) fn expect_keyword(&mut self, keyword: Keyword) -> Result<()> {
        if self.eat_keyword(keyword) { Ok(()) } else { self.unexpected() }
    }

    pub(super) fn expect_keywords(&mut self, keywords: &[Keyword]) -> Result<()> {
        keywords.iter().try_for_each(|keyword| self.expect_keyword(*keyword))
    }

    /// The error for a token that cannot stand here.
    pub(super) fn unexpected<T>(&self) -> Result<T> {
        Err(position::unexpected(self.source, self.token()))
    }

    /// An error at the next token.
    pub(super) fn error_here(&self, error: SqlError) -> SqlError {
        self.error_at(self.token(), error)
    }

    pub(super) fn error_at(&self, token: &Token, mut error: SqlError) -> SqlError {
        error.fields.position = Some(position::char_position(self.source, token.start as usize));
        error
    }

    /// Refuses what PostgreSQL has and this node has not.
    pub(super) fn unsupported<T>(&self, what: &str) -> Result<T> {
        Err(self.error_here(SqlError::unsupported(what)))
    }

    /// One or more of something, with commas between.
    pub(super) fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.eat(&TokenKind::Comma) {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// A list in parentheses.
    pub(in crate::parse) fn parenthesised<T>(&mut self, item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        self.expect(&TokenKind::LeftParen)?;
        let items = self.list(item)?;
        self.expect(&TokenKind::RightParen)?;
        Ok(items)
    }

    /// Runs a rule that may come back to itself.
    pub(super) fn nested<T>(&mut self, rule: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= MAX_DEPTH {
            return Err(SqlError::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"));
        }
        self.depth += 1;
        let result = stacker::maybe_grow(RED_ZONE, STACK_STEP, || rule(self));
        self.depth -= 1;
        result
    }

    /// Nothing more may follow.
    pub(super) fn expect_end(&mut self) -> Result<()> {
        if *self.kind() == TokenKind::End { Ok(()) } else { self.unexpected() }
    }

    /// Whether a statement ends here.
    pub(super) fn is_at_end(&self) -> bool {
        matches!(self.kind(), TokenKind::End | TokenKind::Semicolon)
    }
}

#[cfg(test)]
mod tests;
