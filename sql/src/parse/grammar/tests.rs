use sqlparser::ast::{Expr, SelectItem, SetExpr, Statement};

use crate::parse::{Tree, parse, parse_expression, parse_type};

/// An expression with a parenthesis around each operator and its operands.
fn shape(expr: &Expr) -> String {
    match expr {
        Expr::BinaryOp { left, op, right } => format!("({} {op} {})", shape(left), shape(right)),
        Expr::UnaryOp { op, expr } => format!("({op} {})", shape(expr)),
        Expr::Nested(inner) => shape(inner),
        Expr::Cast { expr, data_type, .. } => format!("({} :: {data_type})", shape(expr)),
        Expr::IsNull(expr) => format!("({} isnull)", shape(expr)),
        Expr::IsDistinctFrom(a, b) => format!("({} distinct {})", shape(a), shape(b)),
        Expr::Between { expr, low, high, negated } => {
            format!("({}{} between {} {})", shape(expr), if *negated { " not" } else { "" }, shape(low), shape(high))
        }
        Expr::Like { expr, pattern, escape_char, .. } => {
            let escape = escape_char.as_ref().map(|escape| format!(" escape {}", shape(escape))).unwrap_or_default();
            format!("({} like {}{escape})", shape(expr), shape(pattern))
        }
        Expr::Collate { expr, collation } => format!("({} collate {collation})", shape(expr)),
        Expr::AnyOp { left, compare_op, right, .. } => format!("({} {compare_op} any {})", shape(left), shape(right)),
        other => other.to_string(),
    }
}

#[test]
fn operators_bind_as_in_postgresql() {
    let cases = [
        ("a or b and not c = d", "(a OR (b AND (NOT (c = d))))"),
        ("-a ^ 2", "((- a) ^ 2)"),
        ("a ^ -b ^ c", "((a ^ (- b)) ^ c)"),
        ("- a::int", "(- (a :: INTEGER))"),
        ("a + b * c - d", "((a + (b * c)) - d)"),
        ("a - b - c", "((a - b) - c)"),
        ("~ a + b", "(~ (a + b))"),
        ("a + ~ b * c + d", "(a + (~ ((b * c) + d)))"),
        ("a || b + c < d", "((a || (b + c)) < d)"),
        ("a < b = true is null", ""),
        ("a = b is null", "((a = b) isnull)"),
        ("a is null is null", "((a isnull) isnull)"),
        ("a is null = b", "((a isnull) = b)"),
        ("not a is null", "(NOT (a isnull))"),
        ("a * not b", "(a * (NOT b))"),
        ("a between b and c and d", "((a between b c) AND d)"),
        ("a not between b + 1 and c || d or e", "((a not between (b + 1) (c || d)) OR e)"),
        ("a like b || c escape d = e", "((a like (b || c) escape d) = e)"),
        ("a like b like c", ""),
        ("a between b and c between d and e", ""),
        ("a is distinct from b is null", ""),
        ("a in (b) in (c)", "a IN (b) IN (c)"),
        ("a = any (b) = c", "((a = any b) = c)"),
        ("a collate \"C\" || b", "((a collate \"C\") || b)"),
        ("a operator(pg_catalog.+) b * c", "(a OPERATOR(pg_catalog.+) (b * c))"),
        ("a isnull", "(a isnull)"),
        ("a !=- b", "(a !=- b)"),
        ("a[1].b[2:3]", "a[1].b[2:3]"),
        ("row(1) = row(2)", "((1) = (2))"),
        ("f(a => 1, variadic b)", "f(a => 1, VARIADIC b)"),
        ("array[[1, 2], [3, 4]]", "ARRAY[[1, 2], [3, 4]]"),
        ("array[1][1]", ""),
        ("f(x)[1]", ""),
        ("extract(year from a)", "pg_catalog.extract('year', a)"),
        ("trim(both 'x' from a)", "pg_catalog.btrim(a, 'x')"),
        ("a at time zone b + c", "(pg_catalog.timezone(b, a) + c)"),
        ("a::varchar(3)[]", "(a :: VARCHAR(3)[])"),
        ("interval '1' day to second(3)", "INTERVAL DAY TO SECOND(3) '1'"),
    ];
    for (sql, expected) in cases {
        match parse_expression(sql) {
            Ok(expr) => assert_eq!(shape(&expr), expected, "{sql}"),
            Err(error) => assert!(expected.is_empty() && error.state.0 == "42601", "{sql}: {error}"),
        }
    }
}

#[test]
fn types_are_those_of_postgresql() {
    let cases = [
        ("int", "INTEGER"),
        ("double precision", "DOUBLE PRECISION"),
        ("numeric(10, -2)", "NUMERIC(10,-2)"),
        ("character varying(3)", "VARCHAR(3)"),
        ("national char varying", "VARCHAR"),
        ("timestamp(3) with time zone", "TIMESTAMP(3) WITH TIME ZONE"),
        ("time without time zone", "TIME"),
        ("interval day to second(2)", "INTERVAL DAY TO SECOND(2)"),
        ("int[3][]", "INTEGER[3]"),
        ("text array", "TEXT[]"),
        ("pg_catalog.int4", "pg_catalog.int4"),
        ("\"Mine\".\"T\"", "\"Mine\".\"T\""),
        ("or_map(text, lww(int))", "or_map('text, lww(int)')"),
        ("select", ""),
        ("double", "double"),
        ("varchar(", ""),
    ];
    for (sql, expected) in cases {
        match parse_type(sql) {
            Ok(data_type) => assert!(data_type.to_string().eq_ignore_ascii_case(expected), "{sql}: {data_type}"),
            Err(error) => assert!(expected.is_empty() && error.state.0 == "42601", "{sql}: {error}"),
        }
    }
}

#[test]
fn words_are_names_where_their_class_lets_them() {
    for sql in [
        "SELECT 1 AS select, 2 end, 3 date",
        "SELECT date, time, year, t.user, t.select FROM t",
        "SELECT * FROM top, qualify, sample, pivot settings",
        "SELECT left(a, 1), right(b, 2) FROM t set",
        "UPDATE t SET set = 1",
        "SELECT 1 is, 2 like, 3 between",
    ] {
        parse(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    for (sql, token) in [
        ("SELECT 1 year", "year"),
        ("SELECT a FROM order", "order"),
        ("SELECT select FROM t", "select"),
        ("SELECT * FROM (t)", ")"),
        ("SELECT a, FROM t", "FROM"),
        ("INSERT INTO t x VALUES (1)", "x"),
        ("DELETE t", "t"),
        ("CREATE TABLE t (user int)", "user"),
        ("SELECT a FROM t WHERE a IN ()", ")"),
        ("SELECT 1; SELECT (1; SELECT 2", ";"),
    ] {
        let error = parse(sql).unwrap_err();
        assert_eq!(error.message, format!("syntax error at or near \"{token}\""), "{sql}");
    }
}

#[test]
fn parentheses_hold_queries_or_expressions() {
    let first = |sql: &str| {
        let statements = parse(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        let Tree::Sql(tree) = statements[0].tree.clone() else { panic!("{sql}") };
        let Statement::Query(query) = tree.as_ref().clone() else { panic!("{sql}") };
        let SetExpr::Select(select) = *query.body else { return "a query".to_owned() };
        match &select.projection[0] {
            SelectItem::UnnamedExpr(expr) => expr.to_string(),
            other => other.to_string(),
        }
    };
    assert_eq!(first("SELECT ((SELECT 1) + 1)"), "((SELECT 1) + 1)");
    assert_eq!(first("SELECT ((SELECT 1) UNION (SELECT 2))"), "((SELECT 1) UNION (SELECT 2))");
    assert_eq!(first("SELECT (((SELECT 1)), 2)"), "(((SELECT 1)), 2)");
    assert_eq!(first("SELECT (values)"), "(values)");
    assert_eq!(first("((SELECT 1) UNION SELECT 2)"), "a query");
    assert_eq!(first("TABLE t"), "*");
}
