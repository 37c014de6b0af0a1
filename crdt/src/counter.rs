//! Grow-only and positive-negative counters, per site.

/// A counter that only grows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GCounter {}

/// A counter that grows and shrinks.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PnCounter {}
