//! An engine over a store in memory, and sessions that print what psql would print.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use heliosdb_sql::checks::CheckEvaluator;
use heliosdb_sql::session::{CopyDirection, Engine, Prepared, Session};
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

/// Runs a text and prints it as `psql -A -P null=NULL` with verbose errors does. `data` gives what COPY FROM STDIN reads.
pub fn print(session: &mut Session, sql: &str, data: &mut dyn FnMut() -> String, out: &mut String) {
    let result = print_results(session, sql, data, out);
    if result.is_err() {
        print_notices(session, out);
    }
    if let Err(error) = result {
        print_error("ERROR", &error, out);
    }
}

/// Sends data, once they are asked for, in small pieces; the command tag.
pub fn copy_in(session: &mut Session, prepared: &Arc<Prepared>, data: &mut dyn FnMut() -> String) -> Result<String> {
    let mut copy = session.copy_in(prepared)?;
    for piece in data().as_bytes().chunks(7) {
        copy.push(session, piece)?;
    }
    copy.finish(session)
}

/// All that a COPY TO sends, and the command tag.
pub fn copy_out(session: &mut Session, prepared: &Arc<Prepared>) -> Result<(Vec<u8>, String)> {
    let mut copy = session.copy_out(prepared)?;
    let mut sent = Vec::new();
    let mut put = |bytes: &[u8]| {
        sent.extend_from_slice(bytes);
        Ok(())
    };
    while copy.step(session, &mut put)? {}
    Ok((sent, copy.tag()))
}

/// Prints a COPY as psql does: without the tag of what it has printed.
fn print_copy(
    session: &mut Session,
    prepared: &Arc<Prepared>,
    data: &mut dyn FnMut() -> String,
    out: &mut String,
) -> Result<()> {
    if prepared.copy_direction() == Some(CopyDirection::In) {
        let tag = copy_in(session, prepared, data)?;
        session.end_implicit()?;
        print_notices(session, out);
        writeln!(out, "{tag}").unwrap();
    } else {
        let (sent, _) = copy_out(session, prepared)?;
        session.end_implicit()?;
        print_notices(session, out);
        out.push_str(&String::from_utf8_lossy(&sent));
    }
    Ok(())
}

fn print_results(session: &mut Session, sql: &str, data: &mut dyn FnMut() -> String, out: &mut String) -> Result<()> {
    let statements = session.split(sql)?;
    let last = statements.len();
    session.one_of_many(last > 1);
    for (at, statement) in statements.iter().enumerate() {
        let prepared = session.prepare(statement, &[])?;
        if prepared.copy_direction().is_some() {
            return print_copy(session, &prepared, data, out);
        }
        let mut portal = session.execute(&prepared, Vec::new())?;
        let mut rows = Vec::new();
        while portal.next_rows(session, 100, &mut rows)? {}
        if at + 1 == last {
            session.end_implicit()?;
        }
        print_notices(session, out);
        let columns = prepared.columns();
        let has_rows = !columns.is_empty() || (portal.tag().starts_with("SELECT") && !prepared.is_command());
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
            || !portal.tag().starts_with("SELECT")
                && !portal.tag().starts_with("EXPLAIN")
                && portal.tag() != "SHOW"
                && !portal.tag().starts_with("FETCH")
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
    if let Some(context) = &error.fields.context {
        writeln!(out, "CONTEXT:  {context}").unwrap();
    }
}
