//! The PostgreSQL dialect: parse → bind → plan → execute.
//!
//! ```text
//!  text ─ parse ─► ast::Statement ─ bind ─► typed tree ─ plan ─► Plan ─ exec ─► batches of rows
//!                                    │                            │
//!                                 types, functions            one evaluator (eval)
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`parse`] | SQL text to trees: our own grammar, and sqlparser for the rest of DDL |
//! | [`bind`] | names, types, coercions: the typed tree of [`expr`] |
//! | [`plan`] | access paths, joins, pushdown; the plan cache |
//! | [`exec`] | one operator a file |
//! | [`statistics`] | how large tables are and what is in them |
//! | [`statement`] | one statement that is not a query a file: DDL, transaction control, settings |
//! | [`eval`] | the one evaluator of expressions |
//! | [`regex`] | PostgreSQL's regular expressions |
//! | [`functions`] | functions, operators, aggregates, by family |
//! | [`types`] | text and binary forms of every type, casts |
//! | [`dependency`] | which object needs which other: what DROP takes along |
//! | [`copy`] | COPY: its options and formats |
//! | [`checks`] | CHECK constraints, for the storage crate to judge |
//! | [`catalog_views`] | `pg_catalog`, `information_schema` and `sync`: relations over the store |
//! | [`session`] | one client's transaction, settings, prepared statements |
//! | [`error`] | errors with SQLSTATE: the one map |

pub mod bind;
pub mod catalog_views;
pub mod checks;
pub mod copy;
pub mod dependency;
pub mod error;
pub mod eval;
pub mod exec;
pub mod expr;
pub mod functions;
pub mod parse;
pub mod plan;
pub mod regex;
pub mod session;
pub mod statement;
pub mod statistics;
pub mod sync_control;
pub mod types;

pub use error::{Result, SqlError, SqlState};
pub use session::{Engine, Session};
pub use sync_control::SyncControl;
