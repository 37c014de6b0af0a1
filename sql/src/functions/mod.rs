//! Functions, operators and aggregates.
//!
//! Each family registers its functions in a static table; [`lookup`](resolve) finds the one that fits the argument types
//! by PostgreSQL's rules (exact match, then implicit casts, preferred types, unknown literals).

use heliosdb_storage::value::{DataType, Value};

use crate::error::Result;
use crate::eval::EvalContext;

/// How often a function must be called again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Volatility {
    /// Same arguments, same result: can be computed while planning.
    Immutable,
    /// Same within a statement: `now()`.
    Stable,
    /// Anything: `gen_random_uuid()`, `sync.sync_now()`.
    Volatile,
}

/// A function or operator on values.
#[derive(Debug)]
pub struct ScalarFunction {
    /// Its schema, `pg_catalog` for most.
    pub schema: &'static str,
    /// Its name; of an operator its symbol.
    pub name: &'static str,
    /// The types of its arguments.
    pub args: &'static [DataType],
    /// The type of its result.
    pub returns: DataType,
    /// Whether NULL in means NULL out without a call.
    pub strict: bool,
    /// See [`Volatility`].
    pub volatility: Volatility,
    /// The code.
    pub call: fn(&EvalContext<'_>, &[Value]) -> Result<Value>,
}
