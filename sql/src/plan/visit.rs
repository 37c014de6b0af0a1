//! Walking over the expressions of a plan.

use super::{
    Access, AggregateCall, Frame, FrameBound, KeyBounds, KeyPart, KeyValue, OnConflict, Plan, Returning, RowLimit,
    TableCall, TableCallee, WindowCall, WindowCallee,
};
use crate::bind::tree::CteId;
use crate::expr::{Expr, SubqueryForm};
use crate::functions::Volatility;

impl Plan {
    /// Calls the function on every reference, from anywhere in the plan, to the row that is `level` queries further out
    /// than the plan's own expressions.
    pub fn columns_at(&self, level: usize, visit: &mut dyn FnMut(usize)) {
        self.for_each_expr(level, &mut |expr, level| {
            // Level 0 would be the rows inside the plan itself, which mean nothing outside of it.
            if level > 0 {
                expr.columns_at(level, visit);
            }
        });
    }

    /// Changes every reference to the row that is `level` queries further out.
    pub fn map_columns_at(&mut self, level: usize, map: &mut dyn FnMut(usize) -> usize) {
        self.for_each_expr_mut(level, &mut |expr, level| {
            if level > 0 {
                expr.map_columns_at(level, map);
            }
        });
    }

    /// Moves references that leave `level` enclosing queries so many rows further out, or further in if negative.
    pub fn shift_outer(&mut self, level: usize, by: isize) {
        self.for_each_expr_mut(level, &mut |expr, level| expr.shift_outer(level, by));
    }

    /// Whether it refers to rows outside of itself.
    pub fn is_correlated(&self) -> bool {
        let mut found = false;
        self.for_each_expr(0, &mut |expr, level| found |= expr.leaves(level));
        found || self.depends_on_unstable(&mut Vec::new())
    }

    /// Whether it scans a query from outside whose rows are not always the same within the statement; `own` are those
    /// from inside.
    fn depends_on_unstable(&self, own: &mut Vec<CteId>) -> bool {
        let depends = match self {
            Self::With { ctes, .. } => {
                own.extend(ctes.iter().map(|cte| cte.id));
                false
            }
            Self::RecursiveUnion(recursive) => {
                own.push(recursive.id);
                false
            }
            Self::CteScan { id, stable, .. } => !stable && !own.contains(id),
            Self::WorkTableScan { id, .. } => !own.contains(id),
            _ => false,
        };
        let mut in_subquery = false;
        for expr in self.exprs() {
            expr.walk(&mut |expr| {
                if let Expr::Subquery(subquery) = expr {
                    in_subquery |= match &subquery.form {
                        SubqueryForm::Planned { plan, .. } => plan.depends_on_unstable(own),
                        SubqueryForm::Bound(query) => !query.is_stable(),
                    };
                }
            });
        }
        depends || in_subquery || self.inputs().into_iter().any(|(input, _)| input.depends_on_unstable(own))
    }

    /// Whether anything in it may give another result when it is run again within the statement.
    pub fn is_volatile(&self) -> bool {
        let own = match self {
            Self::Function { calls, .. } | Self::ProjectSet { calls, .. } => calls.iter().any(TableCall::is_volatile),
            Self::Insert(_) | Self::Update(_) | Self::Delete(_) => true,
            _ => false,
        };
        own || self.exprs().into_iter().any(Expr::is_volatile)
            || self.inputs().into_iter().any(|(input, _)| input.is_volatile())
    }

    /// Calls the function on every expression of the plan with its level: one more inside a side of a join that is run
    /// anew per outer row. Expressions of subqueries' plans are left to the function.
    pub fn for_each_expr(&self, level: usize, visit: &mut dyn FnMut(&Expr, usize)) {
        for expr in self.exprs() {
            visit(expr, level);
        }
        for (input, lateral) in self.inputs() {
            input.for_each_expr(level + usize::from(lateral), visit);
        }
    }

    /// As [`Plan::for_each_expr`], to change them.
    pub fn for_each_expr_mut(&mut self, level: usize, visit: &mut dyn FnMut(&mut Expr, usize)) {
        for expr in self.exprs_mut() {
            visit(expr, level);
        }
        for (input, lateral) in self.inputs_mut() {
            input.for_each_expr_mut(level + usize::from(lateral), visit);
        }
    }

    /// How many columns its rows have.
    pub fn width(&self) -> usize {
        match self {
            Self::OneRow => 0,
            Self::Values { rows } => rows.first().map_or(0, Vec::len),
            Self::Scan(scan) => scan.width,
            Self::System { relation, .. } => relation.columns.len(),
            Self::Function { calls, ordinality, .. } => {
                calls.iter().map(TableCall::width).sum::<usize>() + usize::from(*ordinality)
            }
            Self::ProjectSet { input, calls } => input.width() + calls.len(),
            Self::Filter { input, .. }
            | Self::Estimated { input, .. }
            | Self::Distinct { input }
            | Self::Unique { input, .. }
            | Self::Sort { input, .. }
            | Self::Limit { input, .. } => input.width(),
            Self::Project { exprs, .. } => exprs.len(),
            Self::Truncate { width, .. } => *width,
            Self::NestedLoop(join) => join.output.width(join.kind),
            Self::HashJoin(join) => join.output.width(join.kind),
            Self::MergeJoin(join) => join.output.width(join.kind),
            Self::Aggregate { groups, calls, masks, .. } => groups.len() + calls.len() + masks.len(),
            Self::Append { inputs } => inputs.first().map_or(0, Self::width),
            Self::With { input, .. } => input.width(),
            Self::CteScan { width, .. } | Self::WorkTableScan { width, .. } => *width,
            Self::RecursiveUnion(recursive) => recursive.base.width(),
            Self::SetOperation(operation) => operation.left.width(),
            Self::Window(window) => window.input.width() + window.calls.len(),
            Self::LockRows(locks) => locks.base,
            Self::Insert(insert) => returned(insert.returning.as_ref()).count(),
            Self::Update(update) => returned(update.returning.as_ref()).count(),
            Self::Delete(delete) => returned(delete.returning.as_ref()).count(),
        }
    }

    /// The plans below, and whether each is run anew for every row of its sibling.
    pub fn inputs(&self) -> Vec<(&Self, bool)> {
        match self {
            Self::OneRow
            | Self::Values { .. }
            | Self::Scan(_)
            | Self::System { .. }
            | Self::Function { .. }
            | Self::CteScan { .. }
            | Self::WorkTableScan { .. } => Vec::new(),
            Self::Filter { input, .. }
            | Self::Estimated { input, .. }
            | Self::Project { input, .. }
            | Self::Truncate { input, .. }
            | Self::Aggregate { input, .. }
            | Self::Distinct { input }
            | Self::Unique { input, .. }
            | Self::ProjectSet { input, .. }
            | Self::Sort { input, .. }
            | Self::Limit { input, .. } => vec![(input, false)],
            Self::NestedLoop(join) => vec![(&join.left, false), (&join.right, join.lateral)],
            Self::HashJoin(join) => vec![(&join.left, false), (&join.right, false)],
            Self::MergeJoin(join) => vec![(&join.left, false), (&join.right, false)],
            Self::Append { inputs } => inputs.iter().map(|input| (input, false)).collect(),
            Self::With { ctes, input } => {
                ctes.iter().map(|cte| &cte.plan).chain([input.as_ref()]).map(|input| (input, false)).collect()
            }
            Self::SetOperation(operation) => vec![(&operation.left, false), (&operation.right, false)],
            Self::Window(window) => vec![(&window.input, false)],
            Self::LockRows(locks) => vec![(&locks.input, false)],
            Self::RecursiveUnion(recursive) => vec![(&recursive.base, false), (&recursive.step, false)],
            Self::Insert(insert) => vec![(&insert.input, false)],
            Self::Update(update) => vec![(&update.input, false)],
            Self::Delete(delete) => vec![(&delete.input, false)],
        }
    }

    /// The plans below, to be changed.
    pub fn inputs_mut(&mut self) -> Vec<(&mut Self, bool)> {
        match self {
            Self::OneRow
            | Self::Values { .. }
            | Self::Scan(_)
            | Self::System { .. }
            | Self::Function { .. }
            | Self::CteScan { .. }
            | Self::WorkTableScan { .. } => Vec::new(),
            Self::Filter { input, .. }
            | Self::Estimated { input, .. }
            | Self::Project { input, .. }
            | Self::Truncate { input, .. }
            | Self::Aggregate { input, .. }
            | Self::Distinct { input }
            | Self::Unique { input, .. }
            | Self::ProjectSet { input, .. }
            | Self::Sort { input, .. }
            | Self::Limit { input, .. } => vec![(input, false)],
            Self::NestedLoop(join) => {
                let lateral = join.lateral;
                vec![(&mut join.left, false), (&mut join.right, lateral)]
            }
            Self::HashJoin(join) => vec![(&mut join.left, false), (&mut join.right, false)],
            Self::MergeJoin(join) => vec![(&mut join.left, false), (&mut join.right, false)],
            Self::Append { inputs } => inputs.iter_mut().map(|input| (input, false)).collect(),
            Self::With { ctes, input } => {
                ctes.iter_mut().map(|cte| &mut cte.plan).chain([input.as_mut()]).map(|input| (input, false)).collect()
            }
            Self::SetOperation(operation) => vec![(&mut operation.left, false), (&mut operation.right, false)],
            Self::Window(window) => vec![(&mut window.input, false)],
            Self::LockRows(locks) => vec![(&mut locks.input, false)],
            Self::RecursiveUnion(recursive) => vec![(&mut recursive.base, false), (&mut recursive.step, false)],
            Self::Insert(insert) => vec![(&mut insert.input, false)],
            Self::Update(update) => vec![(&mut update.input, false)],
            Self::Delete(delete) => vec![(&mut delete.input, false)],
        }
    }

    /// Whether anything in it changes rows.
    pub fn changes_rows(&self) -> bool {
        self.is_change() || self.inputs().into_iter().any(|(input, _)| input.changes_rows())
    }

    /// Whether it is INSERT, UPDATE or DELETE.
    pub const fn is_change(&self) -> bool {
        matches!(self, Self::Insert(_) | Self::Update(_) | Self::Delete(_))
    }

    /// Whether a subquery in one of its expressions scans a query of WITH.
    pub fn scans_in_expression(&self, wanted: CteId) -> bool {
        let mut found = false;
        for expr in self.exprs() {
            expr.walk(&mut |expr| {
                if let Expr::Subquery(subquery) = expr
                    && let SubqueryForm::Planned { plan, .. } = &subquery.form
                {
                    found |= plan.scans(wanted);
                }
            });
        }
        found || self.inputs().into_iter().any(|(input, _)| input.scans_in_expression(wanted))
    }

    fn scans(&self, wanted: CteId) -> bool {
        matches!(self, Self::CteScan { id, .. } if *id == wanted)
            || self.inputs().into_iter().any(|(input, _)| input.scans(wanted))
            || self.scans_in_expression(wanted)
    }

    /// The expressions of this operator itself.
    pub fn exprs(&self) -> Vec<&Expr> {
        match self {
            Self::OneRow
            | Self::Estimated { .. }
            | Self::Truncate { .. }
            | Self::Distinct { .. }
            | Self::Unique { .. }
            | Self::Append { .. }
            | Self::SetOperation(_)
            | Self::With { .. }
            | Self::CteScan { .. }
            | Self::RecursiveUnion(_)
            | Self::WorkTableScan { .. } => Vec::new(),
            Self::Values { rows } => rows.iter().flatten().collect(),
            Self::Scan(scan) => scan.access.exprs().into_iter().chain(&scan.filter).collect(),
            Self::System { filter, .. } => filter.iter().collect(),
            Self::Function { calls, .. } | Self::ProjectSet { calls, .. } => {
                calls.iter().flat_map(TableCall::exprs).collect()
            }
            Self::Filter { predicate, .. } => vec![predicate],
            Self::Project { exprs, .. } => exprs.iter().collect(),
            Self::NestedLoop(join) => join.on.iter().chain(&join.output.filter).collect(),
            Self::HashJoin(join) => (join.left_keys.iter().chain(&join.right_keys))
                .chain(join.on.iter().chain(&join.output.filter))
                .collect(),
            Self::MergeJoin(join) => (join.left_keys.iter().map(|key| &key.expr).chain(&join.right_keys))
                .chain(join.on.iter().chain(&join.output.filter))
                .collect(),
            Self::Aggregate { groups, calls, .. } => {
                groups.iter().chain(calls.iter().flat_map(AggregateCall::exprs)).collect()
            }
            Self::LockRows(locks) => locks.targets.iter().chain(&locks.filter).collect(),
            Self::Window(window) => (window.partition.iter())
                .chain(window.order.iter().map(|key| &key.expr))
                .chain(window.calls.iter().flat_map(WindowCall::exprs))
                .collect(),
            Self::Sort { keys, bound, .. } => {
                keys.iter().map(|key| &key.expr).chain(bound.iter().flat_map(RowLimit::exprs)).collect()
            }
            Self::Limit { limit, .. } => limit.exprs().collect(),
            Self::Insert(insert) => (insert.values.iter())
                .chain(insert.conflict.iter().flat_map(OnConflict::exprs))
                .chain(returned(insert.returning.as_ref()))
                .collect(),
            Self::Update(update) => (update.filter.iter())
                .chain(update.assignments.exprs())
                .chain(returned(update.returning.as_ref()))
                .collect(),
            Self::Delete(delete) => (delete.filter.iter()).chain(returned(delete.returning.as_ref())).collect(),
        }
    }

    /// The expressions of this operator itself, to be changed.
    pub fn exprs_mut(&mut self) -> Vec<&mut Expr> {
        match self {
            Self::OneRow
            | Self::Estimated { .. }
            | Self::Truncate { .. }
            | Self::Distinct { .. }
            | Self::Unique { .. }
            | Self::Append { .. }
            | Self::SetOperation(_)
            | Self::With { .. }
            | Self::CteScan { .. }
            | Self::RecursiveUnion(_)
            | Self::WorkTableScan { .. } => Vec::new(),
            Self::Values { rows } => rows.iter_mut().flatten().collect(),
            Self::Scan(scan) => scan.access.exprs_mut().into_iter().chain(&mut scan.filter).collect(),
            Self::System { filter, .. } => filter.iter_mut().collect(),
            Self::Function { calls, .. } | Self::ProjectSet { calls, .. } => {
                calls.iter_mut().flat_map(TableCall::exprs_mut).collect()
            }
            Self::Filter { predicate, .. } => vec![predicate],
            Self::Project { exprs, .. } => exprs.iter_mut().collect(),
            Self::NestedLoop(join) => join.on.iter_mut().chain(&mut join.output.filter).collect(),
            Self::HashJoin(join) => (join.left_keys.iter_mut().chain(&mut join.right_keys))
                .chain(join.on.iter_mut().chain(&mut join.output.filter))
                .collect(),
            Self::MergeJoin(join) => (join.left_keys.iter_mut().map(|key| &mut key.expr).chain(&mut join.right_keys))
                .chain(join.on.iter_mut().chain(&mut join.output.filter))
                .collect(),
            Self::Aggregate { groups, calls, .. } => {
                groups.iter_mut().chain(calls.iter_mut().flat_map(AggregateCall::exprs_mut)).collect()
            }
            Self::LockRows(locks) => locks.targets.iter_mut().chain(&mut locks.filter).collect(),
            Self::Window(window) => (window.partition.iter_mut())
                .chain(window.order.iter_mut().map(|key| &mut key.expr))
                .chain(window.calls.iter_mut().flat_map(WindowCall::exprs_mut))
                .collect(),
            Self::Sort { keys, bound, .. } => {
                keys.iter_mut().map(|key| &mut key.expr).chain(bound.iter_mut().flat_map(RowLimit::exprs_mut)).collect()
            }
            Self::Limit { limit, .. } => limit.exprs_mut().collect(),
            Self::Insert(insert) => (insert.values.iter_mut())
                .chain(insert.conflict.iter_mut().flat_map(OnConflict::exprs_mut))
                .chain(returned_mut(insert.returning.as_mut()))
                .collect(),
            Self::Update(update) => (update.filter.iter_mut())
                .chain(update.assignments.exprs_mut())
                .chain(returned_mut(update.returning.as_mut()))
                .collect(),
            Self::Delete(delete) => (delete.filter.iter_mut()).chain(returned_mut(delete.returning.as_mut())).collect(),
        }
    }
}

impl AggregateCall {
    /// The expressions over the row that it is given.
    pub fn exprs(&self) -> impl Iterator<Item = &Expr> {
        self.args.iter().chain(self.order.iter().map(|key| &key.expr)).chain(&self.filter)
    }

    /// Whether both compute the same.
    pub fn same(&self, other: &Self) -> bool {
        let same_filter = match (&self.filter, &other.filter) {
            (None, None) => true,
            (Some(a), Some(b)) => a.same(b),
            _ => false,
        };
        std::ptr::eq(self.function, other.function)
            && self.distinct == other.distinct
            && self.distinct_by == other.distinct_by
            && self.returns == other.returns
            && same_filter
            && self.order.len() == other.order.len()
            && self.order.iter().zip(&other.order).all(|(a, b)| a.same(b))
            && self.args.len() == other.args.len()
            && self.args.iter().zip(&other.args).all(|(a, b)| a.same(b))
    }

    /// As [`AggregateCall::exprs`], to change them.
    pub fn exprs_mut(&mut self) -> impl Iterator<Item = &mut Expr> {
        self.args.iter_mut().chain(self.order.iter_mut().map(|key| &mut key.expr)).chain(&mut self.filter)
    }
}

impl OnConflict {
    /// Its expressions.
    pub fn exprs(&self) -> impl Iterator<Item = &Expr> {
        self.update.iter().flat_map(|update| update.assignments.exprs().chain(&update.filter))
    }

    /// Its expressions, to be changed.
    pub fn exprs_mut(&mut self) -> impl Iterator<Item = &mut Expr> {
        self.update.iter_mut().flat_map(|update| update.assignments.exprs_mut().chain(&mut update.filter))
    }
}

impl WindowCall {
    /// Its expressions, over the row that it is given; the offsets of its frame see none.
    pub fn exprs(&self) -> impl Iterator<Item = &Expr> {
        let (aggregate, args) = match &self.callee {
            WindowCallee::Aggregate(call) => (Some(call), [].as_slice()),
            WindowCallee::Function { args, .. } => (None, args.as_slice()),
        };
        let offsets = [&self.frame.start, &self.frame.end].into_iter().filter_map(|bound| match bound {
            FrameBound::Preceding(offset) | FrameBound::Following(offset) => Some(offset),
            _ => None,
        });
        aggregate.into_iter().flat_map(AggregateCall::exprs).chain(args).chain(offsets)
    }

    /// As [`WindowCall::exprs`], to change them.
    pub fn exprs_mut(&mut self) -> impl Iterator<Item = &mut Expr> {
        let (aggregate, args) = match &mut self.callee {
            WindowCallee::Aggregate(call) => (Some(call), [].as_mut_slice()),
            WindowCallee::Function { args, .. } => (None, args.as_mut_slice()),
        };
        let offsets = [&mut self.frame.start, &mut self.frame.end].into_iter().filter_map(|bound| match bound {
            FrameBound::Preceding(offset) | FrameBound::Following(offset) => Some(offset),
            _ => None,
        });
        aggregate.into_iter().flat_map(AggregateCall::exprs_mut).chain(args).chain(offsets)
    }

    /// Whether both compute the same.
    pub fn same(&self, other: &Self) -> bool {
        let callee = match (&self.callee, &other.callee) {
            (WindowCallee::Aggregate(a), WindowCallee::Aggregate(b)) => a.same(b),
            (
                WindowCallee::Function { function: f, args: a, .. },
                WindowCallee::Function { function: g, args: b, .. },
            ) => f == g && a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b)),
            _ => false,
        };
        callee && self.frame.same(&other.frame)
    }
}

impl Frame {
    /// Whether both are the same rows.
    fn same(&self, other: &Self) -> bool {
        let bounds = |a: &FrameBound, b: &FrameBound| match (a, b) {
            (FrameBound::Preceding(a), FrameBound::Preceding(b)) => a.same(b),
            (FrameBound::Following(a), FrameBound::Following(b)) => a.same(b),
            _ => std::mem::discriminant(a) == std::mem::discriminant(b),
        };
        self.units == other.units
            && self.exclusion == other.exclusion
            && bounds(&self.start, &other.start)
            && bounds(&self.end, &other.end)
    }
}

impl TableCall {
    /// Its expressions.
    pub fn exprs(&self) -> &[Expr] {
        match &self.callee {
            TableCallee::Function { args, .. } => args,
            TableCallee::Value(expr) => std::slice::from_ref(expr),
        }
    }

    /// As [`TableCall::exprs`], to change them.
    pub fn exprs_mut(&mut self) -> &mut [Expr] {
        match &mut self.callee {
            TableCallee::Function { args, .. } => args,
            TableCallee::Value(expr) => std::slice::from_mut(expr),
        }
    }

    /// How many columns its rows have.
    pub fn width(&self) -> usize {
        self.shape.fields.len()
    }

    /// Whether it gives plain values, not rows.
    pub fn is_value(&self) -> bool {
        match &self.callee {
            TableCallee::Function { function, .. } => function.is_value(),
            TableCallee::Value(_) => true,
        }
    }

    /// Whether the function itself may give other rows when it is called again.
    pub fn is_volatile(&self) -> bool {
        matches!(&self.callee, TableCallee::Function { function, .. } if function.volatility == Volatility::Volatile)
    }
}

impl RowLimit {
    /// Its expressions.
    pub fn exprs(&self) -> impl Iterator<Item = &Expr> {
        self.limit.iter().chain(&self.offset)
    }

    /// As [`RowLimit::exprs`], to change them.
    pub fn exprs_mut(&mut self) -> impl Iterator<Item = &mut Expr> {
        self.limit.iter_mut().chain(&mut self.offset)
    }
}

impl Access {
    /// The expressions of its key.
    pub fn exprs(&self) -> Vec<&Expr> {
        match self {
            Self::All => Vec::new(),
            Self::Point { key } => key.iter().map(|part| &part.expr).collect(),
            Self::Key { bounds } | Self::Index { bounds, .. } => bounds.parts().map(|part| &part.expr).collect(),
            Self::Any { paths } => paths.iter().flat_map(Self::exprs).collect(),
        }
    }

    /// The expressions of its key, to be changed.
    pub fn exprs_mut(&mut self) -> Vec<&mut Expr> {
        match self {
            Self::All => Vec::new(),
            Self::Point { key } => key.iter_mut().map(|part| &mut part.expr).collect(),
            Self::Key { bounds } | Self::Index { bounds, .. } => {
                bounds.parts_mut().map(|part| &mut part.expr).collect()
            }
            Self::Any { paths } => paths.iter_mut().flat_map(Self::exprs_mut).collect(),
        }
    }
}

impl KeyBounds {
    fn parts(&self) -> impl Iterator<Item = &KeyPart> {
        let equal = self.equal.iter().flat_map(|value| match value {
            KeyValue::One(part) => std::slice::from_ref(part),
            KeyValue::Any(parts) => parts,
            KeyValue::Null(_) => &[],
        });
        equal.chain(self.lower.iter().chain(&self.upper).map(|bound| &bound.part))
    }

    fn parts_mut(&mut self) -> impl Iterator<Item = &mut KeyPart> {
        let equal = self.equal.iter_mut().flat_map(|value| match value {
            KeyValue::One(part) => std::slice::from_mut(part),
            KeyValue::Any(parts) => parts,
            KeyValue::Null(_) => &mut [],
        });
        equal.chain(self.lower.iter_mut().chain(&mut self.upper).map(|bound| &mut bound.part))
    }
}

fn returned(returning: Option<&Returning>) -> impl Iterator<Item = &Expr> {
    returning.into_iter().flat_map(|returning| &returning.exprs)
}

fn returned_mut(returning: Option<&mut Returning>) -> impl Iterator<Item = &mut Expr> {
    returning.into_iter().flat_map(|returning| &mut returning.exprs)
}
