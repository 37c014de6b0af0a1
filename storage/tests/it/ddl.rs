//! Tables and indexes: made, removed, rolled back, and against concurrent transactions.

use std::sync::Arc;
use std::thread;

use heliosdb_storage::base::MemoryDisk;
use heliosdb_storage::catalog::NewTable;
use heliosdb_storage::transaction::{Direction, TableLock};
use heliosdb_storage::{Error, Store, WriteOrigin};

use crate::fixture::*;

#[test]
fn ddl_is_private_until_it_is_committed() {
    let disk = MemoryDisk::default();
    let store = open(&disk);
    let version = store.catalog().version;
    let mut txn = begin(&store);
    let table = txn.create_table(two_columns("t")).unwrap();
    assert!(txn.catalog().is_private);
    assert!(store.catalog().table("public", "t").is_none());
    statement(&mut txn, |txn| txn.insert_row(&table, ints(&[1, 1]))).unwrap();
    txn.create_index(table.id, index("t_v_idx", &[1], false)).unwrap();
    let table = Arc::clone(txn.catalog().table("public", "t").unwrap());
    statement(&mut txn, |txn| txn.insert_row(&table, ints(&[2, 0]))).unwrap();
    assert_eq!(by_index(&mut txn, &table, 0, Direction::Forward), [ints(&[2, 0]), ints(&[1, 1])]);
    txn.commit().unwrap();
    let catalog = store.catalog();
    assert!(catalog.version > version && !catalog.is_private);
    drop(store);
    let store = open(&disk);
    assert_eq!(store.catalog().table("public", "t"), Some(&table));
    let mut txn = begin(&store);
    assert_eq!(by_index(&mut txn, &table, 0, Direction::Forward), [ints(&[2, 0]), ints(&[1, 1])]);
}

#[test]
fn ddl_is_undone_by_rollback_and_by_savepoints() {
    let store = store();
    let table = create(&store, two_columns("t"));
    insert(&store, &table, &[1, 1]).unwrap();
    let mut txn = begin(&store);
    txn.create_table(two_columns("u")).unwrap();
    let savepoint = txn.savepoint();
    txn.drop_table(table.id).unwrap();
    txn.create_table(two_columns("t")).unwrap();
    txn.rollback_to(savepoint);
    assert_eq!(txn.catalog().table("public", "t"), Some(&table));
    assert!(txn.catalog().table("public", "u").is_some());
    assert_eq!(rows(&mut txn, &table), [ints(&[1, 1])]);
    txn.rollback();
    assert!(store.catalog().table("public", "u").is_none());
    assert_eq!(committed(&store, &table), [ints(&[1, 1])]);
}

#[test]
fn a_dropped_table_takes_its_rows_along() {
    let store = store();
    let table = create(&store, NewTable { indexes: vec![index("t_v_idx", &[1], false)], ..two_columns("t") });
    insert(&store, &table, &[1, 1]).unwrap();
    let before = store.snapshot();
    let mut txn = begin(&store);
    txn.insert_row(&table, ints(&[2, 2])).unwrap();
    txn.drop_table(table.id).unwrap();
    txn.commit().unwrap();
    assert!(store.catalog().table("public", "t").is_none());
    assert!(committed(&store, &table).is_empty());
    assert_eq!(before.get(&table, &key(&[1])).unwrap(), Some(ints(&[1, 1])));
    assert!(matches!(insert(&store, &table, &[3, 3]), Err(Error::NoSuchRelation(_))));
    let again = create(&store, two_columns("t"));
    assert_ne!(again.id, table.id);
    assert!(committed(&store, &again).is_empty());
}

#[test]
fn names_are_unique_among_relations() {
    let store = store();
    create(&store, NewTable { indexes: vec![index("t_v_idx", &[1], false)], ..two_columns("t") });
    for name in ["t", "t_pkey", "t_v_idx"] {
        let mut txn = begin(&store);
        assert!(matches!(txn.create_table(two_columns(name)), Err(Error::AlreadyExists(taken)) if taken == name));
    }
    let twice = NewTable { indexes: vec![index("u", &[1], false)], ..two_columns("u") };
    assert!(matches!(begin(&store).create_table(twice), Err(Error::AlreadyExists(taken)) if taken == "u"));
}

#[test]
fn what_others_depend_on_stays() {
    let store = store();
    let parent = create(&store, NewTable { indexes: vec![index("p_v_key", &[1], true)], ..two_columns("p") });
    let mut child = two_columns("c");
    child.foreign_keys = vec![foreign_key("c_v_fkey", 1, Some(&parent), 1)];
    let child = create(&store, child);
    let mut txn = begin(&store);
    assert!(matches!(txn.drop_table(parent.id), Err(Error::Dependent(_))));
    assert!(matches!(txn.drop_index(parent.id, parent.indexes[0].id), Err(Error::Dependent(_))));
    txn.drop_table(child.id).unwrap();
    txn.drop_index(parent.id, parent.indexes[0].id).unwrap();
    txn.drop_table(parent.id).unwrap();
    txn.commit().unwrap();
    assert_eq!(store.catalog().tables().count(), 0);
}

#[test]
fn a_unique_index_over_equal_values_is_refused() {
    let store = store();
    let table = create(&store, two_columns("t"));
    for id in 0..3 {
        insert(&store, &table, &[id, id % 2]).unwrap();
    }
    let mut txn = begin(&store);
    let refused = violation(txn.create_index(table.id, index("t_v_key", &[1], true)));
    assert_eq!(refused.message, "could not create unique index \"t_v_key\"");
    assert_eq!(refused.detail.as_deref(), Some("Key (v)=(0) is duplicated."));
}

#[test]
fn an_index_is_not_passed_over_by_writers_that_did_not_know_of_it() {
    let store = store();
    let table = create(&store, two_columns("t"));
    let mut writer = begin(&store);
    writer.insert_row(&table, ints(&[1, 1])).unwrap();
    let indexed = thread::scope(|scope| {
        let ddl = scope.spawn(|| {
            let mut txn = begin(&store);
            txn.create_index(table.id, index("t_v_idx", &[1], false))?;
            txn.commit()
        });
        until_waiting(&store, 1);
        writer.commit().unwrap();
        ddl.join().unwrap().unwrap();
        Arc::clone(store.catalog().table("public", "t").unwrap())
    });
    let mut txn = begin(&store);
    assert_eq!(by_index(&mut txn, &indexed, 0, Direction::Forward), [ints(&[1, 1])]);
    // A writer that was planned on the old definition has to plan again.
    assert!(matches!(txn.insert_row(&table, ints(&[2, 2])), Err(Error::Serialization(_))));
    txn.insert_row(&indexed, ints(&[2, 2])).unwrap();
}

#[test]
fn a_table_lock_shows_what_was_changed_meanwhile() {
    let store = store();
    let table = create(&store, two_columns("t"));
    let mut reader = begin(&store);
    let mut ddl = begin(&store);
    ddl.create_index(table.id, index("t_v_idx", &[1], false)).unwrap();
    ddl.commit().unwrap();
    insert(&store, store.catalog().table("public", "t").unwrap(), &[1, 1]).unwrap();
    reader.lock_table(table.id, TableLock::AccessShare).unwrap();
    let current = Arc::clone(reader.catalog().table("public", "t").unwrap());
    assert_eq!(current.indexes.len(), 1);
    let cursor = reader
        .scan_index(&current, current.indexes[0].id, heliosdb_storage::key::KeyRange::ALL, Direction::Forward)
        .unwrap();
    assert_eq!(drain(&reader, cursor), [ints(&[1, 1])]);
}

#[test]
fn ddl_statements_of_two_transactions_come_one_after_the_other() {
    let store = store();
    let mut first = begin(&store);
    first.create_table(two_columns("a")).unwrap();
    thread::scope(|scope| {
        let second = scope.spawn(|| create(&store, two_columns("b")));
        until_waiting(&store, 1);
        first.commit().unwrap();
        second.join().unwrap();
    });
    let names: Vec<String> = store.catalog().tables().map(|table| table.name.clone()).collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn synced_tables_are_made_at_the_hub_alone() {
    let refused = |store: &Arc<Store>| store.begin(WriteOrigin::Local).create_table(synced(two_columns("t")));
    assert!(matches!(refused(&store()), Err(Error::NotAllowedHere(_))));
    let edge = store_with_role(heliosdb_storage::sync_row::Role::Edge, 7);
    assert!(matches!(refused(&edge), Err(Error::NotAllowedHere(_))));
    let hub = store_with_role(heliosdb_storage::sync_row::Role::Hub, 1);
    let keyless = NewTable { primary_key: None, ..synced(two_columns("t")) };
    assert!(matches!(hub.begin(WriteOrigin::Local).create_table(keyless), Err(Error::Unsupported(_))));
    let table = create(&hub, synced(two_columns("t")));
    assert_eq!(table.sync_id.map(|id| id.0), Some(table.id.0));
    assert_eq!(hub.catalog().schema_version.0, 1);
    create(&hub, two_columns("local"));
    assert_eq!(hub.catalog().schema_version.0, 1);
}
