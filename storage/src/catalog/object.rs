//! What the catalog holds: objects of several kinds, each with an oid and most with a name of their own.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{EnumDef, SchemaDef, SequenceDef, TableDef, ViewDef};
use crate::ids::Oid;

/// An object of the catalog; its record is this, as JSON.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
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
    /// An enum.
    #[serde(with = "shared")]
    Enum(Arc<EnumDef>),
}

/// Objects of one name space have different names within a schema.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum NameSpace {
    /// Tables, indexes, views and sequences.
    Relation,
    /// Schemas themselves.
    Schema,
    /// Types.
    Type,
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
            Self::Enum(definition) => definition.id,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Table(table) => &table.name,
            Self::Schema(schema) => &schema.name,
            Self::Sequence(sequence) => &sequence.name,
            Self::View(view) => &view.name,
            Self::Enum(definition) => &definition.name,
        }
    }

    /// The schema that it is in.
    pub fn schema(&self) -> Option<&str> {
        match self {
            Self::Table(table) => Some(&table.schema),
            Self::Sequence(sequence) => Some(&sequence.schema),
            Self::View(view) => Some(&view.schema),
            Self::Enum(definition) => Some(&definition.schema),
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
            Self::Enum(definition) => Self::Enum(Arc::new(EnumDef { schema, ..EnumDef::clone(definition) })),
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
            Self::Enum(_) => vec![key(NameSpace::Type, self.name())],
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
