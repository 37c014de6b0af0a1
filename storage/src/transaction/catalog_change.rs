//! What DDL does to the private catalog, to its records and to the spaces of relations.

use std::sync::Arc;

use bytes::Bytes;

use super::Transaction;
use super::synced::sync_id_of;
use super::undo::Undo;
use crate::base::Space;
use crate::catalog::{Catalog, CatalogObject, CommentKey, IndexDef, TableDef};
use crate::error::{Error, Result};
use crate::ids::{ColumnId, CommitSeq, Oid, RelationId, SchemaVersion};
use crate::key::{KeyRange, RowKey};
use crate::meta::{decode_u32, meta_key};
use crate::row::{self, ChangedAt};
use crate::sync_row::{Internal, Role, Tombstone, keys};

/// The first oid that is given to an object: below are PostgreSQL's own.
const FIRST_OID: u32 = 16_384;

const META: Space = Space::Internal(Internal::Meta);
const CATALOG: Space = Space::Internal(Internal::Catalog);

impl Transaction {
    pub(super) fn next_relation_id(&mut self) -> Result<RelationId> {
        self.next_oid().map(|id| RelationId(id.0))
    }

    /// An oid that no object has.
    pub(super) fn next_oid(&mut self) -> Result<Oid> {
        let stored = self.newest(&self.latest(), META, meta_key::NEXT_RELATION, decode_u32)?;
        let id = stored.unwrap_or(FIRST_OID);
        let next = id.checked_add(1).ok_or_else(|| Error::LimitExceeded("there are no oids left".to_owned()))?;
        let value = Bytes::copy_from_slice(&next.to_be_bytes());
        self.put(META, Bytes::from_static(meta_key::NEXT_RELATION), Some(value))?;
        Ok(Oid(id))
    }

    pub(super) fn with_new_id(&mut self, index: IndexDef) -> Result<IndexDef> {
        Ok(IndexDef { id: self.next_relation_id()?, storage: None, ..index })
    }

    /// Records a new or changed table.
    pub(super) fn put_table(&mut self, table: Arc<TableDef>) -> Result<()> {
        let is_synced = table.is_synced();
        self.record_object(CatalogObject::Table(table))?;
        self.note_schema_change(is_synced)
    }

    /// Records a new or changed object.
    pub(super) fn record_object(&mut self, object: CatalogObject) -> Result<()> {
        let record = Catalog::record(&object)?;
        self.put(CATALOG, Bytes::copy_from_slice(&Catalog::record_key(object.id())), Some(record.into()))?;
        self.change_catalog(|catalog| catalog.put(object));
        Ok(())
    }

    pub(super) fn comment_on(&mut self, key: CommentKey, text: Option<&str>) -> Result<()> {
        let record = text.map(|text| Bytes::copy_from_slice(text.as_bytes()));
        self.put(CATALOG, Bytes::copy_from_slice(&key.encode()), record)?;
        self.change_catalog(|catalog| match text {
            Some(text) => {
                catalog.comments.insert(key, text.into());
            }
            None => {
                catalog.comments.remove(&key);
            }
        });
        Ok(())
    }

    /// Removes the comments on an object and its parts, or those on one of its columns.
    pub(super) fn forget_comments(&mut self, object: Oid, column: Option<ColumnId>) -> Result<()> {
        let of_column = |key: &CommentKey| column.is_none_or(|column| key.column == column);
        for key in self.catalog.comments_on(object).into_iter().filter(of_column) {
            self.comment_on(key, None)?;
        }
        Ok(())
    }

    /// Removes an object's record.
    pub(super) fn erase_object(&mut self, id: Oid) -> Result<()> {
        self.put(CATALOG, Bytes::copy_from_slice(&Catalog::record_key(id)), None)?;
        self.forget_comments(id, None)?;
        self.change_catalog(|catalog| {
            catalog.remove(id);
        });
        Ok(())
    }

    /// Removes a table and all that is kept about it.
    pub(super) fn remove_table(&mut self, table: &TableDef) -> Result<()> {
        if table.is_synced() {
            self.remove_sync_traces(table)?;
        }
        self.drop_space(table.space());
        for index in &table.indexes {
            self.drop_space(index.space());
        }
        let parts = table.indexes.iter().map(|index| index.id).chain(table.primary_key_id);
        let constraints = table.checks.iter().map(|check| check.id).chain(table.foreign_keys.iter().map(|key| key.id));
        for part in parts.chain(constraints) {
            self.forget_comments(part.into(), None)?;
        }
        self.erase_object(table.id.into())?;
        self.note_schema_change(table.is_synced())
    }

    pub(super) fn drop_space(&mut self, space: Space) {
        self.writes.overlay.drop_space(space);
        self.writes.undo.push(Undo::DropSpace(space));
    }

    fn change_catalog(&mut self, change: impl FnOnce(&mut Catalog)) {
        let mut catalog = Catalog::clone(&self.catalog);
        catalog.version += 1;
        catalog.is_private = true;
        change(&mut catalog);
        let before = std::mem::replace(&mut self.catalog, Arc::new(catalog));
        self.writes.undo.push(Undo::Catalog(before));
        self.writable.clear();
    }

    /// On a hub: the schema of the synced tables has a new version.
    fn note_schema_change(&mut self, is_synced: bool) -> Result<()> {
        if !is_synced || self.identity().role != Role::Hub {
            return Ok(());
        }
        self.set_schema_version(SchemaVersion(self.catalog.schema_version.0 + 1))
    }

    pub(super) fn set_schema_version(&mut self, version: SchemaVersion) -> Result<()> {
        self.put(
            META,
            Bytes::from_static(meta_key::SCHEMA_VERSION),
            Some(Bytes::copy_from_slice(&version.0.to_be_bytes())),
        )?;
        self.change_catalog(|catalog| catalog.schema_version = version);
        self.writes.changes_synced = true;
        Ok(())
    }

    /// Makes the entries of a new index from the newest rows.
    pub(super) fn fill_index(&mut self, table: &TableDef, index: &IndexDef, judge: bool) -> Result<()> {
        self.for_each_row(table, |txn, key, row| {
            let Some(entry) = txn.entry_of(table, index, row)? else { return Ok(()) };
            if judge {
                txn.judge_in_new_index(table, index, &entry, key, row)?;
            }
            txn.put_index_entry(index, key, entry)
        })
    }

    /// Removes what the internal relations know of a synced table. Entries of the outbox stay: they are history.
    fn remove_sync_traces(&mut self, table: &TableDef) -> Result<()> {
        let sync_id = sync_id_of(table)?;
        let view = self.latest();
        let prefix = KeyRange::prefix(&sync_id.0.to_be_bytes());
        let mut feed: Vec<(CommitSeq, RowKey)> = Vec::new();
        let mut rows = self.newest_entries(&view, table.space(), KeyRange::ALL)?;
        rows.advance(&self.writes.overlay, usize::MAX, |key, bytes| {
            if let (_, Some(meta)) = row::decode(table, bytes)?
                && let ChangedAt::At(seq) = meta.changed_at
            {
                feed.push((seq, RowKey(Bytes::copy_from_slice(key))));
            }
            Ok(())
        })?;
        for relation in [Internal::Tombstones, Internal::SyncBase, Internal::OutboxRows] {
            let space = Space::Internal(relation);
            let mut entries = self.newest_entries(&view, space, prefix.clone())?;
            let mut found: Vec<Bytes> = Vec::new();
            entries.advance(&self.writes.overlay, usize::MAX, |key, bytes| {
                found.push(Bytes::copy_from_slice(key));
                if relation == Internal::Tombstones
                    && let ChangedAt::At(seq) = Tombstone::decode(bytes)?.changed_at
                {
                    feed.push((seq, keys::parse_row(key)?.1));
                }
                Ok(())
            })?;
            for key in found {
                self.put(space, key, None)?;
            }
        }
        for (seq, key) in feed {
            self.put(Space::Internal(Internal::Feed), keys::feed(seq, sync_id, &key), None)?;
        }
        Ok(())
    }
}
