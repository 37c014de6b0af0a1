//! The line of those who want to commit.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use super::{CommitInfo, CommitRequest};
use crate::error::Result;

/// Commits that may wait in line; who comes later waits to get into it.
const MAX_WAITING: usize = 1024;

/// Commits that go to disk together at most.
const MAX_GROUP: usize = 256;

#[derive(Default)]
pub(super) struct Line {
    state: Mutex<LineState>,
    has_room: Condvar,
}

#[derive(Default)]
struct LineState {
    waiting: VecDeque<Member>,
    is_led: bool,
}

/// One who waits.
pub(super) struct Member {
    pub(super) ticket: Arc<Ticket>,
    pub(super) request: CommitRequest,
}

/// Where a committer waits for its turn or its answer.
#[derive(Default)]
pub(super) struct Ticket {
    turn: Mutex<Option<Turn>>,
    wake: Condvar,
}

/// What a committer is woken up for.
pub(super) enum Turn {
    /// To commit the next group, its own request among them.
    Lead,
    /// To go home.
    Done(Result<CommitInfo>),
}

impl Line {
    pub(super) fn join(&self, request: CommitRequest) -> Arc<Ticket> {
        let ticket = Arc::new(Ticket::default());
        let mut state = self.state.lock();
        while state.waiting.len() >= MAX_WAITING {
            self.has_room.wait(&mut state);
        }
        state.waiting.push_back(Member { ticket: Arc::clone(&ticket), request });
        if !state.is_led {
            state.is_led = true;
            ticket.call(Turn::Lead);
        }
        ticket
    }

    pub(super) fn take_group(&self) -> Vec<Member> {
        let mut state = self.state.lock();
        let count = state.waiting.len().min(MAX_GROUP);
        let group = state.waiting.drain(..count).collect();
        self.has_room.notify_all();
        group
    }

    /// Gives the lead to the first in line.
    pub(super) fn pass_on(&self) {
        let mut state = self.state.lock();
        match state.waiting.front() {
            Some(member) => member.ticket.call(Turn::Lead),
            None => state.is_led = false,
        }
    }
}

impl Ticket {
    fn call(&self, turn: Turn) {
        *self.turn.lock() = Some(turn);
        self.wake.notify_one();
    }

    pub(super) fn answer(&self, result: Result<CommitInfo>) {
        self.call(Turn::Done(result));
    }

    pub(super) fn wait(&self) -> Turn {
        let mut turn = self.turn.lock();
        loop {
            match turn.take() {
                Some(turn) => return turn,
                None => self.wake.wait(&mut turn),
            }
        }
    }
}
