//! GROUP BY and aggregates: from expressions over the row of FROM to expressions over the row of groups and aggregates.
//!
//! That row is `[group 1, …, group n, aggregate 1, …]`. While a SELECT is bound, the k-th aggregate call stands as the
//! column `AGGREGATE_BASE + k`; here it gets its place, every group expression is replaced by its column, and any column
//! that remains is an error, unless the primary key of its table is grouped by: then it is one more group.

use super::scope::{AGGREGATE_BASE, Scope};
use super::tree::Grouping;
use crate::error::{Result, SqlError, SqlState};
use crate::expr::Expr;

/// Rewrites the expressions in place and returns the grouping they are over.
pub(super) fn group<'e>(
    scope: &Scope<'_>,
    groups: Vec<Expr>,
    exprs: impl Iterator<Item = &'e mut Expr>,
) -> Result<Grouping> {
    let calls = std::mem::take(&mut *scope.calls.borrow_mut());
    let mut regroup = Regroup { scope, written: groups.len(), groups };
    let exprs: Vec<&mut Expr> = exprs.collect();
    // The number of groups must be known before the aggregates get their places: find the dependent columns first.
    for expr in &exprs {
        regroup.collect_dependent(expr)?;
    }
    for expr in exprs {
        regroup.rewrite(expr);
    }
    Ok(Grouping { groups: regroup.groups, calls })
}

struct Regroup<'s> {
    scope: &'s Scope<'s>,
    groups: Vec<Expr>,
    /// How many of the groups were written; the others depend on them.
    written: usize,
}

impl Regroup<'_> {
    fn collect_dependent(&mut self, expr: &Expr) -> Result<()> {
        if self.groups.iter().any(|group| group.same(expr)) {
            return Ok(());
        }
        match expr {
            Expr::Column(index, data_type) if *index < AGGREGATE_BASE => {
                self.column(*index, false)?;
                self.groups.push(Expr::Column(*index, *data_type));
                return Ok(());
            }
            Expr::Subquery(subquery) => {
                let mut used = Vec::new();
                subquery.form.columns_at(1, &mut |index| used.push(index));
                for index in used {
                    let is_known = self.groups.iter().any(|group| matches!(group, Expr::Column(at, _) if *at == index));
                    if index < AGGREGATE_BASE && !is_known {
                        self.column(index, true)?;
                        let data_type = self.data_type_of(index);
                        self.groups.push(Expr::Column(index, data_type));
                    }
                }
            }
            _ => {}
        }
        expr.children().into_iter().try_for_each(|child| self.collect_dependent(child))
    }

    /// Fails unless the column depends on the groups.
    fn column(&self, index: usize, in_subquery: bool) -> Result<()> {
        let written = self.groups.get(..self.written).unwrap_or_default();
        let is_grouped = |at: usize| written.iter().any(|group| matches!(group, Expr::Column(c, _) if *c == at));
        let table = self.scope.relations.iter().rev().find(|relation| relation.first <= index);
        let depends = table.is_some_and(|relation| {
            relation.table.as_ref().is_some_and(|table| {
                !table.primary_key.is_empty()
                    && index < relation.first + table.columns.len()
                    && table.primary_key.iter().all(|slot| is_grouped(relation.first + slot))
            })
        });
        if depends {
            return Ok(());
        }
        let name = self.scope.name_of(index);
        let message = if in_subquery {
            format!("subquery uses ungrouped column \"{name}\" from outer query")
        } else {
            format!("column \"{name}\" must appear in the GROUP BY clause or be used in an aggregate function")
        };
        Err(SqlError::new(SqlState::GROUPING_ERROR, message))
    }

    fn data_type_of(&self, index: usize) -> heliosdb_storage::value::DataType {
        let column = self.scope.columns.iter().find(|column| matches!(column.expr, Expr::Column(at, _) if at == index));
        column.map_or(heliosdb_storage::value::DataType::Unknown, |column| column.column_type.data_type)
    }

    fn rewrite(&self, expr: &mut Expr) {
        let data_type = expr.data_type();
        if let Some(at) = self.groups.iter().position(|group| group.same(expr)) {
            *expr = Expr::Column(at, data_type);
            return;
        }
        match expr {
            Expr::Column(index, _) if *index >= AGGREGATE_BASE => *index = *index - AGGREGATE_BASE + self.groups.len(),
            Expr::Subquery(subquery) => {
                let place = |index: usize| {
                    if index >= AGGREGATE_BASE {
                        return index - AGGREGATE_BASE + self.groups.len();
                    }
                    let at = self.groups.iter().position(|group| matches!(group, Expr::Column(c, _) if *c == index));
                    at.expect("BUG: every column that a subquery uses was found to be grouped")
                };
                subquery.form.map_columns_at(1, &mut |index| place(index));
            }
            _ => {}
        }
        expr.children_mut().into_iter().for_each(|child| self.rewrite(child));
    }
}
