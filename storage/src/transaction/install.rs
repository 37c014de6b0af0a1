//! The hub's schema, installed on an edge.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::{TableLock, Transaction};
use crate::catalog::{
    CatalogObject, CheckDef, ColumnDef, ForeignKeyDef, IndexDef, IndexKey, IndexedValue, SchemaDef, TableDef,
};
use crate::error::{Error, Result};
use crate::ids::{ColumnId, RelationId, SyncTableId};
use crate::key::KeyOrder;
use crate::lock::{LockMode, Resource};
use crate::sync_row::SyncedSchema;

impl Transaction {
    /// Makes the synced tables what the hub says they are (an edge, in the transaction that installs the data that needs
    /// them). Relation ids are this node's own; [`crate::SyncTableId`]s and column ids are the hub's.
    pub fn install_schema(&mut self, schema: &SyncedSchema) -> Result<()> {
        self.lock_catalog()?;
        let named: Vec<SyncTableId> = schema.tables.iter().filter_map(|table| table.sync_id).collect();
        let gone: Vec<Arc<TableDef>> = self
            .catalog
            .tables()
            .filter(|table| table.sync_id.is_some_and(|id| !named.contains(&id)))
            .cloned()
            .collect();
        for table in gone {
            self.lock_exclusively(table.id)?;
            self.remove_table(&table)?;
            self.free_local_children(table.id)?;
        }
        let ids = self.local_ids(schema)?;
        for theirs in &schema.tables {
            let Some(sync_id) = theirs.sync_id else { continue };
            self.ensure_schema(&theirs.schema)?;
            match self.catalog.table_by_sync_id(sync_id).cloned() {
                Some(ours) => self.install_change(&ours, theirs, &ids)?,
                None => self.install_new(sync_id, theirs, &ids)?,
            }
        }
        self.set_schema_version(schema.version)
    }

    /// Makes the schema of a table of the hub, if it is not here yet. A schema that no table of the hub is in any more stays.
    fn ensure_schema(&mut self, name: &str) -> Result<()> {
        if self.catalog.schema(name).is_some() {
            return Ok(());
        }
        let id = self.next_oid()?;
        self.record_object(CatalogObject::Schema(Arc::new(SchemaDef { id, name: name.to_owned() })))
    }

    fn lock_exclusively(&mut self, table: RelationId) -> Result<()> {
        self.locks.acquire(Resource::Table(table), LockMode::Table(TableLock::AccessExclusive))
    }

    /// Takes the foreign keys to a table that is gone from this node's own tables: the hub does not ask them.
    fn free_local_children(&mut self, parent: RelationId) -> Result<()> {
        let catalog = Arc::clone(&self.catalog);
        let children = catalog.foreign_keys_to(parent).map(|(child, _)| child).filter(|child| !child.is_synced());
        let ids: BTreeSet<RelationId> = children.map(|child| child.id).collect();
        for child in ids.iter().filter_map(|id| catalog.table_by_id(*id)) {
            self.lock_exclusively(child.id)?;
            let mut freed = TableDef::clone(child);
            freed.foreign_keys.retain(|foreign| foreign.parent != parent);
            self.put_table(Arc::new(freed))?;
        }
        Ok(())
    }

    /// This node's relation ids of the hub's tables, given in advance because foreign keys may point forwards.
    fn local_ids(&mut self, schema: &SyncedSchema) -> Result<HashMap<SyncTableId, RelationId>> {
        let mut ids = HashMap::new();
        for sync_id in schema.tables.iter().filter_map(|table| table.sync_id) {
            let known = self.catalog.table_by_sync_id(sync_id).map(|table| table.id);
            let id = match known {
                Some(id) => id,
                None => self.next_relation_id()?,
            };
            ids.insert(sync_id, id);
        }
        Ok(ids)
    }

    fn install_new(
        &mut self,
        sync_id: SyncTableId,
        theirs: &TableDef,
        ids: &HashMap<SyncTableId, RelationId>,
    ) -> Result<()> {
        if self.catalog.has_relation(&theirs.schema, &theirs.name) {
            return Err(Error::NotAllowedHere(format!(
                "the synced table \"{}\" cannot be installed: a table of this node has that name; rename or drop it",
                theirs.name
            )));
        }
        let id = ids.get(&sync_id).copied().ok_or_else(|| unknown_table(theirs))?;
        let primary_key_id = Some(self.next_relation_id()?);
        let mut indexes = Vec::with_capacity(theirs.indexes.len());
        for index in &theirs.indexes {
            indexes.push(self.with_new_id(index.clone())?);
        }
        let foreign_keys = self.own_foreign_keys(None, theirs, ids)?;
        let checks = self.own_checks(None, theirs)?;
        self.put_table(Arc::new(TableDef { id, primary_key_id, indexes, checks, foreign_keys, ..theirs.clone() }))
    }

    fn install_change(
        &mut self,
        ours: &TableDef,
        theirs: &TableDef,
        ids: &HashMap<SyncTableId, RelationId>,
    ) -> Result<()> {
        if !is_compatible(ours, theirs) {
            return Err(Error::Unsupported(format!(
                "table \"{}\": the hub has changed the types of its columns, or its key",
                theirs.name
            )));
        }
        let mut indexes = Vec::with_capacity(theirs.indexes.len());
        let mut fresh = Vec::new();
        for index in &theirs.indexes {
            let known = ours.indexes.iter().find(|known| is_same_index(known, ours, index, theirs));
            if let Some(known) = known {
                indexes.push(IndexDef { id: known.id, storage: known.storage, ..index.clone() });
            } else {
                let index = self.with_new_id(index.clone())?;
                fresh.push(index.clone());
                indexes.push(index);
            }
        }
        let changed = TableDef {
            id: ours.id,
            primary_key_id: ours.primary_key_id,
            foreign_keys: self.own_foreign_keys(Some(ours), theirs, ids)?,
            checks: self.own_checks(Some(ours), theirs)?,
            indexes,
            ..theirs.clone()
        };
        if changed == *ours {
            return Ok(());
        }
        self.lock_exclusively(ours.id)?;
        for index in ours.indexes.iter().filter(|index| !changed.indexes.iter().any(|kept| kept.id == index.id)) {
            self.drop_space(index.space());
        }
        for index in &fresh {
            // The hub has judged its rows; what is pending here is judged there too.
            self.fill_index(&changed, index, false)?;
        }
        self.put_table(Arc::new(changed))
    }

    /// The foreign keys of a table under this node's own ids: those that they have here already, or new ones.
    fn own_foreign_keys(
        &mut self,
        ours: Option<&TableDef>,
        theirs: &TableDef,
        ids: &HashMap<SyncTableId, RelationId>,
    ) -> Result<Vec<ForeignKeyDef>> {
        let mut own = Vec::with_capacity(theirs.foreign_keys.len());
        for foreign in &theirs.foreign_keys {
            let parent = ids.get(&SyncTableId(foreign.parent.0)).copied().ok_or_else(|| unknown_table(theirs))?;
            let known = ours.and_then(|ours| ours.foreign_keys.iter().find(|known| known.name == foreign.name));
            let id = known.map_or_else(|| self.next_relation_id(), |known| Ok(known.id))?;
            own.push(ForeignKeyDef { id, parent, ..foreign.clone() });
        }
        Ok(own)
    }

    /// The same for its checks.
    fn own_checks(&mut self, ours: Option<&TableDef>, theirs: &TableDef) -> Result<Vec<CheckDef>> {
        let mut own = Vec::with_capacity(theirs.checks.len());
        for check in &theirs.checks {
            let known = ours.and_then(|ours| ours.checks.iter().find(|known| known.name == check.name));
            let id = known.map_or_else(|| self.next_relation_id(), |known| Ok(known.id))?;
            own.push(CheckDef { id, ..check.clone() });
        }
        Ok(own)
    }
}

fn unknown_table(table: &TableDef) -> Error {
    Error::corrupt("the hub's schema", format!("table \"{}\" refers to one that is not in it", table.name))
}

/// Whether rows of the one table are rows of the other: what columns they share are of the same types, and the same ones
/// are the key. Names, defaults and NOT NULL may differ.
fn is_compatible(old: &TableDef, new: &TableDef) -> bool {
    let is_same = |a: &ColumnDef, b: &ColumnDef| a.column_type == b.column_type && a.crdt == b.crdt;
    let is_kept = |column: &ColumnDef| {
        let before = old.columns.iter().find(|other| other.id == column.id);
        before.is_none_or(|before| is_same(before, column))
    };
    new.columns.iter().all(is_kept) && key_columns(old) == key_columns(new)
}

fn key_columns(table: &TableDef) -> Vec<Option<ColumnId>> {
    table.primary_key.iter().map(|slot| table.columns.get(*slot).map(|column| column.id)).collect()
}

/// Whether the entries of the one index are those of the other.
fn is_same_index(a: &IndexDef, table_a: &TableDef, b: &IndexDef, table_b: &TableDef) -> bool {
    let columns = |index: &IndexDef, table: &TableDef| -> Vec<Option<ColumnId>> {
        index.all_slots().map(|slot| table.columns.get(slot).map(|column| column.id)).collect()
    };
    let keys = |index: &IndexDef| -> Vec<(Option<String>, KeyOrder)> {
        let text = |key: &IndexKey| match &key.value {
            IndexedValue::Column(_) => None,
            IndexedValue::Expression { expression, .. } => Some(expression.text.clone()),
        };
        index.keys.iter().map(|key| (text(key), key.order)).collect()
    };
    let predicate = |index: &IndexDef| index.predicate.as_ref().map(|predicate| predicate.text.clone());
    a.name == b.name
        && a.unique == b.unique
        && columns(a, table_a) == columns(b, table_b)
        && keys(a) == keys(b)
        && predicate(a) == predicate(b)
}
