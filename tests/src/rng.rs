//! Random choices that follow from a seed (SplitMix64; Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
//! Generators", 2014).

/// A source of random choices.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// The choices that follow from a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below the limit, which is not 0.
    pub fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).expect("BUG: usize has at most 64 bits");
        usize::try_from(self.next() % limit).expect("BUG: below a usize")
    }

    /// A number from low to high, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + i64::try_from(self.below(usize::try_from(high - low + 1).expect("a range"))).expect("BUG: below an i64")
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of them.
    ///
    /// # Panics
    /// If there are none.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let at = self.below(choices.len());
        choices.get(at).expect("BUG: below the length")
    }
}
