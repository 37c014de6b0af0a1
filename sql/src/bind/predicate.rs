//! Predicates: IS, IN, BETWEEN, LIKE, EXISTS, ANY, and subqueries as values.

use heliosdb_storage::value::{DataType, Value};
use sqlparser::ast::{self, BinaryOperator};

use super::Binder;
use super::coerce::operator;
use super::cte::Barrier;
use super::query::Unknowns;
use super::scope::Scope;
use super::tree::{Query, plain};
use crate::error::{Result, SqlError, SqlState};
use crate::expr::{Expr, Subquery, SubqueryForm, SubqueryKind};
use crate::types::cast::CastContext;

impl Binder<'_> {
    pub(super) fn predicate(&mut self, expr: &ast::Expr, scope: &Scope<'_>) -> Result<Expr> {
        use ast::Expr as Ast;
        match expr {
            Ast::IsNull(inner) | Ast::IsNotNull(inner) => {
                let bound = self.expr(inner, scope)?;
                let is_null = Expr::IsNull(Box::new(self.known(bound)?));
                Ok(negated(is_null, matches!(expr, Ast::IsNotNull(_))))
            }
            Ast::IsTrue(inner) => self.is_bool(inner, true, false, scope),
            Ast::IsNotTrue(inner) => self.is_bool(inner, true, true, scope),
            Ast::IsFalse(inner) => self.is_bool(inner, false, false, scope),
            Ast::IsNotFalse(inner) => self.is_bool(inner, false, true, scope),
            Ast::IsUnknown(inner) | Ast::IsNotUnknown(inner) => {
                let bound = self.bind_condition(inner, scope, "IS UNKNOWN")?;
                Ok(negated(Expr::IsNull(Box::new(bound)), matches!(expr, Ast::IsNotUnknown(_))))
            }
            Ast::IsDistinctFrom(a, b) => self.is_distinct(a, b, scope),
            Ast::IsNotDistinctFrom(a, b) => Ok(negated(self.is_distinct(a, b, scope)?, true)),
            Ast::In { expr, target, negated: not, global: false } => self.in_target(expr, target, *not, scope),
            Ast::Between { expr, negated: not, low, high } => {
                let (low_value, high_value) = (self.expr(low, scope)?, self.expr(high, scope)?);
                let value = self.expr(expr, scope)?;
                let at_least = operator(self, ">=", Some(value), low_value)?;
                let value = self.expr(expr, scope)?;
                let at_most = operator(self, "<=", Some(value), high_value)?;
                Ok(negated(Expr::And(vec![at_least, at_most]), *not))
            }
            Ast::Like { negated: not, any: false, expr, pattern, escape_char } => {
                self.like(if *not { "!~~" } else { "~~" }, expr, pattern, escape_char.as_deref(), scope)
            }
            Ast::ILike { negated: not, any: false, expr, pattern, escape_char } => {
                self.like(if *not { "!~~*" } else { "~~*" }, expr, pattern, escape_char.as_deref(), scope)
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
            Ast::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. } if subquery_of(right).is_some() => {
                self.in_subquery(left, subquery_of(right).expect("BUG: guarded"), false, scope)
            }
            Ast::AllOp { left, compare_op: BinaryOperator::NotEq, right } if subquery_of(right).is_some() => {
                self.in_subquery(left, subquery_of(right).expect("BUG: guarded"), true, scope)
            }
            Ast::AnyOp { compare_op, .. } => Err(SqlError::unsupported(format!("{compare_op} ANY over this operand"))
                .with_hint("Use IN with a list or a subquery.")),
            Ast::AllOp { compare_op, .. } => Err(SqlError::unsupported(format!("{compare_op} ALL over this operand"))),
            Ast::SimilarTo { .. } => Err(SqlError::unsupported("SIMILAR TO")),
            Ast::Array(_) => Err(SqlError::unsupported("ARRAY")),
            Ast::Interval(_) => Err(SqlError::unsupported("INTERVAL")),
            Ast::Tuple(_) => Err(SqlError::unsupported("a row value here")),
            Ast::CompoundFieldAccess { .. } => Err(SqlError::unsupported("a subscript or field access")),
            Ast::GroupingSets(_) | Ast::Cube(_) | Ast::Rollup(_) => Err(SqlError::unsupported("GROUPING SETS")),
            other => Err(SqlError::unsupported(format!("the expression {other}"))),
        }
    }

    /// `(a, b) = (c, d)` and `<>`, column by column.
    pub(super) fn row_comparison(
        &mut self,
        left: &ast::Expr,
        op: &BinaryOperator,
        right: &ast::Expr,
        scope: &Scope<'_>,
    ) -> Result<Expr> {
        let not = match op {
            BinaryOperator::Eq => false,
            BinaryOperator::NotEq => true,
            other => return Err(SqlError::unsupported(format!("operator {other} on row values"))),
        };
        let (ast::Expr::Tuple(left), ast::Expr::Tuple(right)) = (left, right) else {
            return Err(SqlError::unsupported("a row value here"));
        };
        if left.len() != right.len() {
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, "unequal number of entries in row expressions"));
        }
        let mut parts = Vec::with_capacity(left.len());
        for (left, right) in left.iter().zip(right) {
            let (left, right) = (self.expr(left, scope)?, self.expr(right, scope)?);
            parts.push(operator(self, "=", Some(left), right)?);
        }
        Ok(negated(Expr::And(parts), not))
    }

    fn is_bool(&mut self, inner: &ast::Expr, value: bool, not: bool, scope: &Scope<'_>) -> Result<Expr> {
        let bound = self.bind_condition(inner, scope, "IS TRUE")?;
        let constant = Expr::Literal(Value::Bool(value), DataType::Bool);
        Ok(negated(Expr::IsDistinct(Box::new(bound), Box::new(constant)), !not))
    }

    fn is_distinct(&mut self, a: &ast::Expr, b: &ast::Expr, scope: &Scope<'_>) -> Result<Expr> {
        let (a, b) = (self.expr(a, scope)?, self.expr(b, scope)?);
        // The types are those that `=` would compare.
        let Expr::Call { mut args, .. } = operator(self, "=", Some(a), b)? else {
            return Err(SqlError::unsupported("this comparison"));
        };
        match (args.pop(), args.pop()) {
            (Some(b), Some(a)) => Ok(Expr::IsDistinct(Box::new(a), Box::new(b))),
            _ => Err(SqlError::unsupported("this comparison")),
        }
    }

    fn in_target(&mut self, expr: &ast::Expr, target: &ast::InTarget, not: bool, scope: &Scope<'_>) -> Result<Expr> {
        match target {
            ast::InTarget::List(list) => {
                if matches!(expr, ast::Expr::Tuple(_)) {
                    let rows: Result<Vec<Expr>> =
                        list.iter().map(|row| self.row_comparison(expr, &BinaryOperator::Eq, row, scope)).collect();
                    return Ok(negated(Expr::Or(rows?), not));
                }
                let mut all = vec![self.expr(expr, scope)?];
                for item in list {
                    all.push(self.expr(item, scope)?);
                }
                let (mut all, _) = self.unify(all, "IN")?;
                let value = all.remove(0);
                Ok(negated(Expr::InList { expr: Box::new(value), list: all }, not))
            }
            ast::InTarget::Subquery(query) => self.in_subquery(expr, query, not, scope),
            ast::InTarget::Unnest(_) => Err(SqlError::unsupported("IN UNNEST")),
            ast::InTarget::Table { .. } => Err(SqlError::unsupported("IN with a table")),
        }
    }

    fn in_subquery(&mut self, expr: &ast::Expr, query: &ast::Query, not: bool, scope: &Scope<'_>) -> Result<Expr> {
        let value = self.expr(expr, scope)?;
        let value = if value.data_type() == DataType::Unknown && !matches!(value, Expr::Parameter(..)) {
            self.known(value)?
        } else {
            value
        };
        let mut query = self.sublink(query, scope, Unknowns::Keep)?;
        let [column] = query.columns.as_slice() else {
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, "subquery has too many columns"));
        };
        let common = self.common_type([value.data_type(), column.column_type.data_type], "IN")?;
        let value = self.coerce(value, plain(common), CastContext::Implicit)?;
        query = self.coerce_columns(query, &[plain(common)])?;
        Ok(negated(subquery_expr(query, SubqueryKind::In(value), DataType::Bool), not))
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
        if let Some(ast::Expr::Value(escape)) = escape
            && super::expression::string_value(&escape.value) == Some("\\")
        {
            // That is what a pattern is escaped by anyway.
        } else if escape.is_some() {
            return Err(SqlError::unsupported("LIKE … ESCAPE other than a backslash"));
        }
        let (value, pattern) = (self.expr(expr, scope)?, self.expr(pattern, scope)?);
        operator(self, symbol, Some(value), pattern)
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
