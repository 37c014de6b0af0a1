//! Random rows, operations and records for property tests.

use heliosdb_crdt::{Hlc, SiteId, Stamp};
use proptest::prelude::*;

use super::{OpKind, OutboxEntry, OutboxState, RowOp, RowState, Tombstone, TxnRecord};
use crate::catalog::{ColumnDef, CrdtType, SyncMode, TableDef};
use crate::ids::{ColumnId, CommitSeq, LocalSeq, RelationId, SchemaVersion, ServerSeq, SyncTableId, TxnId};
use crate::row::{ChangedAt, RowMeta, Stamped};
use crate::transaction::ColumnChange;
use crate::value::strategies::values;
use crate::value::{ColumnType, DataType, Value};

/// `t (id int PRIMARY KEY, a text, b text, hits pn_counter, total g_counter)`
pub(crate) fn table() -> TableDef {
    let column = |id, name: &str, data_type, crdt| ColumnDef {
        crdt,
        ..ColumnDef::new(ColumnId(id), name.to_owned(), ColumnType { data_type, typmod: -1 })
    };
    TableDef {
        id: RelationId(16384),
        sync_id: Some(SyncTableId(16384)),
        schema: "public".to_owned(),
        name: "t".to_owned(),
        columns: vec![
            column(1, "id", DataType::Int4, None),
            column(2, "a", DataType::Text, None),
            column(3, "b", DataType::Text, None),
            column(4, "hits", DataType::Int8, Some(CrdtType::PnCounter)),
            column(5, "total", DataType::Int8, Some(CrdtType::GCounter)),
        ],
        primary_key: vec![0],
        primary_key_name: Some("t_pkey".to_owned()),
        primary_key_id: Some(RelationId(16385)),
        sync: SyncMode::Both,
        ..TableDef::default()
    }
}

pub(crate) fn stamps() -> impl Strategy<Value = Stamp> {
    (any::<u64>(), any::<u32>()).prop_map(|(hlc, site)| Stamp { hlc: Hlc(hlc), site: SiteId(site) })
}

pub(crate) fn stampeds() -> impl Strategy<Value = Stamped> {
    prop_oneof![Just(Stamped::ThisCommit), stamps().prop_map(Stamped::At)]
}

fn changed_ats() -> impl Strategy<Value = ChangedAt> {
    prop_oneof![
        Just(ChangedAt::Never),
        Just(ChangedAt::ThisCommit),
        any::<u64>().prop_map(|n| ChangedAt::At(CommitSeq(n)))
    ]
}

pub(crate) fn metas() -> impl Strategy<Value = RowMeta> {
    let exceptions = proptest::collection::vec((any::<u16>().prop_map(ColumnId), stampeds()), 0..4);
    (any::<u32>(), stampeds(), stampeds(), exceptions, changed_ats()).prop_map(
        |(life, born, stamp, column_stamps, changed_at)| RowMeta { life, born, stamp, column_stamps, changed_at },
    )
}

/// Rows of five columns of any types.
pub(crate) fn rows() -> impl Strategy<Value = Vec<Value>> {
    proptest::collection::vec(values(), 0..=5)
}

pub(crate) fn tombstones() -> impl Strategy<Value = Tombstone> {
    (any::<u32>(), stampeds(), proptest::collection::vec(values(), 0..3), changed_ats())
        .prop_map(|(life, stamp, key, changed_at)| Tombstone { life, stamp, key, changed_at })
}

pub(crate) fn states() -> impl Strategy<Value = RowState> {
    prop_oneof![
        Just(RowState::Absent),
        (proptest::collection::vec(values(), 5), metas()).prop_map(|(row, meta)| RowState::Alive { row, meta }),
        tombstones().prop_map(RowState::Dead),
    ]
}

fn kinds() -> impl Strategy<Value = OpKind> {
    let change = prop_oneof![values().prop_map(ColumnChange::Set), any::<i64>().prop_map(ColumnChange::Add)];
    prop_oneof![
        proptest::collection::vec((any::<u16>().prop_map(ColumnId), values()), 0..5).prop_map(OpKind::Insert),
        proptest::collection::vec((any::<u16>().prop_map(ColumnId), change), 0..5).prop_map(OpKind::Patch),
        Just(OpKind::Delete),
    ]
}

fn ops() -> impl Strategy<Value = RowOp> {
    (any::<u32>(), proptest::collection::vec(values(), 0..3), any::<u32>(), kinds())
        .prop_map(|(table, key, life, kind)| RowOp { table: SyncTableId(table), key, life, kind })
}

pub(crate) fn records() -> impl Strategy<Value = TxnRecord> {
    let numbers = any::<(u32, u64, u64, u64, u64, u64, u64)>();
    (numbers, proptest::collection::vec(ops(), 0..5)).prop_map(|((site, seq, hlc, epoch, n, run, version), ops)| {
        TxnRecord {
            id: TxnId { site: SiteId(site), seq: LocalSeq(seq) },
            first_site: SiteId(site / 2),
            hlc: Hlc(hlc),
            cursor: ServerSeq { epoch, n },
            run,
            schema_version: SchemaVersion(version),
            ops,
        }
    })
}

pub(crate) fn entries() -> impl Strategy<Value = OutboxEntry> {
    let state = prop_oneof![
        Just(OutboxState::Pending),
        Just(OutboxState::Acknowledged),
        any::<u64>().prop_map(|covered_at_millis| OutboxState::Covered { covered_at_millis }),
        (".{0,9}", any::<u64>(), any::<bool>()).prop_map(|(reason, failed_at_millis, was_set_aside)| {
            OutboxState::Dead { reason, failed_at_millis, was_set_aside }
        }),
        Just(OutboxState::SetAside),
        Just(OutboxState::AcknowledgedAside),
    ];
    (records(), state).prop_map(|(txn, state)| OutboxEntry { digest: txn.digest().unwrap(), txn, state })
}
