//! Transactions: reading, writing, savepoints, commit.

use std::sync::Arc;

use bytes::Bytes;

use crate::catalog::{Catalog, NewIndex, NewTable, TableDef};
use crate::error::Result;
use crate::ids::RelationId;
use crate::key::{KeyRange, RowKey};
use crate::row::Row;
use crate::sequencer::CommitInfo;
use crate::sync_row::{Internal, RowState};
use crate::value::Value;

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

/// How a relation is locked (those of PostgreSQL's modes that are in use).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum TableLock {
    /// SELECT
    AccessShare,
    /// INSERT, UPDATE, DELETE
    RowExclusive,
    /// CREATE INDEX
    Share,
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

/// A scan over the rows of a table, or over the entries of an index; holds no borrow of the transaction, so that portals
/// can keep it. Sees what was committed when its statement began, and what this transaction wrote in earlier commands.
pub struct ScanCursor {}

impl ScanCursor {
    /// Appends up to `max` rows with their keys (for an index scan: the rows that the entries point to); false when the
    /// scan is at its end.
    pub fn next_rows(&mut self, _txn: &Transaction, _max: usize, _out: &mut Vec<(RowKey, Row)>) -> Result<bool> {
        todo!("storage")
    }
}

/// An open transaction. Dropping it rolls it back.
///
/// A statement begins with [`Transaction::begin_statement`]: reads then see the newest committed state and this
/// transaction's earlier commands, never what the statement itself writes.
pub struct Transaction {}

impl Transaction {
    /// The catalog as this transaction sees it.
    pub fn catalog(&self) -> &Arc<Catalog> {
        todo!("storage")
    }

    /// Takes a new snapshot and starts a new command.
    pub fn begin_statement(&mut self) -> Result<()> {
        todo!("storage")
    }

    /// Ends a command: judges what is judged at the end of a statement (foreign keys).
    pub fn end_statement(&mut self) -> Result<()> {
        todo!("storage")
    }

    /// Milliseconds since the Unix epoch at which this transaction began: `now()`.
    pub fn started_at_millis(&self) -> u64 {
        todo!("storage")
    }

    /// Makes all waiting of this transaction, now or later, end with [`crate::Error::Cancelled`] once the flag is set.
    pub fn set_cancel_flag(&mut self, _flag: Arc<std::sync::atomic::AtomicBool>) {
        todo!("storage")
    }

    // Reading.

    /// A row by its key, as the statement sees it.
    pub fn get(&self, _table: &TableDef, _key: &RowKey) -> Result<Option<Row>> {
        todo!("storage")
    }

    /// A scan over a table's rows in key order.
    pub fn scan(&self, _table: &Arc<TableDef>, _range: KeyRange, _direction: Direction) -> Result<ScanCursor> {
        todo!("storage")
    }

    /// A scan over a table's rows in the order of one of its indexes.
    pub fn scan_index(
        &self,
        _table: &Arc<TableDef>,
        _index: RelationId,
        _range: KeyRange,
        _direction: Direction,
    ) -> Result<ScanCursor> {
        todo!("storage")
    }

    // Locking.

    /// Waits for a lock on a relation, held to the end of the transaction.
    pub fn lock_table(&mut self, _relation: RelationId, _mode: TableLock) -> Result<()> {
        todo!("storage")
    }

    /// Waits for a lock on a row, held to the end of the transaction, and returns the row's newest version: the latest
    /// committed one, or this transaction's own. None if the row is gone. A caller whose condition was judged on an older
    /// version judges it again (READ COMMITTED).
    pub fn lock_row(&mut self, _table: &TableDef, _key: &RowKey, _mode: RowLock) -> Result<Option<Row>> {
        todo!("storage")
    }

    // Writing rows of tables, for SQL.

    /// Inserts a row (all slots given, defaults already evaluated, counters as their first value). Judges NOT NULL,
    /// CHECK and UNIQUE now, foreign keys at the end of the statement. Waits for a concurrent insert of an equal key.
    pub fn insert_row(&mut self, _table: &Arc<TableDef>, _row: Row) -> Result<RowKey> {
        todo!("storage")
    }

    /// Changes the newest version of a row that this transaction has locked; returns it as it is now, or None if it is
    /// gone. Changing the primary key is a delete and an insert.
    pub fn update_row(&mut self, _table: &Arc<TableDef>, _key: &RowKey, _patch: RowPatch) -> Result<Option<Row>> {
        todo!("storage")
    }

    /// Deletes a row that this transaction has locked; false if it is gone.
    pub fn delete_row(&mut self, _table: &Arc<TableDef>, _key: &RowKey) -> Result<bool> {
        todo!("storage")
    }

    // Writing row states, for sync.

    /// The newest state of a row of a synced table: this transaction's own, else the latest committed one (not the
    /// statement's snapshot). The caller holds the row's lock.
    pub fn row_state(&self, _table: &TableDef, _key: &RowKey) -> Result<RowState> {
        todo!("storage")
    }

    /// Replaces the state of a row, and its index entries; on a hub also its place in the feed. Judges nothing: see
    /// [`Transaction::check_merged_rows`].
    pub fn put_row_state(&mut self, _table: &Arc<TableDef>, _key: &RowKey, _state: RowState) -> Result<()> {
        todo!("storage")
    }

    /// Judges UNIQUE, foreign keys (both ways), NOT NULL and those CHECKs that read no CRDT column, for all rows put since
    /// the savepoint. The first violation is the error; the caller rolls back to the savepoint.
    pub fn check_merged_rows(&mut self, _since: Savepoint) -> Result<()> {
        todo!("storage")
    }

    // Internal relations, transactional with everything else.

    /// The newest value under a key of an internal relation.
    pub fn internal_get(&self, _relation: Internal, _key: &[u8]) -> Result<Option<Bytes>> {
        todo!("storage")
    }

    /// Writes a value.
    pub fn internal_put(&mut self, _relation: Internal, _key: &[u8], _value: Bytes) -> Result<()> {
        todo!("storage")
    }

    /// Removes a value.
    pub fn internal_delete(&mut self, _relation: Internal, _key: &[u8]) -> Result<()> {
        todo!("storage")
    }

    /// Up to `limit` entries of a range, the newest values.
    pub fn internal_scan(&self, _relation: Internal, _range: KeyRange, _limit: usize) -> Result<Vec<(Bytes, Bytes)>> {
        todo!("storage")
    }

    /// Replaces who this node is; takes effect for this transaction's own commit already.
    pub fn set_identity(&mut self, _identity: crate::sync_row::Identity) -> Result<()> {
        todo!("storage")
    }

    // DDL. Serialised by one lock from the first DDL statement to the end of the transaction.

    /// Makes a table.
    pub fn create_table(&mut self, _table: NewTable) -> Result<Arc<TableDef>> {
        todo!("storage")
    }

    /// Removes a table with its rows and indexes.
    pub fn drop_table(&mut self, _table: RelationId) -> Result<()> {
        todo!("storage")
    }

    /// Makes an index and fills it.
    pub fn create_index(&mut self, _table: RelationId, _index: NewIndex) -> Result<()> {
        todo!("storage")
    }

    /// Removes an index.
    pub fn drop_index(&mut self, _table: RelationId, _index: RelationId) -> Result<()> {
        todo!("storage")
    }

    /// Makes the synced tables what the hub says they are (an edge, in the transaction that installs the data that needs
    /// them). Relation ids are this node's own; [`crate::SyncTableId`]s and column ids are the hub's.
    pub fn install_schema(&mut self, _schema: &crate::sync_row::SyncedSchema) -> Result<()> {
        todo!("storage")
    }

    // Ending.

    /// A place to roll back to.
    pub fn savepoint(&mut self) -> Savepoint {
        todo!("storage")
    }

    /// Undoes everything since the savepoint, DDL included; locks stay.
    pub fn rollback_to(&mut self, _savepoint: Savepoint) {
        todo!("storage")
    }

    /// Makes everything durable and visible; returns when both are so. None if nothing was written.
    pub fn commit(self) -> Result<Option<CommitInfo>> {
        todo!("storage")
    }

    /// Undoes everything.
    pub fn rollback(self) {}
}
