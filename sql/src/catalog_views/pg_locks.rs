//! `pg_locks`: locks on relations and advisory locks, and those on rows that somebody waits for.

use heliosdb_storage::value::{DataType, Value};
use heliosdb_storage::{AdvisoryKey, LockedThing, Row};

use super::cell::{boolean, int4, oid, oid32, text};
use super::pg_server::DATABASE_OID;
use super::{SystemRelation, ViewContext};
use crate::error::Result;

use DataType::{Bool, Int2, Int4, Oid, Text, TimestampTz, Xid};

pub(super) static RELATIONS: &[SystemRelation] = &[SystemRelation {
    schema: "pg_catalog",
    name: "pg_locks",
    columns: &[
        ("locktype", Text),
        ("database", Oid),
        ("relation", Oid),
        ("page", Int4),
        ("tuple", Int2),
        ("virtualxid", Text),
        ("transactionid", Xid),
        ("classid", Oid),
        ("objid", Oid),
        ("objsubid", Int2),
        ("virtualtransaction", Text),
        ("pid", Int4),
        ("mode", Text),
        ("granted", Bool),
        ("fastpath", Bool),
        ("waitstart", TimestampTz),
    ],
    rows: pg_locks,
}];

fn pg_locks(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    let backends = ctx.session.backends.all();
    let rows = ctx.txn.list_locks().into_iter().map(|lock| {
        let pid = backends.iter().find(|backend| backend.party() == Some(lock.party)).map(|backend| backend.pid);
        let (kind, relation, numbers) = match lock.thing {
            LockedThing::Relation(relation) => ("relation", oid32(relation.0), None),
            LockedThing::Row(relation) => ("tuple", oid32(relation.0), None),
            LockedThing::Advisory(key) => ("advisory", Value::Null, Some(numbers(key))),
        };
        let (class, object, sub) = match numbers {
            Some((class, object, sub)) => (oid32(class), oid32(object), Value::Int2(sub)),
            None => (Value::Null, Value::Null, Value::Null),
        };
        vec![
            text(kind),
            oid(DATABASE_OID),
            relation,
            Value::Null,
            Value::Null,
            Value::Null,
            Value::Null,
            class,
            object,
            sub,
            text(format!("{}/0", pid.unwrap_or(0))),
            pid.map_or(Value::Null, int4),
            text(lock.mode),
            boolean(lock.granted),
            boolean(false),
            Value::Null,
        ]
    });
    Ok(rows.collect())
}

/// How PostgreSQL shows the key of an advisory lock.
fn numbers(key: AdvisoryKey) -> (u32, u32, i16) {
    match key {
        AdvisoryKey::One(key) => {
            let bits = key.cast_unsigned();
            let half = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).unwrap_or(0);
            (half(bits >> 32), half(bits), 1)
        }
        AdvisoryKey::Two(first, second) => (first.cast_unsigned(), second.cast_unsigned(), 2),
    }
}
