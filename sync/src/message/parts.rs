//! The bytes of what comes from the store: transactions, rows, schemas.
//!
//! Transactions travel as the store encodes them, because their digest is taken over those bytes: the hub computes it
//! again and refuses what was altered on the way.

use heliosdb_crdt::{Hlc, SiteId, Stamp};
use heliosdb_storage::codec::Reader;
use heliosdb_storage::row::{ChangedAt, RowMeta, Stamped};
use heliosdb_storage::sync_row::{RowState, SyncedSchema, Tombstone, TxnDigest, TxnRecord};
use heliosdb_storage::value::codec::{put_values, read_values};
use heliosdb_storage::{ColumnId, SyncTableId};

use super::codec::{Decoded, Writer};
use super::{PulledRow, PushedTxn};
use crate::error::{Error, Result};

/// The most bytes of a schema.
const MAX_SCHEMA_BYTES: usize = 8 << 20;

pub(super) fn put_txn(txn: &PushedTxn, out: &mut Writer) -> Result<()> {
    out.raw(&txn.digest.0);
    out.sized(&txn.record.encode()?);
    Ok(())
}

pub(super) fn read_txn(input: &mut Reader<'_>) -> Decoded<PushedTxn> {
    let digest = TxnDigest(input.array()?);
    let bytes = input.bytes()?;
    let record = TxnRecord::decode(bytes)?;
    if TxnDigest::of(bytes) != digest {
        return Err(input.damaged(format!("transaction {} does not have the digest it claims", record.id.seq)));
    }
    Ok(PushedTxn { record, digest })
}

const ALIVE: u8 = 1;
const DEAD: u8 = 2;

/// A living row: table, life, stamps, values. A dead one: table, life, stamp, values of the key. Where the row stands in
/// the hub's feed is the hub's own business and does not travel.
pub(super) fn put_row(row: &PulledRow, out: &mut Writer) -> Result<()> {
    out.number(row.table.0.into());
    match &row.state {
        RowState::Absent => return Err(Error::protocol("a row that never was cannot be sent")),
        RowState::Alive { row, meta } => {
            out.bytes.push(ALIVE);
            out.number(meta.life.into());
            put_stamp(meta.born, out)?;
            put_stamp(meta.stamp, out)?;
            out.count(meta.column_stamps.len());
            for (column, stamp) in &meta.column_stamps {
                out.number(column.0.into());
                put_stamp(*stamp, out)?;
            }
            put_values(&mut out.bytes, row)?;
        }
        RowState::Dead(tombstone) => {
            out.bytes.push(DEAD);
            out.number(tombstone.life.into());
            put_stamp(tombstone.stamp, out)?;
            put_values(&mut out.bytes, &tombstone.key)?;
        }
    }
    Ok(())
}

pub(super) fn read_row(input: &mut Reader<'_>) -> Decoded<PulledRow> {
    let table = SyncTableId(input.varint_as()?);
    let state = match input.u8()? {
        ALIVE => {
            let (life, born, stamp) = (input.varint_as()?, read_stamp(input)?, read_stamp(input)?);
            let mut column_stamps = Vec::new();
            for _ in 0..input.count(3)? {
                column_stamps.push((ColumnId(input.varint_as()?), read_stamp(input)?));
            }
            let meta = RowMeta { life, born, stamp, column_stamps, changed_at: ChangedAt::Never };
            RowState::Alive { row: read_values(input)?, meta }
        }
        DEAD => RowState::Dead(Tombstone {
            life: input.varint_as()?,
            stamp: read_stamp(input)?,
            key: read_values(input)?,
            changed_at: ChangedAt::Never,
        }),
        other => return Err(input.damaged(format!("unknown state {other} of a row"))),
    };
    Ok(PulledRow { table, state })
}

fn put_stamp(stamp: Stamped, out: &mut Writer) -> Result<()> {
    let Stamped::At(stamp) = stamp else {
        return Err(Error::protocol("a stamp that is not known yet cannot be sent"));
    };
    out.number(stamp.hlc.0);
    out.number(stamp.site.0.into());
    Ok(())
}

fn read_stamp(input: &mut Reader<'_>) -> Decoded<Stamped> {
    Ok(Stamped::At(Stamp { hlc: Hlc(input.varint()?), site: SiteId(input.varint_as()?) }))
}

pub(super) fn put_schema(schema: &SyncedSchema, out: &mut Writer) -> Result<()> {
    let json = serde_json::to_vec(schema).map_err(|error| Error::protocol(format!("the schema: {error}")))?;
    if json.len() > MAX_SCHEMA_BYTES {
        return Err(Error::LimitExceeded(format!(
            "the schema has {} bytes, the limit is {MAX_SCHEMA_BYTES}",
            json.len()
        )));
    }
    out.sized(&json);
    Ok(())
}

pub(super) fn read_schema(input: &mut Reader<'_>) -> Decoded<SyncedSchema> {
    let json = input.bytes()?;
    if json.len() > MAX_SCHEMA_BYTES {
        return Err(input.damaged(format!("the schema has {} bytes, the limit is {MAX_SCHEMA_BYTES}", json.len())));
    }
    let schema: SyncedSchema = serde_json::from_slice(json).map_err(|error| input.damaged(error.to_string()))?;
    match schema.tables.iter().find(|table| !is_sound(table)) {
        Some(table) => Err(input.damaged(format!("the definition of table {:?} contradicts itself", table.name))),
        None => Ok(schema),
    }
}

/// Whether a definition can be that of a synced table, and does not name what it does not have.
fn is_sound(table: &heliosdb_storage::catalog::TableDef) -> bool {
    table.has_sound_slots() && table.sync_id.is_some() && !table.primary_key.is_empty() && table.storage.is_none()
}
