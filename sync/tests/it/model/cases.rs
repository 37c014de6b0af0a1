//! Cases that random runs meet too seldom.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use heliosdb_crdt::SiteId;
use heliosdb_storage::base::MemoryDisk;
use heliosdb_storage::sync_row::{Internal, OpKind, OutboxEntry, OutboxState, Role, RowOp, keys};
use heliosdb_storage::transaction::RowLock;
use heliosdb_storage::{ColumnChange, LocalSeq, RowKey, Store, SyncTableId, Value, WriteOrigin};
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

/// An insert is refused; another node's row has its key. What was written to the one must not land on the other: neither
/// what goes with the insert in one batch, nor what follows in another, nor what is committed later still.
#[test]
fn what_builds_on_a_refused_insert_follows_it() {
    for max_txns in [1, 2, 100] {
        let (hub, edge) = hub_and_edge(0);
        insert(&edge, "names", name(1, "x"));
        update(&edge, "names", 1, "z");
        insert(&hub, "names", name(1, "theirs"));
        insert(&hub, "names", name(2, "x"));
        let limits = outbox::BatchLimits { max_txns, ..EVERYTHING };
        let push_all = || {
            loop {
                let outcomes = push(&hub, &edge, limits);
                if outcomes.is_empty() {
                    break;
                }
                outbox::record_outcomes(&edge, &outcomes).unwrap();
            }
        };
        push_all();
        update(&edge, "names", 1, "w");
        insert(&edge, "names", name(3, "independent"));
        push_all();
        for seq in [1, 2, 3] {
            assert!(matches!(state(&edge, seq), OutboxState::Dead { .. }), "{seq}: {:?}", state(&edge, seq));
        }
        assert_eq!(names(&hub), [(1, "theirs".into()), (2, "x".into()), (3, "independent".into())]);

        // Sent again in order, once the name is free, all of it is taken.
        update(&hub, "names", 2, "y");
        assert!(outbox::retry_dead_letter(&edge, LocalSeq(2)).unwrap());
        push_all();
        assert!(matches!(state(&edge, 2), OutboxState::Dead { .. }), "it went without what it depends on");
        for seq in [1, 2, 3] {
            assert!(outbox::retry_dead_letter(&edge, LocalSeq(seq)).unwrap());
        }
        push_all();
        pull(&hub, &edge);
        assert_eq!(names(&hub)[..2], [(1, "w".into()), (2, "y".into())]);
        assert_eq!(rows_of(&edge), rows_of(&hub));
    }
}

/// What a node given up on inserted says nothing about a row that the node inserts anew.
#[test]
fn a_new_insert_of_the_key_needs_no_refused_one() {
    let (hub, edge) = hub_and_edge(0);
    insert(&edge, "names", name(1, "x"));
    insert(&hub, "names", name(2, "x"));
    outbox::record_outcomes(&edge, &push(&hub, &edge, EVERYTHING)).unwrap();
    // Sets the dead letter aside, so that the key is free here.
    pull(&hub, &edge);
    insert(&edge, "names", name(1, "new"));
    update(&edge, "names", 1, "newer");
    let outcomes = push(&hub, &edge, EVERYTHING);
    assert_eq!(outcomes, [(LocalSeq(2), MergeOutcome::Merged), (LocalSeq(3), MergeOutcome::Merged)]);
    outbox::record_outcomes(&edge, &outcomes).unwrap();
    assert!(outbox::discard_dead_letter(&edge, LocalSeq(1)).unwrap());
    pull(&hub, &edge);
    assert_eq!(names(&edge), [(1, "newer".into()), (2, "x".into())]);
    assert_eq!(rows_of(&edge), rows_of(&hub));
}

/// What no edge of ours would send is refused, each by itself, and leaves nothing behind.
#[test]
fn forged_operations_are_refused() {
    let (hub, edge) = hub_and_edge(0);
    insert(&edge, "names", name(1, "x"));
    let [honest] = &outbox::next_batch(&edge, LocalSeq(0), EVERYTHING).unwrap()[..] else { panic!("one is pending") };
    let forge = |seq: u64, change: &dyn Fn(&mut Vec<RowOp>)| {
        let mut txn = honest.clone();
        txn.record.id.seq = LocalSeq(seq);
        change(&mut txn.record.ops);
        txn.digest = txn.record.digest().unwrap();
        txn
    };
    let id = |ops: &[RowOp]| match &ops[0].kind {
        OpKind::Insert(columns) => columns[0].0,
        other => panic!("{other:?}"),
    };
    let forged = vec![
        forge(2, &|ops| ops[0].life = u32::MAX),
        forge(3, &|ops| ops.push(RowOp { kind: OpKind::Delete, ..ops[0].clone() })),
        forge(4, &|ops| ops[0].table = SyncTableId(u32::MAX)),
        forge(5, &|ops| ops[0].key = vec![Value::text("1")]),
        forge(6, &|ops| ops[0].key = vec![Value::Int4(7)]),
        forge(7, &|ops| ops[0].key.clear()),
        forge(8, &|ops| ops[0].kind = OpKind::Insert(vec![(id(ops), Value::text("1"))])),
        forge(9, &|ops| ops[0].kind = OpKind::Insert(Vec::new())),
        forge(10, &|ops| ops[0].kind = OpKind::Delete),
        forge(11, &|ops| ops[0].life = 0),
    ];
    let outcomes = merge_push(&hub, forged, &MERGE).unwrap();
    let (void, refused) = outcomes.split_last().unwrap();
    assert!(refused.iter().all(|outcome| matches!(outcome, MergeOutcome::Refused { .. })), "{refused:#?}");
    // Life 0 is nobody's: such an operation changes nothing.
    assert_eq!(*void, MergeOutcome::Merged);
    assert_eq!(rows_of(&hub), BTreeMap::new());
    assert_eq!(merge_push(&hub, vec![honest.clone()], &MERGE).unwrap(), [MergeOutcome::Merged]);
    assert_eq!(names(&hub), [(1, "x".into())]);
}
