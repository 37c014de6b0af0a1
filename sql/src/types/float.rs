//! Text form of double precision.

use crate::error::{Result, SqlError, SqlState};

/// From this exponent on (and below -4), PostgreSQL prints in scientific notation.
const SCIENTIFIC_FROM: i32 = 15;

/// Reads a number as PostgreSQL's `float8in` does (hexadecimal forms aside).
pub fn parse(text: &str) -> Result<f64> {
    let invalid = || super::input::invalid("double precision", text);
    let trimmed = super::input::trim(text);
    let unsigned = trimmed.strip_prefix(['-', '+']).unwrap_or(trimmed);
    let is_word = unsigned.eq_ignore_ascii_case("infinity") || unsigned.eq_ignore_ascii_case("inf");
    if unsigned.eq_ignore_ascii_case("nan") {
        return if trimmed.starts_with('-') || trimmed.starts_with('+') { Err(invalid()) } else { Ok(f64::NAN) };
    }
    let value: f64 = trimmed.parse().map_err(|_| invalid())?;
    if is_word {
        return Ok(value);
    }
    let mantissa = unsigned.split(['e', 'E']).next().unwrap_or("");
    let is_zero = !mantissa.bytes().any(|b| matches!(b, b'1'..=b'9'));
    if value.is_infinite() || (value == 0.0 && !is_zero) {
        return Err(out_of_range(trimmed));
    }
    Ok(value)
}

/// The error for a number beyond the range.
pub fn out_of_range(text: &str) -> SqlError {
    SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, format!("\"{text}\" is out of range for type double precision"))
}

/// Reads a number as PostgreSQL's `float4in` does.
pub fn parse4(text: &str) -> Result<f32> {
    let renamed = |error: SqlError| SqlError { message: error.message.replace("double precision", "real"), ..error };
    let wide = parse(text).map_err(renamed)?;
    let narrow: f32 = super::input::trim(text).parse().map_err(|_| super::input::invalid("real", text))?;
    if (narrow.is_infinite() && wide.is_finite()) || (narrow == 0.0 && wide != 0.0) {
        return Err(renamed(out_of_range(super::input::trim(text))));
    }
    Ok(narrow)
}

/// A number as one of single precision; 22003 beyond its range.
pub fn narrow(value: f64) -> Result<f32> {
    #[allow(clippy::cast_possible_truncation, reason = "rounding to the nearest is what the cast means")]
    let narrow = value as f32;
    if narrow.is_infinite() && value.is_finite() {
        return Err(SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow"));
    }
    if narrow == 0.0 && value != 0.0 {
        return Err(SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: underflow"));
    }
    Ok(narrow)
}

/// Significant digits that a number of single precision always has.
const DIGITS4: i8 = 6;
/// The same for double precision.
const DIGITS8: i8 = 15;

/// Appends the shortest text that reads back as the same number of single precision; or fewer digits, if fewer are wanted
/// (`extra_float_digits` of 0 or less).
pub fn format4(value: f32, extra_digits: Option<i8>, out: &mut String) {
    if !value.is_finite() {
        return format(f64::from(value), None, out);
    }
    if let Some(extra) = extra_digits {
        return format_general(f64::from(value), DIGITS4.saturating_add(extra), out);
    }
    push_shortest(&format!("{value:e}"), &value.to_string(), 6, out);
}

/// Appends a number with so many significant digits (one at least), as C's `%g` does.
pub fn format_general(number: f64, digits: i8, out: &mut String) {
    if number == 0.0 {
        return out.push_str(if number.is_sign_negative() { "-0" } else { "0" });
    }
    let decimals = usize::try_from(digits.max(1) - 1).unwrap_or(0);
    let scientific = format!("{number:.decimals$e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trimmed = |text: &str| {
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').len() } else { text.len() }
    };
    if (-4..i32::from(digits.max(1))).contains(&exponent) {
        let decimals = usize::try_from(i32::from(digits.max(1)) - 1 - exponent).unwrap_or(0);
        let plain = format!("{number:.decimals$}");
        return out.push_str(plain.get(..trimmed(&plain)).unwrap_or(&plain));
    }
    out.push_str(mantissa.get(..trimmed(mantissa)).unwrap_or(mantissa));
    out.push_str(if exponent < 0 { "e-" } else { "e+" });
    out.push_str(&format!("{:02}", exponent.abs()));
}

/// Appends the shortest text that reads back as the same number; or fewer digits, if fewer are wanted
/// (`extra_float_digits` of 0 or less).
pub fn format(value: f64, extra_digits: Option<i8>, out: &mut String) {
    if value.is_nan() {
        return out.push_str("NaN");
    }
    if value.is_infinite() {
        return out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    }
    if let Some(extra) = extra_digits {
        return format_general(value, DIGITS8.saturating_add(extra), out);
    }
    push_shortest(&format!("{value:e}"), &value.to_string(), SCIENTIFIC_FROM, out);
}

/// Appends a number given in both notations in that which PostgreSQL uses.
fn push_shortest(scientific: &str, plain: &str, scientific_from: i32, out: &mut String) {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..scientific_from).contains(&exponent) {
        out.push_str(plain);
        return;
    }
    out.push_str(mantissa);
    out.push('e');
    out.push(if exponent < 0 { '-' } else { '+' });
    let magnitude = exponent.unsigned_abs();
    if magnitude < 10 {
        out.push('0');
    }
    out.push_str(&magnitude.to_string());
}

/// The number with 15 significant digits, as PostgreSQL converts it to `numeric`.
pub fn to_15_digits(value: f64) -> String {
    let scientific = format!("{value:.14e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let mantissa = if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    format!("{mantissa}e{exponent}")
}

/// The number with 6 significant digits, as PostgreSQL converts it to `numeric`.
pub fn to_6_digits(value: f32) -> String {
    format!("{value:.5e}").parse::<f64>().map_or_else(|_| value.to_string(), to_15_digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms_are_those_of_postgresql() {
        let cases = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (0.1, "0.1"),
            (1e14, "100000000000000"),
            (1e15, "1e+15"),
            (123_456_789_012_345.6, "123456789012345.6"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (1e100, "1e+100"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ];
        for (value, expected) in cases {
            let mut out = String::new();
            format(value, None, &mut out);
            assert_eq!(out, expected);
            let read = parse(expected).unwrap();
            assert!(read.to_bits() == value.to_bits() || (read.is_nan() && value.is_nan()), "{expected}");
        }
    }

    #[test]
    fn bad_text_is_refused_by_kind() {
        for text in ["", "x", "1e", "1..2", "0x10", "1 2", "infx"] {
            assert_eq!(parse(text).unwrap_err().state, SqlState::INVALID_TEXT_REPRESENTATION, "{text}");
        }
        for text in ["1e400", "-1e400", "1e-400"] {
            assert_eq!(
                parse(text).unwrap_err().message,
                format!("\"{text}\" is out of range for type double precision")
            );
        }
        assert_eq!(parse("0e-400").unwrap(), 0.0);
        assert_eq!(parse(" 1.5 ").unwrap(), 1.5);
    }
}
