//! LISTEN and NOTIFY: messages between sessions, delivered when the sender's transaction is committed.
//!
//! ```text
//!  NOTIFY ─► pending (in the transaction) ── COMMIT, one at a time ──► queue ─► each listener reads on from its place
//!                                                                        └─ wakes those whose channel it is
//! ```
//!
//! All listeners share one queue in memory; an entry stays until the slowest of them has gone by. When it is full, a COMMIT
//! that notifies fails: somebody listens and is in the middle of a transaction for too long.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use super::backend::Backend;
use super::{Session, TransactionStatus};
use crate::error::{Result, SqlError, SqlState};

/// Bytes of all notifications that have not reached all listeners.
pub const MAX_QUEUE_BYTES: usize = 16 * 1024 * 1024;
/// The longest payload is shorter than this, as in PostgreSQL.
pub const PAYLOAD_BOUND: usize = 8_000;
/// The longest name of a channel is shorter than this.
const CHANNEL_BOUND: usize = 64;
/// What an entry costs beside its texts.
const ENTRY_BYTES: usize = 64;
/// Channels that one session may listen to.
const MAX_CHANNELS: usize = 10_000;

/// A message to a listener.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notification {
    /// The session that has sent it.
    pub pid: i32,
    /// The channel.
    pub channel: Arc<str>,
    /// What is told.
    pub payload: Arc<str>,
}

/// The queue of an engine, and who listens.
#[derive(Default)]
pub struct Notifier {
    /// Held by a transaction that notifies from before its commit until its messages are in the queue: so they are there in
    /// the order of the commits.
    commit: Mutex<()>,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    entries: VecDeque<Notification>,
    /// The number of the first entry.
    first: u64,
    bytes: usize,
    listeners: HashMap<i32, Listener>,
}

struct Listener {
    backend: Arc<Backend>,
    channels: BTreeSet<String>,
    /// The number of the first entry that it has not read.
    next: u64,
}

impl std::fmt::Debug for Notifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notifier").finish_non_exhaustive()
    }
}

impl Notifier {
    /// A transaction that notifies begins its commit. Fails if there is no room for its messages.
    fn begin_commit(&self, messages: &[Notification]) -> Result<MutexGuard<'_, ()>> {
        let guard = self.commit.lock();
        let queue = self.queue.lock();
        let bytes: usize = messages.iter().map(cost).sum();
        if !queue.listeners.is_empty() && queue.bytes.saturating_add(bytes) > MAX_QUEUE_BYTES {
            return Err(SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "too many notifications in the NOTIFY queue")
                .with_hint("A session listens and does not take its notifications, as in a long transaction."));
        }
        Ok(guard)
    }

    /// The transaction is committed.
    fn publish(&self, messages: Vec<Notification>) {
        let mut queue = self.queue.lock();
        let Queue { entries, first, bytes, listeners } = &mut *queue;
        let end = *first + u64::try_from(entries.len()).unwrap_or(0);
        let new_end = end + u64::try_from(messages.len()).unwrap_or(0);
        for listener in listeners.values_mut() {
            if messages.iter().any(|message| listener.channels.contains(&*message.channel)) {
                listener.backend.notify();
            } else if listener.next == end {
                // Nothing for it here, and nothing before.
                listener.next = new_end;
            }
        }
        for message in messages {
            *bytes += cost(&message);
            entries.push_back(message);
        }
        queue.trim();
    }

    /// What a session has not read yet.
    fn take(&self, pid: i32) -> Vec<Notification> {
        let mut queue = self.queue.lock();
        let Queue { entries, first, listeners, .. } = &mut *queue;
        let Some(listener) = listeners.get_mut(&pid) else { return Vec::new() };
        let unread = usize::try_from(listener.next.saturating_sub(*first)).unwrap_or(usize::MAX);
        let new = entries.iter().skip(unread).filter(|entry| listener.channels.contains(&*entry.channel));
        let new: Vec<Notification> = new.cloned().collect();
        listener.next = *first + u64::try_from(entries.len()).unwrap_or(0);
        queue.trim();
        new
    }

    fn listen(&self, backend: &Arc<Backend>, channel: &str) {
        let mut queue = self.queue.lock();
        let end = queue.first + u64::try_from(queue.entries.len()).unwrap_or(0);
        let listener = queue.listeners.entry(backend.pid).or_insert_with(|| Listener {
            backend: Arc::clone(backend),
            channels: BTreeSet::new(),
            next: end,
        });
        listener.channels.insert(channel.to_owned());
    }

    /// Stops listening: to a channel, or to all.
    fn unlisten(&self, pid: i32, channel: Option<&str>) {
        let mut queue = self.queue.lock();
        let Some(listener) = queue.listeners.get_mut(&pid) else { return };
        match channel {
            Some(channel) => drop(listener.channels.remove(channel)),
            None => listener.channels.clear(),
        }
        if listener.channels.is_empty() {
            queue.listeners.remove(&pid);
            queue.trim();
        }
    }

    /// The channels that a session listens to.
    pub fn channels(&self, pid: i32) -> Vec<String> {
        let queue = self.queue.lock();
        queue.listeners.get(&pid).map(|listener| listener.channels.iter().cloned().collect()).unwrap_or_default()
    }

    /// How full the queue is, from 0 to 1.
    pub fn usage(&self) -> f64 {
        let kilobytes = |bytes: usize| u32::try_from(bytes / 1024).unwrap_or(u32::MAX);
        f64::from(kilobytes(self.queue.lock().bytes)) / f64::from(kilobytes(MAX_QUEUE_BYTES))
    }
}

impl Queue {
    /// Lets go of what all have read.
    fn trim(&mut self) {
        let read_by_all = self.listeners.values().map(|listener| listener.next).min().unwrap_or(u64::MAX);
        while self.first < read_by_all {
            let Some(entry) = self.entries.pop_front() else { return };
            self.bytes -= cost(&entry);
            self.first += 1;
        }
    }
}

fn cost(message: &Notification) -> usize {
    ENTRY_BYTES + message.channel.len() + message.payload.len()
}

/// What a transaction does about notifications when it is committed.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    messages: Vec<Notification>,
    known: HashSet<(Arc<str>, Arc<str>)>,
    bytes: usize,
    changes: Vec<Change>,
}

/// A change of the channels that are listened to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    Listen(String),
    Unlisten(String),
    UnlistenAll,
}

/// How much was pending at a savepoint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    messages: usize,
    changes: usize,
}

impl Pending {
    /// NOTIFY. The same message twice in one transaction is one message.
    pub fn notify(&mut self, pid: i32, channel: &str, payload: &str) -> Result<()> {
        let invalid = |what: &str| Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, what));
        if channel.is_empty() {
            return invalid("channel name cannot be empty");
        }
        if channel.len() >= CHANNEL_BOUND {
            return invalid("channel name too long");
        }
        if payload.len() >= PAYLOAD_BOUND {
            return invalid("payload string too long");
        }
        let key: (Arc<str>, Arc<str>) = (channel.into(), payload.into());
        if self.known.contains(&key) {
            return Ok(());
        }
        let message = Notification { pid, channel: Arc::clone(&key.0), payload: Arc::clone(&key.1) };
        self.bytes += cost(&message);
        if self.bytes > MAX_QUEUE_BYTES {
            return Err(SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "too many notifications in the NOTIFY queue"));
        }
        self.known.insert(key);
        self.messages.push(message);
        Ok(())
    }

    pub fn mark(&self) -> Mark {
        Mark { messages: self.messages.len(), changes: self.changes.len() }
    }

    pub fn roll_back_to(&mut self, mark: Mark) {
        for message in self.messages.drain(mark.messages.min(self.messages.len())..) {
            self.bytes -= cost(&message);
            self.known.remove(&(message.channel, message.payload));
        }
        self.changes.truncate(mark.changes);
    }
}

impl Session {
    /// LISTEN, UNLISTEN: from the end of the transaction on.
    pub(crate) fn change_listening(&mut self, change: Change) -> Result<()> {
        self.ensure_transaction()?;
        let mut pending = self.facts.pending.lock();
        if pending.changes.len() >= MAX_CHANNELS {
            return Err(SqlError::new(
                SqlState::PROGRAM_LIMIT_EXCEEDED,
                format!("a session can listen to {MAX_CHANNELS} channels"),
            ));
        }
        pending.changes.push(change);
        Ok(())
    }

    /// NOTIFY
    pub(crate) fn send(&mut self, channel: &str, payload: &str) -> Result<()> {
        self.ensure_transaction()?;
        self.facts.pending.lock().notify(self.facts.backend.pid, channel, payload)
    }

    /// DISCARD ALL
    pub(crate) fn unlisten_all(&self) {
        self.engine.notifier.unlisten(self.facts.backend.pid, None);
    }

    /// Runs a commit, and delivers what is pending if it succeeds.
    pub(super) fn commit_notifying<T>(&mut self, commit: impl FnOnce() -> Result<T>) -> Result<T> {
        let pending = std::mem::take(&mut *self.facts.pending.lock());
        let notifier = Arc::clone(&self.engine.notifier);
        if pending.messages.is_empty() {
            let committed = commit()?;
            self.apply(pending.changes);
            return Ok(committed);
        }
        let _in_order = notifier.begin_commit(&pending.messages)?;
        let committed = commit()?;
        // First: who begins to listen hears what the same transaction says.
        self.apply(pending.changes);
        notifier.publish(pending.messages);
        Ok(committed)
    }

    fn apply(&self, changes: Vec<Change>) {
        let notifier = &self.engine.notifier;
        for change in changes {
            match change {
                Change::Listen(channel) => {
                    if notifier.channels(self.facts.backend.pid).len() < MAX_CHANNELS {
                        notifier.listen(&self.facts.backend, &channel);
                    }
                }
                Change::Unlisten(channel) => notifier.unlisten(self.facts.backend.pid, Some(&channel)),
                Change::UnlistenAll => notifier.unlisten(self.facts.backend.pid, None),
            }
        }
    }

    /// Takes the notifications that have come; none in the middle of a transaction.
    pub fn take_notifications(&mut self) -> Vec<Notification> {
        if self.transaction_status() != TransactionStatus::Idle || !self.facts.backend.take_notified() {
            return Vec::new();
        }
        self.engine.notifier.take(self.facts.backend.pid)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.unlisten_all();
    }
}
