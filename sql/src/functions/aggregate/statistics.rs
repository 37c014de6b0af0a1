//! Variances and standard deviations.
//!
//! Those of exact numbers are exact up to one division, with PostgreSQL's scale; those of floating-point numbers are
//! accumulated as PostgreSQL does it, by the method of Youngs and Cramer.

use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::Sign;
use heliosdb_storage::value::{DataType, Numeric, Value};

use super::super::{bad_arguments, float, numeric};
use super::sums::{decimal, double, integer, numeric_value};
use super::{Accumulator, AggregateFunction};
use crate::error::Result;
use crate::types::numeric::parts;

use DataType::{Float4, Float8, Int2, Int4, Int8, Numeric as Decimal};

const fn exact<A: Accumulator + Default + 'static>(name: &'static str, of: &'static [DataType]) -> AggregateFunction {
    AggregateFunction::new::<A>(name, of, Decimal)
}

const fn inexact<A: Accumulator + Default + 'static>(name: &'static str, of: &'static [DataType]) -> AggregateFunction {
    AggregateFunction::new::<A>(name, of, Float8).ordered()
}

macro_rules! family {
    ($($name:literal, $sample:literal, $root:literal;)*) => {
        /// The aggregates.
        pub(super) static AGGREGATES: &[AggregateFunction] = &[$(
            exact::<Exact<$sample, $root>>($name, &[Int2]),
            exact::<Exact<$sample, $root>>($name, &[Int4]),
            exact::<Exact<$sample, $root>>($name, &[Int8]),
            exact::<Exact<$sample, $root>>($name, &[Decimal]),
            inexact::<Inexact<$sample, $root>>($name, &[Float4]),
            inexact::<Inexact<$sample, $root>>($name, &[Float8]),
        )*];
    };
}

family! {
    "variance", true, false;
    "var_samp", true, false;
    "var_pop", false, false;
    "stddev", true, true;
    "stddev_samp", true, true;
    "stddev_pop", false, true;
}

/// Number, sum and sum of squares of exact numbers.
#[derive(Default)]
struct Exact<const SAMPLE: bool, const ROOT: bool> {
    count: i64,
    sum: BigDecimal,
    squares: BigDecimal,
    has_nan: bool,
}

impl<const SAMPLE: bool, const ROOT: bool> Accumulator for Exact<SAMPLE, ROOT> {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        let n = match args {
            [Value::Null] => return Ok(()),
            [Value::Numeric(n)] => match n.as_ref() {
                Numeric::Finite(n) => n.clone(),
                Numeric::NaN => {
                    self.has_nan = true;
                    return Ok(());
                }
            },
            _ => match integer(args)? {
                Some(n) => decimal(n),
                None => return Ok(()),
            },
        };
        self.count = self.count.saturating_add(1);
        self.squares = numeric::add(&self.squares, &numeric::multiply(&n, &n)?)?;
        self.sum = numeric::add(&self.sum, &n)?;
        Ok(())
    }

    fn finish(&mut self) -> Result<Value> {
        if self.has_nan {
            return Ok(numeric_value(Numeric::NaN));
        }
        if self.count == 0 || (SAMPLE && self.count == 1) {
            return Ok(Value::Null);
        }
        let count = decimal(self.count);
        let of_squares = numeric::multiply(&count, &self.squares)?;
        let numerator = numeric::subtract(&of_squares, &numeric::multiply(&self.sum, &self.sum)?)?;
        if numerator.sign() != Sign::Plus {
            return Ok(numeric_value(Numeric::Finite(decimal(0))));
        }
        let others = if SAMPLE { decimal(self.count - 1) } else { count.clone() };
        let mut result = numeric::divide(&numerator, &numeric::multiply(&count, &others)?)?;
        if ROOT {
            let (_, scale) = parts(&result)?;
            result = numeric::root(&result, scale)?;
        }
        Ok(numeric_value(Numeric::Finite(result)))
    }
}

/// Number, sum and sum of the squares of the differences from the mean.
#[derive(Default)]
pub(super) struct Moments {
    pub count: f64,
    pub sum: f64,
    pub squares: f64,
}

impl Moments {
    /// Takes a number.
    pub fn add(&mut self, n: f64) -> Result<()> {
        let (count, sum) = (self.count, self.sum);
        self.count += 1.0;
        self.sum += n;
        if count > 0.0 {
            let difference = n * self.count - self.sum;
            self.squares += difference * difference / (self.count * count);
            if self.sum.is_infinite() || self.squares.is_infinite() {
                if !sum.is_infinite() && !n.is_infinite() {
                    return Err(float::overflow());
                }
                self.squares = f64::NAN;
            }
        } else if !n.is_finite() {
            self.squares = f64::NAN;
        }
        Ok(())
    }
}

#[derive(Default)]
struct Inexact<const SAMPLE: bool, const ROOT: bool>(Moments);

impl<const SAMPLE: bool, const ROOT: bool> Accumulator for Inexact<SAMPLE, ROOT> {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        let [value] = args else { return Err(bad_arguments("an aggregate of double precision", args)) };
        match double(value)? {
            Some(n) => self.0.add(n),
            None => Ok(()),
        }
    }

    fn finish(&mut self) -> Result<Value> {
        let others = if SAMPLE { self.0.count - 1.0 } else { self.0.count };
        if others <= 0.0 {
            return Ok(Value::Null);
        }
        let variance = self.0.squares / others;
        Ok(Value::Float8(if ROOT { variance.sqrt() } else { variance }))
    }
}
