//! NUMERIC: bounds, text form, rounding.
//!
//! A finite value is kept as an integer and a scale from 0 to [`MAX_SCALE`]; the scale is how many digits are printed
//! after the point. Everything that makes a value goes through [`checked`], so that none is larger than PostgreSQL allows,
//! and nothing large is computed before its size is known.

use std::borrow::Cow;

use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::{BigInt, Sign};
use heliosdb_storage::value::Numeric;

use crate::error::{Result, SqlError, SqlState};

/// The most digits before the point.
pub const MAX_INTEGER_DIGITS: i64 = 131_072;
/// The most digits after the point.
pub const MAX_SCALE: i64 = 16_383;
/// log2(10), a little less: a number of b bits has at least b / 3.3220 digits.
const BITS_PER_TEN_THOUSAND_DIGITS: u64 = 33_220;

/// Reads a number as PostgreSQL's `numeric_in` does.
pub fn parse(text: &str) -> Result<Numeric> {
    let trimmed = super::input::trim(text);
    let (negative, unsigned) = split_sign(trimmed);
    if trimmed.eq_ignore_ascii_case("nan") {
        return Ok(Numeric::NaN);
    }
    if unsigned.eq_ignore_ascii_case("infinity") || unsigned.eq_ignore_ascii_case("inf") {
        return Err(no_infinity());
    }
    let digits = DecimalText::read(unsigned).ok_or_else(|| super::input::invalid("numeric", text))?;
    Ok(Numeric::Finite(digits.value(negative)?))
}

/// The error for what PostgreSQL has and we do not.
pub fn no_infinity() -> SqlError {
    SqlError::unsupported("numeric infinity")
}

/// The error for a value with more digits than there can be.
pub fn overflow() -> SqlError {
    SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format")
}

fn split_sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// The parts of `12.34e5`.
struct DecimalText<'a> {
    integer: &'a str,
    fraction: &'a str,
    exponent: i64,
}

impl<'a> DecimalText<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => {
                let (mantissa, rest) = text.split_at(at);
                (mantissa, Self::read_exponent(rest.get(1..)?)?)
            }
            None => (text, 0),
        };
        let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = integer.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit());
        if !all_digits || (integer.is_empty() && fraction.is_empty()) {
            return None;
        }
        Some(Self { integer, fraction, exponent })
    }

    fn read_exponent(text: &str) -> Option<i64> {
        let (negative, digits) = split_sign(text);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        // As in PostgreSQL, an exponent near the end of the range is not a number at all.
        let magnitude = digits.parse::<i64>().ok().filter(|n| *n < i64::from(i32::MAX) / 2)?;
        Some(if negative { -magnitude } else { magnitude })
    }

    fn value(&self, negative: bool) -> Result<BigDecimal> {
        let length = |s: &str| i64::try_from(s.len()).unwrap_or(i64::MAX / 4);
        let scale = length(self.fraction).saturating_sub(self.exponent);
        if scale > MAX_SCALE {
            return Err(overflow());
        }
        let digits: String = self.integer.bytes().chain(self.fraction.bytes()).map(char::from).collect();
        let significant = digits.trim_start_matches('0');
        if significant.is_empty() {
            return Ok(BigDecimal::new(BigInt::from(0), scale.max(0)));
        }
        // Checked before the digits become a number: making it costs time in the square of their count.
        if length(significant).saturating_sub(scale) > MAX_INTEGER_DIGITS {
            return Err(overflow());
        }
        let magnitude = significant.parse::<BigInt>().map_err(|_| overflow())?;
        let integer = if negative { -magnitude } else { magnitude };
        if scale >= 0 { Ok(BigDecimal::new(integer, scale)) } else { Ok(BigDecimal::new(integer * pow10(-scale)?, 0)) }
    }
}

/// Ten to a power that any value in range can need.
pub fn pow10(exponent: i64) -> Result<BigInt> {
    let bounded =
        u32::try_from(exponent).ok().filter(|e| i64::from(*e) <= 4 * MAX_INTEGER_DIGITS).ok_or_else(overflow)?;
    Ok(BigInt::from(10u8).pow(bounded))
}

/// Integer and scale, the scale not negative.
pub fn parts(decimal: &BigDecimal) -> Result<(Cow<'_, BigInt>, i64)> {
    let (integer, scale) = decimal.as_bigint_and_scale();
    if scale >= 0 {
        return Ok((integer, scale));
    }
    Ok((Cow::Owned(integer.as_ref() * pow10(scale.checked_neg().ok_or_else(overflow)?)?), 0))
}

/// How many decimal digits an integer has; 0 has none.
pub fn digit_count(integer: &BigInt) -> i64 {
    if integer.sign() == Sign::NoSign {
        return 0;
    }
    // 10^(least - 1) ≤ |integer|, and the true count is at most a little more.
    let bits = integer.bits();
    let least = (bits.saturating_sub(1)) * 10_000 / (BITS_PER_TEN_THOUSAND_DIGITS) + 1;
    let mut count = u32::try_from(least).unwrap_or(u32::MAX);
    let magnitude = integer.magnitude();
    if let Ok(small) = u128::try_from(magnitude) {
        return small.checked_ilog10().map_or(0, i64::from) + 1;
    }
    let ten = bigdecimal::num_bigint::BigUint::from(10u8);
    let mut bound = ten.pow(count);
    while *magnitude >= bound {
        count += 1;
        bound *= 10u8;
    }
    i64::from(count)
}

/// A value from an integer and a scale that may be out of bounds: rounds what is too fine, refuses what is too large.
pub fn checked(integer: BigInt, scale: i64) -> Result<BigDecimal> {
    let decimal = if scale > MAX_SCALE {
        round(&BigDecimal::new(integer, scale), MAX_SCALE)?
    } else {
        BigDecimal::new(integer, scale)
    };
    let (integer, scale) = parts(&decimal)?;
    if integer.bits() > 400_000 && digit_count(&integer) - scale > MAX_INTEGER_DIGITS {
        return Err(overflow());
    }
    Ok(decimal)
}

/// Rounds half away from zero to so many digits after the point (before it, if negative); pads with zeros.
pub fn round(decimal: &BigDecimal, digits: i64) -> Result<BigDecimal> {
    rescale(decimal, digits, true)
}

/// Cuts off after so many digits.
pub fn truncate(decimal: &BigDecimal, digits: i64) -> Result<BigDecimal> {
    rescale(decimal, digits, false)
}

fn rescale(decimal: &BigDecimal, digits: i64, half_up: bool) -> Result<BigDecimal> {
    let (integer, scale) = parts(decimal)?;
    let printed = digits.max(0);
    if digits >= scale {
        return Ok(BigDecimal::new(integer.as_ref() * pow10(digits - scale)?, digits));
    }
    let cut = scale - digits;
    if cut > digit_count(&integer) + 1 {
        return Ok(BigDecimal::new(BigInt::from(0), printed));
    }
    let divisor = pow10(cut)?;
    let quotient = if half_up { divide_half_up(&integer, &divisor) } else { integer.as_ref() / &divisor };
    if digits >= 0 { Ok(BigDecimal::new(quotient, digits)) } else { Ok(BigDecimal::new(quotient * pow10(-digits)?, 0)) }
}

/// The quotient, rounded half away from zero. The divisor must not be zero.
pub fn divide_half_up(dividend: &BigInt, divisor: &BigInt) -> BigInt {
    let quotient = dividend / divisor;
    let rest = dividend - &quotient * divisor;
    if rest.magnitude() * 2u8 < *divisor.magnitude() {
        return quotient;
    }
    let away = if (dividend.sign() == Sign::Minus) == (divisor.sign() == Sign::Minus) { 1 } else { -1 };
    quotient + away
}

/// Rounds to a scale and checks the precision of `numeric(p, s)`.
pub fn fit(decimal: BigDecimal, precision: i32, scale: i32) -> Result<BigDecimal> {
    let rounded = round(&decimal, i64::from(scale))?;
    let (integer, actual_scale) = parts(&rounded)?;
    let room = i64::from(precision) - i64::from(scale);
    if digit_count(&integer) - actual_scale > room && integer.sign() != Sign::NoSign {
        let bound = if room == 0 { "1".to_owned() } else { format!("10^{room}") };
        return Err(SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "numeric field overflow").with_detail(
            format!(
                "A field with precision {precision}, scale {scale} must round to an absolute value less than {bound}."
            ),
        ));
    }
    Ok(rounded)
}

/// Appends the text form.
pub fn format(numeric: &Numeric, out: &mut String) {
    match numeric {
        Numeric::NaN => out.push_str("NaN"),
        Numeric::Finite(decimal) => format_decimal(decimal, out),
    }
}

fn format_decimal(decimal: &BigDecimal, out: &mut String) {
    let Ok((integer, scale)) = parts(decimal) else {
        // No value in range has such a scale.
        out.push_str("NaN");
        return;
    };
    if integer.sign() == Sign::Minus {
        out.push('-');
    }
    let digits = integer.magnitude().to_string();
    let scale = usize::try_from(scale).expect("BUG: parts() makes the scale positive");
    match digits.len().checked_sub(scale).filter(|before| *before > 0) {
        Some(before) => {
            let (whole, fraction) = digits.split_at(before);
            out.push_str(whole);
            if !fraction.is_empty() {
                out.push('.');
                out.push_str(fraction);
            }
        }
        None => {
            out.push('0');
            out.push('.');
            out.extend(std::iter::repeat_n('0', scale - digits.len()));
            out.push_str(&digits);
        }
    }
}

/// A whole number.
pub fn from_i64(n: i64) -> Numeric {
    Numeric::Finite(BigDecimal::new(BigInt::from(n), 0))
}

/// Half away from zero; none if it does not fit.
pub fn to_i64(decimal: &BigDecimal) -> Option<i64> {
    let rounded = round(decimal, 0).ok()?;
    let (integer, _) = rounded.as_bigint_and_scale();
    i64::try_from(integer.as_ref()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        match parse(text) {
            Ok(n) => {
                let mut out = String::new();
                format(&n, &mut out);
                out
            }
            Err(e) => format!("{} {}", e.state.0, e.message),
        }
    }

    #[test]
    fn text_forms_are_those_of_postgresql() {
        let invalid = |s: &str| format!("22P02 invalid input syntax for type numeric: \"{s}\"");
        let overflow = "22003 value overflows numeric format";
        let cases: [(&str, &str); 21] = [
            ("0", "0"),
            (" 12.50 ", "12.50"),
            ("-0.0", "0.0"),
            ("+.5", "0.5"),
            ("5.", "5"),
            ("1e3", "1000"),
            ("1.5e-3", "0.0015"),
            ("1.50e1", "15.0"),
            ("-1E2", "-100"),
            ("000123", "123"),
            ("nan", "NaN"),
            ("0e1000000", "0"),
            ("1e131071", ""),
            ("1e131072", overflow),
            ("1e1000000000", overflow),
            ("1e-16384", overflow),
            ("0.00000000000000000000001", "0.00000000000000000000001"),
            ("1e-1000000000", overflow),
            ("99999999999999999999999999999999999999999.1", "99999999999999999999999999999999999999999.1"),
            ("1e99999999999999999999", "?"),
            ("inf", "0A000 numeric infinity is not supported"),
        ];
        for (text, expected) in cases {
            match expected {
                "" => assert_eq!(read(text).len(), 131_072),
                "?" => assert_eq!(read(text), invalid(text)),
                expected => assert_eq!(read(text), expected, "{text}"),
            }
        }
        for text in ["", ".", "e5", "1e", "1e+", "1 2", "0x10", "1_000", "--1", "1.2.3", "ä"] {
            assert_eq!(read(text), invalid(text));
        }
    }

    #[test]
    fn digits_are_counted() {
        for (n, count) in [(0, 0), (1, 1), (9, 1), (10, 2), (-999, 3), (1000, 4)] {
            assert_eq!(digit_count(&BigInt::from(n)), count, "{n}");
        }
        for exponent in [37u32, 38, 39, 40, 100, 1000, 16_383] {
            let power = BigInt::from(10).pow(exponent);
            assert_eq!(digit_count(&power), i64::from(exponent) + 1);
            assert_eq!(digit_count(&(power - 1)), i64::from(exponent));
        }
    }

    #[test]
    fn rounding_is_half_away_from_zero() {
        let cases = [
            ("2.5", 0, "3"),
            ("-2.5", 0, "-3"),
            ("2.45", 1, "2.5"),
            ("1.5", 3, "1.500"),
            ("149", -2, "100"),
            ("150", -2, "200"),
            ("1", -5, "0"),
            ("0.4999", 0, "0"),
        ];
        for (text, digits, expected) in cases {
            let Ok(Numeric::Finite(n)) = parse(text) else { panic!("{text}") };
            let mut out = String::new();
            format(&Numeric::Finite(round(&n, digits).unwrap()), &mut out);
            assert_eq!(out, expected, "{text} {digits}");
        }
    }
}
