//! The end of a transaction.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{Transaction, WriteOrigin};
use crate::base::Space;
use crate::constraints::values_at;
use crate::error::{Error, Result};
use crate::ids::SyncTableId;
use crate::key::RowKey;
use crate::merge_cursor::Sees;
use crate::row::ChangedAt;
use crate::sequencer::{CommitInfo, CommitRequest, Outgoing};
use crate::sync_row::op::encoded_len;
use crate::sync_row::{Internal, OpKind, Role, RowOp, RowState, Tombstone, apply_now, coalesce, keys};

/// Bytes of the operations of one transaction in the outbox; a larger one could not travel in one message, and would hold
/// up all that come after it.
const MAX_OUTGOING_BYTES: usize = 24 << 20;

impl Transaction {
    /// Makes everything durable and visible; returns when both are so. None if nothing was written.
    pub fn commit(mut self) -> Result<Option<CommitInfo>> {
        self.judge_deferred()?;
        self.locks.check()?;
        // Tables made since the last statement began may have been written to.
        self.catalog = self.latest_catalog();
        let outgoing = self.finish_operations()?;
        self.settle_rows_of_hub()?;
        let feed = self.finish_feed();
        let catalog = Arc::clone(&self.catalog);
        let writes = std::mem::take(&mut self.writes);
        let (spaces, dropped) = writes.overlay.into_writes(|space| match space {
            // The rows of a synced table are always under the table's own id.
            Space::Rows(relation) => catalog.table_by_id(relation).is_some_and(|table| table.is_synced()),
            Space::Internal(relation) => relation == Internal::Tombstones,
            Space::Index(_) => false,
        });
        let request = CommitRequest {
            writes: spaces,
            dropped,
            catalog: catalog.is_private.then_some(catalog),
            identity: writes.identity,
            outgoing,
            feed,
            skip_local_seq_to: writes.skip_local_seq_to,
            changed_synced: writes.changes_synced,
        };
        if request.is_empty() {
            return Ok(None);
        }
        self.store.sequencer.observe(writes.newest_seen);
        self.locks.begin_commit()?;
        // The locks go with `self`, after the commit is visible.
        self.store.sequencer.commit(request).map(Some)
    }

    /// Undoes everything.
    pub fn rollback(self) {}

    /// One operation a row; rows that are as they were before are taken out of everything.
    fn finish_operations(&mut self) -> Result<Option<Outgoing>> {
        if self.writes.ops.is_empty() || self.origin != WriteOrigin::Local {
            return Ok(None);
        }
        let noted = std::mem::take(&mut self.writes.ops);
        let mut touched: HashMap<(SyncTableId, RowKey), usize> = HashMap::new();
        for op in &noted {
            *touched.entry((op.table, RowKey::of_values(&op.key)?)).or_default() += 1;
        }
        let ops = coalesce(noted)?;
        for op in &ops {
            let row = (op.table, RowKey::of_values(&op.key)?);
            let count = touched.remove(&row).unwrap_or_default();
            if count > 1 && op.kind == OpKind::Delete {
                self.settle_deleted(op, &row.1)?;
            }
        }
        for (table, key) in touched.into_keys() {
            self.forget_row(table, &key);
        }
        if ops.is_empty() {
            self.writes.changes_synced = false;
            return Ok(None);
        }
        let bytes = encoded_len(&ops)?;
        if bytes > MAX_OUTGOING_BYTES {
            return Err(Error::LimitExceeded(format!(
                "a transaction may change at most {MAX_OUTGOING_BYTES} bytes of synced tables, this one changes {bytes}"
            )));
        }
        let schema_version = self.catalog.schema_version;
        Ok(Some(Outgoing { cursor: self.oldest_cursor, run: self.store.run, schema_version, ops }))
    }

    /// A row that went, perhaps came back, and went: what remains of it is of the life that ended first, as the hub will
    /// see it.
    fn settle_deleted(&mut self, op: &RowOp, key: &RowKey) -> Result<()> {
        let Some(table) = self.catalog.table_by_sync_id(op.table).cloned() else { return Ok(()) };
        let mut state = self.latest().row_state(&table, key)?;
        apply_now(&table, &mut state, op.life, &op.kind);
        let before = self.newest_state(&table, key)?;
        self.put_state(&table, key, &before, state)
    }

    /// A row that came and went within this transaction: as if it had never been.
    fn forget_row(&mut self, table: SyncTableId, key: &RowKey) {
        let Some(space) = self.catalog.table_by_sync_id(table).map(|table| table.space()) else { return };
        let internal_key = keys::row(table, key);
        let overlay = &mut self.writes.overlay;
        overlay.forget(space, &key.0);
        overlay.forget(Space::Internal(Internal::Tombstones), &internal_key);
        overlay.forget(Space::Internal(Internal::SyncBase), &internal_key);
    }

    /// The same for a client's transaction on a hub, where no operations are noted: nobody else may ever hear of a life that
    /// began and ended within it, because that would end the life of the same number that an edge began meanwhile.
    fn settle_rows_of_hub(&mut self) -> Result<()> {
        if self.origin != WriteOrigin::Local || self.identity().role != Role::Hub {
            return Ok(());
        }
        let rows: HashSet<(SyncTableId, RowKey)> = self.writes.feed.iter().cloned().collect();
        for (sync_id, key) in rows {
            let tombstones = Space::Internal(Internal::Tombstones);
            let tombstone = self.writes.overlay.get(tombstones, &keys::row(sync_id, &key), Sees::Newest).flatten();
            let Some(tombstone) = tombstone.map(|bytes| Tombstone::decode(bytes)).transpose()? else { continue };
            let Some(table) = self.catalog.table_by_sync_id(sync_id).cloned() else { continue };
            match self.latest().row_state(&table, &key)? {
                RowState::Alive { meta, .. } if meta.life == tombstone.life => {}
                RowState::Alive { row, meta } => {
                    let life = meta.life;
                    let key_values = values_at(&row, &table.primary_key).into_iter().cloned().collect();
                    let op = RowOp { table: sync_id, key: key_values, life, kind: OpKind::Delete };
                    self.settle_deleted(&op, &key)?;
                }
                before => {
                    self.forget_row(sync_id, &key);
                    if let ChangedAt::At(seq) = before.changed_at() {
                        let feed = Space::Internal(Internal::Feed);
                        self.writes.overlay.forget(feed, &keys::feed(seq, sync_id, &key));
                    }
                }
            }
        }
        Ok(())
    }

    /// The rows that are to be found in the feed under this commit: those that are something, each once.
    fn finish_feed(&mut self) -> Vec<(SyncTableId, RowKey)> {
        let mut seen = HashSet::new();
        let noted = std::mem::take(&mut self.writes.feed);
        let overlay = &self.writes.overlay;
        let is_something = |(table, key): &(SyncTableId, RowKey)| {
            let Some(space) = self.catalog.table_by_sync_id(*table).map(|table| table.space()) else { return false };
            let row = overlay.get(space, &key.0, Sees::Newest).flatten();
            let tombstones = Space::Internal(Internal::Tombstones);
            row.is_some() || overlay.get(tombstones, &keys::row(*table, key), Sees::Newest).flatten().is_some()
        };
        noted.into_iter().filter(|row| is_something(row) && seen.insert(row.clone())).collect()
    }
}

impl CommitRequest {
    fn is_empty(&self) -> bool {
        self.writes.iter().all(|writes| writes.entries.is_empty())
            && self.dropped.is_empty()
            && self.catalog.is_none()
            && self.identity.is_none()
            && self.outgoing.is_none()
            && self.skip_local_seq_to.0 == 0
    }
}
