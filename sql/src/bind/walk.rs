//! Walking over the expressions of a bound query.
//!
//! Every expression has a *level*: how many rows stand between it and the rows around the query. Those of the query and
//! of the relations of its FROM have the level that the walk begins with.

use super::tree::{Body, CteId, Modify, Query, Relation, Select, Target};
use crate::expr::{Expr, SubqueryForm};
use crate::plan::{OnConflict, RowLimit, TableCall};

impl Query {
    /// Calls the function on every reference, from anywhere in the query, to the row that is `level` queries further out
    /// than the query's own expressions.
    pub fn columns_at(&self, level: usize, visit: &mut dyn FnMut(usize)) {
        self.for_each_expr(level, &mut |expr, level| {
            // Level 0 would be the rows inside the query itself, which mean nothing outside of it.
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

    /// Calls the function on every expression of the query with its level. Expressions of the subqueries in expressions
    /// are left to the function.
    pub fn for_each_expr(&self, level: usize, visit: &mut dyn FnMut(&Expr, usize)) {
        let Self { with, body, order, limit, columns: _ } = self;
        with.iter().for_each(|cte| cte.query.for_each_expr(level, visit));
        match body {
            Body::Select(select) => select.for_each_expr(level, visit),
            Body::Modify(modify) => modify.for_each_expr(level, visit),
            Body::Values(rows) => rows.iter().flatten().for_each(|expr| visit(expr, level)),
            Body::Union { inputs, all: _ } => inputs.iter().for_each(|input| input.for_each_expr(level, visit)),
            Body::SetOperation { left, right, .. } => {
                left.for_each_expr(level, visit);
                right.for_each_expr(level, visit);
            }
            Body::Recursive(recursive) => {
                recursive.base.for_each_expr(level, visit);
                recursive.step.for_each_expr(level, visit);
            }
        }
        order.iter().for_each(|key| visit(&key.expr, level));
        limit.iter().flat_map(RowLimit::exprs).for_each(|expr| visit(expr, level));
    }

    /// As [`Query::for_each_expr`], to change them.
    pub fn for_each_expr_mut(&mut self, level: usize, visit: &mut dyn FnMut(&mut Expr, usize)) {
        let Self { with, body, order, limit, columns: _ } = self;
        with.iter_mut().for_each(|cte| cte.query.for_each_expr_mut(level, visit));
        match body {
            Body::Select(select) => select.for_each_expr_mut(level, visit),
            Body::Modify(modify) => modify.for_each_expr_mut(level, visit),
            Body::Values(rows) => rows.iter_mut().flatten().for_each(|expr| visit(expr, level)),
            Body::Union { inputs, all: _ } => inputs.iter_mut().for_each(|input| input.for_each_expr_mut(level, visit)),
            Body::SetOperation { left, right, .. } => {
                left.for_each_expr_mut(level, visit);
                right.for_each_expr_mut(level, visit);
            }
            Body::Recursive(recursive) => {
                recursive.base.for_each_expr_mut(level, visit);
                recursive.step.for_each_expr_mut(level, visit);
            }
        }
        order.iter_mut().for_each(|key| visit(&mut key.expr, level));
        limit.iter_mut().flat_map(RowLimit::exprs_mut).for_each(|expr| visit(expr, level));
    }

    /// Calls the function on every relation, those of subqueries in expressions too, with its level: what is below a
    /// relation first.
    pub fn for_each_relation_mut(&mut self, level: usize, visit: &mut dyn FnMut(&mut Relation, usize)) {
        self.for_each_expr_mut(level, &mut |expr, level| relations_in(expr, level, visit));
        self.relations_of_from(level, visit);
    }

    /// The relations of FROM, at any depth, but not those of subqueries in expressions.
    fn relations_of_from(&mut self, level: usize, visit: &mut dyn FnMut(&mut Relation, usize)) {
        self.with.iter_mut().for_each(|cte| cte.query.relations_of_from(level, visit));
        match &mut self.body {
            Body::Select(select) => select.from.relations_of_from(level, visit),
            Body::Modify(modify) => match modify.as_mut() {
                Modify::Insert { input, .. } => input.relations_of_from(level, visit),
                Modify::Update { target, .. } | Modify::Delete { target, .. } => {
                    target.from.iter_mut().for_each(|from| from.relations_of_from(level, visit));
                }
            },
            Body::Values(_) => {}
            Body::Union { inputs, all: _ } => {
                inputs.iter_mut().for_each(|input| input.relations_of_from(level, visit));
            }
            Body::SetOperation { left, right, .. } => {
                left.relations_of_from(level, visit);
                right.relations_of_from(level, visit);
            }
            Body::Recursive(recursive) => {
                recursive.base.relations_of_from(level, visit);
                recursive.step.relations_of_from(level, visit);
            }
        }
    }

    /// Calls the function on the query and on all queries in it, those in expressions too.
    pub fn for_each_query(&self, visit: &mut dyn FnMut(&Self)) {
        self.for_each_expr(0, &mut |expr, _| {
            expr.walk(&mut |expr| {
                if let Expr::Subquery(subquery) = expr
                    && let SubqueryForm::Bound(query) = &subquery.form
                {
                    query.for_each_query(visit);
                }
            });
        });
        self.queries_of_from(visit);
    }

    /// The query and those of FROM, at any depth, but not the subqueries in expressions.
    fn queries_of_from(&self, visit: &mut dyn FnMut(&Self)) {
        visit(self);
        self.with.iter().for_each(|cte| cte.query.queries_of_from(visit));
        match &self.body {
            Body::Select(select) => queries_below(&select.from, visit),
            Body::Modify(modify) => match modify.as_ref() {
                Modify::Insert { input, .. } => input.queries_of_from(visit),
                Modify::Update { target, .. } | Modify::Delete { target, .. } => {
                    target.from.iter().for_each(|from| queries_below(from, visit));
                }
            },
            Body::Values(_) => {}
            Body::Union { inputs, all: _ } => inputs.iter().for_each(|input| input.queries_of_from(visit)),
            Body::SetOperation { left, right, .. } => {
                left.queries_of_from(visit);
                right.queries_of_from(visit);
            }
            Body::Recursive(recursive) => {
                recursive.base.queries_of_from(visit);
                recursive.step.queries_of_from(visit);
            }
        }
    }

    /// Calls the function on every relation but joins, those of subqueries in expressions too.
    pub fn for_each_relation(&self, visit: &mut dyn FnMut(&Relation)) {
        self.for_each_query(&mut |query| match &query.body {
            Body::Select(select) => select.from.for_each_leaf(visit),
            Body::Modify(modify) => {
                if let Modify::Update { target, .. } | Modify::Delete { target, .. } = modify.as_ref() {
                    target.from.iter().for_each(|from| from.for_each_leaf(visit));
                }
            }
            _ => {}
        });
    }

    /// Whether it gives the same rows however often it is run within the statement, wherever that is: it reads no row
    /// from outside, and nothing that depends on one.
    pub fn is_stable(&self) -> bool {
        let mut is_stable = true;
        self.for_each_expr(0, &mut |expr, level| is_stable &= !expr.leaves(level));
        let mut own: Vec<CteId> = Vec::new();
        self.for_each_query(&mut |query| {
            own.extend(query.with.iter().map(|cte| cte.id));
            if let Body::Recursive(recursive) = &query.body {
                own.push(recursive.id);
            }
        });
        self.for_each_relation(&mut |relation| match relation {
            Relation::Cte { id, stable, .. } => is_stable &= *stable || own.contains(id),
            Relation::WorkTable { id, .. } => is_stable &= own.contains(id),
            _ => {}
        });
        is_stable
    }

    /// Whether rows are locked anywhere in it.
    pub fn locks_rows(&self) -> bool {
        let mut locks = false;
        self.for_each_query(&mut |query| {
            locks |= matches!(&query.body, Body::Select(select) if !select.locks.is_empty());
        });
        locks
    }

    /// Whether anything in it may give another result when it is run again within the statement.
    pub fn is_volatile(&self) -> bool {
        let mut is_volatile = false;
        self.for_each_expr(0, &mut |expr, _| is_volatile |= expr.is_volatile());
        self.for_each_relation(&mut |relation| {
            if let Relation::Function { calls, .. } = relation {
                is_volatile |= calls.iter().any(TableCall::is_volatile);
            }
        });
        self.for_each_query(&mut |query| {
            is_volatile |= matches!(query.body, Body::Modify(_));
            if let Body::Select(select) = &query.body {
                is_volatile |= select.sets.iter().flatten().any(TableCall::is_volatile);
            }
        });
        is_volatile
    }
}

/// The queries that a relation of FROM is made of.
fn queries_below(relation: &Relation, visit: &mut dyn FnMut(&Query)) {
    relation.for_each_leaf(&mut |relation| {
        if let Relation::Query { query, .. } = relation {
            query.queries_of_from(visit);
        }
    });
}

impl Modify {
    fn for_each_expr(&self, level: usize, visit: &mut dyn FnMut(&Expr, usize)) {
        match self {
            Self::Insert { input, values, conflict, .. } => {
                input.for_each_expr(level, visit);
                values.iter().for_each(|expr| visit(expr, level));
                conflict.iter().flat_map(OnConflict::exprs).for_each(|expr| visit(expr, level));
            }
            Self::Update { target, assignments, .. } => {
                target.for_each_expr(level, visit);
                assignments.exprs().for_each(|expr| visit(expr, level));
            }
            Self::Delete { target, .. } => target.for_each_expr(level, visit),
        }
        self.returning().iter().flat_map(|bound| &bound.returning.exprs).for_each(|expr| visit(expr, level));
    }

    fn for_each_expr_mut(&mut self, level: usize, visit: &mut dyn FnMut(&mut Expr, usize)) {
        let returning = match self {
            Self::Insert { input, values, conflict, returning, .. } => {
                input.for_each_expr_mut(level, visit);
                values.iter_mut().for_each(|expr| visit(expr, level));
                conflict.iter_mut().flat_map(OnConflict::exprs_mut).for_each(|expr| visit(expr, level));
                returning
            }
            Self::Update { target, assignments, returning } => {
                target.for_each_expr_mut(level, visit);
                assignments.exprs_mut().for_each(|expr| visit(expr, level));
                returning
            }
            Self::Delete { target, returning } => {
                target.for_each_expr_mut(level, visit);
                returning
            }
        };
        returning.iter_mut().flat_map(|bound| &mut bound.returning.exprs).for_each(|expr| visit(expr, level));
    }
}

impl Target {
    fn for_each_expr(&self, level: usize, visit: &mut dyn FnMut(&Expr, usize)) {
        self.from.iter().for_each(|from| from.for_each_expr(level, visit));
        self.filter.iter().for_each(|expr| visit(expr, level));
    }

    fn for_each_expr_mut(&mut self, level: usize, visit: &mut dyn FnMut(&mut Expr, usize)) {
        self.from.iter_mut().for_each(|from| from.for_each_expr_mut(level, visit));
        self.filter.iter_mut().for_each(|expr| visit(expr, level));
    }
}

fn relations_in(expr: &mut Expr, level: usize, visit: &mut dyn FnMut(&mut Relation, usize)) {
    if let Expr::Subquery(subquery) = expr
        && let SubqueryForm::Bound(query) = &mut subquery.form
    {
        query.for_each_relation_mut(level + 1, visit);
    }
    expr.children_mut().into_iter().for_each(|child| relations_in(child, level, visit));
}

impl Select {
    fn for_each_expr(&self, level: usize, visit: &mut dyn FnMut(&Expr, usize)) {
        let Self { from, filter, grouping, having, windows, sets, targets, distinct: _, locks: _ } = self;
        from.for_each_expr(level, visit);
        filter.iter().for_each(|expr| visit(expr, level));
        if let Some(grouping) = grouping {
            grouping.groups.iter().for_each(|expr| visit(expr, level));
            grouping.calls.iter().flat_map(|call| call.exprs()).for_each(|expr| visit(expr, level));
        }
        having.iter().chain(targets).for_each(|expr| visit(expr, level));
        windows.iter().flat_map(|window| window.exprs()).for_each(|expr| visit(expr, level));
        sets.iter().flatten().flat_map(TableCall::exprs).for_each(|expr| visit(expr, level));
    }

    fn for_each_expr_mut(&mut self, level: usize, visit: &mut dyn FnMut(&mut Expr, usize)) {
        let Self { from, filter, grouping, having, windows, sets, targets, distinct: _, locks: _ } = self;
        from.for_each_expr_mut(level, visit);
        filter.iter_mut().for_each(|expr| visit(expr, level));
        if let Some(grouping) = grouping {
            grouping.groups.iter_mut().for_each(|expr| visit(expr, level));
            grouping.calls.iter_mut().flat_map(|call| call.exprs_mut()).for_each(|expr| visit(expr, level));
        }
        having.iter_mut().chain(targets).for_each(|expr| visit(expr, level));
        windows.iter_mut().flat_map(|window| window.exprs_mut()).for_each(|expr| visit(expr, level));
        sets.iter_mut().flatten().flat_map(TableCall::exprs_mut).for_each(|expr| visit(expr, level));
    }
}

impl Relation {
    /// Calls the function on the relations that are joined.
    pub fn for_each_leaf(&self, visit: &mut dyn FnMut(&Self)) {
        match self {
            Self::Join { left, right, .. } => {
                left.for_each_leaf(visit);
                right.for_each_leaf(visit);
            }
            leaf => visit(leaf),
        }
    }

    fn relations_of_from(&mut self, level: usize, visit: &mut dyn FnMut(&mut Self, usize)) {
        match self {
            Self::Join { left, right, lateral, .. } => {
                left.relations_of_from(level, visit);
                right.relations_of_from(level + usize::from(*lateral), visit);
            }
            Self::Query { query, .. } => query.relations_of_from(level, visit),
            _ => {}
        }
        visit(self, level);
    }

    /// Calls the function on every expression of the relation with its level.
    pub fn for_each_expr(&self, level: usize, visit: &mut dyn FnMut(&Expr, usize)) {
        match self {
            Self::OneRow | Self::Table { .. } | Self::System { .. } | Self::Cte { .. } | Self::WorkTable { .. } => {}
            Self::Function { calls, .. } => {
                calls.iter().flat_map(TableCall::exprs).for_each(|expr| visit(expr, level));
            }
            Self::Query { query, .. } => query.for_each_expr(level, visit),
            Self::Join { left, right, kind: _, on, lateral } => {
                left.for_each_expr(level, visit);
                right.for_each_expr(level + usize::from(*lateral), visit);
                on.iter().for_each(|expr| visit(expr, level));
            }
        }
    }

    /// As [`Query::columns_at`].
    pub fn columns_at(&self, level: usize, visit: &mut dyn FnMut(usize)) {
        self.for_each_expr(level, &mut |expr, level| {
            if level > 0 {
                expr.columns_at(level, visit);
            }
        });
    }

    /// As [`Query::map_columns_at`].
    pub fn map_columns_at(&mut self, level: usize, map: &mut dyn FnMut(usize) -> usize) {
        self.for_each_expr_mut(level, &mut |expr, level| {
            if level > 0 {
                expr.map_columns_at(level, map);
            }
        });
    }

    /// As [`Query::shift_outer`].
    pub fn shift_outer(&mut self, level: usize, by: isize) {
        self.for_each_expr_mut(level, &mut |expr, level| expr.shift_outer(level, by));
    }

    /// As [`Relation::for_each_expr`], to change them.
    pub fn for_each_expr_mut(&mut self, level: usize, visit: &mut dyn FnMut(&mut Expr, usize)) {
        match self {
            Self::OneRow | Self::Table { .. } | Self::System { .. } | Self::Cte { .. } | Self::WorkTable { .. } => {}
            Self::Function { calls, .. } => {
                calls.iter_mut().flat_map(TableCall::exprs_mut).for_each(|expr| visit(expr, level));
            }
            Self::Query { query, .. } => query.for_each_expr_mut(level, visit),
            Self::Join { left, right, kind: _, on, lateral } => {
                left.for_each_expr_mut(level, visit);
                right.for_each_expr_mut(level + usize::from(*lateral), visit);
                on.iter_mut().for_each(|expr| visit(expr, level));
            }
        }
    }
}
