//! What tests that cross crates share: nodes as real processes, a proxy that can misbehave, PostgreSQL 15 to compare
//! with, and a client that shows every message of either.
//!
//! Nothing here reaches into a node: all goes through its command line, its sockets and its signals, as in a shop.

pub mod fleet;
pub mod postgres;
pub mod proxy;
pub mod rng;
pub mod wire;
