//! The PostgreSQL wire protocol, versions 3.0 and 3.2: the only place that names pgwire.
//!
//! ```text
//!  TCP, control.sock ─► listener ─► startup (SSLRequest, cancel, user, database, SCRAM)
//!                                      │
//!                                 connection: one loop per client
//!                                   frame ─► frontend ─► simple | extended | copy ─► heliosdb_sql::Session
//!                                                                  │
//!                                   one buffer ◄─ rows, error ◄────┘   written when the client waits for it
//! ```
//!
//! pgwire gives the messages the server sends, their codec, the protocol's versions and constants, and SCRAM. What
//! clients send is decoded in `frontend`, because pgwire's decoders trust the lengths inside a message: one that claims
//! more than it holds reads into its successor, or panics.
//!
//! Statements run on the task's own thread: those that only look rows up by key at once, all others inside
//! [`tokio::task::block_in_place`], because they may wait for the disk. Waits for locks are inside it either way (see
//! [`Store::around_lock_waits`](heliosdb_storage::Store::around_lock_waits)).

mod auth;
mod cancel;
mod connection;
mod copy;
mod error;
mod extended;
mod frontend;
mod listener;
mod rows;
mod simple;
mod startup;
mod wire;

pub use auth::Password;
pub use listener::{PgServer, PgServerOptions};
