//! DDL: tables and indexes, on a private copy of the catalog that COMMIT publishes.

use std::collections::HashSet;
use std::sync::Arc;

use super::{TableLock, Transaction};
use crate::catalog::{CheckDef, ColumnDef, ForeignKeyDef, IndexDef, NewTable, SyncMode, TableDef, is_permutation};
use crate::error::{Error, Result};
use crate::ids::{ColumnId, RelationId, SyncTableId};
use crate::lock::{LockMode, Resource};
use crate::sync_row::Role;

/// Columns of a table (PostgreSQL's limit).
const MAX_COLUMNS: usize = 1600;

impl Transaction {
    /// Waits for the right to change the catalog, held to the end of the transaction, and sees the newest catalog.
    pub fn lock_catalog(&mut self) -> Result<()> {
        self.locks.acquire(Resource::Ddl, LockMode::Exclusive)?;
        if !self.catalog.is_private && !Arc::ptr_eq(&self.catalog, &self.latest().catalog) {
            self.refresh();
        }
        Ok(())
    }

    /// Makes a table.
    pub fn create_table(&mut self, table: NewTable) -> Result<Arc<TableDef>> {
        self.lock_catalog()?;
        self.judge_new_table(&table)?;
        let id = self.next_relation_id()?;
        let sync_id = (table.sync != SyncMode::None).then_some(SyncTableId(id.0));
        let (primary_key_name, primary_key) = table.primary_key.unzip();
        let primary_key = primary_key.unwrap_or_default();
        let primary_key_id = if primary_key.is_empty() { None } else { Some(self.next_relation_id()?) };
        let mut columns = Vec::with_capacity(table.columns.len());
        for (slot, column) in table.columns.into_iter().enumerate() {
            let attribute = u16::try_from(slot + 1).map_err(|_| too_many_columns())?;
            let column = column.with_id(ColumnId(attribute));
            let not_null = column.not_null || primary_key.contains(&slot);
            columns.push(ColumnDef { not_null, ..column });
        }
        let mut indexes = Vec::with_capacity(table.indexes.len());
        for index in table.indexes {
            indexes.push(self.with_new_id(index)?);
        }
        let mut checks = Vec::with_capacity(table.checks.len());
        for check in table.checks {
            checks.push(CheckDef { id: self.next_relation_id()?, ..check });
        }
        let mut foreign_keys = Vec::with_capacity(table.foreign_keys.len());
        for key in table.foreign_keys {
            let parent = if key.parent == RelationId::default() { id } else { key.parent };
            foreign_keys.push(ForeignKeyDef { id: self.next_relation_id()?, parent, ..key });
        }
        let definition = Arc::new(TableDef {
            id,
            sync_id,
            schema: table.schema,
            name: table.name,
            columns,
            primary_key,
            primary_key_name,
            primary_key_id,
            indexes,
            checks,
            foreign_keys,
            sync: table.sync,
            temporary: table.temporary,
            options: table.options,
            ..TableDef::default()
        });
        self.judge_foreign_keys(&definition)?;
        for foreign in definition.foreign_keys.iter().filter(|foreign| foreign.parent != id) {
            // The parent must neither go nor be written by somebody who does not know of the new foreign key.
            self.locks.acquire(Resource::Table(foreign.parent), LockMode::Table(TableLock::Share))?;
        }
        self.put_table(Arc::clone(&definition))?;
        Ok(definition)
    }

    /// Removes a table with its rows and indexes.
    pub fn drop_table(&mut self, table: RelationId) -> Result<()> {
        let definition = self.lock_for_change(table)?;
        if let Some((child, foreign)) = self.catalog.foreign_keys_to(table).find(|(child, _)| child.id != table) {
            return Err(Error::Dependent(format!(
                "cannot drop table {} because constraint {} on table {} depends on it",
                definition.name, foreign.name, child.name
            )));
        }
        self.remove_table(&definition)
    }

    /// Makes an index and fills it.
    pub fn create_index(&mut self, table: RelationId, index: IndexDef) -> Result<()> {
        self.lock_catalog()?;
        self.locks.acquire(Resource::Table(table), LockMode::Table(TableLock::Share))?;
        let definition = Arc::clone(self.catalog.table_by_id(table).ok_or(Error::NoSuchRelation(table))?);
        self.judge_role(&definition)?;
        if self.catalog.has_relation(&definition.schema, &index.name) {
            return Err(Error::AlreadyExists(index.name));
        }
        judge_index_slots(&index, definition.columns.len())?;
        let index = self.with_new_id(index)?;
        self.fill_index(&definition, &index, true)?;
        let mut changed = TableDef::clone(&definition);
        changed.indexes.push(index);
        self.put_table(Arc::new(changed))
    }

    /// Removes an index.
    pub fn drop_index(&mut self, table: RelationId, index: RelationId) -> Result<()> {
        let definition = self.lock_for_change(table)?;
        let mut changed = TableDef::clone(&definition);
        let position =
            changed.indexes.iter().position(|other| other.id == index).ok_or(Error::NoSuchRelation(index))?;
        let removed = changed.indexes.remove(position);
        let is_needed = |slots: &[usize]| {
            removed.is_key_of(slots)
                && !is_permutation(&changed.primary_key, slots)
                && !changed.indexes.iter().any(|other| other.is_key_of(slots))
        };
        if let Some((child, foreign)) =
            self.catalog.foreign_keys_to(table).find(|(_, foreign)| is_needed(&foreign.parent_slots))
        {
            return Err(Error::Dependent(format!(
                "cannot drop index {} because constraint {} on table {} depends on it",
                removed.name, foreign.name, child.name
            )));
        }
        self.drop_space(removed.space());
        self.forget_comments(removed.id.into(), None)?;
        self.put_table(Arc::new(changed))
    }

    /// Removes a foreign key.
    pub fn drop_foreign_key(&mut self, table: RelationId, name: &str) -> Result<()> {
        let definition = self.lock_for_change(table)?;
        let mut changed = TableDef::clone(&definition);
        for foreign in definition.foreign_keys.iter().filter(|foreign| foreign.name == name) {
            self.forget_comments(foreign.id.into(), None)?;
        }
        changed.foreign_keys.retain(|foreign| foreign.name != name);
        self.put_table(Arc::new(changed))
    }

    fn judge_new_table(&self, table: &NewTable) -> Result<()> {
        let names = std::iter::once(&table.name)
            .chain(table.primary_key.as_ref().map(|(name, _)| name))
            .chain(table.indexes.iter().map(|index| &index.name));
        let mut taken = HashSet::new();
        for name in names {
            if !taken.insert(name) || self.catalog.has_relation(&table.schema, name) {
                return Err(Error::AlreadyExists(name.clone()));
            }
        }
        if table.columns.len() > MAX_COLUMNS {
            return Err(too_many_columns());
        }
        if let Some((name, slots)) = &table.primary_key {
            judge_slots(name, slots, table.columns.len())?;
        }
        for index in &table.indexes {
            judge_index_slots(index, table.columns.len())?;
        }
        if table.sync == SyncMode::None {
            return Ok(());
        }
        if self.identity().role != Role::Hub {
            return Err(Error::NotAllowedHere(format!("table \"{}\": synced tables are made at the hub", table.name)));
        }
        if table.primary_key.is_none() {
            return Err(Error::Unsupported(format!("table \"{}\": a synced table needs a primary key", table.name)));
        }
        Ok(())
    }

    fn judge_foreign_keys(&self, table: &TableDef) -> Result<()> {
        for foreign in &table.foreign_keys {
            let parent = if foreign.parent == table.id {
                table
            } else {
                self.catalog.table_by_id(foreign.parent).ok_or(Error::NoSuchRelation(foreign.parent))?
            };
            let is_unique = is_permutation(&parent.primary_key, &foreign.parent_slots)
                || parent.indexes.iter().any(|index| index.is_key_of(&foreign.parent_slots));
            if !is_unique || foreign.slots.len() != foreign.parent_slots.len() {
                return Err(Error::Unsupported(format!(
                    "foreign key \"{}\": there is no unique constraint matching the keys of table \"{}\"",
                    foreign.name, parent.name
                )));
            }
            judge_slots(&foreign.name, &foreign.slots, table.columns.len())?;
            if table.is_synced() && !parent.is_synced() {
                return Err(Error::Unsupported(format!(
                    "foreign key \"{}\": a synced table cannot refer to \"{}\", which is not synced",
                    foreign.name, parent.name
                )));
            }
        }
        Ok(())
    }

    /// Synced tables are changed at the hub alone.
    pub(super) fn judge_role(&self, table: &TableDef) -> Result<()> {
        if table.is_synced() && self.identity().role != Role::Hub {
            return Err(Error::NotAllowedHere(format!("table \"{}\" is synced: change it at the hub", table.name)));
        }
        Ok(())
    }
}

fn judge_slots(name: &str, slots: &[usize], columns: usize) -> Result<()> {
    if slots.is_empty() || slots.iter().any(|&slot| slot >= columns) {
        return Err(Error::corrupt(format!("the definition of {name}"), "it names columns that do not exist"));
    }
    Ok(())
}

fn judge_index_slots(index: &IndexDef, columns: usize) -> Result<()> {
    if index.keys.is_empty() || index.all_slots().any(|slot| slot >= columns) {
        return Err(Error::corrupt(format!("the definition of {}", index.name), "it names columns that do not exist"));
    }
    Ok(())
}

fn too_many_columns() -> Error {
    Error::LimitExceeded(format!("tables can have at most {MAX_COLUMNS} columns"))
}
