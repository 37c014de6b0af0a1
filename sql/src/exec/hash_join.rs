//! A join by equal keys: the right side is read into a hash table, the left side looks its rows up.

use std::collections::HashMap;

use heliosdb_storage::Row;
use heliosdb_storage::value::Value;

use super::context::{ExecContext, row_bytes};
use super::hash::HashKey;
use super::nested_loop::joined;
use super::{BATCH_ROWS, Operator, build, mismatch};
use crate::error::Result;
use crate::eval::{EvalContext, eval, is_true};
use crate::expr::Expr;
use crate::plan::{HashJoin, JoinKind, Plan};

/// A join by equal keys.
pub struct Join {
    left: Box<dyn Operator>,
    /// Left rows that have not been looked up yet.
    pending: std::vec::IntoIter<Row>,
    table: Option<Table>,
}

/// The right side.
#[derive(Default)]
struct Table {
    rows: Vec<Row>,
    /// Whether each row has found a partner; kept for FULL only.
    has_partner: Vec<bool>,
    by_key: HashMap<HashKey, Vec<usize>>,
}

impl Join {
    /// A join of two inputs.
    pub fn new(join: &HashJoin) -> Self {
        Self { left: build(&join.left), pending: Vec::new().into_iter(), table: None }
    }
}

/// The values of keys; none if one is NULL, which equals nothing.
fn key(exprs: &[Expr], row: &[Value], ctx: &EvalContext<'_>) -> Result<Option<HashKey>> {
    let mut values = Vec::with_capacity(exprs.len());
    for expr in exprs {
        let value = eval(expr, row, ctx)?;
        if value.is_null() {
            return Ok(None);
        }
        values.push(value);
    }
    Ok(Some(HashKey(values)))
}

impl Table {
    fn read(join: &HashJoin, ctx: &mut ExecContext<'_>) -> Result<Self> {
        let mut table = Self::default();
        let mut right = build(&join.right);
        while let Some(rows) = right.next_batch(&join.right, ctx)? {
            let eval_ctx = ctx.eval();
            for row in rows {
                let key = key(&join.right_keys, &row, &eval_ctx)?;
                if key.is_none() && join.kind != JoinKind::Full {
                    continue;
                }
                // The row, its key and their places in the table.
                ctx.statement.budget.charge(2 * row_bytes(&row) + 48)?;
                if let Some(key) = key {
                    table.by_key.entry(key).or_default().push(table.rows.len());
                }
                table.rows.push(row);
            }
        }
        table.has_partner = vec![false; table.rows.len()];
        Ok(table)
    }

    fn pairs(&mut self, join: &HashJoin, left: Row, ctx: &EvalContext<'_>, out: &mut Vec<Row>) -> Result<()> {
        let before = out.len();
        if let Some(key) = key(&join.left_keys, &left, ctx)? {
            for at in self.by_key.get(&key).into_iter().flatten() {
                let Some(right) = self.rows.get(*at) else { continue };
                let pair = joined(&left, right);
                let matches = match &join.on {
                    Some(on) => is_true(on, &pair, ctx)?,
                    None => true,
                };
                if matches {
                    if let Some(has_partner) = self.has_partner.get_mut(*at) {
                        *has_partner = true;
                    }
                    out.push(pair);
                }
            }
        }
        if out.len() == before && join.kind != JoinKind::Inner {
            let mut pair = left;
            pair.resize(pair.len() + join.right_width, Value::Null);
            out.push(pair);
        }
        Ok(())
    }

    fn lonely(&mut self, left_width: usize) -> Vec<Row> {
        let rows = std::mem::take(&mut self.rows);
        rows.into_iter()
            .zip(&self.has_partner)
            .filter(|(_, has_partner)| !**has_partner)
            .map(|(right, _)| {
                let mut pair = vec![Value::Null; left_width];
                pair.extend(right);
                pair
            })
            .collect()
    }
}

impl Operator for Join {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::HashJoin(join) = plan else { return Err(mismatch()) };
        let table = match &mut self.table {
            Some(table) => table,
            None => self.table.insert(Table::read(join, ctx)?),
        };
        loop {
            ctx.check_cancelled()?;
            let mut out = Vec::new();
            let eval_ctx = ctx.eval();
            while out.len() < BATCH_ROWS
                && let Some(left) = self.pending.next()
            {
                table.pairs(join, left, &eval_ctx, &mut out)?;
            }
            if !out.is_empty() {
                return Ok(Some(out));
            }
            match self.left.next_batch(&join.left, ctx)? {
                Some(rows) => self.pending = rows.into_iter(),
                None => break,
            }
        }
        if join.kind == JoinKind::Full {
            let rest = table.lonely(join.left_width);
            return Ok(Some(rest).filter(|rows| !rows.is_empty()));
        }
        Ok(None)
    }
}
