//! Classes of expressions that are equal in every row: from `a = b AND b = c` follows `a = c`, from `a = b AND b = 5`
//! follows `a = 5`.
//!
//! Only conditions that hold for all rows of the result make classes: those of WHERE and of inner and semi joins, as far
//! as they read no nullable side of an outer join. For every pair of members there is a condition then; where two sets
//! of relations are joined, one of a class is enough.

use heliosdb_storage::value::DataType;

use super::problem::{Clause, Problem};
use super::relset::RelSet;
use crate::expr::Expr;
use crate::functions::{Comparison, resolve_operator};

/// How many members a class may have before pairs of them are no longer written out: their number is quadratic.
const MAX_MEMBERS: usize = 24;

/// Expressions that are equal.
#[derive(Clone, Debug)]
pub struct Class {
    pub(super) members: Vec<Member>,
    /// The value that all of them have.
    pub(super) constant: Option<Expr>,
    /// The original conditions.
    sources: Vec<usize>,
}

/// A member of a class.
#[derive(Clone, Debug)]
pub struct Member {
    pub(super) expr: Expr,
    pub(super) reads: RelSet,
}

impl Class {
    fn member(&self, expr: &Expr) -> bool {
        self.members.iter().any(|member| member.expr.same(expr))
    }
}

/// Finds the classes and adds what follows from them.
pub(super) fn derive(problem: &mut Problem<'_>) {
    let nulled = problem.nullable_relations();
    for at in 0..problem.clauses.len() {
        let clause = problem.clause(at);
        if clause.of_join.is_none()
            && clause.nullable.is_empty()
            && clause.required == clause.reads
            && !clause.has_subquery
            && !clause.reads.overlaps(nulled)
            && let Some(equality) = clause.equality.clone()
        {
            note(problem, at, equality.left, equality.left_reads, equality.right, equality.right_reads);
        }
    }
    for at in 0..problem.classes.len() {
        write_out(problem, at);
    }
    let mut at = 0;
    problem.clauses.retain(|clause| {
        at += 1;
        // Those that are replaced by what follows from their class.
        !clause.reads.is_empty() || clause.class.is_none()
    });
}

fn note(problem: &mut Problem<'_>, at: usize, left: Expr, left_reads: RelSet, right: Expr, right_reads: RelSet) {
    let find = |problem: &Problem<'_>, expr: &Expr| problem.classes.iter().position(|class| class.member(expr));
    let mut class = Class { members: Vec::new(), constant: None, sources: vec![at] };
    for (expr, reads) in [(left, left_reads), (right, right_reads)] {
        if reads.is_empty() {
            class.constant = Some(expr);
            continue;
        }
        match find(problem, &expr) {
            Some(known) => {
                let known = problem.classes.swap_remove(known);
                class.members.extend(known.members);
                class.constant = known.constant.or(class.constant);
                class.sources.extend(known.sources);
            }
            None if !class.member(&expr) => class.members.push(Member { expr, reads }),
            None => {}
        }
    }
    problem.classes.push(class);
}

/// Replaces the conditions that a class was made from by those that follow from it.
fn write_out(problem: &mut Problem<'_>, at: usize) {
    let Some(class) = problem.classes.get(at).cloned() else { return };
    if class.members.len() > MAX_MEMBERS {
        return;
    }
    // A contradiction such as `a = 1 AND a = 2` stays as it is written: each of its conditions is kept.
    let constants = class.sources.iter().filter(|source| problem.clause(**source).reads.len() == 1).count();
    if class.constant.is_some() && constants > 1 && class.members.len() < constants {
        return;
    }
    let mut derived: Vec<(Expr, RelSet)> = Vec::new();
    match &class.constant {
        Some(constant) => {
            for member in &class.members {
                match equal(&member.expr, constant) {
                    Some(expr) => derived.push((expr, member.reads)),
                    None => return,
                }
            }
        }
        None => {
            for (position, a) in class.members.iter().enumerate() {
                for b in class.members.iter().skip(position + 1) {
                    match equal(&a.expr, &b.expr) {
                        Some(expr) => derived.push((expr, a.reads.or(b.reads))),
                        None => return,
                    }
                }
            }
        }
    }
    let is_same = |clause: &Clause, expr: &Expr| {
        let Expr::Call { args, .. } = expr else { return false };
        let (Some(equality), [a, b]) = (&clause.equality, args.as_slice()) else { return false };
        (equality.left.same(a) && equality.right.same(b)) || (equality.left.same(b) && equality.right.same(a))
    };
    // A second constant is a condition of its own.
    let mut kept: Vec<usize> = Vec::new();
    for source in &class.sources {
        let clause = problem.clause(*source);
        let stays = match derived.iter().position(|(expr, _)| is_same(clause, expr)) {
            Some(found) => {
                derived.remove(found);
                true
            }
            None => clause.reads.len() == 1 && class.constant.is_some(),
        };
        if stays {
            kept.push(*source);
        }
    }
    for source in &class.sources {
        let Some(clause) = problem.clauses.get_mut(*source) else { continue };
        clause.class = Some(at);
        if !kept.contains(source) {
            // It follows from the others; it is taken out at the end.
            clause.reads = RelSet::EMPTY;
        }
    }
    for (expr, reads) in derived {
        let clause = problem.clause_of(expr, reads, reads, RelSet::EMPTY, None);
        problem.clauses.push(Clause { class: Some(at), ..clause });
    }
}

/// `a = b`
pub(super) fn equal(a: &Expr, b: &Expr) -> Option<Expr> {
    let function = resolve_operator("=", Some(a.data_type()), Some(b.data_type())).ok()?;
    let takes = |at: usize, expr: &Expr| {
        function.arg_type(at).is_some_and(|declared| declared == expr.data_type() || is_text_like(declared, expr))
    };
    let fits = function.comparison == Some(Comparison::Eq) && takes(0, a) && takes(1, b);
    fits.then(|| Expr::Call { function, args: vec![a.clone(), b.clone()], returns: DataType::Bool })
}

fn is_text_like(declared: DataType, expr: &Expr) -> bool {
    declared == DataType::Text && expr.data_type() == DataType::Varchar
}

impl Problem<'_> {
    /// The relations on the nullable sides of outer joins.
    pub(super) fn nullable_relations(&self) -> RelSet {
        use crate::plan::JoinKind;
        self.joins.iter().fold(RelSet::EMPTY, |set, join| match join.kind {
            JoinKind::Left | JoinKind::Anti => set.or(join.right),
            JoinKind::Full => set.or(join.left).or(join.right),
            _ => set,
        })
    }
}
