//! The nodes, and what can be read off them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use heliosdb_crdt::SiteId;
use heliosdb_storage::base::MemoryDisk;
use heliosdb_storage::key::KeyRange;
use heliosdb_storage::sync_row::{Identity, Internal, OutboxEntry, Role, RowState, TxnDigest, TxnRecord, keys};
use heliosdb_storage::transaction::Direction;
use heliosdb_storage::{LocalSeq, RowKey, ServerSeq, Store, SyncTableId, Value, WriteOrigin};

use super::workload;

pub type RowId = (SyncTableId, RowKey);

/// What a transaction is called, whatever id it gets: its digest with the number of its edge for a site.
pub type Content = TxnDigest;

pub fn content_of(edge: usize, record: &TxnRecord) -> Content {
    let mut record = record.clone();
    record.id.site = SiteId(edge as u32);
    record.digest().unwrap()
}

/// A node's disk, what runs on it, and its clock.
pub struct Node {
    pub disk: MemoryDisk,
    pub store: Option<Arc<Store>>,
    pub offset_millis: u64,
    pub copy: Option<MemoryDisk>,
}

impl Node {
    pub fn store(&self) -> &Arc<Store> {
        self.store.as_ref().expect("the node runs")
    }
}

pub struct Edge {
    pub node: Node,
    /// The lives that the hub knows to be of this node.
    pub sites: Vec<SiteId>,
    /// The present connection; messages of older ones are not heard any more.
    pub connection: u64,
    pub is_connected: bool,
    pub sent: LocalSeq,
    /// Everything ever committed here, with the form in which it was committed.
    pub committed: BTreeMap<[u8; 16], TxnRecord>,
    /// What was not in the copy that the disk was set back to.
    pub dropped: BTreeSet<[u8; 16]>,
    pub discarded: BTreeSet<[u8; 16]>,
}

pub fn open(node: &mut Node, clock: &Arc<AtomicU64>) {
    let (clock, offset) = (Arc::clone(clock), node.offset_millis);
    let wall_clock = Arc::new(move || clock.load(Ordering::Relaxed) + offset);
    node.store = Some(Store::open(workload::options(&node.disk, wall_clock)).unwrap());
}

pub fn identify(store: &Arc<Store>, role: Role, site: u32, epoch: u64) {
    let mut txn = store.begin(WriteOrigin::Local);
    txn.set_identity(Identity { role, site, cursor: ServerSeq { epoch, n: 0 } }).unwrap();
    txn.commit().unwrap();
}

pub fn page(store: &Arc<Store>, relation: Internal) -> Vec<(bytes::Bytes, bytes::Bytes)> {
    store.snapshot().internal_scan(relation, KeyRange::ALL, usize::MAX).unwrap()
}

/// What an edge has in its outbox or retains.
pub fn held_by(i: usize, store: &Arc<Store>) -> BTreeMap<[u8; 16], OutboxEntry> {
    let entries = [Internal::Outbox, Internal::Retained].into_iter().flat_map(|relation| page(store, relation));
    let entries = entries.map(|(key, value)| {
        let entry = OutboxEntry::decode(&value).unwrap();
        assert_eq!(keys::parse_outbox(&key).unwrap(), entry.txn.id.seq);
        assert_eq!(entry.txn.digest().unwrap(), entry.digest);
        (content_of(i, &entry.txn).0, entry)
    });
    entries.collect()
}

pub fn merged_at(store: &Arc<Store>) -> Vec<TxnDigest> {
    let digests = page(store, Internal::Merged).into_iter();
    digests.map(|(_, value)| TxnDigest(value.as_ref().try_into().unwrap())).collect()
}

/// All rows and tombstones of the synced tables.
pub fn rows_of(store: &Arc<Store>) -> BTreeMap<RowId, RowState> {
    let snapshot = store.snapshot();
    let mut rows = BTreeMap::new();
    for table in snapshot.catalog().tables().filter(|table| table.is_synced()) {
        for row in snapshot.scan(table, &KeyRange::ALL, Direction::Forward).unwrap() {
            let (key, ..) = row.unwrap();
            let state = snapshot.row_state(table, &key).unwrap();
            assert!(state.is_alive());
            rows.insert((table.sync_id.unwrap(), key), state);
        }
    }
    for (key, _) in page(store, Internal::Tombstones) {
        let (table, key) = keys::parse_row(&key).unwrap();
        let definition = snapshot.catalog().table_by_sync_id(table).unwrap();
        let state = snapshot.row_state(definition, &key).unwrap();
        assert!(matches!(state, RowState::Dead(_)), "a living row has a tombstone");
        rows.insert((table, key), state);
    }
    for state in rows.values_mut() {
        state.set_changed_at(heliosdb_storage::row::ChangedAt::Never);
    }
    rows
}

/// Whole transactions: the two rows of a pair are written together, so they are always alike.
pub fn check_pairs(store: &Arc<Store>) {
    let snapshot = store.snapshot();
    let Some(table) = snapshot.catalog().table("public", "pairs") else { return };
    for first in [0, 2, 4] {
        let of = |id| snapshot.get(table, &RowKey::of_values([&Value::Int4(id)]).unwrap()).unwrap();
        let values = |row: Option<Vec<Value>>| row.map(|row| row[1].clone());
        assert_eq!(values(of(first)), values(of(first + 1)), "a transaction is visible in part");
    }
}

/// H is kept exactly of the rows that have a P.
pub fn check_bases(store: &Arc<Store>) {
    let bases: BTreeSet<RowId> =
        page(store, Internal::SyncBase).iter().map(|(key, _)| keys::parse_row(key).unwrap()).collect();
    let pending = page(store, Internal::OutboxRows);
    let pending = pending.iter().map(|(key, _)| keys::parse_outbox_row(key).unwrap());
    let pending: BTreeSet<RowId> = pending.map(|(table, key, _)| (table, key)).collect();
    assert_eq!(bases, pending);
}

/// No two rows have the same unique name, on edges neither, whatever was pulled.
pub fn check_names(store: &Arc<Store>) {
    let snapshot = store.snapshot();
    let Some(table) = snapshot.catalog().table("public", "names") else { return };
    let rows = snapshot.scan(table, &KeyRange::ALL, Direction::Forward).unwrap();
    let mut names: Vec<_> = rows.map(|row| format!("{:?}", row.unwrap().1[1])).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "two rows have the same unique name");
}
