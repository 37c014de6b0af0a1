//! The catalog: what relations exist and what they look like.
//!
//! A [`Catalog`] is an immutable value behind an `Arc`. DDL builds a new one inside its transaction (see
//! [`crate::Transaction::create_table`] and its siblings); COMMIT publishes it. Each object is one record of an internal
//! relation, so the catalog is as durable and as transactional as the rows.
//!
//! | file | objects |
//! |---|---|
//! | `object` | what all kinds have in common |
//! | `comment` | comments on objects |
//! | `schema` | schemas |
//! | `enum_type` | enums |
//! | `sequence` | sequences |
//! | `view` | views |
//! | `reference` | what a definition names |
//! | `table`, `index` | tables, with columns and constraints; their indexes |
//! | `persist` | records on disk |

pub mod comment;
pub mod enum_type;
pub mod index;
pub mod object;
mod persist;
pub mod reference;
pub mod schema;
pub mod sequence;
pub mod table;
pub mod view;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use comment::{CommentClass, CommentKey};
pub use enum_type::{EnumDef, EnumValueDef};
pub use index::{IndexDef, IndexKey, IndexedValue};
pub use object::{CatalogObject, NameSpace};
pub use reference::Reference;
pub use schema::SchemaDef;
pub use sequence::{SequenceDef, SequenceOptions, SequenceOwner, SequencePlace, SequenceValue};
pub use table::{
    CheckDef, ColumnDef, Compiled, CrdtType, Deferral, ForeignKeyDef, Identity, Missing, NewColumn, NewTable, OnCommit,
    ReferentialAction, RowExpression, SyncMode, TableDef,
};
pub use view::{ViewColumn, ViewDef};

use crate::ids::{Oid, RelationId, SchemaVersion, SyncTableId};
use crate::sync_row::SyncedSchema;

/// All objects at one moment.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// Changes with every committed DDL of this node; the key of plan caches. A transaction with uncommitted DDL has
    /// [`Catalog::is_private`] set, and plans made on it are not shared.
    pub version: u64,
    /// Set between a DDL statement and its COMMIT.
    pub is_private: bool,
    /// The version of the synced tables' schema.
    pub schema_version: SchemaVersion,
    objects: BTreeMap<Oid, CatalogObject>,
    pub(crate) comments: BTreeMap<CommentKey, Arc<str>>,
    /// Who has a name. An index's name leads to its table.
    names: BTreeMap<object::NameKey, Oid>,
    tables: BTreeMap<RelationId, Arc<TableDef>>,
    /// Per parent: the foreign keys that refer to it, as (oid, table, position in its list), in the order of their making.
    referencing: BTreeMap<RelationId, Vec<(RelationId, RelationId, usize)>>,
}

impl Catalog {
    /// The schema in which tables are made and looked for when none is named.
    pub const DEFAULT_SCHEMA: &'static str = "public";

    /// A table by its schema and name.
    pub fn table(&self, schema: &str, name: &str) -> Option<&Arc<TableDef>> {
        match self.named(NameSpace::Relation, schema, name)? {
            CatalogObject::Table(table) if table.name == name => Some(table),
            _ => None,
        }
    }

    /// An object of any kind by its oid.
    pub fn object(&self, id: Oid) -> Option<&CatalogObject> {
        self.objects.get(&id)
    }

    /// All objects, by oid.
    pub fn objects(&self) -> impl Iterator<Item = &CatalogObject> {
        self.objects.values()
    }

    /// The object that has a name. That of an index leads to its table; objects without a schema have an empty one.
    pub fn named(&self, space: NameSpace, schema: &str, name: &str) -> Option<&CatalogObject> {
        self.objects.get(self.names.get(&(space, schema.to_owned(), name.to_owned()))?)
    }

    /// A schema by its name.
    pub fn schema(&self, name: &str) -> Option<&Arc<SchemaDef>> {
        match self.named(NameSpace::Schema, "", name)? {
            CatalogObject::Schema(schema) => Some(schema),
            _ => None,
        }
    }

    /// All schemas, by oid.
    pub fn schemas(&self) -> impl Iterator<Item = &Arc<SchemaDef>> {
        self.objects().filter_map(|object| match object {
            CatalogObject::Schema(schema) => Some(schema),
            _ => None,
        })
    }

    /// A sequence by its oid.
    pub fn sequence(&self, id: RelationId) -> Option<&Arc<SequenceDef>> {
        match self.object(id.into())? {
            CatalogObject::Sequence(sequence) => Some(sequence),
            _ => None,
        }
    }

    /// All sequences, by oid.
    pub fn sequences(&self) -> impl Iterator<Item = &Arc<SequenceDef>> {
        self.objects().filter_map(|object| match object {
            CatalogObject::Sequence(sequence) => Some(sequence),
            _ => None,
        })
    }

    /// A relation that rows can be read from, or numbers taken from: not an index.
    pub fn relation(&self, schema: &str, name: &str) -> Option<&CatalogObject> {
        self.named(NameSpace::Relation, schema, name).filter(|object| object.name() == name)
    }

    /// A view by its oid.
    pub fn view(&self, id: RelationId) -> Option<&Arc<ViewDef>> {
        match self.object(id.into())? {
            CatalogObject::View(view) => Some(view),
            _ => None,
        }
    }

    /// All views, by oid.
    pub fn views(&self) -> impl Iterator<Item = &Arc<ViewDef>> {
        self.objects().filter_map(|object| match object {
            CatalogObject::View(view) => Some(view),
            _ => None,
        })
    }

    /// An enum by its oid.
    pub fn enum_type(&self, id: Oid) -> Option<&Arc<EnumDef>> {
        match self.object(id)? {
            CatalogObject::Enum(definition) => Some(definition),
            _ => None,
        }
    }

    /// An enum by its name.
    pub fn enum_named(&self, schema: &str, name: &str) -> Option<&Arc<EnumDef>> {
        match self.named(NameSpace::Type, schema, name)? {
            CatalogObject::Enum(definition) => Some(definition),
            _ => None,
        }
    }

    /// All enums, by oid.
    pub fn enums(&self) -> impl Iterator<Item = &Arc<EnumDef>> {
        self.objects().filter_map(|object| match object {
            CatalogObject::Enum(definition) => Some(definition),
            _ => None,
        })
    }

    /// The table that has an index of this name, be it that of the primary key.
    pub fn table_of_index(&self, schema: &str, name: &str) -> Option<&Arc<TableDef>> {
        match self.named(NameSpace::Relation, schema, name)? {
            CatalogObject::Table(table) if table.name != name => Some(table),
            _ => None,
        }
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

    /// The foreign keys that refer to a table, oldest first.
    pub fn foreign_keys_to(&self, parent: RelationId) -> impl Iterator<Item = (&Arc<TableDef>, &ForeignKeyDef)> {
        self.referencing.get(&parent).into_iter().flatten().filter_map(|(_, child, position)| {
            let table = self.tables.get(child)?;
            Some((table, table.foreign_keys.get(*position)?))
        })
    }

    /// Whether a relation of any kind has the name.
    pub fn has_relation(&self, schema: &str, name: &str) -> bool {
        self.named(NameSpace::Relation, schema, name).is_some()
    }

    /// Who has a name.
    pub(crate) fn owner_of(&self, name: &object::NameKey) -> Option<Oid> {
        self.names.get(name).copied()
    }

    /// Adds an object, or replaces its definition.
    pub(crate) fn put(&mut self, object: CatalogObject) {
        let id = object.id();
        self.remove(id);
        for name in object.names() {
            self.names.insert(name, id);
        }
        if let CatalogObject::Table(table) = &object {
            for (position, key) in table.foreign_keys.iter().enumerate() {
                let keys = self.referencing.entry(key.parent).or_default();
                let place = keys.partition_point(|(id, ..)| *id <= key.id);
                keys.insert(place, (key.id, table.id, position));
            }
            self.tables.insert(table.id, Arc::clone(table));
        }
        self.objects.insert(id, object);
    }

    /// Removes an object.
    pub(crate) fn remove(&mut self, id: Oid) -> Option<CatalogObject> {
        let object = self.objects.remove(&id)?;
        for name in object.names() {
            // An object that is not recorded yet may have taken the name over.
            if self.names.get(&name) == Some(&id) {
                self.names.remove(&name);
            }
        }
        if let CatalogObject::Table(table) = &object {
            self.tables.remove(&table.id);
            for key in &table.foreign_keys {
                if let Some(children) = self.referencing.get_mut(&key.parent) {
                    children.retain(|(_, child, _)| *child != table.id);
                }
            }
        }
        Some(object)
    }
}

/// Whether two lists of slots name the same columns.
pub fn is_permutation(a: &[usize], b: &[usize]) -> bool {
    a.len() == b.len() && a.iter().all(|slot| b.contains(slot)) && b.iter().all(|slot| a.contains(slot))
}
