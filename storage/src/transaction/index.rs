//! Entries of indexes, and UNIQUE.
//!
//! An entry is the indexed values followed by the row key; its value are the columns that it carries beside (INCLUDE). Who
//! changes an entry of a unique index locks its values first, so that two transactions never judge the same values at
//! once, and a judgement made on the latest committed state and the transaction's own writes holds until it commits.

use bytes::Bytes;

use super::pending::{Event, EventKind};
use super::{Transaction, WriteOrigin};
use crate::catalog::{Catalog, IndexDef, IndexedValue, TableDef};
use crate::constraints::{self, RowContext, values_at};
use crate::error::{Error, Result};
use crate::ids::RelationId;
use crate::key::{KeyRange, RowKey, encode_ordered};
use crate::lock::{LockMode, Resource};
use crate::value::Value;
use crate::value::codec::put_values;
use crate::view::ReadView;

/// What a row has in an index.
#[derive(PartialEq, Eq)]
pub(super) struct Entry {
    /// The encoded values that it sorts by.
    pub prefix: Bytes,
    /// What it carries beside.
    payload: Bytes,
    has_null: bool,
}

impl Entry {
    /// Whether other rows may not have the same values.
    fn can_collide(&self, index: &IndexDef) -> bool {
        index.unique && (index.nulls_not_distinct || !self.has_null)
    }

    /// Its key in the index.
    pub fn key(&self, row: &RowKey) -> Bytes {
        [&self.prefix, &row.0].map(|part| &**part).concat().into()
    }
}

/// The bytes that an index has for values in the order of its keys.
pub fn encode_index_values<'a>(index: &IndexDef, values: impl IntoIterator<Item = &'a Value>) -> Result<Bytes> {
    let mut out = Vec::with_capacity(16);
    for (order, value) in index.orders().zip(values) {
        encode_ordered(value, order, &mut out)?;
    }
    Ok(out.into())
}

impl Transaction {
    /// What a new version of a row has in an index; none if the index's predicate leaves it out. What a pull brings must
    /// not fail, whatever an expression says to it.
    pub(super) fn entry_of(&self, table: &TableDef, index: &IndexDef, row: &[Value]) -> Result<Option<Entry>> {
        self.make_entry(table, index, row, self.origin == WriteOrigin::Pull)
    }

    /// What an old version of a row has in an index. What an expression of it cannot be evaluated on has no entry that
    /// matters, and must not keep the row from being changed.
    pub(super) fn old_entry_of(&self, table: &TableDef, index: &IndexDef, row: &[Value]) -> Result<Option<Entry>> {
        self.make_entry(table, index, row, true)
    }

    fn make_entry(&self, table: &TableDef, index: &IndexDef, row: &[Value], lenient: bool) -> Result<Option<Entry>> {
        let at = RowContext { catalog: &self.catalog, table, row };
        if let Some(predicate) = &index.predicate
            && !leniently(self.checker.is_true(&at, predicate), lenient, false)?
        {
            return Ok(None);
        }
        let mut prefix = Vec::with_capacity(16);
        let mut has_null = false;
        for key in &index.keys {
            let computed;
            let value = match &key.value {
                IndexedValue::Column(slot) => row.get(*slot).unwrap_or(&Value::Null),
                IndexedValue::Expression { expression, column_type } => {
                    computed = leniently(self.checker.value(&at, expression, *column_type), lenient, Value::Null)?;
                    &computed
                }
            };
            has_null |= value.is_null();
            encode_ordered(value, key.order, &mut prefix)?;
        }
        let mut payload = Vec::new();
        if !index.included.is_empty() {
            let included: Vec<Value> = values_at(row, &index.included).into_iter().cloned().collect();
            put_values(&mut payload, &included)?;
        }
        Ok(Some(Entry { prefix: prefix.into(), payload: payload.into(), has_null }))
    }

    /// The values of a row that an index sorts by.
    fn index_values(&self, table: &TableDef, index: &IndexDef, row: &[Value]) -> Result<Vec<Value>> {
        let at = RowContext { catalog: &self.catalog, table, row };
        let value = |key: &crate::catalog::IndexKey| match &key.value {
            IndexedValue::Column(slot) => Ok(row.get(*slot).cloned().unwrap_or(Value::Null)),
            IndexedValue::Expression { expression, column_type } => self.checker.value(&at, expression, *column_type),
        };
        index.keys.iter().map(value).collect()
    }

    /// The encoded values of a row under a unique index, if they can collide with another row's.
    pub(super) fn unique_prefix(&self, table: &TableDef, index: &IndexDef, row: &[Value]) -> Result<Option<Bytes>> {
        let entry = self.entry_of(table, index, row)?;
        Ok(entry.filter(|entry| entry.can_collide(index)).map(|entry| entry.prefix))
    }

    /// The values of a row under a unique index, in the order of its keys, if they can collide with another row's.
    pub fn unique_values(&self, table: &TableDef, index: &IndexDef, row: &[Value]) -> Result<Option<Vec<Value>>> {
        match self.entry_of(table, index, row)? {
            Some(entry) if entry.can_collide(index) => self.index_values(table, index, row).map(Some),
            _ => Ok(None),
        }
    }

    /// The key of the row that has the encoded values in a unique index, in its newest version: this transaction's own,
    /// else that of the (latest) view, which the statement may not see.
    pub(super) fn newest_with_prefix(
        &self,
        view: &ReadView,
        index: &IndexDef,
        prefix: &[u8],
    ) -> Result<Option<RowKey>> {
        let mut entries = self.newest_entries(view, index.space(), KeyRange::prefix(prefix))?;
        let mut found = None;
        entries.advance(&self.writes.overlay, 1, |entry, _| {
            found = Some(row_key(entry, prefix.len()));
            Ok(())
        })?;
        Ok(found)
    }

    /// Locks the unique keys that a change of a row gives up or takes, and, if asked to, judges UNIQUE for those it takes.
    pub(super) fn lock_unique_keys(
        &mut self,
        table: &TableDef,
        key: &RowKey,
        old: Option<&[Value]>,
        new: Option<&[Value]>,
        judge: bool,
    ) -> Result<()> {
        for index in table.indexes.iter().filter(|index| index.unique) {
            let old_entry = old.map(|row| self.old_entry_of(table, index, row)).transpose()?.flatten();
            let old_prefix = old_entry.filter(|entry| entry.can_collide(index)).map(|entry| entry.prefix);
            let new_prefix = new.map(|row| self.unique_prefix(table, index, row)).transpose()?.flatten();
            if old_prefix == new_prefix {
                continue;
            }
            for prefix in [&old_prefix, &new_prefix].into_iter().flatten() {
                self.locks.acquire(Resource::UniqueKey(index.id, prefix.clone()), LockMode::Exclusive)?;
            }
            if let (true, Some(prefix), Some(row)) = (judge, new_prefix, new)
                && self.has_other_entry(index, &prefix, key)?
            {
                if index.deferral.is_deferrable() {
                    let kind = EventKind::Unique(key.clone());
                    self.note(Event { table: table.id, constraint: index.id, kind });
                    continue;
                }
                let values = self.index_values(table, index, row)?;
                return Err(constraints::duplicate_in_index(table, index, &values));
            }
        }
        Ok(())
    }

    /// Judges UNIQUE for a row that is already written.
    pub(super) fn judge_unique(&mut self, table: &TableDef, key: &RowKey, row: &[Value]) -> Result<()> {
        table
            .indexes
            .iter()
            .filter(|index| index.unique)
            .try_for_each(|index| self.judge_one_unique(table, index, key, row))
    }

    /// Judges a deferrable UNIQUE for a row that had the same values as another one when it was written.
    pub(super) fn judge_deferred_unique(
        &mut self,
        catalog: &Catalog,
        table: RelationId,
        index: RelationId,
        key: &RowKey,
    ) -> Result<()> {
        let Some(table) = catalog.table_by_id(table) else { return Ok(()) };
        let Some(index) = table.indexes.iter().find(|other| other.id == index) else { return Ok(()) };
        match self.newest_row(&self.latest(), table, key)? {
            Some(row) => self.judge_one_unique(table, index, key, &row),
            None => Ok(()),
        }
    }

    fn judge_one_unique(&mut self, table: &TableDef, index: &IndexDef, key: &RowKey, row: &[Value]) -> Result<()> {
        if let Some(prefix) = self.unique_prefix(table, index, row)? {
            self.locks.acquire(Resource::UniqueKey(index.id, prefix.clone()), LockMode::Exclusive)?;
            if self.has_other_entry(index, &prefix, key)? {
                let values = self.index_values(table, index, row)?;
                return Err(constraints::duplicate_in_index(table, index, &values));
            }
        }
        Ok(())
    }

    /// Judges UNIQUE for one row and an index that is being made.
    pub(super) fn judge_in_new_index(
        &self,
        table: &TableDef,
        index: &IndexDef,
        entry: &Entry,
        key: &RowKey,
        row: &[Value],
    ) -> Result<()> {
        if !entry.can_collide(index) || !self.has_other_entry(index, &entry.prefix, key)? {
            return Ok(());
        }
        let values = self.index_values(table, index, row)?;
        Err(constraints::duplicate_in_new_index(table, index, &values))
    }

    /// Whether another row than this one has the values.
    fn has_other_entry(&self, index: &IndexDef, prefix: &[u8], key: &RowKey) -> Result<bool> {
        let mut entries = self.newest_entries(&self.latest(), index.space(), KeyRange::prefix(prefix))?;
        let mut found = false;
        // Two are enough: one of them is another row's. No value's encoding is the beginning of another's, so all
        // entries of the range have these values.
        entries.advance(&self.writes.overlay, 2, |entry, _| {
            found |= entry.get(prefix.len()..) != Some(&key.0);
            Ok(())
        })?;
        Ok(found)
    }

    /// Brings the entries of all indexes from one version of a row to another.
    pub(super) fn move_index_entries(
        &mut self,
        table: &TableDef,
        key: &RowKey,
        old: Option<&[Value]>,
        new: Option<&[Value]>,
    ) -> Result<()> {
        for index in &table.indexes {
            let old = old.map(|row| self.old_entry_of(table, index, row)).transpose()?.flatten();
            let new = new.map(|row| self.entry_of(table, index, row)).transpose()?.flatten();
            if old == new {
                continue;
            }
            let is_moved = |a: &Option<Entry>| a.as_ref().map(|entry| entry.prefix.clone());
            if let Some(entry) = &old
                && is_moved(&old) != is_moved(&new)
            {
                self.put(index.space(), entry.key(key), None)?;
            }
            if let Some(entry) = new {
                self.put(index.space(), entry.key(key), Some(entry.payload))?;
            }
        }
        Ok(())
    }

    /// Puts the entry of a row into an index that is being made.
    pub(super) fn put_index_entry(&mut self, index: &IndexDef, key: &RowKey, entry: Entry) -> Result<()> {
        self.put(index.space(), entry.key(key), Some(entry.payload))
    }
}

/// The value, or another one in its place if the expression could not be evaluated.
fn leniently<T>(value: Result<T>, lenient: bool, instead: T) -> Result<T> {
    match value {
        Err(Error::Evaluation(_)) if lenient => Ok(instead),
        value => value,
    }
}

/// The row key that stands behind the values of an entry.
pub(super) fn row_key(entry: &[u8], prefix_len: usize) -> RowKey {
    RowKey(Bytes::copy_from_slice(entry.get(prefix_len..).unwrap_or_default()))
}
