//! Configuration: a TOML file, the environment over it, flags over both.
//!
//! ```text
//!  keys ─────────► what keys there are, their kinds, defaults, and which are built
//!    │
//!  file, HELIOS_*, flags ─► layers ─► Settings (text and checks) ─► Config (what the program reads)
//! ```
//!
//! [`keys::KEYS`] is the one table: checks, defaults, `config show` and the environment's names all come from it.

pub mod keys;
pub mod layers;
mod nearest;
mod secret;
pub mod value;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use heliosdb_sync::enroll::check_node_id;
use heliosdb_sync::transport::Endpoint;
pub use layers::{Settings, Source};
pub use secret::Secret;

/// What is wrong with a configuration: the message names the key and where it was set.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

/// What the node is to the others.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Mode {
    /// A register, a factory box, a phone.
    #[default]
    Edge,
    /// The hub that edges sync with.
    Cloud,
}

impl Mode {
    /// Its name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Cloud => "cloud",
        }
    }
}

/// A node's configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// `node_id`; without one a name is made up at the first start and kept in the data folder.
    pub node_id: Option<String>,
    /// `mode`
    pub mode: Mode,
    /// `tenant`: also the database's name.
    pub tenant: String,
    /// `data_dir`
    pub data_dir: PathBuf,
    /// `offline_mode`
    pub offline_mode: bool,
    /// `cache.size`, in bytes.
    pub cache_bytes: usize,
    /// `[pg]`
    pub pg: PgConfig,
    /// `[http]`
    pub http: HttpConfig,
    /// `[sync]`
    pub sync: SyncConfig,
    /// The superuser's password, from `HELIOS_PASSWORD`; no key of the file, so that it is not in one.
    pub password: Option<Secret>,
}

/// `[pg]`: the PostgreSQL listener.
#[derive(Clone, Debug)]
pub struct PgConfig {
    /// `pg.listen`
    pub listen: SocketAddr,
    /// `pg.max_connections`
    pub max_connections: usize,
    /// `pg.insecure`: allows another address than loopback.
    pub insecure: bool,
}

/// `[http]`: the listener of sync, health and enrolment.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// `http.listen`
    pub listen: SocketAddr,
    /// `http.insecure`: allows another address than loopback.
    pub insecure: bool,
}

/// `[sync]` and `[sync.queue]`
#[derive(Clone, Debug)]
pub struct SyncConfig {
    /// `sync.cloud_endpoint`
    pub cloud_endpoint: Option<String>,
    /// `sync.token`
    pub token: Option<Secret>,
    /// `sync.insecure`: plain HTTP on loopback.
    pub insecure: bool,
    /// `sync.compression`
    pub compression: String,
    /// `sync.schedule`
    pub schedule: String,
    /// `sync.sync_interval`
    pub sync_interval: Duration,
    /// `sync.max_clock_skew`
    pub max_clock_skew: Duration,
    /// `sync.retain_acked`
    pub retain_acked: Duration,
    /// `sync.apply_lock_wait`
    pub apply_lock_wait: Duration,
    /// `sync.queue.max_capacity`
    pub queue_capacity: u64,
    /// `sync.queue.batch_size`
    pub batch_size: usize,
}

impl Default for Config {
    /// The documented defaults, without a look at files or the environment.
    fn default() -> Self {
        Self::from_settings(&Settings::default()).expect("BUG: the defaults are valid")
    }
}

impl Config {
    /// Reads the settings, and refuses what contradicts itself or is not built.
    pub fn from_settings(settings: &Settings) -> Result<Self, ConfigError> {
        settings.check_built()?;
        let config = Self {
            node_id: settings.text("node_id"),
            mode: if settings.text("mode").as_deref() == Some("cloud") { Mode::Cloud } else { Mode::Edge },
            tenant: settings.text("tenant").unwrap_or_default(),
            data_dir: settings.text("data_dir").unwrap_or_default().into(),
            offline_mode: settings.flag("offline_mode"),
            cache_bytes: usize::try_from(settings.number("cache.size")).unwrap_or(usize::MAX),
            pg: PgConfig {
                listen: settings.address("pg.listen"),
                max_connections: settings.count("pg.max_connections"),
                insecure: settings.flag("pg.insecure"),
            },
            http: HttpConfig { listen: settings.address("http.listen"), insecure: settings.flag("http.insecure") },
            sync: SyncConfig {
                cloud_endpoint: settings.text("sync.cloud_endpoint"),
                token: settings.text("sync.token").map(Secret::from),
                insecure: settings.flag("sync.insecure"),
                compression: settings.text("sync.compression").unwrap_or_default(),
                schedule: settings.text("sync.schedule").unwrap_or_default(),
                sync_interval: settings.duration("sync.sync_interval"),
                max_clock_skew: settings.duration("sync.max_clock_skew"),
                retain_acked: settings.duration("sync.retain_acked"),
                apply_lock_wait: settings.duration("sync.apply_lock_wait"),
                queue_capacity: settings.number("sync.queue.max_capacity"),
                batch_size: settings.count("sync.queue.batch_size"),
            },
            password: None,
        };
        config.check()?;
        Ok(config)
    }

    /// Reads `HELIOS_PASSWORD`; an empty one counts as none.
    #[must_use]
    pub fn with_password_from_env(mut self) -> Self {
        self.password = std::env::var("HELIOS_PASSWORD").ok().filter(|password| !password.is_empty()).map(Secret::from);
        self
    }

    fn check(&self) -> Result<(), ConfigError> {
        check_name("tenant", &self.tenant)?;
        if matches!(self.tenant.as_str(), "postgres" | "analytics") {
            return Err(ConfigError(format!("tenant: \"{}\" is the name of another database", self.tenant)));
        }
        if let Some(node_id) = &self.node_id {
            check_node_id(node_id).map_err(said_by_sync)?;
        }
        for (section, listen, insecure) in
            [("pg", self.pg.listen, self.pg.insecure), ("http", self.http.listen, self.http.insecure)]
        {
            if !listen.ip().to_canonical().is_loopback() && !insecure {
                return Err(ConfigError(format!(
                    "{section}.listen: {listen} is not a loopback address, and TLS is not built into this version; \
                     set {section}.insecure = true to listen there without it"
                )));
            }
        }
        match self.mode {
            Mode::Cloud => self.check_cloud(),
            Mode::Edge => match &self.sync.cloud_endpoint {
                Some(url) => Endpoint::parse(url, self.sync.insecure).map(|_| ()).map_err(said_by_sync),
                None => Ok(()),
            },
        }
    }

    fn check_cloud(&self) -> Result<(), ConfigError> {
        let refuse = |what: &str| Err(ConfigError(what.to_owned()));
        if self.sync.cloud_endpoint.is_some() {
            return refuse("sync.cloud_endpoint: a cloud under another cloud is not built into this version");
        }
        if !self.sync.insecure {
            return refuse(
                "sync.insecure: TLS is not built into this version; set sync.insecure = true to let edges of this \
                 machine sync without it",
            );
        }
        if !self.http.listen.ip().to_canonical().is_loopback() {
            return refuse(
                "http.listen: sync without TLS is for loopback only, and TLS is not built into this version",
            );
        }
        Ok(())
    }
}

/// The sync crate's messages name their keys already.
fn said_by_sync(error: heliosdb_sync::Error) -> ConfigError {
    ConfigError(error.to_string())
}

/// The longest tenant: it is a PostgreSQL name.
const MAX_NAME_BYTES: usize = 63;

/// The name stands in URLs, logs and connection strings, so it is kept plain.
fn check_name(key: &str, name: &str) -> Result<(), ConfigError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.chars().all(plain) {
        return Err(ConfigError(format!(
            "{key}: \"{name}\" must be 1 to {MAX_NAME_BYTES} letters, digits, '-', '_' or '.'"
        )));
    }
    Ok(())
}
