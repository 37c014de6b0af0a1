//! What clients do: random transactions over three tables.
//!
//! - `items (id, a, b, hits pn_counter)`: registers and a counter.
//! - `pairs (id, n)`: rows 2k and 2k+1 are always written together, with the same value.
//! - `names (id, name UNIQUE)`: transactions that the hub may have to refuse.

use std::sync::Arc;

use heliosdb_storage::catalog::{CrdtType, IndexDef, NewColumn, NewTable, SyncMode, TableDef};
use heliosdb_storage::sequencer::CommitInfo;
use heliosdb_storage::sync_row::{OpKind, RowOp, coalesce};
use heliosdb_storage::transaction::RowLock;
use heliosdb_storage::value::ColumnType;
use heliosdb_storage::{ColumnChange, DataType, Error, RowKey, Store, StoreOptions, Transaction, Value, WriteOrigin};

use super::rng::Rng;

pub const TABLES: [&str; 3] = ["items", "pairs", "names"];

/// What one random transaction came to.
pub struct Done {
    pub info: CommitInfo,
    /// Its operations, as the hub would note them.
    pub ops: Vec<RowOp>,
}

fn column(name: &str, data_type: DataType, crdt: Option<CrdtType>, not_null: bool) -> NewColumn {
    NewColumn { crdt, not_null, ..NewColumn::new(name, ColumnType { data_type, typmod: -1 }) }
}

pub fn table(name: &str) -> NewTable {
    let id = column("id", DataType::Int4, None, true);
    let mut table = NewTable {
        schema: "public".into(),
        name: name.into(),
        columns: vec![id],
        primary_key: Some((format!("{name}_pkey"), vec![0])),
        sync: SyncMode::Both,
        ..NewTable::default()
    };
    match name {
        "items" => table.columns.extend([
            column("a", DataType::Text, None, false),
            column("b", DataType::Text, None, false),
            column("hits", DataType::Int8, Some(CrdtType::PnCounter), false),
        ]),
        "pairs" => table.columns.push(column("n", DataType::Int8, None, false)),
        _ => {
            table.columns.push(column("name", DataType::Text, None, false));
            table.indexes.push(IndexDef::unique_constraint("names_name_key", &[1]));
        }
    }
    table
}

pub fn options(
    disk: &heliosdb_storage::base::MemoryDisk,
    wall_clock: Arc<dyn Fn() -> u64 + Send + Sync>,
) -> StoreOptions {
    struct NoChecks;
    impl heliosdb_storage::constraints::RowChecker for NoChecks {
        fn check(
            &self,
            _: &heliosdb_storage::constraints::RowContext<'_>,
            _: &heliosdb_storage::catalog::CheckDef,
        ) -> heliosdb_storage::Result<bool> {
            Ok(true)
        }
    }
    StoreOptions {
        backend: heliosdb_storage::store::Backend::Memory(disk.clone()),
        cache_bytes: 1 << 20,
        queue_capacity: 1 << 20,
        deadlock_timeout: std::time::Duration::from_secs(1),
        apply_lock_wait: std::time::Duration::from_secs(1),
        wall_clock,
        row_checker: Arc::new(NoChecks),
    }
}

/// One open transaction of a client.
struct Client<'a> {
    txn: Transaction,
    ops: Vec<RowOp>,
    rng: &'a mut Rng,
    /// Makes every value written another one.
    fresh: &'a mut u64,
}

/// Runs a random transaction; none if it changed nothing, failed, or was rolled back.
pub fn run(store: &Arc<Store>, rng: &mut Rng, fresh: &mut u64) -> Option<Done> {
    let mut client = Client { txn: store.begin(WriteOrigin::Local), ops: Vec::new(), rng, fresh };
    for _ in 0..=client.rng.below(3) {
        let savepoint = client.txn.savepoint();
        let noted = client.ops.len();
        match client.statement() {
            Ok(()) => {}
            Err(Error::Constraint(_)) => return None,
            Err(error) => panic!("a statement failed: {error}"),
        }
        if client.rng.one_in(6) {
            client.txn.rollback_to(savepoint);
            client.ops.truncate(noted);
        }
    }
    if client.rng.one_in(12) {
        client.txn.rollback();
        return None;
    }
    let ops = coalesce(client.ops).unwrap();
    let info = client.txn.commit().unwrap();
    assert!(ops.is_empty() || info.is_some());
    info.filter(|_| !ops.is_empty()).map(|info| Done { info, ops })
}

impl Client<'_> {
    fn statement(&mut self) -> Result<(), Error> {
        self.txn.begin_statement()?;
        let name = TABLES[[0, 0, 1, 1, 2, 2][self.rng.index(6)]];
        let Some(table) = self.txn.catalog().table("public", name).cloned() else { return Ok(()) };
        match name {
            "items" => self.change_item(&table)?,
            "pairs" => self.change_pair(&table)?,
            _ => self.change_name(&table)?,
        }
        self.txn.end_statement()
    }

    fn change_item(&mut self, table: &Arc<TableDef>) -> Result<(), Error> {
        let id = self.rng.below(4) as i32;
        let amount = self.rng.below(19) as i64 - 9;
        let text = self.text();
        let is_done = match self.rng.below(8) {
            0 => self.delete(table, id)?,
            1 | 2 => self.update(table, id, 1, ColumnChange::Set(text.clone()))?,
            3 => self.update(table, id, 2, ColumnChange::Set(text.clone()))?,
            _ => self.update(table, id, 3, ColumnChange::Add(amount))?,
        };
        if is_done {
            Ok(())
        } else {
            self.insert_new(table, vec![Value::Int4(id), text, Value::Null, Value::Int8(amount)])
        }
    }

    fn change_pair(&mut self, table: &Arc<TableDef>) -> Result<(), Error> {
        let first = self.rng.below(3) as i32 * 2;
        *self.fresh += 1;
        let n = Value::Int8(*self.fresh as i64);
        let deletes = self.rng.one_in(5);
        for id in [first, first + 1] {
            let is_done = if deletes {
                self.delete(table, id)?
            } else {
                self.update(table, id, 1, ColumnChange::Set(n.clone()))?
            };
            if !is_done {
                self.insert_new(table, vec![Value::Int4(id), n.clone()])?;
            }
        }
        Ok(())
    }

    fn change_name(&mut self, table: &Arc<TableDef>) -> Result<(), Error> {
        let id = self.rng.below(5) as i32;
        let name = Value::text(["x", "y", "z"][self.rng.index(3)]);
        let is_done = match self.rng.below(4) {
            0 => self.delete(table, id)?,
            _ => self.update(table, id, 1, ColumnChange::Set(name.clone()))?,
        };
        if is_done { Ok(()) } else { self.insert_new(table, vec![Value::Int4(id), name]) }
    }

    fn text(&mut self) -> Value {
        *self.fresh += 1;
        Value::text(format!("v{}", self.fresh))
    }

    fn insert_new(&mut self, table: &Arc<TableDef>, row: Vec<Value>) -> Result<(), Error> {
        let columns = table.columns.iter().map(|column| column.id).zip(row.iter().cloned()).collect();
        let key = self.txn.insert_row(table, row.clone())?;
        let life = self.txn.row_state(table, &key)?.life();
        self.note(table, &row[0], life, OpKind::Insert(columns));
        Ok(())
    }

    /// False if there is no such row.
    fn update(&mut self, table: &Arc<TableDef>, id: i32, slot: usize, change: ColumnChange) -> Result<bool, Error> {
        let id = Value::Int4(id);
        let key = RowKey::of_values([&id])?;
        let Some(row) = self.txn.lock_row(table, &key, RowLock::NoKeyUpdate)? else { return Ok(false) };
        if change == ColumnChange::Set(row[slot].clone()) || change == ColumnChange::Add(0) {
            return Ok(true);
        }
        let life = self.txn.row_state(table, &key)?.life();
        self.txn.update_row(table, &key, vec![(slot, change.clone())])?;
        self.note(table, &id, life, OpKind::Patch(vec![(table.columns[slot].id, change)]));
        Ok(true)
    }

    fn delete(&mut self, table: &Arc<TableDef>, id: i32) -> Result<bool, Error> {
        let id = Value::Int4(id);
        let key = RowKey::of_values([&id])?;
        if self.txn.lock_row(table, &key, RowLock::Update)?.is_none() {
            return Ok(false);
        }
        let life = self.txn.row_state(table, &key)?.life();
        self.txn.delete_row(table, &key)?;
        self.note(table, &id, life, OpKind::Delete);
        Ok(true)
    }

    fn note(&mut self, table: &TableDef, id: &Value, life: u32, kind: OpKind) {
        self.ops.push(RowOp { table: table.sync_id.unwrap(), key: vec![id.clone()], life, kind });
    }
}
