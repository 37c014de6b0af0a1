//! From a bound query to its plan.

use std::sync::Arc;

use heliosdb_storage::catalog::TableDef;
use heliosdb_storage::transaction::RowLock;

use super::access::{Choice, choose};
use super::joins::plan_relation;
use super::{
    Access, CtePlan, DeletePlan, InsertPlan, KeyBounds, Plan, RecursiveUnion, RowLimit, Scan, SetOperationPlan,
    SortKey, UpdatePlan, WindowPlan,
};
use crate::bind::tree::{
    Body, Cte, Distinct, Grouping, JoinSide, Modify, Query, Recursive, Relation, Select, Target, Window,
};
use crate::bind::window::sort_keys;
use crate::expr::{Expr, SubqueryForm};

/// Plans a query. Its rows have the query's columns.
pub fn plan_query(query: Query) -> Plan {
    with_subqueries(plan_tree(query))
}

/// Plans a query whose rows keep what was added to the select list after the visible columns.
pub fn plan_query_with_hidden(query: Query) -> Plan {
    with_subqueries(plan_keeping(query, usize::MAX))
}

/// Plans a query that is part of another one: the subqueries in its expressions are left to [`with_subqueries`].
pub(super) fn plan_tree(query: Query) -> Plan {
    let visible = query.columns.len();
    plan_keeping(query, visible)
}

/// Plans the subqueries in the expressions of a plan: once all expressions are where they stay.
fn with_subqueries(mut plan: Plan) -> Plan {
    plan.for_each_expr_mut(0, &mut |expr, _| plan_subqueries(expr));
    plan
}

fn plan_subqueries(expr: &mut Expr) {
    if let Expr::Subquery(subquery) = expr
        && let SubqueryForm::Bound(query) = &mut subquery.form
    {
        let plan = plan_query(std::mem::take(query));
        let correlated = plan.is_correlated();
        subquery.form = SubqueryForm::Planned { plan: Arc::new(plan), correlated };
    }
    expr.children_mut().into_iter().for_each(plan_subqueries);
}

fn plan_keeping(query: Query, keep: usize) -> Plan {
    let Query { with, body, order, limit, columns: _ } = query;
    let plan = plan_body(body, order, limit, keep);
    if with.is_empty() {
        return plan;
    }
    let ctes = with
        .into_iter()
        .map(|Cte { id, name, query, stable }| CtePlan { id, name, plan: plan_tree(query), stable })
        .collect();
    Plan::With { ctes, input: Box::new(plan) }
}

fn plan_body(body: Body, order: Vec<SortKey>, limit: Option<RowLimit>, keep: usize) -> Plan {
    match body {
        Body::Select(select) => plan_select(*select, order, limit, keep),
        Body::Values(rows) => finish(Plan::Values { rows }, order, limit),
        Body::Union { inputs, all } => {
            let mut flat = Vec::with_capacity(inputs.len());
            for input in inputs.into_iter().map(plan_tree) {
                // A chain of UNION ALL is one append.
                match input {
                    Plan::Append { inputs } => flat.extend(inputs),
                    other => flat.push(other),
                }
            }
            let append = Plan::Append { inputs: flat };
            let plan = if all { append } else { Plan::Distinct { input: Box::new(append) } };
            finish(plan, order, limit)
        }
        Body::SetOperation { kind, all, left, right } => {
            let (left, right) = (plan_tree(*left), plan_tree(*right));
            finish(Plan::SetOperation(Box::new(SetOperationPlan { kind, all, left, right })), order, limit)
        }
        Body::Recursive(recursive) => {
            let Recursive { id, base, step, all } = *recursive;
            let union = RecursiveUnion { id, base: plan_tree(base), step: plan_tree(step), all };
            finish(Plan::RecursiveUnion(Box::new(union)), order, limit)
        }
    }
}

fn plan_select(select: Select, order: Vec<SortKey>, limit: Option<RowLimit>, keep: usize) -> Plan {
    let Select { from, filter, grouping, having, windows, targets, distinct } = select;
    let input_width = from.width();
    let mut plan = plan_relation(from, filter);
    let mut width = input_width;
    let is_grouped = grouping.is_some();
    if let Some(grouping) = grouping {
        let Grouping { groups, sets, calls, masks } = grouping;
        width = groups.len() + calls.len() + masks.len();
        plan = Plan::Aggregate { input: Box::new(plan), groups, sets, calls, masks };
    }
    if let Some(predicate) = Expr::all_of(having) {
        plan = Plan::Filter { input: Box::new(plan), predicate };
    }
    width += windows.iter().map(|window| window.calls.len()).sum::<usize>();
    let has_windows = !windows.is_empty();
    plan = plan_windows(plan, windows);
    let mut order = order;
    if !order.is_empty()
        && !is_grouped
        && !has_windows
        && distinct == Distinct::No
        && ordered_by_key(&mut plan, &targets, &order, limit.is_some())
    {
        order.clear();
    }
    let total = targets.len();
    if !is_identity(&targets, width) {
        plan = Plan::Project { input: Box::new(plan), exprs: targets };
    }
    plan = match distinct {
        Distinct::No => finish(plan, order, limit),
        Distinct::Rows => finish(Plan::Distinct { input: Box::new(plan) }, order, limit),
        Distinct::On(columns) => {
            let sorted = finish(plan, order, None);
            finish(Plan::Unique { input: Box::new(sorted), columns }, Vec::new(), limit)
        }
    };
    if total > keep {
        plan = Plan::Truncate { input: Box::new(plan), width: keep };
    }
    plan
}

/// Each window over its input sorted by partition and order, unless it is so already.
fn plan_windows(mut plan: Plan, windows: Vec<Window>) -> Plan {
    let mut sorted: Vec<SortKey> = Vec::new();
    for Window { partition, order, calls } in windows {
        let keys = sort_keys(&partition, &order);
        let is_sorted = keys.len() <= sorted.len() && keys.iter().zip(&sorted).all(|(a, b)| a.same(b));
        if !is_sorted {
            plan = Plan::Sort { input: Box::new(plan), keys: keys.clone(), bound: None };
            sorted = keys;
        }
        plan = Plan::Window(Box::new(WindowPlan { input: plan, partition, order, calls }));
    }
    plan
}

fn is_identity(targets: &[Expr], width: usize) -> bool {
    targets.len() == width
        && targets.iter().enumerate().all(|(at, expr)| matches!(expr, Expr::Column(index, _) if *index == at))
}

fn finish(mut plan: Plan, order: Vec<SortKey>, limit: Option<RowLimit>) -> Plan {
    if !order.is_empty() {
        // Without LIMIT nothing is gained by a bound.
        let bound = limit.as_ref().filter(|limit| limit.limit.is_some()).cloned();
        plan = Plan::Sort { input: Box::new(plan), keys: order, bound };
    }
    if let Some(limit) = limit {
        plan = Plan::Limit { input: Box::new(plan), limit };
    }
    plan
}

/// Plans a statement that changes rows.
pub fn plan_modify(modify: Modify) -> Plan {
    with_subqueries(plan_change(modify))
}

fn plan_change(modify: Modify) -> Plan {
    match modify {
        Modify::Insert { table, input, values, conflict, returning } => {
            let input = match input.body {
                // Its rows are what the statement's VALUES say; the columns have no names.
                Body::Values(rows) if input.is_plain() => Plan::Values { rows },
                body => plan_tree(Query { body, ..*input }),
            };
            let returning = returning.map(|bound| bound.returning);
            Plan::Insert(Box::new(InsertPlan { table, input, values, conflict, returning }))
        }
        Modify::Update { target, assignments, returning } => {
            let table = Arc::clone(&target.table);
            let changes_key = assignments.change_key(&table);
            let returning = returning.map(|bound| bound.returning);
            let (input, filter) = plan_target(target);
            Plan::Update(Box::new(UpdatePlan { table, input, filter, assignments, changes_key, returning }))
        }
        Modify::Delete { target, returning } => {
            let table = Arc::clone(&target.table);
            let returning = returning.map(|bound| bound.returning);
            let (input, filter) = plan_target(target);
            Plan::Delete(Box::new(DeletePlan { table, input, filter, returning }))
        }
    }
}

/// Plans how the rows to be changed are found; with the whole condition, for rows that have changed since.
fn plan_target(target: Target) -> (Plan, Option<Expr>) {
    let Target { table, name, from, filter } = target;
    let again = Expr::all_of(filter.clone());
    let input = match from {
        None => Plan::Scan(locking_scan(table, filter, None)),
        Some(from) => {
            let left = Box::new(Relation::Table { table, name, lock: None, with_key: true });
            let join =
                Relation::Join { left, right: Box::new(from), kind: JoinSide::Inner, on: Vec::new(), lateral: false };
            plan_relation(join, filter)
        }
    };
    (input, again)
}

/// A scan under conditions over the table's row.
pub(super) fn plan_scan(table: Arc<TableDef>, lock: Option<RowLock>, conditions: Vec<Expr>) -> Scan {
    if lock.is_some() {
        return locking_scan(table, conditions, lock);
    }
    let Choice { access, covered, .. } = choose(&table, &conditions);
    scan_with(table, access, &covered, conditions)
}

/// A scan by a chosen path; the conditions that it guarantees are not judged again.
pub(super) fn scan_with(table: Arc<TableDef>, access: Access, covered: &[usize], conditions: Vec<Expr>) -> Scan {
    let rest = conditions.into_iter().enumerate().filter(|(at, _)| !covered.contains(at)).map(|(_, expr)| expr);
    Scan { table, access, filter: Expr::all_of(rest.collect()), backward: false, with_key: false, lock: None }
}

/// A scan whose rows will be locked: all conditions are kept, because they are judged again on a row's newest version.
fn locking_scan(table: Arc<TableDef>, conditions: Vec<Expr>, lock: Option<RowLock>) -> Scan {
    let access = choose(&table, &conditions).access;
    Scan { table, access, filter: Expr::all_of(conditions), backward: false, with_key: false, lock }
}

/// Whether a scan gives the rows in the wanted order by itself; turns it round, or onto an index, if that makes it so.
fn ordered_by_key(plan: &mut Plan, targets: &[Expr], order: &[SortKey], has_limit: bool) -> bool {
    let Plan::Scan(scan) = plan else { return false };
    // A locked row's newest version may sort elsewhere than the version that was found; in PostgreSQL too.
    let mut wanted = Vec::with_capacity(order.len());
    let Some(first) = order.first() else { return true };
    for key in order {
        let Expr::Column(at, _) = key.expr else { return false };
        let Some(Expr::Column(slot, _)) = targets.get(at) else { return false };
        // A key runs ascending with NULLs last; backward it is descending with NULLs first.
        if key.descending != first.descending || key.nulls_first != key.descending {
            return false;
        }
        wanted.push(*slot);
    }
    let slots = |table: &TableDef, access: &Access| -> Vec<usize> {
        match access {
            Access::All | Access::Point { .. } | Access::Key { .. } => table.primary_key.clone(),
            Access::Index { index, .. } => {
                table.indexes.get(*index).and_then(|index| index.plain_slots()).unwrap_or_default()
            }
        }
    };
    let fixed = |access: &Access| match access {
        Access::All => 0,
        Access::Point { key } => key.len(),
        Access::Key { bounds } | Access::Index { bounds, .. } => bounds.equal.len(),
    };
    let fits = |table: &TableDef, access: &Access| {
        let slots = slots(table, access);
        let (equal, rest) = slots.split_at(fixed(access).min(slots.len()));
        // Columns with one value only do not matter for the order; once the primary key is used up, nothing does.
        let mut wanted = wanted.iter().filter(|slot| !equal.contains(slot));
        let mut rest = rest.iter();
        let is_primary = !matches!(access, Access::Index { .. }) && !table.primary_key.is_empty();
        loop {
            match (wanted.next(), rest.next()) {
                (None, _) => return true,
                (Some(a), Some(b)) if a == b => {}
                (Some(_), None) => return is_primary,
                _ => return false,
            }
        }
    };
    if fits(&scan.table, &scan.access) {
        scan.backward = first.descending;
        return true;
    }
    if has_limit && matches!(scan.access, Access::All) {
        for index in 0..scan.table.indexes.len() {
            let access = Access::Index { index, bounds: KeyBounds::default() };
            if fits(&scan.table, &access) {
                scan.access = access;
                scan.backward = first.descending;
                return true;
            }
        }
    }
    false
}
