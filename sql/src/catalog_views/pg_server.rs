//! The server: `pg_database`, `pg_roles`, `pg_settings`, `pg_am`, `pg_extension`.

use heliosdb_storage::Row;
use heliosdb_storage::value::{DataType, ElementType, Value};

use super::cell::{array, boolean, int4, oid, oid32, text, text_or_null};
use super::pg_class::{BTREE, HEAP};
use super::{SystemRelation, ViewContext};
use crate::error::Result;
use crate::functions::system::USER_OID;
use crate::session::settings::{self, Kind};

use DataType::{Bool, Char, Int4, Name, Oid, Text, TimestampTz};

/// The oid of the only database, and that of the extension.
pub(super) const DATABASE_OID: i64 = 5;
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
            ("datacl", DataType::Array(ElementType::ACL_ITEM)),
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
            ("rolconfig", DataType::Array(ElementType::TEXT)),
            ("oid", Oid),
        ],
        rows: pg_roles,
    },
    SystemRelation {
        schema: "pg_catalog",
        name: "pg_settings",
        columns: &[
            ("name", Text),
            ("setting", Text),
            ("unit", Text),
            ("category", Text),
            ("short_desc", Text),
            ("extra_desc", Text),
            ("context", Text),
            ("vartype", Text),
            ("source", Text),
            ("min_val", Text),
            ("max_val", Text),
            // text[] in PostgreSQL.
            ("enumvals", Text),
            ("boot_val", Text),
            ("reset_val", Text),
            ("sourcefile", Text),
            ("sourceline", Int4),
            ("pending_restart", Bool),
        ],
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
        oid32(USER_OID),
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
        oid32(USER_OID),
    ]])
}

fn pg_settings(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    let stack = ctx.session.settings.lock();
    let reset = stack.startup().all();
    let rows = stack.now().all().into_iter().zip(reset).map(|((definition, value, source), (_, reset, _))| {
        let (unit, min, max, words) = match &definition.kind {
            Kind::Integer { min, max, unit, .. } => {
                (unit.name(), Some(min.to_string()), Some(max.to_string()), Value::Null)
            }
            Kind::Real { min, max, .. } => (
                None,
                Some(definition.plain(&settings::Value::Real(*min))),
                Some(definition.plain(&settings::Value::Real(*max))),
                Value::Null,
            ),
            Kind::Enum { values, .. } => (None, None, None, array(values.iter().map(|word| element(word)))),
            Kind::Bool(_) | Kind::Text { .. } => (None, None, None, Value::Null),
        };
        vec![
            text(definition.name),
            text(definition.plain(value)),
            text_or_null(unit),
            text(definition.category),
            text(definition.description),
            Value::Null,
            text(definition.context.name()),
            text(definition.kind.name()),
            text(source.name()),
            text_or_null(min),
            text_or_null(max),
            words,
            text(definition.plain(&definition.default())),
            text(definition.plain(reset)),
            Value::Null,
            Value::Null,
            boolean(false),
        ]
    });
    Ok(rows.collect())
}

/// A word in the text of an array.
fn element(word: &str) -> String {
    if word.contains(' ') { format!("\"{word}\"") } else { word.to_owned() }
}

fn pg_am(_: &ViewContext<'_>) -> Result<Vec<Row>> {
    let row = |id, name: &str, kind: &str| vec![oid(id), text(name), text(kind)];
    Ok(vec![row(HEAP, "heap", "t"), row(BTREE, "btree", "i")])
}

fn pg_extension(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    Ok(vec![vec![
        oid(EXTENSION_OID),
        text("heliosdb"),
        oid32(USER_OID),
        oid(ctx.schema_oid("sync")),
        boolean(false),
        text(env!("CARGO_PKG_VERSION")),
    ]])
}
