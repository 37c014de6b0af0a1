//! Foreign keys, from both ends.
//!
//! The child's end locks the parent row against removal (KEY SHARE) and then looks whether it is there; the parent's end
//! has locked the row for removal and then looks for children. Both look at the latest committed state and the
//! transaction's own writes, so whichever comes second sees what the first has done.
//!
//! | file | what |
//! |---|---|
//! | here | the child's end; what merges judge |
//! | `children` | finding the rows that refer to one |
//! | `action` | the parent's end: CASCADE and its siblings |

mod action;
mod children;

use std::sync::Arc;

use bytes::Bytes;

use super::pending::{Event, EventKind};
use super::write::{encode_in_order, value_at};
use super::{RowLock, TableLock, Transaction};
use crate::catalog::{Catalog, ForeignKeyDef, IndexDef, TableDef, is_permutation};
use crate::constraints::{mixed_nulls, no_parent, values_at};
use crate::error::{Error, Result};
use crate::ids::RelationId;
use crate::key::{RowKey, encode_ordered};
use crate::lock::{LockMode, Resource};
use crate::value::Value;
use crate::view::ReadView;

impl Transaction {
    /// Remembers to judge the foreign keys of a row that now refers to something else: of a new one, of one whose values
    /// have changed, and of one that has another key now, because what was remembered of it names the old one.
    pub(super) fn note_child(&mut self, table: &Arc<TableDef>, key: &RowKey, old: Option<&[Value]>, new: &[Value]) {
        for foreign in &table.foreign_keys {
            let is_same = old.is_some_and(|old| values_at(old, &foreign.slots) == values_at(new, &foreign.slots));
            if !is_same && refers(foreign, new) {
                let kind = EventKind::Child(key.clone());
                self.note(Event { table: table.id, constraint: foreign.id, kind });
            }
        }
    }

    /// Remembers to look for rows that refer to a row, if what they may refer to is gone, or looks different.
    pub(super) fn note_parent(&mut self, table: &Arc<TableDef>, old: &[Value], new: Option<&[Value]>) {
        let catalog = self.latest_catalog();
        for (child, foreign) in catalog.foreign_keys_to(table.id) {
            let before = values_at(old, &foreign.parent_slots);
            if before.iter().any(|value| value.is_null()) {
                continue;
            }
            let after = new.map(|new| values_at(new, &foreign.parent_slots));
            let looks_alike = |after: &Vec<&Value>| before.iter().zip(after).all(|(a, b)| a.is_identical(b));
            if after.as_ref().is_some_and(looks_alike) {
                continue;
            }
            let owned = |values: Vec<&Value>| values.into_iter().cloned().collect();
            let kind = EventKind::Parent { child: child.id, old: owned(before), new: after.map(owned) };
            self.note(Event { table: table.id, constraint: foreign.id, kind });
        }
    }

    /// What a row refers to by a foreign key must be there.
    pub(super) fn judge_child(
        &mut self,
        catalog: &Catalog,
        table: RelationId,
        foreign: RelationId,
        key: &RowKey,
    ) -> Result<()> {
        let Some(table) = catalog.table_by_id(table) else { return Ok(()) };
        let Some(foreign) = table.foreign_keys.iter().find(|other| other.id == foreign) else { return Ok(()) };
        match self.newest_row(&self.latest(), table, key)? {
            Some(row) => self.judge_parent_of(catalog, table, foreign, &row),
            None => Ok(()),
        }
    }

    /// All that a row refers to must be there.
    pub(super) fn judge_parents_of(&mut self, table: &TableDef, row: &[Value]) -> Result<()> {
        let catalog = self.latest_catalog();
        table.foreign_keys.iter().try_for_each(|foreign| self.judge_parent_of(&catalog, table, foreign, row))
    }

    fn judge_parent_of(
        &mut self,
        catalog: &Catalog,
        table: &TableDef,
        foreign: &ForeignKeyDef,
        row: &[Value],
    ) -> Result<()> {
        let referred = values_at(row, &foreign.slots);
        let nulls = referred.iter().filter(|value| value.is_null()).count();
        if foreign.match_full && nulls > 0 && nulls < referred.len() {
            return Err(mixed_nulls(table, foreign));
        }
        if nulls > 0 {
            return Ok(());
        }
        let encoded = encode_in_order(&referred, &foreign.parent_slots, &foreign.parent_slots)?;
        let known = (foreign.parent, foreign.parent_slots.clone(), encoded);
        if self.writes.pending.known_parents.contains(&known) {
            return Ok(());
        }
        let parent = catalog.table_by_id(foreign.parent).ok_or(Error::NoSuchRelation(foreign.parent))?;
        if !self.lock_parent(parent, foreign, &referred)? {
            return Err(no_parent(table, parent, foreign, &referred));
        }
        self.writes.pending.known_parents.insert(known);
        Ok(())
    }

    /// What a row refers to must be there. For rows that are older than the foreign key: who removes a parent since then
    /// looks for children himself.
    pub(super) fn judge_parent_without_lock(
        &self,
        table: &TableDef,
        parent: &TableDef,
        foreign: &ForeignKeyDef,
        row: &[Value],
    ) -> Result<()> {
        let referred = values_at(row, &foreign.slots);
        let nulls = referred.iter().filter(|value| value.is_null()).count();
        if foreign.match_full && nulls > 0 && nulls < referred.len() {
            return Err(mixed_nulls(table, foreign));
        }
        if nulls > 0 || self.find_parent(&self.latest(), parent, foreign, &referred)?.is_some() {
            return Ok(());
        }
        Err(no_parent(table, parent, foreign, &referred))
    }

    /// Locks the row referred to; false if there is none.
    fn lock_parent(&mut self, parent: &TableDef, foreign: &ForeignKeyDef, referred: &[&Value]) -> Result<bool> {
        self.locks.acquire(Resource::Table(parent.id), LockMode::Table(TableLock::RowShare))?;
        let mut locked: Option<RowKey> = None;
        loop {
            let found = self.find_parent(&self.latest(), parent, foreign, referred)?;
            match found {
                None => return Ok(false),
                Some(key) if locked.as_ref() == Some(&key) => return Ok(true),
                Some(key) => {
                    // It may have gone while this transaction waited: look again.
                    self.lock_row_only(parent, &key, RowLock::KeyShare)?;
                    locked = Some(key);
                }
            }
        }
    }

    fn find_parent(
        &self,
        view: &ReadView,
        parent: &TableDef,
        foreign: &ForeignKeyDef,
        referred: &[&Value],
    ) -> Result<Option<RowKey>> {
        if is_permutation(&parent.primary_key, &foreign.parent_slots) {
            let key = RowKey(encode_in_order(referred, &foreign.parent_slots, &parent.primary_key)?);
            return Ok(self.newest(view, parent.space(), &key.0, |_| Ok(()))?.map(|()| key));
        }
        let index = parent.indexes.iter().find(|index| index.is_key_of(&foreign.parent_slots)).ok_or_else(|| {
            Error::corrupt("the catalog", format!("foreign key {} refers to no unique key", foreign.name))
        })?;
        self.newest_with_prefix(view, index, &encode_for_index(referred, &foreign.parent_slots, index)?)
    }
}

/// Whether a row has to be judged by a foreign key: NULLs refer to nothing.
fn refers(foreign: &ForeignKeyDef, row: &[Value]) -> bool {
    let values = values_at(row, &foreign.slots);
    if foreign.match_full {
        values.iter().any(|value| !value.is_null())
    } else {
        values.iter().all(|value| !value.is_null())
    }
}

/// What the first keys of an index have for some values, given in the order of some slots.
fn encode_for_index(values: &[&Value], slots: &[usize], index: &IndexDef) -> Result<Bytes> {
    let mut out = Vec::with_capacity(16);
    for key in index.keys.iter().take(slots.len()) {
        let slot = key.value.slot().expect("BUG: the keys of the index are columns");
        encode_ordered(value_at(values, slots, slot), key.order, &mut out)?;
    }
    Ok(out.into())
}
