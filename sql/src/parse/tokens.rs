//! A place in the tokens of one statement, for the statements that are words in an order and hold no expression.

use super::grammar::Grammar;
use super::keyword::Keyword;
use super::position;
use super::token::{Token, TokenKind};
use crate::bind::names::ident;
use crate::error::{Result, SqlError};

/// A place in the tokens of a statement.
pub struct Tokens<'a> {
    source: &'a str,
    /// What is left; the last one ends the statement.
    rest: &'a [Token],
}

impl<'a> Tokens<'a> {
    /// The beginning of a statement's tokens; `source` is the text that they came from.
    pub const fn new(source: &'a str, tokens: &'a [Token]) -> Self {
        Self { source, rest: tokens }
    }

    /// The text that the tokens came from.
    pub const fn source(&self) -> &'a str {
        self.source
    }

    /// The next token; none at the end.
    pub fn peek(&self) -> Option<&'a TokenKind> {
        self.rest.first().filter(|token| !super::ends_statement(token)).map(|token| &token.kind)
    }

    /// Takes the next token.
    pub fn next(&mut self) -> Option<&'a TokenKind> {
        let token = self.peek()?;
        self.rest = self.rest.get(1..).unwrap_or_default();
        Some(token)
    }

    /// What is left, the next token first, with what ends the statement.
    pub const fn rest(&self) -> &'a [Token] {
        self.rest
    }

    /// Whether the statement ends here.
    pub fn is_at_end(&self) -> bool {
        self.peek().is_none()
    }

    /// Fails unless the statement ends here.
    pub fn end(&self) -> Result<()> {
        if self.is_at_end() { Ok(()) } else { Err(self.unexpected()) }
    }

    /// The syntax error for the next token.
    pub fn unexpected(&self) -> SqlError {
        match self.rest.first() {
            Some(token) => position::unexpected(self.source, token),
            None => position::syntax_error_at(self.source, self.source.len(), self.source.len()),
        }
    }

    /// The text of the next token as it stands.
    fn text(&self) -> &'a str {
        let token = self.rest.first();
        token.and_then(|token| self.source.get(token.start as usize..token.end as usize)).unwrap_or_default()
    }

    /// The text of a run of tokens.
    pub fn text_of(&self, tokens: &[Token]) -> &'a str {
        let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else { return "" };
        self.source.get(first.start as usize..last.end as usize).unwrap_or_default()
    }

    /// How many characters stand before a token.
    pub fn chars_before(&self, token: &Token) -> usize {
        position::char_position(self.source, token.start as usize) - 1
    }

    /// Whether the next token is this word, without quotes, in any case.
    pub fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(TokenKind::Word | TokenKind::Keyword(_))) && self.text().eq_ignore_ascii_case(word)
    }

    /// Takes a word if it is the next token.
    pub fn take(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.next();
        }
        found
    }

    /// Takes several words if they are the next tokens, all of them or none.
    pub fn take_all(&mut self, words: &[&str]) -> bool {
        let before = self.rest;
        let found = words.iter().all(|word| self.take(word));
        if !found {
            self.rest = before;
        }
        found
    }

    /// Takes one of the words.
    pub fn take_any(&mut self, words: &[&str]) -> bool {
        words.iter().any(|word| self.take(word))
    }

    /// Takes a word or fails.
    pub fn expect(&mut self, word: &str) -> Result<()> {
        if self.take(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Takes a symbol if it is the next token.
    pub fn take_token(&mut self, token: &TokenKind) -> bool {
        let found = self.peek() == Some(token);
        if found {
            self.next();
        }
        found
    }

    /// Takes a symbol or fails.
    pub fn expect_token(&mut self, token: &TokenKind) -> Result<()> {
        if self.take_token(token) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// The keyword that comes next.
    pub fn keyword(&self) -> Option<Keyword> {
        match self.peek() {
            Some(TokenKind::Keyword(keyword)) => Some(*keyword),
            _ => None,
        }
    }

    /// Whether the next token is a word without quotes.
    pub fn is_plain_word(&self) -> bool {
        matches!(self.peek(), Some(TokenKind::Word | TokenKind::Keyword(_)))
    }

    /// Takes an identifier, folded as PostgreSQL does.
    pub fn name(&mut self) -> Result<String> {
        self.read(Grammar::label).map(|name| ident(&name))
    }

    /// Takes a dotted name.
    pub fn names(&mut self) -> Result<Vec<String>> {
        let mut names = vec![self.name()?];
        while self.take_token(&TokenKind::Dot) {
            names.push(self.name()?);
        }
        Ok(names)
    }

    /// Takes a string constant if it is the next token.
    pub fn take_string(&mut self) -> Option<String> {
        self.read(Grammar::string_literal).ok()
    }

    /// Takes a number without its sign, as it is written, if it is the next token.
    pub fn take_number(&mut self) -> Option<&'a str> {
        let text = self.text();
        self.take_token(&TokenKind::Number).then_some(text)
    }

    /// Takes an integer constant, with its sign, if it is the next token.
    pub fn take_integer(&mut self) -> Result<Option<i64>> {
        let before = self.rest;
        let is_negative = self.take_token(&TokenKind::Minus);
        if !is_negative {
            self.take_token(&TokenKind::Plus);
        }
        if self.peek() != Some(&TokenKind::Number) {
            self.rest = before;
            return Ok(None);
        }
        let number = self.text().parse::<i64>().map_err(|_| self.unexpected())?;
        self.next();
        Ok(Some(if is_negative { -number } else { number }))
    }

    /// Reads what a rule of the grammar reads; nothing if it fails.
    pub fn read<T>(&mut self, rule: impl FnOnce(&mut Grammar<'a>) -> Result<T>) -> Result<T> {
        let mut grammar = Grammar::new(self.source, self.rest, 0);
        let read = rule(&mut grammar)?;
        self.rest = self.rest.get(grammar.at()..).unwrap_or_default();
        Ok(read)
    }
}
