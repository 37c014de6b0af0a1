//! SIMILAR TO: the SQL standard's patterns as regular expressions.

use crate::error::{Result, SqlError, SqlState};

/// The escape character that a text gives; none for an empty one.
pub fn escape_char(text: &str) -> Result<Option<char>> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (escape, None) => Ok(escape),
        _ => Err(SqlError::new(SqlState::INVALID_ESCAPE_SEQUENCE, "invalid escape string")
            .with_hint("Escape string must be empty or one character.")),
    }
}

/// The regular expression of a pattern. Two `"` behind the escape character cut it in three; then the middle one is a
/// group, and what is around it matches as little as it can.
pub fn to_regex(pattern: &str, escape: Option<char>) -> Result<String> {
    let mut out = String::from("^(?:");
    let (mut was_escape, mut quotes) = (false, 0);
    // Whether a bracket is open, and whether anything has come in it.
    let mut bracket: Option<bool> = None;
    for c in pattern.chars() {
        if was_escape {
            if c == '"' && bracket.is_none() {
                match quotes {
                    0 => out.push_str("){1,1}?("),
                    1 => out.push_str("){1,1}(?:"),
                    _ => {
                        return Err(SqlError::new(
                            SqlState("2200C"),
                            "SQL regular expression may not contain more than two escape-double-quote separators",
                        ));
                    }
                }
                quotes += 1;
            } else {
                // The character as it is, even if it means something in a regular expression.
                out.push('\\');
                out.push(c);
            }
            was_escape = false;
        } else if Some(c) == escape {
            was_escape = true;
        } else if let Some(has_come) = bracket {
            if c == '\\' {
                out.push('\\');
            }
            out.push(c);
            bracket = if c == ']' && has_come { None } else { Some(has_come || c != '^') };
        } else {
            match c {
                '[' => {
                    out.push('[');
                    bracket = Some(false);
                }
                '%' => out.push_str(".*"),
                '_' => out.push('.'),
                '(' => out.push_str("(?:"),
                '\\' | '.' | '^' | '$' => {
                    out.push('\\');
                    out.push(c);
                }
                c => out.push(c),
            }
        }
    }
    out.push_str(")$");
    Ok(out)
}
