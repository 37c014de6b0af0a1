//! The typed tree: what the binder makes of an expression and the evaluator computes.
//!
//! Every node knows its type; every coercion is a node. Columns are positions in the input row of the operator that
//! evaluates the expression. A column of an enclosing query is [`Expr::Outer`]: its value comes from the stack of outer
//! rows in the evaluation context.

use std::sync::Arc;

use heliosdb_storage::value::{ColumnType, DataType, RecordShape, Value};

use crate::bind::tree::Query;
use crate::functions::{ScalarFunction, Volatility};
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
        /// The type of its result: what the signature says, or for a polymorphic one what the arguments make of it.
        returns: DataType,
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
    /// `IS [NOT] DISTINCT FROM`, as "is distinct".
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
    /// A computation on operands that is no plain call: arrays, rows, and what is asked of them.
    Form {
        /// Which one.
        form: Form,
        /// Its operands.
        args: Vec<Expr>,
        /// The type of its result.
        data_type: DataType,
    },
    /// A subquery; it sees this expression's input row as its next outer row.
    Subquery(Box<Subquery>),
}

/// A computation on operands that is no plain call.
#[derive(Clone, Debug)]
pub enum Form {
    /// `ARRAY[a, b]`
    Array,
    /// `ARRAY[[a, b], [c, d]]`: the operands are arrays, which become rows of one.
    ArrayOfArrays,
    /// `ROW(a, b)`
    Row(Arc<RecordShape>),
    /// `(row).field`, by the field's position.
    Field(usize),
    /// `array[i][j]`: the operands are the array and the subscripts.
    Element,
    /// `array[i:j]`: the operands are the array, and the bounds that are given.
    Slice(Vec<SliceBounds>),
    /// An array with an element replaced: the operands are the array, the element, the subscripts.
    AssignElement,
    /// An array with a slice replaced: the operands are the array, the slice, the bounds that are given.
    AssignSlice(Vec<SliceBounds>),
    /// `a op ANY (array)`, `a op ALL (array)`: an operator that yields a boolean.
    Quantified {
        /// The operator.
        function: &'static ScalarFunction,
        /// Whether ALL is asked.
        all: bool,
    },
    /// GREATEST or LEAST
    Extreme {
        /// Which of the two.
        greatest: bool,
    },
    /// `f(a, VARIADIC array)`: the elements of the last operand are arguments.
    VariadicCall(&'static ScalarFunction),
    /// IS NULL, or IS NOT NULL, of a row value: whether all fields are.
    RowIsNull {
        /// IS NOT NULL
        not: bool,
    },
}

/// Which bounds of a dimension of a slice are given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SliceBounds {
    /// The lower one.
    pub lower: bool,
    /// The upper one.
    pub upper: bool,
}

impl Form {
    /// Whether the two compute the same of the same operands.
    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Array, Self::Array)
            | (Self::ArrayOfArrays, Self::ArrayOfArrays)
            | (Self::Element, Self::Element)
            | (Self::AssignElement, Self::AssignElement) => true,
            (Self::Row(a), Self::Row(b)) => a == b,
            (Self::Field(a), Self::Field(b)) => a == b,
            (Self::Slice(a), Self::Slice(b)) | (Self::AssignSlice(a), Self::AssignSlice(b)) => a == b,
            (Self::Quantified { function: f, all: a }, Self::Quantified { function: g, all: b }) => {
                std::ptr::eq(*f, *g) && a == b
            }
            (Self::Extreme { greatest: a }, Self::Extreme { greatest: b }) => a == b,
            (Self::VariadicCall(f), Self::VariadicCall(g)) => std::ptr::eq(*f, *g),
            (Self::RowIsNull { not: a }, Self::RowIsNull { not: b }) => a == b,
            _ => false,
        }
    }

    /// The function that is called, if one is.
    pub const fn function(&self) -> Option<&'static ScalarFunction> {
        match self {
            Self::Quantified { function, .. } | Self::VariadicCall(function) => Some(function),
            _ => None,
        }
    }
}

/// A subquery in an expression.
#[derive(Clone, Debug)]
pub struct Subquery {
    /// What is asked of it.
    pub kind: SubqueryKind,
    /// The subquery itself.
    pub form: SubqueryForm,
    /// The type of the result.
    pub data_type: DataType,
}

/// A subquery is what was asked until its statement is planned.
#[derive(Clone, Debug)]
pub enum SubqueryForm {
    /// What is asked.
    Bound(Box<Query>),
    /// How it is run.
    Planned {
        /// The plan.
        plan: Arc<Plan>,
        /// Whether it reads outer rows; if not, its result is computed once a statement.
        correlated: bool,
    },
}

impl SubqueryForm {
    /// How many columns its rows have.
    pub fn width(&self) -> usize {
        match self {
            Self::Bound(query) => query.columns.len(),
            Self::Planned { plan, .. } => plan.width(),
        }
    }

    /// Calls the function on every reference, from anywhere in the subquery, to the row that is `level` queries further
    /// out than its own expressions.
    pub fn columns_at(&self, level: usize, visit: &mut dyn FnMut(usize)) {
        match self {
            Self::Bound(query) => query.columns_at(level, visit),
            Self::Planned { plan, .. } => plan.columns_at(level, visit),
        }
    }

    /// Changes every reference to the row that is `level` queries further out.
    pub fn map_columns_at(&mut self, level: usize, map: &mut dyn FnMut(usize) -> usize) {
        match self {
            Self::Bound(query) => query.map_columns_at(level, map),
            Self::Planned { plan, .. } => Arc::make_mut(plan).map_columns_at(level, map),
        }
    }

    /// Moves references that leave `level` enclosing queries further out, or further in.
    pub fn shift_outer(&mut self, level: usize, by: isize) {
        match self {
            Self::Bound(query) => query.shift_outer(level, by),
            Self::Planned { plan, .. } => Arc::make_mut(plan).shift_outer(level, by),
        }
    }

    /// Whether anything in it may give another result when it is run again within the statement.
    pub fn is_volatile(&self) -> bool {
        match self {
            Self::Bound(query) => query.is_volatile(),
            Self::Planned { plan, .. } => plan.is_volatile(),
        }
    }

    /// Calls the function on every expression of the subquery with its level.
    pub fn for_each_expr(&self, level: usize, visit: &mut dyn FnMut(&Expr, usize)) {
        match self {
            Self::Bound(query) => query.for_each_expr(level, visit),
            Self::Planned { plan, .. } => plan.for_each_expr(level, visit),
        }
    }

    /// As [`SubqueryForm::for_each_expr`], to change them.
    pub fn for_each_expr_mut(&mut self, level: usize, visit: &mut dyn FnMut(&mut Expr, usize)) {
        match self {
            Self::Bound(query) => query.for_each_expr_mut(level, visit),
            Self::Planned { plan, .. } => Arc::make_mut(plan).for_each_expr_mut(level, visit),
        }
    }
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
    /// `left op ANY (…)` or `left op ALL (…)`.
    Quantified {
        /// What is compared with each row.
        left: Vec<Expr>,
        /// The comparison, over a row of what is compared and then the subquery's row.
        condition: Box<Expr>,
        /// Whether it must hold for all rows.
        all: bool,
    },
    /// `(a, b) op (…)`: NULL for no row, 21000 for several.
    RowComparison {
        /// What is compared with the row.
        left: Vec<Expr>,
        /// The comparison, as above.
        condition: Box<Expr>,
    },
    /// All its values as an array.
    Array,
}

impl Expr {
    /// The type of the value.
    pub fn data_type(&self) -> DataType {
        match self {
            Self::Literal(_, t) | Self::Parameter(_, t) | Self::Column(_, t) | Self::Coalesce(_, t) => *t,
            Self::Outer { data_type, .. } | Self::Case { data_type, .. } | Self::Form { data_type, .. } => *data_type,
            Self::Call { returns, .. } => *returns,
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

impl Expr {
    /// The expressions directly below; those inside a subquery's plan are not.
    pub fn children(&self) -> Vec<&Self> {
        match self {
            Self::Literal(..) | Self::Parameter(..) | Self::Column(..) | Self::Outer { .. } => Vec::new(),
            Self::Call { args, .. }
            | Self::Form { args, .. }
            | Self::And(args)
            | Self::Or(args)
            | Self::Coalesce(args, _) => args.iter().collect(),
            Self::Cast { expr, .. } | Self::Not(expr) | Self::IsNull(expr) => vec![expr],
            Self::IsDistinct(a, b) => vec![a, b],
            Self::Case { branches, otherwise, .. } => {
                branches.iter().flat_map(|(when, then)| [when, then]).chain([otherwise.as_ref()]).collect()
            }
            Self::InList { expr, list } => std::iter::once(expr.as_ref()).chain(list).collect(),
            Self::Subquery(subquery) => match &subquery.kind {
                SubqueryKind::In(expr) => vec![expr],
                SubqueryKind::Quantified { left, .. } | SubqueryKind::RowComparison { left, .. } => {
                    left.iter().collect()
                }
                SubqueryKind::Scalar | SubqueryKind::Exists | SubqueryKind::Array => Vec::new(),
            },
        }
    }

    /// The expressions directly below, to be changed.
    pub fn children_mut(&mut self) -> Vec<&mut Self> {
        match self {
            Self::Literal(..) | Self::Parameter(..) | Self::Column(..) | Self::Outer { .. } => Vec::new(),
            Self::Call { args, .. }
            | Self::Form { args, .. }
            | Self::And(args)
            | Self::Or(args)
            | Self::Coalesce(args, _) => args.iter_mut().collect(),
            Self::Cast { expr, .. } | Self::Not(expr) | Self::IsNull(expr) => vec![expr],
            Self::IsDistinct(a, b) => vec![a, b],
            Self::Case { branches, otherwise, .. } => {
                branches.iter_mut().flat_map(|(when, then)| [when, then]).chain([otherwise.as_mut()]).collect()
            }
            Self::InList { expr, list } => std::iter::once(expr.as_mut()).chain(list).collect(),
            Self::Subquery(subquery) => match &mut subquery.kind {
                SubqueryKind::In(expr) => vec![expr],
                SubqueryKind::Quantified { left, .. } | SubqueryKind::RowComparison { left, .. } => {
                    left.iter_mut().collect()
                }
                SubqueryKind::Scalar | SubqueryKind::Exists | SubqueryKind::Array => Vec::new(),
            },
        }
    }

    /// Calls the function on this expression and all below it, parents first; not inside subqueries' plans.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        visit(self);
        for child in self.children() {
            child.walk(visit);
        }
    }

    /// Calls the function on every reference to the input row: columns, and references to it from inside subqueries.
    pub fn for_each_column(&self, visit: &mut dyn FnMut(usize)) {
        self.columns_at(0, visit);
    }

    /// Changes every reference to the input row, those from inside subqueries too.
    pub fn map_columns(&mut self, map: &mut dyn FnMut(usize) -> usize) {
        self.map_columns_at(0, map);
    }

    /// Calls the function on every reference to the row that is `level` queries further out than this expression's own.
    pub fn columns_at(&self, level: usize, visit: &mut dyn FnMut(usize)) {
        match self {
            Self::Column(index, _) if level == 0 => visit(*index),
            Self::Outer { depth, index, .. } if *depth + 1 == level => visit(*index),
            Self::Subquery(subquery) => subquery.form.columns_at(level + 1, visit),
            _ => {}
        }
        for child in self.children() {
            child.columns_at(level, visit);
        }
    }

    /// Changes every reference to the row that is `level` queries further out.
    pub fn map_columns_at(&mut self, level: usize, map: &mut dyn FnMut(usize) -> usize) {
        match self {
            Self::Column(index, _) if level == 0 => *index = map(*index),
            Self::Outer { depth, index, .. } if *depth + 1 == level => *index = map(*index),
            Self::Subquery(subquery) => subquery.form.map_columns_at(level + 1, map),
            _ => {}
        }
        for child in self.children_mut() {
            child.map_columns_at(level, map);
        }
    }

    /// Turns references to the input row into references to the next outer row, and those to outer rows into references
    /// one row further out: for an expression that moves into the inner side of a join that is run anew per outer row.
    pub fn push_outward(&mut self) {
        self.shift_outer(0, 1);
        self.columns_to_outer();
    }

    fn columns_to_outer(&mut self) {
        if let Self::Column(index, data_type) = self {
            *self = Self::Outer { depth: 0, index: *index, data_type: *data_type };
        }
        self.children_mut().into_iter().for_each(Self::columns_to_outer);
    }

    /// Moves references that leave `level` enclosing queries so many rows further out, or further in if negative.
    pub fn shift_outer(&mut self, level: usize, by: isize) {
        match self {
            Self::Outer { depth, .. } if *depth >= level => {
                *depth = depth.checked_add_signed(by).expect("BUG: a reference moved into its own query");
            }
            Self::Subquery(subquery) => subquery.form.shift_outer(level + 1, by),
            _ => {}
        }
        self.children_mut().into_iter().for_each(|child| child.shift_outer(level, by));
    }

    /// Calls the function with how many queries further out each column is that it reads, 0 being the input row.
    pub fn for_each_level(&self, visit: &mut dyn FnMut(usize)) {
        self.levels_at(0, visit);
    }

    fn levels_at(&self, level: usize, visit: &mut dyn FnMut(usize)) {
        match self {
            Self::Column(..) if level == 0 => visit(0),
            Self::Outer { depth, .. } if *depth >= level => visit(depth - level + 1),
            Self::Subquery(subquery) => {
                subquery.form.for_each_expr(level + 1, &mut |expr, level| expr.levels_at(level, visit));
            }
            _ => {}
        }
        self.children().into_iter().for_each(|child| child.levels_at(level, visit));
    }

    /// Makes it an expression of a query so many queries further out, whose rows and those further out are all it reads.
    pub fn pull_inward(&mut self, by: usize) {
        match self {
            Self::Outer { depth, index, data_type } => match (*depth + 1).checked_sub(by) {
                Some(0) => *self = Self::Column(*index, *data_type),
                Some(_) => *depth -= by,
                None => {}
            },
            Self::Subquery(subquery) => subquery.form.shift_outer(1, by.try_into().map_or(0, |by: isize| -by)),
            _ => {}
        }
        self.children_mut().into_iter().for_each(|child| child.pull_inward(by));
    }

    /// Whether it refers to a row that is `level` or more queries further out than its own expressions' outer rows.
    pub fn leaves(&self, level: usize) -> bool {
        match self {
            Self::Outer { depth, .. } if *depth >= level => return true,
            Self::Subquery(subquery) => {
                let mut found = false;
                subquery.form.for_each_expr(level + 1, &mut |expr, level| found |= expr.leaves(level));
                if found {
                    return true;
                }
            }
            _ => {}
        }
        self.children().into_iter().any(|child| child.leaves(level))
    }

    /// Whether anything in it may give another result when called again within the statement.
    pub fn is_volatile(&self) -> bool {
        let mut volatile = false;
        self.walk(&mut |expr| {
            volatile |= match expr {
                Self::Call { function, .. } => function.volatility == Volatility::Volatile,
                Self::Form { form, .. } => form.function().is_some_and(|f| f.volatility == Volatility::Volatile),
                Self::Subquery(subquery) => subquery.form.is_volatile(),
                _ => false,
            };
        });
        volatile
    }

    /// Whether it holds a subquery.
    pub fn has_subquery(&self) -> bool {
        let mut found = false;
        self.walk(&mut |expr| found |= matches!(expr, Self::Subquery(_)));
        found
    }

    /// Whether two expressions are the same computation. Subqueries never are.
    pub fn same(&self, other: &Self) -> bool {
        let all = |a: &[Self], b: &[Self]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b));
        match (self, other) {
            (Self::Literal(a, s), Self::Literal(b, t)) => s == t && a == b,
            (Self::Parameter(a, _), Self::Parameter(b, _)) | (Self::Column(a, _), Self::Column(b, _)) => a == b,
            (Self::Outer { depth: d, index: i, .. }, Self::Outer { depth: e, index: j, .. }) => d == e && i == j,
            (Self::Call { function: f, args: a, .. }, Self::Call { function: g, args: b, .. }) => {
                std::ptr::eq(*f, *g) && f.volatility != Volatility::Volatile && all(a, b)
            }
            (Self::Cast { expr: a, to: s, explicit: x }, Self::Cast { expr: b, to: t, explicit: y }) => {
                s == t && x == y && a.same(b)
            }
            (Self::And(a), Self::And(b))
            | (Self::Or(a), Self::Or(b))
            | (Self::Coalesce(a, _), Self::Coalesce(b, _)) => all(a, b),
            (Self::Not(a), Self::Not(b)) | (Self::IsNull(a), Self::IsNull(b)) => a.same(b),
            (Self::IsDistinct(a, b), Self::IsDistinct(c, d)) => a.same(c) && b.same(d),
            (
                Self::Case { branches: a, otherwise: x, data_type: s },
                Self::Case { branches: b, otherwise: y, data_type: t },
            ) => {
                s == t
                    && x.same(y)
                    && a.len() == b.len()
                    && a.iter().zip(b).all(|((w, t), (v, u))| w.same(v) && t.same(u))
            }
            (Self::InList { expr: a, list: b }, Self::InList { expr: c, list: d }) => a.same(c) && all(b, d),
            (Self::Form { form: f, args: a, data_type: s }, Self::Form { form: g, args: b, data_type: t }) => {
                s == t && f.same(g) && f.function().is_none_or(|f| f.volatility != Volatility::Volatile) && all(a, b)
            }
            _ => false,
        }
    }

    /// A conjunction of the parts; none for no parts.
    pub fn all_of(mut parts: Vec<Self>) -> Option<Self> {
        if parts.len() > 1 { Some(Self::And(parts)) } else { parts.pop() }
    }

    /// Appends the parts of a conjunction.
    pub fn into_conjuncts(self, out: &mut Vec<Self>) {
        match self {
            Self::And(parts) => parts.into_iter().for_each(|part| part.into_conjuncts(out)),
            other => out.push(other),
        }
    }
}
