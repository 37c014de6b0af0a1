//! The plan cache: statements by their text and by what else decides what the text means.
//!
//! It is shared by all sessions. Plans made on a transaction's private catalog are never put into it; those of an older
//! catalog are never found again and leave it in time.

use std::num::NonZeroUsize;
use std::sync::Arc;

use heliosdb_storage::value::DataType;
use lru::LruCache;
use parking_lot::Mutex;

use crate::bind::SearchPath;
use crate::session::Prepared;

/// How many statements are kept.
const MAX_ENTRIES: NonZeroUsize = NonZeroUsize::new(1024).expect("BUG: 1024 is not zero");

/// Longer texts are seldom sent twice.
const MAX_TEXT_BYTES: usize = 16 * 1024;

/// How long the texts of all kept statements may be together. A plan and its tree weigh a multiple of their text, whatever
/// the statement, so that this bounds the cache's memory.
const MAX_TOTAL_TEXT_BYTES: usize = 1024 * 1024;

/// What decides the meaning of a text.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct CacheKey {
    /// The text.
    pub text: Arc<str>,
    /// The types of the parameters as the client gave them.
    pub parameter_types: Vec<DataType>,
    /// The version of the catalog.
    pub catalog_version: u64,
    /// The settings in which literals are read and plans made: see [`Settings::planning`](crate::session::settings::Settings).
    pub settings: Arc<str>,
    /// Where names are looked for.
    pub path: SearchPath,
}

/// The cache.
pub struct PlanCache {
    entries: Mutex<Entries>,
}

struct Entries {
    plans: LruCache<CacheKey, Arc<Prepared>>,
    text_bytes: usize,
}

impl Default for PlanCache {
    fn default() -> Self {
        Self { entries: Mutex::new(Entries { plans: LruCache::new(MAX_ENTRIES), text_bytes: 0 }) }
    }
}

impl PlanCache {
    /// A statement that was put there before.
    pub fn get(&self, key: &CacheKey) -> Option<Arc<Prepared>> {
        self.entries.lock().plans.get(key).map(Arc::clone)
    }

    /// Keeps a statement, at the cost of those that have not been used for longest.
    pub fn put(&self, key: CacheKey, prepared: &Arc<Prepared>) {
        if prepared.source_bytes() > MAX_TEXT_BYTES {
            return;
        }
        let mut entries = self.entries.lock();
        entries.text_bytes += prepared.source_bytes();
        if let Some((_, evicted)) = entries.plans.push(key, Arc::clone(prepared)) {
            entries.text_bytes -= evicted.source_bytes();
        }
        while entries.text_bytes > MAX_TOTAL_TEXT_BYTES {
            let Some((_, evicted)) = entries.plans.pop_lru() else { break };
            entries.text_bytes -= evicted.source_bytes();
        }
    }
}
