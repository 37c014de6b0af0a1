//! Rows that transactions inserted which were not merged, and what may not be merged without them.
//!
//! Another edge may have inserted a row under the same key. It is in the same life then, so that a change of the row that
//! is missing would land on the other one: what builds on an insert that was refused follows it, and what builds on that.
//! A change of a row that was there before needs nobody's insert, and goes its way.

use std::collections::HashMap;

use heliosdb_storage::sync_row::{OpKind, RowOp, TxnRecord};
use heliosdb_storage::{LocalSeq, RowKey, SyncTableId};

use crate::error::Result;

/// The rows that a node's unmerged transactions inserted.
#[derive(Default)]
pub(crate) struct Orphans(HashMap<(SyncTableId, RowKey), Orphan>);

#[derive(Clone, Copy)]
struct Orphan {
    life: u32,
    by: LocalSeq,
    /// Whether later transactions of the node saw the row.
    is_visible: bool,
}

impl Orphans {
    /// A transaction was not merged.
    pub(crate) fn add(&mut self, record: &TxnRecord, is_visible: bool) -> Result<()> {
        for op in record.ops.iter().filter(|op| is_insert(op)) {
            let orphan = Orphan { life: op.life, by: record.id.seq, is_visible };
            self.0.insert((op.table, RowKey::of_values(&op.key)?), orphan);
        }
        Ok(())
    }

    /// A transaction is or will be merged: its own inserts are no longer missing.
    pub(crate) fn remove(&mut self, record: &TxnRecord) -> Result<()> {
        if !self.0.is_empty() {
            for op in record.ops.iter().filter(|op| is_insert(op)) {
                self.0.remove(&(op.table, RowKey::of_values(&op.key)?));
            }
        }
        Ok(())
    }

    /// The transaction without which another one of the same node makes no sense, if there is one. What is visible at the
    /// node was written without seeing what is not.
    pub(crate) fn needed_by(&self, record: &TxnRecord, is_visible: bool) -> Result<Option<LocalSeq>> {
        if self.0.is_empty() {
            return Ok(None);
        }
        for op in &record.ops {
            let Some(orphan) = self.0.get(&(op.table, RowKey::of_values(&op.key)?)) else { continue };
            // An insert into the same life knew nothing of the other one.
            let builds_on_it = op.life > orphan.life || (op.life == orphan.life && !is_insert(op));
            if builds_on_it && orphan.by < record.id.seq && (orphan.is_visible || !is_visible) {
                return Ok(Some(orphan.by));
            }
        }
        Ok(None)
    }

    /// As [`Orphans::needed_by`], in words.
    pub(crate) fn reason_to_follow(&self, record: &TxnRecord, is_visible: bool) -> Result<Option<String>> {
        let needed = self.needed_by(record, is_visible)?;
        Ok(needed.map(|seq| format!("it depends on transaction {seq}, which was refused")))
    }
}

const fn is_insert(op: &RowOp) -> bool {
    matches!(op.kind, OpKind::Insert(_))
}
