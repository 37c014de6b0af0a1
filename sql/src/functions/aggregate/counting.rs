//! Counts, and what bits and conditions have in common.

use heliosdb_storage::value::{DataType, Value};

use super::super::bad_arguments;
use super::{Accumulator, AggregateFunction};
use crate::error::Result;

use DataType::{Bool, Int2, Int4, Int8, Unknown};

/// The aggregates.
pub(super) static AGGREGATES: &[AggregateFunction] = &[
    AggregateFunction::new::<CountRows>("count", &[], Int8),
    AggregateFunction::new::<Count>("count", &[Unknown], Int8),
    AggregateFunction::new::<All>("bool_and", &[Bool], Bool),
    AggregateFunction::new::<All>("every", &[Bool], Bool),
    AggregateFunction::new::<Any>("bool_or", &[Bool], Bool),
    AggregateFunction::new::<Bits<And>>("bit_and", &[Int2], Int2),
    AggregateFunction::new::<Bits<And>>("bit_and", &[Int4], Int4),
    AggregateFunction::new::<Bits<And>>("bit_and", &[Int8], Int8),
    AggregateFunction::new::<Bits<Or>>("bit_or", &[Int2], Int2),
    AggregateFunction::new::<Bits<Or>>("bit_or", &[Int4], Int4),
    AggregateFunction::new::<Bits<Or>>("bit_or", &[Int8], Int8),
    AggregateFunction::new::<Bits<Xor>>("bit_xor", &[Int2], Int2),
    AggregateFunction::new::<Bits<Xor>>("bit_xor", &[Int4], Int4),
    AggregateFunction::new::<Bits<Xor>>("bit_xor", &[Int8], Int8),
];

/// `count(*)`
#[derive(Default)]
struct CountRows(i64);

impl Accumulator for CountRows {
    fn add(&mut self, _: &[Value]) -> Result<()> {
        self.0 = self.0.saturating_add(1);
        Ok(())
    }

    fn finish(&mut self) -> Result<Value> {
        Ok(Value::Int8(self.0))
    }

    fn remove(&mut self, _: &[Value]) -> Result<bool> {
        self.0 = self.0.saturating_sub(1);
        Ok(true)
    }
}

/// `count(x)`
#[derive(Default)]
struct Count(i64);

impl Accumulator for Count {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        if !args.iter().any(Value::is_null) {
            self.0 = self.0.saturating_add(1);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Value> {
        Ok(Value::Int8(self.0))
    }

    fn remove(&mut self, args: &[Value]) -> Result<bool> {
        if !args.iter().any(Value::is_null) {
            self.0 = self.0.saturating_sub(1);
        }
        Ok(true)
    }
}

fn boolean(args: &[Value]) -> Result<Option<bool>> {
    match args {
        [Value::Null] => Ok(None),
        [Value::Bool(b)] => Ok(Some(*b)),
        _ => Err(bad_arguments("an aggregate of booleans", args)),
    }
}

/// `bool_and`
#[derive(Default)]
struct All(Option<bool>);

impl Accumulator for All {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        if let Some(b) = boolean(args)? {
            self.0 = Some(self.0.unwrap_or(true) && b);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Value> {
        Ok(self.0.map_or(Value::Null, Value::Bool))
    }
}

/// `bool_or`
#[derive(Default)]
struct Any(Option<bool>);

impl Accumulator for Any {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        if let Some(b) = boolean(args)? {
            self.0 = Some(self.0.unwrap_or(false) || b);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Value> {
        Ok(self.0.map_or(Value::Null, Value::Bool))
    }
}

/// An operation on the bits of two numbers.
trait BitOperation: Send + Default {
    fn apply(a: i64, b: i64) -> i64;
}

#[derive(Default)]
struct And;

impl BitOperation for And {
    fn apply(a: i64, b: i64) -> i64 {
        a & b
    }
}

#[derive(Default)]
struct Or;

impl BitOperation for Or {
    fn apply(a: i64, b: i64) -> i64 {
        a | b
    }
}

#[derive(Default)]
struct Xor;

impl BitOperation for Xor {
    fn apply(a: i64, b: i64) -> i64 {
        a ^ b
    }
}

/// An operation on the bits of all numbers.
#[derive(Default)]
struct Bits<O> {
    bits: Option<Value>,
    operation: std::marker::PhantomData<O>,
}

impl<O: BitOperation> Accumulator for Bits<O> {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        let wrong = || bad_arguments("an aggregate of bits", args);
        let next = match (&self.bits, args) {
            (_, [Value::Null]) => return Ok(()),
            (None, [first]) => first.clone(),
            // The bits of the sign are alike in all widths.
            (Some(Value::Int2(a)), [Value::Int2(b)]) => {
                i16::try_from(O::apply((*a).into(), (*b).into())).map(Value::Int2).map_err(|_| wrong())?
            }
            (Some(Value::Int4(a)), [Value::Int4(b)]) => {
                i32::try_from(O::apply((*a).into(), (*b).into())).map(Value::Int4).map_err(|_| wrong())?
            }
            (Some(Value::Int8(a)), [Value::Int8(b)]) => Value::Int8(O::apply(*a, *b)),
            _ => return Err(wrong()),
        };
        self.bits = Some(next);
        Ok(())
    }

    fn finish(&mut self) -> Result<Value> {
        Ok(self.bits.clone().unwrap_or(Value::Null))
    }
}
