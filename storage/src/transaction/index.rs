//! Entries of indexes, and UNIQUE.
//!
//! An entry is the indexed values followed by the row key, without a value. Who changes an entry of a unique index locks
//! its values first, so that two transactions never judge the same values at once, and a judgement made on the latest
//! committed state and the transaction's own writes holds until it commits.

use bytes::Bytes;

use super::Transaction;
use crate::base::Space;
use crate::catalog::{IndexDef, TableDef};
use crate::constraints::{self, values_at};
use crate::error::Result;
use crate::key::{KeyRange, RowKey, encode_tuple};
use crate::lock::{LockMode, Resource};
use crate::value::Value;
use crate::view::ReadView;

/// The encoded values of a row that an index sorts by.
pub(super) fn index_prefix(index: &IndexDef, row: &[Value]) -> Result<Bytes> {
    encode_tuple(values_at(row, &index.slots))
}

/// An entry of an index.
pub(super) fn entry(prefix: &[u8], key: &RowKey) -> Bytes {
    [prefix, &key.0].concat().into()
}

/// Whether the values of a row can collide with others: NULLs never do.
pub(super) fn can_collide(index: &IndexDef, row: &[Value]) -> bool {
    index.unique && values_at(row, &index.slots).iter().all(|value| !value.is_null())
}

impl Transaction {
    /// The key of the row that has the encoded values in a unique index, in its newest version: this transaction's own,
    /// else that of the (latest) view, which the statement may not see.
    pub(super) fn newest_with_prefix(
        &self,
        view: &ReadView,
        index: &IndexDef,
        prefix: &[u8],
    ) -> Result<Option<RowKey>> {
        let mut entries = self.newest_entries(view, Space::Index(index.id), KeyRange::prefix(prefix))?;
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
            let old_prefix =
                old.filter(|row| can_collide(index, row)).map(|row| index_prefix(index, row)).transpose()?;
            let new_prefix =
                new.filter(|row| can_collide(index, row)).map(|row| index_prefix(index, row)).transpose()?;
            if old_prefix == new_prefix {
                continue;
            }
            for prefix in [&old_prefix, &new_prefix].into_iter().flatten() {
                self.locks.acquire(Resource::UniqueKey(index.id, prefix.clone()), LockMode::Exclusive)?;
            }
            if let (true, Some(prefix), Some(row)) = (judge, new_prefix, new)
                && self.has_other_entry(index, &prefix, key)?
            {
                return Err(constraints::duplicate(table, &index.name, &index.slots, row));
            }
        }
        Ok(())
    }

    /// Judges UNIQUE for a row that is already written.
    pub(super) fn judge_unique(&mut self, table: &TableDef, key: &RowKey, row: &[Value]) -> Result<()> {
        for index in &table.indexes {
            if !can_collide(index, row) {
                continue;
            }
            let prefix = index_prefix(index, row)?;
            self.locks.acquire(Resource::UniqueKey(index.id, prefix.clone()), LockMode::Exclusive)?;
            if self.has_other_entry(index, &prefix, key)? {
                return Err(constraints::duplicate(table, &index.name, &index.slots, row));
            }
        }
        Ok(())
    }

    /// Whether another row than this one has the values.
    pub(super) fn has_other_entry(&self, index: &IndexDef, prefix: &[u8], key: &RowKey) -> Result<bool> {
        let mut entries = self.newest_entries(&self.latest(), Space::Index(index.id), KeyRange::prefix(prefix))?;
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
            let old_prefix = old.map(|row| index_prefix(index, row)).transpose()?;
            let new_prefix = new.map(|row| index_prefix(index, row)).transpose()?;
            if old_prefix == new_prefix {
                continue;
            }
            let space = Space::Index(index.id);
            if let Some(prefix) = old_prefix {
                self.put(space, entry(&prefix, key), None)?;
            }
            if let Some(prefix) = new_prefix {
                self.put(space, entry(&prefix, key), Some(Bytes::new()))?;
            }
        }
        Ok(())
    }
}

/// The row key that stands behind the values of an entry.
pub(super) fn row_key(entry: &[u8], prefix_len: usize) -> RowKey {
    RowKey(Bytes::copy_from_slice(entry.get(prefix_len..).unwrap_or_default()))
}
