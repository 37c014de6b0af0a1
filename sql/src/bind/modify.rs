//! UPDATE, DELETE, RETURNING.

use std::sync::Arc;

use heliosdb_storage::catalog::{ColumnDef, TableDef};
use sqlparser::ast::{self, FromTable, TableFactor};

use super::Binder;
use super::from::find_target;
use super::names::{self, ident};
use super::scope::{Place, Scope};
use super::tree::{BoundReturning, Modify, OutputColumn};
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
        let assignments = self.assignments(&table, assignments, &scope)?;
        let returning = self.returning(returning.as_deref(), &table, &shown)?;
        Ok(Modify::Update { table, filter, assignments, returning })
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

    pub(super) fn returning(
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
