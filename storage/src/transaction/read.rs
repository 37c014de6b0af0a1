//! Reading rows, one by one and by scans.

use std::sync::Arc;

use bytes::Bytes;

use super::{Direction, Transaction};
use crate::base::Space;
use crate::catalog::TableDef;
use crate::error::{Error, Result};
use crate::ids::RelationId;
use crate::key::{KeyOrder, KeyRange, RowKey, skip_ordered};
use crate::merge_cursor::{MergeCursor, Sees};
use crate::overlay::Overlay;
use crate::row::{Row, Selection};
use crate::transaction::entry_columns::EntryColumns;
use crate::view::{ReadView, Snapshot, values};

/// A scan over the rows of a table, or over the entries of an index; holds no borrow of the transaction, so that portals
/// can keep it. Sees what was committed when its statement began, and what this transaction wrote in earlier commands.
pub struct ScanCursor {
    table: Arc<TableDef>,
    view: Arc<ReadView>,
    entries: MergeCursor,
    sees: Sees,
    /// Of an index scan: the orders of the values that stand before the row key in an entry.
    indexed: Option<Vec<KeyOrder>>,
}

impl ScanCursor {
    /// Appends up to `max` rows with their keys (for an index scan: the rows that the entries point to); false when the
    /// scan is at its end.
    pub fn next_rows(&mut self, txn: &Transaction, max: usize, out: &mut Vec<(RowKey, Row)>) -> Result<bool> {
        self.advance(txn, max, |table, key, bytes| {
            out.push((RowKey(Bytes::copy_from_slice(key)), values(table, bytes)?));
            Ok(())
        })
    }

    /// Appends the wanted columns of up to `max` rows; false when the scan is at its end.
    pub fn next_columns(
        &mut self,
        txn: &Transaction,
        columns: &Selection,
        max: usize,
        out: &mut Vec<Row>,
    ) -> Result<bool> {
        self.advance(txn, max, |table, _, bytes| {
            out.push(columns.read(table, bytes)?);
            Ok(())
        })
    }

    /// The same with the rows' keys.
    pub fn next_keyed_columns(
        &mut self,
        txn: &Transaction,
        columns: &Selection,
        max: usize,
        out: &mut Vec<(RowKey, Row)>,
    ) -> Result<bool> {
        self.advance(txn, max, |table, key, bytes| {
            out.push((RowKey(Bytes::copy_from_slice(key)), columns.read(table, bytes)?));
            Ok(())
        })
    }

    /// Appends up to `max` entries of an index as rows of the values that they say.
    pub fn next_entries(
        &mut self,
        txn: &Transaction,
        entry: &EntryColumns,
        max: usize,
        out: &mut Vec<Row>,
    ) -> Result<bool> {
        txn.locks.check()?;
        self.entries.advance(&txn.writes.overlay, max, |key, payload| {
            out.push(entry.read(key, payload)?);
            Ok(())
        })
    }

    /// Appends the row keys of up to `max` entries.
    pub fn next_keys(&mut self, txn: &Transaction, max: usize, out: &mut Vec<RowKey>) -> Result<bool> {
        txn.locks.check()?;
        let Self { entries, indexed, .. } = self;
        entries.advance(&txn.writes.overlay, max, |entry, _| {
            out.push(match indexed {
                Some(orders) => row_key_of_entry(entry, orders)?,
                None => RowKey(Bytes::copy_from_slice(entry)),
            });
            Ok(())
        })
    }

    /// Calls the function on the keys and bytes of up to `max` rows.
    fn advance(
        &mut self,
        txn: &Transaction,
        max: usize,
        mut each: impl FnMut(&TableDef, &[u8], &[u8]) -> Result<()>,
    ) -> Result<bool> {
        txn.locks.check()?;
        let overlay = &txn.writes.overlay;
        let Self { table, view, entries, sees, indexed } = self;
        let Some(orders) = indexed else {
            return entries.advance(overlay, max, |key, bytes| each(table, key, bytes));
        };
        let space = table.space();
        let rows = view.space(space)?;
        let has_own = overlay.has_writes_to(space);
        entries.advance(overlay, max, |entry, _| {
            let start = skip_ordered(entry, orders.iter().copied())?;
            let key = entry.get(start..).unwrap_or_default();
            let own = if has_own { overlay.get(space, key, *sees) } else { None };
            let found = match (own, &rows) {
                (Some(own), _) => own.map(|bytes| each(table, key, bytes)).transpose()?,
                (None, Some(rows)) => rows.get(key, |bytes| each(table, key, bytes))?,
                (None, None) => None,
            };
            found.ok_or_else(|| Error::corrupt(format!("table {}", table.name), "an index entry without a row"))
        })
    }
}

/// The row key at the end of an index entry.
pub(super) fn row_key_of_entry(entry: &[u8], orders: &[KeyOrder]) -> Result<RowKey> {
    let start = skip_ordered(entry, orders.iter().copied())?;
    Ok(RowKey(Bytes::copy_from_slice(entry.get(start..).unwrap_or_default())))
}

/// A row of the overlay over the view.
fn read(
    view: &ReadView,
    overlay: &Overlay,
    sees: Sees,
    table: &TableDef,
    key: &RowKey,
    decode: impl Fn(&[u8]) -> Result<Row>,
) -> Result<Option<Row>> {
    let space = table.space();
    match overlay.get(space, &key.0, sees) {
        Some(own) => own.map(|bytes| decode(bytes)).transpose(),
        None => view.get(space, &key.0, decode),
    }
}

impl Transaction {
    /// The committed state that the statement sees, without what this transaction has written.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { view: Arc::clone(&self.view) }
    }

    /// How many rows of a table this transaction has written, roughly: for estimates.
    pub fn rows_written(&self, table: &TableDef) -> u64 {
        u64::try_from(self.writes.overlay.written_keys(table.space())).unwrap_or(u64::MAX)
    }

    /// A row by its key, as the statement sees it.
    pub fn get(&self, table: &TableDef, key: &RowKey) -> Result<Option<Row>> {
        self.locks.check()?;
        let sees = Sees::Before(self.command);
        read(&self.view, &self.writes.overlay, sees, table, key, |bytes| values(table, bytes))
    }

    /// The wanted columns of a row by its key.
    pub fn get_columns(&self, table: &TableDef, key: &RowKey, columns: &Selection) -> Result<Option<Row>> {
        self.locks.check()?;
        let sees = Sees::Before(self.command);
        read(&self.view, &self.writes.overlay, sees, table, key, |bytes| columns.read(table, bytes))
    }

    /// A scan over a table's rows in key order.
    pub fn scan(&self, table: &Arc<TableDef>, range: KeyRange, direction: Direction) -> Result<ScanCursor> {
        self.open_scan(table, table.space(), None, range, direction)
    }

    /// A scan over a table's rows in the order of one of its indexes.
    pub fn scan_index(
        &self,
        table: &Arc<TableDef>,
        index: RelationId,
        range: KeyRange,
        direction: Direction,
    ) -> Result<ScanCursor> {
        let definition =
            table.indexes.iter().find(|definition| definition.id == index).ok_or(Error::NoSuchRelation(index))?;
        let orders = definition.orders().collect();
        self.open_scan(table, definition.space(), Some(orders), range, direction)
    }

    fn open_scan(
        &self,
        table: &Arc<TableDef>,
        space: Space,
        indexed: Option<Vec<KeyOrder>>,
        range: KeyRange,
        direction: Direction,
    ) -> Result<ScanCursor> {
        self.locks.check()?;
        let sees = Sees::Before(self.command);
        let entries = MergeCursor::new(&self.view, &self.writes.overlay, space, range, direction, sees)?;
        Ok(ScanCursor { table: Arc::clone(table), view: Arc::clone(&self.view), entries, sees, indexed })
    }

    /// The newest value under a key: this transaction's own, or that of the (latest) view.
    pub(super) fn newest<T>(
        &self,
        view: &ReadView,
        space: Space,
        key: &[u8],
        read: impl FnOnce(&[u8]) -> Result<T>,
    ) -> Result<Option<T>> {
        match self.writes.overlay.get(space, key, Sees::Newest) {
            Some(own) => own.map(|bytes| read(bytes)).transpose(),
            None => view.get(space, key, read),
        }
    }

    /// The newest version of a row.
    pub(super) fn newest_row(&self, view: &ReadView, table: &TableDef, key: &RowKey) -> Result<Option<Row>> {
        self.newest(view, table.space(), &key.0, |bytes| values(table, bytes))
    }

    /// A walk over the newest versions of a space.
    pub(super) fn newest_entries(&self, view: &ReadView, space: Space, range: KeyRange) -> Result<MergeCursor> {
        MergeCursor::new(view, &self.writes.overlay, space, range, Direction::Forward, Sees::Newest)
    }
}
