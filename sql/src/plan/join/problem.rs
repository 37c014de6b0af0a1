//! A join problem: the relations of a FROM clause and of the subqueries that are joins, and the conditions between them.
//!
//! Columns are numbered through the whole problem: those of FROM as the binder has numbered them, those of subqueries that
//! were pulled up behind them. They keep their numbers until the plan is built, so that conditions can go anywhere.
//!
//! The rules of which outer join may come before which are PostgreSQL's (`initsplan.c`, `joinrels.c`): an outer join needs
//! at least the relations `min_left` and `min_right` on its sides; a condition of its ON is judged at this join, and a
//! condition above it that reads its nullable side is judged after it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use heliosdb_storage::catalog::TableDef;

use super::classes::Class;
use super::relset::RelSet;
use crate::bind::tree::Query;
use crate::expr::Expr;
use crate::plan::context::{PlannerContext, TableEstimate};
use crate::plan::{JoinKind, Plan};

/// A join problem.
pub struct Problem<'c> {
    pub(super) ctx: PlannerContext<'c>,
    pub(super) leaves: Vec<Leaf>,
    /// The relations by the numbers of their first columns; those without columns are not among them.
    pub(super) places: BTreeMap<usize, usize>,
    pub(super) clauses: Vec<Clause>,
    pub(super) joins: Vec<SpecialJoin>,
    pub(super) classes: Vec<Class>,
    /// What is judged once, before anything is read.
    pub(super) constant: Vec<Expr>,
    /// What is joined: a part of it that must be joined first is a group.
    pub(super) items: Vec<Item>,
    /// The joins as they were written.
    pub(super) written: Written,
    /// Columns of subqueries that have been pulled up, as expressions over columns of the problem.
    pub(super) substitutes: HashMap<usize, Expr>,
    /// The number that the next new column gets.
    pub(super) next_column: usize,
}

/// A part of what is joined.
#[derive(Clone, Debug)]
pub enum Item {
    /// A relation.
    Leaf(usize),
    /// Relations that are joined before they are joined to others: a FULL JOIN.
    Group(Vec<Self>),
}

/// The joins of a problem as they were written.
#[derive(Clone, Debug)]
pub enum Written {
    /// A relation.
    Leaf(usize),
    /// A join.
    Join(Box<(Self, Self)>),
}

/// A relation of the problem.
pub struct Leaf {
    pub(super) source: Source,
    /// The number of its first column.
    pub(super) first: usize,
    pub(super) width: usize,
    pub(super) name: Arc<str>,
    /// The relations whose rows it sees.
    pub(super) lateral: RelSet,
}

/// What a relation is.
pub enum Source {
    /// A stored table.
    Table {
        /// The table.
        table: Arc<TableDef>,
        /// How large it is.
        estimate: TableEstimate,
    },
    /// A query, to be planned once its conditions are known.
    Query(Box<Query>),
    /// Anything that is read as it is.
    Plan {
        /// How.
        plan: Plan,
        /// How many rows it may have.
        rows: f64,
        /// What it costs until the first row, and in all.
        costs: (f64, f64),
    },
}

/// A condition.
#[derive(Clone, Debug)]
pub struct Clause {
    pub(super) expr: Expr,
    /// The relations it reads.
    pub(super) reads: RelSet,
    /// Those that must be joined where it is judged.
    pub(super) required: RelSet,
    /// The relations of lower outer joins' nullable sides that it reads.
    pub(super) nullable: RelSet,
    /// The join whose ON condition it is, if that is an outer or anti join: then it is judged there and decides about
    /// partners, not about rows.
    pub(super) of_join: Option<usize>,
    /// Its two sides, if it is an equality that hashes and merges.
    pub(super) equality: Option<Equality>,
    /// The class that it was made from.
    pub(super) class: Option<usize>,
    pub(super) has_subquery: bool,
}

/// The sides of an equality.
#[derive(Clone, Debug)]
pub struct Equality {
    pub(super) left: Expr,
    pub(super) left_reads: RelSet,
    pub(super) right: Expr,
    pub(super) right_reads: RelSet,
}

impl Equality {
    /// The sides in the order of two sets of relations that are joined, if each side reads one of them.
    pub(super) fn across(&self, left: RelSet, right: RelSet) -> Option<(&Expr, &Expr)> {
        if self.left_reads.is_within(left) && self.right_reads.is_within(right) {
            Some((&self.left, &self.right))
        } else if self.left_reads.is_within(right) && self.right_reads.is_within(left) {
            Some((&self.right, &self.left))
        } else {
            None
        }
    }
}

/// A join whose order matters.
#[derive(Clone, Debug)]
pub struct SpecialJoin {
    pub(super) kind: JoinKind,
    /// What must have been joined on its sides.
    pub(super) min_left: RelSet,
    pub(super) min_right: RelSet,
    /// What is on its sides as it was written.
    pub(super) left: RelSet,
    pub(super) right: RelSet,
    /// Whether its condition is not true for NULLs of its left side.
    pub(super) lhs_strict: bool,
    /// Whether a condition above it must wait for it although it could be commuted with other joins.
    pub(super) delays_upper: bool,
    /// Of a semi join: the right sides of its condition, if it is nothing but equalities.
    pub(super) unique_on: Option<Vec<Expr>>,
}

impl Problem<'_> {
    /// The relation that a column belongs to.
    pub(super) fn leaf_of(&self, column: usize) -> Option<usize> {
        let (first, at) = self.places.range(..=column).next_back()?;
        let leaf = self.leaves.get(*at)?;
        (column < first + leaf.width).then_some(*at)
    }

    /// The relations that an expression reads.
    pub(super) fn reads(&self, expr: &Expr) -> RelSet {
        let mut set = RelSet::EMPTY;
        expr.for_each_column(&mut |column| set.add(self.leaf_of(column).map_or(RelSet::EMPTY, RelSet::one)));
        set
    }

    /// Puts what columns of pulled-up subqueries stand for in their place.
    pub(super) fn resolve(&self, expr: &mut Expr) {
        if !self.substitutes.is_empty() {
            crate::plan::refs::substitute(expr, &|column| self.substitutes.get(&column).cloned());
        }
    }

    /// Where columns are in the problem after pulling up: as expressions.
    pub fn resolve_all<'e>(&self, exprs: impl IntoIterator<Item = &'e mut Expr>) {
        exprs.into_iter().for_each(|expr| self.resolve(expr));
    }

    pub(super) fn leaf(&self, at: usize) -> &Leaf {
        self.leaves.get(at).expect("BUG: a relation that is not there")
    }

    pub(super) fn clause(&self, at: usize) -> &Clause {
        self.clauses.get(at).expect("BUG: a condition that is not there")
    }
}
