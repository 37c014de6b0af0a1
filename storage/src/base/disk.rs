//! A disk in memory, for tests of restarts and crashes.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

/// Bytes in memory that outlive the store that writes them; for tests of crashes. A clone shares the bytes;
/// [`MemoryDisk::fork`] copies them, as copying a data folder would.
///
/// What a store writes becomes part of the disk when it is synced, and not before: a fork taken while a store is open is
/// what a power cut at that moment would leave behind.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    durable: Mutex<Durable>,
    is_open: AtomicBool,
    fails: AtomicBool,
    is_full: AtomicBool,
}

#[derive(Clone, Default)]
struct Durable(Vec<u8>);

impl std::fmt::Debug for Durable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl MemoryDisk {
    /// An independent copy of the bytes as they are now, without what is not synced yet.
    pub fn fork(&self) -> Self {
        let durable = self.shared.durable.lock().clone();
        Self { shared: Arc::new(Shared { durable: Mutex::new(durable), ..Shared::default() }) }
    }

    /// Whether syncing fails from now on, as on a broken disk.
    pub fn set_failing(&self, fails: bool) {
        self.shared.fails.store(fails, Ordering::SeqCst);
    }

    /// Whether the disk can grow no more from now on.
    pub fn set_full(&self, is_full: bool) {
        self.shared.is_full.store(is_full, Ordering::SeqCst);
    }

    /// The backend for one opening; none if another one is open.
    pub(super) fn open(&self) -> Option<MemoryBackend> {
        if self.shared.is_open.swap(true, Ordering::SeqCst) {
            return None;
        }
        let bytes = self.shared.durable.lock().0.clone();
        let working = Mutex::new(Working { bytes, unsynced: Vec::new() });
        Some(MemoryBackend { shared: Arc::clone(&self.shared), working, is_closed: AtomicBool::new(false) })
    }
}

/// What one opening of a [`MemoryDisk`] reads and writes.
pub(super) struct MemoryBackend {
    shared: Arc<Shared>,
    working: Mutex<Working>,
    is_closed: AtomicBool,
}

struct Working {
    bytes: Vec<u8>,
    unsynced: Vec<Range<usize>>,
}

impl std::fmt::Debug for MemoryBackend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MemoryBackend({:?})", self.shared)
    }
}

impl MemoryBackend {
    /// Lets the disk be opened again, once.
    fn release(&self) {
        if !self.is_closed.swap(true, Ordering::SeqCst) {
            self.shared.is_open.store(false, Ordering::SeqCst);
        }
    }
}

impl Drop for MemoryBackend {
    fn drop(&mut self) {
        self.release();
    }
}

fn span(offset: u64, length: usize) -> io::Result<Range<usize>> {
    let out_of_range = || io::Error::new(io::ErrorKind::InvalidInput, "offset out of range");
    let start = usize::try_from(offset).map_err(|_| out_of_range())?;
    let end = start.checked_add(length).ok_or_else(out_of_range)?;
    Ok(start..end)
}

fn short() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the disk is shorter than that")
}

impl redb::StorageBackend for MemoryBackend {
    fn len(&self) -> io::Result<u64> {
        u64::try_from(self.working.lock().bytes.len()).map_err(io::Error::other)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let working = self.working.lock();
        let source = working.bytes.get(span(offset, out.len())?).ok_or_else(short)?;
        out.copy_from_slice(source);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let len = usize::try_from(len).map_err(io::Error::other)?;
        let mut working = self.working.lock();
        let old_len = working.bytes.len();
        if len > old_len && self.shared.is_full.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        working.bytes.resize(len, 0);
        if len > old_len {
            // What grows is zero, whatever lay there before an earlier cut.
            working.unsynced.push(old_len..len);
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.shared.fails.load(Ordering::SeqCst) {
            return Err(io::Error::other("the disk fails, as it was told to"));
        }
        let mut working = self.working.lock();
        let mut durable = self.shared.durable.lock();
        durable.0.resize(working.bytes.len(), 0);
        for span in std::mem::take(&mut working.unsynced) {
            // A span beyond the end was cut off by a later change of length.
            let end = span.end.min(working.bytes.len());
            if let (Some(to), Some(from)) = (durable.0.get_mut(span.start..end), working.bytes.get(span.start..end)) {
                to.copy_from_slice(from);
            }
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut working = self.working.lock();
        let span = span(offset, data.len())?;
        working.bytes.get_mut(span.clone()).ok_or_else(short)?.copy_from_slice(data);
        working.unsynced.push(span);
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.release();
        Ok(())
    }
}
