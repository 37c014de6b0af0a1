//! Values and their types.
//!
//! A [`Value`] is what a column of a row holds and what an expression yields. Text forms (PostgreSQL's input and
//! output functions) and arithmetic live in the SQL crate; here is what storing, comparing and sorting needs.

pub mod codec;
pub(crate) mod compare;
pub mod data_type;
pub mod json;
pub mod numeric;
#[cfg(test)]
pub(crate) mod strategies;

use std::cmp::Ordering;
use std::sync::Arc;

pub use data_type::{ColumnType, DataType};
pub use json::Json;
pub use numeric::Numeric;

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
    /// `float8`
    Float8(f64),
    /// `numeric`
    Numeric(Box<Numeric>),
    /// `text`, `varchar`, `name` and other strings
    Text(Arc<str>),
    /// `uuid`
    Uuid(uuid::Uuid),
    /// `date`
    Date(Days),
    /// `timestamptz`
    TimestampTz(Micros),
    /// `jsonb`
    Jsonb(Arc<Json>),
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
            (Self::Float8(a), Self::Float8(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
            (Self::Numeric(a), Self::Numeric(b)) => a.is_identical(b),
            (Self::Jsonb(a), Self::Jsonb(b)) => a == b || a.to_string() == b.to_string(),
            (a, b) => a == b,
        }
    }

    /// Whether a column of the type can hold the value; NULL fits everywhere (see NOT NULL). Lengths and precisions were
    /// judged where the value was written.
    pub const fn fits(&self, data_type: DataType) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(_) => matches!(data_type, DataType::Bool),
            Self::Int2(_) => matches!(data_type, DataType::Int2),
            Self::Int4(_) => matches!(data_type, DataType::Int4),
            Self::Int8(_) => matches!(data_type, DataType::Int8 | DataType::Oid),
            Self::Float8(_) => matches!(data_type, DataType::Float8),
            Self::Numeric(_) => matches!(data_type, DataType::Numeric),
            Self::Text(_) => {
                matches!(data_type, DataType::Text | DataType::Varchar | DataType::Name | DataType::Char)
            }
            Self::Uuid(_) => matches!(data_type, DataType::Uuid),
            Self::Date(_) => matches!(data_type, DataType::Date),
            Self::TimestampTz(_) => matches!(data_type, DataType::TimestampTz),
            Self::Jsonb(_) => matches!(data_type, DataType::Jsonb),
        }
    }
}
