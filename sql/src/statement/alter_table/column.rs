//! ADD COLUMN, DROP COLUMN; defaults, NOT NULL and generation expressions of columns that are there.

use std::sync::Arc;

use heliosdb_storage::catalog::{ColumnDef, NewColumn, TableDef};
use heliosdb_storage::value::Value;

use super::super::create_table::draft::{SYSTEM_COLUMNS, default, generated, plain_column, takes_numbers};
use super::super::create_table::numbered::{self, Numbered};
use super::{Alteration, Step, no_such_column, pass_of_constraint, refuse_on_synced};
use crate::dependency::{ObjectAddress, drop_objects};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::eval;
use crate::expr::Expr;
use crate::functions::Volatility;
use crate::parse::table::{ColumnDefinition, ExpressionText, Generation};

impl<'a> Alteration<'a, '_> {
    pub(super) fn add_column(&mut self, definition: &'a ColumnDefinition, if_not_exists: bool) -> Result<()> {
        let table = self.definition()?;
        let name = &definition.name;
        if table.slot(name).is_some() {
            let message = format!("column \"{name}\" of relation \"{}\" already exists", table.name);
            if !if_not_exists {
                return Err(SqlError::new(SqlState::DUPLICATE_COLUMN, message));
            }
            self.session.note(SqlState::DUPLICATE_COLUMN, format!("{message}, skipping"));
            return Ok(());
        }
        let slot = table.columns.len();
        let (catalog, path) = self.catalog()?;
        let numbered = Numbered::of(definition, slot, &table.name)?;
        let plain = numbered.as_ref().map_or(definition, |(_, plain)| plain);
        let mut column = plain_column((&catalog, &path), plain, &table.name)?;
        if column.is_counter() && table.is_synced() {
            return Err(SqlError::unsupported(format!("adding a counter to synced table \"{}\"", table.name)));
        }
        match numbered {
            Some((numbered, _)) => self.add_numbered(&table, column, numbered)?,
            None => {
                let value = self.default_of_new(&table, &mut column, definition)?;
                self.add_with(&table, column, definition, value)?;
            }
        }
        for constraint in &definition.constraints {
            self.push(pass_of_constraint(constraint), Step::Constraint(constraint));
        }
        Ok(())
    }

    /// The default of a new column, which it is given.
    fn default_of_new(
        &mut self,
        table: &TableDef,
        column: &mut NewColumn,
        definition: &ColumnDefinition,
    ) -> Result<Option<Expr>> {
        let Some(text) = definition.defaults.first() else { return Ok(None) };
        let (catalog, path) = self.catalog()?;
        let (expr, kept) = default(&catalog, &path, &column.clone().with_id(table.last_column()), text)?;
        if table.is_synced() && takes_numbers(&expr) {
            return Err(numbered::refuse_on_synced(&table.name));
        }
        column.default = Some(kept);
        Ok(Some(expr))
    }

    /// Adds a column with what its rows have.
    fn add_with(
        &mut self,
        table: &Arc<TableDef>,
        column: NewColumn,
        definition: &ColumnDefinition,
        default: Option<Expr>,
    ) -> Result<()> {
        let id = table.id;
        let not_null = column.not_null;
        if let Some(Generation::Stored(text)) = definition.generations.first() {
            return self.add_generated(table, column, text);
        }
        match default {
            Some(expr) if is_volatile(&expr) => {
                refuse_on_synced(table, "adding a column with a volatile default to the rows")?;
                let made = self.session.storage()?.add_column(id, column, Value::Null)?;
                self.fill(&made, &expr)
            }
            default => {
                let missing = match default {
                    Some(expr) => self.session.with_evaluation(|_, ctx| eval(&expr, &[], ctx))?,
                    None => Value::Null,
                };
                let is_null = missing.is_null();
                let made = self.session.storage()?.add_column(id, column, missing)?;
                if not_null && is_null {
                    let slot = made.columns.len().saturating_sub(1);
                    self.session.storage()?.judge_not_null(&made, &[slot])?;
                }
                Ok(())
            }
        }
    }

    /// Gives all rows a value in the last column.
    fn fill(&mut self, made: &TableDef, expr: &Expr) -> Result<()> {
        self.session.with_evaluation(|txn, ctx| {
            txn.rewrite_table(made.clone(), |_, row| {
                let mut row = row.to_vec();
                if let Some(value) = row.last_mut() {
                    *value = eval(expr, &[], ctx)?;
                }
                Ok(row)
            })?;
            Ok(())
        })
    }

    fn add_generated(&mut self, table: &TableDef, column: NewColumn, text: &ExpressionText) -> Result<()> {
        refuse_on_synced(table, "adding a generated column to the rows")?;
        let (catalog, path) = self.catalog()?;
        let mut wide = table.clone();
        let slot = wide.columns.len();
        wide.columns.push(column.clone().with_id(heliosdb_storage::ColumnId(table.last_column().0.saturating_add(1))));
        let mut computed: Vec<usize> =
            table.columns.iter().enumerate().filter(|(_, other)| other.generated.is_some()).map(|(at, _)| at).collect();
        computed.push(slot);
        let expression = generated(&catalog, &path, &wide, slot, text, &computed)?;
        let column = NewColumn { generated: Some(expression), ..column };
        let made = self.session.storage()?.add_column(table.id, column, Value::Null)?;
        self.session.storage()?.rewrite_table(TableDef::clone(&made), |_, row| Ok(row.to_vec()))?;
        Ok(())
    }

    /// A serial or identity column: the rows get numbers.
    fn add_numbered(&mut self, table: &TableDef, column: NewColumn, mut numbered: Numbered) -> Result<()> {
        if table.is_synced() {
            return Err(numbered::refuse_on_synced(&table.name));
        }
        numbered.for_type(column.column_type.data_type)?;
        let (catalog, _) = self.catalog()?;
        let place = (table.schema.as_str(), table.name.as_str());
        let (sequence, default_text) =
            numbered.make_sequence(self.session, &catalog, place, &column.name, &mut Vec::new())?;
        let column =
            NewColumn { not_null: true, identity: numbered.identity, default: Some(default_text.clone()), ..column };
        let (catalog, path) = self.catalog()?;
        let text = ExpressionText { text: default_text, offset: 0 };
        let (expr, _) = default(&catalog, &path, &column.clone().with_id(table.last_column()), &text)?;
        let made = self.session.storage()?.add_column(table.id, column, Value::Null)?;
        self.fill(&made, &expr)?;
        let made = self.definition()?;
        numbered.give(self.session, sequence, &made)
    }

    pub(super) fn drop_column(&mut self, name: &str, if_exists: bool, cascade: bool) -> Result<()> {
        let table = self.definition()?;
        if SYSTEM_COLUMNS.contains(&name) {
            return Err(SqlError::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("cannot drop system column \"{name}\""),
            ));
        }
        let Some(column) = table.slot(name).and_then(|slot| table.columns.get(slot)) else {
            let error = no_such_column(&table, name);
            if !if_exists {
                return Err(error);
            }
            self.session.note(SqlState::SUCCESS, format!("{}, skipping", error.message));
            return Ok(());
        };
        drop_objects(self.session, &[ObjectAddress::Column(table.id, column.id)], cascade)
    }

    pub(super) fn set_default(&mut self, slot: usize, text: &ExpressionText) -> Result<()> {
        let table = self.definition()?;
        let Some(column) = table.columns.get(slot) else { return Ok(()) };
        if column.generated.is_some() {
            return Err(is_generated(&table, column));
        }
        if column.identity.is_some() {
            return Err(is_identity(&table, column));
        }
        let (catalog, path) = self.catalog()?;
        let (expr, kept) = default(&catalog, &path, column, text)?;
        if table.is_synced() && takes_numbers(&expr) {
            return Err(numbered::refuse_on_synced(&table.name));
        }
        self.change_column(slot, |column| column.default = Some(kept))
    }

    pub(super) fn drop_default(&mut self, slot: usize) -> Result<()> {
        let table = self.definition()?;
        let Some(column) = table.columns.get(slot) else { return Ok(()) };
        if column.generated.is_some() {
            return Err(is_generated(&table, column)
                .with_hint("Use ALTER TABLE ... ALTER COLUMN ... DROP EXPRESSION instead."));
        }
        if column.identity.is_some() {
            return Err(
                is_identity(&table, column).with_hint("Use ALTER TABLE ... ALTER COLUMN ... DROP IDENTITY instead.")
            );
        }
        self.change_column(slot, |column| column.default = None)
    }

    pub(super) fn set_not_null(&mut self, slots: &[usize]) -> Result<()> {
        let table = self.definition()?;
        let is_new = |slot: &usize| table.columns.get(*slot).is_some_and(|column| !column.not_null);
        let slots: Vec<usize> = slots.iter().copied().filter(is_new).collect();
        if slots.is_empty() {
            return Ok(());
        }
        self.session.storage()?.judge_not_null(&table, &slots)?;
        let mut changed = TableDef::clone(&table);
        for slot in slots {
            if let Some(column) = changed.columns.get_mut(slot) {
                column.not_null = true;
            }
        }
        self.put(changed)
    }

    pub(super) fn drop_not_null(&mut self, slot: usize) -> Result<()> {
        let table = self.definition()?;
        let Some(column) = table.columns.get(slot) else { return Ok(()) };
        if column.identity.is_some() {
            return Err(is_identity(&table, column));
        }
        if table.primary_key.contains(&slot) {
            return Err(SqlError::new(
                SqlState::INVALID_TABLE_DEFINITION,
                format!("column \"{}\" is in a primary key", column.name),
            ));
        }
        self.change_column(slot, |column| column.not_null = false)
    }

    pub(super) fn drop_expression(&mut self, slot: usize, if_exists: bool) -> Result<()> {
        let table = self.definition()?;
        let Some(column) = table.columns.get(slot) else { return Ok(()) };
        if column.generated.is_some() {
            return self.change_column(slot, |column| column.generated = None);
        }
        let message =
            format!("column \"{}\" of relation \"{}\" is not a stored generated column", column.name, table.name);
        if !if_exists {
            return Err(SqlError::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
        }
        self.session.note(SqlState::SUCCESS, format!("{message}, skipping"));
        Ok(())
    }

    pub(super) fn change_column(&mut self, slot: usize, change: impl FnOnce(&mut ColumnDef)) -> Result<()> {
        let mut changed = TableDef::clone(&*self.definition()?);
        if let Some(column) = changed.columns.get_mut(slot) {
            change(column);
        }
        self.put(changed)
    }
}

/// Whether each row would get another value.
fn is_volatile(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |expr| {
        found |= matches!(expr, Expr::Call { function, .. } if function.volatility == Volatility::Volatile);
    });
    found
}

fn is_generated(table: &TableDef, column: &ColumnDef) -> SqlError {
    let message = format!("column \"{}\" of relation \"{}\" is a generated column", column.name, table.name);
    SqlError::new(SqlState::SYNTAX_ERROR, message)
}

fn is_identity(table: &TableDef, column: &ColumnDef) -> SqlError {
    let message = format!("column \"{}\" of relation \"{}\" is an identity column", column.name, table.name);
    SqlError::new(SqlState::SYNTAX_ERROR, message)
}
