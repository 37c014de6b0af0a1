//! Random queries over random data through PostgreSQL 15 and this server: the rows must be the same.
//!
//! Everything follows from a seed. `HELIOS_GENERATOR_SEED` sets it, `HELIOS_GENERATOR_SECONDS` how long to go on; a failure
//! prints its seed, the schema and the smallest statement found that still fails. `HELIOS_GENERATOR_SELF=1` compares
//! PostgreSQL with another PostgreSQL: what differs then, or fails, is a fault of the generator. Rows are compared as multisets. A
//! `numeric` may have another number of zeros at its end: which of several equal ones stands for a group is not defined.

mod expression;
mod query;
mod schema;
mod tree;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use heliosdb_tests::fleet::Node as Server;
use heliosdb_tests::postgres::{NAME, Postgres};
use heliosdb_tests::rng::Rng;
use heliosdb_tests::wire::{Connection, Message};

use query::Generator;
use schema::Schema;
use tree::Node;

/// How long to go on, unless the environment says otherwise.
const SECONDS: u64 = 60;
/// How many statements a schema serves.
const STATEMENTS: usize = 150;
/// How many smaller statements are tried for a failing one.
const SHRINK_TRIES: usize = 400;
/// How many failures are reported before the run ends.
const MOST_FAILURES: usize = 20;
const NUMERIC: u32 = 1700;

/// What one side answered.
#[derive(Debug, PartialEq)]
enum Answer {
    Rows(Vec<Vec<Option<Vec<u8>>>>),
    /// SQLSTATE and text.
    Error(String, String),
    Lost(String),
}

/// How two answers stand to each other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Equal,
    BothFail,
    Refused,
    Differs,
}

struct Pair {
    postgres: Connection,
    ours: Connection,
}

impl Pair {
    fn compare(&mut self, sql: &str) -> (Verdict, Answer, Answer) {
        let expected = ask(&mut self.postgres, sql);
        let actual = ask(&mut self.ours, sql);
        let verdict = match (&expected, &actual) {
            (Answer::Rows(a), Answer::Rows(b)) if a == b => Verdict::Equal,
            (Answer::Error(a, _), Answer::Error(b, _)) if a.get(..2) == b.get(..2) => Verdict::BothFail,
            (_, Answer::Error(code, _)) if code == "0A000" => Verdict::Refused,
            _ => Verdict::Differs,
        };
        (verdict, expected, actual)
    }

    /// The smallest statement that still differs.
    fn shrink(&mut self, statement: Node) -> Node {
        let mut smallest = statement;
        let mut tries = 0;
        'smaller: while tries < SHRINK_TRIES {
            for candidate in smallest.smaller() {
                tries += 1;
                if tries >= SHRINK_TRIES {
                    break;
                }
                if self.compare(&candidate.to_string()).0 == Verdict::Differs {
                    smallest = candidate;
                    continue 'smaller;
                }
            }
            break;
        }
        smallest
    }
}

fn ask(connection: &mut Connection, sql: &str) -> Answer {
    let messages = match connection.simple(sql, None) {
        Ok(messages) => messages,
        Err(error) => return Answer::Lost(error.to_string()),
    };
    let mut rows = Vec::new();
    let mut numeric = Vec::new();
    for message in messages {
        match message {
            Message::Columns(columns) => {
                numeric = columns.iter().map(|column| column.type_oid == NUMERIC).collect();
            }
            Message::Row(mut row) => {
                for (value, _) in row.iter_mut().zip(&numeric).filter(|(_, numeric)| **numeric) {
                    *value = value.take().map(without_zeros);
                }
                rows.push(row);
            }
            Message::Error(fields) => return Answer::Error(fields.code, fields.message),
            _ => {}
        }
    }
    rows.sort();
    Answer::Rows(rows)
}

/// A `numeric` without the zeros behind its last digit.
fn without_zeros(mut value: Vec<u8>) -> Vec<u8> {
    if value.contains(&b'.') {
        while value.last() == Some(&b'0') {
            value.pop();
        }
        if value.last() == Some(&b'.') {
            value.pop();
        }
    }
    value
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect(variable))
}

#[derive(Default)]
struct Tally {
    equal: usize,
    both_fail: usize,
    refused: BTreeMap<String, usize>,
    /// By what we answered, where that is an error: one is enough of each.
    failures: BTreeMap<String, String>,
    repeated: usize,
}

impl Tally {
    fn fail(&mut self, actual: &Answer, description: String) {
        let key = if matches!(actual, Answer::Rows(_)) { description.clone() } else { format!("{actual:?}") };
        if self.failures.insert(key, description).is_some() {
            self.repeated += 1;
        }
    }
}

/// One schema with its statements.
fn round(seed: u64, postgres: &Postgres, server: SocketAddr, tally: &mut Tally) {
    let mut rng = Rng::new(seed);
    let schema = Schema::random(&mut rng);
    postgres.renew_database();
    let open = || Connection::open(server, NAME, NAME).expect("the node lets a client in");
    let mut pair = Pair { postgres: postgres.client(), ours: open() };
    for statement in &schema.script {
        let (_, expected, actual) = pair.compare(statement);
        assert!(matches!(expected, Answer::Rows(_)), "{statement}: {expected:?}");
        if !matches!(actual, Answer::Rows(_)) {
            *tally.refused.entry(format!("{}: {actual:?}", &statement[..statement.len().min(12)])).or_default() += 1;
        }
    }
    let mut generator = Generator::new(rng, &schema);
    for _ in 0..STATEMENTS {
        let statement = generator.statement();
        let (verdict, _, actual) = pair.compare(&statement.to_string());
        match verdict {
            Verdict::Equal => tally.equal += 1,
            Verdict::BothFail => tally.both_fail += 1,
            Verdict::Refused => *tally.refused.entry(format!("{actual:?}")).or_default() += 1,
            Verdict::Differs if matches!(actual, Answer::Lost(_)) => {
                tally.fail(&actual, format!("seed {seed}: {statement}\n{actual:?}"));
                pair.ours = open();
            }
            Verdict::Differs => {
                let smallest = pair.shrink(statement).to_string();
                let (_, expected, actual) = pair.compare(&smallest);
                tally.fail(&actual, describe(seed, &schema, &smallest, &expected, &actual));
            }
        }
        if tally.failures.len() >= MOST_FAILURES {
            return;
        }
    }
    for table in &schema.tables {
        pair.compare(&format!("DROP TABLE {}", table.name));
    }
}

fn describe(seed: u64, schema: &Schema, statement: &str, expected: &Answer, actual: &Answer) -> String {
    let mut text = format!("seed {seed}: {statement};\n");
    for line in &schema.script {
        // Only what the statement names.
        let used = schema.tables.iter().any(|table| line.contains(&table.name) && statement.contains(&table.name));
        if used {
            writeln!(text, "  {line};").unwrap();
        }
    }
    write!(text, "-- PostgreSQL\n{}\n-- HeliosDB\n{}\n", print(expected), print(actual)).unwrap();
    text
}

fn print(answer: &Answer) -> String {
    let Answer::Rows(rows) = answer else { return format!("{answer:?}") };
    let mut lines: Vec<String> = Vec::new();
    for row in rows.iter().take(20) {
        let values: Vec<String> = row
            .iter()
            .map(|value| value.as_deref().map_or("NULL".into(), |value| String::from_utf8_lossy(value).into_owned()))
            .collect();
        lines.push(values.join(" | "));
    }
    lines.push(format!("({} rows)", rows.len()));
    lines.join("\n")
}

#[test]
fn random_queries_give_the_rows_that_postgresql_gives() {
    let seconds = number("HELIOS_GENERATOR_SECONDS").unwrap_or(SECONDS);
    let first = number("HELIOS_GENERATOR_SEED").unwrap_or(1);
    let start = Instant::now();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut server = Server::new(&["--mode", "edge", "--node-id", "generator"]);
    server.keep_log();
    let postgres = Postgres::start();
    let stand_in = std::env::var_os("HELIOS_GENERATOR_SELF").map(|_| Postgres::start());
    let address = match &stand_in {
        Some(stand_in) => {
            stand_in.renew_database();
            stand_in.address()
        }
        None => {
            runtime.block_on(server.start());
            server.pg()
        }
    };
    let mut tally = Tally::default();
    let mut seed = first;
    while start.elapsed() < Duration::from_secs(seconds) && tally.failures.len() < MOST_FAILURES {
        round(seed, &postgres, address, &mut tally);
        seed += 1;
    }
    let rounds = seed - first;
    println!("HELIOS_GENERATOR_SEED={first}, {rounds} rounds: {} equal, {} fail on both", tally.equal, tally.both_fail);
    for (refusal, times) in &tally.refused {
        println!("{times} times {refusal}");
    }
    for failure in tally.failures.values() {
        println!("{failure}");
    }
    println!("{} more fail as one of these", tally.repeated);
    let log = server.log();
    assert!(!log.contains("panicked"), "the server panicked:\n{log}");
    assert!(tally.failures.is_empty(), "rows differ from PostgreSQL's");
    assert!(tally.refused.is_empty(), "statements are refused");
}
