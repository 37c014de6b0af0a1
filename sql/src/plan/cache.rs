//! The plan cache: statements by their text and by what else decides what the text means.
//!
//! It is shared by all sessions. Plans made on a transaction's private catalog are never put into it; those of an older
//! catalog are never found again and leave it in time.

use std::num::NonZeroUsize;
use std::sync::Arc;

use heliosdb_storage::value::DataType;
use lru::LruCache;
use parking_lot::Mutex;

use crate::session::Prepared;

/// How many statements are kept.
const MAX_ENTRIES: NonZeroUsize = NonZeroUsize::new(1024).expect("BUG: 1024 is not zero");

/// Longer statements are seldom sent twice, and would weigh too much.
const MAX_TEXT_BYTES: usize = 16 * 1024;

/// What decides the meaning of a text.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct CacheKey {
    /// The text.
    pub text: Arc<str>,
    /// The types of the parameters as the client gave them.
    pub parameter_types: Vec<DataType>,
    /// The version of the catalog.
    pub catalog_version: u64,
    /// The zone in which literals are read.
    pub time_zone: Arc<str>,
}

/// The cache.
pub struct PlanCache {
    entries: Mutex<LruCache<CacheKey, Arc<Prepared>>>,
}

impl Default for PlanCache {
    fn default() -> Self {
        Self { entries: Mutex::new(LruCache::new(MAX_ENTRIES)) }
    }
}

impl PlanCache {
    /// A statement that was put there before.
    pub fn get(&self, key: &CacheKey) -> Option<Arc<Prepared>> {
        self.entries.lock().get(key).map(Arc::clone)
    }

    /// Keeps a statement, at the cost of the one that has not been used for longest.
    pub fn put(&self, key: CacheKey, prepared: &Arc<Prepared>) {
        if key.text.len() <= MAX_TEXT_BYTES {
            self.entries.lock().put(key, Arc::clone(prepared));
        }
    }
}
