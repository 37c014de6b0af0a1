//! The one function that merges an operation into a row.
//!
//! ```text
//!  state ╲ operation   insert L                    patch L                delete L
//!  absent              new life                    unknown life           unknown life
//!  alive, life < L     new life                    unknown life           unknown life
//!  alive, life = L     concurrent inserts unite    columns merge          dead
//!  dead,  life = L     superseded                  superseded             superseded
//!  dead,  life < L     new life                    unknown life           unknown life
//!  any,   life > L     superseded                  superseded             superseded
//! ```
//!
//! Within a life the merge of two operations does not depend on their order: counters add up, each plain column takes the
//! value with the larger stamp. An insert stamps all plain columns, so of concurrent inserts the later gives them all.

use heliosdb_crdt::Stamp;

use super::{OpKind, RowOp, RowState, Tombstone};
use crate::catalog::{ColumnDef, CrdtType, TableDef};
use crate::ids::ColumnId;
use crate::row::{ChangedAt, Row, RowMeta, Stamped};
use crate::transaction::ColumnChange;
use crate::value::Value;

/// What became of an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Applied {
    /// It changed the state (or might have).
    Changed,
    /// A later life, or the end of this one, makes it void; correct and final.
    Superseded,
    /// It names a life that is not known here: something it depends on is missing.
    UnknownLife,
    /// A rule of a column's type forbids it: a counter would leave the range of bigint, a `g_counter` would shrink, a
    /// value is of the wrong type. The state is as before.
    Rejected,
}

/// Applies an operation of the given life and stamp to a state. Columns that the table does not have are ignored.
pub fn apply(table: &TableDef, state: &mut RowState, life: u32, kind: &OpKind, stamp: Stamp) -> Applied {
    apply_stamped(table, state, life, kind, Stamped::At(stamp))
}

/// As [`apply`], for an operation of the commit that is being made, which wins over everything that is there: what a
/// local write does to the visible row.
pub fn apply_now(table: &TableDef, state: &mut RowState, life: u32, kind: &OpKind) -> Applied {
    apply_stamped(table, state, life, kind, Stamped::ThisCommit)
}

/// H ⊕ P: pending operations of one row, in local order, over the hub's state. What the hub would not take has no effect.
pub fn replay<'a>(table: &TableDef, base: RowState, ops: impl IntoIterator<Item = (&'a RowOp, Stamp)>) -> RowState {
    let mut state = base;
    for (op, stamp) in ops {
        apply(table, &mut state, op.life, &op.kind, stamp);
    }
    state
}

fn apply_stamped(table: &TableDef, state: &mut RowState, life: u32, kind: &OpKind, stamp: Stamped) -> Applied {
    let known = state.life();
    if life < known || (life == known && !state.is_alive()) {
        // Life 0 is nobody's: an operation that names it is as void as one of a life that has ended.
        return supersede(state, life, kind, stamp);
    }
    if life > known {
        let OpKind::Insert(columns) = kind else {
            return Applied::UnknownLife;
        };
        let Some(row) = new_row(table, columns) else {
            return Applied::Rejected;
        };
        let meta = RowMeta { life, born: stamp, stamp, column_stamps: Vec::new(), changed_at: ChangedAt::Never };
        *state = RowState::Alive { row, meta };
        return Applied::Changed;
    }
    let RowState::Alive { row, meta } = state else {
        return Applied::Superseded;
    };
    match kind {
        OpKind::Insert(columns) => unite(table, row, meta, columns, stamp),
        OpKind::Patch(columns) => patch(table, row, meta, columns, stamp),
        OpKind::Delete => {
            let key = table.primary_key.iter().map(|&slot| row.get(slot).cloned().unwrap_or(Value::Null)).collect();
            *state = RowState::Dead(Tombstone { life, stamp, key, changed_at: ChangedAt::Never });
            Applied::Changed
        }
    }
}

/// An operation on a life that has ended. Of several deletes the tombstone keeps the largest stamp, so that their order does
/// not show.
fn supersede(state: &mut RowState, life: u32, kind: &OpKind, stamp: Stamped) -> Applied {
    match state {
        RowState::Dead(tombstone) if tombstone.life == life && *kind == OpKind::Delete && stamp > tombstone.stamp => {
            tombstone.stamp = stamp;
            Applied::Changed
        }
        _ => Applied::Superseded,
    }
}

/// The row of an insert; none if a column's type forbids it.
fn new_row(table: &TableDef, columns: &[(ColumnId, Value)]) -> Option<Row> {
    // An insert that was made before the table got a column has what older rows have.
    let mut row: Row = table.columns.iter().map(|column| column.missing.0.clone()).collect();
    for (id, value) in columns {
        let Some((slot, column)) = find(table, *id) else {
            continue;
        };
        if !is_initial_value_allowed(column, value) {
            return None;
        }
        if let Some(place) = row.get_mut(slot) {
            *place = value.clone();
        }
    }
    Some(row)
}

/// Merges an insert into a row of the same life: somebody else inserted the key at the same time.
fn unite(
    table: &TableDef,
    row: &mut Row,
    meta: &mut RowMeta,
    columns: &[(ColumnId, Value)],
    stamp: Stamped,
) -> Applied {
    let Some(inserted) = new_row(table, columns) else {
        return Applied::Rejected;
    };
    let mut merged = row.clone();
    let mut stamps = ColumnStamps::of(table, meta);
    let is_winner = stamp > meta.born;
    let slots = table.columns.iter().zip(inserted).zip(&mut merged).enumerate();
    for (slot, ((column, value), place)) in slots {
        if column.is_counter() {
            match (value, &*place) {
                (Value::Int8(n), Value::Int8(before)) => match before.checked_add(n) {
                    Some(sum) => *place = Value::Int8(sum),
                    None => return Applied::Rejected,
                },
                (Value::Int8(n), _) => *place = Value::Int8(n),
                _ => {}
            }
        } else if table.primary_key.contains(&slot) {
            if is_winner {
                *place = value;
            }
        } else if stamps.raise(column.id, stamp) {
            *place = value;
        }
    }
    *row = merged;
    meta.born = meta.born.max(stamp);
    stamps.store(meta);
    Applied::Changed
}

/// Merges changed columns into a row of the same life.
fn patch(
    table: &TableDef,
    row: &mut Row,
    meta: &mut RowMeta,
    columns: &[(ColumnId, ColumnChange)],
    stamp: Stamped,
) -> Applied {
    let mut merged = row.clone();
    let mut stamps = ColumnStamps::of(table, meta);
    for (id, change) in columns {
        let Some((slot, column)) = find(table, *id) else {
            continue;
        };
        let Some(place) = merged.get_mut(slot) else {
            continue;
        };
        match change {
            ColumnChange::Add(n) => {
                if !column.is_counter() || (*n < 0 && column.crdt == Some(CrdtType::GCounter)) {
                    return Applied::Rejected;
                }
                let before = if let Value::Int8(before) = place { *before } else { 0 };
                let Some(sum) = before.checked_add(*n) else {
                    return Applied::Rejected;
                };
                *place = Value::Int8(sum);
            }
            ColumnChange::Set(value) => {
                let is_key = table.primary_key.contains(&slot);
                if column.is_counter() || is_key || !value.fits(column.column_type.data_type) {
                    return Applied::Rejected;
                }
                if stamps.raise(*id, stamp) {
                    *place = value.clone();
                }
            }
        }
    }
    *row = merged;
    stamps.store(meta);
    Applied::Changed
}

fn find(table: &TableDef, id: ColumnId) -> Option<(usize, &ColumnDef)> {
    let slot = table.slot_of(id)?;
    Some((slot, table.columns.get(slot)?))
}

fn is_initial_value_allowed(column: &ColumnDef, value: &Value) -> bool {
    match (value, column.crdt) {
        (Value::Int8(n), Some(CrdtType::GCounter)) => *n >= 0,
        (Value::Int8(_), Some(CrdtType::PnCounter)) => true,
        (value, _) => value.fits(column.column_type.data_type),
    }
}

/// The stamps of the columns that have one: plain, and outside the primary key. Spread out to merge, then stored in the
/// one form that equal stamps have: the most frequent stamp (of equally frequent ones the largest) is the row's, the
/// others are exceptions, by column id.
struct ColumnStamps(Vec<(ColumnId, Stamped)>);

impl ColumnStamps {
    fn of(table: &TableDef, meta: &RowMeta) -> Self {
        let columns = table.columns.iter().enumerate();
        let plain = columns.filter(|(slot, column)| !column.is_counter() && !table.primary_key.contains(slot));
        let stamps = plain.map(|(_, column)| {
            let exception = meta.column_stamps.iter().find(|(id, _)| *id == column.id);
            (column.id, exception.map_or(meta.stamp, |&(_, stamped)| stamped))
        });
        Self(stamps.collect())
    }

    /// Gives the column the stamp if it is larger than the one it has; false if not.
    fn raise(&mut self, column: ColumnId, stamp: Stamped) -> bool {
        match self.0.iter_mut().find(|(id, _)| *id == column) {
            // A second write by the commit that is being made replaces the first.
            Some((_, known)) if stamp > *known || stamp == Stamped::ThisCommit => {
                *known = stamp;
                true
            }
            _ => false,
        }
    }

    fn store(mut self, meta: &mut RowMeta) {
        let mut sorted: Vec<Stamped> = self.0.iter().map(|&(_, stamped)| stamped).collect();
        sorted.sort_unstable();
        let runs = sorted.chunk_by(|a, b| a == b);
        let common = runs.max_by_key(|run| run.len()).and_then(<[Stamped]>::first);
        meta.stamp = common.copied().unwrap_or(meta.born);
        self.0.retain(|&(_, stamped)| stamped != meta.stamp);
        self.0.sort_unstable_by_key(|&(id, _)| id);
        meta.column_stamps = self.0;
    }
}
