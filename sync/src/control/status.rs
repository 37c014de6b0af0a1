//! What a node reports of its sync.

use std::time::Duration;

/// Round trips below these are excellent and good.
const EXCELLENT: Duration = Duration::from_millis(80);
const GOOD: Duration = Duration::from_millis(300);

/// Whether a node syncs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SyncState {
    /// It is not enrolled.
    Standalone,
    /// The last attempt to reach the hub succeeded. A hub is always online.
    Online,
    /// It did not, or there was none yet.
    Offline,
    /// An operator stopped it.
    Paused,
}

impl SyncState {
    /// As in `sync.status`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standalone => "standalone",
            Self::Online => "online",
            Self::Offline => "offline",
            Self::Paused => "paused",
        }
    }
}

/// How good the line is, by the round trip of pings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Network {
    /// Below 80 ms.
    Excellent,
    /// Below 300 ms.
    Good,
    /// Slower.
    Poor,
    /// Not connected.
    Offline,
}

impl Network {
    /// How good a line with this round trip is.
    pub(super) fn of_round_trip(round_trip: Duration) -> Self {
        match round_trip {
            time if time < EXCELLENT => Self::Excellent,
            time if time < GOOD => Self::Good,
            _ => Self::Poor,
        }
    }

    /// As in `sync.status`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Excellent => "excellent",
            Self::Good => "good",
            Self::Poor => "poor",
            Self::Offline => "offline",
        }
    }
}

/// The volatile part of `sync.status`.
#[derive(Clone, Debug)]
pub struct SyncStatus {
    /// Whether the node syncs.
    pub state: SyncState,
    /// How good the line is.
    pub network: Network,
    /// When a pull was installed last, in milliseconds since the Unix epoch.
    pub last_sync_millis: Option<u64>,
    /// The last failure, if nothing has succeeded since.
    pub last_error: Option<String>,
    /// This node's clock minus the hub's.
    pub clock_offset_ms: Option<i64>,
    /// The version of the protocol.
    pub protocol_version: u16,
}

/// What a round of sync did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SyncSummary {
    /// Transactions that the hub acknowledged.
    pub pushed_transactions: u64,
    /// Commits of others whose effects were installed.
    pub pulled_transactions: u64,
    /// Bytes sent.
    pub bytes_sent: u64,
    /// Bytes received.
    pub bytes_received: u64,
    /// Bytes that compression saved.
    pub bytes_saved: u64,
    /// Transactions that the hub refused.
    pub conflicts: u64,
    /// How long it took.
    pub duration_ms: u64,
}

impl SyncSummary {
    /// What was added since an earlier count.
    pub(crate) const fn since(&self, before: &Self) -> Self {
        Self {
            pushed_transactions: self.pushed_transactions.saturating_sub(before.pushed_transactions),
            pulled_transactions: self.pulled_transactions.saturating_sub(before.pulled_transactions),
            bytes_sent: self.bytes_sent.saturating_sub(before.bytes_sent),
            bytes_received: self.bytes_received.saturating_sub(before.bytes_received),
            bytes_saved: self.bytes_saved.saturating_sub(before.bytes_saved),
            conflicts: self.conflicts.saturating_sub(before.conflicts),
            duration_ms: self.duration_ms.saturating_sub(before.duration_ms),
        }
    }
}
