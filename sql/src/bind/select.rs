//! SELECT: its clauses in the order in which names become known.

use heliosdb_storage::RelationId;
use heliosdb_storage::value::{ColumnType, DataType};
use sqlparser::ast::{self, SelectItem};
use sqlparser::tokenizer::Span;
use std::borrow::Cow;

use super::Binder;
use super::column_name::figure_name;
use super::group_by::Groups;
use super::mention::span_of;
use super::names::{self, ident};
use super::order::equality_of;
use super::query::Unknowns;
use super::scope::{Place, Scope};
use super::tree::{Body, Distinct, Grouping, OutputColumn, Query, Select, plain};
use super::{grouping, table_function, window};
use crate::error::{Result, SqlError, SqlState};
use crate::expr::Expr;

/// A column of the select list.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub expr: Expr,
    pub name: String,
    pub typmod: i32,
    pub origin: Option<(RelationId, usize)>,
}

/// How many columns a select list may have, and how many expressions ORDER BY and GROUP BY: PostgreSQL's bound.
const MAX_ENTRIES: usize = 1_664;

/// Refuses a longer list before its entries are compared with each other.
pub(super) fn check_entries(count: usize) -> Result<()> {
    if count > MAX_ENTRIES {
        return Err(SqlError::new(
            SqlState::TOO_MANY_COLUMNS,
            format!("target lists can have at most {MAX_ENTRIES} entries"),
        ));
    }
    Ok(())
}

impl Binder<'_> {
    pub(super) fn select(
        &mut self,
        select: &ast::Select,
        order_by: Option<&ast::OrderBy>,
        parent: Option<&Scope<'_>>,
        unknowns: Unknowns,
    ) -> Result<Query> {
        refuse_foreign_clauses(select)?;
        let (from, scope) = self.bind_from(&select.from, parent)?;
        let mut filter = Vec::new();
        if let Some(selection) = &select.selection {
            scope.place.set(Place::Clause("WHERE"));
            self.bind_condition(selection, &scope, "WHERE")?.into_conjuncts(&mut filter);
        }
        self.named_windows(&select.named_window, &scope)?;
        scope.place.set(Place::Targets);
        let mut targets = self.targets(&select.projection, &scope)?;
        if unknowns == Unknowns::Text {
            for target in &mut targets {
                let taken = std::mem::replace(&mut target.expr, Expr::Column(0, DataType::Unknown));
                target.expr = self.known(taken)?;
            }
        }
        let visible = targets.len();
        let groups = self.group_by(&select.group_by, &targets, &scope)?;
        scope.place.set(Place::Having);
        let mut having = Vec::new();
        if let Some(condition) = &select.having {
            self.bind_condition(condition, &scope, "HAVING")?.into_conjuncts(&mut having);
        }
        let is_distinct = matches!(select.distinct, Some(ast::Distinct::Distinct));
        let mut order = match order_by {
            Some(order_by) => self.order_by_targets(order_by, &mut targets, is_distinct, &scope)?,
            None => Vec::new(),
        };
        let distinct = match &select.distinct {
            None | Some(ast::Distinct::All) => Distinct::No,
            Some(ast::Distinct::Distinct) => {
                for target in targets.iter().take(visible) {
                    equality_of(target.expr.data_type())?;
                }
                Distinct::Rows
            }
            Some(ast::Distinct::On(exprs)) => self.distinct_on(exprs, (&mut targets, visible), &mut order, &scope)?,
        };
        let columns = targets
            .iter()
            .take(visible)
            .map(|target| OutputColumn {
                name: target.name.clone(),
                column_type: ColumnType { data_type: target.expr.data_type(), typmod: target.typmod },
                origin: target.origin,
            })
            .collect();
        let mut exprs: Vec<Expr> = targets.into_iter().map(|target| target.expr).collect();
        let is_grouped = groups.is_some()
            || select.having.is_some()
            || !scope.calls.borrow().is_empty()
            || !scope.groupings.borrow().is_empty();
        let aggregates = scope.calls.borrow().len();
        let mut windows = scope.windows.take();
        let mut sets = scope.sets.take();
        let grouping = if is_grouped {
            let groups = groups.unwrap_or_else(Groups::one);
            let later = (windows.iter_mut().flat_map(|window| window.exprs_mut()))
                .chain(sets.iter_mut().flat_map(|set| set.exprs_mut()));
            Some(grouping::group(self, &scope, groups, exprs.iter_mut().chain(&mut having).chain(later))?)
        } else {
            None
        };
        let mut width = grouping.as_ref().map_or(scope.width, Grouping::width);
        let windows = if windows.is_empty() {
            Vec::new()
        } else {
            let ordered = order.iter().filter_map(|key| match key.expr {
                Expr::Column(at, _) => exprs.get(at).cloned(),
                _ => None,
            });
            let later = sets.iter_mut().flat_map(|set| set.exprs_mut());
            window::finish(windows, width, ordered.collect(), exprs.iter_mut().chain(later))
        };
        width += windows.iter().map(|window| window.calls.len()).sum::<usize>();
        let sets = if sets.is_empty() { Vec::new() } else { table_function::finish(sets, width, exprs.iter_mut()) };
        let select = Select { from, filter, grouping, having, windows, sets, targets: exprs, distinct };
        if aggregates > 0 && select.reads_work_table() {
            return Err(SqlError::new(
                SqlState::INVALID_RECURSION,
                "aggregate functions are not allowed in a recursive query's recursive term",
            ));
        }
        Ok(Query { order, ..Query::new(Body::Select(Box::new(select)), columns) })
    }

    /// The select list, or RETURNING.
    pub(super) fn targets(&mut self, items: &[SelectItem], scope: &Scope<'_>) -> Result<Vec<Target>> {
        let mut targets = Vec::with_capacity(items.len());
        for item in items {
            match item {
                SelectItem::UnnamedExpr(expr) => {
                    self.result_name = name_span(expr);
                    targets.push(self.target(expr, figure_name(expr), scope)?);
                    self.result_name = None;
                }
                SelectItem::ExprWithAlias { alias, .. } if is_postfix_operator(alias) => {
                    return Err(SqlError::unsupported("ISNULL")
                        .with_hint("Write IS NULL, or quote the name if a column is to be named so."));
                }
                SelectItem::ExprWithAlias { expr, alias } => targets.push(self.target(expr, ident(alias), scope)?),
                SelectItem::Wildcard(options) => {
                    refuse_wildcard_options(options)?;
                    if scope.relations.is_empty() {
                        return Err(SqlError::new(
                            SqlState::SYNTAX_ERROR,
                            "SELECT * with no tables specified is not valid",
                        ));
                    }
                    self.note_star(options.wildcard_token.0.span, scope, None);
                    targets.extend(scope.columns.iter().filter(|column| column.is_bare).map(star_target));
                }
                SelectItem::QualifiedWildcard(ast::SelectItemQualifiedWildcardKind::ObjectName(name), options) => {
                    refuse_wildcard_options(options)?;
                    let span = Span { start: span_of(name).start, end: options.wildcard_token.0.span.end };
                    let name = names::qualified(name)?.name;
                    let at = scope.relations.iter().position(|relation| relation.name == name);
                    let at = at.ok_or_else(|| scope.missing_relation(&name))?;
                    self.note_star(span, scope, Some(at));
                    targets.extend(scope.columns.iter().filter(|column| column.relation == Some(at)).map(star_target));
                }
                SelectItem::QualifiedWildcard(ast::SelectItemQualifiedWildcardKind::Expr(expr), options) => {
                    refuse_wildcard_options(options)?;
                    let fields = self.all_fields(expr, scope)?;
                    targets.extend(fields.into_iter().map(|(name, expr)| Target {
                        expr,
                        name,
                        typmod: -1,
                        origin: None,
                    }));
                }
                other => return Err(SqlError::unsupported(format!("the column {other}"))),
            }
        }
        check_entries(targets.len())?;
        Ok(targets)
    }

    fn target(&mut self, expr: &ast::Expr, name: String, scope: &Scope<'_>) -> Result<Target> {
        let bound = self.expr(expr, scope)?;
        let known = match &bound {
            Expr::Column(..) => scope.columns.iter().find(|column| column.expr.same(&bound)),
            _ => None,
        };
        let typmod = match (&bound, known) {
            (_, Some(column)) => column.column_type.typmod,
            (Expr::Cast { to, .. }, None) => to.typmod,
            _ => match expr {
                ast::Expr::Cast { data_type, .. } => self.type_named(data_type)?.typmod,
                _ => -1,
            },
        };
        Ok(Target { typmod, origin: known.and_then(|column| column.origin), expr: bound, name })
    }
}

/// The place of a bare or qualified name.
fn name_span(expr: &ast::Expr) -> Option<Span> {
    match expr {
        ast::Expr::Identifier(name) => Some(name.span),
        ast::Expr::CompoundIdentifier(parts) => {
            Some(Span { start: parts.first()?.span.start, end: parts.last()?.span.end })
        }
        _ => None,
    }
}

/// The number of a column, if the expression is a plain number; a sign before it belongs to it.
pub(super) fn position(expr: &ast::Expr) -> Option<Cow<'_, str>> {
    match expr {
        ast::Expr::Value(ast::ValueWithSpan { value: ast::Value::Number(text, false), .. }) => {
            Some(Cow::Borrowed(text))
        }
        ast::Expr::Nested(inner) => position(inner),
        ast::Expr::UnaryOp { op: ast::UnaryOperator::Minus, expr } => match position(expr)?.as_ref() {
            "0" => Some(Cow::Borrowed("0")),
            text => Some(Cow::Owned(format!("-{text}"))),
        },
        _ => None,
    }
}

pub(super) fn by_position<'t>(targets: &'t [Target], position: &str, clause: &str) -> Result<&'t Target> {
    position.parse::<usize>().ok().and_then(|n| n.checked_sub(1)).and_then(|at| targets.get(at)).ok_or_else(|| {
        SqlError::new(SqlState::INVALID_COLUMN_REFERENCE, format!("{clause} position {position} is not in select list"))
    })
}

fn star_target(column: &super::scope::ScopeColumn) -> Target {
    Target {
        expr: column.expr.clone(),
        name: column.name.clone(),
        typmod: column.column_type.typmod,
        origin: column.origin,
    }
}

/// `a ISNULL` is a condition, which the parser takes for a column with a name.
fn is_postfix_operator(alias: &ast::Ident) -> bool {
    alias.quote_style.is_none() && alias.value.eq_ignore_ascii_case("isnull")
}

fn refuse_wildcard_options(options: &ast::WildcardAdditionalOptions) -> Result<()> {
    let ast::WildcardAdditionalOptions {
        wildcard_token: _,
        opt_ilike,
        opt_exclude,
        opt_except,
        opt_replace,
        opt_rename,
        opt_alias,
    } = options;
    let is_plain = opt_ilike.is_none()
        && opt_exclude.is_none()
        && opt_except.is_none()
        && opt_replace.is_none()
        && opt_rename.is_none()
        && opt_alias.is_none();
    if is_plain { Ok(()) } else { Err(SqlError::unsupported("an option of *")) }
}

/// The parser knows many dialects; what PostgreSQL does not have, or this one not yet, is refused by name.
fn refuse_foreign_clauses(select: &ast::Select) -> Result<()> {
    let ast::Select {
        select_token: _,
        optimizer_hints,
        distinct: _,
        select_modifiers,
        top,
        top_before_distinct: _,
        projection: _,
        exclude,
        into,
        from: _,
        lateral_views,
        prewhere,
        selection: _,
        connect_by,
        group_by: _,
        cluster_by,
        distribute_by,
        sort_by,
        having: _,
        named_window: _,
        qualify,
        window_before_qualify: _,
        value_table_mode,
        flavor,
    } = select;
    let refused = [
        (select_modifiers.is_some(), "a SELECT modifier"),
        (top.is_some(), "TOP"),
        (exclude.is_some(), "EXCLUDE"),
        (into.is_some(), "SELECT INTO"),
        (!lateral_views.is_empty(), "LATERAL VIEW"),
        (prewhere.is_some(), "PREWHERE"),
        (!connect_by.is_empty(), "CONNECT BY"),
        (!cluster_by.is_empty(), "CLUSTER BY"),
        (!distribute_by.is_empty(), "DISTRIBUTE BY"),
        (!sort_by.is_empty(), "SORT BY"),
        (qualify.is_some(), "QUALIFY"),
        (value_table_mode.is_some(), "SELECT AS"),
        (*flavor != ast::SelectFlavor::Standard, "FROM before SELECT"),
    ];
    // Hints are comments: PostgreSQL ignores them too.
    let _ = optimizer_hints;
    match refused.iter().find(|(present, _)| *present) {
        Some((_, name)) => Err(SqlError::unsupported(name)),
        None => Ok(()),
    }
}

/// The type of a column without more to say about it.
pub(super) const fn output_type(data_type: DataType) -> ColumnType {
    plain(data_type)
}
