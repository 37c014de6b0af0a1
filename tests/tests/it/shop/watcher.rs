//! Watchers: look at a node all the time while it merges, and fail if they ever see what must not be seen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use heliosdb_tests::fleet;
use tokio::task::JoinHandle;

use super::START;
use super::register::Address;

/// Watches nodes until it is told to stop.
pub struct Watcher {
    stop: Arc<AtomicBool>,
    looks: Arc<AtomicUsize>,
    tasks: Vec<JoinHandle<()>>,
}

impl Watcher {
    pub fn start(nodes: impl IntoIterator<Item = Address>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let looks = Arc::new(AtomicUsize::new(0));
        let tasks =
            nodes.into_iter().map(|node| tokio::spawn(watch(node, Arc::clone(&stop), Arc::clone(&looks)))).collect();
        Self { stop, looks, tasks }
    }

    /// Ends the watch; fails if a watcher saw something wrong or if none ever looked.
    pub async fn finish(self) {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.expect("no watcher saw a torn sale or a stock that jumped");
        }
        assert!(self.looks.load(Ordering::Relaxed) > 10, "the watchers looked");
    }
}

async fn watch(node: Address, stop: Arc<AtomicBool>, looks: Arc<AtomicUsize>) {
    let mut client = None;
    let mut sales_seen = 0;
    while !stop.load(Ordering::Relaxed) {
        if client.is_none() {
            let address = *node.lock().unwrap();
            client = fleet::connect(address).await.ok();
        }
        if let Some(connected) = &client {
            match look(connected).await {
                Ok(Some(sales)) => {
                    assert!(sales >= sales_seen, "sales vanished: {sales_seen} then {sales}");
                    sales_seen = sales;
                    looks.fetch_add(1, Ordering::Relaxed);
                }
                Ok(None) => {}
                Err(error) if error.as_db_error().is_none() => client = None,
                Err(error) => panic!("a watcher's query failed: {error:?}"),
            }
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Looks once, each rule by one statement, because a statement sees one moment. None before the shop is stocked.
async fn look(client: &tokio_postgres::Client) -> Result<Option<i64>, tokio_postgres::Error> {
    let products = client
        .query(
            "SELECT p.sku, p.stock + coalesce((SELECT sum(l.qty) FROM sale_lines l WHERE l.sku = p.sku), 0)::int8 \
             FROM products p",
            &[],
        )
        .await?;
    for row in &products {
        let (sku, total): (String, i64) = (row.get(0), row.get(1));
        assert_eq!(total, START, "stock and sold lines of {sku} do not add up");
    }
    let row = client.query_one("SELECT (SELECT count(*) FROM sales), (SELECT count(*) FROM sale_lines)", &[]).await?;
    let (sales, lines): (i64, i64) = (row.get(0), row.get(1));
    assert_eq!(lines, sales * 3, "a sale without its lines");
    Ok((!products.is_empty()).then_some(sales))
}
