//! Subqueries in FROM that are nothing but a part of the query around: their relations join its own.

use super::deconstruct::{Part, Place};
use super::problem::Problem;
use super::semi::join_of;
use crate::bind::tree::{Body, Query, Relation, Select};
use crate::expr::Expr;

/// The SELECT that a query is, if its relations and conditions can stand in the place of the query itself; or the query
/// again. `room` is how many relations it may bring.
pub(super) fn simple_select(query: Query, is_nullable: bool, room: usize) -> Result<Box<Select>, Box<Query>> {
    let is_simple = query.is_plain()
        && match &query.body {
            Body::Select(select) => is_simple(select, query.columns.len(), is_nullable, room),
            _ => false,
        };
    match query {
        Query { body: Body::Select(select), .. } if is_simple => Ok(select),
        query => Err(Box::new(query)),
    }
}

fn is_simple(select: &Select, visible: usize, is_nullable: bool, room: usize) -> bool {
    select.is_plain()
        && select.targets.len() == visible
        && !matches!(select.from, Relation::OneRow)
        && count(&select.from) <= room
        && !select.targets.iter().any(Expr::is_volatile)
        // Where the join adds NULLs, anything but a column could be something else than NULL.
        && (!is_nullable || select.targets.iter().all(|target| matches!(target, Expr::Column(..))))
}

fn count(relation: &Relation) -> usize {
    match relation {
        Relation::Join { left, right, .. } => count(left) + count(right),
        Relation::Query { query, .. } => match &query.body {
            Body::Select(select) => count(&select.from),
            _ => 1,
        },
        _ => 1,
    }
}

/// Puts the relations and conditions of a simple SELECT into the problem; its columns become expressions over theirs.
pub(super) fn pull_up(problem: &mut Problem<'_>, select: Box<Select>, first: usize, is_nullable: bool) -> Part {
    let Select { from, filter, targets, .. } = *select;
    let inner_first = problem.next_column;
    problem.next_column += from.width();
    let mut part = problem.take_apart(from, inner_first, is_nullable);
    let moved = |problem: &Problem<'_>, mut expr: Expr| {
        expr.map_columns(&mut |column| column + inner_first);
        problem.resolve(&mut expr);
        expr
    };
    let mut rest = Vec::new();
    for expr in filter {
        let expr = moved(problem, expr);
        rest.extend(if is_nullable { Some(expr) } else { join_of(problem, expr, &mut part).err() });
    }
    let place = Place { scope: part.all, is_nullable };
    rest.into_iter().for_each(|expr| problem.add_filter(expr, place));
    for (at, target) in targets.into_iter().enumerate() {
        let expr = moved(problem, target);
        problem.substitutes.insert(first + at, expr);
    }
    part
}
