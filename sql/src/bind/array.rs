//! Arrays: constructors, subscripts, `op ANY (array)`.

use heliosdb_storage::value::{DataType, Value};
use sqlparser::ast::{self, AccessExpr, Subscript};

use super::Binder;
use super::scope::Scope;
use super::tree::plain;
use crate::error::{Result, SqlError, SqlState};
use crate::expr::{Expr, Form, SliceBounds};
use crate::functions::{self, polymorphic};
use crate::types;
use crate::types::cast::CastContext;

/// The most subscripts of one array.
const MAX_SUBSCRIPTS: usize = heliosdb_storage::value::array::MAX_DIMENSIONS;

impl Binder<'_> {
    /// `ARRAY[…]`, for a cast to an array perhaps, which then says what the elements are.
    pub(super) fn array(&mut self, array: &ast::Array, wanted: Option<DataType>, scope: &Scope<'_>) -> Result<Expr> {
        let is_array = |expr: &ast::Expr| matches!(expr, ast::Expr::Array(_));
        let mut items = Vec::with_capacity(array.elem.len());
        for item in &array.elem {
            items.push(match item {
                ast::Expr::Array(inner) => self.nested(|binder| binder.array(inner, wanted, scope))?,
                item => self.expr(item, scope)?,
            });
        }
        if let Some(data_type) = wanted {
            let element = data_type.element().unwrap_or(DataType::Unknown);
            // An item may itself be an array, whose elements are then cast.
            let is_nested = items.iter().any(|item| item.data_type().element().is_some());
            let to = if is_nested { data_type } else { element };
            let items = items.into_iter().map(|item| self.coerce(item, plain(to), CastContext::Explicit));
            let form = if is_nested { Form::ArrayOfArrays } else { Form::Array };
            return Ok(Expr::Form { form, args: items.collect::<Result<_>>()?, data_type });
        }
        if items.is_empty() {
            return Err(SqlError::new(SqlState::INDETERMINATE_DATATYPE, "cannot determine type of empty array")
                .with_hint("Explicitly cast to the desired type, for example ARRAY[]::integer[]."));
        }
        let (args, common) = self.unify(items, "ARRAY")?;
        if common.element().is_some() && (array.elem.iter().any(is_array) || !array.elem.is_empty()) {
            return Ok(Expr::Form { form: Form::ArrayOfArrays, args, data_type: common });
        }
        let data_type = common.array().ok_or_else(|| no_array_type(common))?;
        Ok(Expr::Form { form: Form::Array, args, data_type })
    }

    /// Subscripts and fields behind a value.
    pub(super) fn access(&mut self, root: &ast::Expr, chain: &[AccessExpr], scope: &Scope<'_>) -> Result<Expr> {
        let (mut value, mut rest) = match (self.relation_field(root, chain, scope)?, chain) {
            (Some(field), [_, rest @ ..]) => (field, rest),
            _ => (self.expr(root, scope)?, chain),
        };
        while let Some((next, after)) = rest.split_first() {
            match next {
                AccessExpr::Dot(field) => {
                    value = self.field(value, field)?;
                    rest = after;
                }
                AccessExpr::Subscript(_) => {
                    let count = rest.iter().take_while(|access| matches!(access, AccessExpr::Subscript(_))).count();
                    let (subscripts, after) = rest.split_at(count);
                    let subscripts: Vec<&Subscript> = subscripts
                        .iter()
                        .filter_map(|access| match access {
                            AccessExpr::Subscript(subscript) => Some(subscript),
                            AccessExpr::Dot(_) => None,
                        })
                        .collect();
                    value = self.subscripted(value, &subscripts, scope)?;
                    rest = after;
                }
            }
        }
        Ok(value)
    }

    fn subscripted(&mut self, value: Expr, subscripts: &[&Subscript], scope: &Scope<'_>) -> Result<Expr> {
        let from = value.data_type();
        if from == DataType::Jsonb {
            return self.json_subscripts(value, subscripts, scope);
        }
        let Some(element) = from.element() else {
            let message =
                format!("cannot subscript type {} because it does not support subscripting", types::name(from, -1));
            return Err(SqlError::new(SqlState::DATATYPE_MISMATCH, message));
        };
        let mut args = vec![value];
        let bounds = self.subscript_args(subscripts, scope, &mut args)?;
        Ok(match bounds {
            None => Expr::Form { form: Form::Element, args, data_type: element },
            Some(bounds) => Expr::Form { form: Form::Slice(bounds), args, data_type: element.array().unwrap_or(from) },
        })
    }

    /// Appends the subscripts to the operands; the bounds of a slice if one of them is one.
    pub(super) fn subscript_args(
        &mut self,
        subscripts: &[&Subscript],
        scope: &Scope<'_>,
        args: &mut Vec<Expr>,
    ) -> Result<Option<Vec<SliceBounds>>> {
        if subscripts.len() > MAX_SUBSCRIPTS {
            return Err(types::array::too_many_dimensions());
        }
        let is_slice = subscripts.iter().any(|subscript| matches!(subscript, Subscript::Slice { .. }));
        let mut bounds = Vec::with_capacity(subscripts.len());
        for subscript in subscripts {
            let (lower, upper) = match subscript {
                Subscript::Index { index } => (None, Some(index)),
                Subscript::Slice { lower_bound, upper_bound, stride: _ } => {
                    (lower_bound.as_ref(), upper_bound.as_ref())
                }
            };
            // Among slices a single subscript counts from 1.
            let is_single = matches!(subscript, Subscript::Index { .. });
            if is_slice && is_single {
                args.push(Expr::Literal(Value::Int4(1), DataType::Int4));
            }
            bounds.push(SliceBounds { lower: lower.is_some() || is_single, upper: upper.is_some() });
            for bound in lower.into_iter().chain(upper) {
                let bound_expr = self.expr(bound, scope)?;
                args.push(self.subscript(bound_expr).map_err(|error| self.at_expr(bound, error))?);
            }
        }
        Ok(is_slice.then_some(bounds))
    }

    fn subscript(&mut self, subscript: Expr) -> Result<Expr> {
        let from = subscript.data_type();
        if from != DataType::Unknown && !types::cast::can_cast(from, DataType::Int4, CastContext::Assignment) {
            return Err(SqlError::new(SqlState::DATATYPE_MISMATCH, "array subscript must have type integer"));
        }
        self.coerce(subscript, plain(DataType::Int4), CastContext::Assignment)
    }

    /// `document['a'][0]`: a path into it.
    fn json_subscripts(&mut self, value: Expr, subscripts: &[&Subscript], scope: &Scope<'_>) -> Result<Expr> {
        let mut args = vec![value];
        for subscript in subscripts {
            let Subscript::Index { index } = subscript else {
                return Err(SqlError::new(SqlState::DATATYPE_MISMATCH, "jsonb subscript does not support slices"));
            };
            let key = self.expr(index, scope)?;
            let is_key = matches!(
                key.data_type(),
                DataType::Unknown | DataType::Int2 | DataType::Int4 | DataType::Text | DataType::Varchar
            );
            if !is_key {
                let message = format!("subscript type {} is not supported", types::name(key.data_type(), -1));
                return Err(SqlError::new(SqlState::DATATYPE_MISMATCH, message)
                    .with_hint("jsonb subscript must be coercible to either integer or text."));
            }
            args.push(self.coerce(key, plain(DataType::Text), CastContext::Explicit)?);
        }
        self.call_bound(Some("pg_catalog"), "jsonb_extract_path", args)
    }

    /// `left op ANY (array)` and `left op ALL (array)`.
    pub(super) fn quantified_array(
        &mut self,
        left: Expr,
        op: &ast::BinaryOperator,
        array: Expr,
        all: bool,
    ) -> Result<Expr> {
        let symbol = symbol_of(op);
        let wrong_object =
            |what: &str| SqlError::new(SqlState::WRONG_OBJECT_TYPE, format!("op ANY/ALL (array) requires {what}"));
        let given = array.data_type();
        let element = match given {
            DataType::Unknown => DataType::Unknown,
            known => known.element().ok_or_else(|| wrong_object("array on right side"))?,
        };
        let function = functions::resolve_operator(&symbol, Some(left.data_type()), Some(element))?;
        if function.returns != DataType::Bool {
            return Err(wrong_object("operator to yield boolean"));
        }
        let declared = [0, 1].map(|at| function.arg_type(at).unwrap_or(DataType::Any));
        let open = || SqlError::new(SqlState::DATATYPE_MISMATCH, "could not determine polymorphic type");
        let resolved = polymorphic::resolve(declared.into_iter(), &[left.data_type(), element]).ok_or_else(open)?;
        let [left_type, element_type] = declared.map(|declared| resolved.apply(declared));
        let left = self.coerce_argument(left, left_type)?;
        let array = match element_type {
            Some(element) if element != DataType::Any => {
                let to = element.array().ok_or_else(|| no_array_type(element))?;
                self.coerce(array, plain(to), CastContext::Implicit)?
            }
            _ => array,
        };
        let form = Form::Quantified { function, all };
        Ok(Expr::Form { form, args: vec![left, array], data_type: DataType::Bool })
    }
}

/// The symbol of an operator.
pub(super) fn symbol_of(op: &ast::BinaryOperator) -> String {
    match op {
        ast::BinaryOperator::PGCustomBinaryOperator(path) => path.last().cloned().unwrap_or_default(),
        ast::BinaryOperator::NotEq => "<>".to_owned(),
        other => other.to_string(),
    }
}

fn no_array_type(element: DataType) -> SqlError {
    SqlError::new(
        SqlState::UNDEFINED_OBJECT,
        format!("could not find array type for data type {}", types::name(element, -1)),
    )
}
