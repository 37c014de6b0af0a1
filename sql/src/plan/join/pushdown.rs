//! Queries in FROM: conditions on them are judged inside, columns that nobody reads are not computed, and they are planned.

use heliosdb_storage::value::Value;

use super::problem::{Clause, Problem, Source};
use super::relset::RelSet;
use crate::bind::tree::{Body, Distinct, Query};
use crate::expr::Expr;
use crate::plan::node::Planned;
use crate::plan::planner::plan_tree;
use crate::plan::refs::substitute;

/// Plans all queries of a problem.
pub(super) fn plan_queries(problem: &mut Problem<'_>, needed: &[usize]) {
    for at in 0..problem.leaves.len() {
        let Some(leaf) = problem.leaves.get_mut(at) else { continue };
        if !matches!(leaf.source, Source::Query(_)) {
            continue;
        }
        let taken = std::mem::replace(
            &mut leaf.source,
            Source::Plan { plan: crate::plan::Plan::OneRow, rows: 0.0, costs: (0.0, 0.0) },
        );
        let Source::Query(mut query) = taken else { continue };
        if leaf.lateral.is_empty() {
            push_conditions(problem, at, &mut query);
        }
        remove_unused(problem, at, &mut query, needed);
        let Planned { plan, rows, startup, total, .. } = plan_tree(*query, problem.ctx);
        if let Some(leaf) = problem.leaves.get_mut(at) {
            leaf.source = Source::Plan { plan, rows, costs: (startup, total) };
        }
    }
}

/// Moves the conditions on a query alone into it.
fn push_conditions(problem: &mut Problem<'_>, at: usize, query: &mut Query) {
    let one = RelSet::one(at);
    let first = problem.leaf(at).first;
    let can_move = |clause: &Clause| {
        clause.of_join.is_none()
            && clause.required == one
            && clause.reads == one
            && !clause.has_subquery
            && !clause.expr.is_volatile()
    };
    problem.clauses.retain(|clause| {
        if !can_move(clause) {
            return true;
        }
        let mut expr = clause.expr.clone();
        expr.map_columns(&mut |column| column - first);
        let takes = takes(query, &expr);
        if takes {
            push(query, &expr);
        }
        !takes
    });
}

/// Whether a condition over the columns of a query can be judged inside of it.
fn takes(query: &Query, condition: &Expr) -> bool {
    if query.limit.is_some() {
        return false;
    }
    match &query.body {
        Body::Select(select) => {
            let mut fine = select.takes_conditions();
            condition.for_each_column(&mut |column| {
                fine &=
                    select.targets.get(column).is_some_and(|target| !target.is_volatile() && !target.has_subquery());
            });
            fine
        }
        Body::Union { inputs, .. } => inputs.iter().all(|input| takes(input, condition)),
        _ => false,
    }
}

fn push(query: &mut Query, condition: &Expr) {
    match &mut query.body {
        Body::Select(select) => {
            let mut condition = condition.clone();
            substitute(&mut condition, &|column| select.targets.get(column).cloned());
            if select.grouping.is_some() {
                select.having.push(condition);
            } else {
                select.filter.push(condition);
            }
        }
        Body::Union { inputs, .. } => inputs.iter_mut().for_each(|input| push(input, condition)),
        _ => {}
    }
}

/// Puts NULL in the place of columns that nobody reads.
fn remove_unused(problem: &Problem<'_>, at: usize, query: &mut Query, needed: &[usize]) {
    let leaf = problem.leaf(at);
    let range = leaf.first..leaf.first + leaf.width;
    let mut used: Vec<usize> = Vec::new();
    let mut add = |column: usize| {
        if range.contains(&column) {
            used.push(column - leaf.first);
        }
    };
    needed.iter().for_each(|column| add(*column));
    problem.clauses.iter().for_each(|clause| clause.expr.for_each_column(&mut add));
    for other in &problem.leaves {
        other.source.columns_outside(&mut add);
    }
    for join in &problem.joins {
        join.unique_on.iter().flatten().for_each(|expr| expr.for_each_column(&mut add));
    }
    query.order.iter().for_each(|key| key.expr.for_each_column(&mut |column| used.push(column)));
    let Body::Select(select) = &mut query.body else { return };
    if select.distinct != Distinct::No {
        return;
    }
    for (column, target) in select.targets.iter_mut().enumerate() {
        if !used.contains(&column) && !target.is_volatile() {
            *target = Expr::Literal(Value::Null, target.data_type());
        }
    }
}
