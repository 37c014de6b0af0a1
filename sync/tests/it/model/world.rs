//! A hub, its edges, and the messages between them, which get lost, doubled and overtaken.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use heliosdb_crdt::SiteId;
use heliosdb_storage::base::MemoryDisk;
use heliosdb_storage::sync_row::{Internal, OutboxEntry, OutboxState, Role, TxnDigest, TxnRecord, keys};
use heliosdb_storage::{CommitSeq, LocalSeq, SchemaVersion, ServerSeq, TxnId, WriteOrigin};
use heliosdb_sync::edge::{apply, outbox, reconcile};
use heliosdb_sync::hub::merge::{MergeOptions, merge_push};
use heliosdb_sync::hub::{history, serve};
use heliosdb_sync::message::{MergeOutcome, Pull, PushedTxn};

use super::nodes::{
    Content, Edge, Node, check_bases, check_names, check_pairs, content_of, held_by, identify, merged_at, open, page,
    rows_of,
};
use super::rng::Rng;
use super::seen::Seen;
use super::{expect, workload};

const HUB_SITE: u32 = 1;
/// More pushes in a row are a loop.
const MOST_PUSHES: usize = 500;
const DAY_MILLIS: u64 = 24 * 3600 * 1000;
pub const MERGE: MergeOptions = MergeOptions { max_clock_skew: Duration::from_secs(5) };

enum Message {
    Push { edge: usize, connection: u64, txns: Vec<PushedTxn> },
    PushAck { edge: usize, connection: u64, outcomes: Vec<(LocalSeq, MergeOutcome)> },
    PullRequest { edge: usize, connection: u64, cursor: ServerSeq, schema_version: SchemaVersion },
    Pulled { edge: usize, connection: u64, pull: Pull },
}

/// What a run does.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub edges: usize,
    pub steps: usize,
    /// A clock far ahead: the hub stamps anew.
    pub skewed: bool,
    pub restores_edges: bool,
    pub restores_hub: bool,
}

pub struct World {
    rng: Rng,
    plan: Plan,
    clock: Arc<AtomicU64>,
    hub: Node,
    edges: Vec<Edge>,
    messages: Vec<Message>,
    next_site: u32,
    fresh: u64,
    /// What was committed at the hub itself, with its place.
    at_hub: Vec<(CommitSeq, TxnRecord)>,
    /// Everything that was ever pushed, by the digest under which it was.
    pushed: HashMap<TxnDigest, Content>,
    seen: Seen,
}

impl World {
    pub fn new(seed: u64, plan: Plan) -> Self {
        let mut rng = Rng::new(seed);
        let clock = Arc::new(AtomicU64::new(1_700_000_000_000));
        let node = |offset_millis| {
            let mut node = Node { disk: MemoryDisk::default(), store: None, offset_millis, copy: None };
            open(&mut node, &clock);
            node
        };
        let hub = node(2000);
        let edges = (0..plan.edges).map(|i| {
            let offset = if plan.skewed && i == 0 { 3_600_000 } else { rng.below(4000) };
            Edge {
                node: node(offset),
                sites: vec![SiteId(10 + i as u32)],
                connection: 0,
                is_connected: false,
                sent: LocalSeq(0),
                committed: BTreeMap::new(),
                dropped: BTreeSet::new(),
                discarded: BTreeSet::new(),
            }
        });
        let edges: Vec<Edge> = edges.collect();
        let epoch = clock.load(Ordering::Relaxed);
        let world = Self {
            rng,
            plan,
            clock,
            hub,
            edges,
            messages: Vec::new(),
            next_site: 100,
            fresh: 0,
            at_hub: Vec::new(),
            pushed: HashMap::new(),
            seen: Seen::default(),
        };
        identify(world.hub.store(), Role::Hub, HUB_SITE, epoch);
        for edge in &world.edges {
            identify(edge.node.store(), Role::Edge, edge.sites[0].0, epoch);
        }
        for name in &workload::TABLES[..2] {
            world.create_table(name);
        }
        world
    }

    fn create_table(&self, name: &str) {
        let mut txn = self.hub.store().begin(WriteOrigin::Local);
        txn.begin_statement().unwrap();
        txn.create_table(workload::table(name)).unwrap();
        txn.end_statement().unwrap();
        txn.commit().unwrap();
    }

    pub fn run(mut self) -> Seen {
        for edge in 0..self.edges.len() {
            if !self.rng.one_in(8) {
                self.request_pull(edge);
                self.deliver_all();
            }
        }
        for step in 0..self.plan.steps {
            self.clock.fetch_add(self.rng.below(30), Ordering::Relaxed);
            if step == self.plan.steps / 4 && self.hub.store().catalog().table("public", "names").is_none() {
                self.create_table("names");
            }
            // What is set back is set back to a copy that is neither empty nor new.
            if step == self.plan.steps / 3 {
                self.hub.copy = Some(self.hub.disk.fork());
                (0..self.edges.len()).for_each(|edge| self.copy_edge(edge));
            }
            self.step();
            self.check_always();
        }
        self.settle();
        self.check_at_rest();
        self.seen
    }

    fn step(&mut self) {
        let edge = self.rng.index(self.edges.len());
        if self.plan.restores_edges && self.rng.one_in(25) {
            return if !self.rng.one_in(3) { self.restore_edge(edge) } else { self.copy_edge(edge) };
        }
        if self.plan.restores_hub && self.rng.one_in(40) {
            return if !self.rng.one_in(3) { self.restore_hub() } else { self.hub.copy = Some(self.hub.disk.fork()) };
        }
        match self.rng.below(100) {
            0..26 => self.commit_at_edge(edge),
            26..30 => self.commit_at_hub(),
            30..44 => {
                self.push(edge);
            }
            44..56 => self.request_pull(edge),
            56..90 => self.deliver_any(),
            90..92 => self.crash_edge(edge),
            92 => self.crash_hub(),
            93 | 94 => self.judge_dead_letter(edge),
            95 => self.hang_up(edge),
            _ => self.edges[edge].sent = LocalSeq(0),
        }
    }

    fn copy_edge(&mut self, edge: usize) {
        let node = &mut self.edges[edge].node;
        node.copy = Some(node.disk.fork());
    }

    /// The line breaks; the next exchange begins with a HELLO.
    fn hang_up(&mut self, edge: usize) {
        let edge = &mut self.edges[edge];
        edge.connection += 1;
        edge.is_connected = false;
        edge.sent = LocalSeq(0);
    }

    fn commit_at_edge(&mut self, i: usize) {
        let edge = &mut self.edges[i];
        let store = edge.node.store();
        let Some(done) = workload::run(store, &mut self.rng, &mut self.fresh) else { return };
        let seq = done.info.local_seq.expect("the outbox has it");
        let value = store.snapshot().internal_get(Internal::Outbox, &keys::outbox(seq)).unwrap().unwrap();
        let entry = OutboxEntry::decode(&value).unwrap();
        assert_eq!(entry.txn.ops, done.ops, "the outbox says something else than what was done");
        edge.committed.insert(content_of(i, &entry.txn).0, entry.txn);
        self.seen.note("commit");
    }

    fn commit_at_hub(&mut self) {
        let Some(done) = workload::run(self.hub.store(), &mut self.rng, &mut self.fresh) else { return };
        let record = TxnRecord {
            id: TxnId { site: SiteId(HUB_SITE), seq: LocalSeq(done.info.seq.0) },
            first_site: SiteId(HUB_SITE),
            hlc: done.info.hlc,
            cursor: ServerSeq::default(),
            run: 0,
            schema_version: SchemaVersion(0),
            ops: done.ops,
        };
        self.at_hub.push((done.info.seq, record));
    }

    /// False if there is nothing to push.
    fn push(&mut self, i: usize) -> bool {
        self.connect(i);
        let limits = outbox::BatchLimits { max_txns: 1 + self.rng.index(4), max_bytes: 1 << (6 + self.rng.below(8)) };
        let edge = &mut self.edges[i];
        let txns = outbox::next_batch(edge.node.store(), edge.sent, limits).unwrap();
        let Some(last) = txns.last() else { return false };
        edge.sent = last.record.id.seq;
        for txn in &txns {
            assert_eq!(txn.record.digest().unwrap(), txn.digest);
            self.pushed.insert(txn.digest, content_of(i, &txn.record));
        }
        self.messages.push(Message::Push { edge: i, connection: edge.connection, txns });
        true
    }

    fn request_pull(&mut self, i: usize) {
        self.connect(i);
        let edge = &self.edges[i];
        self.messages.push(Message::PullRequest {
            edge: i,
            connection: edge.connection,
            cursor: edge.node.store().identity().cursor,
            schema_version: edge.node.store().catalog().schema_version,
        });
    }

    /// Any message comes next; some are lost, some come again later.
    fn deliver_any(&mut self) {
        if self.messages.is_empty() {
            return;
        }
        let i = self.rng.index(self.messages.len());
        let message = self.messages.swap_remove(i);
        if self.rng.one_in(10) {
            return;
        }
        if self.rng.one_in(10) {
            self.messages.push(message.again());
        }
        self.deliver(message);
    }

    fn deliver(&mut self, message: Message) {
        match message {
            // What was sent before a connection broke may still come through.
            Message::Push { edge, connection, txns } => {
                let ids: Vec<LocalSeq> = txns.iter().map(|txn| txn.record.id.seq).collect();
                let outcomes = merge_push(self.hub.store(), txns, &MERGE).unwrap();
                for outcome in &outcomes {
                    self.seen.note(match outcome {
                        MergeOutcome::Merged => "merged",
                        MergeOutcome::Refused { .. } => "refused",
                        MergeOutcome::Missing => "missing",
                        MergeOutcome::Forked => "forked",
                    });
                }
                let outcomes = ids.into_iter().zip(outcomes).collect();
                self.messages.push(Message::PushAck { edge, connection, outcomes });
            }
            Message::PullRequest { edge, connection, cursor, schema_version } => {
                if connection == self.edges[edge].connection {
                    let sites = &self.edges[edge].sites;
                    let pull = serve::changes_since(self.hub.store(), cursor, sites, schema_version).unwrap();
                    self.messages.push(Message::Pulled { edge, connection, pull });
                }
            }
            Message::PushAck { edge, connection, outcomes } => {
                if connection == self.edges[edge].connection {
                    outbox::record_outcomes(self.edges[edge].node.store(), &outcomes).unwrap();
                    if outcomes.iter().any(|(_, outcome)| *outcome == MergeOutcome::Forked) {
                        self.handshake(edge);
                    }
                }
            }
            Message::Pulled { edge, connection, pull } => {
                if connection == self.edges[edge].connection {
                    self.install(edge, pull);
                }
            }
        }
    }

    fn install(&mut self, i: usize, pull: Pull) {
        let store = self.edges[i].node.store();
        if !reconcile::open_among(store, &pull.covered).unwrap().is_empty() {
            // An acknowledgement was lost, or the hub means another transaction of that id.
            self.handshake(i);
            return;
        }
        let counts = || {
            let held = held_by(i, store).into_values();
            let aside = held.filter(|e| matches!(e.state, OutboxState::SetAside | OutboxState::AcknowledgedAside));
            (aside.count(), page(store, Internal::Retained).len())
        };
        let before = counts();
        self.seen.note_if("full pull", pull.full);
        self.seen.note_if("late pull", pull.to < store.identity().cursor);
        apply::apply_pull(store, pull).unwrap();
        let after = counts();
        self.seen.note_if("set aside", after.0 > before.0);
        self.seen.note_if("offered again", after.1 < before.1);
    }

    fn connect(&mut self, i: usize) {
        if !self.edges[i].is_connected {
            self.handshake(i);
        }
    }

    /// What HELLO, WELCOME and RECONCILE come to.
    fn handshake(&mut self, i: usize) {
        loop {
            let edge = &mut self.edges[i];
            edge.connection += 1;
            edge.is_connected = true;
            edge.sent = LocalSeq(0);
            let (store, hub) = (edge.node.store(), self.hub.store());
            outbox::begin_new_epoch(store, hub.identity().cursor.epoch).unwrap();
            let heads = history::merged_heads(hub, &edge.sites).unwrap();
            let own = store.identity().site_id();
            let known = heads.iter().map(|head| (head.id.site, [(0, head.id.seq.0)].into_iter().collect()));
            let known = reconcile::open_among(store, &known.collect::<Vec<_>>()).unwrap();
            let (merged, forked) = history::compare(hub, &known).unwrap();
            self.seen.note_if("forked", !forked.is_empty());
            let merged: Vec<_> = merged.into_iter().map(|id| (id.seq, MergeOutcome::Merged)).collect();
            outbox::record_outcomes(store, &merged).unwrap();
            let last = store.last_local_seq();
            let lost_tail = heads.iter().any(|head| head.id.site == own && head.id.seq > last);
            let has_double = forked.iter().any(|id| id.site == own);
            if !lost_tail && forked.is_empty() {
                return;
            }
            let site = if lost_tail || has_double { SiteId(self.next_site) } else { own };
            if site != own {
                self.next_site += 1;
                edge.sites.push(site);
            }
            let beyond = heads.iter().map(|head| head.id.seq).max().unwrap_or_default();
            let forked: Vec<LocalSeq> = forked.into_iter().map(|id| id.seq).collect();
            outbox::begin_new_life(store, site, &forked, beyond).unwrap();
            self.seen.note("new life");
        }
    }

    fn crash_edge(&mut self, i: usize) {
        let edge = &mut self.edges[i];
        edge.node.store = None;
        open(&mut edge.node, &self.clock);
        self.hang_up(i);
    }

    fn crash_hub(&mut self) {
        self.hub.store = None;
        open(&mut self.hub, &self.clock);
    }

    /// The edge's folder is replaced by the copy taken earlier, as often as it happens.
    fn restore_edge(&mut self, i: usize) {
        let edge = &mut self.edges[i];
        let Some(copy) = edge.node.copy.as_ref().filter(|_| self.plan.restores_edges) else { return };
        edge.node.store = None;
        edge.node.disk = copy.fork();
        open(&mut edge.node, &self.clock);
        let held: BTreeSet<_> = held_by(i, edge.node.store()).into_keys().collect();
        edge.dropped = edge.committed.keys().filter(|content| !held.contains(*content)).copied().collect();
        // What was discarded is there again.
        edge.discarded.retain(|content| !held.contains(content));
        self.hang_up(i);
    }

    fn restore_hub(&mut self) {
        let Some(copy) = self.hub.copy.as_ref().filter(|_| self.plan.restores_hub) else { return };
        let epoch_before = self.hub.store().identity().cursor.epoch;
        self.hub.store = None;
        self.hub.disk = copy.fork();
        open(&mut self.hub, &self.clock);
        let end = self.hub.store().snapshot().seq();
        self.at_hub.retain(|(seq, _)| *seq <= end);
        identify(self.hub.store(), Role::Hub, HUB_SITE, epoch_before + 1);
        // All lines to the lost one are gone.
        self.messages.clear();
        for i in 0..self.edges.len() {
            self.hang_up(i);
        }
    }

    fn judge_dead_letter(&mut self, i: usize) {
        let dead = self.dead_letters(i);
        if dead.is_empty() {
            return;
        }
        let (seq, content) = dead[self.rng.index(dead.len())];
        if self.rng.one_in(2) {
            self.discard(i, seq, content);
        } else {
            assert!(outbox::retry_dead_letter(self.edges[i].node.store(), seq).unwrap());
        }
    }

    fn discard(&mut self, i: usize, seq: LocalSeq, content: [u8; 16]) {
        assert!(outbox::discard_dead_letter(self.edges[i].node.store(), seq).unwrap());
        self.edges[i].discarded.insert(content);
        self.seen.note("dead letter discarded");
    }

    fn dead_letters(&self, i: usize) -> Vec<(LocalSeq, [u8; 16])> {
        let held = held_by(i, self.edges[i].node.store());
        let dead = held.into_iter().filter(|(_, entry)| matches!(entry.state, OutboxState::Dead { .. }));
        let mut dead: Vec<_> = dead.map(|(content, entry)| (entry.txn.id.seq, content)).collect();
        // Digests differ from one time that a seed is run to the next.
        dead.sort_unstable();
        dead
    }

    /// No more changes, and all messages get through, until nothing is left to say.
    fn settle(&mut self) {
        for message in std::mem::take(&mut self.messages) {
            if self.rng.one_in(2) {
                self.deliver(message);
            }
        }
        for _ in 0..20 {
            self.messages.clear();
            let mut is_busy = false;
            for i in 0..self.edges.len() {
                self.handshake(i);
                for _ in 0..MOST_PUSHES {
                    if !self.push(i) {
                        break;
                    }
                    is_busy = true;
                    self.deliver_all();
                }
                let before = self.edges[i].node.store().identity().cursor;
                self.request_pull(i);
                self.deliver_all();
                is_busy |= self.edges[i].node.store().identity().cursor != before;
                for (seq, content) in self.dead_letters(i) {
                    self.discard(i, seq, content);
                }
            }
            if !is_busy {
                return;
            }
            // By and by nobody will offer again what a hub has lost that was set back.
            self.clock.fetch_add(DAY_MILLIS, Ordering::Relaxed);
        }
        for (i, edge) in self.edges.iter().enumerate() {
            let held = held_by(i, edge.node.store()).into_values();
            let open = held.filter(|entry| !matches!(entry.state, OutboxState::Covered { .. }));
            let open: Vec<_> = open.map(|entry| (entry.txn.id, entry.state)).collect();
            eprintln!("{:?} of {:?}: {open:?}", edge.node.store().identity(), edge.sites);
        }
        panic!("the nodes do not come to rest");
    }

    fn deliver_all(&mut self) {
        while let Some(message) = self.messages.pop() {
            self.deliver(message);
        }
    }

    /// What holds at every moment, on every node.
    fn check_always(&self) {
        check_pairs(self.hub.store());
        check_names(self.hub.store());
        for edge in &self.edges {
            let store = edge.node.store();
            check_pairs(store);
            check_names(store);
            check_bases(store);
        }
    }

    fn check_at_rest(&self) {
        let hub = rows_of(self.hub.store());
        let items = self.hub.store().catalog().table("public", "items").unwrap().sync_id.unwrap();
        // One that is known under two ids had one effect: the counters would tell.
        let seen: BTreeSet<_> = merged_at(self.hub.store()).iter().map(|digest| self.pushed[digest].0).collect();
        for (i, edge) in self.edges.iter().enumerate() {
            let store = edge.node.store();
            let held = held_by(i, store);
            for (content, record) in &edge.committed {
                let is_settled = match held.get(content).map(|entry| &entry.state) {
                    Some(OutboxState::Covered { .. }) | None => seen.contains(content),
                    Some(state) => panic!("edge {i}: {:?} is still {state:?}", record.id),
                };
                let is_excused = edge.dropped.contains(content) || edge.discarded.contains(content);
                assert!(is_settled || is_excused, "edge {i}: {:?} is lost", record.id);
            }
            assert_eq!(rows_of(store), hub, "edge {i} differs from the hub");
            assert!(page(store, Internal::SyncBase).is_empty());
            assert!(page(store, Internal::OutboxRows).is_empty());
            assert_eq!(store.outbox_counts().pending_transactions, 0);
        }
        let all = self.edges.iter().flat_map(|edge| &edge.committed);
        let took_effect = all.filter(|(content, _)| seen.contains(*content)).map(|(_, record)| record);
        let took_effect = took_effect.chain(self.at_hub.iter().map(|(_, record)| record));
        expect::check(took_effect, &hub, items, !self.plan.skewed);
    }
}

impl Message {
    fn again(&self) -> Self {
        match self {
            Self::Push { edge, connection, txns } => {
                Self::Push { edge: *edge, connection: *connection, txns: txns.clone() }
            }
            Self::PushAck { edge, connection, outcomes } => {
                Self::PushAck { edge: *edge, connection: *connection, outcomes: outcomes.clone() }
            }
            Self::PullRequest { edge, connection, cursor, schema_version } => Self::PullRequest {
                edge: *edge,
                connection: *connection,
                cursor: *cursor,
                schema_version: *schema_version,
            },
            Self::Pulled { edge, connection, pull } => {
                Self::Pulled { edge: *edge, connection: *connection, pull: pull.clone() }
            }
        }
    }
}
