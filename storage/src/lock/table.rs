//! All locks and all who hold them or wait, under one mutex.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Condvar;

use super::mode::LockMode;
use super::queue::LockQueue;
use super::{LockOwner, OwnerId, PartyId, Resource};
use crate::error::{Error, Result};

/// Locks that one transaction may hold; a bound on what one client can make the store remember.
const MAX_LOCKS_PER_OWNER: usize = 8 << 20;

/// The state of the lock manager.
#[derive(Default)]
pub(super) struct LockTable {
    pub(super) queues: HashMap<Resource, LockQueue>,
    pub(super) owners: HashMap<OwnerId, Known>,
    /// The owners of each party that the manager knows.
    parties: HashMap<PartyId, Vec<OwnerId>>,
}

/// What the manager knows of an owner.
pub(super) struct Known {
    pub(super) is_applier: bool,
    pub(super) held: Vec<Resource>,
    pub(super) waiting: Option<(Resource, LockMode)>,
    pub(super) wake: Arc<Condvar>,
    pub(super) doomed: Arc<AtomicBool>,
    /// Past the point where it could be made to give way.
    pub(super) is_committing: bool,
    /// Holds advisory locks, which are never taken away.
    pub(super) is_session: bool,
}

impl Known {
    pub(super) fn new(owner: &LockOwner) -> Self {
        Self {
            is_applier: owner.is_applier,
            held: Vec::new(),
            waiting: None,
            wake: Arc::default(),
            doomed: Arc::clone(&owner.doomed),
            is_committing: false,
            is_session: owner.is_session,
        }
    }
}

/// What became of a request.
pub(super) enum Request {
    Granted,
    Queued(Arc<Condvar>),
}

impl LockTable {
    pub(super) fn request(&mut self, owner: OwnerId, resource: Resource, mode: LockMode) -> Result<Request> {
        if self.grant_now(owner, &resource, mode)? {
            return Ok(Request::Granted);
        }
        self.queues.entry(resource.clone()).or_default().enqueue(owner, mode);
        let party = self.owners.get_mut(&owner).expect("BUG: the owner was just made known");
        party.waiting = Some((resource, mode));
        Ok(Request::Queued(Arc::clone(&party.wake)))
    }

    /// Grants a lock if nobody is in the way.
    pub(super) fn grant_now(&mut self, owner: OwnerId, resource: &Resource, mode: LockMode) -> Result<bool> {
        let party = self.owners.get_mut(&owner).expect("BUG: the owner was just made known");
        let queue = self.queues.entry(resource.clone()).or_default();
        if queue.holds(owner, mode) {
            return Ok(true);
        }
        let is_new = !queue.is_held_by(owner);
        if is_new && party.held.len() >= MAX_LOCKS_PER_OWNER {
            self.forget_if_unused(resource);
            return Err(Error::LimitExceeded(format!("a transaction may hold {MAX_LOCKS_PER_OWNER} locks")));
        }
        let is_granted = queue.try_grant(owner, mode);
        if is_granted && is_new {
            party.held.push(resource.clone());
        }
        Ok(is_granted)
    }

    /// How many resources the owner holds locks on.
    pub(super) fn held(&self, owner: OwnerId) -> usize {
        self.owners.get(&owner).map_or(0, |party| party.held.len())
    }

    /// Gives back all but the first `keep` resources that the owner got hold of.
    pub(super) fn release_after(&mut self, owner: OwnerId, keep: usize) {
        let Some(party) = self.owners.get_mut(&owner) else { return };
        let given_back = party.held.split_off(keep.min(party.held.len()));
        self.release(owner, given_back);
    }

    pub(super) fn waits_for(&self, owner: OwnerId) -> Option<&Resource> {
        self.owners.get(&owner)?.waiting.as_ref().map(|(resource, _)| resource)
    }

    fn forget_if_unused(&mut self, resource: &Resource) {
        if self.queues.get(resource).is_some_and(LockQueue::is_unused) {
            self.queues.remove(resource);
        }
    }

    /// Grants what a release or a departure has made possible.
    fn promote(&mut self, resource: &Resource) {
        let Some(queue) = self.queues.get_mut(resource) else { return };
        for (owner, is_new) in queue.promote() {
            let party = self.owners.get_mut(&owner).expect("BUG: a waiter is known");
            party.waiting = None;
            if is_new {
                party.held.push(resource.clone());
            }
            party.wake.notify_all();
        }
        self.forget_if_unused(resource);
    }

    pub(super) fn leave_queue(&mut self, owner: OwnerId) {
        let Some((resource, _)) = self.owners.get_mut(&owner).and_then(|party| party.waiting.take()) else { return };
        if let Some(queue) = self.queues.get_mut(&resource) {
            queue.remove_waiter(owner);
        }
        self.promote(&resource);
    }

    pub(super) fn release_all(&mut self, owner: OwnerId) {
        self.leave_queue(owner);
        let held = self.owners.get_mut(&owner).map(|party| std::mem::take(&mut party.held)).unwrap_or_default();
        self.release(owner, held);
    }

    fn release(&mut self, owner: OwnerId, resources: Vec<Resource>) {
        for resource in resources {
            if let Some(queue) = self.queues.get_mut(&resource) {
                queue.remove_holder(owner);
            }
            self.promote(&resource);
        }
    }

    /// Makes an owner known.
    pub(super) fn introduce(&mut self, owner: OwnerId, known: Known) {
        self.owners.insert(owner, known);
        self.parties.entry(owner.party).or_default().push(owner);
    }

    /// Forgets an owner that holds nothing any more.
    pub(super) fn forget(&mut self, owner: OwnerId) {
        self.owners.remove(&owner);
        if let Entry::Occupied(mut party) = self.parties.entry(owner.party) {
            party.get_mut().retain(|known| *known != owner);
            if party.get().is_empty() {
                party.remove();
            }
        }
    }

    /// Gives one mode of a resource back.
    pub(super) fn release_mode(&mut self, owner: OwnerId, resource: &Resource, mode: LockMode) {
        let Some(queue) = self.queues.get_mut(resource) else { return };
        if queue.remove_mode(owner, mode)
            && let Some(known) = self.owners.get_mut(&owner)
        {
            known.held.retain(|held| held != resource);
        }
        self.promote(resource);
    }

    fn blockers(&self, owner: OwnerId) -> Vec<OwnerId> {
        let Some((resource, mode)) = self.owners.get(&owner).and_then(|party| party.waiting.as_ref()) else {
            return Vec::new();
        };
        self.queues.get(resource).map(|queue| queue.blockers(owner, *mode).collect()).unwrap_or_default()
    }

    /// The owner of a party that waits: a session does one thing at a time.
    fn waiter_of(&self, party: PartyId) -> Option<OwnerId> {
        let owners = self.parties.get(&party)?;
        owners.iter().copied().find(|owner| self.owners.get(owner).is_some_and(|known| known.waiting.is_some()))
    }

    /// Whom a party waits for.
    fn blocking_parties(&self, party: PartyId) -> Vec<PartyId> {
        let blockers = self.waiter_of(party).map(|owner| self.blockers(owner)).unwrap_or_default();
        blockers.into_iter().map(|owner| owner.party).collect()
    }

    /// Takes the locks of a party's transaction away for good. False if there is none that can be made to give way.
    fn doom_party(&mut self, party: PartyId) -> bool {
        let owners = self.parties.get(&party).cloned().unwrap_or_default();
        owners.into_iter().any(|owner| self.doom(owner))
    }

    /// Takes the owner's locks away for good. False if it cannot be made to give way.
    fn doom(&mut self, owner: OwnerId) -> bool {
        let Some(party) = self.owners.get_mut(&owner) else { return false };
        if party.is_applier || party.is_committing || party.is_session {
            return false;
        }
        party.doomed.store(true, Ordering::Release);
        party.wake.notify_all();
        self.release_all(owner);
        true
    }

    pub(super) fn doom_blockers(&mut self, owner: OwnerId) {
        for blocker in self.blockers(owner) {
            self.doom(blocker);
        }
    }

    /// If the owner waits for itself: fails, or, if it is an applier, makes another one of the cycle give way.
    pub(super) fn break_deadlock(&mut self, owner: OwnerId) -> Result<()> {
        let Some(cycle) = self.find_cycle(owner.party) else { return Ok(()) };
        let is_applier = self.owners.get(&owner).is_some_and(|party| party.is_applier);
        if is_applier && cycle.iter().any(|&other| self.doom_party(other)) {
            return Ok(());
        }
        Err(Error::Deadlock(self.describe(&cycle)))
    }

    /// The shortest way from the party back to itself along who waits for whom.
    pub(super) fn find_cycle(&self, start: PartyId) -> Option<Vec<PartyId>> {
        let mut reached_from: HashMap<PartyId, PartyId> = HashMap::new();
        let mut frontier = VecDeque::from([start]);
        while let Some(owner) = frontier.pop_front() {
            for blocker in self.blocking_parties(owner) {
                if blocker == start {
                    let mut cycle = vec![owner];
                    let mut at = owner;
                    while let Some(&before) = reached_from.get(&at) {
                        cycle.push(before);
                        at = before;
                    }
                    cycle.reverse();
                    return Some(cycle);
                }
                if let Entry::Vacant(place) = reached_from.entry(blocker) {
                    place.insert(owner);
                    frontier.push_back(blocker);
                }
            }
        }
        None
    }

    fn describe(&self, cycle: &[PartyId]) -> String {
        let wait = |party: &PartyId| {
            let owner = self.waiter_of(*party)?;
            Some(format!("transaction {} waits for {}", owner.number, self.waits_for(owner)?))
        };
        let waits: Vec<String> = cycle.iter().filter_map(wait).collect();
        waits.join("; ")
    }
}
