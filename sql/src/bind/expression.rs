//! Expressions: columns, literals, operators, casts, CASE.

use heliosdb_storage::value::{ColumnType, DataType, Value};
use sqlparser::ast::{self, BinaryOperator, Spanned, UnaryOperator};
use sqlparser::tokenizer::Span;

use super::Binder;
use super::array::symbol_of;
use super::coerce::operator;
use super::names::ident;
use super::scope::Scope;
use super::tree::plain;
use crate::error::{Result, SqlError, SqlState};
use crate::expr::Expr;
use crate::parse::encoding;
use crate::types;
use crate::types::cast::CastContext;

/// How long chains of binary operators around a place may be together: they are evaluated recursively.
const MAX_OPERATOR_DEPTH: usize = 250;

/// An operator of a chain, with what stands to its left and right.
struct Link<'a> {
    left: &'a ast::Expr,
    op: &'a BinaryOperator,
    right: &'a ast::Expr,
}

impl Binder<'_> {
    /// Binds an expression. Literals and parameters may come out as `unknown`.
    pub fn expr(&mut self, expr: &ast::Expr, scope: &Scope<'_>) -> Result<Expr> {
        self.nested(|binder| binder.expr_here(expr, scope))
    }

    /// Binds a condition.
    pub fn bind_condition(&mut self, expr: &ast::Expr, scope: &Scope<'_>, place: &str) -> Result<Expr> {
        let bound = self.expr(expr, scope)?;
        self.condition(bound, place).map_err(|error| self.at_expr(expr, error))
    }

    fn expr_here(&mut self, expr: &ast::Expr, scope: &Scope<'_>) -> Result<Expr> {
        use ast::Expr as Ast;
        match expr {
            Ast::Identifier(name) => self.identifier(name, expr, scope),
            Ast::CompoundIdentifier(parts) => self.compound_identifier(parts, scope),
            Ast::Value(value) => self.value(value),
            Ast::Nested(inner) => self.expr(inner, scope),
            Ast::BinaryOp { .. } => self.binary_chain(expr, scope),
            Ast::UnaryOp { op, expr } => self.unary(*op, expr, scope),
            Ast::Function(function) => self.function(function, scope),
            Ast::TypedString(typed) => {
                let to = self.type_named(&typed.data_type)?;
                let text = string_value(&typed.value.value).ok_or_else(|| SqlError::unsupported("this literal"))?;
                let literal = self.text_literal(text, typed.value.span);
                self.coerce(literal, to, CastContext::Explicit)
            }
            Ast::Cast { kind: ast::CastKind::Cast | ast::CastKind::DoubleColon, expr, data_type, format: None } => {
                let to = self.type_named(data_type)?;
                self.cast_to(expr, to, scope)
            }
            Ast::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref(), scope)
            }
            Ast::Collate { expr, collation } => self.collate(expr, collation, scope),
            Ast::Array(array) => self.array(array, None, scope),
            Ast::Tuple(fields) => self.row(fields, scope),
            Ast::CompoundFieldAccess { root, access_chain } => self.access(root, access_chain, scope),
            Ast::QualifiedWildcard(name, _) => {
                let name = super::names::qualified(name)?.name;
                self.whole_row(&name, scope).ok_or_else(|| self.at_expr(expr, scope.missing_relation(&name)))
            }
            other => {
                if let Some((symbol, operand)) = encoding::as_prefix_operator(other) {
                    let operand = self.expr(operand, scope)?;
                    return operator(self, symbol, None, operand);
                }
                self.predicate(other, scope)
            }
        }
    }

    /// A column, or a relation's row as a whole.
    fn identifier(&mut self, name: &ast::Ident, expr: &ast::Expr, scope: &Scope<'_>) -> Result<Expr> {
        if super::assign::is_default(expr) {
            let error = SqlError::new(SqlState::SYNTAX_ERROR, "DEFAULT is not allowed in this context");
            return Err(self.at(name.span, error));
        }
        match scope.column(&ident(name)) {
            Ok(column) => {
                self.note_bare_column(name, &column.name, scope);
                scope.note_use(&column.expr, name.span);
                Ok(column.expr)
            }
            Err(error) if error.state == SqlState::UNDEFINED_COLUMN => {
                self.whole_row(&ident(name), scope).ok_or_else(|| self.at(name.span, error))
            }
            Err(error) => Err(self.at(name.span, error)),
        }
    }

    /// A cast. It tells an array constructor what its elements are.
    fn cast_to(&mut self, expr: &ast::Expr, to: ColumnType, scope: &Scope<'_>) -> Result<Expr> {
        let mut inner = expr;
        while let ast::Expr::Nested(nested) = inner {
            inner = nested;
        }
        let bound = match inner {
            ast::Expr::Array(array) if to.data_type.element().is_some() => {
                self.array(array, Some(to.data_type), scope)?
            }
            _ => self.expr(expr, scope)?,
        };
        self.coerce(bound, to, CastContext::Explicit).map_err(|error| self.at_expr(expr, error))
    }

    /// COLLATE: there is one order, and it has three names.
    fn collate(&mut self, expr: &ast::Expr, collation: &ast::ObjectName, scope: &Scope<'_>) -> Result<Expr> {
        let name = super::names::qualified(collation)?;
        let bound = self.expr(expr, scope)?;
        let data_type = bound.data_type();
        let is_string = data_type == DataType::Unknown
            || data_type.is_string()
            || matches!(data_type, DataType::Bpchar)
            || data_type.element().is_some_and(DataType::is_string);
        if !is_string {
            let message = format!("collations are not supported by type {}", types::name(data_type, -1));
            return Err(SqlError::new(SqlState::DATATYPE_MISMATCH, message));
        }
        match name.name.as_str() {
            "C" | "POSIX" | "default" => Ok(bound),
            known if is_locale(known) => Err(SqlError::unsupported(format!("collation \"{name}\""))),
            _ => {
                let message = format!("collation \"{name}\" for encoding \"UTF8\" does not exist");
                Err(SqlError::new(SqlState::UNDEFINED_OBJECT, message))
            }
        }
    }

    fn compound_identifier(&mut self, parts: &[ast::Ident], scope: &Scope<'_>) -> Result<Expr> {
        let span =
            (parts.first().zip(parts.last())).map(|(first, last)| Span { start: first.span.start, end: last.span.end });
        let names: Vec<String> = parts.iter().map(ident).collect();
        let found = match names.as_slice() {
            [relation, column] => scope.qualified_column(relation, column),
            // A schema says nothing more: there is one relation of a name in a scope.
            [_, relation, column] => scope.qualified_column(relation, column),
            _ => Err(SqlError::unsupported("a name of more than three parts")),
        };
        match (found, span) {
            (Ok(column), span) => {
                if let [.., relation, column] = names.as_slice() {
                    self.note_column(parts, relation, column, scope);
                }
                scope.note_use(&column.expr, span.unwrap_or_else(Span::empty));
                Ok(column.expr)
            }
            (Err(error), Some(span)) => Err(self.at(span, error)),
            (Err(error), None) => Err(error),
        }
    }

    fn value(&mut self, value: &ast::ValueWithSpan) -> Result<Expr> {
        if let Some(text) = string_value(&value.value) {
            return Ok(self.text_literal(text, value.span));
        }
        match &value.value {
            ast::Value::Number(text, false) => number(text),
            ast::Value::Boolean(b) => Ok(Expr::Literal(Value::Bool(*b), DataType::Bool)),
            ast::Value::Null => Ok(Expr::Literal(Value::Null, DataType::Unknown)),
            ast::Value::Placeholder(name) => {
                let number = name.strip_prefix('$').and_then(|digits| digits.parse::<usize>().ok());
                match number.and_then(|number| number.checked_sub(1)) {
                    Some(index) => self.parameter(index).map_err(|error| self.at(value.span, error)),
                    None => Err(self.at(
                        value.span,
                        SqlError::new(SqlState::UNDEFINED_PARAMETER, format!("there is no parameter {name}")),
                    )),
                }
            }
            other => Err(SqlError::unsupported(format!("the literal {other}"))),
        }
    }

    fn unary(&mut self, op: UnaryOperator, operand: &ast::Expr, scope: &Scope<'_>) -> Result<Expr> {
        if op == UnaryOperator::Minus
            && let ast::Expr::Value(ast::ValueWithSpan { value: ast::Value::Number(text, false), .. }) = operand
        {
            // The sign belongs to the literal: -2147483648 is an integer, 2147483648 is not.
            return number(&format!("-{text}"));
        }
        let bound = self.expr(operand, scope)?;
        if op == UnaryOperator::Not {
            let condition = self.condition(bound, "NOT").map_err(|error| self.at_expr(operand, error))?;
            return Ok(Expr::Not(Box::new(condition)));
        }
        let symbol = op.to_string();
        operator(self, &symbol, None, bound).map_err(|error| self.before(operand, &symbol, error))
    }

    /// A chain of binary operators leans to the left and may be long: it is walked in a loop.
    fn binary_chain(&mut self, expr: &ast::Expr, scope: &Scope<'_>) -> Result<Expr> {
        let mut links: Vec<Link<'_>> = Vec::new();
        let mut first = expr;
        while let ast::Expr::BinaryOp { left, op, right } = first {
            links.push(Link { left: left.as_ref(), op, right: right.as_ref() });
            first = left;
        }
        let deepens = |link: &&Link<'_>| !matches!(link.op, BinaryOperator::And | BinaryOperator::Or);
        let depth = links.iter().filter(deepens).count();
        if self.operators + depth > MAX_OPERATOR_DEPTH {
            return Err(SqlError::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"));
        }
        self.operators += depth;
        let bound = self.bind_chain(links, scope);
        self.operators -= depth;
        bound
    }

    /// Binds the operators of a chain, the innermost of which is the last link.
    fn bind_chain(&mut self, links: Vec<Link<'_>>, scope: &Scope<'_>) -> Result<Expr> {
        let mut bound: Option<Expr> = None;
        for link in links.into_iter().rev() {
            bound = Some(match (bound.take(), link.left) {
                (Some(left), _) => self.binary(left, &link, scope)?,
                (None, ast::Expr::Tuple(fields)) => self.row_operator(fields, &link, scope)?,
                (None, first) => {
                    let left = self.expr(first, scope)?;
                    self.binary(left, &link, scope)?
                }
            });
        }
        bound.ok_or_else(|| SqlError::unsupported("an operator without operands"))
    }

    /// An operator behind a row constructor.
    fn row_operator(&mut self, fields: &[ast::Expr], link: &Link<'_>, scope: &Scope<'_>) -> Result<Expr> {
        let compared = match link.right {
            ast::Expr::Tuple(right) => {
                let (left, right) = (self.row_fields(fields, scope)?, self.row_fields(right, scope)?);
                self.compare_rows(left, link.op, right)
            }
            ast::Expr::Subquery(query) => {
                let left = self.row_fields(fields, scope)?;
                return self.row_subquery_comparison(left, link.op, query, scope);
            }
            _ => {
                let left = self.row(fields, scope)?;
                return self.binary(left, link, scope);
            }
        };
        compared.map_err(|error| self.behind_operand(link.left, &symbol_of(link.op), error))
    }

    fn binary(&mut self, left: Expr, link: &Link<'_>, scope: &Scope<'_>) -> Result<Expr> {
        let place = match link.op {
            BinaryOperator::And => "AND",
            BinaryOperator::Or => "OR",
            op => {
                let right = self.expr(link.right, scope)?;
                let symbol = symbol_of(op);
                return operator(self, &symbol, Some(left), right)
                    .map_err(|error| self.behind_operand(link.left, &symbol, error));
            }
        };
        let left = self.condition(left, place).map_err(|error| self.at_expr(link.left, error))?;
        let right = self.bind_condition(link.right, scope, place)?;
        if place == "AND" {
            let mut parts = Vec::new();
            left.into_conjuncts(&mut parts);
            right.into_conjuncts(&mut parts);
            return Ok(Expr::And(parts));
        }
        let mut parts = if let Expr::Or(parts) = left { parts } else { vec![left] };
        if let Expr::Or(more) = right {
            parts.extend(more)
        } else {
            parts.push(right)
        }
        Ok(Expr::Or(parts))
    }

    fn case(
        &mut self,
        operand: Option<&ast::Expr>,
        conditions: &[ast::CaseWhen],
        otherwise: Option<&ast::Expr>,
        scope: &Scope<'_>,
    ) -> Result<Expr> {
        let sets = scope.sets.borrow().len();
        let operand = operand.map(|operand| self.expr(operand, scope)).transpose()?;
        let operand = operand.map(|operand| self.known(operand)).transpose()?;
        let mut whens = Vec::with_capacity(conditions.len());
        let mut results = Vec::with_capacity(conditions.len() + 1);
        // ELSE comes first where types are weighed.
        results.push(Expr::Literal(Value::Null, DataType::Unknown));
        for branch in conditions {
            whens.push(match &operand {
                Some(operand) => {
                    let value = self.expr(&branch.condition, scope)?;
                    operator(self, "=", Some(operand.clone()), value)
                        .map_err(|error| self.at_expr(&branch.condition, error))?
                }
                None => self.bind_condition(&branch.condition, scope, "CASE/WHEN")?,
            });
            results.push(self.expr(&branch.result, scope)?);
        }
        if let (Some(otherwise), Some(first)) = (otherwise, results.first_mut()) {
            *first = self.expr(otherwise, scope)?;
        }
        self.refuse_sets_since(sets, scope, "CASE")?;
        let (mut results, data_type) = self.unify(results, "CASE")?;
        let otherwise = Box::new(results.remove(0));
        Ok(Expr::Case { branches: whens.into_iter().zip(results).collect(), otherwise, data_type })
    }

    /// An error at an operator, which stands somewhere behind its left operand.
    pub(super) fn behind_operand(&self, left: &ast::Expr, symbol: &str, error: SqlError) -> SqlError {
        let end = left.span().end;
        let place = crate::parse::find_behind(self.source, end, symbol);
        place.map_or(error.clone(), |span| self.at(span, error))
    }

    /// An error at a prefix operator, which stands somewhere before its operand.
    fn before(&self, operand: &ast::Expr, symbol: &str, error: SqlError) -> SqlError {
        let start = operand.span().start;
        let place = crate::parse::find_before(self.source, start, symbol);
        place.map_or(error.clone(), |span| self.at(span, error))
    }
}

/// Whether a collation's name is that of a locale, which PostgreSQL may have: `de_DE`, `en-x-icu`, `C.UTF-8`.
fn is_locale(name: &str) -> bool {
    let mut parts = name.split(['_', '-', '.']);
    let language = parts.next().unwrap_or_default();
    let is_language = matches!(language.len(), 2 | 3) && language.bytes().all(|byte| byte.is_ascii_lowercase());
    (is_language || matches!(language, "C" | "POSIX" | "ucs")) && parts.next().is_some()
}

/// The text of a string literal of any notation.
pub fn string_value(value: &ast::Value) -> Option<&str> {
    match value {
        ast::Value::SingleQuotedString(text)
        | ast::Value::EscapedStringLiteral(text)
        | ast::Value::UnicodeStringLiteral(text)
        | ast::Value::NationalStringLiteral(text) => Some(text),
        ast::Value::DollarQuotedString(quoted) => Some(&quoted.value),
        _ => None,
    }
}

/// A numeric literal: integer, else bigint, else numeric.
fn number(text: &str) -> Result<Expr> {
    if let Ok(n) = text.parse::<i32>() {
        return Ok(Expr::Literal(Value::Int4(n), DataType::Int4));
    }
    if let Ok(n) = text.parse::<i64>() {
        return Ok(Expr::Literal(Value::Int8(n), DataType::Int8));
    }
    let value = types::parse_text(text, plain(DataType::Numeric), &types::ValueContext::utc())?;
    Ok(Expr::Literal(value, DataType::Numeric))
}
