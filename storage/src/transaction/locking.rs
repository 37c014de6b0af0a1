//! Locks on relations and rows, and what is known once they are granted.

use std::sync::Arc;

use bytes::Bytes;

use super::{Repeatable, RowLock, TableLock, Transaction};
use crate::catalog::TableDef;
use crate::error::{Error, Result};
use crate::ids::RelationId;
use crate::key::RowKey;
use crate::lock::{LockMode, Resource};
use crate::row::Row;
use crate::view::ReadView;

impl Transaction {
    /// Waits for a lock on a relation, held to the end of the transaction. If the catalog has changed meanwhile, the
    /// statement goes on with a new snapshot and the new catalog: look the relation up again.
    pub fn lock_table(&mut self, relation: RelationId, mode: TableLock) -> Result<()> {
        self.locks.acquire(Resource::Table(relation), LockMode::Table(mode))?;
        self.follow_catalog();
        if self.catalog.table_by_id(relation).is_none() {
            return Err(Error::NoSuchRelation(relation));
        }
        Ok(())
    }

    /// Waits for a lock on a row, held to the end of the transaction, and returns the row's newest version: the latest
    /// committed one, or this transaction's own. None if the row is gone. A caller whose condition was judged on an older
    /// version judges it again (READ COMMITTED).
    pub fn lock_row(&mut self, table: &TableDef, key: &RowKey, mode: RowLock) -> Result<Option<Row>> {
        self.lock_row_only(table, key, mode)?;
        let latest = self.latest();
        self.judge_repeatable(&latest, table, key)?;
        self.newest_row(&latest, table, key)
    }

    /// Takes a lock on a row if nobody is in the way; false if somebody is.
    pub fn try_lock_row(&mut self, table: &TableDef, key: &RowKey, mode: RowLock) -> Result<bool> {
        self.locks.try_acquire(&Resource::Row(table.id, key.0.clone()), LockMode::Row(mode))
    }

    /// A REPEATABLE READ transaction cannot go on with a row that others have changed since its snapshot. A row that looks
    /// the same again counts as unchanged.
    fn judge_repeatable(&self, latest: &ReadView, table: &TableDef, key: &RowKey) -> Result<()> {
        if self.repeatable != Some(Repeatable::Settled) {
            return Ok(());
        }
        let read = |view: &ReadView| view.get(table.space(), &key.0, |bytes| Ok(Bytes::copy_from_slice(bytes)));
        let now = read(latest)?;
        if now == read(&self.view)? {
            return Ok(());
        }
        let what = if now.is_none() { "delete" } else { "update" };
        Err(Error::Serialization(format!("could not serialize access due to concurrent {what}")))
    }

    /// Waits until all of the rows can be locked at once, with [`RowLock::Update`], and holds none of them while it waits: a
    /// merge or a pull that locks its rows so cannot deadlock with clients that write them in another order. Held to the
    /// end of the transaction.
    pub fn lock_rows<'a>(&mut self, rows: impl IntoIterator<Item = (&'a TableDef, &'a RowKey)>) -> Result<()> {
        let resource = |(table, key): (&TableDef, &RowKey)| Resource::Row(table.id, key.0.clone());
        let wanted: Vec<_> = rows.into_iter().map(|row| (resource(row), LockMode::Row(RowLock::Update))).collect();
        self.locks.acquire_together(&wanted)
    }

    /// Waits until no other transaction merges or installs what was pulled; held to the end of the transaction. What sync
    /// keeps in internal relations is read and written under it.
    pub fn lock_apply(&mut self) -> Result<()> {
        self.locks.acquire(Resource::Apply, LockMode::Exclusive)
    }

    pub(super) fn lock_row_only(&mut self, table: &TableDef, key: &RowKey, mode: RowLock) -> Result<()> {
        self.locks.acquire(Resource::Row(table.id, key.0.clone()), LockMode::Row(mode))
    }

    /// Makes sure that the table is locked for writing and is what the caller takes it for; else indexes or constraints
    /// made meanwhile would be passed over.
    pub(super) fn lock_for_writing(&mut self, table: &Arc<TableDef>) -> Result<()> {
        if self.writable.get(&table.id).is_some_and(|known| Arc::ptr_eq(known, table)) {
            return self.locks.check();
        }
        self.locks.acquire(Resource::Table(table.id), LockMode::Table(TableLock::RowExclusive))?;
        let catalog = self.latest_catalog();
        let current = catalog.table_by_id(table.id).ok_or(Error::NoSuchRelation(table.id))?;
        if current != table {
            return Err(Error::Serialization(format!(
                "table \"{}\" was changed by a concurrent transaction",
                table.name
            )));
        }
        self.writable.insert(table.id, Arc::clone(table));
        Ok(())
    }
}
