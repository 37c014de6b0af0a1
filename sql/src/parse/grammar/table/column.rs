//! Columns, and what is said of them.

use super::constraint::Attributes;
use super::{ConstraintKind, ExpressionText, ForeignKey, KeyColumns, NamedConstraint, TypeName};
use crate::bind::names::QualifiedName;
use crate::error::{Result, SqlError, SqlState};
use crate::parse::grammar::Grammar;
use crate::parse::keyword::Keyword;
use crate::parse::token::TokenKind;

/// A column of CREATE TABLE or ADD COLUMN.
#[derive(Clone, PartialEq, Debug)]
pub struct ColumnDefinition {
    /// Its name.
    pub name: String,
    /// Its type.
    pub data_type: TypeName,
    /// COLLATE
    pub collation: Option<QualifiedName>,
    /// NOT NULL or NULL, as often as it is said.
    pub null: Vec<bool>,
    /// DEFAULT, as often as it is said.
    pub defaults: Vec<ExpressionText>,
    /// GENERATED, as often as it is said.
    pub generations: Vec<Generation>,
    /// Its constraints.
    pub constraints: Vec<NamedConstraint>,
}

/// GENERATED
#[derive(Clone, PartialEq, Debug)]
pub enum Generation {
    /// ALWAYS AS (…) STORED
    Stored(ExpressionText),
    /// AS IDENTITY
    Identity(Identity),
}

/// GENERATED … AS IDENTITY
#[derive(Clone, PartialEq, Debug)]
pub struct Identity {
    /// ALWAYS; else BY DEFAULT.
    pub always: bool,
    /// Options of its sequence, as they are written between the parentheses.
    pub options: Option<ExpressionText>,
}

impl Grammar<'_> {
    /// A column with all that is said of it.
    pub(super) fn column_definition(&mut self) -> Result<ColumnDefinition> {
        let name = self.column_text()?;
        let data_type = self.data_type()?;
        if self.eat_keyword(Keyword::Compression) {
            return self.unsupported("COMPRESSION");
        }
        let mut column = ColumnDefinition {
            name,
            data_type,
            collation: None,
            null: Vec::new(),
            defaults: Vec::new(),
            generations: Vec::new(),
            constraints: Vec::new(),
        };
        while self.column_clause(&mut column)? {}
        Ok(column)
    }

    /// One thing that is said of a column; false if nothing more is.
    fn column_clause(&mut self, column: &mut ColumnDefinition) -> Result<bool> {
        let first = self.token();
        if let Some(attribute) = self.column_attribute() {
            let before = column.constraints.last_mut();
            let before = before.filter(|constraint| !matches!(constraint.kind, ConstraintKind::Check(_)));
            let added = match before {
                Some(constraint) => constraint.attributes.add(attribute),
                None => Err(SqlError::new(SqlState::SYNTAX_ERROR, format!("misplaced {} clause", attribute.clause()))),
            };
            added.map_err(|error| self.error_at(first, error))?;
            return Ok(true);
        }
        if let Some(collation) = self.collation()? {
            column.collation = Some(collation);
            return Ok(true);
        }
        let name = if self.eat_keyword(Keyword::Constraint) { Some(self.constraint_name()?) } else { None };
        let Some(keyword) = self.keyword() else {
            return if name.is_some() { self.unexpected() } else { Ok(false) };
        };
        let kind = match keyword {
            Keyword::Not => {
                self.advance();
                self.expect_keyword(Keyword::Null)?;
                column.null.push(false);
                return Ok(true);
            }
            Keyword::Null => {
                self.advance();
                column.null.push(true);
                return Ok(true);
            }
            Keyword::Default => {
                self.advance();
                let text = self.text_of_rule(Self::restricted_expr)?;
                column.defaults.push(text);
                return Ok(true);
            }
            Keyword::Generated => {
                self.advance();
                let generation = self.generation()?;
                column.generations.push(generation);
                return Ok(true);
            }
            Keyword::Check => {
                self.advance();
                let kind = ConstraintKind::Check(self.expression_in_parentheses()?);
                let no_inherit = self.eat_keywords(&[Keyword::No, Keyword::Inherit]);
                let attributes = Attributes { no_inherit, ..Attributes::default() };
                column.constraints.push(NamedConstraint { name, kind, attributes });
                return Ok(true);
            }
            Keyword::Unique => {
                self.advance();
                let nulls_not_distinct = self.nulls_not_distinct();
                ConstraintKind::Unique { columns: self.key_of_column(&column.name)?, nulls_not_distinct }
            }
            Keyword::Primary => {
                self.advance();
                self.expect_keyword(Keyword::Key)?;
                ConstraintKind::PrimaryKey(self.key_of_column(&column.name)?)
            }
            Keyword::References => ConstraintKind::ForeignKey(ForeignKey {
                columns: vec![column.name.clone()],
                references: self.references()?,
            }),
            _ if name.is_some() => return self.unexpected(),
            _ => return Ok(false),
        };
        column.constraints.push(NamedConstraint { name, kind, attributes: Attributes::default() });
        Ok(true)
    }

    fn key_of_column(&mut self, name: &str) -> Result<KeyColumns> {
        let (parameters, tablespace) = self.index_parameters()?;
        let names = vec![name.to_owned()];
        Ok(KeyColumns::Columns { names, included: Vec::new(), parameters, tablespace })
    }

    /// What comes behind GENERATED.
    pub(super) fn generation(&mut self) -> Result<Generation> {
        let always = self.eat_keyword(Keyword::Always);
        if !always {
            self.expect_keywords(&[Keyword::By, Keyword::Default])?;
        }
        self.expect_keyword(Keyword::As)?;
        if self.eat_keyword(Keyword::Identity) {
            return Ok(Generation::Identity(Identity { always, options: self.sequence_options()? }));
        }
        if !always {
            let error =
                SqlError::new(SqlState::SYNTAX_ERROR, "for a generated column, GENERATED ALWAYS must be specified");
            return Err(self.error_here(error));
        }
        let text = self.expression_in_parentheses()?;
        self.expect_keyword(Keyword::Stored)?;
        Ok(Generation::Stored(text))
    }

    /// Options of a sequence in parentheses, as they are written between them.
    fn sequence_options(&mut self) -> Result<Option<ExpressionText>> {
        if !self.eat(&TokenKind::LeftParen) {
            return Ok(None);
        }
        let text = self.text_of_rule(|grammar| {
            while !matches!(grammar.kind(), TokenKind::RightParen | TokenKind::End) {
                grammar.advance();
            }
            Ok(())
        })?;
        self.expect(&TokenKind::RightParen)?;
        Ok(Some(text))
    }
}
