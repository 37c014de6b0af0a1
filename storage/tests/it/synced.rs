//! What changes of synced tables leave behind on edges and hubs, and what merges and pulls may do.

use std::sync::Arc;

use bytes::Bytes;
use heliosdb_crdt::{Hlc, SiteId, Stamp};
use heliosdb_storage::base::MemoryDisk;
use heliosdb_storage::catalog::{CrdtType, NewTable, TableDef};
use heliosdb_storage::key::KeyRange;
use heliosdb_storage::row::{ChangedAt, RowMeta, Stamped};
use heliosdb_storage::store::Backend;
use heliosdb_storage::sync_row::{
    Internal, OpKind, OutboxEntry, OutboxState, Role, RowState, SyncedSchema, Tombstone, apply, keys,
};
use heliosdb_storage::transaction::RowLock;
use heliosdb_storage::value::Numeric;
use heliosdb_storage::{
    ColumnChange, ColumnId, ConstraintKind, DataType, Error, LocalSeq, OutboxCounts, RowKey, Store, StoreOptions,
    Transaction, Value, WriteOrigin,
};

use crate::fixture::*;

const EDGE_SITE: u32 = 7;
const HUB_SITE: u32 = 1;

fn item_table() -> NewTable {
    let mut table = synced(two_columns("item"));
    table.columns.push(counter("stock", CrdtType::PnCounter));
    table.indexes = vec![index("item_v_key", &[1], true)];
    table
}

fn hub_with_items() -> (Arc<Store>, Arc<TableDef>) {
    let hub = store_with_role(Role::Hub, HUB_SITE);
    let table = create(&hub, item_table());
    (hub, table)
}

fn install(store: &Arc<Store>, schema: &SyncedSchema) -> heliosdb_storage::Result<()> {
    let mut txn = pull(store);
    txn.install_schema(schema)?;
    txn.commit().map(|_| ())
}

fn pull(store: &Arc<Store>) -> Transaction {
    let mut txn = store.begin(WriteOrigin::Pull);
    txn.begin_statement().unwrap();
    txn
}

fn edge_with_items() -> (Arc<Store>, Arc<TableDef>) {
    let (hub, _) = hub_with_items();
    let edge = store_with_role(Role::Edge, EDGE_SITE);
    install(&edge, &hub.catalog().synced_schema()).unwrap();
    let table = Arc::clone(edge.catalog().table("public", "item").unwrap());
    (edge, table)
}

fn item(id: i32, v: i32, stock: i64) -> Vec<Value> {
    vec![int(id), int(v), Value::Int8(stock)]
}

fn insert_item(store: &Arc<Store>, table: &Arc<TableDef>, id: i32, v: i32) {
    autocommit(store, |txn| txn.insert_row(table, item(id, v, 5))).unwrap();
}

fn patch(store: &Arc<Store>, table: &Arc<TableDef>, id: i32, changes: Vec<(usize, ColumnChange)>) {
    assert!(autocommit(store, |txn| txn.update_row(table, &key(&[id]), changes)).unwrap().is_some());
}

fn all(store: &Store, relation: Internal) -> Vec<(Bytes, Bytes)> {
    store.snapshot().internal_scan(relation, KeyRange::ALL, usize::MAX).unwrap()
}

fn outbox(store: &Store) -> Vec<OutboxEntry> {
    all(store, Internal::Outbox).iter().map(|(_, entry)| OutboxEntry::decode(entry).unwrap()).collect()
}

fn base_of(store: &Store, table: &TableDef, id: i32) -> Option<RowState> {
    let base = store.snapshot().internal_get(Internal::SyncBase, &keys::row(table.sync_id.unwrap(), &key(&[id])));
    base.unwrap().map(|bytes| RowState::decode(table, &bytes).unwrap())
}

fn state(store: &Store, table: &TableDef, id: i32) -> RowState {
    store.snapshot().row_state(table, &key(&[id])).unwrap()
}

fn stamp(millis: u64, site: u32) -> Stamp {
    Stamp { hlc: Hlc::from_millis(millis), site: SiteId(site) }
}

fn alive(id: i32, v: i32, stock: i64, life: u32, at: Stamp) -> RowState {
    let meta = RowMeta {
        life,
        born: Stamped::At(at),
        stamp: Stamped::At(at),
        column_stamps: Vec::new(),
        changed_at: ChangedAt::Never,
    };
    RowState::Alive { row: item(id, v, stock), meta }
}

fn put_pulled(store: &Arc<Store>, table: &Arc<TableDef>, id: i32, state: RowState) {
    let mut txn = pull(store);
    txn.lock_row(table, &key(&[id]), RowLock::Update).unwrap();
    txn.put_row_state(table, &key(&[id]), state).unwrap();
    txn.commit().unwrap();
}

#[test]
fn a_local_change_goes_to_the_outbox_under_its_commit() {
    let (edge, table) = edge_with_items();
    insert_item(&edge, &table, 1, 10);
    patch(&edge, &table, 1, vec![(1, ColumnChange::Set(int(11))), (2, ColumnChange::Add(-2))]);
    let entries = outbox(&edge);
    assert_eq!(entries.len(), 2);
    let kinds: Vec<&OpKind> = entries.iter().map(|entry| &entry.txn.ops[0].kind).collect();
    let values = vec![(ColumnId(1), int(1)), (ColumnId(2), int(10)), (ColumnId(3), Value::Int8(5))];
    assert_eq!(*kinds[0], OpKind::Insert(values));
    let changes = vec![(ColumnId(2), ColumnChange::Set(int(11))), (ColumnId(3), ColumnChange::Add(-2))];
    assert_eq!(*kinds[1], OpKind::Patch(changes));
    for (n, entry) in (1..).zip(&entries) {
        assert_eq!(entry.txn.id.site, SiteId(EDGE_SITE));
        assert_eq!(entry.txn.id.seq, LocalSeq(n));
        assert_eq!(entry.txn.cursor.epoch, 1);
        assert_eq!(entry.txn.schema_version.0, 1);
        assert_eq!(entry.digest, entry.txn.digest().unwrap());
        assert_eq!(entry.state, OutboxState::Pending);
    }
    let rows: Vec<_> = all(&edge, Internal::OutboxRows);
    let parsed: Vec<_> = rows.iter().map(|(row, _)| keys::parse_outbox_row(row).unwrap()).collect();
    let sync_id = table.sync_id.unwrap();
    assert_eq!(parsed, [(sync_id, key(&[1]), LocalSeq(1)), (sync_id, key(&[1]), LocalSeq(2))]);
    // The hub knows nothing of the row yet, and the first change alone keeps what it knows.
    assert_eq!(base_of(&edge, &table, 1), Some(RowState::Absent));
    let RowState::Alive { row, meta } = state(&edge, &table, 1) else { panic!() };
    assert_eq!(row, item(1, 11, 3));
    assert_eq!((meta.life, meta.changed_at), (1, ChangedAt::Never));
    assert_eq!(meta.born, Stamped::At(entries[0].txn.stamp()));
    assert!(
        matches!(meta.stamp.max(meta.column_stamps.first().map_or(meta.stamp, |s| s.1)), Stamped::At(at) if at == entries[1].txn.stamp())
    );
    assert_eq!(edge.outbox_counts(), OutboxCounts { pending_transactions: 2, pending_changes: 2, dead: 0 });
}

#[test]
fn a_transaction_has_one_operation_a_row() {
    let (edge, table) = edge_with_items();
    insert_item(&edge, &table, 1, 10);
    autocommit(&edge, |txn| {
        txn.insert_row(&table, item(2, 20, 0))?;
        txn.update_row(&table, &key(&[2]), vec![(2, ColumnChange::Add(4))])?;
        txn.update_row(&table, &key(&[1]), vec![(2, ColumnChange::Add(1))])?;
        txn.update_row(&table, &key(&[1]), vec![(2, ColumnChange::Add(1))])
    })
    .unwrap();
    let entries = outbox(&edge);
    let ops = &entries[1].txn.ops;
    assert_eq!(ops.len(), 2);
    assert!(matches!(&ops[0].kind, OpKind::Insert(columns) if columns.contains(&(ColumnId(3), Value::Int8(4)))));
    assert_eq!(ops[1].kind, OpKind::Patch(vec![(ColumnId(3), ColumnChange::Add(2))]));
    assert_eq!(edge.outbox_counts().pending_changes, 3);
}

#[test]
fn what_comes_and_goes_within_a_transaction_leaves_no_trace() {
    let (edge, table) = edge_with_items();
    let before = edge.snapshot().seq();
    autocommit(&edge, |txn| {
        txn.insert_row(&table, item(1, 10, 0))?;
        txn.delete_row(&table, &key(&[1]))
    })
    .unwrap();
    assert!(outbox(&edge).is_empty());
    for relation in [Internal::SyncBase, Internal::Tombstones, Internal::OutboxRows] {
        assert!(all(&edge, relation).is_empty(), "{relation:?}");
    }
    assert_eq!(state(&edge, &table, 1), RowState::Absent);
    assert_eq!(edge.outbox_counts(), OutboxCounts::default());
    // It costs a commit at most, and a rolled back one costs none.
    assert!(edge.snapshot().seq().0 <= before.0 + 1);
    let mut txn = begin(&edge);
    txn.insert_row(&table, item(1, 10, 0)).unwrap();
    txn.rollback();
    assert!(all(&edge, Internal::SyncBase).is_empty());
}

#[test]
fn rolling_back_to_a_savepoint_takes_operations_back() {
    let (edge, table) = edge_with_items();
    let mut txn = begin(&edge);
    txn.insert_row(&table, item(1, 10, 0)).unwrap();
    let savepoint = txn.savepoint();
    txn.insert_row(&table, item(2, 20, 0)).unwrap();
    txn.update_row(&table, &key(&[1]), vec![(1, ColumnChange::Set(int(9)))]).unwrap();
    txn.rollback_to(savepoint);
    txn.commit().unwrap();
    let entries = outbox(&edge);
    assert_eq!(entries[0].txn.ops.len(), 1);
    assert!(
        matches!(&entries[0].txn.ops[0].kind, OpKind::Insert(columns) if columns.contains(&(ColumnId(2), int(10))))
    );
    assert_eq!(base_of(&edge, &table, 2), None);
}

#[test]
fn the_hubs_state_is_kept_under_local_changes_and_lives_go_on() {
    let (edge, table) = edge_with_items();
    let pulled = alive(1, 10, 5, 3, stamp(5, HUB_SITE));
    put_pulled(&edge, &table, 1, pulled.clone());
    assert!(outbox(&edge).is_empty());
    autocommit(&edge, |txn| txn.delete_row(&table, &key(&[1]))).unwrap();
    assert_eq!(base_of(&edge, &table, 1), Some(pulled));
    assert!(matches!(state(&edge, &table, 1), RowState::Dead(Tombstone { life: 3, .. })));
    insert_item(&edge, &table, 1, 12);
    let RowState::Alive { meta, .. } = state(&edge, &table, 1) else { panic!() };
    assert_eq!(meta.life, 4);
    assert!(all(&edge, Internal::Tombstones).is_empty());
    let lives: Vec<u32> = outbox(&edge).iter().map(|entry| entry.txn.ops[0].life).collect();
    assert_eq!(lives, [3, 4]);
    // Gone, back and gone again: for the hub the life it knows has ended.
    let (edge, table) = edge_with_items();
    put_pulled(&edge, &table, 1, alive(1, 10, 5, 3, stamp(5, HUB_SITE)));
    autocommit(&edge, |txn| {
        txn.delete_row(&table, &key(&[1]))?;
        txn.insert_row(&table, item(1, 11, 0))?;
        txn.delete_row(&table, &key(&[1]))
    })
    .unwrap();
    let entries = outbox(&edge);
    assert_eq!((entries[0].txn.ops[0].life, &entries[0].txn.ops[0].kind), (3, &OpKind::Delete));
    assert!(matches!(state(&edge, &table, 1), RowState::Dead(Tombstone { life: 3, .. })));
}

#[test]
fn two_copies_of_a_store_never_write_the_same_record() {
    let disk = MemoryDisk::default();
    let options = |disk: &MemoryDisk| StoreOptions {
        wall_clock: Arc::new(|| 0),
        ..crate::fixture::options(Backend::Memory(disk.clone()))
    };
    let edge = Store::open(options(&disk)).unwrap();
    set_role(&edge, Role::Edge, EDGE_SITE);
    let (hub, _) = hub_with_items();
    install(&edge, &hub.catalog().synced_schema()).unwrap();
    let copy = Store::open(options(&disk.fork())).unwrap();
    let records = [edge, copy].map(|store| {
        let table = Arc::clone(store.catalog().table("public", "item").unwrap());
        insert_item(&store, &table, 1, 10);
        outbox(&store).remove(0)
    });
    assert_eq!((records[0].txn.id, records[0].txn.hlc), (records[1].txn.id, records[1].txn.hlc));
    assert_eq!(records[0].txn.ops, records[1].txn.ops);
    assert_ne!(records[0].digest, records[1].digest);
}

#[test]
fn a_full_queue_refuses_writes_to_synced_tables_alone() {
    let (hub, _) = hub_with_items();
    let backend = Backend::Memory(MemoryDisk::default());
    let edge = Store::open(StoreOptions { queue_capacity: 2, ..options(backend) }).unwrap();
    set_role(&edge, Role::Edge, EDGE_SITE);
    install(&edge, &hub.catalog().synced_schema()).unwrap();
    let table = Arc::clone(edge.catalog().table("public", "item").unwrap());
    let local = create(&edge, two_columns("local"));
    insert_item(&edge, &table, 1, 1);
    insert_item(&edge, &table, 2, 2);
    let refused = autocommit(&edge, |txn| txn.insert_row(&table, item(3, 3, 0)));
    assert!(matches!(refused, Err(Error::QueueFull { pending: 2, capacity: 2 })));
    insert(&edge, &local, &[1, 1]).unwrap();
    set_state(&edge, 1, OutboxState::Acknowledged);
    insert_item(&edge, &table, 3, 3);
}

#[test]
fn what_could_not_travel_is_refused_where_it_is_written() {
    let mut notes = synced(two_columns("note"));
    notes.columns.push(column("body", DataType::Text));
    let hub = store_with_role(Role::Hub, HUB_SITE);
    let table = create(&hub, notes);
    let edge = store_with_role(Role::Edge, EDGE_SITE);
    install(&edge, &hub.catalog().synced_schema()).unwrap();
    let note = |id: i32, bytes: usize| vec![int(id), int(id), Value::text("x".repeat(bytes))];
    for (store, table) in [(&hub, &table), (&edge, edge.catalog().table("public", "note").unwrap())] {
        let row = autocommit(store, |txn| txn.insert_row(table, note(1, 17 << 20)));
        assert!(matches!(row, Err(Error::LimitExceeded(_))));
        autocommit(store, |txn| txn.insert_row(table, note(1, 10 << 20))).unwrap();
    }
    let table = Arc::clone(edge.catalog().table("public", "note").unwrap());
    let several =
        autocommit(&edge, |txn| (2..5).try_for_each(|id| txn.insert_row(&table, note(id, 9 << 20)).map(|_| ())));
    assert!(matches!(several, Err(Error::LimitExceeded(_))));
    assert_eq!(outbox(&edge).len(), 1);
}

fn set_state(store: &Arc<Store>, seq: u64, state: OutboxState) {
    let key = keys::outbox(LocalSeq(seq));
    let mut txn = pull(store);
    let mut entry = OutboxEntry::decode(&txn.internal_get(Internal::Outbox, &key).unwrap().unwrap()).unwrap();
    entry.state = state;
    txn.internal_put(Internal::Outbox, &key, entry.encode().unwrap().into()).unwrap();
    txn.commit().unwrap();
}

#[test]
fn the_outbox_is_counted_across_changes_of_state_and_restarts() {
    let disk = MemoryDisk::default();
    let edge = open(&disk);
    set_role(&edge, Role::Edge, EDGE_SITE);
    install(&edge, &hub_with_items().0.catalog().synced_schema()).unwrap();
    let table = Arc::clone(edge.catalog().table("public", "item").unwrap());
    for id in 1..=3 {
        insert_item(&edge, &table, id, id);
    }
    let dead = OutboxState::Dead { reason: "no".to_owned(), failed_at_millis: 1, was_set_aside: false };
    set_state(&edge, 1, OutboxState::Acknowledged);
    set_state(&edge, 2, dead);
    set_state(&edge, 3, OutboxState::SetAside);
    let expected = OutboxCounts { pending_transactions: 1, pending_changes: 1, dead: 1 };
    assert_eq!(edge.outbox_counts(), expected);
    drop(edge);
    let edge = open(&disk);
    assert_eq!(edge.outbox_counts(), expected);
    assert_eq!(edge.last_local_seq(), LocalSeq(3));
    let mut txn = pull(&edge);
    txn.internal_delete(Internal::Outbox, &keys::outbox(LocalSeq(2))).unwrap();
    txn.skip_local_seq_to(LocalSeq(10));
    txn.commit().unwrap();
    assert_eq!(edge.outbox_counts().dead, 0);
    insert_item(&edge, &table, 4, 4);
    assert_eq!(edge.last_local_seq(), LocalSeq(11));
}

#[test]
fn what_is_written_after_a_pull_is_later_than_what_was_pulled() {
    let (edge, table) = edge_with_items();
    let far = stamp(4_000_000_000_000, HUB_SITE);
    put_pulled(&edge, &table, 1, alive(1, 10, 5, 1, far));
    patch(&edge, &table, 1, vec![(1, ColumnChange::Set(int(11)))]);
    assert!(outbox(&edge)[0].txn.stamp() > far);
    assert_eq!(state(&edge, &table, 1).row(), Some(&item(1, 11, 5)));
}

fn feed(store: &Store) -> Vec<(u64, RowKey)> {
    let parsed =
        all(store, Internal::Feed).iter().map(|(entry, _)| keys::parse_feed(entry).unwrap()).collect::<Vec<_>>();
    parsed.into_iter().map(|(seq, _, key)| (seq.0, key)).collect()
}

#[test]
fn a_hubs_feed_has_the_newest_change_of_each_row() {
    let (hub, table) = hub_with_items();
    insert_item(&hub, &table, 1, 10);
    let first = hub.snapshot().seq().0;
    insert_item(&hub, &table, 2, 20);
    assert_eq!(feed(&hub), [(first, key(&[1])), (first + 1, key(&[2]))]);
    autocommit(&hub, |txn| {
        txn.update_row(&table, &key(&[1]), vec![(1, ColumnChange::Set(int(11)))])?;
        txn.update_row(&table, &key(&[1]), vec![(2, ColumnChange::Add(1))])
    })
    .unwrap();
    assert_eq!(feed(&hub), [(first + 1, key(&[2])), (first + 2, key(&[1]))]);
    autocommit(&hub, |txn| txn.delete_row(&table, &key(&[2]))).unwrap();
    assert_eq!(feed(&hub), [(first + 2, key(&[1])), (first + 3, key(&[2]))]);
    let RowState::Dead(tombstone) = state(&hub, &table, 2) else { panic!() };
    assert_eq!(tombstone.changed_at, ChangedAt::At(heliosdb_storage::CommitSeq(first + 3)));
    assert!(matches!(tombstone.stamp, Stamped::At(at) if at.site == SiteId(HUB_SITE)));
    insert_item(&hub, &table, 2, 21);
    let RowState::Alive { meta, .. } = state(&hub, &table, 2) else { panic!() };
    assert_eq!((meta.life, meta.changed_at), (2, ChangedAt::At(heliosdb_storage::CommitSeq(first + 4))));
    assert_eq!(feed(&hub), [(first + 2, key(&[1])), (first + 4, key(&[2]))]);
    assert!(all(&hub, Internal::Outbox).is_empty() && all(&hub, Internal::SyncBase).is_empty());
}

#[test]
fn what_comes_and_goes_within_a_transaction_leaves_no_trace_on_a_hub_either() {
    let (hub, table) = hub_with_items();
    insert_item(&hub, &table, 1, 1);
    insert_item(&hub, &table, 2, 2);
    autocommit(&hub, |txn| txn.delete_row(&table, &key(&[2]))).unwrap();
    let (feed_before, second) = (feed(&hub), state(&hub, &table, 2));
    assert_eq!((second.life(), second.is_alive()), (1, false));

    let mut txn = begin(&hub);
    for id in [2, 3] {
        statement(&mut txn, |txn| txn.insert_row(&table, item(id, id, 0))).unwrap();
        statement(&mut txn, |txn| txn.delete_row(&table, &key(&[id]))).unwrap();
    }
    txn.commit().unwrap();
    assert_eq!(state(&hub, &table, 2), second);
    assert_eq!(state(&hub, &table, 3), RowState::Absent);
    assert_eq!(feed(&hub), feed_before);

    // One that went, came and went ends with the life that others know.
    let mut txn = begin(&hub);
    statement(&mut txn, |txn| txn.delete_row(&table, &key(&[1]))).unwrap();
    statement(&mut txn, |txn| txn.insert_row(&table, item(1, 5, 0))).unwrap();
    statement(&mut txn, |txn| txn.delete_row(&table, &key(&[1]))).unwrap();
    let seq = txn.commit().unwrap().unwrap().seq;
    let first = state(&hub, &table, 1);
    assert_eq!((first.life(), first.is_alive()), (1, false));
    assert_eq!(feed(&hub), [feed_before[1].clone(), (seq.0, key(&[1]))]);
}

#[test]
fn a_merge_is_judged_and_can_be_refused_alone() {
    let (hub, table) = hub_with_items();
    insert_item(&hub, &table, 1, 10);
    let mut merge = hub.begin(WriteOrigin::Merge);
    merge.begin_statement().unwrap();
    let good = merge.savepoint();
    merge.put_row_state(&table, &key(&[2]), alive(2, 20, 0, 1, stamp(1, EDGE_SITE))).unwrap();
    merge.internal_put(Internal::Merged, b"good", Bytes::new()).unwrap();
    merge.check_merged_rows(good).unwrap();
    let bad = merge.savepoint();
    merge.put_row_state(&table, &key(&[3]), alive(3, 10, 0, 1, stamp(1, EDGE_SITE))).unwrap();
    merge.internal_put(Internal::Merged, b"bad", Bytes::new()).unwrap();
    assert_eq!(violation(merge.check_merged_rows(bad)).detail.as_deref(), Some("Key (v)=(10) already exists."));
    merge.rollback_to(bad);
    // Taking over a value that an earlier operation of the same merge gives up is no violation.
    let swap = merge.savepoint();
    merge.put_row_state(&table, &key(&[3]), alive(3, 20, 0, 1, stamp(2, EDGE_SITE))).unwrap();
    merge.put_row_state(&table, &key(&[2]), alive(2, 30, 0, 1, stamp(2, EDGE_SITE))).unwrap();
    merge.check_merged_rows(swap).unwrap();
    let info = merge.commit().unwrap().unwrap();
    assert!(info.changed_synced && info.local_seq.is_none());
    assert_eq!(committed(&hub, &table), [item(1, 10, 5), item(2, 30, 0), item(3, 20, 0)]);
    assert_eq!(feed(&hub).len(), 3);
    assert_eq!(all(&hub, Internal::Merged).len(), 1);
    assert_eq!(state(&hub, &table, 3).changed_at(), ChangedAt::At(info.seq));
}

#[test]
fn a_merge_is_judged_by_foreign_keys_from_both_ends() {
    let hub = store_with_role(Role::Hub, HUB_SITE);
    let parent = create(&hub, synced(two_columns("p")));
    let child =
        NewTable { foreign_keys: vec![foreign_key("c_v_fkey", 1, Some(&parent), 0)], ..synced(two_columns("c")) };
    let child = create(&hub, child);
    insert(&hub, &parent, &[1, 0]).unwrap();
    insert(&hub, &child, &[1, 1]).unwrap();
    let row = |values: &[i32]| match alive(0, 0, 0, 1, stamp(1, EDGE_SITE)) {
        RowState::Alive { meta, .. } => RowState::Alive { row: ints(values), meta },
        _ => panic!(),
    };
    let mut merge = hub.begin(WriteOrigin::Merge);
    merge.begin_statement().unwrap();
    let since = merge.savepoint();
    merge.put_row_state(&child, &key(&[2]), row(&[2, 9])).unwrap();
    assert_eq!(violation(merge.check_merged_rows(since)).kind, ConstraintKind::ForeignKey);
    merge.put_row_state(&parent, &key(&[9]), row(&[9, 9])).unwrap();
    merge.check_merged_rows(since).unwrap();
    let since = merge.savepoint();
    let dead =
        Tombstone { life: 1, stamp: Stamped::At(stamp(3, EDGE_SITE)), key: ints(&[1]), changed_at: ChangedAt::Never };
    merge.put_row_state(&parent, &key(&[1]), RowState::Dead(dead.clone())).unwrap();
    let refused = violation(merge.check_merged_rows(since));
    assert_eq!(refused.detail.as_deref(), Some("Key (id)=(1) is still referenced from table \"c\"."));
    merge.put_row_state(&child, &key(&[1]), RowState::Dead(dead)).unwrap();
    merge.check_merged_rows(since).unwrap();
    merge.commit().unwrap();
    assert_eq!(committed(&hub, &child), [ints(&[2, 9])]);
}

#[test]
fn an_idle_session_gives_way_to_a_merge() {
    let (hub, table) = hub_with_items();
    insert_item(&hub, &table, 1, 10);
    let mut session = begin(&hub);
    session.update_row(&table, &key(&[1]), vec![(1, ColumnChange::Set(int(99)))]).unwrap();
    let mut merge = hub.begin(WriteOrigin::Merge);
    merge.lock_row(&table, &key(&[1]), RowLock::Update).unwrap();
    merge.put_row_state(&table, &key(&[1]), alive(1, 50, 0, 1, stamp(1, EDGE_SITE))).unwrap();
    merge.commit().unwrap();
    assert!(matches!(session.begin_statement(), Err(Error::Serialization(_))));
    assert!(matches!(session.get(&table, &key(&[1])), Err(Error::Serialization(_))));
    assert!(matches!(session.commit(), Err(Error::Serialization(_))));
    assert_eq!(committed(&hub, &table), [item(1, 50, 0)]);
}

#[test]
fn an_identity_is_kept_and_counts_for_its_own_commit() {
    let disk = MemoryDisk::default();
    let store = open(&disk);
    set_role(&store, Role::Edge, EDGE_SITE);
    drop(store);
    let store = open(&disk);
    assert_eq!((store.identity().role, store.identity().site), (Role::Edge, EDGE_SITE));
    install(&store, &hub_with_items().0.catalog().synced_schema()).unwrap();
    let table = Arc::clone(store.catalog().table("public", "item").unwrap());
    let mut txn = begin(&store);
    let mut identity = store.identity();
    identity.site = 8;
    txn.set_identity(identity).unwrap();
    txn.insert_row(&table, item(1, 1, 1)).unwrap();
    txn.commit().unwrap();
    assert_eq!(outbox(&store)[0].txn.id.site, SiteId(8));
    let mut txn = begin(&store);
    let savepoint = txn.savepoint();
    txn.set_identity(heliosdb_storage::sync_row::Identity::default()).unwrap();
    txn.rollback_to(savepoint);
    txn.commit().unwrap();
    assert_eq!(store.identity().site, 8);
}

#[test]
fn the_hubs_schema_is_followed() {
    let hub = store_with_role(Role::Hub, HUB_SITE);
    let parent = create(&hub, synced(two_columns("p")));
    let child =
        NewTable { foreign_keys: vec![foreign_key("c_v_fkey", 1, Some(&parent), 0)], ..synced(two_columns("c")) };
    let child = create(&hub, child);
    let edge = store_with_role(Role::Edge, EDGE_SITE);
    create(&edge, two_columns("local"));
    install(&edge, &hub.catalog().synced_schema()).unwrap();
    let our_parent = Arc::clone(edge.catalog().table("public", "p").unwrap());
    let our_child = Arc::clone(edge.catalog().table("public", "c").unwrap());
    assert_eq!(our_child.sync_id, child.sync_id);
    assert_ne!(our_child.id, child.id);
    assert_eq!(our_child.foreign_keys[0].parent, our_parent.id);
    assert_eq!(edge.catalog().schema_version, hub.catalog().schema_version);
    insert(&edge, &our_parent, &[1, 5]).unwrap();
    violation(insert(&edge, &our_child, &[1, 2]));

    // An index comes and goes; rows stay.
    let mut ddl = begin(&hub);
    ddl.create_index(parent.id, index("p_v_idx", &[1], false)).unwrap();
    ddl.commit().unwrap();
    install(&edge, &hub.catalog().synced_schema()).unwrap();
    let indexed = Arc::clone(edge.catalog().table("public", "p").unwrap());
    assert_eq!(indexed.id, our_parent.id);
    let mut txn = begin(&edge);
    assert_eq!(by_index(&mut txn, &indexed, 0, heliosdb_storage::transaction::Direction::Forward), [ints(&[1, 5])]);
    drop(txn);
    install(&edge, &hub.catalog().synced_schema()).unwrap();
    assert_eq!(edge.catalog().table("public", "p"), Some(&indexed));

    // A table goes with all that is known of it.
    let mut ddl = begin(&hub);
    ddl.drop_table(child.id).unwrap();
    ddl.drop_table(parent.id).unwrap();
    ddl.commit().unwrap();
    install(&edge, &hub.catalog().synced_schema()).unwrap();
    let names: Vec<String> = edge.catalog().tables().map(|table| table.name.clone()).collect();
    assert_eq!(names, ["local"]);
    assert!(all(&edge, Internal::SyncBase).is_empty() && all(&edge, Internal::OutboxRows).is_empty());
    assert_eq!(outbox(&edge).len(), 1);
}

#[test]
fn a_schema_that_cannot_be_followed_is_refused_by_name() {
    let (hub, table) = hub_with_items();
    let (edge, _) = edge_with_items();
    let mut schema = hub.catalog().synced_schema();
    schema.tables[0].columns[1].column_type.data_type = DataType::Text;
    assert!(matches!(install(&edge, &schema), Err(Error::Unsupported(message)) if message.contains("\"item\"")));
    // New columns behind the others are fine.
    let mut schema = hub.catalog().synced_schema();
    let mut added = table.columns[1].clone();
    added.id = ColumnId(4);
    added.name = "w".to_owned();
    schema.tables[0].columns.push(added);
    insert_item(&edge, edge.catalog().table("public", "item").unwrap(), 1, 10);
    install(&edge, &schema).unwrap();
    let wider = Arc::clone(edge.catalog().table("public", "item").unwrap());
    assert_eq!(committed(&edge, &wider), [[item(1, 10, 5), vec![Value::Null]].concat()]);
    let taken = store_with_role(Role::Edge, EDGE_SITE);
    create(&taken, two_columns("item"));
    assert!(matches!(install(&taken, &schema), Err(Error::NotAllowedHere(message)) if message.contains("\"item\"")));
}

#[test]
fn a_table_dropped_at_the_hub_leaves_the_feed() {
    let (hub, table) = hub_with_items();
    let other = create(&hub, synced(two_columns("other")));
    insert(&hub, &other, &[1, 1]).unwrap();
    insert_item(&hub, &table, 1, 1);
    insert_item(&hub, &table, 2, 2);
    autocommit(&hub, |txn| txn.delete_row(&table, &key(&[2]))).unwrap();
    let mut ddl = begin(&hub);
    ddl.drop_table(table.id).unwrap();
    ddl.commit().unwrap();
    assert_eq!(feed(&hub).len(), 1);
    assert!(all(&hub, Internal::Tombstones).is_empty());
    assert_eq!(hub.catalog().synced_schema().tables.len(), 1);
}

#[test]
fn synced_tables_of_an_edge_are_changed_at_the_hub() {
    let (edge, table) = edge_with_items();
    let mut txn = begin(&edge);
    assert!(matches!(txn.drop_table(table.id), Err(Error::NotAllowedHere(_))));
    assert!(matches!(txn.create_index(table.id, index("i", &[1], false)), Err(Error::NotAllowedHere(_))));
    assert!(matches!(txn.drop_index(table.id, table.indexes[0].id), Err(Error::NotAllowedHere(_))));
}

/// `1.0` and `1.00` are one key, but the row shows which of them was written last.
#[test]
fn an_equal_primary_key_of_another_form_is_a_new_life_of_the_row() {
    let numeric = |text| Value::Numeric(Box::new(Numeric::parse(text).unwrap()));
    let definition = NewTable {
        columns: vec![column("id", DataType::Numeric), column("v", DataType::Int4)],
        ..synced(two_columns("price"))
    };
    let hub = store_with_role(Role::Hub, HUB_SITE);
    create(&hub, definition);
    let edge = store_with_role(Role::Edge, EDGE_SITE);
    install(&edge, &hub.catalog().synced_schema()).unwrap();
    let table = Arc::clone(edge.catalog().table("public", "price").unwrap());
    let key = autocommit(&edge, |txn| txn.insert_row(&table, vec![numeric("1.0"), int(5)])).unwrap();
    let changes = vec![(0, ColumnChange::Set(numeric("1.00"))), (1, ColumnChange::Set(int(6)))];
    let row = autocommit(&edge, |txn| txn.update_row(&table, &key, changes)).unwrap().unwrap();
    assert!(row[0].is_identical(&numeric("1.00")));
    let state = edge.snapshot().row_state(&table, &key).unwrap();
    assert_eq!((state.life(), state.row().cloned()), (2, Some(row)));
    let mut replayed = RowState::Absent;
    for entry in outbox(&edge) {
        let op = &entry.txn.ops[0];
        apply(&table, &mut replayed, op.life, &op.kind, entry.txn.stamp());
    }
    assert_eq!(replayed, state);
}

/// The last position to skip comes from the hub.
#[test]
fn an_outbox_without_positions_left_refuses_writes() {
    let (edge, table) = edge_with_items();
    let mut txn = pull(&edge);
    txn.skip_local_seq_to(LocalSeq(u64::MAX));
    txn.commit().unwrap();
    let refused = autocommit(&edge, |txn| txn.insert_row(&table, item(1, 10, 5)));
    assert!(matches!(refused, Err(Error::LimitExceeded(_))), "{refused:?}");
    assert!(!edge.is_stopped());
}

/// The table was made after the transaction had looked at the catalog last.
#[test]
fn a_row_of_a_table_that_is_newer_than_the_snapshot_gets_its_stamp() {
    let hub = store_with_role(Role::Hub, HUB_SITE);
    let mut txn = begin(&hub);
    let table = create(&hub, item_table());
    txn.insert_row(&table, item(1, 10, 5)).unwrap();
    let info = txn.commit().unwrap().unwrap();
    let state = state(&hub, &table, 1);
    assert_eq!(state.changed_at(), ChangedAt::At(info.seq));
    assert_eq!(state.newest_stamp(), Some(Stamped::At(Stamp { hlc: info.hlc, site: SiteId(HUB_SITE) })));
    assert_eq!(all(&hub, Internal::Feed).len(), 1);
}

#[test]
fn a_synced_table_that_goes_takes_the_foreign_keys_of_local_tables_with_it() {
    let (edge, parent) = edge_with_items();
    let mut child = two_columns("note");
    child.foreign_keys = vec![foreign_key("note_item", 1, Some(&parent), 0)];
    create(&edge, child);
    install(&edge, &SyncedSchema::default()).unwrap();
    let child = Arc::clone(edge.catalog().table("public", "note").unwrap());
    assert!(child.foreign_keys.is_empty());
    insert(&edge, &child, &[1, 99]).unwrap();
}
