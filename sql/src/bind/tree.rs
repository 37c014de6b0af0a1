//! The bound tree: what a statement asks, with all names and types known, and nothing said about how.

use std::sync::Arc;

use heliosdb_storage::RelationId;
use heliosdb_storage::catalog::TableDef;
use heliosdb_storage::value::{ColumnType, DataType};

use crate::catalog_views::SystemRelation;
use crate::expr::Expr;
use crate::plan::{
    AggregateCall, Assignments, JoinKind, OnConflict, Returning, RowLimit, RowMark, SortKey, TableCall, WindowCall,
};

/// A query.
#[derive(Clone, Debug)]
pub struct Query {
    /// The common table expressions that are computed once and read by scans, in the order of their dependence.
    pub with: Vec<Cte>,
    /// Where its rows come from.
    pub body: Body,
    /// The order, over the body's row.
    pub order: Vec<SortKey>,
    /// Which slice.
    pub limit: Option<RowLimit>,
    /// The columns that are shown: the first ones of the body's row.
    pub columns: Vec<OutputColumn>,
}

impl Default for Query {
    /// No rows, no columns.
    fn default() -> Self {
        Self::new(Body::Values(Vec::new()), Vec::new())
    }
}

impl Query {
    /// A query without order and slice.
    pub const fn new(body: Body, columns: Vec<OutputColumn>) -> Self {
        Self { with: Vec::new(), body, order: Vec::new(), limit: None, columns }
    }

    /// Whether it is nothing but its body.
    pub const fn is_plain(&self) -> bool {
        self.with.is_empty() && self.order.is_empty() && self.limit.is_none()
    }
}

/// What names a common table expression within its statement.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct CteId(pub usize);

/// A common table expression that is computed once.
#[derive(Clone, Debug)]
pub struct Cte {
    /// Which one.
    pub id: CteId,
    /// Its name.
    pub name: Arc<str>,
    /// What computes it.
    pub query: Query,
    /// Whether it is the same however often its WITH is run within the statement: it reads no row from outside.
    pub stable: bool,
}

/// What a query's rows are made by.
#[derive(Clone, Debug)]
pub enum Body {
    /// SELECT
    Select(Box<Select>),
    /// INSERT, UPDATE, DELETE under WITH, or as one of its queries: what it returns.
    Modify(Box<Modify>),
    /// VALUES
    Values(Vec<Vec<Expr>>),
    /// UNION
    Union {
        /// The inputs, all of the same column types.
        inputs: Vec<Query>,
        /// Without ALL each distinct row comes once.
        all: bool,
    },
    /// INTERSECT and EXCEPT
    SetOperation {
        /// Which one.
        kind: SetOperation,
        /// Without ALL each distinct row comes once.
        all: bool,
        /// The side whose rows come out.
        left: Box<Query>,
        /// The side that they are looked for in; of the same column types.
        right: Box<Query>,
    },
    /// The query of WITH RECURSIVE: the step is run again on the rows of the last time until there are none.
    Recursive(Box<Recursive>),
}

/// The set operations that look rows of one side up in the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SetOperation {
    /// Rows that are in both.
    Intersect,
    /// Rows that are not in the right one.
    Except,
}

/// A recursive query.
#[derive(Clone, Debug)]
pub struct Recursive {
    /// Which working table is its own.
    pub id: CteId,
    /// The first rows.
    pub base: Query,
    /// What makes rows of rows: it reads the working table.
    pub step: Query,
    /// Without ALL a row that has been there before is left out.
    pub all: bool,
}

/// A SELECT without what comes after it.
#[derive(Clone, Debug)]
pub struct Select {
    /// FROM
    pub from: Relation,
    /// WHERE, as a conjunction over the row of FROM.
    pub filter: Vec<Expr>,
    /// GROUP BY and aggregates; what follows is over the row of groups and aggregates then.
    pub grouping: Option<Grouping>,
    /// HAVING, as a conjunction.
    pub having: Vec<Expr>,
    /// Window functions, in the order in which they are computed; each adds a column a call.
    pub windows: Vec<Window>,
    /// Set-returning functions of the select list: those of a later list may read the columns of the earlier ones.
    pub sets: Vec<Vec<TableCall>>,
    /// The columns, those that only the order needs at the end.
    pub targets: Vec<Expr>,
    /// DISTINCT
    pub distinct: Distinct,
    /// FOR UPDATE and its kin.
    pub locks: Vec<RowMark>,
}

impl Select {
    /// The plain one: rows computed of those of FROM.
    pub const fn new(from: Relation, targets: Vec<Expr>) -> Self {
        Self {
            from,
            filter: Vec::new(),
            grouping: None,
            having: Vec::new(),
            windows: Vec::new(),
            sets: Vec::new(),
            targets,
            distinct: Distinct::No,
            locks: Vec::new(),
        }
    }
}

impl Grouping {
    /// How many columns its row has.
    pub const fn width(&self) -> usize {
        self.groups.len() + self.calls.len() + self.masks.len()
    }
}

/// Calls of window functions over one partition and order.
#[derive(Clone, Debug)]
pub struct Window {
    /// PARTITION BY
    pub partition: Vec<Expr>,
    /// ORDER BY
    pub order: Vec<SortKey>,
    /// What is computed.
    pub calls: Vec<WindowCall>,
}

impl Window {
    /// Its expressions, over the row that it is given.
    pub fn exprs(&self) -> impl Iterator<Item = &Expr> {
        let order = self.order.iter().map(|key| &key.expr);
        self.partition.iter().chain(order).chain(self.calls.iter().flat_map(WindowCall::exprs))
    }

    /// As [`Window::exprs`], to change them.
    pub fn exprs_mut(&mut self) -> impl Iterator<Item = &mut Expr> {
        let order = self.order.iter_mut().map(|key| &mut key.expr);
        self.partition.iter_mut().chain(order).chain(self.calls.iter_mut().flat_map(WindowCall::exprs_mut))
    }
}

/// Which rows of a SELECT are left out because there is another one like them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Distinct {
    /// None.
    No,
    /// DISTINCT: those that are equal to an earlier one.
    Rows,
    /// DISTINCT ON: those that are equal to the one before in these columns; the order begins with them.
    On(Vec<usize>),
}

/// Groups and what is computed of them: the row is that of the groups, the calls and the masks.
#[derive(Clone, Debug)]
pub struct Grouping {
    /// What groups are made by.
    pub groups: Vec<Expr>,
    /// The grouping sets: which of them each groups by, the others being NULL then.
    pub sets: Vec<Vec<usize>>,
    /// What is computed.
    pub calls: Vec<AggregateCall>,
    /// GROUPING: bits, one for each of these of the groups, that say that the grouping set does not have it.
    pub masks: Vec<Vec<usize>>,
}

/// A relation of FROM.
#[derive(Clone, Debug)]
pub enum Relation {
    /// No FROM: one row without columns.
    OneRow,
    /// A stored table.
    Table {
        /// The table.
        table: Arc<TableDef>,
        /// The name it goes by: its alias, or its own.
        name: Arc<str>,
        /// Whether the row's key, as `bytea`, follows its columns: for what changes rows that a join has found.
        with_key: bool,
    },
    /// A system view.
    System {
        /// The view.
        relation: &'static SystemRelation,
        /// The name it goes by.
        name: Arc<str>,
    },
    /// Functions, side by side.
    Function {
        /// The calls.
        calls: Vec<TableCall>,
        /// WITH ORDINALITY
        ordinality: bool,
        /// The name it goes by.
        name: Arc<str>,
    },
    /// A subquery.
    Query {
        /// The query.
        query: Box<Query>,
        /// The name it goes by; empty for one that the binder has put there.
        name: Arc<str>,
    },
    /// The rows of a common table expression that is computed once.
    Cte {
        /// Which one.
        id: CteId,
        /// How many columns it has.
        width: usize,
        /// See [`Cte::stable`].
        stable: bool,
        /// The name it goes by.
        name: Arc<str>,
    },
    /// In the step of a recursive query: the rows of the last time.
    WorkTable {
        /// Of which query.
        id: CteId,
        /// How many columns it has.
        width: usize,
        /// The name it goes by.
        name: Arc<str>,
    },
    /// A join; its row is the left row followed by the right row.
    Join {
        /// The left side.
        left: Box<Relation>,
        /// The right side.
        right: Box<Relation>,
        /// What happens to rows without partner.
        kind: JoinSide,
        /// The condition, as a conjunction.
        on: Vec<Expr>,
        /// Whether the right side is run anew for every row of the left one, which it sees as its next outer row. Such a
        /// join is an inner or a left one.
        lateral: bool,
    },
}

/// The kinds of joins as they are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JoinSide {
    /// INNER and CROSS
    Inner,
    /// LEFT
    Left,
    /// RIGHT
    Right,
    /// FULL
    Full,
}

impl Relation {
    /// How many columns its row has.
    pub fn width(&self) -> usize {
        match self {
            Self::OneRow => 0,
            Self::Table { table, with_key, .. } => table.columns.len() + usize::from(*with_key),
            Self::System { relation, .. } => relation.columns.len(),
            Self::Function { calls, ordinality, .. } => {
                calls.iter().map(TableCall::width).sum::<usize>() + usize::from(*ordinality)
            }
            Self::Query { query, .. } => query.columns.len(),
            Self::Cte { width, .. } | Self::WorkTable { width, .. } => *width,
            Self::Join { left, right, .. } => left.width() + right.width(),
        }
    }
}

/// A column of a query's result.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OutputColumn {
    /// Its name.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
    /// The table's column that it is, if it is one: relation and slot.
    pub origin: Option<(RelationId, usize)>,
}

/// A bound statement that changes rows.
#[derive(Clone, Debug)]
pub enum Modify {
    /// INSERT
    Insert {
        /// The table.
        table: Arc<TableDef>,
        /// The rows.
        input: Box<Query>,
        /// Per slot, over the input's row.
        values: Vec<Expr>,
        /// ON CONFLICT
        conflict: Option<OnConflict>,
        /// RETURNING
        returning: Option<BoundReturning>,
    },
    /// UPDATE
    Update {
        /// The rows.
        target: Target,
        /// SET
        assignments: Assignments,
        /// RETURNING
        returning: Option<BoundReturning>,
    },
    /// DELETE
    Delete {
        /// The rows.
        target: Target,
        /// RETURNING
        returning: Option<BoundReturning>,
    },
}

impl Modify {
    /// RETURNING
    pub const fn returning(&self) -> Option<&BoundReturning> {
        match self {
            Self::Insert { returning, .. } | Self::Update { returning, .. } | Self::Delete { returning, .. } => {
                returning.as_ref()
            }
        }
    }
}

/// The rows that UPDATE and DELETE are about.
#[derive(Clone, Debug)]
pub struct Target {
    /// The table.
    pub table: Arc<TableDef>,
    /// The name it goes by.
    pub name: Arc<str>,
    /// FROM and USING: what is joined to the table, whose row's key stands between its columns and those of this.
    pub from: Option<Relation>,
    /// WHERE, as a conjunction.
    pub filter: Vec<Expr>,
}

/// RETURNING with the names of its columns.
#[derive(Clone, Debug)]
pub struct BoundReturning {
    /// What is computed.
    pub returning: Returning,
    /// The columns.
    pub columns: Vec<OutputColumn>,
}

impl JoinSide {
    /// The kind of join once a right join has been turned round.
    pub const fn kind(self) -> JoinKind {
        match self {
            Self::Inner => JoinKind::Inner,
            Self::Left | Self::Right => JoinKind::Left,
            Self::Full => JoinKind::Full,
        }
    }
}

/// A type without a modifier.
pub const fn plain(data_type: DataType) -> ColumnType {
    ColumnType { data_type, typmod: -1 }
}
