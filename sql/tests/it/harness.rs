//! An engine over a store in memory, and sessions that print what psql would print.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use heliosdb_sql::checks::CheckEvaluator;
use heliosdb_sql::session::{Engine, Session};
use heliosdb_sql::sync_control::NoSync;
use heliosdb_sql::{Result, SqlError, types};
use heliosdb_storage::base::MemoryDisk;
use heliosdb_storage::store::Backend;
use heliosdb_storage::sync_row::{Identity, Role};
use heliosdb_storage::value::{DataType, Value};
use heliosdb_storage::{Row, Store, StoreOptions, WriteOrigin};

/// A store in memory.
pub fn store() -> Arc<Store> {
    let options = StoreOptions {
        backend: Backend::Memory(MemoryDisk::default()),
        cache_bytes: 8 * 1024 * 1024,
        queue_capacity: 1_000,
        deadlock_timeout: Duration::from_millis(50),
        apply_lock_wait: Duration::from_millis(200),
        wall_clock: Arc::new(|| 1_760_000_000_000),
        row_checker: Arc::new(CheckEvaluator::new()),
    };
    Store::open(options).unwrap()
}

/// An engine of a standalone node.
pub fn engine() -> Arc<Engine> {
    Engine::new(store(), Arc::new(NoSync))
}

/// An engine of a node with a role.
pub fn engine_as(role: Role) -> (Arc<Engine>, Arc<Store>) {
    let store = store();
    let mut txn = store.begin(WriteOrigin::Local);
    txn.set_identity(Identity { role, site: 1, ..Identity::default() }).unwrap();
    txn.commit().unwrap();
    (Engine::new(Arc::clone(&store), Arc::new(NoSync)), store)
}

/// A session of the superuser.
pub fn session(engine: &Arc<Engine>) -> Session {
    engine.session("helios", "helios")
}

/// Runs a text as the simple protocol does; the rows of its last statement.
pub fn run(session: &mut Session, sql: &str) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for statement in session.split(sql)? {
        rows.clear();
        let prepared = session.prepare(&statement, &[])?;
        let mut portal = session.execute(&prepared, Vec::new())?;
        while portal.next_rows(session, 100, &mut rows)? {}
    }
    session.end_implicit()?;
    Ok(rows)
}

/// Runs one statement with parameters, as the extended protocol does.
pub fn query(session: &mut Session, sql: &str, types: &[DataType], params: Vec<Value>) -> Result<Vec<Row>> {
    let statements = session.split(sql)?;
    let prepared = session.prepare(statements.first().expect("a statement"), types)?;
    let mut portal = session.execute(&prepared, params)?;
    let mut rows = Vec::new();
    while portal.next_rows(session, 100, &mut rows)? {}
    session.end_implicit()?;
    Ok(rows)
}

/// The SQLSTATE and message of what must fail.
pub fn failure(session: &mut Session, sql: &str) -> (&'static str, String) {
    let error = run(session, sql).expect_err(sql);
    (error.state.0, error.message)
}

/// Runs a text and prints it as `psql -A -P null=NULL` with verbose errors does.
pub fn print(session: &mut Session, sql: &str, out: &mut String) {
    let result = print_results(session, sql, out);
    if result.is_err() {
        print_notices(session, out);
    }
    if let Err(error) = result {
        print_error("ERROR", &error, out);
    }
}

fn print_results(session: &mut Session, sql: &str, out: &mut String) -> Result<()> {
    let statements = session.split(sql)?;
    let last = statements.len();
    for (at, statement) in statements.iter().enumerate() {
        let prepared = session.prepare(statement, &[])?;
        let mut portal = session.execute(&prepared, Vec::new())?;
        let mut rows = Vec::new();
        while portal.next_rows(session, 100, &mut rows)? {}
        if at + 1 == last {
            session.end_implicit()?;
        }
        print_notices(session, out);
        let columns = prepared.columns();
        let has_rows = !columns.is_empty() || portal.tag().starts_with("SELECT");
        if has_rows {
            let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            writeln!(out, "{}", names.join("|")).unwrap();
            for row in &rows {
                let values: Vec<String> = (row.iter().zip(columns))
                    .map(|(value, column)| match value {
                        Value::Null => "NULL".to_owned(),
                        value => types::to_text(value, column.data_type, session.time_context()),
                    })
                    .collect();
                assert_eq!(row.len(), columns.len(), "{sql}");
                writeln!(out, "{}", values.join("|")).unwrap();
            }
            let plural = if rows.len() == 1 { "" } else { "s" };
            writeln!(out, "({} row{plural})", rows.len()).unwrap();
        }
        if !has_rows
            || !portal.tag().starts_with("SELECT") && !portal.tag().starts_with("EXPLAIN") && portal.tag() != "SHOW"
        {
            writeln!(out, "{}", portal.tag()).unwrap();
        }
    }
    Ok(())
}

fn print_notices(session: &mut Session, out: &mut String) {
    for notice in session.take_notices() {
        print_error(notice.severity, &notice.error, out);
    }
}

fn print_error(severity: &str, error: &SqlError, out: &mut String) {
    writeln!(out, "{severity}:  {}: {}", error.state.0, error.message).unwrap();
    if let Some(detail) = &error.fields.detail {
        writeln!(out, "DETAIL:  {detail}").unwrap();
    }
    if let Some(hint) = &error.fields.hint {
        writeln!(out, "HINT:  {hint}").unwrap();
    }
}
