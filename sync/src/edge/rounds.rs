//! Rounds: complete exchanges that somebody waits for.
//!
//! A round is over when everything committed here before it was asked for is answered by the hub, and a pull that was
//! requested after that is installed.

use heliosdb_storage::LocalSeq;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::control::SyncSummary;
use crate::error::{Error, Result};

/// Where the result of a round goes.
pub type Reply = oneshot::Sender<Result<SyncSummary>>;

/// A round.
pub struct Round {
    target: LocalSeq,
    stage: Stage,
    started: Instant,
    before: SyncSummary,
    /// Outlives failed connections: whoever asked has a timeout of its own.
    is_patient: bool,
    /// None if the worker itself wants it, by its schedule.
    reply: Option<Reply>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Pushing,
    PullWanted,
    Pulling,
}

/// All rounds that are under way.
#[derive(Default)]
pub struct Rounds {
    all: Vec<Round>,
}

impl Rounds {
    /// Begins a round up to a position of the outbox; `before` are the worker's counts now.
    pub fn begin(&mut self, target: LocalSeq, before: SyncSummary, is_patient: bool, reply: Option<Reply>) {
        // A line that is up but gets nowhere must not gather those who gave up.
        self.forget_abandoned();
        self.all.push(Round { target, stage: Stage::Pushing, started: Instant::now(), before, is_patient, reply });
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Forgets those whose askers have gone away.
    pub fn forget_abandoned(&mut self) {
        self.all.retain(|round| !round.reply.as_ref().is_some_and(oneshot::Sender::is_closed));
    }

    /// Moves on the rounds whose transactions are answered; true if any waits for a pull to be requested. The function is
    /// asked about a position of the outbox, and whether the answer must be one for good.
    pub fn want_pull(&mut self, is_answered: impl Fn(LocalSeq, bool) -> bool) -> bool {
        for round in &mut self.all {
            if round.stage == Stage::Pushing && is_answered(round.target, round.is_patient) {
                round.stage = Stage::PullWanted;
            }
        }
        self.all.iter().any(|round| round.stage == Stage::PullWanted)
    }

    /// A pull was requested.
    pub fn pull_requested(&mut self) {
        for round in self.all.iter_mut().filter(|round| round.stage == Stage::PullWanted) {
            round.stage = Stage::Pulling;
        }
    }

    /// The pull is installed: answers those who waited for it; `now` are the worker's counts.
    pub fn pull_installed(&mut self, now: &SyncSummary) {
        for round in self.all.extract_if(.., |round| round.stage == Stage::Pulling) {
            let mut summary = now.since(&round.before);
            summary.duration_ms = u64::try_from(round.started.elapsed().as_millis()).unwrap_or(u64::MAX);
            if let Some(reply) = round.reply {
                // Whoever asked may have stopped waiting.
                let _ = reply.send(Ok(summary));
            }
        }
    }

    /// Everybody begins again, because another connection follows at once or something is pending again.
    pub fn begin_again(&mut self) {
        for round in &mut self.all {
            round.stage = Stage::Pushing;
        }
    }

    /// The connection ended: impatient rounds fail with it, patient ones begin again with the next.
    pub fn connection_lost(&mut self, why: &Error) {
        self.begin_again();
        for round in self.all.extract_if(.., |round| !round.is_patient) {
            if let Some(reply) = round.reply {
                let _ = reply.send(Err(Error::Line(why.to_string())));
            }
        }
    }

    /// Ends all with an error.
    pub fn fail_all(&mut self, why: impl Fn() -> Error) {
        for round in self.all.drain(..) {
            if let Some(reply) = round.reply {
                let _ = reply.send(Err(why()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_is_a_push_and_then_a_pull() {
        let mut rounds = Rounds::default();
        let (reply, mut answer) = oneshot::channel();
        rounds.begin(
            LocalSeq(5),
            SyncSummary { pushed_transactions: 10, ..SyncSummary::default() },
            false,
            Some(reply),
        );
        assert!(!rounds.want_pull(|target, _| target < LocalSeq(5)));
        // A pull that was requested before the answers does not count.
        rounds.pull_requested();
        rounds.pull_installed(&SyncSummary::default());
        assert!(answer.try_recv().is_err());
        assert!(rounds.want_pull(|target, _| target <= LocalSeq(5)));
        rounds.pull_requested();
        assert!(!rounds.want_pull(|_, _| true));
        rounds.pull_installed(&SyncSummary { pushed_transactions: 12, ..SyncSummary::default() });
        assert_eq!(answer.try_recv().unwrap().unwrap().pushed_transactions, 2);
        assert!(rounds.is_empty());
    }

    #[test]
    fn patience_outlives_a_connection() {
        let mut rounds = Rounds::default();
        let (reply, mut impatient) = oneshot::channel();
        rounds.begin(LocalSeq(1), SyncSummary::default(), false, Some(reply));
        let (reply, mut patient) = oneshot::channel();
        rounds.begin(LocalSeq(1), SyncSummary::default(), true, Some(reply));
        assert!(rounds.want_pull(|_, _| true));
        rounds.pull_requested();
        rounds.connection_lost(&Error::line("cut"));
        assert!(impatient.try_recv().unwrap().is_err());
        assert!(patient.try_recv().is_err());
        // Its pull was lost with the connection.
        rounds.pull_installed(&SyncSummary::default());
        assert!(patient.try_recv().is_err());
        drop(patient);
        let (reply, _next) = oneshot::channel();
        rounds.begin(LocalSeq(1), SyncSummary::default(), true, Some(reply));
        assert_eq!(rounds.all.len(), 1, "nobody waits for the one before any more");
    }
}
