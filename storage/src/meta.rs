//! The singletons of the store: format version, last commit, identity, counters.

use heliosdb_crdt::Hlc;

use crate::error::{Error, Result};
use crate::ids::{CommitSeq, LocalSeq, SchemaVersion};
use crate::sync_row::Identity;

/// The version of everything on disk. A store written by a newer program is refused; one of an older format is brought
/// up to this one when it is opened.
pub(crate) const FORMAT_VERSION: u32 = 2;

/// Keys in [`crate::sync_row::Internal::Meta`].
pub(crate) mod meta_key {
    /// Four bytes: the version of the on-disk format.
    pub(crate) const FORMAT: &[u8] = b"format";
    /// The [`super::Head`].
    pub(crate) const HEAD: &[u8] = b"head";
    /// JSON: the [`crate::sync_row::Identity`].
    pub(crate) const IDENTITY: &[u8] = b"identity";
    /// Four bytes: the next oid.
    pub(crate) const NEXT_RELATION: &[u8] = b"next_relation";
    /// Eight bytes: the version of the synced tables' schema.
    pub(crate) const SCHEMA_VERSION: &[u8] = b"schema_version";
}

/// Where the history of the store stands; written with every commit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Head {
    /// The last commit.
    pub(crate) seq: CommitSeq,
    /// The last time given.
    pub(crate) hlc: Hlc,
    /// The last position given in the outbox.
    pub(crate) local_seq: LocalSeq,
    /// A hidden row number above all that are in use.
    pub(crate) next_row_number: u64,
    /// What is in the outbox.
    pub(crate) outbox: OutboxCounts,
}

/// How much is in the outbox.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OutboxCounts {
    /// Transactions that the hub has not acknowledged.
    pub pending_transactions: u64,
    /// The changes of rows in them.
    pub pending_changes: u64,
    /// Transactions that the hub has refused.
    pub dead: u64,
}

impl Head {
    const NUMBERS: usize = 7;
    const BYTES: usize = Self::NUMBERS * 8;

    pub(crate) fn encode(&self) -> [u8; Self::BYTES] {
        let numbers: [u64; Self::NUMBERS] = [
            self.seq.0,
            self.hlc.0,
            self.local_seq.0,
            self.next_row_number,
            self.outbox.pending_transactions,
            self.outbox.pending_changes,
            self.outbox.dead,
        ];
        let mut bytes = [0; Self::BYTES];
        for (place, number) in bytes.chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_be_bytes());
        }
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        let mut numbers = [0; Self::NUMBERS];
        if bytes.len() != Self::BYTES {
            return Err(Error::corrupt("meta", "the head has the wrong length"));
        }
        for (number, place) in numbers.iter_mut().zip(bytes.chunks_exact(8)) {
            *number = decode_u64(place)?;
        }
        let [seq, hlc, local_seq, next_row_number, pending_transactions, pending_changes, dead] = numbers;
        Ok(Self {
            seq: CommitSeq(seq),
            hlc: Hlc(hlc),
            local_seq: LocalSeq(local_seq),
            next_row_number,
            outbox: OutboxCounts { pending_transactions, pending_changes, dead },
        })
    }
}

pub(crate) fn decode_u32(bytes: &[u8]) -> Result<u32> {
    let bytes = bytes.try_into().map_err(|_| Error::corrupt("meta", "a number has the wrong length"))?;
    Ok(u32::from_be_bytes(bytes))
}

pub(crate) fn decode_u64(bytes: &[u8]) -> Result<u64> {
    let bytes = bytes.try_into().map_err(|_| Error::corrupt("meta", "a number has the wrong length"))?;
    Ok(u64::from_be_bytes(bytes))
}

pub(crate) fn decode_schema_version(bytes: &[u8]) -> Result<SchemaVersion> {
    decode_u64(bytes).map(SchemaVersion)
}

pub(crate) fn encode_identity(identity: &Identity) -> Result<Vec<u8>> {
    serde_json::to_vec(identity).map_err(|error| Error::corrupt("meta", format!("identity: {error}")))
}

pub(crate) fn decode_identity(bytes: &[u8]) -> Result<Identity> {
    serde_json::from_slice(bytes).map_err(|error| Error::corrupt("meta", format!("identity: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_comes_back_as_it_was() {
        let head = Head {
            seq: CommitSeq(1),
            hlc: Hlc(2),
            local_seq: LocalSeq(3),
            next_row_number: 4,
            outbox: OutboxCounts { pending_transactions: 5, pending_changes: 6, dead: u64::MAX },
        };
        assert_eq!(Head::decode(&head.encode()).unwrap(), head);
        assert!(Head::decode(&[0; 55]).is_err());
    }
}
