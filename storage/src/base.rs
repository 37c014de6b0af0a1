//! The base: the only place that names redb.

/// Bytes in memory that outlive the store that writes them; for tests of crashes. A clone shares the bytes;
/// [`MemoryDisk::fork`] copies them, as copying a data folder would.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk {}

impl MemoryDisk {
    /// An independent copy of the bytes as they are now.
    pub fn fork(&self) -> Self {
        todo!("storage")
    }
}
