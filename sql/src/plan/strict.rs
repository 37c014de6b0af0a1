//! Which columns must not be NULL for a condition to be true: what makes an outer join an inner one.
//!
//! A condition is true only if in each of some sets at least one column is not NULL: `a.x = 1 OR a.y = 2` gives the set of
//! `a.x` and `a.y`. If all columns of a set belong to the nullable side of a join, its NULL rows do not satisfy it.

use crate::expr::{Expr, Form};

/// How many sets the parts of an OR may make.
const MAX_SETS: usize = 16;

/// Sets of columns of which one is not NULL in any row for which the condition is true.
pub fn sets_not_null(condition: &Expr, out: &mut Vec<Vec<usize>>) {
    match condition {
        Expr::And(parts) => parts.iter().for_each(|part| sets_not_null(part, out)),
        Expr::Or(parts) => any_of(parts, &mut |part, out| sets_not_null(part, out), out),
        Expr::Not(inner) => match inner.as_ref() {
            Expr::IsNull(inner) => null_propagating(inner, out),
            Expr::Not(inner) => sets_not_null(inner, out),
            // NOT (a OR b) is (NOT a AND NOT b).
            Expr::Or(parts) => parts.iter().for_each(|part| null_propagating(part, out)),
            inner => null_propagating(inner, out),
        },
        // Without elements ANY is false, which is as good as NULL here.
        Expr::Form { form: Form::Quantified { function, all: false }, args, .. } if function.strict => {
            args.iter().for_each(|arg| null_propagating(arg, out));
        }
        other => null_propagating(other, out),
    }
}

/// Sets of columns that make the expression NULL if all of one set are NULL.
fn null_propagating(expr: &Expr, out: &mut Vec<Vec<usize>>) {
    match expr {
        Expr::Column(index, _) => out.push(vec![*index]),
        Expr::Call { function, args, .. } if function.comparison.is_some() || function.strict => {
            args.iter().for_each(|arg| null_propagating(arg, out));
        }
        Expr::Cast { expr, .. } | Expr::Not(expr) => null_propagating(expr, out),
        Expr::InList { expr, list } if !list.is_empty() => null_propagating(expr, out),
        // One NULL does not make AND or OR unknown, NULL in all their parts does.
        Expr::And(parts) | Expr::Or(parts) => any_of(parts, &mut |part, out| null_propagating(part, out), out),
        _ => {}
    }
}

/// Sets with a set of each part.
fn any_of(parts: &[Expr], of: &mut dyn FnMut(&Expr, &mut Vec<Vec<usize>>), out: &mut Vec<Vec<usize>>) {
    let mut combined: Vec<Vec<usize>> = vec![Vec::new()];
    for part in parts {
        let mut sets = Vec::new();
        of(part, &mut sets);
        combined = combined
            .iter()
            .flat_map(|before| sets.iter().map(|set| before.iter().chain(set).copied().collect()))
            .take(MAX_SETS)
            .collect();
    }
    out.extend(combined.into_iter().filter(|set| !set.is_empty()));
}
