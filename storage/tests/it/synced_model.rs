//! Random work of a client of an edge: whatever it does, its rows are what its outbox says over what the hub said.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use heliosdb_storage::base::MemoryDisk;
use heliosdb_storage::catalog::{CrdtType, NewTable, TableDef};
use heliosdb_storage::key::KeyRange;
use heliosdb_storage::row::Stamped;
use heliosdb_storage::sync_row::{Internal, OutboxEntry, Role, RowState, keys, replay};
use heliosdb_storage::transaction::{Direction, Savepoint};
use heliosdb_storage::{ColumnChange, Error, Row, Store, Transaction, Value, WriteOrigin};
use proptest::prelude::*;

use crate::fixture::*;

const IDS: i32 = 4;

#[derive(Clone, Debug)]
enum Step {
    Insert(i32, i32),
    Update(i32, i32),
    Count(i32, i64),
    Rekey(i32, i32),
    Delete(i32),
    Savepoint,
    RollbackTo(usize),
    Commit,
    Rollback,
    Crash,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let id = 0..IDS;
    let step = prop_oneof![
        6 => (id.clone(), 0..6).prop_map(|(id, v)| Step::Insert(id, v)),
        4 => (id.clone(), 0..6).prop_map(|(id, v)| Step::Update(id, v)),
        3 => (id.clone(), -3_i64..4).prop_map(|(id, n)| Step::Count(id, n)),
        3 => (id.clone(), id.clone()).prop_map(|(a, b)| Step::Rekey(a, b)),
        5 => id.prop_map(Step::Delete),
        3 => Just(Step::Savepoint),
        3 => (0..3_usize).prop_map(Step::RollbackTo),
        4 => Just(Step::Commit),
        1 => Just(Step::Rollback),
        1 => Just(Step::Crash),
    ];
    proptest::collection::vec(step, 1..60)
}

/// An edge with the table `item (id int primary key, v int unique, stock pn_counter)`, some rows of which the hub knows.
fn edge() -> (MemoryDisk, Arc<Store>, Arc<TableDef>) {
    let hub = store_with_role(Role::Hub, 1);
    let mut definition = NewTable { indexes: vec![index("item_v_key", &[1], true)], ..synced(two_columns("item")) };
    definition.columns.push(counter("stock", CrdtType::PnCounter));
    let table = create(&hub, definition);
    for id in 0..2 {
        autocommit(&hub, |txn| txn.insert_row(&table, vec![int(id), int(id), Value::Int8(7)])).unwrap();
    }
    autocommit(&hub, |txn| txn.delete_row(&table, &key(&[1]))).unwrap();
    let disk = MemoryDisk::default();
    let edge = open(&disk);
    set_role(&edge, Role::Edge, 7);
    let mut txn = edge.begin(WriteOrigin::Pull);
    txn.begin_statement().unwrap();
    txn.install_schema(&hub.catalog().synced_schema()).unwrap();
    let own = Arc::clone(txn.catalog().table("public", "item").unwrap());
    for id in 0..2 {
        txn.put_row_state(&own, &key(&[id]), hub.snapshot().row_state(&table, &key(&[id])).unwrap()).unwrap();
    }
    txn.commit().unwrap();
    (disk, edge, own)
}

fn run_statement(txn: &mut Transaction, table: &Arc<TableDef>, step: &Step) -> heliosdb_storage::Result<()> {
    let set = |slot, n| vec![(slot, ColumnChange::Set(int(n)))];
    statement(txn, |txn| match *step {
        Step::Insert(id, v) => txn.insert_row(table, vec![int(id), int(v), Value::Int8(1)]).map(|_| ()),
        Step::Update(id, v) => txn.update_row(table, &key(&[id]), set(1, v)).map(|_| ()),
        Step::Count(id, n) => txn.update_row(table, &key(&[id]), vec![(2, ColumnChange::Add(n))]).map(|_| ()),
        Step::Rekey(from, to) => txn.update_row(table, &key(&[from]), set(0, to)).map(|_| ()),
        Step::Delete(id) => txn.delete_row(table, &key(&[id])).map(|_| ()),
        _ => Ok(()),
    })
}

/// What the hub said of each row: what was there before the first local change.
type Hub = BTreeMap<i32, RowState>;

fn all(store: &Store, relation: Internal) -> Vec<(Bytes, Bytes)> {
    store.snapshot().internal_scan(relation, KeyRange::ALL, usize::MAX).unwrap()
}

fn check(store: &Arc<Store>, table: &Arc<TableDef>, hub: &Hub) {
    let sync_id = table.sync_id.unwrap();
    let entries: Vec<OutboxEntry> =
        all(store, Internal::Outbox).iter().map(|(_, bytes)| OutboxEntry::decode(bytes).unwrap()).collect();
    assert!(entries.iter().all(|entry| !entry.txn.ops.is_empty() && entry.digest == entry.txn.digest().unwrap()));
    let mut rows_of_outbox = Vec::new();
    for id in 0..IDS {
        let key = key(&[id]);
        let shown = store.snapshot().row_state(table, &key).unwrap();
        assert_ne!(shown.newest_stamp(), Some(Stamped::ThisCommit));
        let ops: Vec<_> = entries
            .iter()
            .flat_map(|entry| entry.txn.ops.iter().map(|op| (op, entry.txn.stamp())))
            .filter(|(op, _)| op.key == [int(id)])
            .collect();
        let of_row = entries.iter().filter(|entry| entry.txn.ops.iter().any(|op| op.key == [int(id)]));
        rows_of_outbox.extend(of_row.map(|entry| keys::outbox_row(sync_id, &key, entry.txn.id.seq)));
        let base = store.snapshot().internal_get(Internal::SyncBase, &keys::row(sync_id, &key)).unwrap();
        let base = base.map(|bytes| RowState::decode(table, &bytes).unwrap());
        assert_eq!(base, (!ops.is_empty()).then(|| hub[&id].clone()), "row {id}");
        assert_eq!(replay(table, hub[&id].clone(), ops), shown, "row {id}");
    }
    let found: Vec<Bytes> = all(store, Internal::OutboxRows).into_iter().map(|(key, _)| key).collect();
    rows_of_outbox.sort();
    assert_eq!(found, rows_of_outbox);
    let pending = store.outbox_counts();
    assert_eq!(pending.pending_transactions, entries.len() as u64);
    assert_eq!(pending.pending_changes, found.len() as u64);
    assert_eq!(store.last_local_seq().0, entries.len() as u64);
    let mut by_value: Vec<Row> = committed(store, table);
    by_value.sort_by(|a, b| a[1].compare(&b[1]));
    assert_eq!(by_index(&mut begin(store), table, 0, Direction::Forward), by_value);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn rows_are_the_outbox_over_the_hub(steps in steps()) {
        let (mut disk, mut store, table) = edge();
        let hub: Hub = (0..IDS).map(|id| (id, store.snapshot().row_state(&table, &key(&[id])).unwrap())).collect();
        let mut txn = begin(&store);
        let mut savepoints: Vec<Savepoint> = Vec::new();
        for step in &steps {
            match step {
                Step::Savepoint => savepoints.push(txn.savepoint()),
                Step::RollbackTo(n) => {
                    if let Some(&savepoint) = savepoints.get(*n) {
                        savepoints.truncate(n + 1);
                        txn.rollback_to(savepoint);
                    }
                }
                Step::Commit | Step::Rollback | Step::Crash => {
                    match step {
                        Step::Commit => drop(txn.commit().unwrap()),
                        _ => txn.rollback(),
                    }
                    if matches!(step, Step::Crash) {
                        disk = disk.fork();
                        store = open(&disk);
                    }
                    check(&store, &table, &hub);
                    savepoints.clear();
                    txn = begin(&store);
                }
                write => {
                    let savepoint = txn.savepoint();
                    match run_statement(&mut txn, &table, write) {
                        Ok(()) => {}
                        Err(Error::Constraint(_)) => txn.rollback_to(savepoint),
                        Err(error) => panic!("{write:?}: {error}"),
                    }
                }
            }
        }
        txn.commit().unwrap();
        check(&store, &table, &hub);
    }
}
