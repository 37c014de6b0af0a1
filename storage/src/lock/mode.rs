//! Lock modes and which of them conflict.

use crate::transaction::{RowLock, TableLock};

/// How a resource is locked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LockMode {
    /// A relation.
    Table(TableLock),
    /// A row.
    Row(RowLock),
    /// Anything else: one owner at a time.
    Exclusive,
}

/// A set of modes, one bit each. Modes of tables and of rows share bits, since no resource is both.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct ModeSet(u8);

impl ModeSet {
    pub(super) const fn contains(self, mode: LockMode) -> bool {
        self.0 & bit(mode) != 0
    }

    pub(super) const fn insert(&mut self, mode: LockMode) {
        self.0 |= bit(mode);
    }

    pub(super) const fn conflicts_with(self, mode: LockMode) -> bool {
        self.0 & conflicts(mode) != 0
    }
}

/// Whether two owners cannot hold the modes at once.
pub(super) const fn conflict(a: LockMode, b: LockMode) -> bool {
    conflicts(a) & bit(b) != 0
}

const fn bit(mode: LockMode) -> u8 {
    match mode {
        LockMode::Table(TableLock::AccessShare) | LockMode::Row(RowLock::KeyShare) => 1,
        LockMode::Table(TableLock::RowExclusive) | LockMode::Row(RowLock::Share) => 2,
        LockMode::Table(TableLock::Share) | LockMode::Row(RowLock::NoKeyUpdate) => 4,
        LockMode::Table(TableLock::AccessExclusive) | LockMode::Row(RowLock::Update) | LockMode::Exclusive => 8,
    }
}

/// The bits of the modes that conflict with one: PostgreSQL's tables 13.2 and 13.3.
const fn conflicts(mode: LockMode) -> u8 {
    match mode {
        LockMode::Table(TableLock::AccessShare) | LockMode::Row(RowLock::KeyShare) => 8,
        LockMode::Table(TableLock::RowExclusive) | LockMode::Row(RowLock::Share) => 4 | 8,
        LockMode::Table(TableLock::Share) => 2 | 8,
        LockMode::Row(RowLock::NoKeyUpdate) => 2 | 4 | 8,
        LockMode::Table(TableLock::AccessExclusive) | LockMode::Row(RowLock::Update) | LockMode::Exclusive => {
            1 | 2 | 4 | 8
        }
    }
}
