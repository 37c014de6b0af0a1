//! Every function, with random arguments: an error is an answer, a panic is not.

use heliosdb_storage::value::{ColumnType, DataType, Value};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::{ScalarFunction, all_functions, resolve};
use crate::error::{Result, SqlState};
use crate::eval::{EvalContext, NoSubqueries, SessionFacts, eval};
use crate::expr::Expr;
use crate::sync_control::NoSync;
use crate::types::tests::{any_type, value_of};
use crate::types::{ValueContext, parse_text, to_text};

/// What a pseudo-type stands for here.
fn chosen(declared: DataType) -> DataType {
    match declared {
        DataType::AnyElement | DataType::AnyNonArray | DataType::AnyCompatible => DataType::Int4,
        DataType::AnyArray | DataType::AnyCompatibleArray => DataType::Int4.array().unwrap(),
        DataType::AnyEnum => DataType::Enum(16_384),
        declared => declared,
    }
}

/// Calls of each function.
const ROUNDS: usize = 60;

fn argument(declared: DataType) -> BoxedStrategy<(Value, DataType)> {
    let data_type = match declared {
        DataType::Unknown | DataType::Any => any_type().boxed(),
        declared => Just(chosen(declared)).boxed(),
    };
    let value = |t: DataType| prop_oneof![1 => Just(Value::Null).boxed(), 9 => value_of(t)];
    data_type.prop_flat_map(move |t| (value(t), Just(t))).boxed()
}

fn call(function: &'static ScalarFunction, args: Vec<(Value, DataType)>) -> Result<Value> {
    let session = SessionFacts::alone("u", "d");
    let ctx = EvalContext {
        params: &[],
        outer: None,
        time: &ValueContext::utc(),
        session: &session,
        sync: &NoSync,
        cancel: &crate::eval::NEVER_CANCELLED,
        subqueries: &NoSubqueries,
    };
    let args = args.into_iter().map(|(value, data_type)| Expr::Literal(value, data_type)).collect();
    eval(&Expr::Call { function, args, returns: chosen(function.returns) }, &[], &ctx)
}

/// Functions that want a text which random ones are not.
const FAIL_AT_RANDOM: &[&str] =
    &["set_config", "nextval", "currval", "lastval", "setval", "pg_get_serial_sequence", "pg_sequence_last_value"];

/// Functions that wait for as long as they are told.
const WAIT: &[&str] = &["pg_sleep"];

/// Functions that want a session.
const NEED_SESSION: &[&str] = &["pg_advisory", "pg_try_advisory"];

/// Whether a value is one that the type can have.
/// What was made of NULLs alone has no type of its own; the evaluator gives it that of the call.
fn is_of(value: &Value, data_type: DataType) -> bool {
    let is_untyped = |array: &heliosdb_storage::value::Array| {
        array.element() == DataType::Text && array.values().iter().all(Value::is_null)
    };
    value.fits(data_type) || matches!(value, Value::Array(array) if is_untyped(array))
}

#[test]
fn every_function_answers_whatever_it_is_given() {
    let mut runner = TestRunner::deterministic();
    let mut successes = std::collections::HashMap::<String, usize>::new();
    for function in all_functions().filter(|function| !WAIT.contains(&function.name)) {
        let name = format!("{}.{}{:?}", function.schema, function.name, function.args);
        for round in 0..ROUNDS {
            let mut declared = function.args.to_vec();
            if function.variadic {
                declared.extend(std::iter::repeat_n(*declared.last().unwrap(), round % 4));
            }
            let args: Vec<_> =
                declared.into_iter().map(|t| argument(t).new_tree(&mut runner).unwrap().current()).collect();
            let shown = format!("{name} of {args:?}");
            match call(function, args) {
                Ok(value) => {
                    assert!(is_of(&value, chosen(function.returns)), "{shown} is {value:?}");
                    let _ = to_text(&value, function.returns, &ValueContext::utc());
                    *successes.entry(name.clone()).or_default() += 1;
                }
                Err(error) => assert_ne!(error.state, SqlState::INTERNAL_ERROR, "{shown}: {error}"),
            }
        }
        let may_fail = function.schema == "sync"
            || FAIL_AT_RANDOM.contains(&function.name)
            || NEED_SESSION.iter().any(|start| function.name.starts_with(start));
        assert!(may_fail || successes.contains_key(&name), "{name} never succeeds");
    }
}

#[test]
fn no_signature_stands_twice() {
    let mut seen = std::collections::HashSet::new();
    for function in all_functions() {
        let is_operator = !function.name.starts_with(|c: char| c.is_ascii_alphabetic());
        assert!(
            seen.insert((function.schema, function.name, function.args, is_operator)),
            "{}{:?} is registered twice",
            function.name,
            function.args
        );
        assert!(!function.variadic || !function.args.is_empty());
    }
}

/// Function, its arguments, what PostgreSQL 15 answers (but for our own bound on lengths).
type Case = (&'static str, &'static [(&'static str, DataType)], &'static str);

/// See [`Case`].
const CALLS: &[Case] = {
    use DataType::{Date as D, Int4 as I, Jsonb as J, Text as T, TimestampTz as Z};
    &[
        ("left", &[("abc", T), ("-1", I)], "ab"),
        ("right", &[("abcd", T), ("-1", I)], "bcd"),
        ("substr", &[("abc", T), ("-1", I), ("3", I)], "a"),
        ("substr", &[("abcdef", T), ("2", I), ("3", I)], "bcd"),
        ("substr", &[("abc", T), ("1", I), ("-1", I)], "22011 negative substring length not allowed"),
        ("split_part", &[("a,b,c", T), (",", T), ("-1", I)], "c"),
        ("split_part", &[("a,b", T), (",", T), ("3", I)], ""),
        ("quote_literal", &[("a\\b'", T)], "E'a\\\\b'''"),
        ("initcap", &[("hELLO wORLD 1st", T)], "Hello World 1st"),
        ("lpad", &[("hi", T), ("5", I), ("xy", T)], "xyxhi"),
        ("rpad", &[("hi", T), ("1", I)], "h"),
        ("lpad", &[("hi", T), ("2147483647", I)], "54000 the value would be longer than 64 MB"),
        ("repeat", &[("ab", T), ("2147483647", I)], "54000 the value would be longer than 64 MB"),
        ("translate", &[("12345", T), ("143", T), ("ax", T)], "a2x5"),
        ("strpos", &[("high", T), ("ig", T)], "2"),
        ("strpos", &[("abc", T), ("", T)], "1"),
        ("to_hex", &[("-1", I)], "ffffffff"),
        ("replace", &[("abcabc", T), ("b", T), ("XX", T)], "aXXcaXXc"),
        ("btrim", &[("xyxtrimyyx", T), ("xyz", T)], "trim"),
        ("octet_length", &[("ä", T)], "2"),
        ("concat", &[("t", DataType::Bool), ("x", T)], "tx"),
        ("extract", &[("century", T), ("2000-12-16", D)], "20"),
        ("extract", &[("epoch", T), ("2001-02-16 20:38:40.12+00", Z)], "982355920.120000"),
        ("extract", &[("second", T), ("2001-02-16 20:38:40.12+00", Z)], "40.120000"),
        ("extract", &[("isoyear", T), ("2006-01-01", D)], "2005"),
        ("extract", &[("week", T), ("2006-01-01", D)], "52"),
        ("extract", &[("century", T), ("0044-03-15 BC", D)], "-1"),
        ("extract", &[("decade", T), ("0044-03-15 BC", D)], "-5"),
        ("extract", &[("milliseconds", T), ("2001-02-16 20:38:40.12+00", Z)], "40120.000"),
        ("extract", &[("hour", T), ("2001-02-16", D)], "0A000 unit \"hour\" not supported for type date"),
        ("extract", &[("foo", T), ("2001-02-16", D)], "22023 unit \"foo\" not recognized for type date"),
        ("date_trunc", &[("century", T), ("2001-02-16 20:38:40+00", Z)], "2001-01-01 00:00:00+00"),
        ("date_trunc", &[("week", T), ("2001-02-16+00", Z)], "2001-02-12 00:00:00+00"),
        ("date_trunc", &[("hour", T), ("2001-02-16 20:38:40+00", Z)], "2001-02-16 20:00:00+00"),
        ("date_trunc", &[("century", T), ("0044-03-15 00:00+00 BC", Z)], "0100-01-01 00:00:00+00 BC"),
        ("date_trunc", &[("decade", T), ("0044-03-15 00:00+00 BC", Z)], "0051-01-01 00:00:00+00 BC"),
        ("date_trunc", &[("millennium", T), ("0044-03-15 00:00+00 BC", Z)], "1000-01-01 00:00:00+00 BC"),
        ("make_date", &[("2024", I), ("2", I), ("30", I)], "22008 date field value out of range: 2024-02-30"),
        ("jsonb_strip_nulls", &[("{\"a\":null,\"b\":{\"c\":null}}", J)], "{\"b\": {}}"),
    ]
};

#[test]
fn results_are_those_of_postgresql() {
    let utc = ValueContext::utc();
    for (name, args, expected) in CALLS {
        let types: Vec<DataType> = args.iter().map(|(_, data_type)| *data_type).collect();
        let function = resolve(None, name, &types).unwrap();
        let value = |(text, data_type): &(&str, DataType)| {
            (parse_text(text, ColumnType { data_type: *data_type, typmod: -1 }, &utc).unwrap(), *data_type)
        };
        let shown = match call(function, args.iter().map(value).collect()) {
            Ok(value) => to_text(&value, function.returns, &utc),
            Err(e) => format!("{} {}", e.state.0, e.message),
        };
        assert_eq!(shown, *expected, "{name} {args:?}");
    }
}
