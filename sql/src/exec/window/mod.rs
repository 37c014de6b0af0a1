//! Window functions. The input comes sorted by partition and order; a partition is held in memory as a whole, its rows
//! are handed on with one more column a call.

mod frame;
mod run;

use std::ops::Range;

use heliosdb_storage::Row;
use heliosdb_storage::value::Value;

use super::context::{ExecContext, Reservation, row_bytes};
use super::hash::HashKey;
use super::{BATCH_ROWS, Operator, mismatch};
use crate::error::Result;
use crate::eval::eval;
use crate::plan::{Plan, WindowPlan};

/// Window functions over one partition after the other.
pub struct Window {
    input: Box<dyn Operator>,
    /// Rows that have been read and belong to no partition yet.
    pending: std::vec::IntoIter<Row>,
    /// The first row of the next partition, with what it is partitioned by.
    first: Option<(HashKey, Row)>,
    /// Rows that have been computed.
    done: std::vec::IntoIter<Row>,
    memory: Reservation,
    at_end: bool,
}

/// The rows of a partition.
#[derive(Default)]
struct Partition {
    rows: Vec<Row>,
    /// What each is ordered by.
    keys: Vec<Vec<Value>>,
    /// Where each group of peers begins, and the end.
    groups: Vec<usize>,
    /// The group of each row.
    group_of: Vec<usize>,
}

impl Partition {
    fn push(&mut self, row: Row, key: Vec<Value>) {
        let is_peer = self.keys.last().is_some_and(|last| {
            last.len() == key.len() && last.iter().zip(&key).all(|(a, b)| crate::eval::compare(a, b).is_eq())
        });
        if !is_peer {
            self.groups.push(self.rows.len());
        }
        self.group_of.push(self.groups.len() - 1);
        self.rows.push(row);
        self.keys.push(key);
    }

    fn key(&self, row: usize) -> &[Value] {
        self.keys.get(row).map(Vec::as_slice).unwrap_or_default()
    }

    fn group_of(&self, row: usize) -> usize {
        self.group_of.get(row).copied().unwrap_or(0)
    }

    /// The rows of a group of peers; nothing behind the last row if there is no such group.
    fn group(&self, group: usize) -> Range<usize> {
        let at = |group: usize| self.groups.get(group).copied().unwrap_or(self.rows.len());
        at(group)..at(group.saturating_add(1))
    }

    fn peers(&self, row: usize) -> Range<usize> {
        self.group(self.group_of(row))
    }

    /// The rows whose first key is not NULL: they stand together.
    fn not_null(&self) -> Range<usize> {
        let is_null = |key: &Vec<Value>| key.first().is_some_and(Value::is_null);
        let start = self.keys.iter().take_while(|key| is_null(key)).count();
        let end = self.keys.len() - self.keys.iter().rev().take_while(|key| is_null(key)).count();
        start..end.max(start)
    }
}

impl Window {
    /// Window functions over the rows of an input.
    pub fn new(input: Box<dyn Operator>) -> Self {
        Self {
            input,
            pending: Vec::new().into_iter(),
            first: None,
            done: Vec::new().into_iter(),
            memory: Reservation::default(),
            at_end: false,
        }
    }

    fn next_row(&mut self, window: &WindowPlan, ctx: &mut ExecContext<'_>) -> Result<Option<Row>> {
        loop {
            if let Some(row) = self.pending.next() {
                return Ok(Some(row));
            }
            match self.input.next_batch(&window.input, ctx)? {
                Some(rows) => self.pending = rows.into_iter(),
                None => return Ok(None),
            }
        }
    }

    /// The next partition; none at the end.
    fn partition(&mut self, window: &WindowPlan, ctx: &mut ExecContext<'_>) -> Result<Option<Partition>> {
        let mut partition = Partition::default();
        let mut current: Option<HashKey> = None;
        self.memory = ctx.statement.budget.reservation();
        while !self.at_end {
            let (key, row) = match self.first.take() {
                Some(first) => first,
                None => match self.next_row(window, ctx)? {
                    Some(row) => {
                        let eval_ctx = ctx.eval();
                        let key: Result<Vec<Value>> =
                            window.partition.iter().map(|expr| eval(expr, &row, &eval_ctx)).collect();
                        (HashKey(key?), row)
                    }
                    None => {
                        self.at_end = true;
                        break;
                    }
                },
            };
            if current.as_ref().is_some_and(|current| *current != key) {
                self.first = Some((key, row));
                break;
            }
            current = Some(key);
            let eval_ctx = ctx.eval();
            let order: Result<Vec<Value>> = window.order.iter().map(|key| eval(&key.expr, &row, &eval_ctx)).collect();
            let order = order?;
            self.memory.grow(row_bytes(&row) + row_bytes(&order) + row_bytes(&[]) * window.calls.len())?;
            partition.push(row, order);
        }
        Ok(Some(partition).filter(|partition| !partition.rows.is_empty()))
    }
}

impl Operator for Window {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::Window(window) = plan else { return Err(mismatch()) };
        loop {
            ctx.check_cancelled()?;
            let rows: Vec<Row> = self.done.by_ref().take(BATCH_ROWS).collect();
            if !rows.is_empty() {
                return Ok(Some(rows));
            }
            let Some(mut partition) = self.partition(window, ctx)? else { return Ok(None) };
            let mut columns = Vec::with_capacity(window.calls.len());
            for call in &window.calls {
                columns.push(run::call(call, &window.order, &partition, ctx)?.into_iter());
            }
            for row in &mut partition.rows {
                row.extend(columns.iter_mut().map(|column| column.next().unwrap_or(Value::Null)));
            }
            self.done = partition.rows.into_iter();
        }
    }
}
