//! The hub's schema, installed on an edge.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::{TableLock, Transaction};
use crate::base::Space;
use crate::catalog::{CatalogObject, ColumnDef, ForeignKeyDef, IndexDef, NewIndex, SchemaDef, TableDef};
use crate::error::{Error, Result};
use crate::ids::{RelationId, SyncTableId};
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
            indexes.push(self.own_index(index)?);
        }
        let foreign_keys = own_foreign_keys(theirs, ids)?;
        self.put_table(Arc::new(TableDef { id, primary_key_id, indexes, foreign_keys, ..theirs.clone() }))
    }

    fn install_change(
        &mut self,
        ours: &TableDef,
        theirs: &TableDef,
        ids: &HashMap<SyncTableId, RelationId>,
    ) -> Result<()> {
        if !extends(&ours.columns, &theirs.columns) || ours.primary_key != theirs.primary_key {
            return Err(Error::Unsupported(format!(
                "table \"{}\": the hub has changed columns of it other than by adding new ones",
                theirs.name
            )));
        }
        let mut indexes = Vec::with_capacity(theirs.indexes.len());
        let mut fresh = Vec::new();
        for index in &theirs.indexes {
            let known = ours.indexes.iter().find(|known| is_same_index(known, index));
            if let Some(known) = known {
                indexes.push(IndexDef { id: known.id, ..index.clone() });
            } else {
                let index = self.own_index(index)?;
                fresh.push(index.clone());
                indexes.push(index);
            }
        }
        let changed = TableDef {
            id: ours.id,
            primary_key_id: ours.primary_key_id,
            foreign_keys: own_foreign_keys(theirs, ids)?,
            indexes,
            ..theirs.clone()
        };
        if changed == *ours {
            return Ok(());
        }
        self.lock_exclusively(ours.id)?;
        for index in ours.indexes.iter().filter(|index| !changed.indexes.iter().any(|kept| kept.id == index.id)) {
            self.drop_space(Space::Index(index.id));
        }
        for index in &fresh {
            // The hub has judged its rows; what is pending here is judged there too.
            self.fill_index(&changed, index, false)?;
        }
        self.put_table(Arc::new(changed))
    }

    fn own_index(&mut self, index: &IndexDef) -> Result<IndexDef> {
        self.index_definition(NewIndex {
            name: index.name.clone(),
            slots: index.slots.clone(),
            unique: index.unique,
            is_constraint: index.is_constraint,
        })
    }
}

fn own_foreign_keys(theirs: &TableDef, ids: &HashMap<SyncTableId, RelationId>) -> Result<Vec<ForeignKeyDef>> {
    let own = theirs.foreign_keys.iter().map(|foreign| {
        let parent = ids.get(&SyncTableId(foreign.parent.0)).copied().ok_or_else(|| unknown_table(theirs))?;
        Ok(ForeignKeyDef { parent, ..foreign.clone() })
    });
    own.collect()
}

fn unknown_table(table: &TableDef) -> Error {
    Error::corrupt("the hub's schema", format!("table \"{}\" refers to one that is not in it", table.name))
}

/// Whether the new columns are the old ones with others behind them. Names, defaults and NOT NULL may differ.
fn extends(old: &[ColumnDef], new: &[ColumnDef]) -> bool {
    let is_same = |(a, b): (&ColumnDef, &ColumnDef)| a.id == b.id && a.column_type == b.column_type && a.crdt == b.crdt;
    new.len() >= old.len() && old.iter().zip(new).all(is_same)
}

fn is_same_index(a: &IndexDef, b: &IndexDef) -> bool {
    a.name == b.name && a.slots == b.slots && a.unique == b.unique
}
