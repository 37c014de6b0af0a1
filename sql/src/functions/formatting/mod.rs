//! `to_char`, `to_date`, `to_timestamp`, `to_number`: values by templates.

mod moment;
mod number;
mod reading;
mod template;

use heliosdb_storage::value::{DataType, Value};

use super::{ScalarFunction, bad_arguments};
use crate::error::Result;
use crate::eval::EvalContext;

const T: DataType = DataType::Text;

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction::new("to_char", &[DataType::Timestamp, T], T, moment::to_char).stable(),
    ScalarFunction::new("to_char", &[DataType::TimestampTz, T], T, moment::to_char).stable(),
    ScalarFunction::new("to_char", &[DataType::Interval, T], T, moment::to_char).stable(),
    ScalarFunction::new("to_char", &[DataType::Int4, T], T, to_char_number).stable(),
    ScalarFunction::new("to_char", &[DataType::Int8, T], T, to_char_number).stable(),
    ScalarFunction::new("to_char", &[DataType::Numeric, T], T, to_char_number).stable(),
    ScalarFunction::new("to_char", &[DataType::Float4, T], T, to_char_number).stable(),
    ScalarFunction::new("to_char", &[DataType::Float8, T], T, to_char_number).stable(),
    ScalarFunction::new("to_number", &[T, T], DataType::Numeric, number::to_number).stable(),
    ScalarFunction::new("to_date", &[T, T], DataType::Date, reading::to_date).stable(),
    ScalarFunction::new("to_timestamp", &[T, T], DataType::TimestampTz, reading::to_timestamp).stable(),
];

fn to_char_number(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    match args {
        [value, Value::Text(template)] => number::to_char(value, template).map(Value::text),
        _ => Err(bad_arguments("to_char", args)),
    }
}
