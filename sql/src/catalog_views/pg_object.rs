//! Objects other than tables: `pg_sequence`, `pg_sequences`, `pg_enum`, `pg_views`, `pg_description`,
//! `pg_depend`, `pg_shdescription`, and the rows of views, sequences and enums in `pg_class`, `pg_attribute` and `pg_type`.

use heliosdb_storage::Row;
use heliosdb_storage::catalog::{CommentClass, EnumDef, SequenceDef, ViewDef};
use heliosdb_storage::value::{DataType, Value};

use super::cell::{boolean, int4, oid32, text};
use super::{SystemRelation, ViewContext, view_definition};
use crate::error::Result;
use crate::functions::sequence;
use crate::types;

use DataType::{Bool, Char, Float4, Int4, Int8, Name, Oid, RegType, Text};

/// Oids of catalogs, as `pg_description.classoid` gives them.
const PG_CLASS: u32 = 1259;
const PG_CONSTRAINT: u32 = 2606;
const PG_NAMESPACE: u32 = 2615;
const PG_TYPE: u32 = 1247;
const PG_DATABASE: u32 = 1262;

pub(super) static RELATIONS: &[SystemRelation] = &[
    SystemRelation {
        schema: "pg_catalog",
        name: "pg_sequence",
        columns: &[
            ("seqrelid", Oid),
            ("seqtypid", Oid),
            ("seqstart", Int8),
            ("seqincrement", Int8),
            ("seqmax", Int8),
            ("seqmin", Int8),
            ("seqcache", Int8),
            ("seqcycle", Bool),
        ],
        rows: pg_sequence,
    },
    SystemRelation {
        schema: "pg_catalog",
        name: "pg_sequences",
        columns: &[
            ("schemaname", Name),
            ("sequencename", Name),
            ("sequenceowner", Name),
            ("data_type", RegType),
            ("start_value", Int8),
            ("min_value", Int8),
            ("max_value", Int8),
            ("increment_by", Int8),
            ("cycle", Bool),
            ("cache_size", Int8),
            ("last_value", Int8),
        ],
        rows: pg_sequences,
    },
    SystemRelation {
        schema: "pg_catalog",
        name: "pg_enum",
        columns: &[("oid", Oid), ("enumtypid", Oid), ("enumsortorder", Float4), ("enumlabel", Name)],
        rows: pg_enum,
    },
    SystemRelation {
        schema: "pg_catalog",
        name: "pg_views",
        columns: &[("schemaname", Name), ("viewname", Name), ("viewowner", Name), ("definition", Text)],
        rows: pg_views,
    },
    SystemRelation {
        schema: "pg_catalog",
        name: "pg_description",
        columns: &[("objoid", Oid), ("classoid", Oid), ("objsubid", Int4), ("description", Text)],
        rows: pg_description,
    },
    SystemRelation {
        schema: "pg_catalog",
        name: "pg_shdescription",
        columns: &[("objoid", Oid), ("classoid", Oid), ("description", Text)],
        rows: pg_shdescription,
    },
    SystemRelation {
        schema: "pg_catalog",
        name: "pg_depend",
        columns: &[
            ("classid", Oid),
            ("objid", Oid),
            ("objsubid", Int4),
            ("refclassid", Oid),
            ("refobjid", Oid),
            ("refobjsubid", Int4),
            ("deptype", Char),
        ],
        rows: pg_depend,
    },
    SystemRelation {
        schema: "information_schema",
        name: "sequences",
        columns: &[
            ("sequence_catalog", Name),
            ("sequence_schema", Name),
            ("sequence_name", Name),
            ("data_type", Text),
            ("numeric_precision", Int4),
            ("numeric_precision_radix", Int4),
            ("numeric_scale", Int4),
            ("start_value", Text),
            ("minimum_value", Text),
            ("maximum_value", Text),
            ("increment", Text),
            ("cycle_option", Text),
        ],
        rows: sequences,
    },
    SystemRelation {
        schema: "information_schema",
        name: "views",
        columns: &[
            ("table_catalog", Name),
            ("table_schema", Name),
            ("table_name", Name),
            ("view_definition", Text),
            ("check_option", Text),
            ("is_updatable", Text),
            ("is_insertable_into", Text),
            ("is_trigger_updatable", Text),
            ("is_trigger_deletable", Text),
            ("is_trigger_insertable_into", Text),
        ],
        rows: views,
    },
];

fn pg_sequence(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    let row = |sequence: &SequenceDef| {
        let options = &sequence.options;
        vec![
            oid32(sequence.id.0),
            oid32(sequence.data_type.oid()),
            Value::Int8(options.start),
            Value::Int8(options.increment),
            Value::Int8(options.max),
            Value::Int8(options.min),
            Value::Int8(options.cache),
            boolean(options.cycle),
        ]
    };
    Ok(ctx.txn.catalog().sequences().map(|sequence| row(sequence)).collect())
}

fn pg_sequences(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let mut time = types::ValueContext::utc();
    time.use_catalog(ctx.txn.catalog());
    for sequence in ctx.txn.catalog().sequences() {
        let options = &sequence.options;
        let last = match &ctx.session.sequences.store {
            Some(store) => Some(store.sequence_value(sequence)?.0).filter(|value| value.is_called),
            None => None,
        };
        rows.push(vec![
            text(&sequence.schema),
            text(&sequence.name),
            text(&*ctx.session.user),
            types::reg::value(sequence.data_type.oid(), RegType, &time),
            Value::Int8(options.start),
            Value::Int8(options.min),
            Value::Int8(options.max),
            Value::Int8(options.increment),
            boolean(options.cycle),
            Value::Int8(options.cache),
            last.map_or(Value::Null, |value| Value::Int8(value.last)),
        ]);
    }
    Ok(rows)
}

fn pg_enum(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    let rows = ctx.txn.catalog().enums().flat_map(|definition| {
        definition.labels.iter().map(|value| {
            vec![oid32(value.id.0), oid32(definition.id.0), Value::Float4(value.order), text(&value.label)]
        })
    });
    Ok(rows.collect())
}

fn pg_views(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    let own = ctx.txn.catalog().views().map(|view| {
        let definition = view_definition(view, ctx);
        vec![text(&view.schema), text(&view.name), text(&*ctx.session.user), text(definition)]
    });
    Ok(own.collect())
}

fn pg_description(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    let catalog = ctx.txn.catalog();
    let rows = catalog.comments().filter(|(key, _)| key.class != CommentClass::Shared).map(|(key, comment)| {
        let class = match key.class {
            CommentClass::Relation => PG_CLASS,
            CommentClass::Constraint => PG_CONSTRAINT,
            _ if catalog.enum_type(key.object).is_some() => PG_TYPE,
            _ => PG_NAMESPACE,
        };
        vec![oid32(key.object.0), oid32(class), int4(i32::from(key.column.0)), text(comment)]
    });
    Ok(rows.collect())
}

/// Sequences and the columns that they belong to; other dependencies are not listed.
fn pg_depend(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    let owned = ctx.txn.catalog().sequences().filter_map(|sequence| {
        let owner = sequence.owner?;
        Some(vec![
            oid32(PG_CLASS),
            oid32(sequence.id.0),
            int4(0),
            oid32(PG_CLASS),
            oid32(owner.table.0),
            int4(i32::from(owner.column.0)),
            text(if owner.is_identity { "i" } else { "a" }),
        ])
    });
    Ok(owned.collect())
}

fn pg_shdescription(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    let shared = ctx.txn.catalog().comments().filter(|(key, _)| key.class == CommentClass::Shared);
    Ok(shared.map(|(key, comment)| vec![oid32(key.object.0), oid32(PG_DATABASE), text(comment)]).collect())
}

fn sequences(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    let row = |sequence: &SequenceDef| {
        let options = &sequence.options;
        let bits = match sequence.data_type {
            DataType::Int2 => 16,
            DataType::Int4 => 32,
            _ => 64,
        };
        vec![
            text(&*ctx.session.database),
            text(&sequence.schema),
            text(&sequence.name),
            text(types::name(sequence.data_type, -1)),
            int4(bits),
            int4(2),
            int4(0),
            text(options.start.to_string()),
            text(options.min.to_string()),
            text(options.max.to_string()),
            text(options.increment.to_string()),
            text(if options.cycle { "YES" } else { "NO" }),
        ]
    };
    let is_identity = |sequence: &SequenceDef| sequence.owner.is_some_and(|owner| owner.is_identity);
    Ok(ctx.txn.catalog().sequences().filter(|sequence| !is_identity(sequence)).map(|s| row(s)).collect())
}

fn views(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    let row = |view: &ViewDef| {
        let mut row = vec![
            text(&*ctx.session.database),
            text(&view.schema),
            text(&view.name),
            text(view_definition(view, ctx)),
            text("NONE"),
        ];
        row.extend((0..5).map(|_| text("NO")));
        row
    };
    Ok(ctx.txn.catalog().views().map(|view| row(view)).collect())
}

/// A relation that is not a table, as `pg_class` lists it.
pub(super) struct OtherRelation<'a> {
    pub oid: u32,
    pub schema: &'a str,
    pub name: &'a str,
    pub kind: &'static str,
    /// Name, type and modifier of its columns.
    pub columns: Vec<(&'a str, DataType, i32)>,
}

/// The views and sequences.
pub(super) fn other_relations<'a>(ctx: &ViewContext<'a>) -> Vec<OtherRelation<'a>> {
    let views = ctx.txn.catalog().views().map(|view| {
        let columns = view.columns.iter();
        let columns = columns.map(|c| (c.name.as_str(), c.column_type.data_type, c.column_type.typmod)).collect();
        OtherRelation { oid: view.id.0, schema: &view.schema, name: &view.name, kind: "v", columns }
    });
    let sequences = ctx.txn.catalog().sequences().map(|sequence| OtherRelation {
        oid: sequence.id.0,
        schema: &sequence.schema,
        name: &sequence.name,
        kind: "S",
        columns: sequence::COLUMNS.iter().map(|function| (function.name, function.returns, -1)).collect(),
    });
    views.chain(sequences).collect()
}

/// The enums.
pub(super) fn enums<'a>(ctx: &ViewContext<'a>) -> impl Iterator<Item = &'a EnumDef> {
    ctx.txn.catalog().enums().map(AsRef::as_ref)
}
