//! Operators: one a file, pull-based, in batches of rows.
//!
//! A plan is immutable and shared by all sessions; an operator is the state of one run of one of its nodes. So that
//! neither copies the other, the node is handed to its operator with every call.
//!
//! What a statement keeps in memory (hash tables, sorts, results held for a suspended portal) is charged to its
//! [`context::MemoryBudget`]; beyond it the statement fails with 53200.

mod aggregate;
mod aggregate_call;
mod append;
mod assign;
pub mod context;
mod counter;
mod delete;
mod distinct;
mod filter;
mod function;
mod group;
pub mod hash;
mod hash_join;
mod insert;
mod join;
mod key;
mod limit;
mod lock_rows;
mod measured;
mod merge_join;
mod nested_loop;
mod project;
mod recursion;
mod scan;
mod set_operation;
pub mod sort;
mod subquery;
mod system;
mod target;
mod update;
mod values;
mod window;
pub mod with;

use heliosdb_storage::Row;

use crate::error::{Result, SqlError, SqlState};
use crate::plan::Plan;

pub use context::{ExecContext, MemoryBudget, StatementContext, TxnAccess};
pub use measured::Measure;

/// How many rows an operator hands on at once, more or less.
pub const BATCH_ROWS: usize = 256;

/// The state of one run of a plan's node.
pub trait Operator: Send {
    /// The next rows; none at the end. `plan` is the node that this operator was built for.
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>>;
}

/// An operator that has not begun.
pub fn build(plan: &Plan) -> Box<dyn Operator> {
    match plan {
        Plan::OneRow => Box::new(values::OneRow::default()),
        Plan::Values { .. } => Box::new(values::ValuesRows::default()),
        Plan::Scan(_) => Box::new(scan::TableScan::default()),
        Plan::System { .. } => Box::new(system::SystemScan::default()),
        Plan::Function { .. } => Box::new(function::FunctionScan::default()),
        Plan::ProjectSet { input, .. } => Box::new(function::ProjectSet::new(build(input))),
        Plan::Filter { input, .. } => Box::new(filter::Filter::new(build(input))),
        Plan::Project { input, .. } => Box::new(project::Project::new(build(input))),
        Plan::Truncate { input, .. } => Box::new(project::Truncate::new(build(input))),
        Plan::NestedLoop(join) => Box::new(nested_loop::Loop::new(join)),
        Plan::HashJoin(join) => Box::new(hash_join::Join::new(join)),
        Plan::MergeJoin(join) => Box::new(merge_join::Merge::new(join)),
        Plan::Estimated { input, estimate } => Box::new(measured::Measured::new(build(input), estimate.node)),
        Plan::Aggregate { input, sorted: true, .. } => Box::new(group::SortedGroups::new(build(input))),
        Plan::Aggregate { input, .. } => Box::new(aggregate::Aggregate::new(build(input))),
        Plan::LockRows(locks) => Box::new(lock_rows::LockedRows::new(build(&locks.input))),
        Plan::Window(window) => Box::new(window::Window::new(build(&window.input))),
        Plan::Unique { input, .. } => Box::new(distinct::Unique::new(build(input))),
        Plan::Distinct { input } => Box::new(distinct::Distinct::new(build(input))),
        Plan::Sort { input, .. } => Box::new(sort::Sort::new(build(input))),
        Plan::Limit { input, .. } => Box::new(limit::Limit::new(build(input))),
        Plan::Append { inputs } => Box::new(append::Append::new(inputs.iter().map(build).collect())),
        Plan::SetOperation(operation) => Box::new(set_operation::SetOperationRows::new(operation)),
        Plan::With { input, .. } => Box::new(with::With::new(build(input))),
        Plan::CteScan { .. } => Box::new(with::CteScan::default()),
        Plan::RecursiveUnion(recursive) => Box::new(recursion::Recursion::new(recursive)),
        Plan::WorkTableScan { .. } => Box::new(recursion::WorkTableScan::default()),
        Plan::Insert(insert) => Box::new(insert::Insert::new(build(&insert.input))),
        Plan::Update(plan) => Box::new(update::Update::new(plan)),
        Plan::Delete(plan) => Box::new(delete::Delete::new(plan)),
    }
}

/// The error of an operator that is given a node of another kind.
fn mismatch() -> SqlError {
    SqlError::new(SqlState::INTERNAL_ERROR, "an operator was run with the plan of another one")
}
