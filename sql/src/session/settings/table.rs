//! All settings, in one place.

use super::check::{client_encoding, date_style, locale, name_list, not_too_long, tablespace, time_zone};
use super::definition::{Context, Definition, List, Unit};
use crate::functions::system::{SERVER_VERSION, SERVER_VERSION_NUM};

/// Declares the settings and a name for each of them.
macro_rules! settings {
    ($($id:ident = $definition:expr;)*) => {
        /// A setting, for code that asks for its value.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[allow(missing_docs, reason = "the table below says what they are")]
        pub enum Setting { $($id),* }

        /// All settings, in the order of [`Setting`].
        pub static DEFINITIONS: &[Definition] = &[$($definition),*];
    };
}

const CONNECTION: &str = "Connections and Authentication / Connection Settings";
const AUTHENTICATION: &str = "Connections and Authentication / Authentication";
const SSL: &str = "Connections and Authentication / SSL";
const STATEMENT: &str = "Client Connection Defaults / Statement Behavior";
const LOCALE: &str = "Client Connection Defaults / Locale and Formatting";
const MEMORY: &str = "Resource Usage / Memory";
const ASYNC: &str = "Resource Usage / Asynchronous Behavior";
const METHOD: &str = "Query Tuning / Planner Method Configuration";
const COST: &str = "Query Tuning / Planner Cost Constants";
const GENETIC: &str = "Query Tuning / Genetic Query Optimizer";
const PLANNER: &str = "Query Tuning / Other Planner Options";
const WAL: &str = "Write-Ahead Log / Settings";
const WHAT_TO_LOG: &str = "Reporting and Logging / What to Log";
const WHEN_TO_LOG: &str = "Reporting and Logging / When to Log";
const STATISTICS: &str = "Statistics / Cumulative Query and Index Statistics";
const OLD_VERSIONS: &str = "Version and Platform Compatibility / Previous PostgreSQL Versions";
const OTHER_PLATFORMS: &str = "Version and Platform Compatibility / Other Platforms and Clients";
const DEVELOPER: &str = "Developer Options";
const LOCKS: &str = "Lock Management";
const PRESET: &str = "Preset Options";
const NOWHERE: &str = "Ungrouped";

const MAX: i32 = i32::MAX;
const ISOLATION: &[&str] = &["serializable", "repeatable read", "read committed", "read uncommitted"];
const BUILT_ISOLATION: &[&str] = &["repeatable read", "read committed", "read uncommitted"];
const MESSAGE_LEVELS: &[&str] =
    &["debug5", "debug4", "debug3", "debug2", "debug1", "log", "notice", "warning", "error"];
const ON_OFF_ALIASES: &[(&str, &str)] =
    &[("true", "on"), ("yes", "on"), ("1", "on"), ("false", "off"), ("no", "off"), ("0", "off")];

settings! {
    // Connections.
    MaxConnections = Definition::integer("max_connections", (100, 1, 262_143), Unit::None, CONNECTION, "Clients at once.").context(Context::Postmaster);
    SuperuserReservedConnections = Definition::integer("superuser_reserved_connections", (0, 0, 262_143), Unit::None, CONNECTION, "Connections kept for superusers.").context(Context::Postmaster);
    ListenAddresses = Definition::text("listen_addresses", "localhost", CONNECTION, "Where clients are listened for.").context(Context::Postmaster);
    Port = Definition::integer("port", (5432, 1, 65_535), Unit::None, CONNECTION, "The port that clients connect to.").context(Context::Postmaster);
    ClientConnectionCheckInterval = Definition::integer("client_connection_check_interval", (0, 0, MAX), Unit::Milliseconds, CONNECTION, "How often a running statement looks whether its client is still there.").only(&["0"]);
    Ssl = Definition::bool("ssl", false, SSL, "Whether clients may encrypt their connections.").context(Context::Sighup);
    PasswordEncryption = Definition::word("password_encryption", "scram-sha-256", &["md5", "scram-sha-256"], AUTHENTICATION, "How passwords are kept.").only(&["scram-sha-256"]);

    // Statements and transactions.
    SearchPath = Definition::text("search_path", "\"$user\", public", STATEMENT, "Schemas in which names without one are looked up.").list(List::Names).check(name_list).planning();
    DefaultTransactionIsolation = Definition::word("default_transaction_isolation", "read committed", ISOLATION, STATEMENT, "The isolation level of new transactions.").only(BUILT_ISOLATION);
    DefaultTransactionReadOnly = Definition::bool("default_transaction_read_only", false, STATEMENT, "Whether new transactions only read.").reported();
    DefaultTransactionDeferrable = Definition::bool("default_transaction_deferrable", false, STATEMENT, "Whether new transactions are deferrable.").no_effect();
    TransactionIsolation = Definition::word("transaction_isolation", "read committed", ISOLATION, STATEMENT, "The isolation level of the current transaction.").only(BUILT_ISOLATION);
    TransactionReadOnly = Definition::bool("transaction_read_only", false, STATEMENT, "Whether the current transaction only reads.");
    TransactionDeferrable = Definition::bool("transaction_deferrable", false, STATEMENT, "Whether the current transaction is deferrable.").no_effect();
    StatementTimeout = Definition::integer("statement_timeout", (0, 0, MAX), Unit::Milliseconds, STATEMENT, "How long a statement may take; 0 for ever.");
    LockTimeout = Definition::integer("lock_timeout", (0, 0, MAX), Unit::Milliseconds, STATEMENT, "How long a lock is waited for; 0 for ever.");
    IdleInTransactionSessionTimeout = Definition::integer("idle_in_transaction_session_timeout", (0, 0, MAX), Unit::Milliseconds, STATEMENT, "How long a client may be idle inside a transaction; 0 for ever.");
    IdleSessionTimeout = Definition::integer("idle_session_timeout", (0, 0, MAX), Unit::Milliseconds, STATEMENT, "How long a client may be idle outside of a transaction; 0 for ever.");
    ClientMinMessages = Definition::word("client_min_messages", "notice", MESSAGE_LEVELS, STATEMENT, "The least severe messages that the client wants.").aliases(&[("debug", "debug2"), ("info", "info")]);
    ByteaOutput = Definition::word("bytea_output", "hex", &["escape", "hex"], STATEMENT, "The text form of bytea.");
    CheckFunctionBodies = Definition::bool("check_function_bodies", true, STATEMENT, "Whether CREATE FUNCTION looks at the function's body.");
    RowSecurity = Definition::bool("row_security", true, STATEMENT, "Whether row security policies filter rows.").no_effect();
    SessionReplicationRole = Definition::word("session_replication_role", "origin", &["origin", "replica", "local"], STATEMENT, "Which triggers and rules fire.").context(Context::Superuser).only(&["origin", "local"]);
    DefaultTableAccessMethod = Definition::text("default_table_access_method", "heap", STATEMENT, "How new tables are stored.").only(&["heap"]);
    DefaultTablespace = Definition::text("default_tablespace", "", STATEMENT, "Where new tables are stored.").check(tablespace).no_effect();
    TempTablespaces = Definition::text("temp_tablespaces", "", STATEMENT, "Where temporary tables are stored.").list(List::Names).check(name_list).only(&["", "pg_default"]);
    DefaultToastCompression = Definition::word("default_toast_compression", "pglz", &["pglz", "lz4"], STATEMENT, "How long values are compressed.").no_effect();
    Xmlbinary = Definition::word("xmlbinary", "base64", &["base64", "hex"], STATEMENT, "How bytes are written in XML.").no_effect();
    Xmloption = Definition::word("xmloption", "content", &["content", "document"], STATEMENT, "What an XML text is taken for.").no_effect();

    // Locale and formatting.
    DateStyle = Definition::text("DateStyle", "ISO, MDY", LOCALE, "How dates are printed, and in which order their parts are read.").list(List::Words).check(date_style).reported().planning();
    IntervalStyle = Definition::word("IntervalStyle", "postgres", &["postgres", "postgres_verbose", "sql_standard", "iso_8601"], LOCALE, "How intervals are printed.").reported().planning();
    TimeZone = Definition::text("TimeZone", "UTC", LOCALE, "The zone in which times are printed and read.").check(time_zone).reported().planning();
    TimezoneAbbreviations = Definition::text("timezone_abbreviations", "Default", LOCALE, "Which abbreviations of zones are known.").only(&["Default"]);
    ClientEncoding = Definition::text("client_encoding", "UTF8", LOCALE, "The encoding of what the client sends and gets.").check(client_encoding).reported();
    ExtraFloatDigits = Definition::integer("extra_float_digits", (1, -15, 3), Unit::None, LOCALE, "Digits of floating-point values; from 1 on all that matter are printed.");
    LcMessages = Definition::text("lc_messages", "C", LOCALE, "The language of messages.").context(Context::Superuser).check(locale);
    LcMonetary = Definition::text("lc_monetary", "C", LOCALE, "The form of amounts of money.").check(locale);
    LcNumeric = Definition::text("lc_numeric", "C", LOCALE, "The form of numbers.").check(locale);
    LcTime = Definition::text("lc_time", "C", LOCALE, "The names of days and months.").check(locale);
    DefaultTextSearchConfig = Definition::text("default_text_search_config", "pg_catalog.simple", LOCALE, "The default configuration of text search.").no_effect();

    // Logging and statistics.
    ApplicationName = Definition::text("application_name", "", WHAT_TO_LOG, "What the client calls itself.").check(not_too_long).reported();
    LogStatement = Definition::word("log_statement", "none", &["none", "ddl", "mod", "all"], WHAT_TO_LOG, "Which statements are logged.").context(Context::Superuser).only(&["none"]);
    LogMinDurationStatement = Definition::integer("log_min_duration_statement", (-1, -1, MAX), Unit::Milliseconds, WHEN_TO_LOG, "From which duration on statements are logged.").context(Context::Superuser).only(&["-1"]);
    TrackActivities = Definition::bool("track_activities", true, STATISTICS, "Whether pg_stat_activity shows what is running.").context(Context::Superuser).only(&["on"]);
    TrackActivityQuerySize = Definition::integer("track_activity_query_size", (1024, 100, 1_048_576), Unit::Bytes, STATISTICS, "How much of a statement pg_stat_activity shows.").context(Context::Postmaster);

    // Memory.
    SharedBuffers = Definition::integer("shared_buffers", (8192, 16, 1_073_741_823), Unit::Blocks, MEMORY, "The size of the page cache.").context(Context::Postmaster);
    WorkMem = Definition::integer("work_mem", (4096, 64, MAX), Unit::Kilobytes, MEMORY, "Memory of a sort or a hash table before it goes to disk.").planning();
    HashMemMultiplier = Definition::real("hash_mem_multiplier", (2.0, 1.0, 1000.0), MEMORY, "How many times work_mem a hash table may have.").planning();
    MaintenanceWorkMem = Definition::integer("maintenance_work_mem", (65_536, 1024, MAX), Unit::Kilobytes, MEMORY, "Memory of CREATE INDEX and its like.").no_effect();
    TempBuffers = Definition::integer("temp_buffers", (1024, 100, 1_073_741_823), Unit::Blocks, MEMORY, "Memory of temporary tables.").no_effect();
    MaxStackDepth = Definition::integer("max_stack_depth", (2048, 100, MAX), Unit::Kilobytes, MEMORY, "Stack of a session.").context(Context::Superuser).no_effect();
    MaxPreparedTransactions = Definition::integer("max_prepared_transactions", (0, 0, 262_143), Unit::None, MEMORY, "Transactions that may be prepared for a two-phase commit.").context(Context::Postmaster);
    EffectiveIoConcurrency = Definition::integer("effective_io_concurrency", (1, 0, 1000), Unit::None, ASYNC, "Reads that the disk serves at once.").no_effect();
    MaintenanceIoConcurrency = Definition::integer("maintenance_io_concurrency", (10, 0, 1000), Unit::None, ASYNC, "The same for maintenance.").no_effect();
    MaxParallelWorkers = Definition::integer("max_parallel_workers", (8, 0, 1024), Unit::None, ASYNC, "Workers of all parallel plans.").no_effect();
    MaxParallelWorkersPerGather = Definition::integer("max_parallel_workers_per_gather", (2, 0, 1024), Unit::None, ASYNC, "Workers of one parallel plan.").no_effect();
    MaxParallelMaintenanceWorkers = Definition::integer("max_parallel_maintenance_workers", (2, 0, 1024), Unit::None, ASYNC, "Workers of CREATE INDEX.").no_effect();
    ParallelLeaderParticipation = Definition::bool("parallel_leader_participation", true, ASYNC, "Whether the leader of a parallel plan works too.").no_effect();

    // The planner.
    EnableBitmapscan = Definition::bool("enable_bitmapscan", true, METHOD, "Bitmap scans.").planning();
    EnableHashagg = Definition::bool("enable_hashagg", true, METHOD, "Hashed aggregation.").planning();
    EnableHashjoin = Definition::bool("enable_hashjoin", true, METHOD, "Hash joins.").planning();
    EnableIncrementalSort = Definition::bool("enable_incremental_sort", true, METHOD, "Incremental sorts.").planning().no_effect();
    EnableIndexonlyscan = Definition::bool("enable_indexonlyscan", true, METHOD, "Index-only scans.").planning();
    EnableIndexscan = Definition::bool("enable_indexscan", true, METHOD, "Index scans.").planning();
    EnableMaterial = Definition::bool("enable_material", true, METHOD, "Keeping the rows of an input.").planning().no_effect();
    EnableMemoize = Definition::bool("enable_memoize", true, METHOD, "Keeping the rows of an inner side by its parameters.").planning().no_effect();
    EnableMergejoin = Definition::bool("enable_mergejoin", true, METHOD, "Merge joins.").planning();
    EnableNestloop = Definition::bool("enable_nestloop", true, METHOD, "Nested-loop joins.").planning();
    EnableSeqscan = Definition::bool("enable_seqscan", true, METHOD, "Sequential scans.").planning();
    EnableSort = Definition::bool("enable_sort", true, METHOD, "Explicit sorts.").planning();
    EnableTidscan = Definition::bool("enable_tidscan", true, METHOD, "Scans by row identifiers.").planning().no_effect();
    EnableGathermerge = Definition::bool("enable_gathermerge", true, METHOD, "Parallel plans that keep an order.").no_effect();
    EnableParallelAppend = Definition::bool("enable_parallel_append", true, METHOD, "Parallel appends.").no_effect();
    EnableParallelHash = Definition::bool("enable_parallel_hash", true, METHOD, "Parallel hash joins.").no_effect();
    EnableAsyncAppend = Definition::bool("enable_async_append", true, METHOD, "Asynchronous appends.").no_effect();
    EnablePartitionPruning = Definition::bool("enable_partition_pruning", true, METHOD, "Leaving partitions out.").no_effect();
    EnablePartitionwiseJoin = Definition::bool("enable_partitionwise_join", false, METHOD, "Joins of partitions.").no_effect();
    EnablePartitionwiseAggregate = Definition::bool("enable_partitionwise_aggregate", false, METHOD, "Aggregation of partitions.").no_effect();
    SeqPageCost = Definition::real("seq_page_cost", (1.0, 0.0, f64::MAX), COST, "The cost of a page read in order.").planning();
    RandomPageCost = Definition::real("random_page_cost", (4.0, 0.0, f64::MAX), COST, "The cost of a page read out of order.").planning();
    CpuTupleCost = Definition::real("cpu_tuple_cost", (0.01, 0.0, f64::MAX), COST, "The cost of a row.").planning();
    CpuIndexTupleCost = Definition::real("cpu_index_tuple_cost", (0.005, 0.0, f64::MAX), COST, "The cost of an index entry.").planning();
    CpuOperatorCost = Definition::real("cpu_operator_cost", (0.0025, 0.0, f64::MAX), COST, "The cost of an operator.").planning();
    EffectiveCacheSize = Definition::integer("effective_cache_size", (524_288, 1, MAX), Unit::Blocks, COST, "How much of the data the planner thinks is in memory.").planning().no_effect();
    ParallelSetupCost = Definition::real("parallel_setup_cost", (1000.0, 0.0, f64::MAX), COST, "The cost of starting workers.").no_effect();
    ParallelTupleCost = Definition::real("parallel_tuple_cost", (0.1, 0.0, f64::MAX), COST, "The cost of a row that a worker passes on.").no_effect();
    MinParallelTableScanSize = Definition::integer("min_parallel_table_scan_size", (1024, 0, 715_827_882), Unit::Blocks, COST, "From which size on tables are scanned in parallel.").no_effect();
    MinParallelIndexScanSize = Definition::integer("min_parallel_index_scan_size", (64, 0, 715_827_882), Unit::Blocks, COST, "From which size on indexes are scanned in parallel.").no_effect();
    JitAboveCost = Definition::real("jit_above_cost", (100_000.0, -1.0, f64::MAX), COST, "From which cost on plans are compiled.").no_effect();
    JitInlineAboveCost = Definition::real("jit_inline_above_cost", (500_000.0, -1.0, f64::MAX), COST, "From which cost on functions are inlined.").no_effect();
    JitOptimizeAboveCost = Definition::real("jit_optimize_above_cost", (500_000.0, -1.0, f64::MAX), COST, "From which cost on compiled plans are optimized.").no_effect();
    Geqo = Definition::bool("geqo", true, GENETIC, "Genetic search of join orders.").no_effect();
    GeqoThreshold = Definition::integer("geqo_threshold", (12, 2, MAX), Unit::None, GENETIC, "From how many relations on it is used.").no_effect();
    GeqoEffort = Definition::integer("geqo_effort", (5, 1, 10), Unit::None, GENETIC, "How hard it tries.").no_effect();
    DefaultStatisticsTarget = Definition::integer("default_statistics_target", (100, 1, 10_000), Unit::None, PLANNER, "How detailed statistics are.").no_effect();
    ConstraintExclusion = Definition::word("constraint_exclusion", "partition", &["partition", "on", "off"], PLANNER, "Leaving tables out by their constraints.").aliases(ON_OFF_ALIASES).no_effect();
    CursorTupleFraction = Definition::real("cursor_tuple_fraction", (0.1, 0.0, 1.0), PLANNER, "How much of a cursor's rows is fetched.").no_effect();
    FromCollapseLimit = Definition::integer("from_collapse_limit", (8, 1, MAX), Unit::None, PLANNER, "Up to how many relations subqueries are merged.").planning().no_effect();
    JoinCollapseLimit = Definition::integer("join_collapse_limit", (8, 1, MAX), Unit::None, PLANNER, "Up to how many relations joins are reordered.").planning().no_effect();
    PlanCacheMode = Definition::word("plan_cache_mode", "auto", &["auto", "force_generic_plan", "force_custom_plan"], PLANNER, "Which plans prepared statements get.").no_effect();
    RecursiveWorktableFactor = Definition::real("recursive_worktable_factor", (10.0, 0.001, 1e6), PLANNER, "The guessed size of a recursive query.").no_effect();
    Jit = Definition::bool("jit", true, PLANNER, "Compiling plans.").no_effect();
    JitExpressions = Definition::bool("jit_expressions", true, DEVELOPER, "Compiling expressions.").no_effect();
    JitTupleDeforming = Definition::bool("jit_tuple_deforming", true, DEVELOPER, "Compiling the decoding of rows.").no_effect();
    ForceParallelMode = Definition::word("force_parallel_mode", "off", &["off", "on", "regress"], DEVELOPER, "Parallel plans always.").aliases(ON_OFF_ALIASES).no_effect();

    // Compatibility.
    ArrayNulls = Definition::bool("array_nulls", true, OLD_VERSIONS, "Whether NULL in the text of an array is no word.").only(&["on"]);
    BackslashQuote = Definition::word("backslash_quote", "safe_encoding", &["safe_encoding", "on", "off"], OLD_VERSIONS, "Whether a backslash may precede a quote in an escape string.").aliases(ON_OFF_ALIASES).only(&["safe_encoding", "on"]);
    EscapeStringWarning = Definition::bool("escape_string_warning", true, OLD_VERSIONS, "Warns of backslashes in plain strings.").no_effect();
    QuoteAllIdentifiers = Definition::bool("quote_all_identifiers", false, OLD_VERSIONS, "Whether generated SQL quotes all names.").only(&["off"]);
    StandardConformingStrings = Definition::bool("standard_conforming_strings", true, OLD_VERSIONS, "Whether backslashes in plain strings are just that.").reported().only(&["on"]);
    SynchronizeSeqscans = Definition::bool("synchronize_seqscans", true, OLD_VERSIONS, "Whether scans of one table share their reads.").no_effect();
    TransformNullEquals = Definition::bool("transform_null_equals", false, OTHER_PLATFORMS, "Whether = NULL means IS NULL.").only(&["off"]);

    // Durability and locks.
    SynchronousCommit = Definition::word("synchronous_commit", "on", &["local", "remote_write", "remote_apply", "on", "off"], WAL, "When a commit is answered.").aliases(ON_OFF_ALIASES).only(&["on", "local"]);
    Fsync = Definition::bool("fsync", true, WAL, "Whether commits are forced to disk.").context(Context::Sighup);
    FullPageWrites = Definition::bool("full_page_writes", true, WAL, "Whether torn pages are mended after a crash.").context(Context::Sighup);
    DeadlockTimeout = Definition::integer("deadlock_timeout", (1000, 1, MAX), Unit::Milliseconds, LOCKS, "How long a lock is waited for before a deadlock is looked for.").context(Context::Postmaster);

    // What is the case.
    ServerVersion = Definition::text("server_version", SERVER_VERSION, PRESET, "The version of PostgreSQL that this server follows.").context(Context::Internal).reported();
    ServerVersionNum = Definition::integer("server_version_num", (SERVER_VERSION_NUM, SERVER_VERSION_NUM, SERVER_VERSION_NUM), Unit::None, PRESET, "The same as a number.").context(Context::Internal);
    ServerEncoding = Definition::text("server_encoding", "UTF8", PRESET, "The encoding of the database.").context(Context::Internal).reported();
    LcCollate = Definition::text("lc_collate", "C", PRESET, "The order of text.").context(Context::Internal);
    LcCtype = Definition::text("lc_ctype", "C", PRESET, "The classes of characters.").context(Context::Internal);
    IntegerDatetimes = Definition::bool("integer_datetimes", true, PRESET, "Whether times are whole microseconds.").context(Context::Internal).reported();
    BlockSize = Definition::integer("block_size", (8192, 8192, 8192), Unit::None, PRESET, "What PostgreSQL calls a page.").context(Context::Internal);
    MaxIdentifierLength = Definition::integer("max_identifier_length", (63, 63, 63), Unit::None, PRESET, "The longest name, in bytes.").context(Context::Internal);
    MaxIndexKeys = Definition::integer("max_index_keys", (32, 32, 32), Unit::None, PRESET, "Columns of an index at most.").context(Context::Internal);
    MaxFunctionArgs = Definition::integer("max_function_args", (100, 100, 100), Unit::None, PRESET, "Arguments of a function at most.").context(Context::Internal);
    InHotStandby = Definition::bool("in_hot_standby", false, PRESET, "Whether this server only follows another one.").context(Context::Internal).reported();
    IsSuperuser = Definition::bool("is_superuser", true, NOWHERE, "Whether the current user is a superuser.").context(Context::Internal).reported().hidden();
    SessionAuthorization = Definition::text("session_authorization", "", NOWHERE, "The user of the session.").context(Context::Internal).reported().hidden();
    Role = Definition::text("role", "none", NOWHERE, "The current role.").context(Context::Internal).hidden();
}
