//! JSONB: a parsed document.

use std::cmp::Ordering;
use std::fmt::{self, Write as _};

use serde_json::Value as Node;

use super::Numeric;

/// Deepest nesting of arrays and objects.
pub const MAX_DEPTH: usize = 120;

/// A JSON document, numbers kept with all their digits, keys of objects unique.
#[derive(Clone, Debug, PartialEq)]
pub struct Json(pub Node);

impl Json {
    /// Reads JSON text. Of equal keys the last wins. The error says what PostgreSQL's `jsonb` cannot hold.
    pub fn parse(text: &str) -> Result<Self, String> {
        let node: Node = serde_json::from_str(text).map_err(|e| format!("invalid JSON: {e}"))?;
        let json = Self(node);
        json.check_depth()?;
        check_leaves(&json.0)?;
        Ok(json)
    }

    /// Fails for a document that is nested too deeply to be stored.
    pub fn check_depth(&self) -> Result<(), String> {
        if is_deeper_than(&self.0, MAX_DEPTH) {
            return Err(format!("a JSON document is nested deeper than {MAX_DEPTH}"));
        }
        Ok(())
    }

    /// A total order: null < strings < numbers < booleans < arrays < objects, as PostgreSQL has it; arrays and objects by
    /// their length first; strings by bytes.
    pub fn compare(&self, other: &Self) -> Ordering {
        compare_nodes(&self.0, &other.0)
    }
}

impl fmt::Display for Json {
    /// PostgreSQL's text of a `jsonb`: a space behind `:` and `,`, keys by length, then by bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_node(f, &self.0)
    }
}

/// The pairs of an object in the order in which they print and compare.
pub(crate) fn sorted_pairs(object: &serde_json::Map<String, Node>) -> Vec<(&String, &Node)> {
    let mut pairs: Vec<_> = object.iter().collect();
    pairs.sort_by(|(a, _), (b, _)| a.len().cmp(&b.len()).then_with(|| a.as_bytes().cmp(b.as_bytes())));
    pairs
}

/// The value of a number. Numbers are checked when a document is parsed; one made elsewhere that no `numeric` can hold
/// counts as NaN.
pub(crate) fn number(number: &serde_json::Number) -> Numeric {
    Numeric::parse(&number.to_string()).unwrap_or(Numeric::NaN)
}

/// The place of a node's kind in the order of kinds.
pub(crate) const fn kind_rank(node: &Node) -> u8 {
    match node {
        Node::Null => 1,
        Node::String(_) => 2,
        Node::Number(_) => 3,
        Node::Bool(_) => 4,
        Node::Array(_) => 5,
        Node::Object(_) => 6,
    }
}

fn compare_nodes(a: &Node, b: &Node) -> Ordering {
    match (a, b) {
        (Node::String(a), Node::String(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Node::Number(a), Node::Number(b)) => number(a).cmp(&number(b)),
        (Node::Bool(a), Node::Bool(b)) => a.cmp(b),
        (Node::Array(a), Node::Array(b)) => a.len().cmp(&b.len()).then_with(|| {
            a.iter().zip(b).map(|(a, b)| compare_nodes(a, b)).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
        }),
        (Node::Object(a), Node::Object(b)) => a.len().cmp(&b.len()).then_with(|| {
            let pairs = sorted_pairs(a).into_iter().zip(sorted_pairs(b));
            pairs
                .map(|((ka, va), (kb, vb))| ka.as_bytes().cmp(kb.as_bytes()).then_with(|| compare_nodes(va, vb)))
                .find(|o| o.is_ne())
                .unwrap_or(Ordering::Equal)
        }),
        _ => kind_rank(a).cmp(&kind_rank(b)),
    }
}

fn is_deeper_than(node: &Node, depth: usize) -> bool {
    let Some(below) = depth.checked_sub(1) else {
        return matches!(node, Node::Array(_) | Node::Object(_));
    };
    match node {
        Node::Array(items) => items.iter().any(|item| is_deeper_than(item, below)),
        Node::Object(pairs) => pairs.values().any(|value| is_deeper_than(value, below)),
        _ => false,
    }
}

fn check_leaves(node: &Node) -> Result<(), String> {
    match node {
        Node::Null | Node::Bool(_) => Ok(()),
        Node::Number(n) => match Numeric::parse(&n.to_string()) {
            Some(_) => Ok(()),
            None => Err("a JSON number is out of the range of numeric".to_owned()),
        },
        Node::String(s) => check_string(s),
        Node::Array(items) => items.iter().try_for_each(check_leaves),
        Node::Object(pairs) => pairs.iter().try_for_each(|(key, value)| {
            check_string(key)?;
            check_leaves(value)
        }),
    }
}

fn check_string(s: &str) -> Result<(), String> {
    if s.contains('\0') {
        return Err("\\u0000 cannot be converted to text".to_owned());
    }
    Ok(())
}

fn write_node(f: &mut fmt::Formatter<'_>, node: &Node) -> fmt::Result {
    match node {
        Node::Null => f.write_str("null"),
        Node::Bool(b) => write!(f, "{b}"),
        Node::Number(n) => match Numeric::parse(&n.to_string()) {
            Some(n) => write!(f, "{n}"),
            None => write!(f, "{n}"),
        },
        Node::String(s) => write_string(f, s),
        Node::Array(items) => {
            f.write_char('[')?;
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    f.write_str(", ")?;
                }
                write_node(f, item)?;
            }
            f.write_char(']')
        }
        Node::Object(object) => {
            f.write_char('{')?;
            for (i, (key, value)) in sorted_pairs(object).into_iter().enumerate() {
                if i > 0 {
                    f.write_str(", ")?;
                }
                write_string(f, key)?;
                f.write_str(": ")?;
                write_node(f, value)?;
            }
            f.write_char('}')
        }
    }
}

fn write_string(f: &mut fmt::Formatter<'_>, s: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in s.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\u{8}' => f.write_str("\\b")?,
            '\u{c}' => f.write_str("\\f")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            c if c < ' ' => write!(f, "\\u{:04x}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> String {
        Json::parse(text).unwrap().to_string()
    }

    #[test]
    fn prints_as_postgresql_does() {
        for (given, printed) in [
            (r#"{"b":[1,2],"a":1}"#, r#"{"a": 1, "b": [1, 2]}"#),
            (r#"{"bb":1,"a":2,"c":3}"#, r#"{"a": 2, "c": 3, "bb": 1}"#),
            (r#"{"a":1,"a":2}"#, r#"{"a": 2}"#),
            ("[]", "[]"),
            ("{}", "{}"),
            ("1.10", "1.10"),
            ("1E2", "100"),
            ("-0", "0"),
            ("12345678901234567890.123456789", "12345678901234567890.123456789"),
            (r#""\u00e9\n\u0001\/""#, "\"é\\n\\u0001/\""),
            ("null", "null"),
            ("[true,false]", "[true, false]"),
        ] {
            assert_eq!(canonical(given), printed, "{given}");
        }
    }

    #[test]
    fn refuses_what_jsonb_cannot_hold() {
        for text in ["", "{", "01", "nul", r#""\u0000""#, r#"{"\u0000":1}"#, "1e999999", "NaN", "1 2"] {
            assert!(Json::parse(text).is_err(), "{text}");
        }
        let deep = |n: usize| "[".repeat(n) + &"]".repeat(n);
        assert!(Json::parse(&deep(MAX_DEPTH)).is_ok());
        assert!(Json::parse(&deep(MAX_DEPTH + 1)).is_err());
        assert!(Json::parse(&deep(100_000)).is_err());
    }

    #[test]
    fn kinds_are_ordered() {
        let sorted =
            ["null", r#""a""#, r#""b""#, "1", "1.5", "2", "false", "true", "[]", "[9]", "[1,1]", "{}", r#"{"a":1}"#];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                assert_eq!(Json::parse(a).unwrap().compare(&Json::parse(b).unwrap()), i.cmp(&j), "{a} {b}");
            }
        }
        assert!(Json::parse("1.0").unwrap().compare(&Json::parse("1.00").unwrap()).is_eq());
    }
}
