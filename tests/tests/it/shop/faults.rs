//! The line is cut at random points and black-holed for a while, and the cloud is killed, while the registers sell.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use heliosdb_tests::fleet::{self, Node};
use heliosdb_tests::proxy::{Line, Proxy};
use tokio::task::JoinHandle;

use super::register::{Address, Random, Register};
use super::watcher::Watcher;
use super::{assert_agreement, baskets, open_shop, wait_for_sync, wait_until_stocked};

struct Shop {
    cloud: Node,
    registers: [Node; 2],
    lines: [Arc<Proxy>; 2],
}

impl Shop {
    async fn open() -> Self {
        let cloud = Node::cloud().await;
        let headquarters = cloud.client().await;
        open_shop(&headquarters).await;
        let mut nodes = Vec::new();
        let mut lines = Vec::new();
        for id in ["register-1", "register-2"] {
            let line = Proxy::start().await.unwrap();
            line.set_target(cloud.http());
            let token = fleet::token(&headquarters, id).await;
            let node = Node::edge(id, line.address(), &token).await;
            wait_until_stocked(&node).await;
            nodes.push(node);
            lines.push(Arc::new(line));
        }
        Self { cloud, registers: nodes.try_into().ok().unwrap(), lines: lines.try_into().ok().unwrap() }
    }

    fn sell(&self) -> Vec<JoinHandle<[i64; 5]>> {
        (1..)
            .zip(&self.registers)
            .map(|(seed, node)| {
                let name = if seed == 1 { "register-1" } else { "register-2" };
                let till = Register::new(name, address(node), seed);
                tokio::spawn(till.sell(baskets()))
            })
            .collect()
    }

    async fn close(self, selling: Vec<JoinHandle<[i64; 5]>>, sold_before: [i64; 5]) {
        let mut sold = sold_before;
        for till in selling {
            let one = till.await.unwrap();
            sold = std::array::from_fn(|product| sold[product] + one[product]);
        }
        for node in self.registers.iter().chain(&self.registers) {
            wait_for_sync(node).await;
        }
        let [first, second] = &self.registers;
        assert_agreement(&[&self.cloud, first, second], i64::try_from(2 * baskets()).unwrap(), &sold).await;
    }
}

fn address(node: &Node) -> Address {
    Arc::new(Mutex::new(node.pg()))
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_when_lines_break_at_random() {
    let shop = Shop::open().await;
    let watcher = Watcher::start([address(&shop.cloud), address(&shop.registers[0]), address(&shop.registers[1])]);
    let seed = std::env::var("HELIOS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7);
    println!("HELIOS_SEED={seed}");
    let breaking: Vec<_> =
        (1..).zip(&shop.lines).map(|(n, line)| tokio::spawn(break_line(Arc::clone(line), seed + n))).collect();
    let selling = shop.sell();
    while !selling.iter().all(JoinHandle::is_finished) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for task in breaking {
        task.abort();
        // Aborted in the middle of a fault, usually.
        let _ = task.await;
    }
    for line in &shop.lines {
        assert!(line.accepted() > 3, "the line broke several times");
        line.set_line(Line::Up);
    }
    shop.close(selling, [0; 5]).await;
    watcher.finish().await;
}

/// Cuts the line after random times; one time in eight it swallows everything for a while first.
async fn break_line(line: Arc<Proxy>, seed: u64) {
    let mut random = Random(seed);
    loop {
        let pause = u64::try_from(random.below(300)).unwrap();
        tokio::time::sleep(Duration::from_millis(pause)).await;
        if random.below(8) == 0 {
            line.set_line(Line::BlackHole);
            tokio::time::sleep(Duration::from_secs(2)).await;
            line.set_line(Line::Up);
        }
        line.cut();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_when_the_cloud_is_killed() {
    let mut shop = Shop::open().await;
    let cloud_address = address(&shop.cloud);
    let watcher =
        Watcher::start([Arc::clone(&cloud_address), address(&shop.registers[0]), address(&shop.registers[1])]);
    let selling = shop.sell();
    for round in 0..3 {
        tokio::time::sleep(Duration::from_millis(300 + 200 * round)).await;
        shop.cloud.kill().await;
        shop.cloud.start().await;
        *cloud_address.lock().unwrap() = shop.cloud.pg();
        for line in &shop.lines {
            line.set_target(shop.cloud.http());
        }
    }
    shop.close(selling, [0; 5]).await;
    watcher.finish().await;
}
