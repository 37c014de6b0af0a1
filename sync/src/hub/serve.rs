//! Serving what an edge pulls.
//!
//! Everything is read from one snapshot: the rows that changed since the cursor, as they are now, and which of the asking
//! node's transactions they show. The feed has one entry a row, under its newest change, so a pull from the start of
//! history is a bootstrap and nothing has to be retained.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use heliosdb_crdt::SiteId;
use heliosdb_storage::key::KeyRange;
use heliosdb_storage::row::{ChangedAt, Stamped};
use heliosdb_storage::sync_row::{Internal, RowState, keys};
use heliosdb_storage::{CommitSeq, SchemaVersion, ServerSeq, Snapshot, Store};

use super::merged_set;
use crate::error::Result;
use crate::message::{Pull, PulledRow};

/// Entries of the feed that are read at once.
const PAGE: usize = 1000;

/// What changed since a cursor, for a node of these sites that has the schema of a version.
pub fn changes_since(
    store: &Arc<Store>,
    cursor: ServerSeq,
    sites: &[SiteId],
    schema_version: SchemaVersion,
) -> Result<Pull> {
    let snapshot = store.snapshot();
    let to = ServerSeq { epoch: snapshot.identity().cursor.epoch, n: snapshot.seq().0 };
    // A cursor beyond the end is one of a history that was lost, whose epoch had not ended yet.
    let full = cursor.epoch != to.epoch || cursor.n == 0 || cursor.n > to.n;
    let mut pull = Pull { to, full, ..Pull::default() };
    // Equal versions of different epochs need not be equal schemas.
    if full || snapshot.catalog().schema_version != schema_version {
        pull.schema = Some(snapshot.catalog().synced_schema());
    }
    let after = if full { CommitSeq(0) } else { CommitSeq(cursor.n) };
    collect_rows(&snapshot, after, sites, &mut pull)?;
    for &site in sites {
        pull.covered.push((site, merged_set::read(&snapshot, site)?));
    }
    Ok(pull)
}

/// Adds all rows whose newest change is after a commit.
fn collect_rows(snapshot: &Snapshot, after: CommitSeq, sites: &[SiteId], pull: &mut Pull) -> Result<()> {
    let mut foreign_commits = BTreeSet::new();
    let mut start = Bound::Included(keys::feed_start(CommitSeq(after.0.saturating_add(1))));
    loop {
        let range = KeyRange { start, end: Bound::Unbounded };
        let page = snapshot.internal_scan(Internal::Feed, range, PAGE)?;
        let Some((last, _)) = page.last() else { break };
        start = Bound::Excluded(last.clone());
        for (entry, _) in page {
            let (seq, sync_id, key) = keys::parse_feed(&entry)?;
            let Some(table) = snapshot.catalog().table_by_sync_id(sync_id) else { continue };
            let mut state = snapshot.row_state(table, &key)?;
            if state == RowState::Absent {
                continue;
            }
            if !is_written_by(&state, sites) {
                foreign_commits.insert(seq);
            }
            state.set_changed_at(ChangedAt::Never);
            pull.rows.push(PulledRow { table: sync_id, state });
        }
    }
    pull.transactions = u64::try_from(foreign_commits.len()).unwrap_or(u64::MAX);
    Ok(())
}

/// Whether the newest write of a row is of one of the sites.
fn is_written_by(state: &RowState, sites: &[SiteId]) -> bool {
    matches!(state.newest_stamp(), Some(Stamped::At(stamp)) if sites.contains(&stamp.site))
}
