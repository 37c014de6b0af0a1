//! The only place where a commit gets its sequence number.
//!
//! ```text
//!  committers ──► line (bounded) ──► the first one leads: takes all that wait,
//!                                    gives each its (seq, time), fills them into what it wrote,
//!                                    one write transaction of the base, one sync ──► new ReadView ──► answers
//! ```
//!
//! There is no thread: whoever finds nobody leading does it for one group, and passes the lead to the first of those that
//! came meanwhile. If the base fails to commit, nobody knows what is on disk: the group is told so, and the store refuses
//! to go on. It also refuses after an error of the disk before that, because the base does.

mod group;
mod line;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use heliosdb_crdt::{Hlc, HlcClock};
use parking_lot::{Mutex, RwLock};

use crate::base::{Base, Space};
use crate::catalog::Catalog;
use crate::error::{Error, Result};
use crate::ids::{CommitSeq, LocalSeq, SchemaVersion, ServerSeq, SyncTableId};
use crate::key::RowKey;
use crate::overlay::SpaceWrites;
use crate::sync_row::{Identity, RowOp};
use crate::view::ReadView;

use line::Line;

/// What a commit was given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CommitInfo {
    /// Its position in this store.
    pub seq: CommitSeq,
    /// Its time.
    pub hlc: Hlc,
    /// Its position in the outbox, if it went there.
    pub local_seq: Option<LocalSeq>,
    /// Whether it changed a synced table or its schema (a hub then has something new for its edges).
    pub changed_synced: bool,
}

const OUTCOME_UNKNOWN: &str = "a commit failed and its outcome is unknown";

/// A function called after commits.
pub(crate) type CommitHook = Arc<dyn Fn(&CommitInfo) + Send + Sync>;

/// What a transaction wants committed.
#[derive(Default)]
pub(crate) struct CommitRequest {
    pub(crate) writes: Vec<SpaceWrites>,
    pub(crate) dropped: Vec<Space>,
    /// The catalog after its DDL.
    pub(crate) catalog: Option<Arc<Catalog>>,
    /// Who this node is from this commit on.
    pub(crate) identity: Option<Identity>,
    /// What goes to the outbox.
    pub(crate) outgoing: Option<Outgoing>,
    /// Rows that get a place in the hub's feed.
    pub(crate) feed: Vec<(SyncTableId, RowKey)>,
    /// Positions of the outbox up to this one are not to be given again.
    pub(crate) skip_local_seq_to: LocalSeq,
    pub(crate) changed_synced: bool,
}

/// An entry of the outbox that lacks what the sequencer gives.
pub(crate) struct Outgoing {
    pub(crate) cursor: ServerSeq,
    pub(crate) run: u64,
    pub(crate) schema_version: SchemaVersion,
    pub(crate) ops: Vec<RowOp>,
}

/// Orders commits and publishes what they made.
pub(crate) struct Sequencer {
    base: Base,
    view: RwLock<Arc<ReadView>>,
    line: Line,
    clock: Mutex<HlcClock>,
    wall_clock: Arc<dyn Fn() -> u64 + Send + Sync>,
    next_row_number: Arc<std::sync::atomic::AtomicU64>,
    hooks: RwLock<Vec<CommitHook>>,
    is_stopped: AtomicBool,
}

impl Sequencer {
    pub(crate) fn new(base: Base, view: ReadView, wall_clock: Arc<dyn Fn() -> u64 + Send + Sync>) -> Self {
        let head = view.head;
        Self {
            base,
            view: RwLock::new(Arc::new(view)),
            line: Line::default(),
            clock: Mutex::new(HlcClock::starting_after(head.hlc)),
            wall_clock,
            next_row_number: Arc::new(head.next_row_number.into()),
            hooks: RwLock::default(),
            is_stopped: AtomicBool::new(false),
        }
    }

    /// The latest committed state.
    pub(crate) fn view(&self) -> Arc<ReadView> {
        Arc::clone(&self.view.read())
    }

    /// A hidden row number that no row has. Whatever is committed with it persists a number above it.
    pub(crate) fn next_row_number(&self) -> u64 {
        self.next_row_number.fetch_add(1, Ordering::Relaxed)
    }

    /// Takes note of a time seen elsewhere, so that commits from now on are later.
    pub(crate) fn observe(&self, seen: Hlc) {
        self.clock.lock().observe(seen);
    }

    /// Milliseconds since the Unix epoch.
    pub(crate) fn wall_millis(&self) -> u64 {
        (self.wall_clock)()
    }

    /// Calls the function after every commit.
    pub(crate) fn add_hook(&self, hook: CommitHook) {
        self.hooks.write().push(hook);
    }

    /// Whether an earlier commit failed in a way after which the store must not go on.
    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Acquire)
    }

    /// Fails if the store must not go on.
    pub(crate) fn check(&self) -> Result<()> {
        if self.is_stopped() {
            return Err(Error::Io(std::io::Error::other("the store has stopped after a failed commit; restart it")));
        }
        Ok(())
    }

    /// Makes a transaction durable and visible; returns when it is both.
    pub(crate) fn commit(&self, request: CommitRequest) -> Result<CommitInfo> {
        self.check()?;
        let ticket = self.line.join(request);
        loop {
            match ticket.wait() {
                line::Turn::Lead => self.lead(),
                line::Turn::Done(result) => return result,
            }
        }
    }

    /// Commits one group and passes the lead on, even if something panics on the way.
    fn lead(&self) {
        let mut leading = Leading { sequencer: self, group: self.line.take_group() };
        let requests: Vec<CommitRequest> =
            leading.group.iter_mut().map(|member| std::mem::take(&mut member.request)).collect();
        let results = self.commit_group(&requests);
        self.call_hooks(results.iter().filter_map(|result| result.as_ref().ok()));
        for (member, result) in leading.group.drain(..).zip(results) {
            member.ticket.answer(result);
        }
    }

    fn call_hooks<'a>(&self, commits: impl Iterator<Item = &'a CommitInfo>) {
        let hooks = self.hooks.read().clone();
        for commit in commits {
            for hook in &hooks {
                hook(commit);
            }
        }
    }

    /// All of a group, or, if that fails without any trace, each one alone: one bad member must not fail the others.
    fn commit_group(&self, requests: &[CommitRequest]) -> Vec<Result<CommitInfo>> {
        if let Err(error) = self.check() {
            let message = error.to_string();
            return requests.iter().map(|_| Err(Error::Io(std::io::Error::other(message.clone())))).collect();
        }
        let group: Vec<&CommitRequest> = requests.iter().collect();
        match self.try_group(&group) {
            Ok(infos) => infos.into_iter().map(Ok).collect(),
            Err(group::Failure::NothingDone(error)) if group.len() == 1 => vec![Err(error)],
            Err(group::Failure::NothingDone(_)) => group.iter().map(|&request| self.commit_alone(request)).collect(),
            Err(group::Failure::Unknown(message)) => {
                self.stop(OUTCOME_UNKNOWN);
                group.iter().map(|_| Err(Error::CommitUnknown(message.clone()))).collect()
            }
        }
    }

    fn commit_alone(&self, request: &CommitRequest) -> Result<CommitInfo> {
        self.check()?;
        match self.try_group(&[request]) {
            Ok(infos) => Ok(infos.into_iter().next().expect("BUG: one request has one answer")),
            Err(group::Failure::NothingDone(error)) => Err(error),
            Err(group::Failure::Unknown(message)) => {
                self.stop(OUTCOME_UNKNOWN);
                Err(Error::CommitUnknown(message))
            }
        }
    }

    fn stop(&self, why: &str) {
        self.is_stopped.store(true, Ordering::Release);
        tracing::error!("{why}: the store stops");
    }

    fn publish(&self, view: ReadView) {
        *self.view.write() = Arc::new(view);
    }
}

/// The members of the group being committed, answered whatever happens.
struct Leading<'a> {
    sequencer: &'a Sequencer,
    group: Vec<line::Member>,
}

impl Drop for Leading<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.sequencer.stop(OUTCOME_UNKNOWN);
        }
        for member in self.group.drain(..) {
            member.ticket.answer(Err(Error::CommitUnknown("the commit was interrupted".to_owned())));
        }
        self.sequencer.line.pass_on();
    }
}
