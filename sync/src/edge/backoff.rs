//! How long to wait after failures: exponential, with full jitter.
//!
//! Full jitter (a uniform draw from zero to the bound) spreads a fleet that lost its hub at one moment over the whole
//! interval. Source: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.

use std::time::Duration;

use crate::config::Backoff;

/// Counts failures and draws pauses.
#[derive(Debug)]
pub struct Pauses {
    backoff: Backoff,
    failures: u32,
}

impl Pauses {
    /// No failure yet.
    pub const fn new(backoff: Backoff) -> Self {
        Self { backoff, failures: 0 }
    }

    /// Something worked: the next failure is the first again.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }

    /// The pause after another failure.
    pub fn after_failure(&mut self) -> Duration {
        let bound = bound(self.backoff, self.failures);
        self.failures = self.failures.saturating_add(1);
        // Without random numbers the whole bound is waited for.
        getrandom::u32().map_or(bound, |random| draw(bound, random))
    }
}

fn bound(backoff: Backoff, failures: u32) -> Duration {
    let factor = 1_u32.checked_shl(failures).unwrap_or(u32::MAX);
    backoff.first.saturating_mul(factor).min(backoff.most)
}

fn draw(bound: Duration, random: u32) -> Duration {
    bound.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_double_up_to_the_most() {
        let backoff = Backoff::default();
        assert_eq!(bound(backoff, 0), Duration::from_millis(100));
        assert_eq!(bound(backoff, 3), Duration::from_millis(800));
        assert_eq!(bound(backoff, 20), Duration::from_secs(15));
        assert_eq!(bound(backoff, 500), Duration::from_secs(15));
    }

    #[test]
    fn draws_cover_the_whole_interval() {
        let most = Duration::from_secs(8);
        assert_eq!(draw(most, 0), Duration::ZERO);
        assert_eq!(draw(most, u32::MAX), most);
        let mut pauses = Pauses::new(Backoff { first: most, most });
        assert!((0..100).all(|_| pauses.after_failure() <= most));
        pauses.reset();
        assert_eq!(pauses.failures, 0);
    }
}
