//! Functions, operators and aggregates.
//!
//! Each family registers its functions in a static table; [`resolve`] and [`resolve_operator`] find the one that fits
//! the argument types by PostgreSQL's rules (exact match, then implicit casts, preferred types, unknown literals).

mod advisory;
pub mod aggregate;
mod array;
mod comparison;
mod datetime;
pub mod enums;
mod float;
mod formatting;
pub mod in_range;
mod notify;
mod integer;
mod json;
mod json_build;
mod json_edit;
mod json_rows;
mod json_text;
mod logarithm;
mod numeric;
mod pattern;
pub mod polymorphic;
mod real;
mod regexp;
mod resolution;
pub mod sequence;
mod series;
mod session;
mod settings;
mod strings;
mod sync;
pub mod system;
pub mod table;
mod unnest;
pub mod window;

use heliosdb_storage::value::{DataType, Value};

use crate::error::{Result, SqlError, SqlState};
use crate::eval::EvalContext;

pub use resolution::{all_functions, no_function, resolve, resolve_operator};
pub use strings::{quote_ident, quote_literal};

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

/// The code of a function.
pub type Code = fn(&EvalContext<'_>, &[Value]) -> Result<Value>;

/// A function or operator on values.
#[derive(Debug)]
pub struct ScalarFunction {
    /// Its schema, `pg_catalog` for most.
    pub schema: &'static str,
    /// Its name; of an operator its symbol.
    pub name: &'static str,
    /// The types of its arguments; `Unknown` stands for any type, taken as it is.
    pub args: &'static [DataType],
    /// Whether the last argument may be repeated.
    pub variadic: bool,
    /// The type of its result.
    pub returns: DataType,
    /// Whether NULL in means NULL out without a call.
    pub strict: bool,
    /// See [`Volatility`].
    pub volatility: Volatility,
    /// Set for the six comparison operators: the evaluator compares without a call, the planner finds key conditions.
    pub comparison: Option<Comparison>,
    /// The code.
    pub call: Code,
}

/// The comparison that an operator is. Both sides are of one type, or integers of different widths.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Comparison {
    /// `=`
    Eq,
    /// `<>`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

impl Comparison {
    /// The comparison with its sides exchanged.
    #[must_use]
    pub const fn commuted(self) -> Self {
        match self {
            Self::Lt => Self::Gt,
            Self::Le => Self::Ge,
            Self::Gt => Self::Lt,
            Self::Ge => Self::Le,
            same => same,
        }
    }

    /// Whether it holds for two sides in this order.
    pub const fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Eq => ordering.is_eq(),
            Self::Ne => ordering.is_ne(),
            Self::Lt => ordering.is_lt(),
            Self::Le => ordering.is_le(),
            Self::Gt => ordering.is_gt(),
            Self::Ge => ordering.is_ge(),
        }
    }
}

impl ScalarFunction {
    /// A strict, immutable function of `pg_catalog`: what most are. The methods below say what differs.
    const fn new(name: &'static str, args: &'static [DataType], returns: DataType, call: Code) -> Self {
        Self {
            schema: "pg_catalog",
            name,
            args,
            variadic: false,
            returns,
            strict: true,
            volatility: Volatility::Immutable,
            comparison: None,
            call,
        }
    }

    const fn in_schema(mut self, schema: &'static str) -> Self {
        self.schema = schema;
        self
    }

    const fn variadic(mut self) -> Self {
        self.variadic = true;
        self
    }

    const fn called_on_null(mut self) -> Self {
        self.strict = false;
        self
    }

    const fn stable(mut self) -> Self {
        self.volatility = Volatility::Stable;
        self
    }

    const fn volatile(mut self) -> Self {
        self.volatility = Volatility::Volatile;
        self
    }

    const fn comparing(mut self, comparison: Comparison) -> Self {
        self.comparison = Some(comparison);
        self
    }

    /// The declared type of an argument by position, the repeated ones of a variadic function too.
    pub fn arg_type(&self, index: usize) -> Option<DataType> {
        let last = if self.variadic { self.args.last() } else { None };
        self.args.get(index).or(last).copied()
    }
}

/// The error for arguments that do not have the types of the signature. The binder coerces them, so it stands for a
/// mistake of ours; it is an error and no panic, because a function is reached with data of clients.
fn bad_arguments(name: &str, args: &[Value]) -> SqlError {
    SqlError::new(SqlState::INTERNAL_ERROR, format!("{name} was called with arguments of other types: {args:?}"))
}

#[cfg(test)]
mod tests;
