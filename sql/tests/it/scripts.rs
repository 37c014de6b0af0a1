//! Golden scripts: each `scripts/NAME.sql` is run statement by statement in one session, and what it prints must be
//! `scripts/NAME.out`. Set `UPDATE_SCRIPTS=1` to write the outputs anew, then review the difference.
//!
//! The form is that of `psql -a -A -P null=NULL` with `\set VERBOSITY verbose`, so that a script can be run against
//! PostgreSQL 15 and the two outputs compared.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::harness;

fn script(name: &str) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/scripts");
    let text = std::fs::read_to_string(folder.join(format!("{name}.sql"))).unwrap();
    let engine = harness::engine();
    let mut session = harness::session(&engine);
    let mut out = String::new();
    let mut statement = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        writeln!(out, "{line}").unwrap();
        if line.starts_with("--") || (statement.is_empty() && line.trim().is_empty()) {
            continue;
        }
        statement.push_str(line);
        statement.push('\n');
        if line.trim_end().ends_with(';') {
            // As in psql, the data of a COPY follow it.
            let mut data =
                || lines.by_ref().take_while(|line| *line != "\\.").map(|line| format!("{line}\n")).collect();
            harness::print(&mut session, statement.trim_end(), &mut data, &mut out);
            statement.clear();
        }
    }
    assert!(statement.is_empty(), "the last statement of {name}.sql has no semicolon");
    let golden = folder.join(format!("{name}.out"));
    if std::env::var_os("UPDATE_SCRIPTS").is_some() {
        std::fs::write(&golden, &out).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&golden).unwrap_or_default();
    if out != expected {
        let differing = out.lines().zip(expected.lines()).enumerate().find(|(_, (a, b))| a != b);
        panic!("{name}.sql prints something else than {name}.out; first difference: {differing:#?}\n\n{out}");
    }
}

macro_rules! scripts {
    ($($name:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            script(stringify!($name));
        })*
    };
}

scripts!(
    datetime,
    formatting,
    aggregates,
    alter_table,
    arrays_and_rows,
    arrays,
    comments,
    collect,
    constraints,
    copy,
    create_table,
    create_table_as,
    cursors,
    drop_and_index,
    enums,
    explain,
    expressions,
    foreign_keys,
    group_by,
    indexes,
    insert,
    joins,
    json,
    lateral,
    modify_joined,
    null_logic,
    numbers,
    on_conflict,
    order_and_limit,
    postgres,
    prepare,
    refused,
    schemas,
    sequences,
    select,
    set_operations,
    set_returning,
    settings,
    styles,
    subqueries,
    transactions,
    union,
    update_delete,
    views,
    window,
    with,
    with_changes,
);
