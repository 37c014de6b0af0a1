//! A statement that is being run.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use heliosdb_storage::Row;
use heliosdb_storage::value::Value;

use super::Session;
use super::cursor::{Cursor, Step};
use super::prepared::{Action, Meaning, Prepared, Run, RunKind, result_changed};
use super::running::Running;
use super::settings::Setting;
use super::transaction::State;
use crate::error::{Result, SqlError, SqlState};
use crate::parse::session::Direction;
use crate::plan::explain;
use crate::types::datetime::now_micros;

/// How often a statement is planned again because the catalog changes while it waits for its locks.
const MAX_REPLANS: usize = 20;
/// Rows that FETCH takes from its cursor at once.
const FETCHED_ROWS: u64 = 256;

/// A statement that is being run.
pub struct Portal {
    prepared: Arc<Prepared>,
    state: PortalState,
    /// Rows that have been computed and not been asked for yet, with what was read beside the visible columns.
    buffered: VecDeque<Row>,
    rows: u64,
    /// Whether the tag counts the rows that have been returned, and not those that have been changed.
    counts_rows: bool,
    tag: Option<String>,
    /// The transaction that its rows come from.
    generation: Option<u64>,
}

enum PortalState {
    /// Bound, not begun.
    Bound(Vec<Value>),
    /// In the middle of it.
    Running(Box<Running>),
    /// In the middle of FETCH: a cursor, and the movement whose rows are wanted.
    Fetching(String, Step),
    /// All rows have been computed.
    Done,
}

impl Portal {
    pub(super) fn new(prepared: Arc<Prepared>, params: Vec<Value>) -> Self {
        let counts_rows = prepared.counts_rows();
        let state = PortalState::Bound(params);
        Self { prepared, state, buffered: VecDeque::new(), rows: 0, counts_rows, tag: None, generation: None }
    }

    /// Appends up to `max_rows` rows; false once there are no more. Errors end the portal and fail the transaction.
    pub fn next_rows(&mut self, session: &mut Session, max_rows: usize, out: &mut Vec<Row>) -> Result<bool> {
        let result = session.run_portal(|session| self.advance(session, max_rows, out));
        if result.is_err() {
            self.state = PortalState::Done;
            self.buffered.clear();
        }
        result
    }

    /// Begins: locks tables and takes the snapshot, but computes no row yet.
    pub(super) fn open(&mut self, session: &mut Session) -> Result<()> {
        match std::mem::replace(&mut self.state, PortalState::Done) {
            PortalState::Bound(params) => self.start(session, params),
            other => {
                self.state = other;
                Ok(())
            }
        }
    }

    /// A tag counts the rows from here on.
    pub(super) const fn begin_counting(&mut self) {
        if self.counts_rows {
            self.rows = 0;
        }
    }

    /// PostgreSQL's command tag, known at the end: `SELECT 3`, `INSERT 0 1`, `BEGIN`.
    pub fn tag(&self) -> String {
        if let Some(tag) = &self.tag {
            return tag.clone();
        }
        let kind = match &self.prepared.action {
            Action::Run(run) => run.kind,
            Action::Explain(_) => return "EXPLAIN".to_owned(),
            Action::Copy(_) => return "COPY".to_owned(),
            Action::Command(command) => return command.tag().to_owned(),
            Action::Execute(..) => return "EXECUTE".to_owned(),
            Action::Declare(..) => return "DECLARE CURSOR".to_owned(),
            Action::Fetch(..) => return format!("FETCH {}", self.rows),
            Action::Move(..) => return "MOVE 0".to_owned(),
        };
        match kind {
            RunKind::Select => format!("SELECT {}", self.rows),
            RunKind::Insert => format!("INSERT 0 {}", self.rows),
            RunKind::Update => format!("UPDATE {}", self.rows),
            RunKind::Delete => format!("DELETE {}", self.rows),
        }
    }

    /// As [`Portal::next_rows`], but an error is the caller's business.
    pub(super) fn advance(&mut self, session: &mut Session, max_rows: usize, out: &mut Vec<Row>) -> Result<bool> {
        self.open(session)?;
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
        let returned = out.get_mut(begin..).unwrap_or_default();
        if self.counts_rows {
            self.rows += u64::try_from(returned.len()).unwrap_or(0);
        }
        if let Action::Run(run) = &self.prepared.action
            && run.kind == RunKind::Select
            && !run.seen.is_empty()
        {
            let active = if matches!(session.state, State::Explicit(_)) { session.state.active_mut() } else { None };
            run.show(returned, self.prepared.columns().len(), active)?;
        }
        Ok(!self.buffered.is_empty() || matches!(self.state, PortalState::Running(_) | PortalState::Fetching(..)))
    }

    fn start(&mut self, session: &mut Session, params: Vec<Value>) -> Result<()> {
        let prepared = Arc::clone(&self.prepared);
        match &prepared.action {
            Action::Execute(name, arguments) => {
                let (inner, params) = session.execute_named(&prepared, name, arguments, params)?;
                self.counts_rows = inner.counts_rows();
                self.prepared = inner;
                self.start(session, params)
            }
            Action::Declare(declare, query) => session.declare(&prepared.statement.source, declare, query, params),
            Action::Fetch(name, direction) => {
                let (name, direction) = (name.clone(), *direction);
                let wanted = session.with_cursor(&name, |session, cursor| {
                    let (skipped, wanted) = cursor.steps(direction);
                    for step in skipped {
                        cursor.go(session, step, None)?;
                    }
                    Ok(wanted)
                })?;
                self.state = PortalState::Fetching(name, wanted);
                Ok(())
            }
            Action::Move(name, direction) => {
                let passed = session.with_cursor(name, |session, cursor| move_cursor(session, cursor, *direction))?;
                self.tag = Some(format!("MOVE {passed}"));
                Ok(())
            }
            Action::Command(command) => {
                let (tag, rows) = command.run(session)?;
                self.tag = Some(tag);
                self.buffered.extend(rows);
                Ok(())
            }
            Action::Explain(_) => self.start_explain(session, params),
            Action::Run(_) => self.start_run(session, params),
            // The server asks for its data and does not get here.
            Action::Copy(_) => Err(SqlError::unsupported("COPY inside a cursor or another statement")),
        }
    }

    fn start_run(&mut self, session: &mut Session, params: Vec<Value>) -> Result<()> {
        self.prepared = session.current(&self.prepared, true)?;
        session.note_query();
        let Action::Run(run) = &self.prepared.action else { return Err(result_changed()) };
        check_read_only(run, session)?;
        session.time.statement_start = now_micros().max(session.time.transaction_start);
        let running = Running::new(run, params, session)?;
        self.generation = Some(session.generation);
        self.state = PortalState::Running(Box::new(running));
        if run.changes { self.run_modify(session) } else { Ok(()) }
    }

    fn start_explain(&mut self, session: &mut Session, params: Vec<Value>) -> Result<()> {
        self.prepared = session.current(&self.prepared, true)?;
        let prepared = Arc::clone(&self.prepared);
        let Action::Explain(explain) = &prepared.action else { return Err(result_changed()) };
        let mut seen = explain::Seen { planning: explain.planning, ..explain::Seen::default() };
        if explain.options.analyze {
            check_read_only(&explain.run, session)?;
            session.note_query();
            session.time.statement_start = now_micros().max(session.time.transaction_start);
            let start = Instant::now();
            let mut running = Running::new(&explain.run, params, session)?;
            run_to_end(&explain.run, &mut running, session)?;
            seen.execution = start.elapsed();
            seen.measures = Some(running.statement.measures());
        }
        let lines = explain::lines(&explain.run.plan, explain.options, &seen);
        self.buffered.extend(lines.into_iter().map(|line| vec![Value::text(line)]));
        Ok(())
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
        if let PortalState::Fetching(name, step) = &mut self.state {
            let mut rows = Vec::new();
            let is_over = session.with_cursor(name, |session, cursor| fetch_some(session, cursor, step, &mut rows))?;
            self.buffered.extend(rows);
            if is_over {
                self.state = PortalState::Done;
            }
            return Ok(!self.buffered.is_empty());
        }
        let PortalState::Running(running) = &mut self.state else { return Ok(false) };
        let Action::Run(run) = &self.prepared.action else { return Ok(false) };
        if let Some(rows) = running.step(run, session)? {
            self.buffered.extend(rows);
            return Ok(true);
        }
        if run.kind != RunKind::Select {
            self.rows = running.affected();
        }
        self.state = PortalState::Done;
        Ok(false)
    }
}

/// MOVE: how many rows were gone by.
fn move_cursor(session: &mut Session, cursor: &mut Cursor, direction: Direction) -> Result<u64> {
    match direction {
        Direction::Backward(None) => return cursor.rewind_counting(),
        Direction::Forward(Some(0)) | Direction::Backward(Some(0)) | Direction::Relative(0) => {
            return Ok(u64::from(cursor.is_on_row()));
        }
        _ => {}
    }
    let (skipped, wanted) = cursor.steps(direction);
    for step in skipped {
        cursor.go(session, step, None)?;
    }
    cursor.go(session, wanted, None)
}

/// A part of a movement whose rows are wanted; true when it is over.
fn fetch_some(session: &mut Session, cursor: &mut Cursor, step: &mut Step, rows: &mut Vec<Row>) -> Result<bool> {
    let (Step::Forward(left) | Step::Backward(left)) = step else { return Ok(true) };
    let part = left.map_or(FETCHED_ROWS, |left| left.min(FETCHED_ROWS));
    let whole = left.map(|left| left - part);
    let passed = match step {
        Step::Backward(_) => cursor.go(session, Step::Backward(Some(part)), Some(rows))?,
        _ => cursor.go(session, Step::Forward(Some(part)), Some(rows))?,
    };
    *step = match step {
        Step::Backward(_) => Step::Backward(whole),
        _ => Step::Forward(whole),
    };
    Ok(passed < part || whole == Some(0))
}

impl Session {
    /// Runs a part of a portal. An error fails the transaction.
    pub(super) fn run_portal<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.start_clock();
        let result = work(self).map_err(|error| self.told(error));
        self.follow_settings();
        if result.is_err() {
            self.fail();
        }
        result
    }

    /// The statement as it must be run now: its tables locked, a new snapshot taken, planned again if the catalog is not
    /// the one it was planned on.
    fn current(&mut self, prepared: &Arc<Prepared>, lock: bool) -> Result<Arc<Prepared>> {
        let mut prepared = Arc::clone(prepared);
        for _ in 0..MAX_REPLANS {
            let active = self.ensure_transaction()?;
            let mut is_gone = false;
            let run = match &prepared.action {
                Action::Run(run) => Some(run),
                Action::Explain(explain) => Some(&explain.run),
                _ => None,
            };
            if let (true, Some(run)) = (lock, run) {
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
            self.time.use_catalog(&catalog);
            let path = self.search_path(&catalog);
            let now = Meaning { catalog, settings: Arc::clone(self.settings.planning()), path };
            if !is_gone && prepared.is_current(&now) {
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

fn check_read_only(run: &Run, session: &Session) -> Result<()> {
    if run.writes && session.settings.is_on(Setting::TransactionReadOnly) {
        return Err(read_only_transaction(match run.kind {
            RunKind::Select => "SELECT FOR UPDATE",
            RunKind::Insert => "INSERT",
            RunKind::Update => "UPDATE",
            RunKind::Delete => "DELETE",
        }));
    }
    Ok(())
}

/// Runs a plan for what is seen of it. If it fails, nothing of it remains.
fn run_to_end(run: &Run, running: &mut Running, session: &mut Session) -> Result<()> {
    let savepoint = session.state.active_mut().ok_or_else(portal_is_gone)?.txn.savepoint();
    let result = (|| {
        while running.step(run, session)?.is_some() {}
        session.state.active_mut().ok_or_else(portal_is_gone)?.txn.end_statement()?;
        Ok(())
    })();
    if result.is_err()
        && let Some(active) = session.state.active_mut()
    {
        active.txn.rollback_to(savepoint);
    }
    result
}

/// The error for writing in a read-only transaction.
pub(crate) fn read_only_transaction(command: &str) -> SqlError {
    SqlError::new(SqlState::READ_ONLY_SQL_TRANSACTION, format!("cannot execute {command} in a read-only transaction"))
}

/// The error for a portal that has outlived its transaction.
pub(super) fn portal_is_gone() -> SqlError {
    SqlError::new(SqlState::INVALID_CURSOR_NAME, "the portal's transaction has ended")
}
