//! What the definition of an object names beside itself.

use serde::{Deserialize, Serialize};

use crate::ids::{ColumnId, Oid};

/// Another object that a definition names, or one of its columns.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Reference {
    /// The object.
    pub object: Oid,
    /// The column; 0 for the object as a whole.
    pub column: ColumnId,
}

impl Reference {
    /// An object as a whole.
    pub fn to(object: impl Into<Oid>) -> Self {
        Self { object: object.into(), column: ColumnId(0) }
    }

    /// A column of a relation.
    pub fn to_column(relation: impl Into<Oid>, column: ColumnId) -> Self {
        Self { object: relation.into(), column }
    }
}
