//! Queries: SELECT, VALUES, TABLE, set operations, WITH, and what comes after them.

use sqlparser::ast::helpers::attached_token::AttachedToken;
use sqlparser::ast::{self, Distinct, Expr, GroupByExpr, LimitClause, OrderByExpr, Parens, Query, Select, SelectItem};
use sqlparser::ast::{SetExpr, SetOperator, SetQuantifier, TableWithJoins};

use super::Grammar;
use crate::error::{Result, SqlError, SqlState};
use crate::parse::encoding::{self, LockStrength};
use crate::parse::keyword::Keyword;
use crate::parse::token::TokenKind;

impl Grammar<'_> {
    /// A query, perhaps in parentheses.
    pub fn query(&mut self) -> Result<Box<Query>> {
        self.nested(|grammar| {
            let with = grammar.with()?;
            grammar.query_after_with(with)
        })
    }

    /// A query, or a statement that changes rows, behind its WITH.
    pub(super) fn query_after_with(&mut self, with: Option<ast::With>) -> Result<Box<Query>> {
        let change = match self.keyword() {
            Some(Keyword::Insert) => Some(SetExpr::Insert(self.insert()?)),
            Some(Keyword::Update) => Some(SetExpr::Update(self.update()?)),
            Some(Keyword::Delete) => Some(SetExpr::Delete(self.delete()?)),
            Some(Keyword::Merge) => return self.unsupported("MERGE"),
            _ => None,
        };
        if let Some(body) = change {
            return Ok(Box::new(plain_query(with, body)));
        }
        let body = self.set_expr(0)?;
        let mut query = plain_query(with, body);
        if let Some(order_by) = self.order_by()? {
            query.order_by = Some(ast::OrderBy { kind: ast::OrderByKind::Expressions(order_by), interpolate: None });
        }
        self.limit_and_locks(&mut query)?;
        Ok(Box::new(query))
    }

    /// Whether what comes next is a query in parentheses, and no expression in parentheses.
    pub(in crate::parse) fn is_query_in_parentheses(&self) -> bool {
        *self.kind() == TokenKind::LeftParen && self.is_query_from(0)
    }

    /// Whether the parenthesis so many tokens ahead opens a query. `((SELECT 1) UNION SELECT 2)` is one,
    /// `((SELECT 1) + 1)` is not: what is behind the inner one tells.
    fn is_query_from(&self, open: usize) -> bool {
        match &self.ahead(open + 1).kind {
            TokenKind::Keyword(Keyword::Select | Keyword::With | Keyword::Table) => true,
            TokenKind::Keyword(Keyword::Values) => self.ahead(open + 2).kind == TokenKind::LeftParen,
            TokenKind::LeftParen if self.is_query_from(open + 1) => {
                let behind = self.closing(open + 1).map(|close| &self.ahead(close + 1).kind);
                matches!(
                    behind,
                    Some(
                        TokenKind::RightParen
                            | TokenKind::Keyword(
                                Keyword::Union
                                    | Keyword::Intersect
                                    | Keyword::Except
                                    | Keyword::Order
                                    | Keyword::Limit
                                    | Keyword::Offset
                                    | Keyword::Fetch
                                    | Keyword::For
                            )
                    )
                )
            }
            _ => false,
        }
    }

    /// How far ahead the parenthesis is closed that is opened so far ahead.
    fn closing(&self, open: usize) -> Option<usize> {
        let mut depth = 0_usize;
        let tokens = self.tokens.get(self.at + open..)?;
        let length = tokens.iter().position(|token| {
            match token.kind {
                TokenKind::LeftParen => depth += 1,
                TokenKind::RightParen => depth -= 1,
                _ => {}
            }
            depth == 0
        })?;
        Some(open + length)
    }

    pub(super) fn query_in_parentheses(&mut self) -> Result<Box<Query>> {
        self.expect(&TokenKind::LeftParen)?;
        let query = self.query()?;
        self.expect(&TokenKind::RightParen)?;
        Ok(query)
    }

    pub(super) fn with(&mut self) -> Result<Option<ast::With>> {
        let token = self.token();
        if !self.eat_keyword(Keyword::With) {
            return Ok(None);
        }
        let recursive = self.eat_keyword(Keyword::Recursive);
        let cte_tables = self.list(Self::common_table)?;
        Ok(Some(ast::With { with_token: self.attached(token), recursive, cte_tables }))
    }

    fn common_table(&mut self) -> Result<ast::Cte> {
        let name = self.column_name()?;
        let columns = match self.kind() {
            TokenKind::LeftParen => self.column_names()?.into_iter().map(plain_column).collect(),
            _ => Vec::new(),
        };
        self.expect_keyword(Keyword::As)?;
        let materialized = if self.eat_keyword(Keyword::Materialized) {
            Some(ast::CteAsMaterialized::Materialized)
        } else if self.eat_keywords(&[Keyword::Not, Keyword::Materialized]) {
            Some(ast::CteAsMaterialized::NotMaterialized)
        } else {
            None
        };
        self.expect(&TokenKind::LeftParen)?;
        let query = self.query()?;
        let closing_paren_token = self.attached(self.token());
        self.expect(&TokenKind::RightParen)?;
        match self.keyword() {
            Some(Keyword::Search) => return self.unsupported("SEARCH of a recursive query"),
            Some(Keyword::Cycle) => return self.unsupported("CYCLE of a recursive query"),
            _ => {}
        }
        let alias = ast::TableAlias { explicit: false, name, columns, at: None };
        Ok(ast::Cte { alias, query, from: None, materialized, closing_paren_token })
    }

    /// Set operations: INTERSECT binds more tightly than UNION and EXCEPT; all associate to the left.
    fn set_expr(&mut self, level: u8) -> Result<SetExpr> {
        self.nested(|grammar| {
            let mut left = match grammar.kind() {
                TokenKind::LeftParen => SetExpr::Query(grammar.query_in_parentheses()?),
                _ => grammar.simple_query()?,
            };
            loop {
                let (op, own) = match grammar.keyword() {
                    Some(Keyword::Union) => (SetOperator::Union, 1),
                    Some(Keyword::Except) => (SetOperator::Except, 1),
                    Some(Keyword::Intersect) => (SetOperator::Intersect, 2),
                    _ => return Ok(left),
                };
                if own <= level {
                    return Ok(left);
                }
                grammar.advance();
                let set_quantifier = if grammar.eat_keyword(Keyword::All) {
                    SetQuantifier::All
                } else if grammar.eat_keyword(Keyword::Distinct) {
                    SetQuantifier::Distinct
                } else {
                    SetQuantifier::None
                };
                let right = Box::new(grammar.set_expr(own)?);
                left = SetExpr::SetOperation { left: Box::new(left), op, set_quantifier, right };
            }
        })
    }

    fn simple_query(&mut self) -> Result<SetExpr> {
        match self.keyword() {
            Some(Keyword::Select) => Ok(SetExpr::Select(Box::new(self.select()?))),
            Some(Keyword::Values) => self.values(),
            Some(Keyword::Table) => {
                let token = self.token();
                self.advance();
                let mut select = self.empty_select(token);
                let options = ast::WildcardAdditionalOptions::default();
                select.projection.push(SelectItem::Wildcard(options));
                let relation = self.relation(None)?;
                select.from.push(TableWithJoins { relation, joins: Vec::new() });
                Ok(SetExpr::Select(Box::new(select)))
            }
            _ => self.unexpected(),
        }
    }

    fn values(&mut self) -> Result<SetExpr> {
        self.advance();
        let rows = self.list(|grammar| {
            let content = grammar.parenthesised(Self::expr)?;
            Ok(Parens { opening_token: AttachedToken::empty(), content, closing_token: AttachedToken::empty() })
        })?;
        Ok(SetExpr::Values(ast::Values { explicit_row: false, value_keyword: false, rows }))
    }

    fn empty_select(&self, token: &crate::parse::token::Token) -> Select {
        Select {
            select_token: self.attached(token),
            optimizer_hints: Vec::new(),
            distinct: None,
            select_modifiers: None,
            top: None,
            top_before_distinct: false,
            projection: Vec::new(),
            exclude: None,
            into: None,
            from: Vec::new(),
            lateral_views: Vec::new(),
            prewhere: None,
            selection: None,
            connect_by: Vec::new(),
            group_by: GroupByExpr::Expressions(Vec::new(), Vec::new()),
            cluster_by: Vec::new(),
            distribute_by: Vec::new(),
            sort_by: Vec::new(),
            having: None,
            named_window: Vec::new(),
            qualify: None,
            window_before_qualify: false,
            value_table_mode: None,
            flavor: ast::SelectFlavor::Standard,
        }
    }

    fn select(&mut self) -> Result<Select> {
        let mut select = self.empty_select(self.token());
        self.advance();
        if self.eat_keyword(Keyword::Distinct) {
            select.distinct = Some(match self.eat_keyword(Keyword::On) {
                true => Distinct::On(self.parenthesised(Self::expr)?),
                false => Distinct::Distinct,
            });
        } else if self.eat_keyword(Keyword::All) {
            select.distinct = Some(Distinct::All);
        }
        let has_targets = !self.is_at_end()
            && !matches!(
                self.kind(),
                TokenKind::RightParen
                    | TokenKind::Keyword(
                        Keyword::Into
                            | Keyword::From
                            | Keyword::Where
                            | Keyword::Group
                            | Keyword::Having
                            | Keyword::Window
                            | Keyword::Union
                            | Keyword::Intersect
                            | Keyword::Except
                            | Keyword::Order
                            | Keyword::Limit
                            | Keyword::Offset
                            | Keyword::Fetch
                            | Keyword::For
                    )
            );
        if has_targets || select.distinct.as_ref().is_some_and(|distinct| *distinct != Distinct::All) {
            select.projection = self.targets()?;
        }
        if self.eat_keyword(Keyword::Into) {
            select.into = Some(self.select_into()?);
        }
        if self.eat_keyword(Keyword::From) {
            select.from = self.relations()?;
        }
        if self.eat_keyword(Keyword::Where) {
            select.selection = Some(self.expr()?);
        }
        if self.eat_keywords(&[Keyword::Group, Keyword::By]) {
            if self.keyword() == Some(Keyword::Distinct) {
                return self.unsupported("GROUP BY DISTINCT");
            }
            self.eat_keyword(Keyword::All);
            select.group_by = GroupByExpr::Expressions(self.list(Self::grouping_element)?, Vec::new());
        }
        if self.eat_keyword(Keyword::Having) {
            select.having = Some(self.expr()?);
        }
        if self.eat_keyword(Keyword::Window) {
            select.named_window = self.list(|grammar| {
                let name = grammar.column_name()?;
                grammar.expect_keyword(Keyword::As)?;
                let spec = grammar.window_spec()?;
                Ok(ast::NamedWindowDefinition(name, ast::NamedWindowExpr::WindowSpec(spec)))
            })?;
        }
        Ok(select)
    }

    /// The select list, or RETURNING.
    pub(super) fn targets(&mut self) -> Result<Vec<SelectItem>> {
        self.list(Self::target)
    }

    fn target(&mut self) -> Result<SelectItem> {
        let token = self.token();
        if self.eat(&TokenKind::Star) {
            let options = ast::WildcardAdditionalOptions {
                wildcard_token: self.attached(token),
                ..ast::WildcardAdditionalOptions::default()
            };
            return Ok(SelectItem::Wildcard(options));
        }
        let expr = self.expr()?;
        if let Some(star) = self.star_target(&expr) {
            return Ok(star);
        }
        let alias = if self.eat_keyword(Keyword::As) { Some(self.label()?) } else { self.bare_label() };
        Ok(match alias {
            Some(alias) => SelectItem::ExprWithAlias { expr, alias },
            None => SelectItem::UnnamedExpr(expr),
        })
    }

    /// `t.*` and `(row).*`
    fn star_target(&self, expr: &Expr) -> Option<SelectItem> {
        use ast::SelectItemQualifiedWildcardKind as Kind;
        let (kind, wildcard_token) = match expr {
            Expr::QualifiedWildcard(name, token) => (Kind::ObjectName(name.clone()), token.clone()),
            Expr::CompoundFieldAccess { root, access_chain } => match access_chain.as_slice() {
                [rest @ .., ast::AccessExpr::Dot(Expr::Wildcard(token))] => {
                    let inner = match rest {
                        [] => root.as_ref().clone(),
                        rest => Expr::CompoundFieldAccess { root: root.clone(), access_chain: rest.to_vec() },
                    };
                    (Kind::Expr(inner), token.clone())
                }
                _ => return None,
            },
            _ => return None,
        };
        let options = ast::WildcardAdditionalOptions { wildcard_token, ..ast::WildcardAdditionalOptions::default() };
        Some(SelectItem::QualifiedWildcard(kind, options))
    }

    fn select_into(&mut self) -> Result<ast::SelectInto> {
        if matches!(self.keyword(), Some(Keyword::Local | Keyword::Global))
            && matches!(self.keyword_ahead(1), Some(Keyword::Temp | Keyword::Temporary))
        {
            self.advance();
        }
        let is_temporary = matches!(self.keyword(), Some(Keyword::Temp | Keyword::Temporary));
        let temporary = is_temporary && self.is_column_name(self.ahead(1));
        let unlogged = self.keyword() == Some(Keyword::Unlogged) && self.is_column_name(self.ahead(1));
        if temporary || unlogged {
            self.advance();
        }
        let table = self.eat_keyword(Keyword::Table);
        let name = self.qualified_name()?;
        let parts = name.0.into_iter().filter_map(|part| part.as_ident().cloned()).collect();
        Ok(ast::SelectInto { temporary, unlogged, table, targets: vec![Expr::CompoundIdentifier(parts)] })
    }

    fn grouping_element(&mut self) -> Result<Expr> {
        self.nested(|grammar| match (grammar.keyword(), grammar.keyword_ahead(1), &grammar.ahead(1).kind) {
            (Some(Keyword::Grouping), Some(Keyword::Sets), _) => {
                grammar.advance();
                grammar.advance();
                let sets = grammar.parenthesised(Self::grouping_element)?;
                Ok(Expr::GroupingSets(sets.into_iter().map(set_of).collect()))
            }
            (Some(Keyword::Rollup), _, TokenKind::LeftParen) => {
                grammar.advance();
                let sets = grammar.parenthesised(Self::expr)?;
                Ok(Expr::Rollup(sets.into_iter().map(set_of).collect()))
            }
            (Some(Keyword::Cube), _, TokenKind::LeftParen) => {
                grammar.advance();
                let sets = grammar.parenthesised(Self::expr)?;
                Ok(Expr::Cube(sets.into_iter().map(set_of).collect()))
            }
            (None, _, TokenKind::RightParen) if grammar.eat(&TokenKind::LeftParen) => {
                grammar.advance();
                Ok(Expr::Tuple(Vec::new()))
            }
            _ => grammar.expr(),
        })
    }

    /// ORDER BY, if it comes next.
    pub(super) fn order_by(&mut self) -> Result<Option<Vec<OrderByExpr>>> {
        if !self.eat_keywords(&[Keyword::Order, Keyword::By]) {
            return Ok(None);
        }
        self.list(Self::sort_key).map(Some)
    }

    fn sort_key(&mut self) -> Result<OrderByExpr> {
        let expr = self.expr()?;
        let sort = if self.eat_keyword(Keyword::Using) {
            let path = self.operator_path()?;
            Some(ast::OrderBySort::Using(path.into_iter().map(ast::Ident::new).collect::<Vec<_>>().into()))
        } else if self.eat_keyword(Keyword::Asc) {
            Some(ast::OrderBySort::Asc)
        } else if self.eat_keyword(Keyword::Desc) {
            Some(ast::OrderBySort::Desc)
        } else {
            None
        };
        let nulls_first = self.nulls_order()?;
        Ok(OrderByExpr { expr, options: ast::OrderByOptions { sort, nulls_first }, with_fill: None })
    }

    fn nulls_order(&mut self) -> Result<Option<bool>> {
        if !self.eat_keyword(Keyword::Nulls) {
            return Ok(None);
        }
        if self.eat_keyword(Keyword::First) {
            return Ok(Some(true));
        }
        self.expect_keyword(Keyword::Last)?;
        Ok(Some(false))
    }

    /// LIMIT, OFFSET, FETCH and FOR, in any order.
    fn limit_and_locks(&mut self, query: &mut Query) -> Result<()> {
        let (mut limit, mut offset) = (None, None);
        let (mut has_limit, mut has_offset) = (false, false);
        loop {
            let token = self.token();
            let repeated = match self.keyword() {
                Some(Keyword::Limit) => {
                    self.advance();
                    if !self.eat_keyword(Keyword::All) {
                        limit = Some(self.expr()?);
                    }
                    if *self.kind() == TokenKind::Comma {
                        let error = SqlError::new(SqlState::SYNTAX_ERROR, "LIMIT #,# syntax is not supported")
                            .with_hint("Use separate LIMIT and OFFSET clauses.");
                        return Err(self.error_at(token, error));
                    }
                    std::mem::replace(&mut has_limit, true)
                }
                Some(Keyword::Fetch) => {
                    self.advance();
                    query.fetch = Some(self.fetch_first()?);
                    std::mem::replace(&mut has_limit, true)
                }
                Some(Keyword::Offset) => {
                    self.advance();
                    let value = self.expr()?;
                    let rows = match self.keyword() {
                        Some(Keyword::Row) => ast::OffsetRows::Row,
                        Some(Keyword::Rows) => ast::OffsetRows::Rows,
                        _ => ast::OffsetRows::None,
                    };
                    if rows != ast::OffsetRows::None {
                        self.advance();
                    }
                    offset = Some(ast::Offset { value, rows });
                    std::mem::replace(&mut has_offset, true)
                }
                Some(Keyword::For) => {
                    self.lock(&mut query.locks)?;
                    false
                }
                _ => break,
            };
            if repeated {
                return Err(crate::parse::position::unexpected(self.source, token));
            }
        }
        if query.fetch.as_ref().is_some_and(|fetch| fetch.with_ties) {
            let skips = query.locks.iter().any(|lock| lock.nonblock == Some(ast::NonBlock::SkipLocked));
            let refused = match (query.order_by.is_none(), skips) {
                (true, _) => Some("WITH TIES cannot be specified without ORDER BY clause"),
                (_, true) => Some("SKIP LOCKED and WITH TIES options cannot be used together"),
                _ => None,
            };
            if let Some(message) = refused {
                return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
            }
        }
        if limit.is_some() || offset.is_some() {
            query.limit_clause = Some(LimitClause::LimitOffset { limit, offset, limit_by: Vec::new() });
        }
        Ok(())
    }

    /// `FETCH FIRST n ROWS ONLY`, behind its first word.
    fn fetch_first(&mut self) -> Result<ast::Fetch> {
        if !self.eat_keyword(Keyword::First) {
            self.expect_keyword(Keyword::Next)?;
        }
        let quantity = match self.keyword() {
            Some(Keyword::Row | Keyword::Rows) => None,
            _ => Some(self.fetch_quantity()?),
        };
        if !self.eat_keyword(Keyword::Row) {
            self.expect_keyword(Keyword::Rows)?;
        }
        let with_ties = self.eat_keywords(&[Keyword::With, Keyword::Ties]);
        if !with_ties {
            self.expect_keyword(Keyword::Only)?;
        }
        Ok(ast::Fetch { with_ties, percent: false, quantity })
    }

    fn fetch_quantity(&mut self) -> Result<Expr> {
        let op = match self.kind() {
            TokenKind::Minus => ast::UnaryOperator::Minus,
            TokenKind::Plus => ast::UnaryOperator::Plus,
            _ => return self.primary(),
        };
        self.advance();
        Ok(Expr::UnaryOp { op, expr: Box::new(self.primary()?) })
    }

    /// `FOR UPDATE OF a, b NOWAIT` and its kin; one clause for each relation.
    fn lock(&mut self, locks: &mut Vec<ast::LockClause>) -> Result<()> {
        self.advance();
        if self.eat_keywords(&[Keyword::Read, Keyword::Only]) {
            return Ok(());
        }
        let strength = if self.eat_keyword(Keyword::Update) {
            LockStrength::Update
        } else if self.eat_keywords(&[Keyword::No, Keyword::Key, Keyword::Update]) {
            LockStrength::NoKeyUpdate
        } else if self.eat_keyword(Keyword::Share) {
            LockStrength::Share
        } else if self.eat_keywords(&[Keyword::Key, Keyword::Share]) {
            LockStrength::KeyShare
        } else {
            return self.unexpected();
        };
        let relations = match self.eat_keyword(Keyword::Of) {
            true => self.list(Self::qualified_name)?.into_iter().map(Some).collect(),
            false => vec![None],
        };
        let nonblock = if self.eat_keyword(Keyword::Nowait) {
            Some(ast::NonBlock::Nowait)
        } else if self.eat_keywords(&[Keyword::Skip, Keyword::Locked]) {
            Some(ast::NonBlock::SkipLocked)
        } else {
            None
        };
        locks.extend(relations.into_iter().map(|relation| encoding::lock_clause(strength, relation, nonblock)));
        Ok(())
    }
}

/// A query of nothing but its body.
pub(super) fn plain_query(with: Option<ast::With>, body: SetExpr) -> Query {
    Query {
        with,
        body: Box::new(body),
        order_by: None,
        limit_clause: None,
        fetch: None,
        locks: Vec::new(),
        for_clause: None,
        settings: None,
        format_clause: None,
        pipe_operators: Vec::new(),
    }
}

pub(super) fn plain_column(name: ast::Ident) -> ast::TableAliasColumnDef {
    ast::TableAliasColumnDef { name, data_type: None }
}

/// The columns of one grouping set: those of a row, or one.
fn set_of(element: Expr) -> Vec<Expr> {
    match element {
        Expr::Tuple(columns) => columns,
        Expr::Nested(column) => vec![*column],
        column => vec![column],
    }
}
