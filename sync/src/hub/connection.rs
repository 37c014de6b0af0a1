//! The talk with one edge: HELLO, then pushes and pulls in the order in which they come.
//!
//! Messages are handled one after the other. So an acknowledgement is always sent before a CHECKPOINT that covers what it
//! acknowledges; a pull that is on its way does not hold up what comes in between, because its DATA is made only as fast
//! as the edge grants credits and the line takes it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use heliosdb_crdt::SiteId;
use heliosdb_storage::{CommitSeq, Error as StorageError, ServerSeq, TxnId};
use tokio::sync::watch;
use tokio::time::Instant;

use super::directory::Greeting;
use super::seats::Seat;
use super::{Hub, history, merge, serve};
use crate::error::{Error, Result};
use crate::link::Link;
use crate::message::frame::Codec;
use crate::message::{
    Checkpoint, Hello, MergeOutcome, Message, PROTOCOL_VERSION, Pull, PullRequest, PulledRow, Push, PushAck, PushedTxn,
    Refusal, RefusalReason, Welcome, codec,
};

/// About how many bytes of rows go into one DATA message.
const DATA_BYTES: usize = 512 << 10;
/// DATA is made only while fewer frames than this wait to be written.
const MAX_BACKLOG: usize = 4;
/// The most credits that an edge can have.
const MAX_CREDITS: u32 = 1024;
/// How often a merge is tried again that lost against something else in the store.
const MERGE_ATTEMPTS: u32 = 5;
/// How long an edge should stay away when the hub cannot serve it for reasons of its own.
const UNAVAILABLE_RETRY: Duration = Duration::from_secs(1);
const SHUTTING_DOWN: &str = "the cloud is shutting down";

/// Talks with an edge until the end.
pub(super) async fn talk(hub: &Arc<Hub>, mut link: Link) {
    let mut stopping = hub.stopping.subscribe();
    let greeted = tokio::select! {
        biased;
        // The sender is in the hub, so that the channel is open.
        _ = stopping.wait_for(|stopping| *stopping) => Err(unavailable(SHUTTING_DOWN).into()),
        greeted = greet(hub, &mut link) => greeted,
    };
    let end = match greeted {
        Ok(mut connection) => {
            let node_id = connection.node_id.clone();
            tracing::info!(node_id, site = connection.site.0, "an edge connected");
            let end = connection.run(&mut link).await;
            connection.note_progress(true).await;
            tracing::info!(node_id, reason = end.as_ref().err().map(ToString::to_string), "an edge left");
            // The seat is given back here, before the farewell: whoever waits for it need not wait for a slow line.
            drop(connection);
            end
        }
        Err(error) => {
            tracing::info!(%error, "a connection was not accepted");
            Err(error)
        }
    };
    if let Err(error) = end {
        say_farewell(link, error).await;
    }
}

/// Tells the edge why the talk is over, if there is something to tell.
async fn say_farewell(mut link: Link, error: Error) {
    let refusal = match error {
        Error::Refused(refused) => refused.0,
        Error::Protocol(detail) => Refusal { reason: RefusalReason::Protocol, detail, retry_after_millis: 0 },
        // The line is gone; nobody would hear it.
        Error::Line(_) => return,
        error => {
            tracing::error!(%error, "a connection failed");
            unavailable("the cloud cannot serve this node at the moment")
        }
    };
    if link.send(&Message::Refusal(refusal)).is_ok() {
        link.close().await;
    }
}

fn unavailable(detail: &str) -> Refusal {
    let retry_after_millis = u64::try_from(UNAVAILABLE_RETRY.as_millis()).unwrap_or(u64::MAX);
    Refusal { reason: RefusalReason::Unavailable, detail: detail.to_owned(), retry_after_millis }
}

fn refused(reason: RefusalReason, detail: impl Into<String>) -> Error {
    Refusal { reason, detail: detail.into(), retry_after_millis: 0 }.into()
}

/// Takes the HELLO and answers it.
async fn greet(hub: &Arc<Hub>, link: &mut Link) -> Result<Connection> {
    let Message::Hello(hello) = link.next_soon().await?.message else {
        return Err(Error::protocol("the first message is not HELLO"));
    };
    if !(hello.oldest_version..=hello.newest_version).contains(&PROTOCOL_VERSION) {
        let (oldest, newest) = (hello.oldest_version, hello.newest_version);
        return Err(refused(
            RefusalReason::UpgradeRequired,
            format!("this cloud speaks version {PROTOCOL_VERSION} of the sync protocol, the edge {oldest} to {newest}"),
        ));
    }
    // Proves who it is before it may send anybody away; judged is it when the older connection has merged its last.
    let shown = hello.clone();
    link.drive(hub.blocking(move |hub| hub.directory.lock().authenticate(&shown))).await?;
    let seat = link.drive(hub.seats.take(&hello.node_id, hello.site)).await;
    let greeting = judge(hub, &hello).await?;
    if greeting.new_epoch {
        hub.seats.clear_others(&seat);
    }
    let codec = hub.options.compression.if_readable_by(hello.codecs);
    link.admit(codec);
    link.send(&Message::Welcome(Welcome {
        version: PROTOCOL_VERSION,
        codecs: Codec::READABLE,
        hub_id: hub.options.node_id.clone(),
        head: greeting.head,
        wall_millis: hub.options.clock.now_millis(),
        merged: greeting.merged,
        site_taken: greeting.site_taken,
    }))?;
    Ok(Connection {
        hub: Arc::clone(hub),
        node_id: hello.node_id,
        site: hello.site,
        sites: greeting.node.site_ids(),
        commits: hub.commits.subscribe(),
        stopping: hub.stopping.subscribe(),
        seat,
        told: CommitSeq(greeting.head.n),
        notify_at: None,
        sending: None,
        acknowledged: greeting.node.acknowledged,
        noted_at: Instant::now(),
        asked_for_site: false,
        epoch: greeting.head.epoch,
    })
}

async fn judge(hub: &Arc<Hub>, hello: &Hello) -> Result<Greeting> {
    let hello = hello.clone();
    hub.blocking(move |hub| {
        let now = hub.options.clock.now_millis();
        hub.directory.lock().greet(&hello, now)
    })
    .await
}

struct Connection {
    hub: Arc<Hub>,
    node_id: String,
    site: SiteId,
    /// All lives of the node, this one included.
    sites: Vec<SiteId>,
    seat: Seat,
    commits: watch::Receiver<CommitSeq>,
    stopping: watch::Receiver<bool>,
    /// The newest commit that the edge was told of.
    told: CommitSeq,
    notify_at: Option<Instant>,
    sending: Option<OutgoingPull>,
    acknowledged: ServerSeq,
    noted_at: Instant,
    asked_for_site: bool,
    /// The hub's epoch that WELCOME named.
    epoch: u64,
}

/// Why a connection woke up.
enum Event {
    /// Somebody wants it to end.
    Leave,
    /// Something was committed that edges may want to hear of.
    Committed,
    NotifyIsDue,
    /// The line has room for more.
    Room,
    Received(Box<Message>),
}

/// A pull that is on its way.
struct OutgoingPull {
    rows: std::vec::IntoIter<PulledRow>,
    checkpoint: Checkpoint,
    credits: u32,
}

impl Connection {
    async fn run(&mut self, link: &mut Link) -> Result<()> {
        loop {
            self.send_data(link)?;
            // A pull that waits for the line goes on when the line has room; one that waits for credits, when they come.
            let room = if self.sending.as_ref().is_some_and(|pull| pull.credits > 0) { MAX_BACKLOG } else { 0 };
            match self.next_event(link, room).await? {
                Event::Leave => return Err(self.reason_to_leave()),
                Event::Committed => self.notify_at = Some(Instant::now() + self.hub.options.notify_delay),
                Event::NotifyIsDue => self.notify(link)?,
                Event::Room => {}
                Event::Received(message) => self.handle(link, *message).await?,
            }
        }
    }

    async fn next_event(&mut self, link: &mut Link, room: usize) -> Result<Event> {
        let Self { seat, stopping, commits, notify_at, .. } = self;
        let due = notify_at.unwrap_or_else(Instant::now);
        Ok(tokio::select! {
            biased;
            () = seat.asked_to_leave() => Event::Leave,
            _ = stopping.wait_for(|stopping| *stopping) => Event::Leave,
            () = tokio::time::sleep_until(due), if notify_at.is_some() => Event::NotifyIsDue,
            heard = commits.changed(), if notify_at.is_none() => {
                heard.map_err(|_| Error::ShuttingDown)?;
                Event::Committed
            }
            received = link.next_or_room(room) => match received? {
                Some(received) => Event::Received(Box::new(received.message)),
                None => Event::Room,
            },
        })
    }

    fn reason_to_leave(&self) -> Error {
        if *self.stopping.borrow() {
            return unavailable(SHUTTING_DOWN).into();
        }
        // The two are told apart, because an edge takes the second for the sign of a copy of itself.
        if self.hub.store.identity().cursor.epoch != self.epoch {
            return refused(RefusalReason::Unavailable, "the cloud began a new epoch: connect again");
        }
        refused(RefusalReason::Replaced, format!("a newer connection of node {:?} took over", self.node_id))
    }

    fn notify(&mut self, link: &mut Link) -> Result<()> {
        self.notify_at = None;
        let newest = *self.commits.borrow_and_update();
        if newest <= self.told {
            return Ok(());
        }
        self.told = newest;
        let epoch = self.hub.store.identity().cursor.epoch;
        link.send(&Message::Notify(ServerSeq { epoch, n: newest.0 }))
    }

    async fn handle(&mut self, link: &mut Link, message: Message) -> Result<()> {
        match message {
            Message::Push(push) => self.merge(link, push).await,
            Message::Pull(request) => self.serve(link, request).await,
            Message::Credit(credits) => {
                if let Some(pull) = &mut self.sending {
                    pull.credits = pull.credits.saturating_add(credits).min(MAX_CREDITS);
                }
                Ok(())
            }
            Message::PullAck(seq) => {
                self.acknowledged = seq;
                self.note_progress(false).await;
                Ok(())
            }
            Message::Reconcile { known } => self.reconcile(link, known).await,
            Message::NewSite => self.give_site(link).await,
            other => Err(Error::protocol(format!("{} is not for a cloud", other.name()))),
        }
    }

    async fn merge(&mut self, link: &mut Link, push: Push) -> Result<()> {
        let Push { batch, txns } = push;
        self.claim_sites(link, txns.iter().map(|txn| txn.record.id.site)).await?;
        let hub = &self.hub;
        let merged = link.drive(async {
            // Merges run one at a time in any case; who waits here holds no thread, which a session may need to let go of
            // the rows that the merge under way waits for.
            let _turn = hub.merging.lock().await;
            hub.blocking(move |hub| merge_stubbornly(hub, &txns)).await
        });
        let outcomes = merged.await?;
        let is_forked = matches!(outcomes.last(), Some(MergeOutcome::Forked));
        link.send(&Message::PushAck(PushAck { batch, outcomes }))?;
        if is_forked {
            let detail = "another copy of this node committed something else under the same id";
            return Err(refused(RefusalReason::Forked, detail));
        }
        Ok(())
    }

    async fn serve(&mut self, link: &mut Link, request: PullRequest) -> Result<()> {
        if self.sending.is_some() {
            return Err(Error::protocol("PULL before the end of the pull before it"));
        }
        let sites = self.sites.clone();
        let work = self
            .hub
            .blocking(move |hub| serve::changes_since(&hub.store, request.cursor, &sites, request.schema_version));
        let Pull { to, full, schema, rows, covered, transactions } = link.drive(work).await?;
        self.told = self.told.max(CommitSeq(to.n));
        let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        self.sending = Some(OutgoingPull {
            rows: rows.into_iter(),
            checkpoint: Checkpoint { to, full, schema, covered, transactions, rows: count },
            credits: request.credits.min(MAX_CREDITS),
        });
        Ok(())
    }

    /// Sends as much of the pull as the edge and the line take now.
    fn send_data(&mut self, link: &mut Link) -> Result<()> {
        while let Some(pull) = &mut self.sending {
            if link.backlog() >= MAX_BACKLOG {
                return Ok(());
            }
            if pull.rows.len() == 0 {
                link.send(&Message::Checkpoint(std::mem::take(&mut pull.checkpoint)))?;
                self.sending = None;
                return Ok(());
            }
            if pull.credits == 0 {
                return Ok(());
            }
            pull.credits -= 1;
            link.send_encoded(&codec::encode_data(&mut pull.rows, DATA_BYTES)?)?;
        }
        Ok(())
    }

    /// Fails if one of the sites is not a life of this node.
    async fn claim_sites(&mut self, link: &mut Link, named: impl Iterator<Item = SiteId>) -> Result<()> {
        let unknown: BTreeSet<SiteId> = named.filter(|site| !self.sites.contains(site)).collect();
        for site in unknown {
            let node_id = self.node_id.clone();
            let work = self.hub.blocking(move |hub| hub.directory.lock().claim_site(&node_id, site));
            if !link.drive(work).await? {
                let detail = format!("site {} does not belong to node {:?}", site.0, self.node_id);
                return Err(Error::Protocol(detail));
            }
            self.sites.push(site);
        }
        Ok(())
    }

    async fn reconcile(
        &mut self,
        link: &mut Link,
        known: Vec<(TxnId, heliosdb_storage::sync_row::TxnDigest)>,
    ) -> Result<()> {
        self.claim_sites(link, known.iter().map(|(id, _)| id.site)).await?;
        let work = self.hub.blocking(move |hub| history::compare(&hub.store, &known));
        let (merged, forked) = link.drive(work).await?;
        link.send(&Message::Reconciled { merged, forked })
    }

    async fn give_site(&mut self, link: &mut Link) -> Result<()> {
        if std::mem::replace(&mut self.asked_for_site, true) {
            return Err(Error::protocol("one new site a connection is all there is"));
        }
        let node_id = self.node_id.clone();
        let site = link.drive(self.hub.blocking(move |hub| hub.directory.lock().new_site(&node_id))).await?;
        self.sites.push(site);
        link.send(&Message::NewSiteIs(site))
    }

    /// Writes down how far the node is, at most every few seconds unless it leaves.
    async fn note_progress(&mut self, leaves: bool) {
        if !leaves && self.noted_at.elapsed() < self.hub.options.registry_interval {
            return;
        }
        self.noted_at = Instant::now();
        let (node_id, acknowledged) = (self.node_id.clone(), self.acknowledged);
        let noted = self.hub.blocking(move |hub| {
            let now = hub.options.clock.now_millis();
            hub.directory.lock().note_progress(&node_id, acknowledged, now)
        });
        if let Err(error) = noted.await {
            tracing::warn!(%error, node_id = self.node_id, "cannot write down how far a node is");
        }
    }
}

/// Merges a batch; tries again if it gave way to something else in the store, or if a table was dropped while it waited for
/// it: the next attempt refuses what was written to that table, and merges the rest.
fn merge_stubbornly(hub: &Arc<Hub>, txns: &[PushedTxn]) -> Result<Vec<MergeOutcome>> {
    for _ in 1..MERGE_ATTEMPTS {
        match merge::merge_push(&hub.store, txns.to_vec(), &hub.merge_options()) {
            Err(Error::Storage(error)) if error.is_retryable() || matches!(error, StorageError::NoSuchRelation(_)) => {
                tracing::debug!(%error, "a merge is tried again");
            }
            result => return result,
        }
    }
    merge::merge_push(&hub.store, txns.to_vec(), &hub.merge_options())
}
