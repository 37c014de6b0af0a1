//! What the worker and the handle of an edge share.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::status::{Network, SyncSummary};
use crate::error::Error;
use crate::link::Traffic;

/// What worker and handle of an edge share.
pub struct EdgeControl {
    pub(super) seen: Mutex<Seen>,
    traffic: Arc<Traffic>,
    pub(super) wishes: watch::Sender<Wishes>,
}

/// What the worker saw.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) is_online: bool,
    pub(super) last_sync_millis: Option<u64>,
    pub(super) last_error: Option<String>,
    pub(super) clock_offset_ms: Option<i64>,
}

/// What an operator or the program wants of the worker.
#[derive(Clone, Copy)]
pub(crate) struct Wishes {
    pub(super) paused: bool,
    pub(super) stopping: bool,
}

impl EdgeControl {
    pub(super) fn new(paused: bool) -> Self {
        Self {
            seen: Mutex::default(),
            traffic: Arc::default(),
            wishes: watch::channel(Wishes { paused, stopping: false }).0,
        }
    }

    pub(crate) const fn traffic(&self) -> &Arc<Traffic> {
        &self.traffic
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.wishes.borrow().paused
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.wishes.borrow().stopping
    }

    /// Returns when the worker should end its connection: now, if it should already.
    pub(crate) async fn interrupted(&self) {
        // The sender is in self, so that the channel is open.
        let _ = self.wishes.subscribe().wait_for(|wishes| wishes.paused || wishes.stopping).await;
    }

    /// Tells of changes from now on.
    pub(crate) fn wishes(&self) -> watch::Receiver<Wishes> {
        self.wishes.subscribe()
    }

    pub(crate) fn set_online(&self, is_online: bool) {
        self.seen.lock().is_online = is_online;
    }

    pub(crate) fn set_clock_offset(&self, offset_ms: i64) {
        self.seen.lock().clock_offset_ms = Some(offset_ms);
    }

    pub(crate) fn set_failed(&self, error: &Error) {
        let mut seen = self.seen.lock();
        seen.is_online = false;
        seen.last_error = Some(error.to_string());
    }

    pub(crate) fn set_synced(&self, now_millis: u64) {
        let mut seen = self.seen.lock();
        seen.last_sync_millis = Some(now_millis);
        seen.last_error = None;
    }

    /// The counts with the bytes that the lines have carried.
    pub(crate) fn with_traffic(&self, counts: SyncSummary) -> SyncSummary {
        SyncSummary {
            bytes_sent: self.traffic.sent.load(Ordering::Relaxed),
            bytes_received: self.traffic.received.load(Ordering::Relaxed),
            bytes_saved: self.traffic.saved.load(Ordering::Relaxed),
            ..counts
        }
    }

    /// How good the line is while it is up.
    pub(super) fn network(&self) -> Network {
        Network::of_round_trip(Duration::from_micros(self.traffic.round_trip_micros.load(Ordering::Relaxed)))
    }
}
