//! `min` and `max` of the types that have an order among PostgreSQL's aggregates.

use heliosdb_storage::value::{DataType, Value};

use super::super::{Comparison, bad_arguments};
use super::{Accumulator, AggregateFunction};
use crate::error::Result;
use crate::eval::compare;

macro_rules! extremes {
    ($($data_type:ident),*) => {
        /// The aggregates.
        pub(super) static AGGREGATES: &[AggregateFunction] = &[$(
            AggregateFunction::new::<Min>("min", &[DataType::$data_type], DataType::$data_type),
            AggregateFunction::new::<Max>("max", &[DataType::$data_type], DataType::$data_type),
        )*];
    };
}

extremes![
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    Numeric,
    Text,
    Bpchar,
    Oid,
    Date,
    Time,
    TimeTz,
    Timestamp,
    TimestampTz,
    Interval,
    AnyArray,
    AnyEnum
];

/// Keeps the first of equal values.
fn keep_if(best: &mut Option<Value>, args: &[Value], wanted: Comparison) -> Result<()> {
    let [value] = args else { return Err(bad_arguments("min or max", args)) };
    if !value.is_null() && best.as_ref().is_none_or(|best| wanted.holds(compare(value, best))) {
        *best = Some(value.clone());
    }
    Ok(())
}

#[derive(Default)]
struct Min(Option<Value>);

impl Accumulator for Min {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        keep_if(&mut self.0, args, Comparison::Lt)
    }

    fn finish(&mut self) -> Result<Value> {
        Ok(self.0.clone().unwrap_or(Value::Null))
    }
}

#[derive(Default)]
struct Max(Option<Value>);

impl Accumulator for Max {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        keep_if(&mut self.0, args, Comparison::Gt)
    }

    fn finish(&mut self) -> Result<Value> {
        Ok(self.0.clone().unwrap_or(Value::Null))
    }
}
