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

    /// Takes a number out; false if it was not there.
    pub fn remove(&mut self, n: u64) -> bool {
        let Some((&first, &last)) = self.intervals.range(..=n).next_back().filter(|&(_, &last)| n <= last) else {
            return false;
        };
        self.intervals.remove(&first);
        if let Some(below) = n.checked_sub(1).filter(|&below| below >= first) {
            self.intervals.insert(first, below);
        }
        if let Some(above) = n.checked_add(1).filter(|&above| above <= last) {
            self.intervals.insert(above, last);
        }
        true
    }

    /// Adds all numbers of the other set.
    pub fn join(&mut self, other: &Self) {
        for (first, last) in other.iter() {
            self.insert_range(first, last);
        }
    }

    /// How many numbers are in the set; the largest `u64` for the set of all.
    pub fn len(&self) -> u64 {
        self.iter().fold(0, |sum: u64, (first, last)| sum.saturating_add((last - first).saturating_add(1)))
    }

    /// Whether the set has no number.
    pub fn is_empty(&self) -> bool {
        self.intervals.is_empty()
    }

    /// How many intervals there are: what the set costs.
    pub fn interval_count(&self) -> usize {
        self.intervals.len()
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

impl FromIterator<(u64, u64)> for IntervalSet {
    /// A set of closed intervals, in any order, which may overlap.
    fn from_iter<I: IntoIterator<Item = (u64, u64)>>(intervals: I) -> Self {
        let mut set = Self::default();
        for (first, last) in intervals {
            set.insert_range(first, last);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Insert(u64),
        InsertRange(u64, u64),
        Remove(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            (0_u64..40).prop_map(Step::Insert),
            (0_u64..40, 0_u64..40).prop_map(|(a, b)| Step::InsertRange(a, b)),
            (0_u64..40).prop_map(Step::Remove),
        ];
        proptest::collection::vec(step, 0..40)
    }

    fn assert_canonical(set: &IntervalSet) {
        let intervals: Vec<_> = set.iter().collect();
        assert!(intervals.iter().all(|&(first, last)| first <= last));
        assert!(intervals.windows(2).all(|w| w[0].1 + 1 < w[1].0), "{intervals:?}");
    }

    proptest! {
        #[test]
        fn is_a_set(steps in steps(), base in prop_oneof![Just(0), Just(u64::MAX - 39)]) {
            let mut set = IntervalSet::default();
            let mut model = BTreeSet::new();
            for step in steps {
                match step {
                    Step::Insert(n) => prop_assert_eq!(set.insert(base + n), model.insert(n)),
                    Step::InsertRange(a, b) => {
                        set.insert_range(base + a, base + b);
                        model.extend(a..=b);
                    }
                    Step::Remove(n) => prop_assert_eq!(set.remove(base + n), model.remove(&n)),
                }
                assert_canonical(&set);
                prop_assert_eq!(set.len(), u64::try_from(model.len()).unwrap());
                prop_assert_eq!(set.is_empty(), model.is_empty());
                prop_assert_eq!(set.max(), model.last().map(|n| base + n));
                for n in 0..40 {
                    prop_assert_eq!(set.contains(base + n), model.contains(&n));
                }
            }
            prop_assert_eq!(set.iter().collect::<IntervalSet>(), set);
        }

        #[test]
        fn join_is_union(a in proptest::collection::vec((0_u64..30, 0_u64..30), 0..6), b in proptest::collection::vec((0_u64..30, 0_u64..30), 0..6)) {
            let [a, b] = [a, b].map(IntervalSet::from_iter);
            let mut ab = a.clone();
            ab.join(&b);
            let mut ba = b.clone();
            ba.join(&a);
            prop_assert_eq!(&ab, &ba);
            for n in 0..31 {
                prop_assert_eq!(ab.contains(n), a.contains(n) || b.contains(n));
            }
        }
    }

    #[test]
    fn the_set_of_all_numbers() {
        let mut all = IntervalSet::from_iter([(0, u64::MAX)]);
        assert_eq!(all.len(), u64::MAX);
        assert!(!all.insert(u64::MAX));
        assert!(all.remove(0));
        assert!(all.remove(u64::MAX));
        assert_eq!(all.iter().collect::<Vec<_>>(), [(1, u64::MAX - 1)]);
    }
}
