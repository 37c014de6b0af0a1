//! The protocol as a driver speaks it.

use std::time::{Duration, SystemTime};

use futures::{StreamExt as _, TryStreamExt as _, pin_mut};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{NoTls, SimpleQueryMessage};

use crate::support::{TestNode, code, connect};

/// The text of every value of the rows of a simple query.
fn texts(messages: &[SimpleQueryMessage]) -> Vec<Vec<Option<String>>> {
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    rows.map(|row| (0..row.len()).map(|column| row.get(column).map(str::to_owned)).collect()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn simple_queries_run_statement_by_statement_in_one_transaction() {
    let node = TestNode::start().await;
    let client = node.client().await;
    client.batch_execute("").await.unwrap();
    client.batch_execute("  ;; -- nothing\n").await.unwrap();
    let messages = client
        .simple_query("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a'), (2, NULL); SELECT id, v FROM t ORDER BY id")
        .await
        .unwrap();
    assert_eq!(texts(&messages), [vec![Some("1".to_owned()), Some("a".to_owned())], vec![Some("2".to_owned()), None]]);
    let counts: Vec<u64> = messages
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::CommandComplete(count) => Some(*count),
            _ => None,
        })
        .collect();
    assert_eq!(counts, [0, 2, 2]);

    // The second statement fails, so the first one is undone, and the third never runs.
    let error = client
        .simple_query("INSERT INTO t VALUES (3, 'c'); INSERT INTO t VALUES (1, 'x'); INSERT INTO t VALUES (4, 'd')");
    assert_eq!(code(&error.await.unwrap_err()), "23505");
    let messages = client.simple_query("SELECT count(*) FROM t").await.unwrap();
    assert_eq!(texts(&messages), [[Some("2".to_owned())]]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_carry_their_fields() {
    let node = TestNode::start().await;
    let client = node.client().await;
    client.batch_execute("CREATE TABLE stock (sku text PRIMARY KEY, n int NOT NULL CHECK (n >= 0))").await.unwrap();
    client.batch_execute("INSERT INTO stock VALUES ('a', 1)").await.unwrap();

    let error = client.execute("INSERT INTO stock VALUES ($1, 1)", &[&"a"]).await.unwrap_err();
    let report = error.as_db_error().unwrap();
    assert_eq!(report.code().code(), "23505");
    assert_eq!(report.severity(), "ERROR");
    assert_eq!(report.message(), "duplicate key value violates unique constraint \"stock_pkey\"");
    assert_eq!(report.detail(), Some("Key (sku)=(a) already exists."));
    assert_eq!(
        (report.schema(), report.table(), report.constraint()),
        (Some("public"), Some("stock"), Some("stock_pkey"))
    );

    let error = client.execute("INSERT INTO stock VALUES ('b', NULL)", &[]).await.unwrap_err();
    let report = error.as_db_error().unwrap();
    assert_eq!((report.code().code(), report.column()), ("23502", Some("n")));

    let error = client.execute("UPDATE stock SET n = -1", &[]).await.unwrap_err();
    let report = error.as_db_error().unwrap();
    assert_eq!((report.code().code(), report.constraint()), ("23514", Some("stock_n_check")));

    let error = client.prepare("SELECT nothing FROM stock").await.unwrap_err();
    assert_eq!(code(&error), "42703");
    let error = client.prepare("SELEC 1").await.unwrap_err();
    assert_eq!(code(&error), "42601");
    let error = client.prepare("SELECT 1; SELECT 2").await.unwrap_err();
    assert_eq!(code(&error), "42601");
    // What comes after an error works.
    assert_eq!(client.query_one("SELECT n FROM stock", &[]).await.unwrap().get::<_, i32>(0), 1);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_of_every_type_travel_in_binary() {
    let node = TestNode::start().await;
    let client = node.client().await;
    client
        .batch_execute("CREATE TABLE v (id int PRIMARY KEY, b bool, i8 bigint, f float8, t text, c varchar(20))")
        .await
        .unwrap();
    let insert = client.prepare("INSERT INTO v VALUES ($1, $2, $3, $4, $5, $6)").await.unwrap();
    assert_eq!(insert.params(), [Type::INT4, Type::BOOL, Type::INT8, Type::FLOAT8, Type::TEXT, Type::VARCHAR]);
    let full: [&(dyn ToSql + Sync); 6] = [&1_i32, &true, &i64::MIN, &-0.5_f64, &"größe '\\", &"short"];
    assert_eq!(client.execute(&insert, &full).await.unwrap(), 1);
    let nulls: [&(dyn ToSql + Sync); 6] =
        [&2_i32, &None::<bool>, &None::<i64>, &None::<f64>, &None::<&str>, &None::<&str>];
    assert_eq!(client.execute(&insert, &nulls).await.unwrap(), 1);

    let select = client.prepare("SELECT id, b, i8, f, t, c FROM v WHERE id = $1").await.unwrap();
    let names: Vec<&str> = select.columns().iter().map(|column| column.name()).collect();
    assert_eq!(names, ["id", "b", "i8", "f", "t", "c"]);
    let row = client.query_one(&select, &[&1_i32]).await.unwrap();
    assert_eq!(row.get::<_, i32>("id"), 1);
    assert!(row.get::<_, bool>("b"));
    assert_eq!(row.get::<_, i64>("i8"), i64::MIN);
    assert_eq!(row.get::<_, f64>("f").to_bits(), (-0.5_f64).to_bits());
    assert_eq!(row.get::<_, &str>("t"), "größe '\\");
    assert_eq!(row.get::<_, &str>("c"), "short");
    let row = client.query_one(&select, &[&2_i32]).await.unwrap();
    assert_eq!(row.get::<_, Option<bool>>("b"), None);
    assert_eq!(row.get::<_, Option<&str>>("t"), None);

    let now = SystemTime::UNIX_EPOCH + Duration::from_micros(1_700_000_000_123_456);
    let row = client.query_one("SELECT $1::timestamptz", &[&now]).await.unwrap();
    assert_eq!(row.get::<_, SystemTime>(0), now);
    node.stop().await;
}

/// Types that the driver knows only with further crates: their bytes are written down here.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_without_a_rust_type_travel_in_text_and_binary() {
    let node = TestNode::start().await;
    let client = node.client().await;
    for (sql, text) in [
        ("SELECT 1.50::numeric", "1.50"),
        ("SELECT 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ("SELECT '2024-02-29'::date", "2024-02-29"),
        ("SELECT '2024-02-29 12:00:00+00'::timestamptz", "2024-02-29 12:00:00+00"),
        ("SELECT '{\"a\": [1, null]}'::jsonb", "{\"a\": [1, null]}"),
        ("SELECT true", "t"),
    ] {
        let messages = client.simple_query(sql).await.unwrap();
        assert_eq!(texts(&messages), [[Some(text.to_owned())]], "{sql}");
    }
    struct Raw(Vec<u8>);
    impl<'a> tokio_postgres::types::FromSql<'a> for Raw {
        fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
            Ok(Self(raw.to_vec()))
        }
        fn accepts(_: &Type) -> bool {
            true
        }
    }
    for (sql, bytes) in [
        ("SELECT 1.50::numeric", &[0, 2, 0, 0, 0, 0, 0, 2, 0, 1, 0x13, 0x88][..]),
        ("SELECT '2000-01-02'::date", &[0, 0, 0, 1]),
        ("SELECT '{}'::jsonb", b"\x01{}"),
        (
            "SELECT 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid",
            &[0xa0, 0xee, 0xbc, 0x99, 0x9c, 0x0b, 0x4e, 0xf8, 0xbb, 0x6d, 0x6b, 0xb9, 0xbd, 0x38, 0x0a, 0x11],
        ),
    ] {
        let row = client.query_one(sql, &[]).await.unwrap();
        assert_eq!(row.get::<_, Raw>(0).0, bytes, "{sql}");
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn portals_stop_at_their_row_limit_and_go_on() {
    let node = TestNode::start().await;
    let mut client = node.client().await;
    client.batch_execute("CREATE TABLE n (id int PRIMARY KEY)").await.unwrap();
    let insert = client.prepare("INSERT INTO n VALUES ($1)").await.unwrap();
    for id in 0..10_i32 {
        client.execute(&insert, &[&id]).await.unwrap();
    }
    let transaction = client.transaction().await.unwrap();
    let portal = transaction.bind("SELECT id FROM n ORDER BY id", &[]).await.unwrap();
    let mut batches = Vec::new();
    for limit in [4, 4, 4, 4] {
        let rows = transaction.query_portal(&portal, limit).await.unwrap();
        batches.push(rows.iter().map(|row| row.get(0)).collect::<Vec<i32>>());
        // Another statement in between does not disturb it.
        transaction.query_one("SELECT 1", &[]).await.unwrap();
    }
    assert_eq!(batches, [vec![0, 1, 2, 3], vec![4, 5, 6, 7], vec![8, 9], vec![]]);
    transaction.commit().await.unwrap();

    // A portal ends with its transaction.
    let transaction = client.transaction().await.unwrap();
    let portal = transaction.bind("SELECT id FROM n", &[]).await.unwrap();
    transaction.rollback().await.unwrap();
    let transaction = client.transaction().await.unwrap();
    assert_eq!(code(&transaction.query_portal(&portal, 1).await.unwrap_err()), "34000");
    transaction.rollback().await.unwrap();
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_larger_than_the_output_buffer_arrive_whole() {
    let node = TestNode::start().await;
    let client = node.client().await;
    client.batch_execute("CREATE TABLE wide (id int PRIMARY KEY, t text)").await.unwrap();
    let text = "x".repeat(10_000);
    let insert = client.prepare("INSERT INTO wide VALUES ($1, $2)").await.unwrap();
    for id in 0..300_i32 {
        client.execute(&insert, &[&id, &text]).await.unwrap();
    }
    let rows = client.query_raw("SELECT id, t FROM wide ORDER BY id", Vec::<i32>::new()).await.unwrap();
    pin_mut!(rows);
    let mut expected = 0;
    while let Some(row) = rows.next().await {
        let row = row.unwrap();
        assert_eq!(row.get::<_, i32>(0), expected);
        assert_eq!(row.get::<_, &str>(1).len(), text.len());
        expected += 1;
    }
    assert_eq!(expected, 300);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactions_are_reported_and_failed_ones_stay_failed() {
    let node = TestNode::start().await;
    let client = node.client().await;
    client.batch_execute("CREATE TABLE t (id int PRIMARY KEY)").await.unwrap();
    client.batch_execute("BEGIN").await.unwrap();
    client.execute("INSERT INTO t VALUES (1)", &[]).await.unwrap();
    assert_eq!(code(&client.execute("INSERT INTO t VALUES (1)", &[]).await.unwrap_err()), "23505");
    assert_eq!(code(&client.query("SELECT 1", &[]).await.unwrap_err()), "25P02");
    assert_eq!(code(&client.simple_query("SELECT 1").await.unwrap_err()), "25P02");
    client.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(client.query_one("SELECT count(*) FROM t", &[]).await.unwrap().get::<_, i64>(0), 0);

    // An error of the server's own fails the transaction too: a parameter that cannot be read.
    client.batch_execute("BEGIN").await.unwrap();
    let error = client.query("SELECT $1::text", &[&"nul\0inside"]).await.unwrap_err();
    assert_eq!(code(&error), "22021");
    assert_eq!(code(&client.query("SELECT 1", &[]).await.unwrap_err()), "25P02");
    client.batch_execute("ROLLBACK").await.unwrap();
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pipelined_statements_are_answered_in_order() {
    let node = TestNode::start().await;
    let client = node.client().await;
    client.batch_execute("CREATE TABLE t (id int PRIMARY KEY)").await.unwrap();
    let insert = client.prepare("INSERT INTO t VALUES ($1)").await.unwrap();
    let select = client.prepare("SELECT id FROM t WHERE id = $1").await.unwrap();
    let ids: Vec<i32> = (0..50).collect();
    let work = ids.iter().map(|id| {
        let (client, insert, select) = (&client, &insert, &select);
        async move {
            // All of these are under way at once; the driver sends them without waiting.
            let params: [&(dyn ToSql + Sync); 1] = [id];
            let (inserted, found) = futures::join!(client.execute(insert, &params), client.query(select, &params));
            Ok::<_, tokio_postgres::Error>((inserted?, found?.len()))
        }
    });
    let done: Vec<(u64, usize)> = futures::stream::iter(work).buffered(16).try_collect().await.unwrap();
    assert_eq!(done, vec![(1, 1); 50]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiting_statement_can_be_cancelled_and_the_session_goes_on() {
    let node = TestNode::start().await;
    let holder = node.client().await;
    holder.batch_execute("CREATE TABLE t (id int PRIMARY KEY)").await.unwrap();
    holder.batch_execute("BEGIN; INSERT INTO t VALUES (1)").await.unwrap();
    let waiter = node.client().await;
    let token = waiter.cancel_token();
    let waiting = tokio::spawn(async move {
        let error = waiter.batch_execute("INSERT INTO t VALUES (1)").await.unwrap_err();
        (waiter, code(&error))
    });
    // A request that comes before the statement runs is lost, as in PostgreSQL; so it is repeated.
    while !waiting.is_finished() {
        token.cancel_query(NoTls).await.unwrap();
        tokio::task::yield_now().await;
    }
    let (waiter, code) = waiting.await.unwrap();
    assert_eq!(code, "57014");
    waiter.batch_execute("SELECT 1").await.unwrap();
    holder.batch_execute("ROLLBACK").await.unwrap();
    waiter.batch_execute("INSERT INTO t VALUES (1)").await.unwrap();
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_are_taken_from_the_startup_packet_and_reported() {
    let node = TestNode::start().await;
    let options = format!("host=127.0.0.1 port={} user=helios options='-c timezone=UTC'", node.address().port());
    let (client, connection) = tokio_postgres::connect(&options, NoTls).await.unwrap();
    assert!(connection.parameter("server_version").unwrap().starts_with("15."));
    assert_eq!(connection.parameter("server_encoding"), Some("UTF8"));
    assert_eq!(connection.parameter("client_encoding"), Some("UTF8"));
    assert_eq!(connection.parameter("integer_datetimes"), Some("on"));
    assert_eq!(connection.parameter("standard_conforming_strings"), Some("on"));
    assert_eq!(connection.parameter("TimeZone"), Some("UTC"));
    drop(client);
    let error = connect(node.address(), "user=helios options='-c no_such_thing=1'").await.err().unwrap();
    assert_eq!(code(&error), "42704");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_built_is_refused_by_name() {
    let node = TestNode::start().await;
    let client = node.client().await;
    client.batch_execute("CREATE TABLE t (id int PRIMARY KEY)").await.unwrap();
    let error = client.simple_query("COPY t FROM '/tmp/x'").await.unwrap_err();
    assert_eq!(code(&error), "0A000");
    assert_eq!(client.query_one("SELECT 1", &[]).await.unwrap().get::<_, i32>(0), 1);
    node.stop().await;
}

/// Look-ups by key run on the runtime's own threads, of which there are fewer here than clients that wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_wait_for_a_change_of_a_table_do_not_hold_up_the_one_that_makes_it() {
    let node = TestNode::start().await;
    let holder = node.client().await;
    holder.batch_execute("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)").await.unwrap();
    let mut readers = Vec::new();
    for _ in 0..6 {
        let reader = node.client().await;
        let select = reader.prepare("SELECT id FROM t WHERE id = $1").await.unwrap();
        readers.push((reader, select));
    }
    holder.batch_execute("BEGIN; DROP TABLE t").await.unwrap();
    let waiting: Vec<_> = readers
        .into_iter()
        .map(|(reader, select)| tokio::spawn(async move { reader.query_one(&select, &[&1_i32]).await }))
        .collect();
    for _ in 0..20 {
        holder.query_one("SELECT 1", &[]).await.unwrap();
    }
    holder.batch_execute("ROLLBACK").await.unwrap();
    for row in waiting {
        assert_eq!(row.await.unwrap().unwrap().get::<_, i32>(0), 1);
    }
    node.stop().await;
}
