//! Definitions of tables, columns and constraints.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use super::index::IndexDef;
use crate::base::Space;
use crate::codec::Reader;
use crate::ids::{ColumnId, RelationId, SyncTableId};
use crate::value::codec::{put_value, read_value};
use crate::value::{ColumnType, Value};

/// A table. Columns are addressed in rows by *slot* (the position in [`TableDef::columns`]) and across nodes, and in what
/// is stored, by [`ColumnId`]. Slots move when a column is dropped, ids never.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct TableDef {
    /// Its oid here.
    pub id: RelationId,
    /// Its id on all nodes, if it is synced.
    pub sync_id: Option<SyncTableId>,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The columns in their order, which is that of their ids.
    pub columns: Vec<ColumnDef>,
    /// Slots of the primary key, in key order; empty if there is none (then the key is a hidden row number).
    pub primary_key: Vec<usize>,
    /// The primary key constraint's name; also that of its row in `pg_class`.
    pub primary_key_name: Option<String>,
    /// The oid under which the primary key's index is listed in `pg_class`; the table itself is that index.
    pub primary_key_id: Option<RelationId>,
    /// Secondary indexes, those of UNIQUE constraints among them.
    pub indexes: Vec<IndexDef>,
    /// CHECK constraints, in the order of their names, in which they are judged.
    pub checks: Vec<CheckDef>,
    /// Foreign keys of this table to others.
    pub foreign_keys: Vec<ForeignKeyDef>,
    /// Which way rows travel.
    pub sync: SyncMode,
    /// The largest column id given so far, in case the column was dropped; 0 if none was dropped yet.
    #[serde(default)]
    pub last_column: ColumnId,
    /// Where the rows are, if not under the table's own id: a rewrite (TRUNCATE, another type of a column) gives them a new
    /// place. Synced tables are never rewritten.
    #[serde(default)]
    pub storage: Option<RelationId>,
    /// Set for a temporary table: what happens to it at COMMIT.
    #[serde(default)]
    pub temporary: Option<OnCommit>,
    /// Storage parameters, as they are listed: `fillfactor=70`.
    #[serde(default)]
    pub options: Vec<String>,
    /// What the owner of expressions has made of them; see [`crate::constraints::RowChecker`].
    #[serde(skip)]
    pub compiled: Compiled,
}

impl TableDef {
    /// The slot of a column by name.
    pub fn slot(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == column)
    }

    /// The slot of a column by id.
    pub fn slot_of(&self, id: ColumnId) -> Option<usize> {
        // Without dropped columns the first guess is right.
        let guess = usize::from(id.0).checked_sub(1)?;
        if self.columns.get(guess).is_some_and(|column| column.id == id) {
            return Some(guess);
        }
        self.columns.binary_search_by_key(&id, |column| column.id).ok()
    }

    /// Whether rows carry a trailer and changes go to the outbox or the hub's feed.
    pub fn is_synced(&self) -> bool {
        self.sync_id.is_some() && self.sync != SyncMode::None
    }

    /// Whether foreign keys may refer to the column: a change of it waits for those who do.
    pub fn is_key_column(&self, slot: usize) -> bool {
        let is_of = |index: &IndexDef| {
            index.unique && index.predicate.is_none() && index.column_slots().is_some_and(|slots| slots.contains(&slot))
        };
        self.primary_key.contains(&slot) || self.indexes.iter().any(is_of)
    }

    /// Whether columns of it are computed from others.
    pub fn has_generated_columns(&self) -> bool {
        self.columns.iter().any(|column| column.generated.is_some())
    }

    /// Whether it belongs to a session.
    pub const fn is_temporary(&self) -> bool {
        self.temporary.is_some()
    }

    /// The largest column id that was ever given.
    pub fn last_column(&self) -> ColumnId {
        self.columns.last().map_or(self.last_column, |column| column.id.max(self.last_column))
    }

    /// Whether every slot that the definition names is that of a column, and columns stand in the order of their ids, so that
    /// the store may rely on it. For definitions that come from elsewhere.
    pub fn has_sound_slots(&self) -> bool {
        let indexed = self.indexes.iter().flat_map(IndexDef::all_slots);
        let checked = self.checks.iter().flat_map(|check| &check.expression.slots).copied();
        let generated = self.columns.iter().filter_map(|column| column.generated.as_ref());
        let computed = generated.flat_map(|expression| &expression.slots).copied();
        let referring = self.foreign_keys.iter().flat_map(|key| key.slots.iter().chain(&key.on_delete_slots)).copied();
        let own = self.primary_key.iter().copied();
        let all_exist = own.chain(indexed).chain(checked).chain(computed).chain(referring);
        let is_first_sound = self.columns.first().is_none_or(|column| column.id.0 > 0);
        is_first_sound
            && self.columns.is_sorted_by(|a, b| a.id < b.id)
            && all_exist.into_iter().all(|slot| slot < self.columns.len())
            && self.indexes.iter().all(|index| !index.keys.is_empty())
            && self.foreign_keys.iter().all(|key| key.slots.len() == key.parent_slots.len())
    }

    /// Where its rows are.
    pub(crate) fn space(&self) -> Space {
        Space::Rows(self.storage.unwrap_or(self.id))
    }
}

/// What happens to a temporary table at COMMIT.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnCommit {
    /// Nothing.
    PreserveRows,
    /// It is emptied.
    DeleteRows,
    /// It goes.
    Drop,
}

/// A place for what the owner of expressions makes of a definition's texts, filled once. Copies of the definition, which
/// may be about to change, start without it; it does not count for equality.
#[derive(Default)]
pub struct Compiled(OnceLock<Arc<dyn Any + Send + Sync>>);

impl Compiled {
    /// What is there, made first if nothing is. None if somebody has put something of another type there.
    pub fn get_or_make<T: Any + Send + Sync>(&self, make: impl FnOnce() -> T) -> Option<&T> {
        self.0.get_or_init(|| Arc::new(make())).downcast_ref()
    }
}

impl Clone for Compiled {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Compiled {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Compiled {}

impl std::fmt::Debug for Compiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Compiled")
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
    /// GENERATED ALWAYS AS (…) STORED.
    #[serde(default)]
    pub generated: Option<RowExpression>,
    /// GENERATED … AS IDENTITY; the default then takes the next number of its sequence.
    #[serde(default)]
    pub identity: Option<Identity>,
    /// What rows have that were stored before the column was added.
    #[serde(default)]
    pub missing: Missing,
}

impl ColumnDef {
    /// A column that may be NULL and has no default.
    pub const fn new(id: ColumnId, name: String, column_type: ColumnType) -> Self {
        let missing = Missing(Value::Null);
        Self {
            id,
            name,
            column_type,
            crdt: None,
            not_null: false,
            default: None,
            generated: None,
            identity: None,
            missing,
        }
    }

    /// Whether a write becomes a difference that is added, not a value that replaces.
    pub const fn is_counter(&self) -> bool {
        matches!(self.crdt, Some(CrdtType::GCounter | CrdtType::PnCounter))
    }
}

/// How an identity column treats values that are given for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// They are refused unless OVERRIDING SYSTEM VALUE is said.
    Always,
    /// They are taken.
    ByDefault,
}

/// A value within a definition. Two are equal if nothing tells them apart.
#[derive(Clone, Debug)]
pub struct Missing(pub Value);

impl Default for Missing {
    fn default() -> Self {
        Self(Value::Null)
    }
}

impl PartialEq for Missing {
    fn eq(&self, other: &Self) -> bool {
        self.0.is_identical(&other.0)
    }
}

impl Eq for Missing {}

impl Serialize for Missing {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::new();
        put_value(&mut bytes, &self.0).map_err(serde::ser::Error::custom)?;
        bytes.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Missing {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes: Vec<u8> = Vec::deserialize(deserializer)?;
        let mut reader = Reader::new(&bytes, "the catalog");
        let value = read_value(&mut reader).and_then(|value| reader.finish().map(|()| value));
        value.map(Self).map_err(serde::de::Error::custom)
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

/// An expression over the row of a table, kept as text; the SQL crate evaluates it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct RowExpression {
    /// The text. It names columns without their table.
    #[serde(rename = "expression")]
    pub text: String,
    /// Slots of the columns it reads.
    pub slots: Vec<usize>,
}

/// A CHECK constraint.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct CheckDef {
    /// Its oid here; given by the store.
    #[serde(default)]
    pub id: RelationId,
    /// Its name.
    pub name: String,
    /// The condition.
    #[serde(flatten)]
    pub expression: RowExpression,
    /// Whether rows that were there before it satisfy it too: false after NOT VALID.
    #[serde(default = "yes")]
    pub validated: bool,
    /// NO INHERIT, which is remembered and means nothing.
    #[serde(default)]
    pub no_inherit: bool,
}

const fn yes() -> bool {
    true
}

/// When a constraint is judged.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deferral {
    /// At the end of each statement at the latest, whatever SET CONSTRAINTS says.
    #[default]
    NotDeferrable,
    /// At the end of each statement, unless SET CONSTRAINTS puts it off to the end of the transaction.
    InitiallyImmediate,
    /// At the end of the transaction, unless SET CONSTRAINTS says otherwise.
    InitiallyDeferred,
}

impl Deferral {
    /// Whether SET CONSTRAINTS has a say.
    pub const fn is_deferrable(self) -> bool {
        !matches!(self, Self::NotDeferrable)
    }
}

/// A foreign key.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ForeignKeyDef {
    /// Its oid here; given by the store.
    #[serde(default)]
    pub id: RelationId,
    /// Its name.
    pub name: String,
    /// Slots here.
    pub slots: Vec<usize>,
    /// The table referred to. In a table that is being made, 0 stands for itself.
    pub parent: RelationId,
    /// Slots there: its primary key or the columns of a unique index.
    pub parent_slots: Vec<usize>,
    /// MATCH FULL: the columns are all NULL or none of them.
    #[serde(default)]
    pub match_full: bool,
    /// What becomes of rows that refer to a row that is deleted.
    #[serde(default)]
    pub on_delete: ReferentialAction,
    /// Of the slots here those that SET NULL and SET DEFAULT set on delete; all if empty.
    #[serde(default)]
    pub on_delete_slots: Vec<usize>,
    /// What becomes of rows that refer to a row whose key changes.
    #[serde(default)]
    pub on_update: ReferentialAction,
    /// When it is judged.
    #[serde(default)]
    pub deferral: Deferral,
    /// Whether rows that were there before it satisfy it too: false after NOT VALID.
    #[serde(default = "yes")]
    pub validated: bool,
}

/// What becomes of rows whose parent goes or gets another key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReferentialAction {
    /// There may be none when the constraint is judged.
    #[default]
    NoAction,
    /// There may be none at the end of the statement.
    Restrict,
    /// They go too, or get the new key.
    Cascade,
    /// Their columns become NULL.
    SetNull,
    /// Their columns get their defaults.
    SetDefault,
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
    pub indexes: Vec<IndexDef>,
    /// CHECK constraints.
    pub checks: Vec<CheckDef>,
    /// Foreign keys.
    pub foreign_keys: Vec<ForeignKeyDef>,
    /// Which way rows travel. `Both` needs a primary key and gives the table a [`SyncTableId`].
    pub sync: SyncMode,
    /// Set for a temporary table.
    pub temporary: Option<OnCommit>,
    /// Storage parameters.
    pub options: Vec<String>,
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
    /// GENERATED ALWAYS AS (…) STORED.
    pub generated: Option<RowExpression>,
    /// GENERATED … AS IDENTITY.
    pub identity: Option<Identity>,
}

impl NewColumn {
    /// A column that may be NULL and has no default.
    pub fn new(name: impl Into<String>, column_type: ColumnType) -> Self {
        Self {
            name: name.into(),
            column_type,
            crdt: None,
            not_null: false,
            default: None,
            generated: None,
            identity: None,
        }
    }

    /// The column under the id it is given.
    pub fn with_id(self, id: ColumnId) -> ColumnDef {
        let Self { name, column_type, crdt, not_null, default, generated, identity } = self;
        ColumnDef { crdt, not_null, default, generated, identity, ..ColumnDef::new(id, name, column_type) }
    }
}
