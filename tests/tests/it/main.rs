//! Tests over real processes and sockets.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails may say so by a panic"
)]

mod differential;
mod engine;
mod fuzz;
mod generator;
mod psql;
mod readme;
mod shop;
mod sqllogictest;
mod sync_sql;
mod workspace;
