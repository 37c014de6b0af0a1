//! What is known of one key of a synced table, and how it is stored as H in `sync_base`.

use super::Tombstone;
use crate::catalog::TableDef;
use crate::codec::Reader;
use crate::error::Result;
use crate::row::{self, ChangedAt, Row, RowMeta, Stamped};

/// What is known of one key of a synced table.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum RowState {
    /// Nothing: no row has ever had this key.
    #[default]
    Absent,
    /// A row.
    Alive {
        /// Its values.
        row: Row,
        /// Its trailer.
        meta: RowMeta,
    },
    /// It was deleted.
    Dead(Tombstone),
}

const ABSENT: u8 = 0;
const ALIVE: u8 = 1;
const DEAD: u8 = 2;

impl RowState {
    /// The life that is known, 0 for none. The next INSERT opens this + 1.
    pub const fn life(&self) -> u32 {
        match self {
            Self::Absent => 0,
            Self::Alive { meta, .. } => meta.life,
            Self::Dead(tombstone) => tombstone.life,
        }
    }

    /// The row, if there is one.
    pub const fn row(&self) -> Option<&Row> {
        match self {
            Self::Alive { row, .. } => Some(row),
            Self::Absent | Self::Dead(_) => None,
        }
    }

    /// Whether there is a row.
    pub const fn is_alive(&self) -> bool {
        matches!(self, Self::Alive { .. })
    }

    /// See [`RowMeta::changed_at`].
    pub const fn changed_at(&self) -> ChangedAt {
        match self {
            Self::Absent => ChangedAt::Never,
            Self::Alive { meta, .. } => meta.changed_at,
            Self::Dead(tombstone) => tombstone.changed_at,
        }
    }

    /// Sets [`RowState::changed_at`]; nothing for a key that is absent.
    pub const fn set_changed_at(&mut self, changed_at: ChangedAt) {
        match self {
            Self::Absent => {}
            Self::Alive { meta, .. } => meta.changed_at = changed_at,
            Self::Dead(tombstone) => tombstone.changed_at = changed_at,
        }
    }

    /// The largest stamp in it, which every later write must exceed.
    pub fn newest_stamp(&self) -> Option<Stamped> {
        match self {
            Self::Absent => None,
            Self::Alive { meta, .. } => {
                let columns = meta.column_stamps.iter().map(|&(_, stamped)| stamped);
                columns.chain([meta.born, meta.stamp]).max()
            }
            Self::Dead(tombstone) => Some(tombstone.stamp),
        }
    }

    /// The bytes of the state.
    pub fn encode(&self, table: &TableDef) -> Result<Vec<u8>> {
        let (tag, body) = match self {
            Self::Absent => (ABSENT, Vec::new()),
            Self::Alive { row, meta } => (ALIVE, row::encode(table, row, Some(meta))?),
            Self::Dead(tombstone) => (DEAD, tombstone.encode()?),
        };
        let mut out = Vec::with_capacity(1 + body.len());
        out.push(tag);
        out.extend_from_slice(&body);
        Ok(out)
    }

    /// The state in the bytes.
    pub fn decode(table: &TableDef, bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, "state of a row");
        match reader.u8()? {
            ABSENT => {
                reader.finish()?;
                Ok(Self::Absent)
            }
            ALIVE => {
                let (row, meta) = row::decode(table, reader.take_rest())?;
                let meta = meta.ok_or_else(|| reader.damaged("a synced row has no trailer"))?;
                Ok(Self::Alive { row, meta })
            }
            DEAD => Tombstone::decode(reader.take_rest()).map(Self::Dead),
            tag => Err(reader.damaged(format!("unknown tag {tag}"))),
        }
    }
}
