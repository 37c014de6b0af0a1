//! Statements about tables and indexes: CREATE TABLE, CREATE INDEX, ALTER TABLE, ALTER INDEX, TRUNCATE, SET CONSTRAINTS.
//!
//! Their grammar is PostgreSQL's (`gram.y` is described in its documentation, page by page of "SQL Commands"). Expressions
//! are kept as the text they were written as, because that is how the catalog keeps them.
//!
//! | module | what |
//! |---|---|
//! | `create_table` | CREATE TABLE, also AS a query |
//! | `column` | columns and what is said of them |
//! | `constraint` | constraints of columns and tables |
//! | `index` | CREATE INDEX, ALTER INDEX, REINDEX |
//! | `alter` | ALTER TABLE |
//! | `other` | TRUNCATE, SET CONSTRAINTS |

mod alter;
mod column;
mod constraint;
mod create_table;
mod index;
mod other;

use sqlparser::ast;

use super::Grammar;
use crate::bind::names::{self, QualifiedName, ident};
use crate::error::{Result, SqlError, SqlState};
use crate::parse::keyword::Keyword;
use crate::parse::token::{Token, TokenKind};

pub use alter::{AlterColumn, AlterTable, TableAction};
pub use column::{ColumnDefinition, Generation, Identity};
pub use constraint::{Attributes, ConstraintKind, ForeignKey, KeyAction, KeyColumns, NamedConstraint, References};
pub use create_table::{CreateTable, CreateTableAs, TableElement, TableHead};
pub use index::{AlterIndex, CreateIndex, IndexAction, IndexElement, IndexedItem, Reindex};
pub use other::{SetConstraints, Truncate};

/// A statement about tables and indexes.
#[derive(Clone, PartialEq, Debug)]
pub enum TableStatement {
    /// CREATE TABLE
    Create(CreateTable),
    /// CREATE TABLE … AS
    CreateAs(CreateTableAs),
    /// CREATE INDEX
    CreateIndex(CreateIndex),
    /// ALTER TABLE
    Alter(AlterTable),
    /// ALTER INDEX
    AlterIndex(AlterIndex),
    /// REINDEX
    Reindex(Reindex),
    /// TRUNCATE
    Truncate(Truncate),
    /// SET CONSTRAINTS
    SetConstraints(SetConstraints),
}

/// An expression, kept as it is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExpressionText {
    /// Its text.
    pub text: String,
    /// How many characters of the whole text come before it.
    pub offset: usize,
}

impl ExpressionText {
    /// The error of the expression, with its place in the whole text.
    pub fn place(&self, mut error: SqlError) -> SqlError {
        error.fields.position = error.fields.position.map(|position| position + self.offset);
        error
    }
}

/// A storage parameter of WITH (…): its name, and its value as it is written.
pub type StorageParameter = (String, Option<String>);

/// Reads a statement about tables, whose tokens end with its end; none if it is another statement.
pub fn parse(source: &str, tokens: &[Token]) -> Result<Option<TableStatement>> {
    let mut grammar = Grammar::new(source, tokens, 0);
    let statement = match grammar.keyword() {
        Some(Keyword::Create) => match grammar.creates()? {
            Some(Creates::Table) => grammar.create_table()?,
            Some(Creates::Index) => TableStatement::CreateIndex(grammar.create_index()?),
            None => return Ok(None),
        },
        Some(Keyword::Alter) => match grammar.keyword_ahead(1) {
            Some(Keyword::Table) => TableStatement::Alter(grammar.alter_table()?),
            Some(Keyword::Index) => TableStatement::AlterIndex(grammar.alter_index()?),
            _ => return Ok(None),
        },
        Some(Keyword::Reindex) => TableStatement::Reindex(grammar.reindex()?),
        Some(Keyword::Truncate) => TableStatement::Truncate(grammar.truncate()?),
        Some(Keyword::Set) if grammar.keyword_ahead(1) == Some(Keyword::Constraints) => {
            TableStatement::SetConstraints(grammar.set_constraints()?)
        }
        _ => return Ok(None),
    };
    if grammar.is_at_end() { Ok(Some(statement)) } else { grammar.unexpected() }
}

/// What a CREATE makes.
enum Creates {
    Table,
    Index,
}

impl Grammar<'_> {
    /// What a CREATE makes, if it is a table or an index.
    fn creates(&self) -> Result<Option<Creates>> {
        let mut ahead = 1;
        loop {
            match self.keyword_ahead(ahead) {
                Some(Keyword::Table) => return Ok(Some(Creates::Table)),
                Some(Keyword::Index) => return Ok(Some(Creates::Index)),
                Some(
                    Keyword::Temp
                    | Keyword::Temporary
                    | Keyword::Local
                    | Keyword::Global
                    | Keyword::Unlogged
                    | Keyword::Unique,
                ) => ahead += 1,
                _ => return Ok(None),
            }
        }
    }

    /// A name of a relation.
    pub(super) fn relation_name(&mut self) -> Result<QualifiedName> {
        names::qualified(&self.qualified_name()?)
    }

    /// The name of a column, as it is meant.
    pub(super) fn column_text(&mut self) -> Result<String> {
        self.column_name().map(|name| ident(&name))
    }

    /// Names of columns in parentheses.
    pub(super) fn column_texts(&mut self) -> Result<Vec<String>> {
        self.parenthesised(Self::column_text)
    }

    /// What a rule reads, as its text.
    pub(super) fn text_of_rule<T>(&mut self, rule: impl FnOnce(&mut Self) -> Result<T>) -> Result<ExpressionText> {
        let first = self.token();
        rule(self)?;
        let last = self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).unwrap_or(first);
        let (start, end) = (first.start as usize, last.end as usize);
        let text = self.source.get(start..end).unwrap_or_default().to_owned();
        let offset = self.source.get(..start).map_or(0, |before| before.chars().count());
        Ok(ExpressionText { text, offset })
    }

    /// An expression in parentheses, as the text between them.
    pub(super) fn expression_in_parentheses(&mut self) -> Result<ExpressionText> {
        self.expect(&TokenKind::LeftParen)?;
        let text = self.text_of_rule(Self::expr)?;
        self.expect(&TokenKind::RightParen)?;
        Ok(text)
    }

    /// `WITH (…)`, if it comes next.
    pub(super) fn storage_parameters(&mut self) -> Result<Vec<StorageParameter>> {
        if self.eat_keyword(Keyword::With) { self.parameter_list() } else { Ok(Vec::new()) }
    }

    /// Storage parameters in parentheses.
    pub(super) fn parameter_list(&mut self) -> Result<Vec<StorageParameter>> {
        self.parenthesised(|grammar| {
            let mut name = ident(&grammar.label()?);
            while grammar.eat(&TokenKind::Dot) {
                name = format!("{name}.{}", ident(&grammar.label()?));
            }
            let value = if grammar.eat(&TokenKind::Equals) { Some(grammar.parameter_value()?) } else { None };
            Ok((name, value))
        })
    }

    fn parameter_value(&mut self) -> Result<String> {
        let token = self.token();
        match &token.kind {
            TokenKind::String(_) => self.string_literal(),
            TokenKind::Plus | TokenKind::Minus | TokenKind::Number => {
                let is_signed = token.kind != TokenKind::Number;
                if is_signed {
                    self.advance();
                }
                let number = self.text(self.token()).to_owned();
                self.expect(&TokenKind::Number)?;
                Ok(if token.kind == TokenKind::Minus { format!("-{number}") } else { number })
            }
            _ => self.label().map(|word| ident(&word)),
        }
    }

    /// CASCADE or RESTRICT, if one comes next; true for CASCADE.
    pub(super) fn drop_behavior(&mut self) -> bool {
        if self.eat_keyword(Keyword::Cascade) {
            return true;
        }
        self.eat_keyword(Keyword::Restrict);
        false
    }

    /// IF EXISTS, if it comes next.
    pub(in crate::parse) fn if_exists(&mut self) -> bool {
        self.eat_keywords(&[Keyword::If, Keyword::Exists])
    }

    /// IF NOT EXISTS, if it comes next.
    pub(super) fn if_not_exists(&mut self) -> bool {
        self.eat_keywords(&[Keyword::If, Keyword::Not, Keyword::Exists])
    }

    /// COLLATE, if it comes next.
    pub(super) fn collation(&mut self) -> Result<Option<QualifiedName>> {
        if self.eat_keyword(Keyword::Collate) { self.relation_name().map(Some) } else { Ok(None) }
    }

    /// TABLESPACE, if it comes next.
    pub(super) fn tablespace(&mut self) -> Result<Option<String>> {
        if self.eat_keyword(Keyword::Tablespace) { self.column_text().map(Some) } else { Ok(None) }
    }

    /// `NULLS [NOT] DISTINCT`, if it comes next; true for NOT DISTINCT.
    pub(super) fn nulls_not_distinct(&mut self) -> bool {
        if self.eat_keywords(&[Keyword::Nulls, Keyword::Not, Keyword::Distinct]) {
            return true;
        }
        self.eat_keywords(&[Keyword::Nulls, Keyword::Distinct]);
        false
    }
}

/// Refuses a tablespace other than the one there is.
pub fn check_tablespace(name: Option<&str>) -> Result<()> {
    match name {
        None | Some("pg_default") => Ok(()),
        Some(name) => Err(SqlError::new(SqlState::UNDEFINED_OBJECT, format!("tablespace \"{name}\" does not exist"))),
    }
}

/// A type, and how it is written.
pub type TypeName = ast::DataType;
