//! How the parts of a node learn that it stops, and how one of them says that it must.

use tokio::sync::watch;

/// Tells everybody that the node stops. Clones share the signal.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Sender<bool>);

impl Default for Shutdown {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Shutdown {
    /// Gives the signal; it stays given.
    pub fn start(&self) {
        self.0.send_replace(true);
    }

    /// Whether the signal has been given.
    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for the signal.
    pub async fn wait(&self) {
        let mut receiver = self.0.subscribe();
        // It can only fail once the sender is gone, and that is borrowed here.
        let _ = receiver.wait_for(|set| *set).await;
    }
}

/// Takes note of a failure after which the process must not go on: the outcome of a commit is unknown, and what the
/// store holds is decided by the next start. Clones share the note; the first failure stands.
#[derive(Clone, Debug)]
pub struct Fatal(watch::Sender<Option<String>>);

impl Default for Fatal {
    fn default() -> Self {
        Self(watch::Sender::new(None))
    }
}

impl Fatal {
    /// Reports a failure.
    pub fn raise(&self, what: &str) {
        self.0.send_if_modified(|failure| {
            let first = failure.is_none();
            if first {
                tracing::error!(error = what, "the node cannot go on");
                *failure = Some(what.to_owned());
            }
            first
        });
    }

    /// The failure, if there has been one.
    pub fn failure(&self) -> Option<String> {
        self.0.borrow().clone()
    }

    /// Waits for a failure.
    pub async fn wait(&self) -> String {
        let mut receiver = self.0.subscribe();
        let failure = receiver.wait_for(Option::is_some).await.map(|failure| failure.clone());
        failure.ok().flatten().unwrap_or_default()
    }
}
