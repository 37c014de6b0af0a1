//! Operations on synced rows, and the transactions that carry them between nodes.

use heliosdb_crdt::{Hlc, SiteId, Stamp};
use sha2::{Digest, Sha256};

use crate::codec::{Reader, put_len, put_varint, put_zigzag};
use crate::error::Result;
use crate::ids::{ColumnId, LocalSeq, SchemaVersion, ServerSeq, SyncTableId, TxnId};
use crate::row::Row;
use crate::transaction::ColumnChange;
use crate::value::Value;
use crate::value::codec::{put_value, put_values, read_value, read_values};

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
    /// The site under which it was committed. It stays when the transaction gets an id of another site, because this node's
    /// store was set back and the hub has something else under the first id.
    pub first_site: SiteId,
    /// Its time: with the site of its id the stamp of everything it wrote.
    pub hlc: Hlc,
    /// How much of the hub's history its oldest snapshot saw.
    pub cursor: ServerSeq,
    /// A random number of the run of the node that committed it. Two copies of one store would else write the same record
    /// if they do the same while their clocks stand, and one of the two would pass for a repetition of the other.
    pub run: u64,
    /// The schema it was written under.
    pub schema_version: SchemaVersion,
    /// What it did, in order.
    pub ops: Vec<RowOp>,
}

const VERSION: u8 = 1;
const INSERT: u8 = 0;
const PATCH: u8 = 1;
const DELETE: u8 = 2;
const SET: u8 = 0;
const ADD: u8 = 1;

/// Fewest bytes of an operation: table, number of key columns, life, kind.
const MIN_OP_BYTES: usize = 4;
/// Fewest bytes of a column: id, value.
const MIN_COLUMN_BYTES: usize = 2;

impl TxnRecord {
    /// The stamp of everything it wrote.
    pub const fn stamp(&self) -> Stamp {
        Stamp { hlc: self.hlc, site: self.id.site }
    }

    /// The bytes of the record: the same for equal records, everywhere and for ever.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(32 + 32 * self.ops.len());
        out.push(VERSION);
        put_varint(&mut out, u64::from(self.id.site.0));
        put_varint(&mut out, self.id.seq.0);
        put_varint(&mut out, u64::from(self.first_site.0));
        put_varint(&mut out, self.hlc.0);
        put_varint(&mut out, self.cursor.epoch);
        put_varint(&mut out, self.cursor.n);
        out.extend_from_slice(&self.run.to_le_bytes());
        put_varint(&mut out, self.schema_version.0);
        put_len(&mut out, self.ops.len());
        for op in &self.ops {
            put_op(&mut out, op)?;
        }
        Ok(out)
    }

    /// The record in the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, "transaction record");
        let version = reader.u8()?;
        if version != VERSION {
            return Err(reader.damaged(format!("unknown version {version}")));
        }
        let site = SiteId(reader.varint_as()?);
        let seq = LocalSeq(reader.varint()?);
        let first_site = SiteId(reader.varint_as()?);
        let hlc = Hlc(reader.varint()?);
        let cursor = ServerSeq { epoch: reader.varint()?, n: reader.varint()? };
        let run = reader.u64()?;
        let schema_version = SchemaVersion(reader.varint()?);
        let count = reader.count(MIN_OP_BYTES)?;
        let ops = (0..count).map(|_| read_op(&mut reader)).collect::<Result<_>>()?;
        reader.finish()?;
        Ok(Self { id: TxnId { site, seq }, first_site, hlc, cursor, run, schema_version, ops })
    }

    /// The digest of the record.
    pub fn digest(&self) -> Result<TxnDigest> {
        Ok(TxnDigest::of(&self.encode()?))
    }
}

/// How many bytes operations take in a record.
pub(crate) fn encoded_len(ops: &[RowOp]) -> Result<usize> {
    let mut out = Vec::new();
    let mut len = 0;
    for op in ops {
        out.clear();
        put_op(&mut out, op)?;
        len += out.len();
    }
    Ok(len)
}

impl TxnDigest {
    /// The digest of an encoded record.
    pub fn of(encoded: &[u8]) -> Self {
        let hash: [u8; 32] = Sha256::digest(encoded).into();
        let mut digest = [0; 16];
        for (to, from) in digest.iter_mut().zip(hash) {
            *to = from;
        }
        Self(digest)
    }
}

fn put_op(out: &mut Vec<u8>, op: &RowOp) -> Result<()> {
    put_varint(out, u64::from(op.table.0));
    put_values(out, &op.key)?;
    put_varint(out, u64::from(op.life));
    match &op.kind {
        OpKind::Insert(columns) => {
            out.push(INSERT);
            put_len(out, columns.len());
            for (column, value) in columns {
                put_varint(out, u64::from(column.0));
                put_value(out, value)?;
            }
        }
        OpKind::Patch(columns) => {
            out.push(PATCH);
            put_len(out, columns.len());
            for (column, change) in columns {
                put_varint(out, u64::from(column.0));
                match change {
                    ColumnChange::Set(value) => {
                        out.push(SET);
                        put_value(out, value)?;
                    }
                    ColumnChange::Add(n) => {
                        out.push(ADD);
                        put_zigzag(out, *n);
                    }
                }
            }
        }
        OpKind::Delete => out.push(DELETE),
    }
    Ok(())
}

fn read_op(reader: &mut Reader<'_>) -> Result<RowOp> {
    let table = SyncTableId(reader.varint_as()?);
    let key = read_values(reader)?;
    let life = reader.varint_as()?;
    let kind = match reader.u8()? {
        INSERT => {
            let count = reader.count(MIN_COLUMN_BYTES)?;
            let columns = (0..count).map(|_| Ok((ColumnId(reader.varint_as()?), read_value(reader)?)));
            OpKind::Insert(columns.collect::<Result<_>>()?)
        }
        PATCH => {
            let count = reader.count(MIN_COLUMN_BYTES)?;
            let columns = (0..count).map(|_| Ok((ColumnId(reader.varint_as()?), read_change(reader)?)));
            OpKind::Patch(columns.collect::<Result<_>>()?)
        }
        DELETE => OpKind::Delete,
        kind => return Err(reader.damaged(format!("unknown kind {kind} of operation"))),
    };
    Ok(RowOp { table, key, life, kind })
}

fn read_change(reader: &mut Reader<'_>) -> Result<ColumnChange> {
    match reader.u8()? {
        SET => Ok(ColumnChange::Set(read_value(reader)?)),
        ADD => Ok(ColumnChange::Add(reader.zigzag()?)),
        kind => Err(reader.damaged(format!("unknown kind {kind} of change"))),
    }
}
