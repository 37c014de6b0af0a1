//! The types a value can have.

use serde::{Deserialize, Serialize};

/// A type of the SQL dialect. Its number in `pg_type` is [`DataType::oid`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataType {
    /// The type of a literal or parameter before it is known; PostgreSQL's `unknown`.
    Unknown,
    /// `boolean`
    Bool,
    /// `smallint` (in the catalog; not yet for columns)
    Int2,
    /// `integer`
    Int4,
    /// `bigint`
    Int8,
    /// `double precision`
    Float8,
    /// `numeric`
    Numeric,
    /// `text`
    Text,
    /// `character varying`
    Varchar,
    /// `name`, of the catalog's columns
    Name,
    /// `oid`, of the catalog's columns; a [`super::Value::Int8`]
    Oid,
    /// `"char"`, of the catalog's columns; a [`super::Value::Text`] of one byte
    Char,
    /// `uuid`
    Uuid,
    /// `date`
    Date,
    /// `timestamp with time zone`
    TimestampTz,
    /// `jsonb`
    Jsonb,
}

impl DataType {
    /// PostgreSQL's oid of the type.
    pub const fn oid(self) -> u32 {
        match self {
            Self::Unknown => 705,
            Self::Bool => 16,
            Self::Int2 => 21,
            Self::Int4 => 23,
            Self::Int8 => 20,
            Self::Float8 => 701,
            Self::Numeric => 1700,
            Self::Text => 25,
            Self::Varchar => 1043,
            Self::Name => 19,
            Self::Oid => 26,
            Self::Char => 18,
            Self::Uuid => 2950,
            Self::Date => 1082,
            Self::TimestampTz => 1184,
            Self::Jsonb => 3802,
        }
    }
}

/// A column's type with its modifier.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct ColumnType {
    /// The type of the values (what a CRDT column reads as).
    pub data_type: DataType,
    /// PostgreSQL's `atttypmod`: -1 for none, length + 4 for `varchar(n)`, ((p << 16) | s) + 4 for `numeric(p, s)`.
    pub typmod: i32,
}
