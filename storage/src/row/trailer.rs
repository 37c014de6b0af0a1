//! The trailer of a row of a synced table, and of a tombstone.
//!
//! It stands at the end and is read from there, so that the sequencer, which alone knows the time and the position of a
//! commit, finds the places to fill in without reading the row. Everything has a fixed width, little endian.
//!
//! ```text
//! | (column id 2, tag 1, stamp 12) × n, n: 2  | changed at: 8 | born: 12 | stamp: 12 | life: 4 | flags: 1 |
//!   if HAS_EXCEPTIONS                           if CHANGED_*    if HAS_BORN
//! ```
//!
//! A stamp is an [`Hlc`] and a site. `born` is left out if it equals `stamp`.

use heliosdb_crdt::{Hlc, SiteId, Stamp};

use crate::error::{Error, Result};
use crate::ids::{ColumnId, CommitSeq};

/// What merging needs to know of a row.
///
/// [`Stamped`] may stand for "the commit that is being made": its time and position are known only when the sequencer
/// orders it, which then fills them in.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RowMeta {
    /// Which life of the row this is, from 1: a re-insert after a delete opens the next.
    pub life: u32,
    /// The stamp of the INSERT that opened the life (of concurrent ones: of the winner).
    pub born: Stamped,
    /// The stamp of all plain columns outside the primary key that `column_stamps` does not name.
    pub stamp: Stamped,
    /// The columns whose stamp differs, by id.
    pub column_stamps: Vec<(ColumnId, Stamped)>,
    /// On a hub: the commit that changed the row last, which is its place in the change feed. 0 elsewhere.
    pub changed_at: ChangedAt,
}

/// A stamp, or the stamp of the commit that is being made, which is larger than all others.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Stamped {
    /// To be filled in by the sequencer.
    #[default]
    ThisCommit,
    /// Known.
    At(Stamp),
}

impl PartialOrd for Stamped {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Stamped {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        match (self, other) {
            (Self::At(a), Self::At(b)) => a.cmp(b),
            (Self::ThisCommit, Self::ThisCommit) => std::cmp::Ordering::Equal,
            (Self::ThisCommit, Self::At(_)) => std::cmp::Ordering::Greater,
            (Self::At(_), Self::ThisCommit) => std::cmp::Ordering::Less,
        }
    }
}

/// A position in the hub's feed, or that of the commit that is being made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ChangedAt {
    /// To be filled in by the sequencer.
    ThisCommit,
    /// Known; 0 on nodes that are not hubs.
    #[default]
    Never,
    /// The hub's commit.
    At(CommitSeq),
}

const STAMP_PENDING: u8 = 1;
const HAS_BORN: u8 = 1 << 1;
const BORN_PENDING: u8 = 1 << 2;
const CHANGED_KNOWN: u8 = 1 << 3;
const CHANGED_PENDING: u8 = 1 << 4;
const HAS_EXCEPTIONS: u8 = 1 << 5;
const ALL_FLAGS: u8 = (1 << 6) - 1;

/// The tag of an exception whose stamp is to be filled in, and of one whose stamp is known.
const EXCEPTION_PENDING: u8 = 1;
const EXCEPTION_KNOWN: u8 = 0;

/// Appends a trailer.
pub(crate) fn put_meta(out: &mut Vec<u8>, meta: &RowMeta) -> Result<()> {
    let mut flags = 0;
    if !meta.column_stamps.is_empty() {
        flags |= HAS_EXCEPTIONS;
        let count = u16::try_from(meta.column_stamps.len())
            .map_err(|_| Error::LimitExceeded("a row has too many columns".to_owned()))?;
        for &(column, stamped) in &meta.column_stamps {
            out.extend_from_slice(&column.0.to_le_bytes());
            out.push(if stamped == Stamped::ThisCommit { EXCEPTION_PENDING } else { EXCEPTION_KNOWN });
            put_stamp(out, stamped);
        }
        out.extend_from_slice(&count.to_le_bytes());
    }
    match meta.changed_at {
        ChangedAt::Never => {}
        ChangedAt::ThisCommit => {
            flags |= CHANGED_PENDING;
            out.extend_from_slice(&0_u64.to_le_bytes());
        }
        ChangedAt::At(seq) => {
            flags |= CHANGED_KNOWN;
            out.extend_from_slice(&seq.0.to_le_bytes());
        }
    }
    if meta.born != meta.stamp {
        flags |= HAS_BORN;
        if meta.born == Stamped::ThisCommit {
            flags |= BORN_PENDING;
        }
        put_stamp(out, meta.born);
    }
    if meta.stamp == Stamped::ThisCommit {
        flags |= STAMP_PENDING;
    }
    put_stamp(out, meta.stamp);
    out.extend_from_slice(&meta.life.to_le_bytes());
    out.push(flags);
    Ok(())
}

/// Reads a trailer that takes all the bytes.
pub(crate) fn read_meta(bytes: &[u8]) -> Result<RowMeta> {
    let mut end = Backward { bytes };
    let flags = end.flags()?;
    let life = u32::from_le_bytes(end.array()?);
    let stamp = end.stamp(flags & STAMP_PENDING != 0)?;
    let born = if flags & HAS_BORN == 0 { stamp } else { end.stamp(flags & BORN_PENDING != 0)? };
    let changed_at = if flags & CHANGED_KNOWN != 0 {
        ChangedAt::At(CommitSeq(u64::from_le_bytes(end.array()?)))
    } else if flags & CHANGED_PENDING != 0 {
        end.array::<8>()?;
        ChangedAt::ThisCommit
    } else {
        ChangedAt::Never
    };
    let mut column_stamps = Vec::new();
    if flags & HAS_EXCEPTIONS != 0 {
        for _ in 0..u16::from_le_bytes(end.array()?) {
            let [lo, hi, tag, stamp @ ..] = end.array::<EXCEPTION_BYTES>()?;
            let stamped = if tag == EXCEPTION_PENDING { Stamped::ThisCommit } else { Stamped::At(stamp_of(stamp)) };
            column_stamps.push((ColumnId(u16::from_le_bytes([lo, hi])), stamped));
        }
        column_stamps.reverse();
    }
    if !end.bytes.is_empty() {
        return Err(damaged("bytes are left over"));
    }
    Ok(RowMeta { life, born, stamp, column_stamps, changed_at })
}

/// Fills in what the trailer at the end of the bytes leaves open.
pub(crate) fn resolve_meta(bytes: &mut [u8], hlc: Hlc, site: SiteId, seq: CommitSeq) -> Result<()> {
    let flags = Backward { bytes }.flags()?;
    let stamp = stamp_bytes(Stamp { hlc, site });
    let mut end = BackwardMut { bytes: Some(bytes) };
    let flags_place = end.take(1)?;
    flags_place.fill(flags & !(STAMP_PENDING | BORN_PENDING | CHANGED_PENDING));
    end.take(4)?;
    let place = end.take(STAMP_BYTES)?;
    if flags & STAMP_PENDING != 0 {
        place.copy_from_slice(&stamp);
    }
    if flags & HAS_BORN != 0 {
        let place = end.take(STAMP_BYTES)?;
        if flags & BORN_PENDING != 0 {
            place.copy_from_slice(&stamp);
        }
    }
    if flags & CHANGED_PENDING != 0 {
        end.take(8)?.copy_from_slice(&seq.0.to_le_bytes());
        flags_place_known(flags_place);
    } else if flags & CHANGED_KNOWN != 0 {
        end.take(8)?;
    }
    if flags & HAS_EXCEPTIONS != 0 {
        let count = end.take(2)?;
        let count = count.iter().rev().fold(0_u16, |n, &byte| (n << 8) | u16::from(byte));
        for _ in 0..count {
            let exception = end.take(EXCEPTION_BYTES)?;
            let (head, place) = exception.split_at_mut(EXCEPTION_BYTES - STAMP_BYTES);
            if let Some(tag) = head.last_mut()
                && *tag == EXCEPTION_PENDING
            {
                *tag = EXCEPTION_KNOWN;
                place.copy_from_slice(&stamp);
            }
        }
    }
    Ok(())
}

fn flags_place_known(place: &mut [u8]) {
    for flags in place {
        *flags |= CHANGED_KNOWN;
    }
}

const STAMP_BYTES: usize = 12;
const EXCEPTION_BYTES: usize = 3 + STAMP_BYTES;

fn put_stamp(out: &mut Vec<u8>, stamped: Stamped) {
    let stamp = match stamped {
        Stamped::ThisCommit => Stamp::default(),
        Stamped::At(stamp) => stamp,
    };
    out.extend_from_slice(&stamp_bytes(stamp));
}

fn stamp_bytes(stamp: Stamp) -> [u8; STAMP_BYTES] {
    let [a, b, c, d, e, f, g, h] = stamp.hlc.0.to_le_bytes();
    let [i, j, k, l] = stamp.site.0.to_le_bytes();
    [a, b, c, d, e, f, g, h, i, j, k, l]
}

fn stamp_of([a, b, c, d, e, f, g, h, i, j, k, l]: [u8; STAMP_BYTES]) -> Stamp {
    Stamp { hlc: Hlc(u64::from_le_bytes([a, b, c, d, e, f, g, h])), site: SiteId(u32::from_le_bytes([i, j, k, l])) }
}

fn damaged(what: &str) -> Error {
    Error::corrupt("trailer of a row", what)
}

/// Takes bytes apart from the end.
struct Backward<'a> {
    bytes: &'a [u8],
}

impl Backward<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (rest, last) = self.bytes.split_last_chunk::<N>().ok_or_else(|| damaged("it is too short"))?;
        self.bytes = rest;
        Ok(*last)
    }

    fn flags(&mut self) -> Result<u8> {
        let [flags] = self.array()?;
        let is_twice_changed = flags & CHANGED_KNOWN != 0 && flags & CHANGED_PENDING != 0;
        let is_born_lost = flags & BORN_PENDING != 0 && flags & HAS_BORN == 0;
        if flags & !ALL_FLAGS != 0 || is_twice_changed || is_born_lost {
            return Err(damaged("its flags are unknown"));
        }
        Ok(flags)
    }

    fn stamp(&mut self, is_pending: bool) -> Result<Stamped> {
        let stamp = stamp_of(self.array()?);
        Ok(if is_pending { Stamped::ThisCommit } else { Stamped::At(stamp) })
    }
}

/// Takes bytes apart from the end, to write into them.
struct BackwardMut<'a> {
    bytes: Option<&'a mut [u8]>,
}

impl<'a> BackwardMut<'a> {
    fn take(&mut self, len: usize) -> Result<&'a mut [u8]> {
        let bytes = self.bytes.take().unwrap_or_default();
        let start = bytes.len().checked_sub(len).ok_or_else(|| damaged("it is too short"))?;
        let (rest, last) = bytes.split_at_mut(start);
        self.bytes = Some(rest);
        Ok(last)
    }
}
