//! One client's transaction, settings and prepared statements.
//!
//! All calls are synchronous and may block (locks, commits); the server decides on which thread. Rows come in batches, so
//! that a portal can be suspended.
//!
//! ```text
//!  text ─ split ─► ParsedStatement ─ prepare ─► Prepared (plan cache) ─ execute ─► Portal ─ next_rows ─► rows, tag
//! ```
//!
//! Nothing is done before the first call of [`Portal::next_rows`]: a portal that is bound and never run does nothing.

pub mod backend;
pub mod baseline;
mod copy_in;
mod copy_out;
mod cursor;
mod embedded;
pub mod format;
mod modes;
pub mod notifications;
mod portal;
pub(crate) mod portals;
mod prepared;
mod running;
pub mod settings;
pub(crate) mod statements;
mod transaction;

use std::sync::Arc;
use std::time::Duration;

use heliosdb_storage::sync_row::Role;
use heliosdb_storage::value::{DataType, Value};
use heliosdb_storage::{Catalog, Store, Transaction};
use parking_lot::RwLock;

use crate::bind::SearchPath;
use crate::error::{Result, SqlError, SqlState};
use crate::eval::SessionFacts;
use crate::functions::sequence::SequenceSession;
use crate::parse::session::Modes;
use crate::parse::{self, Tree};
use crate::plan::cache::{CacheKey, PlanCache};
use crate::plan::context::PlannerContext;
use crate::statistics::StoreStatistics;
use crate::sync_control::SyncControl;
use crate::types::ValueContext;

pub use crate::parse::ParsedStatement;
use backend::{Activeness, Backend, Backends, Registered};
use notifications::Notifier;
pub use notifications::Notification;
pub use copy_in::CopyIn;
pub use copy_out::CopyOut;
pub use format::{Format, ResultFormats};
pub use portal::Portal;
pub(crate) use portal::read_only_transaction;
pub use portals::OpenPortal;
use prepared::Meaning;
pub use prepared::{CopyDirection, Prepared, ResultColumn};
use settings::{Setting, Settings, Source};
use transaction::State;

/// What all sessions of a node share: the store, the plan cache, the sync worker.
pub struct Engine {
    store: Arc<Store>,
    sync: Arc<dyn SyncControl>,
    plans: PlanCache,
    backends: Arc<Backends>,
    notifier: Arc<Notifier>,
    /// The settings that sessions begin with.
    defaults: RwLock<Arc<Settings>>,
}

impl Engine {
    /// An engine over a store.
    pub fn new(store: Arc<Store>, sync: Arc<dyn SyncControl>) -> Arc<Self> {
        let locks = Arc::downgrade(&store);
        let wake_lock_waiters = move || {
            if let Some(store) = locks.upgrade() {
                store.wake_cancelled();
            }
        };
        Arc::new(Self {
            store,
            sync,
            plans: PlanCache::default(),
            backends: Backends::new(wake_lock_waiters),
            notifier: Arc::default(),
            defaults: RwLock::default(),
        })
    }

    /// All sessions.
    pub const fn backends(&self) -> &Arc<Backends> {
        &self.backends
    }

    /// Sets what the server's configuration says about a setting, for sessions that begin afterwards.
    pub fn configure(&self, setting: Setting, value: &str) -> Result<()> {
        let mut defaults = self.defaults.write();
        Arc::make_mut(&mut defaults).preset(setting, value, Source::Configuration)
    }

    /// A session of a client that has been let in.
    pub fn session(self: &Arc<Self>, user: &str, database: &str) -> Session {
        let mut settings = (**self.defaults.read()).clone();
        settings.preset(Setting::SessionAuthorization, user, Source::Default).expect("BUG: the setting takes any text");
        let settings = Arc::new(settings);
        let (backend, registered) = self.backends.enter(user, database);
        let mut time = ValueContext::utc();
        time.zone = settings.time_zone().clone();
        time.styles = settings.styles();
        let mut facts = SessionFacts::of(backend, Arc::clone(&self.backends), Arc::clone(&settings));
        let mut advisory = self.store.advisory_locks();
        advisory.set_cancel_flag(Arc::clone(facts.backend.flag()));
        facts.backend.set_party(advisory.party());
        *facts.advisory.get_mut() = Some(advisory);
        facts.notifier = Arc::clone(&self.notifier);
        facts.sequences = SequenceSession::new(Arc::clone(&self.store));
        Session {
            engine: Arc::clone(self),
            facts,
            _registered: registered,
            time,
            settings,
            state: State::Idle,
            generation: 0,
            is_timed: false,
            is_one_of_many: false,
            failed_modes: Modes::default(),
            path_of: None,
        }
    }
}

/// One client's session. Dropping it rolls back what is open.
pub struct Session {
    engine: Arc<Engine>,
    facts: SessionFacts,
    /// The session's zone, and the times of the running statement.
    time: ValueContext,
    /// What the settings are now, as far as this session has noticed: see [`Session::follow_settings`].
    settings: Arc<Settings>,
    state: State,
    /// Counts transactions: a portal belongs to one.
    generation: u64,
    /// Whether the time that a statement may take is running.
    is_timed: bool,
    /// Whether the statement is one of several of a text.
    is_one_of_many: bool,
    /// The modes of the transaction that has failed last.
    failed_modes: Modes,
    /// The setting and the catalog that the search path in `facts` was made of.
    path_of: Option<(Arc<[String]>, Arc<Catalog>)>,
    _registered: Registered,
}

/// What ReadyForQuery reports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TransactionStatus {
    /// `I`
    Idle,
    /// `T`
    InTransaction,
    /// `E`
    Failed,
}

/// A message beside the result: NOTICE or WARNING.
#[derive(Clone, Debug)]
pub struct Notice {
    /// `NOTICE` or `WARNING`.
    pub severity: &'static str,
    /// Code and text.
    pub error: SqlError,
}

impl Session {
    /// Splits a simple-protocol text into its statements and prepares none of them yet: each is prepared when its turn
    /// comes, because an earlier one may create what it names. An empty text gives an empty list.
    pub fn split(&mut self, sql: &str) -> Result<Vec<ParsedStatement>> {
        parse::parse(sql).inspect_err(|_| self.fail())
    }

    /// Binds and plans a statement (or finds it in the cache). `DataType::Unknown` for parameters to be inferred.
    pub fn prepare(&mut self, statement: &ParsedStatement, parameter_types: &[DataType]) -> Result<Arc<Prepared>> {
        self.prepare_here(statement, parameter_types).inspect_err(|_| self.fail())
    }

    fn prepare_here(&mut self, statement: &ParsedStatement, parameter_types: &[DataType]) -> Result<Arc<Prepared>> {
        if self.transaction_status() == TransactionStatus::Failed && !statement.ends_failed_transaction() {
            return Err(transaction::in_failed_transaction());
        }
        let catalog = match self.state.active() {
            Some(active) => Arc::clone(active.txn.catalog()),
            None => self.engine.store.catalog(),
        };
        if let Tree::Session(session) = &statement.tree {
            let settings = Arc::clone(self.settings.planning());
            let path = self.search_path(&catalog);
            let meaning = Meaning { catalog, settings, path };
            let session = Arc::clone(session);
            if let Some(prepared) = self.prepare_embedded(statement, &session, parameter_types, &meaning)? {
                return Ok(Arc::new(prepared));
            }
            return self.plan(statement, parameter_types, meaning).map(Arc::new);
        }
        let key = CacheKey {
            text: Arc::clone(&statement.text),
            parameter_types: parameter_types.to_vec(),
            catalog_version: catalog.version,
            settings: Arc::clone(self.settings.planning()),
            path: self.search_path(&catalog),
        };
        if !catalog.is_private
            && let Some(prepared) = self.engine.plans.get(&key)
        {
            return Ok(prepared);
        }
        self.time.use_catalog(&catalog);
        let meaning =
            Meaning { catalog: Arc::clone(&catalog), settings: Arc::clone(&key.settings), path: key.path.clone() };
        let prepared = Arc::new(self.plan(statement, parameter_types, meaning)?);
        if !catalog.is_private && prepared.can_be_shared() {
            self.engine.plans.put(key, &prepared);
        }
        Ok(prepared)
    }

    fn plan(&self, statement: &ParsedStatement, parameter_types: &[DataType], meaning: Meaning) -> Result<Prepared> {
        let settings = self.settings.planner();
        let statistics = match self.state.active() {
            Some(active) => StoreStatistics::of_transaction(&active.txn),
            None => StoreStatistics::of_store(self.engine.store.snapshot()),
        };
        let planner =
            PlannerContext { settings: &settings, statistics: &statistics, params: &[], keeps_estimates: false };
        Prepared::new(statement, parameter_types, meaning, &self.time, planner)
    }

    /// A run of a statement, in the open transaction or in an implicit one. Nothing is done before the first call of
    /// [`Portal::next_rows`]. If DDL has happened since, the statement is planned again then.
    pub fn execute(&mut self, prepared: &Arc<Prepared>, params: Vec<Value>) -> Result<Portal> {
        if params.len() != prepared.parameter_types().len() {
            self.fail();
            return Err(SqlError::new(
                SqlState::PROTOCOL_VIOLATION,
                format!(
                    "bind message supplies {} parameters, but prepared statement requires {}",
                    params.len(),
                    prepared.parameter_types().len()
                ),
            ));
        }
        Ok(Portal::new(Arc::clone(prepared), params))
    }

    /// What ReadyForQuery reports.
    pub fn transaction_status(&self) -> TransactionStatus {
        match self.state {
            State::Idle | State::Implicit(_) => TransactionStatus::Idle,
            State::Explicit(_) => TransactionStatus::InTransaction,
            State::Failed(_) => TransactionStatus::Failed,
        }
    }

    /// Takes the notices that have come up since the last call.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.facts.notices.lock())
    }

    /// The session as others see it.
    pub const fn backend(&self) -> &Arc<Backend> {
        &self.facts.backend
    }

    /// The number under which the client may ask to cancel statements: `pg_backend_pid()`.
    pub fn backend_pid(&self) -> i32 {
        self.facts.backend.pid
    }

    /// A statement begins: from here on `statement_timeout` runs, unless it does already. What was to be cancelled before
    /// was another statement.
    pub fn start_clock(&mut self) {
        if !std::mem::replace(&mut self.is_timed, true) {
            self.facts.backend.clear();
            let timeout = timeout(&self.settings, Setting::StatementTimeout);
            if timeout.is_some() {
                self.facts.backends.set_deadline(&self.facts.backend, timeout);
            }
        }
    }

    /// The statement has ended.
    pub fn stop_clock(&mut self) {
        if std::mem::take(&mut self.is_timed) {
            self.facts.backends.set_deadline(&self.facts.backend, None);
        }
    }

    /// How long the client may be idle as the session stands now, and the error if it is for longer.
    pub fn idle_timeout(&self) -> Option<(Duration, SqlError)> {
        let (setting, state, what) = match self.transaction_status() {
            TransactionStatus::Idle => {
                (Setting::IdleSessionTimeout, SqlState::IDLE_SESSION_TIMEOUT, "idle-session timeout")
            }
            TransactionStatus::InTransaction | TransactionStatus::Failed => (
                Setting::IdleInTransactionSessionTimeout,
                SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
                "idle-in-transaction timeout",
            ),
        };
        let error = || SqlError::new(state, format!("terminating connection due to {what}"));
        timeout(&self.settings, setting).map(|time| (time, error()))
    }

    /// How long a statement may wait for a lock.
    pub(crate) fn lock_timeout(&self) -> Option<Duration> {
        timeout(&self.settings, Setting::LockTimeout)
    }

    /// An error as the client is told: one that a request to cancel has caused names who asked.
    fn told(&self, error: SqlError) -> SqlError {
        if error.state == SqlState::QUERY_CANCELED && self.facts.backend.is_cancelled() {
            return self.take_cancelled();
        }
        error
    }

    /// Heeds a request to cancel: the error that says who asked.
    pub fn take_cancelled(&self) -> SqlError {
        let error = self.facts.backend.cancelled_error();
        self.facts.backend.clear();
        error
    }

    /// The session works on a query: what `pg_stat_activity` shows from here on.
    pub fn report_query(&self, text: &Arc<str>) {
        self.facts.backend.report_query(text);
    }

    /// The session waits for its client: what `pg_stat_activity` shows from here on.
    pub fn report_idle(&self) {
        self.facts.backend.report_idle(match self.transaction_status() {
            TransactionStatus::Idle => Activeness::Idle,
            TransactionStatus::InTransaction => Activeness::IdleInTransaction,
            TransactionStatus::Failed => Activeness::IdleInFailedTransaction,
        });
    }

    /// Settings that are reported to the client when they change: name and value (`TimeZone`, `DateStyle`, …).
    pub fn reported_settings(&self) -> Vec<(&'static str, String)> {
        self.settings.reported()
    }

    /// Applies a setting sent in the startup message.
    pub fn set_startup_setting(&mut self, name: &str, value: &str) -> Result<()> {
        self.facts.settings.lock().begin_with(|settings| settings.set(name, value, Source::Client))?;
        self.follow_settings();
        Ok(())
    }

    /// The settings as they are now.
    pub const fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    /// The zone in which the client reads and writes timestamps, for the wire's text forms.
    pub const fn time_context(&self) -> &ValueContext {
        &self.time
    }

    // What statements ask of the session.

    /// What this node is to others.
    pub(crate) fn role(&self) -> Role {
        self.engine.store.identity().role
    }

    /// The catalog of the open transaction.
    pub(crate) fn catalog(&mut self) -> Result<&Arc<Catalog>> {
        Ok(self.ensure_transaction()?.txn.catalog())
    }

    /// The search path under a catalog.
    pub(crate) fn search_path(&mut self, catalog: &Arc<Catalog>) -> SearchPath {
        let setting = self.settings.search_path();
        let is_known =
            self.path_of.as_ref().is_some_and(|(known, of)| Arc::ptr_eq(known, setting) && Arc::ptr_eq(of, catalog));
        if !is_known {
            self.facts.path = SearchPath::new(setting, &self.facts.user, catalog, None);
            self.time.path = self.facts.path.clone();
            self.path_of = Some((Arc::clone(setting), Arc::clone(catalog)));
        }
        self.facts.path.clone()
    }

    /// The search path under the catalog of the open transaction.
    pub(crate) fn path(&mut self) -> Result<SearchPath> {
        let catalog = Arc::clone(self.catalog()?);
        Ok(self.search_path(&catalog))
    }

    /// The store.
    pub(crate) fn store(&self) -> &Store {
        &self.engine.store
    }

    /// The open transaction.
    pub(crate) fn storage(&mut self) -> Result<&mut Transaction> {
        Ok(&mut self.ensure_transaction()?.txn)
    }

    /// Sends a NOTICE.
    pub(crate) fn note(&mut self, state: SqlState, message: String) {
        self.notice("NOTICE", SqlError::new(state, message));
    }

    /// The database's name.
    pub(crate) fn database(&self) -> &str {
        &self.facts.database
    }

    /// What the session knows of sequences.
    pub(crate) const fn sequences(&self) -> &SequenceSession {
        &self.facts.sequences
    }

    /// Sends a NOTICE with more to it than a message.
    pub(crate) fn notify(&mut self, notice: SqlError) {
        self.notice("NOTICE", notice);
    }

    /// Gives the session's advisory locks back.
    pub(crate) fn unlock_all_advisory(&self) {
        if let Some(advisory) = &mut *self.facts.advisory.lock() {
            advisory.unlock_all();
        }
    }

    /// Fails in a failed transaction.
    pub(crate) fn ensure_not_failed(&self) -> Result<()> {
        match self.state {
            State::Failed(_) => Err(transaction::in_failed_transaction()),
            _ => Ok(()),
        }
    }

    /// Takes note of changes of the settings, by SET or by a function.
    fn follow_settings(&mut self) {
        let now = self.facts.settings();
        if !Arc::ptr_eq(&now, &self.settings) {
            self.time.zone = now.time_zone().clone();
            self.facts.backend.set_application_name(now.text(Setting::ApplicationName));
            self.time.styles = now.styles();
            self.settings = now;
            let lock_timeout = self.lock_timeout();
            if let Some(active) = self.state.active_mut() {
                active.txn.set_lock_timeout(lock_timeout);
            }
        }
    }

    fn notice(&self, severity: &'static str, error: SqlError) {
        self.facts.notice(severity, error);
    }
}

/// A setting in milliseconds; none for 0, which means for ever.
pub(crate) fn timeout(settings: &Settings, setting: Setting) -> Option<Duration> {
    u64::try_from(settings.integer(setting)).ok().filter(|time| *time > 0).map(Duration::from_millis)
}
