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

use std::sync::Arc;

use bigdecimal::BigDecimal;
use num_bigint::{BigInt, BigUint, Sign};

use super::{Json, Numeric, Value, numeric};
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
    }
    Ok(())
}

/// Reads a value.
pub fn read_value(reader: &mut Reader<'_>) -> Result<Value> {
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
        tag => return Err(reader.damaged(format!("unknown value tag {tag}"))),
    })
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
