//! What a hub and its edges say to each other: protocol version 1.
//!
//! ```text
//!  edge                                   hub
//!   │ HELLO ─────────────────────────────► │  who I am, what I have
//!   │ ◄───────────────── WELCOME | REFUSAL │  who you are to me, what I have of you
//!   │ RECONCILE, NEW SITE ───────────────► │  only where the two contradict each other
//!   │ PUSH ──────────────────────────────► │
//!   │ ◄─────────────────────────── PUSHACK │  after the hub's fsync
//!   │ PULL (credits) ────────────────────► │
//!   │ ◄──────────── DATA … DATA CHECKPOINT │
//!   │ PULLACK ───────────────────────────► │  after the edge's commit
//!   │ ◄──────────────────────────── NOTIFY │  there is something new
//! ```
//!
//! [`Message`] is one of these; [`codec`] gives its bytes; [`frame`] compresses them and cuts them into pieces.

pub mod codec;
pub mod frame;
mod parts;

use heliosdb_crdt::{IntervalSet, SiteId};
use heliosdb_storage::sync_row::{RowState, SyncedSchema, TxnDigest, TxnRecord};
use heliosdb_storage::{LocalSeq, SchemaVersion, ServerSeq, SyncTableId, TxnId};

/// The version of the protocol that this program speaks.
pub const PROTOCOL_VERSION: u16 = 1;

/// A transaction on its way to the hub, or back.
#[derive(Clone, PartialEq, Debug)]
pub struct PushedTxn {
    /// What it did.
    pub record: TxnRecord,
    /// Its digest, computed when it was committed.
    pub digest: TxnDigest,
}

/// What the hub did with a pushed transaction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MergeOutcome {
    /// It is merged, now or earlier.
    Merged,
    /// Another transaction was merged under the same id: the sender's store is a copy of one that lives on elsewhere.
    Forked,
    /// It depends on something that the hub knew before it was set back. Another node may offer that again, so it stays
    /// pending and is to be sent again after the next pull.
    Missing,
    /// It will never be merged as it is.
    Refused {
        /// Why, for the operator.
        reason: String,
    },
}

/// A row as the hub has it.
#[derive(Clone, PartialEq, Debug)]
pub struct PulledRow {
    /// Its table.
    pub table: SyncTableId,
    /// Its state, with all stamps resolved; never [`RowState::Absent`]. Values stand in the order of the columns of the
    /// hub's table. The key is in it: primary key columns of a living row, [`heliosdb_storage::sync_row::Tombstone::key`]
    /// of a dead one.
    pub state: RowState,
}

/// What changed at the hub between two moments.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Pull {
    /// The second moment: the edge's cursor afterwards.
    pub to: ServerSeq,
    /// Whether this is everything there is: rows of synced tables that are not in it are unknown to the hub.
    pub full: bool,
    /// The synced tables, if they changed.
    pub schema: Option<SyncedSchema>,
    /// The rows that changed, each once.
    pub rows: Vec<PulledRow>,
    /// Of each site of the asking node: all its transactions that the hub has merged by then.
    pub covered: Vec<(SiteId, IntervalSet)>,
    /// How many commits of others are in it.
    pub transactions: u64,
}

/// One message, either way.
#[derive(Clone, PartialEq, Debug)]
pub enum Message {
    /// Edge: the first message of a connection.
    Hello(Hello),
    /// Hub: the edge is known.
    Welcome(Welcome),
    /// Hub: the edge is not served; the connection ends.
    Refusal(Refusal),
    /// Edge: which of these transactions do you have, and are they the same?
    Reconcile {
        /// The ids in question with the digests that the edge has.
        known: Vec<(TxnId, TxnDigest)>,
    },
    /// Hub: those that it has; the others it has never seen.
    Reconciled {
        /// The ids under which the hub merged the same.
        merged: Vec<TxnId>,
        /// The ids under which the hub merged something else.
        forked: Vec<TxnId>,
    },
    /// Edge: give this node a new life.
    NewSite,
    /// Hub: the site of the new life.
    NewSiteIs(SiteId),
    /// Edge: transactions to merge.
    Push(Push),
    /// Hub: what became of them, after its fsync.
    PushAck(PushAck),
    /// Edge: what changed since?
    Pull(PullRequest),
    /// Edge: so many more DATA messages may come.
    Credit(u32),
    /// Hub: a part of a pull.
    Data(Vec<PulledRow>),
    /// Hub: the end of a pull; what came before it takes effect now.
    Checkpoint(Checkpoint),
    /// Edge: a pull is installed.
    PullAck(ServerSeq),
    /// Hub: something changed; its history now ends here.
    Notify(ServerSeq),
    /// Either: are you there?
    Ping(u64),
    /// Either: yes.
    Pong(u64),
}

/// Who an edge is and what it has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hello {
    /// The oldest protocol version that it speaks.
    pub oldest_version: u16,
    /// The newest.
    pub newest_version: u16,
    /// Its node id.
    pub node_id: String,
    /// The secret that it showed when it enrolled.
    pub node_key: [u8; 32],
    /// Its incarnation.
    pub site: SiteId,
    /// Which codecs it can read, as a set of bits (see [`frame::Codec`]).
    pub codecs: u8,
    /// The schema that it has.
    pub schema_version: SchemaVersion,
    /// Up to where it has installed the hub's history.
    pub cursor: ServerSeq,
    /// The newest of its transactions of this incarnation that a hub has acknowledged, 0 for none.
    pub acknowledged: LocalSeq,
    /// Its wall clock, milliseconds since the Unix epoch.
    pub wall_millis: u64,
}

/// What a hub answers to an edge that it knows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Welcome {
    /// The protocol version of this connection.
    pub version: u16,
    /// Which codecs the hub can read.
    pub codecs: u8,
    /// The hub's node id.
    pub hub_id: String,
    /// The end of the hub's history.
    pub head: ServerSeq,
    /// Its wall clock, milliseconds since the Unix epoch.
    pub wall_millis: u64,
    /// Of each site of the node: the newest transaction merged.
    pub merged: Vec<MergedHead>,
    /// The edge's site belongs to another node (a restored hub gave it away again): it needs a new one.
    pub site_taken: bool,
}

/// The newest transaction of a site that a hub has merged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MergedHead {
    /// Its id.
    pub id: TxnId,
    /// Its digest.
    pub digest: TxnDigest,
}

/// Why an edge is not served.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// The reason, for the program.
    pub reason: RefusalReason,
    /// The reason, for people.
    pub detail: String,
    /// When to come back, in milliseconds; 0 for as the edge sees fit.
    pub retry_after_millis: u64,
}

/// Why an edge is not served.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RefusalReason {
    /// No node of this id has enrolled, or its key is another.
    UnknownNode,
    /// An operator revoked the node.
    Revoked,
    /// The two speak no common version.
    UpgradeRequired,
    /// Too many connections, or too much at once.
    RateLimited,
    /// A newer connection of the same incarnation took over.
    Replaced,
    /// What the edge sent makes no sense here.
    Protocol,
    /// Two copies of this node exist; the edge says HELLO again and settles it.
    Forked,
    /// The hub is going down, or its store failed.
    Unavailable,
}

/// Transactions to merge, in the order of their commits.
#[derive(Clone, PartialEq, Debug)]
pub struct Push {
    /// Counted from 1 on each connection.
    pub batch: u64,
    /// The transactions.
    pub txns: Vec<PushedTxn>,
}

/// What became of a batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PushAck {
    /// The batch.
    pub batch: u64,
    /// One for each transaction from the first; fewer if one was FORKED, because what follows it may depend on it.
    pub outcomes: Vec<MergeOutcome>,
}

/// A question for changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PullRequest {
    /// The position up to which the edge has everything.
    pub cursor: ServerSeq,
    /// The schema it has.
    pub schema_version: SchemaVersion,
    /// How many DATA messages may come before it grants more.
    pub credits: u32,
}

/// The end of a pull.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Checkpoint {
    /// See [`Pull::to`].
    pub to: ServerSeq,
    /// See [`Pull::full`].
    pub full: bool,
    /// See [`Pull::schema`].
    pub schema: Option<SyncedSchema>,
    /// See [`Pull::covered`].
    pub covered: Vec<(SiteId, IntervalSet)>,
    /// See [`Pull::transactions`].
    pub transactions: u64,
    /// How many rows came in DATA messages; another number is an error.
    pub rows: u64,
}

impl Message {
    /// The message's name in logs and errors.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Hello(_) => "HELLO",
            Self::Welcome(_) => "WELCOME",
            Self::Refusal(_) => "REFUSAL",
            Self::Reconcile { .. } => "RECONCILE",
            Self::Reconciled { .. } => "RECONCILED",
            Self::NewSite => "NEWSITE",
            Self::NewSiteIs(_) => "NEWSITEIS",
            Self::Push(_) => "PUSH",
            Self::PushAck(_) => "PUSHACK",
            Self::Pull(_) => "PULL",
            Self::Credit(_) => "CREDIT",
            Self::Data(_) => "DATA",
            Self::Checkpoint(_) => "CHECKPOINT",
            Self::PullAck(_) => "PULLACK",
            Self::Notify(_) => "NOTIFY",
            Self::Ping(_) => "PING",
            Self::Pong(_) => "PONG",
        }
    }
}
