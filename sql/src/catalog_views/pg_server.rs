//! The server: `pg_database`, `pg_roles`, `pg_settings`, `pg_am`, `pg_extension`.

use heliosdb_storage::Row;
use heliosdb_storage::value::{DataType, Value};

use super::cell::{boolean, int4, oid, text};
use super::pg_class::{BTREE, HEAP};
use super::{SystemRelation, ViewContext, schema_oid};
use crate::error::Result;
use crate::functions::system::USER_OID;

use DataType::{Bool, Char, Int4, Name, Oid, Text, TimestampTz};

/// The oid of the only database, and that of the extension.
const DATABASE_OID: i64 = 5;
const EXTENSION_OID: i64 = 13_100;
/// `pg_encoding_to_char(6)` is UTF8.
const UTF8: i32 = 6;

pub(super) static RELATIONS: &[SystemRelation] = &[
    SystemRelation {
        schema: "pg_catalog",
        name: "pg_database",
        columns: &[
            ("oid", Oid),
            ("datname", Name),
            ("datdba", Oid),
            ("encoding", Int4),
            ("datlocprovider", Char),
            ("datistemplate", Bool),
            ("datallowconn", Bool),
            ("datconnlimit", Int4),
            ("dattablespace", Oid),
            ("datcollate", Text),
            ("datctype", Text),
            ("daticulocale", Text),
            ("datcollversion", Text),
            ("datacl", Text),
        ],
        rows: pg_database,
    },
    SystemRelation {
        schema: "pg_catalog",
        name: "pg_roles",
        columns: &[
            ("rolname", Name),
            ("rolsuper", Bool),
            ("rolinherit", Bool),
            ("rolcreaterole", Bool),
            ("rolcreatedb", Bool),
            ("rolcanlogin", Bool),
            ("rolreplication", Bool),
            ("rolconnlimit", Int4),
            ("rolpassword", Text),
            ("rolvaliduntil", TimestampTz),
            ("rolbypassrls", Bool),
            ("rolconfig", Text),
            ("oid", Oid),
        ],
        rows: pg_roles,
    },
    SystemRelation {
        schema: "pg_catalog",
        name: "pg_settings",
        columns: &[("name", Text), ("setting", Text), ("unit", Text), ("context", Text), ("source", Text)],
        rows: pg_settings,
    },
    SystemRelation {
        schema: "pg_catalog",
        name: "pg_am",
        columns: &[("oid", Oid), ("amname", Name), ("amtype", Char)],
        rows: pg_am,
    },
    SystemRelation {
        schema: "pg_catalog",
        name: "pg_extension",
        columns: &[
            ("oid", Oid),
            ("extname", Name),
            ("extowner", Oid),
            ("extnamespace", Oid),
            ("extrelocatable", Bool),
            ("extversion", Text),
        ],
        rows: pg_extension,
    },
];

fn pg_database(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    Ok(vec![vec![
        oid(DATABASE_OID),
        text(&*ctx.session.database),
        oid(USER_OID),
        int4(UTF8),
        text("c"),
        boolean(false),
        boolean(true),
        int4(-1),
        oid(1663),
        text("C"),
        text("C"),
        Value::Null,
        Value::Null,
        Value::Null,
    ]])
}

fn pg_roles(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    Ok(vec![vec![
        text(&*ctx.session.user),
        boolean(true),
        boolean(true),
        boolean(true),
        boolean(true),
        boolean(true),
        boolean(true),
        int4(-1),
        text("********"),
        Value::Null,
        boolean(true),
        Value::Null,
        oid(USER_OID),
    ]])
}

fn pg_settings(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    let row = |(name, value): &(&'static str, String)| {
        vec![text(name), text(value), Value::Null, text("user"), text("session")]
    };
    Ok(ctx.settings.iter().map(row).collect())
}

fn pg_am(_: &ViewContext<'_>) -> Result<Vec<Row>> {
    let row = |id, name: &str, kind: &str| vec![oid(id), text(name), text(kind)];
    Ok(vec![row(HEAP, "heap", "t"), row(BTREE, "btree", "i")])
}

fn pg_extension(_: &ViewContext<'_>) -> Result<Vec<Row>> {
    Ok(vec![vec![
        oid(EXTENSION_OID),
        text("heliosdb"),
        oid(USER_OID),
        oid(schema_oid("sync")),
        boolean(false),
        text(env!("CARGO_PKG_VERSION")),
    ]])
}
