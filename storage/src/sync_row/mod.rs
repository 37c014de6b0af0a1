//! What a synced row is, and what happens to it.
//!
//! ```text
//!             RowOp (insert | patch | delete, with its life)
//!                │
//!   RowState ──► apply ──► RowState          one pure function, the heart of merging:
//!                                            · the hub applies pushed operations to its state (H);
//!                                            · the edge replays its pending ones (P) over the hub's: H ⊕ P.
//! ```

pub mod apply;
pub mod coalesce;
pub mod keys;
pub mod op;
pub mod outbox;
pub mod state;
#[cfg(test)]
pub(crate) mod strategies;
#[cfg(test)]
mod tests;
pub mod tombstone;

use heliosdb_crdt::SiteId;
use serde::{Deserialize, Serialize};

pub use apply::{Applied, apply, apply_now, replay};
pub use coalesce::coalesce;
pub use op::{OpKind, RowOp, TxnDigest, TxnRecord};
pub use outbox::{OutboxEntry, OutboxState};
pub use state::RowState;
pub use tombstone::Tombstone;

use crate::catalog::TableDef;
use crate::ids::{SchemaVersion, ServerSeq};

/// What a node is to the others.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Role {
    /// Knows nobody; all its tables are its own.
    #[default]
    Standalone,
    /// Follows a hub.
    Edge,
    /// Merges what its edges send.
    Hub,
}

/// Who this node is; kept in the store.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Identity {
    /// What it is to the others.
    pub role: Role,
    /// Its site in this life; 0 while standalone.
    pub site: u32,
    /// On an edge: the position in the hub's history up to which its rows are installed. On a hub: its own epoch with
    /// n = 0.
    pub cursor: ServerSeq,
}

impl Identity {
    /// Its site in this life.
    pub const fn site_id(&self) -> SiteId {
        SiteId(self.site)
    }
}

/// The definitions of all synced tables at one version, as a hub sends them; relation ids in them mean nothing to
/// others, [`TableDef::sync_id`] and column ids do (and foreign keys name their parent by its relation id *on the hub*,
/// which is its sync id).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SyncedSchema {
    /// The version.
    pub version: SchemaVersion,
    /// The tables.
    pub tables: Vec<TableDef>,
}

/// The internal relations. Their keys and values are written down in `docs/storage-format.md`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Internal {
    /// Singletons: last commit, clock, identity, format version.
    Meta,
    /// The objects of the catalog, by oid.
    Catalog,
    /// The numbers that sequences have given, by [`crate::catalog::SequencePlace`].
    Sequences,
    /// Tombstones, by (sync table id, row key).
    Tombstones,
    /// Edge: the outbox: [`OutboxEntry`] by [`crate::LocalSeq`], of all transactions that the rows installed here do not
    /// cover.
    Outbox,
    /// Edge: the entries that were covered, kept for a while in case the hub loses its memory.
    Retained,
    /// Edge: (sync table id, row key, local seq) of every operation of the entries that are part of P.
    OutboxRows,
    /// Edge: H, the hub's state, of each row that has pending operations, by (sync table id, row key).
    SyncBase,
    /// Hub: (commit seq, sync table id, row key) of the newest change of every row.
    Feed,
    /// Hub: digest of every merged transaction, by (site, local seq).
    Merged,
    /// Hub: nodes by id. The sync crate's own.
    Nodes,
    /// Hub: enrolment tokens. The sync crate's own.
    Tokens,
    /// Singletons of the sync crate.
    SyncState,
}
