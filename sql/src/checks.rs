//! CHECK constraints: the evaluator lends itself to the storage crate, which judges them.

use std::num::NonZeroUsize;
use std::sync::Arc;

use heliosdb_storage::catalog::{CheckDef, ColumnDef, TableDef};
use heliosdb_storage::constraints::RowChecker;
use heliosdb_storage::value::{ColumnType, Value};
use heliosdb_storage::{Catalog, RelationId};
use lru::LruCache;
use parking_lot::Mutex;

use crate::bind::{Binder, check_expression};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::{EvalContext, NoSubqueries, SessionFacts, eval};
use crate::expr::Expr;
use crate::parse;
use crate::sync_control::NoSync;
use crate::types::TimeContext;

/// How many compiled checks are kept.
const MAX_COMPILED: NonZeroUsize = NonZeroUsize::new(1024).expect("BUG: 1024 is not zero");

/// Evaluates CHECK expressions for the store. It is made before the store is opened and knows nothing of it.
pub struct CheckEvaluator {
    compiled: Mutex<LruCache<(RelationId, String), Arc<Compiled>>>,
    session: SessionFacts,
}

/// A check, and what it was compiled from.
struct Compiled {
    expression: String,
    columns: Vec<(String, ColumnType)>,
    expr: Expr,
}

impl Default for CheckEvaluator {
    fn default() -> Self {
        let compiled = Mutex::new(LruCache::new(MAX_COMPILED));
        Self { compiled, session: SessionFacts::new("", "", 0, Arc::default()) }
    }
}

impl CheckEvaluator {
    /// An evaluator with nothing compiled.
    pub fn new() -> Self {
        Self::default()
    }

    fn compiled(&self, table: &TableDef, check: &CheckDef) -> Result<Arc<Compiled>> {
        let key = (table.id, check.name.clone());
        if let Some(known) = self.compiled.lock().get(&key)
            && known.expression == check.expression
            && known.columns.iter().map(|(name, column_type)| (name, *column_type)).eq(table.columns.iter().map(shape))
        {
            return Ok(Arc::clone(known));
        }
        let time = TimeContext::utc();
        let catalog = Catalog::default();
        let parsed = parse::parse_expression(&check.expression)?;
        let expr = check_expression(&mut Binder::new(&catalog, &time, "", &[]), table, &parsed)?;
        let columns = table.columns.iter().map(shape).map(|(name, column_type)| (name.clone(), column_type)).collect();
        let compiled = Arc::new(Compiled { expression: check.expression.clone(), columns, expr });
        self.compiled.lock().put(key, Arc::clone(&compiled));
        Ok(compiled)
    }
}

fn shape(column: &ColumnDef) -> (&String, ColumnType) {
    (&column.name, column.column_type)
}

impl RowChecker for CheckEvaluator {
    fn check(&self, table: &TableDef, check: &CheckDef, row: &[Value]) -> Result<bool, String> {
        let evaluate = || -> Result<bool> {
            let compiled = self.compiled(table, check)?;
            let time = TimeContext::utc();
            let ctx = EvalContext {
                params: &[],
                outer: None,
                time: &time,
                session: &self.session,
                sync: &NoSync,
                cancel: &crate::eval::NEVER_CANCELLED,
                subqueries: &NoSubqueries,
            };
            match eval(&compiled.expr, row, &ctx)? {
                Value::Bool(holds) => Ok(holds),
                // An unknown result satisfies a check.
                Value::Null => Ok(true),
                _ => Err(SqlError::new(SqlState::INTERNAL_ERROR, "a check is not a condition")),
            }
        };
        evaluate().map_err(|error| error.message)
    }
}
