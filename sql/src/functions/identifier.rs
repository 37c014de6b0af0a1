//! Names and literals in statements that are put together: `quote_ident`, `quote_literal`, `parse_ident`.

use std::sync::Arc;

use heliosdb_storage::value::{Array, DataType, Value};

use super::{ScalarFunction, bad_arguments};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::EvalContext;
use crate::parse;
use crate::types::input::too_long;
use crate::types::{MAX_VALUE_BYTES, to_text};

const T: DataType = DataType::Text;
const ANY: DataType = DataType::AnyElement;

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction::new("quote_ident", &[T], T, |_, args| match args {
        [Value::Text(name)] => bounded(quote_ident(name)),
        _ => Err(bad_arguments("quote_ident", args)),
    }),
    ScalarFunction::new("quote_literal", &[T], T, literal),
    ScalarFunction::new("quote_literal", &[ANY], T, literal).stable(),
    ScalarFunction::new("quote_nullable", &[T], T, nullable).called_on_null(),
    ScalarFunction::new("quote_nullable", &[ANY], T, nullable).called_on_null().stable(),
    ScalarFunction::new("parse_ident", &[T], DataType::TEXT_ARRAY, parse_ident),
    ScalarFunction::new("parse_ident", &[T, DataType::Bool], DataType::TEXT_ARRAY, parse_ident),
];

/// Refuses what has become too long.
fn bounded(s: String) -> Result<Value> {
    if s.len() > MAX_VALUE_BYTES { Err(too_long()) } else { Ok(Value::text(s)) }
}

/// A name as it can stand in a statement: in quotes unless it is a plain lower-case word that is no keyword, or one that
/// can be any name.
pub fn quote_ident(name: &str) -> String {
    let mut bytes = name.bytes();
    let plain = bytes.next().is_some_and(|b| b.is_ascii_lowercase() || b == b'_')
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && !parse::is_restricted_word(name);
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// A text as a literal.
pub fn quote_literal(s: &str) -> String {
    let prefix = if s.contains('\\') { "E" } else { "" };
    let doubled = s.replace('\'', "''").replace('\\', "\\\\");
    format!("{prefix}'{doubled}'")
}

/// What a value is as text, as a cast of it.
fn cast_to_text(value: &Value, ctx: &EvalContext<'_>) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Text(text) => text.to_string(),
        // A cast takes the blanks off.
        Value::Bpchar(text) => text.trim_end_matches(' ').to_owned(),
        value => to_text(value, DataType::Unknown, ctx.time),
    }
}

fn literal(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    match args {
        [value] => bounded(quote_literal(&cast_to_text(value, ctx))),
        _ => Err(bad_arguments("quote_literal", args)),
    }
}

fn nullable(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    match args {
        [Value::Null] => Ok(Value::text("NULL")),
        _ => literal(ctx, args),
    }
}

fn parse_ident(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let (text, strict) = match args {
        [Value::Text(text)] => (text, true),
        [Value::Text(text), Value::Bool(strict)] => (text, *strict),
        _ => return Err(bad_arguments("parse_ident", args)),
    };
    let names = names(text, strict)?.into_iter().map(Value::text).collect();
    Ok(Value::Array(Arc::new(Array::new(T, names))))
}

/// The parts of a qualified name. What follows it is an error only where the text is taken strictly.
fn names(text: &str, strict: bool) -> Result<Vec<String>> {
    let invalid = || {
        let message = format!("string is not a valid identifier: \"{text}\"");
        SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
    };
    let is_blank = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}');
    let mut rest = text.trim_start_matches(is_blank);
    let (mut names, mut behind_dot) = (Vec::new(), false);
    loop {
        if let Some(quoted) = rest.strip_prefix('"') {
            let (name, after) =
                quoted_name(quoted).ok_or_else(|| invalid().with_detail("String has unclosed double quotes."))?;
            if name.is_empty() {
                return Err(invalid().with_detail("Quoted identifier must not be empty."));
            }
            names.push(name);
            rest = after;
        } else if rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()) {
            let goes_on = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$') || !c.is_ascii();
            let (word, after) = rest.split_at(rest.find(|c| !goes_on(c)).unwrap_or(rest.len()));
            names.push(word.to_ascii_lowercase());
            rest = after;
        } else if rest.starts_with('.') {
            return Err(invalid().with_detail("No valid identifier before \".\"."));
        } else if behind_dot {
            return Err(invalid().with_detail("No valid identifier after \".\"."));
        } else {
            return Err(invalid());
        }
        rest = rest.trim_start_matches(is_blank);
        match rest.strip_prefix('.') {
            Some(after) => {
                behind_dot = true;
                rest = after.trim_start_matches(is_blank);
            }
            None if rest.is_empty() || !strict => return Ok(names),
            None => return Err(invalid()),
        }
    }
}

/// The name up to its closing quote, and what follows.
fn quoted_name(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut rest = text;
    loop {
        let (part, after) = rest.split_once('"')?;
        name.push_str(part);
        match after.strip_prefix('"') {
            Some(after) => {
                name.push('"');
                rest = after;
            }
            None => return Some((name, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_where_they_must_be() {
        let cases = [
            ("abc", "abc"),
            ("a b", "\"a b\""),
            ("A\"b", "\"A\"\"b\""),
            ("select", "\"select\""),
            ("timestamp", "\"timestamp\""),
            ("left", "\"left\""),
            ("name", "name"),
            ("a$", "\"a$\""),
            ("1a", "\"1a\""),
            ("", "\"\""),
        ];
        for (name, quoted) in cases {
            assert_eq!(quote_ident(name), quoted);
        }
    }

    #[test]
    fn literals_escape_quotes_and_backslashes() {
        assert_eq!(quote_literal("it's"), "'it''s'");
        assert_eq!(quote_literal("a\\b"), "E'a\\\\b'");
    }

    #[test]
    fn qualified_names_are_taken_apart() {
        assert_eq!(names(" Foo . \"b\"\"C\" ", true).unwrap(), ["foo", "b\"C"]);
        assert_eq!(names("a.b()", false).unwrap(), ["a", "b"]);
        let detail = |text| names(text, true).unwrap_err().fields.detail;
        assert_eq!(detail("a.").as_deref(), Some("No valid identifier after \".\"."));
        assert_eq!(detail("a..b").as_deref(), Some("No valid identifier before \".\"."));
        assert_eq!(detail("\"a").as_deref(), Some("String has unclosed double quotes."));
        assert_eq!(detail("\"\"").as_deref(), Some("Quoted identifier must not be empty."));
        assert_eq!(detail("a b"), None);
    }
}
