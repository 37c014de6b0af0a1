//! psql's describing commands against PostgreSQL 15 and this server over the same schema: each `tests/psql/*.psql` must
//! print the same, but for what [`normalize`] names.

use std::path::{Path, PathBuf};
use std::process::Command;

use heliosdb_tests::fleet::Node;
use heliosdb_tests::postgres::{NAME, Postgres};

/// Commands that need what is not built yet: reported, no failure. To be empty in the end.
const PENDING: &[&str] = &[
    "d",
    "dT_plus",
    "d_customer",
    "d_customer_plus",
    "d_index",
    "d_index_plus",
    "d_line",
    "d_pattern",
    "d_plus",
    "d_sale",
    "d_sale_plus",
    "d_view",
    "d_view_plus",
    "dd",
    "df",
    "df_pattern",
    "df_plus",
    "dg",
    "di",
    "di_plus",
    "dn",
    "dn_plus",
    "dp",
    "ds_plus",
    "dt",
    "dt_plus",
    "du",
    "du_plus",
    "dv",
    "dv_plus",
    "l",
    "l_plus",
    "sf",
    "sv",
];
/// The schema uses what is not built yet. To be false in the end.
const SCHEMA_PENDING: bool = true;

fn psql(port: u16, file: &Path) -> String {
    let mut command = Command::new("psql");
    command
        .args(["-X", "-A", "-q", "-h", "127.0.0.1", "-p", &port.to_string(), "-U", NAME, "-d", NAME, "-f"])
        .arg(file);
    let output = command.output().expect("psql runs");
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Takes out what may differ: databases that PostgreSQL's initdb makes and schemas that ours has for itself, sizes on disk,
/// and whether a table's file is of PostgreSQL's or of our making.
fn normalize(name: &str, text: &str) -> String {
    let ours_alone = |line: &str| name.starts_with("dn") && line.starts_with("sync|");
    let theirs_alone = |line: &str| {
        name.starts_with('l')
            && ["template0|", "template1|", "postgres|", "=c/"].iter().any(|start| line.starts_with(start))
    };
    let lines = text.lines().filter(|line| !ours_alone(line) && !theirs_alone(line));
    let lines = lines.filter(|line| !(line.starts_with('(') && line.ends_with(" rows)")));
    lines.map(|line| without_size(line) + "\n").collect()
}

fn without_size(line: &str) -> String {
    let is_size = |field: &&str| {
        let (number, unit) = field.split_once(' ').unwrap_or_default();
        number.parse::<u64>().is_ok() && matches!(unit, "bytes" | "kB" | "MB")
    };
    let fields = line.split('|').map(|field| if is_size(&field) { "SIZE" } else { field });
    fields.collect::<Vec<_>>().join("|")
}

#[test]
fn psql_describes_a_schema_as_it_describes_postgresql() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("psql");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut node = Node::new(&["--mode", "edge", "--node-id", "psql"]);
    node.keep_log();
    runtime.block_on(node.start());
    let postgres = Postgres::start();
    postgres.renew_database();
    let ports = [postgres.address().port(), node.pg().port()];
    for port in ports {
        let said = psql(port, &folder.join("schema.sql"));
        assert!(SCHEMA_PENDING || said.is_empty(), "the schema cannot be made: {said}");
        print!("{said}");
    }
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "psql"));
    files.sort();
    assert!(files.len() >= 15, "the commands were found");
    let mut failures = 0;
    for file in &files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let [expected, actual] = ports.map(|port| normalize(&name, &psql(port, file)));
        if expected != actual {
            let pending = PENDING.contains(&name.as_str());
            failures += usize::from(!pending);
            println!("== psql/{name}.psql\n-- PostgreSQL\n{expected}-- HeliosDB\n{actual}");
        }
    }
    let log = node.log();
    assert!(!log.contains("panicked"), "the server panicked:\n{log}");
    assert_eq!(failures, 0, "psql prints something else than with PostgreSQL");
}
