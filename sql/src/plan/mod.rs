//! Plans: how a statement is run.
//!
//! ```text
//!  bind::tree (what is asked) ─► planner (conditions to where they can be judged first, access paths, joins, order)
//!                                  │
//!                                  ▼
//!                                Plan (a tree of operators; immutable, shared by all sessions through the cache)
//! ```
//!
//! Every expression in a plan refers to the rows of its operator's input by position. A scan's row is the table's row,
//! a join's row is its left row followed by its right row.

pub mod access;
pub mod cache;
pub mod context;
mod cost;
pub mod explain;
mod join;
mod node;
mod planner;
mod refs;
mod select;
mod selectivity;
mod strict;
mod visit;

use std::sync::Arc;

use heliosdb_storage::catalog::TableDef;
use heliosdb_storage::row::Selection;
use heliosdb_storage::transaction::{Arbiter, EntryColumns, RowLock};
use heliosdb_storage::value::DataType;

use crate::bind::tree::{CteId, SetOperation};
use crate::catalog_views::SystemRelation;
use crate::expr::Expr;
use crate::functions::aggregate::AggregateFunction;
use crate::functions::table::{RowShape, TableFunction};
use crate::functions::window::WindowFunction;

pub use access::{Access, KeyBound, KeyBounds, KeyPart, KeyValue};
pub use planner::{plan_modify, plan_query, plan_query_with_hidden};

/// How a query is run: a tree of operators.
#[derive(Clone, Debug)]
pub enum Plan {
    /// One row without columns.
    OneRow,
    /// Rows of expressions.
    Values {
        /// The rows.
        rows: Vec<Vec<Expr>>,
    },
    /// Rows of a stored table.
    Scan(Box<Scan>),
    /// Rows of `pg_catalog`, `information_schema` or `sync`.
    System {
        /// The relation.
        relation: &'static SystemRelation,
        /// Which rows.
        filter: Option<Expr>,
        /// The name it goes by.
        name: Arc<str>,
    },
    /// Rows of functions, side by side: one that has no more rows gives NULLs until all are at their end.
    Function {
        /// The calls.
        calls: Vec<TableCall>,
        /// WITH ORDINALITY: one more column, which counts the rows.
        ordinality: bool,
        /// The name it goes by.
        name: Arc<str>,
    },
    /// Each row of the input as often as set-returning functions of it give rows, with a column for each of them.
    ProjectSet {
        /// Where the rows come from.
        input: Box<Plan>,
        /// The calls, over the input's row.
        calls: Vec<TableCall>,
    },
    /// The rows that satisfy a condition.
    Filter {
        /// Where they come from.
        input: Box<Plan>,
        /// The condition.
        predicate: Expr,
    },
    /// New rows computed from the input's.
    Project {
        /// Where they come from.
        input: Box<Plan>,
        /// One expression a column.
        exprs: Vec<Expr>,
    },
    /// The first columns of the input's rows.
    Truncate {
        /// Where they come from.
        input: Box<Plan>,
        /// How many columns stay.
        width: usize,
    },
    /// Pairs of rows, by looking at each pair.
    NestedLoop(Box<NestedLoop>),
    /// Pairs of rows, by equal keys.
    HashJoin(Box<HashJoin>),
    /// Pairs of rows, by walking two sides that are in the order of their keys.
    MergeJoin(Box<MergeJoin>),
    /// What is known of the plan below: for EXPLAIN. It makes no difference to the rows.
    Estimated {
        /// The plan.
        input: Box<Plan>,
        /// What was expected of it.
        estimate: Estimate,
    },
    /// Groups.
    Aggregate {
        /// Where the rows come from.
        input: Box<Plan>,
        /// Whether the rows of a group come one after the other: with one grouping set.
        sorted: bool,
        /// What groups are made by.
        groups: Vec<Expr>,
        /// The grouping sets: which of them each groups by. A set of none has one group, even of no rows.
        sets: Vec<Vec<usize>>,
        /// What is computed of each group.
        calls: Vec<AggregateCall>,
        /// GROUPING: for each call which of the groups its bits stand for.
        masks: Vec<Vec<usize>>,
    },
    /// Window functions over rows that come sorted by partition and order.
    Window(Box<WindowPlan>),
    /// Each distinct row once.
    Distinct {
        /// Where they come from.
        input: Box<Plan>,
    },
    /// Of rows that stand one after the other and are equal in some columns the first one.
    Unique {
        /// Where they come from.
        input: Box<Plan>,
        /// Which columns.
        columns: Vec<usize>,
    },
    /// The rows in order; with a bound only the first ones (top-N).
    Sort {
        /// Where they come from.
        input: Box<Plan>,
        /// The order.
        keys: Vec<SortKey>,
        /// How many rows are wanted at most: LIMIT + OFFSET.
        bound: Option<RowLimit>,
    },
    /// A slice of the rows.
    Limit {
        /// Where they come from.
        input: Box<Plan>,
        /// Which slice.
        limit: RowLimit,
    },
    /// The rows of one input after those of the other.
    Append {
        /// The inputs, all of the same columns.
        inputs: Vec<Plan>,
    },
    /// INTERSECT and EXCEPT.
    SetOperation(Box<SetOperationPlan>),
    /// Rows of tables that are locked as they come.
    LockRows(Box<LockRows>),
    /// The rows of the input, which may scan the results of queries that are computed once.
    With {
        /// The queries; each may scan those before it.
        ctes: Vec<CtePlan>,
        /// What the rows are made by.
        input: Box<Plan>,
    },
    /// The rows of a query of a WITH around it.
    CteScan {
        /// Which one.
        id: CteId,
        /// How many columns it has.
        width: usize,
        /// Whether it is the same however often its WITH is run.
        stable: bool,
        /// The name it goes by.
        name: Arc<str>,
    },
    /// A recursive query.
    RecursiveUnion(Box<RecursiveUnion>),
    /// The rows that the recursive query around it has made the last time.
    WorkTableScan {
        /// Of which query.
        id: CteId,
        /// How many columns it has.
        width: usize,
        /// The name it goes by.
        name: Arc<str>,
    },
    /// INSERT
    Insert(Box<InsertPlan>),
    /// UPDATE
    Update(Box<UpdatePlan>),
    /// DELETE
    Delete(Box<DeletePlan>),
}

impl Plan {
    /// What a node is called that nothing more is known about.
    pub const fn kind_name(&self) -> &'static str {
        match self {
            Self::With { .. } => "With",
            _ => "Custom Scan",
        }
    }
}

/// INTERSECT or EXCEPT.
#[derive(Clone, Debug)]
pub struct SetOperationPlan {
    /// Which one.
    pub kind: SetOperation,
    /// Without ALL each distinct row comes once.
    pub all: bool,
    /// The side whose rows come out.
    pub left: Plan,
    /// The side that they are looked for in.
    pub right: Plan,
}

/// Rows that are locked as they come. The input's row is that of the result, with the row of FROM behind it.
#[derive(Clone, Debug)]
pub struct LockRows {
    /// Where they come from.
    pub input: Plan,
    /// How many columns the result has.
    pub base: usize,
    /// What is locked.
    pub marks: Vec<RowMark>,
    /// What must hold of a row in its newest version, over the input's row.
    pub filter: Option<Expr>,
    /// The columns of the result, over the input's row: for a row that has changed.
    pub targets: Vec<Expr>,
}

/// A table of FROM whose rows are locked.
#[derive(Clone, Debug)]
pub struct RowMark {
    /// The table.
    pub table: Arc<TableDef>,
    /// Where its columns begin in the row of FROM.
    pub first: usize,
    /// Where its rows' keys are in the row of FROM.
    pub key_at: usize,
    /// How they are locked.
    pub lock: RowLock,
    /// What happens if others hold a lock that is in the way.
    pub wait: LockWait,
}

/// What happens if others hold a lock that is in the way; of several wishes the last one of these holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum LockWait {
    /// Waiting for them.
    Block,
    /// SKIP LOCKED: the row is left out.
    Skip,
    /// NOWAIT: the statement fails.
    Fail,
}

/// A call that gives rows.
#[derive(Clone, Debug)]
pub struct TableCall {
    /// What is called.
    pub callee: TableCallee,
    /// The columns of its rows.
    pub shape: RowShape,
}

/// What a call that gives rows calls.
#[derive(Clone, Debug)]
pub enum TableCallee {
    /// A set-returning function.
    Function {
        /// The function.
        function: &'static TableFunction,
        /// Its arguments.
        args: Vec<Expr>,
    },
    /// An expression: one row of one value.
    Value(Expr),
}

/// A query that is computed once, as far as its rows are asked for.
#[derive(Clone, Debug)]
pub struct CtePlan {
    /// What scans name it by.
    pub id: CteId,
    /// Its name in the statement.
    pub name: Arc<str>,
    /// How it is run.
    pub plan: Plan,
    /// Whether it is the same however often its WITH is run.
    pub stable: bool,
}

/// A recursive query: the step is run again on the rows of the last time until there are none.
#[derive(Clone, Debug)]
pub struct RecursiveUnion {
    /// What scans name its working table by.
    pub id: CteId,
    /// The first rows.
    pub base: Plan,
    /// What makes rows of rows.
    pub step: Plan,
    /// Without ALL a row that has been there before is left out.
    pub all: bool,
}

/// LIMIT and OFFSET, bigint expressions that see no row.
#[derive(Clone, Debug)]
pub struct RowLimit {
    /// How many rows at most; NULL is no bound.
    pub limit: Option<Expr>,
    /// How many rows are left out first.
    pub offset: Option<Expr>,
}

/// A scan of a stored table.
#[derive(Clone, Debug)]
pub struct Scan {
    /// The table.
    pub table: Arc<TableDef>,
    /// The name it goes by.
    pub name: Arc<str>,
    /// Which part of it is read, and by which order.
    pub access: Access,
    /// The columns that are read, in the order of the scan's row; the number of the table's columns stands for the row's
    /// key, as a value.
    pub columns: Selection,
    /// If entries of the index say all that is wanted: how they are read.
    pub entry: Option<EntryColumns>,
    /// Which of those rows are wanted, over these columns.
    pub filter: Option<Expr>,
    /// How many of the columns are handed on; the others are for the filter.
    pub width: usize,
    /// Whether it runs from the end.
    pub backward: bool,
}

impl Scan {
    /// The place of the row's key, if it is wanted.
    pub fn key_at(&self) -> Option<usize> {
        let width = self.table.columns.len();
        self.columns.slots().iter().position(|slot| *slot == width)
    }

    /// Whether its rows are the table's, as they are.
    pub fn reads_whole_rows(&self) -> bool {
        let slots = self.columns.slots();
        slots.len() == self.table.columns.len() && slots.iter().enumerate().all(|(at, slot)| at == *slot)
    }
}

/// What a join does with rows that find no partner.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JoinKind {
    /// Leaves them out.
    Inner,
    /// Keeps those of the left side.
    Left,
    /// Keeps those of the right side.
    Right,
    /// Keeps those of both sides.
    Full,
    /// Is only about the rows of the left side: those that have a partner.
    Semi,
    /// Is only about the rows of the left side: those that have none.
    Anti,
}

impl JoinKind {
    /// Whether left rows without partner are kept, with NULLs for the right side.
    pub const fn keeps_left(self) -> bool {
        matches!(self, Self::Left | Self::Full)
    }

    /// Whether right rows without partner are kept, with NULLs for the left side.
    pub const fn keeps_right(self) -> bool {
        matches!(self, Self::Right | Self::Full)
    }

    /// Whether the joined rows are rows of the left side alone.
    pub const fn is_half(self) -> bool {
        matches!(self, Self::Semi | Self::Anti)
    }
}

/// What comes out of a join.
#[derive(Clone, Debug)]
pub struct JoinOutput {
    /// What must hold of a joined row, the left row followed by the right one, after NULLs have been put in.
    pub filter: Option<Expr>,
    /// The columns of such a row that are handed on; all, if none are named.
    pub columns: Option<Vec<usize>>,
    /// How many columns the left side has.
    pub left_width: usize,
    /// How many columns the right side has.
    pub right_width: usize,
}

impl JoinOutput {
    /// How many columns are handed on, of a join of a kind.
    pub fn width(&self, kind: JoinKind) -> usize {
        match &self.columns {
            Some(columns) => columns.len(),
            None if kind.is_half() => self.left_width,
            None => self.left_width + self.right_width,
        }
    }
}

/// What was expected of a plan.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Estimate {
    /// Which node this is, counted through the plan and the plans of its subqueries.
    pub node: usize,
    /// What it costs until the first row.
    pub startup: f64,
    /// What it costs in all.
    pub total: f64,
    /// How many rows it has.
    pub rows: f64,
    /// What a row takes.
    pub bytes: f64,
}

/// A join that looks at pairs.
#[derive(Clone, Debug)]
pub struct NestedLoop {
    /// The outer side.
    pub left: Plan,
    /// The inner side. If it is `lateral`, it is run anew for every outer row, which it sees as its next outer row;
    /// else it is run once and its rows are kept.
    pub right: Plan,
    /// See above.
    pub lateral: bool,
    /// What happens to rows without partner.
    pub kind: JoinKind,
    /// The condition over the pair.
    pub on: Option<Expr>,
    /// Whether an outer row has one partner at most, so that none is looked for after the first.
    pub single: bool,
    /// What comes out.
    pub output: JoinOutput,
}

/// A join by equal keys: the right side is hashed, the left side looks its rows up.
#[derive(Clone, Debug)]
pub struct HashJoin {
    /// The side that is read once.
    pub left: Plan,
    /// The side that is hashed.
    pub right: Plan,
    /// What happens to rows without partner.
    pub kind: JoinKind,
    /// The keys over the left row.
    pub left_keys: Vec<Expr>,
    /// The keys over the right row.
    pub right_keys: Vec<Expr>,
    /// What else must hold of the pair.
    pub on: Option<Expr>,
    /// What comes out.
    pub output: JoinOutput,
}

/// A join of two sides that are in the order of their keys.
#[derive(Clone, Debug)]
pub struct MergeJoin {
    /// The side whose rows are walked once.
    pub left: Plan,
    /// The side of which the rows of one key are kept.
    pub right: Plan,
    /// What happens to rows without partner.
    pub kind: JoinKind,
    /// The keys over the left row, and how they are ordered.
    pub left_keys: Vec<SortKey>,
    /// The keys over the right row.
    pub right_keys: Vec<Expr>,
    /// What else must hold of the pair.
    pub on: Option<Expr>,
    /// What comes out.
    pub output: JoinOutput,
}

/// A call of an aggregate.
#[derive(Clone, Debug)]
pub struct AggregateCall {
    /// The function.
    pub function: &'static AggregateFunction,
    /// Its arguments.
    pub args: Vec<Expr>,
    /// Each distinct argument once.
    pub distinct: bool,
    /// With DISTINCT: which arguments tell rows apart, in the order in which the rows come.
    pub distinct_by: Vec<ArgumentKey>,
    /// The order in which the rows come; not with DISTINCT.
    pub order: Vec<SortKey>,
    /// Only rows that satisfy this.
    pub filter: Option<Expr>,
    /// The type of the result.
    pub returns: DataType,
}

/// An argument as a key of an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ArgumentKey {
    /// Which argument.
    pub at: usize,
    /// Largest first.
    pub descending: bool,
    /// NULLs before all others.
    pub nulls_first: bool,
}

/// Window functions over one partition and order: the rows get a column a call.
#[derive(Clone, Debug)]
pub struct WindowPlan {
    /// Where the rows come from, sorted by partition and order.
    pub input: Plan,
    /// PARTITION BY
    pub partition: Vec<Expr>,
    /// ORDER BY
    pub order: Vec<SortKey>,
    /// What is computed.
    pub calls: Vec<WindowCall>,
}

/// A call of a window function.
#[derive(Clone, Debug)]
pub struct WindowCall {
    /// What is called.
    pub callee: WindowCallee,
    /// Which rows it looks at.
    pub frame: Frame,
}

/// What a call of a window function calls.
#[derive(Clone, Debug)]
pub enum WindowCallee {
    /// An aggregate, over the rows of the frame.
    Aggregate(AggregateCall),
    /// Another one.
    Function {
        /// The function.
        function: WindowFunction,
        /// Its arguments.
        args: Vec<Expr>,
        /// The type of its result.
        returns: DataType,
    },
}

/// The frame of a window.
#[derive(Clone, Debug)]
pub struct Frame {
    /// What its offsets count.
    pub units: FrameUnits,
    /// Where it begins.
    pub start: FrameBound,
    /// Where it ends.
    pub end: FrameBound,
    /// What is left out of it.
    pub exclusion: Exclusion,
}

impl Default for Frame {
    fn default() -> Self {
        Self {
            units: FrameUnits::Range,
            start: FrameBound::UnboundedPreceding,
            end: FrameBound::CurrentRow,
            exclusion: Exclusion::NoOthers,
        }
    }
}

/// What the offsets of a frame count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameUnits {
    /// Rows.
    Rows,
    /// The distance in the column of the order; the current row is all its peers.
    Range,
    /// Groups of peers.
    Groups,
}

/// A bound of a frame; offsets see no row.
#[derive(Clone, Debug)]
pub enum FrameBound {
    /// The partition's first row.
    UnboundedPreceding,
    /// So far before the current row.
    Preceding(Expr),
    /// The current row.
    CurrentRow,
    /// So far behind the current row.
    Following(Expr),
    /// The partition's last row.
    UnboundedFollowing,
}

/// What is left out of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exclusion {
    /// Nothing.
    NoOthers,
    /// The current row.
    CurrentRow,
    /// The current row and its peers.
    Group,
    /// The peers of the current row.
    Ties,
}

/// One key of an order.
#[derive(Clone, Debug)]
pub struct SortKey {
    /// What is compared.
    pub expr: Expr,
    /// Largest first.
    pub descending: bool,
    /// NULLs before all others.
    pub nulls_first: bool,
}

impl SortKey {
    /// Whether both are the same order.
    pub fn same(&self, other: &Self) -> bool {
        self.descending == other.descending && self.nulls_first == other.nulls_first && self.expr.same(&other.expr)
    }
}

/// An INSERT.
#[derive(Clone, Debug)]
pub struct InsertPlan {
    /// The table.
    pub table: Arc<TableDef>,
    /// The rows that are given.
    pub input: Plan,
    /// Per slot of the table, an expression over the input's row: a column of it, or the default.
    pub values: Vec<Expr>,
    /// What happens if another row is in the way; without it, an error.
    pub conflict: Option<OnConflict>,
    /// What is returned of each new row.
    pub returning: Option<Returning>,
}

/// An UPDATE.
#[derive(Clone, Debug)]
pub struct UpdatePlan {
    /// The table.
    pub table: Arc<TableDef>,
    /// The rows that are changed: a scan of the table, or a join whose row begins with the table's row and its key.
    pub input: Plan,
    /// The whole condition over such a row, to be judged again on a newer version.
    pub filter: Option<Expr>,
    /// What they become.
    pub assignments: Assignments,
    /// Whether a column of the primary key, of a unique index or one that foreign keys refer to is among them.
    pub changes_key: bool,
    /// What is returned of each new row (and what is joined to it).
    pub returning: Option<Returning>,
}

/// ON CONFLICT
#[derive(Clone, Debug)]
pub struct OnConflict {
    /// The unique keys in which a row can be in the way.
    pub arbiters: Vec<Arbiter>,
    /// DO UPDATE; without it, nothing is done.
    pub update: Option<DoUpdate>,
}

/// What becomes of a row in the way. The expressions are over its newest version followed by the row that was to be
/// inserted.
#[derive(Clone, Debug)]
pub struct DoUpdate {
    /// SET
    pub assignments: Assignments,
    /// WHERE: if it is not true, the row stays as it is.
    pub filter: Option<Expr>,
}

/// SET
#[derive(Clone, Debug)]
pub struct Assignments {
    /// Column by column.
    pub set: Vec<SetColumn>,
    /// Subqueries that are run once a row, for `(a, b) = (SELECT …)`: the columns of their one row follow those of the
    /// row that the assignments are over.
    pub subqueries: Vec<Expr>,
}

impl Assignments {
    /// All expressions.
    pub fn exprs(&self) -> impl Iterator<Item = &Expr> {
        self.set.iter().map(|set| &set.value).chain(&self.subqueries)
    }

    /// All expressions, to be changed.
    pub fn exprs_mut(&mut self) -> impl Iterator<Item = &mut Expr> {
        self.set.iter_mut().map(|set| &mut set.value).chain(&mut self.subqueries)
    }

    /// Whether a column of the primary key, of a unique index or one that foreign keys refer to is among them.
    pub fn change_key(&self, table: &TableDef) -> bool {
        self.set.iter().any(|set| table.is_key_column(set.slot))
    }
}

/// An assignment of an UPDATE.
#[derive(Clone, Debug)]
pub struct SetColumn {
    /// The column.
    pub slot: usize,
    /// The new value, over the old row.
    pub value: Expr,
    /// Whether the expression reads the column itself: then a counter's difference is taken from the locked row.
    pub reads_itself: bool,
}

/// A DELETE.
#[derive(Clone, Debug)]
pub struct DeletePlan {
    /// The table.
    pub table: Arc<TableDef>,
    /// The rows that go, as for an UPDATE.
    pub input: Plan,
    /// The whole condition over such a row, to be judged again on a newer version.
    pub filter: Option<Expr>,
    /// What is returned of each old row (and what is joined to it).
    pub returning: Option<Returning>,
}

/// What RETURNING computes over the table's row, and in UPDATE and DELETE over what is joined to it.
#[derive(Clone, Debug)]
pub struct Returning {
    /// One expression a column.
    pub exprs: Vec<Expr>,
    /// Counters whose value the client gets to see: their slots.
    pub counters: Vec<usize>,
}

/// A counter column among the columns of a SELECT: the transaction remembers what it returned, as the baseline of a later
/// write (see [`crate::session::baseline`]).
#[derive(Clone, Debug)]
pub struct SeenCounter {
    /// The table.
    pub table: Arc<TableDef>,
    /// The counter's slot in it.
    pub slot: usize,
    /// Where the value is in the plan's row.
    pub value_at: usize,
    /// Where the primary key's columns are in the plan's row.
    pub key_at: Vec<usize>,
}

/// The types of columns.
pub type Types = Vec<DataType>;
