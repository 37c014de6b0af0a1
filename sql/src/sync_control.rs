//! What SQL asks of the sync worker. The server wires the two together, because this crate does not know sync.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::error::{Result, SqlError, SqlState};

/// What the node's sync worker (edge) or hub (cloud) reports and does. All calls may block;
/// those that wait for the network end with 57014 once their flag is set.
pub trait SyncControl: Send + Sync {
    /// The volatile part of `sync.status`; the rest comes from the store.
    fn status(&self) -> SyncStatus;
    /// How many transactions may wait in the outbox, as configured.
    fn queue_capacity(&self) -> Option<u64> {
        None
    }
    /// Pushes and pulls once, now.
    fn sync_now(&self, cancel: &AtomicBool) -> Result<SyncSummary>;
    /// True once all that was committed here before the call is acknowledged and all that the hub then held is applied
    /// here; false at the timeout; 55000 when paused or standalone.
    fn wait_for_sync(&self, timeout: Duration, cancel: &AtomicBool) -> Result<bool>;
    /// Stops pushing and pulling until resumed; survives restarts.
    fn pause(&self) -> Result<()>;
    /// Ends a pause.
    fn resume(&self) -> Result<()>;
    /// A token with which edges enrol (on a cloud only).
    fn create_enrollment_token(&self, node_glob: &str, attributes: &str, valid: Duration, uses: u32) -> Result<String>;
    /// Queues a dead letter again; false if there is none of that number.
    fn retry_dead_letter(&self, local_seq: i64) -> Result<bool>;
    /// Gives a dead letter up: its changes vanish from this node too. False if there is none of that number.
    fn discard_dead_letter(&self, local_seq: i64) -> Result<bool>;
}

/// The volatile part of `sync.status`.
#[derive(Clone, Debug, Default)]
pub struct SyncStatus {
    /// The node's id.
    pub node_id: String,
    /// `edge` or `cloud`.
    pub mode: &'static str,
    /// The tenant: also the database's name.
    pub tenant: String,
    /// standalone, online, offline or paused.
    pub state: &'static str,
    /// excellent, good, poor or offline.
    pub network: &'static str,
    /// Microseconds since 2000-01-01 UTC.
    pub last_sync_at: Option<i64>,
    /// The last failure, if nothing has succeeded since.
    pub last_error: Option<String>,
    /// This node's clock against the hub's.
    pub clock_offset_ms: Option<i64>,
    /// The version of the sync protocol.
    pub protocol_version: i32,
}

/// What one round of sync did: the row of `sync.sync_now()`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SyncSummary {
    /// Transactions that the hub acknowledged.
    pub pushed_transactions: i64,
    /// Transactions (of others) whose effects were installed.
    pub pulled_transactions: i64,
    /// Bytes sent.
    pub bytes_sent: i64,
    /// Bytes received.
    pub bytes_received: i64,
    /// Bytes that compression saved.
    pub bytes_saved: i64,
    /// Conflicts found.
    pub conflicts: i64,
    /// How long it took.
    pub duration_ms: i64,
}

impl SyncSummary {
    /// Its columns, in their order.
    pub const fn columns(self) -> [i64; 7] {
        [
            self.pushed_transactions,
            self.pulled_transactions,
            self.bytes_sent,
            self.bytes_received,
            self.bytes_saved,
            self.conflicts,
            self.duration_ms,
        ]
    }
}

/// A node that never syncs, for tests and embedding.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSync;

impl SyncControl for NoSync {
    fn status(&self) -> SyncStatus {
        SyncStatus {
            node_id: "local".to_owned(),
            mode: "edge",
            tenant: "helios".to_owned(),
            state: "standalone",
            network: "offline",
            protocol_version: 1,
            ..SyncStatus::default()
        }
    }

    fn sync_now(&self, _cancel: &AtomicBool) -> Result<SyncSummary> {
        Err(standalone())
    }

    fn wait_for_sync(&self, _timeout: Duration, _cancel: &AtomicBool) -> Result<bool> {
        Err(standalone())
    }

    fn pause(&self) -> Result<()> {
        Err(standalone())
    }

    fn resume(&self) -> Result<()> {
        Err(standalone())
    }

    fn create_enrollment_token(&self, _: &str, _: &str, _: Duration, _: u32) -> Result<String> {
        Err(standalone())
    }

    fn retry_dead_letter(&self, _: i64) -> Result<bool> {
        Err(standalone())
    }

    fn discard_dead_letter(&self, _: i64) -> Result<bool> {
        Err(standalone())
    }
}

/// What a node that is not enrolled answers.
pub fn standalone() -> SqlError {
    SqlError::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "this node is not enrolled with a cloud")
        .with_hint("Run `heliosdb-edge enroll`, or set sync.cloud_endpoint and sync.token and restart.")
}
