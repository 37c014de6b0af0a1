//! Keys of the internal relations that are about synced rows. All numbers are big endian, so that keys sort as they do.

use bytes::Bytes;
use heliosdb_crdt::SiteId;

use crate::error::{Error, Result};
use crate::ids::{CommitSeq, LocalSeq, SyncTableId, TxnId};
use crate::key::RowKey;

/// The key in `Tombstones` and `SyncBase`: (sync table id, row key). No such key is the beginning of another.
pub fn row(table: SyncTableId, key: &RowKey) -> Bytes {
    [table.0.to_be_bytes().as_slice(), &key.0].concat().into()
}

/// The table and row of a key made by [`row`].
pub fn parse_row(bytes: &[u8]) -> Result<(SyncTableId, RowKey)> {
    let (table, rest) = split_u32(bytes)?;
    Ok((SyncTableId(table), RowKey(Bytes::copy_from_slice(rest))))
}

/// The key in `Outbox`.
pub fn outbox(seq: LocalSeq) -> Bytes {
    Bytes::copy_from_slice(&seq.0.to_be_bytes())
}

/// The position of a key made by [`outbox`].
pub fn parse_outbox(bytes: &[u8]) -> Result<LocalSeq> {
    let (seq, rest) = split_u64(bytes)?;
    if rest.is_empty() { Ok(LocalSeq(seq)) } else { Err(damaged()) }
}

/// The key in `OutboxRows`: (sync table id, row key, local seq). All of one row start with [`row`].
pub fn outbox_row(table: SyncTableId, key: &RowKey, seq: LocalSeq) -> Bytes {
    [table.0.to_be_bytes().as_slice(), &key.0, &seq.0.to_be_bytes()].concat().into()
}

/// The parts of a key made by [`outbox_row`].
pub fn parse_outbox_row(bytes: &[u8]) -> Result<(SyncTableId, RowKey, LocalSeq)> {
    let (table, rest) = split_u32(bytes)?;
    let (key, seq) = rest.split_last_chunk::<8>().ok_or_else(damaged)?;
    Ok((SyncTableId(table), RowKey(Bytes::copy_from_slice(key)), LocalSeq(u64::from_be_bytes(*seq))))
}

/// The key in `Feed`: (commit seq, sync table id, row key).
pub fn feed(seq: CommitSeq, table: SyncTableId, key: &RowKey) -> Bytes {
    [seq.0.to_be_bytes().as_slice(), &table.0.to_be_bytes(), &key.0].concat().into()
}

/// The smallest key in `Feed` of a commit.
pub fn feed_start(seq: CommitSeq) -> Bytes {
    Bytes::copy_from_slice(&seq.0.to_be_bytes())
}

/// The parts of a key made by [`feed`].
pub fn parse_feed(bytes: &[u8]) -> Result<(CommitSeq, SyncTableId, RowKey)> {
    let (seq, rest) = split_u64(bytes)?;
    let (table, key) = split_u32(rest)?;
    Ok((CommitSeq(seq), SyncTableId(table), RowKey(Bytes::copy_from_slice(key))))
}

/// The key in `Merged`: (site, local seq).
pub fn merged(id: TxnId) -> Bytes {
    [id.site.0.to_be_bytes().as_slice(), &id.seq.0.to_be_bytes()].concat().into()
}

/// What all keys in `Merged` of a site start with.
pub fn merged_prefix(site: SiteId) -> Bytes {
    Bytes::copy_from_slice(&site.0.to_be_bytes())
}

/// The transaction of a key made by [`merged`].
pub fn parse_merged(bytes: &[u8]) -> Result<TxnId> {
    let (site, rest) = split_u32(bytes)?;
    let (seq, rest) = split_u64(rest)?;
    if rest.is_empty() { Ok(TxnId { site: SiteId(site), seq: LocalSeq(seq) }) } else { Err(damaged()) }
}

fn split_u32(bytes: &[u8]) -> Result<(u32, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<4>().ok_or_else(damaged)?;
    Ok((u32::from_be_bytes(*head), rest))
}

fn split_u64(bytes: &[u8]) -> Result<(u64, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<8>().ok_or_else(damaged)?;
    Ok((u64::from_be_bytes(*head), rest))
}

fn damaged() -> Error {
    Error::corrupt("internal relation", "a key has an unknown form")
}
