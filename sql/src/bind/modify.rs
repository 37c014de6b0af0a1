//! UPDATE, DELETE, RETURNING.

use std::sync::Arc;

use heliosdb_storage::catalog::{ColumnDef, TableDef};
use sqlparser::ast::{self, FromTable, TableFactor};

use super::Binder;
use super::from::find_target;
use super::names::{self, ident};
use super::scope::{Place, Scope};
use super::tree::{BoundReturning, Modify, OutputColumn, Target};
use crate::error::{Result, SqlError, SqlState};
use crate::expr::Expr;
use crate::plan::Returning;

impl Binder<'_> {
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
        if on_cluster.is_some() || output.is_some() || or.is_some() || settings.is_some() {
            return Err(SqlError::unsupported("this clause of UPDATE"));
        }
        if !order_by.is_empty() || limit.is_some() {
            return Err(SqlError::unsupported("ORDER BY or LIMIT in UPDATE"));
        }
        let from = match from {
            None => &[][..],
            Some(ast::UpdateTableFromKind::AfterSet(from)) => from,
            Some(ast::UpdateTableFromKind::BeforeSet(_)) => {
                return Err(SqlError::new(SqlState::SYNTAX_ERROR, "syntax error at or near \"FROM\""));
            }
        };
        let (mut target, scope) = self.target_rows(table, from)?;
        target.filter = self.where_clause(selection.as_ref(), &scope)?;
        let assignments = self.assignments(&target.table, assignments, &scope)?;
        let returning = self.returning(returning.as_deref(), &target.table, &scope)?;
        Ok(Modify::Update { target, assignments, returning })
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
        let (mut target, scope) = self.target_rows(from, using.as_deref().unwrap_or_default())?;
        target.filter = self.where_clause(selection.as_ref(), &scope)?;
        let returning = self.returning(returning.as_deref(), &target.table, &scope)?;
        Ok(Modify::Delete { target, returning })
    }

    /// The table to be changed and what is joined to it, and the scope of both.
    fn target_rows(
        &mut self,
        table: &ast::TableWithJoins,
        from: &[ast::TableWithJoins],
    ) -> Result<(Target, Scope<'static>)> {
        let (table, shown) = self.target_factor(table)?;
        let mut scope = Scope::of_table(&table, &shown);
        let from = if from.is_empty() {
            None
        } else {
            // The key of the table's row comes between.
            scope.width += 1;
            let (relation, joined) = self.bind_from(from, None)?;
            scope.append(joined)?;
            Some(relation)
        };
        Ok((Target { table, name: shown.into(), from, filter: Vec::new() }, scope))
    }

    pub(super) fn returning(
        &mut self,
        items: Option<&[ast::SelectItem]>,
        table: &TableDef,
        scope: &Scope<'_>,
    ) -> Result<Option<BoundReturning>> {
        let Some(items) = items else { return Ok(None) };
        scope.place.set(Place::Clause("RETURNING"));
        let mut columns = Vec::new();
        let mut exprs = Vec::new();
        let mut counters = Vec::new();
        for target in self.targets(items, scope)? {
            let expr = self.known(target.expr)?;
            if let Expr::Column(slot, _) = &expr
                && table.columns.get(*slot).is_some_and(ColumnDef::is_counter)
            {
                counters.push(*slot);
            }
            columns.push(OutputColumn {
                name: target.name,
                column_type: heliosdb_storage::value::ColumnType { data_type: expr.data_type(), typmod: target.typmod },
                origin: target.origin,
            });
            exprs.push(expr);
        }
        Ok(Some(BoundReturning { returning: Returning { exprs, counters }, columns }))
    }

    pub(super) fn where_clause(&mut self, selection: Option<&ast::Expr>, scope: &Scope<'_>) -> Result<Vec<Expr>> {
        let mut filter = Vec::new();
        if let Some(selection) = selection {
            scope.place.set(Place::Clause("WHERE"));
            self.bind_condition(selection, scope, "WHERE")?.into_conjuncts(&mut filter);
        }
        Ok(filter)
    }

    pub(super) fn target_table(&self, name: &ast::ObjectName) -> Result<Arc<TableDef>> {
        let span = name.0.first().and_then(|part| part.as_ident()).map(|ident| ident.span);
        find_target(self.catalog, &self.path, &names::qualified(name)?).map_err(|error| match span {
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
