//! The outbox of an edge: its own transactions that the hub's state does not cover yet, and for a while those it does.

use super::TxnRecord;
use super::op::TxnDigest;

/// A transaction in the outbox.
#[derive(Clone, PartialEq, Debug)]
pub struct OutboxEntry {
    /// What travels.
    pub txn: TxnRecord,
    /// Its digest, computed at commit.
    pub digest: TxnDigest,
    /// How far it has come.
    pub state: OutboxState,
}

/// How far an entry has come. All but `Covered` and `SetAside` are part of P.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OutboxState {
    /// Not acknowledged.
    Pending,
    /// Merged by the hub, but the rows installed here do not show it yet.
    Acknowledged,
    /// Shown by the rows installed here; kept for `sync.retain_acked` in case the hub loses its memory.
    Covered,
    /// Refused by the hub for good; waits for a person.
    Dead {
        /// Why.
        reason: String,
        /// Milliseconds since the Unix epoch.
        failed_at_millis: u64,
    },
    /// Pending, but taken out of the visible rows because a pulled row has the unique key it wanted; the hub decides.
    SetAside,
}
