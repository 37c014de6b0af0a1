//! BEGIN, COMMIT, ROLLBACK, savepoints, SET TRANSACTION, LOCK TABLE.

use std::sync::Arc;
use std::time::Duration;

use heliosdb_storage::catalog::TableDef;

use crate::bind::names::{QualifiedName, no_such_relation};
use crate::bind::search_path::NamedRelation;
use crate::error::{Result, SqlError, SqlState};
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
            Self::Commit { chain } => {
                if !session.commit_block(*chain)? {
                    return Ok("ROLLBACK");
                }
            }
            Self::Rollback { chain } => session.rollback_block(*chain)?,
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

/// LOCK TABLE: one after the other, in the order in which they are named.
fn run_lock(session: &mut Session, lock: &LockTable) -> Result<()> {
    if !session.is_in_any_block() {
        return Err(SqlError::new(
            SqlState::NO_ACTIVE_SQL_TRANSACTION,
            "LOCK TABLE can only be used in transaction blocks",
        ));
    }
    for name in &lock.tables {
        let table = find_table(session, name)?;
        let lock_timeout = session.lock_timeout();
        let txn = session.storage()?;
        if lock.nowait {
            txn.set_lock_timeout(Some(Duration::ZERO));
        }
        let locked = txn.lock_table(table.id, lock.mode);
        txn.set_lock_timeout(lock_timeout);
        locked.map_err(|error| match error {
            heliosdb_storage::Error::LockTimeout(_) if lock.nowait => SqlError::new(
                SqlState::LOCK_NOT_AVAILABLE,
                format!("could not obtain lock on relation \"{}\"", table.name),
            ),
            other => other.into(),
        })?;
    }
    Ok(())
}

fn find_table(session: &mut Session, name: &QualifiedName) -> Result<Arc<TableDef>> {
    let catalog = Arc::clone(session.catalog()?);
    let wrong_kind = || SqlError::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not a table", name.name));
    match session.search_path(&catalog).relation(&catalog, name) {
        Some(NamedRelation::Table(table)) => Ok(table),
        Some(NamedRelation::View(_)) => Err(SqlError::unsupported("LOCK TABLE of a view")),
        Some(NamedRelation::System(_)) => Err(SqlError::unsupported("LOCK TABLE of a system catalog")),
        Some(NamedRelation::Sequence(_)) => Err(wrong_kind()),
        None => Err(no_such_relation(name)),
    }
}
