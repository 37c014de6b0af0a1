//! Last-write-wins register.

use crate::Stamp;

/// A value with the stamp of its writer; the larger stamp wins.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Lww<T> {
    /// The value.
    pub value: T,
    /// Who wrote it and when.
    pub stamp: Stamp,
}
