//! The same statements through PostgreSQL 15 and through this server.
//!
//! ```text
//!  tests/differential/TOPIC/*.sql ─ script ─► statements ─┬─► PostgreSQL 15 ─┐
//!                                                         └─► heliosdb-edge ─┴─► outcome ─ compare ─► report
//! ```
//!
//! Each file runs three times, each time in an empty database on both sides: by simple queries, by extended queries with
//! results as text, and by extended queries with binary results. Compared are columns with their types and modifiers, rows,
//! tags, errors and notices with all their fields, reported settings, and the state of the transaction.
//!
//! A difference is a failure, unless the statement says `-- differs: KEY` (or `-- differs in PARTS: KEY`); then the key must
//! be in `docs/compatibility.md`, and the statement must really differ. `HELIOS_DIFF_REPORT=1` prints all differences,
//! `HELIOS_DIFF_ONLY=part/of/path` runs the files whose path contains that. `HELIOS_DIFF_SELF=1` compares PostgreSQL with
//! another PostgreSQL: what differs then is no fit question.

mod compare;
mod outcome;
mod report;
mod script;

use std::path::{Path, PathBuf};

use heliosdb_tests::fleet::Node;
use heliosdb_tests::postgres::{NAME, Postgres};
use heliosdb_tests::wire::{Connection, Format};

use compare::Part;
use outcome::Outcome;
use report::{Finding, Report};
use script::{Script, Statement};

/// How many statements of a file may differ because what they use is not built yet: `pending.txt` says it a line a file. A
/// file that is not there may not differ at all. To be empty in the end.
fn pending(script: &str) -> usize {
    let listed = include_str!("pending.txt").lines();
    let counts = listed.filter_map(|line| line.split_once(' '));
    counts.filter(|(name, _)| *name == script).map(|(_, count)| count.trim().parse::<usize>().unwrap()).sum()
}

/// How statements travel.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Pass {
    Simple,
    Extended,
    Binary,
}

impl Pass {
    const ALL: [Self; 3] = [Self::Simple, Self::Extended, Self::Binary];

    const fn name(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Extended => "extended",
            Self::Binary => "binary",
        }
    }
}

/// Both servers.
struct Sides {
    postgres: Postgres,
    /// What stands in for ours where the scripts themselves are tested.
    stand_in: Option<Postgres>,
    runtime: tokio::runtime::Runtime,
}

impl Sides {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let stand_in = std::env::var_os("HELIOS_DIFF_SELF").map(|_| Postgres::start());
        Self { postgres: Postgres::start(), stand_in, runtime }
    }

    /// A node with an empty database.
    fn node(&self) -> Node {
        self.runtime.block_on(async {
            let mut node = Node::new(&["--mode", "edge", "--node-id", "differential"]);
            node.keep_log();
            node.start().await;
            node
        })
    }
}

/// One side's connection, opened again if a statement has ended it.
struct Client<'a> {
    connection: Option<Connection>,
    open: &'a dyn Fn() -> Connection,
}

impl Client<'_> {
    /// The outcomes of a statement: one, or one for each list of parameters.
    fn run(&mut self, statement: &Statement, pass: Pass) -> Vec<Outcome> {
        let connection = self.connection.get_or_insert_with(self.open);
        let outcomes = outcome::run(connection, statement, pass);
        if outcomes.iter().any(|outcome| outcome.lost.is_some()) {
            self.connection = None;
        }
        outcomes
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn scripts(topic: &str) -> Vec<Script> {
    let folder = root().join("differential").join(topic);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "sql"));
    paths.sort();
    assert!(!paths.is_empty(), "no script in {}", folder.display());
    let only = std::env::var("HELIOS_DIFF_ONLY").unwrap_or_default();
    let scripts = paths.iter().map(|path| {
        let name = format!("{topic}/{}", path.file_name().unwrap().to_string_lossy());
        (name, std::fs::read_to_string(path).unwrap())
    });
    scripts.filter(|(name, _)| name.contains(&only)).map(|(name, text)| Script::parse(name, &text)).collect()
}

/// Runs one script in one pass on both sides.
fn run_pass(sides: &Sides, script: &Script, pass: Pass, findings: &mut Vec<Finding>) {
    sides.postgres.renew_database();
    let node = sides.stand_in.is_none().then(|| sides.node());
    let address = node.as_ref().map_or_else(|| sides.stand_in.as_ref().unwrap().address(), Node::pg);
    sides.stand_in.iter().for_each(Postgres::renew_database);
    let open_postgres = || sides.postgres.client();
    let open_ours = || Connection::open(address, NAME, NAME).expect("the node lets a client in");
    let mut postgres = Client { connection: None, open: &open_postgres };
    let mut ours = Client { connection: None, open: &open_ours };
    for (at, statement) in script.statements.iter().enumerate().filter(|(_, statement)| statement.runs_in(pass)) {
        let expected = postgres.run(statement, pass);
        let actual = ours.run(statement, pass);
        let parts: Vec<Part> = compare::differences(statement, &expected, &actual);
        findings.push(Finding { statement: at, pass, parts, expected, actual });
    }
    let log = node.as_ref().map(Node::log).unwrap_or_default();
    assert!(!log.contains("panicked"), "{}: the server panicked:\n{log}", script.name);
}

fn run_topic(topic: &str) {
    let scripts = scripts(topic);
    if scripts.is_empty() {
        return;
    }
    let sides = Sides::start();
    let mut report = Report::default();
    for script in &scripts {
        let mut findings = Vec::new();
        for pass in Pass::ALL {
            run_pass(&sides, script, pass, &mut findings);
        }
        report.add(script, findings, pending(&script.name));
    }
    report.conclude();
}

macro_rules! topics {
    ($($topic:ident),* $(,)?) => {
        const TOPICS: &[&str] = &[$(stringify!($topic)),*];

        $(#[test]
        fn $topic() {
            run_topic(stringify!($topic));
        })*
    };
}

topics!(types, functions, queries, dml, ddl, session, catalog, shop);

#[test]
fn every_script_is_run() {
    for entry in std::fs::read_dir(root().join("differential")).unwrap() {
        let folder = entry.unwrap().file_name().into_string().unwrap();
        assert!(TOPICS.contains(&folder.as_str()), "nothing runs the scripts of tests/differential/{folder}");
    }
}

#[test]
fn every_accepted_difference_has_its_reason_in_the_documentation() {
    let page = std::fs::read_to_string(root().join("../docs/compatibility.md")).unwrap();
    for script in TOPICS.iter().flat_map(|topic| scripts(topic)) {
        for statement in &script.statements {
            if let Some(accepted) = &statement.differs {
                let key = &accepted.key;
                let at = format!("{}:{}", script.name, statement.line);
                assert!(page.contains(&format!("`{key}`")), "{at}: docs/compatibility.md has no difference `{key}`");
            }
        }
    }
}
