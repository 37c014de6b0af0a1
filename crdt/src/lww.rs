//! Last-write-wins register.

use crate::Stamp;

/// A value with the stamp of its writer; the larger stamp wins.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Lww<T> {
    /// The value.
    pub value: T,
    /// Who wrote it and when.
    pub stamp: Stamp,
}

impl<T> Lww<T> {
    /// A value as written.
    pub const fn new(value: T, stamp: Stamp) -> Self {
        Self { value, stamp }
    }

    /// Writes a value; false if what is there was written later. A stamp names one write of one commit, so of equal
    /// stamps the values are equal too, and what is there stays.
    pub fn write(&mut self, value: T, stamp: Stamp) -> bool {
        let wins = stamp > self.stamp;
        if wins {
            *self = Self { value, stamp };
        }
        wins
    }

    /// Takes the other's value if it was written later; false if not.
    pub fn join(&mut self, other: Self) -> bool {
        self.write(other.value, other.stamp)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Hlc, SiteId};

    /// Registers whose value follows from the stamp, as one commit writes one value.
    fn registers() -> impl Strategy<Value = Lww<u64>> {
        (0_u64..5, 0_u32..3)
            .prop_map(|(hlc, site)| Lww::new(hlc * 10 + u64::from(site), Stamp { hlc: Hlc(hlc), site: SiteId(site) }))
    }

    fn joined(a: &Lww<u64>, b: &Lww<u64>) -> Lww<u64> {
        let mut c = a.clone();
        c.join(b.clone());
        c
    }

    proptest! {
        #[test]
        fn join_is_commutative_associative_and_idempotent(a in registers(), b in registers(), c in registers()) {
            prop_assert_eq!(joined(&a, &b), joined(&b, &a));
            prop_assert_eq!(joined(&joined(&a, &b), &c), joined(&a, &joined(&b, &c)));
            prop_assert_eq!(joined(&a, &a), a);
        }

        #[test]
        fn any_order_with_duplicates_ends_at_the_largest_stamp(
            writes in proptest::collection::vec(registers(), 1..10),
            order in proptest::collection::vec(any::<proptest::sample::Index>(), 0..20),
        ) {
            let mut register = Lww::default();
            for i in order {
                register.join(writes[i.index(writes.len())].clone());
            }
            for write in &writes {
                register.join(write.clone());
            }
            let largest = writes.iter().map(|w| w.stamp).max().unwrap();
            prop_assert_eq!(register.stamp, largest);
        }
    }

    #[test]
    fn the_larger_site_wins_at_the_same_time() {
        let at = |site| Stamp { hlc: Hlc(7), site: SiteId(site) };
        let mut register = Lww::new("a", at(1));
        assert!(register.write("b", at(2)));
        assert!(!register.write("c", at(1)));
        assert_eq!(register.value, "b");
    }
}
