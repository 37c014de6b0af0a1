//! Inserting a row unless another one is in its way: what `ON CONFLICT` is made of.
//!
//! Whether a key is taken is only known for sure by who has locked it, and only who inserts may keep such a lock: a
//! transaction that holds the key of a row *and* waits for the row would run into a deadlock with one that deletes it.
//! So the search goes round in circles, holding nothing in between:
//!
//! ```text
//!  ┌─► is there a row in the way? ── yes ─► lock it; is it still in the way? ── yes ─► that is the conflict
//!  │            │ no                                        │ no
//!  │   lock the keys; is there one now? ── no ─► insert      │
//!  │            │ yes                                        │
//!  └── give back what was locked for this ◄─────────────────┘
//! ```
//!
//! Each round but the last has waited for another transaction, or has met what one has just committed.

use std::sync::Arc;

use super::{RowLock, Transaction};
use crate::catalog::{IndexDef, TableDef};
use crate::error::{Error, Result};
use crate::ids::RelationId;
use crate::key::RowKey;
use crate::lock::{LockMode, Resource};
use crate::row::Row;
use crate::value::Value;

/// A unique key whose collisions are looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arbiter {
    /// The primary key.
    PrimaryKey,
    /// A unique index.
    Index(RelationId),
}

/// What has become of a row that was to be inserted.
#[derive(Clone, PartialEq, Debug)]
pub enum Inserted {
    /// It is there, under this key.
    New(RowKey),
    /// Another row was in its way.
    Conflict(RowKey),
    /// Another row was in its way; it is locked, and this is its newest version.
    Locked(RowKey, Row),
}

impl Transaction {
    /// Inserts a row as [`Transaction::insert_row`] does, unless another row, perhaps one that the statement does not see,
    /// has the same values in one of the arbiters. With a lock mode that row is locked; without one, the transactions that
    /// are changing it have been waited for. Collisions in other unique keys are violations.
    pub fn insert_unless_taken(
        &mut self,
        table: &Arc<TableDef>,
        row: &[Value],
        arbiters: &[Arbiter],
        lock: Option<RowLock>,
    ) -> Result<Inserted> {
        self.lock_for_writing(table)?;
        self.judge_new_row(table, row)?;
        loop {
            let held = self.locks.held();
            if let Some(key) = self.row_in_the_way(table, row, arbiters)? {
                let newest = self.lock_row(table, &key, lock.unwrap_or(RowLock::KeyShare))?;
                let is_still_there = self.row_in_the_way(table, row, arbiters)?.as_ref() == Some(&key);
                match (newest, lock) {
                    (Some(newest), Some(_)) if is_still_there => return Ok(Inserted::Locked(key, newest)),
                    (Some(_), None) if is_still_there => {
                        self.locks.release_after(held);
                        return Ok(Inserted::Conflict(key));
                    }
                    _ => {}
                }
            } else {
                self.lock_arbiters(table, row, arbiters)?;
                if self.row_in_the_way(table, row, arbiters)?.is_none() {
                    return self.insert_judged_row(table, row).map(Inserted::New);
                }
            }
            self.locks.release_after(held);
        }
    }

    /// Whether the statement that is running has written, changed or deleted the row itself.
    pub fn is_changed_by_statement(&self, table: &TableDef, key: &RowKey) -> bool {
        self.writes.overlay.newest_command(table.space(), &key.0) == Some(self.command)
    }

    /// The key of the row that has the same values in one of the arbiters, in its newest version.
    fn row_in_the_way(&self, table: &TableDef, row: &[Value], arbiters: &[Arbiter]) -> Result<Option<RowKey>> {
        let view = self.latest();
        for arbiter in arbiters {
            let found = match arbiter {
                Arbiter::PrimaryKey => {
                    let key = RowKey::of_row(table, row)?;
                    self.newest(&view, table.space(), &key.0, |_| Ok(()))?.map(|()| key)
                }
                Arbiter::Index(id) => {
                    let index = unique_index(table, *id)?;
                    let Some(prefix) = self.unique_prefix(table, index, row)? else { continue };
                    self.newest_with_prefix(&view, index, &prefix)?
                }
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Locks the keys that the row would take in the arbiters.
    fn lock_arbiters(&mut self, table: &TableDef, row: &[Value], arbiters: &[Arbiter]) -> Result<()> {
        for arbiter in arbiters {
            match arbiter {
                Arbiter::PrimaryKey => self.lock_row_only(table, &RowKey::of_row(table, row)?, RowLock::Update)?,
                Arbiter::Index(id) => {
                    let index = unique_index(table, *id)?;
                    if let Some(prefix) = self.unique_prefix(table, index, row)? {
                        self.locks.acquire(Resource::UniqueKey(index.id, prefix), LockMode::Exclusive)?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn unique_index(table: &TableDef, id: RelationId) -> Result<&IndexDef> {
    table.indexes.iter().find(|index| index.id == id && index.unique).ok_or(Error::NoSuchRelation(id))
}
