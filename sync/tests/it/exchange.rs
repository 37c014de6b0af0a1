//! What an edge and its hub exchange when all goes well.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use heliosdb_storage::base::MemoryDisk;
use heliosdb_storage::{LocalSeq, WriteOrigin};
use heliosdb_sync::control::SyncState;
use heliosdb_sync::{Error, Schedule, SyncHandle, SyncOptions};

use crate::fixture::{
    Cloud, Edge, PATIENCE, add, create_items, eventually, has_items, ids, insert, insert_labelled, rows, stock,
};

#[tokio::test(flavor = "multi_thread")]
async fn rows_flow_both_ways() {
    let cloud = Cloud::start().await;
    create_items(&cloud.store, "items");
    insert(&cloud.store, 1, 10);
    let (a, b) = (cloud.edge("a"), cloud.edge("b"));
    a.synced().await;
    b.synced().await;
    assert_eq!(rows(&a.store), rows(&cloud.store));

    insert(&a.store, 2, 20);
    add(&a.store, 1, -3);
    insert(&b.store, 3, 30);
    add(&b.store, 1, -4);
    // Nobody asks for a sync: commits wake the workers, and notifications the other edge.
    let complete = [(1, 3), (2, 20), (3, 30)];
    for store in [&cloud.store, &a.store, &b.store] {
        eventually("all have everything", || rows(store).into_iter().map(|(id, _, stock)| (id, stock)).eq(complete))
            .await;
    }
    assert_eq!(rows(&a.store), rows(&cloud.store));
    assert_eq!(rows(&b.store), rows(&cloud.store));
    eventually("nothing waits in the queues", || {
        a.store.outbox_counts().pending_transactions + b.store.outbox_counts().pending_transactions == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_made_later_reach_the_edges_with_their_rows() {
    let cloud = Cloud::start().await;
    let edge = cloud.edge("a");
    edge.synced().await;
    assert!(!has_items(&edge.store));
    create_items(&cloud.store, "items");
    insert(&cloud.store, 1, 1);
    eventually("the row is there", || stock(&edge.store, 1) == Some(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stock_never_jumps_on_the_edge_that_sells() {
    let cloud = Cloud::start().await;
    create_items(&cloud.store, "items");
    insert(&cloud.store, 1, 1000);
    let edge = cloud.edge("a");
    edge.synced().await;
    for sold in 1..=200 {
        add(&edge.store, 1, -1);
        assert_eq!(stock(&edge.store, 1), Some(1000 - sold));
    }
    edge.synced().await;
    assert_eq!(stock(&edge.store, 1), Some(800));
    assert_eq!(stock(&cloud.store, 1), Some(800));
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_sync_means_that_everything_is_there() {
    let cloud = Cloud::start().await;
    create_items(&cloud.store, "items");
    let edge = cloud.edge("a");
    edge.synced().await;
    for id in 0..50 {
        insert(&edge.store, id, 1);
        insert(&cloud.store, 1000 + id, 1);
        assert!(edge.sync.wait_for_sync(PATIENCE).await.unwrap());
        assert_eq!(stock(&cloud.store, id), Some(1));
        assert_eq!(stock(&edge.store, 1000 + id), Some(1));
        assert_eq!(edge.store.outbox_counts().pending_transactions, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_rows_travel_in_pieces() {
    let cloud = Cloud::start().await;
    create_items(&cloud.store, "items");
    let label = "x".repeat(50_000);
    for id in 0..60 {
        insert_labelled(&cloud.store, id, &format!("{id}{label}"), 1);
    }
    let edge = cloud.edge("a");
    edge.synced().await;
    assert_eq!(rows(&edge.store), rows(&cloud.store));
    for id in 100..160 {
        insert_labelled(&edge.store, id, &format!("{id}{label}"), 1);
    }
    edge.synced().await;
    assert_eq!(rows(&edge.store), rows(&cloud.store));
    let saved = edge.sync.sync_now().await.unwrap();
    assert_eq!((saved.pushed_transactions, saved.pulled_transactions, saved.conflicts), (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_now_says_what_it_did() {
    let cloud = Cloud::start().await;
    create_items(&cloud.store, "items");
    let edge = Edge::start(MemoryDisk::default(), SyncOptions { schedule: Schedule::Manual, ..cloud.options("a") });
    edge.synced().await;
    for id in 0..5 {
        insert(&edge.store, id, 1);
    }
    insert(&cloud.store, 10, 1);
    insert(&cloud.store, 11, 1);
    let summary = edge.sync.sync_now().await.unwrap();
    assert_eq!((summary.pushed_transactions, summary.pulled_transactions, summary.conflicts), (5, 2, 0));
    assert!(summary.bytes_sent > 0 && summary.bytes_received > 0);
    assert_eq!(ids(&edge.store), ids(&cloud.store));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manual_schedule_syncs_only_when_asked() {
    let cloud = Cloud::start().await;
    create_items(&cloud.store, "items");
    let edge = Edge::start(MemoryDisk::default(), SyncOptions { schedule: Schedule::Manual, ..cloud.options("a") });
    edge.synced().await;
    eventually("it hung up", || cloud.hub.connected() == 0).await;
    insert(&edge.store, 1, 1);
    insert(&cloud.store, 2, 1);
    // Another edge, which syncs by itself, shows that there was time to.
    let other = cloud.edge("b");
    other.synced().await;
    assert_eq!(ids(&other.store), [2]);
    assert_eq!(ids(&edge.store), [1]);
    edge.synced().await;
    assert_eq!(ids(&edge.store), [1, 2]);
    assert_eq!(ids(&cloud.store), [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interval_syncs_again_and_again_and_hangs_up() {
    let cloud = Cloud::start().await;
    create_items(&cloud.store, "items");
    let options =
        SyncOptions { schedule: Schedule::Interval, sync_interval: Duration::from_millis(100), ..cloud.options("a") };
    let edge = Edge::start(MemoryDisk::default(), options);
    for id in 0..3 {
        edge.enrolled().await;
        eventually("the table is there", || has_items(&edge.store)).await;
        insert(&edge.store, id, 1);
        insert(&cloud.store, 100 + id, 1);
        eventually("both have both", || stock(&cloud.store, id) == Some(1) && stock(&edge.store, 100 + id) == Some(1))
            .await;
        eventually("it hung up", || cloud.hub.connected() == 0).await;
    }
    assert_eq!(edge.sync.status().state, SyncState::Online);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_lasts_until_it_is_ended() {
    let cloud = Cloud::start().await;
    create_items(&cloud.store, "items");
    let edge = cloud.edge("a");
    edge.synced().await;
    edge.sync.pause().unwrap();
    eventually("it hung up", || cloud.hub.connected() == 0).await;
    assert_eq!(edge.sync.status().state, SyncState::Paused);
    assert!(matches!(edge.sync.sync_now().await, Err(Error::WrongState { .. })));
    assert!(matches!(edge.sync.wait_for_sync(PATIENCE).await, Err(Error::WrongState { .. })));
    insert(&edge.store, 1, 1);

    // It survives a restart.
    let disk = edge.stop().await;
    let edge = Edge::start(disk, cloud.options("a"));
    assert_eq!(edge.sync.status().state, SyncState::Paused);
    let other = cloud.edge("b");
    other.synced().await;
    assert!(ids(&cloud.store).is_empty());

    edge.sync.resume().unwrap();
    eventually("the row arrives", || stock(&cloud.store, 1) == Some(1)).await;
    assert!(edge.sync.wait_for_sync(PATIENCE).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_a_constraint_is_a_dead_letter() {
    let cloud = Cloud::start().await;
    create_items(&cloud.store, "items");
    let edge = Edge::start(MemoryDisk::default(), SyncOptions { schedule: Schedule::Manual, ..cloud.options("a") });
    edge.synced().await;
    insert_labelled(&cloud.store, 1, "taken", 1);
    insert_labelled(&edge.store, 2, "taken", 1);
    insert_labelled(&edge.store, 3, "free", 1);
    let summary = edge.sync.sync_now().await.unwrap();
    assert_eq!((summary.pushed_transactions, summary.conflicts), (1, 1));
    assert_eq!(ids(&cloud.store), [1, 3]);
    assert_eq!(edge.store.outbox_counts().dead, 1);
    let seq = LocalSeq(1);

    // Tried again it fails again; the other row has to go first.
    assert!(edge.sync.retry_dead_letter(seq).unwrap());
    assert_eq!(edge.sync.sync_now().await.unwrap().conflicts, 1);
    assert!(edge.sync.discard_dead_letter(seq).unwrap());
    assert!(!edge.sync.discard_dead_letter(seq).unwrap());
    edge.synced().await;
    assert_eq!(edge.store.outbox_counts().dead, 0);
    assert_eq!(rows(&edge.store), rows(&cloud.store));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_that_is_mended_goes_through() {
    let cloud = Cloud::start().await;
    create_items(&cloud.store, "items");
    let edge = cloud.edge("a");
    edge.synced().await;
    edge.sync.pause().unwrap();
    insert_labelled(&cloud.store, 1, "taken", 1);
    insert_labelled(&edge.store, 2, "taken", 1);
    edge.sync.resume().unwrap();
    eventually("it is a dead letter", || edge.store.outbox_counts().dead == 1).await;
    relabel(&cloud.store, 1, "another");
    // The session is connected all the time, and far beyond this position of the outbox.
    insert(&edge.store, 3, 1);
    edge.synced().await;
    assert!(edge.sync.retry_dead_letter(LocalSeq(1)).unwrap());
    eventually("it is merged", || ids(&cloud.store) == [1, 2, 3]).await;
    edge.synced().await;
    assert_eq!(rows(&edge.store), rows(&cloud.store));
}

fn relabel(store: &Arc<heliosdb_storage::Store>, id: i32, label: &str) {
    use heliosdb_storage::transaction::RowLock;
    use heliosdb_storage::{ColumnChange, Value, WriteOrigin};
    let (table, key) = (crate::fixture::table(store), crate::fixture::key(id));
    let mut txn = store.begin(WriteOrigin::Local);
    txn.begin_statement().unwrap();
    txn.lock_row(&table, &key, RowLock::NoKeyUpdate).unwrap().unwrap();
    txn.update_row(&table, &key, vec![(1, ColumnChange::Set(Value::text(label)))]).unwrap();
    txn.end_statement().unwrap();
    txn.commit().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_ends_at_the_timeout_if_the_hub_is_away() {
    let cloud = Cloud::start().await;
    let edge = cloud.edge("a");
    edge.synced().await;
    cloud.stop().await;
    assert!(!edge.sync.wait_for_sync(Duration::from_millis(100)).await.unwrap());
    assert!(matches!(edge.sync.sync_now().await, Err(Error::Line(_))));
    assert_eq!(edge.sync.status().state, SyncState::Offline);
    assert!(edge.sync.status().last_error.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn offline_mode_never_connects() {
    let cloud = Cloud::start().await;
    let edge = cloud.edge("a");
    edge.synced().await;
    let disk = edge.stop().await;
    eventually("it hung up", || cloud.hub.connected() == 0).await;
    let edge = Edge::start(disk, SyncOptions { offline_mode: true, ..cloud.options("a") });
    let error = edge.sync.sync_now().await.unwrap_err().to_string();
    assert!(error.contains("offline_mode"), "{error}");
    assert_eq!(cloud.hub.connected(), 0);
    assert_eq!(edge.sync.status().state, SyncState::Offline);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_dropped_while_a_merge_waits_for_it_costs_no_connection() {
    let cloud = Cloud::start().await;
    create_items(&cloud.store, "items");
    let edge = cloud.edge("a");
    edge.synced().await;
    let table = crate::fixture::table(&cloud.store);
    let mut drop_it = cloud.store.begin(WriteOrigin::Local);
    drop_it.begin_statement().unwrap();
    drop_it.drop_table(table.id).unwrap();
    drop_it.end_statement().unwrap();
    let received = || cloud.hub.traffic().received.load(Ordering::Relaxed);
    let before = received();
    insert(&edge.store, 1, 1);
    let sync = edge.sync.clone();
    let round = tokio::spawn(async move { sync.sync_now().await });
    eventually("the push arrives", || received() > before).await;
    // Nothing tells that the merge waits for the lock; if it does not yet, this shows less, but is not wrong.
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop_it.commit().unwrap();
    assert_eq!(round.await.unwrap().unwrap().conflicts, 1);
    assert_eq!(edge.store.outbox_counts().pending_transactions, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_answers_for_itself() {
    let cloud = Cloud::start().await;
    let sync = SyncHandle::of_hub(Arc::clone(&cloud.hub));
    assert!(sync.wait_for_sync(PATIENCE).await.unwrap());
    assert_eq!(sync.sync_now().await.unwrap().pushed_transactions, 0);
    assert!(matches!(sync.pause(), Err(Error::WrongState { .. })));
    assert!(sync.create_enrollment_token("x", "{}", PATIENCE, 1).unwrap().starts_with("hel1."));
    assert!(sync.create_enrollment_token("x", "[]", PATIENCE, 1).is_err());
    assert!(sync.create_enrollment_token("x", "{}", PATIENCE, 0).is_err());
    let edge = cloud.edge("a");
    edge.enrolled().await;
    assert!(matches!(edge.sync.create_enrollment_token("x", "{}", PATIENCE, 1), Err(Error::WrongState { .. })));
}
