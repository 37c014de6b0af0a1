//! What an expression can see besides its input row.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use heliosdb_storage::value::Value;
use heliosdb_storage::{AdvisoryLocks, Row};
use parking_lot::Mutex;

use crate::bind::SearchPath;
use crate::error::{Result, SqlError};
use crate::expr::Subquery;
use crate::functions::sequence::SequenceSession;
use crate::session::Notice;
use crate::session::backend::{Backend, Backends};
use crate::session::notifications::{Notifier, Pending};
use crate::session::portals::Portals;
use crate::session::settings::{Setting, Settings, SettingsStack};
use crate::session::statements::Statements;
use crate::sync_control::SyncControl;
use crate::types::ValueContext;

/// What an expression can see besides its input row. Cheap to copy.
#[derive(Clone, Copy)]
pub struct EvalContext<'a> {
    /// The parameters of the statement.
    pub params: &'a [Value],
    /// The rows of the enclosing queries, innermost first.
    pub outer: Option<&'a OuterRow<'a>>,
    /// The session's zone, the times of transaction and statement.
    pub time: &'a ValueContext,
    /// Who asks, and where.
    pub session: &'a SessionFacts,
    /// The sync worker.
    pub sync: &'a dyn SyncControl,
    /// Set to cancel the statement: what waits looks at it.
    pub cancel: &'a AtomicBool,
    /// Runs subqueries.
    pub subqueries: &'a dyn SubqueryRunner,
}

/// For what nobody can cancel.
pub static NEVER_CANCELLED: AtomicBool = AtomicBool::new(false);

/// A row of an enclosing query, and those of the queries around that.
#[derive(Clone, Copy)]
pub struct OuterRow<'a> {
    /// The row.
    pub row: &'a [Value],
    /// The next one further out.
    pub next: Option<&'a OuterRow<'a>>,
}

/// What functions can ask about the session, and change.
#[derive(Debug)]
pub struct SessionFacts {
    /// `current_user` and `session_user`.
    pub user: Arc<str>,
    /// `current_database()`.
    pub database: Arc<str>,
    /// `current_schema()` and its kin.
    pub path: SearchPath,
    /// The session as others see it.
    pub backend: Arc<Backend>,
    /// All sessions.
    pub backends: Arc<Backends>,
    /// The session's settings; `set_config` changes them.
    pub settings: Mutex<SettingsStack>,
    /// The sequences, and which numbers the session got of them.
    pub sequences: SequenceSession,
    /// Messages to the client beside the result.
    pub notices: Mutex<Vec<Notice>>,
    /// Prepared statements by their names.
    pub(crate) statements: Mutex<Statements>,
    /// Portals by their names, but for the one that is running.
    pub(crate) portals: Mutex<Portals>,
    /// The session's advisory locks; none outside of a session.
    pub(crate) advisory: Mutex<Option<AdvisoryLocks>>,
    /// LISTEN and NOTIFY: the queue of all sessions.
    pub(crate) notifier: Arc<Notifier>,
    /// What happens about them at COMMIT.
    pub(crate) pending: Mutex<Pending>,
    /// The number of the transaction, once it has been asked for.
    transaction_number: Mutex<Option<i64>>,
}

/// How many notices are kept until the server takes them.
const MAX_NOTICES: usize = 1_000;

impl SessionFacts {
    /// The facts of a session that begins.
    pub(crate) fn of(backend: Arc<Backend>, backends: Arc<Backends>, settings: Arc<Settings>) -> Self {
        let activity = backend.activity();
        Self {
            user: activity.user,
            database: activity.database,
            path: SearchPath::default(),
            backend,
            backends,
            settings: Mutex::new(SettingsStack::new(settings)),
            sequences: SequenceSession::default(),
            notices: Mutex::default(),
            statements: Mutex::default(),
            portals: Mutex::default(),
            advisory: Mutex::default(),
            notifier: Arc::default(),
            pending: Mutex::default(),
            transaction_number: Mutex::default(),
        }
    }

    /// The facts of a session that is all alone: for expressions that are evaluated outside of one.
    pub fn alone(user: &str, database: &str) -> Self {
        let backends = Backends::new(|| {});
        let (backend, _) = backends.enter(user, database);
        Self::of(backend, backends, Arc::default())
    }

    /// The transaction has ended.
    pub(crate) fn end_transaction(&self) {
        self.backend.report_transaction(None);
        *self.pending.lock() = Pending::default();
        *self.transaction_number.lock() = None;
        if let Some(advisory) = &mut *self.advisory.lock() {
            advisory.end_transaction();
        }
    }

    /// The number of the transaction; it gets one if it has none yet and `assign` is said.
    pub(crate) fn transaction_number(&self, assign: bool) -> Option<i64> {
        let mut number = self.transaction_number.lock();
        if number.is_none() && assign {
            *number = Some(self.backends.next_transaction_number());
        }
        *number
    }

    /// Sends the client a message, if it wants such ones.
    pub fn notice(&self, severity: &'static str, error: SqlError) {
        let wanted = match self.settings().text(Setting::ClientMinMessages) {
            "error" => false,
            "warning" => severity == "WARNING",
            _ => true,
        };
        let mut notices = self.notices.lock();
        if wanted && notices.len() < MAX_NOTICES {
            notices.push(Notice { severity, error });
        }
    }

    /// The settings as they are now.
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(self.settings.lock().now())
    }
}

/// Runs subqueries for the evaluator.
pub trait SubqueryRunner {
    /// The rows of a subquery; `row` is its next outer row, and `ctx.outer` those further out. A scalar subquery needs
    /// two rows at most, EXISTS one. The result of an uncorrelated subquery is computed once a statement.
    fn run(&self, subquery: &Subquery, row: &[Value], ctx: &EvalContext<'_>) -> Result<Arc<Vec<Row>>>;
}

/// For expressions in which the binder allows no subquery: DEFAULT, CHECK.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSubqueries;

impl SubqueryRunner for NoSubqueries {
    fn run(&self, _: &Subquery, _: &[Value], _: &EvalContext<'_>) -> Result<Arc<Vec<Row>>> {
        Err(SqlError::unsupported("a subquery here"))
    }
}
