//! Rows and how they are stored.
//!
//! ```text
//! | version + flag: 1 byte | number of columns | values … | trailer (synced tables only, see `trailer`) |
//! ```
//!
//! A row that was stored before its table got a column has fewer values; the columns it lacks read as NULL.

pub mod trailer;

use heliosdb_crdt::{Hlc, SiteId};

pub use trailer::{ChangedAt, RowMeta, Stamped};

use crate::catalog::TableDef;
use crate::codec::Reader;
use crate::error::Result;
use crate::ids::CommitSeq;
use crate::value::Value;
use crate::value::codec::{put_values, read_value};

/// The values of a row, one per slot.
pub type Row = Vec<Value>;

/// The version of the format, in the low bits of the first byte.
const VERSION: u8 = 1;

/// Set in the first byte if there is a trailer.
const HAS_TRAILER: u8 = 0x80;

/// The bytes of a row; `meta` is given for synced tables.
pub fn encode(_table: &TableDef, row: &[Value], meta: Option<&RowMeta>) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(16 + 8 * row.len());
    out.push(if meta.is_some() { VERSION | HAS_TRAILER } else { VERSION });
    put_values(&mut out, row)?;
    if let Some(meta) = meta {
        trailer::put_meta(&mut out, meta)?;
    }
    Ok(out)
}

/// The row in the bytes, with one value per slot of the table, and its trailer if it has one.
pub fn decode(table: &TableDef, bytes: &[u8]) -> Result<(Row, Option<RowMeta>)> {
    let (row, has_trailer, mut reader) = read_row(table, bytes)?;
    let meta = if has_trailer { Some(trailer::read_meta(reader.take_rest())?) } else { None };
    reader.finish()?;
    Ok((row, meta))
}

/// As [`decode`], without looking at the trailer.
pub fn decode_values(table: &TableDef, bytes: &[u8]) -> Result<Row> {
    read_row(table, bytes).map(|(row, ..)| row)
}

fn read_row<'a>(table: &TableDef, bytes: &'a [u8]) -> Result<(Row, bool, Reader<'a>)> {
    let mut reader = Reader::new(bytes, "row");
    let first = reader.u8()?;
    if first & !HAS_TRAILER != VERSION {
        return Err(reader.damaged(format!("unknown version {first}")));
    }
    let count = reader.count(1)?;
    if count > table.columns.len() {
        return Err(reader.damaged(format!("a row of {} has {count} columns", table.name)));
    }
    let mut row = Vec::with_capacity(table.columns.len());
    for _ in 0..count {
        row.push(read_value(&mut reader)?);
    }
    row.resize(table.columns.len(), Value::Null);
    Ok((row, first & HAS_TRAILER != 0, reader))
}

/// Fills in, where the bytes say "this commit", what the commit was given. Rows without a trailer stay as they are.
pub fn resolve(bytes: &mut [u8], hlc: Hlc, site: SiteId, seq: CommitSeq) -> Result<()> {
    if bytes.first().is_some_and(|first| first & HAS_TRAILER != 0) {
        trailer::resolve_meta(bytes, hlc, site, seq)?;
    }
    Ok(())
}
