use super::*;
use crate::functions::{resolve, resolve_operator};
use crate::sync_control::NoSync;
use crate::types::ValueContext;
use heliosdb_storage::value::DataType;

/// Runs a test with a context that has these parameters.
fn with_context<T>(params: &[Value], run: impl FnOnce(&EvalContext<'_>) -> T) -> T {
    let session = SessionFacts::alone("u", "d");
    run(&EvalContext {
        params,
        outer: None,
        time: &ValueContext::utc(),
        session: &session,
        sync: &NoSync,
        cancel: &crate::eval::NEVER_CANCELLED,
        subqueries: &NoSubqueries,
    })
}

fn literal(value: Option<bool>) -> Expr {
    Expr::Literal(boolean(value), DataType::Bool)
}

fn int(n: i32) -> Expr {
    Expr::Literal(Value::Int4(n), DataType::Int4)
}

fn null() -> Expr {
    Expr::Literal(Value::Null, DataType::Int4)
}

fn operator(symbol: &str, left: Expr, right: Expr) -> Expr {
    let function = resolve_operator(symbol, Some(left.data_type()), Some(right.data_type())).unwrap();
    Expr::Call { function, args: vec![left, right], returns: function.returns }
}

fn value(expr: &Expr) -> Result<Value> {
    with_context(&[], |ctx| eval(expr, &[], ctx))
}

/// An expression whose evaluation fails.
fn failing() -> Expr {
    operator("/", int(1), int(0))
}

#[test]
fn logic_has_three_values() {
    let (t, f, n) = (Some(true), Some(false), None);
    for (a, b, and, or) in [(t, t, t, t), (t, f, f, t), (t, n, n, t), (f, f, f, f), (f, n, f, n), (n, n, n, n)] {
        for (a, b) in [(a, b), (b, a)] {
            assert_eq!(value(&Expr::And(vec![literal(a), literal(b)])).unwrap(), boolean(and));
            assert_eq!(value(&Expr::Or(vec![literal(a), literal(b)])).unwrap(), boolean(or));
        }
    }
    assert_eq!(value(&Expr::Not(Box::new(literal(n)))).unwrap(), Value::Null);
    assert_eq!(value(&Expr::IsNull(Box::new(literal(n)))).unwrap(), Value::Bool(true));
}

#[test]
fn what_is_decided_is_not_evaluated_further() {
    let failing_condition = || operator("=", failing(), int(1));
    let decided = [
        Expr::And(vec![literal(Some(false)), failing_condition()]),
        Expr::Or(vec![literal(Some(true)), failing_condition()]),
        Expr::Coalesce(vec![null(), int(1), failing()], DataType::Int4),
        Expr::Case {
            branches: vec![(literal(Some(false)), failing()), (literal(Some(true)), int(1))],
            otherwise: Box::new(failing()),
            data_type: DataType::Int4,
        },
    ];
    for expr in &decided {
        assert!(value(expr).is_ok());
    }
    assert_eq!(value(&failing_condition()).unwrap_err().state, SqlState::DIVISION_BY_ZERO);
}

#[test]
fn lists_know_null() {
    let in_list = |wanted: Expr, list: Vec<Expr>| value(&Expr::InList { expr: Box::new(wanted), list }).unwrap();
    assert_eq!(in_list(int(1), vec![int(2), int(1)]), Value::Bool(true));
    assert_eq!(in_list(int(1), vec![null(), int(1)]), Value::Bool(true));
    assert_eq!(in_list(int(1), vec![int(2), int(3)]), Value::Bool(false));
    assert_eq!(in_list(int(1), vec![int(2), null()]), Value::Null);
    assert_eq!(in_list(null(), vec![int(2)]), Value::Null);
}

#[test]
fn distinct_treats_null_as_a_value() {
    let distinct = |a: Expr, b: Expr| value(&Expr::IsDistinct(Box::new(a), Box::new(b))).unwrap();
    assert_eq!(distinct(null(), null()), Value::Bool(false));
    assert_eq!(distinct(null(), int(1)), Value::Bool(true));
    assert_eq!(distinct(int(1), int(1)), Value::Bool(false));
    assert_eq!(distinct(int(1), int(2)), Value::Bool(true));
}

#[test]
fn strict_functions_are_not_called_with_null() {
    assert_eq!(value(&operator("+", int(1), null())).unwrap(), Value::Null);
    assert_eq!(value(&operator("=", null(), null())).unwrap(), Value::Null);
    let concat = Expr::Call {
        function: resolve(None, "concat", &[DataType::Int4, DataType::Int4]).unwrap(),
        args: vec![null(), int(7)],
        returns: DataType::Text,
    };
    assert_eq!(value(&concat).unwrap(), Value::text("7"));
}

#[test]
fn columns_parameters_and_outer_rows() {
    let innermost_outer = [Value::Int4(10)];
    let next_outer = [Value::Int4(20), Value::Int4(21)];
    let next = OuterRow { row: &next_outer, next: None };
    let outer = OuterRow { row: &innermost_outer, next: Some(&next) };
    with_context(&[Value::Int4(30)], |ctx| {
        let ctx = EvalContext { outer: Some(&outer), ..*ctx };
        let row = [Value::Int4(1), Value::Int4(2)];
        let get = |expr: Expr| eval(&expr, &row, &ctx);
        assert_eq!(get(Expr::Column(1, DataType::Int4)).unwrap(), Value::Int4(2));
        assert_eq!(get(Expr::Parameter(0, DataType::Int4)).unwrap(), Value::Int4(30));
        let outer = |depth, index| Expr::Outer { depth, index, data_type: DataType::Int4 };
        assert_eq!(get(outer(0, 0)).unwrap(), Value::Int4(10));
        assert_eq!(get(outer(1, 1)).unwrap(), Value::Int4(21));
        assert_eq!(get(Expr::Parameter(1, DataType::Int4)).unwrap_err().state, SqlState::UNDEFINED_PARAMETER);
    });
}

#[test]
fn casts_know_how_they_were_written() {
    let to = ColumnType { data_type: DataType::Varchar, typmod: 6 };
    let text = Expr::Literal(Value::text("abc"), DataType::Text);
    let cast = |explicit| Expr::Cast { expr: Box::new(text.clone()), to, explicit };
    assert_eq!(value(&cast(true)).unwrap(), Value::text("ab"));
    assert_eq!(value(&cast(false)).unwrap_err().state, SqlState::STRING_DATA_RIGHT_TRUNCATION);
}
