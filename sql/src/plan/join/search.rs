//! In which order relations are joined.
//!
//! Up to [`MAX_EXHAUSTIVE`] of them all orders are looked at, from small sets to large ones, bushy ones too; beyond that the
//! pair with the fewest rows is joined, again and again. Sets that no condition connects are joined only if nothing else
//! is left.

use std::collections::HashMap;

use super::order::Orders;
use super::path::JoinRel;
use super::problem::{Item, Problem, SpecialJoin};
use super::relset::RelSet;
use super::{base, method};
use crate::plan::JoinKind;

/// How many relations are joined in the best of all orders.
const MAX_EXHAUSTIVE: usize = 8;

/// A search.
pub struct Search<'p, 'c> {
    pub problem: &'p Problem<'c>,
    pub orders: &'p Orders,
    /// Columns that are read above the problem.
    pub needed: &'p [usize],
}

impl Search<'_, '_> {
    /// The ways to join everything.
    pub fn run(&self) -> JoinRel {
        self.solve(&self.problem.items)
    }

    fn solve(&self, items: &[Item]) -> JoinRel {
        let mut rels: Vec<JoinRel> = items
            .iter()
            .map(|item| match item {
                Item::Leaf(leaf) => base::relation(self, *leaf),
                Item::Group(items) => self.solve(items),
            })
            .collect();
        if rels.len() <= 1 {
            return rels.pop().expect("BUG: a problem without relations");
        }
        let found = if rels.len() <= MAX_EXHAUSTIVE { self.exhaustive(&rels) } else { None };
        found.unwrap_or_else(|| self.greedy(rels))
    }

    fn exhaustive(&self, start: &[JoinRel]) -> Option<JoinRel> {
        let mut levels: Vec<Vec<RelSet>> = vec![Vec::new(), start.iter().map(|rel| rel.relations).collect()];
        let mut known: HashMap<RelSet, JoinRel> = start.iter().map(|rel| (rel.relations, rel.clone())).collect();
        for size in 2..=start.len() {
            let mut sets: Vec<RelSet> = Vec::new();
            for connected in [true, false] {
                for small in 1..=size / 2 {
                    self.pairs(&levels, (small, size - small), connected, &mut known, &mut sets);
                }
                if !sets.is_empty() {
                    break;
                }
            }
            levels.push(sets);
        }
        let all = start.iter().fold(RelSet::EMPTY, |set, rel| set.or(rel.relations));
        known.remove(&all)
    }

    fn pairs(
        &self,
        levels: &[Vec<RelSet>],
        (small, large): (usize, usize),
        connected: bool,
        known: &mut HashMap<RelSet, JoinRel>,
        sets: &mut Vec<RelSet>,
    ) {
        let (Some(small_sets), Some(large_sets)) = (levels.get(small), levels.get(large)) else { return };
        for (at, a) in small_sets.iter().enumerate() {
            let skipped = if small == large { at + 1 } else { 0 };
            for b in large_sets.iter().skip(skipped) {
                if a.overlaps(*b) || (connected && !self.is_connected(*a, *b)) {
                    continue;
                }
                let (Some(left), Some(right)) = (known.get(a), known.get(b)) else { continue };
                let set = a.or(*b);
                let before = known.get(&set).cloned();
                let is_new = before.is_none();
                if let Some(rel) = self.join(left, right, before) {
                    known.insert(set, rel);
                    if is_new {
                        sets.push(set);
                    }
                }
            }
        }
    }

    /// Joins the pair with the fewest rows until one is left.
    fn greedy(&self, mut rels: Vec<JoinRel>) -> JoinRel {
        // What has been tried already: pairs of sets with the result.
        let mut tried: HashMap<(RelSet, RelSet), Option<JoinRel>> = HashMap::new();
        while rels.len() > 1 {
            let mut best: Option<(usize, usize, JoinRel)> = None;
            for connected in [true, false] {
                for (i, a) in rels.iter().enumerate() {
                    for (j, b) in rels.iter().enumerate().skip(i + 1) {
                        if connected != self.is_connected(a.relations, b.relations) {
                            continue;
                        }
                        let joined =
                            tried.entry((a.relations, b.relations)).or_insert_with(|| self.join(a, b, None)).clone();
                        let Some(joined) = joined else { continue };
                        let cost = |rel: &JoinRel| rel.cheapest().map_or(f64::INFINITY, |path| path.total);
                        let is_better = best
                            .as_ref()
                            .is_none_or(|(_, _, best)| (joined.rows, cost(&joined)) < (best.rows, cost(best)));
                        if is_better {
                            best = Some((i, j, joined));
                        }
                    }
                }
                if best.is_some() {
                    break;
                }
            }
            let Some((i, j, joined)) = best else { return self.as_written() };
            rels.swap_remove(j.max(i));
            rels.swap_remove(j.min(i));
            rels.push(joined);
        }
        rels.pop().expect("BUG: a problem without relations")
    }

    /// The joins as they were written: an order that is always allowed.
    fn as_written(&self) -> JoinRel {
        self.written(&self.problem.written).expect("BUG: the joins as written cannot be made")
    }

    fn written(&self, tree: &super::problem::Written) -> Option<JoinRel> {
        use super::problem::Written;
        match tree {
            Written::Leaf(leaf) => Some(base::relation(self, *leaf)),
            Written::Join(sides) => {
                let (left, right) = sides.as_ref();
                self.join(&self.written(left)?, &self.written(right)?, None)
            }
        }
    }

    /// Whether a condition, or an outer join, has to do with both sets.
    fn is_connected(&self, a: RelSet, b: RelSet) -> bool {
        let touches = |set: RelSet| set.overlaps(a) && set.overlaps(b);
        self.problem.clauses.iter().any(|clause| touches(clause.reads))
            || self.problem.joins.iter().any(|join| {
                (join.min_left.overlaps(a) && join.min_right.overlaps(b))
                    || (join.min_left.overlaps(b) && join.min_right.overlaps(a))
            })
            || self
                .problem
                .leaves
                .iter()
                .enumerate()
                .any(|(at, leaf)| (a.has(at) && leaf.lateral.overlaps(b)) || (b.has(at) && leaf.lateral.overlaps(a)))
    }

    /// All ways to join two sets, added to those that are known of their union; none if they must not be joined yet.
    fn join(&self, a: &JoinRel, b: &JoinRel, known: Option<JoinRel>) -> Option<JoinRel> {
        let allowed = self.allowed(a.relations, b.relations)?;
        let mut rel = match known {
            Some(known) => known,
            None => method::joined_relation(self, a, b, &allowed),
        };
        method::add_paths(self, &mut rel, a, b, &allowed);
        (!rel.paths.is_empty()).then_some(rel)
    }

    /// Whether two sets may be joined, and by which kind of join: PostgreSQL's `join_is_legal`.
    fn allowed(&self, a: RelSet, b: RelSet) -> Option<Allowed<'_>> {
        let both = a.or(b);
        let mut found: Option<Allowed<'_>> = None;
        let mut must_be_left = false;
        for (at, join) in self.problem.joins.iter().enumerate() {
            let is_done = |set: RelSet| join.min_left.is_within(set) && join.min_right.is_within(set);
            if !join.min_right.overlaps(both) || both.is_within(join.min_right) || is_done(a) || is_done(b) {
                continue;
            }
            if join.kind == JoinKind::Semi {
                // Its right side has been made unique, and joined like any other.
                let was_joined = |set: RelSet| join.right.is_within(set) && join.right != set;
                if was_joined(a) || was_joined(b) {
                    continue;
                }
            }
            let matching = if join.min_left.is_within(a) && join.min_right.is_within(b) {
                Some(Allowed { join: Some((at, join)), reversed: false, unique: false })
            } else if join.min_left.is_within(b) && join.min_right.is_within(a) {
                Some(Allowed { join: Some((at, join)), reversed: true, unique: false })
            } else if join.kind == JoinKind::Semi && join.unique_on.is_some() && (join.right == a || join.right == b) {
                Some(Allowed { join: Some((at, join)), reversed: join.right == a, unique: true })
            } else {
                None
            };
            if let Some(matching) = matching {
                if found.is_some() {
                    return None;
                }
                found = Some(matching);
                continue;
            }
            if a.overlaps(join.min_right) && b.overlaps(join.min_right) {
                // Its right side was broken up before, and that was found to be right.
                continue;
            }
            if join.kind != JoinKind::Left || both.overlaps(join.min_left) {
                return None;
            }
            must_be_left = true;
        }
        if must_be_left {
            let is_strict_left = found
                .as_ref()
                .and_then(|allowed| allowed.join)
                .is_some_and(|(_, join)| join.kind == JoinKind::Left && join.lhs_strict);
            if !is_strict_left {
                return None;
            }
        }
        Some(found.unwrap_or(Allowed { join: None, reversed: false, unique: false }))
    }
}

/// By which join two sets may be joined.
#[derive(Clone, Copy)]
pub(super) struct Allowed<'p> {
    /// The outer, semi or anti join that this is; none for an inner join.
    pub join: Option<(usize, &'p SpecialJoin)>,
    /// Whether its left side is the second set.
    pub reversed: bool,
    /// Whether the right side of a semi join has to be made unique first.
    pub unique: bool,
}
