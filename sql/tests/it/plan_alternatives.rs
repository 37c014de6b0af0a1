//! However a query is run, its rows are the same: random queries with methods of the planner turned off and on.

use heliosdb_sql::Session;
use heliosdb_storage::Row;
use proptest::prelude::*;
use proptest::sample::select;

use crate::harness::{engine, run, session};

/// What is turned off for a run. What is off is still used where there is no other way.
const ALTERNATIVES: &[&[&str]] = &[
    &[],
    &["enable_hashjoin"],
    &["enable_nestloop"],
    &["enable_hashjoin", "enable_nestloop"],
    &["enable_mergejoin", "enable_nestloop"],
    &["enable_hashjoin", "enable_mergejoin", "enable_indexscan"],
    &["enable_seqscan"],
    &["enable_seqscan", "enable_sort"],
    &["enable_indexscan", "enable_bitmapscan", "enable_indexonlyscan"],
    &["enable_hashagg"],
    &["enable_hashagg", "enable_sort", "enable_memoize"],
];

const TABLES: &[&str] = &["a", "b", "c", "d"];

fn columns() -> impl Strategy<Value = &'static str> {
    select(vec!["k", "x", "y", "s"])
}

/// A condition on one relation.
fn local(alias: String) -> impl Strategy<Value = String> {
    let number = prop_oneof![4 => (0_i64..5).prop_map(|n| n.to_string()), 1 => Just("NULL".to_owned())];
    let operator = select(vec!["=", "<", "<=", ">", ">=", "<>"]);
    let alias = move || alias.clone();
    let (a, b, c, d, e) = (alias(), alias(), alias(), alias(), alias());
    prop_oneof![
        4 => (select(vec!["k", "x", "y"]), operator, number).prop_map(move |(column, op, n)| format!("{a}.{column} {op} {n}")),
        1 => select(vec!["k", "x", "y", "s"]).prop_map(move |column| format!("{b}.{column} IS NULL")),
        1 => select(vec!["k", "x", "y"]).prop_map(move |column| format!("{c}.{column} IN (1, 3, NULL)")),
        1 => select(vec!["k", "x"]).prop_map(move |column| format!("({d}.{column} = 1 OR {d}.y = 2)")),
        1 => select(vec!["'a%'", "'ab'", "'_b%'"]).prop_map(move |pattern| format!("{e}.s LIKE {pattern}")),
    ]
}

/// A condition between two relations.
fn between(left: String, right: String) -> impl Strategy<Value = String> {
    let operator = select(vec!["=", "=", "=", "=", "<", "<>"]);
    (columns(), operator, columns()).prop_map(move |(a, op, b)| {
        let (a, b) = if (a == "s") == (b == "s") { (a, b) } else { ("x", "y") };
        format!("{left}.{a} {op} {right}.{b}")
    })
}

/// A subquery as a condition on a relation.
fn subquery(alias: String) -> impl Strategy<Value = String> {
    let inner = select(TABLES.to_vec());
    let kind = select(vec!["EXISTS", "NOT EXISTS", "IN", "NOT IN", "scalar", "plain IN"]);
    let condition = between("q".to_owned(), alias.clone());
    (kind, inner, condition, local("q".to_owned()), columns()).prop_map(
        move |(kind, table, condition, local, column)| match kind {
            "EXISTS" | "NOT EXISTS" => format!("{kind} (SELECT 1 FROM {table} q WHERE {condition} AND {local})"),
            "IN" | "NOT IN" => {
                format!("{alias}.{column} {kind} (SELECT q.{column} FROM {table} q WHERE {condition} AND {local})")
            }
            "plain IN" => format!("{alias}.{column} IN (SELECT q.{column} FROM {table} q WHERE {local})"),
            _ => format!("(SELECT count(*) FROM {table} q WHERE {condition}) > 0"),
        },
    )
}

/// FROM with two to four relations, and WHERE.
fn from() -> impl Strategy<Value = (usize, String)> {
    (2_usize..5).prop_flat_map(|count| {
        let tables = proptest::collection::vec(select(TABLES.to_vec()), count);
        let kinds = proptest::collection::vec(
            select(vec!["JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN"]),
            count - 1,
        );
        let alias = |at: usize| format!("t{at}");
        let on: Vec<_> = (1..count)
            .map(|at| {
                let earlier = (0..at).prop_flat_map(move |other| between(alias(other), alias(at)));
                (earlier, proptest::option::weighted(0.3, local(alias(at)))).boxed()
            })
            .collect();
        let derived = proptest::collection::vec(proptest::option::weighted(0.2, local("z".to_owned())), count);
        let filters = proptest::collection::vec((0..count).prop_flat_map(move |at| local(alias(at))), 0..3);
        let links = proptest::collection::vec(
            (0..count, 0..count).prop_flat_map(move |(a, b)| between(alias(a), alias(b))),
            0..2,
        );
        let subqueries = proptest::collection::vec((0..count).prop_flat_map(move |at| subquery(alias(at))), 0..2);
        (tables, kinds, on, derived, filters, links, subqueries).prop_map(
            move |(tables, kinds, on, derived, filters, links, subqueries)| {
                let relation = |at: usize| match &derived[at] {
                    Some(filter) => format!("(SELECT * FROM {} z WHERE {filter}) t{at}", tables[at]),
                    None => format!("{} t{at}", tables[at]),
                };
                let mut text = relation(0);
                for (at, (kind, (on, more))) in kinds.iter().zip(&on).enumerate() {
                    let more = more.as_ref().map(|more| format!(" AND {more}")).unwrap_or_default();
                    let on = if *kind == "CROSS JOIN" { String::new() } else { format!(" ON {on}{more}") };
                    text = format!("{text} {kind} {}{on}", relation(at + 1));
                }
                let all: Vec<String> = filters.into_iter().chain(links).chain(subqueries).collect();
                let filter = if all.is_empty() { String::new() } else { format!(" WHERE {}", all.join(" AND ")) };
                (count, format!("{text}{filter}"))
            },
        )
    })
}

/// A query whose rows have one order at most: they can be compared.
fn query() -> impl Strategy<Value = String> {
    let shape = select(vec!["rows", "rows", "limit", "limit", "group", "distinct", "count", "having"]);
    (from(), shape, columns(), columns()).prop_map(|((count, from), shape, a, b)| {
        let all: Vec<String> = (0..count).map(|at| format!("t{at}.k, t{at}.x, t{at}.s")).collect();
        let all = all.join(", ");
        match shape {
            "rows" => format!("SELECT {all} FROM {from}"),
            "limit" => format!("SELECT {all} FROM {from} ORDER BY t0.{a} DESC, t1.{b}, {all} LIMIT 5 OFFSET 1"),
            "group" => {
                format!("SELECT t0.{a}, count(*), max(t1.{b}) FROM {from} GROUP BY t0.{a} ORDER BY t0.{a} NULLS FIRST")
            }
            "distinct" => format!("SELECT DISTINCT t0.{a}, t1.{b} FROM {from}"),
            "having" => {
                format!("SELECT t0.{a}, t1.{b}, sum(t0.x) FROM {from} GROUP BY t1.{b}, t0.{a} HAVING t0.{a} IS NOT NULL AND count(*) > 1")
            }
            _ => format!("SELECT count(*), count(t0.{a}), min(t1.{b}), max(t0.k) FROM {from}"),
        }
    })
}

type TestRow = (Option<i64>, Option<i64>, Option<&'static str>);

fn rows() -> impl Strategy<Value = Vec<Vec<TestRow>>> {
    let text = select(vec![None, Some("a"), Some("ab"), Some("b"), Some("bb")]);
    let row = (proptest::option::weighted(0.9, 0_i64..6), proptest::option::weighted(0.9, 0_i64..6), text);
    proptest::collection::vec(proptest::collection::vec(row, 0..12), TABLES.len())
}

fn fill(session: &mut Session, rows: &[Vec<TestRow>]) {
    run(
        session,
        "CREATE TABLE a (k int PRIMARY KEY, x int, y int, s text);
         CREATE INDEX ON a (x); CREATE INDEX ON a (s, y);
         CREATE TABLE b (k int PRIMARY KEY, x int8, y int, s text UNIQUE);
         CREATE INDEX ON b (y, x);
         CREATE TABLE c (k int, x int, y int8, s varchar(10), PRIMARY KEY (k));
         CREATE INDEX ON c (x); CREATE INDEX ON c (y, x);
         CREATE TABLE d (k int, x int, y int, s text)",
    )
    .unwrap();
    let number = |n: Option<i64>| n.map_or("NULL".to_owned(), |n| n.to_string());
    for (table, rows) in TABLES.iter().zip(rows) {
        for (k, (x, y, s)) in rows.iter().enumerate() {
            let s = if *table == "b" { Some(format!("{}{k}", s.unwrap_or(""))) } else { s.map(str::to_owned) };
            let s = s.map_or("NULL".to_owned(), |s| format!("'{s}'"));
            let sql = format!("INSERT INTO {table} VALUES ({k}, {}, {}, {s})", number(*x), number(*y));
            run(session, &sql).unwrap();
        }
    }
}

/// The rows of a query under some settings, in an order of their own.
fn rows_of(session: &mut Session, off: &[&str], sql: &str) -> Vec<String> {
    for setting in off {
        run(session, &format!("SET {setting} = off")).unwrap();
    }
    let rows = run(session, sql).unwrap_or_else(|error| panic!("{sql}\nwithout {off:?}: {error}"));
    for setting in off {
        run(session, &format!("RESET {setting}")).unwrap();
    }
    let mut rows: Vec<String> = rows.iter().map(|row: &Row| format!("{row:?}")).collect();
    if !sql.contains("LIMIT") {
        rows.sort();
    }
    rows
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn plans_of_all_kinds_give_the_same_rows(rows in rows(), queries in proptest::collection::vec(query(), 10)) {
        let engine = engine();
        let mut session = session(&engine);
        fill(&mut session, &rows);
        for sql in queries {
            let first = rows_of(&mut session, ALTERNATIVES[0], &sql);
            for off in &ALTERNATIVES[1..] {
                let other = rows_of(&mut session, off, &sql);
                prop_assert_eq!(&first, &other, "{}\nwithout {:?}", &sql, off);
            }
        }
    }
}
