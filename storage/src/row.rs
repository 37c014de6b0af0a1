//! Rows and how they are stored: a version byte, a null bitmap, the values, and for synced tables a trailer.

use heliosdb_crdt::Stamp;

use crate::ids::ColumnId;
use crate::value::Value;

/// The values of a row, one per slot.
pub type Row = Vec<Value>;

/// The trailer of a row of a synced table: what merging needs to know.
///
/// [`Stamped`] may stand for "the commit that is being made": its time and position are known only when the sequencer
/// orders it, which then fills them in.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RowMeta {
    /// Which life of the row this is, from 1: a re-insert after a delete opens the next.
    pub life: u32,
    /// The stamp of the INSERT that opened the life (of concurrent ones: of the winner).
    pub born: Stamped,
    /// The stamp of all plain columns that `column_stamps` does not name.
    pub stamp: Stamped,
    /// The columns whose stamp differs, by id.
    pub column_stamps: Vec<(ColumnId, Stamped)>,
    /// On a hub: the commit that changed the row last, which is its place in the change feed. 0 elsewhere.
    pub changed_at: ChangedAt,
}

/// A stamp, or the stamp of the commit that is being made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Stamped {
    /// To be filled in by the sequencer.
    #[default]
    ThisCommit,
    /// Known.
    At(Stamp),
}

/// A position in the hub's feed, or that of the commit that is being made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ChangedAt {
    /// To be filled in by the sequencer.
    ThisCommit,
    /// Known; 0 on nodes that are not hubs.
    #[default]
    Never,
    /// The hub's commit.
    At(crate::ids::CommitSeq),
}
