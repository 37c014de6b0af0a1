//! What is known of the contents of a table: for the planner's estimates.

use crate::ids::ColumnId;
use crate::value::Value;

/// What was found when a table was last looked through.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct TableStatistics {
    /// How many rows it had.
    pub rows: u64,
    /// How many of them were looked at.
    pub sampled: u64,
    /// What a stored row takes on average.
    pub row_bytes: f32,
    /// Its columns, those that were looked at.
    pub columns: Vec<ColumnStatistics>,
}

/// What was found in a column.
#[derive(Clone, PartialEq, Debug)]
pub struct ColumnStatistics {
    /// Which column.
    pub column: ColumnId,
    /// The part of the rows that have NULL.
    pub null_fraction: f32,
    /// What a value takes on average.
    pub value_bytes: f32,
    /// How many distinct values there are; negative: per row, as its number grows with the rows. 0 if not known.
    pub distinct: f32,
    /// The most common values, with the part of the rows that have them; the most common one first.
    pub common: Vec<(Value, f32)>,
    /// Bounds of parts of equal size, of the values that are not among the most common ones, in order.
    pub histogram: Vec<Value>,
    /// How well the order of the values follows that of the rows: from -1 to 1.
    pub correlation: f32,
}

impl TableStatistics {
    /// What is known of a column.
    pub fn column(&self, id: ColumnId) -> Option<&ColumnStatistics> {
        self.columns.iter().find(|column| column.column == id)
    }
}
