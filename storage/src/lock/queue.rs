//! Who holds one resource and who waits for it.

use std::collections::VecDeque;

use super::mode::{LockMode, ModeSet, conflict};
use super::{OwnerId, Resource};

/// The state of one locked resource.
#[derive(Default)]
pub(super) struct LockQueue {
    holders: Vec<(OwnerId, ModeSet)>,
    waiters: VecDeque<(OwnerId, LockMode)>,
}

impl LockQueue {
    pub(super) fn is_unused(&self) -> bool {
        self.holders.is_empty() && self.waiters.is_empty()
    }

    /// Whether the owner holds the mode, or has it implied by a stronger one.
    pub(super) fn holds(&self, owner: OwnerId, mode: LockMode) -> bool {
        self.modes_of(owner).is_some_and(|modes| modes.contains(mode) || modes.contains(strongest_of(mode)))
    }

    pub(super) fn is_held_by(&self, owner: OwnerId) -> bool {
        self.modes_of(owner).is_some()
    }

    /// Whether any owner of the party holds the resource.
    fn is_held_by_party_of(&self, owner: OwnerId) -> bool {
        self.holders.iter().any(|(holder, _)| holder.party == owner.party)
    }

    /// Who holds the resource, and how.
    pub(super) fn holders(&self) -> &[(OwnerId, ModeSet)] {
        &self.holders
    }

    /// Who waits for it, and how.
    pub(super) const fn waiters(&self) -> &VecDeque<(OwnerId, LockMode)> {
        &self.waiters
    }

    /// Takes one mode away from its holder; whether it holds no other.
    pub(super) fn remove_mode(&mut self, owner: OwnerId, mode: LockMode) -> bool {
        let Some((_, modes)) = self.holders.iter_mut().find(|(holder, _)| *holder == owner) else { return true };
        modes.remove(mode);
        let is_gone = modes.is_empty();
        if is_gone {
            self.remove_holder(owner);
        }
        is_gone
    }

    fn modes_of(&self, owner: OwnerId) -> Option<ModeSet> {
        self.holders.iter().find(|(holder, _)| *holder == owner).map(|(_, modes)| *modes)
    }

    /// Grants the lock if nobody is in the way: no holder, and no earlier waiter (who would starve otherwise). Who holds
    /// the resource already need not queue behind those that wait for its release.
    pub(super) fn try_grant(&mut self, owner: OwnerId, mode: LockMode) -> bool {
        let overtakes = self.is_held_by_party_of(owner);
        let is_free = self.is_compatible(owner, mode)
            && (overtakes || self.waiters.iter().all(|(_, waiting)| !conflict(mode, *waiting)));
        if is_free {
            self.grant(owner, mode);
        }
        is_free
    }

    fn is_compatible(&self, owner: OwnerId, mode: LockMode) -> bool {
        self.holders.iter().all(|(holder, modes)| holder.party == owner.party || !modes.conflicts_with(mode))
    }

    fn grant(&mut self, owner: OwnerId, mode: LockMode) {
        match self.holders.iter_mut().find(|(holder, _)| *holder == owner) {
            Some((_, modes)) => modes.insert(mode),
            None => {
                let mut modes = ModeSet::default();
                modes.insert(mode);
                self.holders.push((owner, modes));
            }
        }
    }

    /// Lines up: at the end, or, if the owner holds the resource already, before those that do not.
    pub(super) fn enqueue(&mut self, owner: OwnerId, mode: LockMode) {
        let place = if self.is_held_by_party_of(owner) {
            self.waiters.iter().take_while(|(waiter, _)| self.is_held_by_party_of(*waiter)).count()
        } else {
            self.waiters.len()
        };
        self.waiters.insert(place, (owner, mode));
    }

    pub(super) fn remove_waiter(&mut self, owner: OwnerId) {
        self.waiters.retain(|(waiter, _)| *waiter != owner);
    }

    pub(super) fn remove_holder(&mut self, owner: OwnerId) {
        self.holders.retain(|(holder, _)| *holder != owner);
    }

    /// Grants what can be granted now, in order, and returns who got it and whether it held nothing here before.
    pub(super) fn promote(&mut self) -> Vec<(OwnerId, bool)> {
        let mut granted = Vec::new();
        let mut still_waiting = VecDeque::with_capacity(self.waiters.len());
        for (owner, mode) in std::mem::take(&mut self.waiters) {
            let is_behind = still_waiting.iter().any(|(_, earlier)| conflict(mode, *earlier));
            if (is_behind && !self.is_held_by_party_of(owner)) || !self.is_compatible(owner, mode) {
                still_waiting.push_back((owner, mode));
            } else {
                granted.push((owner, !self.is_held_by(owner)));
                self.grant(owner, mode);
            }
        }
        self.waiters = still_waiting;
        granted
    }

    /// Who keeps the waiter waiting: holders, and waiters before it, unless it overtakes them as a holder.
    pub(super) fn blockers<'a>(&'a self, owner: OwnerId, mode: LockMode) -> impl Iterator<Item = OwnerId> + 'a {
        let holders = self
            .holders
            .iter()
            .filter(move |(holder, modes)| holder.party != owner.party && modes.conflicts_with(mode))
            .map(|(holder, _)| *holder);
        let overtakes = self.is_held_by_party_of(owner);
        let waiters = self
            .waiters
            .iter()
            .take_while(move |(waiter, _)| *waiter != owner && !overtakes)
            .filter(move |(_, waiting)| conflict(mode, *waiting))
            .map(|(waiter, _)| *waiter);
        holders.chain(waiters)
    }
}

/// The mode that implies all others of its kind.
const fn strongest_of(mode: LockMode) -> LockMode {
    use crate::transaction::{RowLock, TableLock};
    match mode {
        LockMode::Table(_) => LockMode::Table(TableLock::AccessExclusive),
        LockMode::Row(_) => LockMode::Row(RowLock::Update),
        // Advisory locks are given back mode by mode.
        LockMode::Exclusive | LockMode::Shared => mode,
    }
}

impl std::fmt::Display for Resource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ddl => write!(f, "the catalog"),
            Self::Apply => write!(f, "what sync installs"),
            Self::Table(relation) => write!(f, "relation {relation}"),
            Self::Row(relation, _) => write!(f, "a row of relation {relation}"),
            Self::UniqueKey(index, _) => write!(f, "a key of unique index {index}"),
            Self::Advisory(key) => write!(f, "{key}"),
        }
    }
}
