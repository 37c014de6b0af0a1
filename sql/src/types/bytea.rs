//! Text forms of `bytea`.

use super::input::invalid;
use super::style::ByteaOutput;
use crate::error::{Result, SqlError, SqlState};

/// Reads the hex form (`\x00ff`) or the escape form (`\000`, `\\`).
pub fn parse(text: &str) -> Result<Vec<u8>> {
    match text.strip_prefix("\\x") {
        Some(digits) => parse_hex(digits),
        None => parse_escape(text),
    }
}

/// Reads pairs of hexadecimal digits, blanks between them allowed.
pub fn parse_hex(text: &str) -> Result<Vec<u8>> {
    let wrong = |message: String| SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message);
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut high: Option<u8> = None;
    for c in text.chars() {
        if high.is_none() && matches!(c, ' ' | '\n' | '\t' | '\r') {
            continue;
        }
        let digit = c.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let digit = digit.ok_or_else(|| wrong(format!("invalid hexadecimal digit: \"{c}\"")))?;
        match high.take() {
            None => high = Some(digit),
            Some(high) => bytes.push(high << 4 | digit),
        }
    }
    if high.is_some() {
        return Err(wrong("invalid hexadecimal data: odd number of digits".to_owned()));
    }
    Ok(bytes)
}

/// Reads the escape form.
pub fn parse_escape(text: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        if first != b'\\' {
            bytes.push(first);
            continue;
        }
        match *rest {
            [b'\\', ref tail @ ..] => {
                bytes.push(b'\\');
                rest = tail;
            }
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ref tail @ ..] => {
                bytes.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = tail;
            }
            _ => {
                return Err(SqlError {
                    message: "invalid input syntax for type bytea".to_owned(),
                    ..invalid("bytea", "")
                });
            }
        }
    }
    Ok(bytes)
}

/// Appends the text form.
pub fn format(bytes: &[u8], style: ByteaOutput, out: &mut String) {
    match style {
        ByteaOutput::Hex => {
            out.push_str("\\x");
            push_hex(bytes, out);
        }
        ByteaOutput::Escape => push_escaped(bytes, out),
    }
}

/// Appends two hexadecimal digits a byte.
pub fn push_hex(bytes: &[u8], out: &mut String) {
    let digit = |n: u8| char::from_digit(u32::from(n), 16).unwrap_or('0');
    out.reserve(bytes.len() * 2);
    for byte in bytes {
        out.push(digit(byte >> 4));
        out.push(digit(byte & 0xf));
    }
}

/// Appends printable bytes as they are, others in octal.
pub fn push_escaped(bytes: &[u8], out: &mut String) {
    use std::fmt::Write as _;
    for &byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            0x20..=0x7e => out.push(char::from(byte)),
            _ => {
                let _infallible = write!(out, "\\{byte:03o}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_printed() {
        assert_eq!(parse("\\x00fF 10").unwrap(), [0, 255, 16]);
        assert_eq!(parse("a\\\\b\\001\\377").unwrap(), [b'a', b'\\', b'b', 1, 255]);
        assert!(parse("\\x0").is_err());
        assert!(parse("\\9").is_err());
        let mut text = String::new();
        format(&[0, 255, b'a'], ByteaOutput::Hex, &mut text);
        format(&[0, b'\\', b'a'], ByteaOutput::Escape, &mut text);
        assert_eq!(text, "\\x00ff61\\000\\\\a");
    }
}
