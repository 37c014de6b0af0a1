//! Random work against the store and against a map: they must agree at every step.

use std::collections::BTreeMap;
use std::sync::Arc;

use heliosdb_storage::base::MemoryDisk;
use heliosdb_storage::catalog::{NewTable, TableDef};
use heliosdb_storage::transaction::{Direction, Savepoint};
use heliosdb_storage::{ColumnChange, Error, Row, Store, Transaction};
use proptest::prelude::*;

use crate::fixture::*;

#[derive(Clone, Debug)]
enum Step {
    Insert(i32, i32),
    Update(i32, i32),
    Rekey(i32, i32),
    Delete(i32),
    Savepoint,
    RollbackTo(usize),
    Commit,
    Rollback,
    Reopen,
    Crash,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let id = 0..12_i32;
    let value = 0..8_i32;
    let step = prop_oneof![
        8 => (id.clone(), value.clone()).prop_map(|(id, v)| Step::Insert(id, v)),
        5 => (id.clone(), value).prop_map(|(id, v)| Step::Update(id, v)),
        3 => (id.clone(), id.clone()).prop_map(|(a, b)| Step::Rekey(a, b)),
        4 => id.prop_map(Step::Delete),
        2 => Just(Step::Savepoint),
        2 => (0..4_usize).prop_map(Step::RollbackTo),
        3 => Just(Step::Commit),
        1 => Just(Step::Rollback),
        1 => Just(Step::Reopen),
        1 => Just(Step::Crash),
    ];
    proptest::collection::vec(step, 1..60)
}

/// The table as a map, with a unique second column.
type Model = BTreeMap<i32, i32>;

fn is_taken(model: &Model, id: i32, v: i32) -> bool {
    model.iter().any(|(other, taken)| *other != id && *taken == v)
}

/// What the model says to a step: whether it succeeds.
fn step_model(model: &mut Model, step: &Step) -> bool {
    match *step {
        Step::Insert(id, v) => {
            let succeeds = !model.contains_key(&id) && !is_taken(model, id, v);
            if succeeds {
                model.insert(id, v);
            }
            succeeds
        }
        Step::Update(id, v) => {
            let succeeds = !model.contains_key(&id) || !is_taken(model, id, v);
            if succeeds && let Some(place) = model.get_mut(&id) {
                *place = v;
            }
            succeeds
        }
        Step::Rekey(from, to) => {
            let succeeds = from == to || !model.contains_key(&from) || !model.contains_key(&to);
            if succeeds && let Some(v) = model.remove(&from) {
                model.insert(to, v);
            }
            succeeds
        }
        Step::Delete(id) => {
            model.remove(&id);
            true
        }
        _ => true,
    }
}

fn step_store(txn: &mut Transaction, table: &Arc<TableDef>, step: &Step) -> heliosdb_storage::Result<()> {
    let set = |slot, n| vec![(slot, ColumnChange::Set(int(n)))];
    statement(txn, |txn| match *step {
        Step::Insert(id, v) => txn.insert_row(table, ints(&[id, v])).map(|_| ()),
        Step::Update(id, v) => txn.update_row(table, &key(&[id]), set(1, v)).map(|_| ()),
        Step::Rekey(from, to) => txn.update_row(table, &key(&[from]), set(0, to)).map(|_| ()),
        Step::Delete(id) => txn.delete_row(table, &key(&[id])).map(|_| ()),
        _ => Ok(()),
    })
}

struct Run {
    disk: MemoryDisk,
    store: Option<Arc<Store>>,
    table: Arc<TableDef>,
    txn: Option<Transaction>,
    committed: Model,
    current: Model,
    savepoints: Vec<(Savepoint, Model)>,
}

impl Run {
    fn new() -> Self {
        let disk = MemoryDisk::default();
        let store = open(&disk);
        let definition = NewTable {
            indexes: vec![index("t_v_key", &[1], true), index("t_v_id_idx", &[1, 0], false)],
            ..two_columns("t")
        };
        let table = create(&store, definition);
        Self {
            disk,
            store: Some(store),
            table,
            txn: None,
            committed: Model::new(),
            current: Model::new(),
            savepoints: Vec::new(),
        }
    }

    fn txn(&mut self) -> &mut Transaction {
        let store = self.store.as_ref().unwrap();
        self.txn.get_or_insert_with(|| begin(store))
    }

    fn end(&mut self) {
        self.savepoints.clear();
        self.current = self.committed.clone();
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Savepoint => {
                let savepoint = self.txn().savepoint();
                self.savepoints.push((savepoint, self.current.clone()));
            }
            Step::RollbackTo(n) => {
                if let Some((savepoint, model)) = self.savepoints.get(*n).cloned() {
                    self.savepoints.truncate(n + 1);
                    self.txn().rollback_to(savepoint);
                    self.current = model;
                }
            }
            Step::Commit => {
                if let Some(txn) = self.txn.take() {
                    txn.commit().unwrap();
                }
                self.committed = self.current.clone();
                self.end();
            }
            Step::Rollback => {
                self.txn = None;
                self.end();
            }
            Step::Reopen | Step::Crash => {
                if matches!(step, Step::Crash) {
                    self.disk = self.disk.fork();
                }
                self.txn = None;
                self.store = None;
                self.store = Some(open(&self.disk));
                self.end();
            }
            write => self.write(write),
        }
        self.compare();
    }

    /// A statement that fails is undone, as a session does with a savepoint of its own.
    fn write(&mut self, step: &Step) {
        let table = Arc::clone(&self.table);
        let txn = self.txn();
        let savepoint = txn.savepoint();
        let result = step_store(txn, &table, step);
        if result.is_err() {
            txn.rollback_to(savepoint);
        }
        let expected = step_model(&mut self.current, step);
        match result {
            Ok(()) => assert!(expected, "{step:?} should have failed"),
            Err(Error::Constraint(_)) => assert!(!expected, "{step:?} should have succeeded"),
            Err(error) => panic!("{step:?}: {error}"),
        }
    }

    fn compare(&mut self) {
        let table = Arc::clone(&self.table);
        let expected: Vec<Row> = self.current.iter().map(|(&id, &v)| ints(&[id, v])).collect();
        let mut by_value = expected.clone();
        by_value.sort_by(|a, b| a[1].compare(&b[1]));
        let txn = self.txn();
        assert_eq!(rows(txn, &table), expected);
        assert_eq!(by_index(txn, &table, 0, Direction::Forward), by_value);
        by_value.reverse();
        assert_eq!(by_index(txn, &table, 1, Direction::Backward), by_value);
        for id in 0..12 {
            let found = self.txn().get(&table, &key(&[id])).unwrap();
            assert_eq!(found, self.current.get(&id).map(|&v| ints(&[id, v])));
            let committed = self.store.as_ref().unwrap().snapshot().get(&table, &key(&[id])).unwrap();
            assert_eq!(committed, self.committed.get(&id).map(|&v| ints(&[id, v])));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn the_store_agrees_with_a_map(steps in steps()) {
        let mut run = Run::new();
        for step in &steps {
            run.step(step);
        }
    }
}
