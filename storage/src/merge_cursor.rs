//! Walking what is committed and what a transaction has written as if it were one map.

use std::cmp::Ordering;
use std::ops::Bound;

use bytes::Bytes;

use crate::base::{BaseEntry, BaseRange, Space};
use crate::error::Result;
use crate::key::KeyRange;
use crate::overlay::Overlay;
use crate::transaction::Direction;
use crate::view::ReadView;

/// Which of a transaction's own writes a reader sees.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sees {
    /// Those of commands before this one.
    Before(u32),
    /// All.
    Newest,
}

/// A position in the union of a space at one moment and a transaction's writes to it. It borrows neither: the base is
/// read by an iterator of its own, and the overlay, which changes meanwhile, is searched again with every call.
pub(crate) struct MergeCursor {
    space: Space,
    base: Option<BaseRange>,
    peeked: Option<BaseEntry>,
    /// What is still to come; kept up only if the overlay matters.
    rest: KeyRange,
    direction: Direction,
    sees: Sees,
    /// Whether the overlay can have anything this cursor sees. Later commands cannot add to it.
    is_merging: bool,
}

impl MergeCursor {
    pub(crate) fn new(
        view: &ReadView,
        overlay: &Overlay,
        space: Space,
        range: KeyRange,
        direction: Direction,
        sees: Sees,
    ) -> Result<Self> {
        let base = match view.space(space)? {
            Some(table) => Some(table.range(&range, direction)?),
            None => None,
        };
        let is_merging = overlay.has_writes_to(space);
        Ok(Self { space, base, peeked: None, rest: range, direction, sees, is_merging })
    }

    /// Calls the function on up to `max` entries; false at the end.
    pub(crate) fn advance(
        &mut self,
        overlay: &Overlay,
        max: usize,
        each: impl FnMut(&[u8], &[u8]) -> Result<()>,
    ) -> Result<bool> {
        if self.is_merging { self.advance_merging(overlay, max, each) } else { self.advance_base(max, each) }
    }

    fn advance_base(&mut self, max: usize, mut each: impl FnMut(&[u8], &[u8]) -> Result<()>) -> Result<bool> {
        let Some(base) = self.base.as_mut() else { return Ok(false) };
        for _ in 0..max {
            let Some(entry) = base.next() else {
                self.base = None;
                return Ok(false);
            };
            let entry = entry?;
            each(entry.key(), entry.value())?;
        }
        Ok(true)
    }

    fn advance_merging(
        &mut self,
        overlay: &Overlay,
        max: usize,
        mut each: impl FnMut(&[u8], &[u8]) -> Result<()>,
    ) -> Result<bool> {
        let mut own = overlay.range(self.space, &self.rest, self.direction, self.sees).peekable();
        let mut last: Option<Bytes> = None;
        let mut has_more = true;
        let mut given = 0;
        while given < max {
            if self.peeked.is_none() {
                self.peeked = self.base.as_mut().and_then(Iterator::next).transpose()?;
            }
            let order = match (&self.peeked, own.peek()) {
                (None, None) => {
                    has_more = false;
                    break;
                }
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(entry), Some((key, _))) => match self.direction {
                    Direction::Forward => entry.key().cmp(key),
                    Direction::Backward => entry.key().cmp(key).reverse(),
                },
            };
            if order == Ordering::Less {
                if let Some(entry) = self.peeked.take() {
                    each(entry.key(), entry.value())?;
                    given += 1;
                }
                continue;
            }
            if order == Ordering::Equal {
                self.peeked = None;
            }
            if let Some((key, value)) = own.next() {
                if let Some(value) = value {
                    each(key, value)?;
                    given += 1;
                }
                last = Some(key.clone());
            }
        }
        drop(own);
        // Only the overlay is searched again, so only its own last key matters.
        if let Some(last) = last {
            match self.direction {
                Direction::Forward => self.rest.start = Bound::Excluded(last),
                Direction::Backward => self.rest.end = Bound::Excluded(last),
            }
        }
        Ok(has_more)
    }
}
