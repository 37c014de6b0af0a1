//! Literals and names in quotes.

use super::{Lexer, TokenKind, escape};
use crate::error::{Result, SqlError, SqlState};
use crate::parse::keyword::Keyword;

impl Lexer<'_> {
    /// `'…'`, where nothing but a doubled quote is special. It may go on on the next line.
    pub(super) fn string(&mut self, start: usize) -> Result<()> {
        let text = self.quoted(start, b'\'', "unterminated quoted string")?;
        self.push(TokenKind::String(text), start);
        Ok(())
    }

    /// `"…"`
    pub(super) fn quoted_name(&mut self, start: usize) -> Result<()> {
        let name = self.quoted(start, b'"', "unterminated quoted identifier")?;
        let name = name.unwrap_or_else(|| self.source.get(start + 1..self.at - 1).unwrap_or_default().into());
        self.push_name(name, start)
    }

    fn push_name(&mut self, name: Box<str>, start: usize) -> Result<()> {
        if name.is_empty() {
            let text = self.source.get(start..self.at).unwrap_or_default();
            let message = format!("zero-length delimited identifier at or near \"{text}\"");
            return Err(self.error_at(start, SqlState::SYNTAX_ERROR, message));
        }
        self.push(TokenKind::QuotedName(name), start);
        Ok(())
    }

    /// `U&'…' [UESCAPE '…']`, read from its quote on.
    pub(super) fn unicode_string(&mut self, start: usize) -> Result<()> {
        let quote = self.at;
        let raw = self.quoted(start, b'\'', "unterminated quoted string")?;
        let text = self.unescaped(raw, quote)?;
        self.push(TokenKind::String(Some(text)), start);
        Ok(())
    }

    /// `U&"…" [UESCAPE '…']`, read from its quote on.
    pub(super) fn unicode_name(&mut self, start: usize) -> Result<()> {
        let quote = self.at;
        let raw = self.quoted(start, b'"', "unterminated quoted identifier")?;
        let name = self.unescaped(raw, quote)?;
        self.push_name(name, start)
    }

    fn unescaped(&mut self, raw: Option<Box<str>>, quote: usize) -> Result<Box<str>> {
        let raw = raw.unwrap_or_else(|| self.source.get(quote + 1..self.at - 1).unwrap_or_default().into());
        let escape = self.uescape()?;
        let text = escape::unicode(&raw, escape).map_err(|mut error| {
            error.fields.position = Some(crate::parse::position::char_position(self.source, quote + 1));
            error
        })?;
        Ok(text.into())
    }

    /// The escape character of `UESCAPE '!'`, if that follows; else a backslash.
    fn uescape(&mut self) -> Result<char> {
        let end = self.at;
        self.skip_space()?;
        let word = self.at;
        self.skip_word();
        if Keyword::of(self.source.get(word..self.at).unwrap_or_default()) != Some(Keyword::Uescape) {
            self.at = end;
            return Ok('\\');
        }
        self.skip_space()?;
        let start = self.at;
        if self.byte(0) != Some(b'\'') {
            let next = self.source.get(start..).and_then(|rest| rest.chars().next()).map(String::from);
            let next = next.map_or("at end of input".to_owned(), |next| format!("at or near \"{next}\""));
            let message = format!("UESCAPE must be followed by a simple string literal {next}");
            return Err(self.error_at(start, SqlState::SYNTAX_ERROR, message));
        }
        let text = self.quoted(start, b'\'', "unterminated quoted string")?;
        let text = text.unwrap_or_else(|| self.source.get(start + 1..self.at - 1).unwrap_or_default().into());
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (Some(c), None) if !c.is_ascii_hexdigit() && !"+'\" \t\n\r\u{c}".contains(c) => Ok(c),
            _ => {
                let text = self.source.get(start..self.at).unwrap_or_default();
                let message = format!("invalid Unicode escape character at or near \"{text}\"");
                Err(self.error_at(start, SqlState::SYNTAX_ERROR, message))
            }
        }
    }

    /// `B'…'` and `X'…'`: read, so that the grammar can refuse them by name.
    pub(super) fn bit_string(&mut self, start: usize) -> Result<()> {
        self.quoted(start, b'\'', "unterminated bit string literal")?;
        self.push(TokenKind::BitString, start);
        Ok(())
    }

    /// Reads from a quote to the closing one; none if the text between them is as it reads.
    fn quoted(&mut self, start: usize, quote: u8, unterminated: &str) -> Result<Option<Box<str>>> {
        self.at += 1;
        let mut read: Option<String> = None;
        loop {
            let from = self.at;
            let Some(length) = self.rest().iter().position(|byte| *byte == quote) else {
                return Err(self.unterminated(start, unterminated));
            };
            let piece = self.source.get(from..from + length).unwrap_or_default();
            self.at += length + 1;
            let doubled = self.byte(0) == Some(quote);
            if doubled {
                self.at += 1;
            } else if quote == b'"' || !self.continues() {
                return Ok(read.map(|mut read| {
                    read.push_str(piece);
                    read.into()
                }));
            }
            let read = read.get_or_insert_default();
            read.push_str(piece);
            if doubled {
                read.push(char::from(quote));
            }
        }
    }

    pub(super) fn unterminated(&self, start: usize, message: &str) -> SqlError {
        let rest = self.source.get(start..).unwrap_or_default();
        self.error_at(start, SqlState::SYNTAX_ERROR, format!("{message} at or near \"{rest}\""))
    }

    /// Whether the string goes on behind a line break; then what comes next is its next character.
    pub(super) fn continues(&mut self) -> bool {
        let end = self.at;
        let mut newline = false;
        loop {
            match (self.byte(0), self.byte(1)) {
                (Some(b'\n' | b'\r'), _) => {
                    newline = true;
                    self.at += 1;
                }
                (Some(b' ' | b'\t' | 0x0c), _) => self.at += 1,
                (Some(b'-'), Some(b'-')) => self.skip_line(),
                (Some(b'\''), _) if newline => {
                    self.at += 1;
                    return true;
                }
                _ => {
                    self.at = end;
                    return false;
                }
            }
        }
    }
}
