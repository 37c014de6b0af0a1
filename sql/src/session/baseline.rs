//! Which values of counters a transaction has shown to its client.
//!
//! `SELECT on_hand` → 10, then `UPDATE … SET on_hand = 7`: the client means "three less than what I saw", and that is what
//! merges with what others do meanwhile. So a transaction remembers, per row and counter, the value that it last returned
//! (in a SELECT's output or RETURNING) or wrote; an assignment that does not read the column itself is a difference to
//! that value.
//!
//! What is not remembered: values that went through an aggregate, DISTINCT, UNION or a subquery in FROM; values of tables
//! without a primary key; and whatever comes after [`MAX_REMEMBERED_COUNTERS`] others. The baseline is the locked row then,
//! so that the assignment sets the value as it is at that moment.

use std::collections::HashMap;
use std::sync::Arc;

use heliosdb_storage::catalog::TableDef;
use heliosdb_storage::value::Value;
use heliosdb_storage::{RelationId, RowKey};

/// How many values a transaction remembers.
pub const MAX_REMEMBERED_COUNTERS: usize = 10_000;

/// What a transaction remembers. A copy, as a savepoint keeps one, costs nothing until one of the two changes.
#[derive(Clone, Debug, Default)]
pub struct Baselines {
    values: Arc<HashMap<(RelationId, RowKey, usize), Value>>,
}

impl Baselines {
    /// The value that was last returned or written.
    pub fn get(&self, table: &TableDef, key: &RowKey, slot: usize) -> Option<Value> {
        if self.values.is_empty() {
            return None;
        }
        self.values.get(&(table.id, key.clone(), slot)).cloned()
    }

    /// The client has been shown a value.
    pub fn returned(&mut self, table: &TableDef, key: &RowKey, slot: usize, value: Value) {
        if !table.columns.get(slot).is_some_and(|column| column.is_counter()) {
            return;
        }
        let place = (table.id, key.clone(), slot);
        if self.values.len() < MAX_REMEMBERED_COUNTERS || self.values.contains_key(&place) {
            Arc::make_mut(&mut self.values).insert(place, value);
        }
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The client has written a value: the next one it writes is a difference to this, whatever the row has become by
    /// merging. Values of rows that nobody has seen need not be remembered: the row is locked from here on, so that the
    /// locked version is what was written.
    pub fn wrote(&mut self, table: &TableDef, key: &RowKey, slot: usize, value: &Value) {
        if self.values.is_empty() {
            return;
        }
        let place = (table.id, key.clone(), slot);
        if self.values.contains_key(&place) {
            Arc::make_mut(&mut self.values).insert(place, value.clone());
        }
    }

    /// The client has inserted a row, perhaps under the key of one that it had seen.
    pub fn inserted(&mut self, table: &TableDef, key: &RowKey, row: &[Value]) {
        for (slot, value) in row.iter().enumerate() {
            self.wrote(table, key, slot, value);
        }
    }
}
