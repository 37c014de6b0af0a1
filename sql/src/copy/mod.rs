//! COPY: its options and its formats. The session runs it (`session::copy_in`, `session::copy_out`).
//!
//! ```text
//!  bytes of the client ─► lines ─► fields ─┐
//!                      └► tuples ──────────┴─► values ─► rows of the table       COPY FROM
//!  rows of a query ─► text, CSV or binary ─► bytes for the client                COPY TO
//! ```
//!
//! Both directions go piece by piece: nothing is held but one line, or one batch of rows.
//!
//! | module | what |
//! |---|---|
//! | [`statement`] | COPY as it is written |
//! | [`options`] | what its options come to |
//! | [`lines`], [`fields`] | reading text and CSV |
//! | [`text`] | writing text and CSV |
//! | [`tuples`] | reading and writing the binary format |

pub mod fields;
pub mod lines;
pub mod options;
pub mod statement;
pub mod text;
pub mod tuples;

pub use options::{CopyFormat, CopyOptions, Header};
pub use statement::CopyStatement;
