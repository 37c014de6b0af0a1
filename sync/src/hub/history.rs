//! What a hub remembers of the transactions it merged: for WELCOME and for settling forks.

use std::sync::Arc;

use heliosdb_crdt::SiteId;
use heliosdb_storage::sync_row::{Internal, TxnDigest, keys};
use heliosdb_storage::{LocalSeq, Snapshot, Store, TxnId};

use super::{alias, merged_set};
use crate::error::{Error, Result};
use crate::message::MergedHead;

/// The newest merged transaction of each site, of those sites that have any.
pub fn merged_heads(store: &Arc<Store>, sites: &[SiteId]) -> Result<Vec<MergedHead>> {
    let snapshot = store.snapshot();
    let mut heads = Vec::new();
    for &site in sites {
        let Some(newest) = merged_set::read(&snapshot, site)?.max() else { continue };
        let id = TxnId { site, seq: LocalSeq(newest) };
        let digest =
            merged_digest(&snapshot, id)?.ok_or_else(|| damaged("the newest merged transaction is missing"))?;
        heads.push(MergedHead { id, digest });
    }
    Ok(heads)
}

/// Which of the transactions were merged as they are, and which ids stand for something else here.
pub fn compare(store: &Arc<Store>, known: &[(TxnId, TxnDigest)]) -> Result<(Vec<TxnId>, Vec<TxnId>)> {
    let snapshot = store.snapshot();
    let (mut merged, mut forked) = (Vec::new(), Vec::new());
    for &(id, digest) in known {
        match merged_digest(&snapshot, id)? {
            Some(found) if found == digest => merged.push(id),
            // Merged under the id that it got when that was found out before.
            Some(_) if alias::is_noted((id, digest), |relation, key| snapshot.internal_get(relation, key))? => {
                merged.push(id);
            }
            Some(_) => forked.push(id),
            None => {}
        }
    }
    Ok((merged, forked))
}

fn merged_digest(snapshot: &Snapshot, id: TxnId) -> Result<Option<TxnDigest>> {
    let found = snapshot.internal_get(Internal::Merged, &keys::merged(id))?;
    let digest = found.map(|value| value.as_ref().try_into().map_err(|_| damaged("a digest has the wrong length")));
    Ok(digest.transpose()?.map(TxnDigest))
}

fn damaged(what: &str) -> Error {
    heliosdb_storage::Error::corrupt("merged transactions", what).into()
}
