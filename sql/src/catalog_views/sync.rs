//! `sync`: how this node stands with its hub.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use heliosdb_storage::catalog::{SyncMode, TableDef};
use heliosdb_storage::key::KeyRange;
use heliosdb_storage::sync_row::{Internal, OpKind, OutboxEntry, OutboxState, RowOp, keys};
use heliosdb_storage::value::{DataType, Json, Micros, Value};
use heliosdb_storage::{ColumnChange, ColumnId, LocalSeq, Row, Snapshot};
use serde_json::{Map, Value as Tree};

use super::cell::{count, count8, int4, oid32, text, text_or_null};
use super::{SystemRelation, ViewContext};
use crate::error::Result;
use crate::types::datetime::micros_of_unix_millis;
use crate::types::{ValueContext, json, to_text};

use DataType::{Int4, Int8, Jsonb, Oid, Text, TimestampTz};

/// Entries of the outbox that are read at a time.
const PAGE: usize = 256;

pub(super) static RELATIONS: &[SystemRelation] = &[
    SystemRelation {
        schema: "sync",
        name: "status",
        columns: &[
            ("node_id", Text),
            ("mode", Text),
            ("tenant", Text),
            ("state", Text),
            ("network", Text),
            ("pending_transactions", Int8),
            ("pending_changes", Int8),
            ("queue_capacity", Int8),
            ("last_sync_at", TimestampTz),
            ("last_error", Text),
            ("server_seq", Int8),
            ("acked_local_seq", Int8),
            ("clock_offset_ms", Int8),
            ("schema_version", Int8),
            ("protocol_version", Int4),
        ],
        rows: status,
    },
    SystemRelation {
        schema: "sync",
        name: "queue",
        columns: &[
            ("local_seq", Int8),
            ("committed_at", TimestampTz),
            ("priority", Int4),
            ("tables", Text),
            ("changes", Int4),
            ("bytes", Int8),
            ("attempts", Int4),
            ("last_error", Text),
        ],
        rows: queue,
    },
    SystemRelation {
        schema: "sync",
        name: "dead_letters",
        columns: &[("local_seq", Int8), ("failed_at", TimestampTz), ("reason", Text), ("changes", Jsonb)],
        rows: dead_letters,
    },
    SystemRelation {
        schema: "sync",
        name: "tables",
        columns: &[
            ("schema_name", Text),
            ("table_name", Text),
            ("relation", Oid),
            ("sync_table", Int8),
            ("sync", Text),
            ("conflict_strategy", Text),
        ],
        rows: tables,
    },
];

fn status(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    let status = ctx.sync.status();
    let snapshot = ctx.txn.snapshot();
    let counts = snapshot.outbox_counts();
    Ok(vec![vec![
        text(&status.node_id),
        text(status.mode),
        text(&status.tenant),
        text(status.state),
        text(status.network),
        count8(counts.pending_transactions),
        count8(counts.pending_changes),
        ctx.sync.queue_capacity().map_or(Value::Null, count8),
        status.last_sync_at.map_or(Value::Null, Value::TimestampTz),
        text_or_null(status.last_error),
        count8(snapshot.identity().cursor.n),
        count8(acked_local_seq(ctx, &snapshot)?),
        status.clock_offset_ms.map_or(Value::Null, Value::Int8),
        count8(snapshot.catalog().schema_version.0),
        int4(status.protocol_version),
    ]])
}

/// Up to which position everything has been acknowledged.
fn acked_local_seq(ctx: &ViewContext<'_>, snapshot: &Snapshot) -> Result<u64> {
    let mut first_unsent = None;
    if snapshot.outbox_counts().pending_transactions > 0 {
        each_entry(ctx, |seq, bytes| {
            let is_unsent = OutboxEntry::decode_state(bytes)?.is_unsent();
            if is_unsent {
                first_unsent = Some(seq);
            }
            Ok(!is_unsent)
        })?;
    }
    Ok(first_unsent.map_or(snapshot.last_local_seq().0, |seq| seq.0.saturating_sub(1)))
}

/// Calls the function on the entries of the outbox in order, until it says no.
fn each_entry(ctx: &ViewContext<'_>, mut visit: impl FnMut(LocalSeq, &Bytes) -> Result<bool>) -> Result<()> {
    let mut start = Bound::Unbounded;
    loop {
        let page =
            ctx.txn.internal_scan(Internal::Outbox, KeyRange { start: start.clone(), end: Bound::Unbounded }, PAGE)?;
        for (key, bytes) in &page {
            if !visit(keys::parse_outbox(key)?, bytes)? {
                return Ok(());
            }
        }
        match page.into_iter().next_back() {
            Some((last, _)) => start = Bound::Excluded(last),
            None => return Ok(()),
        }
    }
}

fn timestamp(millis: u64) -> Value {
    let micros: Micros = micros_of_unix_millis(millis);
    Value::TimestampTz(micros)
}

fn queue(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    each_entry(ctx, |seq, bytes| {
        if OutboxEntry::decode_state(bytes)?.is_unsent() {
            let entry = OutboxEntry::decode(bytes)?;
            let mut names: Vec<String> = Vec::new();
            for op in &entry.txn.ops {
                let name = table_name(table_of(ctx, op).as_deref(), op);
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            rows.push(vec![
                count8(seq.0),
                timestamp(entry.txn.hlc.millis()),
                int4(0),
                text(names.join(", ")),
                count(entry.txn.ops.len()),
                count8(u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
                // Attempts are of connections, not of single transactions, so far.
                Value::Null,
                Value::Null,
            ]);
        }
        Ok(true)
    })?;
    Ok(rows)
}

fn dead_letters(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    each_entry(ctx, |seq, bytes| {
        if let OutboxState::Dead { reason, failed_at_millis, .. } = OutboxEntry::decode_state(bytes)? {
            let entry = OutboxEntry::decode(bytes)?;
            let changes = entry.txn.ops.iter().map(|op| change(ctx, op)).collect();
            rows.push(vec![
                count8(seq.0),
                timestamp(failed_at_millis),
                text(reason),
                Value::Jsonb(Arc::new(Json(Tree::Array(changes)))),
            ]);
        }
        Ok(true)
    })?;
    Ok(rows)
}

fn table_of(ctx: &ViewContext<'_>, op: &RowOp) -> Option<Arc<TableDef>> {
    ctx.txn.catalog().table_by_sync_id(op.table).cloned()
}

/// The name of a table, or its number if it is gone.
fn table_name(table: Option<&TableDef>, op: &RowOp) -> String {
    table.map_or_else(|| op.table.to_string(), |table| table.name.clone())
}

/// `{"table": …, "op": …, "key": {…}, "values": {…}}`
fn change(ctx: &ViewContext<'_>, op: &RowOp) -> Tree {
    let table = table_of(ctx, op);
    let table = table.as_deref();
    let column_name = |id: ColumnId| {
        let column = table.and_then(|table| table.columns.get(table.slot_of(id)?));
        column.map_or_else(|| id.to_string(), |column| column.name.clone())
    };
    let key_name = |place: usize| {
        let column = table.and_then(|table| table.columns.get(*table.primary_key.get(place)?));
        column.map_or_else(|| place.to_string(), |column| column.name.clone())
    };
    let key: Map<String, Tree> = op.key.iter().enumerate().map(|(i, value)| (key_name(i), tree(value))).collect();
    let (kind, values): (&str, Map<String, Tree>) = match &op.kind {
        OpKind::Insert(values) => {
            ("insert", values.iter().map(|(id, value)| (column_name(*id), tree(value))).collect())
        }
        OpKind::Patch(changes) => {
            let shown = |change: &ColumnChange| match change {
                ColumnChange::Set(value) => tree(value),
                ColumnChange::Add(difference) => {
                    Tree::Object(std::iter::once(("add".to_owned(), Tree::from(*difference))).collect())
                }
            };
            ("update", changes.iter().map(|(id, change)| (column_name(*id), shown(change))).collect())
        }
        OpKind::Delete => ("delete", Map::new()),
    };
    let members = [
        ("table".to_owned(), Tree::String(table_name(table, op))),
        ("op".to_owned(), Tree::String(kind.to_owned())),
        ("key".to_owned(), Tree::Object(key)),
        ("values".to_owned(), Tree::Object(values)),
    ];
    Tree::Object(members.into_iter().collect())
}

/// A value as JSON: numbers and documents as they are, all else as text.
fn tree(value: &Value) -> Tree {
    match value {
        Value::Null => Tree::Null,
        Value::Bool(b) => Tree::Bool(*b),
        Value::Int2(n) => Tree::from(*n),
        Value::Int4(n) => Tree::from(*n),
        Value::Int8(n) => Tree::from(*n),
        Value::Numeric(n) => json::number(n).unwrap_or_else(|| Tree::String("NaN".to_owned())),
        Value::Jsonb(document) => document.0.clone(),
        other => Tree::String(to_text(other, DataType::Unknown, &ValueContext::utc())),
    }
}

fn tables(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    let row = |table: &Arc<TableDef>| {
        vec![
            text(&table.schema),
            text(&table.name),
            oid32(table.id.0),
            table.sync_id.map_or(Value::Null, |id| Value::Int8(i64::from(id.0))),
            text(match table.sync {
                SyncMode::Both => "both",
                SyncMode::None => "none",
            }),
            text("last_write_wins"),
        ]
    };
    Ok(ctx.txn.catalog().tables().filter(|table| table.is_synced()).map(row).collect())
}
