//! The server through its doors: configuration, sockets, command line.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod admission;
mod config;
mod copy;
mod notifications;
mod portals;
mod process;
mod protocol;
mod raw;
mod support;
mod timeouts;
