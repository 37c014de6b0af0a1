//! Definitions of secondary indexes.

use serde::{Deserialize, Serialize};

use super::table::{Deferral, RowExpression};
use crate::base::Space;
use crate::ids::RelationId;
use crate::key::KeyOrder;
use crate::value::ColumnType;

/// A secondary index. Its entries are (indexed values, row key), so that equal values can stand side by side: a unique
/// index is checked by looking for another row key under the same values.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct IndexDef {
    /// Its oid here; given by the store.
    pub id: RelationId,
    /// Its name.
    pub name: String,
    /// What it sorts by, in order.
    #[serde(alias = "slots")]
    pub keys: Vec<IndexKey>,
    /// INCLUDE: slots of columns that entries carry beside.
    #[serde(default)]
    pub included: Vec<usize>,
    /// WHERE: only rows for which it is true have an entry.
    #[serde(default)]
    pub predicate: Option<RowExpression>,
    /// Whether two rows may not have the same values (NULLs aside, unless they are not distinct).
    pub unique: bool,
    /// NULLS NOT DISTINCT: for UNIQUE one NULL is like another.
    #[serde(default)]
    pub nulls_not_distinct: bool,
    /// Whether it was made by a UNIQUE constraint of the same name, not by CREATE INDEX.
    pub is_constraint: bool,
    /// When a UNIQUE constraint is judged.
    #[serde(default)]
    pub deferral: Deferral,
    /// Where the entries are, if not under the index's own id (see [`super::TableDef::storage`]).
    #[serde(default)]
    pub storage: Option<RelationId>,
    /// Storage parameters, as they are listed.
    #[serde(default)]
    pub options: Vec<String>,
}

impl IndexDef {
    /// An index on columns, ascending; its id is given by the store.
    pub fn on(name: impl Into<String>, slots: &[usize]) -> Self {
        let keys = slots.iter().map(|&slot| IndexKey::column(slot)).collect();
        Self { name: name.into(), keys, ..Self::default() }
    }

    /// The same, of a UNIQUE constraint.
    pub fn unique_constraint(name: impl Into<String>, slots: &[usize]) -> Self {
        Self { unique: true, is_constraint: true, ..Self::on(name, slots) }
    }

    /// The slots of its keys, if all of them are columns; whatever their order, its predicate and what it includes.
    pub fn column_slots(&self) -> Option<Vec<usize>> {
        self.keys.iter().map(|key| key.value.slot()).collect()
    }

    /// The slots of its keys, if it has an entry for every row, and that sorts as the values of these columns do.
    pub fn plain_slots(&self) -> Option<Vec<usize>> {
        let is_plain = self.predicate.is_none() && self.keys.iter().all(|key| key.order == KeyOrder::default());
        if is_plain { self.column_slots() } else { None }
    }

    /// The slots of all columns that it depends on.
    pub fn all_slots(&self) -> impl Iterator<Item = usize> + '_ {
        let keys = self.keys.iter().flat_map(|key| match &key.value {
            IndexedValue::Column(slot) => std::slice::from_ref(slot),
            IndexedValue::Expression { expression, .. } => expression.slots.as_slice(),
        });
        let predicate = self.predicate.iter().flat_map(|predicate| predicate.slots.as_slice());
        keys.chain(&self.included).chain(predicate).copied()
    }

    /// Whether rows that have the same values in these columns, in any order, must be one row: unique over them and no
    /// others, for all rows. What a foreign key may refer to.
    pub fn is_key_of(&self, slots: &[usize]) -> bool {
        self.unique
            && self.predicate.is_none()
            && self.keys.len() == slots.len()
            && self.column_slots().is_some_and(|own| super::is_permutation(&own, slots))
    }

    /// How the values of an entry sort, in order.
    pub fn orders(&self) -> impl Iterator<Item = KeyOrder> + '_ {
        self.keys.iter().map(|key| key.order)
    }

    /// Where its entries are.
    pub(crate) fn space(&self) -> Space {
        Space::Index(self.storage.unwrap_or(self.id))
    }
}

/// One of the things that an index sorts by. An ascending column is stored as its slot alone.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(from = "StoredKey", into = "StoredKey")]
pub struct IndexKey {
    /// What.
    pub value: IndexedValue,
    /// Which way.
    pub order: KeyOrder,
    /// The operator class that was named, if it is not the type's default one.
    pub operator_class: Option<String>,
}

impl IndexKey {
    /// A column, ascending.
    pub const fn column(slot: usize) -> Self {
        Self { value: IndexedValue::Column(slot), order: KeyOrder::ASCENDING, operator_class: None }
    }
}

/// A value of a row that an index sorts by.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IndexedValue {
    /// A column, by its slot.
    Column(usize),
    /// An expression.
    Expression {
        /// The expression.
        #[serde(flatten)]
        expression: RowExpression,
        /// Its type.
        column_type: ColumnType,
    },
}

impl IndexedValue {
    /// The slot, if it is a column.
    pub const fn slot(&self) -> Option<usize> {
        match self {
            Self::Column(slot) => Some(*slot),
            Self::Expression { .. } => None,
        }
    }
}

impl RowExpression {
    /// Whether the text is one call of a function, which needs no parentheses around it.
    pub fn is_call(&self) -> bool {
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '"');
        let Some(open) = self.text.find('(').filter(|open| *open > 0) else { return false };
        let (name, arguments) = self.text.split_at(open);
        if !name.chars().all(is_name) {
            return false;
        }
        let mut depth = 0_usize;
        for (at, character) in arguments.char_indices() {
            match character {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return at + 1 == arguments.len();
            }
        }
        false
    }
}

/// How a key is stored.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum StoredKey {
    Column(usize),
    Other {
        value: IndexedValue,
        #[serde(default)]
        order: KeyOrder,
        #[serde(default)]
        operator_class: Option<String>,
    },
}

impl From<StoredKey> for IndexKey {
    fn from(stored: StoredKey) -> Self {
        match stored {
            StoredKey::Column(slot) => Self::column(slot),
            StoredKey::Other { value, order, operator_class } => Self { value, order, operator_class },
        }
    }
}

impl From<IndexKey> for StoredKey {
    fn from(key: IndexKey) -> Self {
        match key {
            IndexKey { value: IndexedValue::Column(slot), order: KeyOrder::ASCENDING, operator_class: None } => {
                Self::Column(slot)
            }
            IndexKey { value, order, operator_class } => Self::Other { value, order, operator_class },
        }
    }
}
