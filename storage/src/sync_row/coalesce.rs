//! From the operations of an open transaction to those of its record: one a row at most.
//!
//! What a row was before the transaction follows from its first operation: an insert means that there was no row, a patch
//! or a delete that there was one of that life.

use std::collections::HashMap;

use super::{OpKind, RowOp};
use crate::error::{Error, Result};
use crate::ids::{ColumnId, SyncTableId};
use crate::key::RowKey;
use crate::transaction::ColumnChange;
use crate::value::Value;

/// The operations, in order, as one per row: patches unite, a patch of a new row becomes part of its insert, a row that
/// comes and goes leaves nothing, one that goes and comes again is an insert of its last life. Rows stand in the order in
/// which they were touched first.
///
/// Applied to the row as it was before the transaction, the result gives the row as it is after it, but for a row that
/// came and went (its tombstone must not stay) and one that went, came and went (its tombstone is that of the first life):
/// there the caller applies the result (or, if none is left, restores what was before).
pub fn coalesce(ops: Vec<RowOp>) -> Result<Vec<RowOp>> {
    let mut rows: Vec<Pending> = Vec::new();
    let mut by_key: HashMap<(SyncTableId, RowKey), usize> = HashMap::new();
    for op in ops {
        let key = (op.table, RowKey::of_values(&op.key)?);
        if let Some(pending) = by_key.get(&key).and_then(|&i| rows.get_mut(i)) {
            pending.add(op)?;
        } else {
            by_key.insert(key, rows.len());
            rows.push(Pending::first(op));
        }
    }
    Ok(rows.into_iter().filter_map(Pending::finish).collect())
}

/// What a transaction has done to a row so far.
struct Pending {
    /// The life of the row that was there before the transaction.
    life_before: Option<u32>,
    /// The operation that does it all; none if the row is as if nothing had happened.
    op: Option<RowOp>,
}

impl Pending {
    fn first(op: RowOp) -> Self {
        let life_before = (!matches!(op.kind, OpKind::Insert(_))).then_some(op.life);
        Self { life_before, op: Some(op) }
    }

    fn add(&mut self, next: RowOp) -> Result<()> {
        let done = self.op.take();
        self.op = match (done, next.kind) {
            (_, OpKind::Insert(columns)) => Some(RowOp { kind: OpKind::Insert(columns), ..next }),
            (_, OpKind::Delete) => self.life_before.map(|life| RowOp { life, kind: OpKind::Delete, ..next }),
            (Some(RowOp { kind: OpKind::Insert(mut columns), table, key, life }), OpKind::Patch(patch)) => {
                for (column, change) in patch {
                    change_inserted(&mut columns, column, change)?;
                }
                Some(RowOp { table, key, life, kind: OpKind::Insert(columns) })
            }
            (Some(RowOp { kind: OpKind::Patch(mut columns), table, key, life }), OpKind::Patch(patch)) => {
                for (column, change) in patch {
                    change_patched(&mut columns, column, change)?;
                }
                Some(RowOp { table, key, life, kind: OpKind::Patch(columns) })
            }
            (done, OpKind::Patch(_)) => {
                debug_assert!(false, "BUG: a row that this transaction removed is patched");
                done
            }
        };
        Ok(())
    }

    fn finish(self) -> Option<RowOp> {
        self.op.filter(|op| !matches!(&op.kind, OpKind::Patch(columns) if columns.is_empty()))
    }
}

fn change_inserted(columns: &mut Vec<(ColumnId, Value)>, column: ColumnId, change: ColumnChange) -> Result<()> {
    let place = columns.iter_mut().find(|(id, _)| *id == column).map(|(_, value)| value);
    let value = match (change, &place) {
        (ColumnChange::Set(value), _) => value,
        (ColumnChange::Add(n), None) => Value::Int8(n),
        (ColumnChange::Add(n), Some(before)) => add_to(before, n)?,
    };
    match place {
        Some(place) => *place = value,
        None => columns.push((column, value)),
    }
    Ok(())
}

fn change_patched(columns: &mut Vec<(ColumnId, ColumnChange)>, column: ColumnId, change: ColumnChange) -> Result<()> {
    let Some((_, place)) = columns.iter_mut().find(|(id, _)| *id == column) else {
        columns.push((column, change));
        return Ok(());
    };
    *place = match (&*place, change) {
        (_, ColumnChange::Set(value)) => ColumnChange::Set(value),
        (ColumnChange::Set(before), ColumnChange::Add(n)) => ColumnChange::Set(add_to(before, n)?),
        (ColumnChange::Add(before), ColumnChange::Add(n)) => {
            ColumnChange::Add(before.checked_add(n).ok_or_else(too_large)?)
        }
    };
    Ok(())
}

fn add_to(before: &Value, n: i64) -> Result<Value> {
    match before {
        Value::Int8(before) => before.checked_add(n).map(Value::Int8).ok_or_else(too_large),
        _ => Ok(Value::Int8(n)),
    }
}

fn too_large() -> Error {
    Error::LimitExceeded("the changes of a counter within one transaction exceed bigint".to_owned())
}
