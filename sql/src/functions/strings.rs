//! Functions of text.

use heliosdb_storage::value::{DataType, Value};

use super::bytes::{negative_length, overlaid};
use super::table::{RowShape, RowSource, TableFunction};
use super::{Code, ScalarFunction, array, bad_arguments};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::EvalContext;
use crate::parse;
use crate::types::cast::out_of_range;
use crate::types::input::too_long;
use crate::types::{MAX_VALUE_BYTES, to_text};

const T: DataType = DataType::Text;
const I: DataType = DataType::Int4;
const ANY: DataType = DataType::Any;

const fn text(name: &'static str, args: &'static [DataType], call: Code) -> ScalarFunction {
    ScalarFunction::new(name, args, T, call)
}

const fn number(name: &'static str, args: &'static [DataType], call: Code) -> ScalarFunction {
    ScalarFunction::new(name, args, I, call)
}

pub(super) static OPERATORS: &[ScalarFunction] = &[
    text("||", &[T, T], append),
    text("||", &[T, DataType::AnyNonArray], append).stable(),
    text("||", &[DataType::AnyNonArray, T], append).stable(),
    ScalarFunction::new("^@", &[T, T], DataType::Bool, starts_with),
];

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    number("length", &[T], |_, args| one(args, |s| count(s.chars().count()))),
    number("char_length", &[T], |_, args| one(args, |s| count(s.chars().count()))),
    number("character_length", &[T], |_, args| one(args, |s| count(s.chars().count()))),
    number("octet_length", &[T], |_, args| one(args, |s| count(s.len()))),
    // The only one that counts the blanks at the end.
    number("octet_length", &[DataType::Bpchar], |_, args| match args {
        [Value::Bpchar(s)] => count(s.len()),
        _ => Err(bad_arguments("octet_length", args)),
    }),
    number("bit_length", &[T], |_, args| one(args, |s| count(s.len().saturating_mul(8)))),
    number("ascii", &[T], |_, args| one(args, |s| Ok(Value::Int4(s.chars().next().map_or(0, code_point))))),
    text("chr", &[I], chr),
    text("lower", &[T], |_, args| one(args, |s| bounded(s.chars().map(lower).collect()))),
    text("upper", &[T], |_, args| one(args, |s| bounded(s.chars().map(upper).collect()))),
    text("initcap", &[T], |_, args| one(args, |s| bounded(initcap(s)))),
    text("reverse", &[T], |_, args| one(args, |s| Ok(Value::text(s.chars().rev().collect::<String>())))),
    text("btrim", &[T], |_, args| one(args, |s| Ok(Value::text(s.trim_matches(' '))))),
    text("ltrim", &[T], |_, args| one(args, |s| Ok(Value::text(s.trim_start_matches(' '))))),
    text("rtrim", &[T], |_, args| one(args, |s| Ok(Value::text(s.trim_end_matches(' '))))),
    text("btrim", &[T, T], |_, args| two(args, |s, set| Ok(Value::text(s.trim_matches(|c| set.contains(c)))))),
    text("ltrim", &[T, T], |_, args| two(args, |s, set| Ok(Value::text(s.trim_start_matches(|c| set.contains(c)))))),
    text("rtrim", &[T, T], |_, args| two(args, |s, set| Ok(Value::text(s.trim_end_matches(|c| set.contains(c)))))),
    text("substr", &[T, I], substring),
    text("substr", &[T, I, I], substring),
    text("substring", &[T, I], substring),
    text("substring", &[T, I, I], substring),
    number("strpos", &[T, T], |_, args| two(args, position)),
    number("position", &[T, T], |_, args| two(args, position)),
    text("overlay", &[T, T, I], overlay),
    text("overlay", &[T, T, I, I], overlay),
    text("replace", &[T, T, T], replace),
    text("translate", &[T, T, T], translate),
    text("left", &[T, I], |_, args| cut(args, "left", |s, n, length| s.take(from_end(n, length)).collect())),
    text("right", &[T, I], |_, args| {
        cut(args, "right", |s, n, length| s.skip(length.saturating_sub(from_end(n, length))).collect())
    }),
    text("repeat", &[T, I], repeat),
    text("lpad", &[T, I], |_, args| pad(args, true)),
    text("lpad", &[T, I, T], |_, args| pad(args, true)),
    text("rpad", &[T, I], |_, args| pad(args, false)),
    text("rpad", &[T, I, T], |_, args| pad(args, false)),
    text("split_part", &[T, T, I], split_part),
    ScalarFunction::new("starts_with", &[T, T], DataType::Bool, starts_with),
    text("to_hex", &[I], |_, args| match args {
        [Value::Int4(n)] => Ok(Value::text(format!("{n:x}"))),
        _ => Err(bad_arguments("to_hex", args)),
    }),
    text("to_hex", &[DataType::Int8], |_, args| match args {
        [Value::Int8(n)] => Ok(Value::text(format!("{n:x}"))),
        _ => Err(bad_arguments("to_hex", args)),
    }),
    text("unistr", &[T], |_, args| one(args, |s| parse::unistr(s).map(Value::text))),
    text("to_ascii", &[T], |_, _| {
        Err(SqlError::unsupported_as("encoding conversion from UTF8 to ASCII not supported"))
    }),
    text("concat", &[ANY], concat).variadic().called_on_null().stable(),
    text("concat_ws", &[T, ANY], concat_ws).variadic().called_on_null().stable(),
];

pub(super) static TABLE_FUNCTIONS: &[TableFunction] = &[
    TableFunction::new("string_to_table", &[T, T], &[("string_to_table", T)], to_table).called_on_null(),
    TableFunction::new("string_to_table", &[T, T, T], &[("string_to_table", T)], to_table).called_on_null(),
];

fn one(args: &[Value], compute: impl Fn(&str) -> Result<Value>) -> Result<Value> {
    match args {
        [Value::Text(s)] => compute(s),
        _ => Err(bad_arguments("a function of text", args)),
    }
}

fn two(args: &[Value], compute: impl Fn(&str, &str) -> Result<Value>) -> Result<Value> {
    match args {
        [Value::Text(a), Value::Text(b)] => compute(a, b),
        _ => Err(bad_arguments("a function of text", args)),
    }
}

fn count(n: usize) -> Result<Value> {
    i32::try_from(n).map(Value::Int4).map_err(|_| out_of_range(I))
}

/// Refuses what has become too long; for functions whose results are a few times as long as their arguments at most.
fn bounded(s: String) -> Result<Value> {
    if s.len() > MAX_VALUE_BYTES { Err(too_long()) } else { Ok(Value::text(s)) }
}

/// Refuses a result of so many bytes before it is made.
fn check_length(bytes: Option<usize>) -> Result<usize> {
    bytes.filter(|n| *n <= MAX_VALUE_BYTES).ok_or_else(too_long)
}

fn code_point(c: char) -> i32 {
    i32::try_from(u32::from(c)).unwrap_or(0)
}

fn chr(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Int4(code)] = args else { return Err(bad_arguments("chr", args)) };
    if *code == 0 {
        return Err(SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "null character not permitted"));
    }
    if *code < 0 {
        return Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, "character number must be positive"));
    }
    let c = u32::try_from(*code).ok().and_then(char::from_u32).ok_or_else(|| {
        let fault = if *code > code_point(char::MAX) { "too large" } else { "not valid" };
        SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, format!("requested character {fault} for encoding: {code}"))
    })?;
    Ok(Value::text(c.to_string()))
}

/// One character for one, as PostgreSQL does it: `ß` has no upper case of its own.
fn upper(c: char) -> char {
    let mut upper = c.to_uppercase();
    if upper.len() == 1 { upper.next().unwrap_or(c) } else { c }
}

pub(super) fn lower(c: char) -> char {
    let mut lower = c.to_lowercase();
    if lower.len() == 1 { lower.next().unwrap_or(c) } else { c }
}

fn initcap(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    let mut in_word = false;
    for c in s.chars() {
        if in_word {
            out.push(lower(c));
        } else {
            out.push(upper(c));
        }
        in_word = c.is_alphanumeric();
    }
    out
}

/// Any value as `||` and `concat_ws` take it.
fn append_value(value: &Value, ctx: &EvalContext<'_>, bool_as_word: bool, out: &mut String) -> Result<()> {
    match value {
        // The cast of a boolean to text says the word, its output function one letter.
        Value::Bool(b) if bool_as_word => out.push_str(if *b { "true" } else { "false" }),
        Value::Text(s) => out.push_str(s),
        value => out.push_str(&to_text(value, DataType::Unknown, ctx.time)),
    }
    if out.len() > MAX_VALUE_BYTES { Err(too_long()) } else { Ok(()) }
}

fn append(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let mut out = String::new();
    for arg in args {
        append_value(arg, ctx, true, &mut out)?;
    }
    Ok(Value::text(out))
}

fn concat(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let mut out = String::new();
    for arg in args.iter().filter(|arg| !arg.is_null()) {
        append_value(arg, ctx, false, &mut out)?;
    }
    Ok(Value::text(out))
}

fn concat_ws(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let (separator, rest) = match args {
        [Value::Null, ..] => return Ok(Value::Null),
        [Value::Text(separator), rest @ ..] => (separator, rest),
        _ => return Err(bad_arguments("concat_ws", args)),
    };
    let mut out = String::new();
    for (i, arg) in rest.iter().filter(|arg| !arg.is_null()).enumerate() {
        if i > 0 {
            out.push_str(separator);
        }
        append_value(arg, ctx, false, &mut out)?;
    }
    Ok(Value::text(out))
}

fn substring(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let (s, start, length) = match args {
        [Value::Text(s), Value::Int4(start)] => (s, i64::from(*start), None),
        [Value::Text(s), Value::Int4(start), Value::Int4(length)] => (s, i64::from(*start), Some(i64::from(*length))),
        _ => return Err(bad_arguments("substring", args)),
    };
    if length.is_some_and(|length| length < 0) {
        return Err(negative_length());
    }
    // The places before the first count too, though nothing is there.
    let skip = usize::try_from((start - 1).max(0)).unwrap_or(usize::MAX);
    let rest = s.chars().skip(skip);
    let cut: String = match length {
        None => rest.collect(),
        Some(length) => {
            let end = usize::try_from((start + length - 1).max(0)).unwrap_or(0);
            rest.take(end.saturating_sub(skip)).collect()
        }
    };
    Ok(Value::text(cut))
}

/// Where the second starts in the first, in characters from 1; 0 for nowhere.
fn position(s: &str, sought: &str) -> Result<Value> {
    match s.find(sought).and_then(|at| s.get(..at)) {
        Some(before) => count(before.chars().count() + 1),
        None => Ok(Value::Int4(0)),
    }
}

fn overlay(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let (s, new, start, length) = match args {
        [Value::Text(s), Value::Text(new), Value::Int4(start)] => (s, new, *start, None),
        [Value::Text(s), Value::Text(new), Value::Int4(start), Value::Int4(length)] => (s, new, *start, Some(*length)),
        _ => return Err(bad_arguments("overlay", args)),
    };
    let (before, after) = overlaid(start, length, new.chars().count())?;
    let byte_at = |n| s.char_indices().nth(n).map_or(s.len(), |(at, _)| at);
    let mut out = s.get(..byte_at(before)).unwrap_or_default().to_owned();
    out.push_str(new);
    out.push_str(s.get(byte_at(after)..).unwrap_or_default());
    bounded(out)
}

fn starts_with(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    two(args, |s, start| Ok(Value::Bool(s.starts_with(start))))
}

fn replace(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Text(s), Value::Text(from), Value::Text(to)] = args else {
        return Err(bad_arguments("replace", args));
    };
    if from.is_empty() {
        return Ok(Value::Text(s.clone()));
    }
    if to.len() > from.len() {
        let grown = s.matches(&**from).count().checked_mul(to.len() - from.len());
        check_length(grown.and_then(|grown| grown.checked_add(s.len())))?;
    }
    Ok(Value::text(s.replace(&**from, to)))
}

fn translate(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Text(s), Value::Text(from), Value::Text(to)] = args else {
        return Err(bad_arguments("translate", args));
    };
    let mut map = std::collections::HashMap::new();
    let mut to = to.chars();
    for c in from.chars() {
        let replacement = to.next();
        map.entry(c).or_insert(replacement);
    }
    bounded(s.chars().filter_map(|c| map.get(&c).copied().unwrap_or(Some(c))).collect())
}

/// A negative count means all but so many.
fn from_end(n: i32, length: usize) -> usize {
    let magnitude = usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX);
    if n < 0 { length.saturating_sub(magnitude) } else { magnitude.min(length) }
}

fn cut(args: &[Value], name: &str, take: impl Fn(std::str::Chars<'_>, i32, usize) -> String) -> Result<Value> {
    match args {
        [Value::Text(s), Value::Int4(n)] => Ok(Value::text(take(s.chars(), *n, s.chars().count()))),
        _ => Err(bad_arguments(name, args)),
    }
}

fn repeat(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Text(s), Value::Int4(n)] = args else { return Err(bad_arguments("repeat", args)) };
    let times = usize::try_from(*n).unwrap_or(0);
    check_length(s.len().checked_mul(times))?;
    Ok(Value::text(s.repeat(times)))
}

fn pad(args: &[Value], at_start: bool) -> Result<Value> {
    let (s, wanted, fill) = match args {
        [Value::Text(s), Value::Int4(wanted)] => (s, *wanted, " "),
        [Value::Text(s), Value::Int4(wanted), Value::Text(fill)] => (s, *wanted, &**fill),
        _ => return Err(bad_arguments("pad", args)),
    };
    let wanted = usize::try_from(wanted).unwrap_or(0);
    let length = s.chars().count();
    if wanted <= length || fill.is_empty() {
        return Ok(Value::text(s.chars().take(wanted).collect::<String>()));
    }
    let missing = wanted - length;
    let longest_char = fill.chars().map(char::len_utf8).max().unwrap_or(1);
    check_length(missing.checked_mul(longest_char).and_then(|bytes| bytes.checked_add(s.len())))?;
    let padding: String = fill.chars().cycle().take(missing).collect();
    Ok(Value::text(if at_start { padding + s } else { s.to_string() + &padding }))
}

fn split_part(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Text(s), Value::Text(delimiter), Value::Int4(n)] = args else {
        return Err(bad_arguments("split_part", args));
    };
    if *n == 0 {
        return Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, "field position must not be zero"));
    }
    let place = usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX) - 1;
    let part = if delimiter.is_empty() {
        if place == 0 { Some(&**s) } else { None }
    } else if *n > 0 {
        s.split(&**delimiter).nth(place)
    } else {
        // Fields are cut from the left, even when they are counted from the right.
        let fields: Vec<&str> = s.split(&**delimiter).collect();
        fields.into_iter().rev().nth(place)
    };
    Ok(Value::text(part.unwrap_or("")))
}

/// The parts that `string_to_array` makes, one a row.
fn to_table(ctx: &EvalContext<'_>, args: &[Value], _: &RowShape) -> Result<RowSource> {
    let parts = match array::from_string(ctx, args)? {
        Value::Array(parts) => parts.values().to_vec(),
        _ => Vec::new(),
    };
    Ok(Box::new(parts.into_iter().map(|part| Ok([part].into_iter().collect()))))
}
