//! Set-returning functions: in FROM and in the select list.
//!
//! A family registers its functions in a table of [`TableFunction`]s that is listed in `FAMILIES`. A function is code that
//! starts a call and returns an iterator over its rows; everything else is told by the table:
//!
//! ```text
//! // Returns plain values, because its one column has its own name: one row a word, none for NULL.
//! TableFunction::new("words", &[Text], &[("words", Text)], words)
//! // Returns rows of two columns; the pseudo-types are those of the arguments in the call.
//! TableFunction::new("pairs", &[AnyArray], &[("at", Int4), ("value", AnyElement)], pairs)
//! // Returns rows whose columns the call defines: f() AS t (a int, b text).
//! TableFunction::new("anything", &[Json], &[], anything)
//! ```

use std::sync::Arc;

use heliosdb_storage::Row;
use heliosdb_storage::value::{DataType, RecordShape, Value};

use super::Volatility;
use super::polymorphic::{self, undetermined};
use super::resolution::{Choice, Signature, choose, no_function, several_functions};
use crate::error::Result;
use crate::eval::EvalContext;

/// A function that returns rows.
#[derive(Debug)]
pub struct TableFunction {
    /// Its schema.
    pub schema: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The types of its arguments; pseudo-types may be among them.
    pub args: &'static [DataType],
    /// Names and types of the columns of its rows. A function with one column returns a plain value; if it has
    /// the function's name, an alias of the call names the column too. Without any the call must define them.
    pub columns: &'static [(&'static str, DataType)],
    /// Whether a NULL argument means no rows without a call.
    pub strict: bool,
    /// Whether it gives the same rows again.
    pub volatility: Volatility,
    /// Starts a call. The shape tells the names and types that the columns have in it.
    pub call: TableCode,
}

/// Names and types of the columns of a call.
pub type RowShape = Arc<RecordShape>;

/// The code of a set-returning function.
pub type TableCode = fn(&EvalContext<'_>, &[Value], &RowShape) -> Result<RowSource>;

/// The rows of a call, made as they are asked for.
pub type RowSource = Box<dyn Iterator<Item = Result<Row>> + Send>;

/// All families of set-returning functions.
static FAMILIES: &[&[TableFunction]] = &[
    super::json_rows::FUNCTIONS,
    super::notify::TABLE_FUNCTIONS,
    super::series::FUNCTIONS,
    super::unnest::FUNCTIONS,
    super::regexp::TABLE_FUNCTIONS,
    FUNCTIONS,
];

static FUNCTIONS: &[TableFunction] = &[TableFunction::new(
    "sync_now",
    &[],
    &[
        ("pushed_transactions", DataType::Int8),
        ("pulled_transactions", DataType::Int8),
        ("bytes_sent", DataType::Int8),
        ("bytes_received", DataType::Int8),
        ("bytes_saved", DataType::Int8),
        ("conflicts", DataType::Int8),
        ("duration_ms", DataType::Int8),
    ],
    sync_now,
)
.in_schema("sync")
.volatile()];

impl TableFunction {
    /// A strict, immutable function of `pg_catalog`: what most are. The methods below say what differs.
    pub const fn new(
        name: &'static str,
        args: &'static [DataType],
        columns: &'static [(&'static str, DataType)],
        call: TableCode,
    ) -> Self {
        Self { schema: "pg_catalog", name, args, columns, strict: true, volatility: Volatility::Immutable, call }
    }

    /// In another schema.
    pub const fn in_schema(mut self, schema: &'static str) -> Self {
        self.schema = schema;
        self
    }

    /// Called with NULLs too.
    pub const fn called_on_null(mut self) -> Self {
        self.strict = false;
        self
    }

    /// Gives the same rows within a statement only.
    pub const fn stable(mut self) -> Self {
        self.volatility = Volatility::Stable;
        self
    }

    /// Gives other rows with every call.
    pub const fn volatile(mut self) -> Self {
        self.volatility = Volatility::Volatile;
        self
    }

    /// Whether it returns plain values, not rows.
    pub fn is_value(&self) -> bool {
        matches!(self.columns, [_])
    }

    /// Starts a call.
    pub fn start(&self, ctx: &EvalContext<'_>, args: &[Value], shape: &RowShape) -> Result<RowSource> {
        if self.strict && args.iter().any(Value::is_null) {
            return Ok(Box::new(std::iter::empty()));
        }
        (self.call)(ctx, args, shape)
    }
}

/// A function that fits a call: what its arguments are to become, and what its columns are.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The function.
    pub function: &'static TableFunction,
    /// The types of its arguments.
    pub args: Vec<DataType>,
    /// The columns; none if the call must define them.
    pub columns: Vec<(&'static str, DataType)>,
}

/// Whether there is a set-returning function of that name.
pub fn is_table_function(schema: Option<&str>, name: &str) -> bool {
    named(schema, name).next().is_some()
}

fn named<'n>(schema: Option<&'n str>, name: &'n str) -> impl Iterator<Item = &'static TableFunction> + 'n {
    let schema = schema.unwrap_or("pg_catalog");
    FAMILIES.iter().copied().flatten().filter(move |f| f.name == name && f.schema == schema)
}

/// The function that a call names.
pub fn resolve(schema: Option<&str>, name: &str, args: &[DataType]) -> Result<Resolved> {
    let candidates = named(schema, name).filter(|f| f.args.len() == args.len()).map(Candidate).collect();
    let function = match choose(candidates, args) {
        Choice::One(candidate) => candidate.0,
        Choice::None => return Err(no_function(schema, name, args)),
        Choice::Several => return Err(several_functions(schema, name, args)),
    };
    let resolved = polymorphic::resolve(function.args.iter().copied(), args).ok_or_else(undetermined)?;
    let known = |declared: DataType| resolved.apply(declared).ok_or_else(undetermined);
    let types = function.args.iter().map(|declared| known(*declared)).collect::<Result<_>>()?;
    let columns = function.columns.iter().map(|(column, of)| Ok((*column, known(*of)?))).collect::<Result<_>>()?;
    Ok(Resolved { function, args: types, columns })
}

#[derive(Clone, Copy)]
struct Candidate(&'static TableFunction);

impl Signature for Candidate {
    fn arg(&self, index: usize) -> DataType {
        self.0.args.get(index).copied().unwrap_or(DataType::Unknown)
    }
}

fn sync_now(ctx: &EvalContext<'_>, _: &[Value], _: &RowShape) -> Result<RowSource> {
    let row = ctx.sync.sync_now(ctx.cancel)?.columns();
    Ok(Box::new(std::iter::once(Ok(row.into_iter().map(Value::Int8).collect()))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::SqlState;
    use crate::eval::{NoSubqueries, SessionFacts};
    use crate::sync_control::NoSync;
    use crate::types::ValueContext;

    fn call(resolved: &Resolved, args: &[Value]) -> Result<Vec<Row>> {
        let session = SessionFacts::alone("u", "d");
        let ctx = EvalContext {
            params: &[],
            outer: None,
            time: &ValueContext::utc(),
            session: &session,
            sync: &NoSync,
            cancel: &crate::eval::NEVER_CANCELLED,
            subqueries: &NoSubqueries,
        };
        resolved.function.start(&ctx, args, &RowShape::default())?.take(10).collect()
    }

    #[test]
    fn series_go_both_ways_and_end_at_the_range() {
        let int4 = resolve(None, "generate_series", &[DataType::Int4, DataType::Int4, DataType::Int4]).unwrap();
        let rows = |a, b, c| call(&int4, &[Value::Int4(a), Value::Int4(b), Value::Int4(c)]).unwrap();
        assert_eq!(rows(1, 5, 2), [[Value::Int4(1)], [Value::Int4(3)], [Value::Int4(5)]]);
        assert_eq!(rows(1, -1, -1), [[Value::Int4(1)], [Value::Int4(0)], [Value::Int4(-1)]]);
        assert!(rows(2, 1, 1).is_empty());
        assert_eq!(rows(i32::MAX, i32::MAX, 1).len(), 1);
        assert!(call(&int4, &[Value::Null, Value::Int4(1), Value::Int4(1)]).unwrap().is_empty());
        let zero = call(&int4, &[Value::Int4(1), Value::Int4(2), Value::Int4(0)]);
        assert_eq!(zero.unwrap_err().message, "step size cannot equal zero");
        let int8 = resolve(None, "generate_series", &[DataType::Int8, DataType::Int4]).unwrap();
        assert_eq!(call(&int8, &[Value::Int8(i64::MAX), Value::Int8(i64::MAX)]).unwrap(), [[Value::Int8(i64::MAX)]]);
    }

    #[test]
    fn sync_now_is_what_the_worker_says() {
        let function = resolve(Some("sync"), "sync_now", &[]).unwrap();
        assert_eq!(function.columns.len(), 7);
        assert_eq!(call(&function, &[]).unwrap_err().state, SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE);
        assert!(resolve(None, "sync_now", &[]).is_err());
    }
}
