//! What sqlparser's tree has no node for, and how it is told by the nodes there are: written by the grammar, read by the
//! binder, both through this module.
//!
//! | construct | node |
//! |---|---|
//! | `EXTRACT(…)`, `a AT TIME ZONE z` and all other special forms of calls | a call of `pg_catalog.extract` …, as in PostgreSQL |
//! | a prefix operator without a name in the tree | `Expr::Prefixed` with the operator |
//! | `f(VARIADIC a)` | `Expr::Prefixed` with `VARIADIC` |
//! | `WHERE CURRENT OF c` | `Expr::Prefixed` with `CURRENT OF` |
//! | `FOR NO KEY UPDATE`, `FOR KEY SHARE` | a lock clause `OF` a computed name; several relations are several clauses |
//! | `ROWS FROM (f(1), g(2))` | a function of a computed name, whose arguments are the calls |
//! | `… EXCLUDE TIES` of a frame | `Expr::Prefixed` with `EXCLUDE TIES` around the offset of the frame's end |
//! | `SET a[1] = …` | a name whose later parts are subscripts |

use sqlparser::ast::{self, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName};
use sqlparser::ast::{ObjectNamePart, ObjectNamePartFunction, WindowFrameBound};

use crate::plan::Exclusion;

const VARIADIC: &str = "VARIADIC";
const CURRENT_OF: &str = "CURRENT OF";
const SUBSCRIPT: &str = "[]";
const SLICE: &str = "[:]";

/// A call of a function of `pg_catalog`.
pub(super) fn call(name: &str, args: Vec<Expr>) -> Expr {
    let name = ObjectName::from(vec![Ident::new("pg_catalog"), Ident::new(name)]);
    Expr::Function(function(name, arguments(args)))
}

/// A call without anything around it.
pub(super) fn function(name: ObjectName, args: FunctionArguments) -> Function {
    Function {
        name,
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args,
        within_group: Vec::new(),
        filter: None,
        null_treatment: None,
        over: None,
    }
}

/// Plain arguments.
pub(super) fn arguments(args: Vec<Expr>) -> FunctionArguments {
    let args = args.into_iter().map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg))).collect();
    FunctionArguments::List(ast::FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() })
}

fn prefixed(prefix: &str, value: Expr) -> Expr {
    Expr::Prefixed { prefix: Ident::new(prefix), value: Box::new(value) }
}

pub(super) fn prefix_operator(symbol: &str, operand: Expr) -> Expr {
    prefixed(symbol, operand)
}

/// A prefix operator that the tree has no name for, and its operand.
pub fn as_prefix_operator(expr: &Expr) -> Option<(&str, &Expr)> {
    match expr {
        Expr::Prefixed { prefix, value } if !prefix.value.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            Some((&prefix.value, value))
        }
        _ => None,
    }
}

pub(super) fn variadic(array: Expr) -> Expr {
    prefixed(VARIADIC, array)
}

/// The array of `VARIADIC array`.
pub fn as_variadic(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::Prefixed { prefix, value } if prefix.value == VARIADIC => Some(value),
        _ => None,
    }
}

pub(super) fn current_of(cursor: Ident) -> Expr {
    prefixed(CURRENT_OF, Expr::Identifier(cursor))
}

/// The cursor of `WHERE CURRENT OF cursor`.
pub fn as_current_of(expr: &Expr) -> Option<&Ident> {
    match expr {
        Expr::Prefixed { prefix, value } if prefix.value == CURRENT_OF => match value.as_ref() {
            Expr::Identifier(cursor) => Some(cursor),
            _ => None,
        },
        _ => None,
    }
}

/// How strongly FOR … locks rows, weakest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum LockStrength {
    /// FOR KEY SHARE
    KeyShare,
    /// FOR SHARE
    Share,
    /// FOR NO KEY UPDATE
    NoKeyUpdate,
    /// FOR UPDATE
    Update,
}

impl LockStrength {
    /// The clause, as messages name it.
    pub const fn clause(self) -> &'static str {
        match self {
            Self::KeyShare => "FOR KEY SHARE",
            Self::Share => "FOR SHARE",
            Self::NoKeyUpdate => "FOR NO KEY UPDATE",
            Self::Update => "FOR UPDATE",
        }
    }
}

/// The strength that a clause cannot say by itself stands before the relation.
fn strength_part(word: &str) -> ObjectNamePart {
    ObjectNamePart::Function(ObjectNamePartFunction { name: Ident::new(word), args: Vec::new() })
}

pub(super) fn lock_clause(
    strength: LockStrength,
    relation: Option<ObjectName>,
    nonblock: Option<ast::NonBlock>,
) -> ast::LockClause {
    let (lock_type, word) = match strength {
        LockStrength::KeyShare => (ast::LockType::Share, Some("key")),
        LockStrength::Share => (ast::LockType::Share, None),
        LockStrength::NoKeyUpdate => (ast::LockType::Update, Some("no_key")),
        LockStrength::Update => (ast::LockType::Update, None),
    };
    let of = match word {
        None => relation,
        Some(word) => {
            let parts = relation.into_iter().flat_map(|name| name.0);
            Some(ObjectName(std::iter::once(strength_part(word)).chain(parts).collect()))
        }
    };
    ast::LockClause { lock_type, of, nonblock }
}

/// What a lock clause says: how strongly, and which one relation of the query; all of them if none is named.
pub fn lock_of(clause: &ast::LockClause) -> (LockStrength, Option<ObjectName>) {
    let parts = clause.of.as_ref().map_or(&[][..], |name| name.0.as_slice());
    let (weak, relation) = match parts {
        [ObjectNamePart::Function(_), relation @ ..] => (true, relation),
        relation => (false, relation),
    };
    let strength = match (clause.lock_type, weak) {
        (ast::LockType::Share, true) => LockStrength::KeyShare,
        (ast::LockType::Share, false) => LockStrength::Share,
        (ast::LockType::Update, true) => LockStrength::NoKeyUpdate,
        (ast::LockType::Update, false) => LockStrength::Update,
    };
    (strength, (!relation.is_empty()).then(|| ObjectName(relation.to_vec())))
}

/// A part of a target `a[1]` or `a[1:2]`.
pub(super) fn subscript_part(subscript: ast::Subscript) -> ObjectNamePart {
    let (name, args) = match subscript {
        ast::Subscript::Index { index } => (SUBSCRIPT, vec![Some(index)]),
        ast::Subscript::Slice { lower_bound, upper_bound, stride: _ } => (SLICE, vec![lower_bound, upper_bound]),
    };
    let args = args.into_iter().map(|bound| {
        FunctionArg::Unnamed(match bound {
            Some(bound) => FunctionArgExpr::Expr(bound),
            None => FunctionArgExpr::Wildcard,
        })
    });
    ObjectNamePart::Function(ObjectNamePartFunction { name: Ident::new(name), args: args.collect() })
}

/// The subscript that a part of a target is; none for a name.
pub fn as_subscript(part: &ObjectNamePart) -> Option<ast::Subscript> {
    let ObjectNamePart::Function(part) = part else { return None };
    let mut bounds = part.args.iter().map(|arg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(bound)) => Some(bound.clone()),
        _ => None,
    });
    match part.name.value.as_str() {
        SUBSCRIPT => Some(ast::Subscript::Index { index: bounds.next()?? }),
        SLICE => {
            let (lower_bound, upper_bound) = (bounds.next()?, bounds.next()?);
            Some(ast::Subscript::Slice { lower_bound, upper_bound, stride: None })
        }
        _ => None,
    }
}

const EXCLUSIONS: [(&str, Exclusion); 3] = [
    ("EXCLUDE CURRENT ROW", Exclusion::CurrentRow),
    ("EXCLUDE GROUP", Exclusion::Group),
    ("EXCLUDE TIES", Exclusion::Ties),
];

/// The end of a frame that leaves rows out.
pub(super) fn excluding(end: Option<WindowFrameBound>, exclusion: Exclusion) -> Option<WindowFrameBound> {
    let Some((word, _)) = EXCLUSIONS.iter().find(|(_, known)| *known == exclusion) else { return end };
    let null = || Expr::value(ast::Value::Null);
    let (kind, offset) = match end {
        None | Some(WindowFrameBound::CurrentRow) => ("CURRENT ROW", null()),
        Some(WindowFrameBound::Preceding(None)) => ("UNBOUNDED PRECEDING", null()),
        Some(WindowFrameBound::Preceding(Some(offset))) => ("PRECEDING", *offset),
        Some(WindowFrameBound::Following(None)) => ("UNBOUNDED FOLLOWING", null()),
        Some(WindowFrameBound::Following(Some(offset))) => ("FOLLOWING", *offset),
    };
    Some(WindowFrameBound::Following(Some(Box::new(prefixed(word, prefixed(kind, offset))))))
}

/// The end of a frame, and what it leaves out.
pub fn frame_end(end: &WindowFrameBound) -> (Option<WindowFrameBound>, Exclusion) {
    let plain = || (Some(end.clone()), Exclusion::NoOthers);
    let WindowFrameBound::Following(Some(bound)) = end else { return plain() };
    let Expr::Prefixed { prefix, value } = bound.as_ref() else { return plain() };
    let Some((_, exclusion)) = EXCLUSIONS.iter().find(|(word, _)| *word == prefix.value) else { return plain() };
    let Expr::Prefixed { prefix, value } = value.as_ref() else { return plain() };
    let end = match prefix.value.as_str() {
        "CURRENT ROW" => WindowFrameBound::CurrentRow,
        "UNBOUNDED PRECEDING" => WindowFrameBound::Preceding(None),
        "PRECEDING" => WindowFrameBound::Preceding(Some(value.clone())),
        "UNBOUNDED FOLLOWING" => WindowFrameBound::Following(None),
        _ => WindowFrameBound::Following(Some(value.clone())),
    };
    (Some(end), *exclusion)
}

const ROWS_FROM: &str = "ROWS FROM";

/// `ROWS FROM (…)`: the name and the arguments of a function.
pub(super) fn rows_from(calls: Vec<Function>) -> (ObjectName, Vec<FunctionArg>) {
    let name = ObjectNamePart::Function(ObjectNamePartFunction { name: Ident::new(ROWS_FROM), args: Vec::new() });
    let args = calls.into_iter().map(|call| FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Function(call))));
    (ObjectName(vec![name]), args.collect())
}

/// The calls of ROWS FROM.
pub fn as_rows_from<'a>(
    name: &ObjectName,
    args: &'a [FunctionArg],
) -> Option<Vec<(&'a ObjectName, &'a [FunctionArg])>> {
    let [ObjectNamePart::Function(ObjectNamePartFunction { name, .. })] = name.0.as_slice() else { return None };
    if name.value != ROWS_FROM {
        return None;
    }
    let call = |arg: &'a FunctionArg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Function(call))) => match &call.args {
            FunctionArguments::List(list) => Some((&call.name, list.args.as_slice())),
            _ => None,
        },
        _ => None,
    };
    args.iter().map(call).collect()
}
