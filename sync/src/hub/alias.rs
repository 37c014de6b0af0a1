//! Transactions that were merged under another id than the one they were committed under.
//!
//! A transaction of a store that was set back gets a new id if the hub has something else under its first one. Set back
//! once more, the same store offers it under the first id again, and would give it yet another new id. So whenever the hub
//! merges a transaction under a new id, it notes its first name: (first site, local sequence, digest under the first id).

use bytes::Bytes;
use heliosdb_storage::sync_row::{Internal, TxnDigest, TxnRecord};
use heliosdb_storage::{Result, Transaction, TxnId};

/// The first name of a transaction: its first id, and its digest under that.
pub fn first_name(record: &TxnRecord) -> Result<(TxnId, TxnDigest)> {
    let id = TxnId { site: record.first_site, ..record.id };
    let first = TxnRecord { id, ..record.clone() };
    Ok((id, first.digest()?))
}

/// Whether a transaction was merged under another id than this, its first one. `read` reads from `SyncState`.
pub fn is_noted(
    (id, digest): (TxnId, TxnDigest),
    read: impl FnOnce(Internal, &[u8]) -> Result<Option<Bytes>>,
) -> Result<bool> {
    Ok(read(Internal::SyncState, &key(id, digest))?.is_some())
}

/// Notes that a transaction was merged under another id than this, its first one.
pub fn note(txn: &mut Transaction, (id, digest): (TxnId, TxnDigest)) -> Result<()> {
    txn.internal_put(Internal::SyncState, &key(id, digest), vec![1].into())
}

fn key(id: TxnId, digest: TxnDigest) -> Vec<u8> {
    [b"alias/".as_slice(), &id.site.0.to_be_bytes(), &id.seq.0.to_be_bytes(), &digest.0].concat()
}
