//! Queries: SELECT, VALUES, UNION, and what comes after them.

use std::sync::Arc;

use heliosdb_storage::catalog::TableDef;
use heliosdb_storage::transaction::RowLock;
use heliosdb_storage::value::{ColumnType, DataType};
use sqlparser::ast::{self, LimitClause, SetExpr, SetOperator, SetQuantifier};

use super::Binder;
use super::scope::{Place, Scope};
use super::tree::{Body, OutputColumn, Query, Relation, Select, plain};
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
        if self.queries >= MAX_QUERY_DEPTH {
            return Err(SqlError::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"));
        }
        self.queries += 1;
        let bound = self.nested(|binder| binder.query_here(query, parent, unknowns));
        self.queries -= 1;
        bound
    }

    fn query_here(&mut self, query: &ast::Query, parent: Option<&Scope<'_>>, unknowns: Unknowns) -> Result<Query> {
        let ast::Query {
            with,
            body,
            order_by,
            limit_clause,
            fetch,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
        } = query;
        if with.is_some() {
            return Err(SqlError::unsupported("WITH"));
        }
        if for_clause.is_some() || settings.is_some() || format_clause.is_some() || !pipe_operators.is_empty() {
            return Err(SqlError::unsupported("this clause after the query"));
        }
        let mut bound = match body.as_ref() {
            SetExpr::Select(select) => self.select(select, order_by.as_ref(), parent, unknowns)?,
            other => {
                let mut bound = self.set_expr(other, parent, unknowns)?;
                if let Some(order_by) = order_by {
                    // What is in parentheses keeps its own order and slice.
                    if !bound.order.is_empty() || bound.limit.is_some() {
                        bound = wrapped(bound);
                    }
                    self.order_by_output(&mut bound, order_by)?;
                }
                bound
            }
        };
        if let Some(limit) = self.limit(limit_clause.as_ref(), fetch.as_ref(), parent)? {
            if bound.limit.is_some() {
                bound = wrapped(bound);
            }
            bound.limit = Some(limit);
        }
        for lock in locks {
            lock_rows(&mut bound, lock)?;
        }
        Ok(bound)
    }

    fn set_expr(&mut self, body: &SetExpr, parent: Option<&Scope<'_>>, unknowns: Unknowns) -> Result<Query> {
        match body {
            SetExpr::Select(select) => self.select(select, None, parent, unknowns),
            SetExpr::Query(query) => self.query(query, parent, unknowns),
            SetExpr::Values(values) => self.values(values, parent, unknowns),
            SetExpr::SetOperation { left, op, set_quantifier, right } => {
                self.nested(|binder| binder.set_operation(left, *op, *set_quantifier, right, parent))
            }
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                Err(SqlError::unsupported("a statement that changes rows inside a query"))
            }
            SetExpr::Table(_) => Err(SqlError::unsupported("TABLE")),
        }
    }

    fn set_operation(
        &mut self,
        left: &SetExpr,
        op: SetOperator,
        quantifier: SetQuantifier,
        right: &SetExpr,
        parent: Option<&Scope<'_>>,
    ) -> Result<Query> {
        let all = match quantifier {
            SetQuantifier::All => true,
            SetQuantifier::Distinct | SetQuantifier::None => false,
            other => return Err(SqlError::unsupported(format!("{op} {other}"))),
        };
        if op != SetOperator::Union {
            return Err(SqlError::unsupported(op.to_string()));
        }
        let left = self.set_expr(left, parent, Unknowns::Keep)?;
        let right = self.set_expr(right, parent, Unknowns::Keep)?;
        if left.columns.len() != right.columns.len() {
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, "each UNION query must have the same number of columns"));
        }
        let mut types = Vec::with_capacity(left.columns.len());
        for (a, b) in left.columns.iter().zip(&right.columns) {
            let data_type = self.common_type([a.column_type.data_type, b.column_type.data_type], "UNION")?;
            let typmod = if a.column_type == b.column_type { a.column_type.typmod } else { -1 };
            types.push(ColumnType { data_type, typmod });
        }
        let columns = left
            .columns
            .iter()
            .zip(&types)
            .map(|(column, column_type)| OutputColumn {
                name: column.name.clone(),
                column_type: *column_type,
                origin: None,
            })
            .collect();
        let inputs = vec![self.coerce_columns(left, &types)?, self.coerce_columns(right, &types)?];
        Ok(Query { body: Body::Union { inputs, all }, order: Vec::new(), limit: None, columns })
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
        Ok(Query { body: Body::Values(rows), order: Vec::new(), limit: None, columns: output })
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
                Body::Select(select) => !select.distinct,
                Body::Values(_) => true,
                Body::Union { .. } => false,
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
            Body::Union { .. } => Vec::new(),
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
    let select = Select {
        from: Relation::Query { query: Box::new(query), name: "".into() },
        filter: Vec::new(),
        grouping: None,
        having: Vec::new(),
        targets,
        distinct: false,
    };
    Query { body: Body::Select(Box::new(select)), order: Vec::new(), limit: None, columns }
}

fn lock_rows(query: &mut Query, clause: &ast::LockClause) -> Result<()> {
    let ast::LockClause { lock_type, of, nonblock } = clause;
    let (name, mode) = match lock_type {
        ast::LockType::Share => ("FOR SHARE", RowLock::Share),
        ast::LockType::Update => ("FOR UPDATE", RowLock::Update),
    };
    if let Some(nonblock) = nonblock {
        return Err(SqlError::unsupported(format!("{name} {nonblock}")));
    }
    if of.is_some() {
        return Err(SqlError::unsupported(format!("{name} OF")));
    }
    let not_allowed =
        |with: &str| SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, format!("{name} is not allowed with {with}"));
    match &mut query.body {
        Body::Select(select) => {
            if select.distinct {
                return Err(not_allowed("DISTINCT clause"));
            }
            if select.grouping.is_some() {
                return Err(not_allowed("GROUP BY clause or aggregate functions"));
            }
            match &mut select.from {
                Relation::Table { lock, .. } => {
                    *lock = Some(lock.map_or(mode, |known| known.max(mode)));
                    Ok(())
                }
                Relation::OneRow => Ok(()),
                _ => Err(SqlError::unsupported(format!("{name} over anything but one table"))),
            }
        }
        Body::Union { .. } => Err(not_allowed("UNION/INTERSECT/EXCEPT")),
        Body::Values(_) => {
            Err(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, format!("{name} cannot be applied to VALUES")))
        }
    }
}

/// Whether rows are locked anywhere in a query, which only its outermost SELECT may do.
pub fn locks_rows(query: &Query) -> bool {
    match &query.body {
        Body::Select(select) => matches!(select.from, Relation::Table { lock: Some(_), .. }),
        Body::Values(_) | Body::Union { .. } => false,
    }
}

/// Finds the columns of a statement's result that are counters, and adds the primary keys of their rows to the row, so
/// that the transaction can remember which value it returned for which row.
pub fn add_counter_keys(query: &mut Query) -> Vec<SeenCounter> {
    let visible = query.columns.len();
    let Body::Select(select) = &mut query.body else { return Vec::new() };
    if select.distinct || select.grouping.is_some() {
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
        Relation::OneRow | Relation::System { .. } | Relation::Function { .. } | Relation::Query { .. } => {}
    }
}
