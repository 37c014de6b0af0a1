//! Names, modifiers and oids of types.

use std::borrow::Cow;

use heliosdb_storage::value::DataType;

use super::typmod;

/// All types, for look-ups and for `pg_type`.
pub const ALL: [DataType; 16] = [
    DataType::Bool,
    DataType::Char,
    DataType::Name,
    DataType::Int8,
    DataType::Int2,
    DataType::Int4,
    DataType::Text,
    DataType::Oid,
    DataType::Float8,
    DataType::Unknown,
    DataType::Varchar,
    DataType::Date,
    DataType::TimestampTz,
    DataType::Numeric,
    DataType::Uuid,
    DataType::Jsonb,
];

/// What `format_type` prints: the SQL name of a type with its modifier (-1 for none).
pub fn name(data_type: DataType, modifier: i32) -> Cow<'static, str> {
    let plain = sql_name(data_type);
    if modifier < 0 {
        return Cow::Borrowed(plain);
    }
    match data_type {
        DataType::Varchar => match typmod::varchar_length(modifier) {
            Some(length) => Cow::Owned(format!("{plain}({length})")),
            None => Cow::Borrowed(plain),
        },
        DataType::Numeric => match typmod::numeric_precision_scale(modifier) {
            Some((precision, scale)) => Cow::Owned(format!("{plain}({precision},{scale})")),
            None => Cow::Borrowed(plain),
        },
        DataType::TimestampTz => Cow::Owned(format!("timestamp({modifier}) with time zone")),
        _ => Cow::Borrowed(plain),
    }
}

const fn sql_name(data_type: DataType) -> &'static str {
    match data_type {
        DataType::Unknown => "unknown",
        DataType::Bool => "boolean",
        DataType::Int2 => "smallint",
        DataType::Int4 => "integer",
        DataType::Int8 => "bigint",
        DataType::Float8 => "double precision",
        DataType::Numeric => "numeric",
        DataType::Text => "text",
        DataType::Varchar => "character varying",
        DataType::Name => "name",
        DataType::Oid => "oid",
        DataType::Char => "\"char\"",
        DataType::Uuid => "uuid",
        DataType::Date => "date",
        DataType::TimestampTz => "timestamp with time zone",
        DataType::Jsonb => "jsonb",
    }
}

/// The name in `pg_type.typname`.
pub const fn catalog_name(data_type: DataType) -> &'static str {
    match data_type {
        DataType::Unknown => "unknown",
        DataType::Bool => "bool",
        DataType::Int2 => "int2",
        DataType::Int4 => "int4",
        DataType::Int8 => "int8",
        DataType::Float8 => "float8",
        DataType::Numeric => "numeric",
        DataType::Text => "text",
        DataType::Varchar => "varchar",
        DataType::Name => "name",
        DataType::Oid => "oid",
        DataType::Char => "char",
        DataType::Uuid => "uuid",
        DataType::Date => "date",
        DataType::TimestampTz => "timestamptz",
        DataType::Jsonb => "jsonb",
    }
}

/// A type by a lower-case name, SQL's or `pg_type`'s. `char` in quotes is `"char"`; the SQL type `char(n)` does not
/// exist here.
pub fn by_name(name: &str) -> Option<DataType> {
    Some(match name {
        "unknown" => DataType::Unknown,
        "bool" | "boolean" => DataType::Bool,
        "int2" | "smallint" => DataType::Int2,
        "int4" | "int" | "integer" => DataType::Int4,
        "int8" | "bigint" => DataType::Int8,
        "float8" | "double precision" | "float" => DataType::Float8,
        "numeric" | "decimal" | "dec" => DataType::Numeric,
        "text" => DataType::Text,
        "varchar" | "character varying" | "char varying" => DataType::Varchar,
        "name" => DataType::Name,
        "oid" => DataType::Oid,
        "\"char\"" => DataType::Char,
        "uuid" => DataType::Uuid,
        "date" => DataType::Date,
        "timestamptz" | "timestamp with time zone" => DataType::TimestampTz,
        "jsonb" => DataType::Jsonb,
        _ => return None,
    })
}

/// A type by its oid in `pg_type`.
pub fn by_oid(oid: u32) -> Option<DataType> {
    ALL.into_iter().find(|data_type| data_type.oid() == oid)
}

/// The size of a value in `pg_type.typlen`: -1 for a varying one.
pub const fn type_length(data_type: DataType) -> i16 {
    match data_type {
        DataType::Bool | DataType::Char => 1,
        DataType::Int2 => 2,
        DataType::Int4 | DataType::Oid | DataType::Date => 4,
        DataType::Int8 | DataType::Float8 | DataType::TimestampTz => 8,
        DataType::Uuid => 16,
        DataType::Name => 64,
        DataType::Unknown => -2,
        DataType::Numeric | DataType::Text | DataType::Varchar | DataType::Jsonb => -1,
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
        for data_type in ALL {
            assert_eq!(by_name(&name(data_type, -1)), Some(data_type));
            assert_eq!(by_oid(data_type.oid()), Some(data_type));
        }
        assert_eq!(by_oid(0), None);
        assert_eq!(by_name("money"), None);
    }
}
