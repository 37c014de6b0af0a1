//! What comes over the network from somebody who means no good, or is broken, does not hurt the hub.

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use heliosdb_crdt::{Hlc, SiteId};
use heliosdb_storage::sync_row::TxnRecord;
use heliosdb_storage::{LocalSeq, SchemaVersion, ServerSeq, TxnId};
use heliosdb_sync::config::LineTimes;
use heliosdb_sync::edge::state::node_key;
use heliosdb_sync::link::Link;
use heliosdb_sync::message::frame::{Codec, MAX_FRAME_BYTES, MAX_GREETING_BYTES, frames_of};
use heliosdb_sync::message::{
    Hello, MergeOutcome, Message, PROTOCOL_VERSION, PullRequest, Push, PushedTxn, RefusalReason, Welcome, codec,
};
use heliosdb_sync::transport::{Endpoint, Line, client};
use heliosdb_sync::{Error, HubOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::fixture::{Cloud, Edge, create_items, eventually, insert, stock};

async fn line(cloud: &Cloud) -> Line {
    client::connect(&Endpoint::parse(&cloud.url(), true).unwrap()).await.unwrap()
}

async fn link(cloud: &Cloud) -> Link {
    Link::new(line(cloud).await, LineTimes::default(), std::sync::Arc::default())
}

/// An edge that enrolled and is not connected any more, and the HELLO that it would say.
async fn retired_edge(cloud: &Cloud, node_id: &str) -> (Edge, Hello) {
    let edge = cloud.edge(node_id);
    edge.synced().await;
    edge.sync.stop().await;
    let identity = edge.store.identity();
    let hello = Hello {
        oldest_version: PROTOCOL_VERSION,
        newest_version: PROTOCOL_VERSION,
        node_id: node_id.to_owned(),
        node_key: node_key(&edge.store).unwrap(),
        site: SiteId(identity.site),
        codecs: Codec::READABLE,
        schema_version: edge.store.catalog().schema_version,
        cursor: identity.cursor,
        acknowledged: LocalSeq(0),
        wall_millis: 0,
    };
    (edge, hello)
}

async fn greet(cloud: &Cloud, hello: Hello) -> Result<(Link, Welcome), RefusalReason> {
    let mut link = link(cloud).await;
    link.send(&Message::Hello(hello)).unwrap();
    match link.next_soon().await.unwrap().message {
        Message::Welcome(welcome) => {
            link.admit(Codec::Lz4);
            Ok((link, welcome))
        }
        Message::Refusal(refusal) => Err(refusal.reason),
        other => panic!("{} for HELLO", other.name()),
    }
}

/// The reason with which the hub ends the connection.
async fn farewell(mut link: Link) -> RefusalReason {
    loop {
        match link.next_soon().await.unwrap().message {
            Message::Refusal(refusal) => return refusal.reason,
            Message::Notify(_) => {}
            other => panic!("{} instead of a refusal", other.name()),
        }
    }
}

/// The hub still does its work.
async fn is_unharmed(cloud: &Cloud) {
    let edge = cloud.edge("witness");
    edge.synced().await;
    insert(&edge.store, 77, 7);
    edge.synced().await;
    assert_eq!(stock(&cloud.store, 77), Some(7));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_prove_itself_is_refused() {
    let cloud = Cloud::start().await;
    create_items(&cloud.store, "items");
    let (_edge, hello) = retired_edge(&cloud, "a").await;
    assert!(greet(&cloud, hello.clone()).await.is_ok());
    let refused = async |hello| greet(&cloud, hello).await.err().unwrap();
    assert_eq!(refused(Hello { node_key: [0; 32], ..hello.clone() }).await, RefusalReason::UnknownNode);
    assert_eq!(refused(Hello { node_id: "b".into(), ..hello.clone() }).await, RefusalReason::UnknownNode);
    let newer = Hello { oldest_version: 7, newest_version: 9, ..hello.clone() };
    assert_eq!(refused(newer).await, RefusalReason::UpgradeRequired);
    let cursor = ServerSeq { epoch: u64::MAX, n: 1 };
    assert_eq!(refused(Hello { cursor, ..hello.clone() }).await, RefusalReason::Protocol);
    is_unharmed(&cloud).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_site_of_another_node_is_not_given() {
    let cloud = Cloud::start().await;
    create_items(&cloud.store, "items");
    let (other, _) = retired_edge(&cloud, "other").await;
    let (_edge, hello) = retired_edge(&cloud, "a").await;
    for site in [0, cloud.store.identity().site, other.store.identity().site] {
        let (_, welcome) = greet(&cloud, Hello { site: SiteId(site), ..hello.clone() }).await.ok().unwrap();
        assert!(welcome.site_taken, "site {site}");
    }
    // Nor may transactions be pushed in its name.
    let (mut link, _) = greet(&cloud, hello).await.ok().unwrap();
    link.send(&push_of(other.store.identity().site_id())).unwrap();
    assert_eq!(farewell(link).await, RefusalReason::Protocol);
    is_unharmed(&cloud).await;
}

fn push_of(site: SiteId) -> Message {
    let id = TxnId { site, seq: LocalSeq(1) };
    let (cursor, schema_version) = (ServerSeq::default(), SchemaVersion(1));
    let record = TxnRecord { id, first_site: site, hlc: Hlc(1), cursor, run: 0, schema_version, ops: Vec::new() };
    let txn = PushedTxn { digest: record.digest().unwrap(), record };
    Message::Push(Push { batch: 1, txns: vec![txn] })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_life_that_a_hub_has_forgotten_is_its_node_s_again() {
    let cloud = Cloud::start().await;
    create_items(&cloud.store, "items");
    let (_edge, hello) = retired_edge(&cloud, "a").await;
    let forgotten = SiteId(77);
    let (mut link, _) = greet(&cloud, hello).await.ok().unwrap();
    link.send(&push_of(forgotten)).unwrap();
    let acknowledged = loop {
        if let Message::PushAck(acknowledged) = link.next_soon().await.unwrap().message {
            break acknowledged;
        }
    };
    assert_eq!(acknowledged.outcomes, [MergeOutcome::Merged]);
    // It is no longer to be had by another.
    let (_other, hello) = retired_edge(&cloud, "b").await;
    let (mut link, _) = greet(&cloud, hello).await.ok().unwrap();
    link.send(&push_of(forgotten)).unwrap();
    assert_eq!(farewell(link).await, RefusalReason::Protocol);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_out_of_place_end_the_connection() {
    let cloud = Cloud::start().await;
    create_items(&cloud.store, "items");
    let (_edge, hello) = retired_edge(&cloud, "a").await;
    let mut early = link(&cloud).await;
    early.send(&Message::NewSite).unwrap();
    assert_eq!(farewell(early).await, RefusalReason::Protocol);
    for message in [Message::Hello(hello.clone()), Message::Data(Vec::new()), Message::Notify(ServerSeq::default())] {
        let (mut link, _) = greet(&cloud, hello.clone()).await.ok().unwrap();
        link.send(&message).unwrap();
        assert_eq!(farewell(link).await, RefusalReason::Protocol, "{}", message.name());
    }
    // One new site a connection, and one pull at a time: without credits the first never ends.
    let (mut link, _) = greet(&cloud, hello.clone()).await.ok().unwrap();
    link.send(&Message::NewSite).unwrap();
    assert!(matches!(link.next_soon().await.unwrap().message, Message::NewSiteIs(_)));
    link.send(&Message::NewSite).unwrap();
    assert_eq!(farewell(link).await, RefusalReason::Protocol);
    insert(&cloud.store, 1, 1);
    let (mut link, _) = greet(&cloud, hello.clone()).await.ok().unwrap();
    let pull = PullRequest { cursor: ServerSeq::default(), schema_version: SchemaVersion(0), credits: 0 };
    link.send(&Message::Pull(pull)).unwrap();
    link.send(&Message::Pull(pull)).unwrap();
    assert_eq!(farewell(link).await, RefusalReason::Protocol);
    is_unharmed(&cloud).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_gets_little_memory() {
    let cloud = Cloud::start().await;
    create_items(&cloud.store, "items");
    // Small on the line, large in memory.
    let bomb = frames_of(&vec![0; MAX_GREETING_BYTES + 1], Codec::Lz4).unwrap();
    assert!(bomb[0].len() < 1000);
    let mut line = line(&cloud).await;
    line.sink.send(bomb[0].clone()).await.unwrap();
    let link = Link::new(line, LineTimes::default(), std::sync::Arc::default());
    assert_eq!(farewell(link).await, RefusalReason::Protocol);
    is_unharmed(&cloud).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_are_too_large_end_the_connection() {
    let cloud = Cloud::start().await;
    create_items(&cloud.store, "items");
    let mut line = line(&cloud).await;
    // The hub hangs up in the middle of it, or right after.
    let _ = line.sink.send(Bytes::from(vec![0; MAX_FRAME_BYTES + 1])).await;
    while let Some(Ok(_)) = line.stream.next().await {}
    is_unharmed(&cloud).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn random_frames_end_the_connection() {
    let cloud = Cloud::start().await;
    create_items(&cloud.store, "items");
    let (_edge, hello) = retired_edge(&cloud, "a").await;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for round in 0..60 {
        let mut line = line(&cloud).await;
        if round % 2 == 0 {
            let hello = codec::encode(&Message::Hello(hello.clone())).unwrap();
            line.sink.send(frames_of(&hello, Codec::None).unwrap()[0].clone()).await.unwrap();
            line.stream.next().await.unwrap().unwrap();
        }
        for _ in 0..4 {
            // A sound frame around a random message, so that the message's own reader is met too.
            let mut message: Vec<u8> = (0..random() % 200).map(|_| random().to_le_bytes()[0]).collect();
            message.insert(0, 1 + (random() % 18).to_le_bytes()[0]);
            let mut frame = frames_of(&message, Codec::None).unwrap()[0].to_vec();
            if random() % 4 == 0 {
                let at = usize::try_from(random()).unwrap() % frame.len();
                frame[at] = random().to_le_bytes()[0];
            }
            // The hub may have hung up already.
            if line.sink.send(frame.into()).await.is_err() {
                break;
            }
        }
        drop(line);
    }
    is_unharmed(&cloud).await;
    eventually("only the witness is connected, or nobody", || cloud.hub.connected() <= 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_is_full_says_so() {
    let room_for_one = |options: &mut HubOptions| options.max_connections = 1;
    let cloud = Cloud::start_on(Default::default(), "127.0.0.1:0".parse().unwrap(), room_for_one).await;
    let edge = cloud.edge("a");
    edge.synced().await;
    assert_eq!(farewell(link(&cloud).await).await, RefusalReason::RateLimited);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_is_left() {
    let impatient = |options: &mut HubOptions| options.line.handshake = std::time::Duration::from_millis(20);
    let cloud = Cloud::start_on(Default::default(), "127.0.0.1:0".parse().unwrap(), impatient).await;
    let mut line = line(&cloud).await;
    while let Some(Ok(_)) = line.stream.next().await {}
}

/// Sends a request as it is; returns the answer, which may be none.
async fn raw(cloud: &Cloud, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(cloud.server.address()).await.unwrap();
    // The hub may hang up before it has read everything.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn http_is_bounded() {
    let cloud = Cloud::start().await;
    create_items(&cloud.store, "items");
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").into_bytes();
    assert!(raw(&cloud, &get("/healthz")).await.starts_with("HTTP/1.1 200"));
    assert!(raw(&cloud, &get("/readyz")).await.ends_with("ready\n"));
    assert!(raw(&cloud, &get("/nothing")).await.starts_with("HTTP/1.1 404"));
    assert!(raw(&cloud, &get("/v1/sync")).await.starts_with("HTTP/1.1 4"), "not a WebSocket");
    let long = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "y".repeat(100_000));
    assert!(!raw(&cloud, long.as_bytes()).await.starts_with("HTTP/1.1 200"));
    let post = |body: &str| {
        let len = body.len();
        format!("POST /v1/enroll HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len}\r\n\r\n{body}")
            .into_bytes()
    };
    assert!(raw(&cloud, &post("{}")).await.starts_with("HTTP/1.1 400"));
    assert!(raw(&cloud, &post(&"[".repeat(5000))).await.starts_with("HTTP/1.1 400"));
    assert!(raw(&cloud, &post(&"x".repeat(200_000))).await.starts_with("HTTP/1.1 413"));
    is_unharmed(&cloud).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cloud_without_tls_stays_on_loopback() {
    use heliosdb_sync::hub::Hub;
    use heliosdb_sync::transport::{HttpOptions, HttpServer};
    let start = async |insecure, listen: &str| {
        let store = crate::fixture::open(&Default::default());
        let hub = Hub::open(store, HubOptions { insecure, ..HubOptions::new("hq") }).unwrap();
        let ready = std::sync::Arc::new(|| Ok(()));
        let options = HttpOptions { listen: listen.parse().unwrap(), hub: Some(hub), ready, routes: Vec::new() };
        HttpServer::start(options).await.err().map(|error: Error| error.to_string())
    };
    assert!(start(false, "127.0.0.1:0").await.unwrap().contains("sync.insecure = true"));
    assert!(start(true, "0.0.0.0:0").await.unwrap().contains("not on loopback"));
    assert_eq!(start(true, "127.0.0.1:0").await, None);
}
