//! Sites, dots and version vectors.

use std::collections::BTreeMap;

/// One life (incarnation) of one node. Zero is "nobody": a value that no node wrote.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct SiteId(pub u32);

/// One event of one site; a site numbers its events from 1 without holes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Dot {
    /// Where the event happened.
    pub site: SiteId,
    /// Its number there.
    pub counter: u64,
}

/// For each site, how many of its events are known.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct VersionVector {
    seen: BTreeMap<SiteId, u64>,
}

impl VersionVector {
    /// The number of the last event known of a site, 0 for none.
    pub fn get(&self, site: SiteId) -> u64 {
        self.seen.get(&site).copied().unwrap_or(0)
    }

    /// Whether the event is known.
    pub fn contains(&self, dot: Dot) -> bool {
        dot.counter <= self.get(dot.site)
    }

    /// The next event of a site, which is known from now on.
    pub fn advance(&mut self, site: SiteId) -> Dot {
        let last = self.seen.entry(site).or_default();
        *last = last.saturating_add(1);
        Dot { site, counter: *last }
    }

    /// Takes note of an event and all before it on its site.
    pub fn observe(&mut self, dot: Dot) {
        if dot.counter > 0 {
            let known = self.seen.entry(dot.site).or_default();
            *known = dot.counter.max(*known);
        }
    }

    /// The last event known of each site, by site.
    pub fn iter(&self) -> impl Iterator<Item = Dot> + '_ {
        self.seen.iter().map(|(&site, &counter)| Dot { site, counter })
    }

    /// The number of sites of which something is known.
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// Whether all that the other knows is known.
    pub fn includes(&self, other: &Self) -> bool {
        other.iter().all(|dot| self.contains(dot))
    }

    /// Learns all that the other knows.
    pub fn join(&mut self, other: &Self) {
        for dot in other.iter() {
            self.observe(dot);
        }
    }
}

impl FromIterator<Dot> for VersionVector {
    fn from_iter<I: IntoIterator<Item = Dot>>(dots: I) -> Self {
        let mut vector = Self::default();
        for dot in dots {
            vector.observe(dot);
        }
        vector
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dots() -> impl Strategy<Value = Vec<Dot>> {
        proptest::collection::vec((0_u32..4, 0_u64..9), 0..8)
            .prop_map(|dots| dots.into_iter().map(|(site, counter)| Dot { site: SiteId(site), counter }).collect())
    }

    fn joined(a: &VersionVector, b: &VersionVector) -> VersionVector {
        let mut c = a.clone();
        c.join(b);
        c
    }

    proptest! {
        #[test]
        fn join_is_commutative_associative_and_idempotent(a in dots(), b in dots(), c in dots()) {
            let [a, b, c] = [a, b, c].map(VersionVector::from_iter);
            prop_assert_eq!(joined(&a, &b), joined(&b, &a));
            prop_assert_eq!(joined(&joined(&a, &b), &c), joined(&a, &joined(&b, &c)));
            prop_assert_eq!(joined(&a, &a), a.clone());
            prop_assert!(joined(&a, &b).includes(&a));
            prop_assert_eq!(a.includes(&b), joined(&a, &b) == a);
        }

        #[test]
        fn knows_what_it_was_told_and_all_before(told in dots(), asked in dots()) {
            let vector: VersionVector = told.iter().copied().collect();
            for dot in asked {
                let is_known = dot.counter == 0 || told.iter().any(|t| t.site == dot.site && t.counter >= dot.counter);
                prop_assert_eq!(vector.contains(dot), is_known);
            }
            prop_assert_eq!(vector.iter().collect::<VersionVector>(), vector);
        }
    }

    #[test]
    fn advancing_numbers_events_from_one_without_holes() {
        let mut vector = VersionVector::default();
        assert!(vector.is_empty());
        assert_eq!(vector.advance(SiteId(3)), Dot { site: SiteId(3), counter: 1 });
        assert_eq!(vector.advance(SiteId(3)).counter, 2);
        assert_eq!(vector.advance(SiteId(4)).counter, 1);
        assert_eq!(vector.get(SiteId(3)), 2);
        assert_eq!(vector.len(), 2);
    }
}
