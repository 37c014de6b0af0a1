//! Aggregates with WITHIN GROUP. Their direct arguments come first, the values of the order behind them, row by row in
//! the order.

use std::cmp::Ordering;
use std::sync::Arc;

use heliosdb_storage::value::{Array, DataType, Value};

use super::super::bad_arguments;
use super::super::datetime::arithmetic::negated;
use super::super::datetime::interval;
use super::{Accumulator, AggregateFunction, AggregateKind, CallShape};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::compare;
use crate::exec::context::row_bytes;
use crate::exec::sort::compare_keys;
use crate::plan::SortKey;

use DataType::{AnyArray, AnyElement, Float8, Int8, Interval};

const FRACTIONS: DataType = DataType::FLOAT8_ARRAY;

/// The aggregates.
pub(super) static AGGREGATES: &[AggregateFunction] = &[
    AggregateFunction::new::<Mode>("mode", &[AnyElement], AnyElement).ordered_set(0),
    percentile::<Discrete>("percentile_disc", &[Float8, AnyElement], AnyElement),
    percentile::<Discrete>("percentile_disc", &[FRACTIONS, AnyElement], AnyArray),
    percentile::<Continuous>("percentile_cont", &[Float8, Float8], Float8),
    percentile::<Continuous>("percentile_cont", &[Float8, Interval], Interval),
    percentile::<Continuous>("percentile_cont", &[FRACTIONS, Float8], FRACTIONS),
    percentile::<Continuous>("percentile_cont", &[FRACTIONS, Interval], DataType::INTERVAL_ARRAY),
    hypothetical("rank", Int8, |shape| Place::boxed(shape, |place| Value::Int8(place.before + 1))),
    hypothetical("dense_rank", Int8, |shape| Place::boxed(shape, |place| Value::Int8(place.groups_before + 1))),
    hypothetical("percent_rank", Float8, |shape| {
        Place::boxed(shape, |place| {
            Value::Float8(if place.rows == 0 { 0.0 } else { float(place.before) / float(place.rows) })
        })
    }),
    hypothetical("cume_dist", Float8, |shape| {
        Place::boxed(shape, |place| Value::Float8(float(place.before + place.peers + 1) / float(place.rows + 1)))
    }),
];

const fn percentile<P: Percentile + 'static>(
    name: &'static str,
    args: &'static [DataType],
    returns: DataType,
) -> AggregateFunction {
    let mut aggregate = AggregateFunction::new::<Mode>(name, args, returns).ordered_set(1);
    aggregate.new = |shape| {
        Box::new(Percentiles { returns: shape.returns, direct: Value::Null, values: Values::default(), at: P::at })
    };
    aggregate
}

const fn hypothetical(
    name: &'static str,
    returns: DataType,
    new: fn(&CallShape<'_>) -> Box<dyn Accumulator>,
) -> AggregateFunction {
    let kind = AggregateKind::Hypothetical;
    AggregateFunction { name, kind, args: &[], returns, is_ordered: true, new }
}

#[expect(clippy::cast_precision_loss, reason = "a ratio, as PostgreSQL computes it")]
const fn float(n: i64) -> f64 {
    n as f64
}

/// Values in their order, those that are not NULL.
#[derive(Default)]
struct Values {
    values: Vec<Value>,
    kept: usize,
}

impl Values {
    fn add(&mut self, value: &Value) {
        if !value.is_null() {
            self.kept += row_bytes(std::slice::from_ref(value));
            self.values.push(value.clone());
        }
    }
}

/// `mode`: of the values that come most often the first.
#[derive(Default)]
struct Mode {
    best: Option<(Value, usize)>,
    current: Option<(Value, usize)>,
}

impl Accumulator for Mode {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        let [value] = args else { return Err(bad_arguments("mode", args)) };
        if value.is_null() {
            return Ok(());
        }
        match &mut self.current {
            Some((current, count)) if compare(current, value).is_eq() => *count += 1,
            current => *current = Some((value.clone(), 1)),
        }
        let is_better = match (&self.current, &self.best) {
            (Some((_, count)), Some((_, best))) => count > best,
            _ => true,
        };
        if is_better {
            self.best.clone_from(&self.current);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Value> {
        Ok(self.best.as_ref().map_or(Value::Null, |(value, _)| value.clone()))
    }
}

/// How a percentile is found.
trait Percentile {
    /// The value at a fraction of some values in their order.
    fn at(values: &[Value], fraction: f64) -> Result<Value>;
}

/// The first value that so many are not above.
struct Discrete;

impl Percentile for Discrete {
    fn at(values: &[Value], fraction: f64) -> Result<Value> {
        let place = position((fraction * length(values)).ceil()).saturating_sub(1);
        Ok(values.get(place).or(values.last()).cloned().unwrap_or(Value::Null))
    }
}

/// Between two values, as far as the fraction lies between their places.
struct Continuous;

impl Percentile for Continuous {
    fn at(values: &[Value], fraction: f64) -> Result<Value> {
        let place = fraction * (length(values) - 1.0);
        let (low, high) = (values.get(position(place.floor())), values.get(position(place.ceil())));
        let part = place - place.floor();
        match (low, high) {
            (Some(low), Some(_)) if part == 0.0 => Ok(low.clone()),
            (Some(Value::Float8(low)), Some(Value::Float8(high))) => Ok(Value::Float8(low + part * (high - low))),
            (Some(Value::Interval(low)), Some(Value::Interval(high))) => {
                let difference = interval::sum(*high, negated(*low)?)?;
                interval::sum(*low, interval::scaled(difference, |of| of * part)?).map(Value::Interval)
            }
            _ => Ok(Value::Null),
        }
    }
}

fn length(values: &[Value]) -> f64 {
    float(i64::try_from(values.len()).unwrap_or(i64::MAX))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place among values that are there")]
fn position(place: f64) -> usize {
    place as usize
}

/// `percentile_disc` and `percentile_cont`
struct Percentiles {
    returns: DataType,
    direct: Value,
    values: Values,
    at: fn(&[Value], f64) -> Result<Value>,
}

impl Percentiles {
    fn one(&self, fraction: &Value) -> Result<Value> {
        let Value::Float8(fraction) = fraction else { return Ok(Value::Null) };
        if fraction.is_nan() || *fraction < 0.0 || *fraction > 1.0 {
            let mut shown = String::new();
            crate::types::float::format(*fraction, Some(0), &mut shown);
            let message = format!("percentile value {shown} is not between 0 and 1");
            return Err(SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message));
        }
        (self.at)(&self.values.values, *fraction)
    }
}

impl Accumulator for Percentiles {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        let [direct, value] = args else { return Err(bad_arguments("percentile", args)) };
        self.direct = direct.clone();
        self.values.add(value);
        Ok(())
    }

    fn finish(&mut self) -> Result<Value> {
        if self.values.values.is_empty() {
            return Ok(Value::Null);
        }
        let Value::Array(fractions) = &self.direct else { return self.one(&self.direct) };
        let values = fractions.values().iter().map(|fraction| self.one(fraction)).collect::<Result<_>>()?;
        let element = self.returns.element().unwrap_or(Float8);
        let array = Array::with_dimensions(element, fractions.dimensions().to_vec(), values);
        Ok(array.map_or(Value::Null, |array| Value::Array(Arc::new(array))))
    }

    fn kept(&mut self) -> usize {
        std::mem::take(&mut self.values.kept)
    }
}

/// Where a row would stand among the others.
struct Place {
    order: Vec<SortKey>,
    result: fn(&Self) -> Value,
    rows: i64,
    before: i64,
    /// Groups of equal rows that are before.
    groups_before: i64,
    peers: i64,
    last: Option<Vec<Value>>,
}

impl Place {
    fn boxed(shape: &CallShape<'_>, result: fn(&Self) -> Value) -> Box<dyn Accumulator> {
        let order = shape.order.to_vec();
        Box::new(Self { order, result, rows: 0, before: 0, groups_before: 0, peers: 0, last: None })
    }
}

impl Accumulator for Place {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        let (wanted, row) = args.split_at_checked(self.order.len()).ok_or_else(|| bad_arguments("rank", args))?;
        self.rows += 1;
        match compare_keys(&self.order, row, wanted) {
            Ordering::Less => {
                self.before += 1;
                let is_new = self.last.as_ref().is_none_or(|last| compare_keys(&self.order, last, row).is_ne());
                self.groups_before += i64::from(is_new);
                self.last = Some(row.to_vec());
            }
            Ordering::Equal => self.peers += 1,
            Ordering::Greater => {}
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Value> {
        Ok((self.result)(self))
    }
}
