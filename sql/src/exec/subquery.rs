//! Subqueries in expressions.

use std::sync::Arc;

use heliosdb_storage::Row;
use heliosdb_storage::value::Value;

use super::context::{ExecContext, TxnAccess};
use crate::error::{Result, SqlError, SqlState};
use crate::eval::{EvalContext, OuterRow, SubqueryRunner};
use crate::expr::{Subquery, SubqueryForm, SubqueryKind};

impl SubqueryRunner for ExecContext<'_> {
    fn run(&self, subquery: &Subquery, row: &[Value], ctx: &EvalContext<'_>) -> Result<Arc<Vec<Row>>> {
        let SubqueryForm::Planned { plan, correlated } = &subquery.form else {
            return Err(SqlError::new(SqlState::INTERNAL_ERROR, "a subquery was run that has not been planned"));
        };
        let key = Arc::as_ptr(plan).addr();
        if !correlated && let Some(rows) = self.statement.subqueries.borrow().get(&key) {
            return Ok(Arc::clone(rows));
        }
        let enough = match subquery.kind {
            SubqueryKind::Exists => 1,
            SubqueryKind::Scalar | SubqueryKind::RowComparison { .. } => 2,
            SubqueryKind::In(_) | SubqueryKind::Quantified { .. } | SubqueryKind::Array => usize::MAX,
        };
        let outer = OuterRow { row, next: ctx.outer };
        let mut inner = ExecContext {
            txn: TxnAccess::Read(self.txn.read()),
            statement: self.statement,
            session: self.session,
            sync: self.sync,
            cancel: self.cancel,
            outer: Some(&outer),
            ctes: self.ctes,
            baselines: None,
        };
        inner.check_cancelled()?;
        let mut operator = super::build(plan);
        let mut rows = Vec::new();
        let mut charged = 0;
        while rows.len() < enough {
            let Some(batch) = operator.next_batch(plan, &mut inner)? else { break };
            charged += self.statement.budget.charge_rows(&batch)?;
            rows.extend(batch);
        }
        let rows = Arc::new(rows);
        if *correlated {
            // The evaluator looks at the rows once and lets go of them.
            self.statement.budget.release(charged);
        } else {
            self.statement.subqueries.borrow_mut().insert(key, Arc::clone(&rows));
        }
        Ok(rows)
    }
}
