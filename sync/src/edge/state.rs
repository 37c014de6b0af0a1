//! What the sync worker of an edge keeps in the store: its key, and whether it is paused.

use std::sync::Arc;

use heliosdb_storage::sync_row::Internal;
use heliosdb_storage::{Store, WriteOrigin};

use crate::enroll::{Secret, new_secret};
use crate::error::{Error, Result};

const NODE_KEY: &[u8] = b"node_key";
const PAUSED: &[u8] = b"paused";

/// The node's key: what it proves itself with. Made at the first call, and durable before it is shown to anybody.
pub fn node_key(store: &Arc<Store>) -> Result<Secret> {
    let mut txn = store.begin(WriteOrigin::Local);
    if let Some(key) = txn.internal_get(Internal::SyncState, NODE_KEY)? {
        return key.as_ref().try_into().map_err(|_| {
            Error::Storage(heliosdb_storage::Error::corrupt("the node's key", "it does not have 32 bytes"))
        });
    }
    let key = new_secret()?;
    txn.internal_put(Internal::SyncState, NODE_KEY, key.to_vec().into())?;
    txn.commit()?;
    Ok(key)
}

/// Whether an operator paused sync.
pub fn is_paused(store: &Arc<Store>) -> Result<bool> {
    let txn = store.begin(WriteOrigin::Local);
    Ok(txn.internal_get(Internal::SyncState, PAUSED)?.is_some())
}

/// Pauses sync, or ends the pause; survives restarts.
pub fn set_paused(store: &Arc<Store>, paused: bool) -> Result<()> {
    let mut txn = store.begin(WriteOrigin::Local);
    if paused {
        txn.internal_put(Internal::SyncState, PAUSED, vec![1].into())?;
    } else {
        txn.internal_delete(Internal::SyncState, PAUSED)?;
    }
    txn.commit()?;
    Ok(())
}
