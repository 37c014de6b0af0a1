//! CREATE INDEX, ALTER INDEX, REINDEX.

use super::{ExpressionText, StorageParameter};
use crate::bind::names::{QualifiedName, ident};
use crate::error::Result;
use crate::parse::grammar::Grammar;
use crate::parse::keyword::Keyword;
use crate::parse::token::TokenKind;

/// CREATE INDEX
#[derive(Clone, PartialEq, Debug)]
pub struct CreateIndex {
    /// UNIQUE
    pub unique: bool,
    /// CONCURRENTLY
    pub concurrently: bool,
    /// IF NOT EXISTS
    pub if_not_exists: bool,
    /// Its name, if it has one. It is in the schema of its table.
    pub name: Option<String>,
    /// The table.
    pub table: QualifiedName,
    /// USING
    pub method: Option<String>,
    /// What it sorts by.
    pub elements: Vec<IndexElement>,
    /// INCLUDE
    pub included: Vec<IndexElement>,
    /// NULLS NOT DISTINCT
    pub nulls_not_distinct: bool,
    /// WITH (…)
    pub parameters: Vec<StorageParameter>,
    /// TABLESPACE
    pub tablespace: Option<String>,
    /// WHERE
    pub predicate: Option<ExpressionText>,
}

/// One of the things that an index sorts by.
#[derive(Clone, PartialEq, Debug)]
pub struct IndexElement {
    /// What.
    pub item: IndexedItem,
    /// COLLATE
    pub collation: Option<QualifiedName>,
    /// The operator class.
    pub operator_class: Option<QualifiedName>,
    /// Whether the operator class has options.
    pub class_options: bool,
    /// ASC or DESC; true for DESC.
    pub descending: Option<bool>,
    /// NULLS FIRST or LAST; true for FIRST.
    pub nulls_first: Option<bool>,
}

/// What an index sorts by.
#[derive(Clone, PartialEq, Debug)]
pub enum IndexedItem {
    /// A column.
    Column(String),
    /// An expression.
    Expression(ExpressionText),
}

/// ALTER INDEX
#[derive(Clone, PartialEq, Debug)]
pub struct AlterIndex {
    /// IF EXISTS
    pub if_exists: bool,
    /// The index.
    pub name: QualifiedName,
    /// What changes.
    pub action: IndexAction,
}

/// What changes about an index.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum IndexAction {
    /// RENAME TO
    Rename(String),
    /// SET (…)
    Set(Vec<StorageParameter>),
    /// RESET (…)
    Reset(Vec<StorageParameter>),
    /// SET TABLESPACE
    SetTablespace(String),
}

/// REINDEX
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reindex {
    /// INDEX
    Index(QualifiedName),
    /// TABLE
    Table(QualifiedName),
    /// SCHEMA
    Schema(String),
    /// DATABASE, or SYSTEM
    Database(String),
}

impl Grammar<'_> {
    pub(super) fn create_index(&mut self) -> Result<CreateIndex> {
        self.expect_keyword(Keyword::Create)?;
        let unique = self.eat_keyword(Keyword::Unique);
        self.expect_keyword(Keyword::Index)?;
        let concurrently = self.eat_keyword(Keyword::Concurrently);
        let if_not_exists = self.if_not_exists();
        let name = if if_not_exists || self.keyword() != Some(Keyword::On) { Some(self.column_text()?) } else { None };
        self.expect_keyword(Keyword::On)?;
        self.eat_keyword(Keyword::Only);
        let table = self.relation_name()?;
        let method = if self.eat_keyword(Keyword::Using) { Some(self.column_text()?) } else { None };
        let elements = self.parenthesised(Self::index_element)?;
        let included =
            if self.eat_keyword(Keyword::Include) { self.parenthesised(Self::index_element)? } else { Vec::new() };
        let nulls_not_distinct = self.nulls_not_distinct();
        let parameters = self.storage_parameters()?;
        let tablespace = self.tablespace()?;
        let predicate = if self.eat_keyword(Keyword::Where) { Some(self.text_of_rule(Self::expr)?) } else { None };
        Ok(CreateIndex {
            unique,
            concurrently,
            if_not_exists,
            name,
            table,
            method,
            elements,
            included,
            nulls_not_distinct,
            parameters,
            tablespace,
            predicate,
        })
    }

    fn index_element(&mut self) -> Result<IndexElement> {
        let item = if *self.kind() == TokenKind::LeftParen {
            IndexedItem::Expression(self.expression_in_parentheses()?)
        } else if self.is_column_name(self.token()) && !self.is_call() {
            IndexedItem::Column(self.column_text()?)
        } else {
            // A function call, or one of the words that stand for one.
            IndexedItem::Expression(self.text_of_rule(Self::primary)?)
        };
        let collation = self.collation()?;
        let (operator_class, class_options) = self.operator_class()?;
        let descending =
            if self.eat_keyword(Keyword::Desc) { Some(true) } else { self.eat_keyword(Keyword::Asc).then_some(false) };
        let nulls_first = if self.eat_keywords(&[Keyword::Nulls, Keyword::First]) {
            Some(true)
        } else {
            self.eat_keywords(&[Keyword::Nulls, Keyword::Last]).then_some(false)
        };
        Ok(IndexElement { item, collation, operator_class, class_options, descending, nulls_first })
    }

    /// Whether a name with its arguments comes next: of a function, perhaps in a schema.
    fn is_call(&self) -> bool {
        let mut ahead = 1;
        while self.ahead(ahead).kind == TokenKind::Dot {
            ahead += 2;
        }
        self.ahead(ahead).kind == TokenKind::LeftParen
    }

    fn operator_class(&mut self) -> Result<(Option<QualifiedName>, bool)> {
        let is_class = self.is_column_name(self.token()) && !matches!(self.keyword(), Some(Keyword::Nulls));
        if !is_class {
            return Ok((None, false));
        }
        let name = self.relation_name()?;
        let has_options = *self.kind() == TokenKind::LeftParen;
        if has_options {
            self.parameter_list()?;
        }
        Ok((Some(name), has_options))
    }

    pub(super) fn alter_index(&mut self) -> Result<AlterIndex> {
        self.expect_keywords(&[Keyword::Alter, Keyword::Index])?;
        if self.keyword() == Some(Keyword::All) {
            return self.unsupported("ALTER INDEX ALL IN TABLESPACE");
        }
        let if_exists = self.if_exists();
        let name = self.relation_name()?;
        let action = match self.keyword() {
            Some(Keyword::Rename) => {
                self.advance();
                self.expect_keyword(Keyword::To)?;
                IndexAction::Rename(self.column_text()?)
            }
            Some(Keyword::Set) if self.keyword_ahead(1) == Some(Keyword::Tablespace) => {
                self.advance();
                self.advance();
                IndexAction::SetTablespace(self.column_text()?)
            }
            Some(Keyword::Set) => {
                self.advance();
                IndexAction::Set(self.parameter_list()?)
            }
            Some(Keyword::Reset) => {
                self.advance();
                IndexAction::Reset(self.parameter_list()?)
            }
            Some(Keyword::Attach) => return self.unsupported("ALTER INDEX … ATTACH PARTITION"),
            Some(Keyword::Alter) => return self.unsupported("ALTER INDEX … ALTER COLUMN … SET STATISTICS"),
            Some(Keyword::Depends | Keyword::No) => return self.unsupported("ALTER INDEX … DEPENDS ON EXTENSION"),
            _ => return self.unexpected(),
        };
        Ok(AlterIndex { if_exists, name, action })
    }

    pub(super) fn reindex(&mut self) -> Result<Reindex> {
        self.expect_keyword(Keyword::Reindex)?;
        if *self.kind() == TokenKind::LeftParen {
            self.parenthesised(|grammar| {
                grammar.label()?;
                if !matches!(grammar.kind(), TokenKind::Comma | TokenKind::RightParen) {
                    grammar.label()?;
                }
                Ok(())
            })?;
        }
        let Some(keyword) = self.keyword() else { return self.unexpected() };
        self.advance();
        self.eat_keyword(Keyword::Concurrently);
        Ok(match keyword {
            Keyword::Index => Reindex::Index(self.relation_name()?),
            Keyword::Table => Reindex::Table(self.relation_name()?),
            Keyword::Schema => Reindex::Schema(self.column_text()?),
            Keyword::Database | Keyword::System => Reindex::Database(ident(&self.column_name()?)),
            _ => return self.unexpected(),
        })
    }
}
