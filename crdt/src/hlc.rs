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

    /// The first point of a millisecond (since the Unix epoch); the last point of all for what is beyond it.
    pub const fn from_millis(millis: u64) -> Self {
        if millis > u64::MAX >> Self::COUNTER_BITS { Self(u64::MAX) } else { Self(millis << Self::COUNTER_BITS) }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever the wall clock does and whatever is seen, time given out never repeats or goes back.
        #[test]
        fn ticks_are_later_than_all_before(
            start in 0_u64..1 << 30,
            events in proptest::collection::vec((any::<bool>(), 0_u64..1 << 20), 1..50),
        ) {
            let mut clock = HlcClock::starting_after(Hlc(start));
            let mut latest = Hlc(start);
            for (is_tick, n) in events {
                if is_tick {
                    let now = clock.tick(n);
                    prop_assert!(now > latest);
                    prop_assert!(now >= Hlc::from_millis(n));
                    latest = now;
                } else {
                    clock.observe(Hlc(n << 10));
                    latest = latest.max(Hlc(n << 10));
                }
                prop_assert_eq!(clock.last(), latest);
            }
        }
    }

    #[test]
    fn more_events_than_the_counter_holds_run_into_the_next_millisecond() {
        let mut clock = HlcClock::default();
        for _ in 0..=1 << Hlc::COUNTER_BITS {
            clock.tick(5);
        }
        assert_eq!(clock.last(), Hlc::from_millis(6));
        assert_eq!(clock.tick(6), Hlc::from_millis(6).next());
    }

    #[test]
    fn a_clock_that_is_ahead_is_followed_without_running_away() {
        let mut clock = HlcClock::default();
        clock.observe(Hlc::from_millis(1000));
        assert_eq!(clock.tick(10), Hlc::from_millis(1000).next());
        assert_eq!(clock.tick(2000), Hlc::from_millis(2000));
    }

    #[test]
    fn extremes_do_not_wrap() {
        assert_eq!(Hlc::from_millis(u64::MAX), Hlc(u64::MAX));
        assert_eq!(Hlc(u64::MAX).next(), Hlc(u64::MAX));
        assert_eq!(Hlc::from_millis(77).millis(), 77);
    }

    #[test]
    fn stamps_order_by_time_then_site() {
        let stamp = |hlc, site| Stamp { hlc: Hlc(hlc), site: SiteId(site) };
        assert!(stamp(2, 1) > stamp(1, 9));
        assert!(stamp(2, 2) > stamp(2, 1));
    }
}
