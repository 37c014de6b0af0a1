//! LISTEN and NOTIFY between clients.

use crate::raw::{Message, Raw, message, sqlstate};
use crate::support::{TestNode, code};

async fn query(raw: &mut Raw, sql: &str) -> Vec<Message> {
    raw.send(&message('Q', &[sql.as_bytes(), b"\0"].concat())).await;
    raw.until('Z').await
}

/// Channel and payload of a notification.
fn told(message: &Message) -> (String, String) {
    assert_eq!(message.0, 'A');
    let mut texts = message.1[4..].split(|byte| *byte == 0).map(|text| String::from_utf8(text.to_vec()).unwrap());
    (texts.next().unwrap(), texts.next().unwrap())
}

fn notifications(messages: &[Message]) -> Vec<(String, String)> {
    messages.iter().filter(|message| message.0 == 'A').map(told).collect()
}

fn pair(channel: &str, payload: &str) -> (String, String) {
    (channel.to_owned(), payload.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notifications_reach_idle_listeners_at_once_and_busy_ones_later() {
    let node = TestNode::start().await;
    let sender = node.client().await;
    let mut idle = Raw::ready(node.address()).await;
    let mut busy = Raw::ready(node.address()).await;
    query(&mut idle, "LISTEN sales; LISTEN stock").await;
    query(&mut busy, "LISTEN sales").await;
    query(&mut busy, "BEGIN").await;
    sender.batch_execute("NOTIFY sales, 'one'; SELECT pg_notify('other', 'x')").await.unwrap();
    assert_eq!(told(&idle.next().await.unwrap()), pair("sales", "one"));
    // Nothing of a transaction that is rolled back, or before it is committed; equal ones are one.
    sender.batch_execute("BEGIN; NOTIFY sales, 'lost'; ROLLBACK").await.unwrap();
    sender.batch_execute("BEGIN; NOTIFY sales, 'two'; NOTIFY stock; NOTIFY sales, 'two'; SAVEPOINT s").await.unwrap();
    sender.batch_execute("NOTIFY sales, 'undone'; ROLLBACK TO s; NOTIFY sales, 'three'").await.unwrap();
    assert!(notifications(&query(&mut idle, "SELECT 1").await).is_empty());
    sender.batch_execute("COMMIT").await.unwrap();
    for expected in [pair("sales", "two"), pair("stock", ""), pair("sales", "three")] {
        assert_eq!(told(&idle.next().await.unwrap()), expected);
    }
    assert!(notifications(&query(&mut busy, "SELECT 1").await).is_empty());
    let late = notifications(&query(&mut busy, "COMMIT").await);
    assert_eq!(late, [pair("sales", "one"), pair("sales", "two"), pair("sales", "three")]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_hears_itself_and_stops_listening() {
    let node = TestNode::start().await;
    let mut raw = Raw::ready(node.address()).await;
    let heard = notifications(&query(&mut raw, "BEGIN; LISTEN a; NOTIFY a, 'self'; COMMIT").await);
    assert_eq!(heard, [pair("a", "self")]);
    query(&mut raw, "LISTEN b").await;
    let channels = query(&mut raw, "SELECT * FROM pg_listening_channels() ORDER BY 1").await;
    assert_eq!(channels.iter().filter(|message| message.0 == 'D').count(), 2);
    query(&mut raw, "BEGIN; UNLISTEN *; ROLLBACK").await;
    assert_eq!(notifications(&query(&mut raw, "NOTIFY b").await), [pair("b", "")]);
    query(&mut raw, "UNLISTEN b").await;
    assert!(notifications(&query(&mut raw, "NOTIFY b; NOTIFY a").await) == [pair("a", "")]);
    query(&mut raw, "DISCARD ALL").await;
    assert!(notifications(&query(&mut raw, "NOTIFY b; NOTIFY a").await).is_empty());
    for (sql, state) in [
        ("SELECT pg_notify('', 'x')", "22023"),
        ("SELECT pg_notify(NULL, 'x')", "22023"),
        ("SELECT pg_notify(repeat('x', 64), '')", "22023"),
        ("SELECT pg_notify('x', repeat('x', 8000))", "22023"),
    ] {
        assert!(query(&mut raw, sql).await.iter().any(|message| message.0 == 'E' && sqlstate(message) == state), "{sql}");
    }
    query(&mut raw, "SELECT pg_notify('x', repeat('x', 7999))").await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_that_does_not_hear_fills_the_queue() {
    let node = TestNode::start().await;
    let (sender, listener) = (node.client().await, node.client().await);
    listener.batch_execute("LISTEN a").await.unwrap();
    listener.batch_execute("BEGIN").await.unwrap();
    let flood = "SELECT pg_notify('a', repeat('x', 7900) || g) FROM generate_series(1, 500) g";
    let mut sent = 0;
    let error = loop {
        match sender.batch_execute(flood).await {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(code(&error), "54000");
    assert!(sent > 0);
    let usage: f64 = sender.query_one("SELECT pg_notification_queue_usage()", &[]).await.unwrap().get(0);
    assert!(usage > 0.5 && usage <= 1.0, "{usage}");
    listener.batch_execute("COMMIT").await.unwrap();
    sender.batch_execute(flood).await.unwrap();
    node.stop().await;
}
