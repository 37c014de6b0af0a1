//! Copies of an edge's folder that live on beside the original, or instead of it.

use heliosdb_sync::{Schedule, SyncOptions};

use crate::fixture::{Cloud, Edge, add, create_items, eventually, ids, insert, rows, stock};

fn manual(cloud: &Cloud) -> SyncOptions {
    SyncOptions { schedule: Schedule::Manual, ..cloud.options("a") }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_was_behind_begins_a_new_life() {
    let cloud = Cloud::start().await;
    create_items(&cloud.store, "items");
    let edge = Edge::start(Default::default(), manual(&cloud));
    edge.synced().await;
    insert(&edge.store, 1, 1);
    edge.synced().await;
    let copy = edge.disk.fork();
    insert(&edge.store, 2, 2);
    edge.synced().await;
    let (site, last) = (edge.store.identity().site, edge.store.last_local_seq());
    edge.stop().await;

    // The folder is set back to the copy, and works on before it can sync.
    let edge = Edge::start(copy, manual(&cloud));
    insert(&edge.store, 3, 3);
    insert(&edge.store, 4, 4);
    edge.synced().await;
    assert_ne!(edge.store.identity().site, site);
    assert!(edge.store.last_local_seq() >= last);
    assert_eq!(ids(&cloud.store), [1, 2, 3, 4]);
    assert_eq!(rows(&edge.store), rows(&cloud.store));
    insert(&edge.store, 5, 5);
    edge.synced().await;
    assert_eq!(ids(&cloud.store), [1, 2, 3, 4, 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_both_copies_carry_counts_once() {
    let cloud = Cloud::start().await;
    create_items(&cloud.store, "items");
    insert(&cloud.store, 1, 100);
    let original = Edge::start(Default::default(), manual(&cloud));
    original.synced().await;
    // Committed before the copy, pushed by both.
    add(&original.store, 1, -1);
    add(&original.store, 1, -2);
    let twin = Edge::start(original.disk.fork(), manual(&cloud));
    // Committed after it, under the same id by each.
    add(&original.store, 1, -10);
    add(&twin.store, 1, -20);
    insert(&original.store, 2, 2);
    insert(&twin.store, 3, 3);
    for _ in 0..3 {
        twin.synced().await;
        original.synced().await;
    }
    assert_eq!(stock(&cloud.store, 1), Some(100 - 1 - 2 - 10 - 20));
    assert_eq!(ids(&cloud.store), [1, 2, 3]);
    twin.synced().await;
    assert_eq!(rows(&original.store), rows(&cloud.store));
    assert_eq!(rows(&twin.store), rows(&cloud.store));
    assert_ne!(original.store.identity().site, twin.store.identity().site);
}

#[tokio::test(flavor = "multi_thread")]
async fn twins_that_are_both_connected_settle_it() {
    let cloud = Cloud::start().await;
    create_items(&cloud.store, "items");
    insert(&cloud.store, 1, 1000);
    let original = cloud.edge("a");
    original.synced().await;
    let twin = Edge::start(original.disk.fork(), cloud.options("a"));
    // Different amounts: the same change under the same id in the same millisecond would be the same transaction.
    for _ in 0..20 {
        add(&original.store, 1, -1);
        add(&twin.store, 1, -2);
    }
    original.synced().await;
    twin.synced().await;
    original.synced().await;
    twin.synced().await;
    assert_eq!(stock(&cloud.store, 1), Some(940));
    original.synced().await;
    assert_eq!(rows(&original.store), rows(&cloud.store));
    assert_eq!(rows(&twin.store), rows(&cloud.store));
    assert_ne!(original.store.identity().site, twin.store.identity().site);
}

#[tokio::test(flavor = "multi_thread")]
async fn twins_that_commit_nothing_do_not_fight_for_ever() {
    let cloud = Cloud::start().await;
    create_items(&cloud.store, "items");
    let original = cloud.edge("a");
    original.synced().await;
    let site = original.store.identity().site;
    let twin = Edge::start(original.disk.fork(), cloud.options("a"));
    let sites = || [original.store.identity().site, twin.store.identity().site];
    eventually("one of the two begins a new life", || sites().iter().any(|own| *own != site)).await;
    eventually("both are connected", || cloud.hub.connected() == 2).await;
    insert(&original.store, 1, 1);
    insert(&twin.store, 2, 2);
    original.synced().await;
    twin.synced().await;
    original.synced().await;
    assert_eq!(ids(&cloud.store), [1, 2]);
    assert_eq!(rows(&original.store), rows(&cloud.store));
    let [first, second] = sites();
    assert_ne!(first, second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_taken_back_before_an_acknowledgement_is_no_fork() {
    let cloud = Cloud::start().await;
    create_items(&cloud.store, "items");
    let edge = Edge::start(Default::default(), manual(&cloud));
    edge.synced().await;
    insert(&edge.store, 1, 1);
    let copy = edge.disk.fork();
    edge.synced().await;
    let site = edge.store.identity().site;
    edge.stop().await;
    let edge = Edge::start(copy, manual(&cloud));
    edge.synced().await;
    assert_eq!(edge.store.identity().site, site, "it knows all that the hub knows of it");
    assert_eq!(edge.store.outbox_counts().pending_transactions, 0);
    assert_eq!(rows(&edge.store), rows(&cloud.store));
}
