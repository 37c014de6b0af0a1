//! What tests that cross crates share: nodes as real processes, and a proxy that can misbehave.
//!
//! Nothing here reaches into a node: all goes through its command line, its sockets and its signals, as in a shop.

pub mod fleet;
pub mod proxy;
