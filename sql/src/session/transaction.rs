//! The session's transaction: implicit or explicit, open or failed, and its savepoints.

use std::sync::Arc;

use heliosdb_storage::transaction::Savepoint;
use heliosdb_storage::{Transaction, WriteOrigin};

use super::Session;
use super::baseline::Baselines;
use super::modes::check_built;
use super::notifications::Mark;
use super::settings::{Saved, Settings};
use crate::error::{Result, SqlError, SqlState};
use crate::parse::session::Modes;
use crate::types::datetime::micros_of_unix_millis;

/// How many savepoints a transaction may have.
const MAX_SAVEPOINTS: usize = 10_000;

/// Where the session stands.
pub(super) enum State {
    /// No transaction.
    Idle,
    /// One that ends with the message (or at Sync).
    Implicit(Box<Active>),
    /// One between BEGIN and COMMIT.
    Explicit(Box<Active>),
    /// One that has failed. If it has savepoints to go back to, it is still there.
    Failed(Option<Box<Active>>),
}

/// An open transaction.
pub(crate) struct Active {
    pub txn: Transaction,
    pub baselines: Baselines,
    pub(super) savepoints: Vec<NamedSavepoint>,
    /// The settings to go back to on ROLLBACK.
    settings: Saved,
    /// Whether a query has been run: the modes of the transaction are settled then.
    pub(super) has_queried: bool,
}

pub(super) struct NamedSavepoint {
    name: String,
    savepoint: Savepoint,
    baselines: Baselines,
    settings: Saved,
    pending: Mark,
}

impl State {
    pub(super) fn active(&self) -> Option<&Active> {
        match self {
            Self::Implicit(active) | Self::Explicit(active) => Some(active),
            Self::Idle | Self::Failed(_) => None,
        }
    }

    pub(super) fn active_mut(&mut self) -> Option<&mut Active> {
        match self {
            Self::Implicit(active) | Self::Explicit(active) => Some(active),
            Self::Idle | Self::Failed(_) => None,
        }
    }
}

impl Session {
    /// Ends the implicit transaction, if one is open: at Sync, and at the end of a simple-protocol text. After an error it
    /// has been rolled back already, else it is committed.
    pub fn end_implicit(&mut self) -> Result<()> {
        match self.state {
            State::Implicit(_) => self.commit(),
            State::Idle => {
                // Portals that were bound and never run.
                self.facts.portals.lock().end_transaction();
                Ok(())
            }
            State::Explicit(_) | State::Failed(_) => Ok(()),
        }
    }

    /// Marks the transaction as failed after an error of the server's own (encoding, protocol).
    pub fn fail(&mut self) {
        if matches!(self.state, State::Explicit(_)) {
            self.failed_modes = self.modes();
        }
        self.state = match std::mem::replace(&mut self.state, State::Idle) {
            State::Idle => State::Idle,
            State::Failed(active) => State::Failed(active),
            State::Implicit(active) => {
                self.roll_back(*active);
                State::Idle
            }
            State::Explicit(active) if active.savepoints.is_empty() => {
                // Nothing can bring it back: its locks need not wait for the client's ROLLBACK.
                self.roll_back(*active);
                State::Failed(None)
            }
            State::Explicit(active) => State::Failed(Some(active)),
        };
    }

    fn roll_back(&mut self, active: Active) {
        self.generation += 1;
        self.facts.portals.lock().end_transaction();
        self.facts.settings.lock().restore(active.settings);
        self.follow_settings();
        active.txn.rollback();
        self.facts.end_transaction();
    }

    /// The open transaction; an implicit one begins if there is none.
    pub(crate) fn ensure_transaction(&mut self) -> Result<&mut Active> {
        match self.state {
            State::Failed(_) => return Err(in_failed_transaction()),
            State::Idle => {
                let active = self.begin_storage();
                self.state = State::Implicit(Box::new(active));
            }
            State::Implicit(_) | State::Explicit(_) => {}
        }
        Ok(self.state.active_mut().expect("BUG: a transaction was begun above"))
    }

    /// A transaction of the store, in whose way the session's advisory locks are not.
    fn begin_in_store(&self) -> Transaction {
        let store = &self.engine.store;
        match &*self.facts.advisory.lock() {
            Some(advisory) => store.begin_for(advisory.party(), WriteOrigin::Local),
            None => store.begin(WriteOrigin::Local),
        }
    }

    fn begin_storage(&mut self) -> Active {
        let mut txn = self.begin_in_store();
        txn.set_cancel_flag(Arc::clone(self.facts.backend.flag()));
        self.generation += 1;
        self.time.transaction_start = micros_of_unix_millis(txn.started_at_millis());
        self.facts.backend.report_transaction(Some(self.time.transaction_start));
        let settings = self.facts.settings.lock().save();
        self.use_default_modes();
        txn.set_repeatable_read(self.is_repeatable_read());
        txn.set_lock_timeout(self.lock_timeout());
        Active { txn, baselines: Baselines::default(), savepoints: Vec::new(), settings, has_queried: false }
    }

    /// BEGIN
    pub(crate) fn begin(&mut self, modes: Modes) -> Result<()> {
        check_built(modes)?;
        let active = match std::mem::replace(&mut self.state, State::Idle) {
            State::Idle => Box::new(self.begin_storage()),
            // What the message has done so far becomes part of the block.
            State::Implicit(active) => active,
            State::Explicit(active) => {
                self.warn(SqlState::ACTIVE_SQL_TRANSACTION, "there is already a transaction in progress");
                active
            }
            State::Failed(active) => {
                self.state = State::Failed(active);
                return Err(in_failed_transaction());
            }
        };
        self.state = State::Explicit(active);
        self.check_modes(modes)?;
        self.use_modes(modes)
    }

    /// COMMIT; false if it rolled back, because the transaction had failed.
    pub(crate) fn commit_block(&mut self, chain: bool) -> Result<bool> {
        if chain {
            let modes = self.chained("COMMIT AND CHAIN")?;
            let committed = self.commit_block(false)?;
            self.begin(modes)?;
            return Ok(committed);
        }
        match &self.state {
            State::Idle | State::Implicit(_) => {
                self.warn(SqlState::NO_ACTIVE_SQL_TRANSACTION, "there is no transaction in progress");
                self.commit()?;
                Ok(true)
            }
            State::Explicit(_) => {
                self.commit()?;
                Ok(true)
            }
            State::Failed(_) => {
                self.rollback_block(false)?;
                Ok(false)
            }
        }
    }

    /// The modes of the transaction that follows in a chain.
    fn chained(&self, command: &str) -> Result<Modes> {
        match self.state {
            State::Explicit(_) => return Ok(self.modes()),
            State::Failed(_) => return Ok(self.failed_modes),
            State::Idle | State::Implicit(_) => {}
        }
        Err(SqlError::new(
            SqlState::NO_ACTIVE_SQL_TRANSACTION,
            format!("{command} can only be used in transaction blocks"),
        ))
    }

    fn commit(&mut self) -> Result<()> {
        if let Err(error) = self.hold_cursors() {
            if let State::Implicit(active) | State::Explicit(active) = std::mem::replace(&mut self.state, State::Idle) {
                self.roll_back(*active);
            }
            return Err(error);
        }
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Implicit(active) | State::Explicit(active) => {
                let before = active.settings;
                self.generation += 1;
                self.facts.portals.lock().end_transaction();
                let txn = active.txn;
                let committed = self.commit_notifying(|| Ok(txn.commit()?));
                self.facts.end_transaction();
                match committed {
                    Ok(_) => {
                        self.facts.settings.lock().commit();
                        self.follow_settings();
                        Ok(())
                    }
                    Err(error) => {
                        self.facts.settings.lock().restore(before);
                        self.follow_settings();
                        Err(error)
                    }
                }
            }
            State::Idle => Ok(()),
            State::Failed(active) => {
                self.state = State::Failed(active);
                Err(in_failed_transaction())
            }
        }
    }

    /// ROLLBACK
    pub(crate) fn rollback_block(&mut self, chain: bool) -> Result<()> {
        if chain {
            let modes = self.chained("ROLLBACK AND CHAIN")?;
            self.rollback_block(false)?;
            return self.begin(modes);
        }
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Idle => {
                self.warn(SqlState::NO_ACTIVE_SQL_TRANSACTION, "there is no transaction in progress");
            }
            State::Implicit(active) => {
                self.warn(SqlState::NO_ACTIVE_SQL_TRANSACTION, "there is no transaction in progress");
                self.roll_back(*active);
            }
            State::Explicit(active) | State::Failed(Some(active)) => self.roll_back(*active),
            State::Failed(None) => {}
        }
        Ok(())
    }

    /// SAVEPOINT
    pub(crate) fn savepoint(&mut self, name: &str) -> Result<()> {
        let settings = self.facts.settings.lock().save();
        let State::Explicit(active) = &mut self.state else { return Err(self.not_in_block("SAVEPOINT")) };
        if active.savepoints.len() >= MAX_SAVEPOINTS {
            return Err(SqlError::new(
                SqlState::PROGRAM_LIMIT_EXCEEDED,
                format!("a transaction can have at most {MAX_SAVEPOINTS} savepoints"),
            ));
        }
        let savepoint = active.txn.savepoint();
        active.savepoints.push(NamedSavepoint {
            name: name.to_owned(),
            savepoint,
            baselines: active.baselines.clone(),
            settings,
            pending: self.facts.pending.lock().mark(),
        });
        Ok(())
    }

    /// RELEASE SAVEPOINT
    pub(crate) fn release(&mut self, name: &str) -> Result<()> {
        let State::Explicit(active) = &mut self.state else { return Err(self.not_in_block("RELEASE SAVEPOINT")) };
        let at = active.position(name)?;
        active.savepoints.truncate(at);
        self.facts.portals.lock().release(at);
        Ok(())
    }

    /// ROLLBACK TO SAVEPOINT; a failed transaction goes on from there.
    pub(crate) fn rollback_to(&mut self, name: &str) -> Result<()> {
        let mut active = match std::mem::replace(&mut self.state, State::Idle) {
            State::Explicit(active) | State::Failed(Some(active)) => active,
            State::Failed(None) => {
                self.state = State::Failed(None);
                return Err(no_such_savepoint(name));
            }
            other => {
                self.state = other;
                return Err(self.not_in_block("ROLLBACK TO SAVEPOINT"));
            }
        };
        let at = match active.position(name) {
            Ok(at) => at,
            Err(error) => {
                self.state = State::Failed(Some(active));
                return Err(error);
            }
        };
        // The savepoint itself stays.
        active.savepoints.truncate(at + 1);
        if let Some(entry) = active.savepoints.last() {
            active.txn.rollback_to(entry.savepoint);
            active.baselines = entry.baselines.clone();
            self.facts.settings.lock().restore(entry.settings.clone());
            self.facts.pending.lock().roll_back_to(entry.pending);
        }
        self.follow_settings();
        self.facts.portals.lock().roll_back_to(at);
        self.state = State::Explicit(active);
        Ok(())
    }

    /// SET and RESET: `local` ends with the transaction.
    pub(crate) fn change_settings(
        &mut self,
        local: bool,
        change: impl Fn(&mut Settings, &Settings) -> Result<()>,
    ) -> Result<()> {
        self.facts.settings.lock().change(local, change)?;
        self.follow_settings();
        Ok(())
    }

    /// How many savepoints the transaction has.
    pub(super) fn savepoint_depth(&self) -> usize {
        self.state.active().map_or(0, |active| active.savepoints.len())
    }

    /// Whether the session is in a transaction block, or in the one that the statements of one text are.
    pub(crate) const fn is_in_any_block(&self) -> bool {
        self.is_in_block() || self.is_one_of_many
    }

    /// The statement is one of several of a text: together they are a transaction block.
    pub const fn one_of_many(&mut self, is_one_of_many: bool) {
        self.is_one_of_many = is_one_of_many;
    }

    /// Whether the session is in a transaction block.
    pub(crate) const fn is_in_block(&self) -> bool {
        matches!(self.state, State::Explicit(_) | State::Failed(_))
    }

    pub(crate) fn warn(&mut self, state: SqlState, message: &str) {
        self.notice("WARNING", SqlError::new(state, message));
    }

    fn not_in_block(&self, command: &str) -> SqlError {
        if matches!(self.state, State::Failed(_)) {
            return in_failed_transaction();
        }
        SqlError::new(SqlState::NO_ACTIVE_SQL_TRANSACTION, format!("{command} can only be used in transaction blocks"))
    }
}

impl Active {
    fn position(&self, name: &str) -> Result<usize> {
        self.savepoints.iter().rposition(|savepoint| savepoint.name == name).ok_or_else(|| no_such_savepoint(name))
    }
}

fn no_such_savepoint(name: &str) -> SqlError {
    SqlError::new(SqlState::INVALID_SAVEPOINT_SPECIFICATION, format!("savepoint \"{name}\" does not exist"))
}

/// The error for anything but the end of a failed transaction.
pub(super) fn in_failed_transaction() -> SqlError {
    SqlError::new(
        SqlState::IN_FAILED_SQL_TRANSACTION,
        "current transaction is aborted, commands ignored until end of transaction block",
    )
}
