//! INSERT, UPDATE, DELETE.

use std::sync::Arc;

use heliosdb_storage::catalog::{ColumnDef, TableDef};
use heliosdb_storage::value::{DataType, Value};
use sqlparser::ast::{self, AssignmentTarget, FromTable, SetExpr, TableFactor, TableObject};

use super::Binder;
use super::from::find_target;
use super::names::{self, ident};
use super::query::Unknowns;
use super::scope::{Place, Scope};
use super::tree::{Body, BoundReturning, Modify, OutputColumn, Query, plain};
use crate::error::{Result, SqlError, SqlState};
use crate::expr::Expr;
use crate::plan::{Returning, SetColumn};

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
                Some(values) => self.insert_values(&table, &slots, explicit, values)?,
                None => self.insert_query(&table, &slots, explicit, query)?,
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
        let returning = self.returning(insert.returning.as_deref(), &table, &shown)?;
        Ok(Modify::Insert { table, input, values, returning })
    }

    /// Binds an UPDATE.
    pub fn update(&mut self, update: &ast::Update) -> Result<Modify> {
        let ast::Update {
            update_token: _,
            optimizer_hints: _,
            table,
            on_cluster,
            assignments,
            from,
            selection,
            returning,
            output,
            or,
            order_by,
            limit,
            settings,
        } = update;
        if from.is_some() {
            return Err(SqlError::unsupported("UPDATE … FROM").with_hint("Use a subquery in WHERE or SET."));
        }
        if on_cluster.is_some() || output.is_some() || or.is_some() || settings.is_some() {
            return Err(SqlError::unsupported("this clause of UPDATE"));
        }
        if !order_by.is_empty() || limit.is_some() {
            return Err(SqlError::unsupported("ORDER BY or LIMIT in UPDATE"));
        }
        let (table, shown) = self.target_factor(table)?;
        let scope = Scope::of_table(&table, &shown);
        let filter = self.where_clause(selection.as_ref(), &scope)?;
        scope.place.set(Place::Clause("UPDATE"));
        let mut set: Vec<SetColumn> = Vec::with_capacity(assignments.len());
        for (target, value) in assignments.iter().map(single_assignments).collect::<Result<Vec<_>>>()?.concat() {
            let column = column_named(&table, target)?;
            if set.iter().any(|known| known.slot == column) {
                return Err(SqlError::new(
                    SqlState::SYNTAX_ERROR,
                    format!("multiple assignments to same column \"{}\"", names::single(target)?),
                ));
            }
            let definition = table.columns.get(column).expect("BUG: the slot was looked up by name");
            let value = if is_default(value) {
                self.default_of(definition)?
            } else {
                let bound = self.expr(value, &scope)?;
                self.assign(bound, &definition.name, definition.column_type)?
            };
            let mut reads_itself = false;
            value.for_each_column(&mut |index| reads_itself |= index == column);
            set.push(SetColumn { slot: column, value, reads_itself });
        }
        let returning = self.returning(returning.as_deref(), &table, &shown)?;
        Ok(Modify::Update { table, filter, set, returning })
    }

    /// Binds a DELETE.
    pub fn delete(&mut self, delete: &ast::Delete) -> Result<Modify> {
        let ast::Delete {
            delete_token: _,
            optimizer_hints: _,
            tables,
            from,
            on_cluster,
            using,
            selection,
            returning,
            output,
            order_by,
            limit,
            settings,
        } = delete;
        if using.is_some() {
            return Err(SqlError::unsupported("DELETE … USING").with_hint("Use a subquery in WHERE."));
        }
        if !tables.is_empty() || on_cluster.is_some() || output.is_some() || settings.is_some() {
            return Err(SqlError::unsupported("this clause of DELETE"));
        }
        if !order_by.is_empty() || limit.is_some() {
            return Err(SqlError::unsupported("ORDER BY or LIMIT in DELETE"));
        }
        let FromTable::WithFromKeyword(from) = from else {
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, "DELETE needs FROM"));
        };
        let [from] = from.as_slice() else {
            return Err(SqlError::unsupported("DELETE from several tables"));
        };
        let (table, shown) = self.target_factor(from)?;
        let scope = Scope::of_table(&table, &shown);
        let filter = self.where_clause(selection.as_ref(), &scope)?;
        let returning = self.returning(returning.as_deref(), &table, &shown)?;
        Ok(Modify::Delete { table, filter, returning })
    }

    /// The DEFAULT of a column, NULL if it has none.
    pub fn default_of(&mut self, column: &ColumnDef) -> Result<Expr> {
        let Some(text) = &column.default else {
            return Ok(Expr::Literal(Value::Null, column.column_type.data_type));
        };
        let parsed = crate::parse::parse_expression(text)?;
        // The text is not the statement's, so that errors in it have no position; it has no parameters either.
        let mut binder = Binder::new(self.catalog, self.time, "", &[]);
        binder.default_expression(&parsed, column)
    }

    /// A DEFAULT expression for a column: no columns, no subqueries, no aggregates.
    pub fn default_expression(&mut self, expr: &ast::Expr, column: &ColumnDef) -> Result<Expr> {
        let scope = Scope::default();
        scope.place.set(Place::Clause("DEFAULT expressions"));
        let bound = self.expr(expr, &scope).map_err(|error| {
            if error.state == SqlState::UNDEFINED_COLUMN {
                return SqlError::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    "cannot use column reference in DEFAULT expression",
                );
            }
            error
        })?;
        if bound.has_subquery() {
            return Err(SqlError::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "cannot use subquery in DEFAULT expression",
            ));
        }
        let from = bound.data_type();
        self.assign(bound, &column.name, column.column_type).map_err(|error| {
            if error.state != SqlState::DATATYPE_MISMATCH {
                return error;
            }
            SqlError::new(
                SqlState::DATATYPE_MISMATCH,
                format!(
                    "column \"{}\" is of type {} but default expression is of type {}",
                    column.name,
                    crate::types::name(column.column_type.data_type, -1),
                    crate::types::name(from, -1)
                ),
            )
            .with_hint("You will need to rewrite or cast the expression.")
        })
    }

    fn insert_columns(&self, table: &TableDef, columns: &[ast::ObjectName]) -> Result<Vec<usize>> {
        if columns.is_empty() {
            return Ok((0..table.columns.len()).collect());
        }
        let mut slots = Vec::with_capacity(columns.len());
        for column in columns {
            let slot = column_named(table, column)?;
            if slots.contains(&slot) {
                return Err(SqlError::new(
                    SqlState::DUPLICATE_COLUMN,
                    format!("column \"{}\" specified more than once", names::single(column)?),
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
        explicit: bool,
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
                bound.push(if is_default(value) {
                    self.default_of(column)?
                } else {
                    let expr = self.expr(value, &scope)?;
                    self.assign(expr, &column.name, column.column_type)?
                });
            }
            rows.push(bound);
        }
        let query = Query { body: Body::Values(rows), order: Vec::new(), limit: None, columns: Vec::new() };
        Ok((query, slots.to_vec()))
    }

    fn insert_query(
        &mut self,
        table: &TableDef,
        slots: &[usize],
        explicit: bool,
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
            values.push(self.assign(Expr::Column(at, from), &column.name, column.column_type)?);
        }
        let query = self.coerce_columns(query, &known)?;
        // The assignment casts go above the query, because its own order and slice are over its own values.
        let columns = slots
            .iter()
            .filter_map(|slot| table.columns.get(*slot))
            .map(|column| OutputColumn {
                name: column.name.clone(),
                column_type: column.column_type,
                origin: None,
            })
            .collect();
        let select = super::tree::Select {
            from: super::tree::Relation::Query(Box::new(query)),
            filter: Vec::new(),
            grouping: None,
            having: Vec::new(),
            targets: values,
            distinct: false,
        };
        let query = Query { body: Body::Select(Box::new(select)), order: Vec::new(), limit: None, columns };
        Ok((query, slots.to_vec()))
    }

    fn returning(
        &mut self,
        items: Option<&[ast::SelectItem]>,
        table: &Arc<TableDef>,
        shown: &str,
    ) -> Result<Option<BoundReturning>> {
        let Some(items) = items else { return Ok(None) };
        let scope = Scope::of_table(table, shown);
        scope.place.set(Place::Clause("RETURNING"));
        let mut columns = Vec::new();
        let mut exprs = Vec::new();
        let mut counters = Vec::new();
        for target in self.targets(items, &scope)? {
            let expr = self.known(target.expr)?;
            if let Expr::Column(slot, _) = &expr
                && table.columns.get(*slot).is_some_and(ColumnDef::is_counter)
            {
                counters.push(*slot);
            }
            columns.push(OutputColumn {
                name: target.name,
                column_type: heliosdb_storage::value::ColumnType {
                    data_type: expr.data_type(),
                    typmod: target.typmod,
                },
                origin: target.origin,
            });
            exprs.push(expr);
        }
        Ok(Some(BoundReturning { returning: Returning { exprs, counters }, columns }))
    }

    fn where_clause(&mut self, selection: Option<&ast::Expr>, scope: &Scope<'_>) -> Result<Vec<Expr>> {
        let mut filter = Vec::new();
        if let Some(selection) = selection {
            scope.place.set(Place::Clause("WHERE"));
            self.bind_condition(selection, scope, "WHERE")?.into_conjuncts(&mut filter);
        }
        Ok(filter)
    }

    fn target_table(&self, name: &ast::ObjectName) -> Result<Arc<TableDef>> {
        let span = name.0.first().and_then(|part| part.as_ident()).map(|ident| ident.span);
        find_target(self.catalog, &names::qualified(name)?).map_err(|error| match span {
            Some(span) => self.at(span, error),
            None => error,
        })
    }

    /// The table that UPDATE and DELETE name, and the name it goes by.
    fn target_factor(&self, table: &ast::TableWithJoins) -> Result<(Arc<TableDef>, String)> {
        let TableFactor::Table { name, alias, args: None, .. } = &table.relation else {
            return Err(SqlError::unsupported("this target"));
        };
        if !table.joins.is_empty() {
            return Err(SqlError::unsupported("a join as the target"));
        }
        if alias.as_ref().is_some_and(|alias| !alias.columns.is_empty()) {
            return Err(SqlError::unsupported("column aliases of the target"));
        }
        let plain = name.to_string();
        let shown = alias.as_ref().map(|alias| ident(&alias.name));
        let written = table.relation.to_string();
        let expected = match alias {
            None => plain,
            Some(alias) => format!("{plain} {alias}"),
        };
        if written != expected {
            return Err(SqlError::unsupported(format!("the target {written}")));
        }
        let table = self.target_table(name)?;
        let shown = shown.unwrap_or_else(|| table.name.clone());
        Ok((table, shown))
    }
}

fn one_row() -> Query {
    Query { body: Body::Values(vec![Vec::new()]), order: Vec::new(), limit: None, columns: Vec::new() }
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

fn check_width(given: usize, targets: usize, explicit: bool) -> Result<()> {
    if given > targets {
        return Err(SqlError::new(SqlState::SYNTAX_ERROR, "INSERT has more expressions than target columns"));
    }
    if explicit && given < targets {
        return Err(SqlError::new(SqlState::SYNTAX_ERROR, "INSERT has more target columns than expressions"));
    }
    Ok(())
}

fn column_named(table: &TableDef, name: &ast::ObjectName) -> Result<usize> {
    let name = names::single(name)?;
    table.slot(&name).ok_or_else(|| {
        SqlError::new(
            SqlState::UNDEFINED_COLUMN,
            format!("column \"{name}\" of relation \"{}\" does not exist", table.name),
        )
    })
}

fn is_default(expr: &ast::Expr) -> bool {
    matches!(expr, ast::Expr::Identifier(name) if name.quote_style.is_none() && name.value.eq_ignore_ascii_case("default"))
}

fn single_assignments(assignment: &ast::Assignment) -> Result<Vec<(&ast::ObjectName, &ast::Expr)>> {
    match (&assignment.target, &assignment.value) {
        (AssignmentTarget::ColumnName(name), value) => Ok(vec![(name, value)]),
        (AssignmentTarget::Tuple(targets), ast::Expr::Tuple(values)) => {
            if targets.len() != values.len() {
                return Err(SqlError::new(
                    SqlState::SYNTAX_ERROR,
                    "number of columns does not match number of values",
                ));
            }
            Ok(targets.iter().zip(values).collect())
        }
        (AssignmentTarget::Tuple(_), _) => Err(SqlError::unsupported("SET (…) = anything but a list of values")),
    }
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
        overriding,
        has_table_keyword,
        on,
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
    if on.is_some() {
        return Err(SqlError::unsupported("ON CONFLICT"));
    }
    if overriding.is_some() {
        return Err(SqlError::unsupported("OVERRIDING"));
    }
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
