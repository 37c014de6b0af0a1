//! A join of two sides that come in the order of their keys: both are walked once; of the right side the rows of one key
//! are kept, because several left rows may have it.

use std::cmp::Ordering;

use heliosdb_storage::Row;
use heliosdb_storage::value::Value;

use super::context::{ExecContext, Reservation};
use super::join::{Emit, nulls};
use super::sort::compare_keys;
use super::{BATCH_ROWS, Operator, build, mismatch};
use crate::error::Result;
use crate::eval::eval;
use crate::expr::Expr;
use crate::plan::{MergeJoin, Plan, SortKey};

/// A join of two ordered sides.
pub struct Merge {
    left: Side,
    right: Side,
    group: Group,
    memory: Reservation,
    /// Whether the left side is at its end, and what is left of the right one is handed on.
    is_left_done: bool,
}

/// One side.
struct Side {
    operator: Box<dyn Operator>,
    rows: std::vec::IntoIter<Row>,
    /// The row that comes next, with its key.
    peeked: Option<Keyed>,
    is_done: bool,
}

struct Keyed {
    row: Row,
    key: Vec<Value>,
}

/// The rows of the right side with one key.
#[derive(Default)]
struct Group {
    key: Option<Vec<Value>>,
    rows: Vec<(Row, bool)>,
}

impl Keyed {
    fn has_null(&self) -> bool {
        self.key.iter().any(Value::is_null)
    }
}

impl Side {
    fn new(plan: &Plan) -> Self {
        Self { operator: build(plan), rows: Vec::new().into_iter(), peeked: None, is_done: false }
    }

    /// Makes sure that the next row is known; false at the end.
    fn peek<'k>(
        &mut self,
        plan: &Plan,
        keys: impl Iterator<Item = &'k Expr>,
        ctx: &mut ExecContext<'_>,
    ) -> Result<bool> {
        if self.peeked.is_some() {
            return Ok(true);
        }
        loop {
            if let Some(row) = self.rows.next() {
                let eval_ctx = ctx.eval();
                let key: Result<Vec<Value>> = keys.map(|key| eval(key, &row, &eval_ctx)).collect();
                self.peeked = Some(Keyed { key: key?, row });
                return Ok(true);
            }
            if self.is_done {
                return Ok(false);
            }
            match self.operator.next_batch(plan, ctx)? {
                Some(rows) => self.rows = rows.into_iter(),
                None => self.is_done = true,
            }
        }
    }
}

impl Merge {
    /// A join of two inputs.
    pub fn new(join: &MergeJoin) -> Self {
        Self {
            left: Side::new(&join.left),
            right: Side::new(&join.right),
            group: Group::default(),
            memory: Reservation::default(),
            is_left_done: false,
        }
    }

    fn peek_right(&mut self, join: &MergeJoin, ctx: &mut ExecContext<'_>) -> Result<bool> {
        self.right.peek(&join.right, join.right_keys.iter(), ctx)
    }

    /// Brings the right side to the key of a left row.
    fn advance_right(
        &mut self,
        join: &MergeJoin,
        key: &[Value],
        ctx: &mut ExecContext<'_>,
        out: &mut Vec<Row>,
    ) -> Result<()> {
        if self.group.key.as_ref().is_some_and(|known| compare_keys(&join.left_keys, known, key).is_ge()) {
            return Ok(());
        }
        self.drop_group(join, ctx, out)?;
        while self.peek_right(join, ctx)? {
            let Some(next) = &self.right.peeked else { break };
            let order = compare_keys(&join.left_keys, &next.key, key);
            if order == Ordering::Greater && !next.has_null() {
                break;
            }
            if next.has_null() || order == Ordering::Less {
                // A NULL may stand before or behind the key; it has no partner in any case.
                if next.has_null() && order != Ordering::Less {
                    break;
                }
                self.pass_right(join, ctx, out)?;
                continue;
            }
            self.read_group(join, ctx)?;
            break;
        }
        Ok(())
    }

    /// Reads the rows that have the key of the next right row.
    fn read_group(&mut self, join: &MergeJoin, ctx: &mut ExecContext<'_>) -> Result<()> {
        self.memory = Reservation::default();
        self.memory.of(&ctx.statement.budget);
        while self.peek_right(join, ctx)? {
            let Some(next) = &self.right.peeked else { break };
            match &self.group.key {
                None => self.group.key = Some(next.key.clone()),
                Some(key) if compare_keys(&join.left_keys, key, &next.key).is_ne() => break,
                Some(_) => {}
            }
            if let Some(next) = self.right.peeked.take() {
                self.memory.grow_rows(std::slice::from_ref(&next.row))?;
                self.group.rows.push((next.row, false));
            }
        }
        Ok(())
    }

    /// Hands on the next right row by itself, if the kind of the join wants it.
    fn pass_right(&mut self, join: &MergeJoin, ctx: &ExecContext<'_>, out: &mut Vec<Row>) -> Result<()> {
        let Some(next) = self.right.peeked.take() else { return Ok(()) };
        if join.kind.keeps_right() {
            let emit = Emit { kind: join.kind, on: None, output: &join.output };
            emit.lonely_right(&nulls(join.output.left_width), &next.row, &ctx.eval(), out)?;
        }
        Ok(())
    }

    /// Lets go of the kept right rows; those without partner are handed on, if the kind of the join wants it.
    fn drop_group(&mut self, join: &MergeJoin, ctx: &ExecContext<'_>, out: &mut Vec<Row>) -> Result<()> {
        self.group.key = None;
        let rows = std::mem::take(&mut self.group.rows);
        if join.kind.keeps_right() {
            let emit = Emit { kind: join.kind, on: None, output: &join.output };
            let left = nulls(join.output.left_width);
            let eval = ctx.eval();
            for (right, _) in rows.iter().filter(|(_, has_partner)| !has_partner) {
                emit.lonely_right(&left, right, &eval, out)?;
            }
        }
        Ok(())
    }

    fn step(&mut self, join: &MergeJoin, ctx: &mut ExecContext<'_>, out: &mut Vec<Row>) -> Result<bool> {
        ctx.check_cancelled()?;
        let left_keys = join.left_keys.iter().map(|key: &SortKey| &key.expr);
        if !self.left.peek(&join.left, left_keys, ctx)? {
            return Ok(false);
        }
        let Some(left) = self.left.peeked.take() else { return Ok(false) };
        let emit = Emit { kind: join.kind, on: join.on.as_ref(), output: &join.output };
        let mut found = false;
        if !left.has_null() {
            self.advance_right(join, &left.key, ctx, out)?;
            let is_equal =
                self.group.key.as_ref().is_some_and(|key| compare_keys(&join.left_keys, key, &left.key).is_eq());
            if is_equal {
                let eval = ctx.eval();
                for (right, has_partner) in &mut self.group.rows {
                    if emit.pair(&left.row, right, &eval, out)? {
                        *has_partner = true;
                        found = true;
                        if join.kind.is_half() {
                            break;
                        }
                    }
                }
            }
        }
        emit.lonely_left(left.row, found, &ctx.eval(), out)?;
        Ok(true)
    }
}

impl Operator for Merge {
    fn next_batch(&mut self, plan: &Plan, ctx: &mut ExecContext<'_>) -> Result<Option<Vec<Row>>> {
        let Plan::MergeJoin(join) = plan else { return Err(mismatch()) };
        let mut out = Vec::new();
        while out.len() < BATCH_ROWS && !self.is_left_done {
            if !self.step(join, ctx, &mut out)? {
                self.is_left_done = true;
                self.drop_group(join, ctx, &mut out)?;
            }
        }
        if self.is_left_done && join.kind.keeps_right() {
            while out.len() < BATCH_ROWS && self.peek_right(join, ctx)? {
                self.pass_right(join, ctx, &mut out)?;
            }
        }
        Ok(Some(out).filter(|rows| !rows.is_empty()))
    }
}
