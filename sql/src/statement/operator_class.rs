//! Operator classes of ordered indexes: how values of a type sort. There is one order a type; PostgreSQL's other classes
//! are accepted where they mean the same under the collation "C".

use heliosdb_storage::value::DataType;

use crate::bind::names::QualifiedName;
use crate::error::{Result, SqlError, SqlState};
use crate::types;

/// Classes by the oid of the type that they take; the first one of a type is its default.
const CLASSES: &[(u32, &str)] = &[
    (16, "bool_ops"),
    (17, "bytea_ops"),
    (18, "char_ops"),
    (19, "name_ops"),
    (20, "int8_ops"),
    (21, "int2_ops"),
    (23, "int4_ops"),
    (25, "text_ops"),
    (25, "text_pattern_ops"),
    (25, "varchar_ops"),
    (25, "varchar_pattern_ops"),
    (26, "oid_ops"),
    (700, "float4_ops"),
    (701, "float8_ops"),
    (1042, "bpchar_ops"),
    (1042, "bpchar_pattern_ops"),
    (1043, "text_ops"),
    (1043, "varchar_ops"),
    (1043, "text_pattern_ops"),
    (1043, "varchar_pattern_ops"),
    (1082, "date_ops"),
    (1083, "time_ops"),
    (1114, "timestamp_ops"),
    (1184, "timestamptz_ops"),
    (1186, "interval_ops"),
    (1266, "timetz_ops"),
    (1700, "numeric_ops"),
    (2950, "uuid_ops"),
    (3802, "jsonb_ops"),
];

/// Types that cannot be sorted.
const WITHOUT_ORDER: &[u32] = &[JSON, XID];
const JSON: u32 = 114;
const XID: u32 = 28;

/// Fails if values of the type cannot be sorted.
pub(super) fn judge_default(data_type: DataType) -> Result<()> {
    if !WITHOUT_ORDER.contains(&data_type.oid()) {
        return Ok(());
    }
    let name = types::name(data_type, -1);
    Err(SqlError::new(
        SqlState::UNDEFINED_OBJECT,
        format!("data type {name} has no default operator class for access method \"btree\""),
    )
    .with_hint(
        "You must specify an operator class for the index or define a default operator class for the data type.",
    ))
}

/// The class of a name, if it is not the type's default one; fails if it does not fit the type.
pub(super) fn named(name: &QualifiedName, data_type: DataType) -> Result<Option<String>> {
    let is_here = name.schema.as_deref().is_none_or(|schema| schema == "pg_catalog");
    if is_here && matches!(data_type, DataType::Array(_)) && name.name == "array_ops" {
        return Ok(None);
    }
    if is_here && matches!(data_type, DataType::Enum(_)) && name.name == "enum_ops" {
        return Ok(None);
    }
    let is_known = CLASSES.iter().any(|(_, class)| *class == name.name);
    if !is_here || !is_known {
        return Err(SqlError::new(
            SqlState::UNDEFINED_OBJECT,
            format!("operator class \"{}\" does not exist for access method \"btree\"", name.name),
        ));
    }
    let mut of_type = CLASSES.iter().filter(|(oid, _)| *oid == data_type.oid());
    let default = of_type.next();
    match default.into_iter().chain(of_type).find(|(_, class)| *class == name.name) {
        Some(found) if default == Some(found) || matches!(found.1, "varchar_ops") => Ok(None),
        Some(found) => Ok(Some(found.1.to_owned())),
        None => Err(SqlError::new(
            SqlState::DATATYPE_MISMATCH,
            format!("operator class \"{}\" does not accept data type {}", name.name, types::name(data_type, -1)),
        )),
    }
}
