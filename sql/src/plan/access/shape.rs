//! What an index sorts by.

use heliosdb_storage::catalog::TableDef;
use heliosdb_storage::key::{KeyOrder, is_exact};
use heliosdb_storage::value::DataType;

/// Something that rows can be found and ordered by.
#[derive(Clone, Debug)]
pub struct IndexShape {
    /// Its position among the table's secondary indexes; none for the primary key.
    pub which: Option<usize>,
    /// What it sorts by, in order.
    pub columns: Vec<IndexColumn>,
    /// Whether no two rows have the same values.
    pub unique: bool,
}

/// A column of an index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IndexColumn {
    /// The table's column.
    pub slot: usize,
    /// Its type.
    pub data_type: DataType,
    /// Whether it can be NULL.
    pub nullable: bool,
    /// Which way it sorts.
    pub order: KeyOrder,
}

impl IndexColumn {
    fn of(table: &TableDef, slot: usize, order: KeyOrder) -> Option<Self> {
        let column = table.columns.get(slot)?;
        let nullable = !column.not_null && !table.primary_key.contains(&slot);
        Some(Self { slot, data_type: column.column_type.data_type, nullable, order })
    }
}

impl IndexShape {
    /// The primary key, if there is one, and the indexes of a table.
    pub fn all(table: &TableDef) -> Vec<Self> {
        let secondary = (0..table.indexes.len()).filter_map(|at| Self::secondary(table, at));
        Self::primary(table).into_iter().chain(secondary).collect()
    }

    /// The primary key: the table's own order.
    pub fn primary(table: &TableDef) -> Option<Self> {
        if table.primary_key.is_empty() {
            return None;
        }
        let columns = table.primary_key.iter().map(|slot| IndexColumn::of(table, *slot, KeyOrder::ASCENDING));
        Some(Self { which: None, columns: columns.collect::<Option<_>>()?, unique: true })
    }

    /// A secondary index.
    pub fn secondary(table: &TableDef, at: usize) -> Option<Self> {
        let index = table.indexes.get(at)?;
        if index.predicate.is_some() {
            return None;
        }
        let columns = index.keys.iter().map(|key| IndexColumn::of(table, key.value.slot()?, key.order));
        // A deferrable constraint may be broken for a while.
        let unique = index.unique && !index.deferral.is_deferrable();
        Some(Self { which: Some(at), columns: columns.collect::<Option<_>>()?, unique })
    }

    /// Whether an entry says what a column's value is, to the last digit.
    pub fn tells(&self, table: &TableDef, slot: usize) -> bool {
        let carried =
            self.which.and_then(|at| table.indexes.get(at)).is_some_and(|index| index.included.contains(&slot));
        let is_in = self.columns.iter().any(|column| column.slot == slot) || table.primary_key.contains(&slot);
        let data_type = table.columns.get(slot).map(|column| column.column_type.data_type);
        carried || (is_in && data_type.is_some_and(is_exact))
    }
}
