//! Relations and their columns: `pg_class`, `pg_attribute`, `pg_attrdef`, `pg_index`, `pg_tables`, `pg_indexes`.

use heliosdb_storage::Row;
use heliosdb_storage::catalog::{Identity, TableDef};
use heliosdb_storage::key::KeyOrder;
use heliosdb_storage::value::{DataType, ElementType, Value};

use super::cell::{boolean, int2, int4, oid, oid32, text, text_array, text_or_null, vector};
use super::listed_index::ListedIndex;
use super::pg_object::other_relations;
use super::{SystemRelation, ViewContext, all, crdt_type, pg_type};
use crate::error::Result;
use crate::functions::system::USER_OID;

use DataType::{Bool, Char, Float8, Int2, Int4, Name, Oid, Text};

/// The access methods' oids: `heap` and `btree`.
pub(super) const HEAP: i64 = 2;
pub(super) const BTREE: i64 = 403;

pub(super) static RELATIONS: &[SystemRelation] = &[
    SystemRelation {
        schema: "pg_catalog",
        name: "pg_class",
        columns: &[
            ("oid", Oid),
            ("relname", Name),
            ("relnamespace", Oid),
            ("reltype", Oid),
            ("reloftype", Oid),
            ("relowner", Oid),
            ("relam", Oid),
            ("relfilenode", Oid),
            ("reltablespace", Oid),
            ("relpages", Int4),
            ("reltuples", Float8),
            ("relallvisible", Int4),
            ("reltoastrelid", Oid),
            ("relhasindex", Bool),
            ("relisshared", Bool),
            ("relpersistence", Char),
            ("relkind", Char),
            ("relnatts", Int2),
            ("relchecks", Int2),
            ("relhasrules", Bool),
            ("relhastriggers", Bool),
            ("relhassubclass", Bool),
            ("relrowsecurity", Bool),
            ("relforcerowsecurity", Bool),
            ("relispopulated", Bool),
            ("relreplident", Char),
            ("relispartition", Bool),
            ("relrewrite", Oid),
            ("relacl", DataType::Array(ElementType::ACL_ITEM)),
            ("reloptions", DataType::Array(ElementType::TEXT)),
            ("relpartbound", Text),
        ],
        rows: pg_class,
    },
    SystemRelation {
        schema: "pg_catalog",
        name: "pg_attribute",
        columns: &[
            ("attrelid", Oid),
            ("attname", Name),
            ("atttypid", Oid),
            ("attstattarget", Int4),
            ("attlen", Int2),
            ("attnum", Int2),
            ("attndims", Int4),
            ("attcacheoff", Int4),
            ("atttypmod", Int4),
            ("attbyval", Bool),
            ("attnotnull", Bool),
            ("atthasdef", Bool),
            ("atthasmissing", Bool),
            ("attidentity", Char),
            ("attgenerated", Char),
            ("attisdropped", Bool),
            ("attislocal", Bool),
            ("attinhcount", Int4),
            ("attcollation", Oid),
            ("attacl", DataType::Array(ElementType::ACL_ITEM)),
            ("attoptions", DataType::Array(ElementType::TEXT)),
            ("attfdwoptions", Text),
        ],
        rows: pg_attribute,
    },
    SystemRelation {
        schema: "pg_catalog",
        name: "pg_attrdef",
        columns: &[("oid", Oid), ("adrelid", Oid), ("adnum", Int2), ("adbin", Text)],
        rows: pg_attrdef,
    },
    SystemRelation {
        schema: "pg_catalog",
        name: "pg_index",
        columns: &[
            ("indexrelid", Oid),
            ("indrelid", Oid),
            ("indnatts", Int2),
            ("indnkeyatts", Int2),
            ("indisunique", Bool),
            ("indnullsnotdistinct", Bool),
            ("indisprimary", Bool),
            ("indisexclusion", Bool),
            ("indimmediate", Bool),
            ("indisclustered", Bool),
            ("indisvalid", Bool),
            ("indcheckxmin", Bool),
            ("indisready", Bool),
            ("indislive", Bool),
            ("indisreplident", Bool),
            ("indkey", DataType::Int2Vector),
            ("indoption", DataType::Int2Vector),
            ("indexprs", Text),
            ("indpred", Text),
        ],
        rows: pg_index,
    },
    SystemRelation {
        schema: "pg_catalog",
        name: "pg_tables",
        columns: &[
            ("schemaname", Name),
            ("tablename", Name),
            ("tableowner", Name),
            ("tablespace", Name),
            ("hasindexes", Bool),
            ("hasrules", Bool),
            ("hastriggers", Bool),
            ("rowsecurity", Bool),
        ],
        rows: pg_tables,
    },
    SystemRelation {
        schema: "pg_catalog",
        name: "pg_indexes",
        columns: &[
            ("schemaname", Name),
            ("tablename", Name),
            ("indexname", Name),
            ("tablespace", Name),
            ("indexdef", Text),
        ],
        rows: pg_indexes,
    },
];

/// What differs between the rows of `pg_class`.
struct Relation<'a> {
    oid: i64,
    name: &'a str,
    schema: &'a str,
    access_method: i64,
    has_index: bool,
    kind: &'a str,
    columns: usize,
    checks: usize,
    options: Vec<String>,
}

impl Relation<'_> {
    fn row(self, ctx: &ViewContext<'_>) -> Row {
        let is_stored = self.kind != "v";
        vec![
            oid(self.oid),
            text(self.name),
            oid(ctx.schema_oid(self.schema)),
            oid(0),
            oid(0),
            oid32(USER_OID),
            oid(self.access_method),
            oid(if is_stored { self.oid } else { 0 }),
            oid(0),
            int4(0),
            // Not counted yet.
            Value::Float8(-1.0),
            int4(0),
            oid(0),
            boolean(self.has_index),
            boolean(false),
            text("p"),
            text(self.kind),
            int2(self.columns),
            int2(self.checks),
            boolean(false),
            boolean(false),
            boolean(false),
            boolean(false),
            boolean(false),
            boolean(true),
            text(if self.kind == "r" { "d" } else { "n" }),
            boolean(false),
            oid(0),
            Value::Null,
            text_array(self.options),
            Value::Null,
        ]
    }
}

fn pg_class(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for table in ctx.txn.catalog().tables() {
        let has_index = ListedIndex::of(table).next().is_some();
        let relation = Relation {
            oid: i64::from(table.id.0),
            name: &table.name,
            schema: &table.schema,
            access_method: HEAP,
            has_index,
            kind: "r",
            columns: table.columns.len(),
            checks: table.checks.len(),
            options: if table.is_synced() { vec!["sync=both".to_owned()] } else { Vec::new() },
        };
        rows.push(relation.row(ctx));
        for index in ListedIndex::of(table) {
            let relation = Relation {
                oid: i64::from(index.oid),
                name: index.name,
                schema: &table.schema,
                access_method: BTREE,
                has_index: false,
                kind: "i",
                columns: index.width(),
                checks: 0,
                options: Vec::new(),
            };
            rows.push(relation.row(ctx));
        }
    }
    for other in other_relations(ctx) {
        let relation = Relation {
            oid: i64::from(other.oid),
            name: other.name,
            schema: other.schema,
            access_method: 0,
            has_index: false,
            kind: other.kind,
            columns: other.columns.len(),
            checks: 0,
            options: Vec::new(),
        };
        rows.push(relation.row(ctx));
    }
    rows.extend(all().map(|(id, system)| {
        let relation = Relation {
            oid: id,
            name: system.name,
            schema: system.schema,
            access_method: 0,
            has_index: false,
            kind: "v",
            columns: system.columns.len(),
            checks: 0,
            options: Vec::new(),
        };
        relation.row(ctx)
    }));
    Ok(rows)
}

/// What differs between the rows of `pg_attribute`.
struct Attribute<'a> {
    relation: i64,
    name: &'a str,
    type_oid: u32,
    base: DataType,
    number: usize,
    modifier: i32,
    not_null: bool,
    has_default: bool,
    identity: Option<Identity>,
}

impl Attribute<'_> {
    fn row(self) -> Row {
        vec![
            oid(self.relation),
            text(self.name),
            oid32(self.type_oid),
            int4(-1),
            Value::Int2(crate::types::names::type_length(self.base)),
            int2(self.number),
            int4(0),
            int4(-1),
            int4(self.modifier),
            boolean(pg_type::is_by_value(self.base)),
            boolean(self.not_null),
            boolean(self.has_default),
            boolean(false),
            text(match self.identity {
                Some(Identity::Always) => "a",
                Some(Identity::ByDefault) => "d",
                None => "",
            }),
            text(""),
            boolean(false),
            boolean(true),
            int4(0),
            oid(pg_type::collation(self.base)),
            Value::Null,
            Value::Null,
            Value::Null,
        ]
    }
}

fn pg_attribute(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for table in ctx.txn.catalog().tables() {
        rows.extend(table.columns.iter().map(|column| {
            let attribute = Attribute {
                relation: i64::from(table.id.0),
                name: &column.name,
                type_oid: crdt_type::of_column(column).map_or(column.column_type.data_type.oid(), |row| row.oid),
                base: column.column_type.data_type,
                number: usize::from(column.id.0),
                modifier: column.column_type.typmod,
                not_null: column.not_null,
                has_default: column.default.is_some() && column.identity.is_none(),
                identity: column.identity,
            };
            attribute.row()
        }));
        for index in ListedIndex::of(table) {
            rows.extend(index.attributes(table).iter().zip(1..).map(|((name, column_type), number)| {
                let attribute = Attribute {
                    relation: i64::from(index.oid),
                    name,
                    type_oid: column_type.data_type.oid(),
                    base: column_type.data_type,
                    number,
                    modifier: column_type.typmod,
                    not_null: false,
                    has_default: false,
                    identity: None,
                };
                attribute.row()
            }));
        }
    }
    for other in other_relations(ctx) {
        rows.extend(other.columns.iter().zip(1..).map(|((name, data_type, modifier), number)| {
            let attribute = Attribute {
                relation: i64::from(other.oid),
                name,
                type_oid: data_type.oid(),
                base: *data_type,
                number,
                modifier: *modifier,
                not_null: other.kind == "S",
                has_default: false,
                identity: None,
            };
            attribute.row()
        }));
    }
    for (id, system) in all() {
        rows.extend(system.columns.iter().zip(1..).map(|((name, data_type), number)| {
            let attribute = Attribute {
                relation: id,
                name,
                type_oid: data_type.oid(),
                base: *data_type,
                number,
                modifier: -1,
                not_null: false,
                has_default: false,
                identity: None,
            };
            attribute.row()
        }));
    }
    Ok(rows)
}

/// An oid for what has none in the store: unique within its catalog, and the same as long as the table lives.
pub(super) fn derived_oid(table: &TableDef, number: usize) -> i64 {
    const BASE: i64 = 1 << 31;
    const PER_TABLE: i64 = 4096;
    let number = i64::try_from(number).unwrap_or(0) % PER_TABLE;
    BASE + (i64::from(table.id.0) * PER_TABLE + number) % BASE
}

fn pg_attrdef(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for table in ctx.txn.catalog().tables() {
        for column in &table.columns {
            if let (Some(default), None) = (&column.default, column.identity) {
                let number = usize::from(column.id.0);
                rows.push(vec![oid(derived_oid(table, number)), oid32(table.id.0), int2(number), text(default)]);
            }
        }
    }
    Ok(rows)
}

fn pg_index(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for table in ctx.txn.catalog().tables() {
        for index in ListedIndex::of(table) {
            let flag = |order: KeyOrder| u32::from(order.descending) | (u32::from(order.nulls_first) << 1);
            rows.push(vec![
                oid32(index.oid),
                oid32(table.id.0),
                int2(index.width()),
                int2(index.keys.len()),
                boolean(index.is_unique),
                boolean(index.nulls_not_distinct),
                boolean(index.is_primary),
                boolean(false),
                boolean(!index.deferral.is_deferrable()),
                boolean(false),
                boolean(true),
                boolean(false),
                boolean(true),
                boolean(true),
                boolean(false),
                vector(index.column_numbers(table)),
                vector(index.keys.iter().map(|key| flag(key.order))),
                text_or_null(index.expressions()),
                text_or_null(index.predicate.map(|predicate| predicate.text.clone())),
            ]);
        }
    }
    Ok(rows)
}

fn pg_tables(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    let row = |table: &TableDef| {
        vec![
            text(&table.schema),
            text(&table.name),
            text(&*ctx.session.user),
            Value::Null,
            boolean(ListedIndex::of(table).next().is_some()),
            boolean(false),
            boolean(false),
            boolean(false),
        ]
    };
    Ok(ctx.txn.catalog().tables().map(|table| row(table)).collect())
}

fn pg_indexes(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for table in ctx.txn.catalog().tables() {
        for index in ListedIndex::of(table) {
            let definition = index.definition(table);
            rows.push(vec![text(&table.schema), text(&table.name), text(index.name), Value::Null, text(definition)]);
        }
    }
    Ok(rows)
}
