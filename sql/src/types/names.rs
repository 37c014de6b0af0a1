//! Names, modifiers and oids of types.

use std::borrow::Cow;

use heliosdb_storage::value::DataType;

use super::typmod;

/// What `format_type` prints: the SQL name of a type with its modifier (-1 for none).
pub fn name(data_type: DataType, modifier: i32) -> Cow<'static, str> {
    if let DataType::Array(element) = data_type {
        return Cow::Owned(format!("{}[]", name(element.data_type(), modifier)));
    }
    let plain = sql_name(data_type);
    if modifier < 0 {
        return Cow::Borrowed(plain);
    }
    match data_type {
        DataType::Varchar | DataType::Bpchar => match typmod::char_length(modifier) {
            Some(length) => Cow::Owned(format!("{plain}({length})")),
            None => Cow::Borrowed(plain),
        },
        DataType::Numeric => match typmod::numeric_precision_scale(modifier) {
            Some((precision, scale)) => Cow::Owned(format!("{plain}({precision},{scale})")),
            None => Cow::Borrowed(plain),
        },
        DataType::Time => Cow::Owned(format!("time({modifier}) without time zone")),
        DataType::TimeTz => Cow::Owned(format!("time({modifier}) with time zone")),
        DataType::Timestamp => Cow::Owned(format!("timestamp({modifier}) without time zone")),
        DataType::TimestampTz => Cow::Owned(format!("timestamp({modifier}) with time zone")),
        DataType::Interval => Cow::Owned(format!("{plain}{}", typmod::interval_suffix(modifier))),
        _ => Cow::Borrowed(plain),
    }
}

/// Names of the types with a fixed oid: the type, what `format_type` prints, `pg_type.typname`.
const NAMES: &[(DataType, &str, &str)] = &[
    (DataType::Unknown, "unknown", "unknown"),
    (DataType::Bool, "boolean", "bool"),
    (DataType::Int2, "smallint", "int2"),
    (DataType::Int4, "integer", "int4"),
    (DataType::Int8, "bigint", "int8"),
    (DataType::Float4, "real", "float4"),
    (DataType::Float8, "double precision", "float8"),
    (DataType::Numeric, "numeric", "numeric"),
    (DataType::Text, "text", "text"),
    (DataType::Varchar, "character varying", "varchar"),
    (DataType::Bpchar, "character", "bpchar"),
    (DataType::Name, "name", "name"),
    (DataType::Char, "\"char\"", "char"),
    (DataType::Bytea, "bytea", "bytea"),
    (DataType::Uuid, "uuid", "uuid"),
    (DataType::Date, "date", "date"),
    (DataType::Time, "time without time zone", "time"),
    (DataType::TimeTz, "time with time zone", "timetz"),
    (DataType::Timestamp, "timestamp without time zone", "timestamp"),
    (DataType::TimestampTz, "timestamp with time zone", "timestamptz"),
    (DataType::Interval, "interval", "interval"),
    (DataType::Json, "json", "json"),
    (DataType::Jsonb, "jsonb", "jsonb"),
    (DataType::Oid, "oid", "oid"),
    (DataType::Xid, "xid", "xid"),
    (DataType::RegClass, "regclass", "regclass"),
    (DataType::RegType, "regtype", "regtype"),
    (DataType::RegProc, "regproc", "regproc"),
    (DataType::RegProcedure, "regprocedure", "regprocedure"),
    (DataType::RegOper, "regoper", "regoper"),
    (DataType::RegNamespace, "regnamespace", "regnamespace"),
    (DataType::RegRole, "regrole", "regrole"),
    (DataType::AclItem, "aclitem", "aclitem"),
    (DataType::PgNodeTree, "pg_node_tree", "pg_node_tree"),
    (DataType::Int2Vector, "int2vector", "int2vector"),
    (DataType::OidVector, "oidvector", "oidvector"),
    (DataType::Void, "void", "void"),
    (DataType::Record, "record", "record"),
    (DataType::AnyElement, "anyelement", "anyelement"),
    (DataType::AnyArray, "anyarray", "anyarray"),
    (DataType::AnyNonArray, "anynonarray", "anynonarray"),
    (DataType::AnyEnum, "anyenum", "anyenum"),
    (DataType::AnyCompatible, "anycompatible", "anycompatible"),
    (DataType::AnyCompatibleArray, "anycompatiblearray", "anycompatiblearray"),
    (DataType::Any, "\"any\"", "any"),
];

fn sql_name(data_type: DataType) -> &'static str {
    // The name of an enum is in the catalog.
    NAMES.iter().find(|(known, ..)| *known == data_type).map_or("enum", |(_, name, _)| *name)
}

/// The name in `pg_type.typname`.
pub fn catalog_name(data_type: DataType) -> Cow<'static, str> {
    match data_type {
        DataType::Array(element) => Cow::Owned(format!("_{}", catalog_name(element.data_type()))),
        _ => Cow::Borrowed(NAMES.iter().find(|(known, ..)| *known == data_type).map_or("enum", |(.., name)| *name)),
    }
}

/// A type by a lower-case name, SQL's or `pg_type`'s. `char` in quotes is `"char"`, without them `character`.
pub fn by_name(name: &str) -> Option<DataType> {
    if let Some(element) = name.strip_prefix('_').or_else(|| name.strip_suffix("[]")) {
        return by_name(element).and_then(DataType::array);
    }
    Some(match name {
        "int" => DataType::Int4,
        "float" => DataType::Float8,
        "decimal" | "dec" => DataType::Numeric,
        "char varying" => DataType::Varchar,
        "char" => DataType::Bpchar,
        _ => return NAMES.iter().find(|(_, sql, catalog)| *sql == name || *catalog == name).map(|(found, ..)| *found),
    })
}

/// The size of a value in `pg_type.typlen`: -1 for a varying one.
pub const fn type_length(data_type: DataType) -> i16 {
    match data_type {
        DataType::Bool | DataType::Char => 1,
        DataType::Int2 => 2,
        DataType::Int4
        | DataType::Oid
        | DataType::Xid
        | DataType::Date
        | DataType::Float4
        | DataType::RegClass
        | DataType::RegType
        | DataType::RegProc
        | DataType::RegProcedure
        | DataType::RegOper
        | DataType::RegNamespace
        | DataType::RegRole
        | DataType::Enum(_)
        | DataType::Void
        | DataType::AnyElement
        | DataType::AnyNonArray
        | DataType::AnyEnum
        | DataType::AnyCompatible
        | DataType::Any => 4,
        DataType::Int8 | DataType::Float8 | DataType::Time | DataType::Timestamp | DataType::TimestampTz => 8,
        DataType::TimeTz => 12,
        DataType::AclItem | DataType::Uuid | DataType::Interval => 16,
        DataType::Name => 64,
        DataType::Unknown => -2,
        DataType::Numeric
        | DataType::Text
        | DataType::Varchar
        | DataType::Bpchar
        | DataType::Bytea
        | DataType::Json
        | DataType::Jsonb
        | DataType::PgNodeTree
        | DataType::Int2Vector
        | DataType::OidVector
        | DataType::Record
        | DataType::Array(_)
        | DataType::AnyArray
        | DataType::AnyCompatibleArray => -1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_format_type() {
        let cases = [
            (DataType::Varchar, -1, "character varying"),
            (DataType::Varchar, 14, "character varying(10)"),
            (DataType::Numeric, -1, "numeric"),
            (DataType::Numeric, ((10 << 16) | 2) + 4, "numeric(10,2)"),
            (DataType::Numeric, ((3 << 16) | 2046) + 4, "numeric(3,-2)"),
            (DataType::TimestampTz, -1, "timestamp with time zone"),
            (DataType::TimestampTz, 3, "timestamp(3) with time zone"),
            (DataType::Char, -1, "\"char\""),
        ];
        for (data_type, modifier, expected) in cases {
            assert_eq!(name(data_type, modifier), expected);
        }
    }

    #[test]
    fn every_type_is_found_by_its_names_and_oid() {
        for data_type in DataType::fixed() {
            assert_eq!(by_name(&name(data_type, -1)), Some(data_type));
            let catalog_name = catalog_name(data_type);
            assert!(by_name(&catalog_name) == Some(data_type) || catalog_name == "char");
        }
        assert_eq!(by_name("_int4"), DataType::Int4.array());
        assert_eq!(by_name("money"), None);
    }
}
