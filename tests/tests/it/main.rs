//! Tests over real processes and sockets.

#![allow(missing_docs, reason = "these are tests")]

mod readme;
mod shop;
mod workspace;
