//! `pg_catalog`, `information_schema` and `sync`: relations over the store.
//!
//! Rows are made from the catalog as the transaction sees it, and from the sync worker's state; nothing is keyed on the
//! text of a query. Columns of types that do not exist here are given as text (`indkey` as `1 2`, `conkey` as `{1,2}`,
//! `reloptions`) or left out (`xid`, `regproc`).

mod cell;
pub mod crdt_type;
mod information_schema;
mod listed_index;
mod nothing;
mod pg_class;
mod pg_constraint;
mod pg_locks;
mod pg_object;
mod pg_server;
mod pg_session;
mod pg_stat;
mod pg_type;
mod sync;

use heliosdb_storage::catalog::{CatalogObject, NameSpace, ViewDef};
use heliosdb_storage::value::DataType;
use heliosdb_storage::{Catalog, Oid, Row, Transaction};

use crate::bind::SearchPath;
use crate::bind::names::QualifiedName;
use crate::error::Result;
use crate::eval::SessionFacts;
use crate::sync_control::SyncControl;

/// A relation whose rows are made from the store's catalog and the sync worker's state.
#[derive(Debug)]
pub struct SystemRelation {
    /// Its schema.
    pub schema: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Names and types of its columns.
    pub columns: &'static [(&'static str, DataType)],
    /// Its rows.
    pub rows: fn(&ViewContext<'_>) -> Result<Vec<Row>>,
}

/// What the rows of a [`SystemRelation`] are made from.
#[derive(Clone, Copy)]
pub struct ViewContext<'a> {
    /// The reader's transaction.
    pub txn: &'a Transaction,
    /// The sync worker.
    pub sync: &'a dyn SyncControl,
    /// Who asks, and where.
    pub session: &'a SessionFacts,
}

/// The schemas that are always there and belong to the system, and their oids.
const SYSTEM_SCHEMAS: [(&str, i64); 3] = [("pg_catalog", 11), ("information_schema", 13_000), ("sync", 13_001)];

/// The oids of system relations count from here, in the order of [`all`].
const FIRST_SYSTEM_RELATION: i64 = 12_000;

static RELATIONS: &[&[SystemRelation]] = &[
    pg_class::RELATIONS,
    pg_constraint::RELATIONS,
    pg_object::RELATIONS,
    pg_locks::RELATIONS,
    pg_server::RELATIONS,
    pg_session::RELATIONS,
    pg_stat::RELATIONS,
    pg_type::RELATIONS,
    information_schema::RELATIONS,
    nothing::RELATIONS,
    sync::RELATIONS,
];

/// All system relations with their oids.
fn all() -> impl Iterator<Item = (i64, &'static SystemRelation)> {
    let numbered = (FIRST_SYSTEM_RELATION..).zip(RELATIONS.iter().copied().flatten());
    numbered.map(|(oid, relation)| (known_oid(relation).unwrap_or(oid), relation))
}

/// The oids of catalogs that others refer to by number, as in PostgreSQL.
fn known_oid(relation: &SystemRelation) -> Option<i64> {
    match (relation.schema, relation.name) {
        ("pg_catalog", "pg_type") => Some(1247),
        ("pg_catalog", "pg_attribute") => Some(1249),
        ("pg_catalog", "pg_proc") => Some(1255),
        ("pg_catalog", "pg_class") => Some(1259),
        ("pg_catalog", "pg_database") => Some(1262),
        ("pg_catalog", "pg_constraint") => Some(2606),
        ("pg_catalog", "pg_namespace") => Some(2615),
        _ => None,
    }
}

/// The query of a view as its reader sees it.
fn view_definition(view: &ViewDef, ctx: &ViewContext<'_>) -> String {
    crate::bind::view_text::definition(view, ctx.txn.catalog(), &ctx.session.path)
}

/// Whether a schema belongs to the system: nothing can be made in it.
pub fn is_system_schema(name: &str) -> bool {
    SYSTEM_SCHEMAS.iter().any(|(schema, _)| *schema == name)
}

impl ViewContext<'_> {
    /// The oid of a schema; 0 for one that does not exist.
    fn schema_oid(&self, name: &str) -> i64 {
        let own = || self.txn.catalog().schema(name).map_or(0, |schema| i64::from(schema.id.0));
        SYSTEM_SCHEMAS.iter().find(|(schema, _)| *schema == name).map_or_else(own, |(_, oid)| *oid)
    }
}

/// A system relation by its schema and name.
pub fn lookup(schema: &str, name: &str) -> Option<&'static SystemRelation> {
    RELATIONS.iter().copied().flatten().find(|relation| relation.name == name && relation.schema == schema)
}

/// The oid of a relation of any kind by its name's parts.
pub fn relation_oid(catalog: &Catalog, path: &SearchPath, parts: &[String]) -> Option<u32> {
    let name = match parts {
        [name] => QualifiedName { schema: None, name: name.clone() },
        [schema, name] | [_, schema, name] => QualifiedName { schema: Some(schema.clone()), name: name.clone() },
        _ => return None,
    };
    path.find(&name, |schema| {
        if let Some((oid, _)) = all().find(|(_, r)| r.name == name.name && r.schema == schema) {
            return u32::try_from(oid).ok();
        }
        match catalog.named(NameSpace::Relation, schema, &name.name)? {
            CatalogObject::Table(table) if table.name != name.name => {
                if table.primary_key_name.as_ref() == Some(&name.name) {
                    return table.primary_key_id.map(|id| id.0);
                }
                table.indexes.iter().find(|index| index.name == name.name).map(|index| index.id.0)
            }
            object => Some(object.id().0),
        }
    })
}

/// Schema and name of a relation of any kind.
pub fn relation_name(catalog: &Catalog, oid: u32) -> Option<(String, String)> {
    if let Some(object) = catalog.object(Oid(oid)) {
        let is_relation =
            matches!(object, CatalogObject::Table(_) | CatalogObject::View(_) | CatalogObject::Sequence(_));
        return is_relation.then(|| Some((object.schema()?.to_owned(), object.name().to_owned()))).flatten();
    }
    for table in catalog.tables() {
        let key =
            table.primary_key_id.is_some_and(|id| id.0 == oid).then_some(table.primary_key_name.as_ref()).flatten();
        let index = table.indexes.iter().find(|index| index.id.0 == oid).map(|index| &index.name);
        if let Some(name) = key.or(index) {
            return Some((table.schema.clone(), name.clone()));
        }
    }
    all().find(|(id, _)| *id == i64::from(oid)).map(|(_, r)| (r.schema.to_owned(), r.name.to_owned()))
}

#[cfg(test)]
mod tests;
