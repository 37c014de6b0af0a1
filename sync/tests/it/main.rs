//! Sync over real loopback sockets, hub and edges in one process.

// The allowances that clippy.toml gives to tests do not reach the functions that tests share.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod cascades;
mod enrolment;
mod exchange;
mod fixture;
mod forks;
mod hostile;
mod model;
mod outages;
mod proxy;
