//! Arithmetic of single precision: computed with double precision, rounded and checked against the range. With a double on
//! one side the result is a double, which the casts see to.

use heliosdb_storage::value::{DataType, Value};

use super::integer::division_by_zero;
use super::{ScalarFunction, bad_arguments};
use crate::error::Result;
use crate::types::float::narrow;

const R: DataType = DataType::Float4;
const F: DataType = DataType::Float8;

/// The operators of a real and a double, in both orders.
macro_rules! mixed {
    ($($symbol:literal),*) => {
        pub(super) static OPERATORS: &[ScalarFunction] = &[
            $(
                ScalarFunction::new($symbol, &[R, R], R, |_, args| binary($symbol, args)),
                ScalarFunction::new($symbol, &[R, F], F, |ctx, args| widened($symbol, ctx, args)),
                ScalarFunction::new($symbol, &[F, R], F, |ctx, args| widened($symbol, ctx, args)),
            )*
            ScalarFunction::new("-", &[R], R, |_, args| unary(args, |a| -a)),
            ScalarFunction::new("+", &[R], R, |_, args| unary(args, |a| a)),
            ScalarFunction::new("@", &[R], R, |_, args| unary(args, f32::abs)),
        ];
    };
}

mixed!["+", "-", "*", "/"];

pub(super) static FUNCTIONS: &[ScalarFunction] =
    &[ScalarFunction::new("abs", &[R], R, |_, args| unary(args, f32::abs))];

fn unary(args: &[Value], compute: fn(f32) -> f32) -> Result<Value> {
    match args {
        [Value::Float4(a)] => Ok(Value::Float4(compute(*a))),
        _ => Err(bad_arguments("a function of real", args)),
    }
}

fn binary(symbol: &str, args: &[Value]) -> Result<Value> {
    let [Value::Float4(a), Value::Float4(b)] = args else { return Err(bad_arguments(symbol, args)) };
    let (a, b) = (f64::from(*a), f64::from(*b));
    let result = match symbol {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        _ if b == 0.0 && !a.is_nan() => return Err(division_by_zero()),
        _ => a / b,
    };
    narrow(result).map(Value::Float4)
}

fn widened(symbol: &'static str, ctx: &crate::eval::EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let wide = |value: &Value| match value {
        Value::Float4(n) => Value::Float8(f64::from(*n)),
        other => other.clone(),
    };
    let [a, b] = args else { return Err(bad_arguments(symbol, args)) };
    let function = super::resolve_operator(symbol, Some(F), Some(F))?;
    (function.call)(ctx, &[wide(a), wide(b)])
}
