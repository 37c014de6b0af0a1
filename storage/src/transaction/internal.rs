//! Internal relations, transactional with everything else.

use bytes::Bytes;

use super::Transaction;
use super::undo::Undo;
use crate::base::Space;
use crate::error::Result;
use crate::ids::LocalSeq;
use crate::key::KeyRange;
use crate::meta::{encode_identity, meta_key};
use crate::sync_row::{Identity, Internal};
use crate::view::scan_internal;

impl Transaction {
    /// The newest value under a key of an internal relation.
    pub fn internal_get(&self, relation: Internal, key: &[u8]) -> Result<Option<Bytes>> {
        self.newest(&self.latest(), Space::Internal(relation), key, |bytes| Ok(Bytes::copy_from_slice(bytes)))
    }

    /// Writes a value.
    pub fn internal_put(&mut self, relation: Internal, key: &[u8], value: Bytes) -> Result<()> {
        self.locks.check()?;
        self.put(Space::Internal(relation), Bytes::copy_from_slice(key), Some(value))
    }

    /// Removes a value.
    pub fn internal_delete(&mut self, relation: Internal, key: &[u8]) -> Result<()> {
        self.locks.check()?;
        self.put(Space::Internal(relation), Bytes::copy_from_slice(key), None)
    }

    /// Up to `limit` entries of a range, the newest values.
    pub fn internal_scan(&self, relation: Internal, range: KeyRange, limit: usize) -> Result<Vec<(Bytes, Bytes)>> {
        scan_internal(&self.latest(), &self.writes.overlay, relation, range, limit)
    }

    /// Replaces who this node is; takes effect for this transaction's own commit already.
    pub fn set_identity(&mut self, identity: Identity) -> Result<()> {
        let encoded = encode_identity(&identity)?;
        self.put(Space::Internal(Internal::Meta), Bytes::from_static(meta_key::IDENTITY), Some(encoded.into()))?;
        let before = self.writes.identity.replace(identity);
        self.writes.undo.push(Undo::Identity(before));
        Ok(())
    }

    /// Makes sure that positions of the outbox up to this one are not given again: the hub knows others under them.
    /// Rolling back to a savepoint keeps it.
    pub fn skip_local_seq_to(&mut self, last: LocalSeq) {
        self.writes.skip_local_seq_to = self.writes.skip_local_seq_to.max(last);
    }
}
