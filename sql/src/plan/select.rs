//! SELECT: which way through FROM suits what comes after it, and what comes after it.

use std::rc::Rc;

use heliosdb_storage::value::{DataType, Value};

use super::context::PlannerContext;
use super::join::{JoinRel, Orders, Path, Problem, Search};
use super::node::Planned;
use super::planner::finish;
use super::{LockRows, Plan, RowLimit, RowMark, SortKey, TableCall, cost};
use crate::bind::tree::{Distinct, Grouping, JoinSide, Relation, Select, Window};
use crate::bind::window::sort_keys;
use crate::expr::Expr;

/// The part of the rows that HAVING is taken to leave.
const HAVING_PART: f64 = 1.0 / 3.0;

/// How many rows a set-returning function of the select list is taken to give for each row.
const ASSUMED_SET_ROWS: f64 = 1_000.0;

/// The part of the rows that a LIMIT is taken to want whose number is not known, as PostgreSQL has it.
const UNKNOWN_LIMIT_PART: f64 = 0.1;

/// A number of things, for estimates.
pub(super) fn row_count(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// How many rows a slice wants of the beginning, LIMIT and OFFSET together; none if that is not known or all.
pub(super) fn limit_rows(limit: &RowLimit, ctx: PlannerContext<'_>) -> Option<f64> {
    let wanted = number(limit.limit.as_ref()?, ctx)?;
    Some(wanted + offset_rows(limit, ctx).unwrap_or(0.0))
}

/// How many rows a slice leaves out.
pub(super) fn offset_rows(limit: &RowLimit, ctx: PlannerContext<'_>) -> Option<f64> {
    number(limit.offset.as_ref()?, ctx)
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn number(expr: &Expr, ctx: PlannerContext<'_>) -> Option<f64> {
    match expr {
        Expr::Literal(Value::Int8(n), _) => Some(n.max(&0).to_owned() as f64),
        Expr::Parameter(index, _) => match ctx.params.get(*index) {
            Some(Value::Int8(n)) => Some(n.max(&0).to_owned() as f64),
            _ => None,
        },
        _ => None,
    }
}

/// Plans a SELECT with its order and slice. Its rows have the first `keep` of its columns.
pub(super) fn plan_select(
    mut select: Select,
    order: Vec<SortKey>,
    limit: Option<RowLimit>,
    keep: usize,
    ctx: PlannerContext<'_>,
) -> Planned {
    push_having(&mut select);
    let Select { from, filter, mut grouping, having, mut windows, mut sets, mut targets, distinct, locks } = select;
    let locking = Locking::new(locks, &from, &filter, &mut targets);
    // Results of windows and set-returning functions over FROM are columns behind its own.
    let window_calls: usize = windows.iter().map(|window| window.calls.len()).sum();
    let later = window_calls + sets.iter().map(Vec::len).sum::<usize>();
    let first_call = grouping.as_ref().map_or(from.width(), Grouping::width);
    let mut problem = Problem::new(from, filter, later, ctx);
    match &mut grouping {
        Some(grouping) => {
            problem.resolve_all(&mut grouping.groups);
            problem.resolve_all(grouping.calls.iter_mut().flat_map(super::AggregateCall::exprs_mut));
        }
        None => {
            problem.resolve_all(&mut targets);
            problem.resolve_all(windows.iter_mut().flat_map(Window::exprs_mut));
            problem.resolve_all(sets.iter_mut().flatten().flat_map(TableCall::exprs_mut));
        }
    }
    let calls = first_call..first_call + later;
    let of_from = |targets: &[Expr]| {
        let later = windows.iter().flat_map(Window::exprs).chain(sets.iter().flatten().flat_map(TableCall::exprs));
        let mut columns = columns_of(targets.iter().chain(later));
        columns.retain(|column| !calls.contains(column));
        columns
    };
    let needed = match &grouping {
        Some(grouping) => columns_of(grouping.groups.iter().chain(grouping.calls.iter().flat_map(|call| call.exprs()))),
        None => of_from(&targets),
    };
    problem.finish(&needed);
    let orders = Orders::default();
    let search = Search { problem: &problem, orders: &orders, needed: &needed };
    let rel = search.run();
    let after =
        After { grouping: grouping.as_ref(), windows: &windows, targets: &targets, distinct: &distinct, order: &order };
    let choice = Choice::best(&search, &rel, &after, limit.as_ref(), ctx);
    if choice.is_sorted && distinct == Distinct::No && grouping.is_none() && locking.is_none() {
        // What only the order needed is not needed any more.
        targets.truncate(keep);
    }
    let wanted = if grouping.is_some() { needed.clone() } else { of_from(&targets) };
    let mut planned = Planned::of_path(&search, &choice.path, &wanted, rel.row_bytes(), ctx);
    planned = planned.with_constant(search.constant(), ctx);
    let total = targets.len();
    planned = match grouping {
        None => {
            let mut layout = wanted;
            let sorted = choice.window_order.clone();
            let planned = windowed(planned, windows, &mut layout, first_call, sorted, ctx);
            let planned = set_returning(planned, sets, &mut layout, first_call + window_calls, ctx);
            planned.projected(targets, &layout, ctx)
        }
        Some(grouping) => {
            let width = grouping.width();
            let mut planned = aggregated(planned, grouping, &wanted, &choice, &search, ctx);
            if let Some(predicate) = Expr::all_of(having) {
                planned = planned.filtered(predicate, HAVING_PART, ctx);
            }
            let mut layout: Vec<usize> = (0..width).collect();
            let planned = windowed(planned, windows, &mut layout, first_call, Vec::new(), ctx);
            let planned = set_returning(planned, sets, &mut layout, first_call + window_calls, ctx);
            planned.projected(targets, &layout, ctx)
        }
    };
    let order = if choice.is_sorted { Vec::new() } else { order };
    planned = match distinct {
        Distinct::No => match locking {
            None => finish(planned, order, limit, ctx),
            Some(locking) => {
                let sorted = if order.is_empty() { planned } else { planned.sorted(order, None, ctx) };
                finish(sorted.map(|input| locking.plan(input)), Vec::new(), limit, ctx)
            }
        },
        Distinct::Rows => {
            let groups = choice.distinct_rows;
            finish(planned.distinct(groups, ctx), order, limit, ctx)
        }
        Distinct::On(columns) => {
            let sorted = planned.sorted(order, None, ctx);
            let unique = sorted.map(|input| Plan::Unique { input: Box::new(input), columns });
            finish(unique, Vec::new(), limit, ctx)
        }
    };
    if total > keep {
        planned = planned.map(|input| Plan::Truncate { input: Box::new(input), width: keep });
    }
    planned
}

/// FOR UPDATE: what is done with the rows once they are sorted.
struct Locking {
    base: usize,
    marks: Vec<RowMark>,
    filter: Option<Expr>,
    targets: Vec<Expr>,
}

impl Locking {
    /// Adds the row of FROM to the select list, if rows are locked.
    fn new(marks: Vec<RowMark>, from: &Relation, filter: &[Expr], targets: &mut Vec<Expr>) -> Option<Self> {
        if marks.is_empty() {
            return None;
        }
        let base = targets.len();
        let mut conditions = filter.to_vec();
        inner_conditions(from, 0, &mut conditions);
        let mut filter = Expr::all_of(conditions);
        let mut again = targets.clone();
        again.iter_mut().chain(&mut filter).for_each(|expr| expr.map_columns(&mut |column| column + base));
        targets.extend((0..from.width()).map(|at| Expr::Column(at, DataType::Unknown)));
        Some(Self { base, marks, filter, targets: again })
    }

    fn plan(self, input: Plan) -> Plan {
        let Self { base, marks, filter, targets } = self;
        Plan::LockRows(Box::new(LockRows { input, base, marks, filter, targets }))
    }
}

/// The conditions of inner joins, over the row of FROM; `first` is where the relation's columns begin in it.
fn inner_conditions(relation: &Relation, first: usize, out: &mut Vec<Expr>) {
    let Relation::Join { left, right, kind, on, lateral } = relation else { return };
    if *kind == JoinSide::Inner {
        out.extend(on.iter().cloned().map(|mut condition| {
            condition.map_columns(&mut |column| column + first);
            condition
        }));
    }
    if matches!(kind, JoinSide::Inner | JoinSide::Left) {
        inner_conditions(left, first, out);
    }
    // What is inside of a lateral side sees another row.
    if !lateral && matches!(kind, JoinSide::Inner | JoinSide::Right) {
        inner_conditions(right, first + left.width(), out);
    }
}

/// Windows over rows whose columns are those of a layout; each adds its results to it. `sorted` is the order that the rows
/// have already.
fn windowed(
    mut planned: Planned,
    windows: Vec<Window>,
    layout: &mut Vec<usize>,
    first_call: usize,
    mut sorted: Vec<SortKey>,
    ctx: PlannerContext<'_>,
) -> Planned {
    let mut next = first_call;
    for mut window in windows {
        let keys = sort_keys(&window.partition, &window.order);
        let is_sorted = keys.len() <= sorted.len() && keys.iter().zip(&sorted).all(|(a, b)| a.same(b));
        let place = |column: usize| {
            layout.iter().position(|known| *known == column).expect("BUG: a column that the row does not have")
        };
        if !is_sorted {
            let mut placed = keys.clone();
            placed.iter_mut().for_each(|key| key.expr.map_columns(&mut |column| place(column)));
            planned = planned.sorted(placed, None, ctx);
            sorted = keys;
        }
        window.exprs_mut().for_each(|expr| expr.map_columns(&mut |column| place(column)));
        let Window { partition, order, calls } = window;
        let count = row_count(calls.len());
        layout.extend((next..).take(calls.len()));
        next += calls.len();
        let (rows, bytes, startup) = (planned.rows, planned.bytes + 8.0 * count, planned.startup);
        let total = planned.total + rows * ctx.settings.cpu_operator_cost * (count + row_count(partition.len()));
        let plan = Plan::Window(Box::new(super::WindowPlan { input: planned.plan, partition, order, calls }));
        planned = Planned::new(plan, rows, bytes, (startup, total), ctx);
    }
    planned
}

/// Set-returning functions over rows whose columns are those of a layout; each adds its results to it.
fn set_returning(
    mut planned: Planned,
    sets: Vec<Vec<TableCall>>,
    layout: &mut Vec<usize>,
    mut next: usize,
    ctx: PlannerContext<'_>,
) -> Planned {
    for mut calls in sets {
        calls.iter_mut().flat_map(TableCall::exprs_mut).for_each(|expr| {
            expr.map_columns(&mut |column| {
                layout.iter().position(|known| *known == column).expect("BUG: a column that the row does not have")
            });
        });
        layout.extend((next..).take(calls.len()));
        next += calls.len();
        let rows = planned.rows * ASSUMED_SET_ROWS;
        let costs = (planned.startup, planned.total + rows * ctx.settings.cpu_tuple_cost);
        let bytes = planned.bytes + 8.0 * row_count(calls.len());
        planned = Planned::new(Plan::ProjectSet { input: Box::new(planned.plan), calls }, rows, bytes, costs, ctx);
    }
    planned
}

/// Conditions of HAVING that read nothing but what is grouped by are judged before grouping.
fn push_having(select: &mut Select) {
    let Some(grouping) = &select.grouping else { return };
    let groups = &grouping.groups;
    let is_plain = matches!(grouping.sets.as_slice(), [set] if set.len() == groups.len() && !groups.is_empty());
    if !is_plain {
        return;
    }
    let mut kept = Vec::new();
    for mut condition in std::mem::take(&mut select.having) {
        let mut of_groups = !condition.is_volatile();
        condition.for_each_column(&mut |column| of_groups &= column < groups.len());
        if of_groups {
            super::refs::substitute(&mut condition, &|column| groups.get(column).cloned());
            condition.into_conjuncts(&mut select.filter);
        } else {
            kept.push(condition);
        }
    }
    select.having = kept;
}

/// The columns that expressions read, plain ones first come.
fn columns_of<'e>(exprs: impl IntoIterator<Item = &'e Expr>) -> Vec<usize> {
    let mut columns = Vec::new();
    for expr in exprs {
        expr.for_each_column(&mut |column| {
            if !columns.contains(&column) {
                columns.push(column);
            }
        });
    }
    columns
}

/// What comes after FROM and WHERE.
struct After<'a> {
    grouping: Option<&'a Grouping>,
    windows: &'a [Window],
    targets: &'a [Expr],
    distinct: &'a Distinct,
    order: &'a [SortKey],
}

/// A way through FROM and how the rest goes on from there.
struct Choice {
    path: Rc<Path>,
    /// Whether groups come one after the other, perhaps after a sort.
    grouping: GroupBy,
    /// Whether the rows come in the order that is asked for.
    is_sorted: bool,
    /// The order that the rows have for the first window.
    window_order: Vec<SortKey>,
    distinct_rows: f64,
    cost: f64,
}

/// How groups are made.
#[derive(Clone, Debug)]
enum GroupBy {
    /// By a hash table.
    Hash,
    /// As their rows come.
    InOrder,
    /// After a sort by these keys.
    Sort(Vec<SortKey>),
}

impl Choice {
    fn best(
        search: &Search<'_, '_>,
        rel: &JoinRel,
        after: &After<'_>,
        limit: Option<&RowLimit>,
        ctx: PlannerContext<'_>,
    ) -> Self {
        let mut best: Option<Self> = None;
        let wanted_rows = limit.map(|limit| limit_rows(limit, ctx));
        for path in rel.candidates() {
            for choice in after.from(search, rel, path, wanted_rows, ctx) {
                if best.as_ref().is_none_or(|best| choice.cost < best.cost) {
                    best = Some(choice);
                }
            }
        }
        best.expect("BUG: a join problem without a plan")
    }
}

impl After<'_> {
    /// The ways to go on from a path.
    fn from(
        &self,
        search: &Search<'_, '_>,
        rel: &JoinRel,
        path: &Rc<Path>,
        wanted_rows: Option<Option<f64>>,
        ctx: PlannerContext<'_>,
    ) -> Vec<Choice> {
        match self.grouping {
            None => vec![self.ungrouped(search, rel, path, wanted_rows, ctx)],
            Some(grouping) => self.grouped(search, rel, path, grouping, ctx),
        }
    }

    /// The order over the problem's columns; none if it is over something else.
    fn order_over(&self, expr_of: &dyn Fn(&Expr) -> Option<Expr>) -> Option<Vec<SortKey>> {
        let key = |key: &SortKey| {
            let Expr::Column(at, _) = key.expr else { return None };
            let expr = expr_of(self.targets.get(at)?)?;
            Some(SortKey { expr, descending: key.descending, nulls_first: key.nulls_first })
        };
        self.order.iter().map(key).collect()
    }

    fn ungrouped(
        &self,
        search: &Search<'_, '_>,
        rel: &JoinRel,
        path: &Rc<Path>,
        wanted_rows: Option<Option<f64>>,
        ctx: PlannerContext<'_>,
    ) -> Choice {
        if let Some(window) = self.windows.first() {
            return self.windowed(search, rel, path, window, ctx);
        }
        let keys = self.order_over(&|target| (!target.is_volatile()).then(|| target.clone()));
        // A locked row's newest version may sort elsewhere than the version that was found; in PostgreSQL too.
        let is_sorted = !self.order.is_empty() && keys.is_some_and(|keys| path.has_order(&search.wanted_order(&keys)));
        let rows = path.row_count();
        let distinct_rows = match self.distinct {
            Distinct::Rows => search.group_count(self.targets, rows),
            _ => rows,
        };
        let (startup, total) = path.costs();
        let cost = if is_sorted || self.order.is_empty() {
            let part = match wanted_rows {
                None => 1.0,
                Some(None) => UNKNOWN_LIMIT_PART,
                Some(Some(wanted)) => (wanted / distinct_rows.max(1.0)).clamp(0.0, 1.0),
            };
            startup + (total - startup) * part
        } else {
            let sorting = match wanted_rows {
                Some(Some(wanted)) => cost::sort_bounded(distinct_rows, wanted, rel.row_bytes(), ctx.settings),
                _ => cost::sort(distinct_rows, rel.row_bytes(), ctx.settings),
            };
            total + sorting
        };
        Choice {
            path: Rc::clone(path),
            grouping: GroupBy::Hash,
            is_sorted,
            window_order: Vec::new(),
            distinct_rows,
            cost,
        }
    }

    /// Rows that come in the order of the first window need not be sorted for it.
    fn windowed(
        &self,
        search: &Search<'_, '_>,
        rel: &JoinRel,
        path: &Rc<Path>,
        window: &Window,
        ctx: PlannerContext<'_>,
    ) -> Choice {
        let keys = sort_keys(&window.partition, &window.order);
        let rows = path.row_count();
        let (_, total) = path.costs();
        let is_ordered = path.has_order(&search.wanted_order(&keys));
        let cost = if is_ordered { total } else { total + cost::sort(rows, rel.row_bytes(), ctx.settings) };
        Choice {
            path: Rc::clone(path),
            grouping: GroupBy::Hash,
            is_sorted: false,
            window_order: if is_ordered { keys } else { Vec::new() },
            distinct_rows: rows,
            cost,
        }
    }

    fn grouped(
        &self,
        search: &Search<'_, '_>,
        rel: &JoinRel,
        path: &Rc<Path>,
        grouping: &Grouping,
        ctx: PlannerContext<'_>,
    ) -> Vec<Choice> {
        let settings = ctx.settings;
        let rows = path.row_count();
        let groups = search.group_count(&grouping.groups, rows);
        let (_, total) = path.costs();
        let bytes = rel.row_bytes();
        let distinct_rows = if grouping.groups.is_empty() { 1.0 } else { groups };
        let is_one_set = matches!(grouping.sets.as_slice(), [set] if set.len() == grouping.groups.len());
        let order = self.order_over(&|target| match target {
            Expr::Column(at, _) => grouping.groups.get(*at).cloned(),
            _ => None,
        });
        let order = order.filter(|_| *self.distinct == Distinct::No);
        let sort_after = |is_sorted: bool| {
            if is_sorted || self.order.is_empty() { 0.0 } else { cost::sort(groups, bytes, settings) }
        };
        let hashing = cost::hash_group(rows, groups, bytes, grouping.groups.len(), settings);
        let disabled = if settings.methods.hashagg { 0.0 } else { super::access::paths::DISABLED_COST };
        let choice = |grouping: GroupBy, is_sorted: bool, cost: f64| Choice {
            path: Rc::clone(path),
            grouping,
            is_sorted: is_sorted && !self.order.is_empty() && self.windows.is_empty(),
            window_order: Vec::new(),
            distinct_rows,
            cost: cost + sort_after(is_sorted),
        };
        let mut choices = Vec::new();
        if is_one_set && grouping.groups.is_empty() {
            choices.push(choice(GroupBy::InOrder, false, total));
            return choices;
        }
        choices.push(choice(GroupBy::Hash, false, total + hashing + disabled));
        if !is_one_set {
            return choices;
        }
        let numbers = search.numbers(&grouping.groups);
        let comparing = rows * settings.cpu_operator_cost * row_count(numbers.len().max(1));
        let wanted = order.as_ref().map(|keys| search.wanted_order(keys));
        if path.is_grouped(&numbers) {
            let is_sorted = wanted.as_ref().is_some_and(|wanted| path.has_order(wanted));
            choices.push(choice(GroupBy::InOrder, is_sorted, total + comparing));
        } else {
            let (keys, is_sorted) = group_keys(&grouping.groups, order);
            let sorting = cost::sort(rows, bytes, settings);
            choices.push(choice(GroupBy::Sort(keys), is_sorted, total + sorting + comparing));
        }
        choices
    }
}

/// By what rows are sorted so that groups stand together: by the order that is asked for, and what else is grouped by.
fn group_keys(groups: &[Expr], order: Option<Vec<SortKey>>) -> (Vec<SortKey>, bool) {
    let is_sorted = order.is_some();
    let mut keys = order.unwrap_or_default();
    for group in groups {
        if !keys.iter().any(|key| key.expr.same(group)) {
            keys.push(SortKey { expr: group.clone(), descending: false, nulls_first: false });
        }
    }
    (keys, is_sorted)
}

fn aggregated(
    planned: Planned,
    grouping: Grouping,
    layout: &[usize],
    choice: &Choice,
    search: &Search<'_, '_>,
    ctx: PlannerContext<'_>,
) -> Planned {
    let Grouping { mut groups, sets, mut calls, masks } = grouping;
    let rows = planned.rows;
    let count = search.group_count(&groups, rows);
    let count = if groups.is_empty() { 1.0 } else { count } * row_count(sets.len().max(1));
    let place = |column: usize| {
        layout.iter().position(|known| *known == column).expect("BUG: a column that the row does not have")
    };
    let mut planned = planned;
    if let GroupBy::Sort(keys) = &choice.grouping {
        let mut keys = keys.clone();
        keys.iter_mut().for_each(|key| key.expr.map_columns(&mut |column| place(column)));
        planned = planned.sorted(keys, None, ctx);
    }
    groups
        .iter_mut()
        .chain(calls.iter_mut().flat_map(super::AggregateCall::exprs_mut))
        .for_each(|expr| expr.map_columns(&mut |column| place(column)));
    let sorted = !matches!(choice.grouping, GroupBy::Hash);
    let settings = ctx.settings;
    let per_row = settings.cpu_operator_cost * row_count(groups.len() + calls.len());
    let run = rows * per_row + count * settings.cpu_tuple_cost;
    let bytes = 16.0 * row_count(groups.len() + calls.len());
    let startup = if sorted && !groups.is_empty() { planned.startup } else { planned.total + rows * per_row };
    let costs = (startup, planned.total + run);
    let plan = Plan::Aggregate { input: Box::new(planned.plan), sorted, groups, sets, calls, masks };
    Planned::new(plan, count, bytes, costs, ctx)
}
