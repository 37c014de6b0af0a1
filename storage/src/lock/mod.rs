//! Locks: relations, rows and unique keys, in one manager with one wait graph.
//!
//! ```text
//!  resource ──► holders (owner, modes)      a waiter is granted its lock by whoever releases the one in its way;
//!           └─► waiters (owner, mode) FIFO  it sleeps on its own condition variable until then
//! ```
//!
//! - After `deadlock_timeout` a waiter looks for a cycle through itself. It is the victim, unless it is an *applier* (a
//!   merge or a pull): those must get through, so an SQL transaction of the cycle gives way instead.
//! - An applier that has waited for `apply_lock_wait` makes the SQL transactions in its way give way.
//! - Giving way means being *doomed*: all locks are released at once, whatever the owner is doing, and nothing it does
//!   afterwards can succeed. That is sound because its writes are still private, and [`LockOwner::begin_commit`], under
//!   the same mutex, lets no doomed owner pass.
//! - Locks are held to the end of a transaction; rolling back to a savepoint keeps them. Advisory locks can also be held by
//!   a session ([`AdvisoryLocks`]).
//! - A session is one *party*, however many owners it has: what one of them holds is in no other's way, and who waits for
//!   one of them waits for all.

mod advisory;
mod list;
mod mode;
mod queue;
mod table;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};

pub use advisory::{AdvisoryKey, AdvisoryLocks};
pub use list::{ListedLock, LockedThing};
pub(crate) use mode::LockMode;
use table::{Known, LockTable, Request};

use crate::error::{Error, Result};
use crate::ids::RelationId;

/// What can be locked.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Resource {
    /// The right to change the catalog.
    Ddl,
    /// The right to merge or to install what was pulled: one at a time.
    Apply,
    /// A relation.
    Table(RelationId),
    /// A row, by its key, whether it exists or not.
    Row(RelationId, Bytes),
    /// The values of a unique index.
    UniqueKey(RelationId, Bytes),
    /// Whatever clients mean by a number.
    Advisory(AdvisoryKey),
}

/// Who owns locks: a transaction, or a session.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
struct OwnerId {
    party: PartyId,
    number: u64,
}

/// All the owners of one session, or a transaction without a session. None of them waits for another one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PartyId(u64);

/// Runs what may sleep: a place to tell a scheduler that this thread is not to be counted on for a while.
pub type WaitHook = fn(&mut dyn FnMut());

/// The lock manager of a store.
pub(crate) struct LockManager {
    table: Mutex<LockTable>,
    next_owner: AtomicU64,
    deadlock_timeout: Duration,
    apply_lock_wait: Duration,
    around_waits: OnceLock<WaitHook>,
}

impl LockManager {
    pub(crate) fn new(deadlock_timeout: Duration, apply_lock_wait: Duration) -> Self {
        let around_waits = OnceLock::new();
        Self { table: Mutex::default(), next_owner: AtomicU64::new(1), deadlock_timeout, apply_lock_wait, around_waits }
    }

    /// A new party.
    pub(crate) fn party(&self) -> PartyId {
        PartyId(self.next_owner.fetch_add(1, Ordering::Relaxed))
    }

    /// A new owner without locks, a party of its own. An applier is one that SQL transactions have to make way for.
    pub(crate) fn owner(self: &Arc<Self>, is_applier: bool) -> LockOwner {
        self.owner_of(self.party(), is_applier)
    }

    /// A new owner of a party.
    pub(crate) fn owner_of(self: &Arc<Self>, party: PartyId, is_applier: bool) -> LockOwner {
        let number = self.next_owner.fetch_add(1, Ordering::Relaxed);
        LockOwner {
            manager: Arc::clone(self),
            id: OwnerId { party, number },
            is_applier,
            is_session: false,
            is_known: false,
            doomed: Arc::default(),
            cancelled: None,
            timeout: None,
        }
    }

    /// Makes every wait for a lock run within the hook. Only the first hook given counts.
    pub(crate) fn around_waits(&self, hook: WaitHook) {
        self.around_waits.get_or_init(|| hook);
    }

    /// How many owners wait.
    pub(crate) fn waiting(&self) -> usize {
        self.table.lock().owners.values().filter(|owner| owner.waiting.is_some()).count()
    }

    /// Makes all who wait look at their cancel flags.
    pub(crate) fn wake_all(&self) {
        for owner in self.table.lock().owners.values() {
            owner.wake.notify_all();
        }
    }
}

/// A transaction's handle to its locks. Dropping it releases them.
pub(crate) struct LockOwner {
    manager: Arc<LockManager>,
    id: OwnerId,
    is_applier: bool,
    /// Whether it holds locks across transactions.
    is_session: bool,
    /// Whether the manager knows this owner, which it does from its first lock on.
    is_known: bool,
    doomed: Arc<AtomicBool>,
    cancelled: Option<Arc<AtomicBool>>,
    timeout: Option<Duration>,
}

impl LockOwner {
    /// Makes waiting end with [`Error::Cancelled`] once the flag is set (see [`LockManager::wake_all`]).
    pub(crate) fn set_cancel_flag(&mut self, flag: Arc<AtomicBool>) {
        self.cancelled = Some(flag);
    }

    /// Makes waiting end with [`Error::LockTimeout`] after this long.
    pub(crate) fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
    }

    /// Fails if this owner has to give way or was cancelled.
    pub(crate) fn check(&self) -> Result<()> {
        if self.doomed.load(Ordering::Acquire) {
            return Err(gave_way());
        }
        if self.cancelled.as_ref().is_some_and(|flag| flag.load(Ordering::Acquire)) {
            return Err(Error::Cancelled);
        }
        Ok(())
    }

    /// Waits for a lock, held until this handle is dropped.
    pub(crate) fn acquire(&mut self, resource: Resource, mode: LockMode) -> Result<()> {
        self.check()?;
        let manager = Arc::clone(&self.manager);
        let mut table = manager.table.lock();
        self.introduce(&mut table)?;
        let wake = match table.request(self.id, resource, mode)? {
            Request::Granted => return Ok(()),
            Request::Queued(wake) => wake,
        };
        drop(table);
        let mut granted = Ok(());
        match manager.around_waits.get() {
            Some(around) => around(&mut || granted = self.wait(&wake)),
            None => granted = self.wait(&wake),
        }
        granted
    }

    /// Sleeps until what this owner queues for is granted, or something else ends the wait.
    fn wait(&self, wake: &Condvar) -> Result<()> {
        let manager = &self.manager;
        let mut table = manager.table.lock();
        let started = Instant::now();
        let mut deadlock_check_at = started + manager.deadlock_timeout;
        let give_up_at = self.timeout.map(|timeout| started + timeout);
        loop {
            // Whoever dooms or grants has taken the waiter out of its queue already.
            if self.doomed.load(Ordering::Acquire) {
                return Err(gave_way());
            }
            let Some(resource) = table.waits_for(self.id) else { return Ok(()) };
            let now = Instant::now();
            let outcome = if self.cancelled.as_ref().is_some_and(|flag| flag.load(Ordering::Acquire)) {
                Err(Error::Cancelled)
            } else if give_up_at.is_some_and(|at| at <= now) {
                Err(Error::LockTimeout(resource.to_string()))
            } else if deadlock_check_at <= now {
                deadlock_check_at = now + manager.deadlock_timeout;
                table.break_deadlock(self.id)
            } else {
                Ok(())
            };
            if let Err(error) = outcome {
                table.leave_queue(self.id);
                return Err(error);
            }
            let mut wake_at = give_up_at.map_or(deadlock_check_at, |at| at.min(deadlock_check_at));
            if self.is_applier {
                let patience_ends = started + manager.apply_lock_wait;
                if patience_ends <= now {
                    table.doom_blockers(self.id);
                } else {
                    wake_at = wake_at.min(patience_ends);
                }
            }
            if table.waits_for(self.id).is_some() {
                wake.wait_until(&mut table, wake_at);
            }
        }
    }

    /// How many resources this owner holds locks on: a mark for [`LockOwner::release_after`].
    pub(crate) fn held(&self) -> usize {
        if self.is_known { self.manager.table.lock().held(self.id) } else { 0 }
    }

    /// Gives back the locks on all resources but the first `keep` that this owner got hold of. What else may be done under
    /// them is for the caller to know.
    pub(crate) fn release_after(&mut self, keep: usize) {
        if self.is_known {
            self.manager.table.lock().release_after(self.id, keep);
        }
    }

    /// Takes a lock if nobody is in the way.
    pub(crate) fn try_acquire(&mut self, resource: &Resource, mode: LockMode) -> Result<bool> {
        self.check()?;
        let manager = Arc::clone(&self.manager);
        let mut table = manager.table.lock();
        self.introduce(&mut table)?;
        table.grant_now(self.id, resource, mode)
    }

    /// Waits until all of the locks can be had at once, and holds none of them while it waits: so nobody who waits for one
    /// of them can be in the way of another, and there is no deadlock with those who lock in another order. If others are
    /// always quicker for as long as `apply_lock_wait`, the locks are taken one after the other.
    pub(crate) fn acquire_together(&mut self, wanted: &[(Resource, LockMode)]) -> Result<()> {
        let give_up_at = Instant::now() + self.manager.apply_lock_wait;
        let held_before = self.manager.table.lock().held(self.id);
        while let Some((resource, mode)) = self.take_all_or_none(wanted, held_before)? {
            self.acquire(resource.clone(), *mode)?;
            if Instant::now() >= give_up_at {
                for (resource, mode) in wanted {
                    self.acquire(resource.clone(), *mode)?;
                }
                return Ok(());
            }
        }
        Ok(())
    }

    /// Takes all the locks; or gives back all but the first `keep` that this owner holds, and returns the wish that could
    /// not be granted.
    fn take_all_or_none<'a>(
        &mut self,
        wanted: &'a [(Resource, LockMode)],
        keep: usize,
    ) -> Result<Option<&'a (Resource, LockMode)>> {
        self.check()?;
        let manager = Arc::clone(&self.manager);
        let mut table = manager.table.lock();
        self.introduce(&mut table)?;
        for wish in wanted {
            if !table.grant_now(self.id, &wish.0, wish.1)? {
                table.release_after(self.id, keep);
                return Ok(Some(wish));
            }
        }
        Ok(None)
    }

    /// Makes the manager know this owner; fails if the owner has to give way.
    fn introduce(&mut self, table: &mut LockTable) -> Result<()> {
        if self.doomed.load(Ordering::Acquire) {
            return Err(gave_way());
        }
        if !self.is_known {
            table.introduce(self.id, Known::new(self));
            self.is_known = true;
        }
        Ok(())
    }

    /// The last moment to give way: afterwards the commit goes through as far as locks are concerned.
    pub(crate) fn begin_commit(&self) -> Result<()> {
        let mut table = self.manager.table.lock();
        if self.doomed.load(Ordering::Acquire) {
            return Err(gave_way());
        }
        if let Some(owner) = table.owners.get_mut(&self.id) {
            owner.is_committing = true;
        }
        Ok(())
    }
}

impl Drop for LockOwner {
    fn drop(&mut self) {
        if self.is_known {
            let mut table = self.manager.table.lock();
            table.release_all(self.id);
            table.forget(self.id);
        }
    }
}

fn gave_way() -> Error {
    Error::Serialization("could not serialize access: the transaction gave way to changes from another node".to_owned())
}

#[cfg(test)]
mod tests;
