//! The store: one data folder, opened.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::catalog::Catalog;
use crate::constraints::RowChecker;
use crate::error::Result;
use crate::sync_row::Identity;
use crate::transaction::{Transaction, WriteOrigin};
use crate::view::Snapshot;

/// Where the base keeps its bytes.
#[derive(Clone)]
pub enum Backend {
    /// A folder; made if it does not exist.
    Folder(PathBuf),
    /// Memory that outlives the store: opening it again is what a restart after a crash sees. For tests.
    Memory(crate::base::MemoryDisk),
}

/// How a store is opened.
pub struct StoreOptions {
    /// Where the bytes are.
    pub backend: Backend,
    /// Bytes of the base's page cache.
    pub cache_bytes: usize,
    /// Transactions that may wait in the outbox.
    pub queue_capacity: u64,
    /// How long a lock is waited for before a deadlock is looked for.
    pub deadlock_timeout: Duration,
    /// How long a merge or pull waits for an SQL transaction before that one is aborted.
    pub apply_lock_wait: Duration,
    /// Milliseconds since the Unix epoch.
    pub wall_clock: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// Evaluates CHECK constraints (the SQL crate does).
    pub row_checker: Arc<dyn RowChecker>,
}

/// An open store. Shared by all sessions and the sync worker.
pub struct Store {}

impl Store {
    /// Opens the store, or makes a new one. Fails with [`crate::Error::InUse`] if another process has it open.
    pub fn open(_options: StoreOptions) -> Result<Arc<Self>> {
        todo!("storage")
    }

    /// Starts a transaction (READ COMMITTED).
    pub fn begin(self: &Arc<Self>, _origin: WriteOrigin) -> Transaction {
        todo!("storage")
    }

    /// The latest committed state.
    pub fn snapshot(&self) -> Snapshot {
        todo!("storage")
    }

    /// The latest committed catalog.
    pub fn catalog(&self) -> Arc<Catalog> {
        todo!("storage")
    }

    /// Who this node is.
    pub fn identity(&self) -> Identity {
        todo!("storage")
    }

    /// Calls the function after every commit, in commit order, outside all locks. It must be quick: it is meant to
    /// wake somebody up.
    pub fn on_commit(&self, _hook: Box<dyn Fn(&crate::sequencer::CommitInfo) + Send + Sync>) {
        todo!("storage")
    }
}
