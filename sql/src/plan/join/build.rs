//! From the chosen path to the plan: columns get their places in rows.
//!
//! A row on the way holds only what is needed further up. An expression finds its columns in the row of its operator, or,
//! inside the inner side of a nested loop that is run anew per outer row, in the rows of the outer sides around: those are
//! the *stack*, outermost first.

use std::sync::Arc;

use heliosdb_storage::row::Selection;
use heliosdb_storage::transaction::EntryColumns;

use super::path::{OrderKey, Path, PathKind};
use super::problem::Source;
use super::search::Search;
use crate::expr::Expr;
use crate::plan::access::paths::TablePath;
use crate::plan::refs::rewrite;
use crate::plan::{Access, Estimate, HashJoin, JoinKind, JoinOutput, MergeJoin, NestedLoop, Plan, Scan, SortKey};

/// The numbers of the columns of a row.
type Layout = Vec<usize>;

/// The conditions of a join: what decides about partners, what decides about joined rows, by their positions.
#[derive(Clone, Copy)]
struct Conditions<'p> {
    on: &'p [usize],
    filter: &'p [usize],
}

impl Search<'_, '_> {
    /// The plan of a path. Its rows have the wanted columns in their order.
    pub fn build(&self, path: &Path, wanted: &[usize]) -> Plan {
        self.node(path, wanted, &mut Vec::new())
    }

    fn node(&self, path: &Path, wanted: &[usize], stack: &mut Vec<Layout>) -> Plan {
        let plan = match &path.kind {
            PathKind::Table { leaf, path: table, backward, clauses } => {
                self.scan(*leaf, table, *backward, clauses, wanted, stack)
            }
            PathKind::Leaf { leaf, clauses } => self.other(*leaf, clauses, wanted, stack),
            PathKind::Nested { outer, inner, join, on, filter, single } => {
                self.nested(outer, inner, (*join, *single), Conditions { on, filter }, wanted, stack)
            }
            PathKind::Hash { outer, inner, join, keys, on, filter } => {
                self.hash(outer, inner, (*join, keys), Conditions { on, filter }, wanted, stack)
            }
            PathKind::Merge { outer, inner, join, keys, order, sort_outer, sort_inner, on, filter } => {
                let sides = (outer.as_ref(), inner.as_ref(), *sort_outer, *sort_inner);
                self.merge(sides, (*join, keys, order), Conditions { on, filter }, wanted, stack)
            }
            PathKind::Unique { input, on } => {
                let columns: Layout = on.iter().filter_map(column_number).collect();
                let distinct = Plan::Distinct { input: Box::new(self.node(input, &columns, stack)) };
                picked(distinct, &columns, wanted)
            }
        };
        self.estimated(plan, path, wanted.len())
    }

    fn estimated(&self, plan: Plan, path: &Path, width: usize) -> Plan {
        if !self.problem.ctx.keeps_estimates {
            return plan;
        }
        let bytes = 8.0 * f64::from(u32::try_from(width).unwrap_or(u32::MAX));
        let estimate = Estimate { node: 0, startup: path.startup, total: path.total, rows: path.rows, bytes };
        Plan::Estimated { input: Box::new(plan), estimate }
    }

    /// An expression as an operator over rows of a layout sees it.
    fn placed(&self, expr: &Expr, layout: &[usize], stack: &[Layout]) -> Expr {
        let mut expr = expr.clone();
        place(&mut expr, layout, stack);
        expr
    }

    fn all_placed(&self, clauses: &[usize], layout: &[usize], stack: &[Layout]) -> Option<Expr> {
        Expr::all_of(clauses.iter().map(|at| self.placed(&self.problem.clause(*at).expr, layout, stack)).collect())
    }

    fn scan(
        &self,
        at: usize,
        path: &TablePath,
        backward: bool,
        clauses: &[usize],
        wanted: &[usize],
        stack: &[Layout],
    ) -> Plan {
        let leaf = self.problem.leaf(at);
        let Source::Table { table, .. } = &leaf.source else {
            return Plan::OneRow;
        };
        let judged: Vec<usize> = clauses
            .iter()
            .enumerate()
            .filter(|(position, _)| !path.covered.contains(position))
            .map(|(_, clause)| *clause)
            .collect();
        let mut columns: Layout = wanted.to_vec();
        let width = columns.len();
        for clause in &judged {
            self.problem.clause(*clause).expr.for_each_column(&mut |column| {
                let is_own = (leaf.first..leaf.first + leaf.width).contains(&column);
                if is_own && !columns.contains(&column) {
                    columns.push(column);
                }
            });
        }
        let filter = self.all_placed(&judged, &columns, stack);
        let mut access = path.access.clone();
        access.exprs_mut().into_iter().for_each(|expr| place(expr, &[], stack));
        let slots: Vec<usize> = columns.iter().map(|column| column - leaf.first).collect();
        let entry = match &mut access {
            Access::Index { index, only, .. } if *only => {
                let entry = table.indexes.get(*index).and_then(|index| EntryColumns::new(table, index, &slots));
                *only = entry.is_some();
                entry
            }
            Access::Index { only, .. } => {
                *only = false;
                None
            }
            _ => None,
        };
        let scan = Scan {
            table: Arc::clone(table),
            name: Arc::clone(&leaf.name),
            access,
            columns: Selection::new(table, slots),
            entry,
            filter,
            width,
            backward,
        };
        Plan::Scan(Box::new(scan))
    }

    fn other(&self, at: usize, clauses: &[usize], wanted: &[usize], stack: &[Layout]) -> Plan {
        let leaf = self.problem.leaf(at);
        let Source::Plan { plan, .. } = &leaf.source else { return Plan::OneRow };
        let mut plan = plan.clone();
        let have: Layout = (leaf.first..leaf.first + leaf.width).collect();
        if leaf.lateral.is_empty() {
            if !stack.is_empty() {
                plan.for_each_expr_mut(0, &mut |expr, level| expr.shift_outer(level, depth(stack.len())));
            }
        } else {
            // Its next outer row is that of the problem, which is now those on the stack.
            plan.for_each_expr_mut(1, &mut |expr, level| place_inside(expr, (level, 1), &[], stack));
        }
        if let Some(predicate) = self.all_placed(clauses, &have, stack) {
            plan = match plan {
                Plan::System { relation, filter: None, name } => {
                    Plan::System { relation, filter: Some(predicate), name }
                }
                plan => Plan::Filter { input: Box::new(plan), predicate },
            };
        }
        picked(plan, &have, wanted)
    }

    /// The columns that the sides of a join must give: those that are wanted above, those that its conditions read, and
    /// those that the inner side reads of the outer row.
    fn sides(&self, outer: &Path, inner: &Path, clauses: &[&[usize]], wanted: &[usize]) -> (Layout, Layout) {
        let (mut left, mut right) = (Layout::new(), Layout::new());
        let mut add = |column: usize| {
            let Some(leaf) = self.problem.leaf_of(column) else { return };
            let side = if outer.relations.has(leaf) {
                &mut left
            } else if inner.relations.has(leaf) {
                &mut right
            } else {
                return;
            };
            if !side.contains(&column) {
                side.push(column);
            }
        };
        wanted.iter().for_each(|column| add(*column));
        for clause in clauses.iter().copied().flatten() {
            self.problem.clause(*clause).expr.for_each_column(&mut add);
        }
        if inner.requires.overlaps(outer.relations) {
            self.columns_outside(inner, &mut |column| {
                if self.problem.leaf_of(column).is_some_and(|leaf| outer.relations.has(leaf)) {
                    add(column);
                }
            });
        }
        (left, right)
    }

    /// Calls the function on the columns of the problem that a path reads in conditions and keys; those of other relations
    /// are among them.
    fn columns_outside(&self, path: &Path, visit: &mut dyn FnMut(usize)) {
        match &path.kind {
            PathKind::Table { clauses, .. } => {
                clauses.iter().for_each(|at| self.problem.clause(*at).expr.for_each_column(visit));
            }
            PathKind::Leaf { leaf, .. } => self.problem.leaf(*leaf).source.columns_outside(visit),
            PathKind::Nested { outer, inner, .. }
            | PathKind::Hash { outer, inner, .. }
            | PathKind::Merge { outer, inner, .. } => {
                self.columns_outside(outer, visit);
                self.columns_outside(inner, visit);
            }
            PathKind::Unique { input, .. } => self.columns_outside(input, visit),
        }
    }

    fn output(
        &self,
        (left, right): (&[usize], &[usize]),
        kind: JoinKind,
        filter: &[usize],
        wanted: &[usize],
        stack: &[Layout],
    ) -> (JoinOutput, Layout) {
        let pair: Layout = left.iter().chain(right).copied().collect();
        let filter = self.all_placed(filter, &pair, stack);
        let have = if kind.is_half() { left } else { &pair };
        let columns = (have != wanted).then(|| {
            wanted
                .iter()
                .map(|column| have.iter().position(|known| known == column).expect("BUG: a wanted column is missing"))
                .collect()
        });
        (JoinOutput { filter, columns, left_width: left.len(), right_width: right.len() }, pair)
    }

    fn nested(
        &self,
        outer: &Path,
        inner: &Path,
        (kind, single): (JoinKind, bool),
        conditions: Conditions<'_>,
        wanted: &[usize],
        stack: &mut Vec<Layout>,
    ) -> Plan {
        let (left, right) = self.sides(outer, inner, &[conditions.on, conditions.filter], wanted);
        let (output, pair) = self.output((&left, &right), kind, conditions.filter, wanted, stack);
        let on = self.all_placed(conditions.on, &pair, stack);
        let left_plan = self.node(outer, &left, stack);
        let lateral = inner.requires.overlaps(outer.relations);
        let right_plan = if lateral {
            stack.push(left);
            let plan = self.node(inner, &right, stack);
            stack.pop();
            plan
        } else {
            self.node(inner, &right, stack)
        };
        Plan::NestedLoop(Box::new(NestedLoop { left: left_plan, right: right_plan, lateral, kind, on, single, output }))
    }

    /// The keys of the two sides.
    fn keys(
        &self,
        (outer, inner): (&Path, &Path),
        keys: &[usize],
        (left, right): (&[usize], &[usize]),
        stack: &[Layout],
    ) -> (Vec<Expr>, Vec<Expr>) {
        let sides = keys.iter().filter_map(|key| {
            let equality = self.problem.clause(*key).equality.as_ref()?;
            equality.across(outer.relations, inner.relations)
        });
        sides.map(|(a, b)| (self.placed(a, left, stack), self.placed(b, right, stack))).unzip()
    }

    fn hash(
        &self,
        outer: &Path,
        inner: &Path,
        (kind, keys): (JoinKind, &[usize]),
        conditions: Conditions<'_>,
        wanted: &[usize],
        stack: &mut Vec<Layout>,
    ) -> Plan {
        let (left, right) = self.sides(outer, inner, &[keys, conditions.on, conditions.filter], wanted);
        let (output, pair) = self.output((&left, &right), kind, conditions.filter, wanted, stack);
        let (left_keys, right_keys) = self.keys((outer, inner), keys, (&left, &right), stack);
        let on = self.all_placed(conditions.on, &pair, stack);
        let left = self.node(outer, &left, stack);
        let right = self.node(inner, &right, stack);
        Plan::HashJoin(Box::new(HashJoin { left, right, kind, left_keys, right_keys, on, output }))
    }

    fn merge(
        &self,
        (outer, inner, sort_outer, sort_inner): (&Path, &Path, bool, bool),
        (kind, keys, order): (JoinKind, &[usize], &[OrderKey]),
        conditions: Conditions<'_>,
        wanted: &[usize],
        stack: &mut Vec<Layout>,
    ) -> Plan {
        let (left, right) = self.sides(outer, inner, &[keys, conditions.on, conditions.filter], wanted);
        let (output, pair) = self.output((&left, &right), kind, conditions.filter, wanted, stack);
        let (left_keys, right_keys) = self.keys((outer, inner), keys, (&left, &right), stack);
        let on = self.all_placed(conditions.on, &pair, stack);
        let sort_keys = |keys: &[Expr]| -> Vec<SortKey> {
            (keys.iter().zip(order))
                .map(|(expr, order)| SortKey {
                    expr: expr.clone(),
                    descending: order.descending,
                    nulls_first: order.nulls_first,
                })
                .collect()
        };
        let left_order = sort_keys(&left_keys);
        let side = |path: &Path, columns: &[usize], sort: bool, keys: Vec<SortKey>, stack: &mut Vec<Layout>| {
            let plan = self.node(path, columns, stack);
            if sort { Plan::Sort { input: Box::new(plan), keys, bound: None } } else { plan }
        };
        let right_order = sort_keys(&right_keys);
        let left = side(outer, &left, sort_outer, left_order.clone(), stack);
        let right = side(inner, &right, sort_inner, right_order, stack);
        Plan::MergeJoin(Box::new(MergeJoin { left, right, kind, left_keys: left_order, right_keys, on, output }))
    }
}

/// The number of a plain column.
fn column_number(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Column(column, _) => Some(*column),
        _ => None,
    }
}

/// Puts the columns of an expression where they are: in a row of the layout, or in a row on the stack.
fn place(expr: &mut Expr, layout: &[usize], stack: &[Layout]) {
    place_inside(expr, (0, 0), layout, stack);
}

/// The same for an expression at a level that begins with `base`: that of the problem's row around a relation.
fn place_inside(expr: &mut Expr, (level, base): (usize, usize), layout: &[usize], stack: &[Layout]) {
    rewrite(expr, level, &mut |reference, level| {
        let data_type = reference.data_type();
        let own = match reference {
            Expr::Column(column, _) if level == 0 => Some(*column),
            Expr::Outer { depth, index, .. } if *depth + 1 == level => Some(*index),
            Expr::Outer { depth, .. } if *depth >= level => {
                // Rows around the query are further out by the rows on the stack.
                *depth = *depth + stack.len() - base;
                return;
            }
            _ => return,
        };
        let Some(column) = own else { return };
        if let Some(at) = layout.iter().position(|known| *known == column) {
            *reference = match level.checked_sub(1) {
                None => Expr::Column(at, data_type),
                Some(depth) => Expr::Outer { depth, index: at, data_type },
            };
            return;
        }
        let found = stack
            .iter()
            .rev()
            .enumerate()
            .find_map(|(up, layout)| layout.iter().position(|known| *known == column).map(|at| (up, at)));
        let (up, index) = found.expect("BUG: a column that no row around has");
        *reference = Expr::Outer { depth: level + up - base, index, data_type };
    });
}

/// The rows of a plan with other columns, or in another order.
pub(super) fn picked(plan: Plan, have: &[usize], wanted: &[usize]) -> Plan {
    if have == wanted {
        return plan;
    }
    let position =
        |column: &usize| have.iter().position(|known| known == column).expect("BUG: a wanted column is missing");
    // The type of a column that is only moved does not matter to the evaluator.
    let exprs = wanted
        .iter()
        .map(|column| Expr::Column(position(column), heliosdb_storage::value::DataType::Unknown))
        .collect();
    Plan::Project { input: Box::new(plan), exprs }
}

fn depth(rows: usize) -> isize {
    isize::try_from(rows).expect("BUG: the stack of rows is bounded by the depth of queries")
}
