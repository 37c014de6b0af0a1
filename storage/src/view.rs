//! What readers see.
//!
//! A `ReadView` is the committed state after one group of commits: one read transaction of the base, which all readers
//! share, with the catalog and the identity of the same moment. The sequencer swaps it after each group. Old pages live
//! as long as somebody holds the view.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::RwLock;

use crate::base::{BaseRead, BaseTable, Space};
use crate::catalog::{Catalog, TableDef};
use crate::error::Result;
use crate::ids::{CommitSeq, LocalSeq};
use crate::key::{KeyRange, RowKey};
use crate::merge_cursor::{MergeCursor, Sees};
use crate::meta::{Head, OutboxCounts};
use crate::overlay::Overlay;
use crate::row::{self, Row, RowMeta};
use crate::sync_row::{Identity, Internal, RowState, Tombstone, keys};
use crate::transaction::Direction;

/// The committed state after one group of commits.
pub(crate) struct ReadView {
    read: BaseRead,
    /// Spaces opened so far; none for those that do not exist.
    opened: RwLock<HashMap<Space, Option<Arc<BaseTable>>>>,
    pub(crate) head: Head,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) identity: Arc<Identity>,
}

impl ReadView {
    pub(crate) fn new(read: BaseRead, head: Head, catalog: Arc<Catalog>, identity: Arc<Identity>) -> Self {
        Self { read, opened: RwLock::default(), head, catalog, identity }
    }

    /// A space as of this view; none if nothing was ever written to it.
    pub(crate) fn space(&self, space: Space) -> Result<Option<Arc<BaseTable>>> {
        if let Some(table) = self.opened.read().get(&space) {
            return Ok(table.clone());
        }
        let table = self.read.open(space)?.map(Arc::new);
        self.opened.write().insert(space, table.clone());
        Ok(table)
    }

    /// Calls the function on a value, in place.
    pub(crate) fn get<T>(&self, space: Space, key: &[u8], read: impl FnOnce(&[u8]) -> Result<T>) -> Result<Option<T>> {
        if let Some(table) = self.opened.read().get(&space) {
            return table.as_ref().map_or(Ok(None), |table| table.get(key, read));
        }
        self.space(space)?.map_or(Ok(None), |table| table.get(key, read))
    }

    /// The state of a row of a synced table.
    pub(crate) fn row_state(&self, table: &TableDef, key: &RowKey) -> Result<RowState> {
        let row = self.get(table.space(), &key.0, |bytes| row::decode(table, bytes))?;
        if let Some((row, meta)) = row {
            return Ok(RowState::Alive { row, meta: meta.unwrap_or_default() });
        }
        let Some(sync_id) = table.sync_id else { return Ok(RowState::Absent) };
        let key = keys::row(sync_id, key);
        let tombstone = self.get(Space::Internal(Internal::Tombstones), &key, Tombstone::decode)?;
        Ok(tombstone.map_or(RowState::Absent, RowState::Dead))
    }
}

/// The values of an encoded row.
pub(crate) fn values(table: &TableDef, bytes: &[u8]) -> Result<Row> {
    row::decode_values(table, bytes)
}

/// The committed state at one moment. Cheap to clone; holds nothing up but the pages it may still read.
#[derive(Clone)]
pub struct Snapshot {
    pub(crate) view: Arc<ReadView>,
}

impl Snapshot {
    /// The last commit this snapshot sees.
    pub fn seq(&self) -> CommitSeq {
        self.view.head.seq
    }

    /// The catalog at this moment.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.view.catalog
    }

    /// Who this node was at this moment.
    pub fn identity(&self) -> &Identity {
        &self.view.identity
    }

    /// The last position given in the outbox.
    pub fn last_local_seq(&self) -> LocalSeq {
        self.view.head.local_seq
    }

    /// How much is in the outbox.
    pub fn outbox_counts(&self) -> OutboxCounts {
        self.view.head.outbox
    }

    /// A row by its key.
    pub fn get(&self, table: &TableDef, key: &RowKey) -> Result<Option<Row>> {
        self.view.get(table.space(), &key.0, |bytes| values(table, bytes))
    }

    /// How many rows a table has.
    pub fn row_count(&self, table: &TableDef) -> Result<u64> {
        self.view.space(table.space())?.map_or(Ok(0), |rows| rows.len())
    }

    /// The state of a row of a synced table.
    pub fn row_state(&self, table: &TableDef, key: &RowKey) -> Result<RowState> {
        self.view.row_state(table, key)
    }

    /// The rows of a table in key order, with their trailers.
    pub fn scan(&self, table: &Arc<TableDef>, range: &KeyRange, direction: Direction) -> Result<SnapshotScan> {
        let space = table.space();
        let entries = match self.view.space(space)? {
            Some(opened) => Some(opened.range(range, direction)?),
            None => None,
        };
        Ok(SnapshotScan { table: Arc::clone(table), entries, _view: Arc::clone(&self.view) })
    }

    /// A value of an internal relation.
    pub fn internal_get(&self, relation: Internal, key: &[u8]) -> Result<Option<Bytes>> {
        self.view.get(Space::Internal(relation), key, |bytes| Ok(Bytes::copy_from_slice(bytes)))
    }

    /// Up to `limit` entries of a range of an internal relation.
    pub fn internal_scan(&self, relation: Internal, range: KeyRange, limit: usize) -> Result<Vec<(Bytes, Bytes)>> {
        scan_internal(&self.view, &Overlay::default(), relation, range, limit)
    }
}

/// Up to `limit` entries of an internal relation: the newest of the overlay over the view.
pub(crate) fn scan_internal(
    view: &ReadView,
    overlay: &Overlay,
    relation: Internal,
    range: KeyRange,
    limit: usize,
) -> Result<Vec<(Bytes, Bytes)>> {
    let space = Space::Internal(relation);
    let mut cursor = MergeCursor::new(view, overlay, space, range, Direction::Forward, Sees::Newest)?;
    let mut found = Vec::new();
    cursor.advance(overlay, limit, |key, value| {
        found.push((Bytes::copy_from_slice(key), Bytes::copy_from_slice(value)));
        Ok(())
    })?;
    Ok(found)
}

/// An iterator over the rows of a table at one moment.
pub struct SnapshotScan {
    table: Arc<TableDef>,
    entries: Option<crate::base::BaseRange>,
    _view: Arc<ReadView>,
}

impl Iterator for SnapshotScan {
    type Item = Result<(RowKey, Row, Option<RowMeta>)>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.entries.as_mut()?.next()?;
        Some(entry.and_then(|entry| {
            let (row, meta) = row::decode(&self.table, entry.value())?;
            Ok((RowKey(Bytes::copy_from_slice(entry.key())), row, meta))
        }))
    }
}
