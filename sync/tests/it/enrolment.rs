//! Tokens, and who may become a node.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use heliosdb_storage::base::MemoryDisk;
use heliosdb_storage::sync_row::Role;
use heliosdb_sync::config::WallClock;
use heliosdb_sync::control::SyncState;
use heliosdb_sync::edge::enrolment::enroll;
use heliosdb_sync::enroll::{EnrollRequest, base64url};
use heliosdb_sync::hub::Hub;
use heliosdb_sync::{Error, HubOptions, SyncHandle, SyncOptions};

use crate::fixture::{Cloud, Edge, PATIENCE, create_items, eventually, has_items, open};

fn request(token: &str, node_id: &str, key: u8) -> EnrollRequest {
    EnrollRequest {
        token: token.to_owned(),
        node_id: node_id.to_owned(),
        node_key: base64url::encode(&[key; 32]),
        tenant: "helios".to_owned(),
        attributes: serde_json::json!({}),
    }
}

fn token(hub: &Hub, glob: &str, uses: u32) -> String {
    hub.create_token(glob, serde_json::json!({}), Duration::from_secs(60), uses).unwrap()
}

/// Why the hub refuses the request.
async fn refusal(hub: &Arc<Hub>, request: EnrollRequest) -> String {
    match hub.enroll(request).await {
        Err(Error::Enrolment(why)) => why,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_enrols_by_itself_and_gets_the_tables() {
    let cloud = Cloud::start().await;
    create_items(&cloud.store, "items");
    let edge = cloud.edge("store-1");
    edge.synced().await;
    assert!(has_items(&edge.store));
    assert_eq!(edge.store.identity().role, Role::Edge);
    assert_ne!(edge.store.identity().site, cloud.store.identity().site);
    let nodes = cloud.hub.nodes();
    assert_eq!(nodes.iter().map(|node| node.node_id.as_str()).collect::<Vec<_>>(), ["store-1"]);
    let status = edge.sync.status();
    assert_eq!((status.state, status.last_error), (SyncState::Online, None));
    assert!(status.last_sync_millis.is_some() && status.clock_offset_ms.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_serves_before_it_is_enrolled() {
    let cloud = Cloud::start().await;
    let options = SyncOptions { token: None, ..cloud.options("store-1") };
    let store = open(&MemoryDisk::default());
    let sync = SyncHandle::start_edge(Arc::clone(&store), options).unwrap();
    assert_eq!(sync.status().state, SyncState::Standalone);
    for result in [sync.sync_now().await.map(|_| ()), sync.wait_for_sync(Duration::from_secs(1)).await.map(|_| ())] {
        assert!(matches!(result, Err(Error::WrongState { .. })));
    }
    assert!(matches!(sync.pause(), Err(Error::WrongState { .. })));
    let local = create_items(&store, "items");
    assert_eq!(local.sync_id, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_enrolled_by_hand() {
    let cloud = Cloud::start().await;
    create_items(&cloud.store, "items");
    let edge = Edge::start(MemoryDisk::default(), SyncOptions { token: None, ..cloud.options("store-1") });
    assert!(matches!(edge.sync.enroll("rubbish").await, Err(Error::Enrolment(_))));
    edge.sync.enroll(&cloud.token()).await.unwrap();
    // The worker goes to work by itself.
    eventually("the table is there", || has_items(&edge.store)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_binds_to_who_uses_it_and_answers_that_one_again() {
    let cloud = Cloud::start().await;
    let token = token(&cloud.hub, "store-*", 1);
    let first = cloud.hub.enroll(request(&token, "store-1", 1)).await.unwrap();
    let again = cloud.hub.enroll(request(&token, "store-1", 1)).await.unwrap();
    assert_eq!(first, again);
    assert!(refusal(&cloud.hub, request(&token, "store-2", 2)).await.contains("used up"));
    assert!(refusal(&cloud.hub, request(&token, "store-1", 9)).await.contains("used up"));
    assert_eq!(cloud.hub.nodes().len(), 1);

    // What was agreed survives a restart of the hub.
    let (disk, address) = cloud.stop().await;
    let cloud = Cloud::start_on(disk, address, |_| {}).await;
    assert_eq!(cloud.hub.enroll(request(&token, "store-1", 1)).await.unwrap(), first);
    assert!(refusal(&cloud.hub, request(&token, "store-2", 2)).await.contains("used up"));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_node_gets_a_site_of_its_own() {
    let cloud = Cloud::start().await;
    let token = token(&cloud.hub, "*", 2);
    let a = cloud.hub.enroll(request(&token, "a", 1)).await.unwrap();
    let b = cloud.hub.enroll(request(&token, "b", 2)).await.unwrap();
    assert_ne!(a.site, b.site);
    assert!(refusal(&cloud.hub, request(&token, "c", 3)).await.contains("used up"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_belongs_to_the_first_key() {
    let cloud = Cloud::start().await;
    let token = token(&cloud.hub, "*", 5);
    cloud.hub.enroll(request(&token, "a", 1)).await.unwrap();
    assert!(refusal(&cloud.hub, request(&token, "a", 2)).await.contains("another key"));
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_do_not_fit_are_refused_in_words() {
    let time = Arc::new(AtomicU64::new(1_000_000));
    let clock = {
        let time = Arc::clone(&time);
        WallClock(Arc::new(move || time.load(Ordering::SeqCst)))
    };
    let options = HubOptions { clock, ..HubOptions::new("hq") };
    let hub = Hub::open(open(&MemoryDisk::default()), options).unwrap();
    let good = token(&hub, "store-?", 1);

    assert!(refusal(&hub, request("rubbish", "store-1", 1)).await.contains("not an enrolment token"));
    assert!(refusal(&hub, request(&good, "shop-1", 1)).await.contains("is for nodes named \"store-?\""));
    assert!(refusal(&hub, request(&good, "store 1", 1)).await.contains("not allowed"));
    let elsewhere = EnrollRequest { tenant: "acme".into(), ..request(&good, "store-1", 1) };
    assert!(refusal(&hub, elsewhere).await.contains("tenant \"acme\""));
    let short = EnrollRequest { node_key: base64url::encode(&[1; 31]), ..request(&good, "store-1", 1) };
    assert!(refusal(&hub, short).await.contains("32 bytes"));

    // A token of another cloud, and one of this cloud with a made-up secret.
    let other = Hub::open(open(&MemoryDisk::default()), HubOptions::new("other")).unwrap();
    assert!(refusal(&hub, request(&token(&other, "*", 1), "store-1", 1)).await.contains("not one of this cloud"));
    let mut forged = heliosdb_sync::enroll::Token::parse(&good).unwrap();
    forged.secret = [0; 32];
    assert!(refusal(&hub, request(&forged.to_text(), "store-1", 1)).await.contains("not one of this cloud"));
    // Its own word on how long it lives does not count.
    forged = heliosdb_sync::enroll::Token::parse(&good).unwrap();
    forged.expires_millis = u64::MAX;
    time.fetch_add(61_000, Ordering::SeqCst);
    assert!(refusal(&hub, request(&forged.to_text(), "store-1", 1)).await.contains("expired"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_edge_reports_why_it_is_not_enrolled() {
    let cloud = Cloud::start().await;
    let options = SyncOptions { token: Some("hel1.rubbish".into()), ..cloud.options("store-1") };
    let store = open(&MemoryDisk::default());
    let sync = SyncHandle::start_edge(Arc::clone(&store), options).unwrap();
    eventually("the error shows", || sync.status().last_error.is_some()).await;
    assert!(sync.status().last_error.unwrap().contains("not an enrolment token"));
    assert_eq!(sync.status().state, SyncState::Standalone);
    let error = sync.wait_for_sync(PATIENCE).await.unwrap_err().to_string();
    assert!(error.contains("not enrolled") && error.contains("not an enrolment token"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interval_that_leaves_no_time_between_connections_is_refused() {
    let cloud = Cloud::start().await;
    let options = SyncOptions { sync_interval: Duration::ZERO, ..cloud.options("store-1") };
    let error = SyncHandle::start_edge(open(&MemoryDisk::default()), options).err().map(|error| error.to_string());
    assert!(error.as_deref().is_some_and(|error| error.contains("sync.sync_interval")), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_its_own_keep_a_node_from_enrolling() {
    let cloud = Cloud::start().await;
    let store = open(&MemoryDisk::default());
    create_items(&store, "mine");
    let error = enroll(&store, &cloud.options("store-1")).await.unwrap_err().to_string();
    assert!(error.contains("(mine)") && error.contains("not supported yet"), "{error}");
    assert!(cloud.hub.nodes().is_empty(), "the cloud was not bothered");
}

#[tokio::test(flavor = "multi_thread")]
async fn enrolling_twice_is_enrolling_once() {
    let cloud = Cloud::start().await;
    let store = open(&MemoryDisk::default());
    let options = cloud.options("store-1");
    enroll(&store, &options).await.unwrap();
    let identity = store.identity();
    // The second time the token does not even have to be one.
    enroll(&store, &SyncOptions { token: Some("x".into()), ..options }).await.unwrap();
    assert_eq!(store.identity(), identity);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_has_one_role() {
    let cloud = Cloud::start().await;
    let edge = cloud.edge("store-1");
    edge.enrolled().await;
    let error = Hub::open(Arc::clone(&edge.store), HubOptions::new("hq")).err().unwrap().to_string();
    assert!(error.contains("belongs to an edge"), "{error}");
    let error = SyncHandle::start_edge(Arc::clone(&cloud.store), cloud.options("x")).err().unwrap().to_string();
    assert!(error.contains("belongs to a cloud"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_built_is_refused_at_the_start() {
    let cloud = Cloud::start().await;
    let start = |options| SyncHandle::start_edge(open(&MemoryDisk::default()), options).err().unwrap().to_string();
    let tls = SyncOptions { cloud_endpoint: Some("https://hq.example".into()), ..cloud.options("a") };
    assert!(start(tls).contains("TLS is not supported yet"));
    let open_line = SyncOptions { insecure: false, ..cloud.options("a") };
    assert!(start(open_line).contains("sync.insecure = true"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_is_no_cloud() {
    use heliosdb_sync::transport::{HttpOptions, HttpServer, PlainAnswer, PlainRoute};
    let page = PlainRoute {
        path: "/metrics",
        answer: Arc::new(|| PlainAnswer {
            status: 200,
            content_type: "text/plain",
            body: "edge_sync_total 0\n".into(),
        }),
    };
    let options = HttpOptions {
        listen: "127.0.0.1:0".parse().unwrap(),
        hub: None,
        ready: Arc::new(|| Err("starting".into())),
        routes: vec![page],
    };
    let server = HttpServer::start(options).await.unwrap();
    let cloud = Cloud::start().await;
    let options =
        SyncOptions { cloud_endpoint: Some(format!("http://{}", server.address())), ..cloud.options("store-1") };
    let error = enroll(&open(&MemoryDisk::default()), &options).await.unwrap_err();
    assert!(matches!(&error, Error::Enrolment(why) if why.contains("is not a HeliosDB cloud")), "{error}");
    server.stop().await;
    let error = enroll(&open(&MemoryDisk::default()), &options).await.unwrap_err();
    assert!(matches!(&error, Error::Line(why) if why.contains("cannot connect")), "{error}");
}
