//! Cases that random runs meet too seldom.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use heliosdb_crdt::SiteId;
use heliosdb_storage::base::MemoryDisk;
use heliosdb_storage::sync_row::{Internal, OutboxEntry, OutboxState, Role, keys};
use heliosdb_storage::transaction::RowLock;
use heliosdb_storage::{ColumnChange, LocalSeq, RowKey, Store, Value, WriteOrigin};
use heliosdb_sync::edge::{apply, outbox};
use heliosdb_sync::hub::merge::merge_push;
use heliosdb_sync::hub::serve;
use heliosdb_sync::message::MergeOutcome;

use super::nodes::{Node, identify, open, rows_of};
use super::workload;
use super::world::MERGE;

const NOW_MILLIS: u64 = 1_700_000_000_000;
const SITE: SiteId = SiteId(10);
const EVERYTHING: outbox::BatchLimits = outbox::BatchLimits { max_txns: 100, max_bytes: 1 << 20 };

fn node(offset_millis: u64) -> Arc<Store> {
    let mut node = Node { disk: MemoryDisk::default(), store: None, offset_millis, copy: None };
    open(&mut node, &Arc::new(AtomicU64::new(NOW_MILLIS)));
    Arc::clone(node.store())
}

/// A hub with the three tables, and an edge whose clock is ahead of it by so much.
fn hub_and_edge(ahead_millis: u64) -> (Arc<Store>, Arc<Store>) {
    let (hub, edge) = (node(0), node(ahead_millis));
    identify(&hub, Role::Hub, 1, 1);
    identify(&edge, Role::Edge, SITE.0, 1);
    let mut txn = hub.begin(WriteOrigin::Local);
    txn.begin_statement().unwrap();
    for name in workload::TABLES {
        txn.create_table(workload::table(name)).unwrap();
    }
    txn.end_statement().unwrap();
    txn.commit().unwrap();
    pull(&hub, &edge);
    (hub, edge)
}

fn pull(hub: &Arc<Store>, edge: &Arc<Store>) {
    let pull = serve::changes_since(hub, edge.identity().cursor, &[SITE], edge.catalog().schema_version).unwrap();
    apply::apply_pull(edge, pull).unwrap();
}

/// Pushes one batch; the outcomes are not recorded.
fn push(hub: &Arc<Store>, edge: &Arc<Store>, limits: outbox::BatchLimits) -> Vec<(LocalSeq, MergeOutcome)> {
    let txns = outbox::next_batch(edge, LocalSeq(0), limits).unwrap();
    let seqs: Vec<LocalSeq> = txns.iter().map(|txn| txn.record.id.seq).collect();
    seqs.into_iter().zip(merge_push(hub, txns, &MERGE).unwrap()).collect()
}

fn insert(store: &Arc<Store>, table: &str, row: Vec<Value>) {
    let mut txn = store.begin(WriteOrigin::Local);
    txn.begin_statement().unwrap();
    let table = txn.catalog().table("public", table).cloned().unwrap();
    txn.insert_row(&table, row).unwrap();
    txn.end_statement().unwrap();
    txn.commit().unwrap();
}

fn update(store: &Arc<Store>, table: &str, id: i32, value: &str) {
    let mut txn = store.begin(WriteOrigin::Local);
    txn.begin_statement().unwrap();
    let table = txn.catalog().table("public", table).cloned().unwrap();
    let key = RowKey::of_values([&Value::Int4(id)]).unwrap();
    txn.lock_row(&table, &key, RowLock::NoKeyUpdate).unwrap().unwrap();
    txn.update_row(&table, &key, vec![(1, ColumnChange::Set(Value::text(value)))]).unwrap();
    txn.end_statement().unwrap();
    txn.commit().unwrap();
}

fn name(id: i32, name: &str) -> Vec<Value> {
    vec![Value::Int4(id), Value::text(name)]
}

/// The names that a node shows, by id.
fn names(store: &Arc<Store>) -> Vec<(i32, String)> {
    let table = store.catalog().table("public", "names").cloned().unwrap();
    let all = store.snapshot();
    let row = |id: i32| Some((id, all.get(&table, &RowKey::of_values([&Value::Int4(id)]).unwrap()).unwrap()?));
    let text = |(id, row): (i32, Vec<Value>)| match &row[1] {
        Value::Text(text) => (id, text.to_string()),
        other => panic!("{other:?}"),
    };
    (0..10).filter_map(row).map(text).collect()
}

fn state(edge: &Arc<Store>, seq: u64) -> OutboxState {
    let value = edge.snapshot().internal_get(Internal::Outbox, &keys::outbox(LocalSeq(seq))).unwrap().unwrap();
    OutboxEntry::decode(&value).unwrap().state
}

/// The hub stamps anew what is too far ahead, and keeps its order: in one batch, and from one to the next.
#[test]
fn stamps_given_anew_keep_the_local_order() {
    for max_txns in [1, 2, 100] {
        let (hub, edge) = hub_and_edge(3_600_000);
        insert(&edge, "names", name(1, "first"));
        for i in 0..5 {
            update(&edge, "names", 1, &format!("then {i}"));
        }
        let limits = outbox::BatchLimits { max_txns, ..EVERYTHING };
        loop {
            let outcomes = push(&hub, &edge, limits);
            if outcomes.is_empty() {
                break;
            }
            outbox::record_outcomes(&edge, &outcomes).unwrap();
        }
        assert_eq!(names(&hub), [(1, "then 4".to_owned())]);
        // Nothing that is committed at the hub from now on loses against a clock that was wrong.
        update(&hub, "names", 1, "last");
        pull(&hub, &edge);
        assert_eq!(names(&edge), [(1, "last".to_owned())]);
        assert_eq!(rows_of(&edge), rows_of(&hub));
    }
}

/// A transaction that was sent twice may be refused first and merged later; merged is what counts.
#[test]
fn a_late_refusal_does_not_undo_an_acknowledgement() {
    let (hub, edge) = hub_and_edge(0);
    insert(&edge, "names", name(1, "x"));
    insert(&hub, "names", name(2, "x"));
    let refused = push(&hub, &edge, EVERYTHING);
    assert!(matches!(refused[..], [(LocalSeq(1), MergeOutcome::Refused { .. })]), "{refused:?}");
    update(&hub, "names", 2, "y");
    let merged = push(&hub, &edge, EVERYTHING);
    assert_eq!(merged, [(LocalSeq(1), MergeOutcome::Merged)]);
    outbox::record_outcomes(&edge, &merged).unwrap();
    outbox::record_outcomes(&edge, &refused).unwrap();
    assert_eq!(state(&edge, 1), OutboxState::Acknowledged);
    pull(&hub, &edge);
    assert_eq!(names(&edge), [(1, "x".to_owned()), (2, "y".to_owned())]);
    assert_eq!(rows_of(&edge), rows_of(&hub));
}

/// A pulled row has the name that a pending one wants: the pending transaction, and what builds on it, is set aside; the
/// hub refuses it; it is a dead letter that can be sent again once the name is free, or given up.
#[test]
fn a_pull_sets_aside_what_collides_with_it() {
    let (hub, edge) = hub_and_edge(0);
    insert(&edge, "names", name(1, "x"));
    update(&edge, "names", 1, "z");
    update(&edge, "names", 1, "x");
    insert(&edge, "names", name(3, "w"));
    insert(&hub, "names", name(2, "x"));
    pull(&hub, &edge);
    assert_eq!(names(&edge), [(2, "x".to_owned()), (3, "w".to_owned())]);
    assert_eq!([1, 2, 3, 4].map(|seq| state(&edge, seq) == OutboxState::SetAside), [true, true, true, false]);

    outbox::record_outcomes(&edge, &push(&hub, &edge, EVERYTHING)).unwrap();
    assert!((1..=3).all(|seq| matches!(state(&edge, seq), OutboxState::Dead { was_set_aside: true, .. })));
    assert_eq!(state(&edge, 4), OutboxState::Acknowledged);

    update(&hub, "names", 2, "y");
    for seq in [1, 2] {
        assert!(outbox::retry_dead_letter(&edge, LocalSeq(seq)).unwrap());
    }
    assert!(outbox::discard_dead_letter(&edge, LocalSeq(3)).unwrap());
    assert!(!outbox::discard_dead_letter(&edge, LocalSeq(3)).unwrap());
    outbox::record_outcomes(&edge, &push(&hub, &edge, EVERYTHING)).unwrap();
    pull(&hub, &edge);
    assert_eq!(names(&edge), [(1, "z".to_owned()), (2, "y".to_owned()), (3, "w".to_owned())]);
    assert_eq!(rows_of(&edge), rows_of(&hub));
}

/// What was covered long ago is forgotten, what was covered lately is kept.
#[test]
fn covered_transactions_are_kept_for_a_while() {
    let (hub, edge) = hub_and_edge(0);
    insert(&edge, "names", name(1, "x"));
    outbox::record_outcomes(&edge, &push(&hub, &edge, EVERYTHING)).unwrap();
    pull(&hub, &edge);
    assert_eq!(outbox::forget_covered(&edge, NOW_MILLIS).unwrap(), 0);
    assert_eq!(outbox::forget_covered(&edge, NOW_MILLIS + 1).unwrap(), 1);
    assert_eq!(outbox::forget_covered(&edge, NOW_MILLIS + 1).unwrap(), 0);
}
