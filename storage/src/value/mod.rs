//! Values and their types.
//!
//! A [`Value`] is what a column of a row holds and what an expression yields. Text forms (PostgreSQL's input and
//! output functions) and arithmetic live in the SQL crate; here is what storing, comparing and sorting needs.

pub mod array;
pub mod codec;
pub(crate) mod compare;
pub mod data_type;
pub mod interval;
pub mod json;
pub mod named;
pub mod numeric;
pub mod record;
#[cfg(test)]
pub(crate) mod strategies;

use std::cmp::Ordering;
use std::sync::Arc;

pub use array::{Array, Dimension};
pub use data_type::{ColumnType, DataType, ElementType};
pub use interval::Interval;
pub use json::Json;
pub use named::{EnumLabel, RegObject};
pub use numeric::Numeric;
pub use record::{Record, RecordShape};

/// Days since 2000-01-01, as PostgreSQL counts them; `i32::MIN` and `i32::MAX` are -infinity and infinity.
pub type Days = i32;

/// Microseconds since 2000-01-01 00:00:00 UTC, as PostgreSQL counts them; the extremes are the infinities.
pub type Micros = i64;

/// A value of one of the types of [`DataType`], or NULL.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// NULL, of any type.
    Null,
    /// `bool`
    Bool(bool),
    /// `int2`
    Int2(i16),
    /// `int4`
    Int4(i32),
    /// `int8`
    Int8(i64),
    /// `float4`
    Float4(f32),
    /// `float8`
    Float8(f64),
    /// `numeric`
    Numeric(Box<Numeric>),
    /// `text`, `varchar`, `name` and other strings
    Text(Arc<str>),
    /// `char(n)`, with the blanks that fill it up; they count for nothing in comparisons
    Bpchar(Arc<str>),
    /// `bytea`
    Bytea(Arc<[u8]>),
    /// `uuid`
    Uuid(uuid::Uuid),
    /// `date`
    Date(Days),
    /// `time`: microseconds since midnight
    Time(Micros),
    /// `timetz`: microseconds since midnight there, and how many seconds the zone is east of Greenwich
    TimeTz(Micros, i32),
    /// `timestamp`: as `timestamptz`, by a clock that knows no zone
    Timestamp(Micros),
    /// `timestamptz`
    TimestampTz(Micros),
    /// `interval`
    Interval(Interval),
    /// `json`: its text
    Json(Arc<str>),
    /// `jsonb`
    Jsonb(Arc<Json>),
    /// `oid` and `xid`
    Oid(u32),
    /// `regclass` and its kin
    Reg(Arc<RegObject>),
    /// A label of an enum
    Enum(Arc<EnumLabel>),
    /// An array
    Array(Arc<Array>),
    /// A row value
    Record(Arc<Record>),
}

impl Value {
    /// A string value.
    pub fn text(s: impl Into<Arc<str>>) -> Self {
        Self::Text(s.into())
    }

    /// Whether this is NULL.
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// PostgreSQL's order of two values of one type; NULL sorts last, NaN above all numbers, text by bytes (the "C"
    /// collation). Integers of different widths compare by value; other pairs of different types are the caller's
    /// error and sort by type.
    pub fn compare(&self, other: &Self) -> Ordering {
        compare::compare(self, other)
    }

    /// Whether nothing tells the two values apart: of the same type, equal, and printed alike (`1.5` and `1.50` are equal
    /// but not identical; so are the two zeros of `float8`). NULL is identical to NULL, NaN to NaN.
    pub fn is_identical(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Float4(a), Self::Float4(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
            (Self::Float8(a), Self::Float8(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
            (Self::Numeric(a), Self::Numeric(b)) => a.is_identical(b),
            (Self::Jsonb(a), Self::Jsonb(b)) => a == b || a.to_string() == b.to_string(),
            (Self::Array(a), Self::Array(b)) => a.is_identical(b),
            (Self::Record(a), Self::Record(b)) => a.is_identical(b),
            (a, b) => a == b,
        }
    }

    /// Whether a column of the type can hold the value; NULL fits everywhere (see NOT NULL). Lengths and precisions were
    /// judged where the value was written.
    pub fn fits(&self, data_type: DataType) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(_) => matches!(data_type, DataType::Bool),
            Self::Int2(_) => matches!(data_type, DataType::Int2),
            Self::Int4(_) => matches!(data_type, DataType::Int4),
            Self::Int8(_) => matches!(data_type, DataType::Int8),
            Self::Float4(_) => matches!(data_type, DataType::Float4),
            Self::Float8(_) => matches!(data_type, DataType::Float8),
            Self::Numeric(_) => matches!(data_type, DataType::Numeric),
            Self::Text(_) => {
                data_type.is_string() || matches!(data_type, DataType::AclItem | DataType::PgNodeTree | DataType::Void)
            }
            Self::Bpchar(_) => matches!(data_type, DataType::Bpchar),
            Self::Bytea(_) => matches!(data_type, DataType::Bytea),
            Self::Uuid(_) => matches!(data_type, DataType::Uuid),
            Self::Date(_) => matches!(data_type, DataType::Date),
            Self::Time(_) => matches!(data_type, DataType::Time),
            Self::TimeTz(..) => matches!(data_type, DataType::TimeTz),
            Self::Timestamp(_) => matches!(data_type, DataType::Timestamp),
            Self::TimestampTz(_) => matches!(data_type, DataType::TimestampTz),
            Self::Interval(_) => matches!(data_type, DataType::Interval),
            Self::Json(_) => matches!(data_type, DataType::Json),
            Self::Jsonb(_) => matches!(data_type, DataType::Jsonb),
            Self::Oid(_) => matches!(data_type, DataType::Oid | DataType::Xid),
            Self::Reg(_) => data_type.is_reg(),
            Self::Enum(label) => data_type == DataType::Enum(label.enum_type),
            Self::Array(array) => data_type.element() == Some(array.element()),
            Self::Record(_) => matches!(data_type, DataType::Record),
        }
    }
}
