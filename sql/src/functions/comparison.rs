//! Comparison operators, `greatest` and `least`.

use std::cmp::Ordering;

use heliosdb_storage::value::{DataType, Value};

use super::{Code, Comparison, ScalarFunction};
use crate::error::Result;
use crate::eval::{EvalContext, compare};

/// Called only where no evaluator compares by itself; see [`ScalarFunction::comparison`].
macro_rules! comparison {
    ($name:ident, $comparison:ident) => {
        fn $name(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
            match args {
                [a, b] => Ok(Value::Bool(Comparison::$comparison.holds(compare(a, b)))),
                _ => Err(super::bad_arguments(stringify!($name), args)),
            }
        }
    };
}

comparison!(equal, Eq);
comparison!(not_equal, Ne);
comparison!(less, Lt);
comparison!(less_or_equal, Le);
comparison!(greater, Gt);
comparison!(greater_or_equal, Ge);

const fn operator(
    symbol: &'static str,
    args: &'static [DataType],
    comparison: Comparison,
    call: Code,
) -> ScalarFunction {
    ScalarFunction::new(symbol, args, DataType::Bool, call).comparing(comparison)
}

/// The six operators of each pair of types.
macro_rules! operators {
    ($(($left:ident, $right:ident)),* $(,)?) => {
        pub(super) static OPERATORS: &[ScalarFunction] = &[$(
            operator("=", &[DataType::$left, DataType::$right], Comparison::Eq, equal),
            operator("<>", &[DataType::$left, DataType::$right], Comparison::Ne, not_equal),
            operator("<", &[DataType::$left, DataType::$right], Comparison::Lt, less),
            operator("<=", &[DataType::$left, DataType::$right], Comparison::Le, less_or_equal),
            operator(">", &[DataType::$left, DataType::$right], Comparison::Gt, greater),
            operator(">=", &[DataType::$left, DataType::$right], Comparison::Ge, greater_or_equal),
        )*];
    };
}

operators![
    (Bool, Bool),
    (Int2, Int2),
    (Int2, Int4),
    (Int2, Int8),
    (Int4, Int2),
    (Int4, Int4),
    (Int4, Int8),
    (Int8, Int2),
    (Int8, Int4),
    (Int8, Int8),
    (Float8, Float8),
    (Numeric, Numeric),
    (Text, Text),
    (Name, Name),
    (Char, Char),
    (Oid, Oid),
    (Uuid, Uuid),
    (Date, Date),
    (TimestampTz, TimestampTz),
    (Jsonb, Jsonb),
    (Float4, Float4),
    (Float4, Float8),
    (Float8, Float4),
    (Bpchar, Bpchar),
    (Bytea, Bytea),
    (Time, Time),
    (TimeTz, TimeTz),
    (Timestamp, Timestamp),
    (Interval, Interval),
    (Xid, Xid),
    (Record, Record),
    (AnyArray, AnyArray),
    (AnyEnum, AnyEnum),
];

/// NULLs are passed over; NULL only if there is nothing else.
fn extreme(args: &[Value], wanted: Ordering) -> Value {
    let mut best = &Value::Null;
    for arg in args.iter().filter(|arg| !arg.is_null()) {
        if best.is_null() || compare(arg, best) == wanted {
            best = arg;
        }
    }
    best.clone()
}

fn greatest(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    Ok(extreme(args, Ordering::Greater))
}

fn least(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    Ok(extreme(args, Ordering::Less))
}

macro_rules! extremes {
    ($($data_type:ident),*) => {
        pub(super) static FUNCTIONS: &[ScalarFunction] = &[$(
            ScalarFunction::new("greatest", &[DataType::$data_type], DataType::$data_type, greatest)
                .variadic()
                .called_on_null(),
            ScalarFunction::new("least", &[DataType::$data_type], DataType::$data_type, least)
                .variadic()
                .called_on_null(),
        )*];
    };
}

extremes![Bool, Int2, Int4, Int8, Float8, Numeric, Text, Varchar, Name, Oid, Uuid, Date, TimestampTz, Jsonb];
