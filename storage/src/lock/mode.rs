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
    /// Anything else: many owners, as long as none has it for itself.
    Shared,
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

    pub(super) const fn remove(&mut self, mode: LockMode) {
        self.0 &= !bit(mode);
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) const fn conflicts_with(self, mode: LockMode) -> bool {
        self.0 & conflicts(mode) != 0
    }
}

/// Whether two owners cannot hold the modes at once.
pub(super) const fn conflict(a: LockMode, b: LockMode) -> bool {
    conflicts(a) & bit(b) != 0
}

const ACCESS_SHARE: u8 = 1;
const ROW_SHARE: u8 = 1 << 1;
const ROW_EXCLUSIVE: u8 = 1 << 2;
const SHARE_UPDATE_EXCLUSIVE: u8 = 1 << 3;
const SHARE: u8 = 1 << 4;
const SHARE_ROW_EXCLUSIVE: u8 = 1 << 5;
const EXCLUSIVE: u8 = 1 << 6;
const ACCESS_EXCLUSIVE: u8 = 1 << 7;

const fn bit(mode: LockMode) -> u8 {
    match mode {
        LockMode::Table(TableLock::AccessShare) | LockMode::Row(RowLock::KeyShare) => ACCESS_SHARE,
        LockMode::Table(TableLock::RowShare) | LockMode::Row(RowLock::Share) => ROW_SHARE,
        LockMode::Table(TableLock::RowExclusive) | LockMode::Row(RowLock::NoKeyUpdate) => ROW_EXCLUSIVE,
        LockMode::Table(TableLock::ShareUpdateExclusive) => SHARE_UPDATE_EXCLUSIVE,
        LockMode::Table(TableLock::Share) | LockMode::Shared => SHARE,
        LockMode::Table(TableLock::ShareRowExclusive) => SHARE_ROW_EXCLUSIVE,
        LockMode::Table(TableLock::Exclusive) => EXCLUSIVE,
        LockMode::Table(TableLock::AccessExclusive) | LockMode::Row(RowLock::Update) | LockMode::Exclusive => {
            ACCESS_EXCLUSIVE
        }
    }
}

/// The bits of the modes that conflict with one: PostgreSQL's tables 13.2 and 13.3.
const fn conflicts(mode: LockMode) -> u8 {
    match mode {
        LockMode::Table(TableLock::AccessShare) | LockMode::Row(RowLock::KeyShare) | LockMode::Shared => {
            ACCESS_EXCLUSIVE
        }
        LockMode::Table(TableLock::RowShare) => EXCLUSIVE | ACCESS_EXCLUSIVE,
        LockMode::Table(TableLock::RowExclusive) => SHARE | SHARE_ROW_EXCLUSIVE | EXCLUSIVE | ACCESS_EXCLUSIVE,
        LockMode::Table(TableLock::ShareUpdateExclusive) => {
            SHARE_UPDATE_EXCLUSIVE | SHARE | SHARE_ROW_EXCLUSIVE | EXCLUSIVE | ACCESS_EXCLUSIVE
        }
        LockMode::Table(TableLock::Share) => {
            ROW_EXCLUSIVE | SHARE_UPDATE_EXCLUSIVE | SHARE_ROW_EXCLUSIVE | EXCLUSIVE | ACCESS_EXCLUSIVE
        }
        LockMode::Table(TableLock::ShareRowExclusive) => {
            ROW_EXCLUSIVE | SHARE_UPDATE_EXCLUSIVE | SHARE | SHARE_ROW_EXCLUSIVE | EXCLUSIVE | ACCESS_EXCLUSIVE
        }
        LockMode::Table(TableLock::Exclusive) => !ACCESS_SHARE,
        LockMode::Row(RowLock::Share) => ROW_EXCLUSIVE | ACCESS_EXCLUSIVE,
        LockMode::Row(RowLock::NoKeyUpdate) => ROW_SHARE | ROW_EXCLUSIVE | ACCESS_EXCLUSIVE,
        LockMode::Table(TableLock::AccessExclusive) | LockMode::Row(RowLock::Update) | LockMode::Exclusive => !0,
    }
}
