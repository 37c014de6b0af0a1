//! Accepting connections, and ending them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use heliosdb_sql::session::Engine;
use heliosdb_sql::{SqlError, SqlState};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinHandle, JoinSet};

use super::auth::{Password, Peer};
use super::cancel::CancelRegistry;
use super::error::{Failure, write_error};
use super::startup::{Admitted, admit};
use super::wire::Wire;
use crate::shutdown::{Fatal, Shutdown};

/// How long a client may take to be let in.
const STARTUP_TIMEOUT: Duration = Duration::from_secs(30);
/// Sockets beyond `pg.max_connections`: clients on their way in, cancel requests, those that are told it is full.
const STARTUP_SOCKETS: usize = 64;
/// Connections to `control.sock`.
const CONTROL_SOCKETS: usize = 16;
/// Pause after the system has refused to accept a connection (no file descriptors, say).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How often sessions are told to end while the server stops.
const TERMINATE_INTERVAL: Duration = Duration::from_millis(50);
/// How long clients' statements may take to notice that the server stops.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(8);

/// Who may connect, and how many.
#[derive(Debug)]
pub struct PgServerOptions {
    /// The one role.
    pub superuser: String,
    /// The database's name, and its aliases.
    pub databases: Vec<String>,
    /// Without one, only clients of this machine are let in.
    pub password: Option<Password>,
    /// Clients at once.
    pub max_connections: usize,
}

/// What all connections share.
pub struct PgServer {
    pub(super) engine: Arc<Engine>,
    pub(super) options: PgServerOptions,
    pub(super) sessions: Arc<CancelRegistry>,
    pub(super) shutdown: Shutdown,
    pub(super) fatal: Fatal,
    slots: Arc<Semaphore>,
}

/// A client's place among `pg.max_connections`.
pub(super) struct Slot {
    _permit: OwnedSemaphorePermit,
}

impl PgServer {
    /// A server over an engine. Needs a tokio runtime.
    pub fn new(engine: Arc<Engine>, options: PgServerOptions, shutdown: Shutdown, fatal: Fatal) -> Arc<Self> {
        let slots = Arc::new(Semaphore::new(options.max_connections));
        let sessions = CancelRegistry::new(Arc::clone(engine.backends()));
        Arc::new(Self { engine, options, sessions, shutdown, fatal, slots })
    }

    /// Serves clients from the network. The task ends after the shutdown signal, when its clients have gone.
    pub fn serve_tcp(self: &Arc<Self>, listener: TcpListener) -> JoinHandle<()> {
        let sockets = self.options.max_connections.saturating_add(STARTUP_SOCKETS);
        tokio::spawn(Arc::clone(self).accept_all(Acceptor::Tcp(listener), sockets))
    }

    /// Serves the owner of the data folder, likewise.
    pub fn serve_control(self: &Arc<Self>, listener: UnixListener) -> JoinHandle<()> {
        tokio::spawn(Arc::clone(self).accept_all(Acceptor::Control(listener), CONTROL_SOCKETS))
    }

    /// A place for one more client.
    pub(super) fn take_slot(&self) -> Result<Slot, SqlError> {
        let permit = Arc::clone(&self.slots).try_acquire_owned().map_err(|_| {
            SqlError::new(SqlState::TOO_MANY_CONNECTIONS, "sorry, too many clients already")
                .with_hint("pg.max_connections sets how many there may be.")
        })?;
        Ok(Slot { _permit: permit })
    }

    async fn accept_all(self: Arc<Self>, acceptor: Acceptor, sockets: usize) {
        let mut clients = JoinSet::new();
        loop {
            tokio::select! {
                () = self.shutdown.wait() => break,
                Some(ended) = clients.join_next() => log_panic(ended),
                // Clients beyond the bound wait in the system's queue.
                accepted = acceptor.accept(), if clients.len() < sockets => match accepted {
                    Ok(Accepted::Tcp(stream, address)) => {
                        clients.spawn(serve(Arc::clone(&self), stream, Peer::Tcp(address)));
                    }
                    Ok(Accepted::Control(stream)) => {
                        clients.spawn(serve(Arc::clone(&self), stream, Peer::Control));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop(acceptor);
        let all_gone = async {
            // Again and again, because clients may still be on their way in.
            let mut ticks = tokio::time::interval(TERMINATE_INTERVAL);
            loop {
                tokio::select! {
                    ended = clients.join_next() => match ended {
                        Some(ended) => log_panic(ended),
                        None => break,
                    },
                    _ = ticks.tick() => self.sessions.terminate_all(),
                }
            }
        };
        if tokio::time::timeout(SHUTDOWN_GRACE, all_gone).await.is_err() {
            tracing::warn!(clients = clients.len(), "clients were cut off");
            clients.abort_all();
        }
    }
}

fn log_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a connection's task has panicked");
    }
}

enum Acceptor {
    Tcp(TcpListener),
    Control(UnixListener),
}

enum Accepted {
    Tcp(tokio::net::TcpStream, SocketAddr),
    Control(tokio::net::UnixStream),
}

impl Acceptor {
    async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // An answer that waits for more to be sent would only be late.
                stream.set_nodelay(true)?;
                Ok(Accepted::Tcp(stream, address))
            }
            Self::Control(listener) => Ok(Accepted::Control(listener.accept().await?.0)),
        }
    }
}

/// Serves one client from its first byte to its last.
async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send>(server: Arc<PgServer>, stream: S, peer: Peer) {
    let mut wire = Some(Wire::new(stream));
    let admitted = tokio::select! {
        admitted = tokio::time::timeout(STARTUP_TIMEOUT, admit(&mut wire, peer, &server)) => admitted,
        () = server.shutdown.wait() => return,
    };
    match admitted {
        Ok(Ok(Some(Admitted { connection, registration, slot }))) => {
            connection.serve().await;
            drop((registration, slot));
        }
        Ok(Ok(None)) => {}
        Ok(Err(Failure::Statement(error) | Failure::Fatal(error))) => {
            tracing::info!(code = error.state.0, %error, ?peer, "a client was not let in");
            if let Some(wire) = &mut wire {
                write_error(&mut wire.output, "FATAL", &error);
                // The client may be gone already; there is nobody else to tell.
                let _ = tokio::time::timeout(STARTUP_TIMEOUT, wire.close()).await;
            }
        }
        Ok(Err(Failure::Gone(error))) => tracing::debug!(%error, ?peer, "a client went away"),
        Err(_) => tracing::info!(?peer, "a client took too long to start"),
    }
}
