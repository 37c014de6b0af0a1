//! Making a stopped node an edge of a cloud.

use heliosdb_storage::Error as StorageError;
use heliosdb_storage::sync_row::Role;
use heliosdb_sync::edge::enrolment;

use crate::config::{Config, ConfigError, Mode};
use crate::node::{NodeError, open_store};
use crate::sync_adapter::edge_options;

/// What came of an enrolment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Enrolled {
    /// The node's name.
    pub node_id: String,
    /// Whether it was enrolled before; then nothing has happened.
    pub already: bool,
}

/// Enrols the node of the configured data folder with `sync.cloud_endpoint` by `sync.token`. The node must be stopped.
pub async fn enroll(config: &Config) -> Result<Enrolled, NodeError> {
    if config.mode != Mode::Edge {
        return Err(NodeError::Config(ConfigError("mode: only an edge can enrol".to_owned())));
    }
    let opened = tokio::task::block_in_place(|| open_store(config));
    let (store, file) = opened.map_err(|error| match error {
        NodeError::Store(StorageError::InUse(_)) => NodeError::Folder {
            path: config.data_dir.clone(),
            what: "a node is running on it; stop it first, or start it with sync.cloud_endpoint and sync.token set, \
                   and it enrols by itself"
                .to_owned(),
        },
        error => error,
    })?;
    let already = store.identity().role == Role::Edge;
    let enrolled = enrolment::enroll(&store, &edge_options(config, &file.node_id)?).await;
    tokio::task::block_in_place(|| drop(store));
    enrolled?;
    Ok(Enrolled { node_id: file.node_id, already })
}
