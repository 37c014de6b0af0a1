//! Cancel requests: which session a process id and its secret belong to.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

/// Bytes of the secret that protocol 3.0 knows, and 3.2.
pub(super) const SHORT_KEY_BYTES: usize = 4;
/// Bytes of the secret of protocol 3.2.
pub(super) const LONG_KEY_BYTES: usize = 32;

/// The sessions of a server that can be cancelled.
pub(super) struct CancelRegistry {
    sessions: Mutex<HashMap<i32, Entry>>,
    /// Makes those that wait look at their flags.
    wake: Box<dyn Fn() + Send + Sync>,
}

struct Entry {
    key: Vec<u8>,
    flag: Arc<AtomicBool>,
}

/// A session's place in the registry; dropping it takes it out.
pub(super) struct Registration {
    registry: Arc<CancelRegistry>,
    id: i32,
}

impl CancelRegistry {
    /// A registry; the function is called after flags have been set.
    pub(super) fn new(wake: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { sessions: Mutex::default(), wake: Box::new(wake) })
    }

    /// Enters a session under what BackendKeyData calls the process id.
    pub(super) fn enter(self: &Arc<Self>, id: i32, key: Vec<u8>, flag: Arc<AtomicBool>) -> Registration {
        self.sessions.lock().insert(id, Entry { key, flag });
        Registration { registry: Arc::clone(self), id }
    }

    /// Cancels the statement of a session if the secret is right. As in PostgreSQL, the requester learns nothing.
    pub(super) fn cancel(&self, id: i32, key: &[u8]) {
        let flag = match self.sessions.lock().get(&id) {
            Some(entry) if same(&entry.key, key) => Arc::clone(&entry.flag),
            _ => return,
        };
        flag.store(true, Ordering::SeqCst);
        (self.wake)();
    }

    /// Cancels all statements: the server stops.
    pub(super) fn cancel_all(&self) {
        for entry in self.sessions.lock().values() {
            entry.flag.store(true, Ordering::SeqCst);
        }
        (self.wake)();
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.registry.sessions.lock().remove(&self.id);
    }
}

/// Compares secrets in a time that depends only on their length.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_secret_cancels() {
        let woken = Arc::new(AtomicBool::new(false));
        let wake = Arc::clone(&woken);
        let registry = CancelRegistry::new(move || wake.store(true, Ordering::SeqCst));
        let flag = Arc::new(AtomicBool::new(false));
        let registration = registry.enter(7, vec![1, 2, 3, 4], Arc::clone(&flag));
        registry.cancel(7, &[1, 2, 3, 5]);
        registry.cancel(7, &[1, 2, 3]);
        registry.cancel(8, &[1, 2, 3, 4]);
        assert!(!flag.load(Ordering::SeqCst) && !woken.load(Ordering::SeqCst));
        registry.cancel(7, &[1, 2, 3, 4]);
        assert!(flag.load(Ordering::SeqCst) && woken.load(Ordering::SeqCst));

        flag.store(false, Ordering::SeqCst);
        drop(registration);
        registry.cancel(7, &[1, 2, 3, 4]);
        assert!(!flag.load(Ordering::SeqCst));
    }
}
