//! BEGIN, COMMIT, ROLLBACK, savepoints, SET TRANSACTION, LOCK TABLE.

use crate::error::{Result, SqlError};
use crate::parse::session::{LockTable, TransactionStatement};
use crate::session::Session;

impl TransactionStatement {
    pub(super) const fn tag(&self) -> &'static str {
        match self {
            Self::Begin { is_start: true, .. } => "START TRANSACTION",
            Self::Begin { is_start: false, .. } => "BEGIN",
            Self::Commit { .. } => "COMMIT",
            Self::Rollback { .. } | Self::RollbackTo(_) => "ROLLBACK",
            Self::Savepoint(_) => "SAVEPOINT",
            Self::Release(_) => "RELEASE",
            Self::SetTransaction(_) | Self::SetSessionCharacteristics(_) => "SET",
            Self::Lock(_) => "LOCK TABLE",
        }
    }

    pub(super) const fn ends_failed_transaction(&self) -> bool {
        matches!(self, Self::Commit { .. } | Self::Rollback { .. } | Self::RollbackTo(_))
    }

    pub(super) fn run(&self, session: &mut Session) -> Result<&'static str> {
        match self {
            Self::Begin { modes, .. } => session.begin(*modes)?,
            Self::Commit { chain: true } => return Err(SqlError::unsupported("COMMIT AND CHAIN")),
            Self::Rollback { chain: true } => return Err(SqlError::unsupported("ROLLBACK AND CHAIN")),
            Self::Commit { chain: false } => {
                if !session.commit_block()? {
                    return Ok("ROLLBACK");
                }
            }
            Self::Rollback { chain: false } => session.rollback_block(),
            Self::Savepoint(name) => session.savepoint(name)?,
            Self::Release(name) => session.release(name)?,
            Self::RollbackTo(name) => session.rollback_to(name)?,
            Self::SetTransaction(modes) => session.set_transaction(*modes)?,
            Self::SetSessionCharacteristics(modes) => session.set_characteristics(*modes)?,
            Self::Lock(lock) => run_lock(session, lock)?,
        }
        Ok(self.tag())
    }
}

fn run_lock(session: &mut Session, lock: &LockTable) -> Result<()> {
    let _ = (session, lock);
    Err(SqlError::unsupported("LOCK TABLE"))
}
