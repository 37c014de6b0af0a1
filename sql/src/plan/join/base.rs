//! The ways to read one relation of a problem.

use heliosdb_storage::catalog::TableDef;

use super::order::Ordered;
use super::path::{JoinRel, OrderKey, Path, PathKind};
use super::problem::{Clause, Leaf, Problem, Source};
use super::relset::RelSet;
use super::search::Search;
use crate::expr::Expr;
use crate::plan::access::paths::{Reading, TablePath, assumed_row_bytes, expression_cost};
use crate::plan::context::TableEstimate;
use crate::plan::selectivity::{self, ColumnSource, KnownColumn};

/// What a column of anything but a table takes.
const ASSUMED_VALUE_BYTES: f64 = 24.0;

impl ColumnSource for Problem<'_> {
    fn column(&self, column: usize) -> Option<KnownColumn<'_>> {
        let leaf = self.leaf(self.leaf_of(column)?);
        match &leaf.source {
            Source::Table { table, estimate, .. } if column - leaf.first < table.columns.len() => {
                Some(KnownColumn { table, estimate, slot: column - leaf.first })
            }
            _ => None,
        }
    }

    fn param(&self, index: usize) -> Option<&heliosdb_storage::value::Value> {
        self.ctx.params.get(index)
    }
}

/// A relation of the problem with the ways to read it.
pub(super) fn relation(search: &Search<'_, '_>, at: usize) -> JoinRel {
    let problem = search.problem;
    let leaf = problem.leaf(at);
    match &leaf.source {
        Source::Table { table, estimate, .. } => table_relation(search, at, leaf, table, estimate),
        // Queries have been planned before the search begins.
        Source::Query(_) => other_relation(search, at, leaf, 1_000.0),
        Source::Plan { rows, .. } => other_relation(search, at, leaf, *rows),
    }
}

/// The conditions that are judged on one relation alone.
fn own_clauses(problem: &Problem<'_>, at: usize) -> Vec<usize> {
    let one = RelSet::one(at);
    let is_own = |clause: &Clause| clause.required.is_within(one) && !clause.required.is_empty();
    problem.clauses.iter().enumerate().filter(|(_, clause)| is_own(clause)).map(|(at, _)| at).collect()
}

/// Whether a condition can be judged inside a relation that is read for one row of others at a time.
pub(super) fn is_movable(problem: &Problem<'_>, clause: &Clause, at: usize) -> bool {
    clause.reads.has(at)
        && clause.reads.len() > 1
        && !clause.has_subquery
        && !clause.nullable.has(at)
        && clause
            .of_join
            .is_none_or(|join| problem.joins.get(join).is_some_and(|join| join.right.has(at) && !join.left.has(at)))
        && clause
            .of_join
            .is_none_or(|join| problem.joins.get(join).is_some_and(|join| join.kind != crate::plan::JoinKind::Full))
}

/// The conditions between a relation and others that are judged inside of it, when it is run for a row of the others.
pub(super) fn enforced(problem: &Problem<'_>, at: usize, requires: RelSet) -> Vec<usize> {
    let available = requires.or(RelSet::one(at));
    let is_enforced = |clause: &Clause| is_movable(problem, clause, at) && clause.reads.is_within(available);
    problem.clauses.iter().enumerate().filter(|(_, clause)| is_enforced(clause)).map(|(at, _)| at).collect()
}

/// The part of a relation's rows that satisfies some conditions; one condition of a class says what the others say too.
fn selectivity_of(problem: &Problem<'_>, at: usize, clauses: &[usize]) -> f64 {
    let mut seen: Vec<(usize, &Expr)> = Vec::new();
    let mut exprs = Vec::new();
    for clause in clauses.iter().map(|clause| problem.clause(*clause)) {
        if let (Some(class), Some(equality)) = (clause.class, &clause.equality) {
            let own = if equality.left_reads.has(at) { &equality.left } else { &equality.right };
            if seen.iter().any(|(known, expr)| *known == class && expr.same(own)) {
                continue;
            }
            seen.push((class, own));
        }
        exprs.push(&clause.expr);
    }
    selectivity::all(&exprs, problem)
}

fn table_relation(
    search: &Search<'_, '_>,
    at: usize,
    leaf: &Leaf,
    table: &TableDef,
    estimate: &TableEstimate,
) -> JoinRel {
    let problem = search.problem;
    let own = own_clauses(problem, at);
    let rows = (estimate.rows * selectivity_of(problem, at, &own)).max(1.0);
    let row_bytes = estimate
        .statistics
        .as_ref()
        .map_or_else(|| assumed_row_bytes(table), |statistics| f64::from(statistics.row_bytes).max(8.0));
    let mut rel = JoinRel { relations: RelSet::one(at), rows, bytes: value_bytes(search, leaf), paths: Vec::new() };
    let mut parameterizations = vec![RelSet::EMPTY];
    parameterizations.extend(parameterizations_of(problem, at));
    for others in parameterizations {
        let requires = others.or(leaf.lateral);
        let mut clauses = own.clone();
        clauses.extend(enforced(problem, at, requires));
        add_table_paths(search, &mut rel, (at, leaf), (table, estimate, row_bytes), requires, &clauses);
    }
    rel
}

/// The sets of other relations for whose rows a relation could be read one at a time.
fn parameterizations_of(problem: &Problem<'_>, at: usize) -> Vec<RelSet> {
    /// Each set costs a round of looking for paths.
    const MAX_SETS: usize = 12;
    let mut sets: Vec<RelSet> = Vec::new();
    let mut all = RelSet::EMPTY;
    for clause in problem.clauses.iter().filter(|clause| is_movable(problem, clause, at)) {
        let others = clause.reads.without(RelSet::one(at));
        all.add(others);
        if !sets.contains(&others) && sets.len() < MAX_SETS {
            sets.push(others);
        }
    }
    // Pairs matter for keys of several columns that come from several relations.
    let singles = sets.clone();
    for (position, a) in singles.iter().enumerate() {
        for b in singles.iter().skip(position + 1) {
            let both = a.or(*b);
            if !sets.contains(&both) && sets.len() < MAX_SETS {
                sets.push(both);
            }
        }
    }
    if !all.is_empty() && !sets.contains(&all) && sets.len() < MAX_SETS {
        sets.push(all);
    }
    sets
}

fn add_table_paths(
    search: &Search<'_, '_>,
    rel: &mut JoinRel,
    (at, leaf): (usize, &Leaf),
    (table, estimate, row_bytes): (&TableDef, &TableEstimate, f64),
    requires: RelSet,
    clauses: &[usize],
) {
    let problem = search.problem;
    let exprs: Vec<&Expr> = clauses.iter().map(|clause| &problem.clause(*clause).expr).collect();
    let own = |column: usize| column.checked_sub(leaf.first).filter(|slot| *slot < table.columns.len());
    let needed = needed_slots(search, at, leaf);
    let reading = Reading {
        table,
        rows: estimate.rows,
        row_bytes,
        conditions: &exprs,
        own: &own,
        needs: &|slot| needed.contains(&slot),
        source: problem,
        settings: problem.ctx.settings,
    };
    let rows = (estimate.rows * selectivity_of(problem, at, clauses)).max(1.0);
    let is_parameterized = !requires.is_empty();
    for path in reading.paths() {
        // Without a condition on the other relations' rows in its key nothing is gained by reading it for each of them.
        let uses_others = path
            .used
            .iter()
            .filter_map(|used| clauses.get(*used))
            .any(|used| !problem.clause(*used).reads.is_within(RelSet::one(at)));
        if is_parameterized && leaf.lateral.is_empty() && !uses_others {
            continue;
        }
        let rows = if path.is_single { rows.min(1.0) } else { rows };
        let path = std::rc::Rc::new(path);
        for backward in [false, true] {
            let Some(order) = order_of(search, leaf, &path, backward) else { continue };
            rel.add(Path {
                kind: PathKind::Table {
                    leaf: at,
                    path: std::rc::Rc::clone(&path),
                    backward,
                    clauses: clauses.to_vec(),
                },
                relations: RelSet::one(at),
                requires,
                rows,
                startup: path.startup,
                total: path.total,
                order,
                order_is_total: path.order_is_total,
            });
        }
    }
}

/// The order of a path's rows; none for a way back that is the same as the way forth.
fn order_of(search: &Search<'_, '_>, leaf: &Leaf, path: &TablePath, backward: bool) -> Option<Vec<OrderKey>> {
    let is_any = matches!(path.access, crate::plan::Access::Any { .. });
    if backward && (path.order.is_empty() || is_any || path.is_single) {
        return None;
    }
    let mut order: Vec<OrderKey> = Vec::new();
    for column in &path.order {
        let expr = Expr::Column(leaf.first + column.slot, column.data_type);
        let Ordered::By(key) = search.orders.of(search.problem, &expr) else { continue };
        if order.iter().any(|known| known.key == key) {
            continue;
        }
        let descending = column.order.descending != backward;
        let nulls_first = if column.nullable { column.order.nulls_first != backward } else { descending };
        order.push(OrderKey { key, descending, nulls_first });
    }
    Some(order)
}

/// The slots of a relation that are read by anything.
pub(super) fn needed_slots(search: &Search<'_, '_>, at: usize, leaf: &Leaf) -> Vec<usize> {
    let problem = search.problem;
    let range = leaf.first..leaf.first + leaf.width;
    let mut slots: Vec<usize> = Vec::new();
    let mut add = |column: usize| {
        if range.contains(&column) && !slots.contains(&(column - leaf.first)) {
            slots.push(column - leaf.first);
        }
    };
    search.needed.iter().for_each(|column| add(*column));
    for clause in problem.clauses.iter().filter(|clause| clause.reads.has(at)) {
        clause.expr.for_each_column(&mut add);
    }
    for other in &problem.leaves {
        if other.lateral.has(at) {
            other.source.columns_outside(&mut add);
        }
    }
    slots
}

/// What the needed columns of a row take.
fn value_bytes(search: &Search<'_, '_>, leaf: &Leaf) -> f64 {
    let wanted = search.needed.iter().filter(|column| (leaf.first..leaf.first + leaf.width).contains(column)).count();
    ASSUMED_VALUE_BYTES * f64::from(u32::try_from(wanted + 1).unwrap_or(u32::MAX))
}

fn other_relation(search: &Search<'_, '_>, at: usize, leaf: &Leaf, base_rows: f64) -> JoinRel {
    let problem = search.problem;
    let clauses = own_clauses(problem, at);
    let exprs: Vec<&Expr> = clauses.iter().map(|clause| &problem.clause(*clause).expr).collect();
    let rows = (base_rows * selectivity::all(&exprs, problem)).max(1.0);
    let mut rel = JoinRel { relations: RelSet::one(at), rows, bytes: value_bytes(search, leaf), paths: Vec::new() };
    let settings = problem.ctx.settings;
    let filter: f64 = exprs.iter().map(|expr| expression_cost(expr, settings)).sum();
    let (startup, total) = leaf.source.costs();
    rel.add(Path {
        kind: PathKind::Leaf { leaf: at, clauses },
        relations: RelSet::one(at),
        requires: leaf.lateral,
        rows,
        startup,
        total: total + base_rows * (filter + settings.cpu_operator_cost),
        order: Vec::new(),
        order_is_total: false,
    });
    rel
}

impl Source {
    /// What it costs until the first row, and in all.
    fn costs(&self) -> (f64, f64) {
        match self {
            Self::Plan { costs, .. } => *costs,
            Self::Table { .. } | Self::Query(_) => (0.0, 0.0),
        }
    }

    /// Calls the function on the columns of the problem that it sees as its next outer row.
    pub(super) fn columns_outside(&self, visit: &mut dyn FnMut(usize)) {
        match self {
            Self::Plan { plan, .. } => plan.columns_at(1, visit),
            Self::Query(query) => query.columns_at(1, visit),
            Self::Table { .. } => {}
        }
    }
}
