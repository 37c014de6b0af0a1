//! Savepoints: a list of what to undo, newest last.

use std::sync::Arc;

use bytes::Bytes;

use super::pending::{Event, Modes};
use super::{Savepoint, Transaction};
use crate::base::Space;
use crate::catalog::Catalog;
use crate::sync_row::Identity;

/// One thing that was done, and how to undo it.
pub(super) enum Undo {
    /// A version was put into the overlay.
    Put(Space, Bytes),
    /// A space was marked for removal.
    DropSpace(Space),
    /// An operation was noted for the outbox.
    Op,
    /// A row was noted for the feed.
    Feed,
    /// Something was put off to the end of the transaction.
    Deferred,
    /// Something that was put off was judged.
    Judged(usize, Event),
    /// SET CONSTRAINTS had said something else.
    Modes(Modes),
    /// The catalog was another one.
    Catalog(Arc<Catalog>),
    /// Who this node is was something else.
    Identity(Option<Identity>),
}

impl Transaction {
    /// A place to roll back to.
    pub const fn savepoint(&mut self) -> Savepoint {
        Savepoint { undo_len: self.writes.undo.len() }
    }

    /// Undoes everything since the savepoint, DDL included; locks stay.
    pub fn rollback_to(&mut self, savepoint: Savepoint) {
        // A statement that is undone leaves nothing to judge; those before it have been judged.
        self.writes.pending.clear_queue();
        while self.writes.undo.len() > savepoint.undo_len {
            let Some(undo) = self.writes.undo.pop() else { break };
            self.undo(undo);
        }
    }

    fn undo(&mut self, undo: Undo) {
        let writes = &mut self.writes;
        match undo {
            Undo::Put(space, key) => writes.overlay.undo_put(space, &key),
            Undo::DropSpace(space) => writes.overlay.undo_drop_space(space),
            Undo::Op => {
                writes.ops.pop();
            }
            Undo::Feed => {
                writes.feed.pop();
            }
            Undo::Deferred => writes.pending.undo_deferred(),
            Undo::Judged(at, event) => writes.pending.undo_judged(at, event),
            Undo::Modes(modes) => writes.pending.set_modes(modes),
            Undo::Catalog(catalog) => {
                self.catalog = catalog;
                self.writable.clear();
            }
            Undo::Identity(identity) => writes.identity = identity,
        }
    }
}
