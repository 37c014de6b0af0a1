//! The catalog's own bytes: one JSON record a table, by relation id.

use std::sync::Arc;

use super::{Catalog, TableDef};
use crate::base::{BaseRead, Space};
use crate::error::{Error, Result};
use crate::ids::RelationId;
use crate::key::KeyRange;
use crate::meta::{decode_schema_version, meta_key};
use crate::sync_row::Internal;
use crate::transaction::Direction;

impl Catalog {
    /// The key of a table's record.
    pub(crate) fn record_key(id: RelationId) -> [u8; 4] {
        id.0.to_be_bytes()
    }

    /// A table's record.
    pub(crate) fn record(table: &TableDef) -> Result<Vec<u8>> {
        serde_json::to_vec(table).map_err(|error| Error::corrupt("the catalog", error.to_string()))
    }

    /// The catalog as it is on disk.
    pub(crate) fn load(read: &BaseRead) -> Result<Self> {
        let mut catalog = Self { version: 1, ..Self::default() };
        if let Some(meta) = read.open(Space::Internal(Internal::Meta))? {
            catalog.schema_version =
                meta.get(meta_key::SCHEMA_VERSION, decode_schema_version)?.unwrap_or(catalog.schema_version);
        }
        let Some(records) = read.open(Space::Internal(Internal::Catalog))? else { return Ok(catalog) };
        for entry in records.range(&KeyRange::ALL, Direction::Forward)? {
            let table: TableDef = serde_json::from_slice(entry?.value())
                .map_err(|error| Error::corrupt("the catalog", error.to_string()))?;
            catalog.put(Arc::new(table));
        }
        Ok(catalog)
    }
}
