//! From FROM and WHERE to a join problem.

use std::sync::Arc;

use heliosdb_storage::value::DataType;

use super::classes;
use super::problem::{Clause, Equality, Item, Leaf, Problem, Source, SpecialJoin, Written};
use super::relset::{MAX_RELATIONS, RelSet};
use super::{pull_up, semi};
use crate::bind::tree::{JoinSide, Relation};
use crate::expr::Expr;
use crate::functions::Comparison;
use crate::plan::context::PlannerContext;
use crate::plan::strict::sets_not_null;
use crate::plan::{JoinKind, Plan};

/// What is known of a part of FROM once it is taken apart.
pub(super) struct Part {
    /// Its relations.
    pub all: RelSet,
    /// Those that are joined by inner joins within it.
    pub inner: RelSet,
    pub items: Vec<Item>,
    /// The joins as they were written.
    pub written: Written,
}

/// Where conditions stand.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// The relations of the part of FROM that they belong to.
    pub scope: RelSet,
    /// Whether that part is on the nullable side of an outer join.
    pub is_nullable: bool,
}

impl<'c> Problem<'c> {
    /// Takes FROM and WHERE apart. So many numbers behind the columns of FROM are left to the caller.
    pub fn new(from: Relation, filter: Vec<Expr>, reserved: usize, ctx: PlannerContext<'c>) -> Self {
        let mut problem = Self {
            ctx,
            leaves: Vec::new(),
            places: std::collections::BTreeMap::new(),
            clauses: Vec::new(),
            joins: Vec::new(),
            classes: Vec::new(),
            constant: Vec::new(),
            items: Vec::new(),
            written: Written::Leaf(0),
            substitutes: std::collections::HashMap::new(),
            next_column: from.width() + reserved,
        };
        let mut from = from;
        let mut not_null = Vec::new();
        filter.iter().for_each(|expr| sets_not_null(expr, &mut not_null));
        reduce_outer(&mut from, 0, &not_null);
        let mut part = problem.take_apart(from, 0, false);
        let mut rest = Vec::new();
        for mut expr in filter {
            problem.resolve(&mut expr);
            match semi::join_of(&mut problem, expr, &mut part) {
                Ok(()) => {}
                Err(expr) => rest.push(expr),
            }
        }
        let place = Place { scope: part.all, is_nullable: false };
        rest.into_iter().for_each(|expr| problem.add_filter(expr, place));
        problem.items = part.items;
        problem.written = part.written;
        problem
    }

    /// Finishes the problem: `needed` are the columns that are read above it.
    pub fn finish(&mut self, needed: &[usize]) {
        classes::derive(self);
        super::removal::remove_useless(self, needed);
        super::pushdown::plan_queries(self, needed);
    }

    pub(super) fn take_apart(&mut self, relation: Relation, first: usize, is_nullable: bool) -> Part {
        match relation {
            Relation::Join { left, right, kind, on, lateral } => {
                self.take_join_apart((*left, *right), (kind, lateral), on, first, is_nullable)
            }
            Relation::OneRow => {
                self.add_leaf(Source::Plan { plan: Plan::OneRow, rows: 1.0, costs: (0.0, 0.01) }, first, 0, "".into())
            }
            Relation::Query { query, name } => {
                let room = MAX_RELATIONS.saturating_sub(self.leaves.len() + 64);
                match pull_up::simple_select(*query, is_nullable, room) {
                    Ok(select) => pull_up::pull_up(self, select, first, is_nullable),
                    Err(query) => {
                        let width = query.columns.len();
                        self.add_leaf(Source::Query(query), first, width, name)
                    }
                }
            }
            Relation::Table { table, name, with_key } => {
                let width = table.columns.len() + usize::from(with_key);
                let estimate = self.ctx.statistics.table(&table);
                self.add_leaf(Source::Table { table, estimate }, first, width, name)
            }
            other => {
                let width = other.width();
                let (source, name) = super::leaf::source_of(other);
                self.add_leaf(source, first, width, name)
            }
        }
    }

    /// A relation that sees the row of what stands before it, whose columns begin at `seen_first`.
    fn take_lateral(&mut self, mut relation: Relation, seen_first: usize, first: usize) -> Part {
        relation.map_columns_at(1, &mut |column| column + seen_first);
        if !self.substitutes.is_empty() {
            let substitutes = &self.substitutes;
            relation.for_each_expr_mut(1, &mut |expr, level| {
                crate::plan::refs::substitute_at(expr, level, &|column| substitutes.get(&column).cloned());
            });
        }
        let mut lateral = RelSet::EMPTY;
        relation.columns_at(1, &mut |column| lateral.add(self.leaf_of(column).map_or(RelSet::EMPTY, RelSet::one)));
        if lateral.is_empty() {
            relation.shift_outer(0, -1);
        }
        let width = relation.width();
        let (source, name) = super::leaf::source_of(relation);
        let part = self.add_leaf(source, first, width, name);
        if let Some(leaf) = self.leaves.last_mut() {
            leaf.lateral = lateral;
        }
        part
    }

    pub(super) fn add_leaf(&mut self, source: Source, first: usize, width: usize, name: Arc<str>) -> Part {
        let at = self.leaves.len();
        if width > 0 {
            self.places.insert(first, at);
        }
        self.leaves.push(Leaf { source, first, width, name, lateral: RelSet::EMPTY });
        let all = RelSet::one(at);
        Part { all, inner: RelSet::EMPTY, items: vec![Item::Leaf(at)], written: Written::Leaf(at) }
    }

    fn take_join_apart(
        &mut self,
        (left, right): (Relation, Relation),
        (kind, lateral): (JoinSide, bool),
        on: Vec<Expr>,
        first: usize,
        is_nullable: bool,
    ) -> Part {
        let middle = first + left.width();
        let left_nullable = is_nullable || matches!(kind, JoinSide::Right | JoinSide::Full);
        let right_nullable = is_nullable || matches!(kind, JoinSide::Left | JoinSide::Full);
        let left = self.take_apart(left, first, left_nullable);
        let right = if lateral {
            self.take_lateral(right, first, middle)
        } else {
            self.take_apart(right, middle, right_nullable)
        };
        let mut on: Vec<Expr> = on;
        if first > 0 {
            on.iter_mut().for_each(|expr| expr.map_columns(&mut |column| column + first));
        }
        on.iter_mut().for_each(|expr| self.resolve(expr));
        match kind {
            JoinSide::Inner => self.inner_join(left, right, on, is_nullable),
            JoinSide::Left => self.outer_join(left, right, JoinKind::Left, on),
            JoinSide::Right => self.outer_join(right, left, JoinKind::Left, on),
            JoinSide::Full => self.outer_join(left, right, JoinKind::Full, on),
        }
    }

    fn inner_join(&mut self, left: Part, right: Part, on: Vec<Expr>, is_nullable: bool) -> Part {
        let all = left.all.or(right.all);
        let mut items = left.items;
        items.extend(right.items);
        let written = Written::Join(Box::new((left.written, right.written)));
        let mut part = Part { all, inner: all, items, written };
        let mut rest = Vec::new();
        for expr in on {
            // Only at the top: below an outer join the relations of a semi join would have to stay on its side.
            match if is_nullable { Err(expr) } else { semi::join_of(self, expr, &mut part) } {
                Ok(()) => {}
                Err(expr) => rest.push(expr),
            }
        }
        let place = Place { scope: part.all, is_nullable };
        rest.into_iter().for_each(|expr| self.add_filter(expr, place));
        part.inner = part.all;
        part
    }

    fn outer_join(&mut self, left: Part, right: Part, kind: JoinKind, on: Vec<Expr>) -> Part {
        let join = self.special_join(kind, &left, &right, &on);
        let at = self.joins.len();
        // The conditions are placed as if the join were not there yet: it is not below them.
        for expr in on {
            self.add_on(expr, at, &join, kind, left.all.or(right.all));
        }
        self.joins.push(join);
        let all = left.all.or(right.all);
        let items = if kind == JoinKind::Full {
            vec![Item::Group(vec![grouped(left.items), grouped(right.items)])]
        } else {
            left.items.into_iter().chain(right.items).collect()
        };
        let written = Written::Join(Box::new((left.written, right.written)));
        Part { all, inner: left.inner.or(right.inner), items, written }
    }

    /// What must be on the sides of an outer, semi or anti join.
    pub(super) fn special_join(&self, kind: JoinKind, left: &Part, right: &Part, on: &[Expr]) -> SpecialJoin {
        let mut join = SpecialJoin {
            kind,
            min_left: left.all,
            min_right: right.all,
            left: left.all,
            right: right.all,
            lhs_strict: false,
            delays_upper: false,
            unique_on: None,
        };
        if kind == JoinKind::Full {
            return join;
        }
        let reads = on.iter().fold(RelSet::EMPTY, |set, expr| set.or(self.reads(expr)));
        let mut sets = Vec::new();
        on.iter().for_each(|expr| sets_not_null(expr, &mut sets));
        // A set of one relation's columns says that the relation's row is there.
        let relation_of = |set: Vec<usize>| {
            let relations = set.iter().filter_map(|column| self.leaf_of(*column)).map(RelSet::one);
            Some(relations.fold(RelSet::EMPTY, RelSet::or)).filter(|relations| relations.len() == 1)
        };
        let strict = sets.into_iter().filter_map(relation_of).fold(RelSet::EMPTY, RelSet::or);
        join.lhs_strict = strict.overlaps(left.all);
        join.min_left = reads.and(left.all);
        join.min_right = reads.or(right.inner).and(right.all);
        let is_half = |kind: JoinKind| matches!(kind, JoinKind::Semi | JoinKind::Anti);
        for lower in &self.joins {
            let both = lower.left.or(lower.right);
            if lower.kind == JoinKind::Full {
                if left.all.overlaps(both) {
                    join.min_left.add(both);
                }
                if right.all.overlaps(both) {
                    join.min_right.add(both);
                }
                continue;
            }
            if left.all.overlaps(lower.right)
                && reads.overlaps(lower.right)
                && (is_half(kind) || !strict.overlaps(lower.min_right))
            {
                join.min_left.add(both);
            }
            if right.all.overlaps(lower.right)
                && (reads.overlaps(lower.right)
                    || !reads.overlaps(lower.min_left)
                    || is_half(kind)
                    || is_half(lower.kind)
                    || !lower.lhs_strict
                    || lower.delays_upper)
            {
                join.min_right.add(both);
            }
        }
        if join.min_left.is_empty() {
            join.min_left = left.all;
        }
        if join.min_right.is_empty() {
            join.min_right = right.all;
        }
        join
    }

    /// A condition of ON of an outer, semi or anti join.
    pub(super) fn add_on(&mut self, expr: Expr, at: usize, join: &SpecialJoin, kind: JoinKind, scope: RelSet) {
        let reads = self.reads(&expr);
        let nonnullable = match kind {
            JoinKind::Left | JoinKind::Anti => join.left,
            JoinKind::Full => join.left.or(join.right),
            JoinKind::Inner | JoinKind::Semi | JoinKind::Right => RelSet::EMPTY,
        };
        let is_own = reads.overlaps(nonnullable) || (reads.is_empty() && kind != JoinKind::Semi);
        if !is_own {
            // It says which rows of the nullable side can be partners at all.
            let side = if kind == JoinKind::Semi { scope } else { join.right };
            self.add_filter(expr, Place { scope: side, is_nullable: kind != JoinKind::Semi });
            return;
        }
        let (_, nullable) = self.delayed(reads);
        let required = join.min_left.or(join.min_right);
        let clause = self.clause_of(expr, reads, required, nullable, Some(at));
        self.clauses.push(clause);
    }

    /// A condition of WHERE, or of ON of an inner join.
    pub(super) fn add_filter(&mut self, expr: Expr, place: Place) {
        let mut parts = Vec::new();
        expr.into_conjuncts(&mut parts);
        for expr in parts {
            let reads = self.reads(&expr);
            if reads.is_empty() {
                if !place.is_nullable && !expr.is_volatile() {
                    self.constant.push(expr);
                } else {
                    let clause = self.clause_of(expr, reads, place.scope, RelSet::EMPTY, None);
                    self.clauses.push(clause);
                }
                continue;
            }
            let (required, nullable) = self.delayed(reads);
            self.delay_upper(required, reads);
            let clause = self.clause_of(expr, reads, required, nullable, None);
            self.clauses.push(clause);
        }
    }

    /// What must be joined before a condition that reads some relations: the outer joins whose nullable sides it reads.
    fn delayed(&self, reads: RelSet) -> (RelSet, RelSet) {
        let (mut required, mut nullable) = (reads, RelSet::EMPTY);
        loop {
            let before = required;
            for join in &self.joins {
                let nulled = match join.kind {
                    JoinKind::Full => join.left.or(join.right),
                    JoinKind::Left => join.right,
                    // Nothing above reads the right side of the others.
                    _ => continue,
                };
                if required.overlaps(nulled) {
                    required.add(join.min_left.or(join.min_right));
                    nullable.add(nulled.and(required));
                }
            }
            if required == before {
                return (required, nullable);
            }
        }
    }

    /// A condition that waits for an outer join keeps the joins above from being commuted with it.
    fn delay_upper(&mut self, required: RelSet, reads: RelSet) {
        if required == reads {
            return;
        }
        for join in &mut self.joins {
            if join.kind == JoinKind::Left
                && required.overlaps(join.min_right)
                && join.min_left.or(join.min_right).is_within(required)
            {
                join.delays_upper = true;
            }
        }
    }

    pub(super) fn clause_of(
        &self,
        expr: Expr,
        reads: RelSet,
        required: RelSet,
        nullable: RelSet,
        of_join: Option<usize>,
    ) -> Clause {
        let equality = self.equality_of(&expr);
        let has_subquery = expr.has_subquery();
        Clause { expr, reads, required, nullable, of_join, equality, class: None, has_subquery }
    }

    fn equality_of(&self, expr: &Expr) -> Option<Equality> {
        let Expr::Call { function, args, .. } = expr else { return None };
        let (Some(Comparison::Eq), [left, right]) = (function.comparison, args.as_slice()) else { return None };
        if expr.is_volatile() || !is_hashable(left, right) {
            return None;
        }
        let (left_reads, right_reads) = (self.reads(left), self.reads(right));
        (!left_reads.overlaps(right_reads)).then(|| Equality {
            left: left.clone(),
            left_reads,
            right: right.clone(),
            right_reads,
        })
    }
}

fn grouped(mut items: Vec<Item>) -> Item {
    if items.len() == 1 { items.pop().unwrap_or(Item::Group(Vec::new())) } else { Item::Group(items) }
}

/// Whether equal values of both sides have equal hashes and one order: integers of different widths do, as
/// [`crate::exec::hash`] sees to it; other pairs of types have been coerced to one.
pub(super) fn is_hashable(a: &Expr, b: &Expr) -> bool {
    use DataType::{Int2, Int4, Int8, Oid, Text, Varchar};
    let (a, b) = (a.data_type(), b.data_type());
    let integers = [Int2, Int4, Int8, Oid];
    let texts = [Text, Varchar];
    a == b || (integers.contains(&a) && integers.contains(&b)) || (texts.contains(&a) && texts.contains(&b))
}

/// Turns outer joins into inner ones whose NULL rows no condition above lets through. `not_null` are sets of columns of
/// which such a condition wants one to be something.
fn reduce_outer(relation: &mut Relation, first: usize, not_null: &[Vec<usize>]) {
    let Relation::Join { left, right, kind, on, lateral: _ } = relation else { return };
    let middle = first + left.width();
    let end = middle + right.width();
    let wants =
        |range: std::ops::Range<usize>| not_null.iter().any(|set| set.iter().all(|column| range.contains(column)));
    let (wants_left, wants_right) = (wants(first..middle), wants(middle..end));
    *kind = match *kind {
        JoinSide::Left if wants_right => JoinSide::Inner,
        JoinSide::Right if wants_left => JoinSide::Inner,
        JoinSide::Full => match (wants_left, wants_right) {
            (true, true) => JoinSide::Inner,
            (true, false) => JoinSide::Left,
            (false, true) => JoinSide::Right,
            (false, false) => JoinSide::Full,
        },
        same => same,
    };
    let mut by_on = Vec::new();
    on.iter().for_each(|expr| sets_not_null(expr, &mut by_on));
    by_on.iter_mut().flatten().for_each(|column| *column += first);
    let both: Vec<Vec<usize>> = not_null.iter().chain(&by_on).cloned().collect();
    // What holds above holds for the rows of the side that is kept; what ON asks for holds for all partners.
    let (for_left, for_right): (&[Vec<usize>], &[Vec<usize>]) = match kind {
        JoinSide::Inner => (&both, &both),
        JoinSide::Left => (not_null, &by_on),
        JoinSide::Right => (&by_on, not_null),
        JoinSide::Full => (&[], &[]),
    };
    reduce_outer(left, first, for_left);
    reduce_outer(right, middle, for_right);
}
