//! Comments on objects.

use std::ops::Bound;

use super::Catalog;
use crate::error::{Error, Result};
use crate::ids::{ColumnId, Oid};

/// Which kind of object a comment is on: an oid may be that of an index and of its constraint.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CommentClass {
    /// A relation or one of its columns.
    Relation,
    /// A constraint.
    Constraint,
    /// A schema, a type, a function.
    Other,
    /// What all databases share: databases, roles.
    Shared,
}

/// What a comment is on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CommentKey {
    /// The object.
    pub object: Oid,
    /// Its kind.
    pub class: CommentClass,
    /// The column; 0 for the object as a whole.
    pub column: ColumnId,
}

impl CommentKey {
    const BYTES: usize = 8;
    const MARK: u8 = b'c';

    /// The key of its record, which stands behind that of the object.
    pub(crate) fn encode(self) -> [u8; Self::BYTES] {
        let [a, b, c, d] = self.object.0.to_be_bytes();
        let [e, f] = self.column.0.to_be_bytes();
        let class = match self.class {
            CommentClass::Relation => 0,
            CommentClass::Constraint => 1,
            CommentClass::Other => 2,
            CommentClass::Shared => 3,
        };
        [a, b, c, d, Self::MARK, class, e, f]
    }

    /// None if the key is not that of a comment.
    pub(crate) fn decode(key: &[u8]) -> Option<Self> {
        let [a, b, c, d, Self::MARK, class, e, f] = *key else { return None };
        let class = match class {
            0 => CommentClass::Relation,
            1 => CommentClass::Constraint,
            2 => CommentClass::Other,
            3 => CommentClass::Shared,
            _ => return None,
        };
        let object = Oid(u32::from_be_bytes([a, b, c, d]));
        Some(Self { object, class, column: ColumnId(u16::from_be_bytes([e, f])) })
    }
}

impl Catalog {
    /// The comment on something.
    pub fn comment(&self, key: CommentKey) -> Option<&str> {
        self.comments.get(&key).map(|text| &**text)
    }

    /// All comments. Those of indexes, constraints and columns that are gone may still be among them.
    pub fn comments(&self) -> impl Iterator<Item = (CommentKey, &str)> {
        self.comments.iter().map(|(key, text)| (*key, &**text))
    }

    /// The keys of an object's comments.
    pub(crate) fn comments_on(&self, object: Oid) -> Vec<CommentKey> {
        let first = CommentKey { object, class: CommentClass::Relation, column: ColumnId(0) };
        let last = CommentKey { object, class: CommentClass::Shared, column: ColumnId(u16::MAX) };
        self.comments.range((Bound::Included(first), Bound::Included(last))).map(|(key, _)| *key).collect()
    }

    pub(crate) fn load_comment(&mut self, key: CommentKey, text: &[u8]) -> Result<()> {
        let text = std::str::from_utf8(text).map_err(|error| Error::corrupt("a comment", error.to_string()))?;
        self.comments.insert(key, text.into());
        Ok(())
    }
}
