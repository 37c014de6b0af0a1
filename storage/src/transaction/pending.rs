//! What is judged after the rows have been written: foreign keys with their actions, and deferrable UNIQUE.
//!
//! ```text
//!  a row changes ──► queue ── end of the statement ──► judge, act (which may add to the queue) ──► empty
//!                      │ deferrable, and deferred now
//!                      └──► deferred ── COMMIT, or SET CONSTRAINTS … IMMEDIATE ──► judge
//! ```
//!
//! The order is that of PostgreSQL's triggers: by the change of a row, then the foreign keys that refer to the row and
//! those of the row, each in the order of their making; what an action changes comes last.

use std::collections::{HashMap, HashSet, VecDeque};

use bytes::Bytes;

use super::Transaction;
use super::undo::Undo;
use crate::catalog::{Catalog, Deferral, ForeignKeyDef, ReferentialAction};
use crate::error::Result;
use crate::ids::RelationId;
use crate::key::RowKey;
use crate::value::Value;

/// Something that has to be judged.
#[derive(Clone, Debug)]
pub(super) struct Event {
    /// The table whose row has changed: the parent of a foreign key, or the one that has the constraint.
    pub table: RelationId,
    /// The foreign key, or the index of UNIQUE.
    pub constraint: RelationId,
    /// What has happened.
    pub kind: EventKind,
}

/// What has happened to a row.
#[derive(Clone, Debug)]
pub(super) enum EventKind {
    /// It refers to another one now.
    Child(RowKey),
    /// Others may have referred to these values of it, in the order of the foreign key. It has others now, or is gone.
    Parent { child: RelationId, old: Vec<Value>, new: Option<Vec<Value>> },
    /// It has values that another row had too when it was written.
    Unique(RowKey),
}

/// What is known of a foreign key that an event names, or of a unique index.
struct Found<'a> {
    deferral: Deferral,
    foreign: Option<&'a ForeignKeyDef>,
}

/// All that waits to be judged.
#[derive(Default)]
pub(super) struct Pending {
    queue: VecDeque<Event>,
    /// None in place of what was judged meanwhile.
    deferred: Vec<Option<Event>>,
    modes: Modes,
    /// Parents that are locked and there: no need to look for them again within one statement.
    pub known_parents: HashSet<(RelationId, Vec<usize>, Bytes)>,
}

/// What SET CONSTRAINTS has said in this transaction; true is DEFERRED.
#[derive(Clone, Default)]
pub(super) struct Modes {
    all: Option<bool>,
    of: HashMap<RelationId, bool>,
}

impl Modes {
    fn is_deferred(&self, constraint: RelationId, deferral: Deferral) -> bool {
        let said = self.of.get(&constraint).copied().or(self.all);
        match deferral {
            Deferral::NotDeferrable => false,
            Deferral::InitiallyImmediate => said.unwrap_or(false),
            Deferral::InitiallyDeferred => said.unwrap_or(true),
        }
    }
}

impl Pending {
    /// Forgets what is not judged yet of a statement that is undone.
    pub(super) fn clear_queue(&mut self) {
        self.queue.clear();
        self.known_parents.clear();
    }

    pub(super) fn undo_deferred(&mut self) {
        self.deferred.pop();
    }

    pub(super) fn undo_judged(&mut self, at: usize, event: Event) {
        if let Some(place) = self.deferred.get_mut(at) {
            *place = Some(event);
        }
    }

    pub(super) fn set_modes(&mut self, modes: Modes) {
        self.modes = modes;
    }
}

impl Transaction {
    pub(super) fn note(&mut self, event: Event) {
        if matches!(event.kind, EventKind::Parent { .. }) {
            self.writes.pending.known_parents.clear();
        }
        self.writes.pending.queue.push_back(event);
    }

    /// Judges what is left for the end of the statement; puts off what is deferred.
    pub(super) fn judge_queue_of_events(&mut self) -> Result<()> {
        self.drain_events(true)
    }

    /// Judges all that is left, at the end of the transaction.
    pub(super) fn judge_deferred(&mut self) -> Result<()> {
        self.drain_events(true)?;
        let deferred = std::mem::take(&mut self.writes.pending.deferred);
        self.writes.pending.queue.extend(deferred.into_iter().flatten());
        self.drain_events(false)
    }

    fn drain_events(&mut self, defers: bool) -> Result<()> {
        while let Some(event) = self.writes.pending.queue.pop_front() {
            self.locks.check()?;
            let catalog = self.latest_catalog();
            // The constraint may have been dropped since.
            let Some(found) = find(&catalog, &event) else { continue };
            let is_put_off = defers
                && is_deferrable(&event, found.foreign)
                && self.writes.pending.modes.is_deferred(event.constraint, found.deferral);
            if is_put_off {
                self.writes.pending.deferred.push(Some(event));
                self.writes.undo.push(Undo::Deferred);
                continue;
            }
            self.judge_event(&catalog, event)?;
        }
        self.writes.pending.known_parents.clear();
        Ok(())
    }

    fn judge_event(&mut self, catalog: &Catalog, event: Event) -> Result<()> {
        match event.kind {
            EventKind::Child(key) => self.judge_child(catalog, event.table, event.constraint, &key),
            EventKind::Parent { child, old, new } => {
                self.act_on_children(catalog, (event.table, child, event.constraint), &old, new.as_deref())
            }
            EventKind::Unique(key) => self.judge_deferred_unique(catalog, event.table, event.constraint, &key),
        }
    }

    /// SET CONSTRAINTS: those named, or all that are deferrable. What becomes immediate is judged now.
    pub fn set_constraints(&mut self, named: Option<&[RelationId]>, deferred: bool) -> Result<()> {
        let before = self.writes.pending.modes.clone();
        let modes = &mut self.writes.pending.modes;
        match named {
            None => *modes = Modes { all: Some(deferred), of: HashMap::new() },
            Some(ids) => modes.of.extend(ids.iter().map(|id| (*id, deferred))),
        }
        self.writes.undo.push(Undo::Modes(before));
        if deferred {
            return Ok(());
        }
        let catalog = self.latest_catalog();
        let Pending { queue, deferred, modes, .. } = &mut self.writes.pending;
        for (at, place) in deferred.iter_mut().enumerate() {
            let is_due = |event: &Event| {
                find(&catalog, event).is_none_or(|found| !modes.is_deferred(event.constraint, found.deferral))
            };
            if place.as_ref().is_some_and(is_due)
                && let Some(event) = place.take()
            {
                self.writes.undo.push(Undo::Judged(at, event.clone()));
                queue.push_back(event);
            }
        }
        self.drain_events(true)
    }

    /// Whether something that concerns the table is still to be judged: then the table must stay as it is.
    pub fn has_pending_events(&self, table: RelationId) -> bool {
        let concerns = |event: &Event| {
            event.table == table || matches!(event.kind, EventKind::Parent { child, .. } if child == table)
        };
        self.writes.pending.deferred.iter().flatten().any(concerns)
    }
}

/// The constraint of an event, as it is now.
fn find<'a>(catalog: &'a Catalog, event: &Event) -> Option<Found<'a>> {
    let owner = match &event.kind {
        EventKind::Parent { child, .. } => *child,
        EventKind::Child(_) | EventKind::Unique(_) => event.table,
    };
    let table = catalog.table_by_id(owner)?;
    if matches!(event.kind, EventKind::Unique(_)) {
        let index = table.indexes.iter().find(|index| index.id == event.constraint)?;
        return Some(Found { deferral: index.deferral, foreign: None });
    }
    let foreign = table.foreign_keys.iter().find(|foreign| foreign.id == event.constraint)?;
    Some(Found { deferral: foreign.deferral, foreign: Some(foreign) })
}

/// Whether the end of the statement may pass without it: actions are never put off, nor is RESTRICT.
fn is_deferrable(event: &Event, foreign: Option<&ForeignKeyDef>) -> bool {
    let (EventKind::Parent { new, .. }, Some(foreign)) = (&event.kind, foreign) else { return true };
    let action = if new.is_some() { foreign.on_update } else { foreign.on_delete };
    action == ReferentialAction::NoAction
}
