//! What a local change of a synced table leaves for sync.
//!
//! - On an edge: H, the hub's state of the row, is kept in `sync_base` before the first change; the operation goes to the
//!   outbox at COMMIT.
//! - On a hub: the row's place in the feed moves to this commit.
//!
//! Either way the row gets the stamp of the commit that is being made.

use bytes::Bytes;

use super::undo::Undo;
use super::{Transaction, WriteOrigin};
use crate::base::Space;
use crate::catalog::TableDef;
use crate::constraints::values_at;
use crate::error::{Error, Result};
use crate::ids::SyncTableId;
use crate::key::RowKey;
use crate::row::{self, ChangedAt, RowMeta};
use crate::sync_row::{Applied, Internal, OpKind, Role, RowOp, RowState, apply_now, keys};
use crate::value::Value;

const SYNC_BASE: Space = Space::Internal(Internal::SyncBase);
const TOMBSTONES: Space = Space::Internal(Internal::Tombstones);
const FEED: Space = Space::Internal(Internal::Feed);

impl Transaction {
    /// Applies a client's change to a row of a synced table. Indexes are the caller's.
    pub(super) fn write_synced(&mut self, table: &TableDef, key: &RowKey, row: &[Value], kind: OpKind) -> Result<()> {
        let sync_id = sync_id_of(table)?;
        let before = self.newest_state(table, key)?;
        let life = if matches!(kind, OpKind::Insert(_)) {
            let next = before.life().checked_add(1);
            next.ok_or_else(|| Error::LimitExceeded("a row cannot be inserted again so often".to_owned()))?
        } else {
            before.life()
        };
        if self.identity().role == Role::Edge && self.origin == WriteOrigin::Local {
            self.keep_base(table, sync_id, key, &before)?;
            let key_values = values_at(row, &table.primary_key).into_iter().cloned().collect();
            self.writes.ops.push(RowOp { table: sync_id, key: key_values, life, kind: kind.clone() });
            self.writes.undo.push(Undo::Op);
        }
        let mut after = before.clone();
        match apply_now(table, &mut after, life, &kind) {
            Applied::Changed => self.put_state(table, key, &before, after),
            outcome => {
                Err(Error::corrupt(format!("table {}", table.name), format!("a change was not taken: {outcome:?}")))
            }
        }
    }

    /// Keeps the hub's state of a row that has no pending changes yet.
    fn keep_base(&mut self, table: &TableDef, sync_id: SyncTableId, key: &RowKey, state: &RowState) -> Result<()> {
        if self.writes.ops.is_empty() {
            self.judge_queue()?;
        }
        let base_key = keys::row(sync_id, key);
        if self.newest(&self.latest(), SYNC_BASE, &base_key, |_| Ok(()))?.is_none() {
            let base = state.encode(table)?;
            self.put(SYNC_BASE, base_key, Some(base.into()))?;
        }
        Ok(())
    }

    fn judge_queue(&self) -> Result<()> {
        let pending = self.latest().head.outbox.pending_transactions;
        let capacity = self.store.queue_capacity;
        if pending >= capacity { Err(Error::QueueFull { pending, capacity }) } else { Ok(()) }
    }

    /// The newest state of a row.
    pub(super) fn newest_state(&self, table: &TableDef, key: &RowKey) -> Result<RowState> {
        let view = self.latest();
        let row = self.newest(&view, table.space(), &key.0, |bytes| row::decode(table, bytes))?;
        if let Some((row, meta)) = row {
            return Ok(RowState::Alive { row, meta: meta.unwrap_or_default() });
        }
        let tombstone_key = keys::row(sync_id_of(table)?, key);
        let tombstone = self.newest(&view, TOMBSTONES, &tombstone_key, crate::sync_row::Tombstone::decode)?;
        Ok(tombstone.map_or(RowState::Absent, RowState::Dead))
    }

    /// The bytes of a row; what a client writes must be able to travel.
    fn encode_row(&self, table: &TableDef, row: &[Value], meta: &RowMeta) -> Result<Vec<u8>> {
        let bytes = row::encode(table, row, Some(meta))?;
        if bytes.len() > MAX_ROW_BYTES && self.origin == WriteOrigin::Local {
            return Err(Error::LimitExceeded(format!(
                "a row of synced table \"{}\" may have at most {MAX_ROW_BYTES} bytes, this one has {}",
                table.name,
                bytes.len()
            )));
        }
        Ok(bytes)
    }

    /// Replaces the state of a row, and on a hub its place in the feed.
    pub(super) fn put_state(
        &mut self,
        table: &TableDef,
        key: &RowKey,
        before: &RowState,
        mut after: RowState,
    ) -> Result<()> {
        let sync_id = sync_id_of(table)?;
        self.writes.changes_synced = true;
        if self.identity().role == Role::Hub {
            if let ChangedAt::At(seq) = before.changed_at() {
                self.put(FEED, keys::feed(seq, sync_id, key), None)?;
            }
            after.set_changed_at(ChangedAt::ThisCommit);
            self.writes.feed.push((sync_id, key.clone()));
            self.writes.undo.push(Undo::Feed);
        } else {
            after.set_changed_at(ChangedAt::Never);
        }
        let (row, tombstone) = match &after {
            RowState::Absent => (None, None),
            RowState::Alive { row, meta } => (Some(self.encode_row(table, row, meta)?), None),
            RowState::Dead(tombstone) => (None, Some(tombstone.encode()?)),
        };
        if row.is_some() || before.is_alive() {
            self.put(table.space(), key.0.clone(), row.map(Bytes::from))?;
        }
        if tombstone.is_some() || matches!(before, RowState::Dead(_)) {
            self.put(TOMBSTONES, keys::row(sync_id, key), tombstone.map(Bytes::from))?;
        }
        Ok(())
    }
}

/// Bytes of a row of a synced table; a larger one could not travel in one message.
const MAX_ROW_BYTES: usize = 16 << 20;

/// The id that a synced table has on all nodes.
pub(super) fn sync_id_of(table: &TableDef) -> Result<SyncTableId> {
    table.sync_id.ok_or_else(|| Error::NotAllowedHere(format!("table \"{}\" is not synced", table.name)))
}
