//! DISTINCT and DISTINCT ON.

use heliosdb_storage::value::DataType;
use sqlparser::ast;

use super::Binder;
use super::scope::{Place, Scope};
use super::select::Target;
use super::tree::Distinct;
use crate::error::{Result, SqlError, SqlState};
use crate::expr::Expr;
use crate::plan::SortKey;

impl Binder<'_> {
    /// DISTINCT ON: the expressions as columns of the select list, to whose end they are added if they are not in it. The
    /// order begins with them; those that ORDER BY does not name are appended to it.
    pub(super) fn distinct_on(
        &mut self,
        exprs: &[ast::Expr],
        (targets, visible): (&mut Vec<Target>, usize),
        order: &mut Vec<SortKey>,
        scope: &Scope<'_>,
    ) -> Result<Distinct> {
        scope.place.set(Place::Targets);
        let mut columns: Vec<(usize, &ast::Expr)> = Vec::with_capacity(exprs.len());
        for expr in exprs {
            let at = match self.output_column(expr, targets.get(..visible).unwrap_or_default(), "DISTINCT ON")? {
                Some(at) => at,
                None => self.hidden_target(expr, targets, scope)?,
            };
            if !columns.iter().any(|(known, _)| *known == at) {
                columns.push((at, expr));
            }
        }
        let mismatch = |expr: &ast::Expr| {
            let message = "SELECT DISTINCT ON expressions must match initial ORDER BY expressions";
            self.at_expr(expr, SqlError::new(SqlState::INVALID_COLUMN_REFERENCE, message))
        };
        let mut on = Vec::with_capacity(columns.len());
        let mut skipped = false;
        for key in order.iter() {
            let Expr::Column(at, _) = key.expr else { continue };
            match columns.iter().find(|(column, _)| *column == at) {
                Some((_, expr)) if skipped => return Err(mismatch(expr)),
                Some(_) if on.contains(&at) => {}
                Some(_) => on.push(at),
                None => skipped = true,
            }
        }
        for (at, expr) in columns {
            if on.contains(&at) {
                continue;
            }
            if skipped {
                return Err(mismatch(expr));
            }
            let data_type = targets.get(at).map_or(DataType::Unknown, |target| target.expr.data_type());
            order.push(SortKey { expr: Expr::Column(at, data_type), descending: false, nulls_first: false });
            on.push(at);
        }
        Ok(Distinct::On(on))
    }

    /// An expression as a column of the select list: one that is there, or a new one at its end.
    pub(super) fn hidden_target(
        &mut self,
        expr: &ast::Expr,
        targets: &mut Vec<Target>,
        scope: &Scope<'_>,
    ) -> Result<usize> {
        let bound = self.expr(expr, scope)?;
        let bound = self.known(bound)?;
        let known = targets.iter().position(|target| target.expr.same(&bound));
        Ok(known.unwrap_or_else(|| {
            targets.push(Target { expr: bound, name: String::new(), typmod: -1, origin: None });
            targets.len() - 1
        }))
    }
}
