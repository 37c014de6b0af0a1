//! The rows that UPDATE and DELETE are about.
//!
//! They are found by the statement's snapshot, which sees nothing of what the statement itself writes: by a scan of the
//! table, or by a join of it (FROM, USING), whose rows carry the key of the table's row. Then each is locked. If it has
//! changed since, the condition is judged again with its newest version in place of the one found, and the other
//! relations' rows as they were: READ COMMITTED. A row that several of the others match is dealt with once.

use heliosdb_storage::catalog::TableDef;
use heliosdb_storage::transaction::RowLock;
use heliosdb_storage::value::Value;
use heliosdb_storage::{Row, RowKey};

use super::assign::is_done;
use super::context::ExecContext;
use super::scan::{TableScan, key_of, scan_of};
use super::{Operator, build};
use crate::error::Result;
use crate::eval::is_true;
use crate::expr::Expr;
use crate::plan::Plan;

/// A run over the rows to be changed.
pub enum TargetRows {
    /// A scan of the table alone.
    Scan(TableScan),
    /// A join, whose row begins with the table's columns and the row's key.
    Joined(Box<dyn Operator>),
}

impl TargetRows {
    /// A run that has not begun.
    pub fn new(input: &Plan) -> Self {
        match scan_of(input) {
            Some(_) => Self::Scan(TableScan::default()),
            None => Self::Joined(build(input)),
        }
    }

    /// Whether other relations are joined, so that a row can come up several times.
    pub const fn is_joined(&self) -> bool {
        matches!(self, Self::Joined(_))
    }

    /// The next rows with their keys.
    pub fn next(
        &mut self,
        input: &Plan,
        table: &TableDef,
        ctx: &mut ExecContext<'_>,
    ) -> Result<Option<Vec<(RowKey, Row)>>> {
        match self {
            Self::Scan(scan) => match scan_of(input) {
                Some(plan) => scan.next_keyed(plan, ctx),
                None => Err(super::mismatch()),
            },
            Self::Joined(operator) => {
                let Some(rows) = operator.next_batch(input, ctx)? else { return Ok(None) };
                let key_at = table.columns.len();
                rows.into_iter().map(|row| Ok((key_of(row.get(key_at))?, row))).collect::<Result<_>>().map(Some)
            }
        }
    }
}

/// Locks a row that was found, and returns it with its newest version in the table's columns; none if there is nothing
/// to be done about it (any more).
pub fn lock_target(
    table: &TableDef,
    key: &RowKey,
    found: Row,
    lock: RowLock,
    filter: Option<&Expr>,
    ctx: &mut ExecContext<'_>,
) -> Result<Option<Row>> {
    if is_done(table, key, ctx) {
        return Ok(None);
    }
    let Some(newest) = ctx.txn.write()?.lock_row(table, key, lock)? else { return Ok(None) };
    let width = table.columns.len();
    if found.get(..width) == Some(newest.as_slice()) {
        return Ok(Some(found));
    }
    let mut now = newest;
    now.extend(found.into_iter().skip(width));
    match filter {
        Some(filter) if !is_true(filter, &now, &ctx.eval())? => Ok(None),
        _ => Ok(Some(now)),
    }
}

/// The row with another version in the table's columns.
pub fn with_version(mut version: Row, joined: &[Value]) -> Row {
    version.extend_from_slice(joined.get(version.len()..).unwrap_or_default());
    version
}
