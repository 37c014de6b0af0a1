//! The store from outside: what its users rely on.
#![allow(missing_docs, reason = "tests")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod concurrency;
mod constraints;
mod ddl;
mod fixture;
mod model;
mod sequences;
mod synced;
mod synced_model;
mod transactions;
