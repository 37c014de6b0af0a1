//! Aggregates against PostgreSQL's results.

use super::*;
use crate::types::{ValueContext, parse_text, to_text};
use heliosdb_storage::value::ColumnType;

use DataType::{Bool, Float8, Int4, Int8, Numeric as Decimal, Text, Unknown};

fn accumulator(aggregate: &Resolved) -> Box<dyn Accumulator> {
    (aggregate.function.new)(&CallShape { returns: aggregate.returns, order: &[] })
}

fn run(name: &str, data_type: DataType, inputs: &[&str]) -> String {
    let aggregate = resolve(name, &[data_type]).unwrap();
    let mut accumulator = accumulator(&aggregate);
    let utc = ValueContext::utc();
    for input in inputs {
        let value = match *input {
            "null" => Value::Null,
            text => parse_text(text, ColumnType { data_type, typmod: -1 }, &utc).unwrap(),
        };
        accumulator.add(&[value]).unwrap();
    }
    match accumulator.finish().unwrap() {
        Value::Null => "null".to_owned(),
        value => to_text(&value, aggregate.returns, &utc),
    }
}

#[test]
fn results_are_those_of_postgresql() {
    let cases: [(&str, DataType, &[&str], &str); 20] = [
        ("sum", Int4, &["1", "null", "2"], "3"),
        ("sum", Int4, &["null"], "null"),
        ("sum", Int4, &[], "null"),
        ("sum", Int8, &["9223372036854775807", "9223372036854775807"], "18446744073709551614"),
        ("sum", Decimal, &["1.50", "2.5"], "4.00"),
        ("sum", Decimal, &["1", "NaN"], "NaN"),
        ("sum", Float8, &["1.5", "2"], "3.5"),
        ("avg", Int4, &["1", "2", "2"], "1.6666666666666667"),
        ("avg", Int8, &["1", "2"], "1.5000000000000000"),
        ("avg", Decimal, &["1.50", "2.5"], "2.0000000000000000"),
        ("avg", Float8, &["1", "2"], "1.5"),
        ("avg", Int4, &[], "null"),
        ("min", Text, &["b", "null", "a"], "a"),
        ("max", DataType::Date, &["2024-01-01", "infinity"], "infinity"),
        ("max", Float8, &["1", "NaN", "Infinity"], "NaN"),
        ("count", Text, &["a", "null"], "1"),
        ("bool_and", Bool, &["t", "null", "f"], "f"),
        ("bool_or", Bool, &["f", "null"], "f"),
        ("every", Bool, &["null"], "null"),
        ("min", Int4, &[], "null"),
    ];
    for (name, data_type, inputs, expected) in cases {
        assert_eq!(run(name, data_type, inputs), expected, "{name}({data_type:?}) of {inputs:?}");
    }
}

#[test]
fn types_and_refusals() {
    assert_eq!(resolve("sum", &[Int4]).unwrap().returns, Int8);
    assert_eq!(resolve("sum", &[Int8]).unwrap().returns, Decimal);
    assert_eq!(resolve("min", &[DataType::Varchar]).unwrap().returns, Text);
    assert_eq!(resolve("count", &[]).unwrap().args.len(), 0);
    assert_eq!(resolve("sum", &[Text]).unwrap_err().message, "function sum(text) does not exist");
    assert_eq!(resolve("max", &[Bool]).unwrap_err().state.0, "42883");
    assert!(is_aggregate("count") && !is_aggregate("abs"));
    let mut sum = accumulator(&resolve("sum", &[Int4]).unwrap());
    sum.add(&[Value::Int8(i64::MAX)]).unwrap();
    sum.add(&[Value::Int4(1)]).unwrap();
    assert_eq!(sum.finish().unwrap_err().message, "bigint out of range");
}

#[test]
fn strings_are_joined() {
    let mut joined = accumulator(&resolve("string_agg", &[Text, Unknown]).unwrap());
    for text in [Value::text("a"), Value::Null, Value::text("b")] {
        joined.add(&[text, Value::text(", ")]).unwrap();
    }
    assert_eq!(joined.finish().unwrap(), Value::text("a, b"));
}
