//! What operators share while a statement runs.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use heliosdb_storage::value::Value;
use heliosdb_storage::{RelationId, Row, RowKey, Transaction};

use super::measured::Measure;
use super::with::{CteFrame, CteState};
use crate::bind::tree::CteId;
use crate::error::{Result, SqlError, SqlState};
use crate::eval::{EvalContext, OuterRow, SessionFacts};
use crate::session::baseline::Baselines;
use crate::sync_control::SyncControl;
use crate::types::ValueContext;

/// How much a statement may keep in memory. Spilling to disk is not built: what needs more fails with 53200.
pub const MAX_STATEMENT_MEMORY_BYTES: usize = 128 * 1024 * 1024;

/// What belongs to the statement, not to the transaction: it stays when a portal is suspended.
pub struct StatementContext {
    /// The parameters.
    pub params: Vec<Value>,
    /// The zone, and the times of transaction and statement.
    pub time: ValueContext,
    /// What it keeps in memory.
    pub budget: MemoryBudget,
    /// How many rows it has changed.
    pub affected: Cell<u64>,
    /// Rows that the statement has dealt with without changing them, where it could meet them again.
    pub(super) left_alone: RefCell<HashSet<(RelationId, RowKey)>>,
    /// Results of uncorrelated subqueries, by the address of their plan, which lives as long as the statement.
    pub(super) subqueries: RefCell<HashMap<usize, Arc<Vec<Row>>>>,
    /// What there is of the queries of WITH that are the same all over the statement.
    pub(super) ctes: RefCell<HashMap<CteId, Arc<Mutex<CteState>>>>,
    /// What is seen of the nodes of a plan that is watched, by their numbers.
    measures: RefCell<Vec<Measure>>,
    /// The node that is running, if it is watched.
    pub(super) watched: Cell<Option<usize>>,
}

impl StatementContext {
    /// A statement that has not begun.
    pub fn new(params: Vec<Value>, time: ValueContext) -> Self {
        Self {
            params,
            time,
            budget: MemoryBudget::new(MAX_STATEMENT_MEMORY_BYTES),
            affected: Cell::new(0),
            left_alone: RefCell::default(),
            subqueries: RefCell::default(),
            ctes: RefCell::default(),
            measures: RefCell::default(),
            watched: Cell::new(None),
        }
    }

    /// Notes what is seen of a node.
    pub(super) fn measure(&self, node: usize, note: impl FnOnce(&mut Measure)) {
        let mut measures = self.measures.borrow_mut();
        if measures.len() <= node {
            measures.resize(node + 1, Measure::default());
        }
        if let Some(measure) = measures.get_mut(node) {
            note(measure);
        }
    }

    /// Notes what is seen of the node that is running, if it is watched.
    pub(super) fn note(&self, note: impl FnOnce(&mut Measure)) {
        if let Some(node) = self.watched.get() {
            self.measure(node, note);
        }
    }

    /// Notes that the condition of the running node has taken rows out.
    pub(super) fn note_removed(&self, rows: usize) {
        if rows > 0 {
            self.note(|measure| measure.removed += u64::try_from(rows).unwrap_or(u64::MAX));
        }
    }

    /// What was seen of the nodes.
    pub fn measures(&self) -> Vec<Measure> {
        self.measures.borrow().clone()
    }
}

/// Memory that a statement may keep.
#[derive(Clone, Debug)]
pub struct MemoryBudget {
    left: Arc<AtomicUsize>,
    limit: usize,
}

impl MemoryBudget {
    /// A budget of so many bytes.
    pub fn new(limit: usize) -> Self {
        Self { left: Arc::new(AtomicUsize::new(limit)), limit }
    }

    /// A part of it that is given back when it is dropped: nothing at first.
    pub fn reservation(&self) -> Reservation {
        Reservation { budget: Some(self.clone()), bytes: 0 }
    }

    /// Takes bytes from it; 53200 if there are not enough left.
    pub fn charge(&self, bytes: usize) -> Result<()> {
        let taken = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
        match taken {
            Ok(_) => Ok(()),
            Err(_) => Err(SqlError::new(SqlState::OUT_OF_MEMORY, "out of memory").with_detail(format!(
                "The statement would keep more than {} MB in memory.",
                self.limit / (1024 * 1024)
            ))),
        }
    }

    /// Gives bytes back.
    pub fn release(&self, bytes: usize) {
        let give = |left: usize| Some(left.saturating_add(bytes).min(self.limit));
        let _ = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, give);
    }

    /// Takes what rows need, and says how much that is.
    pub fn charge_rows(&self, rows: &[Row]) -> Result<usize> {
        let bytes = rows.iter().map(|row| row_bytes(row)).sum();
        self.charge(bytes)?;
        Ok(bytes)
    }
}

/// A part of a budget that is given back when it is dropped.
#[derive(Debug, Default)]
pub struct Reservation {
    budget: Option<MemoryBudget>,
    bytes: usize,
}

impl Reservation {
    /// Names the budget, if that has not been done.
    pub fn of(&mut self, budget: &MemoryBudget) {
        if self.budget.is_none() {
            self.budget = Some(budget.clone());
        }
    }

    /// Takes more.
    pub fn grow(&mut self, bytes: usize) -> Result<()> {
        if let Some(budget) = &self.budget {
            budget.charge(bytes)?;
            self.bytes = self.bytes.saturating_add(bytes);
        }
        Ok(())
    }

    /// Takes what rows need.
    pub fn grow_rows(&mut self, rows: &[Row]) -> Result<()> {
        self.grow(rows.iter().map(|row| row_bytes(row)).sum())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(budget) = &self.budget {
            budget.release(self.bytes);
        }
    }
}

/// What a row takes in memory, roughly.
pub fn row_bytes(row: &[Value]) -> usize {
    let values: usize = row.iter().map(value_bytes).sum();
    std::mem::size_of::<Row>() + values
}

fn value_bytes(value: &Value) -> usize {
    let heap = match value {
        Value::Text(text) => text.len(),
        // Digits and documents: an estimate that errs on the large side for small ones.
        Value::Numeric(_) => 64,
        Value::Jsonb(document) => 64 + json_bytes(&document.0),
        _ => 0,
    };
    std::mem::size_of::<Value>() + heap
}

fn json_bytes(document: &serde_json::Value) -> usize {
    match document {
        serde_json::Value::String(text) => text.len(),
        serde_json::Value::Array(items) => items.iter().map(|item| 32 + json_bytes(item)).sum(),
        serde_json::Value::Object(members) => {
            members.iter().map(|(name, member)| 64 + name.len() + json_bytes(member)).sum()
        }
        _ => 16,
    }
}

/// A transaction, to read only or to write too.
pub enum TxnAccess<'a> {
    /// Subqueries only read.
    Read(&'a Transaction),
    /// A statement's own operators may write and lock.
    Write(&'a mut Transaction),
}

impl TxnAccess<'_> {
    /// For reading.
    pub const fn read(&self) -> &Transaction {
        match self {
            Self::Read(txn) => txn,
            Self::Write(txn) => txn,
        }
    }

    /// For writing.
    pub fn write(&mut self) -> Result<&mut Transaction> {
        match self {
            Self::Write(txn) => Ok(txn),
            Self::Read(_) => Err(SqlError::unsupported("locking or changing rows inside a subquery")),
        }
    }

    fn reborrow(&mut self) -> TxnAccess<'_> {
        match self {
            Self::Read(txn) => TxnAccess::Read(txn),
            Self::Write(txn) => TxnAccess::Write(txn),
        }
    }
}

/// What operators share while a statement runs.
pub struct ExecContext<'a> {
    /// The transaction.
    pub txn: TxnAccess<'a>,
    /// The statement.
    pub statement: &'a StatementContext,
    /// The session's user and database.
    pub session: &'a SessionFacts,
    /// The sync worker.
    pub sync: &'a dyn SyncControl,
    /// Set to cancel the statement.
    pub cancel: &'a AtomicBool,
    /// The rows of the enclosing queries, innermost first.
    pub outer: Option<&'a OuterRow<'a>>,
    /// The queries of WITH around, innermost first.
    pub ctes: Option<&'a CteFrame<'a>>,
    /// What the transaction has returned of counters; none in subqueries, which return nothing to the client.
    pub baselines: Option<&'a mut Baselines>,
}

impl ExecContext<'_> {
    /// What expressions see here.
    pub fn eval(&self) -> EvalContext<'_> {
        EvalContext {
            params: &self.statement.params,
            outer: self.outer,
            time: &self.statement.time,
            session: self.session,
            sync: self.sync,
            cancel: self.cancel,
            subqueries: self,
        }
    }

    /// The same with one more outer row.
    pub fn inside<'b>(&'b mut self, row: &'b OuterRow<'b>) -> ExecContext<'b> {
        ExecContext {
            txn: self.txn.reborrow(),
            statement: self.statement,
            session: self.session,
            sync: self.sync,
            cancel: self.cancel,
            outer: Some(row),
            ctes: self.ctes,
            baselines: None,
        }
    }

    /// The same with one more frame of queries of WITH.
    pub fn with_ctes<'b>(&'b mut self, frame: &'b CteFrame<'b>) -> ExecContext<'b> {
        ExecContext {
            txn: self.txn.reborrow(),
            statement: self.statement,
            session: self.session,
            sync: self.sync,
            cancel: self.cancel,
            outer: self.outer,
            ctes: Some(frame),
            baselines: self.baselines.as_deref_mut(),
        }
    }

    /// The same at the place of a WITH: with the frame that it has made, and the rows around it.
    pub fn at<'b>(&'b mut self, frame: &'b CteFrame<'b>, outer: Option<&'b OuterRow<'b>>) -> ExecContext<'b> {
        ExecContext { outer, ..self.with_ctes(frame) }
    }

    /// Fails with 57014 once the client has asked for it.
    pub fn check_cancelled(&self) -> Result<()> {
        if self.cancel.load(Ordering::Relaxed) {
            return Err(SqlError::new(SqlState::QUERY_CANCELED, "canceling statement due to user request"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_a_bound() {
        let budget = MemoryBudget::new(1000);
        budget.charge(600).unwrap();
        assert_eq!(budget.charge(600).unwrap_err().state, SqlState::OUT_OF_MEMORY);
        budget.release(600);
        budget.charge(1000).unwrap();
        budget.release(5000);
        assert!(budget.charge(1001).is_err());
    }
}
