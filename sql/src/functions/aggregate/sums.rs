//! `sum` and `avg`.

use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::BigInt;
use heliosdb_storage::value::{DataType, Interval, Numeric, Value};

use super::super::datetime::interval;
use super::super::{bad_arguments, float, numeric};
use super::statistics::Moments;
use super::{Accumulator, AggregateFunction};
use crate::error::Result;
use crate::types::cast::out_of_range;

use DataType::{Float4, Float8, Int2, Int4, Int8, Numeric as Decimal};

/// The aggregates.
pub(super) static AGGREGATES: &[AggregateFunction] = &[
    AggregateFunction::new::<SumToInt8>("sum", &[Int2], Int8),
    AggregateFunction::new::<SumToInt8>("sum", &[Int4], Int8),
    AggregateFunction::new::<SumInt8>("sum", &[Int8], Decimal),
    AggregateFunction::new::<SumNumeric>("sum", &[Decimal], Decimal),
    AggregateFunction::new::<SumFloat4>("sum", &[Float4], Float4).ordered(),
    AggregateFunction::new::<SumFloat8>("sum", &[Float8], Float8).ordered(),
    AggregateFunction::new::<SumInterval>("sum", &[DataType::Interval], DataType::Interval),
    AggregateFunction::new::<AverageInt>("avg", &[Int2], Decimal),
    AggregateFunction::new::<AverageInt>("avg", &[Int4], Decimal),
    AggregateFunction::new::<AverageInt>("avg", &[Int8], Decimal),
    AggregateFunction::new::<AverageNumeric>("avg", &[Decimal], Decimal),
    AggregateFunction::new::<AverageFloat>("avg", &[Float4], Float8).ordered(),
    AggregateFunction::new::<AverageFloat>("avg", &[Float8], Float8).ordered(),
    AggregateFunction::new::<AverageInterval>("avg", &[DataType::Interval], DataType::Interval),
];

/// A whole number of any width; none for NULL.
pub(super) fn integer(args: &[Value]) -> Result<Option<i64>> {
    match args {
        [Value::Null] => Ok(None),
        [Value::Int2(n)] => Ok(Some(i64::from(*n))),
        [Value::Int4(n)] => Ok(Some(i64::from(*n))),
        [Value::Int8(n)] => Ok(Some(*n)),
        _ => Err(bad_arguments("an aggregate of integers", args)),
    }
}

/// A double or a real; none for NULL.
pub(super) fn double(value: &Value) -> Result<Option<f64>> {
    match value {
        Value::Null => Ok(None),
        Value::Float4(n) => Ok(Some(f64::from(*n))),
        Value::Float8(n) => Ok(Some(*n)),
        _ => Err(bad_arguments("an aggregate of floating-point numbers", std::slice::from_ref(value))),
    }
}

pub(super) fn decimal(n: impl Into<BigInt>) -> BigDecimal {
    BigDecimal::new(n.into(), 0)
}

pub(super) fn numeric_value(n: Numeric) -> Value {
    Value::Numeric(Box::new(n))
}

/// Sum and count of whole numbers. 2^63 rows of eight bytes fit into sixteen.
#[derive(Default)]
struct IntegerSum {
    sum: i128,
    count: i64,
}

impl IntegerSum {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        if let Some(n) = integer(args)? {
            self.sum = self.sum.saturating_add(i128::from(n));
            self.count = self.count.saturating_add(1);
        }
        Ok(())
    }

    fn remove(&mut self, args: &[Value]) -> Result<bool> {
        if let Some(n) = integer(args)? {
            self.sum = self.sum.saturating_sub(i128::from(n));
            self.count = self.count.saturating_sub(1);
        }
        Ok(true)
    }
}

macro_rules! integer_sums {
    ($($(#[$doc:meta])* $name:ident => $finish:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Default)]
        struct $name(IntegerSum);

        impl Accumulator for $name {
            fn add(&mut self, args: &[Value]) -> Result<()> {
                self.0.add(args)
            }

            fn finish(&mut self) -> Result<Value> {
                let finish: fn(&IntegerSum) -> Result<Value> = $finish;
                if self.0.count == 0 { Ok(Value::Null) } else { finish(&self.0) }
            }

            fn remove(&mut self, args: &[Value]) -> Result<bool> {
                self.0.remove(args)
            }
        }
    )*};
}

integer_sums! {
    /// `sum` of two and four bytes, in eight.
    SumToInt8 => |of| i64::try_from(of.sum).map(Value::Int8).map_err(|_| out_of_range(Int8));
    /// `sum` of eight bytes, without bound.
    SumInt8 => |of| Ok(numeric_value(Numeric::Finite(decimal(of.sum))));
    /// `avg` of whole numbers.
    AverageInt => |of| {
        let average = numeric::divide(&decimal(of.sum), &decimal(of.count))?;
        Ok(numeric_value(Numeric::Finite(average)))
    };
}

/// Sum and count of decimals; NaN makes the sum NaN.
#[derive(Default)]
struct NumericSum {
    sum: Option<BigDecimal>,
    /// The scale of the result, which is that of the number with most digits.
    scale: i64,
    nans: i64,
    count: i64,
}

impl NumericSum {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        let n = match args {
            [Value::Null] => return Ok(()),
            [Value::Numeric(n)] => n,
            _ => return Err(bad_arguments("an aggregate of numeric", args)),
        };
        self.count = self.count.saturating_add(1);
        match (n.as_ref(), &self.sum) {
            (Numeric::NaN, _) => self.nans += 1,
            (Numeric::Finite(n), None) => self.sum = Some(n.clone()),
            (Numeric::Finite(n), Some(sum)) => self.sum = Some(numeric::add(sum, n)?),
        }
        if let (Numeric::Finite(n), true) = (n.as_ref(), self.sum.is_some()) {
            self.scale = self.scale.max(n.fractional_digit_count());
        }
        Ok(())
    }

    /// A number with as many digits as the sum may have given it its scale: then what is left may have a smaller one.
    fn remove(&mut self, args: &[Value]) -> Result<bool> {
        match args {
            [Value::Null] => return Ok(true),
            [Value::Numeric(n)] => match (n.as_ref(), &self.sum) {
                (Numeric::NaN, _) => self.nans -= 1,
                (Numeric::Finite(n), Some(sum)) if n.fractional_digit_count() < self.scale => {
                    self.sum = Some(numeric::subtract(sum, n)?);
                }
                _ => return Ok(false),
            },
            _ => return Err(bad_arguments("an aggregate of numeric", args)),
        }
        self.count = self.count.saturating_sub(1);
        Ok(true)
    }

    fn result(&self, finish: impl Fn(&BigDecimal) -> Result<BigDecimal>) -> Result<Value> {
        match &self.sum {
            _ if self.nans > 0 => Ok(numeric_value(Numeric::NaN)),
            Some(sum) if self.count > 0 => finish(sum).map(|n| numeric_value(Numeric::Finite(n))),
            _ => Ok(Value::Null),
        }
    }
}

#[derive(Default)]
struct SumNumeric(NumericSum);

impl Accumulator for SumNumeric {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        self.0.add(args)
    }

    fn finish(&mut self) -> Result<Value> {
        self.0.result(|sum| Ok(sum.clone()))
    }

    fn remove(&mut self, args: &[Value]) -> Result<bool> {
        self.0.remove(args)
    }
}

#[derive(Default)]
struct AverageNumeric(NumericSum);

impl Accumulator for AverageNumeric {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        self.0.add(args)
    }

    fn finish(&mut self) -> Result<Value> {
        self.0.result(|sum| numeric::divide(sum, &decimal(self.0.count)))
    }

    fn remove(&mut self, args: &[Value]) -> Result<bool> {
        self.0.remove(args)
    }
}

#[derive(Default)]
struct SumFloat4(Option<f32>);

impl Accumulator for SumFloat4 {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        let n = match args {
            [Value::Null] => return Ok(()),
            [Value::Float4(n)] => *n,
            _ => return Err(bad_arguments("sum", args)),
        };
        let sum = self.0.unwrap_or(0.0);
        let next = sum + n;
        if next.is_infinite() && !sum.is_infinite() && !n.is_infinite() {
            return Err(float::overflow());
        }
        self.0 = Some(if self.0.is_some() { next } else { n });
        Ok(())
    }

    fn finish(&mut self) -> Result<Value> {
        Ok(self.0.map_or(Value::Null, Value::Float4))
    }
}

/// Sum and count of doubles.
#[derive(Default)]
struct FloatSum {
    sum: f64,
    count: f64,
}

impl FloatSum {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        let [value] = args else { return Err(bad_arguments("an aggregate of double precision", args)) };
        let Some(n) = double(value)? else { return Ok(()) };
        self.sum = if self.count == 0.0 {
            n
        } else {
            float::checked(self.sum + n, self.sum.is_infinite() || n.is_infinite(), true)?
        };
        self.count += 1.0;
        Ok(())
    }
}

#[derive(Default)]
struct SumFloat8(FloatSum);

impl Accumulator for SumFloat8 {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        self.0.add(args)
    }

    fn finish(&mut self) -> Result<Value> {
        Ok(if self.0.count == 0.0 { Value::Null } else { Value::Float8(self.0.sum) })
    }
}

/// The average has the bounds of the variance, with which PostgreSQL computes it.
#[derive(Default)]
struct AverageFloat(Moments);

impl Accumulator for AverageFloat {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        let [value] = args else { return Err(bad_arguments("avg", args)) };
        double(value)?.map_or(Ok(()), |n| self.0.add(n))
    }

    fn finish(&mut self) -> Result<Value> {
        Ok(if self.0.count == 0.0 { Value::Null } else { Value::Float8(self.0.sum / self.0.count) })
    }
}

/// Sum and count of intervals.
#[derive(Default)]
struct IntervalSum {
    sum: Option<Interval>,
    count: f64,
}

impl IntervalSum {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        let n = match args {
            [Value::Null] => return Ok(()),
            [Value::Interval(n)] => *n,
            _ => return Err(bad_arguments("an aggregate of intervals", args)),
        };
        self.sum = Some(match self.sum {
            None => n,
            Some(sum) => interval::sum(sum, n)?,
        });
        self.count += 1.0;
        Ok(())
    }
}

#[derive(Default)]
struct SumInterval(IntervalSum);

impl Accumulator for SumInterval {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        self.0.add(args)
    }

    fn finish(&mut self) -> Result<Value> {
        Ok(self.0.sum.map_or(Value::Null, Value::Interval))
    }
}

#[derive(Default)]
struct AverageInterval(IntervalSum);

impl Accumulator for AverageInterval {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        self.0.add(args)
    }

    fn finish(&mut self) -> Result<Value> {
        let Some(sum) = self.0.sum else { return Ok(Value::Null) };
        interval::scaled(sum, |part| part / self.0.count).map(Value::Interval)
    }
}
