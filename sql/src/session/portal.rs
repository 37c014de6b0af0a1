//! A statement that is being run.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use heliosdb_storage::value::Value;
use heliosdb_storage::{Row, RowKey, key};

use super::Session;
use super::prepared::{Action, Prepared, Run, RunKind, result_changed};
use super::transaction::{Active, State};
use crate::error::{Result, SqlError, SqlState};
use crate::exec::{self, ExecContext, Operator, StatementContext, TxnAccess};
use crate::plan::SeenCounter;
use crate::types::datetime::micros_of_unix_millis;

/// How often a statement is planned again because the catalog changes while it waits for its locks.
const MAX_REPLANS: usize = 20;

/// A statement that is being run.
pub struct Portal {
    prepared: Arc<Prepared>,
    state: PortalState,
    /// Rows that have been computed and not been asked for yet.
    buffered: VecDeque<Row>,
    rows: u64,
    tag: Option<String>,
    /// The transaction that its rows come from.
    generation: Option<u64>,
}

enum PortalState {
    /// Bound, not begun.
    Bound(Vec<Value>),
    /// In the middle of it.
    Running(Box<Running>),
    /// All rows have been computed.
    Done,
}

struct Running {
    operator: Box<dyn Operator>,
    statement: StatementContext,
    settings: Vec<(&'static str, String)>,
}

impl Portal {
    pub(super) fn new(prepared: Arc<Prepared>, params: Vec<Value>) -> Self {
        let state = PortalState::Bound(params);
        Self { prepared, state, buffered: VecDeque::new(), rows: 0, tag: None, generation: None }
    }

    /// Appends up to `max_rows` rows; false once there are no more. Errors end the portal and fail the transaction.
    pub fn next_rows(&mut self, session: &mut Session, max_rows: usize, out: &mut Vec<Row>) -> Result<bool> {
        let result = self.advance(session, max_rows, out);
        if result.is_err() {
            self.state = PortalState::Done;
            self.buffered.clear();
            session.fail();
        }
        result
    }

    /// PostgreSQL's command tag, known at the end: `SELECT 3`, `INSERT 0 1`, `BEGIN`.
    pub fn tag(&self) -> String {
        if let Some(tag) = &self.tag {
            return tag.clone();
        }
        let kind = match &self.prepared.action {
            Action::Run(run) => run.kind,
            Action::Explain(_) => return "EXPLAIN".to_owned(),
            Action::Command(command) => return command.tag().to_owned(),
        };
        match kind {
            RunKind::Select => format!("SELECT {}", self.rows),
            RunKind::Insert => format!("INSERT 0 {}", self.rows),
            RunKind::Update => format!("UPDATE {}", self.rows),
            RunKind::Delete => format!("DELETE {}", self.rows),
        }
    }

    fn advance(&mut self, session: &mut Session, max_rows: usize, out: &mut Vec<Row>) -> Result<bool> {
        if let PortalState::Bound(params) = &mut self.state {
            let params = std::mem::take(params);
            self.state = PortalState::Done;
            self.start(session, params)?;
        }
        let begin = out.len();
        let end = begin.saturating_add(max_rows);
        if self.generation.is_some_and(|generation| generation != session.generation) {
            return Err(portal_is_gone());
        }
        while out.len() < end {
            if self.buffered.is_empty() && !self.pull(session)? {
                break;
            }
            let wanted = (end - out.len()).min(self.buffered.len());
            out.extend(self.buffered.drain(..wanted));
        }
        if self.is_select() {
            self.rows += u64::try_from(out.len() - begin).unwrap_or(0);
        }
        let more = !self.buffered.is_empty() || matches!(self.state, PortalState::Running(_));
        if more && matches!(&self.prepared.action, Action::Run(run) if !run.streams) {
            self.drain(session)?;
        }
        Ok(!self.buffered.is_empty() || matches!(self.state, PortalState::Running(_)))
    }

    fn is_select(&self) -> bool {
        matches!(&self.prepared.action, Action::Run(run) if run.kind == RunKind::Select)
    }

    /// Before a portal is suspended whose plan would look at the store again: its snapshot ends with the next statement.
    fn drain(&mut self, session: &mut Session) -> Result<()> {
        while matches!(self.state, PortalState::Running(_)) {
            // What is kept counts as the statement's memory.
            let from = self.buffered.len();
            if !self.pull(session)? {
                break;
            }
            if let PortalState::Running(running) = &self.state {
                for row in self.buffered.iter().skip(from) {
                    running.statement.budget.charge(exec::context::row_bytes(row))?;
                }
            }
        }
        Ok(())
    }

    fn start(&mut self, session: &mut Session, params: Vec<Value>) -> Result<()> {
        // A request to cancel that came before this statement was meant for an earlier one.
        session.cancel.store(false, Ordering::Relaxed);
        let prepared = Arc::clone(&self.prepared);
        match &prepared.action {
            Action::Command(command) => {
                let (tag, rows) = command.run(session)?;
                self.tag = Some(tag);
                self.buffered.extend(rows);
                Ok(())
            }
            Action::Explain(_) => {
                let prepared = session.current(&prepared, false)?;
                if let Action::Explain(lines) = &prepared.action {
                    self.buffered.extend(lines.iter().map(|line| vec![Value::text(line.as_str())]));
                }
                Ok(())
            }
            Action::Run(_) => self.start_run(session, params),
        }
    }

    fn start_run(&mut self, session: &mut Session, params: Vec<Value>) -> Result<()> {
        self.prepared = session.current(&self.prepared, true)?;
        let Action::Run(run) = &self.prepared.action else { return Err(result_changed()) };
        let read_only = session.state.active().is_some_and(|active| active.read_only);
        if read_only && run.writes {
            return Err(read_only_transaction(match run.kind {
                RunKind::Select => "SELECT FOR UPDATE",
                RunKind::Insert => "INSERT",
                RunKind::Update => "UPDATE",
                RunKind::Delete => "DELETE",
            }));
        }
        session.time.statement_start = now_micros().max(session.time.transaction_start);
        let running = Running {
            operator: exec::build(&run.plan),
            statement: StatementContext::new(params, session.time.clone()),
            settings: if run.reads_settings { session.settings.all() } else { Vec::new() },
        };
        self.generation = Some(session.generation);
        self.state = PortalState::Running(Box::new(running));
        if run.kind == RunKind::Select { Ok(()) } else { self.run_modify(session) }
    }

    /// A statement that changes rows runs to its end at once; if it fails, nothing of it remains.
    fn run_modify(&mut self, session: &mut Session) -> Result<()> {
        let active = session.state.active_mut().ok_or_else(portal_is_gone)?;
        let savepoint = active.txn.savepoint();
        let result = (|| {
            while self.pull(session)? {}
            let active = session.state.active_mut().ok_or_else(portal_is_gone)?;
            active.txn.end_statement()?;
            Ok(())
        })();
        if result.is_err()
            && let Some(active) = session.state.active_mut()
        {
            active.txn.rollback_to(savepoint);
        }
        result
    }

    /// Computes some more rows; false at the end.
    fn pull(&mut self, session: &mut Session) -> Result<bool> {
        let PortalState::Running(running) = &mut self.state else { return Ok(false) };
        let Action::Run(run) = &self.prepared.action else { return Ok(false) };
        let Session { state, engine, facts, cancel, .. } = session;
        let remembers = matches!(state, State::Explicit(_));
        let active = state.active_mut().ok_or_else(portal_is_gone)?;
        let rows = {
            let Active { txn, baselines, .. } = active;
            let mut ctx = ExecContext {
                txn: TxnAccess::Write(txn),
                statement: &running.statement,
                session: facts,
                sync: engine.sync.as_ref(),
                settings: &running.settings,
                cancel,
                outer: None,
                baselines: Some(baselines),
            };
            running.operator.next_batch(&run.plan, &mut ctx)?
        };
        let Some(mut rows) = rows else {
            if run.kind != RunKind::Select {
                self.rows = running.statement.affected.get();
            }
            self.state = PortalState::Done;
            return Ok(false);
        };
        if !run.seen.is_empty() {
            remember(run, &mut rows, self.prepared.columns().len(), remembers.then_some(active))?;
        }
        self.buffered.extend(rows);
        Ok(true)
    }
}

/// Notes which counters' values the client gets to see, and takes the keys that were read for it off the rows.
fn remember(run: &Run, rows: &mut [Row], visible: usize, active: Option<&mut Active>) -> Result<()> {
    if let Some(active) = active {
        for row in rows.iter() {
            for seen in &run.seen {
                if let (Some(key), Some(value)) = (row_key(seen, row)?, row.get(seen.value_at)) {
                    active.baselines.returned(&seen.table, &key, seen.slot, value.clone());
                }
            }
        }
    }
    for row in rows {
        row.truncate(visible);
    }
    Ok(())
}

/// The key of the row that a counter belongs to; none for the empty side of an outer join.
fn row_key(seen: &SeenCounter, row: &Row) -> Result<Option<RowKey>> {
    let values: Option<Vec<&Value>> =
        seen.key_at.iter().map(|at| row.get(*at).filter(|value| !value.is_null())).collect();
    match values {
        Some(values) => Ok(Some(RowKey(key::encode_tuple(values)?))),
        None => Ok(None),
    }
}

impl Session {
    /// The statement as it must be run now: its tables locked, a new snapshot taken, planned again if the catalog is not
    /// the one it was planned on.
    fn current(&mut self, prepared: &Arc<Prepared>, lock: bool) -> Result<Arc<Prepared>> {
        let mut prepared = Arc::clone(prepared);
        for _ in 0..MAX_REPLANS {
            let active = self.ensure_transaction()?;
            let mut is_gone = false;
            if let (true, Action::Run(run)) = (lock, &prepared.action) {
                for (relation, mode) in &run.locks {
                    match active.txn.lock_table(*relation, *mode) {
                        // The table of an old plan: by the new one it is another table, or none.
                        Err(heliosdb_storage::Error::NoSuchRelation(_)) => is_gone = true,
                        other => other?,
                    }
                }
            }
            active.txn.begin_statement()?;
            let catalog = Arc::clone(active.txn.catalog());
            if !is_gone && prepared.is_current(&catalog, &self.settings.time_zone_name) {
                return Ok(prepared);
            }
            let again = self.prepare_here(&prepared.statement, &prepared.given_types)?;
            if again.columns() != prepared.columns() || again.parameter_types() != prepared.parameter_types() {
                return Err(result_changed());
            }
            prepared = again;
        }
        Err(SqlError::new(
            SqlState::SERIALIZATION_FAILURE,
            "the schema kept changing while the statement waited for its locks",
        ))
    }
}

fn now_micros() -> i64 {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    micros_of_unix_millis(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}

/// The error for writing in a read-only transaction.
pub(crate) fn read_only_transaction(command: &str) -> SqlError {
    SqlError::new(SqlState::READ_ONLY_SQL_TRANSACTION, format!("cannot execute {command} in a read-only transaction"))
}

fn portal_is_gone() -> SqlError {
    SqlError::new(SqlState::INVALID_CURSOR_NAME, "the portal's transaction has ended")
}
