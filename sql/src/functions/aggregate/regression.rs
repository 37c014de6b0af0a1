//! Functions of two variables: covariance, correlation, linear regression. The first argument is Y, the second X.

use heliosdb_storage::value::{DataType, Value};

use super::super::{bad_arguments, float};
use super::sums::double;
use super::{Accumulator, AggregateFunction};
use crate::error::Result;

use DataType::{Float8, Int8};

macro_rules! family {
    ($($name:literal, $returns:ident, $accumulator:ident => $finish:expr;)*) => {
        /// The aggregates.
        pub(super) static AGGREGATES: &[AggregateFunction] = &[
            $(AggregateFunction::new::<$accumulator>($name, &[Float8, Float8], $returns).ordered(),)*
        ];

        $(
            #[derive(Default)]
            struct $accumulator(Pairs);

            impl Accumulator for $accumulator {
                fn add(&mut self, args: &[Value]) -> Result<()> {
                    self.0.add(args)
                }

                fn finish(&mut self) -> Result<Value> {
                    let finish: fn(&Pairs) -> Option<f64> = $finish;
                    Ok(finish(&self.0).map_or(Value::Null, Value::Float8))
                }
            }
        )*
    };
}

family! {
    "covar_pop", Float8, CovarPop => |of| of.some().then(|| of.sxy / of.count);
    "covar_samp", Float8, CovarSamp => |of| (of.count > 1.0).then(|| of.sxy / (of.count - 1.0));
    "corr", Float8, Corr => |of| {
        (of.some() && of.sxx != 0.0 && of.syy != 0.0).then(|| of.sxy / (of.sxx * of.syy).sqrt())
    };
    "regr_sxx", Float8, RegrSxx => |of| of.some().then_some(of.sxx);
    "regr_syy", Float8, RegrSyy => |of| of.some().then_some(of.syy);
    "regr_sxy", Float8, RegrSxy => |of| of.some().then_some(of.sxy);
    "regr_avgx", Float8, RegrAvgX => |of| of.some().then(|| of.sx / of.count);
    "regr_avgy", Float8, RegrAvgY => |of| of.some().then(|| of.sy / of.count);
    "regr_r2", Float8, RegrR2 => |of| {
        let r2 = || if of.syy == 0.0 { 1.0 } else { (of.sxy * of.sxy) / (of.sxx * of.syy) };
        (of.some() && of.sxx != 0.0).then(r2)
    };
    "regr_slope", Float8, RegrSlope => |of| (of.some() && of.sxx != 0.0).then(|| of.sxy / of.sxx);
    "regr_intercept", Float8, RegrIntercept => |of| {
        (of.some() && of.sxx != 0.0).then(|| (of.sy - of.sx * of.sxy / of.sxx) / of.count)
    };
}

/// `regr_count`, the one that counts.
pub(super) static COUNT: &[AggregateFunction] =
    &[AggregateFunction::new::<RegrCount>("regr_count", &[Float8, Float8], Int8)];

#[derive(Default)]
struct RegrCount(i64);

impl Accumulator for RegrCount {
    fn add(&mut self, args: &[Value]) -> Result<()> {
        if !args.iter().any(Value::is_null) {
            self.0 = self.0.saturating_add(1);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Value> {
        Ok(Value::Int8(self.0))
    }
}

/// Number, sums and sums of squares and products of the differences from the means.
#[derive(Default)]
struct Pairs {
    count: f64,
    sx: f64,
    sxx: f64,
    sy: f64,
    syy: f64,
    sxy: f64,
}

impl Pairs {
    fn some(&self) -> bool {
        self.count > 0.0
    }

    fn add(&mut self, args: &[Value]) -> Result<()> {
        let [y, x] = args else { return Err(bad_arguments("an aggregate of two variables", args)) };
        let (Some(y), Some(x)) = (double(y)?, double(x)?) else { return Ok(()) };
        let (count, sx, sy) = (self.count, self.sx, self.sy);
        self.count += 1.0;
        self.sx += x;
        self.sy += y;
        if count > 0.0 {
            let (dx, dy) = (x * self.count - self.sx, y * self.count - self.sy);
            let scale = 1.0 / (self.count * count);
            self.sxx += dx * dx * scale;
            self.syy += dy * dy * scale;
            self.sxy += dx * dy * scale;
            self.check((sx, x), (sy, y))?;
        } else {
            if !x.is_finite() {
                (self.sxx, self.sxy) = (f64::NAN, f64::NAN);
            }
            if !y.is_finite() {
                (self.syy, self.sxy) = (f64::NAN, f64::NAN);
            }
        }
        Ok(())
    }

    /// Fails if finite numbers have come to an infinite sum.
    fn check(&mut self, (sx, x): (f64, f64), (sy, y): (f64, f64)) -> Result<()> {
        let has_grown_in_x = self.sx.is_infinite() || self.sxx.is_infinite();
        let has_grown_in_y = self.sy.is_infinite() || self.syy.is_infinite();
        if !has_grown_in_x && !has_grown_in_y && !self.sxy.is_infinite() {
            return Ok(());
        }
        let is_finite_x = !sx.is_infinite() && !x.is_infinite();
        let is_finite_y = !sy.is_infinite() && !y.is_infinite();
        if (has_grown_in_x && is_finite_x)
            || (has_grown_in_y && is_finite_y)
            || (self.sxy.is_infinite() && is_finite_x && is_finite_y)
        {
            return Err(float::overflow());
        }
        for sum in [&mut self.sxx, &mut self.syy, &mut self.sxy] {
            if sum.is_infinite() {
                *sum = f64::NAN;
            }
        }
        Ok(())
    }
}
