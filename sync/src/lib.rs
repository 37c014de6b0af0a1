//! Sync between a hub and its edges: protocol, edge worker, hub.
//!
//! ```text
//!  edge                                              hub
//!  ┌────────┐ outbox   ┌─────────┐  one WebSocket  ┌────────────┐ merge  ┌────────┐
//!  │ Store  │ ───────► │ session │ ──────────────► │ connection │ ─────► │ Store  │
//!  │ H ⊕ P  │ ◄─────── │         │ ◄────────────── │            │ ◄───── │   H    │
//!  └────────┘ apply    └─────────┘                 └────────────┘ serve  └────────┘
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`message`] | what the two say to each other, and its bytes |
//! | [`transport`] | the only place that names HTTP and WebSockets |
//! | [`link`] | a connection that carries messages: frames, pings, the death of a silent line |
//! | [`enroll`] | tokens, and how a node becomes known to a hub |
//! | [`hub`] | merging what edges push, serving what they pull |
//! | [`edge`] | the outbox, the worker that pushes and pulls, H ⊕ P |
//! | [`control`] | what the rest of the program asks of sync |
//! | `orphans` | what follows a transaction that was refused |
//! | [`config`] | the options of both sides |

pub mod config;
pub mod control;
pub mod edge;
pub mod enroll;
pub mod error;
pub mod hub;
pub mod link;
pub mod message;
mod orphans;
pub mod transport;

pub use config::{HubOptions, Schedule, SyncOptions};
pub use control::SyncHandle;
pub use error::{Error, Result};
