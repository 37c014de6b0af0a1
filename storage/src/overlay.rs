//! What an open transaction has written.
//!
//! For each key of each space a list of versions, each tagged with the command that wrote it: a statement sees what
//! earlier commands wrote and not what it writes itself (no Halloween problem), and a portal that was opened by an
//! earlier command goes on seeing what it saw. The transaction's undo list says which versions to take off again.

use std::collections::btree_map::{self, BTreeMap};
use std::collections::{BTreeSet, HashMap};
use std::iter::Rev;

use bytes::Bytes;

use crate::base::Space;
use crate::error::{Error, Result};
use crate::key::KeyRange;
use crate::merge_cursor::Sees;
use crate::transaction::Direction;

/// Bytes of keys and values, with what it costs to keep them, that one transaction may hold before COMMIT.
const MAX_BYTES: usize = 1 << 30;

/// What one version costs beside its bytes: nodes of the map, the undo entry.
const BYTES_PER_VERSION: usize = 160;

/// The private writes of a transaction.
#[derive(Default)]
pub(crate) struct Overlay {
    spaces: HashMap<Space, BTreeMap<Bytes, Versions>>,
    dropped: BTreeSet<Space>,
    bytes: usize,
}

/// The versions of one key, hardly ever more than one.
struct Versions {
    older: Vec<Version>,
    newest: Version,
}

struct Version {
    command: u32,
    value: Option<Bytes>,
}

impl Versions {
    fn visible(&self, sees: Sees) -> Option<&Version> {
        match sees {
            Sees::Newest => Some(&self.newest),
            Sees::Before(command) if self.newest.command < command => Some(&self.newest),
            Sees::Before(command) => self.older.iter().rev().find(|version| version.command < command),
        }
    }
}

impl Overlay {
    pub(crate) fn has_writes_to(&self, space: Space) -> bool {
        self.spaces.contains_key(&space)
    }

    /// How many keys of a space were written.
    pub(crate) fn written_keys(&self, space: Space) -> usize {
        self.spaces.get(&space).map_or(0, BTreeMap::len)
    }

    /// Writes a value, or none to remove it.
    pub(crate) fn put(&mut self, space: Space, key: Bytes, value: Option<Bytes>, command: u32) -> Result<()> {
        let cost = BYTES_PER_VERSION + key.len() + value.as_ref().map_or(0, Bytes::len);
        if self.bytes.saturating_add(cost) > MAX_BYTES {
            return Err(Error::LimitExceeded(format!("a transaction may write up to {} MiB", MAX_BYTES >> 20)));
        }
        self.bytes += cost;
        let version = Version { command, value };
        match self.spaces.entry(space).or_default().entry(key) {
            btree_map::Entry::Vacant(place) => {
                place.insert(Versions { older: Vec::new(), newest: version });
            }
            btree_map::Entry::Occupied(mut place) => {
                let versions = place.get_mut();
                versions.older.push(std::mem::replace(&mut versions.newest, version));
            }
        }
        Ok(())
    }

    /// Takes the newest version of a key off again.
    pub(crate) fn undo_put(&mut self, space: Space, key: &Bytes) {
        let Some(keys) = self.spaces.get_mut(&space) else { return };
        let Some(versions) = keys.get_mut(key) else { return };
        let undone = match versions.older.pop() {
            Some(version) => Some(std::mem::replace(&mut versions.newest, version)),
            None => keys.remove(key).map(|versions| versions.newest),
        };
        let value_bytes = undone.and_then(|version| version.value).map_or(0, |value| value.len());
        self.bytes = self.bytes.saturating_sub(BYTES_PER_VERSION + key.len() + value_bytes);
        if keys.is_empty() {
            self.spaces.remove(&space);
        }
    }

    /// Forgets that the transaction ever wrote the key. Only for the end of a transaction: the undo list knows nothing
    /// of it.
    pub(crate) fn forget(&mut self, space: Space, key: &[u8]) {
        if let Some(keys) = self.spaces.get_mut(&space) {
            keys.remove(key);
        }
    }

    /// Removes a whole space at COMMIT.
    pub(crate) fn drop_space(&mut self, space: Space) {
        self.dropped.insert(space);
    }

    /// Takes that back.
    pub(crate) fn undo_drop_space(&mut self, space: Space) {
        self.dropped.remove(&space);
    }

    /// What this transaction wrote under the key, as far as is seen: none if nothing, `Some(None)` if it was removed.
    pub(crate) fn get(&self, space: Space, key: &[u8], sees: Sees) -> Option<Option<&Bytes>> {
        if self.spaces.is_empty() {
            return None;
        }
        let version = self.spaces.get(&space)?.get(key)?.visible(sees)?;
        Some(version.value.as_ref())
    }

    /// The command that wrote under the key last.
    pub(crate) fn newest_command(&self, space: Space, key: &[u8]) -> Option<u32> {
        Some(self.spaces.get(&space)?.get(key)?.newest.command)
    }

    /// As [`Overlay::get`], without the newest `puts` versions.
    pub(crate) fn get_before(&self, space: Space, key: &[u8], puts: usize) -> Option<Option<&Bytes>> {
        let versions = self.spaces.get(&space)?.get(key)?;
        let all = versions.older.iter().chain(std::iter::once(&versions.newest));
        all.rev().nth(puts).map(|version| version.value.as_ref())
    }

    /// What this transaction wrote within the range, removals included.
    pub(crate) fn range(&self, space: Space, range: &KeyRange, direction: Direction, sees: Sees) -> OverlayRange<'_> {
        let bounds = (as_slice(&range.start), as_slice(&range.end));
        let entries = match self.spaces.get(&space) {
            Some(keys) if !crate::base::is_empty_range(bounds) => keys.range::<[u8], _>(bounds),
            _ => btree_map::Range::default(),
        };
        let entries = match direction {
            Direction::Forward => Ordered::Forward(entries),
            Direction::Backward => Ordered::Backward(entries.rev()),
        };
        OverlayRange { entries, sees }
    }

    /// Everything that is to be written, and the spaces to be removed.
    pub(crate) fn into_writes(mut self, is_stamped: impl Fn(Space) -> bool) -> (Vec<SpaceWrites>, Vec<Space>) {
        for space in &self.dropped {
            self.spaces.remove(space);
        }
        let writes = self.spaces.into_iter().map(|(space, keys)| SpaceWrites {
            space,
            is_stamped: is_stamped(space),
            entries: keys.into_iter().map(|(key, versions)| (key, versions.newest.value)).collect(),
        });
        (writes.collect(), self.dropped.into_iter().collect())
    }
}

/// What a commit writes to one space, in key order; none removes.
pub(crate) struct SpaceWrites {
    pub(crate) space: Space,
    /// Whether values may have places for what the commit is given.
    pub(crate) is_stamped: bool,
    pub(crate) entries: Vec<(Bytes, Option<Bytes>)>,
}

fn as_slice(bound: &std::ops::Bound<Bytes>) -> std::ops::Bound<&[u8]> {
    bound.as_ref().map(|key| &**key)
}

/// An iterator over the visible writes of a range.
pub(crate) struct OverlayRange<'a> {
    entries: Ordered<'a>,
    sees: Sees,
}

enum Ordered<'a> {
    Forward(btree_map::Range<'a, Bytes, Versions>),
    Backward(Rev<btree_map::Range<'a, Bytes, Versions>>),
}

impl<'a> Iterator for OverlayRange<'a> {
    type Item = (&'a Bytes, Option<&'a Bytes>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (key, versions) = match &mut self.entries {
                Ordered::Forward(entries) => entries.next()?,
                Ordered::Backward(entries) => entries.next()?,
            };
            if let Some(version) = versions.visible(self.sees) {
                return Some((key, version.value.as_ref()));
            }
        }
    }
}
