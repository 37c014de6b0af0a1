//! Which columns must not be NULL for a condition to be true: what makes an outer join an inner one.

use crate::expr::Expr;

/// The columns that are not NULL in any row for which the condition is true.
pub fn columns_not_null(condition: &Expr, out: &mut Vec<usize>) {
    match condition {
        Expr::And(parts) => parts.iter().for_each(|part| columns_not_null(part, out)),
        Expr::Or(parts) => common(parts, &mut |part, out| columns_not_null(part, out), out),
        Expr::Not(inner) => match inner.as_ref() {
            Expr::IsNull(inner) => null_propagating(inner, out),
            Expr::Not(inner) => columns_not_null(inner, out),
            // NOT (a OR b) is (NOT a AND NOT b).
            Expr::Or(parts) => parts.iter().for_each(|part| null_propagating(part, out)),
            inner => null_propagating(inner, out),
        },
        // `x IS TRUE` is written as NOT (x IS DISTINCT FROM true), which says more; it is not needed here.
        Expr::IsNull(_) | Expr::IsDistinct(..) => {}
        other => null_propagating(other, out),
    }
}

/// The columns whose NULL makes the expression NULL.
pub fn null_propagating(expr: &Expr, out: &mut Vec<usize>) {
    match expr {
        Expr::Column(index, _) => out.push(*index),
        Expr::Call { function, args, .. } if function.comparison.is_some() || function.strict => {
            args.iter().for_each(|arg| null_propagating(arg, out));
        }
        Expr::Cast { expr, .. } | Expr::Not(expr) => null_propagating(expr, out),
        Expr::InList { expr, list } if !list.is_empty() => null_propagating(expr, out),
        // One NULL does not make AND or OR unknown, NULL in all their parts does.
        Expr::And(parts) | Expr::Or(parts) => common(parts, &mut |part, out| null_propagating(part, out), out),
        _ => {}
    }
}

fn common(parts: &[Expr], of: &mut dyn FnMut(&Expr, &mut Vec<usize>), out: &mut Vec<usize>) {
    let mut shared: Option<Vec<usize>> = None;
    for part in parts {
        let mut columns = Vec::new();
        of(part, &mut columns);
        shared = Some(match shared {
            None => columns,
            Some(mut known) => {
                known.retain(|column| columns.contains(column));
                known
            }
        });
    }
    out.extend(shared.unwrap_or_default());
}
