//! The one function that merges an operation into a row.

use heliosdb_crdt::Stamp;

use super::{OpKind, RowState};
use crate::catalog::TableDef;

/// What became of an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Applied {
    /// It changed the state (or might have).
    Changed,
    /// A later life, or the end of this one, makes it void; correct and final.
    Superseded,
    /// It names a life that is not known here: something it depends on is missing.
    UnknownLife,
}

/// Applies an operation of the given life and stamp to a state.
pub fn apply(_table: &TableDef, _state: &mut RowState, _life: u32, _kind: &OpKind, _stamp: Stamp) -> Applied {
    todo!("storage")
}
