//! Who is let in, how many, and how it ends.

use std::time::Duration;

use heliosdb_edge::{Node, NodeError};
use tokio::net::UnixStream;
use tokio_postgres::NoTls;

use crate::support::{TestNode, code, config, connect};

/// Long enough to mean "never".
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn user_and_database_must_exist() {
    let node = TestNode::start().await;
    let error = connect(node.address(), "user=nobody dbname=helios").await.err().unwrap();
    assert_eq!(code(&error), "28000");
    assert_eq!(error.as_db_error().unwrap().message(), "role \"nobody\" does not exist");
    let error = connect(node.address(), "user=helios dbname=other").await.err().unwrap();
    assert_eq!(code(&error), "3D000");
    assert_eq!(error.as_db_error().unwrap().message(), "database \"other\" does not exist");
    assert_eq!(error.as_db_error().unwrap().severity(), "FATAL");
    for database in ["helios", "postgres"] {
        let client = connect(node.address(), &format!("user=helios dbname={database}")).await.unwrap();
        assert_eq!(client.query_one("SELECT 1", &[]).await.unwrap().get::<_, i32>(0), 1);
    }
    // Without a database, its name is the user's.
    connect(node.address(), "user=helios").await.unwrap();
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_status_names_the_queue_s_capacity() {
    let node = TestNode::start_with(|config| config.sync.queue_capacity = 5).await;
    let row = node.client().await.query_one("SELECT queue_capacity FROM sync.status", &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 5);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_asked_by_scram() {
    let node = TestNode::start_with(|config| config.password = Some("pässword".into())).await;
    let client = connect(node.address(), "user=helios password='pässword'").await.unwrap();
    assert_eq!(client.query_one("SELECT 1", &[]).await.unwrap().get::<_, i32>(0), 1);
    for wrong in ["user=helios password=wrong", "user=nobody password='pässword'"] {
        let error = connect(node.address(), wrong).await.err().unwrap();
        assert_eq!(code(&error), "28P01", "{wrong}");
        assert!(error.as_db_error().unwrap().message().starts_with("password authentication failed for user"));
    }
    assert!(connect(node.address(), "user=helios").await.is_err());
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_are_so_many_clients_and_no_more() {
    let node = TestNode::start_with(|config| config.pg.max_connections = 2).await;
    let first = node.client().await;
    let second = node.client().await;
    let error = connect(node.address(), "user=helios").await.err().unwrap();
    assert_eq!(code(&error), "53300");
    assert_eq!(error.as_db_error().unwrap().message(), "sorry, too many clients already");
    drop(first);
    // The server hears of the end a moment later.
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        match connect(node.address(), "user=helios").await {
            Ok(_) => break,
            Err(error) => assert_eq!(code(&error), "53300"),
        }
        assert!(tokio::time::Instant::now() < deadline, "the place is not given back");
        tokio::task::yield_now().await;
    }
    drop(second);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_control_socket_is_the_owners_and_needs_no_password() {
    use std::os::unix::fs::PermissionsExt as _;
    let node = TestNode::start_with(|config| {
        config.password = Some("secret".into());
        config.pg.max_connections = 1;
    })
    .await;
    let socket = node.node.control_socket();
    assert_eq!(socket.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    // It has places of its own: the operator gets in when all others are taken.
    let _only = connect(node.address(), "user=helios password=secret").await.unwrap();
    let mut options = tokio_postgres::Config::new();
    options.user("helios").dbname("postgres");
    let stream = UnixStream::connect(&socket).await.unwrap();
    let (client, connection) = options.connect_raw(stream, NoTls).await.unwrap();
    tokio::spawn(connection);
    assert_eq!(client.query_one("SELECT 1", &[]).await.unwrap().get::<_, i32>(0), 1);
    node.stop().await;
    assert!(!socket.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_port_is_named_with_its_flag() {
    let node = TestNode::start().await;
    for flag in ["--pg-listen", "--http-listen"] {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(folder.path().join("data"));
        if flag == "--pg-listen" {
            config.pg.listen = node.address();
        } else {
            config.http.listen = node.node.http_address();
        }
        let error = Node::start(config).await.err().unwrap();
        assert!(matches!(error, NodeError::Listen { .. }), "{error}");
        assert!(error.to_string().contains(flag), "{error}");
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_in_use_is_not_opened_twice() {
    let node = TestNode::start().await;
    let error = Node::start(config(node.folder.path().join("data"))).await.err().unwrap();
    assert!(error.to_string().contains("in use"), "{error}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_ends_waiting_statements_and_keeps_exactly_what_was_answered() {
    let node = TestNode::start().await;
    let client = node.client().await;
    client.batch_execute("CREATE TABLE kept (id int PRIMARY KEY); INSERT INTO kept VALUES (1)").await.unwrap();
    // One client waits for a lock that another holds; neither may hold up the end.
    let holder = node.client().await;
    holder.batch_execute("BEGIN; UPDATE kept SET id = 1; INSERT INTO kept VALUES (2)").await.unwrap();
    let waiter = node.client().await;
    let waiting = tokio::spawn(async move { waiter.batch_execute("INSERT INTO kept VALUES (2)").await });
    let TestNode { node, folder } = node;
    tokio::time::timeout(PATIENCE, node.shutdown()).await.expect("the node stops in time");
    // The holder's end may let the waiter through before its own: then it was told that its row is kept.
    let mut kept = vec![1];
    match tokio::time::timeout(PATIENCE, waiting).await.unwrap().unwrap() {
        Ok(()) => kept.push(2),
        Err(error) => assert!(error.code().is_none_or(|code| code.code() == "57P01"), "{error}"),
    }
    assert!(client.query_one("SELECT 1", &[]).await.is_err());

    let again = Node::start(config(folder.path().join("data"))).await.unwrap();
    let client = connect(again.pg_address(), "user=helios").await.unwrap();
    let rows = client.query("SELECT id FROM kept ORDER BY id", &[]).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.get(0)).collect::<Vec<i32>>(), kept);
    again.shutdown().await;
}
