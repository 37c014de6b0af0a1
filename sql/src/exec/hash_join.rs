//! A join by equal keys: the right side is read into a hash table, the left side looks its rows up.

use heliosdb_storage::Row;
use heliosdb_storage::value::Value;

use super::context::{ExecContext, Reservation, row_bytes};
use super::hash::hash_values;
use super::join::{Emit, nulls};
use super::{BATCH_ROWS, Operator, build, mismatch};
use crate::error::Result;
use crate::eval::{EvalContext, compare, eval};
use crate::expr::Expr;
use crate::plan::{HashJoin, Plan};

/// Marks the end of a chain of rows with one hash.
const NONE: u32 = u32::MAX;

/// A join by equal keys.
pub struct Join {
    left: Box<dyn Operator>,
    /// Left rows that have not been looked up yet.
    pending: std::vec::IntoIter<Row>,
    table: Option<Table>,
    /// Where the right rows without partner are handed on, once the left side is at its end.
    lonely_at: Option<usize>,
    memory: Reservation,
}

/// The right side: rows in chains by their hashes.
#[derive(Default)]
struct Table {
    rows: Vec<Row>,
    /// The keys of the rows, one after the other.
    keys: Vec<Value>,
    hashes: Vec<u64>,
    /// The next row of the same bucket.
    next: Vec<u32>,
    buckets: Vec<u32>,
    /// Whether each row has found a partner; kept if it matters.
    has_partner: Vec<bool>,
    key_width: usize,
}

impl Join {
    /// A join of two inputs.
    pub fn new(join: &HashJoin) -> Self {
        Self {
            left: build(&join.left),
            pending: Vec::new().into_iter(),
            table: None,
            lonely_at: None,
            memory: Reservation::default(),
        }
    }

    fn read(&mut self, join: &HashJoin, ctx: &mut ExecContext<'_>) -> Result<Table> {
        self.memory.of(&ctx.statement.budget);
        let mut table = Table { key_width: join.right_keys.len(), ..Table::default() };
        let mut right = build(&join.right);
        let mut key = Vec::with_capacity(join.right_keys.len());
        while let Some(rows) = right.next_batch(&join.right, ctx)? {
            ctx.check_cancelled()?;
            let eval_ctx = ctx.eval();
            for row in rows {
                let is_null = !read_key(&join.right_keys, &row, &eval_ctx, &mut key)?;
                if is_null && !join.kind.keeps_right() {
                    continue;
                }
                // The row, its key and their places in the table.
                self.memory.grow(row_bytes(&row) + row_bytes(&key))?;
                table.push(row, &mut key, is_null);
            }
        }
        table.link();
        if join.kind.keeps_right() {
            table.has_partner = vec![false; table.rows.len()];
        }
        Ok(table)
    }

    /// The right rows that nobody wanted.
    fn lonely(&mut self, join: &HashJoin, ctx: &ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let (Some(table), Some(mut at)) = (&self.table, self.lonely_at) else { return Ok(None) };
        let emit = Emit { kind: join.kind, on: None, output: &join.output };
        let left = nulls(join.output.left_width);
        let eval = ctx.eval();
        let mut out = Vec::new();
        while out.len() < BATCH_ROWS
            && let (Some(right), Some(has_partner)) = (table.rows.get(at), table.has_partner.get(at))
        {
            if !has_partner {
                emit.lonely_right(&left, right, &eval, &mut out)?;
            }
            at += 1;
        }
        self.lonely_at = Some(at);
        Ok(Some(out).filter(|rows| !rows.is_empty()))
    }
}

/// Computes the values of keys; false if one is NULL, which equals nothing.
fn read_key(exprs: &[Expr], row: &[Value], ctx: &EvalContext<'_>, key: &mut Vec<Value>) -> Result<bool> {
    key.clear();
    let mut complete = true;
    for expr in exprs {
        let value = eval(expr, row, ctx)?;
        complete &= !value.is_null();
        key.push(value);
    }
    Ok(complete)
}

impl Table {
    fn push(&mut self, row: Row, key: &mut Vec<Value>, is_null: bool) {
        // What has a NULL in its key is in no bucket: it has no partner.
        self.hashes.push(if is_null { 0 } else { hash_values(key) });
        self.next.push(if is_null { NONE - 1 } else { NONE });
        self.keys.append(key);
        self.rows.push(row);
    }

    /// Puts the rows into buckets, the first one of each last, so that partners come in the order of the right side.
    fn link(&mut self) {
        let size = self.rows.len().next_power_of_two().max(1);
        self.buckets = vec![NONE; size];
        for at in (0..self.rows.len()).rev() {
            let (Some(hash), Some(next)) = (self.hashes.get(at), self.next.get_mut(at)) else { continue };
            if *next == NONE - 1 {
                continue;
            }
            let Some(bucket) = self.buckets.get_mut(bucket_of(*hash, size)) else { continue };
            *next = *bucket;
            *bucket = u32::try_from(at).unwrap_or(NONE);
        }
    }

    /// The joined rows of one left row.
    fn pairs(
        &mut self,
        join: &HashJoin,
        left: Row,
        key: &mut Vec<Value>,
        ctx: &EvalContext<'_>,
        out: &mut Vec<Row>,
    ) -> Result<()> {
        let emit = Emit { kind: join.kind, on: join.on.as_ref(), output: &join.output };
        let mut found = false;
        if read_key(&join.left_keys, &left, ctx, key)? {
            let hash = hash_values(key);
            let mut at = self.buckets.get(bucket_of(hash, self.buckets.len())).copied().unwrap_or(NONE);
            while let Some(index) = usize::try_from(at).ok().filter(|_| at != NONE) {
                at = self.next.get(index).copied().unwrap_or(NONE);
                if self.hashes.get(index) != Some(&hash) || !self.has_key(index, key) {
                    continue;
                }
                let Some(right) = self.rows.get(index) else { continue };
                if emit.pair(&left, right, ctx, out)? {
                    found = true;
                    if let Some(has_partner) = self.has_partner.get_mut(index) {
                        *has_partner = true;
                    }
                    if join.kind.is_half() {
                        break;
                    }
                }
            }
        }
        emit.lonely_left(left, found, ctx, out)
    }

    fn has_key(&self, at: usize, key: &[Value]) -> bool {
        let start = at * self.key_width;
        let own = self.keys.get(start..start + self.key_width).unwrap_or_default();
        own.iter().zip(key).all(|(a, b)| compare(a, b).is_eq())
    }
}

fn bucket_of(hash: u64, size: usize) -> usize {
    usize::try_from(hash & (u64::MAX >> 1)).unwrap_or(0) & size.saturating_sub(1)
}

impl Operator for Join {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::HashJoin(join) = plan else { return Err(mismatch()) };
        if self.table.is_none() {
            self.table = Some(self.read(join, ctx)?);
        }
        if self.lonely_at.is_some() {
            return self.lonely(join, ctx);
        }
        let mut key = Vec::with_capacity(join.left_keys.len());
        loop {
            ctx.check_cancelled()?;
            let mut out = Vec::new();
            let eval_ctx = ctx.eval();
            let Some(table) = &mut self.table else { return Ok(None) };
            while out.len() < BATCH_ROWS
                && let Some(left) = self.pending.next()
            {
                table.pairs(join, left, &mut key, &eval_ctx, &mut out)?;
            }
            if !out.is_empty() {
                return Ok(Some(out));
            }
            match self.left.next_batch(&join.left, ctx)? {
                Some(rows) => self.pending = rows.into_iter(),
                None => break,
            }
        }
        if join.kind.keeps_right() {
            self.lonely_at = Some(0);
            return self.lonely(join, ctx);
        }
        Ok(None)
    }
}
