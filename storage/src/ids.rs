//! Ids, sequence numbers and versions, each a type of its own.

use heliosdb_crdt::SiteId;
use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
        pub struct $name(pub $inner);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// A table, an index or another relation of this node; its oid in `pg_class`.
    RelationId(u32)
}
number! {
    /// An object of the catalog of any kind: schemas, relations, types, functions and roles share one sequence of oids.
    Oid(u32)
}
number! {
    /// A column, stable within its table for ever and the same on every node; `attnum` in `pg_attribute`, from 1.
    ColumnId(u16)
}
number! {
    /// A synced table, the same on every node: the hub's relation id.
    SyncTableId(u32)
}
number! {
    /// The position of a commit in this store's history, from 1.
    CommitSeq(u64)
}
number! {
    /// The position of a transaction in this node's outbox, from 1; never reused, whatever the incarnation.
    LocalSeq(u64)
}
number! {
    /// The version of the schema of the synced tables, counted by the hub.
    SchemaVersion(u64)
}

impl From<RelationId> for Oid {
    fn from(relation: RelationId) -> Self {
        Self(relation.0)
    }
}

/// A position in the hub's history.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct ServerSeq {
    /// The life of the hub; a restored hub gets a new one. Milliseconds since the Unix epoch at its start.
    pub epoch: u64,
    /// The commit within that life: the hub's [`CommitSeq`].
    pub n: u64,
}

/// What a transaction is called everywhere and for ever: the life of the node that committed it, and its number there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct TxnId {
    /// The incarnation of the node.
    pub site: SiteId,
    /// The position in its outbox.
    pub seq: LocalSeq,
}
