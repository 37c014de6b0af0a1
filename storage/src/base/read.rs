//! Reading the base at one moment.

use std::ops::Bound;

use bytes::Bytes;
use redb::{AccessGuard, ReadOnlyTable, ReadableTableMetadata as _, TableDefinition, TableError};

use super::{Space, base_error};
use crate::error::Result;
use crate::key::KeyRange;
use crate::transaction::Direction;

/// A read transaction of the base.
pub(crate) struct BaseRead {
    txn: redb::ReadTransaction,
}

impl BaseRead {
    pub(super) const fn new(txn: redb::ReadTransaction) -> Self {
        Self { txn }
    }

    /// Opens a space; none if nothing was ever written to it.
    pub(crate) fn open(&self, space: Space) -> Result<Option<BaseTable>> {
        let name = space.name();
        match self.txn.open_table(TableDefinition::<&[u8], &[u8]>::new(&name)) {
            Ok(table) => Ok(Some(BaseTable { table })),
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(base_error(error.into())),
        }
    }
}

/// A space at one moment.
pub(crate) struct BaseTable {
    table: ReadOnlyTable<&'static [u8], &'static [u8]>,
}

impl BaseTable {
    /// Calls the function on the value under a key, in place.
    pub(crate) fn get<T>(&self, key: &[u8], read: impl FnOnce(&[u8]) -> Result<T>) -> Result<Option<T>> {
        match self.table.get(key).map_err(|error| base_error(error.into()))? {
            Some(guard) => read(guard.value()).map(Some),
            None => Ok(None),
        }
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> Result<u64> {
        self.table.len().map_err(|error| base_error(error.into()))
    }

    /// The entries of a range.
    pub(crate) fn range(&self, range: &KeyRange, direction: Direction) -> Result<BaseRange> {
        let bounds = (as_slice(&range.start), as_slice(&range.end));
        if is_empty_range(bounds) {
            return Ok(BaseRange { range: None, direction });
        }
        let range = self.table.range::<&[u8]>(bounds).map_err(|error| base_error(error.into()))?;
        Ok(BaseRange { range: Some(range), direction })
    }
}

fn as_slice(bound: &Bound<Bytes>) -> Bound<&[u8]> {
    match bound {
        Bound::Included(key) => Bound::Included(key),
        Bound::Excluded(key) => Bound::Excluded(key),
        Bound::Unbounded => Bound::Unbounded,
    }
}

/// Whether no key can lie between the bounds, which a computed range may well be; ordered maps object to those.
pub(crate) fn is_empty_range(bounds: (Bound<&[u8]>, Bound<&[u8]>)) -> bool {
    match bounds {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(start), Bound::Included(end)) => start > end,
        (Bound::Included(start) | Bound::Excluded(start), Bound::Included(end) | Bound::Excluded(end)) => start >= end,
    }
}

/// An iterator over the entries of a range; holds its own reference to the moment it reads.
pub(crate) struct BaseRange {
    range: Option<redb::Range<'static, &'static [u8], &'static [u8]>>,
    direction: Direction,
}

impl Iterator for BaseRange {
    type Item = Result<BaseEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        let range = self.range.as_mut()?;
        let next = match self.direction {
            Direction::Forward => range.next(),
            Direction::Backward => range.next_back(),
        }?;
        Some(next.map(|(key, value)| BaseEntry { key, value }).map_err(|error| base_error(error.into())))
    }
}

/// A key and its value, read in place.
pub(crate) struct BaseEntry {
    key: AccessGuard<'static, &'static [u8]>,
    value: AccessGuard<'static, &'static [u8]>,
}

impl BaseEntry {
    /// The key.
    pub(crate) fn key(&self) -> &[u8] {
        self.key.value()
    }

    /// The value.
    pub(crate) fn value(&self) -> &[u8] {
        self.value.value()
    }
}
