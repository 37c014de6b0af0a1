//! The hub: merges what edges push, serves what they pull.
//!
//! ```text
//!  line ─► connection (one task an edge) ─► merge ─► Store ─► on_commit ─► watch ─► NOTIFY of every connection
//!                    │                                  │
//!                    └──────── serve ◄──────────────────┘
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`directory`] | the nodes it knows, their sites, the epoch |
//! | `admission` | tokens, and who may become a node |
//! | [`seats`] | one connection for each incarnation of a node |
//! | [`connection`] | the talk with one edge |
//! | [`history`] | which transactions were merged |
//! | [`merge`], [`serve`] | into the store and out of it |

mod admission;
mod alias;
pub mod connection;
pub mod directory;
pub mod history;
pub mod merge;
mod merged_set;
pub mod seats;
pub mod serve;

use std::sync::Arc;
use std::time::Duration;

use heliosdb_storage::{CommitSeq, Store};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, watch};

use crate::config::HubOptions;
use crate::enroll::{EnrollAnswer, EnrollRequest, check_node_id};
use crate::error::{Error, Result};
use crate::link::{Link, Traffic};
use crate::message::{Message, Refusal, RefusalReason};
use crate::transport::Line;

use directory::Directory;
use merge::MergeOptions;
use seats::Seats;

/// How long a connection that finds no place should stay away.
const CROWDED_RETRY: Duration = Duration::from_secs(5);

/// A hub at work.
pub struct Hub {
    store: Arc<Store>,
    options: HubOptions,
    directory: Mutex<Directory>,
    seats: Arc<Seats>,
    /// The newest commit that edges may want to hear of.
    commits: watch::Sender<CommitSeq>,
    room: Semaphore,
    /// Held while a batch is merged.
    merging: tokio::sync::Mutex<()>,
    stopping: watch::Sender<bool>,
    traffic: Arc<Traffic>,
}

impl Hub {
    /// Makes the store a hub's, or goes on with one that is.
    pub fn open(store: Arc<Store>, options: HubOptions) -> Result<Arc<Self>> {
        check_node_id(&options.node_id).map_err(|error| Error::Config(error.to_string()))?;
        let directory = Directory::open(Arc::clone(&store), options.clock.now_millis())?;
        let (commits, _) = watch::channel(store.snapshot().seq());
        let heard = commits.clone();
        store.on_commit(Box::new(move |info| {
            if info.changed_synced {
                heard.send_replace(info.seq);
            }
        }));
        Ok(Arc::new(Self {
            store,
            directory: Mutex::new(directory),
            seats: Arc::new(Seats::default()),
            commits,
            room: Semaphore::new(options.max_connections),
            merging: tokio::sync::Mutex::default(),
            stopping: watch::channel(false).0,
            traffic: Arc::new(Traffic::default()),
            options,
        }))
    }

    /// Its options.
    pub const fn options(&self) -> &HubOptions {
        &self.options
    }

    /// What its lines have carried.
    pub const fn traffic(&self) -> &Arc<Traffic> {
        &self.traffic
    }

    /// How many edges are connected.
    pub fn connected(&self) -> usize {
        self.seats.len()
    }

    /// The nodes that enrolled, by id.
    pub fn nodes(&self) -> Vec<directory::NodeRecord> {
        let mut nodes: Vec<_> = self.directory.lock().nodes().cloned().collect();
        nodes.sort_by(|a, b| a.node_id.cmp(&b.node_id));
        nodes
    }

    /// Makes a token with which nodes whose id matches the pattern can enrol. Blocks.
    pub fn create_token(
        &self,
        node_glob: &str,
        attributes: serde_json::Value,
        valid: Duration,
        uses: u32,
    ) -> Result<String> {
        let now = self.options.clock.now_millis();
        let expires = now.saturating_add(u64::try_from(valid.as_millis()).unwrap_or(u64::MAX));
        let token = self.directory.lock().create_token(node_glob, attributes, expires, uses, now)?;
        Ok(token.to_text())
    }

    /// Takes a node in.
    pub async fn enroll(self: &Arc<Self>, request: EnrollRequest) -> Result<EnrollAnswer> {
        self.blocking(move |hub| {
            let now = hub.options.clock.now_millis();
            let answer = hub.directory.lock().enroll(&request, &hub.options.node_id, &hub.options.tenant, now)?;
            tracing::info!(node_id = request.node_id, site = answer.site, "a node enrolled");
            Ok(answer)
        })
        .await
    }

    /// Talks with an edge until one of the two ends it.
    pub async fn serve_line(self: &Arc<Self>, line: Line) {
        let mut link = Link::new(line, self.options.line, Arc::clone(&self.traffic));
        let Ok(_permit) = self.room.try_acquire() else {
            let detail = format!("{} edges are connected, which is this cloud's limit", self.options.max_connections);
            let retry_after_millis = u64::try_from(CROWDED_RETRY.as_millis()).unwrap_or(u64::MAX);
            let refusal = Refusal { reason: RefusalReason::RateLimited, detail, retry_after_millis };
            if link.send(&Message::Refusal(refusal)).is_ok() {
                link.close().await;
            }
            return;
        };
        connection::talk(self, link).await;
    }

    /// Ends all connections, and takes no more. [`crate::transport::HttpServer::stop`] waits for them.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    fn merge_options(&self) -> MergeOptions {
        MergeOptions { max_clock_skew: self.options.max_clock_skew }
    }

    /// Does work that waits for the disk or for locks, on a thread that may.
    async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Arc<Self>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let hub = Arc::clone(self);
        match tokio::task::spawn_blocking(move || work(&hub)).await {
            Ok(result) => result,
            // The runtime is going down, or the work panicked, which the store answers for.
            Err(_) => Err(Error::ShuttingDown),
        }
    }
}
