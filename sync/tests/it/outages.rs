//! Lines that break, hubs that go away or are set back.

use heliosdb_storage::base::MemoryDisk;
use heliosdb_sync::control::{Network, SyncState};
use heliosdb_sync::{HubOptions, SyncOptions};

use crate::fixture::{Cloud, Edge, PATIENCE, add, create_items, eventually, ids, insert, quick_line, rows, stock};
use crate::proxy::{Proxy, Weather};

fn quick(options: &mut HubOptions) {
    options.line = quick_line();
}

async fn quick_cloud() -> Cloud {
    Cloud::start_on(MemoryDisk::default(), "127.0.0.1:0".parse().unwrap(), quick).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_comes_back_gets_everything() {
    let cloud = Cloud::start().await;
    create_items(&cloud.store, "items");
    insert(&cloud.store, 1, 100);
    let edge = cloud.edge("a");
    edge.synced().await;
    let (disk, address) = cloud.stop().await;
    eventually("the edge notices", || edge.sync.status().state == SyncState::Offline).await;
    assert_eq!(edge.sync.status().network, Network::Offline);
    for id in 10..60 {
        insert(&edge.store, id, 1);
        add(&edge.store, 1, -1);
    }
    assert_eq!(stock(&edge.store, 1), Some(50));
    let cloud = Cloud::start_on(disk, address, |_| {}).await;
    edge.synced().await;
    assert_eq!(stock(&cloud.store, 1), Some(50));
    assert_eq!(rows(&edge.store), rows(&cloud.store));
    assert_eq!(edge.sync.status().state, SyncState::Online);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_that_restarts_goes_on_where_it_was() {
    let cloud = Cloud::start().await;
    create_items(&cloud.store, "items");
    insert(&cloud.store, 1, 100);
    let edge = cloud.edge("a");
    edge.synced().await;
    let site = edge.store.identity().site;
    edge.sync.stop().await;
    add(&edge.store, 1, -1);
    insert(&edge.store, 2, 1);
    let disk = edge.stop().await;
    // The token is not needed any more.
    let edge = Edge::start(disk, SyncOptions { token: None, ..cloud.options("a") });
    edge.synced().await;
    assert_eq!(edge.store.identity().site, site, "it is the same life");
    assert_eq!(stock(&cloud.store, 1), Some(99));
    assert_eq!(rows(&edge.store), rows(&cloud.store));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_connection_takes_over() {
    let cloud = quick_cloud().await;
    create_items(&cloud.store, "items");
    let proxy = Proxy::start(cloud.server.address()).await;
    let options = SyncOptions { cloud_endpoint: Some(proxy.url()), line: quick_line(), ..cloud.options("a") };
    let edge = Edge::start(MemoryDisk::default(), options.clone());
    edge.synced().await;
    // The old line hangs, but the hub does not know it yet; the edge comes again over another one.
    proxy.set(Weather::BlackHole);
    let disk = edge.stop().await;
    let edge = Edge::start(disk, SyncOptions { cloud_endpoint: Some(cloud.url()), ..options });
    edge.synced().await;
    insert(&edge.store, 1, 1);
    edge.synced().await;
    assert_eq!(ids(&cloud.store), [1]);
    eventually("one connection is left", || cloud.hub.connected() == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_swallows_everything_is_found_dead() {
    let cloud = quick_cloud().await;
    create_items(&cloud.store, "items");
    let proxy = Proxy::start(cloud.server.address()).await;
    let options = SyncOptions { cloud_endpoint: Some(proxy.url()), line: quick_line(), ..cloud.options("a") };
    let edge = Edge::start(MemoryDisk::default(), options);
    edge.synced().await;
    proxy.set(Weather::BlackHole);
    insert(&edge.store, 1, 1);
    eventually("the edge notices", || edge.sync.status().state == SyncState::Offline).await;
    eventually("so does the hub", || cloud.hub.connected() == 0).await;
    assert_eq!(ids(&edge.store), [1], "SQL goes on");
    proxy.set(Weather::Fine);
    edge.synced().await;
    assert_eq!(stock(&cloud.store, 1), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_cut_again_and_again_loses_nothing() {
    let cloud = quick_cloud().await;
    create_items(&cloud.store, "items");
    insert(&cloud.store, 1, 1000);
    let proxy = Proxy::start(cloud.server.address()).await;
    let options =
        SyncOptions { cloud_endpoint: Some(proxy.url()), line: quick_line(), batch_size: 3, ..cloud.options("a") };
    let edge = Edge::start(MemoryDisk::default(), options);
    edge.synced().await;
    for sold in 1..=100_i64 {
        add(&edge.store, 1, -1);
        insert(&cloud.store, 1000 + i32::try_from(sold).unwrap(), 1);
        assert_eq!(stock(&edge.store, 1), Some(1000 - sold), "the stock never jumps");
        if sold % 7 == 0 {
            let before = proxy.accepted();
            proxy.cut();
            eventually("the edge comes again", || proxy.accepted() > before).await;
        }
    }
    edge.synced().await;
    assert_eq!(stock(&cloud.store, 1), Some(900));
    assert_eq!(rows(&edge.store), rows(&cloud.store));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_was_set_back_gets_back_what_the_edges_kept() {
    let cloud = Cloud::start().await;
    create_items(&cloud.store, "items");
    insert(&cloud.store, 1, 100);
    let (a, b) = (cloud.edge("a"), cloud.edge("b"));
    a.synced().await;
    b.synced().await;
    let copy = cloud.disk.fork();
    add(&a.store, 1, -1);
    insert(&a.store, 2, 2);
    a.synced().await;
    b.synced().await;
    assert_eq!(stock(&b.store, 1), Some(99));
    insert(&cloud.store, 50, 5);
    a.synced().await;
    let epoch = cloud.store.identity().cursor.epoch;

    let (_, address) = cloud.stop().await;
    let cloud = Cloud::start_on(copy, address, |_| {}).await;
    a.synced().await;
    b.synced().await;
    a.synced().await;
    assert!(cloud.store.identity().cursor.epoch > epoch);
    // What the edges had done is back; what the hub alone had done since the copy is lost everywhere.
    assert_eq!(stock(&cloud.store, 1), Some(99));
    assert_eq!(ids(&cloud.store), [1, 2]);
    b.synced().await;
    for edge in [&a, &b] {
        eventually("they agree", || rows(&edge.store) == rows(&cloud.store)).await;
        assert_eq!(edge.store.identity().cursor.epoch, cloud.store.identity().cursor.epoch);
    }
    // And all goes on.
    insert(&a.store, 3, 3);
    a.synced().await;
    b.synced().await;
    assert_eq!(ids(&b.store), [1, 2, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_forgets_nobody_over_a_restart() {
    let cloud = Cloud::start().await;
    let edge = cloud.edge("a");
    edge.synced().await;
    let token = cloud.token();
    let (disk, address) = cloud.stop().await;
    let cloud = Cloud::start_on(disk, address, |_| {}).await;
    assert_eq!(cloud.hub.nodes().len(), 1);
    edge.synced().await;
    // Site numbers are not given twice, and tokens still count.
    let options = SyncOptions { token: Some(token), ..cloud.options("b") };
    let other = Edge::start(MemoryDisk::default(), options);
    other.synced().await;
    assert_ne!(other.store.identity().site, edge.store.identity().site);
    eventually("progress is written down", || cloud.hub.nodes().iter().all(|node| node.acknowledged.n > 0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_ends_what_waits() {
    let cloud = Cloud::start().await;
    let edge = cloud.edge("a");
    edge.synced().await;
    cloud.stop().await;
    let sync = edge.sync.clone();
    let (waited, ()) = tokio::join!(sync.wait_for_sync(PATIENCE), edge.sync.stop());
    assert!(matches!(waited, Err(heliosdb_sync::Error::ShuttingDown)), "{waited:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_depends_on_another_edge_waits_for_it_after_the_hub_was_set_back() {
    let cloud = Cloud::start().await;
    create_items(&cloud.store, "items");
    let (a, b) = (cloud.edge("a"), cloud.edge("b"));
    a.synced().await;
    b.synced().await;
    let copy = cloud.disk.fork();
    insert(&b.store, 5, 10);
    b.synced().await;
    a.synced().await;
    add(&a.store, 5, -1);
    a.synced().await;
    let disk_of_b = b.stop().await;

    let (_, address) = cloud.stop().await;
    let cloud = Cloud::start_on(copy, address, |_| {}).await;
    let epoch = || cloud.store.identity().cursor.epoch;
    eventually("a follows the new epoch", || {
        a.sync.status().state == SyncState::Online && a.store.identity().cursor.epoch == epoch()
    })
    .await;
    // It is neither merged nor refused.
    assert!(!a.sync.wait_for_sync(std::time::Duration::from_millis(200)).await.unwrap());
    assert_eq!(stock(&cloud.store, 5), None);
    assert_eq!((a.store.outbox_counts().pending_transactions, a.store.outbox_counts().dead), (1, 0));

    let b = Edge::start(disk_of_b, cloud.options("b"));
    eventually("both are merged", || stock(&cloud.store, 5) == Some(9)).await;
    a.synced().await;
    b.synced().await;
    assert_eq!(rows(&a.store), rows(&cloud.store));
    assert_eq!(rows(&b.store), rows(&cloud.store));
}
