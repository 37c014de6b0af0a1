//! Row values: several values under names, `ROW(1, 'a')` or a whole row of a table.

use std::cmp::Ordering;
use std::sync::Arc;

use super::array::compare_all;
use super::{DataType, Value};

/// A row value. It knows the names and types of its fields, so that it can be printed and turned into JSON anywhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Names and types of the fields; shared by all rows of one origin.
    pub shape: Arc<RecordShape>,
    /// The values, one a field.
    pub values: Vec<Value>,
}

/// Names and types of a row value's fields.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct RecordShape {
    /// The fields in their order; those of `ROW(…)` are called `f1`, `f2`, …
    pub fields: Vec<(Arc<str>, DataType)>,
}

impl RecordShape {
    /// The shape of `ROW(…)`.
    pub fn anonymous(types: impl IntoIterator<Item = DataType>) -> Self {
        let named = types.into_iter().zip(1..).map(|(data_type, n)| (Arc::from(format!("f{n}")), data_type));
        Self { fields: named.collect() }
    }
}

impl Record {
    /// Whether nothing tells the two apart, names aside.
    pub fn is_identical(&self, other: &Self) -> bool {
        self.values.len() == other.values.len() && self.values.iter().zip(&other.values).all(|(a, b)| a.is_identical(b))
    }

    /// Field by field.
    pub fn compare(&self, other: &Self) -> Ordering {
        compare_all(&self.values, &other.values)
    }
}
