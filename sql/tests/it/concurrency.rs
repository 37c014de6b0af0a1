//! Several sessions at once: READ COMMITTED, waiting, giving way.

use std::sync::mpsc;
use std::thread;

use heliosdb_sql::Session;
use heliosdb_storage::value::Value;

use crate::harness::{engine, failure, run, session};

#[test]
fn a_statement_sees_what_was_committed_when_it_began() {
    let engine = engine();
    let (mut a, mut b) = (session(&engine), session(&engine));
    run(&mut a, "CREATE TABLE t (id int PRIMARY KEY)").unwrap();
    run(&mut a, "BEGIN; INSERT INTO t VALUES (1)").unwrap();
    assert_eq!(run(&mut b, "SELECT count(*) FROM t").unwrap(), [[Value::Int8(0)]]);
    run(&mut b, "BEGIN; SELECT 1").unwrap();
    run(&mut a, "COMMIT").unwrap();
    assert_eq!(run(&mut b, "SELECT count(*) FROM t").unwrap(), [[Value::Int8(1)]]);
    run(&mut b, "COMMIT").unwrap();
}

/// One session changes a row and waits; another's statement on that row goes on once the first has committed.
fn after_a_wait(first: &str, second: &str) -> (Vec<Vec<Value>>, Vec<Vec<Value>>) {
    let engine = engine();
    let mut a = session(&engine);
    run(&mut a, "CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 10), (2, 20)").unwrap();
    run(&mut a, "BEGIN").unwrap();
    run(&mut a, first).unwrap();
    let (begun, wait) = mpsc::channel();
    let other = thread::spawn({
        let (engine, second) = (engine.clone(), second.to_owned());
        move || {
            let mut b = session(&engine);
            begun.send(()).unwrap();
            run(&mut b, &second).unwrap()
        }
    });
    wait.recv().unwrap();
    run(&mut a, "COMMIT").unwrap();
    let rows = other.join().unwrap();
    (rows, run(&mut a, "SELECT id, n FROM t ORDER BY id").unwrap())
}

#[test]
fn an_update_is_computed_from_the_newest_version() {
    let (returned, left) =
        after_a_wait("UPDATE t SET n = n + 1 WHERE id = 1", "UPDATE t SET n = n * 2 WHERE id = 1 RETURNING n");
    assert_eq!(returned, [[Value::Int4(22)]]);
    assert_eq!(left[0], [Value::Int4(1), Value::Int4(22)]);
}

#[test]
fn a_condition_is_judged_again_on_the_newest_version() {
    // Whether the second statement starts before or after the first one's commit, the row is 11 by the time it is locked.
    let (returned, left) = after_a_wait("UPDATE t SET n = 11 WHERE id = 1", "DELETE FROM t WHERE n = 10 RETURNING id");
    assert_eq!(returned, Vec::<Vec<Value>>::new());
    assert_eq!(left.len(), 2);
}

#[test]
fn a_join_is_judged_again_with_the_newest_version_of_the_target() {
    let source = "(VALUES (1, 11, 'a'), (1, 12, 'b'), (2, 20, 'c')) s (id, n, name)";
    let first = "UPDATE t SET n = 11 WHERE id = 1";
    let (returned, left) = after_a_wait(
        first,
        &format!("UPDATE t SET n = t.n + 100 FROM {source} WHERE s.id = t.id AND t.n <= s.n RETURNING t.n, s.name"),
    );
    let text = |name: &str| Value::text(name);
    assert_eq!(returned, [[Value::Int4(111), text("a")], [Value::Int4(120), text("c")]]);
    assert_eq!(left.len(), 2);
    let (returned, left) =
        after_a_wait(first, &format!("DELETE FROM t USING {source} WHERE s.id = t.id AND t.n = s.n - 2 RETURNING t.n"));
    assert_eq!((returned.len(), left.len()), (0, 2));
}

#[test]
fn a_deleted_row_is_left_alone() {
    let (returned, left) = after_a_wait("DELETE FROM t WHERE id = 1", "UPDATE t SET n = 0 WHERE id < 3 RETURNING id");
    assert_eq!(returned, [[Value::Int4(2)]]);
    assert_eq!(left, [[Value::Int4(2), Value::Int4(0)]]);
}

#[test]
fn for_update_returns_the_newest_version() {
    let (returned, _) =
        after_a_wait("UPDATE t SET n = 11 WHERE id = 1", "SELECT n FROM t WHERE id = 1 AND n > 0 FOR UPDATE");
    assert_eq!(returned, [[Value::Int4(11)]]);
}

#[test]
fn an_equal_key_waits_for_the_other_insert() {
    let engine = engine();
    let mut a = session(&engine);
    run(&mut a, "CREATE TABLE t (id int PRIMARY KEY)").unwrap();
    run(&mut a, "BEGIN; INSERT INTO t VALUES (1)").unwrap();
    let other = thread::spawn({
        let engine = engine.clone();
        move || failure(&mut session(&engine), "INSERT INTO t VALUES (1)").0
    });
    run(&mut a, "COMMIT").unwrap();
    assert_eq!(other.join().unwrap(), "23505");
}

#[test]
fn of_two_that_wait_for_each_other_one_gives_way() {
    let engine = engine();
    let mut a = session(&engine);
    run(&mut a, "CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0), (2, 0)").unwrap();
    run(&mut a, "BEGIN; UPDATE t SET n = 1 WHERE id = 1").unwrap();
    let (locked, wait) = mpsc::channel();
    let other = thread::spawn({
        let engine = engine.clone();
        move || {
            let mut b = session(&engine);
            run(&mut b, "BEGIN; UPDATE t SET n = 2 WHERE id = 2").unwrap();
            locked.send(()).unwrap();
            let result = run(&mut b, "UPDATE t SET n = 2 WHERE id = 1").map(|_| ());
            run(&mut b, if result.is_ok() { "COMMIT" } else { "ROLLBACK" }).unwrap();
            result
        }
    });
    wait.recv().unwrap();
    let mine = run(&mut a, "UPDATE t SET n = 1 WHERE id = 2").map(|_| ());
    run(&mut a, if mine.is_ok() { "COMMIT" } else { "ROLLBACK" }).unwrap();
    let theirs = other.join().unwrap();
    let failed: Vec<&str> =
        [mine, theirs].iter().filter_map(|result| result.as_ref().err()).map(|e| e.state.0).collect();
    assert_eq!(failed, ["40P01"]);
}

#[test]
fn a_waiting_statement_can_be_cancelled() {
    let engine = engine();
    let mut a = session(&engine);
    run(&mut a, "CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0)").unwrap();
    run(&mut a, "BEGIN; UPDATE t SET n = 1").unwrap();
    let (started, wait) = mpsc::channel();
    let other = thread::spawn({
        let engine = engine.clone();
        move || {
            let mut b = session(&engine);
            started.send(b.backend().clone()).unwrap();
            failure(&mut b, "UPDATE t SET n = 2").0
        }
    });
    let backend = wait.recv().unwrap();
    while !other.is_finished() {
        // A request that comes before the statement has begun is not meant for it: ask until it is heard.
        engine.backends().cancel(&backend);
        thread::yield_now();
    }
    assert_eq!(other.join().unwrap(), "57014");
    run(&mut a, "COMMIT").unwrap();
}

#[test]
fn a_table_is_dropped_when_its_readers_are_done() {
    let engine = engine();
    let mut a = session(&engine);
    run(&mut a, "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)").unwrap();
    run(&mut a, "BEGIN; SELECT * FROM t").unwrap();
    let other = thread::spawn({
        let engine = engine.clone();
        move || run(&mut session(&engine), "DROP TABLE t").unwrap()
    });
    assert_eq!(run(&mut a, "SELECT * FROM t").unwrap(), [[Value::Int4(1)]]);
    run(&mut a, "COMMIT").unwrap();
    other.join().unwrap();
    assert_eq!(failure(&mut a, "SELECT * FROM t").0, "42P01");
}

#[test]
fn for_update_locks_no_more_rows_than_it_returns() {
    let engine = engine();
    let (mut a, mut b) = (session(&engine), session(&engine));
    run(&mut a, "CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0), (2, 0), (3, 0)").unwrap();
    run(&mut a, "BEGIN; SELECT id FROM t WHERE n = 0 ORDER BY id LIMIT 1 FOR UPDATE").unwrap();
    // These would wait for ever if their rows were locked.
    run(&mut b, "UPDATE t SET n = 1 WHERE id = 2; DELETE FROM t WHERE id = 3").unwrap();
    run(&mut a, "COMMIT").unwrap();
}

#[test]
fn sessions_and_portals_can_move_between_threads() {
    const fn sent<T: Send>() {}
    const fn shared<T: Send + Sync>() {}
    sent::<heliosdb_sql::Session>();
    sent::<heliosdb_sql::session::Portal>();
    shared::<heliosdb_sql::Engine>();
    shared::<heliosdb_sql::session::Prepared>();
}

/// Several sessions run a statement many times each; a deadlock would show as a hang or 40P01.
fn hammer(engine: &std::sync::Arc<heliosdb_sql::Engine>, statements: &[&str], rounds: usize) {
    thread::scope(|scope| {
        for statement in statements {
            scope.spawn(move || {
                let mut session = session(engine);
                for _ in 0..rounds {
                    run(&mut session, statement).unwrap();
                }
            });
        }
    });
}

#[test]
fn upserts_of_one_key_lose_nothing() {
    const ROUNDS: usize = 50;
    let engine = engine();
    let mut a = session(&engine);
    run(&mut a, "CREATE TABLE t (id int PRIMARY KEY, name text UNIQUE, n int)").unwrap();
    let by_key = "INSERT INTO t VALUES (1, 'x', 1) ON CONFLICT (id) DO UPDATE SET n = t.n + excluded.n";
    let by_name = "INSERT INTO t VALUES (1, 'x', 1) ON CONFLICT (name) DO UPDATE SET n = t.n + 1";
    let by_query = "INSERT INTO t SELECT 1, 'x', 1 WHERE true ON CONFLICT (id) DO UPDATE SET n = (SELECT t.n + 1)";
    let nothing = "INSERT INTO t VALUES (1, 'x', 1000) ON CONFLICT DO NOTHING";
    run(&mut a, by_key).unwrap();
    hammer(&engine, &[by_key, by_key, by_query, nothing], ROUNDS);
    assert_eq!(run(&mut a, "SELECT n FROM t").unwrap(), [[Value::Int4(1 + 3 * 50)]]);
    hammer(&engine, &[by_name, by_name], ROUNDS);
    assert_eq!(run(&mut a, "SELECT n FROM t").unwrap(), [[Value::Int4(1 + 5 * 50)]]);
}

#[test]
fn upserts_beside_deletes_neither_collide_nor_deadlock() {
    let engine = engine();
    let mut a = session(&engine);
    run(&mut a, "CREATE TABLE t (id int PRIMARY KEY, name text UNIQUE, n int)").unwrap();
    let upsert = "INSERT INTO t VALUES (1, 'x', 1) ON CONFLICT (id) DO UPDATE SET n = t.n + 1";
    let by_name = "INSERT INTO t VALUES (2, 'y', 1) ON CONFLICT (name) DO UPDATE SET n = t.n + 1";
    let nothing = "INSERT INTO t VALUES (2, 'y', 1), (1, 'x', 1) ON CONFLICT DO NOTHING";
    let delete = "DELETE FROM t WHERE name = 'y'";
    hammer(&engine, &[upsert, "DELETE FROM t WHERE id = 1", by_name, delete], 50);
    hammer(&engine, &[nothing, delete], 50);
    run(&mut a, "DELETE FROM t").unwrap();
}

#[test]
fn an_upsert_changes_a_row_that_its_snapshot_does_not_hold() {
    let engine = engine();
    let mut a = session(&engine);
    run(&mut a, "CREATE TABLE t (id int PRIMARY KEY, n int)").unwrap();
    run(&mut a, "BEGIN; INSERT INTO t VALUES (1, 10)").unwrap();
    let (begun, wait) = mpsc::channel();
    let other = thread::spawn({
        let engine = engine.clone();
        move || {
            let mut b = session(&engine);
            begun.send(()).unwrap();
            let sql = "INSERT INTO t VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET n = t.n + excluded.n WHERE t.n = 10
                       RETURNING n";
            run(&mut b, sql).unwrap()
        }
    });
    wait.recv().unwrap();
    run(&mut a, "COMMIT").unwrap();
    assert_eq!(other.join().unwrap(), [[Value::Int4(11)]]);
}

#[test]
fn doing_nothing_leaves_no_lock_behind() {
    let engine = engine();
    let (mut a, mut b) = (session(&engine), session(&engine));
    run(&mut a, "CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 10)").unwrap();
    run(&mut a, "BEGIN; INSERT INTO t VALUES (1, 1) ON CONFLICT DO NOTHING").unwrap();
    // This would wait for ever if the row were locked.
    run(&mut b, "DELETE FROM t").unwrap();
    run(&mut a, "COMMIT").unwrap();
}

#[test]
fn a_repeatable_read_transaction_keeps_its_snapshot() {
    let engine = engine();
    let (mut a, mut b) = (session(&engine), session(&engine));
    run(&mut a, "CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0), (2, 0), (3, 0)").unwrap();
    run(&mut a, "BEGIN ISOLATION LEVEL REPEATABLE READ").unwrap();
    // The snapshot is that of the first query, not of BEGIN.
    run(&mut b, "UPDATE t SET n = 1 WHERE id = 1").unwrap();
    let sum = |session: &mut Session| run(session, "SELECT sum(n), count(*) FROM t").unwrap();
    assert_eq!(sum(&mut a), [[Value::Int8(1), Value::Int8(3)]]);
    run(&mut b, "UPDATE t SET n = 7; DELETE FROM t WHERE id = 2; INSERT INTO t VALUES (4, 9); CREATE INDEX ON t (n)")
        .unwrap();
    assert_eq!(sum(&mut a), [[Value::Int8(1), Value::Int8(3)]]);
    assert!(run(&mut a, "SELECT id FROM t WHERE n = 7").unwrap().is_empty());
    // Its own changes it sees.
    run(&mut a, "CREATE TABLE mine (a int)").expect_err("the catalog has been changed by others");
    run(&mut a, "ROLLBACK; BEGIN ISOLATION LEVEL REPEATABLE READ; INSERT INTO t VALUES (5, 1)").unwrap();
    run(&mut b, "INSERT INTO t VALUES (6, 100)").unwrap();
    assert_eq!(sum(&mut a), [[Value::Int8(24), Value::Int8(4)]]);
    run(&mut a, "COMMIT").unwrap();
    assert_eq!(sum(&mut a), [[Value::Int8(124), Value::Int8(5)]]);
}

#[test]
fn a_repeatable_read_transaction_fails_on_what_others_have_changed() {
    let engine = engine();
    let (mut a, mut b) = (session(&engine), session(&engine));
    run(&mut a, "CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0), (2, 0), (3, 0)").unwrap();
    for (theirs, mine, message) in [
        ("UPDATE t SET n = n + 1 WHERE id = 1", "UPDATE t SET n = 5 WHERE id = 1", "concurrent update"),
        ("UPDATE t SET n = n + 1 WHERE id = 1", "DELETE FROM t WHERE id = 1", "concurrent update"),
        ("UPDATE t SET n = n + 1 WHERE id = 1", "SELECT * FROM t WHERE id = 1 FOR UPDATE", "concurrent update"),
        ("DELETE FROM t WHERE id = 3", "UPDATE t SET n = 5", "concurrent delete"),
    ] {
        run(&mut a, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM t").unwrap();
        run(&mut b, theirs).unwrap();
        run(&mut a, "UPDATE t SET n = n WHERE id = 2").unwrap();
        let (state, text) = failure(&mut a, mine);
        assert_eq!(state, "40001", "{mine}");
        assert_eq!(text, format!("could not serialize access due to {message}"));
        run(&mut a, "ROLLBACK").unwrap();
    }
    // READ COMMITTED goes on with the newest version.
    run(&mut a, "BEGIN; SELECT * FROM t").unwrap();
    run(&mut b, "UPDATE t SET n = 40 WHERE id = 1").unwrap();
    run(&mut a, "UPDATE t SET n = n + 2 WHERE id = 1; COMMIT").unwrap();
    assert_eq!(run(&mut b, "SELECT n FROM t WHERE id = 1").unwrap(), [[Value::Int4(42)]]);
}

#[test]
fn tables_are_locked_in_the_modes_that_are_said() {
    let engine = engine();
    let (mut a, mut b) = (session(&engine), session(&engine));
    run(&mut a, "CREATE TABLE t (id int PRIMARY KEY)").unwrap();
    run(&mut a, "BEGIN; LOCK TABLE t IN SHARE MODE").unwrap();
    run(&mut b, "SELECT * FROM t; BEGIN; LOCK TABLE t IN SHARE MODE NOWAIT; ROLLBACK").unwrap();
    run(&mut b, "BEGIN").unwrap();
    let expected = ("55P03", "could not obtain lock on relation \"t\"".to_owned());
    assert_eq!(failure(&mut b, "LOCK TABLE t IN ROW EXCLUSIVE MODE NOWAIT"), expected);
    run(&mut b, "ROLLBACK; SET lock_timeout = 20").unwrap();
    assert_eq!(failure(&mut b, "INSERT INTO t VALUES (1)").0, "55P03");
    let modes = "SELECT mode, granted FROM pg_locks WHERE relation = 't'::regclass ORDER BY mode";
    assert_eq!(run(&mut a, modes).unwrap(), [[Value::text("ShareLock"), Value::Bool(true)]]);
    run(&mut a, "COMMIT").unwrap();
    run(&mut b, "INSERT INTO t VALUES (1)").unwrap();
}

#[test]
fn advisory_locks_belong_to_sessions_or_transactions() {
    let engine = engine();
    let (mut a, mut b) = (session(&engine), session(&engine));
    let yes = |session: &mut Session, sql: &str| run(session, sql).unwrap() == [[Value::Bool(true)]];
    run(&mut a, "SELECT pg_advisory_lock(1); SELECT pg_advisory_lock(1); SELECT pg_advisory_lock_shared(2, 3)")
        .unwrap();
    assert!(!yes(&mut b, "SELECT pg_try_advisory_lock(1)"));
    assert!(yes(&mut b, "SELECT pg_try_advisory_lock_shared(2, 3)"));
    assert!(!yes(&mut b, "SELECT pg_try_advisory_lock(2, 3)"));
    assert!(yes(&mut b, "SELECT pg_try_advisory_lock((2::bigint << 32) | 3)"));
    let held =
        "SELECT classid, objid, objsubid, mode FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()
                ORDER BY objsubid";
    assert_eq!(run(&mut a, held).unwrap().len(), 2);
    assert!(yes(&mut a, "SELECT pg_advisory_unlock(1)"));
    assert!(!yes(&mut b, "SELECT pg_try_advisory_lock(1)"));
    assert!(yes(&mut a, "SELECT pg_advisory_unlock(1)"));
    assert!(!yes(&mut a, "SELECT pg_advisory_unlock(1)"));
    assert!(yes(&mut b, "SELECT pg_try_advisory_lock(1)"));
    run(&mut b, "SELECT pg_advisory_unlock_all()").unwrap();
    // Those of a transaction end with it, whichever way.
    run(&mut a, "BEGIN; SELECT pg_advisory_xact_lock(9)").unwrap();
    assert!(!yes(&mut b, "SELECT pg_try_advisory_xact_lock_shared(9)"));
    run(&mut a, "ROLLBACK").unwrap();
    assert!(yes(&mut b, "SELECT pg_try_advisory_xact_lock(9)"));
    run(&mut b, "SELECT pg_try_advisory_lock(9)").unwrap();
    // A wait ends when the lock is given back, and a session's locks go with it.
    let other = thread::spawn({
        let engine = engine.clone();
        move || run(&mut session(&engine), "SELECT pg_advisory_lock(9)").unwrap()
    });
    let waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    while run(&mut a, waits).unwrap() != [[Value::Int8(1)]] {}
    drop(b);
    other.join().unwrap();
    assert!(yes(&mut a, "SELECT pg_try_advisory_lock(9)"));
}
