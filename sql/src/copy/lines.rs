//! From a stream of bytes to lines, for the text and CSV formats.
//!
//! The bytes come in pieces of any size. What belongs to a line that has not ended yet is kept; the search goes on where
//! it stopped. A line ends with the kind of newline that the first one ended with; others within the data are errors,
//! unless a backslash (text) or quotes (CSV) make them data. `\.` alone on a line ends the data.

use super::options::CopyFormat;
use crate::error::{Result, SqlError, SqlState};

/// The longest line that is taken.
const MAX_LINE_BYTES: usize = 128 << 20;

/// How lines end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Newline {
    Unknown,
    Lf,
    Cr,
    CrLf,
}

/// What has been found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found<'a> {
    /// A line, without what ends it.
    Line {
        /// Its number, from 1: that of its last one, if there are newlines within quotes.
        no: u64,
        /// Its bytes.
        bytes: &'a [u8],
    },
    /// More bytes are needed.
    Pending,
    /// The data are at their end.
    End,
}

/// A cutter of lines.
pub struct Lines {
    csv: Option<CsvState>,
    newline: Newline,
    buffer: Vec<u8>,
    /// Where the line that is being read begins.
    start: usize,
    /// Where the search goes on.
    at: usize,
    /// The last line has been found; it ends here.
    ended: bool,
    no_more_input: bool,
    /// The number of the line that was found last, or is being read.
    line_no: u64,
}

struct CsvState {
    quote: u8,
    /// None if it is the quote itself.
    escape: Option<u8>,
    in_quote: bool,
    after_escape: bool,
}

/// What a byte means for the line.
enum Step {
    /// Nothing: the search goes on so many bytes further.
    Skip(usize),
    /// The line ends here; so many bytes are its end.
    EndOfLine(usize),
    /// The data end here, whatever follows.
    EndOfData,
    /// It depends on bytes that have not come yet.
    Pending,
}

impl Lines {
    /// A cutter of lines of a format.
    pub fn new(format: CopyFormat, quote: u8, escape: u8) -> Self {
        let csv = (format == CopyFormat::Csv).then(|| CsvState {
            quote,
            escape: (escape != quote).then_some(escape),
            in_quote: false,
            after_escape: false,
        });
        Self {
            csv,
            newline: Newline::Unknown,
            buffer: Vec::new(),
            start: 0,
            at: 0,
            ended: false,
            no_more_input: false,
            line_no: 0,
        }
    }

    /// Takes bytes in. What comes after the end of the data is ignored.
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        if self.ended {
            return Ok(());
        }
        self.buffer.drain(..self.start);
        self.at -= self.start;
        self.start = 0;
        if self.buffer.len().saturating_add(bytes.len()) > MAX_LINE_BYTES {
            return Err(SqlError::new(
                SqlState::PROGRAM_LIMIT_EXCEEDED,
                format!("a line of COPY data may have at most {MAX_LINE_BYTES} bytes"),
            ));
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// There are no more bytes.
    pub const fn finish(&mut self) {
        self.no_more_input = true;
    }

    /// The number of the line that was found last, or is being read, from 1; newlines within quotes count.
    pub const fn line_no(&self) -> u64 {
        self.line_no
    }

    /// The next line.
    pub fn next_line(&mut self) -> Result<Found<'_>> {
        if self.ended {
            return Ok(Found::End);
        }
        if self.at == self.start {
            self.line_no += 1;
        }
        loop {
            self.skip_ordinary();
            let Some(byte) = self.buffer.get(self.at).copied() else {
                if self.no_more_input {
                    return Ok(self.last_line());
                }
                return Ok(self.pending());
            };
            match self.step(byte)? {
                Step::Skip(bytes) => self.at += bytes,
                Step::Pending => return Ok(self.pending()),
                Step::EndOfLine(bytes) => {
                    let (start, end) = (self.start, self.at);
                    self.at += bytes;
                    self.start = self.at;
                    let bytes = self.buffer.get(start..end).unwrap_or_default();
                    return Ok(Found::Line { no: self.line_no, bytes });
                }
                Step::EndOfData => return Ok(self.last_line()),
            }
        }
    }

    /// The line that is being read is not a new one when the search goes on.
    fn pending(&mut self) -> Found<'static> {
        if self.at == self.start {
            self.line_no -= 1;
        }
        Found::Pending
    }

    fn last_line(&mut self) -> Found<'_> {
        self.ended = true;
        if self.at == self.start {
            return Found::End;
        }
        Found::Line { no: self.line_no, bytes: self.buffer.get(self.start..self.at).unwrap_or_default() }
    }

    /// Passes over bytes that mean nothing here, which most do.
    fn skip_ordinary(&mut self) {
        let rest = self.buffer.get(self.at..).unwrap_or_default();
        let plain = |byte: &u8| !matches!(byte, b'\n' | b'\r' | b'\\');
        let skipped = match &mut self.csv {
            None => rest.iter().position(|byte| !plain(byte)),
            Some(csv) => {
                let escape = csv.escape.unwrap_or(csv.quote);
                let found = rest.iter().position(|byte| !plain(byte) || *byte == csv.quote || *byte == escape);
                csv.after_escape &= found == Some(0);
                found
            }
        };
        self.at += skipped.unwrap_or(rest.len());
    }

    fn step(&mut self, byte: u8) -> Result<Step> {
        if self.is_quoted(byte) {
            return Ok(Step::Skip(1));
        }
        match byte {
            b'\r' => self.carriage_return(),
            b'\n' => self.line_feed(),
            b'\\' if self.csv.is_none() || self.at == self.start => self.backslash(),
            _ => Ok(Step::Skip(1)),
        }
    }

    /// Looks at quotes and escapes; whether the byte is within quotes.
    fn is_quoted(&mut self, byte: u8) -> bool {
        let Some(csv) = &mut self.csv else { return false };
        if csv.in_quote && Some(byte) == csv.escape {
            csv.after_escape = !csv.after_escape;
        }
        if byte == csv.quote && !csv.after_escape {
            csv.in_quote = !csv.in_quote;
        }
        if Some(byte) != csv.escape {
            csv.after_escape = false;
        }
        let newline = if self.newline == Newline::Lf { b'\n' } else { b'\r' };
        if csv.in_quote && byte == newline {
            self.line_no += 1;
        }
        csv.in_quote
    }

    fn carriage_return(&mut self) -> Result<Step> {
        match (self.newline, self.buffer.get(self.at + 1)) {
            (Newline::Lf, _) => Err(self.stray("carriage return", "\\r")),
            (Newline::Cr, _) => Ok(Step::EndOfLine(1)),
            (Newline::Unknown | Newline::CrLf, Some(b'\n')) => {
                self.newline = Newline::CrLf;
                Ok(Step::EndOfLine(2))
            }
            (Newline::Unknown | Newline::CrLf, None) if !self.no_more_input => Ok(Step::Pending),
            (Newline::CrLf, _) => Err(self.stray("carriage return", "\\r")),
            (Newline::Unknown, _) => {
                self.newline = Newline::Cr;
                Ok(Step::EndOfLine(1))
            }
        }
    }

    fn line_feed(&mut self) -> Result<Step> {
        match self.newline {
            Newline::Cr | Newline::CrLf => Err(self.stray("newline", "\\n")),
            Newline::Unknown | Newline::Lf => {
                self.newline = Newline::Lf;
                Ok(Step::EndOfLine(1))
            }
        }
    }

    /// A newline of another kind than the first one.
    fn stray(&self, name: &str, written: &str) -> SqlError {
        let (how, hint) = if self.csv.is_some() {
            ("unquoted", format!("Use quoted CSV field to represent {name}."))
        } else {
            ("literal", format!("Use \"{written}\" to represent {name}."))
        };
        SqlError::new(SqlState::BAD_COPY_FILE_FORMAT, format!("{how} {name} found in data")).with_hint(hint)
    }

    /// A backslash takes the next byte with it; `\.` ends the data if it is alone on its line.
    fn backslash(&self) -> Result<Step> {
        let is_csv = self.csv.is_some();
        let Some(next) = self.buffer.get(self.at + 1) else {
            return Ok(if self.no_more_input { Step::Skip(1) } else { Step::Pending });
        };
        if *next != b'.' {
            return Ok(Step::Skip(if is_csv { 1 } else { 2 }));
        }
        let mut after = self.buffer.get(self.at + 2..).unwrap_or_default();
        if self.newline == Newline::CrLf {
            match after.split_first() {
                None if !self.no_more_input => return Ok(Step::Pending),
                Some((b'\r', rest)) => after = rest,
                Some((b'\n', _)) if !is_csv => return Err(Self::corrupt("does not match previous newline style")),
                _ if is_csv => return Ok(Step::Skip(1)),
                _ => return Err(Self::corrupt("corrupt")),
            }
        }
        match (after.first(), self.newline) {
            (None, _) if !self.no_more_input => Ok(Step::Pending),
            (None, _) => Ok(Step::EndOfData),
            (Some(b'\n'), Newline::Lf | Newline::CrLf | Newline::Unknown) => Ok(Step::EndOfData),
            (Some(b'\r'), Newline::Cr | Newline::Unknown) => Ok(Step::EndOfData),
            (Some(b'\r' | b'\n'), _) => Err(Self::corrupt("does not match previous newline style")),
            (Some(_), _) if is_csv => Ok(Step::Skip(1)),
            (Some(_), _) => Err(Self::corrupt("corrupt")),
        }
    }

    fn corrupt(how: &str) -> SqlError {
        SqlError::new(SqlState::BAD_COPY_FILE_FORMAT, format!("end-of-copy marker {how}"))
    }
}

/// A line as text.
pub fn text_of(line: &[u8]) -> Result<&str> {
    let (at, length) = match std::str::from_utf8(line) {
        Ok(text) => match line.iter().position(|byte| *byte == 0) {
            None => return Ok(text),
            Some(at) => (at, 1),
        },
        Err(error) => (error.valid_up_to(), error.error_len().unwrap_or(line.len())),
    };
    let shown: Vec<String> = line.iter().skip(at).take(length).map(|byte| format!("{byte:#04x}")).collect();
    Err(SqlError::new(
        SqlState::CHARACTER_NOT_IN_REPERTOIRE,
        format!("invalid byte sequence for encoding \"UTF8\": {}", shown.join(" ")),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of a text that comes in pieces, then the error if there is one.
    fn lines(text: &str, format: CopyFormat, size: usize) -> Vec<String> {
        let mut lines = Lines::new(format, b'"', b'"');
        let mut found = Vec::new();
        let mut pieces = text.as_bytes().chunks(size);
        loop {
            match lines.next_line() {
                Ok(Found::Line { no, bytes }) => found.push(format!("{no} {}", String::from_utf8_lossy(bytes))),
                Ok(Found::Pending) => match pieces.next() {
                    Some(piece) => lines.push(piece).unwrap(),
                    None => lines.finish(),
                },
                Ok(Found::End) => return found,
                Err(error) => {
                    found.push(format!("{} {}", lines.line_no(), error.message));
                    return found;
                }
            }
        }
    }

    fn check(text: &str, format: CopyFormat, expected: &[&str]) {
        for size in 1..=text.len().max(1) {
            assert_eq!(lines(text, format, size), expected, "{text:?} in pieces of {size}");
        }
    }

    #[test]
    fn text_is_cut_at_its_kind_of_newline() {
        let text = CopyFormat::Text;
        check("", text, &[]);
        check("a\nb\n", text, &["1 a", "2 b"]);
        check("a\n\nb", text, &["1 a", "2 ", "3 b"]);
        check("a\r\nb\r\n", text, &["1 a", "2 b"]);
        check("a\rb\r", text, &["1 a", "2 b"]);
        check("a\nb\rc\n", text, &["1 a", "2 literal carriage return found in data"]);
        check("a\rb\nc\n", text, &["1 a", "2 literal newline found in data"]);
        check("a\r\nb\nc\r\n", text, &["1 a", "2 literal newline found in data"]);
        check("a\\\nb\\\\\nc\n", text, &["1 a\\\nb\\\\", "2 c"]);
    }

    #[test]
    fn a_backslash_and_a_dot_end_the_data() {
        let text = CopyFormat::Text;
        check("a\n\\.\nb\n", text, &["1 a"]);
        check("\\.", text, &[]);
        check("a\\.\nb\n", text, &["1 a"]);
        check("a\n\\.b\n", text, &["1 a", "2 end-of-copy marker corrupt"]);
        check("a\r\n\\.\nb\n", text, &["1 a", "2 end-of-copy marker does not match previous newline style"]);
        check("a\n\\.b\n\\.\nc\n", CopyFormat::Csv, &["1 a", "2 \\.b"]);
    }

    #[test]
    fn quotes_keep_a_csv_line_together() {
        let csv = CopyFormat::Csv;
        // PostgreSQL counts those of the first line only once it knows how lines end.
        check("a,\"b\nc\"\nd\n", csv, &["1 a,\"b\nc\"", "2 d"]);
        check("x\n\"b\nc\"\nd\n", csv, &["1 x", "3 \"b\nc\"", "4 d"]);
        check("\"a\"\"\n\"\nb", csv, &["1 \"a\"\"\n\"", "2 b"]);
        check("a\nb\rc\n", csv, &["1 a", "2 unquoted carriage return found in data"]);
        check("a\\\nb\n", csv, &["1 a\\", "2 b"]);
        check("\"a\n", csv, &["1 \"a\n"]);
    }
}
