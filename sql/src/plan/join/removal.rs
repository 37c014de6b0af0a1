//! Left joins that change nothing: nobody reads the right side, and no row has two partners.

use heliosdb_storage::catalog::{IndexDef, TableDef};

use super::problem::{Item, Problem, Source};
use super::relset::RelSet;
use crate::plan::JoinKind;
use crate::plan::access::column_of;

/// Takes useless joins out of the problem.
pub(super) fn remove_useless(problem: &mut Problem<'_>, needed: &[usize]) {
    while let Some(at) = (0..problem.joins.len()).find(|at| is_useless(problem, *at, needed)) {
        let Some(leaf) = problem.joins.get(at).and_then(|join| join.right.single()) else { return };
        remove(problem, at, leaf);
    }
}

fn is_useless(problem: &Problem<'_>, at: usize, needed: &[usize]) -> bool {
    let Some(join) = problem.joins.get(at).filter(|join| join.kind == JoinKind::Left) else { return false };
    let Some(right) = join.right.single() else { return false };
    let leaf = problem.leaf(right);
    let Source::Table { table, .. } = &leaf.source else { return false };
    let range = leaf.first..leaf.first + leaf.width;
    if needed.iter().any(|column| range.contains(column)) || problem.leaves.iter().any(|leaf| leaf.lateral.has(right)) {
        return false;
    }
    let mut slots = Vec::new();
    for clause in problem.clauses.iter().filter(|clause| clause.required.has(right)) {
        if clause.of_join != Some(at) {
            // A condition on the right side alone only makes partners fewer.
            if clause.reads.is_within(join.right)
                && clause.of_join.is_none()
                && clause.nullable.is_empty()
                && !clause.has_subquery
            {
                continue;
            }
            return false;
        }
        if let Some(equality) = &clause.equality
            && let Some((_, own)) = equality.across(join.left, join.right)
            && let Some((column, _)) = column_of(own)
        {
            slots.push(column - leaf.first);
        }
    }
    is_unique_on(table, &slots)
}

/// Whether no two rows of a table are equal in some columns, NULLs aside.
pub(super) fn is_unique_on(table: &TableDef, slots: &[usize]) -> bool {
    let has_all = |key: &[usize]| !key.is_empty() && key.iter().all(|slot| slots.contains(slot));
    let is_covered = |index: &IndexDef| {
        index.unique
            && index.predicate.is_none()
            && !index.deferral.is_deferrable()
            && index.column_slots().is_some_and(|key| has_all(&key))
    };
    has_all(&table.primary_key) || table.indexes.iter().any(is_covered)
}

fn remove(problem: &mut Problem<'_>, at: usize, leaf: usize) {
    let gone = RelSet::one(leaf);
    problem.clauses.retain(|clause| clause.of_join != Some(at) && !clause.required.overlaps(gone));
    for clause in &mut problem.clauses {
        clause.of_join = clause.of_join.map(|join| if join > at { join - 1 } else { join });
    }
    problem.joins.remove(at);
    for join in &mut problem.joins {
        for set in [&mut join.min_left, &mut join.min_right, &mut join.left, &mut join.right] {
            *set = set.without(gone);
        }
    }
    remove_item(&mut problem.items, leaf);
    problem.written = without(problem.written.clone(), leaf).unwrap_or(super::problem::Written::Leaf(0));
}

fn remove_item(items: &mut Vec<Item>, leaf: usize) {
    items.retain(|item| !matches!(item, Item::Leaf(at) if *at == leaf));
    for item in items.iter_mut() {
        if let Item::Group(inner) = item {
            remove_item(inner, leaf);
        }
    }
}

fn without(tree: super::problem::Written, leaf: usize) -> Option<super::problem::Written> {
    use super::problem::Written;
    match tree {
        Written::Leaf(at) => (at != leaf).then_some(Written::Leaf(at)),
        Written::Join(sides) => {
            let (left, right) = *sides;
            match (without(left, leaf), without(right, leaf)) {
                (Some(left), Some(right)) => Some(Written::Join(Box::new((left, right)))),
                (left, right) => left.or(right),
            }
        }
    }
}
