//! Constraints of columns and of tables.

use super::{ExpressionText, StorageParameter};
use crate::bind::names::{QualifiedName, ident};
use crate::error::{Result, SqlError, SqlState};
use crate::parse::grammar::Grammar;
use crate::parse::keyword::Keyword;
use crate::parse::token::TokenKind;

/// A constraint, and its name if it has one.
#[derive(Clone, PartialEq, Debug)]
pub struct NamedConstraint {
    /// CONSTRAINT name
    pub name: Option<String>,
    /// What it demands.
    pub kind: ConstraintKind,
    /// How it is judged.
    pub attributes: Attributes,
}

/// What a constraint demands.
#[derive(Clone, PartialEq, Debug)]
pub enum ConstraintKind {
    /// CHECK
    Check(ExpressionText),
    /// PRIMARY KEY
    PrimaryKey(KeyColumns),
    /// UNIQUE
    Unique {
        /// Over what.
        columns: KeyColumns,
        /// NULLS NOT DISTINCT
        nulls_not_distinct: bool,
    },
    /// FOREIGN KEY
    ForeignKey(ForeignKey),
}

/// What a key is over.
#[derive(Clone, PartialEq, Debug)]
pub enum KeyColumns {
    /// Columns.
    Columns {
        /// Their names.
        names: Vec<String>,
        /// INCLUDE
        included: Vec<String>,
        /// WITH (…)
        parameters: Vec<StorageParameter>,
        /// USING INDEX TABLESPACE
        tablespace: Option<String>,
    },
    /// USING INDEX: what an index is over that is there already.
    Index(String),
}

impl KeyColumns {
    /// One column.
    pub fn column(name: &str) -> Self {
        Self::Columns { names: vec![name.to_owned()], included: Vec::new(), parameters: Vec::new(), tablespace: None }
    }
}

/// A foreign key.
#[derive(Clone, PartialEq, Debug)]
pub struct ForeignKey {
    /// The columns that refer.
    pub columns: Vec<String>,
    /// To what.
    pub references: References,
}

/// REFERENCES
#[derive(Clone, PartialEq, Debug)]
pub struct References {
    /// The table.
    pub table: QualifiedName,
    /// Its columns; none for its primary key.
    pub columns: Vec<String>,
    /// MATCH FULL
    pub match_full: bool,
    /// ON DELETE
    pub on_delete: KeyAction,
    /// ON UPDATE
    pub on_update: KeyAction,
}

/// What happens to rows that refer to one that changes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum KeyAction {
    /// NO ACTION
    #[default]
    NoAction,
    /// RESTRICT
    Restrict,
    /// CASCADE
    Cascade,
    /// SET NULL, perhaps of some columns only.
    SetNull(Vec<String>),
    /// SET DEFAULT, perhaps of some columns only.
    SetDefault(Vec<String>),
}

/// How a constraint is judged.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Attributes {
    /// DEFERRABLE or NOT DEFERRABLE
    pub deferrable: Option<bool>,
    /// INITIALLY DEFERRED or IMMEDIATE
    pub initially_deferred: Option<bool>,
    /// NOT VALID
    pub not_valid: bool,
    /// NO INHERIT
    pub no_inherit: bool,
}

impl Attributes {
    /// Whether SET CONSTRAINTS has a say.
    pub fn is_deferrable(self) -> bool {
        self.deferrable.unwrap_or(self.initially_deferred == Some(true))
    }

    /// Takes over another attribute; fails if it contradicts what was said.
    pub(super) fn add(&mut self, attribute: Attribute) -> Result<()> {
        let syntax = |message: &str| Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
        match attribute {
            Attribute::Deferrable(deferrable) => {
                if self.deferrable.is_some() {
                    return syntax("multiple DEFERRABLE/NOT DEFERRABLE clauses not allowed");
                }
                if !deferrable && self.initially_deferred == Some(true) {
                    return syntax("constraint declared INITIALLY DEFERRED must be DEFERRABLE");
                }
                self.deferrable = Some(deferrable);
            }
            Attribute::InitiallyDeferred(deferred) => {
                if self.initially_deferred.is_some() {
                    return syntax("multiple INITIALLY IMMEDIATE/DEFERRED clauses not allowed");
                }
                if deferred && self.deferrable == Some(false) {
                    return syntax("constraint declared INITIALLY DEFERRED must be DEFERRABLE");
                }
                self.initially_deferred = Some(deferred);
            }
            Attribute::NotValid => self.not_valid = true,
            Attribute::NoInherit => self.no_inherit = true,
        }
        Ok(())
    }
}

/// One word about how a constraint is judged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Attribute {
    Deferrable(bool),
    InitiallyDeferred(bool),
    NotValid,
    NoInherit,
}

impl Attribute {
    /// The words that say it.
    pub(super) const fn clause(self) -> &'static str {
        match self {
            Self::Deferrable(true) => "DEFERRABLE",
            Self::Deferrable(false) => "NOT DEFERRABLE",
            Self::InitiallyDeferred(true) => "INITIALLY DEFERRED",
            Self::InitiallyDeferred(false) => "INITIALLY IMMEDIATE",
            Self::NotValid => "NOT VALID",
            Self::NoInherit => "NO INHERIT",
        }
    }
}

impl Grammar<'_> {
    /// A constraint of a table, if one comes next.
    pub(super) fn table_constraint(&mut self) -> Result<Option<NamedConstraint>> {
        let name = if self.eat_keyword(Keyword::Constraint) { Some(self.column_text()?) } else { None };
        let kind = match self.keyword() {
            Some(Keyword::Check) => {
                self.advance();
                ConstraintKind::Check(self.expression_in_parentheses()?)
            }
            Some(Keyword::Unique) => {
                self.advance();
                let nulls_not_distinct = self.nulls_not_distinct();
                ConstraintKind::Unique { columns: self.key_columns(true)?, nulls_not_distinct }
            }
            Some(Keyword::Primary) => {
                self.advance();
                self.expect_keyword(Keyword::Key)?;
                ConstraintKind::PrimaryKey(self.key_columns(true)?)
            }
            Some(Keyword::Foreign) => {
                self.advance();
                self.expect_keyword(Keyword::Key)?;
                let columns = self.column_texts()?;
                ConstraintKind::ForeignKey(ForeignKey { columns, references: self.references()? })
            }
            Some(Keyword::Exclude) => return self.unsupported("EXCLUDE"),
            _ if name.is_some() => return self.unexpected(),
            _ => return Ok(None),
        };
        let mut attributes = Attributes::default();
        let first = self.token();
        while let Some(attribute) = self.constraint_attribute() {
            attributes.add(attribute).map_err(|error| self.error_at(first, error))?;
        }
        judge_attributes(&kind, attributes).map_err(|error| self.error_at(first, error))?;
        Ok(Some(NamedConstraint { name, kind, attributes }))
    }

    /// The columns of a key, with what an index has beside; or USING INDEX.
    fn key_columns(&mut self, may_use_index: bool) -> Result<KeyColumns> {
        if may_use_index && self.eat_keywords(&[Keyword::Using, Keyword::Index]) {
            return self.column_text().map(KeyColumns::Index);
        }
        let names = self.column_texts()?;
        let included = if self.eat_keyword(Keyword::Include) { self.column_texts()? } else { Vec::new() };
        let (parameters, tablespace) = self.index_parameters()?;
        Ok(KeyColumns::Columns { names, included, parameters, tablespace })
    }

    /// What a constraint says of its index: WITH (…), USING INDEX TABLESPACE.
    pub(super) fn index_parameters(&mut self) -> Result<(Vec<StorageParameter>, Option<String>)> {
        let parameters = self.storage_parameters()?;
        let tablespace = if self.eat_keywords(&[Keyword::Using, Keyword::Index, Keyword::Tablespace]) {
            Some(self.column_text()?)
        } else {
            None
        };
        Ok((parameters, tablespace))
    }

    /// REFERENCES …
    pub(super) fn references(&mut self) -> Result<References> {
        self.expect_keyword(Keyword::References)?;
        let table = self.relation_name()?;
        let columns = if *self.kind() == TokenKind::LeftParen { self.column_texts()? } else { Vec::new() };
        let mut match_full = false;
        if self.eat_keyword(Keyword::Match) {
            match self.keyword() {
                Some(Keyword::Full) => match_full = true,
                Some(Keyword::Simple) => {}
                Some(Keyword::Partial) => {
                    return Err(self.error_here(SqlError::new(
                        SqlState::FEATURE_NOT_SUPPORTED,
                        "MATCH PARTIAL not yet implemented",
                    )));
                }
                _ => return self.unexpected(),
            }
            self.advance();
        }
        let (mut on_delete, mut on_update) = (None, None);
        while *self.kind() != TokenKind::End && self.keyword() == Some(Keyword::On) {
            match self.keyword_ahead(1) {
                Some(Keyword::Delete) if on_delete.is_none() => {
                    self.advance();
                    self.advance();
                    on_delete = Some(self.key_action()?);
                }
                Some(Keyword::Update) if on_update.is_none() => {
                    self.advance();
                    self.advance();
                    let first = self.token();
                    let action = self.key_action()?;
                    if matches!(&action, KeyAction::SetNull(columns) | KeyAction::SetDefault(columns) if !columns.is_empty())
                    {
                        let message = "a column list with SET NULL is only supported for ON DELETE actions";
                        let message = match &action {
                            KeyAction::SetDefault(_) => message.replace("SET NULL", "SET DEFAULT"),
                            _ => message.to_owned(),
                        };
                        return Err(self.error_at(first, SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, message)));
                    }
                    on_update = Some(action);
                }
                _ => {
                    self.advance();
                    return self.unexpected();
                }
            }
        }
        Ok(References {
            table,
            columns,
            match_full,
            on_delete: on_delete.unwrap_or_default(),
            on_update: on_update.unwrap_or_default(),
        })
    }

    fn key_action(&mut self) -> Result<KeyAction> {
        if self.eat_keywords(&[Keyword::No, Keyword::Action]) {
            return Ok(KeyAction::NoAction);
        }
        if self.eat_keyword(Keyword::Restrict) {
            return Ok(KeyAction::Restrict);
        }
        if self.eat_keyword(Keyword::Cascade) {
            return Ok(KeyAction::Cascade);
        }
        self.expect_keyword(Keyword::Set)?;
        let is_null = self.eat_keyword(Keyword::Null);
        if !is_null {
            self.expect_keyword(Keyword::Default)?;
        }
        let columns = if *self.kind() == TokenKind::LeftParen { self.column_texts()? } else { Vec::new() };
        Ok(if is_null { KeyAction::SetNull(columns) } else { KeyAction::SetDefault(columns) })
    }

    /// One word about how a constraint of a table is judged, if one comes next.
    pub(super) fn constraint_attribute(&mut self) -> Option<Attribute> {
        if self.eat_keywords(&[Keyword::Not, Keyword::Valid]) {
            return Some(Attribute::NotValid);
        }
        if self.eat_keywords(&[Keyword::No, Keyword::Inherit]) {
            return Some(Attribute::NoInherit);
        }
        self.column_attribute()
    }

    /// The same for a constraint of a column.
    pub(super) fn column_attribute(&mut self) -> Option<Attribute> {
        let words: [(&[Keyword], Attribute); 4] = [
            (&[Keyword::Deferrable], Attribute::Deferrable(true)),
            (&[Keyword::Not, Keyword::Deferrable], Attribute::Deferrable(false)),
            (&[Keyword::Initially, Keyword::Deferred], Attribute::InitiallyDeferred(true)),
            (&[Keyword::Initially, Keyword::Immediate], Attribute::InitiallyDeferred(false)),
        ];
        words.into_iter().find(|(words, _)| self.eat_keywords(words)).map(|(_, attribute)| attribute)
    }

    /// A name behind CONSTRAINT.
    pub(super) fn constraint_name(&mut self) -> Result<String> {
        self.column_name().map(|name| ident(&name))
    }
}

/// Not every kind of constraint can be said to be judged in every way.
fn judge_attributes(kind: &ConstraintKind, attributes: Attributes) -> Result<()> {
    let (name, is_deferrable, may_be_invalid, may_not_inherit) = match kind {
        ConstraintKind::Check(_) => ("CHECK", false, true, true),
        ConstraintKind::PrimaryKey(_) => ("PRIMARY KEY", true, false, false),
        ConstraintKind::Unique { .. } => ("UNIQUE", true, false, false),
        ConstraintKind::ForeignKey(_) => ("FOREIGN KEY", true, true, false),
    };
    let marked = if attributes.is_deferrable() && !is_deferrable {
        "DEFERRABLE"
    } else if attributes.not_valid && !may_be_invalid {
        "NOT VALID"
    } else if attributes.no_inherit && !may_not_inherit {
        "NO INHERIT"
    } else {
        return Ok(());
    };
    Err(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, format!("{name} constraints cannot be marked {marked}")))
}
