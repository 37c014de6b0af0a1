//! Access paths: which part of a table a scan reads, chosen by the conditions on it.

use std::sync::Arc;

use heliosdb_storage::catalog::TableDef;
use heliosdb_storage::value::DataType;

use crate::expr::Expr;
use crate::functions::Comparison;

/// Which part of a table is read, and by which order.
#[derive(Clone, Debug)]
pub enum Access {
    /// All of it, in the order of its key.
    All,
    /// The one row with this primary key.
    Point {
        /// One value a column of the key.
        key: Vec<KeyPart>,
    },
    /// A range of the primary key.
    Key {
        /// Which.
        bounds: KeyBounds,
    },
    /// A range of an index.
    Index {
        /// The index's position in the table's list.
        index: usize,
        /// Which.
        bounds: KeyBounds,
    },
}

/// A range of a key: equal values of its first columns, and bounds of the next one.
#[derive(Clone, Debug, Default)]
pub struct KeyBounds {
    /// Values of the first columns.
    pub equal: Vec<KeyPart>,
    /// The lower bound of the next column.
    pub lower: Option<KeyBound>,
    /// Its upper bound. A bounded column is never NULL: a range ends before the NULLs.
    pub upper: Option<KeyBound>,
}

/// A bound.
#[derive(Clone, Debug)]
pub struct KeyBound {
    /// The value.
    pub part: KeyPart,
    /// Whether the value itself belongs to the range.
    pub inclusive: bool,
}

/// A value of a key column.
#[derive(Clone, Debug)]
pub struct KeyPart {
    /// The value; does not read the table's row.
    pub expr: Expr,
    /// The column's type. An integer of another width is converted first; one that does not fit equals no row.
    pub column: DataType,
}

/// A condition `column op value` that a key can use.
struct KeyCondition<'a> {
    slot: usize,
    comparison: Comparison,
    value: &'a Expr,
    /// Its position among the conditions.
    at: usize,
}

/// A choice of access path, and which conditions it makes superfluous.
pub struct Choice {
    /// The path.
    pub access: Access,
    /// Positions of the conditions that the path alone guarantees.
    pub covered: Vec<usize>,
    /// How good it is; lower is better.
    pub cost: u32,
}

/// Costs are ranks, not estimates: there are no statistics.
mod cost {
    pub const POINT: u32 = 1;
    pub const UNIQUE_INDEX: u32 = 2;
    pub const INDEX_EQUAL: u32 = 20;
    pub const RANGE: u32 = 50;
    pub const HALF_RANGE: u32 = 60;
    pub const ALL: u32 = 100;
    /// Each further equal column of a key prefix.
    pub const PER_COLUMN: u32 = 3;
    /// An index entry costs a second look-up in the table.
    pub const SECOND_LOOK_UP: u32 = 2;
}

/// The rank of reading everything.
pub const COST_ALL: u32 = cost::ALL;

/// The best access path for a table's scan under conditions over its row. `usable` says whether an expression may be part
/// of a key: it must not read the row itself.
pub fn choose(table: &Arc<TableDef>, conditions: &[Expr]) -> Choice {
    let found = key_conditions(conditions);
    let mut best = Choice { access: Access::All, covered: Vec::new(), cost: cost::ALL };
    if !table.primary_key.is_empty()
        && let Some((bounds, covered)) = bounds_for(table, &table.primary_key, &found)
    {
        let is_point = bounds.equal.len() == table.primary_key.len();
        let cost = if is_point { cost::POINT } else { range_cost(&bounds) };
        let access = if is_point { Access::Point { key: bounds.equal } } else { Access::Key { bounds } };
        best = Choice { access, covered, cost };
    }
    for (index, def) in table.indexes.iter().enumerate() {
        let Some(slots) = def.plain_slots() else { continue };
        let Some((bounds, covered)) = bounds_for(table, &slots, &found) else { continue };
        let is_unique = def.unique && bounds.equal.len() == slots.len();
        let cost = if is_unique { cost::UNIQUE_INDEX } else { range_cost(&bounds) + cost::SECOND_LOOK_UP };
        if cost < best.cost {
            best = Choice { access: Access::Index { index, bounds }, covered, cost };
        }
    }
    best
}

fn range_cost(bounds: &KeyBounds) -> u32 {
    let base = match (bounds.equal.len(), &bounds.lower, &bounds.upper) {
        (0, Some(_), Some(_)) => cost::RANGE,
        (0, _, _) => cost::HALF_RANGE,
        _ => cost::INDEX_EQUAL,
    };
    let columns = bounds.equal.len() + usize::from(bounds.lower.is_some()) + usize::from(bounds.upper.is_some());
    base.saturating_sub(cost::PER_COLUMN * u32::try_from(columns.saturating_sub(1)).unwrap_or(0))
        .max(cost::UNIQUE_INDEX + 1)
}

fn bounds_for(table: &TableDef, slots: &[usize], found: &[KeyCondition<'_>]) -> Option<(KeyBounds, Vec<usize>)> {
    let mut bounds = KeyBounds::default();
    let mut covered = Vec::new();
    for &slot in slots {
        let column = table.columns.get(slot)?.column_type.data_type;
        let part = |condition: &KeyCondition<'_>| KeyPart { expr: condition.value.clone(), column };
        let of_slot = |comparison: Comparison| {
            found.iter().find(move |condition| condition.slot == slot && condition.comparison == comparison)
        };
        if let Some(condition) = of_slot(Comparison::Eq) {
            bounds.equal.push(part(condition));
            covered.push(condition.at);
            continue;
        }
        for (comparison, inclusive) in [(Comparison::Gt, false), (Comparison::Ge, true)] {
            if let Some(condition) = of_slot(comparison)
                && bounds.lower.is_none()
            {
                bounds.lower = Some(KeyBound { part: part(condition), inclusive });
                covered.push(condition.at);
            }
        }
        for (comparison, inclusive) in [(Comparison::Lt, false), (Comparison::Le, true)] {
            if let Some(condition) = of_slot(comparison)
                && bounds.upper.is_none()
            {
                bounds.upper = Some(KeyBound { part: part(condition), inclusive });
                covered.push(condition.at);
            }
        }
        break;
    }
    (!covered.is_empty()).then_some((bounds, covered))
}

fn key_conditions(conditions: &[Expr]) -> Vec<KeyCondition<'_>> {
    conditions
        .iter()
        .enumerate()
        .flat_map(|(at, condition)| {
            let Expr::Call { function, args, .. } = condition else { return Vec::new() };
            let (Some(comparison), [left, right]) = (function.comparison, args.as_slice()) else { return Vec::new() };
            let forward = column_of(left)
                .filter(|(_, column)| is_key_value(right, *column))
                .map(|(slot, _)| KeyCondition { slot, comparison, value: right, at });
            let backward = column_of(right)
                .filter(|(_, column)| is_key_value(left, *column))
                .map(|(slot, _)| KeyCondition { slot, comparison: comparison.commuted(), value: left, at });
            forward.into_iter().chain(backward).collect()
        })
        .filter(|condition| condition.comparison != Comparison::Ne)
        .collect()
}

/// The column that one side of a comparison is, looked at through conversions that keep the order.
pub fn column_of(expr: &Expr) -> Option<(usize, DataType)> {
    match expr {
        Expr::Column(slot, data_type) => Some((*slot, *data_type)),
        Expr::Cast { expr, to, .. } if to.typmod < 0 => {
            column_of(expr).filter(|(_, from)| keeps_order(*from, to.data_type))
        }
        _ => None,
    }
}

/// Whether values of two types compare by the same order, so that a key of one can be looked for by the other.
fn keeps_order(from: DataType, to: DataType) -> bool {
    from == to || (is_integer(from) && is_integer(to)) || (is_text(from) && is_text(to))
}

const fn is_integer(data_type: DataType) -> bool {
    matches!(data_type, DataType::Int2 | DataType::Int4 | DataType::Int8)
}

const fn is_text(data_type: DataType) -> bool {
    matches!(data_type, DataType::Text | DataType::Varchar)
}

fn is_key_value(expr: &Expr, column: DataType) -> bool {
    let mut reads_row = false;
    expr.for_each_column(&mut |_| reads_row = true);
    !reads_row && keeps_order(column, expr.data_type()) && !expr.is_volatile()
}
