//! The ways to read a table under conditions, with their costs.

use heliosdb_storage::catalog::TableDef;

use super::matching::{ColumnCondition, ColumnMatch, MAX_LIST_LOOK_UPS, conditions, match_column};
use super::shape::{IndexColumn, IndexShape};
use super::{Access, KeyBounds, KeyValue};
use crate::expr::Expr;
use crate::plan::context::PlannerSettings;
use crate::plan::selectivity::{self, ColumnSource};

/// Added to the cost of what a setting has turned off.
pub const DISABLED_COST: f64 = 1.0e10;

/// Bytes of a page of PostgreSQL, in which its page costs are counted.
const PAGE_BYTES: f64 = 8192.0;

/// What a row takes if nothing is known of it.
const ASSUMED_COLUMN_BYTES: f64 = 12.0;

/// Bytes of an entry of an index beside its values.
const ENTRY_BYTES: f64 = 16.0;

/// Rows that a condition on a unique key may find at most do not depend on statistics.
const ONE_ROW: f64 = 1.0;

/// A way to read a table.
#[derive(Clone, Debug)]
pub struct TablePath {
    /// Which part.
    pub access: Access,
    /// Positions of the conditions that need not be judged again.
    pub covered: Vec<usize>,
    /// Positions of all conditions that it uses.
    pub used: Vec<usize>,
    /// How the rows are ordered when read forward.
    pub order: Vec<IndexColumn>,
    /// Whether no two rows have the same values in that order.
    pub order_is_total: bool,
    /// How many rows it finds.
    pub rows: f64,
    /// Whether it finds one row at most.
    pub is_single: bool,
    /// What it costs until the first row, and in all.
    pub startup: f64,
    /// See above.
    pub total: f64,
}

/// What a table is read for.
pub struct Reading<'a> {
    /// The table.
    pub table: &'a TableDef,
    /// How many rows it has.
    pub rows: f64,
    /// What a row takes.
    pub row_bytes: f64,
    /// The conditions, over columns of the problem.
    pub conditions: &'a [&'a Expr],
    /// The slot of a column of the problem.
    pub own: &'a dyn Fn(usize) -> Option<usize>,
    /// Whether a column is wanted at all, by its slot.
    pub needs: &'a dyn Fn(usize) -> bool,
    /// What is known of columns.
    pub source: &'a dyn ColumnSource,
    /// The session's settings.
    pub settings: &'a PlannerSettings,
}

impl Reading<'_> {
    /// Every way.
    pub fn paths(&self) -> Vec<TablePath> {
        let mut found = Vec::new();
        conditions(self.conditions, self.own, &mut found);
        let mut paths = vec![self.whole()];
        for shape in IndexShape::all(self.table) {
            paths.extend(self.by_index(&shape, &found));
        }
        paths.extend(self.by_any(&found));
        paths
    }

    /// What looking one key up costs.
    pub fn look_up_cost(&self) -> f64 {
        let depth = self.rows.max(2.0).log2();
        self.settings.random_page_cost * 0.01 + self.settings.cpu_operator_cost * depth
    }

    fn page_cost(&self, rows: f64, bytes: f64) -> f64 {
        rows * bytes / PAGE_BYTES * self.settings.seq_page_cost
    }

    /// What judging conditions on rows costs.
    fn filter_cost(&self, rows: f64, covered: &[usize]) -> f64 {
        let mut operators = 0.0;
        for (at, condition) in self.conditions.iter().enumerate() {
            if !covered.contains(&at) {
                operators += expression_cost(condition, self.settings);
            }
        }
        rows * operators
    }

    fn whole(&self) -> TablePath {
        let settings = self.settings;
        let disabled = if settings.methods.seqscan { 0.0 } else { DISABLED_COST };
        let rows = self.rows.max(1.0);
        let total = disabled
            + rows * settings.cpu_tuple_cost
            + self.page_cost(rows, self.row_bytes)
            + self.filter_cost(rows, &[]);
        let key = IndexShape::primary(self.table);
        TablePath {
            access: Access::All,
            covered: Vec::new(),
            used: Vec::new(),
            order_is_total: key.is_some(),
            order: key.map(|key| key.columns).unwrap_or_default(),
            rows: self.rows,
            is_single: false,
            startup: disabled,
            total,
        }
    }

    /// A path by an index: under the conditions that it can use, or for its order alone.
    fn by_index(&self, shape: &IndexShape, found: &[ColumnCondition<'_>]) -> Option<TablePath> {
        let matched = Matched::of(shape, found);
        // The whole primary key is the whole table, in its order.
        if matched.bounds.is_unbounded() && shape.which.is_none() {
            return None;
        }
        let used_exprs: Vec<&Expr> = matched.used.iter().filter_map(|at| self.conditions.get(*at).copied()).collect();
        let is_point = shape.unique
            && matched.bounds.equal.len() == shape.columns.len()
            && !matched.bounds.equal.iter().any(|value| matches!(value, KeyValue::Null(_)));
        let look_ups = matched.look_ups();
        let by_statistics = self.rows * selectivity::all(&used_exprs, self.source);
        let rows = if is_point { by_statistics.min(look_ups).min(look_ups * ONE_ROW) } else { by_statistics };
        let is_single = is_point && matched.is_one_range();
        let rows = if is_single { ONE_ROW.min(self.rows.max(ONE_ROW)) } else { rows.max(ONE_ROW) };
        let (startup, total, access) = match shape.which {
            None => self.key_cost(matched.bounds, is_single, look_ups, rows),
            Some(index) => self.index_cost(shape, index, matched.bounds, look_ups, rows),
        };
        let mut order = shape.columns.clone();
        if shape.which.is_some() {
            // Entries with equal values are in the order of the rows' keys.
            let key = IndexShape::primary(self.table).map(|key| key.columns).unwrap_or_default();
            order.extend(key);
        }
        let fixed = matched.fixed;
        let order_is_total = !self.table.primary_key.is_empty();
        let order =
            order.into_iter().enumerate().filter(|(at, _)| !fixed.contains(at)).map(|(_, column)| column).collect();
        let filter = self.filter_cost(rows, &matched.covered);
        Some(TablePath {
            access,
            covered: matched.covered,
            used: matched.used,
            order,
            order_is_total,
            rows,
            is_single,
            startup,
            total: total + filter,
        })
    }

    fn key_cost(&self, bounds: KeyBounds, is_single: bool, look_ups: f64, rows: f64) -> (f64, f64, Access) {
        let settings = self.settings;
        let disabled = if settings.methods.indexscan { 0.0 } else { DISABLED_COST };
        let startup = disabled + self.look_up_cost();
        let total = disabled
            + look_ups * self.look_up_cost()
            + rows * settings.cpu_tuple_cost
            + self.page_cost(rows, self.row_bytes);
        let access = match single_values(&bounds) {
            Some(key) if is_single => Access::Point { key },
            _ => Access::Key { bounds },
        };
        (startup, total, access)
    }

    fn index_cost(
        &self,
        shape: &IndexShape,
        index: usize,
        bounds: KeyBounds,
        look_ups: f64,
        rows: f64,
    ) -> (f64, f64, Access) {
        let settings = self.settings;
        let only = settings.methods.indexonlyscan
            && (0..self.table.columns.len()).all(|slot| !(self.needs)(slot) || shape.tells(self.table, slot));
        let disabled = if settings.methods.indexscan { 0.0 } else { DISABLED_COST };
        let entry_bytes =
            ENTRY_BYTES + ASSUMED_COLUMN_BYTES * f64::from(u32::try_from(shape.columns.len()).unwrap_or(1));
        let startup = disabled + self.look_up_cost();
        let mut total = disabled
            + look_ups * self.look_up_cost()
            + rows * settings.cpu_index_tuple_cost
            + self.page_cost(rows, entry_bytes);
        total += if only {
            rows * settings.cpu_tuple_cost * 0.5
        } else {
            rows * (settings.cpu_tuple_cost + self.look_up_cost() * 0.75)
        };
        (startup, total, Access::Index { index, bounds, only })
    }

    /// A path by several: `a = 1 OR b = 2`.
    fn by_any(&self, found: &[ColumnCondition<'_>]) -> Option<TablePath> {
        let mut best: Option<TablePath> = None;
        for (at, condition) in self.conditions.iter().enumerate() {
            let Expr::Or(parts) = condition else { continue };
            let Some(path) = self.by_parts(at, parts, found) else { continue };
            if best.as_ref().is_none_or(|best| path.total < best.total) {
                best = Some(path);
            }
        }
        best
    }

    fn by_parts(&self, at: usize, parts: &[Expr], found: &[ColumnCondition<'_>]) -> Option<TablePath> {
        let settings = self.settings;
        let (mut paths, mut rows, mut total) = (Vec::new(), 0.0, 0.0);
        for part in parts {
            let mut conjuncts = Vec::new();
            part.clone().into_conjuncts(&mut conjuncts);
            let conjuncts: Vec<&Expr> = conjuncts.iter().collect();
            let mut of_part = Vec::new();
            conditions(&conjuncts, self.own, &mut of_part);
            let own = of_part.len();
            of_part.extend(found.iter().map(|condition| ColumnCondition { at: usize::MAX, ..condition.clone() }));
            let shapes = IndexShape::all(self.table);
            let best = shapes
                .iter()
                .filter_map(|shape| {
                    let matched = Matched::of(shape, &of_part);
                    let uses_part = matched.used.iter().any(|at| *at != usize::MAX);
                    (uses_part && own > 0).then_some((shape, matched))
                })
                .map(|(shape, matched)| {
                    let used: Vec<&Expr> = matched.used.iter().filter_map(|at| conjuncts.get(*at).copied()).collect();
                    let rows = (self.rows * selectivity::all(&used, self.source)).max(1.0);
                    (shape, matched, rows)
                })
                .min_by(|a, b| a.2.total_cmp(&b.2))?;
            let (shape, matched, part_rows) = best;
            let look_ups = matched.look_ups();
            rows += part_rows;
            total += look_ups * self.look_up_cost() + part_rows * settings.cpu_index_tuple_cost;
            paths.push(match shape.which {
                None => Access::Key { bounds: matched.bounds },
                Some(index) => Access::Index { index, bounds: matched.bounds, only: false },
            });
        }
        let rows = rows.min(self.rows).max(1.0);
        let disabled = if settings.methods.bitmapscan { 0.0 } else { DISABLED_COST };
        // All keys are gathered before the first row is fetched.
        let startup = disabled + total + rows * settings.cpu_operator_cost * 2.0;
        let total =
            startup + rows * (settings.cpu_tuple_cost + self.look_up_cost() * 0.75) + self.filter_cost(rows, &[]);
        let key = IndexShape::primary(self.table);
        Some(TablePath {
            access: Access::Any { paths },
            covered: Vec::new(),
            used: vec![at],
            order_is_total: key.is_some(),
            order: key.map(|key| key.columns).unwrap_or_default(),
            rows,
            is_single: false,
            startup,
            total,
        })
    }
}

/// What evaluating an expression costs for one row.
pub fn expression_cost(expr: &Expr, settings: &PlannerSettings) -> f64 {
    /// A subquery in a condition is run for many rows: it is judged after the others are known to be few.
    const SUBQUERY_OPERATORS: f64 = 40.0;
    let mut operators = 0.0;
    expr.walk(&mut |expr| {
        operators += match expr {
            Expr::Call { .. } | Expr::Cast { .. } | Expr::IsDistinct(..) => 1.0,
            Expr::InList { list, .. } => f64::from(u32::try_from(list.len()).unwrap_or(u32::MAX)) * 0.5,
            Expr::Subquery(_) => SUBQUERY_OPERATORS,
            _ => 0.0,
        };
    });
    operators * settings.cpu_operator_cost
}

/// The values, if a range is of one value a column.
fn single_values(bounds: &KeyBounds) -> Option<Vec<super::KeyPart>> {
    let values = bounds.equal.iter().map(|value| match value {
        KeyValue::One(part) => Some(part.clone()),
        KeyValue::Any(_) | KeyValue::Null(_) => None,
    });
    values.collect()
}

/// How an index can use conditions.
struct Matched {
    bounds: KeyBounds,
    covered: Vec<usize>,
    used: Vec<usize>,
    /// Positions of columns of the index with one value only.
    fixed: Vec<usize>,
}

impl Matched {
    fn of(shape: &IndexShape, found: &[ColumnCondition<'_>]) -> Self {
        let mut matched =
            Self { bounds: KeyBounds::default(), covered: Vec::new(), used: Vec::new(), fixed: Vec::new() };
        for (at, column) in shape.columns.iter().enumerate() {
            let Some(used) = match_column(column, found) else { break };
            let is_too_many = |value: &KeyValue| match value {
                KeyValue::Any(list) => matched.ranges().saturating_mul(list.len()) > MAX_LIST_LOOK_UPS,
                _ => false,
            };
            match used.found {
                ColumnMatch::Equal(value) if is_too_many(&value) => break,
                ColumnMatch::Equal(value) => {
                    if !matches!(value, KeyValue::Any(_)) {
                        matched.fixed.push(at);
                    }
                    matched.bounds.equal.push(value);
                }
                ColumnMatch::Range { lower, upper, not_null } => {
                    matched.bounds.lower = lower;
                    matched.bounds.upper = upper;
                    matched.bounds.not_null = not_null;
                    matched.take(used.covered, used.used);
                    break;
                }
            }
            matched.take(used.covered, used.used);
        }
        matched
    }

    fn take(&mut self, covered: Vec<usize>, used: Vec<usize>) {
        self.used.extend(covered.iter().chain(&used));
        self.covered.extend(covered);
    }

    fn ranges(&self) -> usize {
        self.bounds.equal.iter().fold(1, |product: usize, value| match value {
            KeyValue::Any(list) => product.saturating_mul(list.len()),
            KeyValue::One(_) | KeyValue::Null(_) => product,
        })
    }

    fn look_ups(&self) -> f64 {
        f64::from(u32::try_from(self.ranges()).unwrap_or(u32::MAX))
    }

    fn is_one_range(&self) -> bool {
        self.bounds.equal.iter().all(|value| matches!(value, KeyValue::One(_)))
    }
}

/// What a stored row takes if no statistics say it.
pub fn assumed_row_bytes(table: &TableDef) -> f64 {
    ENTRY_BYTES + ASSUMED_COLUMN_BYTES * f64::from(u32::try_from(table.columns.len()).unwrap_or(1))
}
