//! Portals and prepared statements of the protocol and of SQL: they share their names.

use crate::raw::{Message, Raw, field, message, sqlstate};
use crate::support::TestNode;

fn query(sql: &str) -> Vec<u8> {
    message('Q', &[sql.as_bytes(), b"\0"].concat())
}

fn parse(name: &str, sql: &str) -> Vec<u8> {
    message('P', &[name.as_bytes(), b"\0", sql.as_bytes(), b"\0\0\0"].concat())
}

/// A Bind without parameters, and one result format.
fn bind(portal: &str, statement: &str, format: u8) -> Vec<u8> {
    let tail = [0, 0, 0, 0, 0, 1, 0, format];
    message('B', &[portal.as_bytes(), b"\0", statement.as_bytes(), b"\0", &tail].concat())
}

fn execute(portal: &str, rows: u32) -> Vec<u8> {
    message('E', &[portal.as_bytes(), b"\0", &rows.to_be_bytes()].concat())
}

fn describe(kind: char, name: &str) -> Vec<u8> {
    message('D', &[&[u8::try_from(kind).unwrap()], name.as_bytes(), b"\0"].concat())
}

fn sync() -> Vec<u8> {
    message('S', b"")
}

/// The first columns of the rows among messages, and the other messages by their types and tags.
fn shown(messages: &[Message]) -> Vec<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned();
    messages
        .iter()
        .map(|(kind, body)| match kind {
            'D' => format!("D {}", text(&body[6..])),
            'C' => format!("C {}", text(body)),
            'E' => format!("E {}", field(body, b'C').unwrap()),
            other => other.to_string(),
        })
        .collect()
}

async fn ready() -> (TestNode, Raw) {
    let node = TestNode::start().await;
    let raw = Raw::ready(node.address()).await;
    (node, raw)
}

async fn answers(raw: &mut Raw, messages: &[Vec<u8>]) -> Vec<String> {
    raw.send(&messages.concat()).await;
    shown(&raw.until('Z').await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cursors_and_portals_share_their_names() {
    let (node, mut raw) = ready().await;
    answers(&mut raw, &[query("BEGIN; DECLARE c CURSOR FOR SELECT * FROM generate_series(1, 6)")]).await;
    // The protocol runs a cursor of SQL, and SQL fetches from a portal of the protocol.
    assert_eq!(answers(&mut raw, &[execute("c", 2), sync()]).await, ["D 1", "D 2", "s", "Z"]);
    assert_eq!(answers(&mut raw, &[query("FETCH 2 FROM c")]).await, ["T", "D 3", "D 4", "C FETCH 2", "Z"]);
    assert_eq!(answers(&mut raw, &[execute("c", 0), sync()]).await, ["D 5", "D 6", "C SELECT 2", "Z"]);
    let bound = [parse("s", "SELECT * FROM generate_series(11, 14)"), bind("p", "s", 0), execute("p", 1), sync()];
    assert_eq!(answers(&mut raw, &bound).await, ["1", "2", "D 11", "s", "Z"]);
    assert_eq!(answers(&mut raw, &[query("FETCH 2 FROM p")]).await, ["T", "D 12", "D 13", "C FETCH 2", "Z"]);
    assert_eq!(answers(&mut raw, &[query("SELECT name FROM pg_cursors ORDER BY name")]).await[1..3], ["D c", "D p"]);
    // Both refuse a name that is taken.
    assert_eq!(answers(&mut raw, &[query("SAVEPOINT s")]).await, ["C SAVEPOINT", "Z"]);
    assert_eq!(answers(&mut raw, &[bind("c", "s", 0), sync()]).await, ["E 42P03", "Z"]);
    answers(&mut raw, &[query("ROLLBACK TO s")]).await;
    assert_eq!(answers(&mut raw, &[query("DECLARE p CURSOR FOR SELECT 1")]).await, ["E 42P03", "Z"]);
    answers(&mut raw, &[query("ROLLBACK TO s")]).await;
    assert_eq!(answers(&mut raw, &[message('C', b"Pc\0"), sync()]).await, ["3", "Z"]);
    assert_eq!(answers(&mut raw, &[query("CLOSE p")]).await, ["C CLOSE CURSOR", "Z"]);
    assert_eq!(answers(&mut raw, &[query("FETCH c")]).await, ["E 34000", "Z"]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn portals_go_on_while_other_statements_run() {
    let (node, mut raw) = ready().await;
    answers(&mut raw, &[query("CREATE TABLE t (id int PRIMARY KEY)")]).await;
    answers(&mut raw, &[query("INSERT INTO t SELECT * FROM generate_series(1, 4)")]).await;
    let begun = [
        query("BEGIN"),
        parse("", "SELECT a.id FROM t AS a JOIN t AS b ON a.id = b.id ORDER BY a.id"),
        bind("p", "", 0),
        execute("p", 1),
        sync(),
    ];
    raw.send(&begun.concat()).await;
    raw.until('Z').await;
    assert_eq!(shown(&raw.until('Z').await), ["1", "2", "D 1", "s", "Z"]);
    answers(&mut raw, &[query("DELETE FROM t WHERE id > 1")]).await;
    assert_eq!(answers(&mut raw, &[execute("p", 2), sync()]).await, ["D 2", "D 3", "s", "Z"]);
    assert_eq!(answers(&mut raw, &[execute("p", 2), sync()]).await, ["D 4", "C SELECT 1", "Z"]);
    assert_eq!(answers(&mut raw, &[execute("p", 2), sync()]).await, ["C SELECT 0", "Z"]);
    answers(&mut raw, &[query("COMMIT")]).await;
    assert_eq!(answers(&mut raw, &[execute("p", 2), sync()]).await, ["E 34000", "Z"]);
    // Without a block a portal ends at Sync.
    let bound = [parse("", "SELECT 1"), bind("q", "", 0), sync()];
    assert_eq!(answers(&mut raw, &bound).await, ["1", "2", "Z"]);
    assert_eq!(answers(&mut raw, &[execute("q", 0), sync()]).await, ["E 34000", "Z"]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_of_the_protocol_and_of_sql_share_their_names() {
    let (node, mut raw) = ready().await;
    assert_eq!(answers(&mut raw, &[query("PREPARE a AS SELECT 41 + $1::int")]).await, ["C PREPARE", "Z"]);
    assert_eq!(answers(&mut raw, &[parse("a", "SELECT 1"), sync()]).await, ["E 42P05", "Z"]);
    assert_eq!(answers(&mut raw, &[describe('S', "a"), sync()]).await, ["t", "T", "Z"]);
    assert_eq!(answers(&mut raw, &[parse("b", "SELECT 7"), sync()]).await, ["1", "Z"]);
    assert_eq!(answers(&mut raw, &[query("EXECUTE b")]).await, ["T", "D 7", "C SELECT 1", "Z"]);
    assert_eq!(answers(&mut raw, &[query("PREPARE b AS SELECT 1")]).await, ["E 42P05", "Z"]);
    // EXECUTE through the protocol is described as what it executes.
    let executed = [parse("", "EXECUTE a (1)"), describe('S', ""), bind("", "", 0), execute("", 0), sync()];
    assert_eq!(answers(&mut raw, &executed).await, ["1", "t", "T", "2", "D 42", "C SELECT 1", "Z"]);
    assert_eq!(answers(&mut raw, &[query("DEALLOCATE b")]).await, ["C DEALLOCATE", "Z"]);
    assert_eq!(answers(&mut raw, &[bind("", "b", 0), sync()]).await, ["E 26000", "Z"]);
    assert_eq!(answers(&mut raw, &[message('C', b"Sa\0"), sync()]).await, ["3", "Z"]);
    assert_eq!(answers(&mut raw, &[query("EXECUTE a (1)")]).await, ["E 26000", "Z"]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn binary_cursors_give_binary_rows() {
    let (node, mut raw) = ready().await;
    answers(&mut raw, &[query("BEGIN; DECLARE c BINARY CURSOR FOR SELECT 258")]).await;
    raw.send(&query("FETCH c")).await;
    let messages = raw.until('Z').await;
    assert_eq!(messages[0].1.last(), Some(&1), "the format in the description");
    assert_eq!(messages[1].1[2..], [0, 0, 0, 4, 0, 0, 1, 2]);
    assert_eq!(
        sqlstate(&{
            raw.send(&query("FETCH nosuch")).await;
            raw.next().await.unwrap()
        }),
        "34000"
    );
    node.stop().await;
}
