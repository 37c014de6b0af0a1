//! A place in the rows of a query, which moves forwards and backwards: what FETCH and MOVE move.
//!
//! ```text
//!  before the first │ row 1 │ row 2 │ … │ row n │ behind the last
//!  position 0         1       2           n       n, at_end
//! ```
//!
//! Going backwards needs the rows that have gone by. SCROLL keeps them all, within [`MAX_KEPT_BYTES`]; a cursor that was
//! declared without a word about it keeps them up to [`MAX_CASUAL_BYTES`] and can only go forwards afterwards; NO SCROLL
//! and the protocol's portals keep none.

use heliosdb_storage::Row;

use super::Session;
use super::portal::Portal;
use crate::error::{Result, SqlError, SqlState};
use crate::exec::context::row_bytes;
use crate::parse::session::Direction;

/// How much a SCROLL cursor keeps, and one WITH HOLD at COMMIT.
pub const MAX_KEPT_BYTES: usize = 64 * 1024 * 1024;
/// How much a cursor keeps that has not been asked to.
pub const MAX_CASUAL_BYTES: usize = 1024 * 1024;
/// Rows that are skipped at once.
const SKIP_ROWS: u64 = 256;

/// Which rows stay for a way back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Keep {
    /// None.
    Nothing,
    /// All, as long as they are few.
    WhileFew,
    /// All.
    All,
}

/// A place in the rows of a query.
pub(super) struct Cursor {
    /// Where rows come from; none once all are kept.
    portal: Option<Portal>,
    keep: Keep,
    kept: Vec<Row>,
    kept_bytes: usize,
    /// The number of the first row that is kept.
    first_kept: u64,
    position: u64,
    at_end: bool,
}

/// One movement of a cursor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// So many rows forwards; all if none.
    Forward(Option<u64>),
    /// So many rows backwards; all if none.
    Backward(Option<u64>),
    /// To before the first row.
    Rewind,
}

impl Cursor {
    pub fn new(portal: Portal, keep: Keep) -> Self {
        Self { portal: Some(portal), keep, kept: Vec::new(), kept_bytes: 0, first_kept: 1, position: 0, at_end: false }
    }

    /// Whether it is on a row.
    pub const fn is_on_row(&self) -> bool {
        self.position > 0 && !self.at_end
    }

    /// Whether it has gone by the last row.
    pub const fn is_at_end(&self) -> bool {
        self.at_end
    }

    /// What FETCH or MOVE in a direction comes to: movements whose rows nobody wants, and the one whose rows are the
    /// result. It depends on where the cursor is, as it does in PostgreSQL.
    pub fn steps(&self, direction: Direction) -> (Vec<Step>, Step) {
        let one = Some(1);
        match direction {
            Direction::Absolute(0) => (vec![Step::Rewind], Step::Forward(Some(0))),
            Direction::Absolute(number @ 1..) => (self.to_before(number.unsigned_abs()), Step::Forward(one)),
            Direction::Absolute(from_end) => {
                let mut skipped = vec![Step::Forward(None)];
                skipped.extend(back(from_end.unsigned_abs() - 1));
                (skipped, Step::Backward(one))
            }
            Direction::Relative(0) | Direction::Forward(Some(0)) | Direction::Backward(Some(0)) => {
                if self.is_on_row() {
                    (vec![Step::Backward(one)], Step::Forward(one))
                } else {
                    (Vec::new(), Step::Forward(Some(0)))
                }
            }
            Direction::Relative(n @ 1..) => {
                let skipped = n.unsigned_abs() - 1;
                ((skipped > 0).then_some(Step::Forward(Some(skipped))).into_iter().collect(), Step::Forward(one))
            }
            Direction::Relative(n) => (back(n.unsigned_abs() - 1).collect(), Step::Backward(one)),
            Direction::Forward(None) => (Vec::new(), Step::Forward(None)),
            Direction::Backward(None) => (Vec::new(), Step::Backward(None)),
            Direction::Forward(Some(n)) if n < 0 => (Vec::new(), Step::Backward(Some(n.unsigned_abs()))),
            Direction::Backward(Some(n)) if n < 0 => (Vec::new(), Step::Forward(Some(n.unsigned_abs()))),
            Direction::Forward(Some(n)) => (Vec::new(), Step::Forward(Some(n.unsigned_abs()))),
            Direction::Backward(Some(n)) => (Vec::new(), Step::Backward(Some(n.unsigned_abs()))),
        }
    }

    /// To the place before a row: from the beginning if that is nearer.
    fn to_before(&self, number: u64) -> Vec<Step> {
        let before = number - 1;
        if before <= self.position / 2 {
            let forward = (before > 0).then_some(Step::Forward(Some(before)));
            return std::iter::once(Step::Rewind).chain(forward).collect();
        }
        let here = if self.at_end { self.position + 1 } else { self.position };
        if number <= here {
            back(here - before).collect()
        } else {
            (before > here).then_some(Step::Forward(Some(before - here))).into_iter().collect()
        }
    }

    /// Moves; says how many rows it went by. They are appended to `out`, if somebody wants them.
    pub fn go(&mut self, session: &mut Session, step: Step, out: Option<&mut Vec<Row>>) -> Result<u64> {
        match step {
            Step::Forward(count) => self.forward(session, count.unwrap_or(u64::MAX), out),
            Step::Backward(count) => self.backward(count.unwrap_or(u64::MAX), out),
            Step::Rewind => self.rewind().map(|()| 0),
        }
    }

    /// MOVE BACKWARD ALL: how many rows it went by.
    pub fn rewind_counting(&mut self) -> Result<u64> {
        let passed = if self.position > 0 && !self.at_end { self.position - 1 } else { self.position };
        self.rewind()?;
        Ok(passed)
    }

    fn rewind(&mut self) -> Result<()> {
        if self.position == 0 && !self.at_end {
            return Ok(());
        }
        self.check_can_go_back()?;
        self.position = 0;
        self.at_end = false;
        Ok(())
    }

    fn check_can_go_back(&self) -> Result<()> {
        if self.keep != Keep::Nothing {
            return Ok(());
        }
        Err(SqlError::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "cursor can only scan forward")
            .with_hint("Declare it with SCROLL option to enable backward scan."))
    }

    fn backward(&mut self, count: u64, mut out: Option<&mut Vec<Row>>) -> Result<u64> {
        self.check_can_go_back()?;
        if self.position == 0 || count == 0 {
            return Ok(0);
        }
        let above = if self.at_end { self.position + 1 } else { self.position };
        let passed = count.min(above - 1);
        if let Some(out) = &mut out {
            out.extend((1..=passed).filter_map(|back| self.kept_row(above - back).cloned()));
        }
        self.at_end &= passed == 0;
        self.position = if passed < count { 0 } else { above - passed };
        Ok(passed)
    }

    fn kept_row(&self, number: u64) -> Option<&Row> {
        self.kept.get(usize::try_from(number.checked_sub(self.first_kept)?).ok()?)
    }

    fn forward(&mut self, session: &mut Session, count: u64, mut out: Option<&mut Vec<Row>>) -> Result<u64> {
        let mut passed = 0;
        let mut fresh = Vec::new();
        while passed < count && !self.at_end {
            if let Some(row) = self.kept_row(self.position + 1) {
                if let Some(out) = &mut out {
                    out.push(row.clone());
                }
                self.position += 1;
                passed += 1;
                continue;
            }
            let wanted = usize::try_from((count - passed).min(SKIP_ROWS)).unwrap_or(1);
            fresh.clear();
            let has_more = match &mut self.portal {
                Some(portal) => portal.advance(session, wanted, &mut fresh)?,
                None => false,
            };
            let got = u64::try_from(fresh.len()).unwrap_or(u64::MAX);
            self.position += got;
            passed += got;
            self.keep_rows(&fresh)?;
            if let Some(out) = &mut out {
                out.append(&mut fresh);
            }
            if !has_more {
                self.portal = None;
                // Exactly what was asked for: whether there is more is found out by the next one who asks.
                self.at_end = passed < count;
            }
        }
        Ok(passed)
    }

    fn keep_rows(&mut self, rows: &[Row]) -> Result<()> {
        let limit = match self.keep {
            Keep::Nothing => return Ok(()),
            Keep::WhileFew => MAX_CASUAL_BYTES,
            Keep::All => MAX_KEPT_BYTES,
        };
        let bytes: usize = rows.iter().map(|row| row_bytes(row)).sum();
        if self.kept_bytes.saturating_add(bytes) <= limit {
            self.kept_bytes += bytes;
            self.kept.extend_from_slice(rows);
        } else if self.keep == Keep::All {
            return Err(too_much());
        } else {
            self.keep = Keep::Nothing;
            self.kept = Vec::new();
            self.kept_bytes = 0;
        }
        Ok(())
    }

    /// WITH HOLD: what is still to come is kept, so that the cursor can outlive its transaction.
    pub fn hold(&mut self, session: &mut Session) -> Result<()> {
        let Some(mut portal) = self.portal.take() else { return Ok(()) };
        if self.keep == Keep::Nothing {
            self.first_kept = self.position + 1;
        }
        let mut rows = Vec::new();
        loop {
            let has_more = portal.advance(session, usize::try_from(SKIP_ROWS).unwrap_or(1), &mut rows)?;
            self.kept_bytes += rows.iter().map(|row| row_bytes(row)).sum::<usize>();
            if self.kept_bytes > MAX_KEPT_BYTES {
                return Err(too_much());
            }
            self.kept.append(&mut rows);
            if !has_more {
                return Ok(());
            }
        }
    }
}

/// A movement backwards, if there is one.
fn back(count: u64) -> impl Iterator<Item = Step> {
    (count > 0).then_some(Step::Backward(Some(count))).into_iter()
}

fn too_much() -> SqlError {
    SqlError::new(SqlState::OUT_OF_MEMORY, "out of memory")
        .with_detail(format!("The cursor would keep more than {} MB in memory.", MAX_KEPT_BYTES / (1024 * 1024)))
}
