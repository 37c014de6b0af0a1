//! Text forms, casts and binary forms, against what PostgreSQL 15 answers.

use bytes::BytesMut;
use heliosdb_storage::value::{
    Array, ColumnType, DataType, EnumLabel, Interval, Json, Numeric, Record, RecordShape, RegObject, Value,
};
use proptest::prelude::*;

use super::cast::{CastContext, can_cast, cast, is_noop};
use super::{ValueContext, by_name, decode_binary, encode_binary, parse_text, to_text, typmod};
use crate::error::Result;

/// `varchar(3)` and the like.
fn column_type(text: &str) -> ColumnType {
    let (name, arguments) = match text.split_once('(') {
        Some((name, rest)) => (name, rest.trim_end_matches(')').split(',').map(|n| n.parse().unwrap()).collect()),
        None => (text, Vec::new()),
    };
    let data_type = by_name(name).unwrap();
    ColumnType { data_type, typmod: typmod::from_arguments(data_type, &arguments).unwrap() }
}

fn shown(result: Result<Value>, data_type: DataType) -> String {
    match result {
        Ok(value) => to_text(&value, data_type, &ValueContext::utc()),
        Err(e) => format!("{} {}", e.state.0, e.message),
    }
}

/// Text, type, what PostgreSQL shows for `text::type`.
const INPUTS: &[(&str, &str, &str)] = &[
    ("t", "bool", "t"),
    ("YES", "bool", "t"),
    (" off ", "bool", "f"),
    ("o", "bool", "22P02 invalid input syntax for type boolean: \"o\""),
    ("", "bool", "22P02 invalid input syntax for type boolean: \"\""),
    ("2", "bool", "22P02 invalid input syntax for type boolean: \"2\""),
    (" 42 ", "int4", "42"),
    ("+7", "int4", "7"),
    ("-2147483648", "int4", "-2147483648"),
    ("2147483648", "int4", "22003 value \"2147483648\" is out of range for type integer"),
    ("99999999999999999999", "int8", "22003 value \"99999999999999999999\" is out of range for type bigint"),
    ("40000", "int2", "22003 value \"40000\" is out of range for type smallint"),
    ("x", "int4", "22P02 invalid input syntax for type integer: \"x\""),
    ("1.5", "int4", "22P02 invalid input syntax for type integer: \"1.5\""),
    ("", "int8", "22P02 invalid input syntax for type bigint: \"\""),
    ("4294967295", "oid", "4294967295"),
    ("4294967296", "oid", "22003 value \"4294967296\" is out of range for type oid"),
    ("-1", "oid", "4294967295"),
    ("0.1", "float8", "0.1"),
    ("1e400", "float8", "22003 \"1e400\" is out of range for type double precision"),
    ("abc", "float8", "22P02 invalid input syntax for type double precision: \"abc\""),
    ("1.50", "numeric", "1.50"),
    ("1.005", "numeric(5,2)", "1.01"),
    ("-1.005", "numeric(5,2)", "-1.01"),
    ("999.994", "numeric(5,2)", "999.99"),
    ("999.995", "numeric(5,2)", "22003 numeric field overflow"),
    ("0.09", "numeric(2,2)", "0.09"),
    ("1", "numeric(2,2)", "22003 numeric field overflow"),
    ("12345", "numeric(3,-2)", "12300"),
    ("NaN", "numeric(5,2)", "NaN"),
    ("abc", "varchar(3)", "abc"),
    ("äöü", "varchar(3)", "äöü"),
    ("abc", "\"char\"", "a"),
    ("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("{A0EEBC999C0B4EF8BB6D6BB9BD380A11}", "uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11", "uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    (
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1",
        "uuid",
        "22P02 invalid input syntax for type uuid: \"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1\"",
    ),
    (
        "a0eebc99--9c0b4ef8bb6d6bb9bd380a11",
        "uuid",
        "22P02 invalid input syntax for type uuid: \"a0eebc99--9c0b4ef8bb6d6bb9bd380a11\"",
    ),
    ("{\"b\":1,\"a\":[1,2.50]}", "jsonb", "{\"a\": [1, 2.50], \"b\": 1}"),
    ("{bad", "jsonb", "22P02 invalid input syntax for type json"),
];

/// Text, its type, the type of the cast, what PostgreSQL shows for `text::type::type`.
const CASTS: &[(&str, &str, &str, &str)] = &[
    ("2.5", "float8", "int4", "2"),
    ("3.5", "float8", "int4", "4"),
    ("-2.5", "float8", "int8", "-2"),
    ("2147483647.4", "float8", "int4", "2147483647"),
    ("2147483647.5", "float8", "int4", "22003 integer out of range"),
    ("NaN", "float8", "int4", "22003 integer out of range"),
    ("9223372036854775807", "float8", "int8", "22003 bigint out of range"),
    ("2.5", "numeric", "int4", "3"),
    ("-2.5", "numeric", "int4", "-3"),
    ("2147483647.5", "numeric", "int4", "22003 integer out of range"),
    ("NaN", "numeric", "int4", "0A000 cannot convert NaN to integer"),
    ("40000", "int4", "int2", "22003 smallint out of range"),
    ("3000000000", "int8", "int4", "22003 integer out of range"),
    ("0.1", "float8", "numeric", "0.1"),
    ("1e20", "float8", "numeric", "100000000000000000000"),
    ("123456789.123456789", "float8", "numeric", "123456789.123457"),
    ("1e-7", "float8", "numeric", "0.0000001"),
    ("NaN", "float8", "numeric", "NaN"),
    ("12345678901234567890.5", "numeric", "float8", "1.2345678901234567e+19"),
    ("5", "int4", "numeric(10,2)", "5.00"),
    ("5", "int4", "bool", "t"),
    ("0", "int4", "bool", "f"),
    ("t", "bool", "int4", "1"),
    ("t", "bool", "text", "true"),
    ("1.50", "numeric", "text", "1.50"),
    ("2024-01-31", "date", "timestamptz", "2024-01-31 00:00:00+00"),
    ("2024-01-31 10:00+00", "timestamptz", "date", "2024-01-31"),
    ("infinity", "date", "timestamptz", "infinity"),
    ("5874897-12-31", "date", "timestamptz", "22008 date out of range for timestamp"),
    ("abcdef", "text", "varchar(3)", "abc"),
    ("12", "text", "int4", "12"),
    ("12.7", "text", "int4", "22P02 invalid input syntax for type integer: \"12.7\""),
    ("1.259", "text", "numeric(5,2)", "1.26"),
    ("abc", "text", "\"char\"", "a"),
    ("a", "\"char\"", "int4", "97"),
    ("98", "int4", "\"char\"", "b"),
    ("-1", "int4", "oid", "4294967295"),
    ("4294967295", "oid", "int4", "-1"),
    ("4294967295", "oid", "int8", "4294967295"),
    ("-1", "int8", "oid", "22003 OID out of range"),
    ("1.5", "jsonb", "numeric", "1.5"),
    ("2.5", "jsonb", "int4", "3"),
    ("true", "jsonb", "bool", "t"),
    ("\"a\"", "jsonb", "int4", "22023 cannot cast jsonb string to type integer"),
    ("[1]", "jsonb", "bool", "22023 cannot cast jsonb array to type boolean"),
    ("{\"a\":1}", "jsonb", "text", "{\"a\": 1}"),
    ("2024-01-31 10:00:00.123456+00", "timestamptz", "timestamptz(3)", "2024-01-31 10:00:00.123+00"),
];

#[test]
fn text_is_read_as_in_postgresql() {
    for (text, to, expected) in INPUTS {
        let to = column_type(to);
        assert_eq!(shown(parse_text(text, to, &ValueContext::utc()), to.data_type), *expected, "{text}");
    }
}

#[test]
fn casts_are_those_of_postgresql() {
    let utc = ValueContext::utc();
    for (text, from, to, expected) in CASTS {
        let (from, to) = (column_type(from), column_type(to));
        let value = parse_text(text, from, &utc).unwrap();
        assert_eq!(shown(cast(value, from.data_type, to, true, &utc), to.data_type), *expected, "{text}::{to:?}");
    }
}

#[test]
fn assignments_do_not_cut_text_off() {
    let utc = ValueContext::utc();
    let to = column_type("varchar(3)");
    let assign = |text: &str| shown(cast(Value::text(text), DataType::Text, to, false, &utc), DataType::Varchar);
    assert_eq!(assign("abc   "), "abc");
    assert_eq!(assign("abcd"), "22001 value too long for type character varying(3)");
}

/// PostgreSQL's `pg_cast` in the three contexts, for pairs that are easy to get wrong.
#[test]
fn contexts_of_casts() {
    use CastContext::{Assignment, Explicit, Implicit};
    use DataType::{
        Bool, Char, Date, Float8, Int4, Int8, Jsonb, Name, Numeric, Oid, Text, TimestampTz, Unknown, Uuid, Varchar,
    };
    let cases = [
        (Int4, Int8, Some(Implicit)),
        (Int8, Int4, Some(Assignment)),
        (Int4, Text, Some(Assignment)),
        (Text, Int4, Some(Explicit)),
        (Numeric, Float8, Some(Implicit)),
        (Float8, Numeric, Some(Assignment)),
        (Numeric, Int4, Some(Assignment)),
        (Int8, Oid, Some(Implicit)),
        (Oid, Int8, Some(Assignment)),
        (Bool, Int4, Some(Explicit)),
        (Bool, Int8, None),
        (Int8, Bool, None),
        (Varchar, Text, Some(Implicit)),
        (Text, Varchar, Some(Implicit)),
        (Name, Text, Some(Implicit)),
        (Name, Varchar, Some(Assignment)),
        (Char, Text, Some(Implicit)),
        (Text, Char, Some(Assignment)),
        (Date, TimestampTz, Some(Implicit)),
        (TimestampTz, Date, Some(Assignment)),
        (Date, Int4, None),
        (Jsonb, Int4, Some(Explicit)),
        (Jsonb, Text, Some(Assignment)),
        (Text, Jsonb, Some(Explicit)),
        (Uuid, Text, Some(Assignment)),
        (Unknown, Uuid, Some(Implicit)),
    ];
    for (from, to, least) in cases {
        for context in [Implicit, Assignment, Explicit] {
            let expected = least.is_some_and(|least| least <= context);
            assert_eq!(can_cast(from, to, context), expected, "{from:?} to {to:?}, {context:?}");
        }
    }
    assert!(is_noop(Varchar, ColumnType { data_type: Text, typmod: -1 }));
    assert!(!is_noop(Text, column_type("varchar(3)")));
    assert!(!is_noop(Text, ColumnType { data_type: Name, typmod: -1 }));
}

/// A number of each shape that its text can have.
fn numeric() -> impl Strategy<Value = Numeric> {
    let digits = "-?[0-9]{1,40}(\\.[0-9]{1,30})?";
    prop_oneof![
        8 => digits.prop_map(|text| super::numeric::parse(&text).unwrap()),
        2 => ("-?[1-9]", -300i32..300).prop_map(|(n, e)| super::numeric::parse(&format!("{n}e{e}")).unwrap()),
        1 => Just(Numeric::NaN),
    ]
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value as Tree;
    let leaf = prop_oneof![
        Just(Tree::Null),
        any::<bool>().prop_map(Tree::Bool),
        any::<i64>().prop_map(Tree::from),
        "[^\\x00]{0,8}".prop_map(Tree::String),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Tree::Array),
            prop::collection::vec(("[a-z]{0,3}", inner), 0..4)
                .prop_map(|members| Tree::Object(members.into_iter().collect())),
        ]
    })
}

/// A value of a type, with its extremes.
pub(crate) fn value_of(data_type: DataType) -> BoxedStrategy<Value> {
    match data_type {
        DataType::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        DataType::Int2 => {
            prop_oneof![any::<i16>(), Just(i16::MIN), Just(i16::MAX), Just(0), Just(-1)].prop_map(Value::Int2).boxed()
        }
        DataType::Int4 => {
            prop_oneof![any::<i32>(), -9..9, Just(i32::MIN), Just(i32::MAX)].prop_map(Value::Int4).boxed()
        }
        DataType::Int8 => {
            prop_oneof![any::<i64>(), -9i64..9, Just(i64::MIN), Just(i64::MAX)].prop_map(Value::Int8).boxed()
        }
        DataType::Oid => any::<u32>().prop_map(Value::Oid).boxed(),
        DataType::Float8 => {
            let special =
                prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(-0.0), Just(f64::MIN_POSITIVE), Just(f64::MAX)];
            prop_oneof![4 => any::<f64>(), 2 => -9.0..9.0, 1 => special].prop_map(Value::Float8).boxed()
        }
        DataType::Numeric => numeric().prop_map(|n| Value::Numeric(Box::new(n))).boxed(),
        DataType::Char => {
            prop_oneof![Just(String::new()), "[ -~]".prop_map(String::from)].prop_map(Value::text).boxed()
        }
        DataType::Name => "[^\\x00]{0,15}".prop_map(Value::text).boxed(),
        DataType::Text | DataType::Varchar | DataType::Unknown => {
            prop_oneof!["[^\\x00]{0,12}", "[%_a\\\\]{0,8}", "[0-9]{1,3} (s|days)", "year|hour|epoch"]
                .prop_map(Value::text)
                .boxed()
        }
        DataType::Uuid => any::<u128>().prop_map(|n| Value::Uuid(uuid::Uuid::from_u128(n))).boxed(),
        DataType::Date => prop_oneof![-2_451_545i32..2_145_031_949, -20_000..20_000, Just(i32::MIN), Just(i32::MAX)]
            .prop_map(Value::Date)
            .boxed(),
        DataType::TimestampTz => prop_oneof![
            -211_813_488_000_000_000i64..9_223_371_331_200_000_000,
            -1_000_000_000_000_000i64..1_000_000_000_000_000,
            Just(i64::MIN),
            Just(i64::MAX)
        ]
        .prop_map(Value::TimestampTz)
        .boxed(),
        DataType::Float4 => prop_oneof![any::<f32>(), -9.0f32..9.0].prop_map(Value::Float4).boxed(),
        DataType::Bpchar => "[a-c ]{0,6}".prop_map(|text| Value::Bpchar(text.into())).boxed(),
        DataType::Bytea => prop::collection::vec(any::<u8>(), 0..9).prop_map(|b| Value::Bytea(b.into())).boxed(),
        DataType::Time => (0..86_400_000_000i64).prop_map(Value::Time).boxed(),
        DataType::TimeTz => {
            (0..86_400_000_000i64, -50_000i32..50_000).prop_map(|(time, zone)| Value::TimeTz(time, zone)).boxed()
        }
        DataType::Timestamp => {
            (-211_813_488_000_000_000i64..9_223_371_331_200_000_000).prop_map(Value::Timestamp).boxed()
        }
        DataType::Interval => (-9_999i32..9_999, -9_999i32..9_999, -99_999_999_999_999i64..99_999_999_999_999)
            .prop_map(|(months, days, micros)| Value::Interval(Interval { months, days, micros }))
            .boxed(),
        DataType::Json => json().prop_map(|tree| Value::Json(tree.to_string().into())).boxed(),
        DataType::Array(element) => {
            let element = element.data_type();
            let item = prop_oneof![1 => Just(Value::Null), 5 => value_of(element)];
            (prop::collection::vec(item, 0..5), -2i32..3)
                .prop_map(move |(values, lower)| Value::Array(Array::from_lower(element, values, lower).into()))
                .boxed()
        }
        DataType::Jsonb => json().prop_map(|tree| Value::Jsonb(Json(tree).into())).boxed(),
        DataType::Enum(enum_type) => (0u8..4)
            .prop_map(move |n| {
                Value::Enum(EnumLabel { enum_type, order: f32::from(n), label: format!("l{n}").into() }.into())
            })
            .boxed(),
        DataType::Record => (any::<i32>(), "[a-c,()\"]{0,4}")
            .prop_map(|(n, text)| {
                let shape = RecordShape::anonymous([DataType::Int4, DataType::Text]).into();
                Value::Record(Record { shape, values: vec![Value::Int4(n), Value::text(text)] }.into())
            })
            .boxed(),
        DataType::Xid => any::<u32>().prop_map(Value::Oid).boxed(),
        DataType::RegClass => {
            any::<u32>().prop_map(|oid| Value::Reg(RegObject { oid, name: oid.to_string().into() }.into())).boxed()
        }
        other => panic!("no values of {other:?}"),
    }
}

/// The types that can be read from text.
const READABLE: &[DataType] = &[
    DataType::Bool,
    DataType::Char,
    DataType::Name,
    DataType::Int8,
    DataType::Int2,
    DataType::Int4,
    DataType::Text,
    DataType::Oid,
    DataType::Float4,
    DataType::Float8,
    DataType::Unknown,
    DataType::Varchar,
    DataType::Bpchar,
    DataType::Bytea,
    DataType::Date,
    DataType::Time,
    DataType::TimeTz,
    DataType::Timestamp,
    DataType::TimestampTz,
    DataType::Interval,
    DataType::Numeric,
    DataType::Uuid,
    DataType::Json,
    DataType::Jsonb,
];

/// Those and their arrays.
pub(crate) fn any_type() -> impl Strategy<Value = DataType> {
    let arrays = READABLE.iter().filter_map(|data_type| data_type.array());
    prop::sample::select(READABLE.iter().copied().chain(arrays).collect::<Vec<_>>())
}

fn typed_value() -> impl Strategy<Value = (DataType, Value)> {
    any_type().prop_flat_map(|data_type| (Just(data_type), value_of(data_type)))
}

/// Equal, scale and sign of zero included.
fn assert_same(a: &Value, b: &Value, data_type: DataType) {
    assert!(a.compare(b).is_eq(), "{a:?} is not {b:?}");
    let utc = ValueContext::utc();
    assert_eq!(to_text(a, data_type, &utc), to_text(b, data_type, &utc));
}

proptest! {
    #[test]
    fn text_round_trip((data_type, value) in typed_value()) {
        let utc = ValueContext::utc();
        let text = to_text(&value, data_type, &utc);
        let read = parse_text(&text, ColumnType { data_type, typmod: -1 }, &utc).unwrap();
        assert_same(&value, &read, data_type);
    }

    #[test]
    fn binary_round_trip((data_type, value) in typed_value()) {
        let mut bytes = BytesMut::new();
        encode_binary(&value, data_type, &ValueContext::utc(), &mut bytes);
        let read = decode_binary(&bytes, data_type, &ValueContext::utc()).unwrap();
        assert_same(&value, &read, data_type);
    }

    #[test]
    fn no_bytes_panic(data_type in any_type(), bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let utc = ValueContext::utc();
        if let Ok(value) = decode_binary(&bytes, data_type, &ValueContext::utc()) {
            // What is let in can also be shown.
            let _ = to_text(&value, data_type, &utc);
        }
        let _ = parse_text(&String::from_utf8_lossy(&bytes), ColumnType { data_type, typmod: -1 }, &utc);
    }

    #[test]
    fn no_text_panics(data_type in any_type(), text in "[-+0-9a-zA-Z:./ ,{}\"\\\\\\[\\]]{0,24}") {
        let _ = parse_text(&text, ColumnType { data_type, typmod: -1 }, &ValueContext::utc());
    }

    #[test]
    fn numeric_words_do_not_panic(count in 0u16..6, weight: i16, sign in prop::sample::select(vec![0u16, 0x4000, 0xc000, 0xd000, 1]), scale: u16, digits in prop::collection::vec(0u16..10_001, 0..6)) {
        let mut bytes = BytesMut::new();
        for word in [count, weight.cast_unsigned(), sign, scale].iter().chain(&digits) {
            bytes.extend_from_slice(&word.to_be_bytes());
        }
        if let Ok(value) = decode_binary(&bytes, DataType::Numeric, &ValueContext::utc()) {
            let _ = to_text(&value, DataType::Numeric, &ValueContext::utc());
        }
    }

    #[test]
    fn no_cast_panics((from, value) in typed_value(), to in any_type(), explicit: bool) {
        let _ = cast(value, from, ColumnType { data_type: to, typmod: -1 }, explicit, &ValueContext::utc());
    }
}
