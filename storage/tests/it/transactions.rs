//! Commits, visibility, savepoints, restarts.

use std::sync::{Arc, Barrier};
use std::thread;

use heliosdb_storage::base::MemoryDisk;
use heliosdb_storage::key::KeyRange;
use heliosdb_storage::store::Backend;
use heliosdb_storage::transaction::{Direction, RowLock};
use heliosdb_storage::{ColumnChange, DataType, Error, Store, Value, WriteOrigin};

use crate::fixture::*;

#[test]
fn what_is_committed_is_there_after_a_restart() {
    let disk = MemoryDisk::default();
    let store = open(&disk);
    let table = create(&store, two_columns("t"));
    insert(&store, &table, &[1, 10]).unwrap();
    insert(&store, &table, &[2, 20]).unwrap();
    let after_crash = disk.fork();
    drop(store);
    for disk in [disk, after_crash] {
        let store = open(&disk);
        assert_eq!(store.catalog().table("public", "t"), Some(&table));
        assert_eq!(committed(&store, &table), [ints(&[1, 10]), ints(&[2, 20])]);
        assert_eq!(insert(&store, &table, &[3, 30]).unwrap(), key(&[3]));
    }
}

#[test]
fn a_folder_is_made_locked_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep").join("data");
    let store = Store::open(options(Backend::Folder(path.clone()))).unwrap();
    let table = create(&store, two_columns("t"));
    insert(&store, &table, &[1, 10]).unwrap();
    assert!(matches!(Store::open(options(Backend::Folder(path.clone()))), Err(Error::InUse(_))));
    drop(store);
    let store = Store::open(options(Backend::Folder(path))).unwrap();
    assert_eq!(committed(&store, &table), [ints(&[1, 10])]);
}

#[test]
fn a_memory_disk_can_be_open_once() {
    let disk = MemoryDisk::default();
    let store = open(&disk);
    assert!(matches!(Store::open(options(Backend::Memory(disk.clone()))), Err(Error::InUse(_))));
    drop(store);
    open(&disk);
}

#[test]
fn a_transaction_without_writes_commits_nothing() {
    let store = store();
    let table = create(&store, two_columns("t"));
    let before = store.snapshot().seq();
    let mut txn = begin(&store);
    assert!(rows(&mut txn, &table).is_empty());
    assert_eq!(txn.commit().unwrap(), None);
    assert_eq!(store.snapshot().seq(), before);
}

#[test]
fn commits_are_numbered_and_hooks_see_them_in_order() {
    let store = store();
    let seen = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let hook_sees = Arc::clone(&seen);
    store.on_commit(Box::new(move |info| hook_sees.lock().push((info.seq, info.hlc))));
    let table = create(&store, two_columns("t"));
    for i in 0..10 {
        insert(&store, &table, &[i, i]).unwrap();
    }
    let seen = seen.lock();
    assert_eq!(seen.len(), 11);
    assert!(seen.windows(2).all(|pair| pair[0].0.0 + 1 == pair[1].0.0 && pair[0].1 < pair[1].1));
}

#[test]
fn a_statement_sees_earlier_commands_and_not_itself() {
    let store = store();
    let table = create(&store, two_columns("t"));
    for i in 0..10 {
        insert(&store, &table, &[i, 1]).unwrap();
    }
    // UPDATE t SET id = id + 100: without statement visibility it would find its own new rows for ever.
    let mut txn = begin(&store);
    let mut cursor = txn.scan(&table, KeyRange::ALL, Direction::Forward).unwrap();
    let mut moved = 0;
    let mut batch = Vec::new();
    loop {
        let has_more = cursor.next_rows(&txn, 3, &mut batch).unwrap();
        for (key, row) in batch.drain(..) {
            let Value::Int4(id) = row[0] else { panic!() };
            txn.update_row(&table, &key, vec![(0, ColumnChange::Set(int(id + 100)))]).unwrap();
            moved += 1;
        }
        if !has_more {
            break;
        }
    }
    assert_eq!(moved, 10);
    assert_eq!(txn.get(&table, &key(&[100])).unwrap(), None);
    txn.begin_statement().unwrap();
    assert_eq!(txn.get(&table, &key(&[100])).unwrap(), Some(ints(&[100, 1])));
    assert_eq!(txn.get(&table, &key(&[0])).unwrap(), None);
    let all: Vec<_> = (100..110).map(|i| ints(&[i, 1])).collect();
    assert_eq!(rows(&mut txn, &table), all);
    txn.commit().unwrap();
    assert_eq!(committed(&store, &table), all);
}

#[test]
fn a_portal_goes_on_seeing_what_it_saw() {
    let store = store();
    let table = create(&store, two_columns("t"));
    for i in 0..4 {
        insert(&store, &table, &[i, 0]).unwrap();
    }
    let mut txn = begin(&store);
    statement(&mut txn, |txn| txn.insert_row(&table, ints(&[4, 0]))).unwrap();
    txn.begin_statement().unwrap();
    let mut portal = txn.scan(&table, KeyRange::ALL, Direction::Forward).unwrap();
    let mut seen = Vec::new();
    assert!(portal.next_rows(&txn, 1, &mut seen).unwrap());
    // Other commands of this transaction and other transactions change everything behind the portal's back.
    insert(&store, &table, &[9, 9]).unwrap();
    for id in 0..5 {
        statement(&mut txn, |txn| txn.delete_row(&table, &key(&[id]))).unwrap();
    }
    statement(&mut txn, |txn| txn.insert_row(&table, ints(&[5, 5]))).unwrap();
    while portal.next_rows(&txn, 1, &mut seen).unwrap() {}
    let seen: Vec<_> = seen.into_iter().map(|(_, row)| row).collect();
    assert_eq!(seen, (0..5).map(|i| ints(&[i, 0])).collect::<Vec<_>>());
    assert_eq!(rows(&mut txn, &table), [ints(&[5, 5]), ints(&[9, 9])]);
}

#[test]
fn scans_go_both_ways_and_within_ranges_over_own_and_committed_rows() {
    let store = store();
    let table = create(&store, two_columns("t"));
    for i in [1, 3, 5, 7] {
        insert(&store, &table, &[i, i]).unwrap();
    }
    let mut txn = begin(&store);
    for i in [2, 4, 8] {
        txn.insert_row(&table, ints(&[i, i])).unwrap();
    }
    txn.delete_row(&table, &key(&[5])).unwrap();
    txn.begin_statement().unwrap();
    let scan = |range: KeyRange, direction| {
        let cursor = txn.scan(&table, range, direction).unwrap();
        drain(&txn, cursor)
    };
    let expect = |ids: &[i32]| ids.iter().map(|&i| ints(&[i, i])).collect::<Vec<_>>();
    assert_eq!(scan(KeyRange::ALL, Direction::Forward), expect(&[1, 2, 3, 4, 7, 8]));
    assert_eq!(scan(KeyRange::ALL, Direction::Backward), expect(&[8, 7, 4, 3, 2, 1]));
    let range = |start: i32, end: i32| KeyRange {
        start: std::ops::Bound::Included(key(&[start]).0),
        end: std::ops::Bound::Excluded(key(&[end]).0),
    };
    assert_eq!(scan(range(2, 7), Direction::Forward), expect(&[2, 3, 4]));
    assert_eq!(scan(range(2, 7), Direction::Backward), expect(&[4, 3, 2]));
    assert_eq!(scan(range(7, 2), Direction::Forward), expect(&[]));
}

#[test]
fn savepoints_undo_rows_and_index_entries() {
    let store = store();
    let table = create(&store, NewTableWithIndex::make());
    insert(&store, &table, &[1, 10]).unwrap();
    let mut txn = begin(&store);
    statement(&mut txn, |txn| txn.insert_row(&table, ints(&[2, 20]))).unwrap();
    let outer = txn.savepoint();
    statement(&mut txn, |txn| txn.update_row(&table, &key(&[1]), vec![(1, ColumnChange::Set(int(30)))])).unwrap();
    let inner = txn.savepoint();
    statement(&mut txn, |txn| txn.delete_row(&table, &key(&[1]))).unwrap();
    statement(&mut txn, |txn| txn.insert_row(&table, ints(&[3, 10]))).unwrap();
    assert_eq!(by_index(&mut txn, &table, 0, Direction::Forward), [ints(&[3, 10]), ints(&[2, 20])]);
    txn.rollback_to(inner);
    assert_eq!(by_index(&mut txn, &table, 0, Direction::Forward), [ints(&[2, 20]), ints(&[1, 30])]);
    statement(&mut txn, |txn| txn.insert_row(&table, ints(&[4, 10]))).unwrap();
    txn.rollback_to(outer);
    assert_eq!(by_index(&mut txn, &table, 0, Direction::Backward), [ints(&[2, 20]), ints(&[1, 10])]);
    assert_eq!(rows(&mut txn, &table), [ints(&[1, 10]), ints(&[2, 20])]);
    txn.commit().unwrap();
    let mut txn = begin(&store);
    assert_eq!(by_index(&mut txn, &table, 0, Direction::Forward), [ints(&[1, 10]), ints(&[2, 20])]);
}

struct NewTableWithIndex;

impl NewTableWithIndex {
    fn make() -> heliosdb_storage::catalog::NewTable {
        heliosdb_storage::catalog::NewTable { indexes: vec![index("t_v_key", &[1], true)], ..two_columns("t") }
    }
}

#[test]
fn a_dropped_transaction_leaves_nothing() {
    let store = store();
    let table = create(&store, two_columns("t"));
    let mut txn = begin(&store);
    txn.insert_row(&table, ints(&[1, 1])).unwrap();
    drop(txn);
    assert!(committed(&store, &table).is_empty());
    insert(&store, &table, &[1, 2]).unwrap();
}

#[test]
fn no_update_is_lost() {
    const THREADS: i32 = 8;
    const ADDS: i32 = 50;
    let store = store();
    let table = create(&store, two_columns("t"));
    insert(&store, &table, &[1, 0]).unwrap();
    let barrier = Arc::new(Barrier::new(THREADS as usize));
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let (store, table, barrier) = (Arc::clone(&store), Arc::clone(&table), Arc::clone(&barrier));
            thread::spawn(move || {
                barrier.wait();
                for _ in 0..ADDS {
                    autocommit(&store, |txn| {
                        let row = txn.lock_row(&table, &key(&[1]), RowLock::NoKeyUpdate)?.unwrap();
                        let Value::Int4(v) = row[1] else { panic!() };
                        txn.update_row(&table, &key(&[1]), vec![(1, ColumnChange::Set(int(v + 1)))])
                    })
                    .unwrap();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(committed(&store, &table), [ints(&[1, THREADS * ADDS])]);
}

#[test]
fn many_committers_all_become_durable() {
    const THREADS: i32 = 8;
    const ROWS: i32 = 30;
    let disk = MemoryDisk::default();
    let store = open(&disk);
    let table = create(&store, two_columns("t"));
    let first = store.snapshot().seq();
    thread::scope(|scope| {
        for i in 0..THREADS {
            let (store, table) = (&store, &table);
            scope.spawn(move || {
                for j in 0..ROWS {
                    insert(store, table, &[i * ROWS + j, i]).unwrap();
                    // What a committer was told is visible to it.
                    let row = store.snapshot().get(table, &key(&[i * ROWS + j])).unwrap();
                    assert_eq!(row, Some(ints(&[i * ROWS + j, i])));
                }
            });
        }
    });
    assert_eq!(store.snapshot().seq().0, first.0 + (THREADS * ROWS) as u64);
    let crashed = open(&disk.fork());
    assert_eq!(committed(&crashed, &table).len(), (THREADS * ROWS) as usize);
}

#[test]
fn rows_without_a_primary_key_have_keys_that_are_never_used_again() {
    let disk = MemoryDisk::default();
    let mut columns = two_columns("t");
    columns.primary_key = None;
    columns.columns = vec![column("v", DataType::Int4)];
    let store = open(&disk);
    let table = create(&store, columns);
    for i in 0..3 {
        insert(&store, &table, &[i]).unwrap();
    }
    let store = {
        let crashed = disk.fork();
        drop(store);
        open(&crashed)
    };
    for i in 3..6 {
        insert(&store, &table, &[i]).unwrap();
    }
    assert_eq!(committed(&store, &table), (0..6).map(|i| ints(&[i])).collect::<Vec<_>>());
}

#[test]
fn a_failed_sync_stops_the_store() {
    let disk = MemoryDisk::default();
    let store = open(&disk);
    let table = create(&store, two_columns("t"));
    insert(&store, &table, &[1, 1]).unwrap();
    disk.set_failing(true);
    assert!(matches!(insert(&store, &table, &[2, 2]), Err(Error::CommitUnknown(_))));
    assert!(store.is_stopped());
    assert!(store.begin(WriteOrigin::Local).begin_statement().is_err());
    disk.set_failing(false);
    let crashed = open(&disk.fork());
    assert_eq!(committed(&crashed, &table), [ints(&[1, 1])]);
}

/// The base takes no more after any failure, reads included: only a restart helps.
#[test]
fn a_full_disk_is_told_and_stops_the_store() {
    let disk = MemoryDisk::default();
    let store = open(&disk);
    let table = create(&store, two_columns("t"));
    insert(&store, &table, &[1, 1]).unwrap();
    disk.set_full(true);
    let refused =
        autocommit(&store, |txn| (2..60_000).try_for_each(|id| txn.insert_row(&table, ints(&[id, id])).map(|_| ())));
    assert!(matches!(refused, Err(Error::DiskFull(_))), "{refused:?}");
    assert!(store.is_stopped());
    drop(store);
    disk.set_full(false);
    let store = open(&disk);
    insert(&store, &table, &[2, 2]).unwrap();
    assert_eq!(committed(&store, &table), [ints(&[1, 1]), ints(&[2, 2])]);
}

#[test]
fn no_acknowledged_commit_is_lost_in_a_crash_at_any_moment() {
    const ROWS: i32 = 60;
    let disk = MemoryDisk::default();
    let store = open(&disk);
    let table = create(&store, two_columns("t"));
    let acknowledged = std::sync::atomic::AtomicI32::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            for id in 0..ROWS {
                // Two rows a transaction: none may be there without the other.
                autocommit(&store, |txn| {
                    txn.insert_row(&table, ints(&[2 * id, id]))?;
                    txn.insert_row(&table, ints(&[2 * id + 1, id]))
                })
                .unwrap();
                acknowledged.store(id + 1, std::sync::atomic::Ordering::SeqCst);
            }
        });
        loop {
            let before = acknowledged.load(std::sync::atomic::Ordering::SeqCst);
            let crashed = open(&disk.fork());
            let found = committed(&crashed, &table);
            let count = found.len() as i32;
            assert!(count >= 2 * before && count % 2 == 0, "{count} rows after {before} commits");
            assert_eq!(found, (0..count).map(|id| ints(&[id, id / 2])).collect::<Vec<_>>());
            if before == ROWS {
                break;
            }
        }
    });
}

#[test]
fn what_sessions_hold_can_move_between_threads() {
    fn is_send<T: Send>() {}
    fn is_sync<T: Sync>() {}
    is_send::<heliosdb_storage::Transaction>();
    is_send::<heliosdb_storage::transaction::ScanCursor>();
    is_send::<heliosdb_storage::view::SnapshotScan>();
    is_send::<heliosdb_storage::Snapshot>();
    is_sync::<heliosdb_storage::Snapshot>();
    is_sync::<Store>();
}

#[test]
fn a_panic_among_those_who_commit_stops_the_store_and_leaves_nobody_waiting() {
    let store = store();
    let table = create(&store, two_columns("t"));
    store.on_commit(Box::new(|_| panic!("a hook that panics")));
    let results: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|id| {
                let (store, table) = (&store, &table);
                scope.spawn(move || insert(store, table, &[id, id]))
            })
            .collect();
        threads.into_iter().map(thread::ScopedJoinHandle::join).collect()
    });
    assert!(store.is_stopped());
    assert!(results.iter().all(|result| !matches!(result, Ok(Ok(_)))));
}

#[test]
fn a_newer_format_is_refused() {
    // The format is a record of the internal relation of singletons.
    let disk = MemoryDisk::default();
    let store = open(&disk);
    let mut txn = begin(&store);
    let newer = bytes::Bytes::from_static(&[0, 0, 0, 99]);
    txn.internal_put(heliosdb_storage::sync_row::Internal::Meta, b"format", newer).unwrap();
    txn.commit().unwrap();
    drop(store);
    let refusal = Store::open(options(Backend::Memory(disk))).err().unwrap();
    assert!(refusal.to_string().contains("format 99"), "{refusal}");
}
