//! Regular expressions: `~` and its kin, `regexp_…`, SIMILAR TO.

use std::sync::Arc;

use heliosdb_storage::value::{Array, DataType, Value};

use super::table::{RowShape, RowSource, TableFunction};
use super::{Code, ScalarFunction, bad_arguments};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::EvalContext;
use crate::regex::{self, Groups, Regex, Syntax, similar};
use crate::types::MAX_VALUE_BYTES;
use crate::types::input::too_long;

const T: DataType = DataType::Text;
const I: DataType = DataType::Int4;
const B: DataType = DataType::Bool;
const TEXTS: DataType = DataType::TEXT_ARRAY;

const fn text(name: &'static str, args: &'static [DataType], call: Code) -> ScalarFunction {
    ScalarFunction::new(name, args, T, call)
}

const fn operator(symbol: &'static str, args: &'static [DataType], call: Code) -> ScalarFunction {
    ScalarFunction::new(symbol, args, B, call)
}

pub(super) static OPERATORS: &[ScalarFunction] = &[
    operator("~", &[T, T], |_, args| matches(args, false, true)),
    operator("!~", &[T, T], |_, args| matches(args, false, false)),
    operator("~*", &[T, T], |_, args| matches(args, true, true)),
    operator("!~*", &[T, T], |_, args| matches(args, true, false)),
    operator("~", &[DataType::Bpchar, T], |_, args| matches(args, false, true)),
    operator("!~", &[DataType::Bpchar, T], |_, args| matches(args, false, false)),
    operator("~*", &[DataType::Bpchar, T], |_, args| matches(args, true, true)),
    operator("!~*", &[DataType::Bpchar, T], |_, args| matches(args, true, false)),
    operator("~", &[DataType::Name, T], |_, args| matches(args, false, true)),
    operator("!~", &[DataType::Name, T], |_, args| matches(args, false, false)),
    operator("~*", &[DataType::Name, T], |_, args| matches(args, true, true)),
    operator("!~*", &[DataType::Name, T], |_, args| matches(args, true, false)),
];

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction::new("regexp_like", &[T, T], B, |_, args| like(args)),
    ScalarFunction::new("regexp_like", &[T, T, T], B, |_, args| like(args)),
    ScalarFunction::new("regexp_match", &[T, T], TEXTS, |_, args| first_match(args)),
    ScalarFunction::new("regexp_match", &[T, T, T], TEXTS, |_, args| first_match(args)),
    ScalarFunction::new("regexp_count", &[T, T], I, |_, args| count(args)),
    ScalarFunction::new("regexp_count", &[T, T, I], I, |_, args| count(args)),
    ScalarFunction::new("regexp_count", &[T, T, I, T], I, |_, args| count(args)),
    ScalarFunction::new("regexp_instr", &[T, T], I, |_, args| position(args)),
    ScalarFunction::new("regexp_instr", &[T, T, I], I, |_, args| position(args)),
    ScalarFunction::new("regexp_instr", &[T, T, I, I], I, |_, args| position(args)),
    ScalarFunction::new("regexp_instr", &[T, T, I, I, I], I, |_, args| position(args)),
    ScalarFunction::new("regexp_instr", &[T, T, I, I, I, T], I, |_, args| position(args)),
    ScalarFunction::new("regexp_instr", &[T, T, I, I, I, T, I], I, |_, args| position(args)),
    text("regexp_substr", &[T, T], |_, args| part(args)),
    text("regexp_substr", &[T, T, I], |_, args| part(args)),
    text("regexp_substr", &[T, T, I, I], |_, args| part(args)),
    text("regexp_substr", &[T, T, I, I, T], |_, args| part(args)),
    text("regexp_substr", &[T, T, I, I, T, I], |_, args| part(args)),
    text("regexp_replace", &[T, T, T], |_, args| replace(args)),
    text("regexp_replace", &[T, T, T, T], |_, args| replace(args)),
    text("regexp_replace", &[T, T, T, I], |_, args| replace(args)),
    text("regexp_replace", &[T, T, T, I, I], |_, args| replace(args)),
    text("regexp_replace", &[T, T, T, I, I, T], |_, args| replace(args)),
    ScalarFunction::new("regexp_split_to_array", &[T, T], TEXTS, |_, args| split_to_array(args)),
    ScalarFunction::new("regexp_split_to_array", &[T, T, T], TEXTS, |_, args| split_to_array(args)),
    text("substring", &[T, T], |_, args| match args {
        [Value::Text(text), Value::Text(pattern)] => substring(text, pattern),
        _ => Err(bad_arguments("substring", args)),
    }),
    text("substring", &[T, T, T], |_, args| match args {
        [Value::Text(text), Value::Text(pattern), Value::Text(escape)] => {
            substring(text, &similar::to_regex(pattern, similar::escape_char(escape)?)?)
        }
        _ => Err(bad_arguments("substring", args)),
    }),
    text("similar_to_escape", &[T], |_, args| to_regex(args)),
    text("similar_to_escape", &[T, T], |_, args| to_regex(args)),
    text("similar_escape", &[T, T], |_, args| match args {
        [Value::Null, _] => Ok(Value::Null),
        [pattern, Value::Null] => to_regex(std::slice::from_ref(pattern)),
        args => to_regex(args),
    })
    .called_on_null(),
];

pub(super) static TABLE_FUNCTIONS: &[TableFunction] = &[
    TableFunction::new("regexp_matches", &[T, T], &[("regexp_matches", TEXTS)], all_matches),
    TableFunction::new("regexp_matches", &[T, T, T], &[("regexp_matches", TEXTS)], all_matches),
    TableFunction::new("regexp_split_to_table", &[T, T], &[("regexp_split_to_table", T)], split_to_table),
    TableFunction::new("regexp_split_to_table", &[T, T, T], &[("regexp_split_to_table", T)], split_to_table),
];

fn matches(args: &[Value], ignore_case: bool, wanted: bool) -> Result<Value> {
    let [Value::Text(text) | Value::Bpchar(text), Value::Text(pattern)] = args else {
        return Err(bad_arguments("a regular expression", args));
    };
    let regex = regex::compile(pattern, Syntax { ignore_case, ..Syntax::default() })?;
    Ok(Value::Bool(regex.is_match(text)? == wanted))
}

/// The flags of a call: how the pattern is read, and whether all matches are wanted.
fn flags(flags: &str) -> Result<(Syntax, bool)> {
    let (mut syntax, mut global) = (Syntax::default(), false);
    for flag in flags.chars() {
        if flag == 'g' {
            global = true;
            continue;
        }
        syntax.set(flag).map_err(|error| match error {
            Some(error) => error.into(),
            None => SqlError::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("invalid regular expression option: \"{flag}\""),
            ),
        })?;
    }
    Ok((syntax, global))
}

/// The flags of a function that has no use for `g`.
fn flags_without_global(given: Option<&str>, function: &str) -> Result<Syntax> {
    let (syntax, global) = flags(given.unwrap_or_default())?;
    if global {
        let message = format!("{function}() does not support the \"global\" option");
        return Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    Ok(syntax)
}

/// An argument that must be at least so large.
fn parameter(value: i32, least: i32, name: &str) -> Result<usize> {
    if value < least {
        let message = format!("invalid value for parameter \"{name}\": {value}");
        return Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    Ok(usize::try_from(value).unwrap_or(0))
}

/// The place of a character that is counted from 1; none behind the end.
fn place(text: &str, start: usize) -> Option<usize> {
    text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(start - 1)
}

/// The character at a place, counted from 1.
fn char_number(text: &str, at: usize) -> Result<i32> {
    let before = text.get(..at).map_or(0, |before| before.chars().count());
    i32::try_from(before + 1).map_err(|_| too_long())
}

/// The matches in a text, one behind the other.
struct Matches<'a> {
    regex: &'a Regex,
    text: &'a str,
    /// Where the next search begins; none at the end.
    next: Option<usize>,
    with_groups: bool,
}

impl<'a> Matches<'a> {
    fn new(regex: &'a Regex, text: &'a str, from: Option<usize>) -> Self {
        Self { regex, text, next: from, with_groups: false }
    }
}

impl Iterator for Matches<'_> {
    type Item = Result<Groups>;

    fn next(&mut self) -> Option<Self::Item> {
        let from = self.next?;
        let found = if self.with_groups {
            self.regex.groups_at(self.text, from)
        } else {
            self.regex.find_at(self.text, from).map(|found| found.map(|whole| vec![Some(whole)]))
        };
        let groups = match found {
            Ok(groups) => groups,
            Err(error) => {
                self.next = None;
                return Some(Err(error));
            }
        };
        self.next = groups.as_ref().and_then(|groups| groups.first().copied().flatten()).and_then(|(start, end)| {
            // Behind a match of nothing the next search begins one character further on.
            let skipped = self.text.get(end..)?.chars().next();
            if start < end { Some(end) } else { skipped.map(|c| end + c.len_utf8()) }
        });
        groups.map(Ok)
    }
}

fn whole(groups: &Groups) -> (usize, usize) {
    groups.first().copied().flatten().unwrap_or((0, 0))
}

fn part_of(text: &str, part: Option<(usize, usize)>) -> Value {
    part.and_then(|(start, end)| text.get(start..end)).map_or(Value::Null, Value::text)
}

/// A match as an array: its groups, or all of it if it has none.
fn as_array(text: &str, groups: &Groups) -> Value {
    let parts = if groups.len() > 1 { groups.get(1..).unwrap_or_default() } else { groups };
    let values = parts.iter().map(|part| part_of(text, *part)).collect();
    Value::Array(Arc::new(Array::new(T, values)))
}

fn texts<'a>(args: &'a [Value], function: &str) -> Result<(&'a Arc<str>, &'a Arc<str>, Option<&'a str>)> {
    match args {
        [Value::Text(text), Value::Text(pattern)] => Ok((text, pattern, None)),
        [Value::Text(text), Value::Text(pattern), Value::Text(flags)] => Ok((text, pattern, Some(flags))),
        _ => Err(bad_arguments(function, args)),
    }
}

fn like(args: &[Value]) -> Result<Value> {
    let (text, pattern, given) = texts(args, "regexp_like")?;
    let regex = regex::compile(pattern, flags_without_global(given, "regexp_like")?)?;
    regex.is_match(text).map(Value::Bool)
}

fn first_match(args: &[Value]) -> Result<Value> {
    let (text, pattern, given) = texts(args, "regexp_match")?;
    let (_, global) = flags(given.unwrap_or_default())?;
    let syntax = flags_without_global(given, "regexp_match")
        .map_err(|error| if global { error.with_hint("Use the regexp_matches function instead.") } else { error })?;
    let groups = regex::compile(pattern, syntax)?.groups_at(text, 0)?;
    Ok(groups.map_or(Value::Null, |groups| as_array(text, &groups)))
}

fn all_matches(_: &EvalContext<'_>, args: &[Value], _: &RowShape) -> Result<RowSource> {
    let (text, pattern, given) = texts(args, "regexp_matches")?;
    let (syntax, global) = flags(given.unwrap_or_default())?;
    let regex = regex::compile(pattern, syntax)?;
    let text = Arc::clone(text);
    let (mut next, mut is_done) = (Some(0), false);
    Ok(Box::new(std::iter::from_fn(move || {
        if is_done {
            return None;
        }
        let mut matches = Matches { regex: &regex, text: &text, next, with_groups: true };
        let found = matches.next();
        next = matches.next;
        is_done = !global || next.is_none();
        found.map(|groups| groups.map(|groups| vec![as_array(&text, &groups)]))
    })))
}

fn count(args: &[Value]) -> Result<Value> {
    let (text, pattern, start, given) = match args {
        [Value::Text(text), Value::Text(pattern)] => (text, pattern, 1, None),
        [Value::Text(text), Value::Text(pattern), Value::Int4(start)] => (text, pattern, *start, None),
        [Value::Text(text), Value::Text(pattern), Value::Int4(start), Value::Text(flags)] => {
            (text, pattern, *start, Some(&**flags))
        }
        _ => return Err(bad_arguments("regexp_count", args)),
    };
    let start = parameter(start, 1, "start")?;
    let regex = regex::compile(pattern, flags_without_global(given, "regexp_count")?)?;
    let mut count = 0_i32;
    for found in Matches::new(&regex, text, place(text, start)) {
        found?;
        count = count.saturating_add(1);
    }
    Ok(Value::Int4(count))
}

/// The arguments that `regexp_instr` and `regexp_substr` have in common behind text and pattern.
struct Which {
    start: usize,
    n: usize,
    subexpression: usize,
}

impl Which {
    fn new(start: Option<&Value>, n: Option<&Value>, subexpression: Option<&Value>) -> Result<Self> {
        let number = |value: Option<&Value>, default: i32| match value {
            Some(Value::Int4(n)) => *n,
            _ => default,
        };
        Ok(Self {
            start: parameter(number(start, 1), 1, "start")?,
            n: parameter(number(n, 1), 1, "n")?,
            subexpression: parameter(number(subexpression, 0), 0, "subexpr")?,
        })
    }

    /// The part of the text that is meant, if it is there.
    fn find(&self, regex: &Regex, text: &str) -> Result<Option<(usize, usize)>> {
        if self.subexpression > regex.group_count() {
            return Ok(None);
        }
        let mut matches = Matches::new(regex, text, place(text, self.start));
        matches.with_groups = self.subexpression > 0;
        match matches.nth(self.n - 1) {
            Some(groups) => Ok(groups?.get(self.subexpression).copied().flatten()),
            None => Ok(None),
        }
    }
}

fn position(args: &[Value]) -> Result<Value> {
    let [Value::Text(text), Value::Text(pattern), rest @ ..] = args else {
        return Err(bad_arguments("regexp_instr", args));
    };
    let which = Which::new(rest.first(), rest.get(1), rest.get(4))?;
    let at_end = match rest.get(2) {
        None | Some(Value::Int4(0)) => false,
        Some(Value::Int4(1)) => true,
        Some(Value::Int4(other)) => {
            let message = format!("invalid value for parameter \"endoption\": {other}");
            return Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        _ => return Err(bad_arguments("regexp_instr", args)),
    };
    let given = match rest.get(3) {
        Some(Value::Text(flags)) => Some(&**flags),
        _ => None,
    };
    let regex = regex::compile(pattern, flags_without_global(given, "regexp_instr")?)?;
    match which.find(&regex, text)? {
        Some((start, end)) => char_number(text, if at_end { end } else { start }).map(Value::Int4),
        None => Ok(Value::Int4(0)),
    }
}

fn part(args: &[Value]) -> Result<Value> {
    let [Value::Text(text), Value::Text(pattern), rest @ ..] = args else {
        return Err(bad_arguments("regexp_substr", args));
    };
    let which = Which::new(rest.first(), rest.get(1), rest.get(3))?;
    let given = match rest.get(2) {
        Some(Value::Text(flags)) => Some(&**flags),
        _ => None,
    };
    let regex = regex::compile(pattern, flags_without_global(given, "regexp_substr")?)?;
    Ok(part_of(text, which.find(&regex, text)?))
}

fn replace(args: &[Value]) -> Result<Value> {
    let [Value::Text(text), Value::Text(pattern), Value::Text(replacement), rest @ ..] = args else {
        return Err(bad_arguments("regexp_replace", args));
    };
    let (start, n, given) = match rest {
        [] => (1, None, ""),
        [Value::Text(flags)] => {
            if let Some(digit) = flags.chars().next().filter(char::is_ascii_digit) {
                let message = format!("invalid regular expression option: \"{digit}\"");
                return Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message).with_hint(
                    "If you meant to use regexp_replace() with a start parameter, cast the fourth argument to integer \
                     explicitly.",
                ));
            }
            (1, None, &**flags)
        }
        [Value::Int4(start)] => (*start, None, ""),
        [Value::Int4(start), Value::Int4(n)] => (*start, Some(*n), ""),
        [Value::Int4(start), Value::Int4(n), Value::Text(flags)] => (*start, Some(*n), &**flags),
        _ => return Err(bad_arguments("regexp_replace", args)),
    };
    let start = parameter(start, 1, "start")?;
    let n = n.map(|n| parameter(n, 0, "n")).transpose()?;
    let (syntax, global) = flags(given)?;
    // Which match is replaced; 0 for all of them.
    let n = n.unwrap_or(usize::from(!global));
    let regex = regex::compile(pattern, syntax)?;
    let mut matches = Matches::new(&regex, text, place(text, start));
    matches.with_groups = replacement.contains('\\') && regex.group_count() > 0;
    let mut out = String::new();
    let mut copied = 0;
    for (groups, number) in matches.zip(1_usize..) {
        let groups = groups?;
        if n != 0 && number < n {
            continue;
        }
        let (from, to) = whole(&groups);
        out.push_str(text.get(copied..from).unwrap_or_default());
        push_replacement(text, replacement, &groups, &mut out);
        copied = to;
        if out.len() > MAX_VALUE_BYTES {
            return Err(too_long());
        }
        if n != 0 {
            break;
        }
    }
    if copied == 0 && out.is_empty() {
        return Ok(Value::Text(Arc::clone(text)));
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    if out.len() > MAX_VALUE_BYTES { Err(too_long()) } else { Ok(Value::text(out)) }
}

/// `\1` to `\9` are groups, `\&` the whole match.
fn push_replacement(text: &str, replacement: &str, groups: &Groups, out: &mut String) {
    let mut chars = replacement.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let group = match chars.next() {
            None => return out.push('\\'),
            Some('\\') => {
                out.push('\\');
                continue;
            }
            Some('&') => 0,
            Some(digit @ '1'..='9') => digit.to_digit(10).and_then(|digit| usize::try_from(digit).ok()).unwrap_or(0),
            Some(other) => {
                out.push('\\');
                out.push(other);
                continue;
            }
        };
        if let Some((start, end)) = groups.get(group).copied().flatten() {
            out.push_str(text.get(start..end).unwrap_or_default());
        }
    }
}

/// The parts of a text between matches. A match of nothing counts only inside of the text and not right behind another.
fn split(args: &[Value], function: &str) -> Result<Vec<Value>> {
    let (text, pattern, given) = texts(args, function)?;
    let regex = regex::compile(pattern, flags_without_global(given, function)?)?;
    let mut parts = Vec::new();
    let (mut from, mut previous_end) = (0, 0);
    for groups in Matches::new(&regex, text, Some(0)) {
        let (start, end) = whole(&groups?);
        if start < text.len() && end > previous_end {
            parts.push(part_of(text, Some((from, start))));
            from = end;
        }
        previous_end = end;
    }
    parts.push(part_of(text, Some((from, text.len()))));
    Ok(parts)
}

fn split_to_array(args: &[Value]) -> Result<Value> {
    Ok(Value::Array(Arc::new(Array::new(T, split(args, "regexp_split_to_array")?))))
}

fn split_to_table(_: &EvalContext<'_>, args: &[Value], _: &RowShape) -> Result<RowSource> {
    let parts = split(args, "regexp_split_to_table")?;
    Ok(Box::new(parts.into_iter().map(|part| Ok(vec![part]))))
}

/// `substring(text from pattern)`: the first group, or all of the match if there is none.
fn substring(text: &str, pattern: &str) -> Result<Value> {
    let regex = regex::compile(pattern, Syntax::default())?;
    let groups = regex.groups_at(text, 0)?;
    Ok(groups.map_or(Value::Null, |groups| part_of(text, groups.get(1).or(groups.first()).copied().flatten())))
}

fn to_regex(args: &[Value]) -> Result<Value> {
    let (pattern, escape) = match args {
        [Value::Text(pattern)] => (pattern, Some('\\')),
        [Value::Text(pattern), Value::Text(escape)] => (pattern, similar::escape_char(escape)?),
        _ => return Err(bad_arguments("similar_to_escape", args)),
    };
    similar::to_regex(pattern, escape).map(Value::text)
}
