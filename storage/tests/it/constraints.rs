//! NOT NULL, CHECK, UNIQUE, foreign keys, counters; alone and against concurrent transactions.

use std::sync::Arc;
use std::thread;

use heliosdb_storage::catalog::{CrdtType, NewTable, TableDef};
use heliosdb_storage::transaction::{Arbiter, Direction, Inserted, RowLock};
use heliosdb_storage::{ColumnChange, ConstraintKind, Error, Store, Value};

use crate::fixture::*;

fn set(slot: usize, n: i32) -> Vec<(usize, ColumnChange)> {
    vec![(slot, ColumnChange::Set(int(n)))]
}

fn strict_table() -> NewTable {
    let mut table = two_columns("t");
    table.columns[1].not_null = true;
    table.checks.push(positive("t_v_check", "v", 1));
    table
}

#[test]
fn not_null_is_judged_on_insert_and_update() {
    let store = store();
    let table = create(&store, strict_table());
    let refused = violation(autocommit(&store, |txn| txn.insert_row(&table, vec![int(1), Value::Null])));
    assert_eq!(refused.kind, ConstraintKind::NotNull);
    assert_eq!(refused.message, "null value in column \"v\" of relation \"t\" violates not-null constraint");
    assert_eq!(refused.detail.as_deref(), Some("Failing row contains (1, null)."));
    assert_eq!(refused.column.as_deref(), Some("v"));
    insert(&store, &table, &[1, 1]).unwrap();
    let patch = vec![(1, ColumnChange::Set(Value::Null))];
    let refused = violation(autocommit(&store, |txn| txn.update_row(&table, &key(&[1]), patch)));
    assert_eq!(refused.kind, ConstraintKind::NotNull);
    // The primary key is NOT NULL without saying so.
    let refused = violation(autocommit(&store, |txn| txn.insert_row(&table, vec![Value::Null, int(1)])));
    assert_eq!(refused.column.as_deref(), Some("id"));
}

#[test]
fn check_is_judged_on_insert_and_update() {
    let store = store();
    let table = create(&store, strict_table());
    let refused = violation(insert(&store, &table, &[1, 0]));
    assert_eq!(refused.kind, ConstraintKind::Check);
    assert_eq!(refused.message, "new row for relation \"t\" violates check constraint \"t_v_check\"");
    assert_eq!(refused.detail.as_deref(), Some("Failing row contains (1, 0)."));
    assert_eq!(refused.constraint.as_deref(), Some("t_v_check"));
    insert(&store, &table, &[1, 1]).unwrap();
    let refused = violation(autocommit(&store, |txn| txn.update_row(&table, &key(&[1]), set(1, -1))));
    assert_eq!(refused.kind, ConstraintKind::Check);
}

#[test]
fn a_primary_key_is_unique() {
    let store = store();
    let table = create(&store, two_columns("t"));
    insert(&store, &table, &[1, 1]).unwrap();
    let refused = violation(insert(&store, &table, &[1, 2]));
    assert_eq!(refused.kind, ConstraintKind::Unique);
    assert_eq!(refused.message, "duplicate key value violates unique constraint \"t_pkey\"");
    assert_eq!(refused.detail.as_deref(), Some("Key (id)=(1) already exists."));
    assert_eq!(refused.constraint.as_deref(), Some("t_pkey"));
    insert(&store, &table, &[2, 2]).unwrap();
    let refused = violation(autocommit(&store, |txn| txn.update_row(&table, &key(&[2]), set(0, 1))));
    assert_eq!(refused.detail.as_deref(), Some("Key (id)=(1) already exists."));
    // Within one transaction a deleted key is free at once.
    autocommit(&store, |txn| {
        txn.delete_row(&table, &key(&[1]))?;
        txn.insert_row(&table, ints(&[1, 3]))
    })
    .unwrap();
    assert_eq!(committed(&store, &table), [ints(&[1, 3]), ints(&[2, 2])]);
}

fn table_with_unique() -> NewTable {
    NewTable { indexes: vec![index("t_v_key", &[1], true)], ..two_columns("t") }
}

#[test]
fn a_unique_index_is_unique_but_for_nulls() {
    let store = store();
    let table = create(&store, table_with_unique());
    insert(&store, &table, &[1, 10]).unwrap();
    let refused = violation(insert(&store, &table, &[2, 10]));
    assert_eq!(refused.message, "duplicate key value violates unique constraint \"t_v_key\"");
    assert_eq!(refused.detail.as_deref(), Some("Key (v)=(10) already exists."));
    for id in [3, 4] {
        autocommit(&store, |txn| txn.insert_row(&table, vec![int(id), Value::Null])).unwrap();
    }
    insert(&store, &table, &[5, 50]).unwrap();
    violation(autocommit(&store, |txn| txn.update_row(&table, &key(&[5]), set(1, 10))));
    // A row does not collide with itself, even when its key moves.
    autocommit(&store, |txn| txn.update_row(&table, &key(&[5]), set(0, 6))).unwrap();
    autocommit(&store, |txn| txn.update_row(&table, &key(&[6]), set(1, 50))).unwrap();
    let mut txn = begin(&store);
    let nulls = [vec![int(3), Value::Null], vec![int(4), Value::Null]];
    let expected = [&[ints(&[1, 10]), ints(&[6, 50])][..], &nulls].concat();
    assert_eq!(by_index(&mut txn, &table, 0, Direction::Forward), expected);
}

#[test]
fn a_conflicting_row_is_found_though_the_statement_does_not_see_it() {
    let store = store();
    let table = create(&store, table_with_unique());
    let unique = [Arbiter::Index(table.indexes[0].id)];
    let mut txn = begin(&store);
    insert(&store, &table, &[1, 10]).unwrap();
    assert_eq!(violation(txn.insert_row(&table, ints(&[2, 10]))).constraint.as_deref(), Some("t_v_key"));
    assert_eq!(txn.get(&table, &key(&[1])).unwrap(), None);
    let mut put = |row: &[Value], lock| txn.insert_unless_taken(&table, row, &unique, lock).unwrap();
    assert_eq!(put(&ints(&[2, 10]), None), Inserted::Conflict(key(&[1])));
    let locked = Inserted::Locked(key(&[1]), ints(&[1, 10]));
    assert_eq!(put(&ints(&[2, 10]), Some(RowLock::NoKeyUpdate)), locked);
    assert_eq!(put(&[int(3), Value::Null], None), Inserted::New(key(&[3])));
    assert!(txn.is_changed_by_statement(&table, &key(&[3])) && !txn.is_changed_by_statement(&table, &key(&[1])));
    assert_eq!(txn.update_row(&table, &key(&[1]), set(1, 11)).unwrap(), Some(ints(&[1, 11])));
    // The primary key is no arbiter here.
    let refused = violation(txn.insert_unless_taken(&table, &ints(&[1, 12]), &unique, None).map(|_| ()));
    assert_eq!(refused.constraint.as_deref(), Some("t_pkey"));
    txn.commit().unwrap();
    assert_eq!(committed(&store, &table), [ints(&[1, 11]), vec![int(3), Value::Null]]);
}

/// Two transactions insert the same unique value; the second waits for the outcome of the first.
fn race_for_a_key(
    table: NewTable,
    first: [i32; 2],
    second: [i32; 2],
    first_commits: bool,
) -> heliosdb_storage::Result<()> {
    let store = store();
    let table = create(&store, table);
    let mut txn = begin(&store);
    txn.insert_row(&table, ints(&first)).unwrap();
    thread::scope(|scope| {
        let other = scope.spawn(|| insert(&store, &table, &second));
        until_waiting(&store, 1);
        if first_commits {
            txn.commit().unwrap();
        } else {
            txn.rollback();
        }
        other.join().unwrap().map(|_| ())
    })
}

#[test]
fn a_concurrent_insert_of_the_same_key_waits_and_goes_by_the_outcome() {
    let same_primary_key = || race_for_a_key(two_columns("t"), [1, 1], [1, 2], true);
    assert_eq!(violation(same_primary_key()).constraint.as_deref(), Some("t_pkey"));
    race_for_a_key(two_columns("t"), [1, 1], [1, 2], false).unwrap();
    let same_value = || race_for_a_key(table_with_unique(), [1, 7], [2, 7], true);
    assert_eq!(violation(same_value()).constraint.as_deref(), Some("t_v_key"));
    race_for_a_key(table_with_unique(), [1, 7], [2, 7], false).unwrap();
}

#[test]
fn a_value_that_is_being_given_up_is_waited_for() {
    for commits in [true, false] {
        let store = store();
        let table = create(&store, table_with_unique());
        insert(&store, &table, &[1, 7]).unwrap();
        let mut txn = begin(&store);
        txn.delete_row(&table, &key(&[1])).unwrap();
        let result = thread::scope(|scope| {
            let other = scope.spawn(|| insert(&store, &table, &[2, 7]));
            until_waiting(&store, 1);
            if commits {
                txn.commit().unwrap();
            } else {
                txn.rollback();
            }
            other.join().unwrap()
        });
        assert_eq!(result.is_ok(), commits, "{result:?}");
    }
}

fn parent_and_child(store: &Arc<Store>, indexed: bool) -> (Arc<TableDef>, Arc<TableDef>) {
    let parent = create(store, two_columns("p"));
    let mut child = two_columns("c");
    child.foreign_keys = vec![foreign_key("c_v_fkey", 1, Some(&parent), 0)];
    if indexed {
        child.indexes = vec![index("c_v_idx", &[1], false)];
    }
    (parent, create(store, child))
}

#[test]
fn a_child_needs_a_parent() {
    let store = store();
    let (parent, child) = parent_and_child(&store, false);
    let refused = violation(insert(&store, &child, &[1, 9]));
    assert_eq!(refused.kind, ConstraintKind::ForeignKey);
    assert_eq!(refused.message, "insert or update on table \"c\" violates foreign key constraint \"c_v_fkey\"");
    assert_eq!(refused.detail.as_deref(), Some("Key (v)=(9) is not present in table \"p\"."));
    autocommit(&store, |txn| txn.insert_row(&child, vec![int(1), Value::Null])).unwrap();
    insert(&store, &parent, &[9, 0]).unwrap();
    insert(&store, &child, &[2, 9]).unwrap();
    violation(autocommit(&store, |txn| txn.update_row(&child, &key(&[2]), set(1, 8))));
    // The order within a statement does not matter, and a child that is gone again needs no parent.
    autocommit(&store, |txn| {
        txn.insert_row(&child, ints(&[3, 3]))?;
        txn.insert_row(&child, ints(&[4, 4]))?;
        txn.delete_row(&child, &key(&[4]))?;
        txn.insert_row(&parent, ints(&[3, 0]))
    })
    .unwrap();
}

#[test]
fn a_parent_with_children_stays() {
    for indexed in [false, true] {
        let store = store();
        let (parent, child) = parent_and_child(&store, indexed);
        insert(&store, &parent, &[1, 0]).unwrap();
        insert(&store, &parent, &[2, 0]).unwrap();
        insert(&store, &child, &[10, 1]).unwrap();
        let refused = violation(autocommit(&store, |txn| txn.delete_row(&parent, &key(&[1]))));
        assert_eq!(
            refused.message,
            "update or delete on table \"p\" violates foreign key constraint \"c_v_fkey\" on table \"c\""
        );
        assert_eq!(refused.detail.as_deref(), Some("Key (id)=(1) is still referenced from table \"c\"."));
        violation(autocommit(&store, |txn| txn.update_row(&parent, &key(&[1]), set(0, 3))));
        // What nobody refers to may change, and a parent may be replaced within the statement.
        autocommit(&store, |txn| txn.update_row(&parent, &key(&[1]), set(1, 5))).unwrap();
        autocommit(&store, |txn| txn.delete_row(&parent, &key(&[2]))).unwrap();
        autocommit(&store, |txn| {
            txn.delete_row(&parent, &key(&[1]))?;
            txn.insert_row(&parent, ints(&[1, 6]))
        })
        .unwrap();
        autocommit(&store, |txn| {
            txn.delete_row(&child, &key(&[10]))?;
            txn.delete_row(&parent, &key(&[1]))
        })
        .unwrap();
        assert!(committed(&store, &parent).is_empty());
    }
}

#[test]
fn a_foreign_key_may_point_to_its_own_table_and_to_a_unique_index() {
    let store = store();
    let mut tree = two_columns("tree");
    tree.columns.push(column("code", heliosdb_storage::DataType::Int4));
    tree.indexes = vec![index("tree_code_key", &[2], true)];
    tree.foreign_keys = vec![foreign_key("tree_v_fkey", 1, None, 2)];
    let tree = create(&store, tree);
    violation(insert(&store, &tree, &[1, 5, 4]));
    insert(&store, &tree, &[1, 5, 5]).unwrap();
    insert(&store, &tree, &[2, 5, 6]).unwrap();
    violation(autocommit(&store, |txn| txn.update_row(&tree, &key(&[1]), set(2, 7))));
    autocommit(&store, |txn| {
        txn.delete_row(&tree, &key(&[1]))?;
        txn.delete_row(&tree, &key(&[2]))
    })
    .unwrap();
}

#[test]
fn a_child_inserted_while_its_parent_is_being_deleted_goes_by_the_outcome() {
    for deletes in [true, false] {
        let store = store();
        let (parent, child) = parent_and_child(&store, true);
        insert(&store, &parent, &[1, 0]).unwrap();
        let mut txn = begin(&store);
        txn.delete_row(&parent, &key(&[1])).unwrap();
        txn.end_statement().unwrap();
        let result = thread::scope(|scope| {
            let other = scope.spawn(|| insert(&store, &child, &[10, 1]));
            until_waiting(&store, 1);
            if deletes {
                txn.commit().unwrap();
            } else {
                txn.rollback();
            }
            other.join().unwrap()
        });
        assert_eq!(result.is_err(), deletes, "{result:?}");
        assert_eq!(committed(&store, &child).len(), committed(&store, &parent).len());
    }
}

#[test]
fn a_parent_deleted_while_a_child_is_being_inserted_waits_and_stays() {
    let store = store();
    let (parent, child) = parent_and_child(&store, false);
    insert(&store, &parent, &[1, 0]).unwrap();
    let mut txn = begin(&store);
    txn.insert_row(&child, ints(&[10, 1])).unwrap();
    txn.end_statement().unwrap();
    // Other columns of the parent may be changed meanwhile.
    autocommit(&store, |txn| {
        txn.lock_row(&parent, &key(&[1]), RowLock::NoKeyUpdate)?;
        txn.update_row(&parent, &key(&[1]), set(1, 3))
    })
    .unwrap();
    let result = thread::scope(|scope| {
        let other = scope.spawn(|| autocommit(&store, |txn| txn.delete_row(&parent, &key(&[1]))));
        until_waiting(&store, 1);
        txn.commit().unwrap();
        other.join().unwrap()
    });
    assert_eq!(violation(result).kind, ConstraintKind::ForeignKey);
}

#[test]
fn counters_take_differences() {
    let store = store();
    let mut table = two_columns("t");
    table.columns = vec![
        column("id", heliosdb_storage::DataType::Int4),
        counter("sold", CrdtType::GCounter),
        counter("stock", CrdtType::PnCounter),
    ];
    let table = create(&store, table);
    let add = |slot: usize, n: i64| {
        autocommit(&store, |txn| txn.update_row(&table, &key(&[1]), vec![(slot, ColumnChange::Add(n))]))
    };
    let first = |sold: Value| autocommit(&store, |txn| txn.insert_row(&table, vec![int(1), sold, Value::Null]));
    assert_eq!(violation(first(Value::Int8(-1))).kind, ConstraintKind::Check);
    first(Value::Null).unwrap();
    assert_eq!(add(1, 5).unwrap(), Some(vec![int(1), Value::Int8(5), Value::Null]));
    assert_eq!(add(2, -3).unwrap(), Some(vec![int(1), Value::Int8(5), Value::Int8(-3)]));
    assert_eq!(violation(add(1, -1)).message, "counter \"sold\" of relation \"t\" cannot decrease");
    add(2, i64::MIN + 3).unwrap();
    assert!(matches!(add(2, -1), Err(Error::OutOfRange(_))));
    for value in [Value::Null, Value::Int8(1)] {
        let patch = vec![(1, ColumnChange::Set(value))];
        let refused = autocommit(&store, |txn| txn.update_row(&table, &key(&[1]), patch));
        assert!(matches!(refused, Err(Error::Unsupported(_))));
    }
    assert_eq!(committed(&store, &table), [vec![int(1), Value::Int8(5), Value::Int8(i64::MIN)]]);
}

#[test]
fn a_deadlock_ends_and_its_victim_can_try_again() {
    let store = store();
    let table = create(&store, two_columns("t"));
    for id in 0..2 {
        insert(&store, &table, &[id, 0]).unwrap();
    }
    let cross = |first: i32, second: i32| {
        let mut victims = 0;
        for _ in 0..20 {
            loop {
                let add = |txn: &mut heliosdb_storage::Transaction, id: i32| {
                    let row = txn.lock_row(&table, &key(&[id]), RowLock::NoKeyUpdate)?.unwrap();
                    let Value::Int4(v) = row[1] else { panic!() };
                    txn.update_row(&table, &key(&[id]), set(1, v + 1))
                };
                let result = autocommit(&store, |txn| {
                    add(txn, first)?;
                    add(txn, second)
                });
                match result {
                    Ok(_) => break,
                    Err(error) if error.is_retryable() => victims += 1,
                    Err(error) => panic!("{error}"),
                }
            }
        }
        victims
    };
    thread::scope(|scope| {
        let other = scope.spawn(|| cross(1, 0));
        cross(0, 1);
        other.join().unwrap();
    });
    assert_eq!(committed(&store, &table), [ints(&[0, 40]), ints(&[1, 40])]);
}
