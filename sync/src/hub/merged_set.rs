//! Which transactions of a site were merged, as one compact value a site: what a CHECKPOINT covers is read from it, and
//! need not be gathered from the digests of all transactions ever merged.
//!
//! It is kept in `SyncState`, written in the transaction that merges.

use heliosdb_crdt::{IntervalSet, SiteId};
use heliosdb_storage::codec::{Reader, put_len, put_varint};
use heliosdb_storage::sync_row::Internal;
use heliosdb_storage::{Result, Snapshot};

/// Fewest bytes of an interval.
const MIN_INTERVAL_BYTES: usize = 2;

/// The key in `SyncState`.
pub fn key(site: SiteId) -> Vec<u8> {
    [b"merged_set/".as_slice(), &site.0.to_be_bytes()].concat()
}

/// The bytes of a set: the number of intervals, then of each the distance from the one before and its length.
pub fn encode(set: &IntervalSet) -> Vec<u8> {
    let mut out = Vec::new();
    put_len(&mut out, set.interval_count());
    let mut end = 0;
    for (first, last) in set.iter() {
        put_varint(&mut out, first - end);
        put_varint(&mut out, last - first);
        end = last;
    }
    out
}

/// The set in the bytes.
pub fn decode(bytes: &[u8]) -> Result<IntervalSet> {
    let mut reader = Reader::new(bytes, "set of merged transactions");
    let mut set = IntervalSet::default();
    let mut end = 0_u64;
    for _ in 0..reader.count(MIN_INTERVAL_BYTES)? {
        let first = end.checked_add(reader.varint()?).ok_or_else(|| reader.damaged("an interval is out of range"))?;
        let last = first.checked_add(reader.varint()?).ok_or_else(|| reader.damaged("an interval is out of range"))?;
        set.insert_range(first, last);
        end = last;
    }
    reader.finish()?;
    Ok(set)
}

/// The transactions of a site that were merged by then.
pub fn read(snapshot: &Snapshot, site: SiteId) -> Result<IntervalSet> {
    let value = snapshot.internal_get(Internal::SyncState, &key(site))?;
    value.as_deref().map(decode).transpose().map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn round_trip(intervals in proptest::collection::vec((any::<u64>(), 0_u64..100), 0..9)) {
            let set: IntervalSet = intervals.into_iter().map(|(first, len)| (first, first.saturating_add(len))).collect();
            prop_assert_eq!(decode(&encode(&set)).unwrap(), set);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = decode(&bytes);
        }
    }
}
