//! The engine as a library, over a store in memory.

use std::sync::Arc;
use std::time::Duration;

use heliosdb_sql::checks::CheckEvaluator;
use heliosdb_sql::session::{Engine, Session};
use heliosdb_sql::sync_control::NoSync;
use heliosdb_sql::{SqlError, types};
use heliosdb_storage::base::MemoryDisk;
use heliosdb_storage::store::Backend;
use heliosdb_storage::value::Value;
use heliosdb_storage::{Store, StoreOptions};

/// How many rows of one statement are taken.
const MOST_ROWS: usize = 10_000;

/// An engine of a standalone node.
pub(crate) fn engine() -> Arc<Engine> {
    let options = StoreOptions {
        backend: Backend::Memory(MemoryDisk::default()),
        cache_bytes: 8 * 1024 * 1024,
        queue_capacity: 1_000,
        deadlock_timeout: Duration::from_millis(50),
        apply_lock_wait: Duration::from_millis(200),
        wall_clock: Arc::new(|| 1_760_000_000_000),
        row_checker: Arc::new(CheckEvaluator::new()),
    };
    Engine::new(Store::open(options).unwrap(), Arc::new(NoSync))
}

/// Runs a text as the simple protocol does; the rows of its last statement as text.
pub(crate) fn run(session: &mut Session, sql: &str) -> Result<Vec<Vec<Option<String>>>, SqlError> {
    let mut printed = Vec::new();
    for statement in session.split(sql)? {
        printed.clear();
        let prepared = session.prepare(&statement, &[])?;
        let mut portal = session.execute(&prepared, Vec::new())?;
        let mut rows = Vec::new();
        while rows.len() < MOST_ROWS && portal.next_rows(session, 100, &mut rows)? {}
        for row in &rows {
            let values = row.iter().zip(prepared.columns()).map(|(value, column)| match value {
                Value::Null => None,
                value => Some(types::to_text(value, column.data_type, session.time_context())),
            });
            printed.push(values.collect());
        }
    }
    session.end_implicit()?;
    Ok(printed)
}
