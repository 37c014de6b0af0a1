//! Enum types.

use serde::{Deserialize, Serialize};

use crate::ids::Oid;

/// An enum. Its oid is even; the next one is that of the type of its arrays.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct EnumDef {
    /// Its oid.
    pub id: Oid,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its labels, in their order.
    pub labels: Vec<EnumValueDef>,
}

/// A label of an enum.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct EnumValueDef {
    /// Its oid.
    pub id: Oid,
    /// Its place, for ever: one that is added between two others gets a number between theirs.
    pub order: f32,
    /// Its text.
    pub label: String,
}

impl EnumDef {
    /// A label by its text.
    pub fn value(&self, label: &str) -> Option<&EnumValueDef> {
        self.labels.iter().find(|value| value.label == label)
    }
}
