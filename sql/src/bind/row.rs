//! Row values: constructors, comparisons field by field, fields.

use std::sync::Arc;

use heliosdb_storage::value::{DataType, RecordShape, Value};
use sqlparser::ast::{self, AccessExpr, BinaryOperator};

use super::Binder;
use super::array::symbol_of;
use super::coerce::operator;
use super::names::{self, ident};
use super::scope::Scope;
use crate::error::{Result, SqlError, SqlState};
use crate::expr::{Expr, Form};

impl Binder<'_> {
    /// The fields of `ROW(…)`; `t.*` stands for the columns of a relation.
    pub(super) fn row_fields(&mut self, fields: &[ast::Expr], scope: &Scope<'_>) -> Result<Vec<Expr>> {
        let mut bound = Vec::with_capacity(fields.len());
        for field in fields {
            match field {
                ast::Expr::QualifiedWildcard(name, _) => {
                    let name = names::qualified(name)?.name;
                    let columns = scope.whole_row(&name).ok_or_else(|| scope.missing_relation(&name))?;
                    bound.extend(columns.into_iter().map(|(_, column)| column));
                }
                field => bound.push(self.expr(field, scope)?),
            }
        }
        Ok(bound)
    }

    /// `ROW(…)`
    pub(super) fn row(&mut self, fields: &[ast::Expr], scope: &Scope<'_>) -> Result<Expr> {
        let fields = self.row_fields(fields, scope)?;
        let args = fields.into_iter().map(|field| self.known(field)).collect::<Result<Vec<_>>>()?;
        let shape = Arc::new(RecordShape::anonymous(args.iter().map(Expr::data_type)));
        Ok(Expr::Form { form: Form::Row(shape), args, data_type: DataType::Record })
    }

    /// A relation's row as one value, if a name means one. The row of a relation that a join has filled up with NULLs is
    /// NULL.
    pub(super) fn whole_row(&mut self, name: &str, scope: &Scope<'_>) -> Option<Expr> {
        let mut columns = scope.whole_row(name)?;
        if scope.is_value(name) {
            return columns.pop().map(|(_, value)| value);
        }
        let shape = RecordShape {
            fields: columns.iter().map(|(name, column)| (Arc::from(name.as_str()), column.data_type())).collect(),
        };
        let args: Vec<Expr> = columns.into_iter().map(|(_, column)| column).collect();
        let all_null = args.iter().map(|column| Expr::IsNull(Box::new(column.clone()))).collect();
        let row = Expr::Form { form: Form::Row(Arc::new(shape)), args, data_type: DataType::Record };
        let null = Expr::Literal(Value::Null, DataType::Record);
        let branches = vec![(Expr::And(all_null), null)];
        Some(Expr::Case { branches, otherwise: Box::new(row), data_type: DataType::Record })
    }

    /// `(t).column`: a column of a relation, if the chain begins so.
    pub(super) fn relation_field(
        &mut self,
        root: &ast::Expr,
        chain: &[AccessExpr],
        scope: &Scope<'_>,
    ) -> Result<Option<Expr>> {
        let (ast::Expr::Nested(inner), [AccessExpr::Dot(ast::Expr::Identifier(field)), ..]) = (root, chain) else {
            return Ok(None);
        };
        let ast::Expr::Identifier(relation) = inner.as_ref() else { return Ok(None) };
        let (relation, field) = (ident(relation), ident(field));
        if scope.column(&relation).is_ok() || scope.whole_row(&relation).is_none() {
            return Ok(None);
        }
        scope.qualified_column(&relation, &field).map(|column| Some(column.expr))
    }

    /// A field of a row value.
    pub(super) fn field(&mut self, value: Expr, field: &ast::Expr) -> Result<Expr> {
        let ast::Expr::Identifier(field) = field else { return Err(SqlError::unsupported("this field access")) };
        let (span, name) = (field.span, ident(field));
        let fields = fields_of(&value);
        let found = fields.and_then(|fields| {
            fields
                .iter()
                .enumerate()
                .find(|(_, (known, _))| **known == *name)
                .map(|(at, (_, data_type))| (at, *data_type))
        });
        if let Some((at, data_type)) = found {
            return Ok(Expr::Form { form: Form::Field(at), args: vec![value], data_type });
        }
        let (state, message) = match value.data_type() {
            DataType::Record => {
                (SqlState::UNDEFINED_COLUMN, format!("could not identify column \"{name}\" in record data type"))
            }
            other => (
                SqlState::WRONG_OBJECT_TYPE,
                format!(
                    "column notation .{name} applied to type {}, which is not a composite type",
                    crate::types::name(other, -1)
                ),
            ),
        };
        Err(self.at(span, SqlError::new(state, message)))
    }

    /// All fields of a row value, with their names: `(row).*`.
    pub(super) fn all_fields(&mut self, expr: &ast::Expr, scope: &Scope<'_>) -> Result<Vec<(String, Expr)>> {
        if let ast::Expr::Nested(inner) = expr
            && let ast::Expr::Identifier(relation) = inner.as_ref()
            && scope.column(&ident(relation)).is_err()
            && let Some(columns) = scope.whole_row(&ident(relation))
        {
            return Ok(columns);
        }
        let value = self.expr(expr, scope)?;
        let Some(fields) = fields_of(&value) else {
            let message = match value.data_type() {
                DataType::Record => "record type has not been registered".to_owned(),
                other => format!("type {} is not composite", crate::types::name(other, -1)),
            };
            return Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message));
        };
        let fields = fields.to_vec();
        let field = |(at, (name, data_type)): (usize, (Arc<str>, DataType))| {
            let form = Form::Field(at);
            (name.to_string(), Expr::Form { form, args: vec![value.clone()], data_type })
        };
        Ok(fields.into_iter().enumerate().map(field).collect())
    }

    /// `(a, b) op (c, d)`, field by field.
    pub(super) fn compare_rows(&mut self, left: Vec<Expr>, op: &BinaryOperator, right: Vec<Expr>) -> Result<Expr> {
        if left.len() != right.len() {
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, "unequal number of entries in row expressions"));
        }
        if left.is_empty() {
            return Err(SqlError::unsupported_as("cannot compare rows of zero length"));
        }
        let symbol = symbol_of(op);
        let mut pairs = left.into_iter().zip(right);
        match op {
            BinaryOperator::Eq => {
                let parts = pairs.map(|(left, right)| operator(self, "=", Some(left), right));
                Ok(all_or_one(parts.collect::<Result<_>>()?, Expr::And))
            }
            BinaryOperator::NotEq => {
                let parts = pairs.map(|(left, right)| operator(self, "<>", Some(left), right));
                Ok(all_or_one(parts.collect::<Result<_>>()?, Expr::Or))
            }
            BinaryOperator::Lt | BinaryOperator::LtEq | BinaryOperator::Gt | BinaryOperator::GtEq => {
                let strict = if matches!(op, BinaryOperator::Lt | BinaryOperator::LtEq) { "<" } else { ">" };
                let (first_left, first_right) = pairs.next().expect("BUG: rows of zero length were refused");
                self.order_rows(first_left, first_right, pairs.collect(), strict, &symbol)
            }
            _ if pairs.len() == 1 => {
                let (left, right) = pairs.next().expect("BUG: there is one pair");
                operator(self, &symbol, Some(left), right)
            }
            _ => Err(SqlError::unsupported_as(format!(
                "could not determine interpretation of row comparison operator {symbol}"
            ))
            .with_hint("Row comparison operators must be associated with btree operator families.")),
        }
    }

    /// `a < c OR (a = c AND …)`. That `a <= c` is said besides lets an index be read from there.
    fn order_rows(
        &mut self,
        left: Expr,
        right: Expr,
        rest: Vec<(Expr, Expr)>,
        strict: &str,
        symbol: &str,
    ) -> Result<Expr> {
        let mut rest = rest.into_iter();
        let Some((next_left, next_right)) = rest.next() else { return operator(self, symbol, Some(left), right) };
        let before = operator(self, strict, Some(left.clone()), right.clone())?;
        let at_most = operator(self, &format!("{strict}="), Some(left.clone()), right.clone())?;
        let equal = operator(self, "=", Some(left), right)?;
        let then = self.order_rows(next_left, next_right, rest.collect(), strict, symbol)?;
        let exact = Expr::Or(vec![before, Expr::And(vec![equal, then])]);
        Ok(Expr::And(vec![at_most, exact]))
    }

    /// IS NULL and IS NOT NULL.
    pub(super) fn is_null(&mut self, inner: &ast::Expr, not: bool, scope: &Scope<'_>) -> Result<Expr> {
        if let ast::Expr::Tuple(fields) = inner {
            let parts = self.row_fields(fields, scope)?.into_iter().map(|field| {
                let is_null = Expr::IsNull(Box::new(self.known(field)?));
                Ok(if not { Expr::Not(Box::new(is_null)) } else { is_null })
            });
            let parts = parts.collect::<Result<Vec<_>>>()?;
            return Ok(match parts.len() {
                0 => Expr::Literal(Value::Bool(true), DataType::Bool),
                _ => all_or_one(parts, Expr::And),
            });
        }
        let bound = self.expr(inner, scope)?;
        let bound = self.known(bound)?;
        if bound.data_type() == DataType::Record {
            return Ok(Expr::Form { form: Form::RowIsNull { not }, args: vec![bound], data_type: DataType::Bool });
        }
        let is_null = Expr::IsNull(Box::new(bound));
        Ok(if not { Expr::Not(Box::new(is_null)) } else { is_null })
    }
}

fn all_or_one(mut parts: Vec<Expr>, of: fn(Vec<Expr>) -> Expr) -> Expr {
    if parts.len() == 1 { parts.remove(0) } else { of(parts) }
}

/// Names and types of the fields of a row value, if its expression tells them.
fn fields_of(value: &Expr) -> Option<&[(Arc<str>, DataType)]> {
    match value {
        Expr::Form { form: Form::Row(shape), .. } => Some(&shape.fields),
        Expr::Case { otherwise, .. } => fields_of(otherwise),
        Expr::Literal(Value::Record(record), _) => Some(&record.shape.fields),
        _ => None,
    }
}
