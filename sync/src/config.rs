//! The options of both sides; the server fills them from its configuration.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::error::{Error, Result};
use crate::message::frame::Codec;

/// When an edge talks to its hub.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Schedule {
    /// At every commit, over a connection that stays open. What `adaptive` means until that is built.
    #[default]
    OnChange,
    /// Every `sync_interval`: connects, pushes, pulls, and hangs up.
    Interval,
    /// Only when asked to.
    Manual,
}

impl Schedule {
    /// A schedule by its name in the configuration.
    pub fn parse(name: &str) -> Result<Self> {
        match name {
            "on_change" | "adaptive" => Ok(Self::OnChange),
            "interval" => Ok(Self::Interval),
            "manual" => Ok(Self::Manual),
            other => Err(Error::Config(format!(
                "sync.schedule = {other:?} is unknown; it is one of adaptive, on_change, interval, manual"
            ))),
        }
    }
}

/// A codec by its name in the configuration.
pub fn parse_compression(name: &str) -> Result<Codec> {
    match name {
        "none" => Ok(Codec::None),
        "lz4" => Ok(Codec::Lz4),
        "zstd" => {
            Err(Error::Config("sync.compression = \"zstd\" is not supported yet; use \"lz4\" or \"none\"".into()))
        }
        other => Err(Error::Config(format!(
            "sync.compression = {other:?} is unknown; it is one of none, lz4 (zstd is not supported yet)"
        ))),
    }
}

/// Tells the time, in milliseconds since the Unix epoch.
#[derive(Clone)]
pub struct WallClock(pub Arc<dyn Fn() -> u64 + Send + Sync>);

impl WallClock {
    /// The time now.
    pub fn now_millis(&self) -> u64 {
        (self.0)()
    }
}

impl Default for WallClock {
    /// The system's clock.
    fn default() -> Self {
        Self(Arc::new(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        }))
    }
}

impl std::fmt::Debug for WallClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WallClock")
    }
}

/// How often a line is checked, and when it is given up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LineTimes {
    /// A PING is sent so often.
    pub ping_every: Duration,
    /// A line on which nothing was heard for so long is dead.
    pub dead_after: Duration,
    /// Connecting, or the first message of the other end, may take so long.
    pub handshake: Duration,
}

impl Default for LineTimes {
    fn default() -> Self {
        Self {
            ping_every: Duration::from_secs(10),
            dead_after: Duration::from_secs(30),
            handshake: Duration::from_secs(10),
        }
    }
}

/// How long an edge waits after a failure: exponential, with full jitter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Backoff {
    /// After the first failure at most this.
    pub first: Duration,
    /// Never more than this.
    pub most: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(100), most: Duration::from_secs(15) }
    }
}

/// The options of an edge. (They hold the token, and so are not to be printed.)
#[derive(Clone)]
pub struct SyncOptions {
    /// The node's id.
    pub node_id: String,
    /// The tenant, which the hub must have too.
    pub tenant: String,
    /// Where the hub is: `http://host:port` (or `https://…`, which is refused by name until TLS is built).
    pub cloud_endpoint: Option<String>,
    /// The enrolment token; ignored once enrolled.
    pub token: Option<String>,
    /// Allows plain HTTP, on loopback only.
    pub insecure: bool,
    /// Never connects.
    pub offline_mode: bool,
    /// When to talk to the hub.
    pub schedule: Schedule,
    /// For [`Schedule::Interval`].
    pub sync_interval: Duration,
    /// How payloads are compressed.
    pub compression: Codec,
    /// Transactions in one PUSH at most.
    pub batch_size: usize,
    /// Pings and timeouts.
    pub line: LineTimes,
    /// Pauses after failures.
    pub backoff: Backoff,
    /// Acknowledged transactions are kept for so long, in case the hub loses its memory.
    pub retain_acked: Duration,
    /// The node's attributes, for policies: a JSON object.
    pub attributes: serde_json::Value,
    /// Tells the time.
    pub clock: WallClock,
}

impl SyncOptions {
    /// The documented defaults for a node.
    pub fn new(node_id: impl Into<String>) -> Self {
        Self {
            node_id: node_id.into(),
            tenant: "helios".into(),
            cloud_endpoint: None,
            token: None,
            insecure: false,
            offline_mode: false,
            schedule: Schedule::OnChange,
            sync_interval: Duration::from_secs(60),
            compression: Codec::Lz4,
            batch_size: 1000,
            line: LineTimes::default(),
            backoff: Backoff::default(),
            retain_acked: Duration::from_secs(7 * 24 * 3600),
            attributes: serde_json::Value::Object(serde_json::Map::new()),
            clock: WallClock::default(),
        }
    }
}

/// The options of a hub.
#[derive(Clone, Debug)]
pub struct HubOptions {
    /// The node's id.
    pub node_id: String,
    /// Its tenant.
    pub tenant: String,
    /// Allows plain HTTP, on loopback only.
    pub insecure: bool,
    /// How payloads are compressed.
    pub compression: Codec,
    /// A transaction further ahead than this is stamped anew.
    pub max_clock_skew: Duration,
    /// Edges connected at once at most.
    pub max_connections: usize,
    /// Pings and timeouts.
    pub line: LineTimes,
    /// NOTIFY waits so long for further commits.
    pub notify_delay: Duration,
    /// What is known of a node is written down at most so often.
    pub registry_interval: Duration,
    /// Tells the time.
    pub clock: WallClock,
}

impl HubOptions {
    /// The documented defaults for a node.
    pub fn new(node_id: impl Into<String>) -> Self {
        Self {
            node_id: node_id.into(),
            tenant: "helios".into(),
            insecure: false,
            compression: Codec::Lz4,
            max_clock_skew: Duration::from_secs(5),
            max_connections: 1000,
            line: LineTimes::default(),
            notify_delay: Duration::from_millis(3),
            registry_interval: Duration::from_secs(10),
            clock: WallClock::default(),
        }
    }
}
