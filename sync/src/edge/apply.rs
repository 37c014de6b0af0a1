//! Installing what an edge pulled: H, the cursor, what is covered, and the rows that follow from it, in one transaction.

use std::collections::HashMap;
use std::ops::Bound;
use std::sync::Arc;

use heliosdb_crdt::{IntervalSet, SiteId};
use heliosdb_storage::catalog::TableDef;
use heliosdb_storage::key::KeyRange;
use heliosdb_storage::sync_row::{Internal, OutboxEntry, OutboxState, RowState, keys};
use heliosdb_storage::transaction::Direction;
use heliosdb_storage::value::Value;
use heliosdb_storage::{LocalSeq, RowKey, ServerSeq, Snapshot, Store, TxnId};

use super::outbox;
use super::rebuild::Rebuild;
use crate::error::{Error, Result};
use crate::message::{Pull, PulledRow};

/// Entries of an internal relation that are read at once.
const PAGE: usize = 1000;

/// Installs a pull in one transaction. One that is older than what is installed changes nothing.
///
/// A full pull is all that the hub has: rows that are not in it are unknown there. What the hub had merged once, but does
/// not list as merged any more, it has lost; it becomes pending again.
pub fn apply_pull(store: &Arc<Store>, pull: Pull) -> Result<()> {
    let mut txn = outbox::begin(store)?;
    let mut identity = store.identity();
    if !is_news(identity.cursor, &pull)? {
        return Ok(());
    }
    if let Some(schema) = &pull.schema {
        txn.install_schema(schema)?;
    }
    let covered: HashMap<SiteId, IntervalSet> = pull.covered.into_iter().collect();
    let mut rebuild = Rebuild::new(&mut txn);
    for PulledRow { table, state } in pull.rows {
        let definition = rebuild.table(table);
        let definition = definition
            .ok_or_else(|| Error::protocol(format!("a row came of table {table}, which is not in the schema")))?;
        let (key, state) = sound_state(&definition, state)?;
        rebuild.set_base((table, key), state);
    }
    if pull.full {
        forget_unknown_rows(&store.snapshot(), &mut rebuild)?;
    }
    settle_outbox(&mut rebuild, &covered, pull.full)?;
    if pull.full {
        offer_again(&mut rebuild, &covered)?;
    }
    rebuild.run()?;
    identity.cursor = pull.to;
    txn.set_identity(identity)?;
    txn.commit()?;
    Ok(())
}

/// Whether a pull goes beyond what is installed.
fn is_news(installed: ServerSeq, pull: &Pull) -> Result<bool> {
    if pull.to.epoch > installed.epoch && !pull.full {
        return Err(Error::protocol("the cloud began a new epoch, but sent only what changed"));
    }
    Ok(pull.to > installed || (pull.to == installed && pull.full))
}

/// The key of a pulled row, and its state with one value for each column here; an error if it cannot be one of the table.
fn sound_state(table: &TableDef, mut state: RowState) -> Result<(RowKey, RowState)> {
    let wrong = |what: &str| Error::protocol(format!("a row came of table \"{}\" that {what}", table.name));
    let key = match &mut state {
        RowState::Absent => return Err(wrong("does not exist")),
        RowState::Alive { row, meta: _ } => {
            if row.len() > table.columns.len() {
                return Err(wrong("has too many columns"));
            }
            row.resize(table.columns.len(), Value::Null);
            if !table.columns.iter().zip(row.iter()).all(|(column, value)| value.fits(column.column_type.data_type)) {
                return Err(wrong("has a value of the wrong type"));
            }
            RowKey::of_row(table, row)?
        }
        RowState::Dead(tombstone) => {
            if tombstone.key.len() != table.primary_key.len() {
                return Err(wrong("has a key of the wrong length"));
            }
            RowKey::of_values(&tombstone.key)?
        }
    };
    Ok((key, state))
}

/// All rows known here that a full pull did not bring are unknown to the hub.
fn forget_unknown_rows(snapshot: &Snapshot, rebuild: &mut Rebuild<'_>) -> Result<()> {
    for table in snapshot.catalog().tables().filter(|table| table.is_synced()) {
        let Some(sync_id) = table.sync_id else { continue };
        for row in snapshot.scan(table, &KeyRange::ALL, Direction::Forward)? {
            rebuild.set_base_absent((sync_id, row?.0));
        }
    }
    for relation in [Internal::Tombstones, Internal::SyncBase] {
        let mut start = Bound::Unbounded;
        loop {
            let page = snapshot.internal_scan(relation, KeyRange { start, end: Bound::Unbounded }, PAGE)?;
            let Some((last, _)) = page.last() else { break };
            start = Bound::Excluded(last.clone());
            for (key, _) in page {
                rebuild.set_base_absent(keys::parse_row(&key)?);
            }
        }
    }
    Ok(())
}

/// What the pulled rows show is no part of P any more. After a full pull, what the hub had acknowledged but does not show
/// is pending again.
fn settle_outbox(rebuild: &mut Rebuild<'_>, covered: &HashMap<SiteId, IntervalSet>, full: bool) -> Result<()> {
    let mut settled = Vec::new();
    // Of a long queue only the beginning can be covered, and the rest need not be read.
    let newest = covered.values().filter_map(IntervalSet::max).max().unwrap_or(0);
    let last = LocalSeq(if full { u64::MAX } else { newest });
    outbox::for_each(rebuild.txn(), Internal::Outbox, last, |_, value| {
        let entry = OutboxEntry::decode(&value)?;
        if is_covered(entry.txn.id, covered) || (full && entry.state.is_acknowledged()) {
            settled.push(entry);
        }
        Ok(())
    })?;
    for mut entry in settled {
        let seq = entry.txn.id.seq;
        if is_covered(entry.txn.id, covered) {
            rebuild.remove_pending(&entry)?;
            let txn = rebuild.txn();
            entry.state = OutboxState::Covered { covered_at_millis: txn.started_at_millis() };
            txn.internal_delete(Internal::Outbox, &keys::outbox(seq))?;
            txn.internal_put(Internal::Retained, &keys::outbox(seq), entry.encode()?.into())?;
        } else {
            entry.state = entry.state.unsent();
            outbox::put(rebuild.txn(), &entry)?;
        }
    }
    Ok(())
}

/// What was covered once, but the hub does not list as merged, it has lost.
fn offer_again(rebuild: &mut Rebuild<'_>, covered: &HashMap<SiteId, IntervalSet>) -> Result<()> {
    let mut lost = Vec::new();
    outbox::for_each(rebuild.txn(), Internal::Retained, LocalSeq(u64::MAX), |_, value| {
        let entry = OutboxEntry::decode(&value)?;
        if !is_covered(entry.txn.id, covered) {
            lost.push(entry);
        }
        Ok(())
    })?;
    for mut entry in lost {
        entry.state = OutboxState::Pending;
        let txn = rebuild.txn();
        txn.internal_delete(Internal::Retained, &keys::outbox(entry.txn.id.seq))?;
        outbox::put(txn, &entry)?;
        rebuild.add_pending(&entry)?;
    }
    Ok(())
}

fn is_covered(id: TxnId, covered: &HashMap<SiteId, IntervalSet>) -> bool {
    covered.get(&id.site).is_some_and(|seqs| seqs.contains(id.seq.0))
}
