//! `information_schema`: schemata, tables, columns, constraints. Columns that would always be NULL are left out, but for
//! those that clients read by name.

use heliosdb_storage::Row;
use heliosdb_storage::catalog::ColumnDef;
use heliosdb_storage::value::{ColumnType, DataType, Value};

use super::cell::{count, int4, text, text_or_null, yes_or_no};
use super::{SYSTEM_SCHEMAS, SystemRelation, ViewContext, all, crdt_type, pg_constraint};
use crate::error::Result;
use crate::types::{names, typmod};

use DataType::{Int4, Name, Varchar};

pub(super) static RELATIONS: &[SystemRelation] = &[
    SystemRelation {
        schema: "information_schema",
        name: "schemata",
        columns: &[("catalog_name", Name), ("schema_name", Name), ("schema_owner", Name)],
        rows: schemata,
    },
    SystemRelation {
        schema: "information_schema",
        name: "tables",
        columns: &[
            ("table_catalog", Name),
            ("table_schema", Name),
            ("table_name", Name),
            ("table_type", Varchar),
            ("self_referencing_column_name", Name),
            ("reference_generation", Varchar),
            ("user_defined_type_catalog", Name),
            ("user_defined_type_schema", Name),
            ("user_defined_type_name", Name),
            ("is_insertable_into", Varchar),
            ("is_typed", Varchar),
            ("commit_action", Varchar),
        ],
        rows: tables,
    },
    SystemRelation {
        schema: "information_schema",
        name: "columns",
        columns: &[
            ("table_catalog", Name),
            ("table_schema", Name),
            ("table_name", Name),
            ("column_name", Name),
            ("ordinal_position", Int4),
            ("column_default", Varchar),
            ("is_nullable", Varchar),
            ("data_type", Varchar),
            ("character_maximum_length", Int4),
            ("character_octet_length", Int4),
            ("numeric_precision", Int4),
            ("numeric_precision_radix", Int4),
            ("numeric_scale", Int4),
            ("datetime_precision", Int4),
            ("domain_catalog", Name),
            ("domain_schema", Name),
            ("domain_name", Name),
            ("udt_catalog", Name),
            ("udt_schema", Name),
            ("udt_name", Name),
            ("is_identity", Varchar),
            ("is_generated", Varchar),
            ("is_updatable", Varchar),
        ],
        rows: columns,
    },
    SystemRelation {
        schema: "information_schema",
        name: "table_constraints",
        columns: &[
            ("constraint_catalog", Name),
            ("constraint_schema", Name),
            ("constraint_name", Name),
            ("table_catalog", Name),
            ("table_schema", Name),
            ("table_name", Name),
            ("constraint_type", Varchar),
            ("is_deferrable", Varchar),
            ("initially_deferred", Varchar),
            ("enforced", Varchar),
        ],
        rows: table_constraints,
    },
    SystemRelation {
        schema: "information_schema",
        name: "key_column_usage",
        columns: &[
            ("constraint_catalog", Name),
            ("constraint_schema", Name),
            ("constraint_name", Name),
            ("table_catalog", Name),
            ("table_schema", Name),
            ("table_name", Name),
            ("column_name", Name),
            ("ordinal_position", Int4),
            ("position_in_unique_constraint", Int4),
        ],
        rows: key_column_usage,
    },
];

fn schemata(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    let row = |name: &str| vec![text(&*ctx.session.database), text(name), text(&*ctx.session.user)];
    let system = SYSTEM_SCHEMAS.iter().map(|(name, _)| row(name));
    Ok(system.chain(ctx.txn.catalog().schemas().map(|schema| row(&schema.name))).collect())
}

fn tables(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    let row = |schema: &str, name: &str, kind: &str| {
        vec![
            text(&*ctx.session.database),
            text(schema),
            text(name),
            text(kind),
            Value::Null,
            Value::Null,
            Value::Null,
            Value::Null,
            Value::Null,
            yes_or_no(kind == "BASE TABLE"),
            yes_or_no(false),
            Value::Null,
        ]
    };
    let own = ctx.txn.catalog().tables().map(|table| row(&table.schema, &table.name, "BASE TABLE"));
    let views = ctx.txn.catalog().views().map(|view| row(&view.schema, &view.name, "VIEW"));
    let system = all().map(|(_, relation)| row(relation.schema, relation.name, "VIEW"));
    Ok(own.chain(views).chain(system).collect())
}

/// What the row of a column is made from.
struct Column<'a> {
    schema: &'a str,
    table: &'a str,
    name: &'a str,
    position: usize,
    default: Option<&'a str>,
    is_nullable: bool,
    column_type: ColumnType,
    domain: Option<String>,
    is_updatable: bool,
}

/// Precision, radix and scale of a number.
fn number_shape(column_type: ColumnType) -> (Value, Value, Value) {
    let shape = |precision: i32, radix: i32, scale: Value| (int4(precision), int4(radix), scale);
    match column_type.data_type {
        DataType::Int2 => shape(16, 2, int4(0)),
        DataType::Int4 => shape(32, 2, int4(0)),
        DataType::Int8 => shape(64, 2, int4(0)),
        DataType::Float4 => shape(24, 2, Value::Null),
        DataType::Float8 => shape(53, 2, Value::Null),
        DataType::Numeric => match typmod::numeric_precision_scale(column_type.typmod) {
            Some((precision, scale)) => shape(precision, 10, int4(scale)),
            None => (Value::Null, int4(10), Value::Null),
        },
        _ => (Value::Null, Value::Null, Value::Null),
    }
}

impl Column<'_> {
    fn row(self, database: &str) -> Row {
        let data_type = self.column_type.data_type;
        let is_bounded = matches!(data_type, DataType::Varchar | DataType::Bpchar);
        let length = if is_bounded { typmod::char_length(self.column_type.typmod) } else { None };
        let is_text = matches!(data_type, DataType::Text | DataType::Varchar | DataType::Bpchar);
        let octets = match length {
            Some(length) => count(length.saturating_mul(4)),
            None if is_text => int4(1_073_741_824),
            None => Value::Null,
        };
        let (precision, radix, scale) = number_shape(self.column_type);
        let time_precision = match data_type {
            DataType::Date => int4(0),
            DataType::TimestampTz if self.column_type.typmod >= 0 => int4(self.column_type.typmod),
            DataType::TimestampTz => int4(6),
            _ => Value::Null,
        };
        let is_domain = self.domain.is_some();
        vec![
            text(database),
            text(self.schema),
            text(self.table),
            text(self.name),
            count(self.position),
            text_or_null(self.default),
            yes_or_no(self.is_nullable),
            text(names::name(data_type, -1)),
            length.map_or(Value::Null, count),
            octets,
            precision,
            radix,
            scale,
            time_precision,
            if is_domain { text(database) } else { Value::Null },
            if is_domain { text("pg_catalog") } else { Value::Null },
            text_or_null(self.domain),
            text(database),
            text("pg_catalog"),
            text(names::catalog_name(data_type)),
            yes_or_no(false),
            text("NEVER"),
            yes_or_no(self.is_updatable),
        ]
    }
}

fn columns(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for table in ctx.txn.catalog().tables() {
        rows.extend(table.columns.iter().map(|column: &ColumnDef| {
            let column = Column {
                schema: &table.schema,
                table: &table.name,
                name: &column.name,
                position: usize::from(column.id.0),
                default: column.default.as_deref().filter(|_| column.identity.is_none()),
                is_nullable: !column.not_null,
                column_type: column.column_type,
                domain: crdt_type::of_column(column).map(|row| row.name()),
                is_updatable: true,
            };
            column.row(&ctx.session.database)
        }));
    }
    for view in ctx.txn.catalog().views() {
        rows.extend(view.columns.iter().zip(1..).map(|(viewed, position)| {
            let column = Column {
                schema: &view.schema,
                table: &view.name,
                name: &viewed.name,
                position,
                default: None,
                is_nullable: true,
                column_type: viewed.column_type,
                domain: None,
                is_updatable: false,
            };
            column.row(&ctx.session.database)
        }));
    }
    for (_, relation) in all() {
        rows.extend(relation.columns.iter().zip(1..).map(|((name, data_type), position)| {
            let column = Column {
                schema: relation.schema,
                table: relation.name,
                name,
                position,
                default: None,
                is_nullable: true,
                column_type: ColumnType { data_type: *data_type, typmod: -1 },
                domain: None,
                is_updatable: false,
            };
            column.row(&ctx.session.database)
        }));
    }
    Ok(rows)
}

fn table_constraints(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for table in ctx.txn.catalog().tables() {
        for constraint in pg_constraint::of_table(ctx, table) {
            let kind = match constraint.kind {
                "p" => "PRIMARY KEY",
                "u" => "UNIQUE",
                "f" => "FOREIGN KEY",
                _ => "CHECK",
            };
            rows.push(vec![
                text(&*ctx.session.database),
                text(&table.schema),
                text(constraint.name),
                text(&*ctx.session.database),
                text(&table.schema),
                text(&table.name),
                text(kind),
                yes_or_no(false),
                yes_or_no(false),
                yes_or_no(true),
            ]);
        }
    }
    Ok(rows)
}

fn key_column_usage(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for table in ctx.txn.catalog().tables() {
        for constraint in pg_constraint::of_table(ctx, table).into_iter().filter(|c| c.kind != "c") {
            let named = constraint.slots.iter().filter_map(|slot| table.columns.get(*slot));
            for (column, position) in named.zip(1..) {
                rows.push(vec![
                    text(&*ctx.session.database),
                    text(&table.schema),
                    text(constraint.name),
                    text(&*ctx.session.database),
                    text(&table.schema),
                    text(&table.name),
                    text(&column.name),
                    int4(position),
                    if constraint.kind == "f" { int4(position) } else { Value::Null },
                ]);
            }
        }
    }
    Ok(rows)
}
