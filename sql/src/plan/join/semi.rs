//! EXISTS, NOT EXISTS and IN as joins.

use heliosdb_storage::value::DataType;

use super::deconstruct::Part;
use super::problem::{Problem, Source, Written};
use super::relset::{MAX_RELATIONS, RelSet};
use crate::bind::tree::{Body, Distinct, Query, Relation, Select};
use crate::expr::{Expr, Subquery, SubqueryForm, SubqueryKind};
use crate::functions::{Comparison, resolve_operator};
use crate::plan::refs::absorb;
use crate::plan::{JoinKind, RowLimit};

/// Turns a condition into a semi or anti join with the part of FROM that it is over; or gives it back.
pub(super) fn join_of(problem: &mut Problem<'_>, expr: Expr, part: &mut Part) -> Result<(), Expr> {
    if problem.leaves.len() + 64 > MAX_RELATIONS || part.all.is_empty() {
        return Err(expr);
    }
    match expr {
        Expr::Subquery(subquery) => match &subquery.kind {
            SubqueryKind::Exists => exists(problem, *subquery, JoinKind::Semi, part).map_err(subquery_expr),
            SubqueryKind::In(_) => is_in(problem, *subquery, part).map_err(subquery_expr),
            _ => Err(Expr::Subquery(subquery)),
        },
        Expr::Not(inner) => match *inner {
            Expr::Subquery(subquery) if matches!(subquery.kind, SubqueryKind::Exists) => {
                let negated = |subquery| Expr::Not(Box::new(subquery_expr(subquery)));
                exists(problem, *subquery, JoinKind::Anti, part).map_err(negated)
            }
            other => Err(Expr::Not(Box::new(other))),
        },
        other => Err(other),
    }
}

fn subquery_expr(subquery: Subquery) -> Expr {
    Expr::Subquery(Box::new(subquery))
}

/// The SELECT of a subquery that is asked for the existence of rows only; what it returns, and in which order, is then
/// of no interest.
fn bare_select(query: &mut Query) -> Option<&mut Select> {
    let limits = match &query.limit {
        None => true,
        Some(RowLimit { limit: Some(Expr::Literal(heliosdb_storage::value::Value::Int8(n), _)), offset: None }) => {
            *n > 0
        }
        Some(_) => false,
    };
    if !limits || !query.with.is_empty() {
        return None;
    }
    match &mut query.body {
        Body::Select(select) if select.is_bare() && !matches!(select.from, Relation::OneRow) => Some(select),
        _ => None,
    }
}

fn is_correlated(query: &Query) -> bool {
    let mut found = false;
    query.columns_at(1, &mut |_| found = true);
    found
}

fn from_is_free(select: &Select) -> bool {
    let mut free = true;
    select.from.for_each_expr(1, &mut |expr, level| expr.columns_at(level, &mut |_| free = false));
    free
}

/// Whether the conditions read the row around.
fn reads_outer(exprs: &[Expr]) -> bool {
    let mut reads = false;
    exprs.iter().for_each(|expr| expr.columns_at(1, &mut |_| reads = true));
    reads
}

fn exists(problem: &mut Problem<'_>, mut subquery: Subquery, kind: JoinKind, part: &mut Part) -> Result<(), Subquery> {
    let SubqueryForm::Bound(query) = &mut subquery.form else { return Err(subquery) };
    let Some(select) = bare_select(query) else { return Err(subquery) };
    // Without a reference to the row around it is computed once, which is cheaper than any join.
    let can_join = from_is_free(select)
        && reads_outer(&select.filter)
        && !select.filter.iter().any(Expr::is_volatile)
        && !select.targets.iter().any(Expr::is_volatile);
    if !can_join {
        return Err(subquery);
    }
    let from = std::mem::replace(&mut select.from, Relation::OneRow);
    let filter = std::mem::take(&mut select.filter);
    add_join(problem, from, filter, None, kind, part);
    Ok(())
}

fn is_in(problem: &mut Problem<'_>, mut subquery: Subquery, part: &mut Part) -> Result<(), Subquery> {
    let SubqueryKind::In(wanted) = &subquery.kind else { return Err(subquery) };
    let mut reads_row = false;
    wanted.for_each_column(&mut |_| reads_row = true);
    if !reads_row || wanted.is_volatile() || wanted.has_subquery() {
        return Err(subquery);
    }
    let wanted = wanted.clone();
    let Ok(equal) = resolve_operator("=", Some(wanted.data_type()), Some(wanted.data_type())) else {
        return Err(subquery);
    };
    if equal.comparison != Some(Comparison::Eq) {
        return Err(subquery);
    }
    let equals =
        |target: Expr| Expr::Call { function: equal, args: vec![wanted.clone(), target], returns: DataType::Bool };
    let SubqueryForm::Bound(query) = &mut subquery.form else { return Err(subquery) };
    if query.limit.is_none()
        && let Some(select) = bare_select(query)
        && from_is_free(select)
        && !select.filter.iter().any(Expr::is_volatile)
        && !select.targets.iter().any(Expr::is_volatile)
        && let Some(target) = select.targets.first().cloned()
    {
        let from = std::mem::replace(&mut select.from, Relation::OneRow);
        let filter = std::mem::take(&mut select.filter);
        // The condition compares an expression of the row around with one of the subquery's row.
        let first = problem.next_column;
        let mut target = target;
        absorb(&mut target, first);
        let equality = |problem: &Problem<'_>| {
            problem.resolve(&mut target);
            equals(target)
        };
        add_join(problem, from, filter, Some(Box::new(equality)), JoinKind::Semi, part);
        return Ok(());
    }
    if is_correlated(query) || query.is_volatile() {
        return Err(subquery);
    }
    let mut query = std::mem::take(query);
    // Its references go one query further out: there is none between now.
    query.shift_outer(0, -1);
    let Some(data_type) = query.columns.first().map(|column| column.column_type.data_type) else {
        return Err(subquery);
    };
    let first = problem.next_column;
    problem.next_column += query.columns.len();
    let width = query.columns.len();
    let right = problem.add_leaf(Source::Query(query), first, width, "".into());
    join_parts(problem, right, vec![equals(Expr::Column(first, data_type))], JoinKind::Semi, part);
    Ok(())
}

/// Makes the equality of IN once the subquery's columns are known.
type MakeEquality<'e> = Box<dyn FnOnce(&Problem<'_>) -> Expr + 'e>;

/// Adds the relations of a subquery as the right side of a join.
fn add_join(
    problem: &mut Problem<'_>,
    mut from: Relation,
    filter: Vec<Expr>,
    equality: Option<MakeEquality<'_>>,
    kind: JoinKind,
    part: &mut Part,
) {
    let first = problem.next_column;
    problem.next_column += from.width();
    from.for_each_expr_mut(0, &mut |expr, level| expr.shift_outer(level, -1));
    // Semi and anti joins within it are conditions of its own, judged below.
    let right = problem.take_apart(from, first, kind == JoinKind::Anti);
    let mut on: Vec<Expr> = Vec::new();
    for mut expr in filter {
        absorb(&mut expr, first);
        problem.resolve(&mut expr);
        expr.into_conjuncts(&mut on);
    }
    on.extend(equality.map(|equality| equality(problem)));
    join_parts(problem, right, on, kind, part);
}

fn join_parts(problem: &mut Problem<'_>, mut right: Part, on: Vec<Expr>, kind: JoinKind, part: &mut Part) {
    let mut own = Vec::new();
    for expr in on {
        let reads = problem.reads(&expr);
        let mut expr = Some(expr);
        if reads.is_within(right.all) && kind == JoinKind::Semi {
            // A subquery of the subquery.
            expr = expr.and_then(|expr| join_of(problem, expr, &mut right).err());
        }
        own.extend(expr);
    }
    let left = Part { all: part.all, inner: part.inner, items: Vec::new(), written: Written::Leaf(0) };
    let mut join = problem.special_join(kind, &left, &right, &own);
    if kind == JoinKind::Semi {
        join.unique_on = unique_on(problem, &own, &left, &right);
    }
    let at = problem.joins.len();
    let scope = left.all.or(right.all);
    for expr in own {
        problem.add_on(expr, at, &join, kind, scope);
    }
    problem.joins.push(join);
    part.all = scope;
    part.items.extend(right.items);
    part.written = Written::Join(Box::new((part.written.clone(), right.written)));
}

/// The right sides of the equalities that a condition between the two sides consists of, if there is nothing else.
fn unique_on(problem: &Problem<'_>, on: &[Expr], left: &Part, right: &Part) -> Option<Vec<Expr>> {
    let mut sides = Vec::new();
    for expr in on {
        let reads = problem.reads(expr);
        if reads.is_within(right.all) || reads.is_within(left.all) {
            continue;
        }
        let clause = problem.clause_of(expr.clone(), reads, reads, RelSet::EMPTY, None);
        let (_, side) = clause.equality.as_ref()?.across(left.all, right.all)?;
        // Only columns: what is made unique is rows of columns.
        let Expr::Column(..) = side else { return None };
        if !sides.iter().any(|known: &Expr| known.same(side)) {
            sides.push(side.clone());
        }
    }
    (!sides.is_empty()).then_some(sides)
}

impl Select {
    /// Whether it is nothing but FROM, WHERE and a select list.
    pub fn is_plain(&self) -> bool {
        self.is_bare() && self.distinct == Distinct::No
    }

    /// Whether it is so but for a DISTINCT, which makes no difference to whether there is a row.
    pub fn is_bare(&self) -> bool {
        let Self { from: _, filter: _, grouping, having, windows, sets, targets: _, distinct } = self;
        grouping.is_none()
            && having.is_empty()
            && windows.is_empty()
            && sets.is_empty()
            && !matches!(distinct, Distinct::On(_))
    }

    /// Whether a condition on its rows can be judged before they are made: on those of FROM, or of groups.
    pub fn takes_conditions(&self) -> bool {
        let Self { from: _, filter: _, grouping: _, having: _, windows, sets, targets: _, distinct } = self;
        windows.is_empty() && sets.is_empty() && !matches!(distinct, Distinct::On(_))
    }
}
