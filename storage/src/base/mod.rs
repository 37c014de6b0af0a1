//! The base: the only place that names redb.
//!
//! A `Base` is one redb file. A *space* of it is one redb table of bytes to bytes: the rows of a relation, the entries
//! of an index, or one of the internal relations. Spaces come into being with their first entry; reading one that does
//! not exist finds nothing.

mod disk;
mod read;
mod space;
mod write;

use std::path::{Path, PathBuf};

pub use disk::MemoryDisk;
pub(crate) use read::{BaseEntry, BaseRange, BaseRead, BaseTable, is_empty_range};
pub(crate) use space::Space;
pub(crate) use write::{BaseWrite, WriteTable};

use crate::error::{Error, Result};
use crate::store::Backend;

/// The file of a data folder that holds the base.
const FILE_NAME: &str = "helios.redb";

/// One redb database.
pub(crate) struct Base {
    database: redb::Database,
}

impl Base {
    /// Opens the base, or makes an empty one. It is locked against other openers for as long as it lives.
    pub(crate) fn open(backend: &Backend, cache_bytes: usize) -> Result<Self> {
        let mut builder = redb::Builder::new();
        builder.set_cache_size(cache_bytes);
        let (opened, place) = match backend {
            Backend::Folder(folder) => {
                std::fs::create_dir_all(folder)?;
                (builder.create(folder.join(FILE_NAME)), folder.clone())
            }
            Backend::Memory(disk) => {
                let place = PathBuf::from("in memory");
                let backend = disk.open().ok_or_else(|| Error::InUse(place.display().to_string()))?;
                (builder.create_with_backend(backend), place)
            }
        };
        let database = opened.map_err(|error| open_error(error, &place))?;
        if let Backend::Folder(folder) = backend {
            sync_folder(folder)?;
        }
        Ok(Self { database })
    }

    /// What is committed now, held until dropped.
    pub(crate) fn read(&self) -> Result<BaseRead> {
        use redb::ReadableDatabase as _;
        self.database.begin_read().map(BaseRead::new).map_err(|error| base_error(error.into()))
    }

    /// Starts the one write transaction; the sequencer makes sure that there is never a second one.
    pub(crate) fn write(&self) -> Result<BaseWrite> {
        let mut txn = self.database.begin_write().map_err(|error| base_error(error.into()))?;
        // A restart after a crash must not have to walk the whole file.
        txn.set_quick_repair(true);
        Ok(BaseWrite::new(txn))
    }
}

/// Makes the file's own entry in its folder durable, without which a crash could lose a synced file.
fn sync_folder(folder: &Path) -> Result<()> {
    std::fs::File::open(folder)?.sync_all()?;
    Ok(())
}

fn open_error(error: redb::DatabaseError, place: &Path) -> Error {
    match error {
        redb::DatabaseError::DatabaseAlreadyOpen | redb::DatabaseError::LockProtocolMismatch => {
            Error::InUse(place.display().to_string())
        }
        redb::DatabaseError::UpgradeRequired(version) => {
            Error::corrupt(place.display().to_string(), format!("its base has the file format {version}"))
        }
        other => base_error(other.into()),
    }
}

/// The store's error for one of redb's.
fn base_error(error: redb::Error) -> Error {
    match error {
        redb::Error::Io(error) => io_error(error),
        redb::Error::Corrupted(what) => Error::corrupt("the base", what),
        redb::Error::ValueTooLarge(bytes) => Error::LimitExceeded(format!("a value of {bytes} bytes is too large")),
        redb::Error::PreviousIo => {
            Error::Io(std::io::Error::other("an earlier input/output error stopped the store; restart it"))
        }
        other => Error::Io(std::io::Error::other(other.to_string())),
    }
}

fn io_error(error: std::io::Error) -> Error {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::DiskFull(error.to_string()),
        ErrorKind::InvalidData => Error::corrupt("the base", error.to_string()),
        _ => Error::Io(error),
    }
}
