//! JSONB: text form.
//!
//! Our own reader, because a number keeps all its digits (as `numeric` does), errors are PostgreSQL's, and no text can
//! be mistaken for serde's marker of a number.

use heliosdb_storage::value::{Json, Numeric};
use serde_json::{Map, Number, Value as Tree};

use super::numeric;
use crate::error::{Result, SqlError, SqlState};

/// How deep arrays and objects may nest. Every walk over a document is recursive.
pub const MAX_DEPTH: usize = 100;

/// Reads a document.
pub fn parse(text: &str) -> Result<Json> {
    let mut reader = Reader { text, at: 0 };
    let tree = reader.value(0)?;
    reader.skip_space();
    if reader.at < text.len() {
        return Err(reader.unexpected("end of input"));
    }
    Ok(Json(tree))
}

/// How deep arrays and objects nest in a document.
pub fn depth(tree: &Tree) -> usize {
    match tree {
        Tree::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Tree::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// The error for a document that nests too deep.
pub fn too_deep() -> SqlError {
    SqlError::new(
        SqlState::STATEMENT_TOO_COMPLEX,
        format!("a JSON document must not nest deeper than {MAX_DEPTH} levels"),
    )
}

/// A JSON number from a finite `numeric`.
pub fn number(n: &Numeric) -> Option<Tree> {
    let mut text = String::new();
    numeric::format(n, &mut text);
    text.parse::<Number>().ok().map(Tree::Number)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn error(detail: String) -> SqlError {
        SqlError::new(SqlState::INVALID_TEXT_REPRESENTATION, "invalid input syntax for type json").with_detail(detail)
    }

    /// The token at the current place is not what belongs there.
    fn unexpected(&self, expected: &str) -> SqlError {
        match self.token() {
            "" => Self::error("The input string ended unexpectedly.".to_owned()),
            token => Self::error(format!("Expected {expected}, but found \"{token}\".")),
        }
    }

    fn invalid_token(&self) -> SqlError {
        match self.token() {
            "" => Self::error("The input string ended unexpectedly.".to_owned()),
            token => Self::error(format!("Token \"{token}\" is invalid.")),
        }
    }

    /// The word or the character at the current place.
    fn token(&self) -> &'a str {
        let rest = self.rest();
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '+' | '.');
        let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let length = if word > 0 { word } else { rest.chars().next().map_or(0, char::len_utf8) };
        rest.get(..length).unwrap_or("")
    }

    fn value(&mut self, depth: usize) -> Result<Tree> {
        if depth > MAX_DEPTH {
            return Err(too_deep());
        }
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => Ok(Tree::String(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'}' | b']' | b',' | b':') => Err(self.unexpected("JSON value")),
            _ => {
                let tree = match self.token() {
                    "true" => Tree::Bool(true),
                    "false" => Tree::Bool(false),
                    "null" => Tree::Null,
                    _ => return Err(self.invalid_token()),
                };
                self.at += self.token().len();
                Ok(tree)
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Tree> {
        self.at += 1;
        let mut members = Map::new();
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Tree::Object(members));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(self.unexpected(if members.is_empty() { "string or \"}\"" } else { "string" }));
            }
            let key = self.string()?;
            self.skip_space();
            if self.peek() != Some(b':') {
                return Err(self.unexpected("\":\""));
            }
            self.at += 1;
            let member = self.value(depth + 1)?;
            // The last of equal keys stays.
            members.insert(key, member);
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(self.unexpected("\",\" or \"}\"")),
            }
        }
        self.at += 1;
        Ok(Tree::Object(members))
    }

    fn array(&mut self, depth: usize) -> Result<Tree> {
        self.at += 1;
        let mut items = Vec::new();
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Tree::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(self.unexpected("\",\" or \"]\"")),
            }
        }
        self.at += 1;
        Ok(Tree::Array(items))
    }

    fn number(&mut self) -> Result<Tree> {
        let token = self.token();
        let digits = token.strip_prefix('-').unwrap_or(token);
        let (mantissa, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
        let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let is_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        let leading_zero = integer.len() > 1 && integer.starts_with('0');
        if !is_digits(integer) || leading_zero || !is_digits(fraction) || !is_digits(exponent) {
            return Err(self.invalid_token());
        }
        let tree = number(&numeric::parse(token)?).ok_or_else(|| self.invalid_token())?;
        self.at += token.len();
        Ok(tree)
    }

    fn string(&mut self) -> Result<String> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = self.rest();
            let plain = rest.find(|c: char| c == '"' || c == '\\' || c < ' ').unwrap_or(rest.len());
            out.push_str(rest.get(..plain).unwrap_or(""));
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                Some(control) => {
                    return Err(Self::error(format!("Character with value 0x{control:02x} must be escaped.")));
                }
                None => return Err(Self::error("The input string ended unexpectedly.".to_owned())),
            }
        }
    }

    fn escape(&mut self) -> Result<char> {
        self.at += 1;
        let Some(kind) = self.rest().chars().next() else {
            return Err(Self::error("The input string ended unexpectedly.".to_owned()));
        };
        self.at += kind.len_utf8();
        Ok(match kind {
            '"' | '\\' | '/' => kind,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => return self.unicode_escape(),
            _ => return Err(Self::error(format!("Escape sequence \"\\{kind}\" is invalid."))),
        })
    }

    fn unicode_escape(&mut self) -> Result<char> {
        let first = self.four_digits()?;
        let code = match first {
            0 => {
                return Err(SqlError::new(SqlState::UNTRANSLATABLE_CHARACTER, "unsupported Unicode escape sequence")
                    .with_detail("\\u0000 cannot be converted to text."));
            }
            0xd800..=0xdbff => {
                let high_alone = || Self::error("Unicode low surrogate must follow a high surrogate.".to_owned());
                if !self.rest().starts_with("\\u") {
                    return Err(high_alone());
                }
                self.at += 2;
                let second = self.four_digits()?;
                if !(0xdc00..=0xdfff).contains(&second) {
                    return Err(high_alone());
                }
                0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            }
            code => code,
        };
        char::from_u32(code)
            .ok_or_else(|| Self::error("Unicode low surrogate must follow a high surrogate.".to_owned()))
    }

    fn four_digits(&mut self) -> Result<u32> {
        let digits = self.rest().get(..4).filter(|s| s.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = digits.and_then(|s| u32::from_str_radix(s, 16).ok());
        let code =
            code.ok_or_else(|| Self::error("\"\\u\" must be followed by four hexadecimal digits.".to_owned()))?;
        self.at += 4;
        Ok(code)
    }
}

/// Appends the text form.
pub fn format(document: &Json, out: &mut String) {
    format_tree(&document.0, out);
}

/// Appends the text form of a part of a document.
pub fn format_tree(tree: &Tree, out: &mut String) {
    match tree {
        Tree::Null => out.push_str("null"),
        Tree::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Tree::Number(n) => out.push_str(n.as_str()),
        Tree::String(s) => format_string(s, out),
        Tree::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                format_tree(item, out);
            }
            out.push(']');
        }
        Tree::Object(members) => {
            // JSONB keeps shorter keys first.
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by(|(a, _), (b, _)| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
            out.push('{');
            for (i, (key, member)) in sorted.into_iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                format_string(key, out);
                out.push_str(": ");
                format_tree(member, out);
            }
            out.push('}');
        }
    }
}

/// Appends a string in quotes.
pub fn format_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_normalised_as_jsonb() {
        let cases = [
            (" { \"bb\":1, \"a\" : [true,null , 1.50] } ", "{\"a\": [true, null, 1.50], \"bb\": 1}"),
            ("{\"a\":1,\"a\":2}", "{\"a\": 2}"),
            ("1e3", "1000"),
            ("-0", "0"),
            ("\"\\u00e4\\ud83d\\ude00\\n\\/\"", "\"ä😀\\n/\""),
            ("\"\\u0001\"", "\"\\u0001\""),
            ("[]", "[]"),
            ("{}", "{}"),
            ("{\"$serde_json::private::Number\": \"1\"}", "{\"$serde_json::private::Number\": \"1\"}"),
            ("12345678901234567890123.10", "12345678901234567890123.10"),
        ];
        for (text, expected) in cases {
            let mut out = String::new();
            format(&parse(text).unwrap(), &mut out);
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn errors_name_what_is_wrong() {
        let cases = [
            ("", "The input string ended unexpectedly."),
            ("{", "The input string ended unexpectedly."),
            ("foo", "Token \"foo\" is invalid."),
            ("{a:1}", "Expected string or \"}\", but found \"a\"."),
            ("[1,]", "Expected JSON value, but found \"]\"."),
            ("[1 2]", "Expected \",\" or \"]\", but found \"2\"."),
            ("1 2", "Expected end of input, but found \"2\"."),
            ("01", "Token \"01\" is invalid."),
            ("\"a\nb\"", "Character with value 0x0a must be escaped."),
            ("\"\\x\"", "Escape sequence \"\\x\" is invalid."),
            ("\"\\ud800\"", "Unicode low surrogate must follow a high surrogate."),
            ("\"abc", "The input string ended unexpectedly."),
        ];
        for (text, detail) in cases {
            let error = parse(text).unwrap_err();
            assert_eq!(error.state, SqlState::INVALID_TEXT_REPRESENTATION);
            assert_eq!(error.fields.detail.as_deref(), Some(detail), "{text}");
        }
        assert_eq!(parse("\"\\u0000\"").unwrap_err().state, SqlState::UNTRANSLATABLE_CHARACTER);
        assert_eq!(parse(&"[".repeat(100_000)).unwrap_err().state, SqlState::STATEMENT_TOO_COMPLEX);
    }
}
