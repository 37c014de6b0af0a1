//! From values to lines of the text and CSV formats.

use super::options::{CopyFormat, CopyOptions};

/// A writer of lines.
pub struct LineWriter<'o> {
    options: &'o CopyOptions,
    out: &'o mut Vec<u8>,
    columns: usize,
    is_first: bool,
}

impl<'o> LineWriter<'o> {
    /// Begins a line of so many columns.
    pub const fn new(options: &'o CopyOptions, columns: usize, out: &'o mut Vec<u8>) -> Self {
        Self { options, out, columns, is_first: true }
    }

    fn delimit(&mut self) {
        if !std::mem::replace(&mut self.is_first, false) {
            self.out.push(self.options.delimiter);
        }
    }

    /// The name of a column.
    pub fn name(&mut self, name: &str) {
        self.value(name, false);
    }

    /// NULL.
    pub fn null(&mut self) {
        self.delimit();
        self.out.extend_from_slice(self.options.null.as_bytes());
    }

    /// A value, by the text form of its type.
    pub fn value(&mut self, text: &str, force_quote: bool) {
        self.delimit();
        match self.options.format {
            CopyFormat::Csv => self.csv(text.as_bytes(), force_quote),
            CopyFormat::Text | CopyFormat::Binary => self.text(text.as_bytes()),
        }
    }

    /// Ends the line.
    pub fn end(self) {
        self.out.push(b'\n');
    }

    fn text(&mut self, mut rest: &[u8]) {
        let delimiter = self.options.delimiter;
        let is_special = |byte: &u8| (0x08..=0x0d).contains(byte) || *byte == b'\\' || *byte == delimiter;
        while let Some(at) = rest.iter().position(is_special) {
            let (plain, special) = rest.split_at(at);
            self.out.extend_from_slice(plain);
            let Some((byte, after)) = special.split_first() else { break };
            self.out.push(b'\\');
            self.out.push(match byte {
                0x08 => b'b',
                b'\t' => b't',
                b'\n' => b'n',
                0x0b => b'v',
                0x0c => b'f',
                b'\r' => b'r',
                other => *other,
            });
            rest = after;
        }
        self.out.extend_from_slice(rest);
    }

    fn csv(&mut self, text: &[u8], force_quote: bool) {
        let CopyOptions { delimiter, quote, escape, null, .. } = self.options;
        let is_special = |byte: &u8| byte == delimiter || byte == quote || *byte == b'\n' || *byte == b'\r';
        // Alone on a line `\.` would end the data.
        let looks_like_end = self.columns == 1 && text == b"\\.";
        if !force_quote && text != null.as_bytes() && !looks_like_end && !text.iter().any(is_special) {
            self.out.extend_from_slice(text);
            return;
        }
        self.out.push(*quote);
        for byte in text {
            if byte == quote || byte == escape {
                self.out.push(*escape);
            }
            self.out.push(*byte);
        }
        self.out.push(*quote);
    }
}
