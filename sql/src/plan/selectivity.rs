//! Which part of the rows satisfies a condition.
//!
//! The rules and the defaults are PostgreSQL's (`selfuncs.c`): the most common values are looked at one by one, the rest
//! is taken for even between the bounds of the histogram. Conditions are taken for independent of each other, but for the
//! two ends of one range.

use heliosdb_storage::catalog::TableDef;
use heliosdb_storage::statistics::ColumnStatistics;
use heliosdb_storage::value::Value;

use super::access::column_of;
use super::context::TableEstimate;
use crate::expr::Expr;
use crate::functions::Comparison;

mod scale;

/// What is taken for true of an equality of which nothing is known.
pub const DEFAULT_EQUAL: f64 = 0.005;
/// The same of an inequality.
const DEFAULT_INEQUAL: f64 = 1.0 / 3.0;
/// The same of both ends of a range.
const DEFAULT_RANGE: f64 = 0.005;
/// The same of a pattern.
const DEFAULT_MATCH: f64 = 0.005;
/// The same of IS NULL.
const DEFAULT_NULL: f64 = 0.005;
/// The same of anything else.
const DEFAULT_OTHER: f64 = 1.0 / 3.0;
/// How many distinct values a column is taken to have.
const DEFAULT_DISTINCT: f64 = 200.0;

/// A column of a stored table with what is known of it.
#[derive(Clone, Copy)]
pub struct KnownColumn<'a> {
    /// The table.
    pub table: &'a TableDef,
    /// How large it is.
    pub estimate: &'a TableEstimate,
    /// Which column.
    pub slot: usize,
}

impl<'a> KnownColumn<'a> {
    fn statistics(&self) -> Option<&'a ColumnStatistics> {
        let id = self.table.columns.get(self.slot)?.id;
        self.estimate.statistics.as_ref()?.column(id)
    }

    /// How many distinct values it has, NULL aside.
    pub fn distinct(&self) -> f64 {
        let rows = self.estimate.rows.max(1.0);
        let is_unique = self.table.primary_key == [self.slot]
            || self.table.indexes.iter().any(|index| index.is_key_of(&[self.slot]));
        if is_unique {
            return rows;
        }
        let known = match self.statistics().map(|statistics| f64::from(statistics.distinct)) {
            Some(per_row) if per_row < 0.0 => -per_row * rows,
            Some(count) if count > 0.0 => count,
            _ => {
                let data_type = self.table.columns.get(self.slot).map(|column| column.column_type.data_type);
                if data_type == Some(heliosdb_storage::value::DataType::Bool) { 2.0 } else { DEFAULT_DISTINCT }
            }
        };
        known.clamp(1.0, rows)
    }

    /// The part of the rows that have NULL.
    pub fn null_fraction(&self) -> f64 {
        if self.table.columns.get(self.slot).is_some_and(|column| column.not_null) {
            return 0.0;
        }
        self.statistics().map_or(0.0, |statistics| f64::from(statistics.null_fraction))
    }

    /// How well the order of its values follows that of the rows.
    pub fn correlation(&self) -> f64 {
        self.statistics().map_or(0.0, |statistics| f64::from(statistics.correlation))
    }
}

/// Finds what is known of columns by their numbers.
pub trait ColumnSource {
    /// The stored column of a number.
    fn column(&self, column: usize) -> Option<KnownColumn<'_>>;
    /// The value that a parameter will have.
    fn param(&self, index: usize) -> Option<&Value>;
}

/// The part of the rows that satisfies all of some conditions.
pub fn all(conditions: &[&Expr], source: &dyn ColumnSource) -> f64 {
    let mut product = 1.0;
    // Both ends of a range of one column: (column, lower, upper).
    let mut ranges: Vec<(usize, Option<f64>, Option<f64>)> = Vec::new();
    for condition in conditions {
        let one = of(condition, source);
        let Some((column, is_lower)) = range_end(condition) else {
            product *= one;
            continue;
        };
        let range = match ranges.iter_mut().find(|(known, ..)| *known == column) {
            Some(range) => range,
            None => {
                ranges.push((column, None, None));
                let Some(range) = ranges.last_mut() else { continue };
                range
            }
        };
        let end = if is_lower { &mut range.1 } else { &mut range.2 };
        *end = Some(end.map_or(one, |known| known.min(one)));
    }
    for (column, lower, upper) in ranges {
        product *= match (lower, upper) {
            (Some(lower), Some(upper)) => {
                let is_default = |part: f64| (part - DEFAULT_INEQUAL).abs() < 1e-9;
                if is_default(lower) || is_default(upper) {
                    DEFAULT_RANGE
                } else {
                    let nulls = source.column(column).map_or(0.0, |known| known.null_fraction());
                    let both = lower + upper - 1.0 + nulls;
                    if both > 0.0 { both } else { 1e-6 }
                }
            }
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => 1.0,
        };
    }
    clamp(product)
}

/// The column whose range a condition bounds, and whether from below.
fn range_end(condition: &Expr) -> Option<(usize, bool)> {
    let Expr::Call { function, args, .. } = condition else { return None };
    let (Some(comparison), [left, right]) = (function.comparison, args.as_slice()) else { return None };
    let reads = |expr: &Expr| {
        let mut any = false;
        expr.for_each_column(&mut |_| any = true);
        any
    };
    let (column, comparison) = match (column_of(left), column_of(right)) {
        (Some((column, _)), _) if !reads(right) => (column, comparison),
        (_, Some((column, _))) if !reads(left) => (column, comparison.commuted()),
        _ => return None,
    };
    match comparison {
        Comparison::Gt | Comparison::Ge => Some((column, true)),
        Comparison::Lt | Comparison::Le => Some((column, false)),
        Comparison::Eq | Comparison::Ne => None,
    }
}

/// The part of the rows that satisfies a condition.
pub fn of(condition: &Expr, source: &dyn ColumnSource) -> f64 {
    clamp(match condition {
        Expr::Literal(Value::Bool(true), _) => 1.0,
        Expr::Literal(..) => 0.0,
        Expr::And(parts) => all(&parts.iter().collect::<Vec<_>>(), source),
        Expr::Or(parts) => parts.iter().fold(0.0, |sum, part| {
            let one = of(part, source);
            sum + one - sum * one
        }),
        Expr::Not(inner) => match inner.as_ref() {
            Expr::IsNull(inner) => 1.0 - null_part(inner, source),
            inner => 1.0 - of(inner, source),
        },
        Expr::IsNull(inner) => null_part(inner, source),
        Expr::IsDistinct(a, b) => 1.0 - equal(a, b, source),
        Expr::InList { expr, list } => list.iter().map(|item| equal(expr, item, source)).sum::<f64>(),
        Expr::Column(..) => equal_bool(condition, source),
        Expr::Call { function, args, .. } => match (function.comparison, args.as_slice()) {
            (Some(comparison), [left, right]) => compare(comparison, left, right, source),
            _ if matches!(function.name, "~~" | "~~*" | "~" | "~*") => pattern(args, source),
            _ if matches!(function.name, "!~~" | "!~~*" | "!~" | "!~*") => 1.0 - DEFAULT_MATCH,
            _ => DEFAULT_OTHER,
        },
        Expr::Subquery(_) => 0.5,
        _ => DEFAULT_OTHER,
    })
}

fn clamp(part: f64) -> f64 {
    part.clamp(0.0, 1.0)
}

fn null_part(expr: &Expr, source: &dyn ColumnSource) -> f64 {
    match known(expr, source) {
        Some(column) if column.statistics().is_some() => column.null_fraction(),
        Some(column) if column.table.columns.get(column.slot).is_some_and(|column| column.not_null) => 0.0,
        _ => DEFAULT_NULL,
    }
}

fn known<'s>(expr: &Expr, source: &'s dyn ColumnSource) -> Option<KnownColumn<'s>> {
    source.column(column_of(expr)?.0)
}

/// The value that an expression has in every row, if that is known while planning.
fn value_of<'s>(expr: &'s Expr, source: &'s dyn ColumnSource) -> Option<&'s Value> {
    match expr {
        Expr::Literal(value, _) => Some(value),
        Expr::Parameter(index, _) => source.param(*index),
        Expr::Cast { expr, .. } if column_order_is_kept(expr) => value_of(expr, source),
        _ => None,
    }
}

fn column_order_is_kept(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(..) | Expr::Parameter(..))
}

fn compare(comparison: Comparison, left: &Expr, right: &Expr, source: &dyn ColumnSource) -> f64 {
    match comparison {
        Comparison::Eq => equal(left, right, source),
        Comparison::Ne => {
            let nulls =
                known(left, source).or_else(|| known(right, source)).map_or(0.0, |column| column.null_fraction());
            1.0 - equal(left, right, source) - nulls
        }
        _ => {
            if let (Some(column), Some(value)) = (known(left, source), value_of(right, source)) {
                inequal(column, comparison, value)
            } else if let (Some(column), Some(value)) = (known(right, source), value_of(left, source)) {
                inequal(column, comparison.commuted(), value)
            } else {
                DEFAULT_INEQUAL
            }
        }
    }
}

fn equal(left: &Expr, right: &Expr, source: &dyn ColumnSource) -> f64 {
    match (known(left, source), known(right, source)) {
        (Some(a), Some(b)) => join_equal(a, b),
        (Some(column), None) => equal_to(column, value_of(right, source)),
        (None, Some(column)) => equal_to(column, value_of(left, source)),
        (None, None) => DEFAULT_EQUAL,
    }
}

fn equal_bool(expr: &Expr, source: &dyn ColumnSource) -> f64 {
    known(expr, source).map_or(0.5, |column| equal_to(column, Some(&Value::Bool(true))))
}

/// The part of the pairs of rows of which two columns are equal.
fn join_equal(a: KnownColumn<'_>, b: KnownColumn<'_>) -> f64 {
    let most = a.distinct().max(b.distinct());
    (1.0 - a.null_fraction()) * (1.0 - b.null_fraction()) / most
}

/// The part of the rows of which a column equals a value; none for one that is not known.
fn equal_to(column: KnownColumn<'_>, value: Option<&Value>) -> f64 {
    if value.is_some_and(Value::is_null) {
        return 0.0;
    }
    let distinct = column.distinct();
    let nulls = column.null_fraction();
    let Some(statistics) = column.statistics() else { return (1.0 - nulls) / distinct };
    let Some(value) = value else { return (1.0 - nulls) / distinct };
    if let Some((_, part)) = statistics.common.iter().find(|(common, _)| common.compare(value).is_eq()) {
        return f64::from(*part);
    }
    let common: f64 = statistics.common.iter().map(|(_, part)| f64::from(*part)).sum();
    let others = (distinct - count(statistics.common.len())).max(1.0);
    let rest = ((1.0 - nulls - common) / others).max(0.0);
    // It is not more common than the least common of the most common ones.
    statistics.common.last().map_or(rest, |(_, part)| rest.min(f64::from(*part)))
}

fn inequal(column: KnownColumn<'_>, comparison: Comparison, value: &Value) -> f64 {
    if value.is_null() {
        return 0.0;
    }
    let Some(statistics) = column.statistics() else { return DEFAULT_INEQUAL };
    let common: f64 = statistics.common.iter().map(|(_, part)| f64::from(*part)).sum();
    let matching: f64 = (statistics.common.iter())
        .filter(|(known, _)| comparison.holds(known.compare(value)))
        .map(|(_, part)| f64::from(*part))
        .sum();
    let rest = (1.0 - column.null_fraction() - common).max(0.0);
    let below = match below_in_histogram(&statistics.histogram, value) {
        Some(below) => below,
        None if statistics.common.is_empty() => return DEFAULT_INEQUAL,
        None => 0.5,
    };
    let part = match comparison {
        Comparison::Lt | Comparison::Le => below,
        _ => 1.0 - below,
    };
    // Statistics are of a sample, and of yesterday: nothing is certain.
    let floor = 1.0 / column.estimate.rows.max(1.0);
    (matching + rest * part).clamp(floor.min(1.0), 1.0)
}

/// The part of a histogram that lies below a value.
fn below_in_histogram(bounds: &[Value], value: &Value) -> Option<f64> {
    let parts = bounds.len().checked_sub(1).filter(|parts| *parts > 0)?;
    let at = bounds.partition_point(|bound| bound.compare(value).is_lt());
    let Some(before) = at.checked_sub(1) else { return Some(0.0) };
    let (Some(low), Some(high)) = (bounds.get(before), bounds.get(at)) else { return Some(1.0) };
    Some((count(before) + scale::between(low, high, value)) / count(parts))
}

fn pattern(args: &[Expr], source: &dyn ColumnSource) -> f64 {
    let [value, pattern] = args else { return DEFAULT_MATCH };
    let (Some(column), Some(Value::Text(pattern))) = (known(value, source), value_of(pattern, source)) else {
        return DEFAULT_MATCH;
    };
    let fixed: usize = pattern.chars().take_while(|c| !matches!(c, '%' | '_' | '\\')).count();
    if fixed == pattern.chars().count() {
        return equal_to(column, Some(&Value::Text(pattern.clone())));
    }
    let prefix: String = pattern.chars().take(fixed).collect();
    let by_prefix = if prefix.is_empty() {
        1.0
    } else {
        let lower = inequal(column, Comparison::Ge, &Value::text(prefix.as_str()));
        let upper =
            super::access::prefix_end(&prefix).map_or(1.0, |end| inequal(column, Comparison::Lt, &Value::text(end)));
        (lower + upper - 1.0).max(DEFAULT_MATCH / 10.0)
    };
    // Each further character is a fifth of what is left, as PostgreSQL has it.
    let rest = pattern.chars().skip(fixed).filter(|c| !matches!(c, '%' | '_')).count();
    by_prefix * 0.2_f64.powi(i32::try_from(rest.min(10)).unwrap_or(10))
}

/// How many groups rows have by some expressions.
pub fn groups(exprs: &[Expr], rows: f64, source: &dyn ColumnSource) -> f64 {
    let mut product = 1.0;
    let mut seen: Vec<usize> = Vec::new();
    for expr in exprs {
        let mut columns = Vec::new();
        expr.for_each_column(&mut |column| columns.push(column));
        if columns.is_empty() {
            continue;
        }
        if expr.data_type() == heliosdb_storage::value::DataType::Bool {
            product *= 2.0;
            continue;
        }
        for column in columns {
            if seen.contains(&column) {
                continue;
            }
            seen.push(column);
            product *= source.column(column).map_or(DEFAULT_DISTINCT, |known| {
                known.distinct() + if known.null_fraction() > 0.0 { 1.0 } else { 0.0 }
            });
        }
    }
    product.clamp(1.0, rows.max(1.0))
}

/// How many distinct values an expression has.
pub fn distinct(expr: &Expr, rows: f64, source: &dyn ColumnSource) -> f64 {
    match known(expr, source) {
        Some(column) => column.distinct().min(rows.max(1.0)),
        None => groups(std::slice::from_ref(expr), rows, source),
    }
}

fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}
