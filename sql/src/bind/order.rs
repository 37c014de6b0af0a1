//! ORDER BY: by position, by name of an output column, by expression.

use heliosdb_storage::value::DataType;
use sqlparser::ast::{self, OrderByKind, OrderBySort};

use super::Binder;
use super::names::ident;
use super::scope::{Place, Scope};
use super::select::{Target, by_position, check_entries, position};
use super::tree::Query;
use crate::error::{Result, SqlError, SqlState};
use crate::expr::Expr;
use crate::plan::SortKey;

impl Binder<'_> {
    /// The order of a SELECT. Expressions that are not in the select list are added to it.
    pub(super) fn order_by_targets(
        &mut self,
        order_by: &ast::OrderBy,
        targets: &mut Vec<Target>,
        distinct: bool,
        scope: &Scope<'_>,
    ) -> Result<Vec<SortKey>> {
        scope.place.set(Place::Targets);
        let visible = targets.len();
        let mut keys = Vec::new();
        let items = items(order_by)?;
        check_entries(visible + items.len())?;
        for item in items {
            let output = self.output_column(&item.expr, targets.get(..visible).unwrap_or_default(), "ORDER BY")?;
            let at = match output {
                Some(at) => at,
                None => self.hidden_target(&item.expr, targets, scope)?,
            };
            if at >= visible && distinct {
                let message = "for SELECT DISTINCT, ORDER BY expressions must appear in select list";
                return Err(self.at_expr(&item.expr, SqlError::new(SqlState::INVALID_COLUMN_REFERENCE, message)));
            }
            let data_type = targets.get(at).map_or(DataType::Unknown, |target| target.expr.data_type());
            let key = sort_key(Expr::Column(at, data_type), &item.options);
            keys.push(key.map_err(|error| self.at_expr(&item.expr, error))?);
        }
        Ok(keys)
    }

    /// The order of VALUES or UNION: only output columns have a meaning there.
    pub(super) fn order_by_output(&mut self, query: &mut Query, order_by: &ast::OrderBy) -> Result<()> {
        let targets: Vec<Target> = (query.columns.iter().enumerate())
            .map(|(at, column)| Target {
                expr: Expr::Column(at, column.column_type.data_type),
                name: column.name.clone(),
                typmod: -1,
                origin: None,
            })
            .collect();
        for item in items(order_by)? {
            let at = self.output_column(&item.expr, &targets, "ORDER BY")?.ok_or_else(|| {
                let error = match &item.expr {
                    ast::Expr::Identifier(name) => {
                        SqlError::new(SqlState::UNDEFINED_COLUMN, format!("column \"{}\" does not exist", ident(name)))
                    }
                    _ => {
                        SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, "invalid UNION/INTERSECT/EXCEPT ORDER BY clause")
                            .with_detail("Only result column names can be used, not expressions or functions.")
                            .with_hint(
                                "Add the expression/function to every SELECT, or move the UNION into a FROM clause.",
                            )
                    }
                };
                self.at_expr(&item.expr, error)
            })?;
            let expr = targets.get(at).map(|target| target.expr.clone());
            query.order.push(sort_key(expr.expect("BUG: the position was looked up"), &item.options)?);
        }
        Ok(())
    }

    /// The column of the select list that a position or a bare name means in a clause.
    pub(super) fn output_column(&self, expr: &ast::Expr, targets: &[Target], clause: &str) -> Result<Option<usize>> {
        if let Some(position) = position(expr) {
            by_position(targets, &position, clause).map_err(|error| self.at_expr(expr, error))?;
            return Ok(position.parse::<usize>().ok().map(|n| n.saturating_sub(1)));
        }
        if is_constant(expr) {
            let error = SqlError::new(SqlState::SYNTAX_ERROR, format!("non-integer constant in {clause}"));
            return Err(self.at_expr(expr, error));
        }
        let ast::Expr::Identifier(name) = expr else { return Ok(None) };
        let wanted = ident(name);
        let mut named = targets.iter().enumerate().filter(|(_, target)| target.name == wanted);
        let Some((at, first)) = named.next() else { return Ok(None) };
        if named.any(|(_, other)| !other.expr.same(&first.expr)) {
            let error = SqlError::new(SqlState::AMBIGUOUS_COLUMN, format!("{clause} \"{wanted}\" is ambiguous"));
            return Err(self.at(name.span, error));
        }
        Ok(Some(at))
    }
}

/// A literal that is no position, which says nothing about an order.
fn is_constant(expr: &ast::Expr) -> bool {
    match expr {
        ast::Expr::Nested(inner) => is_constant(inner),
        ast::Expr::UnaryOp { op: ast::UnaryOperator::Minus, expr } => {
            matches!(expr.as_ref(), ast::Expr::Value(value) if matches!(value.value, ast::Value::Number(..)))
        }
        ast::Expr::Value(value) => !matches!(value.value, ast::Value::Placeholder(_)),
        _ => false,
    }
}

fn items(order_by: &ast::OrderBy) -> Result<&[ast::OrderByExpr]> {
    match &order_by.kind {
        OrderByKind::Expressions(items)
            if order_by.interpolate.is_none() && items.iter().all(|item| item.with_fill.is_none()) =>
        {
            Ok(items)
        }
        _ => Err(SqlError::unsupported("this form of ORDER BY")),
    }
}

pub(super) fn sort_key(expr: Expr, options: &ast::OrderByOptions) -> Result<SortKey> {
    let descending = match &options.sort {
        None | Some(OrderBySort::Asc) => false,
        Some(OrderBySort::Desc) => true,
        Some(OrderBySort::Using(_)) => return Err(SqlError::unsupported("ORDER BY … USING")),
    };
    if expr.data_type() == DataType::Unknown {
        return Err(SqlError::new(SqlState::INDETERMINATE_DATATYPE, "could not determine the type to order by"));
    }
    if !is_comparable(expr.data_type()) {
        let name = crate::types::name(expr.data_type(), -1);
        let message = format!("could not identify an ordering operator for type {name}");
        return Err(SqlError::new(SqlState::UNDEFINED_FUNCTION, message)
            .with_hint("Use an explicit ordering operator or modify the query."));
    }
    Ok(SortKey { expr, descending, nulls_first: options.nulls_first.unwrap_or(descending) })
}

/// Whether values of the type have an order, and with it an equality.
pub(super) const fn is_comparable(data_type: DataType) -> bool {
    !matches!(data_type, DataType::Json | DataType::AclItem | DataType::PgNodeTree | DataType::Void)
}

/// Fails for a type whose values cannot be told apart.
pub(super) fn equality_of(data_type: DataType) -> Result<()> {
    if is_comparable(data_type) {
        return Ok(());
    }
    let name = crate::types::name(data_type, -1);
    let message = format!("could not identify an equality operator for type {name}");
    Err(SqlError::new(SqlState::UNDEFINED_FUNCTION, message))
}
