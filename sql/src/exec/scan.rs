//! Rows of a stored table, by any access path.

use bytes::Bytes;
use heliosdb_storage::transaction::{Direction, ScanCursor};
use heliosdb_storage::value::Value;
use heliosdb_storage::{Row, RowKey};

use super::context::ExecContext;
use super::{BATCH_ROWS, Operator, key, mismatch};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::is_true;
use crate::plan::{Access, Plan, Scan};

/// How many rows are read at first: who wants one row should not pay for hundreds.
const FIRST_BATCH_ROWS: usize = 8;

/// A scan.
#[derive(Default)]
pub struct TableScan {
    state: State,
    batch_rows: usize,
    /// Rows that have been found and not been locked yet.
    unlocked: std::vec::IntoIter<(RowKey, Row)>,
}

#[derive(Default)]
enum State {
    #[default]
    Start,
    Reading(Box<ScanCursor>),
    End,
}

impl TableScan {
    /// The next rows that satisfy the filter, with their keys.
    pub fn next_keyed(&mut self, scan: &Scan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<(RowKey, Row)>>> {
        loop {
            ctx.check_cancelled()?;
            let mut rows = Vec::new();
            match &mut self.state {
                State::End => return Ok(None),
                State::Start => {
                    self.state = State::End;
                    match &scan.access {
                        Access::Point { key } => {
                            if let Some(key) = key::point(key, ctx)?
                                && let Some(row) = ctx.txn.read().get(&scan.table, &key)?
                            {
                                rows.push((key, row));
                            }
                        }
                        _ => {
                            if let Some(cursor) = open(scan, ctx)? {
                                self.state = State::Reading(Box::new(cursor));
                            }
                            continue;
                        }
                    }
                }
                State::Reading(cursor) => {
                    self.batch_rows = (self.batch_rows * 2).clamp(FIRST_BATCH_ROWS, BATCH_ROWS);
                    if !cursor.next_rows(ctx.txn.read(), self.batch_rows, &mut rows)? {
                        self.state = State::End;
                    }
                }
            }
            if let Some(filter) = &scan.filter {
                let eval = ctx.eval();
                let mut kept = Vec::with_capacity(rows.len());
                for (key, row) in rows {
                    if is_true(filter, &row, &eval)? {
                        kept.push((key, row));
                    }
                }
                rows = kept;
            }
            if !rows.is_empty() {
                return Ok(Some(rows));
            }
        }
    }
}

fn open(scan: &Scan, ctx: &ExecContext<'_>) -> Result<Option<ScanCursor>> {
    let direction = if scan.backward { Direction::Backward } else { Direction::Forward };
    let txn = ctx.txn.read();
    Ok(match &scan.access {
        Access::All => Some(txn.scan(&scan.table, heliosdb_storage::key::KeyRange::ALL, direction)?),
        Access::Point { .. } => None,
        Access::Key { bounds } => match key::range(bounds, ctx)? {
            Some(range) => Some(txn.scan(&scan.table, range, direction)?),
            None => None,
        },
        Access::Index { index, bounds } => match (key::range(bounds, ctx)?, scan.table.indexes.get(*index)) {
            (None, _) => None,
            (Some(range), Some(index)) => Some(txn.scan_index(&scan.table, index.id, range, direction)?),
            (Some(_), None) => {
                return Err(SqlError::new(SqlState::INTERNAL_ERROR, "the plan names an index that is not there"));
            }
        },
    })
}

impl Operator for TableScan {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::Scan(scan) = plan else { return Err(mismatch()) };
        let Some(lock) = scan.lock else {
            let Some(rows) = self.next_keyed(scan, ctx)? else { return Ok(None) };
            return Ok(Some(rows.into_iter().map(|keyed| output(scan, keyed)).collect()));
        };
        // One row at a time: with LIMIT no more rows are locked than are returned.
        loop {
            for (key, row) in self.unlocked.by_ref() {
                if let Some(newest) = ctx.txn.write()?.lock_row(&scan.table, &key, lock)?
                    && still_wanted(scan, &row, &newest, ctx)?
                {
                    return Ok(Some(vec![output(scan, (key, newest))]));
                }
            }
            match self.next_keyed(scan, ctx)? {
                Some(rows) => self.unlocked = rows.into_iter(),
                None => return Ok(None),
            }
        }
    }
}

/// The row as the scan's plan says: with its key, if that is wanted.
fn output(scan: &Scan, (key, mut row): (RowKey, Row)) -> Row {
    if scan.with_key {
        row.push(Value::Bytea(key.0.as_ref().into()));
    }
    row
}

/// The key that a scan has put behind a row.
pub fn key_of(value: Option<&Value>) -> Result<RowKey> {
    match value {
        Some(Value::Bytea(key)) => Ok(RowKey(Bytes::copy_from_slice(key))),
        _ => Err(SqlError::new(SqlState::INTERNAL_ERROR, "a row came without its key")),
    }
}

/// The scan that a plan is, if it is nothing else.
pub const fn scan_of(plan: &Plan) -> Option<&Scan> {
    match plan {
        Plan::Scan(scan) if !scan.with_key => Some(scan),
        _ => None,
    }
}

/// Whether a locked row's newest version satisfies the scan's filter: READ COMMITTED judges it again if it changed.
fn still_wanted(scan: &Scan, found: &Row, newest: &Row, ctx: &ExecContext<'_>) -> Result<bool> {
    match &scan.filter {
        Some(filter) if found != newest => is_true(filter, newest, &ctx.eval()),
        _ => Ok(true),
    }
}
