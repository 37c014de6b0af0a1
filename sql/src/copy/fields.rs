//! From a line to its fields, in the text and CSV formats.

use super::options::CopyOptions;
use crate::error::{Result, SqlError, SqlState};

/// The fields of one line, in memory that is used again for the next.
#[derive(Default)]
pub struct Fields {
    bytes: Vec<u8>,
    ends: Vec<End>,
}

#[derive(Clone, Copy)]
struct End {
    at: usize,
    is_null: bool,
}

impl Fields {
    /// How many there are.
    pub const fn count(&self) -> usize {
        self.ends.len()
    }

    /// A field by its position: none if there is none, an inner none if it is NULL.
    pub fn get(&self, index: usize) -> Option<Option<&[u8]>> {
        let end = self.ends.get(index)?;
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |before| before.at);
        Some(if end.is_null { None } else { self.bytes.get(start..end.at) })
    }

    /// Takes a line of the text format apart.
    pub fn read_text(&mut self, line: &[u8], options: &CopyOptions) {
        self.bytes.clear();
        self.ends.clear();
        let mut rest = line;
        loop {
            let (raw, after) = self.text_field(rest, options.delimiter);
            let is_null = raw == options.null.as_bytes();
            self.ends.push(End { at: self.bytes.len(), is_null });
            match after {
                Some(after) => rest = after,
                None => return,
            }
        }
    }

    /// Reads one field; returns it as it stands there, and what follows its delimiter.
    fn text_field<'l>(&mut self, field: &'l [u8], delimiter: u8) -> (&'l [u8], Option<&'l [u8]>) {
        let mut at = 0;
        loop {
            let rest = field.get(at..).unwrap_or_default();
            let plain = rest.iter().position(|byte| *byte == delimiter || *byte == b'\\').unwrap_or(rest.len());
            self.bytes.extend_from_slice(rest.get(..plain).unwrap_or_default());
            at += plain;
            match field.get(at) {
                None => return (field, None),
                Some(byte) if *byte == delimiter => {
                    return (field.get(..at).unwrap_or_default(), field.get(at + 1..));
                }
                Some(_) => at += 1 + self.unescape(field.get(at + 1..).unwrap_or_default()),
            }
        }
    }

    /// Reads what follows a backslash; returns how many bytes that was.
    fn unescape(&mut self, rest: &[u8]) -> usize {
        let Some(&first) = rest.first() else {
            // At the end of the line it stands for nothing.
            return 0;
        };
        let digits = |from: usize, max: usize, radix: u32| {
            let of_radix = |byte: &&u8| char::from(**byte).is_digit(radix);
            rest.iter().skip(from).take(max).take_while(of_radix).count()
        };
        let value = |from: usize, count: usize, radix: u32| {
            let text = rest.get(from..from + count).and_then(|digits| std::str::from_utf8(digits).ok()).unwrap_or("0");
            // Three octal digits can be more than a byte; PostgreSQL takes the lower eight bits.
            u16::from_str_radix(text, radix).unwrap_or(0).to_le_bytes()[0]
        };
        let (byte, taken) = match first {
            b'0'..=b'7' => {
                let count = digits(0, 3, 8);
                (value(0, count, 8), count)
            }
            b'x' if digits(1, 2, 16) > 0 => {
                let count = digits(1, 2, 16);
                (value(1, count, 16), count + 1)
            }
            b'b' => (0x08, 1),
            b'f' => (0x0c, 1),
            b'n' => (b'\n', 1),
            b'r' => (b'\r', 1),
            b't' => (b'\t', 1),
            b'v' => (0x0b, 1),
            other => (other, 1),
        };
        self.bytes.push(byte);
        taken
    }

    /// Takes a line of the CSV format apart.
    pub fn read_csv(&mut self, line: &[u8], options: &CopyOptions) -> Result<()> {
        self.bytes.clear();
        self.ends.clear();
        let mut at = 0;
        loop {
            let start = at;
            let mut saw_quote = false;
            while let Some(&byte) = line.get(at) {
                if byte == options.delimiter {
                    break;
                }
                at += 1;
                if byte == options.quote {
                    saw_quote = true;
                    at = self.csv_quoted(line, at, options)?;
                } else {
                    self.bytes.push(byte);
                }
            }
            let raw = line.get(start..at).unwrap_or_default();
            let is_null = !saw_quote && raw == options.null.as_bytes();
            self.ends.push(End { at: self.bytes.len(), is_null });
            if at >= line.len() {
                return Ok(());
            }
            at += 1;
        }
    }

    /// Reads what is between quotes, from behind the opening one; returns the place behind the closing one.
    fn csv_quoted(&mut self, line: &[u8], mut at: usize, options: &CopyOptions) -> Result<usize> {
        while let Some(&byte) = line.get(at) {
            at += 1;
            if byte == options.escape
                && let Some(&next) = line.get(at)
                && (next == options.escape || next == options.quote)
            {
                self.bytes.push(next);
                at += 1;
            } else if byte == options.quote {
                return Ok(at);
            } else {
                self.bytes.push(byte);
            }
        }
        Err(SqlError::new(SqlState::BAD_COPY_FILE_FORMAT, "unterminated CSV quoted field"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copy::statement::{CopyOption, OptionValue};

    fn options(csv: bool) -> CopyOptions {
        let format = OptionValue::Text(if csv { "csv" } else { "text" }.to_owned());
        CopyOptions::resolve(&[CopyOption { name: "format".to_owned(), value: format, position: None }], true).unwrap()
    }

    fn read(line: &str, csv: bool) -> Vec<Option<String>> {
        let mut fields = Fields::default();
        if csv {
            fields.read_csv(line.as_bytes(), &options(true)).unwrap();
        } else {
            fields.read_text(line.as_bytes(), &options(false));
        }
        (0..fields.count())
            .map(|at| fields.get(at).unwrap().map(|field| String::from_utf8_lossy(field).into_owned()))
            .collect()
    }

    #[test]
    fn text_fields_are_unescaped() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(read("1\ta\\tb\t\\N\t", false), [some("1"), some("a\tb"), None, some("")]);
        assert_eq!(read("\\\\N\t\\x41\\x4g\\101\\7\\8\\q\\", false), [some("\\N"), some("A\u{4}gA\u{7}8q")]);
        assert_eq!(read("a\\\tb", false), [some("a\tb")]);
        assert_eq!(read("", false), [some("")]);
    }

    #[test]
    fn csv_fields_are_unquoted() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(read("1,\"a,\"\"b\"\"\",,\"\"", true), [some("1"), some("a,\"b\""), None, some("")]);
        assert_eq!(read("x\"y\"z,", true), [some("xyz"), None]);
        assert_eq!(read("", true), [None]);
        assert!(Fields::default().read_csv(b"\"a", &options(true)).is_err());
    }
}
