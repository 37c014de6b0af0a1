//! Definitions of tables, columns, indexes and constraints.

use serde::{Deserialize, Serialize};

use crate::ids::{ColumnId, RelationId, SyncTableId};
use crate::value::ColumnType;

/// A table. Columns are addressed in rows by *slot* (the position in [`TableDef::columns`]) and across nodes by
/// [`ColumnId`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TableDef {
    /// Its oid here.
    pub id: RelationId,
    /// Its id on all nodes, if it is synced.
    pub sync_id: Option<SyncTableId>,
    /// Its schema, `public` so far.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The columns in their order.
    pub columns: Vec<ColumnDef>,
    /// Slots of the primary key, in key order; empty if there is none (then the key is a hidden row number).
    pub primary_key: Vec<usize>,
    /// The primary key constraint's name; also that of its row in `pg_class`.
    pub primary_key_name: Option<String>,
    /// The oid under which the primary key's index is listed in `pg_class`; the table itself is that index.
    pub primary_key_id: Option<RelationId>,
    /// Secondary indexes, those of UNIQUE constraints among them.
    pub indexes: Vec<IndexDef>,
    /// CHECK constraints.
    pub checks: Vec<CheckDef>,
    /// Foreign keys of this table to others.
    pub foreign_keys: Vec<ForeignKeyDef>,
    /// Which way rows travel.
    pub sync: SyncMode,
}

impl TableDef {
    /// The slot of a column by name.
    pub fn slot(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == column)
    }

    /// The slot of a column by id.
    pub fn slot_of(&self, id: ColumnId) -> Option<usize> {
        self.columns.iter().position(|c| c.id == id)
    }

    /// Whether rows carry a trailer and changes go to the outbox or the hub's feed.
    pub fn is_synced(&self) -> bool {
        self.sync_id.is_some() && self.sync != SyncMode::None
    }
}

/// A column.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ColumnDef {
    /// Its id for ever.
    pub id: ColumnId,
    /// Its name.
    pub name: String,
    /// Its type; of a CRDT column the type it reads as.
    pub column_type: ColumnType,
    /// The CRDT it was declared as; none for a plain column, which is a last-write-wins register without saying so.
    pub crdt: Option<CrdtType>,
    /// NOT NULL.
    pub not_null: bool,
    /// The text of its DEFAULT expression, without `DEFAULT`.
    pub default: Option<String>,
}

impl ColumnDef {
    /// Whether a write becomes a difference that is added, not a value that replaces.
    pub const fn is_counter(&self) -> bool {
        matches!(self.crdt, Some(CrdtType::GCounter | CrdtType::PnCounter))
    }
}

/// The CRDT types that can be declared.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CrdtType {
    /// `g_counter`: reads as bigint, cannot shrink.
    GCounter,
    /// `pn_counter`: reads as bigint.
    PnCounter,
    /// `lww(T)`: reads as T.
    Lww,
}

/// Which way the rows of a table travel.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncMode {
    /// Up and down.
    Both,
    /// Nowhere: the table is this node's alone.
    #[default]
    None,
}

/// A secondary index. Its entries are (indexed values, row key), so that equal values can stand side by side: a unique
/// index is checked by looking for another row key under the same values.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct IndexDef {
    /// Its oid here.
    pub id: RelationId,
    /// Its name.
    pub name: String,
    /// Slots of the indexed columns, in index order.
    pub slots: Vec<usize>,
    /// Whether two rows may not have the same values (NULLs aside).
    pub unique: bool,
    /// Whether it was made by a UNIQUE constraint of the same name, not by CREATE INDEX.
    pub is_constraint: bool,
}

/// A CHECK constraint.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CheckDef {
    /// Its name.
    pub name: String,
    /// The expression's text.
    pub expression: String,
    /// Slots of the columns it reads.
    pub slots: Vec<usize>,
}

/// A foreign key. Deleting or re-keying a parent that has children fails (NO ACTION).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ForeignKeyDef {
    /// Its name.
    pub name: String,
    /// Slots here.
    pub slots: Vec<usize>,
    /// The table referred to.
    pub parent: RelationId,
    /// Slots there: its primary key or the columns of a unique index.
    pub parent_slots: Vec<usize>,
}

/// A table to be made: ids are given by the store.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NewTable {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The columns in their order.
    pub columns: Vec<NewColumn>,
    /// Name and slots of the primary key.
    pub primary_key: Option<(String, Vec<usize>)>,
    /// UNIQUE constraints.
    pub indexes: Vec<NewIndex>,
    /// CHECK constraints.
    pub checks: Vec<CheckDef>,
    /// Foreign keys.
    pub foreign_keys: Vec<NewForeignKey>,
    /// Which way rows travel. `Both` needs a primary key and gives the table a [`SyncTableId`].
    pub sync: SyncMode,
}

/// A column to be made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewColumn {
    /// Its name.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
    /// The CRDT it is declared as.
    pub crdt: Option<CrdtType>,
    /// NOT NULL.
    pub not_null: bool,
    /// The text of its DEFAULT expression.
    pub default: Option<String>,
}

/// An index to be made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewIndex {
    /// Its name.
    pub name: String,
    /// Slots of the indexed columns.
    pub slots: Vec<usize>,
    /// UNIQUE.
    pub unique: bool,
    /// Made by a UNIQUE constraint.
    pub is_constraint: bool,
}

/// A foreign key to be made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewForeignKey {
    /// Its name.
    pub name: String,
    /// Slots here.
    pub slots: Vec<usize>,
    /// The table referred to; none for the table being made itself.
    pub parent: Option<RelationId>,
    /// Slots there.
    pub parent_slots: Vec<usize>,
}
