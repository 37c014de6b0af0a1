//! Rows of a stored table, by any access path.

use std::collections::BTreeSet;

use bytes::Bytes;
use heliosdb_storage::key::KeyRange;
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

/// What a row key takes in memory, roughly, where keys are gathered.
const KEY_BYTES: usize = 64;

/// A scan.
#[derive(Default)]
pub struct TableScan {
    state: State,
    batch_rows: usize,
}

#[derive(Default)]
enum State {
    #[default]
    Start,
    /// One row is left to be looked up.
    Point(RowKey),
    /// Ranges are read one after the other.
    Ranges {
        cursor: Box<ScanCursor>,
        rest: std::vec::IntoIter<KeyRange>,
    },
    /// Rows are looked up by their keys.
    Keys(std::vec::IntoIter<RowKey>),
    End,
}

/// What a scan hands on.
enum Found {
    /// Rows.
    Rows(Vec<Row>),
    /// The end.
    End,
}

impl TableScan {
    /// The next rows that satisfy the filter, with their keys. The scan's columns are all those of the table.
    pub fn next_keyed(&mut self, scan: &Scan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<(RowKey, Row)>>> {
        loop {
            ctx.check_cancelled()?;
            let mut rows: Vec<(RowKey, Row)> = Vec::new();
            self.begin(scan, ctx)?;
            let wanted = self.next_size();
            let txn = ctx.txn.read();
            match std::mem::take(&mut self.state) {
                State::Start | State::End => {
                    self.state = State::End;
                    return Ok(None);
                }
                State::Point(key) => {
                    self.state = State::End;
                    if let Some(row) = txn.get_columns(&scan.table, &key, &scan.columns)? {
                        rows.push((key, row));
                    }
                }
                State::Ranges { mut cursor, rest } => {
                    let more = cursor.next_keyed_columns(txn, &scan.columns, wanted, &mut rows)?;
                    self.state = next_range(scan, ctx, cursor, rest, more)?;
                }
                State::Keys(mut keys) => {
                    for key in keys.by_ref().take(wanted) {
                        if let Some(row) = txn.get_columns(&scan.table, &key, &scan.columns)? {
                            rows.push((key, row));
                        }
                    }
                    self.state = if keys.len() == 0 { State::End } else { State::Keys(keys) };
                }
            }
            if let Some(filter) = &scan.filter {
                let eval = ctx.eval();
                let before = rows.len();
                let mut kept = Vec::with_capacity(before);
                for (key, row) in rows {
                    if is_true(filter, &row, &eval)? {
                        kept.push((key, row));
                    }
                }
                ctx.statement.note_removed(before - kept.len());
                rows = kept;
            }
            if !rows.is_empty() {
                return Ok(Some(rows));
            }
        }
    }

    /// The next rows that satisfy the filter.
    fn next_rows(&mut self, scan: &Scan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        loop {
            ctx.check_cancelled()?;
            self.begin(scan, ctx)?;
            let Found::Rows(mut rows) = self.read(scan, ctx)? else { return Ok(None) };
            if let Some(filter) = &scan.filter {
                let eval = ctx.eval();
                let mut failed = None;
                let before = rows.len();
                rows.retain(|row| {
                    failed.is_none()
                        && is_true(filter, row, &eval).unwrap_or_else(|error| {
                            failed = Some(error);
                            false
                        })
                });
                if let Some(error) = failed {
                    return Err(error);
                }
                ctx.statement.note_removed(before - rows.len());
                if scan.width < scan.columns.slots().len() {
                    rows.iter_mut().for_each(|row| row.truncate(scan.width));
                }
            }
            if !rows.is_empty() {
                return Ok(Some(rows));
            }
        }
    }

    fn read(&mut self, scan: &Scan, ctx: &ExecContext<'_>) -> Result<Found> {
        let mut rows = Vec::new();
        let wanted = self.next_size();
        let txn = ctx.txn.read();
        match std::mem::take(&mut self.state) {
            State::Start | State::End => {
                self.state = State::End;
                return Ok(Found::End);
            }
            State::Point(key) => {
                self.state = State::End;
                rows.extend(txn.get_columns(&scan.table, &key, &scan.columns)?);
            }
            State::Ranges { mut cursor, rest } => {
                let more = match &scan.entry {
                    Some(entry) => cursor.next_entries(txn, entry, wanted, &mut rows)?,
                    None => cursor.next_columns(txn, &scan.columns, wanted, &mut rows)?,
                };
                self.state = next_range(scan, ctx, cursor, rest, more)?;
            }
            State::Keys(mut keys) => {
                for key in keys.by_ref().take(wanted) {
                    rows.extend(txn.get_columns(&scan.table, &key, &scan.columns)?);
                }
                self.state = if keys.len() == 0 { State::End } else { State::Keys(keys) };
            }
        }
        Ok(Found::Rows(rows))
    }

    fn next_size(&mut self) -> usize {
        self.batch_rows = (self.batch_rows * 2).clamp(FIRST_BATCH_ROWS, BATCH_ROWS);
        self.batch_rows
    }

    fn begin(&mut self, scan: &Scan, ctx: &ExecContext<'_>) -> Result<()> {
        if let State::Start = self.state {
            self.state = match &scan.access {
                Access::Point { key } => key::point(key, ctx)?.map_or(State::End, State::Point),
                Access::Any { paths } => State::Keys(gather(scan, paths, ctx)?),
                access => open(scan, ranges_of(access, scan.backward, ctx)?.into_iter(), ctx)?,
            };
        }
        Ok(())
    }
}

/// The ranges that a path reads, in the order in which it reads them.
fn ranges_of(access: &Access, backward: bool, ctx: &ExecContext<'_>) -> Result<Vec<KeyRange>> {
    let mut ranges = match access {
        Access::All => vec![KeyRange::ALL],
        Access::Key { bounds } | Access::Index { bounds, .. } => key::ranges(bounds, ctx)?,
        Access::Point { .. } | Access::Any { .. } => return Err(mismatch()),
    };
    if backward {
        ranges.reverse();
    }
    Ok(ranges)
}

fn open(scan: &Scan, mut rest: std::vec::IntoIter<KeyRange>, ctx: &ExecContext<'_>) -> Result<State> {
    match rest.next() {
        None => Ok(State::End),
        Some(range) => {
            let cursor = Box::new(cursor(scan, &scan.access, range, ctx)?);
            Ok(State::Ranges { cursor, rest })
        }
    }
}

fn next_range(
    scan: &Scan,
    ctx: &ExecContext<'_>,
    cursor: Box<ScanCursor>,
    rest: std::vec::IntoIter<KeyRange>,
    more: bool,
) -> Result<State> {
    if more { Ok(State::Ranges { cursor, rest }) } else { open(scan, rest, ctx) }
}

fn cursor(scan: &Scan, access: &Access, range: KeyRange, ctx: &ExecContext<'_>) -> Result<ScanCursor> {
    let direction = if scan.backward { Direction::Backward } else { Direction::Forward };
    let txn = ctx.txn.read();
    match access {
        Access::Index { index, .. } => {
            let index =
                scan.table.indexes.get(*index).ok_or_else(|| {
                    SqlError::new(SqlState::INTERNAL_ERROR, "the plan names an index that is not there")
                })?;
            Ok(txn.scan_index(&scan.table, index.id, range, direction)?)
        }
        _ => Ok(txn.scan(&scan.table, range, direction)?),
    }
}

/// The keys of the rows that any of several paths finds, in order.
fn gather(scan: &Scan, paths: &[Access], ctx: &ExecContext<'_>) -> Result<std::vec::IntoIter<RowKey>> {
    let mut keys = BTreeSet::new();
    let mut found = Vec::new();
    for access in paths {
        for range in ranges_of(access, false, ctx)? {
            let mut cursor = cursor(scan, access, range, ctx)?;
            loop {
                ctx.check_cancelled()?;
                let more = cursor.next_keys(ctx.txn.read(), BATCH_ROWS, &mut found)?;
                ctx.statement.budget.charge(found.len() * KEY_BYTES)?;
                keys.extend(found.drain(..));
                if !more {
                    break;
                }
            }
        }
    }
    let keys: Vec<RowKey> = keys.into_iter().collect();
    Ok(keys.into_iter())
}

impl Operator for TableScan {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::Scan(scan) = plan else { return Err(mismatch()) };
        match scan.key_at() {
            None => self.next_rows(scan, ctx),
            Some(at) => {
                let Some(rows) = self.next_keyed(scan, ctx)? else { return Ok(None) };
                Ok(Some(rows.into_iter().map(|keyed| with_key(keyed, at, scan.width)).collect()))
            }
        }
    }
}

/// The row with its key, as a value, in the place that waits for it.
fn with_key((key, mut row): (RowKey, Row), at: usize, width: usize) -> Row {
    if let Some(place) = row.get_mut(at) {
        *place = Value::Bytea(key.0.as_ref().into());
    }
    row.truncate(width);
    row
}

/// The key that a scan has put into a row.
pub fn key_of(value: Option<&Value>) -> Result<RowKey> {
    match value {
        Some(Value::Bytea(key)) => Ok(RowKey(Bytes::copy_from_slice(key))),
        _ => Err(SqlError::new(SqlState::INTERNAL_ERROR, "a row came without its key")),
    }
}

/// The scan that a plan is, if it is nothing else and reads whole rows.
pub fn scan_of(plan: &Plan) -> Option<&Scan> {
    match plan {
        Plan::Scan(scan) if scan.reads_whole_rows() => Some(scan),
        _ => None,
    }
}
