//! INSERT.

use heliosdb_storage::catalog::{ColumnDef, Identity, TableDef};
use heliosdb_storage::value::DataType;
use sqlparser::ast::{self, InsertOverriding, SetExpr, TableObject};

use super::Binder;
use super::assign::is_default;
use super::names::ident;
use super::query::Unknowns;
use super::scope::{Place, Scope};
use super::tree::{Body, Modify, OutputColumn, Query, plain};
use crate::error::{Result, SqlError, SqlState};
use crate::expr::Expr;

impl Binder<'_> {
    /// Binds an INSERT.
    pub fn insert(&mut self, insert: &ast::Insert) -> Result<Modify> {
        refuse_foreign_insert(insert)?;
        let TableObject::TableName(name) = &insert.table else {
            return Err(SqlError::unsupported("INSERT into anything but a table"));
        };
        let table = self.target_table(name)?;
        let slots = self.insert_columns(&table, &insert.columns)?;
        let explicit = !insert.columns.is_empty();
        let (input, given) = match insert.source.as_deref() {
            None => (one_row(), Vec::new()),
            Some(query) => match plain_values(query) {
                Some(values) => self.insert_values(&table, &slots, (explicit, insert.overriding), values)?,
                None => self.insert_query(&table, &slots, (explicit, insert.overriding), query)?,
            },
        };
        let mut values = Vec::with_capacity(table.columns.len());
        for (slot, column) in table.columns.iter().enumerate() {
            values.push(match given.iter().position(|known| *known == slot) {
                Some(at) => Expr::Column(at, column.column_type.data_type),
                None => self.default_of(column)?,
            });
        }
        let shown = insert.table_alias.as_ref().map_or_else(|| table.name.clone(), |alias| ident(&alias.alias));
        let conflict = match &insert.on {
            None => None,
            Some(on) => Some(self.on_conflict(on, &table, &shown)?),
        };
        let scope = Scope::of_table(&table, &shown);
        let returning = self.returning(insert.returning.as_deref(), &table, &scope)?;
        Ok(Modify::Insert { table, input: Box::new(input), values, conflict, returning })
    }

    fn insert_columns(&self, table: &TableDef, columns: &[ast::ObjectName]) -> Result<Vec<usize>> {
        if columns.is_empty() {
            return Ok((0..table.columns.len()).collect());
        }
        let mut slots = Vec::with_capacity(columns.len());
        for column in columns {
            let (slot, subscripts) = self.target_column(table, column)?;
            if !subscripts.is_empty() {
                return Err(SqlError::unsupported("INSERT into an element of an array"));
            }
            if slots.contains(&slot) {
                let name = table.columns.get(slot).map(|column| column.name.as_str()).unwrap_or_default();
                return Err(SqlError::new(
                    SqlState::DUPLICATE_COLUMN,
                    format!("column \"{name}\" specified more than once"),
                ));
            }
            slots.push(slot);
        }
        Ok(slots)
    }

    /// VALUES of an INSERT: every value has its column's type from the start, and DEFAULT may stand for one.
    fn insert_values(
        &mut self,
        table: &TableDef,
        slots: &[usize],
        (explicit, overriding): (bool, Option<InsertOverriding>),
        values: &ast::Values,
    ) -> Result<(Query, Vec<usize>)> {
        let scope = Scope::default();
        scope.place.set(Place::Clause("VALUES"));
        let width = values.rows.first().map_or(0, |row| row.content.len());
        check_width(width, slots.len(), explicit)?;
        let slots = slots.get(..width).unwrap_or(slots);
        let mut rows = Vec::with_capacity(values.rows.len());
        for row in &values.rows {
            if row.content.len() != width {
                return Err(SqlError::new(SqlState::SYNTAX_ERROR, "VALUES lists must all be the same length"));
            }
            let mut bound = Vec::with_capacity(width);
            for (slot, value) in slots.iter().zip(&row.content) {
                let column = table.columns.get(*slot).expect("BUG: the slot was looked up by name");
                if overriding == Some(InsertOverriding::User) && column.identity.is_some() {
                    bound.push(self.default_of(column)?);
                    continue;
                }
                bound.push(if is_default(value) {
                    self.default_of(column)?
                } else {
                    check_identity(column, overriding)?;
                    let expr = self.expr(value, &scope)?;
                    self.assign(expr, &column.name, column.column_type)?
                });
            }
            rows.push(bound);
        }
        let query = Query::new(Body::Values(rows), Vec::new());
        Ok((query, slots.to_vec()))
    }

    fn insert_query(
        &mut self,
        table: &TableDef,
        slots: &[usize],
        (explicit, overriding): (bool, Option<InsertOverriding>),
        query: &ast::Query,
    ) -> Result<(Query, Vec<usize>)> {
        let query = self.query(query, None, Unknowns::Keep)?;
        check_width(query.columns.len(), slots.len(), explicit)?;
        let slots = slots.get(..query.columns.len()).unwrap_or(slots);
        let mut values = Vec::with_capacity(slots.len());
        let mut known = Vec::with_capacity(slots.len());
        for (at, (output, slot)) in query.columns.iter().zip(slots).enumerate() {
            let column = table.columns.get(*slot).expect("BUG: the slot was looked up by name");
            let from = output.column_type.data_type;
            known.push(plain(if from == DataType::Unknown { column.column_type.data_type } else { from }));
            let from = known.last().map_or(from, |known| known.data_type);
            if overriding == Some(InsertOverriding::User) && column.identity.is_some() {
                values.push(self.default_of(column)?);
                continue;
            }
            check_identity(column, overriding)?;
            values.push(self.assign(Expr::Column(at, from), &column.name, column.column_type)?);
        }
        let query = self.coerce_columns(query, &known)?;
        // The assignment casts go above the query, because its own order and slice are over its own values.
        let columns = slots
            .iter()
            .filter_map(|slot| table.columns.get(*slot))
            .map(|column| OutputColumn { name: column.name.clone(), column_type: column.column_type, origin: None })
            .collect();
        let from = super::tree::Relation::Query { query: Box::new(query), name: "".into() };
        let select = super::tree::Select::new(from, values);
        let query = Query::new(Body::Select(Box::new(select)), columns);
        Ok((query, slots.to_vec()))
    }
}

fn one_row() -> Query {
    Query::new(Body::Values(vec![Vec::new()]), Vec::new())
}

/// The VALUES that a query is, if it is nothing else.
fn plain_values(query: &ast::Query) -> Option<&ast::Values> {
    let SetExpr::Values(values) = query.body.as_ref() else { return None };
    let is_plain = query.with.is_none()
        && query.order_by.is_none()
        && query.limit_clause.is_none()
        && query.fetch.is_none()
        && query.locks.is_empty()
        && query.for_clause.is_none()
        && query.settings.is_none()
        && query.format_clause.is_none()
        && query.pipe_operators.is_empty();
    is_plain.then_some(values)
}

/// Whether a value may be given for a column.
fn check_identity(column: &ColumnDef, overriding: Option<InsertOverriding>) -> Result<()> {
    if column.generated.is_some() {
        return Err(SqlError::new(
            SqlState::GENERATED_ALWAYS,
            format!("cannot insert a non-DEFAULT value into column \"{}\"", column.name),
        )
        .with_detail(format!("Column \"{}\" is a generated column.", column.name)));
    }
    if column.identity != Some(Identity::Always) || overriding == Some(InsertOverriding::System) {
        return Ok(());
    }
    Err(SqlError::new(
        SqlState::GENERATED_ALWAYS,
        format!("cannot insert a non-DEFAULT value into column \"{}\"", column.name),
    )
    .with_detail(format!("Column \"{}\" is an identity column defined as GENERATED ALWAYS.", column.name))
    .with_hint("Use OVERRIDING SYSTEM VALUE to override."))
}

fn check_width(given: usize, targets: usize, explicit: bool) -> Result<()> {
    if given > targets {
        return Err(SqlError::new(SqlState::SYNTAX_ERROR, "INSERT has more expressions than target columns"));
    }
    if explicit && given < targets {
        return Err(SqlError::new(SqlState::SYNTAX_ERROR, "INSERT has more target columns than expressions"));
    }
    Ok(())
}

fn refuse_foreign_insert(insert: &ast::Insert) -> Result<()> {
    let ast::Insert {
        insert_token: _,
        optimizer_hints: _,
        or,
        ignore,
        into,
        table: _,
        table_alias: _,
        columns: _,
        by_name,
        overwrite,
        source: _,
        assignments,
        partitioned,
        after_columns,
        overriding: _,
        has_table_keyword,
        on: _,
        returning: _,
        output,
        replace_into,
        priority,
        insert_alias,
        settings,
        format_clause,
        multi_table_insert_type,
        multi_table_into_clauses,
        multi_table_when_clauses,
        multi_table_else_clause,
    } = insert;
    let foreign = or.is_some()
        || *ignore
        || !*into
        || *by_name
        || *overwrite
        || !assignments.is_empty()
        || partitioned.is_some()
        || !after_columns.is_empty()
        || *has_table_keyword
        || output.is_some()
        || *replace_into
        || priority.is_some()
        || insert_alias.is_some()
        || settings.is_some()
        || format_clause.is_some()
        || multi_table_insert_type.is_some()
        || !multi_table_into_clauses.is_empty()
        || !multi_table_when_clauses.is_empty()
        || multi_table_else_clause.is_some();
    if foreign { Err(SqlError::unsupported("this form of INSERT")) } else { Ok(()) }
}
