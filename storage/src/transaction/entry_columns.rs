//! What an entry of an index says about its row, so that the row need not be read.

use crate::catalog::{IndexDef, TableDef};
use crate::codec::Reader;
use crate::error::Result;
use crate::key::{KeyOrder, decode_ordered, is_exact, skip_ordered};
use crate::row::Row;
use crate::value::codec::read_value;
use crate::value::{DataType, Value};

/// Where a value of an entry goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Part {
    order: KeyOrder,
    data_type: DataType,
    /// The place in the row; none for what is not wanted.
    place: Option<usize>,
}

/// Columns of a table as an index has them: in its keys, in the row key behind them, and in what it carries beside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EntryColumns {
    width: usize,
    keys: Vec<Part>,
    included: Vec<Option<usize>>,
}

impl EntryColumns {
    /// The columns of some slots; none if the index does not say what they are, to the last digit.
    pub fn new(table: &TableDef, index: &IndexDef, slots: &[usize]) -> Option<Self> {
        let mut places: Vec<Option<usize>> = (0..slots.len()).map(Some).collect();
        let place_of = |slot: Option<usize>, data_type: DataType, places: &mut Vec<Option<usize>>| {
            let at = slots.iter().position(|wanted| Some(*wanted) == slot)?;
            if is_exact(data_type) { places.get_mut(at)?.take() } else { None }
        };
        let data_type_of = |slot: usize| table.columns.get(slot).map(|column| column.column_type.data_type);
        let mut keys = Vec::with_capacity(index.keys.len() + table.primary_key.len());
        for key in &index.keys {
            let slot = key.value.slot();
            let data_type = slot.and_then(data_type_of).unwrap_or(DataType::Unknown);
            keys.push(Part { order: key.order, data_type, place: place_of(slot, data_type, &mut places) });
        }
        for slot in &table.primary_key {
            let data_type = data_type_of(*slot)?;
            let place = place_of(Some(*slot), data_type, &mut places);
            keys.push(Part { order: KeyOrder::ASCENDING, data_type, place });
        }
        let included = index.included.iter().map(|slot| {
            let at = slots.iter().position(|wanted| wanted == slot)?;
            places.get_mut(at)?.take()
        });
        let included: Vec<Option<usize>> = included.collect();
        // What is behind the last wanted part need not be read.
        while keys.last().is_some_and(|part| part.place.is_none()) {
            keys.pop();
        }
        places.iter().all(Option::is_none).then_some(Self { width: slots.len(), keys, included })
    }

    pub(super) fn read(&self, entry: &[u8], payload: &[u8]) -> Result<Row> {
        let mut row = vec![Value::Null; self.width];
        let mut rest = entry;
        for part in &self.keys {
            let taken = match part.place.and_then(|place| row.get_mut(place)) {
                Some(value) => {
                    let (found, taken) = decode_ordered(rest, part.order, part.data_type)?;
                    *value = found;
                    taken
                }
                None => skip_ordered(rest, [part.order])?,
            };
            rest = rest.get(taken..).unwrap_or_default();
        }
        if self.included.iter().any(Option::is_some) {
            let mut reader = Reader::new(payload, "index entry");
            reader.count(1)?;
            for place in &self.included {
                let value = read_value(&mut reader)?;
                if let Some(known) = place.and_then(|place| row.get_mut(place)) {
                    *known = value;
                }
            }
        }
        Ok(row)
    }
}
