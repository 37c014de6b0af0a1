//! Settling, after WELCOME, where edge and hub contradict each other.
//!
//! Three things can have happened while the two did not talk:
//! - An acknowledgement was lost: the hub has what is still pending here. It is recorded, not sent again.
//! - This store is a copy of one that lives on, or was set back to one: the hub has something else under an id of ours, or
//!   more than we ever committed. The node begins a new life; only what the hub calls FORKED gets a new id, because all
//!   else may be on its way from the other copy under the id it has.
//! - A copy is at work at this moment: the two keep taking each other's place at the hub, without either committing
//!   anything. The node begins a new life.
//! - The hub was set back: it has a new epoch. What was retained here is offered again, and all rows come anew.

use std::collections::HashSet;
use std::ops::Bound;
use std::sync::Arc;

use heliosdb_crdt::{IntervalSet, SiteId};
use heliosdb_storage::key::KeyRange;
use heliosdb_storage::sync_row::{Internal, OutboxEntry, TxnDigest, keys};
use heliosdb_storage::{LocalSeq, Store, TxnId};

use super::enrolment::blocking;
use super::outbox;
use super::worker::Worker;
use crate::error::{Error, Result};
use crate::link::Link;
use crate::message::{MergeOutcome, MergedHead, Message, Welcome};

/// Ids in one RECONCILE.
const CHUNK: usize = 2000;
/// Entries of the outbox that are read at once.
const PAGE: usize = 256;

/// What to do after reconciling.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Settled {
    /// Push and pull.
    GoOn,
    /// Say HELLO again: the node has a new life.
    Reconnect,
}

/// Settles what there is to settle.
pub(super) async fn settle(worker: &mut Worker, link: &mut Link, welcome: &Welcome) -> Result<Settled> {
    let store = Arc::clone(&worker.store);
    follow_epoch(&store, link, welcome).await?;
    let (at, heads) = (Arc::clone(&store), welcome.merged.clone());
    let known = link.drive(blocking(move || open_up_to(&at, &heads))).await?;
    let mut forked = Vec::new();
    for chunk in known.chunks(CHUNK) {
        let answer = ask(&store, link, chunk).await?;
        worker.confirmed.extend(answer.merged);
        forked.extend(answer.forked);
    }
    let own = store.identity().site_id();
    let committed = store.last_local_seq();
    let lost_tail = welcome.merged.iter().any(|head| head.id.site == own && head.id.seq > committed);
    let has_double = forked.iter().any(|id| id.site == own);
    // Forked ids of former lives only need the present site; nobody else commits under that.
    let needs_life = lost_tail || has_double || welcome.site_taken || worker.has_twin();
    if !needs_life && forked.is_empty() {
        return Ok(Settled::GoOn);
    }
    let site = if needs_life { new_site(link).await? } else { own };
    let beyond = welcome.merged.iter().map(|head| head.id.seq).max().unwrap_or_default();
    tracing::warn!(
        site = site.0,
        forked = forked.len(),
        "this node's store is a copy of one that went on elsewhere, or was set back: it begins a new life"
    );
    let forked: Vec<LocalSeq> = forked.into_iter().map(|id| id.seq).collect();
    link.drive(blocking(move || outbox::begin_new_life(&store, site, &forked, beyond))).await?;
    // What was acknowledged in the former life says nothing about the new one.
    worker.acknowledged = LocalSeq(0);
    worker.replacements = 0;
    Ok(Settled::Reconnect)
}

async fn follow_epoch(store: &Arc<Store>, link: &mut Link, welcome: &Welcome) -> Result<()> {
    let (known, epoch) = (store.identity().cursor.epoch, welcome.head.epoch);
    if epoch == known {
        return Ok(());
    }
    if epoch < known {
        return Err(Error::protocol(format!("the cloud is at epoch {epoch}, but it was at {known} before")));
    }
    tracing::warn!(epoch, "the cloud began a new epoch: what was kept here is offered again, and all rows come anew");
    let store = Arc::clone(store);
    link.drive(blocking(move || outbox::begin_new_epoch(&store, epoch))).await
}

/// What the hub said about some transactions.
struct Answer {
    merged: Vec<LocalSeq>,
    forked: Vec<TxnId>,
}

/// Asks about some transactions, and records those that the hub has.
async fn ask(store: &Arc<Store>, link: &mut Link, known: &[(TxnId, TxnDigest)]) -> Result<Answer> {
    link.send(&Message::Reconcile { known: known.to_vec() })?;
    let (merged, forked) = match next_answer(link).await? {
        Message::Reconciled { merged, forked } => (merged, forked),
        other => return Err(Error::protocol(format!("{} instead of RECONCILED", other.name()))),
    };
    let asked: HashSet<TxnId> = known.iter().map(|(id, _)| *id).collect();
    if merged.iter().chain(&forked).any(|id| !asked.contains(id)) {
        return Err(Error::protocol("RECONCILED names a transaction that was not asked about"));
    }
    let merged: Vec<LocalSeq> = merged.into_iter().map(|id| id.seq).collect();
    if !merged.is_empty() {
        let outcomes: Vec<_> = merged.iter().map(|&seq| (seq, MergeOutcome::Merged)).collect();
        let store = Arc::clone(store);
        link.drive(blocking(move || outbox::record_outcomes(&store, &outcomes))).await?;
    }
    Ok(Answer { merged, forked })
}

async fn new_site(link: &mut Link) -> Result<SiteId> {
    link.send(&Message::NewSite)?;
    match next_answer(link).await? {
        Message::NewSiteIs(site) => Ok(site),
        other => Err(Error::protocol(format!("{} instead of NEWSITEIS", other.name()))),
    }
}

/// The next message that is not a notification: the first pull makes up for those.
async fn next_answer(link: &mut Link) -> Result<Message> {
    loop {
        match link.next_soon().await?.message {
            Message::Notify(_) => {}
            Message::Refusal(refusal) => return Err(refusal.into()),
            other => return Ok(other),
        }
    }
}

/// The transactions without an acknowledgement that the hub may have: those up to the newest that it merged of their site.
fn open_up_to(store: &Arc<Store>, heads: &[MergedHead]) -> Result<Vec<(TxnId, TxnDigest)>> {
    let newest = |site: SiteId| heads.iter().find(|head| head.id.site == site).map(|head| head.id.seq);
    let Some(last) = heads.iter().map(|head| head.id.seq).max() else { return Ok(Vec::new()) };
    open_entries(store, last, |id| newest(id.site).is_some_and(|newest| id.seq <= newest))
}

/// The transactions without an acknowledgement among those that a CHECKPOINT covers. There should be none, because the
/// acknowledgement comes first: if there are, the hub may mean a transaction of another copy of this node, and the rows
/// must not be rebuilt without ours.
pub fn open_among(store: &Arc<Store>, covered: &[(SiteId, IntervalSet)]) -> Result<Vec<(TxnId, TxnDigest)>> {
    let Some(last) = covered.iter().filter_map(|(_, seqs)| seqs.max()).max() else { return Ok(Vec::new()) };
    open_entries(store, LocalSeq(last), |id| {
        covered.iter().any(|(site, seqs)| *site == id.site && seqs.contains(id.seq.0))
    })
}

/// The transactions up to a position that the hub has not acknowledged and that satisfy a condition, dead letters among
/// them.
fn open_entries(store: &Arc<Store>, last: LocalSeq, wanted: impl Fn(TxnId) -> bool) -> Result<Vec<(TxnId, TxnDigest)>> {
    let snapshot = store.snapshot();
    let mut found = Vec::new();
    let mut start = Bound::Unbounded;
    let end = Bound::Included(keys::outbox(last));
    loop {
        let page = snapshot.internal_scan(Internal::Outbox, KeyRange { start, end: end.clone() }, PAGE)?;
        let Some((newest, _)) = page.last() else { return Ok(found) };
        start = Bound::Excluded(newest.clone());
        for (_, value) in page {
            if OutboxEntry::decode_state(&value)?.is_acknowledged() {
                continue;
            }
            let entry = OutboxEntry::decode(&value)?;
            if wanted(entry.txn.id) {
                found.push((entry.txn.id, entry.digest));
            }
        }
    }
}
