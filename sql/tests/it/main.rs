//! The SQL crate from text to rows, in process: an engine over a store in memory.

mod concurrency;
mod counters;
mod harness;
mod portals;
mod scripts;
