//! Identifiers and names of several parts.
//!
//! A keyword can be a name where its class lets it; see [`crate::parse::keyword`].

use sqlparser::ast::{Ident, ObjectName, ObjectNamePart};

use super::Grammar;
use crate::error::Result;
use crate::parse::keyword::{Class, Keyword};
use crate::parse::token::{Token, TokenKind};

impl Grammar<'_> {
    /// Whether a token can be the name of a column or a relation.
    pub(super) fn is_column_name(&self, token: &Token) -> bool {
        match &token.kind {
            TokenKind::Word | TokenKind::QuotedName(_) => true,
            TokenKind::Keyword(keyword) => matches!(keyword.class(), Class::Unreserved | Class::ColumnName),
            _ => false,
        }
    }

    /// Whether a token can be the name of a function or a type.
    pub(super) fn is_function_name(&self, token: &Token) -> bool {
        match &token.kind {
            TokenKind::Word | TokenKind::QuotedName(_) => true,
            TokenKind::Keyword(keyword) => matches!(keyword.class(), Class::Unreserved | Class::TypeOrFunction),
            _ => false,
        }
    }

    /// The identifier that a token is, whatever its class.
    pub(super) fn ident_of(&self, token: &Token) -> Ident {
        let (value, quote_style) = match &token.kind {
            TokenKind::QuotedName(name) => (name.to_string(), Some('"')),
            _ => (self.text(token).to_owned(), None),
        };
        Ident { value, quote_style, span: self.span_of(token) }
    }

    fn take(&mut self) -> Ident {
        let token = self.token();
        self.advance();
        self.ident_of(token)
    }

    /// The name of a column, a relation, an alias.
    pub(in crate::parse) fn column_name(&mut self) -> Result<Ident> {
        if self.is_column_name(self.token()) { Ok(self.take()) } else { self.unexpected() }
    }

    /// The name of a function or a type.
    pub(super) fn function_name(&mut self) -> Result<Ident> {
        if self.is_function_name(self.token()) { Ok(self.take()) } else { self.unexpected() }
    }

    /// A name that is anything but a reserved word: of roles, cursors in some places.
    pub(in crate::parse) fn non_reserved_word(&mut self) -> Result<Ident> {
        let token = self.token();
        if self.is_column_name(token) || self.is_function_name(token) { Ok(self.take()) } else { self.unexpected() }
    }

    /// A label behind AS or a dot: any word.
    pub(in crate::parse) fn label(&mut self) -> Result<Ident> {
        match self.kind() {
            TokenKind::Word | TokenKind::QuotedName(_) | TokenKind::Keyword(_) => Ok(self.take()),
            _ => self.unexpected(),
        }
    }

    /// A label without AS, if one comes next.
    pub(super) fn bare_label(&mut self) -> Option<Ident> {
        let is_label = match self.kind() {
            TokenKind::Word | TokenKind::QuotedName(_) => true,
            TokenKind::Keyword(keyword) => keyword.is_bare_label(),
            _ => false,
        };
        is_label.then(|| self.take())
    }

    /// A name with dots: of a relation, a sequence, a collation.
    pub(in crate::parse) fn qualified_name(&mut self) -> Result<ObjectName> {
        let mut parts = vec![ObjectNamePart::Identifier(self.column_name()?)];
        while self.eat(&TokenKind::Dot) {
            parts.push(ObjectNamePart::Identifier(self.label()?));
        }
        Ok(ObjectName(parts))
    }

    /// A list of column names in parentheses.
    pub(in crate::parse) fn column_names(&mut self) -> Result<Vec<Ident>> {
        self.parenthesised(Self::column_name)
    }

    /// A string literal.
    pub(in crate::parse) fn string_literal(&mut self) -> Result<String> {
        let token = self.token();
        match self.string_of(token) {
            Some(text) => {
                self.advance();
                Ok(text)
            }
            None => self.unexpected(),
        }
    }

    /// The text of a string literal.
    pub(super) fn string_of(&self, token: &Token) -> Option<String> {
        match &token.kind {
            TokenKind::String(Some(text)) => Some(text.to_string()),
            TokenKind::String(None) => {
                let text = self.text(token);
                Some(text.get(1..text.len() - 1).unwrap_or_default().to_owned())
            }
            _ => None,
        }
    }

    /// An unsigned integer.
    pub(in crate::parse) fn integer(&mut self) -> Result<u64> {
        let token = self.token();
        match (&token.kind, self.text(token).parse()) {
            (TokenKind::Number, Ok(n)) => {
                self.advance();
                Ok(n)
            }
            _ => self.unexpected(),
        }
    }

    /// Whether a keyword can be the name of a column or a relation.
    pub(super) fn is_keyword_column_name(keyword: Keyword) -> bool {
        matches!(keyword.class(), Class::Unreserved | Class::ColumnName)
    }
}
