//! Which conditions a column of an index can use.

use heliosdb_storage::key::KeyOrder;
use heliosdb_storage::value::Value;

use super::shape::IndexColumn;
use super::{KeyBound, KeyPart, KeyValue, column_of, keeps_order};
use crate::expr::Expr;
use crate::functions::Comparison;

/// How many values a list may have that is looked up value by value; longer ones are judged row by row.
pub const MAX_LIST_LOOK_UPS: usize = 1_000;

/// What a condition says about a column of the table.
#[derive(Clone, Debug)]
pub struct ColumnCondition<'e> {
    /// The column.
    pub slot: usize,
    /// What it says.
    pub says: Says<'e>,
    /// Its position among the conditions.
    pub at: usize,
}

/// What a condition says about a column.
#[derive(Clone, Debug)]
pub enum Says<'e> {
    /// `column op value`
    Compares(Comparison, &'e Expr),
    /// `column IN (…)`
    IsIn(&'e [Expr]),
    /// `column IS NULL`
    IsNull,
    /// `column IS NOT NULL`
    IsNotNull,
    /// A column of booleans, itself or negated.
    Is(bool),
    /// `column LIKE 'prefix%'`; whether the range says it all.
    StartsWith(String, bool),
}

/// Finds what conditions say about columns of a relation. `own` turns the number of a column of the relation into its slot.
pub fn conditions<'e>(
    conditions: &[&'e Expr],
    own: &dyn Fn(usize) -> Option<usize>,
    out: &mut Vec<ColumnCondition<'e>>,
) {
    for (at, condition) in conditions.iter().enumerate() {
        said(condition, own, &mut |slot, says| out.push(ColumnCondition { slot, says, at }));
    }
}

fn said<'e>(condition: &'e Expr, own: &dyn Fn(usize) -> Option<usize>, found: &mut dyn FnMut(usize, Says<'e>)) {
    let slot_of = |expr: &Expr| column_of(expr).and_then(|(column, data_type)| Some((own(column)?, data_type)));
    match condition {
        Expr::Column(column, _) => {
            if let Some(slot) = own(*column) {
                found(slot, Says::Is(true));
            }
        }
        Expr::IsNull(inner) => {
            if let Some((slot, _)) = slot_of(inner) {
                found(slot, Says::IsNull);
            }
        }
        Expr::Not(inner) => match inner.as_ref() {
            Expr::IsNull(inner) => {
                if let Some((slot, _)) = slot_of(inner) {
                    found(slot, Says::IsNotNull);
                }
            }
            Expr::Column(column, _) => {
                if let Some(slot) = own(*column) {
                    found(slot, Says::Is(false));
                }
            }
            _ => {}
        },
        Expr::InList { expr, list } if list.len() <= MAX_LIST_LOOK_UPS => {
            if let Some((slot, data_type)) = slot_of(expr)
                && list.iter().all(|item| is_key_value(item, data_type, own))
            {
                found(slot, Says::IsIn(list));
            }
        }
        Expr::Call { function, args, .. } => match (function.comparison, args.as_slice()) {
            (Some(comparison), [left, right]) if comparison != Comparison::Ne => {
                if let Some((slot, data_type)) = slot_of(left)
                    && is_key_value(right, data_type, own)
                {
                    found(slot, Says::Compares(comparison, right));
                }
                if let Some((slot, data_type)) = slot_of(right)
                    && is_key_value(left, data_type, own)
                {
                    found(slot, Says::Compares(comparison.commuted(), left));
                }
            }
            (None, [value, pattern]) if function.name == "~~" => {
                if let (Some((slot, _)), Some((prefix, is_all))) = (slot_of(value), fixed_prefix(pattern)) {
                    found(slot, Says::StartsWith(prefix, is_all));
                }
            }
            _ => {}
        },
        _ => {}
    }
}

/// What a pattern begins with, and whether that is all it says: `abc%`.
fn fixed_prefix(pattern: &Expr) -> Option<(String, bool)> {
    let Expr::Literal(Value::Text(pattern), _) = pattern else { return None };
    let prefix: String = pattern.chars().take_while(|c| !matches!(c, '%' | '_' | '\\')).collect();
    let rest = pattern.get(prefix.len()..)?;
    (!prefix.is_empty()).then(|| (prefix, rest == "%"))
}

/// The first text above all that begin with a prefix, in the order of bytes.
pub fn prefix_end(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

/// Whether an expression can be looked for in a key: it reads nothing of the relation itself.
fn is_key_value(expr: &Expr, column: heliosdb_storage::value::DataType, own: &dyn Fn(usize) -> Option<usize>) -> bool {
    let mut reads_row = false;
    expr.for_each_column(&mut |column| reads_row |= own(column).is_some());
    !reads_row && keeps_order(column, expr.data_type()) && !expr.has_subquery() && !expr.is_volatile()
}

/// What is found for one column of an index.
pub enum ColumnMatch {
    /// Equal values: the next column can be used too.
    Equal(KeyValue),
    /// Bounds: this is the last column.
    Range { lower: Option<KeyBound>, upper: Option<KeyBound>, not_null: Option<KeyOrder> },
}

/// Conditions that a column of an index uses.
pub struct Used {
    pub found: ColumnMatch,
    /// Positions of the conditions that need not be judged again.
    pub covered: Vec<usize>,
    /// Positions of those that are used but must be judged again.
    pub used: Vec<usize>,
}

/// The best use of the conditions on a column.
pub fn match_column(column: &IndexColumn, conditions: &[ColumnCondition<'_>]) -> Option<Used> {
    let part = |expr: &Expr| KeyPart { expr: expr.clone(), column: column.data_type, order: column.order };
    let of_column = || conditions.iter().filter(|condition| condition.slot == column.slot);
    let equal = |value: KeyValue, at: usize| {
        Some(Used { found: ColumnMatch::Equal(value), covered: vec![at], used: Vec::new() })
    };
    for condition in of_column() {
        match &condition.says {
            Says::Compares(Comparison::Eq, value) => return equal(KeyValue::One(part(value)), condition.at),
            Says::Is(value) => {
                let literal = Expr::Literal(Value::Bool(*value), column.data_type);
                return equal(KeyValue::One(part(&literal)), condition.at);
            }
            _ => {}
        }
    }
    for condition in of_column() {
        match &condition.says {
            Says::IsNull => return equal(KeyValue::Null(column.order), condition.at),
            Says::IsIn(list) => return equal(KeyValue::Any(list.iter().map(part).collect()), condition.at),
            _ => {}
        }
    }
    match_range(column, &mut of_column())
}

fn match_range<'c, 'e: 'c>(
    column: &IndexColumn,
    conditions: &mut dyn Iterator<Item = &'c ColumnCondition<'e>>,
) -> Option<Used> {
    let (mut lower, mut upper, mut not_null) = (None, None, None);
    let (mut covered, mut used) = (Vec::new(), Vec::new());
    for condition in conditions {
        let bound = |expr: Expr, inclusive| KeyBound {
            part: KeyPart { expr, column: column.data_type, order: column.order },
            inclusive,
        };
        match &condition.says {
            Says::Compares(comparison @ (Comparison::Gt | Comparison::Ge), value) if lower.is_none() => {
                lower = Some(bound((*value).clone(), *comparison == Comparison::Ge));
                covered.push(condition.at);
            }
            Says::Compares(comparison @ (Comparison::Lt | Comparison::Le), value) if upper.is_none() => {
                upper = Some(bound((*value).clone(), *comparison == Comparison::Le));
                covered.push(condition.at);
            }
            Says::StartsWith(prefix, is_all) if lower.is_none() && upper.is_none() => {
                let text = |text: String| Expr::Literal(Value::text(text), column.data_type);
                lower = Some(bound(text(prefix.clone()), true));
                upper = prefix_end(prefix).map(|end| bound(text(end), false));
                if *is_all { covered.push(condition.at) } else { used.push(condition.at) }
            }
            Says::IsNotNull => {
                not_null = Some(column.order);
                covered.push(condition.at);
            }
            _ => {}
        }
    }
    let is_used = !covered.is_empty() || !used.is_empty();
    is_used.then_some(Used { found: ColumnMatch::Range { lower, upper, not_null }, covered, used })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_is_above_all_that_begin_with_it() {
        assert_eq!(prefix_end("abc").as_deref(), Some("abd"));
        assert_eq!(prefix_end("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(prefix_end("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(prefix_end("\u{10ffff}"), None);
    }
}
