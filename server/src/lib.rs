//! HeliosDB Edge: a PostgreSQL server with its own store that keeps working offline and syncs every transaction exactly
//! once.
//!
//! | module | what |
//! |---|---|
//! | [`config`] | the configuration: one table of keys, three layers |
//! | [`node`] | a node: store, engine, sync and listeners wired together |
//! | [`folder`] | the data folder: whose it is, its control socket |
//! | [`pg`] | the PostgreSQL wire protocol; the only place that names pgwire |
//! | [`sync_adapter`] | what SQL asks of sync |
//! | [`enroll`] | making a stopped node an edge of a cloud |
//! | [`shutdown`] | how a node's parts learn that it stops |
//!
//! ```no_run
//! use heliosdb_edge::{Config, Node};
//!
//! # async fn run() -> Result<(), heliosdb_edge::NodeError> {
//! let node = Node::start(Config { data_dir: "register-3".into(), ..Config::default() }).await?;
//! println!("psql -h 127.0.0.1 -p {} -U helios", node.pg_address().port());
//! node.shutdown().await;
//! # Ok(())
//! # }
//! ```

pub mod config;
pub mod enroll;
pub mod folder;
pub mod node;
pub mod pg;
pub mod shutdown;
pub mod sync_adapter;

pub use config::Config;
pub use node::{Node, NodeError};
