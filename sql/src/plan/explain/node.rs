//! The nodes of an explanation: what PostgreSQL would call them, and what is said about each.

use std::sync::Arc;

use super::deparse;
use super::names::{Around, Names, StatementNames, column_name, labels, pair_labels, scan_labels};
use crate::expr::{Expr, SubqueryForm, SubqueryKind};
use crate::plan::{
    Access, Estimate, JoinKind, JoinOutput, KeyBounds, KeyPart, KeyValue, Plan, Scan, SortKey, TableCall, TableCallee,
};

/// A node of an explanation.
#[derive(Debug)]
pub struct Node {
    /// Its kind, as in `Node Type`.
    pub kind: String,
    /// What the text form calls it.
    pub title: String,
    /// What is said of it, in order.
    pub properties: Vec<Property>,
    /// What was expected.
    pub estimate: Option<Estimate>,
    /// Further nodes whose measures belong to it.
    pub measured: Vec<usize>,
    /// What it is to the node above.
    pub relationship: &'static str,
    /// The name of a subquery.
    pub subplan: Option<String>,
    /// The nodes below.
    pub children: Vec<Self>,
}

/// Something that is said of a node.
#[derive(Clone, PartialEq, Debug)]
pub enum Property {
    /// Only in JSON.
    Hidden(&'static str, String),
    /// A text.
    Text(&'static str, String),
    /// A list.
    List(&'static str, Vec<String>),
    /// A condition; with how many rows it has removed.
    Filter(&'static str, String),
    /// The columns of the rows; if that is asked for.
    Output(Vec<String>),
}

/// What a walk over a plan carries along.
#[derive(Clone, Copy)]
pub struct Walk<'a> {
    /// The names of the rows around.
    pub around: Option<&'a Around<'a>>,
    /// What is the same all over the statement.
    pub statement: &'a StatementNames,
}

impl Walk<'_> {
    fn labels(&self, plan: &Plan) -> Vec<String> {
        labels(plan, self.around, self.statement)
    }

    fn names<'b>(&'b self, row: &'b [String]) -> Names<'b> {
        Names { row, around: self.around, statement: self.statement }
    }

    /// The node of a plan.
    pub fn node(&self, plan: &Plan, relationship: &'static str) -> Node {
        let mut node = self.bare(plan);
        node.relationship = relationship;
        node
    }

    fn bare(&self, plan: &Plan) -> Node {
        match plan {
            Plan::Estimated { input, estimate } => {
                let mut node = self.bare(input);
                // The outermost one speaks for what is shown as one node.
                node.measured.push(estimate.node);
                node.estimate = Some(*estimate);
                node
            }
            Plan::Project { input, .. } => {
                let mut node = self.bare(input);
                node.properties.retain(|property| !matches!(property, Property::Output(_)));
                node.properties.insert(0, Property::Output(self.labels(plan)));
                self.add_subplans(&mut node, plan, &self.labels(input));
                node
            }
            Plan::Truncate { input, .. } => self.bare(input),
            Plan::Filter { input, predicate } => self.filtered(plan, input, predicate),
            Plan::With { ctes, input } => {
                let mut node = self.bare(input);
                let below = ctes.iter().map(|cte| {
                    let mut below = self.node(&cte.plan, "InitPlan");
                    below.subplan = Some(format!("CTE {}", cte.name));
                    below
                });
                let below: Vec<Node> = below.collect();
                node.children.splice(0..0, below);
                node
            }
            _ => {
                let (kind, title, mut properties) = self.describe(plan);
                let output = self.labels(plan);
                if !output.is_empty() && !matches!(plan, Plan::Append { .. }) {
                    properties.insert(0, Property::Output(output));
                }
                let mut node = Node {
                    kind,
                    title,
                    properties,
                    estimate: None,
                    measured: Vec::new(),
                    relationship: "Outer",
                    subplan: None,
                    children: Vec::new(),
                };
                self.add_subplans(&mut node, plan, &self.row_of(plan));
                self.add_children(&mut node, plan);
                node
            }
        }
    }

    /// A condition is said of the node below, or is a node of its own if it is judged once.
    fn filtered(&self, plan: &Plan, input: &Plan, predicate: &Expr) -> Node {
        let row = self.labels(input);
        let text = deparse::text(predicate, &self.names(&row));
        let mut reads_row = predicate.is_volatile();
        predicate.for_each_column(&mut |_| reads_row = true);
        if reads_row {
            let mut node = self.bare(input);
            node.properties.push(Property::Filter("Filter", text));
            self.add_subplans(&mut node, plan, &row);
            return node;
        }
        let is_false = matches!(predicate, Expr::Literal(value, _) if *value != heliosdb_storage::Value::Bool(true));
        let children = if is_false { Vec::new() } else { vec![self.node(input, "Outer")] };
        let mut node = Node {
            kind: "Result".to_owned(),
            title: "Result".to_owned(),
            properties: vec![Property::Output(row.clone()), Property::Text("One-Time Filter", text)],
            estimate: None,
            measured: Vec::new(),
            relationship: "Outer",
            subplan: None,
            children,
        };
        self.add_subplans(&mut node, plan, &row);
        node
    }

    /// The names of the row that a node's expressions are over.
    fn row_of(&self, plan: &Plan) -> Vec<String> {
        match plan {
            Plan::Scan(scan) => scan_labels(scan, self.statement),
            Plan::System { .. } => self.labels(plan),
            Plan::NestedLoop(join) => {
                let left = self.labels(&join.left);
                let inside = Around { row: &left, next: self.around };
                let right = if join.lateral {
                    labels(&join.right, Some(&inside), self.statement)
                } else {
                    self.labels(&join.right)
                };
                pair_labels(&left, &right)
            }
            Plan::HashJoin(join) => pair_labels(&self.labels(&join.left), &self.labels(&join.right)),
            Plan::MergeJoin(join) => pair_labels(&self.labels(&join.left), &self.labels(&join.right)),
            Plan::Update(update) => self.labels(&update.input),
            Plan::Delete(delete) => self.labels(&delete.input),
            other => other.inputs().last().map(|(input, _)| self.labels(input)).unwrap_or_default(),
        }
    }

    fn add_subplans(&self, node: &mut Node, plan: &Plan, row: &[String]) {
        let mut found: Vec<(&Arc<Plan>, bool, bool)> = Vec::new();
        for expr in plan.exprs() {
            expr.walk(&mut |expr| {
                if let Expr::Subquery(subquery) = expr
                    && let SubqueryForm::Planned { plan, correlated } = &subquery.form
                {
                    let is_once = !correlated && !matches!(subquery.kind, SubqueryKind::In(_));
                    found.push((plan, is_once, *correlated));
                }
            });
        }
        let inside = Around { row, next: self.around };
        let walk = Walk { around: Some(&inside), statement: self.statement };
        for (plan, is_once, _) in found {
            let number = self.names(row).number(plan);
            let mut below = walk.node(plan, if is_once { "InitPlan" } else { "SubPlan" });
            below.subplan = Some(if is_once {
                format!("InitPlan {number} (returns ${})", number.saturating_sub(1))
            } else {
                format!("SubPlan {number}")
            });
            if is_once {
                let at = node.children.iter().take_while(|child| child.relationship == "InitPlan").count();
                node.children.insert(at, below);
            } else {
                node.children.push(below);
            }
        }
    }

    fn add_children(&self, node: &mut Node, plan: &Plan) {
        let subplans = node.children.iter().position(|child| child.relationship == "SubPlan");
        let at = subplans.unwrap_or(node.children.len());
        let mut below = Vec::new();
        match plan {
            Plan::NestedLoop(join) => {
                below.push(self.node(&join.left, "Outer"));
                if join.lateral {
                    let left = self.labels(&join.left);
                    let inside = Around { row: &left, next: self.around };
                    below.push(Walk { around: Some(&inside), ..*self }.node(&join.right, "Inner"));
                } else {
                    below.push(wrapped("Materialize", self.node(&join.right, "Inner")));
                }
            }
            Plan::HashJoin(join) => {
                below.push(self.node(&join.left, "Outer"));
                below.push(wrapped("Hash", self.node(&join.right, "Inner")));
            }
            Plan::MergeJoin(join) => {
                below.push(self.node(&join.left, "Outer"));
                below.push(self.node(&join.right, "Inner"));
            }
            Plan::Append { inputs } => below.extend(inputs.iter().map(|input| self.node(input, "Member"))),
            Plan::SetOperation(operation) => {
                below.push(self.node(&operation.left, "Outer"));
                below.push(self.node(&operation.right, "Inner"));
            }
            Plan::RecursiveUnion(recursive) => {
                below.push(self.node(&recursive.base, "Outer"));
                below.push(self.node(&recursive.step, "Inner"));
            }
            other => below.extend(other.inputs().into_iter().map(|(input, _)| self.node(input, "Outer"))),
        }
        node.children.splice(at..at, below);
    }

    /// Kind, title and properties of a node by itself.
    fn describe(&self, plan: &Plan) -> (String, String, Vec<Property>) {
        let plain = |kind: &str, properties: Vec<Property>| (kind.to_owned(), kind.to_owned(), properties);
        let titled = |kind: &str, title: String, properties: Vec<Property>| (kind.to_owned(), title, properties);
        match plan {
            Plan::OneRow => plain("Result", Vec::new()),
            Plan::Values { rows } if rows.len() == 1 => plain("Result", Vec::new()),
            Plan::Values { .. } => titled(
                "Values Scan",
                "Values Scan on \"*VALUES*\"".to_owned(),
                vec![Property::Hidden("Alias", "*VALUES*".to_owned())],
            ),
            Plan::Scan(scan) => self.scan(scan),
            Plan::System { relation, filter, name } => {
                let row = self.labels(plan);
                let mut properties = vec![
                    Property::Hidden("Relation Name", relation.name.to_owned()),
                    Property::Hidden("Alias", name.to_string()),
                ];
                properties.extend(
                    filter.iter().map(|filter| Property::Filter("Filter", deparse::text(filter, &self.names(&row)))),
                );
                titled("Seq Scan", format!("Seq Scan on {}", with_alias(relation.name, name)), properties)
            }
            Plan::Function { calls, name, .. } => {
                let function = match calls.as_slice() {
                    [TableCall { callee: TableCallee::Function { function, .. }, .. }] => Some(function.name),
                    _ => None,
                };
                let shown = function.map_or_else(|| name.to_string(), |function| with_alias(function, name));
                let mut properties: Vec<Property> =
                    function.into_iter().map(|name| Property::Hidden("Function Name", name.to_owned())).collect();
                properties.push(Property::Hidden("Alias", name.to_string()));
                titled("Function Scan", format!("Function Scan on {shown}"), properties)
            }
            Plan::ProjectSet { .. } => titled("ProjectSet", "ProjectSet".to_owned(), Vec::new()),
            Plan::CteScan { name, .. } => {
                titled("CTE Scan", format!("CTE Scan on {name}"), vec![Property::Hidden("CTE Name", name.to_string())])
            }
            Plan::WorkTableScan { name, .. } => titled(
                "WorkTable Scan",
                format!("WorkTable Scan on {name}"),
                vec![Property::Hidden("CTE Name", name.to_string())],
            ),
            Plan::NestedLoop(join) => {
                let row = self.row_of(plan);
                self.join("Nested Loop", join.kind, Vec::new(), join.on.as_ref(), &join.output, &row)
            }
            Plan::HashJoin(join) => {
                let row = self.row_of(plan);
                let (left, right) = row.split_at(join.output.left_width.min(row.len()));
                let condition = self.equalities(&join.left_keys, left, &join.right_keys, right);
                let condition = vec![Property::Text("Hash Cond", condition)];
                self.join("Hash Join", join.kind, condition, join.on.as_ref(), &join.output, &row)
            }
            Plan::MergeJoin(join) => {
                let row = self.row_of(plan);
                let (left, right) = row.split_at(join.output.left_width.min(row.len()));
                let left_keys: Vec<Expr> = join.left_keys.iter().map(|key| key.expr.clone()).collect();
                let condition = self.equalities(&left_keys, left, &join.right_keys, right);
                let condition = vec![Property::Text("Merge Cond", condition)];
                self.join("Merge Join", join.kind, condition, join.on.as_ref(), &join.output, &row)
            }
            Plan::Aggregate { input, sorted, groups, sets, .. } => {
                let row = self.labels(input);
                self.aggregate(*sorted, groups, sets, &row)
            }
            Plan::Distinct { input } => {
                let keys = self.labels(input);
                let mut properties = vec![Property::Hidden("Strategy", "Hashed".to_owned())];
                properties.push(Property::List("Group Key", keys));
                titled("Aggregate", "HashAggregate".to_owned(), properties)
            }
            Plan::Window(_) => plain("WindowAgg", Vec::new()),
            Plan::Unique { .. } => plain("Unique", Vec::new()),
            Plan::Sort { input, keys, .. } => {
                let row = self.labels(input);
                let keys = keys.iter().map(|key| sort_key(key, &self.names(&row))).collect();
                plain("Sort", vec![Property::List("Sort Key", keys)])
            }
            Plan::Limit { .. } => plain("Limit", Vec::new()),
            Plan::Append { .. } => plain("Append", Vec::new()),
            Plan::SetOperation(operation) => {
                let all = if operation.all { " All" } else { "" };
                let command = format!("{:?}{all}", operation.kind);
                titled("SetOp", format!("HashSetOp {command}"), vec![Property::Hidden("Command", command.clone())])
            }
            Plan::RecursiveUnion(_) => plain("Recursive Union", Vec::new()),
            Plan::Insert(insert) => modify("Insert", &insert.table.name),
            Plan::Update(update) => modify("Update", &update.table.name),
            Plan::Delete(delete) => modify("Delete", &delete.table.name),
            other => plain(other.kind_name(), Vec::new()),
        }
    }

    fn equalities(&self, left_keys: &[Expr], left: &[String], right_keys: &[Expr], right: &[String]) -> String {
        let one = |(a, b): (&Expr, &Expr)| {
            format!("({} = {})", deparse::text(a, &self.names(left)), deparse::text(b, &self.names(right)))
        };
        conjunction(left_keys.iter().zip(right_keys).map(one).collect())
    }

    fn join(
        &self,
        method: &str,
        kind: JoinKind,
        mut properties: Vec<Property>,
        on: Option<&Expr>,
        output: &JoinOutput,
        row: &[String],
    ) -> (String, String, Vec<Property>) {
        let text = |expr: &Expr| deparse::text(expr, &self.names(row));
        properties.extend(on.map(|on| Property::Filter("Join Filter", text(on))));
        properties.extend(output.filter.as_ref().map(|filter| Property::Filter("Filter", text(filter))));
        let (name, hidden) = match kind {
            JoinKind::Inner => ("", "Inner"),
            JoinKind::Left => (" Left", "Left"),
            JoinKind::Right => (" Right", "Right"),
            JoinKind::Full => (" Full", "Full"),
            JoinKind::Semi => (" Semi", "Semi"),
            JoinKind::Anti => (" Anti", "Anti"),
        };
        properties.insert(0, Property::Hidden("Join Type", hidden.to_owned()));
        let title = match method.strip_suffix(" Join") {
            Some(short) => format!("{short}{name} Join"),
            None if name.is_empty() => method.to_owned(),
            None => format!("{method}{name} Join"),
        };
        (method.to_owned(), title, properties)
    }

    fn aggregate(
        &self,
        sorted: bool,
        groups: &[Expr],
        sets: &[Vec<usize>],
        row: &[String],
    ) -> (String, String, Vec<Property>) {
        let text = |group: &Expr| deparse::text(group, &self.names(row));
        let (title, strategy) = match (sorted, groups.is_empty()) {
            (_, true) => ("Aggregate", "Plain"),
            (true, false) => ("GroupAggregate", "Sorted"),
            (false, false) if sets.len() > 1 && sets.iter().any(Vec::is_empty) => ("MixedAggregate", "Mixed"),
            (false, false) => ("HashAggregate", "Hashed"),
        };
        let mut properties = vec![Property::Hidden("Strategy", strategy.to_owned())];
        if sets.len() > 1 {
            for set in sets {
                let keys: Vec<String> = set.iter().filter_map(|at| groups.get(*at)).map(text).collect();
                properties.push(if keys.is_empty() {
                    Property::Text("Group Key", "()".to_owned())
                } else {
                    Property::List("Hash Key", keys)
                });
            }
        } else if !groups.is_empty() {
            properties.push(Property::List("Group Key", groups.iter().map(text).collect()));
        }
        ("Aggregate".to_owned(), title.to_owned(), properties)
    }

    fn scan(&self, scan: &Scan) -> (String, String, Vec<Property>) {
        let table = &scan.table;
        let relation = with_alias(&table.name, &scan.name);
        let key_name = table.primary_key_name.as_deref().unwrap_or(&table.name);
        let row = scan_labels(scan, self.statement);
        let direction = if scan.backward { " Backward" } else { "" };
        let by_index =
            |kind: &str, index: &str| (kind.to_owned(), format!("{kind}{direction} using {index} on {relation}"));
        let index_of = |at: usize| table.indexes.get(at).map_or("?", |index| index.name.as_str());
        let key_bounds = |key: &[KeyPart]| KeyBounds {
            equal: key.iter().cloned().map(KeyValue::One).collect(),
            ..KeyBounds::default()
        };
        let ((kind, title), condition) = match &scan.access {
            Access::All if scan.backward => (by_index("Index Scan", key_name), None),
            Access::All => (("Seq Scan".to_owned(), format!("Seq Scan on {relation}")), None),
            Access::Point { key } => {
                (by_index("Index Scan", key_name), self.index_condition(scan, &table.primary_key, &key_bounds(key)))
            }
            Access::Key { bounds } => {
                (by_index("Index Scan", key_name), self.index_condition(scan, &table.primary_key, bounds))
            }
            Access::Index { index, bounds, only } => {
                let slots = table.indexes.get(*index).and_then(|index| index.column_slots()).unwrap_or_default();
                let kind = if *only { "Index Only Scan" } else { "Index Scan" };
                (by_index(kind, index_of(*index)), self.index_condition(scan, &slots, bounds))
            }
            Access::Any { paths } => {
                let parts = paths.iter().map(|path| self.path_condition(scan, path)).collect::<Vec<_>>();
                let title = format!("Bitmap Heap Scan on {relation}");
                (("Bitmap Heap Scan".to_owned(), title), Some(format!("({})", parts.join(" OR "))))
            }
        };
        let mut properties = vec![
            Property::Hidden("Scan Direction", if scan.backward { "Backward" } else { "Forward" }.to_owned()),
            Property::Hidden("Relation Name", table.name.clone()),
            Property::Hidden("Alias", scan.name.to_string()),
        ];
        let index_name = match &scan.access {
            Access::Point { .. } | Access::Key { .. } => Some(key_name.to_owned()),
            Access::All if scan.backward => Some(key_name.to_owned()),
            Access::Index { index, .. } => Some(index_of(*index).to_owned()),
            Access::All | Access::Any { .. } => None,
        };
        properties.extend(index_name.map(|name| Property::Hidden("Index Name", name)));
        let label = if matches!(scan.access, Access::Any { .. }) { "Recheck Cond" } else { "Index Cond" };
        properties.extend(condition.map(|condition| Property::Text(label, condition)));
        properties.extend(
            scan.filter.iter().map(|filter| Property::Filter("Filter", deparse::text(filter, &self.names(&row)))),
        );
        (kind, title, properties)
    }

    fn path_condition(&self, scan: &Scan, path: &Access) -> String {
        let table = &scan.table;
        let condition = match path {
            Access::Key { bounds } => self.index_condition(scan, &table.primary_key, bounds),
            Access::Index { index, bounds, .. } => {
                let slots = table.indexes.get(*index).and_then(|index| index.column_slots()).unwrap_or_default();
                self.index_condition(scan, &slots, bounds)
            }
            Access::All | Access::Point { .. } | Access::Any { .. } => None,
        };
        condition.unwrap_or_default()
    }

    fn index_condition(&self, scan: &Scan, slots: &[usize], bounds: &KeyBounds) -> Option<String> {
        let names = self.names(&[]);
        let column = |slot: usize| {
            let name = crate::functions::quote_ident(column_name(&scan.table, slot));
            let is_varchar = scan
                .table
                .columns
                .get(slot)
                .is_some_and(|column| column.column_type.data_type == heliosdb_storage::value::DataType::Varchar);
            if is_varchar { format!("({name})::text") } else { name }
        };
        let mut parts = Vec::new();
        for (slot, value) in slots.iter().zip(&bounds.equal) {
            parts.push(match value {
                KeyValue::One(part) => format!("({} = {})", column(*slot), deparse::text(&part.expr, &names)),
                KeyValue::Null(_) => format!("({} IS NULL)", column(*slot)),
                KeyValue::Any(items) => {
                    let data_type =
                        items.first().map_or(heliosdb_storage::value::DataType::Unknown, |part| part.column);
                    let list = Expr::InList {
                        expr: Box::new(Expr::Column(0, data_type)),
                        list: items.iter().map(|part| part.expr.clone()).collect(),
                    };
                    let row = [crate::functions::quote_ident(column_name(&scan.table, *slot))];
                    deparse::text(&list, &self.names(&row))
                }
            });
        }
        if let Some(slot) = slots.get(bounds.equal.len()) {
            let lower = bounds.lower.iter().map(|bound| (if bound.inclusive { ">=" } else { ">" }, bound));
            let upper = bounds.upper.iter().map(|bound| (if bound.inclusive { "<=" } else { "<" }, bound));
            parts.extend(lower.chain(upper).map(|(symbol, bound)| {
                format!("({} {symbol} {})", column(*slot), deparse::text(&bound.part.expr, &names))
            }));
            if bounds.not_null.is_some() && bounds.lower.is_none() && bounds.upper.is_none() {
                parts.push(format!("({} IS NOT NULL)", column(*slot)));
            }
        }
        (!parts.is_empty()).then(|| conjunction(parts))
    }
}

fn conjunction(mut parts: Vec<String>) -> String {
    if parts.len() == 1 { parts.pop().unwrap_or_default() } else { format!("({})", parts.join(" AND ")) }
}

fn with_alias(name: &str, alias: &str) -> String {
    let quoted = crate::functions::quote_ident;
    if name == alias || alias.is_empty() { quoted(name) } else { format!("{} {}", quoted(name), quoted(alias)) }
}

fn modify(operation: &str, table: &str) -> (String, String, Vec<Property>) {
    let properties =
        vec![Property::Hidden("Operation", operation.to_owned()), Property::Hidden("Relation Name", table.to_owned())];
    ("ModifyTable".to_owned(), format!("{operation} on {}", crate::functions::quote_ident(table)), properties)
}

fn sort_key(key: &SortKey, names: &Names<'_>) -> String {
    let direction = if key.descending { " DESC" } else { "" };
    let nulls = match (key.descending, key.nulls_first) {
        (false, true) => " NULLS FIRST",
        (true, false) => " NULLS LAST",
        _ => "",
    };
    format!("{}{direction}{nulls}", deparse::text(&key.expr, names))
}

/// A node that PostgreSQL has and that is part of its parent here.
fn wrapped(kind: &str, mut below: Node) -> Node {
    let relationship = std::mem::replace(&mut below.relationship, "Outer");
    Node {
        kind: kind.to_owned(),
        title: kind.to_owned(),
        properties: Vec::new(),
        estimate: below.estimate.map(|estimate| Estimate { startup: estimate.total, ..estimate }),
        measured: below.measured.clone(),
        relationship,
        subplan: None,
        children: vec![below],
    }
}
