//! What readers see.

use crate::ids::CommitSeq;

/// The committed state at one moment. Cheap to clone; holds nothing up but the pages it may still read.
#[derive(Clone)]
pub struct Snapshot {}

impl Snapshot {
    /// The last commit this snapshot sees.
    pub fn seq(&self) -> CommitSeq {
        todo!("storage")
    }
}
