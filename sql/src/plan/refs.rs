//! References of an expression: to its input row, and to the rows around.
//!
//! At *level* n, inside n subqueries of the expression, the input row is the outer row of depth n - 1.

use heliosdb_storage::value::DataType;

use crate::expr::Expr;

/// Calls the function on every column and outer column of an expression with its level, those in subqueries too. What the
/// function puts in its place is not looked at again.
pub fn rewrite(expr: &mut Expr, level: usize, change: &mut dyn FnMut(&mut Expr, usize)) {
    match expr {
        Expr::Column(..) | Expr::Outer { .. } => {
            change(expr, level);
            return;
        }
        Expr::Subquery(subquery) => {
            subquery.form.for_each_expr_mut(level + 1, &mut |expr, level| rewrite(expr, level, change));
        }
        _ => {}
    }
    expr.children_mut().into_iter().for_each(|child| rewrite(child, level, change));
}

/// Puts expressions over the input row in the place of its columns.
pub fn substitute(expr: &mut Expr, replacement: &dyn Fn(usize) -> Option<Expr>) {
    substitute_at(expr, 0, replacement);
}

/// The same in an expression that is inside `level` subqueries of the row.
pub fn substitute_at(expr: &mut Expr, level: usize, replacement: &dyn Fn(usize) -> Option<Expr>) {
    rewrite(expr, level, &mut |reference, level| {
        let Some(index) = own_column(reference, level) else { return };
        if let Some(mut new) = replacement(index) {
            lift(&mut new, level);
            *reference = new;
        }
    });
}

/// Turns an expression of a subquery into one of the query around it, whose row has the subquery's row at `first`.
pub fn absorb(expr: &mut Expr, first: usize) {
    rewrite(expr, 0, &mut |reference, level| {
        if let Some(index) = own_column(reference, level) {
            *reference = column_at(level, first + index, reference.data_type());
            return;
        }
        if let Expr::Outer { depth, index, data_type } = reference
            && *depth >= level
        {
            *reference = if *depth == level {
                column_at(level, *index, *data_type)
            } else {
                Expr::Outer { depth: *depth - 1, index: *index, data_type: *data_type }
            };
        }
    });
}

/// Moves an expression over a row to inside `level` subqueries of that row.
fn lift(expr: &mut Expr, level: usize) {
    if level == 0 {
        return;
    }
    rewrite(expr, 0, &mut |reference, inner| match reference {
        Expr::Column(index, data_type) if inner == 0 => *reference = column_at(level, *index, *data_type),
        Expr::Outer { depth, .. } if *depth + 1 >= inner => *depth += level,
        _ => {}
    });
}

/// The column of the input row that a reference at a level means.
fn own_column(reference: &Expr, level: usize) -> Option<usize> {
    match reference {
        Expr::Column(index, _) if level == 0 => Some(*index),
        Expr::Outer { depth, index, .. } if *depth + 1 == level => Some(*index),
        _ => None,
    }
}

/// A column of the input row as it is seen at a level.
const fn column_at(level: usize, index: usize, data_type: DataType) -> Expr {
    match level.checked_sub(1) {
        None => Expr::Column(index, data_type),
        Some(depth) => Expr::Outer { depth, index, data_type },
    }
}
