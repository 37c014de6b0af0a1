//! Intervals: months, days and microseconds, kept apart as PostgreSQL keeps them.

use std::cmp::Ordering;

const MICROS_PER_DAY: i128 = 86_400_000_000;
const DAYS_PER_MONTH: i128 = 30;

/// A span of time. A month has as many days as it has, and a day as many hours; so none of the three carries over.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Interval {
    /// Years and months.
    pub months: i32,
    /// Days.
    pub days: i32,
    /// Hours and what is smaller, in microseconds.
    pub micros: i64,
}

impl Interval {
    /// Its length with months of 30 days and days of 24 hours, in microseconds: what comparisons look at.
    pub fn span(self) -> i128 {
        (i128::from(self.months) * DAYS_PER_MONTH + i128::from(self.days)) * MICROS_PER_DAY + i128::from(self.micros)
    }

    /// PostgreSQL's order; `1 month` and `30 days` are equal.
    pub fn compare(self, other: Self) -> Ordering {
        self.span().cmp(&other.span())
    }
}
