//! Orders of rows, and which of them are the same.
//!
//! An expression that rows are ordered by has a number: that of its class, if it is a member of one (whoever is ordered by
//! `a` is ordered by `b` where `a = b`), else one of its own. What has one value only does not matter for an order.

use std::cell::RefCell;

use super::path::{OrderKey, Path};
use super::problem::Problem;
use crate::expr::Expr;
use crate::plan::SortKey;
use crate::plan::access::keeps_order;

/// The numbers of expressions that are members of no class.
#[derive(Debug, Default)]
pub struct Orders {
    exprs: RefCell<Vec<Expr>>,
}

/// What an expression is for an order.
pub(super) enum Ordered {
    /// It has one value in all rows.
    Constant,
    /// The number.
    By(usize),
}

impl Orders {
    /// What an expression over the problem's columns is for an order.
    pub(super) fn of(&self, problem: &Problem<'_>, expr: &Expr) -> Ordered {
        let expr = bare(expr);
        let is_constant = {
            let mut reads = false;
            expr.for_each_column(&mut |_| reads = true);
            !reads && !expr.is_volatile()
        };
        if is_constant {
            return Ordered::Constant;
        }
        let class = problem.classes.iter().position(|class| class.members.iter().any(|m| bare(&m.expr).same(expr)));
        if let Some(class) = class {
            let has_one_value = problem.classes.get(class).is_some_and(|class| class.constant.is_some());
            return if has_one_value { Ordered::Constant } else { Ordered::By(class) };
        }
        let mut exprs = self.exprs.borrow_mut();
        let at = exprs.iter().position(|known| known.same(expr)).unwrap_or_else(|| {
            exprs.push(expr.clone());
            exprs.len() - 1
        });
        Ordered::By(problem.classes.len() + at)
    }

    /// The order that sort keys ask for.
    pub(super) fn wanted(&self, problem: &Problem<'_>, keys: &[SortKey]) -> Vec<OrderKey> {
        let mut order: Vec<OrderKey> = Vec::new();
        for key in keys {
            let Ordered::By(number) = self.of(problem, &key.expr) else { continue };
            if order.iter().any(|known| known.key == number) {
                continue;
            }
            // Where there are no NULLs their place does not matter.
            let nulls_first = if problem.is_never_null(&key.expr) { key.descending } else { key.nulls_first };
            order.push(OrderKey { key: number, descending: key.descending, nulls_first });
        }
        order
    }
}

/// An expression without conversions around it that keep its order.
fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Cast { expr: inner, to, .. } if to.typmod < 0 && keeps_order(inner.data_type(), to.data_type) => {
            bare(inner)
        }
        other => other,
    }
}

impl Path {
    /// Whether its rows come in an order.
    pub(super) fn is_ordered(&self, wanted: &[OrderKey]) -> bool {
        let mut have = self.order.iter();
        for key in wanted {
            match have.next() {
                Some(known) if known == key => {}
                Some(_) => return false,
                None => return self.order_is_total,
            }
        }
        true
    }

    /// Whether rows with equal values of all of some keys come one after the other.
    pub(super) fn is_grouped_by(&self, keys: &[usize]) -> bool {
        let prefix = self.order.get(..keys.len());
        prefix.is_some_and(|prefix| prefix.iter().all(|have| keys.contains(&have.key)))
    }
}

impl Problem<'_> {
    /// Whether an expression is a column that cannot be NULL in the rows of the problem.
    pub(super) fn is_never_null(&self, expr: &Expr) -> bool {
        use super::problem::Source;
        let Some((column, _)) = crate::plan::access::column_of(expr) else { return false };
        let Some(at) = self.leaf_of(column) else { return false };
        if self.nullable_relations().has(at) {
            return false;
        }
        let leaf = self.leaf(at);
        let Source::Table { table, .. } = &leaf.source else { return false };
        let slot = column - leaf.first;
        table.columns.get(slot).is_some_and(|column| column.not_null) || table.primary_key.contains(&slot)
    }
}
