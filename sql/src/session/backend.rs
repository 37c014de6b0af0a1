//! What others can see of a session and do to it: cancel its statement, end it, wake it up, read what it is doing.
//!
//! ```text
//!  cancel request, pg_cancel_backend ─┐
//!  statement_timeout (watchdog) ──────┼─► Backend: flag, reason ─► the statement notices at its next step
//!  pg_terminate_backend ──────────────┘          └─ wake ────────► who waits for the client, a lock, a sleep
//! ```

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use heliosdb_storage::PartyId;
use heliosdb_storage::value::Micros;
use parking_lot::{Condvar, Mutex};

use crate::error::{Result, SqlError, SqlState};
use crate::types::datetime::now_micros;

/// How often the watchdog looks at all sessions although nothing is due: a bound on what a missed signal costs.
const LONGEST_WATCH: Duration = Duration::from_secs(60);

/// Why a statement is to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reason {
    User = 1,
    StatementTimeout = 2,
}

/// One session, as others see it.
pub struct Backend {
    /// `pg_backend_pid()`
    pub pid: i32,
    cancelled: Arc<AtomicBool>,
    reason: AtomicU8,
    terminated: AtomicBool,
    /// When the running statement is out of time, in milliseconds of the watchdog's clock; 0 for never.
    deadline: AtomicU64,
    activity: Mutex<Activity>,
    sleep: Mutex<()>,
    woken: Condvar,
    party: OnceLock<PartyId>,
    /// Whether there are notifications for it.
    notified: AtomicBool,
    wake: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

/// What a session is doing: its row of `pg_stat_activity`.
#[derive(Clone, Debug)]
pub struct Activity {
    /// Who has connected.
    pub user: Arc<str>,
    /// To which database.
    pub database: Arc<str>,
    /// What the client calls itself.
    pub application_name: Arc<str>,
    /// Where it connects from; none for a local socket.
    pub client: Option<SocketAddr>,
    /// When it connected.
    pub backend_start: Micros,
    /// When its transaction began, if it is in one.
    pub transaction_start: Option<Micros>,
    /// When its last query began.
    pub query_start: Option<Micros>,
    /// When its state changed.
    pub state_change: Micros,
    /// What it is doing.
    pub state: Activeness,
    /// Its last query.
    pub query: Arc<str>,
}

/// Whether a session is working.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Activeness {
    /// It runs a query.
    Active,
    /// It waits for its client.
    Idle,
    /// The same in the middle of a transaction.
    IdleInTransaction,
    /// The same in the middle of a failed transaction.
    IdleInFailedTransaction,
}

impl Activeness {
    /// Its name in `pg_stat_activity`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Idle => "idle",
            Self::IdleInTransaction => "idle in transaction",
            Self::IdleInFailedTransaction => "idle in transaction (aborted)",
        }
    }
}

impl std::fmt::Debug for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backend").field("pid", &self.pid).finish_non_exhaustive()
    }
}

impl Backend {
    fn new(pid: i32, user: &str, database: &str) -> Self {
        let now = now_micros();
        let activity = Activity {
            user: user.into(),
            database: database.into(),
            application_name: "".into(),
            client: None,
            backend_start: now,
            transaction_start: None,
            query_start: None,
            state_change: now,
            state: Activeness::Idle,
            query: "".into(),
        };
        Self {
            pid,
            cancelled: Arc::default(),
            reason: AtomicU8::new(0),
            terminated: AtomicBool::new(false),
            deadline: AtomicU64::new(0),
            activity: Mutex::new(activity),
            sleep: Mutex::new(()),
            woken: Condvar::new(),
            party: OnceLock::new(),
            notified: AtomicBool::new(false),
            wake: OnceLock::new(),
        }
    }

    /// Set while the running statement is to end.
    pub(crate) const fn flag(&self) -> &Arc<AtomicBool> {
        &self.cancelled
    }

    /// Calls the function whenever the session should look up: it has been cancelled or ended, or has notifications.
    /// Only the first one counts.
    pub fn on_wake(&self, wake: impl Fn() + Send + Sync + 'static) {
        self.wake.get_or_init(|| Box::new(wake));
    }

    /// Whose its locks are.
    pub(crate) fn party(&self) -> Option<PartyId> {
        self.party.get().copied()
    }

    pub(crate) fn set_party(&self, party: PartyId) {
        self.party.get_or_init(|| party);
    }

    /// There are notifications for the session.
    pub(crate) fn notify(&self) {
        self.notified.store(true, Ordering::SeqCst);
        self.wake();
    }

    /// Whether there have been notifications since the last call.
    pub(crate) fn take_notified(&self) -> bool {
        self.notified.swap(false, Ordering::SeqCst)
    }

    /// Wakes the session up if it waits for its client.
    pub(crate) fn wake(&self) {
        if let Some(wake) = self.wake.get() {
            wake();
        }
    }

    /// Whether the running statement is to end.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }

    /// Whether the session is to end.
    pub fn is_terminated(&self) -> bool {
        self.terminated.load(Ordering::SeqCst)
    }

    fn raise(&self, reason: Reason) {
        // The first reason stands.
        let _ = self.reason.compare_exchange(0, reason as u8, Ordering::SeqCst, Ordering::SeqCst);
        self.cancelled.store(true, Ordering::SeqCst);
        let _sleepers_look = self.sleep.lock();
        self.woken.notify_all();
    }

    /// Forgets a request to cancel that was meant for another statement, or has been heeded.
    pub(crate) fn clear(&self) {
        if !self.is_terminated() {
            self.reason.store(0, Ordering::SeqCst);
            self.cancelled.store(false, Ordering::SeqCst);
        }
    }

    /// The error of the statement that was cancelled.
    pub fn cancelled_error(&self) -> SqlError {
        if self.is_terminated() {
            return terminated();
        }
        let is_timeout = self.reason.load(Ordering::SeqCst) == Reason::StatementTimeout as u8;
        let why = if is_timeout { "statement timeout" } else { "user request" };
        SqlError::new(SqlState::QUERY_CANCELED, format!("canceling statement due to {why}"))
    }

    /// Sleeps; the error if it is cancelled meanwhile.
    pub(crate) fn sleep(&self, duration: Duration) -> Result<()> {
        let end = Instant::now().checked_add(duration);
        let mut guard = self.sleep.lock();
        loop {
            if self.is_cancelled() {
                return Err(self.cancelled_error());
            }
            let Some(end) = end else {
                self.woken.wait(&mut guard);
                continue;
            };
            if self.woken.wait_until(&mut guard, end).timed_out() {
                return Ok(());
            }
        }
    }

    /// What it is doing.
    pub fn activity(&self) -> Activity {
        self.activity.lock().clone()
    }

    /// Notes where the client is.
    pub fn set_client(&self, client: SocketAddr) {
        self.activity.lock().client = Some(client);
    }

    pub(crate) fn set_application_name(&self, name: &str) {
        let mut activity = self.activity.lock();
        if *activity.application_name != *name {
            activity.application_name = name.into();
        }
    }

    /// A query begins.
    pub(crate) fn report_query(&self, query: &Arc<str>) {
        let now = now_micros();
        let mut activity = self.activity.lock();
        activity.query = Arc::clone(query);
        activity.query_start = Some(now);
        activity.state_change = now;
        activity.state = Activeness::Active;
    }

    /// The session waits for its client.
    pub(crate) fn report_idle(&self, state: Activeness) {
        let mut activity = self.activity.lock();
        if activity.state != state {
            activity.state = state;
            activity.state_change = now_micros();
        }
    }

    /// A transaction begins, or ends.
    pub(crate) fn report_transaction(&self, start: Option<Micros>) {
        self.activity.lock().transaction_start = start;
    }
}

/// The error of a session that is to end.
pub fn terminated() -> SqlError {
    SqlError::new(SqlState::ADMIN_SHUTDOWN, "terminating connection due to administrator command")
}

/// All sessions of an engine.
pub struct Backends {
    sessions: Mutex<BTreeMap<i32, Arc<Backend>>>,
    next_pid: AtomicI32,
    next_transaction_number: AtomicI64,
    /// Makes those that wait for a lock look at their flags.
    wake_lock_waiters: Box<dyn Fn() + Send + Sync>,
    watchdog: Watchdog,
    /// When the engine was made.
    pub started_at: Micros,
}

impl std::fmt::Debug for Backends {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backends").field("sessions", &self.sessions.lock().len()).finish_non_exhaustive()
    }
}

/// Ends statements that are out of time: a thread that sleeps until the next deadline.
struct Watchdog {
    epoch: Instant,
    /// When the thread looks next, in milliseconds since the epoch; 0 if there is none yet.
    next_look: Mutex<u64>,
    changed: Condvar,
}

/// A session's place among the others; dropping it takes it out.
#[derive(Debug)]
pub struct Registered {
    backends: Arc<Backends>,
    backend: Arc<Backend>,
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.backends.sessions.lock().remove(&self.backend.pid);
    }
}

impl Backends {
    /// No sessions yet; the function makes those that wait for a lock look at their flags.
    pub fn new(wake_lock_waiters: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            sessions: Mutex::default(),
            next_pid: AtomicI32::new(1),
            // Microseconds go faster than transactions, so that numbers rise from one start to the next.
            next_transaction_number: AtomicI64::new(now_micros()),
            wake_lock_waiters: Box::new(wake_lock_waiters),
            watchdog: Watchdog { epoch: Instant::now(), next_look: Mutex::new(0), changed: Condvar::new() },
            started_at: now_micros(),
        })
    }

    /// Enters a new session.
    pub fn enter(self: &Arc<Self>, user: &str, database: &str) -> (Arc<Backend>, Registered) {
        let pid = self.next_pid.fetch_add(1, Ordering::Relaxed);
        let backend = Arc::new(Backend::new(pid, user, database));
        self.sessions.lock().insert(pid, Arc::clone(&backend));
        let registered = Registered { backends: Arc::clone(self), backend: Arc::clone(&backend) };
        (backend, registered)
    }

    /// A number that no transaction has had.
    pub(crate) fn next_transaction_number(&self) -> i64 {
        self.next_transaction_number.fetch_add(1, Ordering::Relaxed)
    }

    /// All sessions, by their numbers.
    pub fn all(&self) -> Vec<Arc<Backend>> {
        self.sessions.lock().values().cloned().collect()
    }

    /// A session by its number.
    pub fn get(&self, pid: i32) -> Option<Arc<Backend>> {
        self.sessions.lock().get(&pid).cloned()
    }

    /// Cancels what a session is running.
    pub fn cancel(&self, backend: &Backend) {
        self.raise(backend, Reason::User);
    }

    /// Ends a session.
    pub fn terminate(&self, backend: &Backend) {
        backend.terminated.store(true, Ordering::SeqCst);
        self.raise(backend, Reason::User);
    }

    fn raise(&self, backend: &Backend, reason: Reason) {
        backend.raise(reason);
        (self.wake_lock_waiters)();
        backend.wake();
    }

    /// From now on the session's statement has so much time; none for any time.
    pub(crate) fn set_deadline(self: &Arc<Self>, backend: &Backend, time: Option<Duration>) {
        let Some(time) = time else {
            backend.deadline.store(0, Ordering::SeqCst);
            return;
        };
        let deadline = self.watchdog.now().saturating_add(millis(time)).max(1);
        backend.deadline.store(deadline, Ordering::SeqCst);
        let mut next_look = self.watchdog.next_look.lock();
        if *next_look == 0 {
            *next_look = deadline;
            let backends = Arc::downgrade(self);
            let started = std::thread::Builder::new().name("timeouts".to_owned()).spawn(move || watch(&backends));
            if let Err(error) = started {
                tracing::error!(%error, "no thread for statement_timeout");
                *next_look = 0;
            }
        } else if deadline < *next_look {
            *next_look = deadline;
            self.watchdog.changed.notify_one();
        }
    }

    /// Ends the statements that are out of time; returns when the next one is.
    fn look(&self) -> Option<u64> {
        let now = self.watchdog.now();
        let mut next: Option<u64> = None;
        for backend in self.all() {
            let deadline = backend.deadline.load(Ordering::SeqCst);
            if deadline == 0 {
                continue;
            }
            if deadline <= now {
                // Unless the statement has ended meanwhile, or another one has begun.
                let ours = backend.deadline.compare_exchange(deadline, 0, Ordering::SeqCst, Ordering::SeqCst);
                if ours.is_ok() {
                    self.raise(&backend, Reason::StatementTimeout);
                }
            } else {
                next = Some(next.map_or(deadline, |next| next.min(deadline)));
            }
        }
        next
    }
}

impl Watchdog {
    fn now(&self) -> u64 {
        millis(self.epoch.elapsed())
    }
}

/// The watchdog's thread; it ends with its engine.
fn watch(backends: &Weak<Backends>) {
    loop {
        let Some(backends) = backends.upgrade() else { return };
        let next = backends.look();
        let watchdog = &backends.watchdog;
        let mut next_look = watchdog.next_look.lock();
        let latest = watchdog.now().saturating_add(millis(LONGEST_WATCH));
        *next_look = next.unwrap_or(latest).min(latest);
        let wait = Duration::from_millis(next_look.saturating_sub(watchdog.now()));
        watchdog.changed.wait_for(&mut next_look, wait);
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
