//! Merging what an edge pushed.
//!
//! A batch is one transaction of the store, and so one fsync (more if it is too large for one); each pushed transaction is
//! a savepoint in it, taken whole or refused whole. One merge runs at a time: whether an id was merged before must not change while it is being merged.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use heliosdb_crdt::{Hlc, IntervalSet, SiteId, Stamp};
use heliosdb_storage::catalog::TableDef;
use heliosdb_storage::sync_row::{Applied, Internal, OpKind, Role, RowOp, TxnDigest, TxnRecord, apply, keys};
use heliosdb_storage::transaction::Savepoint;
use heliosdb_storage::{
    ConstraintKind, Error as StorageError, RowKey, Store, SyncTableId, Transaction, TxnId, WriteOrigin,
};

use super::{alias, merged_set};
use crate::error::{Error, Result};
use crate::message::{MergeOutcome, PushedTxn};
use crate::orphans::Orphans;

/// Key in `SyncState`: the largest stamp that was given in place of one too far ahead.
const LAST_RESTAMP: &[u8] = b"last_restamp";

/// How long after the beginning of an epoch other nodes may still offer again what the hub has lost: what they keep is kept
/// for `sync.retain_acked`, 7 days.
const LOSS_IS_FINAL_AFTER: Duration = Duration::from_secs(7 * 24 * 3600);

/// How many lives a row may be ahead of what the hub knows of it. An edge that inserts a key again and again before it is
/// heard is ahead a little; one that is ahead without end would use up the lives, so that nobody could insert the key again.
const MAX_LIVES_AHEAD: u32 = 1 << 16;

/// How a hub merges.
#[derive(Clone, Copy, Debug)]
pub struct MergeOptions {
    /// A transaction further ahead than this is stamped anew.
    pub max_clock_skew: Duration,
}

/// Merges transactions that one node pushed; one outcome for each, up to the first that is forked: what follows that one
/// may depend on it. All that is told to be merged is durable.
pub fn merge_push(store: &Arc<Store>, pushed: Vec<PushedTxn>, options: &MergeOptions) -> Result<Vec<MergeOutcome>> {
    if store.identity().role != Role::Hub {
        return Err(Error::wrong_state("this node is not a cloud", "Start it with role = \"cloud\"."));
    }
    let mut outcomes = Vec::with_capacity(pushed.len());
    let mut unmerged = Unmerged::default();
    let mut rest = pushed.as_slice();
    while !rest.is_empty() && outcomes.last() != Some(&MergeOutcome::Forked) {
        let mut merge = Merge::begin(store, options, std::mem::take(&mut unmerged))?;
        let done = merge.merge_some(rest)?;
        rest = rest.get(done.len()..).unwrap_or_default();
        outcomes.extend(done);
        unmerged = merge.commit()?;
    }
    Ok(outcomes)
}

/// What the transactions of a batch inserted that were not merged: for good, or not yet.
#[derive(Default)]
struct Unmerged {
    refused: Orphans,
    missing: Orphans,
}

/// Why a transaction is not merged: for good, with the reason; not yet; or because something else failed.
enum Failure {
    Refused(String),
    Missing,
    /// The store takes no more in one transaction, or takes this never.
    TooLarge(String),
    Other(Error),
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Constraint(violation) => {
                let detail = violation.detail.as_deref().map(|detail| format!(" ({detail})")).unwrap_or_default();
                Self::Refused(format!("{violation}{detail}"))
            }
            StorageError::Evaluation(error) => Self::Refused(error.to_string()),
            StorageError::LimitExceeded(why) => Self::TooLarge(why),
            error => Self::Other(error.into()),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Storage(error) => error.into(),
            error => Self::Other(error),
        }
    }
}

/// A merge under way.
struct Merge {
    txn: Transaction,
    tables: BTreeMap<SyncTableId, Arc<TableDef>>,
    /// The sets of merged sequences that have changed.
    merged: BTreeMap<SiteId, IntervalSet>,
    epoch: u64,
    /// Stamps beyond this are too far ahead.
    latest_allowed: Hlc,
    last_restamp: Option<Hlc>,
    unmerged: Unmerged,
}

impl Merge {
    fn begin(store: &Arc<Store>, options: &MergeOptions, unmerged: Unmerged) -> Result<Self> {
        let mut txn = store.begin(WriteOrigin::Merge);
        txn.lock_apply()?;
        txn.begin_statement()?;
        let skew = u64::try_from(options.max_clock_skew.as_millis()).unwrap_or(u64::MAX);
        let latest_allowed = Hlc::from_millis(txn.started_at_millis().saturating_add(skew));
        let epoch = store.identity().cursor.epoch;
        let (tables, merged) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self { txn, tables, merged, epoch, latest_allowed, last_restamp: None, unmerged })
    }

    /// Locks all rows of a batch at once, so that no client of this hub runs into a deadlock with it.
    fn lock_rows(&mut self, pushed: &[PushedTxn]) -> Result<()> {
        let mut rows = Vec::new();
        for op in pushed.iter().flat_map(|txn| &txn.record.ops) {
            // What has no table or no proper key is refused when its turn comes.
            if let (Ok(table), Ok(key)) = (self.table(op.table), RowKey::of_values(&op.key)) {
                rows.push((table, key));
            }
        }
        Ok(self.txn.lock_rows(rows.iter().map(|(table, key)| (&**table, key)))?)
    }

    /// Merges the first transactions: all, or as many as one transaction of the store takes, or up to a fork.
    fn merge_some(&mut self, pushed: &[PushedTxn]) -> Result<Vec<MergeOutcome>> {
        self.lock_rows(pushed)?;
        let mut outcomes = Vec::with_capacity(pushed.len());
        for txn in pushed {
            let Some(outcome) = self.merge_one(txn, outcomes.is_empty())? else { break };
            let is_forked = outcome == MergeOutcome::Forked;
            outcomes.push(outcome);
            if is_forked {
                break;
            }
        }
        Ok(outcomes)
    }

    /// None if the transaction has to wait for another transaction of the store, which it has not if it is the first.
    fn merge_one(&mut self, pushed: &PushedTxn, is_first: bool) -> Result<Option<MergeOutcome>> {
        if let Some(known) = self.known_outcome(pushed)? {
            return Ok(Some(known));
        }
        let savepoint = self.txn.savepoint();
        let record = &pushed.record;
        let first = alias::first_name(record)?;
        let merged = self.take(record, savepoint).and_then(|()| Ok(self.note_merged(pushed, first)?));
        let failure = match merged {
            Ok(outcome) => {
                self.unmerged.refused.remove(record)?;
                self.unmerged.missing.remove(record)?;
                return Ok(Some(outcome));
            }
            Err(failure) => failure,
        };
        self.txn.rollback_to(savepoint);
        match failure {
            Failure::TooLarge(_) if !is_first => Ok(None),
            Failure::Refused(reason) | Failure::TooLarge(reason) => {
                tracing::warn!(site = record.id.site.0, seq = record.id.seq.0, reason, "a transaction was refused");
                self.unmerged.refused.add(record, true)?;
                Ok(Some(MergeOutcome::Refused { reason }))
            }
            Failure::Missing => {
                self.unmerged.missing.add(record, true)?;
                Ok(Some(MergeOutcome::Missing))
            }
            Failure::Other(error) => Err(error),
        }
    }

    /// What is to be said to a transaction that was merged before, or whose id was.
    fn known_outcome(&mut self, pushed: &PushedTxn) -> Result<Option<MergeOutcome>> {
        let record = &pushed.record;
        let first = alias::first_name(record)?;
        let is_alias_noted = alias::is_noted(first, |relation, key| self.txn.internal_get(relation, key))?;
        match self.known_digest(record.id)? {
            Some(digest) if digest == pushed.digest => Ok(Some(MergeOutcome::Merged)),
            // Merged before, under the id it got because of what is merged under this one.
            Some(_) if is_alias_noted && first.0 == record.id => Ok(Some(MergeOutcome::Merged)),
            Some(_) => Ok(Some(MergeOutcome::Forked)),
            // Merged before, under another id: this one stands for the same, and has no effect of its own.
            None if is_alias_noted || self.known_digest(first.0)? == Some(first.1) => {
                self.note_merged(pushed, first).map(Some)
            }
            None => Ok(None),
        }
    }

    fn take(&mut self, record: &TxnRecord, savepoint: Savepoint) -> Result<(), Failure> {
        if let Some(reason) = self.unmerged.refused.reason_to_follow(record, true)? {
            return Err(Failure::Refused(reason));
        }
        if self.unmerged.missing.needed_by(record, true)?.is_some() {
            return Err(Failure::Missing);
        }
        let stamp = self.stamp(record)?;
        self.apply_all(record, stamp)?;
        match self.txn.check_merged_rows(savepoint) {
            Err(StorageError::Constraint(violation))
                if violation.kind == ConstraintKind::ForeignKey && self.may_be_lost(record) =>
            {
                Err(Failure::Missing)
            }
            judged => Ok(judged?),
        }
    }

    fn known_digest(&self, id: TxnId) -> Result<Option<TxnDigest>> {
        let Some(value) = self.txn.internal_get(Internal::Merged, &keys::merged(id))? else { return Ok(None) };
        let digest = value.as_ref().try_into();
        let digest =
            digest.map_err(|_| StorageError::corrupt("merged transactions", "a digest has the wrong length"))?;
        Ok(Some(TxnDigest(digest)))
    }

    /// Remembers that a transaction is merged, whose first name is given.
    fn note_merged(&mut self, pushed: &PushedTxn, first: (TxnId, TxnDigest)) -> Result<MergeOutcome> {
        let id = pushed.record.id;
        let digest = Bytes::copy_from_slice(&pushed.digest.0);
        self.txn.internal_put(Internal::Merged, &keys::merged(id), digest)?;
        if first.0 != id {
            alias::note(&mut self.txn, first)?;
        }
        if !self.merged.contains_key(&id.site) {
            let key = merged_set::key(id.site);
            let value = self.txn.internal_get(Internal::SyncState, &key)?;
            let set = value.as_deref().map(merged_set::decode).transpose()?.unwrap_or_default();
            self.merged.insert(id.site, set);
        }
        if let Some(set) = self.merged.get_mut(&id.site) {
            set.insert(id.seq.0);
        }
        Ok(MergeOutcome::Merged)
    }

    /// The stamp of what a transaction wrote: its own, unless its clock is too far ahead. Stamps given in place keep the
    /// order of those they replace, because each is above all given before and none is above the one it replaces.
    fn stamp(&mut self, record: &TxnRecord) -> Result<Stamp> {
        let own = record.stamp();
        if own.hlc <= self.latest_allowed {
            return Ok(own);
        }
        let last = match self.last_restamp {
            Some(last) => last,
            None => {
                let value = self.txn.internal_get(Internal::SyncState, LAST_RESTAMP)?;
                let bytes = value.as_deref().and_then(|value| value.try_into().ok()).unwrap_or_default();
                Hlc(u64::from_be_bytes(bytes))
            }
        };
        let hlc = self.latest_allowed.max(last.next()).min(own.hlc);
        self.last_restamp = Some(last.max(hlc));
        Ok(Stamp { hlc, ..own })
    }

    fn apply_all(&mut self, record: &TxnRecord, stamp: Stamp) -> Result<(), Failure> {
        let mut rows = Vec::with_capacity(record.ops.len());
        let mut seen = HashSet::with_capacity(record.ops.len());
        for op in &record.ops {
            let table = self.table(op.table)?;
            judge_key(&table, op)?;
            let key = RowKey::of_values(&op.key)?;
            if !seen.insert((op.table, key.clone())) {
                return Err(refused(&table, "it changes a row more than once"));
            }
            rows.push((table, key, op));
        }
        for (table, key, op) in rows {
            match self.apply_one(&table, &key, op, stamp)? {
                Applied::UnknownLife if self.may_be_lost(record) => return Err(Failure::Missing),
                Applied::UnknownLife => {
                    return Err(refused(&table, "it depends on a transaction that was not merged"));
                }
                Applied::Rejected => {
                    let why = "a counter would be out of range or shrink, or a value is of the wrong type";
                    return Err(refused(&table, why));
                }
                Applied::Changed | Applied::Superseded => {}
            }
        }
        Ok(())
    }

    /// Whether the writer saw a history that this hub has lost, parts of which others may offer again.
    fn may_be_lost(&self, record: &TxnRecord) -> bool {
        let final_at = self.epoch.saturating_add(u64::try_from(LOSS_IS_FINAL_AFTER.as_millis()).unwrap_or(u64::MAX));
        // An edge that has heard of the new epoch, but has not installed its rows yet, is at its start.
        let is_of_older_epoch = record.cursor.epoch < self.epoch || record.cursor.n == 0;
        is_of_older_epoch && self.txn.started_at_millis() < final_at
    }

    fn apply_one(&mut self, table: &Arc<TableDef>, key: &RowKey, op: &RowOp, stamp: Stamp) -> Result<Applied, Failure> {
        let mut state = self.txn.row_state(table, key)?;
        if matches!(op.kind, OpKind::Insert(_)) && op.life.saturating_sub(state.life()) > MAX_LIVES_AHEAD {
            return Err(refused(table, "a new row claims a life that is too far ahead"));
        }
        let applied = apply(table, &mut state, op.life, &op.kind, stamp);
        if applied == Applied::Changed {
            if let Some(row) = state.row()
                && RowKey::of_row(table, row)? != *key
            {
                return Err(refused(table, "the values of a new row contradict its key"));
            }
            self.txn.put_row_state(table, key, state)?;
        }
        Ok(applied)
    }

    fn table(&mut self, id: SyncTableId) -> Result<Arc<TableDef>, Failure> {
        if let Some(table) = self.tables.get(&id) {
            return Ok(Arc::clone(table));
        }
        let table = self.txn.catalog().table_by_sync_id(id).filter(|table| table.is_synced()).cloned();
        let table = table.ok_or_else(|| Failure::Refused(format!("table {id} does not exist at the cloud")))?;
        self.tables.insert(id, Arc::clone(&table));
        Ok(table)
    }

    fn commit(mut self) -> Result<Unmerged> {
        for (site, set) in &self.merged {
            self.txn.internal_put(Internal::SyncState, &merged_set::key(*site), merged_set::encode(set).into())?;
        }
        if let Some(last) = self.last_restamp {
            let value = Bytes::copy_from_slice(&last.0.to_be_bytes());
            self.txn.internal_put(Internal::SyncState, LAST_RESTAMP, value)?;
        }
        self.txn.commit()?;
        Ok(self.unmerged)
    }
}

fn refused(table: &TableDef, why: &str) -> Failure {
    Failure::Refused(format!("table \"{}\": {why}", table.name))
}

/// The key of a row comes from outside: it must be one that the table could have.
fn judge_key(table: &TableDef, op: &RowOp) -> Result<(), Failure> {
    let fits = |(slot, value): (&usize, &heliosdb_storage::Value)| {
        let column = table.columns.get(*slot);
        !value.is_null() && column.is_some_and(|column| value.fits(column.column_type.data_type))
    };
    let has_key = op.key.len() == table.primary_key.len() && table.primary_key.iter().zip(&op.key).all(fits);
    if has_key { Ok(()) } else { Err(refused(table, "a row has a key that the table does not have")) }
}
