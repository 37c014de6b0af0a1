//! Reading some columns of rows: what is not wanted is stepped over.

use crate::catalog::TableDef;
use crate::codec::Reader;
use crate::error::Result;
use crate::row::{HAS_TRAILER, Row, VERSION};
use crate::value::Value;
use crate::value::codec::{read_value, skip_value};

/// Stands for a column that is not wanted.
const UNWANTED: usize = usize::MAX;

/// Some columns of a table, in the order in which they are wanted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Selection {
    slots: Vec<usize>,
    /// By column id, from the first one: the place in the row.
    places: Vec<usize>,
    /// Columns that are wanted twice: the place that has it, and the other one.
    copies: Vec<(usize, usize)>,
}

impl Selection {
    /// The columns of these slots; a slot that the table does not have leaves a place that is NULL.
    pub fn new(table: &TableDef, slots: Vec<usize>) -> Self {
        let mut places = Vec::new();
        let mut copies = Vec::new();
        for (place, slot) in slots.iter().enumerate() {
            let Some(at) = table.columns.get(*slot).and_then(|column| usize::from(column.id.0).checked_sub(1)) else {
                continue;
            };
            if places.len() <= at {
                places.resize(at + 1, UNWANTED);
            }
            match places.get_mut(at) {
                Some(known) if *known == UNWANTED => *known = place,
                Some(known) => copies.push((*known, place)),
                None => {}
            }
        }
        Self { slots, places, copies }
    }

    /// All columns of a table.
    pub fn all(table: &TableDef) -> Self {
        Self::new(table, (0..table.columns.len()).collect())
    }

    /// The slots, in the order of the row.
    pub fn slots(&self) -> &[usize] {
        &self.slots
    }

    /// The wanted columns of a stored row.
    pub(crate) fn read(&self, table: &TableDef, bytes: &[u8]) -> Result<Row> {
        let mut reader = Reader::new(bytes, "row");
        let first = reader.u8()?;
        if first & !HAS_TRAILER != VERSION {
            return Err(reader.damaged(format!("unknown version {first}")));
        }
        let count = reader.count(1)?;
        let mut row = vec![Value::Null; self.slots.len()];
        for place in self.places.iter().take(count) {
            match row.get_mut(*place) {
                Some(value) => *value = read_value(&mut reader)?,
                None => skip_value(&mut reader)?,
            }
        }
        for (from, to) in &self.copies {
            if let Some(value) = row.get(*from).cloned()
                && let Some(copy) = row.get_mut(*to)
            {
                *copy = value;
            }
        }
        if count < self.places.len() {
            self.fill_missing(table, count, &mut row);
        }
        Ok(row)
    }

    /// Columns that were added after a row was stored.
    fn fill_missing(&self, table: &TableDef, count: usize, row: &mut [Value]) {
        for (slot, place) in self.slots.iter().zip(row) {
            if let Some(column) = table.columns.get(*slot)
                && usize::from(column.id.0) > count
            {
                *place = column.missing.0.clone();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::catalog::ColumnDef;
    use crate::ids::ColumnId;
    use crate::row::{decode_values, encode};
    use crate::value::strategies::values;
    use crate::value::{ColumnType, DataType};

    fn table(ids: &[u16]) -> TableDef {
        let column_type = ColumnType { data_type: DataType::Text, typmod: -1 };
        let columns = ids.iter().map(|id| ColumnDef::new(ColumnId(*id), format!("c{id}"), column_type)).collect();
        TableDef { columns, ..TableDef::default() }
    }

    proptest! {
        #[test]
        fn some_columns_are_those_of_the_whole_row(
            row in proptest::collection::vec(values(), 4),
            slots in proptest::collection::vec(0_usize..4, 0..=6),
            dropped: bool,
        ) {
            let ids: &[u16] = if dropped { &[1, 3, 4, 7] } else { &[1, 2, 3, 4] };
            let table = table(ids);
            let bytes = encode(&table, &row, None).unwrap();
            let whole = decode_values(&table, &bytes).unwrap();
            let some = Selection::new(&table, slots.clone()).read(&table, &bytes).unwrap();
            prop_assert_eq!(some.len(), slots.len());
            for (slot, value) in slots.iter().zip(&some) {
                prop_assert!(value.is_identical(&whole[*slot]));
            }
        }
    }

    #[test]
    fn a_column_that_a_row_lacks_has_its_first_value() {
        let short = encode(&table(&[1]), &[Value::Int4(1)], None).unwrap();
        let mut long = table(&[1, 2]);
        long.columns[1].missing.0 = Value::Int4(7);
        let row = Selection::new(&long, vec![1, 0]).read(&long, &short).unwrap();
        assert_eq!(row, [Value::Int4(7), Value::Int4(1)]);
    }
}
