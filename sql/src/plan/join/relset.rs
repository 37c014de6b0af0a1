//! Sets of the relations of one join problem.

/// How many relations a problem may have.
pub const MAX_RELATIONS: usize = 256;

const WORDS: usize = MAX_RELATIONS / 64;

/// A set of relations, by their position among the leaves of the problem.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct RelSet([u64; WORDS]);

impl RelSet {
    /// No relation.
    pub const EMPTY: Self = Self([0; WORDS]);

    /// One relation.
    pub fn one(at: usize) -> Self {
        let mut set = Self::EMPTY;
        if let Some(word) = set.0.get_mut(at / 64) {
            *word = 1 << (at % 64);
        }
        set
    }

    /// Those of either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.zip(other, |a, b| a | b)
    }

    /// Those of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.zip(other, |a, b| a & b)
    }

    /// Those of this one alone.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        self.zip(other, |a, b| a & !b)
    }

    fn zip(self, other: Self, op: impl Fn(u64, u64) -> u64) -> Self {
        let mut words = [0; WORDS];
        for ((word, a), b) in words.iter_mut().zip(self.0).zip(other.0) {
            *word = op(a, b);
        }
        Self(words)
    }

    /// Adds the relations of another set.
    pub fn add(&mut self, other: Self) {
        *self = self.or(other);
    }

    /// Whether it has no relation.
    pub fn is_empty(self) -> bool {
        self == Self::EMPTY
    }

    /// Whether it has the relation.
    pub fn has(self, at: usize) -> bool {
        self.overlaps(Self::one(at))
    }

    /// Whether the two share a relation.
    pub fn overlaps(self, other: Self) -> bool {
        !self.and(other).is_empty()
    }

    /// Whether all its relations are in the other one.
    pub fn is_within(self, other: Self) -> bool {
        self.without(other).is_empty()
    }

    /// How many relations it has.
    pub fn len(self) -> usize {
        self.0.iter().map(|word| usize::try_from(word.count_ones()).unwrap_or(0)).sum()
    }

    /// Its relations in order.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..MAX_RELATIONS).filter(move |at| self.has(*at))
    }

    /// Its relation, if it has only one.
    pub fn single(self) -> Option<usize> {
        if self.len() == 1 { self.iter().next() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_sets() {
        let mut set = RelSet::one(3).or(RelSet::one(200));
        assert_eq!(set.len(), 2);
        assert_eq!(set.iter().collect::<Vec<_>>(), [3, 200]);
        assert!(set.has(200) && !set.has(4));
        assert!(RelSet::one(3).is_within(set) && !set.is_within(RelSet::one(3)));
        assert!(set.overlaps(RelSet::one(200)) && !set.overlaps(RelSet::one(64)));
        set = set.without(RelSet::one(200));
        assert_eq!(set.single(), Some(3));
        assert_eq!(RelSet::EMPTY.single(), None);
    }
}
