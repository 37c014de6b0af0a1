//! FROM: tables, views, functions, subqueries, joins.

use std::sync::Arc;

use heliosdb_storage::Catalog;
use heliosdb_storage::catalog::{SequenceDef, TableDef};
use heliosdb_storage::value::{ColumnType, DataType, Value};
use sqlparser::ast::{self, JoinConstraint, JoinOperator, TableFactor};
use sqlparser::tokenizer::Span;

use super::Binder;
use super::cte::Barrier;
use super::locking::alias_name;
use super::names::{self, QualifiedName, ident, no_such_relation};
use super::query::Unknowns;
use super::scope::{Place, Scope, ScopeColumn, Sibling};
use super::search_path::{NamedRelation, SearchPath};
use super::select::output_type;
use super::tree::{Body, JoinSide, OutputColumn, Query, Relation};
use crate::error::{Result, SqlError, SqlState};
use crate::expr::Expr;
use crate::functions;

/// How many relations one FROM clause may name.
const MAX_RELATIONS: usize = 200;

/// A stored table that is to be changed: system relations are named, but refuse it.
pub fn find_target(catalog: &Catalog, path: &SearchPath, name: &QualifiedName) -> Result<Arc<TableDef>> {
    match path.relation(catalog, name) {
        Some(NamedRelation::Table(table)) => Ok(table),
        Some(NamedRelation::System(_)) => Err(SqlError::new(
            SqlState::INSUFFICIENT_PRIVILEGE,
            format!("permission denied: \"{}\" is a system catalog", name.name),
        )),
        Some(NamedRelation::View(_) | NamedRelation::Sequence(_)) => {
            Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not a table", name.name)))
        }
        None => Err(no_such_relation(name)),
    }
}

impl Binder<'_> {
    pub(super) fn bind_from<'p>(
        &mut self,
        from: &[ast::TableWithJoins],
        parent: Option<&'p Scope<'p>>,
    ) -> Result<(Relation, Scope<'p>)> {
        let mut result: Option<(Relation, Scope<'p>)> = None;
        let count: usize = from.iter().map(|item| 1 + item.joins.len()).sum();
        if count > MAX_RELATIONS {
            return Err(SqlError::new(
                SqlState::PROGRAM_LIMIT_EXCEEDED,
                format!("a FROM clause can name at most {MAX_RELATIONS} relations"),
            ));
        }
        for item in from {
            result = Some(match result {
                None => self.joined(item, parent)?,
                Some(left) => {
                    let right = beside(&left.1, true, |siblings| self.joined(item, siblings))?;
                    cross(left, right)?
                }
            });
        }
        Ok(result.unwrap_or_else(|| (Relation::OneRow, Scope::inside(parent))))
    }

    fn joined<'p>(
        &mut self,
        item: &ast::TableWithJoins,
        parent: Option<&'p Scope<'p>>,
    ) -> Result<(Relation, Scope<'p>)> {
        let mut left = self.behind(missing_in(&item.joins, None), |binder| binder.factor(&item.relation, parent))?;
        let mut joins = item.joins.as_slice();
        while let Some((join, further)) = joins.split_first() {
            joins = further;
            if join.global {
                return Err(SqlError::unsupported("GLOBAL JOIN"));
            }
            let (kind, constraint) = join_kind(&join.join_operator)?;
            let joinable = matches!(kind, JoinSide::Inner | JoinSide::Left);
            let right = beside(&left.1, joinable, |siblings| {
                self.behind(missing_in(further, Some(kind)), |binder| binder.factor(&join.relation, siblings))
            })?;
            left = self.join(left, right, kind, constraint)?;
        }
        Ok(left)
    }

    fn join<'p>(
        &mut self,
        (left, mut scope): (Relation, Scope<'p>),
        (right, right_scope, lateral): Beside<'p>,
        kind: JoinSide,
        constraint: &JoinConstraint,
    ) -> Result<(Relation, Scope<'p>)> {
        let merged = match constraint {
            JoinConstraint::Using(columns) => columns.iter().map(names::single).collect::<Result<Vec<_>>>()?,
            JoinConstraint::Natural => natural_columns(&scope, &right_scope),
            JoinConstraint::UsingAlias(..) => return Err(SqlError::unsupported("USING (…) AS")),
            JoinConstraint::On(_) | JoinConstraint::None => Vec::new(),
        };
        let left_columns = scope.columns.len();
        scope.append(right_scope)?;
        let mut on = Vec::new();
        if let JoinConstraint::On(condition) = constraint {
            scope.place.set(Place::Clause("JOIN conditions"));
            self.bind_condition(condition, &scope, "JOIN/ON")?.into_conjuncts(&mut on);
        }
        if !merged.is_empty() {
            self.merge_columns(&mut scope, left_columns, &merged, kind, &mut on)?;
        }
        let relation = Relation::Join { left: Box::new(left), right: Box::new(right), kind, on, lateral };
        Ok((relation, scope))
    }

    /// USING: the columns of both sides are equal and appear once, first.
    fn merge_columns(
        &mut self,
        scope: &mut Scope<'_>,
        left_columns: usize,
        names: &[String],
        kind: JoinSide,
        on: &mut Vec<Expr>,
    ) -> Result<()> {
        let mut merged = Vec::with_capacity(names.len());
        for name in names {
            for column in scope.columns.iter().filter(|column| column.is_bare && column.name == *name) {
                self.note_merged(scope.stored(column));
            }
            let (left, right) = scope.columns.split_at_mut_checked(left_columns).expect("BUG: the left side is there");
            let left = bare(left, name, "left")?;
            let right = bare(right, name, "right")?;
            on.push(super::coerce::operator(self, "=", Some(left.expr.clone()), right.expr.clone())?);
            left.is_bare = false;
            right.is_bare = false;
            let (left, right) = (left.clone(), right.clone());
            let expr = match kind {
                JoinSide::Inner | JoinSide::Left => left.expr.clone(),
                JoinSide::Right => right.expr.clone(),
                JoinSide::Full => {
                    let (parts, data_type) = self.unify(vec![left.expr.clone(), right.expr.clone()], "JOIN/USING")?;
                    Expr::Coalesce(parts, data_type)
                }
            };
            let column_type = if expr.data_type() == left.column_type.data_type {
                left.column_type
            } else {
                output_type(expr.data_type())
            };
            merged.push(ScopeColumn {
                relation: None,
                name: name.clone(),
                column_type,
                expr,
                is_bare: true,
                origin: left.origin,
            });
        }
        merged.append(&mut scope.columns);
        scope.columns = merged;
        Ok(())
    }

    fn factor<'p>(&mut self, factor: &TableFactor, parent: Option<&'p Scope<'p>>) -> Result<(Relation, Scope<'p>)> {
        match factor {
            TableFactor::Table {
                name,
                alias,
                args,
                with_hints,
                version,
                with_ordinality,
                partitions,
                json_path,
                sample,
                index_directives,
                inheritance,
            } => {
                let is_plain = with_hints.is_empty()
                    && version.is_none()
                    && (!with_ordinality || args.is_some())
                    && partitions.is_empty()
                    && json_path.is_none()
                    && index_directives.is_empty();
                if sample.is_some() {
                    return Err(SqlError::unsupported("TABLESAMPLE"));
                }
                if !is_plain {
                    return Err(SqlError::unsupported(format!("the relation {factor}")));
                }
                // There is no inheritance: ONLY and * mean the same table.
                let _ = inheritance;
                match args {
                    None => self.named_relation(name, alias.as_ref(), parent),
                    Some(ast::TableFunctionArgs { args, settings: None }) => {
                        self.function_relation(name, args, (*with_ordinality, alias.as_ref()), parent)
                    }
                    Some(_) => Err(SqlError::unsupported("SETTINGS")),
                }
            }
            TableFactor::Derived { lateral, subquery, alias, sample: None } => {
                // It sees the queries around, but its siblings only if it is LATERAL.
                let name = alias_name(alias.as_ref());
                let mut bind =
                    || self.behind_locks(name.as_deref(), |binder| binder.query(subquery, parent, Unknowns::Text));
                let query = if *lateral { Scope::with_siblings(parent, bind)? } else { bind()? };
                let Some(alias) = alias else {
                    return Err(SqlError::new(SqlState::SYNTAX_ERROR, "subquery in FROM must have an alias")
                        .with_hint("For example, FROM (SELECT ...) [AS] foo."));
                };
                query_relation(query, alias, parent)
            }
            TableFactor::Derived { .. } => Err(SqlError::unsupported("TABLESAMPLE")),
            TableFactor::Function { lateral: _, name, args, with_ordinality, alias } => {
                self.function_relation(name, args, (*with_ordinality, alias.as_ref()), parent)
            }
            TableFactor::TableFunction { expr, alias } => self.value_relation(expr, alias.as_ref(), parent),
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                self.nested(|binder| binder.joined(table_with_joins, parent))
            }
            TableFactor::NestedJoin { .. } => Err(SqlError::unsupported("an alias of a join")),
            other => Err(SqlError::unsupported(format!("the relation {other}"))),
        }
    }

    fn named_relation<'p>(
        &mut self,
        name: &ast::ObjectName,
        alias: Option<&ast::TableAlias>,
        parent: Option<&'p Scope<'p>>,
    ) -> Result<(Relation, Scope<'p>)> {
        let span = name.0.first().and_then(|part| part.as_ident()).map(|ident| ident.span);
        let written = name;
        let name = names::qualified(name)?;
        let shown = alias.map_or_else(|| name.name.clone(), |alias| ident(&alias.name));
        let mut scope = Scope::inside(parent);
        let cte = if name.schema.is_none() { self.named_cte(&name.name, &shown) } else { Ok(None) };
        let cte = cte.map_err(|error| self.at(span.unwrap_or_else(Span::empty), error))?;
        if let Some((relation, columns)) = cte {
            scope.add_relation(&shown, None, columns);
            rename_columns(&mut scope, alias)?;
            return Ok((relation, scope));
        }
        let relation = match self.path.relation(self.catalog, &name) {
            Some(NamedRelation::System(relation)) => {
                let columns = relation.columns.iter().map(|(name, of)| ((*name).to_owned(), output_type(*of), None));
                scope.add_relation(&shown, None, columns.collect());
                Relation::System { relation, name: shown.as_str().into() }
            }
            Some(NamedRelation::Table(table)) => {
                self.note_object(written, table.id.into(), (&table.schema, &table.name), alias.is_none());
                scope.add_table(&table, &shown);
                let with_key = !self.locks.is_empty();
                // The key stands behind the columns.
                scope.width += usize::from(with_key);
                Relation::Table { table, name: shown.as_str().into(), with_key }
            }
            Some(NamedRelation::View(view)) => {
                self.note_object(written, view.id.into(), (&view.schema, &view.name), alias.is_none());
                let query =
                    self.behind_locks(Some(&shown), |binder| binder.nested(|binder| binder.view_query(&view)))?;
                let columns =
                    query.columns.iter().map(|column| (column.name.clone(), column.column_type, column.origin));
                scope.add_relation(&shown, None, columns.collect());
                if let Some(relation) = scope.relations.last_mut() {
                    relation.view = Some(view.id);
                }
                Relation::Query { query: Box::new(query), name: shown.as_str().into() }
            }
            Some(NamedRelation::Sequence(sequence)) => {
                self.note_object(written, sequence.id.into(), (&sequence.schema, &sequence.name), alias.is_none());
                let query = sequence_query(&sequence);
                let columns = query.columns.iter().map(|column| (column.name.clone(), column.column_type, None));
                scope.add_relation(&shown, None, columns.collect());
                Relation::Query { query: Box::new(query), name: shown.as_str().into() }
            }
            None => {
                let error = self.hint_at_cte(&name, no_such_relation(&name));
                return Err(self.at(span.unwrap_or_else(Span::empty), error));
            }
        };
        rename_columns(&mut scope, alias)?;
        Ok((relation, scope))
    }
}

/// The one row that a sequence is when it is read as a table.
fn sequence_query(sequence: &SequenceDef) -> Query {
    let columns = functions::sequence::COLUMNS.iter().map(|function| OutputColumn {
        name: function.name.to_owned(),
        column_type: output_type(function.returns),
        origin: None,
    });
    let values = functions::sequence::COLUMNS.iter().map(|function| Expr::Call {
        function,
        args: vec![Expr::Literal(Value::Oid(sequence.id.0), DataType::Oid)],
        returns: function.returns,
    });
    Query::new(Body::Values(vec![values.collect()]), columns.collect())
}

fn query_relation<'p>(
    query: Query,
    alias: &ast::TableAlias,
    parent: Option<&'p Scope<'p>>,
) -> Result<(Relation, Scope<'p>)> {
    let mut scope = Scope::inside(parent);
    let columns: Vec<_> = query
        .columns
        .iter()
        .map(|column| -> (String, ColumnType, _) { (column.name.clone(), column.column_type, column.origin) })
        .collect();
    scope.add_relation(&ident(&alias.name), None, columns);
    rename_columns(&mut scope, Some(alias))?;
    Ok((Relation::Query { query: Box::new(query), name: ident(&alias.name).into() }, scope))
}

/// `AS t (a, b)`
pub(super) fn rename_columns(scope: &mut Scope<'_>, alias: Option<&ast::TableAlias>) -> Result<()> {
    let Some(ast::TableAlias { explicit: _, name, columns, at }) = alias else { return Ok(()) };
    if at.is_some() {
        return Err(SqlError::unsupported("this form of an alias"));
    }
    if columns.len() > scope.columns.len() {
        return Err(SqlError::new(
            SqlState::INVALID_COLUMN_REFERENCE,
            format!(
                "table \"{}\" has {} columns available but {} columns specified",
                ident(name),
                scope.columns.len(),
                columns.len()
            ),
        ));
    }
    for (column, new) in scope.columns.iter_mut().zip(columns) {
        column.name = ident(&new.name);
    }
    Ok(())
}

fn cross<'p>(
    (left, mut scope): (Relation, Scope<'p>),
    (right, right_scope, lateral): Beside<'p>,
) -> Result<(Relation, Scope<'p>)> {
    scope.append(right_scope)?;
    let relation =
        Relation::Join { left: Box::new(left), right: Box::new(right), kind: JoinSide::Inner, on: Vec::new(), lateral };
    Ok((relation, scope))
}

/// A relation to the right of others, its scope, and whether it reads their row.
type Beside<'p> = (Relation, Scope<'p>, bool);

/// Binds a relation to the right of those in a scope: what is LATERAL in it sees them as its next outer row, if the kind
/// of the join allows it.
fn beside<'p>(
    left: &Scope<'p>,
    joinable: bool,
    bind: impl for<'q> FnOnce(Option<&'q Scope<'q>>) -> Result<(Relation, Scope<'q>)>,
) -> Result<Beside<'p>> {
    left.sibling.set(Some(Sibling { joinable, visible: false }));
    let bound = bind(Some(left));
    left.sibling.set(None);
    let (mut right, scope) = bound?;
    let mut lateral = false;
    right.columns_at(1, &mut |_| lateral = true);
    if !lateral {
        right.shift_outer(0, -1);
    }
    Ok((right, scope.detached(), lateral))
}

/// Whether the rows of a relation may be missing in those of a join: of its own, whose right side it is, or of a later
/// one, whose left side it is part of.
fn missing_in(later: &[ast::Join], own: Option<JoinSide>) -> Option<Barrier> {
    let is_right =
        |join: &ast::Join| matches!(join_kind(&join.join_operator), Ok((JoinSide::Right | JoinSide::Full, _)));
    let is_missing = matches!(own, Some(JoinSide::Left | JoinSide::Full)) || later.iter().any(is_right);
    is_missing.then_some(Barrier::OuterJoin)
}

fn join_kind(operator: &JoinOperator) -> Result<(JoinSide, &JoinConstraint)> {
    Ok(match operator {
        JoinOperator::Join(constraint) | JoinOperator::Inner(constraint) => (JoinSide::Inner, constraint),
        JoinOperator::CrossJoin(constraint @ JoinConstraint::None) => (JoinSide::Inner, constraint),
        JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => (JoinSide::Left, constraint),
        JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => (JoinSide::Right, constraint),
        JoinOperator::FullOuter(constraint) => (JoinSide::Full, constraint),
        other => return Err(SqlError::unsupported(format!("this join ({other:?})"))),
    })
}

fn natural_columns(left: &Scope<'_>, right: &Scope<'_>) -> Vec<String> {
    let is_in_right = |name: &str| right.columns.iter().any(|column| column.is_bare && column.name == name);
    (left.columns.iter())
        .filter(|column| column.is_bare && is_in_right(&column.name))
        .map(|column| column.name.clone())
        .collect()
}

fn bare<'c>(columns: &'c mut [ScopeColumn], name: &str, side: &str) -> Result<&'c mut ScopeColumn> {
    let count = columns.iter().filter(|column| column.is_bare && column.name == name).count();
    match count {
        0 => Err(SqlError::new(
            SqlState::UNDEFINED_COLUMN,
            format!("column \"{name}\" specified in USING clause does not exist in {side} table"),
        )),
        1 => Ok(columns.iter_mut().find(|column| column.is_bare && column.name == name).expect("BUG: counted above")),
        _ => Err(SqlError::new(
            SqlState::AMBIGUOUS_COLUMN,
            format!("common column name \"{name}\" appears more than once in {side} table"),
        )),
    }
}
