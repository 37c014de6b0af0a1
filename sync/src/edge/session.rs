//! One connection of an edge: pushing and pulling.
//!
//! ```text
//!  commit ─► next_batch ─► PUSH … PUSH      at most WINDOW batches on their way
//!                          PUSHACK ─► record_outcomes
//!  NOTIFY ─► PULL ─► DATA … (staged) ─► CHECKPOINT ─► apply_pull ─► PULLACK
//! ```

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use heliosdb_crdt::IntervalSet;
use heliosdb_storage::{LocalSeq, ServerSeq, TxnId};
use tokio::time::Instant;

use super::enrolment::blocking;
use super::outbox::{self, BatchLimits};
use super::worker::{Command, Worker};
use super::{apply, reconcile};
use crate::config::Schedule;
use crate::error::{Error, Result};
use crate::link::{Link, Received};
use crate::message::{
    Checkpoint, MergeOutcome, Message, Pull, PullRequest, PulledRow, Push, PushAck, PushedTxn, RefusalReason,
};

/// Batches on their way at once.
const WINDOW: usize = 4;
/// About how many bytes of transactions go into one batch.
const MAX_BATCH_BYTES: usize = 4 << 20;
/// DATA messages that may be on their way at once.
const CREDITS: u32 = 16;
/// While there is more to push, a pull is requested at most so often.
const PULL_WHILE_BUSY: Duration = Duration::from_secs(1);
/// What a hub that was set back could not merge is offered again after so long, if no pull gives reason to before.
const MISSING_RETRY: Duration = Duration::from_secs(5);
/// The most bytes of rows that are staged until a CHECKPOINT.
const MAX_STAGED_BYTES: usize = 256 << 20;

/// How a session ended, if nothing went wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// Nothing is left to do until the schedule says so.
    Drained,
    /// The worker was told to pause or stop.
    Interrupted,
    /// There is something to settle: connect again at once.
    Reconnect,
}

/// A connection that said HELLO and was welcomed.
pub(super) struct Session<'w> {
    worker: &'w mut Worker,
    link: Link,
    batches: u64,
    in_flight: VecDeque<Batch>,
    /// The last transaction that was sent.
    sent: LocalSeq,
    /// Nothing was pending after `sent` when the outbox was looked at last.
    is_drained: bool,
    /// Something before `sent` may be pending again.
    rescan: bool,
    /// What the hub cannot merge before others have offered again what it has lost.
    missing: BTreeSet<LocalSeq>,
    /// When to try that again, whatever happens.
    retry_at: Option<Instant>,
    staged: Option<Staged>,
    /// Nothing was pulled over this connection yet.
    is_first_pull: bool,
    /// When a pull was requested last.
    pulled_at: Option<Instant>,
    /// The newest end of the hub's history that was heard of.
    heard: ServerSeq,
}

struct Batch {
    number: u64,
    ids: Vec<TxnId>,
}

/// A pull that is not complete yet.
#[derive(Default)]
struct Staged {
    rows: Vec<PulledRow>,
    bytes: usize,
    ungranted: u32,
}

/// Why the session woke up.
enum Event {
    Received(Box<Received>),
    Command(Option<Command>),
    Committed,
    RetryIsDue,
    Interrupted,
}

impl<'w> Session<'w> {
    pub(super) fn new(worker: &'w mut Worker, link: Link) -> Self {
        Self {
            worker,
            link,
            batches: 0,
            in_flight: VecDeque::new(),
            sent: LocalSeq(0),
            is_drained: false,
            rescan: false,
            missing: BTreeSet::new(),
            retry_at: None,
            staged: None,
            is_first_pull: true,
            pulled_at: None,
            heard: ServerSeq::default(),
        }
    }

    /// Pushes and pulls until the schedule has enough, somebody interrupts, or the line fails.
    pub(super) async fn run(mut self) -> Result<End> {
        let end = self.exchange().await;
        if end.is_ok() {
            self.link.close().await;
        }
        end
    }

    async fn exchange(&mut self) -> Result<End> {
        loop {
            self.fill_window().await?;
            self.request_pull()?;
            if self.has_finished() {
                return Ok(End::Drained);
            }
            match self.next_event().await? {
                Event::Interrupted => return Ok(End::Interrupted),
                Event::Committed => self.is_drained = false,
                Event::RetryIsDue => self.rescan = true,
                Event::Command(None) => return Ok(End::Interrupted),
                Event::Command(Some(command)) => self.take_command(command),
                Event::Received(received) => match self.handle(*received).await? {
                    None => {}
                    Some(end) => return Ok(end),
                },
            }
        }
    }

    async fn next_event(&mut self) -> Result<Event> {
        let Self { worker, link, retry_at, .. } = self;
        let retry = retry_at.unwrap_or_else(Instant::now);
        Ok(tokio::select! {
            biased;
            () = worker.control.interrupted() => Event::Interrupted,
            command = worker.commands.recv() => Event::Command(command),
            received = link.next() => Event::Received(Box::new(received?)),
            // The sender lives as long as the store; if it does not, commits simply do not wake the session.
            Ok(()) = worker.local_commits.changed() => Event::Committed,
            () = tokio::time::sleep_until(retry), if retry_at.is_some() => Event::RetryIsDue,
        })
    }

    fn take_command(&mut self, command: Command) {
        match command {
            Command::Rescan => self.rescan = true,
            Command::Round { is_patient, reply } => self.worker.begin_round(is_patient, Some(reply)),
        }
        self.is_drained = false;
    }

    /// With a schedule that hangs up: whether everything was done.
    fn has_finished(&self) -> bool {
        self.worker.options.schedule != Schedule::OnChange
            && self.worker.rounds.is_empty()
            && self.is_drained
            && self.in_flight.is_empty()
            && self.staged.is_none()
            && !self.wants_pull()
    }

    /// Whether the hub has something that is not installed here, or may have.
    fn wants_pull(&self) -> bool {
        self.is_first_pull || self.heard > self.worker.store.identity().cursor
    }

    /// Whether the hub has answered all transactions up to a position; for who is patient, for good.
    fn is_answered(&self, target: LocalSeq, is_patient: bool) -> bool {
        if is_patient && self.missing.first().is_some_and(|first| *first <= target) {
            return false;
        }
        let first_open = self.in_flight.front().and_then(|batch| batch.ids.first());
        let was_sent = !self.rescan && (self.is_drained || self.sent >= target);
        was_sent && first_open.is_none_or(|first| first.seq > target)
    }

    /// Sends what is pending, as far as the window allows.
    async fn fill_window(&mut self) -> Result<()> {
        if self.rescan && self.in_flight.is_empty() {
            self.rescan = false;
            self.is_drained = false;
            self.sent = LocalSeq(0);
            self.missing.clear();
            self.retry_at = None;
        }
        while !self.is_drained && !self.rescan && self.in_flight.len() < WINDOW {
            let limits = BatchLimits { max_txns: self.worker.options.batch_size.max(1), max_bytes: MAX_BATCH_BYTES };
            let (store, after) = (Arc::clone(&self.worker.store), self.sent);
            let txns = self.link.drive(blocking(move || outbox::next_batch(&store, after, limits))).await?;
            self.send_batch(txns)?;
        }
        Ok(())
    }

    fn send_batch(&mut self, txns: Vec<PushedTxn>) -> Result<()> {
        let ids: Vec<TxnId> = txns.iter().map(|txn| txn.record.id).collect();
        let Some(&last) = ids.last() else {
            self.is_drained = true;
            return Ok(());
        };
        self.batches += 1;
        let sent = self.link.send(&Message::Push(Push { batch: self.batches, txns }));
        sent.map_err(|error| match (error, ids.as_slice()) {
            (Error::LimitExceeded(why), [only]) => {
                Error::LimitExceeded(format!("transaction {} of sync.queue cannot be sent: {why}", only.seq))
            }
            (error, _) => error,
        })?;
        self.in_flight.push_back(Batch { number: self.batches, ids });
        self.sent = last.seq;
        Ok(())
    }

    /// Asks for changes, if somebody wants them and no pull is under way.
    fn request_pull(&mut self) -> Result<()> {
        // Taken out for a moment, because the session is asked about their targets.
        let mut rounds = std::mem::take(&mut self.worker.rounds);
        let for_round = rounds.want_pull(|target, is_patient| self.is_answered(target, is_patient));
        self.worker.rounds = rounds;
        // Installing looks at the whole outbox, so that a long queue is emptied first, with a pull now and then.
        let is_time = self.is_drained || self.pulled_at.is_none_or(|at| at.elapsed() >= PULL_WHILE_BUSY);
        if self.staged.is_some() || !(for_round || (self.wants_pull() && is_time)) {
            return Ok(());
        }
        self.pulled_at = Some(Instant::now());
        let cursor = self.worker.store.identity().cursor;
        let schema_version = self.worker.store.catalog().schema_version;
        self.link.send(&Message::Pull(PullRequest { cursor, schema_version, credits: CREDITS }))?;
        self.worker.rounds.pull_requested();
        self.is_first_pull = false;
        self.staged = Some(Staged::default());
        Ok(())
    }

    async fn handle(&mut self, received: Received) -> Result<Option<End>> {
        match received.message {
            Message::PushAck(ack) => self.take_ack(ack).await,
            Message::Data(rows) => self.stage(rows, received.bytes).map(|()| None),
            Message::Checkpoint(checkpoint) => self.install(checkpoint).await,
            Message::Notify(head) => {
                self.heard = self.heard.max(head);
                Ok(None)
            }
            Message::Refusal(refusal) if refusal.reason == RefusalReason::Forked => Ok(Some(End::Reconnect)),
            Message::Refusal(refusal) => Err(refusal.into()),
            other => Err(Error::protocol(format!("{} is not for an edge", other.name()))),
        }
    }

    async fn take_ack(&mut self, ack: PushAck) -> Result<Option<End>> {
        let batch = self.in_flight.pop_front().filter(|batch| batch.number == ack.batch);
        let batch =
            batch.ok_or_else(|| Error::protocol(format!("PUSHACK of batch {}, which was not next", ack.batch)))?;
        let is_forked = ack.outcomes.contains(&MergeOutcome::Forked);
        if ack.outcomes.len() > batch.ids.len() || (ack.outcomes.len() < batch.ids.len() && !is_forked) {
            return Err(Error::protocol("PUSHACK does not fit its batch"));
        }
        let mut outcomes = Vec::with_capacity(ack.outcomes.len());
        // What follows a fork was not judged.
        let judged =
            batch.ids.into_iter().zip(ack.outcomes).take_while(|(_, outcome)| *outcome != MergeOutcome::Forked);
        for (id, outcome) in judged {
            self.count(id, &outcome);
            outcomes.push((id.seq, outcome));
        }
        if !outcomes.is_empty() {
            let store = Arc::clone(&self.worker.store);
            self.link.drive(blocking(move || outbox::record_outcomes(&store, &outcomes))).await?;
        }
        self.worker.has_progressed();
        Ok(is_forked.then_some(End::Reconnect))
    }

    fn count(&mut self, id: TxnId, outcome: &MergeOutcome) {
        match outcome {
            MergeOutcome::Merged => {
                self.worker.counts.pushed_transactions += 1;
                self.worker.confirmed.insert(id.seq);
                if id.site == self.worker.store.identity().site_id() {
                    self.worker.acknowledged = self.worker.acknowledged.max(id.seq);
                }
            }
            MergeOutcome::Refused { .. } => self.worker.counts.conflicts += 1,
            MergeOutcome::Missing => {
                self.missing.insert(id.seq);
                self.retry_at.get_or_insert(Instant::now() + MISSING_RETRY);
            }
            MergeOutcome::Forked => {}
        }
    }

    fn stage(&mut self, rows: Vec<PulledRow>, bytes: usize) -> Result<()> {
        let staged = self.staged.as_mut().ok_or_else(|| Error::protocol("DATA without a pull"))?;
        staged.bytes = staged.bytes.saturating_add(bytes);
        if staged.bytes > MAX_STAGED_BYTES {
            return Err(Error::LimitExceeded(format!(
                "what changed in the cloud since the last sync exceeds {MAX_STAGED_BYTES} bytes, \
                 which is the most that this version can install at once"
            )));
        }
        staged.rows.extend(rows);
        staged.ungranted += 1;
        if staged.ungranted >= CREDITS / 2 {
            let credits = std::mem::take(&mut staged.ungranted);
            self.link.send(&Message::Credit(credits))?;
        }
        Ok(())
    }

    async fn install(&mut self, checkpoint: Checkpoint) -> Result<Option<End>> {
        let staged = self.staged.take().ok_or_else(|| Error::protocol("CHECKPOINT without a pull"))?;
        let Checkpoint { to, full, schema, covered, transactions, rows } = checkpoint;
        if u64::try_from(staged.rows.len()).ok() != Some(rows) {
            return Err(Error::protocol(format!("CHECKPOINT counts {rows} rows, {} came", staged.rows.len())));
        }
        // What is committed from here on cannot be what the hub means: if it has something of that id, it is another
        // copy's. What was committed before and is not confirmed may be another copy's too, and is settled first.
        let last = self.worker.store.last_local_seq();
        let covered: Vec<_> = covered.into_iter().map(|(site, seqs)| (site, up_to(&seqs, last))).collect();
        let settled = covered.clone();
        let pull = Pull { to, full, schema, rows: staged.rows, covered, transactions };
        let (store, confirmed) = (Arc::clone(&self.worker.store), self.worker.confirmed.clone());
        let is_installed = self.link.drive(blocking(move || {
            let open = reconcile::open_among(&store, &pull.covered)?;
            if open.iter().any(|(id, _)| !confirmed.contains(&id.seq)) {
                return Ok(false);
            }
            apply::apply_pull(&store, pull)?;
            Ok(true)
        }));
        if !is_installed.await? {
            return Ok(Some(End::Reconnect));
        }
        self.worker.confirmed.retain(|seq| !settled.iter().any(|(_, seqs)| seqs.contains(seq.0)));
        // What a hub that was set back has lost is pending again; what waited for another node may go now.
        self.rescan |= full || !self.missing.is_empty();
        self.link.send(&Message::PullAck(to))?;
        self.forget_covered().await?;
        self.worker.counts.pulled_transactions += transactions;
        self.worker.has_pulled(full);
        Ok(None)
    }

    /// Now and then gives up what was kept only for the case that the hub loses its memory.
    async fn forget_covered(&mut self) -> Result<()> {
        let Some(before_millis) = self.worker.forget_before() else { return Ok(()) };
        let store = Arc::clone(&self.worker.store);
        let forgotten = self.link.drive(blocking(move || outbox::forget_covered(&store, before_millis))).await?;
        if forgotten > 0 {
            tracing::debug!(forgotten, "transactions that the cloud has had for long are not kept any more");
        }
        Ok(())
    }
}

/// The part of a set up to a position.
fn up_to(seqs: &IntervalSet, last: LocalSeq) -> IntervalSet {
    let mut part = IntervalSet::default();
    for (first, end) in seqs.iter().take_while(|&(first, _)| first <= last.0) {
        part.insert_range(first, end.min(last.0));
    }
    part
}
