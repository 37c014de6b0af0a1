//! Writing rows of tables, for SQL.

use std::sync::Arc;

use bytes::Bytes;

use super::{ColumnChange, RowLock, RowPatch, Transaction};
use crate::catalog::{ColumnDef, CrdtType, TableDef};
use crate::constraints::{self, Binding, RowContext};
use crate::error::{Error, Result};
use crate::key::{RowKey, encode_tuple};
use crate::row::{self, Row};
use crate::sync_row::OpKind;
use crate::value::Value;

impl Transaction {
    /// Computes the generated columns of a row that is to be inserted.
    pub fn complete_row(&self, table: &TableDef, row: &mut Row) -> Result<()> {
        for (slot, column) in table.columns.iter().enumerate() {
            let Some(expression) = &column.generated else { continue };
            let at = RowContext { catalog: &self.catalog, table, row };
            let value = self.checker.value(&at, expression, column.column_type)?;
            if let Some(place) = row.get_mut(slot) {
                *place = value;
            }
        }
        Ok(())
    }

    /// Inserts a row (all slots given, defaults already evaluated, generated columns computed, counters as their first
    /// value). Judges NOT NULL,
    /// CHECK and UNIQUE now, foreign keys at the end of the statement. Waits for a concurrent insert of an equal key. A
    /// violation leaves nothing behind but locks, so that `ON CONFLICT` can go on.
    pub fn insert_row(&mut self, table: &Arc<TableDef>, row: Row) -> Result<RowKey> {
        self.lock_for_writing(table)?;
        self.judge_new_row(table, &row)?;
        self.insert_judged_row(table, &row)
    }

    /// Judges what can be judged of a new row alone.
    pub(super) fn judge_new_row(&self, table: &TableDef, row: &[Value]) -> Result<()> {
        judge_width(table, row)?;
        for (column, value) in table.columns.iter().zip(row) {
            judge_first_value(table, column, value)?;
        }
        self.judge_row(table, row, Binding::Local)
    }

    /// Inserts a row; judges UNIQUE.
    pub(super) fn insert_judged_row(&mut self, table: &Arc<TableDef>, row: &[Value]) -> Result<RowKey> {
        let key = self.take_key(table, row)?;
        self.lock_unique_keys(table, &key, None, Some(row), true)?;
        self.write_new(table, &key, row)?;
        self.note_child(table, &key, None, row);
        Ok(key)
    }

    /// Changes the newest version of a row that this transaction has locked; returns it as it is now, or None if it is
    /// gone. Changing the primary key is a delete and an insert.
    pub fn update_row(&mut self, table: &Arc<TableDef>, key: &RowKey, patch: RowPatch) -> Result<Option<Row>> {
        self.lock_for_writing(table)?;
        let Some(old) = self.lock_row(table, key, RowLock::NoKeyUpdate)? else { return Ok(None) };
        let (mut new, mut changes) = patched(table, &old, patch)?;
        if !changes.is_empty() && table.has_generated_columns() {
            self.complete_row(table, &mut new)?;
            for (slot, _) in table.columns.iter().enumerate().filter(|(_, column)| column.generated.is_some()) {
                let (before, value) = (old.get(slot).unwrap_or(&Value::Null), new.get(slot).unwrap_or(&Value::Null));
                if !value.is_identical(before) {
                    changes.push((slot, ColumnChange::Set(value.clone())));
                }
            }
        }
        if changes.is_empty() {
            return Ok(Some(old));
        }
        self.judge_row(table, &new, Binding::Local)?;
        if changes_keys(table, &changes) {
            // Nobody can have changed the row meanwhile; who refers to its key has to be waited for.
            self.lock_row_only(table, key, RowLock::Update)?;
        }
        let new_key = if table.primary_key.is_empty() { key.clone() } else { RowKey::of_row(table, &new)? };
        if new_key == *key && !changes_synced_key(table, &changes) {
            self.lock_unique_keys(table, key, Some(&old), Some(&new), true)?;
            self.write_changed(table, key, &old, &new, &changes)?;
        } else {
            if new_key != *key {
                self.lock_new_key(table, &new_key, &new)?;
            }
            self.lock_unique_keys(table, key, Some(&old), Some(&new), true)?;
            self.write_gone(table, key, &old)?;
            self.write_new(table, &new_key, &new)?;
        }
        self.note_parent(table, &old, Some(&new));
        // What was remembered of the row names the key that it had.
        self.note_child(table, &new_key, (new_key == *key).then_some(&*old), &new);
        Ok(Some(new))
    }

    /// Deletes a row that this transaction has locked; false if it is gone.
    pub fn delete_row(&mut self, table: &Arc<TableDef>, key: &RowKey) -> Result<bool> {
        self.lock_for_writing(table)?;
        let Some(old) = self.lock_row(table, key, RowLock::Update)? else { return Ok(false) };
        self.lock_unique_keys(table, key, Some(&old), None, true)?;
        self.write_gone(table, key, &old)?;
        self.note_parent(table, &old, None);
        Ok(true)
    }

    /// The key of a new row, locked; judges the primary key.
    fn take_key(&mut self, table: &TableDef, row: &[Value]) -> Result<RowKey> {
        if table.primary_key.is_empty() {
            // Nobody else can know a new number, so there is nothing to lock.
            return Ok(self.hidden_key());
        }
        let key = RowKey::of_row(table, row)?;
        self.lock_new_key(table, &key, row)?;
        Ok(key)
    }

    fn lock_new_key(&mut self, table: &TableDef, key: &RowKey, row: &[Value]) -> Result<()> {
        self.lock_row_only(table, key, RowLock::Update)?;
        match self.newest(&self.latest(), table.space(), &key.0, |_| Ok(()))? {
            None => Ok(()),
            Some(()) => Err(constraints::duplicate(table, row)),
        }
    }

    /// The key of a row without a primary key: where and as the how-manieth it was made.
    pub(super) fn hidden_key(&self) -> RowKey {
        let site = self.identity().site.to_be_bytes();
        let number = self.store.sequencer.next_row_number().to_be_bytes();
        RowKey([site.as_slice(), &number].concat().into())
    }

    fn write_new(&mut self, table: &Arc<TableDef>, key: &RowKey, new: &[Value]) -> Result<()> {
        if table.is_synced() {
            let columns = table.columns.iter().zip(new).map(|(column, value)| (column.id, value.clone())).collect();
            self.write_synced(table, key, new, OpKind::Insert(columns))?;
        } else {
            self.put_plain_row(table, key, Some(new))?;
        }
        self.move_index_entries(table, key, None, Some(new))
    }

    fn write_changed(
        &mut self,
        table: &Arc<TableDef>,
        key: &RowKey,
        old: &[Value],
        new: &[Value],
        changes: &RowPatch,
    ) -> Result<()> {
        if table.is_synced() {
            let column_of = |slot: &usize| table.columns.get(*slot).map(|column| column.id);
            let columns =
                changes.iter().filter_map(|(slot, change)| Some((column_of(slot)?, change.clone()))).collect();
            self.write_synced(table, key, new, OpKind::Patch(columns))?;
        } else {
            self.put_plain_row(table, key, Some(new))?;
        }
        self.move_index_entries(table, key, Some(old), Some(new))
    }

    fn write_gone(&mut self, table: &Arc<TableDef>, key: &RowKey, old: &[Value]) -> Result<()> {
        if table.is_synced() {
            self.write_synced(table, key, old, OpKind::Delete)?;
        } else {
            self.put_plain_row(table, key, None)?;
        }
        self.move_index_entries(table, key, Some(old), None)
    }

    fn put_plain_row(&mut self, table: &TableDef, key: &RowKey, row: Option<&[Value]>) -> Result<()> {
        let bytes = row.map(|row| row::encode(table, row, None)).transpose()?.map(Bytes::from);
        self.put(table.space(), key.0.clone(), bytes)
    }
}

fn judge_width(table: &TableDef, row: &[Value]) -> Result<()> {
    if row.len() == table.columns.len() {
        return Ok(());
    }
    let what = format!("it has {} values, the table has {} columns", row.len(), table.columns.len());
    Err(Error::corrupt(format!("a row for table {}", table.name), what))
}

fn judge_first_value(table: &TableDef, column: &ColumnDef, value: &Value) -> Result<()> {
    match value {
        Value::Int8(n) if *n < 0 && column.crdt == Some(CrdtType::GCounter) => {
            Err(constraints::shrinking_counter(table, &column.name))
        }
        Value::Null | Value::Int8(_) => Ok(()),
        _ if column.is_counter() => Err(Error::Unsupported(format!("counter \"{}\" takes bigint", column.name))),
        _ => Ok(()),
    }
}

/// Whether a change touches what others may refer to or collide with.
fn changes_keys(table: &TableDef, changes: &RowPatch) -> bool {
    changes.iter().any(|(slot, _)| table.is_key_column(*slot))
}

/// Whether a change touches the primary key of a synced row, if only by another form of an equal value (`1.0` and `1.00`):
/// patches cannot say that.
fn changes_synced_key(table: &TableDef, changes: &RowPatch) -> bool {
    table.is_synced() && changes.iter().any(|(slot, _)| table.primary_key.contains(slot))
}

/// The row after the patch, and the part of the patch that changes something.
fn patched(table: &TableDef, old: &[Value], patch: RowPatch) -> Result<(Row, RowPatch)> {
    let mut new = old.to_vec();
    let mut changes = RowPatch::new();
    for (slot, change) in patch {
        let (Some(column), Some(place)) = (table.columns.get(slot), new.get_mut(slot)) else {
            return Err(Error::corrupt(
                format!("a patch for table {}", table.name),
                format!("there is no slot {slot}"),
            ));
        };
        let value = match &change {
            ColumnChange::Set(value) => set(column, value)?,
            ColumnChange::Add(n) => add(table, column, place, *n)?,
        };
        if !value.is_identical(place) {
            *place = value;
            changes.push((slot, change));
        }
    }
    Ok((new, changes))
}

fn set(column: &ColumnDef, value: &Value) -> Result<Value> {
    if !column.is_counter() {
        return Ok(value.clone());
    }
    let what =
        if value.is_null() { "resetting a counter is not supported yet" } else { "a counter takes differences only" };
    Err(Error::Unsupported(format!("column \"{}\": {what}", column.name)))
}

fn add(table: &TableDef, column: &ColumnDef, before: &Value, n: i64) -> Result<Value> {
    if !column.is_counter() {
        return Err(Error::Unsupported(format!("column \"{}\" is not a counter", column.name)));
    }
    if n < 0 && column.crdt == Some(CrdtType::GCounter) {
        return Err(constraints::shrinking_counter(table, &column.name));
    }
    let before = match before {
        Value::Int8(before) => *before,
        _ => 0,
    };
    let sum = before.checked_add(n);
    sum.map(Value::Int8).ok_or_else(|| Error::OutOfRange(format!("counter \"{}\" is out of range", column.name)))
}

/// The encoding of some values, given in the order of some slots, in the order of others.
pub(super) fn encode_in_order(values: &[&Value], slots: &[usize], order: &[usize]) -> Result<Bytes> {
    encode_tuple(order.iter().map(|slot| value_at(values, slots, *slot)))
}

/// The value of a slot, of values given in the order of some slots.
pub(super) fn value_at<'a>(values: &[&'a Value], slots: &[usize], slot: usize) -> &'a Value {
    let position = slots.iter().position(|other| *other == slot);
    position.and_then(|position| values.get(position)).copied().unwrap_or(&Value::Null)
}
