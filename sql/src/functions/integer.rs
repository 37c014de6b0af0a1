//! Arithmetic of whole numbers; what does not fit the type is an error (22003), never a wrap.

use heliosdb_storage::value::{DataType, Value};

use super::{ScalarFunction, bad_arguments};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::EvalContext;
use crate::types::cast::out_of_range;

/// The error of every division by zero.
pub(super) fn division_by_zero() -> SqlError {
    SqlError::new(SqlState::DIVISION_BY_ZERO, "division by zero")
}

/// The functions of one width, each in its own module.
macro_rules! width {
    ($module:ident, $variant:ident) => {
        mod $module {
            use super::*;

            fn binary(args: &[Value], name: &str, compute: impl Fn(i64, i64) -> Result<Option<i64>>) -> Result<Value> {
                match args {
                    [Value::$variant(a), Value::$variant(b)] => {
                        // Computed with 64 bits, checked against the width of the type afterwards.
                        let result = compute(i64::from(*a), i64::from(*b))?;
                        let narrowed = result.and_then(|n| n.try_into().ok());
                        narrowed.map(Value::$variant).ok_or_else(|| out_of_range(DataType::$variant))
                    }
                    _ => Err(bad_arguments(name, args)),
                }
            }

            fn unary(args: &[Value], name: &str, compute: impl Fn(i64) -> Option<i64>) -> Result<Value> {
                match args {
                    [Value::$variant(a)] => {
                        let narrowed = compute(i64::from(*a)).and_then(|n| n.try_into().ok());
                        narrowed.map(Value::$variant).ok_or_else(|| out_of_range(DataType::$variant))
                    }
                    _ => Err(bad_arguments(name, args)),
                }
            }

            pub(super) fn add(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
                binary(args, "+", |a, b| Ok(a.checked_add(b)))
            }

            pub(super) fn subtract(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
                binary(args, "-", |a, b| Ok(a.checked_sub(b)))
            }

            pub(super) fn multiply(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
                binary(args, "*", |a, b| Ok(a.checked_mul(b)))
            }

            pub(super) fn divide(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
                binary(args, "/", |a, b| if b == 0 { Err(division_by_zero()) } else { Ok(a.checked_div(b)) })
            }

            pub(super) fn modulo(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
                // The rest of the smallest number by -1 is 0, though the quotient does not fit.
                binary(args, "%", |a, b| {
                    if b == 0 { Err(division_by_zero()) } else { Ok(Some(a.checked_rem(b).unwrap_or(0))) }
                })
            }

            pub(super) fn negate(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
                unary(args, "-", i64::checked_neg)
            }

            pub(super) fn plus(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
                unary(args, "+", Some)
            }

            pub(super) fn abs(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
                unary(args, "abs", i64::checked_abs)
            }

            pub(super) fn and(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
                binary(args, "&", |a, b| Ok(Some(a & b)))
            }

            pub(super) fn or(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
                binary(args, "|", |a, b| Ok(Some(a | b)))
            }

            pub(super) fn xor(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
                binary(args, "#", |a, b| Ok(Some(a ^ b)))
            }

            pub(super) fn not(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
                unary(args, "~", |a| Some(!a))
            }

            pub(super) fn shift_left(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
                match args {
                    [Value::$variant(a), Value::Int4(by)] => Ok(Value::$variant(a.wrapping_shl(by.cast_unsigned()))),
                    _ => Err(bad_arguments("<<", args)),
                }
            }

            pub(super) fn shift_right(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
                match args {
                    [Value::$variant(a), Value::Int4(by)] => Ok(Value::$variant(a.wrapping_shr(by.cast_unsigned()))),
                    _ => Err(bad_arguments(">>", args)),
                }
            }
        }
    };
}

width!(int2, Int2);
width!(int4, Int4);
width!(int8, Int8);

/// The operators of one width.
macro_rules! operators {
    ($(($module:ident, $variant:ident)),*) => {
        pub(super) static OPERATORS: &[ScalarFunction] = &[$(
            function("+", &[DataType::$variant, DataType::$variant], DataType::$variant, $module::add),
            function("-", &[DataType::$variant, DataType::$variant], DataType::$variant, $module::subtract),
            function("*", &[DataType::$variant, DataType::$variant], DataType::$variant, $module::multiply),
            function("/", &[DataType::$variant, DataType::$variant], DataType::$variant, $module::divide),
            function("%", &[DataType::$variant, DataType::$variant], DataType::$variant, $module::modulo),
            function("&", &[DataType::$variant, DataType::$variant], DataType::$variant, $module::and),
            function("|", &[DataType::$variant, DataType::$variant], DataType::$variant, $module::or),
            function("#", &[DataType::$variant, DataType::$variant], DataType::$variant, $module::xor),
            function("<<", &[DataType::$variant, DataType::Int4], DataType::$variant, $module::shift_left),
            function(">>", &[DataType::$variant, DataType::Int4], DataType::$variant, $module::shift_right),
            function("-", &[DataType::$variant], DataType::$variant, $module::negate),
            function("+", &[DataType::$variant], DataType::$variant, $module::plus),
            function("~", &[DataType::$variant], DataType::$variant, $module::not),
            function("@", &[DataType::$variant], DataType::$variant, $module::abs),
        )*];

        pub(super) static FUNCTIONS: &[ScalarFunction] = &[$(
            function("abs", &[DataType::$variant], DataType::$variant, $module::abs),
            function("mod", &[DataType::$variant, DataType::$variant], DataType::$variant, $module::modulo),
        )*];
    };
}

const fn function(
    name: &'static str,
    args: &'static [DataType],
    returns: DataType,
    call: super::Code,
) -> ScalarFunction {
    ScalarFunction::new(name, args, returns, call)
}

operators![(int2, Int2), (int4, Int4), (int8, Int8)];

/// What looks at divisors; `smallint` has none of its own.
pub(super) static DIVISORS: &[ScalarFunction] = &[
    function("gcd", &[DataType::Int4, DataType::Int4], DataType::Int4, gcd),
    function("gcd", &[DataType::Int8, DataType::Int8], DataType::Int8, gcd),
    function("lcm", &[DataType::Int4, DataType::Int4], DataType::Int4, lcm),
    function("lcm", &[DataType::Int8, DataType::Int8], DataType::Int8, lcm),
];

fn gcd(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    of_magnitudes(args, |a, b| Some(greatest_divisor(a, b)))
}

fn lcm(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    of_magnitudes(args, |a, b| (a / greatest_divisor(a, b).max(1)).checked_mul(b))
}

fn of_magnitudes(args: &[Value], compute: fn(u64, u64) -> Option<u64>) -> Result<Value> {
    match args {
        [Value::Int4(a), Value::Int4(b)] => {
            let result = compute(u64::from(a.unsigned_abs()), u64::from(b.unsigned_abs()));
            let narrowed = result.and_then(|n| i32::try_from(n).ok());
            narrowed.map(Value::Int4).ok_or_else(|| out_of_range(DataType::Int4))
        }
        [Value::Int8(a), Value::Int8(b)] => {
            let narrowed = compute(a.unsigned_abs(), b.unsigned_abs()).and_then(|n| i64::try_from(n).ok());
            narrowed.map(Value::Int8).ok_or_else(|| out_of_range(DataType::Int8))
        }
        _ => Err(bad_arguments("gcd", args)),
    }
}

const fn greatest_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
