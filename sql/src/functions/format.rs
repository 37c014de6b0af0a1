//! `format`: a text with places for values. Source: PostgreSQL's documentation, 9.4.1.

use heliosdb_storage::value::{DataType, Value};

use super::identifier::{quote_ident, quote_literal};
use super::{ScalarFunction, bad_arguments};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::EvalContext;
use crate::types::cast::out_of_range;
use crate::types::input::too_long;
use crate::types::{MAX_VALUE_BYTES, to_text};

const T: DataType = DataType::Text;
const ANY: DataType = DataType::Any;

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction::new("format", &[T], T, format).called_on_null().stable(),
    ScalarFunction::new("format", &[T, ANY], T, format).variadic().called_on_null().stable(),
];

fn invalid(message: impl Into<String>) -> SqlError {
    SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

fn unterminated() -> SqlError {
    invalid("unterminated format() type specifier").with_hint("For a single \"%\" use \"%%\".")
}

fn format(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let (text, values) = match args {
        [Value::Null, ..] => return Ok(Value::Null),
        [Value::Text(text), values @ ..] => (text, values),
        _ => return Err(bad_arguments("format", args)),
    };
    let mut arguments = Arguments { values, next: 0 };
    let mut out = String::new();
    let mut rest = &**text;
    while let Some((plain, after)) = rest.split_once('%') {
        out.push_str(plain);
        if let Some(after) = after.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let mut specifier = Specifier::default();
        let (conversion, after) = specifier.read(after)?;
        rest = after;
        if !matches!(conversion, 's' | 'I' | 'L') {
            let message = format!("unrecognized format() type specifier \"{conversion}\"");
            return Err(invalid(message).with_hint("For a single \"%\" use \"%%\"."));
        }
        let width = arguments.width(specifier.width)?;
        let value = arguments.take(specifier.argument)?;
        let shown = match (conversion, value) {
            ('s', Value::Null) => String::new(),
            ('s', value) => shown(value, ctx),
            ('L', Value::Null) => "NULL".to_owned(),
            ('L', value) => quote_literal(&shown(value, ctx)),
            (_, Value::Null) => {
                let message = "null values cannot be formatted as an SQL identifier";
                return Err(SqlError::new(SqlState::NULL_VALUE_NOT_ALLOWED, message));
            }
            (_, value) => quote_ident(&shown(value, ctx)),
        };
        push_padded(&shown, width, specifier.left, &mut out)?;
    }
    out.push_str(rest);
    if out.len() > MAX_VALUE_BYTES { Err(too_long()) } else { Ok(Value::text(out)) }
}

fn shown(value: &Value, ctx: &EvalContext<'_>) -> String {
    to_text(value, DataType::Unknown, ctx.time)
}

/// A negative width aligns to the left as `-` does.
fn push_padded(text: &str, width: i32, left: bool, out: &mut String) -> Result<()> {
    let left = left || width < 0;
    if width == i32::MIN {
        return Err(out_of_range(DataType::Int4));
    }
    let width = usize::try_from(width.unsigned_abs()).unwrap_or(usize::MAX);
    let missing = width.saturating_sub(text.chars().count());
    if out.len().saturating_add(text.len()).saturating_add(missing) > MAX_VALUE_BYTES {
        return Err(too_long());
    }
    let blanks = std::iter::repeat_n(' ', missing);
    if left {
        out.push_str(text);
        out.extend(blanks);
    } else {
        out.extend(blanks);
        out.push_str(text);
    }
    Ok(())
}

/// Where a width comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Width {
    #[default]
    None,
    Given(i32),
    /// That argument, or the next one.
    Argument(Option<usize>),
}

/// What stands between `%` and the letter.
#[derive(PartialEq, Eq, Debug, Default)]
struct Specifier {
    argument: Option<usize>,
    left: bool,
    width: Width,
}

impl Specifier {
    /// Reads it and the letter; returns what follows.
    fn read<'t>(&mut self, text: &'t str) -> Result<(char, &'t str)> {
        let mut rest = text;
        if let Some((n, after)) = number(rest)? {
            if let Some(after) = after.strip_prefix('$') {
                self.argument = Some(argument_number(n)?);
                rest = after;
            } else {
                // A number that is no argument's is a width, and nothing but the letter can follow.
                self.width = Width::Given(n);
                return letter(after);
            }
        }
        while let Some(after) = rest.strip_prefix('-') {
            self.left = true;
            rest = after;
        }
        if let Some(after) = rest.strip_prefix('*') {
            rest = after;
            self.width = Width::Argument(None);
            if let Some((n, after)) = number(rest)? {
                let after = after
                    .strip_prefix('$')
                    .ok_or_else(|| if after.is_empty() { unterminated() } else { no_dollar() })?;
                self.width = Width::Argument(Some(argument_number(n)?));
                rest = after;
            }
        } else if let Some((n, after)) = number(rest)? {
            self.width = Width::Given(n);
            rest = after;
        }
        letter(rest)
    }
}

fn no_dollar() -> SqlError {
    invalid("width argument position must be ended by \"$\"")
}

fn letter(text: &str) -> Result<(char, &str)> {
    let mut chars = text.chars();
    let letter = chars.next().ok_or_else(unterminated)?;
    Ok((letter, chars.as_str()))
}

/// A number if there is one; something must follow it.
fn number(text: &str) -> Result<Option<(i32, &str)>> {
    let (digits, after) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    if digits.is_empty() {
        return if text.is_empty() { Err(unterminated()) } else { Ok(None) };
    }
    let n =
        digits.parse().map_err(|_| SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "number is out of range"))?;
    if after.is_empty() { Err(unterminated()) } else { Ok(Some((n, after))) }
}

fn argument_number(n: i32) -> Result<usize> {
    match usize::try_from(n) {
        Ok(n) if n > 0 => Ok(n),
        _ => Err(invalid("format specifies argument 0, but arguments are numbered from 1")),
    }
}

/// The values of a call. Those without a number follow the one before.
struct Arguments<'v> {
    values: &'v [Value],
    next: usize,
}

impl<'v> Arguments<'v> {
    fn take(&mut self, number: Option<usize>) -> Result<&'v Value> {
        let at = number.map_or(self.next, |number| number - 1);
        self.next = at.saturating_add(1);
        self.values.get(at).ok_or_else(|| invalid("too few arguments for format()"))
    }

    fn width(&mut self, width: Width) -> Result<i32> {
        let number = match width {
            Width::None => return Ok(0),
            Width::Given(n) => return Ok(n),
            Width::Argument(number) => number,
        };
        match self.take(number)? {
            Value::Null => Ok(0),
            Value::Int2(n) => Ok(i32::from(*n)),
            Value::Int4(n) => Ok(*n),
            Value::Text(text) => text.trim().parse().map_err(|_| not_an_integer(text)),
            other => {
                let text = to_text(other, DataType::Unknown, &crate::types::ValueContext::utc());
                text.trim().parse().map_err(|_| not_an_integer(&text))
            }
        }
    }
}

fn not_an_integer(text: &str) -> SqlError {
    SqlError::new(SqlState::INVALID_TEXT_REPRESENTATION, format!("invalid input syntax for type integer: \"{text}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifiers_are_read() {
        let read = |text: &str| {
            let mut specifier = Specifier::default();
            specifier.read(text).map(|(letter, _)| (specifier, letter))
        };
        let of = |argument, left, width| Specifier { argument, left, width };
        assert_eq!(read("s").unwrap(), (of(None, false, Width::None), 's'));
        assert_eq!(read("2$-*3$I").unwrap(), (of(Some(2), true, Width::Argument(Some(3))), 'I'));
        assert_eq!(read("-10L").unwrap(), (of(None, true, Width::Given(10)), 'L'));
        assert_eq!(read("10").unwrap_err().message, "unterminated format() type specifier");
        assert_eq!(read("99999999999s").unwrap_err().message, "number is out of range");
        assert!(read("0$s").is_err());
    }
}
