//! LIKE and ILIKE.

use heliosdb_storage::value::{DataType, Value};

use super::{ScalarFunction, bad_arguments};
use crate::error::{Result, SqlError, SqlState};

const T: DataType = DataType::Text;
const B: DataType = DataType::Bool;

/// `x LIKE p ESCAPE e` is `x ~~ like_escape(p, e)`.
pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction::new("like", &[T, T], B, |_, args| matches(args, false, true)),
    ScalarFunction::new("like_escape", &[T, T], T, |_, args| like_escape(args)),
];

pub(super) static OPERATORS: &[ScalarFunction] = &[
    ScalarFunction::new("~~", &[T, T], B, |_, args| matches(args, false, true)),
    ScalarFunction::new("!~~", &[T, T], B, |_, args| matches(args, false, false)),
    ScalarFunction::new("~~*", &[T, T], B, |_, args| matches(args, true, true)),
    ScalarFunction::new("!~~*", &[T, T], B, |_, args| matches(args, true, false)),
];

fn matches(args: &[Value], fold_case: bool, wanted: bool) -> Result<Value> {
    let [Value::Text(text), Value::Text(pattern)] = args else { return Err(bad_arguments("LIKE", args)) };
    let is_match = if fold_case {
        is_like(text.to_lowercase().as_bytes(), pattern.to_lowercase().as_bytes())?
    } else {
        is_like(text.as_bytes(), pattern.as_bytes())?
    };
    Ok(Value::Bool(is_match == wanted))
}

/// Whether the text matches. Greedy with one place to go back to: the last `%`, which is enough because a later `%`
/// can take whatever an earlier one could. Time is text × pattern at worst.
fn is_like(text: &[u8], pattern: &[u8]) -> Result<bool> {
    let (mut t, mut p) = (0, 0);
    let mut last_percent: Option<(usize, usize)> = None;
    loop {
        let step = match pattern.get(p) {
            Some(b'%') => {
                p += 1;
                last_percent = Some((p, t));
                continue;
            }
            Some(b'_') => (t < text.len()).then(|| (char_length(text, t), 1)),
            Some(b'\\') => {
                let literal = pattern.get(p + 1).ok_or_else(|| {
                    SqlError::new(SqlState::INVALID_ESCAPE_SEQUENCE, "LIKE pattern must not end with escape character")
                })?;
                (text.get(t) == Some(literal)).then_some((1, 2))
            }
            Some(literal) => (text.get(t) == Some(literal)).then_some((1, 1)),
            None if t == text.len() => return Ok(true),
            None => None,
        };
        match (step, last_percent) {
            (Some((of_text, of_pattern)), _) => {
                t += of_text;
                p += of_pattern;
            }
            (None, Some((after_percent, taken))) if taken < text.len() => {
                let next = taken + char_length(text, taken);
                last_percent = Some((after_percent, next));
                (t, p) = (next, after_percent);
            }
            (None, _) => return Ok(false),
        }
    }
}

/// The bytes of the character that starts there.
fn char_length(text: &[u8], at: usize) -> usize {
    let is_continuation = |b: &&u8| **b & 0xc0 == 0x80;
    1 + text.iter().skip(at + 1).take_while(is_continuation).count()
}

/// The pattern with another escape character, in terms of the backslash.
fn like_escape(args: &[Value]) -> Result<Value> {
    let [Value::Text(pattern), Value::Text(escape)] = args else { return Err(bad_arguments("LIKE", args)) };
    let mut chars = escape.chars();
    let escape = match (chars.next(), chars.next()) {
        (escape, None) => escape,
        _ => {
            return Err(SqlError::new(SqlState::INVALID_ESCAPE_SEQUENCE, "invalid escape string")
                .with_hint("Escape string must be empty or one character."));
        }
    };
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if Some(c) == escape {
            out.push('\\');
            // A last escape stays alone, for the match to refuse.
            out.extend(chars.next());
        } else if c == '\\' {
            out.push_str("\\\\");
        } else {
            out.push(c);
        }
    }
    Ok(Value::text(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_postgresql() {
        let cases = [
            ("abc", "abc", true),
            ("abc", "a%", true),
            ("abc", "%c", true),
            ("abc", "_b_", true),
            ("abc", "a_", false),
            ("abc", "%", true),
            ("", "%", true),
            ("", "_", false),
            ("a%c", "a\\%c", true),
            ("abc", "a\\%c", false),
            ("aXbXc", "a%b%c", true),
            ("mississippi", "m%iss%p_i", true),
            ("mississippi", "m%iss%p_x", false),
            ("äöü", "_ö_", true),
            ("äöü", "___", true),
            ("äöü", "____", false),
            ("aaab", "%ab", true),
            ("a\\c", "a\\\\c", true),
        ];
        for (text, pattern, expected) in cases {
            assert_eq!(is_like(text.as_bytes(), pattern.as_bytes()).unwrap(), expected, "{text} LIKE {pattern}");
        }
        assert_eq!(is_like(b"a", b"a\\").unwrap_err().state, SqlState::INVALID_ESCAPE_SEQUENCE);
        assert!(!is_like(b"b", b"a\\").unwrap());
    }

    #[test]
    fn another_escape_character() {
        let escape = |p: &str, e: &str| like_escape(&[Value::text(p), Value::text(e)]).unwrap();
        assert_eq!(escape("10!%\\", "!"), Value::text("10\\%\\\\"));
        assert_eq!(escape("a\\b", ""), Value::text("a\\\\b"));
    }
}
