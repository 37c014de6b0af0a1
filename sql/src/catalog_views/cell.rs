//! Values of catalog columns, by the type of the column.

use heliosdb_storage::value::{Array, DataType, Value};

/// `bool`
pub const fn boolean(b: bool) -> Value {
    Value::Bool(b)
}

/// `oid`
pub fn oid(n: i64) -> Value {
    Value::Oid(u32::try_from(n).unwrap_or(0))
}

/// `oid` of something with a number of 32 bits.
pub const fn oid32(n: u32) -> Value {
    Value::Oid(n)
}

/// `int2`
pub fn int2(n: usize) -> Value {
    Value::Int2(i16::try_from(n).unwrap_or(i16::MAX))
}

/// `int4`
pub const fn int4(n: i32) -> Value {
    Value::Int4(n)
}

/// `int4` of a count.
pub fn count(n: usize) -> Value {
    Value::Int4(i32::try_from(n).unwrap_or(i32::MAX))
}

/// `int8` of a count.
pub fn count8(n: u64) -> Value {
    Value::Int8(i64::try_from(n).unwrap_or(i64::MAX))
}

/// `text`, `name`, `varchar` or `"char"`
pub fn text(s: impl AsRef<str>) -> Value {
    Value::text(s.as_ref())
}

/// A text that may be missing.
pub fn text_or_null(s: Option<impl AsRef<str>>) -> Value {
    s.map_or(Value::Null, text)
}

/// `YES` or `NO`
pub fn yes_or_no(b: bool) -> Value {
    text(if b { "YES" } else { "NO" })
}

/// `1 2 3`: an int2vector.
pub fn vector(numbers: impl IntoIterator<Item = u32>) -> Value {
    let numbers = numbers.into_iter().map(|n| Value::Int2(i16::try_from(n).unwrap_or(i16::MAX))).collect();
    Value::Array(Array::from_lower(DataType::Int2, numbers, 0).into())
}

/// `{1,2,3}`: an array of int2.
pub fn int2_array(numbers: impl IntoIterator<Item = u32>) -> Value {
    let numbers = numbers.into_iter().map(|n| Value::Int2(i16::try_from(n).unwrap_or(i16::MAX))).collect();
    Value::Array(Array::new(DataType::Int2, numbers).into())
}

/// `{a,b}`: an array of text; NULL for none.
pub fn text_array(items: impl IntoIterator<Item = String>) -> Value {
    let items: Vec<Value> = items.into_iter().map(Value::text).collect();
    if items.is_empty() { Value::Null } else { Value::Array(Array::new(DataType::Text, items).into()) }
}

/// `{1,2,3}`: an array as text.
pub fn array(items: impl IntoIterator<Item = String>) -> Value {
    text(format!("{{{}}}", items.into_iter().collect::<Vec<_>>().join(",")))
}
