//! Reading and writing bytes: the primitives of every format, on disk and on the wire.
//!
//! Integers of fixed width are little endian; varints are LEB128 with seven bits a byte, minimal (a longer form of the
//! same number is refused, so that equal things have equal bytes). The reader checks every length against what is left
//! before anything is allocated, so that damaged or hostile bytes cost no more memory than a small multiple of their size.

use crate::error::{Error, Result};

/// Most bytes a varint of 64 bits takes.
const MAX_VARINT_BYTES: u32 = 10;

/// Appends an unsigned varint.
pub fn put_varint(out: &mut Vec<u8>, mut n: u64) {
    loop {
        let low = n.to_le_bytes()[0] & 0x7f;
        n >>= 7;
        if n == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Appends a signed varint: small magnitudes are short, whatever their sign (zigzag).
pub fn put_zigzag(out: &mut Vec<u8>, n: i64) {
    put_varint(out, ((n << 1) ^ (n >> 63)).cast_unsigned());
}

/// Appends a length as a varint.
pub fn put_len(out: &mut Vec<u8>, len: usize) {
    put_varint(out, u64::try_from(len).expect("BUG: usize is at most 64 bits"));
}

/// Appends bytes behind their length.
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_len(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// Takes bytes apart, from the front.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    place: &'static str,
}

impl<'a> Reader<'a> {
    /// A reader; `place` says in errors what was being read.
    pub const fn new(rest: &'a [u8], place: &'static str) -> Self {
        Self { rest, place }
    }

    /// The error that says what is wrong with the bytes.
    pub fn damaged(&self, what: impl Into<String>) -> Error {
        Error::corrupt(self.place, what)
    }

    /// How many bytes are left.
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// The next bytes.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or_else(|| self.damaged("it ends too early"))?;
        self.rest = rest;
        Ok(head)
    }

    /// All bytes that are left.
    pub const fn take_rest(&mut self) -> &'a [u8] {
        let rest = self.rest;
        self.rest = &[];
        rest
    }

    /// The next bytes, as many as the array has.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or_else(|| self.damaged("it ends too early"))?;
        self.rest = rest;
        Ok(*head)
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    /// Two bytes.
    pub fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    /// Four bytes.
    pub fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// Eight bytes.
    pub fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// An unsigned varint.
    pub fn varint(&mut self) -> Result<u64> {
        let mut n = 0_u64;
        for i in 0..MAX_VARINT_BYTES {
            let byte = self.u8()?;
            let low = u64::from(byte & 0x7f);
            if i == MAX_VARINT_BYTES - 1 && low > 1 {
                return Err(self.damaged("a varint exceeds 64 bits"));
            }
            n |= low << (7 * i);
            if byte & 0x80 == 0 {
                if byte == 0 && i > 0 {
                    return Err(self.damaged("a varint is longer than it needs to be"));
                }
                return Ok(n);
            }
        }
        Err(self.damaged("a varint does not end"))
    }

    /// A signed varint (see [`put_zigzag`]).
    pub fn zigzag(&mut self) -> Result<i64> {
        let n = self.varint()?;
        Ok((n >> 1).cast_signed() ^ -(n & 1).cast_signed())
    }

    /// An unsigned varint that must fit a smaller type.
    pub fn varint_as<T: TryFrom<u64>>(&mut self) -> Result<T> {
        let n = self.varint()?;
        T::try_from(n).map_err(|_| self.damaged(format!("{n} is out of range")))
    }

    /// The number of items that follow, each of which takes at least `min_bytes` (≥ 1) bytes: no more than can be there.
    pub fn count(&mut self, min_bytes: usize) -> Result<usize> {
        let n: usize = self.varint_as()?;
        if n > self.rest.len() / min_bytes.max(1) {
            return Err(self.damaged(format!("{n} items cannot fit into {} bytes", self.rest.len())));
        }
        Ok(n)
    }

    /// Bytes behind their length.
    pub fn bytes(&mut self) -> Result<&'a [u8]> {
        let len = self.count(1)?;
        self.take(len)
    }

    /// Text behind its length.
    pub fn str(&mut self) -> Result<&'a str> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(|_| self.damaged("text is not UTF-8"))
    }

    /// Fails unless everything was read.
    pub fn finish(self) -> Result<()> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.damaged(format!("{} bytes are left over", self.rest.len())))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn varints_round_trip(n: u64, i: i64) {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, n);
            put_zigzag(&mut bytes, i);
            let mut reader = Reader::new(&bytes, "test");
            prop_assert_eq!(reader.varint().unwrap(), n);
            prop_assert_eq!(reader.zigzag().unwrap(), i);
            prop_assert!(reader.finish().is_ok());
        }

        #[test]
        fn a_number_has_one_encoding(bytes in proptest::collection::vec(any::<u8>(), 0..12)) {
            let mut reader = Reader::new(&bytes, "test");
            if let Ok(n) = reader.varint() {
                let mut again = Vec::new();
                put_varint(&mut again, n);
                prop_assert_eq!(again.len() + reader.remaining(), bytes.len());
                prop_assert!(bytes.starts_with(&again));
            }
        }

        #[test]
        fn a_count_never_exceeds_what_is_there(bytes in proptest::collection::vec(any::<u8>(), 0..40), min in 1_usize..9) {
            let mut reader = Reader::new(&bytes, "test");
            if let Ok(n) = reader.count(min) {
                prop_assert!(n * min <= reader.remaining());
            }
        }
    }

    #[test]
    fn extremes_of_varints() {
        for n in [0, 0x7f, 0x80, u64::MAX] {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, n);
            assert_eq!(Reader::new(&bytes, "test").varint().unwrap(), n);
        }
        let too_big = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02];
        assert!(Reader::new(&too_big, "test").varint().is_err());
        assert!(Reader::new(&[0x80, 0x00], "test").varint().is_err());
    }

    #[test]
    fn left_over_bytes_are_an_error() {
        assert!(Reader::new(&[1], "test").finish().is_err());
    }
}
