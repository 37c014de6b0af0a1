//! The rows that refer to one: by the primary key of their table, by an index, or by looking at all of them.

use bytes::Bytes;

use super::encode_for_index;
use crate::catalog::{ForeignKeyDef, IndexDef, TableDef, is_permutation};
use crate::constraints::values_at;
use crate::error::Result;
use crate::key::{KeyOrder, KeyRange, RowKey};
use crate::merge_cursor::MergeCursor;
use crate::transaction::Transaction;
use crate::transaction::read::row_key_of_entry;
use crate::transaction::write::encode_in_order;
use crate::value::Value;
use crate::view::{ReadView, values};

/// Rows that are looked at in one go.
const BATCH: usize = 256;

/// A search for children, in their newest versions. It goes on while the children found are changed.
pub(super) struct ChildSearch {
    entries: MergeCursor,
    path: Path,
    has_more: bool,
}

enum Path {
    /// The rows themselves, all of which refer to the parent.
    Rows,
    /// Entries of an index, whose values sort like this.
    Index(Vec<KeyOrder>),
    /// The rows themselves, some of which may.
    All,
}

impl Transaction {
    pub(super) fn search_children(
        &self,
        view: &ReadView,
        child: &TableDef,
        foreign: &ForeignKeyDef,
        referred: &[&Value],
    ) -> Result<ChildSearch> {
        let count = foreign.slots.len();
        let leads = |slots: Option<&[usize]>| slots.is_some_and(|slots| is_permutation(slots, &foreign.slots));
        let index = || child.indexes.iter().find(|index| leads(leading_slots(index, count).as_deref()));
        let (space, range, path) = if leads(child.primary_key.get(..count)) {
            let slots = child.primary_key.get(..count).unwrap_or_default();
            let prefix = encode_in_order(referred, &foreign.slots, slots)?;
            (child.space(), KeyRange::prefix(&prefix), Path::Rows)
        } else if let Some(index) = index() {
            let prefix = encode_for_index(referred, &foreign.slots, index)?;
            (index.space(), KeyRange::prefix(&prefix), Path::Index(index.orders().collect()))
        } else {
            (child.space(), KeyRange::ALL, Path::All)
        };
        let entries = self.newest_entries(view, space, range)?;
        Ok(ChildSearch { entries, path, has_more: true })
    }

    /// The keys of the next children; none at the end.
    pub(super) fn next_children(
        &self,
        search: &mut ChildSearch,
        child: &TableDef,
        foreign: &ForeignKeyDef,
        referred: &[&Value],
    ) -> Result<Option<Vec<RowKey>>> {
        while search.has_more {
            self.locks.check()?;
            let ChildSearch { entries, path, has_more } = search;
            let mut found = Vec::new();
            *has_more = entries.advance(&self.writes.overlay, BATCH, |entry, bytes| {
                match path {
                    Path::Rows => found.push(RowKey(Bytes::copy_from_slice(entry))),
                    Path::Index(orders) => found.push(row_key_of_entry(entry, orders)?),
                    Path::All => {
                        if refers_to(&values(child, bytes)?, foreign, referred) {
                            found.push(RowKey(Bytes::copy_from_slice(entry)));
                        }
                    }
                }
                Ok(())
            })?;
            if !found.is_empty() {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Whether there is a child.
    pub(super) fn has_child(
        &self,
        view: &ReadView,
        child: &TableDef,
        foreign: &ForeignKeyDef,
        referred: &[&Value],
    ) -> Result<bool> {
        let mut search = self.search_children(view, child, foreign, referred)?;
        Ok(self.next_children(&mut search, child, foreign, referred)?.is_some())
    }
}

/// Whether a row refers to these values.
pub(super) fn refers_to(row: &[Value], foreign: &ForeignKeyDef, referred: &[&Value]) -> bool {
    let own = values_at(row, &foreign.slots);
    own.iter().zip(referred).all(|(a, b)| !a.is_null() && a.compare(b).is_eq())
}

/// The slots of the first keys of an index, if they are columns and every row has an entry.
fn leading_slots(index: &IndexDef, count: usize) -> Option<Vec<usize>> {
    if index.predicate.is_some() {
        return None;
    }
    index.keys.get(..count)?.iter().map(|key| key.value.slot()).collect()
}
