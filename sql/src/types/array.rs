//! Text and binary forms of arrays.
//!
//! ```text
//! array   = [ '[' lower ':' upper ']' … '=' ] '{' [ item { ',' item } ] '}'
//! item    = array | '"' escaped '"' | NULL | plain
//! ```

use std::sync::Arc;

use bytes::{BufMut, BytesMut};
use heliosdb_storage::value::array::MAX_DIMENSIONS;
use heliosdb_storage::value::{Array, ColumnType, DataType, Dimension, Value};

use super::{ValueContext, binary, format_text, parse_text};
use crate::error::{Result, SqlError, SqlState};

/// The most elements of an array.
pub const MAX_ELEMENTS: usize = 1 << 24;

/// Reads an array whose elements have the given type and modifier.
pub fn parse(text: &str, element: ColumnType, ctx: &ValueContext) -> Result<Array> {
    let mut reader = Reader { text, rest: text, element, ctx, elements: 0 };
    let declared = reader.bounds()?;
    reader.skip_blanks();
    if !reader.rest.starts_with('{') {
        let detail = if declared.is_empty() {
            "Array value must start with \"{\" or dimension information."
        } else {
            "Array contents must start with \"{\"."
        };
        return Err(reader.malformed(detail));
    }
    let root = reader.level(0)?;
    reader.skip_blanks();
    if !reader.rest.is_empty() {
        return Err(reader.malformed("Junk after closing right brace."));
    }
    reader.finish(root, &declared)
}

/// Appends the text form.
pub fn format(array: &Array, data_type: DataType, ctx: &ValueContext, out: &mut String) {
    if matches!(data_type, DataType::Int2Vector | DataType::OidVector) {
        for (at, value) in array.values().iter().enumerate() {
            if at > 0 {
                out.push(' ');
            }
            format_text(value, array.element(), ctx, out);
        }
        return;
    }
    if array.values().is_empty() {
        return out.push_str("{}");
    }
    if array.dimensions().iter().any(|dimension| dimension.lower != 1) {
        for dimension in array.dimensions() {
            out.push_str(&format!("[{}:{}]", dimension.lower, dimension.upper()));
        }
        out.push('=');
    }
    push_level(array, array.dimensions(), array.values(), ctx, out);
}

fn push_level(array: &Array, dimensions: &[Dimension], values: &[Value], ctx: &ValueContext, out: &mut String) {
    out.push('{');
    match dimensions {
        [dimension, below @ ..] if !below.is_empty() => {
            let size = (values.len() / dimension.length.max(1)).max(1);
            for (at, part) in values.chunks(size).enumerate() {
                if at > 0 {
                    out.push(',');
                }
                push_level(array, below, part, ctx, out);
            }
        }
        _ => {
            let mut text = String::new();
            for (at, value) in values.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                if value.is_null() {
                    out.push_str("NULL");
                    continue;
                }
                text.clear();
                format_text(value, array.element(), ctx, &mut text);
                push_item(&text, out);
            }
        }
    }
    out.push('}');
}

fn push_item(text: &str, out: &mut String) {
    let is_special = |c: char| matches!(c, '"' | '\\' | '{' | '}' | ',' | ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}');
    if !text.is_empty() && !text.contains(is_special) && !text.eq_ignore_ascii_case("null") {
        return out.push_str(text);
    }
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}

/// Reads an `int2vector` or `oidvector`: elements between blanks, counted from 0.
pub fn parse_vector(text: &str, element: DataType, ctx: &ValueContext) -> Result<Array> {
    let column_type = ColumnType { data_type: element, typmod: -1 };
    let values = text.split_ascii_whitespace().map(|item| parse_text(item, column_type, ctx)).collect::<Result<_>>()?;
    Ok(Array::from_lower(element, values, 0))
}

struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
    element: ColumnType,
    ctx: &'a ValueContext,
    /// How many elements have been read.
    elements: usize,
}

impl Reader<'_> {
    fn malformed(&self, detail: &str) -> SqlError {
        SqlError::new(SqlState::INVALID_TEXT_REPRESENTATION, format!("malformed array literal: \"{}\"", self.text))
            .with_detail(detail)
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r', '\u{b}', '\u{c}']);
    }

    fn eat(&mut self, wanted: char) -> bool {
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// `[1:2][0:3]=`
    fn bounds(&mut self) -> Result<Vec<(i32, i32)>> {
        let mut bounds = Vec::new();
        self.skip_blanks();
        while self.eat('[') {
            if bounds.len() == MAX_DIMENSIONS {
                return Err(too_many_dimensions());
            }
            let inside = self.rest.split_once(']');
            let (inside, rest) = inside.ok_or_else(|| self.malformed("Missing \"]\" after array dimensions."))?;
            self.rest = rest;
            let (lower, upper) = inside.split_once(':').unwrap_or(("1", inside));
            let number = |text: &str| text.trim().parse::<i32>().ok();
            let (Some(lower), Some(upper)) = (number(lower), number(upper)) else {
                return Err(self.malformed("\"[\" must introduce explicitly-specified array dimensions."));
            };
            if upper < lower {
                return Err(SqlError::new(
                    SqlState::ARRAY_SUBSCRIPT_ERROR,
                    "upper bound cannot be less than lower bound",
                ));
            }
            bounds.push((lower, upper));
            self.skip_blanks();
        }
        if !bounds.is_empty() && !self.eat('=') {
            return Err(self.malformed("Missing \"=\" after array dimensions."));
        }
        Ok(bounds)
    }

    /// One `{…}`.
    fn level(&mut self, depth: usize) -> Result<Item> {
        if depth == MAX_DIMENSIONS {
            return Err(too_many_dimensions());
        }
        self.eat('{');
        let mut items = Vec::new();
        self.skip_blanks();
        if self.eat('}') {
            return Ok(Item::Level(items));
        }
        loop {
            items.push(self.item(depth)?);
            self.skip_blanks();
            if self.eat('}') {
                return Ok(Item::Level(items));
            }
            if !self.eat(',') {
                let detail = match self.rest.chars().next() {
                    None => "Unexpected end of input.".to_owned(),
                    Some(c) => format!("Unexpected \"{c}\" character."),
                };
                return Err(self.malformed(&detail));
            }
        }
    }

    fn item(&mut self, depth: usize) -> Result<Item> {
        self.skip_blanks();
        if self.rest.starts_with('{') {
            return self.level(depth + 1);
        }
        self.elements += 1;
        if self.elements > MAX_ELEMENTS {
            return Err(too_large());
        }
        let value = if self.rest.starts_with('"') { self.quoted()? } else { self.plain()? };
        Ok(Item::Element(value))
    }

    fn quoted(&mut self) -> Result<Value> {
        let mut text = String::new();
        let mut chars = self.rest.chars();
        chars.next();
        loop {
            match chars.next() {
                None => return Err(self.malformed("Unexpected end of input.")),
                Some('"') => break,
                Some('\\') => match chars.next() {
                    None => return Err(self.malformed("Unexpected end of input.")),
                    Some(c) => text.push(c),
                },
                Some(c) => text.push(c),
            }
        }
        self.rest = chars.as_str();
        parse_text(&text, self.element, self.ctx)
    }

    fn plain(&mut self) -> Result<Value> {
        let mut text = String::new();
        let mut kept = 0;
        let mut was_escaped = false;
        let mut chars = self.rest.chars();
        while let Some(c) = chars.clone().next() {
            match c {
                ',' | '}' => break,
                '{' | '"' => return Err(self.malformed(&format!("Unexpected \"{c}\" character."))),
                '\\' => {
                    chars.next();
                    match chars.next() {
                        None => return Err(self.malformed("Unexpected end of input.")),
                        Some(escaped) => text.push(escaped),
                    }
                    was_escaped = true;
                    kept = text.len();
                    continue;
                }
                _ => text.push(c),
            }
            chars.next();
            if !matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}') {
                kept = text.len();
            }
        }
        if chars.as_str().is_empty() {
            return Err(self.malformed("Unexpected end of input."));
        }
        text.truncate(kept);
        self.rest = chars.as_str();
        if text.is_empty() {
            let found = self.rest.chars().next().unwrap_or('}');
            return Err(self.malformed(&format!("Unexpected \"{found}\" character.")));
        }
        if !was_escaped && text.eq_ignore_ascii_case("null") {
            return Ok(Value::Null);
        }
        parse_text(&text, self.element, self.ctx)
    }

    fn finish(self, root: Item, declared: &[(i32, i32)]) -> Result<Array> {
        let mut lengths = Vec::new();
        let mut first = &root;
        while let Item::Level(items) = first {
            lengths.push(items.len());
            let Some(next) = items.first() else { break };
            first = next;
        }
        let mut values = Vec::with_capacity(self.elements);
        if !root.flatten(&lengths, &mut values) {
            return Err(self.malformed("Multidimensional arrays must have sub-arrays with matching dimensions."));
        }
        if values.is_empty() {
            return Ok(Array::new(self.element.data_type, values));
        }
        let span = |(lower, upper): &(i32, i32)| usize::try_from(i64::from(*upper) - i64::from(*lower) + 1).ok();
        if !declared.is_empty() && !declared.iter().map(span).eq(lengths.iter().map(|length| Some(*length))) {
            return Err(self.malformed("Specified array dimensions do not match array contents."));
        }
        let lower = |at: usize| declared.get(at).map_or(1, |(lower, _)| *lower);
        let dimensions =
            lengths.iter().enumerate().map(|(at, length)| Dimension { length: *length, lower: lower(at) }).collect();
        Array::with_dimensions(self.element.data_type, dimensions, values).ok_or_else(too_large)
    }
}

/// What stands between the braces of a text.
enum Item {
    Element(Value),
    Level(Vec<Item>),
}

impl Item {
    /// Appends its elements; false if it has not these lengths.
    fn flatten(self, lengths: &[usize], values: &mut Vec<Value>) -> bool {
        match (self, lengths) {
            (Self::Element(value), []) => {
                values.push(value);
                true
            }
            (Self::Level(items), [length, below @ ..]) if items.len() == *length => {
                items.into_iter().all(|item| item.flatten(below, values))
            }
            _ => false,
        }
    }
}

/// The error for an array of too many dimensions.
pub fn too_many_dimensions() -> SqlError {
    SqlError::new(
        SqlState::PROGRAM_LIMIT_EXCEEDED,
        format!("number of array dimensions ({}) exceeds the maximum allowed ({MAX_DIMENSIONS})", MAX_DIMENSIONS + 1),
    )
}

/// The error for an array of too many elements.
pub fn too_large() -> SqlError {
    SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, format!("array size exceeds the maximum allowed ({MAX_ELEMENTS})"))
}

/// Appends the binary form.
pub fn encode(array: &Array, ctx: &ValueContext, out: &mut BytesMut) {
    let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    out.put_i32(count(array.dimensions().len()));
    out.put_i32(i32::from(array.values().iter().any(Value::is_null)));
    out.put_u32(array.element().oid());
    for dimension in array.dimensions() {
        out.put_i32(count(dimension.length));
        out.put_i32(dimension.lower);
    }
    for value in array.values() {
        binary::put_sized(value, array.element(), ctx, out);
    }
}

/// Reads the binary form.
pub fn decode(bytes: &[u8], element: DataType, ctx: &ValueContext) -> Result<Array> {
    let mut reader = binary::Fields::new(bytes);
    let count = reader.i32()?;
    let flags = reader.i32()?;
    let sent = reader.u32()?;
    let count = usize::try_from(count).map_err(|_| binary::malformed())?;
    if count > MAX_DIMENSIONS {
        return Err(too_many_dimensions());
    }
    if !matches!(flags, 0 | 1) {
        return Err(SqlError::new(SqlState::INVALID_BINARY_REPRESENTATION, "invalid array flags"));
    }
    if sent != element.oid() {
        return Err(SqlError::new(
            SqlState::DATATYPE_MISMATCH,
            format!("binary data has array element type {sent} instead of expected {}", element.oid()),
        ));
    }
    let mut dimensions = Vec::with_capacity(count);
    let mut total = usize::from(count > 0);
    for _ in 0..count {
        let length = usize::try_from(reader.i32()?).map_err(|_| binary::malformed())?;
        dimensions.push(Dimension { length, lower: reader.i32()? });
        total = total.checked_mul(length).filter(|total| *total <= MAX_ELEMENTS).ok_or_else(too_large)?;
    }
    // An element takes four bytes at least.
    if total > bytes.len() / 4 {
        return Err(binary::malformed());
    }
    let values = (0..total).map(|_| reader.sized(element, ctx)).collect::<Result<Vec<_>>>()?;
    reader.finish()?;
    Array::with_dimensions(element, dimensions, values).ok_or_else(too_large)
}

/// An array value of one dimension.
pub fn value(element: DataType, values: Vec<Value>) -> Value {
    Value::Array(Arc::new(Array::new(element, values)))
}
