//! UNION, INTERSECT, EXCEPT.

use heliosdb_storage::value::ColumnType;
use sqlparser::ast::{SetExpr, SetOperator, SetQuantifier, Spanned};
use sqlparser::tokenizer::Span;

use super::Binder;
use super::cte::Barrier;
use super::order::equality_of;
use super::query::Unknowns;
use super::scope::Scope;
use super::tree::{Body, OutputColumn, Query, SetOperation};
use crate::error::{Result, SqlError, SqlState};

/// The two sides of a set operation as they are written, and what stands between them.
pub(super) type Written<'a> = (&'a SetExpr, SetOperator, SetQuantifier, &'a SetExpr);

impl Binder<'_> {
    pub(super) fn set_operation(&mut self, written: Written<'_>, parent: Option<&Scope<'_>>) -> Result<Query> {
        let (left, op, quantifier, right) = written;
        let all = quantifier == SetQuantifier::All;
        let (in_left, in_right) = match op {
            SetOperator::Intersect if all => (Some(Barrier::Intersect), Some(Barrier::Intersect)),
            SetOperator::Except => (all.then_some(Barrier::Except), Some(Barrier::Except)),
            _ => (None, None),
        };
        let left = self.behind(in_left, |binder| binder.set_expr(left, parent, Unknowns::Keep))?;
        let right = self.behind(in_right, |binder| binder.set_expr(right, parent, Unknowns::Keep))?;
        self.unite(left, right, written)
    }

    /// The types of the columns of a set operation; `written` is its right side.
    pub(super) fn set_operation_types(
        &self,
        left: &Query,
        right: &Query,
        op: SetOperator,
        written: &SetExpr,
    ) -> Result<Vec<ColumnType>> {
        let at_column = |at: usize, error| {
            let span = target_spans(written).get(at).copied();
            self.at(span.unwrap_or_else(Span::empty), error)
        };
        if left.columns.len() != right.columns.len() {
            let message = format!("each {op} query must have the same number of columns");
            return Err(at_column(0, SqlError::new(SqlState::SYNTAX_ERROR, message)));
        }
        let mut types = Vec::with_capacity(left.columns.len());
        for (at, (a, b)) in left.columns.iter().zip(&right.columns).enumerate() {
            let sides = [a.column_type.data_type, b.column_type.data_type];
            let data_type = self.common_type(sides, &op.to_string()).map_err(|error| at_column(at, error))?;
            let typmod = if a.column_type == b.column_type { a.column_type.typmod } else { -1 };
            types.push(ColumnType { data_type, typmod });
        }
        Ok(types)
    }

    /// A set operation on bound queries.
    pub(super) fn unite(&mut self, left: Query, right: Query, written: Written<'_>) -> Result<Query> {
        let (_, op, quantifier, written) = written;
        let all = match quantifier {
            SetQuantifier::All => true,
            SetQuantifier::Distinct | SetQuantifier::None => false,
            other => return Err(SqlError::unsupported(format!("{op} {other}"))),
        };
        let types = self.set_operation_types(&left, &right, op, written)?;
        if !(all && op == SetOperator::Union) {
            types.iter().try_for_each(|column_type| equality_of(column_type.data_type))?;
        }
        let columns = (left.columns.iter().zip(&types))
            .map(|(column, column_type)| OutputColumn {
                name: column.name.clone(),
                column_type: *column_type,
                origin: None,
            })
            .collect();
        let (left, right) = (self.coerce_columns(left, &types)?, self.coerce_columns(right, &types)?);
        let kind = match op {
            SetOperator::Union => return Ok(Query::new(Body::Union { inputs: vec![left, right], all }, columns)),
            SetOperator::Intersect => SetOperation::Intersect,
            SetOperator::Except => SetOperation::Except,
            SetOperator::Minus => return Err(SqlError::unsupported(op.to_string())),
        };
        let body = Body::SetOperation { kind, all, left: Box::new(left), right: Box::new(right) };
        Ok(Query::new(body, columns))
    }
}

/// Where the columns of a query are written; of a set operation those of its first SELECT.
pub(super) fn target_spans(body: &SetExpr) -> Vec<Span> {
    match body {
        SetExpr::Select(select) => select.projection.iter().map(Spanned::span).collect(),
        SetExpr::Query(query) => target_spans(&query.body),
        SetExpr::Values(values) => {
            values.rows.first().map(|row| row.content.iter().map(Spanned::span).collect()).unwrap_or_default()
        }
        SetExpr::SetOperation { left, .. } => target_spans(left),
        _ => Vec::new(),
    }
}
