//! States of rows, given by sync.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::undo::Undo;
use super::{Savepoint, Transaction, WriteOrigin};
use crate::base::Space;
use crate::catalog::TableDef;
use crate::constraints::Binding;
use crate::error::{Error, Result};
use crate::ids::RelationId;
use crate::key::RowKey;
use crate::row::{Row, Stamped};
use crate::sync_row::RowState;
use crate::view::values;

impl Transaction {
    /// The newest state of a row of a synced table: this transaction's own, else the latest committed one (not the
    /// statement's snapshot). The caller holds the row's lock.
    pub fn row_state(&self, table: &TableDef, key: &RowKey) -> Result<RowState> {
        self.newest_state(table, key)
    }

    /// Replaces the state of a row, and its index entries; on a hub also its place in the feed. Judges nothing: see
    /// [`Transaction::check_merged_rows`].
    pub fn put_row_state(&mut self, table: &Arc<TableDef>, key: &RowKey, mut state: RowState) -> Result<()> {
        self.lock_for_writing(table)?;
        // Columns of the row may come from several writers: what is computed from them follows from the whole.
        if let RowState::Alive { row, .. } = &mut state
            && table.has_generated_columns()
        {
            match self.complete_row(table, row) {
                Err(Error::Evaluation(_)) if self.origin == WriteOrigin::Pull => {}
                completed => completed?,
            }
        }
        let before = self.newest_state(table, key)?;
        if let Some(Stamped::At(stamp)) = state.newest_stamp() {
            self.writes.newest_seen = self.writes.newest_seen.max(stamp.hlc);
        }
        let old = before.row().map(Vec::as_slice);
        self.lock_unique_keys(table, key, old, state.row().map(Vec::as_slice), false)?;
        self.move_index_entries(table, key, old, state.row().map(Vec::as_slice))?;
        self.put_state(table, key, &before, state)
    }

    /// Judges UNIQUE, foreign keys (both ways), NOT NULL and those CHECKs that read no CRDT column, for all rows put since
    /// the savepoint. The first violation is the error; the caller rolls back to the savepoint.
    pub fn check_merged_rows(&mut self, since: Savepoint) -> Result<()> {
        let catalog = self.latest_catalog();
        self.writes.pending.known_parents.clear();
        for ((relation, key), puts) in self.rows_put_since(since) {
            let Some(table) = catalog.table_by_id(relation) else { continue };
            let view = self.latest();
            let new = self.newest_row(&view, table, &key)?;
            if let Some(row) = &new {
                self.judge_row(table, row, Binding::Merged)?;
                self.judge_unique(table, &key, row)?;
                self.judge_parents_of(table, row)?;
            }
            let old = self.row_before(table, &key, puts)?;
            if let Some(old) = old.filter(|old| new.as_ref() != Some(old)) {
                self.judge_children_of(table, &old)?;
            }
        }
        Ok(())
    }

    /// The rows put since the savepoint, and how often each.
    fn rows_put_since(&self, since: Savepoint) -> BTreeMap<(RelationId, RowKey), usize> {
        let mut rows = BTreeMap::new();
        for undo in self.writes.undo.get(since.undo_len..).unwrap_or_default() {
            if let Undo::Put(Space::Rows(relation), key) = undo {
                *rows.entry((*relation, RowKey(key.clone()))).or_default() += 1;
            }
        }
        rows
    }

    /// A row as it was before its newest versions, this many.
    fn row_before(&self, table: &TableDef, key: &RowKey, puts: usize) -> Result<Option<Row>> {
        let space = table.space();
        match self.writes.overlay.get_before(space, &key.0, puts) {
            Some(own) => own.map(|bytes: &Bytes| values(table, bytes)).transpose(),
            None => self.latest().get(space, &key.0, |bytes| values(table, bytes)),
        }
    }
}
