//! The frame of a row: which rows of its partition a window function looks at.

use std::cmp::Ordering;
use std::ops::Range;

use heliosdb_storage::value::Value;

use super::Partition;
use crate::error::{Result, SqlError, SqlState};
use crate::eval::{EvalContext, compare, eval};
use crate::functions::in_range::{self, Edge};
use crate::plan::{Exclusion, Frame, FrameBound, FrameUnits, SortKey};

/// A frame with its offsets computed: they are the same for all rows.
pub struct FrameRule<'p> {
    frame: &'p Frame,
    order: &'p [SortKey],
    start: Option<Value>,
    end: Option<Value>,
}

/// Which bound of a frame it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Start,
    End,
}

impl<'p> FrameRule<'p> {
    /// Computes the offsets.
    pub fn new(frame: &'p Frame, order: &'p [SortKey], ctx: &EvalContext<'_>) -> Result<Self> {
        let offset = |bound: &FrameBound, side: &str| -> Result<Option<Value>> {
            let (FrameBound::Preceding(expr) | FrameBound::Following(expr)) = bound else { return Ok(None) };
            let value = eval(expr, &[], ctx)?;
            let refused =
                |state, what: &str| Err(SqlError::new(state, format!("frame {side} offset must not be {what}")));
            match &value {
                Value::Null => refused(SqlState::NULL_VALUE_NOT_ALLOWED, "null"),
                Value::Int8(n) if *n < 0 && frame.units != FrameUnits::Range => {
                    refused(SqlState::INVALID_PRECEDING_OR_FOLLOWING_SIZE, "negative")
                }
                _ => Ok(Some(value)),
            }
        };
        let (start, end) = (offset(&frame.start, "starting")?, offset(&frame.end, "ending")?);
        Ok(Self { frame, order, start, end })
    }

    /// Whether the frame begins with the partition and nothing is left out of it: then it only grows from row to row.
    pub fn only_grows(&self) -> bool {
        matches!(self.frame.start, FrameBound::UnboundedPreceding) && self.frame.exclusion == Exclusion::NoOthers
    }

    /// The frame of a row, before anything is excluded.
    pub fn range(&self, partition: &Partition, row: usize) -> Result<Range<usize>> {
        let start = self.edge(Side::Start, &self.frame.start, self.start.as_ref(), partition, row)?;
        let end = self.edge(Side::End, &self.frame.end, self.end.as_ref(), partition, row)?;
        Ok(start..end.max(start))
    }

    /// Whether rows may be left out.
    pub fn excludes_any(&self) -> bool {
        self.frame.exclusion != Exclusion::NoOthers
    }

    /// Whether a row of the frame is left out.
    pub fn excludes(&self, partition: &Partition, row: usize, other: usize) -> bool {
        let is_peer = || partition.peers(row).contains(&other);
        match self.frame.exclusion {
            Exclusion::NoOthers => false,
            Exclusion::CurrentRow => other == row,
            Exclusion::Group => is_peer(),
            Exclusion::Ties => other != row && is_peer(),
        }
    }

    fn edge(
        &self,
        side: Side,
        bound: &FrameBound,
        offset: Option<&Value>,
        partition: &Partition,
        row: usize,
    ) -> Result<usize> {
        let rows = partition.rows.len();
        let subtract = match bound {
            FrameBound::UnboundedPreceding => return Ok(0),
            FrameBound::UnboundedFollowing => return Ok(rows),
            FrameBound::CurrentRow => {
                let own = if self.frame.units == FrameUnits::Rows { row..row + 1 } else { partition.peers(row) };
                return Ok(if side == Side::Start { own.start } else { own.end });
            }
            FrameBound::Preceding(_) => true,
            FrameBound::Following(_) => false,
        };
        let Some(offset) = offset else { return Ok(0) };
        match self.frame.units {
            FrameUnits::Rows => {
                let at =
                    moved(row, offset, subtract).map(|at| if side == Side::End { at.saturating_add(1) } else { at });
                Ok(at.unwrap_or(0).min(rows))
            }
            FrameUnits::Groups => Ok(match moved(partition.group_of(row), offset, subtract) {
                None => 0,
                Some(group) => {
                    let range = partition.group(group);
                    if side == Side::Start { range.start } else { range.end }
                }
            }),
            FrameUnits::Range => self.range_edge(side, offset, subtract, partition, row),
        }
    }

    fn range_edge(
        &self,
        side: Side,
        offset: &Value,
        subtract: bool,
        partition: &Partition,
        row: usize,
    ) -> Result<usize> {
        let Some(key) = self.order.first() else { return Ok(0) };
        let Some(base) = partition.key(row).first() else { return Ok(0) };
        // NULL is in the range of NULL only.
        if base.is_null() {
            let peers = partition.peers(row);
            return Ok(if side == Side::Start { peers.start } else { peers.end });
        }
        let edge = in_range::edge(base, offset, subtract != key.descending)?;
        let known = partition.not_null();
        // How a value lies to the edge, in the order of the partition.
        let place = |at: usize| -> Ordering {
            let Some(value) = partition.key(at).first() else { return Ordering::Equal };
            let ordering = match &edge {
                Edge::BeforeAll => Ordering::Greater,
                Edge::AfterAll => Ordering::Less,
                Edge::At(edge) => compare(value, edge),
            };
            if key.descending { ordering.reverse() } else { ordering }
        };
        let is_before = |at: usize| match side {
            Side::Start => place(at).is_lt(),
            Side::End => place(at).is_le(),
        };
        Ok(partition_point(known, is_before))
    }
}

/// The first position of a range that is not before; the range's end if all are.
fn partition_point(range: Range<usize>, is_before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (range.start, range.end);
    while low < high {
        let middle = low + (high - low) / 2;
        if is_before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

/// A position moved by an offset; none if that is before the first.
fn moved(at: usize, offset: &Value, back: bool) -> Option<usize> {
    let Value::Int8(offset) = offset else { return Some(at) };
    let offset = usize::try_from(*offset).unwrap_or(usize::MAX);
    if back { at.checked_sub(offset) } else { Some(at.saturating_add(offset)) }
}
