//! Rows and how they are stored.
//!
//! ```text
//! | version + flag: 1 byte | number of values | values … | trailer (synced tables only, see `trailer`) |
//! ```
//!
//! The values stand in the order of the columns' ids, from 1: what a column that was dropped had here is NULL, or what it
//! was, and is passed over. A row that was stored before its table got a column has fewer values; the columns it lacks
//! read as [`crate::catalog::ColumnDef::missing`].

mod selection;
pub mod trailer;

use heliosdb_crdt::{Hlc, SiteId};

pub use selection::Selection;
pub use trailer::{ChangedAt, RowMeta, Stamped};

use crate::catalog::{ColumnDef, TableDef};
use crate::codec::{Reader, put_len};
use crate::error::Result;
use crate::ids::CommitSeq;
use crate::value::Value;
use crate::value::codec::{put_value, put_values, read_value};

/// The values of a row, one per slot.
pub type Row = Vec<Value>;

/// The version of the format, in the low bits of the first byte.
const VERSION: u8 = 1;

/// Set in the first byte if there is a trailer.
const HAS_TRAILER: u8 = 0x80;

/// The bytes of a row; `meta` is given for synced tables.
pub fn encode(table: &TableDef, row: &[Value], meta: Option<&RowMeta>) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(16 + 8 * row.len());
    out.push(if meta.is_some() { VERSION | HAS_TRAILER } else { VERSION });
    if has_all_columns(table) {
        put_values(&mut out, row)?;
    } else {
        put_by_id(&mut out, &table.columns, row)?;
    }
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
    if count > usize::from(table.last_column().0) {
        return Err(reader.damaged(format!("a row of {} has {count} columns", table.name)));
    }
    let mut row = Vec::with_capacity(table.columns.len());
    if has_all_columns(table) {
        for _ in 0..count {
            row.push(read_value(&mut reader)?);
        }
    } else {
        let mut columns = table.columns.iter().peekable();
        for id in 1..=count {
            let value = read_value(&mut reader)?;
            if columns.next_if(|column| usize::from(column.id.0) == id).is_some() {
                row.push(value);
            }
        }
    }
    let lacking = table.columns.iter().skip(row.len());
    row.extend(lacking.map(|column| column.missing.0.clone()));
    Ok((row, first & HAS_TRAILER != 0, reader))
}

/// Whether no column was dropped: then the slot of each is its id less 1.
fn has_all_columns(table: &TableDef) -> bool {
    table.columns.last().is_none_or(|last| usize::from(last.id.0) == table.columns.len())
}

/// Writes values under the ids of their columns.
fn put_by_id(out: &mut Vec<u8>, columns: &[ColumnDef], row: &[Value]) -> Result<()> {
    let width = columns.last().map_or(0, |last| usize::from(last.id.0));
    put_len(out, width);
    let mut given = columns.iter().zip(row).peekable();
    for id in 1..=width {
        let value = given.next_if(|(column, _)| usize::from(column.id.0) == id).map(|(_, value)| value);
        put_value(out, value.unwrap_or(&Value::Null))?;
    }
    Ok(())
}

/// Fills in, where the bytes say "this commit", what the commit was given. Rows without a trailer stay as they are.
pub fn resolve(bytes: &mut [u8], hlc: Hlc, site: SiteId, seq: CommitSeq) -> Result<()> {
    if bytes.first().is_some_and(|first| first & HAS_TRAILER != 0) {
        trailer::resolve_meta(bytes, hlc, site, seq)?;
    }
    Ok(())
}
