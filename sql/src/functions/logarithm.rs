//! `exp`, `ln`, `log` and powers with any exponent, of NUMERIC.
//!
//! All is computed with integers that stand for multiples of a power of ten with a few digits more than are shown. A
//! logarithm takes square roots until its argument is near 1, where the series of artanh is short; an exponential halves
//! its argument until the exponential series is short, then squares. How many digits are shown is PostgreSQL's rule:
//! sixteen significant ones, or as many as the arguments have behind the point.

use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::{BigInt, Sign};
use heliosdb_storage::value::{DataType, Numeric, Value};

use super::numeric::{binary, unary};
use super::{ScalarFunction, bad_arguments};
use crate::error::{Result, SqlError, SqlState};
use crate::types::numeric::{checked, digit_count, divide_half_up, overflow, parts, pow10};

/// The least significant digits of a result.
const MIN_SIGNIFICANT_DIGITS: i64 = 16;
/// The most digits after the point.
const MAX_DISPLAY_SCALE: i64 = 1000;
/// Digits beyond those that are shown.
const GUARD_DIGITS: i64 = 12;
/// The most digits of an exponential: more would take minutes.
const MAX_RESULT_DIGITS: f64 = 20_000.0;
/// log10(e)
const LOG10_E: f64 = std::f64::consts::LOG10_E;

const N: DataType = DataType::Numeric;

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction::new("exp", &[N], N, |_, args| unary(args, exp)),
    ScalarFunction::new("ln", &[N], N, |_, args| unary(args, ln)),
    ScalarFunction::new("log", &[N], N, |_, args| unary(args, |a| log(&BigDecimal::from(10), a))),
    ScalarFunction::new("log10", &[N], N, |_, args| unary(args, |a| log(&BigDecimal::from(10), a))),
    ScalarFunction::new("log", &[N, N], N, |_, args| binary(args, log)),
    ScalarFunction::new("min_scale", &[N], DataType::Int4, |_, args| match args {
        [Value::Numeric(n)] => Ok(match n.as_ref() {
            Numeric::Finite(n) => Value::Int4(i32::try_from(trimmed(n)?.1).unwrap_or(0)),
            Numeric::NaN => Value::Null,
        }),
        _ => Err(bad_arguments("min_scale", args)),
    }),
    ScalarFunction::new("trim_scale", &[N], N, |_, args| {
        unary(args, |n| {
            let (integer, scale) = trimmed(n)?;
            checked(integer, scale)
        })
    }),
];

/// Without zeros at the end of the fraction.
fn trimmed(n: &BigDecimal) -> Result<(BigInt, i64)> {
    let (integer, mut scale) = parts(n)?;
    let mut integer = integer.into_owned();
    let ten = BigInt::from(10);
    while scale > 0 && (&integer % &ten).sign() == Sign::NoSign {
        integer /= &ten;
        scale -= 1;
    }
    Ok((integer, scale))
}

fn not_positive(integer: &BigInt) -> Result<()> {
    let message = match integer.sign() {
        Sign::Plus => return Ok(()),
        Sign::NoSign => "cannot take logarithm of zero",
        Sign::Minus => "cannot take logarithm of a negative number",
    };
    Err(SqlError::new(SqlState("2201E"), message))
}

/// The leading digits as a double between 1 and 10, and the power of ten.
fn leading(integer: &BigInt, scale: i64) -> (f64, i64) {
    let text = integer.magnitude().to_string();
    let digits: f64 = text.get(..text.len().min(17)).unwrap_or("0").parse().unwrap_or(0.0);
    let count = text.len().min(17);
    let mantissa = digits / 10f64.powi(i32::try_from(count).unwrap_or(17) - 1);
    (mantissa, digit_count(integer) - 1 - scale)
}

/// The place of the first digit of a number's logarithm.
fn ln_weight(n: &BigDecimal) -> Result<i64> {
    let (integer, scale) = parts(n)?;
    let one = pow10(scale)?;
    let distance = integer.as_ref() - &one;
    if (&distance * BigInt::from(10)).magnitude() <= one.magnitude() {
        // Near 1 the logarithm is about the distance from it.
        return Ok(if distance.sign() == Sign::NoSign { 0 } else { leading(&distance, scale).1 });
    }
    let (mantissa, exponent) = leading(&integer, scale);
    #[allow(clippy::cast_precision_loss, reason = "an exponent of at most six digits")]
    let ln = mantissa.ln() + exponent as f64 * std::f64::consts::LN_10;
    #[allow(clippy::cast_possible_truncation, reason = "a logarithm of a number of at most six digits")]
    Ok(ln.abs().log10() as i64)
}

fn display_scale(weight: i64, least: i64) -> i64 {
    (MIN_SIGNIFICANT_DIGITS - weight).max(least).clamp(0, MAX_DISPLAY_SCALE)
}

/// Rounds a fixed-point number to fewer digits.
fn rounded(n: &BigInt, from: i64, to: i64) -> Result<BigInt> {
    if to >= from { Ok(n * pow10(to - from)?) } else { Ok(divide_half_up(n, &pow10(from - to)?)) }
}

fn ln(n: &BigDecimal) -> Result<BigDecimal> {
    let (integer, scale) = parts(n)?;
    not_positive(&integer)?;
    let shown = display_scale(ln_weight(n)?, scale);
    let digits = shown + GUARD_DIGITS;
    checked(rounded(&ln_fixed(&integer, scale, digits)?, digits, shown)?, shown)
}

/// The logarithm as a multiple of 10^-digits.
fn ln_fixed(integer: &BigInt, scale: i64, digits: i64) -> Result<BigInt> {
    let exponent = digit_count(integer) - 1 - scale;
    let digits_in = digits + 8;
    // The mantissa, between 1 and 10.
    let mantissa = rounded(integer, scale + exponent, digits_in)?;
    let mut sum = near_one(mantissa, digits_in)?;
    if exponent != 0 {
        sum += near_one(pow10(digits_in + 1)?, digits_in)? * exponent;
    }
    rounded(&sum, digits_in, digits)
}

/// The logarithm of a fixed-point number between 1 and 10.
fn near_one(n: BigInt, digits: i64) -> Result<BigInt> {
    const ROOTS: u32 = 12;
    let digits_in = digits + 10;
    let one = pow10(digits_in)?;
    let mut root = rounded(&n, digits, digits_in)?;
    for _ in 0..ROOTS {
        root = (root * &one).sqrt();
    }
    // ln r = 2 artanh((r - 1) / (r + 1))
    let z = (&root - &one) * &one / (&root + &one);
    let square = &z * &z / &one;
    let (mut power, mut sum, mut n) = (z.clone(), z, 1i64);
    while power.sign() != Sign::NoSign {
        power = power * &square / &one;
        n += 2;
        sum += &power / n;
    }
    rounded(&((sum * 2) << ROOTS), digits_in, digits)
}

fn to_double(integer: &BigInt, scale: i64) -> f64 {
    let (mantissa, exponent) = leading(integer, scale);
    let exponent = i32::try_from(exponent.clamp(-400, 400)).unwrap_or(0);
    let magnitude = mantissa * 10f64.powi(exponent);
    if integer.sign() == Sign::Minus { -magnitude } else { magnitude }
}

fn exp(n: &BigDecimal) -> Result<BigDecimal> {
    let (integer, scale) = parts(n)?;
    exp_shown(&integer, scale, scale)
}

/// The exponential of a fixed-point number, shown with at least so many digits.
fn exp_shown(integer: &BigInt, scale: i64, least: i64) -> Result<BigDecimal> {
    let weight = to_double(integer, scale) * LOG10_E;
    if weight > 131_072.0 {
        return Err(overflow());
    }
    if weight > MAX_RESULT_DIGITS {
        return Err(SqlError::unsupported(format!("an exponential of more than {MAX_RESULT_DIGITS} digits")));
    }
    #[allow(clippy::cast_possible_truncation, reason = "saturates below; checked above")]
    let weight = weight as i64;
    let shown = display_scale(weight.max(-MAX_DISPLAY_SCALE * 2), least);
    if weight < -shown - 2 {
        return checked(BigInt::from(0), shown);
    }
    let digits = shown + GUARD_DIGITS + weight.max(0) * 2 + 10;
    // Halvings until the argument is below 2^-8; each costs a squaring and a bit.
    let halvings = u32::try_from((integer.bits().cast_signed() - (scale * 10 / 3)).max(0) + 10).unwrap_or(u32::MAX);
    let digits_in = digits + i64::from(halvings) + 5;
    let one = pow10(digits_in)?;
    let x = rounded(integer, scale, digits_in)? >> halvings;
    let (mut term, mut sum, mut n) = (one.clone(), one.clone(), 0i64);
    while term.sign() != Sign::NoSign && term.magnitude() > &num_bigint::BigUint::from(1u8) {
        n += 1;
        term = term * &x / &one / n;
        sum += &term;
    }
    for _ in 0..halvings {
        sum = &sum * &sum / &one;
    }
    checked(rounded(&sum, digits_in, shown)?, shown)
}

/// The logarithm to a base.
fn log(base: &BigDecimal, n: &BigDecimal) -> Result<BigDecimal> {
    let ((base_integer, base_scale), (integer, scale)) = (parts(base)?, parts(n)?);
    not_positive(&base_integer)?;
    not_positive(&integer)?;
    let base_is_one = *base_integer == pow10(base_scale)?;
    if base_is_one {
        return Err(super::integer::division_by_zero());
    }
    let (base_weight, weight) = (ln_weight(base)?, ln_weight(n)?);
    let shown = display_scale(weight - base_weight, base_scale.max(scale));
    let digits = shown + GUARD_DIGITS + base_weight.abs() + weight.abs() + 8;
    let divisor = ln_fixed(&base_integer, base_scale, digits)?;
    let dividend = ln_fixed(&integer, scale, digits)? * pow10(shown)?;
    checked(divide_half_up(&dividend, &divisor), shown)
}

/// A positive number to a power that is no whole number.
pub(super) fn fractional_power(base: &BigDecimal, exponent: &BigDecimal) -> Result<BigDecimal> {
    let ((integer, scale), (exponent, exponent_scale)) = (parts(base)?, parts(exponent)?);
    if integer.sign() == Sign::NoSign {
        let shown = MIN_SIGNIFICANT_DIGITS.max(scale).max(exponent_scale);
        return checked(BigInt::from(0), shown);
    }
    let weight = ln_weight(base)?;
    // Enough digits for the product with the exponent to be exact to the guard digits of the result.
    let digits = MAX_DISPLAY_SCALE.min(60 + scale + exponent_scale) + weight.abs() + digit_count(&exponent);
    let product = ln_fixed(&integer, scale, digits)? * exponent.as_ref();
    exp_shown(&product, digits + exponent_scale, scale.max(exponent_scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n(text: &str) -> BigDecimal {
        text.parse().unwrap()
    }

    fn shown(n: BigDecimal) -> String {
        Numeric::Finite(n).to_string()
    }

    #[test]
    fn digits_are_those_of_postgresql() {
        for (given, expected) in [
            ("2", "0.6931471805599453"),
            ("10", "2.3025850929940457"),
            ("0.5", "-0.6931471805599453"),
            ("1", "0.0000000000000000"),
            ("1.00001", "0.000009999950000333331"),
            ("12345678901234567890", "43.959837789202521"),
        ] {
            assert_eq!(shown(ln(&n(given)).unwrap()), expected, "ln({given})");
        }
        for (given, expected) in [
            ("1", "2.7182818284590452"),
            ("0", "1.0000000000000000"),
            ("-1.5", "0.2231301601484298"),
            ("10", "22026.465794806717"),
        ] {
            assert_eq!(shown(exp(&n(given)).unwrap()), expected, "exp({given})");
        }
        assert_eq!(shown(log(&n("2"), &n("64")).unwrap()), "6.0000000000000000");
        assert_eq!(shown(log(&n("10"), &n("100")).unwrap()), "2.0000000000000000");
        assert_eq!(shown(fractional_power(&n("2"), &n("0.5")).unwrap()), "1.4142135623730950");
        assert_eq!(shown(fractional_power(&n("9.5"), &n("1.25")).unwrap()), "16.678404656440467");
        assert!(ln(&n("0")).is_err() && ln(&n("-1")).is_err());
    }
}
