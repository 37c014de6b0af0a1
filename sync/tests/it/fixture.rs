//! Hubs, edges and tables for the tests.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use heliosdb_storage::base::MemoryDisk;
use heliosdb_storage::catalog::{CheckDef, CrdtType, IndexDef, NewColumn, NewTable, SyncMode, TableDef};
use heliosdb_storage::constraints::{RowChecker, RowContext};
use heliosdb_storage::key::KeyRange;
use heliosdb_storage::store::Backend;
use heliosdb_storage::sync_row::Role;
use heliosdb_storage::transaction::{Direction, RowLock};
use heliosdb_storage::value::ColumnType;
use heliosdb_storage::{ColumnChange, DataType, RowKey, Store, StoreOptions, Transaction, Value, WriteOrigin};
use heliosdb_sync::config::{Backoff, LineTimes, WallClock};
use heliosdb_sync::hub::Hub;
use heliosdb_sync::transport::{HttpOptions, HttpServer};
use heliosdb_sync::{HubOptions, SyncHandle, SyncOptions};

/// Longer than anything here takes; only a failing test waits for so long.
pub const PATIENCE: Duration = Duration::from_secs(30);

struct NoChecks;

impl RowChecker for NoChecks {
    fn check(&self, _: &RowContext<'_>, _: &CheckDef) -> heliosdb_storage::Result<bool> {
        Ok(true)
    }
}

pub fn open(disk: &MemoryDisk) -> Arc<Store> {
    Store::open(StoreOptions {
        backend: Backend::Memory(disk.clone()),
        cache_bytes: 4 << 20,
        queue_capacity: 100_000,
        deadlock_timeout: Duration::from_millis(100),
        apply_lock_wait: Duration::from_millis(500),
        wall_clock: WallClock::default().0,
        row_checker: Arc::new(NoChecks),
    })
    .unwrap()
}

/// Pings so often that a dead line is found while a test waits.
pub fn quick_line() -> LineTimes {
    LineTimes {
        ping_every: Duration::from_millis(50),
        dead_after: Duration::from_millis(500),
        handshake: Duration::from_secs(2),
    }
}

/// A hub with its listener.
pub struct Cloud {
    pub disk: MemoryDisk,
    pub store: Arc<Store>,
    pub hub: Arc<Hub>,
    pub server: HttpServer,
}

impl Cloud {
    pub async fn start() -> Self {
        Self::start_on(MemoryDisk::default(), "127.0.0.1:0".parse().unwrap(), |_| {}).await
    }

    pub async fn start_on(disk: MemoryDisk, listen: SocketAddr, change: impl FnOnce(&mut HubOptions)) -> Self {
        let store = open(&disk);
        let mut options = HubOptions { insecure: true, registry_interval: Duration::ZERO, ..HubOptions::new("hq") };
        change(&mut options);
        let hub = Hub::open(Arc::clone(&store), options).unwrap();
        let ready = Arc::new(|| Ok(()));
        let options = HttpOptions { listen, hub: Some(Arc::clone(&hub)), ready, routes: Vec::new() };
        let server = HttpServer::start(options).await.unwrap();
        Self { disk, store, hub, server }
    }

    /// Ends it as a kill would, but for the memory: what was committed is on the disk.
    pub async fn stop(self) -> (MemoryDisk, SocketAddr) {
        let address = self.server.address();
        self.server.stop().await;
        (self.disk, address)
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    pub fn token(&self) -> String {
        self.hub.create_token("*", serde_json::json!({}), Duration::from_secs(3600), 100).unwrap()
    }

    pub fn options(&self, node_id: &str) -> SyncOptions {
        SyncOptions {
            cloud_endpoint: Some(self.url()),
            token: Some(self.token()),
            insecure: true,
            backoff: Backoff { first: Duration::from_millis(5), most: Duration::from_millis(50) },
            ..SyncOptions::new(node_id)
        }
    }

    /// An edge that enrols at once.
    pub fn edge(&self, node_id: &str) -> Edge {
        Edge::start(MemoryDisk::default(), self.options(node_id))
    }
}

/// An edge with its worker.
pub struct Edge {
    pub disk: MemoryDisk,
    pub store: Arc<Store>,
    pub sync: SyncHandle,
}

impl Edge {
    pub fn start(disk: MemoryDisk, options: SyncOptions) -> Self {
        let store = open(&disk);
        let sync = SyncHandle::start_edge(Arc::clone(&store), options).unwrap();
        Self { disk, store, sync }
    }

    pub async fn stop(self) -> MemoryDisk {
        self.sync.stop().await;
        self.disk
    }

    pub async fn enrolled(&self) {
        eventually("the edge is enrolled", || self.store.identity().role == Role::Edge).await;
    }

    /// Pushes and pulls everything.
    pub async fn synced(&self) {
        self.enrolled().await;
        assert!(self.sync.wait_for_sync(PATIENCE).await.unwrap(), "{:?}", self.sync.status());
    }
}

/// Waits until the condition holds.
pub async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !condition() {
        assert!(tokio::time::Instant::now() < deadline, "it never came to pass that {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn column(name: &str, data_type: DataType) -> NewColumn {
    let column_type = ColumnType { data_type, typmod: -1 };
    NewColumn::new(name, column_type)
}

/// `name (id int primary key, label text unique, stock pn_counter)`, synced if made on a hub.
pub fn create_items(store: &Arc<Store>, name: &str) -> Arc<TableDef> {
    let is_hub = store.identity().role == Role::Hub;
    let mut txn = store.begin(WriteOrigin::Local);
    txn.begin_statement().unwrap();
    let table = txn.create_table(NewTable {
        schema: "public".to_owned(),
        name: name.to_owned(),
        columns: vec![
            column("id", DataType::Int4),
            column("label", DataType::Text),
            NewColumn { crdt: Some(CrdtType::PnCounter), ..column("stock", DataType::Int8) },
        ],
        primary_key: Some((format!("{name}_pkey"), vec![0])),
        indexes: vec![IndexDef::unique_constraint(format!("{name}_label_key"), &[1])],
        sync: if is_hub { SyncMode::Both } else { SyncMode::None },
        ..NewTable::default()
    });
    txn.end_statement().unwrap();
    txn.commit().unwrap();
    table.unwrap()
}

pub fn table(store: &Arc<Store>) -> Arc<TableDef> {
    Arc::clone(store.catalog().table("public", "items").expect("there is no table items"))
}

pub fn has_items(store: &Arc<Store>) -> bool {
    store.catalog().table("public", "items").is_some()
}

pub fn key(id: i32) -> RowKey {
    RowKey::of_values(&[Value::Int4(id)]).unwrap()
}

fn autocommit<T>(store: &Arc<Store>, work: impl FnOnce(&mut Transaction, &Arc<TableDef>) -> T) -> T {
    let table = table(store);
    let mut txn = store.begin(WriteOrigin::Local);
    txn.begin_statement().unwrap();
    let result = work(&mut txn, &table);
    txn.end_statement().unwrap();
    txn.commit().unwrap();
    result
}

/// Inserts a row whose label is its own.
pub fn insert(store: &Arc<Store>, id: i32, stock: i64) {
    insert_labelled(store, id, &format!("{}-{id}", store.identity().site), stock);
}

pub fn insert_labelled(store: &Arc<Store>, id: i32, label: &str, stock: i64) {
    let row = vec![Value::Int4(id), Value::text(label), Value::Int8(stock)];
    autocommit(store, |txn, table| txn.insert_row(table, row).unwrap());
}

/// Adds to the stock of a row.
pub fn add(store: &Arc<Store>, id: i32, difference: i64) {
    autocommit(store, |txn, table| {
        txn.lock_row(table, &key(id), RowLock::NoKeyUpdate).unwrap().expect("there is no such row");
        txn.update_row(table, &key(id), vec![(2, ColumnChange::Add(difference))]).unwrap();
    });
}

/// All rows as (id, label, stock).
pub fn rows(store: &Arc<Store>) -> Vec<(i32, String, i64)> {
    let table = table(store);
    let snapshot = store.snapshot();
    let rows = snapshot.scan(&table, &KeyRange::ALL, Direction::Forward).unwrap();
    rows.map(|entry| match entry.unwrap().1.as_slice() {
        [Value::Int4(id), Value::Text(label), Value::Int8(stock)] => (*id, label.to_string(), *stock),
        other => panic!("unexpected row {other:?}"),
    })
    .collect()
}

pub fn ids(store: &Arc<Store>) -> Vec<i32> {
    rows(store).into_iter().map(|(id, ..)| id).collect()
}

pub fn stock(store: &Arc<Store>, id: i32) -> Option<i64> {
    if !has_items(store) {
        return None;
    }
    rows(store).into_iter().find(|row| row.0 == id).map(|row| row.2)
}
