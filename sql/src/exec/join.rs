//! What all joins do with a pair of rows: judge it, and hand on what is wanted of it.

use heliosdb_storage::Row;
use heliosdb_storage::value::Value;

use crate::error::Result;
use crate::eval::{EvalContext, is_true};
use crate::expr::Expr;
use crate::plan::{JoinKind, JoinOutput};

/// What a join does with pairs.
#[derive(Clone, Copy)]
pub struct Emit<'p> {
    pub kind: JoinKind,
    /// What must hold of partners.
    pub on: Option<&'p Expr>,
    pub output: &'p JoinOutput,
}

/// A row of NULLs.
pub fn nulls(width: usize) -> Row {
    vec![Value::Null; width]
}

impl Emit<'_> {
    /// Judges a pair; whether the two are partners. Their joined row is handed on, if the kind of the join wants it.
    pub fn pair(&self, left: &[Value], right: &[Value], ctx: &EvalContext<'_>, out: &mut Vec<Row>) -> Result<bool> {
        if self.on.is_none() && self.output.filter.is_none() {
            if !self.kind.is_half() {
                out.push(self.picked(left, right));
            }
            return Ok(true);
        }
        let pair = joined(left, right);
        if let Some(on) = self.on
            && !is_true(on, &pair, ctx)?
        {
            return Ok(false);
        }
        if !self.kind.is_half() {
            self.hand_on(pair, ctx, out)?;
        }
        Ok(true)
    }

    /// A left row once all its partners are known: for the kinds of joins that want it then.
    pub fn lonely_left(&self, left: Row, has_partner: bool, ctx: &EvalContext<'_>, out: &mut Vec<Row>) -> Result<()> {
        match self.kind {
            JoinKind::Semi if has_partner => out.push(self.half(left)),
            JoinKind::Anti if !has_partner => out.push(self.half(left)),
            kind if kind.keeps_left() && !has_partner => {
                let mut pair = left;
                pair.resize(pair.len() + self.output.right_width, Value::Null);
                self.hand_on(pair, ctx, out)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// A right row without partner; `left` is a row of NULLs.
    pub fn lonely_right(
        &self,
        left: &[Value],
        right: &[Value],
        ctx: &EvalContext<'_>,
        out: &mut Vec<Row>,
    ) -> Result<()> {
        self.hand_on(joined(left, right), ctx, out)
    }

    fn hand_on(&self, pair: Row, ctx: &EvalContext<'_>, out: &mut Vec<Row>) -> Result<()> {
        if let Some(filter) = &self.output.filter
            && !is_true(filter, &pair, ctx)?
        {
            return Ok(());
        }
        out.push(match &self.output.columns {
            None => pair,
            Some(columns) => columns.iter().map(|at| pair.get(*at).cloned().unwrap_or(Value::Null)).collect(),
        });
        Ok(())
    }

    fn picked(&self, left: &[Value], right: &[Value]) -> Row {
        match &self.output.columns {
            None => joined(left, right),
            Some(columns) => columns
                .iter()
                .map(|at| {
                    let value = match at.checked_sub(left.len()) {
                        None => left.get(*at),
                        Some(at) => right.get(at),
                    };
                    value.cloned().unwrap_or(Value::Null)
                })
                .collect(),
        }
    }

    fn half(&self, left: Row) -> Row {
        match &self.output.columns {
            None => left,
            Some(columns) => columns.iter().map(|at| left.get(*at).cloned().unwrap_or(Value::Null)).collect(),
        }
    }
}

/// A pair of rows.
pub fn joined(left: &[Value], right: &[Value]) -> Row {
    let mut pair = Row::with_capacity(left.len() + right.len());
    pair.extend_from_slice(left);
    pair.extend_from_slice(right);
    pair
}
