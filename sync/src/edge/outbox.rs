//! The outbox: what is to be pushed, what the hub said to it, and what a person decides about dead letters.
//!
//! ```text
//!                    merged                    covered
//!  Pending ────────────────────► Acknowledged ─────────► retained for a while, then forgotten
//!    │ ▲  refused                     a pull shows it
//!    │ └──────────► Dead ──► discarded
//!    │    retried
//!    └─► SetAside (see `rebuild`)
//! ```
//!
//! `Outbox` holds what the installed rows do not cover; what they cover moves to `Retained`, in case the hub is set back.
//! Entries are changed under the lock for applying, so that nobody else changes them at the same time; committing a new
//! transaction only adds one.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use heliosdb_crdt::SiteId;
use heliosdb_storage::key::KeyRange;
use heliosdb_storage::sync_row::{Internal, OutboxEntry, OutboxState, keys};
use heliosdb_storage::{LocalSeq, ServerSeq, Snapshot, Store, Transaction, WriteOrigin};

use super::rebuild::Rebuild;
use crate::error::{Error, Result};
use crate::message::{MergeOutcome, PushedTxn};
use crate::orphans::Orphans;

/// Entries that are read at once.
const PAGE: usize = 256;

/// How much goes into one batch.
#[derive(Clone, Copy, Debug)]
pub struct BatchLimits {
    /// Transactions at most.
    pub max_txns: usize,
    /// Bytes at most (one transaction always fits).
    pub max_bytes: usize,
}

/// The next pending transactions after a position. What builds on a row that a dead letter inserted is not sent: it
/// becomes a dead letter too.
pub fn next_batch(store: &Arc<Store>, after: LocalSeq, limits: BatchLimits) -> Result<Vec<PushedTxn>> {
    let snapshot = store.snapshot();
    let mut orphans = dead_until(&snapshot, after)?;
    let mut followers = Vec::new();
    let batch = collect_batch(&snapshot, after, limits, &mut orphans, &mut followers)?;
    if !followers.is_empty() {
        record_outcomes(store, &followers)?;
    }
    Ok(batch)
}

fn collect_batch(
    snapshot: &Snapshot,
    after: LocalSeq,
    limits: BatchLimits,
    orphans: &mut Orphans,
    followers: &mut Vec<(LocalSeq, MergeOutcome)>,
) -> Result<Vec<PushedTxn>> {
    let mut batch = Vec::new();
    let mut bytes = 0;
    let mut start = Bound::Excluded(keys::outbox(after));
    loop {
        let range = KeyRange { start, end: Bound::Unbounded };
        let page = snapshot.internal_scan(Internal::Outbox, range, PAGE.min(limits.max_txns.max(1)))?;
        let Some((last, _)) = page.last() else { return Ok(batch) };
        start = Bound::Excluded(last.clone());
        for (_, value) in page {
            let state = OutboxEntry::decode_state(&value)?;
            if let OutboxState::Dead { .. } = state {
                orphans.add(&OutboxEntry::decode(&value)?.txn, state.is_visible())?;
            }
            if !state.is_unsent() {
                continue;
            }
            let entry = OutboxEntry::decode(&value)?;
            if let Some(reason) = orphans.reason_to_follow(&entry.txn, state.is_visible())? {
                followers.push((entry.txn.id.seq, MergeOutcome::Refused { reason }));
                orphans.add(&entry.txn, state.is_visible())?;
                continue;
            }
            bytes += value.len();
            if batch.len() >= limits.max_txns || (bytes > limits.max_bytes && !batch.is_empty()) {
                return Ok(batch);
            }
            orphans.remove(&entry.txn)?;
            batch.push(PushedTxn { record: entry.txn, digest: entry.digest });
        }
    }
}

/// What the dead letters up to a position inserted.
fn dead_until(snapshot: &Snapshot, last: LocalSeq) -> Result<Orphans> {
    let mut orphans = Orphans::default();
    let mut left = snapshot.outbox_counts().dead;
    let (mut start, end) = (Bound::Unbounded, Bound::Included(keys::outbox(last)));
    while left > 0 {
        let page = snapshot.internal_scan(Internal::Outbox, KeyRange { start, end: end.clone() }, PAGE)?;
        let Some((key, _)) = page.last() else { break };
        start = Bound::Excluded(key.clone());
        for (_, value) in page {
            let state = OutboxEntry::decode_state(&value)?;
            if let OutboxState::Dead { .. } = state {
                orphans.add(&OutboxEntry::decode(&value)?.txn, state.is_visible())?;
                left = left.saturating_sub(1);
            }
        }
    }
    Ok(orphans)
}

/// Records what the hub did. Rows do not change by it: only a pull shows what was merged. Merged stays merged, whatever a
/// late answer says.
pub fn record_outcomes(store: &Arc<Store>, outcomes: &[(LocalSeq, MergeOutcome)]) -> Result<()> {
    let mut txn = begin(store)?;
    for (seq, outcome) in outcomes {
        let Some(mut entry) = get(&txn, *seq)? else { continue };
        entry.state = match (outcome, &entry.state) {
            (_, state) if state.is_acknowledged() => continue,
            (MergeOutcome::Merged, state) => state.acknowledged(),
            (MergeOutcome::Refused { reason }, state) if state.is_unsent() => {
                tracing::warn!(seq = seq.0, reason, "a transaction was refused: it is in sync.dead_letters");
                OutboxState::Dead {
                    reason: reason.clone(),
                    failed_at_millis: txn.started_at_millis(),
                    was_set_aside: !state.is_visible(),
                }
            }
            // Forks are settled by a new life.
            _ => continue,
        };
        put(&mut txn, &entry)?;
    }
    txn.commit()?;
    Ok(())
}

/// Gives up a dead letter: its changes vanish from the rows here. False if there is no such dead letter.
pub fn discard_dead_letter(store: &Arc<Store>, seq: LocalSeq) -> Result<bool> {
    let mut txn = begin(store)?;
    let Some(entry) = get(&txn, seq)?.filter(is_dead) else { return Ok(false) };
    let mut rebuild = Rebuild::new(&mut txn);
    rebuild.remove_pending(&entry)?;
    rebuild.run()?;
    txn.internal_delete(Internal::Outbox, &keys::outbox(seq))?;
    txn.commit()?;
    Ok(true)
}

/// Sends a dead letter again. False if there is no such dead letter. The caller looks at the outbox again from there.
pub fn retry_dead_letter(store: &Arc<Store>, seq: LocalSeq) -> Result<bool> {
    let mut txn = begin(store)?;
    let Some(mut entry) = get(&txn, seq)?.filter(is_dead) else { return Ok(false) };
    entry.state = entry.state.unsent();
    put(&mut txn, &entry)?;
    txn.commit()?;
    Ok(true)
}

/// Starts a new incarnation: the forked entries get ids of the new site, and local sequences go on after `beyond`.
pub fn begin_new_life(store: &Arc<Store>, site: SiteId, forked: &[LocalSeq], beyond: LocalSeq) -> Result<()> {
    let mut txn = begin(store)?;
    for seq in forked {
        let Some(mut entry) = get(&txn, *seq)? else { continue };
        entry.txn.id.site = site;
        entry.digest = entry.txn.digest()?;
        if entry.state.is_acknowledged() {
            // What was acknowledged was the other transaction of that id.
            entry.state = entry.state.unsent();
        }
        put(&mut txn, &entry)?;
    }
    let mut identity = store.identity();
    identity.site = site.0;
    txn.set_identity(identity)?;
    txn.skip_local_seq_to(beyond);
    txn.commit()?;
    Ok(())
}

/// Follows a hub that began a new epoch: the cursor starts at 0, so that the next pull is a full one. That pull offers
/// again what was kept here and the hub has lost (see [`super::apply::apply_pull`]).
pub fn begin_new_epoch(store: &Arc<Store>, epoch: u64) -> Result<()> {
    let mut txn = begin(store)?;
    let mut identity = store.identity();
    if epoch < identity.cursor.epoch {
        let known = identity.cursor.epoch;
        return Err(Error::protocol(format!("the cloud is at epoch {epoch}, but it was at {known} before")));
    }
    if epoch > identity.cursor.epoch {
        identity.cursor = ServerSeq { epoch, n: 0 };
        txn.set_identity(identity)?;
        txn.commit()?;
    }
    Ok(())
}

/// Forgets covered transactions that were covered before a time; returns how many. To be called now and then.
pub fn forget_covered(store: &Arc<Store>, before_millis: u64) -> Result<usize> {
    let mut txn = begin(store)?;
    let mut forgotten = 0;
    let mut start = Bound::Unbounded;
    'pages: loop {
        let page = txn.internal_scan(Internal::Retained, KeyRange { start, end: Bound::Unbounded }, PAGE)?;
        let Some((last, _)) = page.last() else { break };
        start = Bound::Excluded(last.clone());
        for (key, value) in page {
            match OutboxEntry::decode_state(&value)? {
                OutboxState::Covered { covered_at_millis } if covered_at_millis >= before_millis => break 'pages,
                _ => txn.internal_delete(Internal::Retained, &key)?,
            }
            forgotten += 1;
        }
    }
    txn.commit()?;
    Ok(forgotten)
}

fn is_dead(entry: &OutboxEntry) -> bool {
    matches!(entry.state, OutboxState::Dead { .. })
}

/// Starts a transaction that changes what sync keeps.
pub(super) fn begin(store: &Arc<Store>) -> Result<Transaction> {
    let mut txn = store.begin(WriteOrigin::Pull);
    txn.lock_apply()?;
    txn.begin_statement()?;
    Ok(txn)
}

/// An entry by its position.
pub(super) fn get(txn: &Transaction, seq: LocalSeq) -> Result<Option<OutboxEntry>> {
    let value = txn.internal_get(Internal::Outbox, &keys::outbox(seq))?;
    Ok(value.as_deref().map(OutboxEntry::decode).transpose()?)
}

/// Writes an entry under its position.
pub(super) fn put(txn: &mut Transaction, entry: &OutboxEntry) -> Result<()> {
    let value = Bytes::from(entry.encode()?);
    Ok(txn.internal_put(Internal::Outbox, &keys::outbox(entry.txn.id.seq), value)?)
}

/// Calls the function on the values of `Outbox` or `Retained` up to a position, in order.
pub(super) fn for_each(
    txn: &mut Transaction,
    relation: Internal,
    last: LocalSeq,
    mut f: impl FnMut(&mut Transaction, Bytes) -> Result<()>,
) -> Result<()> {
    let mut start = Bound::Unbounded;
    let end = Bound::Included(keys::outbox(last));
    loop {
        let page = txn.internal_scan(relation, KeyRange { start, end: end.clone() }, PAGE)?;
        let Some((key, _)) = page.last() else { return Ok(()) };
        start = Bound::Excluded(key.clone());
        for (_, value) in page {
            f(txn, value)?;
        }
    }
}
