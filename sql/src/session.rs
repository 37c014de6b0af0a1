//! One client's transaction, settings and prepared statements.
//!
//! All calls are synchronous and may block (locks, commits); the server decides on which thread. Rows come in batches, so
//! that a portal can be suspended.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use heliosdb_storage::value::{DataType, Value};
use heliosdb_storage::{Row, Store};

use crate::error::Result;
use crate::sync_control::SyncControl;

/// What all sessions of a node share: the store, the plan cache, the sync worker.
pub struct Engine {}

impl Engine {
    /// An engine over a store.
    pub fn new(_store: Arc<Store>, _sync: Arc<dyn SyncControl>) -> Arc<Self> {
        todo!("sql")
    }

    /// A session of a client that has been let in.
    pub fn session(self: &Arc<Self>, _user: &str, _database: &str) -> Session {
        todo!("sql")
    }
}

/// One client's session. Dropping it rolls back what is open.
pub struct Session {}

/// A statement that has been parsed and bound; shared by the sessions that use the same text.
#[derive(Debug)]
pub struct Prepared {}

impl Prepared {
    /// The types of `$1`, `$2`, …
    pub fn parameter_types(&self) -> &[DataType] {
        todo!("sql")
    }

    /// The result's columns; empty for a statement that returns no rows.
    pub fn columns(&self) -> &[ResultColumn] {
        todo!("sql")
    }

    /// Whether the statement only looks rows up by key: then running it is a matter of microseconds, with no wait.
    pub fn is_quick(&self) -> bool {
        todo!("sql")
    }
}

/// A column of a result.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ResultColumn {
    /// Its name.
    pub name: String,
    /// Its type.
    pub data_type: DataType,
    /// Its type modifier, -1 for none.
    pub typmod: i32,
    /// The table and the column number it comes from, 0 and 0 for none.
    pub origin: (u32, u16),
}

/// A statement that is being run.
pub struct Portal {}

impl Portal {
    /// Appends up to `max_rows` rows; false once there are no more. Errors end the portal and fail the transaction.
    pub fn next_rows(&mut self, _session: &mut Session, _max_rows: usize, _out: &mut Vec<Row>) -> Result<bool> {
        todo!("sql")
    }

    /// PostgreSQL's command tag, known at the end: `SELECT 3`, `INSERT 0 1`, `BEGIN`.
    pub fn tag(&self) -> String {
        todo!("sql")
    }
}

/// What ReadyForQuery reports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TransactionStatus {
    /// `I`
    Idle,
    /// `T`
    InTransaction,
    /// `E`
    Failed,
}

/// A message beside the result: NOTICE or WARNING.
#[derive(Clone, Debug)]
pub struct Notice {
    /// `NOTICE` or `WARNING`.
    pub severity: &'static str,
    /// Code and text.
    pub error: crate::error::SqlError,
}

impl Session {
    /// Splits a simple-protocol text into its statements and prepares none of them yet: each is prepared when its turn
    /// comes, because an earlier one may create what it names. An empty text gives an empty list.
    pub fn split(&mut self, _sql: &str) -> Result<Vec<ParsedStatement>> {
        todo!("sql")
    }

    /// Binds and plans a statement (or finds it in the cache). `DataType::Unknown` for parameters to be inferred.
    pub fn prepare(&mut self, _statement: &ParsedStatement, _parameter_types: &[DataType]) -> Result<Arc<Prepared>> {
        todo!("sql")
    }

    /// Starts to run a statement, in the open transaction or in an implicit one. If DDL has happened since, the statement
    /// is planned again.
    pub fn execute(&mut self, _prepared: &Arc<Prepared>, _params: Vec<Value>) -> Result<Portal> {
        todo!("sql")
    }

    /// Ends the implicit transaction, if one is open: at Sync, and at the end of a simple-protocol text. After an error it
    /// is rolled back, else committed.
    pub fn end_implicit(&mut self) -> Result<()> {
        todo!("sql")
    }

    /// Marks the transaction as failed after an error of the server's own (encoding, protocol).
    pub fn fail(&mut self) {
        todo!("sql")
    }

    /// What ReadyForQuery reports.
    pub fn transaction_status(&self) -> TransactionStatus {
        todo!("sql")
    }

    /// Takes the notices that have come up since the last call.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        todo!("sql")
    }

    /// Set it to cancel the running statement (57014).
    pub fn cancel_flag(&self) -> Arc<AtomicBool> {
        todo!("sql")
    }

    /// Settings that are reported to the client when they change: name and value (`TimeZone`, `DateStyle`, …).
    pub fn reported_settings(&self) -> Vec<(&'static str, String)> {
        todo!("sql")
    }

    /// Applies a setting sent in the startup message.
    pub fn set_startup_setting(&mut self, _name: &str, _value: &str) -> Result<()> {
        todo!("sql")
    }
}

/// One statement of a text, parsed.
#[derive(Clone, Debug)]
pub struct ParsedStatement {}
