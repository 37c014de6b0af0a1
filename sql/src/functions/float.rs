//! Arithmetic of double precision: overflow and underflow are errors (22003), infinities and NaN that were there before
//! are not.

use heliosdb_storage::value::{DataType, Value};

use super::integer::division_by_zero;
use super::{ScalarFunction, bad_arguments};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::EvalContext;

const F: DataType = DataType::Float8;

pub(super) static OPERATORS: &[ScalarFunction] = &[
    ScalarFunction::new("+", &[F, F], F, |_, args| binary(args, |a, b| Ok((a + b, true)))),
    ScalarFunction::new("-", &[F, F], F, |_, args| binary(args, |a, b| Ok((a - b, true)))),
    ScalarFunction::new("*", &[F, F], F, |_, args| binary(args, |a, b| Ok((a * b, a == 0.0 || b == 0.0)))),
    ScalarFunction::new("/", &[F, F], F, |_, args| binary(args, divide)),
    ScalarFunction::new("^", &[F, F], F, power),
    ScalarFunction::new("-", &[F], F, |_, args| unary(args, |a| Ok(-a))),
    ScalarFunction::new("+", &[F], F, |_, args| unary(args, Ok)),
    ScalarFunction::new("@", &[F], F, |_, args| unary(args, |a| Ok(a.abs()))),
];

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction::new("abs", &[F], F, |_, args| unary(args, |a| Ok(a.abs()))),
    ScalarFunction::new("round", &[F], F, |_, args| unary(args, |a| Ok(a.round_ties_even()))),
    ScalarFunction::new("ceil", &[F], F, |_, args| unary(args, |a| Ok(a.ceil()))),
    ScalarFunction::new("ceiling", &[F], F, |_, args| unary(args, |a| Ok(a.ceil()))),
    ScalarFunction::new("floor", &[F], F, |_, args| unary(args, |a| Ok(a.floor()))),
    ScalarFunction::new("trunc", &[F], F, |_, args| unary(args, |a| Ok(a.trunc()))),
    ScalarFunction::new("sign", &[F], F, |_, args| unary(args, |a| Ok(sign(a)))),
    ScalarFunction::new("sqrt", &[F], F, |_, args| unary(args, sqrt)),
    ScalarFunction::new("power", &[F, F], F, power),
    ScalarFunction::new("pow", &[F, F], F, power),
    ScalarFunction::new("pi", &[], F, |_, _| Ok(Value::Float8(std::f64::consts::PI))),
    ScalarFunction::new("random", &[], F, random).volatile(),
    ScalarFunction::new("exp", &[F], F, |_, args| {
        unary(args, |a| checked(a.exp(), a.is_infinite(), a == f64::NEG_INFINITY))
    }),
    ScalarFunction::new("ln", &[F], F, |_, args| unary(args, |a| logarithm(a, f64::ln))),
    ScalarFunction::new("log", &[F], F, |_, args| unary(args, |a| logarithm(a, f64::log10))),
    ScalarFunction::new("log10", &[F], F, |_, args| unary(args, |a| logarithm(a, f64::log10))),
    ScalarFunction::new("cbrt", &[F], F, |_, args| unary(args, |a| Ok(a.cbrt()))),
    ScalarFunction::new("degrees", &[F], F, |_, args| {
        unary(args, |a| checked(a / (std::f64::consts::PI / 180.0), a.is_infinite(), a == 0.0))
    }),
    ScalarFunction::new("radians", &[F], F, |_, args| {
        unary(args, |a| checked(a * (std::f64::consts::PI / 180.0), a.is_infinite(), a == 0.0))
    }),
    ScalarFunction::new("sin", &[F], F, |_, args| unary(args, |a| of_angle(a, f64::sin))),
    ScalarFunction::new("cos", &[F], F, |_, args| unary(args, |a| of_angle(a, f64::cos))),
    ScalarFunction::new("tan", &[F], F, |_, args| unary(args, |a| of_angle(a, f64::tan))),
    ScalarFunction::new("cot", &[F], F, |_, args| unary(args, |a| of_angle(a, |a| 1.0 / a.tan()))),
    ScalarFunction::new("asin", &[F], F, |_, args| unary(args, |a| of_ratio(a, f64::asin))),
    ScalarFunction::new("acos", &[F], F, |_, args| unary(args, |a| of_ratio(a, f64::acos))),
    ScalarFunction::new("atan", &[F], F, |_, args| unary(args, |a| Ok(a.atan()))),
    ScalarFunction::new("atan2", &[F, F], F, |_, args| binary(args, |a, b| Ok((a.atan2(b), true)))),
    ScalarFunction::new("sinh", &[F], F, |_, args| unary(args, |a| Ok(a.sinh()))),
    ScalarFunction::new("cosh", &[F], F, |_, args| unary(args, |a| Ok(a.cosh()))),
    ScalarFunction::new("tanh", &[F], F, |_, args| unary(args, |a| Ok(a.tanh()))),
    ScalarFunction::new("width_bucket", &[F, F, F, DataType::Int4], DataType::Int4, width_bucket),
];

fn unary(args: &[Value], compute: impl Fn(f64) -> Result<f64>) -> Result<Value> {
    match args {
        [Value::Float8(a)] => compute(*a).map(Value::Float8),
        _ => Err(bad_arguments("a function of double precision", args)),
    }
}

/// The computation says also whether zero is a right result.
fn binary(args: &[Value], compute: impl Fn(f64, f64) -> Result<(f64, bool)>) -> Result<Value> {
    match args {
        [Value::Float8(a), Value::Float8(b)] => {
            let (result, may_be_zero) = compute(*a, *b)?;
            checked(result, a.is_infinite() || b.is_infinite(), may_be_zero).map(Value::Float8)
        }
        _ => Err(bad_arguments("a function of double precision", args)),
    }
}

/// Refuses a result that became infinite or zero by lack of range.
pub(super) fn checked(result: f64, was_infinite: bool, may_be_zero: bool) -> Result<f64> {
    let error = |what: &str| SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, format!("value out of range: {what}"));
    if result.is_infinite() && !was_infinite {
        return Err(error("overflow"));
    }
    if result == 0.0 && !may_be_zero && !was_infinite {
        return Err(error("underflow"));
    }
    Ok(result)
}

/// The error for a result beyond the range.
pub(super) fn overflow() -> SqlError {
    SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow")
}

fn divide(a: f64, b: f64) -> Result<(f64, bool)> {
    if b == 0.0 && !a.is_nan() {
        return Err(division_by_zero());
    }
    Ok((a / b, a == 0.0 || b.is_infinite()))
}

fn sign(a: f64) -> f64 {
    if a > 0.0 {
        1.0
    } else if a < 0.0 {
        -1.0
    } else {
        // Zero keeps none, NaN stays.
        a.abs()
    }
}

fn sqrt(a: f64) -> Result<f64> {
    if a < 0.0 {
        return Err(negative_root());
    }
    Ok(a.sqrt())
}

fn logarithm(a: f64, compute: fn(f64) -> f64) -> Result<f64> {
    if a == 0.0 {
        return Err(SqlError::new(SqlState("2201E"), "cannot take logarithm of zero"));
    }
    if a < 0.0 {
        return Err(SqlError::new(SqlState("2201E"), "cannot take logarithm of a negative number"));
    }
    Ok(compute(a))
}

fn of_angle(a: f64, compute: fn(f64) -> f64) -> Result<f64> {
    if a.is_infinite() { Err(input_out_of_range()) } else { Ok(compute(a)) }
}

fn of_ratio(a: f64, compute: fn(f64) -> f64) -> Result<f64> {
    if a.abs() > 1.0 { Err(input_out_of_range()) } else { Ok(compute(a)) }
}

fn input_out_of_range() -> SqlError {
    SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "input is out of range")
}

/// In which of some equal parts of a range a number lies.
fn width_bucket(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let [Value::Float8(n), Value::Float8(low), Value::Float8(high), Value::Int4(count)] = args else {
        return Err(bad_arguments("width_bucket", args));
    };
    let invalid = |message: &str| Err(SqlError::new(SqlState("2201G"), message));
    if *count <= 0 {
        return invalid("count must be greater than zero");
    }
    if n.is_nan() || low.is_nan() || high.is_nan() {
        return invalid("operand, lower bound, and upper bound cannot be NaN");
    }
    if low.is_infinite() || high.is_infinite() {
        return invalid("lower and upper bounds must be finite");
    }
    #[allow(clippy::float_cmp, reason = "the bounds are given, not computed")]
    if low == high {
        return invalid("lower bound cannot equal upper bound");
    }
    let (from_low, range) = if low < high { (n - low, high - low) } else { (low - n, low - high) };
    let bucket = if from_low < 0.0 {
        Some(0)
    } else if from_low >= range {
        count.checked_add(1)
    } else {
        #[allow(clippy::cast_possible_truncation, reason = "below the count")]
        let part = (f64::from(*count) * (from_low / range)) as i32;
        part.checked_add(1)
    };
    bucket.map(Value::Int4).ok_or_else(|| crate::types::cast::out_of_range(DataType::Int4))
}

/// The error of a square root that is no number.
pub(super) fn negative_root() -> SqlError {
    SqlError::new(SqlState::INVALID_ARGUMENT_FOR_POWER_FUNCTION, "cannot take square root of a negative number")
}

/// The errors of powers that are no number; none for the others.
pub(super) fn power_error(
    base_is_zero: bool,
    base_is_negative: bool,
    exponent_is_negative: bool,
    exponent_is_whole: bool,
) -> Option<SqlError> {
    let error = |message: &str| Some(SqlError::new(SqlState::INVALID_ARGUMENT_FOR_POWER_FUNCTION, message));
    if base_is_zero && exponent_is_negative {
        return error("zero raised to a negative power is undefined");
    }
    if base_is_negative && !exponent_is_whole {
        return error("a negative number raised to a non-integer power yields a complex result");
    }
    None
}

fn power(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    binary(args, |a, b| {
        // IEEE's rules for NaN and the infinities are PostgreSQL's, but for the errors.
        let whole = b.is_infinite() || b.fract() == 0.0 || b.is_nan();
        if let Some(error) = power_error(a == 0.0, a < 0.0 && a.is_finite(), b < 0.0, whole) {
            return Err(error);
        }
        Ok((a.powf(b), a == 0.0))
    })
}

fn random(_: &EvalContext<'_>, _: &[Value]) -> Result<Value> {
    // The 48 bits of a random UUID's end, and as many as a double's fraction has beyond them are not missed.
    let bits = uuid::Uuid::new_v4().as_u128() & 0xffff_ffff_ffff;
    let bits = u64::try_from(bits).unwrap_or(0);
    #[allow(clippy::cast_precision_loss, reason = "48 bits are exact in a double")]
    Ok(Value::Float8(bits as f64 / 281_474_976_710_656.0))
}
