//! What the rows must be, told by definition: from the set of transactions that took effect, in no particular order.

use std::collections::BTreeMap;

use heliosdb_crdt::Stamp;
use heliosdb_storage::sync_row::{OpKind, RowState, TxnRecord};
use heliosdb_storage::{ColumnChange, ColumnId, RowKey, SyncTableId, Value};

use super::nodes::RowId;

/// The column `hits` of `items`.
pub const HITS: ColumnId = ColumnId(4);

#[derive(Default)]
struct Expected {
    is_dead: bool,
    hits: i64,
    /// Of each plain column, the value with the largest stamp.
    plain: BTreeMap<ColumnId, (Stamp, Value)>,
}

/// Checks the hub's rows against the transactions that were merged or committed there. Without `judge_values` only lives,
/// deaths and counters are: the hub may have given other stamps.
pub fn check<'a>(
    records: impl Iterator<Item = &'a TxnRecord>,
    hub: &BTreeMap<RowId, RowState>,
    items: SyncTableId,
    judge_values: bool,
) {
    let mut lives: BTreeMap<RowId, BTreeMap<u32, Expected>> = BTreeMap::new();
    for record in records {
        for op in &record.ops {
            let row = (op.table, RowKey::of_values(&op.key).unwrap());
            let life = lives.entry(row).or_default().entry(op.life).or_default();
            let changes = match &op.kind {
                OpKind::Delete => {
                    life.is_dead = true;
                    continue;
                }
                OpKind::Patch(changes) => changes.clone(),
                OpKind::Insert(values) => {
                    let change = |(id, value): &(ColumnId, Value)| match value {
                        Value::Int8(n) if op.table == items && *id == HITS => (*id, ColumnChange::Add(*n)),
                        value => (*id, ColumnChange::Set(value.clone())),
                    };
                    values.iter().map(change).collect()
                }
            };
            for (id, change) in changes {
                match change {
                    ColumnChange::Add(n) => life.hits += n,
                    ColumnChange::Set(value) => {
                        let best = life.plain.entry(id).or_insert((Stamp::default(), Value::Null));
                        if record.stamp() > best.0 {
                            *best = (record.stamp(), value);
                        }
                    }
                }
            }
        }
    }
    assert_eq!(lives.keys().collect::<Vec<_>>(), hub.keys().collect::<Vec<_>>(), "the hub has other rows");
    for (row, lives) in lives {
        let (life, expected) = lives.last_key_value().unwrap();
        let state = &hub[&row];
        assert_eq!((state.life(), state.is_alive()), (*life, !expected.is_dead), "{row:?}");
        let Some(values) = state.row() else { continue };
        if row.0 == items {
            assert_eq!(values[3], Value::Int8(expected.hits), "hits of {row:?}");
        }
        for (id, (_, value)) in expected.plain.iter().filter(|_| judge_values) {
            assert_eq!(&values[usize::from(id.0) - 1], value, "{id:?} of {row:?}");
        }
    }
}
