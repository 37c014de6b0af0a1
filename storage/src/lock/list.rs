//! What is locked, for `pg_locks`.

use super::mode::LockMode;
use super::{AdvisoryKey, LockManager, PartyId, Resource};
use crate::ids::RelationId;
use crate::transaction::{RowLock, TableLock};

/// A lock that is held, or waited for.
#[derive(Clone, Debug)]
pub struct ListedLock {
    /// What is locked.
    pub thing: LockedThing,
    /// Whose it is.
    pub party: PartyId,
    /// PostgreSQL's name of the mode.
    pub mode: &'static str,
    /// Whether it is held.
    pub granted: bool,
}

/// What is locked, as far as others can make sense of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LockedThing {
    /// A relation.
    Relation(RelationId),
    /// A row or a key of a relation; only those that somebody waits for are listed.
    Row(RelationId),
    /// What clients mean by a number.
    Advisory(AdvisoryKey),
}

/// The modes and their names.
const MODES: [(LockMode, &str); 14] = [
    (LockMode::Table(TableLock::AccessShare), "AccessShareLock"),
    (LockMode::Table(TableLock::RowShare), "RowShareLock"),
    (LockMode::Table(TableLock::RowExclusive), "RowExclusiveLock"),
    (LockMode::Table(TableLock::ShareUpdateExclusive), "ShareUpdateExclusiveLock"),
    (LockMode::Table(TableLock::Share), "ShareLock"),
    (LockMode::Table(TableLock::ShareRowExclusive), "ShareRowExclusiveLock"),
    (LockMode::Table(TableLock::Exclusive), "ExclusiveLock"),
    (LockMode::Table(TableLock::AccessExclusive), "AccessExclusiveLock"),
    (LockMode::Row(RowLock::KeyShare), "AccessShareLock"),
    (LockMode::Row(RowLock::Share), "RowShareLock"),
    (LockMode::Row(RowLock::NoKeyUpdate), "ExclusiveLock"),
    (LockMode::Row(RowLock::Update), "AccessExclusiveLock"),
    (LockMode::Shared, "ShareLock"),
    (LockMode::Exclusive, "ExclusiveLock"),
];

/// The modes that a resource can have.
fn modes(resource: &Resource) -> impl Iterator<Item = &'static (LockMode, &'static str)> + use<> {
    let is_table = matches!(resource, Resource::Table(_));
    let is_row = matches!(resource, Resource::Row(..) | Resource::UniqueKey(..));
    MODES.iter().filter(move |(mode, _)| match mode {
        LockMode::Table(_) => is_table,
        LockMode::Row(_) => is_row,
        LockMode::Shared | LockMode::Exclusive => !is_table && !is_row,
    })
}

impl LockManager {
    /// All locks on relations and numbers, and those on rows that are waited for.
    pub(crate) fn list(&self) -> Vec<ListedLock> {
        let table = self.table.lock();
        let mut listed = Vec::new();
        for (resource, queue) in &table.queues {
            let thing = match resource {
                Resource::Table(relation) => LockedThing::Relation(*relation),
                Resource::Row(relation, _) | Resource::UniqueKey(relation, _) if !queue.waiters().is_empty() => {
                    LockedThing::Row(*relation)
                }
                Resource::Advisory(key) => LockedThing::Advisory(*key),
                Resource::Row(..) | Resource::UniqueKey(..) | Resource::Ddl | Resource::Apply => continue,
            };
            for (owner, held) in queue.holders() {
                let names = modes(resource).filter(|(mode, _)| held.contains(*mode)).map(|(_, name)| *name);
                listed.extend(names.map(|mode| ListedLock { thing, party: owner.party, mode, granted: true }));
            }
            for (owner, wanted) in queue.waiters() {
                let name = modes(resource).find(|(mode, _)| mode == wanted).map_or("ExclusiveLock", |(_, name)| name);
                listed.push(ListedLock { thing, party: owner.party, mode: name, granted: false });
            }
        }
        listed
    }
}
