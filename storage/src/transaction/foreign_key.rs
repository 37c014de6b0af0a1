//! Foreign keys, from both ends.
//!
//! The child's end locks the parent row against removal (KEY SHARE) and then looks whether it is there; the parent's end
//! has locked the row for removal and then looks for children. Both look at the latest committed state and the
//! transaction's own writes, so whichever comes second sees what the first has done.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;

use super::index::row_key;
use super::undo::Undo;
use super::write::{encode_in_order, value_at};
use super::{RowLock, Transaction};
use crate::catalog::{ForeignKeyDef, IndexDef, TableDef, is_permutation};
use crate::constraints::{has_children, no_parent, values_at};
use crate::error::{Error, Result};
use crate::ids::RelationId;
use crate::key::{KeyRange, RowKey, encode_ordered};
use crate::row::Row;
use crate::value::Value;
use crate::view::{ReadView, values};

/// Rows that are looked at in one go when children have no index.
const SCAN_BATCH: usize = 256;

/// What is judged at the end of a statement.
pub(super) enum PendingCheck {
    /// A row that refers to others now.
    Child { table: Arc<TableDef>, key: RowKey },
    /// A row that is gone, or whose key others may refer to has changed.
    Parent { table: Arc<TableDef>, old: Row },
}

/// Parents that are locked and there: no need to look for them again within one statement.
#[derive(Default)]
pub(super) struct KnownParents(HashSet<(RelationId, Vec<usize>, Bytes)>);

impl Transaction {
    pub(super) fn note(&mut self, check: PendingCheck) {
        self.writes.pending.push(check);
        self.writes.undo.push(Undo::Pending);
    }

    /// Judges what is left for the end of the statement.
    pub(super) fn judge_pending(&mut self) -> Result<()> {
        if self.writes.pending.is_empty() {
            return Ok(());
        }
        let mut known = KnownParents::default();
        for check in std::mem::take(&mut self.writes.pending) {
            match check {
                PendingCheck::Child { table, key } => {
                    if let Some(row) = self.newest_row(&self.latest(), &table, &key)? {
                        self.judge_parents_of(&table, &row, &mut known)?;
                    }
                }
                PendingCheck::Parent { table, old } => self.judge_children_of(&table, &old)?,
            }
        }
        Ok(())
    }

    /// All that a row refers to must be there.
    pub(super) fn judge_parents_of(&mut self, table: &TableDef, row: &[Value], known: &mut KnownParents) -> Result<()> {
        for foreign in &table.foreign_keys {
            let referred = values_at(row, &foreign.slots);
            if referred.iter().any(|value| value.is_null()) {
                continue;
            }
            let encoded = encode_in_order(&referred, &foreign.parent_slots, &foreign.parent_slots)?;
            if !known.0.insert((foreign.parent, foreign.parent_slots.clone(), encoded)) {
                continue;
            }
            let catalog = self.latest_catalog();
            let parent = catalog.table_by_id(foreign.parent).ok_or(Error::NoSuchRelation(foreign.parent))?;
            if !self.lock_parent(parent, foreign, &referred)? {
                return Err(no_parent(table, parent, foreign, &referred));
            }
        }
        Ok(())
    }

    /// Locks the row referred to; false if there is none.
    fn lock_parent(&mut self, parent: &TableDef, foreign: &ForeignKeyDef, referred: &[&Value]) -> Result<bool> {
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
        let prefix = encode_for_index(referred, &foreign.parent_slots, index)?;
        let mut entries = self.newest_entries(view, index.space(), KeyRange::prefix(&prefix))?;
        let mut found = None;
        entries.advance(&self.writes.overlay, 1, |entry, _| {
            found = Some(row_key(entry, prefix.len()));
            Ok(())
        })?;
        Ok(found)
    }

    /// Nothing may refer to a row that is gone, unless another row has taken its place.
    pub(super) fn judge_children_of(&mut self, parent: &TableDef, old: &[Value]) -> Result<()> {
        let catalog = self.latest_catalog();
        let view = self.latest();
        for (child, foreign) in catalog.foreign_keys_to(parent.id) {
            let referred = values_at(old, &foreign.parent_slots);
            if referred.iter().any(|value| value.is_null()) {
                continue;
            }
            if self.find_parent(&view, parent, foreign, &referred)?.is_none()
                && self.has_child(&view, child, foreign, &referred)?
            {
                return Err(has_children(parent, child, foreign, &referred));
            }
        }
        Ok(())
    }

    fn has_child(
        &self,
        view: &ReadView,
        child: &TableDef,
        foreign: &ForeignKeyDef,
        referred: &[&Value],
    ) -> Result<bool> {
        let count = foreign.slots.len();
        let leads = |slots: Option<&[usize]>| slots.is_some_and(|slots| is_permutation(slots, &foreign.slots));
        let index = || child.indexes.iter().find(|index| leads(leading_slots(index, count).as_deref()));
        let (space, prefix) = if leads(child.primary_key.get(..count)) {
            let slots = child.primary_key.get(..count).unwrap_or_default();
            (child.space(), encode_in_order(referred, &foreign.slots, slots)?)
        } else if let Some(index) = index() {
            (index.space(), encode_for_index(referred, &foreign.slots, index)?)
        } else {
            return self.has_child_by_scan(view, child, foreign, referred);
        };
        let mut entries = self.newest_entries(view, space, KeyRange::prefix(&prefix))?;
        let mut found = false;
        entries.advance(&self.writes.overlay, 1, |_, _| {
            found = true;
            Ok(())
        })?;
        Ok(found)
    }

    fn has_child_by_scan(
        &self,
        view: &ReadView,
        child: &TableDef,
        foreign: &ForeignKeyDef,
        referred: &[&Value],
    ) -> Result<bool> {
        let mut rows = self.newest_entries(view, child.space(), KeyRange::ALL)?;
        let mut found = false;
        loop {
            let has_more = rows.advance(&self.writes.overlay, SCAN_BATCH, |_, bytes| {
                let row = values(child, bytes)?;
                let own = values_at(&row, &foreign.slots);
                found |= own.iter().zip(referred).all(|(a, b)| !a.is_null() && a.compare(b).is_eq());
                Ok(())
            })?;
            if found || !has_more {
                return Ok(found);
            }
            self.locks.check()?;
        }
    }
}

/// The slots of the first keys of an index, if they are columns and every row has an entry.
fn leading_slots(index: &IndexDef, count: usize) -> Option<Vec<usize>> {
    if index.predicate.is_some() {
        return None;
    }
    index.keys.get(..count)?.iter().map(|key| key.value.slot()).collect()
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
