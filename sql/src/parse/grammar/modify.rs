//! INSERT, UPDATE, DELETE.

use sqlparser::ast::{self, Assignment, AssignmentTarget, ConflictTarget, Expr, ObjectName, OnConflict};
use sqlparser::ast::{OnConflictAction, SelectItem, Statement, TableAlias, TableFactor, TableWithJoins};

use super::Grammar;
use crate::error::Result;
use crate::parse::encoding;
use crate::parse::keyword::Keyword;
use crate::parse::token::TokenKind;

impl Grammar<'_> {
    pub(super) fn insert(&mut self) -> Result<Statement> {
        let insert_token = self.attached(self.token());
        self.advance();
        self.expect_keyword(Keyword::Into)?;
        let table = ast::TableObject::TableName(self.qualified_name()?);
        let table_alias = match self.eat_keyword(Keyword::As) {
            true => Some(ast::TableAliasWithoutColumns { explicit: true, alias: self.column_name()? }),
            false => None,
        };
        let (mut columns, mut overriding, mut source) = (Vec::new(), None, None);
        if !self.eat_keywords(&[Keyword::Default, Keyword::Values]) {
            if *self.kind() == TokenKind::LeftParen && !self.is_query_in_parentheses() {
                columns = self.parenthesised(Self::target_name)?;
            }
            if self.eat_keyword(Keyword::Overriding) {
                overriding = Some(match self.eat_keyword(Keyword::User) {
                    true => ast::InsertOverriding::User,
                    false => {
                        self.expect_keyword(Keyword::System)?;
                        ast::InsertOverriding::System
                    }
                });
                self.expect_keyword(Keyword::Value)?;
            }
            source = Some(self.query()?);
        }
        let on = self.on_conflict()?;
        let returning = self.returning()?;
        Ok(Statement::Insert(ast::Insert {
            insert_token,
            optimizer_hints: Vec::new(),
            or: None,
            ignore: false,
            into: true,
            table,
            table_alias,
            columns,
            by_name: false,
            overwrite: false,
            source,
            assignments: Vec::new(),
            partitioned: None,
            after_columns: Vec::new(),
            overriding,
            has_table_keyword: false,
            on: on.map(ast::OnInsert::OnConflict),
            returning,
            output: None,
            replace_into: false,
            priority: None,
            insert_alias: None,
            settings: None,
            format_clause: None,
            multi_table_insert_type: None,
            multi_table_into_clauses: Vec::new(),
            multi_table_when_clauses: Vec::new(),
            multi_table_else_clause: None,
        }))
    }

    fn on_conflict(&mut self) -> Result<Option<OnConflict>> {
        if !self.eat_keywords(&[Keyword::On, Keyword::Conflict]) {
            return Ok(None);
        }
        let conflict_target = match self.kind() {
            TokenKind::LeftParen => {
                let columns = self.parenthesised(Self::conflict_column)?;
                let predicate = if self.eat_keyword(Keyword::Where) { Some(self.expr()?) } else { None };
                Some(ConflictTarget::Columns { columns, predicate })
            }
            TokenKind::Keyword(Keyword::On) => {
                self.expect_keywords(&[Keyword::On, Keyword::Constraint])?;
                Some(ConflictTarget::OnConstraint(ObjectName::from(vec![self.column_name()?])))
            }
            _ => None,
        };
        self.expect_keyword(Keyword::Do)?;
        if self.eat_keyword(Keyword::Nothing) {
            return Ok(Some(OnConflict { conflict_target, action: OnConflictAction::DoNothing }));
        }
        self.expect_keywords(&[Keyword::Update, Keyword::Set])?;
        let assignments = self.list(Self::assignment)?;
        let selection = if self.eat_keyword(Keyword::Where) { Some(self.expr()?) } else { None };
        let action = OnConflictAction::DoUpdate(ast::DoUpdate { assignments, selection });
        Ok(Some(OnConflict { conflict_target, action }))
    }

    fn conflict_column(&mut self) -> Result<ast::Ident> {
        let is_call = self.ahead(1).kind == TokenKind::LeftParen;
        if is_call || *self.kind() == TokenKind::LeftParen {
            return self.unsupported("an expression as the target of ON CONFLICT");
        }
        let column = self.column_name()?;
        if !matches!(self.kind(), TokenKind::Comma | TokenKind::RightParen) {
            return self.unsupported("a collation or an operator class in ON CONFLICT");
        }
        Ok(column)
    }

    fn assignment(&mut self) -> Result<Assignment> {
        let target = match self.kind() {
            TokenKind::LeftParen => AssignmentTarget::Tuple(self.parenthesised(Self::target_name)?),
            _ => AssignmentTarget::ColumnName(self.target_name()?),
        };
        self.expect(&TokenKind::Equals)?;
        Ok(Assignment { target, value: self.expr()? })
    }

    fn returning(&mut self) -> Result<Option<Vec<SelectItem>>> {
        if self.eat_keyword(Keyword::Returning) { self.targets().map(Some) } else { Ok(None) }
    }

    /// The alias of a changed table; SET is none.
    fn changed_alias(&mut self) -> Result<Option<TableAlias>> {
        let explicit = self.eat_keyword(Keyword::As);
        let is_set = self.keyword() == Some(Keyword::Set);
        if !explicit && (is_set || !self.is_column_name(self.token())) {
            return Ok(None);
        }
        Ok(Some(TableAlias { explicit, name: self.column_name()?, columns: Vec::new(), at: None }))
    }

    fn changed_table(&mut self) -> Result<TableFactor> {
        self.relation(Some(Self::changed_alias))
    }

    /// WHERE, or WHERE CURRENT OF a cursor.
    fn where_or_current(&mut self) -> Result<Option<Expr>> {
        if !self.eat_keyword(Keyword::Where) {
            return Ok(None);
        }
        if self.eat_keywords(&[Keyword::Current, Keyword::Of]) {
            return Ok(Some(encoding::current_of(self.column_name()?)));
        }
        self.expr().map(Some)
    }

    pub(super) fn update(&mut self) -> Result<Statement> {
        let update_token = self.attached(self.token());
        self.advance();
        let table = TableWithJoins { relation: self.changed_table()?, joins: Vec::new() };
        self.expect_keyword(Keyword::Set)?;
        let assignments = self.list(Self::assignment)?;
        let from = match self.eat_keyword(Keyword::From) {
            true => Some(ast::UpdateTableFromKind::AfterSet(self.relations()?)),
            false => None,
        };
        let selection = self.where_or_current()?;
        let returning = self.returning()?;
        Ok(Statement::Update(ast::Update {
            update_token,
            optimizer_hints: Vec::new(),
            table,
            on_cluster: None,
            assignments,
            from,
            selection,
            returning,
            output: None,
            or: None,
            order_by: Vec::new(),
            limit: None,
            settings: None,
        }))
    }

    pub(super) fn delete(&mut self) -> Result<Statement> {
        let delete_token = self.attached(self.token());
        self.advance();
        self.expect_keyword(Keyword::From)?;
        let table = TableWithJoins { relation: self.changed_table()?, joins: Vec::new() };
        let using = if self.eat_keyword(Keyword::Using) { Some(self.relations()?) } else { None };
        let selection = self.where_or_current()?;
        let returning = self.returning()?;
        Ok(Statement::Delete(ast::Delete {
            delete_token,
            optimizer_hints: Vec::new(),
            tables: Vec::new(),
            from: ast::FromTable::WithFromKeyword(vec![table]),
            on_cluster: None,
            using,
            selection,
            returning,
            output: None,
            order_by: Vec::new(),
            limit: None,
            settings: None,
        }))
    }
}
