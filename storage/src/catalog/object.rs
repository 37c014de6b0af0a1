//! What the catalog holds: objects of several kinds, each with an oid and most with a name of their own.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{SchemaDef, SequenceDef, TableDef, ViewDef};
use crate::ids::Oid;

/// An object of the catalog; its record is this, as JSON.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CatalogObject {
    /// A table with its columns, constraints and indexes.
    #[serde(with = "shared")]
    Table(Arc<TableDef>),
    /// A schema.
    #[serde(with = "shared")]
    Schema(Arc<SchemaDef>),
    /// A sequence.
    #[serde(with = "shared")]
    Sequence(Arc<SequenceDef>),
    /// A view.
    #[serde(with = "shared")]
    View(Arc<ViewDef>),
}

/// Objects of one name space have different names within a schema.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum NameSpace {
    /// Tables, indexes, views and sequences.
    Relation,
    /// Schemas themselves.
    Schema,
}

/// A name in its name space; objects without a schema have an empty one.
pub(crate) type NameKey = (NameSpace, String, String);

impl CatalogObject {
    /// Its oid.
    pub fn id(&self) -> Oid {
        match self {
            Self::Table(table) => table.id.into(),
            Self::Schema(schema) => schema.id,
            Self::Sequence(sequence) => sequence.id.into(),
            Self::View(view) => view.id.into(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Table(table) => &table.name,
            Self::Schema(schema) => &schema.name,
            Self::Sequence(sequence) => &sequence.name,
            Self::View(view) => &view.name,
        }
    }

    /// The schema that it is in.
    pub fn schema(&self) -> Option<&str> {
        match self {
            Self::Table(table) => Some(&table.schema),
            Self::Sequence(sequence) => Some(&sequence.schema),
            Self::View(view) => Some(&view.schema),
            Self::Schema(_) => None,
        }
    }

    /// The object in another schema.
    #[must_use]
    pub fn moved_to(&self, schema: &str) -> Self {
        let schema = schema.to_owned();
        match self {
            Self::Table(table) => Self::Table(Arc::new(TableDef { schema, ..TableDef::clone(table) })),
            Self::Schema(_) => self.clone(),
            Self::Sequence(sequence) => {
                Self::Sequence(Arc::new(SequenceDef { schema, ..SequenceDef::clone(sequence) }))
            }
            Self::View(view) => Self::View(Arc::new(ViewDef { schema, ..ViewDef::clone(view) })),
        }
    }

    /// All names that it takes: a table's indexes are relations too.
    pub(crate) fn names(&self) -> Vec<NameKey> {
        let key = |space, name: &str| (space, self.schema().unwrap_or_default().to_owned(), name.to_owned());
        match self {
            Self::Table(table) => std::iter::once(&table.name)
                .chain(&table.primary_key_name)
                .chain(table.indexes.iter().map(|index| &index.name))
                .map(|name| key(NameSpace::Relation, name))
                .collect(),
            Self::Schema(schema) => vec![key(NameSpace::Schema, &schema.name)],
            Self::Sequence(_) | Self::View(_) => vec![key(NameSpace::Relation, self.name())],
        }
    }
}

/// Definitions are shared in memory; their records know nothing of that.
mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<T: Serialize, S: Serializer>(shared: &Arc<T>, to: S) -> Result<S::Ok, S::Error> {
        T::serialize(shared, to)
    }

    pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Arc<T>, D::Error> {
        T::deserialize(from).map(Arc::new)
    }
}
