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
        format!("SELECT * FROM {}t{}", "(SELECT * FROM ".repeat(30), ") x".repeat(30)),
        format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(200)),
    ];
    for (at, outcome) in outcomes(texts).into_iter().enumerate() {
        assert!(matches!(outcome, None | Some("54001")), "text {at}: {outcome:?}");
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
