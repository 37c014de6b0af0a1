#![allow(clippy::cast_possible_truncation)]

use heliosdb_crdt::{Hlc, Stamp};
use heliosdb_storage::catalog::{ColumnDef, ForeignKeyDef, IndexDef, SyncMode, TableDef};
use heliosdb_storage::row::{ChangedAt, RowMeta, Stamped};
use heliosdb_storage::sync_row::{OpKind, RowOp, RowState, SyncedSchema, Tombstone, TxnRecord};
use heliosdb_storage::value::{ColumnType, DataType};
use heliosdb_storage::{ColumnChange, ColumnId, RelationId, SyncTableId, Value};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::message::PushedTxn;

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i32>().prop_map(Value::Int4),
        any::<i64>().prop_map(Value::Int8),
        any::<i64>().prop_map(Value::TimestampTz),
        ".{0,12}".prop_map(|text| Value::text(text.as_str())),
    ]
}

fn server_seq() -> impl Strategy<Value = ServerSeq> {
    (any::<u64>(), any::<u64>()).prop_map(|(epoch, n)| ServerSeq { epoch, n })
}

fn txn_id() -> impl Strategy<Value = TxnId> {
    (any::<u32>(), any::<u64>()).prop_map(|(site, seq)| TxnId { site: SiteId(site), seq: LocalSeq(seq) })
}

fn stamped() -> impl Strategy<Value = Stamped> {
    (any::<u64>(), any::<u32>()).prop_map(|(hlc, site)| Stamped::At(Stamp { hlc: Hlc(hlc), site: SiteId(site) }))
}

fn op() -> impl Strategy<Value = RowOp> {
    let kind = prop_oneof![
        vec((any::<u16>().prop_map(ColumnId), value()), 0..4).prop_map(OpKind::Insert),
        vec((any::<u16>().prop_map(ColumnId), value().prop_map(ColumnChange::Set)), 0..4).prop_map(OpKind::Patch),
        vec((any::<u16>().prop_map(ColumnId), any::<i64>().prop_map(ColumnChange::Add)), 0..4).prop_map(OpKind::Patch),
        Just(OpKind::Delete),
    ];
    (any::<u32>(), vec(value(), 1..3), any::<u32>(), kind).prop_map(|(table, key, life, kind)| RowOp {
        table: SyncTableId(table),
        key,
        life,
        kind,
    })
}

fn pushed() -> impl Strategy<Value = PushedTxn> {
    (txn_id(), any::<u64>(), server_seq(), any::<u64>(), vec(op(), 0..4)).prop_map(|(id, hlc, cursor, version, ops)| {
        let record = TxnRecord {
            id,
            first_site: id.site,
            hlc: Hlc(hlc),
            cursor,
            run: hlc,
            schema_version: SchemaVersion(version),
            ops,
        };
        PushedTxn { digest: record.digest().unwrap(), record }
    })
}

fn pulled_row() -> impl Strategy<Value = PulledRow> {
    let alive = (
        any::<u32>(),
        stamped(),
        stamped(),
        vec((any::<u16>().prop_map(ColumnId), stamped()), 0..3),
        vec(value(), 0..5),
    )
        .prop_map(|(life, born, stamp, column_stamps, row)| RowState::Alive {
            row,
            meta: RowMeta { life, born, stamp, column_stamps, changed_at: ChangedAt::Never },
        });
    let dead = (any::<u32>(), stamped(), vec(value(), 1..3))
        .prop_map(|(life, stamp, key)| RowState::Dead(Tombstone { life, stamp, key, changed_at: ChangedAt::Never }));
    (any::<u32>(), prop_oneof![alive, dead]).prop_map(|(table, state)| PulledRow { table: SyncTableId(table), state })
}

fn intervals() -> impl Strategy<Value = IntervalSet> {
    vec((any::<u64>(), 0..50_u64), 0..6).prop_map(|ranges| {
        let mut set = IntervalSet::default();
        for (first, length) in ranges {
            set.insert_range(first, first.saturating_add(length));
        }
        set
    })
}

fn outcome() -> impl Strategy<Value = MergeOutcome> {
    prop_oneof![
        Just(MergeOutcome::Merged),
        Just(MergeOutcome::Forked),
        Just(MergeOutcome::Missing),
        ".{0,20}".prop_map(|reason| MergeOutcome::Refused { reason }),
    ]
}

fn hello() -> impl Strategy<Value = Message> {
    let who = ("[a-z0-9-]{1,20}", any::<[u8; 32]>(), any::<u32>(), any::<u8>());
    (any::<u16>(), who, any::<u64>(), server_seq(), any::<u64>(), any::<u64>()).prop_map(
        |(version, (node_id, node_key, site, codecs), schema, cursor, acknowledged, wall_millis)| {
            Message::Hello(Hello {
                oldest_version: version,
                newest_version: version,
                node_id,
                node_key,
                site: SiteId(site),
                codecs,
                schema_version: SchemaVersion(schema),
                cursor,
                acknowledged: LocalSeq(acknowledged),
                wall_millis,
            })
        },
    )
}

fn welcome() -> impl Strategy<Value = Message> {
    let merged = vec((txn_id(), any::<[u8; 16]>()), 0..4);
    (any::<u16>(), any::<u8>(), "[a-z]{0,9}", server_seq(), any::<u64>(), merged, any::<bool>()).prop_map(
        |(version, codecs, hub_id, head, wall_millis, merged, site_taken)| {
            let merged = merged.into_iter().map(|(id, digest)| MergedHead { id, digest: TxnDigest(digest) }).collect();
            Message::Welcome(Welcome { version, codecs, hub_id, head, wall_millis, merged, site_taken })
        },
    )
}

fn checkpoint() -> impl Strategy<Value = Message> {
    let covered = vec((any::<u32>().prop_map(SiteId), intervals()), 0..3);
    (server_seq(), any::<bool>(), any::<bool>(), covered, any::<u64>(), any::<u64>()).prop_map(
        |(to, full, with_schema, covered, transactions, rows)| {
            let schema = with_schema.then(schema);
            Message::Checkpoint(Checkpoint { to, full, schema, covered, transactions, rows })
        },
    )
}

fn message() -> impl Strategy<Value = Message> {
    let known = vec((txn_id(), any::<[u8; 16]>().prop_map(TxnDigest)), 0..4);
    prop_oneof![
        hello(),
        welcome(),
        (0..8_usize, ".{0,20}", any::<u64>()).prop_map(|(i, detail, retry_after_millis)| {
            Message::Refusal(Refusal { reason: RefusalReason::ALL[i].0, detail, retry_after_millis })
        }),
        known.prop_map(|known| Message::Reconcile { known }),
        (vec(txn_id(), 0..4), vec(txn_id(), 0..4)).prop_map(|(merged, forked)| Message::Reconciled { merged, forked }),
        Just(Message::NewSite),
        any::<u32>().prop_map(|site| Message::NewSiteIs(SiteId(site))),
        (any::<u64>(), vec(pushed(), 0..4)).prop_map(|(batch, txns)| Message::Push(Push { batch, txns })),
        (any::<u64>(), vec(outcome(), 0..5))
            .prop_map(|(batch, outcomes)| Message::PushAck(PushAck { batch, outcomes })),
        (server_seq(), any::<u64>(), any::<u32>()).prop_map(|(cursor, version, credits)| {
            Message::Pull(PullRequest { cursor, schema_version: SchemaVersion(version), credits })
        }),
        any::<u32>().prop_map(Message::Credit),
        vec(pulled_row(), 0..5).prop_map(Message::Data),
        checkpoint(),
        server_seq().prop_map(Message::PullAck),
        server_seq().prop_map(Message::Notify),
        any::<u64>().prop_map(Message::Ping),
        any::<u64>().prop_map(Message::Pong),
    ]
}

fn schema() -> SyncedSchema {
    let column_type = ColumnType { data_type: DataType::Int4, typmod: -1 };
    let column =
        |id, name: &str| ColumnDef { not_null: true, ..ColumnDef::new(ColumnId(id), name.into(), column_type) };
    let table = TableDef {
        id: RelationId(16384),
        sync_id: Some(SyncTableId(16384)),
        schema: "public".into(),
        name: "sales".into(),
        columns: vec![column(1, "id"), column(2, "shop")],
        primary_key: vec![0],
        primary_key_name: Some("sales_pkey".into()),
        sync: SyncMode::Both,
        ..TableDef::default()
    };
    SyncedSchema { version: SchemaVersion(3), tables: vec![table] }
}

proptest! {
    #[test]
    fn messages_round_trip(message in message()) {
        let bytes = encode(&message).unwrap();
        prop_assert_eq!(decode(&bytes).unwrap(), message);
    }

    #[test]
    fn cut_messages_are_errors(message in message(), cut in any::<prop::sample::Index>()) {
        let bytes = encode(&message).unwrap();
        let cut = cut.index(bytes.len());
        prop_assert!(decode(&bytes[..cut]).is_err());
    }

    #[test]
    fn altered_messages_do_no_harm(message in message(), at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut bytes = encode(&message).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = to;
        // Either an error or some other message; never a panic.
        let _ = decode(&bytes);
    }

    #[test]
    fn random_bytes_do_no_harm(bytes in vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes);
    }

    #[test]
    fn data_is_cut_into_pieces_and_complete(rows in vec(pulled_row(), 0..30), budget in 1..400_usize) {
        let mut rest = rows.clone().into_iter();
        let mut came = Vec::new();
        while rest.len() > 0 {
            let Message::Data(piece) = decode(&encode_data(&mut rest, budget).unwrap()).unwrap() else { panic!() };
            prop_assert!(!piece.is_empty());
            came.extend(piece);
        }
        prop_assert_eq!(came, rows);
    }
}

#[test]
fn a_count_that_cannot_be_is_refused_before_memory_is_taken() {
    // DATA with 2^60 rows.
    let mut bytes = vec![12];
    put_varint(&mut bytes, 1 << 60);
    assert!(decode(&bytes).is_err());
    // PUSH with more transactions than bytes.
    let mut bytes = vec![8, 1];
    put_varint(&mut bytes, 1_000_000);
    bytes.extend([0; 1000]);
    assert!(decode(&bytes).is_err());
}

#[test]
fn a_transaction_that_was_altered_is_refused() {
    let record = TxnRecord {
        id: TxnId { site: SiteId(2), seq: LocalSeq(1) },
        first_site: SiteId(2),
        hlc: Hlc(7),
        cursor: ServerSeq::default(),
        run: 3,
        schema_version: SchemaVersion(1),
        ops: Vec::new(),
    };
    let txn = PushedTxn { digest: record.digest().unwrap(), record };
    let mut altered = txn.clone();
    altered.record.hlc = Hlc(8);
    assert!(decode(&encode(&Message::Push(Push { batch: 1, txns: vec![txn] })).unwrap()).is_ok());
    let error = decode(&encode(&Message::Push(Push { batch: 1, txns: vec![altered] })).unwrap()).unwrap_err();
    assert!(error.to_string().contains("digest"), "{error}");
}

#[test]
fn what_is_not_complete_cannot_be_sent() {
    let row = PulledRow { table: SyncTableId(1), state: RowState::Absent };
    assert!(encode(&Message::Data(vec![row])).is_err());
    let meta = RowMeta { stamp: Stamped::ThisCommit, ..RowMeta::default() };
    let row = PulledRow { table: SyncTableId(1), state: RowState::Alive { row: Vec::new(), meta } };
    assert!(encode(&Message::Data(vec![row])).is_err());
}

#[test]
fn long_reasons_are_cut_at_a_character() {
    let reason = "ä".repeat(MAX_REASON_BYTES);
    let ack = PushAck { batch: 1, outcomes: vec![MergeOutcome::Refused { reason }] };
    let Message::PushAck(ack) = decode(&encode(&Message::PushAck(ack)).unwrap()).unwrap() else { panic!() };
    let MergeOutcome::Refused { reason } = &ack.outcomes[0] else { panic!() };
    assert_eq!(reason.len(), MAX_REASON_BYTES);
}

#[test]
fn a_schema_that_contradicts_itself_is_refused() {
    let broken = |change: fn(&mut TableDef)| {
        let mut schema = schema();
        change(&mut schema.tables[0]);
        let checkpoint = Checkpoint { schema: Some(schema), ..Checkpoint::default() };
        decode(&encode(&Message::Checkpoint(checkpoint)).unwrap()).is_err()
    };
    assert!(!broken(|_| {}));
    assert!(broken(|table| table.primary_key = vec![2]));
    assert!(broken(|table| table.primary_key.clear()));
    assert!(broken(|table| table.sync_id = None));
    assert!(broken(|table| table.columns.reverse()));
    assert!(broken(|table| table.columns[0].id = ColumnId(0)));
    assert!(broken(|table| {
        table.indexes.push(IndexDef::on("i", &[9]));
    }));
    assert!(broken(|table| {
        table.foreign_keys.push(ForeignKeyDef { slots: vec![0], parent: RelationId(1), ..ForeignKeyDef::default() });
    }));
}
