//! What can go wrong in sync, by what the caller does about it.

use crate::message::{Refusal, RefusalReason};

/// The result of a sync operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of sync.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] heliosdb_storage::Error),
    /// The line failed, or the other end is not there; trying again later is all that helps.
    #[error("{0}")]
    Line(String),
    /// The other end sent what the protocol does not allow.
    #[error("protocol error: {0}")]
    Protocol(String),
    /// The hub does not serve this node.
    #[error("the cloud refused this node: {0}")]
    Refused(RefusedBy),
    /// An enrolment was refused, or cannot work: the message says what to change.
    #[error("{0}")]
    Enrolment(String),
    /// An option has a value that does not work, or that this version does not support.
    #[error("{0}")]
    Config(String),
    /// The node's state does not allow the request (SQLSTATE 55000).
    #[error("{message}")]
    WrongState {
        /// What is wrong.
        message: String,
        /// What would mend it.
        hint: String,
    },
    /// A bound was reached.
    #[error("{0}")]
    LimitExceeded(String),
    /// The node is shutting down.
    #[error("sync is shutting down")]
    ShuttingDown,
}

/// A refusal as the hub worded it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RefusedBy(pub Refusal);

impl std::fmt::Display for RefusedBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.detail)
    }
}

impl Error {
    /// The line to the other end failed.
    pub fn line(what: impl std::fmt::Display) -> Self {
        Self::Line(what.to_string())
    }

    /// The other end broke the protocol.
    pub fn protocol(what: impl Into<String>) -> Self {
        Self::Protocol(what.into())
    }

    /// The node's state does not allow the request.
    pub fn wrong_state(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::WrongState { message: message.into(), hint: hint.into() }
    }

    /// What a node that is not enrolled answers.
    pub fn standalone() -> Self {
        Self::wrong_state(
            "this node is not enrolled with a cloud",
            "Run `heliosdb-edge enroll`, or set sync.cloud_endpoint and sync.token and restart.",
        )
    }

    /// What a node answers that tries to enrol, and fails.
    pub fn not_enrolled(why: &str) -> Self {
        Self::wrong_state(
            format!("this node is not enrolled with a cloud yet: {why}"),
            "The node tries again by itself; if the token is the reason, set sync.token to a new one and restart.",
        )
    }

    /// The reason, if the hub refused the node.
    pub const fn refusal_reason(&self) -> Option<RefusalReason> {
        match self {
            Self::Refused(RefusedBy(refusal)) => Some(refusal.reason),
            _ => None,
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(RefusedBy(refusal))
    }
}
