//! The typed tree: what the binder makes of an expression and the evaluator computes.
//!
//! Every node knows its type; every coercion is a node. Columns are positions in the input row of the operator that
//! evaluates the expression. A column of an enclosing query is [`Expr::Outer`]: its value comes from the stack of outer
//! rows in the evaluation context.

use std::sync::Arc;

use heliosdb_storage::value::{ColumnType, DataType, Value};

use crate::functions::ScalarFunction;
use crate::plan::Plan;

/// A typed expression.
#[derive(Clone, Debug)]
pub enum Expr {
    /// A constant.
    Literal(Value, DataType),
    /// `$n`, from 0.
    Parameter(usize, DataType),
    /// A column of the input row.
    Column(usize, DataType),
    /// A column of the row of an enclosing query: `depth` 0 is the next outer one.
    Outer {
        /// How many queries further out, from 0.
        depth: usize,
        /// The position in that query's input row.
        index: usize,
        /// Its type.
        data_type: DataType,
    },
    /// A function or operator; strict ones are not called with NULL.
    Call {
        /// The function.
        function: &'static ScalarFunction,
        /// Its arguments, coerced to the types of its signature.
        args: Vec<Expr>,
    },
    /// A cast that does something.
    Cast {
        /// What is cast.
        expr: Box<Expr>,
        /// To which type, with its modifier.
        to: ColumnType,
        /// Whether written by the user: then `varchar(n)` truncates instead of failing.
        explicit: bool,
    },
    /// Three-valued AND.
    And(Vec<Expr>),
    /// Three-valued OR.
    Or(Vec<Expr>),
    /// Three-valued NOT.
    Not(Box<Expr>),
    /// IS NULL.
    IsNull(Box<Expr>),
    /// IS [NOT] DISTINCT FROM, as "is distinct".
    IsDistinct(Box<Expr>, Box<Expr>),
    /// CASE WHEN … THEN … ELSE … END (a CASE with an operand is bound to this form).
    Case {
        /// Conditions and results.
        branches: Vec<(Expr, Expr)>,
        /// ELSE; NULL if there is none.
        otherwise: Box<Expr>,
        /// The common type.
        data_type: DataType,
    },
    /// COALESCE.
    Coalesce(Vec<Expr>, DataType),
    /// `x IN (a, b, …)`, all of one type.
    InList {
        /// What is looked for.
        expr: Box<Expr>,
        /// Where.
        list: Vec<Expr>,
    },
    /// A subquery; its plan sees this expression's input row as its next outer row.
    Subquery(Box<Subquery>),
}

/// A subquery in an expression.
#[derive(Clone, Debug)]
pub struct Subquery {
    /// What is asked of it.
    pub kind: SubqueryKind,
    /// How it is run.
    pub plan: Arc<Plan>,
    /// Whether it reads outer rows; if not, its result is computed once a statement.
    pub correlated: bool,
    /// The type of the result.
    pub data_type: DataType,
}

/// What is asked of a subquery.
#[derive(Clone, Debug)]
pub enum SubqueryKind {
    /// Its one value, NULL for no row, 21000 for several.
    Scalar,
    /// Whether it has a row.
    Exists,
    /// Whether the expression equals one of its rows (both of one type).
    In(Expr),
}

impl Expr {
    /// The type of the value.
    pub fn data_type(&self) -> DataType {
        match self {
            Self::Literal(_, t) | Self::Parameter(_, t) | Self::Column(_, t) | Self::Coalesce(_, t) => *t,
            Self::Outer { data_type, .. } | Self::Case { data_type, .. } => *data_type,
            Self::Call { function, .. } => function.returns,
            Self::Cast { to, .. } => to.data_type,
            Self::And(_)
            | Self::Or(_)
            | Self::Not(_)
            | Self::IsNull(_)
            | Self::IsDistinct(..)
            | Self::InList { .. } => DataType::Bool,
            Self::Subquery(subquery) => subquery.data_type,
        }
    }
}
