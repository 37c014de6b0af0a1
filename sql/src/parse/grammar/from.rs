//! FROM: relations, functions, subqueries, joins, and their aliases.

use sqlparser::ast::{self, FunctionArguments, Join, JoinConstraint, JoinOperator, ObjectName, TableFactor};
use sqlparser::ast::{TableAlias, TableInheritance, TableWithJoins};

use super::Grammar;
use super::query::plain_column;
use crate::error::Result;
use crate::parse::encoding;
use crate::parse::keyword::Keyword;
use crate::parse::token::TokenKind;

/// How an alias is read.
type AliasRule<G> = fn(&mut G) -> Result<Option<TableAlias>>;

impl Grammar<'_> {
    pub(super) fn relations(&mut self) -> Result<Vec<TableWithJoins>> {
        self.list(Self::table_with_joins)
    }

    fn table_with_joins(&mut self) -> Result<TableWithJoins> {
        self.nested(|grammar| {
            let relation = grammar.table_factor()?;
            let mut joins = Vec::new();
            while grammar.is_join() {
                joins.push(grammar.join()?);
            }
            Ok(TableWithJoins { relation, joins })
        })
    }

    fn is_join(&self) -> bool {
        matches!(
            self.keyword(),
            Some(
                Keyword::Join
                    | Keyword::Inner
                    | Keyword::Left
                    | Keyword::Right
                    | Keyword::Full
                    | Keyword::Cross
                    | Keyword::Natural
            )
        )
    }

    fn join(&mut self) -> Result<Join> {
        if self.eat_keyword(Keyword::Cross) {
            self.expect_keyword(Keyword::Join)?;
            let relation = self.table_factor()?;
            return Ok(Join { relation, global: false, join_operator: JoinOperator::CrossJoin(JoinConstraint::None) });
        }
        let natural = self.eat_keyword(Keyword::Natural);
        let Some(keyword) = self.keyword() else { return self.unexpected() };
        let operator: fn(JoinConstraint) -> JoinOperator = match keyword {
            Keyword::Join => JoinOperator::Join,
            Keyword::Inner => JoinOperator::Inner,
            Keyword::Left => JoinOperator::Left,
            Keyword::Right => JoinOperator::Right,
            Keyword::Full => JoinOperator::FullOuter,
            _ => return self.unexpected(),
        };
        self.advance();
        if keyword != Keyword::Join {
            if keyword != Keyword::Inner {
                self.eat_keyword(Keyword::Outer);
            }
            self.expect_keyword(Keyword::Join)?;
        }
        let mut relation = self.table_factor()?;
        if natural {
            return Ok(Join { relation, global: false, join_operator: operator(JoinConstraint::Natural) });
        }
        // `a JOIN b JOIN c ON … ON …`: the condition that is still open belongs to the outer join.
        while self.is_join() {
            let joins = vec![self.nested(Self::join)?];
            let table_with_joins = Box::new(TableWithJoins { relation, joins });
            relation = TableFactor::NestedJoin { table_with_joins, alias: None };
        }
        Ok(Join { relation, global: false, join_operator: operator(self.join_condition()?) })
    }

    fn join_condition(&mut self) -> Result<JoinConstraint> {
        if self.eat_keyword(Keyword::On) {
            return Ok(JoinConstraint::On(self.expr()?));
        }
        self.expect_keyword(Keyword::Using)?;
        let columns = self.column_names()?.into_iter().map(|column| ObjectName::from(vec![column])).collect();
        Ok(match self.eat_keyword(Keyword::As) {
            true => JoinConstraint::UsingAlias(columns, self.column_name()?),
            false => JoinConstraint::Using(columns),
        })
    }

    fn table_factor(&mut self) -> Result<TableFactor> {
        let lateral = self.eat_keyword(Keyword::Lateral);
        if self.is_query_in_parentheses() {
            let subquery = self.query_in_parentheses()?;
            let alias = self.alias()?;
            return Ok(TableFactor::Derived { lateral, subquery, alias, sample: None });
        }
        if !lateral && *self.kind() == TokenKind::LeftParen {
            return self.join_in_parentheses();
        }
        if let Some(function) = self.table_function(lateral)? {
            return Ok(function);
        }
        if lateral {
            return self.unexpected();
        }
        let relation = self.relation(Some(Self::alias))?;
        if self.keyword() == Some(Keyword::Tablesample) {
            return self.unsupported("TABLESAMPLE");
        }
        Ok(relation)
    }

    /// Parentheses in FROM hold a join, not a bare table.
    fn join_in_parentheses(&mut self) -> Result<TableFactor> {
        self.advance();
        let inner = self.table_with_joins()?;
        let is_join = !inner.joins.is_empty() || matches!(inner.relation, TableFactor::NestedJoin { alias: None, .. });
        if !is_join {
            return self.unexpected();
        }
        self.expect(&TokenKind::RightParen)?;
        let alias = self.alias()?;
        Ok(TableFactor::NestedJoin { table_with_joins: Box::new(inner), alias })
    }

    /// A relation by its name; the alias is read by `alias`, if one may follow.
    pub(super) fn relation(&mut self, alias: Option<AliasRule<Self>>) -> Result<TableFactor> {
        let only = self.eat_keyword(Keyword::Only);
        let parenthesized = only && self.eat(&TokenKind::LeftParen);
        let name = self.qualified_name()?;
        if parenthesized {
            self.expect(&TokenKind::RightParen)?;
        }
        let inheritance = if only {
            Some(TableInheritance::Only { parenthesized })
        } else {
            self.eat(&TokenKind::Star).then_some(TableInheritance::IncludeDescendants)
        };
        let alias = match alias {
            Some(alias) => alias(self)?,
            None => None,
        };
        Ok(TableFactor::Table {
            name,
            alias,
            args: None,
            with_hints: Vec::new(),
            version: None,
            with_ordinality: false,
            partitions: Vec::new(),
            json_path: None,
            sample: None,
            index_directives: Vec::new(),
            inheritance,
        })
    }

    /// A function as a relation, if one comes next.
    fn table_function(&mut self, lateral: bool) -> Result<Option<TableFactor>> {
        let is_list = self.are_next(&[Keyword::Rows, Keyword::From]) && self.ahead(2).kind == TokenKind::LeftParen;
        let (name, args) = if is_list {
            self.advance();
            self.advance();
            encoding::rows_from(self.parenthesised(Self::row_function)?)
        } else {
            match self.name_before_parenthesis() {
                Some(true) => self.plain_call()?,
                Some(false) => return self.special_table_function().map(Some),
                None => return Ok(None),
            }
        };
        let with_ordinality = self.eat_keywords(&[Keyword::With, Keyword::Ordinality]);
        let alias = self.function_alias()?;
        Ok(Some(TableFactor::Function { lateral, name, args, with_ordinality, alias }))
    }

    /// A call in ROWS FROM.
    fn row_function(&mut self) -> Result<ast::Function> {
        if self.name_before_parenthesis() != Some(true) {
            return self.unexpected();
        }
        let (name, args) = self.plain_call()?;
        if self.keyword() == Some(Keyword::As) {
            return self.unsupported("a column definition list in ROWS FROM");
        }
        let list = ast::FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() };
        Ok(encoding::function(name, FunctionArguments::List(list)))
    }

    /// A call of a function by its name, and nothing but its arguments.
    fn plain_call(&mut self) -> Result<(ObjectName, Vec<ast::FunctionArg>)> {
        let mut parts = vec![self.label()?];
        while self.eat(&TokenKind::Dot) {
            parts.push(self.label()?);
        }
        let token = self.token();
        let list = self.call_arguments()?;
        if list.duplicate_treatment.is_some() || !list.clauses.is_empty() {
            return Err(crate::parse::position::unexpected(self.source, token));
        }
        Ok((ObjectName::from(parts), list.args))
    }

    /// Whether a call comes next: true for a function by its name, false for one with a grammar of its own.
    fn name_before_parenthesis(&self) -> Option<bool> {
        let first = self.token();
        let mut ahead = 1;
        while self.ahead(ahead).kind == TokenKind::Dot {
            ahead += 2;
        }
        let is_call = self.ahead(ahead).kind == TokenKind::LeftParen;
        let is_name = if ahead == 1 { self.is_function_name(first) } else { self.is_column_name(first) };
        if is_call && is_name {
            return Some(true);
        }
        let is_special = match first.kind {
            TokenKind::Keyword(keyword) => {
                matches!(
                    keyword,
                    Keyword::CurrentDate
                        | Keyword::CurrentCatalog
                        | Keyword::CurrentRole
                        | Keyword::CurrentUser
                        | Keyword::CurrentSchema
                        | Keyword::CurrentTime
                        | Keyword::CurrentTimestamp
                        | Keyword::Localtime
                        | Keyword::Localtimestamp
                        | Keyword::SessionUser
                        | Keyword::User
                ) || (is_call && ahead == 1 && (keyword == Keyword::Cast || Self::is_keyword_column_name(keyword)))
            }
            _ => false,
        };
        is_special.then_some(false)
    }

    /// `FROM current_date`, `FROM coalesce(…)`
    fn special_table_function(&mut self) -> Result<TableFactor> {
        let expr = self.primary()?;
        let is_call = match &expr {
            ast::Expr::Function(function) => !matches!(function.args, FunctionArguments::Subquery(_)),
            ast::Expr::Cast { .. } => true,
            _ => false,
        };
        if !is_call {
            return self.unexpected();
        }
        if self.are_next(&[Keyword::With, Keyword::Ordinality]) {
            return self.unsupported("WITH ORDINALITY of this function");
        }
        Ok(TableFactor::TableFunction { expr, alias: self.function_alias()? })
    }

    /// An alias, with or without AS, perhaps with names for the columns.
    pub(super) fn alias(&mut self) -> Result<Option<TableAlias>> {
        let explicit = self.eat_keyword(Keyword::As);
        if !explicit && !self.is_column_name(self.token()) {
            return Ok(None);
        }
        let name = self.column_name()?;
        let columns = match self.kind() {
            TokenKind::LeftParen => self.column_names()?.into_iter().map(plain_column).collect(),
            _ => Vec::new(),
        };
        Ok(Some(TableAlias { explicit, name, columns, at: None }))
    }

    /// The alias of a function may define its columns: `f() AS t (a int, b text)`.
    fn function_alias(&mut self) -> Result<Option<TableAlias>> {
        let explicit = self.eat_keyword(Keyword::As);
        if explicit && *self.kind() == TokenKind::LeftParen {
            return self.unsupported("a column definition list without an alias");
        }
        if !explicit && !self.is_column_name(self.token()) {
            return Ok(None);
        }
        let name = self.column_name()?;
        let mut columns = Vec::new();
        if self.eat(&TokenKind::LeftParen) {
            columns = self.list(|grammar| {
                let name = grammar.column_name()?;
                let is_plain = matches!(grammar.kind(), TokenKind::Comma | TokenKind::RightParen);
                let data_type = if is_plain { None } else { Some(grammar.data_type()?) };
                Ok(ast::TableAliasColumnDef { name, data_type })
            })?;
            self.expect(&TokenKind::RightParen)?;
        }
        Ok(Some(TableAlias { explicit, name, columns, at: None }))
    }
}
