//! What the rest of the program asks of sync.
//!
//! A [`SyncHandle`] is the node's end of it, on an edge and on a hub alike.

mod edge;
mod status;

use std::sync::Arc;
use std::time::Duration;

use heliosdb_storage::sync_row::Role;
use heliosdb_storage::{LocalSeq, Store};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

pub(crate) use edge::{EdgeControl, Wishes};
pub use status::{Network, SyncState, SyncStatus, SyncSummary};

use crate::config::SyncOptions;
use crate::edge::enrolment::enroll;
use crate::edge::worker::{Command, Worker};
use crate::edge::{outbox, state};
use crate::enroll::check_node_id;
use crate::error::{Error, Result};
use crate::hub::Hub;
use crate::message::PROTOCOL_VERSION;
use crate::transport::Endpoint;

/// Commands that wait for the worker.
const COMMAND_QUEUE: usize = 256;
/// The shortest `sync.sync_interval`: below it an edge would do nothing but connect.
const MIN_SYNC_INTERVAL: Duration = Duration::from_millis(100);

/// The node's end of sync.
#[derive(Clone)]
pub struct SyncHandle {
    node: Node,
}

#[derive(Clone)]
enum Node {
    Edge(Arc<Edge>),
    Hub(Arc<Hub>),
}

struct Edge {
    store: Arc<Store>,
    options: SyncOptions,
    control: Arc<EdgeControl>,
    commands: mpsc::Sender<Command>,
    worker: Mutex<Option<JoinHandle<()>>>,
    runtime: Handle,
}

impl SyncHandle {
    /// Starts the sync worker of an edge or standalone node. What the options ask for and this version cannot do is
    /// refused here. Needs a tokio runtime, and blocks shortly.
    pub fn start_edge(store: Arc<Store>, options: SyncOptions) -> Result<Self> {
        check_node_id(&options.node_id).map_err(|error| Error::Config(error.to_string()))?;
        if store.identity().role == Role::Hub {
            return Err(Error::Config(
                "this data folder belongs to a cloud; start it with mode = \"cloud\", or give the edge one of its own"
                    .into(),
            ));
        }
        if options.sync_interval < MIN_SYNC_INTERVAL {
            return Err(Error::Config(format!(
                "sync.sync_interval is too short: it must be at least {} ms",
                MIN_SYNC_INTERVAL.as_millis()
            )));
        }
        let endpoint =
            options.cloud_endpoint.as_deref().map(|url| Endpoint::parse(url, options.insecure)).transpose()?;
        let control = Arc::new(EdgeControl::new(state::is_paused(&store)?));
        let (commands, queue) = mpsc::channel(COMMAND_QUEUE);
        let worker = Worker::new(Arc::clone(&store), options.clone(), endpoint, Arc::clone(&control), queue);
        let runtime = Handle::current();
        let worker = Mutex::new(Some(runtime.spawn(worker.run())));
        Ok(Self { node: Node::Edge(Arc::new(Edge { store, options, control, commands, worker, runtime })) })
    }

    /// The handle of a hub.
    pub fn of_hub(hub: Arc<Hub>) -> Self {
        Self { node: Node::Hub(hub) }
    }

    /// The volatile part of `sync.status`.
    pub fn status(&self) -> SyncStatus {
        match &self.node {
            Node::Edge(edge) => edge.status(),
            Node::Hub(_) => SyncStatus {
                state: SyncState::Online,
                network: Network::Excellent,
                last_sync_millis: None,
                last_error: None,
                clock_offset_ms: Some(0),
                protocol_version: PROTOCOL_VERSION,
            },
        }
    }

    /// Enrols the node with the configured cloud; nothing happens if it is enrolled already.
    pub async fn enroll(&self, token: &str) -> Result<()> {
        let edge = self.edge()?;
        let options = SyncOptions { token: Some(token.to_owned()), ..edge.options.clone() };
        enroll(&edge.store, &options).await?;
        // Wakes the worker, which finds that it has a cloud now.
        edge.rescan();
        Ok(())
    }

    /// Pushes and pulls once, now. On a hub there is nothing to do: what is committed there is where it belongs.
    pub async fn sync_now(&self) -> Result<SyncSummary> {
        match &self.node {
            Node::Edge(edge) => {
                edge.check_can_sync()?;
                edge.round(false).await
            }
            Node::Hub(_) => Ok(SyncSummary::default()),
        }
    }

    /// Starts a sync. True once all that was committed here before the call is answered by the hub, and all that the hub
    /// then held is installed here; false at the timeout; an error if the node is standalone or paused. True at once on a
    /// hub.
    pub async fn wait_for_sync(&self, timeout: Duration) -> Result<bool> {
        match &self.node {
            Node::Edge(edge) => {
                edge.check_can_sync()?;
                match tokio::time::timeout(timeout, edge.round(true)).await {
                    Ok(done) => done.map(|_| true),
                    Err(_) => Ok(false),
                }
            }
            Node::Hub(_) => Ok(true),
        }
    }

    /// Stops pushing and pulling until resumed; survives restarts. Blocks.
    pub fn pause(&self) -> Result<()> {
        self.edge()?.set_paused(true)
    }

    /// Ends a pause. Blocks.
    pub fn resume(&self) -> Result<()> {
        self.edge()?.set_paused(false)
    }

    /// Makes a token with which edges enrol, on a hub. Blocks.
    pub fn create_enrollment_token(
        &self,
        node_glob: &str,
        attributes: &str,
        valid: Duration,
        uses: u32,
    ) -> Result<String> {
        let Node::Hub(hub) = &self.node else {
            return Err(Error::wrong_state("enrolment tokens are made on a cloud", "Connect to the cloud's database."));
        };
        let attributes = serde_json::from_str(attributes)
            .map_err(|error| Error::Enrolment(format!("the attributes are not JSON: {error}")))?;
        hub.create_token(node_glob, attributes, valid, uses)
    }

    /// Gives up a dead letter: its changes leave this node's rows. False if there is no such dead letter. Blocks.
    pub fn discard_dead_letter(&self, seq: LocalSeq) -> Result<bool> {
        outbox::discard_dead_letter(&self.edge()?.store, seq)
    }

    /// Sends a dead letter again. False if there is no such dead letter. Blocks.
    pub fn retry_dead_letter(&self, seq: LocalSeq) -> Result<bool> {
        let edge = self.edge()?;
        let is_there = outbox::retry_dead_letter(&edge.store, seq)?;
        edge.rescan();
        Ok(is_there)
    }

    /// Ends the worker and waits for it; or tells the hub's connections to end, which the listener's stop waits for.
    pub async fn stop(&self) {
        match &self.node {
            Node::Edge(edge) => {
                edge.control.wishes.send_modify(|wishes| wishes.stopping = true);
                let worker = edge.worker.lock().take();
                if let Some(worker) = worker {
                    // It ended in either way.
                    let _ = worker.await;
                }
            }
            Node::Hub(hub) => hub.stop(),
        }
    }

    fn edge(&self) -> Result<&Edge> {
        match &self.node {
            Node::Edge(edge) => Ok(edge),
            Node::Hub(_) => Err(Error::wrong_state(
                "a cloud has no cloud of its own to sync with",
                "Connect to an edge, or use sync.nodes to see the edges of this cloud.",
            )),
        }
    }
}

impl Edge {
    fn status(&self) -> SyncStatus {
        let seen = self.control.seen.lock();
        let state = if self.store.identity().role == Role::Standalone {
            SyncState::Standalone
        } else if self.control.is_paused() {
            SyncState::Paused
        } else if seen.is_online {
            SyncState::Online
        } else {
            SyncState::Offline
        };
        SyncStatus {
            state,
            network: if state == SyncState::Online { self.control.network() } else { Network::Offline },
            last_sync_millis: seen.last_sync_millis,
            last_error: seen.last_error.clone(),
            clock_offset_ms: seen.clock_offset_ms,
            protocol_version: PROTOCOL_VERSION,
        }
    }

    fn check_can_sync(&self) -> Result<()> {
        if self.store.identity().role == Role::Standalone {
            // Of a node that has tried to enrol, the reason is known.
            return Err(match self.control.seen.lock().last_error.as_deref() {
                Some(why) => Error::not_enrolled(why),
                None => Error::standalone(),
            });
        }
        if self.control.is_paused() {
            return Err(Error::wrong_state("sync is paused", "Call sync.resume()."));
        }
        Ok(())
    }

    /// Has the worker look at the whole outbox again.
    fn rescan(&self) {
        if let Err(TrySendError::Full(command)) = self.commands.try_send(Command::Rescan) {
            // It must not be lost: the connection may last for days.
            let commands = self.commands.clone();
            self.runtime.spawn(async move { commands.send(command).await });
        }
    }

    async fn round(&self, is_patient: bool) -> Result<SyncSummary> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command::Round { is_patient, reply }).await.map_err(|_| Error::ShuttingDown)?;
        answer.await.map_err(|_| Error::ShuttingDown)?
    }

    fn set_paused(&self, paused: bool) -> Result<()> {
        if self.store.identity().role == Role::Standalone {
            return Err(Error::standalone());
        }
        state::set_paused(&self.store, paused)?;
        self.control.wishes.send_modify(|wishes| wishes.paused = paused);
        Ok(())
    }
}
