//! Expressions: columns, literals, operators, casts, CASE.

use heliosdb_storage::value::{DataType, Value};
use sqlparser::ast::{self, BinaryOperator, UnaryOperator};
use sqlparser::tokenizer::Span;

use super::Binder;
use super::coerce::operator;
use super::names::ident;
use super::scope::Scope;
use super::tree::plain;
use super::type_name;
use crate::error::{Result, SqlError, SqlState};
use crate::expr::Expr;
use crate::types::cast::CastContext;

/// How long chains of binary operators around a place may be together: they are evaluated recursively.
const MAX_OPERATOR_DEPTH: usize = 250;

impl Binder<'_> {
    /// Binds an expression. Literals and parameters may come out as `unknown`.
    pub fn expr(&mut self, expr: &ast::Expr, scope: &Scope<'_>) -> Result<Expr> {
        self.nested(|binder| binder.expr_here(expr, scope))
    }

    /// Binds a condition.
    pub fn bind_condition(&mut self, expr: &ast::Expr, scope: &Scope<'_>, place: &str) -> Result<Expr> {
        let bound = self.expr(expr, scope)?;
        self.condition(bound, place)
    }

    fn expr_here(&mut self, expr: &ast::Expr, scope: &Scope<'_>) -> Result<Expr> {
        use ast::Expr as Ast;
        match expr {
            Ast::Identifier(name) if super::assign::is_default(expr) => {
                let error = SqlError::new(SqlState::SYNTAX_ERROR, "DEFAULT is not allowed in this context");
                Err(self.at(name.span, error))
            }
            Ast::Identifier(name) if name.quote_style.is_none() && ident(name) == "default" => {
                let error = SqlError::new(SqlState::SYNTAX_ERROR, "DEFAULT is not allowed in this context");
                Err(self.at(name.span, error))
            }
            Ast::Identifier(name) => {
                let column = scope.column(&ident(name)).map_err(|error| self.at(name.span, error))?;
                self.note_bare_column(name, &column.name, scope);
                scope.note_use(&column.expr, name.span);
                Ok(column.expr)
            }
            Ast::CompoundIdentifier(parts) => self.compound_identifier(parts, scope),
            Ast::Value(value) => self.value(value),
            Ast::Nested(inner) => self.expr(inner, scope),
            Ast::TypedString(typed) => {
                let to = type_name::plain(&typed.data_type)?;
                let text = string_value(&typed.value.value).ok_or_else(|| SqlError::unsupported("this literal"))?;
                self.coerce(Expr::Literal(Value::text(text), DataType::Unknown), to, CastContext::Explicit)
            }
            Ast::UnaryOp { op, expr } => self.unary(*op, expr, scope),
            Ast::BinaryOp { .. } => self.binary_chain(expr, scope),
            Ast::Cast { kind: ast::CastKind::Cast | ast::CastKind::DoubleColon, expr, data_type, format: None } => {
                let to = type_name::plain(data_type)?;
                let inner = self.expr(expr, scope)?;
                self.coerce(inner, to, CastContext::Explicit)
            }
            Ast::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref(), scope)
            }
            Ast::Function(function) => self.function(function, scope),
            Ast::Collate { expr, collation } => {
                let name = super::names::qualified(collation)?;
                if name.name != "C" && name.name != "POSIX" && name.name != "default" {
                    return Err(SqlError::unsupported(format!("collation \"{name}\"")));
                }
                self.expr(expr, scope)
            }
            Ast::AtTimeZone { timestamp, time_zone } => self.call_by_name("timezone", &[time_zone, timestamp], scope),
            Ast::Extract { field, expr, .. } => {
                let field = Expr::Literal(Value::text(field.to_string().to_lowercase()), DataType::Text);
                let source = self.expr(expr, scope)?;
                self.call_bound(Some("pg_catalog"), "extract", vec![field, source])
            }
            Ast::Ceil { expr, field: ast::CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime) } => {
                self.call_by_name("ceil", &[expr], scope)
            }
            Ast::Floor { expr, field: ast::CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime) } => {
                self.call_by_name("floor", &[expr], scope)
            }
            Ast::Position { expr, r#in } => self.call_by_name("strpos", &[r#in, expr], scope),
            Ast::Substring { expr, substring_from: Some(from), substring_for, special: _, shorthand: _ } => {
                let mut args: Vec<&ast::Expr> = vec![expr, from];
                args.extend(substring_for.as_deref());
                self.call_by_name("substring", &args, scope)
            }
            Ast::Trim { trim_where, trim_what, expr, trim_characters: None } => {
                let name = match trim_where {
                    None | Some(ast::TrimWhereField::Both) => "btrim",
                    Some(ast::TrimWhereField::Leading) => "ltrim",
                    Some(ast::TrimWhereField::Trailing) => "rtrim",
                };
                let mut args: Vec<&ast::Expr> = vec![expr];
                args.extend(trim_what.as_deref());
                self.call_by_name(name, &args, scope)
            }
            Ast::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
                let mut args: Vec<&ast::Expr> = vec![expr, overlay_what, overlay_from];
                args.extend(overlay_for.as_deref());
                self.call_by_name("overlay", &args, scope)
            }
            other => self.predicate(other, scope),
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
            return Ok(Expr::Literal(Value::text(text), DataType::Unknown));
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
        if is_sign(op)
            && let Some(power) = signed_power(op, operand)
        {
            return self.expr(&power, scope);
        }
        if op == UnaryOperator::Minus
            && let ast::Expr::Value(ast::ValueWithSpan { value: ast::Value::Number(text, false), .. }) = operand
        {
            // The sign belongs to the literal: -2147483648 is an integer, 2147483648 is not.
            return number(&format!("-{text}"));
        }
        let bound = self.expr(operand, scope)?;
        if op == UnaryOperator::Not {
            return Ok(Expr::Not(Box::new(self.condition(bound, "NOT")?)));
        }
        operator(self, &op.to_string(), None, bound)
    }

    /// A chain of binary operators leans to the left and may be long: it is walked in a loop.
    fn binary_chain(&mut self, expr: &ast::Expr, scope: &Scope<'_>) -> Result<Expr> {
        let mut links: Vec<(&BinaryOperator, &ast::Expr)> = Vec::new();
        let mut first = expr;
        while let ast::Expr::BinaryOp { left, op, right } = first {
            if is_comparison(op) && links.last().is_some_and(|(next, _)| is_comparison(next)) {
                // `a < b < c` says less than it seems to: PostgreSQL wants parentheses.
                return Err(SqlError::new(SqlState::SYNTAX_ERROR, format!("syntax error at or near \"{op}\"")));
            }
            if is_power_of_signed_power(op, right) {
                return Err(SqlError::unsupported("a ^ -b ^ c without parentheses"));
            }
            if is_sum_behind_prefix(op, left) {
                return Err(SqlError::unsupported(format!("a prefix operator before {op} without parentheses")));
            }
            links.push((op, right.as_ref()));
            first = left;
        }
        let deepens = |(op, _): &&(&BinaryOperator, _)| !matches!(op, BinaryOperator::And | BinaryOperator::Or);
        let depth = links.iter().filter(deepens).count();
        if self.operators + depth > MAX_OPERATOR_DEPTH {
            return Err(SqlError::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"));
        }
        self.operators += depth;
        let bound = self.bind_chain(first, links, scope);
        self.operators -= depth;
        bound
    }

    fn bind_chain(
        &mut self,
        first: &ast::Expr,
        links: Vec<(&BinaryOperator, &ast::Expr)>,
        scope: &Scope<'_>,
    ) -> Result<Expr> {
        let mut bound = if let ast::Expr::Tuple(_) = first { None } else { Some(self.expr(first, scope)?) };
        for (op, right) in links.into_iter().rev() {
            let Some(left) = bound.take() else {
                bound = Some(self.row_comparison(first, op, right, scope)?);
                continue;
            };
            bound = Some(self.binary(left, op, right, scope)?);
        }
        bound.ok_or_else(|| SqlError::unsupported("a row value here"))
    }

    fn binary(&mut self, left: Expr, op: &BinaryOperator, right: &ast::Expr, scope: &Scope<'_>) -> Result<Expr> {
        match op {
            BinaryOperator::And => {
                let (left, right) = (self.condition(left, "AND")?, self.bind_condition(right, scope, "AND")?);
                let mut parts = Vec::new();
                left.into_conjuncts(&mut parts);
                right.into_conjuncts(&mut parts);
                Ok(Expr::And(parts))
            }
            BinaryOperator::Or => {
                let (left, right) = (self.condition(left, "OR")?, self.bind_condition(right, scope, "OR")?);
                let mut parts = if let Expr::Or(parts) = left { parts } else { vec![left] };
                if let Expr::Or(more) = right {
                    parts.extend(more)
                } else {
                    parts.push(right)
                }
                Ok(Expr::Or(parts))
            }
            BinaryOperator::PGCustomBinaryOperator(path) => {
                let right = self.expr(right, scope)?;
                operator(self, path.last().map_or("", String::as_str), Some(left), right)
            }
            other => {
                let right = self.expr(right, scope)?;
                operator(self, &other.to_string(), Some(left), right)
            }
        }
    }

    fn case(
        &mut self,
        operand: Option<&ast::Expr>,
        conditions: &[ast::CaseWhen],
        otherwise: Option<&ast::Expr>,
        scope: &Scope<'_>,
    ) -> Result<Expr> {
        let operand = operand.map(|operand| self.expr(operand, scope)).transpose()?;
        let operand = operand.map(|operand| self.known(operand)).transpose()?;
        let mut whens = Vec::with_capacity(conditions.len());
        let mut results = Vec::with_capacity(conditions.len() + 1);
        for branch in conditions {
            whens.push(match &operand {
                Some(operand) => {
                    let value = self.expr(&branch.condition, scope)?;
                    operator(self, "=", Some(operand.clone()), value)?
                }
                None => self.bind_condition(&branch.condition, scope, "CASE/WHEN")?,
            });
            results.push(self.expr(&branch.result, scope)?);
        }
        results.push(match otherwise {
            Some(otherwise) => self.expr(otherwise, scope)?,
            None => Expr::Literal(Value::Null, DataType::Unknown),
        });
        let (mut results, data_type) = self.unify(results, "CASE")?;
        let otherwise = results.pop().expect("BUG: the ELSE result was pushed above");
        Ok(Expr::Case { branches: whens.into_iter().zip(results).collect(), otherwise: Box::new(otherwise), data_type })
    }
}

const fn is_sign(op: UnaryOperator) -> bool {
    matches!(op, UnaryOperator::Minus | UnaryOperator::Plus)
}

/// The parser takes `-a ^ 2` for `-(a ^ 2)`, PostgreSQL for `(-a) ^ 2`: the powers with the signs at their first base.
/// Parentheses are nodes of their own, so that only what the text left open is changed.
fn signed_power(op: UnaryOperator, operand: &ast::Expr) -> Option<ast::Expr> {
    let mut signs = vec![op];
    let mut inner = operand;
    while let ast::Expr::UnaryOp { op, expr } = inner {
        if !is_sign(*op) {
            return None;
        }
        signs.push(*op);
        inner = expr;
    }
    let ast::Expr::BinaryOp { .. } = inner else { return None };
    let mut power = inner.clone();
    let mut base = &mut power;
    while let ast::Expr::BinaryOp { left, .. } = base {
        base = left;
    }
    for op in signs.into_iter().rev() {
        let unsigned = std::mem::replace(base, ast::Expr::value(ast::Value::Null));
        *base = ast::Expr::UnaryOp { op, expr: Box::new(unsigned) };
    }
    Some(power)
}

/// `~ a + b` is `~ (a + b)`, but the parser takes it for `(~ a) + b`.
fn is_sum_behind_prefix(op: &BinaryOperator, left: &ast::Expr) -> bool {
    let ends_in_prefix = match left {
        ast::Expr::BinaryOp { right, .. } => right.as_ref(),
        other => other,
    };
    matches!(op, BinaryOperator::Plus | BinaryOperator::Minus)
        && matches!(ends_in_prefix, ast::Expr::UnaryOp { op, .. } if !is_sign(*op) && *op != UnaryOperator::Not)
}

/// `a ^ -b ^ c` is `(a ^ -b) ^ c`; the parser has put it together otherwise.
fn is_power_of_signed_power(op: &BinaryOperator, right: &ast::Expr) -> bool {
    let ast::Expr::UnaryOp { expr, .. } = right else { return false };
    *op == BinaryOperator::PGExp && matches!(expr.as_ref(), ast::Expr::BinaryOp { op: BinaryOperator::PGExp, .. })
}

const fn is_comparison(op: &BinaryOperator) -> bool {
    matches!(
        op,
        BinaryOperator::Eq
            | BinaryOperator::NotEq
            | BinaryOperator::Lt
            | BinaryOperator::LtEq
            | BinaryOperator::Gt
            | BinaryOperator::GtEq
    )
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
    let value = crate::types::parse_text(text, plain(DataType::Numeric), &crate::types::ValueContext::utc())?;
    Ok(Expr::Literal(value, DataType::Numeric))
}
