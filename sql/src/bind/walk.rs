//! Walking over the expressions of a bound query.
//!
//! Every expression has a *level*: how many rows stand between it and the rows around the query. Those of the query and
//! of the relations of its FROM have the level that the walk begins with.

use super::tree::{Body, Query, Relation, Select};
use crate::expr::Expr;
use crate::plan::RowLimit;

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
        let Self { body, order, limit, columns: _ } = self;
        match body {
            Body::Select(select) => select.for_each_expr(level, visit),
            Body::Values(rows) => rows.iter().flatten().for_each(|expr| visit(expr, level)),
            Body::Union { inputs, all: _ } => inputs.iter().for_each(|input| input.for_each_expr(level, visit)),
        }
        order.iter().for_each(|key| visit(&key.expr, level));
        limit.iter().flat_map(RowLimit::exprs).for_each(|expr| visit(expr, level));
    }

    /// As [`Query::for_each_expr`], to change them.
    pub fn for_each_expr_mut(&mut self, level: usize, visit: &mut dyn FnMut(&mut Expr, usize)) {
        let Self { body, order, limit, columns: _ } = self;
        match body {
            Body::Select(select) => select.for_each_expr_mut(level, visit),
            Body::Values(rows) => rows.iter_mut().flatten().for_each(|expr| visit(expr, level)),
            Body::Union { inputs, all: _ } => inputs.iter_mut().for_each(|input| input.for_each_expr_mut(level, visit)),
        }
        order.iter_mut().for_each(|key| visit(&mut key.expr, level));
        limit.iter_mut().flat_map(RowLimit::exprs_mut).for_each(|expr| visit(expr, level));
    }
}

impl Select {
    fn for_each_expr(&self, level: usize, visit: &mut dyn FnMut(&Expr, usize)) {
        let Self { from, filter, grouping, having, targets, distinct: _ } = self;
        from.for_each_expr(level, visit);
        filter.iter().for_each(|expr| visit(expr, level));
        if let Some(grouping) = grouping {
            grouping.groups.iter().for_each(|expr| visit(expr, level));
            grouping.calls.iter().flat_map(|call| call.exprs()).for_each(|expr| visit(expr, level));
        }
        having.iter().chain(targets).for_each(|expr| visit(expr, level));
    }

    fn for_each_expr_mut(&mut self, level: usize, visit: &mut dyn FnMut(&mut Expr, usize)) {
        let Self { from, filter, grouping, having, targets, distinct: _ } = self;
        from.for_each_expr_mut(level, visit);
        filter.iter_mut().for_each(|expr| visit(expr, level));
        if let Some(grouping) = grouping {
            grouping.groups.iter_mut().for_each(|expr| visit(expr, level));
            grouping.calls.iter_mut().flat_map(|call| call.exprs_mut()).for_each(|expr| visit(expr, level));
        }
        having.iter_mut().chain(targets).for_each(|expr| visit(expr, level));
    }
}

impl Relation {
    /// Calls the function on every expression of the relation with its level.
    pub fn for_each_expr(&self, level: usize, visit: &mut dyn FnMut(&Expr, usize)) {
        match self {
            Self::OneRow | Self::Table { .. } | Self::System { .. } => {}
            Self::Function { args, .. } => args.iter().for_each(|expr| visit(expr, level)),
            Self::Query { query, .. } => query.for_each_expr(level, visit),
            Self::Join { left, right, kind: _, on } => {
                left.for_each_expr(level, visit);
                right.for_each_expr(level, visit);
                on.iter().for_each(|expr| visit(expr, level));
            }
        }
    }

    /// As [`Relation::for_each_expr`], to change them.
    pub fn for_each_expr_mut(&mut self, level: usize, visit: &mut dyn FnMut(&mut Expr, usize)) {
        match self {
            Self::OneRow | Self::Table { .. } | Self::System { .. } => {}
            Self::Function { args, .. } => args.iter_mut().for_each(|expr| visit(expr, level)),
            Self::Query { query, .. } => query.for_each_expr_mut(level, visit),
            Self::Join { left, right, kind: _, on } => {
                left.for_each_expr_mut(level, visit);
                right.for_each_expr_mut(level, visit);
                on.iter_mut().for_each(|expr| visit(expr, level));
            }
        }
    }
}
