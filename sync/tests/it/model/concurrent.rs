//! Clients, pushes and pulls at the same time, on threads: what the model does one after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use heliosdb_crdt::SiteId;
use heliosdb_storage::base::MemoryDisk;
use heliosdb_storage::sync_row::Role;
use heliosdb_storage::transaction::RowLock;
use heliosdb_storage::{ColumnChange, Error, LocalSeq, RowKey, Store, Value, WriteOrigin};
use heliosdb_sync::edge::{apply, outbox};
use heliosdb_sync::hub::merge::merge_push;
use heliosdb_sync::hub::serve;

use super::nodes::{Node, check_bases, check_pairs, identify, open, rows_of};
use super::rng::Rng;
use super::workload;
use super::world::MERGE;

const EDGES: usize = 2;
const CLIENTS: u64 = 2;
const TRANSACTIONS: u64 = 150;
const ROWS: u64 = 3;

/// Adds to a counter and writes both rows of a pair; returns what was added, once it is committed.
fn one_sale(store: &Arc<Store>, rng: &mut Rng, fresh: i64) -> Result<i64, Error> {
    let mut txn = store.begin(WriteOrigin::Local);
    let amount = rng.below(9) as i64 - 4;
    txn.begin_statement()?;
    let items = txn.catalog().table("public", "items").cloned().unwrap();
    let key = RowKey::of_values([&Value::Int4(rng.below(ROWS) as i32)])?;
    txn.lock_row(&items, &key, RowLock::NoKeyUpdate)?.unwrap();
    txn.update_row(&items, &key, vec![(3, ColumnChange::Add(amount))])?;
    txn.end_statement()?;
    txn.begin_statement()?;
    let pairs = txn.catalog().table("public", "pairs").cloned().unwrap();
    for id in [0, 1] {
        let key = RowKey::of_values([&Value::Int4(id)])?;
        txn.lock_row(&pairs, &key, RowLock::NoKeyUpdate)?.unwrap();
        txn.update_row(&pairs, &key, vec![(1, ColumnChange::Set(Value::Int8(fresh)))])?;
    }
    txn.end_statement()?;
    txn.commit()?;
    Ok(amount)
}

fn sell(store: &Arc<Store>, seed: u64, total: &AtomicU64) {
    let mut rng = Rng::new(seed);
    for n in 0..TRANSACTIONS {
        match one_sale(store, &mut rng, (seed * 1000 + n) as i64) {
            Ok(amount) => drop(total.fetch_add(amount as u64, Ordering::Relaxed)),
            // It gave way to a pull or a merge; a client would try again.
            Err(error) if error.is_retryable() => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Pushes what is pending and pulls what is new; whether there was anything.
fn exchange(edge: &Arc<Store>, hub: &Arc<Store>, site: SiteId) -> bool {
    let limits = outbox::BatchLimits { max_txns: 5, max_bytes: 1 << 20 };
    let txns = outbox::next_batch(edge, LocalSeq(0), limits).unwrap();
    let seqs: Vec<_> = txns.iter().map(|txn| txn.record.id.seq).collect();
    let outcomes = merge_push(hub, txns, &MERGE).unwrap();
    let outcomes: Vec<_> = seqs.iter().copied().zip(outcomes).collect();
    outbox::record_outcomes(edge, &outcomes).unwrap();
    let before = edge.identity().cursor;
    let pull = serve::changes_since(hub, before, &[site], edge.catalog().schema_version).unwrap();
    apply::apply_pull(edge, pull).unwrap();
    check_pairs(edge);
    check_pairs(hub);
    !seqs.is_empty() || edge.identity().cursor != before
}

#[test]
fn nothing_is_lost_or_seen_in_part_while_all_happens_at_once() {
    let clock = Arc::new(AtomicU64::new(1_700_000_000_000));
    let node = || {
        let mut node = Node { disk: MemoryDisk::default(), store: None, offset_millis: 0, copy: None };
        open(&mut node, &clock);
        Arc::clone(node.store())
    };
    let hub = node();
    identify(&hub, Role::Hub, 1, 1);
    let mut txn = hub.begin(WriteOrigin::Local);
    txn.begin_statement().unwrap();
    let items = txn.create_table(workload::table("items")).unwrap();
    let pairs = txn.create_table(workload::table("pairs")).unwrap();
    for id in 0..ROWS as i32 {
        txn.insert_row(&items, vec![Value::Int4(id), Value::Null, Value::Null, Value::Int8(0)]).unwrap();
    }
    for id in [0, 1] {
        txn.insert_row(&pairs, vec![Value::Int4(id), Value::Int8(0)]).unwrap();
    }
    txn.end_statement().unwrap();
    txn.commit().unwrap();
    let edges: Vec<(Arc<Store>, SiteId)> = (0..EDGES).map(|i| (node(), SiteId(10 + i as u32))).collect();
    for (edge, site) in &edges {
        identify(edge, Role::Edge, site.0, 1);
        while exchange(edge, &hub, *site) {}
    }

    let (total, selling) = (AtomicU64::new(0), AtomicBool::new(true));
    thread::scope(|scope| {
        for (edge, site) in &edges {
            scope.spawn(|| {
                while exchange(edge, &hub, *site) || selling.load(Ordering::Acquire) {
                    thread::yield_now();
                }
            });
        }
        thread::scope(|clients| {
            for (i, store) in edges.iter().map(|(edge, _)| edge).chain([&hub]).enumerate() {
                for client in 0..CLIENTS {
                    let total = &total;
                    clients.spawn(move || sell(store, i as u64 * CLIENTS + client + 1, total));
                }
            }
        });
        selling.store(false, Ordering::Release);
    });
    for (edge, site) in edges.iter().chain(&edges) {
        while exchange(edge, &hub, *site) {}
    }
    let rows = rows_of(&hub);
    for (edge, _) in &edges {
        assert_eq!(rows_of(edge), rows);
        check_bases(edge);
        assert_eq!(edge.outbox_counts().pending_transactions, 0);
    }
    let sum: i64 = rows
        .iter()
        .filter(|((table, _), _)| Some(*table) == items.sync_id)
        .map(|(_, state)| match state.row().unwrap()[3] {
            Value::Int8(n) => n,
            ref other => panic!("{other:?}"),
        })
        .sum();
    assert_eq!(sum, total.into_inner() as i64);
}
