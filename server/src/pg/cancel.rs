//! Cancel requests: which session a process id and its secret belong to.

use std::collections::HashMap;
use std::sync::Arc;

use heliosdb_sql::session::backend::{Backend, Backends};
use parking_lot::Mutex;

/// Bytes of the secret that protocol 3.0 knows, and 3.2.
pub(super) const SHORT_KEY_BYTES: usize = 4;
/// Bytes of the secret of protocol 3.2.
pub(super) const LONG_KEY_BYTES: usize = 32;

/// The sessions of a server that can be cancelled.
pub(super) struct CancelRegistry {
    sessions: Mutex<HashMap<i32, Entry>>,
    backends: Arc<Backends>,
}

struct Entry {
    key: Vec<u8>,
    backend: Arc<Backend>,
}

/// A session's place in the registry; dropping it takes it out.
pub(super) struct Registration {
    registry: Arc<CancelRegistry>,
    id: i32,
}

impl CancelRegistry {
    /// A registry of sessions of an engine.
    pub(super) fn new(backends: Arc<Backends>) -> Arc<Self> {
        Arc::new(Self { sessions: Mutex::default(), backends })
    }

    /// Enters a session under what BackendKeyData calls the process id.
    pub(super) fn enter(self: &Arc<Self>, backend: &Arc<Backend>, key: Vec<u8>) -> Registration {
        let id = backend.pid;
        self.sessions.lock().insert(id, Entry { key, backend: Arc::clone(backend) });
        Registration { registry: Arc::clone(self), id }
    }

    /// Cancels the statement of a session if the secret is right. As in PostgreSQL, the requester learns nothing.
    pub(super) fn cancel(&self, id: i32, key: &[u8]) {
        let backend = match self.sessions.lock().get(&id) {
            Some(entry) if same(&entry.key, key) => Arc::clone(&entry.backend),
            _ => return,
        };
        self.backends.cancel(&backend);
    }

    /// Ends all sessions: the server stops.
    pub(super) fn terminate_all(&self) {
        let all: Vec<_> = self.sessions.lock().values().map(|entry| Arc::clone(&entry.backend)).collect();
        for backend in all {
            self.backends.terminate(&backend);
        }
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
        let backends = Backends::new(|| {});
        let (backend, _registered) = backends.enter("helios", "helios");
        let registry = CancelRegistry::new(backends);
        let registration = registry.enter(&backend, vec![1, 2, 3, 4]);
        let id = backend.pid;
        registry.cancel(id, &[1, 2, 3, 5]);
        registry.cancel(id, &[1, 2, 3]);
        registry.cancel(id + 1, &[1, 2, 3, 4]);
        assert!(!backend.is_cancelled());
        registry.cancel(id, &[1, 2, 3, 4]);
        assert!(backend.is_cancelled());

        drop(registration);
        registry.terminate_all();
        assert!(!backend.is_terminated());
    }
}
