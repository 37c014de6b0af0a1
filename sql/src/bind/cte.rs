//! Common table expressions: WITH and WITH RECURSIVE.
//!
//! A name of WITH comes into sight when its query has been bound, and goes out of it with the query that WITH belongs to.
//! Every use of it is a [`Relation::Cte`]. Once the whole query is bound, those expressions that PostgreSQL would inline
//! (used once, or NOT MATERIALIZED; without side effects) take the place of their uses; the others become part of
//! [`Query::with`] and are computed once.
//!
//! A recursive query is bound in two steps: its first term, which gives the types of its columns, then the other one,
//! which may name the query once.

use std::sync::Arc;

use sqlparser::ast::{self, CteAsMaterialized, SetExpr, SetOperator, SetQuantifier, Spanned};
use sqlparser::tokenizer::Span;

use super::Binder;
use super::names::{QualifiedName, ident};
use super::query::Unknowns;
use super::scope::{RelationColumn, Scope};
use super::set_operation::target_spans;
use super::tree::{Body, Cte, CteId, Query, Recursive, Relation, Select, plain};
use crate::error::{Result, SqlError, SqlState};
use crate::types;
use heliosdb_storage::value::{ColumnType, DataType};

/// Where a recursive query must not name itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Barrier {
    /// In a subquery of an expression.
    Subquery,
    /// On a side of an outer join that may be missing.
    OuterJoin,
    /// In an input of INTERSECT ALL.
    Intersect,
    /// In what EXCEPT takes away.
    Except,
}

impl Barrier {
    const fn place(self) -> &'static str {
        match self {
            Self::Subquery => "a subquery",
            Self::OuterJoin => "an outer join",
            Self::Intersect => "INTERSECT",
            Self::Except => "EXCEPT",
        }
    }
}

/// A name of a WITH clause.
pub(super) struct NamedCte {
    name: String,
    /// Where the clause names it.
    span: Span,
    id: CteId,
    columns: Vec<RelationColumn>,
    state: State,
    materialized: Option<CteAsMaterialized>,
    query: Option<Query>,
    is_recursive: bool,
    uses: usize,
}

impl NamedCte {
    fn changes_rows(&self) -> bool {
        self.query.as_ref().is_some_and(|query| matches!(query.body, Body::Modify(_)))
    }
}

/// What it means to name it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Nothing: it is not in sight yet.
    Later,
    /// WITH RECURSIVE: it has to be bound first.
    Awaited,
    /// Its own query names it, and is not a UNION.
    NoUnion,
    /// The first term of its own query names it.
    FirstTerm,
    /// The other term of its own query names it; so many barriers are around the query itself.
    WorkTable { barriers: usize },
    /// Its rows.
    Bound,
}

/// The names that a WITH clause has brought into sight: from this one on.
#[derive(Clone, Copy)]
pub(super) struct WithMark(usize);

impl Binder<'_> {
    /// Binds a WITH clause; its names stay in sight until [`Binder::close_with`].
    pub(super) fn open_with(&mut self, with: Option<&ast::With>, parent: Option<&Scope<'_>>) -> Result<WithMark> {
        let mark = WithMark(self.ctes.len());
        let Some(with) = with else { return Ok(mark) };
        let result = self.bind_ctes(with, mark, parent);
        if result.is_err() {
            self.ctes.truncate(mark.0);
        }
        result.map(|()| mark)
    }

    /// Puts the expressions of a WITH clause where they belong, now that all uses are known.
    pub(super) fn close_with(&mut self, mark: WithMark, query: Result<Query>) -> Result<Query> {
        let mut ctes = self.ctes.split_off(mark.0);
        let mut query = query?;
        let mut with = Vec::new();
        while !ctes.is_empty() {
            let NamedCte { name, id, query: Some(bound), materialized, is_recursive, uses, .. } = ctes.remove(0) else {
                continue;
            };
            // Of what nobody names PostgreSQL computes nothing; but what changes rows does so.
            if uses == 0 && !matches!(bound.body, Body::Modify(_)) {
                continue;
            }
            let users = ctes.iter_mut().filter_map(|cte| cte.query.as_mut()).chain([&mut query]);
            if is_inlined(&bound, materialized.as_ref(), is_recursive, uses) {
                users.for_each(|user| inline(id, &bound, user));
                continue;
            }
            let stable = bound.is_stable() && !matches!(bound.body, Body::Modify(_));
            users.for_each(|user| user.for_each_relation_mut(0, &mut |relation, _| mark_stable(relation, id, stable)));
            with.push(Cte { id, name: name.into(), query: bound, stable });
        }
        with.append(&mut query.with);
        query.with = with;
        Ok(query)
    }

    fn bind_ctes(&mut self, with: &ast::With, mark: WithMark, parent: Option<&Scope<'_>>) -> Result<()> {
        for cte in &with.cte_tables {
            if cte.from.is_some() {
                return Err(SqlError::unsupported("WITH … FROM"));
            }
            let name = ident(&cte.alias.name);
            if self.ctes.iter().skip(mark.0).any(|known| known.name == name) {
                let error = SqlError::new(
                    SqlState::DUPLICATE_ALIAS,
                    format!("WITH query name \"{name}\" specified more than once"),
                );
                return Err(self.at(cte.alias.name.span, error));
            }
            let id = self.next_cte_id();
            self.ctes.push(NamedCte {
                name,
                span: cte.alias.name.span,
                id,
                columns: Vec::new(),
                state: if with.recursive { State::Awaited } else { State::Later },
                materialized: cte.materialized,
                query: None,
                is_recursive: false,
                uses: 0,
            });
        }
        let mut waiting: Vec<usize> = (0..with.cte_tables.len()).collect();
        // WITH RECURSIVE may name what comes later: that is bound first.
        while !waiting.is_empty() {
            let mut postponed = Vec::new();
            let before = waiting.len();
            for at in waiting {
                let Some(cte) = with.cte_tables.get(at) else { continue };
                match self.bind_cte(cte, mark.0 + at, with.recursive, parent) {
                    Err(_) if std::mem::take(&mut self.cte_awaited) => {
                        self.cte_state(mark.0 + at, State::Awaited);
                        postponed.push(at);
                    }
                    other => other?,
                }
            }
            if let Some(first) = postponed.first().filter(|_| postponed.len() == before) {
                let span = with.cte_tables.get(*first).map(|cte| cte.alias.name.span);
                let error = SqlError::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    "mutual recursion between WITH items is not implemented",
                );
                return Err(self.at(span.unwrap_or_else(Span::empty), error));
            }
            waiting = postponed;
        }
        Ok(())
    }

    fn bind_cte(&mut self, cte: &ast::Cte, at: usize, recursive: bool, parent: Option<&Scope<'_>>) -> Result<()> {
        let query = match cte.query.body.as_ref() {
            SetExpr::SetOperation { op: SetOperator::Union, .. } if recursive => {
                self.recursive_query(cte, at, parent)?
            }
            _ => {
                if recursive {
                    self.cte_state(at, State::NoUnion);
                }
                self.query(&cte.query, parent, Unknowns::Text)?
            }
        };
        if matches!(query.body, Body::Modify(_)) && self.queries > 1 {
            let error = SqlError::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "WITH clause containing a data-modifying statement must be at the top level",
            );
            return Err(self.at(cte.alias.name.span, error));
        }
        let columns = cte_columns(self, &cte.alias, &query)?;
        if let Some(named) = self.ctes.get_mut(at) {
            named.columns = columns;
            named.state = State::Bound;
            named.is_recursive |= matches!(query.body, Body::Recursive(_));
            named.query = Some(query);
            named.uses = 0;
        }
        Ok(())
    }

    fn cte_state(&mut self, at: usize, state: State) {
        if let Some(named) = self.ctes.get_mut(at) {
            named.state = state;
        }
    }

    fn next_cte_id(&mut self) -> CteId {
        self.cte_ids += 1;
        CteId(self.cte_ids)
    }

    /// Binds what is a step deeper behind a barrier.
    pub(super) fn behind<T>(
        &mut self,
        barrier: Option<Barrier>,
        step: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let before = self.barriers.len();
        self.barriers.extend(barrier);
        let result = step(self);
        self.barriers.truncate(before);
        result
    }

    /// A UNION under WITH RECURSIVE, recursive or not.
    fn recursive_query(&mut self, cte: &ast::Cte, at: usize, parent: Option<&Scope<'_>>) -> Result<Query> {
        self.in_query(|binder| {
            let mark = binder.open_with(cte.query.with.as_ref(), parent)?;
            let query = binder.recursive_union(cte, at, parent);
            binder.close_with(mark, query)
        })
    }

    fn recursive_union(&mut self, cte: &ast::Cte, at: usize, parent: Option<&Scope<'_>>) -> Result<Query> {
        let SetExpr::SetOperation { left, op, set_quantifier, right } = cte.query.body.as_ref() else {
            return Err(SqlError::new(SqlState::INTERNAL_ERROR, "a recursive query without UNION"));
        };
        self.cte_state(at, State::FirstTerm);
        let base = self.set_expr(left, parent, Unknowns::Keep)?;
        let columns = cte_columns(self, &cte.alias, &base)?;
        let barriers = self.barriers.len();
        let id = match self.ctes.get_mut(at) {
            Some(named) => {
                named.columns = columns;
                named.state = State::WorkTable { barriers };
                named.uses = 0;
                named.id
            }
            None => return Err(SqlError::new(SqlState::INTERNAL_ERROR, "a recursive query without a name")),
        };
        let step = self.set_expr(right, parent, Unknowns::Keep)?;
        if self.ctes.get(at).is_none_or(|named| named.uses == 0) {
            let united = self.unite(base, step, (left, *op, *set_quantifier, right))?;
            return self.after_body(united, &cte.query, parent);
        }
        self.refuse_recursive_clauses(&cte.query)?;
        let all = *set_quantifier == SetQuantifier::All;
        let (base, step) = self.recursive_columns(cte, (base, left), (step, right))?;
        let columns = base.columns.clone();
        Ok(Query::new(Body::Recursive(Box::new(Recursive { id, base, step, all })), columns))
    }

    fn refuse_recursive_clauses(&self, query: &ast::Query) -> Result<()> {
        let (limit, offset) = match &query.limit_clause {
            Some(ast::LimitClause::LimitOffset { limit, offset, .. }) => (limit.as_ref(), offset.as_ref()),
            Some(ast::LimitClause::OffsetCommaLimit { .. }) | None => (None, None),
        };
        let refused = [
            (query.order_by.as_ref().map(Spanned::span), "ORDER BY"),
            (offset.map(|offset| offset.value.span()), "OFFSET"),
            (limit.map(Spanned::span), "LIMIT"),
            (query.fetch.as_ref().map(Spanned::span), "LIMIT"),
            (query.locks.first().map(|_| Span::empty()), "FOR UPDATE/SHARE"),
        ];
        match refused.iter().find_map(|(span, clause)| Some(((*span)?, clause))) {
            Some((span, clause)) => {
                let message = format!("{clause} in a recursive query is not implemented");
                Err(self.at(span, SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, message)))
            }
            None => Ok(()),
        }
    }

    /// The terms with the types of the first one, which must be those of both.
    fn recursive_columns(
        &mut self,
        cte: &ast::Cte,
        (base, first): (Query, &SetExpr),
        (step, written): (Query, &SetExpr),
    ) -> Result<(Query, Query)> {
        let known = |column_type: ColumnType| match column_type.data_type {
            DataType::Unknown => plain(DataType::Text),
            _ => column_type,
        };
        let types: Vec<ColumnType> = base.columns.iter().map(|column| known(column.column_type)).collect();
        let base = self.coerce_columns(base, &types)?;
        let overall = self.set_operation_types(&base, &step, SetOperator::Union, written)?;
        for (at, (own, overall)) in types.iter().zip(&overall).enumerate() {
            if own != overall {
                let error = SqlError::new(
                    SqlState::DATATYPE_MISMATCH,
                    format!(
                        "recursive query \"{}\" column {} has type {} in non-recursive term but type {} overall",
                        ident(&cte.alias.name),
                        at + 1,
                        types::name(own.data_type, own.typmod),
                        types::name(overall.data_type, overall.typmod)
                    ),
                );
                let error = error.with_hint("Cast the output of the non-recursive term to the correct type.");
                let span = target_spans(first).get(at).copied();
                return Err(self.at(span.unwrap_or_else(Span::empty), error));
            }
        }
        let step = self.coerce_columns(step, &overall)?;
        Ok((base, step))
    }

    /// What a plain name of FROM means, if a WITH clause in sight has it.
    pub(super) fn named_cte(&mut self, name: &str, shown: &str) -> Result<Option<(Relation, Vec<RelationColumn>)>> {
        let Some(named) = self.ctes.iter_mut().rev().find(|cte| cte.name == name && cte.state != State::Later) else {
            return Ok(None);
        };
        let (id, width, shown): (_, _, Arc<str>) = (named.id, named.columns.len(), shown.into());
        let invalid = |message: String| Err(SqlError::new(SqlState::INVALID_RECURSION, message));
        let relation = match named.state {
            State::Later => return Ok(None),
            State::Awaited => {
                self.cte_awaited = true;
                return Err(SqlError::new(SqlState::INTERNAL_ERROR, "a WITH query that has not been bound"));
            }
            State::NoUnion => {
                let span = named.span;
                return invalid(format!(
                    "recursive query \"{name}\" does not have the form non-recursive-term UNION [ALL] recursive-term"
                ))
                .map_err(|error| self.at(span, error));
            }
            State::FirstTerm => {
                return invalid(format!(
                    "recursive reference to query \"{name}\" must not appear within its non-recursive term"
                ));
            }
            State::WorkTable { barriers } => {
                if let Some(barrier) = self.barriers.get(barriers..).and_then(<[Barrier]>::last) {
                    return invalid(format!(
                        "recursive reference to query \"{name}\" must not appear within {}",
                        barrier.place()
                    ));
                }
                if named.uses > 0 {
                    return invalid(format!("recursive reference to query \"{name}\" must not appear more than once"));
                }
                Relation::WorkTable { id, width, name: shown }
            }
            State::Bound if named.columns.is_empty() && named.changes_rows() => {
                return Err(SqlError::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    format!("WITH query \"{name}\" does not have a RETURNING clause"),
                ));
            }
            State::Bound => Relation::Cte { id, width, stable: false, name: shown },
        };
        named.uses += 1;
        Ok(Some((relation, named.columns.clone())))
    }

    /// Says more about a relation that does not exist, if a WITH clause has the name, only not in sight.
    pub(super) fn hint_at_cte(&self, name: &QualifiedName, error: SqlError) -> SqlError {
        let is_later = |cte: &NamedCte| cte.state == State::Later && cte.name == name.name;
        if name.schema.is_some() || error.state != SqlState::UNDEFINED_TABLE || !self.ctes.iter().any(is_later) {
            return error;
        }
        error
            .with_detail(format!(
                "There is a WITH item named \"{}\", but it cannot be referenced from this part of the query.",
                name.name
            ))
            .with_hint("Use WITH RECURSIVE, or re-order the WITH items to remove forward references.")
    }
}

/// The columns that a WITH query has by its column list.
fn cte_columns(binder: &Binder<'_>, alias: &ast::TableAlias, query: &Query) -> Result<Vec<RelationColumn>> {
    let (available, specified) = (query.columns.len(), alias.columns.len());
    if specified > available {
        let error = SqlError::new(
            SqlState::INVALID_COLUMN_REFERENCE,
            format!(
                "WITH query \"{}\" has {available} columns available but {specified} columns specified",
                ident(&alias.name)
            ),
        );
        return Err(binder.at(alias.name.span, error));
    }
    let mut given = alias.columns.iter().map(|column| ident(&column.name));
    let known = |column_type: ColumnType| match column_type.data_type {
        DataType::Unknown => plain(DataType::Text),
        _ => column_type,
    };
    Ok((query.columns.iter())
        .map(|column| (given.next().unwrap_or_else(|| column.name.clone()), known(column.column_type), column.origin))
        .collect())
}

/// PostgreSQL's rule: what is used once is part of its user, unless it does something.
fn is_inlined(query: &Query, wish: Option<&CteAsMaterialized>, is_recursive: bool, uses: usize) -> bool {
    let is_wanted = match wish {
        Some(CteAsMaterialized::Materialized) => false,
        Some(CteAsMaterialized::NotMaterialized) => true,
        None => uses == 1,
    };
    is_wanted && !is_recursive && !query.is_volatile() && !query.locks_rows()
}

fn inline(id: CteId, cte: &Query, user: &mut Query) {
    user.for_each_relation_mut(0, &mut |relation, level| {
        let Relation::Cte { id: used, name, .. } = relation else { return };
        if *used == id {
            let mut query = cte.clone();
            // The rows that stand between the WITH clause and the use are none of its own.
            query.shift_outer(0, isize::try_from(level).unwrap_or_default());
            *relation = Relation::Query { query: Box::new(query), name: Arc::clone(name) };
        }
    });
}

fn mark_stable(relation: &mut Relation, wanted: CteId, is_stable: bool) {
    if let Relation::Cte { id, stable, .. } = relation
        && *id == wanted
    {
        *stable = is_stable;
    }
}

impl Select {
    /// Whether FROM itself names the recursive query that the SELECT is the step of.
    pub(super) fn reads_work_table(&self) -> bool {
        let mut reads = false;
        self.from.for_each_leaf(&mut |relation| reads |= matches!(relation, Relation::WorkTable { .. }));
        reads
    }
}
