//! How many sessions may run statements on the runtime's own threads at once.
//!
//! A look-up by key waits for nobody, except for a transaction that is changing the table's definition. Should all of the
//! runtime's threads wait for that one, nobody would be left to read its COMMIT. So one thread is always kept free: who
//! finds all others taken goes through [`tokio::task::block_in_place`].

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The places of a runtime.
#[derive(Debug)]
pub(super) struct InlinePlaces {
    free: AtomicUsize,
}

/// One place, taken until it is dropped.
pub(super) struct InlinePlace(Arc<InlinePlaces>);

impl InlinePlaces {
    /// The places of a runtime with so many threads.
    pub(super) fn of(threads: usize) -> Arc<Self> {
        Arc::new(Self { free: AtomicUsize::new(threads.saturating_sub(1)) })
    }

    /// A place, if one is free.
    pub(super) fn take(self: &Arc<Self>) -> Option<InlinePlace> {
        let taken = self.free.fetch_update(Ordering::AcqRel, Ordering::Acquire, |free| free.checked_sub(1));
        taken.is_ok().then(|| InlinePlace(Arc::clone(self)))
    }
}

impl Drop for InlinePlace {
    fn drop(&mut self) {
        self.0.free.fetch_add(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thread_is_kept_free() {
        let places = InlinePlaces::of(3);
        let (first, second) = (places.take(), places.take());
        assert!(first.is_some() && second.is_some() && places.take().is_none());
        drop(first);
        assert!(places.take().is_some());
        assert!(InlinePlaces::of(1).take().is_none());
    }
}
