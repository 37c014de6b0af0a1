//! Clocks, dots and conflict-free replicated data types.
//!
//! This crate is pure: no I/O, no async, no clock reads. Everything here is a value with laws (see the property tests
//! beside each type); who stores it, ships it or shows it is decided in the crates above.
//!
//! | module | what |
//! |---|---|
//! | [`hlc`] | hybrid logical clock and the stamps of last-write-wins columns |
//! | [`dot`] | sites, dots and version vectors |
//! | [`interval_set`] | sets of sequence numbers, compact when dense |
//! | [`counter`] | grow-only and positive-negative counters |
//! | [`lww`] | last-write-wins register |

pub mod counter;
pub mod dot;
pub mod hlc;
pub mod interval_set;
pub mod lww;

pub use counter::{CounterOverflow, GCounter, PnCounter};
pub use dot::{Dot, SiteId, VersionVector};
pub use hlc::{Hlc, HlcClock, Stamp};
pub use interval_set::IntervalSet;
pub use lww::Lww;
