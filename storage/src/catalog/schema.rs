//! Schemas: the namespaces of relations, types and functions.

use serde::{Deserialize, Serialize};

use crate::ids::Oid;

/// A schema. Objects name their schema by its name, so that renaming one rewrites the records of what is in it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SchemaDef {
    /// Its oid.
    pub id: Oid,
    /// Its name.
    pub name: String,
}

impl SchemaDef {
    /// The oid of `public` in every store, as in PostgreSQL.
    pub const PUBLIC: Oid = Oid(2200);
}
