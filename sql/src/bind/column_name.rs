//! The name of a column of the select list that is given none.

use sqlparser::ast::{self, SelectItem};

use super::names::{self, ident};
use super::type_name;
use crate::types::ValueContext;

/// How well a name says what the column is: a weak one gives way to one further out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Strength {
    /// That of a type or of CASE.
    Weak,
    /// That of a column or a function.
    Strong,
}

/// The name of a column that is given none.
pub fn figure_name(expr: &ast::Expr) -> String {
    named(expr).map_or_else(|| "?column?".to_owned(), |(name, _)| name)
}

fn named(expr: &ast::Expr) -> Option<(String, Strength)> {
    use ast::Expr as Ast;
    let strong = |name: String| Some((name, Strength::Strong));
    match expr {
        Ast::Identifier(name) => strong(ident(name)),
        Ast::CompoundIdentifier(parts) => parts.last().map(ident).and_then(strong),
        Ast::CompoundFieldAccess { root, access_chain } => {
            let field = access_chain.iter().rev().find_map(|access| match access {
                ast::AccessExpr::Dot(Ast::Identifier(field)) => Some(ident(field)),
                _ => None,
            });
            field.map_or_else(|| named(root), strong)
        }
        Ast::Nested(inner) => named(inner),
        Ast::Collate { expr, .. } => named(expr),
        Ast::Function(function) => {
            names::qualified(&function.name).ok().and_then(|name| strong(name.name.to_ascii_lowercase()))
        }
        Ast::Cast { expr, data_type, .. } => {
            let inner = named(expr).filter(|(_, strength)| *strength == Strength::Strong);
            inner.or_else(|| type_name_of(data_type).map(|name| (name, Strength::Weak)))
        }
        Ast::TypedString(typed) => type_name_of(&typed.data_type).map(|name| (name, Strength::Weak)),
        Ast::Case { else_result, .. } => {
            let inner = else_result.as_deref().and_then(named).filter(|(_, strength)| *strength == Strength::Strong);
            inner.or_else(|| Some(("case".to_owned(), Strength::Weak)))
        }
        Ast::Subquery(query) => subquery_name(query).and_then(strong),
        Ast::Value(value) if matches!(value.value, ast::Value::Boolean(_)) => Some(("bool".to_owned(), Strength::Weak)),
        Ast::Exists { negated: false, .. } => strong("exists".to_owned()),
        Ast::Array(_) => strong("array".to_owned()),
        Ast::Tuple(_) => strong("row".to_owned()),
        _ => None,
    }
}

/// A type goes by the last part of its name, a keyword by what the catalog calls it.
fn type_name_of(data_type: &ast::DataType) -> Option<String> {
    match data_type {
        ast::DataType::Custom(name, _) => names::qualified(name).ok().map(|name| name.name),
        ast::DataType::Array(
            ast::ArrayElemTypeDef::SquareBracket(element, _) | ast::ArrayElemTypeDef::AngleBracket(element),
        ) => type_name_of(element),
        keyword => {
            let column_type = type_name::plain(keyword, ValueContext::utc().types()).ok()?;
            Some(crate::types::names::catalog_name(column_type.data_type).into_owned())
        }
    }
}

fn subquery_name(query: &ast::Query) -> Option<String> {
    let ast::SetExpr::Select(select) = query.body.as_ref() else { return None };
    match select.projection.first()? {
        SelectItem::UnnamedExpr(expr) => Some(figure_name(expr)),
        SelectItem::ExprWithAlias { alias, .. } => Some(ident(alias)),
        _ => None,
    }
}
