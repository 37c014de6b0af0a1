//! Queries: SELECT, VALUES, UNION, and what comes after them.

use std::sync::Arc;

use heliosdb_storage::catalog::TableDef;
use heliosdb_storage::value::{ColumnType, DataType};
use sqlparser::ast::{self, LimitClause, SetExpr};

use super::Binder;
use super::scope::{Place, Scope};
use super::tree::{Body, Distinct, Modify, OutputColumn, Query, Relation, Select, plain};
use crate::error::{Result, SqlError, SqlState};
use crate::expr::Expr;
use crate::plan::{RowLimit, SeenCounter};
use crate::types::cast::CastContext;

/// How deeply queries may be nested: each level runs operators and evaluators on the stack of the one around it.
const MAX_QUERY_DEPTH: usize = 32;

/// What becomes of columns whose type is still `unknown`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unknowns {
    /// They are text.
    Text,
    /// Whoever uses the query decides.
    Keep,
}

impl Binder<'_> {
    /// Binds a query.
    pub fn query(&mut self, query: &ast::Query, parent: Option<&Scope<'_>>, unknowns: Unknowns) -> Result<Query> {
        self.in_query(|binder| {
            let around = std::mem::take(&mut binder.locks);
            binder.locks = binder.lock_clauses(query)?;
            let mark = binder.open_with(query.with.as_ref(), parent)?;
            let bound = binder.query_here(query, parent, unknowns);
            let bound = binder.close_with(mark, bound);
            let clauses = std::mem::replace(&mut binder.locks, around);
            let mut bound = bound?;
            binder.mark_rows(&mut bound, query, &clauses)?;
            Ok(bound)
        })
    }

    /// Runs a step one query deeper.
    pub(super) fn in_query<T>(&mut self, step: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.queries >= MAX_QUERY_DEPTH {
            return Err(SqlError::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"));
        }
        self.queries += 1;
        let result = self.nested(step);
        self.queries -= 1;
        result
    }

    fn query_here(&mut self, query: &ast::Query, parent: Option<&Scope<'_>>, unknowns: Unknowns) -> Result<Query> {
        match query.body.as_ref() {
            SetExpr::Select(select) => {
                let bound = self.select(select, query.order_by.as_ref(), parent, unknowns)?;
                self.slice_and_locks(bound, query, parent)
            }
            other => {
                let bound = self.set_expr(other, parent, unknowns)?;
                self.after_body(bound, query, parent)
            }
        }
    }

    /// Order, slice and locks of a query that is not a plain SELECT.
    pub(super) fn after_body(
        &mut self,
        mut bound: Query,
        query: &ast::Query,
        parent: Option<&Scope<'_>>,
    ) -> Result<Query> {
        if let Some(order_by) = &query.order_by {
            // What is in parentheses keeps its own order and slice.
            if !bound.order.is_empty() || bound.limit.is_some() {
                bound = wrapped(bound);
            }
            self.order_by_output(&mut bound, order_by)?;
        }
        self.slice_and_locks(bound, query, parent)
    }

    fn slice_and_locks(&mut self, mut bound: Query, query: &ast::Query, parent: Option<&Scope<'_>>) -> Result<Query> {
        let ast::Query {
            with: _,
            body: _,
            order_by: _,
            limit_clause,
            fetch,
            locks: _,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
        } = query;
        if for_clause.is_some() || settings.is_some() || format_clause.is_some() || !pipe_operators.is_empty() {
            return Err(SqlError::unsupported("this clause after the query"));
        }
        if let Some(limit) = self.limit(limit_clause.as_ref(), fetch.as_ref(), parent)? {
            if bound.limit.is_some() {
                bound = wrapped(bound);
            }
            bound.limit = Some(limit);
        }
        Ok(bound)
    }

    pub(super) fn set_expr(&mut self, body: &SetExpr, parent: Option<&Scope<'_>>, unknowns: Unknowns) -> Result<Query> {
        match body {
            SetExpr::Select(select) => self.select(select, None, parent, unknowns),
            SetExpr::Query(query) => self.query(query, parent, unknowns),
            SetExpr::Values(values) => self.values(values, parent, unknowns),
            SetExpr::SetOperation { left, op, set_quantifier, right } => {
                self.nested(|binder| binder.set_operation((left, *op, *set_quantifier, right), parent))
            }
            SetExpr::Insert(ast::Statement::Insert(insert)) => self.insert(insert).map(changing),
            SetExpr::Update(ast::Statement::Update(update)) => self.update(update).map(changing),
            SetExpr::Delete(ast::Statement::Delete(delete)) => self.delete(delete).map(changing),
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                Err(SqlError::unsupported("a statement that changes rows inside a query"))
            }
            SetExpr::Table(_) => Err(SqlError::unsupported("TABLE")),
        }
    }

    fn values(&mut self, values: &ast::Values, parent: Option<&Scope<'_>>, unknowns: Unknowns) -> Result<Query> {
        let scope = Scope::inside(parent);
        scope.place.set(Place::Clause("VALUES"));
        let width = values.rows.first().map_or(0, |row| row.content.len());
        let mut columns: Vec<Vec<Expr>> = (0..width).map(|_| Vec::with_capacity(values.rows.len())).collect();
        for row in &values.rows {
            if row.content.len() != width {
                return Err(SqlError::new(SqlState::SYNTAX_ERROR, "VALUES lists must all be the same length"));
            }
            for (column, expr) in columns.iter_mut().zip(&row.content) {
                column.push(self.expr(expr, &scope)?);
            }
        }
        let mut output = Vec::with_capacity(width);
        let mut rows: Vec<Vec<Expr>> = values.rows.iter().map(|_| Vec::with_capacity(width)).collect();
        for (at, column) in columns.into_iter().enumerate() {
            let all_unknown = column.iter().all(|expr| expr.data_type() == DataType::Unknown);
            let (column, data_type) = if all_unknown && unknowns == Unknowns::Keep {
                (column, DataType::Unknown)
            } else {
                self.unify(column, "VALUES")?
            };
            output.push(OutputColumn {
                name: format!("column{}", at + 1),
                column_type: plain(data_type),
                origin: None,
            });
            for (row, expr) in rows.iter_mut().zip(column) {
                row.push(expr);
            }
        }
        Ok(Query::new(Body::Values(rows), output))
    }

    /// The query with its columns as values of other types.
    pub(super) fn coerce_columns(&mut self, mut query: Query, types: &[ColumnType]) -> Result<Query> {
        let fits = query.columns.iter().zip(types).all(|(column, to)| column.column_type.data_type == to.data_type);
        if fits {
            return Ok(query);
        }
        let in_place = query.order.is_empty()
            && query.limit.is_none()
            && match &query.body {
                Body::Select(select) => select.distinct == Distinct::No,
                Body::Values(_) => true,
                Body::Union { .. } | Body::SetOperation { .. } | Body::Recursive(_) | Body::Modify(_) => false,
            };
        if !in_place {
            query = wrapped(query);
        }
        for (column, to) in query.columns.iter_mut().zip(types) {
            column.column_type = *to;
            column.origin = None;
        }
        let rows: Vec<&mut Vec<Expr>> = match &mut query.body {
            Body::Select(select) => vec![&mut select.targets],
            Body::Values(rows) => rows.iter_mut().collect(),
            Body::Union { .. } | Body::SetOperation { .. } | Body::Recursive(_) | Body::Modify(_) => Vec::new(),
        };
        for row in rows {
            for (expr, to) in row.iter_mut().zip(types) {
                let taken = std::mem::replace(expr, Expr::Column(0, DataType::Unknown));
                *expr = self.coerce(taken, *to, CastContext::Implicit)?;
            }
        }
        Ok(query)
    }

    fn limit(
        &mut self,
        clause: Option<&LimitClause>,
        fetch: Option<&ast::Fetch>,
        parent: Option<&Scope<'_>>,
    ) -> Result<Option<RowLimit>> {
        let (mut limit, mut offset) = (None, None);
        match clause {
            None => {}
            Some(LimitClause::LimitOffset { limit: l, offset: o, limit_by }) => {
                if !limit_by.is_empty() {
                    return Err(SqlError::unsupported("LIMIT BY"));
                }
                limit = l.as_ref();
                offset = o.as_ref().map(|offset| &offset.value);
            }
            Some(LimitClause::OffsetCommaLimit { .. }) => {
                return Err(SqlError::new(SqlState::SYNTAX_ERROR, "LIMIT #,# syntax is not supported")
                    .with_hint("Use separate LIMIT and OFFSET clauses."));
            }
        }
        let one = ast::Expr::Value(ast::Value::Number("1".to_owned(), false).into());
        if let Some(ast::Fetch { with_ties, percent, quantity }) = fetch {
            if *with_ties || *percent || limit.is_some() {
                return Err(SqlError::unsupported("this FETCH clause"));
            }
            limit = Some(quantity.as_ref().unwrap_or(&one));
        }
        let scope = Scope::inside(parent);
        let mut bind = |expr: Option<&ast::Expr>, name: &'static str| -> Result<Option<Expr>> {
            let Some(expr) = expr else { return Ok(None) };
            scope.place.set(Place::Clause(name));
            let bound = self.expr(expr, &scope)?;
            self.coerce(bound, plain(DataType::Int8), CastContext::Assignment).map(Some)
        };
        let (limit, offset) = (bind(limit, "LIMIT")?, bind(offset, "OFFSET")?);
        Ok((limit.is_some() || offset.is_some()).then_some(RowLimit { limit, offset }))
    }
}

/// `SELECT * FROM (query)`.
fn wrapped(query: Query) -> Query {
    let columns = query.columns.clone();
    let targets =
        columns.iter().enumerate().map(|(at, column)| Expr::Column(at, column.column_type.data_type)).collect();
    let select = Select::new(Relation::Query { query: Box::new(query), name: "".into() }, targets);
    Query::new(Body::Select(Box::new(select)), columns)
}

/// What a statement that changes rows returns, as a query.
fn changing(modify: Modify) -> Query {
    let columns = modify.returning().map(|bound| bound.columns.clone()).unwrap_or_default();
    Query::new(Body::Modify(Box::new(modify)), columns)
}

/// Finds the columns of a statement's result that are counters, and adds the primary keys of their rows to the row, so
/// that the transaction can remember which value it returned for which row.
pub fn add_counter_keys(query: &mut Query) -> Vec<SeenCounter> {
    let visible = query.columns.len();
    let Body::Select(select) = &mut query.body else { return Vec::new() };
    if select.distinct != Distinct::No || select.grouping.is_some() {
        return Vec::new();
    }
    let mut tables = Vec::new();
    tables_of(&select.from, 0, &mut tables);
    let mut seen = Vec::new();
    for value_at in 0..visible {
        let Some(Expr::Column(index, _)) = select.targets.get(value_at) else { continue };
        let Some((first, table)) = tables.iter().rev().find(|(first, _)| first <= index) else { continue };
        let slot = index - first;
        if table.primary_key.is_empty() || !table.columns.get(slot).is_some_and(|column| column.is_counter()) {
            continue;
        }
        let mut key_at = Vec::with_capacity(table.primary_key.len());
        for key in &table.primary_key {
            let Some(column) = table.columns.get(*key) else { continue };
            key_at.push(select.targets.len());
            select.targets.push(Expr::Column(first + key, column.column_type.data_type));
        }
        seen.push(SeenCounter { table: Arc::clone(table), slot, value_at, key_at });
    }
    seen
}

/// The stored tables of a FROM clause with the position of their first column; other relations end the run.
fn tables_of(relation: &Relation, first: usize, out: &mut Vec<(usize, Arc<TableDef>)>) {
    match relation {
        Relation::Table { table, .. } => out.push((first, Arc::clone(table))),
        Relation::Join { left, right, .. } => {
            tables_of(left, first, out);
            tables_of(right, first + left.width(), out);
        }
        Relation::OneRow
        | Relation::System { .. }
        | Relation::Function { .. }
        | Relation::Query { .. }
        | Relation::Cte { .. }
        | Relation::WorkTable { .. } => {}
    }
}
