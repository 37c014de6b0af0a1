//! Portals that wait in the middle of their run.
//!
//! A cursor keeps the snapshot it was opened on; but a join, for example, opens new ones as it goes. The session's next
//! statement takes a new snapshot, so that before it begins, every waiting portal of that kind is run to its end and its
//! rows are kept (within its memory budget). As long as no other statement comes, which is the rule, nothing is kept.

use std::sync::{Arc, Weak};

use heliosdb_storage::Row;
use parking_lot::Mutex;

use super::Session;
use super::prepared::{Action, Prepared};
use super::running::Running;
use crate::error::{Result, SqlError};

/// What a waiting portal shares with its session, which knows it only as long as the portal lives.
pub(super) struct Parked {
    shared: Arc<Mutex<Waiting>>,
}

/// What the session sees of a waiting portal.
pub(super) type Known = Weak<Mutex<Waiting>>;

/// A run that waits, or what has become of it.
pub(super) struct Waiting {
    prepared: Arc<Prepared>,
    running: Option<Box<Running>>,
    rows: Vec<Row>,
    error: Option<SqlError>,
}

impl Parked {
    /// Leaves a run to wait.
    pub fn new(session: &mut Session, prepared: Arc<Prepared>, running: Box<Running>) -> Self {
        let waiting = Waiting { prepared, running: Some(running), rows: Vec::new(), error: None };
        let shared = Arc::new(Mutex::new(waiting));
        session.parked.retain(|known| known.strong_count() > 0);
        session.parked.push(Arc::downgrade(&shared));
        Self { shared }
    }

    /// Takes the run back: where it stands, and the rows that have been computed meanwhile.
    pub fn take(self) -> Result<(Option<Box<Running>>, Vec<Row>)> {
        let mut waiting = self.shared.lock();
        match waiting.error.take() {
            Some(error) => Err(error),
            None => Ok((waiting.running.take(), std::mem::take(&mut waiting.rows))),
        }
    }
}

impl Session {
    /// Runs all waiting portals to their ends, before a statement takes a new snapshot.
    pub(crate) fn settle_parked(&mut self) {
        for known in std::mem::take(&mut self.parked) {
            let Some(shared) = known.upgrade() else { continue };
            let mut waiting = shared.lock();
            if let Err(error) = waiting.settle(self) {
                waiting.rows.clear();
                waiting.error = Some(error);
            }
        }
    }
}

impl Waiting {
    fn settle(&mut self, session: &mut Session) -> Result<()> {
        let Some(mut running) = self.running.take() else { return Ok(()) };
        let Action::Run(run) = &self.prepared.action else { return Ok(()) };
        while let Some(rows) = running.step(run, session)? {
            running.statement.budget.charge_rows(&rows)?;
            self.rows.extend(rows);
        }
        Ok(())
    }
}
