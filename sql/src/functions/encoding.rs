//! `encode` and `decode` of bytes as text, and conversion between character encodings: UTF-8, Latin 1 and plain bytes.
//! Source: PostgreSQL's documentation, 9.5.

use heliosdb_storage::value::{DataType, Value};

use super::{ScalarFunction, bad_arguments};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::EvalContext;
use crate::types::cast::out_of_range;
use crate::types::input::too_long;
use crate::types::{MAX_VALUE_BYTES, bytea};

const T: DataType = DataType::Text;
const B: DataType = DataType::Bytea;
const N: DataType = DataType::Name;

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction::new("encode", &[B, T], T, encode),
    ScalarFunction::new("decode", &[T, T], B, decode),
    ScalarFunction::new("convert_from", &[B, N], T, convert_from),
    ScalarFunction::new("convert_to", &[T, N], B, convert_to),
    ScalarFunction::new("convert", &[B, N, N], B, convert),
    ScalarFunction::new("length", &[B, N], DataType::Int4, length),
];

fn invalid(message: impl Into<String>) -> SqlError {
    SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

/// A way to write bytes as text.
enum Form {
    Hex,
    Escape,
    Base64,
}

fn form(name: &str) -> Result<Form> {
    match name {
        _ if name.eq_ignore_ascii_case("hex") => Ok(Form::Hex),
        _ if name.eq_ignore_ascii_case("escape") => Ok(Form::Escape),
        _ if name.eq_ignore_ascii_case("base64") => Ok(Form::Base64),
        _ => Err(invalid(format!("unrecognized encoding: \"{name}\""))),
    }
}

fn encode(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Bytea(bytes), Value::Text(name)] = args else { return Err(bad_arguments("encode", args)) };
    let mut out = String::new();
    match form(name)? {
        Form::Hex => bytea::push_hex(bytes, &mut out),
        Form::Escape => push_escape(bytes, &mut out),
        Form::Base64 => push_base64(bytes, &mut out),
    }
    if out.len() > MAX_VALUE_BYTES { Err(too_long()) } else { Ok(Value::text(out)) }
}

fn decode(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Text(text), Value::Text(name)] = args else { return Err(bad_arguments("decode", args)) };
    let bytes = match form(name)? {
        Form::Hex => bytea::parse_hex(text)?,
        Form::Escape => bytea::parse_escape(text)?,
        Form::Base64 => parse_base64(text)?,
    };
    Ok(Value::Bytea(bytes.into()))
}

/// Zero and bytes above 127 in octal; all others as they are, printable or not.
fn push_escape(bytes: &[u8], out: &mut String) {
    use std::fmt::Write as _;
    for &byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            1..=0x7f => out.push(char::from(byte)),
            _ => {
                let _infallible = write!(out, "\\{byte:03o}");
            }
        }
    }
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// In lines of 76 characters.
fn push_base64(bytes: &[u8], out: &mut String) {
    let digit = |n: u32| DIGITS.get(usize::try_from(n & 63).unwrap_or_default()).map_or('=', |b| char::from(*b));
    for (i, group) in bytes.chunks(3).enumerate() {
        if i > 0 && i % 19 == 0 {
            out.push('\n');
        }
        let byte = |at: usize| group.get(at).map_or(0, |byte| u32::from(*byte));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        out.push(digit(bits >> 18));
        out.push(digit(bits >> 12));
        out.push(if group.len() > 1 { digit(bits >> 6) } else { '=' });
        out.push(if group.len() > 2 { digit(bits) } else { '=' });
    }
    // A line that is full is ended, even the last.
    if !bytes.is_empty() && bytes.len().is_multiple_of(57) {
        out.push('\n');
    }
}

fn parse_base64(text: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    // Four digits of six bits; how many of the bytes count, once `=` was seen.
    let (mut bits, mut place, mut ends) = (0_u32, 0_usize, 0_usize);
    for c in text.chars() {
        if matches!(c, ' ' | '\t' | '\n' | '\r') {
            continue;
        }
        let digit = if c == '=' {
            if ends == 0 {
                ends = match place {
                    2 => 1,
                    3 => 2,
                    _ => return Err(invalid("unexpected \"=\" while decoding base64 sequence")),
                };
            }
            0
        } else {
            let known = DIGITS.iter().position(|digit| char::from(*digit) == c);
            let unknown = || invalid(format!("invalid symbol \"{c}\" found while decoding base64 sequence"));
            known.and_then(|n| u32::try_from(n).ok()).ok_or_else(unknown)?
        };
        bits = bits << 6 | digit;
        place += 1;
        if place == 4 {
            let [_, a, b, c] = bits.to_be_bytes();
            bytes.push(a);
            if ends == 0 || ends > 1 {
                bytes.push(b);
            }
            if ends == 0 || ends > 2 {
                bytes.push(c);
            }
            (bits, place) = (0, 0);
        }
    }
    if place != 0 {
        return Err(invalid("invalid base64 end sequence")
            .with_hint("Input data is missing padding, is truncated, or is otherwise corrupted."));
    }
    Ok(bytes)
}

/// A character encoding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Charset {
    Utf8,
    Latin1,
    /// `SQL_ASCII`: bytes without a meaning.
    Plain,
}

impl Charset {
    /// The encoding of that name: its letters and digits count, nothing else. `which` is a word for the error.
    fn named(name: &str, which: &str) -> Result<Self> {
        let letters: String =
            name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        match letters.as_str() {
            "utf8" | "unicode" => Ok(Self::Utf8),
            "latin1" | "iso88591" => Ok(Self::Latin1),
            "sqlascii" => Ok(Self::Plain),
            known if is_known(known) => Err(SqlError::unsupported(format!("encoding \"{name}\""))),
            _ => Err(invalid(format!("invalid {which}encoding name \"{name}\""))),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF8",
            Self::Latin1 => "LATIN1",
            Self::Plain => "SQL_ASCII",
        }
    }
}

/// Whether PostgreSQL has an encoding of that name, which is not built here.
fn is_known(letters: &str) -> bool {
    const PREFIXES: &[&str] =
        &["latin", "iso8859", "win", "windows", "euc", "koi8", "big5", "gb", "sjis", "johab", "uhc"];
    const OTHERS: &[&str] = &["shiftjis2004", "muleinternal", "shiftjis", "mskanji", "tcvn", "vscii", "abc", "alt"];
    OTHERS.contains(&letters) || PREFIXES.iter().any(|prefix| letters.starts_with(prefix))
}

fn convert_from(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Bytea(bytes), Value::Text(from)] = args else { return Err(bad_arguments("convert_from", args)) };
    decoded(bytes, Charset::named(from, "source ")?).map(Value::text)
}

fn convert_to(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Text(text), Value::Text(to)] = args else { return Err(bad_arguments("convert_to", args)) };
    encoded(text, Charset::named(to, "destination ")?).map(|bytes| Value::Bytea(bytes.into()))
}

fn convert(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Bytea(bytes), Value::Text(from), Value::Text(to)] = args else {
        return Err(bad_arguments("convert", args));
    };
    let (from, to) = (Charset::named(from, "source ")?, Charset::named(to, "destination ")?);
    if from == Charset::Plain || to == Charset::Plain {
        // Nothing is converted, but what is to be UTF-8 must be.
        if to == Charset::Utf8 || from == Charset::Utf8 {
            decoded(bytes, Charset::Utf8)?;
        }
        return Ok(Value::Bytea(bytes.clone()));
    }
    encoded(&decoded(bytes, from)?, to).map(|bytes| Value::Bytea(bytes.into()))
}

/// The characters of bytes in an encoding.
fn length(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Bytea(bytes), Value::Text(from)] = args else { return Err(bad_arguments("length", args)) };
    let count = match Charset::named(from, "")? {
        Charset::Plain => bytes.len(),
        from => decoded(bytes, from)?.chars().count(),
    };
    i32::try_from(count).map(Value::Int4).map_err(|_| out_of_range(DataType::Int4))
}

/// Bytes as a text.
fn decoded(bytes: &[u8], from: Charset) -> Result<String> {
    if bytes.contains(&0) {
        return Err(invalid_sequence(&[0], from));
    }
    match from {
        Charset::Latin1 => Ok(bytes.iter().map(|byte| char::from(*byte)).collect()),
        Charset::Utf8 | Charset::Plain => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(error) => {
                let rest = bytes.get(error.valid_up_to()..).unwrap_or_default();
                // What is shown is the character that the first byte promises.
                let length = match rest.first() {
                    Some(0xf0..=0xf7) => 4,
                    Some(0xe0..=0xef) => 3,
                    Some(0xc0..=0xdf) => 2,
                    _ => 1,
                };
                Err(invalid_sequence(rest.get(..length).unwrap_or(rest), Charset::Utf8))
            }
        },
    }
}

fn invalid_sequence(bytes: &[u8], charset: Charset) -> SqlError {
    SqlError::new(
        SqlState::CHARACTER_NOT_IN_REPERTOIRE,
        format!("invalid byte sequence for encoding \"{}\": {}", charset.name(), shown(bytes)),
    )
}

fn shown(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:#04x}")).collect::<Vec<_>>().join(" ")
}

/// A text as bytes.
fn encoded(text: &str, to: Charset) -> Result<Vec<u8>> {
    if to != Charset::Latin1 {
        return Ok(text.as_bytes().to_vec());
    }
    let byte = |c: char| {
        u8::try_from(u32::from(c)).map_err(|_| {
            let sequence = shown(c.encode_utf8(&mut [0; 4]).as_bytes());
            let name = to.name();
            SqlError::new(
                SqlState::UNTRANSLATABLE_CHARACTER,
                format!("character with byte sequence {sequence} in encoding \"UTF8\" has no equivalent in encoding \"{name}\""),
            )
        })
    };
    text.chars().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_goes_both_ways() {
        for (plain, coded) in [("", ""), ("a", "YQ=="), ("ab", "YWI="), ("abc", "YWJj"), ("abcd", "YWJjZA==")] {
            let mut out = String::new();
            push_base64(plain.as_bytes(), &mut out);
            assert_eq!(out, coded);
            assert_eq!(parse_base64(coded).unwrap(), plain.as_bytes());
        }
        for wrong in ["Y", "YQ=", "=", "Y=", "YQ*="] {
            assert_eq!(parse_base64(wrong).unwrap_err().state, SqlState::INVALID_PARAMETER_VALUE, "{wrong}");
        }
    }

    #[test]
    fn encodings_go_by_letters_and_digits() {
        assert_eq!(Charset::named("UTF-8", "source ").unwrap(), Charset::Utf8);
        assert_eq!(Charset::named("iso_8859_1", "source ").unwrap(), Charset::Latin1);
        assert_eq!(Charset::named("win1252", "source ").unwrap_err().state, SqlState::FEATURE_NOT_SUPPORTED);
        let unknown = Charset::named("klingon", "source ").unwrap_err();
        assert_eq!(unknown.message, "invalid source encoding name \"klingon\"");
    }
}
