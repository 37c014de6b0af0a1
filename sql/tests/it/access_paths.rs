//! Keys and indexes never change a result: random queries over a table with them and over the same rows without.

use heliosdb_sql::Session;
use heliosdb_storage::Row;
use proptest::prelude::*;
use proptest::sample::select;

use crate::harness::{engine, run, session};

/// One condition on a column.
fn condition() -> impl Strategy<Value = String> {
    let operator = select(vec!["=", "<", "<=", ">", ">=", "<>"]);
    let number = prop_oneof![
        4 => (-1_i64..6).prop_map(|n| n.to_string()),
        1 => select(vec!["3000000000".to_owned(), "-3000000000".to_owned(), "NULL".to_owned(), "2.5".to_owned()]),
    ];
    let text = select(vec!["''", "'a'", "'ab'", "'b'", "'é'", "NULL"]);
    prop_oneof![
        (select(vec!["a", "b", "d"]), operator.clone(), number.clone()).prop_map(|(c, o, n)| format!("t.{c} {o} {n}")),
        (select(vec!["a", "b", "d"]), operator.clone(), number).prop_map(|(c, o, n)| format!("{n} {o} t.{c}")),
        (operator, text).prop_map(|(o, s)| format!("t.c {o} {s}")),
        select(vec!["t.b IS NULL", "t.c IS NOT NULL", "t.a IN (1, 3)", "t.a = t.b"]).prop_map(str::to_owned),
    ]
}

fn order() -> impl Strategy<Value = String> {
    let key = (select(vec!["t.a", "t.b", "t.c", "t.d"]), select(vec!["", " DESC", " NULLS FIRST", " DESC NULLS LAST"]));
    proptest::collection::vec(key, 0..3)
        .prop_map(|keys| keys.iter().map(|(column, direction)| format!("{column}{direction}, ")).collect::<String>())
}

/// Rows that repeat their values often, NULLs among them.
fn rows() -> impl Strategy<Value = Vec<(i64, i64, Option<&'static str>, Option<i64>)>> {
    let text = select(vec![None, Some(""), Some("a"), Some("ab"), Some("b"), Some("é")]);
    proptest::collection::vec((0_i64..5, 0_i64..5, text, proptest::option::of(0_i64..5)), 0..25)
}

fn fill(session: &mut Session, rows: &[(i64, i64, Option<&'static str>, Option<i64>)]) {
    run(
        session,
        "CREATE TABLE keyed (a int, b int8, c text, d int, PRIMARY KEY (a, b));
         CREATE INDEX ON keyed (c, d); CREATE INDEX ON keyed (d); CREATE INDEX ON keyed (b, c);
         CREATE TABLE plain (a int, b int8, c text, d int)",
    )
    .unwrap();
    let mut seen = Vec::new();
    for (a, b, c, d) in rows {
        if seen.contains(&(a, b)) {
            continue;
        }
        seen.push((a, b));
        let c = c.map_or("NULL".to_owned(), |c| format!("'{c}'"));
        let d = d.map_or("NULL".to_owned(), |d| d.to_string());
        for table in ["keyed", "plain"] {
            run(session, &format!("INSERT INTO {table} VALUES ({a}, {b}, {c}, {d})")).unwrap();
        }
    }
}

fn both(session: &mut Session, query: &dyn Fn(&str) -> String) -> (Vec<Row>, Vec<Row>) {
    let keyed = run(session, &query("keyed")).unwrap_or_else(|error| panic!("{}: {error}", query("keyed")));
    let plain = run(session, &query("plain")).unwrap();
    (keyed, plain)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn scans_by_any_path_agree(
        rows in rows(),
        queries in proptest::collection::vec(
            (proptest::collection::vec(condition(), 0..4), order(), select(vec!["", " LIMIT 3", " LIMIT 2 OFFSET 1"])),
            20,
        ),
    ) {
        let engine = engine();
        let mut session = session(&engine);
        fill(&mut session, &rows);
        for (conditions, order, limit) in queries {
            let filter = conditions.iter().map(|condition| format!(" AND {condition}")).collect::<String>();
            // The whole row at the end makes the order one.
            let query = |table: &str| {
                format!("SELECT * FROM {table} t WHERE true{filter} ORDER BY {order}t.a, t.b{limit}")
            };
            let (keyed, plain) = both(&mut session, &query);
            prop_assert_eq!(keyed, plain, "{}", query("…"));
        }
    }

    #[test]
    fn joins_by_any_method_agree(
        rows in rows(),
        queries in proptest::collection::vec(
            (
                select(vec!["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]),
                select(vec!["u.a = t.a", "u.a = t.d AND u.b = t.b", "u.c = t.c", "u.d = t.a AND u.c > t.c", "u.b < t.a"]),
                proptest::collection::vec(condition(), 0..3),
            ),
            10,
        ),
    ) {
        let engine = engine();
        let mut session = session(&engine);
        fill(&mut session, &rows);
        for (kind, on, conditions) in queries {
            let filter = conditions.iter().map(|condition| format!(" AND {condition}")).collect::<String>();
            let query = |table: &str| {
                format!(
                    "SELECT * FROM {table} t {kind} {table} u ON {on} WHERE true{filter} ORDER BY t.a, t.b, u.a, u.b"
                )
            };
            let (keyed, plain) = both(&mut session, &query);
            prop_assert_eq!(keyed, plain, "{}", query("…"));
        }
    }

    #[test]
    fn changes_by_any_path_agree(
        rows in rows(),
        changes in proptest::collection::vec((proptest::collection::vec(condition(), 0..3), any::<bool>()), 4),
    ) {
        let engine = engine();
        let mut session = session(&engine);
        fill(&mut session, &rows);
        for (conditions, delete) in changes {
            let filter = conditions.iter().map(|condition| format!(" AND {condition}")).collect::<String>();
            for table in ["keyed", "plain"] {
                let sql = if delete {
                    format!("DELETE FROM {table} t WHERE true{filter}")
                } else {
                    format!("UPDATE {table} t SET c = coalesce(c, 'b') || 'a', d = coalesce(d + 1, 0) WHERE true{filter}")
                };
                run(&mut session, &sql).unwrap();
            }
            let (keyed, plain) = both(&mut session, &|table| format!("SELECT * FROM {table} ORDER BY a, b"));
            prop_assert_eq!(keyed, plain);
            // The indexes have followed the rows.
            let by_index = run(&mut session, "SELECT a, b FROM keyed WHERE d >= 0 ORDER BY a, b").unwrap();
            let by_scan = run(&mut session, "SELECT a, b FROM plain WHERE d >= 0 ORDER BY a, b").unwrap();
            prop_assert_eq!(by_index, by_scan);
        }
    }
}
