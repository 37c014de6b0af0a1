//! Grow-only and positive-negative counters, in their per-site form.
//!
//! Each site has its own total, which only it raises; joining takes the larger total of each site, and the value is the
//! sum over all sites. A delta is a counter that holds only the totals that changed, so that joining a delta and joining
//! the whole state are the same operation (Almeida et al., "Delta State Replicated Data Types", 2018).
//!
//! Rows keep only the value of a counter: there every transaction is merged exactly once at the hub, so differences can
//! be added directly. The per-site form is for where a state may arrive more than once.

use std::collections::BTreeMap;

use crate::SiteId;

/// The total of a site, or the value of a counter, would leave its range.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the counter is out of range")]
pub struct CounterOverflow;

/// A counter that only grows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GCounter {
    /// No site has total 0, so that equal counters are equal values.
    totals: BTreeMap<SiteId, u64>,
}

impl GCounter {
    /// A counter from the totals of its sites; of a site given twice the larger counts.
    pub fn from_totals(totals: impl IntoIterator<Item = (SiteId, u64)>) -> Self {
        let mut counter = Self::default();
        for (site, total) in totals {
            counter.raise(site, total);
        }
        counter
    }

    /// The totals of the sites that have counted, in order.
    pub fn totals(&self) -> impl Iterator<Item = (SiteId, u64)> + '_ {
        self.totals.iter().map(|(&site, &total)| (site, total))
    }

    /// Counts at a site, which must be the caller's own; returns the delta. On overflow nothing changes.
    pub fn add(&mut self, site: SiteId, n: u64) -> Result<Self, CounterOverflow> {
        let before = self.totals.get(&site).copied().unwrap_or(0);
        let total = before.checked_add(n).ok_or(CounterOverflow)?;
        self.raise(site, total);
        Ok(Self::from_totals([(site, total)]))
    }

    /// Learns all that the other counter, or delta, has counted.
    pub fn join(&mut self, other: &Self) {
        for (site, total) in other.totals() {
            self.raise(site, total);
        }
    }

    /// What was counted at all sites together.
    pub fn value(&self) -> Result<u64, CounterOverflow> {
        self.totals.values().try_fold(0_u64, |sum, &total| sum.checked_add(total)).ok_or(CounterOverflow)
    }

    fn raise(&mut self, site: SiteId, total: u64) {
        if total > 0 {
            let known = self.totals.entry(site).or_default();
            *known = total.max(*known);
        }
    }

    /// The sum without a bound: 2³² sites of 2⁶⁴ fit.
    fn wide_value(&self) -> i128 {
        self.totals.values().fold(0_i128, |sum, &total| sum.saturating_add(i128::from(total)))
    }
}

/// A counter that grows and shrinks.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PnCounter {
    grown: GCounter,
    shrunk: GCounter,
}

impl PnCounter {
    /// A counter from what was added and what was taken away.
    pub const fn from_parts(grown: GCounter, shrunk: GCounter) -> Self {
        Self { grown, shrunk }
    }

    /// What was added.
    pub const fn grown(&self) -> &GCounter {
        &self.grown
    }

    /// What was taken away.
    pub const fn shrunk(&self) -> &GCounter {
        &self.shrunk
    }

    /// Counts up or down at a site, which must be the caller's own; returns the delta. On overflow nothing changes.
    pub fn add(&mut self, site: SiteId, n: i64) -> Result<Self, CounterOverflow> {
        let magnitude = n.unsigned_abs();
        if n >= 0 {
            Ok(Self { grown: self.grown.add(site, magnitude)?, shrunk: GCounter::default() })
        } else {
            Ok(Self { grown: GCounter::default(), shrunk: self.shrunk.add(site, magnitude)? })
        }
    }

    /// Learns all that the other counter, or delta, has counted.
    pub fn join(&mut self, other: &Self) {
        self.grown.join(&other.grown);
        self.shrunk.join(&other.shrunk);
    }

    /// What was added less what was taken away.
    pub fn value(&self) -> Result<i64, CounterOverflow> {
        i64::try_from(self.grown.wide_value() - self.shrunk.wide_value()).map_err(|_| CounterOverflow)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn g_counters() -> impl Strategy<Value = GCounter> {
        proptest::collection::vec((0_u32..4, 0_u64..20), 0..6)
            .prop_map(|totals| GCounter::from_totals(totals.into_iter().map(|(site, n)| (SiteId(site), n))))
    }

    fn pn_counters() -> impl Strategy<Value = PnCounter> {
        (g_counters(), g_counters()).prop_map(|(grown, shrunk)| PnCounter::from_parts(grown, shrunk))
    }

    fn joined(a: &PnCounter, b: &PnCounter) -> PnCounter {
        let mut c = a.clone();
        c.join(b);
        c
    }

    proptest! {
        #[test]
        fn join_is_commutative_associative_and_idempotent(a in pn_counters(), b in pn_counters(), c in pn_counters()) {
            prop_assert_eq!(joined(&a, &b), joined(&b, &a));
            prop_assert_eq!(joined(&joined(&a, &b), &c), joined(&a, &joined(&b, &c)));
            prop_assert_eq!(joined(&a, &a), a.clone());
            prop_assert_eq!(joined(&a, &PnCounter::default()), a);
        }

        #[test]
        fn a_delta_does_what_the_mutation_did(before in pn_counters(), site in 0_u32..4, n in -50_i64..50) {
            let mut after = before.clone();
            let delta = after.add(SiteId(site), n).unwrap();
            prop_assert_eq!(joined(&before, &delta), after.clone());
            prop_assert_eq!(after.value().unwrap(), before.value().unwrap() + n);
        }

        #[test]
        fn a_delta_of_a_g_counter_does_what_the_mutation_did(before in g_counters(), site in 0_u32..4, n in 0_u64..50) {
            let mut after = before.clone();
            let delta = after.add(SiteId(site), n).unwrap();
            let mut joined = before.clone();
            joined.join(&delta);
            prop_assert_eq!(&joined, &after);
            prop_assert_eq!(after.value().unwrap(), before.value().unwrap() + n);
        }

        /// Deltas of several sites reach two replicas in any order, some of them twice.
        #[test]
        fn any_order_with_duplicates_converges(
            adds in proptest::collection::vec((0_u32..3, -9_i64..10), 0..12),
            order in proptest::collection::vec(any::<proptest::sample::Index>(), 0..30),
        ) {
            let mut sites = vec![PnCounter::default(); 3];
            let mut deltas = Vec::new();
            for &(site, n) in &adds {
                deltas.push(sites[usize::try_from(site).unwrap()].add(SiteId(site), n).unwrap());
            }
            let mut forward = PnCounter::default();
            deltas.iter().for_each(|delta| forward.join(delta));
            let mut shuffled = PnCounter::default();
            if !deltas.is_empty() {
                order.iter().for_each(|i| shuffled.join(&deltas[i.index(deltas.len())]));
            }
            deltas.iter().rev().for_each(|delta| shuffled.join(delta));
            prop_assert_eq!(&forward, &shuffled);
            prop_assert_eq!(forward.value().unwrap(), adds.iter().map(|&(_, n)| n).sum::<i64>());
        }
    }

    #[test]
    fn overflow_is_an_error_and_changes_nothing() {
        let site = SiteId(1);
        let mut g = GCounter::from_totals([(site, u64::MAX - 1)]);
        let before = g.clone();
        assert_eq!(g.add(site, 2), Err(CounterOverflow));
        assert_eq!(g, before);
        g.add(SiteId(2), 5).unwrap();
        assert_eq!(g.value(), Err(CounterOverflow));

        let mut pn = PnCounter::default();
        pn.add(site, i64::MAX).unwrap();
        pn.add(SiteId(2), 1).unwrap();
        assert_eq!(pn.value(), Err(CounterOverflow));
        pn.add(SiteId(2), -1).unwrap();
        assert_eq!(pn.value(), Ok(i64::MAX));
        let mut low = PnCounter::default();
        low.add(site, i64::MIN).unwrap();
        assert_eq!(low.value(), Ok(i64::MIN));
    }
}
