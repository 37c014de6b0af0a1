//! Constraints, judged in one place for SQL statements and for merges.

use crate::catalog::{CheckDef, TableDef};
use crate::value::Value;

/// Evaluates CHECK expressions. The SQL crate implements it, because it owns the one evaluator.
pub trait RowChecker: Send + Sync {
    /// Whether the row satisfies the check (an unknown result does). The error is a message of the evaluation itself.
    fn check(&self, table: &TableDef, check: &CheckDef, row: &[Value]) -> Result<bool, String>;
}
