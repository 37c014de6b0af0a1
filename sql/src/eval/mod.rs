//! The one evaluator.

use heliosdb_storage::value::Value;

/// What an expression can see besides its input row.
pub struct EvalContext<'a> {
    /// The parameters of the statement.
    pub params: &'a [Value],
}
