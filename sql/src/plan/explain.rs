//! EXPLAIN: a plan as text, in PostgreSQL's manner.

use heliosdb_storage::catalog::TableDef;

use super::{Access, JoinKind, KeyBounds, Plan, RowLimit, Scan, SortKey};
use crate::bind::deparse;
use crate::expr::{Expr, SubqueryForm};

/// The lines of EXPLAIN.
pub fn lines(plan: &Plan) -> Vec<String> {
    let mut out = Vec::new();
    node(plan, 0, true, &mut out);
    out
}

fn node(plan: &Plan, indent: usize, is_root: bool, out: &mut Vec<String>) {
    let arrow = if is_root { String::new() } else { format!("{}->  ", " ".repeat(indent)) };
    let under = if is_root { 2 } else { indent + 6 };
    let (title, details) = describe(plan);
    out.push(format!("{arrow}{title}"));
    out.extend(details.into_iter().map(|detail| format!("{}{detail}", " ".repeat(under))));
    for (input, _) in plan.inputs() {
        node(input, under, false, out);
    }
    let mut subplans = Vec::new();
    collect_subplans(plan, &mut subplans);
    for (at, subplan) in subplans.into_iter().enumerate() {
        out.push(format!("{}SubPlan {}", " ".repeat(under), at + 1));
        node(subplan, under + 2, false, out);
    }
}

fn describe(plan: &Plan) -> (String, Vec<String>) {
    let positions = |at: usize| format!("#{}", at + 1);
    let text = |expr: &Expr| deparse::text(expr, &positions);
    let list = |exprs: &[Expr]| exprs.iter().map(text).collect::<Vec<_>>().join(", ");
    match plan {
        Plan::OneRow => ("Result".to_owned(), Vec::new()),
        Plan::Values { rows } => (format!("Values ({} rows)", rows.len()), Vec::new()),
        Plan::Scan(scan) => describe_scan(scan),
        Plan::System { relation, filter } => {
            let name =
                |at: usize| relation.columns.get(at).map_or_else(|| positions(at), |(name, _)| (*name).to_owned());
            let filter = filter.iter().map(|filter| format!("Filter: {}", deparse::text(filter, &name)));
            (format!("System Scan on {}.{}", relation.schema, relation.name), filter.collect())
        }
        Plan::Function { function, args } => {
            (format!("Function Scan on {}({})", function.name, list(args)), Vec::new())
        }
        Plan::Filter { predicate, .. } if super::joins::is_constant(predicate) => {
            ("Result".to_owned(), vec![format!("One-Time Filter: {}", text(predicate))])
        }
        Plan::Filter { predicate, .. } => ("Filter".to_owned(), vec![format!("Condition: {}", text(predicate))]),
        Plan::Project { exprs, .. } => ("Project".to_owned(), vec![format!("Output: {}", list(exprs))]),
        Plan::Truncate { width, .. } => ("Project".to_owned(), vec![format!("Output: first {width} columns")]),
        Plan::NestedLoop(join) => {
            let on = join.on.iter().map(|on| format!("Join Filter: {}", text(on)));
            (format!("Nested Loop{}", join_name(join.kind)), on.collect())
        }
        Plan::HashJoin(join) => {
            let mut details = vec![format!("Hash Cond: ({}) = ({})", list(&join.left_keys), list(&join.right_keys))];
            details.extend(join.on.iter().map(|on| format!("Join Filter: {}", text(on))));
            (format!("Hash{} Join", join_name(join.kind).trim_end_matches(" Join")), details)
        }
        Plan::Aggregate { groups, calls, .. } => {
            let calls: Vec<String> = calls
                .iter()
                .map(|call| {
                    let args = if call.args.is_empty() { "*".to_owned() } else { list(&call.args) };
                    format!("{}({}{args})", call.function.name, if call.distinct { "DISTINCT " } else { "" })
                })
                .collect();
            let mut details = Vec::new();
            if !groups.is_empty() {
                details.push(format!("Group Key: {}", list(groups)));
            }
            if !calls.is_empty() {
                details.push(format!("Aggregates: {}", calls.join(", ")));
            }
            (if groups.is_empty() { "Aggregate" } else { "HashAggregate" }.to_owned(), details)
        }
        Plan::Window(_) => ("WindowAgg".to_owned(), Vec::new()),
        Plan::Unique { .. } => ("Unique".to_owned(), Vec::new()),
        Plan::Distinct { .. } => ("Unique (hashed)".to_owned(), Vec::new()),
        Plan::Sort { keys, bound, .. } => {
            let keys: Vec<String> = keys.iter().map(|key| sort_key(key, &text)).collect();
            let name = if bound.is_some() { "Top-N Sort" } else { "Sort" };
            (name.to_owned(), vec![format!("Sort Key: {}", keys.join(", "))])
        }
        Plan::Limit { limit: RowLimit { limit, offset }, .. } => {
            let limit = limit.iter().map(|limit| format!("Limit: {}", text(limit)));
            let offset = offset.iter().map(|offset| format!("Offset: {}", text(offset)));
            ("Limit".to_owned(), limit.chain(offset).collect())
        }
        Plan::Append { .. } => ("Append".to_owned(), Vec::new()),
        Plan::SetOperation(operation) => {
            let all = if operation.all { " All" } else { "" };
            (format!("HashSetOp {:?}{all}", operation.kind), Vec::new())
        }
        Plan::With { ctes, .. } => {
            let names: Vec<&str> = ctes.iter().map(|cte| cte.name.as_ref()).collect();
            ("With".to_owned(), vec![format!("CTEs: {}", names.join(", "))])
        }
        Plan::CteScan { name, .. } => (format!("CTE Scan on {name}"), Vec::new()),
        Plan::RecursiveUnion(_) => ("Recursive Union".to_owned(), Vec::new()),
        Plan::WorkTableScan { name, .. } => (format!("WorkTable Scan on {name}"), Vec::new()),
        Plan::Insert(insert) => (format!("Insert on {}", insert.table.name), Vec::new()),
        Plan::Update(update) => {
            let table = &update.table;
            let name = |at: usize| column_name(table, at);
            let set: Vec<String> = update
                .assignments
                .set
                .iter()
                .map(|set| format!("{} = {}", column_name(table, set.slot), deparse::text(&set.value, &name)))
                .collect();
            (format!("Update on {}", table.name), vec![format!("Set: {}", set.join(", "))])
        }
        Plan::Delete(delete) => (format!("Delete on {}", delete.table.name), Vec::new()),
    }
}

const fn join_name(kind: JoinKind) -> &'static str {
    match kind {
        JoinKind::Inner => "",
        JoinKind::Left => " Left Join",
        JoinKind::Full => " Full Join",
    }
}

fn sort_key(key: &SortKey, text: &dyn Fn(&Expr) -> String) -> String {
    let direction = if key.descending { " DESC" } else { "" };
    let nulls = match (key.descending, key.nulls_first) {
        (false, true) => " NULLS FIRST",
        (true, false) => " NULLS LAST",
        _ => "",
    };
    format!("{}{direction}{nulls}", text(&key.expr))
}

fn column_name(table: &TableDef, slot: usize) -> String {
    table.columns.get(slot).map_or_else(|| format!("#{}", slot + 1), |column| column.name.clone())
}

fn describe_scan(scan: &Scan) -> (String, Vec<String>) {
    let table = &scan.table;
    let name = |at: usize| column_name(table, at);
    let backward = if scan.backward { " Backward" } else { "" };
    let key_name = table.primary_key_name.as_deref().unwrap_or("the row number");
    let (title, condition) = match &scan.access {
        Access::All if scan.backward => (format!("Seq Scan Backward on {}", table.name), None),
        Access::All => (format!("Seq Scan on {}", table.name), None),
        Access::Point { key } => {
            let bounds = KeyBounds { equal: key.clone(), ..KeyBounds::default() };
            (format!("Key Lookup using {key_name} on {}", table.name), conditions(table, &table.primary_key, &bounds))
        }
        Access::Key { bounds } => (
            format!("Key Scan{backward} using {key_name} on {}", table.name),
            conditions(table, &table.primary_key, bounds),
        ),
        Access::Index { index, bounds } => {
            let index = table.indexes.get(*index);
            let index_name = index.map_or("?", |index| index.name.as_str());
            let slots = index.and_then(|index| index.plain_slots()).unwrap_or_default();
            (format!("Index Scan{backward} using {index_name} on {}", table.name), conditions(table, &slots, bounds))
        }
    };
    let mut details: Vec<String> = condition.into_iter().map(|condition| format!("Key Cond: {condition}")).collect();
    details.extend(scan.filter.iter().map(|filter| format!("Filter: {}", deparse::text(filter, &name))));
    details.extend(scan.lock.iter().map(|lock| format!("Lock: {lock:?}")));
    (title, details)
}

fn conditions(table: &TableDef, slots: &[usize], bounds: &KeyBounds) -> Option<String> {
    let name = |at: usize| column_name(table, at);
    let text = |expr: &Expr| deparse::text(expr, &name);
    let mut parts: Vec<String> = (slots.iter().zip(&bounds.equal))
        .map(|(slot, part)| format!("{} = {}", name(*slot), text(&part.expr)))
        .collect();
    if let Some(slot) = slots.get(bounds.equal.len()) {
        let lower = bounds.lower.iter().map(|bound| (if bound.inclusive { ">=" } else { ">" }, bound));
        let upper = bounds.upper.iter().map(|bound| (if bound.inclusive { "<=" } else { "<" }, bound));
        parts.extend(
            lower.chain(upper).map(|(symbol, bound)| format!("{} {symbol} {}", name(*slot), text(&bound.part.expr))),
        );
    }
    (!parts.is_empty()).then(|| format!("({})", parts.join(" AND ")))
}

fn collect_subplans<'p>(plan: &'p Plan, out: &mut Vec<&'p Plan>) {
    for expr in plan.exprs() {
        expr.walk(&mut |expr| {
            if let Expr::Subquery(subquery) = expr
                && let SubqueryForm::Planned { plan, .. } = &subquery.form
            {
                out.push(plan);
            }
        });
    }
}
