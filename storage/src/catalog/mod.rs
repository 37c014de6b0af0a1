//! The catalog: what relations exist and what they look like.
//!
//! A [`Catalog`] is an immutable value behind an `Arc`. DDL builds a new one inside its transaction (see
//! [`crate::Transaction::create_table`] and its siblings); COMMIT publishes it. Each table is one record of an internal
//! relation, so the catalog is as durable and as transactional as the rows.

mod persist;
pub mod table;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use table::{
    CheckDef, ColumnDef, CrdtType, ForeignKeyDef, IndexDef, NewColumn, NewForeignKey, NewIndex, NewTable, SyncMode,
    TableDef,
};

use crate::ids::{RelationId, SchemaVersion, SyncTableId};
use crate::sync_row::SyncedSchema;

/// All relations at one moment.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// Changes with every committed DDL of this node; the key of plan caches. A transaction with uncommitted DDL has
    /// [`Catalog::is_private`] set, and plans made on it are not shared.
    pub version: u64,
    /// Set between a DDL statement and its COMMIT.
    pub is_private: bool,
    /// The version of the synced tables' schema.
    pub schema_version: SchemaVersion,
    pub(crate) tables: BTreeMap<RelationId, Arc<TableDef>>,
    pub(crate) by_name: BTreeMap<(String, String), RelationId>,
    /// Per parent: the foreign keys that refer to it, as (table, position in its list).
    referencing: BTreeMap<RelationId, Vec<(RelationId, usize)>>,
}

impl Catalog {
    /// The schema in which tables are made and looked for when none is named.
    pub const DEFAULT_SCHEMA: &'static str = "public";

    /// A table by its schema and name.
    pub fn table(&self, schema: &str, name: &str) -> Option<&Arc<TableDef>> {
        let id = self.by_name.get(&(schema.to_owned(), name.to_owned()))?;
        self.tables.get(id)
    }

    /// A table by its id.
    pub fn table_by_id(&self, id: RelationId) -> Option<&Arc<TableDef>> {
        self.tables.get(&id)
    }

    /// A synced table by the id it has on all nodes.
    pub fn table_by_sync_id(&self, id: SyncTableId) -> Option<&Arc<TableDef>> {
        self.tables.values().find(|table| table.sync_id == Some(id))
    }

    /// All tables, by id.
    pub fn tables(&self) -> impl Iterator<Item = &Arc<TableDef>> {
        self.tables.values()
    }

    /// The definitions of all synced tables, as a hub sends them.
    pub fn synced_schema(&self) -> SyncedSchema {
        let tables = self.tables().filter(|table| table.is_synced()).map(|table| TableDef::clone(table)).collect();
        SyncedSchema { version: self.schema_version, tables }
    }

    /// The foreign keys that refer to a table.
    pub fn foreign_keys_to(&self, parent: RelationId) -> impl Iterator<Item = (&Arc<TableDef>, &ForeignKeyDef)> {
        self.referencing.get(&parent).into_iter().flatten().filter_map(|(child, position)| {
            let table = self.tables.get(child)?;
            Some((table, table.foreign_keys.get(*position)?))
        })
    }

    /// Whether a relation of any kind has the name; tables and indexes share their names.
    pub fn has_relation(&self, schema: &str, name: &str) -> bool {
        self.table(schema, name).is_some()
            || self.tables().any(|table| {
                table.schema == schema
                    && (table.primary_key_name.as_deref() == Some(name)
                        || table.indexes.iter().any(|index| index.name == name))
            })
    }

    /// Adds a table, or replaces the definition of one.
    pub(crate) fn put(&mut self, table: Arc<TableDef>) {
        self.remove(table.id);
        for (position, key) in table.foreign_keys.iter().enumerate() {
            self.referencing.entry(key.parent).or_default().push((table.id, position));
        }
        self.by_name.insert((table.schema.clone(), table.name.clone()), table.id);
        self.tables.insert(table.id, table);
    }

    /// Removes a table.
    pub(crate) fn remove(&mut self, id: RelationId) -> Option<Arc<TableDef>> {
        let table = self.tables.remove(&id)?;
        self.by_name.remove(&(table.schema.clone(), table.name.clone()));
        for key in &table.foreign_keys {
            if let Some(children) = self.referencing.get_mut(&key.parent) {
                children.retain(|(child, _)| *child != id);
            }
        }
        Some(table)
    }
}

/// Whether two lists of slots name the same columns.
pub(crate) fn is_permutation(a: &[usize], b: &[usize]) -> bool {
    a.len() == b.len() && b.iter().all(|slot| a.contains(slot))
}
