//! The extended protocol's side: parameters, portals, plans that are kept.

use heliosdb_sql::session::TransactionStatus;
use heliosdb_storage::value::{DataType, Value};

use crate::harness::{engine, failure, query, run, session};

#[test]
fn parameter_types_come_from_the_context() {
    let engine = engine();
    let mut a = session(&engine);
    run(&mut a, "CREATE TABLE t (id int PRIMARY KEY, a text, n numeric(6,2), d date)").unwrap();
    let mut types = |sql: &str| {
        let statements = a.split(sql).unwrap();
        a.prepare(&statements[0], &[]).map(|prepared| prepared.parameter_types().to_vec())
    };
    use DataType::{Bool, Date, Int4, Int8, Numeric, Text};
    assert_eq!(types("SELECT * FROM t WHERE id = $1 AND a = $2").unwrap(), [Int4, Text]);
    assert_eq!(types("INSERT INTO t VALUES ($1, $2, $3, $4)").unwrap(), [Int4, Text, Numeric, Date]);
    assert_eq!(types("UPDATE t SET a = $2 WHERE id = $1").unwrap(), [Int4, Text]);
    assert_eq!(types("SELECT $1::int8, $2").unwrap(), [Int8, Text]);
    assert_eq!(types("SELECT * FROM t WHERE $1 LIMIT $2").unwrap(), [Bool, Int8]);
    assert_eq!(types("SELECT * FROM t WHERE id IN ($1, $2)").unwrap(), [Int4, Int4]);
    assert_eq!(types("SELECT * FROM t WHERE id BETWEEN $1 AND $1 + 1").unwrap(), [Int4]);
    assert_eq!(types("SELECT CASE WHEN $1 THEN n ELSE $2 END FROM t").unwrap(), [Bool, Numeric]);
    assert_eq!(types("INSERT INTO t (id, a) SELECT $1, $2").unwrap(), [Int4, Text]);
    assert_eq!(types("SELECT coalesce($1, 1)").unwrap(), [Int4]);
    let unknown = types("SELECT $2::int4").unwrap_err();
    assert_eq!(unknown.state.0, "42P18");
    assert_eq!(unknown.message, "could not determine data type of parameter $1");
    assert_eq!(types("SELECT $1::int4, $1::text").unwrap(), [Int4]);
}

#[test]
fn parameters_are_values() {
    let engine = engine();
    let mut a = session(&engine);
    run(&mut a, "CREATE TABLE t (id int PRIMARY KEY, n numeric(6,2)); INSERT INTO t VALUES (1, 2), (2, NULL)").unwrap();
    let id = |rows: Vec<Vec<Value>>| rows.into_iter().map(|row| row[0].clone()).collect::<Vec<_>>();
    let by_id = "SELECT id FROM t WHERE id = $1";
    assert_eq!(id(query(&mut a, by_id, &[], vec![Value::Int4(2)]).unwrap()), [Value::Int4(2)]);
    assert_eq!(id(query(&mut a, by_id, &[], vec![Value::Null]).unwrap()), []);
    // A wider integer finds the row by its key all the same.
    assert_eq!(id(query(&mut a, by_id, &[DataType::Int8], vec![Value::Int8(2)]).unwrap()), [Value::Int4(2)]);
    assert_eq!(id(query(&mut a, by_id, &[DataType::Int8], vec![Value::Int8(1 << 40)]).unwrap()), []);
    // The modifier of the column binds parameters too.
    let digits = heliosdb_sql::types::parse_text(
        "1.239",
        heliosdb_storage::value::ColumnType { data_type: DataType::Numeric, typmod: -1 },
        a.time_context(),
    );
    query(&mut a, "INSERT INTO t VALUES (3, $1)", &[], vec![digits.unwrap()]).unwrap();
    assert_eq!(run(&mut a, "SELECT n::text FROM t WHERE id = 3").unwrap(), [[Value::text("1.24")]]);
    let statements = a.split(by_id).unwrap();
    let prepared = a.prepare(&statements[0], &[]).unwrap();
    assert_eq!(a.execute(&prepared, Vec::new()).err().unwrap().state.0, "08P01");
}

#[test]
fn a_portal_can_be_suspended() {
    let engine = engine();
    let mut a = session(&engine);
    run(&mut a, "CREATE TABLE t (id int PRIMARY KEY, a int)").unwrap();
    for id in 0..20 {
        run(&mut a, &format!("INSERT INTO t VALUES ({id}, {})", id % 3)).unwrap();
    }
    run(&mut a, "BEGIN").unwrap();
    for sql in ["SELECT id FROM t", "SELECT t.id FROM t JOIN t AS u ON u.id = t.id", "SELECT id FROM t ORDER BY a, id"]
    {
        let statements = a.split(sql).unwrap();
        let prepared = a.prepare(&statements[0], &[]).unwrap();
        let mut portal = a.execute(&prepared, Vec::new()).unwrap();
        let mut rows = Vec::new();
        assert!(portal.next_rows(&mut a, 3, &mut rows).unwrap());
        assert_eq!(rows.len(), 3);
        // What another statement of the transaction does in between is not seen.
        run(&mut a, "SAVEPOINT s; DELETE FROM t WHERE id > 10").unwrap();
        while portal.next_rows(&mut a, 7, &mut rows).unwrap() {}
        assert_eq!(rows.len(), 20, "{sql}");
        assert_eq!(portal.tag(), "SELECT 20");
        run(&mut a, "ROLLBACK TO s").unwrap();
    }
    let statements = a.split("SELECT id FROM t").unwrap();
    let prepared = a.prepare(&statements[0], &[]).unwrap();
    let mut portal = a.execute(&prepared, Vec::new()).unwrap();
    let mut rows = Vec::new();
    assert!(portal.next_rows(&mut a, 3, &mut rows).unwrap());
    run(&mut a, "COMMIT").unwrap();
    assert_eq!(portal.next_rows(&mut a, 3, &mut rows).unwrap_err().state.0, "34000");
}

#[test]
fn a_portal_that_is_never_run_does_nothing() {
    let engine = engine();
    let mut a = session(&engine);
    run(&mut a, "CREATE TABLE t (id int PRIMARY KEY)").unwrap();
    let statements = a.split("INSERT INTO t VALUES (1)").unwrap();
    let prepared = a.prepare(&statements[0], &[]).unwrap();
    drop(a.execute(&prepared, Vec::new()).unwrap());
    a.end_implicit().unwrap();
    assert_eq!(run(&mut a, "SELECT count(*) FROM t").unwrap(), [[Value::Int8(0)]]);
}

#[test]
fn a_plan_is_made_again_when_the_schema_has_changed() {
    let engine = engine();
    let (mut a, mut b) = (session(&engine), session(&engine));
    run(&mut a, "CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, 5)").unwrap();
    let statements = a.split("SELECT id FROM t WHERE a = 5").unwrap();
    let prepared = a.prepare(&statements[0], &[]).unwrap();
    assert!(std::sync::Arc::ptr_eq(&prepared, &b.prepare(&statements[0], &[]).unwrap()), "the cache is shared");
    run(&mut b, "CREATE INDEX t_a ON t (a)").unwrap();
    let fetch = |a: &mut heliosdb_sql::Session| {
        let mut portal = a.execute(&prepared, Vec::new())?;
        let mut rows = Vec::new();
        while portal.next_rows(a, 10, &mut rows)? {}
        a.end_implicit()?;
        Ok::<_, heliosdb_sql::SqlError>(rows)
    };
    assert_eq!(fetch(&mut a).unwrap(), [[Value::Int4(1)]]);
    run(&mut b, "DROP TABLE t; CREATE TABLE t (id int8 PRIMARY KEY, a int)").unwrap();
    let error = fetch(&mut a).unwrap_err();
    assert_eq!((error.state.0, error.message.as_str()), ("0A000", "cached plan must not change result type"));
    run(&mut b, "DROP TABLE t").unwrap();
    assert_eq!(fetch(&mut a).unwrap_err().state.0, "42P01");
}

#[test]
fn a_point_look_up_is_quick_and_others_are_not() {
    let engine = engine();
    let mut a = session(&engine);
    run(&mut a, "CREATE TABLE t (id int PRIMARY KEY, a int)").unwrap();
    let mut quick = |sql: &str| {
        let statements = a.split(sql).unwrap();
        a.prepare(&statements[0], &[]).unwrap().is_quick()
    };
    assert!(quick("SELECT a FROM t WHERE id = $1"));
    assert!(quick("SELECT 1"));
    assert!(!quick("SELECT a FROM t WHERE a = $1"));
    assert!(!quick("SELECT a FROM t WHERE id = $1 FOR UPDATE"));
    assert!(!quick("UPDATE t SET a = 1 WHERE id = $1"));
    assert!(!quick("COMMIT"));
}

#[test]
fn statuses_follow_the_transaction() {
    let engine = engine();
    let mut a = session(&engine);
    assert_eq!(a.transaction_status(), TransactionStatus::Idle);
    run(&mut a, "BEGIN").unwrap();
    assert_eq!(a.transaction_status(), TransactionStatus::InTransaction);
    assert_eq!(failure(&mut a, "SELEC").0, "42601");
    assert_eq!(a.transaction_status(), TransactionStatus::Failed);
    assert_eq!(failure(&mut a, "SELECT 1").0, "25P02");
    run(&mut a, "ROLLBACK").unwrap();
    assert_eq!(a.transaction_status(), TransactionStatus::Idle);
}

#[test]
fn statements_of_one_text_are_one_transaction() {
    let engine = engine();
    let mut a = session(&engine);
    run(&mut a, "CREATE TABLE t (id int PRIMARY KEY)").unwrap();
    assert_eq!(failure(&mut a, "INSERT INTO t VALUES (1); INSERT INTO t VALUES (1)").0, "23505");
    assert_eq!(run(&mut a, "SELECT count(*) FROM t").unwrap(), [[Value::Int8(0)]]);
    // BEGIN takes what came before it into its block.
    run(&mut a, "INSERT INTO t VALUES (1); BEGIN; INSERT INTO t VALUES (2); ROLLBACK").unwrap();
    assert_eq!(run(&mut a, "SELECT count(*) FROM t").unwrap(), [[Value::Int8(0)]]);
    run(&mut a, "INSERT INTO t VALUES (1); SELECT 1").unwrap();
    assert_eq!(run(&mut a, "SELECT count(*) FROM t").unwrap(), [[Value::Int8(1)]]);
}

#[test]
fn a_failed_statement_leaves_nothing_behind() {
    let engine = engine();
    let mut a = session(&engine);
    run(&mut a, "CREATE TABLE t (id int PRIMARY KEY)").unwrap();
    run(&mut a, "BEGIN; INSERT INTO t VALUES (1); SAVEPOINT s").unwrap();
    assert_eq!(failure(&mut a, "INSERT INTO t VALUES (2), (3), (1)").0, "23505");
    run(&mut a, "ROLLBACK TO s; COMMIT").unwrap();
    assert_eq!(run(&mut a, "SELECT id FROM t").unwrap(), [[Value::Int4(1)]]);
}

#[test]
fn memory_is_bounded() {
    let engine = engine();
    let mut a = session(&engine);
    run(&mut a, "CREATE TABLE t (id int PRIMARY KEY, a text)").unwrap();
    let long = "x".repeat(1_000_000);
    for id in 0..4 {
        query(&mut a, "INSERT INTO t VALUES ($1, $2)", &[], vec![Value::Int4(id), Value::text(long.as_str())]).unwrap();
    }
    let error = run(&mut a, "SELECT a.id FROM t a, t b, t c, t d ORDER BY a.a, b.a, c.a, d.id").unwrap_err();
    assert_eq!(error.state.0, "53200");
}

#[test]
fn positions_are_in_characters_of_the_whole_text() {
    let engine = engine();
    let mut a = session(&engine);
    let error = run(&mut a, "SELECT 'é';\nSELECT nope FROM nothing_there").unwrap_err();
    assert_eq!((error.state.0, error.fields.position), ("42P01", Some(30)));
    let error = run(&mut a, "SELECT 1, nope").unwrap_err();
    assert_eq!((error.state.0, error.fields.position), ("42703", Some(11)));
}

#[test]
fn a_large_join_streams_whatever_else_is_run() {
    let engine = engine();
    let mut a = session(&engine);
    run(&mut a, "CREATE TABLE t (id int PRIMARY KEY, a text)").unwrap();
    let long = "x".repeat(100_000);
    for id in 0..40 {
        query(&mut a, "INSERT INTO t VALUES ($1, $2)", &[], vec![Value::Int4(id), Value::text(long.as_str())]).unwrap();
    }
    let statements = a.split("SELECT t.a, u.a FROM t CROSS JOIN t AS u").unwrap();
    let prepared = a.prepare(&statements[0], &[]).unwrap();
    run(&mut a, "BEGIN").unwrap();
    // 320 MB in all.
    let mut portal = a.execute(&prepared, Vec::new()).unwrap();
    let (mut rows, mut count) = (Vec::new(), 0);
    while portal.next_rows(&mut a, 50, &mut rows).unwrap() {
        count += rows.len();
        rows.clear();
    }
    assert_eq!(count + rows.len(), 1_600);
    rows.clear();
    // A portal that waits while other statements run goes on with what it saw, and keeps nothing for that.
    let mut portal = a.execute(&prepared, Vec::new()).unwrap();
    assert!(portal.next_rows(&mut a, 50, &mut rows).unwrap());
    run(&mut a, "DELETE FROM t").unwrap();
    let mut count = rows.len();
    loop {
        rows.clear();
        let has_more = portal.next_rows(&mut a, 50, &mut rows).unwrap();
        count += rows.len();
        if !has_more {
            break;
        }
    }
    assert_eq!(count, 1_600);
    run(&mut a, "ROLLBACK").unwrap();
}
