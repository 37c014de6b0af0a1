//! Laws of merging, and of the formats.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss)]

use heliosdb_crdt::{Hlc, SiteId, Stamp};
use proptest::prelude::*;
use proptest::sample::Index;

use super::strategies::{entries, metas, records, rows, stampeds, states, table, tombstones};
use super::*;
use crate::ids::{ColumnId, CommitSeq, SyncTableId};
use crate::row::{self, ChangedAt, RowMeta, Stamped};
use crate::transaction::ColumnChange;
use crate::value::Value;
use crate::value::strategies::{damage, damages};

const A: ColumnId = ColumnId(2);
const B: ColumnId = ColumnId(3);
const HITS: ColumnId = ColumnId(4);
const TOTAL: ColumnId = ColumnId(5);

fn at(n: u64) -> Stamp {
    Stamp { hlc: Hlc(n), site: SiteId(1) }
}

fn insert(life: u32, a: &str, b: &str, hits: i64) -> RowOp {
    let values = vec![
        (ColumnId(1), Value::Int4(7)),
        (A, Value::text(a)),
        (B, Value::text(b)),
        (HITS, Value::Int8(hits)),
        (TOTAL, Value::Null),
    ];
    op(life, OpKind::Insert(values))
}

fn op(life: u32, kind: OpKind) -> RowOp {
    RowOp { table: SyncTableId(16384), key: vec![Value::Int4(7)], life, kind }
}

/// An operation among several on one row: which insert its author had seen, if it is none itself.
#[derive(Clone, Debug)]
struct Event {
    op: RowOp,
    stamp: Stamp,
    after: Option<usize>,
}

#[derive(Clone, Debug)]
struct Draft {
    life: u32,
    kind: u8,
    text: String,
    n: i64,
    depends: Index,
}

fn drafts() -> impl Strategy<Value = Vec<Draft>> {
    let draft = (1_u32..4, 0_u8..8, "[a-c]", -5_i64..6, any::<Index>())
        .prop_map(|(life, kind, text, n, depends)| Draft { life, kind, text, n, depends });
    proptest::collection::vec(draft, 1..10)
}

/// Events that a fleet could have produced: each has its own stamp, and whoever patches or deletes has seen an insert of
/// that life.
fn events(drafts: &[Draft]) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    for (i, draft) in drafts.iter().enumerate() {
        let stamp = at(10 + i as u64);
        let inserts: Vec<usize> = (0..events.len())
            .filter(|&j| events[j].op.life == draft.life && matches!(events[j].op.kind, OpKind::Insert(_)))
            .collect();
        let text = || Value::text(draft.text.as_str());
        let kind = match draft.kind {
            _ if inserts.is_empty() => None,
            0 | 1 => None,
            2 => Some(OpKind::Delete),
            3 | 4 => Some(OpKind::Patch(vec![(A, ColumnChange::Set(text()))])),
            5 => Some(OpKind::Patch(vec![(B, ColumnChange::Set(text())), (HITS, ColumnChange::Add(draft.n))])),
            _ => {
                Some(OpKind::Patch(vec![(HITS, ColumnChange::Add(draft.n)), (TOTAL, ColumnChange::Add(draft.n.abs()))]))
            }
        };
        events.push(match kind {
            None => Event { op: insert(draft.life, &draft.text, "x", draft.n), stamp, after: None },
            Some(kind) => {
                Event { op: op(draft.life, kind), stamp, after: Some(inserts[draft.depends.index(inserts.len())]) }
            }
        });
    }
    events
}

/// Some order in which every event comes after the insert that its author had seen.
fn causal_order(events: &[Event], choices: &[Index]) -> Vec<usize> {
    let mut order = Vec::new();
    let mut left: Vec<usize> = (0..events.len()).collect();
    let mut choices = choices.iter().cycle();
    while !left.is_empty() {
        let ready: Vec<usize> =
            left.iter().copied().filter(|&i| events[i].after.is_none_or(|after| order.contains(&after))).collect();
        let chosen = ready[choices.next().unwrap().index(ready.len())];
        left.retain(|&i| i != chosen);
        order.push(chosen);
    }
    order
}

fn merged<'a>(state: RowState, events: impl IntoIterator<Item = &'a Event>) -> RowState {
    replay(&table(), state, events.into_iter().map(|e| (&e.op, e.stamp)))
}

fn orders() -> impl Strategy<Value = Vec<Index>> {
    proptest::collection::vec(any::<Index>(), 16)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Each operation once, in any two causal orders: the same row, trailer included.
    #[test]
    fn order_does_not_matter(drafts in drafts(), one in orders(), other in orders()) {
        let events = events(&drafts);
        let states = [one, other].map(|choices| {
            merged(RowState::Absent, causal_order(&events, &choices).into_iter().map(|i| &events[i]))
        });
        prop_assert_eq!(&states[0], &states[1]);
    }

    /// An edge that replays its own operations over a hub's row that has the others' sees what the hub will have when it
    /// has merged them, in whatever order the two sets reached it.
    #[test]
    fn what_the_edge_shows_is_what_the_hub_will_have(drafts in drafts(), order in orders(), mine in any::<u16>()) {
        let events = events(&drafts);
        let order = causal_order(&events, &order);
        // The others' do not depend on mine: I have pushed nothing.
        let is_mine = |i: usize| {
            let pushes = |i: usize| mine >> (i % 16) & 1 == 1;
            pushes(i) || events[i].after.is_some_and(pushes)
        };
        let others = merged(RowState::Absent, order.iter().filter(|&&i| !is_mine(i)).map(|&i| &events[i]));
        let shown = merged(others, order.iter().filter(|&&i| is_mine(i)).map(|&i| &events[i]));
        let hub = merged(RowState::Absent, order.iter().map(|&i| &events[i]));
        prop_assert_eq!(shown, hub);
    }

    /// The counter of the last life is the sum of what was given to it; each plain column has the value with the largest
    /// stamp. Told without the code under test.
    #[test]
    fn agrees_with_the_definition(drafts in drafts(), order in orders()) {
        let events = events(&drafts);
        let order = causal_order(&events, &order);
        let state = merged(RowState::Absent, order.iter().map(|&i| &events[i]));
        let life = events.iter().map(|e| e.op.life).max().unwrap();
        let of_life: Vec<&Event> = events.iter().filter(|e| e.op.life == life).collect();
        prop_assert_eq!(state.life(), life);
        let is_dead = of_life.iter().any(|e| e.op.kind == OpKind::Delete);
        prop_assert_eq!(state.is_alive(), !is_dead);
        if let RowState::Alive { row, .. } = &state {
            let mut hits = 0;
            let mut a = (Stamp::default(), Value::Null);
            for event in of_life {
                let columns: Vec<(ColumnId, ColumnChange)> = match &event.op.kind {
                    OpKind::Insert(values) => values.iter().map(|(id, v)| match v {
                        Value::Int8(n) => (*id, ColumnChange::Add(*n)),
                        v => (*id, ColumnChange::Set(v.clone())),
                    }).collect(),
                    OpKind::Patch(changes) => changes.clone(),
                    OpKind::Delete => Vec::new(),
                };
                for (id, change) in columns {
                    match change {
                        ColumnChange::Add(n) if id == HITS => hits += n,
                        ColumnChange::Set(v) if id == A && event.stamp > a.0 => a = (event.stamp, v),
                        _ => {}
                    }
                }
            }
            prop_assert_eq!(&row[3], &Value::Int8(hits));
            prop_assert_eq!(&row[1], &a.1);
        }
    }

    /// What a transaction does to a row step by step is what its one operation does.
    #[test]
    fn coalescing_keeps_the_result(before in drafts(), order in orders(), steps in proptest::collection::vec((0_u8..5, "[a-c]", -5_i64..6), 0..12)) {
        let table = table();
        let events = events(&before);
        let order = causal_order(&events, &order);
        let base = merged(RowState::Absent, order.iter().map(|&i| &events[i]));
        let mut state = base.clone();
        let mut ops = Vec::new();
        for (step, text, n) in steps {
            let next = match (state.is_alive(), step) {
                (false, _) => insert(state.life() + 1, &text, "i", n),
                (true, 0) => op(state.life(), OpKind::Delete),
                (true, 1) => op(state.life(), OpKind::Patch(vec![(A, ColumnChange::Set(Value::text(text.as_str())))])),
                (true, 2) => op(state.life(), OpKind::Patch(vec![])),
                (true, _) => op(state.life(), OpKind::Patch(vec![(B, ColumnChange::Set(Value::text(text.as_str()))), (HITS, ColumnChange::Add(n))])),
            };
            prop_assert_eq!(apply_now(&table, &mut state, next.life, &next.kind), Applied::Changed);
            ops.push(next);
        }
        let coalesced = coalesce(ops).unwrap();
        prop_assert!(coalesced.len() <= 1);
        let mut again = base.clone();
        for op in &coalesced {
            prop_assert_eq!(apply_now(&table, &mut again, op.life, &op.kind), Applied::Changed);
        }
        prop_assert_eq!(again.row(), state.row());
        if state.is_alive() {
            prop_assert_eq!(again, state);
        } else if coalesced.is_empty() {
            prop_assert!(!base.is_alive());
        } else {
            prop_assert_eq!(again.life(), base.life());
        }
    }

    #[test]
    fn rows_round_trip(row in rows(), meta in proptest::option::of(metas())) {
        let table = table();
        let bytes = row::encode(&table, &row, meta.as_ref()).unwrap();
        let (again, again_meta) = row::decode(&table, &bytes).unwrap();
        prop_assert_eq!(again.len(), table.columns.len());
        for (i, value) in again.iter().enumerate() {
            prop_assert!(value.is_identical(row.get(i).unwrap_or(&Value::Null)));
        }
        prop_assert_eq!(again_meta, meta);
    }

    /// Filling in the bytes is the same as having known from the start.
    #[test]
    fn resolving_fills_in_every_place(row in rows(), meta in metas(), hlc: u64, site: u32, seq: u64) {
        let table = table();
        let (hlc, site, seq) = (Hlc(hlc), SiteId(site), CommitSeq(seq));
        let mut bytes = row::encode(&table, &row, Some(&meta)).unwrap();
        row::resolve(&mut bytes, hlc, site, seq).unwrap();
        let (_, resolved) = row::decode(&table, &bytes).unwrap();
        prop_assert_eq!(resolved, Some(known(&meta, Stamp { hlc, site }, seq)));
        let twice = { let mut b = bytes.clone(); row::resolve(&mut b, Hlc(1), SiteId(1), CommitSeq(1)).unwrap(); b };
        prop_assert_eq!(twice, bytes);
    }

    #[test]
    fn tombstones_round_trip_and_resolve(tombstone in tombstones(), hlc: u64, site: u32, seq: u64) {
        let mut bytes = tombstone.encode().unwrap();
        let again = Tombstone::decode(&bytes).unwrap();
        prop_assert_eq!(again.encode().unwrap(), bytes.clone());
        prop_assert_eq!((again.life, again.stamp, again.changed_at), (tombstone.life, tombstone.stamp, tombstone.changed_at));
        Tombstone::resolve(&mut bytes, Hlc(hlc), SiteId(site), CommitSeq(seq)).unwrap();
        let resolved = Tombstone::decode(&bytes).unwrap();
        let stamp = Stamp { hlc: Hlc(hlc), site: SiteId(site) };
        let expected = if tombstone.stamp == Stamped::ThisCommit { Stamped::At(stamp) } else { tombstone.stamp };
        prop_assert_eq!(resolved.stamp, expected);
        prop_assert!(resolved.changed_at != ChangedAt::ThisCommit);
    }

    #[test]
    fn states_round_trip(state in states()) {
        let table = table();
        let bytes = state.encode(&table).unwrap();
        prop_assert_eq!(RowState::decode(&table, &bytes).unwrap().encode(&table).unwrap(), bytes);
    }

    #[test]
    fn records_round_trip_and_keep_their_digest(record in records()) {
        let bytes = record.encode().unwrap();
        let again = TxnRecord::decode(&bytes).unwrap();
        prop_assert_eq!(again.encode().unwrap(), bytes.clone());
        prop_assert_eq!(again.id, record.id);
        prop_assert_eq!(again.digest().unwrap(), TxnDigest::of(&bytes));
    }

    #[test]
    fn entries_round_trip(entry in entries()) {
        let bytes = entry.encode().unwrap();
        let again = OutboxEntry::decode(&bytes).unwrap();
        prop_assert_eq!(&again.state, &entry.state);
        prop_assert_eq!(OutboxEntry::decode_state(&bytes).unwrap(), entry.state);
        prop_assert_eq!(again.digest, entry.txn.digest().unwrap());
    }

    #[test]
    fn any_bytes_are_read_or_refused(mut bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        read_all(&mut bytes);
    }

    #[test]
    fn damaged_bytes_are_read_or_refused(
        row in rows(), meta in metas(), state in states(), entry in entries(), damages in damages(),
    ) {
        let table = table();
        for bytes in [
            row::encode(&table, &row, Some(&meta)).unwrap(),
            state.encode(&table).unwrap(),
            entry.txn.encode().unwrap(),
            entry.encode().unwrap(),
        ] {
            read_all(&mut damage(bytes, &damages));
        }
    }

    #[test]
    fn this_commit_is_the_largest_stamp(a in stampeds(), b in stampeds()) {
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        prop_assert!(Stamped::ThisCommit >= a);
    }
}

/// Reads the bytes as everything they could be.
fn read_all(bytes: &mut [u8]) {
    let table = table();
    let _ = row::decode(&table, bytes);
    let _ = row::decode_values(&table, bytes);
    let _ = RowState::decode(&table, bytes);
    let _ = Tombstone::decode(bytes);
    let _ = TxnRecord::decode(bytes);
    let _ = OutboxEntry::decode(bytes);
    let _ = OutboxEntry::decode_state(bytes);
    let _ = keys::parse_row(bytes);
    let _ = keys::parse_feed(bytes);
    let _ = keys::parse_outbox_row(bytes);
    let _ = keys::parse_merged(bytes);
    let _ = row::resolve(bytes, Hlc(1), SiteId(1), CommitSeq(1));
    let _ = Tombstone::resolve(bytes, Hlc(1), SiteId(1), CommitSeq(1));
}

fn known(meta: &RowMeta, stamp: Stamp, seq: CommitSeq) -> RowMeta {
    let fill = |stamped| if stamped == Stamped::ThisCommit { Stamped::At(stamp) } else { stamped };
    RowMeta {
        life: meta.life,
        born: fill(meta.born),
        stamp: fill(meta.stamp),
        column_stamps: meta.column_stamps.iter().map(|&(id, stamped)| (id, fill(stamped))).collect(),
        changed_at: if meta.changed_at == ChangedAt::ThisCommit { ChangedAt::At(seq) } else { meta.changed_at },
    }
}

#[test]
fn what_a_type_forbids_changes_nothing() {
    let table = table();
    let mut state = RowState::Absent;
    assert_eq!(apply(&table, &mut state, 1, &insert(1, "a", "b", i64::MAX).kind, at(1)), Applied::Changed);
    let before = state.clone();
    let patch = |id, change| OpKind::Patch(vec![(A, ColumnChange::Set(Value::text("new"))), (id, change)]);
    for kind in [
        patch(HITS, ColumnChange::Add(1)),
        patch(TOTAL, ColumnChange::Add(-1)),
        patch(HITS, ColumnChange::Set(Value::Int8(0))),
        patch(B, ColumnChange::Add(1)),
        patch(B, ColumnChange::Set(Value::Int4(1))),
        patch(ColumnId(1), ColumnChange::Set(Value::Int4(8))),
        insert(1, "c", "d", 1).kind,
    ] {
        assert_eq!(apply(&table, &mut state, 1, &kind, at(2)), Applied::Rejected, "{kind:?}");
        assert_eq!(state, before);
    }
    let shrunk = OpKind::Insert(vec![(TOTAL, Value::Int8(-1))]);
    assert_eq!(apply(&table, &mut state, 2, &shrunk, at(3)), Applied::Rejected);
    assert_eq!(state, before);
}

#[test]
fn lives() {
    let table = table();
    let patch = OpKind::Patch(vec![(A, ColumnChange::Set(Value::text("z")))]);
    let first = insert(1, "a", "b", 3).kind;
    let mut state = RowState::Absent;
    assert_eq!(apply(&table, &mut state, 1, &patch, at(1)), Applied::UnknownLife);
    assert_eq!(apply(&table, &mut state, 1, &OpKind::Delete, at(1)), Applied::UnknownLife);
    assert_eq!(apply(&table, &mut state, 0, &first, at(1)), Applied::Superseded);
    assert_eq!(state, RowState::Absent);
    assert_eq!(apply(&table, &mut state, 1, &first, at(1)), Applied::Changed);
    assert_eq!(apply(&table, &mut state, 2, &patch, at(2)), Applied::UnknownLife);
    assert_eq!(apply(&table, &mut state, 1, &OpKind::Delete, at(3)), Applied::Changed);
    let RowState::Dead(tombstone) = &state else { panic!("{state:?}") };
    assert_eq!(tombstone.key, [Value::Int4(7)]);
    assert_eq!(apply(&table, &mut state, 1, &patch, at(9)), Applied::Superseded);
    assert_eq!(apply(&table, &mut state, 1, &first, at(9)), Applied::Superseded);
    assert_eq!(apply(&table, &mut state, 2, &first, at(2)), Applied::Changed);
    assert_eq!(apply(&table, &mut state, 1, &OpKind::Delete, at(9)), Applied::Superseded);
    assert_eq!(state.row().map(|row| row[3].clone()), Some(Value::Int8(3)));
}

#[test]
fn columns_that_the_table_lacks_are_ignored() {
    let table = table();
    let mut state = RowState::Absent;
    let kind = OpKind::Insert(vec![(ColumnId(1), Value::Int4(1)), (ColumnId(99), Value::text("?"))]);
    assert_eq!(apply(&table, &mut state, 1, &kind, at(1)), Applied::Changed);
    let patch = OpKind::Patch(vec![(ColumnId(99), ColumnChange::Add(1))]);
    assert_eq!(apply(&table, &mut state, 1, &patch, at(2)), Applied::Changed);
    assert_eq!(state.row().unwrap()[1..], [Value::Null, Value::Null, Value::Null, Value::Null]);
}

#[test]
fn changes_of_a_counter_that_exceed_bigint_within_one_transaction_are_refused() {
    let patch = |n| op(1, OpKind::Patch(vec![(HITS, ColumnChange::Add(n))]));
    assert!(coalesce(vec![patch(i64::MAX), patch(1)]).is_err());
    assert_eq!(coalesce(vec![patch(2), patch(3)]).unwrap(), [patch(5)]);
}
