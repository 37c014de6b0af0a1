//! Escapes in `E'…'` and `U&'…'`.

use super::{Lexer, TokenKind};
use crate::error::{Result, SqlError, SqlState};

/// What ends a surrogate pair that is not one.
const NO_PAIR: &str = "invalid Unicode surrogate pair";

impl Lexer<'_> {
    /// `E'…'`, read from its quote on.
    pub(super) fn escape_string(&mut self, start: usize) -> Result<()> {
        self.at += 1;
        let mut text: Vec<u8> = Vec::new();
        let mut high: Option<u32> = None;
        loop {
            let from = self.at;
            let Some(byte) = self.byte(0) else { return Err(self.unterminated(start, "unterminated quoted string")) };
            self.at += 1;
            if byte == b'\\' {
                high = self.escape(from, start, high, &mut text)?;
                continue;
            }
            if high.is_some() {
                return Err(self.near(from, self.at, NO_PAIR));
            }
            if byte != b'\'' {
                text.push(byte);
            } else if self.byte(0) == Some(b'\'') {
                self.at += 1;
                text.push(b'\'');
            } else if !self.continues() {
                break;
            }
        }
        let text = verified(text)?;
        self.push(TokenKind::String(Some(text.into())), start);
        Ok(())
    }

    /// Reads what follows a backslash at `from`. `high` is the first half of a surrogate pair that waits for the second;
    /// so is what is returned.
    fn escape(&mut self, from: usize, start: usize, high: Option<u32>, text: &mut Vec<u8>) -> Result<Option<u32>> {
        let Some(byte) = self.byte(0) else { return Err(self.unterminated(start, "unterminated quoted string")) };
        self.at += 1;
        if high.is_some() && byte != b'u' && byte != b'U' {
            return Err(self.near(from, self.at, NO_PAIR));
        }
        let plain = match byte {
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'0'..=b'7' => {
                self.at -= 1;
                let code = self.digits(8, 3).0;
                // PostgreSQL keeps the lower eight bits.
                u8::try_from(code & 0xff).unwrap_or_default()
            }
            b'x' if self.byte(0).is_some_and(|next| next.is_ascii_hexdigit()) => {
                u8::try_from(self.digits(16, 2).0).unwrap_or_default()
            }
            b'u' | b'U' => return self.unicode_escape(from, byte == b'U', high, text),
            other => other,
        };
        text.push(plain);
        Ok(None)
    }

    fn unicode_escape(
        &mut self,
        from: usize,
        is_long: bool,
        high: Option<u32>,
        text: &mut Vec<u8>,
    ) -> Result<Option<u32>> {
        let wanted = if is_long { 8 } else { 4 };
        let (code, count) = self.digits(16, wanted);
        if count < wanted {
            let state = SqlState("22025");
            return Err(self
                .error_at(from, state, "invalid Unicode escape")
                .with_hint("Unicode escapes must be \\uXXXX or \\UXXXXXXXX."));
        }
        let code = match (high, code) {
            (None, 0xd800..=0xdbff) => return Ok(Some(code)),
            (Some(high), 0xdc00..=0xdfff) => pair(high, code),
            (Some(_), _) | (None, 0xdc00..=0xdfff) => return Err(self.near(from, self.at, NO_PAIR)),
            (None, code) => code,
        };
        let c = char::from_u32(code).filter(|c| *c != '\0');
        let c = c.ok_or_else(|| self.near(from, self.at, "invalid Unicode escape value"))?;
        text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(None)
    }

    /// Up to so many digits of a radix, and how many there were.
    fn digits(&mut self, radix: u32, most: usize) -> (u32, usize) {
        let (mut value, mut count) = (0_u32, 0);
        while count < most
            && let Some(digit) = self.byte(0).and_then(|byte| char::from(byte).to_digit(radix))
        {
            value = value.wrapping_mul(radix).wrapping_add(digit);
            count += 1;
            self.at += 1;
        }
        (value, count)
    }

    fn near(&self, from: usize, to: usize, message: &str) -> SqlError {
        let text = self.source.get(from..to).unwrap_or_default();
        self.error_at(from, SqlState::SYNTAX_ERROR, format!("{message} at or near \"{text}\""))
    }
}

const fn pair(high: u32, low: u32) -> u32 {
    0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)
}

/// Escapes can make bytes that are no UTF-8, or zero.
fn verified(text: Vec<u8>) -> Result<String> {
    if text.contains(&0) {
        return Err(invalid_bytes(&[0]));
    }
    String::from_utf8(text).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let rest = error.as_bytes().get(at..).unwrap_or_default();
        // What is shown is the character that the first byte promises.
        let length = match rest.first() {
            Some(0xf0..=0xf7) => 4,
            Some(0xe0..=0xef) => 3,
            Some(0xc0..=0xdf) => 2,
            _ => 1,
        };
        invalid_bytes(rest.get(..length).unwrap_or(rest))
    })
}

fn invalid_bytes(bytes: &[u8]) -> SqlError {
    let shown: Vec<String> = bytes.iter().map(|byte| format!("{byte:#04x}")).collect();
    SqlError::new(
        SqlState::CHARACTER_NOT_IN_REPERTOIRE,
        format!("invalid byte sequence for encoding \"UTF8\": {}", shown.join(" ")),
    )
}

/// The text of `U&'…'`.
pub fn unicode(raw: &str, escape: char) -> Result<String> {
    unescaped(raw, escape, false)
}

/// The text that the function `unistr` makes: more forms of escapes.
pub fn unistr(raw: &str) -> Result<String> {
    unescaped(raw, '\\', true)
}

fn unescaped(raw: &str, escape: char, all_forms: bool) -> Result<String> {
    let wrong = |message: &str| SqlError::new(SqlState::SYNTAX_ERROR, message);
    let bad_escape = || {
        let forms = if all_forms { "\\XXXX, \\+XXXXXX, \\uXXXX, or \\UXXXXXXXX" } else { "\\XXXX or \\+XXXXXX" };
        wrong("invalid Unicode escape").with_hint(format!("Unicode escapes must be {forms}."))
    };
    let mut text = String::with_capacity(raw.len());
    let mut high: Option<u32> = None;
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        if c != escape || chars.peek() == Some(&escape) {
            if high.is_some() {
                return Err(wrong(NO_PAIR));
            }
            if c == escape {
                chars.next();
            }
            text.push(c);
            continue;
        }
        let wanted = match chars.peek() {
            Some('+') => 6,
            Some('u') if all_forms => 4,
            Some('U') if all_forms => 8,
            _ => 0,
        };
        if wanted > 0 {
            chars.next();
        }
        let mut code = 0_u32;
        for _ in 0..wanted.max(4) {
            let digit = chars.next().and_then(|c| c.to_digit(16));
            code = code << 4 | digit.ok_or_else(bad_escape)?;
        }
        let code = match (high.take(), code) {
            (None, 0xd800..=0xdbff) => {
                high = Some(code);
                continue;
            }
            (Some(high), 0xdc00..=0xdfff) => pair(high, code),
            (Some(_), _) | (None, 0xdc00..=0xdfff) => return Err(wrong(NO_PAIR)),
            (None, code) => code,
        };
        // What is no character has another wording there.
        let no_character = || {
            if all_forms {
                SqlError::new(SqlState::INVALID_PARAMETER_VALUE, format!("invalid Unicode code point: {code:04X}"))
            } else {
                wrong("invalid Unicode escape value")
            }
        };
        text.push(char::from_u32(code).filter(|c| *c != '\0').ok_or_else(no_character)?);
    }
    if high.is_some() {
        return Err(wrong(NO_PAIR));
    }
    Ok(text)
}
