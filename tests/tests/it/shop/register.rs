//! A register: sells baskets through a PostgreSQL driver, and knows what it has sold.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use heliosdb_tests::fleet;
use tokio_postgres::Client;
use uuid::Uuid;

use super::SKUS;

/// Where a node answers at the moment; changes when it is restarted.
pub type Address = Arc<Mutex<SocketAddr>>;

/// A register's till roll.
pub struct Register {
    name: &'static str,
    node: Address,
    random: Random,
    sold: [i64; 5],
    /// Baskets acknowledged so far, for those who wait for the middle.
    pub progress: Arc<AtomicUsize>,
}

type Line = (usize, i32);

impl Register {
    pub fn new(name: &'static str, node: Address, seed: u64) -> Self {
        Self { name, node, random: Random(seed), sold: [0; 5], progress: Arc::default() }
    }

    /// Sells so many baskets of three lines, come what may, and returns what was sold of each product.
    pub async fn sell(mut self, baskets: usize) -> [i64; 5] {
        let mut client = None;
        for _ in 0..baskets {
            let id = Uuid::new_v4();
            let lines = self.basket();
            self.sell_one(&mut client, id, lines).await;
            for (product, quantity) in lines {
                self.sold[product] += i64::from(quantity);
            }
            self.progress.fetch_add(1, Ordering::Relaxed);
        }
        self.sold
    }

    /// Three lines, the first two often of the same product.
    fn basket(&mut self) -> [Line; 3] {
        let first = self.random.below(5);
        let second = if self.random.below(2) == 0 { first } else { self.random.below(5) };
        let third = self.random.below(5);
        [first, second, third].map(|product| (product, i32::try_from(self.random.below(4)).unwrap() + 1))
    }

    /// Sells one basket. When the answer to a COMMIT is lost, the till asks whether the sale is there before it tries
    /// again, as a till must.
    async fn sell_one(&self, client: &mut Option<Client>, id: Uuid, lines: [Line; 3]) {
        loop {
            let connected = match client {
                Some(connected) => connected,
                None => client.insert(self.connect().await),
            };
            let known = connected.query_one("SELECT count(*) FROM sales WHERE id = $1", &[&id]).await;
            match known {
                Ok(row) if row.get::<_, i64>(0) == 1 => return,
                Ok(_) => {}
                Err(error) => {
                    self.expect_lost_connection(&error);
                    *client = None;
                    continue;
                }
            }
            match self.transaction(connected, id, lines).await {
                Ok(()) => return,
                Err(error) => {
                    self.expect_lost_connection(&error);
                    *client = None;
                }
            }
        }
    }

    async fn transaction(&self, client: &mut Client, id: Uuid, lines: [Line; 3]) -> Result<(), tokio_postgres::Error> {
        let sale = client.transaction().await?;
        sale.execute("INSERT INTO sales (id, register) VALUES ($1, $2)", &[&id, &self.name]).await?;
        for (line, (product, quantity)) in (1_i32..).zip(lines) {
            let sku = SKUS[product];
            sale.execute("INSERT INTO sale_lines VALUES ($1, $2, $3, $4)", &[&id, &line, &sku, &quantity]).await?;
            let changed = sale
                .execute("UPDATE products SET stock = stock - $1 WHERE sku = $2", &[&i64::from(quantity), &sku])
                .await?;
            assert_eq!(changed, 1, "{sku} is in the shop");
        }
        sale.commit().await
    }

    /// Only a killed node may fail a sale, and then by closing the connection.
    fn expect_lost_connection(&self, error: &tokio_postgres::Error) {
        assert!(error.is_closed() || error.as_db_error().is_none(), "{} cannot sell: {error:?}", self.name);
    }

    async fn connect(&self) -> Client {
        loop {
            let address = *self.node.lock().unwrap();
            if let Ok(client) = fleet::connect(address).await {
                return client;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// A small generator of repeatable numbers (xorshift64*).
pub struct Random(pub u64);

impl Random {
    /// A number below the bound.
    pub fn below(&mut self, bound: u64) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from((self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % bound).unwrap()
    }
}
