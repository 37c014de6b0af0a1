//! FOR UPDATE and its kin.
//!
//! The clauses of a query are known before its FROM is bound: every table of FROM then carries its rows' keys, behind its
//! own columns. Subqueries of FROM that a clause covers are bound as if it stood at their own end. Once the query is
//! bound, the tables that are locked become its [`RowMark`]s.

use heliosdb_storage::transaction::RowLock;
use sqlparser::ast;
use sqlparser::tokenizer::Span;

use super::Binder;
use super::names::{self, ident};
use super::tree::{Body, Distinct, JoinSide, Query, Relation, Select};
use crate::error::{Result, SqlError, SqlState};
use crate::parse::encoding::{self, LockStrength};
use crate::plan::{LockWait, RowMark};

/// A clause of a query.
#[derive(Clone, Debug)]
pub(super) struct LockClause {
    strength: LockStrength,
    wait: LockWait,
    /// The one relation that it is about; none for all that can be locked.
    of: Option<(String, Span)>,
}

impl LockClause {
    const fn name(&self) -> &'static str {
        self.strength.clause()
    }

    const fn lock(&self) -> RowLock {
        match self.strength {
            LockStrength::KeyShare => RowLock::KeyShare,
            LockStrength::Share => RowLock::Share,
            LockStrength::NoKeyUpdate => RowLock::NoKeyUpdate,
            LockStrength::Update => RowLock::Update,
        }
    }

    fn unsupported(&self, what: &str) -> SqlError {
        SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, format!("{} {what}", self.name()))
    }

    fn covers(&self, relation: &str) -> bool {
        self.of.as_ref().is_none_or(|(name, _)| name == relation)
    }
}

impl Binder<'_> {
    /// The clauses of a query, and those that its user gives it.
    pub(super) fn lock_clauses(&mut self, query: &ast::Query) -> Result<Vec<LockClause>> {
        let mut clauses = std::mem::take(&mut self.locks_given);
        for clause in &query.locks {
            let (strength, of) = encoding::lock_of(clause);
            let wait = match clause.nonblock {
                None => LockWait::Block,
                Some(ast::NonBlock::SkipLocked) => LockWait::Skip,
                Some(ast::NonBlock::Nowait) => LockWait::Fail,
            };
            let of = match of {
                None => None,
                Some(name) => {
                    let span = name.0.first().and_then(|part| part.as_ident()).map(|ident| ident.span);
                    let span = span.unwrap_or_else(Span::empty);
                    let Ok(name) = names::single(&name) else {
                        let message = format!("{} must specify unqualified relation names", strength.clause());
                        return Err(self.at(span, SqlError::new(SqlState::SYNTAX_ERROR, message)));
                    };
                    Some((name, span))
                }
            };
            clauses.push(LockClause { strength, wait, of });
        }
        Ok(clauses)
    }

    /// Binds a subquery or a view of FROM, which the clauses around cover by its name.
    pub(super) fn behind_locks<T>(
        &mut self,
        name: Option<&str>,
        step: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let covering = self.locks.iter().filter(|clause| name.map_or(clause.of.is_none(), |name| clause.covers(name)));
        self.locks_given = covering.map(|clause| LockClause { of: None, ..clause.clone() }).collect();
        let result = step(self);
        self.locks_given.clear();
        result
    }

    /// What the clauses lock of a query that has been bound.
    pub(super) fn mark_rows(&self, query: &mut Query, written: &ast::Query, clauses: &[LockClause]) -> Result<()> {
        for clause in clauses {
            check_query(query, written, clause)?;
        }
        let Body::Select(select) = &mut query.body else { return Ok(()) };
        let mut marks: Vec<RowMark> = Vec::new();
        for clause in clauses {
            let found = mark_relation(&select.from, 0, false, clause, &mut marks)?;
            if let (Some((name, span)), false) = (&clause.of, found) {
                let message = format!("relation \"{name}\" in {} clause not found in FROM clause", clause.name());
                return Err(self.at(*span, SqlError::new(SqlState::UNDEFINED_TABLE, message)));
            }
        }
        select.locks = marks;
        Ok(())
    }
}

/// Fails for a query whose rows are not rows of its tables.
fn check_query(query: &Query, written: &ast::Query, clause: &LockClause) -> Result<()> {
    let select = match &query.body {
        Body::Select(select) => select,
        Body::Values(_) => return Err(clause.unsupported("cannot be applied to VALUES")),
        _ => return Err(clause.unsupported("is not allowed with UNION/INTERSECT/EXCEPT")),
    };
    let ast::SetExpr::Select(written) = written.body.as_ref() else {
        return Err(clause.unsupported("is not allowed with UNION/INTERSECT/EXCEPT"));
    };
    let Select { distinct, grouping, windows, sets, .. } = select.as_ref();
    let has_groups = !matches!(&written.group_by, ast::GroupByExpr::Expressions(groups, _) if groups.is_empty());
    let refused = [
        (*distinct != Distinct::No, "DISTINCT clause"),
        (has_groups, "GROUP BY clause"),
        (written.having.is_some(), "HAVING clause"),
        (grouping.is_some(), "aggregate functions"),
        (!windows.is_empty(), "window functions"),
        (!sets.is_empty(), "set-returning functions in the target list"),
    ];
    match refused.iter().find(|(is_there, _)| *is_there) {
        Some((_, what)) => Err(clause.unsupported(&format!("is not allowed with {what}"))),
        None => Ok(()),
    }
}

/// Marks the tables that a clause covers, the row of the relation beginning at `first`; false if it covers none.
fn mark_relation(
    relation: &Relation,
    first: usize,
    may_be_missing: bool,
    clause: &LockClause,
    marks: &mut Vec<RowMark>,
) -> Result<bool> {
    let refused = |what: &str| match &clause.of {
        Some(_) => Err(clause.unsupported(&format!("cannot be applied to {what}"))),
        None => Ok(false),
    };
    match relation {
        Relation::Join { left, right, kind, .. } => {
            let (left_missing, right_missing) = match kind {
                JoinSide::Inner => (false, false),
                JoinSide::Left => (false, true),
                JoinSide::Right => (true, false),
                JoinSide::Full => (true, true),
            };
            let in_left = mark_relation(left, first, may_be_missing || left_missing, clause, marks)?;
            let behind = first + left.width();
            let in_right = mark_relation(right, behind, may_be_missing || right_missing, clause, marks)?;
            Ok(in_left || in_right)
        }
        Relation::Table { table, name, .. } if clause.covers(name) => {
            if may_be_missing {
                return Err(clause.unsupported("cannot be applied to the nullable side of an outer join"));
            }
            match marks.iter_mut().find(|mark| mark.first == first) {
                Some(mark) => {
                    mark.lock = mark.lock.max(clause.lock());
                    mark.wait = mark.wait.max(clause.wait);
                }
                None => marks.push(RowMark {
                    table: table.clone(),
                    first,
                    key_at: first + table.columns.len(),
                    lock: clause.lock(),
                    wait: clause.wait,
                }),
            }
            Ok(true)
        }
        Relation::Query { name, .. } if clause.covers(name) => {
            if may_be_missing {
                return Err(clause.unsupported("cannot be applied to the nullable side of an outer join"));
            }
            Ok(true)
        }
        Relation::Cte { name, .. } | Relation::WorkTable { name, .. } if clause.covers(name) => refused("a WITH query"),
        Relation::Function { name, .. } if clause.covers(name) => refused("a function"),
        Relation::System { name, .. } if clause.covers(name) => {
            Err(clause.unsupported(&format!("of the system catalog \"{name}\" is not supported")))
        }
        _ => Ok(false),
    }
}

/// The name that a relation of FROM has by its alias.
pub(super) fn alias_name(alias: Option<&ast::TableAlias>) -> Option<String> {
    alias.map(|alias| ident(&alias.name))
}
