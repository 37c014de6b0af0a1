//! Sets of sequence numbers that cost little when they are dense.

use std::collections::BTreeMap;

/// A set of `u64`, kept as disjoint, non-adjacent, closed intervals (first → last).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct IntervalSet {
    intervals: BTreeMap<u64, u64>,
}

impl IntervalSet {
    /// Whether the number is in the set.
    pub fn contains(&self, n: u64) -> bool {
        self.intervals.range(..=n).next_back().is_some_and(|(_, &last)| n <= last)
    }

    /// Adds a number; false if it was there already.
    pub fn insert(&mut self, n: u64) -> bool {
        if self.contains(n) {
            return false;
        }
        let mut first = n;
        let mut last = n;
        if let Some(below) = n.checked_sub(1)
            && let Some((&start, &end)) = self.intervals.range(..=below).next_back()
            && end == below
        {
            first = start;
        }
        if let Some(above) = n.checked_add(1)
            && let Some(end) = self.intervals.remove(&above)
        {
            last = end;
        }
        self.intervals.insert(first, last);
        true
    }

    /// Adds all numbers of a closed interval.
    pub fn insert_range(&mut self, first: u64, last: u64) {
        if first > last {
            return;
        }
        let mut new_first = first;
        let mut new_last = last;
        let touching: Vec<u64> = self
            .intervals
            .range(..=last.saturating_add(1))
            .rev()
            .take_while(|&(_, &end)| end.saturating_add(1) >= first)
            .map(|(&start, _)| start)
            .collect();
        for start in touching {
            if let Some(end) = self.intervals.remove(&start) {
                new_first = new_first.min(start);
                new_last = new_last.max(end);
            }
        }
        self.intervals.insert(new_first, new_last);
    }

    /// The largest number of the set.
    pub fn max(&self) -> Option<u64> {
        self.intervals.last_key_value().map(|(_, &last)| last)
    }

    /// The intervals in order, each as (first, last).
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.intervals.iter().map(|(&first, &last)| (first, last))
    }
}
