//! The settings of a session: now, after COMMIT, and what RESET goes back to.

use std::sync::Arc;

use super::Settings;
use crate::error::Result;

/// The settings of a session.
#[derive(Clone, Debug)]
pub struct SettingsStack {
    /// What the client asked for when it connected: what RESET goes back to.
    startup: Arc<Settings>,
    /// What they will be after COMMIT: without those of SET LOCAL.
    kept: Arc<Settings>,
    /// What they are now.
    now: Arc<Settings>,
}

/// The settings at a savepoint.
#[derive(Clone, Debug)]
pub(crate) struct Saved {
    kept: Arc<Settings>,
    now: Arc<Settings>,
}

impl SettingsStack {
    /// The settings of a new session.
    pub fn new(startup: Arc<Settings>) -> Self {
        Self { kept: Arc::clone(&startup), now: Arc::clone(&startup), startup }
    }

    /// What they are now.
    pub const fn now(&self) -> &Arc<Settings> {
        &self.now
    }

    /// What RESET goes back to.
    pub const fn startup(&self) -> &Arc<Settings> {
        &self.startup
    }

    /// Changes what RESET goes back to, before the session begins.
    pub(crate) fn begin_with(&mut self, change: impl FnOnce(&mut Settings) -> Result<()>) -> Result<()> {
        let mut settings = (*self.startup).clone();
        change(&mut settings)?;
        *self = Self::new(Arc::new(settings));
        Ok(())
    }

    /// Changes them: until the end of the transaction if it is a local change.
    pub(crate) fn change(
        &mut self,
        local: bool,
        change: impl Fn(&mut Settings, &Settings) -> Result<()>,
    ) -> Result<()> {
        let mut now = (*self.now).clone();
        change(&mut now, &self.startup)?;
        if !local {
            let mut kept = (*self.kept).clone();
            change(&mut kept, &self.startup)?;
            self.kept = Arc::new(kept);
        }
        self.now = Arc::new(now);
        Ok(())
    }

    /// COMMIT
    pub(crate) fn commit(&mut self) {
        self.now = Arc::clone(&self.kept);
    }

    /// What ROLLBACK goes back to from here on.
    pub(crate) fn save(&self) -> Saved {
        Saved { kept: Arc::clone(&self.kept), now: Arc::clone(&self.now) }
    }

    /// ROLLBACK
    pub(crate) fn restore(&mut self, saved: Saved) {
        self.kept = saved.kept;
        self.now = saved.now;
    }
}
