//! What the session has open: `pg_cursors`, `pg_prepared_statements`.

use heliosdb_storage::Row;
use heliosdb_storage::value::{DataType, Value};

use super::cell::{array, boolean, count8, text};
use super::{SystemRelation, ViewContext};
use crate::error::Result;
use crate::types;

use DataType::{Bool, Int8, Text, TimestampTz};

pub(super) static RELATIONS: &[SystemRelation] = &[
    SystemRelation {
        schema: "pg_catalog",
        name: "pg_cursors",
        columns: &[
            ("name", Text),
            ("statement", Text),
            ("is_holdable", Bool),
            ("is_binary", Bool),
            ("is_scrollable", Bool),
            ("creation_time", TimestampTz),
        ],
        rows: pg_cursors,
    },
    SystemRelation {
        schema: "pg_catalog",
        name: "pg_prepared_statements",
        columns: &[
            ("name", Text),
            ("statement", Text),
            ("prepare_time", TimestampTz),
            // regtype[] in PostgreSQL.
            ("parameter_types", Text),
            ("from_sql", Bool),
            ("generic_plans", Int8),
            ("custom_plans", Int8),
        ],
        rows: pg_prepared_statements,
    },
];

fn pg_cursors(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    let rows = ctx.session.portals.lock().all().into_iter().map(|(name, about)| {
        vec![
            text(name),
            text(&*about.text),
            boolean(about.hold),
            boolean(about.binary),
            boolean(about.scroll),
            Value::TimestampTz(about.opened_at),
        ]
    });
    Ok(rows.collect())
}

fn pg_prepared_statements(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    let statements = ctx.session.statements.lock();
    let rows = statements.all().map(|(name, statement)| {
        let types = statement.prepared.as_ref().map(|prepared| prepared.parameter_types()).unwrap_or_default();
        vec![
            text(name),
            text(&*statement.text),
            Value::TimestampTz(statement.prepared_at),
            array(types.iter().map(|data_type| quoted(&types::name(*data_type, -1)))),
            boolean(statement.from_sql),
            // Every plan serves all parameters. How often it has been used is not counted.
            count8(0),
            count8(0),
        ]
    });
    Ok(rows.collect())
}

/// The name of a type in the text of an array.
fn quoted(name: &str) -> String {
    if name.contains([' ', '"']) { format!("\"{}\"", name.replace('"', "\\\"")) } else { name.to_owned() }
}
