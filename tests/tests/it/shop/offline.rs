//! The cloud is away; both registers sell; one is killed in the middle; the cloud comes back.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use heliosdb_tests::fleet::{self, Node};
use heliosdb_tests::proxy::Proxy;

use super::register::{Address, Register};
use super::watcher::Watcher;
use super::{LIMIT, assert_agreement, baskets, open_shop, wait_for_sync, wait_until_stocked};

#[tokio::test(flavor = "multi_thread")]
async fn registers_sell_while_the_cloud_is_away() {
    let line = Proxy::start().await.unwrap();
    let mut cloud = Node::cloud().await;
    line.set_target(cloud.http());
    let headquarters = cloud.client().await;
    open_shop(&headquarters).await;
    let token = fleet::token(&headquarters, "register-1").await;
    let register_1 = Node::edge("register-1", line.address(), &token).await;
    let token = fleet::token(&headquarters, "register-2").await;
    let mut register_2 = Node::edge("register-2", line.address(), &token).await;
    wait_until_stocked(&register_1).await;
    wait_until_stocked(&register_2).await;

    cloud.stop().await;
    let address_1: Address = Arc::new(Mutex::new(register_1.pg()));
    let address_2: Address = Arc::new(Mutex::new(register_2.pg()));
    let watcher = Watcher::start([Arc::clone(&address_1), Arc::clone(&address_2)]);
    let till_1 = Register::new("register-1", address_1, 1);
    let till_2 = Register::new("register-2", Arc::clone(&address_2), 2);
    let progress = Arc::clone(&till_2.progress);
    let selling_1 = tokio::spawn(till_1.sell(baskets()));
    let selling_2 = tokio::spawn(till_2.sell(baskets()));

    fleet::until("the second register is in the middle", LIMIT, || async {
        progress.load(Ordering::Relaxed) >= baskets() / 2
    })
    .await;
    register_2.kill().await;
    register_2.start().await;
    *address_2.lock().unwrap() = register_2.pg();
    let sold_1 = selling_1.await.unwrap();
    let sold_2 = selling_2.await.unwrap();
    let pending =
        register_1.client().await.query_one("SELECT pending_transactions FROM sync.status", &[]).await.unwrap();
    assert_eq!(usize::try_from(pending.get::<_, i64>(0)).unwrap(), baskets(), "everything waits for the cloud");

    cloud.start().await;
    let watcher_of_cloud = Watcher::start([Arc::new(Mutex::new(cloud.pg()))]);
    line.set_target(cloud.http());
    wait_for_sync(&register_1).await;
    wait_for_sync(&register_2).await;
    wait_for_sync(&register_1).await;
    watcher.finish().await;
    watcher_of_cloud.finish().await;

    let sold = std::array::from_fn(|product| sold_1[product] + sold_2[product]);
    let sales = i64::try_from(2 * baskets()).unwrap();
    assert_agreement(&[&cloud, &register_1, &register_2], sales, &sold).await;
}
