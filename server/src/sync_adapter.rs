//! What SQL asks of sync: the one place where the two crates meet.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use heliosdb_sql::sync_control::{SyncControl, SyncStatus, SyncSummary};
use heliosdb_sql::{Result as SqlResult, SqlError, SqlState};
use heliosdb_storage::{LocalSeq, Store};
use heliosdb_sync::config::{Schedule, parse_compression};
use heliosdb_sync::hub::Hub;
use heliosdb_sync::{Error, HubOptions, Result, SyncHandle, SyncOptions};
use tokio::runtime::Handle;

use crate::config::{Config, Mode};
use crate::shutdown::Shutdown;

/// Microseconds between the Unix epoch and PostgreSQL's, 2000-01-01.
const POSTGRES_EPOCH_MICROS: i64 = 946_684_800_000_000;

/// How often a session that waits for the network looks whether its client has cancelled.
const CANCEL_POLL: Duration = Duration::from_millis(50);

/// A node's sync, as SQL and the listeners see it.
pub struct NodeSync {
    node_id: String,
    tenant: String,
    mode: Mode,
    queue_capacity: u64,
    handle: SyncHandle,
    hub: Option<Arc<Hub>>,
    shutdown: Shutdown,
    runtime: Handle,
}

/// The options of an edge's sync.
pub(crate) fn edge_options(config: &Config, node_id: &str) -> Result<SyncOptions> {
    Ok(SyncOptions {
        tenant: config.tenant.clone(),
        cloud_endpoint: config.sync.cloud_endpoint.clone(),
        token: config.sync.token.as_ref().map(|token| token.expose().to_owned()),
        insecure: config.sync.insecure,
        offline_mode: config.offline_mode,
        schedule: Schedule::parse(&config.sync.schedule)?,
        sync_interval: config.sync.sync_interval,
        compression: parse_compression(&config.sync.compression)?,
        batch_size: config.sync.batch_size,
        retain_acked: config.sync.retain_acked,
        ..SyncOptions::new(node_id)
    })
}

impl NodeSync {
    /// Starts the worker of an edge, or makes the store a hub's. Blocks shortly.
    pub fn open(store: Arc<Store>, config: &Config, node_id: &str, shutdown: Shutdown) -> Result<Arc<Self>> {
        let (handle, hub) = match config.mode {
            Mode::Edge => (SyncHandle::start_edge(store, edge_options(config, node_id)?)?, None),
            Mode::Cloud => {
                let options = HubOptions {
                    tenant: config.tenant.clone(),
                    insecure: config.sync.insecure,
                    compression: parse_compression(&config.sync.compression)?,
                    max_clock_skew: config.sync.max_clock_skew,
                    ..HubOptions::new(node_id)
                };
                let hub = Hub::open(store, options)?;
                (SyncHandle::of_hub(Arc::clone(&hub)), Some(hub))
            }
        };
        Ok(Arc::new(Self {
            node_id: node_id.to_owned(),
            tenant: config.tenant.clone(),
            mode: config.mode,
            queue_capacity: config.sync.queue_capacity,
            handle,
            hub,
            shutdown,
            runtime: Handle::current(),
        }))
    }

    /// The hub, on a cloud.
    pub fn hub(&self) -> Option<Arc<Hub>> {
        self.hub.clone()
    }

    /// Ends it.
    pub async fn stop(&self) {
        self.handle.stop().await;
    }

    /// Waits on a session's thread, but not beyond the node's end, and not once the client has cancelled.
    fn wait<T>(&self, cancel: &AtomicBool, work: impl Future<Output = Result<T>>) -> SqlResult<T> {
        self.runtime.block_on(async {
            tokio::select! {
                done = work => done.map_err(into_sql),
                () = self.shutdown.wait() => Err(into_sql(Error::ShuttingDown)),
                () = cancelled(cancel) => {
                    Err(SqlError::new(SqlState::QUERY_CANCELED, "canceling statement due to user request"))
                }
            }
        })
    }
}

async fn cancelled(flag: &AtomicBool) {
    while !flag.load(Ordering::Acquire) {
        tokio::time::sleep(CANCEL_POLL).await;
    }
}

impl SyncControl for NodeSync {
    fn status(&self) -> SyncStatus {
        let status = self.handle.status();
        let micros = |millis: u64| {
            i64::try_from(millis).unwrap_or(i64::MAX).saturating_mul(1000).saturating_sub(POSTGRES_EPOCH_MICROS)
        };
        SyncStatus {
            node_id: self.node_id.clone(),
            mode: self.mode.name(),
            tenant: self.tenant.clone(),
            state: status.state.name(),
            network: status.network.name(),
            last_sync_at: status.last_sync_millis.map(micros),
            last_error: status.last_error,
            clock_offset_ms: status.clock_offset_ms,
            protocol_version: i32::from(status.protocol_version),
        }
    }

    fn queue_capacity(&self) -> Option<u64> {
        // A cloud has no queue: its commits are where they belong.
        (self.mode == Mode::Edge).then_some(self.queue_capacity)
    }

    fn sync_now(&self, cancel: &AtomicBool) -> SqlResult<SyncSummary> {
        let done = self.wait(cancel, self.handle.sync_now())?;
        let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        Ok(SyncSummary {
            pushed_transactions: number(done.pushed_transactions),
            pulled_transactions: number(done.pulled_transactions),
            bytes_sent: number(done.bytes_sent),
            bytes_received: number(done.bytes_received),
            bytes_saved: number(done.bytes_saved),
            conflicts: number(done.conflicts),
            duration_ms: number(done.duration_ms),
        })
    }

    fn wait_for_sync(&self, timeout: Duration, cancel: &AtomicBool) -> SqlResult<bool> {
        self.wait(cancel, self.handle.wait_for_sync(timeout))
    }

    fn pause(&self) -> SqlResult<()> {
        self.handle.pause().map_err(into_sql)
    }

    fn resume(&self) -> SqlResult<()> {
        self.handle.resume().map_err(into_sql)
    }

    fn create_enrollment_token(
        &self,
        node_glob: &str,
        attributes: &str,
        valid: Duration,
        uses: u32,
    ) -> SqlResult<String> {
        self.handle.create_enrollment_token(node_glob, attributes, valid, uses).map_err(into_sql)
    }

    fn retry_dead_letter(&self, local_seq: i64) -> SqlResult<bool> {
        dead_letter(local_seq, |seq| self.handle.retry_dead_letter(seq))
    }

    fn discard_dead_letter(&self, local_seq: i64) -> SqlResult<bool> {
        dead_letter(local_seq, |seq| self.handle.discard_dead_letter(seq))
    }
}

/// Numbers below zero name nothing.
fn dead_letter(local_seq: i64, act: impl FnOnce(LocalSeq) -> Result<bool>) -> SqlResult<bool> {
    let Ok(seq) = u64::try_from(local_seq) else { return Ok(false) };
    act(LocalSeq(seq)).map_err(into_sql)
}

fn into_sql(error: Error) -> SqlError {
    let state = match error {
        Error::Storage(error) => return error.into(),
        Error::WrongState { message, hint } => {
            return SqlError::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message).with_hint(hint);
        }
        Error::Line(_) | Error::Protocol(_) => SqlState("08006"),
        Error::Refused(_) => SqlState("08004"),
        Error::Enrolment(_) | Error::Config(_) => SqlState::INVALID_PARAMETER_VALUE,
        Error::LimitExceeded(_) => SqlState::PROGRAM_LIMIT_EXCEEDED,
        Error::ShuttingDown => SqlState::ADMIN_SHUTDOWN,
    };
    SqlError::new(state, error.to_string())
}
