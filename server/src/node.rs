//! A node: the store, the engine over it, sync, and the listeners, wired together.
//!
//! ```text
//!  folder ─► Store ─► Engine ─► PgServer ─► pg.listen, control.sock
//!              │        ▲
//!              └─► NodeSync ─► HttpServer ─► http.listen
//! ```

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use heliosdb_sql::SyncControl;
use heliosdb_sql::checks::CheckEvaluator;
use heliosdb_sql::session::Engine;
use heliosdb_storage::store::Backend;
use heliosdb_storage::sync_row::Role;
use heliosdb_storage::{Store, StoreOptions};
use heliosdb_sync::transport::{HttpOptions, HttpServer};
use tokio::net::{TcpListener, UnixListener};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::JoinHandle;

use crate::config::{Config, ConfigError, Mode};
use crate::folder;
use crate::pg::{Password, PgServer, PgServerOptions};
use crate::shutdown::{Fatal, Shutdown};
use crate::sync_adapter::NodeSync;

/// The superuser of every node.
pub const SUPERUSER: &str = "helios";
/// The alias of the tenant's database.
pub const DATABASE_ALIAS: &str = "postgres";
/// PostgreSQL's `deadlock_timeout`.
const DEADLOCK_TIMEOUT: Duration = Duration::from_secs(1);
/// How often the store is asked whether it goes on.
const STORE_CHECK_INTERVAL: Duration = Duration::from_millis(250);
/// Threads that sessions may block on beyond `pg.max_connections`: the control socket's clients and sync.
const EXTRA_BLOCKING_THREADS: usize = 64;

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The configuration does not work.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// An address cannot be listened on; the message names its flag.
    #[error("cannot listen on --{flag} {address}: {error}")]
    Listen {
        /// The flag that sets it.
        flag: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system says.
        error: std::io::Error,
    },
    /// The data folder is not this node's, or cannot be used.
    #[error("the data folder {}: {what}", path.display())]
    Folder {
        /// The folder, or the file in it.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] heliosdb_storage::Error),
    /// Sync cannot start.
    #[error(transparent)]
    Sync(#[from] heliosdb_sync::Error),
    /// The system refuses something else.
    #[error("{0}")]
    System(String),
}

/// A node at work. It needs a multi-threaded tokio runtime with [`Node::blocking_threads`].
pub struct Node {
    data_dir: PathBuf,
    node_id: String,
    pg_address: SocketAddr,
    http: HttpServer,
    store: Arc<Store>,
    engine: Arc<Engine>,
    sync: Arc<NodeSync>,
    tasks: Vec<JoinHandle<()>>,
    shutdown: Shutdown,
    fatal: Fatal,
}

impl Node {
    /// The blocking threads that a runtime needs for a node: every session may wait for a lock that another one holds, and
    /// that one needs a thread to go on.
    pub fn blocking_threads(config: &Config) -> usize {
        config.pg.max_connections.saturating_add(EXTRA_BLOCKING_THREADS)
    }

    /// Opens the data folder and serves it.
    pub async fn start(config: Config) -> Result<Self, NodeError> {
        if Handle::current().runtime_flavor() != RuntimeFlavor::MultiThread {
            return Err(NodeError::System("a node needs a multi-threaded tokio runtime".to_owned()));
        }
        let password = config.password.as_ref().map(|password| Password::new(password.expose())).transpose();
        let password = password.map_err(|error| NodeError::System(format!("no random numbers: {error}")))?;
        // First, so that a busy port leaves the folder untouched.
        let pg_listener = listen("pg-listen", config.pg.listen).await?;
        let pg_address = pg_listener.local_addr().map_err(|error| NodeError::System(error.to_string()))?;

        let (store, file) = tokio::task::block_in_place(|| open_store(&config))?;
        let (shutdown, fatal) = (Shutdown::default(), Fatal::default());
        let sync = tokio::task::block_in_place(|| {
            NodeSync::open(Arc::clone(&store), &config, &file.node_id, shutdown.clone())
        })?;
        let engine = Engine::new(Arc::clone(&store), Arc::clone(&sync) as Arc<dyn SyncControl>);

        let (http, control) = match open_listeners(&config, &sync, &fatal).await {
            Ok(listeners) => listeners,
            Err(error) => {
                // Its worker holds the store open.
                sync.stop().await;
                return Err(error);
            }
        };
        let options = PgServerOptions {
            superuser: SUPERUSER.to_owned(),
            databases: vec![config.tenant.clone(), DATABASE_ALIAS.to_owned()],
            password,
            max_connections: config.pg.max_connections,
        };
        let pg = PgServer::new(Arc::clone(&engine), options, shutdown.clone(), fatal.clone());
        let watch = tokio::spawn(watch_store(Arc::clone(&store), shutdown.clone(), fatal.clone()));
        let tasks = vec![pg.serve_tcp(pg_listener), pg.serve_control(control), watch];
        tracing::info!(
            node_id = file.node_id,
            mode = config.mode.name(),
            tenant = config.tenant,
            data_dir = %config.data_dir.display(),
            pg = %pg_address,
            http = %http.address(),
            "the node is ready"
        );
        Ok(Self {
            data_dir: config.data_dir,
            node_id: file.node_id,
            pg_address,
            http,
            store,
            engine,
            sync,
            tasks,
            shutdown,
            fatal,
        })
    }

    /// The node's name.
    pub fn node_id(&self) -> &str {
        &self.node_id
    }

    /// Where PostgreSQL clients connect.
    pub const fn pg_address(&self) -> SocketAddr {
        self.pg_address
    }

    /// Where edges and probes connect.
    pub const fn http_address(&self) -> SocketAddr {
        self.http.address()
    }

    /// Where the owner of the data folder connects.
    pub fn control_socket(&self) -> PathBuf {
        folder::socket_path(&self.data_dir)
    }

    /// The engine, for sessions in this process.
    pub const fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The failure after which the process must not go on, once there is one.
    pub const fn fatal(&self) -> &Fatal {
        &self.fatal
    }

    /// Ends the node: no new clients, statements cancelled, clients told, sync ended, the store closed. Takes a bounded
    /// time.
    pub async fn shutdown(self) {
        tracing::info!(node_id = self.node_id, "the node stops");
        self.shutdown.start();
        for task in self.tasks {
            // One that has panicked has ended too.
            let _ = task.await;
        }
        self.sync.stop().await;
        self.http.stop().await;
        folder::remove_socket(&self.data_dir);
        let last = (self.engine, self.sync, self.store);
        tokio::task::block_in_place(|| drop(last));
    }
}

/// Opens the store of the data folder and checks whose folder it is.
pub(crate) fn open_store(config: &Config) -> Result<(Arc<Store>, folder::NodeFile), NodeError> {
    folder::create(&config.data_dir)?;
    let store = Store::open(StoreOptions {
        backend: Backend::Folder(config.data_dir.clone()),
        cache_bytes: config.cache_bytes,
        queue_capacity: config.sync.queue_capacity,
        deadlock_timeout: DEADLOCK_TIMEOUT,
        apply_lock_wait: config.sync.apply_lock_wait,
        wall_clock: Arc::new(unix_millis),
        row_checker: Arc::new(CheckEvaluator::default()),
    })?;
    store.around_lock_waits(|wait| tokio::task::block_in_place(wait));
    let role = store.identity().role;
    let file = folder::claim(config, role != Role::Standalone)?;
    let fits = match role {
        Role::Standalone => true,
        Role::Edge => config.mode == Mode::Edge,
        Role::Hub => config.mode == Mode::Cloud,
    };
    if !fits {
        let what = format!("its store is that of another mode than {}", config.mode.name());
        return Err(NodeError::Folder { path: config.data_dir.clone(), what });
    }
    Ok((store, file))
}

/// Raises the alarm when the store has stopped: not only sessions commit, sync does too.
async fn watch_store(store: Arc<Store>, shutdown: Shutdown, fatal: Fatal) {
    loop {
        tokio::select! {
            () = shutdown.wait() => return,
            () = tokio::time::sleep(STORE_CHECK_INTERVAL) => {}
        }
        if store.is_stopped() {
            fatal.raise("a commit could not be made durable");
            return;
        }
    }
}

fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

async fn listen(flag: &'static str, address: SocketAddr) -> Result<TcpListener, NodeError> {
    TcpListener::bind(address).await.map_err(|error| NodeError::Listen { flag, address, error })
}

async fn open_listeners(
    config: &Config,
    sync: &NodeSync,
    fatal: &Fatal,
) -> Result<(HttpServer, UnixListener), NodeError> {
    // The server binds by itself; a busy port is found here, where the flag has a name.
    drop(listen("http-listen", config.http.listen).await?);
    let fatal = fatal.clone();
    let options = HttpOptions {
        listen: config.http.listen,
        hub: sync.hub(),
        ready: Arc::new(move || fatal.failure().map_or(Ok(()), Err)),
        routes: Vec::new(),
    };
    let http = HttpServer::start(options).await?;
    match folder::listen(&config.data_dir) {
        Ok(control) => Ok((http, control)),
        Err(error) => {
            http.stop().await;
            Err(error)
        }
    }
}
