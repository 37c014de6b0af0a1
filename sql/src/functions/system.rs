//! What a session can ask about itself and its server.

use heliosdb_storage::catalog::{CommentClass, CommentKey};
use heliosdb_storage::value::{DataType, Value};
use heliosdb_storage::{ColumnId, Oid, RelationId};

use super::{ScalarFunction, bad_arguments};
use crate::catalog_views::crdt_type;
use crate::error::Result;
use crate::eval::EvalContext;
use crate::types;

const T: DataType = DataType::Text;
const N: DataType = DataType::Name;
const O: DataType = DataType::Oid;
const I: DataType = DataType::Int4;
const B: DataType = DataType::Bool;

/// What `version()` says and `server_version` begins with.
pub const SERVER_VERSION: &str = "15.0";
/// `server_version_num`.
pub const SERVER_VERSION_NUM: i32 = 150_000;
/// The oid of the only user.
pub const USER_OID: u32 = 10;

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction::new("version", &[], T, version).stable(),
    ScalarFunction::new("current_database", &[], N, |ctx, _| Ok(Value::Text(ctx.session.database.clone()))).stable(),
    ScalarFunction::new("current_catalog", &[], N, |ctx, _| Ok(Value::Text(ctx.session.database.clone()))).stable(),
    ScalarFunction::new("current_user", &[], N, |ctx, _| Ok(Value::Text(ctx.session.user.clone()))).stable(),
    ScalarFunction::new("current_role", &[], N, |ctx, _| Ok(Value::Text(ctx.session.user.clone()))).stable(),
    ScalarFunction::new("session_user", &[], N, |ctx, _| Ok(Value::Text(ctx.session.user.clone()))).stable(),
    ScalarFunction::new("user", &[], N, |ctx, _| Ok(Value::Text(ctx.session.user.clone()))).stable(),
    ScalarFunction::new("current_schema", &[], N, current_schema).stable(),
    ScalarFunction::new("pg_backend_pid", &[], I, |ctx, _| Ok(Value::Int4(ctx.session.backend.pid))).stable(),
    ScalarFunction::new("pg_is_in_recovery", &[], B, |_, _| Ok(Value::Bool(false))).stable(),
    ScalarFunction::new("format_type", &[O, I], T, format_type).called_on_null().stable(),
    ScalarFunction::new("pg_get_userbyid", &[O], N, user_by_id).stable(),
    ScalarFunction::new("pg_encoding_to_char", &[I], N, encoding).stable(),
    // Every relation is in the search path so far.
    ScalarFunction::new("pg_table_is_visible", &[O], B, |_, _| Ok(Value::Bool(true))).stable(),
    ScalarFunction::new("pg_type_is_visible", &[O], B, |_, _| Ok(Value::Bool(true))).stable(),
    // Expressions are kept as text.
    ScalarFunction::new("pg_get_expr", &[T, O], T, |_, args| Ok(args.first().cloned().unwrap_or(Value::Null))).stable(),
    ScalarFunction::new("pg_get_expr", &[T, O, B], T, |_, args| Ok(args.first().cloned().unwrap_or(Value::Null)))
        .stable(),
    ScalarFunction::new("obj_description", &[O], T, obj_description).stable(),
    ScalarFunction::new("obj_description", &[O, N], T, obj_description).stable(),
    ScalarFunction::new("col_description", &[O, I], T, col_description).stable(),
    ScalarFunction::new("shobj_description", &[O, N], T, shobj_description).stable(),
    ScalarFunction::new("pg_get_viewdef", &[O], T, view_definition).stable(),
    ScalarFunction::new("pg_get_viewdef", &[O, B], T, view_definition).stable(),
    ScalarFunction::new("pg_get_viewdef", &[O, I], T, view_definition).stable(),
    ScalarFunction::new("gen_random_uuid", &[], DataType::Uuid, |_, _| Ok(Value::Uuid(uuid::Uuid::new_v4())))
        .volatile(),
];

fn version(_: &EvalContext<'_>, _: &[Value]) -> Result<Value> {
    Ok(Value::text(format!(
        "PostgreSQL {SERVER_VERSION} (HeliosDB Edge {}) on {}-{}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::ARCH,
        std::env::consts::OS
    )))
}

fn current_schema(ctx: &EvalContext<'_>, _: &[Value]) -> Result<Value> {
    Ok(ctx.session.path.named().first().map_or(Value::Null, |schema| Value::text(schema.as_str())))
}

fn format_type(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let (oid, modifier) = match args {
        [Value::Null, _] => return Ok(Value::Null),
        [Value::Oid(oid), Value::Int4(modifier)] => (*oid, *modifier),
        [Value::Oid(oid), Value::Null] => (*oid, -1),
        _ => return Err(bad_arguments("format_type", args)),
    };
    let data_type = DataType::from_oid(oid);
    Ok(match data_type {
        Some(data_type) => Value::text(types::reg::type_name(data_type, modifier, ctx.time)),
        None if oid == 0 => Value::text("-"),
        None if let Some(crdt) = crdt_type::by_oid(oid) => Value::text(crdt.name()),
        None => Value::text("???"),
    })
}

fn described(ctx: &EvalContext<'_>, oid: u32, class: CommentClass, column: u16) -> Value {
    let key = CommentKey { object: Oid(oid), class, column: ColumnId(column) };
    ctx.time.catalog.comment(key).map_or(Value::Null, Value::text)
}

fn obj_description(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let (oid, catalog) = match args {
        [Value::Oid(oid)] => (*oid, ""),
        [Value::Oid(oid), Value::Text(catalog)] => (*oid, &**catalog),
        _ => return Err(bad_arguments("obj_description", args)),
    };
    let classes: &[CommentClass] = match catalog {
        "" => &[CommentClass::Relation, CommentClass::Constraint, CommentClass::Other],
        "pg_class" => &[CommentClass::Relation],
        "pg_constraint" => &[CommentClass::Constraint],
        _ => &[CommentClass::Other],
    };
    let found = classes.iter().map(|class| described(ctx, oid, *class, 0)).find(|text| !text.is_null());
    Ok(found.unwrap_or(Value::Null))
}

fn col_description(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    match args {
        [Value::Oid(oid), Value::Int4(column)] => {
            let column = u16::try_from(*column).ok().filter(|column| *column > 0);
            Ok(column.map_or(Value::Null, |column| described(ctx, *oid, CommentClass::Relation, column)))
        }
        _ => Err(bad_arguments("col_description", args)),
    }
}

fn shobj_description(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    match args {
        [Value::Oid(oid), _] => Ok(described(ctx, *oid, CommentClass::Shared, 0)),
        _ => Err(bad_arguments("shobj_description", args)),
    }
}

fn view_definition(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    let Some(Value::Oid(oid)) = args.first() else { return Err(bad_arguments("pg_get_viewdef", args)) };
    let Some(view) = ctx.time.catalog.view(RelationId(*oid)) else { return Ok(Value::Null) };
    Ok(Value::text(crate::bind::view_text::definition(view, &ctx.time.catalog, &ctx.time.path)))
}

fn user_by_id(ctx: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    match args {
        [Value::Oid(USER_OID)] => Ok(Value::Text(ctx.session.user.clone())),
        [Value::Oid(oid)] => Ok(Value::text(format!("unknown (OID={oid})"))),
        _ => Err(bad_arguments("pg_get_userbyid", args)),
    }
}

fn encoding(_: &EvalContext<'_>, args: &[Value]) -> Result<Value> {
    match args {
        [Value::Int4(6)] => Ok(Value::text("UTF8")),
        _ => Ok(Value::text("")),
    }
}
