//! NUMERIC: a decimal of any length that remembers its scale, or NaN.

use std::cmp::Ordering;

use bigdecimal::BigDecimal;

/// PostgreSQL's `numeric`. The scale of a finite value is what it prints: `1.50` keeps its zero.
#[derive(Clone, Debug)]
pub enum Numeric {
    /// A finite value.
    Finite(BigDecimal),
    /// Not a number: equal to itself, above everything else.
    NaN,
}

impl PartialEq for Numeric {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Numeric {}

impl PartialOrd for Numeric {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Numeric {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Finite(a), Self::Finite(b)) => a.cmp(b),
            (Self::NaN, Self::NaN) => Ordering::Equal,
            (Self::NaN, Self::Finite(_)) => Ordering::Greater,
            (Self::Finite(_), Self::NaN) => Ordering::Less,
        }
    }
}
