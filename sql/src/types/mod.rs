//! Types: their names, text and binary forms, and casts between them.
//!
//! | module | what |
//! |---|---|
//! | [`names`] | names, modifiers and oids |
//! | [`input`] | text to value: PostgreSQL's input functions |
//! | [`output`] | value to text: its output functions |
//! | [`binary`] | the wire's binary forms |
//! | [`cast`] | which type can become which, and how |
//! | [`context`] | zone, styles and named types: what text forms depend on |
//! | [`numeric`], [`float`], [`datetime`], [`interval`], [`bytea`], [`json`], [`mod@array`], [`record`], [`reg`] | what those types need in more than one of the above |
//! | [`style`] | the session's choices of text forms |
//! | [`category`] | which types are alike
//! | [`typmod`] | `varchar(n)`, `numeric(p, s)`, `timestamptz(p)` |

pub mod array;
pub mod binary;
pub mod bytea;
pub mod cast;
pub mod category;
pub mod context;
pub mod datetime;
pub mod float;
pub mod input;
pub mod interval;
pub mod json;
pub mod names;
pub mod numeric;
pub mod output;
pub mod record;
pub mod reg;
pub mod style;
pub mod to_json;
pub mod typmod;

pub use binary::{decode_binary, encode_binary};
pub use context::ValueContext;
pub use datetime::time_zone;
pub use input::parse_text;
pub use names::{by_name, name};
pub use output::{format_text, to_text};

/// The longest value that a function may make or a client may send, in bytes. PostgreSQL's bound is 1 GB; a device
/// at the edge is better served by an error long before.
pub const MAX_VALUE_BYTES: usize = 64 * 1024 * 1024;

#[cfg(test)]
pub(crate) mod tests;
