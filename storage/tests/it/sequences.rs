//! Numbers of sequences: given once, whatever happens to the transaction, the process or the sequence.

use std::collections::HashSet;
use std::sync::Arc;
use std::thread;

use heliosdb_storage::base::MemoryDisk;
use heliosdb_storage::catalog::{CatalogObject, SequenceDef, SequenceOptions, SequencePlace, SequenceValue};
use heliosdb_storage::value::DataType;
use heliosdb_storage::{Error, RelationId, Store};

use crate::fixture::*;

fn options() -> SequenceOptions {
    SequenceOptions { start: 1, increment: 1, min: 1, max: i64::MAX, cache: 1, cycle: false }
}

/// A sequence that is committed.
fn create(store: &Arc<Store>, options: SequenceOptions) -> Arc<SequenceDef> {
    let mut txn = begin(store);
    let id = RelationId(txn.new_oid().unwrap().0);
    let sequence = Arc::new(SequenceDef {
        id,
        schema: "public".to_owned(),
        name: "s".to_owned(),
        data_type: DataType::Int8,
        options,
        owner: None,
        place: SequencePlace::new(),
        initial: SequenceValue { last: options.start, is_called: false },
    });
    txn.put_object(CatalogObject::Sequence(Arc::clone(&sequence))).unwrap();
    txn.commit().unwrap();
    sequence
}

#[test]
fn no_number_is_given_twice_across_crashes() {
    let disk = MemoryDisk::default();
    let sequence = create(&open(&disk), options());
    let mut given = HashSet::new();
    for round in 0..5 {
        // Opening the disk again is what a restart after a crash sees.
        let store = open(&disk);
        assert_eq!(store.catalog().sequence(sequence.id), Some(&sequence));
        for _ in 0..20 + round {
            assert!(given.insert(store.next_number(&sequence).unwrap()));
        }
    }
    let store = open(&disk);
    store.set_number(&sequence, SequenceValue { last: 1_000, is_called: false }).unwrap();
    drop(store);
    let store = open(&disk);
    assert_eq!(store.next_number(&sequence).unwrap(), 1_000);
    assert_eq!(store.next_number(&sequence).unwrap(), 1_001);
}

#[test]
fn threads_get_different_numbers() {
    let store = store();
    let sequence = create(&store, options());
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (store, sequence) = (Arc::clone(&store), Arc::clone(&sequence));
            thread::spawn(move || (0..200).map(|_| store.next_number(&sequence).unwrap()).collect::<Vec<_>>())
        })
        .collect();
    let mut numbers: Vec<i64> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=800).collect::<Vec<_>>());
}

#[test]
fn a_restart_is_undone_with_its_transaction() {
    let store = store();
    let sequence = create(&store, options());
    assert_eq!(store.next_number(&sequence).unwrap(), 1);
    let restarted = Arc::new(SequenceDef { place: SequencePlace::new(), ..SequenceDef::clone(&sequence) });
    let mut txn = begin(&store);
    txn.put_object(CatalogObject::Sequence(Arc::clone(&restarted))).unwrap();
    assert_eq!(store.next_number(&restarted).unwrap(), 1);
    txn.rollback();
    assert_eq!(store.next_number(&sequence).unwrap(), 2);
    let mut txn = begin(&store);
    txn.put_object(CatalogObject::Sequence(Arc::clone(&restarted))).unwrap();
    txn.commit().unwrap();
    assert_eq!(store.next_number(&restarted).unwrap(), 2);
}

#[test]
fn bounds_and_cycles_hold_in_both_directions() {
    let store = store();
    let up = create(&store, SequenceOptions { start: 8, max: 10, ..options() });
    let take = |sequence: &SequenceDef, count: usize| -> Vec<i64> {
        (0..count).map(|_| store.next_number(sequence).unwrap()).collect()
    };
    assert_eq!(take(&up, 3), [8, 9, 10]);
    match store.next_number(&up) {
        Err(Error::SequenceExhausted(message)) => {
            assert_eq!(message, "nextval: reached maximum value of sequence \"s\" (10)");
        }
        other => panic!("{other:?}"),
    }
    let mut txn = begin(&store);
    let down = SequenceDef {
        options: SequenceOptions { start: -1, increment: -2, min: -5, max: -1, cache: 1, cycle: true },
        initial: SequenceValue { last: -1, is_called: false },
        place: SequencePlace::new(),
        ..SequenceDef::clone(&up)
    };
    txn.put_object(CatalogObject::Sequence(Arc::new(down.clone()))).unwrap();
    txn.commit().unwrap();
    assert_eq!(take(&down, 5), [-1, -3, -5, -1, -3]);
}

#[test]
fn a_direction_that_changes_is_logged_anew() {
    let disk = MemoryDisk::default();
    let store = open(&disk);
    let up = create(&store, SequenceOptions { min: -100, ..options() });
    assert_eq!(store.next_number(&up).unwrap(), 1);
    assert_eq!(store.next_number(&up).unwrap(), 2);
    let down =
        Arc::new(SequenceDef { options: SequenceOptions { increment: -1, ..up.options }, ..SequenceDef::clone(&up) });
    let mut txn = begin(&store);
    txn.put_object(CatalogObject::Sequence(Arc::clone(&down))).unwrap();
    txn.commit().unwrap();
    assert_eq!(store.next_number(&down).unwrap(), 1);
    drop(store);
    let store = open(&disk);
    assert!(store.next_number(&down).unwrap() < 1);
}
