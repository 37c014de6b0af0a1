//! The configuration's layers and what they refuse.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use heliosdb_edge::config::{Config, ConfigError, Mode, Settings};

struct Case {
    folder: tempfile::TempDir,
    file: Option<PathBuf>,
}

impl Case {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), file: None }
    }

    fn file(toml: &str) -> Self {
        let mut case = Self::new();
        let path = case.folder.path().join("edge.toml");
        fs::write(&path, toml).unwrap();
        case.file = Some(path);
        case
    }

    fn settings(&self, env: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Settings, ConfigError> {
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::load(self.file.as_deref(), env, flags.iter().copied())
    }

    fn load(&self, env: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::from_settings(&self.settings(env, flags)?)
    }

    fn error(&self, env: &[(&str, &str)], flags: &[(&str, &str)]) -> String {
        self.load(env, flags).expect_err("the configuration is wrong").to_string()
    }
}

#[test]
fn defaults_are_those_of_the_contract() {
    let config = Config::default();
    assert_eq!(config.mode, Mode::Edge);
    assert_eq!(config.tenant, "helios");
    assert_eq!(config.data_dir, PathBuf::from("data"));
    assert_eq!(config.cache_bytes, 64 << 20);
    assert_eq!(config.pg.listen.to_string(), "127.0.0.1:5432");
    assert_eq!(config.pg.max_connections, 100);
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8432");
    assert_eq!(config.sync.compression, "lz4");
    assert_eq!(config.sync.schedule, "adaptive");
    assert_eq!(config.sync.sync_interval, Duration::from_secs(60));
    assert_eq!(config.sync.queue_capacity, 100_000);
    assert_eq!(config.sync.batch_size, 1000);
}

#[test]
fn the_contracts_example_is_accepted_where_it_is_built() {
    let case = Case::file(
        r#"
        node_id = "store-42-register-3"
        mode = "edge"
        tenant = "helios"
        data_dir = "data"
        max_storage_bytes = "10GB"
        offline_mode = false
        [cache]
        size = "128 MB"
        [pg]
        listen = "127.0.0.1:6000"
        insecure = false
        max_connections = 7
        [sync]
        cloud_endpoint = "http://127.0.0.1:18430"
        conflict_strategy = "last_write_wins"
        compression = "none"
        schedule = "interval"
        sync_interval = 5
        bidirectional = true
        insecure = true
        apply_lock_wait = "250 ms"
        retain_acked = "2 days"
        [sync.queue]
        max_capacity = 10
        enable_priority = true
        max_retries = 3
        batch_size = 5
        [analytics]
        max_memory_mb = 512
        max_cloud_cost_usd = 0.10
        "#,
    );
    let config = case.load(&[], &[]).unwrap();
    assert_eq!(config.node_id.as_deref(), Some("store-42-register-3"));
    assert_eq!(config.cache_bytes, 128 << 20);
    assert_eq!(config.pg.max_connections, 7);
    assert_eq!(config.sync.cloud_endpoint.as_deref(), Some("http://127.0.0.1:18430"));
    assert_eq!(config.sync.sync_interval, Duration::from_secs(5));
    assert_eq!(config.sync.apply_lock_wait, Duration::from_millis(250));
    assert_eq!(config.sync.retain_acked, Duration::from_secs(2 * 24 * 3600));
    assert_eq!((config.sync.queue_capacity, config.sync.batch_size), (10, 5));
}

#[test]
fn environment_overrides_file_and_flags_override_both() {
    let case = Case::file("tenant = \"file\"\n[pg]\nmax_connections = 1\n[sync.queue]\nbatch_size = 1\n");
    let env = [
        ("HELIOS_TENANT", "env"),
        ("HELIOS_PG_MAX_CONNECTIONS", "2"),
        ("HELIOS_SYNC_QUEUE_BATCH_SIZE", "2"),
        ("PATH", "/bin"),
    ];
    let config = case.load(&env, &[("tenant", "flag")]).unwrap();
    assert_eq!(config.tenant, "flag");
    assert_eq!(config.pg.max_connections, 2);
    assert_eq!(config.sync.batch_size, 2);
    let config = case.load(&[], &[("pg.max_connections", "3"), ("pg.max_connections", "4")]).unwrap();
    assert_eq!(config.tenant, "file");
    assert_eq!(config.pg.max_connections, 4);
}

#[test]
fn unknown_keys_are_errors_that_name_the_nearest() {
    let error = Case::file("[sync]\ncompresion = \"lz4\"\n").error(&[], &[]);
    assert!(error.contains("sync.compresion") && error.contains("did you mean sync.compression?"), "{error}");
    assert!(error.contains("edge.toml"), "{error}");
    let error = Case::file("[sink]\ntoken = \"x\"\n").error(&[], &[]);
    assert!(error.contains("[sink]") && error.contains("[sync]"), "{error}");
    let error = Case::new().error(&[], &[("pg.listn", "127.0.0.1:1")]);
    assert!(error.contains("did you mean pg.listen?"), "{error}");
    let error = Case::file("password = \"x\"\n").error(&[], &[]);
    assert!(error.contains("password is not a configuration key"), "{error}");
}

#[test]
fn unknown_variables_only_warn_and_the_password_is_none() {
    let settings = Case::new().settings(&[("HELIOS_SINK_TOKEN", "x"), ("HELIOS_PASSWORD", "secret")], &[]).unwrap();
    assert_eq!(settings.warnings(), ["HELIOS_SINK_TOKEN is not a configuration key and is ignored"]);
    assert!(!settings.show().contains("secret"));
}

#[test]
fn an_empty_variable_unsets() {
    let case = Case::file("[sync]\ncloud_endpoint = \"http://127.0.0.1:1\"\ninsecure = true\n");
    let config = case.load(&[("HELIOS_SYNC_CLOUD_ENDPOINT", "")], &[]).unwrap();
    assert_eq!(config.sync.cloud_endpoint, None);
}

#[test]
fn wrong_values_name_key_and_place() {
    for (toml, expected) in [
        ("mode = \"hub\"", "mode: \"hub\": expected one of edge, cloud"),
        ("mode = 1", "mode: expected one of edge, cloud"),
        ("[pg]\nmax_connections = 0", "pg.max_connections: \"0\": must be at least 1"),
        ("[pg]\nmax_connections = \"many\"", "pg.max_connections: \"many\": expected a whole number"),
        ("[pg]\nlisten = \"somewhere\"", "pg.listen: \"somewhere\": expected an IP address and a port"),
        ("[pg]\ninsecure = \"yes\"", "pg.insecure: expected true or false"),
        ("[cache]\nsize = \"64 apples\"", "cache.size: \"64 apples\": expected a size"),
        ("[sync]\nsync_interval = \"soon\"", "sync.sync_interval: \"soon\": expected a time"),
        ("tenant = \"a b\"", "tenant: \"a b\" must be"),
        ("node_id = \"a/b\"", "a/b"),
    ] {
        let error = Case::file(toml).error(&[], &[]);
        assert!(error.contains(expected), "{toml}: {error}");
    }
    let error = Case::new().error(&[("HELIOS_PG_LISTEN", "nowhere")], &[]);
    assert!(error.starts_with("HELIOS_PG_LISTEN: pg.listen"), "{error}");
    let error = Case::file("mode = \"edge\"\ntenant =\n").error(&[], &[]);
    assert!(error.contains("line 2"), "{error}");
}

#[test]
fn what_is_not_built_is_refused_by_name_unless_it_changes_nothing() {
    for (key, value, feature) in [
        ("analytics.max_memory_mb", "513", "analytics"),
        ("ml.onnxruntime", "/lib/x.so", "machine learning"),
        ("pg.tls_cert", "cert.pem", "TLS"),
        ("sync.ca", "ca.pem", "TLS"),
        ("sync.compression", "zstd", "zstd compression"),
        ("sync.conflict_strategy", "manual", "conflict strategy"),
        ("sync.bidirectional", "false", "one-way sync"),
        ("sync.rate_limit.operations_per_second", "10", "the rate limit"),
        ("max_storage_bytes", "1GB", "the storage limit"),
        ("attributes", "{ store = \"42\" }", "sync policies"),
    ] {
        let error = Case::new().error(&[], &[(key, value)]);
        assert!(error.starts_with(key) && error.contains(feature), "{error}");
        assert!(error.contains("not built into this version"), "{error}");
    }
    for (key, value) in [
        ("analytics.max_memory_mb", "512"),
        ("sync.compression", "none"),
        ("sync.conflict_strategy", "last_write_wins"),
        ("sync.retention", "720 hours"),
        ("max_storage_bytes", "10240MB"),
    ] {
        Case::new().load(&[], &[(key, value)]).unwrap();
    }
}

#[test]
fn listeners_beyond_loopback_need_insecure() {
    let open = ("pg.listen", "0.0.0.0:5432");
    let error = Case::new().error(&[], &[open]);
    assert!(error.contains("pg.insecure"), "{error}");
    Case::new().load(&[], &[open, ("pg.insecure", "true")]).unwrap();
    let error = Case::new().error(&[], &[("http.listen", "192.0.2.1:80")]);
    assert!(error.contains("http.insecure"), "{error}");
}

#[test]
fn sync_without_tls_is_for_loopback_and_on_request() {
    let endpoint = ("sync.cloud_endpoint", "http://127.0.0.1:18430");
    assert!(Case::new().error(&[], &[endpoint]).contains("sync.insecure"));
    Case::new().load(&[], &[endpoint, ("sync.insecure", "true")]).unwrap();
    assert!(Case::new().error(&[], &[("mode", "cloud")]).contains("sync.insecure"));
    Case::new().load(&[], &[("mode", "cloud"), ("sync.insecure", "true")]).unwrap();
}

#[test]
fn what_is_shown_can_be_read_again() {
    let flags = [("sync.token", "very-secret"), ("cache.size", "1MB"), ("sync.sync_interval", "1500 ms")];
    let shown = Case::new().settings(&[], &flags).unwrap().show();
    assert!(!shown.contains("very-secret"), "{shown}");
    assert!(shown.contains("# token is set  (flag)"), "{shown}");
    let again = Case::file(&shown).load(&[], &[]).unwrap();
    assert_eq!(again.cache_bytes, 1 << 20);
    assert_eq!(again.sync.sync_interval, Duration::from_millis(1500));
}
