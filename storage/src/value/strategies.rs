//! Random values for property tests.

use std::sync::Arc;

use proptest::prelude::*;

use super::{Array, DataType, EnumLabel, Interval, Json, Numeric, Record, RecordShape, Value};

/// The types that random values are of.
pub(crate) const TYPES: [DataType; 22] = [
    DataType::Bool,
    DataType::Int2,
    DataType::Int4,
    DataType::Int8,
    DataType::Float8,
    DataType::Numeric,
    DataType::Text,
    DataType::Uuid,
    DataType::Date,
    DataType::Jsonb,
    DataType::Float4,
    DataType::Bytea,
    DataType::Bpchar,
    DataType::Time,
    DataType::TimeTz,
    DataType::Timestamp,
    DataType::Interval,
    DataType::Oid,
    DataType::Enum(20_000),
    DataType::Record,
    DataType::Int2Vector,
    DataType::TimestampTz,
];

/// Values of any type, NULL among them.
pub(crate) fn values() -> impl Strategy<Value = Value> {
    proptest::sample::select(&TYPES[..]).prop_flat_map(values_of)
}

/// Values of one type, NULL among them; small ones are likely, so that equal ones meet.
pub(crate) fn values_of(data_type: DataType) -> BoxedStrategy<Value> {
    let value = match data_type {
        DataType::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        DataType::Int2 => any::<i16>().prop_map(Value::Int2).boxed(),
        DataType::Int4 => prop_oneof![any::<i32>(), -3..3].prop_map(Value::Int4).boxed(),
        DataType::Float8 => floats().prop_map(Value::Float8).boxed(),
        DataType::Numeric => numerics().prop_map(|n| Value::Numeric(Box::new(n))).boxed(),
        DataType::Text => texts().prop_map(Value::text).boxed(),
        DataType::Uuid => any::<u128>().prop_map(|n| Value::Uuid(uuid::Uuid::from_u128(n))).boxed(),
        DataType::Date => any::<i32>().prop_map(Value::Date).boxed(),
        DataType::TimestampTz => any::<i64>().prop_map(Value::TimestampTz).boxed(),
        DataType::Jsonb => documents().prop_map(|json| Value::Jsonb(Arc::new(json))).boxed(),
        DataType::Float4 => any::<f32>().prop_map(Value::Float4).boxed(),
        DataType::Bpchar => "[ab ]{0,4}".prop_map(|text| Value::Bpchar(text.into())).boxed(),
        DataType::Bytea => {
            proptest::collection::vec(any::<u8>(), 0..6).prop_map(|bytes| Value::Bytea(bytes.into())).boxed()
        }
        DataType::Time => (0..86_400_000_000_i64).prop_map(Value::Time).boxed(),
        DataType::TimeTz => (0..86_400_000_000_i64, -50_000..50_000).prop_map(|(t, z)| Value::TimeTz(t, z)).boxed(),
        DataType::Timestamp => any::<i64>().prop_map(Value::Timestamp).boxed(),
        DataType::Interval => (any::<i32>(), -40..40, any::<i64>())
            .prop_map(|(months, days, micros)| Value::Interval(Interval { months, days, micros }))
            .boxed(),
        DataType::Oid => any::<u32>().prop_map(Value::Oid).boxed(),
        DataType::Enum(enum_type) => (0_u8..5)
            .prop_map(move |n| {
                Value::Enum(Arc::new(EnumLabel { enum_type, order: f32::from(n), label: format!("l{n}").into() }))
            })
            .boxed(),
        DataType::Record => (any::<bool>(), values_of(DataType::Int2Vector))
            .prop_map(|(flag, array)| {
                let shape = RecordShape::anonymous([DataType::Bool, DataType::Int2Vector]);
                Value::Record(Arc::new(Record { shape: shape.into(), values: vec![Value::Bool(flag), array] }))
            })
            .boxed(),
        DataType::Int2Vector => (proptest::collection::vec(values_of(DataType::Int2), 0..4), 0..2)
            .prop_map(|(values, lower)| Value::Array(Arc::new(Array::from_lower(DataType::Int2, values, lower))))
            .boxed(),
        _ => prop_oneof![any::<i64>(), -3_i64..3].prop_map(Value::Int8).boxed(),
    };
    prop_oneof![1 => Just(Value::Null), 12 => value].boxed()
}

fn floats() -> impl Strategy<Value = f64> {
    let special =
        proptest::sample::select(vec![0.0, -0.0, 1.0, -1.0, f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY]);
    prop_oneof![any::<f64>(), any::<u64>().prop_map(f64::from_bits), special]
}

pub(crate) fn numerics() -> impl Strategy<Value = Numeric> {
    let text = prop_oneof![
        "-?[0-9]{1,30}(\\.[0-9]{0,20})?",
        "-?[0-9]{1,2}(\\.[0-9]{0,2})?",
        "-?[1-9][0-9]{0,3}e-?[0-9]{1,2}",
        Just("NaN".to_owned()),
    ];
    text.prop_map(|text| Numeric::parse(&text).expect("BUG: the text is a number"))
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![".{0,12}", "[ab\0\u{1}\u{ff}]{0,5}"]
}

pub(crate) fn documents() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|b| b.to_string()),
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,4})?(e[0-9])?",
        "[a-c\"\\\\é\n]{0,3}".prop_map(|s| serde_json::Value::String(s).to_string()),
    ];
    let tree = leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            proptest::collection::vec(("[a-c]{0,3}", inner), 0..4).prop_map(|pairs| {
                let pairs: Vec<String> = pairs.into_iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                format!("{{{}}}", pairs.join(","))
            }),
        ]
    });
    tree.prop_map(|text| Json::parse(&text).expect("BUG: the text is JSON"))
}

/// Damage done to bytes: some overwritten, some cut off, some added.
pub(crate) fn damages() -> impl Strategy<Value = Vec<(proptest::sample::Index, u8, u8)>> {
    proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>(), any::<u8>()), 1..5)
}

/// The bytes after the damage.
pub(crate) fn damage(mut bytes: Vec<u8>, damages: &[(proptest::sample::Index, u8, u8)]) -> Vec<u8> {
    for (place, kind, byte) in damages {
        if bytes.is_empty() {
            return vec![*byte];
        }
        let place = place.index(bytes.len());
        match kind % 8 {
            0 => bytes.truncate(place),
            1 => bytes.insert(place, *byte),
            2 => drop(bytes.remove(place)),
            3 => bytes[place] = 0xff,
            _ => bytes[place] = *byte,
        }
    }
    bytes
}
