//! sqllogictest files, run in process and over the wire.
//!
//! The form is SQLite's: records separated by blank lines, `statement ok`, `statement error [SQLSTATE]`, `statement count N`,
//! and `query TYPES [nosort|rowsort|valuesort]` with the expected values behind `----`, a row a line or a value a line.
//! Types are `I`, `R` and `T`; NULL prints as `NULL`, an empty text as `(empty)`. `onlyif`/`skipif` take `inprocess` or
//! `wire`.

use std::path::{Path, PathBuf};

use heliosdb_tests::fleet::Node;
use heliosdb_tests::postgres::NAME;
use heliosdb_tests::wire::{Connection, Message};

use crate::engine;

/// What a statement gives: rows with their values as text and the number of rows changed, or SQLSTATE and message.
type Answer = Result<(Vec<Vec<Option<String>>>, Option<u64>), (String, String)>;

/// A way to the engine.
trait Database {
    const NAME: &'static str;
    fn run(&mut self, sql: &str) -> Answer;
}

struct InProcess(heliosdb_sql::session::Session);

impl Database for InProcess {
    const NAME: &'static str = "inprocess";

    fn run(&mut self, sql: &str) -> Answer {
        let rows = engine::run(&mut self.0, sql).map_err(|error| (error.state.0.to_owned(), error.message))?;
        Ok((rows, None))
    }
}

struct OverTheWire(Connection);

impl Database for OverTheWire {
    const NAME: &'static str = "wire";

    fn run(&mut self, sql: &str) -> Answer {
        let mut rows = Vec::new();
        let mut count = None;
        for message in self.0.simple(sql, None).expect("the node answers") {
            match message {
                Message::Columns(_) => rows.clear(),
                Message::Row(row) => {
                    let text = |value: Vec<u8>| String::from_utf8(value).expect("text is UTF-8");
                    rows.push(row.into_iter().map(|value| value.map(text)).collect());
                }
                Message::CommandComplete(tag) => count = tag.rsplit(' ').next().and_then(|count| count.parse().ok()),
                Message::Error(fields) => return Err((fields.code, fields.message)),
                _ => {}
            }
        }
        Ok((rows, count))
    }
}

/// One record of a file.
#[derive(Debug)]
struct Record {
    line: usize,
    sql: String,
    expected: Expected,
    only: Option<String>,
    not: Option<String>,
}

#[derive(Debug)]
enum Expected {
    Success,
    Count(u64),
    /// The SQLSTATE, if it is said.
    Failure(Option<String>),
    Rows {
        columns: usize,
        sort: String,
        values: Vec<String>,
    },
}

fn parse(name: &str, text: &str) -> Vec<Record> {
    let mut records = Vec::new();
    let mut lines = text.lines().enumerate().peekable();
    let (mut only, mut not) = (None, None);
    while let Some((at, line)) = lines.next() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line == "halt" {
            break;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let expected = match words.as_slice() {
            ["onlyif", way, ..] => {
                only = Some((*way).to_owned());
                continue;
            }
            ["skipif", way, ..] => {
                not = Some((*way).to_owned());
                continue;
            }
            ["statement", "ok"] => Expected::Success,
            ["statement", "count", count] => Expected::Count(count.parse().unwrap()),
            ["statement", "error", code @ ..] => Expected::Failure(code.first().map(|&code| code.to_owned())),
            ["query", types, rest @ ..] => Expected::Rows {
                columns: types.len(),
                sort: rest.first().unwrap_or(&"nosort").to_string(),
                values: Vec::new(),
            },
            _ => panic!("{name}:{}: {line:?} is no record", at + 1),
        };
        let mut record = Record { line: at + 1, sql: String::new(), expected, only: only.take(), not: not.take() };
        while let Some((_, line)) = lines.next_if(|(_, line)| !line.trim().is_empty() && *line != "----") {
            record.sql.push_str(line);
            record.sql.push('\n');
        }
        if let Expected::Rows { values, .. } = &mut record.expected {
            lines.next_if(|(_, line)| *line == "----");
            while let Some((_, line)) = lines.next_if(|(_, line)| !line.is_empty()) {
                values.push(line.to_owned());
            }
        }
        records.push(record);
    }
    records
}

fn check<D: Database>(record: &Record, database: &mut D) -> Result<(), String> {
    let answer = database.run(&record.sql);
    match (&record.expected, answer) {
        (Expected::Success, Ok(_)) | (Expected::Failure(None), Err(_)) => Ok(()),
        (Expected::Count(expected), Ok((_, count))) if count.is_none_or(|count| count == *expected) => Ok(()),
        (Expected::Failure(Some(code)), Err((actual, _))) if *code == actual => Ok(()),
        (Expected::Rows { columns, sort, values }, Ok((rows, _))) => compare(*columns, sort, values, rows),
        (expected, Ok((rows, count))) => {
            Err(format!("expected {expected:?}, got {} rows, count {count:?}", rows.len()))
        }
        (expected, Err((code, message))) => Err(format!("expected {expected:?}, got {code}: {message}")),
    }
}

fn compare(columns: usize, sort: &str, expected: &[String], rows: Vec<Vec<Option<String>>>) -> Result<(), String> {
    if rows.iter().any(|row| row.len() != columns) {
        return Err(format!("not {columns} columns"));
    }
    let print = |value: Option<String>| match value {
        None => "NULL".to_owned(),
        Some(text) if text.is_empty() => "(empty)".to_owned(),
        Some(text) => text,
    };
    let mut rows: Vec<Vec<String>> = rows.into_iter().map(|row| row.into_iter().map(print).collect()).collect();
    // A row a line, or a value a line.
    let by_row: Vec<String> = rows.iter().map(|row| row.join(" ")).collect();
    let is_by_row = expected.len() == by_row.len();
    let mut expected = expected.to_vec();
    let actual: Vec<String> = match sort {
        "rowsort" => {
            rows.sort();
            let mut actual: Vec<String> = if is_by_row { by_row } else { rows.concat() };
            if is_by_row {
                actual.sort();
                expected.sort();
            }
            actual
        }
        "valuesort" => {
            let mut values = rows.concat();
            values.sort();
            values
        }
        _ if is_by_row => by_row,
        _ => rows.concat(),
    };
    if actual == expected {
        Ok(())
    } else {
        Err(format!("expected\n{}\ngot\n{}", expected.join("\n"), actual.join("\n")))
    }
}

fn run_all<D: Database>(mut open: impl FnMut() -> D) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sqllogictest");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut failures = Vec::new();
    let mut count = 0;
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "slt")) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let mut database = open();
        for record in parse(&name, &std::fs::read_to_string(file).unwrap()) {
            let runs =
                record.only.as_deref().is_none_or(|only| only == D::NAME) && record.not.as_deref() != Some(D::NAME);
            if !runs {
                continue;
            }
            count += 1;
            if let Err(difference) = check(&record, &mut database) {
                failures.push(format!("{name}:{} [{}] {}{difference}", record.line, D::NAME, record.sql));
            }
        }
    }
    assert!(count > 100, "the files were found");
    assert!(failures.is_empty(), "{} of {count} records fail:\n{}", failures.len(), failures.join("\n\n"));
}

#[test]
fn in_process() {
    run_all(|| InProcess(engine::engine().session("helios", "helios")));
}

#[test]
fn over_the_wire() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut nodes = Vec::new();
    run_all(|| {
        let mut node = Node::new(&["--mode", "edge", "--node-id", "sqllogictest"]);
        node.keep_log();
        runtime.block_on(node.start());
        let connection = Connection::open(node.pg(), NAME, NAME).expect("the node lets a client in");
        // It runs until all files are done.
        nodes.push(node);
        OverTheWire(connection)
    });
}
