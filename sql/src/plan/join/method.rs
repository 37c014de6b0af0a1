//! The methods by which two sets of relations are joined.

use std::rc::Rc;

use super::base::{enforced, is_movable};
use super::order::Ordered;
use super::path::{JoinRel, OrderKey, Path, PathKind, is_prefix};
use super::problem::{Problem, Source, SpecialJoin};
use super::relset::RelSet;
use super::search::{Allowed, Search};
use crate::expr::Expr;
use crate::plan::JoinKind;
use crate::plan::access::paths::{DISABLED_COST, expression_cost};
use crate::plan::cost;
use crate::plan::selectivity;

/// The conditions that are judged where two sets meet.
struct Conditions {
    /// Those that decide about partners.
    on: Vec<usize>,
    /// Those that decide about the joined rows.
    filter: Vec<usize>,
}

/// Two sets in the order in which they are joined.
struct Sides<'r> {
    outer: &'r JoinRel,
    inner: &'r JoinRel,
    kind: JoinKind,
}

/// How many rows the join of two sets has, and what they take.
pub(super) fn joined_relation(search: &Search<'_, '_>, a: &JoinRel, b: &JoinRel, allowed: &Allowed<'_>) -> JoinRel {
    let (left, right) = if allowed.reversed && !allowed.unique { (b, a) } else { (a, b) };
    let kind = match allowed.join {
        Some((_, join)) if !allowed.unique => join.kind,
        _ => JoinKind::Inner,
    };
    let conditions = conditions_between(search.problem, left.relations, right.relations, allowed, kind);
    let rows = joined_rows(search, allowed, (left, left.rows), (right, right.rows), kind, &conditions);
    JoinRel { relations: a.relations.or(b.relations), rows, bytes: a.bytes + b.bytes, paths: Vec::new() }
}

fn joined_rows(
    search: &Search<'_, '_>,
    allowed: &Allowed<'_>,
    (left, left_rows): (&JoinRel, f64),
    (right, right_rows): (&JoinRel, f64),
    kind: JoinKind,
    conditions: &Conditions,
) -> f64 {
    let problem = search.problem;
    let part = |clauses: &[usize]| {
        let exprs: Vec<&Expr> = clauses.iter().map(|clause| &problem.clause(*clause).expr).collect();
        selectivity::all(&exprs, problem)
    };
    let pairs = left_rows * right_rows * part(&conditions.on);
    let filter = part(&conditions.filter);
    let half = |rows: f64| {
        // How many left rows have a partner: at most all, and not more than there are pairs.
        let by_values = conditions
            .on
            .iter()
            .filter_map(|clause| problem.clause(*clause).equality.as_ref()?.across(left.relations, right.relations))
            .map(|(a, b)| {
                let (of_left, of_right) =
                    (selectivity::distinct(a, left_rows, problem), selectivity::distinct(b, right_rows, problem));
                (of_right / of_left).min(1.0)
            })
            .fold(1.0_f64, f64::min);
        (rows * by_values).min(pairs.max(1.0))
    };
    let rows = match kind {
        JoinKind::Inner if allowed.unique => half(left_rows).max(pairs.min(left_rows)),
        JoinKind::Inner => pairs,
        JoinKind::Left => pairs.max(left_rows),
        JoinKind::Right => pairs.max(right_rows),
        JoinKind::Full => pairs.max(left_rows).max(right_rows),
        JoinKind::Semi => half(left_rows),
        JoinKind::Anti => (left_rows - half(left_rows)).max(left_rows * 0.01),
    };
    (rows * filter).max(1.0)
}

/// The conditions that can be judged where two sets meet and not before.
fn conditions_between(
    problem: &Problem<'_>,
    a: RelSet,
    b: RelSet,
    allowed: &Allowed<'_>,
    kind: JoinKind,
) -> Conditions {
    let both = a.or(b);
    let hidden = hidden(problem, a).or(hidden(problem, b));
    let mut conditions = Conditions { on: Vec::new(), filter: Vec::new() };
    let mut classes: Vec<usize> = Vec::new();
    for (at, clause) in problem.clauses.iter().enumerate() {
        let applies = clause.required.is_within(both) && !clause.required.is_within(a) && !clause.required.is_within(b);
        // What could be said of relations that are hidden follows from their class for others.
        if !applies || clause.reads.overlaps(hidden) {
            continue;
        }
        if let Some(class) = clause.class {
            // The members on each side are equal to each other already.
            if classes.contains(&class) {
                continue;
            }
            classes.push(class);
        }
        let is_own = match (clause.of_join, allowed.join) {
            (Some(own), Some((join, _))) => own == join,
            (Some(_), None) => false,
            (None, _) => matches!(kind, JoinKind::Inner | JoinKind::Semi),
        };
        if is_own { conditions.on.push(at) } else { conditions.filter.push(at) }
    }
    conditions
}

/// The relations of a set whose columns cannot be read any more: the right sides of semi and anti joins.
fn hidden(problem: &Problem<'_>, set: RelSet) -> RelSet {
    let is_done =
        |join: &&SpecialJoin| join.kind.is_half() && join.min_left.is_within(set) && join.min_right.is_within(set);
    problem.joins.iter().filter(is_done).fold(RelSet::EMPTY, |hidden, join| hidden.or(join.right.and(set)))
}

/// Adds all ways to join two sets.
pub(super) fn add_paths(search: &Search<'_, '_>, rel: &mut JoinRel, a: &JoinRel, b: &JoinRel, allowed: &Allowed<'_>) {
    let (left, right) = if allowed.reversed { (b, a) } else { (a, b) };
    let Some((_, join)) = allowed.join else {
        add_sides(search, rel, allowed, &Sides { outer: a, inner: b, kind: JoinKind::Inner });
        add_sides(search, rel, allowed, &Sides { outer: b, inner: a, kind: JoinKind::Inner });
        return;
    };
    match join.kind {
        JoinKind::Left | JoinKind::Right => {
            add_sides(search, rel, allowed, &Sides { outer: left, inner: right, kind: JoinKind::Left });
            add_sides(search, rel, allowed, &Sides { outer: right, inner: left, kind: JoinKind::Right });
        }
        JoinKind::Full => {
            add_sides(search, rel, allowed, &Sides { outer: left, inner: right, kind: JoinKind::Full });
            add_sides(search, rel, allowed, &Sides { outer: right, inner: left, kind: JoinKind::Full });
        }
        JoinKind::Anti => add_sides(search, rel, allowed, &Sides { outer: left, inner: right, kind: JoinKind::Anti }),
        JoinKind::Semi | JoinKind::Inner => {
            if !allowed.unique {
                add_sides(search, rel, allowed, &Sides { outer: left, inner: right, kind: JoinKind::Semi });
            }
            if let Some(on) = &join.unique_on
                && join.right == right.relations
                && let Some(unique) = unique(search, right, on)
            {
                let allowed = Allowed { unique: true, ..*allowed };
                add_sides(search, rel, &allowed, &Sides { outer: left, inner: &unique, kind: JoinKind::Inner });
                add_sides(search, rel, &allowed, &Sides { outer: &unique, inner: left, kind: JoinKind::Inner });
            }
        }
    }
}

/// The right side of a semi join with each value of its condition once.
fn unique(search: &Search<'_, '_>, right: &JoinRel, on: &[Expr]) -> Option<JoinRel> {
    let settings = search.problem.ctx.settings;
    let input = right.cheapest()?;
    let rows = selectivity::groups(on, input.rows, search.problem);
    let disabled = if settings.methods.hashagg { 0.0 } else { DISABLED_COST };
    let total = input.total + disabled + cost::hash_group(input.rows, rows, right.bytes, on.len(), settings);
    let path = Path {
        kind: PathKind::Unique { input: Rc::clone(input), on: on.to_vec() },
        relations: right.relations,
        requires: RelSet::EMPTY,
        rows,
        startup: total,
        total,
        order: Vec::new(),
        order_is_total: false,
    };
    Some(JoinRel { relations: right.relations, rows, bytes: right.bytes, paths: vec![Rc::new(path)] })
}

fn add_sides(search: &Search<'_, '_>, rel: &mut JoinRel, allowed: &Allowed<'_>, sides: &Sides<'_>) {
    let (outer, inner) = (sides.outer.relations, sides.inner.relations);
    let conditions = conditions_between(search.problem, outer, inner, allowed, sides.kind);
    add_nested(search, rel, allowed, sides, &conditions);
    let keys: Vec<usize> = conditions
        .on
        .iter()
        .copied()
        .filter(|at| {
            search.problem.clause(*at).equality.as_ref().is_some_and(|equality| equality.across(outer, inner).is_some())
        })
        .collect();
    if !keys.is_empty() {
        let rest: Vec<usize> = conditions.on.iter().copied().filter(|at| !keys.contains(at)).collect();
        add_hash(search, rel, sides, &keys, &rest, &conditions.filter);
        if sides.kind != JoinKind::Full || rest.is_empty() {
            add_merge(search, rel, sides, &keys, &rest, &conditions.filter);
        }
    }
}

/// The relations for whose rows a join may be run one at a time: those on the other side of a join whose right side it is
/// part of, and those that a lateral relation sees.
fn may_require(search: &Search<'_, '_>, set: RelSet) -> RelSet {
    let mut allowed = RelSet::EMPTY;
    for join in &search.problem.joins {
        if set.is_within(join.right) && join.kind != JoinKind::Full {
            allowed.add(join.left);
        }
    }
    for (at, leaf) in search.problem.leaves.iter().enumerate() {
        if set.has(at) {
            allowed.add(leaf.lateral);
        }
    }
    allowed
}

fn requires(search: &Search<'_, '_>, outer: &Path, inner: &Path) -> Option<RelSet> {
    let both = outer.relations.or(inner.relations);
    // The outer side is produced first: it cannot wait for rows of the inner one.
    if outer.requires.overlaps(inner.relations) || inner.requires.overlaps(hidden(search.problem, outer.relations)) {
        return None;
    }
    let requires = outer.requires.or(inner.requires).without(both);
    (requires.is_empty() || requires.is_within(may_require(search, both))).then_some(requires)
}

fn operators(problem: &Problem<'_>, clauses: &[usize]) -> f64 {
    clauses.iter().map(|clause| expression_cost(&problem.clause(*clause).expr, problem.ctx.settings)).sum()
}

fn add_nested(
    search: &Search<'_, '_>,
    rel: &mut JoinRel,
    allowed: &Allowed<'_>,
    sides: &Sides<'_>,
    conditions: &Conditions,
) {
    if sides.kind == JoinKind::Right {
        return;
    }
    let problem = search.problem;
    let settings = problem.ctx.settings;
    let disabled = if settings.methods.nestloop { 0.0 } else { DISABLED_COST };
    for outer in &sides.outer.paths {
        for inner in &sides.inner.paths {
            let Some(requires) = requires(search, outer, inner) else { continue };
            let is_lateral = inner.requires.overlaps(outer.relations);
            if is_lateral && sides.kind == JoinKind::Full {
                continue;
            }
            if !is_lateral
                && !inner.order.is_empty()
                && sides.inner.cheapest().is_some_and(|best| !Rc::ptr_eq(best, inner))
            {
                // The order of rows that are kept does not matter.
                continue;
            }
            let on = remaining(problem, &conditions.on, outer.relations, inner);
            let single = matches!(sides.kind, JoinKind::Semi | JoinKind::Anti)
                || is_single(problem, inner, sides.outer.relations, &conditions.on);
            let pairs = outer.rows * if single { inner.rows.min(1.0_f64.max(inner.rows * 0.5)) } else { inner.rows };
            let (startup, run) = if is_lateral {
                let begin = settings.cpu_operator_cost * 8.0;
                (outer.startup + inner.startup, outer.total + outer.rows * (inner.total + begin))
            } else {
                let keep = inner.rows * settings.cpu_operator_cost;
                let again = pairs * settings.cpu_operator_cost;
                (outer.startup + inner.total + keep, outer.total + inner.total + keep + again)
            };
            let judged = pairs * (settings.cpu_operator_cost + operators(problem, &on));
            let rows = if requires.is_empty() {
                rel.rows
            } else {
                joined_rows(
                    search,
                    allowed,
                    (sides.outer, outer.rows),
                    (sides.inner, inner.rows),
                    sides.kind,
                    &Conditions { on: on.clone(), filter: conditions.filter.clone() },
                )
            };
            let filter = operators(problem, &conditions.filter) * rows;
            let total = disabled + run + judged + filter + rows * settings.cpu_tuple_cost;
            rel.add(Path {
                kind: PathKind::Nested {
                    outer: Rc::clone(outer),
                    inner: Rc::clone(inner),
                    join: sides.kind,
                    on,
                    filter: conditions.filter.clone(),
                    single,
                },
                relations: rel.relations,
                requires,
                rows,
                startup: disabled + startup,
                total,
                // Rows of the inner side come in the order of their outer rows.
                order: if sides.kind == JoinKind::Full { Vec::new() } else { outer.order.clone() },
                order_is_total: outer.order_is_total && single && sides.kind != JoinKind::Full,
            });
        }
    }
}

/// The conditions that the inner side has not judged itself.
fn remaining(problem: &Problem<'_>, on: &[usize], outer: RelSet, inner: &Path) -> Vec<usize> {
    if inner.requires.is_empty() {
        return on.to_vec();
    }
    let mut done: Vec<usize> = Vec::new();
    judged_inside(problem, inner, &mut done);
    // What was judged on rows of relations further out says nothing about this outer side.
    done.retain(|at| problem.clause(*at).reads.overlaps(outer));
    let classes: Vec<usize> = done.iter().filter_map(|at| problem.clause(*at).class).collect();
    on.iter()
        .copied()
        .filter(|at| {
            let clause = problem.clause(*at);
            !done.contains(at) && !clause.class.is_some_and(|class| classes.contains(&class))
        })
        .collect()
}

/// The conditions on other relations' rows that are judged inside a path.
fn judged_inside(problem: &Problem<'_>, path: &Path, out: &mut Vec<usize>) {
    match &path.kind {
        PathKind::Table { leaf, clauses, .. } => {
            out.extend(clauses.iter().copied().filter(|at| is_movable(problem, problem.clause(*at), *leaf)));
        }
        PathKind::Leaf { .. } | PathKind::Unique { .. } => {}
        PathKind::Nested { outer, inner, .. }
        | PathKind::Hash { outer, inner, .. }
        | PathKind::Merge { outer, inner, .. } => {
            judged_inside(problem, outer, out);
            judged_inside(problem, inner, out);
        }
    }
}

/// Whether a row of the outer side has at most one partner in the inner one.
fn is_single(problem: &Problem<'_>, inner: &Path, outer: RelSet, on: &[usize]) -> bool {
    if let PathKind::Table { path, .. } = &inner.kind
        && path.is_single
    {
        return true;
    }
    let Some(at) = inner.relations.single() else { return false };
    let leaf = problem.leaf(at);
    let Source::Table { table, .. } = &leaf.source else { return false };
    let mut slots: Vec<usize> = Vec::new();
    let inside = enforced(problem, at, inner.requires);
    for clause in on.iter().chain(&inside).map(|at| problem.clause(*at)) {
        if let Some(equality) = &clause.equality
            && let Some((_, own)) = equality.across(outer, RelSet::one(at))
            && let Some((column, _)) = crate::plan::access::column_of(own)
        {
            slots.push(column - leaf.first);
        }
    }
    super::removal::is_unique_on(table, &slots)
}

fn add_hash(
    search: &Search<'_, '_>,
    rel: &mut JoinRel,
    sides: &Sides<'_>,
    keys: &[usize],
    on: &[usize],
    filter: &[usize],
) {
    let problem = search.problem;
    let settings = problem.ctx.settings;
    let disabled = if settings.methods.hashjoin { 0.0 } else { DISABLED_COST };
    let Some(inner) = sides.inner.cheapest() else { return };
    for outer in &sides.outer.paths {
        let Some(requires) = requires(search, outer, inner) else { continue };
        // The order of the outer side is not kept: it may have to be written to files.
        let is_best = sides.outer.paths.iter().all(|other| {
            other.requires != outer.requires || other.total >= outer.total || other.startup > outer.startup
        });
        if !is_best {
            continue;
        }
        let key_count = f64::from(u32::try_from(keys.len()).unwrap_or(1));
        let exprs: Vec<&Expr> = keys.iter().map(|key| &problem.clause(*key).expr).collect();
        let pairs = (outer.rows * inner.rows * selectivity::all(&exprs, problem)).max(1.0);
        let build = inner.rows * (settings.cpu_operator_cost * key_count + settings.cpu_tuple_cost);
        let probe = outer.rows * settings.cpu_operator_cost * key_count;
        let spill = cost::hash_spill((inner.rows, sides.inner.bytes), (outer.rows, sides.outer.bytes), settings);
        let judged = pairs * (settings.cpu_operator_cost + operators(problem, on));
        let judged = judged + operators(problem, filter) * rel.rows;
        let startup = disabled + inner.total + build + outer.startup;
        let run = outer.total - outer.startup + probe + spill + judged + rel.rows * settings.cpu_tuple_cost;
        rel.add(Path {
            kind: PathKind::Hash {
                outer: Rc::clone(outer),
                inner: Rc::clone(inner),
                join: sides.kind,
                keys: keys.to_vec(),
                on: on.to_vec(),
                filter: filter.to_vec(),
            },
            relations: rel.relations,
            requires,
            rows: rel.rows,
            startup,
            total: startup + run,
            order: Vec::new(),
            order_is_total: false,
        });
    }
}

fn add_merge(
    search: &Search<'_, '_>,
    rel: &mut JoinRel,
    sides: &Sides<'_>,
    keys: &[usize],
    on: &[usize],
    filter: &[usize],
) {
    let problem = search.problem;
    let (outer_set, inner_set) = (sides.outer.relations, sides.inner.relations);
    // The order of a key: of its class, or of its two sides.
    let mut numbered: Vec<(usize, usize, usize)> = Vec::new();
    for key in keys {
        let Some((outer, inner)) = problem.clause(*key).equality.as_ref().and_then(|e| e.across(outer_set, inner_set))
        else {
            continue;
        };
        if let (Ordered::By(a), Ordered::By(b)) = (search.orders.of(problem, outer), search.orders.of(problem, inner)) {
            numbered.push((*key, a, b));
        }
    }
    if numbered.len() != keys.len() {
        return;
    }
    for outer in sides.outer.paths.iter().filter(|path| path.requires.is_empty()) {
        for sequence in sequences(&numbered, outer) {
            add_merge_of(search, rel, sides, outer, &sequence, on, filter);
        }
    }
}

/// The orders of keys in which a side could be merged: as its rows come, and sorted.
fn sequences(numbered: &[(usize, usize, usize)], outer: &Path) -> Vec<Vec<(usize, OrderKey, OrderKey)>> {
    let ordered = |(clause, a, b): (usize, usize, usize), descending: bool, nulls_first: bool| {
        (clause, OrderKey { key: a, descending, nulls_first }, OrderKey { key: b, descending, nulls_first })
    };
    let mut found = Vec::new();
    let mut as_it_comes = Vec::new();
    for have in &outer.order {
        match numbered.iter().find(|(_, key, _)| *key == have.key) {
            Some(key) => as_it_comes.push(ordered(*key, have.descending, have.nulls_first)),
            None => break,
        }
    }
    if as_it_comes.len() == numbered.len() {
        found.push(as_it_comes);
    } else {
        found.push(numbered.iter().map(|key| ordered(*key, false, false)).collect());
    }
    found
}

fn add_merge_of(
    search: &Search<'_, '_>,
    rel: &mut JoinRel,
    sides: &Sides<'_>,
    outer: &Rc<Path>,
    sequence: &[(usize, OrderKey, OrderKey)],
    on: &[usize],
    filter: &[usize],
) {
    let problem = search.problem;
    let settings = problem.ctx.settings;
    let outer_order: Vec<OrderKey> = sequence.iter().map(|(_, key, _)| *key).collect();
    let inner_order: Vec<OrderKey> = sequence.iter().map(|(_, _, key)| *key).collect();
    let keys: Vec<usize> = sequence.iter().map(|(clause, ..)| *clause).collect();
    let sort_outer = !outer.is_ordered(&outer_order);
    let cheapest = sides.outer.cheapest();
    if sort_outer && cheapest.is_some_and(|best| !Rc::ptr_eq(best, outer)) {
        return;
    }
    let inner_sorted = sides
        .inner
        .paths
        .iter()
        .filter(|path| path.requires.is_empty() && path.is_ordered(&inner_order))
        .min_by(|a, b| a.total.total_cmp(&b.total));
    let inner_any = sides.inner.cheapest();
    for (inner, sort_inner) in [(inner_sorted, false), (inner_any, true)] {
        let Some(inner) = inner else { continue };
        let sorted = |path: &Path, bytes: f64, sort: bool| {
            if sort {
                let startup = path.total + cost::sort(path.rows, bytes, settings);
                (startup, startup + path.rows * settings.cpu_operator_cost)
            } else {
                (path.startup, path.total)
            }
        };
        let (outer_startup, outer_total) = sorted(outer, sides.outer.bytes, sort_outer);
        let (inner_startup, inner_total) = sorted(inner, sides.inner.bytes, sort_inner);
        let disabled = if settings.methods.mergejoin { 0.0 } else { DISABLED_COST };
        let key_count = f64::from(u32::try_from(keys.len()).unwrap_or(1));
        let exprs: Vec<&Expr> = keys.iter().map(|key| &problem.clause(*key).expr).collect();
        let pairs = (outer.rows * inner.rows * selectivity::all(&exprs, problem)).max(1.0);
        let walk = (outer.rows + inner.rows) * settings.cpu_operator_cost * key_count * 2.0;
        let judged = pairs * (settings.cpu_operator_cost + operators(problem, on));
        let judged = judged + operators(problem, filter) * rel.rows;
        let startup = disabled + outer_startup + inner_startup;
        let total = disabled + outer_total + inner_total + walk + judged + rel.rows * settings.cpu_tuple_cost;
        let keeps_order = matches!(sides.kind, JoinKind::Inner | JoinKind::Left | JoinKind::Semi | JoinKind::Anti);
        let order = if !keeps_order {
            Vec::new()
        } else if sort_outer {
            outer_order.clone()
        } else {
            outer.order.clone()
        };
        debug_assert!(sort_outer || is_prefix(&outer_order, &outer.order) || outer.order_is_total, "an order is kept");
        rel.add(Path {
            kind: PathKind::Merge {
                outer: Rc::clone(outer),
                inner: Rc::clone(inner),
                join: sides.kind,
                keys: keys.clone(),
                order: outer_order.clone(),
                sort_outer,
                sort_inner,
                on: on.to_vec(),
                filter: filter.to_vec(),
            },
            relations: rel.relations,
            requires: RelSet::EMPTY,
            rows: rel.rows,
            startup,
            total,
            order,
            order_is_total: false,
        });
    }
}
