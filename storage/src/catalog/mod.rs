//! The catalog: what relations exist and what they look like.
//!
//! A [`Catalog`] is an immutable value behind an `Arc`. DDL builds a new one inside its transaction (see
//! [`crate::Transaction::create_table`] and its siblings); COMMIT publishes it. Each table is one record of an internal
//! relation, so the catalog is as durable and as transactional as the rows.

pub mod table;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use table::{
    CheckDef, ColumnDef, CrdtType, ForeignKeyDef, IndexDef, NewColumn, NewForeignKey, NewIndex, NewTable, SyncMode,
    TableDef,
};

use crate::ids::{RelationId, SchemaVersion, SyncTableId};

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
}
