//! Which function is meant: PostgreSQL's rules.
//!
//! Source: PostgreSQL's documentation, chapter "Type Conversion". In short: an exact match wins; of those that the
//! arguments can become implicitly, those with the most exact matches, then with the most preferred types stay; unknown
//! literals are taken for text if that is possible, else for what the other arguments are.

use std::collections::HashMap;
use std::sync::LazyLock;

use heliosdb_storage::value::DataType;

use super::{ScalarFunction, polymorphic};
use crate::error::{Result, SqlError, SqlState};
use crate::types::cast::{CastContext, can_cast};
use crate::types::category::{Category, is_preferred};
use crate::types::name;

/// All families of functions.
static FUNCTIONS: &[&[ScalarFunction]] = &[
    super::array::FUNCTIONS,
    super::comparison::FUNCTIONS,
    super::datetime::clock::FUNCTIONS,
    super::datetime::fields::FUNCTIONS,
    super::datetime::interval::FUNCTIONS,
    super::datetime::make::FUNCTIONS,
    super::datetime::zone::FUNCTIONS,
    super::float::FUNCTIONS,
    super::formatting::FUNCTIONS,
    super::integer::FUNCTIONS,
    super::integer::DIVISORS,
    super::json::FUNCTIONS,
    super::json_build::FUNCTIONS,
    super::json_edit::FUNCTIONS,
    super::json_text::FUNCTIONS,
    super::logarithm::FUNCTIONS,
    super::numeric::FUNCTIONS,
    super::real::FUNCTIONS,
    super::pattern::FUNCTIONS,
    super::regexp::FUNCTIONS,
    super::strings::FUNCTIONS,
    super::sync::FUNCTIONS,
    super::sequence::FUNCTIONS,
    super::advisory::FUNCTIONS,
    super::notify::FUNCTIONS,
    super::session::FUNCTIONS,
    super::settings::FUNCTIONS,
    super::system::FUNCTIONS,
];

/// All families of operators.
static OPERATORS: &[&[ScalarFunction]] = &[
    super::array::OPERATORS,
    super::comparison::OPERATORS,
    super::datetime::arithmetic::OPERATORS,
    super::datetime::interval::OPERATORS,
    super::float::OPERATORS,
    super::integer::OPERATORS,
    super::json::OPERATORS,
    super::json_edit::OPERATORS,
    super::json_text::OPERATORS,
    super::numeric::OPERATORS,
    super::real::OPERATORS,
    super::pattern::OPERATORS,
    super::regexp::OPERATORS,
    super::strings::OPERATORS,
];

type ByName = HashMap<&'static str, Vec<&'static ScalarFunction>>;

static FUNCTIONS_BY_NAME: LazyLock<ByName> = LazyLock::new(|| by_name(FUNCTIONS));
static OPERATORS_BY_NAME: LazyLock<ByName> = LazyLock::new(|| by_name(OPERATORS));

fn by_name(families: &'static [&'static [ScalarFunction]]) -> ByName {
    let mut map = ByName::new();
    for function in families.iter().copied().flatten() {
        map.entry(function.name).or_default().push(function);
    }
    map
}

/// Every function and operator.
pub fn all_functions() -> impl Iterator<Item = &'static ScalarFunction> {
    FUNCTIONS.iter().chain(OPERATORS).copied().flatten()
}

/// The function that a call names.
pub fn resolve(schema: Option<&str>, name: &str, args: &[DataType]) -> Result<&'static ScalarFunction> {
    let schema_sought = schema.unwrap_or("pg_catalog");
    let named = FUNCTIONS_BY_NAME.get(name).map_or(&[][..], Vec::as_slice);
    let candidates: Vec<Candidate> = named
        .iter()
        .filter(|function| function.schema == schema_sought)
        .filter_map(|function| Candidate::scalar(function, args.len()))
        .collect();
    match choose(candidates, args) {
        Choice::One(candidate) => Ok(candidate.function),
        Choice::None => Err(no_function(schema, name, args)),
        Choice::Several => Err(several_functions(schema, name, args)),
    }
}

/// The operator; `left` is none for a prefix operator.
pub fn resolve_operator(
    symbol: &str,
    left: Option<DataType>,
    right: Option<DataType>,
) -> Result<&'static ScalarFunction> {
    let symbol = if symbol == "!=" { "<>" } else { symbol };
    let args: Vec<DataType> = left.into_iter().chain(right).collect();
    let named = OPERATORS_BY_NAME.get(symbol).map_or(&[][..], Vec::as_slice);
    // An unknown literal is first taken for what stands on the other side.
    if let [a, b] = *args.as_slice()
        && (a == DataType::Unknown) != (b == DataType::Unknown)
    {
        let known = if a == DataType::Unknown { b } else { a };
        if let Some(exact) = named.iter().find(|operator| operator.args == [known, known]) {
            return Ok(exact);
        }
    }
    let candidates: Vec<Candidate> = named
        .iter()
        .filter(|operator| operator.args.len() == args.len())
        .filter_map(|operator| Candidate::scalar(operator, args.len()))
        .collect();
    match choose(candidates, &args) {
        Choice::One(candidate) => Ok(candidate.function),
        Choice::None => Err(no_operator(symbol, left, right)),
        Choice::Several => Err(several_operators(symbol, left, right)),
    }
}

/// Something with argument types that may be what is meant.
pub(super) trait Signature: Clone {
    /// The type of an argument.
    fn arg(&self, index: usize) -> DataType;
}

#[derive(Clone, Copy)]
struct Candidate {
    function: &'static ScalarFunction,
}

impl Candidate {
    /// None if it does not take so many arguments.
    fn scalar(function: &'static ScalarFunction, count: usize) -> Option<Self> {
        let takes = function.args.len() == count || (function.variadic && count >= function.args.len());
        takes.then_some(Self { function })
    }
}

impl Signature for Candidate {
    fn arg(&self, index: usize) -> DataType {
        self.function.arg_type(index).unwrap_or(DataType::Unknown)
    }
}

/// What the rules come to.
pub(super) enum Choice<S> {
    One(S),
    None,
    Several,
}

/// Chooses among candidates that take as many arguments as there are.
pub(super) fn choose<S: Signature>(candidates: Vec<S>, args: &[DataType]) -> Choice<S> {
    let exact = |c: &S| args.iter().enumerate().all(|(i, arg)| c.arg(i) == *arg && *arg != DataType::Unknown);
    if let Some(found) = candidates.iter().find(|c| exact(c)) {
        return Choice::One(found.clone());
    }
    let mut left: Vec<S> =
        candidates.into_iter().filter(|c| args.iter().enumerate().all(|(i, arg)| accepts(c.arg(i), *arg))).collect();
    // The pseudo-types of one signature must be able to agree.
    left.retain(|c| polymorphic::resolve((0..args.len()).map(|i| c.arg(i)), args).is_some());
    if left.is_empty() {
        return Choice::None;
    }
    let known = || args.iter().enumerate().filter(|(_, arg)| **arg != DataType::Unknown);
    keep_best(&mut left, |c| known().filter(|(i, arg)| c.arg(*i) == **arg).count());
    keep_best(&mut left, |c| {
        known().filter(|(i, arg)| c.arg(*i) == **arg || is_preferred_for(c.arg(*i), **arg)).count()
    });
    if left.len() > 1 {
        resolve_unknowns(&mut left, args);
    }
    let mut left = left.into_iter();
    match (left.next(), left.next()) {
        (Some(only), None) => Choice::One(only),
        _ => Choice::Several,
    }
}

/// Whether an argument can be given where the type is declared; `Unknown` and `Any` declare that any will do.
fn accepts(declared: DataType, given: DataType) -> bool {
    match declared {
        DataType::Unknown | DataType::Any | DataType::AnyElement | DataType::AnyCompatible => true,
        DataType::AnyArray | DataType::AnyCompatibleArray => given == DataType::Unknown || given.element().is_some(),
        DataType::AnyNonArray => given.element().is_none(),
        DataType::AnyEnum => matches!(given, DataType::Unknown | DataType::Enum(_)),
        _ => can_cast(given, declared, CastContext::Implicit),
    }
}

fn keep_best<S>(candidates: &mut Vec<S>, score: impl Fn(&S) -> usize) {
    if candidates.len() > 1 {
        let best = candidates.iter().map(&score).max().unwrap_or(0);
        candidates.retain(|c| score(c) == best);
    }
}

/// Lets unknown literals decide: by category first, then by the type of the known arguments.
fn resolve_unknowns<S: Signature>(left: &mut Vec<S>, args: &[DataType]) {
    let unknown: Vec<usize> = (0..args.len()).filter(|i| args.get(*i) == Some(&DataType::Unknown)).collect();
    if unknown.is_empty() {
        return;
    }
    let mut wanted = Vec::with_capacity(unknown.len());
    for &i in &unknown {
        let categories: Vec<Category> = left.iter().map(|c| Category::of(c.arg(i))).collect();
        let first = categories.first().copied();
        let agreed = if categories.contains(&Category::String) {
            Some(Category::String)
        } else {
            first.filter(|first| categories.iter().all(|c| c == first))
        };
        wanted.push((i, agreed));
    }
    if wanted.iter().all(|(_, agreed)| agreed.is_some()) {
        let fits = |c: &S| wanted.iter().all(|&(i, agreed)| agreed.is_none_or(|w| Category::of(c.arg(i)) == w));
        if left.iter().any(fits) {
            left.retain(fits);
        }
        for &(i, _) in &wanted {
            if left.iter().any(|c| is_preferred(c.arg(i))) {
                left.retain(|c| is_preferred(c.arg(i)));
            }
        }
    }
    if left.len() > 1 {
        let mut known = args.iter().copied().filter(|arg| *arg != DataType::Unknown);
        if let Some(one) = known.next()
            && known.all(|arg| arg == one)
        {
            let all_alike = vec![one; args.len()];
            let takes_it = |c: &&S| {
                unknown.iter().all(|i| accepts(c.arg(*i), one))
                    && polymorphic::resolve((0..args.len()).map(|i| c.arg(i)), &all_alike).is_some()
            };
            let all_of_it: Vec<S> = left.iter().filter(takes_it).cloned().collect();
            if all_of_it.len() == 1 {
                *left = all_of_it;
            }
        }
    }
}

fn is_preferred_for(declared: DataType, given: DataType) -> bool {
    is_preferred(declared) && Category::of(declared) == Category::of(given)
}

/// `integer, text`
fn type_list(args: &[DataType]) -> String {
    args.iter().map(|arg| name(*arg, -1)).collect::<Vec<_>>().join(", ")
}

fn call_text(schema: Option<&str>, function: &str, args: &[DataType]) -> String {
    let prefix = schema.map(|schema| format!("{schema}.")).unwrap_or_default();
    format!("function {prefix}{function}({})", type_list(args))
}

/// Functions of PostgreSQL that are asked for most and are not built yet; so are those of its catalogs (`pg_…`).
const FUNCTIONS_NOT_BUILT: &[&str] = &[
    "current_setting",
    "currval",
    "decode",
    "encode",
    "format",
    "has_schema_privilege",
    "has_table_privilege",
    "lastval",
    "md5",
    "nextval",
    "overlay",
    "set_config",
    "setval",
    "sha256",
    "stddev",
    "txid_current",
    "variance",
];

/// The error for a call that no function fits.
pub fn no_function(schema: Option<&str>, function: &str, args: &[DataType]) -> SqlError {
    let is_built = FUNCTIONS_BY_NAME.contains_key(function) || super::aggregate::is_aggregate(function);
    let is_known =
        function.starts_with("pg_") || schema == Some("pg_catalog") || FUNCTIONS_NOT_BUILT.contains(&function);
    if !is_built && is_known && schema.is_none_or(|schema| schema == "pg_catalog") {
        return SqlError::unsupported(call_text(schema, function, args));
    }
    SqlError::new(SqlState::UNDEFINED_FUNCTION, format!("{} does not exist", call_text(schema, function, args)))
        .with_hint("No function matches the given name and argument types. You might need to add explicit type casts.")
}

pub(super) fn several_functions(schema: Option<&str>, function: &str, args: &[DataType]) -> SqlError {
    SqlError::new(SqlState::AMBIGUOUS_FUNCTION, format!("{} is not unique", call_text(schema, function, args)))
        .with_hint("Could not choose a best candidate function. You might need to add explicit type casts.")
}

fn operator_text(symbol: &str, left: Option<DataType>, right: Option<DataType>) -> String {
    let mut words: Vec<String> = Vec::with_capacity(3);
    words.extend(left.map(|left| name(left, -1).into_owned()));
    words.push(symbol.to_owned());
    words.extend(right.map(|right| name(right, -1).into_owned()));
    words.join(" ")
}

/// Operators of PostgreSQL that no type has here yet: of patterns, documents, sets and roots.
const OPERATORS_NOT_BUILT: &[&str] = &["#>", "#>>", "?", "?|", "?&", "#-", "@?", "@@", "|/", "||/"];

fn no_operator(symbol: &str, left: Option<DataType>, right: Option<DataType>) -> SqlError {
    if OPERATORS_NOT_BUILT.contains(&symbol) && !OPERATORS_BY_NAME.contains_key(symbol) {
        return SqlError::unsupported(format!("operator {}", operator_text(symbol, left, right)));
    }
    let hint = if left.is_some() && right.is_some() {
        "No operator matches the given name and argument types. You might need to add explicit type casts."
    } else {
        "No operator matches the given name and argument type. You might need to add an explicit type cast."
    };
    SqlError::new(
        SqlState::UNDEFINED_FUNCTION,
        format!("operator does not exist: {}", operator_text(symbol, left, right)),
    )
    .with_hint(hint)
}

fn several_operators(symbol: &str, left: Option<DataType>, right: Option<DataType>) -> SqlError {
    SqlError::new(
        SqlState::AMBIGUOUS_FUNCTION,
        format!("operator is not unique: {}", operator_text(symbol, left, right)),
    )
    .with_hint("Could not choose a best candidate operator. You might need to add explicit type casts.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use DataType::{
        Bool, Char, Date, Float8, Int2, Int4, Int8, Jsonb, Name, Numeric, Oid, Text, TimestampTz, Unknown, Uuid,
        Varchar,
    };

    #[test]
    fn operators_are_those_that_postgresql_chooses() {
        let cases = [
            ("+", Int4, Int4, &[Int4, Int4][..]),
            ("+", Int4, Int8, &[Int8, Int8]),
            ("+", Int2, Int4, &[Int4, Int4]),
            ("+", Int4, Numeric, &[Numeric, Numeric]),
            ("+", Numeric, Float8, &[Float8, Float8]),
            ("+", Int4, Float8, &[Float8, Float8]),
            ("+", Int4, Unknown, &[Int4, Int4]),
            ("+", Unknown, Numeric, &[Numeric, Numeric]),
            ("+", Date, Int4, &[Date, Int4]),
            ("+", Int4, Date, &[Int4, Date]),
            ("-", Date, Date, &[Date, Date]),
            ("-", Date, Unknown, &[Date, Date]),
            ("^", Int4, Int4, &[Float8, Float8]),
            ("^", Numeric, Int4, &[Numeric, Numeric]),
            ("=", Int4, Int8, &[Int4, Int8]),
            ("=", Varchar, Varchar, &[Text, Text]),
            ("=", Varchar, Unknown, &[Text, Text]),
            ("=", Name, Unknown, &[Name, Name]),
            ("=", Char, Unknown, &[Char, Char]),
            ("=", Unknown, Unknown, &[Text, Text]),
            ("=", Uuid, Unknown, &[Uuid, Uuid]),
            ("=", Oid, Int4, &[Oid, Oid]),
            ("=", Bool, Bool, &[Bool, Bool]),
            ("<", Date, TimestampTz, &[TimestampTz, TimestampTz]),
            ("<", Date, Unknown, &[Date, Date]),
            ("||", Text, Text, &[Text, Text]),
            ("||", Varchar, Unknown, &[Text, Text]),
            ("||", Unknown, Unknown, &[Text, Text]),
            ("||", Int4, Unknown, &[DataType::AnyNonArray, Text]),
            ("||", Text, Int4, &[Text, DataType::AnyNonArray]),
            ("||", Jsonb, Jsonb, &[Jsonb, Jsonb]),
            ("->", Jsonb, Unknown, &[Jsonb, Text]),
            ("->>", Jsonb, Int4, &[Jsonb, Int4]),
            ("~~", Varchar, Unknown, &[Text, Text]),
            ("~~", Name, Unknown, &[Text, Text]),
        ];
        for (symbol, left, right, expected) in cases {
            let found = resolve_operator(symbol, Some(left), Some(right));
            let found = found.unwrap_or_else(|e| panic!("{left:?} {symbol} {right:?}: {e}"));
            assert_eq!(found.args, expected, "{left:?} {symbol} {right:?}");
        }
        assert_eq!(resolve_operator("-", None, Some(Int8)).unwrap().returns, Int8);
    }

    #[test]
    fn functions_are_those_that_postgresql_chooses() {
        let cases: [(&str, &[DataType], &[DataType]); 14] = [
            ("abs", &[Int4], &[Int4]),
            ("abs", &[Unknown], &[Float8]),
            ("round", &[Int4], &[Float8]),
            ("round", &[Numeric, Int4], &[Numeric, Int4]),
            ("length", &[Unknown], &[Text]),
            ("length", &[Varchar], &[Text]),
            ("upper", &[Name], &[Text]),
            ("sqrt", &[Int4], &[Float8]),
            ("power", &[Int4, Numeric], &[Numeric, Numeric]),
            ("mod", &[Int4, Int8], &[Int8, Int8]),
            ("greatest", &[Int4, Numeric, Int4], &[Numeric]),
            ("greatest", &[Unknown, Unknown], &[Text]),
            ("least", &[Date, Unknown], &[Date]),
            ("substr", &[Varchar, Int4], &[Text, Int4]),
        ];
        for (name, args, expected) in cases {
            let found = resolve(None, name, args).unwrap_or_else(|e| panic!("{name}{args:?}: {e}"));
            assert_eq!(found.args, expected, "{name}{args:?}");
        }
        assert_eq!(resolve(Some("sync"), "pause", &[]).unwrap().schema, "sync");
        assert!(resolve(None, "pause", &[]).is_err());
    }

    #[test]
    fn errors_are_worded_as_postgresql_does() {
        let cases = [
            (resolve_operator("+", Some(Int4), Some(Text)), "42883", "operator does not exist: integer + text"),
            (resolve_operator("-", None, Some(Text)), "42883", "operator does not exist: - text"),
            (resolve_operator("+", Some(Unknown), Some(Unknown)), "42725", "operator is not unique: unknown + unknown"),
            (resolve_operator("=", Some(Uuid), Some(Int4)), "42883", "operator does not exist: uuid = integer"),
            (resolve(None, "nope", &[Int4, Unknown]), "42883", "function nope(integer, unknown) does not exist"),
            (resolve(Some("sync"), "nope", &[]), "42883", "function sync.nope() does not exist"),
            (resolve(None, "length", &[Int4]), "42883", "function length(integer) does not exist"),
        ];
        for (result, state, message) in cases {
            let error = result.unwrap_err();
            assert_eq!((error.state.0, error.message.as_str()), (state, message));
            assert!(error.fields.hint.is_some());
        }
    }
}
