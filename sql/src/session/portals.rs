//! Portals by their names: one name space for the protocol's and for the cursors of DECLARE.

use std::collections::BTreeMap;
use std::sync::Arc;

use heliosdb_storage::{RelationId, Row};
use heliosdb_storage::value::{Micros, Value};

use super::cursor::{Cursor, Keep, Step};
use super::format::{Format, ResultFormats};
use super::portal::Portal;
use super::prepared::{Action, Prepared, RunKind};
use super::statements::NamedStatement;
use super::{Session, State};
use crate::error::{Result, SqlError, SqlState};
use crate::parse::session::{Declare, Scroll};
use crate::types::datetime::now_micros;

/// Named portals of one session.
const MAX_PORTALS: usize = 1_000;

/// The portals of a session.
#[derive(Default)]
pub(crate) struct Portals {
    unnamed: Option<Box<OpenPortal>>,
    named: BTreeMap<String, Box<OpenPortal>>,
}

/// A portal with a name, or the unnamed one.
pub struct OpenPortal {
    /// None for an empty text.
    prepared: Option<Arc<Prepared>>,
    formats: ResultFormats,
    run: Run,
    pub(super) about: About,
}

/// What a portal runs.
enum Run {
    /// A query: rows that can be fetched piece by piece.
    Query(Cursor),
    /// Anything else: it runs once.
    Once(Portal),
    /// It has been run.
    Done,
}

/// What `pg_cursors` says of a portal, and when it ends.
#[derive(Clone, Debug)]
pub(crate) struct About {
    pub text: Arc<str>,
    pub opened_at: Micros,
    pub hold: bool,
    pub binary: bool,
    pub scroll: bool,
    /// Whether it has outlived its transaction.
    is_held: bool,
    /// How many savepoints there were when it was opened.
    depth: usize,
}

impl Portals {
    fn check_new(&self, name: &str) -> Result<()> {
        if self.named.contains_key(name) {
            return Err(SqlError::new(SqlState::DUPLICATE_CURSOR, format!("cursor \"{name}\" already exists")));
        }
        if self.named.len() >= MAX_PORTALS {
            return Err(SqlError::new(
                SqlState::PROGRAM_LIMIT_EXCEEDED,
                format!("a session can have {MAX_PORTALS} portals"),
            ));
        }
        Ok(())
    }

    fn take(&mut self, name: &str) -> Option<Box<OpenPortal>> {
        if name.is_empty() { self.unnamed.take() } else { self.named.remove(name) }
    }

    fn put(&mut self, name: &str, portal: Box<OpenPortal>) {
        if name.is_empty() {
            self.unnamed = Some(portal);
        } else {
            self.named.insert(name.to_owned(), portal);
        }
    }

    fn get(&self, name: &str) -> Option<&OpenPortal> {
        let found = if name.is_empty() { self.unnamed.as_ref() } else { self.named.get(name) };
        found.map(|portal| &**portal)
    }

    /// What there is to know of all portals, by name.
    pub fn all(&self) -> Vec<(String, About)> {
        let unnamed = self.unnamed.iter().map(|portal| (String::new(), portal.about.clone()));
        unnamed.chain(self.named.iter().map(|(name, portal)| (name.clone(), portal.about.clone()))).collect()
    }

    /// Whether a named portal is in the middle of reading a table.
    pub(super) fn reads(&self, table: RelationId) -> bool {
        self.named.values().any(|portal| {
            let is_open = matches!(portal.run, Run::Query(_)) && !portal.about.is_held;
            is_open && portal.prepared.as_ref().is_some_and(|prepared| prepared.reads(table))
        })
    }

    /// A transaction has ended: only what is held goes on.
    pub(super) fn end_transaction(&mut self) {
        self.unnamed = None;
        self.named.retain(|_, portal| portal.about.is_held);
    }

    /// What was opened after a savepoint goes with it.
    pub(super) fn roll_back_to(&mut self, depth: usize) {
        let is_older = |portal: &OpenPortal| portal.about.is_held || portal.about.depth <= depth;
        self.unnamed = self.unnamed.take().filter(|portal| is_older(portal));
        self.named.retain(|_, portal| is_older(portal));
    }

    /// What was opened after a savepoint that is released belongs to the transaction around it.
    pub(super) fn release(&mut self, depth: usize) {
        for portal in self.unnamed.iter_mut().chain(self.named.values_mut()) {
            portal.about.depth = portal.about.depth.min(depth);
        }
    }
}

impl std::fmt::Debug for Portals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.named.keys()).finish()
    }
}

impl OpenPortal {
    /// The statement; none for an empty text.
    pub const fn prepared(&self) -> Option<&Arc<Prepared>> {
        self.prepared.as_ref()
    }

    /// How the values of its rows travel.
    pub const fn formats(&self) -> &ResultFormats {
        &self.formats
    }

    /// The text of its statement.
    pub const fn text(&self) -> &Arc<str> {
        &self.about.text
    }

    /// Begins an Execute. False if the portal has been run and has nothing more to give; an error if it cannot be run again.
    pub fn begin_execute(&mut self, name: &str) -> Result<bool> {
        let has_columns = self.prepared.as_ref().is_some_and(|prepared| !prepared.columns().is_empty());
        match &mut self.run {
            Run::Query(_) => Ok(true),
            Run::Once(portal) => {
                portal.begin_counting();
                Ok(true)
            }
            Run::Done if has_columns => Ok(false),
            Run::Done => Err(SqlError::new(
                SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("portal \"{name}\" cannot be run"),
            )),
        }
    }

    /// Appends up to `max_rows` rows; false once there are no more. Errors end the portal and fail the transaction.
    pub fn next_rows(&mut self, session: &mut Session, max_rows: usize, out: &mut Vec<Row>) -> Result<bool> {
        match &mut self.run {
            Run::Query(cursor) => {
                let count = u64::try_from(max_rows).unwrap_or(u64::MAX);
                session.run_portal(|session| {
                    cursor.go(session, Step::Forward(Some(count)), Some(out))?;
                    Ok(!cursor.is_at_end())
                })
            }
            Run::Once(portal) => portal.next_rows(session, max_rows, out),
            Run::Done => Ok(false),
        }
    }

    /// Ends an Execute that has given so many rows, the last of them; returns the command's tag.
    pub fn end_execute(&mut self, rows: u64) -> String {
        match std::mem::replace(&mut self.run, Run::Done) {
            Run::Query(cursor) => {
                self.run = Run::Query(cursor);
                format!("SELECT {rows}")
            }
            Run::Once(portal) => portal.tag(),
            Run::Done => "SELECT 0".to_owned(),
        }
    }

    /// Its place in its rows, if it is a query.
    pub(super) fn cursor(&mut self, name: &str) -> Result<&mut Cursor> {
        match &mut self.run {
            Run::Query(cursor) => Ok(cursor),
            Run::Once(_) | Run::Done => Err(SqlError::new(
                SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("portal \"{name}\" cannot be run"),
            )),
        }
    }
}

impl Session {
    /// Makes a portal from a prepared statement, under a name or, if that is empty, as the unnamed one: the protocol's
    /// Bind.
    pub fn bind(&mut self, name: &str, statement: &str, params: Vec<Value>, formats: ResultFormats) -> Result<()> {
        let NamedStatement { prepared, text, .. } = self.facts.statements.lock().get(statement)?.clone();
        if self.transaction_status() == super::TransactionStatus::Failed
            && !prepared.as_ref().is_none_or(|prepared| prepared.statement.ends_failed_transaction())
        {
            return Err(super::transaction::in_failed_transaction());
        }
        if !name.is_empty() {
            self.facts.portals.lock().check_new(name)?;
        }
        let run = match &prepared {
            None => Run::Done,
            Some(prepared) => {
                let portal = self.execute(prepared, params)?;
                if is_query(prepared) { Run::Query(Cursor::new(portal, Keep::Nothing)) } else { Run::Once(portal) }
            }
        };
        let about = About {
            text,
            opened_at: now_micros(),
            hold: false,
            binary: false,
            scroll: false,
            is_held: false,
            depth: self.savepoint_depth(),
        };
        let portal = OpenPortal { prepared, formats, run, about };
        self.facts.portals.lock().put(name, Box::new(portal));
        Ok(())
    }

    /// Takes a portal out, so that it can run. One that fails is gone; others are put back.
    pub fn take_portal(&mut self, name: &str) -> Result<Box<OpenPortal>> {
        let found = self.facts.portals.lock().take(name);
        found.ok_or_else(|| SqlError::new(SqlState::INVALID_CURSOR_NAME, format!("portal \"{name}\" does not exist")))
    }

    /// Puts a portal back, unless its transaction has ended meanwhile.
    pub fn put_portal(&mut self, name: &str, portal: Box<OpenPortal>) {
        let belongs_here = match &portal.run {
            Run::Query(_) => portal.about.is_held || !matches!(self.state, State::Idle | State::Failed(_)),
            Run::Once(_) | Run::Done => !matches!(self.state, State::Failed(_)),
        };
        if belongs_here {
            self.facts.portals.lock().put(name, portal);
        }
    }

    /// Forgets a portal; there need not be one of the name.
    pub fn close_portal(&mut self, name: &str) {
        self.facts.portals.lock().take(name);
    }

    /// The formats of the rows that a portal gives, and the statement that it runs.
    pub fn describe_portal(&self, name: &str) -> Result<(Option<Arc<Prepared>>, ResultFormats)> {
        let portals = self.facts.portals.lock();
        let portal = portals
            .get(name)
            .ok_or_else(|| SqlError::new(SqlState::INVALID_CURSOR_NAME, format!("portal \"{name}\" does not exist")))?;
        Ok((portal.prepared.clone(), portal.formats.clone()))
    }

    /// DECLARE: the query begins, so that it sees what is there now.
    pub(super) fn declare(
        &mut self,
        text: &Arc<str>,
        declare: &Declare,
        query: &Arc<Prepared>,
        params: Vec<Value>,
    ) -> Result<()> {
        if !declare.hold && !self.is_in_any_block() {
            return Err(SqlError::new(
                SqlState::NO_ACTIVE_SQL_TRANSACTION,
                "DECLARE CURSOR can only be used in transaction blocks",
            ));
        }
        if declare.name.is_empty() {
            return Err(SqlError::new(SqlState::INVALID_CURSOR_NAME, "invalid cursor name: must not be empty"));
        }
        self.facts.portals.lock().check_new(&declare.name)?;
        let mut portal = self.execute(query, params)?;
        portal.open(self)?;
        let keep = match declare.scroll {
            Scroll::Yes => Keep::All,
            Scroll::Unsaid if query.locks_rows() => Keep::Nothing,
            Scroll::Unsaid => Keep::WhileFew,
            Scroll::No => Keep::Nothing,
        };
        let about = About {
            text: Arc::clone(text),
            opened_at: now_micros(),
            hold: declare.hold,
            binary: declare.binary,
            scroll: keep != Keep::Nothing,
            is_held: false,
            depth: self.savepoint_depth(),
        };
        let format = if declare.binary { Format::Binary } else { Format::Text };
        let open = OpenPortal {
            prepared: Some(Arc::clone(query)),
            formats: ResultFormats::All(format),
            run: Run::Query(Cursor::new(portal, keep)),
            about,
        };
        self.facts.portals.lock().put(&declare.name, Box::new(open));
        Ok(())
    }

    /// CLOSE
    pub(crate) fn close_cursor(&mut self, name: &str) -> Result<()> {
        self.facts.portals.lock().take(name).map(drop).ok_or_else(|| no_such_cursor(name))
    }

    /// CLOSE ALL
    pub(crate) fn close_all_cursors(&mut self) {
        *self.facts.portals.lock() = Portals::default();
    }

    /// The columns that FETCH from a cursor gives, with their formats; none if there is no such cursor (yet).
    pub(super) fn cursor_columns(&self, name: &str) -> Option<(Arc<Prepared>, ResultFormats)> {
        let portals = self.facts.portals.lock();
        let portal = portals.get(name)?;
        Some((Arc::clone(portal.prepared.as_ref()?), portal.formats.clone()))
    }

    /// Does something with a cursor, which is not among the portals meanwhile. If it fails, the cursor cannot be used
    /// any more.
    pub(super) fn with_cursor<T>(
        &mut self,
        name: &str,
        work: impl FnOnce(&mut Self, &mut Cursor) -> Result<T>,
    ) -> Result<T> {
        let taken = self.facts.portals.lock().take(name);
        let mut portal = taken.ok_or_else(|| no_such_cursor(name))?;
        let done = portal.cursor(name).and_then(|cursor| work(self, cursor));
        if done.is_err() {
            portal.run = Run::Done;
        }
        self.facts.portals.lock().put(name, portal);
        done
    }

    /// COMMIT: cursors WITH HOLD keep their rows.
    pub(super) fn hold_cursors(&mut self) -> Result<()> {
        let to_hold = |portal: &OpenPortal| portal.about.hold && !portal.about.is_held;
        let names: Vec<String> = {
            let portals = self.facts.portals.lock();
            portals.named.iter().filter(|(_, portal)| to_hold(portal)).map(|(name, _)| name.clone()).collect()
        };
        for name in names {
            self.with_cursor(&name, |session, cursor| cursor.hold(session))?;
            if let Some(portal) = self.facts.portals.lock().named.get_mut(&name) {
                portal.about.is_held = true;
            }
        }
        Ok(())
    }
}

/// Whether a portal of the statement gives its rows piece by piece.
fn is_query(prepared: &Prepared) -> bool {
    matches!(&prepared.action, Action::Run(run) if run.kind == RunKind::Select)
}

/// The error for a cursor that there is not.
pub(super) fn no_such_cursor(name: &str) -> SqlError {
    SqlError::new(SqlState::INVALID_CURSOR_NAME, format!("cursor \"{name}\" does not exist"))
}
