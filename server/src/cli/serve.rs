//! `serve`: one node until it is told to stop.

use std::io::{self, Write as _};
use std::time::Duration;

use heliosdb_edge::{Config, Node, NodeError};
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::CliError;

/// How long a node may take to stop before the process ends anyway.
const STOP_LIMIT: Duration = Duration::from_secs(20);
/// The same after a failure: clients hear of it, no more.
const FAILED_STOP_LIMIT: Duration = Duration::from_secs(2);

/// Runs a node.
pub(super) fn run(config: &Config) -> Result<(), CliError> {
    let runtime = runtime(Node::blocking_threads(config))?;
    let ended = runtime.block_on(serve(config.clone()));
    // Whatever is left has had its time.
    runtime.shutdown_background();
    ended
}

/// A runtime for nodes.
pub(super) fn runtime(blocking_threads: usize) -> Result<Runtime, CliError> {
    // One more than there are processors, so that short statements, which run on these threads, do not hold up the rest.
    let threads = std::thread::available_parallelism().map_or(1, usize::from).saturating_add(1);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .max_blocking_threads(blocking_threads)
        .enable_all()
        .build()
        .map_err(CliError::failure)
}

async fn serve(config: Config) -> Result<(), CliError> {
    // Before the node, so that a signal during its start is not lost.
    let mut signals = Signals::new()?;
    let node = Node::start(config).await?;
    announce(&node).map_err(CliError::failure)?;
    let fatal = node.fatal().clone();
    let failure = tokio::select! {
        () = signals.next() => None,
        failure = fatal.wait() => Some(failure),
    };
    let limit = if failure.is_some() { FAILED_STOP_LIMIT } else { STOP_LIMIT };
    tokio::select! {
        stopped = tokio::time::timeout(limit, node.shutdown()) => {
            if stopped.is_err() && failure.is_none() {
                return Err(CliError::failure("the node did not stop in time and was cut off"));
            }
        }
        () = signals.next() => return Err(CliError::failure("a second signal cut the node off")),
    }
    // A commit may have failed while the node was stopping.
    match failure.or_else(|| fatal.failure()) {
        Some(failure) => Err(CliError::Failure(format!("the node could not go on: {failure}"))),
        None => Ok(()),
    }
}

/// The one line on standard output.
fn announce(node: &Node) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "ready pg={} http={}", node.pg_address(), node.http_address())?;
    out.flush()
}

/// SIGINT and SIGTERM.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(super) fn new() -> Result<Self, CliError> {
        let on = |kind| signal(kind).map_err(CliError::failure);
        Ok(Self { interrupt: on(SignalKind::interrupt())?, terminate: on(SignalKind::terminate())? })
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

impl From<NodeError> for CliError {
    fn from(error: NodeError) -> Self {
        match error {
            NodeError::Config(error) => error.into(),
            error => Self::failure(error),
        }
    }
}
