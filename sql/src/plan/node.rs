//! A plan on its way up, with what is expected of it.

use super::access::paths::expression_cost;
use super::context::PlannerContext;
use super::join::{Path, Search};
use super::select::{limit_rows, offset_rows};
use super::{Estimate, Plan, RowLimit, SortKey, cost};
use crate::expr::Expr;

/// A plan and what is expected of it.
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// How many rows it has.
    pub rows: f64,
    /// What a row takes.
    pub bytes: f64,
    /// What it costs until the first row.
    pub startup: f64,
    /// What it costs in all.
    pub total: f64,
}

impl Planned {
    /// A plan with its estimates.
    pub fn new(plan: Plan, rows: f64, bytes: f64, (startup, total): (f64, f64), ctx: PlannerContext<'_>) -> Self {
        let plan = if ctx.keeps_estimates {
            Plan::Estimated { input: Box::new(plan), estimate: Estimate { node: 0, startup, total, rows, bytes } }
        } else {
            plan
        };
        Self { plan, rows, bytes, startup, total }
    }

    /// The plan of a path; its rows have the wanted columns.
    pub fn of_path(search: &Search<'_, '_>, path: &Path, wanted: &[usize], bytes: f64, _: PlannerContext<'_>) -> Self {
        let (startup, total) = path.costs();
        Self { plan: search.build(path, wanted), rows: path.row_count(), bytes, startup, total }
    }

    /// The same with another node around the plan that costs nothing.
    pub fn map(self, wrap: impl FnOnce(Plan) -> Plan) -> Self {
        Self { plan: wrap(self.plan), ..self }
    }

    /// Conditions that are judged once, before anything is read.
    pub fn with_constant(self, conditions: &[Expr], ctx: PlannerContext<'_>) -> Self {
        match Expr::all_of(conditions.to_vec()) {
            Some(predicate) => self.filtered(predicate, 1.0, ctx),
            None => self,
        }
    }

    /// The rows that satisfy a condition, which is a part of them.
    pub fn filtered(self, predicate: Expr, part: f64, ctx: PlannerContext<'_>) -> Self {
        let rows = (self.rows * part).max(1.0);
        let total = self.total + self.rows * expression_cost(&predicate, ctx.settings);
        let costs = (self.startup, total);
        let bytes = self.bytes;
        Self::new(Plan::Filter { input: Box::new(self.plan), predicate }, rows, bytes, costs, ctx)
    }

    /// Rows of expressions over the columns of a problem, whose places in the row are given; as it is, if that is what
    /// the rows are already.
    pub fn projected(self, mut exprs: Vec<Expr>, layout: &[usize], ctx: PlannerContext<'_>) -> Self {
        for expr in &mut exprs {
            expr.map_columns(&mut |column| {
                layout.iter().position(|known| *known == column).expect("BUG: a column that the row does not have")
            });
        }
        self.computed(exprs, layout.len(), ctx)
    }

    /// Rows of expressions over a row of so many columns.
    pub fn computed(self, exprs: Vec<Expr>, width: usize, ctx: PlannerContext<'_>) -> Self {
        let is_identity = exprs.len() == width
            && exprs.iter().enumerate().all(|(at, expr)| matches!(expr, Expr::Column(index, _) if *index == at));
        if is_identity {
            return self;
        }
        let per_row: f64 = exprs.iter().map(|expr| expression_cost(expr, ctx.settings)).sum();
        let costs = (self.startup, self.total + self.rows * per_row);
        let (rows, bytes) = (self.rows, self.bytes);
        Self::new(Plan::Project { input: Box::new(self.plan), exprs }, rows, bytes, costs, ctx)
    }

    /// Each distinct row once.
    pub fn distinct(self, groups: f64, ctx: PlannerContext<'_>) -> Self {
        let hashing = cost::hash_group(self.rows, groups, self.bytes, 1, ctx.settings);
        let (bytes, costs) = (self.bytes, (self.startup, self.total + hashing));
        Self::new(Plan::Distinct { input: Box::new(self.plan) }, groups.max(1.0), bytes, costs, ctx)
    }

    /// The rows in an order.
    pub fn sorted(self, keys: Vec<SortKey>, limit: Option<&RowLimit>, ctx: PlannerContext<'_>) -> Self {
        if keys.is_empty() {
            return self;
        }
        // Without LIMIT nothing is gained by a bound.
        let bound = limit.filter(|limit| limit.limit.is_some()).cloned();
        let sorting = match bound.as_ref().and_then(|limit| limit_rows(limit, ctx)) {
            Some(wanted) => cost::sort_bounded(self.rows, wanted, self.bytes, ctx.settings),
            None => cost::sort(self.rows, self.bytes, ctx.settings),
        };
        let startup = self.total + sorting;
        let (rows, bytes) = (self.rows, self.bytes);
        let costs = (startup, startup + rows * ctx.settings.cpu_operator_cost);
        Self::new(Plan::Sort { input: Box::new(self.plan), keys, bound }, rows, bytes, costs, ctx)
    }

    /// A slice of the rows.
    pub fn limited(self, limit: RowLimit, ctx: PlannerContext<'_>) -> Self {
        let skipped = offset_rows(&limit, ctx).unwrap_or(0.0).min(self.rows);
        let end = limit_rows(&limit, ctx).unwrap_or(self.rows).min(self.rows);
        let rows = (end - skipped).max(1.0);
        let per_row = (self.total - self.startup) / self.rows.max(1.0);
        let costs = (self.startup + skipped * per_row, self.startup + end * per_row);
        let bytes = self.bytes;
        Self::new(Plan::Limit { input: Box::new(self.plan), limit }, rows, bytes, costs, ctx)
    }
}
