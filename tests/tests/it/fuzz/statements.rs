//! Mutated statements through the parser, and through the whole engine in process.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use heliosdb_sql::session::{Engine, Session};

use crate::engine;

use super::mutate::Mutator;
use super::{pool, seed, time};

/// How long a statement may run before it is cancelled.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long it may go on after that.
const HANG: Duration = Duration::from_secs(20);
/// How many statements one engine serves: its tables grow.
const STATEMENTS: usize = 2_000;
/// How many panics are reported before the run ends.
const MOST_FAILURES: usize = 10;
/// Rows that mutated statements can meet.
const SCHEMA: &str = "CREATE TABLE t (id int PRIMARY KEY, a int, b text, v text, n numeric(8,2), at timestamptz);
    INSERT INTO t VALUES (1, 1, 'x', 'y', 1.5, '2024-01-01'), (2, NULL, '', NULL, 0, NULL);
    CREATE TABLE a (id int PRIMARY KEY, x int, t text); INSERT INTO a VALUES (1, 10, 'one'), (2, 20, NULL);
    CREATE TABLE b (id int PRIMARY KEY, a_id int REFERENCES a, y int); INSERT INTO b VALUES (1, 1, 100);";

/// Keeps the statement that runs where it survives the process.
struct BlackBox(std::path::PathBuf);

impl BlackBox {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("heliosdb-fuzz-{name}-{}.sql", std::process::id()));
        println!("HELIOS_FUZZ_SEED={}; the statement that runs is in {}", seed(), path.display());
        Self(path)
    }

    fn keep(&self, statement: &str) {
        std::fs::write(&self.0, statement).unwrap();
    }
}

impl Drop for BlackBox {
    fn drop(&mut self) {
        // It has served; if it cannot be removed it does no harm.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn conclude(done: usize, failures: &[String]) {
    println!("{done} statements");
    assert!(failures.is_empty(), "{} statements panic:\n{}", failures.len(), failures.join("\n\n"));
}

#[test]
fn the_parser_survives() {
    let mut mutator = Mutator::new(seed(), &pool());
    let black_box = BlackBox::new("parser");
    let start = Instant::now();
    let mut failures = Vec::new();
    let mut done = 0;
    while start.elapsed() < time() && failures.len() < MOST_FAILURES {
        let statement = mutator.statement();
        black_box.keep(&statement);
        // Its answer does not matter; that there is one does.
        let survived = catch_unwind(|| heliosdb_sql::parse::parse(&statement).is_ok());
        if survived.is_err() {
            failures.push(statement);
        }
        done += 1;
    }
    conclude(done, &failures);
}

/// The engine, and the backend's number in it.
type Running = (Arc<Engine>, i32);

/// Cancels what runs too long, and ends the process if that does not help.
struct Watchdog {
    /// When the statement began, in milliseconds since the start; 0 while none runs.
    began: Arc<AtomicU64>,
    /// Whose statement it is.
    session: Arc<Mutex<Option<Running>>>,
    start: Instant,
}

impl Watchdog {
    fn new() -> Self {
        let watchdog = Self { began: Arc::default(), session: Arc::default(), start: Instant::now() };
        let (began, session, start) = (Arc::clone(&watchdog.began), Arc::clone(&watchdog.session), watchdog.start);
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(PATIENCE / 5);
                let since = began.load(Ordering::SeqCst);
                let running = start.elapsed().saturating_sub(Duration::from_millis(since));
                if since > 0
                    && running > PATIENCE
                    && let Some((engine, pid)) = session.lock().unwrap().as_ref()
                    && let Some(backend) = engine.backends().get(*pid)
                {
                    engine.backends().cancel(&backend);
                }
                if since > 0 && running > HANG {
                    eprintln!("a statement cannot be cancelled; see the file named above");
                    std::process::abort();
                }
            }
        });
        watchdog
    }

    fn watch(&self, engine: &Arc<Engine>, session: &Session) {
        *self.session.lock().unwrap() = Some((Arc::clone(engine), session.backend_pid()));
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap();
        self.began.store(now.max(1), Ordering::SeqCst);
    }

    fn rest(&self) {
        self.began.store(0, Ordering::SeqCst);
    }
}

#[test]
fn the_engine_survives() {
    let mut mutator = Mutator::new(seed(), &pool());
    let black_box = BlackBox::new("engine");
    let watchdog = Watchdog::new();
    let start = Instant::now();
    let mut failures = Vec::new();
    let mut done = 0;
    'engines: loop {
        let engine = engine::engine();
        let mut session = engine.session("helios", "helios");
        engine::run(&mut session, SCHEMA).unwrap();
        for _ in 0..STATEMENTS {
            if start.elapsed() > time() || failures.len() >= MOST_FAILURES {
                break 'engines;
            }
            let statement = mutator.statement();
            black_box.keep(&statement);
            session.start_clock();
            watchdog.watch(&engine, &session);
            let survived = catch_unwind(AssertUnwindSafe(|| engine::run(&mut session, &statement).is_ok()));
            watchdog.rest();
            session.stop_clock();
            done += 1;
            if survived.is_err() {
                failures.push(statement);
                break;
            }
        }
    }
    conclude(done, &failures);
}
