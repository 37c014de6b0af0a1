//! `pg_type`, `pg_namespace`.

use heliosdb_storage::Row;
use heliosdb_storage::value::{DataType, ElementType, Value};

use super::cell::{boolean, int4, oid, oid32, text};
use super::{SYSTEM_SCHEMAS, SystemRelation, ViewContext, crdt_type};
use crate::error::Result;
use crate::functions::system::USER_OID;
use crate::types::category::{Category, is_preferred};
use crate::types::names;

use DataType::{Bool, Char, Int2, Int4, Name, Oid, Text};

/// The default collation, and "C", which names have.
const DEFAULT_COLLATION: i64 = 100;
const C_COLLATION: i64 = 950;

pub(super) static RELATIONS: &[SystemRelation] = &[
    SystemRelation {
        schema: "pg_catalog",
        name: "pg_type",
        columns: &[
            ("oid", Oid),
            ("typname", Name),
            ("typnamespace", Oid),
            ("typowner", Oid),
            ("typlen", Int2),
            ("typbyval", Bool),
            ("typtype", Char),
            ("typcategory", Char),
            ("typispreferred", Bool),
            ("typisdefined", Bool),
            ("typdelim", Char),
            ("typrelid", Oid),
            ("typelem", Oid),
            ("typarray", Oid),
            ("typnotnull", Bool),
            ("typbasetype", Oid),
            ("typtypmod", Int4),
            ("typndims", Int4),
            ("typcollation", Oid),
            ("typdefault", Text),
        ],
        rows: pg_type,
    },
    SystemRelation {
        schema: "pg_catalog",
        name: "pg_namespace",
        columns: &[
            ("oid", Oid),
            ("nspname", Name),
            ("nspowner", Oid),
            ("nspacl", DataType::Array(ElementType::ACL_ITEM)),
        ],
        rows: pg_namespace,
    },
];

/// Whether PostgreSQL passes the type by value.
pub(super) const fn is_by_value(data_type: DataType) -> bool {
    matches!(names::type_length(data_type), 1..=8)
}

/// The oid of the type's collation, 0 for none.
pub(super) const fn collation(data_type: DataType) -> i64 {
    match data_type {
        DataType::Text | DataType::Varchar | DataType::Bpchar => DEFAULT_COLLATION,
        DataType::Name => C_COLLATION,
        _ => 0,
    }
}

/// The oid of `pg_catalog`.
const PG_CATALOG_OID: i64 = 11;

/// A row: of a domain, `base` is the type it is over.
fn row(id: u32, name: &str, data_type: DataType, base: Option<DataType>) -> Row {
    let kind = match data_type {
        _ if base.is_some() => "d",
        DataType::Enum(_) => "e",
        _ if matches!(Category::of(data_type), Category::Unknown | Category::Pseudo) => "p",
        _ => "b",
    };
    vec![
        oid32(id),
        text(name),
        oid(PG_CATALOG_OID),
        oid32(USER_OID),
        Value::Int2(names::type_length(data_type)),
        boolean(is_by_value(data_type)),
        text(kind),
        text(Category::of(data_type).letter()),
        boolean(base.is_none() && is_preferred(data_type)),
        boolean(true),
        text(","),
        oid(0),
        oid32(data_type.element().map_or(0, DataType::oid)),
        oid32(if base.is_none() { data_type.array().map_or(0, DataType::oid) } else { 0 }),
        boolean(false),
        oid32(base.map_or(0, DataType::oid)),
        int4(-1),
        int4(0),
        oid(collation(data_type)),
        Value::Null,
    ]
}

fn pg_type(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    let arrays = DataType::fixed().filter_map(DataType::array);
    let base = DataType::fixed().chain(arrays).map(|t| row(t.oid(), &names::catalog_name(t), t, None));
    let domains = crdt_type::all().map(|t| row(t.oid, &t.name(), t.base, Some(t.base)));
    let mut rows: Vec<Row> = base.chain(domains).collect();
    for found in super::pg_object::enums(ctx) {
        let data_type = DataType::Enum(found.id.0);
        let schema = oid(ctx.schema_oid(&found.schema));
        for (data_type, name, kind) in
            [(Some(data_type), found.name.clone(), "e"), (data_type.array(), format!("_{}", found.name), "b")]
        {
            let Some(data_type) = data_type else { continue };
            let mut row = row(data_type.oid(), &name, data_type, None);
            if let [_, _, namespace, _, _, _, typtype, ..] = row.as_mut_slice() {
                *namespace = schema.clone();
                *typtype = text(kind);
            }
            rows.push(row);
        }
    }
    Ok(rows)
}

fn pg_namespace(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    let row = |id, name: &str| vec![oid(id), text(name), oid32(USER_OID), Value::Null];
    let system = SYSTEM_SCHEMAS.iter().map(|(name, id)| row(*id, name));
    let own = ctx.txn.catalog().schemas().map(|schema| row(i64::from(schema.id.0), &schema.name));
    Ok(system.chain(own).collect())
}
