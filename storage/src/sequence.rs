//! The numbers of sequences.
//!
//! `nextval` is not undone with its transaction, and a number that was given is never given again, not even after a crash.
//! So numbers are logged in blocks, in commits of their own, before the first of the block is given:
//!
//! ```text
//!   1      2 … 33      34     35 … 66       numbers given
//!   │                  │
//!   └─ log "33"        └─ log "66"          after a crash the sequence goes on after what was logged
//! ```
//!
//! What is logged stands under the sequence's place in an internal relation; as long as nothing does, the sequence is
//! where its definition says. Places that no sequence has (their transaction was rolled back) are removed when the store
//! is opened.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::base::{Base, Space};
use crate::catalog::{Catalog, SequenceDef, SequencePlace, SequenceValue};
use crate::error::{Error, Result};
use crate::key::KeyRange;
use crate::meta::decode_u64;
use crate::overlay::SpaceWrites;
use crate::sequencer::CommitRequest;
use crate::store::Store;
use crate::sync_row::Internal;
use crate::transaction::Direction;

/// How many numbers are logged beyond the one that is given (PostgreSQL's `SEQ_LOG_VALS`).
const LOGGED_AHEAD: i64 = 32;

/// How many sequences that do not exist any more may be remembered.
const MAX_FORGOTTEN: usize = 1_000;

const SPACE: Space = Space::Internal(Internal::Sequences);

/// The sequences that have been used since the store was opened.
#[derive(Default)]
pub(crate) struct Sequences {
    states: Mutex<HashMap<SequencePlace, Arc<Mutex<State>>>>,
}

/// How far a sequence is.
#[derive(Clone, Copy)]
struct State {
    value: SequenceValue,
    /// The number up to which may be given without logging.
    logged: i64,
    /// The direction in which that holds.
    is_ascending: bool,
}

impl State {
    fn new(value: SequenceValue) -> Self {
        Self { value, logged: value.last, is_ascending: true }
    }

    /// Whether a number has been logged, and all on the way to it.
    const fn covers(&self, number: i64, increment: i64) -> bool {
        self.value.is_called
            && self.is_ascending == (increment > 0)
            && if self.is_ascending { number <= self.logged } else { number >= self.logged }
    }
}

impl Store {
    /// Gives a number: `nextval`. Waits for the disk when a new block begins.
    pub fn next_number(&self, sequence: &SequenceDef) -> Result<i64> {
        let state = self.sequence_state(sequence)?;
        let mut state = state.lock();
        let increment = sequence.options.increment;
        let number = match state.value {
            SequenceValue { last, is_called: false } => last,
            SequenceValue { last, is_called: true } => following(sequence, last)?,
        };
        if !state.covers(number, increment) || wraps(state.value, number, increment) {
            let logged = ahead(sequence, number);
            self.log_sequence(sequence.place, SequenceValue { last: logged, is_called: true })?;
            state.logged = logged;
            state.is_ascending = increment > 0;
        }
        state.value = SequenceValue { last: number, is_called: true };
        Ok(number)
    }

    /// Sets how far a sequence is: `setval`. It is not undone with the transaction.
    pub fn set_number(&self, sequence: &SequenceDef, value: SequenceValue) -> Result<()> {
        let state = self.sequence_state(sequence)?;
        let mut state = state.lock();
        self.log_sequence(sequence.place, value)?;
        *state = State::new(value);
        Ok(())
    }

    /// How far a sequence is, and how many numbers it may give before it logs the next block.
    pub fn sequence_value(&self, sequence: &SequenceDef) -> Result<(SequenceValue, i64)> {
        let state = *self.sequence_state(sequence)?.lock();
        let left = state.logged.saturating_sub(state.value.last).saturating_div(sequence.options.increment.max(1));
        let left = if sequence.options.increment > 0 {
            left
        } else {
            let increment = sequence.options.increment.saturating_neg().max(1);
            state.value.last.saturating_sub(state.logged).saturating_div(increment)
        };
        Ok((state.value, left.max(0)))
    }

    fn sequence_state(&self, sequence: &SequenceDef) -> Result<Arc<Mutex<State>>> {
        let mut states = self.sequences.states.lock();
        if let Entry::Occupied(known) = states.entry(sequence.place) {
            return Ok(Arc::clone(known.get()));
        }
        let view = self.sequencer.view();
        let stored = view.get(SPACE, &key(sequence.place), decode)?;
        let state = Arc::new(Mutex::new(State::new(stored.unwrap_or(sequence.initial))));
        if states.len() > MAX_FORGOTTEN + view.catalog.sequences().count() {
            let live: Vec<SequencePlace> = view.catalog.sequences().map(|sequence| sequence.place).collect();
            states.retain(|place, state| live.contains(place) || Arc::strong_count(state) > 1);
        }
        states.insert(sequence.place, Arc::clone(&state));
        Ok(state)
    }

    fn log_sequence(&self, place: SequencePlace, value: SequenceValue) -> Result<()> {
        let entry = (Bytes::copy_from_slice(&key(place)), Some(encode(value)));
        let writes = SpaceWrites { space: SPACE, is_stamped: false, entries: vec![entry] };
        self.sequencer.commit(CommitRequest { writes: vec![writes], ..CommitRequest::default() }).map(drop)
    }
}

/// The number after the last one.
fn following(sequence: &SequenceDef, last: i64) -> Result<i64> {
    let options = &sequence.options;
    let next = last.checked_add(options.increment);
    let (next, restart, what, bound) = if options.increment > 0 {
        (next.filter(|next| *next <= options.max), options.min, "maximum", options.max)
    } else {
        (next.filter(|next| *next >= options.min), options.max, "minimum", options.min)
    };
    match next {
        Some(next) => Ok(next),
        None if options.cycle => Ok(restart),
        None => Err(Error::SequenceExhausted(format!(
            "nextval: reached {what} value of sequence \"{}\" ({bound})",
            sequence.name
        ))),
    }
}

/// Whether a number is not on the way from the last one.
const fn wraps(last: SequenceValue, number: i64, increment: i64) -> bool {
    last.is_called && if increment > 0 { number < last.last } else { number > last.last }
}

/// The last number of a block that begins with this one.
fn ahead(sequence: &SequenceDef, number: i64) -> i64 {
    let options = &sequence.options;
    let room = if options.increment > 0 {
        (i128::from(options.max) - i128::from(number)) / i128::from(options.increment)
    } else {
        (i128::from(options.min) - i128::from(number)) / i128::from(options.increment)
    };
    let steps = i64::try_from(room.clamp(0, i128::from(LOGGED_AHEAD))).unwrap_or(0);
    number.saturating_add(steps.saturating_mul(options.increment))
}

const fn key(place: SequencePlace) -> [u8; 8] {
    place.0.to_be_bytes()
}

fn encode(value: SequenceValue) -> Bytes {
    let mut bytes = value.last.to_be_bytes().to_vec();
    bytes.push(u8::from(value.is_called));
    bytes.into()
}

fn decode(bytes: &[u8]) -> Result<SequenceValue> {
    match bytes.split_last() {
        Some((is_called @ 0..=1, last)) => {
            Ok(SequenceValue { last: decode_u64(last)?.cast_signed(), is_called: *is_called == 1 })
        }
        _ => Err(Error::corrupt("a sequence", "its state is malformed")),
    }
}

/// Removes the states of sequences that do not exist: of those whose transaction was rolled back.
pub(crate) fn forget_orphans(base: &Base, catalog: &Catalog) -> Result<()> {
    let live: Vec<[u8; 8]> = catalog.sequences().map(|sequence| key(sequence.place)).collect();
    let mut orphans = Vec::new();
    if let Some(states) = base.read()?.open(SPACE)? {
        for entry in states.range(&KeyRange::ALL, Direction::Forward)? {
            let entry = entry?;
            if !live.iter().any(|place| place == entry.key()) {
                orphans.push(entry.key().to_vec());
            }
        }
    }
    if orphans.is_empty() {
        return Ok(());
    }
    let write = base.write()?;
    let mut states = write.open(SPACE)?;
    for place in orphans {
        states.delete(&place)?;
    }
    drop(states);
    write.commit()
}
