//! FROM and WHERE: in which order relations are joined, how, and where each condition is judged.
//!
//! ```text
//!  FROM, WHERE ─ deconstruct ─► Problem { leaves, clauses, joins } ─ classes, removal, pushdown ─► search ─► paths ─ build ─► Plan
//! ```
//!
//! | module | what |
//! |---|---|
//! | `problem` | relations, conditions, outer joins |
//! | `deconstruct` | the problem of a FROM and a WHERE |
//! | `pull_up`, `semi` | subqueries that become part of it |
//! | `classes` | what follows from equalities |
//! | `removal` | left joins that change nothing |
//! | `pushdown` | conditions that go into queries of FROM |
//! | `relset`, `path`, `order` | sets of relations, ways to join them, orders of rows |
//! | `base`, `method`, `search` | ways to read one relation, to join two sets, to join all |
//! | `build` | the plan of the chosen way |

mod base;
mod build;
mod classes;
mod deconstruct;
mod leaf;
pub(super) mod method;
mod order;
mod path;
mod problem;
mod pull_up;
mod pushdown;
mod relset;
mod removal;
mod search;
mod semi;

use std::rc::Rc;

pub use order::Orders;
pub use path::{JoinRel, OrderKey, Path};
pub use problem::Problem;
pub use search::Search;

use super::SortKey;
use crate::expr::Expr;
use order::Ordered;

impl Search<'_, '_> {
    /// The order of rows that sort keys over the problem's columns ask for.
    pub fn wanted_order(&self, keys: &[SortKey]) -> Vec<OrderKey> {
        self.orders.wanted(self.problem, keys)
    }

    /// The numbers of expressions for orders, those with one value only left out.
    pub fn numbers(&self, exprs: &[Expr]) -> Vec<usize> {
        let mut numbers = Vec::new();
        for expr in exprs {
            if let Ordered::By(number) = self.orders.of(self.problem, expr)
                && !numbers.contains(&number)
            {
                numbers.push(number);
            }
        }
        numbers
    }

    /// How many groups rows have by some expressions.
    pub fn group_count(&self, exprs: &[Expr], rows: f64) -> f64 {
        super::selectivity::groups(exprs, rows, self.problem)
    }

    /// What is judged once, before anything is read.
    pub fn constant(&self) -> &[Expr] {
        &self.problem.constant
    }
}

impl JoinRel {
    /// The ways that can be run by themselves.
    pub fn candidates(&self) -> impl Iterator<Item = &Rc<Path>> {
        self.paths.iter().filter(|path| path.requires.is_empty())
    }

    /// What a row takes.
    pub const fn row_bytes(&self) -> f64 {
        self.bytes
    }
}

impl Path {
    /// How many rows it has.
    pub const fn row_count(&self) -> f64 {
        self.rows
    }

    /// What it costs until the first row, and in all.
    pub const fn costs(&self) -> (f64, f64) {
        (self.startup, self.total)
    }

    /// Whether its rows come in an order.
    pub fn has_order(&self, wanted: &[OrderKey]) -> bool {
        self.is_ordered(wanted)
    }

    /// Whether rows that are equal in some expressions come one after the other.
    pub fn is_grouped(&self, keys: &[usize]) -> bool {
        self.is_grouped_by(keys)
    }
}
