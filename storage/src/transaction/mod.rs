//! Transactions: reading, writing, savepoints, commit.
//!
//! A transaction reads the view that its statement began with, under its own earlier writes; it writes to its overlay
//! alone, under locks; COMMIT hands the overlay to the sequencer. What must hold against *all* committed rows (the newest
//! version of a locked row, unique keys, foreign keys) is read from the latest view, after the lock was granted.
//!
//! | file | what |
//! |---|---|
//! | `read`, `entry_columns` | get, scans; what entries of an index say |
//! | `locking` | relations, rows |
//! | `write` | insert, update, delete of rows |
//! | `conflict` | inserting unless a key is taken |
//! | `index` | entries of indexes, UNIQUE |
//! | `pending`, `foreign_key` | what is judged after a row is written; both ends of foreign keys |
//! | `synced` | what a local change of a synced table leaves for sync |
//! | `state` | states of rows given by sync |
//! | `internal` | internal relations |
//! | `ddl`, `alter`, `install`, `catalog_change` | tables and indexes; ALTER TABLE; the hub's schema on an edge; what all do |
//! | `objects` | the other objects of the catalog |
//! | `undo` | savepoints |
//! | `commit` | the end |

mod alter;
mod catalog_change;
mod commit;
mod conflict;
mod ddl;
mod entry_columns;
mod foreign_key;
mod index;
mod install;
mod internal;
mod locking;
mod objects;
mod pending;
mod read;
mod state;
mod synced;
mod undo;
mod write;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bytes::Bytes;
use heliosdb_crdt::Hlc;

pub use conflict::{Arbiter, Inserted};
pub use entry_columns::EntryColumns;
pub use index::encode_index_values;
pub use read::ScanCursor;

use crate::base::Space;
use crate::catalog::{Catalog, CheckDef, TableDef};
use crate::constraints::{Binding, RowChecker, RowContext, judge_row};
use crate::error::{Error, Result};
use crate::ids::{LocalSeq, RelationId, ServerSeq, SyncTableId};
use crate::key::RowKey;
use crate::lock::LockOwner;
use crate::overlay::Overlay;
use crate::store::Store;
use crate::sync_row::{Identity, RowOp};
use crate::value::Value;
use crate::view::ReadView;
use pending::Pending;
use undo::Undo;

/// On whose behalf a transaction writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WriteOrigin {
    /// A client of this node: constraints bind, changes of synced tables go to the outbox (edge) or the feed (hub).
    Local,
    /// A pushed transaction that a hub merges: row states are given, the feed is kept, nothing goes to an outbox.
    /// Waits at most `apply_lock_wait` for SQL transactions, then aborts them; never a deadlock victim.
    Merge,
    /// What an edge pulled: row states are given, nothing goes anywhere. Waits as `Merge` does.
    Pull,
}

/// How a column changes.
#[derive(Clone, PartialEq, Debug)]
pub enum ColumnChange {
    /// The value is replaced.
    Set(Value),
    /// The difference is added to a counter (NULL counts as 0).
    Add(i64),
}

/// What an UPDATE does to a row: changes by slot. Columns whose value would stay the same are neither written nor stamped.
pub type RowPatch = Vec<(usize, ColumnChange)>;

/// How a row is locked (PostgreSQL's four modes).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum RowLock {
    /// FOR KEY SHARE: the key must not change.
    KeyShare,
    /// FOR SHARE
    Share,
    /// FOR NO KEY UPDATE: what UPDATE takes.
    NoKeyUpdate,
    /// FOR UPDATE: what DELETE and a change of the key take.
    Update,
}

/// How a relation is locked: PostgreSQL's modes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum TableLock {
    /// SELECT
    AccessShare,
    /// SELECT … FOR UPDATE
    RowShare,
    /// INSERT, UPDATE, DELETE
    RowExclusive,
    /// Changes of a table that let its rows be changed.
    ShareUpdateExclusive,
    /// CREATE INDEX
    Share,
    /// Changes of a table that let its rows only be read, one at a time.
    ShareRowExclusive,
    /// LOCK TABLE … IN EXCLUSIVE MODE
    Exclusive,
    /// DROP and ALTER TABLE
    AccessExclusive,
}

/// Which way a scan goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// Ascending keys.
    Forward,
    /// Descending keys.
    Backward,
}

/// A place in a transaction to which it can be rolled back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Savepoint {
    pub(crate) undo_len: usize,
}

/// What a statement sees. A portal keeps it, so that it goes on seeing the same while other statements run in between.
#[derive(Clone)]
pub struct StatementView {
    view: Arc<ReadView>,
    command: u32,
}

/// An open transaction. Dropping it rolls it back.
///
/// A statement begins with [`Transaction::begin_statement`]: reads then see the newest committed state and this
/// transaction's earlier commands, never what the statement itself writes.
pub struct Transaction {
    store: Arc<Store>,
    origin: WriteOrigin,
    /// Evaluates the expressions of definitions.
    checker: Arc<dyn RowChecker>,
    locks: LockOwner,
    /// What the statement sees.
    view: Arc<ReadView>,
    catalog: Arc<Catalog>,
    command: u32,
    started_at_millis: u64,
    /// How much of the hub's history the first statement saw.
    oldest_cursor: ServerSeq,
    /// The tables that are locked for writing, as they are as long as the lock is held.
    writable: HashMap<RelationId, Arc<TableDef>>,
    writes: Writes,
}

/// All that a transaction wants to change.
#[derive(Default)]
struct Writes {
    overlay: Overlay,
    undo: Vec<Undo>,
    /// Changes of synced tables by a client of an edge.
    ops: Vec<RowOp>,
    /// Rows that get a place in the feed of a hub.
    feed: Vec<(SyncTableId, RowKey)>,
    /// What is judged at the end of the statement, or of the transaction.
    pending: Pending,
    identity: Option<Identity>,
    skip_local_seq_to: LocalSeq,
    /// The latest time in the states of rows that were given.
    newest_seen: Hlc,
    changes_synced: bool,
}

impl Transaction {
    pub(crate) fn new(store: Arc<Store>, origin: WriteOrigin) -> Self {
        let view = store.sequencer.view();
        let catalog = Arc::clone(&view.catalog);
        let locks = store.locks.owner(origin != WriteOrigin::Local);
        let checker = Arc::clone(&store.row_checker);
        let started_at_millis = store.sequencer.wall_millis();
        let oldest_cursor = view.identity.cursor;
        Self {
            store,
            origin,
            checker,
            locks,
            view,
            catalog,
            command: 1,
            started_at_millis,
            oldest_cursor,
            writable: HashMap::new(),
            writes: Writes::default(),
        }
    }

    /// The catalog as this transaction sees it.
    pub const fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// On whose behalf this transaction writes.
    pub const fn origin(&self) -> WriteOrigin {
        self.origin
    }

    /// Takes a new snapshot and starts a new command.
    pub fn begin_statement(&mut self) -> Result<()> {
        self.store.sequencer.check()?;
        self.locks.check()?;
        self.command = self
            .command
            .checked_add(1)
            .ok_or_else(|| Error::LimitExceeded("a transaction cannot have more than 2^32-2 commands".to_owned()))?;
        self.refresh();
        Ok(())
    }

    /// What the current statement sees.
    pub fn statement_view(&self) -> StatementView {
        StatementView { view: Arc::clone(&self.view), command: self.command }
    }

    /// Exchanges what is seen: a portal goes on with what its statement saw, and gives the other view back afterwards.
    pub const fn swap_view(&mut self, other: &mut StatementView) {
        std::mem::swap(&mut self.view, &mut other.view);
        std::mem::swap(&mut self.command, &mut other.command);
    }

    /// Ends a command: judges what is judged at the end of a statement (foreign keys).
    pub fn end_statement(&mut self) -> Result<()> {
        self.judge_queue_of_events()
    }

    /// Milliseconds since the Unix epoch at which this transaction began: `now()`.
    pub const fn started_at_millis(&self) -> u64 {
        self.started_at_millis
    }

    /// Makes all waiting of this transaction, now or later, end with [`crate::Error::Cancelled`] once the flag is set.
    /// Who sets it calls [`Store::wake_cancelled`] then.
    pub fn set_cancel_flag(&mut self, flag: Arc<AtomicBool>) {
        self.locks.set_cancel_flag(flag);
    }

    /// Makes waiting for a lock end with [`crate::Error::LockTimeout`] after this long; never, if none.
    pub fn set_lock_timeout(&mut self, timeout: Option<Duration>) {
        self.locks.set_timeout(timeout);
    }

    /// Evaluates the expressions of definitions by this from now on, instead of what the store was opened with: it may know
    /// who the client is, and in which zone.
    pub fn set_row_checker(&mut self, checker: Arc<dyn RowChecker>) {
        self.checker = checker;
    }

    /// Whether a row satisfies a check.
    fn satisfies(&self, table: &TableDef, check: &CheckDef, row: &[Value]) -> Result<bool> {
        self.checker.check(&RowContext { catalog: &self.catalog, table, row }, check)
    }

    /// Judges NOT NULL and CHECK for a row.
    fn judge_row(&self, table: &TableDef, row: &[Value], binding: Binding) -> Result<()> {
        judge_row(&*self.checker, &RowContext { catalog: &self.catalog, table, row }, binding)
    }

    /// Sees what is committed by now. The catalog follows, unless this transaction has changed it: then nobody else has.
    fn refresh(&mut self) {
        self.view = self.store.sequencer.view();
        if !self.catalog.is_private {
            self.catalog = Arc::clone(&self.view.catalog);
        }
    }

    /// The latest committed state, which may be newer than what the statement sees.
    fn latest(&self) -> Arc<ReadView> {
        self.store.sequencer.view()
    }

    /// The newest catalog: this transaction's own, or the latest committed one.
    fn latest_catalog(&self) -> Arc<Catalog> {
        if self.catalog.is_private { Arc::clone(&self.catalog) } else { Arc::clone(&self.latest().catalog) }
    }

    /// Who this node is, as of this transaction.
    fn identity(&self) -> &Identity {
        self.writes.identity.as_ref().unwrap_or(&self.view.identity)
    }

    /// Writes a value, or none to remove it, in a way that can be undone.
    fn put(&mut self, space: Space, key: Bytes, value: Option<Bytes>) -> Result<()> {
        self.writes.overlay.put(space, key.clone(), value, self.command)?;
        self.writes.undo.push(Undo::Put(space, key));
        Ok(())
    }
}
