//! Objects of the catalog that are not tables: made, replaced, removed. Who depends on whom is the SQL crate's affair.

use bytes::Bytes;

use super::Transaction;
use crate::base::Space;
use crate::catalog::{CatalogObject, CommentKey, NameSpace, SequencePlace};
use crate::error::{Error, Result};
use crate::ids::Oid;
use crate::sync_row::Internal;

impl Transaction {
    /// An oid for an object to be made. The catalog is locked from here on.
    pub fn new_oid(&mut self) -> Result<Oid> {
        self.lock_catalog()?;
        self.next_oid()
    }

    /// An even oid for an enum, which also takes the next one for the type of its arrays.
    pub fn new_enum_oid(&mut self) -> Result<Oid> {
        let mut id = self.new_oid()?;
        while !id.0.is_multiple_of(2) {
            id = self.new_oid()?;
        }
        self.new_oid()?;
        Ok(id)
    }

    /// Makes an object, or replaces its definition. Its name must be free.
    pub fn put_object(&mut self, object: CatalogObject) -> Result<()> {
        self.lock_catalog()?;
        let names = object.names();
        let taken = names.iter().find(|name| self.catalog.owner_of(name).is_some_and(|owner| owner != object.id()));
        if let Some((space, _, name)) = taken {
            return Err(match space {
                NameSpace::Relation => Error::AlreadyExists(name.clone()),
                NameSpace::Type => Error::NameTaken(format!("type \"{name}\" already exists")),
                NameSpace::Schema => Error::NameTaken(format!("schema \"{name}\" already exists")),
            });
        }
        if let (CatalogObject::Sequence(new), Some(CatalogObject::Sequence(old))) =
            (&object, self.catalog.object(object.id()).cloned())
            && new.place != old.place
        {
            self.forget_sequence(old.place)?;
        }
        match object {
            CatalogObject::Table(table) => self.put_table(table),
            other => self.record_object(other),
        }
    }

    fn forget_sequence(&mut self, place: SequencePlace) -> Result<()> {
        let key = Bytes::copy_from_slice(&place.0.to_be_bytes());
        self.put(Space::Internal(Internal::Sequences), key, None)
    }

    /// Sets or removes a comment.
    pub fn set_comment(&mut self, key: CommentKey, text: Option<&str>) -> Result<()> {
        self.lock_catalog()?;
        self.comment_on(key, text)
    }

    /// Removes an object that is not a table; see [`Transaction::drop_table`] for those.
    pub fn drop_object(&mut self, id: Oid) -> Result<()> {
        self.lock_catalog()?;
        if let Some(CatalogObject::Sequence(sequence)) = self.catalog.object(id).cloned() {
            self.forget_sequence(sequence.place)?;
        }
        self.erase_object(id)
    }
}
