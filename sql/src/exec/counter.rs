//! From assigned values to changes of columns, and what RETURNING tells the client.
//!
//! An assignment to a counter means a difference: to the value that the statement read, if its expression reads the
//! column; else to the value that this transaction last returned or wrote for the row; else to the locked row. See
//! [`crate::session::baseline`].

use std::sync::Arc;

use heliosdb_storage::catalog::TableDef;
use heliosdb_storage::value::{Numeric, Value};
use heliosdb_storage::{ColumnChange, Row, RowKey};

use super::context::ExecContext;
use crate::error::{Result, SqlError, SqlState};
use crate::eval::eval;
use crate::plan::{Returning, SetColumn};

/// What an assignment changes; none if the column stays as it is.
pub fn change(
    table: &Arc<TableDef>,
    key: &RowKey,
    set: &SetColumn,
    value: Value,
    row: &[Value],
    ctx: &ExecContext<'_>,
) -> Result<Option<ColumnChange>> {
    let old = row.get(set.slot).unwrap_or(&Value::Null);
    let is_counter = table.columns.get(set.slot).is_some_and(|column| column.is_counter());
    if !is_counter || value.is_null() {
        return Ok((!is_same(old, &value)).then_some(ColumnChange::Set(value)));
    }
    let seen = match &ctx.baselines {
        Some(baselines) if !set.reads_itself => baselines.get(table, key, set.slot),
        _ => None,
    };
    let baseline = seen.unwrap_or_else(|| old.clone());
    let difference = counted(&value)?
        .checked_sub(counted(&baseline)?)
        .ok_or_else(|| SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range"))?;
    // A counter that was never written becomes 0 by adding nothing.
    Ok((difference != 0 || old.is_null()).then_some(ColumnChange::Add(difference)))
}

fn counted(value: &Value) -> Result<i64> {
    match value {
        Value::Null => Ok(0),
        Value::Int8(n) => Ok(*n),
        _ => Err(SqlError::new(SqlState::INTERNAL_ERROR, "a counter is not a bigint")),
    }
}

/// Whether two values are the same to the last digit: 1.0 and 1.00 are equal but not the same.
fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Numeric(x), Value::Numeric(y)) => match (x.as_ref(), y.as_ref()) {
            (Numeric::Finite(x), Numeric::Finite(y)) => {
                x == y && x.fractional_digit_count() == y.fractional_digit_count()
            }
            (x, y) => x == y,
        },
        (Value::Float8(x), Value::Float8(y)) => x.to_bits() == y.to_bits(),
        (Value::Jsonb(x), Value::Jsonb(y)) => x.0 == y.0,
        (a, b) => a == b,
    }
}

/// The rows of RETURNING, computed as the statement goes on and handed out when it is done.
pub struct Returned<'p> {
    returning: Option<&'p Returning>,
    rows: Vec<Row>,
}

impl<'p> Returned<'p> {
    /// No rows yet.
    pub const fn new(returning: Option<&'p Returning>) -> Self {
        Self { returning, rows: Vec::new() }
    }

    /// Adds what is returned of a row; the transaction remembers which counters the client has seen.
    pub fn push(
        &mut self,
        table: &Arc<TableDef>,
        key: &RowKey,
        row: &[Value],
        ctx: &mut ExecContext<'_>,
    ) -> Result<()> {
        self.compute(row, ctx)?;
        let counters = self.returning.map(|returning| returning.counters.as_slice()).unwrap_or_default();
        if let Some(baselines) = &mut ctx.baselines {
            for slot in counters {
                if let Some(value) = row.get(*slot) {
                    baselines.returned(table, key, *slot, value.clone());
                }
            }
        }
        Ok(())
    }

    /// Adds what is returned of a row that is gone.
    pub fn compute(&mut self, row: &[Value], ctx: &ExecContext<'_>) -> Result<()> {
        let Some(returning) = self.returning else { return Ok(()) };
        let eval_ctx = ctx.eval();
        let computed: Result<Row> = returning.exprs.iter().map(|expr| eval(expr, row, &eval_ctx)).collect();
        let computed = computed?;
        ctx.statement.budget.charge(super::context::row_bytes(&computed))?;
        self.rows.push(computed);
        Ok(())
    }

    /// All of them; none if nothing is returned.
    pub fn into_rows(self) -> Option<Vec<Row>> {
        Some(self.rows).filter(|rows| !rows.is_empty())
    }
}
