//! Writing to the base.

use redb::{ReadableTable as _, TableDefinition};

use super::{Space, base_error};
use crate::error::{Error, Result};

/// A write transaction of the base.
pub(crate) struct BaseWrite {
    txn: redb::WriteTransaction,
}

/// A space being written to.
pub(crate) struct WriteTable<'txn> {
    table: redb::Table<'txn, &'static [u8], &'static [u8]>,
}

impl BaseWrite {
    pub(super) const fn new(txn: redb::WriteTransaction) -> Self {
        Self { txn }
    }

    /// Opens a space, making it if need be. One space must not be opened twice at a time.
    pub(crate) fn open(&self, space: Space) -> Result<WriteTable<'_>> {
        let name = space.name();
        let table = self
            .txn
            .open_table(TableDefinition::<&'static [u8], &'static [u8]>::new(&name))
            .map_err(|error| base_error(error.into()))?;
        Ok(WriteTable { table })
    }

    /// Removes a space with all it holds, if it exists.
    pub(crate) fn remove(&self, space: Space) -> Result<()> {
        let name = space.name();
        self.txn
            .delete_table(TableDefinition::<&'static [u8], &'static [u8]>::new(&name))
            .map_err(|error| base_error(error.into()))?;
        Ok(())
    }

    /// Makes everything durable. An error leaves the outcome unknown.
    pub(crate) fn commit(self) -> Result<()> {
        self.txn.commit().map_err(|error| base_error(error.into()))
    }

    /// Gives everything up.
    pub(crate) fn abort(self) {
        if let Err(error) = self.txn.abort() {
            tracing::error!(%error, "a write transaction of the base could not be given up");
        }
    }
}

impl WriteTable<'_> {
    /// The value under a key, as written so far.
    pub(crate) fn get<T>(&self, key: &[u8], read: impl FnOnce(&[u8]) -> Result<T>) -> Result<Option<T>> {
        match self.table.get(key).map_err(write_error)? {
            Some(guard) => read(guard.value()).map(Some),
            None => Ok(None),
        }
    }

    /// Writes a value.
    pub(crate) fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.table.insert(key, value).map_err(write_error)?;
        Ok(())
    }

    /// Removes a value.
    pub(crate) fn delete(&mut self, key: &[u8]) -> Result<()> {
        self.table.remove(key).map_err(write_error)?;
        Ok(())
    }
}

fn write_error(error: redb::StorageError) -> Error {
    base_error(error.into())
}
