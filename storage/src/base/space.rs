//! The names of the base's tables.

use crate::ids::RelationId;
use crate::sync_row::Internal;

/// One ordered map of bytes to bytes within the base.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Space {
    /// The rows of a table.
    Rows(RelationId),
    /// The entries of an index.
    Index(RelationId),
    /// An internal relation.
    Internal(Internal),
}

impl Space {
    /// The name of the redb table; part of the on-disk format.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Rows(id) => format!("r{id}"),
            Self::Index(id) => format!("i{id}"),
            Self::Internal(internal) => format!("sys_{}", internal_name(internal)),
        }
    }
}

const fn internal_name(internal: Internal) -> &'static str {
    match internal {
        Internal::Meta => "meta",
        Internal::Catalog => "catalog",
        Internal::Sequences => "sequences",
        Internal::Tombstones => "tombstones",
        Internal::Outbox => "outbox",
        Internal::OutboxRows => "outbox_rows",
        Internal::Retained => "retained",
        Internal::SyncBase => "sync_base",
        Internal::Feed => "feed",
        Internal::Merged => "merged",
        Internal::Nodes => "nodes",
        Internal::Tokens => "tokens",
        Internal::SyncState => "sync_state",
    }
}
