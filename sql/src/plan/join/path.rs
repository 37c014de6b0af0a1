//! Ways to produce the rows of some relations of a problem, and which of them are worth keeping.

use std::rc::Rc;

use super::relset::RelSet;
use crate::expr::Expr;
use crate::plan::JoinKind;
use crate::plan::access::paths::TablePath;

/// How many ways are kept for one set of relations.
const MAX_PATHS: usize = 24;

/// Costs that differ by less than this part are taken for equal.
const FUZZ: f64 = 1.01;

/// A way to produce rows.
#[derive(Debug)]
pub struct Path {
    pub(super) kind: PathKind,
    /// The relations that its rows come from.
    pub(super) relations: RelSet,
    /// The relations whose row it must be run for, one at a time.
    pub(super) requires: RelSet,
    pub(super) rows: f64,
    pub(super) startup: f64,
    pub(super) total: f64,
    pub(super) order: Vec<OrderKey>,
    /// Whether no two rows are equal in the order: anything after it does not matter.
    pub(super) order_is_total: bool,
}

/// One key of an order that rows have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OrderKey {
    /// What: see [`super::order`].
    pub(super) key: usize,
    pub(super) descending: bool,
    pub(super) nulls_first: bool,
}

/// What a way does.
#[derive(Debug)]
pub enum PathKind {
    /// Reads a stored table.
    Table {
        leaf: usize,
        path: Rc<TablePath>,
        backward: bool,
        /// The conditions that the path was chosen under: those that it covers are not judged again.
        clauses: Vec<usize>,
    },
    /// Reads anything else.
    Leaf { leaf: usize, clauses: Vec<usize> },
    /// Looks at pairs.
    Nested {
        outer: Rc<Path>,
        inner: Rc<Path>,
        join: JoinKind,
        on: Vec<usize>,
        filter: Vec<usize>,
        /// Whether an outer row has one partner at most.
        single: bool,
    },
    /// Looks rows up in a hash table of the inner side.
    Hash { outer: Rc<Path>, inner: Rc<Path>, join: JoinKind, keys: Vec<usize>, on: Vec<usize>, filter: Vec<usize> },
    /// Walks two sides in the order of the keys.
    Merge {
        outer: Rc<Path>,
        inner: Rc<Path>,
        join: JoinKind,
        /// The equalities, in the order of the sides.
        keys: Vec<usize>,
        /// The order of the outer side's rows; of each key.
        order: Vec<OrderKey>,
        sort_outer: bool,
        sort_inner: bool,
        on: Vec<usize>,
        filter: Vec<usize>,
    },
    /// Each distinct value of some expressions once: the right side of a semi join, to be joined like any other.
    Unique { input: Rc<Path>, on: Vec<Expr> },
}

/// What is known of a set of relations.
#[derive(Clone, Debug)]
pub struct JoinRel {
    pub(super) relations: RelSet,
    pub(super) rows: f64,
    /// What a row takes.
    pub(super) bytes: f64,
    pub(super) paths: Vec<Rc<Path>>,
}

impl Path {
    /// Whether it is as good as another in every respect.
    fn dominates(&self, other: &Self) -> bool {
        self.total <= other.total * FUZZ
            && self.startup <= other.startup * FUZZ
            && self.requires.is_within(other.requires)
            && self.rows <= other.rows * FUZZ
            && is_prefix(&other.order, &self.order)
            && (self.order_is_total || !other.order_is_total || other.order.is_empty())
    }
}

/// Whether an order begins with another.
pub(super) fn is_prefix(prefix: &[OrderKey], order: &[OrderKey]) -> bool {
    order.get(..prefix.len()) == Some(prefix)
}

impl JoinRel {
    /// Keeps a way, if it is better in some respect than all that are known.
    pub(super) fn add(&mut self, path: Path) {
        if self.paths.iter().any(|known| known.dominates(&path)) {
            return;
        }
        self.paths.retain(|known| !path.dominates(known));
        self.paths.push(Rc::new(path));
        if self.paths.len() > MAX_PATHS {
            // The dearest goes; never the last one that can be run by itself.
            let free = self.paths.iter().filter(|path| path.requires.is_empty()).count();
            let worst = (self.paths.iter().enumerate())
                .filter(|(_, path)| free > 1 || !path.requires.is_empty())
                .max_by(|(_, a), (_, b)| a.total.total_cmp(&b.total))
                .map(|(at, _)| at);
            if let Some(worst) = worst {
                self.paths.swap_remove(worst);
            }
        }
    }

    /// The cheapest way that can be run by itself.
    pub(super) fn cheapest(&self) -> Option<&Rc<Path>> {
        self.paths.iter().filter(|path| path.requires.is_empty()).min_by(|a, b| a.total.total_cmp(&b.total))
    }
}
