//! The binary format: a header, then tuples of counted fields.
//!
//! ```text
//! | PGCOPY\n\xff\r\n\0 | flags: 4 bytes | length of an extension: 4 bytes | extension |
//! | number of fields: 2 bytes | length: 4 bytes, -1 for NULL | bytes | … |    a tuple
//! | -1: 2 bytes |                                                            the end
//! ```

use bytes::{BufMut, BytesMut};
use heliosdb_storage::value::{DataType, Value};

use crate::error::{Result, SqlError, SqlState};
use crate::types::{self, ValueContext};

/// What a file begins with.
const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";

/// Flags that a reader must understand; it knows none of them.
const CRITICAL_FLAGS: u32 = 0xffff_0000;

/// The flag of files with oids, which no longer exist.
const HAS_OIDS: u32 = 1 << 16;

/// The longest tuple that is taken.
const MAX_TUPLE_BYTES: usize = 128 << 20;

/// A reader of tuples. The bytes come in pieces of any size.
#[derive(Default)]
pub struct Tuples {
    buffer: Vec<u8>,
    /// Where the next tuple begins.
    start: usize,
    has_header: bool,
    ended: bool,
    tuple_no: u64,
    fields: Vec<Option<(usize, usize)>>,
}

/// What has been found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FoundTuple {
    /// A tuple, to be looked at by [`Tuples::field`].
    Tuple,
    /// More bytes are needed.
    Pending,
    /// There are no more.
    End,
}

impl Tuples {
    /// Takes bytes in.
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        if self.ended {
            return if bytes.is_empty() { Ok(()) } else { Err(bad("received copy data after EOF marker")) };
        }
        self.buffer.drain(..self.start);
        self.start = 0;
        if self.buffer.len().saturating_add(bytes.len()) > MAX_TUPLE_BYTES {
            return Err(SqlError::new(
                SqlState::PROGRAM_LIMIT_EXCEEDED,
                format!("a tuple of COPY data may have at most {MAX_TUPLE_BYTES} bytes"),
            ));
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// The number of the tuple that was found last, or is being read, from 1.
    pub const fn tuple_no(&self) -> u64 {
        self.tuple_no
    }

    /// A field of the tuple that was found last; none is NULL.
    pub fn field(&self, index: usize) -> Option<&[u8]> {
        let (start, end) = (*self.fields.get(index)?)?;
        self.buffer.get(start..end)
    }

    /// The next tuple of so many fields.
    pub fn next_tuple(&mut self, expected: usize) -> Result<FoundTuple> {
        if self.ended {
            return Ok(FoundTuple::End);
        }
        if !self.has_header && !self.header()? {
            return Ok(FoundTuple::Pending);
        }
        let mut at = self.start;
        let Some(count) = self.take::<2>(&mut at).map(i16::from_be_bytes) else { return Ok(FoundTuple::Pending) };
        if count == -1 {
            self.ended = true;
            if self.buffer.len() > at {
                return Err(bad("received copy data after EOF marker"));
            }
            return Ok(FoundTuple::End);
        }
        if usize::try_from(count) != Ok(expected) {
            self.tuple_no += 1;
            return Err(bad(format!("row field count is {count}, expected {expected}")));
        }
        self.fields.clear();
        for _ in 0..expected {
            let Some(length) = self.take::<4>(&mut at).map(i32::from_be_bytes) else {
                return Ok(FoundTuple::Pending);
            };
            if length == -1 {
                self.fields.push(None);
                continue;
            }
            let Ok(length) = usize::try_from(length) else { return Err(bad("invalid field size")) };
            let end = at.saturating_add(length);
            if end > self.buffer.len() {
                return Ok(FoundTuple::Pending);
            }
            self.fields.push(Some((at, end)));
            at = end;
        }
        self.start = at;
        self.tuple_no += 1;
        Ok(FoundTuple::Tuple)
    }

    /// There are no more bytes.
    pub fn finish(&self) -> Result<()> {
        if !self.ended && !self.has_header {
            return Err(bad("COPY file signature not recognized"));
        }
        // A file without an end is taken, as PostgreSQL does; half a tuple is not.
        if self.ended || self.start == self.buffer.len() { Ok(()) } else { Err(bad("unexpected EOF in COPY data")) }
    }

    /// Reads the header; false if it has not come yet.
    fn header(&mut self) -> Result<bool> {
        let mut at = 0;
        let given = self.buffer.get(..SIGNATURE.len().min(self.buffer.len())).unwrap_or_default();
        if !SIGNATURE.starts_with(given) {
            return Err(bad("COPY file signature not recognized"));
        }
        let Some(_) = self.take::<11>(&mut at) else { return Ok(false) };
        let Some(flags) = self.take::<4>(&mut at).map(u32::from_be_bytes) else { return Ok(false) };
        if flags & HAS_OIDS != 0 {
            return Err(bad("invalid COPY file header (WITH OIDS)"));
        }
        if flags & CRITICAL_FLAGS != 0 {
            return Err(bad("unrecognized critical flags in COPY file header"));
        }
        let Some(extension) = self.take::<4>(&mut at).map(i32::from_be_bytes) else { return Ok(false) };
        let Ok(extension) = usize::try_from(extension) else {
            return Err(bad("invalid COPY file header (missing length)"));
        };
        if self.buffer.len() < at.saturating_add(extension) {
            return Ok(false);
        }
        self.start = at + extension;
        self.has_header = true;
        Ok(true)
    }

    fn take<const N: usize>(&self, at: &mut usize) -> Option<[u8; N]> {
        let bytes = self.buffer.get(*at..)?.first_chunk()?;
        *at += N;
        Some(*bytes)
    }
}

/// Writes the header.
pub fn put_header(out: &mut BytesMut) {
    out.put_slice(SIGNATURE);
    out.put_u32(0);
    out.put_u32(0);
}

/// Writes a tuple.
pub fn put_tuple(
    row: &[Value],
    types: impl Iterator<Item = DataType>,
    ctx: &ValueContext,
    out: &mut BytesMut,
) -> Result<()> {
    let too_long = |_| SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "a row is too long for the binary format");
    out.put_i16(i16::try_from(row.len()).map_err(too_long)?);
    for (value, data_type) in row.iter().zip(types) {
        if value.is_null() {
            out.put_i32(-1);
            continue;
        }
        let start = out.len();
        out.put_i32(0);
        types::encode_binary(value, data_type, ctx, out);
        let length = out.len().saturating_sub(start).saturating_sub(4);
        let length = i32::try_from(length).map_err(too_long)?;
        if let Some(place) = out.get_mut(start..start.saturating_add(4)) {
            place.copy_from_slice(&length.to_be_bytes());
        }
    }
    Ok(())
}

/// Writes the end.
pub fn put_trailer(out: &mut BytesMut) {
    out.put_i16(-1);
}

fn bad(message: impl Into<String>) -> SqlError {
    SqlError::new(SqlState::BAD_COPY_FILE_FORMAT, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> BytesMut {
        let mut file = BytesMut::new();
        put_header(&mut file);
        for text in ["ab", "c"] {
            file.put_i16(2);
            file.put_i32(-1);
            file.put_i32(i32::try_from(text.len()).unwrap());
            file.put_slice(text.as_bytes());
        }
        put_trailer(&mut file);
        file
    }

    #[test]
    fn tuples_come_whole_whatever_the_pieces() {
        for size in 1..60 {
            let mut tuples = Tuples::default();
            let mut found = Vec::new();
            for piece in file().chunks(size) {
                tuples.push(piece).unwrap();
                while tuples.next_tuple(2).unwrap() == FoundTuple::Tuple {
                    assert_eq!(tuples.field(0), None);
                    found.push(tuples.field(1).unwrap().to_vec());
                }
            }
            tuples.finish().unwrap();
            assert_eq!(found, [b"ab".to_vec(), b"c".to_vec()], "pieces of {size}");
        }
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let fails = |bytes: &[u8]| {
            let mut tuples = Tuples::default();
            tuples.push(bytes).unwrap();
            loop {
                match tuples.next_tuple(2) {
                    Ok(FoundTuple::Tuple) => {}
                    Ok(_) => return tuples.finish().err().map(|error| error.message),
                    Err(error) => return Some(error.message),
                }
            }
        };
        assert_eq!(fails(b"1\tx\n").as_deref(), Some("COPY file signature not recognized"));
        assert_eq!(fails(b"").as_deref(), Some("COPY file signature not recognized"));
        let whole = file();
        assert_eq!(fails(&whole[..whole.len() - 2]), None);
        assert_eq!(fails(&whole[..whole.len() - 3]).as_deref(), Some("unexpected EOF in COPY data"));
        let mut wide = BytesMut::new();
        put_header(&mut wide);
        wide.put_i16(3);
        assert_eq!(fails(&wide).as_deref(), Some("row field count is 3, expected 2"));
    }
}
