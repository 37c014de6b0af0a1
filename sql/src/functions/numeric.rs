//! Arithmetic of NUMERIC. Scales of results are PostgreSQL's: of a sum the larger one, of a product both together, of a
//! quotient as many digits as make sixteen significant ones.

use std::borrow::Cow;

use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::{BigInt, Sign};
use heliosdb_storage::value::{DataType, Numeric, Value};

use super::integer::division_by_zero;
use super::{ScalarFunction, bad_arguments, float, logarithm};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::EvalContext;
use crate::types::numeric::{
    MAX_INTEGER_DIGITS, checked, digit_count, divide_half_up, overflow, parts, pow10, round, truncate,
};

/// The least significant digits of a quotient.
const MIN_SIGNIFICANT_DIGITS: i64 = 16;
/// The most digits after the point that a quotient or root is computed to.
const MAX_DISPLAY_SCALE: i64 = 1000;
/// PostgreSQL computes with digits to the base 10,000.
const DECIMALS_PER_DIGIT: i64 = 4;
/// The largest exponent with which a power is computed at all.
const MAX_EXPONENT: i64 = 1_000_000;

const N: DataType = DataType::Numeric;
const I: DataType = DataType::Int4;

pub(super) static OPERATORS: &[ScalarFunction] = &[
    ScalarFunction::new("+", &[N, N], N, |_, args| binary(args, add)),
    ScalarFunction::new("-", &[N, N], N, |_, args| binary(args, subtract)),
    ScalarFunction::new("*", &[N, N], N, |_, args| binary(args, multiply)),
    ScalarFunction::new("/", &[N, N], N, |_, args| binary(args, divide)),
    ScalarFunction::new("%", &[N, N], N, |_, args| binary(args, modulo)),
    ScalarFunction::new("^", &[N, N], N, |_, args| binary(args, power)),
    ScalarFunction::new("-", &[N], N, |_, args| unary(args, |a| Ok(-a.clone()))),
    ScalarFunction::new("+", &[N], N, |_, args| unary(args, |a| Ok(a.clone()))),
    ScalarFunction::new("@", &[N], N, |_, args| unary(args, |a| Ok(a.abs()))),
];

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction::new("abs", &[N], N, |_, args| unary(args, |a| Ok(a.abs()))),
    ScalarFunction::new("round", &[N], N, |_, args| unary(args, |a| round(a, 0))),
    ScalarFunction::new("round", &[N, I], N, |_, args| to_digits(args, round)),
    ScalarFunction::new("trunc", &[N], N, |_, args| unary(args, |a| truncate(a, 0))),
    ScalarFunction::new("trunc", &[N, I], N, |_, args| to_digits(args, truncate)),
    ScalarFunction::new("ceil", &[N], N, |_, args| unary(args, |a| to_whole(a, Sign::Plus))),
    ScalarFunction::new("ceiling", &[N], N, |_, args| unary(args, |a| to_whole(a, Sign::Plus))),
    ScalarFunction::new("floor", &[N], N, |_, args| unary(args, |a| to_whole(a, Sign::Minus))),
    ScalarFunction::new("sign", &[N], N, |_, args| unary(args, sign)),
    ScalarFunction::new("sqrt", &[N], N, |_, args| unary(args, sqrt)),
    ScalarFunction::new("mod", &[N, N], N, |_, args| binary(args, modulo)),
    ScalarFunction::new("div", &[N, N], N, |_, args| binary(args, whole_quotient)),
    ScalarFunction::new("power", &[N, N], N, |_, args| binary(args, power)),
    ScalarFunction::new("pow", &[N, N], N, |_, args| binary(args, power)),
    ScalarFunction::new("scale", &[N], I, scale).called_on_null(),
    ScalarFunction::new("gcd", &[N, N], N, |_, args| binary(args, gcd)),
    ScalarFunction::new("lcm", &[N, N], N, |_, args| binary(args, lcm)),
    ScalarFunction::new("factorial", &[DataType::Int8], N, factorial),
    ScalarFunction::new("width_bucket", &[N, N, N, I], I, width_bucket),
];

fn value(decimal: BigDecimal) -> Value {
    Value::Numeric(Box::new(Numeric::Finite(decimal)))
}

pub(super) fn unary(args: &[Value], compute: impl Fn(&BigDecimal) -> Result<BigDecimal>) -> Result<Value> {
    match args {
        [Value::Numeric(a)] => match a.as_ref() {
            Numeric::Finite(a) => compute(a).map(value),
            Numeric::NaN => Ok(Value::Numeric(Box::new(Numeric::NaN))),
        },
        _ => Err(bad_arguments("a function of numeric", args)),
    }
}

pub(super) fn binary(
    args: &[Value],
    compute: impl Fn(&BigDecimal, &BigDecimal) -> Result<BigDecimal>,
) -> Result<Value> {
    match args {
        [Value::Numeric(a), Value::Numeric(b)] => match (a.as_ref(), b.as_ref()) {
            (Numeric::Finite(a), Numeric::Finite(b)) => compute(a, b).map(value),
            _ => Ok(Value::Numeric(Box::new(Numeric::NaN))),
        },
        _ => Err(bad_arguments("a function of numeric", args)),
    }
}

/// Both integers to the larger scale.
fn aligned<'a>(a: &'a BigDecimal, b: &'a BigDecimal) -> Result<(Cow<'a, BigInt>, Cow<'a, BigInt>, i64)> {
    let ((a, a_scale), (b, b_scale)) = (parts(a)?, parts(b)?);
    let scale = a_scale.max(b_scale);
    let lift = |n: Cow<'a, BigInt>, by: i64| -> Result<Cow<'a, BigInt>> {
        if by == 0 { Ok(n) } else { Ok(Cow::Owned(n.as_ref() * pow10(by)?)) }
    };
    Ok((lift(a, scale - a_scale)?, lift(b, scale - b_scale)?, scale))
}

/// `a + b`
pub(super) fn add(a: &BigDecimal, b: &BigDecimal) -> Result<BigDecimal> {
    let (a, b, scale) = aligned(a, b)?;
    checked(a.as_ref() + b.as_ref(), scale)
}

pub(super) fn subtract(a: &BigDecimal, b: &BigDecimal) -> Result<BigDecimal> {
    let (a, b, scale) = aligned(a, b)?;
    checked(a.as_ref() - b.as_ref(), scale)
}

pub(super) fn multiply(a: &BigDecimal, b: &BigDecimal) -> Result<BigDecimal> {
    let ((a, a_scale), (b, b_scale)) = (parts(a)?, parts(b)?);
    checked(a.as_ref() * b.as_ref(), a_scale + b_scale)
}

/// Place and value of the first digit to the base 10,000.
fn leading_digit(integer: &BigInt, scale: i64) -> (i64, i64) {
    let digits = digit_count(integer);
    if digits == 0 {
        return (0, 0);
    }
    let place = digits - scale - 1;
    let weight = place.div_euclid(DECIMALS_PER_DIGIT);
    let wanted = place.rem_euclid(DECIMALS_PER_DIGIT) + 1;
    let text = integer.magnitude().to_string();
    let mut first = 0;
    for i in 0..usize::try_from(wanted).unwrap_or(0) {
        first = first * 10 + text.as_bytes().get(i).map_or(0, |b| i64::from(b - b'0'));
    }
    (weight, first)
}

/// The scale of a quotient: PostgreSQL's `select_div_scale`.
fn quotient_scale(a: (&BigInt, i64), b: (&BigInt, i64)) -> i64 {
    let (a_weight, a_first) = leading_digit(a.0, a.1);
    let (b_weight, b_first) = leading_digit(b.0, b.1);
    let weight = a_weight - b_weight - i64::from(a_first <= b_first);
    (MIN_SIGNIFICANT_DIGITS - weight * DECIMALS_PER_DIGIT).max(a.1).max(b.1).clamp(0, MAX_DISPLAY_SCALE)
}

/// `a / b`
pub(super) fn divide(a: &BigDecimal, b: &BigDecimal) -> Result<BigDecimal> {
    let ((a, a_scale), (b, b_scale)) = (parts(a)?, parts(b)?);
    if b.sign() == Sign::NoSign {
        return Err(division_by_zero());
    }
    let scale = quotient_scale((&a, a_scale), (&b, b_scale));
    checked(quotient(&a, a_scale, &b, b_scale, scale)?, scale)
}

fn quotient(a: &BigInt, a_scale: i64, b: &BigInt, b_scale: i64, scale: i64) -> Result<BigInt> {
    let shift = scale + b_scale - a_scale;
    if shift >= 0 { Ok(divide_half_up(&(a * pow10(shift)?), b)) } else { Ok(divide_half_up(a, &(b * pow10(-shift)?))) }
}

fn modulo(a: &BigDecimal, b: &BigDecimal) -> Result<BigDecimal> {
    let (a, b, scale) = aligned(a, b)?;
    if b.sign() == Sign::NoSign {
        return Err(division_by_zero());
    }
    checked(a.as_ref() % b.as_ref(), scale)
}

/// `div`: the quotient, cut off to a whole number.
fn whole_quotient(a: &BigDecimal, b: &BigDecimal) -> Result<BigDecimal> {
    let (a, b, _) = aligned(a, b)?;
    if b.sign() == Sign::NoSign {
        return Err(division_by_zero());
    }
    checked(a.as_ref() / b.as_ref(), 0)
}

/// The next whole number in the direction of the sign.
fn to_whole(a: &BigDecimal, direction: Sign) -> Result<BigDecimal> {
    let cut = truncate(a, 0)?;
    let (_, integer_scale) = parts(&cut)?;
    let step = match direction {
        Sign::Plus if *a > cut => 1,
        Sign::Minus if *a < cut => -1,
        _ => return Ok(cut),
    };
    add(&cut, &BigDecimal::new(BigInt::from(step), integer_scale))
}

fn sign(a: &BigDecimal) -> Result<BigDecimal> {
    let sign = match a.sign() {
        Sign::Plus => 1,
        Sign::NoSign => 0,
        Sign::Minus => -1,
    };
    Ok(BigDecimal::new(BigInt::from(sign), 0))
}

fn to_digits(args: &[Value], compute: fn(&BigDecimal, i64) -> Result<BigDecimal>) -> Result<Value> {
    match args {
        [Value::Numeric(a), Value::Int4(digits)] => match a.as_ref() {
            Numeric::NaN => Ok(Value::Numeric(a.clone())),
            // Nothing in range has digits beyond these places.
            Numeric::Finite(a) => compute(a, i64::from(*digits).clamp(-2000, 2000)).map(value),
        },
        _ => Err(bad_arguments("round", args)),
    }
}

fn sqrt(a: &BigDecimal) -> Result<BigDecimal> {
    let (integer, scale) = parts(a)?;
    if integer.sign() == Sign::Minus {
        return Err(float::negative_root());
    }
    let (weight, _) = leading_digit(&integer, scale);
    let digits_before = (weight + 1) * DECIMALS_PER_DIGIT / 2 - 1;
    let wanted = (MIN_SIGNIFICANT_DIGITS - digits_before).max(scale).clamp(0, MAX_DISPLAY_SCALE);
    root(a, wanted)
}

/// The root of a number that is not negative, with so many digits behind the point.
pub(super) fn root(a: &BigDecimal, wanted: i64) -> Result<BigDecimal> {
    let (integer, scale) = parts(a)?;
    // One digit more than wanted, cut off: no root lies exactly half way between two numbers of the wanted scale.
    let shift = 2 * (wanted + 1) - scale;
    let lifted = if shift >= 0 { integer.as_ref() * pow10(shift)? } else { integer.as_ref() / pow10(-shift)? };
    let root = BigDecimal::new(lifted.sqrt(), wanted + 1);
    round(&root, wanted)
}

/// Powers with a whole exponent; others take logarithms.
fn power(a: &BigDecimal, b: &BigDecimal) -> Result<BigDecimal> {
    let ((base, base_scale), (_, _)) = (parts(a)?, parts(b)?);
    let whole = truncate(b, 0)?;
    let is_whole = whole == *b;
    let error =
        float::power_error(base.sign() == Sign::NoSign, base.sign() == Sign::Minus, b.sign() == Sign::Minus, is_whole);
    if let Some(error) = error {
        return Err(error);
    }
    if !is_whole {
        return logarithm::fractional_power(a, b);
    }
    let (exponent, _) = parts(&whole)?;
    let scale_of_one = MIN_SIGNIFICANT_DIGITS.max(base_scale);
    if base.sign() == Sign::NoSign {
        let result = if exponent.sign() == Sign::NoSign { 1 } else { 0 };
        return checked(BigInt::from(result) * pow10(scale_of_one)?, scale_of_one);
    }
    let magnitude_is_one = *base.magnitude() == *pow10(base_scale)?.magnitude();
    if magnitude_is_one {
        let is_odd = exponent.bit(0);
        let sign = if base.sign() == Sign::Minus && is_odd { -1 } else { 1 };
        return checked(BigInt::from(sign) * pow10(scale_of_one)?, scale_of_one);
    }
    let exponent = i64::try_from(exponent.as_ref()).ok().filter(|e| e.abs() <= MAX_EXPONENT);
    whole_power(a, exponent.ok_or_else(overflow)?)
}

/// As PostgreSQL's `power_var_int`: the digits of the result are estimated first, then computed with some to spare.
fn whole_power(a: &BigDecimal, exponent: i64) -> Result<BigDecimal> {
    let (base, base_scale) = parts(a)?;
    // log10 of the result, by the first digits of the base.
    let text = base.magnitude().to_string();
    let lead: f64 = text.get(..text.len().min(16)).unwrap_or("0").parse().unwrap_or(0.0);
    let beyond = i32::try_from(text.len().saturating_sub(16)).unwrap_or(i32::MAX);
    let base_log = lead.log10() + f64::from(beyond) - f64::from(i32::try_from(base_scale).unwrap_or(i32::MAX));
    let exponent_small = i32::try_from(exponent).map_err(|_| overflow())?;
    let log = f64::from(exponent_small) * base_log;
    #[allow(clippy::cast_precision_loss, reason = "the bound is exact in a double")]
    if log > (MAX_INTEGER_DIGITS + 1) as f64 {
        return Err(overflow());
    }
    let scale = MIN_SIGNIFICANT_DIGITS.max(base_scale).min(MAX_DISPLAY_SCALE);
    // Far below the last digit shown.
    if log < -2000.0 {
        return Ok(BigDecimal::new(BigInt::from(0), scale));
    }
    // Enough digits that the error of all multiplications stays below half of the last one shown.
    #[allow(clippy::cast_possible_truncation, reason = "bounded by the two checks above")]
    let working = scale + (log.abs() as i64) + 20 + digit_count(&BigInt::from(exponent)) * 2;
    let mut result = BigDecimal::new(BigInt::from(1), 0);
    let mut square = a.clone();
    let mut left = exponent.unsigned_abs();
    while left > 0 {
        if left & 1 == 1 {
            result = significant(multiply_unbounded(&result, &square)?, working)?;
        }
        left >>= 1;
        if left > 0 {
            square = significant(multiply_unbounded(&square, &square)?, working)?;
        }
    }
    if exponent >= 0 {
        return round_unbounded(&result, scale);
    }
    let (digits, digits_scale) = result.as_bigint_and_scale();
    let shift = scale + digits_scale;
    let inverse = if shift >= 0 {
        divide_half_up(&pow10(shift)?, &digits)
    } else {
        divide_half_up(&BigInt::from(1), &(digits.as_ref() * pow10(-shift)?))
    };
    checked(inverse, scale)
}

/// Integer and scale, the scale of any sign and size.
fn multiply_unbounded(a: &BigDecimal, b: &BigDecimal) -> Result<BigDecimal> {
    let ((a, a_scale), (b, b_scale)) = (a.as_bigint_and_scale(), b.as_bigint_and_scale());
    Ok(BigDecimal::new(a.as_ref() * b.as_ref(), a_scale.checked_add(b_scale).ok_or_else(overflow)?))
}

/// Keeps so many significant digits, whatever the scale.
fn significant(n: BigDecimal, wanted: i64) -> Result<BigDecimal> {
    let (integer, scale) = n.as_bigint_and_scale();
    let excess = digit_count(&integer) - wanted;
    if excess <= 0 {
        return Ok(n);
    }
    let kept = divide_half_up(&integer, &pow10(excess)?);
    Ok(BigDecimal::new(kept, scale - excess))
}

fn round_unbounded(n: &BigDecimal, scale: i64) -> Result<BigDecimal> {
    let (integer, own_scale) = n.as_bigint_and_scale();
    let shift = scale - own_scale;
    let digits = if shift >= 0 {
        integer.as_ref() * pow10(shift)?
    } else if -shift > digit_count(&integer) + 1 {
        BigInt::from(0)
    } else {
        divide_half_up(&integer, &pow10(-shift)?)
    };
    checked(digits, scale)
}

/// The greatest common divisor, of the whole and the fractional digits alike.
fn gcd(a: &BigDecimal, b: &BigDecimal) -> Result<BigDecimal> {
    let (a, b, scale) = aligned(a, b)?;
    let (mut a, mut b) = (a.magnitude().clone(), b.magnitude().clone());
    while b.bits() > 0 {
        (a, b) = (b.clone(), a % b);
    }
    checked(BigInt::from(a), scale)
}

fn lcm(a: &BigDecimal, b: &BigDecimal) -> Result<BigDecimal> {
    let divisor = gcd(a, b)?;
    let (a, b, scale) = aligned(a, b)?;
    let (divisor, divisor_scale) = parts(&divisor)?;
    if divisor.sign() == Sign::NoSign {
        return checked(BigInt::from(0), scale);
    }
    let divisor = divisor.as_ref() * pow10(scale - divisor_scale)?;
    let product = BigInt::from(a.magnitude().clone()) / divisor * BigInt::from(b.magnitude().clone());
    checked(product, scale)
}

fn factorial(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Int8(n)] = args else { return Err(bad_arguments("factorial", args)) };
    if *n < 0 {
        let message = "factorial of a negative number is undefined";
        return Err(SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message));
    }
    if *n > 32_177 {
        return Err(overflow());
    }
    let product = (2..=*n).fold(BigInt::from(1), |product, n| product * n);
    checked(product, 0).map(value)
}

/// In which of some equal parts of a range a number lies.
fn width_bucket(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Numeric(n), Value::Numeric(low), Value::Numeric(high), Value::Int4(count)] = args else {
        return Err(bad_arguments("width_bucket", args));
    };
    let invalid = |message: &str| Err(SqlError::new(SqlState("2201G"), message));
    if *count <= 0 {
        return invalid("count must be greater than zero");
    }
    let (Numeric::Finite(n), Numeric::Finite(low), Numeric::Finite(high)) = (n.as_ref(), low.as_ref(), high.as_ref())
    else {
        return invalid("operand, lower bound, and upper bound cannot be NaN");
    };
    if low == high {
        return invalid("lower bound cannot equal upper bound");
    }
    let (from_low, range) = if low < high { (n - low, high - low) } else { (low - n, low - high) };
    let bucket = if from_low.sign() == Sign::Minus {
        Some(0)
    } else if from_low >= range {
        count.checked_add(1)
    } else {
        let (a, b, _) = aligned(&from_low, &range)?;
        let part = a.as_ref() * *count / b.as_ref();
        i32::try_from(part).ok().and_then(|part| part.checked_add(1))
    };
    bucket.map(Value::Int4).ok_or_else(|| crate::types::cast::out_of_range(I))
}

fn scale(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    match args {
        [Value::Numeric(n)] => match n.as_ref() {
            Numeric::NaN => Ok(Value::Null),
            Numeric::Finite(n) => {
                let (_, scale) = parts(n)?;
                let scale = i32::try_from(scale)
                    .map_err(|_| SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range"))?;
                Ok(Value::Int4(scale))
            }
        },
        [Value::Null] => Ok(Value::Null),
        _ => Err(bad_arguments("scale", args)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::{NoSubqueries, SessionFacts};
    use crate::functions::{resolve, resolve_operator};
    use crate::sync_control::NoSync;
    use crate::types::{ValueContext, numeric, to_text};

    /// Operator or function, its arguments (the second empty for none), what PostgreSQL 15 answers.
    const CASES: &[(&str, &str, &str, &str)] = &[
        ("+", "1.50", "2.5", "4.00"),
        ("-", "1", "1.000", "0.000"),
        ("*", "1.50", "2.5", "3.750"),
        ("*", "-0.001", "0.002", "-0.000002"),
        ("/", "1", "3.0", "0.33333333333333333333"),
        ("/", "10.0", "4", "2.5000000000000000"),
        ("/", "1000000", "7.0", "142857.142857142857"),
        ("/", "0.0001", "7", "0.000014285714285714285714"),
        ("/", "1e20", "3", "33333333333333333333"),
        ("/", "0", "3.0", "0.00000000000000000000"),
        ("/", "-1", "3", "-0.33333333333333333333"),
        ("/", "2", "3", "0.66666666666666666667"),
        ("/", "99999999999999999999", "0.00001", "9999999999999999999900000.00000"),
        ("/", "1", "0", "22012 division by zero"),
        ("%", "5.5", "2", "1.5"),
        ("%", "-5.5", "2", "-1.5"),
        ("%", "5", "0", "22012 division by zero"),
        ("^", "2.0", "3", "8.0000000000000000"),
        ("^", "10.0", "20", "100000000000000000000.0000000000000000"),
        ("^", "2.0", "-100", "0.0000000000000000"),
        ("^", "0.5", "30", "0.0000000009313226"),
        ("^", "1.5", "7", "17.0859375000000000"),
        ("^", "1.000001", "1000", "1.0010004996662084"),
        ("^", "-2.5", "3", "-15.6250000000000000"),
        ("^", "0", "0", "1.0000000000000000"),
        ("^", "0", "-1", "2201F zero raised to a negative power is undefined"),
        ("^", "-1", "0.5", "2201F a negative number raised to a non-integer power yields a complex result"),
        ("^", "1.23456789012345678901", "3", "1.88167637235365777254"),
        ("^", "1234.5", "-2", "0.0000006561721770"),
        ("^", "10.0", "-16", "0.0000000000000001"),
        ("^", "0.9", "200", "0.0000000007055079"),
        ("^", "0.1", "2000", "0.0000000000000000"),
        ("^", "1.0", "-5", "1.0000000000000000"),
        ("^", "2.5", "0", "1.0000000000000000"),
        ("^", "10", "200000", "22003 value overflows numeric format"),
        ("/", "NaN", "0", "NaN"),
        ("+", "NaN", "1", "NaN"),
        ("div", "7.5", "2", "3"),
        ("div", "-7.5", "2", "-3"),
        ("mod", "7.55", "0.5", "0.05"),
        ("power", "2", "10", "1024.0000000000000000"),
        ("^", "3", "100", "515377520732011331036461129765621272702107522001.0000000000000000"),
        ("/", "123456789.123456789", "0.000000123", "1003713732711030.804878049"),
        ("*", "1e131071", "10", "22003 value overflows numeric format"),
        ("abs", "-1.50", "", "1.50"),
        ("sign", "-2.50", "", "-1"),
        ("sign", "0.0", "", "0"),
        ("ceil", "-1.5", "", "-1"),
        ("ceil", "1.2", "", "2"),
        ("floor", "1.20", "", "1"),
        ("floor", "-1.2", "", "-2"),
        ("ceil", "-0.5", "", "0"),
        ("round", "2.5", "", "3"),
        ("round", "-2.5", "", "-3"),
        ("trunc", "-1.9", "", "-1"),
        ("sqrt", "2", "", "1.414213562373095"),
        ("sqrt", "2.00000000000000000000001", "", "1.41421356237309504880169"),
        ("sqrt", "123456789.0", "", "11111.11106055556"),
        ("sqrt", "0.0001", "", "0.01000000000000000"),
        ("sqrt", "0.00001", "", "0.0031622776601683793"),
        ("sqrt", "10000", "", "100.0000000000000"),
        ("sqrt", "99999999999999999999", "", "10000000000.0000000"),
        ("sqrt", "0", "", "0.000000000000000"),
        ("sqrt", "0.000000000001", "", "0.000001000000000000000"),
        ("sqrt", "-1", "", "2201F cannot take square root of a negative number"),
        ("sqrt", "1e100", "", "100000000000000000000000000000000000000000000000000"),
    ];

    #[test]
    fn digits_and_scales_are_those_of_postgresql() {
        let session = SessionFacts::alone("u", "d");
        let time = ValueContext::utc();
        let ctx = EvalContext {
            params: &[],
            outer: None,
            time: &time,
            session: &session,
            sync: &NoSync,
            cancel: &crate::eval::NEVER_CANCELLED,
            subqueries: &NoSubqueries,
        };
        for (name, a, b, expected) in CASES {
            let args: Vec<Value> = [a, b]
                .into_iter()
                .filter(|text| !text.is_empty())
                .map(|text| Value::Numeric(Box::new(numeric::parse(text).unwrap())))
                .collect();
            let types = vec![N; args.len()];
            let function = if name.starts_with(|c: char| c.is_ascii_alphabetic()) {
                resolve(None, name, &types).unwrap()
            } else {
                resolve_operator(name, Some(N), Some(N)).unwrap()
            };
            let shown = match (function.call)(&ctx, &args) {
                Ok(value) => to_text(&value, N, &time),
                Err(e) => format!("{} {}", e.state.0, e.message),
            };
            assert_eq!(shown, *expected, "{a} {name} {b}");
        }
    }
}
