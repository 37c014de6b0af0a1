//! Typed expressions as text, as PostgreSQL prints them. It shows what the plan computes, not what the user wrote.

use heliosdb_storage::value::{DataType, Value};

use super::names::Names;
use crate::expr::{Expr, Form, Subquery, SubqueryForm, SubqueryKind};
use crate::types;

/// The text of an expression over a row.
pub fn text(expr: &Expr, names: &Names<'_>) -> String {
    match expr {
        Expr::Literal(value, data_type) => literal(value, *data_type),
        Expr::Parameter(index, _) => format!("${}", index + 1),
        Expr::Column(index, _) => names.column(*index),
        Expr::Outer { depth, index, .. } => names.outer(*depth, *index),
        Expr::Call { function, args, .. } => {
            let arg =
                |at: usize| args.get(at).map(|expr| converted(expr, function.arg_type(at), names)).unwrap_or_default();
            match args.len() {
                2 if is_operator(function.name) => format!("({} {} {})", arg(0), function.name, arg(1)),
                1 if is_operator(function.name) => format!("({} {})", function.name, arg(0)),
                count => format!("{}({})", function.name, (0..count).map(arg).collect::<Vec<_>>().join(", ")),
            }
        }
        Expr::Cast { expr, to, .. } => {
            let inner = text(expr, names);
            let inner = if inner.starts_with('(') { inner } else { format!("({inner})") };
            format!("{inner}::{}", types::name(to.data_type, to.typmod))
        }
        Expr::And(parts) => format!("({})", list(parts, names, " AND ")),
        Expr::Or(parts) => format!("({})", list(parts, names, " OR ")),
        Expr::Not(inner) => match inner.as_ref() {
            Expr::IsNull(inner) => format!("({} IS NOT NULL)", text(inner, names)),
            Expr::IsDistinct(a, b) => not_distinct(a, b, names),
            inner => format!("(NOT {})", text(inner, names)),
        },
        Expr::IsNull(inner) => format!("({} IS NULL)", text(inner, names)),
        Expr::IsDistinct(a, b) => distinct(a, b, names),
        Expr::Case { branches, otherwise, .. } => {
            let branches: String = branches
                .iter()
                .map(|(when, then)| format!(" WHEN {} THEN {}", text(when, names), text(then, names)))
                .collect();
            format!("CASE{branches} ELSE {} END", text(otherwise, names))
        }
        Expr::Coalesce(parts, _) => format!("COALESCE({})", list(parts, names, ", ")),
        Expr::InList { expr, list } => in_list(expr, list, names),
        Expr::Form { form, args, .. } => form_text(form, &args.iter().map(|arg| text(arg, names)).collect::<Vec<_>>()),
        Expr::Subquery(subquery) => subquery_text(subquery, names),
    }
}

fn list(exprs: &[Expr], names: &Names<'_>, between: &str) -> String {
    exprs.iter().map(|expr| text(expr, names)).collect::<Vec<_>>().join(between)
}

/// An argument; what is stored in another type than the function takes is converted, though nothing is done for it.
fn converted(expr: &Expr, declared: Option<DataType>, names: &Names<'_>) -> String {
    let inner = text(expr, names);
    match (expr, declared) {
        (Expr::Column(..) | Expr::Outer { .. }, Some(DataType::Text)) if expr.data_type() == DataType::Varchar => {
            format!("({inner})::text")
        }
        _ => inner,
    }
}

fn distinct(a: &Expr, b: &Expr, names: &Names<'_>) -> String {
    match b {
        Expr::Literal(Value::Bool(true), _) => format!("({} IS NOT TRUE)", text(a, names)),
        Expr::Literal(Value::Bool(false), _) => format!("({} IS NOT FALSE)", text(a, names)),
        _ => format!("({} IS DISTINCT FROM {})", text(a, names), text(b, names)),
    }
}

fn not_distinct(a: &Expr, b: &Expr, names: &Names<'_>) -> String {
    match b {
        Expr::Literal(Value::Bool(true), _) => format!("({} IS TRUE)", text(a, names)),
        Expr::Literal(Value::Bool(false), _) => format!("({} IS FALSE)", text(a, names)),
        _ => format!("(NOT ({} IS DISTINCT FROM {}))", text(a, names), text(b, names)),
    }
}

/// `x IN (1, 2)` is `x = ANY ('{1,2}'::integer[])` for constants.
fn in_list(expr: &Expr, items: &[Expr], names: &Names<'_>) -> String {
    let data_type = expr.data_type();
    let element = if data_type == DataType::Varchar { DataType::Text } else { data_type };
    let element_name = types::name(element, -1);
    let values: Option<Vec<String>> = items
        .iter()
        .map(|item| match item {
            Expr::Literal(value, data_type) => Some(array_item(value, *data_type)),
            _ => None,
        })
        .collect();
    let value = converted(expr, Some(element), names);
    match values {
        Some(values) => format!("({value} = ANY ('{{{}}}'::{element_name}[]))", values.join(",")),
        None => format!("({value} = ANY (ARRAY[{}]))", list(items, names, ", ")),
    }
}

fn array_item(value: &Value, data_type: DataType) -> String {
    if value.is_null() {
        return "NULL".to_owned();
    }
    let text = types::to_text(value, data_type, &types::ValueContext::utc());
    let is_plain = !text.is_empty()
        && !text.eq_ignore_ascii_case("null")
        && !text.chars().any(|c| matches!(c, '{' | '}' | ',' | '"' | '\\') || c.is_whitespace());
    let text = if is_plain { text } else { format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")) };
    text.replace('\'', "''")
}

fn subquery_text(subquery: &Subquery, names: &Names<'_>) -> String {
    let SubqueryForm::Planned { plan, correlated } = &subquery.form else { return "(SubPlan)".to_owned() };
    let number = names.number(plan);
    match &subquery.kind {
        SubqueryKind::Scalar | SubqueryKind::Exists if !correlated => format!("${}", number.saturating_sub(1)),
        SubqueryKind::In(_) if !correlated => format!("(hashed SubPlan {number})"),
        _ => format!("(SubPlan {number})"),
    }
}

fn form_text(form: &Form, args: &[String]) -> String {
    let first = args.first().map_or("", String::as_str);
    let rest = args.get(1..).unwrap_or_default();
    match form {
        Form::Array | Form::ArrayOfArrays => format!("ARRAY[{}]", args.join(", ")),
        Form::Row(_) => format!("ROW({})", args.join(", ")),
        Form::Field(index) => format!("({first}).f{}", index + 1),
        Form::Element => format!("({first})[{}]", rest.join("][")),
        Form::Slice(_) => format!("({first})[{}]", rest.join(":")),
        Form::AssignElement | Form::AssignSlice(_) => format!("assign({})", args.join(", ")),
        Form::Quantified { function, all } => {
            format!("({first} {} {} ({}))", function.name, if *all { "ALL" } else { "ANY" }, rest.join(", "))
        }
        Form::Extreme { greatest } => format!("{}({})", if *greatest { "GREATEST" } else { "LEAST" }, args.join(", ")),
        Form::VariadicCall(function) => match args.split_last() {
            Some((array, [])) => format!("{}(VARIADIC {array})", function.name),
            Some((array, before)) => format!("{}({}, VARIADIC {array})", function.name, before.join(", ")),
            None => format!("{}()", function.name),
        },
        Form::RowIsNull { not } => format!("({first} IS {}NULL)", if *not { "NOT " } else { "" }),
    }
}

fn is_operator(name: &str) -> bool {
    name.starts_with(|c: char| !c.is_alphanumeric() && c != '_')
}

fn literal(value: &Value, data_type: DataType) -> String {
    let plain = || types::to_text(value, data_type, &types::ValueContext::utc());
    match value {
        Value::Null => format!("NULL::{}", types::name(data_type, -1)),
        Value::Bool(b) => b.to_string(),
        Value::Int4(_) | Value::Numeric(_) => {
            let text = plain();
            let is_number = text.starts_with(|c: char| c.is_ascii_digit());
            if is_number && (data_type == DataType::Int4 || text.contains('.')) {
                text
            } else {
                format!("'{text}'::{}", types::name(data_type, -1))
            }
        }
        _ => {
            let data_type = if data_type == DataType::Varchar { DataType::Text } else { data_type };
            format!("'{}'::{}", plain().replace('\'', "''"), types::name(data_type, -1))
        }
    }
}
