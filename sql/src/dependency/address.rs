//! Objects and their parts, and how messages name them.

use heliosdb_storage::catalog::{CatalogObject, TableDef};
use heliosdb_storage::{Catalog, ColumnId, Oid, RelationId};

use crate::bind::SearchPath;
use crate::functions::quote_ident;

/// An object of the catalog, or a part of one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ObjectAddress {
    /// A schema.
    Schema(Oid),
    /// An enum.
    Type(Oid),
    /// A table, a view or a sequence.
    Relation(RelationId),
    /// A column of a relation.
    Column(RelationId, ColumnId),
    /// The DEFAULT of a column.
    Default(RelationId, ColumnId),
    /// A constraint of a table, by its name.
    Constraint(RelationId, String),
    /// An index of a table: the table, and the index's own oid.
    Index(RelationId, RelationId),
}

impl ObjectAddress {
    /// The relation that this is, or is a part of.
    pub const fn relation(&self) -> Option<RelationId> {
        match self {
            Self::Schema(_) | Self::Type(_) => None,
            Self::Relation(id)
            | Self::Column(id, _)
            | Self::Default(id, _)
            | Self::Constraint(id, _)
            | Self::Index(id, _) => Some(*id),
        }
    }

    /// Whether dropping `whole` concerns what depends on this: it is the same, or a column of it.
    pub(super) fn is_within(&self, whole: &Self) -> bool {
        match (self, whole) {
            (Self::Column(own, _), Self::Relation(relation)) if own == relation => true,
            _ => self == whole,
        }
    }

    /// As messages name it: `table t`, `constraint c on table t`.
    pub fn describe(&self, catalog: &Catalog, path: &SearchPath) -> String {
        let table = |id: RelationId| catalog.table_by_id(id);
        match self {
            Self::Schema(id) => {
                format!("schema {}", catalog.object(*id).map_or("?", CatalogObject::name))
            }
            Self::Type(id) => {
                let name = catalog.enum_type(*id).map(|found| path.qualified_enum(catalog, &found.schema, &found.name));
                format!("type {}", name.as_deref().unwrap_or("?"))
            }
            Self::Relation(id) => describe_relation(catalog, path, *id),
            Self::Column(id, column) => {
                format!("column {} of {}", column_name(catalog, *id, *column), describe_relation(catalog, path, *id))
            }
            Self::Default(id, column) => {
                let column = column_name(catalog, *id, *column);
                format!("default value for column {column} of {}", describe_relation(catalog, path, *id))
            }
            Self::Constraint(id, name) => {
                format!("constraint {} on {}", quote_ident(name), describe_relation(catalog, path, *id))
            }
            Self::Index(id, index) => {
                let schema = table(*id).map_or("", |table| &table.schema);
                let name = table(*id).and_then(|table| index_name(table, *index)).unwrap_or("?");
                format!("index {}", path.qualified_relation(catalog, schema, name))
            }
        }
    }
}

fn column_name(catalog: &Catalog, relation: RelationId, column: ColumnId) -> String {
    if let Some(view) = catalog.view(relation) {
        let column = usize::from(column.0).checked_sub(1).and_then(|at| view.columns.get(at));
        return column.map_or_else(|| "?".to_owned(), |column| quote_ident(&column.name));
    }
    let table = catalog.table_by_id(relation);
    let definition = table.and_then(|table| table.columns.get(table.slot_of(column)?));
    definition.map_or_else(|| "?".to_owned(), |column| quote_ident(&column.name))
}

fn index_name(table: &TableDef, index: RelationId) -> Option<&str> {
    if table.primary_key_id == Some(index) {
        return table.primary_key_name.as_deref();
    }
    table.indexes.iter().find(|known| known.id == index).map(|index| index.name.as_str())
}

fn describe_relation(catalog: &Catalog, path: &SearchPath, id: RelationId) -> String {
    match catalog.object(id.into()) {
        Some(CatalogObject::Table(table)) => {
            format!("table {}", path.qualified_relation(catalog, &table.schema, &table.name))
        }
        Some(CatalogObject::Sequence(sequence)) => {
            format!("sequence {}", path.qualified_relation(catalog, &sequence.schema, &sequence.name))
        }
        Some(CatalogObject::View(view)) => {
            format!("view {}", path.qualified_relation(catalog, &view.schema, &view.name))
        }
        _ => format!("relation {id}"),
    }
}
