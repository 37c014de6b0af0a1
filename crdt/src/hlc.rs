//! Hybrid logical clock: physical milliseconds with a counter, in 64 bits.
//!
//! Source: Kulkarni et al., "Logical Physical Clocks", 2014. The upper 48 bits are milliseconds since the Unix epoch,
//! the lower 16 a counter that orders events within one millisecond and events after a clock from the future was seen.

use crate::SiteId;

/// A point in hybrid time. Larger is later; zero is before everything.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Hlc(pub u64);

impl Hlc {
    /// Number of low bits that hold the counter.
    const COUNTER_BITS: u32 = 16;

    /// The first point of a millisecond (since the Unix epoch).
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis << Self::COUNTER_BITS)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn millis(self) -> u64 {
        self.0 >> Self::COUNTER_BITS
    }

    /// The point directly after this one.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// When and where a value was written: the order of last-write-wins, later time first, then the larger site.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Stamp {
    /// Time of the commit that wrote the value.
    pub hlc: Hlc,
    /// The life of the node that wrote it.
    pub site: SiteId,
}

/// A node's clock. Reads no time itself: the caller passes the wall clock in.
#[derive(Debug, Default)]
pub struct HlcClock {
    last: Hlc,
}

impl HlcClock {
    /// A clock that never goes below `last`, the highest point known to have been used.
    pub const fn starting_after(last: Hlc) -> Self {
        Self { last }
    }

    /// The next point in time, later than all points given or seen before.
    pub fn tick(&mut self, wall_millis: u64) -> Hlc {
        self.last = Hlc::from_millis(wall_millis).max(self.last.next());
        self.last
    }

    /// Takes note of a point seen elsewhere, so that what is written next is later.
    pub fn observe(&mut self, seen: Hlc) {
        self.last = self.last.max(seen);
    }

    /// The latest point given or seen.
    pub const fn last(&self) -> Hlc {
        self.last
    }
}
