//! How one value is stored and sent: a tag byte, then the value, so that values need no schema to be read.
//!
//! | tag | value | bytes behind it |
//! |---|---|---|
//! | 0 | NULL | |
//! | 1, 2 | false, true | |
//! | 3, 4, 5 | int2, int4, int8 | zigzag varint |
//! | 6 | float8 | eight bytes |
//! | 7 | numeric | scale (zigzag), sign (0 or 1 for negative), length, magnitude (little endian, no zero byte at its end) |
//! | 8 | numeric NaN | |
//! | 9 | text | length, UTF-8 |
//! | 10 | uuid | sixteen bytes |
//! | 11 | date | zigzag varint |
//! | 12 | timestamptz | zigzag varint |
//! | 13 | jsonb | length, canonical text |
//! | 14 | float4 | four bytes |
//! | 15 | bytea | length, bytes |
//! | 16, 18 | time, timestamp | zigzag varint |
//! | 17 | timetz | zigzag varint, zone (zigzag) |
//! | 19 | interval | months, days, microseconds (zigzag each) |
//! | 20 | json | length, text |
//! | 21 | oid | varint |
//! | 22 | regclass and its kin | oid, name |
//! | 23 | enum | oid of the enum, order (four bytes), label |
//! | 24 | array | oid of the element type, number of dimensions, (length, lower bound) each, the elements |
//! | 26 | char(n) | length, UTF-8 |
//! | 25 | row | number of fields, (name, oid of the type, value) each |

use std::sync::Arc;

use bigdecimal::BigDecimal;
use num_bigint::{BigInt, BigUint, Sign};

use super::{
    Array, DataType, Dimension, EnumLabel, Interval, Json, Numeric, Record, RecordShape, RegObject, Value, numeric,
};
use crate::codec::{Reader, put_bytes, put_len, put_zigzag};
use crate::error::{Error, Result};

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INT2: u8 = 3;
const INT4: u8 = 4;
const INT8: u8 = 5;
const FLOAT8: u8 = 6;
const NUMERIC: u8 = 7;
const NUMERIC_NAN: u8 = 8;
const TEXT: u8 = 9;
const UUID: u8 = 10;
const DATE: u8 = 11;
const TIMESTAMPTZ: u8 = 12;
const JSONB: u8 = 13;
const FLOAT4: u8 = 14;
const BYTEA: u8 = 15;
const TIME: u8 = 16;
const TIMETZ: u8 = 17;
const TIMESTAMP: u8 = 18;
const INTERVAL: u8 = 19;
const JSON: u8 = 20;
const OID: u8 = 21;
const REG: u8 = 22;
const ENUM: u8 = 23;
const ARRAY: u8 = 24;
const RECORD: u8 = 25;
const BPCHAR: u8 = 26;

/// How deeply arrays and rows may be nested in one another.
const MAX_DEPTH: usize = 32;

/// Appends a value. Fails only for values beyond the limits of `numeric` and `jsonb`.
pub fn put_value(out: &mut Vec<u8>, value: &Value) -> Result<()> {
    match value {
        Value::Null => out.push(NULL),
        Value::Bool(b) => out.push(if *b { TRUE } else { FALSE }),
        Value::Int2(n) => put_integer(out, INT2, i64::from(*n)),
        Value::Int4(n) => put_integer(out, INT4, i64::from(*n)),
        Value::Int8(n) => put_integer(out, INT8, *n),
        Value::Float8(x) => {
            out.push(FLOAT8);
            out.extend_from_slice(&x.to_bits().to_le_bytes());
        }
        Value::Numeric(n) => match n.as_ref() {
            Numeric::Finite(decimal) => put_decimal(out, decimal)?,
            Numeric::NaN => out.push(NUMERIC_NAN),
        },
        Value::Text(text) => {
            out.push(TEXT);
            put_bytes(out, text.as_bytes());
        }
        Value::Uuid(uuid) => {
            out.push(UUID);
            out.extend_from_slice(uuid.as_bytes());
        }
        Value::Date(days) => put_integer(out, DATE, i64::from(*days)),
        Value::TimestampTz(micros) => put_integer(out, TIMESTAMPTZ, *micros),
        Value::Jsonb(json) => {
            json.check_depth().map_err(Error::LimitExceeded)?;
            out.push(JSONB);
            put_bytes(out, json.to_string().as_bytes());
        }
        Value::Float4(x) => {
            out.push(FLOAT4);
            out.extend_from_slice(&x.to_bits().to_le_bytes());
        }
        Value::Bpchar(text) => {
            out.push(BPCHAR);
            put_bytes(out, text.as_bytes());
        }
        Value::Bytea(bytes) => {
            out.push(BYTEA);
            put_bytes(out, bytes);
        }
        Value::Time(micros) => put_integer(out, TIME, *micros),
        Value::TimeTz(micros, zone) => {
            put_integer(out, TIMETZ, *micros);
            put_zigzag(out, i64::from(*zone));
        }
        Value::Timestamp(micros) => put_integer(out, TIMESTAMP, *micros),
        Value::Interval(interval) => {
            put_integer(out, INTERVAL, i64::from(interval.months));
            put_zigzag(out, i64::from(interval.days));
            put_zigzag(out, interval.micros);
        }
        Value::Json(text) => {
            out.push(JSON);
            put_bytes(out, text.as_bytes());
        }
        Value::Oid(oid) => put_integer(out, OID, i64::from(*oid)),
        Value::Reg(object) => {
            put_integer(out, REG, i64::from(object.oid));
            put_bytes(out, object.name.as_bytes());
        }
        Value::Enum(label) => {
            put_integer(out, ENUM, i64::from(label.enum_type));
            out.extend_from_slice(&label.order.to_bits().to_le_bytes());
            put_bytes(out, label.label.as_bytes());
        }
        Value::Array(array) => put_array(out, array)?,
        Value::Record(record) => {
            out.push(RECORD);
            put_len(out, record.values.len());
            for ((name, data_type), value) in record.shape.fields.iter().zip(&record.values) {
                put_bytes(out, name.as_bytes());
                put_zigzag(out, i64::from(data_type.oid()));
                put_value(out, value)?;
            }
        }
    }
    Ok(())
}

fn put_array(out: &mut Vec<u8>, array: &Array) -> Result<()> {
    put_integer(out, ARRAY, i64::from(array.element().oid()));
    put_len(out, array.dimensions().len());
    for dimension in array.dimensions() {
        put_len(out, dimension.length);
        put_zigzag(out, i64::from(dimension.lower));
    }
    put_values(out, array.values())
}

/// Reads a value.
pub fn read_value(reader: &mut Reader<'_>) -> Result<Value> {
    read_nested(reader, MAX_DEPTH)
}

fn read_nested(reader: &mut Reader<'_>, depth: usize) -> Result<Value> {
    Ok(match reader.u8()? {
        NULL => Value::Null,
        FALSE => Value::Bool(false),
        TRUE => Value::Bool(true),
        INT2 => Value::Int2(read_integer(reader)?),
        INT4 => Value::Int4(read_integer(reader)?),
        INT8 => Value::Int8(reader.zigzag()?),
        FLOAT8 => Value::Float8(f64::from_bits(reader.u64()?)),
        NUMERIC => Value::Numeric(Box::new(Numeric::Finite(read_decimal(reader)?))),
        NUMERIC_NAN => Value::Numeric(Box::new(Numeric::NaN)),
        TEXT => Value::Text(Arc::from(reader.str()?)),
        UUID => Value::Uuid(uuid::Uuid::from_bytes(reader.array()?)),
        DATE => Value::Date(read_integer(reader)?),
        TIMESTAMPTZ => Value::TimestampTz(reader.zigzag()?),
        JSONB => {
            let text = reader.str()?;
            Value::Jsonb(Arc::new(Json::parse(text).map_err(|why| reader.damaged(why))?))
        }
        FLOAT4 => Value::Float4(f32::from_bits(u32::from_le_bytes(reader.array()?))),
        BPCHAR => Value::Bpchar(Arc::from(reader.str()?)),
        BYTEA => Value::Bytea(Arc::from(reader.bytes()?)),
        TIME => Value::Time(reader.zigzag()?),
        TIMETZ => Value::TimeTz(reader.zigzag()?, read_integer(reader)?),
        TIMESTAMP => Value::Timestamp(reader.zigzag()?),
        INTERVAL => Value::Interval(Interval {
            months: read_integer(reader)?,
            days: read_integer(reader)?,
            micros: reader.zigzag()?,
        }),
        JSON => Value::Json(Arc::from(reader.str()?)),
        OID => Value::Oid(read_integer(reader)?),
        REG => {
            let oid = read_integer(reader)?;
            Value::Reg(Arc::new(RegObject { oid, name: Arc::from(reader.str()?) }))
        }
        ENUM => {
            let enum_type = read_integer(reader)?;
            let order = f32::from_bits(u32::from_le_bytes(reader.array()?));
            Value::Enum(Arc::new(EnumLabel { enum_type, order, label: Arc::from(reader.str()?) }))
        }
        ARRAY => read_array(reader, depth)?,
        RECORD => read_record(reader, depth)?,
        tag => return Err(reader.damaged(format!("unknown value tag {tag}"))),
    })
}

fn read_array(reader: &mut Reader<'_>, depth: usize) -> Result<Value> {
    let element = read_type(reader)?;
    if element.array().is_none() {
        return Err(reader.damaged("an array of a type that has none"));
    }
    let count = reader.count(2)?;
    let dimensions = (0..count)
        .map(|_| Ok(Dimension { length: reader.count(0)?, lower: read_integer(reader)? }))
        .collect::<Result<Vec<_>>>()?;
    let below = one_deeper(reader, depth)?;
    let count = reader.count(1)?;
    let values = (0..count).map(|_| read_nested(reader, below)).collect::<Result<Vec<_>>>()?;
    match Array::with_dimensions(element, dimensions, values) {
        Some(array) => Ok(Value::Array(Arc::new(array))),
        None => Err(reader.damaged("the dimensions of an array do not fit its elements")),
    }
}

fn read_record(reader: &mut Reader<'_>, depth: usize) -> Result<Value> {
    let below = one_deeper(reader, depth)?;
    let count = reader.count(3)?;
    let mut fields = Vec::with_capacity(count);
    let mut values = Vec::with_capacity(count);
    for _ in 0..count {
        let name = Arc::from(reader.str()?);
        fields.push((name, read_type(reader)?));
        values.push(read_nested(reader, below)?);
    }
    Ok(Value::Record(Arc::new(Record { shape: Arc::new(RecordShape { fields }), values })))
}

fn one_deeper(reader: &Reader<'_>, depth: usize) -> Result<usize> {
    depth.checked_sub(1).ok_or_else(|| reader.damaged("arrays and rows are nested too deeply"))
}

fn read_type(reader: &mut Reader<'_>) -> Result<DataType> {
    let oid = read_integer(reader)?;
    DataType::from_oid(oid).ok_or_else(|| reader.damaged(format!("unknown type {oid}")))
}

/// Steps over a value.
pub(crate) fn skip_value(reader: &mut Reader<'_>) -> Result<()> {
    let mut ahead = reader.clone();
    match ahead.u8()? {
        NULL | FALSE | TRUE | NUMERIC_NAN => {}
        INT2 | INT4 | INT8 | DATE | TIMESTAMPTZ | TIME | TIMESTAMP => {
            ahead.varint()?;
        }
        FLOAT4 => {
            ahead.take(4)?;
        }
        FLOAT8 => {
            ahead.take(8)?;
        }
        TEXT | JSONB | JSON | BYTEA | BPCHAR => {
            ahead.bytes()?;
        }
        UUID => {
            ahead.take(16)?;
        }
        NUMERIC => {
            ahead.varint()?;
            ahead.u8()?;
            ahead.bytes()?;
        }
        _ => return read_value(reader).map(|_| ()),
    }
    *reader = ahead;
    Ok(())
}

/// Appends values behind their number.
pub fn put_values(out: &mut Vec<u8>, values: &[Value]) -> Result<()> {
    put_len(out, values.len());
    values.iter().try_for_each(|value| put_value(out, value))
}

/// Reads values behind their number.
pub fn read_values(reader: &mut Reader<'_>) -> Result<Vec<Value>> {
    let count = reader.count(1)?;
    (0..count).map(|_| read_value(reader)).collect()
}

fn put_integer(out: &mut Vec<u8>, tag: u8, n: i64) {
    out.push(tag);
    put_zigzag(out, n);
}

fn read_integer<T: TryFrom<i64>>(reader: &mut Reader<'_>) -> Result<T> {
    let n = reader.zigzag()?;
    T::try_from(n).map_err(|_| reader.damaged(format!("integer {n} is out of range")))
}

fn put_decimal(out: &mut Vec<u8>, decimal: &BigDecimal) -> Result<()> {
    let (digits, scale) = decimal.as_bigint_and_exponent();
    if !numeric::is_scale_allowed(scale) {
        return Err(Error::LimitExceeded(format!("a numeric with scale {scale} is out of range")));
    }
    out.push(NUMERIC);
    put_zigzag(out, scale);
    let (sign, mut magnitude) = digits.to_bytes_le();
    out.push(u8::from(sign == Sign::Minus));
    while magnitude.last() == Some(&0) {
        magnitude.pop();
    }
    put_bytes(out, &magnitude);
    Ok(())
}

fn read_decimal(reader: &mut Reader<'_>) -> Result<BigDecimal> {
    let scale = reader.zigzag()?;
    if !numeric::is_scale_allowed(scale) {
        return Err(reader.damaged(format!("a numeric with scale {scale} is out of range")));
    }
    let is_negative = match reader.u8()? {
        0 => false,
        1 => true,
        sign => return Err(reader.damaged(format!("unknown sign {sign}"))),
    };
    let magnitude = reader.bytes()?;
    if magnitude.last() == Some(&0) || (is_negative && magnitude.is_empty()) {
        return Err(reader.damaged("a numeric is not in its shortest form"));
    }
    if magnitude.len() > numeric::MAX_MAGNITUDE_BYTES {
        return Err(reader.damaged("a numeric has too many digits"));
    }
    let sign = if is_negative { Sign::Minus } else { Sign::Plus };
    Ok(BigDecimal::new(BigInt::from_biguint(sign, BigUint::from_bytes_le(magnitude)), scale))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value::strategies::{damage, damages, values};

    proptest! {
        #[test]
        fn round_trip(values in proptest::collection::vec(values(), 0..6)) {
            let mut bytes = Vec::new();
            put_values(&mut bytes, &values).unwrap();
            let mut reader = Reader::new(&bytes, "test");
            let again = read_values(&mut reader).unwrap();
            prop_assert!(reader.finish().is_ok());
            prop_assert_eq!(again.len(), values.len());
            for (a, b) in again.iter().zip(&values) {
                prop_assert!(a.is_identical(b), "{a:?} {b:?}");
            }
        }

        #[test]
        fn a_value_is_as_long_when_it_is_stepped_over(value in values()) {
            let mut bytes = Vec::new();
            put_value(&mut bytes, &value).unwrap();
            bytes.push(NULL);
            let mut reader = Reader::new(&bytes, "test");
            skip_value(&mut reader).unwrap();
            prop_assert_eq!(reader.remaining(), 1);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = read_values(&mut Reader::new(&bytes, "test"));
            let _ = read_value(&mut Reader::new(&bytes, "test"));
        }

        #[test]
        fn damaged_bytes_are_read_or_refused(
            values in proptest::collection::vec(values(), 1..6),
            damages in damages(),
        ) {
            let mut bytes = Vec::new();
            put_values(&mut bytes, &values).unwrap();
            if let Ok(values) = read_values(&mut Reader::new(&damage(bytes, &damages), "test")) {
                // Whatever was read can be written again.
                let mut again = Vec::new();
                prop_assert!(put_values(&mut again, &values).is_ok());
            }
        }
    }

    #[test]
    fn a_numeric_whose_scale_would_cost_memory_is_refused() {
        let mut bytes = vec![NUMERIC];
        put_zigzag(&mut bytes, i64::MIN);
        bytes.extend([0, 1, 1]);
        assert!(read_value(&mut Reader::new(&bytes, "test")).is_err());
    }
}
