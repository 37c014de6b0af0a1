//! GROUP BY as it is written: plain expressions, ROLLUP, CUBE, GROUPING SETS.
//!
//! Each element stands for a list of grouping sets; those of the clause are all combinations of one of each element.

use sqlparser::ast::{self, GroupByExpr};

use super::Binder;
use super::names::ident;
use super::order::equality_of;
use super::scope::{AGGREGATE_BASE, Place, Scope};
use super::select::{Target, by_position, check_entries, position};
use crate::error::{Result, SqlError, SqlState};
use crate::expr::Expr;

/// How many grouping sets there may be.
const MAX_SETS: usize = 4_096;

/// How many elements CUBE may have.
const MAX_CUBE: usize = 12;

/// What GROUP BY says.
pub(super) struct Groups {
    /// The expressions.
    pub exprs: Vec<Expr>,
    /// Which of them each grouping set has.
    pub sets: Vec<Vec<usize>>,
}

impl Groups {
    /// All rows are one group.
    pub fn one() -> Self {
        Self { exprs: Vec::new(), sets: vec![Vec::new()] }
    }
}

/// The select list and the columns that GROUP BY may name.
struct Sight<'s, 'p> {
    targets: &'s [Target],
    scope: &'s Scope<'p>,
}

impl Binder<'_> {
    /// None without a GROUP BY clause.
    pub(super) fn group_by(
        &mut self,
        clause: &GroupByExpr,
        targets: &[Target],
        scope: &Scope<'_>,
    ) -> Result<Option<Groups>> {
        let elements = match clause {
            GroupByExpr::Expressions(elements, modifiers) if modifiers.is_empty() => elements,
            _ => return Err(SqlError::unsupported("this form of GROUP BY")),
        };
        if elements.is_empty() {
            return Ok(None);
        }
        check_entries(elements.len())?;
        scope.place.set(Place::Clause("GROUP BY"));
        let sight = Sight { targets, scope };
        let mut groups = Groups::one();
        for element in elements {
            let alternatives = self.grouping_element(element, &sight, &mut groups.exprs)?;
            groups.sets = combinations(&groups.sets, &alternatives)?;
        }
        Ok(Some(groups))
    }

    /// The grouping sets of an element.
    fn grouping_element(
        &mut self,
        element: &ast::Expr,
        sight: &Sight<'_, '_>,
        groups: &mut Vec<Expr>,
    ) -> Result<Vec<Vec<usize>>> {
        match element {
            ast::Expr::GroupingSets(elements) => self.nested(|binder| {
                let mut sets = Vec::new();
                for element in elements {
                    match element.as_slice() {
                        [only] => sets.extend(binder.grouping_element(only, sight, groups)?),
                        several => sets.push(binder.grouping_set(several, sight, groups)?),
                    }
                    check_sets(sets.len())?;
                }
                Ok(sets)
            }),
            ast::Expr::Rollup(elements) => {
                let parts = self.parts(elements, sight, groups)?;
                Ok((0..=parts.len()).rev().map(|length| union(parts.iter().take(length))).collect())
            }
            ast::Expr::Cube(elements) => {
                if elements.len() > MAX_CUBE {
                    let message = format!("CUBE is limited to {MAX_CUBE} elements");
                    return Err(self.at_expr(element, SqlError::new(SqlState::TOO_MANY_COLUMNS, message)));
                }
                let parts = self.parts(elements, sight, groups)?;
                let has = |subset: usize, at: usize| subset & (1 << (parts.len() - 1 - at)) != 0;
                Ok((0..1_usize << parts.len())
                    .rev()
                    .map(|subset| {
                        union(parts.iter().enumerate().filter(|(at, _)| has(subset, *at)).map(|(_, part)| part))
                    })
                    .collect())
            }
            ast::Expr::Tuple(row) => Ok(vec![self.grouping_set(row, sight, groups)?]),
            _ => match inner_sets(element) {
                Some(inner) => self.grouping_element(&inner, sight, groups),
                None => Ok(vec![vec![self.group(element, sight, groups)?]]),
            },
        }
    }

    fn parts(
        &mut self,
        elements: &[Vec<ast::Expr>],
        sight: &Sight<'_, '_>,
        groups: &mut Vec<Expr>,
    ) -> Result<Vec<Vec<usize>>> {
        elements.iter().map(|element| self.grouping_set(element, sight, groups)).collect()
    }

    fn grouping_set(
        &mut self,
        exprs: &[ast::Expr],
        sight: &Sight<'_, '_>,
        groups: &mut Vec<Expr>,
    ) -> Result<Vec<usize>> {
        let mut set = Vec::with_capacity(exprs.len());
        for expr in exprs {
            match expr {
                ast::Expr::Tuple(row) => set.extend(self.nested(|binder| binder.grouping_set(row, sight, groups))?),
                expr => set.push(self.group(expr, sight, groups)?),
            }
        }
        Ok(set)
    }

    /// The position of an expression among those that are grouped by.
    fn group(&mut self, expr: &ast::Expr, sight: &Sight<'_, '_>, groups: &mut Vec<Expr>) -> Result<usize> {
        let group = match position(expr) {
            Some(position) => by_position(sight.targets, &position, "GROUP BY")
                .map_err(|error| self.at_expr(expr, error))?
                .expr
                .clone(),
            None => self.group_expr(expr, sight)?,
        };
        let mut refused = None;
        group.for_each_column(&mut |index| {
            if index >= AGGREGATE_BASE {
                refused = Some(super::scope::kind_of(index));
            }
        });
        if let Some(kind) = refused {
            let message = format!("{kind} are not allowed in GROUP BY");
            return Err(self.at_expr(expr, SqlError::new(SqlState::GROUPING_ERROR, message)));
        }
        let group = self.known(group)?;
        equality_of(group.data_type()).map_err(|error| self.at_expr(expr, error))?;
        if let Some(known) = groups.iter().position(|known| known.same(&group)) {
            return Ok(known);
        }
        groups.push(group);
        check_entries(groups.len())?;
        Ok(groups.len() - 1)
    }

    /// A bare name is a column of FROM first, then one of the select list.
    fn group_expr(&mut self, expr: &ast::Expr, sight: &Sight<'_, '_>) -> Result<Expr> {
        let bound = self.expr(expr, sight.scope);
        let (Err(error), ast::Expr::Identifier(name)) = (&bound, expr) else { return bound };
        let name = ident(name);
        let mut named = sight.targets.iter().filter(|target| target.name == name);
        match (named.next(), named.next()) {
            (Some(target), None) if error.state == SqlState::UNDEFINED_COLUMN => Ok(target.expr.clone()),
            (Some(first), Some(second)) if error.state == SqlState::UNDEFINED_COLUMN => {
                if std::iter::once(second).chain(named).all(|other| other.expr.same(&first.expr)) {
                    return Ok(first.expr.clone());
                }
                let error = SqlError::new(SqlState::AMBIGUOUS_COLUMN, format!("GROUP BY \"{name}\" is ambiguous"));
                Err(self.at_expr(expr, error))
            }
            _ => bound,
        }
    }
}

/// The parser takes `ROLLUP (a)` inside GROUPING SETS for a call.
fn inner_sets(element: &ast::Expr) -> Option<ast::Expr> {
    let ast::Expr::Function(ast::Function { name, args: ast::FunctionArguments::List(list), .. }) = element else {
        return None;
    };
    let [ast::ObjectNamePart::Identifier(name)] = name.0.as_slice() else { return None };
    let sets: Option<Vec<Vec<ast::Expr>>> = (list.args.iter())
        .map(|arg| match arg {
            ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) => Some(vec![expr.clone()]),
            _ => None,
        })
        .collect();
    match (name.quote_style, name.value.to_ascii_lowercase().as_str()) {
        (None, "rollup") => Some(ast::Expr::Rollup(sets?)),
        (None, "cube") => Some(ast::Expr::Cube(sets?)),
        _ => None,
    }
}

fn union<'a>(parts: impl Iterator<Item = &'a Vec<usize>>) -> Vec<usize> {
    let mut set: Vec<usize> = Vec::new();
    for group in parts.flatten() {
        if !set.contains(group) {
            set.push(*group);
        }
    }
    set
}

fn combinations(sets: &[Vec<usize>], alternatives: &[Vec<usize>]) -> Result<Vec<Vec<usize>>> {
    check_sets(sets.len().saturating_mul(alternatives.len()))?;
    Ok(sets.iter().flat_map(|set| alternatives.iter().map(move |more| union([set, more].into_iter()))).collect())
}

fn check_sets(count: usize) -> Result<()> {
    if count > MAX_SETS {
        let message = format!("too many grouping sets present (maximum {MAX_SETS})");
        return Err(SqlError::new(SqlState::STATEMENT_TOO_COMPLEX, message));
    }
    Ok(())
}
