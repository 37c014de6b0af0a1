//! FROM: where each condition is judged, in which order relations are joined, and how.
//!
//! Inner joins that stand side by side form a group. Of a group the relation with the best access path is read first;
//! then, one by one, the relation that can be looked up by a key of what is there already, else one that shares an
//! equality (a hash join), else any. There are no statistics: access paths are ranked (see [`super::access`]), and what
//! is ranked alike keeps the order in which it was written.

use std::sync::Arc;

use heliosdb_storage::catalog::TableDef;

use super::access::{COST_ALL, choose};
use super::planner::{plan_scan, plan_tree, scan_with};
use super::{HashJoin, JoinKind, NestedLoop, Plan, Scan};
use crate::bind::tree::{JoinSide, Relation};
use crate::expr::Expr;
use crate::functions::Comparison;

/// Plans a relation of FROM and the conditions over its row.
pub(super) fn plan_relation(relation: Relation, mut conditions: Vec<Expr>) -> Plan {
    match relation {
        Relation::OneRow => filtered(Plan::OneRow, conditions),
        Relation::Table { table, lock, with_key, .. } => {
            let constant = take(&mut conditions, is_constant);
            filtered(Plan::Scan(Scan { with_key, ..plan_scan(table, lock, conditions) }), constant)
        }
        Relation::System { relation, .. } => Plan::System { relation, filter: Expr::all_of(conditions) },
        Relation::Function { function, args, .. } => filtered(Plan::Function { function, args }, conditions),
        Relation::Query { query, .. } => filtered(plan_tree(*query), conditions),
        Relation::Cte { id, width, stable, name } => filtered(Plan::CteScan { id, width, stable, name }, conditions),
        Relation::WorkTable { id, width, name } => filtered(Plan::WorkTableScan { id, width, name }, conditions),
        Relation::Join { left, right, kind: JoinSide::Inner, on, lateral } => {
            conditions.extend(on);
            let join = Relation::Join { left, right, kind: JoinSide::Inner, on: Vec::new(), lateral };
            Group::new(join, conditions).plan()
        }
        Relation::Join { left, right, kind: JoinSide::Right, on, lateral: _ } => {
            plan_right(*left, *right, on, conditions)
        }
        Relation::Join { left, right, kind, on, lateral } => {
            plan_outer(*left, (*right, lateral), kind.kind(), on, conditions)
        }
    }
}

fn filtered(plan: Plan, conditions: Vec<Expr>) -> Plan {
    match Expr::all_of(conditions) {
        Some(predicate) => Plan::Filter { input: Box::new(plan), predicate },
        None => plan,
    }
}

/// Whether a condition is the same for every row: then it is judged once, before anything is read.
pub(super) fn is_constant(expr: &Expr) -> bool {
    let mut reads_row = false;
    expr.for_each_column(&mut |_| reads_row = true);
    !reads_row && !expr.is_volatile()
}

fn take(conditions: &mut Vec<Expr>, mut wanted: impl FnMut(&Expr) -> bool) -> Vec<Expr> {
    let (taken, left) = std::mem::take(conditions).into_iter().partition(|expr| wanted(expr));
    *conditions = left;
    taken
}

/// Whether a condition reads only columns of a range, and at least one.
fn reads_only(expr: &Expr, range: std::ops::Range<usize>) -> bool {
    let (mut any, mut other) = (false, false);
    expr.for_each_column(&mut |index| if range.contains(&index) { any = true } else { other = true });
    any && !other
}

/// A RIGHT JOIN is a LEFT JOIN turned round.
fn plan_right(left: Relation, right: Relation, mut on: Vec<Expr>, mut conditions: Vec<Expr>) -> Plan {
    let (left_width, right_width) = (left.width(), right.width());
    let turned = |index: usize| if index < left_width { index + right_width } else { index - left_width };
    for expr in on.iter_mut().chain(&mut conditions) {
        expr.map_columns(&mut |index| turned(index));
    }
    let plan = plan_outer(right, (left, false), JoinKind::Left, on, conditions);
    reordered(plan, (0..left_width + right_width).map(turned))
}

/// The columns of a plan in another order.
fn reordered(plan: Plan, order: impl Iterator<Item = usize>) -> Plan {
    // The type of a column that is only moved does not matter to the evaluator.
    let exprs = order.map(|at| Expr::Column(at, heliosdb_storage::value::DataType::Unknown)).collect();
    Plan::Project { input: Box::new(plan), exprs }
}

fn plan_outer(
    left: Relation,
    (right, lateral): (Relation, bool),
    kind: JoinKind,
    mut on: Vec<Expr>,
    mut conditions: Vec<Expr>,
) -> Plan {
    let (left_width, right_width) = (left.width(), right.width());
    let total = left_width + right_width;
    let mut for_left = Vec::new();
    let mut for_right = Vec::new();
    if kind == JoinKind::Left {
        // A condition on the left side holds before the join as well as after it; a condition of ON that reads only the
        // right side says which of its rows can be partners at all.
        for_left = take(&mut conditions, |expr| reads_only(expr, 0..left_width));
        for_right = take(&mut on, |expr| reads_only(expr, left_width..total));
    }
    let left_plan = plan_relation(left, for_left);
    let side = Side { relation: right, first: left_width, local: for_right, lateral };
    let plan = join(left_plan, left_width, side, right_width, kind, on);
    filtered(plan, conditions)
}

/// The right side of a join.
struct Side {
    relation: Relation,
    /// Where its columns begin in the pair.
    first: usize,
    /// Conditions on it alone, over the pair.
    local: Vec<Expr>,
    /// Whether it sees the left row as its next outer row.
    lateral: bool,
}

/// Joins a relation to a plan. `on` is over the pair: the plan's row followed by the relation's.
fn join(left: Plan, left_width: usize, side: Side, right_width: usize, kind: JoinKind, on: Vec<Expr>) -> Plan {
    let Side { relation, first, mut local, lateral } = side;
    for expr in &mut local {
        expr.map_columns(&mut |index| index - first);
    }
    if lateral {
        // Its conditions are judged inside of it.
        local.iter_mut().for_each(|expr| expr.shift_outer(0, 1));
        let (right, on) = (plan_relation(relation, local), Expr::all_of(on));
        return Plan::NestedLoop(Box::new(NestedLoop { left, right, lateral: true, kind, on, right_width }));
    }
    if let Relation::Table { table, lock: None, with_key, .. } = &relation
        && kind != JoinKind::Full
        && let Some((scan, rest)) = keyed_scan(table, left_width, &local, &on)
    {
        return Plan::NestedLoop(Box::new(NestedLoop {
            left,
            right: Plan::Scan(Scan { with_key: *with_key, ..scan }),
            lateral: true,
            kind,
            on: Expr::all_of(rest),
            right_width,
        }));
    }
    let right = plan_relation(relation, local);
    let (mut left_keys, mut right_keys, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    for expr in on {
        match equal_sides(expr, left_width) {
            Ok((left_key, right_key)) => {
                left_keys.push(left_key);
                right_keys.push(right_key);
            }
            Err(other) => rest.push(other),
        }
    }
    let on = Expr::all_of(rest);
    if left_keys.is_empty() {
        return Plan::NestedLoop(Box::new(NestedLoop { left, right, lateral: false, kind, on, right_width }));
    }
    Plan::HashJoin(Box::new(HashJoin { left, right, kind, left_keys, right_keys, on, left_width, right_width }))
}

/// A scan of the inner table by a key of the outer row, if there is one, and the conditions that remain for the pair.
fn keyed_scan(table: &Arc<TableDef>, left_width: usize, local: &[Expr], on: &[Expr]) -> Option<(Scan, Vec<Expr>)> {
    let mut conditions: Vec<Expr> = local.to_vec();
    // What moves into the inner side is run with one more outer row around.
    conditions.iter_mut().for_each(|expr| expr.shift_outer(0, 1));
    let mut rest = Vec::new();
    let local_count = conditions.len();
    for expr in on {
        if expr.has_subquery() {
            rest.push(expr.clone());
        } else {
            let mut inner = expr.clone();
            inner.shift_outer(0, 1);
            to_inner(&mut inner, left_width);
            conditions.push(inner);
        }
    }
    let choice = choose(table, &conditions);
    let uses_outer = choice.covered.iter().any(|at| *at >= local_count);
    uses_outer.then(|| (scan_with(Arc::clone(table), choice.access, &choice.covered, conditions), rest))
}

/// Columns of the pair as an expression of the inner side sees them.
fn to_inner(expr: &mut Expr, left_width: usize) {
    if let Expr::Column(index, data_type) = expr {
        *expr = match index.checked_sub(left_width) {
            Some(index) => Expr::Column(index, *data_type),
            None => Expr::Outer { depth: 0, index: *index, data_type: *data_type },
        };
    }
    expr.children_mut().into_iter().for_each(|child| to_inner(child, left_width));
}

/// The two sides of an equality between the left and the right row, each over its own row; or the expression again.
fn equal_sides(expr: Expr, left_width: usize) -> Result<(Expr, Expr), Expr> {
    let Expr::Call { function, args, .. } = &expr else { return Err(expr) };
    let (Some(Comparison::Eq), [a, b]) = (function.comparison, args.as_slice()) else { return Err(expr) };
    if expr.is_volatile() || !hashable(a, b) {
        return Err(expr);
    }
    let is_left = |side: &Expr| reads_only(side, 0..left_width);
    let is_right = |side: &Expr| reads_only(side, left_width..usize::MAX);
    let (left, mut right) = if is_left(a) && is_right(b) {
        (a.clone(), b.clone())
    } else if is_left(b) && is_right(a) {
        (b.clone(), a.clone())
    } else {
        return Err(expr);
    };
    right.map_columns(&mut |index| index - left_width);
    Ok((left, right))
}

/// Whether equal values of both sides have equal hashes: integers of different widths do, as [`crate::exec::hash`] sees
/// to it; other pairs of types have been coerced to one.
fn hashable(a: &Expr, b: &Expr) -> bool {
    use heliosdb_storage::value::DataType::{Int2, Int4, Int8, Oid, Text, Varchar};
    let (a, b) = (a.data_type(), b.data_type());
    let integers = [Int2, Int4, Int8, Oid];
    let texts = [Text, Varchar];
    a == b || (integers.contains(&a) && integers.contains(&b)) || (texts.contains(&a) && texts.contains(&b))
}

/// The cost of what cannot be read before other relations have been.
const NOT_YET: u32 = u32::MAX;

/// Inner joins side by side.
struct Group {
    leaves: Vec<Leaf>,
    conditions: Vec<Expr>,
    width: usize,
}

/// A relation of a group.
struct Leaf {
    relation: Relation,
    /// Where its columns are in the group's row as it was written.
    first: usize,
    width: usize,
    /// Conditions on it alone, over its own row.
    local: Vec<Expr>,
    /// If it sees rows of relations to its left as its next outer row: where the first of those is in the group's row.
    lateral: Option<usize>,
}

impl Group {
    fn new(relation: Relation, conditions: Vec<Expr>) -> Self {
        let width = relation.width();
        let mut group = Self { leaves: Vec::new(), conditions, width };
        group.flatten(relation, 0);
        for leaf in &mut group.leaves {
            let range = leaf.first..leaf.first + leaf.width;
            leaf.local = take(&mut group.conditions, |expr| reads_only(expr, range.clone()));
            for expr in &mut leaf.local {
                expr.map_columns(&mut |index| index - leaf.first);
            }
        }
        group
    }

    fn flatten(&mut self, relation: Relation, first: usize) {
        match relation {
            Relation::Join { left, right, kind: JoinSide::Inner, mut on, lateral } => {
                on.iter_mut().for_each(|expr| expr.map_columns(&mut |index| index + first));
                self.conditions.append(&mut on);
                let left_width = left.width();
                self.flatten(*left, first);
                if lateral {
                    self.add_leaf(*right, first + left_width, Some(first));
                } else {
                    self.flatten(*right, first + left_width);
                }
            }
            relation => self.add_leaf(relation, first, None),
        }
    }

    fn add_leaf(&mut self, relation: Relation, first: usize, lateral: Option<usize>) {
        let width = relation.width();
        self.leaves.push(Leaf { relation, first, width, local: Vec::new(), lateral });
    }

    fn plan(mut self) -> Plan {
        let constant = take(&mut self.conditions, is_constant);
        let start = self.best_start();
        let leaf = self.leaves.remove(start);
        let mut placed = Placed::default();
        placed.add(&leaf);
        let mut plan = plan_relation(leaf.relation, leaf.local);
        while !self.leaves.is_empty() {
            let next = self.best_next(&placed);
            let mut leaf = self.leaves.remove(next);
            let left_width = placed.width;
            if let Some(first) = leaf.lateral {
                leaf.relation.map_columns_at(1, &mut |index| placed.position(index + first));
            }
            placed.add(&leaf);
            let mut on = take(&mut self.conditions, |expr| placed.has_all(expr));
            on.iter_mut().for_each(|expr| placed.map(expr));
            let mut local = leaf.local;
            local.iter_mut().for_each(|expr| expr.map_columns(&mut |index| index + left_width));
            let lateral = leaf.lateral.is_some();
            let side = Side { relation: leaf.relation, first: left_width, local, lateral };
            plan = join(plan, left_width, side, leaf.width, JoinKind::Inner, on);
        }
        // What reads no column but is not constant is judged last, row by row.
        let rest = std::mem::take(&mut self.conditions).into_iter().map(|mut expr| {
            placed.map(&mut expr);
            expr
        });
        plan = filtered(plan, rest.collect());
        if !placed.is_in_order() {
            plan = reordered(plan, (0..self.width).map(|index| placed.position(index)));
        }
        filtered(plan, constant)
    }

    fn best_start(&self) -> usize {
        let cost = |leaf: &Leaf| match &leaf.relation {
            _ if leaf.lateral.is_some() => NOT_YET,
            Relation::Table { table, .. } => {
                let cost = choose(table, &leaf.local).cost;
                // A filtered scan is a smaller start than an unfiltered one.
                if cost == COST_ALL && leaf.local.is_empty() { COST_ALL + 1 } else { cost }
            }
            _ => COST_ALL,
        };
        best(self.leaves.iter().map(cost))
    }

    fn best_next(&self, placed: &Placed) -> usize {
        const CONNECTED: u32 = COST_ALL + 1;
        const UNCONNECTED: u32 = COST_ALL + 2;
        let cost = |leaf: &Leaf| {
            if let Some(first) = leaf.lateral {
                let mut all = true;
                leaf.relation.columns_at(1, &mut |index| all &= placed.find(index + first).is_some());
                return if all { CONNECTED } else { NOT_YET };
            }
            let applicable: Vec<&Expr> = self.conditions.iter().filter(|expr| placed.has_all_but(expr, leaf)).collect();
            if applicable.is_empty() {
                return UNCONNECTED;
            }
            let Relation::Table { table, lock: None, .. } = &leaf.relation else { return CONNECTED };
            let mut conditions = leaf.local.clone();
            for expr in applicable.into_iter().filter(|expr| !expr.has_subquery()) {
                let mut inner = expr.clone();
                // Only the shape counts here: columns of other relations become outer ones.
                leaf_view(&mut inner, leaf);
                conditions.push(inner);
            }
            let choice = choose(table, &conditions);
            if choice.covered.iter().any(|at| *at >= leaf.local.len()) { choice.cost } else { CONNECTED }
        };
        best(self.leaves.iter().map(cost))
    }
}

fn leaf_view(expr: &mut Expr, leaf: &Leaf) {
    if let Expr::Column(index, data_type) = expr {
        *expr = match index.checked_sub(leaf.first).filter(|index| *index < leaf.width) {
            Some(index) => Expr::Column(index, *data_type),
            None => Expr::Outer { depth: 0, index: *index, data_type: *data_type },
        };
    }
    expr.children_mut().into_iter().for_each(|child| leaf_view(child, leaf));
}

fn best(costs: impl Iterator<Item = u32>) -> usize {
    costs.enumerate().min_by_key(|(at, cost)| (*cost, *at)).map_or(0, |(at, _)| at)
}

/// Which leaves have been joined, and where their columns are now.
#[derive(Default)]
struct Placed {
    /// (first column as written, width, first column now)
    runs: Vec<(usize, usize, usize)>,
    width: usize,
}

impl Placed {
    fn add(&mut self, leaf: &Leaf) {
        self.runs.push((leaf.first, leaf.width, self.width));
        self.width += leaf.width;
    }

    fn find(&self, index: usize) -> Option<usize> {
        self.runs.iter().find_map(|(first, width, now)| {
            index.checked_sub(*first).filter(|offset| offset < width).map(|offset| now + offset)
        })
    }

    fn position(&self, index: usize) -> usize {
        self.find(index).expect("BUG: all relations of the group have been joined")
    }

    /// Whether a condition reads columns, and only joined ones.
    fn has_all(&self, expr: &Expr) -> bool {
        let (mut any, mut all) = (false, true);
        expr.for_each_column(&mut |index| {
            any = true;
            all &= self.find(index).is_some();
        });
        any && all
    }

    /// Whether a condition could be judged once the leaf is joined too, and reads it.
    fn has_all_but(&self, expr: &Expr, leaf: &Leaf) -> bool {
        let (mut reads_leaf, mut all) = (false, true);
        expr.for_each_column(&mut |index| {
            if (leaf.first..leaf.first + leaf.width).contains(&index) {
                reads_leaf = true;
            } else {
                all &= self.find(index).is_some();
            }
        });
        reads_leaf && all
    }

    fn map(&self, expr: &mut Expr) {
        expr.map_columns(&mut |index| self.position(index));
    }

    fn is_in_order(&self) -> bool {
        self.runs.iter().all(|(first, _, now)| first == now)
    }
}
