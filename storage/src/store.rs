//! The store: one data folder, opened.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use heliosdb_crdt::Hlc;

use crate::base::{Base, Space};
use crate::catalog::Catalog;
use crate::constraints::RowChecker;
use crate::error::{Error, Result};
use crate::ids::LocalSeq;
use crate::lock::{AdvisoryLocks, ListedLock, LockManager, PartyId, WaitHook};
use crate::meta::{FORMAT_VERSION, Head, OutboxCounts, decode_identity, decode_u32, meta_key};
use crate::sequence::{Sequences, forget_orphans};
use crate::sequencer::{CommitInfo, Sequencer};
use crate::sync_row::{Identity, Internal};
use crate::transaction::{Transaction, WriteOrigin};
use crate::view::{ReadView, Snapshot};

/// Where the base keeps its bytes.
#[derive(Clone)]
pub enum Backend {
    /// A folder; made if it does not exist.
    Folder(PathBuf),
    /// Memory that outlives the store: opening it again is what a restart after a crash sees. For tests.
    Memory(crate::base::MemoryDisk),
}

/// How a store is opened.
pub struct StoreOptions {
    /// Where the bytes are.
    pub backend: Backend,
    /// Bytes of the base's page cache.
    pub cache_bytes: usize,
    /// Transactions that may wait in the outbox.
    pub queue_capacity: u64,
    /// How long a lock is waited for before a deadlock is looked for.
    pub deadlock_timeout: Duration,
    /// How long a merge or pull waits for an SQL transaction before that one is aborted.
    pub apply_lock_wait: Duration,
    /// Milliseconds since the Unix epoch.
    pub wall_clock: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// Evaluates CHECK constraints (the SQL crate does).
    pub row_checker: Arc<dyn RowChecker>,
}

/// An open store. Shared by all sessions and the sync worker.
pub struct Store {
    pub(crate) sequencer: Sequencer,
    pub(crate) locks: Arc<LockManager>,
    pub(crate) row_checker: Arc<dyn RowChecker>,
    pub(crate) queue_capacity: u64,
    pub(crate) sequences: Sequences,
    /// See [`crate::sync_row::TxnRecord::run`].
    pub(crate) run: u64,
}

impl Store {
    /// Opens the store, or makes a new one. Fails with [`crate::Error::InUse`] if another process has it open.
    pub fn open(options: StoreOptions) -> Result<Arc<Self>> {
        let base = Base::open(&options.backend, options.cache_bytes)?;
        prepare_format(&base)?;
        let read = base.read()?;
        let meta = read.open(Space::Internal(Internal::Meta))?;
        let head = match &meta {
            Some(meta) => meta.get(meta_key::HEAD, Head::decode)?.unwrap_or_default(),
            None => Head::default(),
        };
        let identity = match &meta {
            Some(meta) => meta.get(meta_key::IDENTITY, decode_identity)?.unwrap_or_default(),
            None => Identity::default(),
        };
        drop(meta);
        let catalog = Catalog::load(&read)?;
        forget_orphans(&base, &catalog)?;
        let view = ReadView::new(read, head, Arc::new(catalog), Arc::new(identity));
        Ok(Arc::new(Self {
            sequencer: Sequencer::new(base, view, options.wall_clock),
            locks: Arc::new(LockManager::new(options.deadlock_timeout, options.apply_lock_wait)),
            row_checker: options.row_checker,
            queue_capacity: options.queue_capacity,
            sequences: Sequences::default(),
            run: uuid::Uuid::new_v4().as_u64_pair().0,
        }))
    }

    /// Starts a transaction (READ COMMITTED).
    pub fn begin(self: &Arc<Self>, origin: WriteOrigin) -> Transaction {
        Transaction::new(Arc::clone(self), origin)
    }

    /// Starts a transaction of a session, whose advisory locks are not in its way.
    pub fn begin_for(self: &Arc<Self>, session: PartyId, origin: WriteOrigin) -> Transaction {
        Transaction::of(Arc::clone(self), origin, Some(session))
    }

    /// The advisory locks of a new session.
    pub fn advisory_locks(&self) -> AdvisoryLocks {
        AdvisoryLocks::new(&self.locks, self.locks.party())
    }

    /// All locks on relations and numbers, and those on rows that somebody waits for.
    pub fn list_locks(&self) -> Vec<ListedLock> {
        self.locks.list()
    }

    /// The latest committed state.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { view: self.sequencer.view() }
    }

    /// The latest committed catalog.
    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.sequencer.view().catalog)
    }

    /// Who this node is.
    pub fn identity(&self) -> Identity {
        Identity::clone(&self.sequencer.view().identity)
    }

    /// How much is in the outbox.
    pub fn outbox_counts(&self) -> OutboxCounts {
        self.sequencer.view().head.outbox
    }

    /// The last position given in the outbox.
    pub fn last_local_seq(&self) -> LocalSeq {
        self.sequencer.view().head.local_seq
    }

    /// Takes note of a time seen elsewhere: what is committed from now on is later.
    pub fn observe_hlc(&self, seen: Hlc) {
        self.sequencer.observe(seen);
    }

    /// Makes transactions that wait for a lock look at their cancel flags; to be called after setting one.
    pub fn wake_cancelled(&self) {
        self.locks.wake_all();
    }

    /// How many transactions wait for a lock.
    pub fn lock_waiters(&self) -> usize {
        self.locks.waiting()
    }

    /// Whether a commit failed in a way after which this store must not go on; the process should end.
    pub fn is_stopped(&self) -> bool {
        self.sequencer.is_stopped()
    }

    /// Makes every wait of a transaction for a lock run within the hook, which may tell a scheduler that the thread is not
    /// to be counted on meanwhile. Only the first hook given counts.
    pub fn around_lock_waits(&self, hook: WaitHook) {
        self.locks.around_waits(hook);
    }

    /// Calls the function after every commit, in commit order, outside all locks. It must be quick: it is meant to
    /// wake somebody up.
    pub fn on_commit(&self, hook: Box<dyn Fn(&CommitInfo) + Send + Sync>) {
        self.sequencer.add_hook(Arc::from(hook));
    }
}

/// Gives a new store its first records, brings one of an older format up to this one, and refuses one of a newer format.
fn prepare_format(base: &Base) -> Result<()> {
    let meta = Space::Internal(Internal::Meta);
    let stored = match base.read()?.open(meta)? {
        Some(table) => table.get(meta_key::FORMAT, decode_u32)?,
        None => None,
    };
    match stored {
        Some(FORMAT_VERSION) => Ok(()),
        // Format 1 had no records of anything but tables; those it has are read as they are.
        None | Some(1) => {
            let write = base.write()?;
            write.open(meta)?.put(meta_key::FORMAT, &FORMAT_VERSION.to_be_bytes())?;
            let mut catalog = write.open(Space::Internal(Internal::Catalog))?;
            for object in Catalog::initial_objects() {
                catalog.put(&Catalog::record_key(object.id()), &Catalog::record(&object)?)?;
            }
            drop(catalog);
            write.commit()
        }
        Some(newer) => Err(Error::Unsupported(format!(
            "the data folder has format {newer}, this program reads format {FORMAT_VERSION}; use a newer program"
        ))),
    }
}
