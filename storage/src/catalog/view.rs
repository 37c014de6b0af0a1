//! Views.

use serde::{Deserialize, Serialize};

use super::Reference;
use crate::ids::RelationId;
use crate::value::ColumnType;

/// A view.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ViewDef {
    /// Its oid.
    pub id: RelationId,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its columns; they are numbered from 1.
    pub columns: Vec<ViewColumn>,
    /// The text of its query, in which every relation, function and type has its schema and every column its relation, and
    /// nothing is left to be found by a search path.
    pub query: String,
    /// What the query names.
    pub references: Vec<Reference>,
}

/// A column of a view.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ViewColumn {
    /// Its name.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
}
