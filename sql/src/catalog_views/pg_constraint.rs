//! `pg_constraint`.

use heliosdb_storage::Row;
use heliosdb_storage::catalog::TableDef;
use heliosdb_storage::value::{DataType, ElementType, Value};

use super::cell::{boolean, int2_array, int4, oid, oid32, text, text_or_null};
use super::pg_class::derived_oid;
use super::{SystemRelation, ViewContext};
use crate::error::Result;

use DataType::{Bool, Char, Int4, Name, Oid, Text};

/// Numbers of checks and foreign keys among a table's derived oids.
const FIRST_CHECK: usize = 0;
const FIRST_FOREIGN_KEY: usize = 2048;

pub(super) static RELATIONS: &[SystemRelation] = &[SystemRelation {
    schema: "pg_catalog",
    name: "pg_constraint",
    columns: &[
        ("oid", Oid),
        ("conname", Name),
        ("connamespace", Oid),
        ("contype", Char),
        ("condeferrable", Bool),
        ("condeferred", Bool),
        ("convalidated", Bool),
        ("conrelid", Oid),
        ("contypid", Oid),
        ("conindid", Oid),
        ("conparentid", Oid),
        ("confrelid", Oid),
        ("confupdtype", Char),
        ("confdeltype", Char),
        ("confmatchtype", Char),
        ("conislocal", Bool),
        ("coninhcount", Int4),
        ("connoinherit", Bool),
        ("conkey", DataType::Array(ElementType::INT2)),
        ("confkey", DataType::Array(ElementType::INT2)),
        ("conbin", Text),
    ],
    rows: pg_constraint,
}];

/// A constraint of any kind.
pub(super) struct Listed<'a> {
    pub oid: i64,
    pub name: &'a str,
    /// p, u, c or f.
    pub kind: &'static str,
    pub index: u32,
    pub slots: Vec<usize>,
    pub parent: Option<(&'a TableDef, &'a [usize])>,
    pub expression: Option<&'a str>,
}

/// All constraints of a table.
pub(super) fn of_table<'a>(ctx: &ViewContext<'a>, table: &'a TableDef) -> Vec<Listed<'a>> {
    let plain = |oid: i64, name: &'a str, kind, index, slots: Vec<usize>| Listed {
        oid,
        name,
        kind,
        index,
        slots,
        parent: None,
        expression: None,
    };
    let mut found = Vec::new();
    if let (Some(id), Some(name)) = (table.primary_key_id, &table.primary_key_name) {
        found.push(plain(i64::from(id.0), name, "p", id.0, table.primary_key.clone()));
    }
    for index in table.indexes.iter().filter(|index| index.is_constraint) {
        let slots = index.column_slots().unwrap_or_default();
        found.push(plain(i64::from(index.id.0), &index.name, "u", index.id.0, slots));
    }
    for (check, number) in table.checks.iter().zip(FIRST_CHECK..) {
        let listed = plain(derived_oid(table, number), &check.name, "c", 0, check.expression.slots.clone());
        found.push(Listed { expression: Some(&check.expression.text), ..listed });
    }
    for (key, number) in table.foreign_keys.iter().zip(FIRST_FOREIGN_KEY..) {
        let listed = plain(derived_oid(table, number), &key.name, "f", 0, key.slots.clone());
        let parent = ctx.txn.catalog().table_by_id(key.parent).map(|parent| (&**parent, key.parent_slots.as_slice()));
        found.push(Listed { parent, ..listed });
    }
    found
}

/// `{1,2}`: the numbers of columns.
fn numbers(table: &TableDef, slots: &[usize]) -> Value {
    int2_array(slots.iter().filter_map(|slot| table.columns.get(*slot)).map(|column| u32::from(column.id.0)))
}

fn pg_constraint(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for table in ctx.txn.catalog().tables() {
        for constraint in of_table(ctx, table) {
            let is_foreign = constraint.kind == "f";
            // NO ACTION and MATCH SIMPLE are all there is.
            let action = text(if is_foreign { "a" } else { " " });
            rows.push(vec![
                oid(constraint.oid),
                text(constraint.name),
                oid(ctx.schema_oid(&table.schema)),
                text(constraint.kind),
                boolean(false),
                boolean(false),
                boolean(true),
                oid32(table.id.0),
                oid(0),
                oid32(constraint.index),
                oid(0),
                oid32(constraint.parent.map_or(0, |(parent, _)| parent.id.0)),
                action.clone(),
                action,
                text(if is_foreign { "s" } else { " " }),
                boolean(true),
                int4(0),
                boolean(constraint.kind != "c"),
                numbers(table, &constraint.slots),
                constraint.parent.map_or(Value::Null, |(parent, slots)| numbers(parent, slots)),
                text_or_null(constraint.expression),
            ]);
        }
    }
    Ok(rows)
}
