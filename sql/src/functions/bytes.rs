//! Functions and operators of `bytea`. Source: PostgreSQL's documentation, 9.5.

use heliosdb_storage::value::{DataType, Value};

use super::{Code, ScalarFunction, bad_arguments};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::EvalContext;
use crate::types::MAX_VALUE_BYTES;
use crate::types::cast::out_of_range;
use crate::types::input::too_long;

const B: DataType = DataType::Bytea;
const I: DataType = DataType::Int4;
const L: DataType = DataType::Int8;

const fn bytes(name: &'static str, args: &'static [DataType], call: Code) -> ScalarFunction {
    ScalarFunction::new(name, args, B, call)
}

const fn number(name: &'static str, args: &'static [DataType], call: Code) -> ScalarFunction {
    ScalarFunction::new(name, args, I, call)
}

pub(super) static OPERATORS: &[ScalarFunction] = &[bytes("||", &[B, B], append)];

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    number("length", &[B], |_, args| one(args, |bytes| count(bytes.len()))),
    number("octet_length", &[B], |_, args| one(args, |bytes| count(bytes.len()))),
    number("bit_length", &[B], |_, args| one(args, |bytes| count(bytes.len().saturating_mul(8)))),
    ScalarFunction::new("bit_count", &[B], L, |_, args| {
        one(args, |bytes| Ok(Value::Int8(bytes.iter().map(|byte| i64::from(byte.count_ones())).sum())))
    }),
    bytes("substr", &[B, I], substring),
    bytes("substr", &[B, I, I], substring),
    bytes("substring", &[B, I], substring),
    bytes("substring", &[B, I, I], substring),
    bytes("overlay", &[B, B, I], overlay),
    bytes("overlay", &[B, B, I, I], overlay),
    number("position", &[B, B], |_, args| two(args, position)),
    bytes("btrim", &[B, B], |_, args| two(args, |bytes, set| Ok(bytea(trimmed(bytes, set, true, true))))),
    bytes("ltrim", &[B, B], |_, args| two(args, |bytes, set| Ok(bytea(trimmed(bytes, set, true, false))))),
    bytes("rtrim", &[B, B], |_, args| two(args, |bytes, set| Ok(bytea(trimmed(bytes, set, false, true))))),
    number("get_byte", &[B, I], get_byte),
    bytes("set_byte", &[B, I, I], set_byte),
    number("get_bit", &[B, L], get_bit),
    bytes("set_bit", &[B, L, I], set_bit),
];

fn one(args: &[Value], compute: impl Fn(&[u8]) -> Result<Value>) -> Result<Value> {
    match args {
        [Value::Bytea(bytes)] => compute(bytes),
        _ => Err(bad_arguments("a function of bytea", args)),
    }
}

fn two(args: &[Value], compute: impl Fn(&[u8], &[u8]) -> Result<Value>) -> Result<Value> {
    match args {
        [Value::Bytea(a), Value::Bytea(b)] => compute(a, b),
        _ => Err(bad_arguments("a function of bytea", args)),
    }
}

fn bytea(bytes: &[u8]) -> Value {
    Value::Bytea(bytes.into())
}

fn count(n: usize) -> Result<Value> {
    i32::try_from(n).map(Value::Int4).map_err(|_| out_of_range(I))
}

/// Refuses what has become too long.
fn bounded(bytes: Vec<u8>) -> Result<Value> {
    if bytes.len() > MAX_VALUE_BYTES { Err(too_long()) } else { Ok(Value::Bytea(bytes.into())) }
}

fn append(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    two(args, |a, b| bounded([a, b].concat()))
}

pub(super) fn negative_length() -> SqlError {
    SqlError::new(SqlState::SUBSTRING_ERROR, "negative substring length not allowed")
}

fn substring(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let (bytes, start, length) = match args {
        [Value::Bytea(bytes), Value::Int4(start)] => (bytes, i64::from(*start), None),
        [Value::Bytea(bytes), Value::Int4(start), Value::Int4(length)] => {
            (bytes, i64::from(*start), Some(i64::from(*length)))
        }
        _ => return Err(bad_arguments("substring", args)),
    };
    if length.is_some_and(|length| length < 0) {
        return Err(negative_length());
    }
    // The places before the first count too, though nothing is there.
    let place = |n: i64| usize::try_from((n - 1).max(0)).unwrap_or(usize::MAX).min(bytes.len());
    let end = length.map_or(bytes.len(), |length| place(start + length));
    Ok(bytea(bytes.get(place(start)..end).unwrap_or_default()))
}

fn overlay(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let (bytes, new, start, length) = match args {
        [Value::Bytea(bytes), Value::Bytea(new), Value::Int4(start)] => (bytes, new, *start, None),
        [Value::Bytea(bytes), Value::Bytea(new), Value::Int4(start), Value::Int4(length)] => {
            (bytes, new, *start, Some(*length))
        }
        _ => return Err(bad_arguments("overlay", args)),
    };
    let (before, after) = overlaid(start, length, new.len())?;
    let before = bytes.get(..before.min(bytes.len())).unwrap_or_default();
    let after = bytes.get(after.min(bytes.len())..).unwrap_or_default();
    bounded([before, new, after].concat())
}

/// How much stays in front of what `overlay` places, and from where on the rest stays.
pub(super) fn overlaid(start: i32, length: Option<i32>, placed: usize) -> Result<(usize, usize)> {
    if start <= 0 {
        return Err(negative_length());
    }
    let start = i64::from(start) - 1;
    let length = length.map_or_else(|| i64::try_from(placed).unwrap_or(i64::MAX), i64::from);
    let end = start.saturating_add(length);
    if end > i64::from(i32::MAX) {
        return Err(out_of_range(I));
    }
    let place = |n: i64| usize::try_from(n.max(0)).unwrap_or(usize::MAX);
    Ok((place(start), place(end)))
}

/// Where the second starts in the first, from 1; 0 for nowhere.
fn position(bytes: &[u8], sought: &[u8]) -> Result<Value> {
    if sought.is_empty() {
        return Ok(Value::Int4(1));
    }
    count(bytes.windows(sought.len()).position(|part| part == sought).map_or(0, |at| at + 1))
}

fn trimmed<'b>(mut bytes: &'b [u8], set: &[u8], at_start: bool, at_end: bool) -> &'b [u8] {
    while at_start
        && let [first, rest @ ..] = bytes
        && set.contains(first)
    {
        bytes = rest;
    }
    while at_end
        && let [rest @ .., last] = bytes
        && set.contains(last)
    {
        bytes = rest;
    }
    bytes
}

fn bad_index(index: i64, length: usize) -> SqlError {
    let last = i64::try_from(length).unwrap_or(i64::MAX) - 1;
    SqlError::new(SqlState::ARRAY_SUBSCRIPT_ERROR, format!("index {index} out of valid range, 0..{last}"))
}

fn get_byte(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Bytea(bytes), Value::Int4(n)] = args else { return Err(bad_arguments("get_byte", args)) };
    let byte = usize::try_from(*n).ok().and_then(|n| bytes.get(n));
    byte.map(|byte| Value::Int4(i32::from(*byte))).ok_or_else(|| bad_index(i64::from(*n), bytes.len()))
}

fn set_byte(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Bytea(bytes), Value::Int4(n), Value::Int4(new)] = args else {
        return Err(bad_arguments("set_byte", args));
    };
    let mut changed = bytes.to_vec();
    let byte = usize::try_from(*n).ok().and_then(|n| changed.get_mut(n));
    *byte.ok_or_else(|| bad_index(i64::from(*n), bytes.len()))? = u8::try_from(new & 0xff).unwrap_or_default();
    Ok(Value::Bytea(changed.into()))
}

/// The byte and the bit in it. Bits count from the lowest of each byte on.
fn bit_at(bytes: &[u8], n: i64) -> Result<(usize, u32)> {
    let bits = bytes.len().saturating_mul(8);
    let at = usize::try_from(n).ok().filter(|at| *at < bits).ok_or_else(|| bad_index(n, bits))?;
    Ok((at / 8, u32::try_from(at % 8).unwrap_or_default()))
}

fn get_bit(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Bytea(bytes), Value::Int8(n)] = args else { return Err(bad_arguments("get_bit", args)) };
    let (byte, bit) = bit_at(bytes, *n)?;
    Ok(Value::Int4(bytes.get(byte).map_or(0, |byte| i32::from(byte >> bit & 1))))
}

fn set_bit(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Bytea(bytes), Value::Int8(n), Value::Int4(new)] = args else {
        return Err(bad_arguments("set_bit", args));
    };
    let (byte, bit) = bit_at(bytes, *n)?;
    let mut changed = bytes.to_vec();
    if let Some(byte) = changed.get_mut(byte) {
        match new {
            0 => *byte &= !(1 << bit),
            1 => *byte |= 1 << bit,
            _ => return Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, "new bit must be 0 or 1")),
        }
    }
    Ok(Value::Bytea(changed.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_overlay_leaves_of_the_text() {
        assert_eq!(overlaid(2, Some(4), 3).unwrap(), (1, 5));
        assert_eq!(overlaid(2, None, 3).unwrap(), (1, 4));
        // A negative length repeats what is in front.
        assert_eq!(overlaid(2, Some(-1), 2).unwrap(), (1, 0));
        assert_eq!(overlaid(0, None, 1).unwrap_err().message, "negative substring length not allowed");
        assert_eq!(overlaid(i32::MAX, Some(i32::MAX), 1).unwrap_err().message, "integer out of range");
    }

    #[test]
    fn bits_count_from_the_lowest_of_each_byte() {
        assert_eq!(bit_at(&[0, 0], 9).unwrap(), (1, 1));
        assert_eq!(bit_at(&[0, 0], 16).unwrap_err().message, "index 16 out of valid range, 0..15");
        assert_eq!(bit_at(&[], -1).unwrap_err().message, "index -1 out of valid range, 0..-1");
    }

    #[test]
    fn both_ends_are_trimmed_of_a_set() {
        assert_eq!(trimmed(&[1, 2, 9, 1], &[1, 2], true, true), [9]);
        assert_eq!(trimmed(&[1, 2, 9, 1], &[1, 2], true, false), [9, 1]);
        assert_eq!(trimmed(&[1, 1], &[1], false, true), [0_u8; 0]);
    }
}
