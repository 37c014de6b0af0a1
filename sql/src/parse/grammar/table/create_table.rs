//! CREATE TABLE.

use sqlparser::ast;

use super::{ColumnDefinition, NamedConstraint, StorageParameter, TableStatement};
use crate::bind::names::QualifiedName;
use crate::error::{Result, SqlError, SqlState};
use crate::parse::grammar::Grammar;
use crate::parse::keyword::Keyword;
use crate::parse::token::TokenKind;
use heliosdb_storage::catalog::OnCommit;

/// CREATE TABLE (…)
#[derive(Clone, PartialEq, Debug)]
pub struct CreateTable {
    /// What both forms have.
    pub head: TableHead,
    /// Columns and constraints.
    pub elements: Vec<TableElement>,
}

/// CREATE TABLE … AS
#[derive(Clone, PartialEq, Debug)]
pub struct CreateTableAs {
    /// What both forms have.
    pub head: TableHead,
    /// Names of columns, instead of those of the query.
    pub columns: Vec<String>,
    /// The query.
    pub query: Box<ast::Query>,
    /// WITH DATA
    pub with_data: bool,
}

/// What both forms of CREATE TABLE have.
#[derive(Clone, PartialEq, Debug)]
pub struct TableHead {
    /// The name.
    pub name: QualifiedName,
    /// TEMPORARY
    pub temporary: bool,
    /// UNLOGGED
    pub unlogged: bool,
    /// IF NOT EXISTS
    pub if_not_exists: bool,
    /// WITH (…)
    pub parameters: Vec<StorageParameter>,
    /// ON COMMIT
    pub on_commit: Option<OnCommit>,
    /// TABLESPACE
    pub tablespace: Option<String>,
    /// USING
    pub access_method: Option<String>,
}

/// A part of CREATE TABLE.
#[derive(Clone, PartialEq, Debug)]
pub enum TableElement {
    /// A column.
    Column(ColumnDefinition),
    /// A constraint.
    Constraint(NamedConstraint),
}

impl Grammar<'_> {
    pub(super) fn create_table(&mut self) -> Result<TableStatement> {
        self.expect_keyword(Keyword::Create)?;
        let (mut temporary, mut unlogged) = (false, false);
        loop {
            match self.keyword() {
                Some(Keyword::Local | Keyword::Global) if !temporary && !unlogged => {
                    if !matches!(self.keyword_ahead(1), Some(Keyword::Temp | Keyword::Temporary)) {
                        self.advance();
                        return self.unexpected();
                    }
                }
                Some(Keyword::Temp | Keyword::Temporary) if !temporary && !unlogged => temporary = true,
                Some(Keyword::Unlogged) if !temporary && !unlogged => unlogged = true,
                _ => break,
            }
            self.advance();
        }
        self.expect_keyword(Keyword::Table)?;
        let if_not_exists = self.if_not_exists();
        let name = self.relation_name()?;
        let head = TableHead {
            name,
            temporary,
            unlogged,
            if_not_exists,
            parameters: Vec::new(),
            on_commit: None,
            tablespace: None,
            access_method: None,
        };
        if self.keyword() == Some(Keyword::Partition) {
            return self.unsupported("PARTITION OF");
        }
        if self.keyword() == Some(Keyword::Of) {
            return self.unsupported("CREATE TABLE OF");
        }
        if *self.kind() != TokenKind::LeftParen || self.is_list_of_names() {
            return self.create_table_as(head);
        }
        self.advance();
        let mut elements = Vec::new();
        if *self.kind() != TokenKind::RightParen {
            elements = self.list(Self::table_element)?;
        }
        self.expect(&TokenKind::RightParen)?;
        if self.keyword() == Some(Keyword::Inherits) {
            return self.unsupported("INHERITS");
        }
        if self.keyword() == Some(Keyword::Partition) {
            return self.unsupported("PARTITION BY");
        }
        let head = self.table_tail(head)?;
        Ok(TableStatement::Create(CreateTable { head, elements }))
    }

    /// Whether what comes in parentheses are bare names, as CREATE TABLE … AS has them.
    fn is_list_of_names(&self) -> bool {
        self.is_column_name(self.ahead(1)) && matches!(self.ahead(2).kind, TokenKind::Comma | TokenKind::RightParen)
    }

    fn create_table_as(&mut self, head: TableHead) -> Result<TableStatement> {
        let columns = if *self.kind() == TokenKind::LeftParen { self.column_texts()? } else { Vec::new() };
        let head = self.table_tail(head)?;
        self.expect_keyword(Keyword::As)?;
        if self.keyword() == Some(Keyword::Execute) {
            return self.unsupported("CREATE TABLE AS EXECUTE");
        }
        let query = self.query()?;
        let with_data = if self.eat_keyword(Keyword::With) {
            let without = self.eat_keyword(Keyword::No);
            self.expect_keyword(Keyword::Data)?;
            !without
        } else {
            true
        };
        Ok(TableStatement::CreateAs(CreateTableAs { head, columns, query, with_data }))
    }

    /// What comes behind the columns.
    fn table_tail(&mut self, mut head: TableHead) -> Result<TableHead> {
        if self.eat_keyword(Keyword::Using) {
            head.access_method = Some(self.column_text()?);
        }
        if self.eat_keywords(&[Keyword::Without, Keyword::Oids]) {
        } else if self.keyword() == Some(Keyword::With) {
            head.parameters = self.storage_parameters()?;
        }
        if self.eat_keywords(&[Keyword::On, Keyword::Commit]) {
            head.on_commit = Some(self.on_commit()?);
        }
        head.tablespace = self.tablespace()?;
        if head.on_commit.is_some() && !head.temporary {
            return Err(SqlError::new(
                SqlState::INVALID_TABLE_DEFINITION,
                "ON COMMIT can only be used on temporary tables",
            ));
        }
        Ok(head)
    }

    fn on_commit(&mut self) -> Result<OnCommit> {
        if self.eat_keyword(Keyword::Drop) {
            return Ok(OnCommit::Drop);
        }
        let deletes = self.eat_keyword(Keyword::Delete);
        if !deletes {
            self.expect_keyword(Keyword::Preserve)?;
        }
        self.expect_keyword(Keyword::Rows)?;
        Ok(if deletes { OnCommit::DeleteRows } else { OnCommit::PreserveRows })
    }

    fn table_element(&mut self) -> Result<TableElement> {
        if self.keyword() == Some(Keyword::Like) {
            return self.unsupported("LIKE in CREATE TABLE");
        }
        if let Some(constraint) = self.table_constraint()? {
            return Ok(TableElement::Constraint(constraint));
        }
        self.column_definition().map(TableElement::Column)
    }
}
