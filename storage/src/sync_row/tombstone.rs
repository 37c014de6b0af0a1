//! What remains of a deleted row, and how it is stored.
//!
//! ```text
//! | version: 1 byte | values of the primary key | trailer of a row: life, stamp, changed at |
//! ```

use heliosdb_crdt::{Hlc, SiteId};

use crate::codec::Reader;
use crate::error::Result;
use crate::ids::CommitSeq;
use crate::row::{ChangedAt, Row, RowMeta, Stamped, trailer};
use crate::value::codec::{put_values, read_values};

const VERSION: u8 = 1;

/// What remains of a deleted row.
#[derive(Clone, PartialEq, Debug)]
pub struct Tombstone {
    /// The life that ended.
    pub life: u32,
    /// When and by whom.
    pub stamp: Stamped,
    /// The values of the primary key, in key order.
    pub key: Row,
    /// See [`RowMeta::changed_at`].
    pub changed_at: ChangedAt,
}

impl Tombstone {
    /// The bytes under the row's key in the relation of tombstones.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let mut out = vec![VERSION];
        put_values(&mut out, &self.key)?;
        let meta = RowMeta {
            life: self.life,
            born: self.stamp,
            stamp: self.stamp,
            column_stamps: Vec::new(),
            changed_at: self.changed_at,
        };
        trailer::put_meta(&mut out, &meta)?;
        Ok(out)
    }

    /// The tombstone in the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, "tombstone");
        let version = reader.u8()?;
        if version != VERSION {
            return Err(reader.damaged(format!("unknown version {version}")));
        }
        let key = read_values(&mut reader)?;
        let meta = trailer::read_meta(reader.take_rest())?;
        Ok(Self { life: meta.life, stamp: meta.stamp, key, changed_at: meta.changed_at })
    }

    /// Fills in, where the bytes say "this commit", what the commit was given.
    pub fn resolve(bytes: &mut [u8], hlc: Hlc, site: SiteId, seq: CommitSeq) -> Result<()> {
        trailer::resolve_meta(bytes, hlc, site, seq)
    }
}
