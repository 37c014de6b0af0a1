//! Text to tokens, by PostgreSQL's lexical rules.
//!
//! White space and comments leave no token. Places are bytes: characters are counted only for an error's position.
//! Source: PostgreSQL's documentation, chapter "Lexical Structure".

mod escape;
mod string;

pub use escape::unistr;

use super::MAX_TEXT_BYTES;
use super::keyword::Keyword;
use super::position::syntax_error_at;
use super::token::{Token, TokenKind};
use crate::error::{Result, SqlError, SqlState};

/// The longest operator, in bytes.
const MAX_OPERATOR_BYTES: usize = 63;

/// The tokens of a text, with one of the kind `End` behind the last one.
pub fn tokens(source: &str) -> Result<Vec<Token>> {
    if source.len() > MAX_TEXT_BYTES {
        return Err(SqlError::new(
            SqlState::PROGRAM_LIMIT_EXCEEDED,
            format!("the query text is longer than {MAX_TEXT_BYTES} bytes"),
        ));
    }
    let mut lexer = Lexer { source, bytes: source.as_bytes(), at: 0, tokens: Vec::with_capacity(source.len() / 4 + 2) };
    lexer.run()?;
    Ok(lexer.tokens)
}

struct Lexer<'a> {
    source: &'a str,
    bytes: &'a [u8],
    /// How far the text has been read.
    at: usize,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    fn run(&mut self) -> Result<()> {
        loop {
            self.skip_space()?;
            let start = self.at;
            let Some(byte) = self.byte(0) else {
                self.push(TokenKind::End, start);
                return Ok(());
            };
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => self.word_or_prefixed()?,
                b'0'..=b'9' => self.number()?,
                b'.' if self.byte(1).is_some_and(|next| next.is_ascii_digit()) => self.number()?,
                b'\'' => self.string(start)?,
                b'"' => self.quoted_name(start)?,
                b'$' => self.dollar()?,
                _ => self.symbol(byte)?,
            }
        }
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    /// What has not been read yet.
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn push(&mut self, kind: TokenKind, start: usize) {
        let place = |at: usize| u32::try_from(at).expect("BUG: the text is shorter than MAX_TEXT_BYTES");
        self.tokens.push(Token { kind, start: place(start), end: place(self.at) });
    }

    /// An error whose place is a byte of the text.
    fn error_at(&self, at: usize, state: SqlState, message: impl Into<String>) -> SqlError {
        let mut error = SqlError::new(state, message);
        error.fields.position = Some(super::position::char_position(self.source, at));
        error
    }

    fn skip_space(&mut self) -> Result<()> {
        loop {
            match self.byte(0) {
                Some(b' ' | b'\t' | b'\n' | b'\r' | 0x0c) => self.at += 1,
                Some(b'-') if self.byte(1) == Some(b'-') => self.skip_line(),
                Some(b'/') if self.byte(1) == Some(b'*') => self.skip_comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn skip_line(&mut self) {
        let line = self.rest().iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        self.at += line.unwrap_or(self.bytes.len() - self.at);
    }

    /// Comments nest.
    fn skip_comment(&mut self) -> Result<()> {
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match (self.byte(0), self.byte(1)) {
                (Some(b'/'), Some(b'*')) => {
                    depth += 1;
                    self.at += 2;
                }
                (Some(b'*'), Some(b'/')) => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return Ok(());
                    }
                }
                (Some(_), _) => self.at += 1,
                (None, _) => {
                    let rest = self.source.get(start..).unwrap_or_default();
                    let message = format!("unterminated /* comment at or near \"{rest}\"");
                    return Err(self.error_at(start, SqlState::SYNTAX_ERROR, message));
                }
            }
        }
    }

    /// A word, or a literal that begins with a letter.
    fn word_or_prefixed(&mut self) -> Result<()> {
        let start = self.at;
        let ahead = (self.byte(0).map(|byte| byte.to_ascii_lowercase()), self.byte(1), self.byte(2));
        match ahead {
            (Some(b'e'), Some(b'\''), _) => {
                self.at += 1;
                return self.escape_string(start);
            }
            (Some(b'u'), Some(b'&'), Some(b'\'')) => {
                self.at += 2;
                return self.unicode_string(start);
            }
            (Some(b'u'), Some(b'&'), Some(b'"')) => {
                self.at += 2;
                return self.unicode_name(start);
            }
            (Some(b'b' | b'x'), Some(b'\''), _) => {
                self.at += 1;
                return self.bit_string(start);
            }
            (Some(b'n'), Some(b'\''), _) => {
                // A literal of the type NCHAR.
                self.at += 1;
                self.push(TokenKind::Keyword(Keyword::Nchar), start);
                return self.string(self.at);
            }
            _ => {}
        }
        self.skip_word();
        let word = self.source.get(start..self.at).unwrap_or_default();
        let kind = Keyword::of(word).map_or(TokenKind::Word, TokenKind::Keyword);
        self.push(kind, start);
        Ok(())
    }

    fn skip_word(&mut self) {
        let is_part = |byte: &u8| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'$' | 0x80..);
        self.at += self.rest().iter().take_while(|byte| is_part(byte)).count();
    }

    fn skip_digits(&mut self) -> usize {
        let digits = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += digits;
        digits
    }

    fn number(&mut self) -> Result<()> {
        let start = self.at;
        self.skip_digits();
        // `1..10` is a number and two dots.
        if self.byte(0) == Some(b'.') && self.byte(1) != Some(b'.') {
            self.at += 1;
            self.skip_digits();
        }
        if matches!(self.byte(0), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(self.byte(1), Some(b'+' | b'-')));
            if self.byte(1 + sign).is_some_and(|byte| byte.is_ascii_digit()) {
                self.at += 1 + sign;
                self.skip_digits();
            }
        }
        self.refuse_junk(start, "numeric literal")?;
        self.push(TokenKind::Number, start);
        Ok(())
    }

    /// `1a` is neither a number nor a name.
    fn refuse_junk(&mut self, start: usize, of: &str) -> Result<()> {
        match self.byte(0) {
            Some(b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80..) => {
                self.skip_word();
                let text = self.source.get(start..self.at).unwrap_or_default();
                let message = format!("trailing junk after {of} at or near \"{text}\"");
                Err(self.error_at(start, SqlState::SYNTAX_ERROR, message))
            }
            _ => Ok(()),
        }
    }

    /// A parameter, or a string between dollars.
    fn dollar(&mut self) -> Result<()> {
        let start = self.at;
        self.at += 1;
        if self.skip_digits() > 0 {
            self.refuse_junk(start, "parameter")?;
            self.push(TokenKind::Parameter, start);
            return Ok(());
        }
        let tag = self.rest().iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_' || !b.is_ascii()).count();
        if self.byte(tag) != Some(b'$') {
            return Err(syntax_error_at(self.source, start, start + 1));
        }
        self.at += tag + 1;
        let delimiter = self.source.get(start..self.at).unwrap_or_default();
        let body = self.source.get(self.at..).unwrap_or_default();
        let Some(length) = body.find(delimiter) else {
            let message = format!(
                "unterminated dollar-quoted string at or near \"{}\"",
                self.source.get(start..).unwrap_or_default()
            );
            return Err(self.error_at(start, SqlState::SYNTAX_ERROR, message));
        };
        let text: Box<str> = body.get(..length).unwrap_or_default().into();
        self.at += length + delimiter.len();
        self.push(TokenKind::String(Some(text)), start);
        Ok(())
    }

    fn symbol(&mut self, first: u8) -> Result<()> {
        use TokenKind as Kind;
        let start = self.at;
        let single = match (first, self.byte(1)) {
            (b'(', _) => Kind::LeftParen,
            (b')', _) => Kind::RightParen,
            (b'[', _) => Kind::LeftBracket,
            (b']', _) => Kind::RightBracket,
            (b',', _) => Kind::Comma,
            (b';', _) => Kind::Semicolon,
            (b'.', Some(b'.')) => return self.pair(Kind::DotDot),
            (b'.', _) => Kind::Dot,
            (b':', Some(b':')) => return self.pair(Kind::DoubleColon),
            (b':', Some(b'=')) => return self.pair(Kind::ColonEquals),
            (b':', _) => Kind::Colon,
            _ if is_operator_byte(first) => return self.operator(),
            _ => Kind::Other,
        };
        self.at += 1;
        self.push(single, start);
        Ok(())
    }

    fn pair(&mut self, kind: TokenKind) -> Result<()> {
        let start = self.at;
        self.at += 2;
        self.push(kind, start);
        Ok(())
    }

    /// The longest run of operator characters, without a comment that begins in it; a sign at its end belongs to what
    /// follows, unless the operator has a character that SQL's own operators have not.
    fn operator(&mut self) -> Result<()> {
        use TokenKind as Kind;
        let start = self.at;
        let run = self.rest().iter().take_while(|byte| is_operator_byte(**byte)).count();
        let run = self.rest().get(..run).unwrap_or_default();
        let comment = run.windows(2).position(|pair| pair == b"--" || pair == b"/*");
        let mut run = run.get(..comment.unwrap_or(run.len())).unwrap_or_default();
        let is_own = |run: &[u8]| run.iter().any(|byte| b"~!@#^&|`?%".contains(byte));
        while let [head @ .., b'+' | b'-'] = run
            && !head.is_empty()
            && !is_own(head)
        {
            run = head;
        }
        let kind = match run {
            b"+" => Kind::Plus,
            b"-" => Kind::Minus,
            b"*" => Kind::Star,
            b"/" => Kind::Slash,
            b"%" => Kind::Percent,
            b"^" => Kind::Caret,
            b"<" => Kind::Less,
            b">" => Kind::Greater,
            b"=" => Kind::Equals,
            b"<=" => Kind::LessEquals,
            b">=" => Kind::GreaterEquals,
            b"<>" | b"!=" => Kind::NotEquals,
            b"=>" => Kind::EqualsGreater,
            _ => Kind::Operator,
        };
        let length = run.len();
        if length > MAX_OPERATOR_BYTES {
            return Err(self.error_at(start, SqlState::SYNTAX_ERROR, "operator too long"));
        }
        self.at += length;
        self.push(kind, start);
        Ok(())
    }
}

const fn is_operator_byte(byte: u8) -> bool {
    matches!(
        byte,
        b'~' | b'!'
            | b'@'
            | b'#'
            | b'^'
            | b'&'
            | b'|'
            | b'`'
            | b'?'
            | b'+'
            | b'-'
            | b'*'
            | b'/'
            | b'%'
            | b'<'
            | b'>'
            | b'='
    )
}

#[cfg(test)]
mod tests;
