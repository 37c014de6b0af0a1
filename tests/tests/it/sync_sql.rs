//! Sync as SQL clients steer it.

use std::time::Duration;

use heliosdb_tests::fleet::{self, Node};
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;

#[tokio::test]
async fn waiting_for_a_cloud_that_is_away_can_be_cancelled() {
    let mut cloud = Node::cloud().await;
    let token = fleet::token(&cloud.client().await, "till").await;
    let till = Node::edge("till", cloud.http(), &token).await;
    let client = till.client().await;
    fleet::until("the till has enrolled", fleet::START_LIMIT, || async {
        let state = client.query_one("SELECT state FROM sync.status", &[]).await.unwrap();
        state.get::<_, &str>(0) == "online"
    })
    .await;
    let record = client.query_one("SELECT * FROM sync.sync_now()", &[]).await.unwrap();
    assert_eq!(record.len(), 7);

    cloud.kill().await;
    let cancel = client.cancel_token();
    let waiting = tokio::spawn(async move { client.query_one("SELECT sync.wait_for_sync('1 hour')", &[]).await });
    // Cancelling before the statement has begun does nothing, so it is asked for until it has worked.
    while !waiting.is_finished() {
        cancel.cancel_query(NoTls).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let error = waiting.await.unwrap().unwrap_err();
    assert_eq!(error.code(), Some(&SqlState::QUERY_CANCELED));
}
