//! What is deeply nested is run or refused, on a stack of the size that the server's threads have.

use crate::harness::{engine, run, session};

/// Runs the texts on a small stack; the SQLSTATEs of those that fail.
fn outcomes(texts: Vec<String>) -> Vec<Option<&'static str>> {
    let thread = std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(move || {
        let engine = engine();
        let mut a = session(&engine);
        run(&mut a, "CREATE TABLE t (id int PRIMARY KEY)").unwrap();
        texts.iter().map(|sql| run(&mut a, sql).err().map(|error| error.state.0)).collect()
    });
    thread.unwrap().join().unwrap()
}

#[test]
fn long_chains_and_deep_nesting_do_not_overflow_the_stack() {
    let chain = |link: &str, count: usize| format!("SELECT 1 WHERE {}true", link.repeat(count));
    let nested =
        |open: &str, close: &str, count: usize| format!("SELECT {}1{} FROM t", open.repeat(count), close.repeat(count));
    let joins = |count: usize, close: &str| {
        (0..count).map(|at| format!(" CROSS JOIN (VALUES (1)) v{at}{close}")).collect::<String>()
    };
    let texts = vec![
        chain("1 = 1 AND ", 1_000),
        chain("1 = 1 OR ", 1_000),
        chain("NOT ", 150),
        format!("SELECT {}1", "1 + ".repeat(200)),
        format!("SELECT 'x'{}", " || 'x'".repeat(200)),
        nested("(", ")", 60),
        nested("abs(", ")", 60),
        nested("(SELECT ", ")", 30),
        nested("CASE WHEN true THEN ", " END", 60),
        nested("coalesce(NULL, ", ")", 60),
        nested("(SELECT id + ", " FROM t)", 60),
        nested("(SELECT count(*) FROM t WHERE id IN (SELECT ", "))", 30),
        format!("SELECT 1{}", " IS NULL".repeat(2_000)),
        format!("SELECT 1{}", ", 1".repeat(100_000)),
        format!("SELECT 1 FROM t ORDER BY id{}", ", id + 1".repeat(100_000)),
        format!("SELECT 1 FROM t GROUP BY id{}", ", id + 1".repeat(100_000)),
        format!("SELECT 1{}", "::int".repeat(2_000)),
        format!("SELECT {}id{} FROM t", "(".repeat(50), format!("{})", " + 1".repeat(200)).repeat(50)),
        format!("SELECT {}id{} FROM t", "(".repeat(60), format!("{})", " + 1".repeat(3)).repeat(60)),
        format!("{}SELECT 1{}", "(".repeat(60), " UNION SELECT 1)".repeat(60)),
        format!("SELECT 1 FROM {}t{}", "(".repeat(60), joins(60, ")")),
        format!("CREATE VIEW v AS {}", "EXPLAIN ".repeat(300)),
        format!("SELECT 1 FROM t{}", joins(1_000, "")),
        format!("SELECT * FROM {}t{}", "(SELECT * FROM ".repeat(30), ") x".repeat(30)),
        format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(200)),
    ];
    let statements = [
        "EXPLAIN ",
        "EXPLAIN ANALYZE ",
        "EXPLAIN (FORMAT json) ",
        "DESC ",
        "PREPARE p AS ",
        "IF true THEN ",
        "CASE WHEN true THEN ",
    ];
    let statements = statements.iter().map(|head| format!("{}SELECT 1", head.repeat(300)));
    let routines = "CREATE PROCEDURE p AS BEGIN ".repeat(300);
    for outcome in outcomes(statements.chain([routines]).collect()) {
        assert!(matches!(outcome, Some("42601" | "0A000" | "54001")), "{outcome:?}");
    }
    for (at, outcome) in outcomes(texts).into_iter().enumerate() {
        assert!(matches!(outcome, None | Some("54001" | "54000" | "54011" | "42601")), "text {at}: {outcome:?}");
    }
}

#[test]
fn ordinary_depths_are_not_refused() {
    let texts = vec![
        format!("SELECT 1 WHERE {}true", "1 = 2 OR ".repeat(1_000)),
        format!("SELECT {}1{}", "(".repeat(40), ")".repeat(40)),
        format!("SELECT {}1", "1 + ".repeat(100)),
        format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(100)),
        format!("SELECT id FROM t WHERE id IN ({}1)", "1, ".repeat(5_000)),
    ];
    assert_eq!(outcomes(texts), [None; 5]);
}
