//! GROUP BY and aggregates: from expressions over the row of FROM to expressions over the row of groups and aggregates.
//!
//! That row is `[group 1, …, group n, aggregate 1, …, GROUPING 1, …]`. While a SELECT is bound, aggregates stand as
//! columns beyond those of FROM (see [`super::scope`]); here they get their places, every group expression is replaced
//! by its column, and any column that remains is an error, unless the primary key of its table is grouped by: then it is
//! one more group.

use heliosdb_storage::value::DataType;

use sqlparser::tokenizer::Span;

use super::Binder;
use super::group_by::Groups;
use super::scope::{AGGREGATE_BASE, GROUPING_BASE, Scope, WINDOW_BASE};
use super::tree::Grouping;
use crate::error::{Result, SqlError, SqlState};
use crate::expr::Expr;

/// Rewrites the expressions in place and returns the grouping they are over.
pub(super) fn group<'e>(
    binder: &Binder<'_>,
    scope: &Scope<'_>,
    groups: Groups,
    exprs: impl Iterator<Item = &'e mut Expr>,
) -> Result<Grouping> {
    let calls = std::mem::take(&mut *scope.calls.borrow_mut());
    let masks = masks(binder, scope, &groups.exprs)?;
    let Groups { exprs: groups, sets } = groups;
    let in_all = (0..groups.len()).filter(|at| sets.iter().all(|set| set.contains(at))).collect();
    let mut regroup = Regroup { scope, in_all, groups, dependent: Vec::new(), calls: calls.len() };
    let exprs: Vec<&mut Expr> = exprs.collect();
    // The number of groups must be known before the aggregates get their places: find the dependent columns first.
    for expr in &exprs {
        regroup.collect_dependent(expr).map_err(|(index, error)| {
            let uses = scope.uses.borrow();
            let first = uses.iter().find(|(column, _)| *column == index);
            binder.at(first.map_or_else(Span::empty, |(_, span)| *span), error)
        })?;
    }
    for expr in exprs {
        regroup.rewrite(expr);
    }
    let Regroup { groups, dependent, .. } = regroup;
    let sets = sets.into_iter().map(|set| [set, dependent.clone()].concat()).collect();
    Ok(Grouping { groups, sets, calls, masks })
}

/// The groups that the arguments of the GROUPING calls are.
fn masks(binder: &Binder<'_>, scope: &Scope<'_>, groups: &[Expr]) -> Result<Vec<Vec<usize>>> {
    let place = |(arg, span): &(Expr, Span)| {
        groups.iter().position(|group| group.same(arg)).ok_or_else(|| {
            let message = "arguments to GROUPING must be grouping expressions of the associated query level";
            binder.at(*span, SqlError::new(SqlState::GROUPING_ERROR, message))
        })
    };
    scope.groupings.take().iter().map(|args| args.iter().map(place).collect()).collect()
}

struct Regroup<'s> {
    scope: &'s Scope<'s>,
    groups: Vec<Expr>,
    /// Which of the groups that were written all grouping sets have.
    in_all: Vec<usize>,
    /// Groups that depend on those.
    dependent: Vec<usize>,
    calls: usize,
}

impl Regroup<'_> {
    /// An error comes with the column that it is about.
    fn collect_dependent(&mut self, expr: &Expr) -> Result<(), (usize, SqlError)> {
        if self.groups.iter().any(|group| group.same(expr)) {
            return Ok(());
        }
        match expr {
            Expr::Column(index, data_type) if *index < AGGREGATE_BASE => {
                self.check_dependent(*index, false)?;
                self.add_dependent(*index, *data_type);
                return Ok(());
            }
            Expr::Subquery(subquery) => {
                let mut used = Vec::new();
                subquery.form.columns_at(1, &mut |index| used.push(index));
                for index in used {
                    if index < AGGREGATE_BASE && self.place_of(index).is_none() {
                        self.check_dependent(index, true)?;
                        self.add_dependent(index, self.data_type_of(index));
                    }
                }
            }
            _ => {}
        }
        expr.children().into_iter().try_for_each(|child| self.collect_dependent(child))
    }

    fn add_dependent(&mut self, index: usize, data_type: DataType) {
        self.dependent.push(self.groups.len());
        self.groups.push(Expr::Column(index, data_type));
    }

    fn place_of(&self, index: usize) -> Option<usize> {
        self.groups.iter().position(|group| matches!(group, Expr::Column(at, _) if *at == index))
    }

    /// Fails unless the column depends on the groups.
    fn check_dependent(&self, index: usize, in_subquery: bool) -> Result<(), (usize, SqlError)> {
        let is_grouped = |at: usize| self.place_of(at).is_some_and(|place| self.in_all.contains(&place));
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
        Err((index, SqlError::new(SqlState::GROUPING_ERROR, message)))
    }

    fn data_type_of(&self, index: usize) -> DataType {
        let column = self.scope.columns.iter().find(|column| matches!(column.expr, Expr::Column(at, _) if at == index));
        column.map_or(DataType::Unknown, |column| column.column_type.data_type)
    }

    /// The place of an aggregate's result in the row of groups; what comes after grouping keeps its own for now.
    fn place(&self, index: usize) -> usize {
        match index {
            AGGREGATE_BASE..GROUPING_BASE => index - AGGREGATE_BASE + self.groups.len(),
            GROUPING_BASE..WINDOW_BASE => index - GROUPING_BASE + self.groups.len() + self.calls,
            index => index,
        }
    }

    fn rewrite(&self, expr: &mut Expr) {
        let data_type = expr.data_type();
        if let Some(at) = self.groups.iter().position(|group| group.same(expr)) {
            *expr = Expr::Column(at, data_type);
            return;
        }
        match expr {
            Expr::Column(index, _) => *index = self.place(*index),
            Expr::Subquery(subquery) => {
                let place = |index: usize| {
                    if index >= AGGREGATE_BASE {
                        return self.place(index);
                    }
                    self.place_of(index).expect("BUG: every column that a subquery uses was found to be grouped")
                };
                subquery.form.map_columns_at(1, &mut |index| place(index));
            }
            _ => {}
        }
        expr.children_mut().into_iter().for_each(|child| self.rewrite(child));
    }
}
