//! Typed expressions as text, for EXPLAIN. It shows what the plan computes, not what the user wrote.

use heliosdb_storage::value::{DataType, Value};

use crate::expr::{Expr, Form, SubqueryKind};
use crate::types;

/// The text of an expression; `name` gives the names of the input row's columns.
pub fn text(expr: &Expr, name: &dyn Fn(usize) -> String) -> String {
    let of = |expr: &Expr| text(expr, name);
    let list = |exprs: &[Expr], between: &str| exprs.iter().map(of).collect::<Vec<_>>().join(between);
    match expr {
        Expr::Literal(value, data_type) => literal(value, *data_type),
        Expr::Parameter(index, _) => format!("${}", index + 1),
        Expr::Column(index, _) => name(*index),
        Expr::Outer { depth, index, .. } => format!("outer{depth}.{}", index + 1),
        Expr::Call { function, args, .. } => match args.as_slice() {
            [left, right] if is_operator(function.name) => format!("({} {} {})", of(left), function.name, of(right)),
            [operand] if is_operator(function.name) => format!("({}{})", function.name, of(operand)),
            args => format!("{}({})", function.name, list(args, ", ")),
        },
        Expr::Cast { expr, to, .. } => format!("({})::{}", of(expr), types::name(to.data_type, to.typmod)),
        Expr::And(parts) => format!("({})", list(parts, " AND ")),
        Expr::Or(parts) => format!("({})", list(parts, " OR ")),
        Expr::Not(inner) => match inner.as_ref() {
            Expr::IsNull(inner) => format!("({} IS NOT NULL)", of(inner)),
            inner => format!("(NOT {})", of(inner)),
        },
        Expr::IsNull(inner) => format!("({} IS NULL)", of(inner)),
        Expr::IsDistinct(a, b) => format!("({} IS DISTINCT FROM {})", of(a), of(b)),
        Expr::Case { branches, otherwise, .. } => {
            let branches: String =
                branches.iter().map(|(when, then)| format!(" WHEN {} THEN {}", of(when), of(then))).collect();
            format!("CASE{branches} ELSE {} END", of(otherwise))
        }
        Expr::Coalesce(parts, _) => format!("COALESCE({})", list(parts, ", ")),
        Expr::InList { expr, list: items } => format!("({} IN ({}))", of(expr), list(items, ", ")),
        Expr::Form { form, args, .. } => form_text(form, &args.iter().map(of).collect::<Vec<_>>()),
        Expr::Subquery(subquery) => match &subquery.kind {
            SubqueryKind::Scalar => "(SubPlan)".to_owned(),
            SubqueryKind::Exists => "EXISTS(SubPlan)".to_owned(),
            SubqueryKind::In(expr) => format!("({} IN (SubPlan))", of(expr)),
            SubqueryKind::Quantified { left, all, .. } => {
                format!("(ROW({}) {} (SubPlan))", list(left, ", "), if *all { "ALL" } else { "ANY" })
            }
            SubqueryKind::RowComparison { left, .. } => format!("(ROW({}) = (SubPlan))", list(left, ", ")),
            SubqueryKind::Array => "ARRAY(SubPlan)".to_owned(),
        },
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
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Bool(b) => b.to_string(),
        Value::Int2(_) | Value::Int4(_) | Value::Int8(_) | Value::Numeric(_) => {
            let mut out = String::new();
            types::format_text(value, data_type, &types::ValueContext::utc(), &mut out);
            out
        }
        value => {
            let mut out = String::new();
            types::format_text(value, data_type, &types::ValueContext::utc(), &mut out);
            format!("'{}'::{}", out.replace('\'', "''"), types::name(data_type, -1))
        }
    }
}
