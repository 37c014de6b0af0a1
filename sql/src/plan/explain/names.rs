//! What columns are called in an explanation: a row of a plan has no names, so each is traced to where it comes from.

use std::collections::HashMap;
use std::sync::Arc;

use heliosdb_storage::catalog::TableDef;

use super::deparse;
use crate::expr::{Expr, SubqueryForm};
use crate::functions::aggregate::AggregateFunction;
use crate::plan::{AggregateCall, JoinKind, JoinOutput, Plan, Scan, TableCallee};

/// The names that expressions of a node can use.
#[derive(Clone, Copy)]
pub struct Names<'a> {
    /// Of the input row's columns.
    pub row: &'a [String],
    /// Of the rows around.
    pub around: Option<&'a Around<'a>>,
    /// What is the same all over the statement.
    pub statement: &'a StatementNames,
}

/// The names of an outer row's columns, and those of the rows around that.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// The next outer row.
    pub row: &'a [String],
    /// Further out.
    pub next: Option<&'a Around<'a>>,
}

/// What is the same all over a statement.
#[derive(Default)]
pub struct StatementNames {
    /// Whether columns are named with their relations: there are several.
    pub qualified: bool,
    /// The numbers of subqueries, by the addresses of their plans.
    numbers: HashMap<usize, usize>,
}

impl Names<'_> {
    /// The name of a column.
    pub fn column(&self, index: usize) -> String {
        self.row.get(index).cloned().unwrap_or_else(|| format!("#{}", index + 1))
    }

    /// The name of a column of a row around.
    pub fn outer(&self, depth: usize, index: usize) -> String {
        let mut around = self.around;
        for _ in 0..depth {
            around = around.and_then(|around| around.next);
        }
        around.and_then(|around| around.row.get(index)).cloned().unwrap_or_else(|| format!("#{}", index + 1))
    }

    /// The number of a subquery.
    pub fn number(&self, plan: &Arc<Plan>) -> usize {
        self.statement.numbers.get(&Arc::as_ptr(plan).addr()).copied().unwrap_or(0)
    }
}

impl StatementNames {
    /// Looks through a plan.
    pub fn of(plan: &Plan, verbose: bool) -> Self {
        let mut names = Self::default();
        let mut relations = 0;
        names.look(plan, &mut relations);
        names.qualified = relations > 1 || verbose;
        names
    }

    fn look(&mut self, plan: &Plan, relations: &mut usize) {
        *relations += usize::from(matches!(
            plan,
            Plan::Scan(_)
                | Plan::System { .. }
                | Plan::Function { .. }
                | Plan::CteScan { .. }
                | Plan::WorkTableScan { .. }
                | Plan::Values { .. }
        ));
        for expr in plan.exprs() {
            expr.walk(&mut |expr| {
                if let Expr::Subquery(subquery) = expr
                    && let SubqueryForm::Planned { plan, .. } = &subquery.form
                {
                    let next = self.numbers.len() + 1;
                    self.numbers.entry(Arc::as_ptr(plan).addr()).or_insert(next);
                    self.look(plan, relations);
                }
            });
        }
        for (input, _) in plan.inputs() {
            self.look(input, relations);
        }
    }
}

/// The names of the columns of a plan's rows.
pub fn labels(plan: &Plan, around: Option<&Around<'_>>, statement: &StatementNames) -> Vec<String> {
    let below = |input: &Plan| labels(input, around, statement);
    match plan {
        Plan::OneRow => Vec::new(),
        Plan::Values { rows } => {
            let width = rows.first().map_or(0, Vec::len);
            (1..=width).map(|at| qualified(statement, "*VALUES*", &format!("column{at}"))).collect()
        }
        Plan::Scan(scan) => scan_labels(scan, statement).into_iter().take(scan.width).collect(),
        Plan::System { relation, name, .. } => {
            relation.columns.iter().map(|(column, _)| qualified(statement, name, column)).collect()
        }
        Plan::Function { calls, ordinality, name } => {
            let is_only = calls.len() == 1;
            let columns = calls.iter().flat_map(|call| {
                // A function of one value gives its column its own name.
                let own = (is_only && call.is_value()).then_some(name.as_ref());
                call.shape.fields.iter().map(move |(column, _)| own.unwrap_or(column))
            });
            let columns = columns.chain(ordinality.then_some("ordinality"));
            columns.map(|column| qualified(statement, name, column)).collect()
        }
        Plan::ProjectSet { input, calls } => {
            let mut row = below(input);
            row.extend(calls.iter().map(|call| match &call.callee {
                TableCallee::Function { function, .. } => format!("({}(...))", function.name),
                TableCallee::Value(_) => "(...)".to_owned(),
            }));
            row
        }
        Plan::CteScan { width, name, .. } | Plan::WorkTableScan { width, name, .. } => {
            (1..=*width).map(|at| qualified(statement, name, &format!("column{at}"))).collect()
        }
        Plan::Project { input, exprs } => {
            let row = below(input);
            let names = Names { row: &row, around, statement };
            exprs.iter().map(|expr| deparse::text(expr, &names)).collect()
        }
        Plan::Truncate { input, width } => below(input).into_iter().take(*width).collect(),
        Plan::NestedLoop(join) => {
            let left = below(&join.left);
            let right = if join.lateral {
                let inside = Around { row: &left, next: around };
                labels(&join.right, Some(&inside), statement)
            } else {
                below(&join.right)
            };
            output_labels(left, right, join.kind, &join.output)
        }
        Plan::HashJoin(join) => output_labels(below(&join.left), below(&join.right), join.kind, &join.output),
        Plan::MergeJoin(join) => output_labels(below(&join.left), below(&join.right), join.kind, &join.output),
        Plan::Aggregate { input, groups, calls, masks, .. } => {
            let row = below(input);
            let names = Names { row: &row, around, statement };
            let groups = groups.iter().map(|group| deparse::text(group, &names));
            let calls = calls.iter().map(|call| call_text(call, &names));
            groups.chain(calls).chain(masks.iter().map(|_| "GROUPING".to_owned())).collect()
        }
        Plan::Window(window) => {
            let mut row = below(&window.input);
            row.extend((1..=window.calls.len()).map(|at| format!("window{at}")));
            row
        }
        Plan::Append { inputs } => inputs.first().map(below).unwrap_or_default(),
        Plan::SetOperation(operation) => below(&operation.left),
        Plan::RecursiveUnion(recursive) => below(&recursive.base),
        other => match other.inputs().last() {
            Some((input, _)) => below(input),
            None => Vec::new(),
        },
    }
}

/// The names of all columns that a scan reads, those of its filter too.
pub fn scan_labels(scan: &Scan, statement: &StatementNames) -> Vec<String> {
    let slots = scan.columns.slots().iter();
    slots.map(|slot| qualified(statement, &scan.name, column_name(&scan.table, *slot))).collect()
}

/// The name of a table's column.
pub fn column_name(table: &TableDef, slot: usize) -> &str {
    table.columns.get(slot).map_or("ctid", |column| column.name.as_str())
}

fn qualified(statement: &StatementNames, relation: &str, column: &str) -> String {
    let quoted = crate::functions::quote_ident;
    if statement.qualified && !relation.is_empty() {
        format!("{}.{}", quoted(relation), quoted(column))
    } else {
        quoted(column)
    }
}

/// The names of a pair of rows.
pub fn pair_labels(left: &[String], right: &[String]) -> Vec<String> {
    left.iter().chain(right).cloned().collect()
}

fn output_labels(left: Vec<String>, right: Vec<String>, kind: JoinKind, output: &JoinOutput) -> Vec<String> {
    let pair = if kind.is_half() { left } else { pair_labels(&left, &right) };
    match &output.columns {
        None => pair,
        Some(columns) => columns.iter().map(|at| pair.get(*at).cloned().unwrap_or_default()).collect(),
    }
}

/// A call of an aggregate as text.
pub fn call_text(call: &AggregateCall, names: &Names<'_>) -> String {
    let function: &AggregateFunction = call.function;
    let args: Vec<String> = call.args.iter().map(|arg| deparse::text(arg, names)).collect();
    let args = if args.is_empty() { "*".to_owned() } else { args.join(", ") };
    let distinct = if call.distinct { "DISTINCT " } else { "" };
    let filter = call.filter.as_ref().map(|filter| format!(" FILTER (WHERE {})", deparse::text(filter, names)));
    format!("{}({distinct}{args}){}", function.name, filter.unwrap_or_default())
}
