//! The wire's binary forms.

use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::{BigInt, BigUint, Sign};
use bytes::{BufMut, BytesMut};
use heliosdb_storage::value::{ColumnType, DataType, Interval, Numeric, Value};
use uuid::Uuid;

use super::{MAX_VALUE_BYTES, ValueContext, array, datetime, input, json, numeric, record, reg};
use crate::error::{Result, SqlError, SqlState};

/// A digit of the wire's numeric holds four decimal ones.
const DIGIT_BASE: u16 = 10_000;
const DECIMALS_PER_DIGIT: i64 = 4;
const SIGN_POSITIVE: u16 = 0x0000;
const SIGN_NEGATIVE: u16 = 0x4000;
const SIGN_NAN: u16 = 0xc000;
const SIGN_INFINITY: u16 = 0xd000;
const SIGN_MINUS_INFINITY: u16 = 0xf000;
/// The version of jsonb's binary form: text follows.
const JSONB_VERSION: u8 = 1;
/// Zones lie within 16 hours of Greenwich.
const MAX_ZONE_SECONDS: i32 = 16 * 3600;

/// Appends the binary form of a value; nothing for NULL.
pub fn encode_binary(value: &Value, data_type: DataType, ctx: &ValueContext, out: &mut BytesMut) {
    match value {
        Value::Null => {}
        Value::Bool(b) => out.put_u8(u8::from(*b)),
        Value::Int2(n) => out.put_i16(*n),
        Value::Int4(n) => out.put_i32(*n),
        Value::Int8(n) => out.put_i64(*n),
        Value::Oid(oid) => out.put_u32(*oid),
        Value::Reg(object) => out.put_u32(object.oid),
        Value::Float4(n) => out.put_f32(*n),
        Value::Float8(n) => out.put_f64(*n),
        Value::Numeric(n) => encode_numeric(n, out),
        Value::Text(text) if data_type == DataType::Char => out.put_u8(text.bytes().next().unwrap_or(0)),
        Value::Text(text) | Value::Bpchar(text) | Value::Json(text) => out.put_slice(text.as_bytes()),
        Value::Enum(label) => out.put_slice(label.label.as_bytes()),
        Value::Bytea(bytes) => out.put_slice(bytes),
        Value::Uuid(uuid) => out.put_slice(uuid.as_bytes()),
        Value::Date(days) => out.put_i32(*days),
        Value::Time(micros) | Value::Timestamp(micros) | Value::TimestampTz(micros) => out.put_i64(*micros),
        Value::TimeTz(micros, east) => {
            out.put_i64(*micros);
            // The wire counts to the west.
            out.put_i32(east.saturating_neg());
        }
        Value::Interval(interval) => {
            out.put_i64(interval.micros);
            out.put_i32(interval.days);
            out.put_i32(interval.months);
        }
        Value::Jsonb(document) => {
            out.put_u8(JSONB_VERSION);
            let mut text = String::new();
            json::format(document, &mut text);
            out.put_slice(text.as_bytes());
        }
        Value::Array(value) => array::encode(value, ctx, out),
        Value::Record(value) => record::encode(value, ctx, out),
    }
}

/// Appends a value behind its length; -1 stands for NULL.
pub fn put_sized(value: &Value, data_type: DataType, ctx: &ValueContext, out: &mut BytesMut) {
    if value.is_null() {
        return out.put_i32(-1);
    }
    let at = out.len();
    out.put_i32(0);
    encode_binary(value, data_type, ctx, out);
    let length = i32::try_from(out.len() - at - 4).unwrap_or(i32::MAX);
    if let Some(place) = out.get_mut(at..at + 4) {
        place.copy_from_slice(&length.to_be_bytes());
    }
}

/// Reads numbers and values of known lengths out of a binary form.
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Reads from the start.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or_else(malformed)?;
        self.rest = rest;
        Ok(*head)
    }

    /// Four bytes, signed.
    pub fn i32(&mut self) -> Result<i32> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    /// Four bytes, unsigned.
    pub fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    /// Eight bytes, signed.
    pub fn i64(&mut self) -> Result<i64> {
        Ok(i64::from_be_bytes(self.array()?))
    }

    /// A value behind its length.
    pub fn sized(&mut self, data_type: DataType, ctx: &ValueContext) -> Result<Value> {
        let length = self.i32()?;
        if length == -1 {
            return Ok(Value::Null);
        }
        let length = usize::try_from(length).map_err(|_| malformed())?;
        let (value, rest) = self.rest.split_at_checked(length).ok_or_else(malformed)?;
        self.rest = rest;
        decode_binary(value, data_type, ctx)
    }

    /// Fails unless everything has been read.
    pub fn finish(&self) -> Result<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(malformed()) }
    }
}

fn encode_numeric(n: &Numeric, out: &mut BytesMut) {
    let parts = match n {
        Numeric::NaN => None,
        Numeric::Finite(decimal) => numeric::parts(decimal).ok(),
    };
    let Some((integer, scale)) = parts else {
        out.put_i16(0);
        out.put_i16(0);
        out.put_u16(SIGN_NAN);
        out.put_i16(0);
        return;
    };
    let (digits, weight) = wire_digits(integer.magnitude(), scale);
    out.put_u16(u16::try_from(digits.len()).unwrap_or(u16::MAX));
    out.put_i16(i16::try_from(weight).unwrap_or(i16::MAX));
    out.put_u16(if integer.sign() == Sign::Minus { SIGN_NEGATIVE } else { SIGN_POSITIVE });
    out.put_i16(i16::try_from(scale).unwrap_or(i16::MAX));
    for digit in digits {
        out.put_u16(digit);
    }
}

/// The digits to the base 10,000, none of them zero at either end, and the place of the first one.
fn wire_digits(magnitude: &BigUint, scale: i64) -> (Vec<u16>, i64) {
    let decimal = magnitude.to_string();
    if decimal == "0" {
        return (Vec::new(), 0);
    }
    // Zeros at the end make the fraction a whole number of groups, those at the start the integer part.
    let behind = (DECIMALS_PER_DIGIT - scale % DECIMALS_PER_DIGIT) % DECIMALS_PER_DIGIT;
    let mut padded = decimal.into_bytes();
    padded.extend((0..behind).map(|_| b'0'));
    let head = padded.len() % 4;
    let groups_behind = (scale + behind) / DECIMALS_PER_DIGIT;
    let value = |group: &[u8]| group.iter().fold(0u16, |sum, b| sum * 10 + u16::from(b - b'0'));
    let (first, rest) = padded.split_at(head);
    let mut digits = Vec::with_capacity(padded.len() / 4 + 1);
    if !first.is_empty() {
        digits.push(value(first));
    }
    digits.extend(rest.chunks_exact(4).map(value));
    let mut weight = i64::try_from(digits.len()).unwrap_or(i64::MAX) - groups_behind - 1;
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    digits.drain(..zeros);
    weight -= i64::try_from(zeros).unwrap_or(0);
    while digits.last() == Some(&0) {
        digits.pop();
    }
    (digits, weight)
}

/// Reads the binary form of a value.
pub fn decode_binary(bytes: &[u8], data_type: DataType, ctx: &ValueContext) -> Result<Value> {
    if bytes.len() > MAX_VALUE_BYTES {
        return Err(input::too_long());
    }
    Ok(match data_type {
        DataType::Bool => Value::Bool(fixed::<1>(bytes)? != [0]),
        DataType::Int2 => Value::Int2(i16::from_be_bytes(fixed(bytes)?)),
        DataType::Int4 => Value::Int4(i32::from_be_bytes(fixed(bytes)?)),
        DataType::Int8 => Value::Int8(i64::from_be_bytes(fixed(bytes)?)),
        DataType::Oid | DataType::Xid => Value::Oid(u32::from_be_bytes(fixed(bytes)?)),
        DataType::Float4 => Value::Float4(f32::from_be_bytes(fixed(bytes)?)),
        DataType::Float8 => Value::Float8(f64::from_be_bytes(fixed(bytes)?)),
        DataType::Numeric => Value::Numeric(Box::new(decode_numeric(bytes)?)),
        DataType::Text | DataType::Varchar | DataType::Unknown => Value::text(utf8(bytes)?),
        DataType::Bpchar => Value::Bpchar(utf8(bytes)?.into()),
        DataType::Name => Value::text(input::cut_name(utf8(bytes)?)),
        DataType::Char => match fixed::<1>(bytes)? {
            [0] => Value::text(""),
            byte => Value::text(input::cut_char(utf8(&byte)?)?),
        },
        DataType::Bytea => Value::Bytea(bytes.into()),
        DataType::Uuid => Value::Uuid(Uuid::from_bytes(fixed(bytes)?)),
        DataType::Date => {
            let days = i32::from_be_bytes(fixed(bytes)?);
            if !datetime::is_infinite_date(days) && datetime::checked_days(i64::from(days)).is_none() {
                return Err(datetime::date_out_of_range());
            }
            Value::Date(days)
        }
        DataType::Time => Value::Time(time_of_day(i64::from_be_bytes(fixed(bytes)?))?),
        DataType::TimeTz => {
            let mut fields = Fields::new(bytes);
            let (micros, west) = (time_of_day(fields.i64()?)?, fields.i32()?);
            fields.finish()?;
            if west.saturating_abs() >= MAX_ZONE_SECONDS {
                let state = SqlState::INVALID_TIME_ZONE_DISPLACEMENT_VALUE;
                return Err(SqlError::new(state, "time zone displacement out of range"));
            }
            Value::TimeTz(micros, -west)
        }
        DataType::Timestamp => Value::Timestamp(moment(bytes)?),
        DataType::TimestampTz => Value::TimestampTz(moment(bytes)?),
        DataType::Interval => {
            let mut fields = Fields::new(bytes);
            let (micros, days, months) = (fields.i64()?, fields.i32()?, fields.i32()?);
            fields.finish()?;
            Value::Interval(Interval { months, days, micros })
        }
        DataType::Jsonb => match bytes.split_first() {
            Some((&JSONB_VERSION, text)) => Value::Jsonb(json::parse(utf8(text)?)?.into()),
            Some((version, _)) => {
                return Err(SqlError::new(
                    SqlState::INTERNAL_ERROR,
                    format!("unsupported jsonb version number {version}"),
                ));
            }
            None => return Err(malformed()),
        },
        DataType::Array(element) => Value::Array(array::decode(bytes, element.data_type(), ctx)?.into()),
        DataType::Int2Vector => Value::Array(array::decode(bytes, DataType::Int2, ctx)?.into()),
        DataType::OidVector => Value::Array(array::decode(bytes, DataType::Oid, ctx)?.into()),
        reg if reg.is_reg() => reg::value(u32::from_be_bytes(fixed(bytes)?), reg, ctx),
        // JSON and enums are sent as their text; of the rest there is no input.
        other => input::parse_text(utf8(bytes)?, ColumnType { data_type: other, typmod: -1 }, ctx)?,
    })
}

fn time_of_day(micros: i64) -> Result<i64> {
    if (0..=datetime::DAY).contains(&micros) {
        return Ok(micros);
    }
    Err(SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, "time out of range"))
}

fn moment(bytes: &[u8]) -> Result<i64> {
    let micros = i64::from_be_bytes(fixed(bytes)?);
    if !datetime::is_infinite_timestamp(micros) && datetime::checked_micros(micros).is_none() {
        return Err(datetime::timestamp_out_of_range());
    }
    Ok(micros)
}

/// The error for bytes that are no value of the type.
pub fn malformed() -> SqlError {
    SqlError::new(SqlState::INVALID_BINARY_REPRESENTATION, "incorrect binary data format")
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N]> {
    bytes.try_into().map_err(|_| malformed())
}

/// Text of the encoding, without NUL.
fn utf8(bytes: &[u8]) -> Result<&str> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let shown: Vec<String> = bytes
            .iter()
            .skip(error.valid_up_to())
            .take(error.error_len().unwrap_or(1))
            .map(|byte| format!("0x{byte:02x}"))
            .collect();
        SqlError::new(
            SqlState::CHARACTER_NOT_IN_REPERTOIRE,
            format!("invalid byte sequence for encoding \"UTF8\": {}", shown.join(" ")),
        )
    })?;
    input::without_nul(text)
}

fn decode_numeric(bytes: &[u8]) -> Result<Numeric> {
    let invalid = |what: &str| {
        SqlError::new(SqlState::INVALID_BINARY_REPRESENTATION, format!("invalid {what} in external \"numeric\" value"))
    };
    let mut words = bytes.chunks_exact(2).map(|pair| match *pair {
        [high, low] => u16::from_be_bytes([high, low]),
        _ => 0,
    });
    let mut word = || words.next().ok_or_else(malformed);
    let count = usize::from(word()?);
    let weight = i64::from(word()?.cast_signed());
    let sign = word()?;
    let scale = word()?;
    if bytes.len() != 8 + 2 * count {
        return Err(malformed());
    }
    match sign {
        SIGN_POSITIVE | SIGN_NEGATIVE => {}
        SIGN_NAN => return Ok(Numeric::NaN),
        SIGN_INFINITY | SIGN_MINUS_INFINITY => return Err(numeric::no_infinity()),
        _ => return Err(invalid("sign")),
    }
    let scale = i64::from(scale);
    if scale > numeric::MAX_SCALE {
        return Err(invalid("scale"));
    }
    let mut text = String::with_capacity(4 * count);
    for digit in words {
        if digit >= DIGIT_BASE {
            return Err(invalid("digit"));
        }
        text.push_str(&format!("{digit:04}"));
    }
    if text.is_empty() {
        return Ok(Numeric::Finite(BigDecimal::new(BigInt::from(0), scale)));
    }
    let integer: BigInt = text.parse().map_err(|_| invalid("digit"))?;
    let integer = if sign == SIGN_NEGATIVE { -integer } else { integer };
    // The last digit stands for this power of ten.
    let exponent = (weight + 1 - i64::try_from(count).map_err(|_| malformed())?) * DECIMALS_PER_DIGIT;
    let decimal = if exponent >= 0 {
        BigDecimal::new(integer * numeric::pow10(exponent)?, 0)
    } else {
        BigDecimal::new(integer, -exponent)
    };
    // Digits beyond the scale are cut off, as PostgreSQL does.
    Ok(Numeric::Finite(numeric::truncate(&decimal, scale)?))
}
