//! How large tables are and what is in them: for the planner's estimates.

use heliosdb_storage::catalog::TableDef;
use heliosdb_storage::{Snapshot, Transaction};

use crate::plan::context::{StatisticsSource, TableEstimate};

/// A table that nobody has looked through may be about to grow: it is taken to have this many rows at least, about what
/// PostgreSQL assumes of a new table.
const LEAST_ROWS: f64 = 1_000.0;

/// What the store knows of its tables.
pub struct StoreStatistics<'a> {
    snapshot: Snapshot,
    txn: Option<&'a Transaction>,
}

impl<'a> StoreStatistics<'a> {
    /// As a transaction sees it.
    pub fn of_transaction(txn: &'a Transaction) -> Self {
        Self { snapshot: txn.snapshot(), txn: Some(txn) }
    }

    /// As it is committed.
    pub const fn of_store(snapshot: Snapshot) -> Self {
        Self { snapshot, txn: None }
    }
}

impl StatisticsSource for StoreStatistics<'_> {
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn table(&self, table: &TableDef) -> TableEstimate {
        // A table that cannot be read now will say so when it is.
        let stored = self.snapshot.row_count(table).unwrap_or(0);
        let own = self.txn.map_or(0, |txn| txn.rows_written(table));
        TableEstimate { rows: ((stored + own) as f64).max(LEAST_ROWS), statistics: None }
    }
}
