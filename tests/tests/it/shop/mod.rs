//! The main job: registers sell while the cloud is away, and everybody agrees afterwards, exactly.

mod faults;
mod offline;
mod register;
mod watcher;

use std::time::Duration;

use heliosdb_tests::fleet::{self, Node};
use tokio_postgres::Client;

/// What each product has in stock when the shop opens.
const START: i64 = 100_000;

/// The products. Few, so that the registers sell the same ones all the time.
const SKUS: [&str; 5] = ["apple", "bread", "coffee", "dates", "eggs"];

/// How long the fleet may take to agree; far more than it needs.
const LIMIT: Duration = Duration::from_secs(240);

const SCHEMA: &str = "
    CREATE TABLE products (sku text PRIMARY KEY, name text NOT NULL, stock pn_counter NOT NULL DEFAULT 0);
    CREATE TABLE sales (id uuid PRIMARY KEY, register text NOT NULL, sold_at timestamptz NOT NULL DEFAULT now());
    CREATE TABLE sale_lines (
        sale_id uuid NOT NULL REFERENCES sales (id),
        line int NOT NULL,
        sku text NOT NULL REFERENCES products (sku),
        qty int NOT NULL CHECK (qty > 0),
        PRIMARY KEY (sale_id, line));
    CREATE INDEX sale_lines_sku ON sale_lines (sku);";

/// How many baskets each register sells.
fn baskets() -> usize {
    std::env::var("HELIOS_SHOP_BASKETS").ok().and_then(|n| n.parse().ok()).unwrap_or(1000)
}

/// Makes the tables and the stock on the cloud.
async fn open_shop(cloud: &Client) {
    cloud.batch_execute(SCHEMA).await.unwrap();
    for sku in SKUS {
        cloud
            .execute("INSERT INTO products (sku, name, stock) VALUES ($1, upper($1), $2)", &[&sku, &START])
            .await
            .unwrap();
    }
}

/// Waits until an edge has all that the cloud has.
async fn wait_until_stocked(edge: &Node) {
    let client = edge.client().await;
    fleet::until("the shop's tables arrive", LIMIT, || async {
        client.query_one("SELECT count(*) FROM products", &[]).await.is_ok_and(|row| row.get::<_, i64>(0) == 5)
    })
    .await;
}

/// Waits until a node has nothing more to send or to fetch.
async fn wait_for_sync(edge: &Node) {
    let client = edge.client().await;
    fleet::until("the edge is in sync", LIMIT, || async {
        client.query_one("SELECT sync.wait_for_sync('10 s')", &[]).await.is_ok_and(|row| row.get::<_, bool>(0))
    })
    .await;
}

/// What a node says it has: sales, lines, and for each product its stock and what was sold of it.
#[derive(PartialEq, Eq, Debug)]
struct Books {
    sales: i64,
    lines: i64,
    products: Vec<(String, i64, i64)>,
}

async fn books(client: &Client) -> Books {
    let counts =
        client.query_one("SELECT (SELECT count(*) FROM sales), (SELECT count(*) FROM sale_lines)", &[]).await.unwrap();
    let products = client
        .query(
            "SELECT p.sku, p.stock, coalesce((SELECT sum(l.qty) FROM sale_lines l WHERE l.sku = p.sku), 0) \
             FROM products p ORDER BY p.sku",
            &[],
        )
        .await
        .unwrap();
    Books {
        sales: counts.get(0),
        lines: counts.get(1),
        products: products.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect(),
    }
}

/// Checks that all nodes have the same books, and that these are right.
async fn assert_agreement(nodes: &[&Node], sales: i64, sold: &[i64; 5]) {
    let expected = Books {
        sales,
        lines: sales * 3,
        products: SKUS.iter().zip(sold).map(|(&sku, &sold)| (sku.to_owned(), START - sold, sold)).collect(),
    };
    for node in nodes {
        let client = node.client().await;
        assert_eq!(books(&client).await, expected);
        let torn = client
            .query_one(
                "SELECT count(*) FROM sales s WHERE (SELECT count(*) FROM sale_lines l WHERE l.sale_id = s.id) <> 3",
                &[],
            )
            .await
            .unwrap();
        assert_eq!(torn.get::<_, i64>(0), 0);
        let dead = client.query_one("SELECT count(*) FROM sync.dead_letters", &[]).await.unwrap();
        assert_eq!(dead.get::<_, i64>(0), 0);
    }
}
