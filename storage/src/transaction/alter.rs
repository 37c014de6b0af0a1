//! ALTER TABLE: what changes rows, or where they are.
//!
//! A change of the definition alone is [`Transaction::put_object`]. Here are those that need more:
//!
//! - A new column costs nothing: rows that lack it have [`ColumnDef::missing`].
//! - A dropped column costs nothing either: its values stay in the rows and are passed over. But slots move, in the table
//!   and in the foreign keys that refer to it.
//! - A rewrite reads all rows and writes them anew, to a new place, with all their index entries. The old place goes with
//!   COMMIT; until then everybody else still has it.

use std::sync::Arc;

use bytes::Bytes;

use super::{TableLock, Transaction};
use crate::base::Space;
use crate::catalog::{CheckDef, ColumnDef, IndexDef, IndexedValue, Missing, NewColumn, RowExpression, TableDef};
use crate::constraints;
use crate::error::{Error, Result};
use crate::ids::{ColumnId, RelationId};
use crate::key::{KeyRange, RowKey};
use crate::lock::{LockMode, Resource};
use crate::row::{self, Row};
use crate::value::Value;
use crate::view::values;

/// Rows that are read in one go.
const BATCH: usize = 1024;

/// Columns that a table can have had (PostgreSQL's limit, which counts dropped ones too).
const MAX_COLUMNS: u16 = 1600;

impl Transaction {
    /// The newest definition of a table, locked against everybody else.
    pub(super) fn lock_for_change(&mut self, table: RelationId) -> Result<Arc<TableDef>> {
        self.lock_catalog()?;
        self.locks.acquire(Resource::Table(table), LockMode::Table(TableLock::AccessExclusive))?;
        let definition = Arc::clone(self.catalog.table_by_id(table).ok_or(Error::NoSuchRelation(table))?);
        self.judge_role(&definition)?;
        Ok(definition)
    }

    /// Adds a column; the rows that are there have `missing` in it.
    pub fn add_column(&mut self, table: RelationId, column: NewColumn, missing: Value) -> Result<Arc<TableDef>> {
        let definition = self.lock_for_change(table)?;
        let last = definition.last_column().0;
        if last >= MAX_COLUMNS {
            return Err(Error::LimitExceeded(format!("tables can have at most {MAX_COLUMNS} columns")));
        }
        let mut changed = TableDef::clone(&definition);
        let column = column.with_id(ColumnId(last + 1));
        changed.columns.push(ColumnDef { missing: Missing(missing), ..column });
        let changed = Arc::new(changed);
        self.put_table(Arc::clone(&changed))?;
        Ok(changed)
    }

    /// Removes a column on which nothing depends any more.
    pub fn drop_column(&mut self, table: RelationId, column: ColumnId) -> Result<()> {
        let definition = self.lock_for_change(table)?;
        let Some(slot) = definition.slot_of(column) else { return Ok(()) };
        if definition.primary_key.contains(&slot) {
            return Err(Error::Unsupported(format!("table \"{}\": a key column cannot be removed", definition.name)));
        }
        let catalog = Arc::clone(&self.catalog);
        let mut changed = TableDef::clone(&definition);
        changed.last_column = definition.last_column();
        changed.columns.remove(slot);
        move_slots(&mut changed, slot);
        self.forget_comments(table.into(), Some(column))?;
        self.put_table(Arc::new(changed))?;
        for (child, _) in catalog.foreign_keys_to(table) {
            // Several foreign keys of one child may refer here, and the table may refer to itself.
            let Some(child) = self.catalog.table_by_id(child.id) else { continue };
            let mut moved = TableDef::clone(child);
            let before = catalog.table_by_id(child.id);
            for (foreign, before) in moved.foreign_keys.iter_mut().zip(before.iter().flat_map(|b| &b.foreign_keys)) {
                if foreign.parent == table {
                    foreign.parent_slots = before.parent_slots.iter().map(|other| behind(*other, slot)).collect();
                }
            }
            if moved != **child {
                self.put_table(Arc::new(moved))?;
            }
        }
        Ok(())
    }

    /// Calls the function on the newest version of every row.
    pub fn for_each_row(
        &mut self,
        table: &TableDef,
        mut each: impl FnMut(&mut Self, &RowKey, &[Value]) -> Result<()>,
    ) -> Result<()> {
        let mut rows = self.newest_entries(&self.latest(), table.space(), KeyRange::ALL)?;
        loop {
            let mut batch: Vec<(RowKey, Row)> = Vec::new();
            let has_more = rows.advance(&self.writes.overlay, BATCH, |key, bytes| {
                batch.push((RowKey(Bytes::copy_from_slice(key)), values(table, bytes)?));
                Ok(())
            })?;
            for (key, row) in batch {
                each(self, &key, &row)?;
            }
            if !has_more {
                return Ok(());
            }
            self.locks.check()?;
        }
    }

    /// Whether a table has a row.
    pub fn has_rows(&self, table: &TableDef) -> Result<bool> {
        let mut rows = self.newest_entries(&self.latest(), table.space(), KeyRange::ALL)?;
        let mut found = false;
        rows.advance(&self.writes.overlay, 1, |_, _| {
            found = true;
            Ok(())
        })?;
        Ok(found)
    }

    /// Judges NOT NULL of some columns for all rows, by PostgreSQL's words for rows that are there already.
    pub fn judge_not_null(&mut self, table: &Arc<TableDef>, slots: &[usize]) -> Result<()> {
        let table = Arc::clone(table);
        self.for_each_row(&table, |_, _, row| {
            match slots.iter().find(|slot| row.get(**slot).is_none_or(Value::is_null)) {
                Some(slot) => Err(constraints::contains_nulls(&table, *slot)),
                None => Ok(()),
            }
        })
    }

    /// Judges a CHECK for all rows.
    pub fn judge_check(&mut self, table: &Arc<TableDef>, check: &CheckDef) -> Result<()> {
        let table = Arc::clone(table);
        self.for_each_row(&table, |txn, _, row| {
            if txn.satisfies(&table, check, row)? { Ok(()) } else { Err(constraints::check_of_rows_failed(&table, check)) }
        })
    }

    /// Judges a foreign key for all rows.
    pub fn judge_foreign_key(&mut self, table: &Arc<TableDef>, foreign: RelationId) -> Result<()> {
        let table = Arc::clone(table);
        let Some(foreign) = table.foreign_keys.iter().find(|other| other.id == foreign).cloned() else { return Ok(()) };
        let parent = self.catalog.table_by_id(foreign.parent).cloned().ok_or(Error::NoSuchRelation(foreign.parent))?;
        self.for_each_row(&table, |txn, _, row| txn.judge_parent_without_lock(&table, &parent, &foreign, row))
    }

    /// Takes the primary key from a table, which keeps its rows in the order of a hidden number from then on.
    pub fn drop_primary_key(&mut self, table: RelationId) -> Result<()> {
        let definition = self.lock_for_change(table)?;
        if definition.is_synced() {
            return Err(Error::Unsupported(format!("dropping the primary key of synced table \"{}\"", definition.name)));
        }
        if let Some(id) = definition.primary_key_id {
            self.forget_comments(id.into(), None)?;
        }
        let changed = TableDef { primary_key: Vec::new(), ..TableDef::clone(&definition) };
        self.rewrite_table(changed, |_, row| Ok(row.to_vec()))?;
        Ok(())
    }

    /// Removes a CHECK.
    pub fn drop_check(&mut self, table: RelationId, name: &str) -> Result<()> {
        let definition = self.lock_for_change(table)?;
        let mut changed = TableDef::clone(&definition);
        for check in definition.checks.iter().filter(|check| check.name == name) {
            self.forget_comments(check.id.into(), None)?;
        }
        changed.checks.retain(|check| check.name != name);
        self.put_table(Arc::new(changed))
    }

    /// Replaces a table's definition by one whose rows are others: each is what the function makes of it, with its generated
    /// columns computed anew. All constraints but foreign keys are judged. The indexes of the new definition are made.
    pub fn rewrite_table(
        &mut self,
        changed: TableDef,
        mut map: impl FnMut(&mut Self, &[Value]) -> Result<Row>,
    ) -> Result<Arc<TableDef>> {
        let old = self.lock_for_change(changed.id)?;
        if old.is_synced() || changed.is_synced() {
            return Err(Error::Unsupported(format!("rewriting the synced table \"{}\"", old.name)));
        }
        let mut changed = changed;
        changed.storage = Some(self.next_relation_id()?);
        for index in &mut changed.indexes {
            index.storage = Some(self.next_relation_id()?);
        }
        if changed.primary_key.is_empty() {
            changed.primary_key_name = None;
            changed.primary_key_id = None;
        } else if changed.primary_key_id.is_none() {
            changed.primary_key_id = Some(self.next_relation_id()?);
        }
        for column in &mut changed.columns {
            // All rows are written whole.
            column.missing = Missing::default();
        }
        let keeps_keys = old.primary_key.is_empty() && changed.primary_key.is_empty();
        let has_key = !changed.primary_key.is_empty();
        let changed = Arc::new(changed);
        let definition = Arc::clone(&changed);
        self.for_each_row(&old, move |txn, key, row| {
            let mut row = map(txn, row)?;
            txn.complete_row(&definition, &mut row)?;
            txn.judge_rewritten(&definition, &row)?;
            let key = if has_key {
                RowKey::of_row(&definition, &row)?
            } else if keeps_keys {
                key.clone()
            } else {
                txn.hidden_key()
            };
            txn.put_rewritten(&definition, &key, &row)
        })?;
        self.drop_spaces(&old);
        self.put_table(Arc::clone(&changed))?;
        Ok(changed)
    }

    /// What a rewritten row must satisfy.
    fn judge_rewritten(&mut self, table: &TableDef, row: &[Value]) -> Result<()> {
        let is_null = |(_, (column, value)): &(usize, (&ColumnDef, &Value))| column.not_null && value.is_null();
        if let Some((slot, _)) = table.columns.iter().zip(row).enumerate().find(is_null) {
            return Err(constraints::contains_nulls(table, slot));
        }
        for check in &table.checks {
            if check.validated && !self.satisfies(table, check, row)? {
                return Err(constraints::check_of_rows_failed(table, check));
            }
        }
        Ok(())
    }

    fn put_rewritten(&mut self, table: &TableDef, key: &RowKey, row: &[Value]) -> Result<()> {
        let is_taken = self.newest(&self.latest(), table.space(), &key.0, |_| Ok(()))?.is_some();
        if is_taken {
            return Err(constraints::duplicate_in_new_key(table, row));
        }
        for index in &table.indexes {
            if let Some(entry) = self.entry_of(table, index, row)? {
                self.judge_in_new_index(table, index, &entry, key, row)?;
                self.put_index_entry(index, key, entry)?;
            }
        }
        self.put(table.space(), key.0.clone(), Some(row::encode(table, row, None)?.into()))
    }

    /// Removes all rows of a table that is not synced, whatever refers to them.
    pub fn truncate_table(&mut self, table: RelationId) -> Result<()> {
        let old = self.lock_for_change(table)?;
        if old.is_synced() {
            return Err(Error::Unsupported(format!("truncating the synced table \"{}\"", old.name)));
        }
        let mut changed = TableDef::clone(&old);
        changed.storage = Some(self.next_relation_id()?);
        for index in &mut changed.indexes {
            index.storage = Some(self.next_relation_id()?);
        }
        self.drop_spaces(&old);
        self.put_table(Arc::new(changed))
    }

    /// Makes all indexes of a table anew.
    pub fn rebuild_index(&mut self, table: RelationId, index: RelationId) -> Result<()> {
        let old = self.lock_for_change(table)?;
        let mut changed = TableDef::clone(&old);
        let storage = self.next_relation_id()?;
        let position = changed.indexes.iter().position(|other| other.id == index);
        let Some(index) = position.and_then(|at| changed.indexes.get_mut(at)) else { return Ok(()) };
        self.drop_space(index.space());
        index.storage = Some(storage);
        let index = index.clone();
        self.fill_index(&old, &index, true)?;
        self.put_table(Arc::new(changed))
    }

    fn drop_spaces(&mut self, table: &TableDef) {
        let spaces: Vec<Space> =
            std::iter::once(table.space()).chain(table.indexes.iter().map(IndexDef::space)).collect();
        for space in spaces {
            self.drop_space(space);
        }
    }
}

/// The slot that a column has after the one at `dropped` is gone.
const fn behind(slot: usize, dropped: usize) -> usize {
    if slot > dropped { slot - 1 } else { slot }
}

/// Renumbers all slots of a definition that has lost the column at a slot, which nothing names any more.
fn move_slots(table: &mut TableDef, dropped: usize) {
    let move_all = |slots: &mut Vec<usize>| {
        for slot in slots {
            *slot = behind(*slot, dropped);
        }
    };
    let move_in = |expression: &mut RowExpression| move_all(&mut expression.slots);
    move_all(&mut table.primary_key);
    for index in &mut table.indexes {
        for key in &mut index.keys {
            match &mut key.value {
                IndexedValue::Column(slot) => *slot = behind(*slot, dropped),
                IndexedValue::Expression { expression, .. } => move_in(expression),
            }
        }
        move_all(&mut index.included);
        index.predicate.iter_mut().for_each(move_in);
    }
    table.checks.iter_mut().for_each(|check| move_in(&mut check.expression));
    table.columns.iter_mut().filter_map(|column| column.generated.as_mut()).for_each(move_in);
    for foreign in &mut table.foreign_keys {
        move_all(&mut foreign.slots);
        move_all(&mut foreign.on_delete_slots);
    }
}
