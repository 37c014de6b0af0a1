//! What can go wrong in the store, by what the caller does about it.

use crate::ids::RelationId;

/// The result of a storage operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The data would break a constraint; the statement (or the merged transaction) must not take effect.
    #[error("{0}")]
    Constraint(Box<Violation>),
    /// Two transactions wait for each other and this one gives way; the client may retry it.
    #[error("deadlock detected: {0}")]
    Deadlock(String),
    /// The transaction gave way to a merge or to a concurrent change; the client may retry it.
    #[error("{0}")]
    Serialization(String),
    /// A lock was not granted in time.
    #[error("canceling statement due to lock timeout while waiting for {0}")]
    LockTimeout(String),
    /// The statement was cancelled from outside.
    #[error("canceling statement due to user request")]
    Cancelled,
    /// The object named does not exist (any more).
    #[error("relation {0} does not exist")]
    NoSuchRelation(RelationId),
    /// A relation of that name exists already.
    #[error("relation \"{0}\" already exists")]
    AlreadyExists(String),
    /// An object that is no relation has the name already.
    #[error("{0}")]
    NameTaken(String),
    /// Other objects depend on the one to be removed.
    #[error("{0}")]
    Dependent(String),
    /// The outbox is full; writes to synced tables wait for the line, or fail.
    #[error("the sync queue is full ({pending} of {capacity} transactions wait for the cloud)")]
    QueueFull {
        /// Transactions that wait.
        pending: u64,
        /// The configured capacity.
        capacity: u64,
    },
    /// The write is not allowed on this node by the table's sync mode or the node's role.
    #[error("{0}")]
    NotAllowedHere(String),
    /// An expression of a definition (a CHECK, a key of an index) could not be evaluated on a row; the error is of the crate
    /// that evaluates them.
    #[error("{0}")]
    Evaluation(Box<dyn std::error::Error + Send + Sync>),
    /// A bound of the store was reached.
    #[error("{0}")]
    LimitExceeded(String),
    /// A sequence has no number left (2200H).
    #[error("{0}")]
    SequenceExhausted(String),
    /// A value left the range of its type, such as a counter's.
    #[error("{0}")]
    OutOfRange(String),
    /// The store cannot do this (yet).
    #[error("{0}")]
    Unsupported(String),
    /// The disk or `max_storage_bytes` is full.
    #[error("no space left for data: {0}")]
    DiskFull(String),
    /// Another process has the data folder open.
    #[error("the data folder {0} is in use by another process")]
    InUse(String),
    /// Bytes that no version of this program would have written.
    #[error("damaged data in {place}: {what}")]
    Corrupt {
        /// Which relation, record or file.
        place: String,
        /// What is wrong with it.
        what: String,
    },
    /// The operating system refused.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The outcome of the commit is unknown; the process must not go on with this store.
    #[error("the commit could not be made durable: {0}")]
    CommitUnknown(String),
}

impl Error {
    /// Whether the same transaction may succeed when tried again.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Deadlock(_) | Self::Serialization(_) | Self::LockTimeout(_))
    }

    /// Damage at a named place.
    pub fn corrupt(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Corrupt { place: place.into(), what: what.into() }
    }
}

/// Which kind of constraint a row breaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConstraintKind {
    /// NOT NULL (23502).
    NotNull,
    /// PRIMARY KEY or UNIQUE (23505).
    Unique,
    /// FOREIGN KEY (23503).
    ForeignKey,
    /// CHECK, or a rule of a CRDT type such as a shrinking `g_counter` (23514).
    Check,
}

/// A broken constraint, with PostgreSQL's message and the fields of its error report.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Violation {
    /// The kind, which gives the SQLSTATE.
    pub kind: ConstraintKind,
    /// PostgreSQL's primary message.
    pub message: String,
    /// PostgreSQL's detail line, such as `Key (sku)=(a) already exists.`
    pub detail: Option<String>,
    /// The table's schema.
    pub schema: String,
    /// The table.
    pub table: String,
    /// The column, for NOT NULL.
    pub column: Option<String>,
    /// The constraint's name, for all others.
    pub constraint: Option<String>,
}

impl From<Violation> for Error {
    fn from(violation: Violation) -> Self {
        Self::Constraint(Box::new(violation))
    }
}
