//! Keys: encodings of values whose bytes sort as the values do.

use crate::error::Result;
use crate::value::Value;

/// The key of a row within its table: the order-preserving encoding of its primary key, or of a hidden row number.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RowKey(pub bytes::Bytes);

/// A range of keys of one relation, by bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyRange {
    /// The lower bound.
    pub start: std::ops::Bound<bytes::Bytes>,
    /// The upper bound.
    pub end: std::ops::Bound<bytes::Bytes>,
}

impl KeyRange {
    /// All keys.
    pub const ALL: Self = Self { start: std::ops::Bound::Unbounded, end: std::ops::Bound::Unbounded };

    /// All keys that start with the bytes.
    pub fn prefix(_prefix: &[u8]) -> Self {
        todo!("storage")
    }
}

/// Appends the encoding of one value. NULL sorts last. Values of one column must be of one type; `varchar` is encoded as
/// `text`, and the encoding of a tuple is the concatenation of its parts.
pub fn encode_value(_value: &Value, _out: &mut Vec<u8>) -> Result<()> {
    todo!("storage")
}

/// The encoding of a tuple.
pub fn encode_tuple<'a>(_values: impl IntoIterator<Item = &'a Value>) -> Result<bytes::Bytes> {
    todo!("storage")
}
