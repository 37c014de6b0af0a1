//! Keys: encodings of values whose bytes sort as the values do.
//!
//! A tag byte by type, then the value; no encoding is a prefix of another, so a tuple is the concatenation of its parts
//! and the end of each part can be found again ([`skip_values`]).
//!
//! | value | bytes behind the tag |
//! |---|---|
//! | bool | 0 or 1 |
//! | integers of all widths, oids, date, timestamptz | eight bytes, big endian, sign bit flipped |
//! | float8 | eight bytes; sign bit flipped, all bits if negative; one NaN, above infinity; -0 is 0 |
//! | numeric | class (1 negative, 2 zero, 3 positive, 4 NaN); exponent, four bytes; pairs of digits, each + 1; 0 at the end. A negative one has the bytes behind the class inverted |
//! | text, char(n) without blanks, bytea, json | the bytes with 00 as 00 FF; 00 00 at the end |
//! | float4 | as float8 |
//! | time, timestamp | as integers |
//! | timetz | the moment at Greenwich and the zone, as integers |
//! | interval | its span, sixteen bytes |
//! | enum | its order, as float8 |
//! | array, row | (01, element) each; 00 at the end; of an array the dimensions behind it, as integers behind their number |
//! | uuid | sixteen bytes |
//! | jsonb | kind, then the same encodings; arrays and objects start with their length |
//! | NULL | nothing: the tag is the largest |

use std::ops::Bound;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value as Node;

use crate::catalog::TableDef;
use crate::codec::Reader;
use crate::error::{Error, Result};
use crate::value::compare::{time_tz_order, type_rank, without_blanks};
use crate::value::{DataType, Numeric, Value, json, numeric};

const NEGATIVE: u8 = 1;
const ZERO: u8 = 2;
const POSITIVE: u8 = 3;
const NAN: u8 = 4;
const SIGN_BIT: u64 = 1 << 63;
/// A NULL that sorts before all values, and one that sorts behind them; no value has either as its tag, inverted or not.
const NULL_FIRST: u8 = 0;
const NULL_LAST: u8 = 0xff;

/// How deeply arrays and rows may be nested in one another.
const MAX_NESTING: usize = 32;

/// The key of a row within its table: the order-preserving encoding of its primary key, or of a hidden row number.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RowKey(pub Bytes);

impl RowKey {
    /// The key of a row by the values of its primary key, in key order.
    pub fn of_values<'a>(values: impl IntoIterator<Item = &'a Value>) -> Result<Self> {
        encode_tuple(values).map(Self)
    }

    /// The key of a row of a table that has a primary key.
    pub fn of_row(table: &TableDef, row: &[Value]) -> Result<Self> {
        Self::of_values(table.primary_key.iter().map(|&slot| row.get(slot).unwrap_or(&Value::Null)))
    }
}

/// Which way the values of an index sort.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct KeyOrder {
    /// DESC
    pub descending: bool,
    /// NULLS FIRST
    pub nulls_first: bool,
}

impl KeyOrder {
    /// Ascending, NULLs last.
    pub const ASCENDING: Self = Self { descending: false, nulls_first: false };
}

/// A range of keys of one relation, by bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyRange {
    /// The lower bound.
    pub start: Bound<Bytes>,
    /// The upper bound.
    pub end: Bound<Bytes>,
}

impl KeyRange {
    /// All keys.
    pub const ALL: Self = Self { start: Bound::Unbounded, end: Bound::Unbounded };

    /// All keys that start with the bytes.
    pub fn prefix(prefix: &[u8]) -> Self {
        let mut end = prefix.to_vec();
        // The smallest bytes above all that start with the prefix; none if it is all FF.
        while let Some(last) = end.pop() {
            if let Some(above) = last.checked_add(1) {
                end.push(above);
                break;
            }
        }
        let end = if end.is_empty() { Bound::Unbounded } else { Bound::Excluded(Bytes::from(end)) };
        Self { start: Bound::Included(Bytes::copy_from_slice(prefix)), end }
    }
}

/// Appends the encoding of one value. NULL sorts last. Values of one column must be of one type; integers of all widths
/// are encoded alike, `varchar` as `text`; the encoding of a tuple is the concatenation of its parts.
pub fn encode_value(value: &Value, out: &mut Vec<u8>) -> Result<()> {
    out.push(type_rank(value));
    match value {
        Value::Null => {}
        Value::Bool(b) => out.push(u8::from(*b)),
        Value::Int2(n) => put_integer(i64::from(*n), out),
        Value::Int4(n) => put_integer(i64::from(*n), out),
        Value::Int8(n) => put_integer(*n, out),
        Value::Float8(x) => put_float(*x, out),
        Value::Numeric(n) => put_numeric(n, out)?,
        Value::Text(text) => put_text(text.as_bytes(), out),
        Value::Uuid(uuid) => out.extend_from_slice(uuid.as_bytes()),
        Value::Date(days) => put_integer(i64::from(*days), out),
        Value::TimestampTz(micros) => put_integer(*micros, out),
        Value::Jsonb(document) => {
            document.check_depth().map_err(Error::LimitExceeded)?;
            put_json(&document.0, out)?;
        }
        Value::Oid(oid) => put_integer(i64::from(*oid), out),
        Value::Reg(object) => put_integer(i64::from(object.oid), out),
        Value::Float4(x) => put_float(f64::from(*x), out),
        Value::Bpchar(text) => put_text(without_blanks(text), out),
        Value::Bytea(bytes) => put_text(bytes, out),
        Value::Json(text) => put_text(text.as_bytes(), out),
        Value::Time(micros) | Value::Timestamp(micros) => put_integer(*micros, out),
        Value::TimeTz(micros, zone) => {
            let (micros, zone) = time_tz_order(*micros, *zone);
            put_integer(micros, out);
            put_integer(i64::from(zone), out);
        }
        Value::Interval(interval) => {
            out.extend_from_slice(&(interval.span().cast_unsigned() ^ (1 << 127)).to_be_bytes());
        }
        Value::Enum(label) => put_float(f64::from(label.order), out),
        Value::Record(record) => put_all(&record.values, out)?,
        Value::Array(array) => {
            put_all(array.values(), out)?;
            let dimensions = array.dimensions();
            out.push(u8::try_from(dimensions.len()).unwrap_or(u8::MAX));
            dimensions.iter().try_for_each(|dimension| put_count(dimension.length, out))?;
            dimensions.iter().for_each(|dimension| put_integer(i64::from(dimension.lower), out));
        }
    }
    Ok(())
}

/// As [`encode_value`], so that the bytes sort in the order given: descending values have all bytes inverted, and a NULL is
/// one byte, below or above all others.
pub fn encode_ordered(value: &Value, order: KeyOrder, out: &mut Vec<u8>) -> Result<()> {
    if value.is_null() {
        out.push(if order.nulls_first { NULL_FIRST } else { NULL_LAST });
        return Ok(());
    }
    let start = out.len();
    encode_value(value, out)?;
    if order.descending {
        for byte in out.iter_mut().skip(start) {
            *byte = !*byte;
        }
    }
    Ok(())
}

/// How many bytes the first encoded values take at the start of a key, whose orders are given.
pub fn skip_ordered(key: &[u8], orders: impl IntoIterator<Item = KeyOrder>) -> Result<usize> {
    let mut at = 0;
    for order in orders {
        let rest = key.get(at..).unwrap_or_default();
        at += match rest.first() {
            Some(&(NULL_FIRST | NULL_LAST)) => 1,
            _ if order.descending => {
                let inverted: Vec<u8> = rest.iter().map(|byte| !byte).collect();
                skip_values(&inverted, 1)?
            }
            _ => skip_values(rest, 1)?,
        };
    }
    Ok(at)
}

fn put_all(values: &[Value], out: &mut Vec<u8>) -> Result<()> {
    for value in values {
        out.push(1);
        encode_value(value, out)?;
    }
    out.push(0);
    Ok(())
}

/// Reads an encoded value of a type whose encoding says all (see [`is_exact`]), in an order; returns how many bytes it takes.
pub fn decode_ordered(key: &[u8], order: KeyOrder, data_type: DataType) -> Result<(Value, usize)> {
    match key.first() {
        Some(&(NULL_FIRST | NULL_LAST)) => Ok((Value::Null, 1)),
        _ if order.descending => {
            let inverted: Vec<u8> = key.iter().map(|byte| !byte).collect();
            decode_value(&inverted, data_type)
        }
        _ => decode_value(key, data_type),
    }
}

/// Whether the encoding of a type's values tells each from all others: `1.0` and `1.00` have one encoding, as have the two
/// zeros of `float8`.
pub const fn is_exact(data_type: DataType) -> bool {
    matches!(
        data_type,
        DataType::Bool
            | DataType::Int2
            | DataType::Int4
            | DataType::Int8
            | DataType::Text
            | DataType::Varchar
            | DataType::Uuid
            | DataType::Date
            | DataType::Time
            | DataType::Timestamp
            | DataType::TimestampTz
    )
}

fn decode_value(key: &[u8], data_type: DataType) -> Result<(Value, usize)> {
    let mut reader = Reader::new(key, "key");
    let damaged = |reader: &Reader<'_>| reader.damaged(format!("a key has no value of type {data_type:?}"));
    let value = match (reader.u8()?, data_type) {
        (1, DataType::Bool) => Value::Bool(reader.u8()? != 0),
        (2, DataType::Int2) => Value::Int2(narrow(&mut reader)?),
        (2, DataType::Int4) => Value::Int4(narrow(&mut reader)?),
        (2, DataType::Int8) => Value::Int8(integer(&mut reader)?),
        (7, DataType::Date) => Value::Date(narrow(&mut reader)?),
        (8, DataType::TimestampTz) => Value::TimestampTz(integer(&mut reader)?),
        (11, DataType::Time) => Value::Time(integer(&mut reader)?),
        (13, DataType::Timestamp) => Value::Timestamp(integer(&mut reader)?),
        (5, DataType::Text | DataType::Varchar) => Value::text(text(&mut reader)?),
        (6, DataType::Uuid) => Value::Uuid(uuid::Uuid::from_bytes(reader.array()?)),
        _ => return Err(damaged(&reader)),
    };
    Ok((value, key.len() - reader.remaining()))
}

fn integer(reader: &mut Reader<'_>) -> Result<i64> {
    Ok((u64::from_be_bytes(reader.array()?) ^ SIGN_BIT).cast_signed())
}

fn narrow<T: TryFrom<i64>>(reader: &mut Reader<'_>) -> Result<T> {
    let n = integer(reader)?;
    T::try_from(n).map_err(|_| reader.damaged(format!("integer {n} is out of range")))
}

fn text(reader: &mut Reader<'_>) -> Result<String> {
    let mut bytes = Vec::new();
    loop {
        match reader.u8()? {
            0 => match reader.u8()? {
                0 => break,
                0xff => bytes.push(0),
                byte => return Err(reader.damaged(format!("unknown escape {byte}"))),
            },
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).map_err(|_| reader.damaged("text is not UTF-8"))
}

/// The encoding of a tuple.
pub fn encode_tuple<'a>(values: impl IntoIterator<Item = &'a Value>) -> Result<Bytes> {
    let mut out = Vec::with_capacity(16);
    for value in values {
        encode_value(value, &mut out)?;
    }
    Ok(Bytes::from(out))
}

/// How many bytes the first `count` encoded values take at the start of a key.
pub fn skip_values(key: &[u8], count: usize) -> Result<usize> {
    let mut reader = Reader::new(key, "key");
    for _ in 0..count {
        skip_value(&mut reader)?;
    }
    Ok(key.len() - reader.remaining())
}

fn put_integer(n: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(&(n.cast_unsigned() ^ SIGN_BIT).to_be_bytes());
}

fn put_float(x: f64, out: &mut Vec<u8>) {
    let bits = if x.is_nan() {
        f64::NAN.to_bits() & !SIGN_BIT
    } else if x == 0.0 {
        0
    } else {
        x.to_bits()
    };
    let ordered = if bits & SIGN_BIT == 0 { bits ^ SIGN_BIT } else { !bits };
    out.extend_from_slice(&ordered.to_be_bytes());
}

fn put_numeric(n: &Numeric, out: &mut Vec<u8>) -> Result<()> {
    let Numeric::Finite(decimal) = n else {
        out.push(NAN);
        return Ok(());
    };
    let Some(form) = numeric::scientific_form(decimal) else {
        out.push(ZERO);
        return Ok(());
    };
    let exponent = i32::try_from(form.exponent)
        .map_err(|_| Error::LimitExceeded("a numeric is out of the range of an index".to_owned()))?;
    out.push(if form.is_negative { NEGATIVE } else { POSITIVE });
    let start = out.len();
    out.extend_from_slice(&(exponent.cast_unsigned() ^ (1 << 31)).to_be_bytes());
    for pair in form.digits.chunks(2) {
        let tens = pair.first().copied().unwrap_or(0);
        let ones = pair.get(1).copied().unwrap_or(0);
        out.push(tens * 10 + ones + 1);
    }
    out.push(0);
    if form.is_negative {
        for byte in out.iter_mut().skip(start) {
            *byte = !*byte;
        }
    }
    Ok(())
}

fn put_text(text: &[u8], out: &mut Vec<u8>) {
    let mut parts = text.split(|&b| b == 0);
    out.extend_from_slice(parts.next().unwrap_or_default());
    for part in parts {
        out.extend_from_slice(&[0, 0xff]);
        out.extend_from_slice(part);
    }
    out.extend_from_slice(&[0, 0]);
}

fn put_json(node: &Node, out: &mut Vec<u8>) -> Result<()> {
    out.push(json::kind_rank(node));
    match node {
        Node::Null => {}
        Node::Bool(b) => out.push(u8::from(*b)),
        Node::String(s) => put_text(s.as_bytes(), out),
        Node::Number(n) => put_numeric(&json::number(n), out)?,
        Node::Array(items) => {
            put_count(items.len(), out)?;
            items.iter().try_for_each(|item| put_json(item, out))?;
        }
        Node::Object(object) => {
            put_count(object.len(), out)?;
            for (key, value) in json::sorted_pairs(object) {
                put_text(key.as_bytes(), out);
                put_json(value, out)?;
            }
        }
    }
    Ok(())
}

fn put_count(count: usize, out: &mut Vec<u8>) -> Result<()> {
    let count = u32::try_from(count).map_err(|_| Error::LimitExceeded("a JSON document is too long".to_owned()))?;
    out.extend_from_slice(&count.to_be_bytes());
    Ok(())
}

fn skip_value(reader: &mut Reader<'_>) -> Result<()> {
    skip_nested(reader, MAX_NESTING)
}

fn skip_nested(reader: &mut Reader<'_>, depth: usize) -> Result<()> {
    match reader.u8()? {
        0xff => {}
        1 => skip(reader, 1)?,
        2 | 3 | 7 | 8 | 11 | 13 | 17 => skip(reader, 8)?,
        4 => skip_numeric(reader)?,
        5 | 10 | 18 | 19 => skip_text(reader)?,
        6 | 12 | 14 => skip(reader, 16)?,
        tag @ (15 | 16) => {
            let below = depth.checked_sub(1).ok_or_else(|| reader.damaged("arrays and rows are nested too deeply"))?;
            while reader.u8()? == 1 {
                skip_nested(reader, below)?;
            }
            if tag == 15 {
                let dimensions = usize::from(reader.u8()?);
                skip(reader, dimensions * 12)?;
            }
        }
        9 => skip_json(reader, json::MAX_DEPTH)?,
        tag => return Err(reader.damaged(format!("unknown tag {tag}"))),
    }
    Ok(())
}

fn skip(reader: &mut Reader<'_>, len: usize) -> Result<()> {
    reader.take(len).map(|_| ())
}

fn skip_numeric(reader: &mut Reader<'_>) -> Result<()> {
    let end = match reader.u8()? {
        ZERO | NAN => return Ok(()),
        NEGATIVE => 0xff,
        POSITIVE => 0,
        class => return Err(reader.damaged(format!("unknown class {class} of a numeric"))),
    };
    skip(reader, 4)?;
    while reader.u8()? != end {}
    Ok(())
}

fn skip_text(reader: &mut Reader<'_>) -> Result<()> {
    loop {
        if reader.u8()? == 0 {
            match reader.u8()? {
                0 => return Ok(()),
                0xff => {}
                byte => return Err(reader.damaged(format!("unknown escape {byte}"))),
            }
        }
    }
}

fn skip_json(reader: &mut Reader<'_>, depth: usize) -> Result<()> {
    match reader.u8()? {
        1 => Ok(()),
        2 => skip_text(reader),
        3 => skip_numeric(reader),
        4 => skip(reader, 1),
        kind @ (5 | 6) => {
            let below = depth.checked_sub(1).ok_or_else(|| reader.damaged("JSON is nested too deeply"))?;
            for _ in 0..u32::from_be_bytes(reader.array()?) {
                if kind == 6 {
                    skip_text(reader)?;
                }
                skip_json(reader, below)?;
            }
            Ok(())
        }
        kind => Err(reader.damaged(format!("unknown kind {kind} of JSON"))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value::strategies::{TYPES, damage, damages, values, values_of};

    fn encoded(value: &Value) -> Vec<u8> {
        let mut out = Vec::new();
        encode_value(value, &mut out).unwrap();
        out
    }

    fn pairs() -> impl Strategy<Value = (Value, Value)> {
        proptest::sample::select(&TYPES[..]).prop_flat_map(|t| (values_of(t), values_of(t)))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn bytes_sort_as_values_do((a, b) in pairs()) {
            prop_assert_eq!(encoded(&a).cmp(&encoded(&b)), a.compare(&b), "{:?} {:?}", a, b);
        }

        #[test]
        fn ordered_bytes_sort_as_asked(
            (a, b) in pairs(), descending: bool, nulls_first: bool, behind in any::<[u8; 3]>(),
        ) {
            let order = KeyOrder { descending, nulls_first };
            let key = |value: &Value| {
                let mut out = Vec::new();
                encode_ordered(value, order, &mut out).unwrap();
                out
            };
            let expected = match (a.is_null(), b.is_null()) {
                (true, true) => std::cmp::Ordering::Equal,
                (true, false) => if nulls_first { std::cmp::Ordering::Less } else { std::cmp::Ordering::Greater },
                (false, true) => if nulls_first { std::cmp::Ordering::Greater } else { std::cmp::Ordering::Less },
                (false, false) if descending => b.compare(&a),
                (false, false) => a.compare(&b),
            };
            prop_assert_eq!(key(&a).cmp(&key(&b)), expected);
            let whole = [key(&a), key(&b), behind.to_vec()].concat();
            prop_assert_eq!(skip_ordered(&whole, [order, order]).unwrap(), whole.len() - behind.len());
        }

        #[test]
        fn no_encoding_is_a_prefix_of_another((a, b) in pairs()) {
            let (ea, eb) = (encoded(&a), encoded(&b));
            prop_assert!(ea == eb || !ea.starts_with(&eb), "{:?} {:?}", a, b);
        }

        #[test]
        fn tuples_sort_part_by_part((a, b) in pairs(), (c, d) in pairs()) {
            let order = a.compare(&b).then_with(|| c.compare(&d));
            prop_assert_eq!(encode_tuple([&a, &c]).unwrap().cmp(&encode_tuple([&b, &d]).unwrap()), order);
        }

        #[test]
        fn the_end_of_each_part_is_found(values in proptest::collection::vec(values(), 0..5), rest in any::<[u8; 3]>()) {
            let mut key = encode_tuple(&values).unwrap().to_vec();
            let len = key.len();
            key.extend(rest);
            prop_assert_eq!(skip_values(&key, values.len()).unwrap(), len);
        }

        #[test]
        fn what_an_exact_key_says_is_the_value((value, _) in pairs(), descending: bool, nulls_first: bool) {
            let data_type = match &value {
                Value::Bool(_) => DataType::Bool,
                Value::Int2(_) => DataType::Int2,
                Value::Int4(_) => DataType::Int4,
                Value::Int8(_) => DataType::Int8,
                Value::Text(_) | Value::Null => DataType::Text,
                Value::Uuid(_) => DataType::Uuid,
                Value::Date(_) => DataType::Date,
                Value::TimestampTz(_) => DataType::TimestampTz,
                Value::Time(_) => DataType::Time,
                Value::Timestamp(_) => DataType::Timestamp,
                _ => return Ok(()),
            };
            prop_assert!(is_exact(data_type));
            let order = KeyOrder { descending, nulls_first };
            let mut key = Vec::new();
            encode_ordered(&value, order, &mut key).unwrap();
            let len = key.len();
            key.extend([1, 2, 3]);
            let (again, taken) = decode_ordered(&key, order, data_type).unwrap();
            prop_assert_eq!(taken, len);
            prop_assert!(again.is_identical(&value));
        }

        #[test]
        fn damaged_keys_are_skipped_or_refused(value in values(), damages in damages()) {
            let _ = skip_values(&damage(encoded(&value), &damages), 2);
        }

        #[test]
        fn a_prefix_range_holds_what_starts_with_it(
            prefix in proptest::collection::vec(prop_oneof![Just(0xff_u8), any::<u8>()], 0..4),
            key in proptest::collection::vec(prop_oneof![Just(0xff_u8), any::<u8>()], 0..6),
        ) {
            let range = KeyRange::prefix(&prefix);
            let is_inside = std::ops::RangeBounds::contains(&(range.start, range.end), &Bytes::from(key.clone()));
            prop_assert_eq!(is_inside, key.starts_with(&prefix));
        }
    }

    #[test]
    fn numerics_in_order() {
        let sorted =
            ["-1e20", "-100", "-99.5", "-1", "-0.5", "-0.05", "0", "0.05", "0.5", "1", "1.01", "1.1", "9", "10", "NaN"];
        let keys: Vec<_> =
            sorted.iter().map(|s| encoded(&Value::Numeric(Box::new(Numeric::parse(s).unwrap())))).collect();
        assert!(keys.windows(2).all(|w| w[0] < w[1]));
        let equal = ["1.5", "1.50", "15e-1"].map(|s| encoded(&Value::Numeric(Box::new(Numeric::parse(s).unwrap()))));
        assert!(equal.windows(2).all(|w| w[0] == w[1]));
    }

    #[test]
    fn integers_of_all_widths_are_encoded_alike() {
        assert_eq!(encoded(&Value::Int2(-7)), encoded(&Value::Int8(-7)));
        assert_eq!(encoded(&Value::Int4(7)), encoded(&Value::Int8(7)));
    }
}
