//! The task that decides when an edge talks to its hub.
//!
//! ```text
//!  standalone ──(token: enrol)──► offline ──connect──► online ──► pushes, pulls
//!                                    ▲                    │
//!                                    └── pause, failure ──┘      paused: waits for resume()
//! ```
//!
//! SQL never waits for this task. What it does is driven by four things: the schedule, local commits, commands of
//! [`crate::SyncHandle`], and pauses after failures.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use heliosdb_crdt::{Hlc, SiteId};
use heliosdb_storage::sync_row::Role;
use heliosdb_storage::{LocalSeq, Store};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::backoff::Pauses;
use super::enrolment::{blocking, enroll};
use super::reconcile::{Settled, settle};
use super::rounds::{Reply, Rounds};
use super::session::{End, Session};
use super::state;
use crate::config::{Schedule, SyncOptions};
use crate::control::{EdgeControl, SyncSummary, Wishes};
use crate::error::{Error, Result};
use crate::link::Link;
use crate::message::frame::Codec;
use crate::message::{Hello, Message, PROTOCOL_VERSION, RefusalReason, Welcome};
use crate::transport::{Endpoint, client};

/// So often a session may ask to connect again at once before that counts as a failure.
const MAX_REPEATS: u32 = 3;
/// So often a hub sends the node away for a newer connection of the same life before it begins another. It may be one late
/// HELLO of its own once; not twice.
const MAX_REPLACEMENTS: u32 = 1;
/// Transactions that the hub has had for long are forgotten so often.
const FORGET_EVERY: Duration = Duration::from_secs(3600);

/// What others ask of the worker.
pub enum Command {
    /// A complete exchange.
    Round {
        /// It outlives failed connections.
        is_patient: bool,
        /// Where its result goes.
        reply: Reply,
    },
    /// Something old in the outbox may be pending again.
    Rescan,
}

/// The worker; made by [`crate::SyncHandle::start_edge`].
pub struct Worker {
    pub(super) store: Arc<Store>,
    pub(super) options: SyncOptions,
    pub(super) control: Arc<EdgeControl>,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) local_commits: watch::Receiver<LocalSeq>,
    pub(super) rounds: Rounds,
    /// What was done since the start, but for bytes.
    pub(super) counts: SyncSummary,
    /// The newest transaction of this life that the hub acknowledged since the start.
    pub(super) acknowledged: LocalSeq,
    /// Transactions that the hub confirmed, by digest, since the last pull was installed. (Those that were set aside stay
    /// so until a pull covers them; nothing in the outbox shows that they were confirmed.)
    pub(super) confirmed: HashSet<LocalSeq>,
    wishes: watch::Receiver<Wishes>,
    endpoint: Option<Endpoint>,
    pauses: Pauses,
    repeats: u32,
    /// How often a newer connection took this life's place at the hub.
    pub(super) replacements: u32,
    not_before: Instant,
    next_tick: Instant,
    forgot_at: Option<Instant>,
}

impl Worker {
    /// A worker; the endpoint is that of the options, checked.
    pub fn new(
        store: Arc<Store>,
        options: SyncOptions,
        endpoint: Option<Endpoint>,
        control: Arc<EdgeControl>,
        commands: mpsc::Receiver<Command>,
    ) -> Self {
        let (committed, local_commits) = watch::channel(store.last_local_seq());
        store.on_commit(Box::new(move |info| {
            if let Some(seq) = info.local_seq {
                committed.send_replace(seq);
            }
        }));
        let now = Instant::now();
        Self {
            pauses: Pauses::new(options.backoff),
            wishes: control.wishes(),
            store,
            options,
            control,
            commands,
            local_commits,
            rounds: Rounds::default(),
            counts: SyncSummary::default(),
            acknowledged: LocalSeq(0),
            confirmed: HashSet::new(),
            endpoint,
            repeats: 0,
            replacements: 0,
            not_before: now,
            next_tick: now,
            forgot_at: None,
        }
    }

    /// Works until it is told to stop.
    pub async fn run(mut self) {
        while self.wait_for_reason().await {
            let result = self.attempt().await;
            self.conclude(result);
        }
        self.rounds.fail_all(|| Error::ShuttingDown);
    }

    /// Waits until there is a reason to connect; false if the worker is to stop.
    async fn wait_for_reason(&mut self) -> bool {
        loop {
            if self.control.is_stopping() {
                return false;
            }
            self.rounds.forget_abandoned();
            let obstacle = self.obstacle();
            if let Some(obstacle) = &obstacle {
                self.rounds.fail_all(|| Error::wrong_state(obstacle.0, obstacle.1));
            }
            let due = if obstacle.is_some() { None } else { self.due() };
            let wait = due.unwrap_or_else(Instant::now);
            tokio::select! {
                biased;
                // The sender is in self.control, so that the channel is open.
                _ = self.wishes.changed() => {}
                command = self.commands.recv() => match command {
                    None => return false,
                    Some(Command::Round { is_patient, reply }) => {
                        self.begin_round(is_patient, Some(reply));
                        // Somebody waits now: a pause after failures is over.
                        if obstacle.is_none() {
                            return true;
                        }
                    }
                    Some(Command::Rescan) => {}
                },
                () = tokio::time::sleep_until(wait), if due.is_some() => return true,
            }
        }
    }

    /// Why the node cannot talk to a hub at all, and what would mend it.
    fn obstacle(&self) -> Option<(&'static str, &'static str)> {
        if self.control.is_paused() {
            return Some(("sync is paused", "Call sync.resume()."));
        }
        if self.options.offline_mode {
            return Some(("offline_mode is set, so this node never connects", "Set offline_mode = false and restart."));
        }
        let is_standalone = self.store.identity().role == Role::Standalone;
        if self.endpoint.is_none() || (is_standalone && self.options.token.is_none()) {
            let hint = "Run `heliosdb-edge enroll`, or set sync.cloud_endpoint and sync.token and restart.";
            return Some(("this node is not enrolled with a cloud", hint));
        }
        None
    }

    /// When to connect next; none for not unless asked.
    fn due(&self) -> Option<Instant> {
        let is_standalone = self.store.identity().role == Role::Standalone;
        match self.options.schedule {
            _ if is_standalone || !self.rounds.is_empty() => Some(self.not_before),
            Schedule::OnChange => Some(self.not_before),
            Schedule::Interval => Some(self.not_before.max(self.next_tick)),
            Schedule::Manual => None,
        }
    }

    pub(super) fn begin_round(&mut self, is_patient: bool, reply: Option<Reply>) {
        self.rounds.begin(self.store.last_local_seq(), self.totals(), is_patient, reply);
    }

    /// Enrols if that is left to do, then connects and works over the connection.
    async fn attempt(&mut self) -> Result<End> {
        let control = Arc::clone(&self.control);
        if self.store.identity().role == Role::Standalone {
            tokio::select! {
                () = control.interrupted() => return Ok(End::Interrupted),
                enrolled = enroll(&self.store, &self.options) => enrolled?,
            }
        }
        let connected = tokio::select! {
            () = control.interrupted() => return Ok(End::Interrupted),
            connected = self.connect() => connected?,
        };
        let Some(link) = connected else { return Ok(End::Reconnect) };
        control.set_online(true);
        if self.options.schedule != Schedule::OnChange {
            // The schedule's own round: it ends when all is pushed, and all that the hub then has is pulled.
            self.begin_round(false, None);
        }
        Session::new(self, link).run().await
    }

    /// Connects and says HELLO; none if that had consequences which need another HELLO.
    async fn connect(&mut self) -> Result<Option<Link>> {
        let endpoint = self.endpoint.as_ref().ok_or_else(Error::standalone)?;
        let patience = self.options.line.handshake;
        let line = tokio::time::timeout(patience, client::connect(endpoint))
            .await
            .map_err(|_| Error::line(format!("{} does not answer", endpoint.authority())))??;
        let mut link = Link::new(line, self.options.line, Arc::clone(self.control.traffic()));
        link.expect_large();
        let store = Arc::clone(&self.store);
        let node_key = link.drive(blocking(move || state::node_key(&store))).await?;
        let welcome = self.greet(&mut link, node_key).await?;
        link.admit(self.options.compression.if_readable_by(welcome.codecs));
        match settle(self, &mut link, &welcome).await? {
            Settled::GoOn => Ok(Some(link)),
            Settled::Reconnect => {
                link.close().await;
                Ok(None)
            }
        }
    }

    async fn greet(&mut self, link: &mut Link, node_key: [u8; 32]) -> Result<Welcome> {
        let identity = self.store.identity();
        let (asked_at, asked_millis) = (Instant::now(), self.options.clock.now_millis());
        link.send(&Message::Hello(Hello {
            oldest_version: PROTOCOL_VERSION,
            newest_version: PROTOCOL_VERSION,
            node_id: self.options.node_id.clone(),
            node_key,
            site: SiteId(identity.site),
            codecs: Codec::READABLE,
            schema_version: self.store.catalog().schema_version,
            cursor: identity.cursor,
            acknowledged: self.acknowledged,
            wall_millis: asked_millis,
        }))?;
        let welcome = match link.next_soon().await?.message {
            Message::Welcome(welcome) => welcome,
            Message::Refusal(refusal) => return Err(refusal.into()),
            other => return Err(Error::protocol(format!("{} instead of WELCOME", other.name()))),
        };
        if welcome.version != PROTOCOL_VERSION {
            return Err(Error::protocol(format!("the cloud chose version {}, which was not offered", welcome.version)));
        }
        let round_trip = asked_at.elapsed();
        link.record_round_trip(round_trip);
        self.control.set_clock_offset(clock_offset(asked_millis, round_trip, welcome.wall_millis));
        self.store.observe_hlc(Hlc::from_millis(welcome.wall_millis));
        Ok(welcome)
    }

    /// Draws the consequences of an attempt.
    fn conclude(&mut self, result: Result<End>) {
        let now = Instant::now();
        match result {
            Ok(End::Drained) => {
                self.next_tick = now + self.options.sync_interval;
                self.pauses.reset();
            }
            Ok(End::Interrupted) => {
                self.control.set_online(false);
                // What stands in the way now is the answer to those who wait.
                self.rounds.begin_again();
            }
            Ok(End::Reconnect) => {
                self.control.set_online(false);
                self.rounds.begin_again();
                self.repeats += 1;
                if self.repeats > MAX_REPEATS {
                    self.not_before = now + self.pauses.after_failure();
                }
            }
            Err(error) => {
                tracing::info!(%error, "sync failed, and will be tried again");
                self.control.set_failed(&error);
                self.replacements += u32::from(error.refusal_reason() == Some(RefusalReason::Replaced));
                self.rounds.connection_lost(&error);
                self.next_tick = now;
                self.not_before = now + self.pause_after(&error);
            }
        }
    }

    fn pause_after(&mut self, error: &Error) -> Duration {
        let pause = self.pauses.after_failure();
        match error {
            // Nothing changes by itself here: somebody has to do something first.
            Error::Enrolment(_) | Error::Config(_) => self.options.backoff.most,
            Error::Refused(refused) => match refused.0.reason {
                RefusalReason::UnknownNode | RefusalReason::Revoked | RefusalReason::UpgradeRequired => {
                    self.options.backoff.most
                }
                _ => pause.max(Duration::from_millis(refused.0.retry_after_millis)).min(self.options.backoff.most),
            },
            _ => pause,
        }
    }

    /// The hub answered something: the next failure is a first one.
    pub(super) fn has_progressed(&mut self) {
        self.pauses.reset();
        self.repeats = 0;
    }

    /// Whether another process is at work under this node's present life: a copy of its folder, most likely.
    pub(super) const fn has_twin(&self) -> bool {
        self.replacements > MAX_REPLACEMENTS
    }

    /// A pull is installed. After a full one, what the hub has lost is pending again, so that who waits goes on waiting.
    pub(super) fn has_pulled(&mut self, full: bool) {
        self.has_progressed();
        self.control.set_synced(self.options.clock.now_millis());
        if full {
            self.rounds.begin_again();
        } else {
            let totals = self.totals();
            self.rounds.pull_installed(&totals);
        }
    }

    /// If it is time to forget covered transactions: those of before when, in milliseconds since the Unix epoch.
    pub(super) fn forget_before(&mut self) -> Option<u64> {
        let now = Instant::now();
        if self.forgot_at.is_some_and(|at| now - at < FORGET_EVERY) {
            return None;
        }
        self.forgot_at = Some(now);
        let kept = u64::try_from(self.options.retain_acked.as_millis()).unwrap_or(u64::MAX);
        Some(self.options.clock.now_millis().saturating_sub(kept))
    }

    fn totals(&self) -> SyncSummary {
        self.control.with_traffic(self.counts)
    }
}

/// This node's clock against the hub's, whose time was read about half a round trip after it was asked for.
fn clock_offset(asked_millis: u64, round_trip: Duration, hub_millis: u64) -> i64 {
    let half = u64::try_from(round_trip.as_millis() / 2).unwrap_or(0);
    let local = i64::try_from(asked_millis.saturating_add(half)).unwrap_or(i64::MAX);
    local.saturating_sub(i64::try_from(hub_millis).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offset_is_positive_if_this_clock_is_ahead() {
        assert_eq!(clock_offset(10_000, Duration::from_millis(100), 9_050), 1_000);
        assert_eq!(clock_offset(9_000, Duration::from_millis(100), 10_050), -1_000);
    }
}
