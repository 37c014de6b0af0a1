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

    /// Learns all that the other knows.
    pub fn join(&mut self, other: &Self) {
        for (&site, &counter) in &other.seen {
            let known = self.seen.entry(site).or_default();
            *known = counter.max(*known);
        }
    }
}
