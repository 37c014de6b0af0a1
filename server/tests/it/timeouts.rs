//! What ends statements and sessions: timeouts, other sessions, clients that do not read.

use tokio_postgres::Client;

use crate::raw::{Raw, field, message, sqlstate};
use crate::support::{TestNode, code, connect};

async fn failure(client: &Client, sql: &str) -> (String, String) {
    let error = client.batch_execute(sql).await.expect_err(sql);
    (code(&error), error.as_db_error().unwrap().message().to_owned())
}

/// The number of a session.
async fn pid(client: &Client) -> i32 {
    client.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_have_a_time() {
    let node = TestNode::start().await;
    let client = node.client().await;
    client.batch_execute("SET statement_timeout = '50ms'").await.unwrap();
    let expected = ("57014".to_owned(), "canceling statement due to statement timeout".to_owned());
    assert_eq!(failure(&client, "SELECT pg_sleep(100)").await, expected);
    assert_eq!(failure(&client, "SELECT count(*) FROM generate_series(1, 1000000000)").await, expected);
    // Prepared statements too.
    let error = client.query("SELECT pg_sleep(100)", &[]).await.unwrap_err();
    assert_eq!(code(&error), "57014");
    // A wait for a lock is part of it.
    let holder = node.client().await;
    holder.batch_execute("CREATE TABLE t (id int PRIMARY KEY)").await.unwrap();
    holder.batch_execute("BEGIN; INSERT INTO t VALUES (1)").await.unwrap();
    assert_eq!(failure(&client, "INSERT INTO t VALUES (1)").await, expected);
    client.batch_execute("SET statement_timeout = 0; SELECT pg_sleep(0.06)").await.unwrap();
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn locks_are_waited_for_as_long_as_is_said() {
    let node = TestNode::start().await;
    let (holder, client) = (node.client().await, node.client().await);
    holder.batch_execute("CREATE TABLE t (id int PRIMARY KEY)").await.unwrap();
    holder.batch_execute("BEGIN; INSERT INTO t VALUES (1)").await.unwrap();
    client.batch_execute("SET lock_timeout = 50").await.unwrap();
    let expected = ("55P03".to_owned(), "canceling statement due to lock timeout".to_owned());
    assert_eq!(failure(&client, "INSERT INTO t VALUES (1)").await, expected);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_sessions_are_ended() {
    let node = TestNode::start().await;
    let query = |sql: &str| message('Q', format!("{sql}\0").as_bytes());
    let mut raw = Raw::ready(node.address()).await;
    raw.send(&query("SET idle_in_transaction_session_timeout = 50; BEGIN")).await;
    raw.until('Z').await;
    let ended = raw.next().await.unwrap();
    assert_eq!(sqlstate(&ended), "25P03");
    assert_eq!(field(&ended.1, b'S').unwrap(), "FATAL");
    assert_eq!(raw.next().await, None);

    let mut raw = Raw::ready(node.address()).await;
    raw.send(&query("SET idle_session_timeout = 50")).await;
    raw.until('Z').await;
    assert_eq!(sqlstate(&raw.next().await.unwrap()), "57P05");
    assert_eq!(raw.next().await, None);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_can_be_cancelled_and_ended_by_others() {
    let node = TestNode::start().await;
    let (boss, worker) = (node.client().await, node.client().await);
    let worker_pid = pid(&worker).await;
    let sleeping = tokio::spawn(async move {
        let error = failure(&worker, "SELECT pg_sleep(100)").await;
        (worker, error)
    });
    // A request that comes before the statement runs is lost.
    while !sleeping.is_finished() {
        let row = boss.query_one("SELECT pg_cancel_backend($1)", &[&worker_pid]).await.unwrap();
        assert!(row.get::<_, bool>(0));
    }
    let (worker, error) = sleeping.await.unwrap();
    assert_eq!(error, ("57014".to_owned(), "canceling statement due to user request".to_owned()));

    // One that is idle, one in the middle of a statement.
    boss.query_one("SELECT pg_terminate_backend($1, 10000)", &[&worker_pid]).await.unwrap();
    assert!(worker.batch_execute("SELECT 1").await.is_err());
    let worker = node.client().await;
    let worker_pid = pid(&worker).await;
    let sleeping = tokio::spawn(async move { failure(&worker, "SELECT pg_sleep(100)").await });
    let active = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND state = 'active'";
    while boss.query_one(active, &[&worker_pid]).await.unwrap().get::<_, i64>(0) == 0 {}
    boss.query_one("SELECT pg_terminate_backend($1)", &[&worker_pid]).await.unwrap();
    assert_eq!(sleeping.await.unwrap().0, "57P01");
    assert!(!boss.query_one("SELECT pg_cancel_backend(-1)", &[]).await.unwrap().get::<_, bool>(0));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_read_can_be_cancelled() {
    let node = TestNode::start().await;
    let boss = node.client().await;
    boss.batch_execute("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)").await.unwrap();
    let mut raw = Raw::ready(node.address()).await;
    let sql = "BEGIN; UPDATE t SET id = 2; SELECT repeat('x', 1000) FROM generate_series(1, 1000000)\0";
    raw.send(&message('Q', sql.as_bytes())).await;
    // The rows fill the socket; the lock is held until the statement ends.
    let find = "SELECT max(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; UPDATE%' AND pid <> pg_backend_pid()";
    let worker = loop {
        if let Some(pid) = boss.query_one(find, &[]).await.unwrap().get::<_, Option<i32>>(0) {
            break pid;
        }
    };
    let locker = node.client().await;
    let update = tokio::spawn(async move { locker.batch_execute("UPDATE t SET id = 3").await.unwrap() });
    while !update.is_finished() {
        boss.query_one("SELECT pg_cancel_backend($1)", &[&worker]).await.unwrap();
    }
    update.await.unwrap();
    let messages = raw.until('Z').await;
    assert_eq!(sqlstate(&messages[messages.len() - 2]), "57014");
    // And one that is ended is cut off.
    raw.send(&message('Q', b"SELECT repeat('x', 1000) FROM generate_series(1, 1000000)\0")).await;
    boss.query_one("SELECT pg_terminate_backend($1, 10000)", &[&worker]).await.unwrap();
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_sessions_are_doing_can_be_seen() {
    let node = TestNode::start().await;
    let boss = node.client().await;
    let worker = connect(node.address(), "user=helios application_name=till").await.unwrap();
    worker.batch_execute("BEGIN; SELECT 42").await.unwrap();
    let sql = "SELECT usename, application_name, client_addr, state, query, xact_start <= query_start, backend_type
               FROM pg_stat_activity WHERE pid = $1";
    let worker_pid = pid(&worker).await;
    let row = boss.query_one(sql, &[&worker_pid]).await.unwrap();
    let text = |at: usize| row.get::<_, &str>(at);
    assert_eq!(
        [text(0), text(1), text(2), text(3), text(4)],
        ["helios", "till", "127.0.0.1", "idle in transaction", "SELECT pg_backend_pid()"]
    );
    assert!(row.get::<_, bool>(5));
    assert!(worker.batch_execute("SELECT 1/0").await.is_err());
    let row = boss.query_one(sql, &[&worker_pid]).await.unwrap();
    assert_eq!(row.get::<_, &str>(3), "idle in transaction (aborted)");
    worker.batch_execute("ROLLBACK; SET application_name = 'other'").await.unwrap();
    let row = boss.query_one(sql, &[&worker_pid]).await.unwrap();
    assert_eq!((row.get::<_, &str>(1), row.get::<_, &str>(3)), ("other", "idle"));
    node.stop().await;
}
