//! Becoming known to a hub.

use std::sync::Arc;

use heliosdb_storage::sync_row::{Identity, Role};
use heliosdb_storage::{Catalog, ServerSeq, Store, WriteOrigin};

use super::state;
use crate::config::SyncOptions;
use crate::enroll::{EnrollAnswer, EnrollRefusal, EnrollRequest, Token, base64url, check_node_id};
use crate::error::{Error, Result};
use crate::transport::Endpoint;
use crate::transport::client::{self, EnrolmentReply};

/// Enrols the node with the configured hub by the configured token; nothing happens if it is enrolled already. May be
/// called again after any failure: the hub gives the same answer to the same node.
pub async fn enroll(store: &Arc<Store>, options: &SyncOptions) -> Result<()> {
    match store.identity().role {
        Role::Edge => return Ok(()),
        Role::Hub => {
            return Err(Error::Config("this data folder belongs to a cloud; an edge needs one of its own".into()));
        }
        Role::Standalone => {}
    }
    let endpoint = options.cloud_endpoint.as_deref();
    let endpoint = endpoint.ok_or_else(|| Error::Config("sync.cloud_endpoint is not set".into()))?;
    let endpoint = Endpoint::parse(endpoint, options.insecure)?;
    let token = options.token.as_deref().ok_or_else(|| Error::Config("sync.token is not set".into()))?;
    // What is wrong in plain sight is said without asking the hub.
    Token::parse(token)?;
    check_node_id(&options.node_id)?;
    refuse_own_tables(&store.catalog())?;

    let key_store = Arc::clone(store);
    let key = blocking(move || state::node_key(&key_store)).await?;
    let request = EnrollRequest {
        token: token.trim().to_owned(),
        node_id: options.node_id.clone(),
        node_key: base64url::encode(&key),
        tenant: options.tenant.clone(),
        attributes: options.attributes.clone(),
    };
    let body = serde_json::to_vec(&request).map_err(|error| Error::Enrolment(error.to_string()))?;
    let exchange = client::post_enrolment(&endpoint, body);
    let reply = tokio::time::timeout(options.line.handshake, exchange)
        .await
        .map_err(|_| Error::line(format!("{} does not answer", endpoint.authority())))??;
    let answer = read_reply(reply, &endpoint)?;
    let store = Arc::clone(store);
    blocking(move || become_edge(&store, &answer)).await
}

fn read_reply(reply: EnrolmentReply, endpoint: &Endpoint) -> Result<EnrollAnswer> {
    match reply {
        EnrolmentReply::Accepted(body) => serde_json::from_slice(&body)
            .map_err(|error| Error::protocol(format!("the answer to an enrolment is not understood: {error}"))),
        EnrolmentReply::Refused(body) => {
            let refusal: Option<EnrollRefusal> = serde_json::from_slice(&body).ok();
            Err(Error::Enrolment(match refusal {
                Some(refusal) => refusal.error,
                None => format!("{} is not a HeliosDB cloud", endpoint.authority()),
            }))
        }
    }
}

/// Tables that a standalone node made are to be uploaded at its enrolment; until that is built, they stand in the way.
fn refuse_own_tables(catalog: &Catalog) -> Result<()> {
    let names: Vec<&str> = catalog.tables().map(|table| table.name.as_str()).collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(Error::Enrolment(format!(
        "this node has tables of its own ({}), and uploading them at enrolment is not supported yet; \
         enrol a node with an empty data folder",
        names.join(", ")
    )))
}

fn become_edge(store: &Arc<Store>, answer: &EnrollAnswer) -> Result<()> {
    let mut txn = store.begin(WriteOrigin::Local);
    // Nobody makes a table between the check and the commit.
    txn.lock_catalog()?;
    refuse_own_tables(txn.catalog())?;
    let cursor = ServerSeq { epoch: answer.epoch, n: 0 };
    txn.set_identity(Identity { role: Role::Edge, site: answer.site, cursor })?;
    txn.commit()?;
    tracing::info!(site = answer.site, cloud = answer.hub_id, tenant = answer.tenant, "enrolled");
    Ok(())
}

/// Does work that waits for the disk or for locks, on a thread that may.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        // The runtime is going down, or the work panicked, which the store answers for.
        Err(_) => Err(Error::ShuttingDown),
    }
}
