//! The query of a view, laid out as `pg_get_viewdef` does.
//!
//! The parts of a SELECT stand on lines of their own; what is in them is as it was written. Relations lose their schema
//! where the search path leads to them.

use heliosdb_storage::Catalog;
use heliosdb_storage::catalog::ViewDef;
use sqlparser::ast::{self, GroupByExpr, SelectItem, SetExpr, TableFactor};

use super::SearchPath;
use super::column_name::figure_name;
use super::names::qualified;
use crate::functions::quote_ident;
use crate::parse;

/// The text of a view's query.
pub fn definition(view: &ViewDef, catalog: &Catalog, path: &SearchPath) -> String {
    let Ok(query) = parse::parse_query(&view.query) else { return format!(" {};", view.query) };
    let layout = Layout { catalog, path };
    match layout.query(&query, view) {
        Some(text) => format!("{text};"),
        None => format!(" {};", view.query),
    }
}

struct Layout<'a> {
    catalog: &'a Catalog,
    path: &'a SearchPath,
}

impl Layout<'_> {
    /// None if the query is not a plain SELECT, which is then shown as it was written.
    fn query(&self, query: &ast::Query, view: &ViewDef) -> Option<String> {
        let SetExpr::Select(select) = query.body.as_ref() else { return None };
        let is_plain = query.with.is_none()
            && query.locks.is_empty()
            && select.distinct.is_none()
            && select.named_window.is_empty()
            && query.fetch.is_none();
        if !is_plain || select.projection.len() != view.columns.len() {
            return None;
        }
        let mut out = String::from(" SELECT ");
        for (at, (item, column)) in select.projection.iter().zip(&view.columns).enumerate() {
            if at > 0 {
                out.push_str(",\n    ");
            }
            out.push_str(&target(item, &column.name)?);
        }
        for (at, item) in select.from.iter().enumerate() {
            out.push_str(if at == 0 { "\n   FROM " } else { ",\n    " });
            out.push_str(&self.factor(&item.relation));
            for join in &item.joins {
                let shown = ast::Join { relation: self.shown(&join.relation), ..join.clone() };
                out.push_str(&format!("\n     {}", shown.to_string().trim_start()));
            }
        }
        if let Some(condition) = &select.selection {
            out.push_str(&format!("\n  WHERE {condition}"));
        }
        if let GroupByExpr::Expressions(exprs, modifiers) = &select.group_by
            && !exprs.is_empty()
        {
            if !modifiers.is_empty() {
                return None;
            }
            let list: Vec<String> = exprs.iter().map(ToString::to_string).collect();
            out.push_str(&format!("\n  GROUP BY {}", list.join(", ")));
        }
        if let Some(having) = &select.having {
            out.push_str(&format!("\n HAVING {having}"));
        }
        if let Some(order) = &query.order_by {
            out.push_str(&format!("\n  {order}"));
        }
        if let Some(limit) = &query.limit_clause {
            out.push_str(&format!("\n {}", limit.to_string().trim_start()));
        }
        Some(out)
    }

    fn factor(&self, factor: &TableFactor) -> String {
        self.shown(factor).to_string()
    }

    /// The relation without its schema, if the search path leads to it.
    fn shown(&self, factor: &TableFactor) -> TableFactor {
        let mut shown = factor.clone();
        if let TableFactor::Table { name, .. } = &mut shown
            && let Ok(parts) = qualified(name)
            && let Some(schema) = &parts.schema
            && self.path.qualified_relation(self.catalog, schema, &parts.name) == quote_ident(&parts.name)
        {
            name.0.remove(0);
        }
        shown
    }
}

/// A column: with the name that it has in the view, unless it has it anyway.
fn target(item: &SelectItem, name: &str) -> Option<String> {
    let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item else { return None };
    let is_column = matches!(expr, ast::Expr::Identifier(_) | ast::Expr::CompoundIdentifier(_));
    let natural = if is_column { figure_name(expr) } else { "?column?".to_owned() };
    Some(if natural == name { expr.to_string() } else { format!("{expr} AS {}", quote_ident(name)) })
}
