//! LIKE and ILIKE.

use heliosdb_storage::value::{DataType, Value};

use super::strings::lower;
use super::{ScalarFunction, bad_arguments};
use crate::error::{Result, SqlError, SqlState};

const T: DataType = DataType::Text;
const B: DataType = DataType::Bool;
const BYTES: DataType = DataType::Bytea;
/// Matched with its blanks.
const C: DataType = DataType::Bpchar;

/// `x LIKE p ESCAPE e` is `x ~~ like_escape(p, e)`.
pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction::new("like", &[T, T], B, |_, args| matches(args, false, true)),
    ScalarFunction::new("like", &[BYTES, BYTES], B, |_, args| matches(args, false, true)),
    ScalarFunction::new("notlike", &[T, T], B, |_, args| matches(args, false, false)),
    ScalarFunction::new("notlike", &[BYTES, BYTES], B, |_, args| matches(args, false, false)),
    ScalarFunction::new("like_escape", &[T, T], T, |_, args| like_escape(args)),
    ScalarFunction::new("like_escape", &[BYTES, BYTES], BYTES, |_, args| like_escape_bytes(args)),
];

pub(super) static OPERATORS: &[ScalarFunction] = &[
    ScalarFunction::new("~~", &[T, T], B, |_, args| matches(args, false, true)),
    ScalarFunction::new("~~", &[C, T], B, |_, args| matches(args, false, true)),
    ScalarFunction::new("~~", &[BYTES, BYTES], B, |_, args| matches(args, false, true)),
    ScalarFunction::new("!~~", &[T, T], B, |_, args| matches(args, false, false)),
    ScalarFunction::new("!~~", &[C, T], B, |_, args| matches(args, false, false)),
    ScalarFunction::new("!~~", &[BYTES, BYTES], B, |_, args| matches(args, false, false)),
    ScalarFunction::new("~~*", &[T, T], B, |_, args| matches(args, true, true)),
    ScalarFunction::new("~~*", &[C, T], B, |_, args| matches(args, true, true)),
    ScalarFunction::new("!~~*", &[T, T], B, |_, args| matches(args, true, false)),
    ScalarFunction::new("!~~*", &[C, T], B, |_, args| matches(args, true, false)),
];

fn matches(args: &[Value], fold_case: bool, wanted: bool) -> Result<Value> {
    let (text, pattern) = match args {
        [Value::Text(text) | Value::Bpchar(text), Value::Text(pattern)] => (text, pattern),
        [Value::Bytea(bytes), Value::Bytea(pattern)] => {
            return Ok(Value::Bool(is_like(bytes, pattern, |_, _| 1)? == wanted));
        }
        _ => return Err(bad_arguments("LIKE", args)),
    };
    let is_match = if fold_case {
        let folded = |s: &str| s.chars().map(lower).collect::<String>();
        is_like(folded(text).as_bytes(), folded(pattern).as_bytes(), char_length)?
    } else {
        is_like(text.as_bytes(), pattern.as_bytes(), char_length)?
    };
    Ok(Value::Bool(is_match == wanted))
}

/// Whether the text matches. Greedy with one place to go back to: the last `%`, which is enough because a later `%`
/// can take whatever an earlier one could. Time is text × pattern at worst. `char_length` tells the bytes of a character.
fn is_like(text: &[u8], pattern: &[u8], char_length: fn(&[u8], usize) -> usize) -> Result<bool> {
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
            Some(b'\\') => match pattern.get(p + 1) {
                Some(literal) => (text.get(t) == Some(literal)).then_some((1, 2)),
                None if t == text.len() => None,
                None => return Err(ends_with_escape()),
            },
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

fn ends_with_escape() -> SqlError {
    SqlError::new(SqlState::INVALID_ESCAPE_SEQUENCE, "LIKE pattern must not end with escape character")
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
    match (chars.next(), chars.next()) {
        (escape, None) => Ok(Value::text(escaped(pattern.chars(), escape, '\\').collect::<String>())),
        _ => Err(invalid_escape()),
    }
}

fn like_escape_bytes(args: &[Value]) -> Result<Value> {
    let [Value::Bytea(pattern), Value::Bytea(escape)] = args else { return Err(bad_arguments("LIKE", args)) };
    let escape = match **escape {
        [] => None,
        [escape] => Some(escape),
        _ => return Err(invalid_escape()),
    };
    Ok(Value::Bytea(escaped(pattern.iter().copied(), escape, b'\\').collect()))
}

fn invalid_escape() -> SqlError {
    SqlError::new(SqlState::INVALID_ESCAPE_SEQUENCE, "invalid escape string")
        .with_hint("Escape string must be empty or one character.")
}

/// A last escape stays alone, for the match to refuse.
fn escaped<C: Copy + PartialEq>(
    mut pattern: impl Iterator<Item = C>,
    escape: Option<C>,
    backslash: C,
) -> impl Iterator<Item = C> {
    std::iter::from_fn(move || {
        let c = pattern.next()?;
        Some(if Some(c) == escape {
            [Some(backslash), pattern.next()]
        } else if c == backslash {
            [Some(backslash), Some(backslash)]
        } else {
            [Some(c), None]
        })
    })
    .flat_map(|pair| pair.into_iter().flatten())
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
            assert_eq!(
                is_like(text.as_bytes(), pattern.as_bytes(), char_length).unwrap(),
                expected,
                "{text} LIKE {pattern}"
            );
        }
        assert_eq!(is_like(b"ab", b"a\\", char_length).unwrap_err().state, SqlState::INVALID_ESCAPE_SEQUENCE);
        assert!(!is_like(b"a", b"a\\", char_length).unwrap());
        assert!(!is_like(b"b", b"a\\", char_length).unwrap());
        assert!(is_like("aé".as_bytes(), b"a__", |_, _| 1).unwrap());
    }

    #[test]
    fn another_escape_character() {
        let escape = |p: &str, e: &str| like_escape(&[Value::text(p), Value::text(e)]).unwrap();
        assert_eq!(escape("10!%\\", "!"), Value::text("10\\%\\\\"));
        assert_eq!(escape("a\\b", ""), Value::text("a\\\\b"));
    }
}
