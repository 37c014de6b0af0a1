//! The catalog's own bytes: one JSON record an object, by oid.

use std::sync::Arc;

use super::{Catalog, CatalogObject, CommentKey, SchemaDef, TableDef};
use crate::base::{BaseRead, Space};
use crate::error::{Error, Result};
use crate::ids::Oid;
use crate::key::KeyRange;
use crate::meta::{decode_schema_version, meta_key};
use crate::sync_row::Internal;
use crate::transaction::Direction;

/// The length of the key of an object's own record.
const OBJECT_KEY_BYTES: usize = 4;

impl Catalog {
    /// The key of an object's record.
    pub(crate) fn record_key(id: Oid) -> [u8; OBJECT_KEY_BYTES] {
        id.0.to_be_bytes()
    }

    /// An object's record.
    pub(crate) fn record(object: &CatalogObject) -> Result<Vec<u8>> {
        serde_json::to_vec(object).map_err(|error| Error::corrupt("the catalog", error.to_string()))
    }

    /// What is in the catalog of a new store.
    pub(crate) fn initial_objects() -> [CatalogObject; 1] {
        [CatalogObject::Schema(Arc::new(SchemaDef { id: SchemaDef::PUBLIC, name: Self::DEFAULT_SCHEMA.to_owned() }))]
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
            let entry = entry?;
            match CommentKey::decode(entry.key()) {
                Some(key) => catalog.load_comment(key, entry.value())?,
                None => catalog.put(decode_record(entry.value())?),
            }
        }
        Ok(catalog)
    }
}

/// Format 1 knew tables only, and did not say that a record is one.
fn decode_record(bytes: &[u8]) -> Result<CatalogObject> {
    serde_json::from_slice(bytes)
        .or_else(|error| match serde_json::from_slice::<TableDef>(bytes) {
            Ok(table) => Ok(CatalogObject::Table(Arc::new(table))),
            Err(_) => Err(error),
        })
        .map_err(|error| Error::corrupt("the catalog", error.to_string()))
}
