//! ON CONFLICT: which unique keys are meant, and what is done about a row in the way.

use std::sync::Arc;

use heliosdb_storage::catalog::TableDef;
use heliosdb_storage::transaction::Arbiter;
use sqlparser::ast::{self, ConflictTarget, OnConflictAction};

use super::Binder;
use super::names::{self, ident};
use super::scope::Scope;
use crate::error::{Result, SqlError, SqlState};
use crate::expr::Expr;
use crate::plan::{DoUpdate, OnConflict};

impl Binder<'_> {
    /// Binds ON CONFLICT of an INSERT into a table that goes by a name.
    pub(super) fn on_conflict(&mut self, on: &ast::OnInsert, table: &Arc<TableDef>, shown: &str) -> Result<OnConflict> {
        let ast::OnInsert::OnConflict(ast::OnConflict { conflict_target, action }) = on else {
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, "syntax error at or near \"DUPLICATE\""));
        };
        if conflict_target.is_none() && matches!(action, OnConflictAction::DoUpdate(_)) {
            return Err(SqlError::new(
                SqlState::SYNTAX_ERROR,
                "ON CONFLICT DO UPDATE requires inference specification or constraint name",
            )
            .with_hint("For example, ON CONFLICT (column_name)."));
        }
        let arbiters = match conflict_target {
            None => every_unique_key(table),
            Some(ConflictTarget::OnConstraint(name)) => vec![constraint(table, &names::single(name)?)?],
            Some(ConflictTarget::Columns { columns, predicate }) => {
                self.inferred(table, columns, predicate.as_ref())?
            }
        };
        let is_deferrable = |arbiter: &Arbiter| match arbiter {
            Arbiter::PrimaryKey => false,
            Arbiter::Index(id) => table.indexes.iter().any(|index| index.id == *id && index.deferral.is_deferrable()),
        };
        if arbiters.iter().any(is_deferrable) {
            return Err(SqlError::new(
                SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                "ON CONFLICT does not support deferrable unique constraints/exclusion constraints as arbiters",
            ));
        }
        let update = match action {
            OnConflictAction::DoNothing => None,
            OnConflictAction::DoUpdate(update) => Some(self.do_update(update, table, shown)?),
        };
        Ok(OnConflict { arbiters, update })
    }

    /// The unique keys over just these columns.
    fn inferred(
        &mut self,
        table: &Arc<TableDef>,
        columns: &[ast::Ident],
        predicate: Option<&ast::Expr>,
    ) -> Result<Vec<Arbiter>> {
        let scope = Scope::of_table(table, &table.name);
        let mut slots = Vec::with_capacity(columns.len());
        for column in columns {
            let found = scope.column(&ident(column)).map_err(|error| self.at(column.span, error))?;
            if let Expr::Column(slot, _) = found.expr
                && !slots.contains(&slot)
            {
                slots.push(slot);
            }
        }
        if let Some(predicate) = predicate {
            // It picks partial indexes; others fit whatever it says.
            self.bind_condition(predicate, &scope, "WHERE")?;
        }
        let fits =
            |key: &[usize]| key.iter().all(|slot| slots.contains(slot)) && slots.iter().all(|slot| key.contains(slot));
        let mut arbiters = Vec::new();
        if !table.primary_key.is_empty() && fits(&table.primary_key) {
            arbiters.push(Arbiter::PrimaryKey);
        }
        let indexes = table.indexes.iter().filter(|index| {
            index.unique && index.predicate.is_none() && index.column_slots().is_some_and(|slots| fits(&slots))
        });
        arbiters.extend(indexes.map(|index| Arbiter::Index(index.id)));
        if arbiters.is_empty() {
            return Err(SqlError::new(
                SqlState::INVALID_COLUMN_REFERENCE,
                "there is no unique or exclusion constraint matching the ON CONFLICT specification",
            ));
        }
        Ok(arbiters)
    }

    /// DO UPDATE sees the row in the way under the table's name, and the row that was to be inserted as `excluded`.
    fn do_update(&mut self, update: &ast::DoUpdate, table: &Arc<TableDef>, shown: &str) -> Result<DoUpdate> {
        let mut scope = Scope::of_table(table, shown);
        scope.add_table(table, "excluded");
        let assignments = self.assignments(table, &update.assignments, &scope)?;
        let filter = Expr::all_of(self.where_clause(update.selection.as_ref(), &scope)?);
        Ok(DoUpdate { assignments, filter })
    }
}

fn every_unique_key(table: &TableDef) -> Vec<Arbiter> {
    let primary = (!table.primary_key.is_empty()).then_some(Arbiter::PrimaryKey);
    let indexes = table.indexes.iter().filter(|index| index.unique).map(|index| Arbiter::Index(index.id));
    primary.into_iter().chain(indexes).collect()
}

/// ON CONSTRAINT
fn constraint(table: &TableDef, name: &str) -> Result<Arbiter> {
    if table.primary_key_name.as_deref() == Some(name) {
        return Ok(Arbiter::PrimaryKey);
    }
    if let Some(index) = table.indexes.iter().find(|index| index.is_constraint && index.name == name) {
        return Ok(Arbiter::Index(index.id));
    }
    let has_no_index = table.checks.iter().any(|check| check.name == name)
        || table.foreign_keys.iter().any(|foreign| foreign.name == name);
    Err(if has_no_index {
        SqlError::new(SqlState::WRONG_OBJECT_TYPE, "constraint in ON CONFLICT clause has no associated index")
    } else {
        SqlError::new(
            SqlState::UNDEFINED_OBJECT,
            format!("constraint \"{name}\" for table \"{}\" does not exist", table.name),
        )
    })
}
