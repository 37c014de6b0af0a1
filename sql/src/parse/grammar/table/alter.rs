//! ALTER TABLE.

use super::constraint::Attributes;
use super::{ColumnDefinition, ExpressionText, Generation, Identity, NamedConstraint, StorageParameter, TypeName};
use crate::bind::names::{QualifiedName, ident};
use crate::error::{Result, SqlError};
use crate::parse::grammar::Grammar;
use crate::parse::keyword::Keyword;
use crate::parse::token::TokenKind;

/// ALTER TABLE
#[derive(Clone, PartialEq, Debug)]
pub struct AlterTable {
    /// IF EXISTS
    pub if_exists: bool,
    /// The table.
    pub name: QualifiedName,
    /// What changes, as it is written.
    pub actions: Vec<TableAction>,
}

/// What changes about a table.
#[derive(Clone, PartialEq, Debug)]
pub enum TableAction {
    /// RENAME TO
    Rename(String),
    /// RENAME COLUMN a TO b
    RenameColumn(String, String),
    /// RENAME CONSTRAINT a TO b
    RenameConstraint(String, String),
    /// SET SCHEMA
    SetSchema(String),
    /// OWNER TO
    OwnerTo(String),
    /// ADD COLUMN
    AddColumn {
        /// IF NOT EXISTS
        if_not_exists: bool,
        /// The column.
        column: Box<ColumnDefinition>,
    },
    /// DROP COLUMN
    DropColumn {
        /// The column.
        name: String,
        /// IF EXISTS
        if_exists: bool,
        /// CASCADE
        cascade: bool,
    },
    /// ALTER COLUMN
    AlterColumn(String, AlterColumn),
    /// ADD a constraint
    AddConstraint(Box<NamedConstraint>),
    /// ALTER CONSTRAINT
    AlterConstraint(String, Attributes),
    /// VALIDATE CONSTRAINT
    ValidateConstraint(String),
    /// DROP CONSTRAINT
    DropConstraint {
        /// The constraint.
        name: String,
        /// IF EXISTS
        if_exists: bool,
        /// CASCADE
        cascade: bool,
    },
    /// SET (…)
    Set(Vec<StorageParameter>),
    /// RESET (…)
    Reset(Vec<StorageParameter>),
    /// SET TABLESPACE
    SetTablespace(String),
    /// SET LOGGED, SET WITHOUT OIDS, SET WITHOUT CLUSTER and others that change nothing here.
    Nothing,
}

/// What changes about a column.
#[derive(Clone, PartialEq, Debug)]
pub enum AlterColumn {
    /// SET DEFAULT
    SetDefault(ExpressionText),
    /// DROP DEFAULT
    DropDefault,
    /// SET NOT NULL
    SetNotNull,
    /// DROP NOT NULL
    DropNotNull,
    /// DROP EXPRESSION
    DropExpression {
        /// IF EXISTS
        if_exists: bool,
    },
    /// TYPE
    Type {
        /// The new type.
        data_type: TypeName,
        /// COLLATE
        collation: Option<QualifiedName>,
        /// USING
        using: Option<ExpressionText>,
    },
    /// SET (…) or RESET (…)
    Options(Vec<StorageParameter>),
    /// SET STATISTICS, SET STORAGE, SET COMPRESSION: how PostgreSQL stores and samples the column.
    Physical,
    /// ADD GENERATED … AS IDENTITY
    AddIdentity(Identity),
    /// SET GENERATED, SET and RESTART of the options of an identity column's sequence, as they are written.
    SetIdentity {
        /// SET GENERATED; true for ALWAYS.
        always: Option<bool>,
        /// The other options, each as in CREATE SEQUENCE, without SET.
        options: Option<ExpressionText>,
    },
    /// DROP IDENTITY
    DropIdentity {
        /// IF EXISTS
        if_exists: bool,
    },
}

impl Grammar<'_> {
    pub(super) fn alter_table(&mut self) -> Result<AlterTable> {
        self.expect_keywords(&[Keyword::Alter, Keyword::Table])?;
        if self.keyword() == Some(Keyword::All) {
            return self.unsupported("ALTER TABLE ALL IN TABLESPACE");
        }
        let if_exists = self.if_exists();
        self.eat_keyword(Keyword::Only);
        let name = self.relation_name()?;
        self.eat(&TokenKind::Star);
        let actions = match self.keyword() {
            Some(Keyword::Rename) => vec![self.rename()?],
            Some(Keyword::Set) if self.keyword_ahead(1) == Some(Keyword::Schema) => {
                self.advance();
                self.advance();
                vec![TableAction::SetSchema(self.column_text()?)]
            }
            Some(Keyword::Attach) => return self.unsupported("ATTACH PARTITION"),
            Some(Keyword::Detach) => return self.unsupported("DETACH PARTITION"),
            _ => self.list(Self::table_action)?,
        };
        Ok(AlterTable { if_exists, name, actions })
    }

    fn rename(&mut self) -> Result<TableAction> {
        self.advance();
        if self.eat_keyword(Keyword::To) {
            return self.column_text().map(TableAction::Rename);
        }
        if self.eat_keyword(Keyword::Constraint) {
            let from = self.column_text()?;
            self.expect_keyword(Keyword::To)?;
            return Ok(TableAction::RenameConstraint(from, self.column_text()?));
        }
        self.eat_keyword(Keyword::Column);
        let from = self.column_text()?;
        self.expect_keyword(Keyword::To)?;
        Ok(TableAction::RenameColumn(from, self.column_text()?))
    }

    fn table_action(&mut self) -> Result<TableAction> {
        let Some(keyword) = self.keyword() else { return self.unexpected() };
        match keyword {
            Keyword::Add => {
                self.advance();
                self.add()
            }
            Keyword::Drop => {
                self.advance();
                self.drop_part()
            }
            Keyword::Alter => {
                self.advance();
                if self.eat_keyword(Keyword::Constraint) {
                    return self.alter_constraint();
                }
                self.eat_keyword(Keyword::Column);
                let column = self.column_text()?;
                Ok(TableAction::AlterColumn(column, self.alter_column()?))
            }
            Keyword::Validate => {
                self.advance();
                self.expect_keyword(Keyword::Constraint)?;
                self.column_text().map(TableAction::ValidateConstraint)
            }
            Keyword::Owner => {
                self.advance();
                self.expect_keyword(Keyword::To)?;
                let owner = self.non_reserved_or_current_role()?;
                Ok(TableAction::OwnerTo(owner))
            }
            Keyword::Reset => {
                self.advance();
                self.parameter_list().map(TableAction::Reset)
            }
            Keyword::Set => {
                self.advance();
                self.set_part()
            }
            Keyword::Cluster => self.unsupported("CLUSTER ON"),
            Keyword::Enable | Keyword::Disable => self.enable_or_disable(),
            Keyword::Inherit => self.unsupported("INHERIT"),
            Keyword::No if self.keyword_ahead(1) == Some(Keyword::Inherit) => self.unsupported("NO INHERIT"),
            Keyword::Of | Keyword::Not => self.unsupported("ALTER TABLE … OF"),
            Keyword::Replica => self.unsupported("REPLICA IDENTITY"),
            Keyword::Force | Keyword::No => self.unsupported("ROW LEVEL SECURITY"),
            _ => self.unexpected(),
        }
    }

    /// A role, or one of the words that mean the current one.
    fn non_reserved_or_current_role(&mut self) -> Result<String> {
        match self.keyword() {
            Some(Keyword::CurrentRole | Keyword::CurrentUser | Keyword::SessionUser) => self.label(),
            _ => self.non_reserved_word(),
        }
        .map(|word| ident(&word))
    }

    fn enable_or_disable(&mut self) -> Result<TableAction> {
        self.advance();
        match self.keyword() {
            Some(Keyword::Trigger) => self.unsupported("ENABLE or DISABLE TRIGGER"),
            Some(Keyword::Rule) => self.unsupported("ENABLE or DISABLE RULE"),
            Some(Keyword::Row) => self.unsupported("ROW LEVEL SECURITY"),
            Some(Keyword::Always | Keyword::Replica) => self.unsupported("ENABLE TRIGGER"),
            _ => self.unexpected(),
        }
    }

    fn add(&mut self) -> Result<TableAction> {
        if let Some(constraint) = self.table_constraint()? {
            return Ok(TableAction::AddConstraint(Box::new(constraint)));
        }
        self.eat_keyword(Keyword::Column);
        let if_not_exists = self.if_not_exists();
        let column = Box::new(self.column_definition()?);
        Ok(TableAction::AddColumn { if_not_exists, column })
    }

    fn drop_part(&mut self) -> Result<TableAction> {
        if self.eat_keyword(Keyword::Constraint) {
            let if_exists = self.if_exists();
            let name = self.column_text()?;
            return Ok(TableAction::DropConstraint { name, if_exists, cascade: self.drop_behavior() });
        }
        self.eat_keyword(Keyword::Column);
        let if_exists = self.if_exists();
        let name = self.column_text()?;
        Ok(TableAction::DropColumn { name, if_exists, cascade: self.drop_behavior() })
    }

    fn alter_constraint(&mut self) -> Result<TableAction> {
        let name = self.column_text()?;
        let mut attributes = Attributes::default();
        let first = self.token();
        while let Some(attribute) = self.constraint_attribute() {
            attributes.add(attribute).map_err(|error| self.error_at(first, error))?;
        }
        if attributes.not_valid || attributes.no_inherit {
            let marked = if attributes.not_valid { "NOT VALID" } else { "NO INHERIT" };
            let error = SqlError::new(
                crate::error::SqlState::FEATURE_NOT_SUPPORTED,
                format!("constraints cannot be altered to be {marked}"),
            );
            return Err(self.error_at(first, error));
        }
        Ok(TableAction::AlterConstraint(name, attributes))
    }

    fn set_part(&mut self) -> Result<TableAction> {
        match self.keyword() {
            Some(Keyword::Tablespace) => {
                self.advance();
                self.column_text().map(TableAction::SetTablespace)
            }
            Some(Keyword::Logged) => {
                self.advance();
                Ok(TableAction::Nothing)
            }
            Some(Keyword::Unlogged) => self.unsupported("SET UNLOGGED"),
            Some(Keyword::Without) => {
                self.advance();
                if !self.eat_keyword(Keyword::Oids) {
                    self.expect_keyword(Keyword::Cluster)?;
                }
                Ok(TableAction::Nothing)
            }
            Some(Keyword::Access) => self.unsupported("SET ACCESS METHOD"),
            _ => self.parameter_list().map(TableAction::Set),
        }
    }

    fn alter_column(&mut self) -> Result<AlterColumn> {
        let Some(keyword) = self.keyword() else { return self.unexpected() };
        self.advance();
        match keyword {
            Keyword::Set => self.set_of_column(),
            Keyword::Drop => self.drop_of_column(),
            Keyword::Type => self.new_type(),
            Keyword::Reset => self.parameter_list().map(AlterColumn::Options),
            Keyword::Restart => self.set_identity(None),
            Keyword::Add => {
                self.expect_keyword(Keyword::Generated)?;
                match self.generation()? {
                    Generation::Identity(identity) => Ok(AlterColumn::AddIdentity(identity)),
                    Generation::Stored(_) => self.unexpected(),
                }
            }
            _ => {
                self.at -= 1;
                self.unexpected()
            }
        }
    }

    fn set_of_column(&mut self) -> Result<AlterColumn> {
        let Some(keyword) = self.keyword() else {
            return self.parameter_list().map(AlterColumn::Options);
        };
        match keyword {
            Keyword::Default => {
                self.advance();
                self.text_of_rule(Self::expr).map(AlterColumn::SetDefault)
            }
            Keyword::Not => {
                self.advance();
                self.expect_keyword(Keyword::Null)?;
                Ok(AlterColumn::SetNotNull)
            }
            Keyword::Data => {
                self.advance();
                self.expect_keyword(Keyword::Type)?;
                self.new_type()
            }
            Keyword::Statistics => {
                self.advance();
                self.signed_integer()?;
                Ok(AlterColumn::Physical)
            }
            Keyword::Storage => {
                self.advance();
                self.column_text()?;
                Ok(AlterColumn::Physical)
            }
            Keyword::Compression => {
                self.advance();
                if !self.eat_keyword(Keyword::Default) {
                    self.column_text()?;
                }
                Ok(AlterColumn::Physical)
            }
            Keyword::Generated => {
                self.advance();
                let always = self.eat_keyword(Keyword::Always);
                if !always {
                    self.expect_keywords(&[Keyword::By, Keyword::Default])?;
                }
                self.set_identity(Some(always))
            }
            _ => self.set_identity(None),
        }
    }

    /// Options of the sequence of an identity column, behind SET or RESTART.
    fn set_identity(&mut self, always: Option<bool>) -> Result<AlterColumn> {
        if self.is_at_end() || *self.kind() == TokenKind::Comma {
            return Ok(AlterColumn::SetIdentity { always, options: None });
        }
        let options = self.text_of_rule(|grammar| {
            while !grammar.is_at_end() && *grammar.kind() != TokenKind::Comma {
                grammar.advance();
            }
            Ok(())
        })?;
        Ok(AlterColumn::SetIdentity { always, options: Some(options) })
    }

    fn drop_of_column(&mut self) -> Result<AlterColumn> {
        let Some(keyword) = self.keyword() else { return self.unexpected() };
        self.advance();
        Ok(match keyword {
            Keyword::Default => AlterColumn::DropDefault,
            Keyword::Not => {
                self.expect_keyword(Keyword::Null)?;
                AlterColumn::DropNotNull
            }
            Keyword::Expression => AlterColumn::DropExpression { if_exists: self.if_exists() },
            Keyword::Identity => AlterColumn::DropIdentity { if_exists: self.if_exists() },
            _ => {
                self.at -= 1;
                return self.unexpected();
            }
        })
    }

    fn new_type(&mut self) -> Result<AlterColumn> {
        let data_type = self.data_type()?;
        let collation = self.collation()?;
        let using = if self.eat_keyword(Keyword::Using) { Some(self.text_of_rule(Self::expr)?) } else { None };
        Ok(AlterColumn::Type { data_type, collation, using })
    }
}
