//! Stores and tables for the tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use heliosdb_storage::base::MemoryDisk;
use heliosdb_storage::catalog::{
    CheckDef, CrdtType, ForeignKeyDef, IndexDef, NewColumn, NewTable, RowExpression, SyncMode, TableDef,
};
use heliosdb_storage::constraints::{RowChecker, RowContext};
use heliosdb_storage::key::KeyRange;
use heliosdb_storage::store::Backend;
use heliosdb_storage::sync_row::{Identity, Role};
use heliosdb_storage::transaction::Direction;
use heliosdb_storage::value::ColumnType;
use heliosdb_storage::{
    DataType, Error, Result, Row, RowKey, ServerSeq, Store, StoreOptions, Transaction, Value, Violation, WriteOrigin,
};

/// Understands checks of the form `<column> > 0`; an unknown result passes.
struct PositiveChecker;

impl RowChecker for PositiveChecker {
    fn check(&self, at: &RowContext<'_>, check: &CheckDef) -> Result<bool> {
        let column = check.expression.text.strip_suffix(" > 0").unwrap();
        let slot = at.table.slot(column).unwrap();
        Ok(match at.row[slot] {
            Value::Int4(n) => n > 0,
            Value::Int8(n) => n > 0,
            _ => true,
        })
    }
}

pub fn options(backend: Backend) -> StoreOptions {
    let now = AtomicU64::new(1_700_000_000_000);
    StoreOptions {
        backend,
        cache_bytes: 4 << 20,
        queue_capacity: 1000,
        deadlock_timeout: Duration::from_millis(50),
        apply_lock_wait: Duration::from_millis(100),
        wall_clock: Arc::new(move || now.fetch_add(1, Ordering::Relaxed)),
        row_checker: Arc::new(PositiveChecker),
    }
}

pub fn open(disk: &MemoryDisk) -> Arc<Store> {
    Store::open(options(Backend::Memory(disk.clone()))).unwrap()
}

/// A store of its own.
pub fn store() -> Arc<Store> {
    open(&MemoryDisk::default())
}

/// A store that is a hub or an edge.
pub fn store_with_role(role: Role, site: u32) -> Arc<Store> {
    let store = store();
    set_role(&store, role, site);
    store
}

pub fn set_role(store: &Arc<Store>, role: Role, site: u32) {
    let mut txn = begin(store);
    txn.set_identity(Identity { role, site, cursor: ServerSeq { epoch: 1, n: 0 } }).unwrap();
    txn.commit().unwrap();
}

/// A transaction in its first statement.
pub fn begin(store: &Arc<Store>) -> Transaction {
    let mut txn = store.begin(WriteOrigin::Local);
    txn.begin_statement().unwrap();
    txn
}

pub fn column(name: &str, data_type: DataType) -> NewColumn {
    NewColumn::new(name, ColumnType { data_type, typmod: -1 })
}

pub fn counter(name: &str, crdt: CrdtType) -> NewColumn {
    NewColumn { crdt: Some(crdt), ..column(name, DataType::Int8) }
}

/// `name (id int primary key, v int)`
pub fn two_columns(name: &str) -> NewTable {
    NewTable {
        schema: "public".to_owned(),
        name: name.to_owned(),
        columns: vec![column("id", DataType::Int4), column("v", DataType::Int4)],
        primary_key: Some((format!("{name}_pkey"), vec![0])),
        ..NewTable::default()
    }
}

pub fn index(name: &str, slots: &[usize], unique: bool) -> IndexDef {
    IndexDef { unique, ..IndexDef::on(name, slots) }
}

pub fn foreign_key(name: &str, slot: usize, parent: Option<&TableDef>, parent_slot: usize) -> ForeignKeyDef {
    ForeignKeyDef {
        name: name.to_owned(),
        slots: vec![slot],
        parent: parent.map(|table| table.id).unwrap_or_default(),
        parent_slots: vec![parent_slot],
        validated: true,
        ..ForeignKeyDef::default()
    }
}

/// CHECK (column > 0)
pub fn positive(name: &str, column: &str, slot: usize) -> CheckDef {
    let expression = RowExpression { text: format!("{column} > 0"), slots: vec![slot] };
    CheckDef { name: name.to_owned(), expression, validated: true, ..CheckDef::default() }
}

pub fn create(store: &Arc<Store>, table: NewTable) -> Arc<TableDef> {
    let mut txn = begin(store);
    let table = txn.create_table(table).unwrap();
    txn.commit().unwrap();
    table
}

pub fn synced(table: NewTable) -> NewTable {
    NewTable { sync: SyncMode::Both, ..table }
}

pub fn int(n: i32) -> Value {
    Value::Int4(n)
}

pub fn ints(values: &[i32]) -> Row {
    values.iter().map(|&n| int(n)).collect()
}

pub fn key(values: &[i32]) -> RowKey {
    RowKey::of_values(&ints(values)).unwrap()
}

/// Runs one statement.
pub fn statement<T>(txn: &mut Transaction, run: impl FnOnce(&mut Transaction) -> Result<T>) -> Result<T> {
    txn.begin_statement()?;
    let result = run(txn)?;
    txn.end_statement()?;
    Ok(result)
}

/// Runs one statement in a transaction of its own.
pub fn autocommit<T>(store: &Arc<Store>, run: impl FnOnce(&mut Transaction) -> Result<T>) -> Result<T> {
    let mut txn = store.begin(WriteOrigin::Local);
    let result = statement(&mut txn, run)?;
    txn.commit()?;
    Ok(result)
}

pub fn insert(store: &Arc<Store>, table: &Arc<TableDef>, values: &[i32]) -> Result<RowKey> {
    autocommit(store, |txn| txn.insert_row(table, ints(values)))
}

/// All rows in key order as the next statement of the transaction sees them.
pub fn rows(txn: &mut Transaction, table: &Arc<TableDef>) -> Vec<Row> {
    txn.begin_statement().unwrap();
    let cursor = txn.scan(table, KeyRange::ALL, Direction::Forward).unwrap();
    drain(txn, cursor)
}

pub fn drain(txn: &Transaction, mut cursor: heliosdb_storage::transaction::ScanCursor) -> Vec<Row> {
    let mut found = Vec::new();
    while cursor.next_rows(txn, 2, &mut found).unwrap() {}
    found.into_iter().map(|(_, row)| row).collect()
}

/// All committed rows in key order.
pub fn committed(store: &Arc<Store>, table: &Arc<TableDef>) -> Vec<Row> {
    let snapshot = store.snapshot();
    snapshot.scan(table, &KeyRange::ALL, Direction::Forward).unwrap().map(|entry| entry.unwrap().1).collect()
}

/// All rows in the order of an index.
pub fn by_index(txn: &mut Transaction, table: &Arc<TableDef>, position: usize, direction: Direction) -> Vec<Row> {
    txn.begin_statement().unwrap();
    let cursor = txn.scan_index(table, table.indexes[position].id, KeyRange::ALL, direction).unwrap();
    drain(txn, cursor)
}

pub fn violation<T: std::fmt::Debug>(result: Result<T>) -> Violation {
    match result {
        Err(Error::Constraint(violation)) => *violation,
        other => panic!("expected a violation, got {other:?}"),
    }
}

/// Returns once so many transactions wait for locks.
pub fn until_waiting(store: &Store, count: usize) {
    while store.lock_waiters() != count {
        std::thread::yield_now();
    }
}
