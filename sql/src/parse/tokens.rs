//! A place in the tokens of one statement, for the statements that are parsed here and not by `sqlparser`.

use sqlparser::ast::Ident;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::position;
use crate::bind::names::ident;
use crate::error::{Result, SqlError};

/// A place in the tokens of a statement. White space is passed over.
pub struct Tokens<'a> {
    source: &'a str,
    rest: &'a [TokenWithSpan],
}

impl<'a> Tokens<'a> {
    /// The beginning of a statement's tokens; `source` is the text that they came from.
    pub const fn new(source: &'a str, tokens: &'a [TokenWithSpan]) -> Self {
        Self { source, rest: tokens }
    }

    /// The next token; none at the end.
    pub fn peek(&mut self) -> Option<&'a Token> {
        while let Some((first, rest)) = self.rest.split_first() {
            match first.token {
                Token::Whitespace(_) => self.rest = rest,
                Token::EOF => return None,
                _ => return Some(&first.token),
            }
        }
        None
    }

    /// Takes the next token.
    pub fn next(&mut self) -> Option<&'a Token> {
        let token = self.peek()?;
        self.rest = self.rest.get(1..).unwrap_or_default();
        Some(token)
    }

    /// What is left, the next token first.
    pub fn rest(&mut self) -> &'a [TokenWithSpan] {
        self.peek();
        self.rest
    }

    /// Whether the statement ends here.
    pub fn is_at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    /// Fails unless the statement ends here.
    pub fn end(&mut self) -> Result<()> {
        if self.is_at_end() { Ok(()) } else { Err(self.unexpected()) }
    }

    /// The syntax error for the next token.
    pub fn unexpected(&mut self) -> SqlError {
        self.peek();
        match self.rest.first() {
            Some(token) if token.token != Token::EOF => position::unexpected(self.source, token),
            _ => position::at_end(self.source),
        }
    }

    /// Whether the next token is this word, without quotes, in any case.
    pub fn is_word(&mut self, word: &str) -> bool {
        self.peek().is_some_and(|token| is_word(token, word))
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
    pub fn take_token(&mut self, token: &Token) -> bool {
        let found = self.peek() == Some(token);
        if found {
            self.next();
        }
        found
    }

    /// Takes a symbol or fails.
    pub fn expect_token(&mut self, token: &Token) -> Result<()> {
        if self.take_token(token) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Takes an identifier, folded as PostgreSQL does.
    pub fn name(&mut self) -> Result<String> {
        match self.peek() {
            Some(Token::Word(word)) => {
                let name = ident(&Ident { value: word.value.clone(), quote_style: word.quote_style, span: SPAN });
                self.next();
                Ok(name)
            }
            _ => Err(self.unexpected()),
        }
    }

    /// Takes a dotted name.
    pub fn names(&mut self) -> Result<Vec<String>> {
        let mut names = vec![self.name()?];
        while self.take_token(&Token::Period) {
            names.push(self.name()?);
        }
        Ok(names)
    }

    /// Takes a string constant if it is the next token.
    pub fn take_string(&mut self) -> Option<String> {
        let text = string(self.peek()?)?.to_owned();
        self.next();
        Some(text)
    }

    /// Takes an integer constant, with its sign, if it is the next token.
    pub fn take_integer(&mut self) -> Result<Option<i64>> {
        let before = self.rest;
        let is_negative = self.take_token(&Token::Minus);
        if !is_negative {
            self.take_token(&Token::Plus);
        }
        let Some(Token::Number(digits, _)) = self.peek() else {
            self.rest = before;
            return Ok(None);
        };
        let number = digits.parse::<i64>().map_err(|_| self.unexpected())?;
        self.next();
        Ok(Some(if is_negative { -number } else { number }))
    }
}

const SPAN: sqlparser::tokenizer::Span = sqlparser::tokenizer::Span::empty();

/// Whether a token is this word, without quotes, in any case.
pub fn is_word(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(found) if found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word))
}

/// The text of a string constant.
pub fn string(token: &Token) -> Option<&str> {
    match token {
        Token::SingleQuotedString(text) | Token::EscapedStringLiteral(text) | Token::UnicodeStringLiteral(text) => {
            Some(text)
        }
        Token::DollarQuotedString(text) => Some(&text.value),
        _ => None,
    }
}
