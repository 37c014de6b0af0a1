//! H ⊕ P: bringing rows to what they have to show after H or P have changed.
//!
//! For each row noted: its H is what a pull brought, or what `sync_base` keeps, or (if nothing is pending) the row itself;
//! its P are the operations that `outbox_rows` lists. The relation gets the replay of P over H; `sync_base` gets H as long
//! as there is a P.
//!
//! A pulled row may have a unique key that a pending row has taken here. Pulls never fail on that: the pending
//! transactions that gave the row that key are set aside, with all later ones that touch their rows, until the hub has
//! decided.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use heliosdb_crdt::Stamp;
use heliosdb_storage::catalog::{IndexDef, TableDef};
use heliosdb_storage::key::KeyRange;
use heliosdb_storage::sync_row::{Internal, OutboxEntry, OutboxState, RowOp, RowState, keys, replay};
use heliosdb_storage::transaction::{Direction, encode_index_values};
use heliosdb_storage::{Error as StorageError, LocalSeq, RowKey, SyncTableId, Transaction, Value};

use super::outbox;
use crate::error::Result;

/// Entries of an internal relation, or rows under one unique key, that are read at once.
const PAGE: usize = 256;

/// A row of a synced table.
pub(super) type RowId = (SyncTableId, RowKey);

/// Rows whose H or P have changed.
pub(super) struct Rebuild<'txn> {
    txn: &'txn mut Transaction,
    /// The rows to look at; with H, if a pull brought it.
    rows: BTreeMap<RowId, Option<RowState>>,
    tables: HashMap<SyncTableId, Option<Arc<TableDef>>>,
    entries: HashMap<LocalSeq, Arc<Pending>>,
}

/// A pending transaction, with its operations by row.
struct Pending {
    entry: OutboxEntry,
    by_row: HashMap<RowId, usize>,
}

impl Pending {
    fn new(entry: OutboxEntry) -> Result<Self> {
        let ops = entry.txn.ops.iter().enumerate();
        let by_row = ops.map(|(i, op)| Ok((row_of(op)?, i))).collect::<Result<_>>()?;
        Ok(Self { entry, by_row })
    }

    fn op(&self, row: &RowId) -> Option<&RowOp> {
        self.entry.txn.ops.get(*self.by_row.get(row)?)
    }
}

/// The row that an operation is about.
pub(super) fn row_of(op: &RowOp) -> Result<RowId> {
    Ok((op.table, RowKey::of_values(&op.key)?))
}

impl<'txn> Rebuild<'txn> {
    /// No rows yet. The transaction holds the lock for applying.
    pub(super) fn new(txn: &'txn mut Transaction) -> Self {
        Self { txn, rows: BTreeMap::new(), tables: HashMap::new(), entries: HashMap::new() }
    }

    /// The hub has this state of a row now.
    pub(super) fn set_base(&mut self, row: RowId, base: RowState) {
        self.rows.insert(row, Some(base));
    }

    /// The hub has nothing of this row, unless its state was given already.
    pub(super) fn set_base_absent(&mut self, row: RowId) {
        self.rows.entry(row).or_insert(Some(RowState::Absent));
    }

    /// The table of an id, if this node has it.
    pub(super) fn table(&mut self, id: SyncTableId) -> Option<Arc<TableDef>> {
        let catalog = self.txn.catalog();
        self.tables.entry(id).or_insert_with(|| catalog.table_by_sync_id(id).cloned()).clone()
    }

    /// The transaction.
    pub(super) const fn txn(&mut self) -> &mut Transaction {
        self.txn
    }

    /// A transaction is no part of P any more.
    pub(super) fn remove_pending(&mut self, entry: &OutboxEntry) -> Result<()> {
        for op in &entry.txn.ops {
            let (table, key) = row_of(op)?;
            self.txn.internal_delete(Internal::OutboxRows, &keys::outbox_row(table, &key, entry.txn.id.seq))?;
            self.rows.entry((table, key)).or_insert(None);
        }
        self.entries.remove(&entry.txn.id.seq);
        Ok(())
    }

    /// A transaction is part of P again; H of its rows must be given, because what is here shows it already.
    pub(super) fn add_pending(&mut self, entry: &OutboxEntry) -> Result<()> {
        for op in &entry.txn.ops {
            let row = row_of(op)?;
            let key = keys::outbox_row(row.0, &row.1, entry.txn.id.seq);
            self.txn.internal_put(Internal::OutboxRows, &key, Bytes::new())?;
            self.set_base_absent(row);
        }
        Ok(())
    }

    /// Brings all rows noted to what they have to show.
    pub(super) fn run(mut self) -> Result<()> {
        while !self.rows.is_empty() {
            let rows = std::mem::take(&mut self.rows);
            self.lock(rows.keys())?;
            let mut to_judge = Vec::new();
            for (row, base) in rows {
                if let Some(table) = self.table(row.0)
                    && self.rebuild_row(&table, &row, base)?
                    && table.indexes.iter().any(|index| index.unique)
                {
                    to_judge.push((table, row.1));
                }
            }
            // What was written is seen by scans from the next statement on.
            self.txn.begin_statement()?;
            let mut guilty = BTreeSet::new();
            for (table, key) in to_judge {
                self.find_collisions(&table, &key, &mut guilty)?;
            }
            self.set_aside(guilty)?;
        }
        Ok(())
    }

    /// Locks rows all at once: a client that sells while a pull comes in must not run into a deadlock with it.
    fn lock<'a>(&mut self, rows: impl Iterator<Item = &'a RowId>) -> Result<()> {
        let located: Vec<_> = rows.filter_map(|(table, key)| Some((self.table(*table)?, key))).collect();
        Ok(self.txn.lock_rows(located.iter().map(|(table, key)| (&**table, *key)))?)
    }

    /// Brings one row, which is locked, to what it has to show; false if it shows that already.
    fn rebuild_row(&mut self, table: &Arc<TableDef>, row: &RowId, given: Option<RowState>) -> Result<bool> {
        let (sync_id, key) = row;
        let pending = self.pending_of(row)?;
        let current = self.txn.row_state(table, key)?;
        let base_key = keys::row(*sync_id, key);
        let kept = self.txn.internal_get(Internal::SyncBase, &base_key)?;
        let base = match (given, &kept) {
            (Some(given), _) => given,
            (None, Some(kept)) => RowState::decode(table, kept)?,
            (None, None) if pending.is_empty() => current.clone(),
            (None, None) => {
                let what = format!("table \"{}\": a row has pending changes but no base", table.name);
                return Err(StorageError::corrupt("sync_base", what).into());
            }
        };
        if pending.is_empty() {
            if kept.is_some() {
                self.txn.internal_delete(Internal::SyncBase, &base_key)?;
            }
        } else {
            self.txn.internal_put(Internal::SyncBase, &base_key, base.encode(table)?.into())?;
        }
        let ops = pending.iter().filter_map(|pending| Some((pending.op(row)?, stamp_of(pending))));
        let shown = replay(table, base, ops);
        if shown == current {
            return Ok(false);
        }
        self.txn.put_row_state(table, key, shown)?;
        Ok(true)
    }

    /// P of a row, in local order.
    fn pending_of(&mut self, row: &RowId) -> Result<Vec<Arc<Pending>>> {
        let prefix = keys::row(row.0, &row.1);
        let KeyRange { mut start, end } = KeyRange::prefix(&prefix);
        let mut found = Vec::new();
        loop {
            let page = self.txn.internal_scan(Internal::OutboxRows, KeyRange { start, end: end.clone() }, PAGE)?;
            let Some((last, _)) = page.last() else { return Ok(found) };
            start = Bound::Excluded(last.clone());
            let page_len = page.len();
            for (key, _) in page {
                let (_, _, seq) = keys::parse_outbox_row(&key)?;
                found.push(self.pending(seq)?);
            }
            if page_len < PAGE {
                return Ok(found);
            }
        }
    }

    fn pending(&mut self, seq: LocalSeq) -> Result<Arc<Pending>> {
        if let Some(pending) = self.entries.get(&seq) {
            return Ok(Arc::clone(pending));
        }
        let entry = outbox::get(self.txn, seq)?;
        let entry =
            entry.ok_or_else(|| StorageError::corrupt("outbox_rows", format!("transaction {seq} is missing")))?;
        let pending = Arc::new(Pending::new(entry)?);
        self.entries.insert(seq, Arc::clone(&pending));
        Ok(pending)
    }

    /// Finds the rows whose pending changes make them collide with a row that was just rebuilt, that row among them.
    fn find_collisions(&mut self, table: &Arc<TableDef>, key: &RowKey, guilty: &mut BTreeSet<RowId>) -> Result<()> {
        let Some(sync_id) = table.sync_id else { return Ok(()) };
        let state = self.txn.row_state(table, key)?;
        let Some(row) = state.row() else { return Ok(()) };
        for index in table.indexes.iter().filter(|index| index.unique) {
            let Some(values) = self.txn.unique_values(table, index, row)? else { continue };
            let others = self.rows_with(table, index, &values)?;
            if others.iter().all(|other| other == key) {
                continue;
            }
            for other in others.into_iter().chain([key.clone()]) {
                let id = (sync_id, other);
                if self.takes_by_pending(table, index, &id, &values)? {
                    guilty.insert(id);
                }
            }
        }
        Ok(())
    }

    fn rows_with(&mut self, table: &Arc<TableDef>, index: &IndexDef, values: &[Value]) -> Result<Vec<RowKey>> {
        let range = KeyRange::prefix(&encode_index_values(index, values)?);
        let mut scan = self.txn.scan_index(table, index.id, range, Direction::Forward)?;
        let mut rows = Vec::new();
        while scan.next_rows(self.txn, PAGE, &mut rows)? {}
        Ok(rows.into_iter().map(|(key, _)| key).collect())
    }

    /// Whether a row has its unique key by what is pending, and not from the hub.
    fn takes_by_pending(&mut self, table: &TableDef, index: &IndexDef, row: &RowId, values: &[Value]) -> Result<bool> {
        let Some(kept) = self.txn.internal_get(Internal::SyncBase, &keys::row(row.0, &row.1))? else {
            return Ok(false);
        };
        let base = RowState::decode(table, &kept)?;
        let from_hub = match base.row() {
            Some(row) => self.txn.unique_values(table, index, row)?,
            None => None,
        };
        let has_it_from_hub = from_hub.is_some_and(|own| own.iter().zip(values).all(|(a, b)| a.compare(b).is_eq()));
        Ok(!has_it_from_hub)
    }

    /// Takes the transactions that touch these rows out of P, with all later ones that touch rows of theirs.
    fn set_aside(&mut self, guilty: BTreeSet<RowId>) -> Result<()> {
        // Each row with the first transaction from which on nothing of it can stay. The earliest comes first, so that no row
        // has to be looked at twice.
        let mut open: BTreeSet<(LocalSeq, RowId)> = guilty.into_iter().map(|row| (LocalSeq(0), row)).collect();
        let mut seen = BTreeSet::new();
        let mut aside: BTreeMap<LocalSeq, Arc<Pending>> = BTreeMap::new();
        while let Some((from, row)) = open.pop_first() {
            if !seen.insert(row.clone()) {
                continue;
            }
            for pending in self.pending_of(&row)? {
                let seq = pending.entry.txn.id.seq;
                if seq >= from && !aside.contains_key(&seq) {
                    let rows = pending.by_row.keys().filter(|row| !seen.contains(*row));
                    open.extend(rows.map(|row| (seq, row.clone())));
                    aside.insert(seq, pending);
                }
            }
        }
        for (seq, pending) in aside {
            let mut entry = pending.entry.clone();
            self.remove_pending(&entry)?;
            entry.state = match entry.state {
                OutboxState::Dead { reason, failed_at_millis, .. } => {
                    OutboxState::Dead { reason, failed_at_millis, was_set_aside: true }
                }
                OutboxState::Acknowledged => OutboxState::AcknowledgedAside,
                _ => OutboxState::SetAside,
            };
            tracing::warn!(seq = seq.0, "a pending transaction is set aside: a pulled row has its unique key");
            outbox::put(self.txn, &entry)?;
        }
        Ok(())
    }
}

fn stamp_of(pending: &Pending) -> Stamp {
    pending.entry.txn.stamp()
}
