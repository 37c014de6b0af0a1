//! Predicates: IS, IN, BETWEEN, LIKE, EXISTS, ANY, and subqueries as values.

use heliosdb_storage::value::{DataType, Value};
use sqlparser::ast::{self, BinaryOperator};

use super::Binder;
use super::array::symbol_of;
use super::coerce::operator;
use super::cte::Barrier;
use super::query::Unknowns;
use super::scope::Scope;
use super::tree::{Query, plain};
use crate::error::{Result, SqlError, SqlState};
use crate::expr::{Expr, Subquery, SubqueryForm, SubqueryKind};
use crate::functions;
use crate::types::cast::{CastContext, can_cast};

impl Binder<'_> {
    pub(super) fn predicate(&mut self, expr: &ast::Expr, scope: &Scope<'_>) -> Result<Expr> {
        use ast::Expr as Ast;
        match expr {
            Ast::IsNull(inner) => self.is_null(inner, false, scope),
            Ast::IsNotNull(inner) => self.is_null(inner, true, scope),
            Ast::IsTrue(inner) => self.is_bool(inner, true, "IS TRUE", scope),
            Ast::IsNotTrue(inner) => Ok(negated(self.is_bool(inner, true, "IS NOT TRUE", scope)?, true)),
            Ast::IsFalse(inner) => self.is_bool(inner, false, "IS FALSE", scope),
            Ast::IsNotFalse(inner) => Ok(negated(self.is_bool(inner, false, "IS NOT FALSE", scope)?, true)),
            Ast::IsUnknown(inner) => Ok(Expr::IsNull(Box::new(self.bind_condition(inner, scope, "IS UNKNOWN")?))),
            Ast::IsNotUnknown(inner) => {
                let bound = self.bind_condition(inner, scope, "IS NOT UNKNOWN")?;
                Ok(negated(Expr::IsNull(Box::new(bound)), true))
            }
            Ast::IsDistinctFrom(a, b) => self.is_distinct(a, b, scope),
            Ast::IsNotDistinctFrom(a, b) => Ok(negated(self.is_distinct(a, b, scope)?, true)),
            Ast::In { expr, target, negated: not, global: false } => self.in_target(expr, target, *not, scope),
            Ast::Between { expr, negated: not, low, high } => self.between(expr, low, high, *not, scope),
            Ast::Like { negated: not, any: false, expr, pattern, escape_char } => {
                self.like(if *not { "!~~" } else { "~~" }, expr, pattern, escape_char.as_deref(), scope)
            }
            Ast::ILike { negated: not, any: false, expr, pattern, escape_char } => {
                self.like(if *not { "!~~*" } else { "~~*" }, expr, pattern, escape_char.as_deref(), scope)
            }
            Ast::SimilarTo { negated: not, expr, pattern, escape_char } => {
                self.similar(if *not { "!~" } else { "~" }, expr, pattern, escape_char.as_deref(), scope)
            }
            Ast::Exists { subquery, negated: not } => {
                let query = self.sublink(subquery, scope, Unknowns::Text)?;
                Ok(negated(subquery_expr(query, SubqueryKind::Exists, DataType::Bool), *not))
            }
            Ast::Subquery(query) => {
                let query = self.sublink(query, scope, Unknowns::Text)?;
                let data_type = single_column(&query)?;
                Ok(subquery_expr(query, SubqueryKind::Scalar, data_type))
            }
            Ast::AnyOp { left, compare_op, right, .. } => self.quantified(left, compare_op, right, false, scope),
            Ast::AllOp { left, compare_op, right } => self.quantified(left, compare_op, right, true, scope),
            Ast::GroupingSets(_) | Ast::Cube(_) | Ast::Rollup(_) => Err(SqlError::unsupported("GROUPING SETS")),
            Ast::Wildcard(_) => Err(SqlError::new(SqlState::SYNTAX_ERROR, "syntax error at or near \"*\"")),
            other => Err(SqlError::unsupported(format!("the expression {other}"))),
        }
    }

    fn is_bool(&mut self, inner: &ast::Expr, value: bool, place: &str, scope: &Scope<'_>) -> Result<Expr> {
        let bound = self.bind_condition(inner, scope, place)?;
        let constant = Expr::Literal(Value::Bool(value), DataType::Bool);
        Ok(Expr::Not(Box::new(Expr::IsDistinct(Box::new(bound), Box::new(constant)))))
    }

    fn is_distinct(&mut self, a: &ast::Expr, b: &ast::Expr, scope: &Scope<'_>) -> Result<Expr> {
        if let (ast::Expr::Tuple(left), ast::Expr::Tuple(right)) = (a, b) {
            let (left, right) = (self.row_fields(left, scope)?, self.row_fields(right, scope)?);
            if left.len() != right.len() {
                return Err(SqlError::new(SqlState::SYNTAX_ERROR, "unequal number of entries in row expressions"));
            }
            let parts = left.into_iter().zip(right).map(|(a, b)| self.distinct(a, b));
            return Ok(Expr::Or(parts.collect::<Result<_>>()?));
        }
        let (left, right) = (self.expr(a, scope)?, self.expr(b, scope)?);
        self.distinct(left, right).map_err(|error| self.behind_operand(a, "is", error))
    }

    fn distinct(&mut self, a: Expr, b: Expr) -> Result<Expr> {
        // The types are those that `=` would compare.
        let Expr::Call { mut args, .. } = operator(self, "=", Some(a), b)? else {
            return Err(SqlError::unsupported("this comparison"));
        };
        match (args.pop(), args.pop()) {
            (Some(b), Some(a)) => Ok(Expr::IsDistinct(Box::new(a), Box::new(b))),
            _ => Err(SqlError::unsupported("this comparison")),
        }
    }

    fn between(
        &mut self,
        expr: &ast::Expr,
        low: &ast::Expr,
        high: &ast::Expr,
        not: bool,
        scope: &Scope<'_>,
    ) -> Result<Expr> {
        let (at_least, at_most) = if not { ("<", ">") } else { (">=", "<=") };
        let (first, low) = (self.expr(expr, scope)?, self.expr(low, scope)?);
        let keyword = if not { "not" } else { "between" };
        let from = operator(self, at_least, Some(first), low).map_err(|e| self.behind_operand(expr, keyword, e))?;
        let (second, high) = (self.expr(expr, scope)?, self.expr(high, scope)?);
        let to = operator(self, at_most, Some(second), high).map_err(|e| self.behind_operand(expr, keyword, e))?;
        Ok(if not { Expr::Or(vec![from, to]) } else { Expr::And(vec![from, to]) })
    }

    fn in_target(&mut self, expr: &ast::Expr, target: &ast::InTarget, not: bool, scope: &Scope<'_>) -> Result<Expr> {
        match target {
            ast::InTarget::List(list) => self.in_list(expr, list, not, scope),
            ast::InTarget::Subquery(query) => {
                let compared = self.quantified_subquery(expr, &BinaryOperator::Eq, query, false, scope)?;
                Ok(negated(compared, not))
            }
            ast::InTarget::Unnest(_) => Err(SqlError::unsupported("IN UNNEST")),
            ast::InTarget::Table { .. } => Err(SqlError::unsupported("IN with a table")),
        }
    }

    /// A list of values of one type is searched; any other one is a chain of comparisons.
    fn in_list(&mut self, expr: &ast::Expr, list: &[ast::Expr], not: bool, scope: &Scope<'_>) -> Result<Expr> {
        if let ast::Expr::Tuple(fields) = expr {
            let mut rows = Vec::with_capacity(list.len());
            for row in list {
                let left = self.row_fields(fields, scope)?;
                rows.push(match row {
                    ast::Expr::Tuple(right) => {
                        let right = self.row_fields(right, scope)?;
                        self.compare_rows(left, &BinaryOperator::Eq, right)?
                    }
                    ast::Expr::Subquery(query) => {
                        self.row_subquery_comparison(left, &BinaryOperator::Eq, query, scope)?
                    }
                    _ => {
                        let (left, right) = (self.row(fields, scope)?, self.expr(row, scope)?);
                        operator(self, "=", Some(left), right)?
                    }
                });
            }
            return Ok(negated(Expr::Or(rows), not));
        }
        let value = self.expr(expr, scope)?;
        let items = list.iter().map(|item| self.expr(item, scope)).collect::<Result<Vec<_>>>()?;
        let types = std::iter::once(&value).chain(&items).map(Expr::data_type);
        let common = self.common_type(types, "IN").ok().filter(|common| {
            let is_known =
                value.data_type() != DataType::Unknown || items.iter().any(|i| i.data_type() != DataType::Unknown);
            is_known
                && functions::resolve_operator("=", Some(*common), Some(*common)).is_ok()
                && items.iter().all(|item| can_cast(item.data_type(), *common, CastContext::Implicit))
        });
        let Some(common) = common.or((value.data_type() == DataType::Unknown).then_some(DataType::Text)) else {
            let symbol = if not { "<>" } else { "=" };
            let parts = items.into_iter().map(|item| {
                operator(self, symbol, Some(value.clone()), item)
                    .map_err(|error| self.behind_operand(expr, if not { "not" } else { "in" }, error))
            });
            let parts = parts.collect::<Result<Vec<_>>>()?;
            return Ok(if not { Expr::And(parts) } else { Expr::Or(parts) });
        };
        let value = self.coerce(value, plain(common), CastContext::Implicit)?;
        let list = items.into_iter().map(|item| self.coerce(item, plain(common), CastContext::Implicit));
        let list = list.collect::<Result<Vec<_>>>()?;
        Ok(negated(Expr::InList { expr: Box::new(value), list }, not))
    }

    /// `left op ANY (…)` and `left op ALL (…)`.
    fn quantified(
        &mut self,
        left: &ast::Expr,
        op: &BinaryOperator,
        right: &ast::Expr,
        all: bool,
        scope: &Scope<'_>,
    ) -> Result<Expr> {
        if let Some(query) = subquery_of(right) {
            return self.quantified_subquery(left, op, query, all, scope);
        }
        let (value, array) = (self.expr(left, scope)?, self.expr(right, scope)?);
        self.quantified_array(value, op, array, all).map_err(|error| self.behind_operand(left, &symbol_of(op), error))
    }

    /// `left op ANY (SELECT …)`, also with a row on the left.
    fn quantified_subquery(
        &mut self,
        left: &ast::Expr,
        op: &BinaryOperator,
        query: &ast::Query,
        all: bool,
        scope: &Scope<'_>,
    ) -> Result<Expr> {
        let fields = match left {
            ast::Expr::Tuple(fields) => self.row_fields(fields, scope)?,
            left => vec![self.expr(left, scope)?],
        };
        let query = self.sublink(query, scope, Unknowns::Keep)?;
        check_width(fields.len(), query.columns.len())?;
        let is_equality = match op {
            BinaryOperator::Eq => !all,
            BinaryOperator::NotEq => all,
            _ => false,
        };
        if let (true, [value]) = (is_equality, fields.as_slice()) {
            let value = value.clone();
            return Ok(negated(self.in_subquery(value, query)?, all));
        }
        let (left, condition, query) = self.subquery_condition(fields, op, query)?;
        let kind = SubqueryKind::Quantified { left, condition: Box::new(condition), all };
        Ok(subquery_expr(query, kind, DataType::Bool))
    }

    /// `(a, b) op (SELECT …)`: the subquery has one row at most.
    pub(super) fn row_subquery_comparison(
        &mut self,
        left: Vec<Expr>,
        op: &BinaryOperator,
        query: &ast::Query,
        scope: &Scope<'_>,
    ) -> Result<Expr> {
        let query = self.sublink(query, scope, Unknowns::Keep)?;
        check_width(left.len(), query.columns.len())?;
        let (left, condition, query) = self.subquery_condition(left, op, query)?;
        let kind = SubqueryKind::RowComparison { left, condition: Box::new(condition) };
        Ok(subquery_expr(query, kind, DataType::Bool))
    }

    /// The comparison of values with a subquery's row. It is over a row that has the values first and then the columns of
    /// the subquery.
    fn subquery_condition(
        &mut self,
        left: Vec<Expr>,
        op: &BinaryOperator,
        query: Query,
    ) -> Result<(Vec<Expr>, Expr, Query)> {
        // A literal is what it is compared with.
        let mut values = Vec::with_capacity(left.len());
        for (value, column) in left.into_iter().zip(&query.columns) {
            let other = column.column_type.data_type;
            let to = if other == DataType::Unknown { DataType::Text } else { other };
            let is_open = value.data_type() == DataType::Unknown;
            values.push(if is_open { self.coerce(value, plain(to), CastContext::Implicit)? } else { value });
        }
        let types: Vec<_> = values
            .iter()
            .zip(&query.columns)
            .map(|(value, column)| match column.column_type.data_type {
                DataType::Unknown => plain(value.data_type()),
                _ => column.column_type,
            })
            .collect();
        let query = self.coerce_columns(query, &types)?;
        let width = values.len();
        let own = values.iter().enumerate().map(|(at, value)| Expr::Column(at, value.data_type())).collect();
        let theirs = types.iter().enumerate().map(|(at, to)| Expr::Column(width + at, to.data_type)).collect();
        let condition = self.compare_rows(own, op, theirs)?;
        if condition.data_type() != DataType::Bool {
            let message = "row comparison operator must yield type boolean";
            return Err(SqlError::new(SqlState::DATATYPE_MISMATCH, message));
        }
        Ok((values, condition, query))
    }

    fn in_subquery(&mut self, value: Expr, mut query: Query) -> Result<Expr> {
        let value = if value.data_type() == DataType::Unknown && !matches!(value, Expr::Parameter(..)) {
            self.known(value)?
        } else {
            value
        };
        let theirs = query.columns.first().map_or(DataType::Unknown, |column| column.column_type.data_type);
        let Ok(common) = self.common_type([value.data_type(), theirs], "IN") else {
            // The types do not meet: say so as `=` does, or let it find a way.
            let (left, condition, query) = self.subquery_condition(vec![value], &BinaryOperator::Eq, query)?;
            let kind = SubqueryKind::Quantified { left, condition: Box::new(condition), all: false };
            return Ok(subquery_expr(query, kind, DataType::Bool));
        };
        let value = self.coerce(value, plain(common), CastContext::Implicit)?;
        query = self.coerce_columns(query, &[plain(common)])?;
        Ok(subquery_expr(query, SubqueryKind::In(value), DataType::Bool))
    }

    /// `ARRAY(SELECT …)`
    pub(super) fn array_subquery(&mut self, query: &ast::Query, scope: &Scope<'_>) -> Result<Expr> {
        let query = self.sublink(query, scope, Unknowns::Text)?;
        let element = single_column(&query)?;
        // Arrays become the rows of one.
        let data_type = if element.element().is_some() { Some(element) } else { element.array() };
        let data_type = data_type.ok_or_else(|| {
            let name = crate::types::name(element, -1);
            SqlError::new(SqlState::UNDEFINED_OBJECT, format!("could not find array type for data type {name}"))
        })?;
        Ok(subquery_expr(query, SubqueryKind::Array, data_type))
    }

    /// A subquery in an expression.
    fn sublink(&mut self, query: &ast::Query, scope: &Scope<'_>, unknowns: Unknowns) -> Result<Query> {
        self.behind(Some(Barrier::Subquery), |binder| binder.query(query, Some(scope), unknowns))
    }

    fn like(
        &mut self,
        symbol: &str,
        expr: &ast::Expr,
        pattern: &ast::Expr,
        escape: Option<&ast::Expr>,
        scope: &Scope<'_>,
    ) -> Result<Expr> {
        let (value, mut bound) = (self.expr(expr, scope)?, self.expr(pattern, scope)?);
        let is_backslash = matches!(escape, Some(ast::Expr::Value(escape))
            if super::expression::string_value(&escape.value) == Some("\\"));
        if let Some(escape) = escape.filter(|_| !is_backslash) {
            let escape = self.expr(escape, scope)?;
            bound = self.call_bound(Some("pg_catalog"), "like_escape", vec![bound, escape])?;
        }
        let keyword = match symbol {
            "~~" => "like",
            "~~*" => "ilike",
            _ => "not",
        };
        operator(self, symbol, Some(value), bound).map_err(|error| self.behind_operand(expr, keyword, error))
    }

    /// SIMILAR TO: the pattern becomes a regular expression.
    fn similar(
        &mut self,
        symbol: &str,
        expr: &ast::Expr,
        pattern: &ast::Expr,
        escape: Option<&ast::Expr>,
        scope: &Scope<'_>,
    ) -> Result<Expr> {
        let value = self.expr(expr, scope)?;
        let mut args = vec![self.expr(pattern, scope)?];
        if let Some(escape) = escape {
            args.push(self.expr(escape, scope)?);
        }
        let pattern = self.call_bound(Some("pg_catalog"), "similar_to_escape", args)?;
        let keyword = if symbol == "~" { "similar" } else { "not" };
        operator(self, symbol, Some(value), pattern).map_err(|error| self.behind_operand(expr, keyword, error))
    }
}

/// The sides of a comparison with a subquery must be of one width.
fn check_width(left: usize, right: usize) -> Result<()> {
    match left.cmp(&right) {
        std::cmp::Ordering::Less => Err(SqlError::new(SqlState::SYNTAX_ERROR, "subquery has too many columns")),
        std::cmp::Ordering::Greater => Err(SqlError::new(SqlState::SYNTAX_ERROR, "subquery has too few columns")),
        std::cmp::Ordering::Equal => Ok(()),
    }
}

fn subquery_expr(query: Query, kind: SubqueryKind, data_type: DataType) -> Expr {
    Expr::Subquery(Box::new(Subquery { kind, form: SubqueryForm::Bound(Box::new(query)), data_type }))
}

/// A subquery whose row is looked at as a whole.
pub(super) fn row_subquery(query: Query) -> Expr {
    subquery_expr(query, SubqueryKind::Scalar, DataType::Unknown)
}

fn negated(expr: Expr, not: bool) -> Expr {
    if not { Expr::Not(Box::new(expr)) } else { expr }
}

fn single_column(query: &Query) -> Result<DataType> {
    match query.columns.as_slice() {
        [column] => Ok(column.column_type.data_type),
        _ => Err(SqlError::new(SqlState::SYNTAX_ERROR, "subquery must return only one column")),
    }
}

fn subquery_of(expr: &ast::Expr) -> Option<&ast::Query> {
    match expr {
        ast::Expr::Subquery(query) => Some(query),
        ast::Expr::Nested(inner) => subquery_of(inner),
        _ => None,
    }
}
