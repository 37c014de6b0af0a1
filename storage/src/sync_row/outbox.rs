//! The outbox of an edge: its own transactions that the hub's state does not cover yet, and for a while those it does.

use super::op::{TxnDigest, TxnRecord};
use crate::codec::{Reader, put_bytes, put_varint};
use crate::error::Result;

/// A transaction in the outbox.
#[derive(Clone, PartialEq, Debug)]
pub struct OutboxEntry {
    /// What travels.
    pub txn: TxnRecord,
    /// Its digest, computed at commit.
    pub digest: TxnDigest,
    /// How far it has come.
    pub state: OutboxState,
}

/// How far an entry has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OutboxState {
    /// Not acknowledged.
    Pending,
    /// Merged by the hub, but the rows installed here do not show it yet.
    Acknowledged,
    /// Shown by the rows installed here; kept for `sync.retain_acked` in case the hub loses its memory.
    Covered {
        /// Milliseconds since the Unix epoch.
        covered_at_millis: u64,
    },
    /// Refused by the hub for good; waits for a person.
    Dead {
        /// Why.
        reason: String,
        /// Milliseconds since the Unix epoch.
        failed_at_millis: u64,
        /// Whether it had been set aside before, and so is no part of the visible rows.
        was_set_aside: bool,
    },
    /// Pending, but taken out of the visible rows because a pulled row has the unique key it wanted; the hub decides.
    SetAside,
    /// Merged by the hub after it had been set aside here: the next pull shows it.
    AcknowledgedAside,
}

impl OutboxState {
    /// Whether the entry is part of P: its changes are replayed over the hub's rows.
    pub const fn is_visible(&self) -> bool {
        match self {
            Self::Pending | Self::Acknowledged => true,
            Self::Covered { .. } | Self::SetAside | Self::AcknowledgedAside => false,
            Self::Dead { was_set_aside, .. } => !*was_set_aside,
        }
    }

    /// Whether the hub has merged it, as far as is known here.
    pub const fn is_acknowledged(&self) -> bool {
        matches!(self, Self::Acknowledged | Self::AcknowledgedAside | Self::Covered { .. })
    }

    /// The state after the hub has said that it has merged the entry.
    #[must_use]
    pub const fn acknowledged(&self) -> Self {
        if self.is_visible() { Self::Acknowledged } else { Self::AcknowledgedAside }
    }

    /// The state of an entry that is to be pushed, again or for the first time.
    #[must_use]
    pub const fn unsent(&self) -> Self {
        if self.is_visible() { Self::Pending } else { Self::SetAside }
    }

    /// Whether the entry is to be pushed.
    pub const fn is_unsent(&self) -> bool {
        matches!(self, Self::Pending | Self::SetAside)
    }
}

const VERSION: u8 = 1;
const PENDING: u8 = 0;
const ACKNOWLEDGED: u8 = 1;
const COVERED: u8 = 2;
const DEAD: u8 = 3;
const SET_ASIDE: u8 = 4;
const ACKNOWLEDGED_ASIDE: u8 = 5;

impl OutboxEntry {
    /// An entry for a transaction that was just committed.
    pub fn pending(txn: TxnRecord) -> Result<Self> {
        let digest = txn.digest()?;
        Ok(Self { txn, digest, state: OutboxState::Pending })
    }

    /// The bytes of the entry: version, state, digest, record.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let record = self.txn.encode()?;
        let mut out = Vec::with_capacity(record.len() + 32);
        out.push(VERSION);
        match &self.state {
            OutboxState::Pending => out.push(PENDING),
            OutboxState::Acknowledged => out.push(ACKNOWLEDGED),
            OutboxState::Covered { covered_at_millis } => {
                out.push(COVERED);
                put_varint(&mut out, *covered_at_millis);
            }
            OutboxState::Dead { reason, failed_at_millis, was_set_aside } => {
                out.push(DEAD);
                put_bytes(&mut out, reason.as_bytes());
                put_varint(&mut out, *failed_at_millis);
                out.push(u8::from(*was_set_aside));
            }
            OutboxState::SetAside => out.push(SET_ASIDE),
            OutboxState::AcknowledgedAside => out.push(ACKNOWLEDGED_ASIDE),
        }
        out.extend_from_slice(&self.digest.0);
        out.extend_from_slice(&record);
        Ok(out)
    }

    /// The entry in the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let (state, mut reader) = read_state(bytes)?;
        let digest = TxnDigest(reader.array()?);
        let txn = TxnRecord::decode(reader.take_rest())?;
        Ok(Self { txn, digest, state })
    }

    /// Only the state of the entry in the bytes, without reading the transaction.
    pub fn decode_state(bytes: &[u8]) -> Result<OutboxState> {
        read_state(bytes).map(|(state, _)| state)
    }
}

fn read_state(bytes: &[u8]) -> Result<(OutboxState, Reader<'_>)> {
    let mut reader = Reader::new(bytes, "outbox");
    let version = reader.u8()?;
    if version != VERSION {
        return Err(reader.damaged(format!("unknown version {version}")));
    }
    let state = match reader.u8()? {
        PENDING => OutboxState::Pending,
        ACKNOWLEDGED => OutboxState::Acknowledged,
        COVERED => OutboxState::Covered { covered_at_millis: reader.varint()? },
        DEAD => OutboxState::Dead {
            reason: reader.str()?.to_owned(),
            failed_at_millis: reader.varint()?,
            was_set_aside: match reader.u8()? {
                0 => false,
                1 => true,
                flag => return Err(reader.damaged(format!("unknown flag {flag}"))),
            },
        },
        SET_ASIDE => OutboxState::SetAside,
        ACKNOWLEDGED_ASIDE => OutboxState::AcknowledgedAside,
        state => return Err(reader.damaged(format!("unknown state {state}"))),
    };
    Ok((state, reader))
}
