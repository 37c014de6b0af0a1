//! The SQL crate from text to rows, in process: an engine over a store in memory.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking; clippy sees only #[test] functions as tests"
)]

mod access_paths;
mod concurrency;
mod counters;
mod depth;
mod harness;
mod plan_alternatives;
mod portals;
mod scripts;
