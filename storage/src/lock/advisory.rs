//! Advisory locks: numbers that clients lock, and what they mean by them.
//!
//! A session's locks are counted: each must be given back as often as it was taken. A transaction's go with it. Both kinds
//! are owned apart from the rows and relations that the transaction locks, but by the same party.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::{LockManager, LockMode, LockOwner, PartyId, Resource};
use crate::error::{Error, Result};

/// Advisory locks that a session may hold at once, each counted once.
const MAX_ADVISORY: usize = 100_000;

/// What an advisory lock is taken on: one number or two. The two kinds have nothing to do with each other.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AdvisoryKey {
    /// `pg_advisory_lock(bigint)`
    One(i64),
    /// `pg_advisory_lock(int, int)`
    Two(i32, i32),
}

impl std::fmt::Display for AdvisoryKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::One(key) => write!(f, "advisory lock {key}"),
            Self::Two(first, second) => write!(f, "advisory lock ({first}, {second})"),
        }
    }
}

/// The advisory locks of a session and of its transaction.
pub struct AdvisoryLocks {
    session: LockOwner,
    counts: HashMap<(AdvisoryKey, bool), u32>,
    /// Made with the transaction's first lock.
    transaction: Option<LockOwner>,
    cancelled: Option<Arc<AtomicBool>>,
}

impl std::fmt::Debug for AdvisoryLocks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(&self.counts).finish()
    }
}

impl AdvisoryLocks {
    pub(crate) fn new(manager: &Arc<LockManager>, party: PartyId) -> Self {
        let mut session = manager.owner_of(party, false);
        session.is_session = true;
        Self { session, counts: HashMap::new(), transaction: None, cancelled: None }
    }

    /// The session's party: its transactions are owners of it too.
    pub const fn party(&self) -> PartyId {
        self.session.id.party
    }

    /// Makes waiting end with [`Error::Cancelled`] once the flag is set.
    pub fn set_cancel_flag(&mut self, flag: Arc<AtomicBool>) {
        self.session.set_cancel_flag(Arc::clone(&flag));
        self.cancelled = Some(flag);
    }

    /// Takes a lock, waiting for it if it must; false if it must not wait and would have to.
    pub fn lock(
        &mut self,
        key: AdvisoryKey,
        shared: bool,
        for_session: bool,
        wait: bool,
        timeout: Option<Duration>,
    ) -> Result<bool> {
        if for_session && self.counts.len() >= MAX_ADVISORY && !self.counts.contains_key(&(key, shared)) {
            return Err(Error::LimitExceeded(format!("a session may hold {MAX_ADVISORY} advisory locks")));
        }
        let (resource, mode) = (Resource::Advisory(key), mode_of(shared));
        let owner = if for_session { &mut self.session } else { self.transaction_owner() };
        if wait {
            owner.set_timeout(timeout);
            owner.acquire(resource, mode)?;
        } else if !owner.try_acquire(&resource, mode)? {
            return Ok(false);
        }
        if for_session {
            let count = self.counts.entry((key, shared)).or_default();
            *count = count.saturating_add(1);
        }
        Ok(true)
    }

    fn transaction_owner(&mut self) -> &mut LockOwner {
        let Self { session, transaction, cancelled, .. } = self;
        transaction.get_or_insert_with(|| {
            // Advisory locks are never taken away, whoever they are in the way of.
            let mut owner = session.manager.owner_of(session.id.party, false);
            owner.is_session = true;
            if let Some(flag) = cancelled {
                owner.set_cancel_flag(Arc::clone(flag));
            }
            owner
        })
    }

    /// Gives a session's lock back; false if it does not hold it.
    pub fn unlock(&mut self, key: AdvisoryKey, shared: bool) -> bool {
        let Some(count) = self.counts.get_mut(&(key, shared)) else { return false };
        *count -= 1;
        if *count > 0 {
            return true;
        }
        self.counts.remove(&(key, shared));
        let manager = Arc::clone(&self.session.manager);
        manager.table.lock().release_mode(self.session.id, &Resource::Advisory(key), mode_of(shared));
        true
    }

    /// Gives all of the session's locks back.
    pub fn unlock_all(&mut self) {
        self.counts.clear();
        let manager = Arc::clone(&self.session.manager);
        manager.table.lock().release_all(self.session.id);
    }

    /// The transaction has ended, and its locks with it.
    pub fn end_transaction(&mut self) {
        self.transaction = None;
    }
}

const fn mode_of(shared: bool) -> LockMode {
    if shared { LockMode::Shared } else { LockMode::Exclusive }
}
