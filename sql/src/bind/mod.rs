//! Names, types, coercions: from the parser's tree to the typed tree.
//!
//! | module | what |
//! |---|---|
//! | `tree`, `walk` | what comes out: queries over relations, with typed expressions; and walking over it |
//! | `scope` | which columns a name can mean |
//! | `names`, `search_path`, `type_name` | identifiers, names of relations and of types |
//! | `query`, `cte`, `set_operation`, `locking` | WITH, VALUES, UNION and its kin |
//! | `select`, `from`, `table_function`, `group_by`, `grouping`, `window`, `distinct`, `order` | SELECT, clause by clause |
//! | `expression`, `call`, `aggregate`, `predicate`, `array`, `row` | expressions |
//! | `column_name` | names of columns that are given none |
//! | `coerce` | PostgreSQL's rules about which type becomes which, and about `unknown` |
//! | `insert`, `conflict`, `modify`, `assign`, `default` | INSERT; ON CONFLICT; UPDATE and DELETE; SET; DEFAULT |
//! | `row_expression` | CHECK, keys and predicates of indexes, generated columns |
//! | `view` | views in FROM |
//! | `mention` | what the names in a text mean, for texts that are kept |
//! | `copy` | what COPY names |

mod aggregate;
mod array;
mod assign;
mod call;
pub mod coerce;
mod column_name;
mod conflict;
pub mod copy;
mod cte;
mod default;
mod distinct;
mod expression;
mod from;
mod group_by;
mod grouping;
mod insert;
mod locking;
pub mod mention;
pub mod modify;
pub mod names;
mod order;
mod predicate;
pub mod query;
mod row;
pub mod row_expression;
pub mod scope;
pub mod search_path;
mod select;
mod set_operation;
mod table_function;
pub mod tree;
pub mod type_name;
mod view;
pub mod view_text;
mod walk;
pub mod window;

use heliosdb_storage::value::{ColumnType, DataType};
use heliosdb_storage::{Catalog, RelationId};
use sqlparser::ast::{self, Spanned};
use sqlparser::tokenizer::Span;

use crate::error::{Result, SqlError, SqlState};
use crate::parse::TextPosition;
use crate::types::ValueContext;

pub use column_name::figure_name;
pub use expression::string_value;
pub use from::find_target;
pub use search_path::SearchPath;

/// How many parameters a statement may have: the protocol counts them in 16 bits.
const MAX_PARAMETERS: usize = 65_535;

/// How deeply queries and expressions may be nested in the bound tree.
const MAX_DEPTH: usize = 120;

/// Binds one statement.
pub struct Binder<'a> {
    pub(crate) catalog: &'a Catalog,
    /// Where names without a schema are looked for.
    pub(crate) path: SearchPath,
    /// The zone in which literals are read.
    pub(crate) time: &'a ValueContext,
    /// The text that spans refer to.
    source: &'a str,
    /// The types of the parameters, as far as they are known.
    params: Vec<DataType>,
    /// The string literals so far, by the address of their text, and where they stand.
    literals: Vec<(usize, Span)>,
    depth: usize,
    /// How many binary operators are open around the place that is being bound.
    operators: usize,
    /// How many queries are open around the place that is being bound.
    queries: usize,
    /// The names of the WITH clauses around the place that is being bound.
    ctes: Vec<cte::NamedCte>,
    /// How many names of WITH clauses there have been.
    cte_ids: usize,
    /// Set when a query names one of its WITH RECURSIVE that has not been bound yet.
    cte_awaited: bool,
    /// The clauses FOR UPDATE and its kin of the query whose FROM is being bound.
    locks: Vec<locking::LockClause>,
    /// Those that cover the query of FROM that is to be bound next.
    locks_given: Vec<locking::LockClause>,
    /// What stands around the place that is being bound and no recursive query may name itself in.
    barriers: Vec<cte::Barrier>,
    /// What names mean, if somebody wants to know.
    mentions: Option<Box<mention::Mentions>>,
    /// The place of an expression that gives its name to a column of a result.
    result_name: Option<Span>,
    /// The views that are being bound.
    views: Vec<RelationId>,
}

impl<'a> Binder<'a> {
    /// A binder for a statement with parameters of these types; `Unknown` for those that the context decides.
    pub fn new(catalog: &'a Catalog, time: &'a ValueContext, source: &'a str, params: &[DataType]) -> Self {
        Self {
            catalog,
            path: SearchPath::default(),
            time,
            source,
            params: params.to_vec(),
            literals: Vec::new(),
            depth: 0,
            operators: 0,
            queries: 0,
            ctes: Vec::new(),
            cte_ids: 0,
            cte_awaited: false,
            barriers: Vec::new(),
            locks: Vec::new(),
            locks_given: Vec::new(),
            mentions: None,
            result_name: None,
            views: Vec::new(),
        }
    }

    /// The same with another search path than that of a new database.
    #[must_use]
    pub fn with_path(mut self, path: SearchPath) -> Self {
        self.path = path;
        self
    }

    /// The type that a cast or a literal names.
    pub(crate) fn type_named(&mut self, data_type: &ast::DataType) -> Result<ColumnType> {
        let names = type_name::TypeNames { catalog: self.catalog, path: &self.path };
        let found = type_name::plain(data_type, names)?;
        self.note_type(data_type, found);
        Ok(found)
    }

    /// The types of all parameters; 42P18 if one could not be inferred.
    pub fn into_parameter_types(self) -> Result<Vec<DataType>> {
        if let Some(at) = self.params.iter().position(|known| *known == DataType::Unknown) {
            return Err(SqlError::new(
                SqlState::INDETERMINATE_DATATYPE,
                format!("could not determine data type of parameter ${}", at + 1),
            ));
        }
        Ok(self.params)
    }

    /// An error at a place in the text.
    pub(crate) fn at(&self, span: Span, mut error: SqlError) -> SqlError {
        if error.fields.position.is_none() {
            error.fields.position = span.position_in(self.source);
        }
        error
    }

    /// An error at an expression.
    pub(crate) fn at_expr(&self, expr: &ast::Expr, error: SqlError) -> SqlError {
        self.at(expr.span(), error)
    }

    /// Runs a step one level deeper.
    fn nested<T>(&mut self, step: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= MAX_DEPTH {
            return Err(SqlError::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"));
        }
        self.depth += 1;
        let result = step(self);
        self.depth -= 1;
        result
    }
}
