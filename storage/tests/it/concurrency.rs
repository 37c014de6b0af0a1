//! Clients and merges at once on a hub, over few rows with unique and foreign keys: whoever wins, no constraint is broken,
//! indexes agree with rows, and the feed names each row once, at its newest change.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use heliosdb_crdt::{Hlc, SiteId, Stamp};
use heliosdb_storage::base::MemoryDisk;
use heliosdb_storage::catalog::{NewTable, TableDef};
use heliosdb_storage::key::KeyRange;
use heliosdb_storage::row::{ChangedAt, Stamped};
use heliosdb_storage::store::Backend;
use heliosdb_storage::sync_row::{Internal, OpKind, Role, RowState, apply, keys};
use heliosdb_storage::transaction::Direction;
use heliosdb_storage::{
    ColumnChange, ColumnId, Error, Result, Row, RowKey, Store, StoreOptions, Transaction, Value, WriteOrigin,
};

use crate::fixture::*;

const CLIENTS: u64 = 4;
const TXNS_OF_A_CLIENT: u64 = 250;
const MERGES: u64 = 100;
const PARENTS: u64 = 6;
const CHILDREN: u64 = 10;

/// Numbers that look random (xorshift).
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn below(&mut self, n: u64) -> i32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i32::try_from(self.0 % n).unwrap()
    }
}

/// `parent (id primary key, v unique)` and `child (id primary key, v → parent.id, w → parent.v)`.
struct Tables {
    parent: Arc<TableDef>,
    child: Arc<TableDef>,
}

/// A hub where nobody waits long for a lock.
fn impatient_hub() -> Arc<Store> {
    let options = options(Backend::Memory(MemoryDisk::default()));
    let (deadlock_timeout, apply_lock_wait) = (Duration::from_millis(5), Duration::from_millis(10));
    let hub = Store::open(StoreOptions { deadlock_timeout, apply_lock_wait, ..options }).unwrap();
    set_role(&hub, Role::Hub, 1);
    hub
}

fn tables(hub: &Arc<Store>, with_index: bool) -> Tables {
    let unique = vec![index("parent_v_key", &[1], true)];
    let parent = create(hub, NewTable { indexes: unique, ..synced(two_columns("parent")) });
    let mut child = synced(two_columns("child"));
    child.columns.push(column("w", heliosdb_storage::DataType::Int4));
    child.foreign_keys = vec![foreign_key("v_fk", 1, Some(&parent), 0), foreign_key("w_fk", 2, Some(&parent), 1)];
    if with_index {
        child.indexes = vec![index("child_v", &[1], false), index("child_w", &[2], false)];
    }
    Tables { parent, child: create(hub, child) }
}

fn random_statement(txn: &mut Transaction, dice: &mut Dice, tables: &Tables) -> Result<()> {
    let Tables { parent, child } = tables;
    let (id, a, b) = (dice.below(PARENTS), dice.below(PARENTS), dice.below(PARENTS));
    let child_id = dice.below(CHILDREN);
    let set = |slot, n| vec![(slot, ColumnChange::Set(int(n)))];
    let kind = dice.below(9);
    statement(txn, |txn| match kind {
        0 | 1 => txn.insert_row(parent, ints(&[id, a])).map(|_| ()),
        2 => txn.update_row(parent, &key(&[id]), set(1, a)).map(|_| ()),
        3 => txn.update_row(parent, &key(&[id]), set(0, a)).map(|_| ()),
        4 => txn.delete_row(parent, &key(&[id])).map(|_| ()),
        5 | 6 => txn.insert_row(child, ints(&[child_id, a, b])).map(|_| ()),
        7 => txn.update_row(child, &key(&[child_id]), set(1 + usize::from(b > 2), a)).map(|_| ()),
        _ => txn.delete_row(child, &key(&[child_id])).map(|_| ()),
    })
}

/// A client may break constraints and may have to give way; nothing else may happen to it.
fn client(hub: &Arc<Store>, dice: &mut Dice, tables: &Tables) {
    for _ in 0..TXNS_OF_A_CLIENT {
        let mut txn = hub.begin(WriteOrigin::Local);
        let mut result = Ok(());
        for _ in 0..=dice.below(3) {
            // The others are to come in between.
            thread::yield_now();
            let savepoint = txn.savepoint();
            match random_statement(&mut txn, dice, tables) {
                Ok(()) if dice.below(10) > 0 => {}
                Ok(()) | Err(Error::Constraint(_)) => txn.rollback_to(savepoint),
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        let result = result.and_then(|()| txn.commit());
        assert!(result.as_ref().is_err_and(Error::is_retryable) || result.is_ok(), "{result:?}");
    }
}

/// Merges two changes; never fails but on a constraint.
fn merge(hub: &Arc<Store>, dice: &mut Dice, tables: &Tables, stamp: Stamp) -> Result<()> {
    let mut txn = hub.begin(WriteOrigin::Merge);
    txn.lock_apply()?;
    txn.begin_statement()?;
    let savepoint = txn.savepoint();
    let mut changes: Vec<(&Arc<TableDef>, RowKey, Row)> = Vec::new();
    for _ in 0..2 {
        let (a, b) = (dice.below(PARENTS), dice.below(PARENTS));
        let (table, row) = if dice.below(2) == 0 {
            (&tables.parent, ints(&[a, b]))
        } else {
            (&tables.child, ints(&[dice.below(CHILDREN), a, b]))
        };
        changes.push((table, RowKey::of_row(table, &row)?, row));
    }
    txn.lock_rows(changes.iter().map(|(table, key, _)| (&***table, key)))?;
    for (table, key, row) in changes {
        let mut state = txn.row_state(table, &key)?;
        let second = (ColumnId(2), ColumnChange::Set(row[1].clone()));
        let (life, kind) = match (state.is_alive(), dice.below(3)) {
            (false, _) => (state.life() + 1, OpKind::Insert((1_u16..).map(ColumnId).zip(row).collect())),
            (true, 0) => (state.life(), OpKind::Delete),
            (true, _) => (state.life(), OpKind::Patch(vec![second])),
        };
        apply(table, &mut state, life, &kind, stamp);
        txn.put_row_state(table, &key, state)?;
    }
    match txn.check_merged_rows(savepoint) {
        Err(Error::Constraint(_)) => txn.rollback_to(savepoint),
        judged => judged?,
    }
    txn.commit().map(|_| ())
}

/// All that must hold at any moment, on one snapshot.
fn check(hub: &Arc<Store>, tables: &Tables) {
    let txn = begin(hub);
    let snapshot = txn.snapshot();
    let rows_of = |table| -> Vec<Row> {
        snapshot.scan(table, &KeyRange::ALL, Direction::Forward).unwrap().map(|entry| entry.unwrap().1).collect()
    };
    let (parents, children) = (rows_of(&tables.parent), rows_of(&tables.child));
    let is_there = |slot: usize, value: &Value| parents.iter().any(|row| row[slot] == *value);
    for (i, row) in parents.iter().enumerate() {
        assert!(!parents[..i].iter().any(|other| other[1] == row[1]), "twice the same: {row:?}");
    }
    for row in &children {
        assert!(is_there(0, &row[1]) && is_there(1, &row[2]), "an orphan: {row:?}");
    }
    let mut changed = BTreeSet::new();
    for (table, rows) in [(&tables.parent, parents), (&tables.child, children)] {
        for index in &table.indexes {
            let cursor = txn.scan_index(table, index.id, KeyRange::ALL, Direction::Forward).unwrap();
            let mut found = drain(&txn, cursor);
            found.sort_by(|a, b| a[0].compare(&b[0]));
            assert_eq!(found, rows);
        }
        for id in 0..i32::try_from(CHILDREN).unwrap() {
            let state = snapshot.row_state(table, &key(&[id])).unwrap();
            assert_ne!(state.newest_stamp(), Some(Stamped::ThisCommit));
            match state.changed_at() {
                ChangedAt::At(seq) => drop(changed.insert(keys::feed(seq, table.sync_id.unwrap(), &key(&[id])))),
                _ => assert_eq!(state, RowState::Absent),
            }
        }
    }
    let feed = snapshot.internal_scan(Internal::Feed, KeyRange::ALL, usize::MAX).unwrap();
    assert_eq!(feed.into_iter().map(|(key, _)| key).collect::<BTreeSet<Bytes>>(), changed);
}

#[test]
fn constraints_hold_among_clients_and_merges() {
    for (with_index, seed) in [(true, 1), (false, 2)] {
        let hub = impatient_hub();
        let tables = tables(&hub, with_index);
        thread::scope(|scope| {
            let (hub, tables) = (&hub, &tables);
            let mut workers = Vec::new();
            for n in 1..=CLIENTS {
                workers.push(scope.spawn(move || client(hub, &mut Dice::new(n * 7919 + seed), tables)));
            }
            workers.push(scope.spawn(move || {
                let mut dice = Dice::new(104_729 + seed);
                for n in 0..MERGES {
                    let stamp = Stamp { hlc: Hlc::from_millis(1_700_000_000_000 + n), site: SiteId(9) };
                    merge(hub, &mut dice, tables, stamp).unwrap();
                }
            }));
            while !workers.iter().all(thread::ScopedJoinHandle::is_finished) {
                check(hub, tables);
            }
        });
        check(&hub, &tables);
    }
}
