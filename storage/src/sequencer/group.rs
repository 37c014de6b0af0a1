//! One group of commits becomes one write transaction of the base.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use heliosdb_crdt::SiteId;

use super::{CommitInfo, CommitRequest, Outgoing, Sequencer};
use crate::base::{BaseWrite, Space, WriteTable};
use crate::catalog::Catalog;
use crate::error::{Error, Result};
use crate::ids::{CommitSeq, LocalSeq, TxnId};
use crate::key::RowKey;
use crate::meta::{Head, OutboxCounts, meta_key};
use crate::overlay::SpaceWrites;
use crate::row;
use crate::sync_row::{Identity, Internal, OutboxEntry, OutboxState, Tombstone, TxnRecord, keys};
use crate::view::ReadView;

/// Why a group was not committed.
pub(super) enum Failure {
    /// Nothing of it is on disk.
    NothingDone(Error),
    /// Some or all of it may be on disk.
    Unknown(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::NothingDone(error)
    }
}

impl Sequencer {
    /// Commits all requests, in order, and publishes the result; or none of them.
    pub(super) fn try_group(&self, requests: &[&CommitRequest]) -> Result<Vec<CommitInfo>, Failure> {
        let before = self.view();
        let write = self.base.write().inspect_err(|error| self.stop_if_base_failed(error))?;
        let written = match self.write_group(&write, &before, requests) {
            Ok(written) => written,
            Err(error) => {
                self.stop_if_base_failed(&error);
                write.abort();
                return Err(error.into());
            }
        };
        write.commit().map_err(|error| Failure::Unknown(error.to_string()))?;
        let read = self.base.read().map_err(|error| Failure::Unknown(error.to_string()))?;
        self.publish(ReadView::new(read, written.head, written.catalog, written.identity));
        Ok(written.infos)
    }

    /// After an error of the disk, a full one included, the base refuses everything, reads too, until it is opened again.
    fn stop_if_base_failed(&self, error: &Error) {
        if matches!(error, Error::Io(_) | Error::DiskFull(_)) {
            self.stop("the disk failed before a commit");
        }
    }

    fn write_group(&self, write: &BaseWrite, before: &ReadView, requests: &[&CommitRequest]) -> Result<Written> {
        let mut group = Group {
            tables: Tables { write, open: HashMap::new() },
            head: before.head,
            catalog: Arc::clone(&before.catalog),
            identity: Arc::clone(&before.identity),
        };
        let infos = requests.iter().map(|&request| self.write_one(&mut group, request)).collect::<Result<Vec<_>>>()?;
        // Read last: it is above all numbers that the rows of this group have.
        group.head.next_row_number = self.next_row_number.load(Ordering::Relaxed);
        let head = group.head.encode();
        group.tables.get(Space::Internal(Internal::Meta))?.put(meta_key::HEAD, &head)?;
        let Group { head, catalog, identity, .. } = group;
        Ok(Written { infos, head, catalog, identity })
    }

    fn write_one(&self, group: &mut Group<'_>, request: &CommitRequest) -> Result<CommitInfo> {
        if let Some(identity) = &request.identity {
            group.identity = Arc::new(identity.clone());
        }
        if let Some(catalog) = &request.catalog {
            let mut published = Catalog::clone(catalog);
            published.is_private = false;
            group.catalog = Arc::new(published);
        }
        let wall_millis = self.wall_millis();
        group.head.seq = CommitSeq(group.head.seq.0 + 1);
        group.head.hlc = self.clock.lock().tick(wall_millis);
        group.head.local_seq = group.head.local_seq.max(request.skip_local_seq_to);
        let mut given = CommitInfo {
            seq: group.head.seq,
            hlc: group.head.hlc,
            local_seq: None,
            changed_synced: request.changed_synced,
        };
        let site = group.identity.site_id();
        for space in &request.dropped {
            group.tables.remove(*space)?;
        }
        for writes in &request.writes {
            group.write_space(writes, &given, site)?;
        }
        for (table, key) in &request.feed {
            let key = keys::feed(given.seq, *table, key);
            group.tables.get(Space::Internal(Internal::Feed))?.put(&key, &[])?;
        }
        if let Some(outgoing) = &request.outgoing {
            given.local_seq = Some(group.write_outgoing(outgoing, &given, site)?);
        }
        Ok(given)
    }
}

/// What a group has made.
struct Written {
    infos: Vec<CommitInfo>,
    head: Head,
    catalog: Arc<Catalog>,
    identity: Arc<Identity>,
}

/// The state of the store as the members of a group change it, one after the other.
struct Group<'txn> {
    tables: Tables<'txn>,
    head: Head,
    catalog: Arc<Catalog>,
    identity: Arc<Identity>,
}

impl Group<'_> {
    fn write_space(&mut self, writes: &SpaceWrites, given: &CommitInfo, site: SiteId) -> Result<()> {
        let is_outbox = writes.space == Space::Internal(Internal::Outbox);
        let table = self.tables.get(writes.space)?;
        for (key, value) in &writes.entries {
            if is_outbox {
                let before = table.get(key, outbox_weight)?.unwrap_or_default();
                let after = value.as_deref().map(outbox_weight).transpose()?.unwrap_or_default();
                self.head.outbox = replace(self.head.outbox, before, after);
            }
            match value {
                None => table.delete(key)?,
                Some(value) if writes.is_stamped => {
                    let mut value = value.to_vec();
                    if writes.space == Space::Internal(Internal::Tombstones) {
                        Tombstone::resolve(&mut value, given.hlc, site, given.seq)?;
                    } else {
                        row::resolve(&mut value, given.hlc, site, given.seq)?;
                    }
                    table.put(key, &value)?;
                }
                Some(value) => table.put(key, value)?,
            }
        }
        Ok(())
    }

    fn write_outgoing(&mut self, outgoing: &Outgoing, given: &CommitInfo, site: SiteId) -> Result<LocalSeq> {
        let seq = self.head.local_seq.0.checked_add(1).map(LocalSeq);
        let seq = seq.ok_or_else(|| Error::LimitExceeded("the outbox has no positions left".to_owned()))?;
        let entry = OutboxEntry::pending(TxnRecord {
            id: TxnId { site, seq },
            first_site: site,
            hlc: given.hlc,
            cursor: outgoing.cursor,
            run: outgoing.run,
            schema_version: outgoing.schema_version,
            ops: outgoing.ops.clone(),
        })?;
        self.tables.get(Space::Internal(Internal::Outbox))?.put(&keys::outbox(seq), &entry.encode()?)?;
        let rows = self.tables.get(Space::Internal(Internal::OutboxRows))?;
        for op in &outgoing.ops {
            rows.put(&keys::outbox_row(op.table, &RowKey::of_values(&op.key)?, seq), &[])?;
        }
        self.head.local_seq = seq;
        self.head.outbox = replace(self.head.outbox, OutboxCounts::default(), weight(&entry));
        Ok(seq)
    }
}

/// What an encoded entry of the outbox counts for.
fn outbox_weight(bytes: &[u8]) -> Result<OutboxCounts> {
    match OutboxEntry::decode_state(bytes)? {
        OutboxState::Acknowledged | OutboxState::AcknowledgedAside | OutboxState::Covered { .. } => {
            Ok(OutboxCounts::default())
        }
        OutboxState::Dead { .. } => Ok(OutboxCounts { dead: 1, ..OutboxCounts::default() }),
        OutboxState::Pending | OutboxState::SetAside => OutboxEntry::decode(bytes).map(|entry| weight(&entry)),
    }
}

fn weight(pending: &OutboxEntry) -> OutboxCounts {
    let changes = u64::try_from(pending.txn.ops.len()).unwrap_or(u64::MAX);
    OutboxCounts { pending_transactions: 1, pending_changes: changes, dead: 0 }
}

fn replace(sum: OutboxCounts, before: OutboxCounts, after: OutboxCounts) -> OutboxCounts {
    let replace = |sum: u64, before: u64, after: u64| sum.saturating_sub(before).saturating_add(after);
    OutboxCounts {
        pending_transactions: replace(
            sum.pending_transactions,
            before.pending_transactions,
            after.pending_transactions,
        ),
        pending_changes: replace(sum.pending_changes, before.pending_changes, after.pending_changes),
        dead: replace(sum.dead, before.dead, after.dead),
    }
}

/// The spaces that a group has opened.
struct Tables<'txn> {
    write: &'txn BaseWrite,
    open: HashMap<Space, WriteTable<'txn>>,
}

impl<'txn> Tables<'txn> {
    fn get(&mut self, space: Space) -> Result<&mut WriteTable<'txn>> {
        match self.open.entry(space) {
            Entry::Occupied(table) => Ok(table.into_mut()),
            Entry::Vacant(place) => Ok(place.insert(self.write.open(space)?)),
        }
    }

    fn remove(&mut self, space: Space) -> Result<()> {
        self.open.remove(&space);
        self.write.remove(space)
    }
}
