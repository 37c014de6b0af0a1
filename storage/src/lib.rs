//! The store: values, catalog, transactions and the change feed.
//!
//! ```text
//!  SQL transaction          commit                       base
//!  overlay (versions) ───► sequencer ────────────────► redb, one commit for all that wait
//!       ▲ read                  │ publishes
//!  Snapshot = ReadView ◄────────┘
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`value`], [`row`], [`key`], [`codec`] | values, how a row is stored, how a key sorts, the bytes of it all |
//! | [`catalog`] | tables, columns, indexes, constraints; persisted in the store itself |
//! | [`base`] | the only place that names redb |
//! | [`view`] | what readers see: [`Snapshot`] |
//! | `meta` | the singletons: format version, last commit, identity, counters |
//! | `overlay`, `merge_cursor` | what an open transaction has written, by command; walking it over a view |
//! | `lock` | relations, rows and unique keys: one lock manager, one wait graph |
//! | [`sequence`] | the numbers of sequences, which no transaction takes back |
//! | [`sequencer`] | the only place where a commit gets its sequence number |
//! | [`transaction`] | reading, writing, savepoints, commit |
//! | [`constraints`] | NOT NULL, CHECK, UNIQUE, foreign keys, for SQL and for merges alike |
//! | [`sync_row`] | states of a synced row, operations on it, the outbox, `sync_base`, the hub's feed |

pub mod base;
pub mod catalog;
pub mod codec;
pub mod constraints;
pub mod error;
pub mod ids;
pub mod key;
mod lock;
mod merge_cursor;
mod meta;
mod overlay;
pub mod row;
pub mod sequence;
pub mod sequencer;
pub mod statistics;
pub mod store;
pub mod sync_row;
pub mod transaction;
pub mod value;
pub mod view;

pub use catalog::Catalog;
pub use error::{ConstraintKind, Error, Result, Violation};
pub use ids::{ColumnId, CommitSeq, LocalSeq, Oid, RelationId, SchemaVersion, ServerSeq, SyncTableId, TxnId};
pub use key::RowKey;
pub use lock::{AdvisoryKey, AdvisoryLocks, ListedLock, LockedThing, PartyId, WaitHook};
pub use meta::OutboxCounts;
pub use row::{Row, RowMeta};
pub use store::{Store, StoreOptions};
pub use transaction::{ColumnChange, RowPatch, Transaction, WriteOrigin};
pub use value::{DataType, Value};
pub use view::Snapshot;
