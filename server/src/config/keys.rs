//! The one table of keys.

/// A key of the configuration.
#[derive(Debug)]
pub struct Key {
    /// Its path in the file: `section.key`.
    pub path: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// Its default, as it would be written on the command line; empty for none.
    pub default: &'static str,
    /// Whether this version does what it says.
    pub built: Built,
    /// What it is, in a line.
    pub about: &'static str,
}

/// What values a key takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Any text.
    Text,
    /// Text that is not shown.
    Secret,
    /// A file or folder.
    Path,
    /// `true` or `false`.
    Flag,
    /// A whole number within bounds.
    Count(u64, u64),
    /// A decimal number.
    Decimal,
    /// Bytes: `"64MB"`, 1024-based.
    Size,
    /// A time: `"30 days"`, or seconds.
    Duration,
    /// `ADDRESS:PORT`.
    Address,
    /// One of some words.
    Choice(&'static [&'static str]),
    /// A table of texts.
    Table,
    /// A list of texts.
    List,
}

/// Whether this version does what a key says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Built {
    /// It does.
    Yes,
    /// It does, except for these values, which need the feature.
    Except(&'static [&'static str], &'static str),
    /// It does not; only the default is accepted.
    No(&'static str),
}

const ANY: (u64, u64) = (0, u64::MAX);

const fn key(path: &'static str, kind: Kind, default: &'static str, built: Built, about: &'static str) -> Key {
    Key { path, kind, default, built, about }
}

const fn count(range: (u64, u64)) -> Kind {
    Kind::Count(range.0, range.1)
}

const TLS: Built = Built::No("TLS");
const ANALYTICS: Built = Built::No("analytics");
const ML: Built = Built::No("machine learning");
const STRATEGIES: &[&str] = &["last_write_wins", "first_write_wins", "max_value", "min_value", "custom", "manual"];
const OTHER_STRATEGIES: &[&str] = &["first_write_wins", "max_value", "min_value", "custom", "manual"];

/// All keys, in the order in which they are shown.
#[rustfmt::skip] // One key a line reads as the table it is.
pub const KEYS: &[Key] = &[
    key("node_id", Kind::Text, "", Built::Yes, "the node's name; made up at the first start if not given"),
    key("mode", Kind::Choice(&["edge", "cloud"]), "edge", Built::Yes, "edge or cloud"),
    key("tenant", Kind::Text, "helios", Built::Yes, "the tenant, which is also the database's name"),
    key("data_dir", Kind::Path, "data", Built::Yes, "the data folder"),
    key("max_storage_bytes", Kind::Size, "10GB", Built::No("the storage limit"), "writes fail beyond this"),
    key("offline_mode", Kind::Flag, "false", Built::Yes, "never connects to the cloud"),
    key("attributes", Kind::Table, "", Built::No("sync policies"), "what policies read as sync_node_attr()"),
    key("cache.size", Kind::Size, "64MB", Built::Yes, "memory for pages of the store"),
    key("pg.listen", Kind::Address, "127.0.0.1:5432", Built::Yes, "where PostgreSQL clients connect"),
    key("pg.tls_cert", Kind::Path, "", TLS, "certificate"),
    key("pg.tls_key", Kind::Path, "", TLS, "private key"),
    key("pg.tls_client_ca", Kind::Path, "", TLS, "CA of client certificates"),
    key("pg.insecure", Kind::Flag, "false", Built::Yes, "allows another address than loopback without TLS"),
    key("pg.max_connections", count((1, 10_000)), "100", Built::Yes, "clients at once"),
    key("http.listen", Kind::Address, "127.0.0.1:8432", Built::Yes, "where edges and probes connect"),
    key("http.tls_cert", Kind::Path, "", TLS, "certificate"),
    key("http.tls_key", Kind::Path, "", TLS, "private key"),
    key("http.tls_client_ca", Kind::Path, "", TLS, "CA of client certificates"),
    key("http.insecure", Kind::Flag, "false", Built::Yes, "allows another address than loopback without TLS"),
    key("sync.cloud_endpoint", Kind::Text, "", Built::Yes, "the cloud's URL"),
    key("sync.cloud_endpoints", Kind::List, "", Built::No("a list of cloud endpoints"), "the clouds' URLs"),
    key("sync.cloud_node_id", Kind::Text, "", Built::No("checking the cloud's node id"), "the node id that the cloud must have"),
    key("sync.conflict_strategy", Kind::Choice(STRATEGIES), "last_write_wins", Built::Except(OTHER_STRATEGIES, "another conflict strategy than last_write_wins"), "how concurrent changes are resolved"),
    key("sync.conflict_function", Kind::Text, "", Built::No("the custom conflict strategy"), "the function of the custom strategy"),
    key("sync.compression", Kind::Choice(&["none", "lz4", "zstd"]), "lz4", Built::Except(&["zstd"], "zstd compression"), "none, lz4 or zstd"),
    key("sync.compression_level", count(ANY), "", Built::No("zstd compression"), "zstd's level"),
    key("sync.schedule", Kind::Choice(&["adaptive", "on_change", "interval", "manual"]), "adaptive", Built::Yes, "when to sync; adaptive is on_change until it is built"),
    key("sync.sync_interval", Kind::Duration, "60", Built::Yes, "for schedule = interval"),
    key("sync.bidirectional", Kind::Flag, "true", Built::No("one-way sync"), "whether changes flow both ways"),
    key("sync.ca", Kind::Path, "", TLS, "CA of the cloud's certificate"),
    key("sync.cert", Kind::Path, "", TLS, "this node's certificate"),
    key("sync.key", Kind::Path, "", TLS, "its private key"),
    key("sync.token", Kind::Secret, "", Built::Yes, "enrolment token; ignored once enrolled"),
    key("sync.insecure", Kind::Flag, "false", Built::Yes, "sync without TLS, on loopback only"),
    key("sync.max_clock_skew", Kind::Duration, "5", Built::Yes, "cloud: transactions further ahead are stamped anew"),
    key("sync.retention", Kind::Duration, "30 days", Built::No("collecting tombstones"), "a node silent for longer starts from a snapshot"),
    key("sync.retain_acked", Kind::Duration, "7 days", Built::Yes, "how long acknowledged transactions are kept"),
    key("sync.conflict_retention", Kind::Duration, "", Built::No("the record of conflicts"), "how long conflicts are kept"),
    key("sync.max_bytes_per_hour", Kind::Size, "", Built::No("the bandwidth limit"), "bytes sent and received in an hour"),
    key("sync.apply_lock_wait", Kind::Duration, "5", Built::Yes, "how long an SQL transaction may hold up sync"),
    key("sync.queue.max_capacity", count((1, u64::MAX)), "100000", Built::Yes, "transactions that may wait for the cloud"),
    key("sync.queue.enable_priority", Kind::Flag, "true", Built::No("turning priorities off"), "whether priorities count"),
    key("sync.queue.max_retries", count(ANY), "3", Built::No("a limit of retries"), "retries before a transaction is a dead letter"),
    key("sync.queue.batch_size", count((1, 100_000)), "1000", Built::Yes, "transactions sent at once"),
    key("sync.rate_limit.operations_per_second", count(ANY), "", Built::No("the rate limit"), "cloud: per node"),
    key("sync.rate_limit.bytes_per_second", Kind::Size, "", Built::No("the rate limit"), "cloud: per node"),
    key("analytics.max_memory_mb", count(ANY), "512", ANALYTICS, "DuckDB's memory"),
    key("analytics.cache_size_mb", count(ANY), "128", ANALYTICS, "cache of cloud results"),
    key("analytics.local_storage_quota_mb", count(ANY), "1024", ANALYTICS, "disk for the columnar mirror"),
    key("analytics.prefer_local", Kind::Flag, "true", ANALYTICS, "route to local data where they suffice"),
    key("analytics.max_cloud_cost_usd", Kind::Decimal, "0.10", ANALYTICS, "what a query may cost"),
    key("analytics.compression_level", count(ANY), "6", ANALYTICS, "of the mirror"),
    key("analytics.enable_cloud_sync", Kind::Flag, "true", ANALYTICS, "whether results come from the cloud"),
    key("analytics.sync_interval_secs", count(ANY), "", ANALYTICS, "how often the mirror follows"),
    key("analytics.offline_mode", Kind::Flag, "", ANALYTICS, "never asks the cloud"),
    key("ml.cache_size_mb", count(ANY), "256", ML, "memory for models"),
    key("ml.onnxruntime", Kind::Path, "", ML, "the ONNX runtime's library"),
];

impl Key {
    /// The key of a path.
    pub fn find(path: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.path == path)
    }

    /// The key of an environment variable.
    pub fn find_env(variable: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.env() == variable)
    }

    /// Its environment variable: `HELIOS_SYNC_CLOUD_ENDPOINT` for `sync.cloud_endpoint`.
    pub fn env(&self) -> String {
        format!("HELIOS_{}", self.path.replace('.', "_").to_ascii_uppercase())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::value::Value;
    use super::*;

    #[test]
    fn defaults_are_values_of_their_kinds() {
        for key in KEYS {
            if !key.default.is_empty() {
                Value::parse(key, key.default).unwrap();
            }
        }
    }

    #[test]
    fn no_two_keys_share_a_path_or_a_variable() {
        let paths: BTreeSet<_> = KEYS.iter().map(|key| key.path).collect();
        let variables: BTreeSet<_> = KEYS.iter().map(Key::env).collect();
        assert_eq!(paths.len(), KEYS.len());
        assert_eq!(variables.len(), KEYS.len());
        assert!(!variables.contains("HELIOS_PASSWORD"));
    }
}
