//! Text and binary forms of row values. Those of PostgreSQL's anonymous records cannot be read, only printed.

use bytes::{BufMut, BytesMut};
use heliosdb_storage::value::Record;

use super::{ValueContext, binary, format_text};

/// Appends `(1,"a b",)`.
pub fn format(record: &Record, ctx: &ValueContext, out: &mut String) {
    let mut text = String::new();
    out.push('(');
    for (at, ((_, data_type), value)) in record.shape.fields.iter().zip(&record.values).enumerate() {
        if at > 0 {
            out.push(',');
        }
        if value.is_null() {
            continue;
        }
        text.clear();
        format_text(value, *data_type, ctx, &mut text);
        push_field(&text, out);
    }
    out.push(')');
}

fn push_field(text: &str, out: &mut String) {
    let is_special = |c: char| matches!(c, '"' | '\\' | '(' | ')' | ',' | ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}');
    if !text.is_empty() && !text.contains(is_special) {
        return out.push_str(text);
    }
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push(c);
        }
        out.push(c);
    }
    out.push('"');
}

/// Appends the binary form.
pub fn encode(record: &Record, ctx: &ValueContext, out: &mut BytesMut) {
    out.put_i32(i32::try_from(record.values.len()).unwrap_or(i32::MAX));
    for ((_, data_type), value) in record.shape.fields.iter().zip(&record.values) {
        out.put_u32(data_type.oid());
        binary::put_sized(value, *data_type, ctx, out);
    }
}
