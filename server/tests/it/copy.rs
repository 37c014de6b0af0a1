//! COPY, as a driver does it and byte by byte.

use bytes::Bytes;
use futures::{SinkExt as _, TryStreamExt as _, pin_mut};
use tokio_postgres::Client;

use crate::raw::{Raw, message, sqlstate};
use crate::support::{TestNode, code};

async fn count(client: &Client) -> i64 {
    client.query_one("SELECT count(*) FROM t", &[]).await.unwrap().get(0)
}

async fn copy_in(client: &Client, sql: &str, pieces: &[&[u8]]) -> Result<u64, tokio_postgres::Error> {
    let sink = client.copy_in::<_, Bytes>(sql).await?;
    pin_mut!(sink);
    for piece in pieces {
        sink.send(Bytes::copy_from_slice(piece)).await?;
    }
    sink.finish().await
}

async fn copy_out(client: &Client, sql: &str) -> Vec<u8> {
    let pieces: Vec<Bytes> = client.copy_out(sql).await.unwrap().try_collect().await.unwrap();
    pieces.concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_driver_copies_in_and_out() {
    let node = TestNode::start().await;
    let client = node.client().await;
    client.batch_execute("CREATE TABLE t (id int PRIMARY KEY, v text)").await.unwrap();
    assert_eq!(copy_in(&client, "COPY t FROM STDIN", &[b"1\ta\n2", b"\t\\N\n", b"3\tc"]).await.unwrap(), 3);
    assert_eq!(copy_in(&client, "COPY t FROM STDIN (FORMAT csv)", &[]).await.unwrap(), 0);
    assert_eq!(copy_out(&client, "COPY t TO STDOUT").await, b"1\ta\n2\t\\N\n3\tc\n");
    let binary = copy_out(&client, "COPY (SELECT id + 10, v FROM t) TO STDOUT (FORMAT binary)").await;
    let halves = binary.split_at(binary.len() / 2);
    assert_eq!(copy_in(&client, "COPY t FROM STDIN (FORMAT binary)", &[halves.0, halves.1]).await.unwrap(), 3);
    assert_eq!(copy_out(&client, "COPY t TO STDOUT (FORMAT csv)").await, b"1,a\n2,\n3,c\n11,a\n12,\n13,c\n");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_fails_leaves_nothing_and_the_connection_goes_on() {
    let node = TestNode::start().await;
    let client = node.client().await;
    client.batch_execute("CREATE TABLE t (id int PRIMARY KEY, v text)").await.unwrap();
    let error = copy_in(&client, "COPY t FROM STDIN", &[b"1\ta\n", b"x\tb\n", b"3\tc\n"]).await.unwrap_err();
    assert_eq!(code(&error), "22P02");
    let report = error.as_db_error().unwrap();
    assert_eq!(report.where_(), Some("COPY t, line 2, column id: \"x\""));
    assert_eq!(count(&client).await, 0);
    // A sink that is dropped gives the COPY up.
    {
        let sink = client.copy_in::<_, Bytes>("COPY t FROM STDIN").await.unwrap();
        pin_mut!(sink);
        sink.send(Bytes::from_static(b"1\ta\n")).await.unwrap();
    }
    assert_eq!(count(&client).await, 0);
    client.batch_execute("BEGIN").await.unwrap();
    assert_eq!(copy_in(&client, "COPY t FROM STDIN", &[b"1\ta\n"]).await.unwrap(), 1);
    copy_in(&client, "COPY t FROM STDIN", &[b"1\ta\n"]).await.unwrap_err();
    assert_eq!(code(&client.batch_execute("SELECT 1").await.unwrap_err()), "25P02");
    client.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(count(&client).await, 0);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_after_an_error_of_a_copy_is_not_heard() {
    let node = TestNode::start().await;
    let mut raw = Raw::ready(node.address()).await;
    raw.send(&message('Q', b"CREATE TABLE t (id int)\0")).await;
    assert_eq!(raw.kinds_until('Z').await, "CZ");
    raw.send(&message('Q', b"COPY t FROM STDIN\0")).await;
    assert_eq!(raw.kinds_until('G').await, "G");
    raw.send(&[message('d', b"x\n"), message('d', b"1\n"), message('c', b"")].concat()).await;
    assert_eq!(sqlstate(&raw.until('E').await[0]), "22P02");
    raw.send(&message('Q', b"SELECT 1\0")).await;
    assert_eq!(raw.kinds_until('Z').await, "Z");
    assert_eq!(raw.kinds_until('Z').await, "TDCZ");
    // Flush and Sync mean nothing within; what does not belong there ends it.
    raw.send(&message('Q', b"COPY t FROM STDIN\0")).await;
    raw.send(&[message('H', b""), message('S', b""), message('d', b"1\n"), message('c', b"")].concat()).await;
    assert_eq!(raw.kinds_until('Z').await, "GCZ");
    raw.send(&[message('Q', b"COPY t FROM STDIN\0"), message('f', b"no more\0")].concat()).await;
    let answer = raw.until('Z').await;
    assert_eq!(sqlstate(&answer[1]), "57014");
    raw.send(&[message('Q', b"COPY t FROM STDIN\0"), message('Q', b"SELECT 1\0")].concat()).await;
    let answer = raw.until('Z').await;
    assert_eq!(sqlstate(&answer[1]), "08P01");
    // In the extended protocol the client's Sync comes behind the data.
    let group =
        [message('P', b"\0COPY t FROM STDIN\0\0\0"), message('B', b"\0\0\0\0\0\0\0\0"), message('E', b"\0\0\0\0\0")];
    raw.send(&[group.concat(), message('d', b"2\n"), message('c', b""), message('S', b"")].concat()).await;
    assert_eq!(raw.kinds_until('Z').await, "12GCZ");
    raw.send(
        &[group.concat(), message('d', b"x\n"), message('d', b"2\n"), message('c', b""), message('S', b"")].concat(),
    )
    .await;
    assert_eq!(raw.kinds_until('Z').await, "12GEZ");
    let out =
        [message('P', b"\0COPY t TO STDOUT\0\0\0"), message('B', b"\0\0\0\0\0\0\0\0"), message('E', b"\0\0\0\0\0")];
    raw.send(&[out.concat(), message('S', b"")].concat()).await;
    assert_eq!(raw.kinds_until('Z').await, "12HddcCZ");
    node.stop().await;
}
