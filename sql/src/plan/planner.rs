//! From a bound query to its plan.

use std::sync::Arc;

use super::context::PlannerContext;
use super::join::{Orders, Problem, Search};
use super::node::Planned;
use super::select::{plan_select, row_count};
use super::{
    CtePlan, DeletePlan, InsertPlan, Plan, RecursiveUnion, RowLimit, SetOperationPlan, SortKey, UpdatePlan, cost,
};
use crate::bind::tree::{Body, Cte, JoinSide, Modify, Query, Recursive, Relation, Target};
use crate::expr::{Expr, SubqueryForm};

/// What a computed column is taken to have in bytes.
const COLUMN_BYTES: f64 = 16.0;

/// Plans a query. Its rows have the query's columns.
pub fn plan_query(query: Query, ctx: PlannerContext<'_>) -> Plan {
    with_subqueries(plan_tree(query, ctx).plan, ctx)
}

/// Plans a query whose rows keep what was added to the select list after the visible columns.
pub fn plan_query_with_hidden(query: Query, ctx: PlannerContext<'_>) -> Plan {
    with_subqueries(plan_keeping(query, usize::MAX, ctx).plan, ctx)
}

/// Plans a query that is part of another one: the subqueries in its expressions are left to [`with_subqueries`].
pub(super) fn plan_tree(query: Query, ctx: PlannerContext<'_>) -> Planned {
    let visible = query.columns.len();
    plan_keeping(query, visible, ctx)
}

/// Plans the subqueries in the expressions of a plan: once all expressions are where they stay.
fn with_subqueries(mut plan: Plan, ctx: PlannerContext<'_>) -> Plan {
    plan.for_each_expr_mut(0, &mut |expr, _| plan_subqueries(expr, ctx));
    plan
}

fn plan_subqueries(expr: &mut Expr, ctx: PlannerContext<'_>) {
    if let Expr::Subquery(subquery) = expr
        && let SubqueryForm::Bound(query) = &mut subquery.form
    {
        let plan = plan_query(std::mem::take(query), ctx);
        let correlated = plan.is_correlated();
        subquery.form = SubqueryForm::Planned { plan: Arc::new(plan), correlated };
    }
    expr.children_mut().into_iter().for_each(|child| plan_subqueries(child, ctx));
}

fn plan_keeping(query: Query, keep: usize, ctx: PlannerContext<'_>) -> Planned {
    let Query { with, body, order, limit, columns: _ } = query;
    let planned = plan_body(body, order, limit, keep, ctx);
    if with.is_empty() {
        return planned;
    }
    let ctes = with
        .into_iter()
        .map(|Cte { id, name, query, stable }| CtePlan { id, name, plan: plan_tree(query, ctx).plan, stable })
        .collect();
    planned.map(|input| Plan::With { ctes, input: Box::new(input) })
}

fn plan_body(
    body: Body,
    order: Vec<SortKey>,
    limit: Option<RowLimit>,
    keep: usize,
    ctx: PlannerContext<'_>,
) -> Planned {
    match body {
        Body::Select(select) => plan_select(*select, order, limit, keep, ctx),
        Body::Modify(modify) => Planned::new(plan_change(*modify, ctx), 1.0, 0.0, (0.0, 0.0), ctx),
        Body::Values(rows) => {
            let count = row_count(rows.len());
            let bytes = COLUMN_BYTES * row_count(rows.first().map_or(0, Vec::len));
            let total = count * ctx.settings.cpu_operator_cost * 5.0;
            finish(Planned::new(Plan::Values { rows }, count, bytes, (0.0, total), ctx), order, limit, ctx)
        }
        Body::Union { inputs, all } => finish(plan_union(inputs, all, ctx), order, limit, ctx),
        Body::SetOperation { kind, all, left, right } => {
            let (left, right) = (plan_tree(*left, ctx), plan_tree(*right, ctx));
            let (rows, bytes) = (left.rows, left.bytes);
            let hashing = cost::hash_group(right.rows, right.rows, right.bytes, 1, ctx.settings);
            let costs =
                (right.total + hashing, right.total + hashing + left.total + rows * ctx.settings.cpu_operator_cost);
            let operation = SetOperationPlan { kind, all, left: left.plan, right: right.plan };
            let plan = Plan::SetOperation(Box::new(operation));
            finish(Planned::new(plan, rows, bytes, costs, ctx), order, limit, ctx)
        }
        Body::Recursive(recursive) => {
            let Recursive { id, base, step, all } = *recursive;
            let (base, step) = (plan_tree(base, ctx), plan_tree(step, ctx));
            // PostgreSQL's guess: ten rounds.
            let (rows, total) = (base.rows + 10.0 * step.rows, base.total + 10.0 * step.total);
            let (bytes, startup) = (base.bytes, base.startup);
            let union = RecursiveUnion { id, base: base.plan, step: step.plan, all };
            let plan = Plan::RecursiveUnion(Box::new(union));
            finish(Planned::new(plan, rows, bytes, (startup, total), ctx), order, limit, ctx)
        }
    }
}

fn plan_union(inputs: Vec<Query>, all: bool, ctx: PlannerContext<'_>) -> Planned {
    let inputs = flattened(inputs, all);
    let mut flat = Vec::with_capacity(inputs.len());
    let (mut rows, mut bytes, mut startup, mut total) = (0.0, 0.0_f64, None, 0.0);
    for input in inputs {
        let input = plan_tree(input, ctx);
        rows += input.rows;
        bytes = bytes.max(input.bytes);
        startup = startup.or(Some(input.startup));
        total += input.total;
        flat.push(input.plan);
    }
    total += rows * ctx.settings.cpu_operator_cost;
    let append = Planned::new(Plan::Append { inputs: flat }, rows, bytes, (startup.unwrap_or(0.0), total), ctx);
    if all { append } else { append.distinct(rows, ctx) }
}

/// A chain of unions leans to the left and may be long: its inputs, in their order. Within a union without ALL it does not
/// matter whether doubles are taken out earlier too.
fn flattened(inputs: Vec<Query>, all: bool) -> Vec<Query> {
    let mut last_first: Vec<Query> = Vec::with_capacity(inputs.len());
    let mut chain = inputs;
    loop {
        last_first.extend(chain.drain(1.min(chain.len())..).rev());
        match chain.pop() {
            Some(Query { with, body: Body::Union { inputs, all: inner_all }, order, limit, columns }) => {
                let is_plain = with.is_empty() && order.is_empty() && limit.is_none();
                if is_plain && (inner_all || !all) && !inputs.is_empty() {
                    chain = inputs;
                    continue;
                }
                let body = Body::Union { inputs, all: inner_all };
                last_first.push(Query { with, body, order, limit, columns });
            }
            Some(other) => last_first.push(other),
            None => {}
        }
        last_first.reverse();
        return last_first;
    }
}

/// Order and slice.
pub(super) fn finish(
    planned: Planned,
    order: Vec<SortKey>,
    limit: Option<RowLimit>,
    ctx: PlannerContext<'_>,
) -> Planned {
    let planned = planned.sorted(order, limit.as_ref(), ctx);
    match limit {
        Some(limit) => planned.limited(limit, ctx),
        None => planned,
    }
}

/// Plans a statement that changes rows.
pub fn plan_modify(modify: Modify, ctx: PlannerContext<'_>) -> Plan {
    with_subqueries(plan_change(modify, ctx), ctx)
}

fn plan_change(modify: Modify, ctx: PlannerContext<'_>) -> Plan {
    match modify {
        Modify::Insert { table, input, values, conflict, returning } => {
            let input = match input.body {
                // Its rows are what the statement's VALUES say; the columns have no names.
                Body::Values(rows) if input.is_plain() => Plan::Values { rows },
                body => plan_tree(Query { body, ..*input }, ctx).plan,
            };
            let returning = returning.map(|bound| bound.returning);
            Plan::Insert(Box::new(InsertPlan { table, input, values, conflict, returning }))
        }
        Modify::Update { target, assignments, returning } => {
            let table = Arc::clone(&target.table);
            let changes_key = assignments.change_key(&table);
            let returning = returning.map(|bound| bound.returning);
            let (input, filter) = plan_target(target, ctx);
            Plan::Update(Box::new(UpdatePlan { table, input, filter, assignments, changes_key, returning }))
        }
        Modify::Delete { target, returning } => {
            let table = Arc::clone(&target.table);
            let returning = returning.map(|bound| bound.returning);
            let (input, filter) = plan_target(target, ctx);
            Plan::Delete(Box::new(DeletePlan { table, input, filter, returning }))
        }
    }
}

/// Plans how the rows to be changed are found; with the whole condition, for rows that have changed since.
fn plan_target(target: Target, ctx: PlannerContext<'_>) -> (Plan, Option<Expr>) {
    let Target { table, name, from, filter } = target;
    let again = Expr::all_of(filter.clone());
    let with_key = from.is_some() || ctx.keeps_estimates;
    let relation = |with_key| Relation::Table { table: Arc::clone(&table), name: Arc::clone(&name), with_key };
    let Some(from) = from else {
        let plan = plan_whole_rows(relation(with_key), filter.clone(), ctx);
        // Anything around the scan needs the key in the row.
        let is_done = with_key || matches!(plan, Plan::Scan(_));
        return (if is_done { plan } else { plan_whole_rows(relation(true), filter, ctx) }, again);
    };
    let join = Relation::Join {
        left: Box::new(relation(true)),
        right: Box::new(from),
        kind: JoinSide::Inner,
        on: Vec::new(),
        lateral: false,
    };
    (plan_whole_rows(join, filter, ctx), again)
}

/// A plan of whole rows of FROM, in its order.
fn plan_whole_rows(relation: Relation, filter: Vec<Expr>, ctx: PlannerContext<'_>) -> Plan {
    let width = relation.width();
    let mut problem = Problem::new(relation, filter, 0, ctx);
    let types = vec![heliosdb_storage::value::DataType::Unknown; width];
    let mut row: Vec<Expr> = types.into_iter().enumerate().map(|(at, t)| Expr::Column(at, t)).collect();
    problem.resolve_all(&mut row);
    plan_rows(&mut problem, row, ctx)
}

/// The plan of a problem whose rows are the given expressions.
fn plan_rows(problem: &mut Problem<'_>, exprs: Vec<Expr>, ctx: PlannerContext<'_>) -> Plan {
    let mut needed = Vec::new();
    for expr in &exprs {
        expr.for_each_column(&mut |column| {
            if !needed.contains(&column) {
                needed.push(column);
            }
        });
    }
    problem.finish(&needed);
    let orders = Orders::default();
    let search = Search { problem, orders: &orders, needed: &needed };
    let rel = search.run();
    let path = rel.candidates().min_by(|a, b| a.costs().1.total_cmp(&b.costs().1));
    let path = path.expect("BUG: a join problem without a plan");
    let planned = Planned::of_path(&search, path, &needed, rel.row_bytes(), ctx);
    let planned = planned.with_constant(search.constant(), ctx);
    planned.projected(exprs, &needed, ctx).plan
}
