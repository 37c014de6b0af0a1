//! What a run has met: a test of rare things that never meets them is none.

use std::collections::BTreeMap;

/// Everything that all runs together have to meet.
const WANTED: [&str; 9] = [
    "refused",
    "missing",
    "forked",
    "new life",
    "set aside",
    "full pull",
    "offered again",
    "late pull",
    "dead letter discarded",
];

#[derive(Default, Debug)]
pub struct Seen(BTreeMap<&'static str, u64>);

impl Seen {
    pub fn note(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    pub fn note_if(&mut self, what: &'static str, happened: bool) {
        if happened {
            self.note(what);
        }
    }

    pub fn add(&mut self, other: Self) {
        for (what, n) in other.0 {
            *self.0.entry(what).or_default() += n;
        }
    }

    pub fn has_all(&self) -> bool {
        WANTED.iter().all(|what| self.0.contains_key(what))
    }
}
