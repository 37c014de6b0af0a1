//! The parent's end: what becomes of rows whose parent has gone or has another key.
//!
//! Actions change rows as a statement would, so that their own foreign keys, constraints and, on synced tables, operations
//! follow. They look at the latest state, which the statement may not see, and lock what they change.

use std::sync::Arc;

use super::super::{ColumnChange, RowLock, RowPatch, Transaction};
use super::children::refers_to;
use crate::catalog::{Catalog, ForeignKeyDef, ReferentialAction, TableDef};
use crate::constraints::{RowContext, has_children, values_at};
use crate::error::Result;
use crate::ids::RelationId;
use crate::value::Value;

impl Transaction {
    /// Does to the rows that refer to `old` what their foreign key says, or judges that there are none. `ids` are those of
    /// the parent, the child and the foreign key; `new` are the values that the parent has now, if it is still there.
    pub(in crate::transaction) fn act_on_children(
        &mut self,
        catalog: &Catalog,
        ids: (RelationId, RelationId, RelationId),
        old: &[Value],
        new: Option<&[Value]>,
    ) -> Result<()> {
        let (Some(parent), Some(child)) = (catalog.table_by_id(ids.0), catalog.table_by_id(ids.1)) else {
            return Ok(());
        };
        let Some(foreign) = child.foreign_keys.iter().find(|foreign| foreign.id == ids.2) else { return Ok(()) };
        let referred: Vec<&Value> = old.iter().collect();
        let action = if new.is_some() { foreign.on_update } else { foreign.on_delete };
        match (action, new) {
            (ReferentialAction::NoAction, _) => self.judge_no_children(parent, child, foreign, &referred, true),
            (ReferentialAction::Restrict, _) => self.judge_no_children(parent, child, foreign, &referred, false),
            (ReferentialAction::Cascade, None) => self.delete_children(child, foreign, &referred),
            (ReferentialAction::Cascade, Some(new)) => {
                self.patch_children(child, foreign, &referred, |txn| txn.cascaded(catalog, parent, child, foreign, new))
            }
            (ReferentialAction::SetNull, _) => {
                let slots = set_slots(foreign, new.is_none()).to_vec();
                self.patch_children(child, foreign, &referred, |_| {
                    Ok(slots.iter().map(|slot| (*slot, ColumnChange::Set(Value::Null))).collect())
                })
            }
            (ReferentialAction::SetDefault, _) => {
                let slots = set_slots(foreign, new.is_none()).to_vec();
                self.patch_children(child, foreign, &referred, |txn| txn.defaults_of(catalog, child, &slots))?;
                // Rows whose defaults are the very values that are gone have not changed, and so are not judged.
                self.judge_no_children(parent, child, foreign, &referred, true)
            }
        }
    }

    /// Nothing may refer to the values, unless another row has taken them over.
    fn judge_no_children(
        &mut self,
        parent: &TableDef,
        child: &TableDef,
        foreign: &ForeignKeyDef,
        referred: &[&Value],
        may_be_replaced: bool,
    ) -> Result<()> {
        let view = self.latest();
        if may_be_replaced && self.find_parent(&view, parent, foreign, referred)?.is_some() {
            return Ok(());
        }
        if self.has_child(&view, child, foreign, referred)? {
            return Err(has_children(parent, child, foreign, referred));
        }
        Ok(())
    }

    /// Nothing may refer to a row that is gone, whatever the foreign keys say is to be done: what had to be done was done
    /// where the row was removed.
    pub(in crate::transaction) fn judge_children_of(&mut self, parent: &TableDef, old: &[Value]) -> Result<()> {
        let catalog = self.latest_catalog();
        for (child, foreign) in catalog.foreign_keys_to(parent.id) {
            let referred = values_at(old, &foreign.parent_slots);
            if referred.iter().all(|value| !value.is_null()) {
                self.judge_no_children(parent, child, foreign, &referred, true)?;
            }
        }
        Ok(())
    }

    fn delete_children(&mut self, child: &Arc<TableDef>, foreign: &ForeignKeyDef, referred: &[&Value]) -> Result<()> {
        self.lock_for_writing(child)?;
        let mut search = self.search_children(&self.latest(), child, foreign, referred)?;
        while let Some(keys) = self.next_children(&mut search, child, foreign, referred)? {
            for key in keys {
                let row = self.lock_row(child, &key, RowLock::Update)?;
                // It may have changed, or gone, while this transaction waited.
                if row.is_some_and(|row| refers_to(&row, foreign, referred)) {
                    self.delete_row(child, &key)?;
                }
            }
        }
        Ok(())
    }

    fn patch_children(
        &mut self,
        child: &Arc<TableDef>,
        foreign: &ForeignKeyDef,
        referred: &[&Value],
        patch: impl Fn(&Self) -> Result<RowPatch>,
    ) -> Result<()> {
        self.lock_for_writing(child)?;
        let mut search = self.search_children(&self.latest(), child, foreign, referred)?;
        while let Some(keys) = self.next_children(&mut search, child, foreign, referred)? {
            for key in keys {
                let row = self.lock_row(child, &key, RowLock::NoKeyUpdate)?;
                if row.is_some_and(|row| refers_to(&row, foreign, referred)) {
                    let patch = patch(self)?;
                    self.update_row(child, &key, patch)?;
                }
            }
        }
        Ok(())
    }

    /// The new values of the parent as the child's columns take them.
    fn cascaded(
        &self,
        catalog: &Catalog,
        parent: &TableDef,
        child: &TableDef,
        foreign: &ForeignKeyDef,
        new: &[Value],
    ) -> Result<RowPatch> {
        let at = RowContext { catalog, table: child, row: &[] };
        let columns = foreign.slots.iter().zip(&foreign.parent_slots);
        let convert = |((slot, parent_slot), value): ((&usize, &usize), &Value)| {
            let from = parent.columns.get(*parent_slot);
            let (Some(from), Some(to)) = (from, child.columns.get(*slot)) else { return Ok(None) };
            let value = self.checker.assign(&at, value, from.column_type, to.column_type)?;
            Ok(Some((*slot, ColumnChange::Set(value))))
        };
        let patch: Result<Vec<_>> = columns.zip(new).map(convert).collect();
        Ok(patch?.into_iter().flatten().collect())
    }

    fn defaults_of(&self, catalog: &Catalog, child: &TableDef, slots: &[usize]) -> Result<RowPatch> {
        let at = RowContext { catalog, table: child, row: &[] };
        let default = |slot: &usize| Ok((*slot, ColumnChange::Set(self.checker.default_value(&at, *slot)?)));
        slots.iter().map(default).collect()
    }
}

/// The columns that SET NULL and SET DEFAULT set.
fn set_slots(foreign: &ForeignKeyDef, is_delete: bool) -> &[usize] {
    if is_delete && !foreign.on_delete_slots.is_empty() { &foreign.on_delete_slots } else { &foreign.slots }
}
