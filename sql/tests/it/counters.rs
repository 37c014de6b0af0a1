//! Plain SQL onto counters: which difference an assignment means.

use heliosdb_storage::sync_row::Role;
use heliosdb_storage::value::Value;

use crate::harness::{engine, engine_as, failure, run, session};

const TABLE: &str =
    "CREATE TABLE inventory (sku text PRIMARY KEY, on_hand pn_counter NOT NULL DEFAULT 0, sold g_counter,
                     name text); INSERT INTO inventory VALUES ('a', 10, 0, 'apple')";

fn on_hand(session: &mut heliosdb_sql::Session) -> Value {
    run(session, "SELECT on_hand FROM inventory WHERE sku = 'a'").unwrap()[0][0].clone()
}

#[test]
fn an_expression_over_the_column_is_relative_to_the_locked_row() {
    let engine = engine();
    let (mut a, mut b) = (session(&engine), session(&engine));
    run(&mut a, TABLE).unwrap();
    run(&mut a, "BEGIN; SELECT on_hand FROM inventory").unwrap();
    run(&mut b, "UPDATE inventory SET on_hand = on_hand - 4 WHERE sku = 'a'").unwrap();
    let rows = run(&mut a, "UPDATE inventory SET on_hand = on_hand - 1 WHERE sku = 'a' RETURNING on_hand").unwrap();
    assert_eq!(rows, [[Value::Int8(5)]]);
    run(&mut a, "COMMIT").unwrap();
    assert_eq!(on_hand(&mut b), Value::Int8(5));
}

#[test]
fn an_assigned_value_is_relative_to_what_the_transaction_has_seen() {
    let engine = engine();
    let (mut a, mut b) = (session(&engine), session(&engine));
    run(&mut a, TABLE).unwrap();
    run(&mut a, "BEGIN; SELECT name, on_hand FROM inventory WHERE sku = 'a'").unwrap();
    run(&mut b, "UPDATE inventory SET on_hand = on_hand - 4 WHERE sku = 'a'").unwrap();
    // 10 was seen, 7 is written: three less, of the 6 that there are by now.
    let rows = run(&mut a, "UPDATE inventory SET on_hand = 7 WHERE sku = 'a' RETURNING on_hand").unwrap();
    assert_eq!(rows, [[Value::Int8(3)]]);
    // Now 3 was seen.
    let rows = run(&mut a, "UPDATE inventory SET on_hand = 5 WHERE sku = 'a' RETURNING on_hand").unwrap();
    assert_eq!(rows, [[Value::Int8(5)]]);
    run(&mut a, "COMMIT").unwrap();
    assert_eq!(on_hand(&mut b), Value::Int8(5));
}

#[test]
fn writing_back_what_was_read_changes_nothing() {
    let engine = engine();
    let (mut a, mut b) = (session(&engine), session(&engine));
    run(&mut a, TABLE).unwrap();
    run(&mut a, "BEGIN; SELECT * FROM inventory i WHERE i.sku = 'a'").unwrap();
    run(&mut b, "UPDATE inventory SET on_hand = on_hand - 4").unwrap();
    run(&mut a, "UPDATE inventory SET on_hand = 10, sold = 0, name = 'pear' WHERE sku = 'a'; COMMIT").unwrap();
    assert_eq!(on_hand(&mut b), Value::Int8(6));
}

#[test]
fn what_a_join_returns_is_remembered_too() {
    let engine = engine();
    let (mut a, mut b) = (session(&engine), session(&engine));
    run(&mut a, TABLE).unwrap();
    run(&mut a, "BEGIN; SELECT x.n, i.on_hand FROM (SELECT 1 AS n) x JOIN inventory i ON i.sku = 'a' ORDER BY i.name")
        .unwrap();
    run(&mut b, "UPDATE inventory SET on_hand = on_hand - 4").unwrap();
    run(&mut a, "UPDATE inventory SET on_hand = 11; COMMIT").unwrap();
    assert_eq!(on_hand(&mut b), Value::Int8(7));
}

#[test]
fn without_a_value_seen_the_locked_row_is_the_baseline() {
    let engine = engine();
    let (mut a, mut b) = (session(&engine), session(&engine));
    run(&mut a, TABLE).unwrap();
    // A sum is not the value of a row.
    run(&mut a, "BEGIN; SELECT sum(on_hand) FROM inventory").unwrap();
    run(&mut b, "UPDATE inventory SET on_hand = on_hand - 4").unwrap();
    run(&mut a, "UPDATE inventory SET on_hand = 7; COMMIT").unwrap();
    assert_eq!(on_hand(&mut b), Value::Int8(7));
    // Nor does a transaction know what an earlier one has seen.
    run(&mut a, "SELECT on_hand FROM inventory").unwrap();
    run(&mut b, "UPDATE inventory SET on_hand = on_hand - 1").unwrap();
    run(&mut a, "UPDATE inventory SET on_hand = 100").unwrap();
    assert_eq!(on_hand(&mut b), Value::Int8(100));
}

#[test]
fn rolling_back_to_a_savepoint_brings_back_what_had_been_seen_then() {
    let engine = engine();
    let (mut a, mut b) = (session(&engine), session(&engine));
    run(&mut a, TABLE).unwrap();
    run(&mut a, "BEGIN; SELECT on_hand FROM inventory").unwrap();
    run(&mut b, "UPDATE inventory SET on_hand = on_hand - 2").unwrap();
    run(&mut a, "SAVEPOINT s; UPDATE inventory SET on_hand = 7 RETURNING on_hand; ROLLBACK TO s").unwrap();
    // 10 was seen before the savepoint, 8 is there: one less than seen is 7.
    let rows = run(&mut a, "UPDATE inventory SET on_hand = 9 RETURNING on_hand").unwrap();
    assert_eq!(rows, [[Value::Int8(7)]]);
    run(&mut a, "COMMIT").unwrap();
}

#[test]
fn a_second_assignment_is_relative_to_the_first_not_to_the_merged_row() {
    let engine = engine();
    let (mut a, mut b) = (session(&engine), session(&engine));
    run(&mut a, TABLE).unwrap();
    run(&mut a, "BEGIN; SELECT on_hand FROM inventory").unwrap();
    run(&mut b, "UPDATE inventory SET on_hand = on_hand - 2").unwrap();
    // 10 was seen: 7 is three less, 5 two less than 7.
    run(&mut a, "UPDATE inventory SET on_hand = 7; UPDATE inventory SET on_hand = 5; COMMIT").unwrap();
    assert_eq!(on_hand(&mut b), Value::Int8(3));
}

#[test]
fn changing_another_column_does_not_touch_what_was_seen() {
    let engine = engine();
    let (mut a, mut b) = (session(&engine), session(&engine));
    run(&mut a, TABLE).unwrap();
    run(&mut a, "BEGIN; SELECT on_hand FROM inventory").unwrap();
    run(&mut b, "UPDATE inventory SET on_hand = on_hand - 2").unwrap();
    run(&mut a, "UPDATE inventory SET name = 'pear'; UPDATE inventory SET on_hand = 7; COMMIT").unwrap();
    assert_eq!(on_hand(&mut b), Value::Int8(5));
}

#[test]
fn an_inserted_row_is_not_measured_by_the_one_it_replaces() {
    let engine = engine();
    let mut a = session(&engine);
    run(&mut a, TABLE).unwrap();
    run(&mut a, "BEGIN; SELECT on_hand FROM inventory; DELETE FROM inventory").unwrap();
    run(&mut a, "INSERT INTO inventory (sku, on_hand) VALUES ('a', 3); UPDATE inventory SET on_hand = 5; COMMIT")
        .unwrap();
    assert_eq!(on_hand(&mut a), Value::Int8(5));
}

#[test]
fn what_was_seen_after_a_savepoint_is_forgotten_with_it() {
    let engine = engine();
    let (mut a, mut b) = (session(&engine), session(&engine));
    run(&mut a, TABLE).unwrap();
    run(&mut a, "BEGIN; SAVEPOINT s; SELECT on_hand FROM inventory; ROLLBACK TO s").unwrap();
    run(&mut b, "UPDATE inventory SET on_hand = on_hand - 2").unwrap();
    run(&mut a, "UPDATE inventory SET on_hand = 7; COMMIT").unwrap();
    assert_eq!(on_hand(&mut b), Value::Int8(7));
}

#[test]
fn a_growing_counter_takes_a_value_below_the_row_if_it_is_above_what_was_seen() {
    let engine = engine();
    let (mut a, mut b) = (session(&engine), session(&engine));
    run(&mut a, TABLE).unwrap();
    run(&mut a, "BEGIN; SELECT sold FROM inventory").unwrap();
    run(&mut b, "UPDATE inventory SET sold = sold + 5").unwrap();
    // 0 was seen and 2 is two more: 7, and not three less than 5.
    let rows = run(&mut a, "UPDATE inventory SET sold = 2 RETURNING sold").unwrap();
    assert_eq!(rows, [[Value::Int8(7)]]);
    assert_eq!(failure(&mut a, "UPDATE inventory SET sold = 6").0, "23514");
    run(&mut a, "ROLLBACK").unwrap();
}

#[test]
fn null_means_never_written() {
    let engine = engine();
    let mut a = session(&engine);
    run(&mut a, TABLE).unwrap();
    run(&mut a, "INSERT INTO inventory (sku) VALUES ('n')").unwrap();
    let get = |session: &mut heliosdb_sql::Session| {
        run(session, "SELECT sold FROM inventory WHERE sku = 'n'").unwrap()[0][0].clone()
    };
    assert_eq!(get(&mut a), Value::Null);
    run(&mut a, "UPDATE inventory SET sold = 3 WHERE sku = 'n'").unwrap();
    assert_eq!(get(&mut a), Value::Int8(3));
    assert_eq!(failure(&mut a, "UPDATE inventory SET sold = NULL WHERE sku = 'n'").0, "0A000");
    run(&mut a, "INSERT INTO inventory (sku) VALUES ('z')").unwrap();
    run(&mut a, "UPDATE inventory SET sold = 0 WHERE sku = 'z'").unwrap();
    assert_eq!(run(&mut a, "SELECT sold FROM inventory WHERE sku = 'z'").unwrap(), [[Value::Int8(0)]]);
}

#[test]
fn a_growing_counter_cannot_shrink() {
    let engine = engine();
    let mut a = session(&engine);
    run(&mut a, TABLE).unwrap();
    run(&mut a, "UPDATE inventory SET sold = sold + 2").unwrap();
    assert_eq!(failure(&mut a, "UPDATE inventory SET sold = sold - 1").0, "23514");
    assert_eq!(failure(&mut a, "UPDATE inventory SET on_hand = on_hand + 9223372036854775807").0, "22003");
}

#[test]
fn a_hub_syncs_tables_with_a_primary_key_and_an_edge_makes_local_ones() {
    let (engine, store) = engine_as(Role::Hub);
    let mut a = session(&engine);
    run(&mut a, "CREATE TABLE k (id int PRIMARY KEY); CREATE TABLE l (id int PRIMARY KEY) WITH (sync = none)").unwrap();
    run(&mut a, "CREATE TABLE n (id int)").unwrap();
    let notices = a.take_notices();
    assert_eq!(notices.len(), 1);
    assert_eq!(notices[0].error.message, "table \"n\" has no primary key and is not synced");
    let catalog = store.catalog();
    let synced = |name: &str| catalog.table("public", name).unwrap().is_synced();
    assert_eq!([synced("k"), synced("l"), synced("n")], [true, false, false]);
    assert_eq!(failure(&mut a, "CREATE TABLE m (id int) WITH (sync = 'both')").0, "42P16");
    assert_eq!(failure(&mut a, "CREATE TABLE m (id int PRIMARY KEY REFERENCES l)").0, "42830");

    let (engine, store) = engine_as(Role::Edge);
    let mut a = session(&engine);
    run(&mut a, "CREATE TABLE k (id int PRIMARY KEY)").unwrap();
    assert!(!store.catalog().table("public", "k").unwrap().is_synced());
    assert_eq!(failure(&mut a, "CREATE TABLE m (id int PRIMARY KEY) WITH (sync = 'both')").0, "55000");
}

#[test]
fn an_upsert_adds_what_it_says_it_adds() {
    let engine = engine();
    let (mut a, mut b) = (session(&engine), session(&engine));
    run(&mut a, TABLE).unwrap();
    // Relative to the row in the way.
    let sql = "INSERT INTO inventory VALUES ('a', 3, 1) ON CONFLICT (sku) DO UPDATE
               SET on_hand = inventory.on_hand + excluded.on_hand, sold = inventory.sold + excluded.sold
               RETURNING on_hand, sold";
    assert_eq!(run(&mut a, sql).unwrap(), [[Value::Int8(13), Value::Int8(1)]]);
    // A value is relative to what was seen, else to the row.
    let set = "INSERT INTO inventory VALUES ('a', 7) ON CONFLICT (sku) DO UPDATE SET on_hand = excluded.on_hand";
    run(&mut a, "BEGIN; SELECT on_hand FROM inventory").unwrap();
    run(&mut b, "UPDATE inventory SET on_hand = on_hand - 2").unwrap();
    run(&mut a, set).unwrap();
    run(&mut a, "COMMIT").unwrap();
    assert_eq!(on_hand(&mut b), Value::Int8(5));
    run(&mut a, set).unwrap();
    assert_eq!(on_hand(&mut b), Value::Int8(7));
    // A subquery that reads the column is relative to the row, too.
    run(&mut a, "BEGIN; SELECT on_hand FROM inventory").unwrap();
    run(&mut b, "UPDATE inventory SET on_hand = on_hand - 2").unwrap();
    run(&mut a, "UPDATE inventory SET (on_hand, name) = (SELECT inventory.on_hand + 1, 'x'); COMMIT").unwrap();
    assert_eq!(on_hand(&mut b), Value::Int8(6));
}
