//! The session's transaction: implicit or explicit, open or failed, and its savepoints.

use std::sync::Arc;

use heliosdb_storage::transaction::Savepoint;
use heliosdb_storage::{Transaction, WriteOrigin};

use super::Session;
use super::baseline::Baselines;
use super::settings::Settings;
use crate::error::{Result, SqlError, SqlState};
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
    pub read_only: bool,
    savepoints: Vec<NamedSavepoint>,
    /// The settings to go back to on ROLLBACK.
    settings: Arc<Settings>,
}

struct NamedSavepoint {
    name: String,
    savepoint: Savepoint,
    baselines: Baselines,
    /// The settings then, and those to be kept after COMMIT.
    settings: Arc<Settings>,
    kept: Arc<Settings>,
    read_only: bool,
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
        if !matches!(self.state, State::Implicit(_)) {
            return Ok(());
        }
        self.commit()
    }

    /// Marks the transaction as failed after an error of the server's own (encoding, protocol).
    pub fn fail(&mut self) {
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
        self.parked.clear();
        self.kept = Arc::clone(&active.settings);
        self.use_settings(active.settings);
        active.txn.rollback();
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

    fn begin_storage(&mut self) -> Active {
        let mut txn = self.engine.store.begin(WriteOrigin::Local);
        txn.set_cancel_flag(self.cancel_flag());
        self.generation += 1;
        self.parked.clear();
        self.time.transaction_start = micros_of_unix_millis(txn.started_at_millis());
        Active {
            txn,
            baselines: Baselines::default(),
            read_only: false,
            savepoints: Vec::new(),
            settings: Arc::clone(&self.settings),
        }
    }

    /// BEGIN
    pub(crate) fn begin(&mut self, read_only: bool) -> Result<()> {
        let mut active = match std::mem::replace(&mut self.state, State::Idle) {
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
        active.read_only |= read_only;
        self.state = State::Explicit(active);
        Ok(())
    }

    /// SET TRANSACTION READ ONLY | READ WRITE
    pub(crate) fn set_read_only(&mut self, read_only: bool) -> Result<()> {
        if let State::Explicit(active) = &mut self.state {
            active.read_only = read_only;
        } else {
            self.warn(SqlState::NO_ACTIVE_SQL_TRANSACTION, "SET TRANSACTION can only be used in transaction blocks");
        }
        Ok(())
    }

    /// COMMIT; false if it rolled back, because the transaction had failed.
    pub(crate) fn commit_block(&mut self) -> Result<bool> {
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
                self.rollback_block();
                Ok(false)
            }
        }
    }

    fn commit(&mut self) -> Result<()> {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Implicit(active) | State::Explicit(active) => {
                let before = active.settings;
                self.generation += 1;
                self.parked.clear();
                match active.txn.commit() {
                    Ok(_) => {
                        self.use_settings(Arc::clone(&self.kept));
                        Ok(())
                    }
                    Err(error) => {
                        self.kept = Arc::clone(&before);
                        self.use_settings(before);
                        Err(error.into())
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
    pub(crate) fn rollback_block(&mut self) {
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
    }

    /// SAVEPOINT
    pub(crate) fn savepoint(&mut self, name: &str) -> Result<()> {
        let (settings, kept) = (Arc::clone(&self.settings), Arc::clone(&self.kept));
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
            kept,
            read_only: active.read_only,
        });
        Ok(())
    }

    /// RELEASE SAVEPOINT
    pub(crate) fn release(&mut self, name: &str) -> Result<()> {
        let State::Explicit(active) = &mut self.state else { return Err(self.not_in_block("RELEASE SAVEPOINT")) };
        let at = active.position(name)?;
        active.savepoints.truncate(at);
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
            active.read_only = entry.read_only;
            self.kept = Arc::clone(&entry.kept);
            let settings = Arc::clone(&entry.settings);
            self.use_settings(settings);
        }
        // Portals opened after the savepoint have lost their ground; those from before are not told apart.
        self.generation += 1;
        self.parked.clear();
        self.state = State::Explicit(active);
        Ok(())
    }

    /// SET and RESET: `local` ends with the transaction.
    pub(crate) fn change_settings(
        &mut self,
        local: bool,
        change: impl Fn(&mut Settings, &Settings) -> Result<()>,
    ) -> Result<()> {
        if local && !matches!(self.state, State::Explicit(_)) {
            self.warn(SqlState::NO_ACTIVE_SQL_TRANSACTION, "SET LOCAL can only be used in transaction blocks");
            return Ok(());
        }
        let mut now = (*self.settings).clone();
        change(&mut now, &self.startup)?;
        if !local {
            let mut kept = (*self.kept).clone();
            change(&mut kept, &self.startup)?;
            self.kept = Arc::new(kept);
        }
        self.use_settings(Arc::new(now));
        Ok(())
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
