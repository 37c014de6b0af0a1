//! Operations on synced rows, and the transactions that carry them between nodes.

use heliosdb_crdt::Hlc;

use crate::ids::{ColumnId, SchemaVersion, ServerSeq, SyncTableId, TxnId};
use crate::row::Row;
use crate::transaction::ColumnChange;
use crate::value::Value;

/// One row's change by one transaction. Its stamp is the transaction's.
#[derive(Clone, PartialEq, Debug)]
pub struct RowOp {
    /// The table.
    pub table: SyncTableId,
    /// The values of the primary key, in key order.
    pub key: Row,
    /// The life of the row that is meant: for an insert the one it opens.
    pub life: u32,
    /// What happens.
    pub kind: OpKind,
}

/// What happens to a row.
#[derive(Clone, PartialEq, Debug)]
pub enum OpKind {
    /// A new life with these values.
    Insert(Vec<(ColumnId, Value)>),
    /// Only the columns that changed.
    Patch(Vec<(ColumnId, ColumnChange)>),
    /// The end of the life.
    Delete,
}

/// The first 16 bytes of the SHA-256 over a transaction's encoding.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct TxnDigest(pub [u8; 16]);

/// A committed transaction as it travels: one operation a row at most.
#[derive(Clone, PartialEq, Debug)]
pub struct TxnRecord {
    /// Its name for ever.
    pub id: TxnId,
    /// Its time: with the site of its id the stamp of everything it wrote.
    pub hlc: Hlc,
    /// How much of the hub's history its oldest snapshot saw.
    pub cursor: ServerSeq,
    /// The schema it was written under.
    pub schema_version: SchemaVersion,
    /// What it did, in order.
    pub ops: Vec<RowOp>,
}
