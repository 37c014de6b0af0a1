//! The only place where a commit gets its sequence number.

use heliosdb_crdt::Hlc;

use crate::ids::{CommitSeq, LocalSeq};

/// What a commit was given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CommitInfo {
    /// Its position in this store.
    pub seq: CommitSeq,
    /// Its time.
    pub hlc: Hlc,
    /// Its position in the outbox, if it went there.
    pub local_seq: Option<LocalSeq>,
    /// Whether it changed a synced table or its schema (a hub then has something new for its edges).
    pub changed_synced: bool,
}
